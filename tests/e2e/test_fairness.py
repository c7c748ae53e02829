"""P6: whoever asks for much at once waits for it himself; others are answered meanwhile.

Nothing here measures time: the others' answers come while most of the work is still to be done.
SPDX-License-Identifier: Apache-2.0"""
import threading

import pytest

from gateway import mail

CROWD = 24


@pytest.fixture(scope="module")
def tenants(shared):
    return shared.tenant("greedy.test"), shared.tenant("modest.test")


class Crowd:
    """`call`, CROWD times at once; `left` are not answered yet."""

    def __init__(self, call):
        self.left, self.lock, self.answers = CROWD, threading.Lock(), []
        self.threads = [threading.Thread(target=self.run, args=(call,)) for _ in range(CROWD)]
        for thread in self.threads:
            thread.start()

    def run(self, call):
        answer = call()
        with self.lock:
            self.left -= 1
            self.answers.append(answer)

    def __enter__(self):
        while self.left > CROWD - 2:  # they wait in the gateway, not in here
            pass
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            thread.join()


def modest_calls(gateway, tenant):
    assert gateway.api("EmailGateway.GetDomains", APIKey=tenant.api_key)["Success"]
    assert gateway.api("User.Login", Username=tenant.email, Password="correct horse battery")["Success"]
    assert gateway.send(tenant.key, mail(sender="a@modest.test"))[0] == 200


def test_searches_hold_up_nobody_else(shared, tenants):
    greedy, modest = tenants
    shared.sent(greedy.key, sender="a@greedy.test")
    shared.sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) INSERT INTO events (id, at, type, account_id, domain_id, "
               "message_id, recipient_id, recipient, recipient_domain, detail) SELECT 1000 + n.i, e.at, e.type, e.account_id, e.domain_id, e.message_id, "
               "e.recipient_id, e.recipient, e.recipient_domain, e.detail FROM n, (SELECT * FROM events WHERE domain_id = "
               f"{greedy.domain_id} LIMIT 1) e")
    search = {"APIKey": greedy.api_key, "DomainID": greedy.domain_id, "StartFrom": 0, "RetrieveCount": 1, "Query": "userAgent:zzz OR userAgent:yyy"}
    with Crowd(lambda: shared.api("EmailGateway.GetEvents", **search)) as crowd:
        modest_calls(shared, modest)
        assert crowd.left > CROWD // 2
    assert all(answer["Success"] for answer in crowd.answers)


def test_templates_hold_up_nobody_else(shared, tenants):
    greedy, modest = tenants
    loop = "{{#each a}}{{#each ../a}}{{/each}}{{/each}}Hello"
    people = [{"email": f"reader{i}@example.org", "name": "", "data": {}} for i in range(200)]
    message = mail(to=people, sender="a@greedy.test", PlainContent=loop, Data={"a": [0] * 200})
    with Crowd(lambda: shared.send(greedy.key, message)) as crowd:
        modest_calls(shared, modest)
        assert crowd.left > CROWD // 2
    assert all(status == 200 for status, _ in crowd.answers)


def test_one_call_has_so_much_work_and_no_more(shared, tenants):
    loop = "{{#each a}}{{#each ../a}}{{/each}}{{/each}}Hello"
    people = [{"email": f"reader{i}@example.org", "name": "", "data": {}} for i in range(1000)]
    status, answer = shared.send(tenants[0].key, mail(to=people, sender="a@greedy.test", PlainContent=loop, Data={"a": [0] * 250}))
    assert status == 422 and "fewer at once" in answer["Errors"][0]["Message"]
