"""Several addresses to send from, relays with a login: real sockets on loopback, and the operator's words for them.

SPDX-License-Identifier: Apache-2.0"""
import datetime
import socket

import pytest

from gateway import wait_for


def sources(*names, **more):
    """Sources a, b ... at 127.0.0.2, 127.0.0.3 ..., each with an EHLO name of its own."""
    options = {}
    for i, name in enumerate(names):
        options[f"source.{name}.address"] = f"127.0.0.{2 + i}"
        options[f"source.{name}.hostname"] = f"{name}.out.test"
    return {**options, **more}


def test_pools_of_domains_and_keys(world):
    sink = world.sink("127.0.0.9")
    world.zone.mx("example.org", "127.0.0.9")
    gateway = world.start(**sources("a", "b", "c", **{"source.b.pool": "news", "source.c.pool": "codes"}))
    tenant = gateway.tenant("shop.test")

    def came_from():
        before = len(sink.mails)
        gateway.sent(tenant.key)
        wait_for(lambda: len(sink.mails) > before, what="the mail")
        return sink.mails[-1].peer, sink.mails[-1].ehlo

    assert came_from() == ("127.0.0.2", "a.out.test")
    assert b"pool: news" in gateway.cli("domain", "pool", "shop.test", "--pool", "news").stdout
    assert came_from() == ("127.0.0.3", "b.out.test")
    assert b"pool: codes" in gateway.cli("key", "pool", str(tenant.key_id), "--pool", "codes").stdout
    assert came_from() == ("127.0.0.4", "c.out.test")
    gateway.cli("key", "pool", str(tenant.key_id))
    assert came_from() == ("127.0.0.3", "b.out.test")
    gateway.cli("domain", "pool", "shop.test")
    assert came_from() == ("127.0.0.2", "a.out.test")
    refused = gateway.cli("domain", "pool", "shop.test", "--pool", "nwes", check=False)
    assert refused.returncode == 1 and b"No such pool of sources; there are: default, news, codes" in refused.stderr
    assert gateway.cli("key", "pool", "99", "--pool", "news", check=False).returncode == 1
    delivery = [e for e in gateway.events(tenant.key) if e["EventType"] == "delivery"][0]
    assert delivery["Details"]["SourceAddress"] == "127.0.0.2"


def test_ob33_an_address_of_another_machine(world):
    """Its mail goes out from another of the pool; where there is none it waits, and says why."""
    sink = world.sink("127.0.0.9")
    world.zone.mx("example.org", "127.0.0.9")
    gateway = world.start(**{"source.far.address": "192.0.2.77", "source.far.weight": "1000000", "source.near.address": "127.0.0.3",
                             "source.alone.address": "192.0.2.78", "source.alone.pool": "lonely"})
    tenant = gateway.tenant("shop.test")
    for i in range(5):
        gateway.sent(tenant.key, to=f"user{i}@example.org")
    wait_for(lambda: len(sink.mails) == 5, what="all mails")
    assert {m.peer for m in sink.mails} == {"127.0.0.3"}
    gateway.cli("domain", "pool", "shop.test", "--pool", "lonely")
    gateway.sent(tenant.key, to="waits@example.org")
    wait_for(lambda: "192.0.2.78" in gateway.log.read_text() or None, what="the decision")
    why = wait_for(lambda: [r for r in gateway.cli_json("queue", "list")["Queue"] if "not on this machine" in str(r)], what="the reason")
    assert len(why) == 1 and len(sink.mails) == 5


def test_warm_up_overflows_to_warm_sources_and_lasts_over_a_restart(world):
    sink = world.sink("127.0.0.9")
    world.zone.mx("example.org", "127.0.0.9")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    gateway = world.start(**sources("new", "old", **{"source.new.warmup": str(today - datetime.timedelta(days=1)),
                                                     "source.new.warmup_plan": "1,3,9", "source.new.weight": "1000"}))
    tenant = gateway.tenant("shop.test")

    def send(count, total):
        for i in range(count):
            gateway.sent(tenant.key, to=f"user{total}.{i}@example.org")
        wait_for(lambda: len(sink.mails) == total, what="all mails")
        return [m.peer for m in sink.mails].count("127.0.0.2")

    def counted():
        return gateway.rows("SELECT source, provider, count FROM source_counts")

    assert 1 <= (sent := send(10, 10)) <= 3
    wait_for(lambda: counted() == [("new", "", str(sent))], what="the count")
    for round in range(1, 4):
        gateway.stop()
        gateway.start()
        assert sent <= (sent := send(10, 10 + 10 * round)) <= 3
    wait_for(lambda: counted() == [("new", "", str(sent))], what="the count")


