/* walk.c - the walk over a message, line by line, with a stack of open multiparts.
 *
 *     text ends at a line "--boundary" of any open multipart; the innermost match decides how many are closed
 *
 * Only lines that begin with "--" are compared with the stack, so the walk is linear in the message.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/walk.h"

#include "proto/mime/header.h"

#include <string.h>

#define BOUNDARY_MAX 200 /* RFC 2046 says 70; longer ones are seen in the wild */

/* Read the fields of an entity off *rest. */
static void read_header(struct str *rest, struct arena *arena, struct mime_piece *p) {
    struct header_field field;
    struct str all = *rest;
    bool has_type = false, has_disposition = false;
    while (header_next(rest, &field) == HEADER_FIELD) {
        if (!has_type && str_eq_nocase(field.name, STR("content-type"))) {
            params_parse(field.value, arena, &p->type);
            has_type = true;
        } else if (!has_disposition && str_eq_nocase(field.name, STR("content-disposition"))) {
            params_parse(field.value, arena, &p->disposition);
            has_disposition = true;
        } else if (!p->encoding.p && str_eq_nocase(field.name, STR("content-transfer-encoding"))) {
            p->encoding = field.value;
        } else if (!p->content_id.p && str_eq_nocase(field.name, STR("content-id"))) {
            p->content_id = str_trim(field.value);
        }
    }
    p->header = str_sub(all, 0, all.n - rest->n);
}

/* Which open multipart does this line delimit? Its index, or SIZE_MAX; *ret_is_closing for "--boundary--". */
static size_t match_boundary(const struct mime_walk *w, struct str line, bool *ret_is_closing) {
    if (!str_starts(line, STR("--"))) return SIZE_MAX;
    while (line.n && strchr(" \t\r\n", line.p[line.n - 1]) && line.p[line.n - 1]) line.n--;
    struct str text = str_sub(line, 2, SIZE_MAX);
    for (size_t i = w->depth; i-- > 0;) {
        struct str boundary = w->stack[i].boundary;
        if (!str_starts(text, boundary)) continue;
        struct str tail = str_sub(text, boundary.n, SIZE_MAX);
        if (tail.n && !str_eq(tail, STR("--"))) continue;
        *ret_is_closing = tail.n > 0;
        return i;
    }
    return SIZE_MAX;
}

/* Go to the next delimiter, close what it closes, and give what lies in front of it. */
static void to_delimiter(struct mime_walk *w, struct mime_piece *p) {
    struct str all = w->rest;
    bool is_closing = false;
    for (size_t at = 0; at < all.n;) {
        const char *end = memchr(all.p + at, '\n', all.n - at);
        size_t n = end ? (size_t)(end - all.p) + 1 - at : all.n - at;
        size_t level = match_boundary(w, str_sub(all, at, n), &is_closing);
        if (level == SIZE_MAX) {
            at += n;
            continue;
        }
        p->text = str_sub(all, 0, at);
        if (str_ends(p->text, STR("\n"))) p->text.n--;
        if (str_ends(p->text, STR("\r"))) p->text.n--;
        p->delimiter = str_sub(all, p->text.n, at + n - p->text.n);
        w->rest = str_sub(all, at + n, SIZE_MAX);
        w->depth = is_closing ? level : level + 1;
        w->is_text_next = is_closing;
        w->is_at_end = w->depth == 0 && w->rest.n == 0;
        return;
    }
    p->text = all;
    w->rest = str_sub(all, all.n, 0);
    w->is_at_end = true;
}

static bool is_sealed(struct str type) {
    return str_eq(type, STR("multipart/signed")) || str_eq(type, STR("multipart/encrypted"));
}

/* Does the entity open a multipart? Otherwise it is a leaf. */
static bool open_multipart(struct mime_walk *w, const struct mime_piece *p) {
    struct str boundary = params_find(&p->type, STR("boundary"));
    if (!str_starts(p->type.value, STR("multipart/")) || boundary.n == 0 || boundary.n > BOUNDARY_MAX) return false;
    if (w->depth == MIME_WALK_DEPTH_MAX) {
        w->is_truncated = true;
        return false;
    }
    bool in_sealed = w->depth && w->stack[w->depth - 1].is_sealed;
    w->stack[w->depth++] = (struct mime_open){.boundary = boundary,
                                              .is_related = str_eq(p->type.value, STR("multipart/related")),
                                              .is_sealed = in_sealed || is_sealed(p->type.value)};
    return true;
}

void mime_walk_begin(struct mime_walk *w, struct arena *arena, struct str message) {
    w->arena = arena;
    w->rest = message;
    w->depth = w->entity_count = 0;
    w->is_text_next = w->is_at_end = w->is_truncated = false;
}

bool mime_walk_next(struct mime_walk *w, struct mime_piece *ret) {
    struct mime_piece p = {.is_entity = !w->is_text_next};
    if (w->is_at_end) return false;
    if (p.is_entity && w->entity_count++ == MIME_WALK_ENTITIES_MAX) {
        w->is_truncated = w->is_at_end = true;
        return false;
    }
    if (p.is_entity) {
        read_header(&w->rest, w->arena, &p);
        p.is_leaf = !open_multipart(w, &p);
    }
    const struct mime_open *in = w->depth ? &w->stack[w->depth - 1] : NULL;
    p.in_related = in && in->is_related;
    p.in_sealed = in && in->is_sealed;
    to_delimiter(w, &p);
    *ret = p;
    return true;
}
