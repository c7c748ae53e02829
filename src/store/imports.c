/* imports.c - files on their way into lists.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/imports.h"

#include "store/rows.h"

#define IMPORT_COLUMNS                                                                                                           \
    "id, uuid, account_id, list_id, options, state, size, position, line, total, added, changed, refused, errors, created_at,"   \
    " finished_at"

static void import_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct import *)item = (struct import){
        .id = stmt_int(s, 0),
        .uuid = row_uuid(s, 1),
        .account_id = stmt_int(s, 2),
        .list_id = stmt_int(s, 3),
        .options = row_text(s, a, 4),
        .state = (enum import_state)stmt_int(s, 5),
        .size_bytes = stmt_int(s, 6),
        .position = stmt_int(s, 7),
        .line = stmt_int(s, 8),
        .total = stmt_int(s, 9),
        .added = stmt_int(s, 10),
        .changed = stmt_int(s, 11),
        .refused = stmt_int(s, 12),
        .errors = row_text(s, a, 13),
        .created_at = stmt_int(s, 14),
        .finished_at = stmt_int(s, 15),
    };
}

static enum status add_chunk(struct db *tx, int64_t id, size_t at, struct str content) {
    struct stmt *s = db_stmt(tx, "INSERT INTO import_chunks (import_id, at, content) VALUES (?1, ?2, ?3)");
    STMT_BIND_INTS(s, 1, id, (int64_t)at);
    stmt_bind_blob(s, 3, content);
    return stmt_run(s);
}

enum status import_add(struct db *tx, const struct import *import, struct str content, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO imports (uuid, account_id, list_id, options, state, size, position, line, total, "
                                 "created_at) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING");
    stmt_bind_blob(s, 1, uuid_str(&import->uuid));
    STMT_BIND_INTS(s, 2, import->account_id, import->list_id);
    stmt_bind_text(s, 4, import->options);
    STMT_BIND_INTS(s, 5, (int64_t)content.n, import->position, import->line, import->total, import->created_at);
    int64_t id = 0;
    enum status st = stmt_insert(s, &id);
    for (size_t at = 0; st == STATUS_OK && at < content.n; at += IMPORT_CHUNK_BYTES)
        st = add_chunk(tx, id, at, str_sub(content, at, IMPORT_CHUNK_BYTES));
    if (st == STATUS_OK) *ret_id = id;
    return st;
}

enum status import_get(struct db *tx, struct arena *a, int64_t id, struct import *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " IMPORT_COLUMNS " FROM imports WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    return row_get(s, a, import_fill, ret);
}

enum status import_find(struct db *tx, struct arena *a, int64_t account_id, struct id uuid, struct import *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " IMPORT_COLUMNS " FROM imports WHERE uuid = ?1 AND account_id = ?2");
    stmt_bind_blob(s, 1, uuid_str(&uuid));
    stmt_bind_int(s, 2, account_id);
    return row_get(s, a, import_fill, ret);
}

enum status import_read(struct db *tx, int64_t id, int64_t position, struct buf *out) {
    struct stmt *s = db_stmt(tx, "SELECT at, content FROM import_chunks WHERE import_id = ?1 AND at > ?2 ORDER BY at LIMIT 2");
    enum status st;
    STMT_BIND_INTS(s, 1, id, position - (int64_t)IMPORT_CHUNK_BYTES);
    while ((st = stmt_step(s)) == STATUS_ROW) {
        int64_t at = stmt_int(s, 0);
        buf_add_str(out, str_sub(stmt_blob(s, 1), at < position ? (size_t)(position - at) : 0, SIZE_MAX));
    }
    return st;
}

enum status import_advance(struct db *tx, const struct import *import, int64_t seen_position) {
    struct stmt *s = db_stmt(tx, "UPDATE imports SET position = ?3, line = ?4, added = ?5, changed = ?6, refused = ?7, "
                                 "errors = ?8 WHERE id = ?1 AND position = ?2 AND state = 0");
    STMT_BIND_INTS(s, 1, import->id, seen_position, import->position, import->line, import->added, import->changed,
                   import->refused);
    stmt_bind_text(s, 8, import->errors);
    return row_change(tx, s);
}

enum status import_close(struct db *tx, int64_t id, enum import_state state, int64_t now) {
    struct stmt *s = db_stmt(tx, "UPDATE imports SET state = ?2, finished_at = ?3 WHERE id = ?1 AND state = 0");
    STMT_BIND_INTS(s, 1, id, state, now);
    enum status st = row_change(tx, s);
    if (st != STATUS_OK) return st;
    struct stmt *drop = db_stmt(tx, "DELETE FROM import_chunks WHERE import_id = ?1");
    stmt_bind_int(drop, 1, id);
    return stmt_run(drop);
}

enum status import_count_open(struct db *tx, int64_t account_id, int64_t *ret_count) {
    struct stmt *s = db_stmt(tx, "SELECT COUNT(*) FROM imports WHERE state = 0 AND account_id = ?1");
    stmt_bind_int(s, 1, account_id);
    return row_int(s, ret_count);
}

static void open_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct open_work *)item = (struct open_work){stmt_int(s, 0), stmt_int(s, 1)};
}

enum status import_open(struct db *tx, struct arena *a, int per_account, struct open_work_list *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT id, account_id FROM (SELECT id, account_id, ROW_NUMBER() OVER (PARTITION BY account_id "
                    "ORDER BY id) AS place FROM imports WHERE state = 0) AS o WHERE place <= ?1 ORDER BY place, id LIMIT ?2");
    STMT_BIND_INTS(s, 1, per_account, OPEN_WORK_MAX);
    return rows_collect(s, a, sizeof(struct open_work), open_fill, ret);
}