@pytest.mark.parametrize("password", ["hunter2", "swordfish"])
def test_p10_a_relay_with_a_login(world, throwaway_certificate, password):
    """AUTH after TLS that verifies; a login that fails waits and says so, and no log or answer holds the password."""
    relay = world.sink("127.0.0.50", tls=throwaway_certificate, login=("me", "hunter2"))
    direct = world.sink("127.0.0.9")
    world.zone.add("sink.test", "A", "127.0.0.50")
    world.zone.mx("example.org", "127.0.0.9")
    secret = throwaway_certificate[0].parent / f"password-{password}"
    secret.write_text(f"{password}\n")
    gateway = world.start(delivery__tls_ca=throwaway_certificate[0], **{
        "relay.out.host": "sink.test", "relay.out.port": world.port, "relay.out.domains": "*.partner.test,partner.test",
        "relay.out.user": "me", "relay.out.password": f"file:{secret}"})
    tenant = gateway.tenant("shop.test")
    gateway.sent(tenant.key, to="a@example.org")
    message = gateway.sent(tenant.key, to="a@eu.partner.test")
    wait_for(lambda: direct.mails, what="the mail to the domain's own host")
    if password == "hunter2":
        gateway.sent(tenant.key, to="b@partner.test")
        wait_for(lambda: len(relay.mails) == 2, what="both mails at the relay")
        assert all(m.tls for m in relay.mails) and len(relay.logins) == 1
        assert relay.logins[0][1:] == ("me", "hunter2", True)
        details = [e for e in gateway.events(tenant.key, MessageID=message) if e["EventType"] == "delivery"][0]["Details"]
        assert details["Site"] == "relay:out" and details["TLS"]["Verified"]
    else:
        wait_for(lambda: "deferred" in gateway.event_types(tenant.key, message), what="the deferral")
        row = [r for r in gateway.cli_json("queue", "list")["Queue"] if r["Recipient"] == "a@eu.partner.test"][0]
        assert "refused our login" in row["Reason"] and "535" in row["Reason"]
        assert not relay.mails
    shown = gateway.cli("check-config").stdout.decode() + gateway.cli("check-config", "--json").stdout.decode()
    assert "[relay out]" in shown and "password = ***" in shown
    assert password not in shown + gateway.log.read_text() + str(gateway.events(tenant.key))


def test_p10_a_relay_that_is_another_one_gets_no_password(world, throwaway_certificate):
    relay = world.sink("127.0.0.50", tls=throwaway_certificate, login=("me", "hunter2"))
    gateway = world.start(delivery__smarthost=f"127.0.0.50:{world.port}", delivery__smarthost_user="me", delivery__smarthost_password="hunter2",
                          delivery__retry="1h")
    tenant = gateway.tenant("shop.test")
    message = gateway.sent(tenant.key)
    wait_for(lambda: "deferred" in gateway.event_types(tenant.key, message), what="the deferral")
    assert "certificate does not verify" in gateway.cli_json("queue", "list")["Queue"][0]["Reason"]
    assert not relay.logins and not relay.mails


def test_a_sender_has_a_relay(world):
    relay, direct = world.sink("127.0.0.50"), world.sink("127.0.0.9")
    world.zone.mx("example.org", "127.0.0.9")
    gateway = world.start(**{"relay.shop.host": "127.0.0.50", "relay.shop.port": world.port, "relay.shop.senders": "shop.test"})
    shop, other = gateway.tenant("shop.test"), gateway.tenant("other.test")
    gateway.sent(shop.key, to="a@example.org")
    gateway.sent(other.key, to="b@example.org", sender="news@other.test")
    wait_for(lambda: relay.mails and direct.mails, what="both")
    assert relay.mails[0].recipients == ["a@example.org"] and direct.mails[0].recipients == ["b@example.org"]


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on loopback")
@pytest.mark.parametrize("is_there", [True, False])
def test_dn18_ipv6_from_its_source_with_ipv4_behind_it(world, is_there):
    four = world.sink("127.0.0.9")
    six = world.sink("::1") if is_there else None
    world.zone.mx("example.org", "127.0.0.9")
    world.zone.add("mx1.example.org", "AAAA", "::1")
    gateway = world.start(**sources("a", **{"source.six.address": "::1", "source.six.weight": "1000000"}))
    tenant = gateway.tenant("shop.test")
    gateway.sent(tenant.key)
    wait_for(lambda: four.mails or (six and six.mails), seconds=20, what="the mail")
    assert [m.peer for m in (six or four).mails] == ["::1" if is_there else "127.0.0.2"]
    assert ("mx1.example.org", "AAAA") in [(q[0].rstrip("."), q[1]) for q in world.zone.asked]
