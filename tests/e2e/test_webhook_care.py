"""Looking after webhooks: what the official library of Standard Webhooks says of our calls, keys that replace each other, batches, test
calls, the log, and how whoever was disabled comes back and gets what it missed; by both doors of the API and by the command line.

SPDX-License-Identifier: Apache-2.0"""
import json
import shutil
import signal
import time

import pytest

import npm
from gateway import Gateway, wait_for
from receiver import Receiver, answer, never


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def place(database):
    """A sandbox that may call this machine, with mail of its own."""
    with Gateway(database=database, **{"webhook.allow_private": "yes", "mail.from": "gateway@ops.test"}) as gateway:
        gateway.tenant("ops.test")
        yield gateway
    shutil.rmtree(gateway.folder, ignore_errors=True)


class Shop:
    """A tenant with his webhooks, asked for by his sender key."""

    def __init__(self, gateway, domain="shop.test"):
        self.gateway, self.tenant = gateway, gateway.tenant(domain)

    def ask(self, method, path="", body=None, expect=200):
        status, _, told = self.gateway.request(method, "/api/v1/webhooks" + path, body, {"Authorization": f"Bearer {self.tenant.key}"})
        assert status == expect, (status, told)
        return told

    def hook(self, url, event="send", **more):
        return self.ask("POST", body={"Event": event, "WebhookURL": url, **more})["NewWebhookID"]

    def key(self):
        return self.ask("GET", "/signing-key")["SigningKey"]

    def send(self, count=1, **fields):
        for i in range(count):
            self.gateway.sent(self.tenant.key, sender=f"news@{self.tenant.domain}", to=f"reader{i}@example.org", **fields)


def verdicts(folder, calls):
    """Of each (call, key) why the official library refuses it, "" when it does not."""
    rows = [{"key": key, "headers": {n: v for n, v in call.headers.items() if n.startswith("webhook-")}, "body": call.body.hex()} for call, key in calls]
    return json.loads(npm.run("node", folder / "webhooks.js", cwd=folder, input=json.dumps(rows)))


class Changed:
    """A call, but for what is said."""

    def __init__(self, call, body=None, **headers):
        self.headers = {**call.headers, **{n.replace("_", "-"): v for n, v in headers.items()}}
        self.body = call.body if body is None else body


def test_WH25_the_official_library_verifies_our_calls(place, receiver):
    folder, shop = npm.npm(), Shop(place)
    shop.hook(receiver.url("/one"))
    shop.hook(receiver.url("/many"), BatchSize=3)
    first = shop.key()
    shop.send(7, Subject="Grüße 🎉 <b>\u2028")
    told = lambda path: [e for c in receiver.at(path) for e in (c.json if isinstance(c.json, list) else [c.json])]
    wait_for(lambda: len(told("/one")) == 7 and len(told("/many")) == 7, what="all to be told")
    assert {e["data"]["EventId"] for e in told("/one")} == {e["data"]["EventId"] for e in told("/many")}
    assert all(isinstance(c.json, list) and 1 <= len(c.json) <= 3 for c in receiver.at("/many"))
    calls = list(receiver.calls)
    assert verdicts(folder, [(c, first) for c in calls]) == [""] * len(calls)
    good = calls[0]
    wrong = [Changed(good, body=good.body.replace(b"send", b"open", 1)), Changed(good, webhook_id="evt_1x"),
             Changed(good, webhook_timestamp=str(int(good.headers["webhook-timestamp"]) - 3600)), Changed(good, webhook_signature="v1,AAAA")]
    assert all(verdicts(folder, [(c, first) for c in wrong]))
    assert all(verdicts(folder, [(good, "whsec_" + "A" * 44)]))


def test_WH25_for_a_day_both_keys_verify(place, receiver):
    folder, shop = npm.npm(), Shop(place)
    shop.hook(receiver.url())
    keys = [shop.key()]

    def call():
        before = len(receiver.calls)
        shop.send()
        return wait_for(lambda: receiver.calls[before:], what="the call")[0]

    def rotate(**more):
        made = shop.ask("POST", "/signing-key", more)
        keys.append(made["SigningKey"])
        return made["OldKeyUntil"]

    assert rotate() > time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 86000))
    overlap = call()
    assert verdicts(folder, [(overlap, k) for k in keys]) == ["", ""] and overlap.headers["webhook-signature"].count("v1,") == 2
    assert rotate(EndOld=True) == ""
    leaked = call()
    refused = verdicts(folder, [(leaked, k) for k in keys])
    assert refused[0] and refused[1] and not refused[2] and shop.key() == keys[2]
    said = place.cli("webhook", "new-key", "--domain", "shop.test").stdout.decode()
    assert "The old one signs too until: 20" in said
    assert "old one" not in place.cli("webhook", "new-key", "--domain", "shop.test", "--end-old").stdout.decode()


