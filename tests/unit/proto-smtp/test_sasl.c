/* test_sasl.c - AUTH PLAIN and LOGIN, an answer at a time (AU02, AU03, AU04, AU06 to AU09, AU15).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/sasl.h"

#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SASL_AUTO    __attribute__((cleanup(smtp_sasl_wipe))) struct smtp_sasl

/* The exchange of PLAIN with these bytes, with an initial response or after the challenge: both end alike. */
static enum smtp_sasl_step plain(struct smtp_sasl *a, struct str bytes, struct smtp_reply *reply) {
    SASL_AUTO first = {0};
    BUF_AUTO base64 = {0};
    struct smtp_reply early = {0};
    base64_encode(&base64, bytes);
    struct str initial = bytes.n ? buf_str(&base64) : STR("=");
    enum smtp_sasl_step got = smtp_sasl_start(&first, STR("Plain"), true, initial, &early);
    assert_int_equal(smtp_sasl_start(a, STR("PLAIN"), false, STR(""), reply), SMTP_SASL_CHALLENGE);
    assert_true(reply->code == 334 && reply->text.n == 0);
    assert_int_equal(smtp_sasl_take(a, buf_str(&base64), reply), got);
    if (got == SMTP_SASL_BAD) assert_int_equal(early.code, reply->code);
    if (got == SMTP_SASL_DONE) assert_true(str_eq(a->user, first.user) && str_eq(a->password, first.password));
    return got;
}

static enum smtp_sasl_step login(struct smtp_sasl *a, struct str user, struct str password, struct smtp_reply *reply) {
    BUF_AUTO base64 = {0};
    assert_int_equal(smtp_sasl_start(a, STR("login"), false, STR(""), reply), SMTP_SASL_CHALLENGE);
    assert_true(reply->code == 334 && str_eq(reply->text, STR("VXNlcm5hbWU6")));
    base64_encode(&base64, user);
    assert_int_equal(smtp_sasl_take(a, buf_str(&base64), reply), SMTP_SASL_CHALLENGE);
    assert_true(reply->code == 334 && str_eq(reply->text, STR("UGFzc3dvcmQ6")));
    buf_reset(&base64);
    base64_encode(&base64, password);
    return smtp_sasl_take(a, buf_str(&base64), reply);
}

