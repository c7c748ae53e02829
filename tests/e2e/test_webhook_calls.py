"""Webhook calls on real sockets: what goes where and what it says, hostile receivers (2.K of the bad inputs, by id), whom nobody may call.

SPDX-License-Identifier: Apache-2.0"""
import asyncio
import gzip
import ipaddress
import shutil
import ssl
import subprocess

import dns.rrset
import pytest

from gateway import Gateway, wait_for
from namespace import HAS_IPV6, network
from receiver import Receiver, answer, never
from sink import certificate
from zone import Zone


def add(gateway, tenant, event, url):
    """A webhook's id."""
    made = gateway.api("EmailGateway.AddWebhook", APIKey=tenant.api_key, DomainID=tenant.domain_id, Event=event, WebhookURL=url)
    assert made["Success"] is True, made
    return made["NewWebhookID"]


def refused(gateway, tenant, url):
    return gateway.api("EmailGateway.AddWebhook", APIKey=tenant.api_key, DomainID=tenant.domain_id, Event="send", WebhookURL=url).get("ErrorCode")


def signing_key(gateway, tenant):
    return gateway.api("EmailGateway.GetWebhooks", APIKey=tenant.api_key, DomainID=tenant.domain_id)["SigningKey"]


def attempts(gateway, webhook_id):
    """[(code, why, bytes kept of the answer)], oldest first."""
    rows = gateway.rows(f"select code, why, length(answer) from hook_attempts where webhook_id = {webhook_id} order by id")
    return [(int(code), why, int(size)) for code, why, size in rows]


def waiting(gateway):
    return int(gateway.rows("select count(*) from hook_outbox")[0][0])


# ---- what is told ----
def test_p3_every_kind_of_event_is_told_as_the_api_shows_it(world):
    world.zone.mx("example.net", "127.0.0.1")
    world.sink(answers=["450 4.2.0 later", "250 2.1.5 OK", "550 5.1.1 no such user"])
    with Receiver() as receiver:
        gateway = world.start(webhook__allow_private="yes")
        tenant = gateway.tenant()
        for event in "send", "deferred", "delivery", "bounce", "suppressed":
            add(gateway, tenant, event, receiver.url("/" + event))
        add(gateway, tenant, "send", receiver.url("/again"))
        gateway.sent(tenant.key, to="late@example.net", Subject="Grüße")
        wait_for(lambda: receiver.at("/delivery"), what="the delivery to be told of")
        gateway.sent(tenant.key, to="gone@example.net")
        wait_for(lambda: receiver.at("/bounce"), what="the bounce to be told of")
        gateway.sent(tenant.key, to=[{"email": f"{who}@example.net", "name": who} for who in ("gone", "other")])
        wait_for(lambda: receiver.at("/suppressed") and len(receiver.at("/again")) == 3 and waiting(gateway) == 0, what="all to be told")
        key, shown = signing_key(gateway, tenant), {e["EventId"]: e for e in gateway.events(tenant.key)}
        for call in receiver.calls:
            told = call.json
            assert call.path in ("/again", "/" + told["type"]) and told["data"] == shown[told["data"]["EventId"]]
            assert told["timestamp"] == told["data"]["EventTimestamp"] and told["type"] == told["data"]["EventType"]
            assert call.is_signed_by(key) and call.id == f"evt_{told['data']['EventId']}"
            assert call.headers["content-type"] == "application/json" and call.headers["user-agent"].startswith("Posthorn/")
        assert sorted(c.id for c in receiver.at("/again")) == sorted(c.id for c in receiver.at("/send"))
        wanted = f"webhook_events_total {len(receiver.calls)}\n", "webhook_calls_in_flight 0\n"
        wait_for(lambda: all(line in gateway.request("GET", "/metrics")[2] for line in wanted), what="the metrics to say so")


