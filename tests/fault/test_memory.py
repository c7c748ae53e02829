"""P8: more request bodies at once than memory is meant for are refused, the others flow, and what they took is given back.

SPDX-License-Identifier: Apache-2.0"""
import collections
import gzip
import http.client
import json
import re
import socket
import threading
from pathlib import Path

import pytest

from gateway import Gateway, mail, wait_for

SENDERS, BODY = 80, 10_000_000


def memory_mb(gateway, what):
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+)", status)[1]) // 1024


def is_sanitized(gateway):
    return "libasan" in Path(f"/proc/{gateway.process.pid}/maps").read_text()


def push(sockets, left, refused):
    """A piece on each connection that takes it; those that were answered leave."""
    for s in list(left):
        try:
            left[s] -= s.send(b"x" * min(65536, left[s] - 1))  # never the last byte
        except BlockingIOError:
            pass
        except OSError:
            left.pop(s)
            continue
        try:
            answer = s.recv(4096)
        except BlockingIOError:
            continue
        except OSError:
            answer = b""
        refused.append(answer[9:12])
        left.pop(s)


def test_p8_bodies_beyond_the_budget_are_refused_and_others_flow():
    with Gateway(**{"log.level": "warn"}) as gateway:
        tenant = gateway.tenant("shop.test")
        head = (f"POST /api/v1/email HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer {tenant.key}\r\n"
                f"Content-Length: {BODY}\r\n\r\n").encode()
        sockets = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(SENDERS)]
        left, refused = {s: BODY for s in sockets}, []
        for s in sockets:
            s.sendall(head)
            s.setblocking(False)
        wait_for(lambda: push(sockets, left, refused) or all(n <= 1 for n in left.values()), 120, "all to have sent or been refused")
        assert refused.count(b"503") >= SENDERS // 2, refused  # 256 MB hold 25 of 80 at most
        gateway.sent(tenant.key, to="other@example.org")
        for s in sockets:
            s.close()
        if not is_sanitized(gateway):
            assert memory_mb(gateway, "VmHWM") < 400
            wait_for(lambda: memory_mb(gateway, "VmRSS") < 100, what="memory to be given back")


# Many calls at once, each near what one call may be: (how many, how many at a time, method and path, body).
def large(i):
    return mail(Attachments=[{"filename": "a.bin", "content": "A" * (38 << 20)}])


def batch(i):
    return {"Messages": [mail(to=f"u{i}-{k}@there.test") for k in range(1000)]}


def values(i):
    return mail(Data={"list": [1] * 120000})


def list_send(i):
    return mail(To=None, TargetListID=1, PlainContent="x" * 60000, Subject=f"{{{{Email}}}} {i}")


def csv(i):
    return {"Content": "Email,Note\n" + "".join(f"s{k}@there.test,{'n' * 100}\n" for k in range(100000))}


STORMS = {
    "large": (200, 60, "/api/v1/email", large), "gzip": (400, 100, "/api/v1/email", large), "batch": (60, 60, "/api/v1/email/batch", batch),
    "values": (300, 100, "/api/v1/email", values), "list": (40, 20, "/api/v1/email", list_send), "import": (40, 20, "/api/v1/lists/1/import", csv),
}


@pytest.mark.parametrize("storm", STORMS)
def test_p8_many_calls_at_the_limit(storm, full):
    """Memory stays bounded, whoever is refused is told so, and another tenant's mail goes through."""
    count, at_once, path, body = STORMS[storm]
    with Gateway(**{"log.level": "error", "delivery.mode": "live", "dns.servers": "127.0.0.1@9"}) as gateway:
        tenant, other = gateway.tenant("shop.test"), gateway.tenant("other.test")
        user = {"Authorization": f"Bearer {tenant.api_key}"}
        fill_list(gateway, user)
        text = json.dumps({k: v for k, v in body(0).items() if v is not None}).encode()
        headers = {"Content-Type": "application/json", **(user if storm == "import" else {"Authorization": f"Bearer {tenant.key}"})}
        if storm == "gzip":
            text, headers["Content-Encoding"] = gzip.compress(text, 1), "gzip"
        todo, seen = list(range(count if full else count // 4)), collections.Counter()

        def caller():
            while todo:
                try:
                    todo.pop()
                    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=300)
                    connection.request("POST", path, text, headers)
                    seen[connection.getresponse().status] += 1
                except (OSError, IndexError):
                    seen["cut"] += 1  # refused before all was sent
                finally:
                    connection.close()

        callers = [threading.Thread(target=caller) for _ in range(at_once)]
        for c in callers:
            c.start()
        served = 0
        while served < 3 or any(c.is_alive() for c in callers):
            assert gateway.send(other.key, to="reader@there.test", sender="a@other.test")[0] == 200
            served += 1
        print(storm, dict(seen), f"{served} of another tenant's, {memory_mb(gateway, 'VmHWM')} MB at most, {memory_mb(gateway, 'VmRSS')} MB now")
        assert set(seen) <= {200, 202, 413, 429, 503, "cut"}, seen
        wait_for(lambda: gateway.raw("POST", path, headers, text)[0] in (200, 202), what="one alone to be taken: all was given back")
        if not is_sanitized(gateway):
            assert memory_mb(gateway, "VmHWM") < 700


def fill_list(gateway, user):
    assert gateway.request("POST", "/api/v1/lists", {"Name": "L"}, user)[2]["ListID"] in (1, "1")
    content = "Email\n" + "".join(f"s{i}@there.test\n" for i in range(1000))
    job = gateway.request("POST", "/api/v1/lists/1/import", {"Content": content}, user)[2]["ImportID"]
    wait_for(lambda: gateway.request("GET", f"/api/v1/imports/{job}", headers=user)[2]["ImportJob"]["ImportStatus"] == "Completed")
