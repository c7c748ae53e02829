/* Downgrade: whatever comes out is seven bits, has the same parts in the same order, with the same decoded bytes; what needs no
 * change has none; doing it twice changes nothing (RFC 6152).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/mime/body.h"
#include "proto/mime/downgrade.h"
#include "proto/mime/header.h"
#include "proto/mime/walk.h"

/* SMTP lets only CRLF in. */
static void make_lines(struct str in, struct buf *out) {
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] == '\n') buf_add_char(out, '\r');
        if (in.p[i] != '\r') buf_add_char(out, in.p[i]);
    }
    buf_add_z(out, "\r\n");
}

static void same_message(struct str a, struct str b, unsigned depth);

static void same_leaf(const struct mime_piece *a, const struct mime_piece *b, unsigned depth) {
    BUF_AUTO left = {0};
    BUF_AUTO right = {0};
    FUZZ_CHECK(str_eq(a->type.value, b->type.value));
    if (str_eq(a->type.value, STR("message/rfc822"))) return same_message(a->text, b->text, depth + 1);
    body_decode(&left, body_encoding_parse(a->encoding), a->text);
    body_decode(&right, body_encoding_parse(b->encoding), b->text);
    FUZZ_CHECK(str_eq(buf_str(&left), buf_str(&right)));
}

static void same_message(struct str a, struct str b, unsigned depth) {
    ARENA_AUTO arena = {0};
    struct mime_walk *left = ARENA_NEW(&arena, struct mime_walk), *right = ARENA_NEW(&arena, struct mime_walk);
    struct mime_piece p, q;
    FUZZ_CHECK(depth <= DOWNGRADE_NESTING_MAX);
    if (str_is_ascii(a)) {
        FUZZ_CHECK(str_eq(a, b) || depth == 0);
        if (str_eq(a, b)) return;
    }
    mime_walk_begin(left, &arena, a);
    mime_walk_begin(right, &arena, b);
    while (mime_walk_next(left, &p)) {
        FUZZ_CHECK(mime_walk_next(right, &q));
        FUZZ_CHECK(p.is_entity == q.is_entity && p.is_leaf == q.is_leaf && str_eq(p.delimiter, q.delimiter));
        if (p.is_leaf) same_leaf(&p, &q, depth);
        FUZZ_CHECK(p.is_leaf || p.text.n == q.text.n);
    }
    FUZZ_CHECK(!mime_walk_next(right, &q));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    BUF_AUTO in = {0};
    BUF_AUTO out = {0};
    BUF_AUTO again = {0};
    make_lines(fuzz_str(data, size), &in);
    const char *why = downgrade(buf_str(&in), &out);
    FUZZ_CHECK(!why || *why);
    if (why) return 0;
    FUZZ_CHECK(str_is_ascii(buf_str(&out)));
    same_message(buf_str(&in), buf_str(&out), 0);
    FUZZ_CHECK(!downgrade(buf_str(&out), &again) && str_eq(buf_str(&out), buf_str(&again)));
    return 0;
}
