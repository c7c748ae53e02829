"""The SMTP server around its dialogues: TLS in both ways, who may connect how often, hops that speak for others, networks that are trusted,
certificates that change, sockets that systemd passes, the first screen.

SPDX-License-Identifier: Apache-2.0"""
import os
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from clients import HOST
from gateway import POSTHORN, Gateway, free_port, wait_for
from sink import certificate
from submission import Place
from wire import Wire, plain as credentials

CLIENT, OTHER = "203.0.113.7", "198.51.100.9"  # whom hops speak for
PROXY, XCLIENT = "127.0.0.2", "127.0.0.3"
LETTER = b"From: a@shop.test\r\nTo: b@example.org\r\nSubject: x\r\n\r\nx\r\n.\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.fixture(scope="module")
def place(request):
    made = Place(**{"smtp.proxies": PROXY, "smtp.xclient": XCLIENT, "smtp.trusted": f"203.0.113.0/24=elsewhere.test {CLIENT}=shop.test", "smtp.connections_per_address": 20})
    yield made
    made.close()


def dial(port, source="127.0.0.1"):
    made = socket.create_connection((HOST, port), timeout=60, source_address=(source, 0))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


class From(Wire):
    """A connection from an address of ours that says something before all else."""

    def __init__(self, way, source, first=b""):
        self.way, self.room = way, b""
        self.socket = dial(way.port, source)
        self.send(first)
        if way.is_implicit:
            self.wrap()
        self.banner = self.reply()


def everything(plain):
    """What comes until the end, which must come."""
    got = b""
    try:
        while more := plain.recv(65536):
            got += more
    except ConnectionError:
        pass
    plain.close()
    return got


def log(gateway, event):
    return [line for line in gateway.log.read_text(errors="replace").splitlines() if f"event={event} " in line]


# ---- TLS ----

def test_each_door_offers_what_belongs_to_it(place):
    """ST05, AU01: no AUTH before TLS, no STARTTLS in TLS; a port 25 without AUTH until then."""
    for name, clear in (("starttls", True), ("tls", False), ("public", True)):
        with Wire(place.way[name], greets=False) as wire:
            offers = wire.say("EHLO x", 250)[1]
            assert ("STARTTLS" in offers, "AUTH" in offers) == (clear, not clear), offers
            if clear:
                wire.start_tls()
                offers = wire.say("EHLO x", 250)[1]
                assert "STARTTLS" not in offers and "AUTH PLAIN LOGIN" in offers


@pytest.mark.parametrize("more", [b"MAIL FROM:<a@shop.test>\r\n", b"RS", b"\0", b"\x16\x03\x01"])
def test_bytes_behind_starttls_end_the_connection(place, more):
    """ST01, ST02: what came in the clear is never taken for what came in TLS."""
    plain = dial(place.way["starttls"].port)
    plain.recv(1000)
    plain.sendall(b"EHLO x\r\n")
    plain.recv(1000)
    plain.sendall(b"STARTTLS\r\n" + more)
    assert b"250" not in everything(plain)
    assert log(place.gateway, "smtpd.tls_refused")


@pytest.mark.parametrize("door", ["starttls", "tls", "public"])
@pytest.mark.parametrize("noise", [b"GET /secret HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\n\r\nEHLO x\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0" * 100, b"\xff\xfe\r\n"])
def test_what_is_no_smtp_is_closed_without_an_echo(place, door, noise):
    """ST12"""
    plain = dial(place.way[door].port)
    if door != "tls":
        plain.recv(1000)
    plain.sendall(noise)
    if door == "tls":
        with suppress(OSError):  # it may have hung up already
            plain.shutdown(socket.SHUT_WR)
    got = everything(plain)
    assert b"secret" not in got and b"250" not in got and b"500" not in got


@pytest.mark.parametrize("ends_cleanly", [False, True])
def test_content_that_is_cut_off_is_not_taken(place, ends_cleanly):
    """ST13: neither by a TLS end without notice nor by one with it."""
    before = place.accepted()
    wire = Wire(place.way["tls"])
    wire.say("MAIL FROM:<a@shop.test>", 250)
    wire.say("RCPT TO:<b@example.org>", 250)
    wire.say("DATA", 354)
    wire.send(LETTER[:-5])
    if ends_cleanly:
        wire.socket.unwrap()
    wire.close()
    with Wire(place.way["tls"]) as other:  # its turn comes after the end of the first
        other.say("NOOP", 250)
    assert place.accepted() == before


