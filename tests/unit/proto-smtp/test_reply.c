/* test_reply.c - reading a server's answers: whole, cut at every byte, and wrong in every way the catalogue knows (2.R).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void assert_str(struct str got, const char *want) {
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p ? got.p : "", want, got.n);
}

/* Feed a growing prefix; every split must give what the whole gives. */
static enum parse read_growing(struct str in, struct smtp_answer *ret) {
    struct smtp_answer_reader reader = {0};
    for (size_t n = 0; n <= in.n; n++) {
        enum parse got = smtp_answer_read(&reader, str_sub(in, 0, n), ret);
        if (got != PARSE_MORE) return got;
    }
    return PARSE_MORE;
}

static void answers_are_read_at_every_cut(void **state) {
    (void)state;
    static const struct {
        const char *in;
        enum parse parse;
        unsigned code;
        const char *enhanced, *text;
    } cases[] = {
        {"250 2.1.0 Ok\r\n", PARSE_DONE, 250, "2.1.0", "Ok"},
        {"250\r\n", PARSE_DONE, 250, "", ""},
        {"250 \r\n", PARSE_DONE, 250, "", ""},
        {"354 go ahead\r\n", PARSE_DONE, 354, "", "go ahead"},
        {"550-5.1.1 no such\r\n550 5.1.1 user here\r\n", PARSE_DONE, 550, "5.1.1", "no such user here"},
        {"250-a\r\n250 b\r\n220 next\r\n", PARSE_DONE, 250, "", "a b"},
        {"450 4.2.1\n", PARSE_DONE, 450, "4.2.1", ""}, /* OB06 */
        {"450 5.2.1 x\r\n", PARSE_DONE, 450, "", "x"}, /* OB32: the basic code wins */
        {"550 fine\r\n", PARSE_DONE, 550, "", "fine"},
        {"550-first\r\n550 5.7.1 second\r\n", PARSE_DONE, 550, "", "first second"}, /* OB32: stale second line */
        {"550 5.1.1x y\r\n", PARSE_DONE, 550, "", "5.1.1x y"},
        {"550 5.1111.1 y\r\n", PARSE_DONE, 550, "", "5.1111.1 y"},
        {"550 a\x1b[2J\x01\xff\xc2\x85z\r\n", PARSE_DONE, 550, "", "a?[2J????z"}, /* OB07, OB34 */
        {"550 \xc3\xa9\r\n", PARSE_DONE, 550, "", "\xc3\xa9"},
        {"25\r\n", PARSE_BAD, 0, NULL, NULL}, /* OB07 */
        {"abc\r\n", PARSE_BAD, 0, NULL, NULL},
        {"000 x\r\n", PARSE_BAD, 0, NULL, NULL},
        {"999 x\r\n", PARSE_BAD, 0, NULL, NULL},
        {"150 x\r\n", PARSE_BAD, 0, NULL, NULL},
        {"2500 x\r\n", PARSE_BAD, 0, NULL, NULL},
        {"\r\n", PARSE_BAD, 0, NULL, NULL},
        {"250-a\r\n251 b\r\n", PARSE_BAD, 0, NULL, NULL}, /* OB04 */
        {"250-a\r\n\r\n", PARSE_BAD, 0, NULL, NULL},
        {"250-a\r\n250-b\r\n", PARSE_MORE, 0, NULL, NULL},
        {"250 a\r", PARSE_MORE, 0, NULL, NULL},
        {"", PARSE_MORE, 0, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct smtp_answer grown = {0}, whole = {0};
        struct smtp_answer_reader reader = {0};
        struct str in = str_from_z(cases[i].in);
        assert_int_equal(read_growing(in, &grown), cases[i].parse);
        assert_int_equal(smtp_answer_read(&reader, in, &whole), cases[i].parse);
        if (cases[i].parse != PARSE_DONE) continue;
        assert_int_equal(whole.code, cases[i].code);
        assert_true(str_eq(whole.lines, grown.lines));
        assert_str(whole.enhanced, cases[i].enhanced);
        assert_str(grown.enhanced, cases[i].enhanced);
        BUF_AUTO text = {0};
        smtp_answer_text(&text, &whole);
        assert_str(buf_str(&text), cases[i].text);
    }
}

static void endless_answers_are_cut_off(void **state) { /* OB03, OB05 */
    (void)state;
    BUF_AUTO in = {0};
    for (int i = 0; i < SMTP_ANSWER_LINES_MAX; i++) buf_add_z(&in, "250-x\r\n");
    struct smtp_answer answer;
    struct smtp_answer_reader reader = {0};
    assert_int_equal(smtp_answer_read(&reader, buf_str(&in), &answer), PARSE_MORE);
    buf_add_z(&in, "250 x\r\n");
    assert_int_equal(smtp_answer_read(&reader, buf_str(&in), &answer), PARSE_BAD);

    buf_reset(&in);
    BUF_AUTO line = {0}; /* long lines: before a stream that holds 64 KB unread would stop reading */
    buf_add_z(&line, "250-");
    while (line.n < 1000) buf_add_char(&line, 'x');
    buf_add_z(&line, "\r\n");
    reader = (struct smtp_answer_reader){0};
    enum parse parse = PARSE_MORE;
    while (parse == PARSE_MORE && in.n < 60000) {
        buf_add_str(&in, buf_str(&line));
        parse = smtp_answer_read(&reader, buf_str(&in), &answer);
    }
    assert_int_equal(parse, PARSE_BAD);

    buf_reset(&in);
    buf_add_z(&in, "250 ");
    while (in.n < SMTP_ANSWER_LINE_MAX - 1) buf_add_char(&in, 'x');
    reader = (struct smtp_answer_reader){0};
    assert_int_equal(smtp_answer_read(&reader, buf_str(&in), &answer), PARSE_MORE);
    buf_add_char(&in, 'x');
    assert_int_equal(smtp_answer_read(&reader, buf_str(&in), &answer), PARSE_BAD);
    in.p[SMTP_ANSWER_LINE_MAX - 1] = '\n';
    assert_int_equal(smtp_answer_read(&reader, buf_str(&in), &answer), PARSE_DONE);
}

static void text_is_bounded(void **state) { /* OB34 */
    (void)state;
    BUF_AUTO in = {0};
    for (int i = 0; i < 99; i++) buf_add_z(&in, "550-<script>alert('\xc3\xa9\xc3\xa9\xc3\xa9')</script> 12345\r\n");
    buf_add_z(&in, "550 end\r\n");
    struct smtp_answer answer;
    struct smtp_answer_reader reader = {0};
    assert_int_equal(smtp_answer_read(&reader, buf_str(&in), &answer), PARSE_DONE);
    BUF_AUTO text = {0};
    smtp_answer_text(&text, &answer);
    assert_in_range(text.n, SMTP_ANSWER_TEXT_MAX - 4, SMTP_ANSWER_TEXT_MAX);
    assert_true(str_is_utf8(buf_str(&text)));
}

static void offers_survive_odd_words(void **state) { /* OB09 */
    (void)state;
    static const struct {
        const char *in;
        struct smtp_offer want;
    } cases[] = {
        {"250-mx PIPELINING\r\n250-pipelining\r\n250-8BITMIME\r\n250-SIZE 1000\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n",
         {.pipelining = true, .eightbit = true, .utf8 = true, .starttls = true, .size = true, .size_max_bytes = 1000}},
        {"250 PIPELINING\r\n", {0}},
        {"250-x\r\n250 SIZE 0\r\n", {.size = true}},
        {"250-x\r\n250 SIZE -1\r\n", {.size = true}},
        {"250-x\r\n250 SIZE 1180591620717411303424\r\n", {.size = true}},
        {"250-x\r\n250-SIZE=10\r\n250-\r\n250-AUTH=\r\n250 STARTTLSX\r\n", {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct smtp_answer answer;
        struct smtp_answer_reader reader = {0};
        assert_int_equal(smtp_answer_read(&reader, str_from_z(cases[i].in), &answer), PARSE_DONE);
        struct smtp_offer got;
        smtp_offer_read(&answer, &got);
        const struct smtp_offer *want = &cases[i].want;
        assert_int_equal(got.pipelining, want->pipelining);
        assert_int_equal(got.eightbit, want->eightbit);
        assert_int_equal(got.utf8, want->utf8);
        assert_int_equal(got.starttls, want->starttls);
        assert_int_equal(got.size, want->size);
        assert_int_equal(got.size_max_bytes, want->size_max_bytes);
    }
}

static void replies_are_written(void **state) {
    (void)state;
    BUF_AUTO out = {0};
    smtp_reply_format(&out, &(struct smtp_reply){250, STR("2.0.0"), STR("Ok")});
    smtp_reply_format(&out, &(struct smtp_reply){354, {0}, STR("Go on")});
    assert_str(buf_str(&out), "250 2.0.0 Ok\r\n354 Go on\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read_at_every_cut),
        cmocka_unit_test(endless_answers_are_cut_off),
        cmocka_unit_test(text_is_bounded),
        cmocka_unit_test(offers_survive_odd_words),
        cmocka_unit_test(replies_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
