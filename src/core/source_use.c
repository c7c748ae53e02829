/* source_use.c - see source_use.h. A source has a handful of providers, so its counts are an array that is looked through.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/source_use.h"

#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>

#define UNKNOWN_MAX 100

struct count {
    struct buf provider;
    int64_t day; /* number of the UTC day that `spent` is of */
    uint32_t spent, reserved;
};
struct use {
    int64_t suspended_until; /* wall */
    struct count *counts;    /* of a warming source */
    size_t count_count;
};
struct source_use {
    const struct source_table *table;
    const struct rand *rand;
    struct map *unknown; /* names of pools that were logged */
    struct use *sources; /* by the source's index */
};

struct source_use *source_use_new(const struct source_table *table, const struct rand *rand) {
    struct source_use *u = calloc(1, sizeof *u);
    if (!u) abort();
    u->table = table;
    u->rand = rand;
    u->unknown = map_new();
    u->sources = calloc(table->count, sizeof *u->sources);
    if (!u->sources) abort();
    return u;
}

void source_use_free(struct source_use **use) {
    struct source_use *u = *use;
    if (!u) return;
    for (size_t i = 0; i < u->table->count; i++) {
        struct use *s = &u->sources[i];
        for (size_t k = 0; k < s->count_count; k++) buf_fini(&s->counts[k].provider);
        free(s->counts);
    }
    map_free(&u->unknown);
    free(u->sources);
    free(u);
    *use = NULL;
}

const struct source_pool *source_pool_get(struct source_use *u, struct str name) {
    const struct source_pool *pool = source_pool_find(u->table, name);
    if (pool) return pool;
    bool is_told = map_find(u->unknown, name) || map_count(u->unknown) >= UNKNOWN_MAX;
    if (!is_told) {
        LOG(LOG_WARN, "source.unknown_pool", LOG_STR("pool", name), LOG_Z("instead", SOURCE_POOL));
        (void)map_put(u->unknown, name, u);
    }
    return source_pool_find(u->table, (struct str){0});
}

/* ---- counts ---- */
static int64_t day_of(int64_t now) {
    return now / CLOCK_DAY_MS;
}

static struct count *count_find(const struct source_use *u, const struct source *s, struct str provider) {
    struct use *use = &u->sources[s->index];
    for (size_t i = 0; i < use->count_count; i++)
        if (str_eq(buf_str(&use->counts[i].provider), provider)) return &use->counts[i];
    return NULL;
}

static struct count *count_add(struct source_use *u, const struct source *s, struct str provider) {
    struct use *use = &u->sources[s->index];
    struct count *counts = realloc(use->counts, (use->count_count + 1) * sizeof *counts);
    if (!counts) abort();
    use->counts = counts;
    struct count *c = &counts[use->count_count++];
    *c = (struct count){0};
    buf_add_str(&c->provider, provider);
    return c;
}

/* Of today: a new day has spent nothing yet. */
static struct count *count_get(struct source_use *u, const struct source *s, struct str provider, int64_t now) {
    struct count *c = count_find(u, s, provider);
    if (!c) c = count_add(u, s, provider);
    if (c->day != day_of(now)) c->spent = 0;
    c->day = day_of(now);
    return c;
}

static uint32_t spent_on(const struct count *c, int64_t now) {
    return c->day == day_of(now) ? c->spent : 0;
}

static bool has_budget(const struct source_use *u, const struct source *s, struct str provider, int64_t now) {
    uint32_t ceiling;
    if (!source_is_warming(s, now, &ceiling)) return true;
    const struct count *c = count_find(u, s, provider);
    return (c ? (uint64_t)spent_on(c, now) + c->reserved : 0) < ceiling;
}

bool source_reserve(struct source_use *u, const struct source *s, struct str provider, int64_t now) {
    uint32_t ceiling;
    if (!source_is_warming(s, now, &ceiling)) return true;
    if (!has_budget(u, s, provider, now)) return false;
    count_get(u, s, provider, now)->reserved++;
    return true;
}

bool source_settle(struct source_use *u, const struct source *s, struct str provider, bool is_sent, int64_t now) {
    struct count *c = count_find(u, s, provider);
    if (!c || !c->reserved) return false; /* warm when it began */
    c = count_get(u, s, provider, now);
    c->reserved--;
    c->spent += is_sent;
    return is_sent;
}

bool source_counts_matter(const struct source_use *u, int64_t now) {
    uint32_t ceiling;
    for (size_t i = 0; i < u->table->count; i++)
        if (source_is_warming(&u->table->sources[i], now, &ceiling)) return true;
    return false;
}

enum status source_counts_fetch(struct db *db, struct arena *arena, int64_t now, struct source_count_list *ret) {
    return source_count_list(db, arena, day_of(now), ret);
}

