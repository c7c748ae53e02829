"""A disk that is full for a while (strace injects ENOSPC) as a list is sent to and a file is imported: the job waits, goes on when there
is room, and everybody is there once (P1, P2, P8). Who submits by SMTP then is told to come again, and nothing is lost (P7).

SPDX-License-Identifier: Apache-2.0"""
import shutil
import smtplib
import time

import pytest

import books
from gateway import Gateway, free_port, wait_for
from test_list_send import ask, numbers

FULL = "400..403"  # writes of the writer's thread: in the middle of a slice, then of its next tries


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_p8_jobs_outlast_a_full_disk(monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")  # LeakSanitizer cannot work under another tracer
    count = 2000  # few enough for the requests themselves to stay below FULL
    gateway = Gateway(**{"log.level": "info", "delivery.mode": "live", "dns.servers": "127.0.0.1@9"}).start()
    tenant = gateway.tenant("shop.test")
    user, sender = ({"Authorization": f"Bearer {key}"} for key in (tenant.api_key, tenant.key))
    list_id = ask(gateway, "POST", "/api/v1/lists", user, {"Name": "Everybody"})["ListID"]
    gateway.stop()
    gateway.wrapper = ["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", f"inject=pwrite64:error=ENOSPC:when={FULL}"]
    gateway.start()

    csv = "Email,FirstName\n" + "".join(f"s{i}@there.test,{'x' * 200}\n" for i in range(count))
    job = f"/api/v1/imports/{ask(gateway, 'POST', f'/api/v1/lists/{list_id}/import', user, {'Content': csv})['ImportID']}"
    wait_for(lambda: ask(gateway, "GET", job, user)["ImportJob"]["ImportStatus"] != "Processing", 300, "the import")
    done = ask(gateway, "GET", job, user)["ImportJob"]
    assert (done["ImportStatus"], done["TotalImported"], done["TotalDuplicates"], done["TotalFailed"]) == ("Completed", count, 0, 0), done
    assert numbers(gateway, "select count(*) from subscribers") == [count]
    assert waits(gateway, "import"), "no slice of the import ever met the full disk"
    gateway.stop()
    gateway.start()

    message = {"From": {"email": "me@shop.test", "name": ""}, "Subject": "Hi {{FirstName}}", "ContentType": "plain",
               "PlainContent": "Hello", "TargetListID": list_id}
    job = f"/api/v1/list-sends/{ask(gateway, 'POST', '/api/v1/email', sender, message)['MessageID'][0]}"
    wait_for(lambda: ask(gateway, "GET", job, sender)["ListSend"]["State"] != "Sending", 300, "the list send")
    done = ask(gateway, "GET", job, sender)["ListSend"]
    assert (done["State"], done["Total"], done["Sent"], done["Skipped"]) == ("Sent", count, count, 0), done
    assert numbers(gateway, "select count(*), count(distinct address) from recipients") == [count, count]
    assert waits(gateway, "list-send"), "no slice of the list send ever met the full disk"
    gateway.stop()
    books.check(gateway)
    shutil.rmtree(gateway.folder, ignore_errors=True)


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_p7_a_submission_that_finds_no_room_is_not_said_to_be_there(monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    port, codes = free_port(), []
    gateway = Gateway(**{"smtp.listen": f"127.0.0.1:{port}", "smtp.auth_without_tls": "loopback"}).start()
    tenant = gateway.tenant("shop.test")
    user = gateway.api("EmailGateway.AddSMTP", APIKey=tenant.api_key, DomainID=tenant.domain_id)["SMTP"]
    gateway.stop()
    gateway.wrapper = ["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", f"inject=pwrite64:error=ENOSPC:when={FULL}"]
    gateway.start()
    letter = f"From: me@shop.test\r\nX-Posthorn-Send-At: {int(time.time()) + 86400}\r\n\r\n{'x' * 900}\r\n"  # no delivery writes as well
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
        smtp.login(user["Username"], user["Password"])
        while len(codes) < 500 and codes[-10:] != [451, *[250] * 9]:  # until it has had no room, and has some again
            smtp.mail("me@shop.test")
            smtp.rcpt("you@there.test")
            codes.append(smtp.data(letter)[0])
    assert set(codes) == {250, 451}, codes
    assert numbers(gateway, "select count(*) from messages") == [codes.count(250)]
    gateway.stop()
    books.check(gateway)
    shutil.rmtree(gateway.folder, ignore_errors=True)


def waits(gateway, kind):
    return sum("event=api.work " in line and f"kind={kind} " in line for line in gateway.log.read_text().splitlines())
