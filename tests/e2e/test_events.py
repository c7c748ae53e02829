"""GET /api/v1/events and EmailGateway.GetEvents: paging, filters, names of both families, whole days, what a record holds.

SPDX-License-Identifier: Apache-2.0"""
import datetime
import re
import urllib.parse
import uuid

import pytest

from conftest import World, fresh_database
from gateway import wait_for

ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
DAY = 86400


def recount(gateway, tenant):
    """The roll-ups by hour and day, after events were moved behind their back: there are sends and deliveries alone."""
    domain = tenant.domain_id
    gateway.sql(f"DELETE FROM rollups WHERE domain_id = {domain} AND kind IN (1, 2)")
    for kind, span in ((1, DAY // 24 * 1000), (2, DAY * 1000)):
        gateway.sql("INSERT INTO rollups (domain_id, kind, at, value, sends, deliveries) "
                    f"SELECT domain_id, {kind}, at - at % {span}, '', sum(CASE type WHEN 1 THEN 1 ELSE 0 END), "
                    f"sum(CASE type WHEN 3 THEN 1 ELSE 0 END) FROM events WHERE domain_id = {domain} "
                    f"GROUP BY domain_id, at - at % {span}")


@pytest.fixture(scope="module")
def past(shared):
    """A tenant with 12 messages, two events each; three of them moved to known days of the past."""
    tenant = shared.tenant("past.test")
    ids = [shared.sent(tenant.key, to=f"r{i}@example.org", sender="news@past.test", Subject=f"number {i}") for i in range(12)]
    wait_for(lambda: shared.events_total(tenant.key) == 24, what="all deliveries")
    for i, day in enumerate(("2026-01-01 00:00:00", "2026-01-02 12:30:00", "2026-01-02 23:59:59")):
        at = int(datetime.datetime.fromisoformat(day + "+00:00").timestamp()) * 1000 + (999 if i == 2 else 0)
        shared.sql(f"UPDATE events SET at = {at} WHERE message_id = (SELECT id FROM messages WHERE subject = 'number {i}')")
    recount(shared, tenant)
    tenant.ids = ids
    return tenant


def get(gateway, key, body=None, **filters):
    query = urllib.parse.urlencode(filters, doseq=True)
    return gateway.request("GET", "/api/v1/events" + ("?" + query if query else ""), body, {"Authorization": f"Bearer {key}"})[::2]


def found(gateway, tenant, **filters):
    status, answer = get(gateway, tenant.key, **filters)
    assert status == 200, answer
    return answer["TotalRecords"]


def test_shape_of_a_row(shared, past):
    status, answer = get(shared, past.key)
    assert status == 200 and type(answer["TotalRecords"]) is int and answer["TotalRecords"] == 24 and len(answer["Events"]) == 5, "5 by default"
    for e in answer["Events"]:
        assert all(type(e[k]) is str for k in ("EventId", "EventType", "EventTimestamp", "Recipient", "MessageId", "CampaignId"))
        assert type(e["Details"]) is dict and type(e["Tags"]) is list and type(e["Metadata"]) is dict
        assert ISO.match(e["EventTimestamp"]) and uuid.UUID(e["MessageId"]).version == 7


def test_newest_first_and_pages_without_gap_or_repeat(shared, past):
    seen = []
    for start in range(0, 30, 7):
        page = get(shared, past.key, StartFrom=start, RetrieveCount=7)[1]
        assert page["TotalRecords"] == 24 and len(page["Events"]) == max(0, min(7, 24 - start))
        seen += page["Events"]
    assert len({e["EventId"] for e in seen}) == 24
    times = [e["EventTimestamp"] for e in seen]
    assert times == sorted(times, reverse=True)
    assert len(get(shared, past.key, RetrieveCount=100)[1]["Events"]) == 24 and get(shared, past.key, StartFrom=10 ** 6)[1]["Events"] == []


@pytest.mark.parametrize("name,total", [
    ("send", 12), ("accepted", 12), ("delivery", 12), ("delivered", 12), ("SEND", 12), ("bounce", 0), ("bounced", 0), ("open", 0), ("opened", 0),
    ("click", 0), ("clicked", 0), ("unsubscribe", 0), ("unsubscribed", 0), ("complaint", 0), ("complained", 0), ("deferred", 0), ("failed", 0),
    ("suppressed", 0)])
def test_both_families_of_names(shared, past, name, total):
    assert found(shared, past, Event=name) == total
    answer = shared.api("EmailGateway.GetEvents", APIKey=past.api_key, DomainID=past.domain_id, StartFrom=0, RetrieveCount=100, Event=name)
    assert answer["TotalRecords"] == total and {e["event_type"] for e in answer["Events"]} <= {"send", "delivery"}


def test_a_list_of_events(shared, past):
    assert get(shared, past.key, b'{"Event":["send","delivered"]}')[1]["TotalRecords"] == 24
    assert found(shared, past, **{"Event[]": ["send", "bounce"]}) == 12
    assert found(shared, past, Event='["open","bounce"]') == 0


def stamp(text):
    return int(datetime.datetime.fromisoformat(text + "+00:00").timestamp())


@pytest.mark.parametrize("filters,total", [
    ({"StartDate": "2026-01-01", "EndDate": "2026-01-01"}, 2), ({"StartDate": "2026-01-02", "EndDate": "2026-01-02"}, 4),
    ({"StartDate": "2026-01-01", "EndDate": "2026-01-02"}, 6), ({"EndDate": "2025-12-31"}, 0), ({"EndDate": "2026-01-01"}, 2),
    ({"StartDate": "2026-01-03", "EndDate": "2026-01-03"}, 0), ({"StartDate": "2026-01-02 12:30:00", "EndDate": "2026-01-02 12:30:00"}, 2),
    ({"StartDate": "2026-01-02 12:30:01", "EndDate": "2026-01-02 23:59:58"}, 0), ({"StartDate": "2026-01-02 12:30:01", "EndDate": "2026-01-02 23:59:59"}, 2),
    ({"StartDate": stamp("2026-01-02 12:30:00"), "EndDate": stamp("2026-01-02 12:30:00")}, 2), ({"StartDate": stamp("2026-01-01 00:00:00"), "EndDate": "2026-01-02"}, 6),
    ({"StartDate": "2026-01-03"}, 18), ({}, 24), ({"StartDate": ""}, 24),
])
def test_days_are_whole_and_both_ends_count(shared, past, filters, total):
    """Decisions 20 and 29."""
    assert found(shared, past, **filters) == total
    answer = shared.api("EmailGateway.GetEvents", APIKey=past.api_key, DomainID=past.domain_id, StartFrom=0, RetrieveCount=100, **filters)
    assert answer["TotalRecords"] == total == len(answer["Events"])


def test_one_message(shared, past):
    status, answer = get(shared, past.key, MessageID=past.ids[5])
    assert [e["EventType"] for e in answer["Events"]] == ["delivery", "send"] and {e["Recipient"] for e in answer["Events"]} == {"r5@example.org"}
    assert found(shared, past, MessageID=past.ids[5].upper()) == 2
    for wrong in ("12345", str(uuid.uuid4()), "' OR 1=1 --", "00000000-0000-0000-0000-000000000000"):
        assert found(shared, past, MessageID=wrong) == 0


@pytest.mark.parametrize("filters,status,code", [
    ({"StartFrom": "x"}, 422, 4), ({"StartFrom": -1}, 422, 4), ({"RetrieveCount": 0}, 422, 5), ({"RetrieveCount": 101}, 422, 5),
    ({"RetrieveCount": 10 ** 9}, 422, 5), ({"RetrieveCount": "1.5"}, 422, 5), ({"Event": "explode"}, 422, 422), ({"StartDate": "soon"}, 422, 422),
    ({"EndDate": "2026-02-30"}, 422, 422), ({"StartDate": "2026-01-01T00:00:00Z"}, 422, 422), ({"EndDate": "0000-00-00"}, 422, 422),
    ({"StartDate": 10 ** 17}, 422, 422), ({"MessageID": "a\nb"}, 422, 422), ({"StartDate": "2026-01-02", "EndDate": "2026-01-01"}, 422, 422),
    ({"EndDate": "9999-12-31"}, 422, 422), ({"StartDate": -1}, 422, 422), ({"Query": "(a"}, 422, 422), ({"Query": "colour:red"}, 422, 422),
])
def test_refusals(shared, past, filters, status, code):
    """JS15 JS19."""
    got, answer = get(shared, past.key, **filters)
    assert (got, [e["Code"] for e in answer["Errors"]]) == (status, [code])
    assert answer["Errors"][0]["Field"] == next(iter(filters))


def test_key_refusals(shared, past):
    status, _, answer = shared.request("GET", "/api/v1/events")
    assert (status, answer) == (401, {"Errors": [{"Code": 1, "Message": "Missing SenderAPIKey"}]})
    assert get(shared, "wrong") == (401, {"Errors": [{"Code": 13, "Message": "Invalid SenderAPIKey"}]})
    assert get(shared, "wrong", RetrieveCount=0)[1]["Errors"] == [{"Code": 13, "Message": "Invalid SenderAPIKey"}]
    assert shared.request("GET", f"/api/v1/events?SenderAPIKey={past.key}")[0] == 200


def test_the_contracts_curl_line_sends_parameters_in_a_body(shared, past):
    body = "StartFrom=0&RetrieveCount=10&StartDate=1617235200&EndDate=1619827200&Event=open&MessageID=12345"
    status, _, answer = shared.request("GET", "/api/v1/events", body, {"Authorization": f"Bearer {past.key}", "Content-Type": "application/x-www-form-urlencoded"})
    assert (status, answer) == (200, {"TotalRecords": 0, "NextCursor": "", "Events": []})
    assert get(shared, past.key, b"RetrieveCount=3", RetrieveCount=50)[0] == 400, "a body that is neither JSON nor called a form"
    assert len(get(shared, past.key, b'{"RetrieveCount":"3"}', RetrieveCount=50)[1]["Events"]) == 3, "the body wins"


def test_shape_of_get_events(shared, past):
    answer = shared.api("EmailGateway.GetEvents", APIKey=past.api_key, DomainID=str(past.domain_id), StartFrom="0", RetrieveCount="50",
                        StartDate="2026-01-01", EndDate="2026-01-31", Event="delivery")
    assert answer["Success"] is True and answer["ErrorCode"] == 0 and type(answer["TotalRecords"]) is int
    for e in answer["Events"]:
        assert type(e["event_type"]) is str and ISO.match(e["timestamp"]) and e["message"]["headers"]["subject"].startswith("number ")
    assert len(answer["Events"]) == 3


@pytest.fixture(scope="module")
def live(request):
    world = World(fresh_database(request))
    yield world
    world.close()


def test_what_records_of_a_real_delivery_hold(live, throwaway_certificate):
    """The record of delivery.md, as far as this far: reply, host, TLS, attempt, next attempt, times."""
    live.sink("127.0.0.61", tls=throwaway_certificate, answers=["451 4.7.1 come back later"])
    live.sink("127.0.0.62", answers=[lambda a: f"550 5.1.1 <{a}> is unknown"])
    live.zone.mx("greylist.test", "127.0.0.61")
    live.zone.mx("unknown.test", "127.0.0.62")
    gateway = live.start()
    tenant = gateway.tenant("shop.test")
    good = gateway.sent(tenant.key, to="a@greylist.test", Tags=["one", "two"], Metadata={"order": 17}, JourneyID="J9")
    bad = gateway.sent(tenant.key, to="b@unknown.test")
    wait_for(lambda: gateway.event_types(tenant.key, good)[-1] == "delivery" and gateway.event_types(tenant.key, bad)[-1] == "bounce", what="both ends")
    sent, deferred, delivery = reversed(gateway.events(tenant.key, MessageID=good))
    assert [e["EventType"] for e in (sent, deferred, delivery)] == ["send", "deferred", "delivery"]
    for e in (sent, deferred, delivery):
        assert e["Tags"] == ["one", "two"] and e["CampaignId"] == "J9" and e["Metadata"] == {"JourneyID": "J9", "order": 17} and e["Recipient"] == "a@greylist.test"
    details = {e["EventType"]: e["Details"] for e in (sent, deferred, delivery)}
    flat = str(details["deferred"])
    assert "451" in flat and "4.7.1" in flat and "come back later" in flat and "127.0.0.61" in flat and "mx1.greylist.test" in flat
    flat = str(details["delivery"])
    assert "250" in flat and "TLSv1.3" in flat and "127.0.0.61" in flat
    flat = str(gateway.events(tenant.key, MessageID=bad)[0]["Details"])
    assert "550" in flat and "5.1.1" in flat and "is unknown" in flat and "127.0.0.62" in flat


def test_the_operator_searches_and_counts(shared, past):
    """The same operations by the domain's name."""
    where = ("--domain", past.domain)
    assert shared.cli_json("event", "list", *where)["TotalRecords"] == 24
    said = shared.cli("event", "list", *where, "--query", 'subject:"number 5" eventType:send', "--limit", "3").stdout.decode()
    assert len(said.splitlines()) == 2 and "r5@example.org" in said
    assert len(shared.cli_json("event", "list", *where, "--skip", "20")["Events"]) == 4
    stats = shared.cli_json("stats", "show", *where, "--from", "2026-01-01", "--to", "2026-01-02")["Stats"]
    assert (stats["Sent"], stats["Delivered"], stats["DeliveryRate"]) == (3, 3, 100.0)
    assert "Delivered     3 (100.00 %)" in shared.cli("stats", "show", *where, "--from", "2026-01-01", "--to", "2026-01-02").stdout.decode()
    assert shared.cli_json("stats", "top", *where, "--field", "day", "--to", "2026-01-02")["AggBuckets"] == [
        {"key": "2026-01-02", "doc_count": 4}, {"key": "2026-01-01", "doc_count": 2}]
    assert "24     example.org" in shared.cli("stats", "top", *where, "--field", "recipientDomain").stdout.decode()
    refused = shared.cli("event", "list", *where, "--query", "a AND", check=False)
    assert refused.returncode == 1 and b"--query is wrong at character 3" in refused.stderr


def pages(ask, size):
    """All pages by cursor: their rows, and what the answers said of the total."""
    rows, totals, cursor = [], set(), None
    while cursor != "":
        answer = ask(RetrieveCount=size, **({"Cursor": cursor} if cursor else {}))
        rows, cursor = rows + answer["Events"], answer["NextCursor"]
        totals.add(answer["TotalRecords"])
        assert len(answer["Events"]) == size or cursor == ""
    return rows, totals


@pytest.mark.parametrize("search", [{}, {"Query": "number"}, {"Query": "recipient:r*"}, {"Event": "send"}], ids=str)
def test_pages_go_on_at_a_cursor(shared, past, search):
    def ask(**more):
        return get(shared, past.key, **search, **more)[1]

    whole = ask(RetrieveCount=100)
    for size in (1, 5, 24):
        rows, totals = pages(ask, size)
        assert rows == whole["Events"] and totals == {whole["TotalRecords"]}


def test_a_cursor_is_for_the_search_that_gave_it(shared, past):
    cursor = get(shared, past.key, RetrieveCount=5)[1]["NextCursor"]
    assert re.fullmatch("[0-9a-f]{40}", cursor)
    for wrong in ({"Cursor": "x"}, {"Cursor": cursor[:-1] + ("1" if cursor[-1] == "0" else "0")}, {"Cursor": cursor, "Query": "number"},
                  {"Cursor": cursor, "StartFrom": 5}):
        status, answer = get(shared, past.key, **wrong)
        assert status == 422 and "Cursor" in str(answer), answer
    assert get(shared, past.key, Cursor=cursor, RetrieveCount=100)[1]["NextCursor"] == ""
