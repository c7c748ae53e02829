/* send_counts.h - how much an account sent: recipients accepted on each UTC day, and how far its rate per second is used up.
 *
 * A day is a row; a month is the sum of its days, so that taking a message writes one row. Days long past go as new ones come.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_SEND_COUNTS_H
#define POSTHORN_STORE_SEND_COUNTS_H

#include "base/status.h"

#include <stdint.h>

struct db;

struct send_usage {
    int64_t day, month; /* recipients accepted since these began, UTC */
};
/* When the UTC day and month of `now` began, and when the next ones do; Unix ms. */
struct send_period {
    int64_t day_at, next_day_at, month_at, next_month_at;
};
struct send_period send_period_of(int64_t now);

/* Reader or writer. */
WARN_UNUSED enum status send_usage_get(struct db *tx, int64_t account_id, const struct send_period *period,
                                       struct send_usage *ret);
/* Add to the day; an account that is gone is not counted for. */
WARN_UNUSED enum status send_usage_add(struct db *tx, int64_t account_id, const struct send_period *period, int64_t count);

/* Unix microseconds up to which the account's rate is used up; 0: it sent nothing yet. */
WARN_UNUSED enum status send_rate_get(struct db *tx, int64_t account_id, int64_t *ret_spent_until);
WARN_UNUSED enum status send_rate_set(struct db *tx, int64_t account_id, int64_t spent_until);

#endif
