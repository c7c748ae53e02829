/* list_sends.c - messages to whole lists, worked off in slices.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/list_sends.h"

#include "store/rows.h"

#define SEND_COLUMNS                                                                                                             \
    "id, uuid, account_id, domain_id, key_id, list_id, state, position, up_to, total, sent, suppressed, skipped, reason, "       \
    "created_at,"                                                                                                                \
    " due_at, finished_at"
#define REQUEST_COLUMN 17

static void send_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct list_send *)item = (struct list_send){
        .id = stmt_int(s, 0),
        .uuid = row_uuid(s, 1),
        .account_id = stmt_int(s, 2),
        .domain_id = stmt_int(s, 3),
        .key_id = stmt_int(s, 4),
        .list_id = stmt_int(s, 5),
        .state = (enum list_send_state)stmt_int(s, 6),
        .position = stmt_int(s, 7),
        .up_to = stmt_int(s, 8),
        .total = stmt_int(s, 9),
        .sent = stmt_int(s, 10),
        .suppressed = stmt_int(s, 11),
        .skipped = stmt_int(s, 12),
        .reason = row_text(s, a, 13),
        .created_at = stmt_int(s, 14),
        .due_at = stmt_int(s, 15),
        .finished_at = stmt_int(s, 16),
    };
}

enum status list_send_add(struct db *tx, const struct list_send *send, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO list_sends (uuid, account_id, domain_id, key_id, list_id, request, state, up_to, "
                                 "total, created_at, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10) "
                                 "ON CONFLICT DO NOTHING");
    stmt_bind_blob(s, 1, uuid_str(&send->uuid));
    STMT_BIND_INTS(s, 2, send->account_id, send->domain_id, send->key_id, send->list_id);
    stmt_bind_blob(s, 6, send->request);
    STMT_BIND_INTS(s, 7, send->up_to, send->total, send->created_at, send->due_at);
    return stmt_insert(s, ret_id);
}

enum status list_send_get(struct db *tx, struct arena *a, int64_t id, struct list_send *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " SEND_COLUMNS ", request FROM list_sends WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    send_fill(s, a, ret);
    ret->request = arena_str(a, stmt_blob(s, REQUEST_COLUMN));
    return STATUS_OK;
}

enum status list_send_find(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id, struct id uuid,
                           struct list_send *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " SEND_COLUMNS " FROM list_sends WHERE uuid = ?1 AND account_id = ?2 "
                                 "AND (domain_id = ?3 OR ?3 = -1)");
    stmt_bind_blob(s, 1, uuid_str(&uuid));
    STMT_BIND_INTS(s, 2, account_id, domain_id);
    return row_get(s, a, send_fill, ret);
}

enum status list_send_page(struct db *tx, struct arena *a, const struct list_send_query *query, struct list_send_page *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " SEND_COLUMNS " FROM list_sends WHERE account_id = ?1 AND id < ?3 "
                                 "AND (domain_id = ?2 OR ?2 = -1) ORDER BY id DESC LIMIT ?4");
    STMT_BIND_INTS(s, 1, query->account_id, query->domain_id, query->before_id ? query->before_id : INT64_MAX, query->limit);
    return rows_collect(s, a, sizeof(struct list_send), send_fill, ret);
}

enum status list_send_advance(struct db *tx, const struct list_send_step *step) {
    struct stmt *s = db_stmt(tx, "UPDATE list_sends SET position = ?3, sent = sent + ?4, suppressed = suppressed + ?5, "
                                 "skipped = skipped + ?6, reason = '' "
                                 "WHERE id = ?1 AND position = ?2 AND state = 0");
    STMT_BIND_INTS(s, 1, step->id, step->seen_position, step->position, step->sent, step->suppressed, step->skipped);
    return row_change(tx, s);
}

enum status list_send_wait(struct db *tx, int64_t id, struct str reason) {
    struct stmt *s = db_stmt(tx, "UPDATE list_sends SET reason = ?2 WHERE id = ?1 AND state = 0 AND reason <> ?2");
    stmt_bind_int(s, 1, id);
    stmt_bind_text(s, 2, reason);
    return stmt_run(s);
}

enum status list_send_close(struct db *tx, int64_t id, enum list_send_state state, struct str reason, int64_t now) {
    struct stmt *s = db_stmt(tx, "UPDATE list_sends SET state = ?2, reason = ?3, finished_at = ?4, request = ?5 "
                                 "WHERE id = ?1 AND state = 0");
    STMT_BIND_INTS(s, 1, id, state);
    stmt_bind_text(s, 3, reason);
    stmt_bind_int(s, 4, now);
    stmt_bind_blob(s, 5, STR(""));
    return row_change(tx, s);
}

static void open_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct open_work *)item = (struct open_work){stmt_int(s, 0), stmt_int(s, 1)};
}

enum status list_send_open(struct db *tx, struct arena *a, int per_account, struct open_work_list *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT id, account_id FROM (SELECT id, account_id, ROW_NUMBER() OVER (PARTITION BY account_id "
                    "ORDER BY id) AS place FROM list_sends WHERE state = 0) AS o WHERE place <= ?1 ORDER BY place, id LIMIT ?2");
    STMT_BIND_INTS(s, 1, per_account, OPEN_WORK_MAX);
    return rows_collect(s, a, sizeof(struct open_work), open_fill, ret);
}