def test_WH26_slow_receivers_delay_no_other(database):
    """One that never answers is flooded by each of four tenants; all that the fifth is told comes before the first of those calls ends."""
    with Receiver(respond=lambda call: never if call.path == "/slow" else answer()) as receiver, \
            Gateway(database=database, **{"webhook.allow_private": "yes", "webhook.timeout": "1m"}) as gateway:
        slow = [gateway.tenant(f"slow{i}.test") for i in range(4)]
        for tenant in slow:
            add(gateway, tenant, "send", receiver.url("/slow"))
            gateway.sent(tenant.key, sender=f"a@{tenant.domain}", to=[{"email": f"u{i}@example.net", "name": "U"} for i in range(40)])
        wait_for(lambda: len(receiver.at("/slow")) >= 4 * 2, what="all slow ones to be called")
        quick = gateway.tenant("quick.test")
        add(gateway, quick, "send", receiver.url("/quick"))
        for i in range(10):
            gateway.sent(quick.key, sender="a@quick.test", to=f"u{i}@example.net")
        wait_for(lambda: len(receiver.at("/quick")) == 10, what="the quick one to be told")
        assert gateway.rows("select count(*) from hook_attempts where code = 0") == [("0",)]
        assert len({c.id for c in receiver.at("/quick")}) == 10
    shutil.rmtree(gateway.folder, ignore_errors=True)


def test_WH26_one_that_is_gone_is_disabled_and_its_owner_told(database):
    with Receiver(respond=lambda call: answer(410)) as receiver, \
            Gateway(database=database, **{"webhook.allow_private": "yes", "mail.from": "postmaster@ops.test"}) as gateway:
        gateway.tenant("ops.test", "ops@ops.test")
        tenant = gateway.tenant("shop.test")
        hook = add(gateway, tenant, "send", receiver.url())
        gateway.sent(tenant.key)
        wait_for(lambda: gateway.rows(f"select is_active from webhooks where id = {hook}") == [("0",)], what="it to be disabled")
        gateway.sent(tenant.key)
        wait_for(lambda: waiting(gateway) == 0, what="what waits for it to go")
        assert len(receiver.calls) == 1 and attempts(gateway, hook)[0][0] == 410
        assert "webhooks_disabled_total 1\n" in gateway.request("GET", "/metrics")[2]
        listed = gateway.api("EmailGateway.GetWebhooks", APIKey=tenant.api_key, DomainID=tenant.domain_id)["Webhooks"]
        assert listed[0]["Status"] == "Disabled"

        def notices():
            return [m["ID"] for m in gateway.cli_json("inbox", "list", "--limit", "100")["Messages"] if m["Recipients"] == [tenant.email]]

        wait_for(notices, what="the owner to be told")
        assert len(notices()) == 1 and b"A webhook was disabled" in gateway.cli("inbox", "raw", str(notices()[0])).stdout
    shutil.rmtree(gateway.folder, ignore_errors=True)


