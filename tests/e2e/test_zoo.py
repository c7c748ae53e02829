"""The zoo on real sockets: servers that say too much, too little or end wrongly, and name servers that lie, before the real resolver (2.R,
2.Q). What takes minutes or hours is tests/unit/mta/test_zoo.c, on a clock of its own. The last test prints case x verdict.

SPDX-License-Identifier: Apache-2.0"""
import os
import random
import socket
import socketserver
import struct
import threading
import time

import pytest

from conftest import World, fresh_database
from gateway import wait_for
from zone import Zone

VERDICTS = {}


def verdict(case, what, said):
    VERDICTS[case, what] = said


# ---- servers ----

class Animal:
    """A server that does as `behave(peer, number of the connection)` says; `taken`: the messages that it read to their end."""

    def __init__(self, host, port, behave):
        self.connections, self.taken, self.sent_bytes = 0, [], 0
        animal = self

        class Session(socketserver.BaseRequestHandler):
            def handle(self):
                animal.connections += 1
                try:
                    behave(Peer(animal, self.request), animal.connections)
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self.server = Server((host, port), Session)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Peer:
    """The animal's side of a connection."""

    def __init__(self, animal, connection):
        self.animal, self.socket, self.room = animal, connection, b""
        self.socket.settimeout(60)

    def say(self, data):
        self.socket.sendall(data)
        self.animal.sent_bytes += len(data)

    def line(self, end=b"\r\n"):
        while end not in self.room:
            more = self.socket.recv(65536)
            if not more:
                raise OSError("closed")
            self.room += more
        line, self.room = self.room.split(end, 1)
        return line

    def is_empty(self):
        """Nothing but the end follows DATA, as after a recipient that was refused in a pipeline (RFC 2920 3.1)."""
        while len(self.room) < 3:
            self.room += self.socket.recv(65536)
        is_empty = self.room.startswith(b".\r\n")
        self.room = self.room[3:] if is_empty else self.room
        return is_empty

    def polite(self, until=None, ehlo=b"250-x\r\n250 PIPELINING\r\n"):
        """A friendly server up to the verb `until`, which it has read then but not answered; "." is the end of a message."""
        while True:
            verb = self.line()[:4].upper()
            if until and verb == until:
                return
            if verb == b"QUIT":
                return self.say(b"221 bye\r\n")
            self.say(ehlo if verb == b"EHLO" else b"354 go\r\n" if verb == b"DATA" else b"250 2.0.0 ok\r\n")
            if verb == b"DATA":
                if self.is_empty():
                    self.say(b"554 5.5.1 no recipients\r\n")
                    continue
                self.animal.taken.append(self.line(b"\r\n.\r\n"))
                if until == b".":
                    return
                self.say(b"250 2.0.0 taken\r\n")

    def reset(self):
        """End with a RST; what was said before it has arrived."""
        time.sleep(0.05)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def forever(peer, data):
    while True:
        peer.say(data)


def endless_banner(peer, _):
    forever(peer, b"220-welcome\r\n" * 100)


def endless_ehlo(peer, _):
    peer.say(b"220 x\r\n")
    peer.polite(b"EHLO")
    forever(peer, b"250-X\r\n" * 100)


def endless_line(peer, _):
    peer.say(b"220 " + b"x" * 2_000_000)
    peer.line()


def odd_bytes(peer, number):
    peer.say(b"220 x\r\n")
    if number == 1:
        peer.polite(b"RCPT")
        peer.say(b"451 4.3.0 \0\x1b[31m\xff<script>alert(1)</script>" + b"y" * 1500 + b"\r\n")
    peer.polite()


def nul_line(peer, number):
    peer.say(b"220 x\r\n")
    if number == 1:
        peer.polite(b"MAIL")
        peer.say(b"\0\0\0\r\n")
    peer.polite()


def tls_dropped(peer, number):
    peer.say(b"220 x\r\n")
    if number == 1:
        peer.polite(b"STAR", ehlo=b"250-x\r\n250 STARTTLS\r\n")
        return peer.say(b"220 go\r\n")
    peer.polite()


def tls_garbage(peer, number):
    peer.say(b"220 x\r\n")
    if number == 1:
        peer.polite(b"STAR", ehlo=b"250-x\r\n250 STARTTLS\r\n")
        peer.say(b"220 go\r\n")
        time.sleep(0.1)
        return peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.polite()


def reset_after_dot(peer, number):
    peer.say(b"220 x\r\n")
    if number == 1:
        peer.polite(b".")
        return peer.reset()
    peer.polite()


