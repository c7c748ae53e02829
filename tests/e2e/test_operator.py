"""The operator at night: what waits and why, decided about by filter; sites, sources and pauses; all by the command line.

SPDX-License-Identifier: Apache-2.0"""
import time

import pytest

from gateway import wait_for

LATER = "451 4.3.0 come back tomorrow"


def waiting(gateway, *filters):
    return gateway.cli_json("queue", "list", *filters)["Queue"]


@pytest.fixture
def night(world):
    """One host that defers for hours, one that takes all."""
    slow = world.sink("127.0.0.60", answers=[LATER] * 1000)
    good = world.sink("127.0.0.61")
    for domain in ("slow.test", "also-slow.test"):
        world.zone.mx(domain, "127.0.0.60")
    world.zone.mx("good.test", "127.0.0.61")
    gateway = world.start(delivery__retry="4h")
    tenant = gateway.tenant("shop.test")
    return world, gateway, tenant, slow, good


def deferred(gateway, tenant, *recipients):
    ids = [gateway.sent(tenant.key, to=to) for to in recipients]
    wait_for(lambda: len([e for e in waiting(gateway) if e["Attempts"] == 1]) >= len(recipients), what="the first tries")
    return ids


def test_P4_why_says_what_is_known(night):
    world, gateway, tenant, slow, good = night
    ids = deferred(gateway, tenant, "a@slow.test", "b@also-slow.test")
    entries = waiting(gateway)
    assert {e["Recipient"] for e in entries} == {"a@slow.test", "b@also-slow.test"}
    entry = next(e for e in entries if e["Recipient"] == "a@slow.test")
    for what in (str(entry["ID"]), ids[0], "a@slow.test"):
        answer = gateway.cli_json("queue", "why", what)
        assert answer["Entry"]["ID"] == entry["ID"] and LATER in answer["Entry"]["Reason"]
        assert answer["Entry"]["Why"] == "It waits for its next try"
        assert LATER in answer["Entry"]["Site"]["LastReply"]
        assert answer["Entry"]["TLS"] == "opportunistic"
    shown = gateway.cli("queue", "why", ids[0]).stdout.decode()
    assert "a@slow.test" in shown and LATER in shown and "Next try: " in shown
    for what, words in (("nobody@slow.test", "Nothing of that name waits"), ("99999", "Nothing of that name"), ("???", "must be the ID")):
        refused = gateway.cli("queue", "why", what, check=False)
        assert refused.returncode != 0 and words in refused.stderr.decode()


def test_OB34_P10_the_dialogue_of_an_attempt_is_kept_without_its_content(night):
    world, gateway, tenant, slow, good = night
    slow.answers[:] = ["550 5.1.1 no \x1b[31muser\x07 <b>here</b>", *[LATER] * 10]
    bounced = gateway.sent(tenant.key, to="a@slow.test", PlainContent="the secret of the day\n")
    wait_for(lambda: "bounce" in gateway.event_types(tenant.key, bounced), what="the bounce")
    waits = deferred(gateway, tenant, "b@slow.test")[0]
    taken = gateway.sent(tenant.key, to="c@good.test")
    wait_for(lambda: "delivery" in gateway.event_types(tenant.key, taken), what="the delivery")
    dialogue = gateway.cli_json("message", "transcript", bounced)["Attempts"][0]["Dialogue"]
    assert "* connecting to" in dialogue and "< 220" in dialogue and "> RCPT TO:<a@slow.test>" in dialogue
    assert "550 5.1.1 no \\x1B[31muser\\x07 <b>here</b>" in dialogue and "secret of the day" not in dialogue
    assert all(line.split(" ", 2)[0].isdigit() and line.split(" ", 2)[1] in "<>*" for line in dialogue.splitlines())
    assert LATER in gateway.cli("message", "transcript", waits).stdout.decode()
    assert LATER in gateway.cli_json("queue", "why", "b@slow.test")["Entry"]["Transcript"]
    assert gateway.cli_json("message", "transcript", taken)["Attempts"] == [], "a delivery costs no row"


