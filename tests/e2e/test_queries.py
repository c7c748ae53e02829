"""The search language as callers meet it: the same rows through GetEvents, GET /api/v1/events and the sums of AggrEvents, and errors that say
where and what would be right.

SPDX-License-Identifier: Apache-2.0"""
import concurrent.futures
import urllib.parse

import pytest

from conftest import World, fresh_database
from gateway import wait_for

# name: (recipient, what becomes of it, fields)
MAILS = {
    "welcome": ("ann@good.test", "delivery", {"Subject": "Welcome to our shop", "Tags": ["welcome", "EU"], "JourneyID": "J1", "ActionID": "7"}),
    "order": ("Ann.Smith@good.test", "delivery", {"Subject": "Your order #4711 has been shipped", "Tags": ["order"], "JourneyID": "J2"}),
    "sale": ("o'hara@good.test", "delivery", {"Subject": "100% off_now: o'hara's [sale]", "Tags": ["sale"]}),
    "umlaut": ("bob@good.test", "delivery", {"Subject": "Übung macht den Meister (welcome!)"}),
    "gone": ("nobody@bad.test", "bounce", {"Subject": "Welcome back", "Tags": ["welcome"], "ListID": "5"}),
    "full": ("full@bad.test", "bounce", {"Subject": "Order \"ready\" AND waiting", "JourneyID": "J1"}),
}
SENT, DONE = {(m, "send") for m in MAILS}, {(m, what) for m, (_, what, _) in MAILS.items()}


def rows(*names, only=None):
    return {(m, e) for m, e in SENT | DONE if m in names and only in (None, e)}


CASES = [
    ("welcome", rows("welcome", "umlaut", "gone")),
    ("WELCOME shop", rows("welcome")),
    ('"to our"', rows("welcome")),
    ('"our to"', set()),
    ("elcome", set()),
    ("übung", rows("umlaut")),
    ("meist*", rows("umlaut")),
    ("smith", rows("order")),
    ("ann", rows("welcome", "order")),
    ("news@desk.test", rows(*MAILS)),
    ('"AND waiting"', rows("full")),
    ("subject:welcome", rows("welcome", "umlaut", "gone")),
    ('subject:"order ready"', rows("full")),
    ("subject:wel* NOT subject:back", rows("welcome", "umlaut")),
    ("subject:\"o'hara's\"", rows("sale")),
    ("recipient:ANN@good.test", rows("welcome")),
    ("recipient:ann*", rows("welcome", "order")),
    ("recipient:o'hara@good.test", rows("sale")),
    ("recipientDomain:bad.test", rows("gone", "full")),
    ("recipientDomain:[a TO c]", rows("gone", "full")),
    ("tag:welcome", rows("welcome", "gone")),
    ("tag:eu OR tag:sale", rows("welcome", "sale")),
    ("NOT tag:*", rows("umlaut", "full")),
    ("journeyId:j1 actionId:7", rows("welcome")),
    ("listId:5", rows("gone")),
    ("eventType:bounce", rows(*MAILS, only="bounce")),
    ("eventType:delivered subject:welcome", rows("welcome", "umlaut", only="delivery")),
    ("(tag:order OR tag:sale) eventType:send", rows("order", "sale", only="send")),
    ("smtpCode:550", rows("gone", only="bounce")),
    ("smtpCode:[500 TO 599]", rows("gone", "full", only="bounce")),
    ("smtpCode:2* mxHost:mx1.good.test", rows(*MAILS, only="delivery")),
    ("NOT eventType:send NOT smtpCode:250", rows(*MAILS, only="bounce")),
    ("date:[2020-01-01 TO *] bounceClass:*", rows("gone", "full", only="bounce")),
    ("date:[* TO 2020-01-01]", set()),
    ("sender:news@desk.test recipient:*@good.test", None),  # a star in front is refused
]


