"""kill -9 while webhooks are told of events, by a receiver that fails now and then: every event that stands arrives at least once, with
the same id and the same words each time, and none arrives that does not stand (P3).

SPDX-License-Identifier: Apache-2.0"""
import http.client
import random
import shutil
import threading
import time

import pytest

import books
from gateway import Gateway, mail, wait_for
from postgres import Postgres
from receiver import Receiver, answer

EVENTS = "send", "delivery"


class Flaky:
    """Fails some calls, each id once: with a refusal, or by hanging up. What it answered 200 is taken."""

    def __init__(self, chance):
        self.chance, self.failed, self.taken, self.words, self.changed, self.repeated = chance, set(), set(), {}, [], 0

    def __call__(self, call):
        if self.words.setdefault(call.id, call.body) != call.body:
            self.changed.append(call.id)
        if call.id in self.taken:
            self.repeated += 1
        elif call.id not in self.failed and self.chance.random() < 0.03:
            self.failed.add(call.id)
            return answer(404) if self.chance.random() < 0.95 else None
        self.taken.add(call.id)
        return answer()


class Sender(threading.Thread):
    """Messages of `each` recipients; one without an answer is sent again, so there may be more of them than that."""

    def __init__(self, gateway, key, count, each):
        super().__init__(daemon=True)
        self.gateway, self.key, self.count, self.each, self.wrong = gateway, key, count, each, []
        self.start()

    def run(self):
        for n in range(self.count):
            message = mail(to=[{"email": f"u{n}-{i}@example.org", "name": "U"} for i in range(self.each)])
            while True:
                try:
                    status, body = self.gateway.send(self.key, message)
                except (OSError, http.client.HTTPException, ValueError):
                    status = 503
                if status not in (429, 503):
                    break
                time.sleep(0.02)
            if status != 200:
                self.wrong.append((status, body))


@pytest.mark.parametrize("store", ["sqlite", "pgsql"])
def test_p3_kill_9_forgets_no_call(full, store):
    server = Postgres() if store == "pgsql" else None
    try:
        kill_and_count(full, server and server.fresh())
    finally:
        if server:
            server.close()


def kill_and_count(full, database):
    messages, each, kills = (500, 50, 25) if full else (12, 15, 4)
    goal = messages * each * len(EVENTS)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    flaky = Flaky(chance)
    with Receiver(respond=flaky) as receiver:
        gateway = Gateway(database=database, **{"webhook.allow_private": "yes", "webhook.timeout": "5s", "log.level": "warn"}).start()
        tenant = gateway.tenant("shop.test")
        for event in EVENTS:
            made = gateway.api("EmailGateway.AddWebhook", APIKey=tenant.api_key, DomainID=tenant.domain_id, Event=event, WebhookURL=receiver.url())
            assert made["Success"] is True
        sender = Sender(gateway, tenant.key, messages, each)
        for n in range(kills):
            wait_for(lambda: len(flaky.taken) >= (n + chance.random()) * goal / (kills + 1), 300, "calls to come")
            time.sleep(chance.random() * 0.01)
            gateway.kill()
            gateway.start()
        sender.join(600)
        assert not sender.is_alive() and not sender.wrong, sender.wrong
        wait_for(lambda: gateway.cli_json("queue", "top")["Total"] == 0, 600, "the queue to drain")
        wait_for(lambda: gateway.rows("select count(*) from hook_outbox") == [("0",)], 600, "all to be told")
        stand = {f"evt_{row[0]}" for row in gateway.rows("select id from events where type in (1, 3)")}
        gateway.stop()
        print(f"{len(stand)} events, {flaky.repeated} repeated after they were taken, {len(flaky.failed)} failed once")
        assert flaky.taken == stand and len(stand) >= goal and not flaky.changed
        books.check(gateway)
    shutil.rmtree(gateway.folder, ignore_errors=True)
