"""Links that come home, over real HTTP: what is forged, cut, turned over or too old leads nowhere and is no event; what is right is
written once and marked; pages ask before anything changes. Ids of 2.L.

SPDX-License-Identifier: Apache-2.0"""
import contextlib
import http.client
import os
import re
import shutil
import signal
import sqlite3
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from conftest import fresh_database
from countries import country_database
from gateway import Gateway, free_port, wait_for
from links import BROWSER, CLICK, LEAVE, OPEN, PATHS, Sent, Signer, spelled, unspelled, visit
from test_metrics import numbers

TARGET = "https://shop.example/a?b=1&c=2#top"
GIF_BYTES = 43
ONE_CLICK = {"method": "POST", "body": "List-Unsubscribe=One-Click", "Content_Type": "application/x-www-form-urlencoded"}
NUMBERS = iter(range(10**6))
SHARED = {}  # of a gateway: the tenant of those who need none of their own
PATIENT = {"track__patience": 60000}  # so that a slow machine's answers tell what the store said


@pytest.fixture(scope="module")
def shared(request):
    with Gateway(database=fresh_database(request), **PATIENT) as gateway:
        yield gateway
    shutil.rmtree(gateway.folder, ignore_errors=True)


def new(gateway, to=None, alone=False, **fields):
    """A message that somebody has had for a while, to a recipient of its own; alone: of a tenant of its own."""
    tenant = None if alone else SHARED.get(gateway)
    if not tenant:
        tenant = gateway.tenant(f"t{next(NUMBERS)}.test")
    if not alone:
        SHARED[gateway] = tenant
    return Sent(gateway, tenant, to=to or f"reader{next(NUMBERS)}@example.org", **fields).rest()


def look(sent, link, **more):
    return visit(sent.gateway.port, Signer(sent.gateway).path(link), more.pop("host", sent.host), **more)


def assert_nowhere(sent, answer, status=404):
    """Nothing but the page that says so, and no event."""
    assert answer[0] == status and "Location" not in answer[1] and b"<h1>" in answer[2] and b"GIF" not in answer[2]
    assert sent.events() == []


# ---- what is right ----
def test_an_open_a_click_and_their_events(shared):
    """TR14, TR20: a picture of 43 bytes and a redirect, for nobody's cache, that tell nobody where they were."""
    sent = new(shared)
    status, headers, body = look(sent, sent.link(OPEN))
    assert (status, headers["Content-Type"], len(body), headers["Content-Length"]) == (200, "image/gif", GIF_BYTES, str(GIF_BYTES))
    click = look(sent, sent.link(CLICK))
    assert (click[0], click[1]["Location"], click[2]) == (302, TARGET, b"")
    for found in (headers, click[1]):
        assert (found["Cache-Control"], found["Referrer-Policy"]) == ("no-store", "no-referrer") and "Set-Cookie" not in found
        assert found.get_all("X-Content-Type-Options") == ["nosniff"]
    clicked, opened = sent.events()
    assert (opened["EventType"], clicked["EventType"]) == ("open", "click")
    details = clicked["Details"]
    assert (details["Link"], details["LinkIndex"], details["UserAgent"]) == (TARGET, 3, BROWSER) and "Bot" not in details
    assert opened["Details"]["Client"] == "Firefox" and opened["Details"]["Device"] == "desktop"


def test_P7_hits_that_were_answered_are_there_after_kill_9(database):
    with Gateway(database=database, **PATIENT) as gateway:
        sent = new(gateway)
        path, answered = Signer(gateway).path(sent.link(OPEN)), []

        def open_often(_):
            with contextlib.suppress(OSError, http.client.HTTPException):
                for _ in range(12):
                    answered.append(visit(gateway.port, path, sent.host)[0])
        with ThreadPoolExecutor(4) as pool:
            done = pool.map(open_often, range(4))
            wait_for(lambda: len(answered) >= 12, what="some answers")
            gateway.kill()
            list(done)
        gateway.start()
        assert set(answered) == {200} and len(answered) <= len(sent.events("open")) <= 48


