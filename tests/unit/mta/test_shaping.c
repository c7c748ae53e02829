/* test_shaping.c - what mta makes of a connector's shape: a block pauses and is known after a restart (OB35), a dead site is
 * probed and comes back by a ramp (OB30), provider rows hold at once when they are read anew, and all of it is in the ledger.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "world.h"

#include <stdio.h>

#define SECOND  INT64_C(1000)
#define MINUTE  (60 * SECOND)
#define HOUR    (60 * MINUTE)
#define ADDRESS "198.18.0.1:25"

/* A server that counts who is there at a time. */
struct doorman {
    struct sim_server *server;
    size_t open, peak;
};

static const struct sim_rule *watch(void *arg, const struct sim_talk *talk, struct str line) {
    struct doorman *d = arg;
    (void)talk;
    if (str_eq(line, STR("(connect)"))) d->open++;
    if (str_eq(line, STR("(close)"))) d->open--;
    if (d->open > d->peak) d->peak = d->open;
    return NULL;
}

static struct doorman doorman_of(struct world *w, const struct sim_rule *rules) {
    sim_dns_add(w->loop, "a.test", DNS_MX, "10 mx1.a.test");
    sim_dns_add(w->loop, "mx1.a.test", DNS_A, "198.18.0.1");
    return (struct doorman){.server = sim_server(w->loop, ADDRESS, rules)};
}

static void mail_some(struct world *w, int count) {
    struct posting postings[200];
    assert_true(count <= 200);
    for (int i = 0; i < count; i++) postings[i] = (struct posting){"x@a.test", 0};
    (void)mail_many(w, postings, (size_t)count);
}

static void on_stopped(void *arg) {
    ((struct world *)arg)->is_stopped = true;
}

static bool is_stopped(void *arg) {
    return ((struct world *)arg)->is_stopped;
}

static void restart(struct world *w) {
    mta_stop(w->mta, 1000, on_stopped, w);
    assert_true(sim_run_until(w->loop, is_stopped, w, 5000));
    mta_free(&w->mta);
    w->is_stopped = false;
    world_start(w);
}

static const struct sim_rule blocked[] = {{.pattern = "RCPT *",
                                           .reply = "550 5.7.1 Service unavailable; Client host [192.0.2.1] "
                                                    "blocked using zen.spamhaus.org\r\n"},
                                          {0}};

static void OB35_a_block_pauses_the_site_over_a_restart_too(void **state) {
    (void)state;
    struct world *w = world_new();
    struct doorman d = doorman_of(w, blocked);
    world_start(w);
    mail_some(w, 200);
    sim_run_for(w->loop, MINUTE);
    unsigned connects = sim_connects(w->loop, ADDRESS);
    assert_in_range(connects, 1, 20);
    assert_false(world_has(w, "SELECT 1 FROM recipients WHERE state NOT IN (0, 1)"));
    assert_true(world_has(w, "SELECT 1 FROM decisions WHERE what = 2 AND kind = 2 AND because LIKE 'mx1.a.test: 550 5.7.1 %'"));
    sim_run_for(w->loop, 4 * MINUTE);
    restart(w);
    sim_run_for(w->loop, 9 * MINUTE);
    assert_int_equal(sim_connects(w->loop, ADDRESS), connects);
    sim_run_for(w->loop, 10 * MINUTE); /* one asks whether it goes on: so half an hour now */
    assert_int_equal(sim_connects(w->loop, ADDRESS), connects + 1);
    assert_int_equal(world_number(w, "SELECT to_value - at FROM decisions WHERE what = 2 ORDER BY id DESC LIMIT 1"), 30 * MINUTE);
    sim_server_rules(d.server, NULL);
    sim_run_for(w->loop, 5 * HOUR);
    assert_false(world_has(w, "SELECT 1 FROM recipients WHERE state <> 3"));
    assert_true(world_number(w, "SELECT COUNT(*) FROM decisions") < 40);
    world_free(w);
}