def reset_after_250(peer, number):
    peer.say(b"220 x\r\n")
    peer.polite(b".")
    peer.say(b"250 2.0.0 taken\r\n")
    peer.reset()


def half_closed(peer, number):
    peer.say(b"220 x\r\n")
    if number == 1:
        peer.polite(b"MAIL")
        peer.socket.shutdown(socket.SHUT_WR)
        while peer.socket.recv(65536):
            pass
        return
    peer.polite()


def reset_in_data(peer, number):
    peer.say(b"220 x\r\n")
    if number == 1:
        peer.polite(b"DATA")
        peer.say(b"354 go\r\n")
        return peer.reset()
    peer.polite()


def impatient(peer, number):
    """Tells an idle client to go, and goes."""
    peer.say(b"220 x\r\n")
    peer.polite(b".")
    peer.say(b"250 2.0.0 taken\r\n")
    time.sleep(0.5)
    peer.say(b"421 4.4.2 idle too long\r\n")


def silent_end(peer, number):
    peer.say(b"220 x\r\n")
    peer.polite(b".")
    peer.say(b"250 2.0.0 taken\r\n")
    time.sleep(0.5)


def never_reads(peer, number):
    peer.say(b"220 x\r\n")
    peer.polite(b"DATA")
    peer.say(b"354 go\r\n")
    time.sleep(600)


# name: (case, behaviour, has another host, events of the message, messages it took)
ANIMALS = {
    "endless-banner": ("OB03", endless_banner, True, ["delivery"], 0),
    "endless-ehlo": ("OB03", endless_ehlo, True, ["delivery"], 0),
    "endless-line": ("OB05", endless_line, True, ["delivery"], 0),
    "odd-bytes": ("OB07, OB34", odd_bytes, False, ["deferred", "delivery"], 1),
    "nul-line": ("OB07", nul_line, False, ["deferred", "delivery"], 1),
    "tls-dropped": ("OB10", tls_dropped, False, ["delivery"], 1),
    "tls-garbage": ("OB10", tls_garbage, False, ["delivery"], 1),
    "half-closed": ("OB15", half_closed, False, ["deferred", "delivery"], 1),
    "reset-in-data": ("OB15", reset_in_data, False, ["deferred", "delivery"], 1),
    "reset-after-dot": ("OB16", reset_after_dot, False, ["deferred", "delivery"], 2),
    "reset-after-250": ("OB18", reset_after_250, False, ["delivery"], 1),
}


class Liar(Zone):
    """A zone whose answers to some names are spoilt: spoilers[name](question, wire, by_tcp) gives what is sent."""

    def __init__(self):
        super().__init__()
        self.spoilers = {}

    def spoilt(self, question, answer, wire, by_tcp):
        name = answer.question[0].name.to_text(omit_final_dot=True).lower()
        return self.spoilers[name](question, wire, by_tcp) if name in self.spoilers else [wire]

    def datagrams(self, question, answer):
        return self.spoilt(question, answer, self.datagram(answer), False)

    def streamed(self, question, answer):
        found = self.spoilt(question, answer, super().streamed(question, answer), True)
        return found[-1] if found else None


class Place(World):
    def __init__(self, database):
        super().__init__(database)
        self.zone.close()
        self.zone = Liar()
        self.animals = {}
        self.sink("127.0.0.99")
        for i, (name, (_, behave, has_other, _, _)) in enumerate(ANIMALS.items()):
            host = f"127.0.1.{i + 1}"
            self.animals[name] = self.animal(host, behave)
            self.zone.mx(f"{name}.test", host, *(["127.0.0.99"] if has_other else []))
        self.start()
        self.tenant = self.gateway.tenant("shop.test")

    def animal(self, host, behave):
        animal = Animal(host, self.port, behave)
        self.sinks.append(animal)
        return animal

    def send(self, domain, who="user"):
        return self.gateway.sent(self.tenant.key, to=f"{who}@{domain}")

    def types(self, message):
        return self.gateway.event_types(self.tenant.key, message)[1:]

    def end(self, message, seconds=60):
        wait_for(lambda: {"delivery", "bounce", "failed"} & set(self.types(message)), seconds, what=f"an end of {message}: {self.types(message)}")
        return self.types(message)

    def first(self, message, seconds=100):
        """The first event after `send`."""
        wait_for(lambda: self.types(message), seconds, what="a first verdict")
        return [e for e in self.gateway.events(self.tenant.key, MessageID=message) if e["EventType"] != "send"][-1]