def test_the_gateways_own_host_serves_every_domain(shared):
    sent = new(shared)
    assert look(sent, sent.link(OPEN), host="mx.posthorn.test:8080")[0] == 200
    assert look(sent, sent.link(CLICK), host=sent.host.upper() + ".")[0] == 302
    assert len(sent.events()) == 2


def test_TR06_machines_are_marked_and_replays_bounded(shared):
    """TR06, TR17: HEAD, prefetch and scanners never count as the first; of 200 opens of a person one is unique, 60 are kept."""
    sent = new(shared, alone=True)
    before = numbers(shared)
    assert look(sent, sent.link(OPEN), method="HEAD") [0] == 200
    assert look(sent, sent.link(OPEN), Purpose="prefetch")[0] == 200
    assert look(sent, sent.link(OPEN), agent="curl/8.0")[0] == 200
    assert [e["Details"].get("BotSigns") for e in sent.events("open")] == ["scanner", "prefetch", "head"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: look(sent, sent.link(OPEN))[0], range(200)))
    assert answers == [200] * 200
    assert shared.events_total(sent.tenant.key, Event="open") == 60
    firsts = shared.rows(f"SELECT count(*) FROM events WHERE recipient_id = {sent.recipient} AND type = 7 AND is_first = 1")
    assert firsts == [("1",)]
    after = numbers(shared)
    grown = {k: after[f"posthorn_track_{k}_total"] - before[f"posthorn_track_{k}_total"] for k in ("hits", "machines", "dropped", "lost")}
    assert grown == {"hits": 60, "machines": 3, "dropped": 143, "lost": 0}


def test_TR17_beyond_the_bound_a_link_is_judged_all_the_same(shared):
    """TR10, TR16: what is not written any more still leads only where it should."""
    sent = new(shared, alone=True)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: look(sent, sent.link(CLICK)), range(70)))
    assert look(sent, sent.link(CLICK), host="track.mail.other.test")[0] == 404
    shared.cli("domain", "suspend", sent.tenant.domain, "--because", "phishing")
    assert look(sent, sent.link(CLICK))[0] == 410


@pytest.mark.parametrize("more", ["?_se=abc%40x", "?utm_source=a&utm_medium=b", "&utm_source=a", "/", "/index.html", ".", ")"])
def test_TR18_what_others_append_changes_nothing(shared, more):
    sent = new(shared)
    status, headers, _ = visit(shared.port, Signer(shared).path(sent.link(CLICK)) + more, sent.host)
    assert (status, headers["Location"]) == (302, TARGET) and len(sent.events("click")) == 1


@pytest.mark.parametrize("respell", [str.upper, lambda p: p[:3] + p[3:].title(), lambda p: p[:3] + "".join(f"%{ord(c):02x}" for c in p[3:])])
def test_TR19_folded_and_encoded_links_work(shared, respell):
    sent = new(shared)
    path = respell(Signer(shared).path(sent.link(CLICK)))
    status, headers, _ = visit(shared.port, path, sent.host)
    assert (status, headers["Location"]) == (302, TARGET) and len(sent.events("click")) == 1


# ---- what is not ----
@pytest.mark.parametrize("kind", [OPEN, CLICK, LEAVE])
def test_TR01_TR02_no_byte_of_a_token_may_differ(shared, kind):
    """TR01, TR02, TR05: every bit turned over, every cut: the same 404."""
    sent = new(shared)
    whole = unspelled(Signer(shared).token(sent.link(kind)))
    forged = [whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1:] for i in range(len(whole))]
    forged += [whole[:n] for n in range(len(whole))] + [whole[:-12], whole + b"\0", whole + whole]
    bodies = {look_at(sent, PATHS[kind] + spelled(x)) for x in forged}
    assert len(bodies) == 1 and bodies.pop()[0] == 404
    assert sent.events() == []


