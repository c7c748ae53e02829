/* test_sources.c - which of our addresses mail goes out from, and which relay it goes to, on net_sim.
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "store/events.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60000)
#define DAY    (24 * 60 * MINUTE)

/* A world with sources and relays; its day begins at midnight, 2026-01-01. */
struct scene {
    struct world *w;
    struct source_table *sources;
    struct relay_table *relays;
};

static void open_scene(struct scene *s, const struct source_row *sources, size_t source_count, const struct relay_row *relays,
                       size_t relay_count) {
    BUF_AUTO why = {0};
    s->w = world_new();
    assert_int_equal(source_table_new(sources, source_count, STR("gateway.test"), &s->sources, &why), STATUS_OK);
    assert_int_equal(relay_table_new(relays, relay_count, &s->relays, &why), STATUS_OK);
    s->w->options.sources = s->sources;
    s->w->options.relays = s->relays;
}

static void close_scene(struct scene *s) {
    world_free(s->w);
    source_table_free(&s->sources);
    relay_table_free(&s->relays);
}

static struct sim_server *host(struct world *w, const char *domain, const char *name, const char *ip,
                               const struct sim_rule *rules) {
    BUF_AUTO mx = {0};
    BUF_AUTO address = {0};
    bool is_ipv6 = strchr(ip, ':') != NULL;
    buf_addf(&mx, "10 %s", name);
    buf_addf(&address, is_ipv6 ? "[%s]:25" : "%s:25", ip);
    if (domain) sim_dns_add(w->loop, domain, DNS_MX, mx.p);
    sim_dns_add(w->loop, name, is_ipv6 ? DNS_AAAA : DNS_A, ip);
    return sim_server(w->loop, address.p, rules);
}

/* What the store holds of the address that the last delivery went out from. */
static bool went_from(struct world *w, const char *ip) {
    BUF_AUTO sql = {0};
    buf_addf(&sql, "SELECT 1 FROM events WHERE type = %d AND detail LIKE '%%\"SourceAddress\":\"%s\"%%'", EVENT_DELIVERY, ip);
    return world_has(w, sql.p);
}

static bool waits_because(struct world *w, const char *words) {
    BUF_AUTO sql = {0};
    buf_addf(&sql, "SELECT 1 FROM recipients WHERE state < 2 AND reason LIKE '%%%s%%'", words);
    return world_has(w, sql.p);
}

