"""What people do with a mail, from its delivery to statistics, suppressions and webhooks: a real browser follows the links, unsubscribes with
the keyboard alone, and axe reads the pages; machines and people are counted apart.

SPDX-License-Identifier: Apache-2.0"""
import email
import email.policy
import http.client
import http.server
import json
import re
import shutil
import ssl
import threading
import urllib.parse
from contextlib import contextmanager

import pytest

import npm
from conftest import fresh_database
from gateway import Gateway, free_port, wait_for

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


class Town:
    """Whoever the mail links to, a webmail that shows it, and an endpoint of webhooks: one web server for every name."""

    def __init__(self):
        self.mails, self.visits, self.calls, self.beat = {}, [], [], lambda: None
        town = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, body, status=200):
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                if self.path == "/beat":
                    town.beat()
                elif self.path in town.mails:
                    return self.answer(town.mails[self.path])
                elif self.path != "/favicon.ico":
                    town.visits.append((self.headers["Host"], self.path))
                self.answer(b"<!doctype html><title>landed</title>")

            def do_POST(self):
                town.calls.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.answer(b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path, host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def told(self, message_id):
        """What webhooks said of a message."""
        return [c["data"] for c in self.calls if c["data"]["MessageId"] == message_id]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Place:
    def __init__(self, gateway, town, port):
        self.gateway, self.town, self.port = gateway, town, port
        self.shop = gateway.tenant("shop.test")
        self.command("EmailGateway.UpdateDomain", DomainID=self.shop.domain_id, LinkTracking=1, OpenTracking=1, UnsubscribeLink=1,
                     BrandName="Shöp & Söhne", BrandColor="#C0392B", BrandText="Thank you for reading <us>.")
        status, _, _ = gateway.request("POST", "/api/v1/webhooks", {"Event": ["opened", "clicked", "unsubscribed", "suppressed"], "WebhookURL": town.url("/hook")},
                                       {"Authorization": f"Bearer {self.shop.key}"})
        assert status == 200

    def command(self, name, **parameters):
        answer = self.gateway.api(name, APIKey=self.shop.api_key, **parameters)
        assert answer["Success"] is True, (name, answer)
        return answer

    def list_of(self, name, *people):
        made = self.command("List.Create", SubscriberListName=name)["ListID"]
        for who in people:
            self.command("Subscriber.Create", ListID=made, EmailAddress=who, Status="Subscribed")
        return made

    def deliver(self, to="reader@example.org", html="<p><a href=\"https://shop.example/a\">go</a></p>", **fields):
        """Sent, delivered, and a minute old: machines are those who come at once."""
        body = {"From": {"email": "news@shop.test", "name": "Shop"}, "Subject": "Offers", "ContentType": "html", "HtmlContent": html, **fields}
        if "TargetListID" not in fields:
            body["To"] = [{"email": a, "name": ""} for a in ([to] if isinstance(to, str) else to)]
        status, answer = self.gateway.send(self.shop.key, body)
        assert status == 200, answer
        ids = answer["MessageID"] if isinstance(answer["MessageID"], list) else [answer["MessageID"]]
        wait_for(lambda: all("delivery" in self.gateway.event_types(self.shop.key, i) for i in ids), what="the delivery")
        self.age(60)
        return Letter(self, ids[0], to if isinstance(to, str) else to[0])

    def age(self, seconds):
        self.gateway.sql(f"UPDATE recipients SET changed_at = changed_at - {seconds * 1000}")
        self.gateway.sql(f"UPDATE events SET at = at - {seconds * 1000} WHERE type IN (7, 8)")

    def stats(self):
        return self.command("EmailGateway.DomainStats", DomainID=self.shop.domain_id)

    def counted(self, query=None, field="eventType"):
        more = {"Query": query} if query else {}
        found = self.command("EmailGateway.AggrEvents", DomainID=self.shop.domain_id, AggregatedField=field, **more)
        return {b["key"]: b["doc_count"] for b in found["AggBuckets"]}


class Letter:
    """What one recipient has in his inbox."""

    def __init__(self, place, message_id, to):
        self.place, self.id, self.to = place, message_id, to
        rows = place.gateway.cli_json("inbox", "list", "--limit", "100")["Messages"]
        row = next(r for r in rows if r["MessageID"] == message_id and to in r["Recipients"])
        self.raw = place.gateway.cli("inbox", "raw", str(row["ID"])).stdout
        self.mail = email.message_from_bytes(self.raw, policy=email.policy.default)
        self.html = self.mail.get_body(("html",)).get_content()
        self.links = re.findall(r"https://mx\.posthorn\.test:\d+/c/[a-z2-7]+", self.html)
        self.pixel = re.search(r"https://mx\.posthorn\.test:\d+/o/[a-z2-7.]+", self.html).group()
        self.leave = re.search(r"<(https://[^>]*/u/[a-z2-7]+)>", self.mail["List-Unsubscribe"].replace("\n", "").replace(" ", "")).group(1)

    def show(self):
        path = f"/mail/{self.id}"
        self.place.town.mails[path] = self.html.encode()
        return self.place.town.url(path, "webmail.example")

    def events(self, *types):
        found = self.place.gateway.events(self.place.shop.key, MessageID=self.id)
        return [e for e in reversed(found) if e["EventType"] in types and e["Recipient"] == self.to]


def visit(url, method="GET", body=None, agent=AGENT, **headers):
    """Without a browser; (status, headers, bytes)."""
    parts = urllib.parse.urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", parts.port, timeout=60, context=context)
    try:
        connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), body=body,
                           headers={"Host": parts.netloc, "User-Agent": agent, **{k.replace("_", "-"): v for k, v in headers.items()}})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@contextmanager
