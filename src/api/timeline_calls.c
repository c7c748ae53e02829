/* timeline_calls.c - see timeline_calls.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/timeline_calls.h"

#include "api/call.h"
#include "core/event_show.h"
#include "core/timeline.h"

#define COUNT_DEFAULT 100

static void write_call(struct json_writer *w, const struct hook_attempt *call) {
    json_open_object(w);
    json_add_id(w, STR("WebhookID"), call->webhook_id);
    json_add_iso_time(w, STR("At"), call->at);
    json_add_i64(w, STR("Attempt"), call->attempt);
    json_add_i64(w, STR("Code"), call->code);
    json_add_str(w, STR("Why"), call->why);
    json_add_i64(w, STR("DurationMs"), call->duration_ms);
    json_close_object(w);
}

static void write_entry(struct call *c, const struct timeline_entry *e) {
    struct json_writer *w = &c->json;
    json_open_object(w);
    json_add_iso_time(w, STR("At"), e->at);
    json_add_z(w, STR("What"), e->what);
    json_add_str(w, STR("Recipient"), e->recipient);
    json_add_str(w, STR("Says"), e->says);
    if (e->event_id)
        json_add_id(w, STR("EventId"), e->event_id);
    else
        json_add_z(w, STR("EventId"), "");
    json_add_raw(w, STR("Details"), e->detail);
    json_add_bool(w, STR("Suppressed"), e->is_suppressed);
    json_add_array(w, STR("WebhookCalls"));
    for (size_t i = 0; i < e->call_count; i++) write_call(w, &e->calls[i]);
    json_close_array(w);
    json_close_object(w);
}

static void write_head(struct json_writer *w, const struct timeline *t) {
    const struct message *m = &t->message;
    json_add_uuid(w, STR("MessageID"), m->uuid);
    json_add_id(w, STR("DomainID"), m->domain_id);
    json_add_str(w, STR("DomainName"), t->domain_name);
    json_add_str(w, STR("From"), m->sender);
    json_add_str(w, STR("Subject"), m->subject);
    json_add_iso_time(w, STR("CreatedAt"), m->created_at);
    json_add_object(w, STR("States"));
    for (int i = 0; i < RECIPIENT_STATE_COUNT; i++)
        if (t->counts[i]) json_add_i64(w, str_from_z(recipient_state_text((enum recipient_state)i)), t->counts[i]);
    json_close_object(w);
    json_add_bool(w, STR("EventsRemoved"), t->lacks_events);
    json_add_bool(w, STR("ContentRemoved"), t->lacks_content);
}

static enum status refuse(struct call *c, enum status status) {
    if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 2, STR("MessageID"));
    if (status == STATUS_INVALID)
        return call_refuse_say(c, STR("Cursor"), "Cursor is none that this message's timeline gave: begin without one");
    if (status == STATUS_DENIED) return call_refuse_say(c, STR("Recipient"), "Recipient is none of this message's");
    return status;
}

enum status timeline_calls_show(struct call *c, struct db *db) {
    const struct str none = {0};
    struct timeline timeline;
    const struct timeline_query query = {
        .scope = {c->scope.account_id, c->scope.domain_id},
        .uuid = call_uuid(c, "MessageID"),
        .recipient = call_text(c, "Recipient", none),
        .cursor = call_text(c, "Cursor", none),
        .limit = (int)call_number(c, "RetrieveCount", COUNT_DEFAULT),
        .now = c->now,
    };
    enum status status = timeline_show(db, c->arena, &query, &timeline);
    if (status != STATUS_OK) return refuse(c, status);
    struct json_writer *w = call_open(c);
    write_head(w, &timeline);
    json_add_array(w, STR("Entries"));
    for (size_t i = 0; i < timeline.count; i++) write_entry(c, &timeline.entries[i]);
    json_close_array(w);
    json_add_str(w, STR("Cursor"), timeline.cursor);
    return call_close(c);
}
