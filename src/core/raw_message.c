/* raw_message.c - a finished message read field by field, and written again without what must not travel.
 *
 * Line ends are settled first, for the whole text, and everything after sees CRLF lines only; so nothing that was judged can read
 * differently on the wire (P5). Lists of addresses are cut into entries here (quotes, comments, groups), but each address
 * is judged by the one parser in proto/address. Fields that stay are copied byte by byte: folding and order are the author's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/raw_message.h"

#include "base/clock.h"
#include "proto/mime/header.h"
#include "proto/mime/message.h"

#define LINE_MAX_OCTETS 998

/* ---- lines ---- */
static bool add_line(struct buf *out, struct str line) {
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    if (line.n > LINE_MAX_OCTETS || str_find(line, '\r') != STR_NONE || str_find(line, '\0') != STR_NONE) return false;
    buf_add_str(out, line);
    buf_add_z(out, "\r\n");
    return true;
}

static bool to_crlf(struct str in, struct buf *out) {
    while (in.n) {
        size_t end = str_find(in, '\n');
        if (!add_line(out, str_sub(in, 0, end))) return false;
        if (end == STR_NONE) break;
        in = str_sub(in, end + 1, SIZE_MAX);
    }
    return true;
}

/* ---- lists of addresses (RFC 5322 3.4) ---- */
/* Length of a quoted string, a comment or an angle address that begins at s.p[0]; 0 when it does not end. */
static size_t span_of(struct str s, char close) {
    unsigned depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\\') {
            i++;
        } else if (close == ')' && c == '(') {
            depth++;
        } else if (c == close && i > 0 && (close != ')' || --depth == 0)) {
            return i + 1;
        }
    }
    return 0;
}

struct list_reader {
    struct str rest;
    struct buf bare;  /* the entry without comments */
    struct str angle; /* what stood in <>, p == NULL: nothing */
    struct arena *arena;
    struct raw_message *into; /* recipients go here, or */
    struct address *from;     /* From's one address goes there */
    size_t count;
};

/* An entry has ended; an empty one (",,", "group:;") is none. */
static bool end_entry(struct list_reader *r) {
    struct str text = r->angle.p ? r->angle : str_trim(buf_str(&r->bare));
    bool is_empty = text.n == 0 && !r->angle.p;
    struct address address;
    bool fits = is_empty || (r->count < RAW_MESSAGE_RECIPIENTS_MAX && address_parse(text, r->arena, &address));
    if (fits && !is_empty) {
        if (r->from) *r->from = address;
        if (r->into) r->into->recipients[r->into->recipient_count++] = address;
        r->count++;
    }
    buf_reset(&r->bare);
    r->angle = (struct str){0};
    return fits;
}

/* Take one token off the list. False: malformed. */
static bool take_token(struct list_reader *r) {
    char c = r->rest.p[0];
    size_t n = 1;
    if (c == '"' || c == '(' || c == '<') {
        n = span_of(r->rest, c == '"' ? '"' : c == '(' ? ')' : '>');
        if (n == 0) return false;
        if (c == '<') r->angle = str_trim(str_sub(r->rest, 1, n - 2));
        if (c == '"') buf_add(&r->bare, r->rest.p, n);
    } else if (c == ',' || c == ';') {
        if (!end_entry(r)) return false;
    } else if (c == ':') {
        buf_reset(&r->bare); /* that was a group's name */
    } else {
        buf_add_char(&r->bare, c);
    }
    r->rest = str_sub(r->rest, n, SIZE_MAX);
    return true;
}

static bool read_list(struct list_reader *r, struct str value) {
    BUF_AUTO unfolded = {0};
    header_unfold(&unfolded, value);
    r->rest = buf_str(&unfolded);
    bool is_good = true;
    while (is_good && r->rest.n) is_good = take_token(r);
    is_good = is_good && end_entry(r);
    buf_fini(&r->bare);
    return is_good;
}

