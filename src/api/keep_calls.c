/* keep_calls.c - what an account keeps, and for how long; people whom it forgets (core/keeping.h, core/erase.h).
 *
 * Whom an order is about is told by its number alone: the answers show a hash, as the list of those who are not written to does.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/keep_calls.h"

#include "api/call.h"
#include "api/work.h"
#include "base/encode.h"
#include "core/queue_orders.h"
#include "proto/address/address.h"

#define PAGE 25 /* orders, where no number is given */

/* ---- days ---- */

static void add_days(struct json_writer *w, struct str key, const struct retention *days) {
    json_add_object(w, key);
    json_add_i64(w, STR("BodyDays"), days->body_days);
    json_add_i64(w, STR("EventDays"), days->event_days);
    json_close_object(w);
}

static enum status answer_days(struct call *c, const struct retention *own) {
    const struct keeping_rules *rules = &c->api->keep;
    const struct retention days = keeping_days(rules, own);
    struct json_writer *w = call_open(c);
    add_days(w, STR("Retention"), &days);
    add_days(w, STR("Own"), own);
    add_days(w, STR("Otherwise"), &rules->otherwise);
    add_days(w, STR("Most"), &rules->most);
    return call_close(c);
}

enum status keep_calls_show(struct call *c, struct db *db) {
    struct retention own;
    enum status status = retention_get(db, c->scope.account_id, &own);
    return status == STATUS_OK ? answer_days(c, &own) : status;
}

/* What is not said stays as it is. */
static void take_days(struct call *c, const char *name, int64_t most, int64_t *days) {
    int64_t wish = call_number(c, name, *days);
    if (most && wish > most)
        call_refuse_say(
            c, str_from_z(name),
            arena_strf(c->arena, "%s can be %lld at most here, or 0 for what the gateway does otherwise", name, (long long)most)
                .p);
    else
        *days = wish;
}

enum status keep_calls_set(struct call *c, struct db *db) {
    struct retention own;
    const struct retention *most = &c->api->keep.most;
    enum status status = retention_get(db, c->scope.account_id, &own);
    if (status != STATUS_OK) return status;
    take_days(c, "BodyDays", most->body_days, &own.body_days);
    take_days(c, "EventDays", most->event_days, &own.event_days);
    if (c->refused.count) return STATUS_OK;
    status = retention_set(db, c->scope.account_id, &own);
    return status == STATUS_OK ? answer_days(c, &own) : status;
}

/* ---- people ---- */

static enum status cancel_waiting(struct call *c, struct db *db, int64_t account_id, struct str address) {
    int64_t id;
    BUF_AUTO text = {0};
    struct queue_filter filter = queue_filter_all();
    struct address parsed;
    filter.address = address;
    if (account_id) filter.account_id = account_id;
    if (address_parse(address, c->arena, &parsed)) { /* the queue is found by domain */
        filter.domains = &parsed.domain;
        filter.domain_count = 1;
    }
    queue_filter_format(&text, &filter);
    struct queue_job job = {.account_id = account_id,
                            .verb = QUEUE_CANCEL,
                            .filter = buf_str(&text),
                            .priority = -1,
                            .reason = STR(ERASE_REASON),
                            .created_at = c->now};
    return queue_job_add(db, &job, &id);
}

enum status keep_order_erasure(struct call *c, struct db *db, int64_t account_id, struct str address, int64_t *ret_id) {
    enum status status = erase_begin(db, account_id, address, c->now, ret_id);
    return status == STATUS_OK ? cancel_waiting(c, db, account_id, address) : status;
}

enum status keep_calls_erase(struct call *c, struct db *db) {
    int64_t open = 0, id = 0;
    enum status status = erasure_count_open(db, c->scope.account_id, &open);
    if (status != STATUS_OK) return status;
    if (open >= KEEP_ERASURES_MAX) return call_refuse(c, 3);
    status = keep_order_erasure(c, db, c->scope.account_id, call_arg(c, "EmailAddress")->text, &id);
    if (status != STATUS_OK) return status;
    json_add_id(call_open(c), STR("ErasureID"), id);
    return call_close(c);
}

enum status keep_calls_erase_wake(struct call *c, struct db *db) {
    (void)db;
    work_wake(c->api->work);
    return STATUS_OK;
}

static void add_time(struct json_writer *w, struct str key, int64_t at) {
    if (at)
        json_add_time(w, key, at);
    else
        json_add_z(w, key, "");
}

void keep_add_erasure(struct json_writer *w, const struct erasure *e) {
    BUF_AUTO hash = {0};
    hex_encode(&hash, e->address_hash);
    json_add_id(w, STR("ErasureID"), e->id);
    json_add_z(w, STR("State"), erase_stage_text((enum erase_stage)e->stage));
    json_add_i64(w, STR("Recipients"), e->recipients);
    json_add_i64(w, STR("Events"), e->events);
    json_add_i64(w, STR("Contents"), e->bodies);
    json_add_i64(w, STR("Waiting"), e->left_over);
    add_time(w, STR("CreatedAt"), e->created_at);
    add_time(w, STR("FinishedAt"), e->finished_at);
    json_add_str(w, STR("Hash"), buf_str(&hash));
}

enum status keep_calls_erasure(struct call *c, struct db *db) {
    struct erasure erasure;
    enum status status = erasure_get(db, c->arena, c->scope.account_id, call_number(c, "ErasureID", 0), &erasure);
    if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 2, STR("ErasureID"));
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_object(w, STR("Erasure"));
    keep_add_erasure(w, &erasure);
    json_close_object(w);
    return call_close(c);
}

enum status keep_calls_erasures(struct call *c, struct db *db) {
    struct erasure_list list;
    int limit = (int)call_number(c, "RetrieveCount", PAGE);
    enum status status = erasure_page(db, c->arena, c->scope.account_id, call_number(c, "BeforeID", INT64_MAX), limit, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    if (list.count == (size_t)limit)
        json_add_id(w, STR("NextBeforeID"), list.items[list.count - 1].id);
    else
        json_add_z(w, STR("NextBeforeID"), "");
    json_add_array(w, STR("Erasures"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        keep_add_erasure(w, &list.items[i]);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}
