/* event_walk.h - all events of a filter, however many, newest first: a stretch of them at a time, each in a snapshot of its own.
 *
 * A stretch is so many events of the domain (or message) and those among them that are asked for, so none takes longer than
 * another, whatever the filter lets through. What is written while somebody walks is newer than where he is, and is not seen;
 * what goes, goes. On a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_WALK_H
#define POSTHORN_STORE_EVENT_WALK_H

#include "store/event_list.h"

/* Where a walk is: older events than this follow. */
struct event_place {
    int64_t at, id;
};
#define EVENT_PLACE_NEWEST ((struct event_place){INT64_MAX, INT64_MAX})

struct event_stretch {
    struct event_row_list rows; /* total says nothing */
    struct event_place place;   /* behind the stretch */
    bool is_last;
};
/* The stretch of `looks` events behind `place`. INVALID as event_list. */
WARN_UNUSED enum status event_walk(struct db *tx, struct arena *a, const struct event_filter *filter, struct event_place place,
                                   int looks, struct event_stretch *ret);

#endif
