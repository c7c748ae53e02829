/* smtpd.c - a server: shards on its loops, who may come in, and how it ends.
 *
 * Stopping visits each shard on its own loop; the last one that has no connection left tells the loop that asked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/smtpd.h"

#include "base/log.h"
#include "smtpd/server.h"

#include <stdlib.h>

#define INBOX_CONNECTIONS_MAX   1000
#define INBOX_CONTENT_MAX_BYTES ((size_t)512 << 20)
#define STRESSED_ERRORS_MAX     1
#define TELL_EACH_MS            60000 /* in a flood one line is enough */

/* ---- coming in ---- */
static struct smtpd_shard *get_shard(struct smtpd *s, const struct loop *loop) {
    for (size_t i = 0; i < s->shard_count; i++)
        if (s->shards[i].loop == loop) return &s->shards[i];
    abort();
}

static void tell_turned_away(struct smtpd *s, struct loop *loop, const struct ip *client, const char *why) {
    int64_t now = clock_mono_ms(loop_clock(loop)), told_at = atomic_load(&s->told_at);
    metrics_add(s->options.shared->metrics, METRIC_SMTP_IN_REFUSED, 1);
    if (told_at && now - told_at < TELL_EACH_MS) return;
    if (!atomic_compare_exchange_strong(&s->told_at, &told_at, now)) return;
    BUF_AUTO text = {0};
    ip_format(&text, client);
    LOG(LOG_WARN, "smtpd.turned_away", LOG_STR("client", buf_str(&text)), LOG_Z("service", s->service.name), LOG_Z("why", why));
}

static void turn_away(struct smtpd *s, struct loop *loop, int fd, struct str words) {
    stream_turn_away(loop, fd, s->options.is_tls_first ? STR("") : words);
}

/* A hop's own address is nobody's share: it speaks for many. */
static bool is_hop(const struct smtpd_shared *shared, const struct ip *ip) {
    return network_list_has(shared->proxies, ip) || network_list_has(shared->xclients, ip);
}

void smtpd_accept(void *server, struct loop *loop, int fd, const struct net_address *peer) {
    struct smtpd *s = server;
    struct smtpd_shard *shard = get_shard(s, loop);
    struct ip client = ip_make(peer->family, peer->ip);
    bool is_counted = !is_hop(s->options.shared, &client);
    if (shard->is_stopping || !crowd_enter(s->crowd)) {
        if (!shard->is_stopping) tell_turned_away(s, loop, &client, "too many connections");
        return turn_away(s, loop, fd, SMTPD_TOO_BUSY);
    }
    if (is_counted && !crowd_take_address(s->crowd, &client)) {
        crowd_leave(s->crowd);
        tell_turned_away(s, loop, &client, "too many connections from this address");
        return turn_away(s, loop, fd, SMTPD_TOO_MANY);
    }
    connection_start(shard, fd, peer, is_counted);
}

/* ---- certificates ---- */
struct tls_context *smtpd_take_tls(struct smtpd *s) {
    pthread_mutex_lock(&s->lock);
    struct tls_context *tls = s->tls;
    if (tls) tls_context_ref(tls);
    pthread_mutex_unlock(&s->lock);
    return tls;
}

void smtpd_set_tls(struct smtpd *s, struct tls_context *tls) {
    tls_context_ref(tls);
    pthread_mutex_lock(&s->lock);
    struct tls_context *old = s->tls;
    s->tls = tls;
    pthread_mutex_unlock(&s->lock);
    tls_context_unref(&old);
}

/* ---- the end ---- */
static void sweep(struct smtpd_shard *shard, void (*end)(struct connection *c)) {
    shard->is_sweeping = true;
    LIST_FOR_EACH_SAFE (it, &shard->connections) end(LIST_OWNER(it, struct connection, node));
    shard->is_sweeping = false;
    smtpd_shard_check(shard);
}

void smtpd_shard_check(struct smtpd_shard *shard) {
    struct smtpd *s = shard->server;
    if (!shard->is_stopping || shard->is_sweeping || !list_is_empty(&shard->connections)) return;
    timer_fini(&shard->cut);
    if (atomic_fetch_sub(&s->shards_left, 1) == 1) loop_post(s->shards[0].loop, &s->stopped);
}

static void on_cut(void *arg) {
    sweep(arg, connection_cut);
}

static void on_stop(struct post *post) {
    struct smtpd_shard *shard = LIST_OWNER(post, struct smtpd_shard, stop);
    shard->is_stopping = true;
    timer_init(&shard->cut, shard->loop, on_cut, shard);
    timer_start(&shard->cut, shard->server->stop_ms);
    sweep(shard, connection_stop);
}

static void on_stopped(struct post *post) {
    struct smtpd *s = LIST_OWNER(post, struct smtpd, stopped);
    s->stop_done(s->stop_arg);
}

void smtpd_stop(struct smtpd *s, int64_t ms_max, void (*done)(void *arg), void *arg) {
    s->stop_ms = ms_max;
    s->stop_done = done;
    s->stop_arg = arg;
    s->stopped.fn = on_stopped;
    atomic_store(&s->shards_left, s->shard_count);
    for (size_t i = 0; i < s->shard_count; i++) {
        s->shards[i].stop.fn = on_stop;
        loop_post(s->shards[i].loop, &s->shards[i].stop);
    }
}

/* ---- life ---- */
static struct crowd *inbox_crowd(void) {
    return crowd_new(&(struct crowd_bounds){INBOX_CONNECTIONS_MAX, SIZE_MAX, INBOX_CONTENT_MAX_BYTES});
}

struct smtpd *smtpd_new(const struct smtpd_options *options) {
    struct smtpd *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->options = *options;
    s->service = service_make(options->kind, &options->bounds);
    s->service.has_auth_in_clear = options->has_auth_in_clear;
    s->stressed = s->service;
    s->stressed.errors_max = STRESSED_ERRORS_MAX;
    s->owns_crowd = !options->crowd;
    s->crowd = s->owns_crowd ? inbox_crowd() : options->crowd;
    pthread_mutex_init(&s->lock, NULL);
    s->shard_count = options->loop_count;
    s->shards = calloc(s->shard_count, sizeof *s->shards);
    if (!s->shards) abort();
    for (size_t i = 0; i < s->shard_count; i++) {
        s->shards[i] = (struct smtpd_shard){.server = s, .loop = options->loops[i]};
        list_init(&s->shards[i].connections);
    }
    return s;
}

const char *smtpd_name(const struct smtpd *s) {
    return s->service.name;
}

void smtpd_free(struct smtpd **server) {
    struct smtpd *s = *server;
    if (!s) return;
    *server = NULL;
    for (size_t i = 0; i < s->shard_count; i++) {
        s->shards[i].is_sweeping = true; /* nobody is told any more */
        LIST_FOR_EACH_SAFE (it, &s->shards[i].connections) connection_free(LIST_OWNER(it, struct connection, node));
    }
    if (s->owns_crowd) crowd_free(&s->crowd);
    tls_context_unref(&s->tls);
    pthread_mutex_destroy(&s->lock);
    free(s->shards);
    free(s);
}
