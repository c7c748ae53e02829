/* test_days.c - simulated days: mail to hundreds of sites that greylist, throttle, go down, block, tarpit and err, on net_sim's
 * clock.
 *
 * A small town in `./test`; with POSTHORN_FULL 500 sites, 100,000 messages.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "db/db.h"
#include "town.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t full_or(size_t full, size_t small) {
    return getenv("POSTHORN_FULL") ? full : small;
}

/* How long a site's mail may take, and how it ends. */
static const struct {
    int64_t last_ms; /* the slowest */
    bool may_bounce; /* in part */
    bool always_bounces;
} bounds[SITE_KINDS] = {
    [SITE_GOOD] = {.last_ms = MINUTE},
    [SITE_GREY] = {.last_ms = 3 * HOUR}, /* an hour, and the step of the schedule behind it */
    [SITE_CONNECTIONS] = {.last_ms = 3 * HOUR},
    [SITE_RATE] = {.last_ms = 24 * HOUR},
    [SITE_DOWN] = {.last_ms = 17 * HOUR}, /* eleven hours, and a step of at most 4.8 h */
    [SITE_SILENT] = {.last_ms = 17 * HOUR},
    [SITE_BLOCK] = {.last_ms = 17 * HOUR},
    [SITE_TARPIT] = {.last_ms = 48 * HOUR},
    [SITE_MOODY] = {.last_ms = 14 * HOUR}, /* eight tries, now and then */
    [SITE_PROVIDER] = {.last_ms = 10 * MINUTE},
    [SITE_PICKY] = {.last_ms = MINUTE, .may_bounce = true},
    [SITE_DNS_DEAD] = {.last_ms = 17 * HOUR},
    [SITE_NO_DOMAIN] = {.last_ms = MINUTE, .always_bounces = true},
};

struct tally {
    int64_t sent, delivered, bounced, failed, waiting, last_ms;
};
struct tallies {
    struct town *town;
    struct tally *of; /* each site */
};

static void tally_row(void *arg, struct stmt *s) {
    struct tallies *all = arg;
    uint64_t number = 0;
    struct str domain = stmt_text(s, 0);
    assert_true(str_to_u64(str_sub(domain, 1, str_find(domain, '.') - 1), &number) && number < all->town->count);
    all->of[number] =
        (struct tally){stmt_int(s, 1), stmt_int(s, 2), stmt_int(s, 3), stmt_int(s, 4), stmt_int(s, 5), stmt_int(s, 6)};
}

static struct tally *tally_all(struct town *t) {
    struct tallies all = {t, calloc(t->count, sizeof(struct tally))};
    world_rows(t->w,
               "SELECT r.domain, count(*), sum(r.state = 3), sum(r.state = 4), sum(r.state = 5), sum(r.state IN (0, 1)), "
               "max(r.changed_at - m.created_at) FROM recipients r JOIN messages m ON m.id = r.message_id GROUP BY r.domain",
               tally_row, &all);
    return all.of;
}

/* Every message ended, as its site's script has it, in time. */
static void check_site(const struct town_site *s, struct tally t, struct tally *sums, size_t *ret_breaches) {
    struct tally *sum = &sums[s->kind];
    bool may_bounce = bounds[s->kind].may_bounce || bounds[s->kind].always_bounces;
    bool is_good = t.sent == (int64_t)s->sent && t.waiting == 0 && t.failed == 0 && (may_bounce || t.bounced == 0) &&
                   (!bounds[s->kind].always_bounces || t.delivered == 0) && t.last_ms <= bounds[s->kind].last_ms &&
                   t.delivered == (int64_t)s->taken;
    if (s->kind == SITE_PROVIDER) is_good = is_good && s->open_peak <= s->most && s->carried_peak <= s->most_messages;
    if (!is_good) {
        ++*ret_breaches;
        print_message("%s (%s, most %u): sent %zu, delivered %lld (took %zu), bounced %lld, failed %lld, waiting %lld, "
                      "last %lld min, %zu open at most, %zu on a connection\n",
                      s->domain, site_kind_text(s->kind), s->most, s->sent, (long long)t.delivered, s->taken,
                      (long long)t.bounced, (long long)t.failed, (long long)t.waiting, (long long)(t.last_ms / MINUTE),
                      s->open_peak, s->carried_peak);
    }
    sum->sent += t.sent;
    sum->delivered += t.delivered;
    sum->bounced += t.bounced;
    if (t.last_ms > sum->last_ms) sum->last_ms = t.last_ms;
}

