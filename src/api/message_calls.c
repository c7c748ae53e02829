/* message_calls.c - messages as their sender sees them: the list, one with its recipients and their events, and what he may still
 * decide about one that waits for its time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/message_calls.h"

#include "api/message_hold.h"
#include "core/messages.h"

#define COUNT_DEFAULT     20
#define MOVE_AHEAD_MAX_MS (INT64_C(30) * 86400 * 1000)
#define MOVE_PAST_MAX_MS  (INT64_C(3600) * 1000) /* as when sending: means now */

/* ---- in answers ---- */
static void write_head(struct call *c, const struct message *m, struct str domain_name) {
    struct json_writer *w = &c->json;
    json_add_uuid(w, STR("MessageID"), m->uuid);
    json_add_id(w, STR("DomainID"), m->domain_id);
    json_add_str(w, STR("DomainName"), domain_name);
    json_add_str(w, STR("From"), m->sender);
    json_add_str(w, STR("Subject"), m->subject);
    json_add_raw(w, STR("Tags"), m->tags);
    json_add_raw(w, STR("Metadata"), m->metadata);
    json_add_i64(w, STR("Size"), m->size_bytes);
    json_add_iso_time(w, STR("CreatedAt"), m->created_at);
}

static void write_item(struct call *c, const struct message_item *item) {
    struct json_writer *w = &c->json;
    int64_t total = 0;
    json_open_object(w);
    write_head(c, &item->message, item->domain_name);
    json_add_object(w, STR("States"));
    for (int i = 0; i < RECIPIENT_STATE_COUNT; i++) {
        total += item->counts[i];
        if (item->counts[i]) json_add_i64(w, str_from_z(recipient_state_text((enum recipient_state)i)), item->counts[i]);
    }
    json_close_object(w);
    json_add_i64(w, STR("RecipientCount"), total);
    json_close_object(w);
}

static void write_event(struct call *c, const struct event *e) {
    struct json_writer *w = &c->json;
    json_open_object(w);
    json_add_id(w, STR("EventId"), e->id);
    json_add_z(w, STR("EventType"), event_noun(e->type));
    json_add_iso_time(w, STR("EventTimestamp"), e->at);
    json_add_raw(w, STR("Details"), e->detail.n ? e->detail : STR("{}"));
    json_close_object(w);
}

static void write_recipient(struct call *c, const struct recipient *r, const struct message_view *view) {
    struct json_writer *w = &c->json;
    bool is_waiting = r->state == RECIPIENT_SCHEDULED || r->state == RECIPIENT_QUEUED;
    json_open_object(w);
    json_add_str(w, STR("Recipient"), r->address);
    json_add_z(w, STR("State"), recipient_state_text(r->state));
    json_add_i64(w, STR("Attempts"), r->attempts);
    json_add_str(w, STR("Reason"), r->reason);
    json_add_iso_time(w, STR("NextTry"), is_waiting ? r->due_at : 0);
    json_add_iso_time(w, STR("ChangedAt"), r->changed_at);
    json_add_array(w, STR("Events"));
    for (size_t i = 0; i < view->event_count; i++)
        if (view->events[i].recipient_id == r->id) write_event(c, &view->events[i]);
    json_close_array(w);
    json_close_object(w);
}

/* ---- the list ---- */
static struct message_scope scope_of(const struct call *c) {
    return (struct message_scope){c->scope.account_id, c->scope.domain_id};
}

/* A key's own domain, or any of the account; another's has no messages. */
static struct message_scope list_scope(const struct call *c) {
    struct message_scope scope = scope_of(c);
    int64_t wanted = call_number(c, "DomainID", scope.domain_id);
    if (scope.domain_id != SCOPE_ANY && wanted != scope.domain_id) return (struct message_scope){0};
    scope.domain_id = wanted;
    return scope;
}

enum status message_calls_list(struct call *c, struct db *db) {
    const struct str none = {0};
    const struct arg *from = call_arg(c, "StartDate"), *to = call_arg(c, "EndDate");
    struct message_query query = {
        .scope = list_scope(c),
        .recipient = call_text(c, "Recipient", none),
        .tag = call_text(c, "Tag", none),
        .state = (int)call_number(c, "State", -1),
        .from_at = from->is_given ? from->number : 0,
        .before_at = to->is_given ? to->number + to->span_ms : 0, /* the second or day named counts whole */
        .cursor = call_text(c, "Cursor", none),
        .limit = (int)call_number(c, "RetrieveCount", COUNT_DEFAULT),
        .now = c->now,
    };
    struct message_items found;
    enum status status = message_search(db, c->arena, &query, &found);
    if (status == STATUS_INVALID)
        return call_refuse_say(c, STR("Cursor"), "Cursor is none that this list gave: begin without one");
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Messages"));
    for (size_t i = 0; i < found.count; i++) write_item(c, &found.items[i]);
    json_close_array(w);
    json_add_str(w, STR("Cursor"), found.cursor);
    return call_close(c);
}

