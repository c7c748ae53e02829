"""kill -9 at random moments while messages are accepted and delivered: P1 nothing acknowledged is lost, P2 few come twice.

SPDX-License-Identifier: Apache-2.0"""
import http.client
import json
import random
import shutil
import smtplib
import threading
import time

import pytest

from counting_sink import CountingSink
from gateway import Gateway, free_port, mail, wait_for
from postgres import Postgres
from zone import Zone

SENDERS = 4


class Sender(threading.Thread):
    """Sends messages one by one, each to a recipient of its own, until told to stop; remembers which were acknowledged.
    pace() says how many may be by now: a part of the whole for each kill, so that no kill finds an idle gateway."""

    def __init__(self, way, number, acknowledged, lock, pace):
        super().__init__(daemon=True)
        self.way, self.number, self.acknowledged, self.lock, self.pace = way, number, acknowledged, lock, pace
        self.stop, self.count, self.wrong = False, 0, []

    def run(self):
        while not self.stop:
            if len(self.acknowledged) >= self.pace():
                time.sleep(0.002)
                continue
            self.count += 1
            recipient = f"u{self.number}-{self.count}@example.org"
            try:
                code = self.way.hand_in(recipient)
                if code in (200, 250):
                    with self.lock:
                        self.acknowledged.add(recipient)
                elif code not in (429, 503, 421, 451, 452):
                    self.wrong.append(code)
            except (OSError, http.client.HTTPException):
                self.way.connection = None
                time.sleep(0.01)


class ByHttp:
    def __init__(self, port, key):
        self.port, self.key, self.connection = port, key, None

    def hand_in(self, recipient):
        self.connection = self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.connection.request("POST", "/api/v1/email", json.dumps(mail(to=recipient)),
                                {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"})
        response = self.connection.getresponse()
        response.read()
        return response.status


class BySmtp:
    """250 stands for as much as HTTP's 200."""

    def __init__(self, port, user):
        self.port, self.user, self.connection = port, user, None

    def hand_in(self, recipient):
        if not self.connection:
            fresh = smtplib.SMTP("127.0.0.1", self.port, timeout=30)
            fresh.ehlo("client.test")
            fresh.login(self.user["Username"], self.user["Password"])
            self.connection = fresh
        for code, _ in (self.connection.mail("news@shop.test"), self.connection.rcpt(recipient)):
            if code != 250:
                break
        else:
            code, _ = self.connection.data(b"From: news@shop.test\r\nSubject: Hello\r\n\r\nHello there\r\n")
        if code == 421:
            self.connection = None
        elif code != 250:
            self.connection.rset()
        return code


def uncommitted(gateway, sink):
    """Recipients whose server said 250 and whose row still waits: what was between final dot and commit when we were killed."""
    wait_for(lambda: sink.sessions == 0, what="the sink to read what was sent")
    waiting = {row[0] for row in gateway.rows("select address from recipients where state in (0, 1)")}
    with sink.lock:
        return sum(1 for address in sink.arrived if address in waiting)


@pytest.mark.parametrize("store", ["sqlite", "pgsql"])
def test_p1_p2_kill_9_loses_nothing(full, store):
    server = Postgres() if store == "pgsql" else None
    try:
        kill_and_count(full, server and server.fresh())
    finally:
        if server:
            server.close()


def kill_and_count(full, database):
    kills, goal = (200, 5000) if full else (8, 300)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    zone, sink, smtp_port = Zone(), CountingSink(), free_port()
    zone.mx("example.org", "127.0.0.1")
    gateway = Gateway(database=database, **{"delivery.mode": "live", "delivery.port": sink.port, "delivery.allow_private": "yes", "dns.servers": zone.server,
                         "delivery.retry": "1s", "log.level": "warn", "smtp.listen": f"127.0.0.1:{smtp_port}", "smtp.auth_without_tls": "loopback"})
    gateway.start()
    tenant = gateway.tenant("shop.test")
    acknowledged, lock, killed, hit = set(), threading.Lock(), 0, 0

    def pace():
        return goal * (killed + 1) / kills

    user = gateway.api("EmailGateway.AddSMTP", APIKey=tenant.api_key, DomainID=tenant.domain_id)["SMTP"]
    ways = [BySmtp(smtp_port, user) if n % 2 else ByHttp(gateway.port, tenant.key) for n in range(SENDERS)]
    senders = [Sender(way, n, acknowledged, lock, pace) for n, way in enumerate(ways)]
    for sender in senders:
        sender.start()
    allowed = 0
    for _ in range(kills):
        part = chance.random() * goal / kills  # of what may be sent before this kill: then it strikes
        wait_for(lambda: len(acknowledged) >= goal * killed / kills + part, 120, "messages to be accepted")
        time.sleep(chance.random() * 0.01)
        hit += len(acknowledged) < pace()
        gateway.kill()
        allowed += uncommitted(gateway, sink)
        gateway.start()
        killed += 1
    wait_for(lambda: len(acknowledged) >= goal, 600, "all messages to be accepted")
    for sender in senders:
        sender.stop = True
        sender.join(60)
    wait_for(lambda: gateway.cli_json("queue", "top")["Total"] == 0, 600, "the queue to drain")
    gateway.stop()
    assert not [s.wrong for s in senders if s.wrong]
    lost = [r for r in acknowledged if not sink.arrived[r]]
    twice = sum(n - 1 for n in sink.arrived.values() if n > 1)
    assert any(r.startswith("u1-") for r in acknowledged) and any(r.startswith("u0-") for r in acknowledged), "both ways in"
    print(f"{len(acknowledged)} acknowledged, {kills} kills, {hit} while messages came in, {len(lost)} lost, {twice} duplicates, {allowed} were between final dot and commit")
    assert hit, "every kill found an idle gateway"
    assert not lost, lost[:10]
    assert twice <= allowed, "P2"
    if not database:
        assert gateway.rows("pragma integrity_check") == [("ok",)]
    states = {int(state): int(n) for state, n in gateway.rows("select state, count(*) from recipients group by state")}
    assert set(states) == {3}, f"P1: every recipient is delivered, none in two states: {states}"
    ends = [int(n) for n in gateway.rows("select count(*), count(distinct recipient_id) from events where type = 3")[0]]
    assert ends[0] == ends[1] == states[3], "P3: one delivery event a recipient"
    sink.close()
    zone.close()
    shutil.rmtree(gateway.folder, ignore_errors=True)
