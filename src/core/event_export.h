/* event_export.h - events as a file of any size: CSV for spreadsheets, or a JSON object a line, made piece by piece.
 *
 * Each domain's events are newest first, as they are listed; one domain comes after the other. A piece is a snapshot, held for a
 * part of a second; between two nothing is held at all, so it does not matter how long the reader of the file takes. What a walk
 * sees of events that come and go meanwhile: store/event_walk.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_EVENT_EXPORT_H
#define POSTHORN_CORE_EVENT_EXPORT_H

#include "base/clock.h"
#include "core/events.h"
#include "store/event_walk.h"

enum event_export_format { EVENT_EXPORT_CSV, EVENT_EXPORT_NDJSON };

/* Lives as long as the export, and nothing of it is the database's. Set the first part; zeros otherwise. */
struct event_export {
    int64_t account_id;
    int64_t domain_id; /* 0: all that the account has, or had when something happened, in order of id */
    enum event_export_format format;
    struct event_filter filter; /* its domain_id is not looked at */

    int64_t at_domain; /* where it is */
    bool is_inside;    /* of that domain, and goes on behind */
    struct event_place place;
    int looks;    /* at a time */
    int64_t rows; /* written so far */
    bool is_done;
};
/* How many events there will be, cheaply. False: nobody knows, for there is a condition or a message, or they are of more than
 * a thousand domains. Reader. */
WARN_UNUSED enum status event_export_total(struct db *tx, const struct event_export *export, bool *ret_is_known,
                                           int64_t *ret_total);
/* What a CSV file begins with: BOM and names of columns; nothing of NDJSON. */
void event_export_begin(const struct event_export *export, struct buf *out);
/* Append the next events, until is_done: as many as make some 256 KiB or take some 50 ms, so perhaps none. Reader. */
WARN_UNUSED enum status event_export_next(struct db *tx, struct event_export *export, const struct clock *clock, struct buf *out);

#endif
