/* stats.h - what became of a domain's mail in a period, beside the period before it, and by tag.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_STATS_H
#define POSTHORN_CORE_STATS_H

#include "store/event_stats.h"

#define STATS_DAYS     28   /* of a period that nobody named; it ends with today */
#define STATS_TAGS_MAX 1000 /* the ones most sent with */

struct stats_compared {
    struct event_counts counts, previous; /* previous: the period just before, of equal length */
};
/* On a reader; by tag see event_stats_by_tag. LIMIT: too many events to be counted one by one. */
WARN_UNUSED enum status stats_compare(struct db *tx, const struct event_period *period, struct stats_compared *ret);

/* part of whole in hundredths of a percent, rounded half up; 0 of nothing. */
int64_t stats_rate(int64_t part, int64_t whole);

#endif
