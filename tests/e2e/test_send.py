"""POST /api/v1/email as its users meet it: every parameter, every refusal with its code and status, and what arrives.

SPDX-License-Identifier: Apache-2.0"""
import base64
import email
import email.policy
import gzip
import json
import time
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway import Gateway, mail, wait_for

ABSENT = object()


@pytest.fixture(scope="module")
def shop(shared):
    return shared.tenant("shop.test")


@pytest.fixture(scope="module")
def other(shared):
    return shared.tenant("other.test")


def post(gateway, body, key, headers=None, path="/api/v1/email"):
    """(status, answer, headers); body may be bytes."""
    headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
    status, got, answer = gateway.request("POST", path, body, headers)
    return status, answer, got


def changed(**fields):
    """The plain message with fields replaced, or left out when ABSENT."""
    return {k: v for k, v in {**mail(), **fields}.items() if v is not ABSENT}


def codes(answer):
    return [e["Code"] for e in answer["Errors"]]


def inbox(gateway, key, message_id, count=1):
    """The inbox's messages of one send, decoded."""
    def rows():
        listed = gateway.request("GET", "/api/v1/inbox?Limit=100", headers={"Authorization": f"Bearer {key}"})[2]["Messages"]
        found = [m for m in listed if m["MessageID"] == message_id]
        return found if len(found) == count else None
    return wait_for(rows, what="the inbox")


def parsed(gateway, key, message_id):
    """Python's view of the message that arrived."""
    row = inbox(gateway, key, message_id)[0]
    raw = gateway.cli("inbox", "raw", str(row["ID"])).stdout
    return email.message_from_bytes(raw, policy=email.policy.default)


ME = {"email": "reader@example.org", "name": "Reader"}
BAD = {"email": "not an address", "name": ""}
CONTRACT = {
    3: "From parameter is either missing or invalid. Make sure you pass both name and email address for the from field",
    8: "Missing Subject", 9: "Missing ContentType", 10: "Missing HTMLContent", 11: "Missing PlainContent", 15: "Invalid TemplateID",
    16: "Invalid TargetListID", 18: "Recipient name or email address is missing", 19: "Recipient email address is invalid.",
    20: "There is no recipient set for the email.", 21: "CC name or email address is missing", 22: "CC email address is invalid.",
    23: "Invalid from email address format", 24: "BCC email addresses must be set as an array",
    25: "BCC name or email address is missing", 26: "BCC email address is invalid.",
    27: "The number of BCC email addresses exceed the allowed email address count",
    28: "Reply-To email addresses must be set as an array", 29: "Reply-To name or email address is missing",
    30: "Reply-To email address is invalid.", 31: "The number of Reply-To email addresses exceed the allowed email address count",
}
REFUSALS = [
    (3, {"From": ABSENT}), (3, {"From": None}), (3, {"From": ""}), (3, {"From": "news@shop.test"}), (3, {"From": []}), (3, {"From": {}}),
    (3, {"From": {"email": "news@shop.test"}}), (3, {"From": {"name": "Shop"}}), (3, {"From": {"email": "", "name": "Shop"}}),
    (3, {"From": {"email": "news@elsewhere.test", "name": ""}}), (3, {"From": {"email": "news@notshop.test", "name": ""}}),
    (23, {"From": {"email": "news@test", "name": ""}}), (23, {"From": {"email": "news", "name": ""}}), (23, {"From": {"email": "a b@shop.test", "name": ""}}),
    (23, {"From": {"email": "a@b@shop.test", "name": ""}}),
    (8, {"Subject": ABSENT}), (8, {"Subject": ""}), (8, {"Subject": None}),
    (9, {"ContentType": ABSENT}), (9, {"ContentType": "text/html"}), (9, {"ContentType": 1}),
    (10, {"ContentType": "html"}), (10, {"ContentType": "html", "HtmlContent": ""}), (10, {"ContentType": "html", "HtmlContent": 5}),
    (11, {"PlainContent": ABSENT}), (11, {"PlainContent": ""}), (11, {"PlainContent": ["x"]}),
    (15, {"TemplateID": 7}), (15, {"TemplateID": "x"}), (16, {"TargetListID": 7}),
    (18, {"To": "reader@example.org"}), (18, {"To": ME}), (18, {"To": 5}), (18, {"To": [{"email": "a@example.org"}]}),
    (18, {"To": [ME, {"name": "x"}]}), (18, {"To": ["reader@example.org"]}), (18, {"To": [None]}), (18, {"To": [{"email": 5, "name": ""}]}),
    (19, {"To": [BAD]}), (19, {"To": [ME, BAD]}), (19, {"To": [{"email": "a@-x-.test", "name": ""}]}),
    (19, {"To": [{"email": "a\r\nRCPT TO:<b@example.org>", "name": ""}]}), (19, {"To": [{"email": "a@" + "x" * 64 + ".test", "name": ""}]}),
    (20, {"To": ABSENT}), (20, {"To": None}), (20, {"To": []}), (20, {"To": ""}),
    (21, {"CC": "x@example.org"}), (21, {"CC": ME}), (21, {"CC": [{"email": "x@example.org"}]}), (22, {"CC": [BAD]}),
    (24, {"BCC": "x@example.org"}), (24, {"BCC": ME}), (25, {"BCC": [{"name": "x"}]}), (26, {"BCC": [BAD]}),
    (27, {"BCC": [{"email": f"b{i}@example.org", "name": ""} for i in range(51)]}),
    (28, {"ReplyTo": "x@example.org"}), (28, {"ReplyTo": ME}), (29, {"ReplyTo": [{"email": "x@example.org"}]}), (30, {"ReplyTo": [BAD]}),
    (31, {"ReplyTo": [{"email": f"r{i}@example.org", "name": ""} for i in range(11)]}),
]


