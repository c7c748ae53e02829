/* test_provider.c - rows of big receivers: what is compiled in, how a host finds its row, and errors that name the line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)

static struct providers *parsed(const char *text) {
    BUF_AUTO why = {0};
    struct providers *p = NULL;
    enum status st = providers_parse(str_from_z(text), &why, &p);
    if (st != STATUS_OK) fail_msg("%s", why.p);
    return p;
}

static void assert_row(const struct providers *p, const char *host, const char *name) {
    struct str found = provider_find(p, str_from_z(host))->name;
    assert_int_equal(found.n, strlen(name));
    assert_memory_equal(found.p ? found.p : "", name, found.n);
}

static void assert_limits(const struct providers *p, const char *host, size_t connections, size_t messages) {
    const struct provider *row = provider_find(p, str_from_z(host));
    assert_int_equal(row->limits.connections, connections);
    assert_int_equal(row->limits.connection_messages, messages);
    assert_int_equal(row->limits.per_minute, 0);
}

static void test_the_big_receivers_have_rows(void **state) {
    (void)state;
    struct providers *p = providers_builtin();
    assert_limits(p, "gmail-smtp-in.l.google.com", 5, 50);
    assert_limits(p, "mta5.am0.yahoodns.net", 20, 20);
    assert_limits(p, "hotmail-com.olc.protection.outlook.com", 5, 50);
    assert_limits(p, "firm-test.mail.protection.outlook.com", 5, 50);
    assert_limits(p, "firm-test.a-v1.mx.microsoft", 5, 50);
    assert_limits(p, "mx01.mail.icloud.com", 10, 5);
    assert_limits(p, "mx1a1.comcast.net", 25, 1000);
    assert_limits(p, "eu-smtp-inbound-1.mimecast.com", 10, 100);
    assert_limits(p, "mx.example.test", 20, 500);
    assert_row(p, "gmail-smtp-in.l.google.com", "google");
    assert_row(p, "mx.example.test", "");
    assert_true(provider_find(p, STR("mx1a1.comcast.net"))->requires_tls);
    assert_false(provider_find(p, STR("mx.example.test"))->requires_tls);
    assert_int_equal(provider_find(p, STR("mx1a1.comcast.net"))->limits.idle_ms, 30000);
    assert_int_equal(provider_find(p, STR("mx01.mail.icloud.com"))->limits.idle_ms, 60000);
    providers_unref(&p);
}

static void test_a_host_is_found_by_its_end_or_its_whole_name(void **state) {
    (void)state;
    struct providers *p = parsed("[a]\nmx = *.one.test\n[b]\nmx = MX.Two.test., two.test\n[c]\nmx = *one.test");
    assert_row(p, "x.one.test", "a");
    assert_row(p, "X.ONE.TEST.", "a");
    assert_row(p, "one.test.evil.test", "");
    assert_row(p, "one.test", ""); /* nothing stands for '*' */
    assert_row(p, "bone.test", "c");
    assert_row(p, ".one.test", "c");
    assert_row(p, "mx.two.test", "b");
    assert_row(p, "a.mx.two.test", "");
    assert_row(p, "", "");
    assert_row(p, ".", "");
    providers_unref(&p);
}

static void test_what_a_row_leaves_out_is_the_defaults_wherever_that_stands(void **state) {
    (void)state;
    struct providers *p = parsed("[a]\nmx = a.test\nmessages = 7\nslow = \"own\"\n[default]\nconnections = 3 # few\nrate = 90\n"
                                 "idle = 5m\ntls = require\nslow = \"all\"\n[b]\nmx = b.test\nrate = 0\ntls = opportunistic");
    const struct provider *a = provider_find(p, STR("a.test")), *b = provider_find(p, STR("b.test"));
    assert_int_equal(a->limits.connections, 3);
    assert_int_equal(a->limits.connection_messages, 7);
    assert_int_equal(a->limits.per_minute, 90);
    assert_int_equal(a->limits.idle_ms, 300000);
    assert_true(a->requires_tls);
    assert_int_equal(a->rule_count, 2);
    assert_int_equal(b->limits.per_minute, 0);
    assert_int_equal(b->limits.connection_messages, 500);
    assert_false(b->requires_tls);
    assert_int_equal(provider_find(p, STR("c.test"))->limits.connections, 3);
    assert_ptr_equal(provider_at(p, 2), provider_find(p, STR("c.test")));
    assert_null(provider_at(p, 3));
    providers_unref(&p);
}

static struct shape_reply judged(const struct providers *p, const char *host, const char *text) {
    struct shape_reply reply = {.code = 421, .text = str_from_z(text)};
    provider_judge(provider_find(p, str_from_z(host)), &reply);
    return reply;
}

