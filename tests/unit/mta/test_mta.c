/* test_mta.c - deliveries on net_sim: the plain case, hosts in order, retries over hours, bounds (odd servers: test_zoo.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60000)

static void add_host(struct world *w, const char *domain, const char *mx, const char *name, const char *ip) {
    sim_dns_add(w->loop, domain, DNS_MX, mx);
    sim_dns_add(w->loop, name, DNS_A, ip);
}

/* One domain with one host under `rules`. */
static struct sim_server *one_host(struct world *w, const struct sim_rule *rules) {
    add_host(w, "a.test", "10 mx1.a.test", "mx1.a.test", "198.18.0.1");
    return sim_server(w->loop, "198.18.0.1:25", rules);
}

static void plain_delivery(void **state) {
    (void)state;
    struct world *w = world_new();
    struct sim_server *s = one_host(w, NULL);
    world_start(w);
    int64_t id = mail(w, "b@a.test", NULL, 0);
    assert_story(w, id, 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_int_equal(sim_server_message_count(s), 1);
    struct str message = sim_server_message(s, 0), envelope = sim_server_envelope(s, 0);
    assert_true(str_starts(message, STR("DKIM-Signature:")));
    assert_true(str_ends(message, STR("\r\n\r\nHello\r\n.dot\r\n")));
    assert_has(envelope, "MAIL FROM:<b+");
    assert_has(envelope, "@mail.sender.test> SIZE=");
    assert_has(envelope, "RCPT TO:<b@a.test>");
    world_free(w);
}

/* Connections are kept, transactions are pipelined, a message is signed once for all its recipients. */
static void one_connection_carries_many(void **state) {
    (void)state;
    struct world *w = world_new();
    struct sim_server *s = one_host(w, NULL);
    w->options.site_connections_max = 1;
    w->options.connection_messages_max = 4;
    world_start(w);
    int64_t first = mail_all(w, "1@a.test,2@a.test,3@a.test");
    sim_run_for(w->loop, 1000);
    int64_t last = mail(w, "4@a.test", NULL, 0);
    assert_story(w, first, 2000, "delivery 250 . mx1.a.test; = delivered");
    assert_story(w, last, 0, "delivery 250 . mx1.a.test; = delivered");
    assert_int_equal(sim_connects(w->loop, "198.18.0.1:25"), 1);
    assert_int_equal(count_of(sim_server_transcript(s), "QUIT"), 1); /* after four */
    assert_int_equal(atomic_load(&w->metrics.value[METRIC_SIGNATURES]), 2);
    (void)mail(w, "5@a.test", NULL, 0);
    sim_run_for(w->loop, 61000); /* idle for a minute */
    assert_int_equal(sim_connects(w->loop, "198.18.0.1:25"), 2);
    assert_int_equal(count_of(sim_server_transcript(s), "QUIT"), 2);
    assert_int_equal(sim_server_message_count(s), 5);
    world_free(w);
}

static void domains_with_the_same_hosts_share_a_site(void **state) {
    (void)state;
    struct world *w = world_new();
    (void)one_host(w, NULL);
    sim_dns_add(w->loop, "b.test", DNS_MX, "10 mx1.a.test");
    w->options.site_connections_max = 1;
    world_start(w);
    int64_t a = mail(w, "x@a.test", NULL, 0), b = mail(w, "x@b.test", NULL, 0);
    assert_story(w, a, 2000, "delivery 250 . mx1.a.test; = delivered");
    assert_story(w, b, 0, "delivery 250 . mx1.a.test; = delivered");
    assert_int_equal(sim_connects(w->loop, "198.18.0.1:25"), 1);
    world_free(w);
}

#define RULES(...) ((const struct sim_rule[]){__VA_ARGS__, {0}})
#define EHLO_PLAIN                                                                                                               \
    { .pattern = "EHLO *", .reply = "250-x\r\n250 SIZE 0\r\n" }
static void hosts_are_tried_in_the_order_of_preference(void **state) {
    (void)state;
    static const struct {
        bool is_black, is_down;
        const char *banner;
    } cases[] = {
        {.is_black = true}, {.is_down = true}, {.banner = "421 busy\r\n"}, {.banner = "554 no\r\n"}, {.banner = "hello\r\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world *w = world_new();
        struct sim_rule rules[] = {{"(connect)", cases[i].banner}, {0}};
        (void)one_host(w, cases[i].banner ? rules : NULL);
        add_host(w, "a.test", "20 mx2.a.test", "mx2.a.test", "198.18.0.2");
        add_host(w, "a.test", "30 mx3.a.test", "mx3.a.test", "198.18.0.3");
        (void)sim_server(w->loop, "198.18.0.2:25", NULL);
        (void)sim_server(w->loop, "198.18.0.3:25", NULL);
        sim_blackhole(w->loop, "198.18.0.1:25", cases[i].is_black);
        if (cases[i].is_down) sim_down(w->loop, "198.18.0.1:25", true);
        world_start(w);
        int64_t id = mail(w, "b@a.test", NULL, 0);
        assert_story(w, id, 40000, "delivery 250 . mx2.a.test; = delivered");
        assert_int_equal(sim_connects(w->loop, "198.18.0.1:25"), 1);
        assert_int_equal(sim_connects(w->loop, "198.18.0.3:25"), 0);
        world_free(w);
    }
}

static void all_hosts_dead_and_alive_again(void **state) { /* OB30, P4 */
    (void)state;
    struct world *w = world_new();
    struct sim_server *s = one_host(w, NULL);
    sim_down(w->loop, "198.18.0.1:25", true);
    world_start(w);
    int64_t id = mail(w, "b@a.test", NULL, 0);
    assert_story(w, id, 30000, "deferred mx1.a.test; = queued");
    sim_run_for(w->loop, 6 * 60 * MINUTE);
    assert_int_equal(sim_server_message_count(s), 0);
    sim_down(w->loop, "198.18.0.1:25", false);
    sim_run_for(w->loop, 5 * 60 * MINUTE);
    assert_int_equal(sim_server_message_count(s), 1);
    world_free(w);
}

static void life_ends(void **state) {
    (void)state;
    struct world *w = world_new();
    struct sim_server *s = one_host(w, RULES({"RCPT *", "450 4.2.0 grey\r\n"}));
    world_start(w);
    int64_t id = mail(w, "b@a.test", NULL, 2 * MINUTE);
    assert_story(w, id, 10 * MINUTE, "deferred 450 RCPT mx1.a.test; deferred 450 RCPT mx1.a.test; failed; = failed");
    assert_int_equal(count_of(sim_server_transcript(s), "RCPT"), 2);
    world_free(w);
}

static void greylisting_passes(void **state) { /* OB25 */
    (void)state;
    struct world *w = world_new();
    (void)one_host(w, RULES({"RCPT *", "451 4.7.1 come back\r\n", .times = 2}));
    world_start(w);
    int64_t id = mail(w, "b@a.test", NULL, 0);
    assert_story(w, id, 10 * MINUTE,
                 "deferred 451 RCPT mx1.a.test; deferred 451 RCPT mx1.a.test; delivery 250 . mx1.a.test; = delivered");
    assert_int_equal(atomic_load(&w->metrics.value[METRIC_SIGNATURES]), 1); /* kept through the deferrals */
    world_free(w);
}

static void what_dns_says(void **state) {
    (void)state;
    struct world *w = world_new();
    sim_dns_add(w->loop, "null.test", DNS_MX, "0 .");
    sim_dns_add(w->loop, "slow.test", DNS_MX, "10 mx1.a.test");
    (void)one_host(w, NULL);
    sim_dns_fail(w->loop, "slow.test", DNS_MX, STATUS_TEMPORARY, 1);
    world_start(w);
    int64_t none = mail(w, "b@nowhere.test", NULL, 0), null = mail(w, "b@null.test", NULL, 0);
    int64_t slow = mail(w, "b@slow.test", NULL, 0);
    char *got = story(w, none, 10000);
    assert_true(str_starts(str_from_z(got), STR("bounce 5")));
    free(got);
    got = story(w, null, 0);
    assert_true(str_starts(str_from_z(got), STR("bounce 5")));
    free(got);
    got = story(w, slow, 10 * MINUTE);
    assert_true(str_starts(str_from_z(got), STR("deferred 4")));
    assert_true(str_ends(str_from_z(got), STR("delivery 250 . mx1.a.test; = delivered")));
    free(got);
    world_free(w);
}

static void a_kept_connection_that_died_costs_nothing(void **state) { /* OB23, OB26, OB27 */
    (void)state;
    static const struct sim_rule after[][3] = {
        {{"MAIL *", NULL, .then = SIM_CLOSE, .times = 1}},
        {{"MAIL *", NULL, .then = SIM_RESET, .times = 1}},
        {{"MAIL *", "421 4.4.2 idle too long\r\n", .then = SIM_CLOSE, .times = 1}},
    };
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        struct world *w = world_new();
        struct sim_server *s = one_host(w, NULL);
        world_start(w);
        int64_t first = mail(w, "1@a.test", NULL, 0);
        assert_story(w, first, 1000, "delivery 250 . mx1.a.test; = delivered");
        sim_server_rules(s, after[i]);
        int64_t second = mail(w, "2@a.test", NULL, 0);
        assert_story(w, second, 2000, "delivery 250 . mx1.a.test; = delivered");
        assert_int_equal(sim_connects(w->loop, "198.18.0.1:25"), 2);
        world_free(w);
    }
}

static void a_refused_recipient_leaves_the_connection_clean(void **state) { /* OB27, RSET between */
    (void)state;
    struct world *w = world_new();
    struct sim_server *s = one_host(w, RULES({"RCPT TO:<bad@*", "550 5.1.1 nobody\r\n"}));
    w->options.site_connections_max = 1;
    world_start(w);
    int64_t bad = mail(w, "bad@a.test", NULL, 0), good = mail(w, "good@a.test", NULL, 0);
    assert_story(w, bad, 2000, "bounce 550 RCPT mx1.a.test; = bounced");
    assert_story(w, good, 0, "delivery 250 . mx1.a.test; = delivered");
    assert_int_equal(count_of(sim_server_transcript(s), "RSET"), 1);
    assert_int_equal(sim_connects(w->loop, "198.18.0.1:25"), 1);
    world_free(w);
}

static void a_tarpit_holds_only_its_own(void **state) { /* OB29 */
    (void)state;
    struct world *w = world_new();
    (void)one_host(w, RULES(EHLO_PLAIN, {"MAIL *", NULL}));
    add_host(w, "b.test", "10 mx.b.test", "mx.b.test", "198.18.0.9");
    (void)sim_server(w->loop, "198.18.0.9:25", NULL);
    world_start(w);
    for (int i = 0; i < 50; i++) (void)mail(w, "x@a.test", NULL, 0);
    int64_t other = mail(w, "y@b.test", NULL, 0);
    assert_story(w, other, 2000, "delivery 250 . mx.b.test; = delivered");
    assert_int_equal(sim_connects(w->loop, "198.18.0.1:25"), 20); /* the site's bound */
    world_free(w);
}

/* A host of its own for each of `count` domains t0.test, t1.test ..., all under `rules`. */
static void add_tarpits(struct world *w, int count, const struct sim_rule *rules) {
    for (int i = 0; i < count; i++) {
        char domain[32], mx[32], name[32], ip[32], address[32];
        (void)snprintf(domain, sizeof domain, "t%d.test", i);
        (void)snprintf(name, sizeof name, "mx.t%d.test", i);
        (void)snprintf(mx, sizeof mx, "10 mx.t%d.test", i);
        (void)snprintf(ip, sizeof ip, "198.18.1.%d", i);
        (void)snprintf(address, sizeof address, "198.18.1.%d:25", i);
        add_host(w, domain, mx, name, ip);
        (void)sim_server(w->loop, address, rules);
    }
}

static void mail_tarpits(struct world *w, int count, int each, const char *content) {
    for (int i = 0; i < count * each; i++) {
        char to[32];
        (void)snprintf(to, sizeof to, "x@t%d.test", i % count);
        (void)mail(w, to, content, 0);
    }
}

/* However many hosts are slow, before their banner or within a transaction, others get their mail at once. */
static void P6_P8_many_tarpits_leave_room_for_others(void **state) {
    (void)state;
    static const struct sim_rule silent[] = {{"(connect)", NULL}, {0}};
    static const struct sim_rule slow[] = {EHLO_PLAIN, {"RCPT *", NULL}, {0}};
    const struct sim_rule *const kinds[] = {silent, slow};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct world *w = world_new();
        (void)one_host(w, NULL);
        w->options.connections_max = 100;
        add_tarpits(w, 12, kinds[k]);
        world_start(w);
        mail_tarpits(w, 12, 30, NULL);
        sim_run_for(w->loop, 5000);
        assert_true(atomic_load(&w->metrics.value[METRIC_SMTP_OUT_CONNECTIONS]) < 100);
        assert_story(w, mail(w, "b@a.test", NULL, 0), 2000, "delivery 250 . mx1.a.test; = delivered");
        world_free(w);
    }
}

