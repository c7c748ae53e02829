/* accounts.c - accounts and user keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/accounts.h"

#include "store/rows.h"

#define ACCOUNT_COLUMNS                                                                                                          \
    "a.id, a.email, a.password_hash, a.is_admin, a.is_active, a.is_verified, a.created_at, a.group_id, " ACCOUNT_LIMITS_COLUMNS
#define ACCOUNT_FROM "accounts a JOIN account_groups g ON g.id = a.group_id"

static void account_fill(struct stmt *s, struct arena *a, struct account *ret) {
    *ret = (struct account){
        .id = stmt_int(s, 0),
        .email = row_text(s, a, 1),
        .password_hash = row_text(s, a, 2),
        .is_admin = stmt_int(s, 3) != 0,
        .is_active = stmt_int(s, 4) != 0,
        .is_verified = stmt_int(s, 5) != 0,
        .created_at = stmt_int(s, 6),
        .group_id = stmt_int(s, 7),
    };
    account_limits_fill(s, 8, &ret->limits);
}

enum status account_add(struct db *tx, const struct account *account, int64_t *ret_id) {
    struct stmt *s =
        db_stmt(tx, "INSERT INTO accounts (email, password_hash, is_admin, is_active, is_verified, created_at, group_id) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING RETURNING id");
    stmt_bind_text(s, 1, account->email);
    stmt_bind_text(s, 2, account->password_hash);
    stmt_bind_int(s, 3, account->is_admin);
    stmt_bind_int(s, 4, account->is_active);
    stmt_bind_int(s, 5, account->is_verified);
    stmt_bind_int(s, 6, account->created_at);
    stmt_bind_int(s, 7, account->group_id ? account->group_id : GROUP_DEFAULT);
    return row_insert(s, ret_id);
}

enum status account_find(struct db *tx, struct arena *a, struct str email, struct account *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " ACCOUNT_COLUMNS " FROM " ACCOUNT_FROM " WHERE a.email = ?1");
    stmt_bind_text(s, 1, email);
    enum status st = row_first(s);
    if (st == STATUS_OK) account_fill(s, a, ret);
    return st;
}

enum status account_get(struct db *tx, struct arena *a, int64_t id, struct account *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " ACCOUNT_COLUMNS " FROM " ACCOUNT_FROM " WHERE a.id = ?1");
    stmt_bind_int(s, 1, id);
    enum status st = row_first(s);
    if (st == STATUS_OK) account_fill(s, a, ret);
    return st;
}

enum status account_count(struct db *tx, int64_t *ret_count, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "SELECT COUNT(*), COALESCE(MIN(id), 0) FROM accounts");
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    *ret_count = stmt_int(s, 0);
    *ret_id = stmt_int(s, 1);
    return STATUS_OK;
}

enum status user_key_add(struct db *tx, int64_t account_id, struct str key_hash, int64_t now, int64_t *ret_id) {
    struct stmt *account = db_stmt(tx, "SELECT id FROM accounts WHERE id = ?1");
    stmt_bind_int(account, 1, account_id);
    enum status st = row_first(account);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "INSERT INTO user_keys (account_id, key_hash, created_at) VALUES (?1, ?2, ?3) "
                                 "ON CONFLICT DO NOTHING RETURNING id");
    stmt_bind_int(s, 1, account_id);
    stmt_bind_blob(s, 2, key_hash);
    stmt_bind_int(s, 3, now);
    return row_insert(s, ret_id);
}

enum status user_key_find(struct db *tx, struct arena *a, struct str key_hash, struct account *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " ACCOUNT_COLUMNS " FROM " ACCOUNT_FROM " JOIN user_keys k ON a.id = k.account_id "
                                 "WHERE k.key_hash = ?1");
    stmt_bind_blob(s, 1, key_hash);
    enum status st = row_first(s);
    if (st == STATUS_OK) account_fill(s, a, ret);
    return st;
}
