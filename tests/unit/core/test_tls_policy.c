/* test_tls_policy.c - demands and the judge: rows that say what is expected, and rules that hold for every combination.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/tls_policy.h"

#define HOST STR("mx.example.com")

/* What a test's domain publishes, and the demand for it. */
struct stage {
    struct arena arena;
    struct dns_record tlsa;
    struct tls_host host;
    struct tls_published published;
    struct tls_demand demand;
};

static void stage_set(struct stage *s, enum tls_level level, enum dane_state dane, enum mta_sts_mode sts, const char *mx) {
    static const char digest[] = "0123456789abcdef0123456789abcdef";
    s->tlsa = (struct dns_record){.usage = 3, .selector = 1, .matching = 1, .text = STR(digest)};
    s->host = (struct tls_host){.name = HOST, .dane_name = HOST, .dane = dane};
    if (dane == DANE_USABLE) {
        s->host.tlsa = &s->tlsa;
        s->host.tlsa_count = 1;
    }
    s->published = (struct tls_published){.domain = STR("example.com"), .sts = {.mode = sts}, .is_mx_secure = dane != DANE_NONE};
    s->published.hosts = &s->host;
    s->published.host_count = dane != DANE_NONE;
    s->published.sts.mx = ARENA_NEW(&s->arena, struct str);
    s->published.sts.mx[0] = str_from_z(mx);
    s->published.sts.mx_count = 1;
    tls_published_seal(&s->published, &s->arena);
    tls_demand_make(level, TLS_LEVEL_OPPORTUNISTIC, &s->published, &s->arena, &s->demand);
}

enum { CLEAR = 100, FAILED_TLS }; /* beside enum tls_check */

static struct tls_facts facts_of(int connection, bool offers_requiretls) {
    struct tls_facts f = {.is_tls = connection < CLEAR, .is_tried = connection != CLEAR, .offers_requiretls = offers_requiretls};
    f.check = f.is_tls ? (enum tls_check)connection : TLS_CHECK_FAILED;
    return f;
}

static void test_ST08_ST10_OB10_judgements(void **state) {
    (void)state;
    static const struct {
        enum tls_level level;
        enum dane_state dane;
        enum mta_sts_mode sts;
        int connection;
        bool is_fit;
        const char *result, *policy;
    } rows[] = {
        /* in clear */
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_NONE, CLEAR, true, "", "opportunistic"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_NONE, FAILED_TLS, true, "", "opportunistic"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_TESTING, CLEAR, true, "starttls-not-supported", "mta-sts-testing"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_TESTING, FAILED_TLS, true, "validation-failure", "mta-sts-testing"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_ENFORCE, CLEAR, false, "starttls-not-supported", "mta-sts"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_ENFORCE, FAILED_TLS, false, "validation-failure", "mta-sts"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_USABLE, MTA_STS_NONE, CLEAR, false, "starttls-not-supported", "dane"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_UNUSABLE, MTA_STS_NONE, CLEAR, false, "starttls-not-supported", "dane"},
        {TLS_LEVEL_REQUIRE, DANE_NONE, MTA_STS_NONE, CLEAR, false, "starttls-not-supported", "require"},
        {TLS_LEVEL_REQUIRE, DANE_NONE, MTA_STS_NONE, FAILED_TLS, false, "validation-failure", "require"},
        {TLS_LEVEL_WAIVE, DANE_USABLE, MTA_STS_ENFORCE, CLEAR, true, "", "opportunistic"},
        /* opportunistic never fails on a certificate */
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_NONE, TLS_CHECK_EXPIRED, true, "", "opportunistic"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_NONE, TLS_CHECK_UNTRUSTED, true, "", "opportunistic"},
        {TLS_LEVEL_REQUIRE, DANE_NONE, MTA_STS_NONE, TLS_CHECK_NAME, true, "", "require"},
        {TLS_LEVEL_VERIFY, DANE_NONE, MTA_STS_NONE, TLS_CHECK_OK, true, "", "verify"},
        {TLS_LEVEL_VERIFY, DANE_NONE, MTA_STS_NONE, TLS_CHECK_NAME, false, "certificate-host-mismatch", "verify"},
        {TLS_LEVEL_VERIFY, DANE_NONE, MTA_STS_TESTING, TLS_CHECK_EXPIRED, false, "certificate-expired", "verify"},
        {TLS_LEVEL_WAIVE, DANE_USABLE, MTA_STS_ENFORCE, TLS_CHECK_UNTRUSTED, true, "", "opportunistic"},
        /* MTA-STS */
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_ENFORCE, TLS_CHECK_OK, true, "", "mta-sts"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_ENFORCE, TLS_CHECK_EXPIRED, false, "certificate-expired", "mta-sts"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_ENFORCE, TLS_CHECK_UNTRUSTED, false, "certificate-not-trusted", "mta-sts"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_TESTING, TLS_CHECK_NAME, true, "certificate-host-mismatch",
         "mta-sts-testing"},
        {TLS_LEVEL_REQUIRE, DANE_NONE, MTA_STS_ENFORCE, TLS_CHECK_OK, true, "", "mta-sts"},
        /* DANE, which stands above MTA-STS */
        {TLS_LEVEL_OPPORTUNISTIC, DANE_USABLE, MTA_STS_ENFORCE, TLS_CHECK_OK, true, "", "dane"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_USABLE, MTA_STS_TESTING, TLS_CHECK_FAILED, false, "validation-failure", "dane"},
        {TLS_LEVEL_OPPORTUNISTIC, DANE_UNUSABLE, MTA_STS_NONE, TLS_CHECK_UNTRUSTED, true, "tlsa-invalid", "dane"},
        {TLS_LEVEL_VERIFY, DANE_UNUSABLE, MTA_STS_NONE, TLS_CHECK_UNTRUSTED, false, "certificate-not-trusted", "dane"},
        {TLS_LEVEL_VERIFY, DANE_USABLE, MTA_STS_NONE, TLS_CHECK_OK, true, "", "dane"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stage s = {.arena = {0}};
        stage_set(&s, rows[i].level, rows[i].dane, rows[i].sts, "*.example.com");
        struct tls_facts facts = facts_of(rows[i].connection, false);
        struct tls_verdict v = tls_judge(&s.demand, HOST, &facts);
        if (v.is_fit != rows[i].is_fit || !str_eq(str_from_z(tls_result_name(v.result)), str_from_z(rows[i].result)))
            fail_msg("row %zu: %d %s", i, v.is_fit, tls_result_name(v.result));
        assert_string_equal(tls_demand_policy(&s.demand, HOST), rows[i].policy);
        arena_fini(&s.arena);
    }
}

