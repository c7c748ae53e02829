/* test_header.c - header fields read and written: folding, encoded words, parameters (HI01 to HI20, MI09 to MI11).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/encoded_word.h"
#include "proto/mime/header.h"
#include "proto/mime/param.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define S(literal)   STR_INIT(literal)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void fields_are_walked_to_the_body(void **state) {
    (void)state;
    struct str rest = STR("A: one\r\nB :two\r\n three\r\n\tfour\r\nC:\r\n\r\nbody: x\r\n");
    struct header_field f;
    assert_int_equal(header_next(&rest, &f), HEADER_FIELD);
    assert_true(str_eq(f.name, STR("A")) && str_eq(f.value, STR(" one")) && str_eq(f.raw, STR("A: one\r\n")));
    assert_int_equal(header_next(&rest, &f), HEADER_FIELD);
    assert_true(str_eq(f.name, STR("B")) && str_eq(f.value, STR("two\r\n three\r\n\tfour")));
    assert_int_equal(header_next(&rest, &f), HEADER_FIELD);
    assert_true(str_eq(f.name, STR("C")) && f.value.n == 0);
    assert_int_equal(header_next(&rest, &f), HEADER_END);
    assert_true(str_eq(rest, STR("body: x\r\n")));
}

static void what_is_no_field_stops_the_walk(void **state) { /* MI10, HI06 */
    (void)state;
    static const struct str bad[] = {S("no colon\r\n"), S(": empty\r\n"), S(" folded first: x\r\n"),
                                     S("a b: x\r\n"),   S("a\0b: x\r\n"), S("\xC3\xA9: x\r\n"),
                                     S("\r: x\r\n"),    S("no colon")};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct str rest = bad[i];
        struct header_field f;
        assert_int_equal(header_next(&rest, &f), HEADER_BAD);
        assert_true(str_eq(rest, bad[i]));
    }
}

/* Write one text field and check what holds for all: CRLF only, lines within bounds, folds before blanks, reads back the same. */
static void check_text(struct str text) {
    BUF_AUTO out = {0};
    BUF_AUTO back = {0};
    struct header_writer w = {.out = &out};
    header_begin(&w, "Subject");
    header_text(&w, text);
    header_end(&w);
    struct str rest = buf_str(&out), line;
    struct header_field f;
    assert_true(str_is_ascii(rest));
    assert_int_equal(header_next(&rest, &f), HEADER_FIELD);
    assert_int_equal(rest.n, 0);
    encoded_words_decode(&back, f.value);
    if (!str_eq(buf_str(&back), text)) fail_msg("%.*s", STR_ARG(buf_str(&out)));
    rest = f.raw;
    while (str_next(&rest, '\n', &line) && rest.p) {
        assert_true(str_ends(line, STR("\r")));
        assert_true(line.n <= 999);
        assert_true(str_trim(line).n > 0);
        if (str_find_str(line, STR("=?")) != STR_NONE) assert_true(line.n <= 77);
    }
}

static void texts_survive_the_wire(void **state) {
    (void)state;
    static const struct str texts[] = {
        S("Hello"),
        S("a  b   c"),
        S("=?utf-8?Q?not_a_word?="),
        S("plain \xC4\x8D plain \xC4\x8D\xC4\x8D plain"),
        S("\xE4\xB8\x96\xE7\x95\x8C \xE2\x80\x94  \xF0\x9F\x98\x80\xF0\x9F\x98\x80"),
        S("\xC2\x85 and \xE2\x80\xA8 are only encoded"), /* HI15 */
        S("a word that ends the line just where it has to be folded or one column later, that is the question x y z"),
    };
    for (size_t i = 0; i < COUNT(texts); i++) check_text(texts[i]);
}

static void texts_of_every_length_fold(void **state) { /* HI20 */
    (void)state;
    static const char *const pieces[] = {"a", "\xC4\x8D", "\xE4\xB8\x96", "\xF0\x9F\x98\x80", "\xC4\x8D ", "word ", "=?"};
    for (size_t k = 0; k < COUNT(pieces); k++) {
        BUF_AUTO text = {0};
        for (size_t n = 0; n < 300; n++) {
            buf_add_z(&text, pieces[k]);
            BUF_AUTO whole = {0};
            buf_add_str(&whole, buf_str(&text));
            buf_add_char(&whole, 'x');
            check_text(buf_str(&whole));
        }
    }
    BUF_AUTO word = {0};
    for (size_t i = 0; i < 5000; i++) buf_add_char(&word, 'w');
    check_text(buf_str(&word));
}

