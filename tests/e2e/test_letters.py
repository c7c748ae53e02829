"""Messages as their recipients get them when opens, clicks and leaving are to come home: every other byte is the sender's, each recipient has links of
his own, signatures hold, and a retry is the same message (MI14, MI15, MI16, TR05, P2; RFC 8058).

SPDX-License-Identifier: Apache-2.0"""
import email
import email.policy
import re
import smtplib

import pytest

from gateway import free_port, mail, wait_for
from test_signature import dkimpy_results, publish

TOKEN = r"[a-z2-7]{20,}"
CLICK, OPEN, LEAVE = (re.compile(rf"https://gw\.example/{kind}/{TOKEN}") for kind in "cou")
PIXEL = re.compile(rf'<img src="https://gw\.example/o/{TOKEN}" width="1" height="1" alt="" style="display:block;border:0">')


@pytest.fixture
def letters(world):
    """A gateway whose own host takes links, one recipients' server, and a domain that wants all of it."""
    sink = world.sink()
    world.zone.mx("example.org", "127.0.0.1")
    smtp = free_port()
    gateway = world.start(**{"http.base_url": "https://gw.example/api", "smtp.listen": f"127.0.0.1:{smtp}", "smtp.auth_without_tls": "loopback",
                             "delivery.retry": "1s"})
    return Letters(world, gateway, sink, smtp)


class Letters:
    def __init__(self, world, gateway, sink, smtp):
        self.world, self.gateway, self.sink, self.smtp = world, gateway, sink, smtp
        self.tenant = gateway.tenant("shop.test")
        publish(world.zone, self.tenant)
        self.wants(LinkTracking=1, OpenTracking=1, UnsubscribeLink=1)

    def wants(self, **settings):
        self.gateway.api("EmailGateway.UpdateDomain", APIKey=self.tenant.api_key, DomainID=self.tenant.domain_id, **settings)

    def sent(self, count=1, **fields):
        """The bytes that came, by recipient."""
        before = len(self.sink.mails)
        self.gateway.sent(self.tenant.key, message=mail(**fields))
        return self.came(before, count)

    def submitted(self, content, to=("reader@example.org",)):
        before = len(self.sink.mails)
        user = self.gateway.api("EmailGateway.AddSMTP", APIKey=self.tenant.api_key, DomainID=self.tenant.domain_id)["SMTP"]
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=60) as client:
            client.login(user["Username"], user["Password"])
            client.sendmail("news@shop.test", list(to), content, ["BODY=8BITMIME"])
        return self.came(before, len(to))

    def came(self, before, count):
        wait_for(lambda: len(self.sink.mails) >= before + count, what="the mails")
        mails = {m.recipients[0]: m.content for m in self.sink.mails[before:]}
        assert len(mails) == count
        for content in mails.values():
            assert dkimpy_results(content, self.world.zone) == {"rsa": True, "ed25519": True}
        return mails


def html_of(content):
    return email.message_from_bytes(content, policy=email.policy.default).get_body(("html",)).get_content()


