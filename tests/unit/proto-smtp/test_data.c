/* test_data.c - the framing of DATA in both directions, whole and cut at every byte (2.A, P5).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define S(literal) STR_INIT(literal)

static void write_in_two(struct str in, size_t cut, struct buf *out) {
    struct smtp_data_writer w = {0};
    smtp_data_write(&w, out, str_sub(in, 0, cut));
    smtp_data_write(&w, out, str_sub(in, cut, SIZE_MAX));
    smtp_data_write_end(&w, out);
}

/* SM18: what a strict reader of RFC 5321 4.1.1.4 needs. */
static void assert_framed(struct str out) {
    assert_true(str_ends(out, STR("\r\n.\r\n")) || str_eq(out, STR(".\r\n")));
    for (size_t i = 0; i < out.n; i++) {
        if (out.p[i] == '\r') assert_true(i + 1 < out.n && out.p[i + 1] == '\n');
        if (out.p[i] == '\n') assert_true(i > 0 && out.p[i - 1] == '\r');
    }
    size_t end = str_find_str(out, STR("\r\n.\r\n"));
    assert_true(end == STR_NONE || end + 5 == out.n);
}

static void whatever_goes_in_one_message_comes_out(void **state) { /* SM18 to SM21 */
    (void)state;
    static const struct {
        struct str in, out;
    } cases[] = {
        {S(""), S(".\r\n")},
        {S("a"), S("a\r\n.\r\n")},
        {S("a\r\n"), S("a\r\n.\r\n")},
        {S("."), S("..\r\n.\r\n")},
        {S(".\r\n.\r\n"), S("..\r\n..\r\n.\r\n")}, /* SM20 */
        {S("a\n.\nb"), S("a\r\n..\r\nb\r\n.\r\n")},
        {S("a\r.\rb"), S("a\r\n..\r\nb\r\n.\r\n")}, /* SM19 */
        {S("a\r.\r\nb"), S("a\r\n..\r\nb\r\n.\r\n")},
        {S("a\n.\r\nb"), S("a\r\n..\r\nb\r\n.\r\n")},
        {S("a\r\n.\r\r\nb"), S("a\r\n..\r\n\r\nb\r\n.\r\n")},
        {S("a\r\r\n.\r\r\nb"), S("a\r\n\r\n..\r\n\r\nb\r\n.\r\n")},
        {S("a\r\n\0.\r\n"), S("a\r\n\0.\r\n.\r\n")},
        {S("a\r"), S("a\r\n.\r\n")}, /* SM21 */
        {S("\n\r"), S("\r\n\r\n.\r\n")},
        {S("\r\n..a"), S("\r\n...a\r\n.\r\n")},
        {S("a\xe2\x80\xa8.\xc2\x85.\v.\f.\r\n"), S("a\xe2\x80\xa8.\xc2\x85.\v.\f.\r\n.\r\n")}, /* SM26 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t cut = 0; cut <= cases[i].in.n; cut++) {
            BUF_AUTO out = {0};
            write_in_two(cases[i].in, cut, &out);
            assert_framed(buf_str(&out));
            assert_true(str_eq(buf_str(&out), cases[i].out));
        }
}

static void eightbit_is_noticed(void **state) { /* AD03 */
    (void)state;
    BUF_AUTO out = {0};
    struct smtp_data_writer w = {0};
    smtp_data_write(&w, &out, STR("plain\r\n"));
    assert_false(w.eightbit);
    smtp_data_write(&w, &out, STR("caf\xc3\xa9\r\nplain"));
    assert_true(w.eightbit);
}

struct taken {
    struct buf out;
    enum parse parse;
    enum smtp_data_fault fault;
    size_t used;
};

static struct taken read_in_two(struct str in, size_t cut, size_t max) {
    struct taken t = {0};
    struct smtp_data_reader r = {.max_bytes = max, .line_max_bytes = 20};
    t.parse = smtp_data_read(&r, str_sub(in, 0, cut), &t.out, &t.used);
    if (t.parse == PARSE_MORE) {
        size_t more;
        assert_int_equal(t.used, cut);
        t.parse = smtp_data_read(&r, str_sub(in, cut, SIZE_MAX), &t.out, &more);
        t.used += more;
    }
    t.fault = r.fault;
    return t;
}

static void only_crlf_dot_crlf_ends(void **state) { /* SM01 to SM13, SM27 */
    (void)state;
    static const struct {
        struct str in;
        enum smtp_data_fault fault;
        struct str content; /* when good */
    } cases[] = {
        {S(".\r\n"), SMTP_DATA_GOOD, S("")}, /* SM27 */
        {S("a\r\n.\r\n"), SMTP_DATA_GOOD, S("a\r\n")},
        {S("..\r\n...a\r\n.b\r\n.\r\n"), SMTP_DATA_GOOD, S(".\r\n..a\r\nb\r\n")},
        {S("a\n.\nb\r\n.\r\n"), SMTP_DATA_BARE, S("")},         /* SM01 */
        {S("a\n.\r\nb\r\n.\r\n"), SMTP_DATA_BARE, S("")},       /* SM02 */
        {S("a\r\n.\nb\r\n.\r\n"), SMTP_DATA_BARE, S("")},       /* SM03 */
        {S("a\r.\rb\r\n.\r\n"), SMTP_DATA_BARE, S("")},         /* SM04 */
        {S("a\r.\nb\r\n.\r\n"), SMTP_DATA_BARE, S("")},         /* SM05 */
        {S("a\n.\rb\r\n.\r\n"), SMTP_DATA_BARE, S("")},         /* SM06 */
        {S("a\r.\r\nb\r\n.\r\n"), SMTP_DATA_BARE, S("")},       /* SM07 */
        {S("a\r\n.\rb\r\n.\r\n"), SMTP_DATA_BARE, S("")},       /* SM08 */
        {S("a\r\n\0.\r\nb\r\n.\r\n"), SMTP_DATA_NUL, S("")},    /* SM09 */
        {S("a\r\n.\0\r\nb\r\n.\r\n"), SMTP_DATA_NUL, S("")},    /* SM10 */
        {S("a\r\n.\r\r\nb\r\n.\r\n"), SMTP_DATA_BARE, S("")},   /* SM11 */
        {S("a\r\r\n.\r\r\nb\r\n.\r\n"), SMTP_DATA_BARE, S("")}, /* SM12 */
        {S("\n\r\n.\r\n"), SMTP_DATA_BARE, S("")},
        {S("12345678901234567890\r\n.\r\n"), SMTP_DATA_GOOD, S("12345678901234567890\r\n")}, /* LM02 */
        {S("123456789012345678901\r\n.\r\n"), SMTP_DATA_LINE_LONG, S("")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        BUF_AUTO in = {0};
        buf_add_str(&in, cases[i].in);
        buf_add_z(&in, "RSET\r\n");
        for (size_t cut = 0; cut <= in.n; cut++) {
            struct taken t = read_in_two(buf_str(&in), cut, 1000);
            assert_int_equal(t.parse, PARSE_DONE);
            assert_int_equal(t.used, cases[i].in.n);
            assert_int_equal(t.fault, cases[i].fault);
            if (t.fault == SMTP_DATA_GOOD) assert_true(str_eq(buf_str(&t.out), cases[i].content));
            buf_fini(&t.out);
        }
    }
}

static void the_limit_is_exact_and_nothing_is_kept_after_it(void **state) { /* LM08, LM09, SM16 */
    (void)state;
    for (size_t max = 6; max <= 8; max++) {
        struct taken t = read_in_two(STR("a\r\nbc\r\n.\r\nQUIT"), 4, max);
        assert_int_equal(t.parse, PARSE_DONE);
        assert_int_equal(t.used, 10);
        assert_int_equal(t.fault, max < 7 ? SMTP_DATA_TOO_BIG : SMTP_DATA_GOOD);
        assert_true(t.out.n <= max);
        buf_fini(&t.out);
    }
}

/* I7: what the writer makes, the reader gives back, for random bytes of the dangerous kind. */
static void there_and_back(void **state) {
    (void)state;
    srandom(7);
    for (int round = 0; round < 3000; round++) {
        BUF_AUTO in = {0};
        size_t n = (size_t)random() % 12;
        for (size_t i = 0; i < n; i++) buf_add_char(&in, "\r\n.ab"[random() % 5]);
        BUF_AUTO wire = {0};
        write_in_two(buf_str(&in), n ? (size_t)random() % n : 0, &wire);
        assert_framed(buf_str(&wire));
        struct taken t = read_in_two(buf_str(&wire), (size_t)random() % wire.n, 1000);
        assert_int_equal(t.parse, PARSE_DONE);
        assert_int_equal(t.fault, SMTP_DATA_GOOD);
        assert_int_equal(t.used, wire.n);
        buf_fini(&t.out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_goes_in_one_message_comes_out),
        cmocka_unit_test(eightbit_is_noticed),
        cmocka_unit_test(only_crlf_dot_crlf_ends),
        cmocka_unit_test(the_limit_is_exact_and_nothing_is_kept_after_it),
        cmocka_unit_test(there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
