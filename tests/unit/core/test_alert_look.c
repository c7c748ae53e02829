/* test_alert_look.c - what is looked for: late mail, sites and blocks out of the ledger, records and rates of sender domains; and
 * what becomes of a domain that is suspended, or whose records break (P4, P6, P8, DN20).
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "core/alert_ledger.h"
#include "core/alert_look.h"
#include "core/feed.h"
#include "core/bounce_class.h"
#include "core/domain_watch.h"
#include "core/ledger.h"
#include "core/queue_orders.h"
#include "proto/json/json_write.h"
#include "store/domain_watch.h"

#include <stdio.h>
#include <string.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct alert_limits usual = {.queue_age_ms = 30 * MINUTE,
                                          .site_ms = HOUR,
                                          .rate_messages = 200,
                                          .bounce_warn = 5000,
                                          .bounce_suspend = 10000,
                                          .complaint_warn = 100,
                                          .complaint_suspend = 500,
                                          .suspends = true};

#define LOOK(limits, now, view) (&(struct alert_look){f->db, &f->arena, limits, 1, now, view})

static size_t seen(const struct alert_view *view, enum alert_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < view->count; i++) count += view->items[i].kind == kind;
    return count;
}

/* ---- the queue ---- */
static bool is_d33(void *arg, struct str domain) {
    (void)arg;
    return str_eq(domain, STR("d33.example"));
}

static void test_late_mail(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    assert_int_equal(make_node(f->db).node_id, 1);
    int64_t account = make_account(f->db, "a@example.com"), domain = make_domain(f->db, account, "a.example");
    int64_t message = make_message(f->db, account, domain, 1);
    struct alert_walk walk = {.is_under_way = false};
    char name[32];
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "d%02d.example", i);
        make_recipient(f->db, message, account, name, i == 33 ? NOW - HOUR : NOW);
    }
    struct alert_view view = {.count = 0};
    const struct alert_look look = {f->db, &f->arena, &usual, 1, NOW, &view},
                            early = {f->db, &f->arena, &usual, 1, NOW - HOUR, &view};
    for (int i = 0; i < 5; i++) { /* in pieces: nothing is judged before the end */
        assert_ok(alert_look_queue(&look, &walk, 10));
        assert_false(walk.is_over);
    }
    assert_ok(alert_look_queue(&look, &walk, 10));
    assert_true(walk.is_over);
    alert_judge_queue(&look, &walk, NULL, NULL);
    assert_true(view.is_looked[ALERT_QUEUE_AGE]);
    assert_int_equal(seen(&view, ALERT_QUEUE_AGE), 1);
    assert_non_null(strstr(view.items[0].text.p, "d33.example, was to be tried 60 minutes ago"));
    view = (struct alert_view){.count = 0};
    alert_judge_queue(&look, &walk, is_d33, NULL); /* its site is paused: that is another alert */
    assert_true(view.is_looked[ALERT_QUEUE_AGE]);
    assert_int_equal(view.count, 0);
    assert_ok(alert_look_queue(&early, &walk, 100));
    assert_true(walk.is_over);
    alert_judge_queue(&early, &walk, NULL, NULL);
    assert_int_equal(view.count, 0);
    alert_walk_fini(&walk);
    fixture_free(f);
}

/* ---- the ledger ---- */
static void decide_so(struct fixture *f, struct str site, const struct shape_decision *decision) {
    struct ledger_entry e = {.site = site, .source = STR("default"), .decision = *decision};
    assert_ok(ledger_write(f->db, &e, 1, decision->at));
}

static void decide(struct fixture *f, struct str site, enum shape_what what, enum shape_pause_kind kind, int64_t at, int64_t to) {
    decide_so(f, site, &(struct shape_decision){.at = at, .what = what, .kind = kind, .to = to, .because = STR("no answer")});
}

