"""smtp_in.py - mail taken over SMTP: ours beside Postfix, OpenSMTPD and Exim, in interleaved rounds; logins over TLS; idle connections.

Nothing is delivered meanwhile: ours is to be sent tomorrow (a header says so), theirs is held or queued only. After each server's
loads, the messages on its disk are counted: as many as were acknowledged, or there is no figure.
SPDX-License-Identifier: Apache-2.0"""
import resource
import shutil
import sqlite3
import subprocess
import sys
import time

import measure
from peers import Exim, OpenSmtpd
from postfix import Postfix
from posthorn import FOX, Posthorn

WARM = 200
IDLE = 10000
OTHERS = 50  # connections beside them
ADDRESSES = 250  # that idle connections come from
GOOD = 1000  # messages of the good client beside them


def write_message(tools, waits=True):
    """Of so many bytes as given; as lines for smtp-source (which adds CR), and as it is on the wire. waits: until tomorrow."""
    head = ["From: Bench <bounce@bench.test>", "To: u@d0.bench.test", "Subject: Benchmark", "Message-ID: <bench@bench.test>",
            "Date: Mon, 23 Nov 2026 12:00:00 +0000", *([f"X-Posthorn-Send-At: {int(time.time()) + 86400}"] if waits else []), ""]
    size = tools.bytes - len("\r\n".join(head)) - 2
    text = (FOX * (size // len(FOX) + 1))[:size]
    lines = [*head, *(text[i:i + 75] for i in range(0, size, 77))]
    (tools.scratch / "message.lf").write_text("\n".join(lines) + "\n")
    (tools.scratch / "message.crlf").write_bytes(("\r\n".join(lines) + "\r\n").encode())


def make_certificate(tools):
    """P-256, as ours makes for itself."""
    files = tools.scratch / "cert.pem", tools.scratch / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                    "/CN=gw.bench.test", "-out", files[0], "-keyout", files[1]], check=True, stderr=subprocess.DEVNULL)
    return files


class PosthornSmtp(Posthorn):
    """Ours with a submission listener, whose P-256 certificate it makes itself. trusts: this machine needs no login and sends as bench.test."""

    def __init__(self, tools, trusts=True, **more):
        more |= {"smtp.trusted": "127.0.0.0/8=bench.test"} if trusts else {}
        self.smtp_port = tools.free_port()
        super().__init__(tools, **{"delivery.smarthost": "127.0.0.1:9", "smtp.listen": f"127.0.0.1:{self.smtp_port}",
                                   "smtp.connections": 20000, "smtp.connections_per_address": 20000, **more})

    def login(self):
        user = self.cli("smtp-user", "add", "--domain", "bench.test")["SMTP"]
        return user["Username"], user["Password"]

    def stored(self):
        """Of the database's own rows, by another reader."""
        with sqlite3.connect(f"file:{self.folder}/data/posthorn.db?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM messages").fetchone()[0]


# ---- loads ----
def smtp_port(server):
    return getattr(server, "smtp_port", server.port)


def sessions(tools, server, few_at_once):
    """As many as asked for, or as the server's backlog takes."""
    return min(tools.sessions, getattr(server, "kept_max" if few_at_once else "new_max", tools.sessions))


def smtp_source(tools, server, count, *options):
    """Postfix's own client: one command, one reply. It times nothing but itself."""
    root = tools.scratch / "peer-postfix"
    begin = time.monotonic()
    subprocess.run([root / "usr/sbin/smtp-source", *options, "-s", str(sessions(tools, server, False)), "-m", str(count), "-F",
                    tools.scratch / "message.lf", "-f", "bounce@bench.test", "-t", "u@d0.bench.test", f"127.0.0.1:{smtp_port(server)}"], check=True,
                   env={"LD_LIBRARY_PATH": f"{root}/usr/lib/postfix:{root}/usr/lib/x86_64-linux-gnu"})
    return {"seconds": time.monotonic() - begin}


