/* sessions.c - sign-ins of /api.php.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/sessions.h"

#include "store/accounts.h"
#include "store/rows.h"

enum status session_add(struct db *tx, struct str token_hash, const struct session *session) {
    enum status st = account_exists(tx, session->account_id);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "INSERT INTO sessions (token_hash, account_id, created_at, expires_at, is_admin) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING");
    stmt_bind_blob(s, 1, token_hash);
    STMT_BIND_INTS(s, 2, session->account_id, session->created_at, session->expires_at, session->is_admin);
    st = row_change(tx, s);
    return st == STATUS_NOT_FOUND ? STATUS_EXISTS : st;
}

enum status session_find(struct db *tx, struct str token_hash, struct session *ret) {
    struct stmt *s = db_stmt(tx, "SELECT account_id, created_at, expires_at, is_admin FROM sessions WHERE token_hash = ?1");
    stmt_bind_blob(s, 1, token_hash);
    enum status st = row_first(s);
    if (st == STATUS_OK)
        *ret = (struct session){.account_id = stmt_int(s, 0),
                                .created_at = stmt_int(s, 1),
                                .expires_at = stmt_int(s, 2),
                                .is_admin = stmt_int(s, 3) != 0};
    return st;
}

enum status session_delete(struct db *tx, struct str token_hash) {
    struct stmt *s = db_stmt(tx, "DELETE FROM sessions WHERE token_hash = ?1");
    stmt_bind_blob(s, 1, token_hash);
    return row_change(tx, s);
}

enum status session_delete_all(struct db *tx, int64_t account_id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM sessions WHERE account_id = ?1");
    stmt_bind_int(s, 1, account_id);
    return stmt_run(s);
}

enum status session_prune(struct db *tx, int64_t before, int64_t max, int64_t *ret_deleted) {
    struct stmt *s = db_stmt(tx, "DELETE FROM sessions WHERE token_hash IN "
                                 "(SELECT token_hash FROM sessions WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)");
    STMT_BIND_INTS(s, 1, before, max);
    return rows_change(tx, s, ret_deleted);
}
