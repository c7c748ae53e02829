/* event_calls.c - EmailGateway.GetEvents and GET /api/v1/events: one search, two shapes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/event_calls.h"

#include "core/events.h"

#define COUNT_DEFAULT 5

static struct event_query query_of(const struct call *c, int64_t domain_id) {
    const struct arg *from = call_arg(c, "StartDate"), *to = call_arg(c, "EndDate");
    return (struct event_query){
        .filter =
            {
                .domain_id = domain_id,
                .types = call_number(c, "Event", 0),
                .from_at = from->is_given ? from->number : 0,
                .before_at = to->is_given ? to->number + to->span_ms : 0, /* the second or day named counts whole */
            },
        .offset = call_number(c, "StartFrom", 0),
        .limit = (int)call_number(c, "RetrieveCount", COUNT_DEFAULT),
    };
}

static void write_iso(struct json_writer *w, struct str name, int64_t at) {
    BUF_AUTO text = {0};
    time_add_iso_ms(&text, at);
    json_add_str(w, name, buf_str(&text));
}

static void write_uuid(struct json_writer *w, struct str name, struct id uuid) {
    char text[ID_TEXT_LEN + 1];
    id_format(uuid, text);
    json_add_z(w, name, text);
}

/* JourneyID of the stored metadata, "" when there is none. */
static struct str campaign_of(struct call *c, struct str metadata) {
    const struct json *object;
    struct json_error error;
    if (!json_parse(c->arena, metadata, &object, &error)) return (struct str){0};
    return json_find_text(object, STR("JourneyID"));
}

static struct str object_or_empty(struct str json) {
    return json.n ? json : STR("{}");
}

static void write_rest(struct call *c, const struct event_row *row) {
    struct json_writer *w = &c->json;
    json_open_object(w);
    json_add_str(w, STR("EventId"), arena_strf(c->arena, "%lld", (long long)row->event.id));
    json_add_z(w, STR("EventType"), event_noun(row->event.type));
    write_iso(w, STR("EventTimestamp"), row->event.at);
    json_add_str(w, STR("Recipient"), row->event.recipient);
    write_uuid(w, STR("MessageId"), row->message_uuid);
    json_add_str(w, STR("CampaignId"), campaign_of(c, row->metadata));
    json_add_str(w, STR("Sender"), row->sender);
    json_add_str(w, STR("Subject"), row->subject);
    json_add_raw(w, STR("Tags"), row->tags.n ? row->tags : STR("[]"));
    json_add_raw(w, STR("Metadata"), object_or_empty(row->metadata));
    json_add_raw(w, STR("Details"), object_or_empty(row->event.detail));
    json_close_object(w);
}

static void write_command(struct call *c, const struct event_row *row) {
    struct json_writer *w = &c->json;
    json_open_object(w);
    json_add_str(w, STR("event_id"), arena_strf(c->arena, "%lld", (long long)row->event.id));
    json_add_z(w, STR("event_type"), event_noun(row->event.type));
    write_iso(w, STR("timestamp"), row->event.at);
    json_add_str(w, STR("recipient"), row->event.recipient);
    json_add_object(w, STR("message"));
    write_uuid(w, STR("id"), row->message_uuid);
    json_add_object(w, STR("headers"));
    json_add_str(w, STR("subject"), row->subject);
    json_add_str(w, STR("from"), row->sender);
    json_close_object(w);
    json_add_raw(w, STR("tags"), row->tags.n ? row->tags : STR("[]"));
    json_add_raw(w, STR("metadata"), object_or_empty(row->metadata));
    json_close_object(w);
    json_add_raw(w, STR("details"), object_or_empty(row->event.detail));
    json_close_object(w);
}

static enum status search(struct call *c, struct db *db, const struct event_query *query,
                          void (*write)(struct call *, const struct event_row *)) {
    struct event_row_list list;
    enum status status = event_search(db, c->arena, query, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("TotalRecords"), list.total);
    json_add_array(w, STR("Events"));
    for (size_t i = 0; i < list.count; i++) write(c, &list.items[i]);
    json_close_array(w);
    call_close(c);
    return STATUS_OK;
}

enum status event_calls_rest(struct call *c, struct db *db) {
    struct event_query query = query_of(c, c->sender.key.domain_id);
    query.message_uuid = call_text(c, "MessageID", (struct str){0});
    return search(c, db, &query, write_rest);
}

enum status event_calls_command(struct call *c, struct db *db) {
    struct domain domain;
    enum status status = domain_get(db, c->arena, c->account.id, call_number(c, "DomainID", 0), &domain);
    if (status == STATUS_NOT_FOUND) {
        call_refuse(c, 2);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    struct event_query query = query_of(c, domain.id);
    return search(c, db, &query, write_command);
}
