/* web_url.c - see web_url.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/url/web_url.h"

#include "proto/address/address.h"
#include "proto/url/url.h"

#define IPV4_PARTS 4
#define PORT_HTTP  80
#define PORT_HTTPS 443

static int digit_value(char c) {
    if (ascii_is_digit(c)) return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* A part of an IPv4 address: decimal, octal behind 0, hexadecimal behind 0x ("0x" alone is 0). */
static bool parse_part(struct str s, uint64_t *ret) {
    int base = 10;
    uint64_t value = 0;
    if (s.n == 0) return false;
    if (str_starts_nocase(s, STR("0x"))) {
        base = 16;
        s = str_sub(s, 2, SIZE_MAX);
    } else if (s.n > 1 && s.p[0] == '0') {
        base = 8;
        s = str_sub(s, 1, SIZE_MAX);
    }
    for (size_t i = 0; i < s.n; i++) {
        int digit = digit_value(s.p[i]);
        if (digit >= base || value > UINT32_MAX) return false;
        value = value * (uint64_t)base + (uint64_t)digit;
    }
    *ret = value;
    return true;
}

/* Would a resolver take the name for an address? When its last label is a number (WHATWG: "ends in a number"). */
static bool ends_in_number(struct str host) {
    struct str last = str_sub(host, str_find_last(host, '.') + 1, SIZE_MAX); /* STR_NONE + 1: all of it */
    uint64_t value;
    bool is_digits = last.n > 0;
    for (size_t i = 0; i < last.n; i++) is_digits = is_digits && ascii_is_digit(last.p[i]);
    return is_digits || (str_starts_nocase(last, STR("0x")) && parse_part(last, &value));
}

static bool parse_ipv4(struct str host, struct ip *ret) {
    uint64_t parts[IPV4_PARTS], address = 0;
    size_t count = 0;
    struct str part;
    while (str_next(&host, '.', &part))
        if (count == IPV4_PARTS || !parse_part(part, &parts[count++])) return false;
    for (size_t i = 0; i + 1 < count; i++) {
        if (parts[i] > 255) return false;
        address |= parts[i] << (24 - 8 * i);
    }
    if (count == 0 || parts[count - 1] >= UINT64_C(1) << (8 * (IPV4_PARTS + 1 - count))) return false;
    address |= parts[count - 1];
    *ret = (struct ip){.family = 4};
    for (size_t i = 0; i < IPV4_PARTS; i++) ret->bytes[i] = (uint8_t)(address >> (24 - 8 * i));
    return true;
}

static bool is_label(struct str label) {
    if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-') return false;
    for (size_t i = 0; i < label.n; i++)
        if (!ascii_is_alnum(label.p[i]) && label.p[i] != '-') return false;
    return true;
}

static bool parse_name(struct str host, struct arena *arena, struct str *ret) {
    struct str rest = host, label;
    if (!str_is_ascii(host)) return domain_parse(host, arena, ret);
    if (host.n > ADDRESS_DOMAIN_MAX) return false;
    while (str_next(&rest, '.', &label))
        if (!is_label(label)) return false;
    *ret = arena_lower(arena, host);
    return true;
}

static bool parse_host(struct str host, struct arena *arena, struct web_url *url) {
    if (str_starts(host, STR("["))) {
        if (!str_ends(host, STR("]"))) return false;
        url->host = arena_lower(arena, str_sub(host, 1, host.n - 2));
        return str_find(url->host, ':') != STR_NONE && ip_parse(url->host, &url->ip);
    }
    if (str_ends(host, STR("."))) host.n--;
    if (!ends_in_number(host)) return parse_name(host, arena, &url->host);
    url->host = arena_lower(arena, host);
    return parse_ipv4(host, &url->ip);
}

/* host, host:port, [v6], [v6]:port */
static bool parse_authority(struct str text, struct arena *arena, struct web_url *url) {
    size_t bracket = str_find(text, ']'), colon = str_find_last(text, ':');
    uint64_t port = url->is_https ? PORT_HTTPS : PORT_HTTP;
    if (bracket != STR_NONE && colon != STR_NONE && colon < bracket) colon = STR_NONE;
    if (colon != STR_NONE && (!str_to_u64(str_sub(text, colon + 1, SIZE_MAX), &port) || port == 0 || port > UINT16_MAX))
        return false;
    url->port = (uint16_t)port;
    return parse_host(str_sub(text, 0, colon), arena, url);
}

static bool parse_target(struct str text, struct arena *arena, struct str *ret) {
    struct str decoded;
    if (str_plain_run(text) != text.n || !url_decode(arena, text, &decoded)) return false;
    *ret = str_starts(text, STR("/")) ? arena_str(arena, text) : arena_strf(arena, "/%.*s", STR_ARG(text));
    return true;
}

/* What no part of a URL may hold, whatever a reader makes of it. */
static bool has_forbidden(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c <= ' ' || c == 0x7f || c == '\\' || c == '#') return true;
    }
    return false;
}

bool web_url_parse(struct str text, struct arena *arena, struct web_url *ret) {
    struct web_url url = {.is_https = str_starts_nocase(text, STR("https://"))};
    if (has_forbidden(text) || (!url.is_https && !str_starts_nocase(text, STR("http://")))) return false;
    struct str rest = str_sub(text, url.is_https ? 8 : 7, SIZE_MAX);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?') end++;
    struct str authority = str_sub(rest, 0, end);
    if (str_find(authority, '@') != STR_NONE || str_find(authority, '%') != STR_NONE) return false;
    if (!parse_authority(authority, arena, &url) || !parse_target(str_sub(rest, end, SIZE_MAX), arena, &url.target)) return false;
    *ret = url;
    return true;
}
