/* queue.h - recipients: the queue and its history in one table.
 *
 * P1: a recipient is in exactly one state. SCHEDULED and QUEUED wait; the others are ends. "Sending" is a fact in memory.
 *
 *      recipient_add --> SCHEDULED | QUEUED --queue_settle--> QUEUED (again, later)
 *                                                        \--> DELIVERED | BOUNCED | FAILED | ...
 *                                                                 \--queue_return--> BOUNCED: whoever took it sent it back
 *
 * A row belongs to a node. queue_settle is fenced: it writes only while the row waits, is the node's, has the attempts the
 * caller saw, and the caller's epoch is still the node's latest (nodes.h). So a restart has nothing to take over, whatever
 * the length of the queue, and a process that was replaced while it slept cannot write.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_QUEUE_H
#define POSTHORN_STORE_QUEUE_H

#include "base/arena.h"
#include "base/id.h"
#include "base/status.h"

struct db;

/* Stored numbers: never renumber. 0 and 1 are the waiting ones (the schema's partial index says so too). */
enum recipient_state {
    RECIPIENT_SCHEDULED = 0, /* SendAt lies ahead */
    RECIPIENT_QUEUED = 1,
    RECIPIENT_HELD = 2,
    RECIPIENT_DELIVERED = 3,
    RECIPIENT_BOUNCED = 4,
    RECIPIENT_FAILED = 5,
    RECIPIENT_SUPPRESSED = 6,
    RECIPIENT_CANCELLED = 7,
    RECIPIENT_STATE_COUNT
};
enum { PRIORITY_TRANSACTIONAL = 0, PRIORITY_BULK = 1 };
/* "queued" ..., static. */
const char *recipient_state_text(enum recipient_state state);

/* Who writes: one start of one node (nodes.h). */
struct node_epoch {
    int64_t node_id;
    int64_t epoch;
};

struct recipient {
    int64_t id;
    int64_t message_id;
    int64_t account_id;
    int64_t domain_id; /* the sender domain's; 0 not known */
    struct str address;
    struct str domain; /* lower case A-labels */
    enum recipient_state state;
    int priority;
    int64_t due_at;
    int64_t planned_at; /* when it was to go, where it was scheduled and has left that state; not of recipient_add */
    int64_t expires_at; /* of the message */
    int64_t attempts;
    struct str reason; /* why it waits, or why it ended */
    int64_t changed_at;
    int dsn_notify;       /* bits of enum smtp_notify, of RCPT; 0 not said */
    struct str dsn_orcpt; /* of RCPT; "" not said */
};
struct recipient_list {
    struct recipient *items;
    size_t count;
};
/* Add; id is ignored. The message must exist. */
WARN_UNUSED enum status recipient_add(struct db *tx, const struct recipient *recipient, const struct node_epoch *owner,
                                      int64_t *ret_id);
WARN_UNUSED enum status recipient_get(struct db *tx, struct arena *a, int64_t id, struct recipient *ret);
/* Bits of dsn_notify anew. NOT_FOUND: the row is gone. */
WARN_UNUSED enum status recipient_set_notify(struct db *tx, int64_t id, int dsn_notify);
/* All recipients of a message in order of id. */
WARN_UNUSED enum status recipient_list(struct db *tx, struct arena *a, int64_t message_id, struct recipient_list *ret);

/* What the scheduler keeps of a waiting recipient. */
struct queue_entry {
    int64_t recipient_id;
    int64_t message_id;
    int64_t account_id;
    struct str domain;
    int priority;
    int64_t attempts;
    int64_t due_at;
    int64_t created_at; /* of the message */
    int64_t expires_at; /* of the message */
    int64_t size_bytes; /* of the message */
};
struct queue_entry_list {
    struct queue_entry *items;
    size_t count;
};
struct queue_load {
    int64_t node_id;
    struct str domain;
    int64_t account_id;
    int priority;
    int64_t due_before;             /* due_at < due_before */
    int64_t after_due_at, after_id; /* resume behind this entry; zeroed: from the beginning */
    int limit;
};
/* Waiting recipients of one lane (domain, account, priority: core/schedule.h) in order of (due_at, id). */
WARN_UNUSED enum status queue_load(struct db *tx, struct arena *a, const struct queue_load *query, struct queue_entry_list *ret);

struct queue_lane {
    struct str domain;
    int64_t account_id;
    int priority;
    int64_t first_due_at;
    bool is_tried; /* its first or its last was tried before: the last are those that failed once */
};
struct queue_lane_list {
    struct queue_lane *items;
    size_t count;
};
/* Up to `limit` rows, one a waiting (domain, account, priority) of the node, in that order behind `after` (NULL: the beginning;
 * what is told of its first is not looked at). Reads index entries only. */
WARN_UNUSED enum status queue_lanes(struct db *tx, struct arena *a, int64_t node_id, const struct queue_lane *after, int limit,
                                    struct queue_lane_list *ret);

struct queue_settle {
    int64_t recipient_id;
    int64_t seen_attempts; /* as loaded */
    struct node_epoch owner;
    enum recipient_state state;
    int64_t attempts;
    int64_t due_at;
    struct str reason;
    int64_t now;
};
/* NOT_FOUND: the fence held (ended meanwhile, moved, tried by another, or our epoch is over); nothing was written. */
WARN_UNUSED enum status queue_settle(struct db *tx, const struct queue_settle *settle);

/* The sender, or the operator, ends what waits or is held, or gives it another time; whether nothing is in flight was judged
 * before (core/queue.h). All NOT_FOUND, and nothing written, when its state is another; queue_move also when it is not SCHEDULED
 * for later than `now`. */
WARN_UNUSED enum status queue_end(struct db *tx, int64_t id, enum recipient_state state, struct str reason, int64_t now);
WARN_UNUSED enum status queue_move(struct db *tx, int64_t id, int64_t due_at, int64_t now);
/* QUEUED for later becomes due now. */
WARN_UNUSED enum status queue_hasten(struct db *tx, int64_t id, int64_t now);
/* What waits becomes HELD: out of the scheduler's sight, its life goes on. And back. */
WARN_UNUSED enum status queue_hold_row(struct db *tx, int64_t id, struct str reason, int64_t now);
WARN_UNUSED enum status queue_release_row(struct db *tx, int64_t id, struct str reason, int64_t now);
/* What waits or is held gets another time, and a priority (-1: as it was). NOT_FOUND too when it has both already. */
WARN_UNUSED enum status queue_shift(struct db *tx, int64_t id, int64_t due_at, int priority, int64_t now);

/* What was DELIVERED came back. NOT_FOUND, and nothing written, in any other state. */
WARN_UNUSED enum status queue_return(struct db *tx, int64_t id, struct str reason, int64_t now);

struct queue_ids {
    int64_t *items;
    size_t count;
};
/* How many of a message's recipients are in each state; `now` tells scheduled from queued. */
WARN_UNUSED enum status queue_count_states(struct db *tx, int64_t message_id, int64_t now, int64_t ret[RECIPIENT_STATE_COUNT]);

/* Number of waiting recipients; reads index entries only, but all of them. */
WARN_UNUSED enum status queue_count_waiting(struct db *tx, int64_t *ret_count);

/* The operator's view of a recipient. */
struct queue_row {
    struct recipient recipient;
    struct id message_uuid;
    struct str sender;
    int64_t created_at, size_bytes; /* the message's */
    int message_tls, domain_tls;    /* what it and its sender's domain demand (enum tls_level) */
};
/* Whatever its state. */
WARN_UNUSED enum status queue_row_get(struct db *tx, struct arena *a, int64_t id, struct queue_row *ret);

#endif