void source_counts_load(struct source_use *u, const struct source_count_list *counts) {
    for (size_t i = 0; i < counts->count; i++) {
        const struct source_count *row = &counts->items[i];
        const struct source *s = source_find(u->table, row->source);
        if (s) count_get(u, s, row->provider, row->day * CLOCK_DAY_MS)->spent = (uint32_t)row->count;
    }
}

void source_progress_each(const struct source_use *u, const struct source *s, int64_t now, source_progress_fn fn, void *arg) {
    const struct use *use = &u->sources[s->index];
    uint32_t ceiling;
    if (!source_is_warming(s, now, &ceiling)) return;
    bool has_others = false;
    for (size_t i = 0; i < use->count_count; i++) {
        const struct count *c = &use->counts[i];
        struct source_progress progress = {buf_str(&c->provider), spent_on(c, now), c->reserved, ceiling};
        if (!progress.spent && !progress.reserved) continue;
        has_others = has_others || progress.provider.n == 0;
        fn(arg, &progress);
    }
    if (!has_others) fn(arg, &(struct source_progress){.ceiling = ceiling});
}

/* ---- suspended ---- */
/* 0: not. A clock that was set back makes it no longer (CL01). */
static int64_t suspended_until(const struct source_use *u, const struct source *s, int64_t now) {
    int64_t until = u->sources[s->index].suspended_until;
    return until > now && until <= now + SOURCE_SUSPENDED_MS ? until : 0;
}

bool source_suspend(struct source_use *u, const struct source *s, int64_t now) {
    bool is_new = u->sources[s->index].suspended_until == 0;
    u->sources[s->index].suspended_until = now + SOURCE_SUSPENDED_MS;
    return is_new;
}

bool source_resume(struct source_use *u, const struct source *s) {
    bool was_suspended = u->sources[s->index].suspended_until != 0;
    u->sources[s->index].suspended_until = 0;
    return was_suspended;
}

/* ---- the choice ---- */
static int64_t spent_until(const struct source *s, int64_t now) {
    return source_warmup_day(s, now) < 0 ? s->warmup_at : (day_of(now) + 1) * CLOCK_DAY_MS;
}

/* What keeps the source from sending, and until when. */
static struct source_choice judge(const struct source_use *u, const struct source_question *q, const struct source *s) {
    struct source_choice c = {.nearest = s, .obstacle = SOURCE_NO_FAMILY, .until = INT64_MAX};
    if (!(source_family(s) & q->families)) return c;
    c.obstacle = SOURCE_SUSPENDED;
    c.until = suspended_until(u, s, q->now);
    if (c.until) return c;
    c.obstacle = SOURCE_PAUSED;
    c.until = q->now;
    if (q->is_paused && q->is_paused(q->arg, s, &c.until)) return c;
    c.obstacle = SOURCE_SPENT;
    c.until = spent_until(s, q->now);
    if (!has_budget(u, s, q->provider, q->now)) return c;
    return (struct source_choice){.source = s};
}

struct source_choice source_choose(struct source_use *u, const struct source_question *question) {
    const struct source_pool *pool = question->pool;
    struct source_choice blocked = {.obstacle = SOURCE_NO_FAMILY, .until = INT64_MAX}, chosen = {0};
    uint64_t weights = 0;
    for (size_t i = 0; i < pool->count; i++) {
        struct source_choice c = judge(u, question, pool->sources[i]);
        if (!c.source) {
            if (!blocked.nearest || c.until < blocked.until) blocked = c;
            continue;
        }
        weights += c.source->weight;
        if (weights == c.source->weight || rand_below(u->rand, weights) < c.source->weight) chosen = c;
    }
    return chosen.source ? chosen : blocked;
}

/* ---- in words ---- */
void source_choice_why(struct buf *out, const struct source_question *question, const struct source_choice *choice) {
    struct str pool = question->pool->name, provider = question->provider;
    struct str source = choice->nearest ? choice->nearest->name : (struct str){0};
    switch (choice->obstacle) {
    case SOURCE_FREE:
        return;
    case SOURCE_NO_FAMILY:
        buf_addf(out, "No source of pool %.*s has an %s address, and the hosts have no other", STR_ARG(pool),
                 question->families & SOURCE_OF_IPV6 ? "IPv6" : "IPv4");
        return;
    case SOURCE_SUSPENDED:
        buf_addf(out, "The address of source %.*s is not on this machine", STR_ARG(source));
        break;
    case SOURCE_PAUSED:
        buf_addf(out, "Source %.*s is paused for this site", STR_ARG(source));
        break;
    case SOURCE_SPENT:
        buf_addf(out, "Warm-up: source %.*s had its day's mail to %.*s", STR_ARG(source),
                 STR_ARG(str_is_empty(provider) ? STR("other providers") : provider));
        break;
    }
    if (question->pool->count > 1) buf_addf(out, ", and no other of pool %.*s may send", STR_ARG(pool));
    if (choice->until <= question->now) return;
    buf_add_z(out, ", until ");
    time_add_sql(out, choice->until);
    buf_add_z(out, " UTC");
}
