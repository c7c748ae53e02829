/* event_calls.c - GetEvents and AggrEvents of /api.php with their twins of /api/v1: one search, two shapes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/event_calls.h"

#include "core/domains.h"
#include "core/event_narrow.h"
#include "core/event_show.h"
#include "core/events.h"

#define COUNT_DEFAULT  5
#define BUCKET_DEFAULT 10
#define YEAR_9999_MS   INT64_C(253370764800000)

/* ---- what all of them ask ---- */
static bool is_day_known(struct call *c, const char *name, const struct arg *arg) {
    if (!arg->is_given) return true;
    if (arg->number >= 0 && arg->number < YEAR_9999_MS) return true;
    call_refuse_say(c, str_from_z(name), arena_strf(c->arena, "%s must lie in the years 1970 to 9998", name).p);
    return false;
}

bool event_calls_dates(struct call *c, int64_t *ret_from, int64_t *ret_before) {
    const struct arg *from = call_arg(c, "StartDate"), *to = call_arg(c, "EndDate");
    bool is_start_known = is_day_known(c, "StartDate", from), is_end_known = is_day_known(c, "EndDate", to);
    if (!is_start_known || !is_end_known) return false;
    if (from->is_given && to->is_given && from->number >= to->number + to->span_ms) {
        call_refuse_say(c, STR("StartDate"), "StartDate is after EndDate");
        return false;
    }
    if (from->is_given) *ret_from = from->number;
    if (to->is_given) *ret_before = to->number + to->span_ms; /* the second or day named counts whole */
    return true;
}

enum status event_calls_refuse_many(struct call *c, enum status status) {
    if (status != STATUS_LIMIT) return status;
    return call_refuse_say(c, STR("StartDate"),
                           "There are too many events to look at in this time: narrow StartDate and EndDate");
}

enum status event_calls_domain(struct call *c, struct db *db, int64_t *ret_domain_id) {
    struct domain domain;
    *ret_domain_id = c->scope.domain_id;
    if (*ret_domain_id != SCOPE_ANY) return STATUS_OK;
    enum status status = domain_get(db, c->arena, c->scope.account_id, call_number(c, "DomainID", 0), &domain);
    *ret_domain_id = status == STATUS_OK ? domain.id : 0;
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse(c, 2);
}

enum status event_calls_check(struct call *c, struct db *db) {
    (void)db;
    BUF_AUTO why = {0};
    struct event_condition *condition = ARENA_NEW(c->arena, struct event_condition);
    struct event_filter *filter = ARENA_NEW(c->arena, struct event_filter);
    struct str query = call_text(c, "Query", (struct str){0});
    event_calls_dates(c, &filter->from_at, &filter->before_at);
    filter->types = call_number(c, "Event", 0);
    if (query.n && event_condition_parse(query, c->arena, condition, &why)) filter->condition = condition;
    event_narrow(filter, c->arena);
    if (why.n) call_refuse_say(c, STR("Query"), arena_str(c->arena, buf_str(&why)).p);
    c->state = filter;
    return STATUS_OK;
}

/* ---- rows ---- */
static void write_command(struct json_writer *w, struct arena *arena, const struct event_row *row) {
    json_open_object(w);
    json_add_id(w, STR("event_id"), row->event.id);
    json_add_z(w, STR("event_type"), event_noun(row->event.type));
    json_add_z(w, STR("event"), event_noun(row->event.type));
    json_add_iso_time(w, STR("timestamp"), row->event.at);
    json_add_str(w, STR("recipient"), row->event.recipient);
    json_add_object(w, STR("message"));
    json_add_uuid(w, STR("id"), row->message_uuid);
    json_add_object(w, STR("headers"));
    json_add_str(w, STR("subject"), row->subject);
    json_add_str(w, STR("from"), row->sender);
    json_add_str(w, STR("to"), row->event.recipient);
    json_close_object(w);
    json_add_raw(w, STR("tags"), row->tags.n ? row->tags : STR("[]"));
    json_add_raw(w, STR("metadata"), row->metadata.n ? row->metadata : STR("{}"));
    json_close_object(w);
    event_show_details(w, arena, STR("details"), row->event.detail);
    json_close_object(w);
}

