"""kill -9 while events go to the operator's feed: every event that stands is there at least once, in lines that are whole, and none that
does not stand (P3). The reader of a socket may hang up besides.

SPDX-License-Identifier: Apache-2.0"""
import json
import random
import shutil
import socket
import threading
import time

import pytest

import books
from gateway import Gateway, wait_for
from postgres import Postgres
from test_webhook_kill import Sender


class Reader(threading.Thread):
    """Takes a batch when it has read it to its end; hangs up in the middle of one now and then, and forgets what it had of it."""

    def __init__(self, path, chance):
        super().__init__(daemon=True)
        self.chance, self.lines, self.cut = chance, [], 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.start()

    def run(self):
        while True:
            peer, _ = self.listener.accept()
            with peer:
                data = b""
                if self.chance.random() < 0.1:
                    peer.recv(100)
                    self.cut += 1
                    continue
                try:
                    while piece := peer.recv(65536):
                        data += piece
                except OSError:
                    continue
                # Half a batch is what a killed gateway leaves: its last line may be half a line, and the batch comes again.
                self.lines += data.split(b"\n")[:-1]


@pytest.mark.parametrize("kind,store", [("file", "sqlite"), ("unix", "sqlite"), ("file", "pgsql")])
def test_p3_kill_9_forgets_no_event(full, kind, store, tmp_path):
    server = Postgres() if store == "pgsql" else None
    try:
        kill_and_count(full, kind, tmp_path, server and server.fresh())
    finally:
        if server:
            server.close()


def told_bytes(reader, path):
    return len(reader.lines) if reader else path.stat().st_size if path.exists() else 0


def kill_and_count(full, kind, folder, database):
    messages, each, kills = (400, 50, 25) if full else (12, 15, 4)
    goal = messages * each * 2
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    path = folder / "feed"
    reader = Reader(path, chance) if kind == "unix" else None
    gateway = Gateway(database=database, **{"events.feed": f"{kind}:{path}", "log.level": "warn"}).start()
    tenant = gateway.tenant("shop.test")
    sender = Sender(gateway, tenant.key, messages, each)
    for n in range(kills):
        wanted = (n + chance.random()) * goal / (kills + 1)
        wait_for(lambda: int(gateway.rows("select count(*) from events")[0][0]) >= wanted, 300, "events")
        if n % 2:
            time.sleep(chance.random() * 0.4)
        else:  # the worst moment: a batch is there, and still noted as waiting
            size, end = told_bytes(reader, path), time.monotonic() + 2
            while told_bytes(reader, path) == size and time.monotonic() < end:
                pass
        gateway.kill()
        gateway.start()
    sender.join(600)
    assert not sender.is_alive() and not sender.wrong, sender.wrong
    wait_for(lambda: gateway.cli_json("queue", "top")["Total"] == 0, 600, "the queue to drain")
    wait_for(lambda: gateway.rows("select count(*) from feed_outbox") == [("0",)], 600, "all to be told")
    stand = {row[0] for row in gateway.rows("select id from events")}
    gateway.stop()
    if reader:
        lines = reader.lines
    else:
        text = path.read_bytes()
        assert text.endswith(b"\n")
        lines = text.split(b"\n")[:-1]
    told = [json.loads(line)["EventId"] for line in lines]
    print(f"{len(stand)} events, {len(told) - len(set(told))} told again, {reader.cut if reader else 0} times hung up")
    assert set(told) == stand and len(stand) >= goal
    books.check(gateway)
    shutil.rmtree(gateway.folder, ignore_errors=True)
