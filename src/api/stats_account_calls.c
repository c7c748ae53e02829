/* stats_account_calls.c - EmailGateway.AccountStats and DailySeries, and their twins. Domains are read a slice at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/event_calls.h"
#include "api/stats_calls.h"
#include "api/stats_show.h"

#include <stdlib.h>

#define IDS_MAX 1000

enum status stats_ask_domain(struct call *c, struct db *db, bool needs_one, int64_t *ret_domain_id) {
    struct domain domain;
    int64_t asked = call_number(c, "DomainID", 0), keys = c->scope.domain_id;
    *ret_domain_id = keys;
    if (!asked) return needs_one && keys == SCOPE_ANY ? call_refuse(c, 1) : STATUS_OK;
    if (keys != SCOPE_ANY) return asked == keys ? STATUS_OK : call_refuse(c, 2);
    enum status status = domain_get(db, c->arena, c->scope.account_id, asked, &domain);
    if (status == STATUS_OK) *ret_domain_id = domain.id;
    return status == STATUS_NOT_FOUND ? call_refuse(c, 2) : status;
}

/* ---- an account ---- */
static int compare_ids(const void *x, const void *y) {
    const int64_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static void ask_ids(struct call *c, struct stats_account *account) {
    struct str text = call_text(c, "DomainIDs", (struct str){0}), part;
    int64_t *ids = arena_array(c->arena, IDS_MAX, sizeof *ids);
    if (!call_arg(c, "DomainIDs")->is_given) return;
    while (str_next(&text, ',', &part)) {
        int64_t id = 0;
        bool is_id = account->only_count < IDS_MAX && str_to_i64(str_trim(part), &id) && id > 0;
        if (is_id) ids[account->only_count++] = id;
        if (!is_id) {
            call_refuse_say(c, STR("DomainIDs"), "DomainIDs is a list of at most 1000 ids with commas between them");
            return;
        }
    }
    qsort(ids, account->only_count, sizeof *ids, compare_ids);
    account->only = ids;
}

/* A key sees its domain, whatever is asked for; there is no need to walk to it past others. */
static void narrow(const struct call *c, struct stats_account *account) {
    const int64_t *keys = &c->scope.domain_id;
    if (*keys == SCOPE_ANY) return;
    bool is_asked = !account->only || bsearch(keys, account->only, account->only_count, sizeof *keys, compare_ids);
    account->only = keys;
    account->only_count = is_asked ? 1 : 0;
    account->after_id = *keys - 1;
}

enum status stats_calls_check_account(struct call *c, struct db *db) {
    (void)db;
    struct stats_account *account = ARENA_NEW(c->arena, struct stats_account);
    struct event_period period = {0};
    c->state = account;
    ask_ids(c, account);
    if (!stats_ask_period(c, STATS_DAYS_MONTH, &period)) return STATUS_OK;
    account->from_at = period.from_at;
    account->before_at = period.before_at;
    account->account_id = c->scope.account_id;
    narrow(c, account);
    return STATUS_OK;
}

static void show_domain(struct json_writer *w, const struct stats_domain *item) {
    json_open_object(w);
    json_add_i64(w, STR("DomainID"), item->domain.id);
    json_add_str(w, STR("SenderDomain"), item->domain.name);
    json_add_bool(w, STR("IsDeleted"), item->domain.is_deleted);
    stats_show_counts(w, &item->counts);
    json_close_object(w);
}

enum status stats_calls_account(struct call *c, struct db *db) {
    struct stats_account *account = c->state;
    const struct event_period period = {0, account->from_at, account->before_at};
    enum status status = stats_account_next(db, c->arena, account);
    if (status != STATUS_OK) return event_calls_refuse_many(c, status);
    if (!account->is_complete && c->scope.domain_id == SCOPE_ANY) {
        call_again(c);
        return STATUS_OK;
    }
    struct json_writer *w = call_open(c);
    stats_show_period(w, &period);
    stats_show_named(w, STR("Totals"), &account->compared.counts);
    stats_show_named(w, STR("ComparisonTotals"), &account->compared.previous);
    json_add_i64(w, STR("DomainCount"), account->domain_count);
    json_add_array(w, STR("PerDomain"));
    for (size_t i = 0; i < account->count; i++) show_domain(w, &account->items[i]);
    json_close_array(w);
    return call_close(c);
}

/* ---- days ---- */
enum status stats_calls_check_days(struct call *c, struct db *db) {
    (void)db;
    struct stats_series *series = ARENA_NEW(c->arena, struct stats_series);
    c->state = series;
    series->account_id = c->scope.account_id;
    if (!stats_ask_period(c, STATS_DAYS_MONTH, &series->period)) return STATUS_OK;
    if ((series->period.before_at - series->period.from_at) / CLOCK_DAY_MS < EVENT_STATS_DAYS_MAX) return STATUS_OK;
    return call_refuse_say(c, STR("StartDate"), "A series has less than 4000 days: narrow StartDate and EndDate");
}

enum status stats_calls_days_domain(struct call *c, struct db *db) {
    struct stats_series *series = c->state;
    int64_t domain_id;
    enum status status = stats_ask_domain(c, db, false, &domain_id);
    series->period.domain_id = domain_id == SCOPE_ANY ? 0 : domain_id;
    return status;
}

enum status stats_calls_days(struct call *c, struct db *db) {
    struct stats_series *series = c->state;
    enum status status = stats_series_next(db, c->arena, series);
    if (status != STATUS_OK) return event_calls_refuse_many(c, status);
    if (!series->is_complete) {
        call_again(c);
        return STATUS_OK;
    }
    struct json_writer *w = call_open(c);
    stats_show_period(w, &series->period);
    json_add_object(w, STR("Series"));
    for (size_t i = 0; i < series->count; i++) {
        BUF_AUTO day = {0};
        if (!series->days[i].at) continue;
        time_add_sql(&day, series->days[i].at);
        stats_show_named(w, str_sub(buf_str(&day), 0, STR("YYYY-MM-DD").n), &series->days[i].counts);
    }
    json_close_object(w);
    return call_close(c);
}
