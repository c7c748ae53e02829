"""events.py - years of events: how fast they are written, how big they are, and what asking them costs a gateway that is held to little
memory; then what others notice of somebody who exports and aggregates.

SPDX-License-Identifier: Apache-2.0"""
import contextlib
import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import measure
from posthorn import Posthorn

DOMAINS, DAYS = 200, 400
PAGE = 100
ENOUGH_S, ENOUGH = 4, 200  # a case is asked so long, or so often, after WARM times
WARM = 5


class Years(Posthorn):
    """A gateway on a data set that outlives it."""

    def __init__(self, tools, folder, **more):
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(tools, folder, **{"delivery.smarthost": "127.0.0.1:9", "keep.event_days": 3650, **more})
        self.facts = folder / "facts.json"

    def set_up(self):
        if self.facts.exists():
            self.tools.wait_for_port(self.port, self.process)
            self.roots = [self.process.pid]
            self.user_key, self.key = json.loads(self.facts.read_text())
            return
        super().set_up()
        with sqlite3.connect(self.folder / "data" / "posthorn.db", timeout=30) as db:
            account = db.execute("SELECT id FROM accounts").fetchone()[0]
            db.executemany("INSERT INTO domains (account_id, name, state, created_at) VALUES (?, ?, 1, ?)",
                           ((account, f"d{i}.bench.test", int(time.time() * 1000)) for i in range(2, DOMAINS + 1)))
        self.facts.write_text(json.dumps([self.user_key, self.key]))

    def disk_bytes(self):
        return sum(f.stat().st_size for f in (self.folder / "data").iterdir())

    def forget(self):
        """Out of the page cache: what is read again counts for the reader's group."""
        for file in (self.folder / "data").iterdir():
            if not file.is_file():  # control.sock of one that was killed
                continue
            with open(file, "rb") as f:
                os.fsync(f.fileno())
                os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Cell:
    """A cgroup that bounds memory, the page cache's included; version 1 or 2."""

    def __init__(self, mib):
        root = Path("/sys/fs/cgroup")
        self.is_second = (root / "cgroup.controllers").exists()
        self.folder = (root if self.is_second else root / "memory") / f"posthorn-bench-{os.getpid()}"
        self.limit, self.peak = ("memory.max", "memory.peak") if self.is_second else ("memory.limit_in_bytes", "memory.max_usage_in_bytes")
        self.mib = mib

    def __enter__(self):
        self.folder.mkdir()
        (self.folder / self.limit).write_text(str(self.mib << 20))
        return self

    def __exit__(self, *_):
        for _ in range(50):
            with contextlib.suppress(OSError):
                self.folder.rmdir()
                return
            time.sleep(0.1)

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def used(self):
        """Peak, and how often it was at its bound."""
        failures = "?" if self.is_second else (self.folder / "memory.failcnt").read_text().strip()
        return f"peak {int((self.folder / self.peak).read_text()) >> 20} MiB of {self.mib}, {failures} times at the bound"


