"""EmailGateway.ExportEvents and GET /api/v1/events/export: CSV and JSON lines of any size, streamed; equal to what GetEvents lists.

SPDX-License-Identifier: Apache-2.0"""
import csv
import http.client
import io
import json
import socket
import urllib.parse

import pytest

from gateway import wait_for

COLUMNS = ["Time", "Event", "MessageID", "From", "To", "Subject", "Domain", "SMTPCode", "EventID", "SenderDomain", "CampaignID", "Tags", "Enhanced",
           "Reply", "BounceClass", "MXHost", "Link", "IPAddress", "UserAgent", "Client", "Device", "Country", "Bot"]
SUBJECTS = ["plain", "=1+1", "+49 30 1234", "-5 %", "@all", "＝1+1", "＋1", "－1", "＠x", 'a "quoted", word', "semi;colon", "Grüße aus Köln", "'quote", "a=b"]
FORMULAS = set(SUBJECTS[1:9])
MANY = 100_000
THOUSANDS = ("INSERT INTO events(id, at, type, account_id, domain_id, message_id, recipient_id, recipient, recipient_domain, detail) "
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT n.i, 1780000000000 + n.i, 3, account_id, domain_id, "
             "message_id, -n.i, recipient, recipient_domain, detail FROM n, events WHERE type = 3")  # beside a delivery


def path(**filters):
    return "/api/v1/events/export" + ("?" + urllib.parse.urlencode(filters, doseq=True) if filters else "")


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def export(gateway, key, **filters):
    """(headers, text) of the REST twin."""
    status, headers, raw = gateway.raw("GET", path(**filters), bearer(key))
    assert status == 200, raw
    return headers, raw.decode()


def rows(text):
    assert text.startswith("\ufeff") and text.endswith("\r\n")
    lines = list(csv.reader(io.StringIO(text[1:], newline="")))
    assert lines[0] == COLUMNS and all(len(line) == len(COLUMNS) for line in lines)
    return [dict(zip(COLUMNS, line)) for line in lines[1:]]


def listed(gateway, key, **filters):
    """All that GetEvents has, page by page."""
    found = []
    while True:
        status, _, answer = gateway.request("GET", "/api/v1/events?" + urllib.parse.urlencode({**filters, "StartFrom": len(found), "RetrieveCount": 100}),
                                            headers=bearer(key))
        assert status == 200, answer
        found += answer["Events"]
        if len(found) >= answer["TotalRecords"]:
            return found


@pytest.fixture(scope="module")
def shop(shared):
    tenant = shared.tenant("export.test")
    tenant.ids = [shared.sent(tenant.key, to=f"r{i}@example.org", sender="news@export.test", Subject=subject, Tags=["spring", "=evil"] if i == 0 else ["spring"])
                  for i, subject in enumerate(SUBJECTS)]
    wait_for(lambda: shared.events_total(tenant.key) == 2 * len(SUBJECTS), what="all deliveries")
    other = shared.cli_json("domain", "add", "second.test", "--account", tenant.email)
    shared.cli_json("domain", "enable", "second.test")
    tenant.second_id = other["DomainID"]
    tenant.second_key = shared.cli_json("key", "add", "--domain", "second.test")["APIKey"]["Key"]
    shared.sent(tenant.second_key, to="r@example.net", sender="news@second.test", Subject="from the second")
    wait_for(lambda: shared.events_total(tenant.second_key) == 2, what="its delivery")
    return tenant