@pytest.mark.parametrize("code,fields", REFUSALS, ids=lambda x: json.dumps(x, default=lambda _: "absent")[:60])
def test_each_refusal_has_its_code_and_the_contracts_words(shared, shop, code, fields):
    status, answer, _ = post(shared, changed(**fields), shop.key)
    assert (status, codes(answer)) == (422, [code]), answer
    assert answer["Errors"][0]["Message"] == CONTRACT[code]
    field = {10: "HtmlContent", 11: "PlainContent"}.get(code, next(iter(fields)))
    assert answer["Errors"][0]["Field"].split("[")[0].split(".")[0] == field
    assert set(answer) == {"Errors"}


# Parameters without a number of their own: 422 with the field and a sentence (decision 4).
FIELDS = [
    ("Subject", "Subject", "two\nlines"), ("Subject", "Subject", 5), ("Subject", "Subject", "x" * 9000),
    ("SendAt", "SendAt", "tomorrow"), ("SendAt", "SendAt", "2026-02-30 10:00:00"), ("SendAt", "SendAt", -1),
    ("SendAt", "SendAt", 10 ** 18), ("SendAt", "SendAt", "2020-01-01 00:00:00"), ("SendAt", "SendAt", "0000-01-01 00:00:00"),
    ("SendAt", "SendAt", "9999-12-31 23:59:60"), ("SendAt", "SendAt", True), ("SendAt", "SendAt", int(time.time()) + 31 * 86400),
    ("Headers", "Headers", "X-A: b"), ("Headers", "Headers", ["X-A"]), ("Headers", "Headers", {"X-A": {}}),
    ("TrackLinks", "TrackLinks", "perhaps"), ("TrackLinks", "TrackLinks", 2), ("TrackOpens", "TrackOpens", {}),
    ("Tags", "Tags", {"a": 1}), ("Tags", "Tags", [1]), ("Tags", "Tags", ["x" * 129]), ("Tags", "Tags", ["a"] * 51),
    ("Metadata", "Metadata", []), ("Metadata", "Metadata", {"a": {}}), ("Metadata", "Metadata", {"a": "x" * 257}),
    ("TTL", "TTL", 59), ("TTL", "TTL", "soon"), ("TTL", "TTL", 604801),
    ("ListID", "ListID", {}), ("JourneyID", "JourneyID", "x" * 65),
    ("Attachments", "Attachments", {}), ("Attachments", "Attachments[0]", [5]), ("Attachments", "Attachments[0]", [{"filename": "a"}]),
    ("Attachments", "Attachments[0]", [{"content": "QQ=="}]), ("Attachments", "Attachments[0]", [{"filename": "a", "content": "*"}]),
    ("Attachments", "Attachments[0]", [{"filename": "a", "content": "QQ==", "disposition": "elsewhere"}]),
    ("Attachments", "Attachments[1]", [{"filename": "a", "content": "QQ=="}, {"filename": "b", "content": "QQ=Q"}]),
    ("Attachments", "Attachments[0].type", [{"filename": "a", "content": "QQ==", "type": "text"}]),
    ("Attachments", "Attachments[0].type", [{"filename": "a", "content": "QQ==", "type": "text/plain\r\nX: y"}]),
    ("Attachments", "Attachments[0].contentid", [{"filename": "a", "content": "QQ==", "contentid": "a>\r\nX: y"}]),
    ("From", "From.name", {"email": "news@shop.test", "name": "a\r\nBcc: x@example.org"}),
    ("To", "To[0].name", [{"email": "a@example.org", "name": "a\nb"}]),
    ("To", "To", [{"email": f"r{i}@example.org", "name": ""} for i in range(1001)]),
]


