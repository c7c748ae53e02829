/* db_pgsql.c - the engine for a database server: PostgreSQL through libpq, one statement a round trip.
 *
 * Statements are prepared at their first step, with the types of the values bound then: numbers int8, text, bytes bytea,
 * and NULL left to the server. Values and rows travel in binary. Transactions are REPEATABLE READ: a snapshot for readers, 40001
 * for two writers of one row.
 *
 * A lost connection: before COMMIT was sent the server rolls back, TEMPORARY, and the next db_begin connects again. While COMMIT
 * is under way: UNKNOWN (CR11). A warning beside COMMIT says that a wait for the synchronous standby was cancelled: committed
 * here, perhaps not there, so UNKNOWN as well (CR21).
 * SPDX-License-Identifier: Apache-2.0 */
#include "db/engine.h"

#include <assert.h>
#include <endian.h>
#include <libpq-fe.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* pg_type.h of the server; stable numbers of its protocol. */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

struct db_pg {
    struct db base;
    PGconn *conn;
    struct buf url;
    int64_t life; /* raised by each connect: what was prepared in an older one is gone */
    int64_t prepared_count;
    bool was_warned;
    bool is_unfit; /* the server takes no writes any more: connect again, perhaps to the new primary (CR12) */
};
struct stmt_pg {
    struct stmt base;
    int64_t life;
    char name[24];
    PGresult *result;
    int row, row_count; /* row: the current one */
};

static struct db_pg *pg(struct db *db) {
    return (struct db_pg *)(void *)db;
}

static struct stmt_pg *own(struct stmt *s) {
    return (struct stmt_pg *)(void *)s;
}

static const struct {
    const char *sqlstate; /* prefix */
    enum status status;
} meanings[] = {
    {"23505", STATUS_EXISTS},    {"40001", STATUS_CONFLICT},
    {"40P01", STATUS_CONFLICT},  {"08", STATUS_TEMPORARY}, /* connection */
    {"25006", STATUS_TEMPORARY},                           /* read-only: a standby answered (CR12) */
    {"53", STATUS_TEMPORARY},                              /* no disk, memory, connections */
    {"55P03", STATUS_TEMPORARY},                           /* lock not available */
    {"57", STATUS_TEMPORARY},                              /* shut down, starting up, cancelled */
    {"22021", STATUS_INVALID},   {"22P05", STATUS_INVALID},
    {"XX001", STATUS_CORRUPT},   {"XX002", STATUS_CORRUPT},
};

static bool is_lost(struct db *db) {
    return PQstatus(pg(db)->conn) != CONNECTION_OK;
}

static enum status note(struct db *db, const PGresult *result) {
    ExecStatusType kind = PQresultStatus(result);
    if (kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK) return STATUS_OK;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    db_set_error(db, result ? PQresultErrorMessage(result) : PQerrorMessage(pg(db)->conn));
    if (state && strcmp(state, "25006") == 0) pg(db)->is_unfit = !db->is_read_only;
    for (size_t i = 0; state && i < sizeof meanings / sizeof meanings[0]; i++)
        if (strncmp(state, meanings[i].sqlstate, strlen(meanings[i].sqlstate)) == 0) return meanings[i].status;
    return is_lost(db) ? STATUS_TEMPORARY : STATUS_IO;
}

static enum status pg_exec(struct db *db, const char *sql) {
    PGresult *result = PQexec(pg(db)->conn, sql);
    enum status st = note(db, result);
    PQclear(result);
    return st;
}

/* ---- connecting ---- */

static void on_notice(void *arg, const PGresult *result) {
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && strcmp(severity, "WARNING") == 0) ((struct db_pg *)arg)->was_warned = true;
}

static bool setting_is(struct db *db, const char *show, const char *wanted) {
    PGresult *result = PQexec(pg(db)->conn, show);
    bool yes = PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), wanted) == 0;
    PQclear(result);
    return yes;
}

/* A server that acknowledges commits it may lose is none for us (P1). */
static enum status pg_setup(struct db *db) {
    PQsetNoticeReceiver(pg(db)->conn, on_notice, db);
    enum status st = pg_exec(db, "SET synchronous_commit = on");
    if (st == STATUS_OK && db->is_read_only) st = pg_exec(db, "SET default_transaction_read_only = on");
    if (st != STATUS_OK) return st;
    if (!setting_is(db, "SHOW fsync", "on") || !setting_is(db, "SHOW full_page_writes", "on")) {
        db_set_error(db, "the server runs with fsync or full_page_writes off: it would lose acknowledged mail");
        return STATUS_UNSUPPORTED;
    }
    return STATUS_OK;
}

