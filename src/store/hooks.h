/* hooks.h - calls to webhooks that wait: the outbox, a queue an endpoint, what became of each call.
 *
 *   event_record --hook_outbox_add--> rows, and their endpoint's queue wakes       in the event's transaction (P3)
 *                                |
 *        hook_queue_due --> hook_outbox_load --> (a call) --> hook_outbox_settle: gone, or due again
 *                                                         \-> hook_queue_refresh: when to look again
 *
 * A row belongs to a node, like the queue's, and settling is fenced by the node's epoch and the attempts that were seen. "On its
 * way" is a fact in memory, so whoever is killed calls again. Of all endpoints only those that are due are looked at: one that is
 * paused, or has nothing, costs nothing, however many there are (WH26). What signs and what is sent is core/hook.h's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_HOOKS_H
#define POSTHORN_STORE_HOOKS_H

#include "store/event_list.h"
#include "store/queue.h"

#define HOOK_BATCH_WAIT_MS 1000 /* how long events gather for an endpoint that takes several at once */
#define HOOK_ANSWER_MAX    4096 /* bytes kept of an answer */
#define HOOK_LOG_KEEP      200  /* attempts kept of an endpoint (P8) */

/* ---- endpoints: a webhook with all that calling it needs ---- */
struct hook_health {
    int64_t failures;      /* since one succeeded; those under way together count once */
    int64_t failed_at;     /* when the last of them was counted */
    int64_t failing_since; /* 0: the last call succeeded */
    int64_t paused_until;  /* it is not called before */
};
struct hook_endpoint {
    int64_t id, account_id, domain_id;
    struct str url;
    bool is_active;
    struct str headers_sealed; /* "" none */
    int64_t batch_max;         /* 0: an event a call */
    struct hook_health health;
    int64_t disabled_at;     /* 0: it is active */
    struct str disabled_why; /* "" its owner wanted it so */
    /* Of its domain. */
    struct str key_sealed, old_key_sealed;
    int64_t old_key_until;
};
/* An account's, or anybody's for SCOPE_ANY. */
WARN_UNUSED enum status hook_endpoint_get(struct db *tx, struct arena *a, int64_t account_id, int64_t webhook_id,
                                          struct hook_endpoint *ret);
/* All NOT_FOUND when absent or another account's. */
WARN_UNUSED enum status hook_endpoint_set_headers(struct db *tx, int64_t account_id, int64_t webhook_id, struct str sealed);
WARN_UNUSED enum status hook_endpoint_set_batch(struct db *tx, int64_t account_id, int64_t webhook_id, int64_t batch_max);
/* Active and well, or not; `why` is kept. NOT_FOUND too when it is so already. */
WARN_UNUSED enum status hook_endpoint_enable(struct db *tx, int64_t account_id, int64_t webhook_id);
WARN_UNUSED enum status hook_endpoint_disable(struct db *tx, int64_t account_id, int64_t webhook_id, struct str why, int64_t now);
WARN_UNUSED enum status hook_endpoint_set_health(struct db *tx, int64_t webhook_id, const struct hook_health *health);
/* A new signing key of the domain; the one before, if there is one, signs too until then. */
WARN_UNUSED enum status hook_key_rotate(struct db *tx, int64_t domain_id, struct str sealed, int64_t old_until);

/* ---- the outbox ---- */
/* db_mark: calls are due sooner than a driver knows. */
#define HOOK_MARK 1u
/* A row for each active endpoint of the event's domain that asked for its type, of the node that delivers to its recipient;
 * nothing without the recipient's row. Called by whatever records an event (store/events.c), and by nobody else. Where no
 * webhook of its domain could ask for it, no statement runs but one a transaction. */
WARN_UNUSED enum status hook_outbox_add(struct db *tx, const struct event *event, int64_t event_id);
/* The domain may have webhooks from now on, of this transaction's too: every way of making one says so. */
void hook_outbox_expect(struct db *tx, int64_t domain_id);
/* A queue that is due. */
struct hook_due {
    int64_t webhook_id, account_id, wake_at;
};
struct hook_due_list {
    struct hook_due *items;
    size_t count;
};
struct hook_due_query {
    int64_t node_id, now;
    struct hook_due after; /* zeroed: from the beginning */
    int limit;
};
/* By (wake_at, webhook_id), behind `after`; index entries and their rows' ids are all that is read. */
WARN_UNUSED enum status hook_queue_due(struct db *tx, struct arena *a, const struct hook_due_query *query,
                                       struct hook_due_list *ret);
