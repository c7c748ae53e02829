/* test_schedule.c - the scheduler against a naive queue on "disk": nothing lost (P1), nothing twice (P2), bounded (P8), fair.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS_MAX 20000
#define SITES    3

struct row {
    char domain[24];
    int64_t account_id, due_at, attempts;
    int priority;
    bool is_waiting, is_flying, is_offer_due;
};
/* The disk and the world around the schedule; a row's id is its place + 1. */
struct world {
    struct schedule *s;
    struct row rows[ROWS_MAX];
    size_t count;
    int64_t now;
    uint64_t chance;
    struct schedule_site sites[SITES];
    int64_t flying[ROWS_MAX];
    size_t flying_count;
    struct schedule_load loads[8]; /* under way, with what they saw */
    struct queue_entry *seen[8];
    struct queue_lane *seen_lanes[8];
    struct schedule_rows results[8];
    char names[8][24];
    size_t load_count;
};

static uint64_t dice(struct world *w, uint64_t sides) {
    w->chance = w->chance * 6364136223846793005u + 1442695040888963407u;
    return (w->chance >> 33) % sides;
}

static struct world *world_new(const struct schedule_options *options, uint64_t seed) {
    struct world *w = calloc(1, sizeof *w);
    w->s = schedule_new(options);
    w->now = 1000;
    w->chance = seed;
    for (int i = 0; i < SITES; i++) schedule_site_init(&w->sites[i], NULL);
    return w;
}

static struct queue_entry entry_of(const struct world *w, size_t i) {
    const struct row *r = &w->rows[i];
    return (struct queue_entry){
        .recipient_id = (int64_t)i + 1,
        .message_id = 1,
        .account_id = r->account_id,
        .domain = str_from_z(r->domain),
        .priority = r->priority,
        .attempts = r->attempts,
        .due_at = r->due_at,
    };
}

static size_t row_add(struct world *w, const char *domain, int64_t account_id, int priority, int64_t due_at) {
    assert_true(w->count < ROWS_MAX);
    struct row *r = &w->rows[w->count];
    *r = (struct row){.account_id = account_id, .priority = priority, .due_at = due_at, .is_waiting = true};
    snprintf(r->domain, sizeof r->domain, "%s", domain);
    return w->count++;
}

static void offer(struct world *w, size_t i) {
    struct queue_entry e = entry_of(w, i);
    schedule_offer(w->s, &e, w->now);
}

/* ---- disk ---- */

static int lane_cmp(const struct row *r, struct str domain, int64_t account_id, int priority) {
    int c = str_cmp(str_from_z(r->domain), domain);
    if (c != 0) return c;
    if (r->account_id != account_id) return r->account_id < account_id ? -1 : 1;
    return r->priority - priority;
}

static int by_due(const void *a, const void *b) {
    const struct queue_entry *l = a, *r = b;
    if (l->due_at != r->due_at) return l->due_at < r->due_at ? -1 : 1;
    return l->recipient_id < r->recipient_id ? -1 : 1;
}

static void read_entries(struct world *w, const struct schedule_load *load, struct queue_entry **ret,
                         struct schedule_rows *rows) {
    struct queue_entry *all = calloc(w->count + 1, sizeof *all);
    size_t n = 0;
    rows->next_due_at = SCHEDULE_NEVER;
    for (size_t i = 0; i < w->count; i++) {
        const struct row *r = &w->rows[i];
        if (!r->is_waiting || lane_cmp(r, load->lane.domain, load->lane.account_id, load->lane.priority) != 0) continue;
        if (r->due_at <= load->due_until) {
            all[n++] = entry_of(w, i);
        } else if (r->due_at < rows->next_due_at) {
            rows->next_due_at = r->due_at;
            rows->next_is_tried = r->attempts > 0;
        }
    }
    qsort(all, n, sizeof *all, by_due);
    rows->count = n < load->limit ? n : load->limit;
    rows->entries = *ret = all;
}