static enum status pg_connect(struct db *db) {
    static const char *const keys[] = {"connect_timeout",  "application_name", "keepalives_idle", "keepalives_interval",
                                       "tcp_user_timeout", "dbname",           "client_encoding", NULL};
    const char *const values[] = {"5", "posthorn", "30", "10", "60000", pg(db)->url.p, "UTF8", NULL};
    PQfinish(pg(db)->conn);
    pg(db)->conn = PQconnectdbParams(keys, values, 1);
    pg(db)->life++;
    pg(db)->is_unfit = false;
    if (is_lost(db)) {
        db_set_error(db, PQerrorMessage(pg(db)->conn));
        return STATUS_TEMPORARY;
    }
    return pg_setup(db);
}

static enum status pg_open(const struct db_options *options, struct buf *why, struct db **ret) {
    struct db_pg *db = calloc(1, sizeof *db);
    if (!db) abort();
    db->base.engine = &db_pgsql;
    db->base.is_read_only = options->read_only;
    buf_add_str(&db->url, options->url);
    enum status st = pg_connect(&db->base);
    if (st != STATUS_OK) {
        buf_add_str(why, db_error(&db->base)); /* libpq never repeats a password */
        struct db *failed = &db->base;
        db_close(&failed);
        return st;
    }
    *ret = &db->base;
    return STATUS_OK;
}

static void pg_close(struct db *db) {
    PQfinish(pg(db)->conn);
    buf_wipe(&pg(db)->url);
    free(db);
}

/* ---- transactions ---- */

static enum status pg_begin(struct db *db) {
    static const char begin[] = "BEGIN ISOLATION LEVEL REPEATABLE READ";
    if (!is_lost(db) && !pg(db)->is_unfit) {
        enum status st = pg_exec(db, begin);
        if (!is_lost(db)) return st;
    }
    enum status st = pg_connect(db);
    return st == STATUS_OK ? pg_exec(db, begin) : st;
}

static enum status pg_commit(struct db *db) {
    pg(db)->was_warned = false;
    PGresult *result = PQexec(pg(db)->conn, "COMMIT");
    enum status st = note(db, result);
    bool is_rolled_back = st == STATUS_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0;
    PQclear(result);
    if (is_lost(db)) return STATUS_UNKNOWN;
    if (st == STATUS_OK && pg(db)->was_warned) return STATUS_UNKNOWN;
    return is_rolled_back ? STATUS_IO : st;
}

static void pg_rollback(struct db *db) {
    if (!is_lost(db) && PQtransactionStatus(pg(db)->conn) != PQTRANS_IDLE) (void)!pg_exec(db, "ROLLBACK");
}

/* ---- statements ---- */

static struct stmt *pg_stmt_new(struct db *db, const char *sql) {
    struct stmt_pg *s = calloc(1, sizeof *s);
    if (!s) abort();
    (void)sql;
    snprintf(s->name, sizeof s->name, "s%lld", (long long)++pg(db)->prepared_count);
    return &s->base;
}

static void pg_reset(struct stmt *s) {
    PQclear(own(s)->result);
    own(s)->result = NULL;
}

static void pg_stmt_free(struct stmt *s) {
    pg_reset(s);
    free(s);
}

static enum status pg_prepare(struct stmt *s) {
    static const Oid types[] = {[PARAM_NULL] = 0, [PARAM_INT] = OID_INT8, [PARAM_TEXT] = OID_TEXT, [PARAM_BLOB] = OID_BYTEA};
    if (own(s)->life == pg(s->db)->life && !s->is_once) return STATUS_OK;
    if (s->is_once) own(s)->name[0] = '\0'; /* the server's unnamed one, which the next takes the place of */
    Oid oids[DB_PARAMS_MAX];
    for (int i = 0; i < s->param_count; i++) oids[i] = types[s->params[i].kind];
    BUF_AUTO sql = {0};
    db_translate(&sql, s->sql);
    if (s->is_insert) buf_add_z(&sql, " RETURNING id");
    PGresult *result = PQprepare(pg(s->db)->conn, own(s)->name, sql.p, s->param_count, oids);
    enum status st = note(s->db, result);
    PQclear(result);
    if (st == STATUS_OK) own(s)->life = pg(s->db)->life;
    return st;
}