@pytest.fixture(scope="module")
def place(request):
    place = Place(fresh_database(request))
    yield place
    place.close()


@pytest.mark.parametrize("name", ANIMALS)
def test_animals(place, name):
    case, _, _, expected, taken = ANIMALS[name]
    animal = place.animals[name]
    events = place.end(place.send(f"{name}.test"))
    verdict(case, name, " ".join(events))
    assert events == expected
    assert len(animal.taken) == taken
    assert animal.sent_bytes < 8_000_000, "it reads on and on"


def test_ob07_ob34_what_a_server_says_is_harmless_where_it_is_shown(place):
    """Words of servers are in events, reasons and log as text of one line."""
    animal = place.animal("127.0.2.1", lambda peer, number: odd_bytes(peer, 1))
    place.zone.mx("odd.test", "127.0.2.1")
    event = place.first(place.send("odd.test"))
    text = event["Details"]["Reply"]["Text"]
    assert "script" in text and len(text) <= 1024 and text.isprintable() and animal.connections
    row = next(r for r in place.gateway.cli_json("queue", "list")["Queue"] if "odd.test" in str(r))
    assert row["Reason"].isprintable() and row["NextTry"]
    log = place.gateway.log.read_bytes()
    assert not any(c in log for c in b"\0\x1b\xff")
    verdict("OB34", "odd words", "text of one line, at most 1 kB")


@pytest.mark.parametrize("behave", [impatient, silent_end], ids=["told", "untold"])
def test_ob26_a_kept_connection_that_ended_costs_nothing(place, behave):
    host = "127.0.2.2" if behave is impatient else "127.0.2.3"
    animal = place.animal(host, behave)
    domain = f"{'told' if behave is impatient else 'untold'}.test"
    place.zone.mx(domain, host)
    for wait in (0, 0, 0.7):
        time.sleep(wait)  # once it has gone, twice while it may be going
        events = place.end(place.send(domain))
        assert events == ["delivery"], events
    assert len(animal.taken) == 3
    verdict("OB26", domain, "delivery")


@pytest.mark.skipif(not os.environ.get("POSTHORN_FULL"), reason="takes six minutes: ./test full")
def test_ob22_who_never_reads_is_left(place, pytestconfig):
    """The window of a real socket stays shut: his mail waits, others' goes out."""
    if pytestconfig.getoption("--database") != "sqlite":
        pytest.skip("the store has no part in it, and it takes six minutes")
    animal = place.animal("127.0.2.4", never_reads)
    place.zone.mx("deaf.test", "127.0.2.4")
    message = place.gateway.sent(place.tenant.key, to="a@deaf.test", PlainContent=("x" * 70 + "\n") * 100_000)
    wait_for(lambda: animal.connections, what="the connection")
    place.zone.mx("fine.test", "127.0.0.99")
    assert place.end(place.send("fine.test")) == ["delivery"]
    time.sleep(170)  # what fits the window has been taken, which counts as reading: twice three minutes
    assert place.first(message, 300)["EventType"] == "deferred"
    verdict("OB22", "never reads", "deferred within 6 min")


# ---- names ----

def answers_at(wire):
    """Where the first record begins, behind one question."""
    at = 12
    while wire[at]:
        at += wire[at] + 1
    return at + 5


def always(spoil):
    return lambda question, wire, by_tcp: [spoil(bytearray(wire), answers_at(wire))]


def pointer_to(offset):
    def spoil(wire, at):
        wire[at:at + 2] = struct.pack(">H", 0xC000 | at + offset)
        return bytes(wire)
    return always(spoil)


def named(labels):
    """The record's owner is this."""
    def spoil(wire, at):
        wire[at:at + 2] = labels
        return bytes(wire)
    return always(spoil)


def length(n):
    def spoil(wire, at):
        wire[at + 10:at + 12] = struct.pack(">H", n)
        return bytes(wire)
    return always(spoil)


def rdata(data):
    def spoil(wire, at):
        wire[6:12] = b"\0\1\0\0\0\0"
        return bytes(wire[:at + 10]) + struct.pack(">H", len(data)) + data
    return always(spoil)


def count(n):
    def spoil(wire, at):
        wire[6:8] = struct.pack(">H", n)
        return bytes(wire)
    return always(spoil)


def ttl(n):
    def spoil(wire, at):
        wire[at + 6:at + 10] = struct.pack(">I", n)
        return bytes(wire)
    return always(spoil)