/* Large messages to hosts that do not take them fill a part of the memory for letters only. */
static void P6_P8_large_letters_leave_room_for_small_ones(void **state) {
    (void)state;
    struct world *w = world_new();
    (void)one_host(w, NULL);
    w->options.letters_max_bytes = 100000;
    add_tarpits(w, 8, RULES(EHLO_PLAIN, {"(message)", NULL}));
    world_start(w);
    BUF_AUTO large = {0};
    buf_add_z(&large, "From: a@sender.test\r\nSubject: large\r\n\r\n");
    for (int i = 0; i < 500; i++)
        buf_add_z(&large, "A line of a large message, seventy-eight bytes long with its end, or nearly so\r\n");
    mail_tarpits(w, 8, 2, large.p);
    sim_run_for(w->loop, 5000);
    int64_t before = atomic_load(&w->metrics.value[METRIC_SIGNATURES]);
    assert_int_equal(before, 1); /* 40 KB; another would not leave as much again */
    assert_story(w, mail(w, "b@a.test", NULL, 0), 2000, "delivery 250 . mx1.a.test; = delivered");
    sim_run_for(w->loop, 24 * 60 * MINUTE);
    assert_int_equal(atomic_load(&w->metrics.value[METRIC_SIGNATURES]), 17); /* each had its turn in the end */
    world_free(w);
}

