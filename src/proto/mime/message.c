/* message.c - taking a message apart for people: the walk is walk.h's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/message.h"

#include "base/buf.h"
#include "proto/mime/encoded_word.h"
#include "proto/mime/header.h"
#include "proto/mime/walk.h"

#include <string.h>

struct taking {
    struct arena *arena;
    struct message_part *parts;
    size_t count, room;
    struct buf scratch; /* decoded bodies, for their sizes */
};

static struct str without_angles(struct str s) {
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>') return str_sub(s, 1, s.n - 2);
    return s;
}

static struct str decoded(struct str value, struct arena *arena) {
    BUF_AUTO text = {0};
    encoded_words_decode(&text, value);
    return arena_str(arena, buf_str(&text));
}

static struct message_part *add_part(struct taking *t) {
    if (t->count == t->room) {
        size_t room = t->room ? t->room * 2 : 8;
        struct message_part *parts = arena_array(t->arena, room, sizeof *parts);
        if (t->count) memcpy(parts, t->parts, t->count * sizeof *parts);
        t->parts = parts;
        t->room = room;
    }
    return &t->parts[t->count++];
}

static void add_leaf(struct taking *t, const struct mime_piece *piece) {
    struct message_part *p = add_part(t);
    struct str filename = params_find(&piece->disposition, STR("filename"));
    p->type = media_type_is_valid(piece->type.value) ? piece->type.value : STR("text/plain");
    p->charset = arena_lower(t->arena, params_find(&piece->type, STR("charset")));
    p->filename = filename.n ? filename : params_find(&piece->type, STR("name"));
    p->content_id = decoded(without_angles(piece->content_id), t->arena);
    p->encoding = body_encoding_parse(piece->encoding);
    p->body = piece->text;
    bool is_text = str_eq(p->type, STR("text/plain")) || str_eq(p->type, STR("text/html"));
    p->is_attachment = !is_text || str_eq(piece->disposition.value, STR("attachment")) || p->filename.n > 0;
    p->is_inline = str_eq(piece->disposition.value, STR("inline")) || (piece->in_related && p->content_id.n);
    buf_reset(&t->scratch);
    body_decode(&t->scratch, p->encoding, piece->text);
    p->size = t->scratch.n;
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
    struct taking t = {.arena = arena};
    struct mime_walk walk;
    struct mime_piece piece;
    read_header(bytes, arena, &m);
    mime_walk_begin(&walk, arena, bytes);
    while (mime_walk_next(&walk, &piece))
        if (piece.is_leaf) add_leaf(&t, &piece);
    buf_fini(&t.scratch);
    m.parts = t.parts;
    m.part_count = t.count;
    m.is_truncated = walk.is_truncated;
    for (size_t i = t.count; i-- > 0;) {
        if (t.parts[i].is_attachment) continue;
        if (str_eq(t.parts[i].type, STR("text/plain"))) m.text = &t.parts[i];
        if (str_eq(t.parts[i].type, STR("text/html"))) m.html = &t.parts[i];
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
