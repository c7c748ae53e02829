"""hook.py - webhook calls: what waits is told to a server that answers at once, each call signed, sent, answered, logged and settled.

SPDX-License-Identifier: Apache-2.0"""
import shutil
import subprocess
import time
import urllib.request

import measure
from posthorn import Posthorn
from relay import interleave

COLUMNS = ("rate", 0), ("per_core", 0), ("cpu_s", 2)


class Web:
    """A server that holds its answers back until told."""

    def __init__(self, tools):
        self.port = tools.free_port()
        self.process = subprocess.Popen([tools.scratch / "web", str(self.port)])
        tools.wait_for_port(self.port, self.process)

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as f:
            return int(f.read())

    def close(self):
        self.process.terminate()
        self.process.wait(10)


def told(tools, calls, endpoints):
    """`calls` events wait, in all, for so many endpoints; then they are told."""
    web = Web(tools)
    with Posthorn(tools, **{"webhook.allow_private": "yes", "webhook.timeout": "1m", "log.level": "warn"}) as p:
        domain = p.command("EmailGateway.GetDomains")["Domains"][0]["DomainID"]
        for i in range(endpoints):
            p.command("EmailGateway.AddWebhook", DomainID=domain, Event="send", WebhookURL=f"http://127.0.0.1:{web.port}/{i}")
        p.load(calls // endpoints, SendAt=int(time.time()) + 86400)
        with measure.Usage(p.roots) as usage:
            begin = time.monotonic()
            web.ask("/go")
            while p.metric("posthorn_webhook_events_total") < calls or p.metric("posthorn_webhook_calls_in_flight") > 0:
                time.sleep(0.02)
            seconds = time.monotonic() - begin
    web.close()
    shutil.rmtree(p.folder, ignore_errors=True)
    return {"rate": calls / seconds, "per_core": calls / usage.cpu_s, "cpu_s": usage.cpu_s / calls * 1000}


def hook(tools, o):
    contenders = [(f"{endpoints} endpoint{'s' * (endpoints > 1)}", lambda endpoints=endpoints: told(tools, o.count * 2, endpoints))
                  for endpoints in (1, 20)]
    print(f"\n## hook: {o.count * 2:,} calls that wait\n\n| | calls/s | calls/s per core of ours | CPU s per 1,000 |\n|---|---|---|---|")
    for name, rows in interleave(o.rounds, contenders).items():
        print(f"| {name} | " + " | ".join(measure.spread([r[key] for r in rows], digits) for key, digits in COLUMNS) + " |", flush=True)
