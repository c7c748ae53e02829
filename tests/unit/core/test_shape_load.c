/* test_shape_load.c - a connector against servers with a capacity of their own: it settles near it, comes back slowly after an
 * outage (OB30), and over random days keeps its promises: never more connections or messages a minute than allowed, never less
 * than the floor, every change a decision that follows the last, and back at the ceiling in the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "shape_log.h"

#include "core/shape_own.h"

#include <stdlib.h>

#define TICK  INT64_C(100)
#define TICKS 600 /* of a minute */
#define CONNS 64

/* What the other side bears. */
struct server {
    bool is_down, is_blocking;
    size_t connections; /* more are not greeted; 0: any number */
    int64_t per_minute; /* more get a 421; 0: any number */
    int64_t latency_ms; /* of a message */
    int64_t counts[TICKS];
};
enum conn_state { CONN_NONE, CONN_COMING, CONN_IDLE, CONN_BUSY };
struct conn {
    enum conn_state state;
    int64_t until;
};
struct day {
    struct shape s;
    struct shape_log log;
    struct server server;
    struct conn conns[CONNS];
    size_t count, coming, serving;
    int64_t t, waiting;
    int64_t begun, delivered, refused, unreachable; /* sums */
    int64_t rates[TICKS], begun_in[TICKS];          /* of the last minute, by tick */
};

static struct day *day_new(size_t connections, int64_t per_minute) {
    struct day *d = calloc(1, sizeof *d);
    struct shape_limits ceiling = SHAPE_DEFAULT;
    ceiling.connections = connections;
    ceiling.per_minute = per_minute;
    d->t = HOUR;
    d->server.latency_ms = 300;
    shape_log_init(&d->log, &d->s, &ceiling, d->t);
    return d;
}

static void set_state(struct day *d, struct conn *c, enum conn_state state, int64_t ms) {
    d->coming += (size_t)(state == CONN_COMING) - (size_t)(c->state == CONN_COMING);
    d->serving += (size_t)(state >= CONN_IDLE) - (size_t)(c->state >= CONN_IDLE);
    d->count += (size_t)(state != CONN_NONE) - (size_t)(c->state != CONN_NONE);
    *c = (struct conn){state, d->t + ms};
}

static void greet(struct day *d, struct conn *c) {
    bool is_full = d->server.connections && d->serving >= d->server.connections;
    if (!d->server.is_down && !is_full) return set_state(d, c, CONN_IDLE, 0);
    set_state(d, c, CONN_NONE, 0);
    d->unreachable++;
    shape_unreachable(&d->s, shape_at(d->t), d->serving, STR("connection refused"));
}

static bool is_too_fast(struct server *server, int64_t t) {
    int64_t sum = 0, *now = &server->counts[t / TICK % TICKS];
    for (size_t i = 0; i < TICKS; i++) sum += server->counts[i];
    if (!server->per_minute || sum < server->per_minute) {
        *now += 1;
        return false;
    }
    return true;
}

static void answer(struct day *d, struct conn *c) {
    struct shape_reply reply = {.class = BOUNCE_BAD_CONNECTION};
    set_state(d, c, d->server.is_down ? CONN_NONE : CONN_IDLE, 0);
    if (d->server.is_down) return shape_refused(&d->s, shape_at(d->t), &reply);
    reply = (struct shape_reply){.code = 421, .class = BOUNCE_RATE_LIMITED, .text = STR("slow down")};
    if (d->server.is_blocking) reply.class = BOUNCE_SPAM_BLOCK;
    if (d->server.is_blocking || is_too_fast(&d->server, d->t)) {
        d->refused++;
        d->waiting++;
        return shape_refused(&d->s, shape_at(d->t), &reply);
    }
    d->delivered++;
    shape_delivered(&d->s, shape_at(d->t));
}

static void begin(struct day *d, struct conn *c) {
    shape_began(&d->s, shape_at(d->t));
    d->begun_in[d->t / TICK % TICKS]++;
    d->begun++;
    d->waiting--;
    set_state(d, c, CONN_BUSY, d->server.latency_ms);
}

static bool is_idle_one(const struct day *d) {
    return d->serving > 0 && d->count > d->coming;
}