/* The next lane behind `after`; false at the end. */
static bool next_lane(const struct world *w, struct queue_lane *lane) {
    bool found = false;
    struct queue_lane best = {.priority = 0};
    for (size_t i = 0; i < w->count; i++) {
        const struct row *r = &w->rows[i];
        if (!r->is_waiting || (lane->domain.n > 0 && lane_cmp(r, lane->domain, lane->account_id, lane->priority) <= 0)) continue;
        int c = found ? lane_cmp(r, best.domain, best.account_id, best.priority) : -1;
        if (c > 0) continue;
        bool is_tried = r->attempts > 0 || (c == 0 && best.is_tried);
        int64_t due_at = c == 0 && best.first_due_at < r->due_at ? best.first_due_at : r->due_at;
        best = (struct queue_lane){str_from_z(r->domain), r->account_id, r->priority, due_at, is_tried};
        found = true;
    }
    *lane = best;
    return found;
}

static void read_lanes(struct world *w, const struct schedule_load *load, struct queue_lane **ret, struct schedule_rows *rows) {
    struct queue_lane *all = calloc(load->limit + 1, sizeof *all), lane = load->lane;
    while (rows->count < load->limit && next_lane(w, &lane)) all[rows->count++] = lane;
    rows->lanes = *ret = all;
}

/* Read now; the result may be fed much later. */
static bool load_begin(struct world *w) {
    if (w->load_count == 8) return false;
    size_t i = w->load_count;
    if (!schedule_next_load(w->s, w->now, &w->loads[i])) return false;
    w->results[i] = (struct schedule_rows){.status = dice(w, 20) == 0 ? STATUS_IO : STATUS_OK, .next_due_at = SCHEDULE_NEVER};
    w->seen[i] = NULL;
    w->seen_lanes[i] = NULL;
    if (w->results[i].status == STATUS_OK && w->loads[i].kind == SCHEDULE_LOAD_ENTRIES) {
        read_entries(w, &w->loads[i], &w->seen[i], &w->results[i]);
    } else if (w->results[i].status == STATUS_OK) {
        read_lanes(w, &w->loads[i], &w->seen_lanes[i], &w->results[i]);
    }
    w->load_count++;
    return true;
}

static void load_end(struct world *w, size_t i) {
    schedule_loaded(w->s, &w->loads[i], &w->results[i], w->now);
    if (w->seen[i]) free(w->seen[i]);
    if (w->seen_lanes[i]) free(w->seen_lanes[i]);
    size_t last = --w->load_count;
    w->loads[i] = w->loads[last];
    w->results[i] = w->results[last];
    w->seen[i] = w->seen[last];
    w->seen_lanes[i] = w->seen_lanes[last];
}

static void load_all(struct world *w) {
    while (w->load_count > 0) load_end(w, 0);
    while (load_begin(w)) load_end(w, 0);
}

/* ---- in flight ---- */

/* Returns the row's place, or -1. */
static int64_t take(struct world *w, struct schedule_site *site) {
    const struct queue_entry *e = NULL;
    if (!schedule_take(w->s, site, &e)) return -1;
    size_t i = (size_t)e->recipient_id - 1;
    struct row *r = &w->rows[i];
    assert_true(site->parked_until <= w->now);
    assert_false(r->is_flying);                         /* P2 */
    if (!r->is_waiting || r->attempts != e->attempts) { /* as delivery_load finds out: an offer that came late */
        schedule_settle(w->s, e->recipient_id, w->now + 1);
        return take(w, site);
    }
    assert_true(r->due_at <= w->now);
    r->is_flying = true;
    w->flying[w->flying_count++] = (int64_t)i;
    return (int64_t)i;
}

static void land(struct world *w, size_t k, int64_t next_due_at) {
    size_t i = (size_t)w->flying[k];
    w->flying[k] = w->flying[--w->flying_count];
    struct row *r = &w->rows[i];
    r->is_flying = false;
    r->attempts++;
    r->is_waiting = next_due_at != SCHEDULE_NEVER;
    if (r->is_waiting) r->due_at = next_due_at;
    schedule_settle(w->s, (int64_t)i + 1, next_due_at);
}

static void route_all(struct world *w) {
    struct str domain;
    while (schedule_next_unrouted(w->s, &domain)) schedule_route(w->s, domain, &w->sites[domain.p[domain.n - 1] % SITES]);
}

