/* hooks.c - see hooks.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/hooks.h"

#include "store/rows.h"
#include "store/scope.h"

/* ---- endpoints ---- */
static void endpoint_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct hook_endpoint *)item = (struct hook_endpoint){
        .id = stmt_int(s, 0),
        .account_id = stmt_int(s, 1),
        .domain_id = stmt_int(s, 2),
        .url = row_text(s, a, 3),
        .is_active = stmt_int(s, 4) != 0,
        .headers_sealed = arena_str(a, stmt_blob(s, 5)),
        .batch_max = stmt_int(s, 6),
        .health = {.failures = stmt_int(s, 7),
                   .failed_at = stmt_int(s, 8),
                   .failing_since = stmt_int(s, 9),
                   .paused_until = stmt_int(s, 10)},
        .disabled_at = stmt_int(s, 11),
        .disabled_why = row_text(s, a, 12),
        .key_sealed = arena_str(a, stmt_blob(s, 13)),
        .old_key_sealed = arena_str(a, stmt_blob(s, 14)),
        .old_key_until = stmt_int(s, 15),
    };
}

enum status hook_endpoint_get(struct db *tx, struct arena *a, int64_t account_id, int64_t webhook_id, struct hook_endpoint *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT w.id, w.account_id, w.domain_id, w.url, w.is_active, w.headers_sealed, w.batch_max, w.failures, "
                    "w.failed_at, w.failing_since, w.paused_until, w.disabled_at, w.disabled_why, d.signing_key_sealed, "
                    "d.old_signing_key_sealed, d.old_signing_key_until FROM webhooks w JOIN domains d ON d.id = w.domain_id "
                    "WHERE w.id = ?1 AND (?2 = -1 OR w.account_id = ?2)");
    STMT_BIND_INTS(s, 1, webhook_id, account_id);
    return row_get(s, a, endpoint_fill, ret);
}