static void connect_more(struct day *d) {
    for (size_t i = 0; i < CONNS && d->waiting > (int64_t)d->coming; i++) {
        if (d->conns[i].state != CONN_NONE) continue;
        bool waits_for_rate = is_idle_one(d) && shape_begin_in_ms(&d->s, shape_at(d->t)) > 0;
        if (waits_for_rate || !shape_may_connect(&d->s, shape_at(d->t), d->count, d->coming)) return;
        assert_true(d->count < d->s.ceiling.connections && d->count < shape_connections_now(&d->s));
        set_state(d, &d->conns[i], CONN_COMING, 100);
    }
}

/* In no minute that was capped throughout went more than its highest cap. */
static void check_rate(const struct day *d) {
    int64_t sum = 0, highest = 0;
    for (size_t i = 0; i < TICKS; i++) {
        if (!d->rates[i]) return;
        sum += d->begun_in[i];
        highest = d->rates[i] > highest ? d->rates[i] : highest;
    }
    assert_true(sum <= highest);
}

/* Of two caps, 0 being none. */
static int64_t higher(int64_t a, int64_t b) {
    return a == 0 || b == 0 ? 0 : a > b ? a : b;
}

static void tick(struct day *d) {
    size_t now = (size_t)(d->t / TICK % TICKS);
    int64_t rate = shape_rate_now(&d->s);
    d->begun_in[now] = d->server.counts[now] = 0;
    for (size_t i = 0; i < CONNS; i++) {
        struct conn *c = &d->conns[i];
        if (c->state == CONN_COMING && d->t >= c->until) greet(d, c);
        if (c->state == CONN_BUSY && d->t >= c->until) answer(d, c);
        if (c->state != CONN_IDLE) continue;
        if (d->count > d->s.ceiling.connections || (d->count > shape_connections_now(&d->s) && d->t % SECOND == 0))
            set_state(d, c, CONN_NONE, 0);
        else if (d->waiting > 0 && shape_begin_in_ms(&d->s, shape_at(d->t)) == 0)
            begin(d, c);
    }
    connect_more(d);
    d->rates[now] = higher(rate, shape_rate_now(&d->s));
    assert_true(d->s.connections >= 1 && d->s.connections <= d->s.ceiling.connections && d->s.per_minute >= 0);
    if (d->t % SECOND == 0) check_rate(d);
    d->t += TICK;
}

static void run(struct day *d, int64_t ms) {
    for (int64_t end = d->t + ms; d->t < end;) tick(d);
}

/* The end of a second: what the log holds is forgotten, the chains are kept. */
static void forget_decisions(struct day *d) {
    d->log.count = 0;
}

static void test_ob35_it_settles_near_what_connections_are_taken(void **state) {
    (void)state;
    struct day *d = day_new(20, 0);
    d->waiting = 10000000;
    d->server.connections = 7;
    run(d, HOUR);
    int64_t delivered = d->delivered, unreachable = d->unreachable;
    forget_decisions(d);
    run(d, 2 * HOUR);
    assert_true(d->delivered - delivered > 7 * 2 * (HOUR / 400) * 6 / 10); /* of what seven could */
    assert_in_range(d->unreachable - unreachable, 1, 60);
    assert_in_range(d->log.count, 1, 60);
    free(d);
}

static void test_ob35_it_settles_near_the_rate_that_is_taken(void **state) {
    (void)state;
    struct day *d = day_new(20, 0);
    d->waiting = 10000000;
    d->server.per_minute = 300;
    run(d, HOUR);
    int64_t delivered = d->delivered, refused = d->refused;
    forget_decisions(d);
    run(d, 4 * HOUR);
    delivered = d->delivered - delivered;
    refused = d->refused - refused;
    assert_true(delivered > 4 * 60 * 300 / 2);
    assert_true(refused < delivered / 10);
    assert_in_range(d->log.count, 1, 200);
    free(d);
}

