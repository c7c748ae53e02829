/* test_parameters.c - what stands behind MAIL, RCPT, BDAT and AUTH (PB05, PB19, PB21, AU20).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define X10          "xxxxxxxxxx"
#define X50          X10 X10 X10 X10 X10
#define X100         X50 X50
#define X500         X100 X100 X100 X100 X100

/* Parse `before` `after` CRLF; every cut is MORE. */
static enum parse parse(struct buf *line, const char *before, struct str after, struct smtp_command *c, struct smtp_reply *why,
                        size_t *used) {
    buf_reset(line);
    buf_add_z(line, before);
    buf_add_str(line, after);
    buf_add_z(line, "\r\n");
    for (size_t n = 0; n < line->n && n < 700; n++) {
        struct smtp_command ignored;
        assert_int_equal(smtp_command_parse(str_make(line->p, n), &ignored, why, used), PARSE_MORE);
    }
    return smtp_command_parse(buf_str(line), c, why, used);
}

static void refused(const char *before, struct str after, unsigned code) {
    BUF_AUTO line = {0};
    struct smtp_command c;
    struct smtp_reply why = {0};
    size_t used = 0;
    assert_int_equal(parse(&line, before, after, &c, &why, &used), PARSE_BAD);
    assert_int_equal(why.code, code);
    assert_int_equal(used, line.n);
}

static void of_mail(void **state) { /* PB19 */
    (void)state;
    BUF_AUTO line = {0};
    struct smtp_command c;
    struct smtp_reply why;
    size_t used;
    struct str in = STR("  size=1000 BODY=8bitmime SMTPUTF8 RET=HDRS ENVID=QQ314159 AUTH=<> RequireTLS");
    assert_int_equal(parse(&line, "MAIL FROM:<a@example.com>", in, &c, &why, &used), PARSE_DONE);
    assert_true(c.has_size && c.eightbit && c.utf8 && c.has_parameters && c.has_dsn && c.requiretls);
    assert_int_equal(c.size_bytes, 1000);
    assert_int_equal(c.what_return, SMTP_RETURN_HEADERS);
    assert_true(str_eq(c.envid, STR("QQ314159")));
    in = STR(" ret=full BODY=7BIT AUTH=e+3Dmc2@example.com SIZE=18446744073709551615 ENVID=" X100);
    assert_int_equal(parse(&line, "MAIL FROM:<>", in, &c, &why, &used), PARSE_DONE);
    assert_false(c.eightbit || c.utf8);
    assert_true(c.size_bytes == UINT64_MAX && c.envid.n == 100);
    assert_int_equal(c.what_return, SMTP_RETURN_FULL);
    assert_int_equal(parse(&line, "MAIL FROM:<>", STR(""), &c, &why, &used), PARSE_DONE);
    assert_false(c.has_size || c.eightbit || c.utf8 || c.has_parameters || c.has_dsn || c.requiretls);
}

static void of_mail_that_are_wrong(void **state) { /* PB19, PB21 */
    (void)state;
    static const struct str cases[] = {
        STR_INIT("SIZE=1 SIZE=1"),
        STR_INIT("BODY=7BIT BODY=7BIT"),
        STR_INIT("SMTPUTF8 smtputf8"),
        STR_INIT("RET=FULL RET=FULL"),
        STR_INIT("ENVID=a ENVID=a"),
        STR_INIT("AUTH=<> AUTH=<>"),
        STR_INIT("SIZE=+1"),
        STR_INIT("SIZE=0x10"),
        STR_INIT("RET"),
        STR_INIT("RET="),
        STR_INIT("RET=BODY"),
        STR_INIT("ENVID"),
        STR_INIT("ENVID="),
        STR_INIT("ENVID=+00"),
        STR_INIT("ENVID=a+0D+0Ab"),
        STR_INIT("ENVID=+7F"),
        STR_INIT("ENVID=+C2+85=x"),
        STR_INIT("ENVID=+FF"),
        STR_INIT("ENVID=+"),
        STR_INIT("ENVID=+4"),
        STR_INIT("ENVID=+4G"),
        STR_INIT("ENVID=a=b"),
        STR_INIT("ENVID=caf\xc3\xa9"),
        STR_INIT("ENVID=" X100 "x"),
        STR_INIT("AUTH"),
        STR_INIT("AUTH="),
    };
    for (size_t i = 0; i < COUNT(cases); i++) refused("MAIL FROM:<a@example.com> ", cases[i], 501);
}

