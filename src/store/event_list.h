/* event_list.h - events searched and listed, newest first.
 *
 * A search may look at so many events; beyond it the answer is LIMIT, before the work is done (a snapshot lives no longer
 * than a second). On a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_LIST_H
#define POSTHORN_STORE_EVENT_LIST_H

#include "store/event_condition.h"

/* An event with its message. */
struct event_row {
    struct event event;
    struct id message_uuid;
    struct str sender, subject, tags, metadata; /* the last two are JSON */
};
struct event_row_list {
    struct event_row *items;
    size_t count;
    int64_t total; /* that match, on all pages */
};
/* Where a page or a walk ended: older events than this follow. */
struct event_place {
    int64_t at, id;
};
#define EVENT_PLACE_NEWEST ((struct event_place){INT64_MAX, INT64_MAX})

/* Newest first, `limit` rows after the first `offset`. Without a condition and a message the total and the page's place are read
 * from the roll-ups, so that no page is slower than the first. LIMIT: too many to look at. INVALID: a value is no text (NUL,
 * UTF-8). */
WARN_UNUSED enum status event_list(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t offset, int limit,
                                   struct event_row_list *ret);
/* The same from behind a place: what came since changes nothing, and no page costs more than another. */
WARN_UNUSED enum status event_list_after(struct db *tx, struct arena *a, const struct event_filter *filter,
                                         struct event_place place, int limit, struct event_row_list *ret);

#endif
