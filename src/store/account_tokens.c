/* account_tokens.c - mailed tokens of accounts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/account_tokens.h"

#include "store/accounts.h"
#include "store/rows.h"

enum status account_token_add(struct db *tx, struct str token_hash, const struct account_token *token) {
    enum status st = account_exists(tx, token->account_id);
    if (st != STATUS_OK) return st;
    struct stmt *older = db_stmt(tx, "DELETE FROM account_tokens WHERE account_id = ?1 AND purpose = ?2");
    STMT_BIND_INTS(older, 1, token->account_id, token->purpose);
    st = stmt_run(older);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "INSERT INTO account_tokens (token_hash, account_id, purpose, email, created_at, expires_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    stmt_bind_blob(s, 1, token_hash);
    STMT_BIND_INTS(s, 2, token->account_id, token->purpose);
    stmt_bind_text(s, 4, token->email);
    STMT_BIND_INTS(s, 5, token->created_at, token->expires_at);
    return stmt_run(s);
}

enum status account_token_pretend(struct db *tx) {
    return stmt_run(db_stmt(tx, "UPDATE account_groups SET name = name WHERE id = 1"));
}

enum status account_token_newest(struct db *tx, int64_t account_id, enum account_token_purpose purpose, int64_t *ret_at) {
    struct stmt *s =
        db_stmt(tx, "SELECT COALESCE(MAX(created_at), 0) FROM account_tokens WHERE account_id = ?1 AND purpose = ?2");
    STMT_BIND_INTS(s, 1, account_id, purpose);
    return row_int(s, ret_at);
}

enum status account_token_find(struct db *tx, struct arena *a, struct str token_hash, enum account_token_purpose purpose,
                               int64_t now, struct account_token *ret) {
    struct stmt *s = db_stmt(tx, "SELECT account_id, email, created_at, expires_at FROM account_tokens "
                                 "WHERE token_hash = ?1 AND purpose = ?2 AND expires_at > ?3");
    stmt_bind_blob(s, 1, token_hash);
    STMT_BIND_INTS(s, 2, purpose, now);
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    *ret = (struct account_token){
        .account_id = stmt_int(s, 0),
        .purpose = purpose,
        .email = row_text(s, a, 1),
        .created_at = stmt_int(s, 2),
        .expires_at = stmt_int(s, 3),
    };
    return STATUS_OK;
}

enum status account_token_delete(struct db *tx, struct str token_hash) {
    struct stmt *s = db_stmt(tx, "DELETE FROM account_tokens WHERE token_hash = ?1");
    stmt_bind_blob(s, 1, token_hash);
    return row_change(tx, s);
}

enum status account_token_clear(struct db *tx, int64_t account_id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM account_tokens WHERE account_id = ?1");
    stmt_bind_int(s, 1, account_id);
    return stmt_run(s);
}

enum status account_token_prune(struct db *tx, int64_t before, int64_t max, int64_t *ret_deleted) {
    struct stmt *s = db_stmt(tx, "DELETE FROM account_tokens WHERE token_hash IN "
                                 "(SELECT token_hash FROM account_tokens WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)");
    STMT_BIND_INTS(s, 1, before, max);
    return rows_change(tx, s, ret_deleted);
}
