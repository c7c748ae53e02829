"""What may be submitted by SMTP, by whom and how often; what becomes of it (AU10-AU19, AD11-AD15, HI16, LM03-LM11, TN03, P1, P6, P10).

SPDX-License-Identifier: Apache-2.0"""
import smtplib
import time

import pytest

from gateway import Gateway, free_port, wait_for

HOST = "127.0.0.1"


class Place:
    def __init__(self, **options):
        self.port, self.trusted_port = free_port(), free_port()
        self.gateway = Gateway(**{"smtp.listen": f"{HOST}:{self.port}", "smtp.auth_without_tls": "loopback", **options}).start()
        self.tenant = self.gateway.tenant("shop.test")
        self.user = self.add_user()

    def add_user(self, **fields):
        return self.gateway.api("EmailGateway.AddSMTP", APIKey=self.tenant.api_key, DomainID=self.tenant.domain_id, **fields)["SMTP"]

    def session(self, user=None, login=True):
        smtp = smtplib.SMTP(HOST, self.port, timeout=60)
        smtp.ehlo("client.test")
        user = user or self.user
        if login:
            smtp.login(user["Username"], user["Password"])
        return smtp

    def submit(self, content, to="reader@example.org", sender="news@shop.test", user=None, login=True, options=(), rcpt_options=()):
        """(code, text) of the first refusal, or of the end."""
        with self.session(user, login) as smtp:
            code, text = smtp.mail(sender, options)
            for recipient in [to] if isinstance(to, str) else to:
                if code == 250:
                    code, text = smtp.rcpt(recipient, rcpt_options)
            if code == 250:
                code, text = smtp.data(content)
            return code, text.decode()

    def taken(self, content, **how):
        """The message's id."""
        code, text = self.submit(content, **how)
        assert code == 250 and "2.0.0 Ok: queued as " in text, (code, text)
        return text.rpartition(" ")[2]

    def inbox(self, message):
        def rows():
            return [row for row in self.gateway.cli_json("inbox", "list", "--limit", "100")["Messages"] if row["MessageID"] == message]
        return [(row, self.gateway.cli("inbox", "raw", str(row["ID"])).stdout) for row in wait_for(rows, what="the mail")]

    def message(self, message):
        status, _, body = self.gateway.request("GET", f"/api/v1/messages/{message}", headers={"Authorization": f"Bearer {self.tenant.key}"})
        assert status == 200
        return body["Message"]

    def close(self):
        self.gateway.__exit__(None, None, None)


@pytest.fixture(scope="module")
def place():
    place = Place()
    yield place
    place.close()


def letter(fields="", body="Hello\r\n", sender="news@shop.test", to="reader@example.org"):
    return f"From: {sender}\r\nTo: {to}\r\nSubject: Hi\r\n{fields}\r\n{body}".encode()


def names(content):
    return [line.partition(b":")[0] for line in content.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] not in b" \t"]


def test_hi16_the_bytes_go_out_as_they_came(place):
    kept = (b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMESSAGE-ID:<own@shop.test>\r\nFrom:\r\n News  <news@shop.test>\r\nX-Odd:  a \r\n\tb\t\r\n"
            b"To: undisclosed (a comment)\r\n\r\n.dot\r\n\r\n \x80\xff\r\n")
    sent = kept.replace(b"X-Odd", b"Bcc: secret@example.org,\r\n other@example.org\r\nX-Odd").replace(b"To:", b"Return-Path: <x@y.test>\r\nX-Posthorn-TTL: 600\r\nTo:")
    row, content = place.inbox(place.taken(sent, options=["BODY=8BITMIME"]))[0]
    assert content.endswith(kept), content
    before = content[:-len(kept)]
    assert {name.lower() for name in names(before)} <= {b"dkim-signature", b"received"} and b"secret" not in content
    received = before[before.index(b"Received: by "):]
    assert b"with ESMTPA id " + row["MessageID"].encode() in received and b"127.0.0.1" not in received and b"client.test" not in received


