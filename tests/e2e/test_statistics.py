"""Statistics: AccountStats, DailySeries, ListRecipientDomains and RecipientDomainStats with their REST twins say what a naive recount of the
events says, for the account and for a key (P6); how long mail took is measured from when it was to go.

SPDX-License-Identifier: Apache-2.0"""
import collections
import datetime
import json
import time

import pytest

from conftest import World, fresh_database
from gateway import free_port, wait_for
from reports import Caller, gone

TODAY = datetime.datetime.now(datetime.timezone.utc).strftime
COUNTS = {"Sent": 1, "Deferred": 2, "Delivered": 3, "Bounced": 4, "Failed": 5, "Suppressed": 6}
RATES = {"DeliveryRate": ("Delivered", "Sent"), "BounceRate": ("Bounced", "Sent"), "OpenRate": ("Opened", "Delivered"), "ClickRate": ("Clicked", "Delivered")}
BUCKETS = [("< 1s", 1), ("1-5s", 5), ("5-10s", 10), ("10-30s", 30), ("30-60s", 60), ("1-5m", 300), ("5-10m", 600), ("> 10m", float("inf"))]


class Events:
    """What stands in the table, read without any of our code."""

    def __init__(self, gateway):
        rows = gateway.rows("SELECT domain_id, type, at, recipient_domain, detail FROM events")
        Event = collections.namedtuple("Event", "domain type at to detail")
        self.all = [Event(int(d), int(t), int(at), to, json.loads(detail)) for d, t, at, to, detail in rows]

    def counts(self, **where):
        found = [e for e in self.all if all(getattr(e, k) == v for k, v in where.items())]
        counts = {name: sum(e.type == number for e in found) for name, number in COUNTS.items()}
        counts["HardBounced"] = sum(e.type == 4 and e.detail["Bounce"]["Hard"] for e in found)
        counts["SoftBounced"] = counts["Bounced"] - counts["HardBounced"]
        return counts

    def times(self, domain, to, *types):
        """Seconds: of deliveries (3), of bounces and failures that our own dialogue or clock ended (4, 5)."""
        return [e.detail["QueueMs"] / 1000 for e in self.all if e.domain == domain and e.to == to and e.type in types and "QueueMs" in e.detail]


def assert_counts(answer, expected):
    assert {k: answer[k] for k in expected} == expected
    for name, (part, whole) in RATES.items():
        rate = 100 * answer[part] / answer[whole] if answer[whole] else 0
        assert abs(answer[name] - rate) < 0.006, (name, answer)


class Place:
    def __init__(self, world):
        self.world, home = world, free_port()
        world.sink("127.0.0.81")
        tried = set()

        def later(address):
            is_known = address in tried
            tried.add(address)
            return "250 2.1.5 OK" if is_known else "451 4.7.1 come back later"
        world.sink("127.0.0.82", answers=[later] * 20)
        world.sink("127.0.0.83", answers=[lambda a: f"550 5.1.1 <{a}> is unknown"] * 9)
        for name, address in (("good.test", 81), ("slow.test", 82), ("bad.test", 83)):
            world.zone.mx(name, f"127.0.0.{address}")
        self.gateway = world.start(smtp__return_path=f"127.0.0.1:{home}")
        self.shop = self.gateway.tenant("shop.test")
        self.stranger = self.gateway.tenant("stranger.test")
        self.other, self.other_key = self.domain("other.test")
        self.gone, gone_key = self.domain("gone.test")
        for key, sender, to in [(self.shop.key, "shop.test", t) for t in ("a@good.test", "b@good.test", "a@slow.test", "b@slow.test", "a@bad.test", "late@good.test")] + [
                (self.other_key, "other.test", "a@good.test"), (self.other_key, "other.test", "b@bad.test"), (gone_key, "gone.test", "c@good.test"),
                (self.stranger.key, "stranger.test", "a@good.test")]:
            self.gateway.sent(key, to=to, sender=f"news@{sender}")
        self.plan = int(time.time()) + 3
        self.planned = [self.gateway.sent(self.shop.key, to=to, SendAt=self.plan) for to in ("planned@good.test", "planned@slow.test")]
        wait_for(lambda: not self.waiting(), 60, what="the end of all")
        late = next(m for m in world.sinks[0].mails if "late@good.test" in m.recipients)
        with Caller(home) as caller:
            caller.bring(gone("late@good.test"), late.sender)
        wait_for(lambda: Events(self.gateway).counts(domain=self.shop.domain_id)["Bounced"] == 2, what="what came home")
        assert self.call("EmailGateway.DeleteDomain", DomainID=self.gone)["Success"]
        self.events = Events(self.gateway)

    def domain(self, name):
        made = self.gateway.cli_json("domain", "add", name, "--account", self.shop.email)
        self.gateway.cli("domain", "enable", name)
        return int(made["DomainID"]), self.gateway.cli_json("key", "add", "--domain", name)["APIKey"]["Key"]

    def waiting(self):
        return int(self.gateway.rows("SELECT count(*) FROM recipients WHERE state IN (0, 1, 2)")[0][0])

    def call(self, command, **parameters):
        return self.gateway.api(command, APIKey=self.shop.api_key, **parameters)

    def get(self, path, key, **filters):
        query = "&".join(f"{k}={v}" for k, v in filters.items())
        return self.gateway.request("GET", f"/api/v1/stats/{path}?{query}", headers={"Authorization": f"Bearer {key}"})[::2]


