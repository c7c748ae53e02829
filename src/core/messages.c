/* messages.c - see messages.h.
 *
 * The history is walked by id, a stride of so many messages at a time: filters that no index serves cost no more than that. Dates
 * become ids by the time that the ids of messages carry (UUIDv7), with some slack, because ids are made before they are stored.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/messages.h"

#include "core/delivery.h"
#include "proto/json/json_write.h"
#include "store/domains.h"

#include <stdlib.h>

#define STRIDE        5000                      /* messages looked at for a page */
#define DATE_SLACK_MS (INT64_C(10) * 60 * 1000) /* between the making of an id and its commit, the clock's steps included */

/* ---- reading ---- */
enum status message_domain_name(struct db *db, struct arena *arena, int64_t domain_id, struct str *ret) {
    struct domain domain;
    enum status status = domain_get(db, arena, SCOPE_ANY, domain_id, &domain);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    *ret = status == STATUS_OK ? domain.name : (struct str){0};
    return STATUS_OK;
}

static enum status fill_item(struct db *db, struct arena *arena, int64_t now, const struct message *message,
                             struct message_item *ret) {
    ret->message = *message;
    enum status status = queue_count_states(db, message->id, now, ret->counts);
    return status == STATUS_OK ? message_domain_name(db, arena, message->domain_id, &ret->domain_name) : status;
}

/* Where the page before ended. */
static enum status start_of(struct db *db, struct arena *arena, const struct message_query *q, int64_t *ret_id) {
    struct id uuid;
    struct message message;
    *ret_id = INT64_MAX;
    if (q->cursor.n == 0) return STATUS_OK;
    if (!id_parse(q->cursor, &uuid)) return STATUS_INVALID;
    enum status status = message_of(db, arena, q->scope.account_id, q->scope.domain_id, uuid, &message);
    if (status == STATUS_OK) *ret_id = message.id;
    return status == STATUS_NOT_FOUND ? STATUS_INVALID : status;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* The ids of this page's stride: [first_id, before_id). *ret_rest: the id that more may lie below; 0: nothing does. */
static enum status stride_of(struct db *db, const struct message_query *q, struct message_filter *f, int64_t *ret_rest) {
    int64_t oldest = 0, newest = INT64_MAX;
    enum status status = STATUS_OK;
    if (q->from_at) status = message_first_at(db, q->from_at - DATE_SLACK_MS, &oldest);
    if (status == STATUS_OK && q->before_at) status = message_first_at(db, q->before_at + DATE_SLACK_MS, &newest);
    if (newest < f->before_id) f->before_id = newest;
    if (status == STATUS_OK) status = message_stride(db, f->account_id, f->domain_id, f->before_id, STRIDE, &f->first_id);
    if (status != STATUS_OK) return status;
    *ret_rest = f->first_id > oldest ? f->first_id : 0;
    f->first_id = larger(f->first_id, oldest);
    return STATUS_OK;
}

static struct str cursor_at(struct arena *arena, struct id uuid) {
    char text[ID_TEXT_LEN + 1];
    id_format(uuid, text);
    return arena_str(arena, str_from_z(text));
}

/* A page that is full goes on behind its last message, one that is not behind its stride. */
static enum status next_cursor(struct db *db, struct arena *arena, const struct message_list *page, int limit, int64_t rest_id,
                               struct str *ret) {
    struct message last;
    if (page->count == (size_t)limit) {
        *ret = cursor_at(arena, page->items[page->count - 1].uuid);
        return STATUS_OK;
    }
    if (rest_id == 0) return STATUS_OK;
    enum status status = message_get(db, arena, rest_id, &last);
    if (status == STATUS_OK) *ret = cursor_at(arena, last.uuid);
    return status;
}

/* As the column of tags holds it. */
static struct str tag_text(struct arena *arena, struct str tag) {
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    if (tag.n) json_str(&w, tag);
    return arena_str(arena, buf_str(&text));
}

enum status message_search(struct db *db, struct arena *arena, const struct message_query *q, struct message_items *ret) {
    struct message_filter f = {
        .account_id = q->scope.account_id,
        .domain_id = q->scope.domain_id,
        .from_at = q->from_at,
        .before_at = q->before_at ? q->before_at : INT64_MAX,
        .recipient = q->recipient,
        .tag = tag_text(arena, q->tag),
        .state = q->state,
        .now = q->now,
    };
    struct message_list page;
    struct message_items items = {.count = 0};
    int64_t rest_id = 0;
    enum status status = start_of(db, arena, q, &f.before_id);
    if (status == STATUS_OK) status = stride_of(db, q, &f, &rest_id);
    if (status == STATUS_OK) status = message_page(db, arena, &f, q->limit, &page);
    if (status == STATUS_OK) status = next_cursor(db, arena, &page, q->limit, rest_id, &items.cursor);
    if (status != STATUS_OK) return status;
    items.items = arena_array(arena, page.count + 1, sizeof *items.items);
    for (; status == STATUS_OK && items.count < page.count; items.count++)
        status = fill_item(db, arena, q->now, &page.items[items.count], &items.items[items.count]);
    if (status == STATUS_OK) *ret = items;
    return status;
}

static void show_waiting(struct recipient *r, int64_t now) {
    if (r->state != RECIPIENT_SCHEDULED && r->state != RECIPIENT_QUEUED) return;
    bool is_ahead = r->state == RECIPIENT_SCHEDULED && r->due_at > now;
    if (!is_ahead) r->state = RECIPIENT_QUEUED;
    if (r->reason.n == 0) r->reason = queue_why(is_ahead);
}

enum status message_show(struct db *db, struct arena *arena, const struct message_scope *scope, struct id uuid, int64_t now,
                         struct message_view *ret) {
    struct message_view view = {.event_count = 0};
    struct message_timeline events = {.count = 0};
    enum status status = message_of(db, arena, scope->account_id, scope->domain_id, uuid, &view.message);
    if (status == STATUS_OK) status = message_domain_name(db, arena, view.message.domain_id, &view.domain_name);
    if (status == STATUS_OK) status = recipient_list(db, arena, view.message.id, &view.recipients);
    if (status == STATUS_OK) status = message_timeline(db, arena, view.message.id, MESSAGE_EVENTS_MAX + 1, &events);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < view.recipients.count; i++) show_waiting(&view.recipients.items[i], now);
    view.has_more_events = events.count > MESSAGE_EVENTS_MAX;
    view.events = events.items;
    view.event_count = view.has_more_events ? MESSAGE_EVENTS_MAX : events.count;
    *ret = view;
    return STATUS_OK;
}

