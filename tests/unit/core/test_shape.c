/* test_shape.c - what each signal does to a connector, by a scripted clock: OB30 (rate replies), OB35 (blocks), dead sites,
 * ramps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "shape_log.h"

#include "core/shape_own.h"

struct script {
    struct shape s;
    struct shape_log log;
    int64_t t;
};

static void script_init(struct script *x, size_t connections, int64_t per_minute) {
    struct shape_limits ceiling = SHAPE_DEFAULT;
    ceiling.connections = connections;
    ceiling.per_minute = per_minute;
    x->t = HOUR;
    shape_log_init(&x->log, &x->s, &ceiling, x->t);
}

static struct shape_time now(const struct script *x) {
    return shape_at(x->t);
}

/* As a mta that always has work: asks all the time, sends nothing. */
static void pass(struct script *x, int64_t ms) {
    for (int64_t end = x->t + ms; x->t < end; x->t += SECOND) (void)shape_may_connect(&x->s, now(x), 500, 0);
}

/* As one with more work than may go: every connection is used, every message begins that may. */
static void be_busy(struct script *x, int64_t ms) {
    for (int64_t end = x->t + ms; x->t < end; x->t += 10) {
        (void)shape_may_connect(&x->s, now(x), shape_connections_now(&x->s), 0);
        for (int i = 0; i < 20 && shape_begin_in_ms(&x->s, now(x)) == 0; i++) shape_began(&x->s, now(x));
    }
}

/* `n` messages, spread over `ms`, all delivered. */
static void send_over(struct script *x, int n, int64_t ms) {
    for (int i = 0; i < n; i++) {
        assert_int_equal(shape_begin_in_ms(&x->s, now(x)), 0);
        shape_began(&x->s, now(x));
        shape_delivered(&x->s, now(x));
        x->t += ms / n;
    }
}

static void refuse(struct script *x, unsigned code, enum bounce_class class, const char *text) {
    struct shape_reply reply = {.code = code, .class = class, .text = str_from_z(text), .host = STR("mx.test")};
    shape_refused(&x->s, now(x), &reply);
}

static void slow(struct script *x) {
    refuse(x, 421, BOUNCE_RATE_LIMITED, "too many messages");
}

static struct shape_view view(struct script *x) {
    struct shape_view v;
    shape_show(&x->s, now(x), &v);
    return v;
}

static void assert_limits(struct script *x, size_t connections, int64_t per_minute) {
    struct shape_view v = view(x);
    assert_int_equal(v.limits.connections, connections);
    assert_int_equal(v.limits.per_minute, per_minute);
}

/* Paused, of this kind, for so long from now on. */
static void assert_paused(struct script *x, enum shape_pause_kind kind, int64_t ms) {
    struct shape_pause pause;
    assert_true(shape_is_paused(&x->s, now(x), &pause));
    assert_int_equal(pause.kind, kind);
    assert_int_equal(pause.until, ms == SHAPE_NO_END ? ms : now(x).wall_ms + ms);
    assert_int_equal(shape_begin_in_ms(&x->s, now(x)), ms);
    assert_false(shape_may_connect(&x->s, now(x), 0, 0));
}

static void assert_open(struct script *x) {
    struct shape_pause pause;
    assert_false(shape_is_paused(&x->s, now(x), &pause));
}

static void test_a_default_site_is_not_throttled(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    send_over(&x, 100000, MINUTE);
    assert_limits(&x, 20, 0);
    assert_true(shape_may_connect(&x.s, now(&x), 19, 1));
    assert_false(shape_may_connect(&x.s, now(&x), 20, 0));
    assert_int_equal(shape_connection_messages(&x.s), 500);
    assert_int_equal(x.log.count, 0);
    assert_true(shape_is_plain(&x.s, now(&x)));
}

static void test_two_connections_find_out_whether_anybody_greets(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    assert_true(shape_may_connect(&x.s, now(&x), 0, 0));
    assert_true(shape_may_connect(&x.s, now(&x), 1, 1));
    assert_false(shape_may_connect(&x.s, now(&x), 2, 2));
    assert_true(shape_may_connect(&x.s, now(&x), 3, 2));
}

