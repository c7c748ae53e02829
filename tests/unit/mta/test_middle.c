/* test_middle.c - lots, pauses, relays and clocks against each other: nobody is starved or forgotten (P4, P6), and no
 * count is left behind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "world.h"

#include "mta/own.h"

#include <stdio.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define A_TEST "198.18.0.1:25"

static struct sim_server *host(struct world *w, const char *domain, const char *ip, const struct sim_rule *rules) {
    char mx[64], record[80], address[64];
    (void)snprintf(mx, sizeof mx, "mx.%s", domain);
    (void)snprintf(record, sizeof record, "10 %s", mx);
    (void)snprintf(address, sizeof address, "%s:25", ip);
    sim_dns_add(w->loop, domain, DNS_MX, record);
    sim_dns_add(w->loop, mx, DNS_A, ip);
    return sim_server(w->loop, address, rules);
}

static void mail_some(struct world *w, const char *recipient, size_t count) {
    struct posting postings[500];
    assert_true(count <= 500);
    for (size_t i = 0; i < count; i++) postings[i] = (struct posting){recipient, 1};
    (void)mail_many(w, postings, count);
}

static int64_t mail_verified(struct world *w, const char *recipient) {
    char sql[128];
    int64_t id = mail(w, recipient, NULL, 0);
    (void)snprintf(sql, sizeof sql, "UPDATE messages SET tls = %d WHERE id = (SELECT message_id FROM recipients WHERE id = %lld)",
                   (int)TLS_LEVEL_VERIFY, (long long)id);
    world_sql(w, sql);
    return id;
}

static void no_answer(struct live_question *q) {
    (void)q;
}

/* The operator's word. */
static bool order(struct world *w, enum live_ask what, enum live_pause_kind kind, const char *name, int64_t until) {
    struct live_question q = {.what = what,
                              .kind = kind,
                              .name = str_from_z(name),
                              .until = until,
                              .because = STR("paused by the operator"),
                              .done = no_answer};
    mta_ask(w->mta, &q);
    sim_run_for(w->loop, 0);
    arena_fini(&q.arena);
    return q.is_found;
}

static int64_t waiting(struct world *w) {
    return world_number(w, "SELECT COUNT(*) FROM recipients WHERE state IN (0, 1)");
}

static int64_t state_of(struct world *w, int64_t id) {
    char sql[80];
    (void)snprintf(sql, sizeof sql, "SELECT state FROM recipients WHERE id = %lld", (long long)id);
    return world_number(w, sql);
}

/* ---- lots ---- */
static void a_backlog_keeps_no_other_demand_out(size_t connections, int64_t delay_ms) {
    const struct sim_rule slow[] = {{.pattern = "EHLO *", .reply = "250-x\r\n250-PIPELINING\r\n250 STARTTLS\r\n"},
                                    {.pattern = "(message)", .reply = "250 ok\r\n", .delay_ms = delay_ms},
                                    {0}};
    struct world *w = world_new();
    host(w, "a.test", "198.18.0.1", slow);
    w->options.site_connections_max = connections;
    world_start(w);
    mail_some(w, "x@a.test", 500);
    mail_some(w, "x@a.test", 500);
    sim_run_for(w->loop, 2 * SECOND);
    int64_t id = mail_verified(w, "code@a.test");
    sim_run_for(w->loop, 10 * SECOND);
    assert_true(waiting(w) > 300);
    assert_int_equal(state_of(w, id), 3);
    sim_run_for(w->loop, 10 * MINUTE);
    assert_int_equal(waiting(w), 0);
    assert_in_range(sim_connects(w->loop, A_TEST), 2, 40);
    world_free(w);
}

static void P6_a_backlog_keeps_no_other_demand_out(void **state) {
    (void)state;
    a_backlog_keeps_no_other_demand_out(1, 100);
    a_backlog_keeps_no_other_demand_out(20, 1000);
}

/* Two demands at a host that takes one message a minute: both go on, and each needs its own connection. */
static void P6_two_demands_share_a_slow_rate(void **state) {
    (void)state;
    static const struct sim_rule tls[] = {{.pattern = "EHLO *", .reply = "250-x\r\n250 STARTTLS\r\n"}, {0}};
    BUF_AUTO why = {0};
    struct world *w = world_new();
    host(w, "a.test", "198.18.0.1", tls);
    assert_int_equal(providers_parse(STR("[a]\nmx = mx.a.test\nconnections = 1\nrate = 1"), &why, &w->options.providers),
                     STATUS_OK);
    world_start(w);
    providers_unref(&w->options.providers);
    mail_some(w, "x@a.test", 60);
    for (int i = 0; i < 20; i++) (void)mail_verified(w, "y@a.test");
    sim_run_for(w->loop, 45 * MINUTE);
    assert_in_range(world_number(w, "SELECT COUNT(*) FROM recipients WHERE state = 3"), 40, 46);
    assert_in_range(world_number(w, "SELECT COUNT(*) FROM recipients WHERE state = 3 AND address LIKE 'y@%'"), 10, 20);
    sim_run_for(w->loop, 45 * MINUTE);
    assert_int_equal(waiting(w), 0);
    assert_true(sim_connects(w->loop, A_TEST) < 100);
    world_free(w);
}

