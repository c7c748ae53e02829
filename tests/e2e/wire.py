"""wire.py - SMTP by hand: any bytes out, one reply at a time in. For what no client would say.

SPDX-License-Identifier: Apache-2.0"""
import base64
import socket
import time

from clients import HOST


class Closed(Exception):
    """The server ended the connection."""


class Wire:
    """A connection; with a Way that is one of an SMTP user it greets, starts TLS as the way says, and logs in."""

    def __init__(self, way, logs_in=True, greets=True):
        self.way, self.room = way, b""
        self.socket = socket.create_connection((HOST, way.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if way.is_implicit:
            self.wrap()
        self.banner = self.reply()
        if not greets:
            return
        self.say("EHLO client.test", 250)
        if way.has_tls and not way.is_implicit:
            self.start_tls()
            self.say("EHLO client.test", 250)
        if logs_in:
            self.say(f"AUTH PLAIN {plain(way.user, way.password)}", 235)

    def wrap(self):
        self.socket = self.way.context().wrap_socket(self.socket, server_hostname=HOST)

    def start_tls(self):
        self.say("STARTTLS", 220)
        self.wrap()

    def send(self, data):
        self.socket.sendall(data)

    def send_in_two(self, first, second):
        """Two segments (or TLS records) that the server most likely reads one by one; nothing can tell when it has."""
        self.send(first)
        time.sleep(0.002)
        self.send(second)

    def reply(self):
        """(code, all lines); Closed at the end."""
        lines = []
        while True:
            while b"\r\n" not in self.room:
                more = self.receive()
                if not more:
                    raise Closed(f"after {lines!r} and {self.room!r}")
                self.room += more
            line, self.room = self.room.split(b"\r\n", 1)
            lines.append(line.decode())
            if line[3:4] != b"-":
                return int(line[:3]), "\n".join(lines)

    def receive(self):
        try:
            return self.socket.recv(65536)
        except ConnectionError:
            return b""

    def say(self, line, expected=None):
        self.send(line.encode() + b"\r\n")
        code, text = self.reply()
        assert expected in (None, code), (line, text)
        return code, text

    def rest(self):
        """All replies up to the server's close."""
        replies = []
        try:
            while True:
                replies.append(self.reply())
        except Closed:
            return replies

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()