class Desk:
    def __init__(self, world):
        refuse = {"nobody@bad.test": "550 5.1.1 no such user", "full@bad.test": "552 5.2.2 mailbox full"}
        world.sink("127.0.0.71")
        world.sink("127.0.0.72", answers=[lambda address: refuse[address]] * 10)
        world.zone.mx("good.test", "127.0.0.71")
        world.zone.mx("bad.test", "127.0.0.72")
        self.gateway = world.start()
        self.tenant = self.gateway.tenant("desk.test")
        self.names = {self.gateway.sent(self.tenant.key, to=to, sender="news@desk.test", **fields): name for name, (to, _, fields) in MAILS.items()}
        wait_for(lambda: self.all() == SENT | DONE, what="every end")

    def all(self):
        return {(self.names[e["MessageId"]], e["EventType"]) for e in self.gateway.events(self.tenant.key)}

    def command(self, name, **more):
        return self.gateway.api("EmailGateway." + name, APIKey=self.tenant.api_key, DomainID=self.tenant.domain_id, **more)

    def rest(self, query):
        filters = urllib.parse.urlencode({"Query": query, "RetrieveCount": 100})
        return self.gateway.request("GET", f"/api/v1/events?{filters}", headers={"Authorization": f"Bearer {self.tenant.key}"})[::2]


@pytest.fixture(scope="module")
def desk(request):
    world = World(fresh_database(request))
    yield Desk(world)
    world.close()


@pytest.mark.parametrize("query,expected", CASES, ids=[c[0] for c in CASES])
def test_a_query_finds_its_rows(desk, query, expected):
    """Decision 20, on every way in; what is found adds up by type and by message."""
    status, answer = desk.rest(query)
    said = desk.command("GetEvents", StartFrom=0, RetrieveCount=100, Query=query)
    if expected is None:
        assert status == 422 and said["ErrorCode"] == 422 and "only at the end" in said["ErrorText"]
        return
    assert status == 200 and {(desk.names[e["MessageId"]], e["EventType"]) for e in answer["Events"]} == expected
    assert answer["TotalRecords"] == len(answer["Events"]) == len(expected) == said["TotalRecords"]
    assert {(desk.names[e["message"]["id"]], e["event_type"]) for e in said["Events"]} == expected
    for field, key in (("eventType", lambda m, e: e), ("messageId", lambda m, e: m), ("recipientDomain", lambda m, e: MAILS[m][0].split("@")[1])):
        buckets = desk.command("AggrEvents", AggregatedField=field, AggregateSize=100, Query=query)["AggBuckets"]
        counted = {desk.names.get(b["key"], b["key"]): b["doc_count"] for b in buckets}
        wanted = [key(m, e) for m, e in expected]
        assert counted == {k: wanted.count(k) for k in set(wanted)}, field


@pytest.mark.parametrize("query,place,hint", [
    ("subjct:welcome", 1, 'there is no field "subjct"; did you mean subject?'), ("welcome to:ann", 9, "did you mean recipient?"),
    ("colour:red", 1, "or use one of eventType, recipient, "), ("welcome AND", 9, "nothing to search for follows this AND"),
    ("OR welcome", 1, "nothing stands before this AND or OR"), ("übung (welcome", 7, "this ( is not closed"), ("a) b", 2, "has no ( before it"),
    ("()", 1, "nothing between these brackets"), ('"welcome', 1, "this quote is not closed"), ("tag:", 5, "a value is missing after the colon"),
    ("tag: sale", 5, "no blank may stand"), ("tag:(a OR b)", 5, "brackets stand around whole terms"), ("*come", 1, "* may stand only at the end"),
    ("eventType:bouncd", 1, "did you mean bounce?"), ("date:yesterday", 1, "a date is YYYY-MM-DD"), ("date:[2026-02-01 TO 2026-01-01]", 1, "[2026-01-01 TO 2026-02-01]"),
    ("smtpCode:>499", 10, "more and less are written field:[from TO *]"), ("smtpCode:[500 to 599]", 15, "TO is written in capitals"), ("smtpCode:5xx", 1, "three digits"),
    ("bot:maybe", 1, "bot is true or false"), ("a " * 40, 65, "more than 64"),
])
def test_a_wrong_query_is_told_where_and_what_would_be_right(desk, query, place, hint):
    status, answer = desk.rest(query)
    assert status == 422 and answer["Errors"][0]["Field"] == "Query"
    assert answer["Errors"][0]["Message"].startswith(f"Query is wrong at character {place}: ") and hint in answer["Errors"][0]["Message"]
    for command in ("GetEvents", "AggrEvents"):
        said = desk.command(command, Query=query, **({"StartFrom": 0, "RetrieveCount": 5} if command == "GetEvents" else {}))
        assert said["ErrorCode"] == 422 and hint in said["ErrorText"]


