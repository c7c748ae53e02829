/* test_raw_message.c - finished messages from outside: what is taken, what goes out, what is refused (HI16, HI17, P5).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/raw_message.h"

#include <string.h>

static enum raw_message_refusal parse(struct arena *arena, const char *text, struct raw_message *ret) {
    return raw_message_parse(str_from_z(text), arena, ret);
}

static void bcc_and_return_path_go_and_line_ends_are_crlf(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO out = {0};
    struct raw_message m;
    assert_int_equal(parse(&arena,
                           "Return-Path: <x@y.test>\nFrom: a@a.test\nbcc: s@y.test,\n t@y.test\nTo: x@y.test\r\nSubject: S\n\n"
                           "one\n\n.\ntwo",
                           &m),
                     RAW_MESSAGE_FINE);
    raw_message_write(&m, STR("id@a.test"), 0, &out);
    assert_string_equal(out.p, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nMessage-ID: <id@a.test>\r\nFrom: a@a.test\r\n"
                               "To: x@y.test\r\nSubject: S\r\n\r\none\r\n\r\n.\r\ntwo\r\n");
    assert_int_equal(m.recipient_count, 3);
}

static void what_is_there_is_kept(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO out = {0};
    struct raw_message m;
    static const char text[] = "Date: Mon, 23 Nov 2026 04:05:06 +0000\r\nMessage-Id: <own@a.test>\r\nFrom: a@a.test\r\n"
                               "Subject: =?utf-8?q?H=C3=A9?=\r\n\r\nx\r\n";
    assert_int_equal(parse(&arena, text, &m), RAW_MESSAGE_FINE);
    raw_message_write(&m, STR("id@a.test"), 0, &out);
    assert_string_equal(out.p, text);
    assert_true(str_eq(m.message_id, STR("own@a.test")));
    assert_true(str_eq(m.subject, STR("H\xc3\xa9")));
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

static void bad_messages_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum raw_message_refusal want;
    } cases[] = {
        {"", RAW_MESSAGE_MALFORMED},
        {"\n\nbody", RAW_MESSAGE_MALFORMED},
        {"hello\n\nbody", RAW_MESSAGE_MALFORMED},
        {"From: a@a.test\nTo: x@y.test\n\na\rb", RAW_MESSAGE_MALFORMED},
        {"To: x@y.test\n\nbody", RAW_MESSAGE_FROM},
        {"From: a@a.test\nFROM: a@a.test\n\nbody", RAW_MESSAGE_FROM},
        {"From: a@a.test, b@a.test\n\nbody", RAW_MESSAGE_FROM},
        {"From: \"a <a@a.test>\n\nbody", RAW_MESSAGE_FROM},
        {"From: <>\n\nbody", RAW_MESSAGE_FROM},
        {"From: a@a.test\nTo: x@y.test, nobody\n\nbody", RAW_MESSAGE_RECIPIENTS},
        {"From: a@a.test\nBcc: <x@y.test\n\nbody", RAW_MESSAGE_RECIPIENTS},
        {"From: a@a.test\nCc: (x@y.test\n\nbody", RAW_MESSAGE_RECIPIENTS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct raw_message m;
        enum raw_message_refusal got = parse(&arena, cases[i].text, &m);
        if (got != cases[i].want) print_error("%s\n", cases[i].text);
        assert_int_equal(got, cases[i].want);
    }
    ARENA_AUTO arena = {0};
    struct raw_message m;
    assert_int_equal(raw_message_parse(STR("From: a@a.test\n\na\0b"), &arena, &m), RAW_MESSAGE_MALFORMED);
}

static void sizes_are_bounded(void **state) {
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO line = {0};
        BUF_AUTO list = {0};
        struct raw_message m;
        buf_add_z(&line, "From: a@a.test\r\n\r\n");
        for (size_t i = 0; i < 998 + more; i++) buf_add_char(&line, 'x');
        assert_int_equal(parse(&arena, line.p, &m), more ? RAW_MESSAGE_MALFORMED : RAW_MESSAGE_FINE);
        buf_add_z(&list, "From: a@a.test\r\nTo: a@y.test");
        for (size_t i = 1; i < RAW_MESSAGE_RECIPIENTS_MAX + more; i++) buf_add_z(&list, ",\r\n a@y.test");
        assert_int_equal(parse(&arena, list.p, &m), more ? RAW_MESSAGE_RECIPIENTS : RAW_MESSAGE_FINE);
    }
}

/* A message cut anywhere is taken or refused, never read past its end. */
static void a_cut_message_harms_nobody(void **state) {
    (void)state;
    static const char text[] =
        "From: \"A \\\" (b)\" <a@a.test> (c\\)d)\r\nTo: G: x@y.test;, \"q\\\\\" <z@y.test>\r\nBcc: (\\\r\n\r\nb\r\n";
    for (size_t n = 0; n < sizeof text; n++) {
        ARENA_AUTO arena = {0};
        struct raw_message m;
        struct str copy = arena_str(&arena, str_make(text, n));
        raw_message_parse(copy, &arena, &m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bcc_and_return_path_go_and_line_ends_are_crlf),
        cmocka_unit_test(what_is_there_is_kept),
        cmocka_unit_test(lists_of_addresses_are_read),
        cmocka_unit_test(bad_messages_are_refused),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_cut_message_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
