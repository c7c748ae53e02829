"""posthorn.py - our side of a benchmark: a gateway with production's settings in a folder of its own.

SPDX-License-Identifier: Apache-2.0"""
import json
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import measure

PASSWORD = "correct horse battery"
FOX = "The quick brown fox jumps over the lazy dog, again and again. "


def message(size):
    """What is posted to /api/v1/email, with a body of `size` bytes in lines of 76."""
    text = (FOX * (size // len(FOX) + 1))[:size]
    return {"From": {"email": "bench@bench.test", "name": "Bench"}, "To": [{"email": "u%i@d%w.bench.test", "name": ""}],
            "Subject": "Benchmark %i", "ContentType": "plain",
            "PlainContent": "\n".join(text[i:i + 75] for i in range(0, size, 76))}


class Posthorn:
    """Live, durable, logging to a file. `more`: {"section.key": value}."""

    def __init__(self, tools, folder=None, **more):
        self.tools, self.port, self.before_exec = tools, tools.free_port(), None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="posthorn-", dir=tools.scratch))
        self.options = {"data.dir": self.folder / "data", "data.user": tools.user, "http.listen": f"127.0.0.1:{self.port}",
                        "log.level": "info", "delivery.mode": "live", "delivery.hostname": "gw.bench.test",
                        "delivery.allow_private": "yes", "limits.key_per_minute": 0, "limits.account_per_minute": 0,
                        "limits.address_per_minute": 0, **more}

    def arguments(self):
        return [x for k, v in self.options.items() for x in ("-o", f"{k}={v}")]

    def cli(self, *arguments, stdin=""):
        run = subprocess.run([self.tools.posthorn, *arguments, "--json", *self.arguments()], input=stdin, capture_output=True, text=True,
                             check=True)
        return json.loads(run.stdout)

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as f:
            return next(float(line.split()[-1]) for line in f.read().decode().splitlines() if line.startswith(name + " "))

    def __enter__(self):
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([self.tools.posthorn, "serve", *self.arguments()], stdout=log, stderr=log,
                                            preexec_fn=self.before_exec)
        try:
            self.set_up()
        except BaseException:
            self.process.kill()  # nobody else will
            raise
        return self

    def set_up(self):
        self.tools.wait_for_port(self.port, self.process)
        self.roots = [self.process.pid]
        account = self.cli("account", "create", "--email", "owner@bench.test", "--password-stdin", stdin=PASSWORD)
        self.cli("domain", "add", "bench.test", "--account", "owner@bench.test")
        self.cli("domain", "enable", "bench.test")
        self.user_key, self.key = account["APIKey"], self.cli("key", "add", "--domain", "bench.test")["APIKey"]["Key"]
        time.sleep(0.5)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def request(self, method, path, body=None, count=1, connections=None, mode="keep", wheel=1, key=None):
        """The same request over many connections; the client's line. %i and %w in path and body: see load.c."""
        t, file = self.tools, self.folder / "request-body"
        if body is not None:
            file.write_text(body if isinstance(body, str) else json.dumps(body))
        line = t.check("load", "127.0.0.1", self.port, method, path, "-" if body is None else file, count, connections or t.sessions, mode,
                       wheel, f"Authorization: Bearer {key or self.user_key}", "Content-Type: application/json")
        return measure.key_values(line)

    def call(self, method, path, body=None, key=None):
        """One request, and its answer."""
        data = None if body is None else json.dumps(body).encode()
        ask = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method, headers={
            "Authorization": f"Bearer {key or self.user_key}", "Content-Type": "application/json"})
        with urllib.request.urlopen(ask, timeout=600) as f:
            return json.load(f)

    def command(self, name, **parameters):
        return self.call("POST", "/api.php", {"Command": name, **parameters})

    def load(self, count, mode="keep", domains=20, **more):
        """50 connections post `count` messages, each to a recipient of its own; the client's line."""
        return self.request("POST", "/api/v1/email", {**more, **message(self.tools.bytes)}, count, None, mode, domains, self.key)

    def peak_mib(self, _):
        """The kernel's own mark, shared libraries included."""
        return measure.rss_mib(self.process.pid, "VmHWM")
