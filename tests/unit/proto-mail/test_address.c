/* test_address.c - the address grammar against the cases AD01 to AD17.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/address/address.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define S(literal)   STR_INIT(literal)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void good_addresses_have_one_spelling(void **state) { /* AD06, AD10, AD12, AD13, AD17 */
    (void)state;
    static const struct {
        struct str in, out;
    } cases[] = {
        {S("a@b.example"), S("a@b.example")},
        {S("First.Last+tag@EXAMPLE.Com"), S("First.Last+tag@example.com")},
        {S("\"plain\"@b.example"), S("plain@b.example")},
        {S("\"pl\\ain\"@b.example"), S("plain@b.example")},
        {S("\"a b\"@b.example"), S("\"a b\"@b.example")},
        {S("\"a\\\"b\"@b.example"), S("\"a\\\"b\"@b.example")},
        {S("\"a@b\"@b.example"), S("\"a@b\"@b.example")},
        {S("\"a\\\\b\"@b.example"), S("\"a\\\\b\"@b.example")},
        {S("\"a..b\"@b.example"), S("\"a..b\"@b.example")},
        {S("a%b@c.example"), S("a%b@c.example")},
        {S("b!a@c.example"), S("b!a@c.example")},
        {S("-x@c.example"), S("-x@c.example")},
        {S("|`$x`@c.example"), S("|`$x`@c.example")},
        {S("u@b\xC3\xBC"
           "cher.example"),
         S("u@xn--bcher-kva.example")},
        {S("u@B\xC3\x9C"
           "CHER.example"),
         S("u@xn--bcher-kva.example")},
        {S("u@bu\xCC\x88"
           "cher.example"),
         S("u@xn--bcher-kva.example")},
        {S("u@XN--BCHER-KVA.example"), S("u@xn--bcher-kva.example")},
        {S("u@fa\xC3\x9F.example"), S("u@xn--fa-hia.example")},
        {S("u@1.2.example"), S("u@1.2.example")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ARENA_AUTO arena = {0};
        struct address a = {0}, again = {0};
        assert_true(address_parse(cases[i].in, &arena, &a));
        assert_true(str_eq(a.text, cases[i].out));
        assert_false(a.is_utf8);
        assert_int_equal(a.local.n + 1 + a.domain.n, a.text.n);
        assert_true(address_parse(a.text, &arena, &again));
        assert_true(str_eq(again.text, a.text));
    }
}

static void bad_addresses_are_refused(void **state) { /* AD01, AD05 to AD16 */
    (void)state;
    static const struct str cases[] = {
        S(""),
        S("a"),
        S("@"),
        S("a@"),
        S("@b.example"),
        S("a\0b@c.example"),
        S("a@b\0.example"),
        S("a@b.example\0"),
        S("a@b.example\r\n"),
        S("a\r\nb@c.example"),
        S("\"a\r\nb\"@c.example"),
        S("\"a\tb\"@c.example"),
        S("a@b.example "),
        S(" a@b.example"),
        S("a\t@b.example"),
        S("a\x7F@b.example"),
        S("\"a\"b@c.example"),
        S("\"a@c.example"),
        S("\"a\\\"@c.example"),
        S("=?utf-8?q?a=40b?=@h.example"),
        S("\"=?utf-8?q?a=40b?=\"@h.example"),
        S("a(c)@b.example"),
        S("a@b.example(c)"),
        S("g:a@b.example;"),
        S("a@b.example,c@d.example"),
        S("<a@b.example>"),
        S("<a@b>c@d.example"),
        S("a@b@c.example"),
        S("\"x@evil\"<a@b.example>"),
        S("@a.example:b@c.example"),
        S("a@[127.0.0.1]"),
        S("a@[IPv6:::1]"),
        S("a@127.0.0.1"),
        S("a@::1"),
        S(".a@b.example"),
        S("a..b@c.example"),
        S("a.@b.example"),
        S("a@.b.example"),
        S("a@b..example"),
        S("a@b.example."),
        S("u@example.com:25"),
        S("a@localhost"),
        S("a@b.localhost"),
        S("a@b.invalid"),
        S("a@b.123"),
        S("a@-b.example"),
        S("a@b-.example"),
        S("a@b_c.example"),
        S("a@b*.example"),
        S("a@b c.example"),
        S("a@x\xC0\xAE.example"),
        S("\xC0\xAE@b.example"),
        S("\xED\xA0\x80@b.example"),
        S("\xEF\xBF\xBE@b.example"),
        S("a\xC2\x85@b.example"),
        S("a\xE2\x80\xAE@b.example"),
        S("a@xn--.example"),
        S("a@xn---.example"),
        S("a@xn--0049.example"),
        S("a@xn--a.example"),
        S("a@xn--99999999.example"),
        S("a@ab--cd.example"),
        S("a@b\xE3\x80\x82"
          "example"),
        S("a@\xE2\x98\x83.example"),
        S("a@a\xE2\x80\x8D"
          "b.example"),
        S("a@\xD7\x90"
          "a.example"),
        S("a@\xEF\xBC\x8C.example"),
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ARENA_AUTO arena = {0};
        struct address a;
        if (address_parse(cases[i], &arena, &a)) fail_msg("accepted case %zu: %.*s", i, STR_ARG(cases[i]));
    }
}

