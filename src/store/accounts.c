/* accounts.c - accounts; each comes with its group's name and limits, so that nobody asks twice.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/accounts.h"

#include "store/account_columns.h"

void account_fill(struct stmt *s, int column, struct arena *a, struct account *ret) {
    *ret = (struct account){
        .id = stmt_int(s, column),
        .email = row_text(s, a, column + 1),
        .first_name = row_text(s, a, column + 2),
        .last_name = row_text(s, a, column + 3),
        .password_hash = row_text(s, a, column + 4),
        .totp_sealed = arena_str(a, stmt_blob(s, column + 5)),
        .totp_is_on = stmt_int(s, column + 6) != 0,
        .totp_step = stmt_int(s, column + 7),
        .is_admin = stmt_int(s, column + 8) != 0,
        .is_active = stmt_int(s, column + 9) != 0,
        .is_verified = stmt_int(s, column + 10) != 0,
        .created_at = stmt_int(s, column + 11),
        .group_id = stmt_int(s, column + 12),
        .group_name = row_text(s, a, column + 13),
        .unsubscribes_block_all = stmt_int(s, column + 14) != 0,
    };
    account_limits_fill(s, column + 15, &ret->limits);
}

enum status account_add(struct db *tx, const struct account *account, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO accounts (email, password_hash, is_admin, is_active, is_verified, created_at, "
                                 "group_id, first_name, last_name) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING");
    stmt_bind_text(s, 1, account->email);
    stmt_bind_text(s, 2, account->password_hash);
    STMT_BIND_INTS(s, 3, account->is_admin, account->is_active, account->is_verified, account->created_at,
                   account->group_id ? account->group_id : GROUP_DEFAULT);
    stmt_bind_text(s, 8, account->first_name);
    stmt_bind_text(s, 9, account->last_name);
    return stmt_insert(s, ret_id);
}

enum status account_find(struct db *tx, struct arena *a, struct str email, struct account *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " ACCOUNT_COLUMNS " FROM " ACCOUNT_FROM " WHERE a.email = ?1");
    stmt_bind_text(s, 1, email);
    enum status st = row_first(s);
    if (st == STATUS_OK) account_fill(s, 0, a, ret);
    return st;
}

enum status account_get(struct db *tx, struct arena *a, int64_t id, struct account *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " ACCOUNT_COLUMNS " FROM " ACCOUNT_FROM " WHERE a.id = ?1");
    stmt_bind_int(s, 1, id);
    enum status st = row_first(s);
    if (st == STATUS_OK) account_fill(s, 0, a, ret);
    return st;
}

enum status account_exists(struct db *tx, int64_t id) {
    struct stmt *s = db_stmt(tx, "SELECT id FROM accounts WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    return row_first(s);
}

enum status account_count(struct db *tx, int64_t *ret_count, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "SELECT COUNT(*), COALESCE(MIN(id), 0) FROM accounts");
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    *ret_count = stmt_int(s, 0);
    *ret_id = stmt_int(s, 1);
    return STATUS_OK;
}

/* ---- lists ---- */
#define ACCOUNT_WHERE " WHERE (a.group_id = ?1 OR ?1 = 0) AND a.email LIKE ?2 ESCAPE '!'"

/* "%text%", with what LIKE would read as more than itself escaped. */
static struct str like_pattern(struct arena *a, struct str text) {
    BUF_AUTO out = {0};
    buf_add_char(&out, '%');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '%' || text.p[i] == '_' || text.p[i] == '!') buf_add_char(&out, '!');
        buf_add_char(&out, text.p[i]);
    }
    buf_add_char(&out, '%');
    return arena_str(a, buf_str(&out));
}

static void list_fill(struct stmt *s, struct arena *a, void *item) {
    account_fill(s, 0, a, item);
}

enum status account_list(struct db *tx, struct arena *a, const struct account_query *query, struct account_list *ret,
                         int64_t *ret_total) {
    struct str pattern = like_pattern(a, query->search);
    struct row_list rows;
    struct stmt *count = db_stmt(tx, "SELECT COUNT(*) FROM accounts a" ACCOUNT_WHERE);
    stmt_bind_int(count, 1, query->group_id);
    stmt_bind_text(count, 2, pattern);
    enum status st = row_first(count);
    if (st != STATUS_OK) return st;
    int64_t total = stmt_int(count, 0);
    struct stmt *s =
        db_stmt(tx, "SELECT " ACCOUNT_COLUMNS " FROM " ACCOUNT_FROM ACCOUNT_WHERE " ORDER BY a.id LIMIT ?3 OFFSET ?4");
    stmt_bind_int(s, 1, query->group_id);
    stmt_bind_text(s, 2, pattern);
    STMT_BIND_INTS(s, 3, query->limit, query->offset);
    st = rows_collect(s, a, sizeof(struct account), list_fill, &rows);
    if (st != STATUS_OK) return st;
    *ret = (struct account_list){rows.items, rows.count};
    *ret_total = total;
    return STATUS_OK;
}

