/* test_tls_reports.c - sessions counted by deliveries, and the days of reports about them, on net_sim's clock (RFC 8460).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "mta/tls_reporter.h"
#include "net_sim/sim_http.h"

#include <stdio.h>
#include <stdlib.h>

#define HOUR    (3600 * 1000)
#define MINUTE  (60 * 1000)
#define WAITING "SELECT 1 FROM tls_reports"

struct scene {
    struct world *w;
    struct http_client *http;
    struct tls_reporter *reporter;
    int64_t day;
    size_t offered;
    bool is_stopped;
};

static int64_t now(const struct scene *s) {
    return clock_wall_ms(loop_clock(s->w->loop));
}

/* ---- what deliveries count ---- */
static void one_host(struct world *w, const char *domain, const struct sim_rule *rules) {
    char mx[64];
    snprintf(mx, sizeof mx, "10 mx1.%s", domain);
    sim_dns_add(w->loop, domain, DNS_MX, mx);
    sim_dns_add(w->loop, mx + 3, DNS_A, "198.18.0.1");
    sim_server(w->loop, "198.18.0.1:25", rules);
}

static void assert_counted(struct world *w, const char *domain, const char *result, int64_t sessions) {
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT coalesce(sum(sessions), 0) FROM tls_counts WHERE domain = '%s' AND result = '%s'", domain,
             result);
    assert_int_equal(world_number(w, sql), sessions);
}

/* Messages do not count, connections do; domains that share one have one each. */
static void connections_are_counted(void **state) {
    (void)state;
    struct world *w = world_new();
    one_host(w, "a.test", NULL);
    w->options.site_connections_max = 1;
    world_start(w);
    (void)mail_all(w, "1@a.test,2@a.test,3@a.test");
    sim_run_for(w->loop, 3 * MINUTE); /* past the end of idling */
    (void)mail(w, "4@a.test", NULL, 0);
    sim_run_for(w->loop, MINUTE);
    assert_counted(w, "a.test", "starttls-not-supported", 0); /* still in memory */
    sim_run_for(w->loop, 5 * MINUTE);
    assert_counted(w, "a.test", "starttls-not-supported", 2);
    assert_true(world_has(w, "SELECT 1 FROM tls_counts WHERE host = 'mx1.a.test' AND host_ip = '198.18.0.1' AND sender_ip > ''"));
    assert_true(world_has(w, "SELECT 1 FROM tls_reports WHERE domain = 'a.test' AND due_at > (day + 1) * 86400000"));
    world_free(w);
}

static const struct sim_rule tls_rules[] = {
    {"EHLO*", "250-mx1.a.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n", 0, SIM_GO_ON, 1},
    {"STARTTLS", "220 go\r\n", 0, SIM_TLS, 0},
    {NULL, NULL, 0, SIM_GO_ON, 0},
};

static void what_is_in_memory_is_written_at_the_stop(void **state) {
    (void)state;
    struct world *w = world_new();
    one_host(w, "a.test", tls_rules);
    world_start(w);
    int64_t id = mail(w, "1@a.test", NULL, 0);
    assert_story(w, id, 5000, "delivery 250 . mx1.a.test TLS; = delivered");
    assert_false(world_has(w, WAITING));
    mta_stop(w->mta, 1000, NULL, NULL);
    sim_run_for(w->loop, 2000);
    mta_free(&w->mta);
    assert_counted(w, "a.test", "", 1);
    world_free(w);
}

/* ---- reports ---- */
static void offer(void *arg, const struct queue_entry *entries, size_t count) {
    struct scene *s = arg;
    (void)entries;
    s->offered += count;
}

static struct scene scene_new(void) {
    struct scene s = {.w = world_new()};
    struct world *w = s.w;
    assert_int_equal(http_client_new(&(struct http_client_options){.loop = w->loop, .resolver = w->resolver}, &s.http),
                     STATUS_OK);
    sim_set_wall(w->loop, now(&s) / CLOCK_DAY_MS * CLOCK_DAY_MS + 20 * MINUTE); /* yesterday's are due within four hours */
    s.day = now(&s) / CLOCK_DAY_MS - 1;
    return s;
}

