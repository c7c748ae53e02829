/* test_hook_plan.c - webhook calls without a store: signatures as Standard Webhooks has them, the plan of retries, an endpoint's
 * health, its owner's header fields.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/hook_headers.h"
#include "core/hook_plan.h"
#include "core/hook_sign.h"

#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define T0     INT64_C(1795600000000)
#define assert_text(s, z)                                                                                                        \
    do {                                                                                                                         \
        struct str actual_ = (s);                                                                                                \
        assert_int_equal(actual_.n, strlen(z));                                                                                  \
        assert_memory_equal(actual_.p, z, actual_.n);                                                                            \
    } while (0)

/* ---- signatures ---- */
#define KEY STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

static void signs(struct str id, int64_t at_s, struct str body, const char *want) {
    BUF_AUTO out = {0};
    const struct str key = KEY;
    const struct hook_letter letter = {id, at_s, body};
    assert_int_equal(hook_sign(&letter, &key, 1, &out), STATUS_OK);
    assert_text(buf_str(&out), want);
}

/* The first is the vector of the Standard Webhooks libraries. */
static void test_WH25_a_signature_is_what_the_libraries_expect(void **state) {
    (void)state;
    signs(STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330, STR("{\"test\": 2432232314}"),
          "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    signs(STR("evt_1"), 1795600000, STR("{\"a\":\"Z\xC3\xBCrich \xE2\x80\x93 \xE2\x9C\x93\"}"),
          "v1,hVbrUQO88Wg5D0UQfzyWHlzjZm2Puib1Lw4ZFJW3vv8=");
}

static void test_WH25_whatever_changes_changes_the_signature_and_two_keys_sign_twice(void **state) {
    (void)state;
    BUF_AUTO one = {0};
    BUF_AUTO two = {0};
    const struct str keys[] = {KEY, STR_INIT("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")};
    const struct hook_letter letter = {STR("evt_1"), 1, STR("{}")};
    const struct hook_letter others[] = {
        {STR("evt_2"), 1, STR("{}")}, {STR("evt_1"), 2, STR("{}")}, {STR("evt_1"), 1, STR("{} ")}, {STR("evt_"), 11, STR("{}")}};
    assert_int_equal(hook_sign(&letter, keys, 1, &one), STATUS_OK);
    for (size_t i = 0; i < 4; i++) {
        BUF_AUTO other = {0};
        assert_int_equal(hook_sign(&others[i], keys, 1, &other), STATUS_OK);
        assert_false(str_eq(buf_str(&one), buf_str(&other)));
    }
    assert_int_equal(hook_sign(&letter, keys, 2, &two), STATUS_OK);
    assert_true(str_starts(buf_str(&two), buf_str(&one)));
    assert_true(str_starts(str_sub(buf_str(&two), one.n, SIZE_MAX), STR(" v1,")));
    assert_int_equal(two.n, 2 * one.n + 1);
}

static void test_what_is_no_key_signs_nothing(void **state) {
    (void)state;
    BUF_AUTO out = {0};
    const struct hook_letter letter = {STR("evt_1"), 1, STR("{}")};
    const struct str bad[] = {STR_INIT(""), STR_INIT("whsec_"), STR_INIT("whsec_###"), STR_INIT("whsec_AAE")};
    for (size_t i = 0; i < 4; i++) {
        const struct str keys[] = {KEY, bad[i]};
        assert_int_equal(hook_sign(&letter, keys, 2, &out), STATUS_INVALID);
        assert_int_equal(out.n, 0);
    }
}

/* ---- the plan ---- */
static struct hook_answer answer(unsigned code, int64_t retry_after_s, int64_t at) {
    return (struct hook_answer){.code = code, .retry_after_s = retry_after_s, .began_at = at, .ended_at = at};
}

static void test_only_2xx_is_success_and_redirects_are_failures(void **state) {
    (void)state;
    static const unsigned again[] = {0, 100, 199, 300, 301, 302, 303, 307, 308, 400, 401, 404, 408, 409, 429, 500, 503, 599};
    struct hook_answer a = answer(200, 0, T0);
    assert_int_equal(hook_judge(&a), HOOK_TAKEN);
    a.code = 299;
    assert_int_equal(hook_judge(&a), HOOK_TAKEN);
    a.code = 410;
    assert_int_equal(hook_judge(&a), HOOK_GONE);
    for (size_t i = 0; i < sizeof again / sizeof again[0]; i++) {
        a.code = again[i];
        assert_int_equal(hook_judge(&a), HOOK_AGAIN); /* WH16 */
    }
}

