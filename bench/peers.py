"""peers.py - the mail servers beside which we are measured: unpacked into the scratch folder, never installed.

Exim and OpenSMTPD have paths and users compiled in, so each runs in a jail: a folder of its own as root, the machine's /usr below it,
in a mount namespace that ends with the server. Queues lie on the scratch folder's disk. Mail is accepted and stays in the queue.
SPDX-License-Identifier: Apache-2.0"""
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

PACKAGES = {"postfix": ("postfix", "opendkim"), "exim": ("exim4-base", "exim4-daemon-light"), "opensmtpd": ("opensmtpd",)}
PROGRAMS = {"postfix": "usr/sbin/opendkim", "exim": "usr/sbin/exim4", "opensmtpd": "usr/sbin/smtpd"}


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
    wanted = {"postfix", "opendkim", "exim4-daemon-light", "opensmtpd"}
    return ", ".join(f"{name} {version}" for name, version in sorted(names) if name in wanted)


class Jailed:
    """What the two have in common. A subclass tells peer, USERS, OWNED, arguments(), config() and stored()."""

    USERS, OWNED = (), ()  # (name, number); (folder below the jail, user's number, mode)

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
        self.write("etc/resolv.conf", "lookup file\n")
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
        script = f"{mounts}mount --bind {self.root} {self.jail}/peer && exec chroot {self.jail} \"$@\""
        with open(self.folder / "out", "wb") as out:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script, "sh", *self.arguments()], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={"PATH": "/usr/sbin:/usr/bin", "LD_LIBRARY_PATH": "/peer/usr/lib/x86_64-linux-gnu:/peer/usr/lib"}, start_new_session=True)
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
queue_only
chunking_advertise_hosts =
acl_smtp_rcpt = acl_all
acl_smtp_data = acl_all
begin acl
acl_all:
  accept
begin routers
held:
  driver = manualroute
  transport = out
  route_list = * 127.0.0.1
begin transports
out:
  driver = smtp
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
    """queue_only: stored and never tried; everything about files and syncs is its default (both files of a message are synced)."""

    peer = "exim"
    USERS = (("Debian-exim", 64101),)
    OWNED = (("var/spool/exim4", 64101, 0o750), ("var/log/exim4", 64101, 0o750))

    def config(self):
        tls = "tls_advertise_hosts ="
        if self.tls:
            tls = "tls_advertise_hosts = *\ntls_certificate = /etc/cert.pem\ntls_privatekey = /etc/key.pem"
        user, password = self.login()
        self.write("etc/exim4/exim4.conf", EXIM.format(port=self.port, tls=tls, user=user, hash=sha512_crypt(password)))

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
