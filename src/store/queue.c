/* queue.c - recipients: the queue and its history.
 *
 * The index recipients_waiting is the queue: (node, domain, account, priority, due time, id) of what waits and nothing else.
 * Every query the running gateway makes walks it from a known place and stops after `limit` entries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/queue.h"

#include "store/rows.h"

#include <string.h>

#define RECIPIENT_COLUMNS                                                                                                        \
    "r.id, r.message_id, r.account_id, r.address, r.domain, r.state, r.priority, r.due_at, r.attempts, r.reason,"                \
    " r.changed_at, r.dsn_notify, r.dsn_orcpt, r.expires_at, r.domain_id, r.planned_at"
#define RECIPIENT_COLUMN_COUNT 16
/* Of a row that leaves its state: a retry moves due_at. */
#define PLANNED_AT "CASE WHEN state = 0 THEN due_at ELSE planned_at END"

const char *recipient_state_text(enum recipient_state state) {
    static const char *const texts[RECIPIENT_STATE_COUNT] = {
        "scheduled", "queued", "held", "delivered", "bounced", "failed", "suppressed", "cancelled",
    };
    return (unsigned)state < RECIPIENT_STATE_COUNT ? texts[state] : "unknown";
}

enum status recipient_add(struct db *tx, const struct recipient *recipient, const struct node_epoch *owner, int64_t *ret_id) {
    struct stmt *s =
        db_stmt(tx, "INSERT INTO recipients (message_id, account_id, address, domain, state, priority, due_at, "
                    "attempts, reason, changed_at, node_id, epoch, dsn_notify, dsn_orcpt, expires_at, domain_id) VALUES "
                    "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");
    STMT_BIND_INTS(s, 1, recipient->message_id, recipient->account_id);
    stmt_bind_text(s, 3, recipient->address);
    stmt_bind_text(s, 4, recipient->domain);
    STMT_BIND_INTS(s, 5, recipient->state, recipient->priority, recipient->due_at, recipient->attempts);
    stmt_bind_text(s, 9, recipient->reason);
    STMT_BIND_INTS(s, 10, recipient->changed_at, owner->node_id, owner->epoch, recipient->dsn_notify);
    stmt_bind_text(s, 14, recipient->dsn_orcpt);
    STMT_BIND_INTS(s, 15, recipient->expires_at, recipient->domain_id);
    return stmt_insert(s, ret_id);
}

static void recipient_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct recipient *)item = (struct recipient){
        .id = stmt_int(s, 0),
        .message_id = stmt_int(s, 1),
        .account_id = stmt_int(s, 2),
        .address = row_text(s, a, 3),
        .domain = row_text(s, a, 4),
        .state = (enum recipient_state)stmt_int(s, 5),
        .priority = (int)stmt_int(s, 6),
        .due_at = stmt_int(s, 7),
        .attempts = stmt_int(s, 8),
        .reason = row_text(s, a, 9),
        .changed_at = stmt_int(s, 10),
        .dsn_notify = (int)stmt_int(s, 11),
        .dsn_orcpt = row_text(s, a, 12),
        .expires_at = stmt_int(s, 13),
        .domain_id = stmt_int(s, 14),
        .planned_at = stmt_int(s, 15),
    };
}

enum status recipient_get(struct db *tx, struct arena *a, int64_t id, struct recipient *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " RECIPIENT_COLUMNS " FROM recipients r WHERE r.id = ?1");
    stmt_bind_int(s, 1, id);
    return row_get(s, a, recipient_fill, ret);
}

enum status recipient_set_notify(struct db *tx, int64_t id, int dsn_notify) {
    struct stmt *s = db_stmt(tx, "UPDATE recipients SET dsn_notify = ?2 WHERE id = ?1");
    STMT_BIND_INTS(s, 1, id, dsn_notify);
    return row_change(tx, s);
}

enum status recipient_list(struct db *tx, struct arena *a, int64_t message_id, struct recipient_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " RECIPIENT_COLUMNS " FROM recipients r WHERE r.message_id = ?1 ORDER BY r.id");
    stmt_bind_int(s, 1, message_id);
    return rows_collect(s, a, sizeof(struct recipient), recipient_fill, ret);
}

/* ---- what the scheduler reads ---- */

static void entry_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct queue_entry *)item = (struct queue_entry){
        .recipient_id = stmt_int(s, 0),
        .message_id = stmt_int(s, 1),
        .account_id = stmt_int(s, 2),
        .priority = (int)stmt_int(s, 3),
        .attempts = stmt_int(s, 4),
        .due_at = stmt_int(s, 5),
        .created_at = stmt_int(s, 6),
        .expires_at = stmt_int(s, 7),
        .size_bytes = stmt_int(s, 8),
    };
}

