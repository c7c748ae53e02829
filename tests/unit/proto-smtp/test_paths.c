/* test_paths.c - addresses as MAIL and RCPT bring them: what the session sees is what the address parser judged (AD01, AD04 to
 * AD12, AD14 to AD17, LM07).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/address/address.h"
#include "proto/smtp/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define S(literal)   STR_INIT(literal)
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define A16          "aaaaaaaaaaaaaaaa"
#define A64          A16 A16 A16 A16
#define A63          A16 A16 A16 "aaaaaaaaaaaaaaa"

/* As MAIL (behind no parameter) and as RCPT; both must agree. *ret_used: 0 when the line had no proper end. */
static enum parse parse_path(struct str path, struct buf *line, struct smtp_command *c, struct smtp_reply *why) {
    static const struct str words[] = {S("RCPT TO:"), S("MAIL FROM:")};
    enum parse got[2];
    for (size_t i = 0; i < 2; i++) {
        size_t used;
        buf_reset(line);
        buf_add_str(line, words[i]);
        buf_add_str(line, path);
        buf_add_z(line, "\r\n");
        got[i] = smtp_command_parse(buf_str(line), c, why, &used);
    }
    assert_int_equal(got[0], got[1]);
    return got[0];
}

static void good_paths(void **state) {
    (void)state;
    static const struct {
        struct str path, mailbox;
        bool is_utf8;
    } cases[] = {
        {S("<a@b.example>"), S("a@b.example"), false},
        {S("<\"a b\"@b.example>"), S("\"a b\"@b.example"), false}, /* AD06 */
        {S("<\"a\\\"b\"@b.example>"), S("\"a\\\"b\"@b.example"), false},
        {S("<\"a@b\"@b.example>"), S("\"a@b\"@b.example"), false},
        {S("<\"a>b\"@b.example>"), S("\"a>b\"@b.example"), false},
        {S("<\"\"@b.example>"), S("\"\"@b.example"), false},
        {S("<a%b@c.example>"), S("a%b@c.example"), false}, /* AD10: a plain local part */
        {S("<b!a@c.example>"), S("b!a@c.example"), false},
        {S("<@a.example:b@c.example>"), S("b@c.example"), false}, /* AD10, PB20: the route is forgotten */
        {S("<@a.example,@x.example:b@c.example>"), S("b@c.example"), false},
        {S("<A+Tag@B.Example>"), S("A+Tag@B.Example"), false}, /* AD13: folded by the address parser */
        {S("<-x@c.example>"), S("-x@c.example"), false},       /* AD17 */
        {S("<|`$x`@c.example>"), S("|`$x`@c.example"), false},
        {S("<j\xC3\xB6rg@b.example>"), S("j\xC3\xB6rg@b.example"), true}, /* AD04 */
        {S("<a@xn--bcher-kva.example>"), S("a@xn--bcher-kva.example"), false},
        {S("<a@b\xC3\xBC"
           "cher.example>"),
         S("a@b\xC3\xBC"
           "cher.example"),
         true},
        {S("<" A64 "@b.example>"), S(A64 "@b.example"), false}, /* LM07: local part 64, label 63 */
        {S("<a@" A63 ".example>"), S("a@" A63 ".example"), false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO line = {0};
        struct smtp_command c;
        struct smtp_reply why;
        assert_int_equal(parse_path(cases[i].path, &line, &c, &why), PARSE_DONE);
        assert_true(str_eq(c.mailbox, cases[i].mailbox));
        assert_int_equal(c.utf8_mailbox, cases[i].is_utf8);
        ARENA_AUTO arena = {0};
        struct address address;
        assert_true(address_parse(c.mailbox, &arena, &address)); /* AD09: policy parser = envelope parser */
    }
}

static void bad_paths(void **state) {
    (void)state;
    static const struct str cases[] = {
        S(""),
        S("<"),
        S(">"),
        S("a@b.example"),
        S("<a\0b@c.example>"), /* AD01 */
        S("<a@b\0.example>"),
        S("<\"a\rb\"@b.example>"), /* AD06 */
        S("<\"a\nb\"@b.example>"),
        S("<\"a\r\nb\"@b.example>"),
        S("<\"a\"b@b.example>"),
        S("<\"a@b.example>"),
        S("<=?utf-8?q?a=40b?=@h.example>"), /* AD07 */
        S("<a(x)@b.example>"),              /* AD08 */
        S("<(x)a@b.example>"),
        S("<a@b.example(x)>"),
        S("<g:a@b.example;>"),
        S("<a@b.example,c@d.example>"),
        S("<a@b.example>,<c@d.example>"),
        S("<a@b>c@d.example"), /* AD09 */
        S("<a@b@c.example>"),
        S("<a@b.example>c@d.example"),
        S("\"x@evil.example\"<a@b.example>"),
        S("<<a@b.example>>"),
        S("<a@[127.0.0.1]>"), /* AD11 */
        S("<a@[IPv6:::1]>"),
        S("<a@[::ffff:10.0.0.1]>"),
        S("<a@127.0.0.1>"),
        S("<.a@b.example>"), /* AD12 */
        S("<a.@b.example>"),
        S("<a..b@b.example>"),
        S("<a@.b.example>"),
        S("<a@b..example>"),
        S("<a@b.example.>"),
        S("<a\tb@b.example>"),
        S("<a\x7F@b.example>"),
        S("< a@b.example>"),
        S("<a@b.example >"),
        S("<a @b.example>"),
        S("<a@b.example:25>"), /* AD14 */
        S("<a@localhost>"),    /* AD15 */
        S("<a@b>"),
        S("<a@b.invalid>"),
        S("<a@b.123>"),
        S("<a@xn--->"), /* AD05 */
        S("<a@xn--0049.example>"),
        S("<a@xn--a.example>"),
        S("<a@b\xE3\x80\x82"
          "example>"),
        S("<a@b\xE2\x80\x8D.example>"),
        S("<\xC0\xAF@b.example>"), /* AD16: overlong, surrogates, non-characters */
        S("<\xED\xA0\x80@b.example>"),
        S("<\xED\xA0\xBD\xED\xB8\x80@b.example>"),
        S("<\xEF\xBF\xBE@b.example>"),
        S("<\xFF@b.example>"),
        S("<@a.example:>"), /* PB20 */
        S("<@a.example>"),
        S("<@a.example,b.example:c@d.example>"),
        S("<@:a@b.example>"),
        S("<,@a.example:b@c.example>"),
        S("<a" A64 "@b.example>"), /* LM07: 65, 64, 255 */
        S("<a@a" A63 ".example>"),
        S("<a@" A63 "." A63 "." A63 "." A63 ".example>"),
        S("<\"" A64 "\"@b c.example>"),
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO line = {0};
        struct smtp_command c;
        struct smtp_reply why = {0};
        assert_int_equal(parse_path(cases[i], &line, &c, &why), PARSE_BAD);
        assert_true(why.code == 501 || why.code == 500);
    }
}

/* LM07: a path is 256 octets with its brackets, route and all; the address 254. */
static void the_longest_path(void **state) {
    (void)state;
    for (size_t n = 253; n <= 257; n++) {
        BUF_AUTO line = {0};
        BUF_AUTO path = {0};
        struct smtp_command c;
        struct smtp_reply why;
        buf_add_z(&path, "<" A64 "@");
        while (path.n + 8 < n - 1) buf_add_z(&path, path.n % 60 ? "b" : ".");
        buf_add_z(&path, ".example>");
        while (path.n > n) buf_drop(&path, 1), path.p[0] = '<';
        assert_int_equal(path.n, n);
        assert_int_equal(parse_path(buf_str(&path), &line, &c, &why), n <= 256 ? PARSE_DONE : PARSE_BAD);
    }
}

static void the_empty_path_and_postmaster(void **state) {
    (void)state;
    struct smtp_command c;
    struct smtp_reply why;
    size_t used;
    assert_int_equal(smtp_command_parse(STR("MAIL FROM:<>\r\n"), &c, &why, &used), PARSE_DONE);
    assert_int_equal(smtp_command_parse(STR("RCPT TO:<>\r\n"), &c, &why, &used), PARSE_BAD);
    assert_int_equal(smtp_command_parse(STR("RCPT TO:<postMASTER>\r\n"), &c, &why, &used), PARSE_DONE);
    assert_int_equal(smtp_command_parse(STR("MAIL FROM:<postmaster>\r\n"), &c, &why, &used), PARSE_BAD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_paths),
        cmocka_unit_test(bad_paths),
        cmocka_unit_test(the_longest_path),
        cmocka_unit_test(the_empty_path_and_postmaster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