def look_at(sent, path):
    status, headers, body = visit(sent.gateway.port, path, sent.host)
    assert "Location" not in headers
    return status, body


def test_TR03_a_token_is_good_for_one_purpose(shared):
    sent = new(shared)
    for kind in (OPEN, CLICK, LEAVE):
        token = Signer(shared).token(sent.link(kind))
        for path in PATHS:
            if path != PATHS[kind]:
                assert_nowhere(sent, visit(shared.port, path + token, sent.host))


@pytest.mark.parametrize("target", ["javascript:alert(1)", "data:text/html,x", "//evil.test/", "/\\evil.test", "https://a.test/\r\nX: y",
                                    "mailto:a@b.test", "", "https://", "https://a.test/ b", "https://user@evil.test:x/"])
def test_TR04_not_even_our_signature_makes_such_a_target_a_redirect(shared, target):
    sent = new(shared)
    assert_nowhere(sent, look(sent, sent.link(CLICK, target=target)))


def test_forged_resigned_and_expired(shared):
    """TR01, TR02: with a key of somebody's own, with one of ours for something else, and after its day."""
    sent = new(shared)
    other = Signer(shared)
    other.master = bytes(32)
    assert_nowhere(sent, visit(shared.port, other.path(sent.link(CLICK)), sent.host))
    for version in (0, 2, 255):
        assert_nowhere(sent, visit(shared.port, Signer(shared).path(sent.link(CLICK), version or 256 - 1), sent.host))
    today = int(time.time()) // 86400
    assert_nowhere(sent, look(sent, sent.link(CLICK, day=today)))
    assert_nowhere(sent, look(sent, sent.link(CLICK, day=1)))
    assert look(sent, sent.link(CLICK, day=today + 2))[0] == 302


def test_TR10_another_tenants_host(shared):
    """TR09, TR10, TN01: neither look nor act, whoever's host or message it is."""
    mine, other = new(shared), new(shared, alone=True)
    for kind in (OPEN, CLICK, LEAVE):
        assert_nowhere(mine, look(mine, mine.link(kind), host=other.host))
    assert_nowhere(mine, look(mine, mine.link(LEAVE), host=other.host, **ONE_CLICK))
    mixed = replace(mine.link(OPEN), recipient=other.recipient)  # signed as we never would: nobody's event
    assert look(mine, mixed)[0] == 200
    assert mine.events() == other.events() == []


def test_TR05_what_is_no_token(shared):
    sent = new(shared)
    for path in ("/o/", "/c/x", "/u/" + "a" * 3601, "/c/" + "%ff" * 30, "/o/" + "a" * 40, "/c//" + "a" * 40, "/o/..%2f..%2fetc"):
        status, _, _ = visit(shared.port, path, sent.host)
        assert status in (400, 404), path
    assert visit(shared.port, "/c/" + "a" * 65536, sent.host)[0] == 414, "TR12"
    assert visit(shared.port, Signer(shared).path(sent.link(OPEN)), sent.host, method="POST", body="x")[0] == 405
    assert sent.events() == []


def test_TR11_nobody_is_named_in_a_link_and_no_link_in_the_log(database):
    """TR11, P10: not even by a log that tells everything."""
    with Gateway(database=database, log__level="debug") as gateway:
        sent = new(gateway, to="very.private@example.org")
        tokens = [Signer(gateway).token(sent.link(kind)) for kind in (OPEN, CLICK, LEAVE)]
        for path, token in zip(PATHS, tokens):
            assert b"private" not in unspelled(token)
            assert visit(gateway.port, path + token, sent.host)[0] in (200, 302)
        lines = [line for line in gateway.log.read_text().splitlines() if "http.request" in line]
        assert any("path=/u/ " in line for line in lines)
        assert not [line for line in lines if "private" in line or any(token in line for token in tokens)]


# ---- leaving ----
def refuses(sent):
    status, answer = sent.gateway.send(sent.tenant.key, to=sent.to, sender=f"a@{sent.tenant.domain}")
    assert status == 200 or answer["Errors"][0]["Code"] == 14, answer
    return status != 200


