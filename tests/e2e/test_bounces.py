"""What comes home to the return path by SMTP: bounces, complaints and those who leave become events, states and suppressions, once and on
authentic evidence only (P9); everything else is refused in the dialogue or changes nothing. Cases BN01 to BN25.

SPDX-License-Identifier: Apache-2.0"""
import email
import random
import re
import shutil
import threading
import time

import pytest

import bouncers
from conftest import fresh_database
from gateway import Gateway, free_port, mail, wait_for
from reports import GONE, Caller, arf, dsn, gone, group
from test_signature import dkimpy_results, publish
from zone import Zone

HOSTNAME = "mx.posthorn.test"


class Home:
    """A sandbox gateway with a return-path listener; tests keep apart by tenants of their own."""

    def __init__(self, database=None, **options):
        self.port, self.count = free_port(), 0
        self.gateway = Gateway(database=database, **{"smtp.return_path": f"127.0.0.1:{self.port}", **options}).start()

    def close(self):
        self.gateway.__exit__(None, None, None)
        shutil.rmtree(self.gateway.folder, ignore_errors=True)

    def tenant(self):
        self.count += 1
        return self.gateway.tenant(f"shop{self.count}.test")

    def call(self):
        return Caller(self.port)

    def bring(self, content, *addresses, **more):
        with self.call() as caller:
            return caller.bring(content, *addresses, **more)

    def deliver(self, tenant, to="reader@example.org", **more):
        """A message to one person that was delivered: Sent(id, its return path, who got it, what he got)."""
        message = self.gateway.sent(tenant.key, to=to, sender=f"news@{tenant.domain}", **more)
        wait_for(lambda: "delivery" in self.types(tenant, message), what="the delivery")
        return self.received(tenant, [r for r in self.inbox(tenant) if r["MessageID"] == message][0])

    def inbox(self, tenant):
        """What people got from this sender, newest first."""
        return self.gateway.request("GET", "/api/v1/inbox", headers=bearer(tenant))[2]["Messages"]

    def received(self, tenant, row):
        content = self.gateway.request("GET", f"/api/v1/inbox/{row['ID']}/raw", headers=bearer(tenant))[2]
        return Sent(row["MessageID"], row["EnvelopeFrom"], row["Recipients"][0], content)

    def types(self, tenant, message):
        return self.gateway.event_types(tenant.key, message)

    def event(self, tenant, message, kind):
        found = [e for e in self.gateway.events(tenant.key, MessageID=message) if e["EventType"] == kind]
        assert len(found) == 1, found
        return found[0]

    def suppressed(self, tenant):
        return {(address, int(source)) for address, source in self.gateway.rows(
            f"SELECT s.address, s.source FROM suppressions s JOIN accounts a ON a.id = s.account_id WHERE a.email = '{tenant.email}'")}

    def state(self, message):
        uuid = message.replace("-", "")
        which = f"encode(m.uuid, 'hex') = '{uuid}'" if self.gateway.options.get("data.url") else f"lower(hex(m.uuid)) = '{uuid}'"
        return [int(s) for (s,) in self.gateway.rows(f"SELECT r.state FROM recipients r JOIN messages m ON m.id = r.message_id WHERE {which}")]

    def assert_untouched(self, tenant, sent):
        assert self.types(tenant, sent.id) == ["send", "delivery"]
        assert self.state(sent.id) == [DELIVERED]
        assert self.suppressed(tenant) == set()


def bearer(tenant):
    return {"Authorization": f"Bearer {tenant.key}"}


class Sent:
    def __init__(self, id, path, to, content):
        self.id, self.path, self.to, self.content = id, path, to, content


DELIVERED, BOUNCED = 3, 4
BY_COMPLAINT, BY_BOUNCE, BY_UNSUBSCRIBE = 3, 4, 5


@pytest.fixture(scope="module")
def home(request):
    home = Home(fresh_database(request))
    yield home
    home.close()


