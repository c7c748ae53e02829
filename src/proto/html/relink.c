/* relink.c - see relink.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/html/relink.h"

#include "proto/html/charset.h"
#include "proto/mime/header.h"
#include "proto/mime/leaf.h"

#define LINE_MAX_OCTETS 998 /* RFC 5322 2.1.1 */

struct relinking {
    const struct relink *how;
    struct buf *out;
    size_t link_count; /* in the parts before */
    bool has_pixel;
};

/* ---- which parts ---- */
static bool is_html(const struct mime_piece *p) {
    return str_eq(p->type.value, STR("text/html"));
}

/* Text that is read in the message. A part without a type may be a whole message (RFC 2046 5.1.5). */
static bool is_read(const struct mime_piece *p, const struct relink *how, bool is_top) {
    bool is_plain = (is_top && p->type.value.n == 0) || str_eq(p->type.value, STR("text/plain"));
    bool is_file = (p->disposition.value.n && !str_eq(p->disposition.value, STR("inline"))) ||
                   params_find(&p->disposition, STR("filename")).n || params_find(&p->type, STR("name")).n;
    return p->is_entity && p->is_leaf && !p->in_sealed && !is_file && (is_html(p) || (is_plain && how->in_text));
}

/* With delsp, a blank at a line's end is no end of a link (RFC 3676 4.2). */
static bool is_fit(const struct mime_piece *p) {
    struct header_field field;
    return leaf_header_is_whole(p->header) && !header_find(p->header, STR("Content-MD5"), &field) &&
           !str_eq_nocase(params_find(&p->type, STR("delsp")), STR("yes"));
}

/* ---- how it is written ---- */
static bool has_long_line(struct str text) {
    for (struct str rest = text, line; str_next(&rest, '\n', &line);)
        if (line.n - str_ends(line, STR("\r")) > LINE_MAX_OCTETS) return true;
    return false;
}

/* Quoted-printable, as we write it, has no line end but CRLF. */
static bool has_odd_line_end(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\r' && (i + 1 == text.n || text.p[i + 1] != '\n')) return true;
        if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r')) return true;
    }
    return false;
}

static enum body_encoding encoding_for(enum body_encoding from, struct str text) {
    bool is_plain = from == BODY_7BIT || from == BODY_8BIT;
    if (from == BODY_BASE64 || (is_plain && !has_long_line(text))) return from;
    return has_odd_line_end(text) ? BODY_BASE64 : BODY_QUOTED_PRINTABLE;
}

static void add_edited(struct relinking *r, const struct mime_piece *p, enum body_encoding from, struct str text, bool is_top) {
    enum body_encoding to = encoding_for(from, text);
    if (to == BODY_QUOTED_PRINTABLE || to == BODY_BASE64) {
        leaf_add_encoded(p, to, text, is_top, r->out);
    } else {
        buf_add_str(r->out, p->header);
        buf_add_str(r->out, text);
    }
    if (str_starts(p->delimiter, STR("--"))) buf_add_z(r->out, "\r\n"); /* there was no text, and so no line to end */
}

/* ---- the walk ---- */
static void find_links(const struct relinking *r, const struct mime_piece *p, struct str text, bool is_utf8, struct arena *arena,
                       struct links *ret) {
    if (is_html(p))
        links_find_html(text, is_utf8, arena, ret);
    else
        links_find_text(text, is_utf8, arena, ret);
    for (struct html_link *it = ret->first; it; it = it->next) it->index += r->link_count;
}

/* False: the part stays as it is. */
static bool edit(struct relinking *r, const struct mime_piece *p, bool is_top) {
    ARENA_AUTO arena = {0};
    BUF_AUTO text = {0};
    BUF_AUTO edited = {0};
    enum body_encoding from;
    struct links links;
    enum html_charset charset = html_charset_parse(params_find(&p->type, STR("charset")));
    if (!is_read(p, r->how, is_top) || !is_fit(p) || charset == HTML_CHARSET_UNFIT || !leaf_encoding_parse(p->encoding, &from))
        return false;
    body_decode(&text, from, p->text);
    if (text.n > RELINK_PART_MAX || str_find_str(buf_str(&text), STR("-----BEGIN PGP ")) != STR_NONE) return false;
    find_links(r, p, buf_str(&text), charset == HTML_CHARSET_UTF8, &arena, &links);
    r->link_count += links.count;
    struct str pixel = r->has_pixel || !is_html(p) ? STR("") : r->how->pixel;
    const struct html_edit *edits = links_edit(&links, r->how->replace, r->how->user, pixel, &arena);
    if (!edits) return false;
    r->has_pixel = r->has_pixel || pixel.n;
    links_apply(buf_str(&text), edits, &edited);
    add_edited(r, p, from, buf_str(&edited), is_top);
    return true;
}

bool relink_message(struct str message, const struct relink *how, struct buf *out) {
    ARENA_AUTO arena = {0};
    struct relinking r = {.how = how, .out = out};
    struct mime_walk *walk = ARENA_NEW(&arena, struct mime_walk);
    struct mime_piece piece;
    size_t begins = out->n;
    bool is_changed = false;
    mime_walk_begin(walk, &arena, message);
    for (bool is_top = true; mime_walk_next(walk, &piece); is_top = false) {
        bool is_edited = edit(&r, &piece, is_top);
        is_changed = is_changed || is_edited;
        if (!is_edited) {
            buf_add_str(out, piece.header);
            buf_add_str(out, piece.text);
        }
        buf_add_str(out, piece.delimiter);
    }
    if (is_changed && !walk->is_truncated) return true;
    buf_cut(out, begins);
    return false;
}
