/* signature.c - choosing the fields and writing DKIM-Signature.
 *
 * Fields of one name are signed from the bottom of the header up (RFC 6376 5.4.2); an oversigned name stands in h= once more,
 * which signs that there is no further one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/dkim/signature.h"

#include "base/encode.h"
#include "proto/dkim/canon.h"
#include "proto/dkim/tags.h"
#include "proto/mime/header.h"

#include <string.h>

#define COLUMN_MAX     76
#define SIGNATURE_LINE 72 /* base64 octets a line of b= */

static const struct {
    struct str name;
    bool is_oversigned;
} chosen[] = {
    {STR_INIT("From"), true},
    {STR_INIT("To"), true},
    {STR_INIT("Cc"), true},
    {STR_INIT("Subject"), true},
    {STR_INIT("Date"), true},
    {STR_INIT("Reply-To"), true},
    {STR_INIT("Message-ID"), true},
    {STR_INIT("MIME-Version"), true},
    {STR_INIT("Content-Type"), true},
    {STR_INIT("List-Unsubscribe"), true},
    {STR_INIT("List-Unsubscribe-Post"), true},
    {STR_INIT("Content-Transfer-Encoding"), false},
    {STR_INIT("Sender"), false},
    {STR_INIT("In-Reply-To"), false},
    {STR_INIT("References"), false},
    {STR_INIT("List-Id"), false},
    {STR_INIT("Feedback-ID"), false},
};

struct fields {
    struct header_field items[SIGNATURE_FIELDS_MAX];
    size_t count;
};

/* Every CR is followed by LF and every LF preceded by CR (SM22). */
static bool lines_are_crlf(struct str s) {
    bool has_cr = false;
    for (size_t i = 0; i < s.n; i++) {
        if ((s.p[i] == '\n') != has_cr) return false;
        has_cr = s.p[i] == '\r';
    }
    return !has_cr;
}

static bool read_fields(struct str message, struct fields *ret, struct str *ret_body) {
    enum header_step step;
    struct header_field field;
    ret->count = 0;
    while ((step = header_next(&message, &field)) == HEADER_FIELD) {
        if (ret->count == SIGNATURE_FIELDS_MAX || !lines_are_crlf(field.raw)) return false;
        ret->items[ret->count++] = field;
    }
    *ret_body = message;
    return step == HEADER_END;
}

static void add_name(struct signed_headers *h, struct str name, size_t *column) {
    if (h->names.n) {
        buf_add_char(&h->names, ':');
        ++*column;
    }
    if (*column + name.n + 1 > COLUMN_MAX) {
        buf_add_z(&h->names, "\r\n ");
        *column = 1;
    }
    buf_add_str(&h->names, name);
    *column += name.n;
}

enum status signed_headers_init(struct signed_headers *ret, struct str message, struct str *ret_body) {
    struct fields fields;
    struct str body;
    struct header_field from;
    *ret = (struct signed_headers){0};
    if (!read_fields(message, &fields, &body) || !header_find(message, STR("From"), &from)) return STATUS_INVALID;
    size_t column = sizeof " h=" - 1;
    for (size_t c = 0; c < sizeof chosen / sizeof *chosen; c++) {
        for (size_t i = fields.count; i-- > 0;) {
            if (!str_eq_nocase(fields.items[i].name, chosen[c].name)) continue;
            add_name(ret, chosen[c].name, &column);
            canon_header(&ret->canonical, fields.items[i].name, fields.items[i].value);
        }
        if (chosen[c].is_oversigned) add_name(ret, chosen[c].name, &column);
    }
    *ret_body = body;
    return STATUS_OK;
}

void signed_headers_fini(struct signed_headers *h) {
    buf_fini(&h->names);
    buf_fini(&h->canonical);
}

/* Hash of the signed fields and of the signature field itself, whose b= is empty. */
static struct sha256 hash_with_field(struct str canonical, struct str name, struct str value) {
    BUF_AUTO all = {0};
    buf_add_str(&all, canonical);
    canon_header(&all, name, value);
    buf_cut(&all, all.n - 2);
    return sha256(buf_str(&all));
}

struct sha256 signature_prepare(const struct signed_headers *h, const struct signature_params *p, struct buf *out) {
    static const struct str name = STR_INIT("DKIM-Signature");
    BUF_AUTO tag = {0};
    size_t start = out->n;
    struct header_writer w = {.out = out};
    header_begin_str(&w, name);
    header_token(&w, STR("v=1;"));
    header_token(&w, p->type == SIGNKEY_ED25519 ? STR("a=ed25519-sha256;") : STR("a=rsa-sha256;"));
    header_token(&w, STR("c=relaxed/relaxed;"));
    buf_addf(&tag, "d=%.*s;", STR_ARG(p->domain));
    header_token(&w, buf_str(&tag));
    buf_reset(&tag);
    buf_addf(&tag, "s=%.*s;", STR_ARG(p->selector));
    header_token(&w, buf_str(&tag));
    buf_reset(&tag);
    buf_addf(&tag, "t=%lld;", (long long)(p->wall_ms / 1000));
    header_token(&w, buf_str(&tag));
    buf_reset(&tag);
    buf_add_z(&tag, "bh=");
    base64_encode(&tag, sha256_str(&p->body_hash));
    buf_add_char(&tag, ';');
    header_token(&w, buf_str(&tag));
    buf_addf(out, "\r\n h=%.*s;\r\n b=", STR_ARG(buf_str(&h->names)));
    return hash_with_field(buf_str(&h->canonical), name, str_sub(buf_str(out), start + name.n + 1, SIZE_MAX));
}

void signature_finish(struct str signature, struct buf *out) {
    BUF_AUTO text = {0};
    base64_encode(&text, signature);
    for (size_t at = 0; at < text.n; at += SIGNATURE_LINE) {
        if (at) buf_add_z(out, "\r\n ");
        buf_add_str(out, str_sub(buf_str(&text), at, SIGNATURE_LINE));
    }
    buf_add_z(out, "\r\n");
}
