"""The contract, from its own file: each documented curl request runs as it is written (host, keys and ids replaced) and gets the documented
shape and JSON types in every row; each documented code is produced by a case of its own.

contract.json holds the requests, answers and codes of the contract's 25 operations. The last test prints operation x codes.
SPDX-License-Identifier: Apache-2.0"""
import datetime
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import fresh_database
from gateway import Gateway, mail, wait_for

CONTRACT = json.loads((Path(__file__).parent / "contract.json").read_text())
BY_NAME = {op["name"]: op for op in CONTRACT}
PASSWORD = "correct horse battery"
HOOK = "https://yourdomain.com/webhook"
TODAY = datetime.date.today().isoformat()
seen = {}  # operation -> codes that were produced


class Place:
    """A gateway with an account that owns example.com and has one of everything."""

    def __init__(self, database):
        self.gateway, self.strict = Gateway(database=database).start(), None
        g = self.gateway
        self.owner = g.tenant("example.com", email="owner@example.com")
        self.session = g.api("User.Login", Username="owner@example.com", Password=PASSWORD)["SessionID"]
        self.message_id = g.sent(self.owner.key, **{"From": {"email": "sender@example.com", "name": "John Doe"}})
        wait_for(lambda: "delivery" in g.event_types(self.owner.key, self.message_id), what="the delivery")

    def close(self):
        for gateway in filter(None, (self.gateway, self.strict)):
            gateway.__exit__(None, None, None)
            shutil.rmtree(gateway.folder, ignore_errors=True)

    def command(self, name, **parameters):
        return self.gateway.api(name, **{"APIKey": self.owner.api_key, **parameters})

    def rest(self, method, path, body=None, key=None):
        headers = {"Authorization": f"Bearer {self.owner.key if key is None else key}"} if key != "" else {}
        return self.gateway.request(method, path, body, headers)

    def made(self, name, member, **parameters):
        answer = self.command(name, DomainID=self.owner.domain_id, **parameters)
        assert answer["Success"], answer
        return answer[member]

    def key_id(self):
        return self.made("EmailGateway.AddAPI", "NewAPIKeyID", Description="a key")

    def smtp_id(self):
        return self.made("EmailGateway.AddSMTP", "NewSMTPID")

    def webhook_id(self, events="bounce"):
        return self.made("EmailGateway.AddWebhook", "NewWebhookID", Event=events, WebhookURL=HOOK)

    def run(self, curl):
        """The answer to a documented request, which is HTTP 200."""
        out = subprocess.run(["bash", "-c", curl.replace("curl ", "curl -s -w ' %{http_code}' ", 1)], capture_output=True, timeout=60)
        assert out.returncode == 0, out.stderr
        answer, _, status = out.stdout.decode().rpartition(" ")
        assert status == "200", out.stdout
        return json.loads(answer)


@pytest.fixture(scope="module")
def place(request):
    place = Place(fresh_database(request))
    yield place
    place.close()


# ---- shapes ----
MAY_BE_EMPTY = {"answer.Events"}  # the examples' days lie in the past; test_rows_have_the_documented_shape_too asks for today
STATS = ("Sent Delivered Bounced HardBounced SoftBounced Deferred Failed Suppressed Opened OpenedTotal Clicked ClickedTotal Unsubscribed Complained "
         "DeliveryRate BounceRate OpenRate ClickRate").split()


def assert_shape(answer, documented, where="answer"):
    """Every documented field is there, with the documented JSON type, in every row."""
    if isinstance(documented, dict):
        assert isinstance(answer, dict), where
        for name, value in documented.items():
            assert name in answer, f"{where}.{name} is missing in {answer}"
            assert_shape(answer[name], value, f"{where}.{name}")
    elif isinstance(documented, list):
        assert isinstance(answer, list), where
        assert answer or not documented or where in MAY_BE_EMPTY, f"{where} has no row that could show its shape"
        for i, row in enumerate(answer):
            if documented:
                assert_shape(row, documented[0], f"{where}[{i}]")
    else:
        assert type(answer) is type(documented), f"{where} is {answer!r}, documented {documented!r}"


