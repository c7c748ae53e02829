"""DANE and MTA-STS against real zones (knotd signs them) and real certificates: what is delivered, what waits and why, and that nothing
ever goes in clear where a policy says no. Issue 5, 2.4; ST08, ST10, OB10, OB11, DN17.

SPDX-License-Identifier: Apache-2.0"""
import pytest

from certificates import Authority
from gateway import Gateway, free_port, wait_for
from policy_server import PolicyServer, policy
from signed_zone import SignedZone
from sink import Sink

# domain: (in the signed zone?, certificate of its mx, TLSA data, fault of the TLSA question); what is expected follows in DANE_EXPECTED.
DANE = {
    "match": (True, "self", ["self"], None),
    "match-of-two": (True, "self", ["other", "self"], None),
    "full-certificate": (True, "self", ["cert"], None),
    "mismatch": (True, "self", ["other"], None),
    "expired": (True, "expired", ["expired"], None),
    "anchor": (True, "good", ["anchor"], None),
    "anchor-domain": (True, "domain", ["anchor"], None),
    "anchor-name": (True, "elsewhere", ["anchor"], None),
    "anchor-expired": (True, "expired", ["anchor"], None),
    "unusable": (True, "self", ["webpki"], None),
    "unusable-clear": (True, None, ["webpki"], None),
    "clear": (True, None, ["self"], None),
    "bogus": (True, "self", ["self"], "bogus"),
    "servfail": (True, "self", ["self"], "servfail"),
    "lost": (True, "self", ["self"], "drop"),
    "no-tlsa": (True, "expired", [], None),
    "no-ad": (False, "self", ["other"], None),
}
# (event, policy, verified; None: in clear) or (event, words of the reason)
DANE_EXPECTED = {
    "match": ("delivery", "dane", True),
    "match-of-two": ("delivery", "dane", True),
    "full-certificate": ("delivery", "dane", True),
    "mismatch": ("deferred", "does not verify"),
    "expired": ("delivery", "dane", True),  # usage 3 knows no dates (RFC 7672 3.1.1)
    "anchor": ("delivery", "dane", True),
    "anchor-domain": ("delivery", "dane", True),  # a certificate for the domain itself (RFC 7672 3.2.2)
    "anchor-name": ("deferred", "for other names"),
    "anchor-expired": ("deferred", "has expired"),
    "unusable": ("delivery", "dane", False),  # encrypted, that is all (RFC 7672 2.2)
    "unusable-clear": ("deferred", "offers no TLS"),
    "clear": ("deferred", "offers no TLS"),
    "bogus": ("deferred", "TLSA records cannot be had"),
    "servfail": ("deferred", "TLSA records cannot be had"),
    "lost": ("deferred", "TLSA records cannot be had"),
    "no-tlsa": ("delivery", "opportunistic", False),
    "no-ad": ("delivery", "opportunistic", False),  # without DNSSEC records mean nothing
}
# domain: (certificate of its mx, policy, certificate of the policy's server, ...what is expected)
STS = {
    "sts-match": ("good", policy("enforce", "mx.sts-match.plain"), "good", ("delivery", "mta-sts", True)),
    "sts-wild": ("good", policy("enforce", "*.sts-wild.plain"), "good", ("delivery", "mta-sts", True)),
    "sts-mx": ("good", policy("enforce", "other.sts-mx.plain"), "good", ("deferred", "does not name the host")),
    "sts-expired": ("expired", policy("enforce", "*.sts-expired.plain"), "good", ("deferred", "has expired")),
    "sts-name": ("elsewhere", policy("enforce", "*.sts-name.plain"), "good", ("deferred", "for other names")),
    "sts-self": ("self", policy("enforce", "*.sts-self.plain"), "good", ("deferred", "nobody we trust")),
    "sts-clear": (None, policy("enforce", "*.sts-clear.plain"), "good", ("deferred", "offers no TLS")),
    "sts-testing": ("expired", policy("testing", "other.plain"), "good", ("delivery", "mta-sts-testing", False)),
    "sts-testing-clear": (None, policy("testing", "*.sts-testing-clear.plain"), "good", ("delivery", "mta-sts-testing", None)),
    "sts-none": ("expired", policy("none"), "good", ("delivery", "opportunistic", False)),
    # OB11: a policy that cannot be had is none
    "sts-404": ("self", (404, "gone"), "good", ("delivery", "opportunistic", False)),
    "sts-redirect": ("self", "redirect", "good", ("delivery", "opportunistic", False)),
    "sts-big": ("self", "big", "good", ("delivery", "opportunistic", False)),
    "sts-broken": ("self", "mode: enforce\n", "good", ("delivery", "opportunistic", False)),
    "sts-webpki": ("self", policy("enforce", "*.sts-webpki.plain"), "self", ("delivery", "opportunistic", False)),
    "sts-two-records": ("self", policy("enforce", "*.sts-two-records.plain"), "good", ("delivery", "opportunistic", False)),
}


