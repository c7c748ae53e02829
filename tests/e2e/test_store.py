"""The store as its operator looks after it: copies while it is used, databases made out of one, what is old, people to be forgotten.

SPDX-License-Identifier: Apache-2.0"""
import shutil
import sqlite3
import threading
import time
from contextlib import closing

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
    for copy in (quiet.folder / "data").glob("*.copy"):  # what has its name is whole
        with closing(sqlite3.connect(copy)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert db.execute("SELECT count(*) FROM bodies").fetchone() == (40,)
    quiet.start()
    assert not list((quiet.folder / "data").glob("*.part"))  # half a copy is as big as half the database
    assert quiet.cli_json("store", "check")["IsSound"] is True
    assert quiet.rows("SELECT count(*) FROM bodies") == [("40",)]
    time.sleep(1.1)  # a copy's name is its second
    said = quiet.cli_json("store", "backup")
    assert (quiet.folder / "data" / said["File"]).exists()


def test_P8_a_copy_leaves_room_on_the_disk(quiet):
    if not is_sqlite(quiet):
        pytest.skip("a copy is SQLite's")
    quiet.stop()
    quiet.options["store.disk_free"] = "1000000000"  # megabytes, which no disk has
    quiet.start()
    r = quiet.cli("store", "backup", check=False)
    assert r.returncode == 1 and b"no room for a copy" in r.stderr and b"disk_free" in r.stderr, r.stderr
    assert not list((quiet.folder / "data").glob("posthorn-*"))


def test_P7_what_a_killed_restore_left_comes_into_no_other(quiet):
    if not is_sqlite(quiet):
        pytest.skip("a file is SQLite's")
    tenant = quiet.tenant()
    copy = quiet.folder / "data" / quiet.cli_json("store", "backup")["File"]
    quiet.sent(tenant.key)
    quiet.kill()
    data = quiet.folder / "data"
    shutil.copy(data / "posthorn.db-wal", data / "restore.db.part-wal")  # of another database, by the name of the next one's
    assert (data / "restore.db.part-wal").stat().st_size > 0
    (data / "restore.db.part").write_bytes(b"half")
    quiet.cli("store", "restore", str(copy))
    assert not list(data.glob("restore*"))
    quiet.start()
    assert quiet.cli_json("store", "check")["IsSound"] is True
    assert quiet.rows("SELECT count(*) FROM messages") == [("0",)]


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
    said = quiet.cli_json("erase", "hIM@example.org", "--account", tenant.email)  # however it is spelled
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


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def test_an_account_says_how_long_it_keeps(sandbox):
    tenant = sandbox.tenant()
    headers = bearer(tenant.api_key)
    both = {"BodyDays": 30, "EventDays": 400}
    assert sandbox.request("GET", "/api/v1/retention", headers=headers)[2] == {
        "Retention": both, "Own": {"BodyDays": 0, "EventDays": 0}, "Otherwise": both, "Most": both}
    for wish in ({"BodyDays": 31}, {"EventDays": 401}, {"BodyDays": -1}, {"EventDays": "many"}):
        status, _, answer = sandbox.request("PUT", "/api/v1/retention", wish, headers)
        assert status == 422 and [e["Field"] for e in answer["Errors"]] == list(wish)
    assert sandbox.request("PUT", "/api/v1/retention", {"BodyDays": 2}, headers)[2]["Retention"] == {"BodyDays": 2, "EventDays": 400}
    assert sandbox.api("Retention.Set", APIKey=tenant.api_key, EventDays=5)["Retention"] == {"BodyDays": 2, "EventDays": 5}
    send_many(sandbox, tenant.key, 1)
    wait_for(lambda: sandbox.events_total(tenant.key, Event="delivery") == 1)
    sandbox.sql(f"UPDATE bodies SET created_at = created_at - {3 * DAY}")
    assert sandbox.cli_json("store", "prune")["Bodies"] == 1
    # What the operator allows later holds for what was said before.
    sandbox.stop()
    sandbox.options["keep.event_days_max"] = "3"
    sandbox.start()
    said = sandbox.cli_json("retention", "show", "--account", tenant.email)
    assert (said["Retention"]["EventDays"], said["Own"]["EventDays"], said["Most"]) == (3, 5, {"BodyDays": 30, "EventDays": 3})
    assert b"Events: 2 days" in sandbox.cli("retention", "set", "event_days=2", "--account", tenant.email).stdout


def test_P6_an_account_orders_that_a_person_is_forgotten(sandbox):
    tenant, other = sandbox.tenant(), sandbox.tenant("other.test")
    headers = bearer(tenant.api_key)
    sandbox.sent(tenant.key, to="Ann@Example.org", Subject="Secret plans of Ann")
    sandbox.sent(other.key, to="ann@example.org", sender="news@other.test")
    wait_for(lambda: sandbox.events_total(tenant.key, Event="delivery") == 1 and sandbox.events_total(other.key, Event="delivery") == 1)
    assert sandbox.request("POST", "/api/v1/erasures", {}, headers)[2]["Errors"][0]["Code"] == 1
    assert sandbox.request("POST", "/api/v1/erasures", {"EmailAddress": "ann"}, headers)[2]["Errors"][0]["Code"] == 4
    order = sandbox.request("POST", "/api/v1/erasures", {"EmailAddress": "ann@example.org"}, headers)[2]["ErasureID"]

    def state():
        return sandbox.request("GET", f"/api/v1/erasures/{order}", headers=headers)[2]["Erasure"]
    wait_for(lambda: state()["State"] == "done", 90)
    done = state()
    assert (done["Recipients"], done["Events"], done["Contents"], done["Waiting"]) == (1, 2, 1, 0)
    assert sandbox.api("Erasure.Browse", APIKey=tenant.api_key)["Erasures"] == [done]
    assert sandbox.api("Erasure.Get", APIKey=tenant.api_key, ErasureID=order)["Erasure"] == done
    assert sandbox.request("GET", f"/api/v1/erasures/{order}", headers=bearer(other.api_key))[0] == 404
    assert sandbox.request("GET", "/api/v1/erasures", headers=bearer(other.api_key))[2]["Erasures"] == []
    assert sandbox.events_total(tenant.key) == 0 and sandbox.events_total(other.key) == 2
    assert sandbox.events_total(tenant.key, Query="secret") == 0 and sandbox.events_total(tenant.key, Query="recipient:ann@example.org") == 0
    assert sandbox.request("POST", "/api/v1/suppressions/check", {"EmailAddresses": ["ann@example.org"]}, headers)[2]["Results"]["ann@example.org"]["IsSuppressed"]
    assert sandbox.send(tenant.key, to="ann@example.org")[1]["Errors"][0]["Code"] == 14
    if is_sqlite(sandbox):  # nowhere, in any spelling, but with the other account
        sandbox.cli("store", "backup")
        with_him = [(table, column) for table, column in text_columns(sandbox) if sandbox.rows(
            f"SELECT count(*) FROM {table} WHERE CAST({column} AS TEXT) LIKE '%ann@example.org%'") != [("0",)]]
        assert sorted({table for table, _ in with_him}) == ["bodies", "events", "inbox", "recipients"], with_him
        assert sandbox.rows("SELECT DISTINCT account_id FROM recipients") == [(str(other.user_id),)]


def text_columns(gateway):
    tables = [t for (t,) in gateway.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%fts%' AND sql NOT LIKE '%VIRTUAL%'")]
    return [(table, column) for table in tables for (column,) in gateway.rows(f"SELECT name FROM pragma_table_info('{table}')")]


def test_P8_orders_of_an_account_are_bounded(quiet):
    tenant = quiet.tenant()
    quiet.sent(tenant.key, to="held@example.org")
    for i in range(20):
        assert quiet.request("POST", "/api/v1/erasures", {"EmailAddress": f"a{i}@example.org"}, bearer(tenant.api_key))[0] == 200
    status, headers, answer = quiet.request("POST", "/api/v1/erasures", {"EmailAddress": "one@example.org"}, bearer(tenant.api_key))
    assert (status, answer["Errors"][0]["Code"]) == (429, 3) and int(headers["Retry-After"]) >= 1