/* ---- deciding ---- */
bool message_is_flying(const struct message_flight *flight, int64_t id) {
    return queue_ids_have(flight->ids, flight->count, id);
}

static bool may_decide(const struct recipient *r, const struct message_choice *choice) {
    return r->state == RECIPIENT_SCHEDULED && r->due_at > choice->now && !message_is_flying(&choice->flight, r->id);
}

enum status message_cancel(struct db *db, const struct message_choice *choice, int64_t *ret_count) {
    ARENA_AUTO arena = {0};
    struct recipient_list list;
    const struct str why = STR("Cancelled by the sender");
    int64_t count = 0;
    enum status status = recipient_list(db, &arena, choice->message_id, &list);
    for (size_t i = 0; status == STATUS_OK && i < list.count; i++) {
        bool applied = false;
        if (!may_decide(&list.items[i], choice)) continue;
        status = delivery_withdraw(db, list.items[i].id, RECIPIENT_CANCELLED, why, choice->now, &applied);
        count += applied;
    }
    if (status == STATUS_OK) *ret_count = count;
    return status;
}

static struct queue_entry entry_of(const struct message *m, const struct recipient *r, int64_t due_at, int64_t expires_at) {
    return (struct queue_entry){.recipient_id = r->id,
                                .message_id = m->id,
                                .account_id = m->account_id,
                                .domain = r->domain,
                                .priority = r->priority,
                                .attempts = r->attempts,
                                .due_at = due_at,
                                .created_at = m->created_at,
                                .expires_at = expires_at,
                                .size_bytes = m->size_bytes};
}

enum status message_move(struct db *db, struct arena *arena, const struct message_choice *choice, int64_t due_at,
                         struct queue_entry_list *ret) {
    struct recipient_list list;
    struct message message;
    struct queue_entry_list moved = {.count = 0};
    int64_t expires_at = 0;
    enum status status = recipient_list(db, arena, choice->message_id, &list);
    if (status == STATUS_OK) status = message_get(db, arena, choice->message_id, &message);
    if (status != STATUS_OK) return status;
    moved.items = arena_array(arena, list.count + 1, sizeof *moved.items);
    for (size_t i = 0; status == STATUS_OK && i < list.count; i++) {
        const struct recipient *r = &list.items[i];
        if (!may_decide(r, choice)) continue;
        if (moved.count == 0) expires_at = message.expires_at + due_at - r->due_at; /* all wait for one time */
        moved.items[moved.count++] = entry_of(&message, r, due_at, expires_at);
        status = queue_move(db, r->id, due_at, choice->now);
    }
    if (status == STATUS_OK && moved.count) status = message_set_expiry(db, choice->message_id, expires_at);
    if (status == STATUS_OK) *ret = moved;
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}
