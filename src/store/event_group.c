/* event_group.c - see event_group.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_group.h"

#include "store/event_facts.h"
#include "store/event_own.h"
#include "store/rollup_read.h"
#include "store/rows.h"

#include <stdlib.h>

static void fill_text(struct stmt *s, struct arena *a, void *item) {
    *(struct event_bucket *)item = (struct event_bucket){.key = row_text(s, a, 0), .count = stmt_int(s, 1)};
}

static void fill_type(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    struct str noun = str_from_z(event_noun((enum event_type)stmt_int(s, 0)));
    *(struct event_bucket *)item = (struct event_bucket){.key = noun, .count = stmt_int(s, 1)};
}

static void fill_day(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct event_bucket *)item = (struct event_bucket){.at = stmt_int(s, 0) * 86400000, .count = stmt_int(s, 1)};
}

static void fill_hour(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct event_bucket *)item = (struct event_bucket){.at = stmt_int(s, 0) * 3600000, .count = stmt_int(s, 1)};
}

static row_fill_fn fill_of(enum event_field field) {
    if (field == EVENT_FIELD_TYPE) return fill_type;
    if (field == EVENT_FIELD_DAY) return fill_day;
    return field == EVENT_FIELD_HOUR ? fill_hour : fill_text;
}

static int compare_buckets(const void *x, const void *y) {
    const struct event_bucket *a = x, *b = y;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    return a->at != b->at ? (a->at < b->at ? -1 : 1) : str_cmp(a->key, b->key);
}

static struct event_bucket_list sorted(struct event_bucket_list list, int limit) {
    if (list.count) qsort(list.items, list.count, sizeof *list.items, compare_buckets);
    if (list.count > (size_t)limit) list.count = (size_t)limit;
    return list;
}

static bool is_about_machines(const struct event_filter *filter, enum event_field field) {
    const struct event_condition *condition = filter->condition;
    for (size_t i = 0; condition && i < condition->count; i++)
        if (condition->items[i].op >= EVENT_IS && condition->items[i].field == EVENT_FIELD_BOT) return true;
    return field == EVENT_FIELD_BOT;
}

/* Types are ordered here, for SQL knows their numbers alone; there are fewer of them than the least limit asks for. */
static enum status group_events(struct db *tx, struct arena *a, const struct event_filter *filter, enum event_field field,
                                int limit, struct event_bucket_list *ret) {
    const char *column = event_column(field);
    SENTENCE_AUTO q = {.arena = a, .is_sqlite = db_is_sqlite(tx)};
    enum status status = event_check_work(tx, a, filter, event_cost_of(field));
    if (status != STATUS_OK) return status;
    event_facts_add(&q.sql, tx);
    buf_addf(&q.sql, "SELECT %s, count(*) FROM event_facts f", column);
    if (field == EVENT_FIELD_TAG) sentence_add(&q, " JOIN event_tags t ON t.message_id = f.message_id");
    event_add_where(&q, filter);
    if (!event_is_number(field)) buf_addf(&q.sql, " AND %s <> ''", column);
    if (!is_about_machines(filter, field)) sentence_add(&q, " AND f.is_machine = 0");
    sentence_add(&q, " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ");
    sentence_add_int(&q, field == EVENT_FIELD_TYPE ? EVENT_TYPE_COUNT : limit);
    struct event_bucket_list list;
    status = rows_collect(sentence_stmt(tx, &q), a, sizeof(struct event_bucket), fill_of(field), &list);
    if (status == STATUS_OK) *ret = sorted(list, limit);
    return status;
}

/* ---- groups out of the roll-ups ---- */
#define NOT_ROLLED (-1)
static int rolled_by(enum event_field field) {
    static const struct {
        enum event_field field;
        enum rollup_by by;
    } rolled[] = {
        {EVENT_FIELD_DAY, ROLLUP_BY_DAY},       {EVENT_FIELD_HOUR, ROLLUP_BY_HOUR},
        {EVENT_FIELD_TAG, ROLLUP_BY_TAG},       {EVENT_FIELD_RECIPIENT_DOMAIN, ROLLUP_BY_RECIPIENT_DOMAIN},
        {EVENT_FIELD_LINK, ROLLUP_BY_LINK},     {EVENT_FIELD_BOUNCE_CLASS, ROLLUP_BY_BOUNCE_CLASS},
        {EVENT_FIELD_DEVICE, ROLLUP_BY_DEVICE}, {EVENT_FIELD_COUNTRY, ROLLUP_BY_COUNTRY},
    };
    for (size_t i = 0; i < sizeof rolled / sizeof rolled[0]; i++)
        if (rolled[i].field == field) return (int)rolled[i].by;
    return NOT_ROLLED;
}

static enum status group_rolled(struct db *tx, struct arena *a, const struct event_filter *filter, enum rollup_by by, int limit,
                                struct event_bucket_list *ret) {
    struct rollup_list rows;
    const struct rollup_query query = {.period = event_period_of(filter), .by = by, .types = filter->types, .limit = limit};
    enum status status = rollup_group(tx, a, &query, &rows);
    if (status != STATUS_OK) return status;
    struct event_bucket_list list = {arena_array(a, rows.count + 1, sizeof *list.items), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        const struct rollup_row *row = &rows.items[i];
        list.items[i] = (struct event_bucket){.key = row->value, .at = row->at, .count = row->people};
    }
    *ret = sorted(list, limit);
    return STATUS_OK;
}

static enum status group_types(struct db *tx, struct arena *a, const struct event_filter *filter, int limit,
                               struct event_bucket_list *ret) {
    struct rollup_counts counts;
    const struct event_period period = event_period_of(filter);
    struct event_bucket_list list = {arena_array(a, EVENT_TYPE_COUNT, sizeof *list.items), 0};
    enum status status = rollup_sum(tx, &period, &counts);
    if (status != STATUS_OK) return status;
    counts.n[ROLLUP_OF(EVENT_OPEN)] -= counts.n[ROLLUP_MACHINE_OPEN];
    counts.n[ROLLUP_OF(EVENT_CLICK)] -= counts.n[ROLLUP_MACHINE_CLICK];
    for (int type = EVENT_SEND; type < EVENT_TYPE_COUNT; type++) {
        int64_t count = counts.n[ROLLUP_OF(type)];
        bool is_asked = !filter->types || (filter->types & EVENT_BIT(type));
        if (!count || !is_asked) continue;
        list.items[list.count++] = (struct event_bucket){.key = str_from_z(event_noun((enum event_type)type)), .count = count};
    }
    *ret = sorted(list, limit);
    return STATUS_OK;
}

enum status event_group(struct db *tx, struct arena *a, const struct event_filter *filter, enum event_field field, int limit,
                        struct event_bucket_list *ret) {
    int by = rolled_by(field);
    bool is_counted = !filter->message_id && !filter->condition;
    if (is_counted && field == EVENT_FIELD_TYPE) return group_types(tx, a, filter, limit, ret);
    if (is_counted && by != NOT_ROLLED) return group_rolled(tx, a, filter, (enum rollup_by)by, limit, ret);
    return group_events(tx, a, filter, field, limit, ret);
}