enum status hook_endpoint_set_headers(struct db *tx, int64_t account_id, int64_t webhook_id, struct str sealed) {
    struct stmt *s = db_stmt(tx, "UPDATE webhooks SET headers_sealed = ?3 WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, webhook_id, account_id);
    stmt_bind_blob(s, 3, sealed);
    return row_change(tx, s);
}

enum status hook_endpoint_set_batch(struct db *tx, int64_t account_id, int64_t webhook_id, int64_t batch_max) {
    struct stmt *s = db_stmt(tx, "UPDATE webhooks SET batch_max = ?3 WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, webhook_id, account_id, batch_max);
    return row_change(tx, s);
}

enum status hook_endpoint_enable(struct db *tx, int64_t account_id, int64_t webhook_id) {
    struct stmt *s = db_stmt(tx, "UPDATE webhooks SET is_active = 1, failures = 0, failed_at = 0, failing_since = 0, "
                                 "paused_until = 0, disabled_at = 0, disabled_why = '' "
                                 "WHERE id = ?1 AND (?2 = -1 OR account_id = ?2) AND is_active = 0");
    STMT_BIND_INTS(s, 1, webhook_id, account_id);
    return row_change(tx, s);
}

enum status hook_endpoint_disable(struct db *tx, int64_t account_id, int64_t webhook_id, struct str why, int64_t now) {
    struct stmt *s = db_stmt(tx, "UPDATE webhooks SET is_active = 0, disabled_at = ?3, disabled_why = ?4 "
                                 "WHERE id = ?1 AND (?2 = -1 OR account_id = ?2) AND is_active = 1");
    STMT_BIND_INTS(s, 1, webhook_id, account_id, now);
    stmt_bind_text(s, 4, why);
    return row_change(tx, s);
}

enum status hook_endpoint_set_health(struct db *tx, int64_t webhook_id, const struct hook_health *health) {
    struct stmt *s = db_stmt(tx, "UPDATE webhooks SET failures = ?2, failed_at = ?3, failing_since = ?4, paused_until = ?5 "
                                 "WHERE id = ?1");
    STMT_BIND_INTS(s, 1, webhook_id, health->failures, health->failed_at, health->failing_since, health->paused_until);
    return row_change(tx, s);
}

enum status hook_key_rotate(struct db *tx, int64_t domain_id, struct str sealed, int64_t old_until) {
    struct stmt *s = db_stmt(tx, "UPDATE domains SET old_signing_key_sealed = signing_key_sealed, old_signing_key_until = ?3, "
                                 "signing_key_sealed = ?2 WHERE id = ?1");
    stmt_bind_int(s, 1, domain_id);
    stmt_bind_blob(s, 2, sealed);
    stmt_bind_int(s, 3, old_until);
    return row_change(tx, s);
}

/* ---- the outbox ---- */

/* The writer's connection knows which domains may have webhooks: whoever adds one by it says so, and what another process added
 * is read when it finds a newer webhook than it has read, for which it looks once a transaction. A domain that has none any more
 * costs a look an event until the next start. */
static struct str key_of(const int64_t *domain_id) {
    return str_make((const char *)domain_id, sizeof *domain_id);
}

void hook_outbox_expect(struct db *tx, int64_t domain_id) {
    struct map *known = db_memory(tx);
    map_put(known, key_of(&domain_id), known);
}

#define LOOKED 2u /* db_mark, as HOOK_MARK: this transaction has looked for newer ones */

static enum status read_domains(struct db *tx) {
    int64_t newest = 0;
    if (db_marks(tx) & LOOKED) return STATUS_OK;
    enum status status = row_int(db_stmt(tx, "SELECT COALESCE(max(id), 0) FROM webhooks"), &newest);
    const int64_t all = -1 - newest; /* no domain's id: all up to that one are known */
    if (status == STATUS_OK && !map_find(db_memory(tx), key_of(&all))) {
        struct stmt *s = db_stmt(tx, "SELECT DISTINCT domain_id FROM webhooks");
        while ((status = stmt_step(s)) == STATUS_ROW) hook_outbox_expect(tx, stmt_int(s, 0));
        if (status == STATUS_OK) hook_outbox_expect(tx, all);
    }
    if (status == STATUS_OK) db_mark(tx, LOOKED);
    return status;
}

/* Which endpoints an event of the domain goes to, by its number in the set of types, and who calls them. */
#define WANTS                                                                                                                    \
    " FROM webhooks w JOIN recipients r ON r.id = ?4 WHERE w.domain_id = ?2 AND w.is_active = 1 AND (w.events & ?3) <> 0"

static void bind_wants(struct stmt *s, const struct event *event) {
    STMT_BIND_INTS(s, 1, event->at, event->domain_id, EVENT_BIT(event->type), event->recipient_id,
                   event->at + HOOK_BATCH_WAIT_MS);
}

/* Queues of the event's endpoints wake for it: at once; where events gather, when the first one has waited long enough or there
 * are as many as a call takes; where it is paused, after that. Nothing is written for a queue that is awake already. */
static enum status wake_for(struct db *tx, const struct event *event) {
    struct stmt *s = db_stmt(
        tx, "INSERT INTO hook_queues (node_id, webhook_id, account_id, wake_at, gathered) SELECT r.node_id, w.id, w.account_id, "
            "CASE WHEN w.paused_until > ?1 THEN w.paused_until WHEN w.batch_max > 0 THEN ?5 ELSE ?1 END, "
            "CASE WHEN w.batch_max > 0 THEN 1 ELSE 0 END" WANTS " ON CONFLICT (node_id, webhook_id) DO UPDATE SET "
            "gathered = hook_queues.gathered + excluded.gathered, wake_at = CASE "
            "WHEN excluded.gathered = 1 AND excluded.wake_at = ?5 AND hook_queues.wake_at > ?1 AND hook_queues.gathered + 1 >= "
            "(SELECT b.batch_max FROM webhooks b WHERE b.id = excluded.webhook_id) THEN ?1 "
            "WHEN excluded.wake_at < hook_queues.wake_at THEN excluded.wake_at ELSE hook_queues.wake_at END "
            "WHERE excluded.gathered = 1 OR excluded.wake_at < hook_queues.wake_at");
    bind_wants(s, event);
    db_mark(tx, HOOK_MARK);
    return stmt_run(s);
}

static enum status add_rows(struct db *tx, const struct event *event, int64_t event_id, int64_t *ret_count) {
    struct stmt *s = db_stmt(tx, "INSERT INTO hook_outbox (node_id, webhook_id, event_id, created_at, due_at) "
                                 "SELECT r.node_id, w.id, ?6, ?1, CASE WHEN w.batch_max > 0 THEN ?5 ELSE ?1 END" WANTS
                                 " ON CONFLICT (webhook_id, event_id) DO NOTHING");
    bind_wants(s, event);
    stmt_bind_int(s, 6, event_id);
    return rows_change(tx, s, ret_count);
}

enum status hook_outbox_add(struct db *tx, const struct event *event, int64_t event_id) {
    int64_t count = 0;
    enum status status = read_domains(tx);
    if (status != STATUS_OK || !map_find(db_memory(tx), key_of(&event->domain_id))) return status;
    status = add_rows(tx, event, event_id, &count);
    return status == STATUS_OK && count > 0 ? wake_for(tx, event) : status;
}

static void due_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct hook_due *)item = (struct hook_due){stmt_int(s, 0), stmt_int(s, 1), stmt_int(s, 2)};
}