static void test_sites_and_blocks(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct str dead = STR("mx.dead.example"), blocking = STR("mx.block.example");
    struct alert_ledger *l = alert_ledger_new();
    struct alert_view view = {.count = 0};
    int64_t now = NOW;
    for (int i = 0; i < 7; i++) { /* paused, asked again, paused ... for 70 minutes */
        decide(f, dead, SHAPE_PAUSE, SHAPE_UNREACHABLE, now, now + 9 * MINUTE);
        decide(f, dead, SHAPE_RESUME, SHAPE_UNREACHABLE, now + 9 * MINUTE, 0);
        decide(f, dead, SHAPE_RAMP, SHAPE_NOT_PAUSED, now + 9 * MINUTE, 1);
        view = (struct alert_view){.count = 0};
        assert_ok(alert_look_ledger(LOOK(&usual, now + 5 * MINUTE, &view), l));
        assert_int_equal(seen(&view, ALERT_SITE), now + 5 * MINUTE - NOW >= HOUR ? 1 : 0);
        now += 10 * MINUTE;
    }
    decide(f, dead, SHAPE_PAUSE, SHAPE_UNREACHABLE, now, now + 9 * MINUTE);
    decide(f, blocking, SHAPE_PAUSE, SHAPE_BLOCK, now, now + 2 * HOUR);
    struct alert_ledger *restarted = alert_ledger_new();
    struct alert_ledger *both[] = {l, restarted};
    for (size_t i = 0; i < 2; i++) {
        view = (struct alert_view){.count = 0};
        assert_ok(alert_look_ledger(LOOK(&usual, now + MINUTE, &view), both[i]));
        assert_int_equal(seen(&view, ALERT_SITE), 1);
        assert_int_equal(seen(&view, ALERT_BLOCK), 1);
    }
    decide(f, dead, SHAPE_RESUME, SHAPE_UNREACHABLE, now + 9 * MINUTE, 0);
    decide(f, dead, SHAPE_RAMP, SHAPE_NOT_PAUSED, now + 9 * MINUTE, 2); /* it answered */
    view = (struct alert_view){.count = 0};
    assert_ok(alert_look_ledger(LOOK(&usual, now + 10 * MINUTE, &view), l));
    assert_int_equal(seen(&view, ALERT_SITE), 0);
    assert_int_equal(seen(&view, ALERT_BLOCK), 1);
    view = (struct alert_view){.count = 0};
    assert_ok(alert_look_ledger(LOOK(&usual, now + 3 * HOUR, &view), l)); /* nobody asks any more */
    assert_int_equal(view.count, 0);
    alert_ledger_free(&l);
    alert_ledger_free(&restarted);
    fixture_free(f);
}

static void test_a_relay_that_lets_us_not_in(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct alert_ledger *l = alert_ledger_new();
    struct alert_view view = {.count = 0};
    const struct shape_decision refused = {.at = NOW,
                                           .what = SHAPE_PAUSE,
                                           .kind = SHAPE_UNREACHABLE,
                                           .to = NOW + MINUTE,
                                           .because = STR("relay.example: The relay refused our login")};
    decide_so(f, STR("relay:smarthost"), &refused);
    decide_so(f, STR("mx.liar.example"), &refused); /* whoever is no relay may say what it likes */
    assert_ok(alert_look_ledger(LOOK(&usual, NOW + MINUTE, &view), l));
    assert_int_equal(seen(&view, ALERT_RELAY_LOGIN), 1);
    assert_str(view.items[0].key, "relay:smarthost");
    assert_int_equal(view.count, 1);
    alert_ledger_free(&l);
    fixture_free(f);
}

/* ---- rates ---- */
static void add_event(struct fixture *f, int64_t domain, enum event_type type, int64_t recipient, enum bounce_class class) {
    BUF_AUTO detail = {0};
    struct json_writer w = {.out = &detail};
    struct bounce_finding finding = bounce_finding_make(class);
    int64_t id;
    json_open_object(&w);
    if (type == EVENT_BOUNCE) bounce_class_write(&w, &finding, STR("smtp"));
    json_close_object(&w);
    struct event event = {.at = NOW,
                          .type = type,
                          .account_id = 1,
                          .domain_id = domain,
                          .message_id = 1,
                          .recipient_id = recipient,
                          .recipient = STR("b@example.net"),
                          .detail = buf_str(&detail)};
    assert_ok(event_record(f->db, &event, &id));
}

