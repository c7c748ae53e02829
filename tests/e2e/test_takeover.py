"""Two gateways on one PostgreSQL database: the second takes over, the first ends and says why; nothing is lost between them (P1, P4, P7).

SPDX-License-Identifier: Apache-2.0"""
import shutil
import threading
from pathlib import Path

import pytest

from gateway import Gateway, wait_for

pytestmark = pytest.mark.skipif(not list(Path("/usr/lib/postgresql").glob("*/bin")), reason="needs PostgreSQL")


class Pair:
    def __init__(self, database):
        self.first = Gateway(database=database)
        self.second = Gateway(database=database, keys__master=self.first.master_key())

    def first_has_ended(self):
        wait_for(lambda: self.first.process.poll() is not None, what="the first gateway to end")
        assert self.first.process.returncode == 1
        told = [line for line in self.first.log.read_text().splitlines() if "another gateway has taken over this database" in line]
        assert len(told) == 1 and "level=error" in told[0], self.first.log.read_text()[-4000:]

    def close(self):
        for gateway in (self.first, self.second):
            if gateway.process and gateway.process.poll() is None:
                gateway.stop()
            shutil.rmtree(gateway.folder, ignore_errors=True)


@pytest.fixture
def pair(postgres):
    pair = Pair(postgres.fresh())
    yield pair
    pair.close()


def test_p1_p4_a_takeover_under_load_loses_nothing(pair):
    key = pair.first.start().tenant("shop.test").key
    acknowledged, others = [], []

    def send_until_refused():
        while True:
            try:
                status, answer = pair.first.send(key)
            except OSError:  # it has ended
                return
            if status != 200:
                return others.append(status)
            acknowledged.append(answer["MessageID"])

    senders = [threading.Thread(target=send_until_refused) for _ in range(4)]
    for sender in senders:
        sender.start()
    wait_for(lambda: len(acknowledged) > 20, what="messages to be accepted")
    pair.second.start()
    for sender in senders:
        sender.join(60)
    assert set(others) <= {503}
    pair.first_has_ended()
    wait_for(lambda: pair.second.cli_json("queue", "list")["Queue"] == [], what="the second to deliver all")
    for message in acknowledged:
        assert pair.second.event_types(key, message) == ["send", "delivery"]


def test_p4_an_idle_gateway_ends_when_it_is_asked_for_anything(pair):
    key = pair.first.start().tenant("shop.test").key
    pair.second.start()
    try:
        assert pair.first.send(key)[0] == 503
    except OSError:  # it looks once a second whether a webhook is due, and was told then
        pass
    pair.first_has_ended()
    assert pair.second.event_types(key, pair.second.sent(key))[0] == "send"


def test_p4_a_probe_is_enough(pair):
    pair.first.start()
    pair.second.start()
    assert not pair.first.is_ready()
    pair.first_has_ended()
