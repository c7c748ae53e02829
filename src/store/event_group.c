/* event_group.c - see event_group.h. What is rolled up is read from there; the rest is counted (event_count.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_group.h"

#include "store/event_count.h"
#include "store/event_own.h"
#include "store/rollup_read.h"
#include "store/rows.h"

#include <stdlib.h>

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
    const struct rollup_query query = {
        .period = event_period_of(filter), .by = by, .types = filter->types, .is_brief = true, .limit = limit};
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

static bool find_rolled(struct db *tx, struct arena *a, const struct event_grouping *g, struct event_bucket_list *ret,
                        enum status *ret_status) {
    int by = rolled_by(g->field);
    if (g->filter.message_id || g->filter.condition || (by == NOT_ROLLED && g->field != EVENT_FIELD_TYPE)) return false;
    *ret_status = g->field == EVENT_FIELD_TYPE ? group_types(tx, a, &g->filter, g->limit, ret)
                                               : group_rolled(tx, a, &g->filter, (enum rollup_by)by, g->limit, ret);
    return true;
}

/* ---- groups of events that are looked at ---- */
static enum status begin(struct db *tx, struct event_grouping *g) {
    g->count = calloc(1, sizeof *g->count);
    if (!g->count) abort();
    g->count->filter = g->filter;
    g->count->field = g->field;
    return event_count_begin(tx, g->count);
}

/* Types are few, and sorted by names that the store's numbers know nothing of. */
static enum status read_top(struct db *tx, struct arena *a, const struct event_grouping *g, struct event_bucket_list *ret) {
    bool is_type = g->field == EVENT_FIELD_TYPE;
    struct event_bucket_list list;
    enum status status = event_count_top(tx, a, g->count, is_type ? EVENT_TYPE_COUNT : g->limit, &list);
    if (status == STATUS_OK) *ret = is_type ? sorted(list, g->limit) : list;
    return status;
}

enum status event_group_next(struct db *tx, struct arena *a, struct event_grouping *g, bool *ret_is_end,
                             struct event_bucket_list *ret) {
    enum status status = STATUS_OK;
    bool is_end = !g->count && find_rolled(tx, a, g, ret, &status);
    if (is_end) {
        *ret_is_end = true;
        return status;
    }
    if (!g->count) status = begin(tx, g);
    if (status != STATUS_OK) return status;
    status = event_count_next(tx, g->count, &is_end);
    g->has_many_values = status == STATUS_LIMIT;
    if (status == STATUS_OK && is_end) status = read_top(tx, a, g, ret);
    if (status == STATUS_OK) *ret_is_end = is_end;
    return status;
}

size_t event_group_bytes(const struct event_grouping *g) {
    return g->count ? tally_bytes(&g->count->tally) : 0;
}

void event_group_free(struct event_grouping *g) {
    if (g->count) event_count_fini(g->count);
    free(g->count);
    g->count = NULL;
}

enum status event_group(struct db *tx, struct arena *a, const struct event_filter *filter, enum event_field field, int limit,
                        struct event_bucket_list *ret) {
    struct event_grouping g = {.filter = *filter, .field = field, .limit = limit};
    enum status status = STATUS_OK;
    for (bool is_end = false; status == STATUS_OK && !is_end;) status = event_group_next(tx, a, &g, &is_end, ret);
    event_group_free(&g);
    return status;
}
