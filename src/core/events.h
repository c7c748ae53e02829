/* events.h - the edges' door to the events: which ones a caller asked for, and what they add up to by a field.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_EVENTS_H
#define POSTHORN_CORE_EVENTS_H

#include "core/event_terms.h"
#include "proto/json/json_write.h"
#include "store/event_group.h"
#include "store/event_list.h"
#include "store/messages.h"

enum event_how { EVENT_AS_IT_COMES, EVENT_ONCE, EVENT_BY_MACHINE };
/* Write an event of a message with those tags (JSON array) as event_record, event_record_once or event_record_machine does, with
 * the keys that its detail and the tags say. Writer. */
WARN_UNUSED enum status event_write(struct db *tx, const struct event *event, struct str tags, enum event_how how,
                                    int64_t *ret_id);

/* "KeyID" and "SMTPID" of an event's detail: the sender key or the SMTP user, as texts like everywhere in the API; left out where
 * there was none. */
void event_add_sender(struct json_writer *w, const struct message *message);

struct event_query {
    struct event_filter filter;
    struct str message_uuid; /* "": of all messages. One that is no uuid, or another domain's message, has no events */
    struct str text;         /* what the condition was made of: a cursor is for one search */
    struct str cursor;       /* where the page before ended; "": at the newest */
    int64_t offset;          /* of a page without a cursor */
    int limit;
};
struct event_found {
    struct event_row_list list;
    struct str next; /* cursor; "": there are no more */
};
/* On a reader. LIMIT: the search would look at too many events. INVALID: the cursor is none of this search. */
WARN_UNUSED enum status event_search(struct db *tx, struct arena *arena, const struct event_query *query,
                                     struct event_found *ret);
/* event_group_next with keys as people read them: ids with hyphens, days and hours as the dates of searches. */
WARN_UNUSED enum status event_aggregate(struct db *tx, struct arena *arena, struct event_grouping *g, bool *ret_is_end,
                                        struct event_bucket_list *ret);

#endif
