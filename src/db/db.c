/* db.c - what both engines have in common: the cache of statements, bound values, and the broken transaction.
 *
 * A statement is known by the address of its text, a literal in the code, and prepared once a connection. The first error
 * inside a transaction breaks it: from then on every statement answers with that error and a commit rolls back, so a caller
 * that overlooks one cannot commit half of its work (P7). One thread a connection; no lock.
 * SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"

#include "db/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum status db_open(const struct db_options *options, struct buf *why, struct db **ret) {
    BUF_AUTO ignored = {0};
    if (!why) why = &ignored;
    if (str_starts(options->url, STR("sqlite:"))) return db_sqlite.open(options, why, ret);
    if (str_starts(options->url, STR("postgresql://")) || str_starts(options->url, STR("postgres://")))
        return db_pgsql.open(options, why, ret);
    buf_add_z(why, "the database's url must begin with sqlite: or postgresql://");
    return STATUS_UNSUPPORTED;
}

static void free_all(struct db *db, struct stmt **chain) {
    while (*chain) {
        struct stmt *s = *chain;
        *chain = s->next;
        if (s->is_once) free((char *)(uintptr_t)s->sql);
        free(s->params);
        db->engine->stmt_free(s);
    }
}

void db_close(struct db **db) {
    if (!*db) return;
    db_rollback(*db);
    db_copy_cancel(*db);
    for (size_t i = 0; i < STMT_CHAINS; i++) free_all(*db, &(*db)->chains[i]);
    buf_fini(&(*db)->error);
    map_free(&(*db)->memory);
    (*db)->engine->close(*db);
    *db = NULL;
}

struct str db_error(const struct db *db) {
    return buf_str(&db->error);
}

void db_set_error(struct db *db, const char *words) {
    buf_reset(&db->error);
    buf_add_str(&db->error, str_trim(str_from_z(words)));
}

bool db_is_sqlite(const struct db *db) {
    return db->engine->is_sqlite;
}

bool db_has_old_wal(const struct db *db) {
    return db->has_old_wal;
}

int64_t db_changes(const struct db *db) {
    return db->changes;
}

int64_t db_total_changes(const struct db *db) {
    return db->total_changes;
}

int64_t db_wal_bytes(const struct db *db) {
    return db->engine->wal_bytes(db);
}

enum status db_checkpoint(struct db *db, int wait_ms) {
    assert(!db->in_tx);
    return db->engine->checkpoint(db, wait_ms);
}

enum status db_broken(const struct db *db) {
    return db->broken;
}

void db_mark(struct db *db, unsigned marks) {
    db->marks |= marks;
}

unsigned db_marks(const struct db *db) {
    return db->marks;
}

struct map *db_memory(struct db *db) {
    if (!db->memory) db->memory = map_new();
    return db->memory;
}

void db_add_late(struct db *db, struct db_late *late) {
    assert(db->in_tx);
    late->next = db->late;
    db->late = late;
}

struct db_late *db_find_late(const struct db *db, enum status (*write)(struct db_late *late, struct db *db)) {
    struct db_late *late = db->late;
    while (late && late->write != write) late = late->next;
    return late;
}

bool db_is_lost(const struct db *db) {
    return db->is_lost;
}

/* ---- transactions ---- */

enum status db_begin(struct db *db) {
    assert(!db->in_tx);
    enum status st = db->engine->begin(db);
    if (st != STATUS_OK) return st;
    db->in_tx = true;
    db->broken = STATUS_OK;
    db->marks = 0;
    return STATUS_OK;
}

/* A statement still running would hold up the end of its transaction. */
static void reset_all(struct db *db) {
    for (size_t i = 0; i < STMT_CHAINS; i++) {
        for (struct stmt *s = db->chains[i]; s; s = s->next) {
            if (!s->is_running) continue;
            db->engine->reset(s);
            s->is_running = false;
        }
    }
    free_all(db, &db->once);
}

static enum status write_late(struct db *db) {
    enum status st = STATUS_OK;
    for (struct db_late *late = db->late; late && st == STATUS_OK; late = late->next) st = late->write(late, db);
    return st;
}

static void forget_late(struct db *db) {
    while (db->late) {
        struct db_late *late = db->late;
        db->late = late->next;
        late->free(late);
    }
}

enum status db_commit(struct db *db) {
    assert(db->in_tx);
    enum status st = db->broken;
    if (st == STATUS_OK) st = write_late(db);
    if (st != STATUS_OK) {
        db_rollback(db);
        return st;
    }
    forget_late(db);
    reset_all(db);
    st = db->engine->commit(db);
    if (st == STATUS_OK)
        db->in_tx = false;
    else
        db_rollback(db);
    return st;
}

void db_rollback(struct db *db) {
    if (!db->in_tx) return;
    forget_late(db);
    reset_all(db);
    db->engine->rollback(db);
    db->in_tx = false;
    db->broken = STATUS_OK;
}

enum status db_exec(struct db *db, const char *sql) {
    if (db->broken != STATUS_OK) return db->broken;
    enum status st = db->engine->exec(db, sql);
    if (st != STATUS_OK && db->in_tx) db->broken = st;
    return st;
}

/* ---- statements ---- */

static struct stmt **chain_of(struct db *db, const char *sql) {
    return &db->chains[((uintptr_t)sql >> 4) % STMT_CHAINS];
}

