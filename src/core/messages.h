/* messages.h - accepted messages as their sender sees them, and what he may still decide: cancel them, move them.
 *
 * Everything takes an account and a sender domain (SCOPE_ANY: all of the account's, deleted domains' too) and finds nothing
 * else's (P6). What decides runs on the writer under a hold (core/queue.h) and leaves alone what is in flight; state and event
 * are written together (P3).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_MESSAGES_H
#define POSTHORN_CORE_MESSAGES_H

#include "core/queue.h"
#include "store/events.h"
#include "store/messages.h"

struct message_scope {
    int64_t account_id, domain_id;
};

/* ---- reading, on a reader ---- */
/* "" when the domain was deleted. */
WARN_UNUSED enum status message_domain_name(struct db *db, struct arena *arena, int64_t domain_id, struct str *ret);
struct message_query {
    struct message_scope scope;
    struct str recipient, tag;  /* "": any */
    int state;                  /* enum recipient_state of one of its recipients; -1: any */
    int64_t from_at, before_at; /* created; the latter excluded; 0, 0: all */
    struct str cursor;          /* of the page before; "": from the newest */
    int limit;
    int64_t now;
};
struct message_item {
    struct message message;
    struct str domain_name;                /* "" when it was deleted */
    int64_t counts[RECIPIENT_STATE_COUNT]; /* of its recipients, by state */
};
struct message_items {
    struct message_item *items;
    size_t count;
    struct str cursor; /* of the next page; "": there is none. Opaque: the id of a message that the caller may see */
};
/* Newest first. A page looks at a bounded number of messages, so with a filter it may be short, even empty, and have a next one.
 * INVALID: the cursor is none of this caller's. */
WARN_UNUSED enum status message_search(struct db *db, struct arena *arena, const struct message_query *query,
                                       struct message_items *ret);

struct message_view {
    struct message message;
    struct str domain_name;
    struct recipient_list recipients; /* states are as `now` shows them, reasons are filled in for those that wait */
    struct event *events;             /* in order of time; at most MESSAGE_EVENTS_MAX */
    size_t event_count;
    bool has_more_events;
};
#define MESSAGE_EVENTS_MAX 5000
/* NOT_FOUND: no such message in that scope. */
WARN_UNUSED enum status message_show(struct db *db, struct arena *arena, const struct message_scope *scope, struct id uuid,
                                     int64_t now, struct message_view *ret);

/* ---- deciding, on the writer ---- */
/* What a hold found in flight, ascending; count 0: nothing. */
struct message_flight {
    const int64_t *ids;
    size_t count;
};
bool message_is_flying(const struct message_flight *flight, int64_t recipient_id);
struct message_choice {
    int64_t message_id;
    struct message_flight flight;
    int64_t now;
};
/* Cancel what is scheduled and has not started. *ret_count 0: nothing was. */
WARN_UNUSED enum status message_cancel(struct db *db, const struct message_choice *choice, int64_t *ret_count);
/* Give what is scheduled and has not started another time; its life moves along. *ret: entries for the scheduler, in the arena.
 */
WARN_UNUSED enum status message_move(struct db *db, struct arena *arena, const struct message_choice *choice, int64_t due_at,
                                     struct queue_entry_list *ret);

#endif
