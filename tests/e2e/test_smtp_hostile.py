"""Clients that mean harm, one at a time, at every door: TLS hellos and certificates nobody needs, logins, loops, and content made to be
slow to read.

SPDX-License-Identifier: Apache-2.0"""
import base64
import random
import re
import socket
import ssl
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from clients import HOST
from gateway import wait_for
from reports import Caller
from sink import certificate
from submission import Place
from wire import Closed, Wire, plain

PATIENCE = 60  # seconds; whatever takes more than its length's share takes hours


@pytest.fixture(scope="module")
def place():
    place = Place(**{"log.level": "debug", "smtp.auth_without_tls": "loopback", "smtp.connections_per_address": 2000})
    yield place
    place.close()


def is_well(place):
    """Somebody else is served as ever."""
    with Wire(place.way["tls"]) as wire:
        return wire.say("NOOP")[0] == 250


def connections(gateway):
    return int(re.search(r"^posthorn_smtp_in_connections (\d+)$", gateway.request("GET", "/metrics")[2], re.M)[1])


# ---- TLS ----

def hello(name, newest=None):
    """What a client says first, as OpenSSL makes it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = newest or context.maximum_version
    out = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


def number(value, width):
    return value.to_bytes(width, "big")


def hello_for(name):
    """The same with any bytes as SNI: all lengths around it are right."""
    marker = b"marker.example.org"
    body = hello(marker.decode())[9:]
    at = body.index(marker)
    extension = b"\0\0" + number(len(name) + 5, 2) + number(len(name) + 3, 2) + b"\0" + number(len(name), 2) + name
    body = body[:at - 9] + extension + body[at + len(marker):]
    extensions = 35 + body[34]                                                        # behind version, random and session id
    extensions += 2 + int.from_bytes(body[extensions:extensions + 2], "big")          # cipher suites
    extensions += 1 + body[extensions]                                                # compressions
    body = body[:extensions] + number(len(body) - extensions - 2, 2) + body[extensions + 2:]
    shake = b"\1" + number(len(body), 3) + body
    return b"\x16\3\1" + number(len(shake), 2) + shake


def dial(way):
    return socket.create_connection((HOST, way.port), timeout=PATIENCE)


SERVER_HELLO, ALERT = b"\x16", b"\x15"


@pytest.mark.parametrize("name, answers", [
    (b"marker.example.org", {SERVER_HELLO}), (b"unknown.invalid", {SERVER_HELLO}), (b"", {SERVER_HELLO, ALERT, b""}),
    (b"a\\\0", {SERVER_HELLO, ALERT, b""}), (b"\0" * 100, {SERVER_HELLO, ALERT, b""}), (b"a" * 255, {SERVER_HELLO}), (b"a" * 256, {ALERT, b""}),
    (b"a" * 10000, {ALERT, b""}),
], ids=["known", "unknown", "empty", "backslash", "nul", "longest", "longer", "huge"])
def test_st16_names_in_a_hello(place, name, answers):
    with dial(place.way["tls"]) as plain_socket:
        plain_socket.sendall(hello_for(name))
        assert plain_socket.recv(1) in answers
    assert is_well(place)


def test_st16_no_name_at_all(place):
    with dial(place.way["tls"]) as plain_socket:
        plain_socket.sendall(hello(None))
        assert plain_socket.recv(1) == SERVER_HELLO


def test_st17_a_client_s_certificates_are_nobody_s(place, tmp_path):
    """A chain of hundreds is not asked for; one that comes all the same, 16 MB long by its own word, ends the connection."""
    cert, key = certificate()
    chain = tmp_path / "chain.pem"
    chain.write_bytes(Path(cert).read_bytes() * 300)
    context = place.way["tls"].context()
    context.load_cert_chain(chain, key)
    with context.wrap_socket(dial(place.way["tls"]), server_hostname=HOST) as wrapped:
        assert wrapped.recv(4) == b"220 "
    sent = 0
    with dial(place.way["tls"]) as plain_socket, suppress(ConnectionError):
        plain_socket.sendall(hello(None, ssl.TLSVersion.TLSv1_2))
        plain_socket.recv(65536)
        record = b"\x16\3\3" + number(16000, 2) + b"\x0b\xff\xff\xff" + b"\xff\xff\xfc" + b"\0" * (16000 - 7)
        while sent < 16 << 20:
            plain_socket.sendall(record)
            sent += len(record)
    assert sent < 16 << 20
    assert is_well(place)


# ---- AUTH ----

def b64(text):
    return base64.b64encode(text.encode()).decode()


def test_au14_no_credential_in_the_most_talkative_log(place):
    """However it came: right, wrong, in the wrong field, malformed, too early, too long, as a command."""
    way, secret = place.way["tls"], "hunter2-Grau"
    told = [plain(way.user, way.password), plain(way.user, secret), plain(secret, secret), b64(way.password), b64(secret)]
    clear = place.way["public"].but(has_tls=False)
    with Wire(way) as wire:
        wire.say("AUTH PLAIN " + told[0], 503)
    with Wire(way, logs_in=False) as wire:
        wire.say("AUTH LOGIN", 334)
        wire.say(b64(way.user), 334)
        wire.say(b64(way.password), 235)
    for lines in (["AUTH PLAIN " + told[1]], ["AUTH PLAIN " + told[2]], ["AUTH PLAIN", told[1]], ["AUTH LOGIN", b64(secret), b64(secret)],
                  ["AUTH LOGIN " + b64(way.user), b64(secret)], ["AUTH PLAIN =" + told[0]], ["AUTH PLAIN " + told[0] + "!"],
                  ["AUTH CRAM-MD5 " + told[0]], ["AUTH " + told[0]], [secret], [told[0]], ["AUTH PLAIN", told[0] * 1000],
                  ["AUTH LOGIN", b64(way.user), secret], [f"MAIL FROM:<a@shop.test> AUTH={secret}"]):
        with Wire(way, logs_in=False) as wire, suppress(Closed):
            for line in lines:
                assert wire.say(line)[0] != 235
    with Wire(clear, logs_in=False) as wire:
        wire.say("AUTH PLAIN " + told[1])
    log = place.gateway.log.read_text(errors="replace")
    assert "event=smtpd.login_refused" in log
    for word in (*told, way.password, secret):
        assert word not in log and word[:16] not in log


def test_au16_a_thousand_logins_at_once(place):
    """The right ones are let in, the others told so, the API answers meanwhile."""
    way, held = place.way["starttls"], []
    right = {i for i in range(1000) if i % 20 == 0}
    for _ in range(1000):
        held.append(dial(way))
        held[-1].recv(1000)
        held[-1].sendall(b"EHLO x\r\n")
    for i, plain_socket in enumerate(held):
        assert plain_socket.recv(1000).startswith(b"250-")
        words = plain(way.user, way.password) if i in right else plain(f"user{i}@shop.test", "x" * 40)
        plain_socket.sendall(f"AUTH PLAIN {words}\r\n".encode())
    assert place.gateway.request("GET", "/healthz/live")[0] == 200
    for i, plain_socket in enumerate(held):
        assert plain_socket.recv(1000).startswith(b"235 " if i in right else b"535 ")
        plain_socket.close()
    assert is_well(place)


def test_au17_secrets_are_found_by_their_hashes(place):
    """No key or password stands in the store, so none can be compared byte by byte; what is compared is its hash, by str_eq_secret."""
    stored = b"".join(path.read_bytes() for path in place.gateway.database().parent.glob("posthorn.db*"))
    for secret in (place.password, place.tenant.key, place.tenant.api_key):
        assert secret.encode() not in stored


# ---- loops ----

def test_lm10_mail_that_comes_round_again_ends(place):
    """Each round puts one Received in front; the 51st is refused."""
    way, taken = place.way["starttls"], 0
    content = b"".join(b"Received: from a by b; c\r\n" for _ in range(46)) + b"From: news@shop.test\r\nTo: round@example.org\r\n\r\nx\r\n"
    for taken in range(10):
        code = submit(way, content, to="round@example.org")[0]
        if code != 250:
            break
        wait_for(lambda: len(place.inbox("round@example.org")) > taken, what="the mail")  # noqa: B023
        content = max(place.inbox("round@example.org"), key=len)
    assert (code, taken) == (554, 5)


# ---- content ----

def submit(way, content, to="reader@example.org", options=""):
    """(code, text); the content is as it stands on the wire, without the end."""
    with Wire(way) as wire:
        wire.say(f"MAIL FROM:<news@shop.test>{options}", 250)
        wire.say(f"RCPT TO:<{to}>", 250)
        wire.say("DATA", 354)
        wire.send(content + b".\r\n")
        return wire.reply()


HEAD = b"From: news@shop.test\r\nTo: reader@example.org\r\n"


def folded(text, width=900):
    return b"\r\n ".join(text[i:i + width] for i in range(0, len(text), width))


def slow_letters():
    """What has made other people's readers take forever, as far as our header block goes (100 kB), and bodies of a megabyte."""
    deep = folded(b"(" * 90000)
    yield from (b"From: " + deep + b" news@shop.test\r\n\r\nx\r\n", HEAD + b"Cc: " + deep + b"\r\n\r\nx\r\n", HEAD + b"Subject: " + deep + b"\r\n\r\nx\r\n")
    yield HEAD + b"Cc: " + folded(b"(" * 45000 + b")" * 45000 + b" a@y.test") + b"\r\n\r\nx\r\n"
    for unit in (b'"', b"<", b",", b";", b"a@", b".!", b"\\", b"=?a?q?", b"=?utf-8?q?a?= ", b"a:;", b"[", b"(\\"):
        yield HEAD + b"Cc: " + folded(unit * (80000 // len(unit))) + b"\r\n\r\nx\r\n"
    for name in (b"Content-Type: multipart/mixed; ", b"Received: ", b"Subject: ", b"Message-ID: ", b"X-Posthorn-Metadata: ", b"X-Posthorn-Tags: "):
        for unit in (b"=?utf-8?b?AA==?= ", b'a*1="', b'{"a":', b"[", b"a;", b'"\\'):
            yield HEAD + name + folded(unit * (80000 // len(unit))) + b"\r\n\r\nx\r\n"
    for line in (b"x" * 998, b".!" * 499, b"(" * 998, b"." * 998, b"..", b".", b"\t", b"From x"):
        yield HEAD + b"\r\n" + (b"." * (line[:1] == b".") + line + b"\r\n") * ((1 << 20) // (len(line) + 2))
    yield HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * 150000
    yield HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * 20000


def test_lm15_nothing_is_slow_to_read(place):
    for content in slow_letters():
        begin = time.monotonic()
        code, text = submit(place.way["starttls"], content)
        assert code in (250, 550, 552, 554), (content[:90], text)
        assert time.monotonic() - begin < PATIENCE, content[:90]
    assert is_well(place)


def slow_reports():
    """The same for what comes home: megabytes that begin like reports."""
    report = b"Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\nSubject: failed\r\n\r\n--r\r\n\r\nx\r\n--r\r\n"
    status, feedback = b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n", b"Content-Type: message/feedback-report\r\n\r\n"
    big = 4 << 20
    for unit in (b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", b"\r\n", b"X: y\r\n", b"Diagnostic-Code: smtp; 550 ((((\r\n",
                 b" folded\r\n", b"Final-Recipient:\r\n"):
        yield report + status + unit * (big // len(unit)) + b"--r--\r\n"
        yield report.replace(b"delivery-status", b"feedback-report") + feedback + unit * (big // len(unit)) + b"--r--\r\n"
    for unit in (b"--r\r\n", b"--r\r\nContent-Type: multipart/mixed; boundary=r\r\n\r\n", b"--r\r\nContent-Type: message/rfc822\r\n\r\n",
                 b"--r\r\nContent-Type: message/delivery-status\r\n\r\n", b"--", b"--r", b"--r\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA=\r\n"):
        yield report + unit * (big // len(unit)) + b"\r\n--r--\r\n"
    for unit in (b"<a@b.example>: 550 5.1.1 no such user\r\n", b"550 ", b"user unknown ", b"<", b"a@b.example ", b"5.1.1 ", b"((((", b"--- The following addresses\r\n",
                 b"Original message\r\n", b"Received: from x\r\n", b"x" * 900 + b"\r\n"):
        yield b"From: MAILER-DAEMON@x.example\r\nSubject: Undelivered Mail Returned to Sender\r\n\r\n" + lines(unit * (big // len(unit)))
    for unit in (b"X-A: b\r\n", b"Subject: failed\r\n", b"Received: x\r\n", b"Auto-Submitted: (((((\r\n", b" x\r\n"):
        yield b"From: a@b.example\r\n" + unit * (big // len(unit)) + b"\r\nx\r\n"


def lines(text, width=990):
    """As many lines as it needs."""
    if b"\r\n" in text[:width]:
        return text
    return b"".join(text[i:i + width] + b"\r\n" for i in range(0, len(text), width))


def test_lm15_no_report_is_slow_to_read(place):
    homes = place.homes()
    for i, content in enumerate(slow_reports()):
        begin = time.monotonic()
        with Caller(place.way["public"].port) as caller:
            assert caller.bring(content, homes[i // 20 % 2]) in (250, 450, 451, 550, 552), content[:300]
        assert time.monotonic() - begin < PATIENCE, (i, content[:300])
    assert is_well(place)


def noise(count, seed=1):
    """Random bytes that a line may have, CRLF every 900."""
    raw = random.Random(seed).randbytes(count).translate(None, b"\0\r\n")
    return b"".join(b"." * (raw[i:i + 1] == b".") + raw[i:i + 900] + b"\r\n" for i in range(0, len(raw), 900))


@pytest.mark.parametrize("fields", [b"", b"Content-Type: multipart/mixed; boundary=x\r\n", b"Content-Transfer-Encoding: base64\r\n",
                                    b"Content-Type: text/html; charset=utf-7\r\nContent-Transfer-Encoding: quoted-printable\r\n"])
def test_mi21_a_megabyte_of_noise_goes_through_unchanged(place, fields):
    """From DATA to the last hop, through parsers, store, signature and framing; as an attachment of the API; and home, where it says nothing."""
    begin, to = time.monotonic(), f"noise{len(fields)}@example.org"
    body = noise(1 << 20)
    assert submit(place.way["starttls"], HEAD + fields + b"\r\n" + body, to, " BODY=8BITMIME")[0] == 250
    assert place.arrived(to).endswith(b"\r\n\r\n" + body.replace(b"\r\n..", b"\r\n.")[body[:2] == b"..":])
    with Caller(place.way["public"].port) as caller:
        assert caller.bring(fields + b"\r\n" + body, place.homes()[0]) == 250
    assert time.monotonic() - begin < PATIENCE


def test_mi21_a_megabyte_of_anything_is_answered(place):
    """With NUL, bare CR and bare LF in it: refused once, at its end."""
    raw = random.Random(2).randbytes(1 << 20).replace(b"\r\n.\r\n", b"")
    assert submit(place.way["starttls"], HEAD + b"\r\n" + raw + b"\r\n")[0] == 550
    assert submit(place.way["starttls"], raw + b"\r\n")[0] == 550
    for door in ("public", "starttls"):
        with dial(place.way[door]) as plain_socket, suppress(ConnectionError):
            plain_socket.recv(100)
            plain_socket.sendall(raw)
    assert is_well(place)


# ---- floods ----

@pytest.mark.parametrize("door", ["public", "starttls"])
@pytest.mark.parametrize("flood", [b"RSET\r\n", b"NOOP\r\n", b"VRFY x\r\n", b"EHLO x\r\n", b"HELP\r\n", b"\r\n", b"BDAT 0\r\n", b"BDAT 1\r\nx", b"MAIL FROM:<>\r\n",
                                   b"BDAT 18446744073709551615\r\n", b"AUTH PLAIN\r\n*\r\n", b"XCLIENT ADDR=1.2.3.4\r\n", b"RCPT TO:<a@b.example>\r\n"])
def test_pb15_a_flood_that_reads_nothing_ends(place, door, flood):
    """Ten thousand commands in one go; whoever sends them reads no reply until the server hangs up."""
    with dial(place.way[door]) as plain_socket:
        plain_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        got = plain_socket.recv(1000)
        plain_socket.sendall(b"EHLO x\r\n")
        with suppress(ConnectionError):
            plain_socket.sendall(flood * 10000)
        with suppress(ConnectionError):
            while more := plain_socket.recv(65536):
                got += more
    assert len(got) < 100000
    assert is_well(place)


def test_half_a_handshake_keeps_nobody_else_waiting(place):
    held, words = [dial(place.way["tls"]) for _ in range(300)], hello(None)
    for i, plain_socket in enumerate(held):
        plain_socket.sendall(words[:1 + i])
    assert is_well(place)
    for plain_socket in held:
        plain_socket.close()
    wait_for(lambda: connections(place.gateway) < 40, what="all to be gone")  # the deliveries' own to the inbox stay a while


def test_st15_st17_what_openssl_s_client_can_do(place):
    """A client with a certificate, a session of another door, renegotiation keys: no crash, no answer but a refusal."""
    cert, key = certificate()
    for arguments in (["-cert", cert, "-key", key], ["-no_ticket"], ["-servername", "x" * 250], ["-alpn", "h2,http/1.1"], ["-tls1_2", "-legacy_renegotiation"],
                      ["-status"], ["-maxfraglen", "512"], ["-tls1_2", "-cipher", "AES128-SHA"], ["-groups", "P-521:X448"]):
        run = subprocess.run(["openssl", "s_client", "-quiet", "-connect", f"{HOST}:{place.way['tls'].port}", *map(str, arguments)],
                             input=b"R\nQUIT\n", capture_output=True, timeout=PATIENCE)
        assert b"AddressSanitizer" not in run.stdout
    assert is_well(place)