static void check_rules(const struct stage *s, enum tls_level level, int connection, bool offers) {
    struct tls_facts facts = facts_of(connection, offers);
    struct tls_verdict host = tls_judge_host(&s->demand, HOST), v = tls_judge(&s->demand, HOST, &facts);
    enum dane_state dane = level == TLS_LEVEL_WAIVE ? DANE_NONE : s->host.dane;
    enum mta_sts_mode sts = level == TLS_LEVEL_WAIVE || dane != DANE_NONE ? MTA_STS_NONE : s->published.sts.mode;
    bool must_encrypt = s->demand.level >= TLS_LEVEL_REQUIRE || dane != DANE_NONE || sts == MTA_STS_ENFORCE;
    bool must_verify = s->demand.level >= TLS_LEVEL_VERIFY || dane == DANE_USABLE || sts == MTA_STS_ENFORCE;
    bool wants_requiretls = s->demand.level == TLS_LEVEL_REQUIRETLS;
    bool should_fit =
        facts.is_tls ? (!must_verify || facts.check == TLS_CHECK_OK) && (!wants_requiretls || offers) : !must_encrypt;
    assert_int_equal(v.is_fit, should_fit);
    assert_int_equal(tls_demand_allows_clear(&s->demand, HOST), !must_encrypt);
    /* whoever is turned away is told why, in words, with a temporary code (P4) */
    const struct tls_verdict both[] = {host, v};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(both[i].words[0] != '\0', both[i].result != TLS_RESULT_SUCCESS);
        if (both[i].is_fit) continue;
        assert_int_equal(both[i].enhanced[0], '4');
        assert_true(both[i].result != TLS_RESULT_SUCCESS);
    }
    bool mx_fits = mta_sts_mx_matches(&s->published.sts, HOST);
    bool is_authentic = s->published.is_mx_secure || (s->published.sts.mode == MTA_STS_ENFORCE && mx_fits);
    bool host_fits = dane != DANE_UNKNOWN && (sts != MTA_STS_ENFORCE || mx_fits) && (!wants_requiretls || is_authentic);
    assert_int_equal(host.is_fit, host_fits);
}

static void test_the_judge_over_all_combinations(void **state) {
    (void)state;
    static const int connections[] = {TLS_CHECK_OK, TLS_CHECK_EXPIRED, TLS_CHECK_NAME, TLS_CHECK_UNTRUSTED, TLS_CHECK_FAILED,
                                      CLEAR,        FAILED_TLS};
    static const char *const patterns[] = {"*.example.com", "other.example.com"};
    for (int level = 0; level <= TLS_LEVEL_WAIVE; level++)
        for (int dane = 0; dane <= DANE_UNKNOWN; dane++)
            for (int sts = 0; sts <= MTA_STS_ENFORCE; sts++)
                for (size_t more = 0; more < 4 * sizeof connections / sizeof connections[0]; more++) {
                    struct stage s = {.arena = {0}};
                    stage_set(&s, (enum tls_level)level, (enum dane_state)dane, (enum mta_sts_mode)sts, patterns[more % 2]);
                    check_rules(&s, (enum tls_level)level, connections[more / 4], more / 2 % 2);
                    arena_fini(&s.arena);
                }
}