class TlsWorld:
    def __init__(self, database):
        self.authority, self.port, self.sinks, self.certificates = Authority(), free_port(), {}, {}
        self.policies = PolicyServer(self.authority.self_signed("nobody"))
        self.signed, self.plain, self.faults = [], [], {}
        for name, (is_signed, certificate, tlsa, fault) in DANE.items():
            domain = f"{name}.{'secure' if is_signed else 'plain'}"
            self.add(domain, is_signed, certificate)
            for data in tlsa:
                self.record(is_signed, f"_{self.port}._tcp.mx.{domain}", "TLSA", self.tlsa(domain, data))
            if fault:
                self.faults[f"_{self.port}._tcp.mx.{domain}", "TLSA"] = fault
        for name, (certificate, text, server, _) in STS.items():
            domain = f"{name}.plain"
            self.add(domain, False, certificate)
            self.record(False, f"mta-sts.{domain}", "A", "127.0.0.1")
            for i in range(1 + (name == "sts-two-records")):
                self.record(False, f"_mta-sts.{domain}", "TXT", f'"v=STSv1; id={i + 1};"')
            self.policies.publish(domain, text, self.pair(f"mta-sts.{domain}", server))
        self.add("self.plain", False, "self")
        self.add("clear.plain", False, None)
        self.add("good.plain", False, "good", requiretls=True)
        self.add("requiretls.secure", True, "good", requiretls=True)
        self.add("requires-not.secure", True, "good")
        self.zone = SignedZone(self.signed, self.plain)
        self.zone.faults.update(self.faults)
        self.gateway = Gateway(database=database, **{
            "delivery.mode": "live", "delivery.port": self.port, "delivery.allow_private": "yes", "dns.servers": self.zone.server,
            "dns.trust_anchor": self.zone.anchor, "delivery.retry": "1h", "delivery.tls_ca": self.authority.root.cert,
            "delivery.mta_sts_port": self.policies.port}).start()
        self.tenant = self.gateway.tenant("shop.test")

    def record(self, is_signed, name, kind, data):
        (self.signed if is_signed else self.plain).append(f"{name}. 300 IN {kind} {data}")

    def pair(self, name, what):
        made = {
            "good": lambda: self.authority.issue(name),
            "domain": lambda: self.authority.issue(name.partition(".")[2]),
            "elsewhere": lambda: self.authority.issue("elsewhere.invalid"),
            "expired": lambda: self.authority.expired(name),
            "self": lambda: self.authority.self_signed("self.invalid"),
        }[what]()
        self.certificates[name] = made
        return made

    def add(self, domain, is_signed, certificate, **more):
        address = f"127.0.2.{len(self.sinks) + 1}"
        self.record(is_signed, domain, "MX", f"10 mx.{domain}.")
        self.record(is_signed, f"mx.{domain}", "A", address)
        self.sinks[domain] = Sink(self.port, address, tls=self.pair(f"mx.{domain}", certificate) if certificate else None, **more)

    def tlsa(self, domain, what):
        own = self.certificates.get(f"mx.{domain}") or self.authority.root
        return {"other": lambda: self.authority.root.tlsa(3), "anchor": lambda: self.authority.root.tlsa(2, 0), "webpki": lambda: own.tlsa(1),
                "cert": lambda: own.tlsa(3, 0)}.get(what, own.tlsa)()

    def send(self, domain, **more):
        return self.gateway.sent(self.tenant.key, to=f"user@{domain}", **more)

    def outcome(self, message):
        """The first event after "send"."""
        found = lambda: [e for e in reversed(self.gateway.events(self.tenant.key, MessageID=message)) if e["EventType"] != "send"]
        return wait_for(found, what="an outcome")[0]

    def expect(self, domain, expected, **more):
        sink = self.sinks[domain]
        before = len(sink.mails)
        event = self.outcome(self.send(domain, **more))
        assert event["EventType"] == expected[0], event
        if expected[0] == "deferred":
            assert expected[1] in str(event["Details"]), event
            assert len(sink.mails) == before, "it went there all the same"
            return
        tls = event["Details"].get("TLS")
        assert sink.mails[-1].tls is (tls is not None) is (expected[2] is not None), event
        assert tls is None or (tls["Policy"], tls["Verified"]) == expected[1:], event

    def close(self):
        if self.gateway.process:
            self.gateway.stop()
        for sink in self.sinks.values():
            sink.close()
        self.policies.close()
        self.zone.close()