def open_place(database, certificate):
    port, town = free_port(), Town()
    cert, key = certificate
    try:
        with Gateway(database=database, http__tls_listen=f"127.0.0.1:{port}", tls__cert=cert, tls__key=key, webhook__allow_private="yes",
                     track__base_url=f"https://mx.posthorn.test:{port}") as gateway:
            yield Place(gateway, town, port)
        shutil.rmtree(gateway.folder, ignore_errors=True)
    finally:
        town.close()


@pytest.fixture(scope="module")
def place(request, throwaway_certificate):
    with open_place(fresh_database(request), throwaway_certificate) as place:
        yield place


def browse(*arguments):
    folder = npm.npm()
    if not shutil.which("chromium"):
        pytest.skip("lacks the package chromium")
    return npm.run_json("node", folder / "engagement.js", *arguments, cwd=folder)


def kinds_of_links(town):
    """(id, markup, where it must land)"""
    base = town.url("", "shop.example")
    return [
        ("plain", f'<a id="plain" href="{base}/plain">a</a>', "/plain"),
        ("single", f"<a id=single href='{base}/single?a=1&amp;b=2&copy=3'>b</a>", "/single?a=1&b=2&copy=3"),
        ("unquoted", f"<a id=unquoted href={base}/unquoted?x=1>c</a>", "/unquoted?x=1"),
        ("entity", f'<a id="entity" href="&#104;ttp://shop.example:{town.port}/entity&#x3f;q=%C3%A9">d</a>', "/entity?q=%C3%A9"),
        ("fragment", f'<a id="fragment" href="{base}/fragment#part-2">e</a>', "/fragment#part-2"),
        ("upper", f'<A ID="upper" HREF="HTTP://SHOP.EXAMPLE:{town.port}/Upper">f</A>', "/Upper"),
        ("twice", f'<a id="twice" href="{base}/plain">g</a>', "/plain"),
        ("area", f'<map name=m><area id="area" shape=rect coords="0,0,9,9" href="{base}/area" alt=x></map>', "/area"),
        ("image", f'<a id="image" href="{base}/image"><img alt="" width=8 height=8 src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='
         '"></a>', "/image"),
        ("untracked", f'<a id="untracked" data-no-track href="{base}/untracked">h</a>', "/untracked"),
        ("unicode", f'<a id="unicode" href="{base}/grüße/über?ö=ü">i</a>', "/gr%C3%BC%C3%9Fe/%C3%BCber?%C3%B6=%C3%BC"),
    ]


