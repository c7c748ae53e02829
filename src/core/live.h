/* live.h - a question to running deliveries and its answer, both values: what operators are shown and what they order. Deliveries
 * answer on their own thread with copies; nobody else looks into them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_LIVE_H
#define POSTHORN_CORE_LIVE_H

#include "base/arena.h"
#include "core/shape.h"
#include "store/pauses.h"

#define LIVE_SITES_MAX   1000  /* of one answer */
#define LIVE_DOMAINS_MAX 10000 /* of a site, in one answer */
#define LIVE_ROUTES_MAX  100000

enum live_ask {
    LIVE_SITES,   /* name: a site's key or a part of it, or a domain; "": those with something to do, all with is_all */
    LIVE_DOMAINS, /* name: the domains of this site */
    LIVE_ROUTES,  /* domains and, in the same order, of_sites: which of `sites` they belong to; of those name
                    and parked_until */
    LIVE_SOURCES,
    LIVE_WHY,    /* name: a recipient domain: its site, recipient_id: whether that one is in memory or in flight */
    LIVE_PAUSE,  /* kind, name, until, because */
    LIVE_RESUME, /* kind, name: the pause ends, and one message goes first */
};
/* What the operator pauses. Stored numbers: never renumber. */
enum live_pause_kind { LIVE_PAUSE_ALL = 0, LIVE_PAUSE_SITE = 1, LIVE_PAUSE_SOURCE = 2 };

/* A site's share of one source: a connector. */
struct live_connector {
    struct str source;
    size_t connections;
    struct shape_view view; /* its strings too are copies */
};
struct live_site {
    struct str name;
    size_t domains; /* known just now */
    size_t waiting; /* recipients in memory, in flight included */
    size_t in_flight;
    size_t connections;
    int64_t last_minute;                  /* messages begun, all connectors */
    int64_t delivered, deferred, bounced; /* since the site is known */
    int64_t parked_until;                 /* wall; 0 not parked, SHAPE_NO_END until resumed */
    struct str because;                   /* why it is parked, or limited */
    struct str last_reply;
    int64_t last_reply_at;
    const struct live_connector *connectors;
    size_t connector_count;
};
struct live_warmup {
    struct str provider;
    int64_t sent, ceiling; /* today */
};
struct live_source {
    struct str name, address, pools, hostname;
    unsigned weight;
    size_t connections;
    size_t paused_sites;
    int64_t paused_until; /* by the operator; 0: not */
    struct str because;
    const struct live_warmup *warmups;
    size_t warmup_count;
};
/* Of one recipient in memory. */
enum live_place { LIVE_ON_DISK, LIVE_IN_WINDOW, LIVE_IN_FLIGHT };

struct live_question {
    enum live_ask what;
    struct str name; /* must live until done */
    bool is_all;
    bool ends_pause; /* DOMAINS: and what deliveries paused there themselves ends, with one message first */
    int64_t recipient_id;
    enum live_pause_kind kind;
    int64_t until; /* wall, or SHAPE_NO_END */
    struct str because;
    /* Any thread but the asker's, once: the answer stands. The asker frees the arena. */
    void (*done)(struct live_question *question);

    struct arena arena; /* of the answer */
    bool is_found;
    bool is_more; /* than fit */
    struct live_site *sites;
    size_t site_count;
    struct live_source *sources;
    size_t source_count;
    struct str *domains; /* sorted */
    size_t domain_count;
    size_t *of_sites;
    enum live_place place;
    int64_t paused_until; /* all deliveries, by the operator; 0: not */
    struct str paused_because;
};

#endif
