/* reach.c - one table for IPv4, one for IPv6, and one of the IPv6 ranges that carry an IPv4 address, which is judged then: nobody
 * reaches 127.0.0.1 through ::ffff:127.0.0.1. IPv6 addresses in use are those of 2000::/3 (RFC 4291 2.4, IANA); what is assigned
 * next year is not public before somebody looked at it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/address/reach.h"

#include <string.h>

struct prefix {
    uint8_t bytes[16];
    uint8_t bits;
    uint8_t reach;
};

static const struct prefix v4_prefixes[] = {
    {{127}, 8, IP_LOOPBACK},
    {{0}, 8, IP_PRIVATE},             /* this network */
    {{10}, 8, IP_PRIVATE},            /* RFC 1918 */
    {{172, 16}, 12, IP_PRIVATE},      /* RFC 1918 */
    {{192, 168}, 16, IP_PRIVATE},     /* RFC 1918 */
    {{100, 64}, 10, IP_PRIVATE},      /* shared address space, RFC 6598 */
    {{169, 254}, 16, IP_PRIVATE},     /* link-local */
    {{192, 0, 0}, 24, IP_PRIVATE},    /* protocol assignments */
    {{192, 0, 2}, 24, IP_PRIVATE},    /* documentation */
    {{198, 51, 100}, 24, IP_PRIVATE}, /* documentation */
    {{203, 0, 113}, 24, IP_PRIVATE},  /* documentation */
    {{198, 18}, 15, IP_PRIVATE},      /* benchmarks */
    {{224}, 3, IP_PRIVATE},           /* multicast, reserved, broadcast */
    /* Of public ranges, but inside of Azure it is, like 169.254.169.254, who tells a machine its secrets. */
    {{168, 63, 129, 16}, 32, IP_PRIVATE},
};
static const struct prefix v6_prefixes[] = {
    {{[15] = 1}, 128, IP_LOOPBACK},
    {{0}, 128, IP_PRIVATE},                                 /* unspecified */
    {{0xfc}, 7, IP_PRIVATE},                                /* unique local, RFC 4193 */
    {{0xfe, 0x80}, 9, IP_PRIVATE},                          /* link-local and the old site-local */
    {{0xff}, 8, IP_PRIVATE},                                /* multicast */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, IP_PRIVATE},             /* documentation */
    {{0x3f, 0xff}, 20, IP_PRIVATE},                         /* documentation */
    {{0x20, 0x01, 0x00, 0x02}, 48, IP_PRIVATE},             /* benchmarks */
    {{0x01, 0x00}, 64, IP_PRIVATE},                         /* discard only */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, IP_PRIVATE}, /* translators of one's own, RFC 8215 */
};
/* IPv6 ranges that carry an IPv4 address, and where it starts. */
static const struct {
    uint8_t bytes[12];
    uint8_t bits, at;
} v6_carriers[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12}, /* ::ffff:a.b.c.d */
    {{[8] = 0xff, [9] = 0xff}, 96, 12},   /* ::ffff:0:a.b.c.d, RFC 2765 */
    {{0}, 96, 12},                        /* ::a.b.c.d */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},   /* NAT64, RFC 6052 */
    {{0x20, 0x02}, 16, 2},                /* 6to4 */
};

/* Teredo carries one too, but hides it. */
static const uint8_t teredo[4] = {0x20, 0x01};

static bool has_prefix(const uint8_t *ip, const uint8_t *prefix, unsigned bits) {
    if (memcmp(ip, prefix, bits / 8) != 0) return false;
    if (bits % 8 == 0) return true;
    uint8_t mask = (uint8_t)(0xffu << (8 - bits % 8));
    return ((ip[bits / 8] ^ prefix[bits / 8]) & mask) == 0;
}

static enum ip_reach reach_of(const uint8_t *ip, const struct prefix *table, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (has_prefix(ip, table[i].bytes, table[i].bits)) return (enum ip_reach)table[i].reach;
    return IP_PUBLIC;
}

static enum ip_reach reach_of_v4(const uint8_t *ip) {
    return reach_of(ip, v4_prefixes, sizeof v4_prefixes / sizeof v4_prefixes[0]);
}

static enum ip_reach reach_of_v6(const uint8_t *ip) {
    enum ip_reach reach = reach_of(ip, v6_prefixes, sizeof v6_prefixes / sizeof v6_prefixes[0]);
    if (reach != IP_PUBLIC) return reach;
    for (size_t i = 0; i < sizeof v6_carriers / sizeof v6_carriers[0]; i++) {
        if (!has_prefix(ip, v6_carriers[i].bytes, v6_carriers[i].bits)) continue;
        reach = reach_of_v4(ip + v6_carriers[i].at);
        return reach == IP_PUBLIC ? IP_CARRIER : reach;
    }
    if (has_prefix(ip, teredo, 32)) return IP_CARRIER;
    return (ip[0] & 0xe0) == 0x20 ? IP_PUBLIC : IP_PRIVATE;
}

enum ip_reach ip_reach(const struct ip *ip) {
    if (ip->family == 4) return reach_of_v4(ip->bytes);
    if (ip->family == 6) return reach_of_v6(ip->bytes);
    return IP_LOOPBACK;
}