# ---- whom nobody may call ----
PUBLIC = "8.8.8.8"
DENIED = {
    "WH01": ["127.0.0.1"], "WH02": ["0.0.0.0", "::"], "WH04": ["10.0.0.1", "172.16.5.5", "192.168.1.1"], "WH05": ["100.64.0.1"],
    "WH06": ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"],
    "WH07": ["192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
    "WH08": ["::1", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1"], "WH09": ["::ffff:127.0.0.1", "::ffff:10.0.0.9"], "WH10": ["::127.0.0.1"],
    "WH11": ["64:ff9b::808:404", "64:ff9b:1::1"], "WH12": ["2002:808:404::1", "2001:0:1::1"],
}


class TurningZone(Zone):
    """turns: {name: [addresses of the first answer, of the second, ...]}, good for no time at all."""
    turns = {}

    def answer(self, wire):
        reply = super().answer(wire)
        for i, found in enumerate(reply.answer if reply else ()):
            name = found.name.to_text(omit_final_dot=True)
            if name in self.turns:
                addresses = self.turns[name].pop(0) if len(self.turns[name]) > 1 else self.turns[name][0]
                reply.answer[i] = dns.rrset.from_text(name + ".", 0, "IN", "A", *addresses)
        return reply


def record(zone, name, address):
    zone.add(name, "AAAA" if ":" in address else "A", address)


@pytest.fixture(scope="module")
def trusted():
    return certificate("secure.hooks.test")


class Jungle:
    """A network where every address answers, a gateway that may call none but public ones, and a receiver on all of them."""

    def __init__(self, trusted):
        self.zone = TurningZone()
        self.wild = []  # what hostile paths do
        self.receiver = Receiver([("0.0.0.0", port) for port in (80, 8080, 3128)] + [("::", 80)] * HAS_IPV6, self.respond)
        self.gateway = Gateway(**{"webhook.timeout": "2s", "webhook.tls_ca": trusted[0], "dns.servers": self.zone.server,
                                  "delivery.hostname": "gateway.hooks.test"})
        self.gateway.options["http.listen"] = f"0.0.0.0:{self.gateway.port}"
        self.gateway.options["http.base_url"] = f"http://panel.hooks.test:{self.gateway.port}"
        self.gateway.start()
        record(self.zone, "good.hooks.test", PUBLIC)

    def respond(self, call):
        return HOSTILE.get(call.path, lambda: answer(200, b"thanks"))()

    def told(self, tenant, hooks, count=1):
        """Send a message, and wait until each of these webhooks was tried that often."""
        self.gateway.sent(tenant.key, sender=f"a@{tenant.domain}")
        return wait_for(lambda: all(len(attempts(self.gateway, hook)) >= count for hook in hooks), what="the calls to be tried")

    def close(self):
        self.gateway.__exit__(None, None, None)
        self.receiver.close()
        self.zone.close()
        shutil.rmtree(self.gateway.folder, ignore_errors=True)


async def endless(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await writer.drain()


async def drip(writer):
    for i in range(100):
        writer.write(b"HTTP/1.1 200 OK\r\nX: "[i:i + 1] or b"x")
        await writer.drain()
        await asyncio.sleep(0.2)


async def heads(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Long: " + b"y" * 60000 + b"\r\n")
        await writer.drain()


async def interim(writer):
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100)
        await writer.drain()


BOMB = gzip.compress(b"\0" * (10 << 20))
HOSTILE = {
    "/endless": lambda: endless, "/drip": lambda: drip, "/heads": lambda: heads, "/interim": lambda: interim,
    "/gzip": lambda: answer(500, BOMB, "Content-Encoding: gzip"), "/early": lambda: b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf",
    "/close": lambda: None, "/nonsense": lambda: b"220 mail.example ESMTP\r\n\r\n", "/script": lambda: answer(500, b"<script>alert(1)</script>\0\xff"),
    "/moved": lambda: answer(302, b"", "Location: http://10.0.0.1/moved"), "/moved-near": lambda: answer(307, b"", "Location: /followed"),
}


@pytest.fixture(scope="module")
def jungle(trusted):
    patch = pytest.MonkeyPatch()
    for name in "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy":  # WH24
        patch.setenv(name, "http://10.9.9.9:3128")
    with network():
        jungle = Jungle(trusted)
        patch.setenv("HOME", str(jungle.gateway.folder))
        yield jungle
        jungle.close()
    patch.undo()


def dialled(jungle):
    """All that was dialled in any test of these; Python's own idea of what is public is the judge."""
    addresses = {address for address, _ in list(jungle.receiver.dialled)}
    assert all(ipaddress.ip_address(address).is_global for address in addresses), addresses
    return addresses


def test_WH01_to_WH12_no_such_address_is_ever_dialled(jungle):
    rows = [(case, address) for case, addresses in DENIED.items() for address in addresses]
    for part in range(0, len(rows), 19):  # a domain has twenty webhooks at most
        tenant, hooks = jungle.gateway.tenant(f"many{part}.test"), {}
        for i, (case, address) in enumerate(rows[part:part + 19]):
            name = f"{case.lower()}-{i}.hooks.test"
            record(jungle.zone, name, address)
            hooks[add(jungle.gateway, tenant, "send", f"http://{name}/in")] = (case, address)
        fine = add(jungle.gateway, tenant, "send", "http://good.hooks.test/in")
        jungle.told(tenant, [*hooks, fine])
        for hook, case in hooks.items():
            code, why, _ = attempts(jungle.gateway, hook)[0]
            assert code == 0 and "not on the public internet" in why, case
        assert attempts(jungle.gateway, fine)[0][0] == 200
    assert PUBLIC in dialled(jungle)


def test_WH13_WH15_every_address_and_every_alias_is_judged(jungle):
    tenant = jungle.gateway.tenant("mixed.test")
    jungle.zone.add("both.hooks.test", "A", PUBLIC, "10.0.0.13")
    record(jungle.zone, "six.hooks.test", PUBLIC)
    record(jungle.zone, "six.hooks.test", "fc00::13")
    jungle.zone.add("alias.hooks.test", "CNAME", "further.hooks.test.")
    jungle.zone.add("further.hooks.test", "CNAME", "inside.hooks.test.")
    record(jungle.zone, "inside.hooks.test", "10.0.0.15")
    fine = [add(jungle.gateway, tenant, "send", f"http://{name}.hooks.test/in") for name in ("both", "six")]
    inside = add(jungle.gateway, tenant, "send", "http://alias.hooks.test/in")
    jungle.told(tenant, [*fine, inside])
    assert [attempts(jungle.gateway, hook)[0][0] for hook in fine] == [200, 200]
    assert "not on the public internet" in attempts(jungle.gateway, inside)[0][1]
    assert PUBLIC in dialled(jungle)


def test_WH14_a_name_that_turns_private_is_not_followed_there(jungle):
    tenant = jungle.gateway.tenant("turns.test")
    jungle.zone.add("turns.hooks.test", "A", "8.8.4.4")
    jungle.zone.turns["turns.hooks.test"] = [["8.8.4.4"], ["10.0.0.14"]]
    first = add(jungle.gateway, tenant, "send", "http://turns.hooks.test/in")
    jungle.told(tenant, [first])
    second = add(jungle.gateway, tenant, "send", "http://turns.hooks.test:8080/in")  # another port is looked up anew
    jungle.told(tenant, [first, second])
    assert attempts(jungle.gateway, first)[0][0] == 200
    assert "not on the public internet" in attempts(jungle.gateway, second)[0][1]
    assert "8.8.4.4" in dialled(jungle)


def test_WH16_redirects_are_not_followed(jungle):
    tenant = jungle.gateway.tenant("moved.test")
    hooks = [add(jungle.gateway, tenant, "send", f"http://good.hooks.test/{path}") for path in ("moved", "moved-near")]
    jungle.told(tenant, hooks)
    for hook, code in zip(hooks, (302, 307)):
        assert attempts(jungle.gateway, hook)[0][0] == code and "not followed" in attempts(jungle.gateway, hook)[0][1]
    assert "10.0.0.1" not in dialled(jungle) and not jungle.receiver.at("/followed")


def test_WH19_WH23_other_services_and_our_own_doors(jungle):
    tenant, port = jungle.gateway.tenant("doors.test"), jungle.gateway.port
    for url in (*(f"http://good.hooks.test:{p}/" for p in (22, 25, 5432, 6379)), "http://gateway.hooks.test/", "https://localhost/",
                f"http://panel.hooks.test:{port}/api/v1/email"):
        assert refused(jungle.gateway, tenant, url) == [7], url
    record(jungle.zone, "door.hooks.test", "8.8.8.23")  # an address of this machine, as all are here
    door = add(jungle.gateway, tenant, "send", f"http://door.hooks.test:{port}/api/v1/email")
    beside = add(jungle.gateway, tenant, "send", "http://door.hooks.test:8080/")
    jungle.told(tenant, [door, beside])
    assert "the gateway's own" in attempts(jungle.gateway, door)[0][1] and attempts(jungle.gateway, door)[0][0] == 0
    assert attempts(jungle.gateway, beside)[0][0] == 200


def test_WH20_WH21_hostile_answers_are_bounded(jungle):
    tenant = jungle.gateway.tenant("hostile.test")
    hooks = {path: add(jungle.gateway, tenant, "send", f"http://good.hooks.test{path}") for path in HOSTILE}
    jungle.told(tenant, hooks.values())
    for path, hook in hooks.items():
        code, why, size = attempts(jungle.gateway, hook)[0]
        assert size <= 4096 and (why or 200 <= code < 300), path
        assert code == {"/gzip": 500, "/script": 500, "/moved": 302, "/moved-near": 307, "/endless": 200, "/early": 200}.get(path, 0), (path, code)
    kept = jungle.gateway.rows(f"select hex(answer) from hook_attempts where webhook_id = {hooks['/script']} limit 1")
    assert bytes.fromhex(kept[0][0]) == b"<script>alert(1)</script>\0\xff"


def server_context(files, last=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, files))
    if last:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = last
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_WH22_certificates_and_old_tls(jungle, trusted):
    tenant = jungle.gateway.tenant("tls.test")
    sides = {"secure": ("8.8.8.30", trusted, None), "unknown": ("8.8.8.31", certificate("unknown.hooks.test"), None),
             "other": ("8.8.8.32", trusted, None), "old": ("8.8.8.33", trusted, ssl.TLSVersion.TLSv1)}
    receivers, hooks = [], {}
    for name, (address, files, last) in sides.items():
        record(jungle.zone, f"{name}.hooks.test", address)
        receivers.append(Receiver([(address, 443)], tls=server_context(files, last)))
    for name in sides:
        hooks[name] = add(jungle.gateway, tenant, "send", f"https://{name}.hooks.test/")
    jungle.told(tenant, hooks.values())
    for name, hook in hooks.items():
        code, why, _ = attempts(jungle.gateway, hook)[0]
        assert (code, why) == (200, "") if name == "secure" else code == 0 and why, (name, code, why)
    assert [len(r.calls) for r in receivers] == [1, 0, 0, 0]
    for receiver in receivers:
        receiver.close()


def test_WH24_proxies_of_the_environment_are_ignored(jungle):
    (jungle.gateway.folder / ".netrc").write_text("default login me password secret\n")
    tenant = jungle.gateway.tenant("proxy.test")
    hook = add(jungle.gateway, tenant, "send", "http://good.hooks.test/proxy")
    jungle.told(tenant, [hook])
    assert "10.9.9.9" not in dialled(jungle) and attempts(jungle.gateway, hook)[0][0] == 200
    assert "authorization" not in jungle.receiver.at("/proxy")[0].headers


class Proxy(Receiver):
    """An HTTP proxy that opens tunnels; heads: what it was asked."""

    def __init__(self):
        self.heads = []
        super().__init__()

    async def talk(self, to, reader, writer):
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        host, _, port = self.heads[-1].split(" ")[1].rpartition(":")
        far = await asyncio.open_connection(host.strip("[]"), int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")
        await asyncio.gather(self.copy(reader, far[1]), self.copy(far[0], writer))
        return False

    @staticmethod
    async def copy(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


def test_WH24_a_proxy_that_is_configured_gets_addresses_that_were_judged_here(jungle, trusted):
    jungle.zone.add("inner.hooks.test", "A", "10.0.0.24")
    jungle.zone.add("secure.hooks.test", "A", "8.8.8.34")
    with Receiver([("8.8.8.34", 443)], tls=server_context(trusted)) as secure, Proxy() as proxy, \
            Gateway(**{"webhook.proxy": f"127.0.0.1:{proxy.port}", "webhook.tls_ca": trusted[0], "dns.servers": jungle.zone.server}) as gateway:
        tenant = gateway.tenant("proxied.test")
        plain, over_tls = (add(gateway, tenant, "send", f"{url}.hooks.test/proxied") for url in ("http://good", "https://secure"))
        inner = add(gateway, tenant, "send", "http://inner.hooks.test/")
        gateway.sent(tenant.key, sender="a@proxied.test")
        wait_for(lambda: all(attempts(gateway, hook) for hook in (plain, over_tls, inner)), what="the calls to be tried")
        assert [attempts(gateway, hook)[0][0] for hook in (plain, over_tls, inner)] == [200, 200, 0]
        assert jungle.receiver.at("/proxied")[0].is_signed_by(signing_key(gateway, tenant)) and len(secure.calls) == 1
        assert sorted(head.split("\r\n")[0] for head in proxy.heads) == ["CONNECT 8.8.8.34:443 HTTP/1.1", f"CONNECT {PUBLIC}:80 HTTP/1.1"]
        assert not any("webhook" in head.lower() for head in proxy.heads)
    shutil.rmtree(gateway.folder, ignore_errors=True)


def test_P10_no_secret_of_a_call_is_in_the_log(jungle):
    said = jungle.gateway.log.read_text(errors="replace")
    assert "whsec_" not in said and "v1," not in said
