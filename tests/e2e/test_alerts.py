"""What the operator is told of: a dead site, a sender domain whose records broke, too many complaints; by mail and by webhook, once, at the
beginning and at the end, and not again after a restart. What a suspended domain may, and what becomes of its queue (P1, P4, P6, DN20).

SPDX-License-Identifier: Apache-2.0"""
import email
import email.policy
import json
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import World
from gateway import wait_for
from reports import arf
from test_bounces import Home
from test_signature import publish

OPS = "ops@ops.example"
FAST = {"alerts.every": "1s", "alerts.calm": "1s", "alerts.mail": OPS, "mail.from": "gateway@ours.test"}


class Hook:
    """A web server that remembers what it was told; answers: status codes, used up one by one, then 200."""

    def __init__(self, *answers):
        self.bodies, self.answers = [], list(answers)
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.answers.pop(0) if hook.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, kind, state):
        return [a for body in self.bodies for a in body["alerts"] if (a["kind"], a["state"]) == (kind, state)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook():
    hook = Hook()
    yield hook
    hook.close()


def text_of(content):
    return email.message_from_bytes(content, policy=email.policy.default).get_content()


def open_alerts(gateway):
    return {(a["Kind"], a["Key"]): a for a in gateway.cli_json("alerts", "list")["Alerts"] if a["State"] == "open"}


def mails_to(sink, address, words):
    return [m for m in sink.to(address) if words in text_of(m.content)]


class Place(World):
    """A live gateway whose own mail, the operator's and the tenants', goes to one server."""

    def begin(self, hook, **options):
        self.hook = hook
        self.zone.add("mx.posthorn.test", "A", "127.0.0.1")
        for domain in ("ops.example", "fine.example", "tenant.example"):
            self.zone.mx(domain, "127.0.0.2")
        self.zone.mx("dead.example", "127.0.0.3")
        self.inbox = self.sink("127.0.0.2")
        self.start(**FAST, **{"alerts.webhook": hook.url, "alerts.allow_private": "yes", "domains.check_every": "1s", "alerts.site": "1s", **options})
        self.ours = self.gateway.tenant("ours.test", email="owner@ours.test")
        return self

    def verified(self, domain, owner):
        tenant = self.gateway.tenant(domain, email=owner, enabled=False)
        publish(self.zone, tenant)
        answer = self.gateway.api("EmailGateway.VerifyDomain", APIKey=tenant.api_key, DomainID=tenant.domain_id)
        assert answer["Domain"]["Status"] == "Enabled", answer
        return tenant

    def get(self, tenant):
        return self.gateway.api("EmailGateway.GetDomain", APIKey=tenant.api_key, DomainID=tenant.domain_id)["Domain"]


@pytest.fixture
def place(database):
    place = Place(database)
    yield place
    place.close()


def test_a_dead_site_is_told_once_each_way_and_when_it_is_over(place, hook):
    place.begin(hook)
    gateway = place.gateway
    gateway.sent(place.ours.key, to="a@dead.example", sender="news@ours.test")
    wait_for(lambda: mails_to(place.inbox, OPS, "Failing site"), what="the mail")
    wait_for(lambda: hook.told("site", "raised"), what="the call")
    key = hook.told("site", "raised")[0]["key"]
    assert "dead.example" in key and ("site", key) in open_alerts(gateway)
    assert "posthorn_alerts_open 1" in gateway.request("GET", "/metrics")[2]
    gateway.stop()
    gateway.start()  # nothing is told twice
    time.sleep(4)  # rounds that tell nothing
    assert len(mails_to(place.inbox, OPS, "Failing site")) == 1 and len(hook.told("site", "raised")) == 1
    alive = place.sink("127.0.0.3")
    gateway.cli("site", "resume", key)
    wait_for(lambda: alive.to("a@dead.example"), what="the delivery")
    wait_for(lambda: hook.told("site", "ended"), what="the end")
    wait_for(lambda: mails_to(place.inbox, OPS, "Failing site (over)"), what="the mail about the end")
    assert len(place.inbox.to(OPS)) == 2 and not open_alerts(gateway)


def test_late_mail_is_told_unless_its_site_is_paused(place, hook):
    """P4: the queue's age is news only where nobody told the mail to wait."""
    place.begin(hook, **{"alerts.queue_age": "2s"})
    place.zone.mx("tarpit.example", "127.0.0.4")
    with socket.create_server(("127.0.0.4", place.port)):  # takes connections and says nothing
        place.gateway.sent(place.ours.key, to="a@dead.example", sender="news@ours.test")
        wait_for(lambda: hook.told("site", "raised"), what="the dead site's alert")
        time.sleep(4)  # rounds that tell nothing
        assert not hook.told("queue-age", "raised")
        place.gateway.sent(place.ours.key, to="a@tarpit.example", sender="news@ours.test")
        wait_for(lambda: hook.told("queue-age", "raised"), what="the alert")
        assert "tarpit.example" in hook.told("queue-age", "raised")[0]["text"]


def test_DN20_a_broken_record_is_told_to_operator_and_account(place, hook):
    """P6: an account is told of its own domain; the domain goes on sending, and GetDomain says the truth."""
    place.begin(hook)
    gateway = place.gateway
    tenant, other = place.verified("shop.test", "owner@tenant.example"), place.verified("other.test", "other@tenant.example")
    place.zone.faults["mail.other.test"] = "servfail"
    spf = place.zone.records.pop(("mail.shop.test", "TXT"))
    wait_for(lambda: hook.told("domain-records", "raised"), what="the alert")
    assert [a["key"] for a in hook.told("domain-records", "raised")] == ["shop.test"]
    mine = wait_for(lambda: mails_to(place.inbox, "owner@tenant.example", "are wrong now"), what="the notice")
    assert "mail.shop.test" in text_of(mine[0].content) and "other.test" not in text_of(mine[0].content)
    wait_for(lambda: mails_to(place.inbox, OPS, "shop.test"), what="the mail")
    domain = place.get(tenant)
    assert (domain["Status"], domain["SPFStatus"], domain["VerificationStatus"]) == ("Enabled", "Failed", "Failed")
    gateway.sent(tenant.key, to="a@fine.example", sender="news@shop.test")
    wait_for(lambda: place.inbox.to("a@fine.example"), what="the delivery")
    assert place.get(other)["SPFStatus"] == "Verified" and not place.inbox.to("other@tenant.example")
    place.zone.records[("mail.shop.test", "TXT")] = spf
    wait_for(lambda: mails_to(place.inbox, "owner@tenant.example", "right again"), what="the second notice")
    wait_for(lambda: hook.told("domain-records", "ended"), what="the end")
    assert place.get(tenant)["VerificationStatus"] == "Verified"
    assert len(place.inbox.to("owner@tenant.example")) == 2


class NoEntry(socketserver.BaseRequestHandler):
    """A relay that refuses every login."""
    answers = {"EHLO": "250-relay.test\r\n250 AUTH PLAIN LOGIN", "AUTH": "535 5.7.8 hunter2 is wrong", "QUIT": "221 bye"}

    def handle(self):
        self.request.sendall(b"220 relay.test\r\n")
        for line in self.request.makefile("rb"):
            verb = line.split()[0].decode().upper() if line.split() else ""
            self.request.sendall(self.answers.get(verb, "502 no").encode() + b"\r\n")
            if verb == "QUIT":
                return


def test_P10_a_relay_that_refuses_our_login(place, hook):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), NoEntry) as relay:
        relay.daemon_threads = True
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        place.begin(hook, **{"relay.out.host": "127.0.0.1", "relay.out.port": relay.server_address[1], "relay.out.domains": "fine.example",
                             "relay.out.user": "me", "relay.out.password": "hunter2", "relay.out.tls": "opportunistic"})
        place.gateway.sent(place.ours.key, to="a@fine.example", sender="news@ours.test")
        told = wait_for(lambda: mails_to(place.inbox, OPS, "Relay refuses our login"), what="the mail")
        wait_for(lambda: hook.told("relay-login", "raised"), what="the call")
        assert b"hunter2" not in told[0].content and "hunter2" not in json.dumps(hook.bodies) + place.gateway.log.read_text()
        relay.shutdown()


