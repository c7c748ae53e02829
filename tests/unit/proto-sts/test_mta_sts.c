/* test_mta_sts.c - MTA-STS records and policies (RFC 8461), good, odd and broken.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "proto/mta_sts/mta_sts.h"

static void test_OB11_records(void **state) {
    (void)state;
    static const struct {
        const char *texts[3];
        const char *id; /* NULL: no policy */
    } cases[] = {
        {{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
        {{"v=STSv1;id=1"}, "1"},
        {{"v=STSv1 ; id=1 ; more=things ;"}, "1"},
        {{"v=STSv1; more=things; id=2; id=3"}, "2"},
        {{"v=spf1 -all", "v=STSv1; id=4;", "v=STSv2; id=5"}, "4"},
        {{"v=STSv1; id=4;", "v=STSv1; id=4;"}, NULL}, /* two are none (3.1) */
        {{"v=STSv1; id=01234567890123456789012345678901"}, "01234567890123456789012345678901"},
        {{"v=STSv1; id=012345678901234567890123456789012"}, NULL},
        {{"v=STSv1; id=a-b"}, NULL},
        {{"v=STSv1; id="}, NULL},
        {{"v=STSv1; id"}, NULL},
        {{"v=STSv1;; id=1"}, NULL},
        {{"v=STSv1"}, NULL},
        {{"v=STSv1;"}, NULL},
        {{"v=STSv10; id=1"}, NULL},
        {{"V=STSv1; id=1"}, NULL},
        {{"id=1; v=STSv1"}, NULL},
        {{" v=STSv1; id=1"}, NULL},
        {{"v=STSv1; id=1; x=a\nb"}, NULL},
        {{"v=STSv1; =x; id=1"}, NULL},
        {{""}, NULL},
        {{NULL}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dns_record records[3] = {{.text = STR("")}};
        struct dns_answer answer = {.type = DNS_TXT, .records = records};
        struct str id = STR("?");
        while (answer.count < 3 && cases[i].texts[answer.count]) {
            records[answer.count].text = str_from_z(cases[i].texts[answer.count]);
            answer.count++;
        }
        bool found = mta_sts_record_find(&answer, &id);
        if (found != (cases[i].id != NULL) || (found && !str_eq(id, str_from_z(cases[i].id))))
            fail_msg("case %zu: %d %.*s", i, found, STR_ARG(id));
        answer.status = STATUS_TEMPORARY;
        assert_false(mta_sts_record_find(&answer, &id));
    }
}

#define HEAD "version: STSv1\nmode: enforce\n"

static void test_OB11_policies(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *expected; /* "mode max_age mx,mx"; NULL: BAD */
    } cases[] = {
        {"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.Example.NET\r\nmax_age: 604800\r\n",
         "2 604800 mail.example.com,*.example.net,"},
        {"max_age:1\nmx:a.example\nmode:testing\nversion:STSv1", "1 1 a.example,"},
        {"version: STSv1  \nmode:\t none \nmax_age: 0\n\n", "0 0 "},
        {HEAD "mx: a\nmax_age: 31557600\n", "2 31557600 a,"},
        {HEAD "mx: a\nmax_age: 9999999999\n", "2 31557600 a,"}, /* cut */
        {HEAD "mx: a\nmax_age: 5\nmax_age: x\nmode: none\nversion: 9\n", "2 5 a,"},
        {HEAD "mx: a\nmax_age: 5\nunknown_key: a : b \xc3\xa4\n", "2 5 a,"},
        {HEAD "mx: a.\nmax_age: 5\n", "2 5 a,"},
        {HEAD "mx: a\nmax_age: 99999999999\n", NULL},
        {HEAD "mx: a\nmax_age: -5\n", NULL},
        {HEAD "mx: a\nmax_age:\n", NULL},
        {HEAD "mx: a\n", NULL},
        {HEAD "max_age: 5\n", NULL},
        {HEAD "mx: \nmax_age: 5\n", NULL},
        {HEAD "mx: *\nmax_age: 5\n", NULL},
        {HEAD "mx: *.*.a\nmax_age: 5\n", NULL},
        {HEAD "mx: a.*.b\nmax_age: 5\n", NULL},
        {HEAD "mx: a b\nmax_age: 5\n", NULL},
        {HEAD "mx: m\xc3\xa4il.example\nmax_age: 5\n", NULL},
        {HEAD "mx: a\nmax_age: 5\nno colon\n", NULL},
        {HEAD "mx: a\nmax_age: 5\n: x\n", NULL},
        {"version: STSv2\nmode: enforce\nmx: a\nmax_age: 5\n", NULL},
        {"mode: enforce\nmx: a\nmax_age: 5\n", NULL},
        {"version: STSv1\nmx: a\nmax_age: 5\n", NULL},
        {"version: STSv1\nmode: Enforce\nmx: a\nmax_age: 5\n", NULL},
        {"<html>\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO got = {0};
        struct mta_sts_policy p;
        enum parse parse = mta_sts_policy_parse(str_from_z(cases[i].body), &arena, &p);
        if (parse == PARSE_DONE) buf_addf(&got, "%d %u ", (int)p.mode, p.max_age_s);
        for (size_t m = 0; parse == PARSE_DONE && m < p.mx_count; m++) buf_addf(&got, "%.*s,", STR_ARG(p.mx[m]));
        if (!str_eq(buf_str(&got), str_from_z(cases[i].expected))) fail_msg("case %zu: %.*s", i, STR_ARG(buf_str(&got)));
    }
}

static void test_P8_policies_are_bounded(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO body = {0};
    struct mta_sts_policy p;
    buf_add_z(&body, HEAD "max_age: 5\n");
    for (int i = 0; i < MTA_STS_MX_MAX; i++) buf_addf(&body, "mx: mx%d.example\n", i);
    assert_int_equal(mta_sts_policy_parse(buf_str(&body), &arena, &p), PARSE_DONE);
    assert_int_equal(p.mx_count, MTA_STS_MX_MAX);
    buf_add_z(&body, "mx: one-more.example\n");
    assert_int_equal(mta_sts_policy_parse(buf_str(&body), &arena, &p), PARSE_BAD);
    buf_reset(&body);
    buf_add_z(&body, HEAD "mx: a\nmax_age: 5\nx:");
    while (body.n <= MTA_STS_POLICY_MAX) buf_add_char(&body, ' ');
    assert_int_equal(mta_sts_policy_parse(buf_str(&body), &arena, &p), PARSE_BAD);
    buf_cut(&body, MTA_STS_POLICY_MAX);
    assert_int_equal(mta_sts_policy_parse(buf_str(&body), &arena, &p), PARSE_DONE);
}

static void test_a_star_is_one_label(void **state) {
    (void)state;
    struct str mx[] = {STR("mail.example.com"), STR("*.example.net")};
    const struct mta_sts_policy p = {.mx = mx, .mx_count = 2};
    static const char *const good[] = {"mail.example.com", "MAIL.example.com", "a.example.net", "b.EXAMPLE.net"};
    static const char *const bad[] = {"example.com",     "a.mail.example.com", "example.net",        ".example.net",
                                      "a.b.example.net", "aexample.net",       "a.example.net.evil", ""};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) assert_true(mta_sts_mx_matches(&p, str_from_z(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(mta_sts_mx_matches(&p, str_from_z(bad[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_OB11_records),
        cmocka_unit_test(test_OB11_policies),
        cmocka_unit_test(test_P8_policies_are_bounded),
        cmocka_unit_test(test_a_star_is_one_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