static void world_free(struct world *w) {
    while (w->load_count > 0) load_end(w, 0);
    for (int i = 0; i < SITES; i++) schedule_site_fini(w->s, &w->sites[i]);
    schedule_free(&w->s);
    free(w);
}

/* ---- random lives ---- */

static void step(struct world *w) {
    char name[24];
    switch (dice(w, 12)) {
    case 0:
    case 1:
    case 2: {
        /* half of the mail goes to one domain, as in life */
        snprintf(name, sizeof name, "d%u", dice(w, 2) ? 0u : (unsigned)dice(w, 40));
        size_t i = row_add(w, name, (int64_t)dice(w, 5), (int)dice(w, 2), w->now + (dice(w, 4) ? 0 : (int64_t)dice(w, 5000)));
        w->rows[i].is_offer_due = dice(w, 5) == 0;
        if (!w->rows[i].is_offer_due) offer(w, i);
        break;
    }
    case 3:
        w->now += (int64_t)dice(w, 300);
        break;
    case 4:
        load_begin(w);
        break;
    case 5:
        if (w->load_count > 0) load_end(w, (size_t)dice(w, w->load_count));
        break;
    case 6:
        route_all(w);
        break;
    case 7:
        if (w->flying_count > 0)
            land(w, (size_t)dice(w, w->flying_count), dice(w, 2) ? SCHEDULE_NEVER : w->now + (int64_t)dice(w, 3000));
        break;
    case 8:
        if (w->flying_count > 0 && dice(w, 4) == 0) {
            size_t k = (size_t)dice(w, w->flying_count);
            w->rows[w->flying[k]].is_flying = false;
            schedule_put_back(w->s, w->flying[k] + 1);
            w->flying[k] = w->flying[--w->flying_count];
        }
        break;
    case 9: { /* a late offer: the row was long seen from disk, perhaps */
        size_t i = w->count ? (size_t)dice(w, w->count) : 0;
        if (w->count && w->rows[i].is_offer_due) {
            struct queue_entry e = entry_of(w, i);
            e.attempts = 0;
            schedule_offer(w->s, &e, w->now);
            w->rows[i].is_offer_due = false;
        }
        break;
    }
    case 10:
        if (dice(w, 50) == 0) schedule_site_fini(w->s, &w->sites[dice(w, SITES)]);
        if (dice(w, 8) == 0) schedule_site_park(w->s, &w->sites[dice(w, SITES)], w->now + (int64_t)dice(w, 40000));
        if (dice(w, 8) == 0) schedule_site_unpark(w->s, &w->sites[dice(w, SITES)]);
        break;
    default:
        take(w, &w->sites[dice(w, SITES)]);
    }
}

static size_t waiting(const struct world *w) {
    size_t n = 0;
    for (size_t i = 0; i < w->count; i++) n += w->rows[i].is_waiting;
    return n;
}

/* All sites take and deliver at once; time goes where the schedule says. Everything must leave. */
static void drain(struct world *w) {
    while (w->flying_count > 0) land(w, 0, SCHEDULE_NEVER);
    for (size_t i = 0; i < w->count; i++) {
        if (w->rows[i].is_waiting && w->rows[i].is_offer_due) offer(w, i);
    }
    for (int turns = 0; waiting(w) > 0; turns++) {
        assert_true(turns < 100000);
        load_all(w);
        route_all(w);
        bool any = false;
        for (int i = 0; i < SITES; i++) {
            while (take(w, &w->sites[i]) >= 0) {
                land(w, 0, SCHEDULE_NEVER);
                any = true;
            }
        }
        int64_t next = schedule_next_due_at(w->s);
        if (!any && next > w->now && next != SCHEDULE_NEVER) w->now = next;
        if (!any && next == SCHEDULE_NEVER) fail_msg("%zu rows are lost", waiting(w));
    }
}

