/* raw_message.c - a finished message read field by field, and written again without what must not travel.
 *
 * Line ends are settled first, for the whole text, and everything after sees CRLF lines only; so nothing that was judged can read
 * differently on the wire (P5). Lists of addresses are cut into entries here (quotes, comments, groups), but each address
 * is judged by the one parser in proto/address. Who sends is read more strictly than who gets it: of what readers of mail
 * might take for an address, there is one (AU19, AD09). Fields that stay are copied byte by byte: folding and order are the
 * author's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/raw_message.h"

#include "base/clock.h"
#include "proto/mime/encoded_word.h"
#include "proto/mime/header.h"

#define LINE_MAX_OCTETS       998
#define RAW_MESSAGE_ADDED_MAX 4096 /* about; the buffer grows if it is more */

/* ---- lines ---- */
static bool add_line(struct buf *out, struct str line) {
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    if (line.n > LINE_MAX_OCTETS || str_find(line, '\r') != STR_NONE || str_find(line, '\0') != STR_NONE) return false;
    buf_add_str(out, line);
    buf_add_z(out, "\r\n");
    return true;
}

/* *ret_line: the line that is wrong. */
static bool to_crlf(struct str in, struct buf *out, size_t *ret_line) {
    for (size_t line = 1; in.n; line++) {
        size_t end = str_find(in, '\n');
        *ret_line = line;
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
    struct buf bare;   /* the entry without comments */
    struct str angle;  /* what stood in <>, p == NULL: nothing */
    bool has_loose_at; /* an '@' in neither quotes nor <> */
    struct arena *arena;
    bool is_strict;                                         /* no groups, nothing behind <>, and no other address before it */
    bool (*take)(void *arg, const struct address *address); /* false: too many */
    void *arg;
    size_t count;
};

/* An entry has ended; an empty one (",,", "group:;") is none. */
static bool end_entry(struct list_reader *r) {
    struct str bare = str_trim(buf_str(&r->bare)), text = r->angle.p ? r->angle : bare;
    bool is_empty = text.n == 0 && !r->angle.p;
    struct address address;
    bool fits = is_empty || (address_parse(text, r->arena, &address) && r->take(r->arg, &address));
    /* "a@b.test <a@b.test>" is common; another address there is what one reader shows and the next one does not. */
    if (r->is_strict && r->angle.p && r->has_loose_at) fits = fits && str_eq_nocase(bare, text);
    r->count += !is_empty;
    buf_reset(&r->bare);
    r->angle = (struct str){0};
    r->has_loose_at = false;
    return fits;
}

static bool take_angle(struct list_reader *r, size_t n) {
    if (r->angle.p) return false;
    r->angle = str_trim(str_sub(r->rest, 1, n - 2));
    return true;
}

static bool take_char(struct list_reader *r, char c) {
    if (r->is_strict && r->angle.p && c != ' ' && c != '\t') return false;
    r->has_loose_at = r->has_loose_at || c == '@';
    buf_add_char(&r->bare, c);
    return true;
}

/* Take one token off the list. False: malformed. */
static bool take_token(struct list_reader *r) {
    char c = r->rest.p[0];
    size_t n = 1;
    bool is_good = true;
    if (c == '"' || c == '(' || c == '<') {
        n = span_of(r->rest, c == '"' ? '"' : c == '(' ? ')' : '>');
        if (n == 0) return false;
        if (c == '<') is_good = take_angle(r, n);
        if (c == '"') buf_add(&r->bare, r->rest.p, n);
    } else if (c == ',' || c == ';') {
        is_good = end_entry(r) && !(c == ';' && r->is_strict);
    } else if (c == ':') {
        is_good = !r->is_strict;
        buf_reset(&r->bare); /* that was a group's name */
    } else {
        is_good = take_char(r, c);
    }
    r->rest = str_sub(r->rest, n, SIZE_MAX);
    return is_good;
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
    const struct raw_message_reading *how;
    struct raw_message *m;
    struct raw_message_refused *why;
    const char *field; /* that is read */
    struct buf kept;
};

static bool refuse(struct parse_state *s, enum raw_message_refusal refusal, const char *field) {
    *s->why = (struct raw_message_refused){.refusal = refusal, .field = field};
    return false;
}

static bool add_sender(void *arg, const struct address *address) {
    struct parse_state *s = arg;
    if (s->m->sender_count == RAW_MESSAGE_SENDERS_MAX) return false;
    s->m->senders[s->m->sender_count++] = (struct raw_sender){.field = s->field, .address = *address};
    return true;
}

static bool add_recipient(void *arg, const struct address *address) {
    struct parse_state *s = arg;
    if (s->m->recipient_count == RAW_MESSAGE_RECIPIENTS_MAX) return false;
    s->m->recipients[s->m->recipient_count++] = *address;
    return true;
}

static bool read_senders(struct parse_state *s, struct str value) {
    struct list_reader reader = {.arena = s->arena, .is_strict = true, .take = add_sender, .arg = s};
    return read_list(&reader, value) || refuse(s, RAW_MESSAGE_SENDERS, s->field);
}

static bool read_from(struct parse_state *s, struct str value) {
    size_t before = s->m->sender_count;
    s->m->from_fields++;
    if (!read_senders(s, value)) return false;
    s->m->from_addresses += s->m->sender_count - before;
    return true;
}

static bool read_recipients(struct parse_state *s, struct str value) {
    struct list_reader reader = {.arena = s->arena, .take = add_recipient, .arg = s};
    if (!s->how->wants_recipients) return true;
    return read_list(&reader, value) || refuse(s, RAW_MESSAGE_RECIPIENTS, s->field);
}

static struct str decoded(struct parse_state *s, struct str value) {
    BUF_AUTO text = {0};
    encoded_words_decode(&text, value);
    return arena_str(s->arena, str_trim(buf_str(&text)));
}

static bool read_subject(struct parse_state *s, struct str value) {
    if (!s->m->has_subject) s->m->subject = decoded(s, value);
    s->m->has_subject = true;
    return true;
}

static bool read_date(struct parse_state *s, struct str value) {
    (void)value;
    s->m->has_date = true;
    return true;
}

static bool read_message_id(struct parse_state *s, struct str value) {
    struct str text = decoded(s, value);
    if (text.n > 2 && text.p[0] == '<' && text.p[text.n - 1] == '>') text = str_sub(text, 1, text.n - 2);
    if (s->m->message_id.n == 0) s->m->message_id = text;
    return true;
}

static bool read_reply_to(struct parse_state *s, struct str value) {
    (void)value;
    s->m->has_reply_to = true;
    return true;
}

static bool read_received(struct parse_state *s, struct str value) {
    (void)value;
    s->m->received_fields++;
    return true;
}

static bool read_tls_required(struct parse_state *s, struct str value) {
    s->m->waives_tls = str_eq_nocase(str_trim(value), STR("No"));
    return true;
}

enum keeping { KEPT, KEPT_IF_FULL, DROPPED };
/* The fields that mean something here; all others are kept. */
static const struct {
    const char *name;
    bool (*read)(struct parse_state *s, struct str value);
    enum keeping keeping;
} rules[] = {
    {"From", read_from, KEPT},
    {"Sender", read_senders, KEPT},
    {"Resent-From", read_senders, KEPT},
    {"Resent-Sender", read_senders, KEPT},
    {"To", read_recipients, KEPT},
    {"Cc", read_recipients, KEPT},
    {"Bcc", read_recipients, DROPPED},
    {"Resent-Bcc", NULL, DROPPED},
    {"Return-Path", NULL, DROPPED},
    {"Subject", read_subject, KEPT},
    {"Date", read_date, KEPT_IF_FULL},
    {"Message-ID", read_message_id, KEPT_IF_FULL},
    {"Reply-To", read_reply_to, KEPT_IF_FULL},
    {"Received", read_received, KEPT},
    {"TLS-Required", read_tls_required, KEPT},
};

/* A field that says nothing, where we have something to say in its place. */
static bool is_kept(enum keeping keeping, struct str value) {
    return keeping == KEPT || (keeping == KEPT_IF_FULL && str_trim(value).n);
}

static void add_option(struct parse_state *s, const struct header_field *field) {
    if (s->m->option_count == RAW_MESSAGE_OPTIONS_MAX) return;
    s->m->options[s->m->option_count++] = (struct raw_option){.name = field->name, .value = decoded(s, field->value)};
}

static bool read_field(struct parse_state *s, const struct header_field *field) {
    if (str_starts_nocase(field->name, STR("X-Posthorn-"))) {
        add_option(s, field);
        return true;
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!str_eq_nocase(field->name, str_from_z(rules[i].name))) continue;
        if (is_kept(rules[i].keeping, field->value)) buf_add_str(&s->kept, field->raw);
        s->field = rules[i].name;
        bool is_said = rules[i].keeping != KEPT_IF_FULL || str_trim(field->value).n;
        return !rules[i].read || !is_said || rules[i].read(s, field->value);
    }
    buf_add_str(&s->kept, field->raw);
    return true;
}

