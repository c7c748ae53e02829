"""zone.py - a DNS server that knows d0.bench.test, d1.bench.test ...: each has one MX of its own, all at 127.0.0.1; and
live.bench.test, likewise at 127.0.0.2.

Answers live an hour, so that a gateway asks once a domain and this process costs nothing while it is measured.
SPDX-License-Identifier: Apache-2.0"""
import re
import socket
import struct
import threading

TTL = 3600
A, MX = 1, 15


def name_at(packet, at):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii", "replace").lower())
        at += 1 + packet[at]
    return ".".join(labels), at + 1


def answer(packet):
    name, end = name_at(packet, 12)
    kind = struct.unpack_from("!H", packet, end)[0]
    data = None
    if kind == MX and re.fullmatch(r"(d[\d-]+|live)\.bench\.test", name):
        data = struct.pack("!H", 10) + b"\x02mx\xc0\x0c"  # mx.<the question's name>
    elif kind == A and re.fullmatch(r"mx\.(d[\d-]+|live)\.bench\.test", name):
        data = bytes([127, 0, 0, 2 if name.startswith("mx.live") else 1])
    head = packet[:2] + struct.pack("!HHHHH", 0x8580, 1, 1 if data else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, TTL, len(data)) + data if data else b""
    return head + packet[12:end + 4] + record


class Zone:
    """address: of a server for those who ask port 53 alone, as what reads resolv.conf does."""

    def __init__(self, address=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53) if address else ("127.0.0.1", 0))
        self.server = "@".join(map(str, self.socket.getsockname()))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            packet, peer = self.socket.recvfrom(4096)
            try:
                self.socket.sendto(answer(packet), peer)
            except (IndexError, struct.error):
                pass  # not a question