static void test_ob35_rate_replies_halve_once_a_burst_down_to_the_floor(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    send_over(&x, 600, 50 * SECOND);
    slow(&x);
    assert_limits(&x, 10, 300);
    for (int i = 0; i < 20; i++) slow(&x); /* those that were under way */
    assert_limits(&x, 10, 300);
    assert_int_equal(x.log.count, 2);
    assert_string_equal(x.log.because, "mx.test: 421 too many messages");
    for (int i = 0; i < 10; i++) {
        x.t += 11 * SECOND;
        if (shape_begin_in_ms(&x.s, now(&x)) == 0) shape_began(&x.s, now(&x));
        slow(&x);
    }
    assert_limits(&x, 1, 1);
    assert_true(shape_may_connect(&x.s, now(&x), 0, 0));
    assert_true(shape_begin_in_ms(&x.s, now(&x)) <= MINUTE);
}

static void test_ob35_quiet_time_adds_until_the_cap_is_gone(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    send_over(&x, 800, 50 * SECOND);
    slow(&x);
    assert_limits(&x, 10, 400);
    pass(&x, 61 * SECOND);
    assert_limits(&x, 12, 500);
    pass(&x, 61 * SECOND);
    assert_limits(&x, 14, 600);
    pass(&x, 5 * MINUTE);
    assert_limits(&x, 20, 0);
    size_t decisions = x.log.count;
    pass(&x, 2 * HOUR);
    assert_int_equal(x.log.count, decisions);
    assert_true(shape_is_plain(&x.s, now(&x)));
}

static void test_ob35_who_complains_often_is_tried_less_often(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    for (int i = 0; i < 4; i++) {
        slow(&x);
        x.t += 15 * SECOND;
    }
    assert_limits(&x, 1, 0); /* nothing was sent: it is about connections */
    pass(&x, 7 * MINUTE);
    assert_limits(&x, 1, 0);
    pass(&x, 2 * MINUTE);
    assert_limits(&x, 3, 0);
}

static void test_a_greeting_refused_is_about_connections(void **state) {
    (void)state;
    struct script x;
    struct shape_reply reply = {.code = 421, .class = BOUNCE_RATE_LIMITED, .text = STR("too many"), .is_greeting = true};
    script_init(&x, 20, 0);
    send_over(&x, 100, 50 * SECOND);
    shape_refused(&x.s, now(&x), &reply);
    shape_unreachable(&x.s, now(&x), 8, STR("too many"));
    assert_limits(&x, 10, 0);
    reply.class = BOUNCE_SPAM_BLOCK;
    shape_refused(&x.s, now(&x), &reply);
    assert_paused(&x, SHAPE_BLOCK, 15 * MINUTE);
}

static void test_a_long_silence_is_made_up_for_at_once(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 300);
    send_over(&x, 100, 59 * SECOND);
    slow(&x);
    assert_limits(&x, 10, 50);
    x.t += 5 * HOUR;
    assert_limits(&x, 20, 300);
    assert_int_equal(x.log.count, 4);
}

static void test_a_421_that_says_later_is_about_rate_a_450_about_the_message(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    refuse(&x, 450, BOUNCE_TRANSIENT_FAILURE, "mailbox busy");
    refuse(&x, 550, BOUNCE_INVALID_RECIPIENT, "no such user");
    refuse(&x, 451, BOUNCE_GREYLISTED, "greylisted, try later");
    refuse(&x, 0, BOUNCE_BAD_CONNECTION, "the connection was lost");
    assert_int_equal(x.log.count, 0);
    refuse(&x, 421, BOUNCE_TRANSIENT_FAILURE, "try later");
    assert_limits(&x, 10, 0);
}

static void test_no_more_connections_taken_is_a_limit_not_an_outage(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    shape_unreachable(&x.s, now(&x), 12, STR("connection refused"));
    assert_limits(&x, 12, 0);
    assert_false(shape_may_connect(&x.s, now(&x), 8, 0)); /* not just now */
    assert_true(shape_may_connect(&x.s, now(&x), 0, 0));
    x.t += 5 * SECOND;
    assert_true(shape_may_connect(&x.s, now(&x), 8, 0));
    shape_unreachable(&x.s, now(&x), 12, STR("connection refused"));
    assert_int_equal(x.log.count, 1);
    x.t += 20 * SECOND;
    shape_unreachable(&x.s, now(&x), 1, STR("connection refused")); /* not so many just then: never less than half */
    assert_limits(&x, 6, 0);
    assert_open(&x);
}

