"""Mail programs that people have submit by SMTP, on 587 and 465: what they send is in the inbox byte for byte and signed, and what is refused
they tell in our words.

SPDX-License-Identifier: Apache-2.0"""
import base64
import email
import email.policy
import hashlib
import random
import re
import uuid

import pytest

import clients
import relays
from clients import Letter
from conftest import fresh_database
from submission import Place, put_before, raw_letter
from wire import Closed, Wire

CLIENTS = [clients.python, clients.swaks, clients.msmtp, clients.nodemailer, clients.phpmailer]
COMPOSING = [clients.nodemailer, clients.phpmailer]
RELAYS = [relays.Postfix, relays.Exim]
DOORS = ["starttls", "tls"]


def by_name(value):
    return getattr(value, "__name__", str(value)).lower()


@pytest.fixture(scope="module")
def place(request):
    place = Place(fresh_database(request))
    yield place
    place.close()


def somebody():
    """A recipient whom no other test has."""
    return f"{uuid.uuid4().hex[:12]}@example.org"


def assert_arrived(place, to, sent):
    content = place.arrived(to)
    names = put_before(content, sent)
    assert names.count(b"dkim-signature") == 2 and names.count(b"received") == len(names) - 2
    place.assert_signed(content)
    return content


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("client", CLIENTS, ids=by_name)
def test_what_a_client_sends_arrives_as_it_was(place, client, door, mechanism):
    to = somebody()
    said = client(place.way[door].but(mechanism=mechanism), raw_letter(to, uuid.uuid4().hex))
    assert said.ok, said.text
    assert_arrived(place, to, said.raw)


@pytest.mark.parametrize("client", COMPOSING, ids=by_name)
def test_what_a_client_composes_is_read_as_it_was_meant(place, client):
    to, file = somebody(), bytes(range(256)) * 40
    letter = Letter("news@shop.test", [to], subject="Grüße aus Köln – 你好, ein langer Betreff, der gefaltet werden muss ✓", files={"Rechnung März.pdf": file})
    said = client(place.way["tls"], letter)
    assert said.ok, said.text
    message = email.message_from_bytes(assert_arrived(place, to, said.raw), policy=email.policy.default)
    assert message["Subject"] == letter.subject and message["X-Order"] == "17"
    assert message["From"].addresses[0].display_name == "Müller & Söhne" and message["To"].addresses[0].display_name == "Žofie"
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n") == letter.text.rstrip("\n")
    assert message.get_body(("html",)).get_content().replace("\r\n", "\n").rstrip("\n") == letter.html.rstrip("\n")
    assert {part.get_filename(): part.get_content() for part in message.iter_attachments()} == {"Rechnung März.pdf": file}


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("relay", RELAYS, ids=by_name)
def test_a_relay_s_mail_arrives_as_it_was(place, relay, door, mechanism):
    """Postfix pipelines its commands, Exim sends BDAT."""
    to = somebody()
    with relay(place.way[door].but(mechanism=mechanism)) as running:
        said = running.submit(raw_letter(to, uuid.uuid4().hex))
    assert said.ok, said.text
    assert "250 2.0.0" in said.text and (relay is relays.Postfix or " K " in said.text), said.text
    assert_arrived(place, to, said.raw)


@pytest.mark.parametrize("relay", RELAYS, ids=by_name)
def test_a_relay_keeps_a_connection_for_many_recipients(place, relay):
    tos = [somebody() for _ in range(12)]
    letter = raw_letter(tos[0], uuid.uuid4().hex)
    letter.recipients = tos
    accepted = place.accepted()
    with relay(place.way["starttls"]) as running:
        assert running.submit(letter).ok
    assert place.accepted() - accepted <= len(tos)
    for to in tos:
        assert_arrived(place, to, letter.raw)


def test_postfix_passes_on_what_reports_are_wanted(place):
    """RFC 3461: kept for the day on which we send reports ourselves."""
    to = somebody()
    with relays.Postfix(place.way["starttls"]) as running:
        said = running.submit(raw_letter(to, uuid.uuid4().hex), ["RET=HDRS", "ENVID=order+2B4711"],
                              ["NOTIFY=SUCCESS,DELAY", f"ORCPT=rfc822;first+2B{to}"])
    assert said.ok, said.text
    place.arrived(to)
    rows = place.gateway.rows(f"SELECT m.dsn_return, m.dsn_envid, r.dsn_notify, r.dsn_orcpt FROM recipients r JOIN messages m ON m.id = r.message_id "
                              f"WHERE r.address = '{to}'")
    assert rows == [("2", "order+4711", "10", f"rfc822;first+{to}")]


