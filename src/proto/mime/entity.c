/* entity.c - writing the tree. Recursive over our own trees only, which are three levels deep.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/entity.h"

#include "base/encode.h"
#include "proto/mime/body.h"
#include "proto/mime/header.h"

#include <string.h>

#define BOUNDARY_RANDOM_BYTES 17

static bool texts_contain(const struct entity *e, struct str needle) {
    for (size_t i = 0; i < e->child_count; i++)
        if (texts_contain(&e->children[i], needle)) return true;
    return e->is_text && e->content.n && memmem(e->content.p, e->content.n, needle.p, needle.n);
}

/* A boundary that occurs nowhere below e. */
static void make_boundary(const struct entity *e, const struct rand *rand, struct buf *out) {
    do {
        char random[BOUNDARY_RANDOM_BYTES];
        rand_fill(rand, random, sizeof random);
        buf_reset(out);
        buf_add_z(out, "=_");
        base32_encode(out, str_make(random, sizeof random));
    } while (texts_contain(e, buf_str(out)));
}

static void write_type(const struct entity *e, struct str boundary, struct buf *out) {
    struct header_writer w = {.out = out};
    header_begin(&w, "Content-Type");
    header_token(&w, e->type);
    if (e->charset.n) header_param(&w, "charset", e->charset);
    if (e->root.n) header_param(&w, "type", e->root);
    if (boundary.n) header_param(&w, "boundary", boundary);
    header_end(&w);
}

static void write_leaf_fields(const struct entity *e, enum body_encoding encoding, struct buf *out) {
    struct header_writer w = {.out = out};
    header_begin(&w, "Content-Transfer-Encoding");
    header_token(&w, str_from_z(body_encoding_name(encoding)));
    header_end(&w);
    if (e->disposition != ENTITY_PLAIN) {
        header_begin(&w, "Content-Disposition");
        header_token(&w, e->disposition == ENTITY_INLINE ? STR("inline") : STR("attachment"));
        if (e->filename.n) header_param(&w, "filename", e->filename);
        header_end(&w);
    }
    if (e->content_id.n) buf_addf(out, "Content-ID: <%.*s>\r\n", STR_ARG(e->content_id));
}

static void write_leaf(const struct entity *e, struct buf *out) {
    enum body_encoding encoding = e->is_text ? body_encoding_for_text(e->content) : BODY_BASE64;
    write_type(e, STR(""), out);
    write_leaf_fields(e, encoding, out);
    buf_add_z(out, "\r\n");
    if (e->is_text) {
        body_add_text(out, encoding, e->content);
    } else {
        body_add_base64(out, e->content);
    }
}

void entity_write(const struct entity *e, const struct rand *rand, struct buf *out) {
    BUF_AUTO boundary = {0};
    if (e->child_count == 0) {
        write_leaf(e, out);
        return;
    }
    make_boundary(e, rand, &boundary);
    write_type(e, buf_str(&boundary), out);
    for (size_t i = 0; i < e->child_count; i++) {
        buf_addf(out, "\r\n--%.*s\r\n", STR_ARG(buf_str(&boundary)));
        entity_write(&e->children[i], rand, out);
    }
    buf_addf(out, "\r\n--%.*s--", STR_ARG(buf_str(&boundary)));
}
