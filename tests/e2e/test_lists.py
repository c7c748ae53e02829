"""Lists from the command line to the inbox: a list is filled, imported into and sent to, by the real program.

SPDX-License-Identifier: Apache-2.0"""
import gzip
import json

from gateway import Gateway, wait_for


def test_a_list_is_filled_and_sent_to():
    with Gateway() as gateway:
        tenant = gateway.tenant("shop.test")
        made = gateway.cli_json("list", "add", "News")["ListID"]
        (gateway.folder / "fields.json").write_text('{"First": "Ann", "Points": 12, "Member": true}')
        gateway.cli("subscriber", "add", "ann@there.test", "--list", str(made), "--fields", str(gateway.folder / "fields.json"))
        shown = gateway.request("GET", f"/api/v1/lists/{made}/subscribers", headers={"Authorization": f"Bearer {tenant.api_key}"})[2]
        assert shown["Subscribers"][0]["CustomFields"] == {"First": "Ann", "Points": 12, "Member": True}
        (gateway.folder / "people.csv").write_text("Email;First\nbob@there.test;Bob\nnobody;x\n")
        job = gateway.cli_json("subscriber", "import", str(gateway.folder / "people.csv"), "--list", str(made))["ImportID"]
        done = wait_for(lambda: (lambda j: j["ImportStatus"] == "Completed" and j)(gateway.cli_json("subscriber", "import-status", job)["ImportJob"]))
        assert (done["TotalImported"], done["TotalFailed"]) == (1, 1)
        assert "3     the e-mail address is invalid" in gateway.cli("subscriber", "import-status", job).stdout.decode()
        assert "Status: Active" in gateway.cli("subscriber", "show", "bob@there.test", "--list", str(made)).stdout.decode()

        message = {"From": {"email": "me@shop.test", "name": ""}, "Subject": "Hi {{First}}", "ContentType": "plain",
                   "PlainContent": "Hello {{First}}", "TargetListID": made}
        status, _, answer = gateway.request("POST", "/api/v1/email", message, {"Authorization": f"Bearer {tenant.key}"})
        assert status == 200 and len(answer["MessageID"]) == 2, answer
        mails = wait_for(lambda: (lambda m: len(m) == 2 and m)(gateway.cli_json("inbox", "list")["Messages"]))
        assert {m["Subject"] for m in mails} == {"Hi Ann", "Hi Bob"}
        assert gateway.cli_json("list-send", "list")["ListSends"] == [], "few subscribers are sent to by the request itself"


def test_an_import_takes_a_compressed_body():
    with Gateway() as gateway:
        tenant = gateway.tenant("shop.test")
        made = gateway.cli_json("list", "add", "News")["ListID"]
        rows = "".join(f"s{i}@there.test,{'x' * 40}\n" for i in range(30000))
        body = gzip.compress(json.dumps({"Content": "Email,Note\n" + rows}).encode())
        headers = {"Authorization": f"Bearer {tenant.api_key}", "Content-Type": "application/json", "Content-Encoding": "gzip"}
        status, _, answer = gateway.request("POST", f"/api/v1/lists/{made}/import", body, headers)
        assert status == 202, answer
        wait_for(lambda: gateway.cli_json("subscriber", "import-status", answer["ImportID"])["ImportJob"]["ImportStatus"] == "Completed", 120)
        assert gateway.cli_json("list", "show", str(made))["List"]["SubscriberCount"] == 30000
