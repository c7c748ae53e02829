/* retry.h - when a recipient is tried again: a list of delays whose last one repeats, jitter, and the message's end of life.
 * Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_RETRY_H
#define POSTHORN_CORE_RETRY_H

#include "base/clock.h"
#include "base/status.h"

#define RETRY_STEPS_MAX      32
#define RETRY_LIFE_MS        (72 * INT64_C(3600000)) /* of a message that names no life of its own */
#define RETRY_JITTER_PERCENT 20
#define RETRY_NEVER          INT64_C(-1)

struct retry_schedule {
    int64_t delay_ms[RETRY_STEPS_MAX];
    size_t count; /* at least 1; the last delay repeats */
};
/* 1, 3, 5, 10, 20, 40 min, then doubling to 4 h. */
void retry_schedule_default(struct retry_schedule *ret);
/* "1s,2s" - numbers with unit s, m or h, separated by commas, each above zero and at most 72 h, at most RETRY_STEPS_MAX.
 * Empty gives the default. On false *why says what is wrong (words appended, ret untouched). */
WARN_UNUSED bool retry_schedule_parse(struct str text, struct retry_schedule *ret, struct buf *why);
/* Time of the next try after the attempt number `attempts` (1: the first) ended at `now`: the delay with jitter, but not beyond
 * expires_at - there the message ends. RETRY_NEVER when now is at or past expires_at. Unix ms. */
int64_t retry_plan(const struct retry_schedule *schedule, int64_t attempts, int64_t now, int64_t expires_at,
                   const struct rand *rand);

#endif
