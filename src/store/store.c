/* store.c - the database made ready for the process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "store/migrate.h"
#include "store/rows.h"

static enum status file_bytes(struct db *db, int64_t *ret) {
    struct stmt *s = db_stmt(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    return row_int(s, ret);
}

static enum status quick_check(struct db *db, struct buf *why) {
    int64_t bytes = 0;
    enum status st = file_bytes(db, &bytes);
    if (st != STATUS_OK || bytes > STORE_QUICK_CHECK_BYTES) return st;
    struct stmt *s = db_stmt(db, "PRAGMA quick_check(1)");
    st = row_first(s);
    if (st != STATUS_OK || str_eq(stmt_text(s, 0), STR("ok"))) return st;
    buf_add_str(why, stmt_text(s, 0));
    return STATUS_CORRUPT;
}

static enum status check(struct db *db, struct buf *why) {
    if (!db_has_old_wal(db)) return STATUS_OK; /* closed properly */
    enum status st = db_begin(db);
    if (st != STATUS_OK) {
        buf_add_str(why, db_error(db));
        return st == STATUS_CONFLICT ? STATUS_TEMPORARY : st;
    }
    st = quick_check(db, why);
    if (st != STATUS_OK && why->n == 0) buf_add_str(why, db_error(db));
    db_rollback(db);
    return st;
}

static enum status migrate_engine(struct db *db, struct buf *why) {
    if (db_is_sqlite(db)) return migrate(db, migrations_sqlite, migrations_sqlite_count, why);
    return migrate(db, migrations_pgsql, migrations_pgsql_count, why);
}

enum status store_open(struct str url, struct buf *why) {
    struct db *db = NULL;
    enum status st = db_open(&(struct db_options){.url = url}, why, &db);
    if (st == STATUS_OK) st = check(db, why);
    if (st == STATUS_OK) st = migrate_engine(db, why);
    db_close(&db);
    if (st == STATUS_CORRUPT) buf_add_z(why, " (the database is damaged: restore a backup, or ask sqlite3 to .recover it)");
    return st;
}
