"""The contract's calls in every way in: JSON, form, multipart, query; names in upper and lower case; ids as numbers and as texts. The answer
is the same each time.

SPDX-License-Identifier: Apache-2.0"""
import gzip
import json
import re
import urllib.parse
import uuid

import pytest

from gateway import Gateway, mail
from test_contract import CONTRACT, Place, assert_shape, fresh_database, replaced

READING = [op for op in CONTRACT if re.search(r"\.(Get|DomainStats|AggrEvents)", op["name"])]
MAKING = [op for op in CONTRACT if re.search(r"\.(Add|Update|Reset|Verify|Clear)|POST /api/v1/(email|webhooks)", op["name"])]


@pytest.fixture(scope="module")
def place(request):
    place = Place(fresh_database(request))
    place.smtp_id(), place.webhook_id()
    yield place
    place.close()


def parameters(place, op):
    """(method, path, headers, parameters) of the documented request."""
    curl = replaced(place, op, op["curl"]).replace("\\\n", " ")
    path = re.search(r"https?://[^/]+(/[^\s\"]*)", curl)[1]
    bearer = re.search(r'-H "(Authorization): ([^"]+)"', curl)
    body = json.loads(re.search(r"-d '(\{.*\})'", curl, re.S)[1])
    if "DomainName" in body:
        body["DomainName"] = f"{uuid.uuid4().hex[:12]}.example"
    return re.search(r"-X (\w+)", curl)[1], path, dict([bearer.groups()] if bearer else []), body


def texts(body):
    """For ways that know only texts: structures as JSON, all else as it reads."""
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()}


def multipart(body):
    boundary = uuid.uuid4().hex
    parts = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in texts(body).items())
    return f"{parts}--{boundary}--\r\n", {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def swapped(body):
    return {k: int(v) if isinstance(v, str) and v.isdigit() else str(v) if type(v) is int else v for k, v in body.items()}


JSON_TYPE, FORM_TYPE = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}
WAYS = {
    "json": lambda path, body: (path, json.dumps(body), JSON_TYPE),
    "json called a form": lambda path, body: (path, json.dumps(body), FORM_TYPE),
    "lower case": lambda path, body: (path, json.dumps({k.lower(): v for k, v in body.items()}), JSON_TYPE),
    "upper case": lambda path, body: (path, json.dumps({k.upper(): v for k, v in body.items()}), JSON_TYPE),
    "ids the other way": lambda path, body: (path, json.dumps(swapped(body)), JSON_TYPE),
    "form": lambda path, body: (path, urllib.parse.urlencode(texts(body)), FORM_TYPE),
    "query": lambda path, body: (path + "?" + urllib.parse.urlencode(texts(body)), None, {}),
    "multipart": lambda path, body: (path, *multipart(body)),
    "gzip": lambda path, body: (path, gzip.compress(json.dumps(body).encode()), {**JSON_TYPE, "Content-Encoding": "gzip"}),
}


def call(place, op, way, method=None):
    verb, path, headers, body = parameters(place, op)
    path, data, more = WAYS[way](path, body)
    status, _, answer = place.gateway.request(method or verb, path, data, {**headers, **more})
    assert status == 200 and answer.get("Success", True) is True, (way, status, answer)
    return answer


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("op", [op for op in READING if op["name"].startswith("EmailGateway.")], ids=lambda op: op["name"])
def test_reading_answers_the_same_in_every_way(place, op, way):
    assert call(place, op, way) == call(place, op, "json")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("op", MAKING, ids=lambda op: op["name"])
def test_making_works_in_every_way(place, op, way):
    assert_shape(call(place, op, way), op["answer"])


@pytest.mark.parametrize("op", [op for op in READING if op["name"].startswith("EmailGateway.")], ids=lambda op: op["name"])
def test_a_command_in_the_path_and_by_get(place, op):
    verb, path, headers, body = parameters(place, op)
    expected = call(place, op, "json")
    named = place.gateway.request("POST", f"/api.php/{body.pop('Command')}", body, headers)[2]
    assert named == expected
    assert call(place, op, "query", "GET") == expected


def test_the_command_in_any_case(place):
    answer = place.gateway.api("emailgateway.GETDOMAINS", APIKey=place.owner.api_key)
    assert answer["Success"] is True and answer == place.command("EmailGateway.GetDomains")


def test_errors_with_200_where_a_client_wants_it(request):
    """decisions: [api] v1_errors=always-200 for clients that only read the body."""
    with Gateway(database=fresh_database(request), api__v1_errors="always-200") as gateway:
        shop, closed = gateway.tenant("shop.test"), gateway.tenant("closed.test", enabled=False)
        gateway.cli("group", "add", "one-a-day", "sends_per_day=1")
        gateway.cli("account", "set", shop.email, "group=one-a-day")
        gateway.sent(shop.key)
        gone = {"WebhookID": 1}
        refusals = [
            ("POST", "email", {}, "", [1]), ("POST", "email", {}, "ph_nobody", [13]), ("GET", "webhooks", None, "", [13]),
            ("POST", "email", mail(sender="a@closed.test"), closed.key, [32]), ("POST", "email", {}, shop.key, [3, 8, 9, 20]),
            ("DELETE", "webhooks", gone, shop.key, [4]), ("GET", "events?StartFrom=x", None, shop.key, [4]), ("POST", "email", mail(), shop.key, [17]),
        ]
        for method, path, body, key, codes in refusals:
            status, headers, answer = gateway.request(method, f"/api/v1/{path}", body, {"Authorization": f"Bearer {key}"} if key else {})
            assert (status, [e["Code"] for e in answer["Errors"]]) == (200, codes), (path, status, answer)
        assert int(headers["Retry-After"]) > 1 and headers["RateLimit-Remaining"] == "0", "the day's limit says how long"
