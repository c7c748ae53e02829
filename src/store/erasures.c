/* erasures.c - see erasures.h.
 *
 * Recipients have no index by address: it would be written with every message, and this is asked for a few times a year. So they
 * are walked, in pieces of so many rows, and compared as they were sent to, in lower case.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/erasures.h"

#include "store/bodies.h"
#include "store/events.h"
#include "store/rows.h"
#include "store/words.h"

#define COLUMNS                                                                                                                  \
    "id, account_id, address_hash, address, stage, place, left_over, events, recipients, bodies, created_at, look_at, "          \
    "finished_at"

static void erasure_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct erasure *)item = (struct erasure){.id = stmt_int(s, 0),
                                               .account_id = stmt_int(s, 1),
                                               .address_hash = arena_str(a, stmt_blob(s, 2)),
                                               .address = row_text(s, a, 3),
                                               .stage = (int)stmt_int(s, 4),
                                               .place = stmt_int(s, 5),
                                               .left_over = stmt_int(s, 6),
                                               .events = stmt_int(s, 7),
                                               .recipients = stmt_int(s, 8),
                                               .bodies = stmt_int(s, 9),
                                               .created_at = stmt_int(s, 10),
                                               .look_at = stmt_int(s, 11),
                                               .finished_at = stmt_int(s, 12)};
}

/* ---- orders ---- */

enum status erasure_add(struct db *tx, const struct erasure *erasure, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO erasures (account_id, address_hash, address, created_at, look_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?4)");
    stmt_bind_int(s, 1, erasure->account_id);
    stmt_bind_blob(s, 2, erasure->address_hash);
    stmt_bind_text(s, 3, erasure->address);
    stmt_bind_int(s, 4, erasure->created_at);
    return stmt_insert(s, ret_id);
}

enum status erasure_set(struct db *tx, const struct erasure *erasure) {
    struct stmt *s = db_stmt(tx, "UPDATE erasures SET address = ?2, stage = ?3, place = ?4, left_over = ?5, events = ?6, "
                                 "recipients = ?7, bodies = ?8, look_at = ?9, finished_at = ?10 WHERE id = ?1");
    stmt_bind_int(s, 1, erasure->id);
    stmt_bind_text(s, 2, erasure->address);
    STMT_BIND_INTS(s, 3, erasure->stage, erasure->place, erasure->left_over, erasure->events, erasure->recipients,
                   erasure->bodies, erasure->look_at, erasure->finished_at);
    return row_change(tx, s);
}

enum status erasure_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct erasure *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT " COLUMNS " FROM erasures WHERE id = ?1 AND (account_id = ?2 OR ?2 = -1)"); /* SCOPE_ANY */
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_get(s, a, erasure_fill, ret);
}

enum status erasure_due(struct db *tx, struct arena *a, int64_t now, struct erasure *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " COLUMNS " FROM erasures WHERE finished_at = 0 AND look_at <= ?1 "
                                 "ORDER BY look_at, id LIMIT 1");
    stmt_bind_int(s, 1, now);
    return row_get(s, a, erasure_fill, ret);
}

enum status erasure_count_open(struct db *tx, int64_t account_id, int64_t *ret) {
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM erasures WHERE finished_at = 0 AND account_id = ?1");
    stmt_bind_int(s, 1, account_id);
    return row_int(s, ret);
}

enum status erasure_page(struct db *tx, struct arena *a, int64_t account_id, int64_t before_id, int limit,
                         struct erasure_list *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT " COLUMNS " FROM erasures WHERE id < ?1 AND (account_id = ?2 OR ?2 = -1) " /* SCOPE_ANY */
                    "ORDER BY id DESC LIMIT ?3");
    STMT_BIND_INTS(s, 1, before_id, account_id, limit);
    return rows_collect(s, a, sizeof(struct erasure), erasure_fill, ret);
}

/* ---- lists ---- */

enum status erasure_account_next(struct db *tx, int64_t after, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "SELECT id FROM accounts WHERE id > ?1 ORDER BY id LIMIT 1");
    stmt_bind_int(s, 1, after);
    return row_int(s, ret_id);
}

static const char *const clear_lists[] = {
    "UPDATE suppressions SET address = '', reason = ?4 WHERE account_id = ?1 AND address_hash = ?2 AND ?3 <> ''",
    "UPDATE tag_refusals SET address = '' WHERE account_id = ?1 AND address_hash = ?2 AND ?3 <> '' AND ?4 <> ''",
    ("DELETE FROM subscribers WHERE list_id IN (SELECT id FROM lists WHERE account_id = ?1) AND email_key = ?3 "
     "AND ?2 IS NOT NULL AND ?4 <> ''"),
};

enum status erasure_clear_lists(struct db *tx, const struct erasure *erasure, int64_t account_id, struct str reason,
                                int64_t *ret_count) {
    enum status status = STATUS_OK;
    *ret_count = 0;
    for (size_t i = 0; status == STATUS_OK && i < sizeof clear_lists / sizeof clear_lists[0]; i++) {
        int64_t count = 0;
        struct stmt *s = db_stmt(tx, clear_lists[i]);
        stmt_bind_int(s, 1, account_id);
        stmt_bind_blob(s, 2, erasure->address_hash);
        stmt_bind_text(s, 3, erasure->address);
        stmt_bind_text(s, 4, reason);
        status = rows_change(tx, s, &count);
        *ret_count += count;
    }
    return status;
}

