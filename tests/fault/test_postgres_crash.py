"""PostgreSQL crashes under load and comes back: nothing acknowledged is lost (P1, P7), and the gateway goes on or ends saying why.

SPDX-License-Identifier: Apache-2.0"""
import json
import shutil
import threading
import time
from pathlib import Path

import pytest

from counting_sink import CountingSink
from gateway import Gateway, wait_for
from postgres import Postgres
from test_kill import ByHttp, Sender
from zone import Zone


def is_empty(gateway):
    """A reader may still find out that its connection went with the crash, and answers 503 to that."""
    shown = gateway.cli("queue", "top", "--json", check=False)
    return shown.returncode == 0 and json.loads(shown.stdout)["Total"] == 0



@pytest.mark.skipif(not list(Path("/usr/lib/postgresql").glob("*/bin")), reason="needs PostgreSQL")
def test_p1_p7_a_crash_of_the_database_loses_nothing(full):
    server, zone, sink = Postgres(), Zone(), CountingSink()
    zone.mx("example.org", "127.0.0.1")
    gateway = Gateway(database=server.fresh(), **{"delivery.mode": "live", "delivery.port": sink.port, "delivery.allow_private": "yes",
                                                  "dns.servers": zone.server, "delivery.retry": "1s", "log.level": "error"})
    gateway.start()
    tenant = gateway.tenant("shop.test")
    acknowledged, lock = set(), threading.Lock()
    senders = [Sender(ByHttp(gateway.port, tenant.key), n, acknowledged, lock, lambda: 20000) for n in range(2)]
    for sender in senders:
        sender.start()
    went_on = ended = 0
    for _ in range(12 if full else 2):
        before = len(acknowledged)
        wait_for(lambda: len(acknowledged) > before + 50, what="messages to be accepted")
        server.crash()
        time.sleep(0.2)  # of being refused
        server.start()
        reached = len(acknowledged)
        wait_for(lambda: len(acknowledged) > reached or gateway.process.poll() is not None, what="the gateway to go on or to end")
        if gateway.process.poll() is None:
            went_on += 1
            continue
        ended += 1  # the outcome of a commit was unknown
        assert gateway.process.returncode == 1 and "store.lost" in gateway.log.read_text()
        gateway.start()
    for sender in senders:
        sender.stop = True
        sender.join(60)
    wait_for(lambda: is_empty(gateway), 300, "the queue to drain")
    gateway.stop()
    lost = [r for r in acknowledged if not sink.arrived[r]]
    print(f"{len(acknowledged)} acknowledged, {went_on} times it went on, {ended} times it ended, {len(lost)} lost")
    assert not lost, lost[:10]
    assert not [s.wrong for s in senders if s.wrong]
    sink.close()
    zone.close()
    server.close()
    shutil.rmtree(gateway.folder, ignore_errors=True)
