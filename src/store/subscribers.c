/* subscribers.c - the people on a list. Whose list it is, is part of every statement.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/subscribers.h"

#include "store/rows.h"

#define SUBSCRIBER_COLUMNS "s.id, s.list_id, s.email, s.email_key, s.status, s.fields, s.created_at, s.changed_at"
#define OF_ACCOUNT         " JOIN lists l ON l.id = s.list_id AND l.account_id = ?1 "

static void subscriber_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct subscriber *)item = (struct subscriber){
        .id = stmt_int(s, 0),
        .list_id = stmt_int(s, 1),
        .email = row_text(s, a, 2),
        .email_key = row_text(s, a, 3),
        .status = (enum subscriber_status)stmt_int(s, 4),
        .fields = row_text(s, a, 5),
        .created_at = stmt_int(s, 6),
        .changed_at = stmt_int(s, 7),
    };
}

enum status subscriber_add(struct db *tx, const struct subscriber *subscriber, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO subscribers (list_id, email, email_key, status, fields, created_at, changed_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING");
    stmt_bind_int(s, 1, subscriber->list_id);
    stmt_bind_text(s, 2, subscriber->email);
    stmt_bind_text(s, 3, subscriber->email_key);
    stmt_bind_int(s, 4, subscriber->status);
    stmt_bind_text(s, 5, subscriber->fields);
    STMT_BIND_INTS(s, 6, subscriber->created_at, subscriber->changed_at);
    return stmt_insert(s, ret_id);
}

static enum status read_one(struct stmt *s, struct arena *a, struct subscriber *ret) {
    return row_get(s, a, subscriber_fill, ret);
}

enum status subscriber_get(struct db *tx, struct arena *a, int64_t account_id, int64_t list_id, int64_t id,
                           struct subscriber *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT " SUBSCRIBER_COLUMNS " FROM subscribers s" OF_ACCOUNT "WHERE s.id = ?3 AND s.list_id = ?2");
    STMT_BIND_INTS(s, 1, account_id, list_id, id);
    return read_one(s, a, ret);
}

enum status subscriber_find(struct db *tx, struct arena *a, int64_t account_id, int64_t list_id, struct str email_key,
                            struct subscriber *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT " SUBSCRIBER_COLUMNS " FROM subscribers s" OF_ACCOUNT "WHERE s.list_id = ?2 AND s.email_key = ?3");
    STMT_BIND_INTS(s, 1, account_id, list_id);
    stmt_bind_text(s, 3, email_key);
    return read_one(s, a, ret);
}

enum status subscriber_set(struct db *tx, const struct subscriber *subscriber) {
    struct stmt *taken = db_stmt(tx, "SELECT id FROM subscribers WHERE list_id = ?1 AND email_key = ?2 AND id <> ?3");
    stmt_bind_int(taken, 1, subscriber->list_id);
    stmt_bind_text(taken, 2, subscriber->email_key);
    stmt_bind_int(taken, 3, subscriber->id);
    enum status st = row_none(taken);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "UPDATE subscribers SET email = ?2, email_key = ?3, status = ?4, fields = ?5, changed_at = ?6 "
                                 "WHERE id = ?1");
    stmt_bind_int(s, 1, subscriber->id);
    stmt_bind_text(s, 2, subscriber->email);
    stmt_bind_text(s, 3, subscriber->email_key);
    stmt_bind_int(s, 4, subscriber->status);
    stmt_bind_text(s, 5, subscriber->fields);
    stmt_bind_int(s, 6, subscriber->changed_at);
    return row_change(tx, s);
}

enum status subscriber_delete(struct db *tx, int64_t account_id, int64_t list_id, int64_t id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM subscribers WHERE id = ?3 AND list_id IN "
                                 "(SELECT id FROM lists WHERE id = ?2 AND account_id = ?1)");
    STMT_BIND_INTS(s, 1, account_id, list_id, id);
    return row_change(tx, s);
}

enum status subscriber_delete_some(struct db *tx, int64_t account_id, int64_t list_id, int limit, int64_t *ret_count) {
    struct stmt *s = db_stmt(tx, "DELETE FROM subscribers WHERE id IN (SELECT s.id FROM subscribers s" OF_ACCOUNT
                                 "WHERE s.list_id = ?2 LIMIT ?3)");
    STMT_BIND_INTS(s, 1, account_id, list_id, limit);
    return rows_change(tx, s, ret_count);
}

enum status subscriber_page(struct db *tx, struct arena *a, const struct subscriber_query *query, struct subscriber_page *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " SUBSCRIBER_COLUMNS " FROM subscribers s" OF_ACCOUNT "WHERE s.list_id = ?2 "
                                 "AND s.id > ?3 AND s.id <= ?4 AND (s.status = ?5 OR ?5 = -1) ORDER BY s.id LIMIT ?6 OFFSET ?7");
    STMT_BIND_INTS(s, 1, query->account_id, query->list_id, query->after_id, query->up_to ? query->up_to : INT64_MAX,
                   query->status, query->limit, query->offset);
    return rows_collect(s, a, sizeof(struct subscriber), subscriber_fill, ret);
}

enum status subscriber_count(struct db *tx, const struct subscriber_query *query, int64_t *ret_count, int64_t *ret_last_id) {
    struct stmt *s = db_stmt(tx, "SELECT COUNT(*), COALESCE(MAX(s.id), 0) FROM subscribers s" OF_ACCOUNT
                                 "WHERE s.list_id = ?2 AND s.id <= ?3 AND (s.status = ?4 OR ?4 = -1)");
    STMT_BIND_INTS(s, 1, query->account_id, query->list_id, query->up_to ? query->up_to : INT64_MAX, query->status);
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    *ret_count = stmt_int(s, 0);
    *ret_last_id = stmt_int(s, 1);
    return STATUS_OK;
}
