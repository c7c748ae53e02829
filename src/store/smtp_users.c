/* smtp_users.c - who may submit mail by SMTP for a domain.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/smtp_users.h"

#include "store/rows.h"

#define TOUCH_EVERY_MS 60000

#define USER_COLUMNS                                                                                                             \
    "u.id, u.account_id, u.domain_id, u.username, u.password_hash, u.from_email, u.from_name, u.reply_to_email,"                 \
    " u.reply_to_name, u.is_active, u.created_at, u.last_used_at"
#define USER_COLUMN_COUNT 12

static void user_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct smtp_user *)item = (struct smtp_user){
        .id = stmt_int(s, 0),
        .account_id = stmt_int(s, 1),
        .domain_id = stmt_int(s, 2),
        .username = row_text(s, a, 3),
        .password_hash = row_text(s, a, 4),
        .from_email = row_text(s, a, 5),
        .from_name = row_text(s, a, 6),
        .reply_to_email = row_text(s, a, 7),
        .reply_to_name = row_text(s, a, 8),
        .is_active = stmt_int(s, 9) != 0,
        .created_at = stmt_int(s, 10),
        .last_used_at = stmt_int(s, 11),
    };
}

enum status smtp_user_add(struct db *tx, const struct smtp_user *user, int64_t *ret_id) {
    enum status st = domain_is_of(tx, user->account_id, user->domain_id);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "INSERT INTO smtp_users (account_id, domain_id, username, password_hash, from_email, from_name, "
                                 "reply_to_email, reply_to_name, is_active, created_at) VALUES "
                                 "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING");
    STMT_BIND_INTS(s, 1, user->account_id, user->domain_id);
    stmt_bind_text(s, 3, user->username);
    stmt_bind_blob(s, 4, user->password_hash);
    stmt_bind_text(s, 5, user->from_email);
    stmt_bind_text(s, 6, user->from_name);
    stmt_bind_text(s, 7, user->reply_to_email);
    stmt_bind_text(s, 8, user->reply_to_name);
    STMT_BIND_INTS(s, 9, user->is_active, user->created_at);
    return stmt_insert(s, ret_id);
}

/* What decides whether a domain may send, from `column` on. */
#define STANDING_COLUMNS "d.name, d.state, c.is_active, c.is_verified, " ACCOUNT_LIMITS_COLUMNS
#define STANDING_JOINS   "JOIN accounts c ON c.id = d.account_id JOIN account_groups g ON g.id = c.group_id "
static void standing_fill(struct stmt *s, struct arena *a, int column, struct smtp_login *ret) {
    ret->domain_name = row_text(s, a, column);
    ret->domain_state = (enum domain_state)stmt_int(s, column + 1);
    ret->account_is_active = stmt_int(s, column + 2) != 0;
    ret->account_is_verified = stmt_int(s, column + 3) != 0;
    account_limits_fill(s, column + 4, &ret->limits);
}

enum status smtp_user_login(struct db *tx, struct arena *a, struct str username, struct smtp_login *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT " USER_COLUMNS ", " STANDING_COLUMNS
                    " FROM smtp_users u JOIN domains d ON d.id = u.domain_id " STANDING_JOINS "WHERE u.username = ?1");
    stmt_bind_text(s, 1, username);
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    user_fill(s, a, &ret->user);
    standing_fill(s, a, USER_COLUMN_COUNT, ret);
    return STATUS_OK;
}

enum status smtp_domain_login(struct db *tx, struct arena *a, struct str name, struct smtp_login *ret) {
    struct stmt *s = db_stmt(tx, "SELECT d.id, d.account_id, " STANDING_COLUMNS " FROM domains d " STANDING_JOINS
                                 "WHERE d.name = ?1 ORDER BY CASE WHEN d.state = 1 THEN 0 ELSE 1 END, d.id LIMIT 1");
    stmt_bind_text(s, 1, name); /* 1: DOMAIN_ENABLED */
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    *ret = (struct smtp_login){.user = {.domain_id = stmt_int(s, 0), .account_id = stmt_int(s, 1)}};
    standing_fill(s, a, 2, ret);
    return STATUS_OK;
}

enum status smtp_user_list(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id, struct smtp_user_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " USER_COLUMNS " FROM smtp_users u WHERE u.domain_id = ?1 AND u.account_id = ?2 "
                                 "ORDER BY u.id");
    STMT_BIND_INTS(s, 1, domain_id, account_id);
    return rows_collect(s, a, sizeof(struct smtp_user), user_fill, ret);
}

enum status smtp_user_count(struct db *tx, int64_t domain_id, int64_t *ret_count) {
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM smtp_users WHERE domain_id = ?1");
    stmt_bind_int(s, 1, domain_id);
    return row_int(s, ret_count);
}

enum status smtp_user_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct smtp_user *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " USER_COLUMNS " FROM smtp_users u WHERE u.id = ?1 AND u.account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_get(s, a, user_fill, ret);
}

enum status smtp_user_set_password(struct db *tx, int64_t account_id, int64_t id, struct str password_hash) {
    struct stmt *s = db_stmt(tx, "UPDATE smtp_users SET password_hash = ?3 WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    stmt_bind_blob(s, 3, password_hash);
    return row_change(tx, s);
}

enum status smtp_user_delete(struct db *tx, int64_t account_id, int64_t id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM smtp_users WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_change(tx, s);
}

enum status smtp_user_touch(struct db *tx, int64_t id, int64_t now) {
    struct stmt *s = db_stmt(tx, "UPDATE smtp_users SET last_used_at = ?2 WHERE id = ?1 AND last_used_at <= ?3");
    STMT_BIND_INTS(s, 1, id, now, now - TOUCH_EVERY_MS);
    return stmt_run(s);
}
