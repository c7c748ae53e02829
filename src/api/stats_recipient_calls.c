/* stats_recipient_calls.c - EmailGateway.ListRecipientDomains and RecipientDomainStats, and their twins: where mail went, and how
 * fast. Delivery times are kept by the day, so both take whole days.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/event_calls.h"
#include "api/stats_calls.h"
#include "api/stats_show.h"

#define LIMIT_DEFAULT 50

/* Of the outcomes, in the order of answers. */
static const struct {
    enum rollup_outcome outcome;
    const char *name;
} outcomes[] = {{ROLLUP_DELIVERED, "Sent"}, {ROLLUP_NOT_DELIVERED, "Failed"}};
#define OUTCOME_COUNT (sizeof outcomes / sizeof outcomes[0])

static enum status check(struct call *c, int days) {
    struct stats_recipient_domains *domains = ARENA_NEW(c->arena, struct stats_recipient_domains);
    c->state = domains;
    if (!stats_ask_period(c, days, &domains->period)) return STATUS_OK;
    if (domains->period.from_at % CLOCK_DAY_MS == 0 && domains->period.before_at % CLOCK_DAY_MS == 0) return STATUS_OK;
    bool is_start = domains->period.from_at % CLOCK_DAY_MS != 0;
    return call_refuse_say(c, is_start ? STR("StartDate") : STR("EndDate"),
                           "Delivery times are kept by the day: write YYYY-MM-DD");
}

enum status stats_calls_check_recipients(struct call *c, struct db *db) {
    (void)db;
    return check(c, STATS_DAYS_MONTH);
}

enum status stats_calls_check_recipient(struct call *c, struct db *db) {
    (void)db;
    return check(c, STATS_DAYS);
}

enum status stats_calls_recipients_domain(struct call *c, struct db *db) {
    struct stats_recipient_domains *domains = c->state;
    return stats_ask_domain(c, db, true, &domains->period.domain_id);
}

static int64_t average(const struct rollup_times *times) {
    return times->letters ? (times->sum_ms + times->letters / 2) / times->letters : 0;
}

/* ---- all of them ---- */
static void show_times(struct json_writer *w, const struct rollup_times *times) {
    const struct {
        const char *name;
        int64_t ms;
    } facts[] = {{"AvgDeliverySec", average(times)}, {"MinDeliverySec", times->min_ms}, {"MaxDeliverySec", times->max_ms}};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        if (times->letters)
            stats_show_seconds(w, facts[i].name, facts[i].ms);
        else
            json_add_raw(w, str_from_z(facts[i].name), STR("null"));
    }
}

static void show_recipient_domain(struct json_writer *w, const struct stats_recipient_domain *d) {
    json_open_object(w);
    json_add_str(w, STR("Domain"), d->name);
    json_add_i64(w, STR("Sent"), d->counts.n[COUNT_DELIVERED]);
    json_add_i64(w, STR("Failed"), d->times[ROLLUP_NOT_DELIVERED].letters);
    json_add_i64(w, STR("Sending"), d->sending);
    show_times(w, &d->times[ROLLUP_DELIVERED]);
    stats_show_outcomes(w, &d->counts);
    json_close_object(w);
}

enum status stats_calls_recipients(struct call *c, struct db *db) {
    struct stats_recipient_domains *domains = c->state;
    domains->limit = (int)call_number(c, "Limit", LIMIT_DEFAULT);
    enum status status = stats_recipient_domains_next(db, c->arena, domains);
    if (status != STATUS_OK) return event_calls_refuse_many(c, status);
    if (!domains->is_complete) {
        call_again(c);
        return STATUS_OK;
    }
    struct json_writer *w = call_open(c);
    stats_show_period(w, &domains->period);
    json_add_i64(w, STR("Limit"), domains->limit);
    json_add_array(w, STR("RecipientDomains"));
    for (size_t i = 0; i < domains->count; i++) show_recipient_domain(w, &domains->items[i]);
    json_close_array(w);
    return call_close(c);
}

/* ---- one of them ---- */
static void show_summary(struct json_writer *w, const char *name, const struct rollup_times *times) {
    json_open_object(w);
    json_add_z(w, STR("Status"), name);
    json_add_i64(w, STR("TotalEmails"), times->letters);
    stats_show_seconds(w, "AvgDeliverySeconds", average(times));
    stats_show_seconds(w, "MinDeliverySeconds", times->min_ms);
    stats_show_seconds(w, "MaxDeliverySeconds", times->max_ms);
    json_close_object(w);
}

static void show_steps(struct json_writer *w, const char *name, const struct rollup_times *times) {
    static const char *const names[ROLLUP_STEPS] = {"< 1s", "1-5s", "5-10s", "10-30s", "30-60s", "1-5m", "5-10m", "> 10m"};
    json_add_array(w, str_from_z(name));
    for (int i = 0; i < ROLLUP_STEPS; i++) {
        json_open_object(w);
        json_add_z(w, STR("DeliveryBucket"), names[i]);
        json_add_i64(w, STR("EmailCount"), times->steps[i]);
        stats_show_rate(w, "Percentage", times->steps[i], times->letters);
        json_close_object(w);
    }
    json_close_array(w);
}

enum status stats_calls_recipient(struct call *c, struct db *db) {
    struct stats_recipient_domains *domains = c->state;
    struct rollup_times times[ROLLUP_OUTCOME_COUNT];
    struct str name = call_text(c, "RecipientToDomain", (struct str){0});
    enum status status = rollup_times_read(db, &domains->period, name, times);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    stats_show_period(w, &domains->period);
    json_add_str(w, STR("RecipientToDomain"), name);
    json_add_array(w, STR("SummaryStats"));
    for (size_t i = 0; i < OUTCOME_COUNT; i++) show_summary(w, outcomes[i].name, &times[outcomes[i].outcome]);
    json_close_array(w);
    json_add_object(w, STR("DeliverySpeedHistogram"));
    for (size_t i = 0; i < OUTCOME_COUNT; i++) show_steps(w, outcomes[i].name, &times[outcomes[i].outcome]);
    json_close_object(w);
    return call_close(c);
}
