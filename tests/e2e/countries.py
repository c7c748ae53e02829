"""countries.py - a database in MaxMind's format (version 2.0 of its specification), as small as can be.

SPDX-License-Identifier: Apache-2.0"""
import ipaddress


UINT16, UINT32, UINT64 = 5, 6, 9


def packed(value):
    """A value of the data section: map, text, array or (type of number, number)."""
    if isinstance(value, dict):
        return control(7, len(value)) + b"".join(packed(k) + packed(v) for k, v in value.items())
    if isinstance(value, str):
        return control(2, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return control(11, len(value)) + b"".join(map(packed, value))
    raw = value[1].to_bytes((value[1].bit_length() + 7) // 8, "big")
    return control(value[0], len(raw)) + raw


def control(kind, size):
    head, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return (bytes([kind << 5 | head]) if kind < 8 else bytes([head, kind - 7])) + more


def country_database(networks):
    """The file's bytes of {"198.51.100.0/24": "NZ"}."""
    nodes, data = [[None, None]], b""
    for network, code in networks.items():
        net = ipaddress.ip_network(network)
        bits, count = int(net.network_address), net.prefixlen + (96 if net.version == 4 else 0)
        at, value = 0, (len(data),)
        data += packed({"country": {"iso_code": code}})
        for i in range(count):
            bit = bits >> (127 - i) & 1
            if i == count - 1:
                nodes[at][bit] = value
            elif nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = len(nodes) - 1
                at = len(nodes) - 1
            else:
                at = nodes[at][bit]

    def record(r):
        number = len(nodes) if r is None else len(nodes) + 16 + r[0] if isinstance(r, tuple) else r
        return number.to_bytes(3, "big")
    about = {"binary_format_major_version": (UINT16, 2), "binary_format_minor_version": (UINT16, 0), "build_epoch": (UINT64, 1),
             "database_type": "Test-Country", "description": {"en": "test"}, "ip_version": (UINT16, 6), "languages": ["en"],
             "node_count": (UINT32, len(nodes)), "record_size": (UINT16, 24)}
    return b"".join(record(a) + record(b) for a, b in nodes) + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + packed(about)