def test_what_is_missing_is_put_in(place):
    user = place.add_user(FromEmail="shop@shop.test", FromName="The Shop", ReplyToEmail="help@elsewhere.test")
    _, content = place.inbox(place.taken(b"Subject: Hi\r\n\r\nHello\r\n", user=user))[0]
    assert {b"Date", b"Message-ID", b"From", b"Reply-To"} <= set(names(content))
    assert b"From: The Shop <shop@shop.test>\r\n" in content and b"Reply-To: help@elsewhere.test\r\n" in content
    code, text = place.submit(b"Subject: Hi\r\n\r\nHello\r\n")
    assert (code, text[:5]) == (550, "5.7.1") and "From is missing" in text


def test_options_are_those_of_the_api(place):
    message = place.taken(letter('X-Posthorn-Tags: red, green\r\nX-Posthorn-Metadata: {"Order": "7"}\r\nx-posthorn-track-opens: no\r\n'
                                 'X-Posthorn-TTL: 3600\r\nX-Posthorn-Track-Links: YES\r\n'))
    seen = place.message(message)
    assert seen["Tags"] == ["red", "green"] and seen["Metadata"] == {"TrackLinks": True, "TrackOpens": False, "Order": "7"}
    assert seen["SMTPID"] == place.user["SMTPID"] and seen["KeyID"] == ""
    assert b"posthorn-" not in place.inbox(message)[0][1].lower()
    later = place.taken(letter(f"X-Posthorn-Send-At: {int(time.time()) + 3600}\r\n"))
    assert place.message(later)["Recipients"][0]["State"] == "scheduled"
    for fields, why in [("X-Posthorn-Foo: 1\r\n", "X-Posthorn-Foo is not an option"), ("X-Posthorn-TTL: 1\r\n", "X-Posthorn-TTL must be"),
                        ("X-Posthorn-Metadata: {\r\n", "X-Posthorn-Metadata is no JSON"), ("X-Posthorn-Template: 99\r\n", "no template 99")]:
        code, text = place.submit(letter(fields))
        assert (code, text[:5]) == (550, "5.6.0") and why in text, text


def test_a_template_gives_the_content(place):
    made = place.gateway.api("UserEmailTemplate.Create", APIKey=place.tenant.api_key, Name="welcome", Subject="Hi {{Name}}",
                             HTMLContent="<p>Dear {{Name}}, {{Email}}</p>", PlainContent="Dear {{Name}}")
    content = f'From: news@shop.test\r\nTo: reader@example.org\r\nX-Posthorn-Template: {made["EmailID"]}\r\nX-Posthorn-Data: {{"Name": "<Jane>"}}\r\n\r\nnot this\r\n'
    _, got = place.inbox(place.taken(content.encode()))[0]
    assert b"Subject: Hi <Jane>\r\n" in got and b"Dear &lt;Jane&gt;, reader@example.org" in got and b"not this" not in got
    assert b"multipart/alternative" in got


def test_tn03_an_idempotency_key_sends_once(place):
    content = letter("X-Posthorn-Idempotency-Key: order-7\r\n")
    first = place.taken(content)
    assert place.taken(content) == first
    code, text = place.submit(letter("X-Posthorn-Idempotency-Key: order-7\r\n", "Other\r\n"))
    assert (code, text[:5]) == (554, "5.5.0"), text
    assert place.taken(content, user=place.add_user()) != first


def test_au19_senders_are_of_the_domain(place):
    place.taken(letter(sender="a@news.shop.test"), sender="b@bounces.shop.test")
    place.taken(letter(), sender="")
    code, text = place.submit(letter(), sender="news@bank.test")
    assert (code, text[:5]) == (550, "5.7.1") and "bank.test" in text and "shop.test" in text
    for content in [letter(sender="ceo@bank.test"), letter("Sender: ceo@bank.test\r\n"), letter("Resent-From: ceo@bank.test\r\n"),
                    letter("From: news@shop.test\r\n"), letter(sender="news@shop.test, ceo@shop.test"),
                    letter(sender="ceo@bank.test <news@shop.test>"), letter(sender="<ceo@bank.test> <news@shop.test>")]:
        code, text = place.submit(content)
        assert (code, text[:5]) == (550, "5.7.1"), (content, text)