@pytest.fixture(scope="module")
def place(request):
    world = World(fresh_database(request))
    try:
        yield Place(world)
    finally:
        world.close()


def test_account_equals_a_recount(place):
    """Deleted domains count too, by name (decisions 16); a stranger's do not."""
    answer = place.call("EmailGateway.AccountStats")
    assert answer["Success"] is True and answer["EndDate"] == TODAY("%Y-%m-%d 23:59:59") and answer["DomainCount"] == 3
    rows = {row["SenderDomain"]: row for row in answer["PerDomain"]}
    assert [r["SenderDomain"] for r in answer["PerDomain"]] == ["shop.test", "other.test", "gone.test"], "most sent first"
    for row in rows.values():
        assert_counts(row, place.events.counts(domain=row["DomainID"]))
    assert rows["gone.test"]["IsDeleted"] is True and rows["shop.test"]["IsDeleted"] is False
    totals = [place.events.counts(domain=row["DomainID"]) for row in rows.values()]
    assert_counts(answer["Totals"], {k: sum(t[k] for t in totals) for k in totals[0]})
    assert answer["ComparisonTotals"]["Sent"] == 0
    assert place.get("account", place.shop.api_key)[1] == {k: v for k, v in answer.items() if k not in ("Success", "ErrorCode")}


def test_account_by_ids_and_by_key(place):
    def names(**more):
        return [row["SenderDomain"] for row in place.call("EmailGateway.AccountStats", **more)["PerDomain"]]
    assert names(DomainIDs=f"{place.other}, {place.gone}") == ["other.test", "gone.test"]
    assert names(DomainIDs=f"{place.other},{place.stranger.domain_id},99999") == ["other.test"], "P6: nothing of others, and no word of them"
    assert names(DomainIDs=str(place.stranger.domain_id)) == []
    for wrong in ("x", "1,,x", "0", "-1", "1;2", ",".join(["1"] * 1001)):
        assert place.call("EmailGateway.AccountStats", DomainIDs=wrong)["ErrorCode"] == 422, wrong
    status, answer = place.get("account", place.other_key)
    assert status == 200 and [r["SenderDomain"] for r in answer["PerDomain"]] == ["other.test"] and answer["Totals"]["Sent"] == 2
    assert place.get("account", place.other_key, DomainIDs=place.shop.domain_id)[1]["PerDomain"] == []


