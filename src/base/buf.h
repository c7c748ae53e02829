/* buf.h - an owned, growing run of bytes.
 *
 * Zero-initialised is empty and valid. Memory exhaustion aborts (every size a peer drives has a limit checked before it
 * gets here). `p[n]` is always NUL once anything was added, so a buf of text can be handed to C functions. One thread at
 * a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_BUF_H
#define POSTHORN_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct buf {
    char *p;
    size_t n;
    size_t cap;
};

/* Release the memory; the buf is empty and usable again. */
void buf_fini(struct buf *b);
/* As buf_fini, wiping the bytes first; for secrets. */
void buf_wipe(struct buf *b);
/* Forget the content, keep the memory. */
void buf_reset(struct buf *b);
/* Cut to at most n bytes. */
void buf_cut(struct buf *b, size_t n);
/* Drop the first n bytes (n <= b->n); moves the rest down. */
void buf_drop(struct buf *b, size_t n);
/* Make room for n more bytes; returns where they go. The caller fills and then calls buf_grew(). */
char *buf_reserve(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_add_z(struct buf *b, const char *z);
void buf_add_char(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_add_i64(struct buf *b, int64_t v);
__attribute__((format(printf, 2, 3))) void buf_addf(struct buf *b, const char *format, ...);

static inline struct str buf_str(const struct buf *b) {
    return (struct str){b->p, b->n};
}
/* Move the content out: the caller owns *ret, b is empty. */
struct buf buf_take(struct buf *b);

#define BUF_AUTO __attribute__((cleanup(buf_fini))) struct buf
/* A buf whose bytes are wiped when it goes out of scope. */
#define SECRET_AUTO __attribute__((cleanup(buf_wipe))) struct buf

#endif
