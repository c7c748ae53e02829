/* stats_calls.c - EmailGateway.DomainStats and GET /api/v1/stats.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/event_calls.h"
#include "api/stats_calls.h"
#include "api/stats_show.h"

struct stats {
    struct event_period period;
    struct stats_compared compared;
};

enum status stats_calls_check(struct call *c, struct db *db) {
    (void)db;
    struct stats *stats = ARENA_NEW(c->arena, struct stats);
    c->state = stats;
    stats_ask_period(c, STATS_DAYS, &stats->period);
    return STATUS_OK;
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
    stats_show_named(w, STR("Stats"), &stats->compared.counts);
    json_add_object(w, STR("ComparisonStats"));
    stats_show_named(w, STR("PreviousPeriod"), &stats->compared.previous);
    json_close_object(w);
    json_add_object(w, STR("TagStats"));
    for (size_t i = 0; i < tags.count; i++) stats_show_named(w, tags.items[i].value, &tags.items[i].counts);
    json_close_object(w);
    return call_close(c);
}