/* ---- the header block ---- */
static size_t line_at(struct str text, const char *at) {
    size_t line = 1;
    for (const char *p = text.p; p < at; p++) line += *p == '\n';
    return line;
}

static bool refuse_line(struct parse_state *s, struct str text, const char *at) {
    refuse(s, RAW_MESSAGE_FIELD, NULL);
    s->why->line = line_at(text, at);
    return false;
}

static bool read_fields(struct parse_state *s, struct str text) {
    struct header_field field;
    struct str rest = text;
    enum header_step step;
    for (size_t count = 0; (step = header_next(&rest, &field)) == HEADER_FIELD; count++) {
        if (count == RAW_MESSAGE_FIELDS_MAX || (size_t)(rest.p - text.p) > RAW_MESSAGE_HEADER_MAX)
            return refuse(s, RAW_MESSAGE_TOO_BIG, NULL);
        if (field.raw.p[field.name.n] != ':') return refuse_line(s, text, field.raw.p); /* a blank before it */
        if (!read_field(s, &field)) return false;
    }
    if (step == HEADER_BAD) return refuse_line(s, text, rest.p);
    if (s->kept.n && !str_ends(buf_str(&s->kept), STR("\n"))) buf_add_z(&s->kept, "\r\n");
    s->m->is_ascii = str_is_ascii(str_sub(text, 0, text.n - rest.n));
    s->m->fields = arena_str(s->arena, buf_str(&s->kept));
    s->m->body = rest;
    return true;
}

