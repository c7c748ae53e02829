"""track.py - opens and clicks, each written as an event, unique ones marked, committed before the answer; beside nginx, which serves the
same picture and writes a line of its log.

SPDX-License-Identifier: Apache-2.0"""
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure
from peers import unpack
from posthorn import Posthorn

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))
from links import BROWSER, CLICK, OPEN, PATHS, derive, mac, spelled, Link  # noqa: E402

DAY_MS = 86400000
COLUMNS = ("rate", 0), ("p50_ms", 1), ("p99_ms", 1), ("cpu_s", 2)


class Nginx:
    """A worker a core, kept connections, its own picture from memory, an access log."""

    def __init__(self, tools):
        self.tools, self.root, self.port = tools, unpack(tools.scratch, "nginx"), tools.free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="nginx-", dir=tools.scratch))

    def __enter__(self):
        user = "user root;" if self.tools.user else ""
        paths = "".join(f"{name}_temp_path {self.folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "conf").write_text(
            f"{user} worker_processes auto; daemon off; pid {self.folder}/pid; error_log {self.folder}/error;\n"
            f"events {{ worker_connections 1024; }}\nhttp {{ access_log {self.folder}/access; keepalive_requests 1000000; {paths}\n"
            f"server {{ listen 127.0.0.1:{self.port}; location / {{ empty_gif; }} }} }}\n")
        self.process = subprocess.Popen([self.root / "usr/sbin/nginx", "-c", self.folder / "conf", "-e", self.folder / "error"])
        self.tools.wait_for_port(self.port, self.process)
        self.roots = [self.process.pid]
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def delivered(p, count):
    """So many messages that are waiting, made ones that somebody has had for a day; (domain, message, recipient) of each."""
    p.load(count, SendAt=int(time.time()) + DAY_MS // 1000)
    with sqlite3.connect(p.folder / "data" / "posthorn.db", timeout=30) as db:
        db.execute("UPDATE recipients SET state = 3, changed_at = ?", (int(time.time() * 1000) - DAY_MS,))
        return db.execute("SELECT domain_id, message_id, id FROM recipients ORDER BY id LIMIT ?", (count,)).fetchall()


def write_links(p, kind, rows):
    key = derive(bytes.fromhex((p.folder / "data.master.key").read_text().strip()), "track-1")
    file = p.folder / f"links-{kind}"
    with open(file, "w") as f:
        for domain, message, recipient in rows:
            data = Link(kind, domain, message, recipient, target="https://shop.example/spring/sale?id=12345").bytes(key, 1)
            f.write(PATHS[kind] + spelled(data + mac(key, b"m" + data)[:12]) + "\n")
    return file


def hit(tools, side, path, count):
    with measure.Usage(side.roots) as usage:
        line = tools.check("load", "127.0.0.1", side.port, "GET", path, "-", count, tools.sessions, "keep", 1, f"User-Agent: {BROWSER}")
    answers = measure.key_values(line)
    return {"rate": answers["per_s"], "cpu_s": usage.cpu_s / count * 1000, **answers}


def events(p):
    with sqlite3.connect(f"file:{p.folder}/data/posthorn.db?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*), coalesce(sum(is_first), 0) FROM events WHERE type IN (7, 8)").fetchone()


def ours(tools, count):
    """{road: figures}; there are none unless every hit is an event, and the first of each recipient unique."""
    with Posthorn(tools, **{"delivery.smarthost": "127.0.0.1:9", "delivery.hostname": "bench"}) as p:
        rows = delivered(p, count)
        files = {kind: write_links(p, kind, rows) for kind in (OPEN, CLICK)}
        found = {"open, the first": hit(tools, p, f"@{files[OPEN]}", count), "open, again": hit(tools, p, f"@{files[OPEN]}", count),
                 "click, the first": hit(tools, p, f"@{files[CLICK]}", count)}
        lost = p.metric("posthorn_track_lost_total"), p.metric("posthorn_track_late_total")
        if lost != (0, 0) or events(p) != (3 * count, 2 * count):
            raise SystemExit(f"lost and late {lost}, events and unique ones {events(p)} of {count} recipients")
    shutil.rmtree(p.folder, ignore_errors=True)
    return found


def track(tools, o):
    results = {}
    for _ in range(o.rounds):
        for road, figures in ours(tools, o.count).items():
            results.setdefault(f"Posthorn: {road}", []).append(figures)
        if o.peer:
            with Nginx(tools) as n:
                results.setdefault("nginx: the picture, and a line in its log", []).append(hit(tools, n, "/o/picture", o.count))
    print("\n## track\n\n| | hits/s | p50 ms | p99 ms | CPU s/1,000 |\n|---|---|---|---|---|")
    for label, rows in results.items():
        print(f"| {label} | {' | '.join(measure.spread([r[field] for r in rows], digits) for field, digits in COLUMNS)} |", flush=True)
