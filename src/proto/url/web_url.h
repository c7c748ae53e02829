/* web_url.h - an http or https URL taken apart: what a webhook is registered with and called by. One parser for both, so that
 * nobody reads another host out of it than the one that was judged (WH17).
 *
 * Strict: no user, no fragment, no blank, control or backslash, ASCII behind the host, unbroken escapes. A host is a name (LDH
 * labels; U-labels become A-labels), an IPv4 address in any of the spellings that resolvers understand (127.1, 0x7f000001,
 * 017700000001), or an IPv6 address in brackets. Source: RFC 3986; WHATWG URL 3.5 for IPv4. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_URL_WEB_URL_H
#define POSTHORN_PROTO_URL_WEB_URL_H

#include "proto/address/network.h"

struct web_url {
    bool is_https;
    struct str host;   /* lower case, without brackets and without a dot at the end; as it was written when it is an address */
    struct ip ip;      /* the host as an address; family 0: it is a name */
    uint16_t port;     /* 80 or 443 where none is named */
    struct str target; /* path and query as written, begins with '/' */
};
/* False: not such a URL. Strings live in the arena. */
bool web_url_parse(struct str text, struct arena *arena, struct web_url *ret);

#endif