@pytest.fixture(scope="module")
def many(shared):
    """A tenant with a hundred thousand events more, a few a second, of one message."""
    tenant = shared.tenant("many.test")
    tenant.message = shared.sent(tenant.key, to="first@example.org", sender="news@many.test", Subject="to many")
    wait_for(lambda: shared.events_total(tenant.key) == 2, what="the delivery")
    shared.sql("INSERT INTO events(id, at, type, account_id, domain_id, message_id, recipient_id, recipient, recipient_domain, mx_host, smtp_code, detail) "
               f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) "
               "SELECT 1000 + n.i, 1780000000000 + (n.i / 7) * 1000, CASE WHEN n.i % 10 = 0 THEN 4 ELSE 3 END, d.account_id, d.id, "
               f"(SELECT max(id) FROM messages WHERE subject = 'to many'), -n.i, 'r' || n.i || '@example.org', 'example.org', "
               "'mx.example.org', 250, '{\"Reply\":{\"Code\":250,\"Text\":\"ok\"},\"MXHost\":\"mx.example.org\"}' "
               "FROM n, domains d WHERE d.name = 'many.test'")
    return tenant


def test_csv_is_what_get_events_lists(shared, shop):
    headers, text = export(shared, shop.key)
    assert headers["Content-Type"] == "text/csv; charset=utf-8" and headers["Transfer-Encoding"] == "chunked" and headers["Cache-Control"] == "no-store"
    assert headers["Content-Disposition"].startswith('attachment; filename="events-export.test-20') and headers["Content-Disposition"].endswith('.csv"')
    assert headers["X-Posthorn-Export-Total"] == str(2 * len(SUBJECTS))
    found, events = rows(text), listed(shared, shop.key)
    assert len(found) == len(events) == 2 * len(SUBJECTS)
    for row, event in zip(found, events):
        assert (row["EventID"], row["Event"], row["Time"], row["MessageID"], row["From"], row["To"]) == \
            (event["EventId"], event["EventType"], event["EventTimestamp"], event["MessageId"], event["Sender"], event["Recipient"])
        assert (row["SenderDomain"], row["Domain"]) == ("export.test", "example.org")
        reply = event["Details"].get("Reply", {})
        assert (row["SMTPCode"], row["Reply"], row["MXHost"]) == (str(reply.get("Code", "")), reply.get("Text", ""), event["Details"].get("MXHost", ""))


def test_cells_that_are_formulas(shared, shop):
    """What a spreadsheet would run begins with a quote, and nothing else does."""
    found = {row["Subject"] for row in rows(export(shared, shop.key)[1])}
    assert found == {("'" + s if s in FORMULAS else s) for s in SUBJECTS}
    assert {row["Tags"] for row in rows(export(shared, shop.key)[1])} == {"spring", "spring, =evil"}


def test_json_lines_are_what_get_events_lists(shared, shop):
    headers, text = export(shared, shop.key, Format="ndjson")
    assert headers["Content-Type"] == "application/x-ndjson" and headers["Content-Disposition"].endswith('.ndjson"')
    assert [json.loads(line) for line in text.splitlines()] == listed(shared, shop.key)


@pytest.mark.parametrize("filters", [
    {"Event": "delivery"}, {"Event": "bounced"}, {"Event[]": ["send", "open"]}, {"StartDate": "2100-01-01"}, {"EndDate": "2020-01-01"},
    {"Query": "subject:plain"}, {"Query": "recipient:r3@example.org OR r5"}, {"Query": "tag:spring NOT eventType:send"}, {"Query": "subject:plain", "Event": "send"}])
def test_filters(shared, shop, filters):
    text = export(shared, shop.key, Format="ndjson", **filters)[1]
    assert [json.loads(line) for line in text.splitlines()] == listed(shared, shop.key, **{k: v for k, v in filters.items() if k != "Event[]"},
                                                                      **({"Event": '["send","open"]'} if "Event[]" in filters else {}))


def test_one_message(shared, shop):
    found = rows(export(shared, shop.key, MessageID=shop.ids[3])[1])
    assert [(row["Event"], row["MessageID"]) for row in found] == [("delivery", shop.ids[3]), ("send", shop.ids[3])]
    for wrong in ("nonsense", "0190b5a4-7c3f-7a52-9d0e-3f2b1c4d5e6f"):
        headers, text = export(shared, shop.key, MessageID=wrong)
        assert rows(text) == [] and "X-Posthorn-Export-Total" not in headers, "no other number is told than rows come"
    assert rows(export(shared, shop.second_key, MessageID=shop.ids[3])[1]) == [], "another domain's"


