/* keeping.h - letting go of what was kept long enough: contents after days, events after a year or so, each account as it likes.
 *
 *   keeping_begin ── keeping_slice, on the writer ── ... ── is_over        a walk; the next one begins with the oldest again
 *
 * A slice is one small transaction: it looks at, and removes, so many rows and bytes and no more, so neither who writes nor who
 * reads waits for it. The walk's place is memory alone: whoever is killed begins anew with what is oldest, which is what is left.
 * Nothing goes that somebody waits for: of a message that is held or scheduled neither content nor row (P1).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_KEEPING_H
#define POSTHORN_CORE_KEEPING_H

#include "store/retention.h"

#define KEEPING_BODY_DAYS  30 /* what is in force when nobody said anything */
#define KEEPING_EVENT_DAYS 400
#define KEEPING_DAYS_MAX   36500

/* Of one slice. */
#define KEEPING_LOOK_MAX   500
#define KEEPING_WEIGHT_MAX 2000
#define KEEPING_BYTES_MAX  (INT64_C(2) << 20) /* a bigger content goes alone */

/* What the operator says. */
struct keeping_rules {
    struct retention otherwise; /* days: in force for who says nothing */
    struct retention most;      /* ... and what is in force for who says more; 0: anything */
};
/* The days in force for an account that said `own`. Pure. */
struct retention keeping_days(const struct keeping_rules *rules, const struct retention *own);

struct keeping {
    struct keeping_rules rules; /* given */
    enum retained what;
    struct retained_owner owner;
    bool has_owner;
    struct retained_place place;
    int64_t cutoff; /* of this owner */
    bool is_over;
    int64_t removed[RETAINED_COUNT], removed_bytes; /* by this walk */
};
void keeping_begin(struct keeping *walk, const struct keeping_rules *rules);
/* The next piece; it may find nothing and have a next one. The walk is as it was where it fails, so it may be run again (a
 * transaction that is): *walk changes only when all is well, and the caller drops the change when the commit fails. */
WARN_UNUSED enum status keeping_slice(struct db *tx, struct arena *arena, struct keeping *walk, int64_t now);

#endif