# ---- bounces ----
def test_a_bounce_comes_home(home):
    """P3: state, event with reply, class and source, and suppression; the next send to him is refused."""
    tenant = home.tenant()
    sent = home.deliver(tenant)
    assert re.fullmatch(rf"b\+[a-z2-7]{{32}}@mail\.{tenant.domain}", sent.path)
    assert home.bring(gone(sent.to), sent.path) == 250
    assert home.types(tenant, sent.id) == ["send", "delivery", "bounce"]
    details = home.event(tenant, sent.id, "bounce")["Details"]
    assert details["Reply"] == {"Code": 550, "Enhanced": "5.1.1", "Text": "550 5.1.1 No such user here"}
    assert details["Bounce"]["Class"] == "InvalidRecipient" and details["Bounce"]["Hard"] and details["Bounce"]["Source"] == "dsn"
    assert details["MXHost"] == "mx.example.org"
    assert home.state(sent.id) == [BOUNCED]
    assert home.suppressed(tenant) == {(sent.to, BY_BOUNCE)}
    status, answer = home.gateway.send(tenant.key, sender=f"news@{tenant.domain}", to=sent.to)
    assert status != 200 and "14" in str(answer)


def test_BN02_another_final_recipient(home):
    tenant = home.tenant()
    sent, other = home.deliver(tenant), home.deliver(tenant, to="victim@example.org")
    assert home.bring(gone("victim@example.org"), sent.path) == 250
    assert home.state(sent.id) == [BOUNCED] and home.state(other.id) == [DELIVERED]
    assert home.suppressed(tenant) == {(sent.to, BY_BOUNCE)}


def test_BN03_a_thousand_replays(home):
    tenant = home.tenant()
    sent = home.deliver(tenant)
    content, replies = gone(sent.to), []
    while len(replies) < 1000:
        with home.call() as caller:
            replies += [caller.bring(content, sent.path) for _ in range(10)]
    assert replies[:10] == [250] * 10 and set(replies) <= {250, 450}
    assert replies[-1] == 450, "nobody needs an address so often"
    assert home.types(tenant, sent.id) == ["send", "delivery", "bounce"]
    assert home.suppressed(tenant) == {(sent.to, BY_BOUNCE)}


@pytest.mark.parametrize("name,content,sender", [pytest.param(*case, id=case[0]) for case in [
    ("BN04: a sender who could be asked", gone("reader@example.org"), "<mailer-daemon@example.org>"),
    ("BN02: some of several whom his server sent it on to", dsn(group("first@elsewhere.test"), group("second@elsewhere.test")), "<>"),
    ("BN06: full", dsn(group("reader@example.org", status="5.2.2", diagnostic="smtp; 552 5.2.2 Mailbox full")), "<>"),
    ("BN06: policy", dsn(group("reader@example.org", status="5.7.1", diagnostic="smtp; 554 5.7.1 Message refused by policy")), "<>"),
    ("BN06: in vain", dsn(group("reader@example.org", status="4.4.7", diagnostic="smtp; 451 4.4.1 Connection timed out")), "<>"),
    ("BN09: a report of another type", gone("reader@example.org").replace("report-type=delivery-status", "report-type=disposition-notification"), "<>"),
    ("BN09: no report at all", gone("reader@example.org").replace("multipart/report; report-type=delivery-status", "multipart/mixed"), "<>"),
    ("BN08: no code", dsn(group("reader@example.org", status="5.1.1foo")), "<>"),
    ("BN08: no class", dsn(group("reader@example.org", status="9.9.9")), "<>"),
    ("BN09: qmail", "From: MAILER-DAEMON@example.org\nSubject: failure notice\n\nHi. This is the qmail-send program at example.org.\nI'm afraid I "
     "wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
     "<reader@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nSubject: Hello\n\nHello\n", "<>"),
]])
def test_a_failure_that_suppresses_nobody(home, name, content, sender):
    tenant = home.tenant()
    sent = home.deliver(tenant)
    assert home.bring(content, sent.path, sender=sender) == 250
    assert home.types(tenant, sent.id) == ["send", "delivery", "bounce"]
    assert home.state(sent.id) == [BOUNCED]
    assert home.suppressed(tenant) == set()