def test_a_session_ticket_is_good_for_its_own_door(place):
    """ST14"""
    context = place.way["tls"].context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def shake(door, session):
        plain = dial(place.way[door].port)
        if door != "tls":
            for line in (b"EHLO x\r\n", b"STARTTLS\r\n"):
                plain.recv(1000)
                plain.sendall(line)
            while not plain.recv(1000).startswith(b"220"):
                pass
        with context.wrap_socket(plain, server_hostname=HOST, session=session) as made:
            return made.session, made.session_reused

    session = shake("tls", None)[0]
    assert shake("tls", session)[1]
    assert not shake("starttls", session)[1] and not shake("public", session)[1]


def s_client(place, *arguments):
    command = ["openssl", "s_client", "-connect", f"{HOST}:{place.way['tls'].port}", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_no_renegotiation(place):
    """ST15: asked for after the banner."""
    with s_client(place, "-tls1_2", "-brief") as client:
        while not client.stdout.readline().startswith(b"220 "):
            assert client.poll() is None
        client.stdin.write(b"R\n")
        client.stdin.flush()
        assert b"no renegotiation" in client.stdout.read()


def test_a_ticket_allows_no_early_data(place, tmp_path):
    """ST19"""
    kept = tmp_path / "session"
    with s_client(place, "-tls1_3", "-sess_out", kept) as client:
        wait_for(lambda: kept.exists() and b"END SSL" in kept.read_bytes(), what="the ticket")
        client.kill()
    text = subprocess.run(["openssl", "sess_id", "-noout", "-text", "-in", kept], capture_output=True, check=True).stdout.decode()
    assert "TLS session ticket" in text and "Max Early Data: 0\n" in text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused_and_told(place):
    """ST18"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        context.wrap_socket(dial(place.way["tls"].port))
    wait_for(lambda: any("client=127.0.0.1" in line for line in log(place.gateway, "smtpd.tls_failed")), what="the line about it")


def test_the_certificate_is_made_once(place):
    """P-256, for our host name, its key nobody else's."""
    folder = place.gateway.folder / "data"
    assert (folder / "smtp-key.pem").stat().st_mode & 0o777 == 0o600
    text = subprocess.run(["openssl", "x509", "-noout", "-text", "-in", folder / "smtp-cert.pem"], capture_output=True, check=True).stdout.decode()
    assert "prime256v1" in text and "DNS:mx.posthorn.test" in text
    before = (folder / "smtp-cert.pem").read_bytes()
    place.gateway.stop()
    place.gateway.start()
    assert (folder / "smtp-cert.pem").read_bytes() == before


# ---- how many ----

def test_an_address_has_so_many_connections():
    """AU21, LM13, ST11: one that has not shaken hands counts too; another address is not the first one's trouble."""
    starttls, tls = free_port(), free_port()
    with Gateway(**{"smtp.listen": f"{HOST}:{starttls}", "smtp.listen_tls": f"{HOST}:{tls}", "smtp.connections_per_address": 3}) as gateway:
        held = [dial(tls), dial(starttls), dial(starttls)]
        for plain in held[1:]:
            assert plain.recv(1000).startswith(b"220 ")
        assert everything(dial(starttls)).startswith(b"421 4.7.0 ")
        assert everything(dial(tls)) == b""
        other = dial(starttls, "127.0.0.9")
        assert other.recv(1000).startswith(b"220 ")
        held.pop(0).close()
        wait_for(lambda: is_greeted(starttls), what="the place that was given back")
        assert "posthorn_smtp_in_refused_total 0\n" not in gateway.request("GET", "/metrics")[2]
        for plain in (*held, other):
            plain.close()
        wait_for(lambda: "posthorn_smtp_in_connections 0\n" in gateway.request("GET", "/metrics")[2], what="all to be gone")
        assert len(log(gateway, "smtpd.turned_away")) == 2  # one a door, not one a connection
    shutil.rmtree(gateway.folder, ignore_errors=True)


def is_greeted(port):
    with dial(port) as plain:
        return plain.recv(1000).startswith(b"220 ")


def test_when_all_places_are_taken_the_api_still_answers():
    """P8, LM18: 421 at once beyond the bound, and short patience near it."""
    port = free_port()
    with Gateway(**{"smtp.listen": f"{HOST}:{port}", "smtp.connections": 10, "smtp.connections_per_address": 100}) as gateway:
        held = [dial(port) for _ in range(10)]
        for plain in held:
            assert plain.recv(1000).startswith(b"220 ")
        assert everything(dial(port)).startswith(b"421 4.3.2 ")
        assert gateway.request("GET", "/healthz/ready")[0] == 200
        held[9].sendall(b"HUCH\r\n")
        assert b"421 " in everything(held.pop())
        for plain in held:
            plain.close()
    shutil.rmtree(gateway.folder, ignore_errors=True)


# ---- before the banner ----

def test_who_speaks_before_the_banner_is_sent_away(place):
    """PB13: where mail servers come. The gateway is stopped while the client connects, so that its words are surely first."""
    place.gateway.process.send_signal(signal.SIGSTOP)
    os.waitpid(place.gateway.process.pid, os.WUNTRACED)  # all its threads stand still
    try:
        early = {door: dial(place.way[door].port) for door in ("public", "starttls")}
        for plain in early.values():
            plain.sendall(b"EHLO x\r\nQUIT\r\n")
    finally:
        place.gateway.process.send_signal(signal.SIGCONT)
    assert everything(early["public"]).startswith(b"554 5.5.1 ")
    assert b"221 " in everything(early["starttls"])


# ---- hops ----

def v1(address):
    return f"PROXY TCP4 {address} 127.0.0.1 40000 25\r\n".encode()


def v2(address, family=0x11):
    ports = (40000).to_bytes(2, "big") + (25).to_bytes(2, "big")
    pack = socket.inet_aton if family == 0x11 else lambda text: socket.inet_pton(socket.AF_INET6, text)
    body = pack(address) + pack("127.0.0.1" if family == 0x11 else "::1") + ports + b"\x04\0\x03abc"
    return V2 + bytes([0x21, family]) + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize("door", ["starttls", "tls"])
@pytest.mark.parametrize("header", [v1, v2])
def test_a_proxy_names_its_client(place, door, header):
    """PB25: whom the header names is the client: trusted or not, whatever the proxy's own address is."""
    for client, code in ((CLIENT, 250), (OTHER, 530)):
        with From(place.way[door], PROXY, header(client)) as wire:
            wire.say("EHLO x", 250)
            wire.say("MAIL FROM:<a@shop.test>", code)


def test_a_proxy_that_names_nobody_speaks_for_nobody(place):
    """PB25: UNKNOWN, LOCAL and IPv6 headers are read; none makes anybody trusted."""
    for first in (b"PROXY UNKNOWN\r\n", V2 + b"\x20\0\0\0", v2("2001:db8::1", 0x21)):
        with From(place.way["starttls"], PROXY, first) as wire:
            wire.say("EHLO x", 250)
            wire.say("MAIL FROM:<a@shop.test>", 530)
            wire.say(f"XCLIENT ADDR={CLIENT}", 550)  # whoever stands behind a proxy is no hop


@pytest.mark.parametrize("first", [b"EHLO x\r\n" * 5, b"PROXY TCP4 1.2.3 4 5 6\r\n", b"PROXY TCP4 " + b"1" * 600, V2 + b"\x21\x11\xff\xff" + b"\0" * 600, b"\x16\x03\x01" * 20])
@pytest.mark.parametrize("door", ["starttls", "tls"])
def test_a_proxy_without_a_header_hears_nothing(place, door, first):
    """PB25"""
    plain = dial(place.way[door].port, PROXY)
    plain.sendall(first)
    assert everything(plain) == b""


def test_anybody_else_s_header_is_no_header(place):
    """PB25: forged by whoever likes."""
    for header in (v1(CLIENT), b"XCLIENT ADDR=" + CLIENT.encode() + b"\r\n"):
        with Wire(place.way["starttls"], greets=False) as wire:
            wire.send(header)
            assert wire.reply()[0] // 100 == 5
            assert "XCLIENT" not in wire.say("EHLO x", 250)[1]
            wire.say("MAIL FROM:<a@shop.test>", 530)


def test_behind_a_proxy_each_client_counts_for_himself(place):
    """AU21: the proxy's address has no share; the client's has, over all hops."""
    held = [From(place.way["starttls"], PROXY, v1(OTHER)) for _ in range(20)]
    plain = dial(place.way["starttls"].port, PROXY)
    plain.sendall(v1(OTHER))
    assert everything(plain).startswith(b"421 4.7.0 ")
    with From(place.way["starttls"], XCLIENT) as wire:
        wire.say("EHLO x", 250)
        wire.send(f"XCLIENT ADDR={OTHER}\r\n".encode())
        assert wire.rest()[-1][0] == 421
    with From(place.way["starttls"], PROXY, v1(CLIENT)) as wire:
        wire.say("EHLO x", 250)
    for wire in held:
        wire.close()


def test_a_proxy_s_loopback_is_not_ours():
    """AU01: who is beside the proxy is on its machine, and what he says in clear comes over the network to this one."""
    made = Place(**{"smtp.proxies": PROXY, "smtp.auth_without_tls": "loopback"})
    try:
        with Wire(made.way["starttls"], greets=False) as wire:
            assert "AUTH" in wire.say("EHLO here", 250)[1]
        for header in (v1("127.0.0.1"), v1(PROXY), b"PROXY TCP6 ::1 ::1 40000 25\r\n"):
            with From(made.way["starttls"], PROXY, header) as wire:
                assert "AUTH" not in wire.say("EHLO there", 250)[1], header
                wire.say("AUTH PLAIN AGEAYg==", 538)
    finally:
        made.close()


def test_an_xclient_hop_names_its_client(place):
    """PB25, AU01"""
    with From(place.way["starttls"], XCLIENT) as wire:
        assert "XCLIENT" in wire.say("EHLO hop", 250)[1]
        wire.say("MAIL FROM:<a@shop.test>", 530)
        wire.say(f"XCLIENT ADDR={CLIENT} NAME=printer.test", 220)
        wire.say("EHLO printer", 250)
        wire.say("MAIL FROM:<a@shop.test>", 250)
        wire.say("RSET", 250)
        wire.say("XCLIENT ADDR=[UNAVAILABLE]", 220)
        wire.say("EHLO nobody", 250)
        wire.say("MAIL FROM:<a@shop.test>", 530)  # the trust was the printer's


def test_a_hop_s_own_login_ends_where_it_names_a_client(place):
    """AU19: whoever logged in before is not who sends behind it."""
    way = place.way["tls"]
    with From(way, XCLIENT) as wire:
        wire.say("EHLO hop", 250)
        wire.say(f"AUTH PLAIN {credentials(way.user, way.password)}", 235)
        wire.say(f"XCLIENT ADDR={CLIENT}", 220)
        wire.say("EHLO printer", 250)
        wire.say("MAIL FROM:<a@shop.test>", 250)
        wire.say("RCPT TO:<hopped@example.org>", 250)
        wire.say("DATA", 354)
        wire.send(LETTER)
        message = wire.reply()[1].rpartition(" ")[2]
    line, = [line for line in log(place.gateway, "smtpd.accepted") if message in line]
    assert f"trusted={CLIENT}/32 " in line and way.user not in line


def test_a_proxy_s_client_is_no_xclient_hop(place):
    """PB25: a hop is one by its connection, not by what another hop says of it."""
    with From(place.way["starttls"], PROXY, v1(XCLIENT)) as wire:
        assert "XCLIENT" not in wire.say("EHLO x", 250)[1]
        wire.say(f"XCLIENT ADDR={CLIENT}", 550)


def test_a_proxy_s_client_may_not_speak_early(place):
    """PB13 behind a proxy: the header, and more at once."""
    plain = dial(place.way["public"].port, PROXY)
    plain.sendall(v1(OTHER) + b"EHLO x\r\n")
    assert everything(plain).startswith(b"554 5.5.1 ")


# ---- trusted networks ----

def test_a_trusted_network_submits_for_its_domain_alone(place):
    """Without a login; every mail of it stands in the log, and so does the network at the start. The narrowest network counts."""
    with From(place.way["starttls"], PROXY, v1(CLIENT)) as wire:
        assert "AUTH" not in wire.say("EHLO printer", 250)[1]
        wire.say("MAIL FROM:<a@other.test>", 550)
        wire.say("MAIL FROM:<a@shop.test>", 250)
        wire.say("RCPT TO:<trusted@example.org>", 250)
        wire.say("DATA", 354)
        wire.send(LETTER)
        assert wire.reply()[0] == 250
    assert place.arrived("trusted@example.org")
    assert f"network={CLIENT}/32 domain=shop.test" in log(place.gateway, "smtp.trusted")[1]
    assert any(CLIENT in line for line in place.gateway.log.read_text().splitlines() if "event=smtpd.accepted" in line)
    doctor = place.gateway.cli("doctor", check=False).stdout.decode()
    assert f"{CLIENT}=shop.test" in doctor and "self-signed" in doctor


def test_a_user_in_a_trusted_network_may_log_in_as_himself(place):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    raw = dial(place.way["tls"].port, PROXY)
    raw.sendall(v1(CLIENT))
    with smtplib.SMTP() as smtp:
        smtp.sock = context.wrap_socket(raw)
        assert smtp.getreply()[0] == 220
        smtp.login(place.way["tls"].user, place.way["tls"].password)
        smtp.sendmail("a@shop.test", ["himself@example.org"], b"From: a@shop.test\r\nSubject: x\r\n\r\nx\r\n")
    line = next(line for line in log(place.gateway, "smtpd.accepted") if f"client={CLIENT}" in line and "user=" + place.way["tls"].user in line)
    assert 'trusted=""' in line or "trusted= " in line, line


# ---- certificates ----

def served(port):
    return ssl.get_server_certificate((HOST, port))


def test_certificates_are_renewed_without_a_restart(tmp_path):
    """SIGHUP: who is connected stays, who comes gets the new one, a bad file changes nothing."""
    files = {name: tmp_path / name for name in ("cert.pem", "key.pem")}

    def install(pair):
        for source, name in zip(pair, files):
            shutil.copy(source, files[name])

    install(certificate())
    starttls, tls = free_port(), free_port()
    with Gateway(**{"smtp.listen": f"{HOST}:{starttls}", "smtp.listen_tls": f"{HOST}:{tls}", "tls.cert": files["cert.pem"], "tls.key": files["key.pem"]}) as gateway:
        assert not (gateway.folder / "data" / "smtp-key.pem").exists()
        first = served(tls)
        context = ssl.create_default_context(cafile=str(files["cert.pem"]))
        context.check_hostname = False
        old = context.wrap_socket(dial(tls))
        install(certificate())
        gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: served(tls) != first, what="the new certificate")
        second = served(tls)
        client = smtplib.SMTP(HOST, starttls)
        fresh = ssl.create_default_context(cadata=second)
        fresh.check_hostname = False
        client.starttls(context=fresh)
        client.quit()
        files["key.pem"].write_text("no key")
        gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: log(gateway, "app.reload_failed"), what="the word about the bad key")
        assert served(tls) == second
        assert old.recv(1000).startswith(b"220 ")
        old.sendall(b"QUIT\r\n")
        assert everything(old).startswith(b"221 ")
    shutil.rmtree(gateway.folder, ignore_errors=True)