def test_a_delivered_message_in_a_browser(place, tmp_path):
    """The pixel loads, and every kind of link lands on its target (TR14, TR20)."""
    kinds = kinds_of_links(place.town)
    letter = place.deliver(html="<!doctype html><html><body><h1>Öffers</h1>" + "<p>\n".join(markup for _, markup, _ in kinds) +
                           '<p><a id=leave data-unsubscribe href="https://shop.example/leave">leave</a> <a href="mailto:a@shop.test">mail</a> <a href="tel:+4912345">call</a> <a href="#top">top</a></body></html>')
    assert len(letter.links) == len(kinds) - 1 and 'href="mailto:a@shop.test"' in letter.html and 'href="#top"' in letter.html
    place.town.beat = lambda: place.age(60)
    seen = browse("read", letter.show(), place.town.url("/beat"), tmp_path / "mail.png")
    assert [(p["url"], p["status"], p["bytes"]) for p in seen["pictures"] if p["url"].startswith("https:")] == [(letter.pixel, 200, 43)]
    assert seen["shown"] == 2, "the pixel and the image of the link"
    base = place.town.url("", "shop.example")
    leave = seen["landed"].pop()
    assert (leave["id"], leave["url"]) == ("leave", letter.leave) and leave["title"].startswith("Do you want to unsubscribe?")
    assert [(s["id"], s["url"], s["title"]) for s in seen["landed"]] == [(i, base + to, "landed") for i, _, to in kinds]
    assert all(s["referrer"] == "" for s in seen["landed"] if s["id"] != "untracked"), "TR20"
    opens, clicks = letter.events("open"), letter.events("click")
    assert len(opens) == 1 and opens[0]["Details"]["Client"] == "Chrome" and opens[0]["Details"]["Device"] == "desktop"
    expected = [(base if i != "upper" else f"HTTP://SHOP.EXAMPLE:{place.town.port}") + to for i, _, to in kinds if i != "untracked"]
    shown = [c["Details"]["Link"] for c in clicks]
    assert [link.lower().split("/gr")[0] for link in shown] == [link.lower().split("/gr")[0] for link in expected]
    assert not any("Bot" in e["Details"] and e["Details"]["Bot"] for e in opens + clicks)
    wait_for(lambda: len([c for c in place.town.told(letter.id) if c["EventType"] in ("open", "click")]) == 1 + len(clicks), what="the webhook calls")


def test_the_pages_are_accessible(place, tmp_path):
    """axe finds nothing on any page, in any language; brands are shown, escaped, with contrast (TR13)."""
    mailing = place.list_of("Weekly & <more>", "ann@example.org")
    letter = place.deliver(to="ann@example.org", TargetListID=mailing, Tags=["offers", "news \"of\" <us>", "x" * 128])
    unknown = letter.leave[:-4] + "aaaa"
    questions = {"en": "Do you want to unsubscribe?", "de": "Möchten Sie sich abmelden?", "fr": "Voulez-vous vous désabonner\u00a0?"}
    pages = browse("look", tmp_path, ",".join(questions), letter.leave, unknown, f"https://mx.posthorn.test:{place.port}/u/")
    for language, question in questions.items():
        found = pages[language]
        assert [p["status"] for p in found] == [200, 404, 404], found
        assert [p["violations"] + p["unsure"] for p in found] == [[], [], []] and all(p["passes"] > 5 for p in found)
        assert [p["overflow"] for p in found] == [0, 0, 0], "nobody scrolls sideways"
        assert {p["language"] for p in found} == {language} and found[0]["heading"] == question
        for words in ("Shöp & Söhne", "Thank you for reading <us>.", "Weekly & <more>", "offers", 'news "of" <us>'):
            assert words in found[0]["text"], found[0]["text"]
    for colour in ("#ffff00", "#767676"):
        place.command("EmailGateway.UpdateDomain", DomainID=place.shop.domain_id, BrandColor=colour)
        assert browse("look", tmp_path, "nl", letter.leave)["nl"][0]["violations"] == [], colour
    assert letter.events("unsubscribe") == [], "TR07: looking changes nothing"