@pytest.mark.parametrize("name,field,value", FIELDS, ids=lambda x: str(x)[:40])
def test_what_has_no_number_is_422_with_the_field_and_a_sentence(shared, shop, name, field, value):
    status, answer, _ = post(shared, changed(**{name: value}), shop.key)
    assert (status, codes(answer)) == (422, [422]), answer
    assert answer["Errors"][0]["Field"] == field and len(answer["Errors"][0]["Message"]) > len(field) + 5


def test_all_failed_checks_are_listed_in_the_contracts_order(shared, shop):
    status, answer, _ = post(shared, {"To": [BAD], "BCC": "x", "SendAt": "never", "ContentType": "html"}, shop.key)
    assert (status, codes(answer)) == (422, [3, 8, 10, 19, 24, 422])
    status, answer, _ = post(shared, {}, shop.key)
    assert codes(answer) == [3, 8, 9, 20]
    status, answer, _ = post(shared, b"", shop.key)
    assert codes(answer) == [3, 8, 9, 20]


@pytest.mark.parametrize("field,value,wanted", [
    ("Headers", {"X-A": "a\r\nBcc: x@example.org"}, "Headers[0].value"), ("Headers", {"X-A": "a\nb"}, "Headers[0].value"),
    ("Headers", {"X-A": "a\rb"}, "Headers[0].value"), ("Headers", {"": "a"}, "Headers[0].name"), ("Headers", {"X:A": "a"}, "Headers[0].name"),
    ("Headers", {"X A": "a"}, "Headers[0].name"), ("Headers", {"X-Ä": "a"}, "Headers[0].name"), ("Headers", {"X-A\r\nBcc": "a"}, "Headers[0].name"),
    ("Headers", {"List-Unsubscribe": "https://x.test/"}, "Headers[0].value"), ("Headers", {"References": "a b"}, "Headers[0].value"),
    ("Headers", {"X-Ok": "fine", "X-Huge": "x" * 1000000}, "Headers[1].value"), ("Headers", {"In-Reply-To": "<a@b>, x"}, "Headers[0].value"),
] + [("Headers", {name: "a@shop.test"}, "Headers[0].name") for name in (
    "From", "sender", "TO", "Cc", "Bcc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Anything",
    "Return-Path", "Received", "DKIM-Signature", "ARC-Seal", "Authentication-Results", "Resent-From", "X-Posthorn-Id")])
def test_headers_cannot_be_forged_or_injected(shared, shop, field, value, wanted):
    """HI01 HI05 HI06 HI07 HI10 HI11 HI20: refused, and the refusal says which."""
    status, answer, _ = post(shared, changed(**{field: value}), shop.key)
    assert (status, codes(answer)) == (422, [422]), answer
    assert answer["Errors"][0]["Field"] == wanted


