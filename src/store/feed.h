/* feed.h - the outbox of the operator's own stream of events (core/feed.h).
 *
 * Where a feed is configured, whoever records an event notes its number in the same transaction (P3): a row holds up to
 * FEED_ROW_EVENTS of them, eight bytes each, so a group commit of a thousand events writes ten rows, and the outbox is a few
 * percent of what the events are. It knows numbers and nobody's address: who is forgotten, or old, is gone with his events, and
 * what is left of a row tells of nothing. Without a feed no statement runs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_FEED_H
#define POSTHORN_STORE_FEED_H

#include "store/event_list.h"

#define FEED_ROW_EVENTS 100
/* db_mark: there are new rows. */
#define FEED_MARK 4u

/* This connection's events go to a feed from now on, whatever becomes of the transaction. */
void feed_expect(struct db *db);
/* Note an event that this transaction records; nothing where no feed is expected. Writer. */
WARN_UNUSED enum status feed_add(struct db *tx, int64_t event_id);

struct feed_row {
    int64_t id, at;
    int64_t events[FEED_ROW_EVENTS];
    size_t count;
};
/* The oldest row behind after_id. NOT_FOUND: there is none. CORRUPT: it holds no numbers. */
WARN_UNUSED enum status feed_next(struct db *tx, int64_t after_id, struct feed_row *ret);
/* An event with its message. NOT_FOUND: it is gone. */
WARN_UNUSED enum status feed_event(struct db *tx, struct arena *a, int64_t event_id, struct event_row *ret);
/* Nothing when it had gone already. Writer. */
WARN_UNUSED enum status feed_remove(struct db *tx, int64_t row_id);

/* Since when events are noted; 0: they are not. */
WARN_UNUSED enum status feed_get_since(struct db *tx, int64_t *ret_at);
WARN_UNUSED enum status feed_set_since(struct db *tx, int64_t at);

#endif
