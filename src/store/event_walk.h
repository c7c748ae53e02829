/* event_walk.h - all events of a filter, however many, newest first: a stretch of them at a time, each in a snapshot of its own.
 *
 * A stretch is so many events of the domain (or message) and those among them that are asked for, so none takes longer than
 * another, whatever the filter lets through. What is written while somebody walks is newer than where he is, and is not seen;
 * what goes, goes. On a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_WALK_H
#define POSTHORN_STORE_EVENT_WALK_H

#include "store/event_list.h"

struct event_stretch {
    struct event_row_list rows; /* total says nothing */
    struct event_place place;   /* behind the stretch */
    bool is_last;
};
/* The stretch of `looks` events behind `place`, or of as many as have EVENT_WALK_ROWS_MAX that are asked for. INVALID as
 * event_list. */
#define EVENT_WALK_ROWS_MAX 1000
WARN_UNUSED enum status event_walk(struct db *tx, struct arena *a, const struct event_filter *filter, struct event_place place,
                                   int looks, struct event_stretch *ret);

#endif