/* ---- one ---- */
static void write_sender_id(struct json_writer *w, struct str name, int64_t id) {
    if (id)
        json_add_id(w, name, id);
    else
        json_add_z(w, name, "");
}

enum status message_calls_get(struct call *c, struct db *db) {
    struct message_scope scope = scope_of(c);
    struct message_view view;
    enum status status = message_show(db, c->arena, &scope, call_uuid(c, "MessageID"), c->now, &view);
    if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 2, STR("MessageID"));
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_object(w, STR("Message"));
    write_head(c, &view.message, view.domain_name);
    json_add_str(w, STR("RFCMessageID"), view.message.rfc_message_id);
    write_sender_id(w, STR("KeyID"), view.message.key_id);
    write_sender_id(w, STR("SMTPID"), view.message.smtp_user_id);
    json_add_iso_time(w, STR("ExpiresAt"), view.message.expires_at);
    json_add_array(w, STR("Recipients"));
    for (size_t i = 0; i < view.recipients.count; i++) write_recipient(c, &view.recipients.items[i], &view);
    json_close_array(w);
    json_add_bool(w, STR("HasMoreEvents"), view.has_more_events);
    json_close_object(w);
    return call_close(c);
}

/* ---- cancelling and moving ---- */
struct deciding {
    struct message_hold hold;
    struct message message;
    int64_t due_at;
    struct queue_entry_list moved;
};

static void cleanup(struct call *c) {
    message_hold_end(&((struct deciding *)c->state)->hold);
}

enum status message_calls_find(struct call *c, struct db *db) {
    struct deciding *d = ARENA_NEW(c->arena, struct deciding);
    enum status status =
        message_of(db, c->arena, c->scope.account_id, c->scope.domain_id, call_uuid(c, "MessageID"), &d->message);
    c->state = d;
    c->cleanup = cleanup;
    if (status == STATUS_NOT_FOUND) call_refuse_field(c, 2, STR("MessageID"));
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status message_calls_find_moving(struct call *c, struct db *db) {
    int64_t at = call_number(c, "SendAt", 0);
    enum status status = message_calls_find(c, db);
    ((struct deciding *)c->state)->due_at = at > c->now ? at : c->now;
    if (at < c->now - MOVE_PAST_MAX_MS || at > c->now + MOVE_AHEAD_MAX_MS) {
        call_refuse_say(c, STR("SendAt"),
                        "SendAt must not be more than an hour past (up to that it means now), nor more than 30 days ahead");
    }
    return status;
}

enum status message_calls_hold(struct call *c, struct db *db) {
    (void)db;
    struct deciding *d = c->state;
    struct queue_hold what = {
        .account_id = d->message.account_id,
        .domain_id = QUEUE_ANY,
        .first_message = d->message.id,
        .last_message = d->message.id,
    };
    return message_hold_begin(&d->hold, c, &what);
}

/* Nothing of it was scheduled any more: refused. Else what was decided. */
static void answer(struct call *c, struct str name, int64_t count, int64_t due_at) {
    const struct deciding *d = c->state;
    if (count == 0) {
        call_refuse(c, 3);
        return;
    }
    struct json_writer *w = call_open(c);
    json_add_uuid(w, STR("MessageID"), d->message.uuid);
    json_add_i64(w, name, count);
    if (due_at) json_add_iso_time(w, STR("SendAt"), due_at);
    call_close(c);
}

static struct message_choice choice_of(const struct call *c) {
    const struct deciding *d = c->state;
    return (struct message_choice){d->message.id, message_hold_flight(&d->hold), clock_wall_ms(c->api->clock)};
}

enum status message_calls_cancel(struct call *c, struct db *db) {
    struct message_choice choice = choice_of(c);
    int64_t count;
    enum status status = message_cancel(db, &choice, &count);
    if (status == STATUS_OK) answer(c, STR("Cancelled"), count, 0);
    return status;
}

enum status message_calls_move(struct call *c, struct db *db) {
    struct deciding *d = c->state;
    struct message_choice choice = choice_of(c);
    enum status status = message_move(db, c->arena, &choice, d->due_at, &d->moved);
    if (status == STATUS_OK) answer(c, STR("Moved"), (int64_t)d->moved.count, d->due_at);
    return status;
}

enum status message_calls_release(struct call *c, struct db *db) {
    (void)db;
    struct deciding *d = c->state;
    message_hold_end(&d->hold);
    if (d->moved.count) c->api->queue_offer(c->api->arg, d->moved.items, d->moved.count);
    return STATUS_OK;
}