static void of_rcpt(void **state) {
    (void)state;
    static const struct {
        struct str in;
        unsigned notify;
        struct str orcpt;
    } cases[] = {
        {STR_INIT("NOTIFY=NEVER"), SMTP_NOTIFY_NEVER, STR_INIT("")},
        {STR_INIT("notify=success"), SMTP_NOTIFY_SUCCESS, STR_INIT("")},
        {STR_INIT("NOTIFY=FAILURE,DELAY"), SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY, STR_INIT("")},
        {STR_INIT("NOTIFY=DELAY,SUCCESS,FAILURE"), SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY, STR_INIT("")},
        {STR_INIT("ORCPT=rfc822;Bob+2Btag@example.org"), 0, STR_INIT("rfc822;Bob+2Btag@example.org")},
        {STR_INIT("ORCPT=utf-8;j\xc3\xb6rg@example.org"), 0, STR_INIT("utf-8;j\xc3\xb6rg@example.org")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO line = {0};
        struct smtp_command c;
        struct smtp_reply why;
        size_t used;
        assert_int_equal(parse(&line, "RCPT TO:<b@example.org> ", cases[i].in, &c, &why, &used), PARSE_DONE);
        assert_int_equal(c.notify, cases[i].notify);
        assert_true(str_eq(c.orcpt, cases[i].orcpt));
        assert_true(c.has_dsn && c.has_parameters);
    }
}

static void of_rcpt_that_are_wrong(void **state) { /* PB21 */
    (void)state;
    static const struct str cases[] = {
        STR_INIT("NOTIFY"),
        STR_INIT("NOTIFY="),
        STR_INIT("NOTIFY=,"),
        STR_INIT("NOTIFY=NEVER,SUCCESS"),
        STR_INIT("NOTIFY=SUCCESS,NEVER"),
        STR_INIT("NOTIFY=SUCCESS,"),
        STR_INIT("NOTIFY=ALWAYS"),
        STR_INIT("NOTIFY=NEVER NOTIFY=NEVER"),
        STR_INIT("ORCPT"),
        STR_INIT("ORCPT="),
        STR_INIT("ORCPT=;"),
        STR_INIT("ORCPT=rfc822"),
        STR_INIT("ORCPT=rfc822;"),
        STR_INIT("ORCPT=;a@example.org"),
        STR_INIT("ORCPT=x400;/C=1"), /* "=" must be encoded */
        STR_INIT("ORCPT=rf(c;a@example.org"),
        STR_INIT("ORCPT=rfc822;a+00@example.org"),
        STR_INIT("ORCPT=rfc822;a+0D+0ARCPT@example.org"),
        STR_INIT("ORCPT=rfc822;a+zz@example.org"),
        STR_INIT("ORCPT=rfc822;a+"),
        STR_INIT("ORCPT=rfc822;j\xc3\xb6rg@example.org"),
        STR_INIT("ORCPT=utf-8;j\xf6rg@example.org"),
        STR_INIT("ORCPT=rfc822;" X500),
        STR_INIT("ORCPT=rfc822;a ORCPT=rfc822;a"),
    };
    for (size_t i = 0; i < COUNT(cases); i++) refused("RCPT TO:<b@example.org> ", cases[i], 501);
}

static void ten_thousand_octets_end_at_the_limit(void **state) { /* PB21, AU20: 10 kB */
    (void)state;
    static const char *const words[] = {"RCPT TO:<b@example.org> ORCPT=rfc822;",
                                        "MAIL FROM:<a@example.com> ENVID=", "MAIL FROM:<a@example.com> AUTH="};
    for (size_t i = 0; i < COUNT(words); i++) {
        BUF_AUTO line = {0};
        struct smtp_command c;
        struct smtp_reply why = {0};
        size_t used = 99;
        buf_add_z(&line, words[i]);
        while (line.n < 10000) buf_add_char(&line, 'x');
        buf_add_z(&line, "\r\n");
        assert_int_equal(smtp_command_parse(buf_str(&line), &c, &why, &used), PARSE_BAD);
        assert_int_equal(why.code, 500);
        assert_int_equal(used, 0);
    }
}

static void auth_of_mail_means_nothing(void **state) { /* AU20 */
    (void)state;
    static const struct str cases[] = {STR_INIT("AUTH=<>"), STR_INIT("AUTH=+"), STR_INIT("AUTH=+00"), STR_INIT("AUTH=a=b=c"),
                                       STR_INIT("AUTH=" X500)};
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO line = {0};
        struct smtp_command c;
        struct smtp_reply why;
        size_t used;
        assert_int_equal(parse(&line, "MAIL FROM:<a@example.com> ", cases[i], &c, &why, &used), PARSE_DONE);
        assert_true(str_eq(c.mailbox, STR("a@example.com")) && !c.has_dsn);
    }
}