@pytest.mark.parametrize("client", [clients.python, clients.swaks, clients.nodemailer, relays.Exim], ids=by_name)
def test_an_attachment_of_25_mb(place, client):
    to, file = somebody(), random.Random(7).randbytes(25_000_000)
    lines = base64.encodebytes(file).replace(b"\n", b"\r\n")
    letter = raw_letter(to, uuid.uuid4().hex, file="@@")
    letter.raw, letter.files = letter.raw.replace(b"@@\r\n", lines), {"large.bin": file}
    if client is relays.Exim:
        with client(place.way["starttls"]) as running:
            said = running.submit(letter)
    else:
        said = client(place.way["tls"], letter)
    assert said.ok, said.text[-2000:]
    content = assert_arrived(place, to, said.raw)
    part = next(part for part in email.message_from_bytes(content, policy=email.policy.default).walk() if part.get_filename())
    assert hashlib.sha256(part.get_content()).digest() == hashlib.sha256(file).digest()


@pytest.mark.parametrize("client", [clients.python, clients.nodemailer, *RELAYS], ids=by_name)
def test_addresses_and_headers_in_utf8(place, client):
    """RFC 6531: the client announces it, by an option or by itself."""
    to = f"žofie.{uuid.uuid4().hex[:8]}@příklad.example"
    letter = raw_letter(to, uuid.uuid4().hex, sender="grüße@shop.test")
    letter.raw = letter.raw.replace(b"=?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=", "Grüße aus Köln".encode())
    options = ["SMTPUTF8", "BODY=8BITMIME"]
    if client is clients.python:
        said = client(place.way["tls"], letter, options)
    elif client in RELAYS:
        with client(place.way["starttls"]) as running:
            said = running.submit(letter, options)
    else:
        said = client(place.way["tls"], letter)
    assert said.ok, said.text
    found = [name for name in (to, to.replace("příklad", "xn--pklad-zsa96e")) if place.inbox(name)] or [to]
    assert_arrived(place, found[0], said.raw)


def test_a_client_that_knows_no_utf8_addresses_is_told(place):
    text = refusing(place, clients.msmtp, place.way["tls"], raw_letter(somebody(), "x", sender="grüße@shop.test"))
    assert "553 5.6.7" in text and "SMTPUTF8" in text, text


@pytest.mark.parametrize("cuts", ["one chunk", "many chunks", "a chunk a byte", "an empty last one"])
@pytest.mark.parametrize("door", DOORS)
def test_a_message_in_chunks(place, door, cuts):
    """RFC 3030: the dots are content, and commands of the next message stand right behind the last chunk."""
    to = somebody()
    raw = raw_letter(to, uuid.uuid4().hex).raw.replace(b"An epilogue.\r\n", b".\r\nAn epilogue.\r\n")
    size = {"one chunk": len(raw), "many chunks": 700, "a chunk a byte": 1, "an empty last one": len(raw)}[cuts]
    raw = raw if size > 1 else b"From: news@shop.test\r\nTo: x@example.org\r\nDate: Mon, 23 Nov 2026 11:00:00 +0100\r\nMessage-ID: <1@x>\r\n\r\n.\r\n"
    pieces = [raw[i:i + size] for i in range(0, len(raw), size)] + ([b""] if cuts == "an empty last one" else [])
    chunks = b"".join(b"BDAT %d%s\r\n" % (len(piece), b" LAST" if i == len(pieces) - 1 else b"") + piece for i, piece in enumerate(pieces))
    with Wire(place.way[door]) as wire:
        wire.send(b"MAIL FROM:<news@shop.test> BODY=BINARYMIME\r\n")
        assert wire.reply()[0] == 555, "BINARYMIME is not offered"
        wire.send(f"MAIL FROM:<news@shop.test> BODY=8BITMIME\r\nRCPT TO:<{to}>\r\n".encode() + chunks + b"NOOP\r\nQUIT\r\n")
        assert [code for code, _ in wire.rest()] == [250] * (2 + len(pieces) + 1) + [221]
    assert_arrived(place, to, raw)


def test_transactions_in_one_segment(place):
    """RFC 2920: up to DATA, and from its end to the next."""
    tos = [somebody() for _ in range(3)]
    with Wire(place.way["starttls"]) as wire:
        tail = b""
        for to in tos:
            wire.send(tail + f"MAIL FROM:<news@shop.test>\r\nRCPT TO:<{to}>\r\nRCPT TO:<@@>\r\nDATA\r\n".encode())
            assert [wire.reply()[0] for _ in range(4 + bool(tail))] == [250] * bool(tail) + [250, 250, 501, 354]
            tail = raw_letter(to, uuid.uuid4().hex).raw.replace(b"\r\n.", b"\r\n..") + b".\r\n"
        wire.send(tail + b"QUIT\r\n")
        assert [code for code, _ in wire.rest()] == [250, 221]
    for to in tos:
        assert len(place.inbox(to)) or place.arrived(to)