def test_WH26_one_that_was_disabled_comes_back_and_gets_what_it_missed(place):
    is_gone = True
    with Receiver(respond=lambda call: answer(410 if is_gone else 200)) as receiver:
        shop = Shop(place)
        hook = shop.hook(receiver.url())
        shop.send()
        wait_for(lambda: shop.ask("GET", f"/{hook}")["Webhook"]["Status"] == "Disabled", what="it to be disabled")
        shop.send(4)
        webhook = shop.ask("GET", f"/{hook}")["Webhook"]
        assert "410" in webhook["DisabledReason"] and webhook["DisabledAt"]
        notice = wait_for(lambda: [m for m in place.cli_json("inbox", "list")["Messages"] if m["Subject"] == "A webhook was disabled"], what="the notice")
        text = place.cli("inbox", "show", str(notice[0]["ID"])).stdout.decode()
        assert receiver.url() in text and "410" in text and "owner@shop.test" in text
        shown = place.cli("webhook", "show", hook, "--account", shop.tenant.email).stdout.decode()
        assert f"Webhook {hook}: Disabled" in shown and "Because: It answered 410" in shown
        refused = place.cli("webhook", "replay", hook, "--from", "2020-01-01", "--account", shop.tenant.email, check=False)
        assert refused.returncode == 1 and b"disabled: make it active first" in refused.stderr
        is_gone = False
        events = [e["EventId"] for e in place.events(shop.tenant.key, Event="send")]
        assert len(events) == 5 and len(receiver.calls) == 1
        assert "Active" in place.cli("webhook", "set", hook, "status=active", "--account", shop.tenant.email).stdout.decode()
        assert shop.ask("POST", f"/{hook}/replay", {"EventID": events[0]})["Replayed"] == 1
        wait_for(lambda: len(receiver.calls) == 2, what="one event to be told again")
        said = place.cli("webhook", "replay", hook, "--from", time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400)), "--account", shop.tenant.email)
        assert said.stdout.decode() == "5 are told again.\n"
        wait_for(lambda: len(receiver.calls) == 7, what="the rest")
        assert sorted({c.id for c in receiver.calls}) == sorted(f"evt_{e}" for e in events)  # an event's id is always the same
        wait_for(lambda: len(shop.ask("GET", f"/{hook}/attempts")["Attempts"]) == 7, what="the log of all calls")
        log = shop.ask("GET", f"/{hook}/attempts")["Attempts"]
        assert [a["StatusCode"] for a in log] == [200] * 6 + [410] and log[-1]["Error"] == "it answered 410"
        page = shop.ask("GET", f"/{hook}/attempts?RetrieveCount=2&BeforeID={log[1]['AttemptID']}")["Attempts"]
        assert page == log[2:4]


