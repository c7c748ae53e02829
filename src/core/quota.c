/* quota.c - see quota.h. An account without limits costs one written row a transaction and no read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/quota.h"

#define SECOND_US INT64_C(1000000)

static const struct account_limits no_limits;

static const struct account_limits *limits_of(const struct quota *q) {
    return q->limits ? q->limits : &no_limits;
}

enum status quota_open(struct db *tx, struct quota *q) {
    const struct account_limits *limits = limits_of(q);
    enum status status = STATUS_OK;
    q->period = send_period_of(q->now);
    q->used = (struct send_usage){0};
    q->spent_until = q->taken = 0;
    if (limits->sends_per_day || limits->sends_per_month) status = send_usage_get(tx, q->account_id, &q->period, &q->used);
    if (status == STATUS_OK && limits->sends_per_second) status = send_rate_get(tx, q->account_id, &q->spent_until);
    return status;
}

static bool is_over(int64_t limit, int64_t used, int64_t count) {
    return limit && count > limit - used;
}

enum quota_verdict quota_take(struct quota *q, int64_t count) {
    const struct account_limits *limits = limits_of(q);
    int64_t now_us = q->now * 1000;
    if (is_over(limits->sends_per_month, q->used.month, count)) return QUOTA_MONTH;
    if (is_over(limits->sends_per_day, q->used.day, count)) return QUOTA_DAY;
    if (limits->sends_per_second && count) {
        if (q->spent_until >= now_us + SECOND_US) return QUOTA_SECOND;
        if (q->spent_until < now_us) q->spent_until = now_us;
        q->spent_until += (count * SECOND_US + limits->sends_per_second - 1) / limits->sends_per_second;
    }
    q->used.day += count;
    q->used.month += count;
    q->taken += count;
    return QUOTA_FINE;
}

enum status quota_close(struct db *tx, const struct quota *q) {
    if (q->taken == 0) return STATUS_OK;
    enum status status = send_usage_add(tx, q->account_id, &q->period, q->taken);
    if (status != STATUS_OK || limits_of(q)->sends_per_second == 0) return status;
    return send_rate_set(tx, q->account_id, q->spent_until);
}

static int64_t left(int64_t limit, int64_t used) {
    return limit > used ? limit - used : 0;
}

struct quota_state quota_state(const struct quota *q, enum quota_verdict verdict) {
    const struct account_limits *limits = limits_of(q);
    if (verdict == QUOTA_MONTH)
        return (struct quota_state){limits->sends_per_month, left(limits->sends_per_month, q->used.month),
                                    q->period.next_month_at};
    if (verdict == QUOTA_DAY)
        return (struct quota_state){limits->sends_per_day, left(limits->sends_per_day, q->used.day), q->period.next_day_at};
    return (struct quota_state){limits->sends_per_second, 0, (q->spent_until - SECOND_US) / 1000 + 1};
}