static void test_ten_tries_in_about_three_days(void **state) {
    (void)state;
    static const int64_t seconds[] = {5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400};
    const struct hook_answer a = answer(500, 0, T0);
    for (int64_t attempt = 1; attempt < HOOK_TRIES; attempt++) {
        int64_t least = INT64_MAX, most = 0;
        for (int i = 0; i < 200; i++) {
            int64_t wait = hook_next_try(attempt, &a, rand_system()) - T0;
            least = wait < least ? wait : least;
            most = wait > most ? wait : most;
        }
        assert_true(least >= seconds[attempt - 1] * SECOND);
        assert_true(most <= seconds[attempt - 1] * SECOND * 12 / 10);
        assert_true(most > least);
    }
    assert_int_equal(hook_next_try(HOOK_TRIES, &a, rand_system()), HOOK_NEVER);
    assert_int_equal(hook_next_try(0, &a, rand_system()), HOOK_NEVER);
}

static void test_WH26_retry_after_is_honoured_within_reason(void **state) {
    (void)state;
    struct hook_answer a = answer(429, 600, T0);
    assert_int_equal(hook_next_try(1, &a, rand_system()), T0 + 600 * SECOND);
    a.retry_after_s = 1; /* sooner than planned: the plan stands */
    assert_true(hook_next_try(2, &a, rand_system()) >= T0 + 300 * SECOND);
    a.retry_after_s = INT64_MAX;
    assert_int_equal(hook_next_try(1, &a, rand_system()), T0 + DAY);
    a.retry_after_s = -1000000000;
    assert_true(hook_next_try(1, &a, rand_system()) <= T0 + 6 * SECOND);
    a.retry_after_s = 600;
    struct hook_health after = hook_health_after(&(struct hook_health){0}, &a);
    assert_int_equal(after.paused_until, T0 + 600 * SECOND);
    a.code = 400; /* about what was sent: the others go on */
    after = hook_health_after(&(struct hook_health){0}, &a);
    assert_int_equal(after.paused_until, 0);
}

/* ---- health ---- */
static void test_WH26_an_endpoint_that_fails_is_called_less_and_less(void **state) {
    (void)state;
    static const int64_t seconds[] = {5, 30, 120, 300, 300, 300};
    struct hook_health h = {0};
    int64_t now = T0;
    for (size_t i = 0; i < 6; i++) {
        const struct hook_answer a = answer(i % 2 ? 0 : 503, 0, now);
        h = hook_health_after(&h, &a);
        assert_int_equal(h.failures, i + 1);
        assert_int_equal(h.failing_since, T0);
        assert_int_equal(h.paused_until, now + seconds[i] * SECOND);
        now = h.paused_until;
    }
    const struct hook_answer good = answer(204, 0, now);
    h = hook_health_after(&h, &good);
    assert_int_equal(h.failures + h.failing_since + h.paused_until + h.failed_at, 0);
}

static void test_failures_that_were_under_way_together_count_once(void **state) {
    (void)state;
    struct hook_health h = {0};
    for (int i = 0; i < 20; i++) {
        const struct hook_answer a = {.code = 0, .began_at = T0, .ended_at = T0 + 15 * SECOND + i};
        h = hook_health_after(&h, &a);
    }
    assert_int_equal(h.failures, 1);
    assert_int_equal(h.paused_until, T0 + 20 * SECOND);
}

static void test_refusals_pause_only_when_there_is_nothing_else(void **state) {
    (void)state;
    struct hook_health h = {0};
    for (int i = 0; i < 4; i++) {
        const struct hook_answer a = answer(404, 0, T0 + i);
        h = hook_health_after(&h, &a);
        assert_int_equal(h.paused_until, 0);
    }
    const struct hook_answer a = answer(404, 0, T0 + 10);
    h = hook_health_after(&h, &a);
    assert_int_equal(h.paused_until, T0 + 10 + 5 * SECOND);
}

