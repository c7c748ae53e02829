/* town.h - a world of many sites, each with a script of its own, and mail to them from morning to night.
 *
 * Everything a site does comes from its script, its memory and the world's chance, so the same seed gives the same run; `trace`
 * is a hash over every line that any site heard and when. A site also keeps watch over its own limits: what it saw is what the
 * sender did, whatever the sender believes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TESTS_MTA_TOWN_H
#define POSTHORN_TESTS_MTA_TOWN_H

#include "base/map.h"
#include "world.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

enum site_kind {
    SITE_GOOD,
    SITE_GREY,        /* 451 until `grey_ms` after it first saw the recipient */
    SITE_CONNECTIONS, /* 421 beyond `most` connections */
    SITE_RATE,        /* 450 beyond `most` messages within a minute */
    SITE_DOWN,        /* refuses connections from..until */
    SITE_SILENT,      /* packets vanish from..until */
    SITE_BLOCK,       /* blocks our address from..until */
    SITE_TARPIT,      /* four minutes for each answer */
    SITE_MOODY,       /* 4xx by chance, 421 and lost connections among them */
    SITE_PICKY,       /* 550 for recipients that are gone */
    SITE_PROVIDER,    /* a provider with a row: `most` connections with `most_messages` each, and not one more */
    SITE_DNS_DEAD,    /* its name servers fail from..until */
    SITE_NO_DOMAIN,   /* NXDOMAIN */
    SITE_KINDS
};
struct town_site {
    struct town *town;
    enum site_kind kind;
    size_t number;
    char domain[48], mx[64], address[64]; /* its host's name and address with port */
    struct sim_server *server;
    unsigned most, most_messages;
    int64_t grey_ms, from_at, until_at; /* monotonic of the world */
    struct map *first_seen;             /* greylisting: by RCPT line */
    int64_t *minute;                    /* times of the last `most` messages, a ring */
    size_t minute_next;
    /* What it saw. */
    size_t sent;                      /* messages to it */
    size_t open, open_peak, connects; /* connections */
    size_t taken, carried_peak;       /* messages it took; on one connection */
    uint16_t *carried;                /* by number of connection */
    size_t carried_room;
    size_t asked, turned_away;           /* tries that its limit judged */
    size_t asked_late, turned_away_late; /* in the second half of the traffic */
    size_t retried_while_blocked;
};
struct town {
    struct world *w;
    struct town_site *sites;
    size_t count;
    uint64_t trace, chance;
    size_t posted; /* recipients are numbered by it */
    int64_t begun_at;
    int64_t traffic_ms;
};
/* `count` sites of all kinds, made from the seed. Before world_start. */
struct town *town_new(struct world *w, size_t count, uint64_t seed);
/* All of one kind; from_at and until_at are the caller's. */
struct town *town_of(struct world *w, size_t count, enum site_kind kind, uint64_t seed);
/* After world_free. */
void town_free(struct town **t);
/* A number below n, of the town's own chance. */
uint64_t town_chance(struct town *t, uint64_t n);
/* Mail about 2 * `count` messages within `ms` while the world runs on: half of them spread over time and sites, half in rushes to
 * one site each, all bulk; and beside them one-time codes ("code..."), transactional, to good sites. */
void town_mail(struct town *t, size_t count, int64_t ms);
/* `count` messages to the site at once. */
void town_rush(struct town *t, struct town_site *s, size_t count, const char *who, int priority);
/* Make what the sites' windows say of this moment true. */
void town_weather(struct town *t);
/* Let it go on until nobody waits any more, or `ms` are over. */
void town_wait(struct town *t, int64_t ms);
const char *site_kind_text(enum site_kind kind);

#endif
