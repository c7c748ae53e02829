"""A queue is cleared, a domain deleted, messages cancelled and moved, while the real program delivers.

SPDX-License-Identifier: Apache-2.0"""
import threading
import time

import pytest

from gateway import wait_for

ENDS = {"delivered", "failed", "bounced"}


class Slow:
    """A host that answers no RCPT before it is let go."""

    def __init__(self, world, domain):
        self.busy, self.go = threading.Event(), threading.Event()
        self.sink = world.sink("127.0.0.50", answers=[self.answer] * 100)
        world.zone.mx(domain, "127.0.0.50")

    def answer(self, address):
        self.busy.set()
        self.go.wait(60)
        return "250 2.1.5 OK"


def bearer(tenant):
    return {"Authorization": f"Bearer {tenant.api_key}"}


def states(gateway, tenant, **filters):
    """State of every message of one recipient, by its id."""
    found, cursor = {}, ""
    while True:
        query = "&".join(f"{k}={v}" for k, v in {**filters, **({"Cursor": cursor} if cursor else {})}.items())
        status, _, page = gateway.request("GET", f"/api/v1/messages?{query}", headers=bearer(tenant))
        assert status == 200, page
        found.update({m["MessageID"]: next(iter(m["States"])) for m in page["Messages"]})
        cursor = page["Cursor"]
        if not cursor:
            return found


@pytest.mark.parametrize("command", ["EmailGateway.ClearDomainQueue", "EmailGateway.DeleteDomain"])
def test_what_is_in_flight_is_finished_and_the_rest_fails(world, command):
    """P1, P2: counts, states, events and what the host took all agree."""
    slow = Slow(world, "slow.test")
    gateway = world.start()
    tenant, other = gateway.tenant("shop.test"), gateway.tenant("other.test")
    ids = [gateway.sent(tenant.key, to=f"user{i}@slow.test") for i in range(30)]
    ids.append(gateway.sent(tenant.key, to="later@slow.test", SendAt=int(time.time()) + 3600))
    theirs = gateway.sent(other.key, to="theirs@slow.test", sender="a@other.test")
    assert slow.busy.wait(60)
    answer = gateway.api(command, APIKey=tenant.api_key, DomainID=tenant.domain_id)
    assert answer["Success"], answer
    slow.go.set()
    wait_for(lambda: len(states(gateway, tenant)) == 31 and set(states(gateway, tenant).values()) <= ENDS, what="all ends")
    wait_for(lambda: states(gateway, other)[theirs] == "delivered", what="the other tenant's mail")
    ends = states(gateway, tenant)
    delivered = [i for i in ids if ends[i] == "delivered"]
    assert delivered and ends[ids[-1]] == "failed"
    assert answer["Cleared"] == 31 - len(delivered)
    taken = [m.recipients[0] for m in slow.sink.mails]
    assert len(taken) == len(set(taken)) == len(delivered) + 1, "nobody twice, and nobody that is told to have failed"
    for i in ids:
        shown = gateway.request("GET", f"/api/v1/messages/{i}", headers=bearer(tenant))[2]["Message"]
        events = [e["EventType"] for e in shown["Recipients"][0]["Events"]]
        assert events == ["send", "delivery" if i in delivered else "failed"]
    if command == "EmailGateway.ClearDomainQueue":
        again = gateway.sent(tenant.key, to="again@slow.test")
        wait_for(lambda: states(gateway, tenant)[again] == "delivered", what="the domain to go on")
    else:
        assert gateway.send(tenant.key, to="again@slow.test")[0] == 401
        assert len(states(gateway, tenant, DomainID=tenant.domain_id)) == 31


def test_a_scheduled_message_is_cancelled_and_moved(world):
    """Decision 27; the command line says the same."""
    sink = world.sink("127.0.0.51")
    world.zone.mx("there.test", "127.0.0.51")
    gateway = world.start()
    tenant = gateway.tenant("shop.test")
    at = int(time.time()) + 3600
    cancelled, moved, listed = (gateway.sent(tenant.key, to=f"{n}@there.test", SendAt=at) for n in ("cancelled", "moved", "listed"))
    status, _, answer = gateway.request("DELETE", f"/api/v1/messages/{cancelled}", headers=bearer(tenant))
    assert (status, answer["Cancelled"]) == (200, 1)
    assert gateway.request("DELETE", f"/api/v1/messages/{cancelled}", headers=bearer(tenant))[0] == 409
    status, _, answer = gateway.request("PATCH", f"/api/v1/messages/{moved}", {"SendAt": int(time.time()) + 2}, bearer(tenant))
    assert (status, answer["Moved"]) == (200, 1)
    wait_for(lambda: sink.to("moved@there.test"), what="the message at its new time")
    assert "there.test" in gateway.cli("message", "show", listed).stdout.decode()
    assert listed in gateway.cli("message", "list", "--state", "scheduled").stdout.decode()
    assert gateway.cli("message", "move", listed, "--at", str(at + 60)).stdout.startswith(b"1 moved to ")
    assert gateway.cli("message", "cancel", listed).stdout == b"1 cancelled.\n"
    assert gateway.cli("queue", "clear", "shop.test").stdout == b"0 failed.\n"
    assert gateway.event_types(tenant.key, cancelled) == ["send", "failed"]
    assert len(sink.mails) == 1
    gateway.stop()
    again = gateway.cli("message", "list", "--state", "cancelled").stdout.decode()  # without a server
    assert cancelled in again and listed in again and moved not in again
    gateway.start()


def test_P1_a_cut_off_holds_over_a_kill(world):
    """Cleared, answered, killed at once: nothing of it is delivered by the next life, each has its event."""
    sink = world.sink("127.0.0.52")
    world.zone.mx("many.test", "127.0.0.52")
    gateway = world.start()
    tenant = gateway.tenant("shop.test")
    at = int(time.time()) + 8
    for i in range(15):
        gateway.sent(tenant.key, to=[{"email": f"u{i}-{k}@many.test", "name": "U"} for k in range(100)], SendAt=at)
    answer = gateway.api("EmailGateway.ClearDomainQueue", APIKey=tenant.api_key, DomainID=tenant.domain_id)
    assert answer["Cleared"] == 1500
    gateway.kill()
    gateway.start()
    after = gateway.sent(tenant.key, to="after@many.test", SendAt=at)
    wait_for(lambda: sink.to("after@many.test"), what="what was accepted after the cut-off")
    wait_for(lambda: gateway.cli_json("queue", "top")["Total"] == 0, what="the end of all")
    assert len(sink.mails) == 1
    assert gateway.rows("SELECT state, count(*) FROM recipients GROUP BY state ORDER BY state") == [("3", "1"), ("5", "1500")]
    assert gateway.rows("SELECT count(*) FROM events WHERE type = (SELECT type FROM events WHERE detail LIKE '%was cleared%' LIMIT 1)") == [("1500",)]
    assert after
