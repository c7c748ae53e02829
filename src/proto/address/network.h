/* network.h - IP addresses and networks as text: "192.0.2.7", "2001:db8::/32", and lists of them.
 *
 * An IPv4 address inside an IPv6 one (::ffff:192.0.2.7) is the IPv4 address, so that no network is escaped by spelling. Pure; any
 * thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_ADDRESS_NETWORK_H
#define POSTHORN_PROTO_ADDRESS_NETWORK_H

#include "base/arena.h"
#include "base/buf.h"

struct ip {
    uint8_t family; /* 4 or 6; 0: none (a Unix socket) */
    uint8_t bytes[16];
};
struct network {
    struct ip ip;
    unsigned bits;
};
struct network_list {
    const struct network *items;
    size_t count;
};

/* An address alone: no port, no brackets, no zone. False: none, *ret untouched. */
bool ip_parse(struct str text, struct ip *ret);
/* From bytes of a socket address: IPv4-mapped ones become IPv4. family: 4 or 6, else the result is "none". */
struct ip ip_make(uint8_t family, const uint8_t bytes[16]);
void ip_format(struct buf *out, const struct ip *ip);

/* "127.0.0.1, 10.0.0.0/8, fd00::/8": commas, blanks or line breaks between; an address is a network of one. "" gives none. False:
 * something else. Items live in the arena. */
bool network_list_parse(struct arena *arena, struct str text, struct network_list *ret);
/* Is the address in one of them? An empty list (NULL too) holds nothing. */
bool network_list_has(const struct network_list *list, const struct ip *ip);

#endif
