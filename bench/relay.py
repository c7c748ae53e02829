"""relay.py - mail in, signed, out, the last one received: ours beside Postfix + OpenDKIM, Exim and Haraka, in interleaved rounds.

A row is who, in by what, and where to: one sink as smarthost, or so many domains by MX. The sink must get every message with the signatures
that are its side's.
SPDX-License-Identifier: Apache-2.0"""
import itertools
import shutil
import subprocess
import sys
import time

import measure
from peers import Exim, Haraka
from postfix import Postfix
from smtp_in import PosthornSmtp, smtp, write_message
from zone import Zone

WARM = 200  # messages before a measurement, so that nobody pays for starting
RESOLVER = "127.0.0.153"  # of the peers, who ask port 53


class Sink:
    def __init__(self, tools, count):
        self.port = tools.free_port()
        self.process = subprocess.Popen([tools.scratch / "sink", str(self.port), str(count), "30"], stdout=subprocess.PIPE, text=True)
        tools.wait_for_port(self.port, self.process)

    def wait(self):
        """Its line, once all messages have come."""
        line = self.process.communicate()[0]
        if self.process.returncode != 0:
            raise SystemExit(f"the sink misses messages: {line}")
        return measure.key_values(line)


def row(server, count, usage, seconds, accept_s, answers=None):
    """The mean is exact without a clock a message: so many sessions, always busy, at this rate. smtp-source tells no more."""
    return {"rate": count / seconds, "accept_rate": count / accept_s, "mean_ms": server.tools.sessions / (count / accept_s) * 1000,
            "p50_ms": answers["p50_ms"] if answers else None, "p99_ms": answers["p99_ms"] if answers else None,
            "cpu_s": usage.cpu_s / count * 1000, "peak_mib": server.peak_mib(usage)}


# ---- tables ----
def interleave(rounds, contenders):
    """{name: [row a round]}; every round runs each once."""
    results = {name: [] for name, _ in contenders}
    for number in range(rounds):
        for name, run in contenders:
            print(f"  round {number + 1}: {name}", file=sys.stderr, flush=True)
            results[name].append(run())
    return results


def show(title, results, peers):
    print(f"\n## {title}\n\n| | messages/s | accepted/s | p50 ms | p99 ms | mean ms | CPU s/1,000 | peak MiB |\n|---|---|---|---|---|---|---|---|")
    for name, rows in results.items():
        cells = [measure.spread([r[field] for r in rows], digits)
                 for field, digits in (("rate", 0), ("accept_rate", 0), ("p50_ms", 1), ("p99_ms", 1), ("mean_ms", 1), ("cpu_s", 2), ("peak_mib", 0))]
        print(f"| {name} | {' | '.join(cells)} |")
    for ours, peer in peers:
        if ours in results and peer in results:
            rate = measure.median(results[ours], "rate") / measure.median(results[peer], "rate")
            cpu = measure.median(results[peer], "cpu_s") / measure.median(results[ours], "cpu_s")
            print(f"\n{ours} : {peer} = {rate:.1f} × the messages, 1/{cpu:.1f} of the CPU a message", end="")
    print(flush=True)


# ---- the sides: (tools, port of the sink, by MX?) -> server ----
def ours(tools, port, by_mx):
    if not by_mx:
        return PosthornSmtp(tools, **{"delivery.smarthost": f"127.0.0.1:{port}"})
    return PosthornSmtp(tools, **{"delivery.smarthost": "", "delivery.port": port, "dns.servers": Zone().server})


def by_smtp(server, count, domains):
    return smtp(server.tools, server, "keep", count, "to=u%i@d%w.bench.test", f"wheel={domains}")


def by_http(server, count, domains):
    return server.load(count, domains=domains)


def resolver(by_mx):
    return RESOLVER if by_mx else None


BOTH, RSA = ("rsa", "ed25519"), ("rsa",)
SIDES = {  # name: server, load, signatures
    "Posthorn, HTTP in": (ours, by_http, BOTH),
    "Posthorn, SMTP in": (ours, by_smtp, BOTH),
    "Postfix + OpenDKIM": (lambda t, port, mx: Postfix(t, port, True, resolver=resolver(mx)), by_smtp, RSA),
    "Exim": (lambda t, port, mx: Exim(t, next_hop=port, resolver=resolver(mx)), by_smtp, RSA),
    "Haraka, never synced": (lambda t, port, mx: Haraka(t, port, resolver(mx)), by_smtp, RSA),
}
ROADS = {"one sink": (1, False), "20 domains": (20, True), "1,000 domains": (1000, True)}  # name: recipients' domains, by MX?


def relayed(tools, count, side, road):
    (make, load, signatures), (domains, by_mx) = SIDES[side], ROADS[road]
    sink = Sink(tools, WARM + count)
    with make(tools, sink.port, by_mx) as server:
        load(server, WARM, domains)
        time.sleep(2)
        with measure.Usage(server.roots) as usage:
            begin = time.time()
            answers = load(server, count, domains)
            got = sink.wait()
            time.sleep(1)  # what is still to be written
        if make is ours and server.metric("posthorn_delivered_total") != WARM + count:
            raise SystemExit("not every delivery was recorded")
        if any(got[kind] != (WARM + count if kind in signatures else 0) for kind in BOTH):
            raise SystemExit(f"{side}: signatures: {got}")
        result = row(server, count, usage, got["last_at"] - begin, answers["seconds"], answers)
    shutil.rmtree(server.folder, ignore_errors=True)
    return result


def pairs(tools, o):
    """(name of the row, side, road)"""
    sides = [s for s in SIDES if s.startswith("Posthorn") or o.peer]
    sides = [s for s in sides if not o.only or any(s.startswith(name) for name in o.only)]
    if not shutil.which("node") or not shutil.which("npm"):
        sides = [s for s in sides if not s.startswith("Haraka")]
    for road, side in itertools.product(ROADS, sides):
        if road in o.roads and (side.startswith("Posthorn") or road != "20 domains"):
            yield f"{side}, {road}", side, road


def relay(tools, o):
    zone = Zone(RESOLVER) if o.peer else None  # answers as long as it is there
    for tools.bytes in o.bytes:
        write_message(tools, waits=False)
        contenders = [(name, lambda side=side, road=road: relayed(tools, o.count if side.startswith("Posthorn") else o.peer_count, side, road))
                      for name, side, road in pairs(tools, o)]
        ratios = [(f"Posthorn, SMTP in, {road}", f"{side}, {road}") for _, side, road in pairs(tools, o) if not side.startswith("Posthorn")]
        show(f"relay, {tools.bytes:,} bytes (Posthorn: RSA-2048 and Ed25519; the others: RSA-2048)", interleave(o.rounds, contenders), ratios)
    tools.bytes = o.bytes[0]
    if zone:
        zone.socket.close()
