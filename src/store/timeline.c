/* timeline.c - see timeline.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/timeline.h"

#include "store/rows.h"

static void event_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct event *)item = (struct event){.id = stmt_int(s, 0),
                                           .at = stmt_int(s, 1),
                                           .type = (enum event_type)stmt_int(s, 2),
                                           .recipient_id = stmt_int(s, 3),
                                           .recipient = row_text(s, a, 4),
                                           .detail = row_text(s, a, 5)};
}

enum status timeline_events(struct db *tx, struct arena *a, const struct timeline_range *r, struct message_timeline *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT id, at, type, recipient_id, recipient, detail FROM events WHERE domain_id = ?1 AND message_id = ?2 "
                    "AND (at, id) > (?3, ?4) AND (?5 = 0 OR recipient_id = ?5) ORDER BY at, id LIMIT ?6");
    STMT_BIND_INTS(s, 1, r->domain_id, r->message_id, r->after_at, r->after_id, r->recipient_id, r->limit);
    return rows_collect(s, a, sizeof(struct event), event_fill, ret);
}

static void waiting_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct recipient *)item = (struct recipient){.id = stmt_int(s, 0),
                                                   .address = row_text(s, a, 1),
                                                   .state = (enum recipient_state)stmt_int(s, 2),
                                                   .due_at = stmt_int(s, 3),
                                                   .attempts = stmt_int(s, 4),
                                                   .reason = row_text(s, a, 5)};
}

enum status timeline_waiting(struct db *tx, struct arena *a, const struct timeline_range *r, struct recipient_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id, address, state, due_at, attempts, reason FROM recipients WHERE message_id = ?1 "
                                 "AND id > ?2 AND (?3 = 0 OR id = ?3) AND state IN (0, 1, 2) ORDER BY id LIMIT ?4");
    STMT_BIND_INTS(s, 1, r->message_id, r->after_id, r->recipient_id, r->limit);
    return rows_collect(s, a, sizeof(struct recipient), waiting_fill, ret);
}

/* EVENT_SEND, or EVENT_SUPPRESSED: each recipient has one of them, from acceptance. */
enum status timeline_count(struct db *tx, const struct timeline_range *r, int64_t *ret_recipients, int64_t *ret_begun) {
    struct stmt *s = db_stmt(tx, "SELECT (SELECT count(*) FROM recipients WHERE message_id = ?2), (SELECT count(*) FROM events "
                                 "WHERE domain_id = ?1 AND message_id = ?2 AND type IN (1, 6))");
    STMT_BIND_INTS(s, 1, r->domain_id, r->message_id);
    enum status status = row_first(s);
    if (status != STATUS_OK) return status;
    *ret_recipients = stmt_int(s, 0);
    *ret_begun = stmt_int(s, 1);
    return STATUS_OK;
}

/* Is there a row? */
static enum status has_row(struct stmt *s, bool *ret) {
    enum status status = row_none(s);
    if (status != STATUS_OK && status != STATUS_EXISTS) return status;
    *ret = status == STATUS_EXISTS;
    return STATUS_OK;
}

enum status timeline_has_body(struct db *tx, int64_t message_id, bool *ret) {
    struct stmt *s = db_stmt(tx, "SELECT 1 FROM bodies WHERE message_id = ?1");
    stmt_bind_int(s, 1, message_id);
    return has_row(s, ret);
}

enum status timeline_recipient(struct db *tx, int64_t message_id, struct str address, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "SELECT id FROM recipients WHERE message_id = ?1 AND address = ?2 ORDER BY id LIMIT 1");
    stmt_bind_int(s, 1, message_id);
    stmt_bind_text(s, 2, address);
    return row_int(s, ret_id);
}

enum status timeline_suppressed(struct db *tx, int64_t account_id, struct str address_hash, int64_t event_id, bool *ret) {
    struct stmt *s = db_stmt(tx, "SELECT 1 FROM suppressions WHERE account_id = ?1 AND address_hash = ?2 AND event_id = ?3");
    stmt_bind_int(s, 1, account_id);
    stmt_bind_blob(s, 2, address_hash);
    stmt_bind_int(s, 3, event_id);
    return has_row(s, ret);
}

static void call_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct hook_attempt *)item = (struct hook_attempt){.id = stmt_int(s, 0),
                                                         .webhook_id = stmt_int(s, 1),
                                                         .event_id = stmt_int(s, 2),
                                                         .event_count = stmt_int(s, 3),
                                                         .attempt = stmt_int(s, 4),
                                                         .at = stmt_int(s, 5),
                                                         .duration_ms = stmt_int(s, 6),
                                                         .code = stmt_int(s, 7),
                                                         .why = row_text(s, a, 8)};
}

enum status timeline_calls(struct db *tx, struct arena *a, int64_t domain_id, int64_t from_at, int limit,
                           struct hook_attempt_list *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT t.id, t.webhook_id, t.event_id, t.event_count, t.attempt, t.at, t.duration_ms, t.code, t.why "
                    "FROM webhooks w JOIN hook_attempts t ON t.webhook_id = w.id WHERE w.domain_id = ?1 AND t.at >= ?2 "
                    "ORDER BY t.id LIMIT ?3");
    STMT_BIND_INTS(s, 1, domain_id, from_at, limit);
    return rows_collect(s, a, sizeof(struct hook_attempt), call_fill, ret);
}
