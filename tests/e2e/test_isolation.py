"""TN01: every operation x every kind of id: another account's id answers byte for byte as one that never was, for whichever credential may
call it. And canaries: what one account stores never shows in another's answers, in the log lines of its calls, or in the metrics.

The matrix comes out of /openapi.json: an operation or an id parameter that is new is in it, or fails here for want of an object.
SPDX-License-Identifier: Apache-2.0"""
import hashlib
import json
import re
import time
import urllib.parse

import pytest

from gateway import mail, wait_for

CANARY = "zqcanary"
MISSING_ID, MISSING_UUID = "4611686018427387904", "01900000-0000-7000-8000-00000000dead"
# Parameters that name an object of an account, and what of the account they name. Others may look like ids, but are the caller's own
# labels, cursors or numbers.
KINDS = {
    "DomainID": "domain", "APIKeyID": "user_key", "ApiKeyId": "key", "WebhookID": "webhook", "smtpid": "smtp", "MessageID": "message",
    "EmailID": "template", "EmailTemplateID": "template", "TemplateID": "template", "ListID": "list", "SubscriberListID": "list",
    "TargetListID": "list", "SubscriberID": "subscriber", "ImportID": "import", "ListSendID": "list_send", "ID": "inbox", "EventID": "event",
    "ErasureID": "erasure", "Address": "address", "EmailAddress": "address",
}
NO_OBJECT = {"AfterID", "BeforeID", "Version", "UserID", "UserGroupID", "RelUserGroupID", "GroupID", "StartFrom", "RetrieveCount"}
LABELS = {  # parameters that carry the caller's own labels here, not objects
    ("SendEmail", "ListID"), ("SendEmail", "SubscriberID"), ("EmailGateway_AddAPI_Command", "ListID"),
    ("EmailGateway_AddAPI_Command", "SubscriberID"), ("EmailGateway_ReplaceAPI_Command", "ListID"),
    ("EmailGateway_ReplaceAPI_Command", "SubscriberID"),
}
UUIDS = {"message", "import", "list_send"}


def find(answer, *names):
    """The first member of one of these names, at any depth."""
    if isinstance(answer, dict):
        for name in names:
            if name in answer:
                return answer[name]
    for value in answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ():
        found = find(value, *names)
        if found is not None:
            return found
    return None