def test_what_waits_is_listed_by_filter_and_counted(night):
    world, gateway, tenant, slow, good = night
    other = gateway.tenant("other.test")
    ids = deferred(gateway, tenant, "a@slow.test", "b@slow.test", "c@also-slow.test")
    gateway.sent(other.key, to="d@slow.test", sender="x@other.test")
    later = gateway.sent(tenant.key, to="later@good.test", SendAt=int(time.time()) + 3600)
    wait_for(lambda: len([e for e in waiting(gateway) if e["Attempts"] == 1]) == 4, what="the other's try")

    def of(*filters):
        return sorted(e["Recipient"].split("@")[0] for e in waiting(gateway, *filters))

    assert of() == ["a", "b", "c", "d", "later"]
    assert of("--domain", "slow.test") == ["a", "b", "d"]
    assert of("--sender", "other.test") == ["d"]
    assert of("--sender", "shop.test", "--domain", "slow.test") == ["a", "b"]
    assert of("--message", ids[2]) == ["c"]
    assert of("--recipient", "b@slow.test") == ["b"]
    assert of("--state", "scheduled") == ["later"]
    assert of("--reason", "TOMORROW") == ["a", "b", "c", "d"]
    assert of("--older-than", "1h") == []
    wait_for(lambda: of("--older-than", "1s", "--state", "queued") == ["a", "b", "c", "d"],
             what="a second to pass")
    site = gateway.cli_json("queue", "why", "a@slow.test")["Entry"]["Site"]["Name"]
    assert of("--site", site) == ["a", "b", "d"]
    first = gateway.cli_json("queue", "list", "--limit", "2")
    rest = gateway.cli_json("queue", "list", "--cursor", first["Cursor"])
    assert len(first["Queue"]) == 2 and len(rest["Queue"]) == 3 and rest["Cursor"] == ""
    assert not {e["ID"] for e in first["Queue"]} & {e["ID"] for e in rest["Queue"]}
    top = gateway.cli_json("queue", "top")
    assert top["Total"] == 5 and top["Counts"][0] == {"What": "slow.test", "Count": 3}
    assert "come back tomorrow" in gateway.cli_json("queue", "top", "--by", "reason")["Counts"][0]["What"]
    assert {"What": site, "Count": 3} in gateway.cli_json("queue", "top", "--by", "site")["Counts"]
    assert "slow.test" in gateway.cli("queue", "top").stdout.decode()
    for arguments, words in ((("--sender", "nobody.test"), "No such sender domain"), (("--account", "no@body.test"), "No such account"),
                             (("--older-than", "soon"), "such as 2h"), (("--site", "no.such.site"), "No such site"),
                             (("--cursor", "x"), "begin without one"), (("--message", "0191e3b0-0000-7000-8000-000000000000"), "No such message")):
        refused = gateway.cli("queue", "list", *arguments, check=False)
        assert refused.returncode != 0 and words in refused.stderr.decode(), refused.stderr
    assert later


