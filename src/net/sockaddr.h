/* sockaddr.h - between net_address and the kernel's socket addresses. net's own; pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_SOCKADDR_H
#define POSTHORN_NET_SOCKADDR_H

#include "net/stream.h"

#include <sys/socket.h>

/* Length of what was filled in. */
socklen_t sockaddr_from_address(const struct net_address *a, struct sockaddr_storage *ret);
/* A v4-mapped IPv6 address becomes IPv4. */
struct net_address sockaddr_to_address(const struct sockaddr_storage *from, socklen_t length);

#endif