static void OB30_a_dead_site_is_probed_by_one_and_comes_back_by_a_ramp(void **state) {
    (void)state;
    struct world *w = world_new();
    struct doorman d = doorman_of(w, NULL);
    sim_server_decide(d.server, watch, &d);
    sim_down(w->loop, ADDRESS, true);
    world_start(w);
    mail_some(w, 200);
    sim_run_for(w->loop, 6 * HOUR);
    assert_in_range(sim_connects(w->loop, ADDRESS), 30, 60);
    assert_true(world_number(w, "SELECT COUNT(*) FROM decisions WHERE what = 2 AND kind = 1") < 50);
    restart(w);
    sim_run_for(w->loop, 11 * MINUTE);
    sim_down(w->loop, ADDRESS, false);
    while (!d.peak) sim_run_for(w->loop, SECOND);
    sim_run_for(w->loop, 10 * SECOND);
    assert_in_range(d.peak, 1, 2);
    sim_run_for(w->loop, 5 * HOUR);
    assert_false(world_has(w, "SELECT 1 FROM recipients WHERE state <> 3"));
    assert_true(world_has(w, "SELECT 1 FROM decisions WHERE what = 4 AND from_value = 1 AND to_value = 120"));
    world_free(w);
}

/* The best host refuses us for good; what the other takes is not made slower by that. */
static void OB02_one_host_that_refuses_us_slows_nothing_down(void **state) {
    (void)state;
    static const struct sim_rule busy[] = {
        {.pattern = "(connect)", .reply = "421 4.7.0 too many connections\r\n", .then = SIM_CLOSE}, {0}};
    struct world *w = world_new();
    (void)doorman_of(w, busy);
    sim_dns_add(w->loop, "a.test", DNS_MX, "20 mx2.a.test");
    sim_dns_add(w->loop, "mx2.a.test", DNS_A, "198.18.0.2");
    struct sim_server *second = sim_server(w->loop, "198.18.0.2:25", NULL);
    world_start(w);
    for (int i = 0; i < 10; i++) {
        mail_some(w, 50);
        sim_run_for(w->loop, 2 * MINUTE);
    }
    assert_int_equal(sim_server_message_count(second), 500);
    assert_false(world_has(w, "SELECT 1 FROM decisions"));
    world_free(w);
}

static const struct sim_rule blocked_at_once[] = {
    {.pattern = "(connect)", .reply = "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org\r\n", .then = SIM_CLOSE},
    {0}};

static void OB35_a_block_at_the_greeting_pauses_when_no_host_greets(void **state) {
    (void)state;
    struct world *w = world_new();
    (void)doorman_of(w, blocked_at_once);
    world_start(w);
    mail_some(w, 50);
    sim_run_for(w->loop, 14 * MINUTE);
    assert_in_range(sim_connects(w->loop, ADDRESS), 1, 2);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM decisions WHERE what = 2 AND kind = 2"), 1);
    world_free(w);
}

static struct providers *rows(const char *text) {
    BUF_AUTO why = {0};
    struct providers *p = NULL;
    assert_int_equal(providers_parse(str_from_z(text), &why, &p), STATUS_OK);
    return p;
}

static void OB35_rows_read_anew_hold_at_once(void **state) {
    (void)state;
    static const struct sim_rule unhurried[] = {{.pattern = "(message)", .reply = "250 ok\r\n", .delay_ms = 2000}, {0}};
    struct world *w = world_new();
    struct doorman d = doorman_of(w, unhurried);
    sim_server_decide(d.server, watch, &d);
    world_start(w);
    mail_some(w, 100);
    sim_run_for(w->loop, MINUTE);
    assert_in_range(d.peak, 15, 20);
    mta_set_providers(w->mta, rows("[a]\nmx = *.a.test\nconnections = 3\nmessages = 5\nrate = 30"));
    sim_run_for(w->loop, 5 * MINUTE);
    assert_int_equal(d.open, 0);
    d.peak = 0;
    unsigned connects = sim_connects(w->loop, ADDRESS);
    size_t before = sim_server_message_count(d.server);
    mail_some(w, 100);
    sim_run_for(w->loop, MINUTE);
    assert_in_range(d.peak, 1, 3);
    assert_in_range(sim_server_message_count(d.server) - before, 25, 30);
    sim_run_for(w->loop, 5 * MINUTE);
    assert_int_equal(sim_server_message_count(d.server) - before, 100);
    assert_true(sim_connects(w->loop, ADDRESS) - connects >= 20); /* five on each */
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM decisions WHERE because = 'the provider''s row has changed'"), 2);
    world_free(w);
}

