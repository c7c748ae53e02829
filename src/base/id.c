/* id.c - making, writing and reading UUIDs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

static const char digits[] = "0123456789abcdef";

/* A hyphen stands before these bytes. */
static bool is_group_start(size_t byte) {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

struct id id_make(int64_t wall_ms, const struct rand *rand) {
    struct id id;
    rand_fill(rand, id.b, sizeof id.b);
    for (int i = 0; i < 6; i++) id.b[i] = (uint8_t)((uint64_t)wall_ms >> (40 - 8 * i));
    id.b[6] = (uint8_t)(0x70 | (id.b[6] & 0x0F)); /* version 7 */
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3F)); /* variant 10 */
    return id;
}

void id_format(struct id id, char ret_text[ID_TEXT_LEN + 1]) {
    char *to = ret_text;
    for (size_t i = 0; i < sizeof id.b; i++) {
        if (is_group_start(i)) *to++ = '-';
        *to++ = digits[id.b[i] >> 4];
        *to++ = digits[id.b[i] & 15];
    }
    *to = 0;
}

static bool read_digit(char c, uint8_t *ret) {
    size_t at = str_find(STR("0123456789abcdef"), ascii_lower(c));
    if (at == STR_NONE) return false;
    *ret = (uint8_t)at;
    return true;
}

bool id_parse(struct str text, struct id *ret) {
    if (text.n != ID_TEXT_LEN) return false;
    struct id id;
    const char *from = text.p;
    for (size_t i = 0; i < sizeof id.b; i++, from += 2) {
        uint8_t high, low;
        if (is_group_start(i) && *from++ != '-') return false;
        if (!read_digit(from[0], &high) || !read_digit(from[1], &low)) return false;
        id.b[i] = (uint8_t)(high << 4 | low);
    }
    *ret = id;
    return true;
}
