"""Raw bytes against the real server: framing, limits, methods, keep-alive, HTTPS, the control socket, hostile JSON.

The parsers have their own suites; this one shows that the whole server refuses what they refuse and closes where it must.
SPDX-License-Identifier: Apache-2.0"""
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from conftest import fresh_database
from gateway import Gateway, free_port, mail, wait_for


@pytest.fixture(scope="module")
def secured(request, throwaway_certificate):
    """A gateway with an HTTPS listener beside the plain one; trusts forwarded addresses of 127.0.0.2 only."""
    cert, key = throwaway_certificate
    port = free_port()
    with Gateway(database=fresh_database(request), http__tls_listen=f"127.0.0.1:{port}", tls__cert=cert, tls__key=key,
                 http__trusted_proxies="127.0.0.2", log__level="debug") as gateway:
        gateway.tls_port = port
        yield gateway
    shutil.rmtree(gateway.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def key(secured):
    secured.shop = secured.tenant("shop.test")
    return secured.shop.key


class Peer:
    """A raw connection; reads answers one by one."""

    def __init__(self, gateway, source=None):
        self.socket = socket.create_connection(("127.0.0.1", gateway.port), timeout=30, source_address=(source, 0) if source else None)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, *parts):
        self.socket.sendall(b"".join(p.encode("latin-1") if isinstance(p, str) else p for p in parts))
        return self

    def answer(self, head_only=False):
        """(status, {name: value}, body), or None when the server closed."""
        try:
            line = self.file.readline()
        except ConnectionResetError:
            return None
        if not line:
            return None
        assert line.startswith(b"HTTP/1.1 ") and line.endswith(b"\r\n"), line
        headers = {}
        while (h := self.file.readline()) != b"\r\n":
            assert h.endswith(b"\r\n"), h
            name, value = h.decode().rstrip("\r\n").split(": ", 1)
            headers[name.lower()] = value
        status = int(line.split()[1])
        body = b"" if head_only or status in (100, 204, 304) else self.file.read(int(headers.get("content-length", 0)))
        return status, headers, body

    def is_closed(self):
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


def ask(gateway, *parts):
    """Send raw bytes, then nothing more; the first answer."""
    with Peer(gateway) as peer:
        peer.send(*parts)
        peer.socket.shutdown(socket.SHUT_WR)
        return peer.answer()


HOST = "Host: gateway.test\r\n"
LIVE = "GET /healthz/live HTTP/1.1\r\n" + HOST + "\r\n"


def with_body(headers, body="", path="/api.php", version="1.1"):
    return f"POST {path} HTTP/{version}\r\n{HOST}{headers}\r\n{body}"


