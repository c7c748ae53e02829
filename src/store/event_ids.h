/* event_ids.h - ids of events that put a domain's events of a day side by side.
 *
 *   days since 2026-01-01 (14 bits) | domain (18 bits) | number (31 bits)
 *
 * SQLite keeps rows in the order of their ids, so whoever reads a domain's days reads whole pages of its events and few others;
 * with ids that merely count up they would lie between those of all other domains, a page each. What is oldest lies
 * together too, and goes together. Days and domains beyond their bits share places with others: only the number tells events
 * apart, counted up for all of them in `event_ids`, and it comes again after 2^31.
 *
 * Ids of a domain grow with the day, and within it in the order of writing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_IDS_H
#define POSTHORN_STORE_EVENT_IDS_H

#include "store/events.h"

/* For an event that is inserted next; the transaction remembers the last number, and writes it at its end. Writer. */
WARN_UNUSED enum status event_id_next(struct db *tx, const struct event *event, int64_t *ret_id);

#endif
