/* relink_undo.h - takes the edits of a whole message back: the oracle that nothing else was changed, for test_relink.c and
 * fuzz_relink.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TEST_RELINK_UNDO_H
#define POSTHORN_TEST_RELINK_UNDO_H

#include "html_undo.h"
#include "proto/html/charset.h"
#include "proto/html/relink.h"
#include "proto/mime/header.h"
#include "proto/mime/leaf.h"

#include <stdlib.h>

#define RELINK_PIXEL STR("<img src=\"https://t.example/o\">")

/* A links_fn whose word does not depend on where a link stands. */
static inline bool relink_undo_link(void *user, const struct html_link *link, struct buf *ret) {
    (void)user;
    buf_addf(ret, "https://t.example/c/%zu", link->url.n);
    return true;
}

/* The header without what says how the content is encoded. */
static inline void relink_undo_header(struct str header, struct buf *out) {
    struct header_field field;
    while (header_next(&header, &field) == HEADER_FIELD)
        if (!str_eq_nocase(field.name, STR("content-transfer-encoding")) && !str_eq_nocase(field.name, STR("mime-version")))
            buf_add_str(out, field.raw);
}

/* Is `after`'s content that of `before` with our edits, the pixel among them if `pixel` is given? */
static inline bool relink_undo_leaf(const struct mime_piece *before, const struct mime_piece *after, const struct relink *how,
                                    struct str pixel) {
    ARENA_AUTO arena = {0};
    BUF_AUTO was = {0};
    BUF_AUTO is = {0};
    BUF_AUTO back = {0};
    struct links links;
    bool is_html = str_eq(before->type.value, STR("text/html"));
    bool is_utf8 = html_charset_parse(params_find(&before->type, STR("charset"))) == HTML_CHARSET_UTF8;
    body_decode(&was, body_encoding_parse(before->encoding), before->text);
    body_decode(&is, body_encoding_parse(after->encoding), after->text);
    (is_html ? links_find_html : links_find_text)(buf_str(&was), is_utf8, &arena, &links);
    const struct html_edit *edits = links_edit(&links, how->replace, how->user, pixel, &arena);
    return edits && html_undo(buf_str(&is), edits, &back) && str_eq(buf_str(&back), buf_str(&was));
}

/* Why `after` is not `before` with edits in texts that may be edited; NULL: it is. A link may lead to its replacement already, so
 * perhaps nothing is different. Static. */
static inline const char *relink_undo(struct str before, struct str after, const struct relink *how) {
    ARENA_AUTO arena = {0};
    struct mime_walk *left = ARENA_NEW(&arena, struct mime_walk), *right = ARENA_NEW(&arena, struct mime_walk);
    struct mime_piece p, q;
    struct str pixel = how->pixel;
    mime_walk_begin(left, &arena, before);
    mime_walk_begin(right, &arena, after);
    while (mime_walk_next(left, &p)) {
        BUF_AUTO a = {0};
        BUF_AUTO b = {0};
        if (!mime_walk_next(right, &q)) return "it has fewer parts";
        if (p.is_entity != q.is_entity || p.is_leaf != q.is_leaf || p.in_sealed != q.in_sealed) return "its parts differ";
        if (!str_eq(str_trim(p.delimiter), str_trim(q.delimiter))) return "a delimiter differs";
        if (str_eq(p.header, q.header) && str_eq(p.text, q.text)) continue;
        if (!p.is_leaf || p.in_sealed) return "what is no text of ours was changed";
        relink_undo_header(p.header, &a);
        relink_undo_header(q.header, &b);
        if (!str_eq(buf_str(&a), buf_str(&b))) return "a header was changed";
        bool is_html = str_eq(p.type.value, STR("text/html"));
        if (!is_html && !how->in_text) return "a text was changed that is no html";
        if (!relink_undo_leaf(&p, &q, how, is_html ? pixel : STR(""))) return "a text has other changes than edits";
        if (is_html) pixel = STR(""); /* once */
    }
    if (mime_walk_next(right, &q)) return "it has more parts";
    return NULL;
}

#endif