def test_TR07_the_page_asks_and_only_post_acts(shared):
    sent = new(shared)
    for method in ("GET", "HEAD"):
        status, headers, body = look(sent, sent.link(LEAVE), method=method)
        assert status == 200 and headers.get_content_type() == "text/html"
        assert "default-src 'none'" in headers["Content-Security-Policy"] and headers["Cache-Control"] == "no-store"
    assert sent.events() == [] and not refuses(sent)
    status, headers, body = look(sent, sent.link(LEAVE), method="POST", body="choice=all",
                                 Content_Type="application/x-www-form-urlencoded", Accept_Language="de")
    assert status == 200 and b'lang="de"' in body and "Location" not in headers
    assert [e["Details"]["Source"] for e in sent.events()] == ["page"] and refuses(sent)


def test_TR08_one_click_without_cookies_or_redirects(shared):
    """RFC 8058 3.1: a form of either kind; whatever cookies come along; the second time changes nothing."""
    sent = new(shared)
    parts = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    answers = [look(sent, sent.link(LEAVE), Cookie="a=b; session=1", agent="", **ONE_CLICK),
               look(sent, sent.link(LEAVE), method="POST", body=parts, Content_Type="multipart/form-data; boundary=x")]
    for status, headers, _ in answers:
        assert status == 200 and "Location" not in headers and "Set-Cookie" not in headers
    assert [e["Details"]["Source"] for e in sent.events()] == ["one-click"] and refuses(sent)


@pytest.mark.parametrize("body, kind", [("", "application/x-www-form-urlencoded"), ("List-Unsubscribe=Two-Clicks", "application/x-www-form-urlencoded"),
                                        ("choice=everybody", "application/x-www-form-urlencoded"), ("choice=tag:not-mine", "application/x-www-form-urlencoded"),
                                        ("choice=all&choice=list", "application/x-www-form-urlencoded"), ('{"choice":"all"}', "application/json")])
def test_TR08_any_other_body_is_refused(shared, body, kind):
    sent = new(shared)
    assert_nowhere(sent, look(sent, sent.link(LEAVE), method="POST", body=body, Content_Type=kind), 400)
    assert not refuses(sent)


def test_TR08_a_body_has_a_bound(shared):
    sent = new(shared)
    assert look(sent, sent.link(LEAVE), method="POST", body="choice=all&x=" + "x" * 9000)[0] == 413
    assert sent.events() == []


def test_TR09_nobody_is_unsubscribed_by_anybody_else(shared):
    sent = new(shared)
    forger = Signer(shared)
    forger.master = b"\1" * 32
    assert_nowhere(sent, visit(shared.port, forger.path(sent.link(LEAVE)), sent.host, **ONE_CLICK))
    assert not refuses(sent)


def test_TR13_what_senders_write_is_text_on_the_page(shared):
    evil = "<script>alert(1)</script>\"'&"
    sent = new(shared, Tags=[evil])
    page = look(sent, sent.link(LEAVE))[2].decode()
    assert "<script" not in page and "&lt;script&gt;" in page
    left = look(sent, sent.link(LEAVE), method="POST", body=urlencode({"choice": f"tag:{evil}"}), Content_Type="application/x-www-form-urlencoded")
    assert left[0] == 200 and b"<script" not in left[2] and [e["Details"]["Tag"] for e in sent.events()] == [evil]


# ---- over time ----
def test_TR15_old_links_work_under_a_new_key(database):
    """And until the operator ends their version."""
    with Gateway(database=database, **PATIENT) as gateway:
        sent = new(gateway)
        old, new_key = Signer(gateway, 1).path(sent.link(CLICK)), Signer(gateway, 2).path(sent.link(CLICK))
        assert [visit(gateway.port, p, sent.host)[0] for p in (old, new_key)] == [302, 404]
        for version, oldest, expected in ((2, 1, [302, 302]), (2, 2, [404, 302])):
            gateway.stop()
            gateway.options.update({"track.key_version": version, "track.oldest_key": oldest})
            gateway.start()
            assert [visit(gateway.port, p, sent.host)[0] for p in (old, new_key)] == expected
        assert len(sent.events("click")) == 4