@pytest.mark.parametrize("filters,code", [({"Format": "xlsx"}, 422), ({"StartDate": "soon"}, 422), ({"Query": "(a"}, 422), ({"Event": "explode"}, 422),
                                          ({"StartDate": "2026-01-02", "EndDate": "2026-01-01"}, 422)])
def test_refusals_are_json(shared, shop, filters, code):
    status, _, answer = shared.request("GET", path(**filters), headers=bearer(shop.key))
    assert (status, answer["Errors"][0]["Code"], answer["Errors"][0]["Field"]) == (422, code, next(iter(filters)))


def command(gateway, tenant, **parameters):
    return gateway.raw("GET", "/api.php?" + urllib.parse.urlencode({"Command": "emailgateway.exportevents", "APIKey": tenant.api_key, **parameters}), {})


def test_the_command(shared, shop):
    """Of one domain, or of all that the account has."""
    status, _, raw = command(shared, shop, DomainID=shop.domain_id)
    assert (status, raw.decode()) == (200, export(shared, shop.key)[1])
    status, headers, raw = command(shared, shop)
    found = rows(raw.decode())
    assert [row["SenderDomain"] for row in found] == ["export.test"] * 2 * len(SUBJECTS) + ["second.test"] * 2
    assert headers["X-Posthorn-Export-Total"] == str(len(found)) and command(shared, shop, DomainID=0)[2] == raw
    assert {row["MessageID"] for row in rows(command(shared, shop, MessageID=shop.ids[0])[2].decode())} == {shop.ids[0]}


def test_P6_another_accounts_events(shared, shop, many):
    for wrong in (many.domain_id, 999999, "x", -1):
        status, _, raw = command(shared, shop, DomainID=wrong)
        assert status == 200 and json.loads(raw)["ErrorCode"] == 2
    message = shared.request("GET", path(MessageID=many.message), headers=bearer(shop.key))[2]
    assert rows(message) == []
    assert shared.request("GET", path())[0] == 401 and shared.request("GET", path(), headers=bearer("wrong"))[0] == 401


def test_a_hundred_thousand_rows(shared, many):
    """No cap: every event once, newest first; those of one moment by number."""
    text = export(shared, many.key)[1]
    ids = [int(row["EventID"]) for row in rows(text)]
    assert len(ids) == len(set(ids)) == MANY + 2 and ids[2:] == list(range(1000 + MANY, 1000, -1))
    bounces = export(shared, many.key, Event="bounce", Format="ndjson", EndDate="2026-06-30")[1].splitlines()
    assert [int(json.loads(line)["EventId"]) for line in bounces] == list(range(1000 + MANY, 1000, -10))
    few = export(shared, many.key, Query="recipient:r77777@example.org", Format="ndjson")[1].splitlines()
    assert [json.loads(line)["Recipient"] for line in few] == ["r77777@example.org"]
    one = export(shared, many.key, MessageID=many.message, Event="bounce", Format="ndjson")[1].splitlines()
    assert one == bounces


def ask(gateway, text):
    s = socket.create_connection(("127.0.0.1", gateway.port))
    s.settimeout(60)
    s.sendall(text.encode())
    return s


def read_all(s):
    parts = []
    while part := s.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def rest(s):
    """What still comes, or nothing when it was broken off."""
    try:
        return read_all(s)
    except ConnectionResetError:
        return b""


def test_head_and_old_clients(shared, many, shop):
    """HEAD tells the same head; HTTP/1.0 knows no chunks and is told by the end of the connection."""
    status, headers, raw = shared.raw("HEAD", path(), bearer(shop.key))
    assert status == 200 and raw == b"" and headers["X-Posthorn-Export-Total"] == str(2 * len(SUBJECTS))
    with ask(shared, f"GET {path()} HTTP/1.0\r\nAuthorization: Bearer {many.key}\r\n\r\n") as s:
        head, body = read_all(s).split(b"\r\n\r\n", 1)
    assert b"Transfer-Encoding" not in head and b"Connection: close" in head and len(rows(body.decode())) == MANY + 2