@pytest.mark.parametrize("subject", ["a\r\nBcc: x@example.org", "a\nb", "a\rb", "a\u0000b", "a\u001bb", "a\u007fb"])
def test_subject_injection_is_refused(shared, shop, subject):
    """HI01-HI03, JS04 (an escaped NUL makes the JSON itself bad)."""
    status, answer, _ = post(shared, changed(Subject=subject), shop.key)
    assert status in (400, 422) and codes(answer)[0] in (422, 100000), answer


def test_two_of_a_field_are_refused(shared, shop):
    """HI17, JS02."""
    body = json.dumps(mail())[:-1] + ', "Subject": "second"}'
    status, answer, _ = post(shared, body.encode(), shop.key, {"Content-Type": "application/json"})
    assert (status, codes(answer)) == (400, [100000])


# ---- keys and states ----
def test_keys(shared, shop, other):
    assert post(shared, mail(), None)[0::1][0] == 401
    status, answer, headers = post(shared, mail(), None)
    assert (status, answer["Errors"]) == (401, [{"Code": 1, "Message": "Missing SenderAPIKey"}]) and headers["WWW-Authenticate"] == "Bearer"
    for wrong in ("nonsense", shop.key[:-1] + ("a" if shop.key[-1] != "a" else "b"), shop.api_key, "' OR 1=1 --", "x" * 5000):
        status, answer, _ = post(shared, {}, wrong)
        assert (status, answer["Errors"]) == (401, [{"Code": 13, "Message": "Invalid SenderAPIKey"}]), "a key failure is answered alone"
    status, answer, _ = post(shared, mail(), None, {"Authorization": "Basic " + shop.key})
    assert (status, codes(answer)) == (401, [13])
    assert post(shared, {**mail(), "SenderAPIKey": shop.key}, None)[0] == 200
    assert post(shared, mail(), None, path=f"/api/v1/email?SenderAPIKey={shop.key}")[0] == 200
    assert post(shared, {**mail(), "senderapikey": "wrong"}, shop.key)[0] == 200, "the header wins"
    assert post(shared, {**mail(), "SenderAPIKey": shop.key}, "wrong")[0] == 401
    assert codes(post(shared, changed(From={"email": "news@other.test", "name": ""}), shop.key)[1]) == [3]
    assert post(shared, changed(From={"email": "news@other.test", "name": ""}), other.key)[0] == 200


def test_domain_id_must_be_the_keys(shared, shop, other):
    assert post(shared, changed(DomainID=shop.domain_id), shop.key)[0] == 200
    assert post(shared, changed(DomainID=str(shop.domain_id)), shop.key)[0] == 200
    for wrong in (other.domain_id, 999999, "x", -1, 0, 1.5, 2 ** 63):
        status, answer, _ = post(shared, changed(DomainID=wrong), shop.key)
        assert (status, codes(answer)) == (403, [2]), wrong


def test_scope_and_deletion_of_keys(shared, shop):
    def key(scopes):
        return shared.api("EmailGateway.AddAPI", APIKey=shop.api_key, DomainID=shop.domain_id, Description=scopes, Permissions=scopes)

    reader, sender = key("events"), key("send")
    assert codes(post(shared, mail(), reader["APIKey"]["Key"])[1]) == [13]
    assert post(shared, mail(), sender["APIKey"]["Key"])[0] == 200
    events = shared.request("GET", "/api/v1/events", headers={"Authorization": "Bearer " + sender["APIKey"]["Key"]})
    assert events[0] == 401 and codes(events[2]) == [13]
    assert shared.api("EmailGateway.DeleteAPI", APIKey=shop.api_key, ApiKeyId=sender["NewAPIKeyID"])["Success"]
    assert codes(post(shared, mail(), sender["APIKey"]["Key"])[1]) == [13]