/* The pause is over: the probe goes out and is not answered. */
static void fail_again(struct script *x) {
    x->t += SECOND;
    assert_open(x);
    assert_true(shape_may_connect(&x->s, now(x), 0, 0));
    assert_false(shape_may_connect(&x->s, now(x), 1, 1));
    shape_unreachable(&x->s, now(x), 0, STR("connection refused"));
}

static void test_ob30_a_dead_site_is_left_alone_longer_and_longer(void **state) {
    (void)state;
    static const int64_t pauses[] = {30, 60, 120, 240, 480, 600, 600, 600};
    struct script x;
    script_init(&x, 20, 0);
    shape_unreachable(&x.s, now(&x), 0, STR("connection refused"));
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        shape_unreachable(&x.s, now(&x), 0, STR("another connection's end")); /* is no news */
        assert_paused(&x, SHAPE_UNREACHABLE, pauses[i] * SECOND);
        x.t += pauses[i] * SECOND;
        fail_again(&x);
    }
}

static void test_ob35_a_block_pauses_and_doubles_while_it_goes_on(void **state) {
    (void)state;
    static const int64_t minutes[] = {15, 30, 60, 120, 240, 240};
    struct script x;
    script_init(&x, 20, 0);
    send_over(&x, 10, SECOND);
    pass(&x, MINUTE);
    for (size_t i = 0; i < sizeof minutes / sizeof *minutes; i++) {
        refuse(&x, 550, BOUNCE_SPAM_BLOCK, "5.7.1 192.0.2.1 is listed");
        refuse(&x, 550, BOUNCE_SPAM_BLOCK, "5.7.1 192.0.2.1 is listed");
        shape_delivered(&x.s, now(&x)); /* of a message that had begun before */
        assert_paused(&x, SHAPE_BLOCK, minutes[i] * MINUTE);
        assert_string_equal(view(&x).pause.because.p, "mx.test: 550 5.7.1 192.0.2.1 is listed");
        x.t += minutes[i] * MINUTE;
        assert_int_equal(shape_begin_in_ms(&x.s, now(&x)), 0);
        shape_began(&x.s, now(&x));
    }
    shape_delivered(&x.s, now(&x));
    assert_open(&x);
}

/* One tenant's mail is refused for what it is, in words that sound like a block, between mail of others that is taken. */
static void test_p6_ob35_who_is_refused_among_others_stops_nobody(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    for (int i = 0; i < 50; i++) {
        send_over(&x, 1, SECOND);
        refuse(&x, 550, BOUNCE_SPAM_BLOCK, "5.7.1 blocked");
        refuse(&x, 550, BOUNCE_SPAM_BLOCK, "5.7.1 blocked");
        assert_open(&x);
    }
    refuse(&x, 550, BOUNCE_SPAM_BLOCK, "5.7.1 blocked"); /* three in a row: nobody's mail is taken any more */
    assert_paused(&x, SHAPE_BLOCK, 15 * MINUTE);
}

static void test_ob35_an_old_block_is_forgotten(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    refuse(&x, 550, BOUNCE_SPAM_BLOCK, "listed");
    pass(&x, 16 * MINUTE);
    send_over(&x, 2, 40 * SECOND);
    pass(&x, 3 * HOUR);
    refuse(&x, 550, BOUNCE_SPAM_BLOCK, "listed");
    assert_paused(&x, SHAPE_BLOCK, 15 * MINUTE);
}

static void test_ob35_a_rule_pauses_as_long_as_it_says_and_once(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    struct shape_reply reply = {.code = 421, .text = STR("[TSS04]"), .class = BOUNCE_SPAM_BLOCK, .suspend_ms = 2 * HOUR};
    for (int i = 0; i < 20; i++) {
        shape_refused(&x.s, now(&x), &reply);
        x.t += SECOND;
    }
    assert_int_equal(x.log.count, 1);
    assert_paused(&x, SHAPE_RULE, 2 * HOUR - 20 * SECOND);
}

