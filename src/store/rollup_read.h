/* rollup_read.h - the roll-ups read: sums of a period, whole or for each value of a field, and where in time a page of events is.
 *
 * A period is cut into whole days, the whole hours around them, and what is left: less than an hour at either end (a day, of
 * fields that are kept by day only), which is counted event by event. Those must still be there to be counted, so of times
 * whose events have gone only whole hours or days are exact. LIMIT: an end holds more than ROLLUP_EDGE_MAX events, or the values
 * of all the days are more than ROLLUP_ROWS_MAX: three years of a domain that writes to a thousand others each day.
 * On a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_ROLLUP_READ_H
#define POSTHORN_STORE_ROLLUP_READ_H

#include "store/rollup.h"

#define ROLLUP_EDGE_MAX INT64_C(200000)
#define ROLLUP_ROWS_MAX INT64_C(1000000) /* a second's work */

struct rollup_counts {
    int64_t n[ROLLUP_COUNTER_COUNT];
};
WARN_UNUSED enum status rollup_sum(struct db *tx, const struct event_period *period, struct rollup_counts *ret);

enum rollup_by {
    ROLLUP_BY_DAY,
    ROLLUP_BY_HOUR,
    ROLLUP_BY_TAG, /* a message with two tags counts for both */
    ROLLUP_BY_RECIPIENT_DOMAIN,
    ROLLUP_BY_LINK,
    ROLLUP_BY_BOUNCE_CLASS,
    ROLLUP_BY_DEVICE,
    ROLLUP_BY_COUNTRY,
    ROLLUP_BY_DOMAIN, /* of the sender */
};
struct rollup_row {
    struct str value;  /* "" by day, hour and domain */
    int64_t at;        /* when the day or hour begins; 0 else */
    int64_t domain_id; /* by domain */
    int64_t people;    /* events of the types asked for, without what machines did */
    struct rollup_counts counts;
};
struct rollup_list {
    struct rollup_row *items;
    size_t count;
};
/* Domains that an account has or had, with after_id < id <= last_id. */
struct rollup_among {
    int64_t account_id, after_id, last_id;
};
struct rollup_query {
    struct event_period period;
    const struct rollup_among *among; /* these together, in the period, whatever its domain; NULL: the period's */
    enum rollup_by by;
    int64_t types;    /* EVENT_BIT()s that `people` adds up; 0: all */
    bool keeps_zeros; /* of values that have events, none of them such */
    bool is_brief;    /* nobody asks for counts: they are 0 */
    int limit;
};
/* Most people first, equals by their value (bytes) or time, at most `limit`. */
WARN_UNUSED enum status rollup_group(struct db *tx, struct arena *a, const struct rollup_query *query, struct rollup_list *ret);

/* How many events of those types (0: all), machines' too, can still be listed. */
WARN_UNUSED enum status rollup_kept(struct db *tx, const struct event_period *period, int64_t types, int64_t *ret);

/* The hours that have the events number `offset` to `offset + limit - 1` of those, counted from the newest: newest first, none
 * outside the period, `skip` of the first to be left out. So a page is found without walking over the ones before it. */
struct rollup_hour {
    int64_t from_at, before_at;
};
struct rollup_page {
    struct rollup_hour *hours;
    size_t count;
    int64_t skip;
};
struct rollup_slice {
    struct event_period period;
    int64_t types;
    int64_t offset;
    int limit;
};
WARN_UNUSED enum status rollup_find_page(struct db *tx, struct arena *a, const struct rollup_slice *slice,
                                         struct rollup_page *ret);

/* Domains that ever had an event, whether they are there or not. */
struct rollup_domain_list {
    int64_t *items; /* ids, ascending */
    size_t count;
};
WARN_UNUSED enum status rollup_domain_list(struct db *tx, struct arena *a, int64_t account_id, struct rollup_domain_list *ret);
/* The same with all domains that the account has now, and their names: up to `limit` behind after_id, in order of id. */
struct rollup_domain {
    int64_t id;
    struct str name;
    bool is_deleted;
};
struct rollup_domain_page {
    struct rollup_domain *items;
    size_t count;
};
WARN_UNUSED enum status rollup_domain_page(struct db *tx, struct arena *a, int64_t account_id, int64_t after_id, int limit,
                                           struct rollup_domain_page *ret);

#endif