def nothing_said():
    reader = "reader@example.org"
    yield "BN05: delayed", dsn(group(reader, action="delayed", status="4.2.0"))
    yield "BN05: relayed", dsn(group(reader, action="relayed", status="2.0.0"))
    yield "BN05: delivered", dsn(group(reader, action="delivered", status="2.0.0"))
    yield "BN05: expanded", dsn(group(reader, action="expanded", status="2.0.0"))
    yield "BN10: vacation", f"From: {reader}\nSubject: Out of office Re: Hello\nAuto-Submitted: auto-replied\n\nI am away until Monday.\n"
    yield "BN10: challenge", (f"From: {reader}\nSubject: Please confirm your message\n\nTo deliver your message, please reply to this challenge so "
                              "that your address is added to my whitelist.\n")
    yield "a person", f"From: {reader}\nSubject: Re: Hello\n\nThank you, nice letter!\n"
    yield "nothing", "\n"
    yield "no end", gone(reader).split("Final-Recipient")[0]
    yield "BN07: none of ten thousand groups failed", dsn(*[group(f"r{i}@example.org", action="delayed", status="4.0.0") for i in range(10_000)])
    yield "a bounce within a letter", (f"From: {reader}\nSubject: FW: look\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n--o\n"
                                       f"Content-Type: text/plain\n\nLook at this\n--o\nContent-Type: message/rfc822\n\n{gone(reader)}\n--o--\n")


@pytest.mark.parametrize("name,content", [pytest.param(*case, id=case[0]) for case in nothing_said()])
def test_what_is_no_failure_changes_nothing(home, name, content):
    tenant = home.tenant()
    sent = home.deliver(tenant)
    assert home.bring(content, sent.path) == 250
    home.assert_untouched(tenant, sent)


def test_BN07_ten_thousand_groups(home):
    tenant = home.tenant()
    sent = home.deliver(tenant)
    assert home.bring(dsn(*[group(f"r{i}@example.org", **GONE) for i in range(10_000)]), sent.path) == 250
    assert home.types(tenant, sent.id) == ["send", "delivery", "bounce"]
    assert home.suppressed(tenant) <= {(sent.to, BY_BOUNCE)}


def test_BN14_a_bounce_makes_no_mail(home):
    tenant = home.tenant()
    sent = home.deliver(tenant)
    before = home.gateway.rows("SELECT count(*) FROM messages")
    for sender in ("<>", "<a@example.org>"):
        for content in (gone(sent.to), dsn(), "x", arf()):
            assert home.bring(content, sent.path, "postmaster", f"complaints@{HOSTNAME}", sender=sender) == 250
    assert home.gateway.rows("SELECT count(*) FROM messages") == before


def test_BN18_BN17_hosts_and_letters(home):
    tenant, other = home.tenant(), home.tenant()
    sent = home.deliver(tenant)
    local, host = sent.path.split("@")
    forged = local[:10] + ("a" if local[10] != "a" else "b") + local[11:]
    with home.call() as caller:
        assert caller.rcpt(sent.path.upper()) == 250
        assert caller.rcpt(f"{local}@{HOSTNAME}") == 250
        for wrong in (f"{local}@evil-{host}", f"{local}@{host}.evil.test", f"{local}@evil.{host}", f"{local}@{tenant.domain}",
                      f"{local}@mail.{other.domain}", f"{forged}@{host}", f"u{local[1:]}@{host}", f"{local}a@{host}", f"{local[:-1]}@{host}"):
            assert caller.rcpt(wrong) == 550, wrong
    home.assert_untouched(tenant, sent)


def test_BN15_no_relay(home):
    tenant = home.tenant()
    sent = home.deliver(tenant)
    local, host = sent.path.split("@")
    with home.call() as caller:
        for wrong in ("reader@example.org", f"news@{tenant.domain}", f"reader%example.org@{host}", f"example.org!reader@{host}",
                      f'"reader@example.org"@{host}', f"{local}%{host}@example.org", f"postmaster@{tenant.domain}", "postmaster@example.org"):
            assert caller.rcpt(wrong, sender=f"<news@{tenant.domain}>") == 550, wrong
        assert caller.rcpt(f"@{host}:reader@example.org") in (501, 550, 553)


