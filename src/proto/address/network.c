/* network.c - see network.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/address/network.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

struct ip ip_make(uint8_t family, const uint8_t bytes[16]) {
    struct ip ip = {.family = family};
    if (family == 6 && memcmp(bytes, mapped, sizeof mapped) == 0) {
        ip.family = 4;
        memcpy(ip.bytes, bytes + sizeof mapped, 4);
    } else if (family == 4 || family == 6) {
        memcpy(ip.bytes, bytes, family == 4 ? 4 : 16);
    } else {
        ip.family = 0;
    }
    return ip;
}

bool ip_parse(struct str text, struct ip *ret) {
    char z[INET6_ADDRSTRLEN + 1] = {0};
    uint8_t bytes[16] = {0};
    if (text.n == 0 || text.n >= sizeof z || str_find(text, '\0') != STR_NONE) return false;
    memcpy(z, text.p, text.n);
    bool is_v6 = str_find(text, ':') != STR_NONE;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, z, bytes) != 1) return false;
    *ret = ip_make(is_v6 ? 6 : 4, bytes);
    return true;
}

void ip_format(struct buf *out, const struct ip *ip) {
    char z[INET6_ADDRSTRLEN] = "";
    if (ip->family == 0) return;
    inet_ntop(ip->family == 6 ? AF_INET6 : AF_INET, ip->bytes, z, sizeof z);
    buf_add_z(out, z);
}

/* The prefix of a mapped network counts from the IPv4 address in it; one that reaches beyond it is no network of ours. */
static bool parse_bits(struct str text, bool is_mapped, unsigned most, unsigned *ret) {
    uint64_t bits;
    uint64_t extra = is_mapped ? 96 : 0;
    if (!str_to_u64(text, &bits) || bits > most + extra || bits < extra) return false;
    *ret = (unsigned)(bits - extra);
    return true;
}

static bool parse_network(struct str text, struct network *ret) {
    struct network n;
    size_t slash = str_find(text, '/');
    struct str address = str_sub(text, 0, slash);
    if (!ip_parse(address, &n.ip)) return false;
    n.bits = n.ip.family == 6 ? 128 : 32;
    bool is_mapped = n.ip.family == 4 && str_find(address, ':') != STR_NONE;
    if (slash != STR_NONE && !parse_bits(str_sub(text, slash + 1, SIZE_MAX), is_mapped, n.bits, &n.bits)) return false;
    *ret = n;
    return true;
}

static bool is_separator(char c) {
    return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word of *rest; empty at the end. */
static struct str next_word(struct str *rest) {
    size_t from = 0;
    while (from < rest->n && is_separator(rest->p[from])) from++;
    size_t to = from;
    while (to < rest->n && !is_separator(rest->p[to])) to++;
    struct str word = str_sub(*rest, from, to - from);
    *rest = str_sub(*rest, to, SIZE_MAX);
    return word;
}

bool network_list_parse(struct arena *arena, struct str text, struct network_list *ret) {
    size_t count = 0;
    for (struct str rest = text; next_word(&rest).n;) count++;
    struct network *items = arena_array(arena, count ? count : 1, sizeof *items);
    struct str rest = text;
    for (size_t i = 0; i < count; i++) {
        if (!parse_network(next_word(&rest), &items[i])) return false;
    }
    *ret = (struct network_list){items, count};
    return true;
}

static bool network_has(const struct network *n, const struct ip *ip) {
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (n->ip.family != ip->family || memcmp(n->ip.bytes, ip->bytes, whole) != 0) return false;
    return rest == 0 || ((n->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest)) == 0;
}

bool network_list_has(const struct network_list *list, const struct ip *ip) {
    for (size_t i = 0; list && i < list->count; i++) {
        if (network_has(&list->items[i], ip)) return true;
    }
    return false;
}
