"""peers.py - the mail servers beside which we are measured: unpacked into the scratch folder, never installed.

Exim and OpenSMTPD have paths and users compiled in, so each runs in a jail: a folder of its own as root, the machine's /usr below it,
in a mount namespace that ends with the server. Queues lie on the scratch folder's disk. Mail is accepted and stays in the queue, or
Exim and Haraka sign and relay it. Haraka comes from npm. nginx serves a picture.
SPDX-License-Identifier: Apache-2.0"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

PACKAGES = {"postfix": ("postfix", "opendkim"), "exim": ("exim4-base", "exim4-daemon-light"), "opensmtpd": ("opensmtpd",),
            "nginx": ("nginx",)}
PROGRAMS = {"postfix": "usr/sbin/opendkim", "exim": "usr/sbin/exim4", "opensmtpd": "usr/sbin/smtpd", "nginx": "usr/sbin/nginx"}


def unpack(scratch, peer):
    """Fetch it and the libraries this machine lacks; returns where they lie."""
    root, packages = scratch / f"peer-{peer}", scratch / f"packages-{peer}"
    if (root / PROGRAMS[peer]).exists():
        return root
    packages.mkdir(exist_ok=True)
    plan = subprocess.run(["apt-get", "install", "-s", "--no-install-recommends", *PACKAGES[peer]], capture_output=True, text=True)
    missing = {line.split()[1] for line in plan.stdout.splitlines() if line.startswith("Inst ")}
    names = sorted(missing | set(PACKAGES[peer]))
    subprocess.run(["apt-get", "-q", "download", *names], cwd=packages, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    whole = scratch / f"peer-{peer}.new"  # an interrupted one is no root
    shutil.rmtree(whole, ignore_errors=True)
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, whole], check=True)
    whole.rename(root)
    return root


def versions(scratch, *peers):
    names = {tuple(p.name.split("_")[:2]) for peer in peers for p in (scratch / f"packages-{peer}").glob("*.deb")}
    wanted = {"postfix", "opendkim", "exim4-daemon-light", "opensmtpd", "nginx"}
    return ", ".join(f"{name} {version}" for name, version in sorted(names) if name in wanted)


SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def make_key(path):
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, "2048"], check=True, stderr=subprocess.DEVNULL)
    return path


def with_resolver(folder, address, *command):
    """The command line where resolv.conf names this server; as it is if there is none."""
    if not address:
        return command
    (folder / "resolv.conf").write_text(f"nameserver {address}\n")
    return "unshare", "--mount", "sh", "-c", f"mount --bind {folder}/resolv.conf /etc/resolv.conf && exec \"$@\"", "sh", *command


class Jailed:
    """What the two have in common. A subclass tells peer, USERS, OWNED, arguments(), config() and stored()."""

    USERS, OWNED = (), ()  # (name, number); (folder below the jail, user's number, mode)
    resolver = None

    def __init__(self, tools, tls=None):
        """tls: (certificate, key), files; Exim then offers STARTTLS and AUTH PLAIN."""
        self.tools, self.root, self.tls = tools, unpack(tools.scratch, self.peer), tls
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.peer}-", dir=tools.scratch))
        self.folder.chmod(0o755)
        self.jail, self.port = self.folder / "jail", tools.free_port()

    def write(self, name, text, mode=0o644):
        path = self.jail / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def build_jail(self):
        for name in ("usr", "dev", "proc", "peer", "tmp", "var/empty", "run", "etc"):
            (self.jail / name).mkdir(parents=True)
        (self.jail / "var/run").symlink_to("/run")
        for name in ("bin", "sbin", "lib", "lib64"):
            if Path("/", name).is_symlink():
                (self.jail / name).symlink_to(os.readlink(Path("/", name)))
        people = [("root", 0), ("nobody", 65534), *self.USERS]
        self.write("etc/passwd", "".join(f"{name}:x:{number}:{number}::/var/empty:/bin/false\n" for name, number in people))
        self.write("etc/group", "".join(f"{name}:x:{number}:\n" for name, number in people))
        self.write("etc/hosts", "127.0.0.1 localhost gw.bench.test\n")
        self.write("etc/resolv.conf", f"nameserver {self.resolver}\n" if self.resolver else "lookup file\n")
        self.write("etc/ld.so.conf", "/peer/usr/lib/x86_64-linux-gnu\n/peer/usr/lib\n")  # of a setuid program, which takes no LD_LIBRARY_PATH
        self.write("etc/nsswitch.conf", "hosts: files\n")
        for name, number, mode in self.OWNED:
            (self.jail / name).mkdir(parents=True, exist_ok=True)
            os.chown(self.jail / name, number, number)
            (self.jail / name).chmod(mode)
        for kind, file in zip(("cert", "key"), self.tls or ()):
            shutil.copy(file, self.jail / f"etc/{kind}.pem")
            os.chown(self.jail / f"etc/{kind}.pem", self.USERS[0][1], 0)

    def __enter__(self):
        self.build_jail()
        self.config()
        mounts = "".join(f"mount --rbind /{name} {self.jail}/{name} && " for name in ("usr", "dev", "proc"))
        script = f"{mounts}mount --bind {self.root} {self.jail}/peer && chroot {self.jail} /sbin/ldconfig && exec chroot {self.jail} \"$@\""
        with open(self.folder / "out", "wb") as out:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script, "sh", *self.arguments()], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={"PATH": "/usr/sbin:/usr/bin", "LD_LIBRARY_PATH": "/peer/usr/lib/x86_64-linux-gnu:/peer/usr/lib"}, start_new_session=True,
                preexec_fn=lambda: ctypes.CDLL(None).prctl(SUBREAPER, 1))  # deliveries of Exim, whose parents end, are its children again
        self.tools.wait_for_port(self.port, self.process)
        self.roots = [self.process.pid]
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)  # it leads a session, so its children end with it
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def peak_mib(self, usage):
        return usage.peak_mib


EXIM = """primary_hostname = gw.bench.test
exim_path = /peer/usr/sbin/exim4
log_file_path = /var/log/exim4/%slog
local_interfaces = 127.0.0.1
disable_ipv6
host_lookup =
rfc1413_query_timeout = 0s
daemon_smtp_ports = {port}
{tls}
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 1024
split_spool_directory
{queue}
chunking_advertise_hosts =
acl_smtp_rcpt = acl_all
acl_smtp_data = acl_all
begin acl
acl_all:
  accept
