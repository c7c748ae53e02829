"""Postfix as the next hop, a server nobody wrote for this test: what it takes from us and passes on is one message each, with the lines that
were meant, and both DKIM signatures still verify with dkimpy and with Mail::DKIM (SM18 to SM21, SM26, P5).

SPDX-License-Identifier: Apache-2.0"""
import smtplib

import pytest

import relays
from gateway import free_port, mail, wait_for
from relays import postfix
from test_framing import ENDINGS, Recorder, submit, unframed
from test_signature import check_content, dkimpy_results, perl_expects, perl_results, publish, rich
from submission import raw_letter

HEAD = b"From: news@shop.test\r\nTo: reader@away.test\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <a@shop.test>\r\nSubject: x\r\n"
# Bodies as they are on the wire before dots are doubled.
BODIES = {
    "no body": b"", "a dot": b".\r\n", "dots": b"..\r\n.\r\n.\r\n...\r\n", "dots at the end": b"x\r\n.\r\n..\r\n", "a thousand dots": b".\r\n" * 1000,
    "a long line": b"x" * 998 + b"\r\n", "long lines of dots": (b"." * 998 + b"\r\n") * 20, "long lines at the limit": b"".join(b"y" * n + b"\r\n" for n in range(980, 999)),
    "no final line end": b"x", "empty lines": b"\r\n" * 50, "trailing blanks": b"x  \t \r\n \r\n\t\r\n", "mbox": b"From x\r\n>From y\r\nFrom z\r\n",
    "eight bits": "Grüße\r\n.ß\r\n".encode() * 20, "other line ends": "a\u2028b\u0085c\x0bd\x0ce\r\n".encode(), "a transaction": b"QUIT\r\nMAIL FROM:<a@b.test>\r\nDATA\r\n",
}


class Hop:
    """A live gateway --> Postfix --> a recorder that knows one end of a message."""

    def __init__(self, world, tls):
        self.recorder = Recorder("127.0.0.1", free_port())
        world.sinks.append(self.recorder)
        self.postfix = postfix.Postfix(relays.tools("postfix"), next_hop=self.recorder.server.server_address[1], tls=tls)
        self.postfix.__enter__()
        self.smtp, self.zone = free_port(), world.zone
        self.gateway = world.start(**{"delivery.smarthost": f"127.0.0.1:{self.postfix.port}", "smtp.listen": f"127.0.0.1:{self.smtp}",
                                      "smtp.auth_without_tls": "loopback"})
        self.tenant = self.gateway.tenant("shop.test")
        publish(self.zone, self.tenant)
        self.user = self.gateway.api("EmailGateway.AddSMTP", APIKey=self.tenant.api_key, DomainID=self.tenant.domain_id)["SMTP"]

    def arrived(self, count):
        """The newest message that the recorder has, once there are `count`: framed rightly, and signed as it was."""
        wait_for(lambda: len(self.recorder.wires) >= count, what="Postfix to pass it on")
        assert len(self.recorder.wires) == count, "one message became two"
        content = unframed(self.recorder.wires[-1])
        assert dkimpy_results(content, self.zone) == {"rsa": True, "ed25519": True}
        assert perl_results(content, self.zone) == perl_expects()
        return content


@pytest.fixture(params=["clear", "starttls"])
def hop(request, world, throwaway_certificate):
    hop = Hop(world, throwaway_certificate if request.param == "starttls" else None)
    yield hop
    hop.postfix.__exit__(None, None, None)


def ours(content):
    """Without what Postfix put in front."""
    assert content.startswith(b"Received: ") and b"by gw.bench.test" in content.split(b"\r\n\r\n")[0]
    return content[content.index(b"DKIM-Signature:"):]


def test_signatures_are_valid_after_a_real_hop(hop):
    """A rich message through Postfix parses as it was meant; who changes it breaks both signatures."""
    hop.gateway.sent(hop.tenant.key, **rich())
    wait_for(lambda: len(hop.recorder.wires) == 3, what="three recipients' mails")
    contents = {ours(hop.arrived(3))} | {ours(unframed(wire)) for wire in hop.recorder.wires}
    assert len(contents) == 1, "recipients share the bytes"
    content = contents.pop()
    check_content(content)
    broken = content.replace(b"Subject: ", b"Subject: x")
    assert True not in dkimpy_results(broken, hop.zone).values()


def test_sm18_each_ending_in_a_body_of_the_api_is_one_message(hop):
    for i, ending in enumerate(ENDINGS):
        text = "Hello" + ending.decode() + "MAIL FROM:<admin@shop.test>\r\nRCPT TO:<victim@away.test>\r\nDATA\r\nFrom: admin@shop.test\r\n\r\nspoofed" + ending.decode()
        hop.gateway.sent(hop.tenant.key, message=mail(to=f"api{i}@away.test", PlainContent=text))
        hop.arrived(i + 1)
    assert not any(b"victim@away.test" in line for line in hop.recorder.commands)


def test_sm19_to_sm21_submitted_lines_arrive_as_they_were(hop):
    for i, (name, body) in enumerate(BODIES.items()):
        sent = HEAD + b"\r\n" + body
        submit(hop.smtp, hop.user, sent)
        content = hop.arrived(i + 1)
        sent += b"" if sent.endswith(b"\r\n") else b"\r\n"
        assert content.endswith(sent), (name, content[-300:])


def test_sm01_to_sm12_what_is_refused_at_the_door_reaches_nobody(hop):
    """What holds a bare CR or LF is not submitted at all; the good message behind it is the first that Postfix sees."""
    for ending in ENDINGS[:-1]:
        with smtplib.SMTP("127.0.0.1", hop.smtp, timeout=60) as smtp:
            smtp.login(hop.user["Username"], hop.user["Password"])
            smtp.mail("news@shop.test")
            smtp.rcpt("reader@away.test")
            smtp.putcmd("data")
            assert smtp.getreply()[0] == 354
            smtp.send(HEAD + b"\r\nHello" + ending + b"MAIL FROM:<admin@shop.test>\r\n\r\n.\r\n")
            assert smtp.getreply()[0] == 550, ending
    submit(hop.smtp, hop.user, raw_letter("reader@away.test", "odd").raw)
    hop.arrived(1)
