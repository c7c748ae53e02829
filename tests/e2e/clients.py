"""clients.py - programs that people submit mail with, each as a function: hand this message over, this way, and say what was said.

A Way is how to reach the server and log in; a client answers with what it told its user, `ok` when it thinks that the mail is gone. It
sends the bytes it is given or, when it composes mail itself (nodemailer, PHPMailer), tells which bytes it made of a letter.
SPDX-License-Identifier: Apache-2.0"""
import json
import shutil
import smtplib
import ssl
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

import npm

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"


@dataclass
class Way:
    port: int
    is_implicit: bool  # TLS from the first byte
    user: str
    password: str
    certificate: Path  # the server's own, self-signed
    mechanism: str = "PLAIN"
    has_tls: bool = True

    def but(self, **changes):
        return replace(self, **changes)

    def context(self):
        """Trusts that certificate alone, which names this machine; as strict as Python is from 3.13 on."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context


@dataclass
class Letter:
    sender: str
    recipients: list
    raw: bytes = b""  # CRLF lines; empty when the client composes
    subject: str = "Grüße aus Köln"
    text: str = "Schöne Grüße\n.\n..dots\n"
    html: str = "<p>Schöne Grüße</p>\n"
    files: dict = field(default_factory=dict)


@dataclass
class Said:
    ok: bool
    text: str
    raw: bytes = b""  # what was sent, as far as the client told


def need(program, package):
    if not shutil.which(program):
        pytest.skip(f"lacks the package {package}")


def run(command, stdin=b"", timeout=200, **more):
    out = subprocess.run([str(c) for c in command], input=stdin, capture_output=True, timeout=timeout, **more)
    return Said(out.returncode == 0, (out.stdout + out.stderr).decode(errors="replace"))


def python(way, letter, options=(), rcpt_options=()):
    """smtplib, which sends the bytes as they are."""
    try:
        connect = smtplib.SMTP_SSL(HOST, way.port, timeout=120, context=way.context()) if way.is_implicit else smtplib.SMTP(HOST, way.port, timeout=120)
        with connect as smtp:
            smtp.ehlo()
            if way.has_tls and not way.is_implicit:
                smtp.starttls(context=way.context())
                smtp.ehlo()
            smtp.user, smtp.password = way.user, way.password
            method = {"PLAIN": smtp.auth_plain, "LOGIN": smtp.auth_login}[way.mechanism]
            smtp.auth(way.mechanism, method, initial_response_ok=way.mechanism == "PLAIN")
            smtp.sendmail(letter.sender, letter.recipients, letter.raw, options, rcpt_options)
    except smtplib.SMTPRecipientsRefused as refused:
        return Said(False, str(refused.recipients))
    except smtplib.SMTPException as refused:
        return Said(False, str(refused))
    return Said(True, "", letter.raw)


def swaks(way, letter, *options):
    need("swaks", "swaks")
    tls = [] if not way.has_tls else ["--tls-on-connect" if way.is_implicit else "--tls", "--tls-verify", "--tls-ca-path", way.certificate]
    said = run(["swaks", "--server", HOST, "--port", way.port, *tls, "--auth", way.mechanism, "--auth-user", way.user, "--auth-password", way.password,
                "--from", letter.sender, "--to", ",".join(letter.recipients), "--data", "-", "--suppress-data", "--timeout", "120", *options],
               letter.raw.replace(b"\r\n", b"\n"))
    said.raw = letter.raw + b"\r\n"  # it ends what it reads with a line of its own
    return said


def msmtp(way, letter):
    need("msmtp", "msmtp")
    tls = ["--tls=on", f"--tls-starttls={'off' if way.is_implicit else 'on'}", f"--tls-fingerprint={fingerprint(way)}"] if way.has_tls else ["--tls=off"]
    said = run(["msmtp", "-C", "/dev/null", f"--host={HOST}", f"--port={way.port}", *tls, f"--auth={way.mechanism.lower()}", f"--user={way.user}",
                f"--passwordeval=printf %s '{way.password}'", f"--from={letter.sender}", "--", *letter.recipients], letter.raw.replace(b"\r\n", b"\n"))
    said.raw = letter.raw
    return said


def fingerprint(way):
    out = subprocess.run(["openssl", "x509", "-in", way.certificate, "-noout", "-fingerprint", "-sha256"], check=True, capture_output=True, text=True)
    return out.stdout.strip().partition("=")[2]


def composed(command, way, letter, **more):
    """Clients that make the message themselves read the letter as JSON and answer {"ok", "said", "raw" in base64} in their last line."""
    question = {"host": HOST, "port": way.port, "implicit": way.is_implicit, "tls": way.has_tls, "user": way.user, "password": way.password,
                "mechanism": way.mechanism, "certificate": str(way.certificate), "sender": letter.sender, "recipients": letter.recipients,
                "subject": letter.subject, "text": letter.text, "html": letter.html, "files": {k: v.hex() for k, v in letter.files.items()}}
    said = run(command, json.dumps(question).encode(), **more)
    assert said.ok, said.text
    answer = json.loads(said.text.strip().splitlines()[-1])
    return Said(answer["ok"], answer["said"], bytes.fromhex(answer["raw"]))


def nodemailer(way, letter):
    return composed(["node", npm.npm() / "submit.js"], way, letter)


def phpmailer(way, letter):
    need("php", "php-cli")
    if not Path("/usr/share/php/libphp-phpmailer/autoload.php").exists():
        pytest.skip("lacks the package libphp-phpmailer")
    return composed(["php", HERE / "phpmailer.php"], way, letter)
