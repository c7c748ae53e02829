/* rollup_times.h - how long mail took: a row a day of a sender domain, recipient domain and outcome, with number, sum, least,
 * most, and how many took less than a second, five, ten ... So an average and a picture of a year are read in a few hundred rows.
 *
 * It is measured from when a message was to go - its acceptance, or the time it was scheduled for - to its end in our own
 * dialogue: the host's word that took or refused it, or the end of its life. What comes home later is no end of that kind: it was
 * delivered. Written by store/rollup.c in the event's transaction (P3), under the value that the event itself is counted under,
 * so their bound is the same (P8). Kept by the day alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_ROLLUP_TIMES_H
#define POSTHORN_STORE_ROLLUP_TIMES_H

#include "store/rollup.h"

/* Stored numbers: never renumber. */
enum rollup_outcome {
    ROLLUP_UNDECIDED, /* no event that ends a delivery, or nobody measured it */
    ROLLUP_DELIVERED = 1,
    ROLLUP_NOT_DELIVERED = 2, /* refused, or its time ran out */
    ROLLUP_OUTCOME_COUNT
};
enum rollup_outcome rollup_outcome_of(const struct event *event);

#define ROLLUP_STEPS 8
struct rollup_times {
    int64_t letters, sum_ms, min_ms, max_ms; /* of no letters: all 0 */
    int64_t steps[ROLLUP_STEPS];
};
/* What took less than so much, and not less than the step before it, is in the step; INT64_MAX: all the rest. */
int64_t rollup_step_before_ms(int step);
void rollup_times_add(struct rollup_times *times, int64_t took_ms);
void rollup_times_merge(struct rollup_times *times, const struct rollup_times *more);

struct rollup_time_place {
    int64_t domain_id, at; /* of its day */
    struct str value;
    enum rollup_outcome outcome;
};
/* Add to the row there. Writer. */
WARN_UNUSED enum status rollup_times_write(struct db *tx, const struct rollup_time_place *place, const struct rollup_times *more);

/* A recipient domain's in the whole days of the period, ret[outcome]. INVALID: the value is no text. On a reader. */
WARN_UNUSED enum status rollup_times_read(struct db *tx, const struct event_period *period, struct str value,
                                          struct rollup_times ret[ROLLUP_OUTCOME_COUNT]);

#endif
