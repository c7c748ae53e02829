/* http_proxy.h - proxies whose word on the client's address is believed (HT43).
 * Immutable after parsing; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_HTTPD_HTTP_PROXY_H
#define POSTHORN_HTTPD_HTTP_PROXY_H

#include "base/arena.h"
#include "net/stream.h"
#include "proto/http/http.h"

struct http_proxy_range {
    uint8_t family;
    uint8_t ip[16];
    unsigned bits;
};
struct http_proxies {
    struct http_proxy_range *ranges;
    size_t count;
};
/* "127.0.0.1, 10.0.0.0/8, fd00::/8", commas or blanks between; "" gives none. STATUS_INVALID otherwise. */
WARN_UNUSED enum status http_proxies_parse(struct arena *arena, struct str text, struct http_proxies *ret);
/* Is `a` in one of the ranges? NULL: no. */
bool http_proxies_has(const struct http_proxies *proxies, const struct net_address *a);
/* The client's address: the peer, or, while the last hop is believed, the next X-Forwarded-For entry from the right. */
struct net_address http_proxies_client(const struct http_proxies *proxies, const struct net_address *peer,
                                       const struct http_fields *fields);

#endif