enum status queue_load(struct db *tx, struct arena *a, const struct queue_load *query, struct queue_entry_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT r.id, r.message_id, r.account_id, r.priority, r.attempts, r.due_at, m.created_at, "
                                 "r.expires_at, m.size FROM recipients r JOIN messages m ON m.id = r.message_id "
                                 "WHERE r.state IN (0, 1) AND r.node_id = ?1 AND r.domain = ?2 AND r.account_id = ?3 "
                                 "AND r.priority = ?4 AND r.due_at < ?5 AND (r.due_at, r.id) > (?6, ?7) "
                                 "ORDER BY r.due_at, r.id LIMIT ?8");
    stmt_bind_int(s, 1, query->node_id);
    stmt_bind_text(s, 2, query->domain);
    STMT_BIND_INTS(s, 3, query->account_id, query->priority, query->due_before, query->after_due_at, query->after_id,
                   query->limit);
    struct row_list rows;
    enum status st = rows_collect(s, a, sizeof(struct queue_entry), entry_fill, &rows);
    if (st != STATUS_OK) return st;
    struct queue_entry_list list = {rows.items, rows.count};
    struct str domain = arena_str(a, query->domain);
    for (size_t i = 0; i < list.count; i++) list.items[i].domain = domain;
    *ret = list;
    return STATUS_OK;
}

/* The ends of the next lane: a descent of the index to behind the last entry this lane could have, and one to before that of the
 * next, however long the lanes are. */
static enum status next_lane(struct db *tx, struct arena *a, int64_t node_id, struct queue_lane *lane) {
    struct stmt *s = db_stmt(
        tx, "SELECT f.domain, f.account_id, f.priority, f.due_at, f.attempts + "
            "(SELECT l.attempts FROM recipients l WHERE l.state IN (0, 1) AND l.node_id = ?1 AND l.domain = f.domain "
            "AND l.account_id = f.account_id AND l.priority = f.priority ORDER BY l.due_at DESC, l.id DESC LIMIT 1) "
            "FROM recipients f "
            "WHERE f.state IN (0, 1) AND f.node_id = ?1 AND (f.domain, f.account_id, f.priority, f.due_at) > (?2, ?3, ?4, ?5) "
            "ORDER BY f.domain, f.account_id, f.priority, f.due_at, f.id LIMIT 1");
    stmt_bind_int(s, 1, node_id);
    stmt_bind_text(s, 2, lane->domain);
    STMT_BIND_INTS(s, 3, lane->account_id, lane->priority, INT64_MAX);
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    *lane = (struct queue_lane){
        .domain = row_text(s, a, 0),
        .account_id = stmt_int(s, 1),
        .priority = (int)stmt_int(s, 2),
        .first_due_at = stmt_int(s, 3),
        .is_tried = stmt_int(s, 4) > 0,
    };
    return STATUS_OK;
}

enum status queue_lanes(struct db *tx, struct arena *a, int64_t node_id, const struct queue_lane *after, int limit,
                        struct queue_lane_list *ret) {
    struct queue_lane lane = {.domain = STR(""), .account_id = INT64_MIN};
    if (after) lane = *after;
    struct queue_lane *items = arena_array(a, limit > 0 ? (size_t)limit : 1, sizeof *items);
    size_t count = 0;
    enum status st = STATUS_OK;
    while (count < (size_t)limit && (st = next_lane(tx, a, node_id, &lane)) == STATUS_OK) items[count++] = lane;
    if (st != STATUS_OK && st != STATUS_NOT_FOUND) return st;
    *ret = (struct queue_lane_list){items, count};
    return STATUS_OK;
}

/* ---- settle ---- */

enum status queue_settle(struct db *tx, const struct queue_settle *settle) {
    struct stmt *s = db_stmt(tx, "UPDATE recipients SET state = ?5, attempts = ?6, due_at = ?7, reason = ?8, changed_at = ?9, "
                                 "epoch = ?4, planned_at = " PLANNED_AT
                                 " WHERE id = ?1 AND state IN (0, 1, 2) AND attempts = ?2 AND node_id = ?3 "
                                 "AND EXISTS (SELECT 1 FROM nodes n WHERE n.id = ?3 AND n.epoch = ?4)");
    STMT_BIND_INTS(s, 1, settle->recipient_id, settle->seen_attempts, settle->owner.node_id, settle->owner.epoch, settle->state,
                   settle->attempts, settle->due_at);
    stmt_bind_text(s, 8, settle->reason);
    stmt_bind_int(s, 9, settle->now);
    return row_change(tx, s);
}

/* ---- what people decide ---- */

enum status queue_end(struct db *tx, int64_t id, enum recipient_state state, struct str reason, int64_t now) {
    struct stmt *s = db_stmt(tx, "UPDATE recipients SET state = ?2, reason = ?3, changed_at = ?4, planned_at = " PLANNED_AT
                                 " WHERE id = ?1 AND state IN (0, 1, 2)");
    STMT_BIND_INTS(s, 1, id, state);
    stmt_bind_text(s, 3, reason);
    stmt_bind_int(s, 4, now);
    return row_change(tx, s);
}

enum status queue_move(struct db *tx, int64_t id, int64_t due_at, int64_t now) {
    struct stmt *s =
        db_stmt(tx, "UPDATE recipients SET due_at = ?2, changed_at = ?3 WHERE id = ?1 AND state = 0 AND due_at > ?3");
    STMT_BIND_INTS(s, 1, id, due_at, now);
    return row_change(tx, s);
}

