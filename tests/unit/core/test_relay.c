/* test_relay.c - which relay a message goes to.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct relay_table *make(const struct relay_row *rows, size_t count) {
    BUF_AUTO why = {0};
    struct relay_table *t;
    assert_int_equal(relay_table_new(rows, count, &t, &why), STATUS_OK);
    return t;
}

static const char *name_of(const struct relay *r) {
    return r ? r->name.p : "none";
}

static void test_the_narrowest_domain_wins(void **state) {
    (void)state;
    const struct relay_row rows[] = {
        {.name = STR("all"), .host = STR("h"), .domains = STR("*.example.com"), .tls = -1},
        {.name = STR("exact"), .host = STR("h"), .domains = STR("example.com, A.B.example.com"), .tls = -1},
        {.name = STR("deep"), .host = STR("h"), .domains = STR("*.b.example.com"), .tls = -1},
    };
    static const struct {
        struct str domain;
        const char *relay;
    } cases[] = {
        {STR_INIT("example.com"), "exact"},
        {STR_INIT("x.example.com"), "all"},
        {STR_INIT("b.example.com"), "all"},
        {STR_INIT("a.b.example.com"), "exact"},
        {STR_INIT("c.b.example.com"), "deep"},
        {STR_INIT("y.c.b.example.com"), "deep"},
        {STR_INIT("badexample.com"), "none"},
        {STR_INIT("com"), "none"},
        {STR_INIT(""), "none"},
    };
    struct relay_table *t = make(rows, 3);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(name_of(relay_of_domain(t, cases[i].domain)), cases[i].relay);
    relay_table_free(&t);
}

static void test_senders_and_the_smarthost(void **state) {
    (void)state;
    const struct relay_row rows[] = {
        {.name = STR("smarthost"), .host = STR("h"), .port = 25, .tls = -1},
        {.name = STR("inside"), .host = STR("h"), .domains = STR("corp.example"), .tls = -1},
        {.name = STR("shop"), .host = STR("h"), .senders = STR("shop.example"), .tls = -1},
        {.name = STR("both"),
         .host = STR("h"),
         .senders = STR("*.shop.example, shop.example"),
         .domains = STR("*.mail.example"),
         .tls = -1},
    };
    struct relay_table *t = make(rows, 4);
    assert_string_equal(name_of(relay_of_domain(t, STR("corp.example"))), "inside");
    assert_string_equal(name_of(relay_of_domain(t, STR("x.mail.example"))), "smarthost");
    assert_string_equal(name_of(relay_of_sender(t, STR("shop.example"), STR("x.mail.example"))), "both");
    assert_string_equal(name_of(relay_of_sender(t, STR("eu.shop.example"), STR("x.mail.example"))), "both");
    assert_string_equal(name_of(relay_of_sender(t, STR("shop.example"), STR("corp.example"))), "shop");
    assert_string_equal(name_of(relay_of_sender(t, STR("eu.shop.example"), STR("corp.example"))), "none");
    assert_string_equal(name_of(relay_of_sender(t, STR("other.example"), STR("x.mail.example"))), "none");
    assert_string_equal(relay_get(t, 1)->site.p, "relay:inside");
    relay_table_free(&t);
    assert_null(relay_of_domain(NULL, STR("a.example")));
    assert_null(relay_of_sender(NULL, STR("a.example"), STR("b.example")));
}

static void test_p10_with_a_password_the_certificate_counts(void **state) {
    (void)state;
    const struct relay_row rows[] = {
        {.name = STR("a"), .host = STR("h"), .domains = STR("a.example"), .tls = -1},
        {.name = STR("b"), .host = STR("h"), .domains = STR("b.example"), .user = STR("u"), .password = STR("p"), .tls = -1},
        {.name = STR("c"),
         .host = STR("h"),
         .domains = STR("c.example"),
         .user = STR("u"),
         .password = STR("p"),
         .tls = RELAY_REQUIRE},
    };
    struct relay_table *t = make(rows, 3);
    assert_int_equal(relay_get(t, 0)->tls, RELAY_OPPORTUNISTIC);
    assert_int_equal(relay_get(t, 1)->tls, RELAY_VERIFY);
    assert_int_equal(relay_get(t, 2)->tls, RELAY_REQUIRE);
    relay_table_free(&t);
}

static void test_what_is_refused(void **state) {
    (void)state;
    static const struct {
        struct relay_row rows[2];
        const char *why;
    } cases[] = {
        {{{.name = STR_INIT("a"), .domains = STR_INIT("a.example")}}, "[relay a]: host is missing"},
        {{{.name = STR_INIT("a"), .host = STR_INIT("h"), .domains = STR_INIT("a.example"), .user = STR_INIT("u")}},
         "[relay a]: user and password belong together"},
        {{{.name = STR_INIT("a"), .host = STR_INIT("h"), .domains = STR_INIT("a.example")},
          {.name = STR_INIT("b"), .host = STR_INIT("h"), .domains = STR_INIT("A.example")}},
         "[relay b]: another relay has one of its names already"},
        {{{.name = STR_INIT("smarthost"), .host = STR_INIT("h")}, {.name = STR_INIT("b"), .host = STR_INIT("h")}},
         "[relay b]: a relay needs domains or senders; only the smarthost takes everything"},
        {{{.name = STR_INIT("a"), .host = STR_INIT("h"), .domains = STR_INIT("a*.example")}},
         "[relay a]: expected domains like example.com or *.example.com, several with commas"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO why = {0};
        struct relay_table *t;
        assert_int_equal(relay_table_new(cases[i].rows, cases[i].rows[1].name.n ? 2 : 1, &t, &why), STATUS_INVALID);
        assert_string_equal(why.p, cases[i].why);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_narrowest_domain_wins),
        cmocka_unit_test(test_senders_and_the_smarthost),
        cmocka_unit_test(test_p10_with_a_password_the_certificate_counts),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