static int64_t make_sending(struct fixture *f, const char *name, int delivered, int bounced, int blocked, int complained) {
    int64_t account = make_account(f->db, name), domain = make_domain(f->db, account, strchr(name, '@') + 1);
    int64_t recipient = domain * 100000;
    assert_ok(domain_set_state(f->db, domain, DOMAIN_ENABLED, false));
    for (int i = 0; i < delivered; i++) add_event(f, domain, EVENT_DELIVERY, recipient++, 0);
    for (int i = 0; i < bounced; i++) add_event(f, domain, EVENT_BOUNCE, recipient++, BOUNCE_INVALID_RECIPIENT);
    for (int i = 0; i < blocked; i++) add_event(f, domain, EVENT_BOUNCE, recipient++, BOUNCE_SPAM_BLOCK);
    for (int i = 0; i < complained; i++) add_event(f, domain, EVENT_COMPLAINT, recipient++, 0);
    return domain;
}

static void test_rates(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    make_sending(f, "a@small.example", 100, 99, 0, 50);              /* too few to say */
    make_sending(f, "a@fine.example", 1000, 40, 0, 1);               /* at the limits */
    make_sending(f, "a@blocked.example", 300, 0, 300, 0);            /* our address's fault, not theirs */
    make_sending(f, "a@warned.example", 900, 60, 0, 2);              /* both */
    int64_t bad = make_sending(f, "a@bad.example", 400, 0, 0, 3);    /* 0.75 % complained */
    int64_t list = make_sending(f, "a@list.example", 300, 60, 0, 0); /* 16 % bounced */
    struct alert_view view = {.count = 0};
    struct alert_suspension_list suspensions;
    assert_ok(alert_look_rates(LOOK(&usual, NOW + MINUTE, &view), &suspensions));
    assert_int_equal(seen(&view, ALERT_BOUNCES), 2);
    assert_int_equal(seen(&view, ALERT_COMPLAINTS), 2);
    assert_int_equal(suspensions.count, 2);
    assert_int_equal(suspensions.items[0].domain_id, bad);
    assert_int_equal(suspensions.items[1].domain_id, list);
    assert_str(suspensions.items[0].because, "0.75 % complained (3 of 400) since a day");
    struct alert_limits warns = usual;
    warns.suspends = false;
    assert_ok(alert_look_rates(LOOK(&warns, NOW + MINUTE, &view), &suspensions));
    assert_int_equal(suspensions.count, 0);
    /* Enabled by the operator: what was before does not count against it. */
    assert_ok(domain_decide_state(f->db, bad, &(struct domain_decision){DOMAIN_ENABLED, {0}, NOW + 2}));
    view = (struct alert_view){.count = 0};
    assert_ok(alert_look_rates(LOOK(&usual, NOW + MINUTE, &view), &suspensions));
    assert_int_equal(seen(&view, ALERT_COMPLAINTS), 1);
    view = (struct alert_view){.count = 0};
    assert_ok(alert_look_rates(LOOK(&usual, NOW + DAY + 1, &view), &suspensions));
    assert_int_equal(view.count, 0);
    assert_true(view.is_looked[ALERT_BOUNCES]);
    fixture_free(f);
}

/* ---- a suspended domain ---- */
static struct queue_job newest(struct fixture *f) {
    struct queue_job_list jobs;
    assert_ok(queue_job_list(f->db, &f->arena, 1, &jobs));
    assert_int_equal(jobs.count, 1);
    return jobs.items[0];
}

