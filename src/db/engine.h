/* engine.h - what db.c asks of an engine; inside the db room only.
 *
 * db.c keeps what both have in common: the cache of statements, bound values, checks of text, the broken transaction. An
 * engine turns that into calls of its library. Its structs begin with `struct db` and `struct stmt`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_DB_ENGINE_H
#define POSTHORN_DB_ENGINE_H

#include "base/map.h"
#include "db/db.h"

enum param_kind { PARAM_NULL, PARAM_INT, PARAM_TEXT, PARAM_BLOB };
struct param {
    enum param_kind kind;
    int64_t number;
    struct str bytes;
};

struct stmt {
    struct db *db;
    const char *sql;
    struct param *params;        /* grows as they are bound */
    int param_count, param_room; /* highest index bound */
    enum status refuse;          /* found while binding; answered by the step */
    bool is_running;             /* stepped and not yet reset */
    bool is_once;                /* sql is its own copy */
    bool is_insert;              /* of stmt_insert() */
    struct stmt *next;           /* in the cache's chain */
};

#define STMT_CHAINS 64
struct db {
    const struct db_engine *engine;
    struct stmt *chains[STMT_CHAINS]; /* by address of the SQL */
    struct stmt *once;                /* of this transaction alone */
    struct buf error;
    bool is_read_only;
    bool has_old_wal; /* set by open */
    bool in_tx;
    bool is_lost; /* set by the engine, for good */
    enum status broken;
    int64_t changes, total_changes;
    unsigned marks; /* of this transaction */
    struct db_late *late;
    struct map *memory; /* NULL: nothing was remembered yet */
    struct db_copy copy;
};

struct db_engine {
    bool is_sqlite;
    enum status (*open)(const struct db_options *options, struct buf *why, struct db **ret);
    void (*close)(struct db *db); /* frees it too; statements are gone by then */
    enum status (*begin)(struct db *db);
    enum status (*commit)(struct db *db); /* also when it fails nothing may be left open that a rollback does not end */
    void (*rollback)(struct db *db);
    enum status (*exec)(struct db *db, const char *sql);
    struct stmt *(*stmt_new)(struct db *db, const char *sql);
    void (*stmt_free)(struct stmt *s);
    enum status (*step)(struct stmt *s); /* the first one after a reset takes s->params */
    enum status (*insert)(struct stmt *s, bool *ret_is_new, int64_t *ret_id);
    void (*reset)(struct stmt *s);
    int64_t (*column_int)(struct stmt *s, int column);
    struct str (*column_bytes)(struct stmt *s, int column);
    bool (*column_is_null)(struct stmt *s, int column);
    enum status (*blob_start)(struct db *db, const struct db_blob *blob, size_t max, struct buf *out);
    int64_t (*wal_bytes)(const struct db *db);
    enum status (*checkpoint)(struct db *db, int wait_ms);
    enum status (*copy_begin)(struct db *db, const char *path);
    enum status (*copy_step)(struct db *db, int pages); /* ROW: there are more. Sets the pages of db->copy */
    void (*copy_end)(struct db *db, bool is_whole);     /* what is not leaves nothing behind */
};
extern const struct db_engine db_sqlite, db_pgsql;

/* Keep the engine's words for db_error. */
void db_set_error(struct db *db, const char *words);
/* ?1 -> $1 outside of quotes and comments, for PostgreSQL; SQL text is ours, so it is well-formed. */
void db_translate(struct buf *out, const char *sql);

#endif
