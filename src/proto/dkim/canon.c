/* canon.c - the relaxed form is made while the bytes pass, into a small block that feeds the digest.
 *
 * What may turn out to be nothing is only counted: a run of blanks, line ends, a CR whose LF has not come. The next ordinary
 * octet proves them real; the end of the body drops them but for one line end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/dkim/canon.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4096

struct canon_body {
    struct digest *digest;
    size_t pending_lines; /* line ends not written yet */
    bool has_blank;       /* blanks not written yet, on the current line */
    bool has_cr;          /* the last octet was a CR */
    bool has_content;     /* anything was written */
    size_t n;
    char block[BLOCK_BYTES];
};

struct canon_body *canon_body_new(void) {
    struct canon_body *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->digest = digest_new();
    return c;
}

void canon_body_free(struct canon_body **c) {
    if (!*c) return;
    digest_free(&(*c)->digest);
    free(*c);
    *c = NULL;
}

static void write_block(struct canon_body *c) {
    digest_add(c->digest, str_make(c->block, c->n));
    c->n = 0;
}

static void put(struct canon_body *c, const char *p, size_t n) {
    while (n) {
        size_t room = BLOCK_BYTES - c->n, part = n < room ? n : room;
        memcpy(c->block + c->n, p, part);
        c->n += part;
        p += part;
        n -= part;
        if (c->n == BLOCK_BYTES) write_block(c);
    }
}

/* An ordinary octet comes: what was pending is real. */
static void put_pending(struct canon_body *c) {
    for (; c->pending_lines; c->pending_lines--) put(c, "\r\n", 2);
    if (c->has_blank) put(c, " ", 1);
    if (c->has_cr) put(c, "\r", 1);
    c->has_blank = c->has_cr = false;
    c->has_content = true;
}

static bool is_special(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void put_special(struct canon_body *c, char octet) {
    if (octet == '\n') {
        c->has_blank = c->has_cr = false;
        c->pending_lines++;
        return;
    }
    if (c->has_cr) put_pending(c);
    if (octet == '\r') {
        c->has_cr = true;
    } else {
        c->has_blank = true;
    }
}

void canon_body_add(struct canon_body *c, struct str bytes) {
    for (size_t i = 0; i < bytes.n;) {
        size_t from = i;
        while (i < bytes.n && !is_special(bytes.p[i])) i++;
        if (i > from) {
            if (c->pending_lines || c->has_blank || c->has_cr || !c->has_content) put_pending(c);
            put(c, bytes.p + from, i - from);
        }
        if (i < bytes.n) put_special(c, bytes.p[i++]);
    }
}

struct sha256 canon_body_finish(struct canon_body *c) {
    if (c->has_cr) put_pending(c);
    if (c->has_content) put(c, "\r\n", 2);
    write_block(c);
    c->pending_lines = 0;
    c->has_blank = c->has_content = false;
    return digest_finish(c->digest);
}

void canon_header(struct buf *out, struct str name, struct str value) {
    char *to = buf_reserve(out, name.n + value.n + 3);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) to[n++] = ascii_lower(name.p[i]);
    to[n++] = ':';
    bool has_blank = false;
    value = str_trim(value);
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == ' ' || c == '\t') has_blank = true;
        if (is_special(c)) continue;
        if (has_blank) to[n++] = ' ';
        has_blank = false;
        to[n++] = c;
    }
    to[n++] = '\r';
    to[n++] = '\n';
    buf_grew(out, n);
}
