"""/api.php as the contract's curl requests use it: shapes and JSON types of answers, every error code, ways in, credentials.

SPDX-License-Identifier: Apache-2.0"""
import json
import re
import urllib.parse

import pytest

from gateway import mail, wait_for

PASSWORD = "correct horse battery"
WHEN = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")


@pytest.fixture(scope="module")
def shop(shared):
    return shared.tenant("shop.test")


@pytest.fixture(scope="module")
def other(shared):
    return shared.tenant("other.test")


@pytest.fixture(scope="module")
def session(shared, shop):
    answer = shared.api("User.Login", Username=shop.email, Password=PASSWORD)
    assert answer["Success"] is True and answer["ErrorCode"] == 0 and isinstance(answer["SessionID"], str)
    assert answer["UserInfo"]["EmailAddress"] == shop.email
    return answer["SessionID"]


def refused(answer, code):
    assert answer["Success"] is False and answer["ErrorCode"] == code and type(answer["ErrorCode"]) is int, answer
    assert answer["ErrorMessage"] and answer["ErrorMessage"] == answer["ErrorText"]
    return answer


def check_key_row(row, domain_id):
    """Types of GetAPIs in the contract; ids are strings there."""
    assert all(isinstance(row[k], str) for k in ("KeyID", "DomainID", "UserID", "Key", "Permissions", "CreationDate", "LastUsedDate", "APIKeyID",
                                                 "Description"))
    assert row["DomainID"] == str(domain_id) and row["KeyID"] == row["APIKeyID"] and WHEN.match(row["CreationDate"])
    assert row["LastUsedDate"] == "" or WHEN.match(row["LastUsedDate"])
    assert set(row["Options"]) >= {"ListID", "SubscriberID", "JourneyID", "ActionID"}


# ---- the contract's requests, one by one ----
def test_add_domain(shared, session, shop):
    body = ('{ "SessionID": "%s", "APIKey": "%s", "Command": "EmailGateway.AddDomain", "DomainName": "example.com" }' % (session, shop.api_key))
    status, _, answer = shared.request("POST", "/api.php", body.encode(), {"Content-Type": "application/json"})
    assert status == 200 and answer["Success"] is True and answer["ErrorCode"] == 0 and type(answer["NewSenderDomainID"]) is int
    domain = answer["Domain"]
    assert {k: domain[k] for k in ("DomainName", "VerificationStatus", "DKIMStatus", "SPFStatus")} == {
        "DomainName": "example.com", "VerificationStatus": "Pending", "DKIMStatus": "Pending", "SPFStatus": "Pending"}
    assert domain["SenderDomain"] == "example.com" and domain["Status"] == "Approval Pending"
    records = answer["DNSRecords"]
    assert {r["Type"] for r in records} == {"TXT", "MX", "CNAME"} and all(r["Host"] and r["Value"] for r in records)


@pytest.mark.parametrize("fields,code", [
    ({}, 1), ({"DomainName": ""}, 1), ({"DomainName": None}, 1), ({"DomainName": "example"}, 2), ({"DomainName": "a b.com"}, 2),
    ({"DomainName": "-a.com"}, 2), ({"DomainName": "x" * 64 + ".com"}, 2), ({"DomainName": ".".join(["abcdefgh"] * 29)}, 2), ({"DomainName": "a..b"}, 2),
    ({"DomainName": "127.0.0.1"}, 2), ({"DomainName": 5}, 2), ({"DomainName": ["a.com"]}, 2), ({"DomainName": "a.com\r\n"}, 2),
    ({"DomainName": "shop.test"}, 2), ({"DomainName": "SHOP.test"}, 2), ({"DomainName": "a.com'; DROP TABLE domains; --"}, 2),
    ({"DomainName": "ok.test", "Subdomain": "a.b"}, 4), ({"DomainName": "ok.test", "Subdomain": "-"}, 4), ({"DomainName": "ok.test", "TrackPrefix": "x" * 33}, 4),
])
def test_add_domain_refusals(shared, shop, fields, code):
    refused(shared.api("EmailGateway.AddDomain", APIKey=shop.api_key, **fields), code)


def test_add_domain_forms(shared, shop, other):
    unicode = shared.api("EmailGateway.AddDomain", APIKey=shop.api_key, DomainName="Bücher.Test", Subdomain="Post", TrackPrefix="t")
    assert unicode["Domain"]["DomainName"] == "xn--bcher-kva.test"
    assert unicode["Domain"]["Options"] == {"LinkTracking": 0, "OpenTracking": 0, "UnsubscribeLink": 0, "CustomSubdomain": "post",
                                            "CustomTrackPrefix": "t"}
    hosts = {r["Host"] for r in unicode["DNSRecords"]}
    assert {"post.xn--bcher-kva.test", "t.post.xn--bcher-kva.test"} <= hosts
    same = shared.api("EmailGateway.AddDomain", APIKey=other.api_key, DomainName="shop.test")
    assert same["Success"], "the same name in another account is allowed until one proves ownership"