enum status hook_queue_due(struct db *tx, struct arena *a, const struct hook_due_query *q, struct hook_due_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT webhook_id, account_id, wake_at FROM hook_queues WHERE node_id = ?1 AND wake_at <= ?2 "
                                 "AND (wake_at, webhook_id) > (?3, ?4) ORDER BY wake_at, webhook_id LIMIT ?5");
    STMT_BIND_INTS(s, 1, q->node_id, q->now, q->after.wake_at, q->after.webhook_id, q->limit);
    return rows_collect(s, a, sizeof(struct hook_due), due_fill, ret);
}

enum status hook_queue_next(struct db *tx, int64_t node_id, int64_t now, int64_t *ret_wake_at) {
    struct stmt *s = db_stmt(tx, "SELECT wake_at FROM hook_queues WHERE node_id = ?1 AND wake_at > ?2 ORDER BY wake_at LIMIT 1");
    STMT_BIND_INTS(s, 1, node_id, now);
    return row_int(s, ret_wake_at);
}

static void outbox_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct hook_row *)item = (struct hook_row){
        .id = stmt_int(s, 0),
        .attempts = stmt_int(s, 1),
        .due_at = stmt_int(s, 2),
        .event = {.event = {.id = stmt_int(s, 3),
                            .at = stmt_int(s, 4),
                            .type = (enum event_type)stmt_int(s, 5),
                            .account_id = stmt_int(s, 6),
                            .domain_id = stmt_int(s, 7),
                            .message_id = stmt_int(s, 8),
                            .recipient_id = stmt_int(s, 9),
                            .recipient = row_text(s, a, 10),
                            .detail = row_text(s, a, 11)},
                  .message_uuid = row_uuid(s, 12),
                  .sender = row_text(s, a, 13),
                  .subject = row_text(s, a, 14),
                  .tags = row_text(s, a, 15),
                  .metadata = row_text(s, a, 16)},
    };
}

enum status hook_outbox_load(struct db *tx, struct arena *a, const struct hook_load *load, struct hook_row_list *ret) {
    struct stmt *s = db_stmt(
        tx, "SELECT o.id, o.attempts, o.due_at, COALESCE(e.id, 0), COALESCE(e.at, 0), COALESCE(e.type, 0), "
            "COALESCE(e.account_id, 0), COALESCE(e.domain_id, 0), COALESCE(e.message_id, 0), COALESCE(e.recipient_id, 0), "
            "COALESCE(e.recipient, ''), COALESCE(e.detail, ''), m.uuid, COALESCE(m.sender, ''), COALESCE(m.subject, ''), "
            "COALESCE(m.tags, ''), COALESCE(m.metadata, '') FROM (SELECT id, attempts, due_at, event_id FROM hook_outbox "
            "WHERE node_id = ?1 AND webhook_id = ?2 AND due_at <= ?3 ORDER BY due_at, id LIMIT ?4) o "
            "LEFT JOIN events e ON e.id = o.event_id LEFT JOIN messages m ON m.id = e.message_id "
            "ORDER BY o.due_at, o.id");
    STMT_BIND_INTS(s, 1, load->node_id, load->webhook_id, load->due_before, load->limit);
    return rows_collect(s, a, sizeof(struct hook_row), outbox_fill, ret);
}

#define FENCE                                                                                                                    \
    " WHERE id = ?1 AND attempts = ?2 AND node_id = ?3 AND EXISTS (SELECT 1 FROM nodes n WHERE n.id = ?3 AND n.epoch = ?4)"

enum status hook_outbox_settle(struct db *tx, const struct hook_settle *settle) {
    struct stmt *s = settle->due_at ? db_stmt(tx, "UPDATE hook_outbox SET attempts = attempts + 1, due_at = ?5" FENCE)
                                    : db_stmt(tx, "DELETE FROM hook_outbox" FENCE);
    STMT_BIND_INTS(s, 1, settle->row_id, settle->seen_attempts, settle->owner.node_id, settle->owner.epoch);
    if (settle->due_at) stmt_bind_int(s, 5, settle->due_at);
    return row_change(tx, s);
}