def test_P6_a_neighbour_is_not_found(desk):
    neighbour = desk.gateway.tenant("next.test")
    desk.gateway.sent(neighbour.key, to="ann@good.test", sender="news@next.test", Subject="Welcome, neighbour", Tags=["welcome"])
    for query in ("welcome", "neighbour", "subject:welcome", "recipient:ann@good.test", "tag:welcome", "next.test", "NOT zzz"):
        assert all(e["MessageId"] in desk.names for e in desk.rest(query)[1]["Events"])


def test_P6_P8_a_count_of_many_is_taken_in_pieces(desk):
    """200,000 events of a domain, counted by several at once; who asks for little is answered meanwhile."""
    many = desk.gateway.tenant("many.test")
    account = desk.gateway.rows(f"SELECT account_id FROM domains WHERE id = {many.domain_id}")[0][0]
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM n"
    desk.gateway.sql(
        "INSERT INTO events (id, at, type, account_id, domain_id, message_id, recipient_id, recipient, recipient_domain, mx_host, detail) "
        f"SELECT 1000000 + i, 1767225600000 + i, 3, {account}, {many.domain_id}, 1000 + i / 4, 1, 'r' || (i % 1000) || '@x.test', 'x.test', "
        f"'mx' || (i % 4) || '.test', '{{}}' FROM ({numbers}) numbers")
    desk.gateway.sql(f"INSERT INTO rollups (domain_id, kind, at, value, deliveries) VALUES ({many.domain_id}, 1, 1767225600000, '', 200000), "
                     f"({many.domain_id}, 2, 1767225600000, '', 200000)")

    def count(field, **more):
        answer = desk.gateway.api("EmailGateway.AggrEvents", APIKey=many.api_key, DomainID=many.domain_id, AggregatedField=field, AggregateSize=1000, **more)
        return {b["key"]: b["doc_count"] for b in answer["AggBuckets"]}

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(count, field) for field in ("recipient", "mxHost") * 3]
        assert desk.command("AggrEvents", Query="subject:welcome eventType:send")["AggBuckets"] == [{"key": "send", "doc_count": 3}]
        by_recipient, by_host = [a.result() for a in asked[::2]], [a.result() for a in asked[1::2]]
    assert all(c == {f"r{i}@x.test": 200 for i in range(1000)} for c in by_recipient)
    assert all(c == {f"mx{i}.test": 50000 for i in range(4)} for c in by_host)
    assert count("recipient", Query="mxHost:mx1.test recipientDomain:x.test") == {f"r{i}@x.test": 200 for i in range(1, 1000, 4)}
    assert count("mxHost", StartDate="2026-01-01", EndDate="2026-01-01 00:01:39")["mx0.test"] == 24999
    said = desk.gateway.api("EmailGateway.AggrEvents", APIKey=many.api_key, DomainID=many.domain_id, AggregatedField="mxHost", Query=" OR ".join(["link:*"] * 30))
    assert said["ErrorCode"] == 422 and said["Field"] == "StartDate" and "narrow StartDate and EndDate" in said["ErrorText"]
