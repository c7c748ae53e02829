/* stats.c - see stats.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/stats.h"

#include "base/clock.h"

#include <stdlib.h>

#define TIMED_SLICE 100 /* recipient domains, each read day by day */

static struct event_period period_before(const struct event_period *period) {
    return (struct event_period){period->domain_id, period->from_at - (period->before_at - period->from_at), period->from_at};
}

enum status stats_compare(struct db *tx, const struct event_period *period, struct stats_compared *ret) {
    struct stats_compared compared;
    struct event_period previous = period_before(period);
    enum status status = event_stats(tx, period, &compared.counts);
    if (status == STATUS_OK) status = event_stats(tx, &previous, &compared.previous);
    if (status == STATUS_OK) *ret = compared;
    return status;
}

static void add_counts(struct event_counts *sum, const struct event_counts *more) {
    for (int i = 0; i < EVENT_COUNTER_COUNT; i++) sum->n[i] += more->n[i];
}

/* ---- an account ---- */
static int compare_ids(const void *x, const void *y) {
    const int64_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static bool is_wanted(const struct stats_account *account, int64_t id) {
    return !account->only || bsearch(&id, account->only, account->only_count, sizeof id, compare_ids);
}

static struct event_counts counts_of(const struct event_value_list *list, int64_t domain_id) {
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].domain_id == domain_id) return list->items[i].counts;
    return (struct event_counts){{0}};
}

static int compare_domains(const void *x, const void *y) {
    const struct stats_domain *a = x, *b = y;
    int64_t m = a->counts.n[COUNT_SENT], n = b->counts.n[COUNT_SENT];
    if (m != n) return m > n ? -1 : 1;
    return (a->domain.id > b->domain.id) - (a->domain.id < b->domain.id);
}

static void take_slice(struct stats_account *account, const struct rollup_domain_page *page, const struct event_value_list *now,
                       const struct event_value_list *before) {
    for (size_t i = 0; i < page->count; i++) {
        const struct rollup_domain *domain = &page->items[i];
        if (!is_wanted(account, domain->id)) continue;
        const struct stats_domain item = {*domain, counts_of(now, domain->id)},
                                  previous = {*domain, counts_of(before, domain->id)};
        add_counts(&account->compared.counts, &item.counts);
        add_counts(&account->compared.previous, &previous.counts);
        account->items[account->count++] = item;
        account->domain_count++;
    }
    if (account->count) qsort(account->items, account->count, sizeof *account->items, compare_domains);
    if (account->count > STATS_DOMAINS_MAX) account->count = STATS_DOMAINS_MAX;
}

enum status stats_account_next(struct db *tx, struct arena *a, struct stats_account *account) {
    struct rollup_domain_page page;
    struct event_value_list now, before;
    const struct event_period period = {0, account->from_at, account->before_at}, previous = period_before(&period);
    struct rollup_among among = {account->account_id, account->after_id, INT64_MAX};
    enum status status = rollup_domain_page(tx, a, account->account_id, account->after_id, STATS_SLICE, &page);
    if (status != STATUS_OK) return status;
    if (page.count == STATS_SLICE) among.last_id = page.items[page.count - 1].id;
    status = event_stats_by_domain(tx, a, &period, &among, &now);
    if (status == STATUS_OK) status = event_stats_by_domain(tx, a, &previous, &among, &before);
    if (status != STATUS_OK) return status;
    if (!account->items) account->items = arena_array(a, STATS_DOMAINS_MAX + STATS_SLICE, sizeof *account->items);
    take_slice(account, &page, &now, &before);
    account->after_id = among.last_id;
    account->is_complete = page.count < STATS_SLICE;
    return STATUS_OK;
}

/* ---- days ---- */
static void take_days(struct stats_series *series, const struct event_value_list *list) {
    int64_t first = series->period.from_at / CLOCK_DAY_MS;
    for (size_t i = 0; i < list->count; i++) {
        size_t k = (size_t)(list->items[i].at / CLOCK_DAY_MS - first);
        if (k >= series->count) continue;
        series->days[k].at = list->items[i].at;
        add_counts(&series->days[k].counts, &list->items[i].counts);
    }
}

/* The next domains of the account, and whether they are the last. */
static enum status next_domains(struct db *tx, struct arena *a, struct stats_series *series, struct rollup_among *ret) {
    struct rollup_domain_page page;
    enum status status = rollup_domain_page(tx, a, series->account_id, series->after_id, STATS_SLICE, &page);
    if (status != STATUS_OK) return status;
    series->is_complete = page.count < STATS_SLICE;
    *ret = (struct rollup_among){series->account_id, series->after_id,
                                 series->is_complete ? INT64_MAX : page.items[page.count - 1].id};
    return STATUS_OK;
}

enum status stats_series_next(struct db *tx, struct arena *a, struct stats_series *series) {
    struct event_value_list list;
    struct rollup_among among;
    const struct event_period *period = &series->period;
    enum status status = STATUS_OK;
    if (!series->days) {
        series->count = (size_t)((period->before_at - 1) / CLOCK_DAY_MS - period->from_at / CLOCK_DAY_MS + 1);
        series->days = arena_array(a, series->count, sizeof *series->days);
    }
    if (period->domain_id)
        series->is_complete = true;
    else
        status = next_domains(tx, a, series, &among);
    if (status == STATUS_OK) status = event_stats_by_day(tx, a, period, period->domain_id ? NULL : &among, &list);
    if (status != STATUS_OK) return status;
    take_days(series, &list);
    if (!series->is_complete) series->after_id = among.last_id;
    return STATUS_OK;
}

/* ---- where mail went ---- */
static enum status list_domains(struct db *tx, struct arena *a, struct stats_recipient_domains *domains) {
    struct event_value_list list;
    enum status status = event_stats_by_recipient_domain(tx, a, &domains->period, domains->limit, &list);
    if (status != STATUS_OK) return status;
    domains->items = arena_array(a, list.count + 1, sizeof *domains->items);
    domains->count = list.count;
    for (size_t i = 0; i < list.count; i++) {
        domains->items[i].name = list.items[i].value;
        domains->items[i].counts = list.items[i].counts;
    }
    return STATUS_OK;
}

static int64_t sending_of(const struct stats_recipient_domain *d) {
    int64_t left = d->counts.n[COUNT_SENT] - d->times[ROLLUP_DELIVERED].letters - d->times[ROLLUP_NOT_DELIVERED].letters;
    return left > 0 ? left : 0; /* what was taken in before the period ended in it */
}

enum status stats_recipient_domains_next(struct db *tx, struct arena *a, struct stats_recipient_domains *domains) {
    enum status status = domains->items ? STATUS_OK : list_domains(tx, a, domains);
    for (int i = 0; status == STATUS_OK && i < TIMED_SLICE && domains->timed < domains->count; i++) {
        struct stats_recipient_domain *d = &domains->items[domains->timed];
        status = rollup_times_read(tx, &domains->period, d->name, d->times);
        if (status != STATUS_OK) return status;
        d->sending = sending_of(d);
        domains->timed++;
    }
    domains->is_complete = status == STATUS_OK && domains->timed == domains->count;
    return status;
}

int64_t stats_rate(int64_t part, int64_t whole) {
    return whole ? (part * 20000 + whole) / (whole * 2) : 0;
}