static void test_five_days_of_failure_are_an_end(void **state) {
    (void)state;
    struct hook_health h = {.failures = 9, .failing_since = T0};
    assert_false(hook_is_dead(&h, T0 + 5 * DAY - 1));
    assert_true(hook_is_dead(&h, T0 + 5 * DAY));
    h.failing_since = 0;
    assert_false(hook_is_dead(&h, T0 + 5 * DAY));
}

/* ---- header fields ---- */
static const char *refuses(const char *json) {
    static char text[300];
    ARENA_AUTO arena = {0};
    BUF_AUTO why = {0};
    struct hook_headers headers;
    text[0] = 0;
    if (hook_headers_parse(str_from_z(json), &arena, &headers, &why)) return "";
    assert_true(why.n > 0 && why.n < sizeof text);
    memcpy(text, why.p, why.n + 1);
    return text;
}

static void test_header_fields_are_judged(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO why = {0};
    struct hook_headers headers;
    assert_true(hook_headers_parse(STR("{\"Authorization\":\"Bearer a b\",\"X-Y\":\"\"}"), &arena, &headers, &why));
    assert_int_equal(headers.count, 2);
    assert_text(headers.items[0].name, "Authorization");
    assert_text(headers.items[0].value, "Bearer a b");
    assert_true(hook_headers_parse(STR(""), &arena, &headers, &why));
    assert_int_equal(headers.count, 0);
    assert_string_equal(refuses("[]"), "Headers is an object of names and values");
    assert_string_equal(refuses("{\"a\":1}"), "The header \"a\" has a value that is no text");
    assert_string_equal(refuses("{\"a\":\"x\\r\\nHost: y\"}"), "The header \"a\" has a value that is no header value");
    assert_string_equal(refuses("{\"a b\":\"x\"}"), "The header \"a b\" is no header name");
    assert_string_equal(refuses("{\"\":\"x\"}"), "The header \"\" is no header name");
    assert_string_equal(refuses("{\"hOst\":\"x\"}"), "The header \"hOst\" is set by the gateway");
    assert_string_equal(refuses("{\"Webhook-Signature\":\"x\"}"), "The header \"Webhook-Signature\" is set by the gateway");
    assert_string_equal(refuses("{\"a\":\"x\",\"A\":\"y\"}"), "The header \"A\" stands there twice");
}

static void test_p10_header_fields_are_kept_sealed(void **state) {
    (void)state;
    BUF_AUTO sealed = {0};
    BUF_AUTO open = {0};
    const struct seal_key key = {{1}}, other = {{2}};
    hook_headers_seal(&key, 7, STR("{\"a\":\"secret\"}"), rand_system(), &sealed);
    assert_int_equal(str_find_str(buf_str(&sealed), STR("secret")), STR_NONE);
    assert_int_equal(hook_headers_open(&key, 8, buf_str(&sealed), &open), STATUS_CORRUPT);
    assert_int_equal(hook_headers_open(&other, 7, buf_str(&sealed), &open), STATUS_CORRUPT);
    assert_int_equal(hook_headers_open(&key, 7, buf_str(&sealed), &open), STATUS_OK);
    assert_text(buf_str(&open), "{\"a\":\"secret\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_WH25_a_signature_is_what_the_libraries_expect),
        cmocka_unit_test(test_WH25_whatever_changes_changes_the_signature_and_two_keys_sign_twice),
        cmocka_unit_test(test_what_is_no_key_signs_nothing),
        cmocka_unit_test(test_only_2xx_is_success_and_redirects_are_failures),
        cmocka_unit_test(test_ten_tries_in_about_three_days),
        cmocka_unit_test(test_WH26_retry_after_is_honoured_within_reason),
        cmocka_unit_test(test_WH26_an_endpoint_that_fails_is_called_less_and_less),
        cmocka_unit_test(test_failures_that_were_under_way_together_count_once),
        cmocka_unit_test(test_refusals_pause_only_when_there_is_nothing_else),
        cmocka_unit_test(test_five_days_of_failure_are_an_end),
        cmocka_unit_test(test_header_fields_are_judged),
        cmocka_unit_test(test_p10_header_fields_are_kept_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
