/* test_command.c - command lines of a client: the grammar in a table, each at every cut (PB16, PB19 to PB24, LM01, LM07).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static void assert_str(struct str got, const char *want) {
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p ? got.p : "", want, got.n);
}

static void lines_that_are_right(void **state) {
    (void)state;
    static const struct {
        const char *in;
        enum smtp_verb verb;
        const char *argument, *mailbox;
    } cases[] = {
        {"EHLO mx.example.com\r\n", SMTP_EHLO, "mx.example.com", ""},
        {"ehlo [192.0.2.1] \r\n", SMTP_EHLO, "[192.0.2.1]", ""},
        {"HELO [IPv6:2001:db8::1]\r\n", SMTP_HELO, "[IPv6:2001:db8::1]", ""},
        {"MAIL FROM:<a@example.com>\r\n", SMTP_MAIL, NULL, "a@example.com"},
        {"mail from: <a@example.com>\r\n", SMTP_MAIL, NULL, "a@example.com"},
        {"MAIL FROM:<>\r\n", SMTP_MAIL, NULL, ""},
        {"MAIL FROM:<@a.example,@b.example:c@example.org>\r\n", SMTP_MAIL, NULL, "c@example.org"}, /* PB20 */
        {"MAIL FROM:<\"a> b\"@example.com>\r\n", SMTP_MAIL, NULL, "\"a> b\"@example.com"},
        {"RCPT TO:<Postmaster>\r\n", SMTP_RCPT, NULL, "Postmaster"},
        {"RCPT TO:<j\xc3\xb6rg@example.com>\r\n", SMTP_RCPT, NULL, "j\xc3\xb6rg@example.com"},
        {"DATA\r\n", SMTP_DATA, "", ""},
        {"dAtA  \r\n", SMTP_DATA, "", ""}, /* PB23 */
        {"NOOP anything at all\r\n", SMTP_NOOP, "anything at all", ""},
        {"RSET\r\n", SMTP_RSET, "", ""},
        {"QUIT\r\n", SMTP_QUIT, "", ""},
        {"VRFY someone\r\n", SMTP_VRFY, "someone", ""},
        {"BDAT 10 LAST\r\n", SMTP_BDAT, "10 LAST", ""},
        {"STARTTLS\r\n", SMTP_STARTTLS, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct smtp_command c;
        struct smtp_reply why;
        size_t used = 0;
        struct str in = str_from_z(cases[i].in);
        for (size_t n = 0; n < in.n; n++) assert_int_equal(smtp_command_parse(str_sub(in, 0, n), &c, &why, &used), PARSE_MORE);
        assert_int_equal(smtp_command_parse(in, &c, &why, &used), PARSE_DONE);
        assert_int_equal(used, in.n);
        assert_int_equal(c.verb, cases[i].verb);
        if (cases[i].argument) assert_str(c.argument, cases[i].argument);
        assert_str(c.mailbox, cases[i].mailbox);
    }
}

static void parameters_of_mail(void **state) { /* PB19 */
    (void)state;
    struct smtp_command c;
    struct smtp_reply why;
    size_t used;
    struct str in = STR("MAIL FROM:<a@example.com>  size=1000 BODY=8bitmime SMTPUTF8\r\nRCPT");
    assert_int_equal(smtp_command_parse(in, &c, &why, &used), PARSE_DONE);
    assert_int_equal(used, in.n - 4);
    assert_true(c.has_size && c.eightbit && c.utf8 && c.has_parameters);
    assert_int_equal(c.size_bytes, 1000);
    in = STR("MAIL FROM:<a@example.com>\r\n");
    assert_int_equal(smtp_command_parse(in, &c, &why, &used), PARSE_DONE);
    assert_false(c.has_size || c.eightbit || c.utf8 || c.has_parameters);
}

