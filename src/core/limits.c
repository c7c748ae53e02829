/* limits.c - see limits.h.
 *
 * A bucket is one number, the time when it is full again (the virtual scheduling algorithm, ITU-T I.371): taking one moves that
 * time on by the price of one, and is refused when it would lie further ahead than the whole burst costs. So a bucket that is
 * full, one nobody used and one forgotten are the same thing. The table is set-associative: a key's hash names a set of WAYS
 * entries, sets share locks by shard.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/limits.h"

#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAYS   16
#define SHARDS 64

struct entry {
    uint64_t hash; /* of kind and key; 0: free */
    int64_t full_at_us;
};
struct limits {
    size_t set_count;
    struct entry (*sets)[WAYS];
    pthread_mutex_t locks[SHARDS];
};

struct limits *limits_new(size_t entries_max) {
    struct limits *l = calloc(1, sizeof *l);
    if (!l) abort();
    l->set_count = entries_max / WAYS ? entries_max / WAYS : 1;
    l->sets = calloc(l->set_count, sizeof *l->sets);
    if (!l->sets) abort();
    for (size_t i = 0; i < SHARDS; i++) pthread_mutex_init(&l->locks[i], NULL);
    return l;
}

void limits_free(struct limits **l) {
    if (!*l) return;
    for (size_t i = 0; i < SHARDS; i++) pthread_mutex_destroy(&(*l)->locks[i]);
    free((*l)->sets);
    free(*l);
    *l = NULL;
}

static uint64_t hash_of(enum limit_kind kind, struct str key) {
    uint64_t parts[2] = {(uint64_t)kind, map_hash(key)};
    uint64_t hash = map_hash(str_make((const char *)parts, sizeof parts));
    return hash ? hash : 1;
}

/* The entry of this hash; else, when `is_new`, the one of its set that says least. */
static struct entry *find(struct limits *l, uint64_t hash, bool is_new) {
    struct entry *set = l->sets[hash % l->set_count], *least = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].hash == hash) return &set[i];
        if (set[i].full_at_us < least->full_at_us) least = &set[i];
    }
    if (!is_new) return NULL;
    *least = (struct entry){.hash = hash};
    return least;
}

static pthread_mutex_t *lock_of(struct limits *l, uint64_t hash) {
    return &l->locks[hash % l->set_count % SHARDS];
}

/* What the bucket says when `ahead` microseconds lie between now and its being full. */
static struct limit_state state_of(const struct limit_rate *rate, int64_t price_us, int64_t ahead_us) {
    int64_t room_us = rate->burst * price_us - ahead_us;
    return (struct limit_state){
        .is_limited = true,
        .limit = rate->count,
        .period_ms = rate->period_ms,
        .remaining = room_us / price_us,
        .wait_ms = room_us >= price_us ? 0 : (price_us - room_us + 999) / 1000,
        .reset_ms = (ahead_us + 999) / 1000,
    };
}

static int64_t price_of(const struct limit_rate *rate) {
    int64_t price_us = rate->period_ms * 1000 / rate->count;
    return price_us < 1 ? 1 : price_us;
}

bool limits_take(struct limits *l, enum limit_kind kind, struct str key, const struct limit_rate *rate, int64_t now,
                 struct limit_state *ret) {
    if (ret) *ret = (struct limit_state){0};
    if (!l || rate->count <= 0) return true;
    int64_t now_us = now * 1000, price_us = price_of(rate);
    uint64_t hash = hash_of(kind, key);
    pthread_mutex_lock(lock_of(l, hash));
    struct entry *entry = find(l, hash, true);
    int64_t ahead_us = entry->full_at_us > now_us ? entry->full_at_us - now_us : 0;
    bool is_taken = ahead_us + price_us <= rate->burst * price_us;
    if (is_taken) ahead_us += price_us;
    entry->full_at_us = now_us + ahead_us;
    pthread_mutex_unlock(lock_of(l, hash));
    if (ret) *ret = state_of(rate, price_us, ahead_us);
    return is_taken;
}

bool limits_has(struct limits *l, enum limit_kind kind, struct str key, const struct limit_rate *rate, int64_t now) {
    if (!l || rate->count <= 0) return true;
    uint64_t hash = hash_of(kind, key);
    pthread_mutex_lock(lock_of(l, hash));
    const struct entry *entry = find(l, hash, false);
    int64_t full_at_us = entry ? entry->full_at_us : 0;
    pthread_mutex_unlock(lock_of(l, hash));
    int64_t ahead_us = full_at_us > now * 1000 ? full_at_us - now * 1000 : 0;
    return ahead_us + price_of(rate) <= rate->burst * price_of(rate);
}

void limits_reset(struct limits *l, enum limit_kind kind, struct str key) {
    if (!l) return;
    uint64_t hash = hash_of(kind, key);
    pthread_mutex_lock(lock_of(l, hash));
    struct entry *entry = find(l, hash, false);
    if (entry) *entry = (struct entry){0};
    pthread_mutex_unlock(lock_of(l, hash));
}

struct str limit_key_id(int64_t id, char room[LIMIT_KEY_MAX]) {
    memcpy(room, &id, sizeof id);
    return str_make(room, sizeof id);
}

struct str limit_key_ip(const struct ip *ip, char room[LIMIT_KEY_MAX]) {
    size_t n = ip->family == 6 ? 8 : ip->family == 4 ? 4 : 0;
    memcpy(room, ip->bytes, n);
    return str_make(room, n);
}

struct str limit_key_both(int64_t id, const struct ip *ip, char room[LIMIT_KEY_MAX]) {
    size_t n = limit_key_id(id, room).n;
    n += limit_key_ip(ip, room + n).n;
    return str_make(room, n);
}