static void scene_start(struct scene *s, const char *from) {
    struct world *w = s->w;
    s->reporter = tls_reporter_new(&(struct tls_reporter_options){
        .loop = w->loop,
        .writer = w->writer,
        .readers = w->readers,
        .resolver = w->resolver,
        .http = s->http,
        .report = {.from = str_from_z(from), .owner = {w->options.node_id, w->options.epoch}, .rand = sim_rand(w->loop)},
        .queue_offer = offer,
        .arg = s});
}

static void on_stopped(void *arg) {
    ((struct scene *)arg)->is_stopped = true;
}
static bool is_stopped(void *arg) {
    return ((struct scene *)arg)->is_stopped;
}

static void scene_free(struct scene *s) {
    tls_reporter_stop(s->reporter, on_stopped, s);
    assert_true(sim_run_until(s->w->loop, is_stopped, s, 1000));
    tls_reporter_free(&s->reporter);
    http_client_free(&s->http);
    world_free(s->w);
}

struct counting {
    const char *domain;
    int64_t day, due_at;
};

static enum status write_count(void *arg, struct db *db) {
    const struct counting *c = arg;
    return tls_count_add(db,
                         &(struct tls_count){.day = c->day,
                                             .domain = str_from_z(c->domain),
                                             .policy_key = STR("k"),
                                             .policy = STR("{\"policy-type\":\"no-policy-found\"}"),
                                             .result = STR(""),
                                             .sender_ip = STR(""),
                                             .host = STR(""),
                                             .host_ip = STR(""),
                                             .reason = STR(""),
                                             .sessions = 3},
                         c->due_at);
}

static void count(struct scene *s, const char *domain, int64_t day, int64_t due_at) {
    struct counting c = {domain, day, due_at};
    world_write(s->w, write_count, &c);
}

static void wants(struct scene *s, const char *domain, const char *rua) {
    char name[96], record[256];
    snprintf(name, sizeof name, "_smtp._tls.%s", domain);
    snprintf(record, sizeof record, "v=TLSRPTv1; rua=%s", rua);
    sim_dns_add(s->w->loop, name, DNS_TXT, record);
}

static void they_go_when_due_to_whoever_wants_them(void **state) {
    (void)state;
    static const struct sim_http_answer takes[] = {{.code = 201}};
    struct scene s = scene_new();
    wants(&s, "mail.test", "mailto:r@reports.test");
    wants(&s, "web.test", "https://web.test/x");
    wants(&s, "both.test", "https://web.test/y,mailto:r@reports.test,mailto:q@reports.test");
    sim_dns_add(s.w->loop, "web.test", DNS_A, "8.8.8.8");
    sim_http_script(s.w->loop, "web.test", takes);
    static const char *const domains[] = {"mail.test", "web.test", "both.test", "silent.test"};
    for (size_t i = 0; i < 4; i++) count(&s, domains[i], s.day, now(&s) + HOUR);
    scene_start(&s, "tlsrpt@sender.test");
    sim_run_for(s.w->loop, HOUR - MINUTE);
    assert_int_equal(world_number(s.w, "SELECT count(*) FROM tls_reports"), 4);
    sim_run_for(s.w->loop, 2 * MINUTE);
    assert_false(world_has(s.w, WAITING));
    assert_false(world_has(s.w, "SELECT 1 FROM tls_counts"));
    assert_false(world_has(s.w, "SELECT 1 FROM tls_policies"));
    assert_int_equal(sim_http_count(s.w->loop, "web.test"), 2);
    assert_has(sim_http_request(s.w->loop, "web.test", 0), "Content-Type: application/tlsrpt+gzip\n");
    assert_int_equal(s.offered, 3);
    assert_int_equal(world_number(s.w, "SELECT count(*) FROM recipients WHERE domain = 'reports.test'"), 3);
    scene_free(&s);
}

