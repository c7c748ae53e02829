/* http_budget.c - the counters behind http_budget.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "httpd/http_budget.h"

#include "base/map.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct http_budget {
    size_t connections_max, per_address_max, body_bytes_max;
    _Atomic size_t body_bytes;
    pthread_mutex_t lock;
    size_t connections;     /* under lock */
    struct map *by_address; /* under lock; the value is the count itself */
};

struct http_budget *http_budget_new(size_t connections_max, size_t per_address_max, size_t body_bytes_max) {
    struct http_budget *b = calloc(1, sizeof(*b));
    if (!b) abort();
    b->connections_max = connections_max;
    b->per_address_max = per_address_max;
    b->body_bytes_max = body_bytes_max;
    pthread_mutex_init(&b->lock, NULL);
    b->by_address = map_new();
    return b;
}

void http_budget_free(struct http_budget **b) {
    if (!*b) return;
    map_free(&(*b)->by_address);
    pthread_mutex_destroy(&(*b)->lock);
    free(*b);
    *b = NULL;
}

static struct str address_key(const struct net_address *peer) {
    return str_make((const char *)peer->ip, peer->family == 6 ? 8 : 4);
}

static size_t address_count(const struct http_budget *b, struct str key) {
    return (size_t)(uintptr_t)map_find(b->by_address, key);
}

static void set_address_count(struct http_budget *b, struct str key, size_t count) {
    if (count) {
        map_put(b->by_address, key, (void *)(uintptr_t)count);
    } else {
        map_remove(b->by_address, key);
    }
}

bool http_budget_take_connection(struct http_budget *b, const struct net_address *peer, bool is_exempt) {
    struct str key = address_key(peer);
    pthread_mutex_lock(&b->lock);
    size_t count = is_exempt ? 0 : address_count(b, key);
    bool ok = b->connections < b->connections_max && count < b->per_address_max;
    if (ok) {
        b->connections++;
        if (!is_exempt) set_address_count(b, key, count + 1);
    }
    pthread_mutex_unlock(&b->lock);
    return ok;
}

void http_budget_give_connection(struct http_budget *b, const struct net_address *peer, bool is_exempt) {
    struct str key = address_key(peer);
    pthread_mutex_lock(&b->lock);
    b->connections--;
    if (!is_exempt) set_address_count(b, key, address_count(b, key) - 1);
    pthread_mutex_unlock(&b->lock);
}

bool http_budget_take_body(struct http_budget *b, size_t bytes) {
    size_t now = atomic_fetch_add(&b->body_bytes, bytes);
    if (now <= b->body_bytes_max && bytes <= b->body_bytes_max - now) return true;
    atomic_fetch_sub(&b->body_bytes, bytes);
    return false;
}

void http_budget_give_body(struct http_budget *b, size_t bytes) {
    atomic_fetch_sub(&b->body_bytes, bytes);
}
