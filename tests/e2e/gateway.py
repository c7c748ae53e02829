"""gateway.py - a posthorn of a test's own: a scratch folder, free ports, the command line and the HTTP API as methods.

SPDX-License-Identifier: Apache-2.0"""
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

from openapi import Document

ROOT = Path(__file__).resolve().parent.parent.parent
POSTHORN = os.environ.get("POSTHORN", str(ROOT / "build-asan/posthorn"))


TOLD = set()


def free_port(host="127.0.0.1"):
    """One that nobody listens on, and never the same twice: whoever was told it may not have opened it yet."""
    while True:
        with socket.socket() as s:
            s.bind((host, 0))
            port = s.getsockname()[1]
        if port not in TOLD:
            TOLD.add(port)
            return port


def wait_for(condition, seconds=60, what="it"):
    """Poll until condition() is true; the bound only stops a hang, nothing depends on how fast the machine is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")


class Gateway:
    """options: {"section.key": value} on top of the test's defaults."""

    def __init__(self, folder=None, database=None, wrapper=(), **options):
        self.folder = Path(folder or tempfile.mkdtemp(prefix="posthorn-"))
        self.port = free_port()
        self.wrapper = list(wrapper)
        self.options = {
            "data.dir": self.folder / "data", "http.listen": f"127.0.0.1:{self.port}", "delivery.mode": "sandbox",
            "delivery.hostname": "mx.posthorn.test", "data.user": "root" if os.getuid() == 0 else "", **({"data.url": database} if database else {}),
            "limits.key_per_minute": 0,  # tests are in a hurry; those about limits set their own
        }
        self.options.update({k.replace("__", "."): v for k, v in options.items()})
        self.process = None
        self.document = None
        self.log = self.folder / "log"

    def arguments(self):
        return [x for k, v in self.options.items() for x in ("-o", f"{k}={v}")]

    def start(self, ready=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.wrapper, POSTHORN, "serve", *self.arguments()], stdout=log, stderr=log, cwd=self.folder)
        if ready:
            wait_for(lambda: self.is_ready() or self.process.poll() is not None, what="the gateway to be ready")
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-4000:]
            self.document = Document(self.request("GET", "/openapi.json")[2])
        return self

    def is_ready(self):
        try:
            return self.request("GET", "/healthz/ready")[0] == 200
        except OSError:
            return False

    def stop(self, how=signal.SIGTERM, expect=0):
        if self.process is None:
            return
        self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        self.process = None
        if how == signal.SIGTERM:
            assert code == expect, f"exit {code}\n" + self.log.read_text(errors="replace")[-6000:]

    def kill(self):
        self.stop(signal.SIGKILL)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if self.process and self.process.poll() is None:
            self.stop()
        elif self.process:
            raise AssertionError(f"the gateway ended by itself ({self.process.returncode})\n" + self.log.read_text(errors="replace")[-8000:])

    def cli(self, *arguments, stdin="", check=True):
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        result = subprocess.run([POSTHORN, *arguments, *self.arguments()], input=data, capture_output=True, cwd=self.folder, timeout=60)
        if check:
            assert result.returncode == 0, f"{arguments}: exit {result.returncode}\n{result.stdout.decode()}{result.stderr.decode()}"
        return result

    def cli_json(self, *arguments, stdin=""):
        return json.loads(self.cli(*arguments, "--json", stdin=stdin).stdout)

    def request(self, method, path, body=None, headers=None, timeout=60):
        """(status, headers, parsed JSON or text)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                headers = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            raw = response.read()
            text = raw.decode()
            if response.headers.get_content_type() == "application/json" and raw:
                answer = json.loads(text)
                self.check(method, path, body, response.status, answer)
                return response.status, response.headers, answer
            return response.status, response.headers, text
        finally:
            connection.close()

    def answer_bytes(self, method, path, body, headers):
        """(status, bytes), held against the document as well."""
        status, found, raw = self.raw(method, path, headers, body)
        if found.get_content_type() == "application/json" and raw:
            self.check(method, path, body, status, json.loads(raw))
        return status, raw

    def raw(self, method, path, headers, body=None):
        """(status, headers, bytes) as they came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def check(self, method, path, body, status, answer):
        """Every answer of the API that a test sees is held against /openapi.json, unless errors are told with 200."""
        if not self.document or not path.startswith("/api") or self.options.get("api.v1_errors") == "always-200":
            return
        self.document.check(method, path, body, status, answer)

    def api(self, command, **parameters):
        """/api.php; returns the answer's body."""
        status, _, body = self.request("POST", "/api.php", {"Command": command, **parameters})
        assert status == 200, (status, body)
        return body

    def send(self, key, message=None, headers=None, **fields):
        """POST /api/v1/email; returns (status, body)."""
        body = message or mail(**fields)
        status, _, answer = self.request("POST", "/api/v1/email", body, {"Authorization": f"Bearer {key}", **(headers or {})})
        return status, answer

    def sent(self, key, **fields):
        status, answer = self.send(key, **fields)
        assert status == 200, (status, answer)
        return answer["MessageID"]

    def tenant(self, domain="shop.test", email=None, enabled=True):
        """An account with an enabled domain and a sender key."""
        email = email or f"owner@{domain}"
        account = self.cli_json("account", "create", "--email", email, "--password-stdin", stdin="correct horse battery")
        made = self.cli_json("domain", "add", domain, "--account", email)
        if enabled:
            self.cli_json("domain", "enable", domain)
        key = self.cli_json("key", "add", "--domain", domain)["APIKey"]
        return Tenant(email, account["UserID"], account["APIKey"], made["DomainID"], domain, key["Key"], int(key["KeyID"]), made["DNSRecords"])

    def events(self, key, **filters):
        query = "&".join(f"{k}={v}" for k, v in {"RetrieveCount": 100, **filters}.items())
        status, _, body = self.request("GET", f"/api/v1/events?{query}", headers={"Authorization": f"Bearer {key}"})
        assert status == 200, (status, body)
        return body["Events"]

    def event_types(self, key, message_id):
        """Types of a message's events, oldest first."""
        return [e["EventType"] for e in reversed(self.events(key, MessageID=message_id))]

    def events_total(self, key, **filters):
        query = "&".join(f"{k}={v}" for k, v in {"RetrieveCount": 1, **filters}.items())
        return self.request("GET", f"/api/v1/events?{query}", headers={"Authorization": f"Bearer {key}"})[2]["TotalRecords"]

    def sql(self, statement):
        """Change what no operation changes yet, behind the gateway's back."""
        url = self.options.get("data.url")
        if url:
            subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, url], check=True)
            return
        with closing(sqlite3.connect(self.database(), timeout=60)) as db:
            db.execute(statement)
            db.commit()

    def rows(self, query):
        """What a query answers, as tuples of text."""
        url = self.options.get("data.url")
        if url:
            out = subprocess.run(["psql", "-q", "-At", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", query, url], check=True, capture_output=True)
            return [tuple(line.split("\t")) for line in out.stdout.decode().splitlines()]
        with closing(sqlite3.connect(self.database(), timeout=60)) as db:
            return [tuple(map(str, row)) for row in db.execute(query)]

    def master_key(self):
        return self.folder / "data.master.key"

    def database(self):
        return self.folder / "data" / "posthorn.db"


class Tenant:
    def __init__(self, email, user_id, api_key, domain_id, domain, key, key_id, records):
        self.email, self.user_id, self.api_key, self.domain_id = email, user_id, api_key, domain_id
        self.domain, self.key, self.key_id, self.records = domain, key, key_id, records


def mail(to="reader@example.org", sender="news@shop.test", **fields):
    recipients = to if isinstance(to, list) else [{"email": to, "name": "Reader"}]
    return {"From": {"email": sender, "name": "Shop"}, "To": recipients, "Subject": "Hello", "ContentType": "plain", "PlainContent": "Hello there\n",
            **fields}