def test_TR15_old_links_work_when_hosts_have_other_names(database):
    """Those of the domain, and of the gateway as far as the operator names them."""
    with Gateway(database=database, track__hosts="once.test, links.old.test", **PATIENT) as gateway:
        sent = new(gateway)
        labels = {"TrackPrefix": "go", "Subdomain": "post"}
        gateway.api("EmailGateway.UpdateDomain", APIKey=sent.tenant.api_key, DomainID=sent.tenant.domain_id, **labels)
        for host in (sent.host, f"go.post.{sent.tenant.domain}", "links.old.test:8443", "once.test"):
            assert look(sent, sent.link(CLICK), host=host)[1]["Location"] == TARGET
        assert look(sent, sent.link(CLICK), host="new.test")[0] == 404
        assert look(sent, sent.link(LEAVE), **ONE_CLICK)[0] == 200 and refuses(sent)


def test_TR15_links_lead_on_when_the_messages_rows_are_gone(shared):
    sent = new(shared)
    shared.sql(f"DELETE FROM recipients WHERE id = {sent.recipient}")
    assert look(sent, sent.link(CLICK))[1]["Location"] == TARGET
    assert look(sent, sent.link(LEAVE))[0] == 200 and look(sent, sent.link(LEAVE), **ONE_CLICK)[0] == 200
    assert sent.events() == [] and refuses(sent)


def test_TR16_a_domain_that_is_gone_or_stopped(shared):
    """Never an open redirect: 410. Who was written to by a suspended one may still leave."""
    gone, stopped = new(shared, alone=True), new(shared, alone=True)
    shared.api("EmailGateway.DeleteDomain", APIKey=gone.tenant.api_key, DomainID=gone.tenant.domain_id)
    for kind in (OPEN, CLICK, LEAVE):
        assert look(gone, gone.link(kind))[0] == 410
    shared.cli("domain", "suspend", stopped.tenant.domain, "--because", "phishing")
    for kind in (OPEN, CLICK):
        assert_nowhere(stopped, look(stopped, stopped.link(kind)), 410)
    assert look(stopped, stopped.link(LEAVE), **ONE_CLICK)[0] == 200


