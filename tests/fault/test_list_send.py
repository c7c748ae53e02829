"""kill -9 while a list is sent to and while a file is imported: everybody once (P1, P2), and the counts say so.

SPDX-License-Identifier: Apache-2.0"""
import random
import shutil
import time

import pytest

from gateway import Gateway, wait_for
from postgres import Postgres

KILLS = 3


@pytest.mark.parametrize("store", ["sqlite", "pgsql"])
def test_p1_p2_kill_9_while_a_list_is_worked_off(full, store):
    server = Postgres() if store == "pgsql" else None
    try:
        kill_and_count(20000 if full else 3000, server and server.fresh())
    finally:
        if server:
            server.close()


def kill_and_count(count, database):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    gateway = Gateway(database=database, **{"log.level": "warn"}).start()
    tenant = gateway.tenant("shop.test")
    user, sender = ({"Authorization": f"Bearer {key}"} for key in (tenant.api_key, tenant.key))
    list_id = ask(gateway, "POST", "/api/v1/lists", user, {"Name": "Everybody"})["ListID"]

    csv = "Email,FirstName\n" + "".join(f"s{i}@there.test,\"Name\n{i}\"\n" for i in range(count)) + "no address\n"
    job = f"/api/v1/imports/{ask(gateway, 'POST', f'/api/v1/lists/{list_id}/import', user, {'Content': csv})['ImportID']}"
    hit = kill_on_the_way(gateway, chance, "select position * 1.0 / size, state from imports")
    wait_for(lambda: ask(gateway, "GET", job, user)["ImportJob"]["ImportStatus"] == "Completed", 300, "the import")
    done = ask(gateway, "GET", job, user)["ImportJob"]
    assert (done["TotalImported"], done["TotalDuplicates"], done["TotalFailed"]) == (count, 0, 1), done
    assert done["Errors"] == [{"Line": 2 * count + 2, "Reason": "the e-mail address is invalid"}]
    assert numbers(gateway, "select count(*), count(distinct email_key) from subscribers") == [count, count]

    message = {"From": {"email": "me@shop.test", "name": ""}, "Subject": "Hi {{FirstName}}", "ContentType": "plain",
               "PlainContent": "Hello", "TargetListID": list_id, "SendAt": int(time.time()) + 86400}
    answer = ask(gateway, "POST", "/api/v1/email", sender, message)
    job = f"/api/v1/list-sends/{answer['MessageID'][0]}"
    hit += kill_on_the_way(gateway, chance, "select sent * 1.0 / total, state from list_sends")
    wait_for(lambda: ask(gateway, "GET", job, sender)["ListSend"]["State"] == "Sent", 300, "the list send")
    done = ask(gateway, "GET", job, sender)["ListSend"]
    assert (done["Total"], done["Sent"], done["Skipped"]) == (count, count, 0), done
    assert numbers(gateway, "select count(*), count(distinct address) from recipients") == [count, count], "P1, P2"
    assert numbers(gateway, "select count(*) from messages") == [count]
    assert numbers(gateway, "select count(*), count(distinct recipient_id) from events where type = 1") == [count, count], "P3"
    assert hit, "every kill found an idle gateway"
    gateway.stop()
    shutil.rmtree(gateway.folder, ignore_errors=True)


def kill_on_the_way(gateway, chance, progress):
    """Kill at KILLS random parts of the way; how many of them found work going on."""
    hit = 0
    for k in range(KILLS):
        part = (k + chance.random()) / KILLS

        def is_there():
            done, state = gateway.rows(progress)[0]
            return float(done) >= part or int(state) != 0

        wait_for(is_there, 300, "progress")
        gateway.kill()
        hit += int(gateway.rows(progress)[0][1]) == 0
        gateway.start()
    return hit


def numbers(gateway, query):
    return [int(n) for n in gateway.rows(query)[0]]


def ask(gateway, method, path, headers, body=None):
    status, _, answer = gateway.request(method, path, body, headers)
    assert status in (200, 201, 202), (status, answer)
    return answer
