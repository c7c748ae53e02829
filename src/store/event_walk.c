/* event_walk.c - see event_walk.h. The index tells where a stretch ends; then its events are tested and read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_walk.h"

#include "store/event_facts.h"
#include "store/event_own.h"
#include "store/rows.h"

/* The events from `last` (included) up to `place`. The bounds of the time are the index's range; of the events of one instant,
 * ids tell. */
static void add_span(struct sentence *q, const struct event_filter *filter, struct event_place place, struct event_place last) {
    struct event_filter narrowed = *filter;
    if (place.at != INT64_MAX) narrowed.before_at = place.at + 1;
    if (last.at > filter->from_at) narrowed.from_at = last.at;
    event_add_where(q, &narrowed, EVENT_FIELD_COUNT);
    sentence_add(q, " AND (f.at < ");
    sentence_add_int(q, place.at);
    sentence_add(q, " OR f.id < ");
    sentence_add_int(q, place.id);
    sentence_add(q, ") AND (f.at > ");
    sentence_add_int(q, last.at);
    sentence_add(q, " OR f.id >= ");
    sentence_add_int(q, last.id);
    sentence_add(q, ") ORDER BY f.at DESC, f.id DESC");
}

/* NOT_FOUND: the stretch goes to the end. */
static enum status find_last(struct db *tx, struct arena *a, const struct event_filter *filter, struct event_place place,
                             int looks, struct event_place *ret) {
    SENTENCE_AUTO q = {.arena = a, .is_sqlite = db_is_sqlite(tx), .is_by_time = true};
    const struct event_filter all = {.domain_id = filter->domain_id,
                                     .from_at = filter->from_at,
                                     .before_at = filter->before_at,
                                     .message_id = filter->message_id};
    sentence_add(&q, "SELECT f.at, f.id FROM events f");
    add_span(&q, &all, place, (struct event_place){INT64_MIN, 0});
    sentence_add(&q, " LIMIT 1 OFFSET ");
    sentence_add_int(&q, looks - 1);
    struct stmt *s = sentence_stmt(tx, &q);
    enum status status = row_first(s);
    if (status == STATUS_OK) *ret = (struct event_place){stmt_int(s, 0), stmt_int(s, 1)};
    return status;
}

static enum status read_span(struct db *tx, struct arena *a, const struct event_filter *filter, struct event_place place,
                             struct event_place last, struct row_list *ret) {
    SENTENCE_AUTO q = {.arena = a, .is_sqlite = db_is_sqlite(tx), .is_by_time = true};
    if (filter->condition) event_facts_add(&q.sql, tx);
    sentence_add(&q,
                 "SELECT f.id, f.at, f.type, f.account_id, f.domain_id, f.message_id, f.recipient_id, f.recipient, f.detail, ");
    sentence_add(&q, filter->condition
                         ? "f.uuid, f.sender, f.subject, f.tags, f.metadata FROM event_facts f"
                         : "m.uuid, COALESCE(m.sender, ''), COALESCE(m.subject, ''), m.tags, m.metadata FROM events f "
                           "LEFT JOIN messages m ON m.id = f.message_id");
    add_span(&q, filter, place, last);
    sentence_add(&q, " LIMIT ");
    sentence_add_int(&q, EVENT_WALK_ROWS_MAX);
    return rows_collect(sentence_stmt(tx, &q), a, sizeof(struct event_row), event_fill_row, ret);
}

enum status event_walk(struct db *tx, struct arena *a, const struct event_filter *filter, struct event_place place, int looks,
                       struct event_stretch *ret) {
    struct event_place last = {INT64_MIN, 0};
    struct row_list rows;
    enum status status = find_last(tx, a, filter, place, looks, &last);
    bool is_last = status == STATUS_NOT_FOUND;
    if (status == STATUS_OK || is_last) status = read_span(tx, a, filter, place, last, &rows);
    if (status != STATUS_OK) return status;
    const struct event_row *items = rows.items;
    if (rows.count == EVENT_WALK_ROWS_MAX) {
        const struct event *end = &items[rows.count - 1].event;
        last = (struct event_place){end->at, end->id};
        is_last = false;
    }
    *ret = (struct event_stretch){{rows.items, rows.count, 0}, last, is_last};
    return STATUS_OK;
}