def test_get_domain(shared, shop):
    for domain_id in (shop.domain_id, str(shop.domain_id)):
        answer = shared.api("EmailGateway.GetDomain", APIKey=shop.api_key, DomainID=domain_id)
        domain = answer["Domain"]
        assert (type(domain["DomainID"]), domain["DomainName"], domain["IsActive"]) == (int, "shop.test", True)
        assert domain["DomainID"] == shop.domain_id and domain["Status"] == "Enabled"


NOT_IDS = ["x", "1.0", 1.5, 0, -1, 2 ** 63, 2 ** 64, 10 ** 30, "0x1", " 1", True, {}, [], {"$gt": ""}, "1 OR 1=1", "\u0661"]


@pytest.mark.parametrize("command,missing,invalid", [
    ("GetDomain", 1, 2), ("VerifyDomain", 1, 2), ("GetAPIs", 1, 2), ("GetEvents", 1, 2)])
def test_domain_ids(shared, shop, command, missing, invalid):
    """JS16, JS17: missing, and everything that is no id of ours."""
    more = {"StartFrom": 0, "RetrieveCount": 5}
    for empty in ({}, {"DomainID": ""}, {"DomainID": None}):
        answer = refused(shared.api("EmailGateway." + command, APIKey=shop.api_key, **more, **empty), missing)
        assert "DomainID" in answer["ErrorMessage"]
    for wrong in [*NOT_IDS, 987654]:
        refused(shared.api("EmailGateway." + command, APIKey=shop.api_key, **more, DomainID=wrong), invalid)


def test_get_domains(shared, shop):
    answer = shared.api("EmailGateway.GetDomains", APIKey=shop.api_key)
    rows = answer["Domains"]
    assert answer["Success"] and answer["ErrorCode"] == 0 and "shop.test" in {r["DomainName"] for r in rows}
    for row in rows:
        assert (type(row["DomainID"]), type(row["DomainName"]), type(row["Verified"]), type(row["Active"])) == (str, str, bool, bool)
    mine = next(r for r in rows if r["DomainName"] == "shop.test")
    assert mine["Active"] is True and mine["Verified"] is False, "enabled by the operator, not verified"


def test_keys_from_birth_to_death(shared, session, shop):
    body = json.dumps({"SessionID": session, "APIKey": shop.api_key, "Command": "EmailGateway.AddAPI", "Description": "My new API key",
                       "DomainID": str(shop.domain_id)})
    made = shared.request("POST", "/api.php", body.encode(), {"Content-Type": "application/json"})[2]
    assert made["Success"] is True and isinstance(made["NewAPIKeyID"], str)
    key = made["APIKey"]
    assert key["DomainID"] == str(shop.domain_id) and key["Description"] == "My new API key" and isinstance(key["Key"], str)
    assert key["Permissions"].replace(" ", "") == "send,events,webhooks"
    listed = shared.api("EmailGateway.GetAPIs", SessionID=session, DomainID=shop.domain_id)["APIKeys"]
    for row in listed:
        check_key_row(row, shop.domain_id)
    mine = next(r for r in listed if r["KeyID"] == made["NewAPIKeyID"])
    assert mine["Key"] == key["Key"] and mine["LastUsedDate"] == "", "decision 11: keys are shown to their owner"
    assert shared.send(key["Key"])[0] == 200

    def used():
        rows = shared.api("EmailGateway.GetAPIs", SessionID=session, DomainID=shop.domain_id)["APIKeys"]
        return WHEN.match(next(r for r in rows if r["KeyID"] == made["NewAPIKeyID"])["LastUsedDate"])
    wait_for(used, seconds=30, what="LastUsedDate")
    assert shared.api("EmailGateway.DeleteAPI", SessionID=session, ApiKeyId=made["NewAPIKeyID"]) == {"Success": True, "ErrorCode": 0}
    refused(shared.api("EmailGateway.DeleteAPI", SessionID=session, ApiKeyId=made["NewAPIKeyID"]), 2)


@pytest.mark.parametrize("fields,code", [
    ({}, 1), ({"Description": ""}, 1), ({"Description": "d"}, 2), ({"Description": "d", "DomainID": "x"}, 2), ({"Description": "d", "DomainID": 0}, 2),
    ({"Description": "d", "DomainID": 999999}, 3), ({"Description": "x" * 256, "DomainID": 1}, 1), ({"Description": "a\nb", "DomainID": 1}, 1),
    ({"Description": "d", "DomainID": 1, "Permissions": "fly"}, 422), ({"Description": "d", "DomainID": 1, "ListID": "x" * 65}, 422),
])
def test_add_api_refusals(shared, shop, fields, code):
    refused(shared.api("EmailGateway.AddAPI", APIKey=shop.api_key, **fields), code)