enum status queue_hasten(struct db *tx, int64_t id, int64_t now) {
    struct stmt *s =
        db_stmt(tx, "UPDATE recipients SET due_at = ?2, changed_at = ?2 WHERE id = ?1 AND state = 1 AND due_at > ?2");
    STMT_BIND_INTS(s, 1, id, now);
    return row_change(tx, s);
}

static enum status change_reason(struct db *tx, struct stmt *s, int64_t id, struct str reason, int64_t now) {
    stmt_bind_int(s, 1, id);
    stmt_bind_text(s, 2, reason);
    stmt_bind_int(s, 3, now);
    return row_change(tx, s);
}

enum status queue_hold_row(struct db *tx, int64_t id, struct str reason, int64_t now) {
    struct stmt *s = db_stmt(tx, "UPDATE recipients SET state = 2, reason = ?2, changed_at = ?3, planned_at = " PLANNED_AT
                                 " WHERE id = ?1 AND state IN (0, 1)");
    return change_reason(tx, s, id, reason, now);
}

enum status queue_release_row(struct db *tx, int64_t id, struct str reason, int64_t now) {
    /* One that was never tried and whose time lies ahead is scheduled again. */
    struct stmt *s = db_stmt(tx, "UPDATE recipients SET state = CASE WHEN attempts = 0 AND due_at > ?3 THEN 0 ELSE 1 END, "
                                 "reason = ?2, changed_at = ?3 WHERE id = ?1 AND state = 2");
    return change_reason(tx, s, id, reason, now);
}

enum status queue_shift(struct db *tx, int64_t id, int64_t due_at, int priority, int64_t now) {
    struct stmt *s = db_stmt(tx, "UPDATE recipients SET due_at = ?2, changed_at = ?4, "
                                 "priority = CASE WHEN ?3 < 0 THEN priority ELSE ?3 END WHERE id = ?1 AND state IN (0, 1, 2) "
                                 "AND (due_at <> ?2 OR (?3 >= 0 AND priority <> ?3))");
    STMT_BIND_INTS(s, 1, id, due_at, priority, now);
    return row_change(tx, s);
}

enum status queue_return(struct db *tx, int64_t id, struct str reason, int64_t now) {
    struct stmt *s = db_stmt(tx, "UPDATE recipients SET state = 4, reason = ?2, changed_at = ?3 WHERE id = ?1 AND state = 3");
    stmt_bind_int(s, 1, id);
    stmt_bind_text(s, 2, reason);
    stmt_bind_int(s, 3, now);
    return row_change(tx, s);
}

enum status queue_count_states(struct db *tx, int64_t message_id, int64_t now, int64_t ret[RECIPIENT_STATE_COUNT]) {
    /* A scheduled one whose time has come reads as queued. */
    struct stmt *s =
        db_stmt(tx, "SELECT state, CASE WHEN due_at > ?2 THEN CAST(1 AS BIGINT) ELSE 0 END, count(*) FROM recipients "
                    "WHERE message_id = ?1 GROUP BY 1, 2");
    int64_t counts[RECIPIENT_STATE_COUNT] = {0};
    enum status st;
    STMT_BIND_INTS(s, 1, message_id, now);
    while ((st = stmt_step(s)) == STATUS_ROW) {
        int64_t stored = stmt_int(s, 0);
        bool is_due = stored == RECIPIENT_SCHEDULED && !stmt_int(s, 1);
        if (stored >= 0 && stored < RECIPIENT_STATE_COUNT) counts[is_due ? RECIPIENT_QUEUED : stored] += stmt_int(s, 2);
    }
    if (st != STATUS_OK) return st;
    memcpy(ret, counts, sizeof counts);
    return STATUS_OK;
}

/* ---- what people read ---- */

enum status queue_count_waiting(struct db *tx, int64_t *ret_count) {
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM recipients WHERE state IN (0, 1)");
    return row_int(s, ret_count);
}

static void queue_row_fill(struct stmt *s, struct arena *a, void *item) {
    struct queue_row *row = item;
    recipient_fill(s, a, &row->recipient);
    row->message_uuid = row_uuid(s, RECIPIENT_COLUMN_COUNT);
    row->sender = row_text(s, a, RECIPIENT_COLUMN_COUNT + 1);
    row->created_at = stmt_int(s, RECIPIENT_COLUMN_COUNT + 2);
    row->size_bytes = stmt_int(s, RECIPIENT_COLUMN_COUNT + 3);
    row->message_tls = (int)stmt_int(s, RECIPIENT_COLUMN_COUNT + 4);
    row->domain_tls = (int)stmt_int(s, RECIPIENT_COLUMN_COUNT + 5);
}

enum status queue_row_get(struct db *tx, struct arena *a, int64_t id, struct queue_row *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT " RECIPIENT_COLUMNS ", m.uuid, m.sender, m.created_at, m.size, m.tls, d.tls FROM recipients r "
                    "JOIN messages m ON m.id = r.message_id LEFT JOIN domains d ON d.id = m.domain_id "
                    "WHERE r.id = ?1");
    stmt_bind_int(s, 1, id);
    return row_get(s, a, queue_row_fill, ret);
}