def test_the_connection_goes_on(shared, shop):
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=60)
    for _ in range(3):
        connection.request("GET", path(), headers=bearer(shop.key))
        response = connection.getresponse()
        assert len(rows(response.read().decode())) == 2 * len(SUBJECTS) and not response.will_close
    connection.close()


def test_P8_readers_that_stop(shared, many, shop):
    """Two an account at a time; whoever does not read holds nobody up, and when he goes his place is free at once."""
    request = f"GET {path()} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {many.key}\r\n\r\n"
    stuck = [ask(shared, request) for _ in range(2)]
    assert all(s.recv(12) == b"HTTP/1.1 200" for s in stuck)
    status, headers, answer = shared.request("GET", path(), headers=bearer(many.key))
    assert (status, answer["Errors"][0]["Code"]) == (429, 429) and int(headers["Retry-After"]) > 0
    assert len(rows(export(shared, shop.key)[1])) == 2 * len(SUBJECTS), "others export"
    assert shared.events_total(many.key, Query="mxHost:mx.example.org") == MANY, "and he searches"
    for s in stuck:
        s.close()
    wait_for(lambda: shared.raw("HEAD", path(), bearer(many.key))[0] == 200, what="a place")


def test_P7_a_failure_midway_is_seen(sandbox):
    """What cannot be finished breaks off: no client takes it for whole."""
    tenant = sandbox.tenant("broken.test")
    sandbox.sent(tenant.key, to="r@example.org", sender="news@broken.test", Subject="x" * 200)
    wait_for(lambda: sandbox.events_total(tenant.key) == 2, what="the delivery")
    sandbox.sql(THOUSANDS)
    with ask(sandbox, f"GET {path()} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {tenant.key}\r\n\r\n") as s:
        assert s.recv(12) == b"HTTP/1.1 200"
        sandbox.sql("ALTER TABLE messages RENAME TO gone")
        assert not rest(s).endswith(b"0\r\n\r\n")
    sandbox.sql("ALTER TABLE gone RENAME TO messages")


def test_the_command_line(shared, shop, many):
    """posthorn event export: the same bytes, on standard output; refusals as everywhere."""
    assert shared.cli("event", "export", "--domain", "export.test").stdout == command(shared, shop, DomainID=shop.domain_id)[2]
    assert shared.cli("event", "export", "--account", shop.email, "--event", "send").stdout == command(shared, shop, Event="send")[2]
    assert len(shared.cli("event", "export", "--domain", "many.test", "--format", "ndjson").stdout.splitlines()) == MANY + 2
    refused = shared.cli("event", "export", "--domain", "export.test", "--query", "(a", check=False)
    assert refused.returncode == 1 and refused.stdout == b"" and b"character" in refused.stderr


def test_stopping_cuts_exports_off(sandbox):
    """A gateway that stops waits for no export, and what it had begun is not taken for whole."""
    tenant = sandbox.tenant("stop.test")
    sandbox.sent(tenant.key, to="r@example.org", sender="news@stop.test", Subject="x" * 200)
    wait_for(lambda: sandbox.events_total(tenant.key) == 2, what="the delivery")
    sandbox.sql(THOUSANDS)
    with ask(sandbox, f"GET {path()} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {tenant.key}\r\n\r\n") as s:
        assert s.recv(12) == b"HTTP/1.1 200"
        sandbox.stop()
        assert not rest(s).endswith(b"0\r\n\r\n")
    assert sandbox.cli("event", "export", "--domain", "stop.test").stdout.count(b"\r\n") == 60003, "without a server too"
    sandbox.start()