def test_delete_api_refusals(shared, shop):
    refused(shared.api("EmailGateway.DeleteAPI", APIKey=shop.api_key), 1)
    for wrong in [*NOT_IDS, 987654]:
        refused(shared.api("EmailGateway.DeleteAPI", APIKey=shop.api_key, ApiKeyId=wrong), 2)


@pytest.mark.parametrize("fields,code", [
    ({"StartFrom": None}, 4), ({"StartFrom": "x"}, 4), ({"StartFrom": -1}, 4), ({"RetrieveCount": None}, 5), ({"RetrieveCount": 0}, 5),
    ({"RetrieveCount": 101}, 5), ({"RetrieveCount": "many"}, 5), ({"StartDate": "yesterday"}, 422), ({"EndDate": "2026-13-01"}, 422),
    ({"Event": "explode"}, 422), ({"Event": ["open", "explode"]}, 422), ({"Query": "subject:"}, 422),
])
def test_get_events_refusals(shared, shop, fields, code):
    body = {"DomainID": shop.domain_id, "StartFrom": 0, "RetrieveCount": 50, **fields}
    refused(shared.api("EmailGateway.GetEvents", APIKey=shop.api_key, **body), code)


# ---- ways in ----
def test_unknown_commands(shared):
    for command in ({"Command": "EmailGateway.Nothing"}, {"Command": ""}, {}, {"Command": 5}, {"Command": "Operator.Send"},
                    {"Command": ["EmailGateway.GetDomains"]}):
        status, _, answer = shared.request("POST", "/api.php", command)
        assert status == 400 and refused(answer, 100003)


def test_unreadable_bodies(shared):
    for body in (b"{", b'{"Command":}', b"{'a':1}", b'{"a":1}}', b'{"a":1} {"b":2}', b'{"a":NaN}', b'{"a":1,}', b"\xef\xbb\xbf{}x", b'{"a":"\xff"}'):
        status, _, answer = shared.request("POST", "/api.php", body, {"Content-Type": "application/json"})
        assert status == 400 and refused(answer, 100000), body