def test_BN20_TN08_one_accounts_token_is_nothing_to_another(home):
    """BN23: whatever stands in the text, the envelope's token counts."""
    tenants = [home.tenant(), home.tenant()]
    sent = [home.deliver(t) for t in tenants]
    words = f"The message of {sent[1].path} <{sent[1].path}>\nReturn-Path: <{sent[1].path}>\nX-Posthorn-Recipient: {sent[1].path}"
    content = dsn(group(sent[1].to, **GONE), words=words, original=sent[1].content)
    assert home.bring(content, sent[0].path) == 250
    assert home.state(sent[0].id) == [BOUNCED]
    home.assert_untouched(tenants[1], sent[1])
    assert home.bring(arf(original=f"Return-Path: <{sent[1].path}>\n{sent[1].content}"), sent[0].path) == 250
    assert home.types(tenants[0], sent[0].id) == ["send", "delivery", "bounce", "complaint"]
    home.assert_untouched(tenants[1], sent[1])


def test_BN21_after_deletion(home):
    tenant = home.tenant()
    sent = home.deliver(tenant)
    home.gateway.api("EmailGateway.DeleteDomain", APIKey=tenant.api_key, DomainID=tenant.domain_id)
    assert home.bring(gone(sent.to), sent.path) == 550
    assert home.state(sent.id) == [DELIVERED]


def test_BN22_international_and_old_forms(home):
    tenant = home.tenant()
    sent = home.deliver(tenant)
    content = dsn(group("jürgen@example.org", kind="utf-8", status="5.1.1", diagnostic="smtp; 550 5.1.1 Unbekannter Empfänger"),
                  machine_type="message/global-delivery-status", more="Arrival-Date: 23 Nov 26 10:00 GMT\n")
    with home.call() as caller:
        caller.smtp.docmd("MAIL FROM:<> BODY=8BITMIME SMTPUTF8")
        assert caller.smtp.docmd(f"RCPT TO:<{sent.path}>")[0] == 250
        caller.smtp.docmd("DATA")
        caller.smtp.send(content.encode().replace(b"\n", b"\r\n") + b".\r\n")
        assert caller.smtp.getreply()[0] == 250
    assert "Unbekannter Empfänger" in home.event(tenant, sent.id, "bounce")["Details"]["Reply"]["Text"]


def test_BN25_a_flood_of_soft_bounces(home):
    """Many messages to one, all of which came back for reasons that pass: he is written to still."""
    tenant = home.tenant()
    for i in range(20):
        sent = home.deliver(tenant)
        assert home.bring(dsn(group(sent.to, status="4.2.2", diagnostic="smtp; 452 4.2.2 Mailbox full")), sent.path) == 250
        assert home.state(sent.id) == [BOUNCED]
    assert home.suppressed(tenant) == set()


def test_truncated_at_every_part(home):
    """However much of a report came: one event at most, and never anybody else."""
    tenant = home.tenant()
    content = gone("reader@example.org")
    for at in range(0, len(content), 97):
        sent = home.deliver(tenant, to=f"r{at}@example.org")
        assert home.bring(content[:at] or "\n", sent.path) == 250
        assert home.types(tenant, sent.id) in (["send", "delivery"], ["send", "delivery", "bounce"])
    assert home.suppressed(tenant) <= {(f"r{at}@example.org", BY_BOUNCE) for at in range(0, len(content), 97)}


# ---- complaints ----
def test_BN12_a_complaint_comes_home(home):
    tenant, other = home.tenant(), home.tenant()
    sent, theirs = home.deliver(tenant), home.deliver(other)
    for _ in range(3):
        assert home.bring(arf(), sent.path, sender="<fbl@provider.test>") == 250
    assert home.types(tenant, sent.id) == ["send", "delivery", "complaint"]
    assert home.event(tenant, sent.id, "complaint")["Details"]["Complaint"] == {"Type": "abuse", "Reporter": "Feedback/1.0"}
    assert home.state(sent.id) == [DELIVERED]
    assert home.suppressed(tenant) == {(sent.to, BY_COMPLAINT)}
    home.assert_untouched(other, theirs)


