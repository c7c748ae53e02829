/* test_sts_cache.c - MTA-STS policies: kept, due, and what answers mean (OB11).
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "core/sts_cache.h"

#define DAY_MS INT64_C(86400000)
#define POLICY "version: STSv1\nmode: enforce\nmx: *.example.com\nmx: mx.example.net\nmax_age: 604800\n"

static struct sts_answer answer_of(const char *body) {
    return (struct sts_answer){
        .came = true, .code = 200, .content_type = STR("text/plain; charset=utf-8"), .body = str_from_z(body)};
}

static void test_OB11_answers(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct sts_entry entry;
    const struct sts_answer good = answer_of(POLICY);
    assert_int_equal(sts_answer_judge(&good, STR("7"), NOW, &arena, &entry), TLS_RESULT_SUCCESS);
    assert_str(entry.id, "7");
    assert_int_equal(entry.expires_at, NOW + 7 * DAY_MS);
    assert_int_equal(entry.policy.mode, MTA_STS_ENFORCE);

    struct sts_answer cases[] = {good, good, good, good, good, good, good, good};
    static const enum tls_result expected[] = {
        TLS_RESULT_STS_POLICY_FETCH_ERROR, TLS_RESULT_STS_POLICY_FETCH_ERROR, TLS_RESULT_STS_POLICY_FETCH_ERROR,
        TLS_RESULT_STS_WEBPKI_INVALID,     TLS_RESULT_STS_POLICY_INVALID,     TLS_RESULT_STS_POLICY_INVALID,
        TLS_RESULT_STS_POLICY_INVALID,     TLS_RESULT_STS_POLICY_INVALID,
    };
    cases[0].code = 404;
    cases[1].code = 301; /* redirects are not followed */
    cases[2].came = false;
    cases[3].came = false;
    cases[3].is_certificate_bad = true;
    cases[4].is_cut = true; /* 10 MB */
    cases[5].content_type = STR("text/html");
    cases[6].content_type = STR("");
    cases[7].body = STR("<html>");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum tls_result result = sts_answer_judge(&cases[i], STR("7"), NOW, &arena, &entry);
        if (result != expected[i]) fail_msg("case %zu: %s", i, tls_result_name(result));
    }
    assert_str(sts_policy_url(&arena, STR("example.com"), 0), "https://mta-sts.example.com/.well-known/mta-sts.txt");
}

static void test_when_a_fetch_is_due(void **state) {
    (void)state;
    const struct sts_entry week = {.id = STR("7"), .fetched_at = NOW, .expires_at = NOW + 7 * DAY_MS};
    const struct sts_entry hour = {.id = STR("7"), .fetched_at = NOW, .expires_at = NOW + DAY_MS / 24};
    assert_true(sts_is_fetch_due(NULL, STR("7"), NOW));
    assert_false(sts_is_fetch_due(NULL, STR(""), NOW));
    assert_false(sts_is_fetch_due(&week, STR(""), NOW + 2 * DAY_MS)); /* the record is gone: what we have holds */
    assert_true(sts_is_fetch_due(&week, STR("8"), NOW));
    assert_false(sts_is_fetch_due(&week, STR("7"), NOW + DAY_MS - 1));
    assert_true(sts_is_fetch_due(&week, STR("7"), NOW + DAY_MS)); /* long before it expires */
    assert_false(sts_is_fetch_due(&hour, STR("7"), NOW + DAY_MS / 48 - 1));
    assert_true(sts_is_fetch_due(&hour, STR("7"), NOW + DAY_MS / 48));
}

static void test_policies_are_kept_while_they_hold(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sts_entry entry, found;
    const struct sts_answer first = answer_of(POLICY), second = answer_of("version: STSv1\nmode: none\nmax_age: 86400\n");
    assert_int_equal(sts_cache_load(f->db, STR("example.com"), NOW, &f->arena, &found), STATUS_NOT_FOUND);
    assert_int_equal(sts_answer_judge(&first, STR("7"), NOW, &f->arena, &entry), TLS_RESULT_SUCCESS);
    assert_ok(sts_cache_save(f->db, STR("example.com"), &entry));
    assert_ok(sts_cache_load(f->db, STR("example.com"), NOW + 6 * DAY_MS, &f->arena, &found));
    assert_str(found.id, "7");
    assert_int_equal(found.policy.mode, MTA_STS_ENFORCE);
    assert_int_equal(found.policy.mx_count, 2);
    assert_str(found.policy.mx[0], "*.example.com");
    assert_int_equal(found.policy.max_age_s, 604800);
    assert_int_equal(found.fetched_at, NOW);
    assert_int_equal(sts_cache_load(f->db, STR("example.com"), NOW + 7 * DAY_MS, &f->arena, &found), STATUS_NOT_FOUND);
    assert_int_equal(sts_cache_load(f->db, STR("mail.example.com"), NOW, &f->arena, &found), STATUS_NOT_FOUND);

    assert_int_equal(sts_answer_judge(&second, STR("8"), NOW + DAY_MS, &f->arena, &entry), TLS_RESULT_SUCCESS);
    assert_ok(sts_cache_save(f->db, STR("example.com"), &entry));
    assert_ok(sts_cache_load(f->db, STR("example.com"), NOW + DAY_MS, &f->arena, &found));
    assert_str(found.id, "8");
    assert_int_equal(found.policy.mode, MTA_STS_NONE);

    /* What expired goes when another is written. */
    entry.fetched_at = NOW + 9 * DAY_MS;
    entry.expires_at = NOW + 10 * DAY_MS;
    assert_ok(sts_cache_save(f->db, STR("example.net"), &entry));
    assert_int_equal(sts_cache_load(f->db, STR("example.com"), NOW, &f->arena, &found), STATUS_NOT_FOUND);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_OB11_answers),
        cmocka_unit_test(test_when_a_fetch_is_due),
        cmocka_unit_test(test_policies_are_kept_while_they_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
