"""reports.py - what other servers send back to a return path: delivery reports and complaints, and a client that brings them.

SPDX-License-Identifier: Apache-2.0"""
import smtplib

GONE = dict(action="failed", status="5.1.1", diagnostic="smtp; 550 5.1.1 No such user here")


class Caller:
    """One connection to the return-path listener; replies as numbers."""

    def __init__(self, port, host="127.0.0.1"):
        self.smtp = smtplib.SMTP(host, port, local_hostname="mx.example.org", timeout=60)
        self.smtp.ehlo()

    def rcpt(self, address, sender="<>"):
        """The reply to RCPT alone."""
        self.smtp.rset()
        assert self.smtp.docmd(f"MAIL FROM:{sender}")[0] == 250
        return self.smtp.docmd(f"RCPT TO:<{address}>")[0]

    def bring(self, content, *addresses, sender="<>"):
        """The reply that ended it: to the only RCPT that was refused, or to the content."""
        self.smtp.rset()
        assert self.smtp.docmd(f"MAIL FROM:{sender}")[0] == 250
        replies = [self.smtp.docmd(f"RCPT TO:<{a}>")[0] for a in addresses]
        if 250 not in replies:
            return replies[0]
        assert self.smtp.docmd("DATA")[0] == 354
        text = content if isinstance(content, bytes) else content.encode()
        text = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
        self.smtp.send(text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return self.smtp.getreply()[0]

    def close(self):
        self.smtp.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def group(recipient, action="failed", status="5.1.1", diagnostic=None, kind="rfc822"):
    said = f"Diagnostic-Code: {diagnostic}\n" if diagnostic else ""
    return f"Original-Recipient: {kind};{recipient}\nFinal-Recipient: {kind};{recipient}\nAction: {action}\nStatus: {status}\nRemote-MTA: dns; mx.example.org\n{said}"


def report(kind, words, machine, original, machine_type, original_type="message/rfc822"):
    return f"""From: Mail Delivery System <MAILER-DAEMON@example.org>
To: somebody@example.org
Subject: A report
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="=_part"

--=_part
Content-Type: text/plain; charset=utf-8

{words}

--=_part
Content-Type: {machine_type}

{machine}
--=_part
Content-Type: {original_type}

{original}
--=_part--
"""


def dsn(*groups, words="Your message could not be delivered.", original="Subject: Hello\n\nHello there\n", machine_type="message/delivery-status",
        more="Arrival-Date: Mon, 23 Nov 2026 10:00:00 +0000\n"):
    return report("delivery-status", words, "Reporting-MTA: dns; relay.example.org\n" + more + "\n" + "\n".join(groups), original, machine_type)


def gone(recipient, **more):
    return dsn(group(recipient, **{**GONE, **more}))


def arf(feedback="abuse", original="Subject: Hello\n\nHello there\n", recipient=None):
    to = f"Original-Rcpt-To: {recipient}\n" if recipient else ""
    machine = f"Feedback-Type: {feedback}\nUser-Agent: Feedback/1.0\nVersion: 1\n{to}"
    return report("feedback-report", "This is a complaint.", machine, original, "message/feedback-report")
