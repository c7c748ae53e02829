/* test_raw_message.c - finished messages from outside: what is taken, what goes out, what is refused (HI16, HI17, AU19,
 * LM03-LM06, LM11, P5).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/raw_message.h"

#include <string.h>

static const struct raw_message_reading as_text = {.wants_recipients = true}, as_smtp = {.is_crlf = true};

static enum raw_message_refusal read_with(const struct raw_message_reading *how, struct arena *arena, struct str text,
                                          struct raw_message *ret) {
    struct raw_message_refused why;
    return raw_message_parse(text, how, arena, ret, &why) ? RAW_MESSAGE_FINE : why.refusal;
}

static enum raw_message_refusal parse(struct arena *arena, const char *text, struct raw_message *ret) {
    return read_with(&as_text, arena, str_from_z(text), ret);
}

static void what_must_not_travel_goes_and_line_ends_are_crlf(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO out = {0};
    struct raw_message m;
    assert_int_equal(
        parse(&arena,
              "Return-Path: <x@y.test>\nFrom: a@a.test\nbcc: s@y.test,\n t@y.test\nTo: x@y.test\r\nX-POSTHORN-ttl:\n 60\n"
              "Resent-Bcc: z@y.test\nSubject: S\n\none\n\n.\ntwo",
              &m),
        RAW_MESSAGE_FINE);
    raw_message_write(&m, &(struct raw_additions){.message_id = STR("id@a.test")}, &out);
    assert_string_equal(out.p, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nMessage-ID: <id@a.test>\r\nFrom: a@a.test\r\n"
                               "To: x@y.test\r\nSubject: S\r\n\r\none\r\n\r\n.\r\ntwo\r\n");
    assert_int_equal(m.recipient_count, 3);
    assert_int_equal(m.option_count, 1);
    assert_true(str_eq(m.options[0].value, STR("60")));
}

/* Folding, blanks, 8-bit bytes and odd order are the author's. */
static void what_is_there_is_kept(void **state) {
    (void)state;
    static const char text[] =
        "Received: from x\r\n\tby y;  z\r\nDate: Mon, 23 Nov 2026 04:05:06 +0000\r\nMessage-Id: <own@a.test>\r\n"
        "X-Odd:no blank  \r\nFrom: a@a.test\r\nSubject: =?utf-8?q?H=C3=A9?=\r\nEmpty:\r\nX-Odd: \xc3\xa9\r\n\r\n"
        " x\r\n\r\n\xff\xfe\r\n.\r\n";
    for (int i = 0; i < 2; i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO out = {0};
        struct raw_message m;
        assert_int_equal(read_with(i ? &as_smtp : &as_text, &arena, str_from_z(text), &m), RAW_MESSAGE_FINE);
        raw_message_write(&m, &(struct raw_additions){.message_id = STR("id@a.test")}, &out);
        assert_string_equal(out.p, text);
        assert_true(str_eq(m.message_id, STR("own@a.test")));
        assert_true(str_eq(m.subject, STR("H\xc3\xa9")));
        assert_false(m.is_ascii);
        assert_int_equal(m.received_fields, 1);
    }
}

static void what_is_missing_is_put_in_front(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO out = {0};
    struct raw_message m;
    const struct raw_additions with = {.received = STR("by us"),
                                       .message_id = STR("id@a.test"),
                                       .from_email = STR("a@a.test"),
                                       .from_name = STR("A, B"),
                                       .reply_to_email = STR("r@a.test")};
    assert_int_equal(parse(&arena, "Date:\nMessage-ID: \nReply-To:\nSubject: S\n\nx\n", &m), RAW_MESSAGE_FINE);
    assert_int_equal(m.from_fields, 0);
    assert_null(raw_message_from(&m));
    raw_message_write(&m, &with, &out);
    assert_string_equal(out.p, "Received: by us\r\nDate: Thu, 01 Jan 1970 00:00:00 +0000\r\nMessage-ID: <id@a.test>\r\n"
                               "From: \"A, B\" <a@a.test>\r\nReply-To: r@a.test\r\nSubject: S\r\n\r\nx\r\n");
}

static void a_content_can_be_put_in_anothers_place(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct raw_message m;
    assert_int_equal(
        parse(&arena, "From: a@a.test\nSubject:\nMIME-version: 1.0\nContent-Type: x/y;\n z=1\nTo: x@y.test\n\nx\n", &m),
        RAW_MESSAGE_FINE);
    assert_true(str_eq(raw_message_fields_without_content(&m, &arena), STR("From: a@a.test\r\nTo: x@y.test\r\n")));
}