@pytest.fixture(scope="module")
def tls_world(request):
    from conftest import fresh_database
    world = TlsWorld(fresh_database(request))
    yield world
    world.close()


@pytest.mark.parametrize("name", DANE)
def test_dane(tls_world, name):
    tls_world.expect(f"{name}.{'secure' if DANE[name][0] else 'plain'}", DANE_EXPECTED[name])


@pytest.mark.parametrize("name", STS)
def test_mta_sts(tls_world, name):
    tls_world.expect(f"{name}.plain", STS[name][3])


LEVELS = [
    ("self.plain", None, ("delivery", "opportunistic", False)),  # never fails on a certificate
    ("clear.plain", None, ("delivery", "opportunistic", None)),
    ("self.plain", "opportunistic", ("delivery", "opportunistic", False)),
    ("self.plain", "require", ("delivery", "require", False)),
    ("clear.plain", "require", ("deferred", "offers no TLS")),
    ("self.plain", "verify", ("deferred", "nobody we trust")),
    ("good.plain", "verify", ("delivery", "verify", True)),
    ("match.secure", "verify", ("delivery", "dane", True)),
    ("mismatch.secure", "waive", ("delivery", "opportunistic", False)),
    ("sts-expired.plain", "waive", ("delivery", "opportunistic", False)),
    ("sts-testing.plain", "verify", ("deferred", "has expired")),
    ("requiretls.secure", "requiretls", ("delivery", "requiretls", True)),
    ("requires-not.secure", "requiretls", ("deferred", "does not offer REQUIRETLS")),
    ("good.plain", "requiretls", ("deferred", "neither DNSSEC nor")),  # whose MX anybody may have told us (RFC 8689 4.2.1)
]


@pytest.mark.parametrize("domain,level,expected", LEVELS)
def test_what_a_message_demands(tls_world, domain, level, expected):
    tls_world.expect(domain, expected, **({"TLS": level} if level else {}))
    assert len(tls_world.sinks[domain].required) == (expected[1] == "requiretls")


def test_what_a_sender_domain_demands(tls_world):
    gateway = tls_world.gateway
    other = gateway.tenant("strict.test")
    send = lambda **more: gateway.sent(other.key, to="user@self.plain", sender="news@strict.test", **more)
    assert gateway.cli_json("domain", "tls", "strict.test", "--level", "verify")["TLS"] == "verify"
    waits = send()
    event = wait_for(lambda: [e for e in gateway.events(other.key, MessageID=waits) if e["EventType"] == "deferred"], what="it to wait")[0]
    assert "nobody we trust" in str(event["Details"])
    gateway.cli("domain", "tls", "strict.test", "--level", "opportunistic")
    goes = send()
    wait_for(lambda: "delivery" in gateway.event_types(other.key, goes), what="it to go")
    assert gateway.cli("domain", "tls", "strict.test", "--level", "sometimes", check=False).returncode != 0


def test_P4_a_policy_outlives_its_server_and_our_restart(tls_world):
    """RFC 8461 5.1: what was had once holds until its max_age is over, whatever an attacker makes of record, server and us."""
    domain = "sts-expired.plain"
    tls_world.expect(domain, STS["sts-expired"][3])
    tls_world.gateway.stop()
    tls_world.policies.policies[domain] = (404, "gone")
    tls_world.zone.faults[f"_mta-sts.{domain}", "TXT"] = "servfail"
    tls_world.gateway.start()
    asked = len(tls_world.policies.asked)
    tls_world.expect(domain, STS["sts-expired"][3])
    assert len(tls_world.policies.asked) == asked, "without a record nobody is asked"
