"""kill -9 in the middle of calls that write much: batches, suppressions by the thousand, a queue cleared, a domain deleted, a
replay to a webhook.

A caller who got no answer asks again, as a client does. When all is answered, nothing that was acknowledged is lost, nothing is
there twice, and the books agree (P1, P2, P3).
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

KILLS = 3


@pytest.fixture(scope="module", params=["sqlite", "pgsql"])
def store(request):
    server = Postgres() if request.param == "pgsql" else None
    yield server
    if server:
        server.close()


@pytest.fixture
def gateway(store):
    """Nobody answers its questions about DNS, so what is sent waits."""
    gateway = Gateway(database=store and store.fresh(), **{"log.level": "error", "delivery.mode": "live", "dns.servers": "127.0.0.1@9",
                                                           "delivery.retry": "1s"}).start()
    yield gateway
    gateway.stop()
    books.check(gateway)
    shutil.rmtree(gateway.folder, ignore_errors=True)


@pytest.fixture
def tenant(gateway):
    return gateway.tenant("shop.test")


class Caller(threading.Thread):
    """Makes calls one after the other, each until it is answered; [(call, status, answer)] in `answers`."""

    def __init__(self, gateway, calls):
        super().__init__(daemon=True)
        self.gateway, self.calls, self.answers, self.unanswered = gateway, calls, [], 0
        self.start()

    def run(self):
        for call in self.calls:
            while True:
                try:
                    status, _, answer = self.gateway.request(*call)
                except (OSError, http.client.HTTPException, ValueError):
                    self.unanswered += 1
                    time.sleep(0.02)
                    continue
                if status != 503:
                    break
            self.answers.append((call, status, answer))

    def finish(self):
        wait_for(lambda: not self.is_alive(), 600, "all calls to be answered")
        return self.answers


def kill_on_the_way(gateway, callers, progress, kills=KILLS, is_busy=None):
    """Kill at random parts of the way: progress() goes from 0 to 1. A kill must find work under way: callers, or what is_busy says."""
    is_busy = is_busy or (lambda: any(c.is_alive() for c in callers))
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance, hit = random.Random(seed), 0
    for k in range(kills):
        part = (k + chance.random()) / kills
        wait_for(lambda: progress() >= part or not is_busy(), 300, "progress")
        hit += is_busy()
        gateway.kill()
        gateway.start()
    assert hit, "every kill found an idle gateway"


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def batch(tenant, addresses, key=None, **fields):
    return ("POST", "/api/v1/email/batch", {"Messages": [mail(to=a, **fields) for a in addresses]},
            {**bearer(tenant.key), **({"Idempotency-Key": key} if key else {})})


def fill_queue(gateway, tenant, count, **fields):
    for i in range(0, count, 500):
        status, _, answer = gateway.request(*batch(tenant, [f"u{n}@there.test" for n in range(i, i + 500)], **fields))
        assert status == 200, answer


def test_p1_p2_batches_with_idempotency_keys(gateway, tenant, full):
    batches, size = (200, 50) if full else (40, 25)
    calls = [batch(tenant, [f"b{n}-{i}@there.test" for i in range(size)], key=f"batch-{n}") for n in range(batches)]
    callers = [Caller(gateway, calls[i::4]) for i in range(4)]
    kill_on_the_way(gateway, callers, lambda: sum(len(c.answers) for c in callers) / batches, 10 if full else KILLS)
    answers = [a for c in callers for a in c.finish()]
    assert all(status == 200 for _, status, _ in answers), answers
    ids = {r["MessageID"] for _, _, answer in answers for r in answer["Results"]}
    assert len(ids) == batches * size == books.number(gateway, "select count(*) from messages")
    assert books.number(gateway, "select count(distinct address) from recipients") == batches * size


def test_p1_suppressions_by_the_thousand(gateway, tenant, full):
    count = 20000 if full else 5000
    addresses = [f"s{i}@there.test" for i in range(count)]
    headers = bearer(tenant.api_key)
    caller = Caller(gateway, [("POST", "/api/v1/suppressions", {"EmailAddresses": addresses}, headers)])
    kill_on_the_way(gateway, [caller], lambda: books.number(gateway, "select count(*) from suppressions") / count)
    [(_, status, answer)] = caller.finish()
    assert status in (200, 201) and answer["TotalFailed"] == 0, answer
    assert books.number(gateway, "select count(*) from suppressions") == count
    caller = Caller(gateway, [("DELETE", "/api/v1/suppressions", {"EmailAddresses": addresses}, headers)])
    kill_on_the_way(gateway, [caller], lambda: 1 - books.number(gateway, "select count(*) from suppressions") / count)
    assert caller.finish()[0][1] == 200
    assert books.number(gateway, "select count(*) from suppressions") == 0


@pytest.mark.parametrize("command", ["EmailGateway.ClearDomainQueue", "EmailGateway.DeleteDomain"])
def test_p1_p3_a_queue_of_thousands_is_cleared(gateway, tenant, full, command):
    count = 5000 if full else 3000
    fill_queue(gateway, tenant, count)
    call = ("POST", "/api.php", {"Command": command, "APIKey": tenant.api_key, "DomainID": tenant.domain_id}, {})
    caller = Caller(gateway, [call])

    def failed():
        return books.number(gateway, f"select count(*) from recipients where state = {books.FAILED}")

    kill_on_the_way(gateway, [caller], lambda: failed() / count, is_busy=lambda: failed() < count)  # the answer comes first
    [(_, _, answer)] = caller.finish()
    if command == "EmailGateway.ClearDomainQueue":
        assert answer["Success"] and answer["Cleared"] <= count, answer
    else:
        assert answer["Success"] or answer["ErrorCode"] == 2, answer  # one that was killed had deleted it
        assert gateway.send(tenant.key, to="again@there.test")[0] == 401
    wait_for(lambda: failed() == count, 120, "all to have failed")


def test_p1_a_domain_goes_while_it_is_sent_for(gateway, tenant, full):
    """Whoever is told 200 has his message's end told too, on whichever side of the deletion he was."""
    fill_queue(gateway, tenant, 1000)
    callers = [Caller(gateway, [batch(tenant, [f"r{n}-{i}-{k}@there.test" for k in range(5)], f"race-{n}-{i}") for i in range(400)])
               for n in range(3)]
    wait_for(lambda: sum(len(c.answers) for c in callers) > 30, what="batches")
    callers.append(Caller(gateway, [("POST", "/api.php", {"Command": "EmailGateway.DeleteDomain", "APIKey": tenant.api_key,
                                                          "DomainID": tenant.domain_id}, {})]))
    kill_on_the_way(gateway, callers, lambda: books.number(gateway, f"select count(*) from recipients where state = {books.FAILED}") / 1000, 2)
    answers = [answer for c in callers[:3] for _, _, answer in c.finish()]
    results = [r for answer in answers for r in answer.get("Results", [])]
    accepted = [r["MessageID"] for r in results if "MessageID" in r]
    found = {error["Code"] for refused in answers + results for error in refused.get("Errors", [])}
    assert accepted and found <= {2, 13, 32, 429}, found  # 429: a key that is no more is a wrong key, and those are slowed
    callers[3].finish()
    wait_for(lambda: books.number(gateway, f"select count(*) from recipients where state <> {books.FAILED}") == 0, 120, "all to have failed")
    assert len(set(accepted)) == len(accepted)
    # A batch whose answer a kill took may be there; asked again, its caller is refused, the key having gone with the domain.
    kept = books.number(gateway, "select count(*) from messages") - 1000 - len(accepted)
    assert 0 <= kept <= 2 * 3 * 5, "what was refused is not there"  # two kills, a batch of five of each of three callers
    for message in random.sample(accepted, 5):
        shown = gateway.request("GET", f"/api/v1/messages/{message}", headers=bearer(tenant.api_key))[2]["Message"]
        [recipient] = shown["Recipients"]
        assert (recipient["State"], recipient["Events"][-1]["EventType"]) == ("failed", "failed"), shown


