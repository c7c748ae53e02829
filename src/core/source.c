/* source.c - see source.h. Rows of text become the table once, at start; a check says in words what is wrong with a value, and
 * whoever reads the configuration uses the same checks, so that it can name the line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/source.h"

#include "base/clock.h"
#include "proto/address/network.h"

#include <stdlib.h>
#include <string.h>

#define CEILING_MAX 1000000000u

/* Plans with a name. Roughly: double every day while the numbers are small, half as much again later. */
static const uint32_t default_ceilings[] = {50,   100,   200,   400,   800,   1500,  3000,  5000,
                                            8000, 12000, 18000, 25000, 35000, 50000, 70000, 100000};
static const uint32_t slow_ceilings[] = {20,    30,    50,    75,    100,   150,   200,   300,   400,   600,
                                         800,   1000,  1300,  1700,  2200,  2800,  3600,  4600,  6000,  7800,
                                         10000, 13000, 17000, 22000, 28000, 36000, 46000, 60000, 80000, 100000};
static const struct {
    struct str name;
    struct warmup_plan plan;
} plans[] = {
    {STR_INIT(WARMUP_PLAN), {default_ceilings, sizeof default_ceilings / sizeof default_ceilings[0]}},
    {STR_INIT("slow"), {slow_ceilings, sizeof slow_ceilings / sizeof slow_ceilings[0]}},
};

/* ---- single values ---- */
bool source_name_is_valid(struct str name) {
    if (name.n == 0 || name.n > SOURCE_NAME_MAX) return false;
    for (size_t i = 0; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]) && !memchr("._-", name.p[i], 3)) return false;
    return true;
}

const char *source_address_check(struct str text) {
    struct ip ip;
    return str_is_empty(text) || ip_parse(text, &ip) ? NULL : "expected an IPv4 or IPv6 address of this machine";
}

const char *source_pools_check(struct str text) {
    struct str rest = text, name;
    while (!str_is_empty(text) && str_next(&rest, ',', &name))
        if (!source_name_is_valid(str_trim(name))) return "expected names of pools (letters, digits, . _ -), several with commas";
    return NULL;
}

const char *source_day_check(struct str text) {
    int64_t at;
    bool has_time;
    if (str_is_empty(text) || (time_parse_sql(text, &at, &has_time) && !has_time)) return NULL;
    return "expected the first day, like 2026-11-01";
}

/* A list of ceilings into `ret` of WARMUP_DAYS_MAX. False: it is none. */
static bool ceilings_parse(struct str text, uint32_t *ret, size_t *ret_days) {
    struct str part;
    uint64_t number, before = 1;
    size_t days = 0;
    while (str_next(&text, ',', &part)) {
        if (days == WARMUP_DAYS_MAX || !str_to_u64(str_trim(part), &number) || number < before || number > CEILING_MAX)
            return false;
        ret[days++] = (uint32_t)number;
        before = number;
    }
    *ret_days = days;
    return days > 0;
}

static const struct warmup_plan *plan_find(struct str name) {
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
        if (str_eq(name, plans[i].name)) return &plans[i].plan;
    return NULL;
}

const char *source_plan_check(struct str text) {
    uint32_t ceilings[WARMUP_DAYS_MAX];
    size_t days;
    if (str_is_empty(text) || plan_find(text) || ceilings_parse(text, ceilings, &days)) return NULL;
    return "expected default, slow, or messages for each day like 50,100,200, none less than the day before";
}

static struct warmup_plan plan_parse(struct arena *arena, struct str text) {
    const struct warmup_plan *named = plan_find(str_is_empty(text) ? STR(WARMUP_PLAN) : text);
    if (named) return *named;
    uint32_t *ceilings = arena_array(arena, WARMUP_DAYS_MAX, sizeof *ceilings);
    struct warmup_plan plan = {ceilings, 0};
    return ceilings_parse(text, ceilings, &plan.days) ? plan : *plan_find(STR(WARMUP_PLAN));
}

/* ---- the table ---- */
static struct route_address address_parse_ip(struct str text) {
    struct route_address address = {0};
    struct ip ip;
    if (str_is_empty(text) || !ip_parse(text, &ip)) return address;
    address.family = ip.family;
    memcpy(address.ip, ip.bytes, sizeof address.ip);
    return address;
}

