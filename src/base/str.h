/* str.h - a borrowed run of bytes: pointer and length, never NUL-terminated by promise.
 *
 * A `str` owns nothing and lives as long as what it points into. All network data travels as `str`; the owned twin is
 * `buf`. Functions never look past `n`. Case folding is ASCII only. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_STR_H
#define POSTHORN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

/* A literal as a str: STR("abc"). */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* The same for static initialisers, where a compound literal is not constant. */
#define STR_INIT(literal)                                                                                                        \
    { (literal), sizeof(literal) - 1 }
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).n, (s).p
/* str_find() found nothing. */
#define STR_NONE SIZE_MAX

/* View of a NUL-terminated string; NULL gives the empty str. */
struct str str_from_z(const char *z);
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b);
/* memcmp order, shorter first on a common prefix. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first / last `c`, or the first `needle`; STR_NONE when absent. */
size_t str_find(struct str s, char c);
size_t str_find_last(struct str s, char c);
size_t str_find_str(struct str s, struct str needle);
/* Bytes [from, from+n) clamped to s; n = SIZE_MAX means "to the end". */
struct str str_sub(struct str s, size_t from, size_t n);
/* Without leading and trailing space, tab, CR and LF. */
struct str str_trim(struct str s);
/* Take the part before the next `sep` off *rest (sep is dropped). Returns false when *rest was already used up
 * (p == NULL). "a,,b" yields "a", "", "b"; "" yields one "". */
bool str_next(struct str *rest, char sep, struct str *ret_part);
/* Whole of s is a decimal number without sign or blanks that fits; leading zeros are allowed. */
bool str_to_u64(struct str s, uint64_t *ret);
/* As str_to_u64 with an optional leading '-'. */
bool str_to_i64(struct str s, int64_t *ret);
/* s is well-formed UTF-8 (RFC 3629: no overlongs, no surrogates, nothing above U+10FFFF). */
bool str_is_utf8(struct str s);
bool str_is_ascii(struct str s);
/* How many bytes at the start of s are printable ASCII, 0x20 to 0x7E. */
size_t str_plain_run(struct str s);
/* Does s hold any byte below 0x20 or 0x7F? */
bool str_has_control(struct str s);
/* Same bytes in time that depends on the lengths only. */
bool str_eq_secret(struct str a, struct str b);

static inline bool str_is_empty(struct str s) {
    return s.n == 0;
}
static inline struct str str_make(const char *p, size_t n) {
    return (struct str){p, n};
}
char ascii_lower(char c);
bool ascii_is_alpha(char c);
bool ascii_is_digit(char c);
bool ascii_is_alnum(char c);

#endif
