/* encode.c - hex, base32 and base64 are one algorithm: cut the bits into groups of 4, 5 or 6 and name each group. An
 * alphabet is its letters and the way back (value + 1 by byte, 0 for strangers).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

struct alphabet {
    unsigned bits;
    char letters[65];
    uint8_t values[256]; /* value + 1 */
};

/* Runs of values in the order of the letters. */
#define RUN_6(v)   (v), (v) + 1, (v) + 2, (v) + 3, (v) + 4, (v) + 5
#define RUN_10(v)  RUN_6(v), (v) + 6, (v) + 7, (v) + 8, (v) + 9
#define RUN_26(v)  RUN_10(v), RUN_10((v) + 10), RUN_6((v) + 20)
#define LETTERS_26 "abcdefghijklmnopqrstuvwxyz"
#define UPPER_26   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const struct alphabet hex = {4, "0123456789abcdef", {['0'] = RUN_10(1), ['A'] = RUN_6(11), ['a'] = RUN_6(11)}};
/* Either case is read: mail systems fold the case of the local parts that carry it. */
static const struct alphabet base32 = {5, LETTERS_26 "234567", {['2'] = RUN_6(27), ['A'] = RUN_26(1), ['a'] = RUN_26(1)}};
static const struct alphabet base64 = {
    6, UPPER_26 LETTERS_26 "0123456789+/", {['+'] = 63, ['/'] = 64, ['0'] = RUN_10(53), ['A'] = RUN_26(1), ['a'] = RUN_26(27)}};

static void encode(struct buf *out, struct str in, const struct alphabet *a) {
    if (in.n > SIZE_MAX / 4) __builtin_trap();
    const unsigned bits = a->bits;
    char *start = buf_reserve(out, (in.n * 8 + bits - 1) / bits), *to = start;
    uint32_t have = 0; /* the low `held` bits are not written yet */
    unsigned held = 0;
    for (size_t i = 0; i < in.n; i++) {
        have = have << 8 | (uint8_t)in.p[i];
        for (held += 8; held >= bits; held -= bits) *to++ = a->letters[have >> (held - bits) & ((1U << bits) - 1)];
    }
    if (held) *to++ = a->letters[have << (bits - held) & ((1U << bits) - 1)];
    buf_grew(out, (size_t)(to - start));
}

/* What is left over at the end must be less than a letter, and zero: each value has one spelling. */
static bool decode(struct buf *out, struct str in, const struct alphabet *a) {
    const unsigned bits = a->bits;
    char *start = buf_reserve(out, in.n), *to = start;
    uint32_t have = 0;
    unsigned held = 0;
    for (size_t i = 0; i < in.n; i++) {
        unsigned value = a->values[(uint8_t)in.p[i]];
        if (value == 0) return false;
        have = have << bits | (value - 1);
        held += bits;
        if (held < 8) continue;
        held -= 8;
        *to++ = (char)(have >> held & 0xFF);
    }
    if (held >= bits || (have & ((1U << held) - 1))) return false;
    buf_grew(out, (size_t)(to - start));
    return true;
}

void hex_encode(struct buf *out, struct str in) {
    encode(out, in, &hex);
}

bool hex_decode(struct buf *out, struct str in) {
    return decode(out, in, &hex);
}

void base32_encode(struct buf *out, struct str in) {
    encode(out, in, &base32);
}

bool base32_decode(struct buf *out, struct str in) {
    return decode(out, in, &base32);
}

void base64_encode(struct buf *out, struct str in) {
    encode(out, in, &base64);
    buf_add(out, "==", (3 - in.n % 3) % 3);
}

bool base64_decode(struct buf *out, struct str in) {
    if (in.n % 4) return false;
    for (int i = 0; i < 2 && in.n && in.p[in.n - 1] == '='; i++) in.n--;
    return decode(out, in, &base64);
}