def truncated(tcp_works):
    def spoil(question, wire, by_tcp):
        if by_tcp:
            return [wire] if tcp_works else []
        return [wire[:2] + bytes([wire[2] | 2]) + wire[3:6] + b"\0\0\0\0\0\0" + wire[12:answers_at(wire)]]
    return spoil


def no_edns(question, wire, by_tcp):
    has_edns = question[11] > 0
    return [question[:2] + b"\x81\x81" + b"\0\1\0\0\0\0\0\0" + question[12:answers_at(question)]] if has_edns else [wire]


def strangers(question, wire, by_tcp):
    """Answers with other ids before the right one."""
    return [bytes([wire[0] ^ bits]) + wire[1:] for bits in (0x55, 0x01, 0x80)] + [wire]


def to_another(question, wire, by_tcp):
    """The answer to a question that was not asked."""
    return [wire[:13] + b"z" + wire[14:]]


def mx_to(*labels):
    return rdata(b"\0\x0a" + b"".join(bytes([len(label)]) + label for label in labels) + b"\0")


# name: (case, spoiler of its MX answer, first event)
LIES = {
    "tc-tcp": ("DN09", truncated(True), "delivery"),
    "tc-no-tcp": ("DN09", truncated(False), "deferred"),
    "no-edns": ("DN09", no_edns, "delivery"),
    "loop": ("DN11", pointer_to(0), "deferred"),
    "forward": ("DN11", pointer_to(20), "deferred"),
    "beyond": ("DN11", pointer_to(5000), "deferred"),
    "label-64": ("DN11", named(b"\x40" + b"x" * 64 + b"\0"), "deferred"),
    "name-256": ("DN11", named((b"\x3f" + b"x" * 63) * 5 + b"\0"), "deferred"),
    "length-lie": ("DN11", length(0xFFFF), "deferred"),
    "count-lie": ("DN11", count(7), "deferred"),
    "short-mx-0": ("DN11", rdata(b""), "deferred"),
    "short-mx-1": ("DN11", rdata(b"\0"), "deferred"),
    "short-mx-2": ("DN11", rdata(b"\0\x0a"), "deferred"),
    "label-nul": ("DN12", mx_to(b"m\0x", b"test"), "deferred"),
    "label-newline": ("DN12", mx_to(b"m\nevent=forged", b"test"), "deferred"),
    "label-dot": ("DN12", mx_to(b"mx1.tc-tcp", b"test"), "deferred"),
    "label-slash": ("DN12", mx_to(b"../../etc", b"test"), "deferred"),
    "label-script": ("DN12", mx_to(b"<script>\"'", b"test"), "deferred"),
    "strangers": ("DN13", strangers, "delivery"),
    "to-another": ("DN13", to_another, "deferred"),
    "ttl-0": ("DN14", ttl(0), "delivery"),
    "ttl-2-31": ("DN14", ttl(1 << 31), "delivery"),
    "ttl-minus-1": ("DN14", ttl(0xFFFFFFFF), "delivery"),
}


@pytest.fixture(scope="module")
def lied_to(place):
    """All at once, since each may take the resolver's patience: {name: message}."""
    for name, (_, spoil, _) in LIES.items():
        place.zone.mx(f"{name}.test", "127.0.0.99")
        place.zone.spoilers[f"{name}.test"] = spoil
    return {name: place.send(f"{name}.test") for name in LIES}


@pytest.mark.parametrize("name", LIES)
def test_lies(place, lied_to, name):
    case, _, expected = LIES[name]
    event = place.first(lied_to[name])
    verdict(case, name, event["EventType"])
    assert event["EventType"] == expected, event
    if expected == "deferred":
        assert event["Details"]["Reply"]["Code"] == 451 and event["Details"]["Reply"]["Text"].isprintable()


# name: (records of the test's zone, first event)
CHAINS = {
    "mx-alias": ({("mx-alias.test", "MX"): ["10 alias.mx-alias.test."], ("alias.mx-alias.test", "CNAME"): ["mx1.untold.test."]}, "delivery"),
    "domain-alias": ({("domain-alias.test", "CNAME"): ["endless-banner.test."]}, "delivery"),
    "alias-loop": ({("alias-loop.test", "CNAME"): ["b.alias-loop.test."], ("b.alias-loop.test", "CNAME"): ["alias-loop.test."]}, "deferred"),
    "alias-chain": ({**{(f"{'' if not i else f'c{i}.'}alias-chain.test", "CNAME"): [f"c{i + 1}.alias-chain.test."] for i in range(20)},
                     ("c20.alias-chain.test", "A"): ["127.0.0.99"]}, "deferred"),
}