static void test_p1_p2_p8_random_lives(void **state) {
    (void)state;
    static const struct schedule_options sizes[] = {
        {.window_max = 10, .lane_max = 3, .lanes_max = 5},
        {.window_max = 40, .lane_max = 8, .lanes_max = 1000},
        {.window_max = 1000, .lane_max = 500, .lanes_max = 20},
        {.window_max = 1, .lane_max = 1, .lanes_max = 1},
        {0},
    };
    for (uint64_t seed = 1; seed <= 60; seed++) {
        const struct schedule_options *o = &sizes[seed % (sizeof sizes / sizeof sizes[0])];
        struct world *w = world_new(o, seed);
        for (int i = 0; i < 1500; i++) {
            step(w);
            assert_true(schedule_count(w->s) <= (o->window_max ? o->window_max : 10000));
            assert_true(schedule_lane_count(w->s) <= (o->lanes_max ? o->lanes_max : 100000));
            assert_int_equal(schedule_in_flight(w->s), w->flying_count);
        }
        drain(w);
        assert_int_equal(schedule_count(w->s), 0);
        world_free(w);
    }
}

/* ---- fairness ---- */

static void test_round_robin_over_accounts(void **state) {
    (void)state;
    struct world *w = world_new(&(struct schedule_options){0}, 1);
    load_all(w);
    for (int i = 0; i < 400; i++) offer(w, row_add(w, i % 2 ? "a" : "b", 1, 0, w->now));
    size_t code = row_add(w, "c", 2, 0, w->now);
    offer(w, code);
    struct str domain;
    while (schedule_next_unrouted(w->s, &domain)) schedule_route(w->s, domain, &w->sites[0]);
    size_t tries = 1;
    while (take(w, &w->sites[0]) != (int64_t)code) tries++;
    assert_true(tries <= 2);
    world_free(w);
}

static void test_transactional_first_then_by_due_time(void **state) {
    (void)state;
    struct world *w = world_new(&(struct schedule_options){0}, 1);
    load_all(w);
    offer(w, row_add(w, "a", 1, 1, w->now - 5));
    offer(w, row_add(w, "a", 1, 0, w->now));
    offer(w, row_add(w, "a", 1, 0, w->now - 2));
    offer(w, row_add(w, "b", 1, 1, w->now - 9));
    struct str domain;
    while (schedule_next_unrouted(w->s, &domain)) schedule_route(w->s, domain, &w->sites[0]);
    static const int64_t order[] = {2, 1, 0, 3};
    for (size_t i = 0; i < 4; i++) assert_int_equal(take(w, &w->sites[0]), order[i]);
    assert_int_equal(take(w, &w->sites[0]), -1);
    world_free(w);
}

/* Dead sites with long queues, nothing of them is ever taken: a newcomer of the same account, or of another, still gets in. */
static void test_p8_dead_sites_leave_room(void **state) {
    (void)state;
    struct world *w = world_new(&(struct schedule_options){.window_max = 200, .lane_max = 20}, 1);
    char name[24];
    for (int i = 0; i < 6000; i++) {
        snprintf(name, sizeof name, "dead%d", i % 60);
        row_add(w, name, 1, i % 2, w->now);
    }
    load_all(w);
    size_t filled = schedule_count(w->s);
    assert_true(filled < 200);
    size_t same = row_add(w, "live", 1, 0, w->now), other = row_add(w, "live", 2, 0, w->now);
    offer(w, same);
    offer(w, other);
    load_all(w);
    schedule_route(w->s, STR("live"), &w->sites[0]);
    assert_int_equal(take(w, &w->sites[0]), (int64_t)same);
    assert_int_equal(take(w, &w->sites[0]), (int64_t)other);
    world_free(w);
}

/* How many lanes are loaded before that of this domain. */
static size_t loads_before(struct world *w, struct str domain) {
    struct schedule_load load;
    size_t before = 0;
    for (bool found = false; !found; before += load.kind == SCHEDULE_LOAD_ENTRIES && !found) {
        assert_true(schedule_next_load(w->s, w->now, &load));
        found = load.kind == SCHEDULE_LOAD_ENTRIES && str_eq(load.lane.domain, domain);
        struct schedule_rows rows = {.status = STATUS_OK, .next_due_at = SCHEDULE_NEVER};
        struct queue_entry *entries = NULL;
        struct queue_lane *lanes = NULL;
        if (load.kind == SCHEDULE_LOAD_ENTRIES)
            read_entries(w, &load, &entries, &rows);
        else
            read_lanes(w, &load, &lanes, &rows);
        schedule_loaded(w->s, &load, &rows, w->now);
        free(entries);
        free(lanes);
    }
    return before;
}

