"""A message's story by one call: in order, in pages, of one recipient or all, what was removed is said; nobody sees another's.

SPDX-License-Identifier: Apache-2.0"""
import shutil

import pytest

from gateway import Gateway, wait_for
from receiver import Receiver

DAY = 86400000


def timeline(gateway, tenant, message, expect=200, **parameters):
    query = "&".join(f"{k}={v}" for k, v in parameters.items())
    status, _, body = gateway.request("GET", f"/api/v1/messages/{message}/timeline?{query}", headers={"Authorization": f"Bearer {tenant.key}"})
    assert status == expect, (status, body)
    return body


def walk(gateway, tenant, message, **parameters):
    """All entries, page by page."""
    entries, cursor = [], ""
    while True:
        page = timeline(gateway, tenant, message, Cursor=cursor, **parameters) if cursor else timeline(gateway, tenant, message, **parameters)
        entries += page["Entries"]
        cursor = page["Cursor"]
        if not cursor:
            return entries
        assert page["Entries"]


def whats(entries):
    return [e["What"] for e in entries]


def test_a_story_from_acceptance_to_bounce(world):
    world.zone.mx("example.net", "127.0.0.1")
    world.sink(answers=["450 4.2.0 later", "250 2.1.5 OK", "550 5.1.1 no such user"])
    with Receiver() as receiver:
        gateway = world.start(webhook__allow_private="yes", delivery__retry="1s")
        tenant = gateway.tenant()
        made = gateway.api("EmailGateway.AddWebhook", APIKey=tenant.api_key, DomainID=tenant.domain_id, Event="delivery", WebhookURL=receiver.url())
        message = gateway.sent(tenant.key, to="late@example.net", Subject="Grüße")
        wait_for(lambda: gateway.rows("select count(*) from hook_attempts") == [("1",)], what="the call")
        story = timeline(gateway, tenant, message)
        entries = story["Entries"]
        assert whats(entries) == ["accepted", "send", "deferred", "delivery"] and story["States"] == {"delivered": 1}
        assert not story["EventsRemoved"] and not story["ContentRemoved"] and story["Cursor"] == "" and story["Subject"] == "Grüße"
        assert "Attempt 1:" in entries[2]["Says"] and '450 4.2.0 "later"' in entries[2]["Says"] and "It waits till" in entries[2]["Says"]
        assert "Attempt 2:" in entries[3]["Says"] and "250" in entries[3]["Says"]
        shown = {e["EventId"]: e["Details"] for e in gateway.events(tenant.key)}
        for e in entries[1:]:
            assert e["Details"].items() <= shown[e["EventId"]].items()
        call = entries[3]["WebhookCalls"]
        assert [(c["WebhookID"], c["Attempt"], c["Code"]) for c in call] == [(made["NewWebhookID"], 1, 200)]
        assert not entries[2]["WebhookCalls"]
        gone = gateway.sent(tenant.key, to="gone@example.net")
        wait_for(lambda: gateway.events_total(tenant.key, Event="bounce") == 1, what="the bounce")
        last = timeline(gateway, tenant, gone)["Entries"][-1]
        assert last["What"] == "bounce" and last["Suppressed"] and "A hard bounce" in last["Says"] and "does not write to" in last["Says"]
        again = gateway.sent(tenant.key, to=[{"email": f"{who}@example.net", "name": who} for who in ("gone", "other")])
        assert any(e["What"] == "suppressed" and "suppressed" in e["Says"] for e in timeline(gateway, tenant, again)["Entries"])
        said = gateway.cli("message", "timeline", gone).stdout.decode()
        assert "More:" not in said and "bounce" in said and "gone@example.net" in said and "no such user" in said


@pytest.fixture
def quiet(database):
    """Its deliveries are paused, so what is sent waits."""
    gateway = Gateway(database=database)
    with gateway:
        gateway.cli("pause")
        yield gateway
    shutil.rmtree(gateway.folder, ignore_errors=True)


def test_p8_many_recipients_come_in_pages_and_say_why_they_wait(quiet):
    tenant = quiet.tenant()
    addresses = [f"u{n}@example.org" for n in range(30)]
    message = quiet.sent(tenant.key, to=[{"email": a, "name": "U"} for a in addresses])
    for size in 1, 7, 60, 61, 500:
        entries = walk(quiet, tenant, message, RetrieveCount=size)
        assert whats(entries) == ["accepted"] + ["send"] * 30 + ["queued"] * 30
        assert sorted(e["Recipient"] for e in entries[1:31]) == sorted(addresses) == sorted(e["Recipient"] for e in entries[31:])
    assert all("Waits" in e["Says"] and "try is due" in e["Says"] for e in entries[31:]) and entries[0]["Says"].endswith("30 recipients.")
    one = walk(quiet, tenant, message, Recipient=addresses[4], RetrieveCount=1)
    assert whats(one) == ["accepted", "send", "queued"] and {e["Recipient"] for e in one[1:]} == {addresses[4]}


def test_what_is_wrong_is_refused(quiet):
    tenant = quiet.tenant()
    message = quiet.sent(tenant.key)
    for cursor in ("x", "e", "e1", "e1-", "e1-2x", "e-1-2", "w", "w-1", "w1x", "e99999999999999999999-1", "e1_2"):
        assert timeline(quiet, tenant, message, 422, Cursor=cursor)["Errors"][0]["Field"] == "Cursor", cursor
    assert timeline(quiet, tenant, message, 422, Recipient="other@example.org")["Errors"][0]["Field"] == "Recipient"
    for count in 0, 501:
        timeline(quiet, tenant, message, 422, RetrieveCount=count)
    timeline(quiet, tenant, "01890a5d-ac96-774b-bcce-b302099a8057", 404)
    said = quiet.api("EmailGateway.MessageTimeline", APIKey=tenant.api_key)
    assert (said["Success"], said["ErrorCode"]) == (False, 1)


def test_p6_another_account_s_message_is_none(quiet):
    mine, other = quiet.tenant("mine.test"), quiet.tenant("other.test")
    message = quiet.sent(mine.key, sender="news@mine.test")
    assert whats(timeline(quiet, mine, message)["Entries"])[0] == "accepted"
    timeline(quiet, other, message, 404)
    for tenant, works in (mine, True), (other, False):
        said = quiet.api("EmailGateway.MessageTimeline", APIKey=tenant.api_key, MessageID=message)
        assert said["Success"] is works and (works or said["ErrorCode"] == 2)


def test_what_was_removed_by_age_is_said(sandbox):
    tenant = sandbox.tenant()
    message = sandbox.sent(tenant.key)
    wait_for(lambda: sandbox.events_total(tenant.key, Event="delivery") == 1, what="the delivery")
    sandbox.sql(f"UPDATE bodies SET created_at = created_at - {31 * DAY}")
    sandbox.cli("store", "prune")
    story = timeline(sandbox, tenant, message)
    assert story["ContentRemoved"] is True and story["EventsRemoved"] is False
    sandbox.sql(f"UPDATE events SET at = at - {401 * DAY} WHERE type = 1")
    sandbox.cli("store", "prune")
    story = timeline(sandbox, tenant, message)
    assert whats(story["Entries"]) == ["accepted", "delivery"] and story["EventsRemoved"] is True
    assert "Events were removed by age: yes" in sandbox.cli("message", "timeline", message).stdout.decode()