static void lines_that_are_wrong(void **state) {
    (void)state;
#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
    static const struct {
        struct str in;
        unsigned code;
    } cases[] = {
        {STR_INIT("\r\n"), 500},
        {STR_INIT("FOO\r\n"), 500},
        {STR_INIT("GET / HTTP/1.1\r\n"), 500}, /* ST12 */
        {STR_INIT(" NOOP\r\n"), 500},
        {STR_INIT("NO\0OP\r\n"), 500}, /* AD01 */
        {STR_INIT("NOOP\tx\r\n"), 500},
        {STR_INIT("DATA now\r\n"), 501},
        {STR_INIT("STARTTLS x\r\n"), 501}, /* ST07 */
        {STR_INIT("EHLO\r\n"), 501},       /* PB22 */
        {STR_INIT("EHLO  \r\n"), 501},
        {STR_INIT("EHLO a b\r\n"), 501},
        {STR_INIT("EHLO []\r\n"), 501},
        {STR_INIT("EHLO [fe80::1%eth0]\r\n"), 501},
        {STR_INIT("EHLO a..b\r\n"), 501},
        {STR_INIT("MAIL\r\n"), 501},
        {STR_INIT("MAIL a@example.com\r\n"), 501},
        {STR_INIT("MAIL FROM:a@example.com\r\n"), 501}, /* PB20 */
        {STR_INIT("MAIL FROM:<a@example.com\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com>x\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@b@example.com>\r\n"), 501},
        {STR_INIT("MAIL FROM:<a b@example.com>\r\n"), 501},
        {STR_INIT("MAIL FROM:<@a.example>\r\n"), 501},
        {STR_INIT("MAIL FROM:<@a.example:>\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@[127.0.0.1]>\r\n"), 501},            /* AD11 */
        {STR_INIT("MAIL FROM:<a@example.com:25>\r\n"), 501},         /* AD14 */
        {STR_INIT("MAIL FROM:<" A60 "aaaaa@example.com>\r\n"), 501}, /* LM07 */
        {STR_INIT("RCPT TO:<>\r\n"), 501},
        {STR_INIT("RCPT TO:<a@example.com>,<b@example.com>\r\n"), 501},
        {STR_INIT("RCPT TO:<a@example.com> NOTIFY=NEVER\r\n"), 555},
        {STR_INIT("MAIL FROM:<a@example.com> SIZE=\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SIZE\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SIZE=-1\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SIZE=18446744073709551616\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SIZE=1 SIZE=1\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> BODY=X\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SMTPUTF8=1\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> RET=FULL\r\n"), 555},
        {STR_INIT("MAIL FROM:<a@example.com> AUTH=<>\r\n"), 555}, /* AU20: not offered */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct smtp_command c;
        struct smtp_reply why = {0};
        size_t used = 0;
        for (size_t n = 0; n < cases[i].in.n; n++)
            assert_int_equal(smtp_command_parse(str_sub(cases[i].in, 0, n), &c, &why, &used), PARSE_MORE);
        assert_int_equal(smtp_command_parse(cases[i].in, &c, &why, &used), PARSE_BAD);
        assert_int_equal(why.code, cases[i].code);
        assert_int_equal(used, cases[i].in.n);
    }
}

static void lines_without_a_proper_end(void **state) { /* policy on bare CR and LF; PB16 */
    (void)state;
    static const struct str cases[] = {STR_INIT("NOOP\nNOOP\r\n"), STR_INIT("NOOP\rNOOP\r\n"), STR_INIT("\n"),
                                       STR_INIT("NOOP\r\r\n")};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct smtp_command c;
        struct smtp_reply why = {0};
        size_t used = 99;
        enum parse got = PARSE_MORE;
        for (size_t n = 0; n <= cases[i].n && got == PARSE_MORE; n++)
            got = smtp_command_parse(str_sub(cases[i], 0, n), &c, &why, &used);
        assert_int_equal(got, PARSE_BAD);
        assert_int_equal(used, 0);
        assert_int_equal(why.code, 500);
        assert_str(why.enhanced, "5.5.2");
        assert_int_equal(smtp_command_parse(cases[i], &c, &why, &used), PARSE_BAD);
    }
}

static void length_of_a_line(void **state) { /* LM01: 511, 512, 513, endless */
    (void)state;
    for (size_t total = 511; total <= 514; total++) {
        char line[600];
        memset(line, 'x', sizeof line);
        memcpy(line, "NOOP ", 5);
        memcpy(line + total - 2, "\r\n", 2);
        struct smtp_command c;
        struct smtp_reply why = {0};
        size_t used = 99;
        enum parse got = PARSE_MORE;
        for (size_t n = 0; n <= total && got == PARSE_MORE; n++) got = smtp_command_parse(str_make(line, n), &c, &why, &used);
        assert_int_equal(got, total <= 512 ? PARSE_DONE : PARSE_BAD);
        assert_int_equal(used, total <= 512 ? total : 0);
        if (got == PARSE_BAD) assert_str(why.enhanced, "5.5.6");
        enum parse whole = smtp_command_parse(str_make(line, total), &c, &why, &used);
        assert_int_equal(whole, got);
        if (whole == PARSE_BAD) assert_str(why.enhanced, "5.5.6");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_are_right), cmocka_unit_test(parameters_of_mail),
        cmocka_unit_test(lines_that_are_wrong), cmocka_unit_test(lines_without_a_proper_end),
        cmocka_unit_test(length_of_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
