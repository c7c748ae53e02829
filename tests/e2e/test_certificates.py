"""test_certificates.py - a certificate for each host by SNI: out of a folder, and from an authority that checks us over HTTP.

SPDX-License-Identifier: Apache-2.0"""
import email
import email.policy
import re
import signal
import smtplib
import socket
import ssl
import stat
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from authority import Pebble
from certificates import Authority
from gateway import Gateway, free_port, wait_for
from zone import Zone

OWN, TRACK = "mx.posthorn.test", "track.mail.shop.test"


def shown(port, name, root=None):
    """The certificate that a server shows to that SNI (None: no SNI), in DER; checked against `root` when there is one."""
    if root:
        context = ssl.create_default_context(cadata=root)
    else:
        context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname=name) as tls:
            return tls.getpeercert(binary_form=True)


def names(der):
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return found.value.get_values_for_type(x509.DNSName)


def read(pair):
    """A pair's leaf, DER."""
    return ssl.PEM_cert_to_DER_cert(pair.cert.read_text().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")


def hang_up(gateway):
    gateway.process.send_signal(signal.SIGHUP)


@contextmanager
def world(life_s=None, **options):
    """A zone, an authority, and a gateway that has begun to ask it."""
    zone = Zone({(OWN, "A"): ["127.0.0.1"]})
    tls, smtp = free_port(), free_port()
    gateway = Gateway(**{"http.tls_listen": f"127.0.0.1:{tls}", "smtp.listen": f"127.0.0.1:{smtp}", **options})
    gateway.tls, gateway.smtp = tls, smtp
    try:
        with Pebble(zone, gateway.port, life_s) as pebble:
            gateway.options.update(pebble.options())
            yield zone, pebble, gateway
    finally:
        zone.close()


def test_the_gateways_own_host_and_verified_tracking_hosts_get_one():
    with world() as (zone, pebble, gateway), gateway:
        root = pebble.root()
        wait_for(lambda: names(shown(gateway.tls, OWN)) == [OWN], what="our own certificate")
        own = shown(gateway.tls, OWN, root)
        assert shown(gateway.tls, None) == own and shown(gateway.tls, "stranger.example") == own  # there is no other to show
        with smtplib.SMTP("127.0.0.1", gateway.smtp, timeout=30) as smtp:
            smtp.starttls()
            assert smtp.sock.getpeercert(binary_form=True) == own

        tenant = gateway.tenant()
        other = gateway.tenant("other.test")
        assert shown(gateway.tls, TRACK) == own  # nobody has seen its CNAME
        zone.add(TRACK, "CNAME", OWN + ".")
        answer = gateway.api("EmailGateway.VerifyDomain", APIKey=tenant.api_key, DomainID=tenant.domain_id)
        assert [r["Verified"] for r in answer["DNSVerificationResults"] if r["Host"] == TRACK] == [True]
        hang_up(gateway)
        wait_for(lambda: names(shown(gateway.tls, TRACK)) == [TRACK], what="the tracking host's certificate")
        shown(gateway.tls, TRACK, root)
        assert shown(gateway.tls, TRACK.upper(), root) and shown(gateway.tls, OWN) == own
        assert pebble.said("track.mail.other.test") == 0 and other  # not verified: never asked for

        healthy = gateway.cli("doctor", check=False).stdout.decode()
        assert "the one of our host name" in healthy and "2 by host name" in healthy, healthy

        folder = gateway.folder / "data" / "acme"
        keys = [p for p in folder.rglob("*") if p.is_file()]
        assert {p.name for p in keys} >= {"account.key", OWN + ".pem", TRACK + ".pem"}
        assert all(stat.S_IMODE(p.stat().st_mode) == 0o600 for p in keys)
        assert "BEGIN" not in gateway.log.read_text()  # P10
        assert "posthorn_certificates_issued_total 2" in gateway.request("GET", "/metrics")[2]

        orders = pebble.said("order-plz")
        gateway.stop()
        gateway.start()
        hang_up(gateway)
        assert shown(gateway.tls, OWN) == own and names(shown(gateway.tls, TRACK)) == [TRACK]
        assert pebble.said("order-plz") == orders  # they are there still


def test_challenges_are_answered_for_what_was_ordered_and_for_nothing_else():
    with world() as (_, _, gateway), gateway:
        wait_for(lambda: names(shown(gateway.tls, OWN)) == [OWN], what="our own certificate")
        for path in ("", "x", "account.key", "A" * 300):
            assert gateway.request("GET", "/.well-known/acme-challenge/" + path)[0] == 404, path
        assert gateway.request("GET", "/.well-known/acme-challenge/../../account.key")[0] in (400, 404)


def test_a_refusal_waits_and_is_told_and_a_hang_up_tries_again():
    with world() as (zone, pebble, gateway):
        zone.records.clear()
        zone.add("ca.posthorn.test", "A", "127.0.0.1")
        with gateway:
            wait_for(lambda: "acme.refused" in gateway.log.read_text(), what="the refusal")
            wait_for(lambda: [*(gateway.folder / "data" / "acme").rglob("failures")], what="its file")
            failures = next((gateway.folder / "data" / "acme").rglob("failures"))
            wait_for(lambda: failures.exists() and failures.read_text().startswith(OWN + " 1 "), what="the note")
            assert names(shown(gateway.tls, OWN)) == [OWN, "localhost"]  # the one that we made
            tried = pebble.said("order-plz")
            gateway.stop()
            zone.add(OWN, "A", "127.0.0.1")
            gateway.start()
            assert pebble.said("order-plz") == tried  # it waits over a restart
            hang_up(gateway)
            wait_for(lambda: names(shown(gateway.tls, OWN)) == [OWN], what="the certificate")
            wait_for(lambda: failures.read_text() == "", what="the failure to be forgotten")


def test_a_certificate_is_renewed_before_its_end():
    with world(life_s=15) as (_, pebble, gateway), gateway:
        wait_for(lambda: names(shown(gateway.tls, OWN)) == [OWN], what="our own certificate")
        first = shown(gateway.tls, OWN)

        def is_another():
            hang_up(gateway)
            return shown(gateway.tls, OWN) != first

        wait_for(is_another, what="the renewal")
        assert shown(gateway.tls, OWN, pebble.root()) != first


def test_an_old_certificate_in_the_folder_gives_way_and_a_fresh_one_does_not(tmp_path):
    authority = Authority()
    old, fresh = authority.issue(OWN, first_day=-80, last_day=5), authority.issue(OWN, first_day=-1, last_day=80)
    (tmp_path / "own.pem").write_bytes(old.cert.read_bytes() + old.key.read_bytes())
    with world(**{"tls.folder": tmp_path}) as (_, pebble, gateway), gateway:
        wait_for(lambda: shown(gateway.tls, OWN) != read(old), what="the authority's")
        shown(gateway.tls, OWN, pebble.root())
        (tmp_path / "own.pem").write_bytes(fresh.cert.read_bytes() + fresh.key.read_bytes())
        hang_up(gateway)
        wait_for(lambda: shown(gateway.tls, OWN) == read(fresh), what="the operator's")
        assert pebble.said("Issued certificate") == 1 and "acme.refused" not in gateway.log.read_text()


def test_an_authority_that_is_away_is_nobodys_failure():
    with world() as (_, pebble, gateway):
        pebble.stop()
        with gateway:
            wait_for(lambda: "acme.authority" in gateway.log.read_text(), what="the failure")
            assert gateway.log.read_text().count("acme.authority") == 1 and "acme.refused" not in gateway.log.read_text()
            assert gateway.is_ready() and names(shown(gateway.tls, OWN)) == [OWN, "localhost"]
            pebble.start()
            hang_up(gateway)
            wait_for(lambda: names(shown(gateway.tls, OWN)) == [OWN], what="the certificate")


@pytest.fixture
def folder(tmp_path):
    authority = Authority()
    path = tmp_path / "certificates"
    path.mkdir()
    tls = free_port()
    default = authority.issue("default.test")
    options = {"http.tls_listen": f"127.0.0.1:{tls}", "tls.folder": path, "tls.cert": default.cert, "tls.key": default.key}
    gateway = Gateway(**options)
    gateway.tls, gateway.default = tls, default
    return authority, path, gateway


def test_a_folder_of_certificates_is_what_sni_picks_from(folder):
    authority, path, gateway = folder
    a, b, wild = authority.issue("a.test", "also.a.test"), authority.issue("b.test"), authority.issue("*.wild.test")
    (path / "a.pem").write_bytes(a.cert.read_bytes() + a.key.read_bytes())
    (path / "b.crt").write_bytes(b.cert.read_bytes())
    (path / "b.key").write_bytes(b.key.read_bytes())
    (path / "wild.test").mkdir()
    (path / "wild.test" / "fullchain.pem").write_bytes(wild.cert.read_bytes())
    (path / "wild.test" / "privkey.pem").write_bytes(wild.key.read_bytes())
    root = authority.root.cert.read_text()
    with gateway:
        for name, pair in {"a.test": a, "also.a.test": a, "B.TEST": b, "x.wild.test": wild}.items():
            assert shown(gateway.tls, name, root) == read(pair), name
        for stranger in (None, "c.test", "wild.test", "x.y.wild.test", "a.test.example", "x" * 63 + ".test"):
            assert shown(gateway.tls, stranger) == read(gateway.default), stranger


def test_what_changes_in_the_folder_is_read_and_what_is_wrong_changes_nothing(folder):
    authority, path, gateway = folder
    first, second = authority.issue("a.test"), authority.issue("a.test")
    (path / "a.crt").write_bytes(first.cert.read_bytes())
    (path / "a.key").write_bytes(first.key.read_bytes())
    with gateway:
        assert shown(gateway.tls, "a.test") == read(first)
        (path / "a.crt").write_bytes(second.cert.read_bytes())
        hang_up(gateway)
        wait_for(lambda: "belongs to another key" in gateway.log.read_text(), what="the word about it")
        assert shown(gateway.tls, "a.test") == read(first)  # half of a change is none
        (path / "a.key").write_bytes(second.key.read_bytes())
        (path / "rubbish.pem").write_text("rubbish")
        hang_up(gateway)
        wait_for(lambda: shown(gateway.tls, "a.test") == read(second), what="the change")
        (path / "a.crt").unlink()
        hang_up(gateway)
        wait_for(lambda: shown(gateway.tls, "a.test") == read(gateway.default), what="it to be gone")


def click_url(gateway, tenant):
    """The one link of a fresh mail, as its recipient gets it."""
    before = len(gateway.cli_json("inbox", "list")["Messages"])
    gateway.sent(tenant.key, ContentType="html", HtmlContent='<a href="https://shop.example/offer">x</a>', TrackLinks=True)
    wait_for(lambda: len(gateway.cli_json("inbox", "list")["Messages"]) > before, what="the mail")
    content = gateway.cli("inbox", "raw", str(before + 1)).stdout
    html = email.message_from_bytes(content, policy=email.policy.default).get_body(("html",)).get_content()
    return urlsplit(re.search(r'href="([^"]+)"', html)[1])


def test_links_are_https_of_the_tracking_host_once_it_has_a_certificate(tmp_path):
    authority, zone, tls = Authority(), Zone({(OWN, "A"): ["127.0.0.1"], (TRACK, "CNAME"): [OWN + "."]}), free_port()
    own, track = authority.issue(OWN), authority.issue(TRACK)
    with Gateway(**{"http.tls_listen": f"127.0.0.1:{tls}", "tls.cert": own.cert, "tls.key": own.key, "track.base_url": f"https://{OWN}",
                    "dns.servers": zone.server, "tls.folder": tmp_path}) as gateway:
        tenant = gateway.tenant()
        gateway.api("EmailGateway.VerifyDomain", APIKey=tenant.api_key, DomainID=tenant.domain_id)
        assert click_url(gateway, tenant).netloc == OWN  # its CNAME is right, but nobody could verify it
        (tmp_path / "track.pem").write_bytes(track.cert.read_bytes() + track.key.read_bytes())
        hang_up(gateway)
        wait_for(lambda: shown(tls, TRACK) == read(track), what="the certificate")
        url = click_url(gateway, tenant)
        assert url.netloc == TRACK
        context = ssl.create_default_context(cadata=authority.root.cert.read_text())
        with socket.create_connection(("127.0.0.1", tls), timeout=30) as plain, context.wrap_socket(plain, server_hostname=TRACK) as secure:
            secure.sendall(f"GET {url.path} HTTP/1.1\r\nHost: {TRACK}\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: secure.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 302 ") and b"https://shop.example/offer" in answer
    zone.close()


def open_alerts(gateway):
    return {a["Key"].rpartition("/")[2]: a["Text"] for a in gateway.cli_json("alerts", "list")["Alerts"] if a["State"] == "open" and a["Kind"] == "certificate"}


def test_the_operator_hears_of_what_expires_and_of_what_is_wrong(folder):
    authority, path, gateway = folder
    late, fine = authority.issue("late.test", first_day=-80, last_day=5), authority.issue("fine.test")
    short = authority.issue("short.test", first_day=0, last_day=6)
    for name, pair in {"late": late, "fine": fine, "short": short}.items():
        (path / f"{name}.pem").write_bytes(pair.cert.read_bytes() + pair.key.read_bytes())
    (path / "wrong.pem").write_text("rubbish")
    gateway.options.update({"alerts.every": "1s", "alerts.calm": "1s"})
    with gateway:
        wait_for(lambda: len(open_alerts(gateway)) >= 2, what="the alerts")
        told = open_alerts(gateway)
        assert set(told) == {"late.pem", "wrong.pem"}, told  # short lives for a week: it is not late yet
        assert "expires in" in told["late.pem"] and "no certificate in PEM" in told["wrong.pem"]
        found = gateway.cli("doctor", check=False).stdout.decode()
        assert "host certificates" in found and "wrong.pem" in found
        (path / "wrong.pem").unlink()
        (path / "late.pem").write_bytes(fine.cert.read_bytes() + fine.key.read_bytes())
        hang_up(gateway)
        wait_for(lambda: not open_alerts(gateway), what="them to be over")


def test_a_stop_does_not_wait_for_an_authority(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        gateway = Gateway(**{"acme.directory": f"https://127.0.0.1:{silent.getsockname()[1]}/dir", "acme.agree": "yes"})
        with gateway:
            silent.accept()
            began = time.monotonic()
            gateway.stop()
            assert time.monotonic() - began < 20


def test_an_authority_needs_the_operators_consent():
    gateway = Gateway(**{"acme.directory": "https://ca.example/dir"})
    result = gateway.cli("check-config", check=False)
    assert result.returncode != 0 and b"agree" in result.stderr