/* After a restart, say: a newsletter to hundreds of domains waits, and a code was asked for last. */
static void test_p6_codes_are_loaded_before_newsletters(void **state) {
    (void)state;
    struct world *w = world_new(&(struct schedule_options){0}, 3);
    char name[24];
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "d%d", i);
        row_add(w, name, 1, PRIORITY_BULK, w->now - 1000);
    }
    row_add(w, "zz", 2, PRIORITY_TRANSACTIONAL, w->now);
    assert_int_equal(loads_before(w, STR("zz")), 0);
    world_free(w);
}

/* Hundreds of domains are tried again, all as urgent and due for longer: new mail goes in turn with them. */
static void test_p6_new_mail_is_loaded_in_turn_with_what_failed(void **state) {
    (void)state;
    struct world *w = world_new(&(struct schedule_options){0}, 3);
    char name[24];
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "d%d", i);
        w->rows[row_add(w, name, 1, PRIORITY_TRANSACTIONAL, w->now - 1000)].attempts = 1;
    }
    row_add(w, "n1", 1, PRIORITY_TRANSACTIONAL, w->now - 2);
    row_add(w, "n2", 1, PRIORITY_TRANSACTIONAL, w->now - 1);
    assert_true(loads_before(w, STR("n1")) <= 1);
    assert_int_equal(loads_before(w, STR("n2")), 1); /* one that failed, between */
    world_free(w);
}

/* A site of 300 domains goes down: it leaves the window to others, then asks for a few of its lanes, then for all. */
static void test_p8_ob29_a_parked_site_holds_nothing(void **state) {
    (void)state;
    struct world *w = world_new(&(struct schedule_options){.window_max = 1000}, 1);
    char name[24];
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "d%d", i % 300);
        row_add(w, name, 1, 0, w->now);
    }
    struct str domain;
    for (int i = 0; i < 20; i++, w->now += 2000) { /* disk fails now and then */
        load_all(w);
        while (schedule_next_unrouted(w->s, &domain)) schedule_route(w->s, domain, &w->sites[0]);
    }
    assert_true(schedule_count(w->s) > 100);
    schedule_site_park(w->s, &w->sites[0], w->now + 60000);
    assert_int_equal(schedule_count(w->s), 0);
    assert_false(schedule_site_has_ready(&w->sites[0]));
    load_all(w);
    assert_int_equal(schedule_count(w->s), 0);
    size_t late = row_add(w, "d7", 1, 0, w->now);
    offer(w, late); /* what comes meanwhile waits as well */
    assert_false(schedule_site_has_ready(&w->sites[0]));
    assert_int_equal(schedule_next_due_at(w->s), w->now + 60000);
    w->now += 60000;
    load_all(w);
    assert_true(schedule_site_has_ready(&w->sites[0]) && schedule_count(w->s) < 100);
    schedule_site_unpark(w->s, &w->sites[0]); /* it works */
    load_all(w);
    assert_true(schedule_count(w->s) > 100);
    drain(w);
    world_free(w);
}

/* ---- the way to disk ---- */

static void test_p2_a_load_that_saw_it_before_it_settled(void **state) {
    (void)state;
    struct world *w = world_new(&(struct schedule_options){0}, 7);
    load_all(w);
    size_t first = row_add(w, "a", 1, 0, w->now);
    offer(w, first);
    row_add(w, "a", 1, 0, w->now + 10); /* on disk only, so that there is something to load */
    offer(w, first + 1);
    route_all(w);
    struct schedule_site *site = &w->sites['a' % SITES];
    assert_int_equal(take(w, site), (int64_t)first);
    w->now += 10;
    struct schedule_load load;
    assert_true(schedule_next_load(w->s, w->now, &load));
    struct queue_entry *seen = NULL;
    struct schedule_rows rows = {.status = STATUS_OK};
    read_entries(w, &load, &seen, &rows);
    assert_int_equal(rows.count, 2); /* it saw the one in flight */
    land(w, 0, w->now + 50);
    schedule_loaded(w->s, &load, &rows, w->now);
    free(seen);
    assert_int_equal(take(w, site), (int64_t)first + 1);
    assert_int_equal(take(w, site), -1);
    w->now = schedule_next_due_at(w->s);
    load_all(w);
    assert_int_equal(take(w, site), (int64_t)first); /* deferred, not lost */
    world_free(w);
}

