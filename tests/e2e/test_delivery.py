"""Deliveries to several domains, servers and moods: order of MX, retries, bounces, connection reuse, and what events say.

SPDX-License-Identifier: Apache-2.0"""
import pytest

from gateway import wait_for


def finished(gateway, tenant, ids):
    ends = {"delivery", "bounce", "failed"}
    return lambda: all(ends & set(gateway.event_types(tenant.key, i)) for i in ids)


def test_twenty_sends_to_five_domains_with_two_mx_each(world):
    """Issue: one MX dead, one answers 4xx twice then 250, one 550; right events, right retries, right order of MX."""
    greylist = ["451 4.7.1 try later"] * 8
    first = {n: world.sink(f"127.0.0.{10 + n}") for n in (0, 1, 4)}
    first[2] = world.sink("127.0.0.12", answers=greylist)
    first[3] = world.sink("127.0.0.13", answers=["550 5.1.1 no such user"] * 4)
    # Domain 1's first MX is dead: nothing listens on 127.0.0.31.
    second = {n: world.sink(f"127.0.0.{20 + n}") for n in range(5)}
    second[2].answers = []
    for n in range(5):
        world.zone.mx(f"d{n}.test", "127.0.0.31" if n == 1 else f"127.0.0.{10 + n}", f"127.0.0.{20 + n}")
    gateway = world.start()
    tenant = gateway.tenant("shop.test")
    ids = {(n, i): gateway.sent(tenant.key, to=f"user{i}@d{n}.test") for i in range(4) for n in range(5)}
    wait_for(finished(gateway, tenant, ids.values()), what="all ends")
    types = {k: gateway.event_types(tenant.key, v) for k, v in ids.items()}
    for i in range(4):
        assert types[0, i] == ["send", "delivery"] and types[4, i] == ["send", "delivery"]
        assert types[1, i] == ["send", "delivery"]
        assert types[3, i] == ["send", "bounce"]
        assert types[2, i][0] == "send" and types[2, i][-1] == "delivery" and set(types[2, i][1:-1]) <= {"deferred"}
    assert sum(t.count("deferred") for k, t in types.items() if k[0] == 2) == len(greylist)
    assert [len(first[n].mails) for n in (0, 2, 4)] == [4, 4, 4], "the preferred MX takes the mail"
    assert len(second[1].mails) == 4, "the second MX of the domain whose first is dead"
    assert not first[3].mails and not second[3].mails, "a 550 is final: the other MX is not asked"
    assert not any(second[n].mails for n in (0, 2, 4))
    bounce = [e for e in gateway.events(tenant.key, MessageID=ids[3, 0]) if e["EventType"] == "bounce"][0]
    text = str(bounce["Details"])
    assert "550" in text and "5.1.1" in text and "no such user" in text
    delivery = [e for e in gateway.events(tenant.key, MessageID=ids[1, 0]) if e["EventType"] == "delivery"][0]
    assert "127.0.0.21" in str(delivery["Details"]) and "mx2.d1.test" in str(delivery["Details"])


@pytest.mark.parametrize("records,faults,expected", [
    ({}, {}, "bounce"),                                             # DN: NXDOMAIN is for ever
    ({("gone.test", "MX"): ["0 ."]}, {}, "bounce"),                 # RFC 7505
    ({}, {"gone.test": "servfail"}, "deferred"),                    # P4
    ({("gone.test", "MX"): ["10 mx.gone.test."]}, {}, "deferred"),  # P4: an MX without an address
])
def test_dns_verdicts(world, records, faults, expected):
    world.zone.records.update(records)
    world.zone.faults.update(faults)
    gateway = world.start(delivery__retry="1h")
    tenant = gateway.tenant("shop.test")
    message = gateway.sent(tenant.key, to="user@gone.test")
    wait_for(lambda: expected in gateway.event_types(tenant.key, message), what=expected)
    queue = gateway.cli_json("queue", "list")["Queue"]
    if expected == "bounce":
        assert queue == []
    else:
        assert queue[0]["Reason"] and queue[0]["NextTry"], "P4: it can say why it waits and when it is tried next"


def test_implicit_mx_and_connection_reuse(world):
    sink = world.sink("127.0.0.9")
    world.zone.add("plain.test", "A", "127.0.0.9")
    gateway = world.start()
    tenant = gateway.tenant("shop.test")
    for i in range(30):
        gateway.sent(tenant.key, to=f"user{i}@plain.test")
    wait_for(lambda: len(sink.mails) == 30, what="thirty mails")
    assert {m.recipients[0] for m in sink.mails} == {f"user{i}@plain.test" for i in range(30)}


def test_a_restart_keeps_what_waits_and_delivers_it(world):
    """P1 over a clean stop: a server that was away comes back after our restart."""
    world.zone.mx("later.test", "127.0.0.40")
    gateway = world.start()
    tenant = gateway.tenant("shop.test")
    message = gateway.sent(tenant.key, to="user@later.test")
    wait_for(lambda: "deferred" in gateway.event_types(tenant.key, message), what="the first try")
    gateway.stop()
    assert len(gateway.cli_json("queue", "list")["Queue"]) == 1, "the command line works without a server"
    sink = world.sink("127.0.0.40")
    gateway.start()
    wait_for(lambda: len(sink.mails) == 1, what="the mail")
    wait_for(lambda: gateway.event_types(tenant.key, message)[-1] == "delivery", what="its event")
    assert gateway.cli_json("queue", "list")["Queue"] == []


def test_send_at_waits_for_its_time(world):
    sink = world.sink()
    world.zone.mx("example.org", "127.0.0.1")
    gateway = world.start()
    tenant = gateway.tenant("shop.test")
    import time
    soon, late = int(time.time()) + 3, int(time.time()) + 86400
    gateway.sent(tenant.key, SendAt=soon)
    gateway.sent(tenant.key, SendAt=late)
    states = {r["State"] for r in gateway.cli_json("queue", "list")["Queue"]}
    assert states == {"scheduled"}
    wait_for(lambda: len(sink.mails) == 1, what="the mail")
    assert time.time() >= soon
    assert len(gateway.cli_json("queue", "list")["Queue"]) == 1


def test_smarthost_takes_everything(world):
    sink = world.sink("127.0.0.50")
    gateway = world.start(delivery__smarthost=f"127.0.0.50:{world.port}")
    tenant = gateway.tenant("shop.test")
    gateway.sent(tenant.key, to="a@one.test")
    gateway.sent(tenant.key, to="b@two.test")
    wait_for(lambda: len(sink.mails) == 2, what="both")
    assert not [q for q in world.zone.asked if q[0].endswith(("one.test", "two.test"))]


def test_p6_names_that_hang_do_not_hold_up_other_mail(world):
    """DN: a thousand recipient domains whose lookups never end, behind one forwarder, and another account's one-time code."""
    sink = world.sink()
    world.zone.faults.update({f"hang{i}.test": "drop" for i in range(1000)})
    world.zone.mx("good.test", "127.0.0.1")
    gateway = world.start(delivery__retry="1h")
    crowd, other = gateway.tenant("shop.test"), gateway.tenant("other.test")
    for first in (0, 500):
        gateway.sent(crowd.key, to=[{"email": f"x@hang{i}.test", "name": ""} for i in range(first, first + 500)])
    wait_for(lambda: len({name for name, _ in world.zone.asked if name.startswith("hang")}) > 500, what="the crowd to be asked for")
    gateway.sent(other.key, to="code@good.test", sender="a@other.test")
    wait_for(lambda: sink.mails, 120, what="the one-time code")