@pytest.mark.parametrize("name", CHAINS)
def test_dn05_aliases(place, name):
    """Few are followed, loops and long chains are not for ever: that domain waits."""
    records, expected = CHAINS[name]
    place.zone.mx("untold.test", "127.0.0.99")
    place.zone.records.update(records)
    event = place.first(place.send(f"{name}.test"))
    verdict("DN05", name, event["EventType"])
    assert event["EventType"] == expected, event


def test_dn12_names_from_strangers_are_bytes(place, lied_to):
    """No line of the log was forged, none holds a raw control character, and the queue shows text."""
    for message in lied_to.values():
        place.first(message)
    log = place.gateway.log.read_bytes()
    assert b"\0" not in log and not any(line.startswith(b"event=forged") for line in log.splitlines())
    assert all(row["Reason"].isprintable() for row in place.gateway.cli_json("queue", "list")["Queue"])


def test_dn13_who_lies_about_others_is_not_believed(place):
    """Records that nobody asked for, about another's host, beside a good answer."""
    def poison(question, wire, by_tcp):
        record = b"\x03mx1\x06victim\x04test\0" + struct.pack(">HHIH", 1, 1, 3600, 4) + bytes([127, 0, 9, 9])
        return [wire[:10] + struct.pack(">H", struct.unpack(">H", wire[10:12])[0] + 1) + wire[12:] + record]
    place.zone.mx("poison.test", "127.0.0.99")
    place.zone.mx("victim.test", "127.0.0.99")
    place.zone.spoilers["poison.test"] = poison
    assert place.first(place.send("poison.test"))["EventType"] == "delivery"
    event = place.first(place.send("victim.test"))
    verdict("DN13", "poison", event["EventType"])
    assert event["EventType"] == "delivery" and "127.0.0.99" in str(event["Details"])


def test_dn13_ports_and_ids_are_by_chance(place, lied_to):
    """Who wants to forge an answer has to guess both."""
    for message in lied_to.values():
        place.first(message)
    ports, ids = zip(*place.zone.seals)
    assert len(ports) > 60
    for values in (ports, ids):
        assert len(set(values)) > 0.8 * len(values), values
    verdict("DN13", "ports and ids", "by chance")


def test_dn16_thirty_percent_lost(place):
    """A crowd of names, every third packet lost: all are found in the end, and none bounces."""
    count = 1000 if os.environ.get("POSTHORN_FULL") else 150
    chance = random.Random(1)

    def lossy(question, wire, by_tcp):
        return [] if chance.random() < 0.3 else [wire]
    for i in range(count):
        place.zone.mx(f"lossy{i}.test", "127.0.0.99")
        place.zone.spoilers[f"lossy{i}.test"] = place.zone.spoilers[f"mx1.lossy{i}.test"] = lossy
    for first in range(0, count, 50):
        place.gateway.sent(place.tenant.key, to=[{"email": f"x@lossy{i}.test", "name": ""} for i in range(first, first + 50)])
    mails = place.sinks[0].mails
    wait_for(lambda: len({r for m in mails for r in m.recipients if "lossy" in r}) == count, 240, what="all of them")
    assert place.gateway.rows("SELECT count(*) FROM recipients WHERE domain LIKE 'lossy%' AND state NOT IN (1, 3)") == [("0",)]
    verdict("DN16", "30 % lost", "delivery")


def test_dn19_names_are_absolute(place, lied_to):
    """Nothing was asked for that is not below .test but the root and what the trust anchor wants, and nothing with two ends."""
    odd = {name for name, _ in place.zone.asked if not name.endswith(".test") and not name.startswith("_ta-")}
    assert odd <= {"test", "."}, odd
    assert not [name for name, _ in place.zone.asked if name.count(".test") > 1]
    verdict("DN19", "search suffix", "absolute names only")


def test_the_table(place):
    print()
    for (case, what), said in sorted(VERDICTS.items()):
        print(f"  {case:12} {what:20} {said}")
    for case, where in {"DN15, DN22": "unit/mta/test_outage.c", "DN18, DN21": "unit/mta/test_zoo.c", "DN01-DN08": "unit/core/test_route.c",
                        "DN10, DN20": "unit/core/test_verify.c", "DN17, OB11": "e2e/test_tls_policies.py", "OB28": "e2e/test_bounces.py"}.items():
        print(f"  {case:12} {where}")