def test_states_of_domain_and_account(shared):
    tenant = shared.tenant("states.test", enabled=False)
    own = changed(From={"email": "a@states.test", "name": ""})
    assert (403, [32]) == (lambda s, a, _: (s, codes(a)))(*post(shared, own, tenant.key))
    shared.cli("domain", "enable", "states.test")
    assert post(shared, own, tenant.key)[0] == 200
    shared.cli("domain", "disable", "states.test")
    status, answer, _ = post(shared, own, tenant.key)
    assert (status, answer["Errors"]) == (403, [{"Code": 32, "Message": "Domain is not activated"}])
    shared.cli("domain", "enable", "states.test")
    shared.sql(f"UPDATE accounts SET is_verified = 0 WHERE id = {tenant.user_id}")
    status, answer, _ = post(shared, own, tenant.key)
    assert (status, answer["Errors"]) == (403, [{"Code": 34, "Message": "User account is not verified"}])
    shared.sql(f"UPDATE accounts SET is_verified = 1, is_active = 0 WHERE id = {tenant.user_id}")
    status, answer, _ = post(shared, own, tenant.key)
    assert (status, answer["Errors"]) == (403, [{"Code": 12, "Message": "Invalid or deactivated user account"}])
    status, _, answer = shared.request("GET", "/api/v1/events", headers={"Authorization": f"Bearer {tenant.key}"})
    assert (status, codes(answer)) == (403, [2])
    assert shared.api("EmailGateway.GetDomains", APIKey=tenant.api_key)["ErrorCode"] == 99998


def test_always_200(database):
    with Gateway(database=database, api__v1_errors="always-200") as gateway:
        tenant = gateway.tenant()
        for body, key, wanted in ((changed(Subject=""), tenant.key, 8), (mail(), "x", 13), (mail(), None, 1), (changed(DomainID=99), tenant.key, 2)):
            status, answer, _ = post(gateway, body, key)
            assert (status, codes(answer)) == (200, [wanted])
        assert post(gateway, b"{", tenant.key)[0] == 400, "what cannot be read stays an HTTP error"
        assert gateway.request("GET", "/api/v1/nothing")[0] == 404


# ---- what is accepted ----
def test_message_id_is_a_version_7_uuid(shared, shop):
    before = int(time.time() * 1000)
    made = uuid.UUID(shared.sent(shop.key))
    assert made.version == 7 and before - 1000 <= made.int >> 80 <= int(time.time() * 1000) + 1000


def test_the_contracts_own_example(shared, shop):
    """The curl line of the documentation with host, key and sender replaced."""
    body = ('{ "SenderAPIKey": "%s", "Subject": "Hello World", "ContentType": "html", "HtmlContent": "<p>Hello, World!</p>",'
            '"From": { "email": "sender@shop.test", "name": "John Doe" }, "To": [ { "email": "recipient@example.com", "name": "Jane Doe" } ] }')
    status, answer, _ = post(shared, (body % shop.key).encode(), shop.key, {"Content-Type": "application/json"})
    assert status == 200 and set(answer) == {"MessageID"}
    got = parsed(shared, shop.key, answer["MessageID"])
    assert got["Subject"] == "Hello World" and got["From"] == "John Doe <sender@shop.test>" and got["To"] == "Jane Doe <recipient@example.com>"
    assert got.get_content_type() == "text/html" and got.get_content().strip() == "<p>Hello, World!</p>"


def test_names_are_matched_without_case(shared, shop):
    body = {k.upper(): v for k, v in mail(Subject="upper").items()}
    body["FROM"] = {"Email": "news@shop.test", "NAME": "Shop"}
    assert post(shared, body, shop.key)[0] == 200
    assert post(shared, {k.lower(): v for k, v in mail(HTMLContent="<p>x</p>", ContentType="HTML").items()}, shop.key)[0] == 200


FLAT = {"Subject": "Grüße & more", "ContentType": "plain", "PlainContent": "line one\nline two", "From[email]": "news@shop.test", "From[name]": "Shop",
        "To[0][email]": "a@example.org", "To[0][name]": "A", "To[1][email]": "b@example.org", "To[1][name]": "B", "Tags[]": "form"}