/* ---- recipients ---- */

static void find_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct erasure_find *)item = (struct erasure_find){
        .id = stmt_int(s, 0), .message_id = stmt_int(s, 1), .account_id = stmt_int(s, 2), .is_waiting = stmt_int(s, 3) <= 2};
}

static enum status piece_end(struct db *tx, int64_t after, int look, struct erasure_found *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id FROM recipients WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2");
    STMT_BIND_INTS(s, 1, after, look - 1);
    enum status status = row_int(s, &ret->place);
    ret->is_end = status == STATUS_NOT_FOUND;
    if (ret->is_end) ret->place = INT64_MAX;
    return ret->is_end ? STATUS_OK : status;
}

/* Lower case is ASCII's: whose language a database of PostgreSQL speaks says nothing of addresses. */
#define FIND                                                                                                                     \
    "SELECT id, message_id, account_id, state FROM recipients WHERE id > ?1 AND id <= ?2 AND (?3 = 0 OR account_id = ?3) AND "

enum status erasure_find_recipients(struct db *tx, struct arena *a, const struct erasure *erasure, int look,
                                    struct erasure_found *ret) {
    struct erasure_found found = {0};
    struct row_list list;
    enum status status = piece_end(tx, erasure->place, look, &found);
    if (status != STATUS_OK) return status;
    struct stmt *s = db_is_sqlite(tx) ? db_stmt(tx, FIND "lower(address) = ?4 ORDER BY id")
                                      : db_stmt(tx, FIND "lower(address COLLATE \"C\") = ?4 ORDER BY id");
    STMT_BIND_INTS(s, 1, erasure->place, found.place, erasure->account_id);
    stmt_bind_text(s, 4, erasure->address);
    status = rows_collect(s, a, sizeof(struct erasure_find), find_fill, &list);
    if (status != STATUS_OK) return status;
    found.items = list.items;
    found.count = list.count;
    *ret = found;
    return STATUS_OK;
}

enum status erasure_count_recipients(struct db *tx, int64_t message_id, int64_t *ret_all, int64_t *ret_waiting) {
    struct stmt *s = db_stmt(tx, "SELECT count(*), count(CASE WHEN state IN (0, 1, 2) THEN 1 END) FROM recipients "
                                 "WHERE message_id = ?1");
    stmt_bind_int(s, 1, message_id);
    enum status status = row_first(s);
    if (status != STATUS_OK) return status;
    *ret_all = stmt_int(s, 0);
    *ret_waiting = stmt_int(s, 1);
    return STATUS_OK;
}

enum status erasure_delete_events(struct db *tx, const struct erasure_find *of, int64_t *ret_count) {
    return event_remove_all(tx, of->message_id, of->id, ret_count);
}

enum status erasure_delete_recipient(struct db *tx, const struct erasure_find *of) {
    enum status status = words_remove(tx, of->message_id);
    if (status != STATUS_OK) return status;
    struct stmt *s = db_stmt(tx, "DELETE FROM recipients WHERE id = ?1");
    stmt_bind_int(s, 1, of->id);
    status = stmt_run(s);
    return status == STATUS_OK ? words_restore(tx, of->message_id) : status;
}

enum status erasure_delete_message(struct db *tx, int64_t id) {
    enum status status = body_delete(tx, id);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) status = words_remove(tx, id);
    if (status != STATUS_OK) return status;
    struct stmt *s = db_stmt(tx, "DELETE FROM messages WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    return stmt_run(s);
}

#define FORGET_ORDERS "DELETE FROM queue_jobs WHERE (finished_at > 0 OR reason = ?1) AND (?2 = 0 OR account_id = ?2) AND "

enum status erasure_delete_orders(struct db *tx, int64_t account_id, struct str quoted, struct str reason) {
    struct stmt *s = db_is_sqlite(tx) ? db_stmt(tx, FORGET_ORDERS "replace(lower(filter), ?3, '') <> lower(filter)")
                                      : db_stmt(tx, FORGET_ORDERS
                                                "replace(lower(filter COLLATE \"C\"), ?3, '') <> lower(filter COLLATE \"C\")");
    stmt_bind_text(s, 1, reason);
    stmt_bind_int(s, 2, account_id);
    stmt_bind_text(s, 3, quoted);
    return stmt_run(s);
}

/* ---- the inbox ---- */

static void mail_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct erasure_mail *)item =
        (struct erasure_mail){.id = stmt_int(s, 0), .account_id = stmt_int(s, 1), .recipients = row_text(s, a, 2)};
}

enum status erasure_inbox_page(struct db *tx, struct arena *a, int64_t after_id, int limit, struct erasure_mail_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id, account_id, recipients FROM inbox WHERE id > ?1 ORDER BY id LIMIT ?2");
    STMT_BIND_INTS(s, 1, after_id, limit);
    return rows_collect(s, a, sizeof(struct erasure_mail), mail_fill, ret);
}

enum status erasure_delete_mails_of(struct db *tx, int64_t message_id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM inbox WHERE message_uuid = (SELECT uuid FROM messages WHERE id = ?1)");
    stmt_bind_int(s, 1, message_id);
    return stmt_run(s);
}

enum status erasure_delete_mail(struct db *tx, int64_t id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM inbox WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    return stmt_run(s);
}