static enum status pg_execute(struct stmt *s) {
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX], formats[DB_PARAMS_MAX];
    int64_t numbers[DB_PARAMS_MAX];
    for (int i = 0; i < s->param_count; i++) {
        const struct param *p = &s->params[i];
        if (p->bytes.n > INT_MAX) return STATUS_INVALID;
        formats[i] = 1;
        numbers[i] = (int64_t)htobe64((uint64_t)p->number);
        values[i] = p->bytes.p ? p->bytes.p : "";
        lengths[i] = (int)p->bytes.n;
        if (p->kind == PARAM_NULL) values[i] = NULL;
        if (p->kind == PARAM_INT) values[i] = (const char *)&numbers[i], lengths[i] = sizeof numbers[i];
    }
    own(s)->result = PQexecPrepared(pg(s->db)->conn, own(s)->name, s->param_count, values, lengths, formats, 1);
    return note(s->db, own(s)->result);
}

static void note_changes(struct stmt *s) {
    uint64_t n = 0;
    if (strncmp(PQcmdStatus(own(s)->result), "SELECT", 6) == 0) return;
    if (!str_to_u64(str_from_z(PQcmdTuples(own(s)->result)), &n)) return;
    s->db->changes = (int64_t)n;
    s->db->total_changes += (int64_t)n;
}

static enum status pg_step(struct stmt *s) {
    struct stmt_pg *o = own(s);
    if (!o->result) {
        enum status st = pg_prepare(s);
        if (st == STATUS_OK) st = pg_execute(s);
        if (st != STATUS_OK) return st;
        note_changes(s);
        o->row = -1;
        o->row_count = PQntuples(o->result);
    }
    return ++o->row < o->row_count ? STATUS_ROW : STATUS_OK;
}

static int64_t pg_int(struct stmt *s, int column) {
    uint64_t be = 0;
    const struct stmt_pg *o = own(s);
    if (PQgetisnull(o->result, o->row, column)) return 0;
    assert(PQgetlength(o->result, o->row, column) == sizeof be); /* every number of the schema is a BIGINT */
    memcpy(&be, PQgetvalue(o->result, o->row, column), sizeof be);
    return (int64_t)be64toh(be);
}

static struct str pg_bytes(struct stmt *s, int column) {
    const struct stmt_pg *o = own(s);
    return str_make(PQgetvalue(o->result, o->row, column), (size_t)PQgetlength(o->result, o->row, column));
}

static bool pg_is_null(struct stmt *s, int column) {
    return PQgetisnull(own(s)->result, own(s)->row, column);
}

static enum status pg_insert(struct stmt *s, bool *ret_is_new, int64_t *ret_id) {
    enum status st = pg_step(s);
    if (st != STATUS_ROW) return st;
    *ret_is_new = true;
    *ret_id = pg_int(s, 0);
    return STATUS_OK;
}

static enum status pg_blob_start(struct db *db, const struct db_blob *blob, size_t max, struct buf *out) {
    BUF_AUTO sql = {0};
    buf_addf(&sql, "SELECT substring(%s FROM 1 FOR %zu) FROM %s WHERE %s = %lld", blob->column, max, blob->table, blob->key,
             (long long)blob->id);
    PGresult *result = PQexecParams(pg(db)->conn, sql.p, 0, NULL, NULL, NULL, NULL, 1);
    enum status st = note(db, result);
    if (st == STATUS_OK && PQntuples(result) != 1) st = STATUS_CORRUPT;
    if (st == STATUS_OK) buf_add(out, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
    PQclear(result);
    return st;
}

/* ---- no WAL of ours ---- */

static enum status pg_copy_begin(struct db *db, const char *path) {
    (void)path;
    db_set_error(db, "PostgreSQL copies itself: pg_dump, pg_basebackup, or an archive of its WAL");
    return STATUS_UNSUPPORTED;
}

static int64_t pg_wal_bytes(const struct db *db) {
    (void)db;
    return 0;
}

static enum status pg_checkpoint(struct db *db, int wait_ms) {
    (void)db, (void)wait_ms;
    return STATUS_OK;
}

const struct db_engine db_pgsql = {
    .is_sqlite = false,
    .open = pg_open,
    .close = pg_close,
    .begin = pg_begin,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .exec = pg_exec,
    .stmt_new = pg_stmt_new,
    .stmt_free = pg_stmt_free,
    .step = pg_step,
    .insert = pg_insert,
    .reset = pg_reset,
    .column_int = pg_int,
    .column_bytes = pg_bytes,
    .column_is_null = pg_is_null,
    .blob_start = pg_blob_start,
    .wal_bytes = pg_wal_bytes,
    .checkpoint = pg_checkpoint,
    .copy_begin = pg_copy_begin,
};
