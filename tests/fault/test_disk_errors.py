"""A disk that fails or is full (strace injects the errors): never a 200 for a message that is not there (P7).

SPDX-License-Identifier: Apache-2.0"""
import http.client
import os
import shutil
import sqlite3

import pytest

from gateway import Gateway, wait_for

CASES = [
    ("pwrite64", "ENOSPC"), ("pwrite64", "EIO"), ("fdatasync", "EIO"), ("fdatasync", "ENOSPC"), ("ftruncate", "EIO"),
    ("pread64", "EIO"),
]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("call,error", CASES)
def test_p7_no_success_without_the_message_on_disk(call, error, full, monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")  # LeakSanitizer cannot work under another tracer
    with Gateway(**{"delivery.mode": "live", "delivery.hostname": "mx.test", "dns.servers": "127.0.0.1@9"}) as gateway:
        tenant = gateway.tenant("shop.test")
    trouble = 0
    # strace counts in each thread: the first few calls are the main thread's at start, later ones the writer's and the readers'
    starts = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144) if full else (1, 8, 21)
    for start, step in [(s, "+3") for s in starts] + [(s, "") for s in starts if s > 5]:  # again and again, or once
        acknowledged, refused = [], 0
        gateway.wrapper = ["strace", "-D", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={start}{step}"]
        gateway.start(ready=False)
        wait_for(lambda: gateway.is_ready() or gateway.process.poll() is not None, what="a start or a refusal to")
        for i in range(30):
            if gateway.process.poll() is not None:
                break
            try:
                status, answer = gateway.send(tenant.key, to=f"u{i}@example.org")
            except (OSError, http.client.HTTPException):
                refused += 1  # the process is ending; its death comes in a moment
                continue
            if status == 200:
                acknowledged.append(answer["MessageID"])
            else:
                assert status in (500, 503, 507), (status, answer)
                refused += 1
        ended = gateway.process.poll() is not None
        trouble += bool(refused or ended)
        if not ended:
            gateway.process.terminate()
        gateway.process.wait(60)
        gateway.process, gateway.wrapper = None, []
        database = sqlite3.connect(gateway.database())
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        stored = {row[0] for row in database.execute("select lower(hex(uuid)) from messages")}
        database.close()
        missing = [m for m in acknowledged if m.replace("-", "") not in stored]
        assert not missing, f"{call} {error} at call {start}{step}: {len(missing)} of {len(acknowledged)} acknowledged are gone"
    assert trouble or call == "ftruncate", "no error was ever injected"
    with gateway:
        gateway.sent(tenant.key, to="after@example.org")  # and it works again
    shutil.rmtree(gateway.folder, ignore_errors=True)