static bool address_eq(const struct route_address *a, const struct route_address *b) {
    return a->family && a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

static bool is_in_pool(struct str pools, struct str pool) {
    struct str rest = pools, name;
    if (str_is_empty(pools)) return str_eq(pool, STR(SOURCE_POOL));
    while (str_next(&rest, ',', &name))
        if (str_eq(str_trim(name), pool)) return true;
    return false;
}

/* NULL, or what is wrong with the row, given those before it. */
static const char *row_check(const struct source_table *t, const struct source_row *row) {
    if (!source_name_is_valid(row->name)) return "a name has letters, digits, . _ -, at most 64";
    if (source_find(t, row->name)) return "the name stands twice";
    const char *why = source_address_check(row->address);
    if (!why) why = source_pools_check(row->pools);
    if (!why) why = source_day_check(row->warmup);
    if (!why) why = source_plan_check(row->warmup_plan);
    if (!why && str_eq(row->name, STR(SOURCE_POOL)) && !is_in_pool(row->pools, STR(SOURCE_POOL)))
        why = "the source named default is in the pool default";
    if (!why && str_is_empty(row->warmup) && !str_is_empty(row->warmup_plan)) why = "warmup_plan needs warmup, the first day";
    struct route_address address = address_parse_ip(row->address);
    for (size_t i = 0; !why && i < t->count; i++)
        if (address_eq(&t->sources[i].address, &address)) why = "another source has the same address";
    return why;
}

static void source_add(struct source_table *t, const struct source_row *row, struct str hostname) {
    struct source *s = &t->sources[t->count];
    bool has_time;
    s->index = t->count++;
    s->name = arena_str(&t->arena, row->name);
    s->address = address_parse_ip(row->address);
    s->hostname = arena_str(&t->arena, str_is_empty(row->hostname) ? hostname : row->hostname);
    s->weight = row->weight ? row->weight : 1;
    s->pools = arena_str(&t->arena, row->pools);
    if (str_is_empty(row->warmup) || !time_parse_sql(row->warmup, &s->warmup_at, &has_time)) return;
    s->plan = plan_parse(&t->arena, row->warmup_plan);
}

static void pool_add(struct source_table *t, struct str name) {
    if (t->pool_count && source_pool_find(t, name)) return;
    struct source_pool pool = {.name = name};
    for (size_t i = 0; i < t->count; i++) pool.count += is_in_pool(t->sources[i].pools, name);
    pool.sources = arena_array(&t->arena, pool.count, sizeof *pool.sources);
    pool.count = 0;
    for (size_t i = 0; i < t->count; i++)
        if (is_in_pool(t->sources[i].pools, name)) pool.sources[pool.count++] = &t->sources[i];
    t->pools[t->pool_count++] = pool;
}

static size_t pool_mentions(const struct source_table *t) {
    size_t n = 1;
    struct str name;
    for (size_t i = 0; i < t->count; i++)
        for (struct str rest = t->sources[i].pools; str_next(&rest, ',', &name);) n++;
    return n;
}

static void pools_fill(struct source_table *t) {
    struct str name;
    t->pools = arena_array(&t->arena, pool_mentions(t), sizeof *t->pools);
    pool_add(t, STR(SOURCE_POOL));
    for (size_t i = 0; i < t->count; i++) {
        struct str rest = t->sources[i].pools;
        while (!str_is_empty(t->sources[i].pools) && str_next(&rest, ',', &name)) pool_add(t, str_trim(name));
    }
}

static bool has_default(const struct source_table *t) {
    for (size_t i = 0; i < t->count; i++)
        if (is_in_pool(t->sources[i].pools, STR(SOURCE_POOL))) return true;
    return false;
}

enum status source_table_new(const struct source_row *rows, size_t count, struct str hostname, struct source_table **ret,
                             struct buf *ret_why) {
    if (count > SOURCES_MAX) {
        buf_addf(ret_why, "more than %d sources", SOURCES_MAX);
        return STATUS_INVALID;
    }
    struct source_table *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->sources = arena_array(&t->arena, count + 1, sizeof *t->sources);
    const char *why = NULL;
    for (size_t i = 0; i < count; i++) {
        why = row_check(t, &rows[i]);
        if (why) {
            buf_addf(ret_why, "[source %.*s]: %s", STR_ARG(rows[i].name), why);
            source_table_free(&t);
            return STATUS_INVALID;
        }
        source_add(t, &rows[i], hostname);
    }
    /* Mail of no pool goes out all the same. */
    if (!has_default(t)) source_add(t, &(struct source_row){.name = STR(SOURCE_POOL)}, hostname);
    pools_fill(t);
    *ret = t;
    return STATUS_OK;
}

void source_table_free(struct source_table **t) {
    if (!*t) return;
    arena_fini(&(*t)->arena);
    free(*t);
    *t = NULL;
}

const struct source *source_find(const struct source_table *t, struct str name) {
    for (size_t i = 0; i < t->count; i++)
        if (str_eq(t->sources[i].name, name)) return &t->sources[i];
    return NULL;
}

const struct source_pool *source_pool_find(const struct source_table *t, struct str name) {
    if (str_is_empty(name)) return &t->pools[0];
    for (size_t i = 0; i < t->pool_count; i++)
        if (str_eq(t->pools[i].name, name)) return &t->pools[i];
    return NULL;
}

void source_pool_names(struct buf *out, const struct source_table *t) {
    for (size_t i = 0; i < t->pool_count; i++) buf_addf(out, "%s%.*s", i ? ", " : "", STR_ARG(t->pools[i].name));
}

unsigned source_family(const struct source *s) {
    return s->address.family == 6 ? SOURCE_OF_IPV6 : SOURCE_OF_IPV4;
}

unsigned source_pool_families(const struct source_pool *pool) {
    unsigned families = 0;
    for (size_t i = 0; i < pool->count; i++) families |= source_family(pool->sources[i]);
    return families;
}

bool source_table_has_ipv6(const struct source_table *t) {
    for (size_t i = 0; i < t->count; i++)
        if (source_family(&t->sources[i]) == SOURCE_OF_IPV6) return true;
    return false;
}

/* ---- warm-up ---- */
int64_t source_warmup_day(const struct source *s, int64_t now) {
    return now < s->warmup_at ? -1 : (now - s->warmup_at) / CLOCK_DAY_MS;
}

bool source_is_warming(const struct source *s, int64_t now, uint32_t *ret_ceiling) {
    if (!s->warmup_at) return false;
    int64_t day = source_warmup_day(s, now);
    if (day >= (int64_t)s->plan.days) return false;
    *ret_ceiling = day < 0 ? 0 : s->plan.ceilings[day];
    return true;
}