static void what_waited_on_disk_is_delivered_after_a_start(void **state) { /* P1 */
    (void)state;
    struct world *w = world_new();
    (void)one_host(w, NULL);
    world_start(w);
    sim_down(w->loop, "198.18.0.1:25", true);
    int64_t id = mail(w, "b@a.test", NULL, 0);
    sim_run_for(w->loop, 1);
    mta_free(&w->mta); /* forgets everything but the disk */
    sim_down(w->loop, "198.18.0.1:25", false);
    world_start(w);
    assert_story(w, id, 10 * MINUTE, "delivery 250 . mx1.a.test; = delivered");
    world_free(w);
}

static void never_two_connections_too_many(void **state) { /* P8 */
    (void)state;
    struct world *w = world_new();
    (void)one_host(w, NULL);
    add_host(w, "b.test", "10 mx.b.test", "mx.b.test", "198.18.0.9");
    (void)sim_server(w->loop, "198.18.0.9:25", NULL);
    w->options.connections_max = 1;
    world_start(w);
    int64_t a = mail(w, "x@a.test", NULL, 0), b = mail(w, "x@b.test", NULL, 0);
    assert_story(w, a, 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_story(w, b, 0, "delivery 250 . mx.b.test; = delivered"); /* the idle one made room */
    world_free(w);
}

/* ---- rows that cannot be sent ---- */
static void P1_what_is_gone_fails_with_its_reason(void **state) {
    (void)state;
    static const struct {
        const char *damage, *reason;
    } cases[] = {
        {"DELETE FROM bodies", "SELECT 1 FROM recipients WHERE reason LIKE 'The stored message is damaged%'"},
        {"UPDATE bodies SET content = x'00'", "SELECT 1 FROM recipients WHERE reason LIKE 'The stored message is damaged%'"},
        {"DELETE FROM domains", "SELECT 1 FROM recipients WHERE reason = 'The sender domain is gone'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *w = world_new();
        struct sim_server *s = one_host(w, NULL);
        world_start(w);
        int64_t id = mail_all(w, "1@a.test,2@a.test");
        world_sql(w, cases[i].damage);
        assert_story(w, id, 5000, "failed; = failed");
        assert_story(w, id + 1, 0, "failed; = failed");
        assert_true(world_has(w, cases[i].reason));
        assert_int_equal(sim_server_message_count(s), 0);
        world_free(w);
    }
}

/* A key sealed under another master key: the operator can put that right, so it waits, says why, and goes out afterwards. */
static void P4_a_key_that_does_not_open_is_temporary(void **state) {
    (void)state;
    struct world *w = world_new();
    (void)one_host(w, NULL);
    world_start(w);
    world_sql(w, "CREATE TABLE kept AS SELECT private_sealed FROM dkim_keys; UPDATE dkim_keys SET private_sealed = x'00'");
    int64_t id = mail(w, "b@a.test", NULL, 0);
    assert_story(w, id, 30000, "deferred; = queued"); /* once, not each second */
    assert_true(world_has(w, "SELECT 1 FROM recipients WHERE reason LIKE '%DKIM key does not open%' AND attempts = 1"));
    world_sql(w, "UPDATE dkim_keys SET private_sealed = (SELECT private_sealed FROM kept)");
    assert_story(w, id, 5 * MINUTE, "deferred; delivery 250 . mx1.a.test; = delivered");
    world_sql(w, "DELETE FROM dkim_keys");
    id = mail(w, "c@a.test", NULL, 0);
    assert_story(w, id, 30000, "deferred; = queued");
    assert_true(world_has(w, "SELECT 1 FROM recipients WHERE reason LIKE '%has no DKIM key%' AND attempts = 1"));
    world_free(w);
}

static void addresses_beyond_ascii(void **state) { /* AD03, AD04 */
    (void)state;
    struct world *w = world_new();
    struct sim_server *s = one_host(w, RULES({"EHLO *", "250-x\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"}));
    add_host(w, "b.test", "10 mx.b.test", "mx.b.test", "198.18.0.9");
    (void)sim_server(w->loop, "198.18.0.9:25", NULL);
    world_start(w);
    int64_t a = mail(w, "j\xc3\xb6rg@a.test", NULL, 0), b = mail(w, "j\xc3\xb6rg@b.test", NULL, 0);
    assert_story(w, a, 2000, "delivery 250 . mx1.a.test; = delivered");
    assert_story(w, b, 0, "bounce 553 MAIL mx.b.test; = bounced");
    assert_has(sim_server_envelope(s, 0), " BODY=8BITMIME SMTPUTF8");
    /* Nobody takes our own verdict for the host's words. */
    assert_true(world_has(w, "SELECT 1 FROM events WHERE detail LIKE '%\"Code\":553,%\"Command\":\"MAIL\",\"Local\":true}%'"));
    assert_true(world_has(
        w, "SELECT 1 FROM recipients WHERE reason = 'mx.b.test[198.18.0.9]: The host takes no addresses beyond ASCII'"));
    assert_false(world_has(w, "SELECT 1 FROM events WHERE detail LIKE '%\"Code\":250,%Local%'"));
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_delivery),
        cmocka_unit_test(one_connection_carries_many),
        cmocka_unit_test(domains_with_the_same_hosts_share_a_site),
        cmocka_unit_test(hosts_are_tried_in_the_order_of_preference),
        cmocka_unit_test(all_hosts_dead_and_alive_again),
        cmocka_unit_test(life_ends),
        cmocka_unit_test(greylisting_passes),
        cmocka_unit_test(what_dns_says),
        cmocka_unit_test(a_kept_connection_that_died_costs_nothing),
        cmocka_unit_test(a_refused_recipient_leaves_the_connection_clean),
        cmocka_unit_test(a_tarpit_holds_only_its_own),
        cmocka_unit_test(P6_P8_many_tarpits_leave_room_for_others),
        cmocka_unit_test(P6_P8_large_letters_leave_room_for_small_ones),
        cmocka_unit_test(what_waited_on_disk_is_delivered_after_a_start),
        cmocka_unit_test(never_two_connections_too_many),
        cmocka_unit_test(P1_what_is_gone_fails_with_its_reason),
        cmocka_unit_test(P4_a_key_that_does_not_open_is_temporary),
        cmocka_unit_test(addresses_beyond_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
