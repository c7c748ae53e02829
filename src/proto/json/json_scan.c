/* json_scan.c - blocks of 32 bytes for long runs (attachments), words of 8 to find the place, bytes at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/json/json_scan.h"

#include <endian.h>
#include <string.h>

typedef uint8_t block __attribute__((vector_size(16)));

static bool block_is_special(const char *p) {
    block a, b;
    uint64_t any[2];
    memcpy(&a, p, 16);
    memcpy(&b, p + 16, 16);
    block found = (block)((a == '"') | (b == '"') | (a == '\\') | (b == '\\') | (a < 0x20) | (b < 0x20)) | ((a | b) & 0x80);
    memcpy(any, &found, 16);
    return (any[0] | any[1]) != 0;
}

/* The high bit of each special byte of eight; right up to and with the lowest one, which is all that is looked at. */
static uint64_t special_bits(const char *p) {
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t w;
    memcpy(&w, p, 8);
    w = le64toh(w);
    uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
    return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | (w - ones * 0x20) | w) & high;
}

const char *json_skip_plain(const char *p, const char *end) {
    while (end - p >= 32 && !block_is_special(p)) p += 32;
    for (; end - p >= 8; p += 8) {
        uint64_t bits = special_bits(p);
        if (bits) return p + (__builtin_ctzll(bits) >> 3);
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\') p++;
    return p;
}

size_t json_utf8_length(const char *p, const char *end) {
    unsigned char c = (unsigned char)p[0];
    size_t n = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return (size_t)(end - p) >= n && str_is_utf8(str_make(p, n)) ? n : 0;
}
