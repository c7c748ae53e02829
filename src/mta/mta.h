/* mta.h - SMTP out: from an entry of the queue to a settled recipient.
 *
 *   schedule (core) -- domains without a site --> route (inquiry over DNS) --> site: hosts of one MX set
 *   site: entry -> attempt: loaded on a reader, its letter signed on a signer, once for all its recipients -> lot
 *   lot (same pool of sources, same demands of TLS) -> connection of a connector (site x source: limits, pauses, warm-up)
 *         -> session (one transaction a recipient) -> settle (a job on the writer) -> the scheduler forgets the entry
 *
 * All of it lives on one loop; only bytes on disk count, so it may be killed at any instant (P1, P2).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_MTA_H
#define POSTHORN_MTA_MTA_H

#include "base/metrics.h"
#include "core/live.h"
#include "core/provider.h"
#include "core/queue.h"
#include "core/relay.h"
#include "core/render_track.h"
#include "core/retry.h"
#include "core/route.h"
#include "core/source_use.h"
#include "crypto/seal.h"
#include "net/executor.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/tls.h"

struct http_client;
struct mta;
enum mta_transcripts { TRANSCRIPTS_FAILURES, TRANSCRIPTS_ALL, TRANSCRIPTS_NONE }; /* of which attempts the dialogue is kept */
struct mta_options {
    struct loop *loop;
    struct executor *writer, *readers, *signers; /* contexts: struct db *, struct db *, struct signer * (core/sign.h) */
    struct resolver *resolver;
    struct tls_context *tls;  /* client; NULL: never STARTTLS */
    struct http_client *http; /* fetches MTA-STS policies; must outlive mta; NULL: there are none */
    uint16_t sts_port;        /* of their servers; 0: https's own */
    struct metrics *metrics;  /* may be NULL */
    const struct rand *rand;
    struct str hostname;                    /* EHLO; copied */
    const struct seal_key *return_path_key; /* copied */
    const struct render_track_setup
        *track; /* copied, return_path is filled in; its keys and text outlive mta; NULL: no tracking */
    struct retry_schedule retry;
    struct route_options
        route; /* hostname, rand, use_ipv6 and asks_sts are filled in, a smarthost is a relay; `own` must outlive mta */
    const struct net_address *sandbox;  /* the built-in inbox: where every message goes; NULL: live */
    const struct source_table *sources; /* outlives mta; NULL: the kernel's choice of address */
    const struct relay_table *relays;   /* outlives mta; NULL: none */
    struct providers *providers;        /* NULL: those compiled in */
    struct bounce_book *bounces;        /* outlives mta; NULL: the built-in rules */
    bool tells_delays;                  /* core/dsn.h */
    enum mta_transcripts transcripts;
    const struct pause_list *pauses; /* what the operator has paused; copied; NULL: nothing */
    int64_t node_id, epoch;          /* whose rows these are */
    /* 0 in any of these: the default. */
    size_t connections_max;         /* of all sites; 500 */
    size_t site_connections_max;    /* where no provider's row says otherwise; SHAPE_DEFAULT's */
    size_t connection_messages_max; /* likewise */
    size_t letters_max_bytes;       /* messages in memory; 128 MiB */
    size_t published_bytes_max;     /* of what domains publish about TLS; 256 MiB */
    size_t window_max;              /* entries in the scheduler; core/schedule.h's default */
};
/* Nothing is read or sent before mta_start. */
struct mta *mta_new(const struct mta_options *options);
/* On the loop, or before it runs: load the queue and deliver. */
void mta_start(struct mta *m);
/* Any thread: rows that were read anew; takes the reference. */
void mta_set_providers(struct mta *m, struct providers *providers);
/* Any thread: entries that were just committed; copied. */
void mta_offer(struct mta *m, const struct queue_entry *entries, size_t count);
/* Any thread: nothing that `what` covers begins from held->done on, called on mta's loop, until mta_release; what had begun is
 * named there. `held` must live until then. */
struct mta_hold;
struct mta_hold *mta_hold(struct mta *m, const struct queue_hold *what, struct queue_held *held);
/* The thread of mta_hold: after held->done and before mta_free, once. What was held and still waits is read from disk anew. */
void mta_release(struct mta_hold *h);
/* Any thread: ask; question->done comes on mta's loop, and question must live until then. Not after mta_stop's done. */
void mta_ask(struct mta *m, struct live_question *question);
/* On the loop. No new transactions; those under way may end within ms_max, then `done` is called there, once. Entries in flight
 * stay on disk as they are. */
void mta_stop(struct mta *m, int64_t ms_max, void (*done)(void *arg), void *arg);
/* After mta_stop's done, while the loop and the executors still exist. */
void mta_free(struct mta **m);

#endif