enum status hook_queue_refresh(struct db *tx, int64_t node_id, int64_t webhook_id, int64_t not_before) {
    int64_t due_at, changed;
    struct stmt *s = db_stmt(tx, "SELECT due_at FROM hook_outbox WHERE node_id = ?1 AND webhook_id = ?2 ORDER BY due_at LIMIT 1");
    STMT_BIND_INTS(s, 1, node_id, webhook_id);
    enum status status = row_int(s, &due_at);
    if (status == STATUS_NOT_FOUND) {
        s = db_stmt(tx, "DELETE FROM hook_queues WHERE node_id = ?1 AND webhook_id = ?2");
        STMT_BIND_INTS(s, 1, node_id, webhook_id);
        return rows_change(tx, s, &changed);
    }
    if (status != STATUS_OK) return status;
    s = db_stmt(tx, "UPDATE hook_queues SET wake_at = ?3, gathered = 0 WHERE node_id = ?1 AND webhook_id = ?2");
    STMT_BIND_INTS(s, 1, node_id, webhook_id, due_at > not_before ? due_at : not_before);
    return rows_change(tx, s, &changed);
}

enum status hook_outbox_drop(struct db *tx, int64_t node_id, int64_t webhook_id, int64_t max, int64_t *ret_dropped) {
    struct stmt *s = db_stmt(tx, "DELETE FROM hook_outbox WHERE id IN (SELECT id FROM hook_outbox WHERE node_id = ?1 "
                                 "AND webhook_id = ?2 ORDER BY due_at, id LIMIT ?3)");
    STMT_BIND_INTS(s, 1, node_id, webhook_id, max);
    return rows_change(tx, s, ret_dropped);
}

/* ---- again ---- */
static enum status wake_now(struct db *tx, int64_t node_id, int64_t webhook_id, int64_t now) {
    int64_t changed;
    struct stmt *s = db_stmt(tx, "INSERT INTO hook_queues (node_id, webhook_id, account_id, wake_at) SELECT ?1, w.id, "
                                 "w.account_id, CASE WHEN w.paused_until > ?3 THEN w.paused_until ELSE ?3 END FROM webhooks w "
                                 "WHERE w.id = ?2 ON CONFLICT (node_id, webhook_id) DO UPDATE SET wake_at = excluded.wake_at "
                                 "WHERE excluded.wake_at < hook_queues.wake_at");
    STMT_BIND_INTS(s, 1, node_id, webhook_id, now);
    db_mark(tx, HOOK_MARK);
    return rows_change(tx, s, &changed);
}

static enum status replay(struct db *tx, int64_t node_id, int64_t account_id, int64_t webhook_id, int64_t event_id, int64_t now) {
    struct stmt *s = db_stmt(tx, "INSERT INTO hook_outbox (node_id, webhook_id, event_id, created_at, due_at) SELECT ?1, w.id, "
                                 "e.id, ?5, ?5 FROM webhooks w JOIN events e ON e.domain_id = w.domain_id WHERE w.id = ?3 AND "
                                 "w.account_id = ?2 AND w.is_active = 1 AND e.id = ?4 ON CONFLICT (webhook_id, event_id) "
                                 "DO UPDATE SET node_id = excluded.node_id, due_at = excluded.due_at, attempts = 0");
    STMT_BIND_INTS(s, 1, node_id, account_id, webhook_id, event_id, now);
    return row_change(tx, s);
}

enum status hook_replay_event(struct db *tx, int64_t node_id, int64_t account_id, int64_t webhook_id, int64_t event_id,
                              int64_t now) {
    enum status status = replay(tx, node_id, account_id, webhook_id, event_id, now);
    return status == STATUS_OK ? wake_now(tx, node_id, webhook_id, now) : status;
}

struct found {
    int64_t at, id, wants;
};
struct found_list {
    struct found *items;
    size_t count;
};

static void found_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    struct found *f = item;
    *f = (struct found){.at = stmt_int(s, 0), .id = stmt_int(s, 1), .wants = stmt_int(s, 3) & EVENT_BIT(stmt_int(s, 2))};
}

