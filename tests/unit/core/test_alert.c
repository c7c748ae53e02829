/* test_alert.c - what the operator is told, and how often: at once, again after a while, once at the end, a storm together,
 * nothing twice after a restart (P1, P3, P8).
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "core/alert_round.h"
#include "core/content.h"

#include <stdio.h>
#include <string.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)

struct world {
    struct fixture *f;
    struct alert_rules rules;
    int64_t now;
    struct alert_view view; /* of the next round */
    struct alert_round round;
};

static void fill(void *ctx, void *p, size_t n) {
    (void)ctx;
    memset(p, 7, n);
}
static const struct rand counted = {.fill = fill};

static void world_open(struct world *w, bool has_mail) {
    *w = (struct world){.f = fixture_new(), .now = NOW};
    int64_t account = make_account(w->f->db, "ops@example.com"), domain = make_domain(w->f->db, account, "ours.example");
    struct node_epoch node = make_node(w->f->db);
    assert_ok(domain_set_state(w->f->db, domain, DOMAIN_ENABLED, true));
    w->rules = (struct alert_rules){
        .times = {.again_ms = 4 * HOUR, .calm_ms = 5 * MINUTE},
        .notices = {.from = has_mail ? STR("gateway@ours.example") : STR(""), .owner = node, .rand = &counted},
        .mail_to = STR("ops@example.com"),
        .host = STR("mx.ours.example"),
    };
}

static void see(struct world *w, enum alert_kind kind, const char *key) {
    alert_see(&w->view, &w->f->arena, kind, str_from_z(key), "trouble with %s", key);
}

/* One round, that looked at all kinds; the next one begins with nothing seen. */
static void run(struct world *w, int64_t ms_later) {
    w->now += ms_later;
    for (int kind = 0; kind < ALERT_KIND_COUNT; kind++) w->view.is_looked[kind] = true;
    assert_ok(alert_round_run(w->f->db, &w->f->arena, &w->rules, &w->view, w->now, &w->round));
    w->view = (struct alert_view){.count = 0};
}

static int64_t number(struct world *w, const char *sql) {
    fixture_commit(w->f);
    return fixture_number(w->f, sql);
}

static int64_t mails(struct world *w) {
    return number(w, "SELECT count(*) FROM messages");
}

static bool mail_holds(struct world *w, const char *what) {
    BUF_AUTO content = {0};
    assert_int_equal(w->round.mail.entry_count, 1);
    assert_ok(content_load(w->f->db, w->round.mail.entries[0].message_id, &content));
    return str_find_str(buf_str(&content), str_from_z(what)) != STR_NONE;
}

static void test_told_once_again_and_at_the_end(void **state) {
    (void)state;
    struct world w;
    world_open(&w, true);
    see(&w, ALERT_SITE, "gmx.net");
    run(&w, 0);
    assert_int_equal(w.round.open, 1);
    assert_true(mail_holds(&w, "trouble with gmx.net"));
    assert_str(w.round.mail.message.subject, "[Posthorn mx.ours.example] Alert: Failing site: gmx.net");
    assert_int_equal(w.round.mail.entries[0].priority, PRIORITY_TRANSACTIONAL);
    for (int i = 0; i < 200; i++) { /* every round reads the rows anew: a restart is no different */
        see(&w, ALERT_SITE, "gmx.net");
        run(&w, MINUTE);
        assert_int_equal(w.round.mail.entry_count, 0);
    }
    see(&w, ALERT_SITE, "gmx.net");
    run(&w, HOUR);
    assert_true(mail_holds(&w, "Failing site (still)"));
    run(&w, MINUTE);
    assert_int_equal(w.round.mail.entry_count, 0);
    run(&w, 5 * MINUTE);
    assert_true(mail_holds(&w, "Failing site (over)"));
    assert_int_equal(w.round.open, 0);
    run(&w, 9 * HOUR);
    assert_int_equal(w.round.mail.entry_count, 0);
    assert_int_equal(mails(&w), 3);
    fixture_free(w.f);
}

static void test_a_flicker_is_one_alert(void **state) {
    (void)state;
    struct world w;
    world_open(&w, true);
    for (int i = 0; i < 30; i++) {
        if (i % 3 == 0) see(&w, ALERT_BLOCK, "gmx.net a");
        run(&w, MINUTE);
    }
    assert_int_equal(w.round.open, 1);
    assert_int_equal(mails(&w), 1);
    fixture_free(w.f);
}

static void test_a_storm_is_a_digest(void **state) {
    (void)state;
    struct world w;
    char key[32];
    world_open(&w, true);
    for (int i = 0; i < 60; i++) {
        snprintf(key, sizeof key, "s%02d.example", i);
        see(&w, ALERT_SITE, key);
    }
    see(&w, ALERT_DISK, "");
    run(&w, 0);
    assert_int_equal(w.round.open, 61);
    assert_true(mail_holds(&w, "and 50 more"));
    assert_str(w.round.mail.message.subject, "[Posthorn mx.ours.example] Alerts: 61 new");
    /* What comes behind it waits for the next digest; other kinds do not wait. */
    for (int i = 0; i < 9; i++) {
        for (int k = 0; k < 61 + i; k++) {
            snprintf(key, sizeof key, "s%02d.example", k);
            see(&w, ALERT_SITE, key);
        }
        see(&w, ALERT_DISK, "");
        if (i >= 4) see(&w, ALERT_CERTIFICATE, "/etc/tls.pem");
        run(&w, MINUTE);
        assert_int_equal(w.round.mail.entry_count, i == 4 ? 1 : 0);
    }
    for (int k = 0; k < 70; k++) {
        snprintf(key, sizeof key, "s%02d.example", k);
        see(&w, ALERT_SITE, key);
    }
    see(&w, ALERT_DISK, "");
    see(&w, ALERT_CERTIFICATE, "/etc/tls.pem");
    run(&w, 2 * MINUTE);
    assert_str(w.round.mail.message.subject, "[Posthorn mx.ours.example] Alerts: 10 new");
    assert_int_equal(mails(&w), 3);
    fixture_free(w.f);
}