static void test_the_stricter_of_message_and_domain_counts(void **state) {
    (void)state;
    for (int message = 0; message <= TLS_LEVEL_WAIVE; message++)
        for (int domain = 0; domain <= TLS_LEVEL_REQUIRETLS; domain++) {
            ARENA_AUTO arena = {0};
            struct tls_demand d;
            tls_demand_make((enum tls_level)message, (enum tls_level)domain, NULL, &arena, &d);
            int expected = message == TLS_LEVEL_WAIVE || message < domain ? domain : message;
            assert_int_equal(d.level, expected);
            assert_int_equal(d.waives, message == TLS_LEVEL_WAIVE);
        }
}

static struct str key_of(struct stage *s, enum tls_level level, enum dane_state dane, enum mta_sts_mode sts, const char *mx) {
    stage_set(s, level, dane, sts, mx);
    return s->demand.key;
}

static void test_keys_tell_demands_apart(void **state) {
    (void)state;
    struct stage s = {.arena = {0}};
    struct str keys[] = {
        key_of(&s, TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_NONE, "a"),
        key_of(&s, TLS_LEVEL_REQUIRE, DANE_NONE, MTA_STS_NONE, "a"),
        key_of(&s, TLS_LEVEL_WAIVE, DANE_NONE, MTA_STS_NONE, "a"),
        key_of(&s, TLS_LEVEL_REQUIRETLS, DANE_NONE, MTA_STS_ENFORCE, "a"),
        key_of(&s, TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_TESTING, "a"),
        key_of(&s, TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_ENFORCE, "a"),
        key_of(&s, TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_ENFORCE, "b"),
        key_of(&s, TLS_LEVEL_OPPORTUNISTIC, DANE_USABLE, MTA_STS_NONE, "a"),
        key_of(&s, TLS_LEVEL_OPPORTUNISTIC, DANE_UNKNOWN, MTA_STS_NONE, "a"),
    };
    size_t count = sizeof keys / sizeof keys[0];
    for (size_t i = 0; i < count; i++) {
        assert_in_range(keys[i].n, 1, 39);
        for (size_t j = i + 1; j < count; j++) assert_false(str_eq(keys[i], keys[j]));
    }
    assert_true(str_eq(keys[0], STR("o"))); /* the usual case costs no digest */
    assert_true(str_eq(keys[0], key_of(&s, TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_NONE, "b")));
    assert_true(str_eq(keys[6], key_of(&s, TLS_LEVEL_OPPORTUNISTIC, DANE_NONE, MTA_STS_ENFORCE, "b")));
    /* A copy is its own. */
    ARENA_AUTO other = {0};
    struct tls_demand copy;
    stage_set(&s, TLS_LEVEL_VERIFY, DANE_USABLE, MTA_STS_ENFORCE, "*.example.com");
    struct str key = s.demand.key;
    tls_demand_copy(&s.demand, &other, &copy);
    assert_true(str_eq(copy.key, key));
    arena_fini(&s.arena);
    const struct tls_host *h = tls_demand_dane(&copy, STR("MX.example.com"));
    assert_non_null(h);
    assert_int_equal(h->tlsa[0].text.n, 32);
    assert_null(tls_demand_dane(&copy, STR("other.example.com")));
    assert_true(mta_sts_mx_matches(&copy.published.sts, STR("a.example.com")));
}

static void test_a_trust_anchor_is_shared_by_no_other_domain(void **state) {
    (void)state;
    struct stage s = {.arena = {0}};
    stage_set(&s, TLS_LEVEL_OPPORTUNISTIC, DANE_USABLE, MTA_STS_NONE, "a");
    struct tls_published p = s.published;
    p.domain = STR("example.org");
    tls_published_seal(&p, &s.arena);
    assert_true(str_eq(p.key, s.published.key));
    s.tlsa.usage = DNS_TLSA_TRUST_ANCHOR; /* its certificates may be for the domain's own name (RFC 7672 3.2.2) */
    tls_published_seal(&p, &s.arena);
    tls_published_seal(&s.published, &s.arena);
    assert_false(str_eq(p.key, s.published.key));
    arena_fini(&s.arena);
}

static void test_levels_have_names(void **state) {
    (void)state;
    for (int i = 0; i <= TLS_LEVEL_WAIVE; i++) {
        enum tls_level level = TLS_LEVEL_OPPORTUNISTIC;
        assert_true(tls_level_parse(str_from_z(tls_level_name((enum tls_level)i)), &level));
        assert_int_equal(level, i);
    }
    enum tls_level level;
    assert_false(tls_level_parse(STR(""), &level));
    assert_false(tls_level_parse(STR("requires"), &level));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ST08_ST10_OB10_judgements),
        cmocka_unit_test(test_the_judge_over_all_combinations),
        cmocka_unit_test(test_the_stricter_of_message_and_domain_counts),
        cmocka_unit_test(test_keys_tell_demands_apart),
        cmocka_unit_test(test_a_trust_anchor_is_shared_by_no_other_domain),
        cmocka_unit_test(test_levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