/* When the first queue is to be looked at that is not due now; NOT_FOUND: none. */
WARN_UNUSED enum status hook_queue_next(struct db *tx, int64_t node_id, int64_t now, int64_t *ret_wake_at);

struct hook_row {
    int64_t id, attempts, due_at;
    struct event_row event; /* event.id 0: it is gone, and there is nothing to tell */
};
struct hook_row_list {
    struct hook_row *items;
    size_t count;
};
struct hook_load {
    int64_t node_id, webhook_id;
    int64_t due_before; /* due_at <= due_before */
    int limit;
};
/* What waits for an endpoint, by (due_at, id). */
WARN_UNUSED enum status hook_outbox_load(struct db *tx, struct arena *a, const struct hook_load *load, struct hook_row_list *ret);

struct hook_settle {
    int64_t row_id, seen_attempts;
    struct node_epoch owner;
    int64_t due_at; /* of the next attempt; 0: there is none, the row goes */
};
/* NOT_FOUND: the fence held (settled before, replayed, or our epoch is over); nothing was written. */
WARN_UNUSED enum status hook_outbox_settle(struct db *tx, const struct hook_settle *settle);
/* After a look at an endpoint's queue: it wakes for its first row, not before `not_before`; without rows the queue goes. */
WARN_UNUSED enum status hook_queue_refresh(struct db *tx, int64_t node_id, int64_t webhook_id, int64_t not_before);
/* Rows of an endpoint that is called no more, at most `max`. */
WARN_UNUSED enum status hook_outbox_drop(struct db *tx, int64_t node_id, int64_t webhook_id, int64_t max, int64_t *ret_dropped);

/* ---- again ---- */
/* An event of the endpoint's domain, whatever its type, is told again, or at once if it waits. NOT_FOUND: no such active endpoint
 * of the account, no such event of its domain. */
WARN_UNUSED enum status hook_replay_event(struct db *tx, int64_t node_id, int64_t account_id, int64_t webhook_id,
                                          int64_t event_id, int64_t now);
/* A slice of a range: events of the types that the endpoint asks for, in order of (at, id). */
struct hook_range {
    int64_t node_id, account_id, webhook_id;
    int64_t from_at, before_at; /* from_at <= at < before_at */
    int64_t after_at, after_id; /* behind this event; zeroed: from the beginning */
    int64_t now;
    int limit; /* events looked at; 500 and less */
};
struct hook_replayed {
    int64_t count;  /* rows due now */
    bool is_end;    /* nothing is left behind this slice */
    int64_t at, id; /* of the last event looked at */
};
WARN_UNUSED enum status hook_replay_range(struct db *tx, struct arena *a, const struct hook_range *range,
                                          struct hook_replayed *ret);

/* ---- what became of calls ---- */
struct hook_attempt {
    int64_t id, webhook_id;
    int64_t event_id; /* the first of its events */
    int64_t event_count;
    int64_t attempt; /* 1: the first */
    int64_t at, duration_ms;
    int64_t code;      /* of HTTP; 0: no answer came */
    struct str why;    /* it failed; "" when it did not */
    struct str answer; /* its first HOOK_ANSWER_MAX bytes, any bytes */
};
struct hook_attempt_list {
    struct hook_attempt *items;
    size_t count;
};
/* Add; id is ignored. Some older than the newest HOOK_LOG_KEEP of the endpoint go. */
WARN_UNUSED enum status hook_attempt_add(struct db *tx, const struct hook_attempt *attempt);
struct hook_attempt_query {
    int64_t account_id, webhook_id; /* none when it is not that account's; SCOPE_ANY: anybody's */
    int64_t before_id;              /* 0: from the newest */
    int limit;
};
/* Newest first. */
WARN_UNUSED enum status hook_attempt_list(struct db *tx, struct arena *a, const struct hook_attempt_query *query,
                                          struct hook_attempt_list *ret);
/* Let go of what was before then, oldest first, and looks at `max` rows only. */
WARN_UNUSED enum status hook_attempt_prune(struct db *tx, int64_t before, int64_t max);

#endif