static void test_ob35_a_rows_replies_suspend_or_slow_down(void **state) {
    (void)state;
    struct providers *p = providers_builtin();
    const char *yahoo = "mta5.am0.yahoodns.net", *deferred = "[TSS04] Messages from 192.0.2.1 temporarily deferred";
    assert_int_equal(judged(p, yahoo, deferred).suspend_ms, 2 * HOUR_MS);
    assert_false(judged(p, yahoo, deferred).is_slow);
    assert_int_equal(judged(p, "mx.example.test", deferred).suspend_ms, 0);
    assert_true(judged(p, yahoo, "Server busy. Please try again later from [192.0.2.1]").is_slow);
    assert_true(judged(p, "mx.example.test", "has been Temporarily Rate Limited due to IP reputation").is_slow);
    assert_false(judged(p, "mx.example.test", "").is_slow);
    providers_unref(&p);
    p = parsed("[a]\nmx = a.test\nsuspend = 90s \"one*two # \"\nslow = \"three\" # of them");
    assert_int_equal(judged(p, "a.test", "ONE and TWO # three").suspend_ms, 90000);
    assert_true(judged(p, "a.test", "two # one three").is_slow);
    assert_false(judged(p, "a.test", "two one").is_slow);
    providers_unref(&p);
}

static void test_an_error_names_its_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"connections = 1", "line 1: expected [NAME] before"},
        {"\n[a]\nmx = a.test\n[b]\nconnections = 1\n", "line 4: the row has no mx"},
        {"[a]\nmx = a.test\n[A]\n", "line 3: there is a row of this name already"},
        {"[default]\n[default]\n", "line 2: there is a row of this name already"},
        {"[default]\nmx = a.test", "line 2: [default] is for all"},
        {"[a", "line 1: expected [NAME]"},
        {"[]", "line 1: expected [NAME]"},
        {"[ ]", "line 1: expected a name"},
        {"[a b]", "line 1: a name has letters"},
        {"[a]\nmx = *", "line 2: expected names of hosts"},
        {"[a]\nmx = a..test", "line 2: expected names of hosts"},
        {"[a]\nmx = a.test..", "line 2: expected names of hosts"},
        {"[a]\nmx = a.*.test", "line 2: expected names of hosts"},
        {"[a]\nmx = a.test,,b.test", "line 2: expected names of hosts"},
        {"[a]\nwhat = 1", "line 2: expected one of mx"},
        {"[a]\nwhat", "line 2: expected KEY = VALUE"},
        {"[a]\nconnections = 0", "line 2: expected a number from 1"},
        {"[a]\nconnections = 1\nconnections = 2", "line 3: the key stands here twice"},
        {"[a]\nrate = -1", "line 2: expected messages a minute"},
        {"[a]\nidle = 60", "line 2: expected a time"},
        {"[a]\nidle = 169h", "line 2: expected a time"},
        {"[a]\nidle = 0s", "line 2: expected a time"},
        {"[a]\ntls = maybe", "line 2: expected require or opportunistic"},
        {"[a]\nslow = words", "line 2: expected words of a reply"},
        {"[a]\nslow = \"**\"", "line 2: expected words of a reply"},
        {"[a]\nsuspend = \"words\"", "line 2: expected a time"},
        {"[a]\nsuspend = 2h words", "line 2: expected words of a reply"},
        {"[a]\nmx = b\xC3\xA4.test", "line 2: only ASCII"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        BUF_AUTO why = {0};
        struct providers *p = NULL;
        assert_int_equal(providers_parse(str_from_z(cases[i].text), &why, &p), STATUS_INVALID);
        assert_null(p);
        if (!str_starts(buf_str(&why), str_from_z(cases[i].why))) fail_msg("\"%s\": %s", cases[i].text, why.p);
    }
}

static void test_bounds_of_a_file_hold(void **state) {
    (void)state;
    BUF_AUTO text = {0};
    BUF_AUTO why = {0};
    struct providers *p = NULL;
    for (int i = 0; i < PROVIDERS_MAX; i++) buf_addf(&text, "[r%d]\nmx = r%d.test\n", i, i);
    assert_int_equal(providers_parse(buf_str(&text), &why, &p), STATUS_OK);
    assert_row(p, "r999.test", "r999");
    providers_unref(&p);
    buf_addf(&text, "[one-more]\nmx = x.test\n");
    assert_int_equal(providers_parse(buf_str(&text), &why, &p), STATUS_INVALID);
    buf_reset(&text);
    while (text.n <= PROVIDERS_FILE_MAX) buf_addf(&text, "# %0100d\n", 0);
    assert_int_equal(providers_parse(buf_str(&text), &why, &p), STATUS_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_big_receivers_have_rows),
        cmocka_unit_test(test_a_host_is_found_by_its_end_or_its_whole_name),
        cmocka_unit_test(test_what_a_row_leaves_out_is_the_defaults_wherever_that_stands),
        cmocka_unit_test(test_ob35_a_rows_replies_suspend_or_slow_down),
        cmocka_unit_test(test_an_error_names_its_line),
        cmocka_unit_test(test_bounds_of_a_file_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