def replaced(place, op, curl):
    """Hosts, keys and ids of the example by those of this gateway."""
    g = place.gateway
    curl = re.sub(r"https?://(api\.)?example\.com(?=/)", f"http://127.0.0.1:{g.port}", curl)
    for placeholder in ("{sender_domain_api_key}", "{senderapikey}", "{SenderDomainAPIKey}", "example-sender-api-key"):
        curl = curl.replace(placeholder, place.owner.key)
    curl = re.sub(r"(?:your|example)-session-id", place.session, curl)
    if op["name"] == "EmailGateway.DeleteAPI":
        curl = curl.replace("your-api-key-id", str(place.key_id()))
    curl = re.sub(r"(?:your|example)-api-key", place.owner.api_key, curl)
    if op["name"] == "EmailGateway.AddDomain":
        curl = curl.replace("example.com", "contract.example")
    if "WebhookID" in curl:
        curl = re.sub(r'(WebhookID(?:=|":"))\d+', rf"\g<1>{place.webhook_id()}", curl)
    if "smtpid" in curl:
        curl = re.sub(r'("smtpid": ")[^"]+', rf"\g<1>{place.smtp_id()}", curl)
    if op["name"] == "EmailGateway.DeleteDomain":
        other = place.command("EmailGateway.AddDomain", DomainName="gone.example")["NewSenderDomainID"]
        curl = curl.replace("12345", str(other))
    curl = re.sub(r'(DomainID=)\d+', rf"\g<1>{place.owner.domain_id}", curl)
    curl = re.sub(r'("DomainID": "?)(?:123|your-domain-id)(?=[",}\n])', rf"\g<1>{place.owner.domain_id}", curl)
    return re.sub(r"(MessageID=)12345", rf"\g<1>{place.message_id}", curl)


@pytest.mark.parametrize("op", CONTRACT, ids=lambda op: op["name"])
def test_the_documented_request_gets_the_documented_answer(place, op):
    if op["name"] in ("EmailGateway.GetWebhooks", "GET /api/v1/webhooks"):
        place.webhook_id("send,open,click"), place.webhook_id("bounce")
    if op["name"] == "EmailGateway.GetSMTPs":
        place.smtp_id()
    answer = place.run(replaced(place, op, op["curl"]))
    assert "Errors" not in answer and answer.get("Success", True) is True, answer
    assert_shape(answer, op["answer"])
    seen.setdefault(op["name"], set()).add(0)


@pytest.mark.parametrize("name", ["EmailGateway.GetEvents", "GET /api/v1/events", "EmailGateway.AggrEvents", "EmailGateway.DomainStats"])
def test_rows_have_the_documented_shape_too(place, name):
    """The examples' days lie in the past: the same requests for today have rows."""
    op = BY_NAME[name]
    curl = replaced(place, op, op["curl"])
    curl = re.sub(r"2023-01-\d\d", TODAY, curl)
    curl = re.sub(r"(StartDate|EndDate)=\d+", rf"\g<1>={TODAY}", curl)
    curl = curl.replace('"Event": "open"', '"Event": "send,delivery"').replace("Event=open", "Event=send,delivered").replace("welcome", "hello")
    answer = place.run(curl)
    documented = op["answer"]
    if name == "EmailGateway.AggrEvents":
        documented = {**documented, "AggBuckets": [{"key": "delivery", "doc_count": 1}]}
    assert_shape(answer, documented)
    rows = answer.get("Events") or answer.get("AggBuckets") or [answer.get("Stats")]
    assert rows and rows[0], answer
    if "TotalRecords" in answer:
        assert answer["TotalRecords"] >= 2


def test_statistics_have_every_count(place):
    """decision 18: the period, the one before and each tag have the same members."""
    place.rest("POST", "/api/v1/email", mail(sender="sender@example.com", Tags=["spring"]))
    answer = wait_for(lambda: (lambda a: a["TagStats"].get("spring", {}).get("Delivered") and a)(
        place.command("EmailGateway.DomainStats", DomainID=place.owner.domain_id)), what="the tag's delivery")
    for counts in (answer["Stats"], answer["ComparisonStats"]["PreviousPeriod"], answer["TagStats"]["spring"]):
        assert list(counts) == STATS and all(type(counts[name]) in (int, float) for name in STATS)
    assert answer["Stats"]["Delivered"] >= 2 and answer["TagStats"]["spring"]["DeliveryRate"] == 100