@pytest.mark.parametrize("name", ["complaints", "fbl", "abuse"])
def test_BN11_the_original_vouches(home, name):
    """Without a token of ours inside a complaint is nobody's; with it, whoever it names is ours, redacted or not."""
    tenant = home.tenant()
    sent = home.deliver(tenant)
    for original in ("Subject: Hello\n\nHello\n", f"To: {sent.to}\nX-Was: <{sent.path}>\n\nReturn-Path: <{sent.path}>\n",
                     f"Return-Path: <{sent.path.replace('+', '+a')}>\n\n"):
        assert home.bring(arf(original=original, recipient=sent.to), f"{name}@{HOSTNAME}", sender="<fbl@provider.test>") == 250
        home.assert_untouched(tenant, sent)
    redacted = f"Return-Path: <{sent.path}>\n" + sent.content.replace(sent.to, "redacted@redacted.invalid").replace("\r\n", "\n")
    assert home.bring(arf(original=redacted), f"{name}@mail.{tenant.domain}", sender="<fbl@provider.test>") == 250
    assert home.types(tenant, sent.id) == ["send", "delivery", "complaint"]
    assert home.suppressed(tenant) == {(sent.to, BY_COMPLAINT)}


@pytest.mark.parametrize("feedback", ["not-spam", "virus", "auth-failure", "other", "x-new"])
def test_BN13_other_feedback(home, feedback):
    tenant = home.tenant()
    sent = home.deliver(tenant)
    assert home.bring(arf(feedback), sent.path) == 250
    home.assert_untouched(tenant, sent)


# ---- those who leave ----
def unsubscribe_address(sent):
    field = email.message_from_string(sent.content)["List-Unsubscribe"]
    return re.search(r"<mailto:(u\+[a-z2-7]{32}@[a-z0-9.]+)>$", field)[1]  # behind the sandbox's own link


def wants_unsubscribe(home, tenant):
    home.gateway.api("EmailGateway.UpdateDomain", APIKey=tenant.api_key, DomainID=tenant.domain_id, UnsubscribeLink=1)


def test_unsubscribe_by_mail(home):
    tenant, other = home.tenant(), home.tenant()
    assert email.message_from_string(home.deliver(tenant, to="first@example.org").content)["List-Unsubscribe"] is None
    wants_unsubscribe(home, tenant)
    sent, theirs = home.deliver(tenant), home.deliver(other)
    address = unsubscribe_address(sent)
    assert home.bring(gone(sent.to), address) == 250  # P9: a bounce of what somebody else sent in its name is nobody's wish
    home.assert_untouched(tenant, sent)
    assert address.endswith(f"@mail.{tenant.domain}")
    assert home.bring(gone(sent.to), "b" + address[1:]) == 550, "one purpose's token is not the other's"
    for _ in range(3):
        assert home.bring(f"From: {sent.to}\nSubject: unsubscribe\n\n", address, sender=f"<{sent.to}>") == 250
    assert home.types(tenant, sent.id) == ["send", "delivery", "unsubscribe"]
    assert home.suppressed(tenant) == {(sent.to, BY_UNSUBSCRIBE)}
    home.assert_untouched(other, theirs)


def test_who_leaves_a_list_leaves_that_list(home):
    tenant = home.tenant()
    lists = [home.gateway.api("List.Create", APIKey=tenant.api_key, SubscriberListName=name)["ListID"] for name in ("News", "Offers")]
    for number in lists:
        home.gateway.api("Subscriber.Create", APIKey=tenant.api_key, ListID=number, EmailAddress="reader@example.org")
    body = {**mail(sender=f"news@{tenant.domain}"), "TargetListID": lists[0]}
    del body["To"]
    status, answer = home.gateway.send(tenant.key, message=body)
    assert status == 200, answer
    sent = home.received(tenant, wait_for(lambda: home.inbox(tenant), what="the list's message")[0])
    assert home.bring("Subject: unsubscribe\n\n", unsubscribe_address(sent), sender="<reader@example.org>") == 250
    on = {int(n) for (n,) in home.gateway.rows(f"SELECT list_id FROM suppressions WHERE address = 'reader@example.org' AND source = {BY_UNSUBSCRIBE} "
                                               f"AND list_id IN ({lists[0]}, {lists[1]})")}
    assert on == {lists[0]}
    states = home.gateway.rows(f"SELECT list_id, status FROM subscribers WHERE list_id IN ({lists[0]}, {lists[1]}) ORDER BY list_id")
    assert states == [(str(lists[0]), "1"), (str(lists[1]), "0")]
    home.deliver(tenant)  # what is no list's reaches him