def test_unsubscribing_with_the_keyboard_alone(place, tmp_path):
    """The focus is seen, choices are reached by arrows, Enter acts, and nobody needs cookies or scripts (TR07)."""
    mailing = place.list_of("Keyboard", "key@example.org")
    letter = place.deliver(to="key@example.org", TargetListID=mailing, Tags=["offers", "news"])
    seen = browse("leave", letter.leave, "news", tmp_path / "leave.png")
    assert seen["question"] == "Do you want to unsubscribe?" and seen["heading"] == "You are unsubscribed", seen
    assert "You will get no more emails about “news”." in seen["text"]
    assert [s["tag"] for s in seen["seen"]] == ["INPUT", "BUTTON"] and seen["seen"][0]["checked"] and "news" in seen["seen"][0]["words"]
    assert all(s["outline"] for s in seen["seen"]) and seen["complaints"] == [] and seen["cookies"] == []
    assert seen["axe"]["violations"] == seen["axe"]["unsure"] == [] and seen["axe"]["passes"] > 5
    left = letter.events("unsubscribe")
    assert [(e["Details"]["Source"], e["Details"]["Tag"]) for e in left] == [("page", "news")]
    refused = place.command("Suppression.BrowseTags", EmailAddress="KEY@example.org")["TagRefusals"]
    assert [(r["EmailAddress"], r["Tag"], r["EventID"]) for r in refused] == [("key@example.org", "news", left[0]["EventId"])]
    again = browse("leave", letter.leave, "", tmp_path / "again.png")  # what is chosen already: the list
    assert again["heading"] == "You are unsubscribed" and "no more emails of this list" in again["text"]
    matched = place.command("Suppression.Check", EmailAddress="key@example.org", ListID=mailing)["Results"]["key@example.org"]["MatchedScopes"]
    assert [(m["Scope"], m["SuppressionSource"]) for m in matched] == [("PerList", "Unsubscribe")]


def test_RFC8058_one_click(place):
    """A POST without cookies acts and redirects nowhere; both fields are signed (TR08)."""
    letter = place.deliver(to="one@example.org")
    assert letter.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter.mail["List-Unsubscribe"].count("https:") == 1 and "mailto:u+" in letter.mail["List-Unsubscribe"].replace("\n", "")
    signed = re.sub(r"\s", "", letter.mail.get_all("DKIM-Signature")[0].lower())
    assert "list-unsubscribe:" in signed and "list-unsubscribe-post" in signed
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert visit(letter.leave)[0] == 200 and visit(letter.leave, "HEAD")[0] == 200
    assert visit(letter.leave, "POST", "List-Unsubscribe=No", **form)[0] == 400
    assert letter.events("unsubscribe") == []
    status, headers, _ = visit(letter.leave, "POST", "List-Unsubscribe=One-Click", agent="Google-Read-Aloud", Origin="https://mail.google.com", **form)
    assert status == 200 and not headers["Location"] and not headers["Set-Cookie"]
    for _ in range(5):
        assert visit(letter.leave, "POST", "List-Unsubscribe=One-Click", **form)[0] == 200
    assert [e["Details"]["Source"] for e in letter.events("unsubscribe")] == ["one-click"], "once (TR06)"
    assert place.gateway.send(place.shop.key, to="one@example.org")[1]["Errors"][0]["Code"] == 14
    wait_for(lambda: [c for c in place.town.told(letter.id) if c["EventType"] == "unsubscribe"], what="the webhook call")


