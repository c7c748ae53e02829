"""lists.py - many at once: a file of subscribers, a message to each of them, batches; and what single sends wait meanwhile.

Everything is to be sent tomorrow, so only accepting is measured.
SPDX-License-Identifier: Apache-2.0"""
import shutil
import time

import measure
from posthorn import Posthorn, message

BATCH = 1000  # messages in a request
FEW = 4  # connections of somebody who sends now and then
PAIR = 2  # of batches: 10 MB each, and an account has a share of the memory for bodies


def tomorrow():
    return int(time.time()) + 86400


def wait(ask, field, goal):
    """Ask until the object's field has the value; the object."""
    while True:
        answer = ask()
        if answer[field] == goal:
            return answer
        if answer[field] not in ("Scheduled", "Processing"):
            raise SystemExit(f"not {goal}: {answer}")
        time.sleep(0.05)


def fill_list(p, people):
    """Import a file of so many; the list, and the seconds."""
    number = p.command("List.Create", SubscriberListName=f"{people:,} people {time.time()}")["ListID"]
    file = "Email,FirstName\n" + "".join(f"u{i}@d{i % 20}.bench.test,Name {i}\n" for i in range(people))
    begin = time.time()
    job = p.call("POST", f"/api/v1/lists/{number}/import", {"Content": file})["ImportID"]
    done = wait(lambda: p.command("Subscriber.ImportStatus", ImportID=job)["ImportJob"], "ImportStatus", "Completed")
    if done["TotalImported"] != people:
        raise SystemExit(f"not everybody was imported: {done}")
    return number, time.time() - begin


def begin_send(p, number, size):
    mail = {**message(size), "Subject": "Hello {{FirstName}}", "TargetListID": number, "SendAt": tomorrow()}
    del mail["To"]
    return p.call("POST", "/api/v1/email", mail, p.key)["MessageID"][0]


def end_send(p, send, people):
    done = wait(lambda: p.command("ListSend.Get", ListSendID=send)["ListSend"], "State", "Sent")
    if done["Sent"] != people:
        raise SystemExit(f"not everybody was written to: {done}")


def rate(p, count, usage, seconds, **more):
    return {"rate": count / seconds, "cpu_s": usage.cpu_s / count * 1000, "peak_mib": p.peak_mib(usage), "p99_ms": None, **more}


def one_list(tools, people):
    """Rows of the import and of the send."""
    with Posthorn(tools) as p:
        with measure.Usage(p.roots) as imported:
            number, seconds = fill_list(p, people)
        first = rate(p, people, imported, seconds)
        with measure.Usage(p.roots) as sent:
            begin = time.time()
            end_send(p, begin_send(p, number, tools.bytes), people)
            seconds = time.time() - begin
        second = rate(p, people, sent, seconds)
    shutil.rmtree(p.folder, ignore_errors=True)
    return {f"import of {people:,}": first, f"send to a list of {people:,}": second}


def batches(tools, count):
    with Posthorn(tools) as p:
        requests = max(PAIR, count // BATCH)
        body = {"Messages": [{**message(tools.bytes), "SendAt": tomorrow()}] * BATCH}
        with measure.Usage(p.roots) as usage:
            answers = p.request("POST", "/api/v1/email/batch", body, requests, PAIR, key=p.key)
        result = rate(p, requests * BATCH, usage, answers["seconds"], p99_ms=answers["p99_ms"])
    shutil.rmtree(p.folder, ignore_errors=True)
    return {f"batches of {BATCH:,}, {PAIR} connections": result}


def singles(tools, count, people, connections):
    """Single sends while a list is worked off; it must outlast them."""
    with Posthorn(tools) as p:
        p.load(200, SendAt=tomorrow())
        number = fill_list(p, people)[0] if people else 0
        send = begin_send(p, number, tools.bytes) if people else None
        with measure.Usage(p.roots) as usage:
            answers = p.request("POST", "/api/v1/email", {**message(tools.bytes), "SendAt": tomorrow()}, count, connections, "keep", 20, p.key)
        if send and p.command("ListSend.Get", ListSendID=send)["ListSend"]["State"] != "Scheduled":
            raise SystemExit("the list was done before the single sends were")
        result = rate(p, count, usage, answers["seconds"], p99_ms=answers["p99_ms"])
        if people:
            result["cpu_s"] = None  # most of it is the list's
    shutil.rmtree(p.folder, ignore_errors=True)
    name = f"single sends, {connections} connections" + (f", beside a list of {people:,}" if people else "")
    return {name: result}


def lists(tools, o):
    results = {}
    few = o.count // 10
    for _ in range(o.rounds):
        for rows in (one_list(tools, 2 * o.count), one_list(tools, 10 * o.count), batches(tools, o.count),
                     singles(tools, few, 0, FEW), singles(tools, few, 10 * o.count, FEW),
                     singles(tools, o.count, 10 * o.count, tools.sessions)):
            for name, row in rows.items():
                results.setdefault(name, []).append(row)
    print("\n## lists\n\n| | messages/s | p99 ms | CPU s/1,000 | peak MiB |\n|---|---|---|---|---|")
    for name, rows in results.items():
        cells = [measure.spread([r[field] for r in rows], digits)
                 for field, digits in (("rate", 0), ("p99_ms", 1), ("cpu_s", 2), ("peak_mib", 0))]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
