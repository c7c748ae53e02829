"""Domains, SMTP users, keys and webhooks against the document: every answer is held against /openapi.json (gateway.py), and the
contract's own curl requests on webhooks run as written.

SPDX-License-Identifier: Apache-2.0"""
import subprocess

import pytest


@pytest.fixture(scope="module")
def shop(shared):
    return shared.tenant("hooks.test")


def test_every_answer_is_the_document_s(shared, shop):
    def ask(command, **parameters):
        answer = shared.api("EmailGateway." + command, APIKey=shop.api_key, **parameters)
        assert answer["Success"] is True, (command, answer)
        return answer

    here = {"DomainID": shop.domain_id}
    added = ask("AddDomain", DomainName="more.hooks.test", HostingProvider="Cloudflare")
    assert "cloudflare.com" in added["InstructionsURL"]
    for command in "GetDomain", "VerifyDomain", "UpdateDomain", "GetAPIs", "GetSMTPs", "GetWebhooks", "RegenerateSigningKey":
        ask(command, **here)
    ask("GetDomains")
    user = ask("AddSMTP", **here)
    ask("GetSMTPs", **here)
    ask("ResetSMTPPassword", smtpid=user["NewSMTPID"])
    ask("DeleteSMTP", smtpid=user["NewSMTPID"])
    key = ask("AddAPI", Description="one", **here)
    key = ask("ReplaceAPI", Description="two", ApiKeyId=key["NewAPIKeyID"], **here)
    ask("DeleteAPI", ApiKeyId=key["NewAPIKeyID"])
    hook = ask("AddWebhook", Event="bounce", WebhookURL="https://yourdomain.com/webhook", **here)
    ask("GetWebhooks", **here)
    ask("DeleteWebhook", WebhookID=hook["NewWebhookID"], **here)
    refused = shared.api("EmailGateway.AddWebhook", APIKey=shop.api_key)
    assert refused["Success"] is False and refused["ErrorCode"] == [1, 2, 5]
    for method, path, body in [("GET", "", None), ("POST", "", {"DomainName": "rest.hooks.test"}), ("GET", f"/{shop.domain_id}", None),
                               ("PUT", f"/{shop.domain_id}", {"LinkTracking": 1}), ("POST", f"/{shop.domain_id}/verify", None),
                               ("GET", "/987654", None)]:
        status, _, _ = shared.request(method, "/api/v1/domains" + path, body, {"Authorization": "Bearer " + shop.api_key})
        assert status == (404 if path == "/987654" else 201 if body and "DomainName" in body else 200)


def curl(shared, *arguments):
    return subprocess.run(["curl", "-s", *arguments[:-1], f"http://127.0.0.1:{shared.port}{arguments[-1]}"], capture_output=True,
                          check=True).stdout.decode()


def test_the_contract_s_requests_on_webhooks(shared, shop):
    bearer = ("-H", f"Authorization: Bearer {shop.key}")
    json_ = ("-H", "Content-Type: application/json")
    assert curl(shared, "-X", "POST", *bearer, *json_, "-d", '{\n"Event": "delivered",\n"WebhookURL": "https://yourdomain.com/webhook"\n}',
                "/api/v1/webhooks").startswith('{"NewWebhookID":"')
    status, _, listed = shared.request("GET", "/api/v1/webhooks", headers={"Authorization": f"Bearer {shop.key}"})
    row = listed["Webhooks"][-1]
    assert status == 200 and (row["Event"], row["URL"], row["Status"]) == ("delivered", "https://yourdomain.com/webhook", "Active")
    gone = curl(shared, "-X", "DELETE", *bearer, "-d", '{"WebhookID":"%s"}' % row["WebhookID"], "/api/v1/webhooks")  # as a form
    assert gone == '{"Message":"Webhook successfully deleted."}'
    form = curl(shared, "-d", f"APIKey={shop.api_key}", "-d", "Command=EmailGateway.DeleteWebhook", "-d", "WebhookID=123", "-d", "DomainID=987654",
                "/api.php")
    assert '"ErrorCode":2' in form


def test_private_addresses_only_by_configuration():
    from gateway import Gateway
    url = {"Event": "open", "WebhookURL": "http://127.0.0.1:9/"}
    with Gateway(**{"webhook.allow_private": "yes", "smtp.public_host": "smtp.example.net", "smtp.public_ports": "2525"}) as gateway:
        tenant = gateway.tenant("shop.test")
        assert gateway.request("POST", "/api/v1/webhooks", url, {"Authorization": f"Bearer {tenant.key}"})[0] == 200
        smtp = gateway.api("EmailGateway.AddSMTP", APIKey=tenant.api_key, DomainID=tenant.domain_id)["SMTP"]
        assert (smtp["SMTPHost"], smtp["SMTPPorts"]) == ("smtp.example.net", ["2525"])
        assert smtp["OtherSMTPInfo"] == "Connect with STARTTLS; without TLS no password is taken."
