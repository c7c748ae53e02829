/* messages.c - accepted messages.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/messages.h"

#include "store/rows.h"

#define MESSAGE_COLUMNS                                                                                                          \
    "id, uuid, account_id, domain_id, key_id, created_at, expires_at, sender, subject, rfc_message_id, tags,"                    \
    " metadata, size, signature, smtp_user_id, envelope_from, dsn_return, dsn_envid, is_report, tls, track"

static void message_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct message *)item = (struct message){
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
        .smtp_user_id = stmt_int(s, 14),
        .envelope_from = row_text(s, a, 15),
        .dsn_return = (int)stmt_int(s, 16),
        .dsn_envid = row_text(s, a, 17),
        .is_report = stmt_int(s, 18) != 0,
        .tls = (int)stmt_int(s, 19),
        .track = row_text(s, a, 20),
    };
}

enum status message_add(struct db *tx, const struct message *message, int64_t *ret_id) {
    struct stmt *s =
        db_stmt(tx, "INSERT INTO messages (uuid, account_id, domain_id, key_id, created_at, expires_at, sender, "
                    "subject, rfc_message_id, tags, metadata, size, smtp_user_id, envelope_from, dsn_return, dsn_envid, "
                    "is_report, tls) VALUES "
                    "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) ON CONFLICT DO NOTHING");
    stmt_bind_blob(s, 1, uuid_str(&message->uuid));
    STMT_BIND_INTS(s, 2, message->account_id, message->domain_id, message->key_id, message->created_at, message->expires_at);
    stmt_bind_text(s, 7, message->sender);
    stmt_bind_text(s, 8, message->subject);
    stmt_bind_text(s, 9, message->rfc_message_id);
    stmt_bind_text(s, 10, message->tags);
    stmt_bind_text(s, 11, message->metadata);
    STMT_BIND_INTS(s, 12, message->size_bytes, message->smtp_user_id);
    stmt_bind_text(s, 14, message->envelope_from);
    stmt_bind_int(s, 15, message->dsn_return);
    stmt_bind_text(s, 16, message->dsn_envid);
    STMT_BIND_INTS(s, 17, message->is_report, message->tls);
    return stmt_insert(s, ret_id);
}

enum status message_get(struct db *tx, struct arena *a, int64_t id, struct message *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " MESSAGE_COLUMNS " FROM messages WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    return row_get(s, a, message_fill, ret);
}

enum status message_find(struct db *tx, struct arena *a, int64_t domain_id, struct id uuid, struct message *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT " MESSAGE_COLUMNS " FROM messages WHERE uuid = ?1 AND (domain_id = ?2 OR ?2 = -1)"); /* SCOPE_ANY */
    stmt_bind_blob(s, 1, uuid_str(&uuid));
    stmt_bind_int(s, 2, domain_id);
    return row_get(s, a, message_fill, ret);
}

enum status message_of(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id, struct id uuid,
                       struct message *ret) {
    struct message found;
    enum status st = message_find(tx, a, domain_id, uuid, &found);
    if (st != STATUS_OK) return st;
    if (found.account_id != account_id) return STATUS_NOT_FOUND;
    *ret = found;
    return STATUS_OK;
}

enum status message_set_expiry(struct db *tx, int64_t id, int64_t expires_at) {
    struct stmt *s = db_stmt(tx, "UPDATE messages SET expires_at = ?2 WHERE id = ?1");
    STMT_BIND_INTS(s, 1, id, expires_at);
    enum status st = row_change(tx, s);
    if (st != STATUS_OK) return st;
    s = db_stmt(tx, "UPDATE recipients SET expires_at = ?2 WHERE message_id = ?1");
    STMT_BIND_INTS(s, 1, id, expires_at);
    return stmt_run(s);
}

static void event_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct event *)item = (struct event){.id = stmt_int(s, 0),
                                           .at = stmt_int(s, 1),
                                           .type = (enum event_type)stmt_int(s, 2),
                                           .recipient_id = stmt_int(s, 3),
                                           .recipient = row_text(s, a, 4),
                                           .detail = row_text(s, a, 5)};
}

enum status message_timeline(struct db *tx, struct arena *a, int64_t id, int limit, struct message_timeline *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id, at, type, recipient_id, recipient, detail FROM events WHERE message_id = ?1 "
                                 "AND domain_id = (SELECT domain_id FROM messages WHERE id = ?1) ORDER BY at, id LIMIT ?2");
    STMT_BIND_INTS(s, 1, id, limit);
    return rows_collect(s, a, sizeof(struct event), event_fill, ret);
}