static void test_ob30_after_a_pause_one_goes_first_then_twice_as_many(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    shape_unreachable(&x.s, now(&x), 0, STR("timed out"));
    x.t += 30 * SECOND;
    assert_int_equal(view(&x).ramp_per_minute, 1);
    assert_true(shape_may_connect(&x.s, now(&x), 0, 0));
    assert_false(shape_may_connect(&x.s, now(&x), 1, 0));
    assert_int_equal(shape_begin_in_ms(&x.s, now(&x)), 0);
    shape_began(&x.s, now(&x));
    assert_true(shape_begin_in_ms(&x.s, now(&x)) > 10 * MINUTE); /* a final dot may take that */
    shape_delivered(&x.s, now(&x));
    size_t connections = 2;
    for (int64_t rate = 120; rate <= 61440; rate *= 2) {
        assert_limits(&x, connections, rate);
        shape_delivered(&x.s, now(&x));
        be_busy(&x, 17 * SECOND);
        connections = connections * 2 < 20 ? connections * 2 : 20;
    }
    assert_limits(&x, 20, 0);
    assert_int_equal(shape_log_count(&x.log, SHAPE_RAMP), 12);
}

static void test_ob30_a_ramp_ends_when_nothing_waits_for_it(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    shape_unreachable(&x.s, now(&x), 0, STR("timed out"));
    x.t += 30 * SECOND;
    send_over(&x, 2, 40 * SECOND);
    assert_limits(&x, 20, 0);
    assert_int_equal(shape_log_count(&x.log, SHAPE_RAMP), 3);
}

static void test_ob30_a_failure_in_the_ramp_goes_back(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    shape_unreachable(&x.s, now(&x), 0, STR("timed out"));
    x.t += 30 * SECOND;
    shape_began(&x.s, now(&x));
    shape_delivered(&x.s, now(&x));
    shape_unreachable(&x.s, now(&x), 0, STR("timed out"));
    assert_paused(&x, SHAPE_UNREACHABLE, MINUTE);
    x.t += MINUTE;
    assert_open(&x);
    shape_began(&x.s, now(&x));
    refuse(&x, 0, BOUNCE_BAD_CONNECTION, "the connection was lost"); /* the probe itself */
    assert_paused(&x, SHAPE_UNREACHABLE, 2 * MINUTE);
    x.t += 2 * MINUTE;
    assert_open(&x);
    shape_began(&x.s, now(&x));
    slow(&x);
    assert_limits(&x, 1, 1);
    assert_open(&x);
}

static void test_a_probe_that_is_taken_back_lets_another_go(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    shape_unreachable(&x.s, now(&x), 0, STR("timed out"));
    x.t += 30 * SECOND;
    assert_open(&x);
    shape_began(&x.s, now(&x));
    shape_dropped(&x.s, now(&x));
    assert_int_equal(shape_begin_in_ms(&x.s, now(&x)), 0);
    shape_began(&x.s, now(&x));
    x.t += 16 * MINUTE; /* its end was never told */
    assert_int_equal(shape_begin_in_ms(&x.s, now(&x)), 0);
    struct shape_reply greeting = {.code = 450, .class = BOUNCE_TRANSIENT_FAILURE, .is_greeting = true};
    shape_refused(&x.s, now(&x), &greeting);
    assert_int_equal(view(&x).ramp_per_minute, 1); /* nothing good was heard */
}

static void test_an_operator_pauses_and_resumes(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    shape_pause(&x.s, now(&x), SHAPE_NO_END, STR("they are moving"));
    assert_paused(&x, SHAPE_OPERATOR, SHAPE_NO_END);
    refuse(&x, 550, BOUNCE_SPAM_BLOCK, "listed");
    shape_unreachable(&x.s, now(&x), 0, STR("timed out"));
    x.t += 1000 * HOUR;
    assert_paused(&x, SHAPE_OPERATOR, SHAPE_NO_END);
    shape_pause(&x.s, now(&x), now(&x).wall_ms + HOUR, STR("not so long"));
    assert_paused(&x, SHAPE_OPERATOR, HOUR);
    shape_resume(&x.s, now(&x), STR("they have moved"));
    assert_open(&x);
    assert_int_equal(view(&x).ramp_per_minute, 1);
    size_t decisions = x.log.count;
    shape_resume(&x.s, now(&x), STR("again"));
    assert_int_equal(x.log.count, decisions);
    refuse(&x, 550, BOUNCE_SPAM_BLOCK, "listed");
    shape_resume(&x.s, now(&x), STR("it was delisted")); /* ends any pause */
    assert_open(&x);
}