static void tries_are_repeated_for_a_day_and_then_end(void **state) {
    (void)state;
    static const struct sim_http_answer refuses[] = {{.code = 500}};
    struct scene s = scene_new();
    wants(&s, "web.test", "https://web.test/x");
    sim_dns_add(s.w->loop, "web.test", DNS_A, "8.8.8.8");
    sim_http_script(s.w->loop, "web.test", refuses);
    sim_dns_fail(s.w->loop, "_smtp._tls.broken.test", DNS_TXT, STATUS_TEMPORARY, -1);
    wants(&s, "private.test", "https://10.0.0.1/x");
    count(&s, "web.test", s.day, now(&s));
    count(&s, "broken.test", s.day, now(&s));
    count(&s, "private.test", s.day, now(&s));
    scene_start(&s, "tlsrpt@sender.test");
    sim_run_for(s.w->loop, 23 * HOUR);
    assert_int_equal(world_number(s.w, "SELECT count(*) FROM tls_reports WHERE attempts > 5"), 3);
    sim_run_for(s.w->loop, 7 * HOUR);
    assert_false(world_has(s.w, WAITING));
    assert_true(sim_http_count(s.w->loop, "web.test") > 5 && sim_http_count(s.w->loop, "web.test") < 20);
    assert_int_equal(s.offered, 0);
    scene_free(&s);
}

/* The domain of `from` is none of ours: mail cannot go, and is not lost at once. */
static void from_must_be_a_sender_domain(void **state) {
    (void)state;
    struct scene s = scene_new();
    wants(&s, "mail.test", "mailto:r@reports.test");
    count(&s, "mail.test", s.day, now(&s));
    scene_start(&s, "tlsrpt@elsewhere.test");
    sim_run_for(s.w->loop, MINUTE);
    assert_true(world_has(s.w, WAITING " WHERE attempts = 1"));
    assert_int_equal(s.offered, 0);
    scene_free(&s);
}

static void many_go_at_a_bounded_rate(void **state) {
    (void)state;
    struct scene s = scene_new();
    for (int i = 0; i < 500; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%d.test", i);
        if (i % 2) wants(&s, domain, "mailto:r@reports.test");
        count(&s, domain, s.day, now(&s));
    }
    scene_start(&s, "tlsrpt@sender.test");
    sim_run_for(s.w->loop, MINUTE);
    assert_false(world_has(s.w, WAITING));
    assert_int_equal(s.offered, 250);
    scene_free(&s);
}

static void without_from_old_ones_are_dropped_and_none_sent(void **state) {
    (void)state;
    struct scene s = scene_new();
    wants(&s, "old.test", "mailto:r@reports.test");
    count(&s, "old.test", s.day - 20, now(&s) - HOUR);
    count(&s, "new.test", s.day, now(&s) - HOUR);
    scene_start(&s, "");
    sim_run_for(s.w->loop, MINUTE);
    assert_false(world_has(s.w, WAITING " WHERE domain = 'old.test'"));
    assert_true(world_has(s.w, WAITING " WHERE domain = 'new.test'"));
    assert_int_equal(s.offered, 0);
    scene_free(&s);
}

/* Stopped while it asks, and while it posts: what was not finished is still there. */
static void a_stop_loses_none(void **state) {
    (void)state;
    static const struct sim_http_answer slow[] = {{.code = 200, .delay_ms = 20000}};
    struct scene s = scene_new();
    wants(&s, "web.test", "https://web.test/x");
    sim_dns_add(s.w->loop, "web.test", DNS_A, "8.8.8.8");
    sim_http_script(s.w->loop, "web.test", slow);
    wants(&s, "slow.test", "mailto:r@reports.test");
    sim_dns_delay(s.w->loop, "_smtp._tls.slow.test", 20000);
    count(&s, "web.test", s.day, now(&s));
    count(&s, "slow.test", s.day, now(&s));
    scene_start(&s, "tlsrpt@sender.test");
    sim_run_for(s.w->loop, 15000);
    assert_int_equal(sim_http_count(s.w->loop, "web.test"), 1);
    tls_reporter_stop(s.reporter, on_stopped, &s);
    sim_run_for(s.w->loop, MINUTE);
    assert_true(s.is_stopped);
    assert_int_equal(world_number(s.w, "SELECT count(*) FROM tls_reports"), 2);
    scene_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_counted),
        cmocka_unit_test(what_is_in_memory_is_written_at_the_stop),
        cmocka_unit_test(they_go_when_due_to_whoever_wants_them),
        cmocka_unit_test(tries_are_repeated_for_a_day_and_then_end),
        cmocka_unit_test(from_must_be_a_sender_domain),
        cmocka_unit_test(many_go_at_a_bounded_rate),
        cmocka_unit_test(without_from_old_ones_are_dropped_and_none_sent),
        cmocka_unit_test(a_stop_loses_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