def test_what_was_asked_for_is_what_is_answered(place):
    """An answer of the right shape may still say something else."""
    d = place.owner.domain_id
    key = place.command("EmailGateway.AddAPI", DomainID=d, Description="My new API key", Permissions="events, send")
    assert key["APIKey"] == {**key["APIKey"], "DomainID": str(d), "Description": "My new API key", "Permissions": "send,events"}
    listed = [k for k in place.command("EmailGateway.GetAPIs", DomainID=d)["APIKeys"] if k["KeyID"] == key["NewAPIKeyID"]][0]
    assert listed == {**listed, "Key": key["APIKey"]["Key"], "UserID": str(place.owner.user_id), "LastUsedDate": ""}
    asked = {"LinkTracking": "0", "OpenTracking": "1", "UnsubscribeLink": "1", "HostingProvider": "YourHostingProvider", "Subdomain": "out"}
    changed = place.command("EmailGateway.UpdateDomain", DomainID=str(d), **asked)["Domain"]
    assert changed == {**changed, **asked, "DomainID": str(d)}
    kept = place.command("EmailGateway.GetDomain", DomainID=d)["Domain"]
    assert kept == {**changed, "DomainID": d}
    assert place.command("EmailGateway.UpdateDomain", DomainID=d, LinkTracking=1)["Domain"] == {**changed, "LinkTracking": "1", "Options": {
        **changed["Options"], "LinkTracking": 1}}, "what is not given stays"


# ---- codes ----
STATES = {"POST /api/v1/email": {2, 12, 32, 34}, "GET /api/v1/events": {2}, "GET /api/v1/webhooks": {2}, "DELETE /api/v1/webhooks": {2}}


def status_of(name, code):
    """decision 22"""
    if code == 13 or (code == 1 and name in ("POST /api/v1/email", "GET /api/v1/events")):
        return 401
    if code in STATES.get(name, ()):
        return 403
    if (name, code) == ("DELETE /api/v1/webhooks", 4):
        return 404
    return 429 if code == 429 or (name, code) == ("POST /api/v1/email", 17) else 422


def words_of(name, code):
    """The contract's messages for a code, as patterns: what stands in braces there, and X and Y, are numbers."""
    found = [m for c, m in BY_NAME[name]["codes"] if c == code]
    if code == 429:  # what the example of GET /api/v1/webhooks says is not what its list says
        found.append("Too many requests. Wait for {seconds} seconds for another {attempts} attempts.")
    return [re.sub(r"\\\{\w+\\\}|\b[XY]\b", r"\\d+", re.escape(m)) for m in found]


def assert_words(name, code, said):
    """What was said for a code is the contract's own wording, and nothing more."""
    documented = words_of(name, code)
    assert not documented or any(re.fullmatch(words, said) for words in documented), (name, code, said, documented)


def assert_refused(name, status, answer):
    """A refusal of an operation of /api/v1: words, order and status; the codes."""
    codes = [e["Code"] for e in answer["Errors"]]
    for error in answer["Errors"]:
        assert_words(name, error["Code"], error["Message"])
    printed = [c for c, _ in BY_NAME[name]["codes"]]
    assert codes == sorted(codes, key=lambda c: printed.index(c) if c in printed else len(printed)), codes
    assert status in {status_of(name, c) for c in codes}, (status, codes)
    assert 13 not in codes or len(codes) == 1, "a key failure is answered alone"
    return codes


def command_case(name, **parameters):
    """A case that sends the command with these parameters; a callable value is asked for the place's own."""
    def case(place):
        answer = place.command(name, **{k: v(place) if callable(v) else v for k, v in parameters.items()})
        assert answer["Success"] is False and answer["ErrorMessage"] == answer["ErrorText"] and answer["ErrorMessage"]
        code = answer["ErrorCode"]
        assert isinstance(code, list) == (name == "EmailGateway.AddWebhook"), answer
        codes = code if isinstance(code, list) else [code]
        assert_words(name, codes[0], answer["ErrorMessage"])
        return codes
    return case


