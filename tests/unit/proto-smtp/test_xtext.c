/* test_xtext.c - xtext there and back, and what it must not smuggle in (PB21).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/xtext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void means(void **state) {
    (void)state;
    static const struct {
        struct str in, out;
    } cases[] = {
        {STR_INIT(""), STR_INIT("")},
        {STR_INIT("plain!~"), STR_INIT("plain!~")},
        {STR_INIT("a+2Bb+3Dc"), STR_INIT("a+b=c")},
        {STR_INIT("a+2bb+3dc"), STR_INIT("a+b=c")},
        {STR_INIT("+20"), STR_INIT(" ")},
        {STR_INIT("+C3+A9"), STR_INIT("\xc3\xa9")},
        {STR_INIT("\xc3\xa9"), STR_INIT("\xc3\xa9")},
        {STR_INIT("\\x{2B}"), STR_INIT("\\x{2B}")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO out = {0};
        buf_add_z(&out, "kept ");
        assert_true(smtp_xtext_decode(&out, cases[i].in));
        assert_true(str_eq(str_sub(buf_str(&out), 5, SIZE_MAX), cases[i].out));
    }
}

static void means_nothing(void **state) { /* PB21 */
    (void)state;
    static const struct str cases[] = {
        STR_INIT("+"),      STR_INIT("+2"),           STR_INIT("a+2"),       STR_INIT("+2G"),  STR_INIT("+ 2"), STR_INIT("+00"),
        STR_INIT("+0D+0A"), STR_INIT("a+0Ab"),        STR_INIT("+7F"),       STR_INIT("+FF"),  STR_INIT("+C3"), STR_INIT("\xc3"),
        STR_INIT("a=b"),    STR_INIT("a b"),          STR_INIT("a\tb"),      STR_INIT("\x7f"), STR_INIT("\0"),  STR_INIT("++2B"),
        STR_INIT("+2B+"),   STR_INIT("+C0+AE+C0+AE"), STR_INIT("+ED+A0+80"),
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO out = {0};
        assert_false(smtp_xtext_decode(&out, cases[i]));
        assert_int_equal(out.n, 0);
    }
}

static void there_and_back(void **state) {
    (void)state;
    for (unsigned c = 0x20; c < 0x7F; c++) {
        BUF_AUTO in = {0};
        BUF_AUTO there = {0};
        BUF_AUTO back = {0};
        buf_add_char(&in, (char)c);
        buf_add_z(&in, "\xe2\x82\xac");
        smtp_xtext_encode(&there, buf_str(&in));
        assert_int_equal(str_plain_run(buf_str(&there)), there.n);
        assert_true(str_find(buf_str(&there), ' ') == STR_NONE && str_find(buf_str(&there), '=') == STR_NONE);
        assert_true(smtp_xtext_decode(&back, buf_str(&there)) && str_eq(buf_str(&back), buf_str(&in)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means),
        cmocka_unit_test(means_nothing),
        cmocka_unit_test(there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
