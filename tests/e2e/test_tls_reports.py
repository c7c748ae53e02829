"""Reports about TLS (RFC 8460): sessions counted over restarts, told to the domains that ask for it, by mail and by HTTPS, and to no others.

SPDX-License-Identifier: Apache-2.0"""
import email
import email.policy
import gzip
import http.server
import json
import ssl
import threading
from datetime import datetime, timezone

import pytest

from certificates import Authority
from gateway import Gateway, free_port, wait_for
from policy_server import PolicyServer, policy
from sink import Sink
from zone import Zone


class ReportServer:
    """HTTPS; keeps what is posted. answers: statuses used up one by one, then 200."""

    def __init__(self, pair):
        self.posts, self.answers = [], []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                server.posts.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(server.answers.pop(0) if server.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, pair))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class World:
    """by-mail: TLS works, no policy. by-post: in clear, under an MTA-STS policy in testing mode. silent: asks for nothing."""

    def __init__(self, database):
        authority, self.port = Authority(), free_port()
        self.policies = PolicyServer(authority.self_signed("nobody"))
        self.posts = ReportServer(authority.issue("tlsrpt.by-post.test"))
        self.zone = Zone()
        self.sinks = {
            "by-mail.test": Sink(self.port, "127.0.3.1", tls=authority.issue("mx1.by-mail.test")),
            "by-post.test": Sink(self.port, "127.0.3.2"),
            "silent.test": Sink(self.port, "127.0.3.3"),
            "reports.test": Sink(self.port, "127.0.3.4"),
        }
        for i, domain in enumerate(self.sinks):
            self.zone.mx(domain, f"127.0.3.{i + 1}")
        self.zone.add("_smtp._tls.by-mail.test", "TXT", '"v=TLSRPTv1; rua=mailto:tls%2Breports@reports.test"')
        self.zone.add("_smtp._tls.by-post.test", "TXT", f'"v=TLSRPTv1;rua=https://tlsrpt.by-post.test:{self.posts.port}/v1/tlsrpt"')
        self.zone.add("tlsrpt.by-post.test", "A", "127.0.0.1")
        self.zone.add("_mta-sts.by-post.test", "TXT", '"v=STSv1; id=1;"')
        self.zone.add("mta-sts.by-post.test", "A", "127.0.0.1")
        self.policies.publish("by-post.test", policy("testing", "*.by-post.test"), authority.issue("mta-sts.by-post.test"))
        self.gateway = Gateway(database=database, **{
            "delivery.mode": "live", "delivery.port": self.port, "delivery.allow_private": "yes", "dns.servers": f"127.0.0.1@{self.zone.port}",
            "delivery.tls_ca": authority.root.cert, "delivery.mta_sts_port": self.policies.port, "tls_report.from": "tlsrpt@shop.test",
            "tls_report.organization": "Shop & Söhne", "tls_report.contact": "postmaster@shop.test"}).start()
        self.tenant = self.gateway.tenant("shop.test")

    def close(self):
        for server in (*self.sinks.values(), self.zone, self.policies, self.posts):
            server.close()

    def session_each(self):
        """One message to each domain, then a restart: so one session each, and what was counted is on disk."""
        before = {domain: len(self.sinks[domain].mails) for domain in self.sinks}
        domains = ("by-mail.test", "by-post.test", "silent.test")
        for domain in domains:
            self.gateway.sent(self.tenant.key, to=f"user@{domain}")
        wait_for(lambda: all(len(self.sinks[d].mails) > before[d] for d in domains), what="three deliveries")
        self.gateway.stop()
        self.gateway.start()

    def listed(self):
        return {row["Domain"]: row for row in self.gateway.cli_json("tls-report", "list")["Reports"]}


@pytest.fixture
def world(database):
    world = World(database)
    yield world
    try:
        world.gateway.stop()
    finally:
        world.close()


def today():
    return datetime.now(timezone.utc).strftime("%Y-%m-%d")


def summary(report):
    assert len(report["policies"]) == 1
    return {key.split("-")[1]: count for key, count in report["policies"][0]["summary"].items()}


