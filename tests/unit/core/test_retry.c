/* test_retry.c - retries and the meaning of answers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/bounce.h"
#include "core/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bounce_rules *rules; /* built in */

#define MINUTE INT64_C(60000)

/* Chance as the test wants it: always the same draw. */
static void fill_bits(void *ctx, void *p, size_t n) {
    memset(p, *(const int *)ctx, n);
}

static void test_default_delays_grow_to_four_hours(void **state) {
    (void)state;
    static const int64_t minutes[] = {1, 3, 5, 10, 20, 40, 80, 160, 240, 240, 240};
    struct retry_schedule schedule;
    retry_schedule_default(&schedule);
    int64_t now = 1000000, end = now + RETRY_LIFE_MS;
    for (size_t i = 0; i < sizeof minutes / sizeof minutes[0]; i++) {
        int64_t least = INT64_MAX, most = 0;
        for (int n = 0; n < 300; n++) {
            int64_t delay = retry_plan(&schedule, (int64_t)i + 1, now, end, rand_system()) - now;
            if (delay < least) least = delay;
            if (delay > most) most = delay;
        }
        assert_in_range(least, minutes[i] * MINUTE * 80 / 100, minutes[i] * MINUTE * 90 / 100);
        assert_in_range(most, minutes[i] * MINUTE * 110 / 100, minutes[i] * MINUTE * 120 / 100);
    }
}

static void test_p4_life_ends_when_it_ends(void **state) {
    (void)state;
    struct retry_schedule schedule;
    int bits = 0x7F;
    struct rand same = {fill_bits, &bits};
    retry_schedule_default(&schedule);
    assert_in_range(retry_plan(&schedule, 1, 0, 100 * MINUTE, &same), 48000, 72000);
    assert_int_equal(retry_plan(&schedule, 9, 0, 100 * MINUTE, &same), 100 * MINUTE); /* the end, not beyond */
    assert_int_equal(retry_plan(&schedule, 1, 100 * MINUTE, 100 * MINUTE, &same), RETRY_NEVER);
    assert_int_equal(retry_plan(&schedule, 1, 101 * MINUTE, 100 * MINUTE, &same), RETRY_NEVER);
}

static void test_a_whole_life_has_bounded_tries(void **state) {
    (void)state;
    struct retry_schedule schedule;
    retry_schedule_default(&schedule);
    int64_t now = 0;
    int tries = 0;
    for (int64_t next = 0; next != RETRY_NEVER; next = retry_plan(&schedule, ++tries, now, RETRY_LIFE_MS, rand_system()))
        now = next;
    assert_in_range(tries, 20, 32);
    assert_int_equal(now, RETRY_LIFE_MS);
}

static void test_schedule_parse(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        size_t count;
        int64_t last_ms;
    } cases[] = {
        {"1s,2s", true, 2, 2000},
        {" 30s , 5m,4h ", true, 3, 4 * 60 * MINUTE},
        {"72h", true, 1, RETRY_LIFE_MS},
        {"", true, 9, 240 * MINUTE},
        {"73h", false, 0, 0},
        {"0s", false, 0, 0},
        {"1s,", false, 0, 0},
        {"5", false, 0, 0},
        {"s", false, 0, 0},
        {"-1s", false, 0, 0},
        {"1d", false, 0, 0},
        {"99999999999h", false, 0, 0},
        {"1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct retry_schedule schedule = {.count = 77};
        BUF_AUTO why = {0};
        assert_int_equal(retry_schedule_parse(str_from_z(cases[i].text), &schedule, &why), cases[i].is_good);
        assert_int_equal(why.n > 0, !cases[i].is_good);
        if (!cases[i].is_good) assert_int_equal(schedule.count, 77);
        if (!cases[i].is_good) continue;
        assert_int_equal(schedule.count, cases[i].count);
        assert_int_equal(schedule.delay_ms[schedule.count - 1], cases[i].last_ms);
    }
}

static void test_answers(void **state) {
    (void)state;
    static const struct {
        unsigned code;
        const char *enhanced, *text;
        enum bounce_verdict verdict;
    } cases[] = {
        {250, "2.0.0", "ok", BOUNCE_DELIVERED},
        {252, "", "cannot verify", BOUNCE_DELIVERED},
        {354, "", "go ahead", BOUNCE_DEFERRED},
        {421, "4.3.2", "closing", BOUNCE_DEFERRED},
        {450, "4.7.1", "greylisted", BOUNCE_DEFERRED},
        {550, "5.1.1", "no such user", BOUNCE_BOUNCED},
        {550, "", "", BOUNCE_BOUNCED},
        {552, "5.2.2", "mailbox full", BOUNCE_BOUNCED},
        {552, "5.5.3", "too much", BOUNCE_DEFERRED},
        {550, "5.7.1", "Greylisted, please come back", BOUNCE_DEFERRED},
        {554, "", "Too Many Recipients in this transaction", BOUNCE_DEFERRED},
        {550, "5.7.1", "Service unavailable; client host blocked using zen.example", BOUNCE_DEFERRED},
        {553, "", "5.7.1 [TS04] messages temporarily deferred", BOUNCE_DEFERRED},
        {550, "5.7.1", "message content rejected", BOUNCE_BOUNCED},
        {550, "5.1.1", "<greylist@there.example>: user unknown", BOUNCE_BOUNCED},
        {550, "", "user not listed at there.example", BOUNCE_BOUNCED},
        {0, "", "", BOUNCE_DEFERRED},
        {600, "", "", BOUNCE_DEFERRED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bounce_finding finding;
        (void)bounce_rules_judge(
            rules, &(struct bounce_reply){cases[i].code, str_from_z(cases[i].enhanced), str_from_z(cases[i].text), STR("")},
            &finding);
        assert_int_equal(finding.verdict, cases[i].verdict);
    }
}

static int open_rules(void **state) {
    (void)state;
    BUF_AUTO why = {0};
    return bounce_rules_load(STR(""), &rules, &why) == STATUS_OK ? 0 : -1;
}

static int close_rules(void **state) {
    (void)state;
    bounce_rules_free(&rules);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_delays_grow_to_four_hours),
        cmocka_unit_test(test_p4_life_ends_when_it_ends),
        cmocka_unit_test(test_a_whole_life_has_bounded_tries),
        cmocka_unit_test(test_schedule_parse),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, open_rules, close_rules);
}
