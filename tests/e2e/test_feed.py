"""The operator's feed of events: a line an event, to a file or a socket, at least once, whatever becomes of whoever reads it.

SPDX-License-Identifier: Apache-2.0"""
import json
import os
import shutil
import socket
import threading

import pytest

from gateway import Gateway, free_port, wait_for


@pytest.fixture
def make(database):
    """start(**options) -> a gateway and a tenant of it."""
    made = []

    def start(feed, **options):
        gateway = Gateway(database=database, events__feed=feed, **options)
        made.append(gateway)
        return gateway.start(), gateway.tenant()

    yield start
    for gateway in made:
        if gateway.process and gateway.process.poll() is None:
            gateway.stop()
        shutil.rmtree(gateway.folder, ignore_errors=True)


def lines(path):
    """The events of a file, whose lines are all whole."""
    text = path.read_text() if path.exists() else ""
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def by_id(events):
    return {e["EventId"]: e for e in events}


def is_told(gateway):
    return gateway.rows("select count(*) from feed_outbox") == [("0",)]


def send(gateway, tenant, count):
    """Send, and wait until each is delivered and told of."""
    before = gateway.events_total(tenant.key, Event="delivery")
    for n in range(count):
        gateway.sent(tenant.key, Subject=f"Grüße {n}", Tags=["a", "b\"c"])
    wait_for(lambda: gateway.events_total(tenant.key, Event="delivery") == before + count and is_told(gateway), what="all to be told")


def metric(gateway, name):
    text = gateway.request("GET", "/metrics")[2]
    return int(next(line for line in text.splitlines() if line.startswith(f"posthorn_{name} ")).split()[1])


class Collector(threading.Thread):
    """Listens as common collectors do: reads a connection to its end, closes it. `refuse` tells of which it reads little and hangs up."""

    def __init__(self, listener, refuse=()):
        super().__init__(daemon=True)
        self.listener, self.refuse, self.batches, self.cut = listener, refuse, [], 0
        self.start()

    def run(self):
        n = 0
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                if n in self.refuse:
                    peer.recv(10)
                    self.cut += 1
                else:
                    self.batches.append(b"".join(iter(lambda: peer.recv(65536), b"")))
            n += 1

    def events(self):
        return [json.loads(line) for batch in self.batches for line in batch.splitlines()]


# ---- files ----
def test_p3_a_file_gets_each_event_as_the_api_shows_it(make, tmp_path):
    path = tmp_path / "events.ndjson"
    gateway, tenant = make(f"file:{path}")
    send(gateway, tenant, 5)
    told, shown = lines(path), by_id(gateway.events(tenant.key))
    assert len(told) == 10 == len(shown) and by_id(told) == shown
    assert os.stat(path).st_mode & 0o777 == 0o640
    assert metric(gateway, "feed_events_total") == 10 and metric(gateway, "feed_lag_seconds") == 0
    log = gateway.log.read_text()
    assert "feed.begins" in log and "events_from=" in log


def test_a_moved_file_gets_no_more_and_half_a_line_is_cut_off(make, tmp_path):
    path, old = tmp_path / "events.ndjson", tmp_path / "events.1"
    gateway, tenant = make(f"file:{path}")
    send(gateway, tenant, 2)
    path.rename(old)
    send(gateway, tenant, 3)
    assert len(lines(old)) == 4 and len(lines(path)) == 6
    with open(path, "a") as f:
        f.write('{"EventId":"half a line')
    send(gateway, tenant, 1)
    told = lines(path)
    assert len(told) == 8 and by_id(told + lines(old)) == by_id(gateway.events(tenant.key))


def test_a_folder_that_is_not_there_is_waited_for_and_alerted(make, tmp_path):
    path = tmp_path / "later" / "events.ndjson"
    gateway, tenant = make(f"file:{path}", alerts__feed="1s", alerts__every="1s", alerts__calm="1s")
    gateway.sent(tenant.key)
    wait_for(lambda: "feed.waits" in gateway.log.read_text(), what="the log to tell")
    wait_for(lambda: any(a["Kind"] == "feed" for a in gateway.cli_json("alerts", "list")["Alerts"]), what="the alert")
    assert metric(gateway, "feed_failures_total") > 0 and not is_told(gateway)
    path.parent.mkdir()
    wait_for(lambda: is_told(gateway), what="the feed to go on")
    assert by_id(lines(path)) == by_id(gateway.events(tenant.key)) and gateway.log.read_text().count("event=feed.waits") == 1
    assert "feed.goes-on" in gateway.log.read_text()


