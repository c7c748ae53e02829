/* domain_clear_calls.c - a sender domain's queue fails, because its owner says so or because the domain goes.
 *
 *   find     the domain, and the newest message there is (reader)
 *   hold     nothing of it begins; what is in flight is named
 *   count    what waits, in pieces (searcher)
 *   cut      the domain's cut-off, or its deletion, and the order to fail what waits, in one transaction (writer)
 *   release  the answer leaves; the order is worked off in slices (queue_work.c)
 *
 * Once the cut-off stands, every load of such a message says that it is lost, and a deferral of what is in flight is its end: so
 * nothing of it is delivered any more, whether the order has come that far or not, and whenever we die. What is in flight ends as
 * its host says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/domain_clear_calls.h"

#include "api/message_hold.h"
#include "api/work.h"
#include "core/delivery.h"
#include "core/domains.h"
#include "core/queue_orders.h"

#define PIECES_MAX 20 /* counted in one snapshot */

struct clearing {
    struct message_hold hold;
    struct message_scope scope;
    struct queue_filter filter;
    struct queue_sweep at;
    int64_t count;
    bool is_delete, is_counted;
};

static void cleanup(struct call *c) {
    message_hold_end(&((struct clearing *)c->state)->hold);
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
    s->filter = queue_filter_all();
    s->filter.account_id = domain.account_id;
    s->filter.domain_id = domain.id;
    c->state = s;
    c->cleanup = cleanup;
    return message_last(db, &s->filter.last_message);
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
        .account_id = s->scope.account_id, .domain_id = s->scope.domain_id, .last_message = s->filter.last_message};
    return message_hold_begin(&s->hold, c, &what);
}

/* Those in flight wait on disk as well, but are not failed here. */
static enum status count_flying(struct clearing *s, struct db *db, int64_t *ret_count) {
    const struct message_flight flight = message_hold_flight(&s->hold);
    int64_t count = 0;
    for (size_t i = 0; i < flight.count; i++) {
        ARENA_AUTO arena = {0};
        struct recipient r;
        enum status status = recipient_get(db, &arena, flight.ids[i], &r);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
        bool waits = status == STATUS_OK && (r.state == RECIPIENT_SCHEDULED || r.state == RECIPIENT_QUEUED);
        count += waits && r.domain_id == s->scope.domain_id && r.message_id <= s->filter.last_message;
    }
    *ret_count = count;
    return STATUS_OK;
}

enum status domain_clear_count(struct call *c, struct db *db) {
    struct clearing *s = c->state;
    const struct queue_view view = {db, c->arena, c->api->owner.node_id, c->now};
    int64_t flying = 0;
    bool is_end = false;
    enum status status = s->count == 0 && !s->is_counted ? count_flying(s, db, &flying) : STATUS_OK;
    s->is_counted = true;
    s->count -= flying;
    for (int i = 0; status == STATUS_OK && !is_end && i < PIECES_MAX; i++) {
        struct queue_count_list counts;
        struct queue_page page;
        status = queue_filter_count(&view, &s->filter, &s->at, QUEUE_BY_NOTHING, &counts, &page);
        if (status != STATUS_OK) return status;
        for (size_t k = 0; k < counts.count; k++) s->count += counts.items[k].count;
        s->at = page.next;
        is_end = page.is_end;
    }
    if (status == STATUS_OK && !is_end) call_again(c);
    return status;
}

/* From here on nobody can send for a domain that was deleted (accept asks), so what waits is all there is. */
static enum status cut(struct clearing *s, struct db *db) {
    return s->is_delete ? domain_delete(db, s->scope.account_id, s->scope.domain_id)
                        : domain_set_cut(db, s->scope.account_id, s->scope.domain_id, s->filter.last_message);
}

enum status domain_clear_cut(struct call *c, struct db *db) {
    struct clearing *s = c->state;
    struct queue_filter filter = s->filter;
    BUF_AUTO text = {0};
    int64_t id;
    enum status status = cut(s, db);
    if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 2, STR("DomainID")); /* deleted meanwhile */
    if (status != STATUS_OK) return status;
    if (s->is_delete) filter.last_message = INT64_MAX; /* what came between the count and the deletion */
    queue_filter_format(&text, &filter);
    status = queue_job_add(db,
                           &(struct queue_job){.account_id = s->scope.account_id,
                                               .verb = QUEUE_FAIL,
                                               .filter = buf_str(&text),
                                               .priority = -1,
                                               .reason = s->is_delete ? STR(DELIVERY_WHY_DELETED) : STR(DELIVERY_WHY_CLEARED),
                                               .created_at = c->now},
                           &id);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("Cleared"), s->count > 0 ? s->count : 0);
    return call_close(c);
}

enum status domain_clear_release(struct call *c, struct db *db) {
    (void)db;
    message_hold_end(&((struct clearing *)c->state)->hold);
    work_wake(c->api->work);
    return STATUS_OK;
}
