/* http_budget.c - the counters behind http_budget.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "httpd/http_budget.h"

#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STRANGERS_PART 4 /* of the memory for bodies: one in so many */

struct http_budget {
    size_t connections_max, per_address_max, body_bytes_max;
    pthread_mutex_t lock; /* of all below */
    size_t connections, body_bytes, stranger_bytes;
    struct map *by_address, *by_owner; /* connections, bytes of bodies; the value is the count itself */
};

struct http_budget *http_budget_new(size_t connections_max, size_t per_address_max, size_t body_bytes_max) {
    struct http_budget *b = calloc(1, sizeof(*b));
    if (!b) abort();
    b->connections_max = connections_max;
    b->per_address_max = per_address_max;
    b->body_bytes_max = body_bytes_max;
    pthread_mutex_init(&b->lock, NULL);
    b->by_address = map_new();
    b->by_owner = map_new();
    return b;
}

void http_budget_free(struct http_budget **b) {
    if (!*b) return;
    map_free(&(*b)->by_address);
    map_free(&(*b)->by_owner);
    pthread_mutex_destroy(&(*b)->lock);
    free(*b);
    *b = NULL;
}

static struct str address_key(const struct net_address *peer) {
    return str_make((const char *)peer->ip, peer->family == 6 ? 8 : 4);
}

static size_t count_of(const struct map *counts, struct str key) {
    return (size_t)(uintptr_t)map_find(counts, key);
}

static void set_count(struct map *counts, struct str key, size_t count) {
    if (count) {
        map_put(counts, key, (void *)(uintptr_t)count);
    } else {
        map_remove(counts, key);
    }
}

bool http_budget_take_connection(struct http_budget *b, const struct net_address *peer, bool is_exempt) {
    struct str key = address_key(peer);
    pthread_mutex_lock(&b->lock);
    size_t count = is_exempt ? 0 : count_of(b->by_address, key);
    bool ok = b->connections < b->connections_max && count < b->per_address_max;
    if (ok) {
        b->connections++;
        if (!is_exempt) set_count(b->by_address, key, count + 1);
    }
    pthread_mutex_unlock(&b->lock);
    return ok;
}

void http_budget_give_connection(struct http_budget *b, const struct net_address *peer, bool is_exempt) {
    struct str key = address_key(peer);
    pthread_mutex_lock(&b->lock);
    b->connections--;
    if (!is_exempt) set_count(b->by_address, key, count_of(b->by_address, key) - 1);
    pthread_mutex_unlock(&b->lock);
}

/* ---- bodies ---- */
struct http_owner http_owner_of_account(int64_t account_id) {
    struct http_owner owner = {.n = sizeof account_id + 1, .key = "a"};
    memcpy(owner.key + 1, &account_id, sizeof account_id);
    return owner;
}

struct http_owner http_owner_of_client(const struct net_address *client) {
    struct http_owner owner = {0};
    if (client->family == 1) return owner;
    struct str ip = address_key(client);
    owner = (struct http_owner){.is_stranger = true, .n = (uint8_t)(ip.n + 1), .key = "c"};
    memcpy(owner.key + 1, ip.p, ip.n);
    return owner;
}

static struct str owner_key(const struct http_owner *owner) {
    return str_make(owner->key, owner->n);
}

/* Has `own` grown by `bytes` still its half of what there is beside `others`? */
static bool is_fair(size_t max, size_t others, size_t own, size_t bytes) {
    return others < max && bytes <= max && own + bytes <= (max - others) / 2;
}

static bool has_share(const struct http_budget *b, const struct http_owner *owner, size_t bytes) {
    size_t own = count_of(b->by_owner, owner_key(owner));
    if (owner->n == 0) return true;
    if (!is_fair(b->body_bytes_max, b->body_bytes - own, own, bytes)) return false;
    return !owner->is_stranger || is_fair(b->body_bytes_max / STRANGERS_PART, b->stranger_bytes - own, own, bytes);
}

static void take(struct http_budget *b, const struct http_owner *owner, size_t bytes) {
    b->body_bytes += bytes;
    if (owner->n == 0) return;
    set_count(b->by_owner, owner_key(owner), count_of(b->by_owner, owner_key(owner)) + bytes);
    if (owner->is_stranger) b->stranger_bytes += bytes;
}

bool http_budget_take_share(struct http_budget *b, const struct http_owner *owner, size_t bytes) {
    pthread_mutex_lock(&b->lock);
    bool ok = bytes <= b->body_bytes_max - b->body_bytes && has_share(b, owner, bytes);
    if (ok) take(b, owner, bytes);
    pthread_mutex_unlock(&b->lock);
    return ok;
}

void http_budget_give_share(struct http_budget *b, const struct http_owner *owner, size_t bytes) {
    pthread_mutex_lock(&b->lock);
    take(b, owner, 0 - bytes); /* wraps round to less */
    pthread_mutex_unlock(&b->lock);
}

bool http_budget_take_body(struct http_budget *b, size_t bytes) {
    return http_budget_take_share(b, &(struct http_owner){0}, bytes);
}

void http_budget_give_body(struct http_budget *b, size_t bytes) {
    http_budget_give_share(b, &(struct http_owner){0}, bytes);
}
