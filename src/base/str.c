/* str.c - looking at borrowed bytes.
 *
 * Everything here is bounded by `n`, treats an empty str's pointer as unknown, and neither allocates nor copies: what comes out
 * points into what went in. Letters are folded in ASCII only, whatever the locale, because protocols mean that; numbers are
 * strict, the whole text or nothing. No terminating NUL is read or promised.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <string.h>

struct str str_from_z(const char *z) {
    return (struct str){z ? z : "", z ? strlen(z) : 0};
}

char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool ascii_is_alpha(char c) {
    char l = ascii_lower(c);
    return l >= 'a' && l <= 'z';
}

bool ascii_is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool ascii_is_alnum(char c) {
    return ascii_is_alpha(c) || ascii_is_digit(c);
}

bool str_eq(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b) {
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++) {
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i])) return false;
    }
    return true;
}

int str_cmp(struct str a, struct str b) {
    size_t common = a.n < b.n ? a.n : b.n;
    int order = common ? memcmp(a.p, b.p, common) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix) {
    return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool str_starts_nocase(struct str s, struct str prefix) {
    return s.n >= prefix.n && str_eq_nocase(str_sub(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix) {
    return s.n >= suffix.n && str_eq(str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

size_t str_find(struct str s, char c) {
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : STR_NONE;
}

size_t str_find_last(struct str s, char c) {
    const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : STR_NONE;
}

size_t str_find_str(struct str s, struct str needle) {
    if (needle.n == 0) return 0;
    const char *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - s.p) : STR_NONE;
}

struct str str_sub(struct str s, size_t from, size_t n) {
    if (from > s.n) from = s.n;
    if (n > s.n - from) n = s.n - from;
    return (struct str){from ? s.p + from : s.p, n}; /* p may be NULL when n is 0 */
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s) {
    size_t from = 0;
    while (from < s.n && is_blank(s.p[from])) from++;
    while (s.n > from && is_blank(s.p[s.n - 1])) s.n--;
    return str_sub(s, from, SIZE_MAX);
}

bool str_next(struct str *rest, char sep, struct str *ret_part) {
    if (!rest->p) return false;
    size_t at = str_find(*rest, sep);
    *ret_part = str_sub(*rest, 0, at);
    *rest = at == STR_NONE ? (struct str){0} : str_sub(*rest, at + 1, SIZE_MAX);
    return true;
}

bool str_to_u64(struct str s, uint64_t *ret) {
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!ascii_is_digit(s.p[i])) return false;
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value)) return false;
    }
    if (s.n == 0) return false;
    *ret = value;
    return true;
}

bool str_to_i64(struct str s, int64_t *ret) {
    bool negative = s.n && s.p[0] == '-';
    uint64_t value;
    if (!str_to_u64(str_sub(s, negative, SIZE_MAX), &value)) return false;
    if (value > (uint64_t)INT64_MAX + negative) return false;
    *ret = (int64_t)(negative ? 0 - value : value);
    return true;
}

/* Length of the UTF-8 sequence at the start of s (n > 0), 0 when it is malformed. Table 3-7 of the Unicode standard: only
 * the second byte's range depends on the first. */
static size_t utf8_length(const uint8_t *s, size_t n) {
    if (s[0] < 0x80) return 1;
    size_t want = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n < want) return 0;
    uint8_t low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    uint8_t high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < want; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
    }
    return want;
}

/* Eight bytes at once: most text is ASCII. */
#define WORD_BYTES 8
static const uint64_t word_ones = 0x0101010101010101u, word_high = 0x8080808080808080u;

static uint64_t word_at(struct str s, size_t at) {
    uint64_t w;
    memcpy(&w, s.p + at, WORD_BYTES);
    return w;
}

static size_t ascii_words(struct str s, size_t at) {
    while (s.n - at >= WORD_BYTES && !(word_at(s, at) & word_high)) at += WORD_BYTES;
    return at;
}

bool str_is_utf8(struct str s) {
    for (size_t at = 0, step; (at = ascii_words(s, at)) < s.n; at += step) {
        step = utf8_length((const uint8_t *)s.p + at, s.n - at);
        if (step == 0) return false;
    }
    return true;
}

bool str_is_ascii(struct str s) {
    for (size_t i = ascii_words(s, 0); i < s.n; i++) {
        if ((uint8_t)s.p[i] >= 0x80) return false;
    }
    return true;
}

/* Any byte of w that is not printable. Borrows and carries between bytes begin at such a byte only, so none is missed or made up.
 */
static bool word_is_plain(uint64_t w) {
    return !((w | (w - word_ones * 0x20) | (w + word_ones)) & word_high);
}

size_t str_plain_run(struct str s) {
    size_t n = 0;
    while (s.n - n >= WORD_BYTES && word_is_plain(word_at(s, n))) n += WORD_BYTES;
    while (n < s.n && s.p[n] >= ' ' && s.p[n] <= '~') n++;
    return n;
}

bool str_has_control(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7F) return true;
    }
    return false;
}

bool str_eq_secret(struct str a, struct str b) {
    if (a.n != b.n) return false;
    volatile uint8_t difference = 0; /* volatile: no early exit may be invented */
    for (size_t i = 0; i < a.n; i++) difference = difference | (uint8_t)(a.p[i] ^ b.p[i]);
    return difference == 0;
}
