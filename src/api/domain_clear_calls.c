/* domain_clear_calls.c - a sender domain's queue fails, because its owner says so or because the domain goes.
 *
 *   find     the domain, the newest message there is, and what waits (reader)
 *   hold     nothing of it begins; what is in flight is named
 *   run      slices on the writer: state and event of each, P3
 *   release
 *
 * A domain that is deleted goes first, in the first slice: from then on nobody can send for it (accept asks), so what waits is
 * looked for afterwards; and if we die in between, deliveries fail the rest because their domain is gone. What is in flight ends
 * as its host says, but for a deferral: the end of its message's life makes that a failure.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/domain_clear_calls.h"

#include "api/message_hold.h"
#include "core/domains.h"

#include <string.h>

#define SLICE   500   /* rows a transaction */
#define COLLECT 10000 /* looked up at once; more than can be in flight, so each time some go */

/* How far it is; a slice works on a copy, which the run after it takes over, for then the slice is committed. */
struct progress {
    int which; /* of ids */
    size_t count, position;
    bool is_last; /* nothing waits beyond these */
    int64_t cleared;
};
struct clearing {
    struct message_hold hold;
    struct message_scope scope;
    bool is_delete;
    int64_t last_message;
    unsigned round;
    struct progress at, next;
    int64_t ids[2][COLLECT];
};

static void cleanup(struct call *c) {
    message_hold_end(&((struct clearing *)c->state)->hold);
}

static enum status collect(struct clearing *s, struct db *db, struct progress *p) {
    ARENA_AUTO arena = {0};
    struct queue_ids found;
    enum status status = message_waiting(db, &arena, &s->scope, s->last_message, COLLECT, &found);
    if (status != STATUS_OK) return status;
    p->which = !p->which;
    p->position = 0;
    p->count = found.count;
    p->is_last = found.count < COLLECT;
    if (found.count) memcpy(s->ids[p->which], found.items, found.count * sizeof found.items[0]);
    return STATUS_OK;
}

/* ---- the steps ---- */
static enum status find(struct call *c, struct db *db, bool is_delete) {
    struct clearing *s = ARENA_NEW(c->arena, struct clearing);
    struct domain domain;
    enum status status = domain_get(db, c->arena, c->scope.account_id, call_number(c, "DomainID", 0), &domain);
    if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 2, STR("DomainID"));
    if (status != STATUS_OK) return status;
    s->scope = (struct message_scope){domain.account_id, domain.id};
    s->is_delete = is_delete;
    s->last_message = INT64_MAX;
    c->state = s;
    c->cleanup = cleanup;
    c->write_bytes = (size_t)SLICE * 512;
    if (is_delete) return STATUS_OK;
    status = message_last(db, &s->last_message);
    return status == STATUS_OK ? collect(s, db, &s->at) : status;
}

enum status domain_clear_find(struct call *c, struct db *db) {
    return find(c, db, false);
}

enum status domain_delete_find(struct call *c, struct db *db) {
    return find(c, db, true);
}

enum status domain_clear_hold(struct call *c, struct db *db) {
    (void)db;
    struct clearing *s = c->state;
    struct queue_hold what = {
        .account_id = s->scope.account_id, .domain_id = s->scope.domain_id, .last_message = s->last_message};
    return message_hold_begin(&s->hold, c, &what);
}

static void answer(struct call *c, int64_t cleared) {
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("Cleared"), cleared);
    call_close(c);
}

enum status domain_clear_run(struct call *c, struct db *db) {
    struct clearing *s = c->state;
    if (c->round != s->round) s->at = s->next;
    s->round = c->round;
    struct progress p = s->at;
    int64_t failed = 0;
    enum status status = STATUS_OK;
    if (s->is_delete && c->round == 0) status = domain_delete(db, s->scope.account_id, s->scope.domain_id);
    if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 2, STR("DomainID")); /* deleted meanwhile */
    if (status == STATUS_OK && p.position == p.count && !p.is_last) status = collect(s, db, &p);
    if (status != STATUS_OK) return status;
    size_t n = p.count - p.position < SLICE ? p.count - p.position : SLICE;
    const struct queue_ids ids = {&s->ids[p.which][p.position], n};
    const struct message_end end = {
        .flight = message_hold_flight(&s->hold),
        .reason = s->is_delete ? STR("The sender domain was deleted") : STR("The sender domain's queue was cleared"),
        .now = clock_wall_ms(c->api->clock),
    };
    status = message_fail(db, &ids, &end, &failed);
    if (status != STATUS_OK) return status;
    p.position += n;
    p.cleared += failed;
    s->next = p;
    if (p.position < p.count || !p.is_last)
        call_again(c);
    else
        answer(c, p.cleared);
    return STATUS_OK;
}

enum status domain_clear_release(struct call *c, struct db *db) {
    (void)db;
    struct clearing *s = c->state;
    metrics_add(c->api->metrics, METRIC_FAILED, s->next.cleared);
    message_hold_end(&s->hold);
    return STATUS_OK;
}
