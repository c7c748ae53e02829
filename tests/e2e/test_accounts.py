"""Accounts, groups and keys by command line and API, and the gateway's own mail: sent through itself, read in its inbox.

SPDX-License-Identifier: Apache-2.0"""
import base64
import hashlib
import hmac
import re
import struct
import time

import pytest

from gateway import Gateway, wait_for

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def sandbox():
    with Gateway(mail__from="posthorn@shop.test", http__base_url="https://mail.example.test") as gateway:
        gateway.tenant = gateway.tenant("shop.test")
        yield gateway


def account(gateway, email, *more):
    return gateway.cli_json("account", "create", "--email", email, "--password-stdin", *more, stdin=PASSWORD)


def mail_to(gateway, email, count=1):
    """The newest of `count` mails to an address, as raw text."""
    def found():
        rows = [m for m in gateway.cli_json("inbox", "list", "--limit", "100")["Messages"] if m["Recipients"] == [email]]
        return len(rows) == count and rows
    rows = wait_for(found, what=f"mail to {email}")
    return gateway.cli("inbox", "raw", str(max(row["ID"] for row in rows))).stdout.decode()


def token_in(raw):
    return re.search(r"Your code: (pht_[a-z2-7]{32})", raw).group(1)


def code(secret, ahead=0):
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + ahead), hashlib.sha1).digest()
    at = digest[19] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 10**6:06}"


def test_the_operators_verbs(sandbox):
    made = account(sandbox, "verbs@shop.test")
    group = sandbox.cli_json("group", "add", "starter", "domains=3", "sends_per_day=5000")["UserGroup"]
    assert group["LimitEmailGatewaySenderDomains"] == 3 and group["LimitRecipients"] == 1000
    said = sandbox.cli("account", "set", "verbs@shop.test", "active=no", "verified=no", "group=starter", "first_name=Vera").stdout.decode()
    assert "Disabled" in said and "starter" in said
    assert sandbox.api("User.Current", APIKey=made["APIKey"])["ErrorCode"] == 99998
    sandbox.cli("account", "set", "verbs@shop.test", "active=yes", "verified=yes")
    current = sandbox.api("User.Current", APIKey=made["APIKey"])
    assert current["UserInfo"]["FirstName"] == "Vera" and current["UserInfo"]["GroupInfo"]["LimitEmailSendPerDay"] == 5000
    shown = sandbox.cli("account", "show", "verbs@shop.test").stdout.decode()
    assert "Vera" in shown and "starter" in shown
    assert "verbs@shop.test" in sandbox.cli("account", "list", "--group", "starter").stdout.decode()
    sandbox.cli("group", "set", "starter", "domains=0", "name=small")
    assert "small" in sandbox.cli("group", "show", "small").stdout.decode() and "small" in sandbox.cli("group", "list").stdout.decode()
    assert "accounts are in" in sandbox.cli("group", "delete", "small", check=False).stderr.decode().lower()
    key = sandbox.cli_json("user-key", "add", "verbs@shop.test", "--note", "cron", "--from", "203.0.113.0/24")
    assert sandbox.api("User.Current", APIKey=key["APIKey"]["APIKey"])["ErrorCode"] == 99998, "bound to another network"
    assert "203.0.113.0/24" in sandbox.cli("user-key", "list", "verbs@shop.test").stdout.decode()
    sandbox.cli("user-key", "delete", key["APIKeyID"], "--account", "verbs@shop.test")
    sandbox.cli("account", "password", "verbs@shop.test", "--password-stdin", stdin="better horse battery")
    assert sandbox.api("User.Login", Username="verbs@shop.test", Password="better horse battery")["Success"] is True
    sandbox.cli("account", "delete", "verbs@shop.test")
    sandbox.cli("group", "delete", "small")
    assert "not found" in sandbox.cli("account", "show", "verbs@shop.test", check=False).stderr.decode()
    for words in (["account", "set"], ["account", "set", "a@b.test", "colour=red"], ["group", "set", "x", "domains=1", "domains=2"]):
        assert sandbox.cli(*words, check=False).returncode == 64, words


def test_administrators_work_over_the_api(sandbox):
    key = account(sandbox, "root@shop.test", "--admin")["APIKey"]
    session = sandbox.api("Admin.Login", Username="root@shop.test", Password=PASSWORD)["SessionID"]
    for credential in ({"AdminAPIKey": key}, {"SessionID": session}):
        made = sandbox.api("UserGroup.Create", GroupName="api", LimitBCC=5, **credential)
        which = {"UserGroupID": made["UserGroupID"], **credential}
        assert sandbox.api("UserGroup.Get", **which)["UserGroup"]["LimitBCC"] == 5
        assert sandbox.api("UserGroup.Update", LimitReplyTo=1, **which)["UserGroup"]["LimitReplyTo"] == 1
        assert [g["GroupName"] for g in sandbox.api("UserGroups.Get", **credential)["UserGroups"]][-1] == "api"
        user = sandbox.api("User.Create", EmailAddress="made@shop.test", Password=PASSWORD, RelUserGroupID=made["UserGroupID"], **credential)
        assert sandbox.api("User.Get", UserID=user["UserID"], **credential)["UserInformation"]["GroupName"] == "api"
        assert sandbox.api("Users.Get", SearchKeyword="made@", **credential)["TotalUsers"] == 1
        assert sandbox.api("User.Update", UserID=user["UserID"], AccountStatus="Disabled", **credential)["UserInfo"]["AccountStatus"] == "Disabled"
        assert sandbox.api("User.Delete", UserID=user["UserID"], **credential)["Success"] is True
        assert sandbox.api("UserGroup.Delete", **which)["Success"] is True
    assert sandbox.api("User.Logout", SessionID=session)["Success"] is True
    assert sandbox.api("User.Current", SessionID=session)["ErrorCode"] == 99998


