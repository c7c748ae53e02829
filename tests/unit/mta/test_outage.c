/* test_outage.c - what was away comes back with much waiting for it: the resolver (DN15), a site of limited strength; and ten
 * tarpits beside a good site (OB29). Sizes of `./test` are small; with POSTHORN_FULL they are the issue's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "db/db.h"
#include "mta/own.h"
#include "town.h"

#include <stdio.h>
#include <stdlib.h>

static size_t full_or(size_t full, size_t small) {
    return getenv("POSTHORN_FULL") ? full : small;
}

static void town_end(struct town **t) {
    world_free((*t)->w);
    town_free(t);
}

static unsigned asked(struct town *t) {
    unsigned n = 0;
    for (size_t i = 0; i < t->count; i++) n += sim_dns_asked(t->w->loop, t->sites[i].domain, DNS_MX);
    return n;
}

/* Nothing bounces, each domain is asked for a few times only, and when it answers all is delivered by the schedule. */
static void DN15_a_dead_resolver_bounces_nothing(void **state) {
    (void)state;
    struct world *w = world_new();
    struct town *t = town_of(w, full_or(500, 40), SITE_GOOD, 1);
    size_t each = full_or(200, 20);
    world_start(w);
    sim_dns_dead(w->loop, true);
    for (size_t i = 0; i < t->count; i++) town_rush(t, &t->sites[i], each, "u", PRIORITY_BULK);
    sim_run_for(w->loop, HOUR);
    assert_false(world_has(w, "SELECT 1 FROM recipients WHERE state NOT IN (0, 1)"));
    assert_false(world_has(w, "SELECT 1 FROM recipients WHERE reason = '' OR due_at <= 0"));
    unsigned in_an_hour = asked(t);
    print_message("asked %u times for %zu domains in an hour\n", in_an_hour, t->count);
    assert_true(in_an_hour <= 80 * t->count); /* not once a message */
    sim_dns_dead(w->loop, false);
    unsigned most = 0;
    for (int minute = 0; minute < 100; minute++) {
        unsigned before = asked(t);
        sim_run_for(w->loop, MINUTE);
        if (asked(t) - before > most) most = asked(t) - before;
    }
    print_message("asked %u times in the worst minute, %u in all\n", most, asked(t));
    assert_true(most <= 2 * t->count);
    assert_false(world_has(w, "SELECT 1 FROM recipients WHERE state <> 3"));
    town_end(&t);
}

/* Names that were looked up once do not stay for ever. */
static void DN22_what_is_known_of_domains_is_bounded(void **state) {
    (void)state;
    enum { COUNT = 55000, STEP = 500, BOUND = 50000 };
    struct world *w = world_new();
    struct posting postings[STEP];
    char names[STEP][32];
    size_t most = 0;
    sim_server_forget(sim_server(w->loop, "198.18.0.1:25", NULL));
    sim_dns_add(w->loop, "mx.test", DNS_A, "198.18.0.1");
    world_start(w);
    for (size_t n = 0; n < full_or(COUNT, COUNT / 20); n += STEP) {
        for (size_t i = 0; i < STEP; i++) {
            (void)snprintf(names[i], sizeof names[i], "u@n%zu.test", n + i);
            postings[i] = (struct posting){names[i], PRIORITY_BULK};
            sim_dns_add(w->loop, names[i] + 2, DNS_MX, "10 mx.test");
        }
        (void)mail_many(w, postings, STEP);
        sim_run_for(w->loop, SECOND);
        if (map_count(w->mta->domains) > most) most = map_count(w->mta->domains);
    }
    sim_run_for(w->loop, HOUR);
    print_message("at most %zu domains known\n", most);
    assert_true(most <= BOUND);
    assert_int_equal(map_count(w->mta->domains), 0);
    assert_int_equal(map_count(w->mta->sites), 0);
    assert_false(world_has(w, "SELECT 1 FROM recipients WHERE state <> 3"));
    world_free(w);
}

/* ---- OB29 ---- */

struct delays {
    int64_t *ms;
    size_t count;
};

static void delay_row(void *arg, struct stmt *s) {
    struct delays *d = arg;
    d->ms = reallocarray(d->ms, d->count + 1, sizeof *d->ms);
    d->ms[d->count++] = stmt_int(s, 0);
}

/* 99 of 100 one-time codes and list mails to the good sites arrived within. */
static int64_t p99_beside(size_t tarpits) {
    struct world *w = world_new();
    struct town *slow = town_of(w, tarpits ? tarpits : 1, SITE_TARPIT, 1);
    (void)sim_server(w->loop, "198.18.100.1:25", NULL);
    sim_dns_add(w->loop, "good.test", DNS_MX, "10 mx.good.test");
    sim_dns_add(w->loop, "mx.good.test", DNS_A, "198.18.100.1");
    world_start(w);
    for (size_t i = 0; i < tarpits; i++) town_rush(slow, &slow->sites[i], full_or(1000, 100), "u", PRIORITY_BULK);
    for (int i = 0; i < 600; i++) {
        (void)mail_many(w, (struct posting[]){{"code@good.test", PRIORITY_TRANSACTIONAL}, {"list@good.test", PRIORITY_BULK}}, 2);
        sim_run_for(w->loop, 6 * SECOND);
    }
    struct delays d = {0};
    world_rows(w,
               "SELECT CASE WHEN r.state = 3 THEN r.changed_at - m.created_at ELSE 1000000000 END AS ms FROM recipients r "
               "JOIN messages m ON m.id = r.message_id WHERE r.domain = 'good.test' ORDER BY ms",
               delay_row, &d);
    assert_int_equal(d.count, 1200);
    int64_t p99 = d.ms[d.count * 99 / 100];
    free(d.ms);
    town_end(&slow);
    return p99;
}