enum status hook_replay_range(struct db *tx, struct arena *a, const struct hook_range *r, struct hook_replayed *ret) {
    struct found_list list;
    struct hook_replayed replayed = {.at = r->after_at, .id = r->after_id};
    struct stmt *s = db_stmt(tx, "SELECT e.at, e.id, e.type, w.events FROM webhooks w JOIN events e ON e.domain_id = w.domain_id "
                                 "WHERE w.id = ?1 AND w.account_id = ?2 AND w.is_active = 1 AND e.at >= ?3 AND e.at < ?4 "
                                 "AND (e.at, e.id) > (?5, ?6) ORDER BY e.at, e.id LIMIT ?7");
    STMT_BIND_INTS(s, 1, r->webhook_id, r->account_id, r->from_at, r->before_at, r->after_at, r->after_id, r->limit);
    enum status status = rows_collect(s, a, sizeof(struct found), found_fill, &list);
    for (size_t i = 0; status == STATUS_OK && i < list.count; i++) {
        replayed.at = list.items[i].at;
        replayed.id = list.items[i].id;
        if (!list.items[i].wants) continue;
        status = replay(tx, r->node_id, r->account_id, r->webhook_id, replayed.id, r->now);
        replayed.count++;
    }
    if (status == STATUS_OK && replayed.count) status = wake_now(tx, r->node_id, r->webhook_id, r->now);
    if (status != STATUS_OK) return status;
    replayed.is_end = list.count < (size_t)r->limit;
    *ret = replayed;
    return STATUS_OK;
}

/* ---- what became of calls ---- */
#define ATTEMPT_COLUMNS "webhook_id, event_id, event_count, attempt, at, duration_ms, code, why, answer"
#define TRIM_MAX        "4" /* more than come with one call */

enum status hook_attempt_add(struct db *tx, const struct hook_attempt *t) {
    struct stmt *s = db_stmt(tx, "INSERT INTO hook_attempts (" ATTEMPT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    STMT_BIND_INTS(s, 1, t->webhook_id, t->event_id, t->event_count, t->attempt, t->at, t->duration_ms, t->code);
    stmt_bind_text(s, 8, t->why);
    stmt_bind_blob(s, 9, str_sub(t->answer, 0, HOOK_ANSWER_MAX));
    enum status status = stmt_run(s);
    if (status != STATUS_OK) return status;
    int64_t gone;
    s = db_stmt(tx, "DELETE FROM hook_attempts WHERE id IN (SELECT id FROM hook_attempts WHERE webhook_id = ?1 "
                    "ORDER BY id DESC LIMIT " TRIM_MAX " OFFSET ?2)");
    STMT_BIND_INTS(s, 1, t->webhook_id, HOOK_LOG_KEEP);
    return rows_change(tx, s, &gone);
}

static void attempt_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct hook_attempt *)item = (struct hook_attempt){
        .id = stmt_int(s, 0),
        .webhook_id = stmt_int(s, 1),
        .event_id = stmt_int(s, 2),
        .event_count = stmt_int(s, 3),
        .attempt = stmt_int(s, 4),
        .at = stmt_int(s, 5),
        .duration_ms = stmt_int(s, 6),
        .code = stmt_int(s, 7),
        .why = row_text(s, a, 8),
        .answer = arena_str(a, stmt_blob(s, 9)),
    };
}

enum status hook_attempt_list(struct db *tx, struct arena *a, const struct hook_attempt_query *q, struct hook_attempt_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id, " ATTEMPT_COLUMNS " FROM hook_attempts WHERE webhook_id = ?1 AND id < ?3 AND EXISTS "
                                 "(SELECT 1 FROM webhooks w WHERE w.id = ?1 AND (?2 = -1 OR w.account_id = ?2)) "
                                 "ORDER BY id DESC LIMIT ?4");
    STMT_BIND_INTS(s, 1, q->webhook_id, q->account_id, q->before_id ? q->before_id : INT64_MAX, q->limit);
    return rows_collect(s, a, sizeof(struct hook_attempt), attempt_fill, ret);
}

/* Only the oldest are looked at, so that finding nothing costs nothing. */
enum status hook_attempt_prune(struct db *tx, int64_t before, int64_t max) {
    struct stmt *s = db_stmt(tx, "DELETE FROM hook_attempts WHERE id IN (SELECT id FROM (SELECT id, at FROM hook_attempts "
                                 "ORDER BY id LIMIT ?2) AS oldest WHERE at < ?1)");
    STMT_BIND_INTS(s, 1, before, max);
    return stmt_run(s);
}