/* ---- the operations ---- */
static enum status refuse_looks(struct call *c, enum status status) {
    if (status != STATUS_LIMIT) return status;
    return call_refuse_say(c, STR("StartDate"),
                           "There are too many events to look at in this time: narrow StartDate and EndDate, or search for words "
                           "in Query (words and phrases, subject:, sender:, recipient:, messageId:), which are found by index");
}

enum status event_calls_search(struct call *c, struct db *db) {
    struct event_found found;
    bool is_rest = c->op->style == STYLE_REST;
    struct event_query query = {
        .filter = *(struct event_filter *)c->state,
        .message_uuid = is_rest ? call_text(c, "MessageID", (struct str){0}) : (struct str){0},
        .text = call_text(c, "Query", (struct str){0}),
        .cursor = call_text(c, "Cursor", (struct str){0}),
        .offset = call_number(c, "StartFrom", 0),
        .limit = (int)call_number(c, "RetrieveCount", COUNT_DEFAULT),
    };
    enum status status = event_calls_domain(c, db, &query.filter.domain_id);
    if (call_is_over(c, status)) return status;
    if (query.cursor.n && query.offset)
        return call_refuse_say(c, STR("Cursor"), "A page begins at Cursor or at StartFrom: with a Cursor, StartFrom is 0");
    status = event_search(db, c->arena, &query, &found);
    if (status == STATUS_INVALID && query.cursor.n)
        return call_refuse_say(c, STR("Cursor"), "Cursor is none that this search gave: begin without one");
    if (status != STATUS_OK) return refuse_looks(c, status);
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("TotalRecords"), found.list.total);
    json_add_str(w, STR("NextCursor"), found.next);
    json_add_array(w, STR("Events"));
    for (size_t i = 0; i < found.list.count; i++) {
        if (is_rest)
            event_show(w, c->arena, &found.list.items[i]);
        else
            write_command(w, c->arena, &found.list.items[i]);
    }
    json_close_array(w);
    return call_close(c);
}

static void free_groups(struct call *c) {
    event_group_free(c->state);
}

enum status event_calls_group(struct call *c, struct db *db) {
    struct event_grouping *g = ARENA_NEW(c->arena, struct event_grouping);
    enum status status = event_calls_check(c, db);
    g->filter = *(const struct event_filter *)c->state;
    g->field = EVENT_FIELD_TYPE;
    g->limit = (int)call_number(c, "AggregateSize", BUCKET_DEFAULT);
    (void)event_field_find(call_text(c, "AggregatedField", STR("eventType")), &g->field);
    c->state = g;
    c->cleanup = free_groups;
    return status;
}

static enum status refuse_groups(struct call *c, const struct event_grouping *g, enum status status) {
    if (status != STATUS_LIMIT) return status;
    if (g->has_many_values)
        return call_refuse_say(c, STR("AggregatedField"),
                               "There are too many different values to count: narrow StartDate and EndDate, name event types in "
                               "Event, or say more in Query");
    return refuse_looks(c, status);
}

/* A piece; what the count holds in memory meanwhile shares that of request bodies. */
enum status event_calls_aggregate(struct call *c, struct db *db) {
    struct event_bucket_list list = {0};
    struct event_grouping *g = c->state;
    size_t held = event_group_bytes(g);
    bool is_end = false;
    enum status status = g->filter.domain_id ? STATUS_OK : event_calls_domain(c, db, &g->filter.domain_id);
    if (call_is_over(c, status)) return status;
    status = event_aggregate(db, c->arena, g, &is_end, &list);
    if (status != STATUS_OK) return refuse_groups(c, g, status);
    if (!is_end) {
        call_again(c);
        return call_hold(c, event_group_bytes(g) - held);
    }
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("AggBuckets"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        json_add_str(w, STR("key"), list.items[i].key);
        json_add_i64(w, STR("doc_count"), list.items[i].count);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}
