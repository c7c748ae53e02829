/* buf.c - growth doubles, so that n additions cost O(n). One byte beyond `n` is always kept for the closing NUL.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 64

void buf_fini(struct buf *b) {
    free(b->p);
    *b = (struct buf){0};
}

void buf_wipe(struct buf *b) {
    if (b->p) explicit_bzero(b->p, b->cap);
    buf_fini(b);
}

void buf_reset(struct buf *b) {
    buf_cut(b, 0);
}

void buf_cut(struct buf *b, size_t n) {
    if (n >= b->n) return;
    b->n = n;
    b->p[n] = 0;
}

void buf_drop(struct buf *b, size_t n) {
    if (n > b->n) abort();
    if (n == 0) return;
    memmove(b->p, b->p + n, b->n - n);
    buf_cut(b, b->n - n);
}

char *buf_reserve(struct buf *b, size_t n) {
    size_t need;
    if (__builtin_add_overflow(b->n, n, &need) || __builtin_add_overflow(need, 1, &need)) abort();
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : FIRST_BYTES;
        while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
        char *p = realloc(b->p, cap);
        if (!p) abort();
        b->p = p;
        b->cap = cap;
    }
    return b->p + b->n;
}

void buf_grew(struct buf *b, size_t n) {
    if (n >= b->cap - b->n) abort();
    b->n += n;
    b->p[b->n] = 0;
}

void buf_add(struct buf *b, const void *p, size_t n) {
    char *to = buf_reserve(b, n);
    if (n) memcpy(to, p, n);
    buf_grew(b, n);
}

void buf_add_str(struct buf *b, struct str s) {
    buf_add(b, s.p, s.n);
}

void buf_add_z(struct buf *b, const char *z) {
    buf_add(b, z, strlen(z));
}

void buf_add_char(struct buf *b, char c) {
    buf_add(b, &c, 1);
}

void buf_add_u64(struct buf *b, uint64_t v) {
    char digits[20]; /* UINT64_MAX has 20 */
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_add(b, digits + at, sizeof digits - at);
}

void buf_add_i64(struct buf *b, int64_t v) {
    if (v < 0) buf_add_char(b, '-');
    buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_addf(struct buf *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = format ? vsnprintf(NULL, 0, format, args) : -1;
    if (n < 0) abort();
    char *to = buf_reserve(b, (size_t)n);
    vsnprintf(to, (size_t)n + 1, format, again);
    buf_grew(b, (size_t)n);
    va_end(again);
    va_end(args);
}

struct buf buf_take(struct buf *b) {
    struct buf taken = *b;
    *b = (struct buf){0};
    return taken;
}
