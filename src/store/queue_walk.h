/* queue_walk.h - the queue from end to end, in pieces that never grow with it: what operators pick by filter, what is counted,
 * and what outlives its message's life.
 *
 * A walk follows the index of what waits, or of what is held, from a *place*; each piece looks at so many index entries at most
 * and says where the next one begins. Rows that are tried or moved meanwhile change their place: a walk sees each row that stays
 * where it is once. Filters by address and by reason look rows up; the others read the index alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_QUEUE_WALK_H
#define POSTHORN_STORE_QUEUE_WALK_H

#include "store/queue.h"

#define QUEUE_WALK_LOOK_MAX 5000 /* index entries of one piece */
#define QUEUE_ANY           INT64_C(-1)

/* Behind an entry of the index. Zeroed: before the first. */
struct queue_place {
    struct str domain;
    int64_t account_id, priority, due_at, id;
};
/* Which entries. A zeroed one is made of nothing: begin with queue_filter_all(). */
struct queue_filter {
    const struct str *domains; /* of recipients, sorted; count 0: all */
    size_t domain_count;
    int64_t account_id, domain_id, message_id; /* domain_id: the sender's; QUEUE_ANY */
    int64_t last_message;                      /* messages up to this one */
    int64_t expires_until, due_until;          /* at or before */
    int state;                                 /* SCHEDULED: before its time, QUEUED: the others; -1 both */
    struct str address;                        /* ""; as it is stored */
    struct str reason;                         /* ""; lower case: words that the reason holds */
};
struct queue_filter queue_filter_all(void);

struct queue_walk {
    int64_t node_id;
    bool is_held; /* along what is held, not what waits */
    const struct queue_filter *filter;
    struct queue_place after;
    int64_t now;
    int limit; /* of what is found; at most QUEUE_WALK_LOOK_MAX */
};
struct queue_piece {
    int64_t *ids; /* of queue_pick */
    size_t count;
    struct queue_place place; /* where the next piece begins; in the arena */
    bool is_end;
};
/* The next piece: recipients the filter takes. It may be empty and have a next one. */
WARN_UNUSED enum status queue_pick(struct db *tx, struct arena *a, const struct queue_walk *walk, struct queue_piece *ret);

struct queue_count {
    struct str what; /* a recipient domain, or a reason */
    int64_t count;
};
struct queue_count_list {
    struct queue_count *items;
    size_t count;
};
enum queue_count_by { QUEUE_BY_NOTHING, QUEUE_BY_DOMAIN, QUEUE_BY_REASON };
/* The same piece counted (walk->limit means nothing). *ret_piece: place and is_end. */
WARN_UNUSED enum status queue_count_piece(struct db *tx, struct arena *a, const struct queue_walk *walk, enum queue_count_by by,
                                          struct queue_count_list *ret, struct queue_piece *ret_piece);

#endif