static void lists_of_addresses_are_read(void **state) {
    (void)state;
    static const struct {
        const char *to, *want;
    } cases[] = {
        {"x@y.test", "x@y.test"},
        {"X Y <x@y.test>", "x@y.test"},
        {"\"Y, X <no@no.test>\" <x@y.test>, z@y.test", "x@y.test z@y.test"},
        {"(c (d, e) \\) f) x@y.test (g)", "x@y.test"},
        {"Friends: x@y.test, Z <z@y.test>;, q@y.test", "x@y.test z@y.test q@y.test"},
        {"undisclosed-recipients:;", ""},
        {",, x@y.test,", "x@y.test"},
        {"\"a b\"@y.test", "\"a b\"@y.test"},
        {"x@y.test,\r\n\tz@Y.Test", "x@y.test z@y.test"},
        {"=?utf-8?q?a=2C_b?= <x@y.test>", "x@y.test"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO text = {0};
        BUF_AUTO got = {0};
        struct raw_message m;
        buf_addf(&text, "From: a@a.test\r\nTo: %s\r\n\r\n", cases[i].to);
        assert_int_equal(parse(&arena, text.p, &m), RAW_MESSAGE_FINE);
        buf_add_z(&got, "");
        for (size_t k = 0; k < m.recipient_count; k++) {
            if (k) buf_add_char(&got, ' ');
            buf_add_str(&got, m.recipients[k].text);
        }
        assert_true(str_eq(buf_str(&got), str_from_z(cases[i].want)));
    }
}

/* What readers of mail might show as the sender is one address (AU19, AD09). */
static void senders_are_read_strictly(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        int from; /* addresses of From; -1: refused */
    } cases[] = {
        {"From: a@a.test", 1},
        {"From: a@a.test <a@a.test>", 1},
        {"From: \"e@evil.test\" <a@a.test>", 1},
        {"From: (e@evil.test) a@a.test", 1},
        {"From: A\r\n <a@a.test>\r\n (b)", 1},
        {"From: a@a.test, b@a.test", 2},
        {"From: ,", 0},
        {"From: e@evil.test <a@a.test>", -1},
        {"From: <e@evil.test> <a@a.test>", -1},
        {"From: <a@a.test> e@evil.test", -1},
        {"From: <a@a.test> \"e\"", 1},
        {"From: e@evil.test: a@a.test;", -1},
        {"From: a: a@a.test;", -1},
        {"From: \"x\" e@evil.test <a@a.test>", -1},
        {"From: <@evil.test:a@a.test>", -1},
        {"From: a@a.test e@evil.test", -1},
        {"From: <>", -1},
        {"From: \"a <a@a.test>", -1},
        {"Sender: nobody\r\nFrom: a@a.test", -1},
        {"Resent-From: a@a.test, b@b.test\r\nFrom: a@a.test", 1},
        {"Resent-Sender: <a@a.test\r\nFrom: a@a.test", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO text = {0};
        struct raw_message m;
        buf_addf(&text, "%s\r\n\r\n", cases[i].fields);
        enum raw_message_refusal got = read_with(&as_smtp, &arena, buf_str(&text), &m);
        if (got != (cases[i].from < 0 ? RAW_MESSAGE_SENDERS : RAW_MESSAGE_FINE)) print_error("%s\n", cases[i].fields);
        assert_int_equal(got, cases[i].from < 0 ? RAW_MESSAGE_SENDERS : RAW_MESSAGE_FINE);
        if (cases[i].from >= 0) assert_int_equal(m.from_addresses, cases[i].from);
    }
}

static void bad_messages_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum raw_message_refusal want;
        size_t line;
    } cases[] = {
        {"", RAW_MESSAGE_LINE, 0},
        {"From: a@a.test\nTo: x@y.test\n\na\rb", RAW_MESSAGE_LINE, 4},
        {"hello\n\nbody", RAW_MESSAGE_FIELD, 1},
        {" From: a@a.test\n\nbody", RAW_MESSAGE_FIELD, 1},
        {"From: a@a.test\n: x\n\nbody", RAW_MESSAGE_FIELD, 2},
        {"From: a@a.test,\n b@a.test\nSubject : x\n\nbody", RAW_MESSAGE_FIELD, 3},
        {"From: a@a.test\nSub ject: x\n\nbody", RAW_MESSAGE_FIELD, 2},
        {"From: a@a.test\nTo: x@y.test, nobody\n\nbody", RAW_MESSAGE_RECIPIENTS, 0},
        {"From: a@a.test\nBcc: <x@y.test\n\nbody", RAW_MESSAGE_RECIPIENTS, 0},
        {"From: a@a.test\nCc: (x@y.test\n\nbody", RAW_MESSAGE_RECIPIENTS, 0},
        {"From: a@a.test\nTo: <x@y.test> <z@y.test>\n\nbody", RAW_MESSAGE_RECIPIENTS, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct raw_message m;
        struct raw_message_refused why = {0};
        assert_false(raw_message_parse(str_from_z(cases[i].text), &as_text, &arena, &m, &why));
        if (why.refusal != cases[i].want || why.line != cases[i].line) print_error("%s\n", cases[i].text);
        assert_int_equal(why.refusal, cases[i].want);
        assert_int_equal(why.line, cases[i].line);
    }
    ARENA_AUTO arena = {0};
    struct raw_message m;
    assert_int_equal(read_with(&as_text, &arena, STR("From: a@a.test\n\na\0b"), &m), RAW_MESSAGE_LINE);
}

