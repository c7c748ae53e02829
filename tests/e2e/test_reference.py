"""A client written for the reference product's newer documentation: its names of commands, parameters and members, as its examples send them.

SPDX-License-Identifier: Apache-2.0"""
import time

import pytest

from gateway import wait_for

HOOK = "https://hook.example/x"


@pytest.fixture(scope="module")
def client(shared):
    tenant = shared.tenant("client.test")

    def call(command, **parameters):
        answer = shared.api(command, APIKey=tenant.api_key, **parameters)
        assert answer["Success"] is True and answer["ErrorCode"] == 0, answer
        return answer
    call.tenant = tenant
    return call


def test_newer_names_stand_beside_the_contracts(shared, client):
    made = client("emailgateway.adddomain", DomainName="newer.test", Subdomain="outbound", TrackPrefix="links")
    domain = made["Domain"]
    assert domain["SenderDomain"] == "newer.test" and domain["Status"] == "Approval Pending"
    assert (domain["Options"]["CustomSubdomain"], domain["Options"]["CustomTrackPrefix"]) == ("outbound", "links")
    domain_id = made["NewSenderDomainID"]
    assert client("emailgateway.updatedomain", DomainID=domain_id, Subdomain="out")["SubdomainChanged"] is True
    assert client("emailgateway.getdomains")["Domains"][-1]["SenderDomain"]
    key = client("emailgateway.addapi", Description="d", DomainID=domain_id)["APIKey"]
    assert key["APIKey"] == key["Key"] and key["APIKeyID"] == key["KeyID"]
    client("emailgateway.deleteapi", APIKeyID=int(key["APIKeyID"]))
    smtp = client("emailgateway.addsmtp", DomainID=domain_id)["SMTP"]
    assert smtp["SMTPUsername"] == smtp["Username"] and smtp["SMTPPassword"] == smtp["Password"]
    assert client("emailgateway.resetsmtppassword", SMTPID=int(smtp["SMTPID"]))["SMTP"]["SMTPPassword"] != smtp["SMTPPassword"]


def test_webhooks(shared, client):
    made = client("emailgateway.addwebhook", DomainID=client.tenant.domain_id, Event="delivery,bounce", WebhookURL=HOOK)["NewWebhookID"]
    row = client("emailgateway.getwebhooks", DomainID=client.tenant.domain_id)["Webhooks"][-1]
    assert (row["WebhookID"], row["Event"], row["WebhookURL"]) == (made, "delivery,bounce", HOOK)
    rows = shared.request("GET", "/api/v1/webhooks", headers={"Authorization": f"Bearer {client.tenant.key}"})[2]["Webhooks"]
    assert [(r["Event"], r["WebhookURL"]) for r in rows if r["WebhookID"] == made] == [("delivered", HOOK), ("bounced", HOOK)]


def test_events(shared, client):
    sent = shared.sent(client.tenant.key, sender="a@client.test", Subject="Test Email")
    wait_for(lambda: "delivery" in shared.event_types(client.tenant.key, sent), what="the delivery")
    row = shared.events(client.tenant.key, MessageID=sent, Event="delivery")[0]
    assert row["Event"] == "delivery" and abs(row["LoggedAt"] - time.time()) < 120
    assert row["Message"]["Headers"] == {"From": "a@client.test", "To": "reader@example.org", "Subject": "Test Email"}
    row = client("emailgateway.getevents", DomainID=client.tenant.domain_id, StartFrom=0, RetrieveCount=50, Event="delivery")["Events"][0]
    assert row["event"] == "delivery" and row["message"]["headers"] == {"from": "a@client.test", "to": "reader@example.org", "subject": "Test Email"}


def test_lists_of_addresses_may_come_as_json_in_a_text(client):
    """Forms can say it in no other way, and the reference's own JSON examples do so too."""
    two = '["a@there.test", "b@there.test"]'
    done = client("suppression.import", EmailAddresses=two, EmailAddressesBulk="c@there.test\nnobody", SuppressionSource="Hard Bounced", Reason="log")
    assert (done["TotalImported"], done["TotalFailed"], done["FailedEmailAddresses"]) == (3, 1, ["nobody"])
    checked = client("suppression.check", EmailAddresses=two)
    assert checked["TotalChecked"] == 2 and all(r["IsSuppressed"] for r in checked["Results"].values())
    found = client("suppression.browse", SearchPattern="*@there.test", SuppressionSource="Hard Bounced,SPAM complaint", StartFrom=0, RetrieveCount=50)
    assert found["TotalRecords"] == 3 and found["SuppressedEmails"]["a@there.test"]["Reason"] == "log"
    assert client("suppression.stats")["BySource"]["Hard Bounced"] == 3
    assert client("suppression.delete", EmailAddresses=two)["TotalDeleted"] == 2


def test_a_form_s_text_stays_a_text(shared, client):
    """What reads as JSON is a list only where a list is wanted: a subject "[2026]" is a subject."""
    form = "Command=useremailtemplate.create&EmailName=T&Subject=%5B2026%5D&ContentType=Plain&PlainContent=%7B%7D&APIKey=" + client.tenant.api_key
    answer = shared.request("POST", "/api.php", form, {"Content-Type": "application/x-www-form-urlencoded"})[2]
    assert answer["Success"] is True and answer["EmailTemplate"]["Subject"] == "[2026]" and answer["EmailTemplate"]["PlainContent"] == "{}", answer


def test_a_list_send_of_a_client_whose_arrays_are_empty(shared, client):
    made = client("list.create", SubscriberListName="News")["ListID"]
    client("subscriber.create", ListID=made, EmailAddress="ann@there.test", Status="Subscribed", SubscriptionDate="2025-01-01 12:00:00",
           SubscriptionIP="192.0.2.1", CustomFields={"FirstName": "Ann"})
    body = {"TargetListID": made, "To": [], "CC": [], "BCC": [], "From": {"name": "", "email": "a@client.test"}, "Subject": "Hi {{FirstName}}",
            "ContentType": "html", "HTMLContent": "<p>x</p>"}
    status, answer = shared.send(client.tenant.key, body)
    assert status == 200 and len(answer["MessageID"]) == 1, answer


def test_a_batch_of_refused_items_answers_each(shared, client):
    status, _, answer = shared.request("POST", "/api/v1/email/batch", {"Messages": [{}, {}]}, {"Authorization": f"Bearer {client.tenant.key}"})
    assert status == 200 and [r["Errors"][0]["Code"] for r in answer["Results"]] == [3, 3]


def test_numbers_in_metadata_come_back_as_numbers(shared, client):
    sent = shared.sent(client.tenant.key, sender="a@client.test", Metadata={"Order": 17, "Shop": "x"})
    headers = {"Authorization": f"Bearer {client.tenant.key}"}
    assert shared.request("GET", f"/api/v1/messages/{sent}", headers=headers)[2]["Message"]["Metadata"] == {"Order": 17, "Shop": "x"}
    assert shared.request("GET", "/api/v1/messages", headers=headers)[2]["Messages"][0]["Metadata"]["Order"] == 17