static void test_suspended_and_enabled(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), id = make_domain(f->db, account, "a.example");
    struct domain domain;
    struct queue_filter filter;
    assert_ok(domain_get(f->db, &f->arena, SCOPE_ANY, id, &domain));
    assert_ok(domain_suspend(f->db, &domain, STR("spam"), NOW));
    struct queue_job hold = newest(f);
    assert_int_equal(hold.verb, QUEUE_HOLD);
    assert_true(queue_filter_parse(&f->arena, hold.filter, &filter));
    assert_int_equal(filter.domain_id, id);
    assert_int_equal(filter.account_id, account);
    assert_ok(domain_enable(f->db, &domain, NOW + 1)); /* before the queue was held: that order is taken back */
    assert_int_equal(newest(f).verb, QUEUE_RELEASE);
    assert_ok(queue_job_get(f->db, &f->arena, hold.id, &hold));
    assert_int_equal(hold.finished_at, NOW + 1);
    assert_ok(domain_get(f->db, &f->arena, SCOPE_ANY, id, &domain));
    assert_int_equal(domain.state, DOMAIN_ENABLED);
    assert_true(domain.is_forced);
    assert_str(domain.state_reason, "");
    fixture_free(f);
}

/* ---- looks at records ---- */
static const struct domain_policy strict = {.every_ms = DAY, .grace_ms = 3 * DAY, .stops = true};

static enum domain_turn check(struct fixture *f, struct domain *domain, enum verify_status spf,
                              const struct domain_policy *policy, int64_t now) {
    struct verify_report report = {.status = {VERIFY_OK, VERIFY_OK, VERIFY_OK, VERIFY_OK, VERIFY_OK, VERIFY_OK}};
    enum domain_turn turn;
    report.status[VERIFY_SPF] = spf;
    assert_ok(domain_apply_check(f->db, domain, &report, policy, now, &turn));
    assert_ok(domain_get(f->db, &f->arena, SCOPE_ANY, domain->id, domain));
    return turn;
}

static struct domain make_verified(struct fixture *f) {
    int64_t account = make_account(f->db, "a@example.com"), id = make_domain(f->db, account, "a.example");
    struct verify_report report = {.status = {VERIFY_OK, VERIFY_OK, VERIFY_OK, VERIFY_OK, VERIFY_OK, VERIFY_OK}};
    struct domain domain;
    bool is_taken;
    assert_ok(domain_get(f->db, &f->arena, SCOPE_ANY, id, &domain));
    assert_int_equal(domain.check_at, 0);
    assert_ok(domain_apply_report(f->db, &domain, &report, DAY, NOW, &is_taken));
    assert_ok(domain_get(f->db, &f->arena, SCOPE_ANY, id, &domain));
    assert_true(domain.check_at > NOW + 19 * HOUR && domain.check_at <= NOW + DAY);
    return domain;
}

static void test_DN20_a_bad_minute_changes_nothing(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct domain domain = make_verified(f);
    assert_int_equal(check(f, &domain, VERIFY_UNKNOWN, &strict, NOW + DAY), DOMAIN_NO_TURN);
    assert_int_equal(domain.state, DOMAIN_ENABLED);
    assert_int_equal(domain.record[DOMAIN_SPF], RECORD_VERIFIED);
    assert_int_equal(domain.failing_at, 0);
    assert_true(domain.check_at <= NOW + DAY + HOUR); /* but it is looked up again soon */
    fixture_free(f);
}

static void test_broken_records(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct domain domain = make_verified(f);
    struct domain_list list;
    struct alert_view view = {.count = 0};
    assert_int_equal(check(f, &domain, VERIFY_FAILED, &strict, NOW + DAY), DOMAIN_BROKE);
    assert_int_equal(domain.state, DOMAIN_ENABLED);             /* it goes on sending */
    assert_int_equal(domain.record[DOMAIN_SPF], RECORD_FAILED); /* and GetDomain says the truth */
    assert_ok(alert_look_domains(LOOK(&usual, NOW, &view)));
    assert_int_equal(seen(&view, ALERT_DOMAIN_RECORDS), 1);
    assert_non_null(strstr(view.items[0].text.p, "wrong in the DNS: SPF. It still sends."));
    assert_ok(domain_list_due(f->db, &f->arena, NOW + DAY + HOUR, 9, &list));
    assert_int_equal(list.count, 1);
    assert_int_equal(check(f, &domain, VERIFY_UNKNOWN, &strict, NOW + 2 * DAY), DOMAIN_NO_TURN);
    assert_int_equal(domain.failing_at, NOW + DAY); /* no answer is no news */
    assert_int_equal(check(f, &domain, VERIFY_FAILED, &strict, NOW + 4 * DAY), DOMAIN_STOPPED);
    assert_int_equal(domain.state, DOMAIN_PENDING);
    assert_int_equal(check(f, &domain, VERIFY_FAILED, &strict, NOW + 5 * DAY), DOMAIN_NO_TURN);
    assert_int_equal(check(f, &domain, VERIFY_OK, &strict, NOW + 6 * DAY), DOMAIN_MENDED);
    assert_int_equal(domain.state, DOMAIN_ENABLED);
    view = (struct alert_view){.count = 0};
    assert_ok(alert_look_domains(LOOK(&usual, NOW, &view)));
    assert_int_equal(view.count, 0);
    fixture_free(f);
}

