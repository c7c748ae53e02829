/* address.c - addresses as text and their classes. Pure.
 * The classes are proto/address/reach.h's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include "proto/address/reach.h"

#include <arpa/inet.h>
#include <string.h>

static enum ip_reach address_reach(const struct net_address *a) {
    struct ip ip = ip_make(a->family, a->ip);
    return ip_reach(&ip);
}

bool net_address_is_private(const struct net_address *a) {
    return address_reach(a) >= IP_PRIVATE;
}

bool net_address_is_loopback(const struct net_address *a) {
    return address_reach(a) == IP_LOOPBACK;
}

static bool parse_ip(struct str text, uint8_t family, uint8_t *ret_ip) {
    char z[INET6_ADDRSTRLEN];
    if (str_is_empty(text) || text.n >= sizeof z || str_find(text, '\0') != STR_NONE) return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    return inet_pton(family == 4 ? AF_INET : AF_INET6, z, ret_ip) == 1;
}

static bool parse_port(struct str text, uint16_t *ret) {
    uint64_t port;
    if (!str_to_u64(text, &port) || port > 65535) return false;
    *ret = (uint16_t)port;
    return true;
}

static enum status parse_unix(struct str path, struct net_address *ret) {
    if (str_is_empty(path) || path.n >= sizeof ret->path || str_find(path, '\0') != STR_NONE) return STATUS_INVALID;
    *ret = (struct net_address){.family = 1};
    memcpy(ret->path, path.p, path.n);
    return STATUS_OK;
}

enum status net_address_parse(struct str text, struct net_address *ret) {
    if (str_starts(text, STR("unix:"))) return parse_unix(str_sub(text, 5, SIZE_MAX), ret);
    size_t colon = str_find_last(text, ':');
    if (colon == STR_NONE) return STATUS_INVALID;
    struct str host = str_sub(text, 0, colon);
    struct net_address a = {.family = 4};
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        a.family = 6;
        host = str_sub(host, 1, host.n - 2);
    }
    if (!parse_ip(host, a.family, a.ip) || !parse_port(str_sub(text, colon + 1, SIZE_MAX), &a.port)) return STATUS_INVALID;
    *ret = a;
    return STATUS_OK;
}

void net_address_format_ip(struct buf *out, const struct net_address *a) {
    char text[INET6_ADDRSTRLEN] = "";
    if (a->family == 1) {
        buf_add_z(out, "unix:");
        buf_add_z(out, a->path);
        return;
    }
    inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, text, sizeof text);
    buf_add_z(out, text);
}

void net_address_format(struct buf *out, const struct net_address *a) {
    if (a->family == 6) buf_add_char(out, '[');
    net_address_format_ip(out, a);
    if (a->family == 6) buf_add_char(out, ']');
    if (a->family != 1) buf_addf(out, ":%u", a->port);
}
