/* downgrade.c - see downgrade.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/downgrade.h"

#include "proto/mime/leaf.h"

#include <stdlib.h>

static const char *const sealed = "A part that is signed or encrypted holds 8-bit text, and must not be changed";

static const char *add_message(struct str message, bool in_sealed, unsigned nesting, struct buf *out);

/* ---- pieces ---- */
/* Text that nobody reads, of the same length; a line that is changed becomes no boundary (P5). */
static void add_unread(struct str text, struct buf *out) {
    char *to = buf_reserve(out, text.n);
    for (size_t i = 0, start = 0; i < text.n; i++) {
        bool is_odd = (unsigned char)text.p[i] >= 0x80;
        to[i] = is_odd ? '?' : text.p[i];
        if (is_odd) to[start] = '?';
        if (text.p[i] == '\n') start = i + 1;
    }
    buf_grew(out, text.n);
}

static bool is_pkcs7(struct str type) {
    return str_eq(type, STR("application/pkcs7-mime")) || str_eq(type, STR("application/x-pkcs7-mime"));
}

/* Text as quoted-printable where that is shorter, everything else as base64. */
static void add_encoded(const struct mime_piece *p, struct str bytes, bool has_lines, bool is_top, struct buf *out) {
    bool is_text = has_lines && (p->type.value.n == 0 || str_starts(p->type.value, STR("text/")));
    enum body_encoding to = is_text ? body_encoding_for_text(bytes) : BODY_BASE64;
    leaf_add_encoded(p, to == BODY_7BIT ? BODY_QUOTED_PRINTABLE : to, bytes, is_top, out);
}

static const char *add_leaf(const struct mime_piece *p, bool is_top, struct buf *out) {
    enum body_encoding from;
    BUF_AUTO bytes = {0};
    if (p->in_sealed || is_pkcs7(p->type.value)) return sealed;
    if (!leaf_encoding_parse(p->encoding, &from)) return "An 8-bit part has an encoding that is not known here";
    body_decode(&bytes, from, p->text);
    add_encoded(p, buf_str(&bytes), from == BODY_7BIT || from == BODY_8BIT, is_top, out);
    return NULL;
}

static const char *add_entity(const struct mime_piece *p, bool is_top, unsigned nesting, struct buf *out) {
    enum body_encoding said;
    bool is_message = p->is_leaf && str_eq(p->type.value, STR("message/rfc822"));
    bool is_ascii = str_is_ascii(p->text);
    if (!str_is_ascii(p->header)) return "A header field goes beyond ASCII";
    if (p->is_leaf && !is_message && is_ascii) {
        buf_add_str(out, p->header);
        buf_add_str(out, p->text);
        return NULL;
    }
    if (!leaf_header_is_whole(p->header)) return "An 8-bit part has no proper header";
    if (p->is_leaf && !is_message) return add_leaf(p, is_top, out);
    /* Around the leaves: what is said to be 8bit is so no more. */
    bool is_8bit = p->encoding.p && leaf_encoding_parse(p->encoding, &said) && said == BODY_8BIT && !p->in_sealed;
    if (is_8bit)
        leaf_header_add(p->header, BODY_7BIT, is_top, out);
    else
        buf_add_str(out, p->header);
    if (is_message && !is_ascii) return add_message(p->text, p->in_sealed, nesting + 1, out);
    if (!is_ascii && p->in_sealed) return sealed;
    add_unread(p->text, out);
    return NULL;
}

static const char *add_piece(const struct mime_piece *p, bool is_top, unsigned nesting, struct buf *out) {
    if (!str_is_ascii(p->delimiter)) return "A boundary goes beyond ASCII";
    const char *why = NULL;
    if (p->is_entity)
        why = add_entity(p, is_top, nesting, out);
    else if (p->in_sealed && !str_is_ascii(p->text))
        why = sealed;
    else
        add_unread(p->text, out);
    if (!why) buf_add_str(out, p->delimiter);
    return why;
}

static const char *add_message(struct str message, bool in_sealed, unsigned nesting, struct buf *out) {
    ARENA_AUTO arena = {0};
    struct mime_piece piece;
    const char *why = nesting > DOWNGRADE_NESTING_MAX ? "Too many messages stand inside each other" : NULL;
    if (why) return why;
    struct mime_walk *walk = ARENA_NEW(&arena, struct mime_walk); /* too big for ten of them on a stack */
    mime_walk_begin(walk, &arena, message);
    for (bool is_top = true; !why && mime_walk_next(walk, &piece); is_top = false) {
        piece.in_sealed = piece.in_sealed || in_sealed;
        why = add_piece(&piece, is_top, nesting, out);
    }
    if (!why && walk->is_truncated) why = "The message has too many parts";
    return why;
}

const char *downgrade(struct str message, struct buf *out) {
    return add_message(message, false, 0, out);
}