static void utf8_local_parts_ask_for_smtputf8(void **state) { /* AD04 */
    (void)state;
    ARENA_AUTO arena = {0};
    struct address a = {0};
    assert_true(address_parse(STR("jan\xC3\xA9@b.example"), &arena, &a));
    assert_true(a.is_utf8);
    assert_true(str_eq(a.local, STR("jan\xC3\xA9")));
    assert_true(address_parse(STR("\"jan\xC3\xA9 x\"@b.example"), &arena, &a));
    assert_true(a.is_utf8);
    assert_true(str_eq(a.local, STR("\"jan\xC3\xA9 x\"")));
}

static bool parses(size_t local, size_t label, size_t labels) {
    ARENA_AUTO arena = {0};
    BUF_AUTO text = {0};
    struct address a;
    for (size_t i = 0; i < local; i++) buf_add_char(&text, 'l');
    buf_add_char(&text, '@');
    for (size_t k = 0; k < labels; k++) {
        for (size_t i = 0; i < label; i++) buf_add_char(&text, 'd');
        buf_add_char(&text, k + 1 < labels ? '.' : 0);
    }
    return address_parse(str_sub(buf_str(&text), 0, text.n - 1), &arena, &a);
}

static void lengths_have_their_limits(void **state) {
    (void)state;
    assert_true(parses(64, 10, 2));
    assert_false(parses(65, 10, 2));
    assert_true(parses(1, 63, 2));
    assert_false(parses(1, 64, 2));
    assert_true(parses(1, 62, 4)); /* domain of 251, 253 in all */
    assert_true(parses(2, 62, 4)); /* 254 in all */
    assert_false(parses(3, 62, 4));
    assert_false(parses(1, 63, 4));  /* domain of 255 */
    assert_false(parses(64, 63, 3)); /* 256 in all */
}

static void a_long_u_label_is_judged_as_a_label(void **state) { /* libidn2's own limits are not trusted */
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO name = {0};
    struct str domain;
    for (size_t i = 0; i < 62; i++) buf_add_z(&name, i ? "a" : "\xC3\xBC");
    buf_add_z(&name, ".example");
    assert_false(domain_parse(buf_str(&name), &arena, &domain));
}

static void a_sub_domain_ends_at_a_dot(void **state) {
    (void)state;
    assert_true(domain_is_within(STR("b.example"), STR("b.example")));
    assert_true(domain_is_within(STR("a.b.example"), STR("b.example")));
    assert_false(domain_is_within(STR("ab.example"), STR("b.example")));
    assert_false(domain_is_within(STR("example"), STR("b.example")));
    assert_false(domain_is_within(STR("b.example.test"), STR("b.example")));
}

static void every_cut_of_an_address_is_judged_safely(void **state) {
    (void)state;
    static const struct str whole = S("\"a\\\"\xC3\xA9\"@b\xC3\xBC"
                                      "cher.xn--bcher-kva.example");
    for (size_t from = 0; from < whole.n; from++)
        for (size_t n = 0; from + n <= whole.n; n++) {
            ARENA_AUTO arena = {0};
            struct address a;
            if (address_parse(str_sub(whole, from, n), &arena, &a)) assert_true(a.text.n <= ADDRESS_MAX);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_have_one_spelling),         cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(utf8_local_parts_ask_for_smtputf8),        cmocka_unit_test(lengths_have_their_limits),
        cmocka_unit_test(a_long_u_label_is_judged_as_a_label),      cmocka_unit_test(a_sub_domain_ends_at_a_dot),
        cmocka_unit_test(every_cut_of_an_address_is_judged_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