static bool settle_lines(struct str bytes, struct arena *arena, struct str *ret, struct raw_message_refused *why) {
    BUF_AUTO lines = {0};
    *why = (struct raw_message_refused){.refusal = RAW_MESSAGE_LINE};
    if (bytes.n == 0 || !to_crlf(bytes, &lines, &why->line)) return false;
    *ret = arena_str(arena, buf_str(&lines));
    return true;
}

bool raw_message_parse(struct str bytes, const struct raw_message_reading *how, struct arena *arena, struct raw_message *ret,
                       struct raw_message_refused *ret_why) {
    struct raw_message m = {0};
    struct raw_message_refused why;
    struct str text = bytes;
    bool is_good = how->is_crlf || settle_lines(bytes, arena, &text, &why);
    m.senders = arena_array(arena, RAW_MESSAGE_SENDERS_MAX, sizeof *m.senders);
    m.options = arena_array(arena, RAW_MESSAGE_OPTIONS_MAX, sizeof *m.options);
    if (how->wants_recipients) m.recipients = arena_array(arena, RAW_MESSAGE_RECIPIENTS_MAX, sizeof *m.recipients);
    struct parse_state state = {.arena = arena, .how = how, .m = &m, .why = &why};
    is_good = is_good && read_fields(&state, text);
    buf_fini(&state.kept);
    if (is_good)
        *ret = m;
    else
        *ret_why = why;
    return is_good;
}

const struct address *raw_message_from(const struct raw_message *m) {
    for (size_t i = 0; m->from_addresses == 1 && i < m->sender_count; i++)
        if (str_eq(str_from_z(m->senders[i].field), STR("From"))) return &m->senders[i].address;
    return NULL;
}

/* ---- writing ---- */
static void write_mailbox(const char *name, struct str display, struct str address, struct buf *out) {
    struct header_writer w = {.out = out};
    header_begin(&w, name);
    header_mailbox(&w, display, address, false);
    header_end(&w);
}

void raw_message_write_fields(const struct raw_message *m, const struct raw_additions *with, struct buf *out) {
    if (with->received.n) buf_addf(out, "Received: %.*s\r\n", STR_ARG(with->received));
    if (!m->has_date) {
        buf_add_z(out, "Date: ");
        time_add_rfc5322(out, with->date_ms);
        buf_add_z(out, "\r\n");
    }
    if (m->message_id.n == 0) buf_addf(out, "Message-ID: <%.*s>\r\n", STR_ARG(with->message_id));
    if (with->from_email.n) write_mailbox("From", with->from_name, with->from_email, out);
    if (with->reply_to_email.n) write_mailbox("Reply-To", with->reply_to_name, with->reply_to_email, out);
    buf_add_str(out, m->fields);
}

void raw_message_write(const struct raw_message *m, const struct raw_additions *with, struct buf *out) {
    buf_reserve(out, m->fields.n + m->body.n + RAW_MESSAGE_ADDED_MAX);
    raw_message_write_fields(m, with, out);
    buf_add_z(out, "\r\n");
    buf_add_str(out, m->body);
}

struct str raw_message_fields_without_content(const struct raw_message *m, struct arena *arena) {
    BUF_AUTO kept = {0};
    struct header_field field;
    struct str rest = m->fields;
    while (header_next(&rest, &field) == HEADER_FIELD) {
        if (str_eq_nocase(field.name, STR("MIME-Version")) || str_starts_nocase(field.name, STR("Content-"))) continue;
        if (m->subject.n == 0 && str_eq_nocase(field.name, STR("Subject"))) continue;
        buf_add_str(&kept, field.raw);
    }
    return arena_str(arena, buf_str(&kept));
}
