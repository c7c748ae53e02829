/* Token buckets: what a bucket gives, and that the table stays bounded and remembers whom it should (P8).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"

#include <pthread.h>
#include <string.h>

static const struct limit_rate per_minute = {.count = 1200, .period_ms = 60000, .burst = 1200};

static void test_a_bucket_empties_and_refills(void **state) {
    (void)state;
    struct limits *l = limits_new(1024);
    struct limit_state s;
    int64_t now = 5000;
    for (int i = 0; i < 1200; i++) {
        assert_true(limits_take(l, LIMIT_KEY, STR("a"), &per_minute, now, &s));
        assert_int_equal(s.remaining, 1199 - i);
    }
    assert_int_equal(s.limit, 1200);
    assert_int_equal(s.wait_ms, 50);
    assert_int_equal(s.reset_ms, 60000);
    assert_false(limits_take(l, LIMIT_KEY, STR("a"), &per_minute, now + 49, &s));
    assert_int_equal(s.wait_ms, 1);
    assert_true(limits_take(l, LIMIT_KEY, STR("a"), &per_minute, now + 50, &s));
    assert_false(limits_take(l, LIMIT_KEY, STR("a"), &per_minute, now + 99, &s));
    assert_true(limits_take(l, LIMIT_KEY, STR("a"), &per_minute, now + 10 * 60000, &s)); /* no more than full */
    assert_int_equal(s.remaining, 1199);
    limits_free(&l);
}

static void test_whoever_asks_takes_nothing(void **state) {
    (void)state;
    struct limits *l = limits_new(1024);
    struct limit_rate two = {.count = 60, .period_ms = 60000, .burst = 2};
    for (int i = 0; i < 10; i++) assert_true(limits_has(l, LIMIT_KEY, STR("a"), &two, 5000));
    for (int i = 0; i < 2; i++) assert_true(limits_take(l, LIMIT_KEY, STR("a"), &two, 5000, NULL));
    assert_false(limits_has(l, LIMIT_KEY, STR("a"), &two, 5999));
    assert_true(limits_has(l, LIMIT_KEY, STR("a"), &two, 6000));
    assert_true(limits_has(NULL, LIMIT_KEY, STR("a"), &two, 5000));
    limits_free(&l);
}

static void test_kinds_and_keys_are_apart(void **state) {
    (void)state;
    struct limits *l = limits_new(1024);
    struct limit_rate one = {.count = 1, .period_ms = 1000, .burst = 1};
    assert_true(limits_take(l, LIMIT_KEY, STR("a"), &one, 0, NULL));
    assert_false(limits_take(l, LIMIT_KEY, STR("a"), &one, 0, NULL));
    assert_true(limits_take(l, LIMIT_KEY, STR("b"), &one, 0, NULL));
    assert_true(limits_take(l, LIMIT_ACCOUNT, STR("a"), &one, 0, NULL));
    limits_reset(l, LIMIT_KEY, STR("a"));
    limits_reset(l, LIMIT_KEY, STR("never seen"));
    assert_true(limits_take(l, LIMIT_KEY, STR("a"), &one, 0, NULL));
    assert_false(limits_take(l, LIMIT_ACCOUNT, STR("a"), &one, 0, NULL));
    limits_free(&l);
}

static void test_no_limit_is_no_bucket(void **state) {
    (void)state;
    struct limits *l = limits_new(16);
    struct limit_state s;
    struct limit_rate none = {.count = 0, .period_ms = 60000};
    for (int i = 0; i < 100; i++) assert_true(limits_take(l, LIMIT_KEY, STR("a"), &none, 0, &s));
    assert_false(s.is_limited);
    for (int i = 0; i < 5000; i++) assert_true(limits_take(NULL, LIMIT_KEY, STR("a"), &per_minute, 0, &s));
    limits_free(&l);
}

/* A flood of strangers washes out strangers, not the one who is being slowed. */
static void test_a_full_table_forgets_the_fullest_P8(void **state) {
    (void)state;
    struct limits *l = limits_new(256);
    char room[LIMIT_KEY_MAX];
    struct limit_rate slow = {.count = 10, .period_ms = 600000, .burst = 10};
    for (int i = 0; i < 10; i++) assert_true(limits_take(l, LIMIT_FAILURES, STR("guesser"), &slow, 0, NULL));
    for (int64_t id = 1; id < 100000; id++)
        assert_true(limits_take(l, LIMIT_ACCOUNT, limit_key_id(id, room), &per_minute, 0, NULL));
    assert_false(limits_take(l, LIMIT_FAILURES, STR("guesser"), &slow, 0, NULL));
    limits_free(&l);
}

static void test_an_ipv6_host_has_one_bucket_for_its_64(void **state) {
    (void)state;
    struct ip a, b, c;
    char room[3][LIMIT_KEY_MAX];
    assert_true(ip_parse(STR("2001:db8:1:2::1"), &a));
    assert_true(ip_parse(STR("2001:db8:1:2:ffff::9"), &b));
    assert_true(ip_parse(STR("2001:db8:1:3::1"), &c));
    assert_true(str_eq(limit_key_ip(&a, room[0]), limit_key_ip(&b, room[1])));
    assert_false(str_eq(limit_key_ip(&a, room[0]), limit_key_ip(&c, room[1])));
    assert_true(str_eq(limit_key_both(7, &a, room[0]), limit_key_both(7, &b, room[1])));
    assert_false(str_eq(limit_key_both(7, &a, room[0]), limit_key_both(8, &a, room[1])));
    assert_false(str_eq(limit_key_both(7, &a, room[0]), limit_key_id(7, room[1])));
    assert_int_equal(limit_key_ip(&(struct ip){0}, room[2]).n, 0);
}

struct taker {
    struct limits *l;
    int taken;
};

static void *take_many(void *arg) {
    struct taker *t = arg;
    for (int i = 0; i < 2000; i++) t->taken += limits_take(t->l, LIMIT_KEY, STR("shared"), &per_minute, 0, NULL);
    return NULL;
}

static void test_threads_share_a_bucket(void **state) {
    (void)state;
    struct limits *l = limits_new(1024);
    struct taker takers[4];
    pthread_t threads[4];
    int taken = 0;
    for (size_t i = 0; i < 4; i++) {
        takers[i] = (struct taker){.l = l};
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &takers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        taken += takers[i].taken;
    }
    assert_int_equal(taken, 1200);
    limits_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bucket_empties_and_refills),
        cmocka_unit_test(test_whoever_asks_takes_nothing),
        cmocka_unit_test(test_kinds_and_keys_are_apart),
        cmocka_unit_test(test_no_limit_is_no_bucket),
        cmocka_unit_test(test_a_full_table_forgets_the_fullest_P8),
        cmocka_unit_test(test_an_ipv6_host_has_one_bucket_for_its_64),
        cmocka_unit_test(test_threads_share_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
