/* events.h - the edges' door to the events: which ones a caller asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_EVENTS_H
#define POSTHORN_CORE_EVENTS_H

#include "proto/json/json_write.h"
#include "store/events.h"
#include "store/messages.h"

/* "open", "opened" or a comma list of either -> EVENT_BIT()s. False: an unknown name, or none. */
bool event_types_parse(struct str text, int64_t *ret_types);

/* "KeyID" of an event's detail: the sender key, as a text like everywhere in the API; left out where there was none (0). */
void event_add_key_id(struct json_writer *w, int64_t key_id);

struct event_query {
    struct event_filter filter;
    struct str message_uuid; /* "": of all messages. One that is no uuid, or another domain's message, has no events */
    int64_t offset;
    int limit;
};
/* On a reader. */
WARN_UNUSED enum status event_search(struct db *tx, struct arena *arena, const struct event_query *query,
                                     struct event_row_list *ret);

#endif