def test_each_recipient_has_links_of_his_own(letters):
    people = [f"r{i}@example.org" for i in range(3)]
    page = '<p><a href="https://a.example/?x=1&amp;y=2">1</a> <a href=\'mailto:x@a.example\'>2</a> <a data-no-track href="https://b.example">3</a></p>'
    mails = letters.sent(3, To=[{"email": p, "name": ""} for p in people], ContentType="html", HtmlContent=f"<body>{page}</body>",
                         PlainContent="See https://a.example/")
    seen = {kind: set() for kind in "cou"}
    for person in people:
        content = mails[person]
        html = html_of(content)
        assert len(CLICK.findall(html)) == 1 and len(PIXEL.findall(html)) == 1
        back = PIXEL.sub("", CLICK.sub("https://a.example/?x=1&amp;y=2", html))
        assert back.strip() == f"<body>{page}</body>"
        assert "gw.example/c/" not in email.message_from_bytes(content, policy=email.policy.default).get_body(("plain",)).get_content()
        fields = email.message_from_bytes(content, policy=email.policy.default)
        link, address = re.fullmatch(r"<(\S+)>, ?<mailto:(\S+)>", re.sub(r"\s+", " ", fields["List-Unsubscribe"]).strip()).groups()
        assert LEAVE.fullmatch(link) and re.fullmatch(r"u\+[a-z2-7]{32}@mail\.shop\.test", address)
        assert fields["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        for kind, url in zip("cou", (CLICK.search(html)[0], OPEN.search(html)[0], link)):
            seen[kind].add(url)
    assert [len(urls) for urls in seen.values()] == [3, 3, 3], "TR05: a link names its recipient"


def test_a_marked_link_is_where_people_leave_and_texts_are_tracked_if_asked_for(world):
    sink = world.sink()
    world.zone.mx("example.org", "127.0.0.1")
    gateway = world.start(**{"track.base_url": "https://gw.example", "track.text": "yes"})
    letters = Letters(world, gateway, sink, 0)
    content = letters.sent(ContentType="html", HtmlContent='<a href="https://shop.example/bye" data-unsubscribe>bye</a>',
                           PlainContent="See https://a.example/1.\nOr (https://a.example/2)")["reader@example.org"]
    link = LEAVE.search(html_of(content))[0]
    fields = email.message_from_bytes(content, policy=email.policy.default)
    assert link in re.sub(r"\s+", "", fields["List-Unsubscribe"]) and not CLICK.search(html_of(content))
    text = fields.get_body(("plain",)).get_content()
    assert CLICK.sub("@", text).split() == ["See", "@.", "Or", "(@)"]


def test_the_message_s_word_comes_before_the_domain_s(letters):
    page = '<a href="https://a.example/">1</a>'
    assert "gw.example" not in html_of(letters.sent(ContentType="html", HtmlContent=page, TrackLinks=False, TrackOpens=False)["reader@example.org"])
    letters.wants(LinkTracking=0, OpenTracking=0, UnsubscribeLink=0)
    plain = letters.sent(ContentType="html", HtmlContent=page)["reader@example.org"]
    assert b"gw.example" not in plain and email.message_from_bytes(plain)["List-Unsubscribe"] is None
    html = html_of(letters.sent(ContentType="html", HtmlContent=page, TrackLinks=True)["reader@example.org"])
    assert CLICK.search(html) and not OPEN.search(html)


def test_who_is_not_tracked_shares_one_letter(letters):
    """Nothing is signed twice for people who get the same bytes."""
    letters.wants(LinkTracking=0, OpenTracking=0, UnsubscribeLink=0)

    def signed():
        return int(re.search(r"^posthorn_signatures_total (\d+)", letters.gateway.request("GET", "/metrics")[2], re.M)[1])

    before, people = signed(), [{"email": f"r{i}@example.org", "name": ""} for i in range(5)]
    assert len(set(letters.sent(5, To=people).values())) == 1 and signed() == before + 1
    letters.wants(OpenTracking=1)
    assert len(set(letters.sent(5, To=people, ContentType="html", HtmlContent="x").values())) == 5 and signed() == before + 6


def test_the_sandbox_tracks_without_a_word_of_configuration(sandbox):
    """Who tries it out has links that lead to it, and on."""
    tenant = sandbox.tenant("shop.test")
    sandbox.api("EmailGateway.UpdateDomain", APIKey=tenant.api_key, DomainID=tenant.domain_id, LinkTracking=1)
    message = sandbox.sent(tenant.key, message=mail(ContentType="html", HtmlContent='<a href="https://a.example/?b=1">1</a>'))
    wait_for(lambda: "delivery" in sandbox.event_types(tenant.key, message), what="the delivery")
    row = sandbox.cli_json("inbox", "list")["Messages"][0]
    path = re.search(rf"http://127\.0\.0\.1:{sandbox.port}(/c/{TOKEN})", html_of(sandbox.cli("inbox", "raw", str(row["ID"])).stdout))[1]
    status, headers, _ = sandbox.request("GET", path)
    assert (status, headers["Location"]) == (302, "https://a.example/?b=1")
    wait_for(lambda: "click" in sandbox.event_types(tenant.key, message), what="the click")


LEAF = b'<p><a href="https://a.example/">1</a></p>\r\n'
HEAD = b"From: news@shop.test\r\nTo: reader@example.org\r\nSubject: x\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <a@shop.test>\r\nMIME-Version: 1.0\r\n"
ALONE = {
    "signed": HEAD + b'Content-Type: multipart/signed; boundary=b; micalg=sha-256; protocol="application/pkcs7-signature"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n'
    + LEAF + b"--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nMIIB\r\n--b--\r\n",
    "encrypted": HEAD + b'Content-Type: multipart/encrypted; boundary=b; protocol="application/pgp-encrypted"\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\n'
    b"Version: 1\r\n--b\r\nContent-Type: text/html\r\n\r\n" + LEAF + b"--b--\r\n",
    "calendar": HEAD + b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nURL:https://a.example/\r\nEND:VCALENDAR\r\n",
    "amp": HEAD + b"Content-Type: text/x-amp-html\r\n\r\n" + LEAF,
    "forwarded": HEAD + b"Content-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\n" + LEAF,
    "plain": HEAD + b"\r\nhttps://a.example/\r\n",
}


def test_mi15_what_is_sealed_or_no_text_keeps_its_bytes(letters):
    for kind, sent in ALONE.items():
        content = letters.submitted(sent)["reader@example.org"]
        assert content.endswith(sent), f"{kind}: what we add stands in front"


def test_only_the_leaf_that_changed_is_encoded_anew(letters):
    parts = [b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nodd =\r\n=41 =2E lines =   \r\n",
             b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGEgaHJlZj0iaHR0cDovL2EuZXhh\r\nbXBsZS8iPjE8L2E+\r\n",
             b'Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQ=\r\n\r\n', b"Content-Type: text/html; name=a.html\r\n\r\n" + LEAF]
    sent = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n" + b"".join(b"--b\r\n" + p for p in parts) + b"--b--\r\nepilogue\r\n"
    content = letters.submitted(sent)["reader@example.org"]
    begin, end = sent.split(parts[1])
    assert begin in content and content.endswith(end)
    changed = content[content.index(begin) + len(begin):-len(end)]
    assert changed.startswith(parts[1].split(b"\r\n\r\n")[0] + b"\r\n\r\n")
    html = html_of(content).strip()
    assert PIXEL.sub("", CLICK.sub("http://a.example/", html)) == '<a href="http://a.example/">1</a>'


def test_p2_a_retry_is_the_same_message_whatever_the_settings_are_by_then(letters):
    letters.sink.answers += ["451 4.7.1 later"]
    message = letters.gateway.sent(letters.tenant.key, message=mail(ContentType="html", HtmlContent='<a href="https://a.example/">1</a>'))
    wait_for(lambda: "deferred" in letters.gateway.event_types(letters.tenant.key, message), what="the first try")
    letters.wants(LinkTracking=0, OpenTracking=0, UnsubscribeLink=0)
    html = html_of(letters.came(0, 1)["reader@example.org"])
    assert CLICK.search(html) and OPEN.search(html)


def test_a_domain_with_a_verified_tracking_host_has_its_links_there(letters):
    letters.gateway.sql("UPDATE domains SET tracking_status = 1")
    content = letters.sent(ContentType="html", HtmlContent='<a href="https://a.example/">1</a>')["reader@example.org"]
    assert b"gw.example" not in content
    assert re.search(rf'href="https://track\.mail\.shop\.test/c/{TOKEN}"', html_of(content))