def test_periods(place):
    yesterday = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).strftime("%Y-%m-%d")
    answer = place.call("EmailGateway.AccountStats", StartDate="2026-01-01", EndDate=yesterday)
    assert (answer["StartDate"], answer["EndDate"], answer["Totals"]["Sent"]) == ("2026-01-01 00:00:00", f"{yesterday} 23:59:59", 0)
    assert len(answer["PerDomain"]) == 3 and answer["PerDomain"][0]["Sent"] == 0, "with zeros"
    tomorrow = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%d")
    answer = place.call("EmailGateway.AccountStats", StartDate=tomorrow, EndDate=tomorrow)
    assert answer["Totals"]["Sent"] == 0 and answer["ComparisonTotals"]["Sent"] == 11, "the day before"
    for command in ("AccountStats", "DailySeries", "ListRecipientDomains", "RecipientDomainStats"):
        for wrong in ({"StartDate": "soon"}, {"EndDate": "2026-02-30"}, {"StartDate": "2026-02-02", "EndDate": "2026-02-01"}, {"StartDate": "2999-01-01"}):
            answer = place.call("EmailGateway." + command, DomainID=place.shop.domain_id, RecipientToDomain="good.test", **wrong)
            assert answer["Success"] is False and answer["ErrorCode"] == 422, (command, wrong)


def test_days_equal_a_recount(place):
    day = TODAY("%Y-%m-%d")
    series = place.call("EmailGateway.DailySeries")["Series"]
    totals = [place.events.counts(domain=d) for d in (place.shop.domain_id, place.other, place.gone)]
    assert list(series) == [day], "days without events are left out"
    assert_counts(series[day], {k: sum(t[k] for t in totals) for k in totals[0]})
    one = place.call("EmailGateway.DailySeries", DomainID=place.other)
    assert_counts(one["Series"][day], totals[1])
    assert place.call("EmailGateway.DailySeries", StartDate="2026-01-01", EndDate="2026-01-31")["Series"] == {}
    for domain in (place.stranger.domain_id, 99999, "x"):
        assert place.call("EmailGateway.DailySeries", DomainID=domain)["ErrorCode"] == 2, "P6"
    assert place.call("EmailGateway.DailySeries", StartDate="1990-01-01")["ErrorCode"] == 422
    assert place.get("daily", place.other_key)[1]["Series"] == one["Series"] == place.get("daily", place.shop.api_key, DomainID=place.other)[1]["Series"]
    status, answer = place.get("daily", place.other_key, DomainID=place.shop.domain_id)
    assert (status, answer["Errors"][0]["Code"]) == (404, 2), "a key has one domain"


def test_recipient_domains_equal_a_recount(place):
    answer = place.call("EmailGateway.ListRecipientDomains", DomainID=place.shop.domain_id)
    rows = {r["Domain"]: r for r in answer["RecipientDomains"]}
    assert answer["Limit"] == 50 and [r["Domain"] for r in answer["RecipientDomains"]] == ["good.test", "slow.test", "bad.test"]
    for name, row in rows.items():
        expected = place.events.counts(domain=place.shop.domain_id, to=name)
        took, failed = place.events.times(place.shop.domain_id, name, 3), place.events.times(place.shop.domain_id, name, 4, 5)
        assert (row["Sent"], row["Failed"], row["Sending"]) == (len(took), len(failed), expected["Sent"] - len(took) - len(failed))
        assert_counts({**row, "Sent": row["Accepted"], "Failed": expected["Failed"]}, expected)
        if took:
            assert (row["MinDeliverySec"], row["MaxDeliverySec"]) == (min(took), max(took)) and abs(row["AvgDeliverySec"] - sum(took) / len(took)) < 0.001
        else:
            assert (row["AvgDeliverySec"], row["MinDeliverySec"], row["MaxDeliverySec"]) == (None, None, None)
    assert rows["good.test"]["Bounced"] == 1 and rows["good.test"]["Failed"] == 0, "what came home had been taken"
    assert len(place.call("EmailGateway.ListRecipientDomains", DomainID=place.shop.domain_id, Limit=1)["RecipientDomains"]) == 1
    for limit in (0, 1001, "x"):
        assert place.call("EmailGateway.ListRecipientDomains", DomainID=place.shop.domain_id, Limit=limit)["ErrorCode"] == 422
    assert place.call("EmailGateway.ListRecipientDomains", DomainID=place.shop.domain_id, StartDate="2026-01-01 12:00:00")["ErrorCode"] == 422, "by the day"