/* ---- sources ---- */
static void a_domain_and_a_key_choose_their_pool(void **state) {
    (void)state;
    const struct source_row rows[] = {
        {.name = STR("a"), .address = STR("192.0.2.1"), .hostname = STR("out1.test")},
        {.name = STR("b"), .address = STR("192.0.2.2"), .hostname = STR("out2.test"), .pools = STR("news")}};
    struct scene s;
    open_scene(&s, rows, 2, NULL, 0);
    struct sim_server *server = host(s.w, "a.test", "mx1.a.test", "198.18.0.1", NULL);
    world_start(s.w);
    assert_story(s.w, mail(s.w, "x@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_true(went_from(s.w, "192.0.2.1") && !went_from(s.w, "192.0.2.2"));
    world_sql(s.w, "UPDATE domains SET pool = 'news'");
    assert_story(s.w, mail(s.w, "y@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_true(went_from(s.w, "192.0.2.2"));
    assert_has(sim_server_transcript(server), "EHLO out1.test");
    assert_has(sim_server_transcript(server), "EHLO out2.test");
    world_sql(s.w, "UPDATE domains SET pool = 'gone'"); /* the configuration has changed: the default one */
    assert_story(s.w, mail(s.w, "z@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_int_equal(sim_connects(s.w->loop, "198.18.0.1:25"), 2);
    close_scene(&s);
}

static void ob33_a_source_that_is_not_here_is_passed_over(void **state) {
    (void)state;
    const struct source_row rows[] = {{.name = STR("a"), .address = STR("192.0.2.1"), .weight = 1000000},
                                      {.name = STR("b"), .address = STR("192.0.2.2")}};
    struct scene s;
    open_scene(&s, rows, 2, NULL, 0);
    host(s.w, "a.test", "mx1.a.test", "198.18.0.1", NULL);
    sim_down(s.w->loop, "192.0.2.1:0", true);
    world_start(s.w);
    assert_story(s.w, mail(s.w, "x@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_true(went_from(s.w, "192.0.2.2"));
    assert_true(world_has(s.w, "SELECT 1 FROM decisions WHERE source = 'a' AND because LIKE 'its address 192.0.2.1 is not%'"));
    sim_run_for(s.w->loop, 10 * MINUTE);
    sim_down(s.w->loop, "192.0.2.1:0", false);
    assert_story(s.w, mail(s.w, "y@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_true(went_from(s.w, "192.0.2.1"));
    close_scene(&s);
}

static void ob33_alone_its_mail_waits_with_the_reason(void **state) {
    (void)state;
    const struct source_row rows[] = {{.name = STR("a"), .address = STR("192.0.2.1")}};
    struct scene s;
    open_scene(&s, rows, 1, NULL, 0);
    host(s.w, "a.test", "mx1.a.test", "198.18.0.1", NULL);
    sim_down(s.w->loop, "192.0.2.1:0", true);
    world_start(s.w);
    int64_t id = mail(s.w, "x@a.test", NULL, 0);
    assert_story(s.w, id, 60 * MINUTE, "= queued"); /* nobody was asked: no attempt */
    assert_int_equal(sim_connects(s.w->loop, "198.18.0.1:25"), 0);
    assert_int_equal(world_number(s.w, "SELECT COUNT(*) FROM decisions WHERE source = 'a'"), 1);
    sim_down(s.w->loop, "192.0.2.1:0", false);
    assert_story(s.w, id, 6 * MINUTE, "delivery 250 . mx1.a.test; = delivered");
    close_scene(&s);
}

static void without_a_source_for_it_ipv6_is_not_asked_for(void **state) {
    (void)state;
    const struct source_row rows[] = {{.name = STR("a"), .address = STR("192.0.2.1")}};
    struct scene s;
    open_scene(&s, rows, 1, NULL, 0);
    host(s.w, "a.test", "mx1.a.test", "198.18.0.1", NULL);
    host(s.w, NULL, "mx1.a.test", "2001:db8:1::1", NULL);
    world_start(s.w);
    assert_story(s.w, mail(s.w, "x@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_int_equal(sim_dns_asked(s.w->loop, "mx1.a.test", DNS_AAAA), 0);
    close_scene(&s);
}

static void dn18_ipv4_goes_on_in_seconds_where_ipv6_does_not(void **state) {
    (void)state;
    const struct source_row rows[] = {{.name = STR("six"), .address = STR("2001:db8::1"), .weight = 1000000},
                                      {.name = STR("four"), .address = STR("192.0.2.1")}};
    for (int is_black = 0; is_black < 2; is_black++) {
        struct scene s;
        open_scene(&s, rows, 2, NULL, 0);
        host(s.w, "a.test", "mx1.a.test", "198.18.0.1", NULL);
        host(s.w, NULL, "mx1.a.test", "2001:db8:1::1", NULL);
        sim_blackhole(s.w->loop, "[2001:db8:1::1]:25", is_black);
        sim_down(s.w->loop, "[2001:db8:1::1]:25", !is_black);
        world_start(s.w);
        assert_story(s.w, mail(s.w, "x@a.test", NULL, 0), 10000, "delivery 250 . mx1.a.test; = delivered");
        assert_true(sim_connects(s.w->loop, "[2001:db8:1::1]:25") > 0);
        assert_true(went_from(s.w, "192.0.2.1"));
        close_scene(&s);
    }
}

static void ipv6_goes_out_from_the_source_that_declares_it(void **state) {
    (void)state;
    const struct source_row rows[] = {{.name = STR("six"), .address = STR("2001:db8::1")},
                                      {.name = STR("four"), .address = STR("192.0.2.1")}};
    struct scene s;
    open_scene(&s, rows, 2, NULL, 0);
    host(s.w, "six.test", "mx.six.test", "2001:db8:1::1", NULL);
    host(s.w, "four.test", "mx.four.test", "198.18.0.1", NULL);
    world_start(s.w);
    assert_story(s.w, mail(s.w, "x@six.test", NULL, 0), 5000, "delivery 250 . mx.six.test; = delivered");
    assert_true(went_from(s.w, "2001:db8::1") && !went_from(s.w, "192.0.2.1"));
    assert_story(s.w, mail(s.w, "x@four.test", NULL, 0), 5000, "delivery 250 . mx.four.test; = delivered");
    assert_true(went_from(s.w, "192.0.2.1"));
    close_scene(&s);
}

/* ---- warm-up ---- */
static const struct source_row warming[] = {
    {.name = STR_INIT("new"), .address = STR_INIT("192.0.2.1"), .warmup = STR_INIT("2026-01-01"), .warmup_plan = STR_INIT("2,3")},
    {.name = STR_INIT("old"), .address = STR_INIT("192.0.2.2")}};

static void mail_some(struct world *w, int count) {
    static const struct posting posting = {"x@a.test", 0};
    for (int i = 0; i < count; i++) (void)mail_many(w, &posting, 1);
}

static void a_warming_source_sends_so_much_a_day(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, warming, 1, NULL, 0);
    struct sim_server *server = host(s.w, "a.test", "mx1.a.test", "198.18.0.1", NULL);
    world_start(s.w);
    mail_some(s.w, 10);
    sim_run_for(s.w->loop, 60 * MINUTE);
    assert_int_equal(sim_server_message_count(server), 2);
    assert_int_equal(count_of(sim_server_transcript(server), "(connect)"), sim_connects(s.w->loop, "198.18.0.1:25"));
    assert_true(sim_connects(s.w->loop, "198.18.0.1:25") <= 2); /* nobody connects to say nothing */
    assert_int_equal(world_number(s.w, "SELECT count FROM source_counts WHERE source = 'new' AND provider = ''"), 2);
    sim_run_for(s.w->loop, DAY);
    assert_int_equal(sim_server_message_count(server), 5);
    sim_run_for(s.w->loop, DAY); /* warm */
    assert_int_equal(sim_server_message_count(server), 10);
    assert_int_equal(world_number(s.w, "SELECT COUNT(*) FROM source_counts"), 2); /* and counts nothing any more */
    close_scene(&s);
}

static void the_rest_goes_out_from_warm_sources(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, warming, 2, NULL, 0);
    struct sim_server *server = host(s.w, "a.test", "mx1.a.test", "198.18.0.1", NULL);
    world_start(s.w);
    mail_some(s.w, 40);
    sim_run_for(s.w->loop, MINUTE);
    assert_int_equal(sim_server_message_count(server), 40);
    assert_in_range(world_number(s.w, "SELECT COUNT(*) FROM events WHERE detail LIKE '%\"SourceAddress\":\"192.0.2.1\"%'"), 1, 2);
    close_scene(&s);
}

static void what_was_not_sent_does_not_count(void **state) {
    (void)state;
    struct sim_rule rules[] = {{.pattern = "RCPT *", .reply = "450 4.2.0 greylisted\r\n", .times = 6}, {0}};
    struct scene s;
    open_scene(&s, warming, 1, NULL, 0);
    host(s.w, "a.test", "mx1.a.test", "198.18.0.1", rules);
    world_start(s.w);
    mail_some(s.w, 6);
    sim_run_for(s.w->loop, 30 * MINUTE);
    assert_int_equal(world_number(s.w, "SELECT COUNT(*) FROM recipients WHERE state = 3"), 2);
    assert_int_equal(world_number(s.w, "SELECT count FROM source_counts"), 2);
    close_scene(&s);
}

static void a_restart_does_not_begin_the_day_anew(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, warming, 1, NULL, 0);
    struct sim_server *server = host(s.w, "a.test", "mx1.a.test", "198.18.0.1", NULL);
    BUF_AUTO sql = {0};
    buf_addf(&sql, "INSERT INTO source_counts VALUES ('new', '', %lld, 1)",
             (long long)(clock_wall_ms(loop_clock(s.w->loop)) / DAY));
    world_sql(s.w, sql.p);
    world_start(s.w);
    mail_some(s.w, 5);
    sim_run_for(s.w->loop, 60 * MINUTE);
    assert_int_equal(sim_server_message_count(server), 1);
    close_scene(&s);
}

/* A connection of another pool is no hope: what is spent says so at once (P4). */
static void what_is_spent_says_so_beside_the_mail_of_another_pool(void **state) {
    (void)state;
    const struct source_row rows[] = {warming[1],
                                      {.name = STR("cold"),
                                       .address = STR("192.0.2.3"),
                                       .pools = STR("news"),
                                       .warmup = STR("2026-01-01"),
                                       .warmup_plan = STR("2,3")}};
    struct scene s;
    open_scene(&s, rows, 2, NULL, 0);
    struct sim_server *server = host(s.w, "a.test", "mx1.a.test", "198.18.0.1", NULL);
    world_start(s.w);
    assert_story(s.w, mail(s.w, "x@a.test", NULL, 0), 5000, "delivery 250 . mx1.a.test; = delivered");
    world_sql(s.w, "UPDATE domains SET pool = 'news'");
    mail_some(s.w, 5);
    sim_run_for(s.w->loop, 5000);
    assert_int_equal(sim_server_message_count(server), 3);
    assert_true(waits_because(s.w, "Warm-up: source cold had its day''s mail"));
    sim_run_for(s.w->loop, DAY);
    assert_int_equal(sim_server_message_count(server), 6);
    close_scene(&s);
}

/* ---- relays ---- */
#define EHLO_TLS                                                                                                                 \
    { .pattern = "EHLO *", .reply = "250-r\r\n250 STARTTLS\r\n", .times = 1 }
#define EHLO_AUTH                                                                                                                \
    { .pattern = "EHLO *", .reply = "250-r\r\n250 AUTH PLAIN LOGIN\r\n" }
#define AUTH_OK                                                                                                                  \
    { .pattern = "AUTH PLAIN AG1lAGh1bnRlcjI=", .reply = "235 2.7.0 ok\r\n" }
#define AUTH_NO                                                                                                                  \
    { .pattern = "AUTH *", .reply = "535 5.7.8 no AG1lAGh1bnRlcjI=\r\n" }

static void a_domain_goes_to_its_relay(void **state) {
    (void)state;
    const struct relay_row rows[] = {
        {.name = STR("smarthost"), .host = STR("198.18.0.9"), .port = 25, .tls = -1},
        {.name = STR("inside"), .host = STR("mx.corp.test"), .port = 25, .tls = -1, .domains = STR("*.corp.test")}};
    struct scene s;
    open_scene(&s, NULL, 0, rows, 2);
    struct sim_server *smart = sim_server(s.w->loop, "198.18.0.9:25", NULL);
    struct sim_server *inside = host(s.w, NULL, "mx.corp.test", "198.18.0.8", NULL);
    world_start(s.w);
    assert_story(s.w, mail(s.w, "x@a.corp.test", NULL, 0), 5000, "delivery 250 . mx.corp.test; = delivered");
    assert_story(s.w, mail(s.w, "x@b.corp.test", NULL, 0), 5000, "delivery 250 . mx.corp.test; = delivered");
    assert_story(s.w, mail(s.w, "x@nowhere.test", NULL, 0), 5000, "delivery 250 . 198.18.0.9; = delivered");
    assert_int_equal(sim_server_message_count(inside), 2);
    assert_int_equal(sim_connects(s.w->loop, "198.18.0.8:25"), 1); /* one site */
    assert_int_equal(sim_server_message_count(smart), 1);
    assert_true(world_has(s.w, "SELECT 1 FROM events WHERE detail LIKE '%\"Site\":\"relay:inside\"%'"));
    close_scene(&s);
}

static void a_sender_goes_to_his_relay(void **state) {
    (void)state;
    const struct relay_row rows[] = {
        {.name = STR("shop"), .host = STR("mx.shop.test"), .port = 25, .tls = -1, .senders = STR("sender.test")}};
    struct scene s;
    open_scene(&s, NULL, 0, rows, 1);
    struct sim_server *relay = host(s.w, NULL, "mx.shop.test", "198.18.0.8", NULL);
    struct sim_server *direct = host(s.w, "a.test", "mx1.a.test", "198.18.0.1", NULL);
    world_start(s.w);
    int64_t id = 0;
    for (int i = 0; i < 30; i++) id = mail(s.w, "x@a.test", NULL, 0);
    int64_t lost = mail(s.w, "x@nowhere.test", NULL, 0);
    assert_story(s.w, id, 10000, "delivery 250 . mx.shop.test; = delivered");
    assert_story(s.w, lost, 10000, "delivery 250 . mx.shop.test; = delivered"); /* what DNS says of it is the relay's to judge */
    assert_int_equal(sim_server_message_count(relay), 31);
    assert_int_equal(sim_server_message_count(direct), 0);
    sim_down(s.w->loop, "198.18.0.8:25", true);
    sim_run_for(s.w->loop, 10 * MINUTE);
    id = mail(s.w, "y@a.test", NULL, 0);
    assert_story(s.w, id, 10000, "deferred mx.shop.test; = queued");
    sim_down(s.w->loop, "198.18.0.8:25", false);
    assert_story(s.w, id, 30 * MINUTE, "deferred mx.shop.test; delivery 250 . mx.shop.test; = delivered");
    close_scene(&s);
}

static const struct relay_row with_login[] = {{.name = STR_INIT("r"),
                                               .host = STR_INIT("mx.relay.test"),
                                               .port = 25,
                                               .tls = -1,
                                               .user = STR_INIT("me"),
                                               .password = STR_INIT("hunter2"),
                                               .domains = STR_INIT("a.test")}};

static void p10_logs_in_where_the_certificate_is_good(void **state) {
    (void)state;
    struct sim_rule rules[] = {EHLO_TLS, EHLO_AUTH, AUTH_OK, {0}};
    struct scene s;
    open_scene(&s, NULL, 0, with_login, 1);
    struct sim_server *server = host(s.w, NULL, "mx.relay.test", "198.18.0.8", rules);
    world_start(s.w);
    assert_story(s.w, mail(s.w, "x@a.test", NULL, 0), 5000, "delivery 250 . mx.relay.test TLS; = delivered");
    assert_int_equal(count_of(sim_server_transcript(server), "AUTH PLAIN"), 1);
    close_scene(&s);
}

static void p10_says_no_password_to_another_one_or_in_clear(void **state) {
    (void)state;
    struct sim_rule unverified[] = {EHLO_TLS, EHLO_AUTH, AUTH_OK, {0}}, clear[] = {EHLO_AUTH, AUTH_OK, {0}},
                    failing[] = {{.pattern = "STARTTLS", .reply = "220 go\r\n", .then = SIM_TLS_FAIL},
                                 {.pattern = "EHLO *", .reply = "250-r\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"},
                                 AUTH_OK,
                                 {0}};
    struct sim_rule *const cases[] = {unverified, clear, failing};
    for (size_t i = 0; i < 3; i++) {
        struct scene s;
        open_scene(&s, NULL, 0, with_login, 1);
        struct sim_server *server = host(s.w, NULL, "mx.relay.test", "198.18.0.8", cases[i]);
        if (i == 0) sim_server_check(server, TLS_PEER_UNTRUSTED);
        world_start(s.w);
        int64_t id = mail(s.w, "x@a.test", NULL, 0);
        assert_story(s.w, id, 20000, i == 0 ? "deferred mx.relay.test TLS; = queued" : "deferred mx.relay.test; = queued");
        assert_int_equal(count_of(sim_server_transcript(server), "AUTH"), 0);
        assert_int_equal(count_of(sim_server_transcript(server), "MAIL"), 0);
        close_scene(&s);
    }
}

static void p10_a_refused_login_waits_and_says_so(void **state) {
    (void)state;
    struct sim_rule rules[] = {EHLO_TLS, EHLO_AUTH, AUTH_NO, {0}};
    struct scene s;
    open_scene(&s, NULL, 0, with_login, 1);
    host(s.w, NULL, "mx.relay.test", "198.18.0.8", rules);
    world_start(s.w);
    assert_story(s.w, mail(s.w, "x@a.test", NULL, 0), 20000, "deferred 535 AUTH mx.relay.test TLS; = queued");
    assert_true(waits_because(s.w, "535 5.7.8 The relay refused our login"));
    assert_true(world_has(s.w, "SELECT 1 FROM decisions WHERE site = 'relay:r' AND because LIKE '%refused our login%'"));
    assert_false(world_has(s.w, "SELECT 1 FROM events WHERE detail LIKE '%AG1lAGh1bnRlcjI=%'"));
    close_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_and_a_key_choose_their_pool),
        cmocka_unit_test(ob33_a_source_that_is_not_here_is_passed_over),
        cmocka_unit_test(ob33_alone_its_mail_waits_with_the_reason),
        cmocka_unit_test(without_a_source_for_it_ipv6_is_not_asked_for),
        cmocka_unit_test(dn18_ipv4_goes_on_in_seconds_where_ipv6_does_not),
        cmocka_unit_test(ipv6_goes_out_from_the_source_that_declares_it),
        cmocka_unit_test(a_warming_source_sends_so_much_a_day),
        cmocka_unit_test(the_rest_goes_out_from_warm_sources),
        cmocka_unit_test(what_is_spent_says_so_beside_the_mail_of_another_pool),
        cmocka_unit_test(what_was_not_sent_does_not_count),
        cmocka_unit_test(a_restart_does_not_begin_the_day_anew),
        cmocka_unit_test(a_domain_goes_to_its_relay),
        cmocka_unit_test(a_sender_goes_to_his_relay),
        cmocka_unit_test(p10_logs_in_where_the_certificate_is_good),
        cmocka_unit_test(p10_says_no_password_to_another_one_or_in_clear),
        cmocka_unit_test(p10_a_refused_login_waits_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
