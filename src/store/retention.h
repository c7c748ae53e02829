/* retention.h - what has been kept long enough: the oldest rows of each owner, by index, and their removal. How long that is, and
 * how much at once, is core/keeping.h's.
 *
 * Numbers (roll-ups) stay for ever. A row that something still leans on is `is_needed`: it is passed by, and found again by the
 * next walk.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_RETENTION_H
#define POSTHORN_STORE_RETENTION_H

#include "base/arena.h"
#include "base/status.h"

#include <stdint.h>

struct db;

/* In the order in which a walk takes them: a message goes after its events. */
enum retained {
    RETAINED_BODIES,     /* needed while one of the recipients waits or is held */
    RETAINED_INBOX,      /* what the sandbox received is content as well */
    RETAINED_EVENTS,     /* each by its own time */
    RETAINED_MESSAGES,   /* with recipients and dialogues; needed while there are events of it, or one waits */
    RETAINED_LIST_SENDS, /* and what they were asked to send; needed until they have ended */
    RETAINED_COUNT
};
/* "bodies" ..., static. */
const char *retained_text(enum retained what);

/* Days; 0: as the configuration says. NOT_FOUND: no such account. */
struct retention {
    int64_t body_days, event_days;
};
WARN_UNUSED enum status retention_get(struct db *tx, int64_t account_id, struct retention *ret);
WARN_UNUSED enum status retention_set(struct db *tx, int64_t account_id, const struct retention *retention);

/* The next one who has rows of that kind: an account, or (inbox, events) a sender domain and whose it is. NOT_FOUND: that was
 * the last. Begin with after = INT64_MIN. */
struct retained_owner {
    int64_t id, account_id;
};
WARN_UNUSED enum status retained_owner_next(struct db *tx, enum retained what, int64_t after, struct retained_owner *ret);

struct retained_item {
    int64_t id, at;
    int64_t bytes;  /* of content, as stored; of bodies and messages known when looked at */
    int64_t weight; /* rows that looking and removing touch */
    bool is_needed;
};
struct retained_list {
    struct retained_item *items;
    size_t count;
};
/* Behind an item. Zeroed: before the first. */
struct retained_place {
    int64_t at, id;
};
/* A page of an owner's. */
struct retained_query {
    int64_t owner_id;
    struct retained_place after;
    int64_t before_at;
    int limit;
};
/* Oldest first; those of before_at or later are left out where an index says so, bodies and events, the others come as they are.
 * is_needed is not filled in (retained_look). */
WARN_UNUSED enum status retained_page(struct db *tx, struct arena *a, enum retained what, const struct retained_query *query,
                                      struct retained_list *ret);
/* Fill in is_needed, weight, and what goes of content. */
WARN_UNUSED enum status retained_look(struct db *tx, enum retained what, struct retained_item *item);
/* Gone already is as good. */
WARN_UNUSED enum status retained_remove(struct db *tx, enum retained what, int64_t owner_id, const struct retained_item *item);

#endif