def ways(parameters):
    form = urllib.parse.urlencode(parameters)
    upper = {k.upper(): v for k, v in parameters.items()}
    multipart = "".join(f'--zz\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in parameters.items()) + "--zz--\r\n"
    as_form = {"Content-Type": "application/x-www-form-urlencoded"}
    return {
        "json": ("POST", "", json.dumps(parameters), {"Content-Type": "application/json"}), "form": ("POST", "", form, as_form),
        "json sent as a form": ("POST", "", json.dumps(parameters), as_form), "query": ("GET", "?" + form, None, {}),
        "query of POST": ("POST", "?" + form, None, {}), "multipart": ("POST", "", multipart, {"Content-Type": "multipart/form-data; boundary=zz"}),
        "other case": ("POST", "", json.dumps(upper), {}), "body of GET": ("GET", "", json.dumps(parameters), {}),
        "half and half": ("POST", "?Command=EmailGateway.Wrong&DomainID=" + str(parameters["DomainID"]),
                          json.dumps({k: v for k, v in parameters.items() if k != "DomainID"}), {}),
    }


@pytest.mark.parametrize("way", ways({"DomainID": 1}).keys())
def test_every_way_in(shared, shop, way):
    for command in ("EmailGateway.GetDomain", "emailgateway.GETDOMAIN"):
        parameters = {"Command": command, "APIKey": shop.api_key, "DomainID": shop.domain_id, "ResponseFormat": "XML"}
        method, query, body, headers = ways(parameters)[way]
        status, _, answer = shared.request(method, "/api.php" + query, body, headers)
        assert status == 200 and answer["Domain"]["DomainName"] == "shop.test", (way, answer)


def test_bearer_user_key(shared, shop):
    status, _, answer = shared.request("POST", "/api.php", {"Command": "EmailGateway.GetDomains"}, {"Authorization": f"Bearer {shop.api_key}"})
    assert status == 200 and answer["Success"]
    status, _, answer = shared.request("POST", "/api.php", {"Command": "EmailGateway.GetDomains"}, {"Authorization": f"Bearer {shop.key}"})
    refused(answer, 99998)


# ---- who may call ----
COMMANDS = ["AddDomain", "GetDomain", "GetDomains", "VerifyDomain", "AddAPI", "GetAPIs", "DeleteAPI", "GetEvents"]


@pytest.mark.parametrize("command", COMMANDS)
def test_nobody_gets_in(shared, shop, other, command):
    for wrong in ({}, {"APIKey": "x"}, {"SessionID": "x"}, {"APIKey": shop.key}, {"SessionID": shop.api_key}, {"APIKey": ""}, {"APIKey": 5},
                  {"APIKey": "' OR ''='"}, {"SessionID": {"$gt": ""}}):
        status, _, answer = shared.request("POST", "/api.php", {"Command": "EmailGateway." + command, **wrong})
        assert status == 200, "decision 7"
        refused(answer, 99998)


def test_one_of_two_suffices_but_two_accounts_are_refused(shared, session, shop, other):
    def call(**credentials):
        return shared.api("EmailGateway.GetDomains", **credentials)
    assert call(SessionID=session, APIKey=shop.api_key)["Success"]
    assert call(SessionID=session, APIKey="your-api-key")["Success"]
    assert call(SessionID="your-session-id", APIKey=shop.api_key)["Success"]
    refused(call(SessionID=session, APIKey=other.api_key), 99998)
    refused(call(SessionID="x", APIKey="y"), 99998)


def test_login_refusals(shared, shop):
    refused(shared.api("User.Login"), 1)
    refused(shared.api("User.Login", Username=shop.email), 2)
    refused(shared.api("User.Login", Username=shop.email, Password=""), 2)
    wrong = refused(shared.api("User.Login", Username=shop.email, Password="wrong password"), 3)
    assert refused(shared.api("User.Login", Username="nobody@shop.test", Password=PASSWORD), 3) == wrong, "no name can be guessed"
    refused(shared.api("User.Login", Username=shop.email + "'--", Password=PASSWORD), 3)
    refused(shared.api("User.Login", Username=shop.email, Password=PASSWORD + "\u00e9"), 3)
    assert shared.api("User.Login", Username=shop.email.upper(), Password=PASSWORD)["Success"]


def test_an_expired_session_says_so(shared, shop):
    answer = shared.api("User.Login", Username=shop.email, Password=PASSWORD)
    shared.sql("UPDATE sessions SET expires_at = 1000 WHERE created_at = (SELECT MAX(created_at) FROM sessions)")
    refused(shared.api("EmailGateway.GetDomains", SessionID=answer["SessionID"]), 99999)
    assert shared.api("EmailGateway.GetDomains", SessionID=answer["SessionID"], APIKey=shop.api_key)["Success"]


def test_a_deactivated_account_gets_nowhere(shared):
    gone = shared.tenant("gone.test")
    session = shared.api("User.Login", Username=gone.email, Password=PASSWORD)["SessionID"]
    shared.sql(f"UPDATE accounts SET is_active = 0 WHERE id = {gone.user_id}")
    refused(shared.api("EmailGateway.GetDomains", SessionID=session), 99998)
    refused(shared.api("User.Login", Username=gone.email, Password=PASSWORD), 3)


# ---- hostile values ----
@pytest.mark.parametrize("command,fields", [
    ("AddDomain", ["DomainName", "Subdomain", "TrackPrefix"]), ("AddAPI", ["Description", "DomainID", "Permissions", "ListID", "JourneyID"]),
    ("GetEvents", ["DomainID", "StartFrom", "RetrieveCount", "StartDate", "EndDate", "Event", "Query"]), ("GetDomain", ["DomainID"]),
    ("DeleteAPI", ["ApiKeyId"]), ("VerifyDomain", ["DomainID"]), ("GetAPIs", ["DomainID"]),
])
def test_each_field_with_each_kind_of_value(shared, shop, command, fields):
    """JS08: never a 500, always one of our answers."""
    good = {"DomainName": "js08.test", "Description": "d", "DomainID": shop.domain_id, "StartFrom": 0, "RetrieveCount": 5, "ApiKeyId": 987654}
    for field in fields:
        for value in (None, True, 0, 1.5, -1, "", [], {}, "wrong", "x" * 900000, "\ud7ff\ue000", 10 ** 400, "%00", "';--", [[[]]], {"a": {"b": 1}}):
            base = {k: v for k, v in good.items() if k in fields or k == "DomainName"}
            if command == "AddDomain":
                base["Subdomain" if field != "Subdomain" else "TrackPrefix"] = "-"  # refused in any case: nothing is made
            status, _, answer = shared.request("POST", "/api.php", {"Command": "EmailGateway." + command, "APIKey": shop.api_key, **base, field: value})
            assert status == 200 and type(answer["Success"]) is bool and answer["ErrorCode"] not in (100005, 100000), (field, value, answer)


def test_unknown_fields_are_ignored(shared, shop):
    """JS09, JS17."""
    answer = shared.api("EmailGateway.GetDomain", APIKey=shop.api_key, DomainID=shop.domain_id, __proto__={"a": 1}, constructor="x", Nothing=[1])
    assert answer["Success"]
    assert shared.send(shop.key, {**mail(), "Nothing": {"at": "all"}})[0] == 200