@contextlib.contextmanager
def locked(gateway):
    """Nobody can write while it lasts."""
    url = gateway.options.get("data.url")
    if not url:
        with contextlib.closing(sqlite3.connect(gateway.database(), timeout=60, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            yield
            db.execute("ROLLBACK")
        return
    psql = subprocess.Popen(["psql", "-q", "-At", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    psql.stdin.write("BEGIN; LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE; SELECT 'held';\n")
    psql.stdin.flush()
    assert psql.stdout.readline().strip() == "held"
    yield
    psql.communicate("ROLLBACK;\n")


def test_a_slow_store_takes_the_picture_from_nobody(database):
    """After 250 ms it is given anyway, and counted; what the store takes later is there."""
    with Gateway(database=database) as gateway:
        sent = new(gateway)
        with locked(gateway):
            assert look(sent, sent.link(OPEN))[0] == 200
            assert look(sent, sent.link(CLICK))[1]["Location"] == TARGET
            assert numbers(gateway)["posthorn_track_late_total"] == 2
        wait_for(lambda: len(sent.events()) + numbers(gateway)["posthorn_track_lost_total"] == 2, what="both hits to end")


# ---- where and who ----
def test_listeners_of_its_own_with_tls(throwaway_certificate):
    port = free_port()
    cert, key = throwaway_certificate
    with Gateway(track__tls_listen=f"127.0.0.1:{port}", tls__cert=cert, tls__key=key, **PATIENT) as gateway:
        sent = new(gateway)
        trusting = ssl._create_unverified_context()
        with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=trusting)) as connection:
            for path, status in ((Signer(gateway).path(sent.link(CLICK)), 302), ("/api.php", 404)):
                connection.request("GET", path, headers={"Host": sent.host})
                response = connection.getresponse()
                assert response.status == status and response.read() is not None


def test_listeners_of_its_own_serve_nothing_else(database):
    port = free_port()
    with Gateway(database=database, track__listen=f"127.0.0.1:{port}", **PATIENT) as gateway:
        sent = new(gateway)
        path = Signer(gateway).path(sent.link(OPEN))
        assert visit(port, path, sent.host)[0] == visit(gateway.port, path, sent.host)[0] == 200
        for other in ("/", "/api.php", "/metrics", "/healthz", "/docs", "/openapi.json", "/control"):
            status, headers, body = visit(port, other, sent.host)
            assert status == 404 and headers.get_content_type() == "text/html", other
        assert visit(port, path, sent.host, method="DELETE")[0] == 405


def test_HT43_only_named_proxies_tell_the_clients_address(database):
    with Gateway(database=database, **PATIENT) as gateway:
        sent = new(gateway)
        look(sent, sent.link(OPEN), X_Forwarded_For="203.0.113.9")
        assert sent.events()[0]["Details"]["IpAddress"] == "127.0.0.1"
        gateway.stop()
        gateway.options["http.trusted_proxies"] = "127.0.0.1"
        gateway.start()
        look(sent, sent.link(OPEN), X_Forwarded_For="198.51.100.1, 203.0.113.9")
        assert sent.events()[0]["Details"]["IpAddress"] == "203.0.113.9"


def test_networks_and_countries_are_files_that_can_change(database):
    """SIGHUP reads them anew; one that is broken leaves the old ones."""
    with Gateway(database=database, http__trusted_proxies="127.0.0.1", **PATIENT) as gateway:
        files = {name: gateway.folder / name for name in ("networks", "countries")}
        gateway.stop()
        files["networks"].write_text("machines = 203.0.113.0/24\n")
        files["countries"].write_bytes(country_database({"198.51.100.0/24": "NZ", "2001:db8::/32": "DE"}))
        gateway.options.update({f"track.{name}": path for name, path in files.items()})
        gateway.start()
        sent = new(gateway)

        def details(client):
            look(sent, sent.link(OPEN), X_Forwarded_For=client)
            found = sent.events()[0]["Details"]
            return found.get("BotSigns"), found.get("Country")
        assert [details(c) for c in ("203.0.113.9", "198.51.100.7", "2001:db8::1", "192.0.2.1")] == [
            ("network", None), (None, "NZ"), (None, "DE"), (None, None)]

        def replaced(name, data):
            (gateway.folder / "new").write_bytes(data)
            os.replace(gateway.folder / "new", files[name])
            lines = gateway.log.read_text().count("what=tracking")
            gateway.process.send_signal(signal.SIGHUP)
            wait_for(lambda: gateway.log.read_text().count("what=tracking") > lines, what="the reload")
        replaced("countries", country_database({"198.51.100.0/24": "AU"}))
        assert details("198.51.100.8") == (None, "AU")
        replaced("countries", b"not a database")
        assert details("198.51.100.9") == (None, "AU")
        assert "app.reload_failed" in gateway.log.read_text()


def test_a_file_that_cannot_be_read_is_said_at_the_start(tmp_path):
    (tmp_path / "bad").write_text("machines 203.0.113.0/24\n")
    for key, name in (("networks", "bad"), ("networks", "none"), ("countries", "bad"), ("countries", "none")):
        gateway = Gateway(tmp_path / f"{key}-{name}", **{f"track__{key}": tmp_path / name})
        gateway.folder.mkdir()
        gateway.start(ready=False)
        assert gateway.process.wait(60) != 0
        assert re.search(rf"\[track\] {key}: ", gateway.log.read_text()), gateway.log.read_text()
