"""Who submits by SMTP and asks for it is told by mail what became of it (RFC 3461, RFC 3464), once, and of nothing else; an operator's own bounce
rules count at once when SIGHUP says so.

SPDX-License-Identifier: Apache-2.0"""
import email
import email.policy
import signal
import smtplib
import uuid

import pytest

from clients import HOST
from conftest import fresh_database
from gateway import wait_for
from reports import Caller, gone
from submission import Place

SENDER = "ann@shop.test"
LETTER = (b"From: Ann <ann@shop.test>\r\nTo: %s\r\nSubject: An invoice\r\nMessage-ID: <%s@shop.test>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n"
          b"Please pay.\r\n")


@pytest.fixture(scope="module")
def place(request):
    found = Place(fresh_database(request))
    yield found
    found.close()


def submit(place, *notify, mail=("RET=FULL", "ENVID=QQ+2B1")):
    """A letter to somebody new; who that is."""
    to = f"{uuid.uuid4().hex[:12]}@example.org"
    with smtplib.SMTP_SSL(HOST, place.way["tls"].port, context=place.way["tls"].context()) as smtp:
        smtp.login(place.user, place.password)
        smtp.sendmail(SENDER, [to], LETTER % (to.encode(), uuid.uuid4().hex.encode()), mail_options=mail, rcpt_options=notify)
    return to


def raw_reports_on(place, recipient):
    return [raw for raw in place.inbox(SENDER) if f"; {recipient}".encode() in raw]


def reports_on(place, recipient):
    """What Ann was told about him."""
    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in raw_reports_on(place, recipient)]


def path_of(place, recipient):
    rows = wait_for(lambda: [r for r in place.gateway.cli_json("inbox", "list", "--limit", "100")["Messages"] if recipient in r["Recipients"]])
    return rows[0]["EnvelopeFrom"]


def test_a_relay_is_told(place):
    to = submit(place, "NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;bob+2Bx@example.org")
    report, = wait_for(lambda: reports_on(place, to), what="the report")
    assert report.get_content_type() == "multipart/report" and report.get_param("report-type") == "delivery-status"
    assert report["From"] == "Mail Delivery System <mailer-daemon@mail.shop.test>" and report["To"] == SENDER
    assert report["Auto-Submitted"] == "auto-replied"
    words, status, original = report.iter_parts()
    assert "was handed over" in words.get_content()
    about_all, about_him = status.get_payload()
    assert about_all["Original-Envelope-Id"] == "QQ+1"
    assert about_him["Action"] == "relayed" and about_him["Final-Recipient"] == f"rfc822; {to}"
    assert about_him["Original-Recipient"] == "rfc822;bob+x@example.org" and about_him["Status"].startswith("2.")
    assert original.get_content_type() == "text/rfc822-headers", "RET=FULL is for failures"
    place.assert_signed(raw_reports_on(place, to)[0])
    rows = place.gateway.rows("SELECT count(*) FROM messages WHERE is_report = 1 AND envelope_from = ''")
    assert int(rows[0][0]) == 1


def test_P3_a_bounce_that_comes_home_is_told_once(place):
    to = submit(place, "NOTIFY=FAILURE")
    path = path_of(place, to)
    for _ in range(2):
        with Caller(place.way["public"].port) as caller:
            assert caller.bring(gone(to), path) == 250
    report, = wait_for(lambda: reports_on(place, to), what="the report")
    _, status, original = report.iter_parts()
    assert status.get_payload()[1]["Action"] == "failed" and status.get_payload()[1]["Status"] == "5.1.1"
    assert original.get_content_type() == "message/rfc822" and "Please pay." in original.as_string()


def test_nobody_hears_of_what_he_did_not_ask_for(place):
    asked = [submit(place), submit(place, "NOTIFY=NEVER"), submit(place, "NOTIFY=FAILURE"), submit(place, "NOTIFY=DELAY")]
    last = submit(place, "NOTIFY=SUCCESS")
    wait_for(lambda: reports_on(place, last), what="the report")
    for to in asked[:2]:
        with Caller(place.way["public"].port) as caller:
            assert caller.bring(gone(to), path_of(place, to)) == 250
    other = submit(place, "NOTIFY=SUCCESS")
    wait_for(lambda: reports_on(place, other), what="the report")
    assert [reports_on(place, to) for to in asked] == [[]] * 4


def test_bounce_rules_are_read_anew(request, tmp_path):
    rules = tmp_path / "rules.conf"
    rules.write_text("QuotaIssues  *  5.1.1  *  *  # whatever they call it\n")
    place = Place(fresh_database(request), delivery__bounce_rules=str(rules))
    try:
        def class_of_bounce():
            to = submit(place)
            with Caller(place.way["public"].port) as caller:
                assert caller.bring(gone(to), path_of(place, to)) == 250
            bounces = [e for e in place.gateway.events(place.tenant.key) if e["EventType"] == "bounce" and e["Recipient"] == to]
            return bounces[0]["Details"]["Bounce"]["Class"]

        def reload(text):
            log = len(place.gateway.log.read_text().split("event=app.reload"))
            rules.write_text(text)
            place.gateway.process.send_signal(signal.SIGHUP)
            wait_for(lambda: len(place.gateway.log.read_text().split("event=app.reload")) >= log + 3, what="the reload")

        assert class_of_bounce() == "QuotaIssues"
        reload("Nonsense\n")
        assert f"{rules}:1: no such class" in place.gateway.log.read_text()
        assert class_of_bounce() == "QuotaIssues"
        reload("")
        assert class_of_bounce() == "InvalidRecipient"
    finally:
        place.close()


def test_wrong_bounce_rules_are_a_wrong_configuration(tmp_path, request):
    rules = tmp_path / "rules.conf"
    rules.write_text("\nSpamBlock 55 * * x\n")
    place = Place(fresh_database(request))
    try:
        place.gateway.stop()
        place.gateway.options["delivery.bounce_rules"] = str(rules)
        out = place.gateway.cli("bounce", "classify", "550 x", check=False)
        assert out.returncode and f"{rules}:2: expected a code" in out.stderr.decode()
        del place.gateway.options["delivery.bounce_rules"]
        place.gateway.start()
    finally:
        place.close()