# ---- who is in charge ----
@pytest.mark.parametrize("address", ["postmaster", "PostMaster@" + HOSTNAME, "abuse@" + HOSTNAME])
def test_mail_for_the_operator_is_kept(home, address):
    mark = f"help {random.random()}"
    tenant = home.tenant()
    sent = home.deliver(tenant)
    assert home.bring(f"From: a@example.org\nSubject: {mark}\n\nWhat is this?\n", address, sender=f"<{sent.path}>") == 250
    rows = [r for r in home.gateway.cli_json("inbox", "list")["Messages"] if r["Subject"] == mark]
    assert len(rows) == 1 and b"What is this?" in home.gateway.cli("inbox", "raw", str(rows[0]["ID"])).stdout
    assert mark not in str(home.inbox(tenant)), "P6: not even with a tenant's own token as its sender"


def test_metrics_tell(home):
    text = home.gateway.request("GET", "/metrics")[2]
    for name in ("returned", "complaints", "unsubscribes", "reports_ignored"):
        assert int(re.search(rf"^posthorn_{name}_total (\d+)$", text, re.M)[1]) > 0, name


# ---- floods and faults: gateways of their own ----
@pytest.fixture
def place(database):
    place = Home(database)
    yield place
    place.close()


def test_strangers_do_not_fill_the_disk_with_mail_for_the_operator(place):
    """P8: such mail is kept whole, so it counts by its size; a full day's share is answered "later"."""
    content = "Subject: flood\n\n" + ("x" * 900 + "\n") * 9_000
    assert [place.bring(content, "postmaster") for _ in range(3)] == [250, 450, 450]
    assert int(place.gateway.rows("SELECT sum(length(content)) FROM inbox")[0][0]) < 10_000_000


def test_BN01_BN16_a_flood_of_forged_addresses(place):
    """A guess is refused before any database, again and again, and soon with "later"; a true bounce comes through meanwhile."""
    tenant = place.tenant()
    sent = place.deliver(tenant)
    letters, replies = "abcdefghijklmnopqrstuvwxyz234567", []
    rand = random.Random(7)
    for _ in range(40):
        with place.call() as caller:
            replies += [caller.rcpt("b+" + "".join(rand.choice(letters) for _ in range(32)) + f"@mail.{tenant.domain}") for _ in range(10)]
    assert set(replies) == {550, 450} and replies[:20] == [550] * 20 and replies[-1] == 450
    assert place.bring(gone(sent.to), sent.path) == 250
    assert place.types(tenant, sent.id) == ["send", "delivery", "bounce"]


def test_BN24_kill_between_parse_and_commit(place):
    """Whatever the moment: a report that was not answered comes again, and counts once."""
    tenant = place.tenant()
    rand, ends = random.Random(11), []
    for round in range(8):
        sent = [place.deliver(tenant, to=f"r{round}-{i}@example.org") for i in range(4)]
        answers = [None] * len(sent)

        def bring(i):
            try:
                answers[i] = place.bring(gone(sent[i].to), sent[i].path)
            except Exception:  # the connection died with the gateway
                pass

        threads = [threading.Thread(target=bring, args=(i,)) for i in range(len(sent))]
        for t in threads:
            t.start()
        time.sleep(rand.random() * 0.02)
        place.gateway.kill()
        for t in threads:
            t.join()
        place.gateway.start()
        for i, one in enumerate(sent):
            if answers[i] == 250:
                assert place.state(one.id) == [BOUNCED], "P7: 250 means that it is written"
            ends.append(answers[i])
            assert place.bring(gone(one.to), one.path) == 250
            assert place.types(tenant, one.id) == ["send", "delivery", "bounce"]
    assert place.suppressed(tenant) == {(f"r{round}-{i}@example.org", BY_BOUNCE) for round in range(8) for i in range(4)}


