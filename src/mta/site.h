/* site.h - where mail goes, from which of our addresses, and what may go together.
 *
 * A site is where mail goes (all domains with one MX set, or a relay); a connector is a site from one of our addresses, with what
 * it may take just now (core/shape.h). A lot is what may share connections: attempts of one pool of sources with the same demands
 * of TLS.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_SITE_H
#define POSTHORN_MTA_SITE_H

#include "core/schedule.h"
#include "core/tls_policy.h"
#include "mta/attempt.h"
#include "mta/mta.h"

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
    int64_t parked_mono;       /* monotonic: when that ends, whatever the wall clock does */
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
/* One more was put off by its verdict; many, and it is parked for a while. */
void site_doubt(struct site *s);
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
    size_t budget_count;                /* connections that hold a message's warm-up budget */
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
/* Whether one from the lot's pool holds warm-up budget that may come back; the site gets a turn then. */
bool connector_is_budget_out(struct lot *l);
/* Whether another lot, which is kept out, needs its place: it is not good for that mail, and none is leaving. */
bool connector_is_wanted(const struct connector *n, const struct connection *c);
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
    bool is_kept_out; /* it has no connection, and others have all there may be */
};
/* The lot of attempts with that pool and demand, made if new; the demand is copied. */
struct lot *lot_get(struct site *s, const struct source_pool *pool, const struct tls_demand *demand);
/* Goes when nothing uses it any more. */
void lot_release(struct lot *l);
/* The next for a connection of the lot: of one that is kept out, if it is good for it, else its own, else another's. */
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
/* Close an idle one of this connector whose lot has no mail, for another lot's sake; false: there is none. */
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
