/* rollup.h - events counted as they are written: by hour and by day, whole and by what they are about.
 *
 *   event_record --rollup_add--> a tally in memory --(db_commit)--> rows of `rollups`, one each, in key order
 *
 * A row is (domain, kind, when it began, value) with a counter for each thing that is asked for, so a year of a domain is read in
 * a few hundred rows whatever its mail. The tally belongs to the transaction (db.h, db_late): what a writer's batch adds up is
 * written once with the events it counts (P3), and a batch that fails leaves nothing.
 *
 * What is counted is exact but for one bound: a domain has at most so many values of a kind in its hour or day (P8); those that
 * come later, and values longer than ROLLUP_VALUE_MAX, are counted together as ROLLUP_OTHER.
 *
 * Rows stay when their events go. What goes is counted too, by ROLLUP_GONE_*, so the difference is what can still be listed.
 * Reading is store/rollup_read.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_ROLLUP_H
#define POSTHORN_STORE_ROLLUP_H

#include "store/events.h"

/* Stored numbers: never renumber. */
enum rollup_kind {
    ROLLUP_HOUR = 1,
    ROLLUP_DAY = 2,
    ROLLUP_HOUR_GONE = 3,
    ROLLUP_DAY_GONE = 4,
    ROLLUP_HOUR_TAG = 5,
    ROLLUP_DAY_TAG = 6,
    ROLLUP_DAY_RECIPIENT_DOMAIN = 7,
    ROLLUP_DAY_LINK = 8,
    ROLLUP_DAY_BOUNCE_CLASS = 9,
    ROLLUP_DAY_DEVICE = 10,
    ROLLUP_DAY_COUNTRY = 11,
    ROLLUP_KIND_COUNT
};

/* The counters of a row, in the order of its columns: one a type of event, all of that type; then what some of these were. */
enum rollup_counter {
    ROLLUP_HARD_BOUNCE = EVENT_TYPE_COUNT - 1, /* before it: type - 1 */
    ROLLUP_FIRST_OPEN,
    ROLLUP_FIRST_CLICK,
    ROLLUP_FIRST_UNSUBSCRIBE,
    ROLLUP_FIRST_COMPLAINT,
    ROLLUP_MACHINE_OPEN,
    ROLLUP_MACHINE_CLICK,
    ROLLUP_COUNTER_COUNT
};
#define ROLLUP_OF(type) ((int)(type)-1)

#define ROLLUP_HOUR_MS   INT64_C(3600000)
#define ROLLUP_DAY_MS    INT64_C(86400000)
#define ROLLUP_VALUE_MAX 500 /* bytes */
#define ROLLUP_OTHER     "other"

enum rollup_mark { ROLLUP_PLAIN, ROLLUP_FIRST, ROLLUP_MACHINE };
/* Count an event that was just inserted. Writer, in the event's transaction. */
void rollup_add(struct db *tx, const struct event *event, enum rollup_mark mark);
/* An event was removed, by age or on demand: it is listed no more, and stays counted. Writer, in the removal's transaction. */
void rollup_remove(struct db *tx, int64_t domain_id, enum event_type type, int64_t at);

/* How many values of the kind a domain may have in one hour or day; 0: its rows have no value. */
int rollup_values_max(enum rollup_kind kind);

#endif