/* ---- pauses ---- */
static void P4_a_source_that_is_resumed_sends_what_waited_for_it(void **state) {
    (void)state;
    const struct source_row rows[] = {{.name = STR("a"), .address = STR("192.0.2.1")},
                                      {.name = STR("b"), .address = STR("192.0.2.2"), .pools = STR("news")}};
    BUF_AUTO why = {0};
    struct source_table *sources;
    struct world *w = world_new();
    assert_int_equal(source_table_new(rows, 2, STR("gateway.test"), &sources, &why), STATUS_OK);
    w->options.sources = sources;
    host(w, "a.test", "198.18.0.1", NULL);
    world_start(w);
    assert_true(order(w, LIVE_PAUSE, LIVE_PAUSE_SOURCE, "a", SHAPE_NO_END));
    mail_some(w, "x@a.test", 30);
    sim_run_for(w->loop, 2 * HOUR);
    assert_int_equal(waiting(w), 30);
    assert_int_equal(sim_connects(w->loop, A_TEST), 0);
    assert_true(order(w, LIVE_RESUME, LIVE_PAUSE_SOURCE, "a", 0));
    sim_run_for(w->loop, 20 * MINUTE);
    assert_int_equal(waiting(w), 0);
    world_free(w);
    source_table_free(&sources);
}

static void P4_a_relay_that_is_resumed_sends_what_waited_for_it(void **state) {
    (void)state;
    const struct relay_row row = {
        .name = STR("r"), .host = STR("198.18.0.2"), .port = 25, .tls = -1, .senders = STR("sender.test")};
    BUF_AUTO why = {0};
    struct relay_table *relays;
    struct world *w = world_new();
    assert_int_equal(relay_table_new(&row, 1, &relays, &why), STATUS_OK);
    w->options.relays = relays;
    host(w, "a.test", "198.18.0.1", NULL);
    struct sim_server *relay = sim_server(w->loop, "198.18.0.2:25", NULL);
    world_start(w);
    mail_some(w, "x@a.test", 1);
    sim_run_for(w->loop, 10 * SECOND);
    assert_int_equal(sim_server_message_count(relay), 1);
    assert_true(order(w, LIVE_PAUSE, LIVE_PAUSE_SITE, "relay:r", SHAPE_NO_END));
    mail_some(w, "x@a.test", 30);
    sim_run_for(w->loop, 2 * HOUR);
    assert_int_equal(waiting(w), 30);
    assert_true(order(w, LIVE_RESUME, LIVE_PAUSE_SITE, "relay:r", 0));
    sim_run_for(w->loop, 10 * MINUTE);
    assert_int_equal(waiting(w), 0);
    assert_int_equal(sim_server_message_count(relay), 31);
    world_free(w);
    relay_table_free(&relays);
}

/* A relay is there for those whose names we cannot look up, too. */
static void P4_a_senders_relay_needs_no_dns_of_his_recipients(void **state) {
    (void)state;
    const struct relay_row row = {
        .name = STR("r"), .host = STR("198.18.0.2"), .port = 25, .tls = -1, .senders = STR("sender.test")};
    BUF_AUTO why = {0};
    struct relay_table *relays;
    struct world *w = world_new();
    assert_int_equal(relay_table_new(&row, 1, &relays, &why), STATUS_OK);
    w->options.relays = relays;
    sim_dns_fail(w->loop, "a.test", DNS_MX, STATUS_TEMPORARY, -1);
    struct sim_server *relay = sim_server(w->loop, "198.18.0.2:25", NULL);
    world_start(w);
    mail_some(w, "x@a.test", 200);
    sim_run_for(w->loop, 5 * MINUTE);
    assert_int_equal(sim_server_message_count(relay), 200);
    world_free(w);
    relay_table_free(&relays);
}

/* ---- the wall clock ---- */
static int64_t wall_of(const struct world *w) {
    return clock_wall_ms(loop_clock(w->loop));
}

static const struct sim_rule blocked[] = {
    {.pattern = "RCPT *", .reply = "550 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org\r\n"}, {0}};

