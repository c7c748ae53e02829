"""What goes out is one message with right lines, whatever came in, whatever we put in front, and the same bytes when it goes out again (SM18 to
SM24, P5). The recipients' server keeps every byte of DATA as it came.

SPDX-License-Identifier: Apache-2.0"""
import re
import smtplib
import socketserver
import threading

import pytest

from gateway import free_port, mail, wait_for
from submission import raw_letter
from test_signature import dkimpy_results, publish

ENDINGS = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\n", b"\n.\r", b"\r.\r\n", b"\r\n.\r", b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\r\n.\r\n")


class Recorder:
    """An SMTP server that knows one end of a message, CRLF.CRLF; `answers` to whole messages, then 250. It counts what follows each end."""

    def __init__(self, host, port, answers=()):
        self.wires, self.commands, self.answers = [], [], list(answers)
        recorder = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"220 recorder.test\r\n")
                while line := self.rfile.readline():
                    recorder.commands.append(line)
                    verb = line[:4].upper()
                    if verb == b"DATA":
                        self.wfile.write(b"354 go\r\n")
                        recorder.wires.append(self.message())
                        self.wfile.write((recorder.answers.pop(0) if recorder.answers else "250 2.0.0 taken").encode() + b"\r\n")
                    elif verb == b"EHLO":
                        self.wfile.write(b"250-recorder.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n")
                    else:
                        self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 fine\r\n")

            def message(self):
                wire = b""
                while not wire.endswith(b"\r\n.\r\n"):
                    wire += self.rfile.read(1)
                return wire

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self.server = Server((host, port), Session)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def unframed(wire):
    """The message, after a strict look at its lines."""
    lines = wire[:-len(b".\r\n")].split(b"\r\n")
    assert lines.pop() == b""
    assert not any(b"\r" in line or b"\n" in line for line in lines), "a bare CR or LF went out"
    assert not any(line.startswith(b".") and not line.startswith(b"..") for line in lines), "a dot went out unstuffed"
    lines = [line[1:] if line[:1] == b"." else line for line in lines]
    assert all(len(line) <= 998 for line in lines)
    return b"\r\n".join(lines) + b"\r\n"


@pytest.fixture
def place(world):
    """A live gateway whose SMTP users need no TLS, and the server of every recipient, which refuses each message once."""
    recorder = Recorder("127.0.0.60", world.port)
    world.zone.mx("away.test", "127.0.0.60")
    world.sinks.append(recorder)
    smtp = free_port()
    gateway = world.start(**{"smtp.listen": f"127.0.0.1:{smtp}", "smtp.auth_without_tls": "loopback"})
    tenant = gateway.tenant("shop.test")
    publish(world.zone, tenant)
    gateway.api("EmailGateway.UpdateDomain", APIKey=tenant.api_key, DomainID=tenant.domain_id, UnsubscribeLink=1)
    user = gateway.api("EmailGateway.AddSMTP", APIKey=tenant.api_key, DomainID=tenant.domain_id)["SMTP"]
    return recorder, gateway, tenant, user, smtp, world.zone


def submit(port, user, content, to="reader@away.test"):
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
        smtp.login(user["Username"], user["Password"])
        smtp.sendmail("news@shop.test", [to], content, ["BODY=8BITMIME"])


def two_tries(recorder, count):
    """The message of the last two tries, which were the same bytes on the wire (SM24)."""
    wait_for(lambda: len(recorder.wires) >= count, what="the retry")
    assert recorder.wires[count - 2] == recorder.wires[count - 1], "a retry sent other bytes than the first try"
    return unframed(recorder.wires[count - 1])


def added(content, sent):
    """Names of the fields in front of the submitted bytes."""
    assert content.endswith(sent)
    return [line.partition(b":")[0].lower() for line in content[:len(content) - len(sent)].split(b"\r\n") if line and line[:1] not in b" \t"]


def test_sm23_sm24_what_we_put_in_front_changes_no_framing(place):
    """DKIM-Signature, List-Unsubscribe and Received before odd headers and bodies; refused once with 451, sent again the same."""
    recorder, _, _, user, port, zone = place
    head = b"From: news@shop.test\r\nTo: reader@away.test\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <a@shop.test>\r\n"
    letters = [
        head + b"\r\n", head + b"\r\n.\r\n", head + b"\r\n..\r\n.\r\n.\r\n", head + b"\r\n" + b".\r\n" * 5000, head + b"\r\nx", head + b"\r\n" + b"." * 998 + b"\r\n",
        head + b"Subject: x\r\n\t.\r\n .\r\n\r\n\r\n\r\n", b"X-Long: " + b"y" * 980 + b"\r\n" + head + b"X-Folded:\r\n" + b" ." * 30 + b"\r\n\r\nFrom x\r\n",
        head + b"\r\n" + "Grüße\r\n.\r\n".encode() * 3, raw_letter("reader@away.test", "odd").raw,
    ]
    for i, sent in enumerate(letters):
        recorder.answers.append("451 4.7.1 once more")
        submit(port, user, sent)
        content = two_tries(recorder, 2 * i + 2)
        sent += b"" if sent.endswith(b"\r\n") else b"\r\n"
        names = added(content, sent)
        assert names.count(b"dkim-signature") == 2 and {b"list-unsubscribe", b"received"} <= set(names)
        assert dkimpy_results(content, zone) == {"rsa": True, "ed25519": True}


def test_sm18_sm24_the_api_has_the_same_normaliser(place):
    """Bodies that hold each ending and a transaction behind it arrive as one message of right lines, twice the same."""
    recorder, gateway, tenant, _, _, zone = place
    for i, ending in enumerate(ENDINGS):
        text = "Hello" + ending.decode() + "MAIL FROM:<admin@shop.test>\r\nRCPT TO:<victim@away.test>\r\nDATA\r\nFrom: admin@shop.test\r\n\r\nspoofed" + ending.decode()
        recorder.answers.append("451 4.7.1 once more")
        gateway.sent(tenant.key, message=mail(to=f"api{i}@away.test", PlainContent=text))
        content = two_tries(recorder, 2 * i + 2)
        assert dkimpy_results(content, zone) == {"rsa": True, "ed25519": True}
    assert not any(b"victim@away.test" in line for line in recorder.commands)
    assert len(re.findall(rb"^DATA", b"".join(recorder.commands), re.M)) == 2 * len(ENDINGS)
