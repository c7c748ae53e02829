/* event_group.h - events counted by the values of a field.
 *
 * Bounded like lists: LIMIT before the work is done. On a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_GROUP_H
#define POSTHORN_STORE_EVENT_GROUP_H

#include "store/event_condition.h"

struct event_bucket {
    struct str key; /* TYPE: as event_noun; DAY, HOUR: "" */
    int64_t at;     /* DAY, HOUR: when it begins */
    int64_t count;
};
struct event_bucket_list {
    struct event_bucket *items;
    size_t count;
};
/* How many events for each value of the field, events without one left out, and what machines did (unless the filter or the field
 * is about that); biggest first, equals by their key (bytes), at most `limit`. Fields that are rolled up are read from there
 * where there is no condition and no message (store/rollup.h: values beyond their bound are "other"). LIMIT: too many to look at.
 */
WARN_UNUSED enum status event_group(struct db *tx, struct arena *a, const struct event_filter *filter, enum event_field field,
                                    int limit, struct event_bucket_list *ret);

#endif