def smtp(tools, server, mode, count, *options, connections=None):
    """Ours (smtp.c): commands pipelined, replies timed."""
    connections = connections or sessions(tools, server, mode == "keep")
    return measure.key_values(tools.check("smtp", smtp_port(server), mode, count, connections, tools.scratch / "message.crlf", *options))


LOADS = {"smtp-source, kept": lambda t, s, n: smtp_source(t, s, n, "-d"), "smtp-source, a connection each": smtp_source,
         "pipelined, kept": lambda t, s, n: smtp(t, s, "keep", n), "pipelined, a connection each": lambda t, s, n: smtp(t, s, "close", n)}


def all_loads(tools, make, count):
    """{load: row} of one server, started for it."""
    rows, sent = {}, WARM
    with make() as server:
        smtp(tools, server, "keep", WARM)
        for name, load in LOADS.items():
            with measure.Usage(server.roots) as usage:
                answers = load(tools, server, count)
            sent += count
            rows[name] = {"rate": count / answers["seconds"], "p50_ms": answers.get("p50_ms"), "p99_ms": answers.get("p99_ms"),
                          "cpu_s": usage.cpu_s / count * 1000, "peak_mib": server.peak_mib(usage)}
        if server.stored() != sent:
            raise SystemExit(f"{server.folder}: {sent} acknowledged, {server.stored()} on disk")
    shutil.rmtree(server.folder, ignore_errors=True)
    return rows