def test_delivery_times_equal_a_recount(place):
    for name in ("good.test", "slow.test", "bad.test", "never.test"):
        answer = place.call("EmailGateway.RecipientDomainStats", DomainID=place.shop.domain_id, RecipientToDomain=name.upper())
        for summary, types in zip(answer["SummaryStats"], ((3,), (4, 5))):
            took = place.events.times(place.shop.domain_id, name, *types)
            assert summary["TotalEmails"] == len(took)
            assert summary["MinDeliverySeconds"] == min(took, default=0) and summary["MaxDeliverySeconds"] == max(took, default=0)
            histogram, low = answer["DeliverySpeedHistogram"][summary["Status"]], 0
            assert [b["DeliveryBucket"] for b in histogram] == [b[0] for b in BUCKETS]
            for bucket, (_, high) in zip(histogram, BUCKETS):
                count = sum(low <= t < high for t in took)
                assert bucket["EmailCount"] == count and abs(bucket["Percentage"] - (100 * count / len(took) if took else 0)) < 0.006
                low = high
    assert [s["Status"] for s in answer["SummaryStats"]] == ["Sent", "Failed"]


def test_time_is_measured_from_when_it_was_to_go(place):
    """What waits for its SendAt is not slow, whether it is put off after it or not."""
    for message in place.planned:
        events = place.gateway.events(place.shop.key, MessageID=message)
        delivery = next(e for e in events if e["EventType"] == "delivery")
        at = datetime.datetime.fromisoformat(delivery["EventTimestamp"].replace("Z", "+00:00")).timestamp()
        assert delivery["Details"]["QueueMs"] == round((at - place.plan) * 1000)
    assert "deferred" in [e["EventType"] for e in events]


def test_refusals_of_recipient_domains(place):
    for command in ("ListRecipientDomains", "RecipientDomainStats"):
        assert place.call("EmailGateway." + command)["ErrorCode"] == 1
        for domain in (place.stranger.domain_id, 99999, place.gone):
            assert place.call("EmailGateway." + command, DomainID=domain, RecipientToDomain="good.test")["ErrorCode"] == 2, "P6"
    assert place.call("EmailGateway.RecipientDomainStats", DomainID=place.shop.domain_id)["ErrorCode"] == 1
    assert place.call("EmailGateway.RecipientDomainStats", DomainID=place.shop.domain_id, RecipientToDomain="no domain")["ErrorCode"] == 1


def test_twins_of_recipient_domains(place):
    def bare(answer):
        return {k: v for k, v in answer.items() if k not in ("Success", "ErrorCode")}
    listed = bare(place.call("EmailGateway.ListRecipientDomains", DomainID=place.shop.domain_id))
    assert place.get("recipient-domains", place.shop.key) == (200, listed) == place.get("recipient-domains", place.shop.api_key, DomainID=place.shop.domain_id)
    month = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=29)).strftime("%Y-%m-%d")
    one = bare(place.call("EmailGateway.RecipientDomainStats", DomainID=place.shop.domain_id, RecipientToDomain="slow.test", StartDate=month))
    assert place.get("recipient-domains/slow.test", place.shop.key, StartDate=month) == (200, one)
    for path in ("recipient-domains", "recipient-domains/good.test"):
        status, answer = place.get(path, place.shop.api_key)
        assert (status, answer["Errors"][0]["Code"]) == (422, 1), "an account has several"
        assert place.get(path, place.other_key, DomainID=place.shop.domain_id)[0] == 404, "P6"
        assert place.get(path, "ph_nobody")[0] == 401


def test_the_command_line_shows_them(place):
    rows = place.gateway.cli_json("stats", "account", "--account", place.shop.email)["PerDomain"]
    assert [r["SenderDomain"] for r in rows] == ["shop.test", "other.test", "gone.test"]
    said = place.gateway.cli("stats", "account", "--account", place.shop.email).stdout.decode().splitlines()
    assert said[0].split() == ["SENT", "DELIVERED", "BOUNCED", "OPENED", "CLICKED", "COMPLAINED", "DOMAIN"] and said[1].split()[0] == "8"
    said = place.gateway.cli("stats", "recipients", "--domain", "shop.test").stdout.decode().splitlines()
    assert said[1].split()[-1] == "good.test" and said[3].split()[-1] == "bad.test" and len(said) == 4
