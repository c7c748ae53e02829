"""zone.py - a DNS server for tests: a dict of records, faults by name, on UDP and TCP of one loopback port.

SPDX-License-Identifier: Apache-2.0"""
import socketserver
import threading

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class Zone:
    """records: {("shop.test", "MX"): ["10 mx.shop.test."]}; faults: {"slow.test": "servfail" | "drop" | "nxdomain"}."""

    def __init__(self, records=None, faults=None):
        self.records = {(name.lower(), kind): values for (name, kind), values in (records or {}).items()}
        self.faults = faults or {}
        self.asked, self.seals = [], []  # questions; (port, id) of those that came by UDP
        zone = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                answer = zone.answer(self.request[0])
                zone.seals.append((self.client_address[1], self.request[0][:2]))
                for datagram in zone.datagrams(self.request[0], answer) if answer else ():
                    self.request[1].sendto(datagram, self.client_address)

        class Tcp(socketserver.BaseRequestHandler):
            def handle(self):
                size = self.request.recv(2)
                if len(size) == 2:
                    question = self.request.recv(int.from_bytes(size, "big"))
                    answer = zone.answer(question)
                    wire = answer and zone.streamed(question, answer)
                    if wire:
                        self.request.sendall(len(wire).to_bytes(2, "big") + wire)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        while True:  # one port that is free for both
            self.udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Udp)
            self.port = self.udp.server_address[1]
            try:
                self.tcp = socketserver.ThreadingTCPServer(("127.0.0.1", self.port), Tcp)
                break
            except OSError:
                self.udp.server_close()
        for server in (self.udp, self.tcp):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def add(self, name, kind, *values):
        self.records[(name.lower(), kind)] = list(values)

    def mx(self, domain, *addresses):
        """The domain's servers in order of preference, by their addresses."""
        self.add(domain, "MX", *(f"{(i + 1) * 10} mx{i + 1}.{domain}." for i in range(len(addresses))))
        for i, address in enumerate(addresses):
            self.add(f"mx{i + 1}.{domain}", "A", address)

    @staticmethod
    def datagram(answer):
        """What does not fit a datagram is asked again over TCP."""
        try:
            return answer.to_wire(max_size=4096)
        except dns.exception.TooBig:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
            return answer.to_wire()

    def datagrams(self, question, answer):
        """What goes out for one question by UDP; one that lies may override it."""
        return [self.datagram(answer)]

    def streamed(self, question, answer):
        """The same by TCP; None: the connection is closed."""
        return answer.to_wire(max_size=65535)

    def answer(self, wire):
        question = dns.message.from_wire(wire)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        self.asked.append((name, kind))
        fault = self.faults.get(name)
        if fault == "drop":
            return None
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.AA | dns.flags.RA
        if fault:
            reply.set_rcode(dns.rcode.from_text(fault.upper()))
            return reply
        owner = name
        for _ in range(8):  # follow CNAMEs as a resolver does
            if (owner, "CNAME") not in self.records or kind == "CNAME":
                break
            target = self.records[(owner, "CNAME")][0]
            reply.answer.append(dns.rrset.from_text(owner + ".", 5, "IN", "CNAME", target))
            owner = target.rstrip(".").lower()
        values = self.records.get((owner, kind))
        if values:
            reply.answer.append(dns.rrset.from_text(owner + ".", 5, "IN", kind, *values))
        elif not any(n == owner or n.endswith("." + owner) for n, _ in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        if not values:
            reply.authority.append(dns.rrset.from_text(owner.partition(".")[2] + ".", 5, "IN", "SOA", "ns.test. host.test. 1 60 60 60 5"))
        return reply

    @property
    def server(self):
        return f"127.0.0.1@{self.port}"

    def close(self):
        for server in (self.udp, self.tcp):
            server.shutdown()
            server.server_close()
