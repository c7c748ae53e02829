"""relays.py - Postfix and Exim as people run them in front of a gateway: a local server whose next hop, by AUTH and TLS, is us.

Unpacked into build-peers and never installed (bench/peers.py); what was fetched once is used from then on, without the network. They
need root, since their masters change to other users. Mail enters them by SMTP on a loopback port.
SPDX-License-Identifier: Apache-2.0"""
import atexit
import functools
import os
import re
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from clients import Said
from gateway import ROOT, free_port, wait_for

sys.path.insert(0, str(ROOT / "bench"))
import peers  # noqa: E402
import postfix  # noqa: E402


class Tools:
    """What the benchmarks' servers want to know of their surroundings."""

    login = ("nobody", "nothing")
    free_port = staticmethod(free_port)

    def __init__(self, scratch):
        self.scratch = scratch

    @staticmethod
    def wait_for_port(port, process):
        def is_open():
            assert process.poll() is None, "the relay ended"
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        wait_for(is_open, what="the relay's port")


@functools.cache
def public_scratch():
    """Gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="posthorn-peers-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def tools(peer):
    """Skips the test that cannot have it. Who changes to another user must reach his files: from a checkout below a folder that is its
    owner's alone, as /root, they are copied."""
    if os.getuid() != 0:
        pytest.skip(f"{peer} needs root")
    if peer == "exim" and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("exim needs a mount namespace of its own (unshare --mount)")
    scratch = ROOT / "build-peers"
    scratch.mkdir(exist_ok=True)
    try:
        peers.unpack(scratch, peer)
    except subprocess.CalledProcessError:
        pytest.skip(f"lacks the package {peer} (apt-get download)")
    if all(folder.stat().st_mode & 0o001 for folder in (scratch, *scratch.parents)):
        return Tools(scratch)
    if not (public_scratch() / f"peer-{peer}").exists():
        shutil.copytree(scratch / f"peer-{peer}", public_scratch() / f"peer-{peer}", symlinks=True)
    return Tools(public_scratch())


class Relay:
    """Mixed in: hands a message over by SMTP, and waits for what the log says of each recipient."""

    def submit(self, letter, options=(), rcpt_options=()):
        begin = len(self.log_text())
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as smtp:
            smtp.ehlo()
            smtp.sendmail(letter.sender, letter.recipients, letter.raw, options, rcpt_options)
        lines = wait_for(lambda: (found := self.results(self.log_text()[begin:])) and len(found) >= len(letter.recipients) and found,
                         what="the relay's delivery")
        return Said(all(ok for ok, _ in lines), "\n".join(line for _, line in lines), letter.raw)

    def log_text(self):
        return self.log_file().read_text(errors="replace") if self.log_file().exists() else ""


POSTFIX = """smtp_sasl_auth_enable = yes
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = static:{user}:{password}
smtp_sasl_mechanism_filter = {mechanism}
smtp_tls_security_level = {level}
smtp_tls_wrappermode = {wrapper}
soft_bounce = yes
smtputf8_enable = yes
"""


class Postfix(Relay, postfix.Postfix):
    def __init__(self, way):
        super().__init__(tools("postfix"), next_hop=way.port)
        self.way = way

    def configure(self):
        super().configure()
        way, main = self.way, self.folder / "config/main.cf"
        ours = POSTFIX.format(user=way.user, password=way.password, mechanism=way.mechanism.lower(), level="encrypt" if way.has_tls else "none",
                              wrapper="yes" if way.is_implicit else "no")
        names = {line.partition(" = ")[0] for line in ours.splitlines()}
        kept = [line for line in main.read_text().splitlines() if line.partition(" = ")[0] not in names]
        main.write_text("\n".join(kept) + "\n" + ours)

    def log_file(self):
        return self.folder / "log"

    @staticmethod
    def results(log):
        return [(status == "sent", line) for line, status in re.findall(r"^(.* to=<.* status=(\w+) .*)$", log, re.M)]


EXIM = """primary_hostname = relay.test
exim_path = /peer/usr/sbin/exim4
log_file_path = /var/log/exim4/%slog
log_selector = +smtp_confirmation +tls_cipher
local_interfaces = 127.0.0.1
disable_ipv6
host_lookup =
daemon_smtp_ports = {port}
tls_advertise_hosts =
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
message_size_limit = 60M
keep_environment =
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin acl
accept:
  accept
begin routers
bounces:
  driver = redirect
  senders = :
  data = :blackhole:
smarthost:
  driver = manualroute
  domains = *
  transport = out
  host_find_failed = defer
  self = send
  route_list = * 127.0.0.1
begin transports
out:
  driver = smtp
  port = {next_hop}
  hosts_require_auth = *
  hosts_require_tls = {require_tls}
  hosts_avoid_tls = {avoid_tls}
  tls_verify_hosts =
  tls_try_verify_hosts =
  protocol = {protocol}
begin retry
* * F,1h,1h
begin authenticators
login:
  driver = plaintext
  public_name = {mechanism}
  client_send = {send}
"""


class Exim(Relay, peers.Exim):
    def __init__(self, way):
        super().__init__(tools("exim"))
        self.way = way

    def config(self):
        way = self.way
        send = f": {way.user} : {way.password}" if way.mechanism == "LOGIN" else f"^{way.user}^{way.password}"
        self.write("etc/exim4/exim4.conf", EXIM.format(
            port=self.port, next_hop=way.port, mechanism=way.mechanism, send=send, require_tls="*" if way.has_tls and not way.is_implicit else "",
            avoid_tls="" if way.has_tls else "*", protocol="smtps" if way.is_implicit else "smtp"))

    def log_file(self):
        return self.jail / "var/log/exim4/mainlog"

    @staticmethod
    def results(log):
        return [(mark in ("=>", "->"), line) for line, mark in re.findall(r"^(\S+ \S+ \S+ (=>|->|\*\*|==) .*)$", log, re.M)]