static void OB29_ten_tarpits_harm_no_other_site(void **state) {
    (void)state;
    int64_t alone = p99_beside(0), beside = p99_beside(10);
    print_message("p99 alone %lld ms, beside ten tarpits %lld ms\n", (long long)alone, (long long)beside);
    assert_true(beside <= alone + 5);
}

/* ---- OB30: a site comes back with much waiting for it ---- */

/* It takes `most` connections, a message in 50 ms, and breaks down again when a quarter of a minute brings far more than
 * the one before. */
struct fragile {
    struct world *w;
    size_t sent, open, open_peak, taken, now_taken, before_taken, first[16], turned_away, outages;
    uint64_t newest, out_of_order; /* numbers of recipients */
    int64_t back_at, first_at, quarter, down_until;
};

static int64_t mono(const struct fragile *f) {
    return clock_mono_ms(loop_clock(f->w->loop));
}

static void time_passes(struct fragile *f) {
    int64_t quarter = f->first_at ? (mono(f) - f->first_at) / (15 * SECOND) : 0;
    if (quarter == f->quarter) return;
    f->before_taken = quarter == f->quarter + 1 ? f->now_taken : 0;
    f->now_taken = 0;
    f->quarter = quarter;
}

/* The oldest go first. */
static void see_order(struct fragile *f, struct str envelope) {
    struct str name = str_sub(envelope, str_find_str(envelope, STR("RCPT TO:<u")) + 10, SIZE_MAX);
    uint64_t number = 0;
    assert_true(str_to_u64(str_sub(name, 0, str_find(name, '@')), &number));
    if (number > f->newest) f->newest = number;
    f->out_of_order += f->newest - number > 500; /* of twenty connections each is ahead of others by what is being loaded */
}

static const struct sim_rule *say_fragile(void *arg, const struct sim_talk *talk, struct str line) {
    static const struct sim_rule down = {.reply = NULL, .then = SIM_RESET}, taken = {.reply = "250 2.0.0 ok\r\n", .delay_ms = 50},
                                 many = {.reply = "421 4.7.0 too many connections\r\n", .then = SIM_CLOSE};
    struct fragile *f = arg;
    time_passes(f);
    if (str_eq(line, STR("(close)"))) f->open--;
    if (str_eq(line, STR("(connect)")) && ++f->open > f->open_peak) f->open_peak = f->open;
    if (mono(f) < f->down_until) return &down;
    if (str_eq(line, STR("(connect)")) && f->open > 20) {
        f->turned_away++;
        return &many;
    }
    if (!str_eq(line, STR("(message)")) || talk->message.n == 0) return NULL;
    see_order(f, talk->envelope);
    f->taken++;
    f->now_taken++;
    if (!f->first_at) f->first_at = mono(f);
    if (f->quarter < 16) f->first[f->quarter]++;
    if (f->now_taken > 3 * f->before_taken + 60) {
        f->outages++;
        f->down_until = mono(f) + 30 * MINUTE;
    }
    return &taken;
}

static bool is_drained(void *arg) {
    const struct fragile *f = arg;
    return mono(f) > f->back_at + 12 * HOUR || f->taken == f->sent;
}

static void OB30_a_backlog_drains_without_a_second_outage(void **state) {
    (void)state;
    struct world *w = world_new();
    struct town *t = town_of(w, 1, SITE_GOOD, 1);
    struct fragile f = {.w = w};
    sim_server_decide(t->sites[0].server, say_fragile, &f);
    sim_down(w->loop, t->sites[0].address, true);
    world_start(w);
    for (size_t i = 0; i < 50; i++) {
        town_rush(t, &t->sites[0], full_or(200000, 3000) / 50, "u", PRIORITY_BULK);
        sim_run_for(w->loop, 5 * MINUTE);
    }
    f.sent = t->sites[0].sent;
    unsigned knocks = sim_connects(w->loop, t->sites[0].address);
    sim_down(w->loop, t->sites[0].address, false);
    f.back_at = mono(&f);
    (void)sim_run_until(w->loop, is_drained, &f, 12 * HOUR);
    print_message("asked %u times while it was away; drained in %lld min; %zu connections at most; by quarters of minutes",
                  knocks, (long long)((mono(&f) - f.back_at) / MINUTE), f.open_peak);
    for (size_t i = 0; i < 16; i++) print_message(" %zu", f.first[i]);
    print_message("; %llu out of their turn\n", (unsigned long long)f.out_of_order);
    sim_run_for(w->loop, MINUTE);
    assert_int_equal(f.outages, 0);
    assert_false(world_has(w, "SELECT 1 FROM recipients WHERE state <> 3"));
    assert_int_equal(f.taken, t->sites[0].sent); /* each once */
    assert_true(knocks < 500);
    assert_true(f.out_of_order <= f.sent / 50); /* OB30: but for those that were tried while it was away */
    town_end(&t);
}

int main(void) {
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(DN15_a_dead_resolver_bounces_nothing),
        cmocka_unit_test(DN22_what_is_known_of_domains_is_bounded),
        cmocka_unit_test(OB30_a_backlog_drains_without_a_second_outage),
        cmocka_unit_test(OB29_ten_tarpits_harm_no_other_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
