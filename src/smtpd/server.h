/* server.h - smtpd.c's server and its shards, as connection.c sees them. A shard is the part of a server that lives on one loop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_SMTPD_SERVER_H
#define POSTHORN_SMTPD_SERVER_H

#include "net/stream.h"
#include "smtpd/own.h"

#include <pthread.h>
#include <stdatomic.h>

#define SMTPD_TOO_BUSY STR("421 4.3.2 Too busy, try again later\r\n")
#define SMTPD_TOO_MANY STR("421 4.7.0 Too many connections from this address\r\n")

struct smtpd_shard {
    struct smtpd *server;
    struct loop *loop;
    struct list connections;
    struct post stop;
    struct timer cut; /* the time to stop is over */
    bool is_stopping, is_sweeping;
};
struct smtpd {
    struct smtpd_options options;
    struct smtpd_service service, stressed; /* the second one while the crowd is (LM18) */
    struct crowd *crowd;
    bool owns_crowd;
    pthread_mutex_t lock; /* of tls */
    struct tls_context *tls;
    struct smtpd_shard *shards;
    size_t shard_count;
    _Atomic int64_t told_at;   /* that some were turned away */
    atomic_size_t shards_left; /* with connections, while stopping */
    struct post stopped;
    int64_t stop_ms;
    void (*stop_done)(void *arg);
    void *stop_arg;
};

/* The certificate of now, with a reference; NULL: none. */
struct tls_context *smtpd_take_tls(struct smtpd *s);
/* A connection of the shard has gone. */
void smtpd_shard_check(struct smtpd_shard *shard);

/* connection.c */
/* Take an accepted descriptor; the crowd has counted it, with is_counted for its address too. */
void connection_start(struct smtpd_shard *shard, int fd, const struct net_address *peer, bool is_counted);
/* Say 421 and close; with a job out, after its answer. */
void connection_stop(struct connection *c);
/* Close now; a job that is out is waited for. */
void connection_cut(struct connection *c);
void connection_free(struct connection *c);

#endif