/* ---- fields ---- */
struct parse_state {
    struct arena *arena;
    struct raw_message *m;
    struct buf kept;
    size_t from_count; /* From fields */
    bool bad_recipients, bad_from;
};

static bool is_one_of(struct str name, const struct str *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(name, list[i])) return true;
    }
    return false;
}

static void read_from(struct parse_state *s, struct str value) {
    struct list_reader reader = {.arena = s->arena, .from = &s->m->from};
    s->from_count++;
    if (!read_list(&reader, value) || reader.count != 1) s->bad_from = true;
}

static void read_recipients(struct parse_state *s, struct str value) {
    struct list_reader reader = {.arena = s->arena, .into = s->m, .count = s->m->recipient_count};
    if (!read_list(&reader, value)) s->bad_recipients = true;
}

static void read_field(struct parse_state *s, const struct header_field *field) {
    static const struct str to[] = {STR_INIT("To"), STR_INIT("Cc"), STR_INIT("Bcc")};
    static const struct str dropped[] = {STR_INIT("Bcc"), STR_INIT("Return-Path")};
    if (str_eq_nocase(field->name, STR("From"))) read_from(s, field->value);
    if (str_eq_nocase(field->name, STR("Date"))) s->m->has_date = true;
    if (is_one_of(field->name, to, sizeof to / sizeof to[0])) read_recipients(s, field->value);
    if (!is_one_of(field->name, dropped, sizeof dropped / sizeof dropped[0])) buf_add_str(&s->kept, field->raw);
}

static struct str bare_message_id(struct str text) {
    text = str_trim(text);
    if (text.n > 2 && text.p[0] == '<' && text.p[text.n - 1] == '>') return str_sub(text, 1, text.n - 2);
    return text;
}

static enum raw_message_refusal read_fields(struct parse_state *s, struct str text) {
    struct header_field field;
    enum header_step step;
    while ((step = header_next(&text, &field)) == HEADER_FIELD) read_field(s, &field);
    if (step == HEADER_BAD || s->kept.n == 0) return RAW_MESSAGE_MALFORMED;
    if (s->from_count != 1 || s->bad_from) return RAW_MESSAGE_FROM;
    if (s->bad_recipients) return RAW_MESSAGE_RECIPIENTS;
    s->m->fields = arena_str(s->arena, buf_str(&s->kept));
    s->m->body = text;
    return RAW_MESSAGE_FINE;
}

enum raw_message_refusal raw_message_parse(struct str bytes, struct arena *arena, struct raw_message *ret) {
    BUF_AUTO lines = {0};
    struct message shown;
    struct raw_message m = {0};
    if (!to_crlf(bytes, &lines)) return RAW_MESSAGE_MALFORMED;
    struct str text = arena_str(arena, buf_str(&lines));
    m.recipients = arena_array(arena, RAW_MESSAGE_RECIPIENTS_MAX, sizeof *m.recipients);
    struct parse_state state = {.arena = arena, .m = &m};
    enum raw_message_refusal refusal = read_fields(&state, text);
    buf_fini(&state.kept);
    if (refusal != RAW_MESSAGE_FINE) return refusal;
    message_parse(text, arena, &shown);
    m.subject = shown.subject;
    m.message_id = bare_message_id(shown.message_id);
    *ret = m;
    return RAW_MESSAGE_FINE;
}

void raw_message_write(const struct raw_message *m, struct str message_id, int64_t date_ms, struct buf *out) {
    if (!m->has_date) {
        buf_add_z(out, "Date: ");
        time_add_rfc5322(out, date_ms);
        buf_add_z(out, "\r\n");
    }
    if (m->message_id.n == 0) buf_addf(out, "Message-ID: <%.*s>\r\n", STR_ARG(message_id));
    buf_add_str(out, m->fields);
    buf_add_z(out, "\r\n");
    buf_add_str(out, m->body);
}