static void test_a_clock_that_jumps_neither_ends_nor_lengthens_a_pause(void **state) {
    (void)state;
    struct script x;
    struct shape_pause pause;
    script_init(&x, 20, 0);
    refuse(&x, 550, BOUNCE_SPAM_BLOCK, "listed");
    struct shape_time later = {WALL_AT_0 - 1000 * HOUR, x.t + 14 * MINUTE};
    assert_true(shape_is_paused(&x.s, later, &pause));
    assert_int_equal(pause.until, later.wall_ms + MINUTE);
    later = (struct shape_time){WALL_AT_0 + 1000 * HOUR, x.t + 14 * MINUTE};
    assert_true(shape_is_paused(&x.s, later, &pause));
}

static void test_new_rows_move_the_ceiling(void **state) {
    (void)state;
    struct script x;
    struct shape_limits google = {.connections = 5, .connection_messages = 50, .per_minute = 600, .idle_ms = 30000};
    script_init(&x, 20, 0);
    shape_set_ceiling(&x.s, &google, now(&x));
    assert_limits(&x, 5, 600);
    assert_int_equal(shape_connection_messages(&x.s), 50);
    assert_int_equal(shape_idle_ms(&x.s), 30000);
    slow(&x);
    assert_limits(&x, 2, 600);
    shape_set_ceiling(&x.s, &SHAPE_DEFAULT, now(&x));
    assert_limits(&x, 2, 0);
    pass(&x, HOUR);
    assert_limits(&x, 20, 0);
}

static void test_a_flapping_site_writes_few_decisions(void **state) {
    (void)state;
    struct script x;
    script_init(&x, 20, 0);
    for (int64_t end = x.t + 24 * HOUR; x.t < end; x.t += SECOND) { /* up for a minute, down for a minute; always work */
        if (!shape_may_connect(&x.s, now(&x), 0, 0) || shape_begin_in_ms(&x.s, now(&x))) continue;
        bool is_up = x.t / MINUTE % 2 == 0;
        shape_began(&x.s, now(&x));
        if (is_up)
            shape_delivered(&x.s, now(&x));
        else
            shape_unreachable(&x.s, now(&x), 0, STR("timed out"));
    }
    assert_in_range(x.log.count, 50, 1500);
    script_init(&x, 20, 0);
    for (int64_t end = x.t + 24 * HOUR; x.t < end; x.t += SECOND) { /* every second message is too many */
        if (shape_begin_in_ms(&x.s, now(&x))) continue;
        shape_began(&x.s, now(&x));
        if (x.t / SECOND % 2)
            slow(&x);
        else
            shape_delivered(&x.s, now(&x));
    }
    assert_in_range(x.log.count, 4, 1000);
}

static void test_what_a_server_says_is_shown_harmlessly(void **state) {
    (void)state;
    struct script x;
    char words[5000];
    script_init(&x, 20, 0);
    memset(words, 'x', sizeof words);
    memcpy(words, "\x1b[2J\r\n\0\xff", 8);
    struct shape_reply reply = {.code = 550, .class = BOUNCE_SPAM_BLOCK, .text = {words, sizeof words}, .host = STR("mx.test")};
    shape_refused(&x.s, now(&x), &reply);
    assert_memory_equal(x.log.because, "mx.test: 550 ?[2J????xx", 23);
}

/* ---- over a restart ---- */
static void restore(struct script *x, const struct shape_log *from) {
    script_init(x, 20, 0);
    x->s.decide = NULL;
    x->t = HOUR + 20 * MINUTE;
    for (size_t i = 0; i < from->count; i++) {
        struct shape_decision d = from->items[i];
        d.because = STR("as it was");
        shape_restore(&x->s, now(x), &d);
    }
}