/* Repeatable pseudo-random numbers. */
static uint32_t step(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

static void random_texts_survive_the_wire(void **state) {
    (void)state;
    static const char *const pieces[] = {" ", "  ", "a",  "word", "\xC4\x8D", "\xF0\x9F\x98\x80", "=?", "?=", "=",
                                         "_", "(",  "\"", "\\",   ","};
    uint32_t seed = 1;
    for (size_t round = 0; round < 2000; round++) {
        BUF_AUTO text = {0};
        buf_add_char(&text, 'x');
        for (uint32_t n = step(&seed) % 60; n > 0; n--) buf_add_z(&text, pieces[step(&seed) % COUNT(pieces)]);
        buf_add_char(&text, 'x');
        check_text(buf_str(&text));
    }
}

static void mailboxes_are_written_as_readers_expect(void **state) { /* HI04 */
    (void)state;
    static const struct {
        struct str name, out;
    } cases[] = {
        {S(""), S("To: a@b.example\r\n")},
        {S("Jane Doe"), S("To: Jane Doe <a@b.example>\r\n")},
        {S("Doe, Jane Q."), S("To: \"Doe, Jane Q.\" <a@b.example>\r\n")},
        {S("a \"b\" \\c"), S("To: \"a \\\"b\\\" \\\\c\" <a@b.example>\r\n")},
        {S("x <evil@c.example>"), S("To: \"x <evil@c.example>\" <a@b.example>\r\n")},
        {S("Ji\xC5\x99\xC3\xAD"), S("To: =?utf-8?B?SmnFmcOt?= <a@b.example>\r\n")},
        {S("=?x?="), S("To: =?utf-8?B?PT94Pz0=?= <a@b.example>\r\n")},
        {S("a, \"b\" \xC3\xA9"), S("To: =?utf-8?B?YSwgImIiIMOp?= <a@b.example>\r\n")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO out = {0};
        struct header_writer w = {.out = &out};
        header_begin(&w, "To");
        header_mailbox(&w, cases[i].name, STR("a@b.example"), false);
        header_end(&w);
        if (!str_eq(buf_str(&out), cases[i].out)) fail_msg("case %zu: %s", i, out.p);
    }
}

static void check_param(struct str value) {
    BUF_AUTO out = {0};
    ARENA_AUTO arena = {0};
    struct header_writer w = {.out = &out};
    struct header_field f;
    struct params params;
    header_begin(&w, "Content-Disposition");
    header_token(&w, STR("attachment"));
    header_param(&w, "filename", value);
    header_end(&w);
    struct str rest = buf_str(&out), line;
    assert_true(str_is_ascii(rest));
    assert_int_equal(header_next(&rest, &f), HEADER_FIELD);
    assert_int_equal(rest.n, 0);
    params_parse(f.value, &arena, &params);
    assert_true(str_eq(params.value, STR("attachment")));
    assert_true(str_eq(params_find(&params, STR("filename")), value));
    rest = f.raw;
    while (str_next(&rest, '\n', &line) && rest.p) assert_true(line.n <= 79);
}

static void file_names_survive_the_wire(void **state) { /* HI08 */
    (void)state;
    static const struct str names[] = {S("a.txt"),
                                       S("a b.txt"),
                                       S("a;b=c.txt"),
                                       S("a\"b\\c"),
                                       S("100%.txt"),
                                       S("it's"),
                                       S("=?utf-8?Q?x?="),
                                       S("p\xC5\x99"
                                         "ehled \xE2\x80\x94 2026.pdf")};
    for (size_t i = 0; i < COUNT(names); i++) check_param(names[i]);
    BUF_AUTO name = {0};
    for (size_t i = 0; i < 250; i++) {
        buf_add_z(&name, i % 3 ? "\xE4\xB8\x96" : "a");
        check_param(buf_str(&name));
    }
}

static void parameters_have_one_winner(void **state) { /* MI03, MI11, HI13 */
    (void)state;
    static const struct {
        struct str in, filename;
    } cases[] = {
        {S("attachment; filename=a; filename=b"), S("a")},
        {S("attachment; filename=a; filename*=utf-8''%C4%8D"), S("\xC4\x8D")},
        {S("attachment; filename*=utf-8'cs'%C4%8D; filename=a"), S("\xC4\x8D")},
        {S("attachment; filename*0=a; filename*1=b; filename*3=d"), S("ab")},
        {S("attachment; filename*1=b; filename*0=a"), S("ab")},
        {S("attachment; filename*0*=utf-8''%C4; filename*1*=%8D; filename*2=%41"), S("\xC4\x8D%41")},
        {S("attachment; filename*1=b"), S("")},
        {S("attachment; filename=\"a\\\"b;c\"; x=y"), S("a\"b;c")},
        {S("attachment; filename=\"open"), S("")},
        {S("attachment (a;b) ; (c) filename (d) = e"), S("")},
        {S("attachment ;; ; filename=a b"), S("a")},
        {S("attachment; filename=\"=?utf-8?B?xI0=?=\""), S("\xC4\x8D")},
        {S("attachment; filename*=utf-8''a%0D%0Ab"), S("a  b")},
        {S("attachment; filename*=iso-8859-1''%E9%ZZ%"), S("\xC3\xA9%ZZ%")},
        {S("attachment; filename*=x"), S("x")},
        {S("attachment; filename*99999999999999999999=x"), S("")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ARENA_AUTO arena = {0};
        struct params params;
        params_parse(cases[i].in, &arena, &params);
        assert_true(str_eq(params.value, STR("attachment")));
        struct str got = params_find(&params, STR("filename"));
        if (!str_eq(got, cases[i].filename)) fail_msg("case %zu: %.*s", i, STR_ARG(got));
        for (size_t n = 0; n < cases[i].in.n; n++) params_parse(str_sub(cases[i].in, 0, n), &arena, &params);
    }
}

static void ten_thousand_segments_are_cheap(void **state) { /* MI11 */
    (void)state;
    BUF_AUTO value = {0};
    ARENA_AUTO arena = {0};
    struct params params;
    buf_add_z(&value, "attachment");
    for (unsigned i = 0; i < 10000; i++) buf_addf(&value, "; filename*%u=x", i);
    params_parse(buf_str(&value), &arena, &params);
    assert_int_equal(params_find(&params, STR("filename")).n, PARAM_MAX);
}

static void encoded_words_are_read_leniently_and_safely(void **state) { /* MI09, HI13 */
    (void)state;
    static const struct {
        struct str in, out;
    } cases[] = {
        {S(" =?utf-8?Q?a?= =?utf-8?Q?b?= c "), S("ab c")},
        {S("=?utf-8?Q?a?=\r\n =?utf-8?B?YiA=?= x"), S("ab  x")},
        {S("a =?ISO-8859-1?q?=E9_=80?= b"), S("a \xC3\xA9 \xE2\x82\xAC b")},
        {S("=?utf-8*cs?q?x?="), S("x")},
        {S("=?utf-7?q?+AGE-?="), S("+AGE-")},
        {S("=?x-unknown?q?=FF=C4=8D?="), S("\xEF\xBF\xBD\xC4\x8D")},
        {S("=?utf-8?q?a=0D=0ABcc:_x?="), S("a  Bcc: x")},
        {S("=?utf-8?x?a?="), S("=?utf-8?x?a?=")},
        {S("=?utf-8?q?a b?="), S("=?utf-8?q?a b?=")},
        {S("=?utf-8?q?a"), S("=?utf-8?q?a")},
        {S("=??q?a?="), S("=??q?a?=")},
        {S("=?utf-8?q?trailing_?="), S("trailing ")},
        {S("raw \xFF bytes"), S("raw \xEF\xBF\xBD bytes")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO out = {0};
        encoded_words_decode(&out, cases[i].in);
        if (!str_eq(buf_str(&out), cases[i].out)) fail_msg("case %zu: %.*s", i, STR_ARG(buf_str(&out)));
        for (size_t n = 0; n < cases[i].in.n; n++) {
            BUF_AUTO part = {0};
            encoded_words_decode(&part, str_sub(cases[i].in, 0, n));
            assert_true(str_is_utf8(buf_str(&part)));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_walked_to_the_body),   cmocka_unit_test(what_is_no_field_stops_the_walk),
        cmocka_unit_test(texts_survive_the_wire),          cmocka_unit_test(texts_of_every_length_fold),
        cmocka_unit_test(random_texts_survive_the_wire),   cmocka_unit_test(mailboxes_are_written_as_readers_expect),
        cmocka_unit_test(file_names_survive_the_wire),     cmocka_unit_test(parameters_have_one_winner),
        cmocka_unit_test(ten_thousand_segments_are_cheap), cmocka_unit_test(encoded_words_are_read_leniently_and_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
