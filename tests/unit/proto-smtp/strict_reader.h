/* strict_reader.h - RFC 5321 4.1.1.4 read a second time, as plainly as can be: the oracle for src/proto/smtp/data.c (I7).
 *
 * Whole input, one octet at a time, no states: content ends at the first CRLF "." CRLF, of which the first CRLF may be the
 * command's own; a line is what lies between two CRLFs, and loses one leading dot.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STRICT_READER_H
#define POSTHORN_STRICT_READER_H

#include "proto/smtp/data.h"

struct strict {
    bool has_ended;
    size_t used;            /* octets of the message with its end */
    bool has_bare, has_nul; /* somewhere in front of the end */
    size_t line_max;        /* octets of the longest line, without CRLF and stuffing */
    struct buf content;     /* without stuffing; means something without faults only */
};

static inline bool strict_is_at(struct str in, size_t at, const char *what) {
    return str_starts(str_sub(in, at, SIZE_MAX), str_from_z(what));
}

/* One line at the start of s; *ret_n its octets in the input, without CRLF. False: no CRLF comes. */
static inline bool strict_line(struct str s, size_t *ret_n) {
    size_t n = str_find_str(s, STR("\r\n"));
    *ret_n = n == STR_NONE ? s.n : n;
    return n != STR_NONE;
}

static inline void strict_note(struct strict *r, struct str line) {
    for (size_t i = 0; i < line.n; i++) {
        r->has_bare = r->has_bare || line.p[i] == '\r' || line.p[i] == '\n';
        r->has_nul = r->has_nul || line.p[i] == 0;
    }
    if (line.n > r->line_max) r->line_max = line.n;
    buf_add_str(&r->content, line);
    buf_add_z(&r->content, "\r\n");
}

/* The message at the start of `in` (behind DATA's CRLF). The caller frees content. */
static inline struct strict strict_data_read(struct str in) {
    struct strict r = {0};
    size_t at = 0, n;
    while (strict_line(str_sub(in, at, SIZE_MAX), &n)) {
        bool is_end = strict_is_at(in, at, ".\r\n");
        struct str line = str_sub(in, at, n);
        at += n + 2;
        r.used = at;
        r.has_ended = is_end;
        if (is_end) break;
        strict_note(&r, str_sub(line, strict_is_at(line, 0, "."), SIZE_MAX));
    }
    return r;
}

/* A whole message of BDAT: all of `in`, its last line completed. */
static inline struct strict strict_chunks_read(struct str in) {
    struct strict r = {.has_ended = true, .used = in.n};
    size_t at = 0, n;
    while (strict_line(str_sub(in, at, SIZE_MAX), &n)) {
        strict_note(&r, str_sub(in, at, n));
        at += n + 2;
    }
    if (at < in.n) strict_note(&r, str_sub(in, at, SIZE_MAX));
    return r;
}

#endif
