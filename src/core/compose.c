/* compose.c - writing a checked submission: header fields first, then the tree of its bodies.
 *
 *     mixed( alternative( text, related( html, inline parts ) ), attachments )      each level only where it is needed
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/compose.h"

#include "proto/mime/entity.h"
#include "proto/mime/header.h"
#include "proto/mime/param.h"

#include <string.h>

#define CHARSET_MAX 40
#define HEADER_ROOM 4096

static void write_group(struct header_writer *w, const char *name, const struct compose_group *g) {
    if (g->count == 0) return;
    header_begin(w, name);
    for (size_t i = 0; i < g->count; i++) header_mailbox(w, g->items[i].name, g->items[i].address.text, i + 1 < g->count);
    header_end(w);
}

static void write_text(struct header_writer *w, struct str name, struct str value) {
    header_begin_str(w, name);
    header_text(w, value);
    header_end(w);
}

static void write_fields(const struct submission *s, struct buf *out) {
    struct header_writer w = {.out = out};
    header_begin(&w, "From");
    header_mailbox(&w, s->from.name, s->from.address.text, false);
    header_end(&w);
    write_group(&w, "To", &s->to);
    write_group(&w, "Cc", &s->cc);
    write_group(&w, "Reply-To", &s->reply_to);
    write_text(&w, STR("Subject"), s->subject);
    buf_add_z(out, "Date: ");
    time_add_rfc5322(out, s->date_ms);
    buf_addf(out, "\r\nMessage-ID: <%.*s>\r\nMIME-Version: 1.0\r\n", STR_ARG(s->message_id));
    for (size_t i = 0; i < s->header_count; i++) write_text(&w, s->headers[i].name, s->headers[i].value);
}

/* What follows the last path separator, with control characters and direction overrides replaced (HI08). */
static struct str clean_filename(struct str name, struct arena *arena) {
    struct str clean = arena_str(arena, name);
    char *p = arena_z(arena, name);
    size_t from = 0;
    for (size_t i = 0; i < clean.n; i++) {
        if (p[i] == '/' || p[i] == '\\') from = i + 1;
        bool is_mark =
            i + 2 < clean.n && memcmp(p + i, "\xE2\x80", 2) == 0 && (uint8_t)p[i + 2] >= 0xAA && (uint8_t)p[i + 2] <= 0xAE;
        bool is_isolate =
            i + 2 < clean.n && memcmp(p + i, "\xE2\x81", 2) == 0 && (uint8_t)p[i + 2] >= 0xA6 && (uint8_t)p[i + 2] <= 0xA9;
        if (is_mark || is_isolate) memset(p + i, '_', 3);
        if ((uint8_t)p[i] < 0x20 || p[i] == 0x7F) p[i] = '_';
    }
    return str_sub(str_make(p, clean.n), from, SIZE_MAX);
}

/* Media type and charset, read and written anew (HI09). Composite types may not be base64 (RFC 2046 5.2.1), so they travel as
 * plain bytes. */
static void set_type(struct entity *e, struct str content_type, struct arena *arena) {
    struct params params;
    params_parse(content_type, arena, &params);
    e->type = params.value;
    if (!media_type_is_valid(e->type) || str_starts(e->type, STR("message/")) || str_starts(e->type, STR("multipart/"))) {
        e->type = STR("application/octet-stream");
        return;
    }
    struct str charset = params_find(&params, STR("charset"));
    if (str_starts(e->type, STR("text/")) && param_is_token(charset) && charset.n <= CHARSET_MAX) e->charset = charset;
}

static void set_attachment(struct entity *e, const struct compose_attachment *a, struct arena *arena) {
    struct str id = a->content_id;
    if (str_starts(id, STR("<"))) id = str_sub(id, 1, id.n - 2);
    e->content = a->content;
    e->content_id = id;
    e->filename = clean_filename(a->filename, arena);
    e->disposition = a->is_inline ? ENTITY_INLINE : ENTITY_ATTACHMENT;
    set_type(e, a->content_type, arena);
}

static struct entity text_entity(struct str type, struct str content) {
    return (struct entity){.type = type, .charset = STR("utf-8"), .is_text = true, .content = content};
}

/* `first` with the attachments of one kind behind it in a multipart of that type; `first` itself when there is none. */
static struct entity with_attachments(const struct submission *s, struct entity first, struct str type, bool is_inline,
                                      struct arena *arena) {
    struct entity *children = arena_array(arena, s->attachment_count + 1, sizeof *children);
    size_t n = 1;
    bool has_related = s->html.n > 0; /* where inline parts belong; with no html they are attachments like others */
    children[0] = first;
    for (size_t i = 0; i < s->attachment_count; i++)
        if ((s->attachments[i].is_inline && has_related) == is_inline) set_attachment(&children[n++], &s->attachments[i], arena);
    return n == 1 ? first : (struct entity){.type = type, .children = children, .child_count = n};
}

static struct entity html_entity(const struct submission *s, struct arena *arena) {
    struct entity e = with_attachments(s, text_entity(STR("text/html"), s->html), STR("multipart/related"), true, arena);
    if (e.child_count) e.root = STR("text/html");
    return e;
}

static struct entity body_entity(const struct submission *s, struct arena *arena) {
    if (s->html.n == 0) return text_entity(STR("text/plain"), s->text);
    if (s->text.n == 0) return html_entity(s, arena);
    struct entity *both = arena_array(arena, 2, sizeof *both);
    both[0] = text_entity(STR("text/plain"), s->text);
    both[1] = html_entity(s, arena);
    return (struct entity){.type = STR("multipart/alternative"), .children = both, .child_count = 2};
}

/* About what the message will take, so that the buffer grows once. */
static size_t estimate(const struct submission *s) {
    size_t n = HEADER_ROOM + s->html.n + s->text.n + (s->html.n + s->text.n) / 8;
    for (size_t i = 0; i < s->attachment_count; i++) n += s->attachments[i].content.n / 57 * 78 + 512;
    return n;
}

void compose_content(const struct submission *s, const struct rand *rand, struct buf *out) {
    ARENA_AUTO arena = {0};
    struct entity body = body_entity(s, &arena);
    struct entity all = with_attachments(s, body, STR("multipart/mixed"), false, &arena);
    entity_write(&all, rand, out);
    if (!str_ends(buf_str(out), STR("\r\n"))) buf_add_z(out, "\r\n");
}

void compose_message(const struct submission *s, const struct rand *rand, struct buf *out) {
    buf_reserve(out, estimate(s));
    write_fields(s, out);
    compose_content(s, rand, out);
}
