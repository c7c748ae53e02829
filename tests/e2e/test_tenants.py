"""P6: one tenant never sees, changes or infers another's data. Another's id answers byte for byte as a missing one.

SPDX-License-Identifier: Apache-2.0"""
import json

import pytest

from gateway import mail, wait_for

CANARY = "canary7f3a"


class Side:
    """An account with everything that has an id, all marked with the canary."""

    def __init__(self, gateway, domain):
        self.gateway, self.tenant = gateway, gateway.tenant(domain, email=f"{CANARY}@{domain}" if CANARY in domain else None)
        made = gateway.api("EmailGateway.AddAPI", APIKey=self.tenant.api_key, DomainID=self.tenant.domain_id, Description=f"{domain} key")
        self.spare_key_id = made["NewAPIKeyID"]
        self.message = gateway.sent(self.tenant.key, to=f"reader@{domain}", sender=f"news@{domain}", Subject=f"about {domain}", Tags=[domain],
                                    Metadata={"secret": domain}, PlainContent=f"text of {domain}", JourneyID=domain)
        self.inbox_id = wait_for(lambda: self.get("/api/v1/inbox")[2]["Messages"], what="the inbox")[0]["ID"]

    def get(self, path):
        return self.gateway.request("GET", path, headers={"Authorization": f"Bearer {self.tenant.key}"})

    def raw(self, method, path, body=None, key=None):
        """(status, body) as bytes would compare; dates and lengths of headers are left out."""
        status, _, answer = self.gateway.request(method, path, body, {"Authorization": f"Bearer {key}"} if key else {})
        return status, json.dumps(answer) if isinstance(answer, dict) else answer

    def command(self, name, **fields):
        return self.raw("POST", "/api.php", {"Command": "EmailGateway." + name, "APIKey": self.tenant.api_key, **fields})


@pytest.fixture(scope="module")
def theirs(shared):
    return Side(shared, f"{CANARY}.test")


@pytest.fixture(scope="module")
def mine(shared, theirs):
    return Side(shared, "mine.test")


MISSING = 987654321
OPERATIONS = [
    ("GetDomain", {}, "DomainID"), ("VerifyDomain", {}, "DomainID"), ("GetAPIs", {}, "DomainID"),
    ("GetEvents", {"StartFrom": 0, "RetrieveCount": 100}, "DomainID"), ("AddAPI", {"Description": "d"}, "DomainID"), ("DeleteAPI", {}, "ApiKeyId"),
]


@pytest.mark.parametrize("name,fields,field", OPERATIONS, ids=[o[0] for o in OPERATIONS])
def test_anothers_id_answers_as_a_missing_one(mine, theirs, name, fields, field):
    ids = {"DomainID": theirs.tenant.domain_id, "ApiKeyId": int(theirs.spare_key_id)}
    missing = mine.command(name, **fields, **{field: MISSING})
    for form in (ids[field], str(ids[field])):
        assert mine.command(name, **fields, **{field: form}) == missing
    for wrong in (theirs.tenant.user_id * 1000 + 77, theirs.tenant.domain, theirs.message, theirs.inbox_id + 10 ** 6):
        status, answer = mine.command(name, **fields, **{field: wrong})
        assert status == 200 and json.loads(answer)["Success"] is False


def test_the_key_of_another_survives(mine, theirs):
    mine.command("DeleteAPI", ApiKeyId=theirs.spare_key_id)
    mine.command("DeleteAPI", ApiKeyId=theirs.tenant.key_id)
    keys = json.loads(theirs.command("GetAPIs", DomainID=theirs.tenant.domain_id)[1])["APIKeys"]
    assert {k["KeyID"] for k in keys} == {theirs.spare_key_id, str(theirs.tenant.key_id)}