def rest_case(method, path, body=None, key=None, http=None):
    def case(place):
        sent = body(place) if callable(body) else body
        status, headers, answer = place.rest(method, path, sent, key(place) if callable(key) else key)
        if http:
            assert status == http, (status, answer)
        assert status != 429 or int(headers["Retry-After"]) >= 1
        return assert_refused(f"{method} {path.partition('?')[0]}", status, answer)
    return case


def mine(place):
    return place.owner.domain_id


def stranger(place):
    """Another account's domain."""
    return tenant_of(place, "stranger.example").domain_id


def tenant_of(place, domain, **more):
    kept = place.__dict__.setdefault("tenants", {})
    if domain not in kept:
        kept[domain] = place.gateway.tenant(domain, **more)
    return kept[domain]


def full_account(place):
    """A group that allows one domain, and an account in it that has it."""
    tenant = tenant_of(place, "full.example")
    place.gateway.cli("group", "add", "one-domain", "domains=1")
    place.gateway.cli("account", "set", tenant.email, "group=one-domain")
    return command_case("EmailGateway.AddDomain", APIKey=tenant.api_key, DomainName="second.example")(place)


def set_account(place, domain, *settings):
    tenant = tenant_of(place, domain)
    place.gateway.cli("account", "set", tenant.email, *settings)
    return tenant.key


def deactivated(place):
    return set_account(place, "deactivated.example", "active=no")


def unverified(place):
    return set_account(place, "unverified.example", "verified=no")


def limited(place, domain, **limits):
    """The key of an account in a group of its own."""
    kept = place.__dict__.setdefault("groups", set())
    name = domain.split(".")[0]
    if name not in kept:
        kept.add(name)
        place.gateway.cli("group", "add", name, *[f"{k}={v}" for k, v in limits.items()])
        set_account(place, domain, f"group={name}")
    return tenant_of(place, domain).key


def message(sender="sender@example.com", **fields):
    body = mail(sender=sender, **fields)
    return {k: v for k, v in body.items() if v is not None}


def people(count, name="x"):
    return [{"email": f"{name}{i}@example.org", "name": ""} for i in range(count)]


def sending(http=422, key=None, **fields):
    return rest_case("POST", "/api/v1/email", lambda place: message(**fields), key, http)


def suppressed(place):
    assert place.command("Suppression.Add", EmailAddress="never@example.org")["Success"]
    return message(to="never@example.org")


def day_limit(place):
    key = limited(place, "day.example", sends_per_day=1)
    place.rest("POST", "/api/v1/email", message("a@day.example"), key)
    return rest_case("POST", "/api/v1/email", message("a@day.example"), key, 429)(place)


def second_limit(place):
    key = limited(place, "second-limit.example", sends_per_second=1)
    codes, messages = [], set()
    for _ in range(20):
        status, headers, answer = place.rest("POST", "/api/v1/email", message("a@second-limit.example"), key)
        if status == 429:
            assert int(headers["Retry-After"]) >= 1
            codes += [e["Code"] for e in answer["Errors"]]
            messages |= {e["Message"] for e in answer["Errors"]}
    assert messages == {"You have exceeded your send rate limits. Please wait before sending another email."}
    return codes


def too_many(method, path, body=None):
    """The first 429: more requests than a key may make. On a gateway that allows few."""
    def case(place):
        if not place.strict:
            place.strict = Gateway(limits__key_per_minute=5).start()
            place.strict_tenant = place.strict.tenant("example.com")
        for _ in range(60):
            status, headers, answer = place.strict.request(method, path, body, {"Authorization": f"Bearer {place.strict_tenant.key}"})
            if status == 429:
                assert int(headers["Retry-After"]) >= 1 and headers["RateLimit-Remaining"] == "0" and "RateLimit-Reset" in headers
                return assert_refused(f"{method} {path}", status, answer)
        return []
    return case