def test_p1_a_replay_of_thousands(gateway, tenant, full):
    """Whoever asks again has every event told, each waiting once."""
    count = 40000 if full else 20000
    gateway.sql("with recursive n(i) as (select 1 union all select i + 1 from n where i < %d) insert into events (at, type, account_id, domain_id, "
                "message_id, recipient_id, recipient, recipient_domain, detail) select 1000 * i, 7, %s, %s, 0, 0, 'r@there.test', 'there.test', '{}' "
                "from n" % (count, tenant.user_id, tenant.domain_id))
    made = gateway.request("POST", "/api/v1/webhooks", {"Event": "open", "WebhookURL": "https://hooks.there.test/"}, bearer(tenant.key))[2]
    replay = ("POST", f"/api/v1/webhooks/{made['NewWebhookID']}/replay", {"StartDate": 0}, bearer(tenant.key))
    caller = Caller(gateway, [replay])
    kill_on_the_way(gateway, [caller], lambda: books.number(gateway, "select count(*) from hook_outbox") / count)
    [(_, status, answer)] = caller.finish()
    assert (status, answer) == (200, {"Replayed": count, "Cursor": ""})
    assert [books.number(gateway, f"select count({what}) from hook_outbox") for what in ("*", "distinct event_id")] == [count, count]