def test_what_waits_is_held_released_moved_retried_and_cancelled(night):
    world, gateway, tenant, slow, good = night
    deferred(gateway, tenant, "a@slow.test", "b@slow.test", "c@also-slow.test")
    held = gateway.cli_json("queue", "hold", "--domain", "slow.test", "--because", "their host is ill")
    assert (held["Changed"], held["Busy"], held["JobID"]) == (2, 0, "")
    states = {e["Recipient"]: (e["State"], e["Reason"]) for e in waiting(gateway)}
    assert states["a@slow.test"] == ("held", "Held by the operator: their host is ill")
    assert states["c@also-slow.test"][0] == "queued"
    assert "held" in gateway.cli_json("queue", "why", "a@slow.test")["Entry"]["Why"]
    assert gateway.cli_json("queue", "retry", "--domain", "slow.test")["Changed"] == 0
    assert gateway.cli_json("queue", "release", "--recipient", "a@slow.test")["Changed"] == 1
    one = next(e for e in waiting(gateway) if e["Recipient"] == "a@slow.test")
    assert one["State"] == "queued"
    before = len(slow.mails)
    del slow.answers[:]  # they are well again
    assert gateway.cli_json("queue", "retry", str(one["ID"]))["Changed"] == 1
    wait_for(lambda: slow.to("a@slow.test"), what="the entry that was retried")
    third = next(e for e in waiting(gateway) if e["Recipient"] == "c@also-slow.test")
    assert gateway.cli_json("queue", "move", str(third["ID"]), "--in", "1s", "--priority", "bulk")["Changed"] == 1
    wait_for(lambda: slow.to("c@also-slow.test"), what="the entry that was moved")
    assert gateway.cli_json("queue", "cancel", "--state", "held", "--because", "nobody needs it")["Changed"] == 1
    assert waiting(gateway) == [] and len(slow.mails) == before + 2
    event = gateway.events(tenant.key, EventType="failed")[0]
    assert "Cancelled by the operator: nobody needs it" in str(event)
    for arguments, words in (((), "Say which"), (("1", "--all"), "Say which"), (("x1",), "no ID")):
        refused = gateway.cli("queue", "retry", *arguments, check=False)
        assert refused.returncode != 0 and words in refused.stderr.decode(), refused.stderr
    assert "when they are to be tried" in gateway.cli("queue", "move", "--all", check=False).stderr.decode()


def test_many_are_a_job_that_outlives_a_kill(night):
    world, gateway, tenant, slow, good = night
    for _ in range(12):
        gateway.sent(tenant.key, to=[{"email": f"u{i}@good.test", "name": "U"} for i in range(100)], SendAt=int(time.time()) + 3600)
    answer = gateway.cli_json("queue", "hold", "--domain", "good.test")
    assert answer["JobID"] and answer["Changed"] == 0
    gateway.kill()
    gateway.start()
    wait_for(lambda: gateway.cli_json("queue", "jobs")["Jobs"][0]["State"] == "done", what="the job")
    job = gateway.cli_json("queue", "jobs")["Jobs"][0]
    assert (job["Verb"], job["Changed"]) == ("hold", 1200)
    assert gateway.cli_json("queue", "top", "--state", "held")["Total"] == 1200
    assert gateway.cli_json("queue", "cancel", "--all")["JobID"]
    wait_for(lambda: gateway.cli_json("queue", "top")["Total"] == 0, what="the end of all")
    assert "done" in gateway.cli("queue", "jobs").stdout.decode()


def test_a_site_is_paused_over_a_restart_and_goes_on(night):
    world, gateway, tenant, slow, good = night
    gateway.sent(tenant.key, to="first@good.test")
    wait_for(lambda: good.to("first@good.test"), what="the first")
    paused = gateway.cli_json("site", "pause", "good.test", "--because", "they asked us to")
    assert paused["PausedUntil"] == "until resumed"
    gateway.sent(tenant.key, to="second@good.test")
    time.sleep(1)
    assert not good.to("second@good.test")
    why = gateway.cli_json("queue", "why", "second@good.test")["Entry"]["Why"]
    assert "paused until resumed" in why and "they asked us to" in why
    assert "they asked us to" in gateway.cli("sites").stdout.decode()
    gateway.stop()
    gateway.start()
    time.sleep(2)
    assert not good.to("second@good.test")
    assert gateway.cli_json("site", "pauses")["Pauses"][0]["Because"] == "they asked us to"
    gateway.cli("site", "resume", paused["Name"])
    wait_for(lambda: good.to("second@good.test"), what="the second")
    assert gateway.cli_json("site", "pauses")["Pauses"] == []
    refused = gateway.cli("site", "pause", "no.such.site", check=False)
    assert refused.returncode != 0 and "No such site" in refused.stderr.decode()