/* ---- changes ---- */
enum status account_update(struct db *tx, const struct account *account) {
    struct stmt *taken = db_stmt(tx, "SELECT id FROM accounts WHERE email = ?1 AND id <> ?2");
    stmt_bind_text(taken, 1, account->email);
    stmt_bind_int(taken, 2, account->id);
    enum status st = row_none(taken);
    if (st != STATUS_OK) return st;
    struct stmt *s =
        db_stmt(tx, "UPDATE accounts SET email = ?2, first_name = ?3, last_name = ?4, is_admin = ?5, is_active = ?6, "
                    "is_verified = ?7, group_id = ?8, unsubscribes_block_all = ?9 WHERE id = ?1");
    stmt_bind_int(s, 1, account->id);
    stmt_bind_text(s, 2, account->email);
    stmt_bind_text(s, 3, account->first_name);
    stmt_bind_text(s, 4, account->last_name);
    STMT_BIND_INTS(s, 5, account->is_admin, account->is_active, account->is_verified, account->group_id,
                   account->unsubscribes_block_all);
    return row_change(tx, s);
}

enum status account_set_password(struct db *tx, int64_t id, struct str password_hash) {
    struct stmt *s = db_stmt(tx, "UPDATE accounts SET password_hash = ?2 WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    stmt_bind_text(s, 2, password_hash);
    return row_change(tx, s);
}

enum status account_set_totp(struct db *tx, int64_t id, struct str totp_sealed, bool is_on) {
    struct stmt *s = db_stmt(tx, "UPDATE accounts SET totp_sealed = ?2, totp_is_on = ?3, totp_step = 0 WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    stmt_bind_blob(s, 2, totp_sealed);
    stmt_bind_int(s, 3, is_on);
    return row_change(tx, s);
}

enum status account_confirm_totp(struct db *tx, int64_t id, struct str totp_sealed) {
    struct stmt *s = db_stmt(tx, "UPDATE accounts SET totp_is_on = 1 WHERE id = ?1 AND totp_is_on = 0 AND totp_sealed = ?2");
    stmt_bind_int(s, 1, id);
    stmt_bind_blob(s, 2, totp_sealed);
    return row_change(tx, s);
}

enum status account_use_totp(struct db *tx, int64_t id, int64_t step) {
    struct stmt *s = db_stmt(tx, "UPDATE accounts SET totp_step = ?2 WHERE id = ?1 AND totp_step < ?2");
    STMT_BIND_INTS(s, 1, id, step);
    return row_change(tx, s);
}

/* ---- the end ---- */
enum status account_empty(struct db *tx, int64_t id, int64_t max, int64_t *ret_deleted) {
    static const char *const sql[] = {
        ("DELETE FROM subscribers WHERE id IN (SELECT s.id FROM subscribers s JOIN lists l ON l.id = s.list_id "
         "WHERE l.account_id = ?1 LIMIT ?2)"),
        "DELETE FROM suppressions WHERE id IN (SELECT id FROM suppressions WHERE account_id = ?1 LIMIT ?2)",
        "DELETE FROM imports WHERE id IN (SELECT id FROM imports WHERE account_id = ?1 LIMIT ?2)",
        "DELETE FROM list_sends WHERE id IN (SELECT id FROM list_sends WHERE account_id = ?1 LIMIT ?2)",
        "DELETE FROM templates WHERE id IN (SELECT id FROM templates WHERE account_id = ?1 LIMIT ?2)",
        "DELETE FROM lists WHERE id IN (SELECT id FROM lists WHERE account_id = ?1 LIMIT ?2)",
    };
    enum status st = STATUS_OK;
    int64_t deleted = 0;
    for (size_t i = 0; st == STATUS_OK && deleted == 0 && i < sizeof sql / sizeof sql[0]; i++) {
        struct stmt *s = db_stmt(tx, sql[i]);
        STMT_BIND_INTS(s, 1, id, max);
        st = rows_change(tx, s, &deleted);
    }
    if (st == STATUS_OK) *ret_deleted = deleted;
    return st;
}

enum status account_delete(struct db *tx, int64_t id) {
    struct stmt *domain = db_stmt(tx, "SELECT id FROM domains WHERE account_id = ?1 LIMIT 1");
    stmt_bind_int(domain, 1, id);
    enum status st = row_none(domain);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "DELETE FROM accounts WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    return row_change(tx, s);
}
