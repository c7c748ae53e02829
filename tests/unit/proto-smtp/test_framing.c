/* test_framing.c - I7: out of any bytes in any segments come the commands and messages that a strict reader of the whole finds.
 *
 * Streams are built of what smugglers use (SM01 to SM12), commands, chunks and dots. Both sides write down what they took: a
 * command as its line, a message as its content or "!" when it is at fault, "X" where the connection would be closed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/command.h"
#include "strict_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#define S(literal)   STR_INIT(literal)
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define STREAMS      100000
#define TOKENS_MAX   12
#define LINE_MAX     12 /* of content: some text below is longer */
#define CONTENT_MAX  60

static const struct str endings[] = {
    S("\n.\n"),   S("\n.\r\n"), S("\r\n.\n"),     S("\r.\r"),       S("\r.\n"),       S("\n.\r"),
    S("\r.\r\n"), S("\r\n.\r"), S("\r\n\0.\r\n"), S("\r\n.\0\r\n"), S("\r\n.\r\r\n"), S("\r\r\n.\r\r\n"),
};
static const struct str others[] = {
    S("DATA\r\n"),   S("DATA\r\n"),
    S("data \r\n"),  S("BDAT 0 LAST\r\n"),
    S("BDAT 3\r\n"), S("BDAT 7 LAST\r\n"),
    S("BDAT x\r\n"), S("\r\n.\r\n"),
    S("\r\n.\r\n"),  S(".\r\n"),
    S("\r\n"),       S("."),
    S("\r"),         S("\n"),
    S("NOOP\r\n"),   S("a"),
    S("..b\r\n"),    S("a longer text"),
    S("RSET\r\n"),   S("MAIL FROM:<a@b.example>\r\n"),
};

/* What either side took. */
struct record {
    struct buf text;
    bool is_closed;
};

static void record_command(struct record *r, struct str line) {
    buf_addf(&r->text, "C%zu:", line.n);
    buf_add_str(&r->text, line);
}
static void record_message(struct record *r, bool is_good, struct str content) {
    buf_addf(&r->text, "M%zu:", is_good ? content.n : 0);
    buf_add_str(&r->text, is_good ? content : STR("!"));
}
static void record_close(struct record *r) {
    buf_add_z(&r->text, "X");
    r->is_closed = true;
}

/* Ours: the shape of a session, without its rules. */
struct ours {
    struct record record;
    struct buf in, content;
    struct smtp_data_reader reader;
    bool in_data, in_chunk, is_last;
    uint64_t left_bytes;
};

static void message_start(struct ours *o) {
    buf_reset(&o->content);
    o->reader = (struct smtp_data_reader){.max_bytes = CONTENT_MAX, .line_max_bytes = LINE_MAX};
}
static void message_end(struct ours *o) {
    record_message(&o->record, o->reader.fault == SMTP_DATA_GOOD, buf_str(&o->content));
    message_start(o);
}

static enum parse take_content(struct ours *o, size_t *used) {
    if (o->in_data) {
        enum parse got = smtp_data_read(&o->reader, buf_str(&o->in), &o->content, used);
        if (got == PARSE_DONE) message_end(o);
        o->in_data = got != PARSE_DONE;
        return got;
    }
    enum parse got = smtp_chunk_read(&o->reader, &o->left_bytes, buf_str(&o->in), &o->content, used);
    o->in_chunk = got != PARSE_DONE;
    if (got != PARSE_DONE || !o->is_last) return got;
    smtp_chunk_end(&o->reader, &o->content);
    message_end(o);
    return got;
}

static enum parse take_command(struct ours *o, size_t *used) {
    struct smtp_command c = {.verb = SMTP_VERB_COUNT};
    struct smtp_reply why;
    enum parse got = smtp_command_parse(buf_str(&o->in), &c, &why, used);
    if (got == PARSE_MORE) return got;
    if (*used == 0) {
        record_close(&o->record);
        return PARSE_BAD;
    }
    record_command(&o->record, str_sub(buf_str(&o->in), 0, *used - 2));
    if (c.verb == SMTP_DATA) message_start(o);
    o->in_data = c.verb == SMTP_DATA;
    o->in_chunk = c.verb == SMTP_BDAT;
    o->left_bytes = c.chunk_bytes;
    o->is_last = c.is_last;
    return PARSE_DONE;
}

static void feed(struct ours *o, struct str piece) {
    buf_add_str(&o->in, piece);
    enum parse got = PARSE_DONE;
    while (!o->record.is_closed && got == PARSE_DONE) {
        size_t used = 0;
        got = o->in_data || o->in_chunk ? take_content(o, &used) : take_command(o, &used);
        buf_drop(&o->in, used);
    }
}

/* Cut into pieces of `step` octets; 0: at random. */
static struct record read_ours(struct str stream, size_t step) {
    struct ours o = {0};
    message_start(&o);
    while (stream.n) {
        size_t n = step ? step : 1 + (size_t)random() % 9;
        feed(&o, str_sub(stream, 0, n));
        stream = str_sub(stream, n, SIZE_MAX);
    }
    buf_fini(&o.in);
    buf_fini(&o.content);
    return o.record;
}