static void who_says_it_right(void **state) {
    (void)state;
    static const struct {
        struct str plain, user, password;
    } cases[] = {
        {STR_INIT("\0tim\0tanstaaftanstaaf"), STR_INIT("tim"), STR_INIT("tanstaaftanstaaf")}, /* RFC 4616 4 */
        {STR_INIT("tim\0tim\0x"), STR_INIT("tim"), STR_INIT("x")},                            /* AU06: one letter is a password */
        {STR_INIT("\0u\0 p\xc3\xa9\xff "), STR_INIT("u"), STR_INIT(" p\xc3\xa9\xff ")},       /* AU15: not touched */
        {STR_INIT("\0j\xc3\xb6rg@b.example\0pe\xcc\x81"), STR_INIT("j\xc3\xb6rg@b.example"), STR_INIT("pe\xcc\x81")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        SASL_AUTO a = {0};
        SASL_AUTO b = {0};
        struct smtp_reply reply;
        assert_int_equal(plain(&a, cases[i].plain, &reply), SMTP_SASL_DONE);
        assert_true(str_eq(a.user, cases[i].user) && str_eq(a.password, cases[i].password));
        assert_int_equal(login(&b, cases[i].user, cases[i].password, &reply), SMTP_SASL_DONE);
        assert_true(str_eq(b.user, cases[i].user) && str_eq(b.password, cases[i].password));
    }
}

static void plain_that_is_wrong(void **state) { /* AU06 */
    (void)state;
    static const struct {
        struct str in;
        unsigned code;
    } cases[] = {
        {STR_INIT(""), 501},           {STR_INIT("x"), 501},          {STR_INIT("u\0p"), 501},        {STR_INIT("\0u"), 501},
        {STR_INIT("\0u\0p\0"), 501},   {STR_INIT("\0u\0p\0x"), 501},  {STR_INIT("\0\0\0"), 501},      {STR_INIT("\0\0"), 535},
        {STR_INIT("\0\0p"), 535},      {STR_INIT("\0u\0"), 535},      {STR_INIT("other\0u\0p"), 535}, {STR_INIT("U\0u\0p"), 535},
        {STR_INIT("\0u\r\n\0p"), 535}, {STR_INIT("\0u\xff\0p"), 535},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        SASL_AUTO a = {0};
        struct smtp_reply reply = {0};
        assert_int_equal(plain(&a, cases[i].in, &reply), SMTP_SASL_BAD);
        assert_int_equal(reply.code, cases[i].code);
        assert_true(a.first.p == NULL && a.second.p == NULL && a.user.p == NULL); /* nothing is left of it */
    }
}

static void login_that_is_wrong(void **state) { /* AU06 */
    (void)state;
    static const struct {
        struct str user, password;
    } cases[] = {{STR_INIT(""), STR_INIT("p")},
                 {STR_INIT("u"), STR_INIT("")},
                 {STR_INIT("u\0x"), STR_INIT("p")},
                 {STR_INIT("u"), STR_INIT("p\0x")}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        SASL_AUTO a = {0};
        struct smtp_reply reply = {0};
        assert_int_equal(login(&a, cases[i].user, cases[i].password, &reply), SMTP_SASL_BAD);
        assert_int_equal(reply.code, 535);
    }
}

static void lengths(void **state) { /* AU15: no truncation, a cap before the hash */
    (void)state;
    BUF_AUTO x = {0};
    while (x.n <= SMTP_SASL_PASSWORD_MAX) buf_add_char(&x, 'x');
    static const struct {
        size_t user, password;
        enum smtp_sasl_step want;
    } cases[] = {{SMTP_SASL_USER_MAX, SMTP_SASL_PASSWORD_MAX, SMTP_SASL_DONE},
                 {SMTP_SASL_USER_MAX + 1, 1, SMTP_SASL_BAD},
                 {1, SMTP_SASL_PASSWORD_MAX + 1, SMTP_SASL_BAD}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        SASL_AUTO a = {0};
        SASL_AUTO b = {0};
        BUF_AUTO bytes = {0};
        struct smtp_reply reply = {0};
        struct str user = str_sub(buf_str(&x), 0, cases[i].user), password = str_sub(buf_str(&x), 0, cases[i].password);
        assert_int_equal(login(&a, user, password, &reply), cases[i].want);
        buf_add_char(&bytes, '\0');
        buf_add_str(&bytes, user);
        buf_add_char(&bytes, '\0');
        buf_add_str(&bytes, password);
        assert_int_equal(plain(&b, buf_str(&bytes), &reply), cases[i].want);
        if (cases[i].want == SMTP_SASL_BAD) continue;
        assert_true(a.user.n == cases[i].user && a.password.n == cases[i].password);
        assert_true(b.user.n == cases[i].user && b.password.n == cases[i].password);
    }
}

static void not_base64(void **state) { /* AU02 */
    (void)state;
    static const struct str cases[] = {STR_INIT("!!!!"),         STR_INIT("AGEA=Yg="),  STR_INIT("AGEAY"),
                                       STR_INIT("AGEAYg"),       STR_INIT("AGEA Yg=="), STR_INIT("AGEAYg== "),
                                       STR_INIT("===="),         STR_INIT("AGEAYh=="),  STR_INIT("AGEAYg==="),
                                       STR_INIT("AGEAYg==AGEA"), STR_INIT("="),         STR_INIT("AGEAYg==\r")};
    for (size_t i = 0; i < COUNT(cases); i++) {
        static const struct str mechanisms[] = {STR_INIT("PLAIN"), STR_INIT("LOGIN")};
        for (size_t m = 0; m < COUNT(mechanisms); m++) {
            SASL_AUTO a = {0};
            struct smtp_reply reply = {0};
            assert_int_equal(smtp_sasl_start(&a, mechanisms[m], false, STR(""), &reply), SMTP_SASL_CHALLENGE);
            assert_int_equal(smtp_sasl_take(&a, cases[i], &reply), SMTP_SASL_BAD);
            assert_true(reply.code == 501 && str_eq(reply.enhanced, STR("5.5.2")));
        }
    }
}

static void cancelled_at_each_step(void **state) { /* AU03, AU04: nothing of it is left for the next */
    (void)state;
    SASL_AUTO a = {0};
    struct smtp_reply reply = {0};
    for (int step = 0; step < 2; step++) {
        assert_int_equal(smtp_sasl_start(&a, STR("LOGIN"), step == 1, STR("dXNlcg=="), &reply), SMTP_SASL_CHALLENGE);
        assert_int_equal(smtp_sasl_take(&a, STR("*"), &reply), SMTP_SASL_BAD);
        assert_true(reply.code == 501 && str_eq(reply.enhanced, STR("5.7.0")) && a.first.p == NULL);
    }
    assert_int_equal(smtp_sasl_start(&a, STR("PLAIN"), false, STR(""), &reply), SMTP_SASL_CHALLENGE);
    assert_int_equal(smtp_sasl_take(&a, STR("*"), &reply), SMTP_SASL_BAD);
    assert_int_equal(smtp_sasl_start(&a, STR("PLAIN"), true, STR("AGEAYg=="), &reply), SMTP_SASL_DONE);
    assert_true(str_eq(a.user, STR("a")) && str_eq(a.password, STR("b")));
}

static void mechanisms(void **state) { /* AU08, AU09 */
    (void)state;
    static const struct str cases[] = {STR_INIT("CRAM-MD5"), STR_INIT("EXTERNAL"), STR_INIT("SCRAM-SHA-256"),
                                       STR_INIT("PLAI"),     STR_INIT("PLAINX"),   STR_INIT("")};
    for (size_t i = 0; i < COUNT(cases); i++) {
        SASL_AUTO a = {0};
        struct smtp_reply reply = {0};
        assert_int_equal(smtp_sasl_start(&a, cases[i], true, STR("AGEAYg=="), &reply), SMTP_SASL_BAD);
        assert_true(reply.code == 504 && str_eq(reply.enhanced, STR("5.5.4")));
    }
}

static void the_longest_answer(void **state) { /* AU07: 12,288 octets with CRLF, then 500 5.5.6 */
    (void)state;
    BUF_AUTO in = {0};
    while (in.n < (1 << 20)) buf_add_z(&in, "AAAAAAAAAAAAAAAA");
    for (size_t n = SMTP_LINE_AUTH_MAX - 3; n <= SMTP_LINE_AUTH_MAX; n++) {
        BUF_AUTO line = {0};
        struct str found;
        struct smtp_reply reply = {0};
        buf_add(&line, in.p, n - 2);
        buf_add_z(&line, "\r\n");
        assert_int_equal(smtp_line_find(buf_str(&line), SMTP_LINE_AUTH_MAX, &found, &reply), PARSE_DONE);
        SASL_AUTO a = {0};
        assert_int_equal(smtp_sasl_start(&a, STR("PLAIN"), true, found, &reply), SMTP_SASL_BAD);
    }
    struct str found;
    struct smtp_reply reply = {0};
    assert_int_equal(smtp_line_find(buf_str(&in), SMTP_LINE_AUTH_MAX, &found, &reply), PARSE_BAD);
    assert_true(reply.code == 500 && str_eq(reply.enhanced, STR("5.5.6")));
    assert_int_equal(smtp_line_find(str_sub(buf_str(&in), 0, SMTP_LINE_AUTH_MAX - 1), SMTP_LINE_AUTH_MAX, &found, &reply),
                     PARSE_MORE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_says_it_right), cmocka_unit_test(plain_that_is_wrong), cmocka_unit_test(login_that_is_wrong),
        cmocka_unit_test(lengths),           cmocka_unit_test(not_base64),          cmocka_unit_test(cancelled_at_each_step),
        cmocka_unit_test(mechanisms),        cmocka_unit_test(the_longest_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