def table(title, results, columns):
    """results: {name: [row a round]}"""
    print(f"\n## {title}\n\n| | {' | '.join(head for _, head, _ in columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name, rows in results.items():
        print(f"| {name} | {' | '.join(measure.spread([r[field] for r in rows], digits) for field, _, digits in columns)} |", flush=True)


ACCEPT = (("rate", "messages/s", 0), ("p50_ms", "final reply p50 ms", 1), ("p99_ms", "p99 ms", 1), ("cpu_s", "CPU s/1,000", 2),
          ("peak_mib", "peak MiB", 0))


def accept(tools, o):
    servers = {"Posthorn": (lambda: PosthornSmtp(tools), o.count)}
    if o.peer:
        servers |= {"Postfix": (lambda: Postfix(tools), o.peer_count), "OpenSMTPD": (lambda: OpenSmtpd(tools), o.peer_count // 2),
                    "OpenSMTPD, nothing synced": (lambda: OpenSmtpd(tools, False), o.peer_count), "Exim": (lambda: Exim(tools), o.peer_count)}
    servers = {name: v for name, v in servers.items() if not o.only or name in o.only}
    results = {f"{name}: {load}": [] for load in LOADS for name in servers}
    for number in range(o.rounds):
        for name, (make, count) in servers.items():
            print(f"  round {number + 1}: {name}", file=sys.stderr, flush=True)
            for load, row in all_loads(tools, make, count).items():
                results[f"{name}: {load}"].append(row)
    table("smtp-in: accepted", results, ACCEPT)
    for load in LOADS:
        ours = results.get(f"Posthorn: {load}")
        for name in servers:
            theirs = results[f"{name}: {load}"]
            if ours and theirs is not ours:
                print(f"\n{load}: {measure.median(ours, 'rate') / measure.median(theirs, 'rate'):.1f} × {name}'s messages, "
                      f"1/{measure.median(theirs, 'cpu_s') / measure.median(ours, 'cpu_s'):.1f} of its CPU", end="")
    print(flush=True)


# ---- logins over TLS ----
def sessions_of(tools, make, count, has_auth):
    """{kind: row} of one server, started for it."""
    rows = {}
    with make() as server:
        login = ["login=" + ":".join(server.login())] if has_auth else []
        for kind, resume in (("full", 0), ("resumed", 1)):
            smtp(tools, server, "login", WARM, "tls=start", *login)
            with measure.Usage(server.roots) as usage:
                answers = smtp(tools, server, "login", count, "tls=start", f"resume={resume}", *login)
            rows[kind] = {"rate": answers["per_s"], "p50_ms": answers["p50_ms"], "p99_ms": answers["p99_ms"],
                          "cpu_s": usage.cpu_s / count * 1000, "resumed": answers["resumed"] / count * 100}
    shutil.rmtree(server.folder, ignore_errors=True)
    return rows


def logins(tools, o):
    tls, results = make_certificate(tools), {}
    servers = {"Posthorn: TLS, AUTH": (lambda: PosthornSmtp(tools, False), o.count, True),
               "Posthorn: TLS alone": (lambda: PosthornSmtp(tools), o.count, False)}
    if o.peer:
        servers |= {"Postfix: TLS alone": (lambda: Postfix(tools, tls=tls), o.peer_count, False),
                    "Exim: TLS, AUTH": (lambda: Exim(tools, tls), o.peer_count, True),
                    "Exim: TLS alone": (lambda: Exim(tools, tls), o.peer_count, False)}
    servers = {name: v for name, v in servers.items() if not o.only or name.split(":")[0] in o.only}
    for number in range(o.rounds):
        for name, (make, count, has_auth) in servers.items():
            print(f"  round {number + 1}: {name}", file=sys.stderr, flush=True)
            for kind, row in sessions_of(tools, make, count, has_auth).items():
                results.setdefault(f"{name}, {kind}", []).append(row)
    table("smtp-in: logins (P-256)", results, (("rate", "sessions/s", 0), ("p50_ms", "p50 ms", 1), ("p99_ms", "p99 ms", 1),
                                               ("cpu_s", "server's CPU s/1,000", 2), ("resumed", "resumed %", 0)))


# ---- many that say nothing ----
def idle(tools, o):
    """RSS before and with them; a good client's replies alone and beside them."""
    results = {}
    count = min(IDLE, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - OTHERS)  # SMTP gets half of what the server may open
    for kind, options in (("in the clear", ()), ("under TLS", ("tls=start",))):
        for _ in range(o.rounds if not o.only or "Posthorn" in o.only else 0):
            with PosthornSmtp(tools) as server:
                smtp(tools, server, "keep", GOOD)
                alone = smtp(tools, server, "keep", GOOD, connections=1)
                before = measure.rss_mib(server.process.pid)
                crowd = subprocess.Popen([tools.scratch / "smtp", str(smtp_port(server)), "idle", "0", str(count), tools.scratch / "message.crlf",
                                          f"addresses={ADDRESSES}", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                there = measure.key_values(crowd.stdout.readline())["idle"]
                during = measure.rss_mib(server.process.pid)
                beside = smtp(tools, server, "keep", GOOD, connections=1)
                stayed = measure.key_values(crowd.communicate("\n")[0])["stayed"]
                time.sleep(2)
                after = measure.rss_mib(server.process.pid)
            shutil.rmtree(server.folder, ignore_errors=True)
            if there != count:
                raise SystemExit(f"{there:.0f} of {count} connections came")
            results.setdefault(f"{count:,} {kind}", []).append(
                {"before": before, "during": during, "each": (during - before) * 1024 / count, "after": after, "stayed": stayed,
                 "alone_p99": alone["p99_ms"], "alone_p50": alone["p50_ms"], "beside_p50": beside["p50_ms"], "beside_p99": beside["p99_ms"]})
    table("smtp-in: idle connections, and one good client", results, (
        ("before", "RSS MiB before", 1), ("during", "with them", 1), ("each", "KiB each", 1), ("after", "once they left", 1),
        ("stayed", "connections that stayed", 0),
        ("alone_p50", "client alone p50 ms", 2), ("alone_p99", "p99 ms", 2), ("beside_p50", "beside them p50 ms", 2), ("beside_p99", "p99 ms", 2)))


def smtp_in(tools, o):
    write_message(tools)
    for part, run in (("accept", accept), ("logins", logins), ("idle", idle)):
        if o.part in ("all", part):
            run(tools, o)