def test_people_and_machines_are_counted_apart(request, throwaway_certificate):
    """Unique, total and bots in events, statistics and webhooks (TR06)."""
    with open_place(fresh_database(request), throwaway_certificate) as place:
        html = '<p><a href="https://shop.example/a">a</a> <a href="https://shop.example/b">b</a></p>'
        ann, bob = (place.deliver(to=who, html=html, Tags=["sale"]) for who in ("ann@example.org", "bob@example.org"))
        machine = place.deliver(to="machine@example.org", html=html, Tags=["sale"])
        for _ in range(3):
            assert visit(ann.pixel)[0] == 200
        assert visit(bob.pixel, agent=PROXY)[0] == 200 and visit(bob.pixel)[0] == 200  # first a machine, then Bob
        for link in (ann.links[0], ann.links[1], ann.links[0]):
            assert visit(link)[0] == 302
        assert visit(machine.pixel, agent="Mozilla/5.0")[0] == 200 and visit(machine.links[0], "HEAD")[0] == 302
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        assert visit(bob.leave, "POST", "choice=all", **form)[0] == 200
        found = place.stats()
        counts = {k: found["Stats"][k] for k in ("Sent", "Delivered", "Opened", "OpenedTotal", "Clicked", "ClickedTotal", "Unsubscribed", "OpenRate", "ClickRate")}
        assert counts == {"Sent": 3, "Delivered": 3, "Opened": 2, "OpenedTotal": 4, "Clicked": 1, "ClickedTotal": 3, "Unsubscribed": 1, "OpenRate": 66.67,
                          "ClickRate": 33.33}
        sale = found["TagStats"]["sale"]
        assert (sale["Opened"], sale["OpenedTotal"], sale["Clicked"], sale["ClickedTotal"]) == (2, 4, 1, 3)
        assert place.counted() == {"send": 3, "delivery": 3, "open": 4, "click": 3, "unsubscribe": 1}, "machines are left out"
        assert place.counted("bot:true") == {"open": 2, "click": 1} and place.counted("bot:false") == {"open": 4, "click": 3}
        assert place.counted(field="bot") == {"false": 7, "true": 3}
        assert place.counted("eventType:click", "link") == {"https://shop.example/a": 2, "https://shop.example/b": 1}
        assert place.counted("eventType:open", "client") == {"Firefox": 4} and place.counted("ip:127.0.0.1", "ip") == {"127.0.0.1": 8}
        rows = place.command("EmailGateway.GetEvents", DomainID=place.shop.domain_id, StartFrom=0, RetrieveCount=100, Query="bot:true")["Events"]
        assert sorted((e["event_type"], e["recipient"]) for e in rows) == [("click", "machine@example.org"), ("open", "bob@example.org"),
                                                                          ("open", "machine@example.org")]
        signs = {e["Recipient"]: e["Details"]["BotSigns"] for e in place.gateway.events(place.shop.key, Query="bot:true", Event="open")}
        assert signs == {"bob@example.org": "proxy", "machine@example.org": "privacy"}
        told = wait_for(lambda: (lambda c: len(c) >= 11 and c)([c["data"] for c in place.town.calls]), what="the webhook calls")
        kinds = sorted((c["EventType"], c["Recipient"], c["Details"].get("Bot", False)) for c in {c["EventId"]: c for c in told}.values())
        assert kinds == sorted([("open", "ann@example.org", False)] * 3 + [("open", "bob@example.org", True), ("open", "bob@example.org", False)] +
                               [("click", "ann@example.org", False)] * 3 + [("open", "machine@example.org", True), ("click", "machine@example.org", True)] +
                               [("unsubscribe", "bob@example.org", False)])
        text = place.gateway.request("GET", "/metrics")[2]
        metrics = {name: int(value) for name, value in re.findall(r"^posthorn_(track_\w+|unsubscribes_total) (\d+)$", text, re.M)}
        assert (metrics["track_hits_total"], metrics["track_machines_total"], metrics["unsubscribes_total"], metrics["track_lost_total"]) == (11, 3, 1, 0)
        place.command("EmailGateway.DeleteDomain", DomainID=place.shop.domain_id)
        for address in (ann.links[0], ann.pixel, ann.leave):
            status, _, page = visit(address)
            assert status == 410 and b"<h1>This link leads nowhere any more</h1>" in page, "TR16"


