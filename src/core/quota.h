/* quota.h - how many recipients an account may still have accepted: per UTC day, per UTC month and per second, by the limits of
 * its group. Judged and written in the writer's transaction, so the limits hold however many requests come at once (TN12).
 *
 * The second's limit is a rate: what is accepted uses it up for as long as it takes at that rate. A request is let in as long as
 * less than a second is used up, and may then be bigger than what is left; the next one waits for it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_QUOTA_H
#define POSTHORN_CORE_QUOTA_H

#include "store/groups.h"
#include "store/send_counts.h"

enum quota_verdict { QUOTA_FINE, QUOTA_DAY, QUOTA_MONTH, QUOTA_SECOND };
struct quota {
    /* Given. */
    int64_t account_id, now;
    const struct account_limits *limits; /* NULL: counted, not limited */
    /* quota.c's. */
    struct send_period period;
    struct send_usage used;
    int64_t spent_until, taken;
};
/* Read what was used so far. */
WARN_UNUSED enum status quota_open(struct db *tx, struct quota *q);
/* May `count` recipients more be accepted? Then they are taken, else nothing is. */
enum quota_verdict quota_take(struct quota *q, int64_t count);
/* Write what was taken. */
WARN_UNUSED enum status quota_close(struct db *tx, const struct quota *q);

/* For the answer: the limit behind a verdict, how much of it is left, and when (Unix ms) there is more. */
struct quota_state {
    int64_t limit, remaining, retry_at;
};
struct quota_state quota_state(const struct quota *q, enum quota_verdict verdict);

#endif