static void test_ob30_after_six_hours_two_hundred_thousand_come_back_slowly(void **state) {
    (void)state;
    struct day *d = day_new(20, 0);
    d->waiting = 200000;
    d->server.is_down = true;
    run(d, 6 * HOUR);
    assert_in_range(d->unreachable, 30, 60); /* not one a recipient */
    d->server.is_down = false;
    d->server.latency_ms = 100;
    while (!d->delivered) run(d, SECOND);
    int64_t last = 30, second_outage = 0;
    for (int quarter = 0; quarter < 40; quarter++) {
        int64_t before = d->begun;
        run(d, 15 * SECOND);
        if (d->begun - before > 2 * last + 10) second_outage++;
        last = d->begun - before > last ? d->begun - before : last;
        if (quarter == 3) assert_true(d->begun < 700);
    }
    assert_int_equal(second_outage, 0);
    run(d, HOUR);
    assert_int_equal(d->waiting, 0);
    assert_int_equal(d->refused, 0);
    free(d);
}

static void test_ob30_one_that_falls_again_under_load_is_found_bearable(void **state) {
    (void)state;
    struct day *d = day_new(20, 0);
    d->waiting = 200000;
    d->server.is_down = true;
    run(d, HOUR);
    d->server.is_down = false;
    d->server.per_minute = 1200; /* and complains about more */
    run(d, 4 * HOUR);
    assert_true(d->delivered > 4 * 60 * 1200 / 3);
    assert_true(d->refused < d->delivered / 10);
    free(d);
}

/* ---- random days ---- */
static uint64_t next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return *seed >> 33;
}

static void change_something(struct day *d, uint64_t *seed) {
    struct shape_time now = shape_at(d->t);
    struct shape_reply reply = {.code = 421, .class = BOUNCE_RATE_LIMITED, .suspend_ms = 0};
    switch (next_random(seed) % 12) {
    case 0:
        d->server.is_down = !d->server.is_down;
        break;
    case 1:
        d->server.is_down = d->server.is_blocking = false;
        break;
    case 2:
        d->server.is_blocking = next_random(seed) % 3 == 0;
        break;
    case 3:
        d->server.connections = next_random(seed) % 12;
        break;
    case 4:
        d->server.per_minute = (int64_t)(next_random(seed) % 2 ? 0 : next_random(seed) % 600);
        break;
    case 5:
        d->server.latency_ms = (int64_t)(next_random(seed) % 3000);
        break;
    case 6:
        shape_pause(&d->s, now, now.wall_ms + (int64_t)(next_random(seed) % (10 * MINUTE)), STR("by hand"));
        break;
    case 7:
        shape_resume(&d->s, now, STR("by hand"));
        break;
    case 8:
        d->waiting = (int64_t)(next_random(seed) % 50000);
        break;
    case 9:
        reply.suspend_ms = (int64_t)(next_random(seed) % (5 * MINUTE));
        shape_refused(&d->s, now, &reply);
        break;
    case 10:
        shape_dropped(&d->s, now);
        break;
    default:
        run(d, (int64_t)(next_random(seed) % (20 * MINUTE)));
    }
}

static void live_through(uint64_t seed) {
    static const int64_t rates[] = {0, 0, 1, 30, 59, 60, 600, 100000};
    struct day *d = day_new(1 + next_random(&seed) % 40, rates[next_random(&seed) % 8]);
    d->waiting = 10000;
    for (int64_t end = d->t + 3 * HOUR; d->t < end;) {
        change_something(d, &seed);
        run(d, (int64_t)(next_random(&seed) % (3 * MINUTE)));
        forget_decisions(d);
    }
    d->server = (struct server){.latency_ms = 300};
    shape_resume(&d->s, shape_at(d->t), STR("by hand"));
    d->waiting = 100;
    run(d, 30 * MINUTE);
    for (int i = 0; i < 6; i++) { /* in quiet */
        d->t += HOUR;
        (void)shape_may_connect(&d->s, shape_at(d->t), 0, 0);
    }
    assert_true(shape_is_plain(&d->s, shape_at(d->t)));
    assert_int_equal(d->s.connections, d->s.ceiling.connections);
    assert_int_equal(d->s.per_minute, d->s.ceiling.per_minute);
    free(d);
}

static void test_random_days_keep_every_promise(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) live_through(seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ob35_it_settles_near_what_connections_are_taken),
        cmocka_unit_test(test_ob35_it_settles_near_the_rate_that_is_taken),
        cmocka_unit_test(test_ob30_after_six_hours_two_hundred_thousand_come_back_slowly),
        cmocka_unit_test(test_ob30_one_that_falls_again_under_load_is_found_bearable),
        cmocka_unit_test(test_random_days_keep_every_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
