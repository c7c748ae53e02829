/* restored.c - see restored.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/restored.h"

#include "db/migrations.h"
#include "store/rows.h"

/* ---- numbers ---- */

/* A table from which nothing was taken yet has no row there. */
static enum status skip_sqlite(struct db *tx) {
    enum status status = stmt_run(db_stmt(tx, "INSERT INTO sqlite_sequence (name, seq) SELECT name, 0 FROM sqlite_schema "
                                              "WHERE type = 'table' AND instr(sql, 'AUTOINCREMENT') > 0 "
                                              "AND name NOT IN (SELECT name FROM sqlite_sequence)"));
    if (status != STATUS_OK) return status;
    struct stmt *s = db_stmt(tx, "UPDATE sqlite_sequence SET seq = seq + ?1");
    stmt_bind_int(s, 1, RESTORED_GAP);
    return stmt_run(s);
}

static enum status skip_pgsql(struct db *tx) {
    struct stmt *s = db_stmt(tx, "SELECT setval(CAST(format('%I.%I', schemaname, sequencename) AS regclass), "
                                 "COALESCE(last_value, 0) + ?1) FROM pg_sequences WHERE schemaname = current_schema()");
    stmt_bind_int(s, 1, RESTORED_GAP);
    enum status status;
    do {
        status = stmt_step(s);
    } while (status == STATUS_ROW);
    return status;
}

enum status restored_skip_numbers(struct db *tx) {
    enum status status = db_is_sqlite(tx) ? skip_sqlite(tx) : skip_pgsql(tx);
    if (status != STATUS_OK) return status;
    struct stmt *s =
        db_stmt(tx, "UPDATE event_ids SET last = last + ?1"); /* events have numbers of their own (store/event_ids.h) */
    stmt_bind_int(s, 1, RESTORED_GAP);
    return stmt_run(s);
}

enum status restored_newest(struct db *tx, int64_t *ret_at) {
    struct stmt *s = db_stmt(tx, "SELECT created_at FROM messages ORDER BY id DESC LIMIT 1");
    *ret_at = 0;
    enum status status = row_int(s, ret_at);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- a copy looked at ---- */

static enum status check_pages(struct db *db, struct buf *why) {
    struct stmt *s = db_stmt(db, "PRAGMA quick_check(1)");
    enum status status = row_first(s);
    if (status != STATUS_OK) return status;
    if (str_eq(stmt_text(s, 0), STR("ok"))) return STATUS_OK;
    buf_add_str(why, stmt_text(s, 0));
    return STATUS_CORRUPT;
}

static enum status check_version(struct db *db, struct buf *why) {
    int64_t version = 0;
    enum status status = row_none(db_stmt(db, "SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'"));
    if (status == STATUS_OK) {
        buf_add_z(why, "this is no database of posthorn's, or not the whole of one");
        return STATUS_UNSUPPORTED;
    }
    if (status == STATUS_EXISTS) status = row_int(db_stmt(db, "SELECT max(version) FROM schema_version"), &version);
    if (status != STATUS_OK || version <= (int64_t)migrations_sqlite_count) return status;
    buf_add_z(why, "it is a newer program's");
    return STATUS_UNSUPPORTED;
}

enum status restored_check(struct str url, struct buf *why) {
    struct db *db = NULL;
    if (!str_starts(url, STR("sqlite:"))) {
        buf_add_z(why, "only copies in a file can be checked");
        return STATUS_UNSUPPORTED;
    }
    enum status status = db_open(&(struct db_options){.url = url}, why, &db);
    if (status == STATUS_OK) status = db_begin(db);
    if (status == STATUS_OK) status = check_version(db, why);
    if (status == STATUS_OK) status = check_pages(db, why);
    if (status != STATUS_OK && db && why->n == 0) buf_add_str(why, db_error(db));
    db_close(&db);
    return status;
}
