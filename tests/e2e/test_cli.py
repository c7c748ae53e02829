"""The command line and the process: every verb with and without a server, configuration, start, stop, restart, secrets.

SPDX-License-Identifier: Apache-2.0"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from gateway import POSTHORN, Gateway, mail, wait_for
from sink import certificate
from test_manual import all_verbs
from zone import Zone

NOWHERE = tempfile.gettempdir()  # nothing here starts with a relative path; if it did, not in the checkout
PASSWORD = "correct horse battery"
RAW = "From: Shop <news@shop.test>\r\nTo: a@example.org, B <b@example.org>\r\nBcc: c@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n.\r\n"


def run(*arguments, stdin=b"", env=None):
    return subprocess.run([POSTHORN, *map(str, arguments)], input=stdin, capture_output=True, timeout=120, env=env, cwd=NOWHERE)


def one_line(text):
    return text.count(b"\n") == 1 and text.startswith(b"posthorn: ")


@pytest.fixture
def fresh(database):
    """A gateway that has not been started."""
    gateway = Gateway(database=database)
    yield gateway
    gateway.__exit__(None, None, None)
    shutil.rmtree(gateway.folder, ignore_errors=True)


def walk(gateway):
    """Every verb as text and as JSON; the same words work with a server and without one."""
    made = gateway.cli_json("account", "create", "--email", "Ops@Shop.test", "--admin", "--password-stdin", stdin=PASSWORD + "\n")
    assert made["Success"] is True and type(made["UserID"]) is int and made["EmailAddress"] == "ops@shop.test" and len(made["APIKey"]) > 20
    said = gateway.cli("account", "create", "--email", "second@shop.test", "--password-stdin", stdin=PASSWORD).stdout.decode()
    assert "second@shop.test" in said and "API key" in said
    r = gateway.cli("domain", "add", "shop.test", check=False)
    assert r.returncode != 0 and b"several accounts" in r.stderr
    domain = gateway.cli_json("domain", "add", "shop.test", "--account", "ops@shop.test")
    assert type(domain["DomainID"]) is int and domain["DomainName"] == "shop.test" and len(domain["DNSRecords"]) >= 5
    said = gateway.cli("domain", "add", "other.test", "--account", "second@shop.test").stdout.decode()
    assert "other.test" in said and "_domainkey" in said and "MX" in said and "v=spf1" in said
    assert [d["DomainName"] for d in gateway.cli_json("domain", "list")["Domains"]] == ["shop.test", "other.test"]
    assert [d["DomainName"] for d in gateway.cli_json("domain", "list", "--account", "second@shop.test")["Domains"]] == ["other.test"]
    assert "Approval Pending" in gateway.cli("domain", "list").stdout.decode()
    assert gateway.cli_json("domain", "enable", "SHOP.test")["Status"] == "Enabled"
    assert "disabled" in gateway.cli("domain", "disable", "shop.test").stdout.decode()
    assert gateway.cli_json("domain", "list")["Domains"][0]["Status"] == "Suspended"
    assert "enabled" in gateway.cli("domain", "enable", "shop.test").stdout.decode()
    key = gateway.cli_json("key", "add", "--domain", "shop.test", "--description", "cron")["APIKey"]
    assert type(key["KeyID"]) is str and len(key["Key"]) > 20
    assert len(gateway.cli("key", "add", "--domain", "shop.test").stdout.decode().splitlines()) == 2
    keys = gateway.cli_json("key", "list", "--domain", "shop.test")["APIKeys"]
    assert [k["Description"] for k in keys] == ["cron", "made by the operator"] and keys[0]["Key"] == key["Key"]
    assert key["Key"] in gateway.cli("key", "list", "--domain", "shop.test").stdout.decode()
    resources(gateway)
    sent = gateway.cli_json("send", stdin=RAW)["MessageID"]
    assert re.match(r"^[0-9a-f-]{36}$", sent)
    assert "Accepted as" in gateway.cli("send", "--to", "d@example.org,e@example.org", stdin=RAW.replace("\r\n", "\n")).stdout.decode()
    return made, key, sent


def resources(gateway):
    """What hangs on a domain, each by the words of its own."""
    other = ("--domain", "other.test")
    shown = gateway.cli("domain", "show", "other.test").stdout.decode()
    assert "Approval Pending" in shown and "_domainkey" in shown and "open tracking: no" in shown and "Checked" not in shown
    updated = gateway.cli_json("domain", "set", "other.test", "open_tracking=yes", "subdomain=out")
    assert updated["Domain"]["OpenTracking"] == "1" and updated["Domain"]["Subdomain"] == "out" and updated["SubdomainChanged"] is True
    assert "other.test" in gateway.cli("domain", "verify", "other.test").stdout.decode()
    first = gateway.cli_json("key", "add", *other, "--permissions", "events")["APIKey"]
    second = gateway.cli_json("key", "replace", *other, "--id", first["KeyID"])["APIKey"]
    assert second["Key"] != first["Key"] and second["Permissions"] == "events"
    assert "deleted" in gateway.cli("key", "delete", second["KeyID"], "--account", "second@shop.test").stdout.decode()
    assert gateway.cli_json("key", "list", *other)["APIKeys"] == []
    user = gateway.cli_json("smtp-user", "add", *other)["SMTP"]
    said = gateway.cli("smtp-user", "reset", user["SMTPID"], "--account", "second@shop.test").stdout.decode()
    assert user["Username"] in said and user["Password"] not in said
    assert user["Username"] in gateway.cli("smtp-user", "list", *other).stdout.decode()
    gateway.cli("smtp-user", "delete", user["SMTPID"], "--account", "second@shop.test")
    hook = gateway.cli_json("webhook", "add", "https://hooks.example.com/x", *other, "--event", "open,bounce")["NewWebhookID"]
    said = gateway.cli("webhook", "list", *other).stdout.decode()
    assert "whsec_" in said and "bounce, open" in said
    first = gateway.cli_json("webhook", "list", *other)["SigningKey"]
    said = gateway.cli("webhook", "new-key", *other).stdout.decode()
    assert said.startswith("Signing key: whsec_") and first not in said
    gateway.cli("webhook", "delete", hook, *other)
    assert gateway.cli_json("webhook", "list", *other)["Webhooks"] == []


    where = "--account", "second@shop.test"
    key = gateway.cli_json("user-key", "add", "second@shop.test", "--note", "till")["APIKeyID"]
    assert gateway.cli("user-key", "set", key, "note=door", "from=192.0.2.0/24", *where).stdout == f"Key {key}: door\nOnly from: 192.0.2.0/24\n".encode()
    made = gateway.cli_json("list", "add", "news", *where)["ListID"]
    assert gateway.cli("list", "set", str(made), "name=old news", *where).stdout == f"List {made}: old news\n".encode()
    template = gateway.cli_json("template", "add", "T", "--subject", "one", "--text", "-", *where, stdin="x")["EmailID"]
    gateway.cli("template", "set", template, "subject=two", *where)
    assert "version 3" in gateway.cli("template", "restore", template, "--version", "1", *where).stdout.decode()
    versions = gateway.cli("template", "versions", template, *where).stdout.decode().splitlines()
    assert [row.split()[0] + row.split()[-1] for row in versions[1:]] == ["3one", "2two", "1one"] and "yes" in versions[1]


def refusals(gateway):
    for arguments, stdin, words in [
        (("account", "create", "--email", "ops@shop.test", "--password-stdin"), PASSWORD, "already"),
        (("account", "create", "--email", "nonsense", "--password-stdin"), PASSWORD, "Email"),
        (("account", "create", "--email", "short@shop.test", "--password-stdin"), "short", "Password"),
        (("domain", "add", "shop.test", "--account", "ops@shop.test"), "", "already"), (("domain", "add", "no domain", "--account", "ops@shop.test"), "", "domain name"),
        (("domain", "add", "x.test", "--account", "nobody@shop.test"), "", "account"),
        (("domain", "enable", "missing.test"), "", "domain"), (("key", "add", "--domain", "missing.test"), "", "domain"),
        (("send",), "", "message"), (("send",), "From: a@elsewhere.test\r\nTo: b@example.org\r\n\r\nx", "sender domain"),
        (("send",), "From: a@shop.test\r\n\r\nx", "recipient"), (("send",), "To: a@shop.test\r\n\r\nx", "From"), (("send",), "From: a@shop.test\r\nno field\r\n\r\nx", "Line 2 of"),
        (("event", "list", "--domain", "shop.test", "--from", "yesterday"), "", "or YYYY-MM-DD\n"),
        (("inbox", "show", "999"), "", "inbox"), (("inbox", "raw", "x"), "", "inbox"),
    ]:
        text = gateway.cli(*arguments, stdin=stdin, check=False)
        assert text.returncode == 1 and one_line(text.stderr) and words.lower() in text.stderr.decode().lower() and not text.stdout, (arguments, text)
        answer = gateway.cli(*arguments, "--json", stdin=stdin, check=False)
        parsed = json.loads(answer.stdout)
        assert answer.returncode == 1 and parsed["Success"] is False and parsed["ErrorCode"] and parsed["ErrorMessage"]


def test_every_verb_beside_a_server(sandbox):
    made, key, sent = walk(sandbox)
    rows = wait_for(lambda: len(m := sandbox.cli_json("inbox", "list")["Messages"]) == 5 and m, what="the inbox")
    assert {r["Recipients"][0] for r in rows} == {f"{c}@example.org" for c in "abcde"}
    assert len(sandbox.cli_json("inbox", "list", "--limit", "2")["Messages"]) == 2
    assert len(sandbox.cli_json("inbox", "list", "--before", str(rows[1]["ID"]))["Messages"]) == 3
    assert "Grüße" in sandbox.cli("inbox", "list").stdout.decode()
    shown = sandbox.cli("inbox", "show", str(rows[0]["ID"])).stdout.decode()
    assert "Subject: Grüße" in shown and "Hello" in shown
    assert sandbox.cli_json("inbox", "show", str(rows[0]["ID"]))["Message"]["Subject"] == "Grüße"
    raw = sandbox.cli("inbox", "raw", str(rows[0]["ID"])).stdout
    assert b"DKIM-Signature:" in raw and b"\r\n.\r\n" in raw and b"c@example.org" not in raw[raw.index(b"From:"):], "Bcc is taken out"
    assert sandbox.cli_json("queue", "list") == {"Success": True, "ErrorCode": 0, "Queue": [], "Cursor": ""}
    refusals(sandbox)
    assert sandbox.api("EmailGateway.GetDomains", APIKey=made["APIKey"])["Domains"][0]["DomainName"] == "shop.test"


def test_every_verb_without_a_server_and_then_a_start(fresh):
    made, key, sent = walk(fresh)
    queue = fresh.cli_json("queue", "list")
    assert len(queue["Queue"]) == 5 and {r["State"] for r in queue["Queue"]} <= {"queued", "waiting"} and sent in {r["MessageID"] for r in queue["Queue"]}
    assert len(fresh.cli("queue", "list").stdout.splitlines()) == 6 and fresh.cli("queue", "list", "--limit", "2").stdout.splitlines()[-1].startswith(b"More: posthorn queue list --cursor waiting/")
    assert len(fresh.cli_json("queue", "list", "--limit", "2")["Queue"]) == 2
    page = fresh.cli_json("queue", "list", "--limit", "3")
    rest = fresh.cli_json("queue", "list", "--cursor", page["Cursor"])
    assert [r["ID"] for r in page["Queue"] + rest["Queue"]] == [r["ID"] for r in queue["Queue"]]
    refusals(fresh)
    fresh.start()
    wait_for(lambda: len(fresh.cli_json("inbox", "list")["Messages"]) == 5, what="what was queued before the start")
    fresh.sent(key["Key"])


# ---- usage ----
def test_help_of_each_verb():
    verbs = all_verbs()
    assert len(verbs) > 75 and {"serve", "doctor", "man-api", "send", "domain add", "account set", "group set", "list-send cancel", "suppression stats"} <= set(verbs)
    overview = run("--help").stdout.decode()
    for verb in verbs:
        result = run(*verb.split(), "--help")
        assert result.returncode == 0 and result.stdout.startswith(b"posthorn " + verb.encode()) and not result.stderr
        group, _, rest = verb.partition(" ")
        assert not rest or f"\n  {verb} " in run(group, "--help").stdout.decode()
        assert not rest or re.search(rf"^  {group} .*[:,] {rest}(,|$)", overview, re.M), verb


def test_the_help_fits_a_page():
    lines = run("--help").stdout.decode().splitlines()
    assert len(lines) <= 66 and max(map(len, lines)) <= 130
    assert run("help").stdout == run("--help").stdout and run("help", "domain").stdout == run("domain", "--help").stdout
    assert run("help", "domain", "add").stdout == run("domain", "add", "--help").stdout


def test_wrong_words_say_what_to_do_next():
    for words, said in [(["nothing"], "Try: posthorn --help"), (["domain"], "domain enable"), (["domain", "explode"], "there is no verb explode"),
                        (["domain", "explode", "--help"], "domain enable"), (["domain", "add"], "missing: NAME\nTry: posthorn domain add --help"),
                        (["account", "set", "a@b.test"], "nothing to set\nTry: posthorn account set --help"), (["queue", "clear"], "missing: DOMAIN"),
                        (["domain", "set", "a.test", "open_tracking="], "a value is missing after open_tracking=")]:
        result = run(*words)
        assert result.returncode == 64 and said in result.stderr.decode() and not result.stdout, words


def test_refusals_speak_the_words_of_the_command_line(fresh):
    """The operation says LimitEmailGatewaySenderDomains and Account; whoever typed domains=x reads domains."""
    assert b"make one first" in fresh.cli("template", "list", check=False).stderr
    for email in ("a@x.test", "b@x.test"):
        fresh.cli("account", "create", "--email", email, "--password-stdin", stdin=PASSWORD)
    fresh.cli("group", "add", "small", "domains=1")
    for words, said in [(("template", "list"), "posthorn: --account is missing, and there are several accounts"), (("group", "set", "small", "domains=x"), "posthorn: domains must be"),
                        (("account", "set", "a@x.test", "active=perhaps"), "posthorn: active must be")]:
        result = fresh.cli(*words, check=False)
        assert result.returncode == 1 and one_line(result.stderr) and result.stderr.decode().startswith(said), result
    answer = fresh.cli("group", "set", "small", "domains=x", "--json", check=False)
    assert json.loads(answer.stdout)["Field"] == "LimitEmailGatewaySenderDomains" and not answer.stderr


def test_tables(fresh):
    """Headings in words, columns that line up, "-" for what is empty, "none" for no rows, and how many there are when not all are shown."""
    for words in (("account", "list"), ("domain", "list"), ("queue", "list"), ("inbox", "list")):
        assert fresh.cli(*words).stdout == b"none\n", words
    for email in ("a@x.test", "somebody.else@x.test"):
        fresh.cli("account", "create", "--email", email, "--password-stdin", stdin=PASSWORD)
    lines = fresh.cli("account", "list").stdout.decode().splitlines()
    assert lines[0].split() == ["ID", "EMAIL", "GROUP", "STATUS", "VERIFIED", "ADMIN"] and len(lines) == 3
    assert len({line.index(word) for line, word in zip(lines, ("GROUP", "default", "default"))}) == 1
    assert fresh.cli("account", "list", "--limit", "1").stdout.endswith(b"\n1 of 2\n")
    assert fresh.cli("account", "list", "--skip", "2").stdout == b"none here, 2 in all\n"
    where = "--account", "a@x.test"
    assert fresh.cli("template", "list", *where).stdout == fresh.cli("list-send", "list", *where).stdout == b"none\n"
    for note in ("Grüße", "x"):
        fresh.cli("user-key", "add", "a@x.test", "--note", note)
    assert " -  " in fresh.cli("user-key", "list", "a@x.test").stdout.decode()
    for name in ("Grüße", "Greetings"):
        fresh.cli("template", "add", name, "--subject", "S", "--text", "-", *where, stdin="Hi")
    heads, *rows = fresh.cli("template", "list", *where).stdout.decode().splitlines()
    assert {row.rindex("S") for row in rows} == {heads.index("SUBJECT")}, "width counts characters, not bytes"
    fresh.cli("domain", "add", "x.test", *where)
    assert fresh.cli("webhook", "list", "--domain", "x.test").stdout.decode().splitlines()[1:] == ["none"]


@pytest.mark.parametrize("words", [[], ["nothing"], ["domain"], ["domain", "explode"], ["domain", "add"], ["domain", "add", "a", "b"], ["key", "add"], ["inbox", "show"],
                                   ["account", "create"], ["account", "create", "--email", "a@b.test"], ["queue", "list", "--what"],
                                   ["queue", "list", "--limit"], ["serve", "extra"], ["serve", "--json"], ["init", "extra"], ["check-config", "--bogus"], ["doctor", "extra"], ["version", "extra"], ["version", "-c"], ["version", "-o"], ["domain", "add", "a", "--account", "x", "--account", "y"]])
def test_bad_usage(words):
    result = run(*words)
    assert result.returncode == 64 and result.stderr and not result.stdout, result


def test_version():
    text, as_json = run("version"), run("version", "--json")
    assert text.returncode == 0 and re.match(rb"^posthorn \d+\.\d+\.\d+\S*\n$", text.stdout)
    assert json.loads(as_json.stdout)["Version"] == text.stdout.decode().split()[1]
    assert run("--version").stdout == text.stdout


# ---- configuration ----
def test_check_config_as_json_says_the_same():
    options = "-o", "delivery.mode=sandbox", "-o", "data.url=postgresql://u:sesame@h/d"
    text, rows = run("check-config", *options).stdout.decode(), json.loads(run("check-config", "--json", *options).stdout)["Keys"]
    assert {key for row in rows for key in row} == {"Key", "Value", "Default", "Meaning"} and len(rows) >= len(KEYS)
    assert [f"{row['Key'].partition('.')[2]} = {row['Value']}" for row in rows] == re.findall(r"^[a-z0-9_]+ = .*$", text, re.M)
    assert all(f"; {row['Meaning']}" in text for row in rows) and "sesame" not in str(rows)


KEYS = """data.dir data.url http.listen http.base_url http.trusted_proxies http.tls_listen dns.servers dns.trust_anchor tls.cert tls.key log.level log.format
delivery.mode delivery.hostname delivery.port delivery.allow_private delivery.smarthost delivery.retry keys.master api.v1_errors""".split()


def test_check_config_lists_every_key_with_a_sentence_and_can_be_read_again(tmp_path):
    out = run("check-config", "-o", "http.listen=127.0.0.1:9000", "-o", "delivery.mode=sandbox", "-o", "data.url=postgresql://u:sesame@h/d").stdout.decode()
    section, found = None, {}
    previous = ""
    for line in out.splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif " = " in line or line.endswith(" ="):
            name, _, value = line.partition(" =")
            found[f"{section}.{name}"] = value.strip()
            assert previous.startswith("; ") and "(default:" in previous and len(previous) > 25
        previous = line
    assert set(KEYS) <= set(found)
    assert found["http.listen"] == "127.0.0.1:9000" and found["delivery.mode"] == "sandbox" and found["delivery.port"] == "25"
    assert "sesame" not in out, "P10"
    file = tmp_path / "again.ini"
    file.write_text(run("check-config", "-o", "http.listen=127.0.0.1:9000").stdout.decode())
    again = run("check-config", "-c", file)
    assert again.returncode == 0 and "listen = 127.0.0.1:9000" in again.stdout.decode()


@pytest.mark.parametrize("line,word", [
    ("[http]\nlisten=nowhere", "listen"), ("[http]\nlisten=127.0.0.1:99999", "listen"), ("[http]\nlissten=127.0.0.1:80", "lissten"), ("[htp]\nlisten=1:1", "htp"),
    ("[delivery]\nmode=dream", "mode"), ("[delivery]\nport=0", "port"), ("[delivery]\nallow_private=perhaps", "allow_private"), ("[delivery]\nretry=1s,soon", "retry"),
    ("[delivery]\nsmarthost=a b:25", "smarthost"), ("[delivery]\nhostname=-x-", "hostname"), ("[dns]\nservers=name.test", "servers"),
    ("[api]\nv1_errors=maybe", "v1_errors"), ("[log]\nformat=xml", "format"), ("[log]\nlevel=loud", "level"), ("[data]\nurl=mysql://x", "url"), ("nonsense", ""),
    ("[http]\nbase_url=gopher://x", "base_url"), ("[http]\ntrusted_proxies=everybody", "trusted_proxies"),
])
def test_bad_configuration_says_file_line_and_reason(tmp_path, line, word):
    file = tmp_path / "posthorn.ini"
    file.write_text("; a comment\n" + line + "\n")
    result = run("serve", "-c", file, "-o", "data.dir=" + str(tmp_path / "data"), "-o", "data.user=nobody/at/all")
    number = 1 + (line.count("\n") + 1)
    assert result.returncode == 78 and one_line(result.stderr) and f"{file}:{number}" in result.stderr.decode() and word in result.stderr.decode(), result
    if word:
        section, _, rest = line.partition("\n")
        result = run("check-config", "-o", f"{section.strip('[]')}.{rest}")
        assert result.returncode == 78 and one_line(result.stderr) and word in result.stderr.decode()


def test_other_bad_configurations(tmp_path):
    assert run("serve", "-c", tmp_path / "missing.ini").returncode == 78
    assert run("check-config", "-o", "nothing").returncode == 78
    assert run("check-config", "-o", "http.listen").returncode == 78


def test_environment_and_secret_files(tmp_path):
    (tmp_path / "secret").write_text("postgresql://from-file/x\n")
    (tmp_path / "posthorn.ini").write_text("[delivery]\nhostname=${MY_HOST}\n[data]\nurl=file:" + str(tmp_path / "secret") + "\n")
    result = run("check-config", "-c", tmp_path / "posthorn.ini", env={**os.environ, "MY_HOST": "mx.env.test"})
    assert b"hostname = mx.env.test" in result.stdout and b"from-file" not in result.stdout
    result = run("check-config", "-c", tmp_path / "posthorn.ini", env={k: v for k, v in os.environ.items() if k != "MY_HOST"})
    assert result.returncode == 78 and b"MY_HOST" in result.stderr


# ---- start and stop ----
def test_init_is_idempotent_and_private(fresh):
    first = fresh.cli("init")
    master = fresh.master_key()
    key = master.read_bytes()
    assert b"BACK IT UP" in first.stderr and master.stat().st_mode & 0o777 == 0o400
    assert (fresh.folder / "data").stat().st_mode & 0o077 == 0
    second = fresh.cli("init")
    assert second.returncode == 0 and not second.stderr and master.read_bytes() == key
    fresh.start()
    beside = fresh.cli_json("init")
    assert beside["Success"] is True and beside["DataDir"] == str(fresh.folder / "data") and beside["MasterKey"] == str(master)
    assert master.read_bytes() == key


def test_a_missing_or_broken_master_key_is_refused(fresh):
    fresh.tenant()
    master = fresh.master_key()
    key = master.read_bytes()
    master.unlink()
    for words in (("serve",), ("init",), ("domain", "list")):
        result = fresh.cli(*words, check=False)
        assert result.returncode == 1 and one_line(result.stderr) and b"master key" in result.stderr and b"backup" in result.stderr, result
        assert not master.exists(), "a database is never given a new key"
    for wrong in (b"not a key", b"ab" * 32 + b"\n"):
        master.write_bytes(wrong)
        for words in (("serve",), ("key", "list", "--domain", "shop.test")):
            result = fresh.cli(*words, check=False)
            assert result.returncode == 1 and one_line(result.stderr) and b"master key" in result.stderr, result
        assert master.read_bytes() == wrong
    master.write_bytes(key)
    fresh.cli("domain", "list")


@pytest.mark.parametrize("options,sentence", [
    ({"http__listen": "192.0.2.1:8080"}, "192.0.2.1:8080: this machine has no such address"),
    ({"dns__trust_anchor": "/nowhere/root.key"}, "[dns] trust_anchor: /nowhere/root.key: No such file or directory"),
    ({"http__tls_listen": "127.0.0.1:0", "tls__cert": "/nowhere/cert.pem", "tls__key": "/nowhere/key.pem"}, "/nowhere/cert.pem: No such file or directory"),
])
def test_a_start_that_cannot_be_says_why(options, sentence):
    folder = Gateway(**options)
    result = folder.cli("serve", check=False)
    assert result.returncode == 1 and result.stderr.decode().splitlines()[-1].endswith(sentence), result
    shutil.rmtree(folder.folder)


def test_a_taken_port(sandbox):
    folder = Gateway(http__listen=sandbox.options["http.listen"])
    result = folder.cli("serve", check=False)
    lines = [l for l in result.stderr.splitlines() if l.startswith(b"posthorn: ") and b"taken" in l]
    assert result.returncode == 1 and len(lines) == 1 and sandbox.options["http.listen"].encode() in lines[0], result
    shutil.rmtree(folder.folder)


def test_a_second_server_on_the_same_data_is_refused(sandbox):
    second = Gateway(folder=sandbox.folder)
    second.options["data.dir"] = sandbox.options["data.dir"]
    result = second.cli("serve", check=False)
    assert result.returncode == 1 and one_line(result.stderr) and b"another posthorn" in result.stderr
    assert sandbox.request("GET", "/healthz")[0] == 200


def test_the_first_screen_can_be_pasted(fresh):
    """What ./run shows: the line that sends, those that read, and where /docs is."""
    tenant = fresh.tenant()
    with open(fresh.log, "ab") as log:
        fresh.process = subprocess.Popen([POSTHORN, "serve", "--greet", tenant.domain, *fresh.arguments()], stdout=subprocess.PIPE, stderr=log, cwd=fresh.folder)
    screen = b""
    while b"Ctrl-C" not in screen:
        line = fresh.process.stdout.readline()
        assert line, fresh.log.read_text()
        screen += line
    screen = screen.decode()
    line = re.search(r"^  curl .*?(?<!\\)$", screen, re.M | re.S).group()
    sent = json.loads(subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout)
    assert len(sent["MessageID"]) == 36 and tenant.key in line
    assert fresh.request("GET", re.search(r"try it out +http://[^/]+(/docs)$", screen, re.M).group(1))[0] == 200
    wait_for(lambda: fresh.cli_json("inbox", "list")["Messages"], what="the inbox")
    for words in re.findall(rf"^  {re.escape(POSTHORN)} (inbox .*)$", screen, re.M):
        assert "Hello" in fresh.cli(*words.split()).stdout.decode()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly_and_a_restart_keeps_everything(fresh, how):
    fresh.start()
    tenant = fresh.tenant()
    session = fresh.api("User.Login", Username=tenant.email, Password=PASSWORD)["SessionID"]
    message = fresh.sent(tenant.key)
    later = fresh.sent(tenant.key, SendAt=int(time.time()) + 86400)
    once = {"Idempotency-Key": "over a restart"}
    first = fresh.send(tenant.key, headers=once)
    wait_for(lambda: fresh.event_types(tenant.key, message) == ["send", "delivery"], what="delivery")
    wait_for(lambda: len(fresh.cli_json("inbox", "list")["Messages"]) == 2, what="the inbox")
    before = fresh.events(tenant.key), fresh.cli_json("inbox", "list"), fresh.cli_json("queue", "list"), fresh.cli_json("domain", "list")
    idle = socket.create_connection(("127.0.0.1", fresh.port))
    fresh.process.send_signal(how)
    assert fresh.process.wait(timeout=60) == 0, fresh.log.read_text()
    fresh.process = None
    idle.close()
    assert not (fresh.folder / "data" / "control.sock").exists()
    fresh.start()
    assert (fresh.events(tenant.key), fresh.cli_json("inbox", "list"), fresh.cli_json("queue", "list"), fresh.cli_json("domain", "list")) == before
    assert fresh.send(tenant.key, headers=once) == first and fresh.api("EmailGateway.GetDomains", SessionID=session)["Success"]
    assert fresh.cli_json("queue", "list")["Queue"][0]["MessageID"] == later


def test_sighup_takes_the_log_level_over(tmp_path):
    """What stands in the file now; a level given with -o stays."""
    file = tmp_path / "posthorn.conf"

    def write(level):
        file.write_text(f"[log]\nlevel = {level}\n")

    def reload(gateway, level):
        write(level)
        before = gateway.log.read_text().count('what="log level"')
        gateway.process.send_signal(signal.SIGHUP)
        return lambda: gateway.log.read_text().count('what="log level"') > before

    def is_talkative(gateway):
        before = gateway.log.read_text().count("level=debug")
        gateway.request("GET", "/healthz")
        return gateway.log.read_text().count("level=debug") > before

    class Configured(Gateway):
        def arguments(self):
            return ["-c", str(file), *super().arguments()]

    write("info")
    with Configured() as gateway:
        assert not is_talkative(gateway)
        wait_for(reload(gateway, "debug"), what="the level to be taken over")
        assert is_talkative(gateway)
        wait_for(reload(gateway, "loud"), what="the bad level to be refused")
        assert f"{file}:2: [log] level = loud" in gateway.log.read_text() and is_talkative(gateway)
        wait_for(reload(gateway, "info"), what="the level to be taken back")
        assert not is_talkative(gateway)
    with Configured(log__level="info") as gateway:
        wait_for(reload(gateway, "debug"), what="the reload")
        assert not is_talkative(gateway)


def test_provider_rows_are_shown_and_read_anew(tmp_path):
    """Those built in; those of a file, which can be what was printed; a bad one is refused with its line, and the old ones hold."""
    file = tmp_path / "providers.conf"
    printed = run("providers")
    rows = {row["Name"]: row for row in json.loads(run("providers", "--json").stdout)["Providers"]}
    assert rows["google"]["Connections"] == 5 and rows["google"]["ConnectionMessages"] == 50 and rows["comcast"]["RequiresTLS"]
    assert rows["yahoo"]["Replies"][0] == {"Words": "[ts04]", "SuspendSeconds": 7200} and rows["default"]["MX"] == []
    file.write_bytes(printed.stdout)
    assert run("providers", "-o", f"delivery.providers={file}").stdout == printed.stdout
    with Gateway(delivery__providers=str(file)) as gateway:

        def reload(text):
            file.write_text(text)
            before = gateway.log.read_text().count("what=providers")
            gateway.process.send_signal(signal.SIGHUP)
            wait_for(lambda: gateway.log.read_text().count("what=providers") > before, what="the reload")
            return [line for line in gateway.log.read_text().splitlines() if "what=providers" in line][-1]

        assert "app.reloaded" in reload("[sink]\nmx = mx.sink.test\nconnections = 1\n")
        bad = reload("[sink]\nconnections = none\n")
        assert "app.reload_failed" in bad and f"{file}: line 2: expected a number" in bad
        assert gateway.cli_json("queue", "list")["Queue"] == [], "the other verbs work on"
    refused = run("serve", "-o", f"data.dir={tmp_path}", "-o", f"delivery.providers={file}")
    assert refused.returncode == 78 and one_line(refused.stderr) and b"line 2" in refused.stderr
    refused = run("check-config", "-o", f"delivery.bounce_rules={tmp_path}/none")
    assert refused.returncode == 78 and b"[delivery] bounce_rules: " in refused.stderr
    refused = run("providers", "-o", f"delivery.providers={tmp_path}/none")
    assert refused.returncode == 78 and b"cannot be read" in refused.stderr


def test_no_secret_in_the_log(database):
    """P10: at the most talkative level, whatever is called."""
    with Gateway(database=database, log__level="debug", log__format="json") as gateway:
        tenant = gateway.tenant()
        session = gateway.api("User.Login", Username=tenant.email, Password=PASSWORD)["SessionID"]
        gateway.api("User.Login", Username=tenant.email, Password="wrong sesame password")
        gateway.sent(tenant.key)
        gateway.request("POST", f"/api/v1/email?SenderAPIKey={tenant.key}", mail())
        gateway.request("GET", f"/api.php?Command=EmailGateway.GetDomains&APIKey={tenant.api_key}&SessionID={session}")
        gateway.request("GET", "/api/v1/events", headers={"Authorization": "Bearer wrong-key-7f3a"})
        gateway.request("POST", "/api.php", {"Command": "EmailGateway.GetDomains", "APIKey": "wrong-key-7f3a"})
        gateway.request("POST", "/api/v1/email", b'{"SenderAPIKey":"' + tenant.key.encode())
        master = gateway.master_key().read_text().strip()
        gateway.stop()
        log = gateway.log.read_text()
        for line in log.splitlines():
            if line.startswith("{"):
                json.loads(line)
    assert '"' in log and "api.call" in log
    for secret in (tenant.key, tenant.api_key, session, PASSWORD, "sesame", "wrong-key", master, "PRIVATE KEY"):
        assert secret not in log
    shutil.rmtree(gateway.folder, ignore_errors=True)


def test_no_secret_in_the_database(fresh):
    """P10: keys are hashed to be found and sealed to be shown; passwords are argon2."""
    tenant = fresh.tenant()
    if fresh.options.get("data.url"):
        dump = subprocess.run(["pg_dump", fresh.options["data.url"]], capture_output=True, check=True).stdout
    else:
        dump = b"".join(f.read_bytes() for f in (fresh.folder / "data").glob("posthorn.db*"))
    assert b"shop.test" in dump
    for secret in (tenant.key, tenant.api_key, PASSWORD, "PRIVATE KEY", fresh.master_key().read_text().strip()):
        assert secret.encode() not in dump and secret.encode().hex().encode() not in dump
    assert b"$argon2id$" in dump


def test_doctor():
    zone = Zone({("mx.posthorn.test", "A"): ["9.9.9.25"], ("25.9.9.9.in-addr.arpa", "PTR"): ["mx.posthorn.test."]})
    relay = socket.create_server(("127.0.0.1", 0))
    gateway = Gateway(dns__servers=zone.server, delivery__mode="live", delivery__smarthost=f"127.0.0.1:{relay.getsockname()[1]}", mail__from="a@posthorn.test",
                      limits__key_per_minute=60)
    try:
        gateway.cli("init")
        text, answer = gateway.cli("doctor", check=False), gateway.cli("doctor", "--json", check=False)
        checks = {c["Check"]: c for c in json.loads(answer.stdout)["Checks"]}
        for check in ("host name", "PTR", "port 25", "permissions", "own mail", "tenants", "sources", "relays", "delivery files"):
            assert checks[check]["Verdict"] == "ok", checks
        assert {"DNSSEC", "clock", "disk", "open files"} <= set(checks) and all(c["Found"] for c in checks.values())
        assert len(text.stdout.splitlines()) == len(checks) and text.returncode == answer.returncode == 0
        zone.records.pop(("25.9.9.9.in-addr.arpa", "PTR"))
        worse = gateway.cli("doctor", check=False)
        assert worse.returncode == 1 and re.search(rb"^bad +PTR ", worse.stdout, re.M)
        for options, check, word in [(("mail.from=",), "own mail", "[mail] from"), (("track.base_url=", "http.base_url="), "tracking", "[track] base_url"), (("webhook.allow_private=yes",), "tenants", "[webhook] allow_private"),
                                     (("limits.key_per_minute=0", "delivery.allow_private=yes"), "tenants", "[delivery] allow_private); requests are not limited")]:
            worse = subprocess.run([POSTHORN, "doctor", "--json", *gateway.arguments(), *[x for o in options for x in ("-o", o)]], capture_output=True)
            found = {c["Check"]: c for c in json.loads(worse.stdout)["Checks"]}[check]
            assert found["Verdict"] == "warning" and word in found["Found"], found
        relay.close()
        rules = gateway.folder / "rules"
        rules.write_text("nonsense\n")
        for option, check, word in [("log.level=info", "relays", "smarthost: no connection to 127.0.0.1:"), (f"delivery.bounce_rules={rules}", "delivery files", "rules"),
                                    ("source.a.address=192.0.2.99", "sources", "a, 192.0.2.99: it is no address of this machine"),
                                    ("source.b.address=127.0.0.1", "sources", "b: its EHLO name mx.posthorn.test does not have the address 127.0.0.1"),
                                    ("alerts.mail=ops@example.com", "alerts", "")]:
            worse = subprocess.run([POSTHORN, "doctor", "--json", *gateway.arguments(), "-o", option], capture_output=True)
            found = {c["Check"]: c for c in json.loads(worse.stdout)["Checks"]}[check]
            assert word in found["Found"] and found["Verdict"] == ("ok" if check == "alerts" else "bad"), found
    finally:
        zone.close()
        shutil.rmtree(gateway.folder)


def test_doctor_tells_a_missing_certificate_from_a_broken_one():
    """The first is made at the first start; the second keeps the gateway from starting."""
    gateway = Gateway(smtp__listen="127.0.0.1:0")
    try:
        gateway.cli("init")
        for made, verdict, word in [(None, "warning", "the first start makes one"), (b"junk", "bad", "no certificate to read in")]:
            if made:
                (gateway.folder / "data/smtp-cert.pem").write_bytes(made)
            found = {c["Check"]: c for c in json.loads(gateway.cli("doctor", "--json", check=False).stdout)["Checks"]}["certificate"]
            assert found["Verdict"] == verdict and word in found["Found"], found
    finally:
        shutil.rmtree(gateway.folder)


def test_doctor_finds_a_key_that_is_not_the_certificates():
    """`serve` would not start with them."""
    (first, key), (_, other) = certificate(), certificate()
    for of, verdict in [(key, "warning"), (other, "bad")]:
        result = run("doctor", "--json", "-o", f"tls.cert={first}", "-o", f"tls.key={of}", "-o", "smtp.listen=127.0.0.1:2525")
        found = {c["Check"]: c for c in json.loads(result.stdout)["Checks"]}["certificate"]
        assert found["Verdict"] == verdict and (verdict == "warning" or "mismatch" in found["Found"]), found


def test_doctor_finds_a_sandbox_well():
    """A machine without a name in the DNS will do for ./run."""
    result = run("doctor", "-o", "delivery.mode=sandbox", "-o", "delivery.hostname=vm")
    assert result.returncode == 0 and not re.search(rb"^bad", result.stdout, re.M), result
