"""Many at once, and the worst moments: idle crowds, more mail than memory, a store that does not answer, and a stop in the middle of it
all. Whatever happens, what was answered with 250 is there, and what was not is not doubled (P1, P7, P8).

SPDX-License-Identifier: Apache-2.0"""
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from clients import HOST
from gateway import wait_for
from submission import Place
from wire import Closed, Wire, plain

PATIENCE = 60  # seconds
HEAD = "From: news@shop.test\r\nTo: reader@example.org\r\nSubject: {}\r\n\r\n"
LINE = b"x" * 98 + b"\r\n"


class Sender(Wire):
    """A connection of its own address that is logged in and in DATA."""

    def __init__(self, place, address="127.0.0.1", subject="crowd", door="starttls"):
        self.way, self.room, self.subject = place.way[door], b"", subject
        self.socket = socket.create_connection((HOST, self.way.port), timeout=PATIENCE, source_address=(address, 0))
        self.reply()
        self.say("EHLO x", 250)
        if self.way.user:
            self.log_in()

    def log_in(self):
        self.say(f"AUTH PLAIN {plain(self.way.user, self.way.password)}", 235)

    def begin(self):
        self.say("MAIL FROM:<news@shop.test>", 250)
        self.say("RCPT TO:<reader@example.org>", 250)
        self.say("DATA", 354)
        self.send(HEAD.format(self.subject).encode())
        return self

    def end(self):
        self.send(b".\r\n")
        return self


def clear_place(database=None, **options):
    return Place(database, **{"smtp.auth_without_tls": "loopback", **options})


@pytest.fixture
def place():
    place = clear_place()
    yield place
    place.close()


def delivers(place):
    with Sender(place, subject="good") as sender:
        begin = time.monotonic()
        assert sender.begin().end().reply()[0] == 250
        return time.monotonic() - begin


def subjects(gateway):
    return sorted(row[0] for row in gateway.rows("SELECT subject FROM messages"))


def metric(gateway, name):
    return int(re.search(rf"^{name} (\d+)$", gateway.request("GET", "/metrics")[2], re.M)[1])


def is_empty(gateway):
    """But for the deliveries' own connections to the inbox."""
    return metric(gateway, "posthorn_smtp_in_connections") < 40


def memory_mb(gateway):
    """The most it ever took; None with a sanitizer, which takes what it likes."""
    pid = gateway.process.pid
    if "libasan" in Path(f"/proc/{pid}/maps").read_text():
        return None
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) // 1024


# ---- idle ----

def test_lm13_an_idle_crowd_is_no_burden(place):
    """Each address has its share and no more; who has something to send is served."""
    held = [socket.create_connection((HOST, place.way["starttls"].port), timeout=PATIENCE, source_address=(f"127.0.1.{i % 20}", 0)) for i in range(1000)]
    for plain_socket in held:
        assert plain_socket.recv(100).startswith(b"220 ")
    beyond = socket.create_connection((HOST, place.way["starttls"].port), timeout=PATIENCE, source_address=("127.0.1.1", 0))
    assert beyond.recv(100).startswith(b"421 4.7.0 ")
    assert max(delivers(place) for _ in range(20)) < PATIENCE / 6
    for plain_socket in (*held, beyond):
        plain_socket.close()
    wait_for(lambda: is_empty(place.gateway), what="all to be gone")


# ---- memory ----

def push(senders, left, refused):
    """A piece on each connection that takes it, until it is told no or has said all but its end."""
    for sender in list(left):
        readable, writable, _ = select.select([sender.socket], [sender.socket], [], 0)
        if readable:
            refused.append(sender.rest()[0][0])
            left.pop(sender)
        elif writable and left[sender] > 0:
            with suppress(ConnectionError):
                left[sender] -= sender.socket.send(LINE * 600)
    return all(bytes_left <= 0 for bytes_left in left.values())


