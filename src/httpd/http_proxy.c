/* http_proxy.c - address ranges, and walking X-Forwarded-For from the near end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "httpd/http_proxy.h"

#include <arpa/inet.h>
#include <string.h>

static bool parse_ip(struct str text, uint8_t *ret_family, uint8_t ret_ip[16]) {
    char z[INET6_ADDRSTRLEN + 1] = {0};
    uint8_t ip[16] = {0};
    if (text.n >= sizeof(z) || str_find(text, 0) != STR_NONE) return false;
    memcpy(z, text.p ? text.p : "", text.n);
    bool v6 = str_find(text, ':') != STR_NONE;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, z, ip) != 1) return false;
    *ret_family = v6 ? 6 : 4;
    memcpy(ret_ip, ip, sizeof(ip));
    return true;
}

static bool parse_range(struct str text, struct http_proxy_range *ret) {
    struct http_proxy_range r = {0};
    size_t slash = str_find(text, '/');
    if (!parse_ip(str_sub(text, 0, slash), &r.family, r.ip)) return false;
    uint64_t bits = r.family == 6 ? 128 : 32;
    if (slash != STR_NONE) {
        uint64_t given;
        if (!str_to_u64(str_sub(text, slash + 1, SIZE_MAX), &given) || given > bits) return false;
        bits = given;
    }
    r.bits = (unsigned)bits;
    *ret = r;
    return true;
}

static bool is_separator(char c) {
    return c == ',' || c == ' ' || c == '\t';
}

enum status http_proxies_parse(struct arena *arena, struct str text, struct http_proxies *ret) {
    struct http_proxies p = {.ranges = arena_array(arena, text.n / 2 + 1, sizeof(struct http_proxy_range))};
    for (size_t i = 0; i < text.n;) {
        size_t from = i;
        while (i < text.n && !is_separator(text.p[i])) i++;
        if (i > from && !parse_range(str_sub(text, from, i - from), &p.ranges[p.count++])) return STATUS_INVALID;
        i++;
    }
    *ret = p;
    return STATUS_OK;
}

static bool range_has(const struct http_proxy_range *r, const struct net_address *a) {
    unsigned whole = r->bits / 8, rest = r->bits % 8;
    if (r->family != a->family || memcmp(r->ip, a->ip, whole) != 0) return false;
    return rest == 0 || ((r->ip[whole] ^ a->ip[whole]) >> (8 - rest)) == 0;
}

bool http_proxies_has(const struct http_proxies *proxies, const struct net_address *a) {
    for (size_t i = 0; proxies && i < proxies->count; i++)
        if (range_has(&proxies->ranges[i], a)) return true;
    return false;
}

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80". */
static bool parse_hop(struct str text, struct net_address *ret) {
    struct net_address a = {0};
    size_t colon = str_find(text, ':');
    if (text.n && text.p[0] == '[') {
        size_t end = str_find(text, ']');
        text = end == STR_NONE ? (struct str){0} : str_sub(text, 1, end - 1);
    } else if (colon != STR_NONE && colon == str_find_last(text, ':')) {
        text = str_sub(text, 0, colon);
    }
    if (!parse_ip(text, &a.family, a.ip)) return false;
    *ret = a;
    return true;
}

/* Take hops off one header's value, last first. False: an unbelieved one was reached. */
static bool walk(const struct http_proxies *proxies, struct str value, struct net_address *current) {
    for (;;) {
        size_t comma = str_find_last(value, ',');
        struct str hop = comma == STR_NONE ? value : str_sub(value, comma + 1, SIZE_MAX);
        if (!parse_hop(str_trim(hop), current) || !http_proxies_has(proxies, current)) return false;
        if (comma == STR_NONE) return true;
        value = str_sub(value, 0, comma);
    }
}

struct net_address http_proxies_client(const struct http_proxies *proxies, const struct net_address *peer,
                                       const struct http_fields *fields) {
    struct net_address current = *peer;
    if (!http_proxies_has(proxies, peer)) return current;
    for (size_t i = fields->count; i-- > 0;) {
        if (!str_eq_nocase(fields->list[i].name, STR("x-forwarded-for"))) continue;
        if (!walk(proxies, fields->list[i].value, &current)) break;
    }
    return current;
}