def test_form_body(shared, shop):
    status, answer, _ = post(shared, urllib.parse.urlencode(FLAT), shop.key, {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200, answer
    rows = inbox(shared, shop.key, answer["MessageID"], 2)
    assert {r["Subject"] for r in rows} == {FLAT["Subject"]} and sorted(sum((r["Recipients"] for r in rows), [])) == ["a@example.org", "b@example.org"]


def test_form_with_json_values(shared, shop):
    fields = {k: json.dumps(v) if isinstance(v, (dict, list)) else v for k, v in mail(Subject="json in a form").items()}
    assert post(shared, urllib.parse.urlencode(fields), shop.key, {"Content-Type": "application/x-www-form-urlencoded"})[0] == 200


def test_multipart_body(shared, shop):
    body = "".join(f'--b7\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in FLAT.items()) + "--b7--\r\n"
    status, answer, _ = post(shared, body.encode(), shop.key, {"Content-Type": "multipart/form-data; boundary=b7"})
    assert status == 200, answer
    assert inbox(shared, shop.key, answer["MessageID"], 2)[0]["Subject"] == FLAT["Subject"]


def test_query_parameters_and_the_body_wins(shared, shop):
    assert post(shared, b"", shop.key, path="/api/v1/email?" + urllib.parse.urlencode(FLAT))[0] == 200
    status, answer, _ = post(shared, mail(Subject="of the body"), shop.key, path="/api/v1/email?Subject=of+the+query")
    assert inbox(shared, shop.key, answer["MessageID"])[0]["Subject"] == "of the body"


def test_json_whatever_the_content_type_says(shared, shop):
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/octet-stream", ""):
        assert post(shared, b" \n" + json.dumps(mail()).encode(), shop.key, {"Content-Type": kind})[0] == 200, kind


@pytest.mark.parametrize("coding,squeeze", [("gzip", gzip.compress), ("deflate", __import__("zlib").compress)])
def test_compressed_body(shared, shop, coding, squeeze):
    body = json.dumps(mail(PlainContent="z" * 500000)).encode()
    status, answer, _ = post(shared, squeeze(body), shop.key, {"Content-Encoding": coding, "Content-Type": "application/json"})
    assert status == 200, answer
    assert inbox(shared, shop.key, answer["MessageID"])[0]["Size"] > 500000


def test_a_deflate_body_without_its_zlib_frame_is_told_so(shared, shop):
    raw = __import__("zlib").compress(json.dumps(mail()).encode())[2:-4]
    status, answer, _ = post(shared, raw, shop.key, {"Content-Encoding": "deflate", "Content-Type": "application/json"})
    assert status == 400 and "zlib" in json.dumps(answer), answer


def test_sub_domain_and_case_of_the_sender(shared, shop):
    for sender in ("news@eu.shop.test", "News@SHOP.test", "a.b+c@deep.er.shop.test", "\"odd one\"@shop.test"):
        assert post(shared, changed(From={"email": sender, "name": ""}), shop.key)[0] == 200, sender


def test_all_recipients_get_it_once_and_bcc_is_nowhere(shared, shop):
    """HI16; an address in two groups gets one mail."""
    people = [{"email": f"{n}@example.org", "name": n} for n in ("to", "cc", "bcc")]
    status, answer, _ = post(shared, changed(To=[people[0]] * 2, CC=[people[1], people[0]], BCC=[people[2]]), shop.key)
    assert status == 200
    rows = inbox(shared, shop.key, answer["MessageID"], 3)
    assert sorted(sum((r["Recipients"] for r in rows), [])) == ["bcc@example.org", "cc@example.org", "to@example.org"]
    for row in rows:
        raw = shared.cli("inbox", "raw", str(row["ID"])).stdout
        head = raw[raw.index(b"DKIM-Signature"):]
        assert b"bcc@example.org" not in head.lower() and b"\r\nbcc:" not in head.lower()


def test_a_thousand_recipients(shared, shop):
    to = [{"email": f"r{i}@example.org", "name": ""} for i in range(1000)]
    status, answer, _ = post(shared, changed(To=to), shop.key)
    assert status == 200
    assert shared.events_total(shop.key, MessageID=answer["MessageID"], Event="send") == 1000


def test_utf8_everywhere(shared, shop):
    text = "Ünïcödé ✓ 你好 العربية 🎉"
    status, answer, _ = post(shared, changed(
        Subject=text, PlainContent=text, From={"email": "news@shop.test", "name": text}, To=[{"email": "leser@münchen.test", "name": text}],
        Headers={"X-Text": text}, Tags=[text], Metadata={"wort": text}, ReplyTo=[{"email": "help@shop.test", "name": text}]), shop.key)
    assert status == 200, answer
    got = parsed(shared, shop.key, answer["MessageID"])
    assert got["Subject"] == text and got["X-Text"] == text and got.get_content().strip() == text
    assert got["From"].addresses[0].display_name == text and got["To"].addresses[0].display_name == text
    event = shared.events(shop.key, MessageID=answer["MessageID"])[-1]
    assert event["Subject"] == text and event["Tags"] == [text] and event["Recipient"] == "leser@xn--mnchen-3ya.test"
    assert text in json.dumps(event["Metadata"], ensure_ascii=False)


def test_attachments_and_inline_images(shared, shop):
    """HI08: file names arrive as base names, encoded by RFC 2231; HI09."""
    data = bytes(range(256)) * 10
    b64 = base64.b64encode(data).decode()
    names = ["plain.bin", "Größe €.pdf", 'quo"te;semi\\x.txt', "../../etc/passwd", "a\r\nBcc: x@example.org", "x" * 400 + ".txt", "\u202egnp.exe"]
    files = [{"filename": n, "content": b64, "type": "application/x-thing"} for n in names]
    files.append({"FileName": "logo.png", "Content": "\r\n".join(b64[i:i + 76] for i in range(0, len(b64), 76)), "Type": "image/png",
                  "Disposition": "inline", "ContentID": "<logo@shop>"})
    status, answer, _ = post(shared, changed(ContentType="html", HtmlContent='<img src="cid:logo@shop">', Attachments=files), shop.key)
    assert status == 200, answer
    got = parsed(shared, shop.key, answer["MessageID"])
    parts = [p for p in got.walk() if p.get_filename()]
    assert len(parts) == len(files) and all(p.get_payload(decode=True) == data for p in parts)
    arrived = [p.get_filename() for p in parts]
    assert "Größe €.pdf" in arrived and "passwd" in arrived and not any("/" in n or "\n" in n for n in arrived)
    logo = next(p for p in parts if p.get_filename() == "logo.png")
    assert logo["Content-ID"] == "<logo@shop>" and logo.get_content_disposition() == "inline"
    assert got["Bcc"] is None and not got.defects


def test_text_beside_html(shared, shop):
    status, answer, _ = post(shared, changed(ContentType="html", HtmlContent="<b>rich</b>", PlainContent="poor"), shop.key)
    got = parsed(shared, shop.key, answer["MessageID"])
    assert got.get_content_type() == "multipart/alternative" and [p.get_content().strip() for p in got.iter_parts()] == ["poor", "<b>rich</b>"]


def test_custom_headers_arrive(shared, shop):
    headers = {"X-One": "1", "List-Unsubscribe": "<https://shop.test/u/1>, <mailto:u@shop.test>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
               "In-Reply-To": "<a@b.test>", "X-Long": "word " * 400, "X-Count": 17}
    status, answer, _ = post(shared, changed(Headers=headers), shop.key)
    assert status == 200, answer
    got = parsed(shared, shop.key, answer["MessageID"])
    assert got["X-One"] == "1" and got["List-Unsubscribe"] == headers["List-Unsubscribe"] and got["In-Reply-To"] == "<a@b.test>"
    assert got["X-Long"].split() == ["word"] * 400 and got["X-Count"] == "17"


@pytest.mark.parametrize("form", [
    lambda at: at, lambda at: str(at), lambda at: time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))], ids=["number", "digits", "text"])
def test_send_at_forms(shared, shop, form):
    at = int(time.time()) + 29 * 86400
    sent = shared.sent(shop.key, SendAt=form(at))
    row = next(r for r in shared.cli_json("queue", "list", "--limit", "1000")["Queue"] if r["MessageID"] == sent)
    assert row["State"] == "scheduled" and row["NextTry"].startswith(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)))
    assert shared.event_types(shop.key, sent) == ["send"]


