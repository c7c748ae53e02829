/* address.c - addresses as text and their classes. Pure.
 *
 * The classes follow the IANA special-purpose registries; one table each for IPv4 and IPv6. A v4-mapped IPv6 address is judged as
 * the IPv4 address inside it, so nobody reaches 127.0.0.1 through ::ffff:127.0.0.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include <arpa/inet.h>
#include <string.h>

enum reach { REACH_PRIVATE = 1, REACH_LOOPBACK };
struct prefix {
    uint8_t bytes[16];
    uint8_t bits;
    uint8_t reach;
};

static const struct prefix v4_prefixes[] = {
    {{127}, 8, REACH_LOOPBACK},
    {{0}, 8, REACH_PRIVATE},             /* this network */
    {{10}, 8, REACH_PRIVATE},            /* RFC 1918 */
    {{172, 16}, 12, REACH_PRIVATE},      /* RFC 1918 */
    {{192, 168}, 16, REACH_PRIVATE},     /* RFC 1918 */
    {{100, 64}, 10, REACH_PRIVATE},      /* shared address space, RFC 6598 */
    {{169, 254}, 16, REACH_PRIVATE},     /* link-local */
    {{192, 0, 0}, 24, REACH_PRIVATE},    /* protocol assignments */
    {{192, 0, 2}, 24, REACH_PRIVATE},    /* documentation */
    {{198, 51, 100}, 24, REACH_PRIVATE}, /* documentation */
    {{203, 0, 113}, 24, REACH_PRIVATE},  /* documentation */
    {{198, 18}, 15, REACH_PRIVATE},      /* benchmarks */
    {{224}, 3, REACH_PRIVATE},           /* multicast, reserved, broadcast */
};
static const struct prefix v6_prefixes[] = {
    {{[15] = 1}, 128, REACH_LOOPBACK},
    {{0}, 128, REACH_PRIVATE},                     /* unspecified */
    {{0xfc}, 7, REACH_PRIVATE},                    /* unique local, RFC 4193 */
    {{0xfe, 0x80}, 9, REACH_PRIVATE},              /* link-local and the old site-local */
    {{0xff}, 8, REACH_PRIVATE},                    /* multicast */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, REACH_PRIVATE}, /* documentation */
    {{0x3f, 0xff}, 20, REACH_PRIVATE},             /* documentation */
    {{0x20, 0x01, 0x00, 0x02}, 48, REACH_PRIVATE}, /* benchmarks */
    {{0x01, 0x00}, 64, REACH_PRIVATE},             /* discard only */
};
/* IPv6 ranges that carry an IPv4 address, and where it starts. */
static const struct {
    uint8_t bytes[12];
    uint8_t bits, at;
} v6_carriers[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12}, /* ::ffff:a.b.c.d */
    {{0}, 96, 12},                        /* ::a.b.c.d */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},   /* NAT64, RFC 6052 */
    {{0x20, 0x02}, 16, 2},                /* 6to4 */
};

static bool has_prefix(const uint8_t *ip, const uint8_t *prefix, unsigned bits) {
    if (memcmp(ip, prefix, bits / 8) != 0) return false;
    if (bits % 8 == 0) return true;
    uint8_t mask = (uint8_t)(0xffu << (8 - bits % 8));
    return ((ip[bits / 8] ^ prefix[bits / 8]) & mask) == 0;
}

static int reach_of(const uint8_t *ip, const struct prefix *table, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (has_prefix(ip, table[i].bytes, table[i].bits)) return table[i].reach;
    return 0;
}

static int reach_of_v4(const uint8_t *ip) {
    return reach_of(ip, v4_prefixes, sizeof v4_prefixes / sizeof v4_prefixes[0]);
}

static int reach_of_v6(const uint8_t *ip) {
    int reach = reach_of(ip, v6_prefixes, sizeof v6_prefixes / sizeof v6_prefixes[0]);
    if (reach) return reach;
    for (size_t i = 0; i < sizeof v6_carriers / sizeof v6_carriers[0]; i++)
        if (has_prefix(ip, v6_carriers[i].bytes, v6_carriers[i].bits)) return reach_of_v4(ip + v6_carriers[i].at);
    return 0;
}

static int address_reach(const struct net_address *a) {
    if (a->family == 4) return reach_of_v4(a->ip);
    if (a->family == 6) return reach_of_v6(a->ip);
    return REACH_LOOPBACK; /* a Unix socket never leaves the machine */
}

bool net_address_is_private(const struct net_address *a) {
    return address_reach(a) != 0;
}

bool net_address_is_loopback(const struct net_address *a) {
    return address_reach(a) == REACH_LOOPBACK;
}

static bool parse_ip(struct str text, uint8_t family, uint8_t *ret_ip) {
    char z[INET6_ADDRSTRLEN];
    if (str_is_empty(text) || text.n >= sizeof z || str_find(text, '\0') != STR_NONE) return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    return inet_pton(family == 4 ? AF_INET : AF_INET6, z, ret_ip) == 1;
}

static bool parse_port(struct str text, uint16_t *ret) {
    uint64_t port;
    if (!str_to_u64(text, &port) || port > 65535) return false;
    *ret = (uint16_t)port;
    return true;
}

static enum status parse_unix(struct str path, struct net_address *ret) {
    if (str_is_empty(path) || path.n >= sizeof ret->path || str_find(path, '\0') != STR_NONE) return STATUS_INVALID;
    *ret = (struct net_address){.family = 1};
    memcpy(ret->path, path.p, path.n);
    return STATUS_OK;
}

enum status net_address_parse(struct str text, struct net_address *ret) {
    if (str_starts(text, STR("unix:"))) return parse_unix(str_sub(text, 5, SIZE_MAX), ret);
    size_t colon = str_find_last(text, ':');
    if (colon == STR_NONE) return STATUS_INVALID;
    struct str host = str_sub(text, 0, colon);
    struct net_address a = {.family = 4};
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        a.family = 6;
        host = str_sub(host, 1, host.n - 2);
    }
    if (!parse_ip(host, a.family, a.ip) || !parse_port(str_sub(text, colon + 1, SIZE_MAX), &a.port)) return STATUS_INVALID;
    *ret = a;
    return STATUS_OK;
}

void net_address_format_ip(struct buf *out, const struct net_address *a) {
    char text[INET6_ADDRSTRLEN] = "";
    if (a->family == 1) {
        buf_add_z(out, "unix:");
        buf_add_z(out, a->path);
        return;
    }
    inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, text, sizeof text);
    buf_add_z(out, text);
}

void net_address_format(struct buf *out, const struct net_address *a) {
    if (a->family == 6) buf_add_char(out, '[');
    net_address_format_ip(out, a);
    if (a->family == 6) buf_add_char(out, ']');
    if (a->family != 1) buf_addf(out, ":%u", a->port);
}