# ---- the data set ----
def make_years(tools, o):
    folder = tools.scratch / f"events-{o.events}"
    if (folder / "facts.json").exists() and o.keep:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    with Years(tools, folder) as p:
        empty = p.disk_bytes()
    run = subprocess.run([tools.build / "bench" / "bench-events", f"sqlite:{folder}/data/posthorn.db", str(o.events), str(DAYS), str(o.group)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"bench-events: {run.stdout}{run.stderr}")
    made = measure.key_values(run.stdout)
    size = p.disk_bytes() - empty
    print(f"\n## events\n\n{made['events']:,.0f} events of {made['messages']:,.0f} messages, {DOMAINS} domains, {DAYS} days, groups of {o.group}: "
          f"{made['per_s']:,.0f}/s, {made['cpu_us']:.1f} µs CPU each; {size >> 20:,} MiB on disk, {size / made['events']:,.0f} bytes an event", flush=True)
    return folder


# ---- asking ----
class Client:
    def __init__(self, p):
        self.p, self.connection = p, http.client.HTTPConnection("127.0.0.1", p.port, timeout=300)

    def ask(self, method, path, body=None, key=None):
        data = None if body is None else json.dumps(body)
        self.connection.request(method, path, data, {"Authorization": f"Bearer {key or self.p.user_key}", "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def command(self, name, **parameters):
        status, body = self.ask("POST", "/api.php", {"Command": name, **parameters})
        answer = json.loads(body)
        if status != 200 or answer.get("Success") is False:
            raise RuntimeError(f"{name}: {status} {body[:200].decode(errors='replace')}")
        return answer


def day(p, ago):
    return (datetime.now(timezone.utc) - timedelta(days=ago)).strftime("%Y-%m-%d")


def cases(p, client):
    """(what, command, [parameters, taken in turn])"""
    def events(**more):
        return {"DomainID": 1, "StartFrom": 0, "RetrieveCount": PAGE, **more}

    def since(days, **more):
        return {"DomainID": 1, "StartDate": day(p, days), "EndDate": day(p, 0), **more}

    total = client.command("EmailGateway.GetEvents", **events())["TotalRecords"]
    number = min(10000, total // PAGE)
    deep = client.command("EmailGateway.GetEvents", **events(StartFrom=(number - 2) * PAGE))
    people = [e["recipient"] for e in deep["Events"]]
    messages = [e["message"]["id"] for e in deep["Events"]]
    print(f"\nThe largest domain has {total:,} events.\n")
    yield f"page 1 of {PAGE}", "EmailGateway.GetEvents", [events()]
    yield f"page {number:,}", "EmailGateway.GetEvents", [events(StartFrom=(number - 1) * PAGE)]
    if deep.get("NextCursor"):
        yield f"page {number:,}, by Cursor", "EmailGateway.GetEvents", [{**events(), "Cursor": deep["NextCursor"]}]
    yield "clicks of a week", "EmailGateway.GetEvents", [events(Event="click", StartDate=day(p, d + 6), EndDate=day(p, d)) for d in range(0, 390, 7)]
    yield "Query: eventType and day", "EmailGateway.GetEvents", [
        events(Query=f"eventType:click AND day:[{day(p, d + 6)} TO {day(p, d)}]") for d in range(0, 390, 7)]
    yield "Query: subject:welcome", "EmailGateway.GetEvents", [events(Query="subject:welcome")]
    yield "Query: subject:welcome, page 100", "EmailGateway.GetEvents", [events(Query="subject:welcome", StartFrom=99 * PAGE)]
    yield "Query: subject:welcome and click", "EmailGateway.GetEvents", [events(Query="subject:welcome AND eventType:click")]
    yield "Query: a recipient", "EmailGateway.GetEvents", [events(Query=f"recipient:{who}") for who in people]
    yield "Query: a bare word", "EmailGateway.GetEvents", [events(Query=who.split("@")[0]) for who in people]
    yield "Query: country and day", "EmailGateway.GetEvents", [
        events(Query=f"country:DE AND day:[{day(p, d + 6)} TO {day(p, d)}]") for d in range(0, 390, 7)]
    yield "Query: mxHost", "EmailGateway.GetEvents", [events(Query="mxHost:mx1.provider2.example")]
    for days in (30, 365):
        yield f"DomainStats, {days} days", "EmailGateway.DomainStats", [since(days - 1)]
    for field in ("eventType", "recipientDomain", "link", "country", "hour"):
        for days in (30, 365):
            yield f"AggrEvents {field}, {days} days", "EmailGateway.AggrEvents", [since(days - 1, AggregatedField=field, AggregateSize=100)]
    for days in (30, 365):
        yield f"AccountStats of {DOMAINS} domains, {days} days", "EmailGateway.AccountStats", [{"StartDate": day(p, days - 1), "EndDate": day(p, 0)}]
        yield f"DailySeries, {days} days", "EmailGateway.DailySeries", [since(days - 1)]
        yield f"RecipientDomainStats, {days} days", "EmailGateway.RecipientDomainStats", [
            since(days - 1, RecipientToDomain=f"provider{i}.example") for i in range(1, 41)]
        yield f"ListRecipientDomains, {days} days", "EmailGateway.ListRecipientDomains", [since(days - 1)]
    for field in ("mxHost", "subject", "recipient", "smtpCode", "sender", "journeyId", "client", "userAgent", "ip"):
        yield f"AggrEvents {field}, no roll-up, 365 days", "EmailGateway.AggrEvents", [since(364, AggregatedField=field)]
    yield "AggrEvents eventType with a Query, 365 days", "EmailGateway.AggrEvents", [since(364, Query="recipientDomain:provider2.example")]
    yield "AggrEvents eventType of country:DE, 365 days", "EmailGateway.AggrEvents", [since(364, Query="country:DE")]
    yield "AggrEvents eventType of subject:welcome, 365 days", "EmailGateway.AggrEvents", [since(364, Query="subject:welcome")]
    yield "a message's timeline", "EmailGateway.MessageTimeline", [{"MessageID": m} for m in messages]


def time_case(client, name, turns):
    """Milliseconds of each call, sorted; CPU milliseconds of one."""
    took, begin, cpu = [], time.monotonic(), measure.cpu_seconds(client.p.roots)
    for i in range(WARM + ENOUGH):
        start = time.monotonic()
        client.command(name, **turns[i % len(turns)])
        now = time.monotonic()
        if i >= WARM or now - begin > ENOUGH_S:
            took.append((now - start) * 1000)
        if now - begin > ENOUGH_S and len(took) >= 3:
            break
    return sorted(took), (measure.cpu_seconds(client.p.roots) - cpu) * 1000 / (i + 1)


def export(p, seconds=None, limit=None):
    """The largest domain's events, counted by lines; (rows, bytes, seconds)."""
    connection = http.client.HTTPConnection("127.0.0.1", p.port, timeout=60)
    begin = time.monotonic()
    connection.request("GET", "/api/v1/events/export?Format=ndjson", headers={"Authorization": f"Bearer {p.key}"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"export: {answer.status} {answer.read()[:200]}")
    rows = size = 0
    while piece := answer.read1(1 << 20):
        rows, size = rows + piece.count(b"\n"), size + len(piece)
        if seconds and time.monotonic() - begin > seconds:
            break
    took = time.monotonic() - begin
    connection.close()
    return rows, size, took


def ask_all(p, only):
    client = Client(p)
    print("| GetEvents and statistics of the largest domain | asked | p50 ms | p99 ms | worst | CPU ms |\n|---|---|---|---|---|---|", flush=True)
    for what, name, turns in cases(p, client):
        if only and not any(word in what for word in only):
            continue
        try:
            took, cpu = time_case(client, name, turns)
            print(f"| {what} | {len(took)} | {took[len(took) // 2]:,.1f} | {took[max(0, -(-len(took) * 99 // 100) - 1)]:,.1f} | {took[-1]:,.1f} | {cpu:,.1f} |", flush=True)
        except RuntimeError as why:
            print(f"| {what} | – | {why} | | | |", flush=True)
    if only and "export" not in only:
        return
    try:
        rows, size, took = export(p)
        print(f"\nExport: {rows:,} rows, {size >> 20:,} MiB in {took:.1f} s: {rows / took:,.0f} rows/s, {size / took / 1e6:,.0f} MB/s", flush=True)
    except RuntimeError as why:
        print(f"\n{why}", flush=True)


# ---- others meanwhile ----
def stand_back():
    """Whoever asks has a machine of his own: here he takes what processor others leave."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def disturb(p, is_over, got):
    """Export and aggregate, each by somebody of his own, again and again; what they got is counted."""
    def exporting():
        stand_back()
        while not is_over.is_set():
            with contextlib.suppress(RuntimeError, OSError, http.client.HTTPException):
                got["rows"] += export(p, seconds=2)[0]

    def aggregating():
        stand_back()
        client = Client(p)
        fields = "subject", "mxHost", "recipientDomain", "hour"
        for i in range(1 << 30):
            if is_over.is_set():
                return
            with contextlib.suppress(RuntimeError):
                client.command("EmailGateway.AggrEvents", DomainID=1, StartDate=day(p, 364), EndDate=day(p, 0), AggregatedField=fields[i % 4])
                got["calls"] += 1

    threads = [threading.Thread(target=f) for f in (exporting, aggregating)]
    for t in threads:
        t.start()
    return threads


def beside_round(p, o, is_disturbed):
    is_over, threads, begin, got = threading.Event(), [], time.monotonic(), {"rows": 0, "calls": 0}
    if is_disturbed:
        threads = disturb(p, is_over, got)
        time.sleep(0.5)
    answers = p.load(o.count, SendAt=int(time.time()) + 86400)
    is_over.set()
    for t in threads:
        t.join()
    seconds = time.monotonic() - begin
    return {**answers, "rows_per_s": got["rows"] / seconds, "calls_per_s": got["calls"] / seconds}


def beside(tools, o, folder):
    results = {False: [], True: []}
    with Years(tools, folder) as p:
        p.load(1000, SendAt=int(time.time()) + 86400)
        for _ in range(o.rounds):
            for is_disturbed in (False, True):
                results[is_disturbed].append(beside_round(p, o, is_disturbed))
    print("\n| accept, 50 connections | messages/s | p50 ms | p99 ms |\n|---|---|---|---|")
    for is_disturbed, rows in results.items():
        cells = [measure.spread([r[f] for r in rows], d) for f, d in (("per_s", 0), ("p50_ms", 1), ("p99_ms", 1))]
        print(f"| {'beside an export and an aggregation' if is_disturbed else 'alone'} | {' | '.join(cells)} |", flush=True)
    print(f"p99 × {measure.median(results[True], 'p99_ms') / measure.median(results[False], 'p99_ms'):.2f}, "
          f"rate × {measure.median(results[True], 'per_s') / measure.median(results[False], 'per_s'):.2f}; meanwhile "
          f"{measure.median(results[True], 'rows_per_s'):,.0f} rows/s exported, {measure.median(results[True], 'calls_per_s'):.1f} aggregations/s", flush=True)


def events(tools, o):
    folder = make_years(tools, o)
    if o.beside:
        beside(tools, o, folder)
        return
    with Cell(o.memory) as cell:
        p = Years(tools, folder)
        p.forget()
        p.before_exec = cell.enter
        with p:
            ask_all(p, o.cases)
            print(f"\nMemory, page cache included: {cell.used()}; the process's own {p.peak_mib(None):.0f} MiB at most.", flush=True)
    if not o.keep:
        shutil.rmtree(folder, ignore_errors=True)
