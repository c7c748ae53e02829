/* crowd.c - the counters behind crowd.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/crowd.h"

#include "base/map.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CONNECTIONS_MAX   10000
#define PER_ADDRESS_MAX   50
#define CONTENT_MAX_BYTES ((size_t)256 << 20)

struct one {
    size_t connections, content_bytes;
};
struct crowd {
    struct crowd_bounds bounds;
    atomic_size_t connections;
    pthread_mutex_t lock; /* of all below */
    size_t content_bytes;
    struct map *by_address; /* struct one; there while it counts something */
};

struct crowd *crowd_new(const struct crowd_bounds *bounds) {
    struct crowd *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->bounds = *bounds;
    if (!c->bounds.connections_max) c->bounds.connections_max = CONNECTIONS_MAX;
    if (!c->bounds.per_address_max) c->bounds.per_address_max = PER_ADDRESS_MAX;
    if (!c->bounds.content_bytes_max) c->bounds.content_bytes_max = CONTENT_MAX_BYTES;
    pthread_mutex_init(&c->lock, NULL);
    c->by_address = map_new();
    return c;
}

void crowd_free(struct crowd **crowd) {
    if (!*crowd) return;
    map_free(&(*crowd)->by_address);
    pthread_mutex_destroy(&(*crowd)->lock);
    free(*crowd);
    *crowd = NULL;
}

bool crowd_enter(struct crowd *c) {
    if (atomic_fetch_add(&c->connections, 1) < c->bounds.connections_max) return true;
    atomic_fetch_sub(&c->connections, 1);
    return false;
}

void crowd_leave(struct crowd *c) {
    atomic_fetch_sub(&c->connections, 1);
}

static struct str key_of(const struct ip *client) {
    return str_make((const char *)client->bytes, client->family == 6 ? 8 : client->family == 4 ? 4 : 0);
}

static struct one *get_one(struct crowd *c, struct str key) {
    struct one *one = map_find(c->by_address, key);
    if (one) return one;
    one = calloc(1, sizeof *one);
    if (!one) abort();
    map_put(c->by_address, key, one);
    return one;
}

static void let_go(struct crowd *c, struct str key, struct one *one) {
    if (one->connections || one->content_bytes) return;
    map_remove(c->by_address, key);
    free(one);
}

bool crowd_take_address(struct crowd *c, const struct ip *client) {
    struct str key = key_of(client);
    if (key.n == 0) return true;
    pthread_mutex_lock(&c->lock);
    struct one *one = get_one(c, key);
    bool ok = one->connections < c->bounds.per_address_max;
    if (ok) one->connections++;
    pthread_mutex_unlock(&c->lock);
    return ok;
}

void crowd_give_address(struct crowd *c, const struct ip *client) {
    struct str key = key_of(client);
    if (key.n == 0) return;
    pthread_mutex_lock(&c->lock);
    struct one *one = get_one(c, key);
    one->connections--;
    let_go(c, key, one);
    pthread_mutex_unlock(&c->lock);
}

/* Is `own` at most half of what there is beside the others'? */
static bool is_fair(const struct crowd *c, size_t own) {
    size_t others = c->content_bytes - own, max = c->bounds.content_bytes_max;
    return others < max && own <= (max - others) / 2;
}

bool crowd_move_content(struct crowd *c, const struct ip *client, size_t before, size_t now) {
    if (before == now) return true;
    struct str key = key_of(client);
    pthread_mutex_lock(&c->lock);
    c->content_bytes += now - before; /* wraps round to less */
    bool ok = c->content_bytes <= c->bounds.content_bytes_max;
    if (key.n) {
        struct one *one = get_one(c, key);
        one->content_bytes += now - before;
        ok = ok && is_fair(c, one->content_bytes);
        let_go(c, key, one);
    }
    pthread_mutex_unlock(&c->lock);
    return ok || now < before;
}

bool crowd_is_stressed(struct crowd *c) {
    return atomic_load_explicit(&c->connections, memory_order_relaxed) > c->bounds.connections_max / 5 * 4;
}