class Account:
    """An account that has one of everything, with a canary in each."""

    def __init__(self, gateway, name):
        self.gateway, self.name = gateway, name
        self.word = f"{CANARY}-{name}"
        self.tenant = gateway.tenant(f"{self.word}.test")
        self.count = 0
        self.ids = self.make()

    def command(self, command, **parameters):
        answer = self.gateway.api(command, APIKey=self.tenant.api_key, **parameters)
        assert answer["Success"] is True, (command, answer)
        return answer

    def rest(self, method, path, body=None, key=None):
        status, _, answer = self.gateway.request(method, path, body, {"Authorization": f"Bearer {key or self.tenant.api_key}"})
        assert status < 300, (path, status, answer)
        return answer

    def make(self):
        ids = {"domain": self.tenant.domain_id, "key": self.tenant.key_id}
        for kind in ("message", "event", "inbox", "list", "subscriber", "import", "list_send", "address", "user_key", "webhook", "smtp", "template", "erasure"):
            ids[kind] = self.one(kind, ids)
        return ids

    def one(self, kind, ids):
        """Another object of the kind, the canary in it."""
        t, word = self.tenant, self.word
        self.count += 1
        name = f"{word}-{self.count}"
        if kind == "message":
            message = self.gateway.sent(t.key, sender=f"{word}@{t.domain}", to=f"{word}@example.org", Subject=word, Tags=[word])
            wait_for(lambda: "delivery" in self.gateway.event_types(t.key, message), what="the delivery")
            return message
        if kind == "event":
            return self.gateway.events(t.key)[0]["EventId"]
        if kind == "inbox":
            return self.rest("GET", "/api/v1/inbox", key=t.key)["Messages"][0]["ID"]
        if kind == "list_send":
            return self.big_send(name, f"{word}@{t.domain}")
        if kind == "address":
            self.command("Suppression.Add", EmailAddress=f"sup-{word}@example.org")
            self.refuse_tag(f"sup-{word}@example.org")
            return f"sup-{word}@example.org"
        makers = {
            "erasure": ("Erasure.Create", "ErasureID", {"EmailAddress": f"gone-{name}@example.org"}),
            "key": ("EmailGateway.AddAPI", "NewAPIKeyID", {"DomainID": ids["domain"], "Description": word}),
            "list": ("List.Create", "ListID", {"SubscriberListName": name}),
            "subscriber": ("Subscriber.Create", "SubscriberID", {"ListID": ids.get("list"), "EmailAddress": f"sub-{name}@example.org"}),
            "import": ("Subscriber.Import", "ImportID", {"ListID": ids.get("list"), "Content": f"Email,Name\nimp-{name}@example.org,{word}\n"}),
            "user_key": ("User.APIKey.Create", "APIKeyID", {"Note": word}),
            "webhook": ("EmailGateway.AddWebhook", "NewWebhookID",
                        {"DomainID": ids["domain"], "Event": "bounce", "WebhookURL": f"https://{word}.example/h"}),
            "smtp": ("EmailGateway.AddSMTP", "NewSMTPID", {"DomainID": ids["domain"]}),
            "template": ("UserEmailTemplate.Create", "EmailID", {"EmailName": name, "Subject": word, "ContentType": "Plain", "PlainContent": word}),
        }
        command, member, parameters = makers[kind]
        return find(self.command(command, **parameters), member)

    def renew(self, kind):
        """What was ended, anew; what was on it as well."""
        for again in (kind, *({"list": ("subscriber", "import")}.get(kind, ()))):
            self.ids[again] = self.one(again, self.ids)

    def refuse_tag(self, address):
        """As the person does it on the page; the tag is that of the document's examples."""
        digest = hashlib.sha256(address.encode()).hexdigest()
        blob = f"decode('{digest}', 'hex')" if self.gateway.options.get("data.url") else f"x'{digest}'"
        self.gateway.sql(f"INSERT INTO tag_refusals (account_id, address_hash, address, tag, created_at) VALUES ({self.tenant.user_id}, {blob}, "
                         f"'{address}', 'offers', 1) ON CONFLICT DO NOTHING")

    def big_send(self, name, sender):
        """A list send of its own: of a list with more than a thousand people."""
        crowd = "Email\n" + "".join(f"c{i}-{self.word}@example.org\n" for i in range(1001))
        crowded = self.command("List.Create", SubscriberListName=name + "-crowd")["ListID"]
        job = self.command("Subscriber.Import", ListID=crowded, Content=crowd)["ImportID"]
        wait_for(lambda: find(self.rest("GET", f"/api/v1/imports/{job}"), "FinishedAt"), what="the import")
        body = {"From": {"email": sender, "name": ""}, "TargetListID": crowded, "Subject": self.word, "ContentType": "plain", "PlainContent": self.word,
                "SendAt": int(time.time()) + 86400}
        answer = self.rest("POST", "/api/v1/email", body, key=self.tenant.key)
        assert answer["Recipients"] == 1001
        return answer["MessageID"][0]

    def credential(self, scheme):
        return {"senderKey": self.tenant.key, "userKey": self.tenant.api_key}[scheme]


@pytest.fixture(scope="module")
def two(shared):
    return Account(shared, "ours"), Account(shared, "theirs")


def operations(document):
    for path, methods in document["paths"].items():
        if path.startswith("/api"):
            for method, operation in methods.items():
                yield path, method.upper(), operation


