/* inbox.c - sandbox mode: what the last hop received.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/inbox.h"

#include "store/rows.h"

#define MAIL_COLUMNS                                                                                                             \
    "id, received_at, account_id, domain_id, message_uuid, envelope_from, recipients, subject,"                                  \
    " CAST(length(content) AS BIGINT)"

static void mail_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct inbox_mail *)item = (struct inbox_mail){
        .id = stmt_int(s, 0),
        .received_at = stmt_int(s, 1),
        .account_id = stmt_int(s, 2),
        .domain_id = stmt_int(s, 3),
        .has_message_uuid = !stmt_is_null(s, 4),
        .message_uuid = row_uuid(s, 4),
        .envelope_from = row_text(s, a, 5),
        .recipients = row_text(s, a, 6),
        .subject = row_text(s, a, 7),
        .size_bytes = stmt_int(s, 8),
    };
}

enum status inbox_add(struct db *tx, const struct inbox_mail *mail, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO inbox (received_at, account_id, domain_id, message_uuid, envelope_from, "
                                 "recipients, subject, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    STMT_BIND_INTS(s, 1, mail->received_at, mail->account_id, mail->domain_id);
    if (mail->has_message_uuid)
        stmt_bind_blob(s, 4, uuid_str(&mail->message_uuid));
    else
        stmt_bind_null(s, 4);
    stmt_bind_text(s, 5, mail->envelope_from);
    stmt_bind_text(s, 6, mail->recipients);
    stmt_bind_text(s, 7, mail->subject);
    stmt_bind_blob(s, 8, mail->content);
    return stmt_insert(s, ret_id);
}

enum status inbox_list(struct db *tx, struct arena *a, int64_t domain_id, int64_t before_id, int limit, struct inbox_list *ret) {
    struct stmt *s = domain_id == SCOPE_ANY
                         ? db_stmt(tx, "SELECT " MAIL_COLUMNS " FROM inbox WHERE id < ?1 ORDER BY id DESC LIMIT ?2")
                         : db_stmt(tx, "SELECT " MAIL_COLUMNS " FROM inbox WHERE id < ?1 AND domain_id = ?3 "
                                       "ORDER BY id DESC LIMIT ?2");
    STMT_BIND_INTS(s, 1, before_id ? before_id : INT64_MAX, limit);
    if (domain_id != SCOPE_ANY) stmt_bind_int(s, 3, domain_id);
    return rows_collect(s, a, sizeof(struct inbox_mail), mail_fill, ret);
}

enum status inbox_get(struct db *tx, struct arena *a, int64_t domain_id, int64_t id, struct inbox_mail *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT " MAIL_COLUMNS ", content FROM inbox WHERE id = ?1 AND (domain_id = ?2 OR ?2 = -1)"); /* SCOPE_ANY */
    STMT_BIND_INTS(s, 1, id, domain_id);
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    mail_fill(s, a, ret);
    ret->content = row_text(s, a, 9);
    return STATUS_OK;
}

enum status inbox_prune(struct db *tx, int64_t keep, int64_t max, int64_t *ret_deleted) {
    struct stmt *s = db_stmt(tx, "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE id <= "
                                 "(SELECT MAX(id) FROM inbox) - ?1 ORDER BY id LIMIT ?2)");
    STMT_BIND_INTS(s, 1, keep, max);
    return rows_change(tx, s, ret_deleted);
}