static bool strict_is_good(const struct strict *s) {
    return !s->has_bare && !s->has_nul && s->line_max <= LINE_MAX && s->content.n <= CONTENT_MAX;
}

/* The reference: looks at the whole rest of the stream, one rule after the other. */
struct theirs {
    struct record record;
    struct str rest;
    struct buf chunks;
};

static bool strict_has_bare(struct str line) {
    return str_find(line, '\r') != STR_NONE || str_find(line, '\n') != STR_NONE;
}

static void strict_data(struct theirs *t) {
    struct strict s = strict_data_read(t->rest);
    if (s.has_ended) record_message(&t->record, strict_is_good(&s), buf_str(&s.content));
    t->rest = str_sub(t->rest, s.has_ended ? s.used : t->rest.n, SIZE_MAX);
    buf_reset(&t->chunks);
    buf_fini(&s.content);
}

static void strict_chunk(struct theirs *t, size_t bytes, bool is_last) {
    bool is_whole = t->rest.n >= bytes;
    buf_add_str(&t->chunks, str_sub(t->rest, 0, bytes));
    t->rest = str_sub(t->rest, bytes, SIZE_MAX);
    if (!is_last || !is_whole) return;
    struct strict s = strict_chunks_read(buf_str(&t->chunks));
    record_message(&t->record, strict_is_good(&s), buf_str(&s.content));
    buf_reset(&t->chunks);
    buf_fini(&s.content);
}

static void strict_command(struct theirs *t) {
    size_t n;
    bool has_end = strict_line(t->rest, &n);
    struct str line = str_sub(t->rest, 0, n);
    bool is_cut_cr = !has_end && str_ends(line, STR("\r")); /* its LF may be on the way */
    if (strict_has_bare(str_sub(line, 0, line.n - is_cut_cr)) || (has_end && str_eq(line, STR("BDAT x")))) {
        record_close(&t->record);
        return;
    }
    t->rest = str_sub(t->rest, has_end ? n + 2 : n, SIZE_MAX);
    if (!has_end) return;
    record_command(&t->record, line);
    if (str_eq(line, STR("DATA")) || str_eq(line, STR("data "))) strict_data(t);
    if (str_eq(line, STR("BDAT 0 LAST"))) strict_chunk(t, 0, true);
    if (str_eq(line, STR("BDAT 3"))) strict_chunk(t, 3, false);
    if (str_eq(line, STR("BDAT 7 LAST"))) strict_chunk(t, 7, true);
}

static struct record read_strictly(struct str stream) {
    struct theirs t = {.rest = stream};
    while (t.rest.n && !t.record.is_closed) strict_command(&t);
    buf_fini(&t.chunks);
    return t.record;
}

static void make_stream(struct buf *out) {
    buf_reset(out);
    if (random() % 4) buf_add_z(out, random() % 3 ? "DATA\r\n" : "BDAT 3\r\n");
    for (size_t left = (size_t)random() % TOKENS_MAX; left > 0; left--)
        buf_add_str(out, random() % 3 ? others[(size_t)random() % COUNT(others)] : endings[(size_t)random() % COUNT(endings)]);
}

static void assert_same(struct str stream, size_t step, const struct record *want) {
    struct record got = read_ours(stream, step);
    if (!str_eq(buf_str(&got.text), buf_str(&want->text))) {
        BUF_AUTO hex = {0};
        for (size_t i = 0; i < stream.n; i++) buf_addf(&hex, "%02x", (unsigned char)stream.p[i]);
        fail_msg("pieces of %zu of %s: got %s, want %s", step, hex.p, got.text.p, want->text.p);
    }
    buf_fini(&got.text);
}

static void random_streams_in_any_segments(void **state) { /* I7, SM01 to SM15, PB06, PB10, PB11 */
    (void)state;
    BUF_AUTO stream = {0};
    size_t messages = 0, faults = 0;
    srandom(20261123);
    for (size_t i = 0; i < STREAMS; i++) {
        make_stream(&stream);
        struct record want = read_strictly(buf_str(&stream));
        for (size_t step = 0; step < 3; step++) assert_same(buf_str(&stream), step, &want);
        assert_same(buf_str(&stream), SIZE_MAX, &want);
        messages += str_find(buf_str(&want.text), 'M') != STR_NONE;
        faults += str_find(buf_str(&want.text), '!') != STR_NONE;
        buf_fini(&want.text);
    }
    assert_true(messages > STREAMS / 10 && faults > STREAMS / 20); /* the streams are worth it */
}

/* SM15, PB10: an ending, then a whole transaction of somebody else's, then the true end: never two messages. */
static void no_ending_makes_two_messages(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(endings); i++)
        for (size_t step = 1; step < 40; step++) {
            BUF_AUTO stream = {0};
            buf_add_z(&stream, "DATA\r\nx");
            buf_add_str(&stream, endings[i]);
            buf_add_z(&stream, "MAIL FROM:<evil@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\ny\r\n.\r\nQUIT\r\n");
            struct record got = read_ours(buf_str(&stream), step);
            assert_true(str_eq(buf_str(&got.text), STR("C4:DATAM0:!C4:QUIT")));
            buf_fini(&got.text);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_streams_in_any_segments),
        cmocka_unit_test(no_ending_makes_two_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
