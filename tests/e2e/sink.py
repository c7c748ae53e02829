"""sink.py - real SMTP servers that take mail for tests: aiosmtpd on any loopback address, with scripted answers.

SPDX-License-Identifier: Apache-2.0"""
import ssl
import subprocess
import tempfile
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope


def certificate(name="sink.test"):
    """A throw-away self-signed certificate; (cert file, key file)."""
    folder = Path(tempfile.mkdtemp(prefix="posthorn-tls-"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


class Mail:
    def __init__(self, sender, recipients, content, tls, peer="", ehlo=""):
        self.sender, self.recipients, self.content, self.tls = sender, recipients, content, tls
        self.peer, self.ehlo = peer, ehlo  # the address it came from, and the name that was said there


class Sink:
    """answers: list of replies to RCPT, used up one by one, then 250; a callable gets (address) and returns a reply. requiretls: it is
    offered within TLS (RFC 8689), and `required` lists whose MAIL said so. login: (user, password) that it wants within TLS; `logins`
    lists what came."""

    def __init__(self, port, host="127.0.0.1", answers=(), tls=None, final=None, requiretls=False, login=None):
        self.logins = []
        self.mails, self.answers, self.final, self.rcpts, self.senders, self.required = [], list(answers), final, [], [], []
        sink = self

        class Handler:
            async def handle_RCPT(self, server, session, envelope: Envelope, address, options):
                sink.rcpts.append(address)
                sink.senders.append(envelope.mail_from)
                answer = sink.answers.pop(0) if sink.answers else "250 2.1.5 OK"
                if callable(answer):
                    answer = answer(address)
                if answer.startswith("2"):
                    envelope.rcpt_tos.append(address)
                return answer

            async def handle_DATA(self, server, session, envelope: Envelope):
                if sink.final:
                    answer = sink.final.pop(0)
                    if not answer.startswith("2"):
                        return answer
                sink.mails.append(Mail(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content, session.ssl is not None,
                                       session.peer[0], session.host_name))
                return "250 2.0.0 taken"

        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, tls))

        class Session(SMTP):
            async def smtp_MAIL(self, argument):
                if argument and argument.endswith(" REQUIRETLS"):
                    argument = argument.removesuffix(" REQUIRETLS")
                    sink.required.append(argument)
                await super().smtp_MAIL(argument)

        if requiretls:
            async def handle_EHLO(self, server, session, envelope, hostname, responses):
                session.host_name = hostname
                return responses[:-1] + ["250-REQUIRETLS"] * (session.ssl is not None) + responses[-1:]

            Handler.handle_EHLO = handle_EHLO

        def authenticate(server, session, envelope, mechanism, data):
            sink.logins.append((mechanism, data.login.decode(), data.password.decode(), session.ssl is not None))
            return AuthResult(success=sink.logins[-1][1:3] == login, handled=False)

        class Server(Controller):
            def factory(self):
                return Session(self.handler, hostname="sink.test", tls_context=context, enable_SMTPUTF8=True, data_size_limit=100_000_000,
                               auth_required=login is not None, authenticator=authenticate if login else None)

        self.controller = Server(Handler(), hostname=host, port=port)
        self.controller.start()

    def to(self, address):
        return [m for m in self.mails if address in m.recipients]

    def close(self):
        self.controller.stop()