def test_mi13_more_mail_than_memory(place):
    """P8: of 120 clients with 8 MB each some are told to come again, one after the other; the others' mail is stored, and memory comes back."""
    senders = [Sender(place, f"127.0.2.{i}", f"big {i}").begin() for i in range(120)]
    left, refused = {sender: 8_000_000 // len(LINE) * len(LINE) for sender in senders}, []
    wait_for(lambda: push(senders, left, refused), 240, "all to have sent or been refused")
    assert set(refused) == {421} and 20 <= len(refused) < 115, refused
    assert place.gateway.request("GET", "/healthz/ready")[0] == 200
    for sender in left:
        sender.send(b"\r\n.\r\n")
    codes = [sender.reply()[0] for sender in left]
    assert codes.count(250) == len([s for s in subjects(place.gateway) if s.startswith("big")]) >= 5
    assert (memory_mb(place.gateway) or 0) < 1000
    for sender in senders:
        sender.close()
    delivers(place)
    wait_for(lambda: is_empty(place.gateway), what="all to be gone")


# ---- a slow store ----

@contextmanager
def locked(postgres, url):
    """A transaction that nobody can write around."""
    holder = subprocess.Popen(["psql", "-q", "-At", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write("BEGIN; LOCK TABLE messages IN SHARE MODE; SELECT 'held';\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "held\n"
    yield
    holder.stdin.write("ROLLBACK;\n")
    holder.stdin.close()
    assert holder.wait(timeout=PATIENCE) == 0
    holder.stdout.close()


@contextmanager
def frozen(postgres, url):
    """A server whose processes do not move at all."""
    head = int((postgres.data / "postmaster.pid").read_text().splitlines()[0])
    family = [head, *map(int, subprocess.run(["ps", "-o", "pid=", "--ppid", str(head)], capture_output=True, text=True, check=True).stdout.split())]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("hold", [locked, frozen])
def test_lm16_a_store_that_does_not_answer(postgres, hold):
    """Nothing is acknowledged meanwhile, memory is bounded, the API lives; then each 250 is one message."""
    url = postgres.fresh()
    place = clear_place(url, **{"smtp.message_max": 10_000_000})
    codes, lock = [], threading.Lock()

    def send(sender):
        try:
            sender.end()
            code = sender.reply()[0]
        except (Closed, ConnectionError):
            code = 0
        with lock:
            codes.append(code)

    try:
        senders = [Sender(place, f"127.0.3.{i}", f"slow {i}").begin() for i in range(60)]
        left, refused = {sender: 6_000_000 for sender in senders}, []
        with hold(postgres, url):
            wait_for(lambda: push(senders, left, refused), 240, "all to have sent or been refused")
            threads = [threading.Thread(target=send, args=(sender,)) for sender in left]
            for thread in threads:
                thread.start()
            late = Sender.__new__(Sender)  # it gets no further than AUTH, whose answer is in the store
            late.way, late.room = place.way["starttls"].but(user=""), b""
            late.socket = socket.create_connection((HOST, late.way.port), timeout=PATIENCE)
            late.reply()
            late.say("EHLO x", 250)
            assert place.gateway.request("GET", "/healthz/live")[0] == 200
            time.sleep(2)
            assert 250 not in codes
            late.say("NOOP", 250)
            late.close()
        for thread in threads:
            thread.join(timeout=240)
        assert len(codes) == len(threads) and set(codes) <= {250, 451, 452, 421, 0}, codes
        assert set(refused) <= {421}
        stored = [s for s in subjects(place.gateway) if s.startswith("slow")]
        assert codes.count(250) == len(stored) == len(set(stored)), (codes, refused)
        assert codes.count(250) > 0
        delivers(place)
    finally:
        place.close()


# ---- the end ----

def outcomes(senders):
    """By subject: the codes that came until the connection ended."""
    return {sender.subject: [code for code, _ in sender.rest()] for sender in senders}


def test_pb28_a_stop_in_the_middle_of_everything():
    """Clients before, in and just behind their mail, and more that come all the time: each 250 is one message, and no 421 is one."""
    place = clear_place()
    try:
        early = [Sender(place, f"127.0.4.{i}", f"early {i}").begin() for i in range(20)]
        half = [Sender(place, f"127.0.5.{i}", f"half {i}").begin() for i in range(20)]
        big = [Sender(place, f"127.0.6.{i}", f"big {i}").begin() for i in range(10)]
        idle = [Sender(place, f"127.0.7.{i}", f"idle {i}") for i in range(10)]
        is_over = threading.Event()

        def storm():
            while not is_over.is_set():
                with suppress(OSError), socket.create_connection((HOST, place.way["starttls"].port), timeout=1) as plain_socket:
                    plain_socket.sendall(b"EHLO x\r\nMAIL FROM:<news@shop.test>\r\n")
                    plain_socket.recv(1000)

        storms = [threading.Thread(target=storm) for _ in range(4)]
        for thread in storms:
            thread.start()
        for sender in big:
            sender.send(LINE * 20000)
        for sender in early + big:
            sender.end()
        place.gateway.process.send_signal(signal.SIGTERM)
        for sender in half:
            with suppress(ConnectionError):
                sender.end()
        said = outcomes(early + half + big + idle)
        assert place.gateway.process.wait(timeout=PATIENCE) == 0
        is_over.set()
        for thread in storms:
            thread.join()
        place.gateway.process = None
        place.gateway.start()
        stored = subjects(place.gateway)
        assert len(stored) == len(set(stored))
        for subject, codes in said.items():
            assert codes in ([250, 421], [421], []), (subject, codes)
            assert (250 in codes) == (subject in stored) or not codes, (subject, codes)
        assert all(said[sender.subject] == [421] for sender in idle)
        assert 250 in sum(said.values(), [])
    finally:
        place.close()


def test_p1_killed_in_the_middle_of_everything():
    """No stop at all: SIGKILL while fifty mails end. Each 250 is one message; a message without its 250 may be there, once."""
    place = clear_place()
    try:
        senders = [Sender(place, f"127.0.8.{i}", f"cut {i}").begin() for i in range(50)]
        for sender in senders:
            sender.end()
        senders[0].reply()
        place.gateway.kill()
        said = outcomes(senders[1:])
        place.gateway.start()
        stored = subjects(place.gateway)
        assert len(stored) == len(set(stored)) and senders[0].subject in stored
        for subject, codes in said.items():
            assert codes in ([250], []) and (not codes or subject in stored), (subject, codes)
    finally:
        place.close()
