"""Templates and suppressions by the command line and over HTTP: files in, places of errors out, one path for both.

SPDX-License-Identifier: Apache-2.0"""
import json
from urllib.parse import quote

from gateway import Gateway


def test_templates_and_suppressions_by_the_command_line(sandbox, tmp_path):
    owner = sandbox.tenant("content.test")
    account = ("--account", owner.email)
    html, text, data = tmp_path / "mail.html", tmp_path / "mail.txt", tmp_path / "data.json"
    html.write_text("<p>Hello {{name}}</p>\n{{#each items}}\n<li>{{this}}</li>\n{{/each}}\n")
    text.write_text("Hello {{upper name}}\n")
    data.write_text(json.dumps({"name": "Jörg & <Co>", "items": ["a", "{{b}}"]}))
    made = sandbox.cli_json("template", "add", "Welcome", "--subject", "Hi {{name}}", "--html", html, "--text", text, *account)
    number = made["EmailID"]
    assert made["EmailTemplate"]["HTMLContent"] == html.read_text()
    shown = sandbox.cli("template", "preview", number, "--data", data, *account).stdout.decode()
    assert "Subject: Hi Jörg & <Co>\n" in shown and "Hello Jörg &amp; &lt;Co&gt;" in shown and "Hello JÖRG & <CO>" in shown
    assert "<li>a</li>\n<li>{{b}}</li>\n" in shown
    html.write_text("<p>\n {{#if name}}</p>")
    refused = sandbox.cli("template", "set", number, f"html={html}", *account, check=False)
    assert refused.returncode == 1 and b"html, line 2, column 2" in refused.stderr
    assert "version 2" in sandbox.cli("template", "set", number, "subject=Hello", *account).stdout.decode()
    assert "Welcome" in sandbox.cli("template", "list", *account).stdout.decode()
    assert "{{#each items}}" in sandbox.cli("template", "show", number, "--version", "1", *account).stdout.decode()
    assert sandbox.cli("template", "add", "X", "--subject", "S", "--html", tmp_path / "none", *account, check=False).returncode == 64
    assert b"deleted" in sandbox.cli("template", "delete", number, *account).stdout

    people = tmp_path / "people.csv"
    people.write_text("email,name\n" + "".join(f"person{i}@example.org,P{i}\n" for i in range(1200)))
    said = sandbox.cli("suppression", "import", people, "--source", "Unsubscribe", *account).stdout.decode()
    assert "1200 added, 1 are no addresses." in said
    assert "2 added" in sandbox.cli("suppression", "add", "A@example.org,b@example.org", "--reason", "asked", *account).stdout.decode()
    assert "asked" in sandbox.cli("suppression", "check", "a@EXAMPLE.org", *account).stdout.decode()
    found = sandbox.cli("suppression", "list", "--search", "person1*@example.org", "--limit", "5", *account).stdout.decode()
    assert "5 of 311" in found and "person1000@example.org" not in found and found.count("Unsubscribe") == 5
    stats = sandbox.cli("suppression", "stats", *account).stdout.decode()
    assert "Unsubscribe     1200" in stats and "User            2" in stats
    assert "1 taken out" in sandbox.cli("suppression", "delete", "a@example.org", *account).stdout.decode()
    gone = sandbox.cli("suppression", "check", "a@example.org", *account, check=False)
    assert gone.returncode == 1 and b"not suppressed" in gone.stderr


def test_an_address_stands_in_the_path(sandbox):
    owner = sandbox.tenant("path.test")
    headers = {"Authorization": f"Bearer {owner.key}"}
    for address in ("a+b@example.org", "o'neil@example.org", "x/y@example.org"):
        status, _, answer = sandbox.request("POST", "/api/v1/suppressions", {"EmailAddress": address}, headers)
        assert (status, answer["TotalImported"]) == (200, 1), answer
    for address in ("a+b@example.org", "o'neil@example.org"):
        status, _, answer = sandbox.request("GET", "/api/v1/suppressions/" + quote(address, safe=""), None, headers)
        assert (status, answer["EmailAddress"], answer["IsSuppressed"]) == (200, address, True), answer
    status, _, answer = sandbox.request("DELETE", "/api/v1/suppressions", {"EmailAddresses": ["x/y@example.org"]}, headers)
    assert (status, answer["TotalDeleted"]) == (200, 1), answer
