/* event_list.c - see event_list.h. What the roll-ups have counted is found by them, the rest by a sentence of SQL.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_list.h"

#include "store/event_facts.h"
#include "store/event_own.h"
#include "store/rollup_read.h"
#include "store/rows.h"

#include <string.h>

#define ROW_COST 4 /* of a row that is walked by, against one of those found, which are read in an index */

static enum status count_all(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t *ret) {
    SENTENCE_AUTO q = {.arena = a, .is_sqlite = db_is_sqlite(tx)};
    event_facts_add(&q.sql, tx);
    sentence_add(&q, "SELECT count(*)");
    event_add_source(&q, filter, EVENT_FIELD_COUNT);
    event_add_where(&q, filter, EVENT_FIELD_COUNT);
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

struct page {
    struct event_place after; /* or EVENT_PLACE_NEWEST */
    int64_t offset;
    int limit;
    bool is_sorted;   /* what words lead to is taken whole and sorted, and the index by time kept out of it */
    int64_t since_at; /* a walk goes no further back; 0: as far as it must */
};

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Up to the place, and events of its very instant. */
static struct event_filter filter_up_to(const struct event_filter *filter, struct event_place place) {
    struct event_filter narrowed = *filter;
    if (place.at < INT64_MAX) narrowed.before_at = least(filter->before_at ? filter->before_at : INT64_MAX, place.at + 1);
    return narrowed;
}

/* The page's ids first, so that what is skipped is never read whole. */
static void add_page(struct sentence *q, const struct event_filter *filter, const struct page *page) {
    struct event_filter narrowed = filter_up_to(filter, page->after);
    if (page->since_at > narrowed.from_at) narrowed.from_at = page->since_at;
    sentence_add(
        q, "SELECT f.id, f.at, f.type, f.account_id, f.domain_id, f.message_id, f.recipient_id, f.recipient, f.detail, f.uuid, "
           "f.sender, f.subject, f.tags, f.metadata FROM event_facts f WHERE f.id IN (SELECT f.id");
    event_add_source(q, filter, EVENT_FIELD_COUNT);
    event_add_where(q, &narrowed, EVENT_FIELD_COUNT);
    sentence_add(q, " AND (+f.at < ");
    sentence_add_int(q, page->after.at);
    sentence_add(q, " OR f.id < ");
    sentence_add_int(q, page->after.id);
    sentence_add(q, page->is_sorted ? ") ORDER BY +f.at DESC, f.id DESC LIMIT " : ") ORDER BY f.at DESC, f.id DESC LIMIT ");
    sentence_add_int(q, page->limit);
    sentence_add(q, " OFFSET ");
    sentence_add_int(q, page->offset);
    sentence_add(q, ") ORDER BY f.at DESC, f.id DESC");
}

/* To sort all that was found, or to walk from the newest till the page is full: that looks at rows, of which the more lie between
 * the less is found. A walk ends where it should have filled the page four times over, for what is found may lie far back. */
static enum status choose_road(struct db *tx, const struct event_filter *filter, int64_t total, struct page *page) {
    const struct event_filter narrowed = filter_up_to(filter, page->after);
    const struct event_period period = event_period_of(filter), walked = event_period_of(&narrowed);
    int64_t kept = 0, rows = (page->offset + page->limit) * ROW_COST;
    page->is_sorted = filter->message_id || event_is_led(filter, db_is_sqlite(tx));
    if (!page->is_sorted || filter->message_id || rows >= total) return STATUS_OK;
    enum status status = rollup_kept(tx, &period, 0, &kept);
    if (status != STATUS_OK || rows * (kept / total) >= total) return status;
    struct stmt *s = db_stmt(tx, "SELECT at FROM events WHERE domain_id = ?1 AND at >= ?2 AND at < ?3 ORDER BY at DESC "
                                 "LIMIT 1 OFFSET ?4");
    STMT_BIND_INTS(s, 1, walked.domain_id, walked.from_at, walked.before_at, rows * (kept / total));
    status = row_int(s, &page->since_at);
    page->is_sorted = false;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status read_page(struct db *tx, struct arena *a, const struct event_filter *filter, const struct page *page,
                             struct row_list *ret) {
    SENTENCE_AUTO q = {.arena = a, .is_sqlite = db_is_sqlite(tx), .is_by_time = !page->is_sorted};
    event_facts_add(&q.sql, tx);
    add_page(&q, filter, page);
    return rows_collect(sentence_stmt(tx, &q), a, sizeof(struct event_row), event_fill_row, ret);
}

static enum status list_found(struct db *tx, struct arena *a, const struct event_filter *filter, const struct page *page,
                              struct event_row_list *ret) {
    struct page chosen = *page;
    int64_t total = 0;
    struct row_list rows;
    enum status status = event_count_led(tx, a, filter, &total);
    if (status == STATUS_NOT_FOUND) {
        status = event_check_work(tx, a, filter);
        if (status == STATUS_OK) status = count_all(tx, a, filter, &total);
    }
    if (status == STATUS_OK) status = choose_road(tx, filter, total, &chosen);
    if (status == STATUS_OK) status = read_page(tx, a, filter, &chosen, &rows);
    if (status == STATUS_OK && chosen.since_at && rows.count < (size_t)page->limit) {
        chosen.is_sorted = true;
        chosen.since_at = 0;
        status = read_page(tx, a, filter, &chosen, &rows);
    }
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

/* How many of the place's instant are not behind it. */
static enum status count_before(struct db *tx, const struct event_filter *filter, struct event_place place, int64_t *ret) {
    *ret = 0;
    if (place.at == INT64_MAX) return STATUS_OK;
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM events WHERE domain_id = ?1 AND at = ?2 AND id >= ?3 "
                                 "AND (?4 = 0 OR (?4 & (CAST(1 AS BIGINT) << CAST(type AS INTEGER))) <> 0)");
    STMT_BIND_INTS(s, 1, filter->domain_id, place.at, place.id, filter->types);
    return row_int(s, ret);
}

/* Hour by hour of those that have the page. */
static enum status list_rolled(struct db *tx, struct arena *a, const struct event_filter *filter, const struct page *page,
                               struct event_row_list *ret) {
    struct rollup_page hours;
    const struct event_filter narrowed = filter_up_to(filter, page->after);
    const struct event_period whole = event_period_of(filter);
    struct rollup_slice slice = {event_period_of(&narrowed), filter->types, page->offset, page->limit};
    struct event_row_list list = {.items = arena_array(a, (size_t)page->limit + 1, sizeof *list.items)};
    int64_t before = 0;
    enum status status = rollup_kept(tx, &whole, filter->types, &list.total);
    if (status == STATUS_OK) status = count_before(tx, filter, page->after, &before);
    slice.offset += before;
    if (status == STATUS_OK) status = rollup_find_page(tx, a, &slice, &hours);
    for (size_t i = 0; status == STATUS_OK && i < hours.count; i++) {
        struct row_list rows;
        const struct part part = {hours.hours[i], i ? 0 : hours.skip, page->limit - (int64_t)list.count};
        status = list_hour(tx, a, filter, &part, &rows);
        if (status != STATUS_OK) break;
        if (rows.count) memcpy(list.items + list.count, rows.items, rows.count * sizeof *list.items);
        list.count += rows.count;
    }
    if (status == STATUS_OK) *ret = list;
    return status;
}

static enum status list_page(struct db *tx, struct arena *a, const struct event_filter *filter, const struct page *page,
                             struct event_row_list *ret) {
    bool is_counted = !filter->message_id && !filter->condition;
    return (is_counted ? list_rolled : list_found)(tx, a, filter, page, ret);
}

enum status event_list(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t offset, int limit,
                       struct event_row_list *ret) {
    const struct page page = {EVENT_PLACE_NEWEST, offset, limit};
    return list_page(tx, a, filter, &page, ret);
}

enum status event_list_after(struct db *tx, struct arena *a, const struct event_filter *filter, struct event_place place,
                             int limit, struct event_row_list *ret) {
    const struct page page = {place, 0, limit};
    return list_page(tx, a, filter, &page, ret);
}
