/* event_stats.c - see event_stats.h: counters of the roll-ups in the words of statistics.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_stats.h"

#include <stdlib.h>

static struct event_counts counts_of(const struct rollup_counts *rolled) {
    const int64_t *n = rolled->n;
    return (struct event_counts){{
        [COUNT_SENT] = n[ROLLUP_OF(EVENT_SEND)],
        [COUNT_DELIVERED] = n[ROLLUP_OF(EVENT_DELIVERY)],
        [COUNT_BOUNCED] = n[ROLLUP_OF(EVENT_BOUNCE)],
        [COUNT_HARD_BOUNCED] = n[ROLLUP_HARD_BOUNCE],
        [COUNT_DEFERRED] = n[ROLLUP_OF(EVENT_DEFERRED)],
        [COUNT_FAILED] = n[ROLLUP_OF(EVENT_FAILED)],
        [COUNT_SUPPRESSED] = n[ROLLUP_OF(EVENT_SUPPRESSED)],
        [COUNT_OPENED] = n[ROLLUP_FIRST_OPEN],
        [COUNT_OPENED_TOTAL] = n[ROLLUP_OF(EVENT_OPEN)] - n[ROLLUP_MACHINE_OPEN],
        [COUNT_CLICKED] = n[ROLLUP_FIRST_CLICK],
        [COUNT_CLICKED_TOTAL] = n[ROLLUP_OF(EVENT_CLICK)] - n[ROLLUP_MACHINE_CLICK],
        [COUNT_UNSUBSCRIBED] = n[ROLLUP_FIRST_UNSUBSCRIBE],
        [COUNT_COMPLAINED] = n[ROLLUP_FIRST_COMPLAINT],
    }};
}

enum status event_stats(struct db *tx, const struct event_period *period, struct event_counts *ret) {
    struct rollup_counts counts;
    enum status status = rollup_sum(tx, period, &counts);
    if (status == STATUS_OK) *ret = counts_of(&counts);
    return status;
}

static enum status stats_by(struct db *tx, struct arena *a, const struct rollup_query *query, struct event_value_list *ret) {
    struct rollup_list rows;
    enum status status = rollup_group(tx, a, query, &rows);
    if (status != STATUS_OK) return status;
    struct event_value_list list = {arena_array(a, rows.count + 1, sizeof *list.items), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        const struct rollup_row *row = &rows.items[i];
        list.items[i] = (struct event_value_counts){row->value, row->at, row->domain_id, counts_of(&row->counts)};
    }
    *ret = list;
    return STATUS_OK;
}

enum status event_stats_by_tag(struct db *tx, struct arena *a, const struct event_period *period, int limit,
                               struct event_value_list *ret) {
    const struct rollup_query query = {
        .period = *period, .by = ROLLUP_BY_TAG, .types = EVENT_BIT(EVENT_SEND), .keeps_zeros = true, .limit = limit};
    return stats_by(tx, a, &query, ret);
}

enum status event_stats_by_recipient_domain(struct db *tx, struct arena *a, const struct event_period *period, int limit,
                                            struct event_value_list *ret) {
    const struct rollup_query query = {.period = *period,
                                       .by = ROLLUP_BY_RECIPIENT_DOMAIN,
                                       .types = EVENT_BIT(EVENT_DELIVERY),
                                       .keeps_zeros = true,
                                       .limit = limit};
    return stats_by(tx, a, &query, ret);
}

static int compare_days(const void *x, const void *y) {
    const struct event_value_counts *a = x, *b = y;
    return (a->at > b->at) - (a->at < b->at);
}

enum status event_stats_by_day(struct db *tx, struct arena *a, const struct event_period *period,
                               const struct rollup_among *among, struct event_value_list *ret) {
    const struct rollup_query query = {
        .period = *period, .among = among, .by = ROLLUP_BY_DAY, .keeps_zeros = true, .limit = EVENT_STATS_DAYS_MAX};
    enum status status = stats_by(tx, a, &query, ret);
    if (status == STATUS_OK && ret->count) qsort(ret->items, ret->count, sizeof *ret->items, compare_days);
    return status;
}

enum status event_stats_by_domain(struct db *tx, struct arena *a, const struct event_period *period,
                                  const struct rollup_among *among, struct event_value_list *ret) {
    const struct rollup_query query = {.period = *period,
                                       .among = among,
                                       .by = ROLLUP_BY_DOMAIN,
                                       .types = EVENT_BIT(EVENT_SEND),
                                       .keeps_zeros = true,
                                       .limit = EVENT_STATS_DOMAINS_MAX};
    return stats_by(tx, a, &query, ret);
}