def test_send_at_just_past_means_now(shared, shop):
    sent = shared.sent(shop.key, SendAt=int(time.time()) - 60)
    inbox(shared, shop.key, sent)


def test_key_defaults_are_stamped_and_the_messages_own_win(shared, shop):
    made = shared.api("EmailGateway.AddAPI", APIKey=shop.api_key, DomainID=shop.domain_id, Description="d", ListID="L1", SubscriberID=7,
                      JourneyID="J1", ActionID="A1")
    key = made["APIKey"]["Key"]
    first = shared.events(key, MessageID=shared.sent(key))[-1]
    assert first["CampaignId"] == "J1" and first["Metadata"]["ListID"] == "L1" and first["Metadata"]["SubscriberID"] == "7"
    second = shared.events(key, MessageID=shared.sent(key, JourneyID="J2", TrackLinks="no", TrackOpens=1))[-1]
    assert second["CampaignId"] == "J2" and second["Metadata"]["ActionID"] == "A1"
    assert shared.events(shop.key, MessageID=shared.sent(shop.key))[-1]["CampaignId"] == ""


# ---- Idempotency-Key ----
def test_the_same_key_answers_the_first_answer_again(shared, shop, other):
    """JS18."""
    mine = {"Idempotency-Key": "order-17"}
    status, first, headers = post(shared, mail(), shop.key, mine)
    assert status == 200 and headers["Idempotent-Replayed"] is None
    status, again, headers = post(shared, mail(), shop.key, mine)
    assert (status, again, headers["Idempotent-Replayed"]) == (200, first, "true")
    status, answer, _ = post(shared, mail(Subject="another"), shop.key, mine)
    assert (status, codes(answer)) == (409, [409])
    status, foreign, headers = post(shared, changed(From={"email": "a@other.test", "name": ""}), other.key, mine)
    assert status == 200 and foreign != first and headers["Idempotent-Replayed"] is None, "another tenant's key is another key"
    status, third, _ = post(shared, mail(), shop.key, {"Idempotency-Key": "order-18"})
    assert status == 200 and third != first


