/* tag_refusals.c - see tag_refusals.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/tag_refusals.h"

#include "store/rows.h"

enum status tag_refusal_add(struct db *tx, const struct tag_refusal *refusal) {
    int64_t changed = 0;
    struct stmt *s = db_stmt(tx, "INSERT INTO tag_refusals (account_id, address_hash, tag, event_id, created_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING");
    stmt_bind_int(s, 1, refusal->account_id);
    stmt_bind_blob(s, 2, refusal->address_hash);
    stmt_bind_text(s, 3, refusal->tag);
    STMT_BIND_INTS(s, 4, refusal->event_id, refusal->created_at);
    enum status status = rows_change(tx, s, &changed);
    return status == STATUS_OK && changed == 0 ? STATUS_EXISTS : status;
}

enum status tag_refusal_delete(struct db *tx, int64_t account_id, struct str address_hash, struct str tag) {
    struct stmt *s = db_stmt(tx, "DELETE FROM tag_refusals WHERE account_id = ?1 AND address_hash = ?2 AND tag = ?3");
    stmt_bind_int(s, 1, account_id);
    stmt_bind_blob(s, 2, address_hash);
    stmt_bind_text(s, 3, tag);
    return row_change(tx, s);
}

static void fill(struct stmt *s, struct arena *a, void *item) {
    *(struct tag_refusal *)item = (struct tag_refusal){.account_id = stmt_int(s, 0),
                                                       .address_hash = row_text(s, a, 1),
                                                       .tag = row_text(s, a, 2),
                                                       .event_id = stmt_int(s, 3),
                                                       .created_at = stmt_int(s, 4)};
}

enum status tag_refusal_list(struct db *db, struct arena *a, int64_t account_id, struct str address_hash, int limit,
                             struct tag_refusal_list *ret) {
    struct stmt *s = db_stmt(db, "SELECT account_id, address_hash, tag, event_id, created_at FROM tag_refusals "
                                 "WHERE account_id = ?1 AND address_hash = ?2 ORDER BY tag LIMIT ?3");
    stmt_bind_int(s, 1, account_id);
    stmt_bind_blob(s, 2, address_hash);
    stmt_bind_int(s, 3, limit);
    return rows_collect(s, a, sizeof(struct tag_refusal), fill, ret);
}
