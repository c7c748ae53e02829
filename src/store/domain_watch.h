/* domain_watch.h - sender domains between two looks at them: when their records are due again, since when one is wrong, and how
 * much of their mail went badly.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_DOMAIN_WATCH_H
#define POSTHORN_STORE_DOMAIN_WATCH_H

#include "store/domains.h"

/* When to look again (0: never), since when a record is wrong (0: none is). NOT_FOUND: the domain has gone. */
WARN_UNUSED enum status domain_set_watch(struct db *tx, int64_t id, int64_t check_at, int64_t failing_at);
/* Due at `now`, longest first; by check_at. */
WARN_UNUSED enum status domain_list_due(struct db *tx, struct arena *a, int64_t now, int limit, struct domain_list *ret);
/* Those with a wrong record, longest first. */
WARN_UNUSED enum status domain_list_failing(struct db *tx, struct arena *a, int limit, struct domain_list *ret);
/* Somebody's decision about the state, which no verification makes; ENABLED is forced. NOT_FOUND: the domain has gone. */
struct domain_decision {
    enum domain_state state;
    struct str because;
    int64_t at;
};
WARN_UNUSED enum status domain_decide_state(struct db *tx, int64_t id, const struct domain_decision *decision);

/* A domain's mail that went badly in a time. */
struct domain_trouble {
    int64_t domain_id;
    int64_t bounced;    /* hard, by the recipient's fault: what tells of a bad list, not of our address's standing */
    int64_t complained; /* recipients, each once */
};
struct domain_trouble_list {
    struct domain_trouble *items;
    size_t count;
};
/* Domains of whose mail some went badly after from_at, and after their state was last decided; worst first. Reads events of that
 * kind alone, at most the newest DOMAIN_TROUBLE_EVENTS_MAX. */
#define DOMAIN_TROUBLE_EVENTS_MAX 200000
WARN_UNUSED enum status domain_list_trouble(struct db *tx, struct arena *a, int64_t from_at, int limit,
                                            struct domain_trouble_list *ret);
/* How many of a domain's recipients were reached after from_at; counting stops at `max`. Reads index entries only. */
WARN_UNUSED enum status domain_count_delivered(struct db *tx, int64_t domain_id, int64_t from_at, int64_t max, int64_t *ret);

#endif
