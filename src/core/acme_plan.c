/* acme_plan.c - see acme_plan.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/acme_plan.h"

#include "base/arena.h"
#include "base/map.h"

#define JITTER_PERCENT 20

int64_t acme_renew_at(int64_t begins_at, int64_t expires_at) {
    return expires_at - (expires_at - begins_at) / 3;
}

static bool is_due(const struct acme_host *h, int64_t now) {
    return h->not_before <= now && (h->expires_at == 0 || acme_renew_at(h->begins_at, h->expires_at) <= now);
}

/* How many an account got within a day, or was refused since. */
static int64_t *count_of(const struct map *counts, const struct acme_host *h) {
    return map_find(counts, str_make((const char *)&h->account_id, sizeof h->account_id));
}

static struct map *count_new(const struct acme_host *hosts, size_t count, int64_t now, struct arena *arena) {
    struct map *counts = map_new();
    for (size_t i = 0; i < count; i++) {
        int64_t *n = count_of(counts, &hosts[i]);
        if (!n) {
            n = ARENA_NEW(arena, int64_t);
            map_put(counts, str_make((const char *)&hosts[i].account_id, sizeof hosts[i].account_id), n);
        }
        *n += hosts[i].not_before || hosts[i].begins_at > now - CLOCK_DAY_MS;
    }
    return counts;
}

/* Does `a` go before `b`, which came first? */
static bool goes_before(const struct acme_host *a, const struct acme_host *b, const struct map *counts) {
    bool is_own = a->account_id == 0, is_renewal = a->expires_at != 0;
    if (is_own != (b->account_id == 0)) return is_own;
    int64_t mine = *count_of(counts, a), others = *count_of(counts, b);
    if (mine != others) return mine < others;
    if (is_renewal != (b->expires_at != 0)) return is_renewal;
    return a->expires_at < b->expires_at;
}

const struct acme_host *acme_pick(const struct acme_host *hosts, size_t count, int64_t now) {
    ARENA_AUTO arena = {0};
    const struct acme_host *best = NULL;
    struct map *counts = count_new(hosts, count, now, &arena);
    for (size_t i = 0; i < count; i++)
        if (is_due(&hosts[i], now) && (!best || goes_before(&hosts[i], best, counts))) best = &hosts[i];
    map_free(&counts);
    return best;
}

int64_t acme_retry_ms(unsigned tries, int64_t retry_after_s, const struct rand *rand) {
    static const int64_t minutes[] = {5, 15, 60, 240, 720, 1440};
    size_t last = sizeof minutes / sizeof minutes[0] - 1, i = tries == 0 ? 0 : tries - 1;
    int64_t ms = minutes[i < last ? i : last] * 60000;
    ms += (int64_t)rand_below(rand, (uint64_t)(ms * JITTER_PERCENT / 100));
    return retry_after_s * 1000 > ms ? retry_after_s * 1000 : ms;
}

bool acme_may_begin(int64_t *due_at, int64_t now) {
    int64_t at = *due_at > now ? *due_at : now;
    if (at - now >= ACME_BURST * (int64_t)ACME_PACE_MS) return false;
    *due_at = at + ACME_PACE_MS;
    return true;
}