/* Recipients come with the envelope: what To says is nobody's business, however long or odd it is (LM05). */
static void recipients_are_read_where_they_are_wanted(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct raw_message m;
    static const char text[] = "From: a@a.test\r\nTo: <<<nobody\r\nCc: \"\r\n\r\n";
    assert_int_equal(read_with(&as_smtp, &arena, str_from_z(text), &m), RAW_MESSAGE_FINE);
    assert_int_equal(m.recipient_count, 0);
    assert_int_equal(read_with(&as_text, &arena, str_from_z(text), &m), RAW_MESSAGE_RECIPIENTS);
}

static void sizes_are_bounded(void **state) {
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO line = {0};
        BUF_AUTO list = {0};
        BUF_AUTO fields = {0};
        BUF_AUTO block = {0};
        struct raw_message m;
        buf_add_z(&line, "From: a@a.test\r\n\r\n");
        for (size_t i = 0; i < 998 + more; i++) buf_add_char(&line, 'x');
        assert_int_equal(parse(&arena, line.p, &m), more ? RAW_MESSAGE_LINE : RAW_MESSAGE_FINE);
        buf_add_z(&list, "From: a@a.test\r\nTo: a@y.test");
        for (size_t i = 1; i < RAW_MESSAGE_RECIPIENTS_MAX + more; i++) buf_add_z(&list, ",\r\n a@y.test");
        assert_int_equal(parse(&arena, list.p, &m), more ? RAW_MESSAGE_RECIPIENTS : RAW_MESSAGE_FINE);
        for (size_t i = 0; i < RAW_MESSAGE_FIELDS_MAX + more; i++) buf_add_z(&fields, "X-Posthorn-A: b\r\n"); /* LM04 */
        assert_int_equal(parse(&arena, fields.p, &m), more ? RAW_MESSAGE_TOO_BIG : RAW_MESSAGE_FINE);
        buf_add_z(&block, "X:"); /* LM03, LM06 */
        while (block.n < RAW_MESSAGE_HEADER_MAX - 100) buf_add_z(&block, "\r\n 1234567890");
        while (block.n < RAW_MESSAGE_HEADER_MAX - 2 + more) buf_add_char(&block, 'x');
        buf_add_z(&block, "\r\n\r\nbody");
        assert_int_equal(read_with(&as_smtp, &arena, buf_str(&block), &m), more ? RAW_MESSAGE_TOO_BIG : RAW_MESSAGE_FINE);
    }
}

/* A message cut anywhere is taken or refused, never read past its end. */
static void a_cut_message_harms_nobody(void **state) {
    (void)state;
    static const char text[] =
        "From: \"A \\\" (b)\" <a@a.test> (c\\)d)\r\nTo: G: x@y.test;, \"q\\\\\" <z@y.test>\r\nBcc: (\\\r\n\r\nb\r\n";
    for (size_t n = 0; n < sizeof text; n++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO out = {0};
        struct raw_message m;
        struct str copy = arena_str(&arena, str_make(text, n));
        read_with(&as_text, &arena, copy, &m);
        if (read_with(&as_smtp, &arena, copy, &m) != RAW_MESSAGE_FINE) continue;
        raw_message_write(&m, &(struct raw_additions){.message_id = STR("id@a.test")}, &out);
        assert_true(str_find_str(buf_str(&out), STR("\r\n\r\n")) != STR_NONE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_must_not_travel_goes_and_line_ends_are_crlf),
        cmocka_unit_test(what_is_there_is_kept),
        cmocka_unit_test(what_is_missing_is_put_in_front),
        cmocka_unit_test(a_content_can_be_put_in_anothers_place),
        cmocka_unit_test(lists_of_addresses_are_read),
        cmocka_unit_test(senders_are_read_strictly),
        cmocka_unit_test(bad_messages_are_refused),
        cmocka_unit_test(recipients_are_read_where_they_are_wanted),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_cut_message_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
