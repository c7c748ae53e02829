/* stats_show.c - see stats_show.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/stats_show.h"

#include "api/event_calls.h"

bool stats_ask_period(struct call *c, int days, struct event_period *ret) {
    int64_t tomorrow = c->now - c->now % CLOCK_DAY_MS + CLOCK_DAY_MS;
    const struct arg *from = call_arg(c, "StartDate"), *to = call_arg(c, "EndDate");
    if (!event_calls_dates(c, &ret->from_at, &ret->before_at)) return false;
    if (!to->is_given) ret->before_at = tomorrow;
    if (!from->is_given) ret->from_at = ret->before_at - days * CLOCK_DAY_MS;
    if (ret->from_at < ret->before_at) return true;
    call_refuse_say(c, STR("StartDate"), "StartDate is after today, and EndDate is missing");
    return false;
}

static void show_time(struct json_writer *w, const char *name, int64_t at) {
    BUF_AUTO text = {0};
    time_add_sql(&text, at);
    json_add_str(w, str_from_z(name), buf_str(&text));
}

void stats_show_period(struct json_writer *w, const struct event_period *period) {
    show_time(w, "StartDate", period->from_at);
    show_time(w, "EndDate", period->before_at - 1);
}

static void show_decimal(struct json_writer *w, const char *name, int64_t number, int places) {
    BUF_AUTO text = {0};
    int64_t one = places == 2 ? 100 : 1000;
    buf_addf(&text, "%lld.%0*lld", (long long)(number / one), places, (long long)(number % one));
    json_add_raw(w, str_from_z(name), buf_str(&text));
}

void stats_show_rate(struct json_writer *w, const char *name, int64_t part, int64_t whole) {
    show_decimal(w, name, stats_rate(part, whole), 2);
}

void stats_show_seconds(struct json_writer *w, const char *name, int64_t ms) {
    show_decimal(w, name, ms, 3);
}

static void show_counts(struct json_writer *w, const char *const names[EVENT_COUNTER_COUNT], const int64_t *n) {
    for (int i = 0; i < EVENT_COUNTER_COUNT; i++) {
        if (names[i]) json_add_i64(w, str_from_z(names[i]), n[i]);
        if (i == COUNT_HARD_BOUNCED) json_add_i64(w, STR("SoftBounced"), n[COUNT_BOUNCED] - n[COUNT_HARD_BOUNCED]);
    }
    stats_show_rate(w, "DeliveryRate", n[COUNT_DELIVERED], n[COUNT_SENT]);
    stats_show_rate(w, "BounceRate", n[COUNT_BOUNCED], n[COUNT_SENT]);
    stats_show_rate(w, "OpenRate", n[COUNT_OPENED], n[COUNT_DELIVERED]);
    stats_show_rate(w, "ClickRate", n[COUNT_CLICKED], n[COUNT_DELIVERED]);
}

#define NAMES_OF(sent, failed)                                                                                                   \
    {                                                                                                                            \
        [COUNT_SENT] = (sent), [COUNT_DELIVERED] = "Delivered", [COUNT_BOUNCED] = "Bounced",                                     \
        [COUNT_HARD_BOUNCED] = "HardBounced", [COUNT_DEFERRED] = "Deferred", [COUNT_FAILED] = (failed),                          \
        [COUNT_SUPPRESSED] = "Suppressed", [COUNT_OPENED] = "Opened", [COUNT_OPENED_TOTAL] = "OpenedTotal",                      \
        [COUNT_CLICKED] = "Clicked", [COUNT_CLICKED_TOTAL] = "ClickedTotal", [COUNT_UNSUBSCRIBED] = "Unsubscribed",              \
        [COUNT_COMPLAINED] = "Complained",                                                                                       \
    }

void stats_show_counts(struct json_writer *w, const struct event_counts *counts) {
    static const char *const names[EVENT_COUNTER_COUNT] = NAMES_OF("Sent", "Failed");
    show_counts(w, names, counts->n);
}

void stats_show_outcomes(struct json_writer *w, const struct event_counts *counts) {
    static const char *const names[EVENT_COUNTER_COUNT] = NAMES_OF("Accepted", NULL);
    show_counts(w, names, counts->n);
}

void stats_show_named(struct json_writer *w, struct str name, const struct event_counts *counts) {
    json_add_object(w, name);
    stats_show_counts(w, counts);
    json_close_object(w);
}
