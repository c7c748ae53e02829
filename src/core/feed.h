/* feed.h - the operator's own stream of events, for his warehouse: every event of every account, a line of JSON each, as
 * GET /api/v1/events shows it and webhooks get it.
 *
 *   event_record  (writer, store/events.h)  notes the event, in its transaction (P3)
 *   feed_make     (reader)                  the oldest that were noted, as lines
 *   feed_took     (writer)                  whoever reads them has them: the notes go
 *
 * At least once, in the order of commits: whoever is killed between the last two makes the same lines again (EventId tells a
 * repetition). What was removed since it was noted, by age or because a person is forgotten, is left out. src/hook drives it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_FEED_H
#define POSTHORN_CORE_FEED_H

#include "base/buf.h"
#include "store/feed.h"

/* ---- where to ---- */
enum feed_kind { FEED_FILE, FEED_UNIX, FEED_TCP };
struct feed_target {
    enum feed_kind kind;
    struct str place; /* a path, or "ADDRESS:PORT"; of the text that was parsed */
};
/* "file:/path", "unix:/path" or "tcp:ADDRESS:PORT"; whether there is such an address is for net to say. Pure. */
bool feed_target_parse(struct str text, struct feed_target *ret);

/* ---- what ---- */
#define FEED_ROWS_MAX   500
#define FEED_EVENTS_MAX 1000 /* a batch ends with the row that reaches one of these */
#define FEED_BYTES_MAX  ((size_t)1 << 20)

struct feed_batch {
    int64_t rows[FEED_ROWS_MAX];
    size_t row_count;
    int64_t events, gone; /* told; left out */
    int64_t oldest_at;    /* when its first row was written; 0: nothing waits */
    bool has_more;
    struct buf lines; /* for buf_fini */
};
/* On a reader; *ret is made anew, with the memory of its lines. Nothing waits: row_count 0. */
WARN_UNUSED enum status feed_make(struct db *db, struct feed_batch *ret);
/* On the writer; may run twice. */
WARN_UNUSED enum status feed_took(struct db *tx, const struct feed_batch *batch);

/* At a start: are events noted from now on? *ret_since: since when they are, 0 when not; *ret_is_new: that changed by this. What
 * was noted before stays, for the next feed. */
WARN_UNUSED enum status feed_begin(struct db *tx, bool is_on, int64_t now, int64_t *ret_since, bool *ret_is_new);

#endif
