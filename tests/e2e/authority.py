"""authority.py - Pebble, the authority that Let's Encrypt tests ACME clients with, on ports of a test's own.

It forgets nothing but its memory: a new one has a new root. It refuses a fifth of all nonces, so that clients learn to repeat.
SPDX-License-Identifier: Apache-2.0"""
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pytest
from certificates import Authority
from gateway import free_port, wait_for

HOST = "ca.posthorn.test"  # the zone must have an address for it


class Pebble:
    """Validates by http at `http_port`, with names from `zone`."""

    def __init__(self, zone, http_port, life_s=None):
        if not shutil.which("pebble"):
            pytest.skip("lacks the package pebble")
        self.zone = zone
        self.folder = Path(tempfile.mkdtemp(prefix="posthorn-pebble-"))
        self.port, self.management, self.log = free_port(), free_port(), self.folder / "log"
        self.server_ca = Authority()
        pair = self.server_ca.issue(HOST)
        config = {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}", "certificate": str(pair.cert),
                  "privateKey": str(pair.key), "httpPort": http_port, "tlsPort": free_port(), "ocspResponderURL": "",
                  "externalAccountBindingRequired": False}
        if life_s:
            config["certificateValidityPeriod"] = life_s
        (self.folder / "config.json").write_text(json.dumps({"pebble": config}))
        zone.add(HOST, "A", "127.0.0.1")
        self.process = None

    def start(self):
        environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "20", "PEBBLE_AUTHZREUSE": "0"}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["pebble", "-config", str(self.folder / "config.json"), "-strict=true", "-dnsserver",
                                             f"127.0.0.1:{self.zone.port}"], stdout=log, stderr=log, env=environment)
        wait_for(self.root, what="pebble")
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def root(self):
        """The certificate that what it issues leads to, PEM."""
        context = ssl._create_unverified_context()
        try:
            with urllib.request.urlopen(f"https://127.0.0.1:{self.management}/roots/0", context=context, timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def options(self, **more):
        return {"acme.directory": f"https://{HOST}:{self.port}/dir", "acme.agree": "yes", "acme.ca": str(self.server_ca.root.cert),
                "acme.contact": "operator@posthorn.test", "dns.servers": self.zone.server, **more}

    def said(self, words):
        return self.log.read_text().count(words)