def test_headers_have_one_form(place):
    for content, code, enhanced in [
        (b"From: news@shop.test\r\nno colon\r\n\r\nx\r\n", 550, "5.6.0"),                            # LM11
        (b"From : news@shop.test\r\n\r\nx\r\n", 550, "5.6.0"),
        (b" From: news@shop.test\r\n\r\nx\r\n", 550, "5.6.0"),
        (letter("".join(f"X-A{i}: b\r\n" for i in range(1000))), 552, "5.3.4"),                          # LM04
        (letter("X-Long: " + "\r\n ".join(["y" * 900] * 120) + "\r\n"), 552, "5.3.4"),                 # LM03, LM06
        (letter("".join("Received: from a by b; c\r\n" for _ in range(51))), 554, "5.4.6"),             # LM10
        ("From: news@shop.test\r\nSubject: Größe\r\n\r\nx\r\n".encode(), 550, "5.6.7"),                # AD02
        (b"From: news@shop.test\r\nSubject: a\x00b\r\n\r\nx\r\n", 550, "5.6.0"),                        # AD01
    ]:
        got, text = place.submit(content)
        assert (got, text[:5]) == (code, enhanced), (content[:80], text)
    place.taken("From: news@shop.test\r\nSubject: Größe\r\n\r\nx\r\n".encode(), options=["SMTPUTF8", "BODY=8BITMIME"])


def test_lm05_a_hundred_thousand_addresses_cost_nothing(place):
    place.taken(letter("Cc: " + ",\r\n ".join(["a@y.test"] * 8000) + "\r\n"))
    code, text = place.submit(letter("Cc: " + ",\r\n ".join(["a@y.test"] * 100000) + "\r\n"))
    assert (code, text[:5]) == (552, "5.3.4")


def test_ad11_recipients_are_addresses_on_the_internet(place):
    for recipient, enhanced in [("a@[127.0.0.1]", "5.1.2"), ("a@[IPv6:::1]", "5.1.2"), ("a@localhost", "5.1.2"), ("a@host", "5.1.2"),
                                ("a@x.invalid", "5.1.2"), ("a@1.2.3.4", "5.1.2"), ("=?utf-8?q?a?=@example.org", "5.1.3")]:
        code, text = place.submit(letter(), to=recipient)
        assert code in (550, 501, 553) and text.startswith(("5.1.2", "5.1.3", "5.5.4")), (recipient, code, text)
        assert code != 550 or text[:5] == enhanced, (recipient, text)
    assert place.message(place.taken(letter(), to="Reader@EXAMPLE.org"))["Recipients"][0]["Recipient"] == "Reader@example.org"


