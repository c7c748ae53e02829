/* message.c - taking a message apart, line by line, with a stack of open multiparts.
 *
 *     leaf ends at a line "--boundary" of any open multipart; the innermost match decides how many are closed
 *
 * Only lines that begin with "--" are compared with the stack, so the walk is linear in the message.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/message.h"

#include "base/buf.h"
#include "proto/mime/encoded_word.h"
#include "proto/mime/header.h"
#include "proto/mime/param.h"

#include <string.h>

#define BOUNDARY_MAX 200 /* RFC 2046 says 70; longer ones are seen in the wild */

struct open_multipart {
    struct str boundary;
    bool is_related;
};
struct walk {
    struct arena *arena;
    struct open_multipart stack[MESSAGE_DEPTH_MAX];
    size_t depth;
    struct message_part *parts;
    size_t count, room;
    size_t entities; /* leaves and multiparts begun */
    bool is_truncated;
    struct buf scratch; /* decoded bodies, for their sizes */
};

struct entity_fields {
    struct params type, disposition;
    struct str encoding, content_id;
};

/* Read the fields of an entity; *rest is its body afterwards. The first field of a name counts (MI10). */
static struct entity_fields read_fields(struct str *rest, struct arena *arena) {
    struct entity_fields f = {0};
    struct header_field field;
    bool has_type = false, has_disposition = false;
    while (header_next(rest, &field) == HEADER_FIELD) {
        if (!has_type && str_eq_nocase(field.name, STR("content-type"))) {
            params_parse(field.value, arena, &f.type);
            has_type = true;
        } else if (!has_disposition && str_eq_nocase(field.name, STR("content-disposition"))) {
            params_parse(field.value, arena, &f.disposition);
            has_disposition = true;
        } else if (!f.encoding.p && str_eq_nocase(field.name, STR("content-transfer-encoding"))) {
            f.encoding = field.value;
        } else if (!f.content_id.p && str_eq_nocase(field.name, STR("content-id"))) {
            f.content_id = str_trim(field.value);
        }
    }
    return f;
}

static struct str without_angles(struct str s) {
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>') return str_sub(s, 1, s.n - 2);
    return s;
}

static struct str decoded(struct str value, struct arena *arena) {
    BUF_AUTO text = {0};
    encoded_words_decode(&text, value);
    return arena_str(arena, buf_str(&text));
}

static struct message_part *add_part(struct walk *w) {
    if (w->count == w->room) {
        size_t room = w->room ? w->room * 2 : 8;
        struct message_part *parts = arena_array(w->arena, room, sizeof *parts);
        if (w->count) memcpy(parts, w->parts, w->count * sizeof *parts);
        w->parts = parts;
        w->room = room;
    }
    return &w->parts[w->count++];
}

static void add_leaf(struct walk *w, const struct entity_fields *f, struct str body) {
    struct message_part *p = add_part(w);
    bool is_related = w->depth && w->stack[w->depth - 1].is_related;
    struct str filename = params_find(&f->disposition, STR("filename"));
    p->type = media_type_is_valid(f->type.value) ? f->type.value : STR("text/plain");
    p->charset = arena_lower(w->arena, params_find(&f->type, STR("charset")));
    p->filename = filename.n ? filename : params_find(&f->type, STR("name"));
    p->content_id = decoded(without_angles(f->content_id), w->arena);
    p->encoding = body_encoding_parse(f->encoding);
    p->body = body;
    bool is_text = str_eq(p->type, STR("text/plain")) || str_eq(p->type, STR("text/html"));
    p->is_attachment = !is_text || str_eq(f->disposition.value, STR("attachment")) || p->filename.n > 0;
    p->is_inline = str_eq(f->disposition.value, STR("inline")) || (is_related && p->content_id.n);
    buf_reset(&w->scratch);
    body_decode(&w->scratch, p->encoding, body);
    p->size = w->scratch.n;
}

