/* test_spf.c - SPF policies judged, one table: policy, address, verdict (RFC 7208).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/spf/spf.h"
#include "zone.h"

#include <string.h>

#define TXT_OF(name, text)                                                                                                       \
    { name, DNS_TXT, text }

/* What the policies point at. */
#define WORLD                                                                                                                    \
    {"mail.test", DNS_A, "192.0.2.1"}, {"mail.test", DNS_AAAA, "2001:db8::1"}, {"d.test", DNS_A, "192.0.2.2"},                   \
        {"d.test", DNS_MX, "10 mail.test"}, {"d.test", DNS_MX, "20 mx2.test"}, {"mx2.test", DNS_A, "192.0.2.3"},                 \
        TXT_OF("pass.test", "v=spf1 ip4:192.0.2.0/29 -all"), TXT_OF("fail.test", "v=spf1 -all"),                                 \
        TXT_OF("soft.test", "v=spf1 ~all"), TXT_OF("loop.test", "v=spf1 include:loop.test -all"),                                \
        TXT_OF("bad.test", "v=spf1 ip4:x -all"), TXT_OF("none.test", "hello"), TXT_OF("broken.test", "SERVFAIL"),                \
        {"1.2.0.192.list.test", DNS_A, "127.0.0.2"}, {"user.x.test", DNS_A, "127.0.0.2"}, {"broken-a.test", DNS_A, "SERVFAIL"},  \
        TXT_OF("l1.test", "v=spf1 a:v1 a:v2 a:v3 a:v4 a:v5 -all"),                                                               \
        TXT_OF("l2.test", "v=spf1 a:mail.test a:mail.test a:mail.test a:mail.test ip4:192.0.2.9 -all"), {                        \
        0                                                                                                                        \
    }

