"""A second description of the SMTP session, as tables, talks to the real one at random: every reply's class and the number of stored messages
have to be the same. A dialogue goes on where the one before it ended, so every state is a beginning; commands stand in one segment where
RFC 2920 lets them, and segments are cut anywhere.

What differs is printed with its seed; POSTHORN_SEED=n begins there.
SPDX-License-Identifier: Apache-2.0"""
import base64
import os
import random
import time
from dataclasses import dataclass, field

import pytest

from conftest import fresh_database
from submission import Place
from wire import Closed, Wire, plain

FULL = bool(os.environ.get("POSTHORN_FULL"))
DIALOGUES = 100_000 if FULL else 3_000
SEED = int(os.environ.get("POSTHORN_SEED", "1"))
A_CONNECTION = 40  # dialogues on one connection, unless a limit ends it
MESSAGE_MAX, LINE_MAX = 65_536, 998
ERRORS_MAX, IDLE_MAX, LOGINS_MAX = 20, 100, 3

NEW, READY, SENDER, RECIPIENTS, CHUNKS = "new", "ready", "sender", "recipients", "chunks"
ANY = {NEW, READY, SENDER, RECIPIENTS, CHUNKS}


@dataclass
class Model:
    """What the server ought to be in."""

    has_tls: bool
    state: str = NEW
    is_esmtp: bool = False
    is_in: bool = False
    is_utf8: bool = False
    is_closed: bool = False
    errors: int = 0
    idle: int = 0
    failures: int = 0
    stored: int = 0
    room: int = 0  # bytes of chunks so far
    has_head: bool = False  # they began as a message does
    said: list = field(default_factory=list)  # classes of the replies of the step in hand

    def say(self, kind):
        self.said.append(kind)

    def close(self, *kinds):
        self.said += kinds
        self.is_closed = True

    def refuse(self, kind=5):
        self.say(kind)
        self.errors += 1
        if self.errors >= ERRORS_MAX:
            self.close(4)

    def reset(self, state=READY):
        self.state, self.is_utf8, self.room = state, False, 0


# What a command does where it may stand; it has been found well-formed.
def hello(m, is_esmtp):
    m.is_esmtp = is_esmtp
    m.reset()
    m.say(2)


def idle(m):
    m.say(2)


def rset(m):
    m.reset(NEW if m.state == NEW else READY)
    m.say(2)


def mail(m, has_parameters=False, is_utf8=False, fault=False):
    if has_parameters and not m.is_esmtp or not m.is_in or fault:
        return m.refuse()
    m.state, m.is_utf8 = SENDER, is_utf8
    m.say(2)


def rcpt(m, needs_utf8=False, has_parameters=False):
    if has_parameters and not m.is_esmtp or needs_utf8 and not m.is_utf8:
        return m.refuse()
    m.state = RECIPIENTS
    m.say(2)


def ended(m, is_good):
    m.idle = 0
    m.reset()
    if not is_good:
        return m.refuse()
    m.errors, m.stored = 0, m.stored + 1
    m.say(2)


def data(m, is_good):
    m.say(3)
    ended(m, is_good)


def bdat(m, chunk, is_last):
    """May stand anywhere: its bytes come in any case."""
    if m.state not in (RECIPIENTS, CHUNKS):
        return m.refuse()
    if m.room + len(chunk) > MESSAGE_MAX:
        m.reset()
        return m.refuse()
    if m.room == 0:
        m.has_head = chunk.startswith(b"From: <news")
    if is_last or chunk == BARE:
        return ended(m, m.has_head and chunk != BARE)
    m.state, m.room = CHUNKS, m.room + len(chunk)
    m.say(2)


def auth(m, kinds, is_good):
    if m.is_in or not m.is_esmtp:
        return m.refuse()
    for kind in kinds:
        m.say(kind)
    if is_good:
        m.is_in = True
        return m.say(2)
    m.refuse()
    m.failures += 1
    if m.failures >= LOGINS_MAX and not m.is_closed:
        m.close(4)


def starttls(m):
    if m.has_tls:
        return m.refuse()
    m.say(2)
    m.has_tls, m.is_in, m.is_esmtp = True, False, False
    m.reset(NEW)


