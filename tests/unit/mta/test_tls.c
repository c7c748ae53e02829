/* test_tls.c - TLS as it is demanded: by messages and sender domains, by DANE, by MTA-STS; on net_sim, over days. Real handshakes
 * and zones: tests/e2e/test_tls_policies.py.
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "core/sts_cache.h"
#include "net/http_client.h"
#include "net_sim/sim_http.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define RULES(...)                                                                                                               \
    (const struct sim_rule[]) {                                                                                                  \
        __VA_ARGS__, {                                                                                                           \
            0                                                                                                                    \
        }                                                                                                                        \
    }
#define EHLO_TLS                                                                                                                 \
    { .pattern = "EHLO *", .reply = "250-x\r\n250-PIPELINING\r\n250 STARTTLS\r\n" }
#define EHLO_REQUIRETLS                                                                                                          \
    { .pattern = "EHLO *", .reply = "250-x\r\n250-STARTTLS\r\n250 REQUIRETLS\r\n" }
#define LABEL            "a-label-of-sixty-characters-as-long-as-a-label-may-well-be"
#define POLICY(mode, mx) "version: STSv1\r\nmode: " mode "\r\nmx: " mx "\r\nmax_age: 604800\r\n"

/* a.test with two hosts, and the policy server that it may have. */
struct scene {
    struct world *w;
    struct http_client *http;
    struct sim_server *first, *second;
};

static struct scene scene_new(const struct sim_rule *first, const struct sim_rule *second) {
    struct scene s = {.w = world_new()};
    struct loop *world = s.w->loop;
    const struct http_client_options options = {.loop = world, .resolver = s.w->resolver};
    assert_int_equal(http_client_new(&options, &s.http), STATUS_OK);
    s.w->options.http = s.http;
    sim_dns_add(world, "a.test", DNS_MX, "10 mx1.a.test");
    sim_dns_add(world, "mx1.a.test", DNS_A, "198.18.0.1");
    sim_dns_add(world, "mta-sts.a.test", DNS_A, "198.18.0.9");
    s.first = sim_server(world, "198.18.0.1:25", first);
    if (second) {
        sim_dns_add(world, "a.test", DNS_MX, "20 mx2.a.test");
        sim_dns_add(world, "mx2.a.test", DNS_A, "198.18.0.2");
        s.second = sim_server(world, "198.18.0.2:25", second);
    }
    return s;
}

static void scene_free(struct scene *s) {
    struct http_client *http = s->http;
    s->w->options.http = NULL;
    world_free(s->w);
    http_client_free(&http);
}

/* The message demands this level. */
static int64_t mail_demanding(struct scene *s, enum tls_level level) {
    BUF_AUTO sql = {0};
    int64_t id = mail(s->w, "b@a.test", NULL, 0);
    buf_addf(&sql, "UPDATE messages SET tls = %d WHERE id = (SELECT message_id FROM recipients WHERE id = %lld)", (int)level,
             (long long)id);
    world_sql(s->w, sql.p);
    return id;
}

static void assert_reason(struct scene *s, int64_t id, const char *words) {
    BUF_AUTO sql = {0};
    buf_addf(&sql, "SELECT 1 FROM recipients WHERE id = %lld AND reason LIKE '%%%s%%'", (long long)id, words);
    if (!world_has(s->w, sql.p)) fail_msg("no \"%s\" in: %s", words, story(s->w, id, 0));
}

