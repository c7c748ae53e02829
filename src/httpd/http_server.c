/* http_server.c - servers, their shards, accepting and stopping.
 *
 * A shard is the part of a server that lives on one loop. Stopping visits each shard on its own loop; the last one that has no
 * connection left tells the loop that asked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "httpd/http_conn.h"

#include "net/tls.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct http_limits http_limits_default(void) {
    return (struct http_limits){.head_ms = 10000,
                                .idle_ms = 60000,
                                .body_grace_ms = 10000,
                                .write_ms = 30000,
                                .tls_ms = 10000,
                                .drain_ms = 10000,
                                .min_bytes_per_s = 1024,
                                .body_max_bytes = 40u << 20,
                                .requests_max = 10000};
}

/* Free the connections that `leaves` picks. The shard is looked at once, at the end: until then it must stay. */
static void sweep(struct http_shard *shard, bool (*leaves)(const struct http_conn *c)) {
    shard->sweeping = true;
    LIST_FOR_EACH_SAFE (it, &shard->conns) {
        struct http_conn *c = LIST_OWNER(it, struct http_conn, node);
        if (leaves(c)) http_conn_free(c);
    }
    shard->sweeping = false;
}

static bool is_idle(const struct http_conn *c) {
    return c->state == HTTP_CONN_TLS || (c->state == HTTP_CONN_HEAD && stream_in(c->stream)->n == 0);
}

/* Neither a handler nor a response of known length is under way. */
static bool is_endless(const struct http_conn *c) {
    return c->state <= HTTP_CONN_HEAD || c->state == HTTP_CONN_BODY || c->state == HTTP_CONN_LINGER ||
           c->state == HTTP_CONN_STREAM;
}

static void on_drain_timer(void *arg) {
    struct http_shard *shard = arg;
    shard->drained = true;
    sweep(shard, is_endless);
    LIST_FOR_EACH (it, &shard->conns) {
        struct http_conn *c = LIST_OWNER(it, struct http_conn, node);
        if (c->state == HTTP_CONN_PIECE) http_conn_abandon(c);
    }
    http_shard_check(shard);
}

static void on_stop(struct post *post) {
    struct http_shard *shard = LIST_OWNER(post, struct http_shard, stop);
    sweep(shard, is_idle);
    shard->stopping = true;
    timer_init(&shard->drain, shard->loop, on_drain_timer, shard);
    timer_start(&shard->drain, shard->server->o.limits.drain_ms);
    http_shard_check(shard);
}

static void on_stopped(struct post *post) {
    struct http_server *server = LIST_OWNER(post, struct http_server, stopped);
    server->stop_done(server->stop_arg);
}

void http_shard_check(struct http_shard *shard) {
    struct http_server *server = shard->server;
    if (!shard->stopping || shard->sweeping || !list_is_empty(&shard->conns)) return;
    timer_fini(&shard->drain);
    if (atomic_fetch_sub(&server->shards_left, 1) == 1) loop_post(server->stop_loop, &server->stopped);
}

struct http_server *http_server_new(const struct http_server_options *options) {
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server) abort();
    server->o = *options;
    server->o.loops = NULL;
    server->tls = options->tls;
    if (server->tls) tls_context_ref(server->tls);
    pthread_mutex_init(&server->lock, NULL);
    server->shard_count = options->loop_count;
    server->shards = calloc(options->loop_count, sizeof(*server->shards));
    if (!server->shards) abort();
    for (size_t i = 0; i < options->loop_count; i++) {
        server->shards[i].server = server;
        server->shards[i].loop = options->loops[i];
        list_init(&server->shards[i].conns);
    }
    return server;
}

void http_server_free(struct http_server **server) {
    if (!*server) return;
    tls_context_unref(&(*server)->tls);
    pthread_mutex_destroy(&(*server)->lock);
    free((*server)->shards);
    free(*server);
    *server = NULL;
}

static struct http_shard *find_shard(struct http_server *server, const struct loop *loop) {
    for (size_t i = 0; i < server->shard_count; i++)
        if (server->shards[i].loop == loop) return &server->shards[i];
    return NULL;
}

void http_server_accept(void *arg, struct loop *loop, int fd, const struct net_address *peer) {
    struct http_server *server = arg;
    struct http_shard *shard = find_shard(server, loop);
    bool is_proxy = http_proxy_is(server->o.proxies, peer);
    if (!shard || shard->stopping || !http_budget_take_connection(server->o.budget, peer, is_proxy || peer->family == 1)) {
        close(fd);
        return;
    }
    struct http_conn *c = calloc(1, sizeof(*c));
    if (!c) abort();
    c->shard = shard;
    c->peer = *peer;
    c->is_proxy = is_proxy;
    list_add_tail(&shard->conns, &c->node);
    metrics_add(server->o.metrics, METRIC_HTTP_CONNECTIONS, 1);
    http_conn_start(c, fd);
}

void http_server_set_tls(struct http_server *server, struct tls_context *tls) {
    tls_context_ref(tls);
    pthread_mutex_lock(&server->lock);
    struct tls_context *old = server->tls;
    server->tls = tls;
    pthread_mutex_unlock(&server->lock);
    tls_context_unref(&old);
}

void http_server_stop(struct http_server *server, struct loop *loop, void (*done)(void *arg), void *arg) {
    server->stop_loop = loop;
    server->stop_done = done;
    server->stop_arg = arg;
    server->stopped.fn = on_stopped;
    atomic_store(&server->shards_left, server->shard_count);
    for (size_t i = 0; i < server->shard_count; i++) {
        server->shards[i].stop.fn = on_stop;
        loop_post(server->shards[i].loop, &server->shards[i].stop);
    }
}