static const struct {
    const char *policy; /* of d.test; NULL: none. '|' starts a second record */
    const char *ip;
    const char *result;
} cases[] = {
    {NULL, "192.0.2.1", "none"},
    {"hello", "192.0.2.1", "none"},
    {"v=spf10 -all", "192.0.2.1", "none"},
    {"v=spf1", "192.0.2.1", "neutral"},
    {"V=SPF1 -ALL", "192.0.2.1", "fail"},
    {"v=spf1 -all", "192.0.2.1", "fail"},
    {"v=spf1 ~all", "192.0.2.1", "softfail"},
    {"v=spf1 ?all", "192.0.2.1", "neutral"},
    {"v=spf1 +all", "192.0.2.1", "pass"},
    {"v=spf1   ip4:192.0.2.1   -all  ", "192.0.2.1", "pass"},
    {"v=spf1 ip4:192.0.2.1 -all", "192.0.2.2", "fail"},
    {"v=spf1 ip4:192.0.2.0/30 -all", "192.0.2.3", "pass"},
    {"v=spf1 ip4:192.0.2.0/30 -all", "192.0.2.4", "fail"},
    {"v=spf1 ip4:192.0.2.1/0 -all", "203.0.113.9", "pass"},
    {"v=spf1 ip4:192.0.2.1/33 -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4:192.0.2.1/ -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4:192.0.2.1/08 -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4: -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4 -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4:2001:db8::1 -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip6:2001:db8::/32 -all", "2001:db8:7::1", "pass"},
    {"v=spf1 ip6:2001:db8::/32 -all", "192.0.2.1", "fail"},
    {"v=spf1 ip4:192.0.2.1 -all", "::ffff:192.0.2.1", "pass"},
    {"v=spf1 a -all", "192.0.2.2", "pass"},
    {"v=spf1 a -all", "192.0.2.1", "fail"},
    {"v=spf1 a/24 -all", "192.0.2.77", "pass"},
    {"v=spf1 a:mail.test -all", "192.0.2.1", "pass"},
    {"v=spf1 a:mail.test -all", "2001:db8::1", "pass"},
    {"v=spf1 a:mail.test//64 -all", "2001:db8::99", "pass"},
    {"v=spf1 a:mail.test/28//64 -all", "192.0.2.14", "pass"},
    {"v=spf1 a:mail.test/28//64 -all", "2001:db8:1::99", "fail"},
    {"v=spf1 a: -all", "192.0.2.1", "permerror"},
    {"v=spf1 mx -all", "192.0.2.1", "pass"},
    {"v=spf1 mx -all", "192.0.2.3", "pass"},
    {"v=spf1 mx -all", "192.0.2.2", "fail"},
    {"v=spf1 ptr -all", "192.0.2.2", "fail"},
    {"v=spf1 include:pass.test -all", "192.0.2.1", "pass"},
    {"v=spf1 include:fail.test ~all", "192.0.2.1", "softfail"},
    {"v=spf1 include:soft.test include:pass.test -all", "192.0.2.1", "pass"},
    {"v=spf1 -include:pass.test +all", "192.0.2.1", "fail"},
    {"v=spf1 include:none.test -all", "192.0.2.1", "permerror"},
    {"v=spf1 include:nowhere.test -all", "192.0.2.1", "permerror"},
    {"v=spf1 include:bad.test -all", "192.0.2.1", "permerror"},
    {"v=spf1 include:broken.test -all", "192.0.2.1", "temperror"},
    {"v=spf1 include:loop.test -all", "192.0.2.1", "permerror"},
    {"v=spf1 include -all", "192.0.2.1", "permerror"},
    {"v=spf1 a:broken-a.test -all", "192.0.2.1", "temperror"},
    {"v=spf1 ip4:192.0.2.1 a:broken-a.test -all", "192.0.2.1", "pass"}, /* a match ends it */
    {"v=spf1 redirect=pass.test", "192.0.2.1", "pass"},
    {"v=spf1 redirect=pass.test", "192.0.2.99", "fail"},
    {"v=spf1 redirect=pass.test ip4:192.0.2.99", "192.0.2.99", "pass"}, /* place doesn't matter */
    {"v=spf1 -all redirect=pass.test", "192.0.2.1", "fail"},
    {"v=spf1 redirect=none.test", "192.0.2.1", "permerror"},
    {"v=spf1 redirect=pass.test redirect=pass.test", "192.0.2.1", "permerror"},
    {"v=spf1 exp=why.test -all", "192.0.2.1", "fail"},
    {"v=spf1 exp=a exp=b -all", "192.0.2.1", "permerror"},
    {"v=spf1 unknown=x:y -all", "192.0.2.1", "fail"},
    {"v=spf1 unknown -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4:192.0.2.1 -all:x", "192.0.2.1", "permerror"}, /* an error anywhere, though a term before fits */
    {"v=spf1 -all|v=spf1 +all", "192.0.2.1", "permerror"},
    {"hello|v=spf1 ip4:192.0.2.1 -all", "192.0.2.1", "pass"},
    {"v=spf1 exists:%{ir}.list.test -all", "192.0.2.1", "pass"},
    {"v=spf1 exists:%{ir}.list.test -all", "192.0.2.2", "fail"},
    {"v=spf1 exists:%{l}.x.test -all", "192.0.2.9", "pass"},
    {"v=spf1 a:%{h} -all", "192.0.2.1", "pass"},
    {"v=spf1 a:%{o} -all", "192.0.2.2", "pass"},
    {"v=spf1 a:mail.%{d1} -all", "192.0.2.1", "pass"},
    {"v=spf1 include:%{x}.test -all", "192.0.2.1", "permerror"},
    {"v=spf1 include:%{d -all", "192.0.2.1", "permerror"},
    {"v=spf1 include:%d -all", "192.0.2.1", "permerror"},
    {"v=spf1 include:%{d0} -all", "192.0.2.1", "permerror"},
    /* 4.6.4: ten lookups */
    {"v=spf1 a:mail.test a:mail.test a:mail.test a:mail.test a:mail.test a:mail.test a:mail.test a:mail.test a:mail.test "
     "a:mail.test -all",
     "192.0.2.7", "fail"},
    {"v=spf1 a:mail.test a:mail.test a:mail.test a:mail.test a:mail.test a:mail.test a:mail.test a:mail.test a:mail.test "
     "a:mail.test "
     "a:mail.test -all",
     "192.0.2.7", "permerror"},
    {"v=spf1 include:l2.test include:l2.test -all", "192.0.2.7", "fail"},
    {"v=spf1 include:l2.test include:l2.test a:mail.test -all", "192.0.2.7", "permerror"},
    {"v=spf1 include:l2.test include:l2.test a:mail.test -all", "192.0.2.9", "pass"}, /* found before the limit */
    /* two void lookups */
    {"v=spf1 a:v1.test a:v2.test -all", "192.0.2.1", "fail"},
    {"v=spf1 a:v1.test a:v2.test a:v3.test -all", "192.0.2.1", "permerror"},
    {"v=spf1 include:l1.test -all", "192.0.2.1", "permerror"},
};

