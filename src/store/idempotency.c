/* idempotency.c - the first answer to an Idempotency-Key.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/idempotency.h"

#include "store/rows.h"

static void bind_key(struct stmt *s, const struct idempotency *key) {
    STMT_BIND_INTS(s, 1, key->account_id, key->key_id);
    stmt_bind_blob(s, 3, key->key_hash);
}

enum status idempotency_find(struct db *tx, struct arena *a, const struct idempotency *key, struct idempotency *ret) {
    struct stmt *s = db_stmt(tx, "SELECT request_hash, answer, created_at FROM idempotency "
                                 "WHERE account_id = ?1 AND key_id = ?2 AND key_hash = ?3");
    bind_key(s, key);
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    *ret = (struct idempotency){
        .account_id = key->account_id,
        .key_id = key->key_id,
        .key_hash = arena_str(a, key->key_hash),
        .request_hash = row_text(s, a, 0),
        .answer = row_text(s, a, 1),
        .created_at = stmt_int(s, 2),
    };
    return STATUS_OK;
}

enum status idempotency_put(struct db *tx, const struct idempotency *entry) {
    struct stmt *s = db_stmt(tx, "INSERT INTO idempotency (account_id, key_id, key_hash, request_hash, answer, created_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (account_id, key_id, key_hash) DO UPDATE SET "
                                 "request_hash = excluded.request_hash, answer = excluded.answer, "
                                 "created_at = excluded.created_at");
    bind_key(s, entry);
    stmt_bind_blob(s, 4, entry->request_hash);
    stmt_bind_text(s, 5, entry->answer);
    stmt_bind_int(s, 6, entry->created_at);
    return stmt_run(s);
}

enum status idempotency_prune(struct db *tx, int64_t before, int64_t max, int64_t *ret_deleted) {
    struct stmt *s = db_stmt(tx, "DELETE FROM idempotency WHERE (account_id, key_id, key_hash) IN (SELECT account_id, key_id, "
                                 "key_hash FROM idempotency WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)");
    STMT_BIND_INTS(s, 1, before, max);
    return rows_change(tx, s, ret_deleted);
}
