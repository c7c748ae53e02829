"""backlog.py - a million recipients that wait over 50,000 domains, each a site of its own that refuses connections; and one that
listens. What it costs to have them: memory, restart to first delivery, "why does this one wait", and a one-time code in between.

SPDX-License-Identifier: Apache-2.0"""
import shutil
import socketserver
import statistics
import subprocess
import threading
import time

import measure
from posthorn import Posthorn
from zone import Zone

DOMAINS = 50000
OF_MESSAGE = 1000  # recipients
CODES = 50
SETTLE_S = 60  # the first round of refusals


class Arrivals(socketserver.StreamRequestHandler):
    """A server that takes everything and knows when each recipient's mail came."""
    at = {}

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 sink.bench.test")
        recipient = ""
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            if verb == b"DATA":
                self.say("354 go on")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                Arrivals.at[recipient] = time.time()
            self.say("221 bye" if verb == b"QUIT" else "250 fine")
            if verb == b"QUIT":
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True


def wait_for(names, seconds):
    end = time.time() + seconds
    while time.time() < end and not all(n in Arrivals.at for n in names):
        time.sleep(0.01)
    missing = [n for n in names if n not in Arrivals.at]
    if missing:
        raise SystemExit(f"not delivered within {seconds} s: {missing[:3]}")


def code(p, name, **more):
    return p.call("POST", "/api/v1/email", {"From": {"email": "bench@bench.test", "name": "Bench"}, "To": [{"email": f"{name}@live.bench.test", "name": ""}], "Subject": "Your code",
                                            "ContentType": "plain", "PlainContent": "123456", **more}, key=p.key)


def fill(p, recipients):
    """Each message to OF_MESSAGE domains, so that 50 messages go round all of them."""
    to = [{"email": f"u%i@d%w-{k}.bench.test", "name": ""} for k in range(OF_MESSAGE)]
    body = {"From": {"email": "bench@bench.test", "name": "Bench"}, "To": to, "Subject": "News %i", "ContentType": "plain", "PlainContent": "x" * 1000}
    begin = time.time()
    p.request("POST", "/api/v1/email", body, recipients // OF_MESSAGE, 10, wheel=DOMAINS // OF_MESSAGE, key=p.key)
    return time.time() - begin


def why_ms(p, identity):
    begin = time.monotonic()
    p.cli("queue", "why", str(identity))
    return (time.monotonic() - begin) * 1000


def backlog(tools, o):
    server, zone = Server(("127.0.0.2", 0), Arrivals), Zone()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    p = Posthorn(tools, **{"delivery.port": server.server_address[1], "dns.servers": zone.server})
    print(f"\n## backlog: {o.recipients:,} recipients, {DOMAINS:,} domains\n\n| | |\n|---|---|", flush=True)
    p.__enter__()
    try:
        print(f"| accepted in | {fill(p, o.recipients):.0f} s |", flush=True)
        time.sleep(SETTLE_S)
        print(f"| RSS, peak | {measure.rss_mib(p.process.pid):.0f}, {p.peak_mib(None):.0f} MiB |", flush=True)
        took = []
        for i in range(CODES):
            begin = time.time()
            code(p, f"code{i}")
            wait_for([f"code{i}@live.bench.test"], 30)
            took.append((Arrivals.at[f"code{i}@live.bench.test"] - begin) * 1000)
        print(f"| one-time code, submitted to delivered, p50 and worst of {CODES} | {statistics.median(took):.0f}, {max(took):.0f} ms |", flush=True)
        rows = p.cli("queue", "list", "--limit", "100")["Queue"]
        why = [why_ms(p, r["ID"]) for r in rows]
        print(f"| `posthorn queue why ID`, the whole command, p50 and worst of {len(why)} | {statistics.median(why):.0f}, {max(why):.0f} ms |", flush=True)
        for i in range(100):
            code(p, f"later{i}", SendAt=int(time.time()) + 3)
        p.process.kill()
        p.process.wait()
        time.sleep(3)
        begin = time.time()
        with open(p.folder / "log", "ab") as log:
            p.process = subprocess.Popen([tools.posthorn, "serve", *p.arguments()], stdout=log, stderr=log)
        later = [f"later{i}@live.bench.test" for i in range(100)]
        wait_for(later[:1], 60)
        wait_for(later, 60)
        first = min(Arrivals.at[n] for n in later) - begin
        print(f"| killed; start to first delivery, to the hundredth | {first:.1f}, {max(Arrivals.at[n] for n in later) - begin:.1f} s |", flush=True)
        time.sleep(SETTLE_S)
        print(f"| RSS after the restart, peak | {measure.rss_mib(p.process.pid):.0f}, {p.peak_mib(None):.0f} MiB |", flush=True)
    finally:
        p.__exit__()
        server.shutdown()
    shutil.rmtree(p.folder, ignore_errors=True)