def webhook_of_another_domain(place):
    other = place.command("EmailGateway.AddDomain", DomainName="another.example")["NewSenderDomainID"]
    return other


E, V1 = "EmailGateway.", "/api/v1/"
NOT_A_LIST = {"email": "a@example.org", "name": ""}
CASES = {
    E + "AddAPI": {1: command_case(E + "AddAPI", DomainID=mine), 2: command_case(E + "AddAPI", Description="d"),
                   3: command_case(E + "AddAPI", Description="d", DomainID=stranger)},
    E + "AddDomain": {1: command_case(E + "AddDomain"), 2: command_case(E + "AddDomain", DomainName="not a domain"), 3: full_account},
    E + "AddSMTP": {1: command_case(E + "AddSMTP"), 2: command_case(E + "AddSMTP", DomainID=stranger)},
    E + "AddWebhook": {
        1: command_case(E + "AddWebhook", Event="bounce", WebhookURL=HOOK), 2: command_case(E + "AddWebhook", DomainID=mine, WebhookURL=HOOK),
        3: command_case(E + "AddWebhook", DomainID=mine, Event="explode", WebhookURL=HOOK),
        4: command_case(E + "AddWebhook", DomainID=stranger, Event="bounce", WebhookURL=HOOK),
        5: command_case(E + "AddWebhook", DomainID=mine, Event="bounce")},
    "POST " + V1 + "webhooks": {
        2: rest_case("POST", V1 + "webhooks", {"WebhookURL": HOOK}, http=422), 3: rest_case("POST", V1 + "webhooks", {"Event": "x", "WebhookURL": HOOK}, http=422),
        5: rest_case("POST", V1 + "webhooks", {"Event": "delivered"}, http=422),
        13: rest_case("POST", V1 + "webhooks", {"Event": "delivered", "WebhookURL": HOOK}, key="", http=401),
        429: too_many("POST", V1 + "webhooks", {"Event": "delivered", "WebhookURL": HOOK})},
    E + "AggrEvents": {1: command_case(E + "AggrEvents"), 2: command_case(E + "AggrEvents", DomainID=stranger)},
    E + "ClearDomainQueue": {1: command_case(E + "ClearDomainQueue"), 2: command_case(E + "ClearDomainQueue", DomainID=stranger)},
    E + "DeleteAPI": {1: command_case(E + "DeleteAPI"), 2: command_case(E + "DeleteAPI", ApiKeyId=999999)},
    E + "DeleteDomain": {1: command_case(E + "DeleteDomain"), 2: command_case(E + "DeleteDomain", DomainID=stranger)},
    E + "DeleteSMTP": {1: command_case(E + "DeleteSMTP"), 2: command_case(E + "DeleteSMTP", smtpid=999999)},
    E + "DeleteWebhook": {
        1: command_case(E + "DeleteWebhook", DomainID=mine), 2: command_case(E + "DeleteWebhook", DomainID=stranger, WebhookID=1),
        3: command_case(E + "DeleteWebhook", DomainID=webhook_of_another_domain, WebhookID=lambda p: p.webhook_id()),
        4: command_case(E + "DeleteWebhook", DomainID=mine, WebhookID=999999)},
    "DELETE " + V1 + "webhooks": {
        1: rest_case("DELETE", V1 + "webhooks", {}, http=422), 2: rest_case("DELETE", V1 + "webhooks", {"WebhookID": 1}, deactivated, 403),
        4: rest_case("DELETE", V1 + "webhooks", {"WebhookID": 999999}, http=404),
        13: rest_case("DELETE", V1 + "webhooks", {"WebhookID": 1}, "ph_nobody", 401), 429: too_many("DELETE", V1 + "webhooks", {"WebhookID": 1})},
    E + "DomainStats": {1: command_case(E + "DomainStats"), 2: command_case(E + "DomainStats", DomainID=stranger)},
    E + "GetAPIs": {1: command_case(E + "GetAPIs"), 2: command_case(E + "GetAPIs", DomainID=stranger)},
    E + "GetDomain": {1: command_case(E + "GetDomain"), 2: command_case(E + "GetDomain", DomainID=stranger)},
    E + "GetDomains": {},
    E + "GetEvents": {
        1: command_case(E + "GetEvents", StartFrom=0, RetrieveCount=5), 4: command_case(E + "GetEvents", DomainID=mine, RetrieveCount=5),
        5: command_case(E + "GetEvents", DomainID=mine, StartFrom=0), 2: command_case(E + "GetEvents", DomainID=stranger, StartFrom=0, RetrieveCount=5)},
    "GET " + V1 + "events": {
        1: rest_case("GET", V1 + "events", key="", http=401), 2: rest_case("GET", V1 + "events", key=deactivated, http=403),
        4: rest_case("GET", V1 + "events?StartFrom=x", http=422), 5: rest_case("GET", V1 + "events?RetrieveCount=0", http=422),
        13: rest_case("GET", V1 + "events", key="ph_nobody", http=401), 429: too_many("GET", V1 + "events")},
    E + "GetSMTPs": {1: command_case(E + "GetSMTPs"), 2: command_case(E + "GetSMTPs", DomainID=stranger)},
    E + "GetWebhooks": {1: command_case(E + "GetWebhooks"), 2: command_case(E + "GetWebhooks", DomainID=stranger)},
    "GET " + V1 + "webhooks": {
        2: rest_case("GET", V1 + "webhooks", key=deactivated, http=403), 13: rest_case("GET", V1 + "webhooks", key="ph_nobody", http=401),
        429: too_many("GET", V1 + "webhooks")},
    E + "ResetSMTPPassword": {1: command_case(E + "ResetSMTPPassword"), 2: command_case(E + "ResetSMTPPassword", smtpid=999999)},
    E + "UpdateDomain": {1: command_case(E + "UpdateDomain"), 5: command_case(E + "UpdateDomain", DomainID=stranger)},
    E + "VerifyDomain": {1: command_case(E + "VerifyDomain"), 2: command_case(E + "VerifyDomain", DomainID=stranger)},
    "POST " + V1 + "email": {
        1: sending(401, key=""), 2: sending(403, DomainID=999999), 3: sending(From=None), 8: sending(Subject=None), 9: sending(ContentType=None),
        10: sending(ContentType="html"), 11: sending(PlainContent=None), 12: sending(403, key=deactivated, sender="a@deactivated.example"),
        13: sending(401, key="ph_nobody"), 14: rest_case("POST", V1 + "email", suppressed, http=422), 15: sending(TemplateID=999999),
        16: sending(TargetListID=999999, To=None), 17: day_limit, 18: sending(To=[{"email": "a@example.org"}]),
        19: sending(To=[{"email": "nonsense", "name": ""}]), 20: sending(To=None), 21: sending(CC=[{"name": "x"}]),
        22: sending(CC=[{"email": "nonsense", "name": ""}]), 23: sending(From={"email": "nonsense", "name": ""}), 24: sending(BCC=NOT_A_LIST),
        25: sending(BCC=[{"email": "a@example.org"}]), 26: sending(BCC=[{"email": "nonsense", "name": ""}]), 27: sending(BCC=people(51)),
        28: sending(ReplyTo=NOT_A_LIST), 29: sending(ReplyTo=[{"email": "a@example.org"}]), 30: sending(ReplyTo=[{"email": "nonsense", "name": ""}]),
        31: sending(ReplyTo=people(11)),
        32: rest_case("POST", V1 + "email", message("a@disabled.example"), lambda p: tenant_of(p, "disabled.example", enabled=False).key, 403),
        34: rest_case("POST", V1 + "email", message("a@unverified.example"), unverified, 403), 429: second_limit},
}