begin routers
next_hop:
  transport = out
  self = send
  {route}
begin transports
out:
  driver = smtp
  port = {next_hop}
  allow_localhost
  hosts_avoid_tls = *
  {dkim}
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{crypteq{{$auth3}}{{\\N{hash}\\N}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


class Exim(Jailed):
    """Everything about files and syncs is its default (both files of a message are synced). No next_hop (a port, by MX if there is a
    resolver): queue_only, stored and never tried. Else each message is delivered at once by a process of its own, and signed."""

    peer = "exim"
    USERS = (("Debian-exim", 64101),)
    OWNED = (("var/spool/exim4", 64101, 0o750), ("var/log/exim4", 64101, 0o750))

    def __init__(self, tools, tls=None, next_hop=None, resolver=None):
        super().__init__(tools, tls)
        self.next_hop, self.resolver = next_hop, resolver

    def config(self):
        tls = "tls_advertise_hosts ="
        if self.tls:
            tls = "tls_advertise_hosts = *\ntls_certificate = /etc/cert.pem\ntls_privatekey = /etc/key.pem"
        user, password = self.login()
        route = "driver = dnslookup" if self.resolver else "driver = manualroute\n  route_list = * 127.0.0.1"
        queue, dkim = "queue_only", ""
        (self.jail / "etc/exim4").mkdir()
        if self.next_hop:
            os.chown(make_key(self.jail / "etc/exim4/dkim.key"), self.USERS[0][1], 0)
            queue, dkim = "", ("dkim_domain = bench.test\n  dkim_selector = s1\n  dkim_private_key = /etc/exim4/dkim.key\n"
                               "  dkim_canon = relaxed")
        self.write("etc/exim4/exim4.conf", EXIM.format(port=self.port, tls=tls, user=user, hash=sha512_crypt(password), route=route,
                                                       queue=queue, dkim=dkim, next_hop=self.next_hop or 9))

    @staticmethod
    def login():
        return "bench-user", "correct-horse-battery-staple"

    def arguments(self):
        return ["/peer/usr/sbin/exim4", "-bdf"]

    def stored(self):
        return sum(1 for _ in (self.jail / "var/spool/exim4/input").rglob("*-H"))


OPENSMTPD = """smtp max-message-size 50M
smtp limit max-mails 1000000
listen on 127.0.0.1 port {port} hostname gw.bench.test
action "out" relay host smtp://127.0.0.1:9
match from any for any action "out"
"""


class OpenSmtpd(Jailed):
    """-P mta: no delivery is tried. It syncs nothing, and has no setting for it: as it is, mail that it acknowledged is lost with the power.
    is_durable: the file system syncs its queue for it (chattr +SD).

    It listens with a backlog of 5: of 50 connections at once most are dropped and come seconds later. It gets as many as it does best with."""

    kept_max, new_max = 20, 5
    peer = "opensmtpd"
    USERS = (("opensmtpd", 64102), ("opensmtpq", 64103))
    OWNED = (("var/lib/opensmtpd/empty", 0, 0o755), ("var/spool/smtpd", 0, 0o711), ("var/spool/smtpd/offline", 0, 0o770))

    def __init__(self, tools, is_durable=True):
        super().__init__(tools)
        self.is_durable = is_durable

    def config(self):
        os.chown(self.jail / "var/spool/smtpd/offline", 0, 64103)
        if self.is_durable:
            subprocess.run(["chattr", "+SD", self.jail / "var/spool/smtpd"], check=True)  # what is made below has it too
        self.write("etc/smtpd.conf", OPENSMTPD.format(port=self.port))

    def arguments(self):
        return ["/peer/usr/sbin/smtpd", "-F", "-P", "mta"]

    def stored(self):
        return sum(1 for _ in (self.jail / "var/spool/smtpd/queue").rglob("message"))


def sha512_crypt(password):
    """As their manuals recommend for a file of users, with the usual 5,000 rounds."""
    return subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True).stdout.strip()


HARAKA = {"Haraka": "3.3.4", "haraka-plugin-dkim": "1.3.1"}
NEXT_HOP = """const dns = require('dns');
exports.hook_rcpt = (next) => next(OK);
exports.hook_get_mx = (next, hmail, domain) => {{
  if (!{by_mx}) return next(OK, {{ priority: 0, exchange: '127.0.0.1', port: {port} }});
  dns.resolveMx(domain, (e, hosts) => e ? next(DENYSOFT) : next(OK, hosts.map((h) => ({{ ...h, port: {port} }}))));
}};
"""


class Haraka:
    """A process a core. It never syncs its queue: what it acknowledged is lost with the power."""

    def __init__(self, tools, next_hop, resolver=None):
        self.tools, self.next_hop, self.resolver, self.port = tools, next_hop, resolver, tools.free_port()
        self.root = tools.scratch / "peer-haraka"
        if not (self.root / "node_modules/.package-lock.json").exists():
            self.root.mkdir(exist_ok=True)
            (self.root / "package.json").write_text(json.dumps({"private": True, "dependencies": HARAKA}))
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=self.root, check=True, capture_output=True)
        self.folder = Path(tempfile.mkdtemp(prefix="haraka-", dir=tools.scratch))

    def config(self):
        files = {"smtp.ini": f"listen=127.0.0.1:{self.port}\nnodes={os.cpu_count()}\n", "me": "gw.bench.test\n", "loglevel": "warn\n",
                 "relay_acl_allow": "127.0.0.0/8\n", "relay.ini": "[relay]\nacl=true\n", "log.ini": "[main]\nlevel=warn\n",
                 "outbound.ini": "enable_tls=false\nlocal_mx_ok=true\nconcurrency_max=100\n", "plugins": "relay\nnext_hop\ndkim\n",
                 "dkim.ini": "[sign]\nenabled=true\nselector=s1\ndomain=bench.test\n[canon]\nbody=relaxed\nheader=relaxed\n[verify]\nenabled=false\n",
                 "dkim/bench.test/selector": "s1\n"}
        for name, text in files.items():
            path = self.folder / "config" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        make_key(self.folder / "config/dkim/bench.test/private")
        shutil.copy(self.root / "node_modules/Haraka/config/connection.ini", self.folder / "config")
        for name in ("plugins", "queue"):
            (self.folder / name).mkdir()
        (self.folder / "plugins/next_hop.js").write_text(NEXT_HOP.format(port=self.next_hop, by_mx="true" if self.resolver else "false"))

    def __enter__(self):
        self.config()
        with open(self.folder / "out", "wb") as out:
            self.process = subprocess.Popen(
                with_resolver(self.folder, self.resolver, "node", self.root / "node_modules/Haraka/bin/haraka", "-c", self.folder),
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self.tools.wait_for_port(self.port, self.process)
        self.roots = [self.process.pid]
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)  # it would wait for its connections
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def peak_mib(self, usage):
        return usage.peak_mib
