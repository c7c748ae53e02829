"""postfix.py - the peer: Postfix and OpenDKIM, unpacked and never installed, on loopback with folders of their own.

They need root to start (their master changes to other users) but no users of their own: the queue belongs to `daemon`, the
rest runs as `nobody`, both of which every Debian has. Settings are those that the two recommend for a relay under load: no name
look-ups, no rate limits, 100 processes, 20 connections to the next hop, kept ones reused.
SPDX-License-Identifier: Apache-2.0"""
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from peers import make_key, unpack, with_resolver

SETGID_GROUP, OWNER, OTHER = "mail", "daemon", "nobody"
QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")

MAIN = """compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {root}/usr/lib/postfix/sbin
command_directory = {root}/usr/sbin
shlib_directory = {root}/usr/lib/postfix
mail_owner = {owner}
default_privs = {other}
setgid_group = {group}
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH POSTLOG_SERVICE POSTLOG_HOSTNAME
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = gw.bench.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_peername_lookup = no
smtp_tls_security_level = none
smtp_connection_cache_on_demand = yes
in_flow_delay = 0
default_process_limit = 100
default_destination_concurrency_limit = 20
initial_destination_concurrency = 20
qmgr_message_active_limit = 40000
message_size_limit = 60000000
milter_default_action = tempfail
"""
MASTER = """127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""
TLS = """smtpd_tls_security_level = may
smtpd_tls_chain_files = {1} {0}
"""
OPENDKIM = """Domain bench.test
Selector s1
KeyFile {folder}/dkim.key
Socket inet:{port}@127.0.0.1
Mode s
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
InternalHosts 127.0.0.1
UserID {other}
RequireSafeKeys false
Syslog no
Background no
"""


class Postfix:
    """next_hop: the port that all mail goes to, by MX if there is a resolver (its address); None: it is accepted and held. signs: OpenDKIM
    signs, RSA-2048. tls: (certificate, key), files, for STARTTLS."""

    def __init__(self, tools, next_hop=None, signs=False, tls=None, resolver=None):
        self.resolver, self.tools, self.root, self.signs, self.tls = resolver, tools, unpack(tools.scratch, "postfix"), signs, tls
        self.folder = Path(tempfile.mkdtemp(prefix="postfix-", dir=tools.scratch))
        self.folder.chmod(0o755)
        self.port, self.milter_port = tools.free_port(), tools.free_port()
        library = [self.root / "usr/lib/postfix", self.root / "usr/lib/x86_64-linux-gnu", self.root / "usr/lib"]
        self.environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, library))}
        self.next_hop, self.processes = next_hop, []

    def configure(self):
        owner = pwd.getpwnam(OWNER).pw_uid
        config, queue = self.folder / "config", self.folder / "queue"
        for folder in (config, queue, queue / "pid", *(queue / name for name in QUEUES), queue / "public", self.folder / "data"):
            folder.mkdir()
        for name in QUEUES:
            os.chown(queue / name, owner, -1)
            (queue / name).chmod(0o700)
        for name in ("maildrop", "public"):
            (queue / name).mkdir(exist_ok=True)
            shutil.chown(queue / name, OWNER, SETGID_GROUP)
            (queue / name).chmod(0o730 if name == "maildrop" else 0o710)
        os.chown(self.folder / "data", owner, -1)
        main = MAIN.format(folder=self.folder, root=self.root, owner=OWNER, other=OTHER, group=SETGID_GROUP)
        if self.resolver:
            main += f"smtp_tcp_port = {self.next_hop}\n"
        else:
            main += "smtp_dns_support_level = disabled\n"
            main += f"relayhost = [127.0.0.1]:{self.next_hop}\n" if self.next_hop else "smtpd_sender_restrictions = static:HOLD\n"
        main += f"smtpd_milters = inet:127.0.0.1:{self.milter_port}\n" if self.signs else ""
        main += TLS.format(*self.tls) if self.tls else "smtpd_tls_security_level = none\n"
        (config / "main.cf").write_text(main)
        (config / "master.cf").write_text(MASTER.format(port=self.port))
        (config / "dynamicmaps.cf").write_text("")

    def start(self, name, *command):
        with open(self.folder / f"{name}.out", "wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.environment, start_new_session=True)
        self.processes.append(process)
        return process

    def start_opendkim(self):
        shutil.chown(make_key(self.folder / "dkim.key"), OTHER)
        config = self.folder / "opendkim.conf"
        config.write_text(OPENDKIM.format(folder=self.folder, port=self.milter_port, other=OTHER))
        process = self.start("opendkim", self.root / "usr/sbin/opendkim", "-f", "-x", config)
        self.tools.wait_for_port(self.milter_port, process)

    def __enter__(self):
        self.configure()
        if self.signs:
            self.start_opendkim()
        master = self.start("master", *with_resolver(self.folder, self.resolver, self.root / "usr/lib/postfix/sbin/master", "-d", "-c",
                                                     self.folder / "config"))
        self.tools.wait_for_port(self.port, master)
        self.roots = [process.pid for process in self.processes]
        time.sleep(1)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):  # each leads a session, so its children end with it
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def load(self, count, *options):
        """50 sessions of Postfix's own client; seconds."""
        t = self.tools
        begin = time.monotonic()
        subprocess.run([self.root / "usr/sbin/smtp-source", *options, "-s", str(t.sessions), "-m", str(count), "-l", str(t.bytes), "-f",
                        "bounce@bench.test", "-t", "user@d0.bench.test", f"127.0.0.1:{self.port}"], check=True, env=self.environment)
        return time.monotonic() - begin

    def stored(self):
        """Messages on disk."""
        return len(os.listdir(self.folder / "queue/hold"))

    def peak_mib(self, usage):
        """Of all processes, sampled, pages they share counted once."""
        return usage.peak_mib