static void test_what_is_not_due_stays_on_disk_and_sets_the_timer(void **state) {
    (void)state;
    struct world *w = world_new(&(struct schedule_options){0}, 7);
    load_all(w);
    assert_true(schedule_next_due_at(w->s) == SCHEDULE_NEVER);
    offer(w, row_add(w, "a", 1, 0, w->now + 5000));
    offer(w, row_add(w, "b", 1, 0, w->now + 3000));
    assert_int_equal(schedule_count(w->s), 0);
    assert_int_equal(schedule_next_due_at(w->s), w->now + 3000);
    struct schedule_load load;
    assert_false(schedule_next_load(w->s, w->now + 2999, &load));
    assert_true(schedule_next_load(w->s, w->now + 3000, &load));
    assert_true(str_eq(load.lane.domain, STR("b")));
    struct schedule_rows failed = {.status = STATUS_IO};
    schedule_loaded(w->s, &load, &failed, w->now + 3000);
    assert_int_equal(schedule_next_due_at(w->s), w->now + 4000); /* asks again */
    world_free(w);
}

/* The clock is an hour ahead for a while: what asked then is not forgotten for an hour, and nothing goes out early. */
static void test_cl01_the_clock_is_set_back(void **state) {
    (void)state;
    struct world *w = world_new(&(struct schedule_options){0}, 7);
    load_all(w);
    int64_t real = w->now;
    char name[24];
    w->now += 3600000;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "a%d", i);
        offer(w, row_add(w, name, 1, 0, w->now + 1000));
    }
    struct schedule_load load;
    assert_false(schedule_next_load(w->s, w->now, &load));
    w->now = real;
    size_t fresh = row_add(w, "a5", 1, 0, real);
    offer(w, fresh);
    route_all(w);
    assert_int_equal(take(w, &w->sites['5' % SITES]), (int64_t)fresh);
    land(w, 0, real + 10);
    assert_int_equal(schedule_next_due_at(w->s), real + 10);
    w->now = real + 9;
    assert_false(schedule_next_load(w->s, w->now, &load));
    w->now = real + 10;
    load_all(w);
    assert_int_equal(take(w, &w->sites['5' % SITES]), (int64_t)fresh);
    world_free(w);
}

static void count_ready(struct schedule_site *site) {
    site->on_ready = NULL;
}

static void test_a_site_hears_of_its_first_ready_entry(void **state) {
    (void)state;
    struct world *w = world_new(&(struct schedule_options){0}, 7);
    load_all(w);
    struct schedule_site site;
    schedule_site_init(&site, count_ready);
    offer(w, row_add(w, "a", 1, 0, w->now));
    struct str domain;
    assert_true(schedule_next_unrouted(w->s, &domain));
    assert_false(schedule_next_unrouted(w->s, &domain)); /* asked for once */
    schedule_route(w->s, STR("a"), &site);
    assert_null(site.on_ready);
    schedule_site_fini(w->s, &site);
    assert_true(schedule_next_unrouted(w->s, &domain));
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p1_p2_p8_random_lives),
        cmocka_unit_test(test_round_robin_over_accounts),
        cmocka_unit_test(test_transactional_first_then_by_due_time),
        cmocka_unit_test(test_p8_dead_sites_leave_room),
        cmocka_unit_test(test_p6_codes_are_loaded_before_newsletters),
        cmocka_unit_test(test_p6_new_mail_is_loaded_in_turn_with_what_failed),
        cmocka_unit_test(test_p8_ob29_a_parked_site_holds_nothing),
        cmocka_unit_test(test_p2_a_load_that_saw_it_before_it_settled),
        cmocka_unit_test(test_what_is_not_due_stays_on_disk_and_sets_the_timer),
        cmocka_unit_test(test_cl01_the_clock_is_set_back),
        cmocka_unit_test(test_a_site_hears_of_its_first_ready_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