def check_frame(report, day):
    assert report["organization-name"] == "Shop & Söhne" and report["contact-info"] == "postmaster@shop.test"
    assert report["date-range"] == {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"}
    assert report["report-id"].startswith(f"{day}.") and report["report-id"].endswith("@shop.test")


def check_by_mail(report, day):
    check_frame(report, day)
    assert report["policies"][0]["policy"] == {"policy-type": "no-policy-found", "policy-domain": "by-mail.test"}
    assert summary(report) == {"successful": 2, "failure": 0} and report["policies"][0]["failure-details"] == []


def check_by_post(report, day):
    check_frame(report, day)
    assert report["policies"][0]["policy"] == {
        "policy-type": "sts", "policy-domain": "by-post.test", "mx-host": ["*.by-post.test"],
        "policy-string": ["version: STSv1", "mode: testing", "mx: *.by-post.test", "max_age: 86400"]}
    assert summary(report) == {"successful": 0, "failure": 2}
    failure, = report["policies"][0]["failure-details"]
    assert failure["result-type"] == "starttls-not-supported" and failure["failed-session-count"] == 2
    assert failure["receiving-mx-hostname"] == "mx1.by-post.test" and failure["receiving-ip"] == "127.0.3.2"
    assert failure["sending-mta-ip"].startswith("127.")


def check_mail(mail, day):
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert mail.recipients == ["tls+reports@reports.test"] and message["To"] == "tls+reports@reports.test"
    assert message["TLS-Report-Domain"] == "by-mail.test" and message["TLS-Report-Submitter"] == "shop.test"
    assert message["From"] == "tlsrpt@shop.test" and "d=shop.test" in message["DKIM-Signature"]
    assert message["Subject"].startswith("Report Domain: by-mail.test Submitter: shop.test Report-ID: <")
    assert message.get_content_type() == "multipart/report" and message.get_param("report-type") == "tlsrpt"
    text, report = message.iter_parts()
    assert text.get_content_type() == "text/plain" and report.get_content_type() == "application/tlsrpt+gzip"
    sender, domain, begin, end = report.get_filename().removesuffix(".json.gz").split("!")
    assert (sender, domain, int(end) - int(begin)) == ("shop.test", "by-mail.test", 86399)
    check_by_mail(json.loads(gzip.decompress(report.get_payload(decode=True))), day)


def test_reports_go_to_those_who_ask_for_them(world):
    day = today()
    world.session_each()
    world.session_each()
    if today() != day:
        pytest.skip("the day changed under the test")
    rows = world.listed()
    assert set(rows) == {"by-mail.test", "by-post.test", "silent.test"}
    assert (rows["by-mail.test"]["Good"], rows["by-mail.test"]["Failed"]) == (2, 0)
    assert (rows["silent.test"]["Good"], rows["silent.test"]["Failed"]) == (0, 2)
    check_by_mail(json.loads(world.gateway.cli("tls-report", "show", "by-mail.test").stdout), day)
    check_by_post(json.loads(world.gateway.cli("tls-report", "show", "by-post.test", "--day", day).stdout), day)
    assert not world.posts.posts and not world.sinks["reports.test"].mails

    world.posts.answers = [503]  # the first try of one fails, and is made again
    assert world.gateway.cli_json("tls-report", "send", "--day", day)["Due"] == 3
    wait_for(lambda: world.sinks["reports.test"].mails and world.posts.posts and set(world.listed()) == {"by-post.test"},
             what="the reports")
    check_mail(world.sinks["reports.test"].mails[0], day)
    assert wait_for(lambda: world.listed()["by-post.test"]["Attempts"], what="the refused report to be put off") == 1
    world.gateway.cli("tls-report", "send", "by-post.test", "--day", day)
    wait_for(lambda: "by-post.test" not in world.listed(), what="the second try")
    for path, headers, body in world.posts.posts:
        assert path == "/v1/tlsrpt" and headers["Content-Type"] == "application/tlsrpt+gzip"
        check_by_post(json.loads(gzip.decompress(body)), day)
    assert len(world.posts.posts) == 2 and len(world.sinks["reports.test"].mails) == 1
    world.gateway.stop()
    world.gateway.start()
    assert world.listed() == {}  # the report's own session is not counted (RFC 8460 5.3)


def test_what_is_not_there_is_refused(world):
    for arguments in (("show", "nobody.test"), ("send",), ("send", "nobody.test", "--day", today()), ("show", "by-mail.test", "--day", "2001-01-01")):
        result = world.gateway.cli("tls-report", *arguments, check=False)
        assert result.returncode != 0 and b"No sessions are counted" in result.stderr, (arguments, result)
    assert world.gateway.cli_json("tls-report", "list")["Reports"] == []
