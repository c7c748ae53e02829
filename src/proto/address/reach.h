/* reach.h - what an IP address leads to: the internet, this machine, a network of somebody's own, or another address behind it.
 * Follows the IANA special-purpose registries, and knows one more that only looks public. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_ADDRESS_REACH_H
#define POSTHORN_PROTO_ADDRESS_REACH_H

#include "proto/address/network.h"

enum ip_reach {
    IP_PUBLIC,
    IP_CARRIER,  /* IPv6 that leads to a public IPv4 address, or to one it hides: NAT64, 6to4, Teredo, ::a.b.c.d */
    IP_PRIVATE,  /* private, link-local, multicast, documentation, reserved ...; carriers of such IPv4 addresses too */
    IP_LOOPBACK, /* the same machine */
};
/* An address of no family stays on the machine. */
enum ip_reach ip_reach(const struct ip *ip);

#endif
