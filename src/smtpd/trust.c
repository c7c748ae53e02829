/* trust.c - networks that stand for a login, as they are written.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/address/address.h"
#include "smtpd/smtpd.h"

#include <string.h>

#define BITS_MIN_4 8
#define BITS_MIN_6 32

static bool is_blank(char c) {
    return c == ',' || c == ' ' || c == '\t';
}

static struct str next_word(struct str *rest) {
    size_t from = 0;
    while (from < rest->n && is_blank(rest->p[from])) from++;
    size_t to = from;
    while (to < rest->n && !is_blank(rest->p[to])) to++;
    struct str word = str_sub(*rest, from, to - from);
    *rest = str_sub(*rest, to, SIZE_MAX);
    return word;
}

/* 10.0.0.5/24 means one machine or 256: it is asked which. */
static bool has_host_bits(const struct network *n) {
    unsigned length = n->ip.family == 4 ? 32 : 128;
    for (unsigned bit = n->bits; bit < length; bit++)
        if (n->ip.bytes[bit / 8] >> (7 - bit % 8) & 1) return true;
    return false;
}

static bool is_same(const struct network *a, const struct network *b) {
    return a->ip.family == b->ip.family && a->bits == b->bits && memcmp(a->ip.bytes, b->ip.bytes, sizeof a->ip.bytes) == 0;
}

static const char *parse_one(struct arena *arena, struct str word, struct smtpd_trust *ret) {
    size_t equals = str_find(word, '=');
    struct network_list network;
    struct str domain = str_sub(word, equals == STR_NONE ? word.n : equals + 1, SIZE_MAX);
    if (equals == STR_NONE || !network_list_parse(arena, str_sub(word, 0, equals), &network) || network.count != 1)
        return "expected NETWORK=DOMAIN, like 192.0.2.0/28=shop.example";
    if (!domain_parse(domain, arena, &ret->domain)) return "what follows the = is not a domain";
    ret->network = network.items[0];
    unsigned least = ret->network.ip.family == 4 ? BITS_MIN_4 : BITS_MIN_6;
    if (ret->network.bits < least) return "a network wider than /8 (IPv6: /32) is nobody's own";
    return has_host_bits(&ret->network) ? "an address with bits beyond its network: give the address alone, or the network"
                                        : NULL;
}

const char *smtpd_trust_parse(struct arena *arena, struct str text, const struct smtpd_trust **ret, size_t *ret_count) {
    size_t count = 0;
    for (struct str rest = text; next_word(&rest).n;) count++;
    struct smtpd_trust *items = arena_array(arena, count ? count : 1, sizeof *items);
    struct str rest = text;
    for (size_t i = 0; i < count; i++) {
        const char *why = parse_one(arena, next_word(&rest), &items[i]);
        if (why) return why;
        for (size_t k = 0; k < i; k++)
            if (is_same(&items[k].network, &items[i].network)) return "a network can stand for one domain only";
    }
    *ret = items;
    *ret_count = count;
    return NULL;
}
