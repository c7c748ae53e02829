/* user_keys.c - an account's own API keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/user_keys.h"

#include "store/account_columns.h"

#define KEY_COLUMNS                                                                                                              \
    "k.id, k.account_id, k.key_hash, k.is_admin, k.description, k.networks, k.created_at, k.last_used_at, k.last_used_ip"
#define KEY_COLUMN_COUNT 9

static void key_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct user_key *)item = (struct user_key){
        .id = stmt_int(s, 0),
        .account_id = stmt_int(s, 1),
        .key_hash = arena_str(a, stmt_blob(s, 2)),
        .is_admin = stmt_int(s, 3) != 0,
        .description = row_text(s, a, 4),
        .networks = row_text(s, a, 5),
        .created_at = stmt_int(s, 6),
        .last_used_at = stmt_int(s, 7),
        .last_used_ip = row_text(s, a, 8),
    };
}

enum status user_key_add(struct db *tx, const struct user_key *key, int64_t *ret_id) {
    enum status st = account_exists(tx, key->account_id);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "INSERT INTO user_keys (account_id, key_hash, is_admin, description, networks, created_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING");
    stmt_bind_int(s, 1, key->account_id);
    stmt_bind_blob(s, 2, key->key_hash);
    stmt_bind_int(s, 3, key->is_admin);
    stmt_bind_text(s, 4, key->description);
    stmt_bind_text(s, 5, key->networks);
    stmt_bind_int(s, 6, key->created_at);
    return stmt_insert(s, ret_id);
}

enum status user_key_find(struct db *tx, struct arena *a, struct str key_hash, struct user_key *ret,
                          struct account *ret_account) {
    struct stmt *s = db_stmt(tx, "SELECT " KEY_COLUMNS ", " ACCOUNT_COLUMNS " FROM " ACCOUNT_FROM
                                 " JOIN user_keys k ON a.id = k.account_id WHERE k.key_hash = ?1");
    stmt_bind_blob(s, 1, key_hash);
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    key_fill(s, a, ret);
    account_fill(s, KEY_COLUMN_COUNT, a, ret_account);
    return STATUS_OK;
}

enum status user_key_list(struct db *tx, struct arena *a, int64_t account_id, struct user_key_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " KEY_COLUMNS " FROM user_keys k WHERE k.account_id = ?1 ORDER BY k.id");
    stmt_bind_int(s, 1, account_id);
    return rows_collect(s, a, sizeof(struct user_key), key_fill, ret);
}

enum status user_key_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct user_key *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " KEY_COLUMNS " FROM user_keys k WHERE k.id = ?1 AND k.account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_get(s, a, key_fill, ret);
}

enum status user_key_update(struct db *tx, const struct user_key *key) {
    struct stmt *s = db_stmt(tx, "UPDATE user_keys SET description = ?3, networks = ?4 WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, key->id, key->account_id);
    stmt_bind_text(s, 3, key->description);
    stmt_bind_text(s, 4, key->networks);
    return row_change(tx, s);
}

enum status user_key_delete(struct db *tx, int64_t account_id, int64_t id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM user_keys WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_change(tx, s);
}

enum status user_key_count(struct db *tx, int64_t account_id, int64_t *ret_count) {
    struct stmt *s = db_stmt(tx, "SELECT COUNT(*) FROM user_keys WHERE account_id = ?1");
    stmt_bind_int(s, 1, account_id);
    return row_int(s, ret_count);
}

enum status user_key_touch(struct db *tx, int64_t id, int64_t now, struct str ip) {
    struct stmt *s =
        db_stmt(tx, "UPDATE user_keys SET last_used_at = ?2, last_used_ip = ?4 WHERE id = ?1 AND last_used_at <= ?3");
    STMT_BIND_INTS(s, 1, id, now, now - USER_KEY_TOUCH_MS);
    stmt_bind_text(s, 4, ip);
    return stmt_run(s);
}
