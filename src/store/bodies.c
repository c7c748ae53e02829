/* bodies.c - contents of messages as they are kept.
 *
 * Who shares a part is found by index, not counted: a count would be a row that every such message writes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/bodies.h"

#include "store/rows.h"

#define BYTES_MAX ((size_t)INT32_MAX) /* that engines count in one value */

static enum status part_add(struct db *tx, const struct body *body, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO body_parts (account_id, hash, packing, content) VALUES (?1, ?2, ?3, ?4) "
                                 "ON CONFLICT (account_id, hash) DO NOTHING");
    stmt_bind_int(s, 1, body->account_id);
    stmt_bind_blob(s, 2, body->part_hash);
    stmt_bind_int(s, 3, body->part_packing);
    stmt_bind_blob(s, 4, body->part);
    return stmt_insert(s, ret_id);
}

static enum status part_find(struct db *tx, const struct body *body, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "SELECT id FROM body_parts WHERE account_id = ?1 AND hash = ?2");
    stmt_bind_int(s, 1, body->account_id);
    stmt_bind_blob(s, 2, body->part_hash);
    return row_int(s, ret_id);
}

enum status body_add(struct db *tx, const struct body *body) {
    int64_t part_id = 0;
    enum status status = body->part_hash.n ? part_find(tx, body, &part_id) : STATUS_OK;
    if (status == STATUS_NOT_FOUND) status = part_add(tx, body, &part_id);
    if (status != STATUS_OK) return status;
    struct stmt *s = db_stmt(tx, "INSERT INTO bodies (message_id, account_id, created_at, part_id, packing, content) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    STMT_BIND_INTS(s, 1, body->message_id, body->account_id, body->created_at, part_id, body->packing);
    stmt_bind_blob(s, 6, body->content);
    return stmt_run(s);
}

void body_bytes_fini(struct body_bytes *bytes) {
    buf_fini(&bytes->content);
    buf_fini(&bytes->part);
}

static enum status read_part(struct db *tx, int64_t part_id, size_t max, struct body_bytes *ret) {
    const struct db_blob part = {.table = "body_parts", .key = "id", .column = "content", .id = part_id};
    struct stmt *s = db_stmt(tx, "SELECT packing FROM body_parts WHERE id = ?1");
    stmt_bind_int(s, 1, part_id);
    enum status status = row_first(s);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    ret->part_packing = (int)stmt_int(s, 0);
    ret->has_part = true;
    return db_blob_start(tx, &part, max < BYTES_MAX ? max : BYTES_MAX, &ret->part);
}

/* An engine's blob costs a statement of its own, so what is read whole is a column like others. */
static enum status read_content(struct db *tx, int64_t message_id, size_t max, struct body_bytes *ret, int64_t *ret_part_id) {
    const struct db_blob content = {.table = "bodies", .key = "message_id", .column = "content", .id = message_id};
    bool is_whole = max == SIZE_MAX;
    struct stmt *s = is_whole ? db_stmt(tx, "SELECT packing, part_id, content FROM bodies WHERE message_id = ?1")
                              : db_stmt(tx, "SELECT packing, part_id FROM bodies WHERE message_id = ?1");
    stmt_bind_int(s, 1, message_id);
    enum status status = row_first(s);
    if (status != STATUS_OK) return status;
    ret->packing = (int)stmt_int(s, 0);
    *ret_part_id = stmt_int(s, 1);
    if (is_whole) buf_add_str(&ret->content, stmt_blob(s, 2));
    return is_whole ? STATUS_OK : db_blob_start(tx, &content, max < BYTES_MAX ? max : BYTES_MAX, &ret->content);
}

enum status body_read(struct db *tx, int64_t message_id, size_t max, struct body_bytes *ret) {
    int64_t part_id = 0;
    *ret = (struct body_bytes){0};
    enum status status = read_content(tx, message_id, max, ret, &part_id);
    if (status == STATUS_OK && part_id) status = read_part(tx, part_id, max, ret);
    if (status != STATUS_OK) body_bytes_fini(ret);
    return status;
}

static enum status forget_part(struct db *tx, int64_t part_id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM body_parts WHERE id = ?1 AND NOT EXISTS "
                                 "(SELECT 1 FROM bodies WHERE part_id = ?1 AND part_id > 0)");
    stmt_bind_int(s, 1, part_id);
    return stmt_run(s);
}

enum status body_weigh(struct db *tx, int64_t message_id, int64_t *ret_bytes) {
    struct stmt *s = db_stmt(
        tx,
        "SELECT CAST(length(b.content) AS BIGINT) + COALESCE((SELECT length(p.content) FROM body_parts p WHERE p.id = b.part_id "
        "AND NOT EXISTS (SELECT 1 FROM bodies o WHERE o.part_id = b.part_id AND o.part_id > 0 AND o.message_id <> ?1)), 0) "
        "FROM bodies b WHERE b.message_id = ?1");
    stmt_bind_int(s, 1, message_id);
    enum status status = row_int(s, ret_bytes);
    if (status != STATUS_NOT_FOUND) return status;
    *ret_bytes = 0;
    return STATUS_OK;
}

enum status body_delete(struct db *tx, int64_t message_id) {
    int64_t part_id = 0;
    struct stmt *s = db_stmt(tx, "SELECT part_id FROM bodies WHERE message_id = ?1");
    stmt_bind_int(s, 1, message_id);
    enum status status = row_int(s, &part_id);
    if (status != STATUS_OK) return status;
    s = db_stmt(tx, "DELETE FROM bodies WHERE message_id = ?1");
    stmt_bind_int(s, 1, message_id);
    status = stmt_run(s);
    if (status == STATUS_OK && part_id) status = forget_part(tx, part_id);
    if (status != STATUS_OK) return status;
    s = db_stmt(tx, "UPDATE messages SET signature = NULL WHERE id = ?1 AND signature IS NOT NULL");
    stmt_bind_int(s, 1, message_id);
    return stmt_run(s);
}