# ---- systemd's sockets ----

LAUNCHER = """
import os, sys
count = int(sys.argv[1])
names = sys.argv[2]
fds = [int(x) for x in sys.argv[3].split(",")]
high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count), LISTEN_FDNAMES=names)
os.execvp(sys.argv[4], sys.argv[4:])
"""


class Activated(Gateway):
    """A gateway whose sockets were opened for it: (name, socket) each."""

    def __init__(self, sockets, **options):
        super().__init__(**options)
        self.sockets = sockets

    def start(self, ready=True):
        names, fds = zip(*[(name, s.fileno()) for name, s in self.sockets])
        arguments = [str(len(fds)), ":".join(names), ",".join(map(str, fds))]
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen([sys.executable, "-c", LAUNCHER, *arguments, POSTHORN, "serve", *self.arguments()], stdout=out,
                                            stderr=out, cwd=self.folder, pass_fds=fds)
        if ready:
            wait_for(lambda: self.is_ready() or self.process.poll() is not None, what="the gateway to be ready")
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-4000:]
        return self


def listening():
    made = socket.socket()
    made.bind((HOST, 0))
    made.listen()
    return made, made.getsockname()[1]


def test_sockets_that_systemd_opened_are_used():
    """By their names, several of one; what the file says for the same name is not opened."""
    (http, http_port), (smtp, smtp_port), (more, more_port), (smtps, smtps_port), (home, home_port) = (listening() for _ in range(5))
    unused = free_port()
    gateway = Activated([("http", http), ("smtp", smtp), ("smtp", more), ("smtps", smtps), ("return-path", home)], **{"smtp.listen": f"{HOST}:{unused}"})
    gateway.port = http_port
    with gateway:
        tenant = gateway.tenant("shop.test")
        for port in (smtp_port, more_port, home_port):
            assert is_greeted(port)
        assert "BEGIN CERTIFICATE" in served(smtps_port)
        with pytest.raises(ConnectionRefusedError):
            dial(unused)
        user = gateway.api("EmailGateway.AddSMTP", APIKey=tenant.api_key, DomainID=tenant.domain_id)["SMTP"]
        assert [int(port) for port in user["SMTPPorts"]] == [smtp_port, more_port, smtps_port]
    for made in (http, smtp, more, smtps, home):
        made.close()
    shutil.rmtree(gateway.folder, ignore_errors=True)


