"""api.py - the calls of the control plane, one after the other, and what an account of 10,000 domains costs.

SPDX-License-Identifier: Apache-2.0"""
import shutil
import sqlite3
import time

import measure
from posthorn import PASSWORD, Posthorn

MANY = 10000
SENT = 2000  # messages, with an event each, that the histories show
DOMAINS = 10
COLUMNS = ("rate", 0), ("p50_ms", 1), ("p99_ms", 1), ("cpu_s", 2)


def add_many(p, email):
    """Domains beside the API, which would make a key of each: a minute's work for a row."""
    with sqlite3.connect(p.folder / "data" / "posthorn.db", timeout=30) as db:
        account = db.execute("SELECT id FROM accounts WHERE email = ?", (email,)).fetchone()[0]
        db.executemany("INSERT INTO domains (account_id, name, state, created_at) VALUES (?, ?, 0, ?)",
                       ((account, f"d{i}.many.test", int(time.time() * 1000)) for i in range(MANY)))


def set_up(p):
    for i in range(1, DOMAINS):
        p.command("EmailGateway.AddDomain", DomainName=f"bench{i}.test")
    p.load(SENT, SendAt=int(time.time()) + 86400)
    p.command("Suppression.Add", EmailAddress="gone@bench.test")
    p.command("UserEmailTemplate.Create", EmailName="Welcome", Subject="Hello {{Name}}", HTMLContent="<p>Hello {{Name}}</p>" * 50)
    many = p.cli("account", "create", "--email", "many@bench.test", "--password-stdin", stdin=PASSWORD)
    add_many(p, "many@bench.test")
    return many["APIKey"]


class Call:
    """`share` of --count, or so many times; over how many connections. The label is the name, and what it is asked for."""

    def __init__(self, label, share=2.0, connections=None, key=None, method="POST", path="/api.php", **parameters):
        self.label, self.share, self.connections, self.key, self.method = label, share, connections, key, method
        self.path, self.body = path, None if method == "GET" else {"Command": label.split(",")[0], **parameters}

    def run(self, p, count):
        count = self.share if isinstance(self.share, int) else int(count * self.share)
        with measure.Usage(p.roots) as usage:
            answers = p.request(self.method, self.path, self.body, count, self.connections, key=self.key)
        return {"rate": answers["per_s"], "cpu_s": usage.cpu_s / count * 1000, **answers}


def calls(domain, many, round_number):
    return [
        Call("EmailGateway.GetDomain", DomainID=domain),
        Call("EmailGateway.GetDomains, 10"),
        Call("EmailGateway.GetDomains, 10,000", 0.02, key=many),
        Call("EmailGateway.GetDomains, 10,000, one connection", 0.01, 1, key=many),
        Call("EmailGateway.GetDomains, 25 of 10,000", key=many, StartFrom=5000, RetrieveCount=25),
        Call("EmailGateway.AddAPI", 0.03, DomainID=domain, Description="key %i"),
        Call("EmailGateway.GetAPIs, up to 900", 0.1, DomainID=domain),
        Call("EmailGateway.GetEvents, 25 of 2,000", 0.2, DomainID=domain, StartFrom=0, RetrieveCount=25),
        Call("UserEmailTemplate.Get", TemplateID=1),
        Call("UserEmailTemplate.Create", 0.3, EmailName=f"Template {round_number} %i", Subject="Hello {{Name}}",
             HTMLContent="<p>Hello {{Name}}</p>" * 50),
        Call("Suppression.Check", EmailAddress="gone@bench.test"),
        Call("Suppression.Add", EmailAddress=f"u%i@r{round_number}.bench.test"),
        Call("GET /api/v1/messages, 25 of 2,000", 0.2, method="GET", path="/api/v1/messages"),
        Call("GET /openapi.json", 0.2, method="GET", path="/openapi.json"),
        Call("User.Login", 15, 4, Username="owner@bench.test", Password=PASSWORD),
        Call("EmailGateway.AddDomain", 20, 2, DomainName=f"new%i.r{round_number}.test"),
    ]


def api(tools, o):
    results = {}
    with Posthorn(tools) as p:
        many = set_up(p)
        domain = p.command("EmailGateway.GetDomains")["Domains"][0]["DomainID"]
        p.request("GET", "/api/v1/domains", None, 500)
        for number in range(o.rounds):
            for call in calls(domain, many, number):
                results.setdefault(call.label, []).append(call.run(p, o.count))
    shutil.rmtree(p.folder, ignore_errors=True)
    print("\n## api\n\n| | calls/s | p50 ms | p99 ms | CPU s/1,000 | answer, bytes |\n|---|---|---|---|---|---|")
    for label, rows in results.items():
        cells = [measure.spread([r[field] for r in rows], digits) for field, digits in COLUMNS]
        print(f"| {label} | {' | '.join(cells)} | {rows[-1]['bytes']:,.0f} |", flush=True)
