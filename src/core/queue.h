/* queue.h - the queue as operators see it, and what readers and the writer run for the scheduler.
 *
 * All of it blocks, works in the transaction it is given, and runs only on the writer or a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_QUEUE_H
#define POSTHORN_CORE_QUEUE_H

#include "base/arena.h"
#include "core/schedule.h"
#include "store/queue_walk.h"
#include "store/transcripts.h"

struct db;
struct dsn_desk;

/* On the writer, once at start, before anything is accepted or delivered: begin a new life of the node `name` (made if new). What
 * waits is ours again, and a process of an earlier life can settle nothing any more. *ret is what accept and delivery write with.
 */
WARN_UNUSED enum status queue_start(struct db *db, struct str name, int64_t now, struct node_epoch *ret);

/* The same for who accepts but does not deliver: into the node's latest life, so that a server elsewhere goes on settling. */
WARN_UNUSED enum status queue_join(struct db *db, struct str name, int64_t now, struct node_epoch *ret);

/* On a reader: is that life still the node's latest? Reads one row, so a probe may ask as often as it likes. */
WARN_UNUSED enum status queue_is_ours(struct db *db, const struct node_epoch *owner, bool *ret);

/* On a reader: make the load that schedule_next_load asked for. Rows live in `arena`. The status is in *ret as well, for
 * schedule_loaded. */
enum status queue_fetch(struct db *db, int64_t node_id, const struct schedule_load *load, struct arena *arena,
                        struct schedule_rows *ret);

/* In which transaction the queue is looked at or changed, and when; what is found lives in the arena. */
struct queue_view {
    struct db *db;
    struct arena *arena;
    int64_t node_id; /* whose rows */
    int64_t now;
};

/* Ascending; and whether an id is among such ones. */
void queue_ids_sort(int64_t *ids, size_t count);
bool queue_ids_have(const int64_t *ids, size_t count, int64_t id);

/* How far a walk over all that is not ended is; zeroed: at its beginning. */
struct queue_sweep {
    bool is_held; /* what waits comes first, then what is held */
    struct queue_place after;
};
struct queue_page {
    struct queue_ids ids;
    struct queue_sweep next; /* its strings, like the ids, live in the arena */
    bool is_end;
};
/* On a reader: recipients whose message's life ended at view->now or before, at most `limit` of them, out of at most
 * QUEUE_WALK_LOOK_MAX index entries. An empty piece may have a next one. */
WARN_UNUSED enum status queue_expired_page(const struct queue_view *view, const struct queue_sweep *at, int limit,
                                           struct queue_page *ret);
/* On the writer: fail these, as delivery_settle does, each with its event and the reason for which it waited; those that ended or
 * live longer meanwhile are left alone. None may be in flight: leave those out. *ret_count: how many failed. */
WARN_UNUSED enum status queue_expire(struct db *db, struct dsn_desk *desk, const struct queue_ids *ids, int64_t now,
                                     int64_t *ret_count);

/* What the writer is about to decide, so that no delivery of it may begin meanwhile: an account's messages
 * [first_message, last_message], of one sender domain or of all (QUEUE_ANY). */
struct queue_hold {
    int64_t account_id, domain_id;
    int64_t first_message, last_message;
    bool is_of_ids; /* instead of all that: these recipients, ascending; copied */
    struct queue_ids ids;
};
/* Who asked for a hold. */
struct queue_held {
    /* It holds: nothing of it begins until the release. On the deliveries' thread. */
    void (*done)(struct queue_held *held);
    /* Recipients of the account whose transaction had begun, or whose end is being written: theirs is to be left alone, or what
     * was delivered would be told otherwise. In order of id; free() them. */
    int64_t *in_flight;
    size_t in_flight_count;
};

/* One recipient as people see it: why it waits and when it is tried next (P4). */
struct queue_item {
    int64_t recipient_id, message_id, account_id, domain_id;
    struct str message_uuid; /* text */
    struct str sender, address, domain;
    const char *state; /* "scheduled" until its time comes, then "queued" */
    bool is_waiting, is_held;
    int priority, message_tls, domain_tls; /* enum tls_level */
    struct str reason;                     /* of the last try, or of its end; "waiting for its first try" before */
    int64_t attempts, due_at, changed_at, created_at, expires_at;
};
/* Why one waits that was never tried: for its time, or for its turn. */
struct str queue_why(bool is_ahead);
/* On a reader. `now` tells scheduled from queued. */
WARN_UNUSED enum status queue_item_get(struct db *db, struct arena *arena, int64_t recipient_id, int64_t now,
                                       struct queue_item *ret);

#endif