def test_refused_tags_are_judged_at_acceptance(place):
    """A message with a refused tag is suppressed for that person alone, and the event says by which tag; the owner sees it and takes it back."""
    letter = place.deliver(to="tags@example.org", Tags=["offers", "news"])
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert visit(letter.leave, "POST", "choice=tag%3Aoffers", **form)[0] == 200
    assert visit(letter.leave, "POST", "choice=tag%3Aothers", **form)[0] == 400, "TR09: only the message's own"
    key = place.shop.key
    assert place.gateway.send(key, to="tags@example.org", Tags=["offers"])[1]["Errors"][0]["Code"] == 14
    both = [{"email": a, "name": ""} for a in ("tags@example.org", "other@example.org")]
    status, answer = place.gateway.send(key, to=both, Tags=["x", "offers"])
    assert status == 200 and answer["Suppressed"] == ["tags@example.org"]
    event = place.gateway.events(key, MessageID=answer["MessageID"], Event="suppressed")[0]
    assert (event["Recipient"], event["Details"]["Reason"], event["Details"]["Tag"]) == ("tags@example.org", "Unsubscribe", "offers")
    for fields in ({}, {"Tags": ["news"]}, {"Tags": ["Offers"]}, {"Tags": ["offers"], "Stream": "transactional"}):
        assert place.gateway.send(key, to="tags@example.org", **fields)[0] == 200, fields
    assert [r["Tag"] for r in place.command("Suppression.BrowseTags", Tag="offers")["TagRefusals"]] == ["offers"]
    bearer = {"Authorization": f"Bearer {key}"}
    one = {"EmailAddress": "Tags@example.org", "Tag": "offers"}
    assert place.gateway.request("DELETE", "/api/v1/suppressions/tags", one, bearer)[2]["TotalDeleted"] == 1
    assert place.gateway.request("DELETE", "/api/v1/suppressions/tags", one, bearer)[0] == 404
    assert place.gateway.request("GET", "/api/v1/suppressions/tags?Tag=offers", headers=bearer)[2]["TagRefusals"] == []
    assert place.gateway.send(key, to="tags@example.org", Tags=["offers"])[0] == 200


def test_transactional_mail_goes_to_those_who_unsubscribed(place):
    """Unless the account says otherwise, or there is another reason; a bounce outweighs a wish."""
    letter, key = place.deliver(to="left@example.org"), place.shop.key
    assert visit(letter.leave, "POST", "List-Unsubscribe=One-Click", Content_Type="application/x-www-form-urlencoded")[0] == 200

    def code(**fields):
        status, answer = place.gateway.send(key, to="left@example.org", **fields)
        return answer["Errors"][0]["Code"] if status != 200 else 0

    assert code() == 14 and code(Stream="broadcast") == 14 and code(Stream="Transactional") == 0
    assert code(Stream="newsletter") == 422
    place.command("User.Update", UnsubscribesBlockAll=True)
    assert place.command("User.Current")["UserInfo"]["UnsubscribesBlockAll"] is True and code(Stream="transactional") == 14
    place.command("User.Update", UnsubscribesBlockAll="no")
    assert code(Stream="transactional") == 0
    place.command("Suppression.Add", EmailAddress="left@example.org", SuppressionSource="Hard Bounced", Reason="550 no such user")
    assert code(Stream="transactional") == 14
    entry = place.command("Suppression.Browse", SearchPattern="left@example.org")["Suppressions"][0]
    assert (entry["SuppressionSource"], entry["Reason"]) == ("Hard Bounced", "550 no such user (had unsubscribed)")
    status, answer = place.gateway.send(key, {"From": {"email": "a@shop.test", "name": ""}, "TargetListID": place.list_of("Any", "x@example.org"), "Subject": "s",
                                              "ContentType": "plain", "PlainContent": "x", "Stream": "transactional"})
    assert status == 422 and "broadcast" in answer["Errors"][0]["Message"]


def test_brands_are_the_domain_s_own(place):
    """Kept, shown, taken away by none, refused where they are no colours (JS15)."""
    made = place.command("EmailGateway.AddDomain", DomainName="brand.test", BrandName="  Brand  ", BrandColor="#0055AA", BrandText="Hi")
    domain = {"DomainID": made["NewSenderDomainID"]}
    shown = place.command("EmailGateway.GetDomain", **domain)["Domain"]
    assert (shown["BrandName"], shown["BrandColor"], shown["BrandText"]) == ("Brand", "#0055AA", "Hi")
    shown = place.command("EmailGateway.UpdateDomain", BrandText="None", BrandColor="none", **domain)["Domain"]
    assert (shown["BrandName"], shown["BrandColor"], shown["BrandText"]) == ("Brand", "", "")
    for wrong in ("red", "#12345", "#12345g", "0055aa1"):
        answer = place.gateway.api("EmailGateway.UpdateDomain", APIKey=place.shop.api_key, BrandColor=wrong, **domain)
        assert answer["Success"] is False and answer["ErrorCode"] == 422 and "BrandColor" in answer["ErrorMessage"], answer
