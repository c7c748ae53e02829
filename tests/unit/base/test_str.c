/* Bytes that are looked at: bounds, splitting, numbers, UTF-8.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A copy on the heap of exactly n bytes: the sanitizer sees every look beyond. */
static struct str exact(struct str s) {
    char *p = malloc(s.n ? s.n : 1);
    if (s.n) memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

static void drop(struct str s) {
    char *p;
    memcpy(&p, &s.p, sizeof p);
    free(p);
}

static void empty_strs_have_no_bytes(void **state) {
    (void)state;
    struct str none = {0};
    assert_true(str_eq(none, STR("")));
    assert_true(str_eq_nocase(none, STR("")));
    assert_true(str_starts(none, none) && str_ends(STR("a"), none));
    assert_int_equal(str_cmp(none, STR("")), 0);
    assert_true(str_cmp(none, STR("a")) < 0);
    assert_true(str_find(none, 'a') == STR_NONE && str_find_last(none, 'a') == STR_NONE);
    assert_true(str_find_str(none, STR("a")) == STR_NONE);
    assert_int_equal(str_find_str(none, none), 0);
    assert_int_equal(str_trim(none).n, 0);
    assert_true(str_is_utf8(none) && str_is_ascii(none) && !str_has_control(none));
    assert_int_equal(str_from_z(NULL).n, 0);
}

static void comparing_looks_at_n_bytes(void **state) {
    (void)state;
    struct str a = exact(STR("Subject")), b = exact(STR("SUBJECT"));
    assert_false(str_eq(a, b));
    assert_true(str_eq_nocase(a, b));
    assert_true(str_starts_nocase(a, STR("sub")) && !str_starts(a, STR("sub")));
    assert_true(str_ends(a, STR("ject")) && !str_ends(a, STR("JECT")));
    assert_false(str_starts(a, STR("Subjects")));
    assert_false(str_ends(a, STR("aSubject")));
    assert_true(str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("b"), STR("ab")) > 0);
    assert_true(str_cmp(STR("\x80"), STR("a")) > 0);
    assert_false(str_eq_nocase(STR("\xC4"), STR("\xE4"))); /* folding is ASCII only */
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    drop(a);
    drop(b);
}

static void finding_and_cutting(void **state) {
    (void)state;
    struct str s = exact(STR("a=b=c"));
    assert_int_equal(str_find(s, '='), 1);
    assert_int_equal(str_find_last(s, '='), 3);
    assert_int_equal(str_find_str(s, STR("=c")), 3);
    assert_true(str_find_str(s, STR("=c.")) == STR_NONE);
    assert_true(str_eq(str_sub(s, 3, SIZE_MAX), STR("=c")));
    assert_true(str_eq(str_sub(s, 9, 2), STR("")));
    assert_true(str_eq(str_sub(s, 4, 9), STR("c")));
    assert_true(str_eq(str_trim(STR(" \t\r\n a b \r\n")), STR("a b")));
    assert_true(str_eq(str_trim(STR(" \r\n")), STR("")));
    drop(s);
}

static void splitting_yields_every_part(void **state) {
    (void)state;
    struct str rest = STR("a,,b"), part;
    assert_true(str_next(&rest, ',', &part) && str_eq(part, STR("a")));
    assert_true(str_next(&rest, ',', &part) && str_eq(part, STR("")));
    assert_true(str_next(&rest, ',', &part) && str_eq(part, STR("b")));
    assert_false(str_next(&rest, ',', &part));
    rest = STR("");
    assert_true(str_next(&rest, ',', &part) && part.n == 0);
    assert_false(str_next(&rest, ',', &part));
    rest = STR("a,");
    assert_true(str_next(&rest, ',', &part) && str_eq(part, STR("a")));
    assert_true(str_next(&rest, ',', &part) && str_eq(part, STR("")));
    assert_false(str_next(&rest, ',', &part));
}