def test_what_a_client_asks_of_its_dsn_is_kept(place):
    message = place.taken(letter(), options=["RET=HDRS", "ENVID=QQ314159"], rcpt_options=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Reader@example.org"])
    raw = message.replace("-", "")
    rows = place.gateway.rows("SELECT m.envelope_from, m.dsn_return, m.dsn_envid, r.dsn_notify, r.dsn_orcpt FROM messages m JOIN recipients r "
                              f"ON r.message_id = m.id WHERE hex(m.uuid) = '{raw.upper()}'")
    assert rows == [("news@shop.test", "2", "QQ314159", "6", "rfc822;Reader@example.org")]


def test_suppressed_recipients_get_nothing(place):
    place.gateway.api("Suppression.Add", APIKey=place.tenant.api_key, EmailAddress="gone@example.org")
    code, text = place.submit(letter(), to="gone@example.org")
    assert (code, text[:5]) == (550, "5.7.1") and "gone@example.org" in text
    message = place.taken(letter(), to=["gone@example.org", "here@example.org"])
    states = {r["Recipient"]: r["State"] for r in place.message(message)["Recipients"]}
    assert states["gone@example.org"] == "suppressed" and states["here@example.org"] != "suppressed"


def test_events_name_the_smtp_user(place):
    message = place.taken(letter())
    events = wait_for(lambda: [e for e in place.gateway.events(place.tenant.key, MessageID=message) if e["EventType"] == "delivery"], what="the delivery")
    assert events[0]["Details"]["SMTPID"] == place.user["SMTPID"]


def test_p10_one_line_for_each_mail_and_no_secret(place):
    message = place.taken(letter(body="the content nobody logs\r\n"))
    log = place.gateway.log.read_text()
    line, = [line for line in log.splitlines() if f'id={message}' in line and "smtpd.accepted" in line]
    assert f"user={place.user['Username']}" in line and "recipients=1" in line
    assert place.user["Password"] not in log and "nobody logs" not in log


def refused(smtp):
    with pytest.raises(smtplib.SMTPAuthenticationError) as found:
        smtp.auth("PLAIN", smtp.auth_plain)
    return found.value.smtp_code, found.value.smtp_error


def test_au11_guesses_do_not_lock_the_owner_out():
    place = Place()
    try:
        answers = set()
        for i in range(24):
            smtp = place.session(login=False)
            smtp.user, smtp.password = (place.user["Username"] if i % 2 else "nobody@shop.test"), "wrong"
            answers.add(refused(smtp))
            smtp.close()
        assert answers == {(535, b"5.7.8 User name or password is wrong")}  # AU10
        assert "slowed=1" in place.gateway.log.read_text()  # AU13: a new connection is no new beginning
        assert place.taken(letter())
        assert "nobody@shop.test" not in place.gateway.log.read_text()
    finally:
        place.close()


def test_au18_what_changes_counts_at_the_next_mail(place):
    def after(change, undo=None):
        user = place.add_user()
        with place.session(user) as smtp:
            assert smtp.mail("news@shop.test")[0] == 250
            smtp.rset()
            change(user)
            code, text = smtp.mail("news@shop.test")
        if undo:
            undo()
        return code, text.decode()
    g, key = place.gateway, place.tenant.api_key
    assert "deleted or has another password" in after(lambda u: g.api("EmailGateway.DeleteSMTP", APIKey=key, smtpid=u["SMTPID"]))[1]
    assert "deleted or has another password" in after(lambda u: g.api("EmailGateway.ResetSMTPPassword", APIKey=key, smtpid=u["SMTPID"]))[1]
    code, text = after(lambda u: g.cli("domain", "disable", "shop.test"), lambda: g.cli("domain", "enable", "shop.test"))
    assert (code, text) == (550, "5.7.1 Sender domain shop.test is not enabled")
    code, text = after(lambda u: g.sql("UPDATE accounts SET is_active = 0"), lambda: g.sql("UPDATE accounts SET is_active = 1"))
    assert (code, text) == (550, "5.7.1 The account is deactivated")
    code, text = after(lambda u: g.sql("UPDATE accounts SET is_verified = 0"), lambda: g.sql("UPDATE accounts SET is_verified = 1"))
    assert (code, text) == (550, "5.7.1 The account is not verified")


def test_limits_of_the_group(place):
    g = place.gateway
    try:
        g.sql("UPDATE account_groups SET recipients = 2")
        code, text = place.submit(letter(), to=["a@y.test", "b@y.test", "c@y.test"])
        assert (code, text[:5]) == (452, "4.5.3")
        with place.session() as smtp:  # whoever overshoots is not cut off: the rest comes in another message
            smtp.mail("news@shop.test")
            assert [smtp.rcpt(f"u{i}@y.test")[0] for i in range(60)] == [250] * 2 + [452] * 58
            assert smtp.data(letter())[0] == 250
        g.sql("UPDATE account_groups SET recipients = 1000, sends_per_day = 1")
        code, text = place.submit(letter())
        assert (code, text[:5]) == (452, "4.5.3") and "1 recipients a day" in text
    finally:
        g.sql("UPDATE account_groups SET recipients = 1000, sends_per_day = 0")


def test_big_messages_are_made_elsewhere(place):
    body = ("x" * 70 + "\r\n") * 20000
    _, content = place.inbox(place.taken(letter(body=body)))[0]
    assert content.endswith(body.encode())


def test_a_network_stands_for_a_login():
    place = Place(**{"smtp.trusted": "127.0.0.0/8=shop.test"})
    try:
        message = place.taken(letter(), login=False)
        log = place.gateway.log.read_text()
        line, = [line for line in log.splitlines() if f"id={message}" in line and "smtpd.accepted" in line]
        assert "trusted=127.0.0.0/8" in line and "domain=shop.test" in line
        assert place.message(message)["SMTPID"] == ""
        assert place.submit(letter(sender="ceo@bank.test"), login=False)[0] == 550
        place.gateway.cli("domain", "disable", "shop.test")
        assert place.submit(letter(), login=False) == (550, "5.7.1 Sender domain shop.test is not enabled")
    finally:
        place.close()
