"""links.py - tracked links as the gateway makes them, made by somebody else: from its master key, so that tests can sign what they like.

SPDX-License-Identifier: Apache-2.0"""
import base64
import hashlib
import hmac
import http.client
from dataclasses import dataclass, replace

from gateway import wait_for

OPEN, CLICK, LEAVE = range(3)
PATHS = "/o/", "/c/", "/u/"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def derive(master, purpose):
    """RFC 5869, one block."""
    return mac(mac(bytes(32), master), purpose.encode() + b"\x01")


def number(n):
    out = bytearray()
    while n >= 0x80:
        out.append(0x80 | n & 0x7F)
        n >>= 7
    return bytes([*out, n])


def spelled(data):
    return base64.b32encode(data).decode().rstrip("=").lower()


def unspelled(token):
    return base64.b32decode(token.upper() + "=" * (-len(token) % 8))


@dataclass(frozen=True)
class Link:
    """What a token says. `day`: of its end, since 1970."""
    kind: int
    domain: int
    message: int
    recipient: int
    target: str = ""
    index: int = 0
    mailing_list: int = 0
    address: str = ""
    day: int = 0

    def bytes(self, key, version):
        out = bytes([self.kind | (4 if self.day else 0), version]) + number(self.domain) + number(self.message) + number(self.recipient)
        if self.day:
            out += number(self.day)
        if self.kind == CLICK:
            out += number(self.index) + self.target.encode("latin-1")
        if self.kind == LEAVE:
            out += number(self.mailing_list)
            veil = mac(key, b"v" + out)
            out += bytes(a ^ b for a, b in zip(hashlib.sha256(self.address.lower().encode()).digest(), veil))
        return out


class Signer:
    def __init__(self, gateway, version=1):
        self.master, self.version = bytes.fromhex(gateway.master_key().read_text().strip()), version

    def token(self, link, version=None):
        version = version or self.version
        key = derive(self.master, f"track-{version}")
        data = link.bytes(key, version)
        return spelled(data + mac(key, b"m" + data)[:12])

    def path(self, link, version=None):
        return PATHS[link.kind] + self.token(link, version)


class Sent:
    """A message of a tenant's to one recipient who has it, and its links."""

    def __init__(self, gateway, tenant, to="reader@example.org", **fields):
        self.gateway, self.tenant, self.host = gateway, tenant, f"track.mail.{tenant.domain}"
        self.id = gateway.sent(tenant.key, to=to, sender=f"a@{tenant.domain}", **fields)
        uuid = self.id.replace("-", "")
        text = "encode(m.uuid, 'hex')" if gateway.options.get("data.url") else "lower(hex(m.uuid))"
        query = f"SELECT r.id, m.id, m.domain_id FROM recipients r JOIN messages m ON m.id = r.message_id WHERE {text} = '{uuid}'"
        self.recipient, self.message, self.domain = map(int, gateway.rows(query)[0])
        self.to = to
        wait_for(lambda: "delivery" in gateway.event_types(tenant.key, self.id), what="the delivery")

    def link(self, kind, **more):
        plain = Link(kind, self.domain, self.message, self.recipient)
        if kind == CLICK:
            plain = replace(plain, target="https://shop.example/a?b=1&c=2#top", index=3)
        if kind == LEAVE:
            plain = replace(plain, address=self.to)
        return replace(plain, **more)

    def rest(self):
        """Long enough since the delivery for a person to have it read."""
        self.gateway.sql(f"UPDATE recipients SET changed_at = changed_at - 60000 WHERE id = {self.recipient}")
        return self

    def events(self, kind=None):
        """Newest first; those that came of links."""
        found = self.gateway.events(self.tenant.key, MessageID=self.id)
        return [e for e in found if e["EventType"] in (("open", "click", "unsubscribe") if kind is None else (kind,))]


def visit(port, path, host, method="GET", body=None, agent=BROWSER, **headers):
    """(status, headers, bytes); a header's name has _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, body=body, headers={"Host": host, "User-Agent": agent, **named})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()
