/* export_calls.c - EmailGateway.ExportEvents and GET /api/v1/events/export: the events that GetEvents would list, all of them, as
 * CSV or a JSON object a line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/event_calls.h"
#include "api/export_calls.h"
#include "api/export_gate.h"

#include "base/log.h"
#include "core/domains.h"
#include "core/event_export.h"

#include <inttypes.h>

#define BUSY_RETRY_S 10

struct export {
    struct event_export events;
    struct export_gate *gate; /* NULL: no place was taken */
};

enum status export_calls_check(struct call *c, struct db *db) {
    struct export *export = ARENA_NEW(c->arena, struct export);
    enum status status = event_calls_check(c, db);
    export->events = (struct event_export){
        .account_id = c->scope.account_id,
        .format = call_number(c, "Format", 0) ? EVENT_EXPORT_NDJSON : EVENT_EXPORT_CSV,
        .filter = *(struct event_filter *)c->state,
    };
    c->state = export;
    return status;
}

static void end_export(struct call *c) {
    struct export *export = c->state;
    if (!export->gate) return;
    export_gate_give(export->gate, export->events.account_id);
    LOG(LOG_INFO, "api.export", LOG_INT("account", c->scope.account_id), LOG_INT("domain", export->events.domain_id),
        LOG_INT("rows", export->events.rows), LOG_Z("whole", export->events.is_done ? "yes" : "no"),
        LOG_INT("ms", clock_mono_ms(c->api->clock) - c->started_ms));
}

/* The account may have two, all together so many; either passes. */
static enum status take_place(struct call *c, struct export *export) {
    c->cleanup = end_export;
    if (export->gate || !c->api->exports) return STATUS_OK;
    enum status status = export_gate_take(c->api->exports, export->events.account_id);
    if (status == STATUS_OK) export->gate = c->api->exports;
    if (status == STATUS_LIMIT) c->retry_after_s = BUSY_RETRY_S;
    if (status != STATUS_EXISTS) return status;
    c->retry_after_s = BUSY_RETRY_S;
    refused_say(&c->refused, c->arena, REFUSAL_TOO_MANY, (struct str){0},
                "This account has two exports under way; wait until one of them has ended");
    return STATUS_OK;
}

/* The sender key's domain; the one that is named; or all. */
static enum status find_domain(struct call *c, struct db *db, struct export *export, struct str *ret_name) {
    struct domain domain = {0};
    int64_t id = c->scope.domain_id != SCOPE_ANY ? c->scope.domain_id : call_number(c, "DomainID", 0);
    if (!id) return STATUS_OK;
    enum status status = domain_get(db, c->arena, c->scope.account_id, id, &domain);
    export->events.domain_id = id;
    *ret_name = domain.name;
    return status == STATUS_NOT_FOUND ? call_refuse(c, 2) : status;
}

/* One that is no uuid, or not of the domain, has no events. */
static enum status find_message(struct call *c, struct db *db, struct event_export *events) {
    struct message message;
    struct id uuid;
    struct str text = call_text(c, "MessageID", (struct str){0});
    enum status status = STATUS_NOT_FOUND;
    if (!text.n) return STATUS_OK;
    if (id_parse(text, &uuid))
        status = message_of(db, c->arena, events->account_id, events->domain_id ? events->domain_id : SCOPE_ANY, uuid, &message);
    if (status == STATUS_OK) {
        events->filter.message_id = message.id;
        events->domain_id = message.domain_id;
    }
    events->is_done = status == STATUS_NOT_FOUND;
    return events->is_done ? STATUS_OK : status;
}

static enum status add_headers(struct call *c, struct db *db, const struct export *export, struct str domain) {
    BUF_AUTO day = {0};
    bool is_known, is_csv = export->events.format == EVENT_EXPORT_CSV;
    int64_t total;
    enum status status = event_export_total(db, &export->events, &is_known, &total);
    if (status != STATUS_OK) return status;
    time_add_sql(&day, c->now);
    buf_cut(&day, STR("YYYY-MM-DD").n);
    c->content_type = is_csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
    call_add_header(c, STR("Content-Disposition"),
                    arena_strf(c->arena, "attachment; filename=\"events-%.*s%s%.*s.%s\"", STR_ARG(domain), domain.n ? "-" : "",
                               STR_ARG(buf_str(&day)), is_csv ? "csv" : "ndjson"));
    if (is_known) call_add_header(c, STR("X-Posthorn-Export-Total"), arena_strf(c->arena, "%" PRId64, total));
    return STATUS_OK;
}

static enum status add_piece(struct call *c, struct db *db) {
    struct export *export = c->state;
    enum status status = event_export_next(db, &export->events, c->api->clock, &c->out);
    if (status == STATUS_OK && export->events.is_done) call_end(c);
    return status;
}

enum status export_calls_begin(struct call *c, struct db *db) {
    struct export *export = c->state;
    struct str domain = {0};
    enum status status = find_domain(c, db, export, &domain);
    if (!call_is_over(c, status)) status = find_message(c, db, &export->events);
    if (!call_is_over(c, status)) status = take_place(c, export);
    if (!call_is_over(c, status)) status = add_headers(c, db, export, domain);
    if (call_is_over(c, status)) return status;
    event_export_begin(&export->events, &c->out);
    c->more = add_piece;
    return add_piece(c, db);
}
