/* queue.h - the queue as operators see it, and what runs on readers and the writer for the scheduler.
 *
 * All of it blocks, works in the transaction it is given, and runs only on the writer or a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_QUEUE_H
#define POSTHORN_CORE_QUEUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "core/schedule.h"

struct db;

/* On a reader: make the load that schedule_next_load asked for. Rows live in `arena`; the status is in *ret, too. */
enum status queue_load_run(struct db *db, const struct schedule_load *load, struct arena *arena, struct schedule_rows *ret);

/* On the writer, once at start: begin a new epoch of the node `name` (made if new) and take over what waits in its older ones, so
 * that a process of before can settle nothing any more. */
WARN_UNUSED enum status queue_adopt(struct db *db, struct str name, int64_t now, int64_t *ret_node_id, int64_t *ret_epoch);

/* One waiting recipient as `queue list` shows it. */
struct queue_item {
    int64_t recipient_id;
    struct str message_uuid; /* text */
    struct str address, domain, sender;
    struct str state;  /* "scheduled" until due, then "queued" */
    struct str reason; /* why it waits; "" before the first try */
    int64_t attempts, created_at, due_at, expires_at;
    int64_t priority;
};
struct queue_counts {
    int64_t scheduled, queued; /* waiting: due later than now / due */
    int64_t deferred;          /* of both, those tried at least once */
    int64_t oldest_created_at; /* 0: nothing waits */
};
struct queue_filter {
    int64_t account_id; /* 0: all */
    struct str domain;  /* of the recipient; "": all */
    int64_t after_id;   /* page by the last id seen */
    int64_t now;
    size_t limit;
};
/* On a reader: waiting recipients by id. */
WARN_UNUSED enum status queue_list(struct db *db, const struct queue_filter *filter, struct arena *arena, struct queue_item **ret,
                                   size_t *ret_count);
WARN_UNUSED enum status queue_count(struct db *db, int64_t account_id, int64_t now, struct queue_counts *ret);

#endif
