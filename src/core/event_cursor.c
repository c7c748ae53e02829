/* event_cursor.c - see event_cursor.h. Twenty bytes: time, id, sum, as hexadecimal digits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/event_cursor.h"

#include "base/encode.h"
#include "crypto/digest.h"

#define SUM_BYTES   4
#define PLACE_BYTES 16

static void add_place(struct buf *out, struct event_place place) {
    for (int i = 56; i >= 0; i -= 8) buf_add_char(out, (char)((uint64_t)place.at >> i));
    for (int i = 56; i >= 0; i -= 8) buf_add_char(out, (char)((uint64_t)place.id >> i));
}

static int64_t number_at(struct str bytes, size_t at) {
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++) number = number << 8 | (unsigned char)bytes.p[at + i];
    return (int64_t)number;
}

static void add_sum(struct buf *out, struct str search) {
    BUF_AUTO all = {0};
    buf_add_str(&all, buf_str(out));
    buf_add_str(&all, search);
    struct sha256 sum = sha256(buf_str(&all));
    buf_add_str(out, str_sub(sha256_str(&sum), 0, SUM_BYTES));
}

struct str event_cursor_format(struct arena *arena, struct event_place place, struct str search) {
    BUF_AUTO bytes = {0};
    BUF_AUTO text = {0};
    add_place(&bytes, place);
    add_sum(&bytes, search);
    hex_encode(&text, buf_str(&bytes));
    return arena_str(arena, buf_str(&text));
}

bool event_cursor_parse(struct str cursor, struct str search, struct event_place *ret) {
    BUF_AUTO given = {0};
    BUF_AUTO bytes = {0};
    if (!hex_decode(&given, cursor) || given.n != PLACE_BYTES + SUM_BYTES) return false;
    struct event_place place = {number_at(buf_str(&given), 0), number_at(buf_str(&given), 8)};
    add_place(&bytes, place);
    add_sum(&bytes, search);
    if (place.at == INT64_MAX || !str_eq(buf_str(&bytes), buf_str(&given))) return false;
    *ret = place;
    return true;
}
