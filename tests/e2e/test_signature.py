"""What recipients get: both DKIM signatures verify with dkimpy and with Mail::DKIM, and Python reads the message as it was meant.

SPDX-License-Identifier: Apache-2.0"""
import base64
import email
import email.policy
import subprocess

import dkim
import pytest

from gateway import mail, wait_for

VERIFY_PERL = r"""
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS::Resolver;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => shift, recurse => 1));
my $v = Mail::DKIM::Verifier->new(); binmode STDIN; $v->PRINT($_) while <STDIN>; $v->CLOSE;
print $_->algorithm, " ", $_->result, "\n" for $v->signatures;
"""


def perl_expects():
    """Mail::DKIM learned Ed25519 in 2024; an older one (Debian 12's) drops such a signature, and dkimpy alone judges it."""
    knows = subprocess.run(["perl", "-MMail::DKIM::Algorithm::ed25519_sha256", "-e1"], capture_output=True).returncode == 0
    return {"rsa-sha256": "pass", **({"ed25519-sha256": "pass"} if knows else {})}


def rich(**more):
    return mail(**{
        "Subject": "Grüße aus Köln – 你好, ein ziemlich langer Betreff, der über mehrere Zeilen gefaltet werden muss ✓",
        "From": {"email": "news@shop.test", "name": "Müller & Söhne, \"Laden\""},
        "To": [{"email": "reader@example.org", "name": "Žofie Nováková"}, {"email": "second@example.org", "name": ""}],
        "CC": [{"email": "copy@example.org", "name": "Copy, The"}],
        "ReplyTo": [{"email": "help@shop.test", "name": "Hilfe"}],
        "ContentType": "html",
        "HtmlContent": "<p>Schöne Grüße</p>" + "x" * 3000 + '<img src="cid:logo1">\n.\n..dots\n',
        "PlainContent": "Schöne Grüße\n.\n..dots\nFrom here\n",
        "Attachments": [
            {"filename": "Rechnung März.pdf", "content": base64.b64encode(bytes(range(256)) * 40).decode(), "type": "application/pdf"},
            {"filename": "notes.txt", "content": base64.b64encode(b"line one\nline two\n").decode(), "type": "text/plain"},
            {"filename": "logo.png", "content": base64.b64encode(b"\x89PNG fake").decode(), "type": "image/png", "disposition": "inline", "contentid": "logo1"},
        ],
        "Headers": {"X-Order": "17", "X-Wort": "Größe"},
        **more,
    })


def publish(zone, tenant):
    """Put the records that `domain add` asks for into the zone."""
    for row in tenant.records:
        if row["Type"] == "TXT":
            zone.add(row["Host"], "TXT", " ".join('"%s"' % row["Value"][i:i + 255] for i in range(0, len(row["Value"]), 255)))
        elif row["Type"] == "MX":
            zone.add(row["Host"], "MX", row["Value"].rstrip(".") + ".")
        elif row["Type"] == "CNAME":
            zone.add(row["Host"], "CNAME", row["Value"].rstrip(".") + ".")


def dkimpy_results(content, zone):
    def txt(name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        values = zone.records.get((name.rstrip(".").lower(), "TXT"))
        return values and b"".join(part.encode() for part in values[0].strip('"').split('" "'))

    verifier = dkim.DKIM(content)
    found = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
    return {("ed25519" if b"ed25519" in value else "rsa"): verifier.verify(idx=i, dnsfunc=txt) for i, value in enumerate(found)}


def perl_results(content, zone):
    out = subprocess.run(["perl", "-e", VERIFY_PERL, str(zone.port)], input=content, capture_output=True, check=True).stdout.decode()
    results = dict(line.split() for line in out.splitlines())
    return {k: v for k, v in results.items() if k in perl_expects() or v == "pass"}


def check_content(content):
    assert b"\n" not in content.replace(b"\r\n", b"") and b"\r" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(content, policy=email.policy.default)
    sent = rich()
    assert message["Subject"] == sent["Subject"]
    assert [(a.display_name, a.addr_spec) for a in message["From"].addresses] == [(sent["From"]["name"], "news@shop.test")]
    assert [(a.display_name, a.addr_spec) for a in message["To"].addresses] == [(t["name"], t["email"]) for t in sent["To"]]
    assert [a.display_name for a in message["Cc"].addresses] == ["Copy, The"]
    assert message["Reply-To"].addresses[0].addr_spec == "help@shop.test"
    assert message["X-Order"] == "17" and message["X-Wort"] == "Größe"
    assert message.get_body(("html",)).get_content().replace("\r\n", "\n") == sent["HtmlContent"]
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n") == sent["PlainContent"]
    attachments = {part.get_filename(): part for part in message.walk() if part.get_filename()}
    assert attachments["Rechnung März.pdf"].get_content() == bytes(range(256)) * 40
    assert attachments["Rechnung März.pdf"].get_content_type() == "application/pdf"
    assert attachments["notes.txt"].get_payload(decode=True).replace(b"\r\n", b"\n") == b"line one\nline two\n"
    assert attachments["logo.png"]["Content-ID"] == "<logo1>" and attachments["logo.png"].get_content_disposition() == "inline"
    assert not message.defects and not [d for part in message.walk() for d in part.defects]


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "starttls"])
def test_what_a_real_server_receives_verifies_and_parses(world, throwaway_certificate, tls):
    sink = world.sink(tls=throwaway_certificate if tls else None)
    world.zone.mx("example.org", "127.0.0.1")
    gateway = world.start()
    tenant = gateway.tenant("shop.test")
    publish(world.zone, tenant)
    gateway.sent(tenant.key, **{k: v for k, v in rich().items()})
    wait_for(lambda: len(sink.mails) == 3, what="three recipients' mails")
    contents = {m.content for m in sink.mails}
    assert len(contents) == 1, "recipients share the bytes"
    content = contents.pop()
    assert all(m.tls == tls for m in sink.mails)
    assert all(m.sender.endswith("@mail.shop.test") for m in sink.mails) and len({m.sender for m in sink.mails}) == 3
    check_content(content)
    assert dkimpy_results(content, world.zone) == {"rsa": True, "ed25519": True}
    assert perl_results(content, world.zone) == perl_expects()
    broken = content.replace(b"X-Order: 17", b"X-Order: 18").replace("Žofie".encode(), b"x").replace(b"Subject: ", b"Subject: x")
    assert True not in dkimpy_results(broken, world.zone).values()


def test_what_the_inbox_receives_verifies_and_parses(sandbox, world):
    tenant = sandbox.tenant("shop.test")
    publish(world.zone, tenant)
    sandbox.sent(tenant.key, **rich())
    wait_for(lambda: len(sandbox.cli_json("inbox", "list")["Messages"]) == 3, what="the inbox")
    row = sandbox.cli_json("inbox", "list")["Messages"][0]
    content = sandbox.cli("inbox", "raw", str(row["ID"])).stdout
    body = content[content.index(b"DKIM-Signature"):]
    check_content(content)
    assert dkimpy_results(body, world.zone) == {"rsa": True, "ed25519": True}
    assert perl_results(body, world.zone) == perl_expects()
    shown = sandbox.cli("inbox", "show", str(row["ID"])).stdout.decode()
    assert rich()["Subject"] in shown and "Schöne Grüße" in shown and "Rechnung März.pdf" in shown
