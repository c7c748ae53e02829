/* http_proxy.c - walking X-Forwarded-For from the near end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "httpd/http_proxy.h"

#include <string.h>

bool http_proxy_is(const struct network_list *proxies, const struct net_address *peer) {
    struct ip ip = ip_make(peer->family, peer->ip);
    return ip.family && network_list_has(proxies, &ip);
}

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80". */
static bool parse_hop(struct str text, struct net_address *ret) {
    struct ip ip;
    size_t colon = str_find(text, ':');
    if (text.n && text.p[0] == '[') {
        size_t end = str_find(text, ']');
        text = end == STR_NONE ? (struct str){0} : str_sub(text, 1, end - 1);
    } else if (colon != STR_NONE && colon == str_find_last(text, ':')) {
        text = str_sub(text, 0, colon);
    }
    if (!ip_parse(text, &ip)) return false;
    *ret = (struct net_address){.family = ip.family};
    memcpy(ret->ip, ip.bytes, sizeof ip.bytes);
    return true;
}

/* Take hops off one header's value, last first. False: an unbelieved one was reached. */
static bool walk(const struct network_list *proxies, struct str value, struct net_address *current) {
    for (;;) {
        size_t comma = str_find_last(value, ',');
        struct str hop = comma == STR_NONE ? value : str_sub(value, comma + 1, SIZE_MAX);
        if (!parse_hop(str_trim(hop), current) || !http_proxy_is(proxies, current)) return false;
        if (comma == STR_NONE) return true;
        value = str_sub(value, 0, comma);
    }
}

struct net_address http_proxy_client(const struct network_list *proxies, const struct net_address *peer,
                                     const struct http_fields *fields) {
    struct net_address current = *peer;
    if (!http_proxy_is(proxies, peer)) return current;
    for (size_t i = fields->count; i-- > 0;) {
        if (!str_eq_nocase(fields->list[i].name, STR("x-forwarded-for"))) continue;
        if (!walk(proxies, fields->list[i].value, &current)) break;
    }
    return current;
}