/* ---- the history ---- */

/* By the account's index or the domain's; the "+" keeps the engine off the other one. */
#define OF_ACCOUNT "m.account_id = ?1 AND ?2 = -1 "
#define OF_DOMAIN  "m.domain_id = ?2 AND +m.account_id = ?1 "
#define PAGE                                                                                                                     \
    "SELECT " MESSAGE_COLUMNS " FROM messages m WHERE m.id >= ?3 AND m.id < ?4 AND m.created_at >= ?5 AND m.created_at < ?6 "    \
    "AND (?7 = '' OR EXISTS (SELECT 1 FROM recipients r WHERE r.message_id = m.id AND r.address = ?7)) "                         \
    "AND (?8 = '' OR replace(m.tags, ?8, '') <> m.tags) "                                                                        \
    "AND (?9 < 0 OR EXISTS (SELECT 1 FROM recipients r WHERE r.message_id = m.id "                                               \
    "AND CASE WHEN r.state = 0 AND r.due_at <= ?10 THEN 1 ELSE r.state END = ?9)) AND "
static const char page_of_account[] = PAGE OF_ACCOUNT "ORDER BY m.id DESC LIMIT ?11";
static const char page_of_domain[] = PAGE OF_DOMAIN "ORDER BY m.id DESC LIMIT ?11";
#define STRIDE "SELECT m.id FROM messages m WHERE m.id < ?3 AND "
static const char stride_of_account[] = STRIDE OF_ACCOUNT "ORDER BY m.id DESC LIMIT 1 OFFSET ?4";
static const char stride_of_domain[] = STRIDE OF_DOMAIN "ORDER BY m.id DESC LIMIT 1 OFFSET ?4";

enum status message_page(struct db *tx, struct arena *a, const struct message_filter *filter, int limit,
                         struct message_list *ret) {
    struct stmt *s = db_stmt(tx, filter->domain_id == SCOPE_ANY ? page_of_account : page_of_domain);
    STMT_BIND_INTS(s, 1, filter->account_id, filter->domain_id, filter->first_id, filter->before_id, filter->from_at,
                   filter->before_at);
    stmt_bind_text(s, 7, filter->recipient);
    stmt_bind_text(s, 8, filter->tag);
    STMT_BIND_INTS(s, 9, filter->state, filter->now, limit);
    return rows_collect(s, a, sizeof(struct message), message_fill, ret);
}

/* The id in the first row, `otherwise` without one. */
static enum status id_or(struct stmt *s, int64_t otherwise, int64_t *ret_id) {
    enum status st = row_first(s);
    if (st == STATUS_OK) *ret_id = stmt_int(s, 0);
    if (st == STATUS_NOT_FOUND) *ret_id = otherwise;
    return st == STATUS_NOT_FOUND ? STATUS_OK : st;
}

enum status message_stride(struct db *tx, int64_t account_id, int64_t domain_id, int64_t before_id, int64_t count,
                           int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, domain_id == SCOPE_ANY ? stride_of_account : stride_of_domain);
    STMT_BIND_INTS(s, 1, account_id, domain_id, before_id, count - 1);
    return id_or(s, 0, ret_id);
}

enum status message_first_at(struct db *tx, int64_t wall_ms, int64_t *ret_id) {
    struct id least = {0};
    for (int i = 0; i < 6; i++) least.b[i] = (uint8_t)((uint64_t)wall_ms >> (40 - 8 * i)); /* RFC 9562 5.7 */
    struct stmt *s = db_stmt(tx, "SELECT id FROM messages WHERE uuid >= ?1 ORDER BY uuid LIMIT 1");
    stmt_bind_blob(s, 1, uuid_str(&least));
    return id_or(s, INT64_MAX, ret_id);
}

enum status message_last(struct db *tx, int64_t *ret_id) {
    return id_or(db_stmt(tx, "SELECT id FROM messages ORDER BY id DESC LIMIT 1"), 0, ret_id);
}

enum status message_set_signature(struct db *tx, int64_t id, struct str signature) {
    struct stmt *s = db_stmt(tx, "UPDATE messages SET signature = ?2 WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    stmt_bind_blob(s, 2, signature);
    return row_change(tx, s);
}

enum status message_set_track(struct db *tx, int64_t id, struct str track) {
    struct stmt *s = db_stmt(tx, "UPDATE messages SET track = ?2 WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    stmt_bind_text(s, 2, track);
    return row_change(tx, s);
}