def test_a_test_goes_both_ways_and_the_list_says_what_failed(place):
    hook = Hook(500)
    place.begin(hook)
    said = place.gateway.cli("alerts", "test").stdout.decode()
    assert OPS in said and "127.0.0.1" in said and "/hook" not in said
    wait_for(lambda: place.inbox.to(OPS), what="the mail")
    wait_for(lambda: len(hook.bodies) >= 2, what="the second try of the call")
    time.sleep(3)
    assert len(place.inbox.to(OPS)) == 1 and len(hook.bodies) == 2
    row = place.gateway.cli_json("alerts", "list")["Alerts"][0]
    assert (row["Kind"], row["State"], row["TimesTold"]) == ("test", "over", 1)
    hook.close()


def test_nobody_to_tell(sandbox):
    result = sandbox.cli("alerts", "test", check=False)
    assert result.returncode != 0 and b"[alerts] mail or webhook" in result.stderr


# ---- suspension ----
def complained(home, tenant, count, of):
    sent = [home.deliver(tenant, to=f"r{i}@example.org") for i in range(of)]
    for s in sent[:count]:
        assert home.bring(arf(), s.path) == 250
    return sent


def test_complaints_suspend_when_the_operator_says_so(database):
    home = Home(database, **{**FAST, "alerts.suspend": "yes", "alerts.messages": 10, "alerts.complaints": 5, "alerts.complaints_suspend": 15})
    try:
        gateway = home.gateway
        gateway.tenant("ours.test", email="owner@ours.test")
        warned, bad = home.tenant(), home.tenant()
        complained(home, warned, 1, 10)
        complained(home, bad, 2, 10)
        later = gateway.sent(bad.key, to="late@example.org", sender=f"news@{bad.domain}", SendAt=int(time.time()) + 3600)
        states = lambda: {d["DomainName"]: d for d in gateway.cli_json("domain", "list")["Domains"]}
        wait_for(lambda: states()[bad.domain]["Status"] == "Suspended", what="the suspension")
        assert "20.00 % complained (2 of 10)" in states()[bad.domain]["Because"]
        assert states()[warned.domain]["Status"] == "Enabled"
        wait_for(lambda: {k for k in open_alerts(gateway)} >= {("complaints", warned.domain), ("complaints", bad.domain)}, what="both alerts")
        status, answer = gateway.send(bad.key, to="x@example.org", sender=f"news@{bad.domain}")
        assert status == 403 and answer["Errors"][0]["Code"] == 32, answer
        wait_for(lambda: home.state(later) == [2], what="the queue to be held")
        gateway.cli("domain", "enable", bad.domain)
        wait_for(lambda: home.state(later) == [0], what="the queue to be released")
        gateway.sent(bad.key, to="y@example.org", sender=f"news@{bad.domain}")
        time.sleep(7)  # a round that looks at rates
        assert states()[bad.domain]["Status"] == "Enabled"
        told = [row for row in gateway.rows("SELECT subject FROM inbox") if "Too many complaints" in row[0] or "Alerts" in row[0]]
        assert 1 <= len(told) <= 3
    finally:
        home.close()