static void ST08_what_is_required_goes_to_the_host_that_has_it(void **state) {
    (void)state;
    struct scene s = scene_new(NULL, RULES(EHLO_TLS));
    world_start(s.w);
    assert_story(s.w, mail_demanding(&s, TLS_LEVEL_REQUIRE), 5000, "delivery 250 . mx2.a.test TLS; = delivered");
    assert_story(s.w, mail_demanding(&s, TLS_LEVEL_OPPORTUNISTIC), 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_int_equal(sim_server_message_count(s.first), 1); /* the one that may be read by all */
    scene_free(&s);
}

/* P4: nobody bounces for it, nobody goes in clear, others of the site do not wait for it; in the end the reason is told. */
static void P4_without_such_a_host_it_waits_to_its_end(void **state) {
    (void)state;
    struct scene s = scene_new(RULES({"STARTTLS", "454 4.7.0 no TLS now\r\n"}, EHLO_TLS), NULL);
    world_start(s.w);
    int64_t strict = mail_demanding(&s, TLS_LEVEL_REQUIRE), verified = mail_demanding(&s, TLS_LEVEL_VERIFY);
    int64_t plain = mail_demanding(&s, TLS_LEVEL_OPPORTUNISTIC);
    assert_story(s.w, plain, 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_story(s.w, strict, 5000, "deferred mx1.a.test; = queued");
    assert_reason(&s, strict, "TLS with the host fails, and is required");
    assert_reason(&s, verified, "TLS with the host fails, and is required");
    assert_story(s.w, mail_demanding(&s, TLS_LEVEL_OPPORTUNISTIC), 5000, "delivery 250 . mx1.a.test; = delivered");
    sim_run_for(s.w->loop, 4 * DAY);
    assert_reason(&s, strict, "TLS with the host fails, and is required");
    char *told = story(s.w, strict, 0);
    assert_has(str_from_z(told), "; = failed");
    free(told);
    assert_int_equal(sim_server_message_count(s.first), 2);
    scene_free(&s);
}

static void opportunistic_never_fails_on_a_certificate(void **state) {
    (void)state;
    static const enum tls_check_result checks[] = {TLS_PEER_OK, TLS_PEER_EXPIRED, TLS_PEER_NAME, TLS_PEER_UNTRUSTED,
                                                   TLS_PEER_FAILED};
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct scene s = scene_new(RULES(EHLO_TLS), NULL);
        sim_server_check(s.first, checks[i]);
        world_start(s.w);
        int64_t plain = mail_demanding(&s, TLS_LEVEL_OPPORTUNISTIC), strict = mail_demanding(&s, TLS_LEVEL_VERIFY);
        assert_story(s.w, plain, 5000, "delivery 250 . mx1.a.test TLS; = delivered");
        assert_story(s.w, strict, 5000,
                     i == 0 ? "delivery 250 . mx1.a.test TLS; = delivered" : "deferred mx1.a.test TLS; = queued");
        scene_free(&s);
    }
}

/* What must verify is not sent over a connection whose certificate nobody looked at closely. */
static void strict_mail_has_connections_of_its_own(void **state) {
    (void)state;
    struct scene s = scene_new(RULES(EHLO_TLS), NULL);
    world_start(s.w);
    assert_story(s.w, mail_demanding(&s, TLS_LEVEL_OPPORTUNISTIC), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_story(s.w, mail_demanding(&s, TLS_LEVEL_REQUIRE), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_int_equal(sim_connects(s.w->loop, "198.18.0.1:25"), 2);
    assert_story(s.w, mail_demanding(&s, TLS_LEVEL_VERIFY), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_int_equal(sim_connects(s.w->loop, "198.18.0.1:25"), 3);
    assert_story(s.w, mail_demanding(&s, TLS_LEVEL_VERIFY), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_int_equal(sim_connects(s.w->loop, "198.18.0.1:25"), 3);
    scene_free(&s);
}

static void requiretls_is_said_where_it_is_offered(void **state) {
    (void)state;
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        struct scene s = scene_new(RULES(EHLO_TLS), RULES(EHLO_REQUIRETLS));
        if (is_signed) sim_dns_secure(s.w->loop, "a.test");
        world_start(s.w);
        int64_t id = mail_demanding(&s, TLS_LEVEL_REQUIRETLS);
        assert_story(s.w, id, 5000, is_signed ? "delivery 250 . mx2.a.test TLS; = delivered" : "deferred; = queued");
        if (!is_signed) assert_reason(&s, id, ".a.test: neither DNSSEC nor");
        assert_int_equal(count_of(sim_server_transcript(s.second), " REQUIRETLS"), is_signed);
        assert_int_equal(count_of(sim_server_transcript(s.first), "MAIL"), 0);
        scene_free(&s);
    }
}

/* ---- DANE ---- */
#define TLSA "3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void sign_zone(struct scene *s) {
    static const char *const names[] = {"a.test", "mx1.a.test", "_25._tcp.mx1.a.test"};
    for (size_t i = 0; i < 3; i++) sim_dns_secure(s->w->loop, names[i]);
}

static void DN17_no_word_about_dane_is_no_leave_to_send(void **state) {
    (void)state;
    static const enum status failures[] = {STATUS_TEMPORARY, STATUS_TIMEOUT};
    for (size_t i = 0; i < 2; i++) {
        struct scene s = scene_new(RULES(EHLO_TLS), NULL);
        sign_zone(&s);
        sim_dns_add(s.w->loop, "_25._tcp.mx1.a.test", DNS_TLSA, TLSA);
        sim_dns_fail(s.w->loop, "_25._tcp.mx1.a.test", DNS_TLSA, failures[i], 1);
        world_start(s.w);
        int64_t id = mail(s.w, "b@a.test", NULL, 0);
        assert_story(s.w, id, 5000, "deferred; = queued");
        assert_reason(&s, id, "mx1.a.test: the host''s TLSA records cannot be had");
        assert_int_equal(sim_connects(s.w->loop, "198.18.0.1:25"), 0);
        sim_run_for(s.w->loop, 10 * MINUTE);
        assert_int_equal(sim_server_message_count(s.first), 1);
        assert_int_equal(sim_dns_asked(s.w->loop, "_25._tcp.mx1.a.test", DNS_TLSA), 2); /* a minute or two after */
        scene_free(&s);
    }
}

static void dane_is_obeyed_where_it_is_signed(void **state) {
    (void)state;
    static const struct {
        bool is_signed, has_tls;
        enum tls_check_result check;
        const char *story;
    } rows[] = {
        {true, true, TLS_PEER_OK, "delivery 250 . mx1.a.test TLS; = delivered"},
        {true, true, TLS_PEER_FAILED, "deferred mx1.a.test TLS; = queued"},
        {true, false, TLS_PEER_OK, "deferred mx1.a.test; = queued"},
        {false, true, TLS_PEER_FAILED, "delivery 250 . mx1.a.test TLS; = delivered"},
        {false, false, TLS_PEER_OK, "delivery 250 . mx1.a.test; = delivered"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene s = scene_new(rows[i].has_tls ? RULES(EHLO_TLS) : NULL, NULL);
        if (rows[i].is_signed) sign_zone(&s);
        sim_dns_add(s.w->loop, "_25._tcp.mx1.a.test", DNS_TLSA, TLSA);
        sim_server_check(s.first, rows[i].check);
        world_start(s.w);
        assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), 5000, rows[i].story);
        assert_int_equal(sim_dns_asked(s.w->loop, "_25._tcp.mx1.a.test", DNS_TLSA), rows[i].is_signed);
        scene_free(&s);
    }
}

/* Two domains at one site, only one of them signed: each is served as it demands. */
static void one_site_two_demands(void **state) {
    (void)state;
    struct scene s = scene_new(RULES(EHLO_TLS), NULL);
    sign_zone(&s);
    sim_dns_add(s.w->loop, "_25._tcp.mx1.a.test", DNS_TLSA, TLSA);
    sim_dns_add(s.w->loop, "b.test", DNS_MX, "10 mx1.a.test");
    sim_server_check(s.first, TLS_PEER_FAILED);
    world_start(s.w);
    assert_story(s.w, mail(s.w, "x@b.test", NULL, 0), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_story(s.w, mail(s.w, "x@a.test", NULL, 0), 5000, "deferred mx1.a.test TLS; = queued");
    assert_story(s.w, mail(s.w, "y@b.test", NULL, 0), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    scene_free(&s);
}

/* ---- MTA-STS ---- */
static void OB11_a_policy_is_kept_and_renewed(void **state) {
    (void)state;
    struct scene s = scene_new(RULES(EHLO_TLS), NULL);
    struct loop *world = s.w->loop;
    sim_dns_add(world, "_mta-sts.a.test", DNS_TXT, "v=STSv1; id=1;");
    sim_http_script(world, "mta-sts.a.test",
                    (const struct sim_http_answer[]){{.content_type = "text/plain", .body = POLICY("enforce", "*.a.test")}});
    world_start(s.w);
    assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_int_equal(sim_http_count(world, "mta-sts.a.test"), 1);
    assert_true(world_has(s.w, "SELECT 1 FROM sts_policies WHERE domain = 'a.test' AND id = '1'"));
    sim_run_for(world, 2 * HOUR); /* the route is found anew, the policy is not */
    assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_int_equal(sim_http_count(world, "mta-sts.a.test"), 1);
    sim_run_for(world, DAY);
    assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_int_equal(sim_http_count(world, "mta-sts.a.test"), 2);
    /* A new id: asked at once; what fails leaves the old one in force. */
    sim_dns_remove(world, "_mta-sts.a.test");
    sim_dns_add(world, "_mta-sts.a.test", DNS_TXT, "v=STSv1; id=2;");
    sim_http_script(world, "mta-sts.a.test",
                    (const struct sim_http_answer[]){{.code = 404, .content_type = "text/plain", .body = "no"}});
    sim_server_check(s.first, TLS_PEER_EXPIRED);
    sim_run_for(world, 2 * HOUR);
    int64_t id = mail(s.w, "b@a.test", NULL, 0);
    assert_story(s.w, id, 5000, "deferred mx1.a.test TLS; = queued");
    assert_reason(&s, id, "has expired");
    assert_int_equal(sim_http_count(world, "mta-sts.a.test"), 3);
    assert_true(world_has(s.w, "SELECT 1 FROM sts_policies WHERE domain = 'a.test' AND id = '1'"));
    /* When its time is over, it is over. */
    sim_dns_remove(world, "_mta-sts.a.test");
    sim_run_for(world, 8 * DAY);
    assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    scene_free(&s);
}

static void OB11_a_policy_that_cannot_be_had_is_none_and_asked_for_later(void **state) {
    (void)state;
    struct scene s = scene_new(RULES(EHLO_TLS), NULL);
    struct loop *world = s.w->loop;
    sim_server_check(s.first, TLS_PEER_NAME);
    sim_dns_add(world, "_mta-sts.a.test", DNS_TXT, "v=STSv1; id=1;");
    sim_http_script(world, "mta-sts.a.test",
                    (const struct sim_http_answer[]){{.delay_ms = 2 * STS_FETCH_MS, .times = 1}, /* slow */
                                                     {.content_type = "text/plain", .body = POLICY("enforce", "*.a.test")}});
    world_start(s.w);
    int64_t first = mail(s.w, "b@a.test", NULL, 0);
    assert_story(s.w, first, STS_FETCH_MS - 1000, "= queued"); /* it may still come */
    assert_story(s.w, first, 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), MINUTE, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_int_equal(sim_http_count(world, "mta-sts.a.test"), 1);
    sim_run_for(world, STS_RETRY_S * 1000 + MINUTE);
    assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), 5000, "deferred mx1.a.test TLS; = queued");
    scene_free(&s);
}

/* All places are others', for hours: what is kept holds, and its mail does not wait for them (P6). */
static void OB11_a_kept_policy_needs_no_place(void **state) {
    (void)state;
    struct scene s = scene_new(RULES(EHLO_TLS), NULL);
    struct loop *world = s.w->loop;
    sim_dns_add(world, "_mta-sts.a.test", DNS_TXT, "v=STSv1; id=1;");
    sim_http_script(world, "mta-sts.a.test",
                    (const struct sim_http_answer[]){{.content_type = "text/plain", .body = POLICY("enforce", "*.a.test")}});
    world_start(s.w);
    assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    sim_run_for(world, 2 * DAY);
    sim_http_script(world, "mta-sts.a.test",
                    (const struct sim_http_answer[]){
                        {.status = STATUS_TIMEOUT, .stage = HTTP_CLIENT_WAITING, .delay_ms = STS_FETCH_MS - 1000}});
    assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), MINUTE, "delivery 250 . mx1.a.test TLS; = delivered");
    sim_server_check(s.first, TLS_PEER_EXPIRED);
    sim_run_for(world, 2 * HOUR);
    int64_t id = mail(s.w, "b@a.test", NULL, 0);
    assert_story(s.w, id, MINUTE + 5000, "deferred mx1.a.test TLS; = queued");
    assert_reason(&s, id, "has expired");
    scene_free(&s);
}

