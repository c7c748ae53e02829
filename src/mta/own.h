/* own.h - what mta's files share: the objects of an outgoing message and who owns them.
 *
 *   mta 1--n domain_route n--1 site 1--n connector 1--n connection 1--1 session
 *                               site 1--n lot 1--n attempt n--1 letter
 *
 * A site is where mail goes (all domains with one MX set, or a relay); a connector is a site from one of our addresses, with
 * what it may take just now (core/shape.h). A lot is what may share connections: attempts of one pool of sources with the same
 * demands of TLS. An attempt is in one place: loading, waiting for its letter, in lot->ready, on a connection, or settling. All
 * live on mta's loop; between submit and done the job's struct belongs to the executor, so its owner is kept until done.
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
#include "mta/tls_results.h"

#define MTA_ATTEMPTS_MAX                                                                                                         \
    2000 /* entries in flight, settling included: what a slow writer can hold up                                                 \
          */

struct mta {
    struct mta_options options; /* defaults filled in */
    struct buf hostname;
    struct seal_key return_path_key;
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
    struct map *sites;                       /* by key: struct site */
    struct map *letters;                     /* by message id and variant: struct letter */
    struct map *lots;                        /* by site, pool and demand: struct lot */
    struct list attempts, connections, idle; /* all of them; idle: connections, longest first */
    struct list dirty;                       /* sites with something to do */
    struct list starved, blocked;            /* sites that wait for room: with nothing under
                                                way, with something */
    struct list kept;                        /* sites that nobody uses, kept for what is known of them */
    struct list holds;                       /* what must not begin just now */
    struct map *pauses;                      /* the operator's (pauses.c) */
    int64_t paused_until;                    /* all deliveries, wall; 0: not */
    size_t attempt_count, connection_count, idle_count, job_count, routing_count, fetch_count, letter_bytes, kept_count;
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

/* ---- site.c ---- */
#define SITE_TARGETS_MAX (ROUTE_HOSTS_MAX * ROUTE_ADDRESSES_MAX)
struct target {
    struct str host;
    struct route_address ip;
    int64_t bad_until; /* monotonic: others are tried first */
};
struct site {
    struct mta *mta;
    struct schedule_site schedule;
    struct list node;   /* in mta's dirty, starved, blocked or kept, or in none */
    struct arena arena; /* of the verdict */
    struct buf key_bytes;
    struct str key;
    struct target *targets; /* none: a verdict */
    size_t target_count;
    uint16_t port;
    unsigned families;    /* SOURCE_OF_IPV4, SOURCE_OF_IPV6: of its targets */
    struct route verdict; /* without hosts */
    const struct relay *relay;
    struct buf provider; /* its row's name; "" when none fits */
    bool requires_tls;   /* its row says so */
    struct list connectors, lots;
    size_t preparing_count, attempt_count, domain_count, connection_count;
    size_t doubtful_count; /* put off by a temporary verdict since it was made */
    struct timer again;    /* a rate lets the next message go */
    int64_t look_at;       /* monotonic: when `again` fires */
    bool is_kept;
    struct buf parked_because; /* what is told while the schedule has it parked */
    int64_t operator_until;    /* wall: the operator's pause of it; 0: none */
    int64_t ended[DELIVERY_OUTCOME_COUNT];
    struct buf last_reply; /* of what was not delivered */
    int64_t last_reply_at;
};
/* The site of a route, made if new; its addresses become the route's. Takes a reference for the domain. */
struct site *site_find(struct mta *m, struct str domain, const struct route *route);
void site_unref_domain(struct site *s);
/* Look at it in the next turn. */
void site_touch(struct site *s);
/* Look at it again in `ms`, or before. */
void site_look_in(struct site *s, int64_t ms);
void site_turn(struct site *s);
/* Goes when nothing uses it any more, and nothing worth keeping is known of it.
 * */
void site_release(struct site *s);
/* Nothing can be sent there before `until` (wall), because ...: what waits goes back to disk, and is not looked at meanwhile. */
void site_park(struct site *s, int64_t until, struct str because);
/* It works after all. */
void site_unpark(struct site *s);
bool site_is_parked(const struct site *s);
/* The site's row has changed: its connectors are told. */
void site_set_provider(struct site *s);
/* Parks are told by the wall clock, pauses end by the monotonic one: set right what a jump put apart. Forgets sites that were
 * kept long enough. */
void site_sweep(struct mta *m);
void site_free_all(struct mta *m);
/* The best target of these families not tried yet, those that failed lately last; NULL: none is left. Valid until the next turn
 * of the loop. */
struct target *site_pick(struct site *s, unsigned families, const bool tried[SITE_TARGETS_MAX]);
void site_address(const struct site *s, const struct target *t, struct net_address *ret);
void site_mark_bad(struct site *s, const struct net_address *address);

/* ---- connector.c ---- */
struct connector { /* a site from one source */
    struct list node;
    struct site *site;
    const struct source *source;
    struct shape shape;
    size_t connection_count;
    size_t coming_count, serving_count; /* connections not greeted yet; greeted
                                           and not at their end */
};
/* Made if new. */
struct connector *connector_get(struct site *s, const struct source *source);
/* Who of the lot's pool may open one more connection now. *ret NULL: nobody, and `choice` says why and until when; its obstacle
 * SOURCE_FREE: somebody may send, but has all the connections that are good for him. */
struct lot;
struct source_choice connector_choose(struct lot *l, struct connector **ret);
/* "block of 192.0.2.1: ...": why the lot's pool may not send; for people. */
void connector_why(struct buf *out, struct lot *l, const struct source_choice *choice);
/* How many messages the site's connectors take at a time, ramps and all; at least 1. */
size_t connector_capacity(struct site *s);
/* Whether every one of the site's connectors is paused because no host answers, and until when the first of them is (wall). */
bool connector_all_unreachable(struct site *s, int64_t *ret_until, struct str *ret_because);
/* Whether any of them has a connection that is coming or can be used. */
bool connector_is_any_at_work(struct site *s);
/* Whether nothing of it is worth keeping. */
bool connector_all_plain(struct site *s);
void connector_free_all(struct site *s);
/* What a message or a greeting came to. finding: of the reply. */
void connector_refused(struct connector *n, const struct shape_reply *reply);
/* Its source's address turned out not to be on this machine (OB33), or to be there. */
void connector_missing(struct connector *n, struct str why);
void connector_bound(struct connector *n);

/* ---- lot.c ---- */
struct lot {
    struct list node; /* site->lots */
    struct site *site;
    struct arena arena;
    struct str key; /* in mta->lots */
    const struct source_pool *pool;
    struct tls_demand demand;
    struct list ready; /* attempts that wait for a connection */
    struct list idle;  /* connections */
    size_t ready_count, attempt_count, connection_count, coming_count, serving_count;
};
/* The lot of attempts with that pool and demand, made if new; the demand is copied. */
struct lot *lot_get(struct site *s, const struct source_pool *pool, const struct tls_demand *demand);
/* Goes when nothing uses it any more. */
void lot_release(struct lot *l);
/* The next for a connection of the lot: its own, else another lot's that the connection is good for. */
struct connection;
struct attempt *lot_pop(struct connection *c);
void lot_push(struct lot *l, struct attempt *a, bool in_front);
/* Resume idle connections and open new ones for what is ready. False: what waits needs a connection that others hold. */
bool lot_turn(struct lot *l);
/* A connection got nowhere: what waits and has no other way is put off. is_unfit: hosts answer, but not as the lot demands, and
 * would answer others of our addresses the same. */
void lot_unreachable(struct lot *l, const struct ending *ending, bool is_unfit);

/* ---- connection.c ---- */
void connection_open(struct lot *l, struct connector *n);
/* An idle one goes on with what is ready. */
void connection_resume(struct connection *c);
struct connection *connection_from_idle(struct list *node); /* of lot->idle */
struct lot *connection_lot(const struct connection *c);
/* Whether the lot's mail may go over this connection, greeted for another one.
 * */
bool connection_is_fit(const struct connection *c, const struct lot *l);
/* Close an idle one of this connector, for another lot's sake; false: there is none. */
bool connection_close_idle(struct connector *n);
/* Close the longest idle one, for another site's sake; false: there is none. */
bool connection_close_idlest(struct mta *m);
void connection_stop_all(struct mta *m); /* idle and greeting ones go, others
                                            may end their transaction */
void connection_free_all(struct mta *m);
/* What was said on it; valid until more is. */
struct str connection_transcript(const struct connection *c);
/* Fill the report's fields that describe the connection; strings in the arena.
 * */
void connection_report(const struct connection *c, struct arena *arena, struct delivery_report *ret);

#endif