def test_everything_is_paused_and_a_source_is(night):
    world, gateway, tenant, slow, good = night
    gateway.cli("pause", "--for", "2h", "--because", "maintenance")
    gateway.sent(tenant.key, to="a@good.test")
    time.sleep(1)
    assert not good.mails
    assert "All deliveries are paused" in gateway.cli_json("queue", "why", "a@good.test")["Entry"]["Why"]
    assert "maintenance" in gateway.cli("sites").stdout.decode()
    gateway.cli("resume")
    wait_for(lambda: good.to("a@good.test"), what="the mail")
    source = gateway.cli_json("sources")["Sources"][0]["Name"]
    gateway.cli("source", "pause", source)
    gateway.sent(tenant.key, to="b@good.test")
    time.sleep(1)
    assert not good.to("b@good.test")
    assert source in gateway.cli_json("queue", "why", "b@good.test")["Entry"]["Why"]
    gateway.cli("source", "resume", source)
    wait_for(lambda: good.to("b@good.test"), what="the mail of the source")
    assert gateway.cli("resume", check=False).returncode != 0
    assert gateway.cli("source", "pause", "nobody", check=False).returncode != 0
    assert gateway.cli("decisions").returncode == 0


def test_a_site_that_refuses_our_address_is_shown_though_it_is_idle(world):
    """Who blocks us or slows us down is what an operator looks for; it says which source may do how much, over a restart too."""
    blocked = "550 5.7.1 client host blocked using zen.spamhaus.org"
    world.sink("127.0.0.62", answers=[blocked] * 10)
    world.zone.mx("wall.test", "127.0.0.62")
    gateway = world.start(delivery__retry="4h", **{"source.a.address": "127.0.0.2", "source.new.address": "127.0.0.3", "source.new.pool": "news",
                                                   "source.new.warmup": time.strftime("%Y-%m-%d", time.gmtime())})
    tenant = gateway.tenant("shop.test")
    deferred(gateway, tenant, "a@wall.test")
    gateway.stop()
    gateway.start()
    gateway.sent(tenant.key, to="b@wall.test")
    wait_for(lambda: [e for e in waiting(gateway) if e["Recipient"] == "b@wall.test" and "zen.spamhaus" in e["Reason"]], what="the reason")
    site = next(s for s in gateway.cli_json("sites")["Sites"] if s["Name"].startswith("mx1.wall.test"))
    assert site["Limits"].startswith("a: block until ") and blocked in site["Because"]
    assert "block until" in gateway.cli("sites").stdout.decode()
    assert gateway.cli_json("sources")["Sources"][1]["WarmUp"] == [{"Provider": "(others)", "SentToday": 0, "Ceiling": 50}]
    refused = gateway.cli("site", "pause", "no.such.site", check=False)
    assert "queue hold --domain" in refused.stderr.decode()


def test_P6_an_administrator_asks_and_orders_by_api_and_nobody_else(night):
    world, gateway, tenant, slow, good = night
    deferred(gateway, tenant, "a@slow.test")
    made = gateway.cli_json("account", "create", "--email", "root@shop.test", "--admin", "--password-stdin", stdin="correct horse battery\n")
    asked = gateway.api("Operator.QueueList", AdminAPIKey=made["APIKey"])
    assert asked["Success"] and [e["Recipient"] for e in asked["Queue"]] == ["a@slow.test"]
    assert gateway.api("Operator.Sites", AdminAPIKey=made["APIKey"], Name="slow.test")["Sites"]
    assert gateway.api("Operator.QueueHold", AdminAPIKey=made["APIKey"], Domain="slow.test")["Changed"] == 1
    for credential in ({"APIKey": tenant.api_key}, {"AdminAPIKey": tenant.api_key}, {}):
        for command in ("Operator.QueueList", "Operator.QueueCancel", "Operator.Pause", "Operator.Decisions"):
            assert gateway.api(command, **credential)["Success"] is False, (command, credential)
    assert waiting(gateway)[0]["State"] == "held"
