/* list_send_calls.c - how far a send to a list has come, and how it is stopped. It is begun by POST /api/v1/email.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/list_send_calls.h"

#include "core/list_send.h"

#define UNKNOWN 2
#define CLOSED  3

static void write_send(struct call *c, const struct list_send *send) {
    struct json_writer *w = &c->json;
    json_open_object(w);
    json_add_uuid(w, STR("ListSendID"), send->uuid);
    json_add_i64(w, STR("ListID"), send->list_id);
    json_add_id(w, STR("DomainID"), send->domain_id);
    json_add_z(w, STR("State"), list_send_state_text(send, c->now));
    json_add_i64(w, STR("Total"), send->total);
    json_add_i64(w, STR("Sent"), send->sent);
    json_add_i64(w, STR("Suppressed"), send->suppressed);
    json_add_i64(w, STR("Skipped"), send->skipped);
    json_add_str(w, STR("Reason"), send->reason);
    json_add_time(w, STR("CreatedAt"), send->created_at);
    json_add_time(w, STR("SendAt"), send->due_at);
    json_add_time(w, STR("FinishedAt"), send->finished_at);
    json_close_object(w);
}

static enum status find(struct call *c, struct db *db, struct list_send *ret) {
    enum status status = list_send_find(db, c->arena, c->scope.account_id, c->scope.domain_id, call_uuid(c, "ListSendID"), ret);
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse_field(c, UNKNOWN, STR("ListSendID"));
}

static enum status answer_send(struct call *c, const struct list_send *send) {
    struct json_writer *w = call_open(c);
    json_key(w, STR("ListSend"));
    write_send(c, send);
    return call_close(c);
}

enum status list_send_calls_get(struct call *c, struct db *db) {
    struct list_send send;
    enum status status = find(c, db, &send);
    return call_is_over(c, status) ? status : answer_send(c, &send);
}

enum status list_send_calls_browse(struct call *c, struct db *db) {
    struct list_send_page page;
    struct list_send before = {0};
    enum status status = STATUS_OK;
    if (call_arg(c, "ListSendID")->is_given) status = find(c, db, &before);
    struct list_send_query query = {.account_id = c->scope.account_id,
                                    .domain_id = c->scope.domain_id,
                                    .before_id = before.id,
                                    .limit = (int)call_number(c, "RetrieveCount", 25)};
    if (status == STATUS_OK && !c->refused.count) status = list_send_page(db, c->arena, &query, &page);
    if (call_is_over(c, status)) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("ListSends"));
    for (size_t i = 0; i < page.count; i++) write_send(c, &page.items[i]);
    json_close_array(w);
    return call_close(c);
}

/* The slice under way, if there is one, is stored or not; nothing comes after it. */
enum status list_send_calls_cancel(struct call *c, struct db *db) {
    struct list_send send;
    enum status status = find(c, db, &send);
    if (call_is_over(c, status)) return status;
    if (send.state != LIST_SEND_OPEN) return call_refuse_field(c, CLOSED, STR("ListSendID"));
    send.state = LIST_SEND_CANCELLED;
    send.reason = STR("Cancelled by the account");
    send.finished_at = c->now;
    status = list_send_close(db, send.id, send.state, send.reason, c->now);
    return status == STATUS_OK ? answer_send(c, &send) : status;
}
