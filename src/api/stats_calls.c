/* stats_calls.c - EmailGateway.DomainStats and GET /api/v1/stats.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/event_calls.h"
#include "api/stats_calls.h"

#include "core/stats.h"

struct stats {
    struct event_period period;
    struct stats_compared compared;
};

/* 28 days up to today; one date given says where the other is. */
enum status stats_calls_check(struct call *c, struct db *db) {
    (void)db;
    struct stats *stats = ARENA_NEW(c->arena, struct stats);
    struct event_period *period = &stats->period;
    int64_t tomorrow = c->now - c->now % CLOCK_DAY_MS + CLOCK_DAY_MS;
    const struct arg *from = call_arg(c, "StartDate"), *to = call_arg(c, "EndDate");
    c->state = stats;
    if (!event_calls_dates(c, &period->from_at, &period->before_at)) return STATUS_OK;
    if (!to->is_given) period->before_at = tomorrow;
    if (!from->is_given) period->from_at = period->before_at - STATS_DAYS * CLOCK_DAY_MS;
    if (period->from_at >= period->before_at)
        call_refuse_say(c, STR("StartDate"), "StartDate is after today, and EndDate is missing");
    return STATUS_OK;
}

static void write_rate(struct json_writer *w, const char *name, int64_t part, int64_t whole) {
    BUF_AUTO text = {0};
    int64_t rate = stats_rate(part, whole);
    buf_addf(&text, "%lld.%02lld", (long long)(rate / 100), (long long)(rate % 100));
    json_add_raw(w, str_from_z(name), buf_str(&text));
}

static void write_counts(struct json_writer *w, const struct event_counts *counts) {
    static const char *const names[EVENT_COUNTER_COUNT] = {
        [COUNT_SENT] = "Sent",
        [COUNT_DELIVERED] = "Delivered",
        [COUNT_BOUNCED] = "Bounced",
        [COUNT_HARD_BOUNCED] = "HardBounced",
        [COUNT_DEFERRED] = "Deferred",
        [COUNT_FAILED] = "Failed",
        [COUNT_SUPPRESSED] = "Suppressed",
        [COUNT_OPENED] = "Opened",
        [COUNT_OPENED_TOTAL] = "OpenedTotal",
        [COUNT_CLICKED] = "Clicked",
        [COUNT_CLICKED_TOTAL] = "ClickedTotal",
        [COUNT_UNSUBSCRIBED] = "Unsubscribed",
        [COUNT_COMPLAINED] = "Complained",
    };
    const int64_t *n = counts->n;
    for (int i = 0; i < EVENT_COUNTER_COUNT; i++) {
        json_add_i64(w, str_from_z(names[i]), n[i]);
        if (i == COUNT_HARD_BOUNCED) json_add_i64(w, STR("SoftBounced"), n[COUNT_BOUNCED] - n[COUNT_HARD_BOUNCED]);
    }
    write_rate(w, "DeliveryRate", n[COUNT_DELIVERED], n[COUNT_SENT]);
    write_rate(w, "BounceRate", n[COUNT_BOUNCED], n[COUNT_SENT]);
    write_rate(w, "OpenRate", n[COUNT_OPENED], n[COUNT_DELIVERED]);
    write_rate(w, "ClickRate", n[COUNT_CLICKED], n[COUNT_DELIVERED]);
}

static void write_named(struct json_writer *w, struct str name, const struct event_counts *counts) {
    json_add_object(w, name);
    write_counts(w, counts);
    json_close_object(w);
}

enum status stats_calls_compare(struct call *c, struct db *db) {
    struct stats *stats = c->state;
    enum status status = event_calls_domain(c, db, &stats->period.domain_id);
    if (call_is_over(c, status)) return status;
    return event_calls_refuse_many(c, stats_compare(db, &stats->period, &stats->compared));
}

enum status stats_calls_by_tag(struct call *c, struct db *db) {
    struct stats *stats = c->state;
    struct event_value_list tags;
    enum status status = event_stats_by_tag(db, c->arena, &stats->period, STATS_TAGS_MAX, &tags);
    if (status != STATUS_OK) return event_calls_refuse_many(c, status);
    struct json_writer *w = call_open(c);
    write_named(w, STR("Stats"), &stats->compared.counts);
    json_add_object(w, STR("ComparisonStats"));
    write_named(w, STR("PreviousPeriod"), &stats->compared.previous);
    json_close_object(w);
    json_add_object(w, STR("TagStats"));
    for (size_t i = 0; i < tags.count; i++) write_named(w, tags.items[i].value, &tags.items[i].counts);
    json_close_object(w);
    return call_close(c);
}