/* Which open multipart does this line delimit? Its index, or SIZE_MAX; *ret_is_closing for "--boundary--". */
static size_t match_boundary(const struct walk *w, struct str line, bool *ret_is_closing) {
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

/* Go to the next delimiter in *rest, close what it closes, and give what lies in front of it. False at the end of the message. */
static bool to_delimiter(struct walk *w, struct str *rest, struct str *ret_before, bool *ret_is_closing) {
    struct str all = *rest;
    for (size_t at = 0; at < all.n;) {
        const char *end = memchr(all.p + at, '\n', all.n - at);
        size_t n = end ? (size_t)(end - all.p) + 1 - at : all.n - at;
        size_t level = match_boundary(w, str_sub(all, at, n), ret_is_closing);
        if (level == SIZE_MAX) {
            at += n;
            continue;
        }
        *ret_before = str_sub(all, 0, at);
        if (str_ends(*ret_before, STR("\n"))) ret_before->n--;
        if (str_ends(*ret_before, STR("\r"))) ret_before->n--;
        *rest = str_sub(all, at + n, SIZE_MAX);
        w->depth = *ret_is_closing ? level : level + 1;
        return true;
    }
    *ret_before = all;
    *rest = str_sub(all, all.n, 0);
    return false;
}

/* Does the entity open a multipart? Otherwise it is a leaf. */
static bool open_multipart(struct walk *w, const struct entity_fields *f) {
    struct str boundary = params_find(&f->type, STR("boundary"));
    if (!str_starts(f->type.value, STR("multipart/")) || boundary.n == 0 || boundary.n > BOUNDARY_MAX) return false;
    if (w->depth == MESSAGE_DEPTH_MAX) {
        w->is_truncated = true;
        return false;
    }
    w->stack[w->depth++] = (struct open_multipart){boundary, str_eq(f->type.value, STR("multipart/related"))};
    return true;
}

static void walk_parts(struct walk *w, struct str rest) {
    bool is_entity = true; /* rest begins with an entity, not with text between multiparts */
    while (is_entity || w->depth > 0) {
        struct entity_fields f = {0};
        bool is_leaf = false, is_closing = false;
        if (is_entity && w->entities++ == MESSAGE_PARTS_MAX) {
            w->is_truncated = true;
            return;
        }
        if (is_entity) {
            f = read_fields(&rest, w->arena);
            is_leaf = !open_multipart(w, &f);
        }
        size_t depth = w->depth;
        struct str before;
        bool has_delimiter = to_delimiter(w, &rest, &before, &is_closing);
        if (is_leaf) {
            size_t after = w->depth;
            w->depth = depth;
            add_leaf(w, &f, before);
            w->depth = after;
        }
        if (!has_delimiter) return;
        is_entity = !is_closing;
    }
}

static void read_header(struct str bytes, struct arena *arena, struct message *m) {
    const struct {
        struct str name;
        struct str *to;
    } wanted[] = {{STR("subject"), &m->subject},
                  {STR("from"), &m->from},
                  {STR("to"), &m->to},
                  {STR("cc"), &m->cc},
                  {STR("date"), &m->date},
                  {STR("reply-to"), &m->reply_to},
                  {STR("message-id"), &m->message_id}};
    struct header_field field;
    while (header_next(&bytes, &field) == HEADER_FIELD)
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            if (!wanted[i].to->p && str_eq_nocase(field.name, wanted[i].name)) *wanted[i].to = decoded(field.value, arena);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!wanted[i].to->p) *wanted[i].to = STR("");
}

void message_parse(struct str bytes, struct arena *arena, struct message *ret) {
    struct message m = {0};
    struct walk w = {.arena = arena};
    read_header(bytes, arena, &m);
    walk_parts(&w, bytes);
    buf_fini(&w.scratch);
    m.parts = w.parts;
    m.part_count = w.count;
    m.is_truncated = w.is_truncated;
    for (size_t i = w.count; i-- > 0;) {
        if (w.parts[i].is_attachment) continue;
        if (str_eq(w.parts[i].type, STR("text/plain"))) m.text = &w.parts[i];
        if (str_eq(w.parts[i].type, STR("text/html"))) m.html = &w.parts[i];
    }
    *ret = m;
}

void message_part_bytes(const struct message_part *part, struct buf *out) {
    body_decode(out, part->encoding, part->body);
}

void message_part_text(const struct message_part *part, struct buf *out) {
    BUF_AUTO bytes = {0};
    message_part_bytes(part, &bytes);
    charset_to_utf8(out, part->charset, buf_str(&bytes));
}