def test_a_suspended_domain_keeps_its_queue(place, hook):
    """P1: what waits is held, not lost, and flows after domain enable; held by the operator stays held."""
    place.begin(hook)
    gateway = place.gateway
    tenant, other = gateway.tenant("shop.test", email="owner@shop.test"), gateway.tenant("other.test", email="owner@other.test")
    ids = [gateway.sent(tenant.key, to=f"r{i}@dead.example", sender="news@shop.test") for i in range(3)]
    theirs = gateway.sent(other.key, to="r@dead.example", sender="news@other.test")
    site = wait_for(lambda: [key for kind, key in open_alerts(gateway) if kind == "site"], what="a first try")[0]
    gateway.cli("queue", "hold", "--message", ids[2])
    said = gateway.cli("domain", "suspend", "shop.test", "--because", "spam since noon").stdout.decode()
    assert "suspended: spam since noon" in said
    held = lambda state: int(gateway.rows(f"SELECT count(*) FROM recipients WHERE state = {state} AND domain = 'dead.example'")[0][0])
    wait_for(lambda: held(2) == 3, what="the hold")
    status, answer = gateway.send(tenant.key, to="x@fine.example", sender="news@shop.test")
    assert status == 403 and answer["Errors"][0]["Code"] == 32, answer
    alive = place.sink("127.0.0.3")
    gateway.cli("site", "resume", site)
    wait_for(lambda: alive.to("r@dead.example"), what="the others' mail")
    assert len(alive.mails) == 1
    gateway.cli("domain", "enable", "shop.test")
    wait_for(lambda: held(3) == 3, what="the deliveries")
    assert held(2) == 1 and theirs
