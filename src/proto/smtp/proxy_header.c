/* proxy_header.c - version 1 is a line of words, version 2 a block of bytes; either is read once it is there whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/proxy_header.h"

#define TEXT_MAX     107 /* of version 1, with CRLF */
#define BINARY_FIXED 16  /* signature, version and command, family and protocol, length */

static const struct str text_start = STR_INIT("PROXY ");
static const struct str signature = STR_INIT("\r\n\r\n\0\r\nQUIT\n");

static bool port_parse(struct str s, uint16_t *ret) {
    uint64_t port;
    if (s.n == 0 || s.n > 5 || !str_to_u64(s, &port) || port > UINT16_MAX) return false;
    *ret = (uint16_t)port;
    return true;
}

/* "TCP4 192.0.2.1 192.0.2.2 56324 25" */
static bool words_parse(struct str line, struct proxy_header *ret) {
    struct str words[5], rest = line;
    struct ip destination;
    uint16_t destination_port;
    for (size_t i = 0; i < 5; i++)
        if (!str_next(&rest, ' ', &words[i])) return false;
    bool is_v6 = str_eq(words[0], STR("TCP6"));
    if (rest.p || (!is_v6 && !str_eq(words[0], STR("TCP4")))) return false;
    for (size_t i = 1; i < 3; i++)
        if (is_v6 != (str_find(words[i], ':') != STR_NONE)) return false;
    return ip_parse(words[1], &ret->source) && ip_parse(words[2], &destination) && port_parse(words[3], &ret->source_port) &&
           port_parse(words[4], &destination_port);
}

static enum parse text_parse(struct str in, struct proxy_header *ret, size_t *ret_used) {
    struct proxy_header header = {0};
    struct str s = str_sub(in, 0, TEXT_MAX);
    size_t cr = str_find(s, '\r');
    if (cr == STR_NONE || cr + 1 == TEXT_MAX) return s.n < TEXT_MAX ? PARSE_MORE : PARSE_BAD;
    if (cr + 1 == s.n) return PARSE_MORE;
    struct str line = str_sub(s, text_start.n, cr - text_start.n);
    bool is_unknown = str_eq(line, STR("UNKNOWN")) || str_starts(line, STR("UNKNOWN "));
    if (s.p[cr + 1] != '\n' || (!is_unknown && !words_parse(line, &header))) return PARSE_BAD;
    *ret = header;
    *ret_used = cr + 2;
    return PARSE_DONE;
}

static uint16_t two_bytes(struct str s, size_t at) {
    return (uint16_t)((uint8_t)s.p[at] << 8 | (uint8_t)s.p[at + 1]);
}

/* Addresses lie behind the fixed part: source, destination, and their ports. A family that is no IP keeps the peer. */
static bool block_parse(struct str block, uint8_t family, struct proxy_header *ret) {
    size_t size = family == 1 ? 4 : 16;
    if (family != 1 && family != 2) return family == 0 || family == 3;
    if (block.n < 2 * size + 4) return false;
    uint8_t bytes[16] = {0};
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)block.p[i];
    ret->source = ip_make(family == 1 ? 4 : 6, bytes);
    ret->source_port = two_bytes(block, 2 * size);
    return true;
}

static enum parse binary_parse(struct str in, struct proxy_header *ret, size_t *ret_used) {
    struct proxy_header header = {0};
    if (in.n > 12 && (uint8_t)in.p[12] >> 4 != 2) return PARSE_BAD;
    if (in.n < BINARY_FIXED) return PARSE_MORE;
    size_t length = two_bytes(in, 14);
    if (BINARY_FIXED + length > PROXY_HEADER_MAX) return PARSE_BAD;
    if (in.n < BINARY_FIXED + length) return PARSE_MORE;
    uint8_t command = (uint8_t)in.p[12] & 15, family = (uint8_t)in.p[13] >> 4, protocol = (uint8_t)in.p[13] & 15;
    bool is_stream = protocol == 1 || family == 0;
    if (command > 1) return PARSE_BAD;
    if (command == 1 && (!is_stream || !block_parse(str_sub(in, BINARY_FIXED, length), family, &header))) return PARSE_BAD;
    *ret = header;
    *ret_used = BINARY_FIXED + length;
    return PARSE_DONE;
}

enum parse proxy_header_parse(struct str in, struct proxy_header *ret, size_t *ret_used) {
    if (str_starts(in, text_start)) return text_parse(in, ret, ret_used);
    if (str_starts(in, signature)) return binary_parse(in, ret, ret_used);
    return str_starts(text_start, in) || str_starts(signature, in) ? PARSE_MORE : PARSE_BAD;
}
