/* sockaddr.c - between net_address and the kernel's socket addresses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/sockaddr.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

socklen_t sockaddr_from_address(const struct net_address *a, struct sockaddr_storage *ret) {
    memset(ret, 0, sizeof *ret);
    if (a->family == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&in.sin_addr, a->ip, 4);
        memcpy(ret, &in, sizeof in);
        return sizeof in;
    }
    if (a->family == 6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
        memcpy(&in6.sin6_addr, a->ip, 16);
        memcpy(ret, &in6, sizeof in6);
        return sizeof in6;
    }
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    memcpy(un.sun_path, a->path, strnlen(a->path, sizeof un.sun_path - 1));
    memcpy(ret, &un, sizeof un);
    return sizeof un;
}

static struct net_address from_in6(const struct sockaddr_in6 *in6) {
    struct net_address a = {.family = 6, .port = ntohs(in6->sin6_port)};
    memcpy(a.ip, &in6->sin6_addr, 16);
    if (!IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) return a;
    memmove(a.ip, a.ip + 12, 4);
    memset(a.ip + 4, 0, 12);
    a.family = 4;
    return a;
}

struct net_address sockaddr_to_address(const struct sockaddr_storage *from, socklen_t length) {
    struct net_address a = {.family = 1};
    if (from->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        a = (struct net_address){.family = 4, .port = ntohs(in.sin_port)};
        memcpy(a.ip, &in.sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof in6);
        a = from_in6(&in6);
    } else if (from->ss_family == AF_UNIX && length > offsetof(struct sockaddr_un, sun_path)) {
        struct sockaddr_un un;
        memcpy(&un, from, sizeof un);
        memcpy(a.path, un.sun_path, sizeof a.path < sizeof un.sun_path ? sizeof a.path : sizeof un.sun_path);
        a.path[sizeof a.path - 1] = '\0';
    }
    return a;
}