@pytest.mark.parametrize("name,code", [(name, code) for name, codes in CASES.items() for code in codes])
def test_the_documented_code(place, name, code):
    codes = CASES[name][code](place)
    assert code in codes, codes
    seen.setdefault(name, set()).add(code)


@pytest.mark.parametrize("name,parameters,codes", [
    ("AddAPI", {}, 1), ("AddAPI", {"Description": "d", "DomainID": "x"}, 2), ("AddAPI", {"DomainID": stranger}, 1),
    ("AddDomain", {"DomainName": "example.com"}, 2), ("AddDomain", {"DomainName": "example.com", "Subdomain": "-"}, 2),
    ("AddDomain", {"DomainName": "new.example", "Subdomain": "-"}, 4), ("UpdateDomain", {"DomainID": mine, "TrackPrefix": "a_b"}, 6),
    ("UpdateDomain", {"DomainID": stranger, "TrackPrefix": "a_b"}, 5), ("UpdateDomain", {"TrackPrefix": "a_b"}, 1),
    ("GetEvents", {"DomainID": stranger, "RetrieveCount": 5}, 4), ("GetEvents", {"DomainID": "x"}, 4), ("GetEvents", {"DomainID": "x", "StartFrom": 0}, 5),
    ("DeleteWebhook", {"DomainID": stranger}, 1), ("DeleteWebhook", {"DomainID": "x", "WebhookID": "y"}, 2),
    ("AddWebhook", {}, [1, 2, 5]), ("AddWebhook", {"DomainID": stranger, "Event": "explode", "WebhookURL": "ftp://x"}, [3, 4, 6]),
    ("AddWebhook", {"DomainID": mine, "Event": "open", "WebhookURL": "http://127.0.0.1/"}, [7]),
])
def test_checks_run_in_the_printed_order(place, name, parameters, codes):
    """decisions 4, 7 and 17: of several that apply the first that is printed; AddWebhook lists them all."""
    case = command_case(E + name, **parameters)
    assert case(place) == (codes if isinstance(codes, list) else [codes])