static void of_bdat(void **state) { /* PB05 */
    (void)state;
    static const struct {
        const char *in;
        bool is_good, is_last;
        uint64_t bytes;
    } cases[] = {
        {"BDAT 0", true, false, 0},
        {"BDAT 0 LAST", true, true, 0},
        {"bdat 86 last", true, true, 86},
        {"BDAT 007", true, false, 7},
        {"BDAT  5  LAST ", true, true, 5},
        {"BDAT 9223372036854775808", true, false, UINT64_C(1) << 63},
        {"BDAT 18446744073709551615 LAST", true, true, UINT64_MAX},
        {"BDAT 18446744073709551616", false, false, 0},
        {"BDAT 000000000000000000000", false, false, 0},
        {"BDAT", false, false, 0},
        {"BDAT ", false, false, 0},
        {"BDAT LAST", false, false, 0},
        {"BDAT -1", false, false, 0},
        {"BDAT +5", false, false, 0},
        {"BDAT 0x10", false, false, 0},
        {"BDAT 5 LAST LAST", false, false, 0},
        {"BDAT 5 FIRST", false, false, 0},
        {"BDAT 5LAST", false, false, 0},
        {"BDAT 5,LAST", false, false, 0},
        {"BDAT\t5", false, false, 0},
        {"BDAT 5\tLAST", false, false, 0},
        {"BDATA 5", false, false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO line = {0};
        struct smtp_command c;
        struct smtp_reply why = {0};
        size_t used = 99;
        enum parse got = parse(&line, cases[i].in, STR(""), &c, &why, &used);
        assert_int_equal(got, cases[i].is_good ? PARSE_DONE : PARSE_BAD);
        assert_int_equal(used, cases[i].is_good ? line.n : 0); /* else its payload would be read as commands (PB12) */
        if (!cases[i].is_good) continue;
        assert_true(c.chunk_bytes == cases[i].bytes && c.is_last == cases[i].is_last);
    }
}

static void of_auth(void **state) {
    (void)state;
    static const struct {
        const char *in;
        struct str mechanism, initial;
        bool has_initial;
    } cases[] = {
        {"AUTH PLAIN", STR_INIT("PLAIN"), STR_INIT(""), false},
        {"auth  login ", STR_INIT("login"), STR_INIT(""), false},
        {"AUTH PLAIN =", STR_INIT("PLAIN"), STR_INIT("="), true},
        {"AUTH PLAIN  AGEAYg==", STR_INIT("PLAIN"), STR_INIT("AGEAYg=="), true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO line = {0};
        struct smtp_command c;
        struct smtp_reply why;
        size_t used;
        assert_int_equal(parse(&line, cases[i].in, STR(""), &c, &why, &used), PARSE_DONE);
        assert_true(str_eq(c.mechanism, cases[i].mechanism) && str_eq(c.initial, cases[i].initial));
        assert_int_equal(c.has_initial, cases[i].has_initial);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_mail),
        cmocka_unit_test(of_mail_that_are_wrong),
        cmocka_unit_test(of_rcpt),
        cmocka_unit_test(of_rcpt_that_are_wrong),
        cmocka_unit_test(ten_thousand_octets_end_at_the_limit),
        cmocka_unit_test(auth_of_mail_means_nothing),
        cmocka_unit_test(of_bdat),
        cmocka_unit_test(of_auth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
