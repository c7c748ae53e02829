/* sender_keys.c - sender domain API keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/sender_keys.h"

#include "store/rows.h"

#define TOUCH_EVERY_MS 60000

#define KEY_COLUMNS                                                                                                              \
    "k.id, k.account_id, k.domain_id, k.key_hash, k.key_sealed, k.description, k.scopes, k.list_id,"                             \
    " k.subscriber_id, k.journey_id, k.action_id, k.created_at, k.last_used_at, k.pool"

static void key_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct sender_key *)item = (struct sender_key){
        .id = stmt_int(s, 0),
        .account_id = stmt_int(s, 1),
        .domain_id = stmt_int(s, 2),
        .key_hash = row_text(s, a, 3),
        .key_sealed = row_text(s, a, 4),
        .description = row_text(s, a, 5),
        .scopes = (int)stmt_int(s, 6),
        .list_id = row_text(s, a, 7),
        .subscriber_id = row_text(s, a, 8),
        .journey_id = row_text(s, a, 9),
        .action_id = row_text(s, a, 10),
        .created_at = stmt_int(s, 11),
        .last_used_at = stmt_int(s, 12),
        .pool = row_text(s, a, 13),
    };
}

enum status sender_key_add(struct db *tx, const struct sender_key *key, int64_t *ret_id) {
    enum status st = domain_is_of(tx, key->account_id, key->domain_id);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "INSERT INTO sender_keys (account_id, domain_id, key_hash, key_sealed, description, scopes, "
                                 "list_id, subscriber_id, journey_id, action_id, created_at, pool) VALUES "
                                 "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING");
    STMT_BIND_INTS(s, 1, key->account_id, key->domain_id);
    stmt_bind_blob(s, 3, key->key_hash);
    stmt_bind_blob(s, 4, key->key_sealed);
    stmt_bind_text(s, 5, key->description);
    stmt_bind_int(s, 6, key->scopes);
    stmt_bind_text(s, 7, key->list_id);
    stmt_bind_text(s, 8, key->subscriber_id);
    stmt_bind_text(s, 9, key->journey_id);
    stmt_bind_text(s, 10, key->action_id);
    stmt_bind_int(s, 11, key->created_at);
    stmt_bind_text(s, 12, key->pool);
    return stmt_insert(s, ret_id);
}

enum status sender_key_login(struct db *tx, struct arena *a, struct str key_hash, struct sender_login *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " KEY_COLUMNS ", d.name, d.state, c.is_active, c.is_verified, " ACCOUNT_LIMITS_COLUMNS
                                 " FROM sender_keys k "
                                 "JOIN domains d ON d.id = k.domain_id JOIN accounts c ON c.id = k.account_id "
                                 "JOIN account_groups g ON g.id = c.group_id "
                                 "WHERE k.key_hash = ?1");
    stmt_bind_blob(s, 1, key_hash);
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    key_fill(s, a, &ret->key);
    ret->domain_name = row_text(s, a, 14);
    ret->domain_state = (enum domain_state)stmt_int(s, 15);
    ret->account_is_active = stmt_int(s, 16) != 0;
    ret->account_is_verified = stmt_int(s, 17) != 0;
    account_limits_fill(s, 18, &ret->limits);
    return STATUS_OK;
}

enum status sender_key_list(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id, struct sender_key_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " KEY_COLUMNS " FROM sender_keys k WHERE k.domain_id = ?1 AND k.account_id = ?2 "
                                 "ORDER BY k.id");
    STMT_BIND_INTS(s, 1, domain_id, account_id);
    return rows_collect(s, a, sizeof(struct sender_key), key_fill, ret);
}

enum status sender_key_get(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id, int64_t id,
                           struct sender_key *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " KEY_COLUMNS " FROM sender_keys k WHERE k.id = ?1 AND k.account_id = ?2 "
                                 "AND k.domain_id = ?3");
    STMT_BIND_INTS(s, 1, id, account_id, domain_id);
    return row_get(s, a, key_fill, ret);
}

enum status sender_key_count(struct db *tx, int64_t domain_id, int64_t *ret_count) {
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM sender_keys WHERE domain_id = ?1");
    stmt_bind_int(s, 1, domain_id);
    return row_int(s, ret_count);
}

enum status sender_key_delete_all(struct db *tx, int64_t account_id, int64_t domain_id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM sender_keys WHERE domain_id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, domain_id, account_id);
    return stmt_run(s);
}

enum status sender_key_delete(struct db *tx, int64_t account_id, int64_t domain_id, int64_t id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM sender_keys WHERE id = ?1 AND account_id = ?2 AND (domain_id = ?3 OR ?3 = -1)");
    STMT_BIND_INTS(s, 1, id, account_id, domain_id);
    return row_change(tx, s);
}

enum status sender_key_touch(struct db *tx, int64_t id, int64_t now) {
    struct stmt *s = db_stmt(tx, "UPDATE sender_keys SET last_used_at = ?2 WHERE id = ?1 AND last_used_at <= ?3");
    STMT_BIND_INTS(s, 1, id, now, now - TOUCH_EVERY_MS);
    return stmt_run(s);
}