/* A check as a step machine that zone_drive can run. */
struct check {
    struct dns_memo memo;
    struct spf_input input;
    struct spf_outcome outcome;
    bool is_done;
};

static size_t next(void *machine, struct dns_question *ret, size_t max) {
    struct check *c = machine;
    if (!c->is_done && c->memo.asked == c->memo.count) c->is_done = spf_check(&c->memo, &c->input, &c->outcome) == PARSE_DONE;
    return c->is_done ? 0 : dns_memo_next(&c->memo, ret, max);
}

static void answer(void *machine, size_t index, const struct dns_answer *a) {
    struct check *c = machine;
    dns_memo_answer(&c->memo, index, a);
}

static const char *judge(const struct zone_record *records, const char *ip, size_t at_once) {
    struct zone zone = {.records = records};
    struct check c = {.input = {.domain = STR("d.test"), .sender = STR("user@d.test"), .helo = STR("mail.test")}};
    assert_true(spf_ip_parse(str_from_z(ip), &c.input.ip));
    zone_drive(&zone, next, answer, &c, at_once);
    assert_true(c.is_done && c.outcome.why.n > 0);
    dns_memo_fini(&c.memo);
    return spf_result_text(c.outcome.result);
}

static void test_policies(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone_record records[] = {TXT_OF("unused.test", ""), TXT_OF("unused.test", ""), WORLD};
        char first[300] = "";
        const char *bar = cases[i].policy ? strchr(cases[i].policy, '|') : NULL;
        if (cases[i].policy) {
            strncat(first, cases[i].policy, bar ? (size_t)(bar - cases[i].policy) : sizeof first - 1);
            records[0] = (struct zone_record)TXT_OF("d.test", first);
        }
        if (bar) records[1] = (struct zone_record)TXT_OF("d.test", bar + 1);
        for (size_t at_once = 1; at_once <= 16; at_once += 15) {
            const char *result = judge(records, cases[i].ip, at_once);
            if (strcmp(result, cases[i].result) != 0) fail_msg("'%s' for %s: %s", cases[i].policy, cases[i].ip, result);
        }
    }
}

static void test_mx_of_more_than_ten(void **state) {
    (void)state;
    struct zone_record records[14] = {TXT_OF("d.test", "v=spf1 mx -all")};
    for (int count = 10; count <= 11; count++) {
        for (int i = 1; i <= count; i++) records[i] = (struct zone_record){"d.test", DNS_MX, "10 mail.test"};
        records[count + 1] = (struct zone_record){"mail.test", DNS_A, "192.0.2.1"};
        assert_string_equal(judge(records, "192.0.2.1", 16), count == 10 ? "pass" : "permerror");
    }
}

static void test_no_answer_is_temporary(void **state) {
    (void)state;
    const struct zone_record records[] = {TXT_OF("d.test", "SERVFAIL"), {0}};
    assert_string_equal(judge(records, "192.0.2.1", 1), "temperror");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_mx_of_more_than_ten),
        cmocka_unit_test(test_no_answer_is_temporary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