def test_all_that_fails_is_listed_in_the_printed_order(place):
    nothing = rest_case("POST", V1 + "email", {})
    assert nothing(place) == [3, 8, 9, 20]
    much = rest_case("POST", V1 + "email", {"From": {"email": "a@example.com"}, "To": {}, "CC": {}, "BCC": {}, "ReplyTo": {}, "ContentType": "html", "Subject": "s"})
    assert much(place) == [3, 10, 18, 21, 24, 28]
    entries = [{"email": "nonsense", "name": ""}, {"email": "a@example.org"}, "a@example.org", {"name": "x"}, {"email": "b@example.org", "name": ""}]
    mixed = rest_case("POST", V1 + "email", message(To=entries, CC=entries, BCC=entries, ReplyTo=entries))
    assert mixed(place) == [18, 19, 21, 22, 25, 26, 29, 30], "an incomplete entry hides no bad one"
    unknown = {"TemplateID": 999999, "TargetListID": 999999}
    assert sending(ReplyTo={}, To=None, **unknown)(place) == [15, 16, 28], "what the store must be asked for as well"
    assert sending(Subject=None, To=None, TargetListID=999999)(place) == [8, 16]
    assert sending(To=None, TemplateID=999999)(place) == [15, 20]
    assert rest_case("POST", V1 + "webhooks", {})(place) == [2, 5]
    assert rest_case("GET", V1 + "events?StartFrom=x&RetrieveCount=101")(place) == [4, 5]


def test_a_deactivated_accounts_key_is_no_key_to_webhooks(place):
    """decisions 21 and 23: 13, alone, whatever else is wrong."""
    assert rest_case("POST", V1 + "webhooks", {}, deactivated, 401)(place) == [13]


def test_the_first_429_of_sending(place):
    assert 429 in too_many("POST", V1 + "email", message())(place)
    seen.setdefault("POST /api/v1/email", set()).add("429 requests")


def test_no_code_is_missing(place, capsys):
    """The table operation x codes; what the contract lists and nobody produced fails."""
    missing = {}
    with capsys.disabled():
        print()
        for op in CONTRACT:
            codes = sorted({c for c, _ in op["codes"]})
            if any("send rate" in m for _, m in op["codes"]):
                codes.append("429 requests")
            have = seen.get(op["name"], set())
            print(f"  {op['name']:32} {' '.join(str(c) if c in have else f'[{c} MISSING]' for c in [0, *codes])}")
            missing.update({op["name"]: [c for c in [0, *codes] if c not in have]} if any(c not in have for c in [0, *codes]) else {})
    assert not missing, missing