def test_fifty_at_once_make_one_message(shared, shop):
    """JS18, P2."""
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: post(shared, mail(Subject="only once"), shop.key, {"Idempotency-Key": "parallel"}), range(50)))
    assert {a[0] for a in answers} == {200} and len({a[1]["MessageID"] for a in answers}) == 1
    assert sum(a[2]["Idempotent-Replayed"] is None for a in answers) == 1
    message = answers[0][1]["MessageID"]
    inbox(shared, shop.key, message)
    assert shared.event_types(shop.key, message).count("send") == 1


@pytest.mark.parametrize("key,status", [("x" * 256, 200), ("x" * 257, 422), ("", 422), ("spaces and ünïcode".encode(), 200)])
def test_idempotency_key_bounds(shared, shop, key, status):
    assert post(shared, mail(), shop.key, {"Idempotency-Key": key})[0] == status


def test_a_refused_send_does_not_take_the_key(shared, shop):
    assert post(shared, changed(Subject=""), shop.key, {"Idempotency-Key": "retry-me"})[0] == 422
    assert post(shared, mail(), shop.key, {"Idempotency-Key": "retry-me"})[0] == 200


# ---- size ----
def test_large_messages(shared, shop):
    """JS06: 40 MB is the limit, for the decoded body as well."""
    near = {"Attachments": [{"filename": "big.bin", "content": base64.b64encode(bytes(28 << 20)).decode()}]}
    status, answer, _ = post(shared, changed(**near), shop.key)
    assert status == 200, answer
    row = inbox(shared, shop.key, answer["MessageID"])[0]
    assert row["Size"] > 28 << 20
    packed = gzip.compress(b'{"Subject":"' + b"x" * (41 << 20) + b'"}', 1)
    status, answer, _ = post(shared, packed, shop.key, {"Content-Encoding": "gzip"})
    assert (status, codes(answer)) == (413, [413])