def test_what_is_no_file_is_not_written_to(make, tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    gateway, tenant = make(f"file:{path}")
    gateway.sent(tenant.key)
    wait_for(lambda: "no regular file" in gateway.log.read_text(), what="the log to tell")
    assert not is_told(gateway)


def test_p3_what_waits_survives_a_stop_and_a_feed_that_is_gone_for_a_while(make, tmp_path):
    path, options = tmp_path / "events.ndjson", {}
    gateway, tenant = make(f"file:{tmp_path / 'nowhere' / 'x'}", **options)
    gateway.sent(tenant.key)
    wait_for(lambda: gateway.events_total(tenant.key) == 2, what="the delivery")
    gateway.stop()
    first = by_id(gateway.start().events(tenant.key))
    gateway.stop()
    gateway.options["events.feed"] = ""
    gateway.start()
    gateway.sent(tenant.key)
    wait_for(lambda: gateway.events_total(tenant.key) == 4, what="the delivery")
    gateway.stop()
    gateway.options["events.feed"] = f"file:{path}"
    gateway.start()
    wait_for(lambda: is_told(gateway), what="the feed")
    assert by_id(lines(path)) == first  # what happened between two feeds is not told, and the log says from when
    log = gateway.log.read_text()
    assert log.count("feed.begins") == 2 and log.count("feed.ends") == 1


def test_who_is_forgotten_is_not_told_of(make, tmp_path):
    path = tmp_path / "later" / "events.ndjson"
    gateway, tenant = make(f"file:{path}")
    gateway.sent(tenant.key, to="gone@example.org")
    gateway.sent(tenant.key, to="stays@example.org")
    wait_for(lambda: gateway.events_total(tenant.key) == 4, what="the deliveries")
    gateway.cli("erase", "gone@example.org")
    wait_for(lambda: gateway.events_total(tenant.key) == 2, what="him to be forgotten")
    path.parent.mkdir()
    wait_for(lambda: is_told(gateway), what="the feed")
    assert [e["Recipient"] for e in lines(path)] == ["stays@example.org"] * 2 and "gone@" not in path.read_text()


# ---- sockets ----
def test_p3_a_reader_that_hangs_up_gets_the_batch_again(make, tmp_path):
    path = tmp_path / "feed.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        collector = Collector(listener, refuse=(0, 2))
        gateway, tenant = make(f"unix:{path}")
        send(gateway, tenant, 3)
        send(gateway, tenant, 3)
        told = collector.events()
        assert collector.cut >= 1 and by_id(told) == by_id(gateway.events(tenant.key))


def test_a_reader_who_stops_holds_nobody_up(make):
    port = free_port()
    gateway, tenant = make(f"tcp:127.0.0.1:{port}")
    gateway.sent(tenant.key)
    wait_for(lambda: "feed.waits" in gateway.log.read_text(), what="the log to tell")
    with socket.create_server(("127.0.0.1", port)) as silent:  # takes connections and never reads
        wait_for(lambda: silent.accept(), what="a call")
        for _ in range(3):
            gateway.sent(tenant.key)
        wait_for(lambda: gateway.events_total(tenant.key, Event="delivery") == 4, what="deliveries to go on")
        assert not is_told(gateway)
        gateway.stop()  # at once, whatever the feed waits for
    with socket.create_server(("127.0.0.1", port)) as listener:
        collector = Collector(listener)
        gateway.start()
        wait_for(lambda: is_told(gateway), what="the feed")
        assert by_id(collector.events()) == by_id(gateway.events(tenant.key))


def test_targets_that_are_none_are_refused(sandbox):
    for target in ("relative/path", "file:relative", "tcp:nobody", "tcp:127.0.0.1", "tcp:unix:/x", "unix:", "file:/", "http://127.0.0.1/"):
        said = sandbox.cli("check-config", "-o", f"events.feed={target}", check=False)
        assert said.returncode != 0 and b"events.feed" in said.stderr, (target, said.stdout[-200:])