def test_inbox_of_another(mine, theirs):
    key = mine.tenant.key
    for tail in ("", "/raw"):
        assert mine.raw("GET", f"/api/v1/inbox/{theirs.inbox_id}{tail}", key=key) == mine.raw("GET", f"/api/v1/inbox/{MISSING}{tail}", key=key)
        assert mine.raw("GET", f"/api/v1/inbox/{theirs.inbox_id}{tail}", key=key)[0] == 404
        assert theirs.raw("GET", f"/api/v1/inbox/{theirs.inbox_id}{tail}", key=theirs.tenant.key)[0] == 200
    assert mine.raw("GET", f"/api/v1/inbox?ID={theirs.inbox_id}", key=key) == mine.raw("GET", f"/api/v1/inbox?ID={MISSING}", key=key)
    own = mine.get("/api/v1/inbox?Limit=100")[2]["Messages"]
    assert [m["Subject"] for m in own] == ["about mine.test"]
    assert mine.get(f"/api/v1/inbox?BeforeID={theirs.inbox_id + 1000}")[2]["Messages"] == own


def test_message_id_of_another(mine, theirs):
    key = mine.tenant.key
    missing = mine.raw("GET", "/api/v1/events?MessageID=01890000-0000-7000-8000-000000000000", key=key)
    assert mine.raw("GET", f"/api/v1/events?MessageID={theirs.message}", key=key) == missing
    assert json.loads(missing[1]) == {"TotalRecords": 0, "NextCursor": "", "Events": []}


def test_sending_in_anothers_name(mine, theirs):
    key = mine.tenant.key
    foreign = mine.raw("POST", "/api/v1/email", mail(sender=f"news@{theirs.tenant.domain}"), key)
    assert foreign == mine.raw("POST", "/api/v1/email", mail(sender="news@nobody-has-this.test"), key) and foreign[0] == 422
    own = {**mail(sender="news@mine.test")}
    assert mine.raw("POST", "/api/v1/email", {**own, "DomainID": theirs.tenant.domain_id}, key) == \
        mine.raw("POST", "/api/v1/email", {**own, "DomainID": MISSING}, key)


def test_a_deleted_or_foreign_credential_of_another_kind(mine, theirs):
    """A sender key is no user key, a user key no sender key, whoever's."""
    for key in (mine.tenant.api_key, theirs.tenant.api_key, theirs.inbox_id):
        assert mine.raw("GET", "/api/v1/events", key=key) == mine.raw("GET", "/api/v1/events", key="nobody's")


def test_no_canary_in_anything_that_mine_can_ask(mine, theirs):
    me = mine.tenant
    answers = [mine.command("GetDomains"), mine.command("GetDomain", DomainID=me.domain_id), mine.command("GetAPIs", DomainID=me.domain_id),
               mine.command("VerifyDomain", DomainID=me.domain_id), mine.command("AddDomain", DomainName=theirs.tenant.domain.replace(CANARY, "x")),
               mine.command("GetEvents", DomainID=me.domain_id, StartFrom=0, RetrieveCount=100),
               mine.raw("POST", "/api.php", {"Command": "User.Login", "Username": me.email, "Password": "correct horse battery"}),
               mine.raw("GET", "/api/v1/events?RetrieveCount=100", key=me.key), mine.raw("GET", "/api/v1/inbox?Limit=100", key=me.key),
               mine.raw("GET", "/metrics"), mine.raw("GET", "/healthz"), mine.raw("GET", "/api/v1/nothing", key=me.key)]
    for status, answer in answers:
        assert CANARY not in answer.lower(), answer
    events = json.loads(answers[7][1])
    assert events["TotalRecords"] == len(events["Events"]) > 0 and {e["MessageId"] for e in events["Events"]} == {mine.message}


def test_no_canary_in_errors_with_foreign_ids(mine, theirs):
    for name, fields, field in OPERATIONS:
        for value in (theirs.tenant.domain_id, theirs.spare_key_id):
            assert CANARY not in mine.command(name, **fields, **{field: value})[1]


def test_two_domains_of_one_account_keep_their_events_apart(shared, mine):
    """A sender key sees its own domain only."""
    shared.cli("domain", "add", "second.test", "--account", mine.tenant.email)
    shared.cli("domain", "enable", "second.test")
    key = shared.cli_json("key", "add", "--domain", "second.test")["APIKey"]["Key"]
    assert shared.events_total(key) == 0
    message = shared.sent(key, sender="a@second.test")
    assert {e["MessageId"] for e in shared.events(key)} == {message}
    assert message not in {e["MessageId"] for e in shared.events(mine.tenant.key)}