static void test_a_feed_that_takes_nothing(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct alert_limits limits = {.feed_ms = 10 * MINUTE}, never = {.feed_ms = 0};
    struct alert_view view = {.count = 0};
    int64_t at, since;
    bool is_new;
    feed_expect(f->db);
    assert_ok(feed_begin(f->db, true, NOW, &since, &is_new));
    assert_ok(feed_add(f->db, 1));
    fixture_commit(f);
    at = fixture_number(f, "SELECT at FROM feed_outbox");
    assert_ok(alert_look_feed(LOOK(&limits, at + 10 * MINUTE, &view)));
    assert_int_equal(seen(&view, ALERT_FEED), 0);
    assert_true(view.is_looked[ALERT_FEED]);
    assert_ok(alert_look_feed(LOOK(&never, at + DAY, &view)));
    assert_int_equal(seen(&view, ALERT_FEED), 0);
    assert_ok(alert_look_feed(LOOK(&limits, at + 11 * MINUTE, &view)));
    assert_int_equal(seen(&view, ALERT_FEED), 1);
    assert_non_null(strstr(view.items[0].text.p, "waited for it for 11 minutes"));
    assert_ok(feed_begin(f->db, false, NOW, &since, &is_new)); /* what no feed is to have is no trouble */
    view = (struct alert_view){.count = 0};
    assert_ok(alert_look_feed(LOOK(&limits, at + DAY, &view)));
    assert_int_equal(seen(&view, ALERT_FEED), 0);
    fixture_free(f);
}

static void test_nobody_is_stopped_unasked(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct domain domain = make_verified(f);
    struct domain_policy lenient = strict, endless = strict;
    lenient.stops = false;
    endless.grace_ms = 0;
    assert_int_equal(check(f, &domain, VERIFY_FAILED, &lenient, NOW + DAY), DOMAIN_BROKE);
    assert_int_equal(check(f, &domain, VERIFY_FAILED, &lenient, NOW + 90 * DAY), DOMAIN_NO_TURN);
    assert_int_equal(check(f, &domain, VERIFY_FAILED, &endless, NOW + 90 * DAY), DOMAIN_NO_TURN);
    assert_int_equal(domain.state, DOMAIN_ENABLED);
    assert_ok(domain_enable(f->db, &domain, NOW + 90 * DAY)); /* the operator's word stands */
    assert_int_equal(check(f, &domain, VERIFY_FAILED, &strict, NOW + 91 * DAY), DOMAIN_NO_TURN);
    assert_int_equal(domain.state, DOMAIN_ENABLED);
    assert_ok(domain_suspend(f->db, &domain, STR("spam"), NOW + 92 * DAY));
    assert_int_equal(check(f, &domain, VERIFY_OK, &strict, NOW + 93 * DAY), DOMAIN_MENDED); /* which enables nobody */
    assert_int_equal(domain.state, DOMAIN_SUSPENDED);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_mail),
        cmocka_unit_test(test_sites_and_blocks),
        cmocka_unit_test(test_a_relay_that_lets_us_not_in),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_suspended_and_enabled),
        cmocka_unit_test(test_DN20_a_bad_minute_changes_nothing),
        cmocka_unit_test(test_broken_records),
        cmocka_unit_test(test_a_feed_that_takes_nothing),
        cmocka_unit_test(test_nobody_is_stopped_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
