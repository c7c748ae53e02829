/* messages.c - accepted messages and their bodies.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/messages.h"

#include "store/rows.h"

#define MESSAGE_COLUMNS                                                                                                          \
    "id, uuid, account_id, domain_id, key_id, created_at, expires_at, sender, subject, rfc_message_id, tags,"                    \
    " metadata, size, signature"

static void message_fill(struct stmt *s, struct arena *a, struct message *ret) {
    *ret = (struct message){
        .id = stmt_int(s, 0),
        .uuid = row_uuid(s, 1),
        .account_id = stmt_int(s, 2),
        .domain_id = stmt_int(s, 3),
        .key_id = stmt_int(s, 4),
        .created_at = stmt_int(s, 5),
        .expires_at = stmt_int(s, 6),
        .sender = row_text(s, a, 7),
        .subject = row_text(s, a, 8),
        .rfc_message_id = row_text(s, a, 9),
        .tags = row_text(s, a, 10),
        .metadata = row_text(s, a, 11),
        .size_bytes = stmt_int(s, 12),
        .signature = row_text(s, a, 13),
    };
}

enum status message_add(struct db *tx, const struct message *message, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO messages (uuid, account_id, domain_id, key_id, created_at, expires_at, sender, "
                                 "subject, rfc_message_id, tags, metadata, size) VALUES "
                                 "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING RETURNING id");
    stmt_bind_blob(s, 1, uuid_str(&message->uuid));
    stmt_bind_int(s, 2, message->account_id);
    stmt_bind_int(s, 3, message->domain_id);
    stmt_bind_int(s, 4, message->key_id);
    stmt_bind_int(s, 5, message->created_at);
    stmt_bind_int(s, 6, message->expires_at);
    stmt_bind_text(s, 7, message->sender);
    stmt_bind_text(s, 8, message->subject);
    stmt_bind_text(s, 9, message->rfc_message_id);
    stmt_bind_text(s, 10, message->tags);
    stmt_bind_text(s, 11, message->metadata);
    stmt_bind_int(s, 12, message->size_bytes);
    return row_insert(s, ret_id);
}

enum status message_get(struct db *tx, struct arena *a, int64_t id, struct message *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " MESSAGE_COLUMNS " FROM messages WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    enum status st = row_first(s);
    if (st == STATUS_OK) message_fill(s, a, ret);
    return st;
}

enum status message_find(struct db *tx, struct arena *a, int64_t domain_id, struct id uuid, struct message *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT " MESSAGE_COLUMNS " FROM messages WHERE uuid = ?1 AND (domain_id = ?2 OR ?2 = -1)"); /* SCOPE_ANY */
    stmt_bind_blob(s, 1, uuid_str(&uuid));
    stmt_bind_int(s, 2, domain_id);
    enum status st = row_first(s);
    if (st == STATUS_OK) message_fill(s, a, ret);
    return st;
}

enum status message_set_signature(struct db *tx, int64_t id, struct str signature) {
    struct stmt *s = db_stmt(tx, "UPDATE messages SET signature = ?2 WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    stmt_bind_blob(s, 2, signature);
    return row_change(tx, s);
}

enum status body_add(struct db *tx, int64_t message_id, struct str content) {
    struct stmt *s = db_stmt(tx, "INSERT INTO bodies (message_id, content) VALUES (?1, ?2)");
    stmt_bind_int(s, 1, message_id);
    stmt_bind_blob(s, 2, content);
    return stmt_run(s);
}

enum status body_get(struct db *tx, int64_t message_id, struct buf *out) {
    struct stmt *s = db_stmt(tx, "SELECT content FROM bodies WHERE message_id = ?1");
    stmt_bind_int(s, 1, message_id);
    enum status st = row_first(s);
    if (st == STATUS_OK) buf_add_str(out, stmt_blob(s, 0));
    return st;
}