static void OB35_a_row_suspends_by_words_and_demands_tls(void **state) {
    (void)state;
    static const struct sim_rule deferred[] = {
        {.pattern = "MAIL *", .reply = "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred\r\n", .then = SIM_CLOSE},
        {0}};
    struct world *w = world_new();
    struct doorman d = doorman_of(w, deferred);
    w->options.providers = rows("[a]\nmx = *.a.test\nsuspend = 2h \"[tss04]\"");
    world_start(w);
    providers_unref(&w->options.providers);
    mail_some(w, 50);
    sim_run_for(w->loop, MINUTE);
    unsigned connects = sim_connects(w->loop, ADDRESS);
    sim_server_rules(d.server, NULL);
    sim_run_for(w->loop, 118 * MINUTE);
    assert_int_equal(sim_connects(w->loop, ADDRESS), connects);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM decisions WHERE what = 2 AND kind = 3"), 1);
    sim_run_for(w->loop, 4 * HOUR);
    assert_false(world_has(w, "SELECT 1 FROM recipients WHERE state <> 3"));
    mta_set_providers(w->mta, rows("[a]\nmx = *.a.test\ntls = require"));
    sim_run_for(w->loop, SECOND);
    mail_some(w, 1); /* the server has no STARTTLS */
    sim_run_for(w->loop, MINUTE);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients WHERE state <> 3 AND reason <> ''"), 1);
    world_free(w);
}

/* A hundred dead sites at once are written by few jobs, and the last second's are written at the end. */
static void P8_a_storm_of_decisions_is_written_in_batches(void **state) {
    (void)state;
    struct world *w = world_new();
    struct posting postings[100];
    static char recipients[100][48];
    for (int i = 0; i < 100; i++) {
        char domain[32], mx[32], record[40], ip[32];
        snprintf(domain, sizeof domain, "s%d.test", i);
        snprintf(mx, sizeof mx, "mx.s%d.test", i);
        snprintf(record, sizeof record, "10 %s", mx);
        snprintf(ip, sizeof ip, "198.18.1.%d", i + 1); /* nobody there */
        snprintf(recipients[i], sizeof recipients[i], "x@%s", domain);
        sim_dns_add(w->loop, domain, DNS_MX, record);
        sim_dns_add(w->loop, mx, DNS_A, ip);
        postings[i] = (struct posting){recipients[i], 0};
    }
    world_start(w);
    (void)mail_many(w, postings, 100);
    sim_run_for(w->loop, 500);
    restart(w);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM decisions WHERE what = 2 AND kind = 1"), 100);
    assert_int_equal(world_number(w, "SELECT COUNT(DISTINCT site) FROM decisions"), 100);
    world_free(w);
}

int main(void) {
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(OB35_a_block_pauses_the_site_over_a_restart_too),
        cmocka_unit_test(OB30_a_dead_site_is_probed_by_one_and_comes_back_by_a_ramp),
        cmocka_unit_test(OB02_one_host_that_refuses_us_slows_nothing_down),
        cmocka_unit_test(OB35_a_block_at_the_greeting_pauses_when_no_host_greets),
        cmocka_unit_test(OB35_rows_read_anew_hold_at_once),
        cmocka_unit_test(OB35_a_row_suspends_by_words_and_demands_tls),
        cmocka_unit_test(P8_a_storm_of_decisions_is_written_in_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