def test_BN21_before_the_delivery_is_known(world):
    """The last answer was lost, the message was not: its bounce has to come again once we know how it ended."""
    sink = world.sink(final=["451 4.3.0 not yet"])
    world.zone.mx("example.org", "127.0.0.1")
    port = free_port()
    gateway = world.start(smtp__return_path=f"127.0.0.1:{port}", delivery__retry="2s")
    tenant = gateway.tenant("shop.test")
    message = gateway.sent(tenant.key, to="reader@example.org")
    wait_for(lambda: "deferred" in gateway.event_types(tenant.key, message), what="the first try")
    path = sink.senders[0]
    with Caller(port) as caller:
        assert caller.bring(gone("reader@example.org"), path) == 451
        assert gateway.event_types(tenant.key, message) == ["send", "deferred"]
        wait_for(lambda: "delivery" in gateway.event_types(tenant.key, message), what="the delivery")
        assert caller.bring(gone("reader@example.org"), path) == 250
    assert gateway.event_types(tenant.key, message) == ["send", "deferred", "delivery", "bounce"]


def test_list_unsubscribe_is_signed_and_stays(world):
    """The field is part of the signature, and of what a retry sends, whatever the settings are by then."""
    sink = world.sink(answers=["451 4.7.1 later"])
    world.zone.mx("example.org", "127.0.0.1")
    gateway = world.start(delivery__retry="2s")
    tenant = gateway.tenant("shop.test")
    publish(world.zone, tenant)
    gateway.api("EmailGateway.UpdateDomain", APIKey=tenant.api_key, DomainID=tenant.domain_id, UnsubscribeLink=1)
    message = gateway.sent(tenant.key, to="reader@example.org")
    wait_for(lambda: "deferred" in gateway.event_types(tenant.key, message), what="the first try")
    gateway.api("EmailGateway.UpdateDomain", APIKey=tenant.api_key, DomainID=tenant.domain_id, UnsubscribeLink=0)
    wait_for(lambda: sink.mails, what="the mail")
    content = sink.mails[0].content
    assert content.count(b"List-Unsubscribe: <mailto:u+") == 1
    assert dkimpy_results(content, world.zone) == {"rsa": True, "ed25519": True}
    assert dkimpy_results(content.replace(b"<mailto:u+", b"<mailto:x+"), world.zone) == {"rsa": False, "ed25519": False}


@pytest.mark.parametrize("server", [bouncers.Postfix, bouncers.Exim], ids=lambda server: server.__name__.lower())
@pytest.mark.parametrize("refusal,kind,is_suppressed", [
    ("550 5.1.1 <gone@example.org>: Recipient address rejected: User unknown", "InvalidRecipient", True),
    ("552 5.2.2 Mailbox is full", "QuotaIssues", False),
])
def test_a_real_servers_bounce(world, server, refusal, kind, is_suppressed):
    """It took the message, and its next hop did not."""
    world.sink(answers=[refusal] * 10)
    port = free_port()
    with server(world.port, port, "mail.shop.test") as running:
        gateway = world.start(smtp__return_path=f"127.0.0.1:{port}", delivery__smarthost=f"127.0.0.1:{running.port}")
        tenant = gateway.tenant("shop.test")
        message = gateway.sent(tenant.key, to="gone@example.org")
        wait_for(lambda: "bounce" in gateway.event_types(tenant.key, message), what="the bounce")
    assert gateway.event_types(tenant.key, message) == ["send", "delivery", "bounce"]
    details = [e for e in gateway.events(tenant.key, MessageID=message) if e["EventType"] == "bounce"][0]["Details"]
    assert details["Bounce"]["Class"] == kind and details["Bounce"]["Source"] == "dsn"
    assert details["Reply"]["Code"] == int(refusal[:3]) and details["Reply"]["Enhanced"] == refusal[4:9]
    assert gateway.rows("SELECT address, source FROM suppressions") == ([("gone@example.org", str(BY_BOUNCE))] if is_suppressed else [])