def test_a_second_factor_UI18(sandbox):
    key = account(sandbox, "totp@shop.test")["APIKey"]
    setup = sandbox.api("User.TOTP.Setup", APIKey=key, CurrentPassword=PASSWORD)
    secret = setup["MFA_SecretKey"]
    assert setup["MFA_QRCode"].startswith("otpauth://totp/")
    assert sandbox.api("User.TOTP.Confirm", APIKey=key, TFACode=code(secret, -1))["Success"] is True
    login = {"Username": "totp@shop.test", "Password": PASSWORD}
    assert sandbox.api("User.Login", **login)["ErrorCode"] == 101
    used = code(secret)
    assert sandbox.api("User.Login", TFACode=used, **login)["Success"] is True
    assert sandbox.api("User.Login", TFACode=used, **login)["ErrorCode"] == 6
    sandbox.cli("account", "set", "totp@shop.test", "totp=off")
    assert sandbox.api("User.Login", **login)["Success"] is True


def test_keys_of_an_account(sandbox):
    key = account(sandbox, "keys@shop.test")["APIKey"]
    made = sandbox.api("User.APIKey.Create", APIKey=key, Note="shop", BoundIPAddress="127.0.0.1, ::1")
    assert sandbox.api("User.Current", APIKey=made["APIKey"]["APIKey"])["Success"] is True
    listed = wait_for(lambda: (keys := sandbox.api("User.APIKey.List", APIKey=key)["APIKeys"])[1]["LastUsedAt"] and keys, what="the use to be noted")
    assert listed[1]["LastUsedIP"] == "127.0.0.1"
    changed = sandbox.api("User.APIKey.Update", APIKey=key, APIKeyID=made["APIKeyID"], Note="till")
    assert changed["APIKey"]["Note"] == "till" and changed["APIKey"]["BoundIPAddress"] == "127.0.0.1, ::1"
    assert sandbox.api("User.APIKey.Delete", APIKey=key, APIKeyID=made["APIKeyID"])["Success"] is True


def test_a_forgotten_password_goes_through_the_gateway_UI15(sandbox):
    account(sandbox, "lost@shop.test")
    session = sandbox.api("User.Login", Username="lost@shop.test", Password=PASSWORD)["SessionID"]
    there = sandbox.request("POST", "/api.php", {"Command": "User.PasswordRemind", "EmailAddress": "lost@shop.test"}, {"Host": "evil.test"})
    nobody = sandbox.request("POST", "/api.php", {"Command": "User.PasswordRemind", "EmailAddress": "nobody@shop.test"})
    assert (there[0], there[2]) == (nobody[0], nobody[2]) == (200, {"Success": True, "ErrorCode": 0, "ErrorText": ""})
    raw = mail_to(sandbox, "lost@shop.test")
    assert "DKIM-Signature:" in raw and "evil.test" not in raw and "https://mail.example.test/api/v1/account/password" in raw
    body = {"Token": token_in(raw), "NewPassword": "better horse battery"}
    assert sandbox.request("POST", "/api/v1/account/password", body)[0] == 200
    assert sandbox.request("POST", "/api/v1/account/password", body)[0] == 422
    assert sandbox.api("User.Current", SessionID=session)["ErrorCode"] == 99998
    assert sandbox.api("User.Login", Username="lost@shop.test", Password="better horse battery")["Success"] is True
    assert body["Token"] not in sandbox.log.read_text(), "P10"


def test_an_address_is_proved_before_the_account_sends(sandbox):
    root = account(sandbox, "root2@shop.test", "--admin")["APIKey"]
    made = sandbox.api("User.Create", AdminAPIKey=root, EmailAddress="new@shop.test", Password=PASSWORD, IsVerified="no")
    assert made["VerificationMailed"] is True
    sandbox.cli("domain", "add", "new.test", "--account", "new@shop.test")
    sandbox.cli("domain", "enable", "new.test")
    key = sandbox.cli_json("key", "add", "--domain", "new.test")["APIKey"]["Key"]
    message = {"From": {"email": "a@new.test", "name": ""}, "To": [{"email": "b@example.org", "name": ""}], "Subject": "s", "PlainContent": "p",
               "ContentType": "plain"}
    status, answer = sandbox.send(key, message)
    assert status == 403 and [e["Code"] for e in answer["Errors"]] == [34]
    token = token_in(mail_to(sandbox, "new@shop.test"))
    assert sandbox.request("POST", "/api/v1/account/verify", f"Token={token}", {"Content-Type": "application/x-www-form-urlencoded"})[0] == 200
    assert sandbox.send(key, message)[0] == 200


def test_without_a_from_the_gateway_says_so():
    with Gateway() as gateway:
        account(gateway, "a@shop.test")
        status, _, answer = gateway.request("POST", "/api.php", {"Command": "User.PasswordRemind", "EmailAddress": "a@shop.test"})
        assert status == 200 and answer["ErrorCode"] == 4 and "operator" in answer["ErrorMessage"]