def test_what_a_message_lacks_is_added_and_what_is_private_goes(place):
    to, other, hidden = somebody(), somebody(), somebody()
    sent = f"From: news@shop.test\r\nTo: {to}\r\nSubject: x\r\n".encode()
    body = b"\r\nHello\r\n"
    private = f"Bcc: {hidden}\r\nX-Posthorn-Tags: order, invoice\r\nx-posthorn-metadata: {{\"order\": 17}}\r\n".encode()
    said = clients.python(place.way["tls"], Letter("news@shop.test", [to, other, hidden], sent + private + body))
    assert said.ok, said.text
    for address in (to, other, hidden):
        content = place.arrived(address)
        assert content.endswith(sent + body) and hidden.encode() not in content and b"posthorn-" not in content[:-len(sent + body)].lower()
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert message["Date"].datetime and re.fullmatch(r"<[^<>@\s]+@shop\.test>", message["Message-ID"])
        place.assert_signed(content)


def refusing(place, client, way, letter):
    """What the client told its user; the store took nothing."""
    accepted = place.accepted()
    if client in RELAYS:
        with client(way) as running:
            said = running.submit(letter)
    else:
        said = client(way, letter)
    assert not said.ok and place.accepted() == accepted, said.text
    return said.text


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("client", [*CLIENTS, *RELAYS], ids=by_name)
def test_a_wrong_password_is_told(place, client, door):
    text = refusing(place, client, place.way[door].but(password="phm_wrong"), raw_letter(somebody(), "x"))
    # PHPMailer and Exim keep the server's words to themselves.
    assert "535" in text or client in (clients.phpmailer, relays.Exim) and "authenti" in text, text


@pytest.mark.parametrize("client", [*CLIENTS, *RELAYS], ids=by_name)
def test_au01_without_tls_no_password_is_taken(place, client):
    refusing(place, client, place.way["starttls"].but(has_tls=False), raw_letter(somebody(), "x"))
    assert place.password not in place.gateway.log.read_text() and clients_base64(place) not in place.gateway.log.read_text()


def clients_base64(place):
    return base64.b64encode(place.password.encode()).decode()


@pytest.mark.parametrize("client", [*CLIENTS, *RELAYS], ids=by_name)
def test_a_sender_of_another_domain_is_told(place, client):
    """In the envelope, and so in From."""
    text = refusing(place, client, place.way["tls"], raw_letter(somebody(), "x", sender="boss@other.test"))
    assert "550" in text and "5.7.1" in text and "other.test" in text, text


@pytest.mark.parametrize("client", [clients.python, clients.swaks, clients.msmtp, *RELAYS], ids=by_name)
def test_a_from_of_another_domain_is_told(place, client):
    """The envelope is the user's own, the header is not."""
    text = refusing(place, client, place.way["tls"], raw_letter(somebody(), "x", header_from="boss@other.test"))
    assert "550" in text and "5.7.1" in text and "other.test" in text, text


def test_an_unknown_option_is_told_by_name(place):
    letter = raw_letter(somebody(), "x")
    letter.raw = b"X-Posthorn-Colour: red\r\n" + letter.raw
    assert "X-Posthorn-Colour" in refusing(place, clients.swaks, place.way["tls"], letter)


def test_a_deleted_user_is_refused_from_then_on(place):
    user = place.gateway.api("EmailGateway.AddSMTP", APIKey=place.tenant.api_key, DomainID=place.tenant.domain_id)["SMTP"]
    way = place.way["tls"].but(user=user["Username"], password=user["Password"])
    assert clients.python(way, raw_letter(somebody(), uuid.uuid4().hex)).ok
    place.gateway.api("EmailGateway.DeleteSMTP", APIKey=place.tenant.api_key, smtpid=user["SMTPID"])
    assert "535" in refusing(place, clients.python, way, raw_letter(somebody(), "x"))


def test_nobody_may_send_without_a_login(place):
    for door in DOORS:
        with Wire(place.way[door], logs_in=False) as wire:
            assert wire.say("MAIL FROM:<news@shop.test>")[0] == 530
    with pytest.raises((Closed, AssertionError)), Wire(place.way["starttls"].but(has_tls=False)):
        pass


def test_the_log_names_who_sent(place):
    to = somebody()
    assert clients.python(place.way["tls"], raw_letter(to, uuid.uuid4().hex)).ok
    place.arrived(to)
    log = place.gateway.log.read_text()
    assert place.user in log and place.password not in log, "P10"
