/* event_group.h - events counted by the values of a field.
 *
 * On a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_GROUP_H
#define POSTHORN_STORE_EVENT_GROUP_H

#include "store/event_condition.h"

struct event_bucket {
    struct str key; /* TYPE: as event_noun; DAY, HOUR: "" */
    int64_t at;     /* DAY, HOUR: when it begins */
    int64_t count;
};
struct event_count;
struct event_bucket_list {
    struct event_bucket *items;
    size_t count;
};
/* How many events for each value of the field, events without one left out, and what machines did (unless the filter or the field
 * is about that); biggest first, equals by their key (bytes; of messages the older), at most `limit`. Fields that are rolled up
 * are read from there where there is no condition and no message (store/rollup.h: values beyond their bound are "other").
 *
 * A piece at a time: fill in the first three, the rest zeros, and call event_group_next till the end, in a snapshot of its own
 * each time, and event_group_free. What is written meanwhile may be counted or not. LIMIT: too many events to look at, told
 * before any was; or, with has_many_values, too many values. The filter's condition must last. */
struct event_grouping {
    struct event_filter filter;
    enum event_field field;
    int limit; /* 1 at least */
    struct event_count *count;
    bool has_many_values;
};
WARN_UNUSED enum status event_group_next(struct db *tx, struct arena *a, struct event_grouping *g, bool *ret_is_end,
                                         struct event_bucket_list *ret);
/* What it holds of memory now. */
size_t event_group_bytes(const struct event_grouping *g);
void event_group_free(struct event_grouping *g);
/* All pieces in one snapshot. */
WARN_UNUSED enum status event_group(struct db *tx, struct arena *a, const struct event_filter *filter, enum event_field field,
                                    int limit, struct event_bucket_list *ret);

#endif