def test_WH21_a_test_call_tells_what_is_answered(place):
    said = b"<script>alert(1)</script>\x1b[31m\xff" + b"x" * 9000
    with Receiver(respond=lambda call: answer(503, said)) as receiver:
        folder, shop = npm.npm(), Shop(place)
        (place.folder / "headers.json").write_text(json.dumps({"Authorization": "Bearer canary", "X-Shop": "7"}))
        added = place.cli("webhook", "add", receiver.url("/t"), "--domain", "shop.test", "--event", "click,open", "--headers", "headers.json",
                          "--batch", "10").stdout.decode()
        hook = added.split()[1]
        assert f"posthorn webhook test {hook}" in added
        tested = shop.ask("POST", f"/{hook}/test", {"Event": "unsubscribed"})
        assert (tested["IsSuccess"], tested["StatusCode"], tested["Error"]) == (False, 503, "it answered 503")
        assert tested["Response"].startswith("<script>alert(1)</script>\x1b[31m\ufffd") and len(tested["Response"].encode()) < 4096 + 10
        call = receiver.calls[0]
        assert call.json[0]["type"] == "unsubscribe" and call.json[0]["data"]["Details"]["Test"] is True and call.id.startswith("test_")
        assert call.headers["authorization"] == "Bearer canary" and verdicts(folder, [(call, shop.key())]) == [""]
        account = "--account", shop.tenant.email
        tried = place.cli("webhook", "test", hook, *account, check=False)
        assert tried.returncode == 1 and place.cli("webhook", "test", hook, "--json", *account, check=False).returncode == 1
        text = tried.stdout
        assert b"Success: no\nStatus: 503 after " in text and b"\x1b" not in text and receiver.calls[1].json[0]["type"] == "open"
        listed = place.cli("webhook", "attempts", hook, *account).stdout
        assert listed.startswith(b"ID") and listed.count(b"it answered 503") == 3 and b"\x1b" not in listed
        webhook = shop.ask("GET", f"/{hook}")["Webhook"]
        assert webhook["Failures"] == 0 and webhook["Headers"] == {"Authorization": "********", "X-Shop": "********"}
        for table in place.rows("select url, hex(headers_sealed) from webhooks" if not place.options.get("data.url") else
                                "select url, encode(headers_sealed, 'hex') from webhooks"):
            assert b"canary".hex() not in table[1].lower()
        assert b"canary" not in place.log.read_bytes()
        receiver.respond = lambda call: answer(204)
        assert b"Success: yes\nStatus: 204 after " in place.cli("webhook", "test", hook, *account).stdout
        (place.folder / "none.json").write_text("{}")
        shown = place.cli("webhook", "set", hook, "batch=0", "events=bounce", "--headers", "none.json", *account).stdout.decode()
        assert "Events: bounce\n" in shown and "Header fields" not in shown and "Events a call: 0\n" in shown


def test_errors_of_the_command_line_are_sentences(place):
    shop = Shop(place)
    hook = shop.hook("https://hooks.example.com/x")
    account = "--account", shop.tenant.email
    for words, why in [
            (("webhook", "show", "99", *account), "Webhook not found or user does not have permission to access it"),
            (("webhook", "set", hook, "status=paused", *account), "status must be one of Active,Disabled"),
            (("webhook", "set", hook, "batch=1", *account), "batch must be 0, for an event a call, or from 2 to 100"),
            (("webhook", "set", hook, "url=ftp://x.test/", *account), "url is no valid http or https URL"),
            (("webhook", "replay", hook, *account), "name --event ID, or days: --from DATE --to DATE"),
            (("webhook", "replay", hook, "--event", "424242", *account), "There is no such event of the webhook's domain"),
            (("webhook", "replay", hook, "--event", "1", "--from", "2020-01-01", *account), "Name either --event or --from"),
            (("webhook", "replay", hook, "--from", "2021-01-01", "--to", "2020-01-01", *account), "--from is after --to")]:
        refused = place.cli(*words, check=False)
        assert refused.returncode == 1 and why in refused.stderr.decode(), (words, refused.stderr)
    place.stop()
    off = place.cli("webhook", "test", hook, *account, check=False)
    assert off.returncode == 1 and b"by a running gateway alone" in off.stderr
    assert f"Webhook {hook}: Active" in place.cli("webhook", "show", hook, *account).stdout.decode()  # with no server too
    place.start()


def test_P8_test_calls_have_places_and_do_not_hold_the_end_up(database):
    """Two of an account at once; whoever waits for one when the gateway ends is answered."""
    import concurrent.futures
    with Receiver(respond=lambda call: never) as receiver:
        gateway = Gateway(database=database, **{"webhook.allow_private": "yes", "webhook.timeout": "1m"}).start()
        shop = Shop(gateway)
        hook = shop.hook(receiver.url())

        def test():
            return gateway.request("POST", f"/api/v1/webhooks/{hook}/test", {}, {"Authorization": f"Bearer {shop.tenant.key}"})

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(test) for _ in range(2)]
            wait_for(lambda: len(receiver.calls) == 2, what="both to be called")
            status, headers, told = test()
            assert status == 429 and told["Errors"][0]["Code"] == 14
            began = time.monotonic()
            gateway.stop(signal.SIGTERM)
            assert time.monotonic() - began < 20  # not the minute
            assert [w.result()[0] for w in waiting] == [429, 429]
    shutil.rmtree(gateway.folder, ignore_errors=True)
