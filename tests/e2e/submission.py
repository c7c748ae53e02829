"""submission.py - a sandbox gateway that takes mail by SMTP on a STARTTLS port and on a TLS port, with an SMTP user, and what it got.

SPDX-License-Identifier: Apache-2.0"""
import shutil
import ssl
import uuid
from pathlib import Path

from clients import HOST, Letter, Way
from gateway import Gateway, free_port, wait_for
from test_signature import dkimpy_results, perl_expects, perl_results, publish
from zone import Zone

OURS = (b"dkim-signature", b"received")  # what is put in front of what was submitted


class Place:
    """way["starttls"], way["tls"]: how its SMTP user reaches it; way["public"]: a port 25, where reports come home and he may log in too.
    `zone` has the domain's DNS records, for whoever verifies."""

    def __init__(self, database=None, **options):
        ports = {name: free_port() for name in ("starttls", "tls", "public")}
        at = {name: f"{HOST}:{port}" for name, port in ports.items()}
        self.gateway = Gateway(database=database, **{"smtp.listen": f"{at['starttls']},{at['public']}", "smtp.listen_tls": at["tls"],
                                                     "smtp.return_path": at["public"], **options}).start()
        self.zone = Zone()
        self.tenant = self.gateway.tenant("shop.test")
        publish(self.zone, self.tenant)
        user = self.gateway.api("EmailGateway.AddSMTP", APIKey=self.tenant.api_key, DomainID=self.tenant.domain_id)["SMTP"]
        self.user, self.password = user["Username"], user["Password"]
        certificate = Path(self.gateway.folder, "seen-certificate.pem")
        certificate.write_text(ssl.get_server_certificate((HOST, ports["tls"])))
        self.way = {name: Way(port, name == "tls", self.user, self.password, certificate) for name, port in ports.items()}

    def close(self):
        self.zone.close()
        self.gateway.__exit__(None, None, None)
        shutil.rmtree(self.gateway.folder, ignore_errors=True)

    def homes(self):
        """Two new recipients' return paths: what is bounced to them counts."""
        ids = {self.gateway.sent(self.tenant.key, to=f"{uuid.uuid4().hex[:12]}@example.org") for _ in range(2)}
        for message in ids:
            wait_for(lambda: len(self.gateway.event_types(self.tenant.key, message)) > 1, what="the delivery")
        rows = [row for row in self.gateway.cli_json("inbox", "list")["Messages"] if row["MessageID"] in ids]
        return [row["EnvelopeFrom"] for row in rows]

    def inbox(self, recipient):
        rows = self.gateway.cli_json("inbox", "list", "--limit", "100")["Messages"]
        return [self.gateway.cli("inbox", "raw", str(row["ID"])).stdout for row in rows if recipient in row["Recipients"]]

    def arrived(self, recipient):
        """The one message that he got."""
        found = wait_for(lambda: self.inbox(recipient), what=f"the mail to {recipient}")
        assert len(found) == 1
        return found[0]

    def accepted(self):
        """Messages in the store."""
        return int(self.gateway.rows("SELECT count(*) FROM messages")[0][0])

    def assert_signed(self, content):
        assert dkimpy_results(content, self.zone) == {"rsa": True, "ed25519": True}
        assert perl_results(content, self.zone) == perl_expects()


def put_before(content, sent):
    """Names of the header fields that stand before the submitted bytes; these must be there as they were."""
    assert content.endswith(sent), difference(content, sent)
    names = [line.partition(b":")[0].strip().lower() for line in content[:len(content) - len(sent)].split(b"\r\n") if line and line[:1] not in b" \t"]
    assert set(names) <= set(OURS), names
    return names


def difference(content, sent):
    """Where two texts part, seen from their ends."""
    same = 0
    while same < min(len(content), len(sent)) and content[-1 - same] == sent[-1 - same]:
        same += 1
    return f"they part {same} bytes before the end: {content[-same - 120:][:200]!r} was {sent[-same - 120:][:200]!r}"


RAW = """Received: from office (office.shop.test [192.0.2.7])
\tby mx.office.test with ESMTP; Mon, 23 Nov 2026 10:00:00 +0000
FROM:  "Müller & Söhne" <{sender}>
to: {to}
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=
\t =?utf-8?b?5L2g5aW9?=
Date:\tMon, 23 Nov 2026 11:00:00 +0100
Message-ID: <{id}@shop.test>
X-Empty:
X-Odd-Spacing:    two   spaces\t
 and a folded line
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="=_b"

A preamble.
--=_b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Schöne Grüße
.
..two dots
From here \t
--=_b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename*=utf-8''Rechnung%20M%C3%A4rz.pdf
Content-Transfer-Encoding: base64

{file}
--=_b--
An epilogue.
"""


def raw_letter(to, mark, sender="news@shop.test", header_from=None, file="AAECAwQFBgcICQ=="):
    """Headers and body of every odd shape that is still a message; 8-bit, and in its headers too when an address is."""
    text = RAW.format(sender=header_from or sender, to=to, id=mark, file=file)
    if (sender + to).isascii():
        text = text.replace("Müller & Söhne", "Mueller & Soehne")
    return Letter(sender, [to], text.replace("\n", "\r\n").encode())
