"""signed_zone.py - names under DNSSEC: a real knotd that signs the root zone of a world of its own, and a proxy before it that loses,
refuses or spoils answers.

SPDX-License-Identifier: Apache-2.0"""
import getpass
import socketserver
import subprocess
import tempfile
import threading
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from gateway import free_port, wait_for

SOA = "@ 300 IN SOA ns. host. 1 3600 600 86400 60\n@ 300 IN NS ns.\n"
CONFIG = """
server:
  rundir: {folder}
  listen: 127.0.0.1@{port}
  user: {user}
database:
  storage: {folder}
log:
  - target: {folder}/log
    any: warning
policy:
  - id: signed
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: {folder}
    zonefile-load: whole
    zonefile-sync: -1
zone:
  - domain: .
    file: root.zone
    dnssec-signing: on
    dnssec-policy: signed
  - domain: plain.
    file: plain.zone
"""


class SignedZone:
    """lines: of the root zone, which is signed. plain: of the zone "plain.", which is not and hangs under it without a DS. faults:
    {(name, type): "servfail" | "drop" | "bogus"}, as they are at the moment of a question."""

    def __init__(self, lines, plain):
        self.folder = Path(tempfile.mkdtemp(prefix="posthorn-knot-"))
        self.faults, self.knot_port = {}, free_port()
        (self.folder / "root.zone").write_text("$ORIGIN .\n" + SOA + "ns. 300 IN A 127.0.0.1\nplain. 300 IN NS ns.\n" + "".join(f"{l}\n" for l in lines))
        (self.folder / "plain.zone").write_text("$ORIGIN plain.\n" + SOA + "".join(f"{l}\n" for l in plain))
        (self.folder / "knot.conf").write_text(CONFIG.format(folder=self.folder, port=self.knot_port, user=getpass.getuser()))
        self.knot = subprocess.Popen(["knotd", "-c", self.folder / "knot.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.anchor = self.folder / "root.key"
        self.anchor.write_text(wait_for(self.keys, what="knotd to sign"))
        self.anchor.chmod(0o644)
        self.folder.chmod(0o755)
        self.listen()

    def keys(self):
        """The root's keys as a trust anchor file; None while there are none."""
        assert self.knot.poll() is None, (self.folder / "log").read_text()
        question = dns.message.make_query(".", "DNSKEY", want_dnssec=True)
        try:
            answer = dns.query.tcp(question, "127.0.0.1", port=self.knot_port, timeout=1)
        except (OSError, EOFError, dns.exception.DNSException):
            return None
        kinds = {rrset.rdtype for rrset in answer.answer}
        if dns.rdatatype.RRSIG not in kinds:
            return None
        return "".join(rrset.to_text() + "\n" for rrset in answer.answer if rrset.rdtype == dns.rdatatype.DNSKEY)

    def listen(self):
        zone = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                answer = zone.answer(self.request[0])
                if answer:
                    self.request[1].sendto(answer, self.client_address)

        class Tcp(socketserver.BaseRequestHandler):
            def handle(self):
                size = self.request.recv(2)
                answer = zone.answer(self.request.recv(int.from_bytes(size, "big"))) if len(size) == 2 else None
                if answer:
                    self.request.sendall(len(answer).to_bytes(2, "big") + answer)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.port = free_port()
        self.servers = [socketserver.ThreadingUDPServer(("127.0.0.1", self.port), Udp), socketserver.ThreadingTCPServer(("127.0.0.1", self.port), Tcp)]
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(self, wire):
        question = dns.message.from_wire(wire)
        name, kind = question.question[0].name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.question[0].rdtype)
        fault = self.faults.get((name, kind))
        if fault == "drop":
            return None
        if fault == "servfail":
            reply = dns.message.make_response(question)
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply.to_wire()
        reply = dns.query.tcp(question, "127.0.0.1", port=self.knot_port, timeout=10)
        reply.flags |= dns.flags.RA
        if fault == "bogus":
            for rrset in reply.answer:
                if rrset.rdtype == dns.rdatatype.RRSIG:
                    spoiled = rrset[0].replace(signature=bytes(64))
                    rrset.clear()
                    rrset.add(spoiled)
        return reply.to_wire(max_size=65535)

    @property
    def server(self):
        return f"127.0.0.1@{self.port}"

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()
        self.knot.terminate()
        self.knot.wait(timeout=30)