@pytest.mark.parametrize("name, is_listening, why", [("web", True, "FileDescriptorName="), ("smtp", False, "no listening stream socket")])
def test_a_socket_nobody_can_use_is_told(name, is_listening, why):
    made = listening()[0] if is_listening else socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    gateway = Activated([(name, made)]).start(ready=False)
    assert gateway.process.wait(timeout=60) == 1
    assert why in gateway.log.read_text()
    made.close()
    shutil.rmtree(gateway.folder, ignore_errors=True)


# ---- the whole ----

def test_users_are_told_the_ports_that_are_there(place):
    row = place.gateway.api("EmailGateway.GetSMTPs", APIKey=place.tenant.api_key, DomainID=place.tenant.domain_id)["SMTPs"][0]
    assert sorted(map(int, row["SMTPPorts"])) == sorted(way.port for way in place.way.values())
    assert f"TLS from the start on port {place.way['tls'].port};" in row["OtherSMTPInfo"]


def test_stopping_says_so_to_whoever_is_there():
    """PB28"""
    port = free_port()
    gateway = Gateway(**{"smtp.listen": f"{HOST}:{port}"})
    with gateway:
        held = [dial(port) for _ in range(5)]
        for plain in held:
            plain.recv(1000)
        began = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        for plain in held:
            assert everything(plain).startswith(b"421 ")
        assert gateway.process.wait(timeout=60) == 0
        assert time.monotonic() - began < 60
        gateway.process = None
        gateway.start()
    shutil.rmtree(gateway.folder, ignore_errors=True)


