/* map.c - open addressing with linear probing; the hash is kept beside the key, so that growing never hashes again and
 * most probes never touch a key. A removed slot stays as a tombstone (key without value) until the next resize: nothing
 * moves on removal, which is what lets an iteration remove the key it was just given.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 8

struct slot {
    char *key; /* NULL: never used */
    size_t key_n;
    uint64_t hash;
    void *value; /* NULL with a key: removed */
};
struct map {
    struct slot *slots;
    size_t slot_count; /* a power of two */
    size_t count;      /* live keys */
    size_t used;       /* live keys and tombstones; at most 3/4 of the slots */
};

static uint64_t seed[2]; /* written once, before its first reader */

static void seed_make(void) {
    rand_fill(rand_system(), seed, sizeof seed);
}

static inline uint64_t rotate(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static uint64_t load_le(const char *p, size_t n) {
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++) word |= (uint64_t)(uint8_t)p[i] << (8 * i);
    return word;
}

uint64_t map_hash(struct str key) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, seed_make);
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d, seed[0] ^ 0x6c7967656e657261,
                     seed[1] ^ 0x7465646279746573};
    size_t whole = key.n & ~(size_t)7;
    for (size_t at = 0; at < whole; at += 8) {
        uint64_t word = load_le(key.p + at, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)key.n << 56 | (key.n > whole ? load_le(key.p + whole, key.n - whole) : 0);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void *zeroed(size_t count, size_t size) {
    void *p = calloc(count, size);
    if (!p) abort();
    return p;
}

struct map *map_new(void) {
    struct map *m = zeroed(1, sizeof *m);
    m->slots = zeroed(SLOTS_MIN, sizeof *m->slots);
    m->slot_count = SLOTS_MIN;
    return m;
}

void map_free(struct map **m) {
    if (!*m) return;
    for (size_t i = 0; i < (*m)->slot_count; i++) free((*m)->slots[i].key);
    free((*m)->slots);
    free(*m);
    *m = NULL;
}

size_t map_count(const struct map *m) {
    return m->count;
}

/* The key's live slot, or the never-used slot that ends its probe. */
static struct slot *slot_of(const struct map *m, struct str key, uint64_t hash) {
    for (size_t i = hash;; i++) {
        struct slot *s = &m->slots[i & (m->slot_count - 1)];
        if (!s->key) return s;
        if (s->value && s->hash == hash && str_eq(key, (struct str){s->key, s->key_n})) return s;
    }
}

void *map_find(const struct map *m, struct str key) {
    return slot_of(m, key, map_hash(key))->value;
}

/* Rebuild with room for twice the live keys; drops tombstones, so a shrinking map's table shrinks too. */
static void resize(struct map *m) {
    struct map old = *m;
    m->slot_count = SLOTS_MIN;
    while (m->slot_count < (m->count + 1) * 2) m->slot_count *= 2;
    m->slots = zeroed(m->slot_count, sizeof *m->slots);
    m->used = m->count;
    for (struct slot *s = old.slots; s < old.slots + old.slot_count; s++) {
        if (s->value) {
            *slot_of(m, (struct str){s->key, s->key_n}, s->hash) = *s;
        } else {
            free(s->key);
        }
    }
    free(old.slots);
}

void *map_put(struct map *m, struct str key, void *value) {
    if (!value) abort();
    uint64_t hash = map_hash(key);
    struct slot *s = slot_of(m, key, hash);
    void *before = s->value;
    if (before) {
        s->value = value;
        return before;
    }
    if ((m->used + 1) * 4 > m->slot_count * 3) {
        resize(m);
        s = slot_of(m, key, hash);
    }
    *s = (struct slot){malloc(key.n + 1), key.n, hash, value};
    if (!s->key) abort();
    if (key.n) memcpy(s->key, key.p, key.n);
    m->count++;
    m->used++;
    return NULL;
}

void *map_remove(struct map *m, struct str key) {
    struct slot *s = slot_of(m, key, map_hash(key));
    void *before = s->value;
    if (before) {
        s->value = NULL;
        m->count--;
    }
    return before;
}

bool map_next(const struct map *m, size_t *cursor, struct str *ret_key, void **ret_value) {
    while (*cursor < m->slot_count) {
        const struct slot *s = &m->slots[(*cursor)++];
        if (!s->value) continue;
        *ret_key = (struct str){s->key, s->key_n};
        *ret_value = s->value;
        return true;
    }
    return false;
}