HEAD = f"From: <news@shop.test>\r\nTo: <x@example.org>\r\nX-Posthorn-Send-At: {int(time.time()) + 86400}\r\nSubject: x\r\n\r\nHello\r\n".encode()
LONG = b"x" * 64 + b"\r\n"
LONG *= MESSAGE_MAX // 2 // len(LONG) + 1  # twice is too much
BARE = HEAD + b"bare\nline\r\n"
CONTENTS = {  # what stands between 354 and the dot, and whether it is taken
    HEAD: True, HEAD + b"..\r\n...\r\n" * 50: True, HEAD + b"x" * LINE_MAX + b"\r\n": True, HEAD + b"MAIL FROM:<a@shop.test>\r\nRSET\r\nQUIT\r\n": True,
    BARE: False, HEAD + b"bare\rreturn\r\n": False, HEAD + b"NUL \0\r\n": False, HEAD + b"x" * (LINE_MAX + 1) + b"\r\n": False,
    HEAD + b"too much\r\n" * (MESSAGE_MAX // 10): False, b"": False, b"no field\r\n\r\nx\r\n": False, b"Subject: nobody's\r\n\r\nx\r\n": False,
    HEAD.replace(b"news@shop", b"news@other"): False, b"X-Posthorn-Colour: red\r\n" + HEAD: False, HEAD.replace(b"To:", "Tö:".encode()): False,
}


@dataclass
class Step:
    """A command and what follows it."""

    line: bytes
    run: object = None  # of the model; None: refused whatever the state, for its form or because nobody has it
    may: set = frozenset(ANY)  # where it may stand; elsewhere it is refused
    is_idle: bool = False
    weight: int = 1
    ends_segment: bool = False  # RFC 2920 3.1: it has to be answered before more is sent
    answers: tuple = ()  # what is sent after each 3xx reply
    content: bytes = None  # of DATA
    chunk: bytes = b""  # stands right behind the line

    def expect(self, m):
        """Let the model take it; the classes of all replies."""
        m.said = []
        if self.run is None or m.state not in self.may:
            m.refuse()
        elif self.is_idle and m.idle + 1 > IDLE_MAX:
            m.close(4)
        else:
            m.idle += self.is_idle
            self.run(m)
        return m.said


def steps(user, password):
    right, wrong = plain(user, password), plain(user, "phm_wrong")
    name, secret = (base64.b64encode(x.encode()).decode() for x in (user, password))

    def login(line, kinds, is_good, answers=(), weight=1):
        return Step(line.encode(), lambda m: auth(m, kinds, is_good), {READY}, weight=weight, ends_segment=True,
                    answers=tuple(a.encode() + b"\r\n" for a in answers))

    def sender(line, weight=1, **more):
        return Step(line.encode(), lambda m: mail(m, **more), {READY}, weight=weight)

    def recipient(line, weight=1, **more):
        return Step(line.encode(), lambda m: rcpt(m, **more), {SENDER, RECIPIENTS}, weight=weight)

    def chunks(chunk, is_last, weight=1):
        line = b"BDAT %d%s" % (len(chunk), b" LAST" if is_last else b"")
        return Step(line, lambda m: bdat(m, chunk, is_last), weight=weight, chunk=chunk)

    return [
        Step(b"EHLO client.test", lambda m: hello(m, True), is_idle=True, weight=4, ends_segment=True),
        Step(b"HELO client.test", lambda m: hello(m, False), is_idle=True, ends_segment=True),
        Step(b"rset", rset, is_idle=True, weight=2),
        Step(b"NOOP anything", idle, is_idle=True, ends_segment=True), Step(b"HELP", idle, is_idle=True, ends_segment=True),
        Step(b"VRFY x", idle, ANY - {NEW}, is_idle=True, ends_segment=True),
        Step(b"QUIT", lambda m: m.close(2), ends_segment=True),
        *(Step(line, ends_segment=True) for line in (b"EXPN x", b"TURN", b"ETRN x", b"EHLO", b"HELO", b"EHLO a b", b"NOSUCH", b"", b"DATA x", b"RSET x", b"QUIT x",
                                                    b"STARTTLS x", b"AUTH", b"MAIL", b"RCPT", b"VRFY", b"XCLIENT NAME=x")),
        *(Step(line, lambda m: m.close(5), ends_segment=True) for line in (b"X" * 600, b"NOOP\nRSET", b"NOOP\rRSET")),  # what follows is no command
        Step(b"STARTTLS", starttls, {READY}, ends_segment=True),
        login(f"AUTH PLAIN {right}", (), True, weight=6), login("AUTH LOGIN", (3, 3), True, (name, secret)), login("AUTH PLAIN", (3,), True, (right,)),
        login(f"AUTH LOGIN {name}", (3,), True, (secret,)), login("AUTH PLAIN", (3,), False, ("*",)), login("AUTH CRAM-MD5", (), False),
        login("AUTH PLAIN !!!", (), False), login(f"AUTH PLAIN {wrong}", (), False),
        sender("MAIL FROM:<news@shop.test>", 12), sender("MAIL FROM:<news@shop.test> BODY=8BITMIME SIZE=5", 3, has_parameters=True),
        sender("MAIL FROM:<news@shop.test> RET=FULL ENVID=x+2By", has_parameters=True), sender("MAIL FROM:<news@shop.test> SMTPUTF8", 2, has_parameters=True, is_utf8=True),
        sender("MAIL FROM:<grüße@shop.test>", fault=True), sender("MAIL FROM:<grüße@shop.test> SMTPUTF8", has_parameters=True, is_utf8=True),
        sender("MAIL FROM:<boss@other.test>", fault=True), sender(f"MAIL FROM:<news@shop.test> SIZE={MESSAGE_MAX + 1}", fault=True),
        *(Step(b"MAIL FROM:" + path) for path in (b"x", b"<a@b", b"<news@shop.test> SIZE=x", b"<news@shop.test> COLOUR=red", b"<news@shop.test> SIZE=1 SIZE=1")),
        recipient("RCPT TO:<a@example.org>", 12), recipient("RCPT TO:<b@example.org>", 4), recipient("RCPT TO:<žofie@example.org>", needs_utf8=True),
        recipient("RCPT TO:<c@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c@example.org", has_parameters=True),
        *(Step(b"RCPT TO:" + path) for path in (b"x", b"<>", b"<a@b", b"<a@example.org> NOTIFY=NEVER,DELAY", b"<a@example.org> COLOUR=red")),
        *(Step(b"DATA", lambda m, taken=taken: data(m, taken), {RECIPIENTS}, weight=8 if content == HEAD else 1, ends_segment=True, content=content)
          for content, taken in CONTENTS.items()),
        chunks(HEAD, True, 3), chunks(HEAD, False, 3), chunks(b"more\r\n", False), chunks(b"\r\n.\r\nQUIT\r\n", True), chunks(b"", True, 2), chunks(b"", False),
        chunks(BARE, False), chunks(BARE, True), chunks(HEAD + LONG, False), chunks(HEAD + LONG, True),
        Step(b"BDAT %d LAST" % (MESSAGE_MAX + 1), lambda m: m.close(5), ends_segment=True),
    ]


class Talk:
    """One connection's dialogues."""

    def __init__(self, place, seed):
        self.random, self.place, self.count = random.Random(seed), place, 0
        self.model = Model(self.random.random() < 0.3)
        self.wire = Wire(place.way["tls" if self.model.has_tls else "starttls"], greets=False)
        self.steps = steps(place.user, place.password)
        self.weights = {state: [self.weight(step, state) for step in self.steps] for state in ANY}
        self.batch, self.history = [], []

    @staticmethod
    def weight(step, state):
        """What leads on is said more often."""
        leads_on = step.run and step.weight > 1 and state in step.may and step.is_idle == (state == NEW)
        return step.weight * (12 if leads_on else 1)

    def run(self):
        while not self.model.is_closed and self.count < A_CONNECTION:
            self.count += 1
            for _ in range(self.random.randint(2, 14)):
                if not self.model.is_closed:
                    self.say(self.random.choices(self.steps, self.weights[self.model.state])[0])
        self.flush()
        if not self.model.is_closed:
            self.say(Step(b"QUIT", lambda m: m.close(2), ends_segment=True))
        assert self.wire.rest() == [], "the server is through as well"

    def say(self, step):
        has_tls, expected = self.model.has_tls, list(step.expect(self.model))
        self.batch.append((step, expected))
        if step.ends_segment or self.model.is_closed or self.random.random() < 0.3:
            self.flush()
        if self.model.has_tls and not has_tls:
            self.wire.wrap()

    def flush(self):
        """Send the batch, cut somewhere, and take its replies."""
        if not self.batch:
            return
        data = b"".join(step.line + b"\r\n" + step.chunk for step, _ in self.batch)
        at = self.random.randrange(len(data)) if self.random.random() < 0.2 else 0
        self.wire.send(data[:at])
        self.wire.send(data[at:])
        for step, expected in self.batch:
            self.take(step, expected)
        self.batch = []

    def take(self, step, expected):
        answers = list(step.answers) if step.content is None else [step.content + b".\r\n"]
        for i, kind in enumerate(expected):
            try:
                got = self.wire.reply()
            except Closed as closed:
                got = 0, f"closed {closed}"
            self.history.append(f"{step.line[:80]!r} expected {expected} got {got[1]!r}")
            assert got[0] // 100 == kind, "\n".join(["the session and its model disagree:", *self.history[-25:], repr(self.model)])
            if got[0] // 100 == 3:
                self.wire.send(answers[i])


@pytest.fixture
def place(request):
    place = Place(fresh_database(request), **{"smtp.auth_without_tls": "loopback", "smtp.message_max": MESSAGE_MAX})
    yield place
    place.close()


def test_dialogues_at_random_go_as_the_model_says(place, pytestconfig):
    """The session is the same on both stores; PostgreSQL gets fewer, a look into it being a program's start."""
    many = min(DIALOGUES, 100_000 if pytestconfig.getoption("--database") == "sqlite" else 10_000)
    total, seed, stored = 0, SEED, 0
    begin = time.monotonic()
    while total < many:
        talk = Talk(place, seed)
        try:
            talk.run()
            stored += talk.model.stored
            assert place.accepted() == stored, "messages stored"
        except AssertionError as failed:
            raise AssertionError(f"POSTHORN_SEED={seed}: {failed}") from None
        finally:
            talk.wire.close()
        total, seed = total + talk.count, seed + 1
    print(f"{total} dialogues on {seed - SEED} connections, {stored} messages, {time.monotonic() - begin:.0f} s")
    assert stored > many // 10, "they lead somewhere"