def test_the_first_screen_works_as_printed(tmp_path):
    """What ./run shows: user and password log in, and the swaks line names them."""
    starttls, tls = free_port(), free_port()
    gateway = Gateway(**{"smtp.listen": f"{HOST}:{starttls}", "smtp.listen_tls": f"{HOST}:{tls}"})
    tenant = gateway.tenant("shop.test")
    said = tmp_path / "smtp-user.txt"
    said.write_bytes(gateway.cli("smtp-user", "add", "--domain", tenant.domain).stdout)
    process = subprocess.Popen([POSTHORN, "serve", "--greet", tenant.domain, said, *gateway.arguments()], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=gateway.folder)
    try:
        screen = ""
        while "Ctrl-C" not in screen:
            screen += process.stdout.readline().decode()
        user, password = re.search(r"SMTP user +(\S+)\n +password +(\S+)\n", screen).groups()
        assert f"swaks --server {HOST}:{starttls} --tls --auth-user {user} --auth-password {password} " in screen
        assert f"{HOST}:{tls} with TLS" in screen
        context = ssl._create_unverified_context()
        with smtplib.SMTP(HOST, starttls) as client:
            client.starttls(context=context)
            client.login(user, password)
            client.sendmail(f"you@{tenant.domain}", ["friend@example.org"], f"From: you@{tenant.domain}\r\nSubject: Hello\r\n\r\nIt works.\r\n")
        wait_for(lambda: gateway.cli_json("inbox", "list")["Messages"], what="the mail in the inbox")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        process.stdout.close()
    shutil.rmtree(gateway.folder, ignore_errors=True)
