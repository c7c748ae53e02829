"""The store as its operator looks after it: copies while it is used, databases made out of one, what is old, people to be forgotten.

SPDX-License-Identifier: Apache-2.0"""
import shutil
import threading
import time

import pytest

from gateway import Gateway, mail, wait_for

DAY = 86400000


@pytest.fixture
def quiet(database):
    """Its deliveries are paused, so what is sent waits."""
    gateway = Gateway(database=database)
    with gateway:
        gateway.cli("pause")
        yield gateway
    shutil.rmtree(gateway.folder, ignore_errors=True)


def is_sqlite(gateway):
    return "data.url" not in gateway.options


def send_many(gateway, key, count, size=2000):
    return [gateway.sent(key, PlainContent=f"Letter {i}\n" * (size // 10)) for i in range(count)]


def test_P8_sizes_and_soundness(sandbox):
    tenant = sandbox.tenant()
    send_many(sandbox, tenant.key, 5)
    wait_for(lambda: sandbox.events_total(tenant.key, Event="delivery") == 5)
    said = sandbox.cli_json("store", "stats")
    assert said["Engine"] == ("sqlite" if is_sqlite(sandbox) else "postgresql") and said["Bytes"] > 100000
    rows = {t["Name"]: t["Rows"] for t in said["Tables"]}
    assert rows["messages"] == 5 and rows["bodies"] == 5 and rows["events"] == 10
    said = sandbox.cli_json("store", "check")
    assert said["IsSound"] is True and said["Breaches"] == 0 and len(said["Rules"]) == 3


def test_what_is_old_goes(sandbox):
    tenant = sandbox.tenant()
    old, young = send_many(sandbox, tenant.key, 2)
    wait_for(lambda: sandbox.events_total(tenant.key, Event="delivery") == 2)
    first = sandbox.rows("SELECT MIN(id) FROM messages")[0][0]
    sandbox.sql(f"UPDATE bodies SET created_at = created_at - {31 * DAY} WHERE message_id = {first}")
    said = sandbox.cli_json("store", "prune")
    assert (said["Bodies"], said["Events"], said["Messages"]) == (1, 0, 0) and said["Bytes"] > 0
    assert sandbox.rows("SELECT count(*) FROM bodies") == [("1",)]
    assert sandbox.event_types(tenant.key, old) == ["send", "delivery"] == sandbox.event_types(tenant.key, young)
    assert sandbox.cli_json("store", "prune")["Bodies"] == 0


def test_P2_a_restored_copy_holds_its_queue(quiet):
    if not is_sqlite(quiet):
        r = quiet.cli("store", "backup", check=False)
        assert r.returncode == 1 and b"pg_dump" in r.stderr
        r = quiet.cli("store", "restore", str(quiet.log), check=False)
        assert r.returncode == 1 and b"own tools" in r.stderr
        quiet.stop()
        assert b"held" in quiet.cli("store", "restore").stdout
        quiet.start()
        return
    tenant = quiet.tenant()
    before = send_many(quiet, tenant.key, 30)
    stop = threading.Event()

    def keep_sending():
        while not stop.is_set():
            quiet.sent(tenant.key, PlainContent="while it is copied\n" * 1000)

    sender = threading.Thread(target=keep_sending)
    sender.start()
    said = quiet.cli_json("store", "backup")
    stop.set()
    sender.join()
    copy = quiet.folder / "data" / said["File"]
    assert copy.stat().st_size == said["Bytes"]
    after = quiet.sent(tenant.key)
    r = quiet.cli("store", "restore", str(copy), check=False)
    assert r.returncode == 1 and b"stop the gateway first" in r.stderr
    quiet.cli("resume")
    wait_for(lambda: "delivery" in quiet.event_types(tenant.key, after))
    quiet.stop()
    newest = int(quiet.rows("SELECT MAX(id) FROM messages")[0][0])
    assert b"before-restore-" in quiet.cli("store", "restore", str(copy)).stdout
    assert not list((quiet.folder / "data").glob("*.part*"))
    quiet.start()
    assert quiet.cli_json("store", "check")["IsSound"] is True
    status, _, _ = quiet.request("GET", f"/api/v1/messages/{after}", headers={"Authorization": f"Bearer {tenant.key}"})
    assert status == 404  # it came after the copy
    sent = quiet.sent(tenant.key)
    assert int(quiet.rows("SELECT MAX(id) FROM messages")[0][0]) > newest + 10**8  # P9: no number twice
    time.sleep(1)
    assert quiet.event_types(tenant.key, before[0]) == quiet.event_types(tenant.key, sent) == ["send"]  # nothing is sent by surprise
    quiet.cli("resume")
    wait_for(lambda: "delivery" in quiet.event_types(tenant.key, before[0]) and "delivery" in quiet.event_types(tenant.key, sent))


def test_a_copy_that_is_none_is_refused(quiet):
    if not is_sqlite(quiet):
        pytest.skip("a file is SQLite's")
    quiet.stop()
    was = quiet.database().read_bytes()
    for content in (b"", b"not a database at all" * 1000, was[: len(was) // 2]):
        bad = quiet.folder / "bad.copy"
        bad.write_bytes(content)
        r = quiet.cli("store", "restore", str(bad), check=False)
        assert r.returncode == 1 and r.stderr.startswith(b"posthorn: ") and r.stderr.count(b"\n") == 1
    assert quiet.database().read_bytes() == was
    quiet.start()


def test_P7_a_kill_in_the_middle_of_a_copy(quiet):
    if not is_sqlite(quiet):
        pytest.skip("a copy is SQLite's")
    tenant = quiet.tenant()
    send_many(quiet, tenant.key, 40, 200000)
    copier = threading.Thread(target=lambda: quiet.cli("store", "backup", check=False))
    copier.start()
    wait_for(lambda: list((quiet.folder / "data").glob("*.copy*")), 20)
    quiet.kill()
    copier.join()
    quiet.start()
    assert quiet.cli_json("store", "check")["IsSound"] is True
    assert quiet.rows("SELECT count(*) FROM bodies") == [("40",)]
    time.sleep(1.1)  # a copy's name is its second
    said = quiet.cli_json("store", "backup")
    assert (quiet.folder / "data" / said["File"]).exists()


def test_P7_kills_in_the_middle_of_pruning(quiet):
    tenant = quiet.tenant()
    send_many(quiet, tenant.key, 150, 40000)
    quiet.sql("UPDATE recipients SET state = 4")
    keep = quiet.sent(tenant.key)
    quiet.sql(f"UPDATE bodies SET created_at = created_at - {500 * DAY} WHERE message_id IN (SELECT message_id FROM recipients WHERE state = 4)")
    for i in range(4):
        pruner = threading.Thread(target=lambda: quiet.cli("store", "prune", check=False))
        pruner.start()
        time.sleep(0.05 + 0.03 * i)
        quiet.kill()
        pruner.join()
        quiet.start()
        assert quiet.cli_json("store", "check")["IsSound"] is True
    quiet.cli("store", "prune")
    assert quiet.rows("SELECT count(*) FROM bodies") == [("1",)] and quiet.rows("SELECT count(*) FROM messages") == [("151",)]
    quiet.cli("resume")
    wait_for(lambda: "delivery" in quiet.event_types(tenant.key, keep))


def test_a_person_is_forgotten(quiet):
    tenant = quiet.tenant()
    gone = quiet.sent(tenant.key, to="Him@Example.org")
    kept = quiet.sent(tenant.key, to="her@example.org")
    r = quiet.cli("erase", "nobody", check=False)
    assert r.returncode == 1
    said = quiet.cli_json("erase", "Him@example.org", "--account", tenant.email)
    assert said["ErasureID"]
    wait_for(lambda: quiet.cli_json("store", "erasures")["Erasures"][0]["State"] == "done", 200)
    done = quiet.cli_json("store", "erasures")["Erasures"][0]
    assert done["Recipients"] == 1 and done["Contents"] == 1 and len(done["Hash"]) == 64 and done["FinishedAt"]
    status, _, _ = quiet.request("GET", f"/api/v1/messages/{gone}", headers={"Authorization": f"Bearer {tenant.key}"})
    assert status == 404
    assert quiet.event_types(tenant.key, kept) == ["send"]
    for table, column in [("recipients", "address"), ("events", "recipient"), ("suppressions", "address"), ("erasures", "address")]:
        assert quiet.rows(f"SELECT count(*) FROM {table} WHERE lower({column}) = 'him@example.org'") == [("0",)]
    status, answer = quiet.send(tenant.key, mail(to="him@example.org"))
    assert status == 422 and answer["Errors"][0]["Code"] == 14
