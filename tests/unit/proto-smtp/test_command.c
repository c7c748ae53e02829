/* test_command.c - command lines of a client: the grammar in a table, each at every cut (PB16, PB20, PB22 to PB24,
 * LM01, LM07).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/command.h"

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
        {"HELP\r\n", SMTP_HELP, "", ""}, /* PB24 */
        {"help mail\r\n", SMTP_HELP, "mail", ""},
        {"EXPN list\r\n", SMTP_EXPN, "list", ""},
        {"TURN\r\n", SMTP_TURN, "", ""},
        {"ETRN #x\r\n", SMTP_ETRN, "#x", ""},
        {"XCLIENT ADDR=192.0.2.1\r\n", SMTP_XCLIENT, "ADDR=192.0.2.1", ""},
        {"AUTH PLAIN\r\n", SMTP_AUTH, "PLAIN", ""},
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
        {STR_INIT("RCPT TO:<a@example.com> SIZE=1\r\n"), 555},
        {STR_INIT("RCPT TO:<a@example.com> RRVS=x\r\n"), 555},
        {STR_INIT("HELP\t\r\n"), 500},
        {STR_INIT("XCLIENT\r\n"), 501},
        {STR_INIT("AUTH\r\n"), 501},
        {STR_INIT("AUTH \r\n"), 501},
        {STR_INIT("AUTH PLAIN AGEAYg== x\r\n"), 501},
        {STR_INIT("AUTH=PLAIN\r\n"), 500},
        {STR_INIT("EHLO [300.0.0.1]\r\n"), 501},
        {STR_INIT("EHLO [2001:db8::1]\r\n"), 501},
        {STR_INIT("EHLO [IPv6:192.0.2.1]\r\n"), 501},
        {STR_INIT("EHLO [IPv6:fe80::1%eth0]\r\n"), 501},
        {STR_INIT("EHLO [192.0.2.1\r\n"), 501},
        {STR_INIT("EHLO [\r\n"), 501},
        {STR_INIT("EHLO .example\r\n"), 501},
        {STR_INIT("EHLO a\xff\r\n"), 501},
        {STR_INIT("HELO a,b\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SIZE=\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SIZE\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SIZE=-1\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SIZE=18446744073709551616\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SIZE=1 SIZE=1\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> BODY=X\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> SMTPUTF8=1\r\n"), 501},
        {STR_INIT("MAIL FROM:<a@example.com> BODY=BINARYMIME\r\n"), 555},
        {STR_INIT("MAIL FROM:<a@example.com> NOTIFY=NEVER\r\n"), 555},
        {STR_INIT("MAIL FROM:<a@example.com> X=1\r\n"), 555},
        {STR_INIT("MAIL FROM:<a@example.com> =\r\n"), 555},
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

/* The verdict on "word xxx..." of `total` octets with CRLF, at any cut the same. */
static void assert_length(const char *word, size_t total, bool is_good) {
    BUF_AUTO line = {0};
    buf_add_z(&line, word);
    while (line.n < total - 2) buf_add_char(&line, 'x');
    buf_add_z(&line, "\r\n");
    struct smtp_command c;
    struct smtp_reply why = {0};
    size_t used = 99;
    enum parse got = PARSE_MORE;
    for (size_t n = 0; n <= total && got == PARSE_MORE; n++) got = smtp_command_parse(str_make(line.p, n), &c, &why, &used);
    assert_int_equal(got, is_good ? PARSE_DONE : PARSE_BAD);
    assert_int_equal(used, is_good ? total : 0);
    enum parse whole = smtp_command_parse(buf_str(&line), &c, &why, &used);
    assert_int_equal(whole, got);
    if (!is_good) assert_str(why.enhanced, "5.5.6");
}

static void length_of_a_line(void **state) { /* LM01: 511, 512, 513; AU07 */
    (void)state;
    static const struct {
        const char *word;
        size_t max;
    } cases[] = {
        {"NOOP ", SMTP_LINE_MAX},
        {"auth x ", SMTP_LINE_AUTH_MAX},
        {"MAIL FROM:<a@example.com> AUTH=", SMTP_LINE_MAIL_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t total = cases[i].max - 1; total <= cases[i].max + 2; total++)
            assert_length(cases[i].word, total, total <= cases[i].max);
}

static void a_line_without_end_is_read_to_its_limit_only(void **state) { /* LM01: 1 MB without CRLF; PB22; AU07 */
    (void)state;
    static const struct {
        const char *word;
        size_t max;
    } cases[] = {{"EHLO ", SMTP_LINE_MAX},      {"x", SMTP_LINE_MAX},          {"", SMTP_LINE_MAX},
                 {"RCPT ", SMTP_LINE_MAIL_MAX}, {"AUTH ", SMTP_LINE_AUTH_MAX}, {"AUTHORITY", SMTP_LINE_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *memory = malloc(cases[i].max); /* the sanitizer sees a byte read beyond */
        assert_non_null(memory);
        memset(memory, 'x', cases[i].max);
        memcpy(memory, cases[i].word, strlen(cases[i].word));
        struct smtp_command c;
        struct smtp_reply why = {0};
        size_t used = 99;
        assert_int_equal(smtp_command_parse(str_make(memory, cases[i].max - 1), &c, &why, &used), PARSE_MORE);
        assert_int_equal(smtp_command_parse(str_make(memory, 1 << 20), &c, &why, &used), PARSE_BAD);
        assert_int_equal(used, 0);
        assert_str(why.enhanced, "5.5.6");
        free(memory);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_are_right), cmocka_unit_test(parameters_of_mail),
        cmocka_unit_test(lines_that_are_wrong), cmocka_unit_test(lines_without_a_proper_end),
        cmocka_unit_test(length_of_a_line),     cmocka_unit_test(a_line_without_end_is_read_to_its_limit_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
