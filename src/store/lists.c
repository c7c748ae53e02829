/* lists.c - subscriber lists of an account.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/lists.h"

#include "store/rows.h"

static void list_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct mailing_list *)item = (struct mailing_list){
        .id = stmt_int(s, 0),
        .account_id = stmt_int(s, 1),
        .name = row_text(s, a, 2),
        .created_at = stmt_int(s, 3),
    };
}

enum status mailing_list_add(struct db *tx, const struct mailing_list *list, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO lists (account_id, name, created_at) VALUES (?1, ?2, ?3) "
                                 "ON CONFLICT DO NOTHING");
    stmt_bind_int(s, 1, list->account_id);
    stmt_bind_text(s, 2, list->name);
    stmt_bind_int(s, 3, list->created_at);
    return stmt_insert(s, ret_id);
}

enum status mailing_list_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct mailing_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id, account_id, name, created_at FROM lists WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_get(s, a, list_fill, ret);
}

enum status mailing_list_page(struct db *tx, struct arena *a, int64_t account_id, int64_t after_id, int limit,
                              struct mailing_list_page *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id, account_id, name, created_at FROM lists WHERE account_id = ?1 AND id > ?2 "
                                 "ORDER BY id LIMIT ?3");
    STMT_BIND_INTS(s, 1, account_id, after_id, limit);
    return rows_collect(s, a, sizeof(struct mailing_list), list_fill, ret);
}

enum status mailing_list_count(struct db *tx, int64_t account_id, int64_t *ret_count) {
    struct stmt *s = db_stmt(tx, "SELECT COUNT(*) FROM lists WHERE account_id = ?1");
    stmt_bind_int(s, 1, account_id);
    return row_int(s, ret_count);
}

enum status mailing_list_rename(struct db *tx, int64_t account_id, int64_t id, struct str name) {
    struct stmt *taken = db_stmt(tx, "SELECT id FROM lists WHERE account_id = ?1 AND name = ?2 AND id <> ?3");
    stmt_bind_int(taken, 1, account_id);
    stmt_bind_text(taken, 2, name);
    stmt_bind_int(taken, 3, id);
    enum status st = row_none(taken);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "UPDATE lists SET name = ?1 WHERE id = ?2 AND account_id = ?3");
    stmt_bind_text(s, 1, name);
    STMT_BIND_INTS(s, 2, id, account_id);
    return row_change(tx, s);
}

enum status mailing_list_delete(struct db *tx, int64_t account_id, int64_t id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM lists WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_change(tx, s);
}
