"""A disk that is nearly full (P8): new mail is refused at every door, what is there is delivered, and mail is taken again once there is room.

SPDX-License-Identifier: Apache-2.0"""
import os
import shutil
import smtplib
import subprocess

import pytest

from gateway import Gateway, free_port, mail, wait_for

NO_DISK_HAS = "1000000000"  # megabytes
LETTER = "From: news@shop.test\r\nTo: reader@example.org\r\nSubject: Hello\r\n\r\nHello\r\n"


@pytest.fixture
def gateway(database):
    gateway = Gateway(database=database, **{"smtp.listen": f"127.0.0.1:{free_port()}", "smtp.auth_without_tls": "loopback", "store.disk": "/"})
    with gateway:
        yield gateway
    shutil.rmtree(gateway.folder, ignore_errors=True)


def restart(gateway, **options):
    gateway.stop()
    gateway.options.update(options)
    gateway.start()


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def metric(gateway, name):
    page = gateway.request("GET", "/metrics")[2]
    return int(next(line.split()[1] for line in page.splitlines() if line.startswith(f"posthorn_{name} ")))


def smtp_replies(gateway, user):
    """To MAIL, or to the final dot where MAIL is taken."""
    host, port = gateway.options["smtp.listen"].split(":")
    with smtplib.SMTP(host, int(port), timeout=60) as smtp:
        smtp.login(user["Username"], user["Password"])
        code, text = smtp.mail("news@shop.test")
        if code != 250:
            return code, text.decode()
        smtp.rcpt("reader@example.org")
        code, text = smtp.data(LETTER)
        return code, text.decode()


def test_P8_no_door_takes_mail_without_room_and_nothing_else_stops(gateway):
    tenant = gateway.tenant()
    user = gateway.api("EmailGateway.AddSMTP", APIKey=tenant.api_key, DomainID=tenant.domain_id)["SMTP"]
    gateway.cli("pause")
    waiting = [gateway.sent(tenant.key) for _ in range(3)]
    restart(gateway, **{"store.disk_free": NO_DISK_HAS})
    assert metric(gateway, "disk_shut") == 1

    status, headers, answer = gateway.request("POST", "/api/v1/email", mail(), bearer(tenant.key))
    assert (status, [e["Code"] for e in answer["Errors"]]) == (507, [507]) and int(headers["Retry-After"]) > 0
    assert gateway.request("POST", "/api/v1/email/batch", {"Messages": [mail()]}, bearer(tenant.key))[0] == 507
    assert gateway.request("POST", "/api/v1/email", mail(), bearer("wrong"))[0] == 401  # who may not ask learns nothing
    code, text = smtp_replies(gateway, user)
    assert code == 452 and text.startswith("4.3.1"), (code, text)
    sent = gateway.cli("send", stdin=LETTER, check=False)
    assert sent.returncode != 0 and b"nearly full" in sent.stderr
    assert metric(gateway, "disk_refused_total") == 4
    assert gateway.rows("SELECT count(*) FROM messages") == [("3",)]
    wait_for(lambda: any(a["Kind"] == "disk" for a in gateway.cli_json("alerts", "list")["Alerts"]), what="the alert")
    assert "event=disk.shut" in gateway.log.read_text()

    gateway.cli("resume")  # deliveries, and reading, go on
    wait_for(lambda: gateway.events_total(tenant.key, Event="delivery") == 3)
    assert [gateway.event_types(tenant.key, m) for m in waiting] == [["send", "delivery"]] * 3

    restart(gateway, **{"store.disk_free": "1"})
    assert metric(gateway, "disk_shut") == 0 and gateway.send(tenant.key)[0] == 200
    assert smtp_replies(gateway, user)[0] == 250


def test_P8_a_list_send_waits_for_room(gateway):
    tenant = gateway.tenant()
    headers = bearer(tenant.api_key)
    made = gateway.request("POST", "/api/v1/lists", {"Name": "Everybody"}, headers)[2]["ListID"]
    csv = "Email\n" + "".join(f"s{i}@there.test\n" for i in range(5000))
    job = gateway.request("POST", f"/api/v1/lists/{made}/import", {"Content": csv}, headers)[2]["ImportID"]
    wait_for(lambda: gateway.request("GET", f"/api/v1/imports/{job}", headers=headers)[2]["ImportJob"]["ImportStatus"] == "Completed")
    gateway.cli("pause")
    send = gateway.sent(tenant.key, To=None, TargetListID=made)[0]
    gateway.kill()
    gateway.options["store.disk_free"] = NO_DISK_HAS
    gateway.start()

    def state():
        return gateway.request("GET", f"/api/v1/list-sends/{send}", headers=bearer(tenant.key))[2]["ListSend"]
    wait_for(lambda: "nearly full" in state()["Reason"], what="the list send to wait")
    before = state()
    assert before["State"] == "Waiting" and before["Sent"] < 5000
    assert gateway.rows("SELECT count(*) FROM messages") == [(str(before["Sent"]),)]
    restart(gateway, **{"store.disk_free": "1"})
    wait_for(lambda: state()["State"] == "Sent")
    assert gateway.rows("SELECT count(*), count(DISTINCT address) FROM recipients") == [("5000", "5000")]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root for a disk of its own")
def test_P8_the_gate_shuts_and_opens_with_the_disk(gateway):
    tenant = gateway.tenant()
    disk = gateway.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", disk], check=True)
    try:
        restart(gateway, **{"store.disk": disk, "store.disk_free": "192"})
        assert gateway.send(tenant.key)[0] == 200
        with open(disk / "others", "wb") as file:
            file.write(b"x" * (80 << 20))
        wait_for(lambda: gateway.send(tenant.key)[0] == 507)
        (disk / "others").unlink()
        wait_for(lambda: gateway.send(tenant.key)[0] == 200)
        gateway.stop()
    finally:
        subprocess.run(["umount", disk], check=True)