static void test_a_restart_restores_what_still_holds(void **state) {
    (void)state;
    struct script x, y;
    script_init(&x, 20, 0);
    send_over(&x, 200, 50 * SECOND);
    slow(&x);
    for (int i = 0; i < 3; i++) refuse(&x, 550, BOUNCE_SPAM_BLOCK, "listed");
    x.t += 15 * MINUTE;
    assert_open(&x);
    refuse(&x, 550, BOUNCE_SPAM_BLOCK, "listed");
    int64_t until = x.t + 30 * MINUTE;
    restore(&y, &x.log);
    assert_paused(&y, SHAPE_BLOCK, until - y.t);
    y.t = until;
    assert_int_equal(view(&y).ramp_per_minute, 1);
    assert_int_equal(y.s.connections, 10);
    assert_int_equal(y.s.per_minute, 100);
    refuse(&y, 550, BOUNCE_SPAM_BLOCK, "listed"); /* it goes on: twice as long, not from the beginning */
    assert_paused(&y, SHAPE_BLOCK, HOUR);
}

static void test_a_restart_forgets_what_is_old_and_probes_what_has_ended(void **state) {
    (void)state;
    struct script x, y;
    script_init(&x, 20, 0);
    slow(&x);
    for (size_t i = 0; i < x.log.count; i++) x.log.items[i].at -= 2 * HOUR;
    restore(&y, &x.log);
    assert_limits(&y, 20, 0);
    script_init(&x, 20, 0);
    shape_unreachable(&x.s, now(&x), 0, STR("timed out"));
    restore(&y, &x.log);
    assert_open(&y);
    assert_int_equal(view(&y).ramp_per_minute, 1);
    shape_resume(&x.s, now(&x), STR("by hand"));
    shape_delivered(&x.s, now(&x));
    restore(&y, &x.log);
    assert_int_equal(view(&y).ramp_per_minute, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_default_site_is_not_throttled),
        cmocka_unit_test(test_two_connections_find_out_whether_anybody_greets),
        cmocka_unit_test(test_ob35_rate_replies_halve_once_a_burst_down_to_the_floor),
        cmocka_unit_test(test_ob35_quiet_time_adds_until_the_cap_is_gone),
        cmocka_unit_test(test_ob35_who_complains_often_is_tried_less_often),
        cmocka_unit_test(test_a_greeting_refused_is_about_connections),
        cmocka_unit_test(test_a_long_silence_is_made_up_for_at_once),
        cmocka_unit_test(test_a_421_that_says_later_is_about_rate_a_450_about_the_message),
        cmocka_unit_test(test_no_more_connections_taken_is_a_limit_not_an_outage),
        cmocka_unit_test(test_ob30_a_dead_site_is_left_alone_longer_and_longer),
        cmocka_unit_test(test_ob35_a_block_pauses_and_doubles_while_it_goes_on),
        cmocka_unit_test(test_p6_ob35_who_is_refused_among_others_stops_nobody),
        cmocka_unit_test(test_ob35_an_old_block_is_forgotten),
        cmocka_unit_test(test_ob35_a_rule_pauses_as_long_as_it_says_and_once),
        cmocka_unit_test(test_ob30_after_a_pause_one_goes_first_then_twice_as_many),
        cmocka_unit_test(test_ob30_a_ramp_ends_when_nothing_waits_for_it),
        cmocka_unit_test(test_ob30_a_failure_in_the_ramp_goes_back),
        cmocka_unit_test(test_a_probe_that_is_taken_back_lets_another_go),
        cmocka_unit_test(test_an_operator_pauses_and_resumes),
        cmocka_unit_test(test_a_clock_that_jumps_neither_ends_nor_lengthens_a_pause),
        cmocka_unit_test(test_new_rows_move_the_ceiling),
        cmocka_unit_test(test_a_flapping_site_writes_few_decisions),
        cmocka_unit_test(test_what_a_server_says_is_shown_harmlessly),
        cmocka_unit_test(test_a_restart_restores_what_still_holds),
        cmocka_unit_test(test_a_restart_forgets_what_is_old_and_probes_what_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
