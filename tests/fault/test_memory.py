"""P8: more request bodies at once than memory is meant for are refused, the others flow, and what they took is given back.

SPDX-License-Identifier: Apache-2.0"""
import re
import socket
from pathlib import Path

from gateway import Gateway, wait_for

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
