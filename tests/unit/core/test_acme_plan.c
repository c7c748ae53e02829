/* test_acme_plan.c - who gets a certificate next: our own hosts first, accounts in turn, nobody before its time (P6).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/acme_plan.h"

#define NOW  INT64_C(1800000000000)
#define DAY  CLOCK_DAY_MS
#define LIFE (90 * DAY)

/* A host whose certificate has that many days left. */
static struct acme_host lasting(const char *name, int64_t account_id, int64_t days) {
    return (struct acme_host){str_from_z(name), account_id, NOW + days * DAY - LIFE, NOW + days * DAY, 0};
}

static struct acme_host fresh(const char *name, int64_t account_id) {
    return (struct acme_host){.name = str_from_z(name), .account_id = account_id};
}

static const char *picked(const struct acme_host *hosts, size_t count) {
    const struct acme_host *h = acme_pick(hosts, count, NOW);
    return h ? h->name.p : "";
}

static void nobody_is_due_before_a_third_is_left(void **state) {
    (void)state;
    struct acme_host hosts[] = {lasting("a", 0, 31), lasting("b", 1, 60)};
    assert_string_equal(picked(hosts, 2), "");
    hosts[1] = lasting("b", 1, 30);
    assert_string_equal(picked(hosts, 2), "b");
    assert_string_equal(picked(hosts, 0), "");
    assert_int_equal(acme_renew_at(NOW, NOW + 6 * DAY), NOW + 4 * DAY); /* those that live for days only */
}

static void a_failure_is_waited_for(void **state) {
    (void)state;
    struct acme_host hosts[] = {fresh("a", 0), fresh("b", 1)};
    hosts[0].not_before = NOW + 1;
    assert_string_equal(picked(hosts, 2), "b");
    hosts[0].not_before = NOW;
    assert_string_equal(picked(hosts, 2), "a");
}

static void our_own_go_first_then_accounts_in_turn_then_renewals(void **state) {
    (void)state;
    struct acme_host hosts[] = {fresh("a1", 1), lasting("a2", 1, 20), lasting("b1", 2, 89), fresh("b2", 2), lasting("own", 0, 5)};
    hosts[2].begins_at = NOW - DAY / 2; /* of today */
    assert_string_equal(picked(hosts, 5), "own");
    assert_string_equal(picked(hosts, 4), "a2"); /* a renewal, of whoever had none today */
    hosts[1].not_before = hosts[0].not_before = NOW + 1;
    assert_string_equal(picked(hosts, 4), "b2");
}

static void P6_ten_thousand_hosts_of_one_do_not_keep_another_waiting(void **state) {
    (void)state;
    enum { COUNT = 10001 };
    static struct acme_host hosts[COUNT];
    for (int i = 0; i < COUNT; i++) hosts[i] = fresh(i == COUNT - 1 ? "other" : "many", i == COUNT - 1 ? 2 : 1);
    for (int orders = 1;; orders++) {
        struct acme_host *h = (struct acme_host *)(uintptr_t)acme_pick(hosts, COUNT, NOW);
        h->begins_at = NOW;
        h->expires_at = NOW + LIFE;
        if (h == &hosts[COUNT - 1]) {
            assert_true(orders <= 2);
            break;
        }
    }
}

/* A turn that failed was a turn: whoever has hosts that the authority refuses comes after those who had none. */
static void P6_hosts_that_fail_do_not_keep_another_waiting(void **state) {
    (void)state;
    enum { COUNT = 1001 };
    static struct acme_host hosts[COUNT];
    for (int i = 0; i < COUNT; i++) hosts[i] = fresh(i == COUNT - 1 ? "other" : "many", i == COUNT - 1 ? 2 : 1);
    int64_t now = NOW;
    int orders = 1;
    for (struct acme_host *h; (h = (struct acme_host *)(uintptr_t)acme_pick(hosts, COUNT, now)) != &hosts[COUNT - 1]; orders++) {
        assert_true(orders < 10);
        h->not_before = now + acme_retry_ms(1, 0, rand_system());
        now += ACME_PACE_MS;
    }
    assert_in_range(orders, 1, 2);
}

static void waits_grow_to_a_day_and_heed_the_authority(void **state) {
    (void)state;
    const int64_t minutes[] = {5, 15, 60, 240, 720, 1440, 1440};
    for (unsigned i = 0; i < 7; i++)
        assert_in_range(acme_retry_ms(i + 1, 0, rand_system()), minutes[i] * 60000, minutes[i] * 72000);
    assert_in_range(acme_retry_ms(0, 0, rand_system()), 300000, 360000);
    assert_int_equal(acme_retry_ms(1, 7200, rand_system()), 7200000);
    for (int i = 0; i < 100; i++) assert_in_range(acme_retry_ms(1, 0, rand_system()), 300000, 360000);
}

static void orders_keep_a_pace(void **state) {
    (void)state;
    int64_t due_at = 0, now = NOW;
    for (int i = 0; i < ACME_BURST; i++) assert_true(acme_may_begin(&due_at, now));
    assert_false(acme_may_begin(&due_at, now));
    assert_true(acme_may_begin(&due_at, now + ACME_PACE_MS));
    assert_false(acme_may_begin(&due_at, now + ACME_PACE_MS));
    int begun = 0;
    for (now = NOW + DAY; now < NOW + DAY + 3600000; now += 1000) begun += acme_may_begin(&due_at, now);
    assert_in_range(begun, 100, 135); /* an hour */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_due_before_a_third_is_left),
        cmocka_unit_test(a_failure_is_waited_for),
        cmocka_unit_test(our_own_go_first_then_accounts_in_turn_then_renewals),
        cmocka_unit_test(P6_ten_thousand_hosts_of_one_do_not_keep_another_waiting),
        cmocka_unit_test(P6_hosts_that_fail_do_not_keep_another_waiting),
        cmocka_unit_test(waits_grow_to_a_day_and_heed_the_authority),
        cmocka_unit_test(orders_keep_a_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