def parameters_of(operation):
    """{name: (place, schema)} of everything that the operation takes."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}).get("properties", {})
    return {**{n: ("body", s) for n, s in body.items()},
            **{p["name"]: (p["in"], p["schema"]) for p in operation["parameters"] if p["in"] != "header"}}


def looks_like_an_id(name, schema):
    return name in KINDS or schema.get("format") == "uuid" or (schema.get("pattern") == "^[0-9]+$" and "minimum" not in schema)


def objects_of(operation):
    """The parameters of the operation that name objects."""
    in_path = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
    for name, (_, schema) in parameters_of(operation).items():
        if not looks_like_an_id(name, schema) or name in NO_OBJECT or (operation["operationId"], name) in LABELS:
            continue
        if schema.get("type") == "array" or (KINDS.get(name) == "address" and "Suppression" not in operation["tags"][0]):
            continue
        if in_path and name not in in_path and KINDS.get(name) in {KINDS.get(n) for n in in_path}:
            continue  # another name of what the path says already
        assert name in KINDS, f"{operation['operationId']}: which object does {name} name? Say so in KINDS."
        yield name


def build(account, path, method, operation, values):
    """A request as its example has it, naming the account's own objects but for `values`."""
    parameters = parameters_of(operation)
    body = dict(operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example") or {})
    query = {}
    asked = {KINDS[name] for name in values}  # a parameter may have two names: only the one that is asked about is sent
    for name, (place, schema) in parameters.items():
        kind = KINDS.get(name) if (operation["operationId"], name) not in LABELS else None
        if name not in values and (kind in asked or (name == "EmailAddresses" and "address" in asked)) and place != "path":
            body.pop(name, None)
            continue
        addressed = name == "EmailAddress" and method == "DELETE" and "list" in asked  # whom to take off the other's list
        required = place == "path" or addressed or name in body or any(p["name"] == name and p.get("required") for p in operation["parameters"])
        value = values.get(name, account.ids.get(kind) if kind and required else None)
        if name == "Version":
            value = 1
        if name in ("StartDate", "EndDate", "Event") and "message" in asked:
            body.pop(name, None)  # whatever became of it, and whenever
        if name == "RecipientToDomain":
            value = "example.net"
        if value is None:
            continue
        if place == "path":
            path = path.replace("{%s}" % name, urllib.parse.quote(str(value), safe="@"))
        elif place == "query":
            query[name] = value
        else:
            body[name] = value
    if "From" in body:
        body["From"] = {"email": f"x@{account.tenant.domain}", "name": ""}
    return path + ("?" + urllib.parse.urlencode(query) if query else ""), method, body if method != "GET" and operation.get("requestBody") else None


def ask(account, scheme, request):
    path, method, body = request
    connection_headers = {"Authorization": f"Bearer {account.credential(scheme)}", "Content-Type": "application/json"}
    return account.gateway.answer_bytes(method, path, json.dumps(body) if body is not None else None, connection_headers)


def missing(name):
    kind = KINDS[name]
    return MISSING_UUID if kind in UUIDS else "never-was@example.org" if kind == "address" else MISSING_ID


def matrix(document):
    for path, method, operation in operations(document):
        for name in objects_of(operation):
            for scheme in ("userKey", "senderKey"):
                if {scheme: []} in operation["security"]:
                    yield path, method, operation, name, scheme


def test_every_operation_with_anothers_id_answers_as_with_none(shared, two):
    ours, theirs = two
    document = shared.request("GET", "/openapi.json")[2]
    rows, differ = 0, []
    for path, method, operation, name, scheme in matrix(document):
        answers = [ask(ours, scheme, build(ours, path, method, operation, {name: value})) for value in (theirs.ids[KINDS[name]], missing(name))]
        rows += 1
        echo = [a[1].replace(str(v).encode(), b"*") for a, v in zip(answers, (theirs.ids[KINDS[name]], missing(name)))]
        if KINDS[name] != "address":
            echo = [a[1] for a in answers]
        if answers[0][0] != answers[1][0] or echo[0] != echo[1]:
            differ.append((method, path, name, scheme, answers))
        assert CANARY.encode() + b"-theirs" not in (answers[0][1] if KINDS[name] != "address" else echo[0]), (method, path, name)
    assert not differ, f"{len(differ)} of {rows}: {differ[:5]}"
    assert rows > 80


def ends_something(path, method):
    return method == "DELETE" or re.search(r"\.(Delete|Cancel|Clear|Replace|Unsubscribe)|/unsubscribe", path)


def test_each_row_of_the_matrix_reaches_its_object(shared):
    """One's own id is answered otherwise than a missing one: no row is equal because its request falls before the id is looked at."""
    document = shared.request("GET", "/openapi.json")[2]
    accounts = (Account(shared, f"own{i}") for i in range(1000))
    account, vacuous, rows, done = next(accounts), [], 0, set()
    for path, method, operation, name, scheme in matrix(document):
        ends = ends_something(path, method)
        if (ends and (path, method, name) in done) or (KINDS[name] == "address" and re.search(r"Add|Import", operation["operationId"])):
            continue  # an end is tried with one credential only; who adds an address may name any
        done.add((path, method, name))
        missed, found = (ask(account, scheme, build(account, path, method, operation, {name: value})) for value in (missing(name), account.ids[KINDS[name]]))
        rows += 1
        if missed == found:
            vacuous.append((method, path, name, scheme, found))
        if ends and KINDS[name] == "domain":
            account = next(accounts)
        elif ends:
            account.renew(KINDS[name])
    assert not vacuous and rows > 80, vacuous


def test_theirs_is_untouched(two):
    """After the matrix every object of theirs is still there, as it was."""
    theirs = two[1]
    g, t, ids = theirs.gateway, theirs.tenant, theirs.ids
    assert theirs.command("EmailGateway.GetDomain", DomainID=ids["domain"])["Domain"]["DomainName"] == t.domain
    assert str(ids["key"]) in {k["KeyID"] for k in theirs.command("EmailGateway.GetAPIs", DomainID=ids["domain"])["APIKeys"]}
    assert theirs.command("EmailGateway.GetSMTPs", DomainID=ids["domain"])["SMTPs"]
    assert theirs.command("EmailGateway.GetWebhooks", DomainID=ids["domain"])["Webhooks"]
    for path in ("templates/{template}", "lists/{list}", "lists/{list}/subscribers/{subscriber}", "messages/{message}", "list-sends/{list_send}",
                 "imports/{import}", "suppressions/{address}"):
        assert g.request("GET", "/api/v1/" + path.format(**ids), headers={"Authorization": f"Bearer {t.api_key}"})[0] == 200, path


def test_canaries_of_theirs_are_nowhere_in_ours(shared, two):
    ours, theirs = two
    document = shared.request("GET", "/openapi.json")[2]
    before = shared.log.stat().st_size
    said = []
    for path, method, operation in operations(document):
        if method not in ("GET",) and not re.search(r"\.(Get|List|Browse|Stats|Check|Current|Versions|Preview)|Stats|Aggr|Get", path):
            continue
        for scheme in ("userKey", "senderKey"):
            if {scheme: []} in operation["security"]:
                said.append(ask(ours, scheme, build(ours, path, method, operation, {})))
    assert len(said) > 40 and any(b"zqcanary-ours" in a[1] for a in said)
    for status, answer in said:
        assert status < 500 and b"zqcanary-theirs" not in answer, answer
    with open(shared.log, "rb") as log:
        log.seek(before)
        assert b"zqcanary-theirs" not in log.read()
    assert CANARY not in shared.request("GET", "/metrics")[2]


def test_a_tenant_cannot_name_another_in_the_body(shared, two):
    """TN06: account, user and admin members of a body change nothing."""
    ours, theirs = two
    made = ours.command("List.Create", SubscriberListName="mine", UserID=theirs.tenant.user_id, AccountID=theirs.tenant.user_id, account_id=1, role="admin",
                        Account=theirs.tenant.email)
    assert str(made["ListID"]) in json.dumps(ours.command("Lists.Get"))
    assert "mine" not in {row.get("Name") for row in theirs.command("Lists.Get").get("Lists", [])}
    changed = shared.api("User.Update", APIKey=ours.tenant.api_key, UserID=theirs.tenant.user_id, FirstName="Mallory", IsAdmin=True, RelUserGroupID=1)
    assert "Mallory" not in json.dumps(theirs.command("User.Current")), changed
    assert ours.command("User.Current")["UserInfo"].get("IsAdmin") in (None, False)


def test_an_admins_operation_is_closed_to_a_tenant(shared, two):
    document = shared.request("GET", "/openapi.json")[2]
    ours = two[0]
    closed = 0
    for path, method, operation in operations(document):
        if {"adminKey": []} in operation["security"]:
            answer = shared.request(method, path, {**(operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example") or {}),
                                                   "APIKey": ours.tenant.api_key, "AdminAPIKey": ours.tenant.api_key})[2]
            assert answer["Success"] is False and answer["ErrorCode"] == 99998, (path, answer)
            closed += 1
    assert closed >= 8


def test_a_message_of_theirs_is_not_sent_by_a_key_of_ours(two):
    ours, theirs = two
    status, answer = ours.gateway.send(ours.tenant.key, mail(sender=f"x@{theirs.tenant.domain}"))
    assert status == 422 and answer["Errors"][0]["Code"] == 3