static void test_what_was_not_looked_at_lasts(void **state) {
    (void)state;
    struct world w;
    world_open(&w, true);
    see(&w, ALERT_BOUNCES, "a.example");
    run(&w, 0);
    w.now += HOUR;
    assert_ok(alert_round_run(w.f->db, &w.f->arena, &w.rules, &w.view, w.now, &w.round)); /* nobody looked */
    assert_int_equal(w.round.open, 1);
    for (int i = 0; i < 3; i++) run(&w, 3 * MINUTE);
    assert_int_equal(w.round.open, 0);
    fixture_free(w.f);
}

/* P8: more keys than are kept: those that are known stay, whether or not they are among the noted. */
static void test_too_many_keys(void **state) {
    (void)state;
    struct world w;
    char key[32];
    world_open(&w, true);
    see(&w, ALERT_SITE, "first.example");
    run(&w, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(key, sizeof key, "s%04d.example", i);
            see(&w, ALERT_SITE, key);
        }
        assert_int_equal(w.view.count, ALERT_KEYS_MAX);
        run(&w, HOUR);
        assert_int_equal(w.round.open, ALERT_KEYS_MAX + 1);
    }
    run(&w, MINUTE);
    run(&w, 5 * MINUTE);
    assert_int_equal(w.round.open, 0);
    assert_true(number(&w, "SELECT count(*) FROM alerts") <= ALERT_KEPT);
    fixture_free(w.f);
}

static void test_no_mail_of_its_own(void **state) {
    (void)state;
    struct world w;
    struct alert_list list;
    world_open(&w, false);
    see(&w, ALERT_DISK, "");
    run(&w, 0);
    assert_true(w.round.is_mail_stuck);
    assert_int_equal(mails(&w), 0);
    assert_ok(alert_list_recent(w.f->db, &w.f->arena, 10, &list));
    assert_int_equal(list.count, 1);
    assert_true(str_starts(list.items[0].trouble, STR("No mail")));
    fixture_free(w.f);
}

static void test_the_webhook_has_what_it_took(void **state) {
    (void)state;
    struct world w;
    BUF_AUTO json = {0};
    world_open(&w, true);
    w.rules.has_webhook = true;
    see(&w, ALERT_DISK, "");
    run(&w, 0);
    assert_int_equal(w.round.unposted.count, 1);
    assert_ok(alert_posted(w.f->db, &w.round.unposted, STR("Webhook: it answered 500")));
    see(&w, ALERT_DISK, "");
    run(&w, MINUTE);
    assert_int_equal(w.round.unposted.count, 1); /* once more, and after a restart as well */
    assert_str(w.round.unposted.items[0].trouble, "Webhook: it answered 500");
    alert_write_json(w.round.unposted.items, 1, STR("mx"), NOW, &json);
    assert_non_null(strstr(json.p, "\"kind\":\"disk\",\"key\":\"\",\"state\":\"raised\",\"text\":\"trouble with \""));
    assert_ok(alert_posted(w.f->db, &w.round.unposted, (struct str){0}));
    run(&w, MINUTE);
    assert_int_equal(w.round.unposted.count, 0);
    run(&w, 5 * MINUTE);
    assert_int_equal(w.round.unposted.count, 1);
    buf_reset(&json);
    alert_write_json(w.round.unposted.items, 1, STR("mx"), NOW, &json);
    assert_non_null(strstr(json.p, "\"state\":\"ended\""));
    run(&w, 2 * 24 * HOUR); /* a dead one is given up */
    assert_int_equal(w.round.unposted.count, 0);
    fixture_free(w.f);
}

static void test_the_operators_test(void **state) {
    (void)state;
    struct world w;
    int64_t id;
    world_open(&w, true);
    struct alert test = {.kind = ALERT_TEST, .text = STR("a test"), .raised_at = NOW};
    assert_ok(alert_add(w.f->db, &test, &id));
    assert_int_equal(alert_add(w.f->db, &test, &id), STATUS_EXISTS);
    run(&w, MINUTE);
    assert_true(mail_holds(&w, "a test"));
    run(&w, MINUTE);
    assert_int_equal(w.round.open, 0);
    run(&w, MINUTE);
    assert_int_equal(mails(&w), 1);
    fixture_free(w.f);
}

/* P5, P10: names come from the DNS, so from anybody. */
static void test_a_hostile_key(void **state) {
    (void)state;
    struct world w;
    world_open(&w, true);
    alert_see(&w.view, &w.f->arena, ALERT_SITE, STR("a\r\nBcc: b@c.example\x80"), "x\r\n.\r\ny\x1b[0m");
    assert_str(w.view.items[0].key, "a??Bcc: b@c.example?");
    assert_str(w.view.items[0].text, "x??.??y?[0m");
    run(&w, 0);
    assert_false(mail_holds(&w, "\nBcc:"));
    fixture_free(w.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_once_again_and_at_the_end),
        cmocka_unit_test(test_a_flicker_is_one_alert),
        cmocka_unit_test(test_a_storm_is_a_digest),
        cmocka_unit_test(test_what_was_not_looked_at_lasts),
        cmocka_unit_test(test_too_many_keys),
        cmocka_unit_test(test_no_mail_of_its_own),
        cmocka_unit_test(test_the_webhook_has_what_it_took),
        cmocka_unit_test(test_the_operators_test),
        cmocka_unit_test(test_a_hostile_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