static void print_sums(struct town *t, const struct tally *sums) {
    print_message("%-16s %6s %8s %8s %8s %9s %9s %8s\n", "kind", "sites", "sent", "arrived", "bounced", "last min", "connects",
                  "refused");
    for (size_t k = 0; k < SITE_KINDS; k++) {
        size_t sites = 0, connects = 0, refused = 0;
        for (size_t i = 0; i < t->count; i++) {
            if (t->sites[i].kind != k) continue;
            sites++;
            connects += t->sites[i].connects;
            refused += t->sites[i].turned_away + t->sites[i].retried_while_blocked;
        }
        print_message("%-16s %6zu %8lld %8lld %8lld %9lld %9zu %8zu\n", site_kind_text((enum site_kind)k), sites,
                      (long long)sums[k].sent, (long long)sums[k].delivered, (long long)sums[k].bounced,
                      (long long)(sums[k].last_ms / MINUTE), connects, refused);
    }
}

#define SLOWEST_CODE                                                                                                             \
    "SELECT max(CASE WHEN r.state = 3 THEN r.changed_at - m.created_at ELSE 1000000000 END) FROM recipients r "                  \
    "JOIN messages m ON m.id = r.message_id WHERE r.address LIKE 'code%'"

/* Every cap has a decision behind it, every decision a reason, and each goes on from where the one before it ended. That a dead
 * site is probed again is not written (shape.h, is_routine). */
static void check_decisions(struct town *t) {
    static const char *const never[] = {
        "SELECT 1 FROM decisions WHERE because = '' OR from_value = to_value",
        "SELECT 1 FROM (SELECT what, from_value, lag(to_value) OVER (PARTITION BY site, source, what ORDER BY id) AS before "
        "FROM decisions WHERE what IN (0, 1, 4)) WHERE before <> from_value "
        "AND NOT (what = 4 AND before <= 1 AND from_value <= 1)",
    };
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) assert_false(world_has(t->w, never[i]));
    assert_true(world_has(t->w, "SELECT 1 FROM decisions"));
    for (size_t i = 0; i < t->count; i++) {
        char sql[200];
        if (t->sites[i].kind != SITE_GOOD && t->sites[i].kind != SITE_PROVIDER) continue;
        (void)snprintf(sql, sizeof sql, "SELECT 1 FROM decisions WHERE site LIKE '%%%s%%'", t->sites[i].mx);
        if (world_has(t->w, sql)) fail_msg("%s, which is %s, is throttled", t->sites[i].domain, site_kind_text(t->sites[i].kind));
    }
}

/* Once it knows a site, the sender runs into its limit now and then at most: to see whether there is more. (In a small town a
 * site is forgotten between two rushes.) */
static void check_limits(const struct town *t) {
    static const enum site_kind kinds[] = {SITE_CONNECTIONS, SITE_RATE};
    for (size_t k = 0; k < 2; k++) {
        size_t asked = 0, turned_away = 0;
        for (size_t i = 0; i < t->count; i++) {
            asked += t->sites[i].kind == kinds[k] ? t->sites[i].asked_late : 0;
            turned_away += t->sites[i].kind == kinds[k] ? t->sites[i].turned_away_late : 0;
        }
        print_message("%s: %zu of %zu turned away in the second half\n", site_kind_text(kinds[k]), turned_away, asked);
        assert_true(turned_away * full_or(10, 2) <= asked);
    }
}

struct day {
    size_t sites, messages;
    uint64_t seed;
    bool is_checked;
};

static uint64_t live(const struct day *day) {
    struct world *w = world_new();
    sim_seed(w->loop, day->seed);
    struct town *t = town_new(w, day->sites, day->seed);
    world_start(w);
    town_mail(t, day->messages, 24 * HOUR);
    town_wait(t, 72 * HOUR);
    if (day->is_checked) {
        struct tally sums[SITE_KINDS] = {0};
        size_t breaches = 0;
        struct tally *tallies = tally_all(t);
        for (size_t i = 0; i < t->count; i++) check_site(&t->sites[i], tallies[i], sums, &breaches);
        free(tallies);
        print_sums(t, sums);
        int64_t slowest = world_number(w, SLOWEST_CODE);
        print_message("slowest one-time code: %lld ms\n", (long long)slowest);
        assert_true(slowest < 5 * SECOND);
        check_decisions(t);
        check_limits(t);
        assert_int_equal(breaches, 0);
    }
    world_free(w);
    uint64_t trace = t->trace;
    town_free(&t);
    return trace;
}

static void P4_every_message_ends_in_time(void **state) {
    (void)state;
    (void)live(&(struct day){full_or(500, 60), full_or(56000, 1500), 1, true});
}

static void the_same_seed_gives_the_same_run(void **state) {
    (void)state;
    uint64_t first = live(&(struct day){24, 300, 7, false});
    assert_int_equal(first, live(&(struct day){24, 300, 7, false}));
    assert_int_not_equal(first, live(&(struct day){24, 300, 8, false}));
}

int main(void) {
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(P4_every_message_ends_in_time),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