BAD_FRAMING = {
    "HT01 both": with_body("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    "HT02 same twice": with_body("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"),
    "HT03 two lengths": with_body("Content-Length: 2\r\nContent-Length: 3\r\n", "{} "),
    "HT04 list": with_body("Content-Length: 2,2\r\n", "{}"), "HT05 plus": with_body("Content-Length: +2\r\n", "{}"),
    "HT06 hex": with_body("Content-Length: 0x2\r\n", "{}"), "HT08 negative": with_body("Content-Length: -1\r\n", "{}"),
    "HT09 2^64": with_body("Content-Length: 18446744073709551616\r\n", "{}"), "HT09 blank": with_body("Content-Length:\r\n", "{}"),
    "HT10 xchunked": with_body("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    "HT11 identity": with_body("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
    "HT12 blank before colon": with_body("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
    "HT13 parameter": with_body("Transfer-Encoding: chunked;a=b\r\n", "0\r\n\r\n"),
    "HT14 twice": with_body("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    "HT15 1.0": with_body("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", version="1.0"),
    "HT16 size 0x": with_body("Transfer-Encoding: chunked\r\n", "0x2\r\n{}\r\n0\r\n\r\n"),
    "HT17 size plus": with_body("Transfer-Encoding: chunked\r\n", "+2\r\n{}\r\n0\r\n\r\n"),
    "HT18 size 2^64": with_body("Transfer-Encoding: chunked\r\n", "10000000000000002\r\n{}\r\n0\r\n\r\n"),
    "HT20 no end of data": with_body("Transfer-Encoding: chunked\r\n", "2\r\n{}0\r\n\r\n"),
    "HT21 bare LF line": "GET /healthz/live HTTP/1.1\n" + HOST + "\r\n", "HT21 bare LF header": "GET /healthz/live HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "HT22 bare CR": "GET /healthz/live HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "HT23 bare LF chunk": with_body("Transfer-Encoding: chunked\r\n", "2\n{}\r\n0\r\n\r\n"),
    "HT24 bare LF trailer": with_body("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\nX: y\n\r\n"),
    "HT26 fold": "GET /healthz/live HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", "HT26 empty name": "GET /healthz/live HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "HT26 NUL": "GET /healthz/live HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", "HT26 name blank": "GET /healthz/live HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n",
    "HT29 no Host": "GET /healthz/live HTTP/1.1\r\n\r\n", "HT29 two Hosts": "GET /healthz/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "HT30 0.9": "GET /healthz/live\r\n\r\n", "HT30 lower case": "GET /healthz/live http/1.1\r\n" + HOST + "\r\n",
    "HT30 junk": "GET  /healthz/live  HTTP/1.1\r\n" + HOST + "\r\n", "HT33 NUL": "GET /healthz/live%00\0 HTTP/1.1\r\n" + HOST + "\r\n",
}


@pytest.mark.parametrize("name", BAD_FRAMING)
def test_bad_framing_is_refused_and_the_connection_closed(secured, name):
    """A request smuggled behind it is never answered."""
    with Peer(secured) as peer:
        peer.send(BAD_FRAMING[name], LIVE)
        status, headers, _ = peer.answer()
        assert status in (400, 501, 505) and headers["connection"] == "close"
        assert peer.is_closed()


@pytest.mark.parametrize("version,status", [("1.2", 200), ("2.0", 505), ("1.0", 200), ("9.9", 505)])
def test_versions(secured, version, status):
    """HT30: 1.2 is served as 1.1, or refused; never anything else."""
    got = ask(secured, f"GET /healthz/live HTTP/{version}\r\n{HOST}\r\n")[0]
    assert got == status or (version == "1.2" and got in (400, 505))


@pytest.mark.parametrize("request_line,status", [
    ("GET /nothing HTTP/1.1", 404), ("GET / HTTP/1.1", 404), ("GET /api/v1/email HTTP/1.1", 405), ("DELETE /api.php HTTP/1.1", 405),
    ("PUT /api/v1/events HTTP/1.1", 405), ("TRACE / HTTP/1.1", 501), ("BREW /healthz HTTP/1.1", 501), ("OPTIONS * HTTP/1.1", None),
    ("CONNECT a:1 HTTP/1.1", None), ("GET /api/v1/../../etc/passwd HTTP/1.1", None), ("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1", None),
    ("GET /..;/ HTTP/1.1", None), ("GET //healthz HTTP/1.1", None), ("GET /healthz/%00 HTTP/1.1", None), ("GET /%c0%ae HTTP/1.1", None),
    ("POST /control HTTP/1.1", 404), ("GET /healthz/live?x=%zz HTTP/1.1", 400), ("GET http://gateway.test/healthz/live HTTP/1.1", 200),
    ("GET http://elsewhere.test/healthz/live HTTP/1.1", 400),
])
def test_methods_and_paths(secured, request_line, status):
    """HT29 HT31 HT32 HT33: 400, 404, 405 or 501, never a file, never a 500."""
    got, headers, body = ask(secured, f"{request_line}\r\n{HOST}X-HTTP-Method-Override: POST\r\nContent-Length: 0\r\n\r\n")
    assert got == status if status else got in (400, 404, 405, 501), body
    if got == 405:
        assert headers["allow"]
    if got >= 400:
        answer = json.loads(body)
        assert answer.get("Errors") or answer["ErrorCode"]


def test_limits_of_the_head(secured):
    """HT27 HT28."""
    assert ask(secured, "GET /healthz/live HTTP/1.1\r\n" + HOST + "X: " + "y" * 17000 + "\r\n\r\n")[0] == 431
    assert ask(secured, "GET /healthz/live HTTP/1.1\r\n" + HOST + "X: y\r\n" * 300 + "\r\n")[0] == 431
    assert ask(secured, "GET /healthz/live?" + "x" * 17000 + " HTTP/1.1\r\n" + HOST + "\r\n")[0] == 414


def test_keep_alive_pipelining_and_close(secured):
    """HT38 in small: answers come in order."""
    with Peer(secured) as peer:
        peer.send(*[LIVE, "GET /nothing HTTP/1.1\r\n" + HOST + "\r\n", with_body("Content-Length: 2\r\n", "{}")] * 50)
        statuses = [peer.answer()[0] for _ in range(150)]
        assert statuses == [200, 404, 400] * 50
        peer.send("GET /healthz/live HTTP/1.1\r\n" + HOST + "Connection: close\r\n\r\n", LIVE)
        status, headers, _ = peer.answer()
        assert status == 200 and headers["connection"] == "close" and peer.is_closed()
    with Peer(secured) as peer:
        peer.send("GET /healthz/live HTTP/1.0\r\n\r\n", LIVE)
        assert peer.answer()[0] == 200 and peer.is_closed(), "HTTP/1.0 closes by itself"
    with Peer(secured) as peer:
        peer.send("GET /healthz/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert peer.answer()[0] == 200


def test_every_split_point(secured, key):
    """A request that arrives byte by byte is the same request."""
    body = json.dumps(mail()).encode()
    request = b"POST /api/v1/email HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n" % key.encode()
    request += b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (body[i:i + 37] for i in range(0, len(body), 37))) + b"0\r\nX-Trailer: y\r\n\r\n"
    with Peer(secured) as peer:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(request)):
            peer.send(request[i:i + 1])
        status, _, answer = peer.answer()
        assert status == 200 and json.loads(answer)["MessageID"]
        assert peer.send(LIVE).answer()[0] == 200


def test_head_has_no_body(secured):
    """HT42."""
    with Peer(secured) as peer:
        peer.send(LIVE.replace("GET", "HEAD"), LIVE)
        status, headers, _ = peer.answer(head_only=True)
        assert status == 200 and int(headers["content-length"]) == len(b'{"Status":"ok"}')
        assert peer.answer()[2] == b'{"Status":"ok"}'


def test_expect_100_continue(secured, key):
    """HT39, decision 31: the key is judged before the body is asked for."""
    head = "POST /api/v1/email HTTP/1.1\r\n" + HOST + "Authorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    body = json.dumps(mail())
    with Peer(secured) as peer:
        peer.send(head % (key, len(body)))
        assert peer.answer()[0] == 100
        assert peer.send(body).answer()[0] == 200
    with Peer(secured) as peer:
        peer.send(head % ("wrong", 30 << 20))
        status, headers, answer = peer.answer()
        assert status == 401 and json.loads(answer)["Errors"][0]["Code"] == 13 and headers["connection"] == "close"
    with Peer(secured) as peer:
        peer.send(head.replace("100-continue", "miracles") % (key, len(body)))
        assert peer.answer()[0] in (417, 200, 100)


def test_large_bodies_need_their_key_in_the_head(secured, key):
    """Decision 31, JS06: nothing of it is read."""
    head = "POST /api/v1/email HTTP/1.1\r\n" + HOST + "%sContent-Length: %d\r\n\r\n"
    for fields, size, status in (("", 2 << 20, 401), (f"Authorization: Bearer {key}\r\n", (40 << 20) + 1, 413), (f"Authorization: Bearer {key}\r\n", 10 ** 15, 413)):
        with Peer(secured) as peer:
            peer.send(head % (fields, size))
            got, headers, body = peer.answer()
            assert got == status and headers["connection"] == "close" and json.loads(body)["Errors"]
            assert peer.is_closed()
    for fields, status in (("", 401), (f"Authorization: Bearer {secured.shop.api_key}\r\n", 413)):
        got = ask(secured, f"POST /api.php HTTP/1.1\r\n{HOST}{fields}Content-Length: {2 << 20}\r\n\r\n")
        assert got[0] == status and json.loads(got[2])["Success"] is False


def test_chunked_bodies_are_cut_off_at_the_limit(secured):
    """JS06: without a key a chunked body ends at 1 MB, with 401."""
    with Peer(secured) as peer:
        peer.send("POST /api/v1/email HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(64):
                peer.send(b"10000\r\n" + b" " * 65536 + b"\r\n")
        except OSError:
            pass
        answer = peer.answer()
        assert answer is None or answer[0] == 401


@pytest.mark.parametrize("headers,body,status", [
    ("Content-Encoding: gzip\r\n", b"not gzip", 400), ("Content-Encoding: br\r\n", b"{}", 415), ("Content-Encoding: gzip, gzip\r\n", b"{}", 415),
    ("Content-Type: text/csv\r\n", b"a,b", 400), ("Content-Type: application/xml\r\n", b"<a/>", 400),
    ("Content-Type: multipart/form-data\r\n", b"x", 400), ("Content-Type: multipart/form-data; boundary=a\r\n", b"--b--", 400),
    ("Content-Type: application/json; charset=utf-16\r\n", '{"a":1}'.encode("utf-16"), 400),
])
def test_bodies_that_cannot_be_read(secured, key, headers, body, status):
    """JS13."""
    got = ask(secured, f"POST /api/v1/email HTTP/1.1\r\n{HOST}Authorization: Bearer {key}\r\n{headers}Content-Length: {len(body)}\r\n\r\n", body)
    assert got[0] == status and json.loads(got[2])["Errors"]


BAD_JSON = {
    "JS01 depth": "[" * 33 + "]" * 33, "JS01 deep": '{"a":' + "[" * 100000, "JS02": '{"Subject":"a","Subject":"b"}', "JS02 deep": '{"From":{"email":"a","email":"b"}}',
    "JS03 hex": '{"a":0x1}', "JS03 plus": '{"a":+1}', "JS03 zero": '{"a":01}', "JS04 surrogate": '{"a":"\\ud800"}', "JS04 NUL": '{"a":"\\u0000"}',
    "JS04 overlong": b'{"a":"\xc0\xaf"}', "JS04 latin": b'{"a":"\xe9"}', "JS04 control": '{"a":"\x01"}', "JS05 BOM": b'\xef\xbb\xbf{"a":1}', "JS05 comment": '{"a":1/**/}',
    "JS05 comma": '{"a":1,}', "JS05 NaN": '{"a":NaN}', "JS05 quotes": "{'a':1}", "JS12 scalar": '"a"', "JS12 array": "[]", "JS12 two": "{}{}", "JS12 junk": "{}x",
    "JS05 Infinity": '{"a":-Infinity}', "JS05 unclosed": '{"a":"b', "JS05 bare": "{a:1}",
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_bad_json(secured, key, name):
    body = BAD_JSON[name] if isinstance(BAD_JSON[name], bytes) else BAD_JSON[name].encode()
    status, _, answer = secured.request("POST", "/api/v1/email", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    assert (status, answer["Errors"][0]["Code"]) == (400, 100000), answer


def test_valid_json_cut_at_each_byte(secured, key):
    """JS11, on one connection."""
    body = json.dumps(mail(Subject="ü\n"[:1])).encode()
    with Peer(secured) as peer:
        for i in range(1, len(body)):
            peer.send(f"POST /api/v1/email HTTP/1.1\r\n{HOST}Authorization: Bearer {key}\r\nContent-Length: {i}\r\n\r\n", body[:i])
            status, _, answer = peer.answer()
            assert status == 400 and json.loads(answer)["Errors"][0]["Code"] == 100000, body[:i]


@pytest.mark.parametrize("value", ["1e400", "-0", "9007199254740993", "18446744073709551616", "1" * 99999])
def test_numbers_are_exact_or_refused(secured, key, value):
    """JS03."""
    body = json.dumps(mail())[:-1] + f', "DomainID": {value}}}'
    status, _, answer = secured.request("POST", "/api/v1/email", body.encode(), {"Authorization": f"Bearer {key}"})
    assert (status, answer["Errors"][0]["Code"]) in ((403, 2), (400, 100000))


def test_many_members_and_many_recipients(secured, key):
    """JS07 JS10 HT34: bounded work, a clear answer."""
    auth = {"Authorization": f"Bearer {key}"}
    many = {**mail(), **{f"k{i}": i for i in range(100000)}}
    assert secured.request("POST", "/api/v1/email", json.dumps(many).encode(), auth)[0] == 200
    crowd = mail(to=[{"email": f"r{i}@example.org", "name": ""} for i in range(50000)])
    assert secured.request("POST", "/api/v1/email", json.dumps(crowd).encode(), auth)[0] == 422
    assert secured.request("POST", "/api/v1/email", b'{"To":[' + b"0," * 300000 + b"0]}", auth)[0] == 400
    form = "&".join(f"a{i}=1" for i in range(10000))
    assert secured.request("POST", "/api.php", form, {"Content-Type": "application/x-www-form-urlencoded"})[0] == 400


def test_https(secured, key, throwaway_certificate):
    context = ssl.create_default_context(cafile=str(throwaway_certificate[0]))
    context.check_hostname = False
    connection = http.client.HTTPSConnection("127.0.0.1", secured.tls_port, context=context, timeout=30)
    for _ in range(3):
        connection.request("POST", "/api/v1/email", json.dumps(mail()), {"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        assert response.status == 200 and json.loads(response.read())["MessageID"]
    assert connection.sock.version() == "TLSv1.3"
    connection.close()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", secured.tls_port), timeout=30) as s, pytest.raises((ssl.SSLError, ConnectionError)):
        old.wrap_socket(s)
    with socket.create_connection(("127.0.0.1", secured.tls_port), timeout=30) as s:
        s.sendall(LIVE.encode())
        try:
            assert not s.recv(100).startswith(b"HTTP"), "no clear text on the TLS port"
        except ConnectionResetError:
            pass


def test_a_new_certificate_is_taken_with_sighup(secured, throwaway_certificate):
    """The listener goes on; new handshakes get the new certificate."""
    def serial():
        return ssl.get_server_certificate(("127.0.0.1", secured.tls_port))
    before, (cert, private) = serial(), throwaway_certificate
    keep = cert.read_bytes(), private.read_bytes()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=new.test",
                    "-keyout", private, "-out", cert], check=True, capture_output=True)
    try:
        secured.process.send_signal(signal.SIGHUP)
        wait_for(lambda: serial() != before, what="the new certificate")
    finally:
        cert.write_bytes(keep[0])
        private.write_bytes(keep[1])
        secured.process.send_signal(signal.SIGHUP)
    wait_for(lambda: serial() == before, what="the old certificate")


def test_forwarded_addresses_are_believed_from_named_proxies_only(secured):
    """HT43: what the log calls the client."""
    request = "GET /api/v1/events HTTP/1.1\r\n" + HOST + "X-Forwarded-For: %s\r\nAuthorization: Bearer x\r\n\r\n"
    with Peer(secured) as peer:
        assert peer.send(request % "192.0.2.77").answer()[0] == 401
    with Peer(secured, source="127.0.0.2") as peer:
        assert peer.send(request % "192.0.2.88").answer()[0] == 401
        assert peer.send(request % "nonsense").answer()[0] in (400, 401)
    log = wait_for(lambda: "192.0.2.88" in (text := secured.log.read_text()) and text, what="the log")
    assert "192.0.2.77" not in log and "nonsense" not in log


def test_the_control_socket_is_the_operators_alone(secured, key):
    path = secured.folder / "data" / "control.sock"
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0

    def control(request):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            s.sendall(request)
            return int(s.makefile("rb").readline().split()[1])
    assert control(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n") == 404, "no API on it"
    assert control(b"POST /api/v1/email HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}") == 404
    if os.getuid() != 0:
        pytest.skip("needs root to be somebody else")
    code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(path)!r})"
    result = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c", code], capture_output=True)
    assert b"PermissionError" in result.stderr, result


def test_headers_of_every_answer(secured, key):
    """HT44 HT45."""
    for path in ("/healthz", "/nothing", "/api.php", "/api/v1/events"):
        status, headers, _ = secured.request("GET", path, headers={"Origin": "https://evil.test", "Cookie": "a=b; ;=;\x7f", "Authorization": f"Bearer {key}"})
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Access-Control-Allow-Origin"] is None and headers["Set-Cookie"] is None
        assert headers["Date"] and headers["Server"] is None or "/" not in headers["Server"], "no version is told"


def test_two_keys_are_none(secured, key):
    one = f"Authorization: Bearer {key}\r\n"
    assert ask(secured, "GET /api/v1/events HTTP/1.1\r\n" + HOST + one + "\r\n")[0] == 200
    assert ask(secured, "GET /api/v1/events HTTP/1.1\r\n" + HOST + one + one + "\r\n")[0] == 401


def test_upgrade_is_ignored(secured):
    """HT40."""
    assert ask(secured, "GET /healthz/live HTTP/1.1\r\n" + HOST + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n")[0] == 200
    answer = ask(secured, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert answer[0] in (400, 501, 505)


def test_many_idle_connections_do_not_stop_service(secured):
    """P8: a crowd that says nothing, half of it in the middle of a head."""
    peers = [Peer(secured) for _ in range(60)]
    try:
        for peer in peers[::2]:
            peer.send("GET /healthz/live HTTP/1.1\r\nX-Slow: ")
        assert secured.request("GET", "/healthz/live")[0] == 200
    finally:
        for peer in peers:
            peer.__exit__()


def test_tls_key_without_certificate_is_refused():
    gateway = Gateway(http__tls_listen="127.0.0.1:1")
    result = gateway.cli("check-config", check=False)
    shutil.rmtree(gateway.folder)
    assert result.returncode == 78 and b"tls" in result.stderr.lower()