/* P8: somebody publishes as much as there may be, for very many names. What is known of the oldest goes, of others nothing. */
static void what_domains_publish_is_bounded(void **state) {
    (void)state;
    enum { DOMAINS = 60 };
    struct scene s = scene_new(RULES(EHLO_TLS), NULL);
    struct loop *world = s.w->loop;
    BUF_AUTO policy = {0};
    buf_add_z(&policy, "version: STSv1\r\nmode: enforce\r\nmax_age: 604800\r\nmx: mx1.a.test\r\n");
    for (int i = 1; i < MTA_STS_MX_MAX; i++)
        buf_addf(&policy, "mx: n%02d.%s%s%s%s\r\n", i, LABEL ".", LABEL ".", LABEL ".", LABEL ".test");
    const struct sim_http_answer big[] = {{.content_type = "text/plain", .body = policy.p}};
    for (int i = 0; i < DOMAINS; i++) {
        char name[64];
        snprintf(name, sizeof name, "d%d.test", i);
        sim_dns_add(world, name, DNS_MX, "10 mx1.a.test");
        snprintf(name, sizeof name, "_mta-sts.d%d.test", i);
        sim_dns_add(world, name, DNS_TXT, "v=STSv1; id=1;");
        snprintf(name, sizeof name, "mta-sts.d%d.test", i);
        sim_dns_add(world, name, DNS_A, "198.18.0.9");
        sim_http_script(world, name, big);
    }
    s.w->options.published_bytes_max = 1 << 20; /* of some thirty of them */
    world_start(s.w);
    assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    for (int i = 0; i < DOMAINS; i++) {
        char address[64];
        snprintf(address, sizeof address, "b@d%d.test", i);
        (void)mail(s.w, address, NULL, 0);
        sim_run_for(world, 1000); /* routes hold for five minutes */
    }
    assert_int_equal(world_number(s.w, "SELECT count(*) FROM recipients WHERE state = 3"), DOMAINS + 1); /* delivered */
    assert_story(s.w, mail(s.w, "c@d0.test", NULL, 0), MINUTE, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_story(s.w, mail(s.w, "c@a.test", NULL, 0), MINUTE, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_story(s.w, mail(s.w, "c@d59.test", NULL, 0), MINUTE, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_int_equal(sim_dns_asked(world, "d0.test", DNS_MX), 2);
    assert_int_equal(sim_dns_asked(world, "a.test", DNS_MX), 1);
    assert_int_equal(sim_dns_asked(world, "d59.test", DNS_MX), 1);
    scene_free(&s);
}

/* A host that the policy does not name gets nothing, not even a connection; testing mode stops nobody. */
static void OB11_hosts_are_those_of_the_policy(void **state) {
    (void)state;
    for (int is_testing = 0; is_testing < 2; is_testing++) {
        struct scene s = scene_new(RULES(EHLO_TLS), RULES(EHLO_TLS));
        struct loop *world = s.w->loop;
        sim_dns_add(world, "_mta-sts.a.test", DNS_TXT, "v=STSv1; id=1;");
        const struct sim_http_answer enforce[] = {{.content_type = "text/plain", .body = POLICY("enforce", "mx2.a.test")}},
                                     testing[] = {{.content_type = "text/plain", .body = POLICY("testing", "mx2.a.test")}};
        sim_http_script(world, "mta-sts.a.test", is_testing ? testing : enforce);
        world_start(s.w);
        assert_story(s.w, mail(s.w, "b@a.test", NULL, 0), 5000,
                     is_testing ? "delivery 250 . mx1.a.test TLS; = delivered" : "delivery 250 . mx2.a.test TLS; = delivered");
        assert_int_equal(sim_connects(world, "198.18.0.1:25"), is_testing);
        scene_free(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ST08_what_is_required_goes_to_the_host_that_has_it),
        cmocka_unit_test(P4_without_such_a_host_it_waits_to_its_end),
        cmocka_unit_test(opportunistic_never_fails_on_a_certificate),
        cmocka_unit_test(strict_mail_has_connections_of_its_own),
        cmocka_unit_test(requiretls_is_said_where_it_is_offered),
        cmocka_unit_test(DN17_no_word_about_dane_is_no_leave_to_send),
        cmocka_unit_test(dane_is_obeyed_where_it_is_signed),
        cmocka_unit_test(one_site_two_demands),
        cmocka_unit_test(OB11_a_policy_is_kept_and_renewed),
        cmocka_unit_test(OB11_a_policy_that_cannot_be_had_is_none_and_asked_for_later),
        cmocka_unit_test(OB11_a_kept_policy_needs_no_place),
        cmocka_unit_test(what_domains_publish_is_bounded),
        cmocka_unit_test(OB11_hosts_are_those_of_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