static void numbers_are_whole_and_fit(void **state) {
    (void)state;
    uint64_t u = 7;
    int64_t i = 7;
    static const struct str wrong[] = {
        STR_INIT(""),    STR_INIT("+1"), STR_INIT(" 1"),  STR_INIT("1 "),  STR_INIT("0x1"),
        STR_INIT("1e3"), STR_INIT("-"),  STR_INIT("--1"), STR_INIT("1\0"), STR_INIT("18446744073709551616")};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        assert_false(str_to_u64(wrong[k], &u));
        assert_false(str_to_i64(wrong[k], &i));
    }
    assert_false(str_to_u64(STR("-1"), &u));
    assert_false(str_to_i64(STR("9223372036854775808"), &i));
    assert_false(str_to_i64(STR("-9223372036854775809"), &i));
    assert_true(u == 7 && i == 7); /* untouched on failure */
    assert_true(str_to_u64(STR("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_true(str_to_u64(STR("007"), &u) && u == 7);
    assert_true(str_to_i64(STR("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(str_to_i64(STR("9223372036854775807"), &i) && i == INT64_MAX);
    assert_true(str_to_i64(STR("-0"), &i) && i == 0);
}

static void utf8_is_rfc3629(void **state) {
    (void)state;
    static const struct {
        struct str bytes;
        bool is_good;
    } cases[] = {
        {STR_INIT("plain"), true},
        {STR_INIT("\xC2\x80\xDF\xBF"), true},
        {STR_INIT("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"), true},
        {STR_INIT("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), true},
        {STR_INIT("a\0b"), true},
        {STR_INIT("\x80"), false},
        {STR_INIT("\xC0\x80"), false}, /* overlong */
        {STR_INIT("\xC1\xBF"), false},
        {STR_INIT("\xE0\x9F\xBF"), false},
        {STR_INIT("\xF0\x8F\xBF\xBF"), false},
        {STR_INIT("\xED\xA0\x80"), false}, /* surrogate */
        {STR_INIT("\xF4\x90\x80\x80"), false},
        {STR_INIT("\xF5\x80\x80\x80"), false},
        {STR_INIT("\xFF"), false},
        {STR_INIT("\xC2"), false}, /* cut short */
        {STR_INIT("\xE2\x82"), false},
        {STR_INIT("\xF0\x9F\x92"), false},
        {STR_INIT("\xE2\x28\xA1"), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str s = exact(cases[i].bytes);
        assert_int_equal(str_is_utf8(s), cases[i].is_good);
        drop(s);
    }
}

/* Words of eight bytes are looked at: the odd byte may stand at any place of one, or in the rest after the last. */
static void odd_bytes_are_found_anywhere(void **state) {
    (void)state;
    char text[40];
    for (int c = -128; c < 128; c++) {
        bool is_plain = c >= ' ' && c <= '~';
        for (size_t n = 1; n <= sizeof text; n += 3) {
            for (size_t at = 0; at < n; at++) {
                memset(text, at % 2 ? '~' : ' ', n);
                text[at] = (char)c;
                struct str s = exact(str_make(text, n));
                assert_int_equal(str_plain_run(s), is_plain ? n : at);
                assert_int_equal(str_is_ascii(s), c >= 0);
                assert_int_equal(str_is_utf8(s), c >= 0);
                drop(s);
            }
        }
    }
    for (size_t at = 0; at + 2 <= sizeof text; at++) {
        memset(text, 'x', sizeof text);
        memcpy(text + at, "\xC3\xA9", 2);
        assert_true(str_is_utf8(str_make(text, sizeof text)));
        assert_false(str_is_utf8(str_make(text, at + 1)));
    }
}

static void classes_of_bytes(void **state) {
    (void)state;
    assert_true(str_is_ascii(STR("a\x7F")) && !str_is_ascii(STR("\x80")));
    assert_true(str_has_control(STR("a\x7F")) && str_has_control(STR("\r")) && str_has_control(STR("\0")));
    assert_false(str_has_control(STR(" \x80\xFF")));
    for (int c = -128; c < 128; c++) {
        char l = (char)(c | 0x20);
        bool is_letter = c >= 0 && l >= 'a' && l <= 'z';
        bool is_digit = c >= '0' && c <= '9';
        assert_int_equal(ascii_is_alpha((char)c), is_letter);
        assert_int_equal(ascii_is_digit((char)c), is_digit);
        assert_int_equal(ascii_is_alnum((char)c), is_letter || is_digit);
        assert_int_equal(ascii_lower((char)c), is_letter ? l : (char)c);
    }
}

static void secrets_compare_whole(void **state) {
    (void)state;
    assert_true(str_eq_secret(STR("abc"), STR("abc")));
    assert_false(str_eq_secret(STR("abc"), STR("abd")));
    assert_false(str_eq_secret(STR("abc"), STR("\xE1"
                                               "bc")));
    assert_false(str_eq_secret(STR("abc"), STR("abcd")));
    assert_true(str_eq_secret((struct str){0}, STR("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_strs_have_no_bytes),     cmocka_unit_test(comparing_looks_at_n_bytes),
        cmocka_unit_test(finding_and_cutting),          cmocka_unit_test(splitting_yields_every_part),
        cmocka_unit_test(numbers_are_whole_and_fit),    cmocka_unit_test(utf8_is_rfc3629),
        cmocka_unit_test(odd_bytes_are_found_anywhere), cmocka_unit_test(classes_of_bytes),
        cmocka_unit_test(secrets_compare_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
