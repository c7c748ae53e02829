/* migrate.c - bring a schema up to date, in one transaction: a kill anywhere leaves the old one.
 *
 * A migration's row holds its name and a sum of its text, so that a schema of a program before the first release, or of
 * somebody's own changes, is refused at start and not stumbled over by the first statement that misses a column.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/migrate.h"

#include "base/clock.h"
#include "store/rows.h"

/* Small, and not to be made again; queue, bodies and events are neither. */
static const char *const small_tables[] = {"nodes", "accounts", "user_keys", "domains", "dkim_keys", "sender_keys"};

static enum status current_version(struct db *db, int64_t *ret) {
    enum status st = db_exec(db, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL, "
                                 "applied_at BIGINT NOT NULL)");
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(db, "SELECT coalesce(max(version), 0) FROM schema_version");
    st = row_first(s);
    if (st == STATUS_OK) *ret = stmt_int(s, 0);
    return st;
}

static enum status backup(struct db *db) {
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < sizeof small_tables / sizeof small_tables[0]; i++) {
        const char *table = small_tables[i];
        BUF_AUTO sql = {0};
        buf_addf(&sql, "DROP TABLE IF EXISTS backup_%s; CREATE TABLE backup_%s AS SELECT * FROM %s", table, table, table);
        st = db_exec(db, sql.p);
    }
    return st;
}

/* "start 5f1d...": FNV-1a of the text, which keeps nobody out and tells any two texts apart. */
static void write_label(const struct migration *m, struct buf *out) {
    uint64_t sum = 0xcbf29ce484222325;
    for (const char *p = m->sql; *p; p++) sum = (sum ^ (uint8_t)*p) * 0x100000001b3;
    buf_addf(out, "%s %016llx", m->name, (unsigned long long)sum);
}

/* Are the migrations that the database says it has the ones that we know? */
static enum status check_known(struct db *db, const struct migration *migrations, int64_t version, struct buf *why) {
    struct stmt *s = db_stmt(db, "SELECT version, name FROM schema_version ORDER BY version");
    enum status st;
    while ((st = stmt_step(s)) == STATUS_ROW) {
        BUF_AUTO label = {0};
        int64_t number = stmt_int(s, 0);
        if (number >= 1 && number <= version) write_label(&migrations[number - 1], &label);
        if (str_eq(stmt_text(s, 1), buf_str(&label))) continue;
        buf_addf(
            why,
            "the database was made by another build of this program, before its schema %lld was final, and cannot be used by "
            "this one: run the build that made it, or begin with an empty database",
            (long long)number);
        return STATUS_UNSUPPORTED;
    }
    return st;
}

static enum status apply(struct db *db, const struct migration *m) {
    BUF_AUTO label = {0};
    write_label(m, &label);
    enum status st = db_exec(db, m->sql);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(db, "INSERT INTO schema_version (version, name, applied_at) VALUES (?1, ?2, ?3)");
    stmt_bind_int(s, 1, m->version);
    stmt_bind_text(s, 2, buf_str(&label));
    stmt_bind_int(s, 3, clock_wall_ms(clock_system()));
    return stmt_run(s);
}

static enum status apply_missing(struct db *db, const struct migration *migrations, size_t count, struct buf *why) {
    int64_t version = 0;
    enum status st = current_version(db, &version);
    if (st == STATUS_OK && version > (int64_t)count) {
        buf_addf(why, "the database has schema %lld, this program knows %zu: it was used by a newer one", (long long)version,
                 count);
        return STATUS_UNSUPPORTED;
    }
    if (st == STATUS_OK) st = check_known(db, migrations, version, why);
    if (st == STATUS_OK && version > 0 && version < (int64_t)count) st = backup(db);
    for (size_t i = (size_t)version; st == STATUS_OK && i < count; i++) {
        st = apply(db, &migrations[i]);
        if (st != STATUS_OK) buf_addf(why, "migration %d (%s): ", migrations[i].version, migrations[i].name);
    }
    return st;
}

/* PostgreSQL: one at a time, taken before the transaction so that its snapshot sees what the one before us did; it goes with the
 * connection. SQLite: the write lock of BEGIN IMMEDIATE does it. */
static enum status lock(struct db *db) {
    return db_is_sqlite(db) ? STATUS_OK : db_exec(db, "SELECT pg_advisory_lock(5876100427)");
}

enum status migrate(struct db *db, const struct migration *migrations, size_t count, struct buf *why) {
    enum status st = lock(db);
    if (st == STATUS_OK) st = db_begin(db);
    if (st == STATUS_OK) st = apply_missing(db, migrations, count, why);
    if (st == STATUS_OK) st = db_commit(db);
    if (st != STATUS_OK && st != STATUS_UNSUPPORTED) buf_add_str(why, db_error(db));
    db_rollback(db);
    if (st == STATUS_CONFLICT) return STATUS_TEMPORARY; /* another process writes */
    return st == STATUS_UNKNOWN ? STATUS_IO : st;       /* the next start sees which schema it is */
}
