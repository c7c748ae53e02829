/* own.h - what mta's files share: the objects of an outgoing message and who owns them.
 *
 *   mta 1--n domain_route n--1 site 1--n connector 1--n connection 1--1 session
 *                               site 1--n lot 1--n attempt n--1 letter
 *
 * Sites, connectors, lots and connections are told in site.h, attempts and letters in attempt.h. All live on mta's loop; between
 * submit and done the job's struct belongs to the executor, so its owner is kept until done.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_OWN_H
#define POSTHORN_MTA_OWN_H

#include "base/map.h"
#include "core/live.h"
#include "core/schedule.h"
#include "core/sts_cache.h"
#include "core/tls_policy.h"
#include "mta/attempt.h"
#include "mta/ledger.h"
#include "mta/mta.h"
#include "mta/pauses.h"
#include "mta/site.h"
#include "mta/tls_results.h"

#define MTA_ATTEMPTS_MAX 2000 /* entries in flight, settling included: what a slow writer can hold up */

struct mta {
    struct mta_options options; /* defaults filled in */
    struct buf hostname;
    struct seal_key return_path_key;
    struct render_track_setup track;
    struct node_epoch owner;
    struct source_table *own_sources; /* when none were given */
    struct bounce_book *own_bounces;  /* likewise */
    struct source_use *sources;
    struct providers *providers;
    struct mta_ledger *ledger;
    struct tls_results *tls_results;
    struct schedule *schedule;
    struct map *domains;                     /* by name: struct domain_route */
    struct list known;                       /* those with an answer */
    struct list publishing;                  /* of them, those that publish something about TLS */
    struct map *sites;                       /* by key: struct site */
    struct map *letters;                     /* by message id and variant: struct letter */
    struct map *lots;                        /* by site, pool and demand: struct lot */
    struct list attempts, connections, idle; /* all of them; idle: connections, longest first */
    struct list dirty;                       /* sites with something to do */
    struct list starved, blocked;            /* sites that wait for room: with nothing under way, with something */
    struct list kept;                        /* sites that nobody uses, kept for what is known of them */
    struct list holds;                       /* what must not begin just now */
    struct map *pauses;                      /* the operator's (pauses.c) */
    int64_t paused_until;                    /* all deliveries, wall; 0: not */
    size_t attempt_count, connection_count, idle_count, job_count, routing_count, fetch_count, letter_bytes, kept_count,
        published_bytes;
    size_t gauge; /* METRIC_WAITING_IN_MEMORY as told last */
    struct expiry *expiry;
    struct timer begin, turn, due, sweep, stop;
    bool is_running, is_stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* ---- mta.c ---- */
/* Run mta's next turn soon: sites are dirty or the schedule changed. */
void mta_wake(struct mta *m);
/* Submit, counted for the stop. */
WARN_UNUSED enum status mta_submit(struct mta *m, struct executor *e, struct job *job);
/* First thing in every done. */
void mta_job_done(struct mta *m);
/* Something that a stop waits for is gone, or a bound has room again. */
void mta_released(struct mta *m);
/* Whether somebody who holds `own` of `max` places, `used` of them taken by all, may have one more. Of what is left each may
 * have a part only, so that something stays for those who have nothing yet, however many others are slow (P6, P8). */
bool mta_may_grow(size_t own, size_t used, size_t max);
int64_t mta_now(const struct mta *m);      /* wall */
int64_t mta_now_mono(const struct mta *m); /* monotonic */
struct shape_time mta_time(const struct mta *m);
/* For one job that settles; entries are made in the arena. */
struct dsn_desk mta_desk(struct mta *m, struct arena *arena);

/* ---- expiry.c ---- */
/* Now and then fail what waits though its life is over. Stopped once; a job may be out until mta's jobs are done. */
struct expiry *expiry_new(struct mta *m);
void expiry_start(struct expiry *e);
void expiry_stop(struct expiry *e);
void expiry_free(struct expiry **e);

/* ---- router.c: domain -> site ---- */
struct site;
/* Route domains that have entries and no site, as many at once as is wise. */
void router_turn(struct mta *m);
/* The site that the domain is routed to; NULL: none just now. */
struct site *router_site(const struct mta *m, struct str domain);
/* Forget routes older than their TTL. */
void router_sweep(struct mta *m);
/* The site of a relay that its senders chose, whoever they write to; NULL: it is being asked for. */
struct site *router_relay(struct mta *m, const struct relay *relay);
void router_free(struct mta *m);
/* What a domain of the site publishes about TLS, sealed; valid until the next turn. NULL: its route has expired or leads
 * elsewhere by now, so nothing is known, and its mail must not go this way. */
const struct tls_published *router_published(const struct site *s, struct str domain);

/* ---- sts.c: the MTA-STS policy of a domain ---- */
struct sts_search;
/* entry (NULL: there is no policy) is valid during the call. trouble: why a policy that is announced could not be had. */
typedef void (*sts_done_fn)(void *arg, const struct sts_entry *entry, enum tls_result trouble);
/* Find the policy for a domain with that record (or none). *slot names the search while it is under way; done may come from
 * inside the call. */
void sts_search_start(struct sts_search **slot, struct mta *m, const struct tls_published *published, sts_done_fn done,
                      void *arg);
/* No done will come. NULL inside is fine. */
void sts_search_cancel(struct sts_search **slot);

/* ---- warmup.c ---- */
/* Take up what warming sources sent today, then call `done`, once. */
void warmup_load(struct mta *m, void (*done)(struct mta *m));

#endif