/* CL01: a block's pause lasts a quarter of an hour, whatever the clock says. */
static void P4_a_clock_set_back_a_day_prolongs_no_pause(void **state) {
    (void)state;
    struct world *w = world_new();
    struct sim_server *a = host(w, "a.test", "198.18.0.1", blocked);
    world_start(w);
    mail_some(w, "x@a.test", 1);
    sim_run_for(w->loop, MINUTE);
    sim_server_rules(a, NULL);
    sim_set_wall(w->loop, wall_of(w) - DAY);
    mail_some(w, "y@a.test", 10);
    sim_run_for(w->loop, 20 * MINUTE);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients WHERE state = 3"), 10);
    sim_set_wall(w->loop, wall_of(w) + DAY);
    sim_run_for(w->loop, HOUR);
    assert_int_equal(waiting(w), 0);
    world_free(w);
}

/* OB33, CL01: nor does it keep a source away for longer. */
static void P4_a_clock_set_back_a_day_suspends_no_source(void **state) {
    (void)state;
    const struct source_row row = {.name = STR("a"), .address = STR("192.0.2.1")};
    BUF_AUTO why = {0};
    struct source_table *sources;
    struct world *w = world_new();
    assert_int_equal(source_table_new(&row, 1, STR("gateway.test"), &sources, &why), STATUS_OK);
    w->options.sources = sources;
    host(w, "a.test", "198.18.0.1", NULL);
    sim_down(w->loop, "192.0.2.1:0", true);
    world_start(w);
    mail_some(w, "x@a.test", 1);
    sim_run_for(w->loop, MINUTE);
    sim_down(w->loop, "192.0.2.1:0", false);
    sim_set_wall(w->loop, wall_of(w) - DAY);
    mail_some(w, "y@a.test", 10);
    sim_run_for(w->loop, 10 * MINUTE);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients WHERE state = 3 AND address LIKE 'y@%'"), 10);
    world_free(w);
    source_table_free(&sources);
}

/* ---- what is left behind ---- */
static size_t length_of(const struct list *l) {
    size_t n = 0;
    LIST_FOR_EACH (it, l) n++;
    return n;
}

static void assert_at_rest(struct world *w) {
    const struct mta *m = w->mta;
    size_t cursor = 0;
    struct str key;
    void *value;
    assert_int_equal(m->attempt_count, 0);
    assert_int_equal(m->connection_count, 0);
    assert_int_equal(m->idle_count, 0);
    assert_int_equal(m->letter_bytes, 0);
    assert_int_equal(m->routing_count, 0);
    assert_int_equal(map_count(m->lots), 0);
    assert_int_equal(map_count(m->letters), 0);
    assert_int_equal(schedule_count(m->schedule), 0);
    assert_int_equal(schedule_in_flight(m->schedule), 0);
    assert_int_equal(m->kept_count, length_of(&m->kept));
    while (map_next(m->sites, &cursor, &key, &value)) {
        const struct site *s = value;
        assert_int_equal(s->attempt_count + s->preparing_count + s->connection_count, 0);
        assert_true(s->is_kept || s->domain_count);
        LIST_FOR_EACH (it, &s->connectors) {
            const struct connector *n = LIST_OWNER(it, struct connector, node);
            assert_int_equal(n->connection_count + n->coming_count + n->serving_count, 0);
        }
    }
}

/* A site that is kept for what is known of it may be touched, and is forgotten all the same when that is over. */
static void P8_a_kept_site_that_is_touched_is_forgotten_in_time(void **state) {
    (void)state;
    struct world *w = world_new();
    struct sim_server *a = host(w, "a.test", "198.18.0.1", blocked);
    (void)a;
    world_start(w);
    (void)mail(w, "x@a.test", NULL, 5 * MINUTE);
    sim_run_for(w->loop, 2 * HOUR);
    assert_int_equal(waiting(w), 0);
    assert_int_equal(w->mta->kept_count, 1);
    assert_true(order(w, LIVE_PAUSE, LIVE_PAUSE_ALL, "", SHAPE_NO_END));
    assert_true(order(w, LIVE_RESUME, LIVE_PAUSE_ALL, "", 0));
    sim_run_for(w->loop, MINUTE);
    assert_at_rest(w);
    sim_run_for(w->loop, 6 * HOUR);
    assert_int_equal(w->mta->kept_count, 0);
    assert_int_equal(map_count(w->mta->sites), 0);
    world_free(w);
}

int main(void) {
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(P6_a_backlog_keeps_no_other_demand_out),
        cmocka_unit_test(P6_two_demands_share_a_slow_rate),
        cmocka_unit_test(P4_a_source_that_is_resumed_sends_what_waited_for_it),
        cmocka_unit_test(P4_a_relay_that_is_resumed_sends_what_waited_for_it),
        cmocka_unit_test(P4_a_senders_relay_needs_no_dns_of_his_recipients),
        cmocka_unit_test(P4_a_clock_set_back_a_day_prolongs_no_pause),
        cmocka_unit_test(P4_a_clock_set_back_a_day_suspends_no_source),
        cmocka_unit_test(P8_a_kept_site_that_is_touched_is_forgotten_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
