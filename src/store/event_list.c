/* event_list.c - see event_list.h. What the roll-ups have counted is found by them, the rest by a sentence of SQL.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_list.h"

#include "store/event_facts.h"
#include "store/event_own.h"
#include "store/rollup_read.h"
#include "store/rows.h"

#include <string.h>

/* Where event_add_where() looks. Without a condition the events' own columns do. */
static void add_source(struct sentence *q, const struct event_filter *filter) {
    sentence_add(q, filter->condition ? " FROM event_facts f" : " FROM events f");
}

static enum status count_all(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t *ret) {
    SENTENCE_AUTO q = {.arena = a, .is_sqlite = db_is_sqlite(tx)};
    event_facts_add(&q.sql, tx);
    sentence_add(&q, "SELECT count(*)");
    add_source(&q, filter);
    event_add_where(&q, filter);
    struct stmt *s = sentence_stmt(tx, &q);
    enum status status = row_first(s);
    if (status == STATUS_OK) *ret = stmt_int(s, 0);
    return status;
}

void event_fill_row(struct stmt *s, struct arena *a, void *item) {
    *(struct event_row *)item = (struct event_row){
        .event =
            {
                .id = stmt_int(s, 0),
                .at = stmt_int(s, 1),
                .type = (enum event_type)stmt_int(s, 2),
                .account_id = stmt_int(s, 3),
                .domain_id = stmt_int(s, 4),
                .message_id = stmt_int(s, 5),
                .recipient_id = stmt_int(s, 6),
                .recipient = row_text(s, a, 7),
                .detail = row_text(s, a, 8),
            },
        .message_uuid = row_uuid(s, 9),
        .sender = row_text(s, a, 10),
        .subject = row_text(s, a, 11),
        .tags = row_text(s, a, 12),
        .metadata = row_text(s, a, 13),
    };
}

/* The page's ids first, so that what is skipped is never read whole. */
static enum status list_found(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t offset, int limit,
                              struct event_row_list *ret) {
    int64_t total = 0;
    SENTENCE_AUTO q = {.arena = a, .is_sqlite = db_is_sqlite(tx)};
    enum status status = event_check_work(tx, a, filter, 0);
    if (status == STATUS_OK) status = count_all(tx, a, filter, &total);
    if (status != STATUS_OK) return status;
    event_facts_add(&q.sql, tx);
    sentence_add(
        &q, "SELECT f.id, f.at, f.type, f.account_id, f.domain_id, f.message_id, f.recipient_id, f.recipient, f.detail, f.uuid, "
            "f.sender, f.subject, f.tags, f.metadata FROM event_facts f WHERE f.id IN (SELECT f.id");
    add_source(&q, filter);
    event_add_where(&q, filter);
    sentence_add(&q, " ORDER BY f.at DESC, f.id DESC LIMIT ");
    sentence_add_int(&q, limit);
    sentence_add(&q, " OFFSET ");
    sentence_add_int(&q, offset);
    sentence_add(&q, ") ORDER BY f.at DESC, f.id DESC");
    struct row_list rows;
    status = rows_collect(sentence_stmt(tx, &q), a, sizeof(struct event_row), event_fill_row, &rows);
    if (status == STATUS_OK) *ret = (struct event_row_list){rows.items, rows.count, total};
    return status;
}

struct part { /* of a page: rows in an hour */
    struct rollup_hour hour;
    int64_t skip, limit;
};

static enum status list_hour(struct db *tx, struct arena *a, const struct event_filter *filter, const struct part *part,
                             struct row_list *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT e.id, e.at, e.type, e.account_id, e.domain_id, e.message_id, e.recipient_id, e.recipient, e.detail, "
                    "m.uuid, COALESCE(m.sender, ''), COALESCE(m.subject, ''), m.tags, m.metadata "
                    "FROM (SELECT id AS page_id FROM events WHERE domain_id = ?1 AND at >= ?2 AND at < ?3 "
                    "AND (?4 = 0 OR (?4 & (CAST(1 AS BIGINT) << CAST(type AS INTEGER))) <> 0) "
                    "ORDER BY at DESC, id DESC LIMIT ?5 OFFSET ?6) p JOIN events e ON e.id = p.page_id "
                    "LEFT JOIN messages m ON m.id = e.message_id "
                    "ORDER BY e.at DESC, e.id DESC");
    STMT_BIND_INTS(s, 1, filter->domain_id, part->hour.from_at, part->hour.before_at, filter->types, part->limit, part->skip);
    return rows_collect(s, a, sizeof(struct event_row), event_fill_row, ret);
}

/* Hour by hour of those that have the page. */
static enum status list_rolled(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t offset, int limit,
                               struct event_row_list *ret) {
    struct rollup_page page;
    const struct rollup_slice slice = {event_period_of(filter), filter->types, offset, limit};
    struct event_row_list list = {.items = arena_array(a, (size_t)limit + 1, sizeof *list.items)};
    enum status status = rollup_kept(tx, &slice.period, filter->types, &list.total);
    if (status == STATUS_OK) status = rollup_find_page(tx, a, &slice, &page);
    for (size_t i = 0; status == STATUS_OK && i < page.count; i++) {
        struct row_list rows;
        const struct part part = {page.hours[i], i ? 0 : page.skip, limit - (int64_t)list.count};
        status = list_hour(tx, a, filter, &part, &rows);
        if (status != STATUS_OK) break;
        if (rows.count) memcpy(list.items + list.count, rows.items, rows.count * sizeof *list.items);
        list.count += rows.count;
    }
    if (status == STATUS_OK) *ret = list;
    return status;
}

enum status event_list(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t offset, int limit,
                       struct event_row_list *ret) {
    bool is_counted = !filter->message_id && !filter->condition;
    return (is_counted ? list_rolled : list_found)(tx, a, filter, offset, limit, ret);
}
