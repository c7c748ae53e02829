"""Nothing but the end of a message ends it: what looks like an end to somebody else makes no second message out of one (CVE-2023-51764
to -51766), whatever the door, the verb and the cut of the bytes. Each ending of bad-input's list stands in the middle of a message, and
behind it a whole transaction in somebody else's name (SM15).

SPDX-License-Identifier: Apache-2.0"""
import time

import pytest

from conftest import fresh_database
from gateway import wait_for
from submission import Place
from wire import Closed, Wire

ENDINGS = {
    "SM01": b"\n.\n", "SM02": b"\n.\r\n", "SM03": b"\r\n.\n", "SM04": b"\r.\r", "SM05": b"\r.\n", "SM06": b"\n.\r", "SM07": b"\r.\r\n", "SM08": b"\r\n.\r",
    "SM09": b"\r\n\0.\r\n", "SM10": b"\r\n.\0\r\n", "SM11": b"\r\n.\r\r\n", "SM12": b"\r\r\n.\r\r\n",
}
DOORS = {"public": "25, nobody logs in", "starttls": "587", "tls": "465"}


class Door:
    """Where messages go in, in whose names, and how the store counts them: what was submitted as messages, what came home as bounces."""

    def __init__(self, place, name):
        self.place, self.name, self.is_home, self.open = place, name, name == "public", None
        self.sender = "" if self.is_home else "news@shop.test"
        self.to = place.homes() if self.is_home else ["reader@example.org", "victim@example.org"]

    def wire(self):
        """A kept connection, or a new one where the server ended it."""
        self.open = self.open or Wire(self.place.way[self.name], logs_in=not self.is_home)
        return self.open

    def close(self):
        if self.open:
            self.open.close()
        self.open = None

    def content(self, to):
        if self.is_home:
            return report(to)
        return f"From: <news@shop.test>\r\nTo: <{to}>\r\nSubject: x\r\nX-Posthorn-Send-At: {int(time.time()) + 86400}\r\n\r\nHello\r\n".encode()

    def envelope(self, to):
        return f"MAIL FROM:<{self.sender}>\r\nRCPT TO:<{to}>\r\n".encode()

    def count(self):
        return int(self.place.gateway.rows(f"SELECT count(*) FROM {'events' if self.is_home else 'messages'}")[0][0])

    def sends(self, to):
        """A good message, on the same connection when that is still there."""
        try:
            return self.deliver(to)
        except (Closed, ConnectionError):
            self.close()
            return self.deliver(to)

    def deliver(self, to):
        wire = self.wire()
        wire.send(self.envelope(to) + b"DATA\r\n")
        assert [wire.reply()[0] for _ in range(3)] == [250, 250, 354]
        wire.send(self.content(to) + b".\r\n")
        return wire.reply()[0]


def report(to):
    """A bounce that counts."""
    return (f"From: MAILER-DAEMON@mx.example.org\r\nTo: <{to}>\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n--r\r\nContent-Type: text/plain\r\n\r\nNo such user\r\n'
            "--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; gone@example.org\r\n"
            "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--r--\r\n").encode()


@pytest.fixture(scope="module")
def place(request):
    place = Place(fresh_database(request))
    yield place
    place.close()


def by_data(door, before, behind):
    """In DATA: (the bytes up to the cut, those behind it)."""
    wire = door.wire()
    wire.send(door.envelope(door.to[0]) + b"DATA\r\n")
    assert [wire.reply()[0] for _ in range(3)] == [250, 250, 354]
    return [(before, behind + b"\r\n.\r\n")]


def by_bdat(door, before, behind):
    """In BDAT: as one chunk, and as two that meet where the bytes are cut."""
    whole = b"BDAT %d LAST\r\n" % len(before + behind)
    two = b"BDAT %d\r\n" % len(before) + before, b"BDAT %d LAST\r\n" % len(behind) + behind
    return [(door.envelope(door.to[0]) + whole + before, behind), (door.envelope(door.to[0]) + two[0], two[1])]


# What is said: one refusal, and no 354 or 250 for anything behind it. Of two chunks the first may be good by itself.
EXPECTED = {(by_data, 0): [[550, 252]], (by_bdat, 0): [[250, 250, 550, 252]], (by_bdat, 1): [[250, 250, 250, 550, 252], [250, 250, 550, 503, 252]]}


def smuggle(door, way, ending, cut):
    """Each way to send the ending in a message's middle, cut `cut` bytes into it (None: not at all). What the store has is what was said."""
    real, spoofed = door.content(door.to[0]), door.envelope(door.to[1]) + b"DATA\r\n" + door.content(door.to[1])
    text = real + b"Behind it" + ending + spoofed
    at = len(text) - len(spoofed) - len(ending) + (cut or 0)
    for i in range(1 if way is by_data else 2):
        count = door.count()
        first, second = way(door, text[:at], text[at:])[i]
        wire = door.wire()
        codes = []
        try:
            wire.send(first + second) if cut is None else wire.send_in_two(first, second)
            wire.send(b"VRFY end\r\n")
            while 252 not in codes:
                codes.append(wire.reply()[0])
        except (Closed, ConnectionError):
            door.close()
        assert codes in EXPECTED[way, i], (cut, i, codes)
        assert door.count() == count, f"cut {cut}, way {i}: a message was stored that has a bare CR, LF or NUL"


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("way", [by_data, by_bdat], ids=["data", "bdat"])
@pytest.mark.parametrize("name", DOORS)
def test_sm01_to_sm12_make_no_second_message(place, name, way, ending):
    door = Door(place, name)
    try:
        for cut in (None, *range(len(ENDINGS[ending]) + 1)):
            smuggle(door, way, ENDINGS[ending], cut)
            count = door.count()
            assert door.sends(door.to[0]) == 250, "the server is alive, and takes a good message"
            if not door.is_home:
                assert door.count() == count + 1
    finally:
        door.close()


@pytest.mark.parametrize("name", DOORS)
def test_sm15_the_count_would_see_a_second_message(place, name):
    """The same two messages with real ends between: both are there."""
    door = Door(place, name)
    count = door.count()
    try:
        assert [door.sends(to) for to in door.to] == [250, 250]
        wait_for(lambda: door.count() >= count + 2, what="both")
    finally:
        door.close()


@pytest.mark.parametrize("name", DOORS)
def test_sm13_the_real_end_cut_anywhere_is_one_end(place, name):
    door = Door(place, name)
    try:
        for cut in range(6):
            wire = door.wire()
            wire.send(door.envelope(door.to[0]) + b"DATA\r\n")
            assert [wire.reply()[0] for _ in range(3)] == [250, 250, 354]
            text = door.content(door.to[0]) + b".\r\n"
            at = len(text) - 5 + cut
            wire.send_in_two(text[:at], text[at:] + b"NOOP\r\n")
            assert [wire.reply()[0], wire.reply()[0]] == [250, 250]
    finally:
        door.close()