static struct stmt *stmt_new(struct db *db, const char *sql, struct stmt **chain) {
    struct stmt *s = db->engine->stmt_new(db, sql);
    s->db = db;
    s->sql = sql;
    s->next = *chain;
    *chain = s;
    return s;
}

struct stmt *db_stmt(struct db *db, const char *sql) {
    struct stmt **chain = chain_of(db, sql);
    struct stmt *s = *chain;
    while (s && s->sql != sql) s = s->next;
    if (!s) s = stmt_new(db, sql, chain);
    if (s->is_running) db->engine->reset(s);
    s->is_running = false;
    s->refuse = STATUS_OK;
    for (int i = 0; i < s->param_count; i++) s->params[i].kind = PARAM_NULL;
    return s;
}

struct stmt *db_stmt_once(struct db *db, struct str sql) {
    assert(db->in_tx);
    char *copy = strndup(sql.p, sql.n);
    if (!copy) abort();
    struct stmt *s = stmt_new(db, copy, &db->once);
    s->is_once = true;
    return s;
}

static void make_room(struct stmt *s) {
    s->param_room = s->param_room ? s->param_room * 2 : 8;
    s->params = realloc(s->params, (size_t)s->param_room * sizeof *s->params);
    if (!s->params) abort();
}

static void bind(struct stmt *s, int i, struct param value) {
    assert(i >= 1 && i <= DB_PARAMS_MAX && !s->is_running);
    while (i > s->param_room) make_room(s);
    for (int k = s->param_count; k < i; k++) s->params[k] = (struct param){.kind = PARAM_NULL};
    s->params[i - 1] = value;
    if (i > s->param_count) s->param_count = i;
}

void stmt_bind_int(struct stmt *s, int i, int64_t v) {
    bind(s, i, (struct param){PARAM_INT, v, {NULL, 0}});
}

void stmt_bind_ints(struct stmt *s, int first, const int64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) stmt_bind_int(s, first + (int)i, values[i]);
}

void stmt_bind_text(struct stmt *s, int i, struct str v) {
    if (str_find(v, '\0') != STR_NONE || !str_is_utf8(v)) s->refuse = STATUS_INVALID;
    bind(s, i, (struct param){PARAM_TEXT, 0, v});
}

void stmt_bind_blob(struct stmt *s, int i, struct str v) {
    bind(s, i, (struct param){PARAM_BLOB, 0, v});
}

void stmt_bind_null(struct stmt *s, int i) {
    bind(s, i, (struct param){PARAM_NULL, 0, {NULL, 0}});
}

static enum status may_step(const struct stmt *s) {
    assert(s->db->in_tx);
    return s->db->broken != STATUS_OK ? s->db->broken : s->refuse;
}

static void end(struct stmt *s, enum status st) {
    s->db->engine->reset(s);
    s->is_running = false;
    if (st != STATUS_OK) s->db->broken = st;
}

enum status stmt_step(struct stmt *s) {
    enum status st = may_step(s);
    if (st != STATUS_OK) return st;
    s->is_running = true;
    st = s->db->engine->step(s);
    if (st != STATUS_ROW) end(s, st);
    return st;
}

enum status stmt_insert(struct stmt *s, int64_t *ret_id) {
    enum status st = may_step(s);
    if (st != STATUS_OK) return st;
    bool is_new = false;
    s->is_insert = true;
    st = s->db->engine->insert(s, &is_new, ret_id);
    end(s, st);
    return st == STATUS_OK && !is_new ? STATUS_EXISTS : st;
}

enum status stmt_run(struct stmt *s) {
    enum status st = stmt_step(s);
    assert(st != STATUS_ROW);
    return st;
}

int64_t stmt_int(struct stmt *s, int column) {
    return s->db->engine->column_int(s, column);
}

struct str stmt_text(struct stmt *s, int column) {
    return s->db->engine->column_bytes(s, column);
}

struct str stmt_blob(struct stmt *s, int column) {
    return s->db->engine->column_bytes(s, column);
}

bool stmt_is_null(struct stmt *s, int column) {
    return s->db->engine->column_is_null(s, column);
}

enum status db_blob_start(struct db *db, const struct db_blob *blob, size_t max, struct buf *out) {
    assert(db->in_tx);
    if (db->broken != STATUS_OK) return db->broken;
    enum status st = db->engine->blob_start(db, blob, max, out);
    if (st != STATUS_OK) db->broken = st;
    return st;
}

/* ---- a copy ---- */

enum status db_copy_begin(struct db *db, const char *path) {
    if (db->copy.is_open) return STATUS_EXISTS;
    enum status st = db->engine->copy_begin(db, path);
    if (st == STATUS_OK) db->copy = (struct db_copy){.is_open = true};
    return st;
}

static void end_copy(struct db *db, enum status st) {
    db->engine->copy_end(db, st == STATUS_OK);
    db->copy.is_open = false;
    db->copy.status = st;
}

void db_copy_step(struct db *db, int pages) {
    assert(!db->in_tx);
    enum status st = db->copy.is_open ? db->engine->copy_step(db, pages) : STATUS_ROW;
    if (st != STATUS_ROW) end_copy(db, st);
}

void db_copy_cancel(struct db *db) {
    if (db->copy.is_open) end_copy(db, STATUS_CANCELLED);
}

struct db_copy db_copy_state(const struct db *db) {
    return db->copy;
}
