/* db.h - the one SQL seam: a connection, cached statements, a transaction. db_sqlite.c and db_pgsql.c stand behind it.
 *
 * SQL is written once, for both engines, with ?1 ?2 parameters (translated to $1 for PostgreSQL; never $1 or :name in the text)
 * and `RETURNING`; only DDL differs (migrations/sqlite, migrations/pgsql). A connection belongs to one thread. SQLite: WAL,
 * synchronous=FULL, wal_autocheckpoint=0 everywhere, one writing connection. No savepoints.
 *
 * Errors: STATUS_CONFLICT definite abort, run the transaction again whole; STATUS_EXISTS a unique constraint; STATUS_TEMPORARY no
 * room, or no server; STATUS_CORRUPT a damaged file; STATUS_IO the rest; STATUS_UNKNOWN only from db_commit: the process must
 * stop (P7). After any of them the transaction is broken, on both engines alike: every further statement answers the same error,
 * nothing of it will stand, and db_rollback ends it. (SQLite by itself would go on in autocommit after a full disk.)
 * STATUS_INVALID (a text with NUL or broken UTF-8) is found before the engine is asked, and breaks nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_DB_DB_H
#define POSTHORN_DB_DB_H

#include "base/buf.h"
#include "base/map.h"
#include "base/status.h"

struct db;
struct stmt;

#define DB_PARAMS_MAX 80

struct db_options {
    struct str url; /* "sqlite:/path/posthorn.db" or "postgresql://..." */
    bool read_only; /* a reader: SQLite query_only, PostgreSQL default_transaction_read_only */
};
/* On failure *why (may be NULL) gets one line. UNSUPPORTED: an unknown kind of url, or a server set up to lose data. */
WARN_UNUSED enum status db_open(const struct db_options *options, struct buf *why, struct db **ret);
void db_close(struct db **db);
/* Words of the engine's last error, for a log line; valid until the next call. */
struct str db_error(const struct db *db);
bool db_is_sqlite(const struct db *db);
/* SQLite: a WAL with bytes in it was there when this connection opened, so whoever wrote last was killed, or writes still.
 * PostgreSQL: false; its server recovers by itself. */
bool db_has_old_wal(const struct db *db);

/* Snapshot or write transaction. A reader's begin is deferred, a writer's takes the write lock. */
WARN_UNUSED enum status db_begin(struct db *db);
WARN_UNUSED enum status db_commit(struct db *db);
/* Never fails; safe without a transaction. */
void db_rollback(struct db *db);
/* An error of the engine broke the transaction: STATUS_OK, or which. */
enum status db_broken(const struct db *db);
/* SQLite: a read, write or sync failed on this connection, or the file is damaged. Nothing may be written any more (the process
 * is to stop, P7), and closing does not checkpoint. PostgreSQL: never; its server judges its own disk. */
bool db_is_lost(const struct db *db);
/* Bits that the transaction leaves for whoever commits it (store/writer.h); begin clears them. */
void db_mark(struct db *db, unsigned marks);
unsigned db_marks(const struct db *db);
/* What a transaction gathers in memory and writes once, at its end (store/rollup.h). Begins its owner's struct. `write` runs in
 * db_commit, before the engine's own; what it answers but OK is what the commit answers, and nothing stands. `free` runs when the
 * transaction is over, however it ended. */
struct db_late {
    enum status (*write)(struct db_late *late, struct db *db);
    void (*free)(struct db_late *late);
    struct db_late *next; /* db.c's */
};
void db_add_late(struct db *db, struct db_late *late);
/* The one of this transaction that is written so; NULL: none was added. */
struct db_late *db_find_late(const struct db *db, enum status (*write)(struct db_late *late, struct db *db));
/* What is known of the database without asking it, for as long as the connection lives: rollbacks change nothing, so it may only
 * say what could be. Empty at first; lives in the connection, which owns no values. */
struct map *db_memory(struct db *db);

/* Statement for `sql`, a string literal: prepared once per connection (found by address), reset and unbound at each call.
 * Runs inside a transaction only. At most DB_PARAMS_MAX parameters; a parameter's kind never changes.
 * Not freed by the caller. A failure to prepare is remembered and comes out of stmt_step. */
struct stmt *db_stmt(struct db *db, const char *sql);
/* The same for a text put together at run time from constants (values are parameters there too): copied, and forgotten with the
 * end of the transaction. */
struct stmt *db_stmt_once(struct db *db, struct str sql);
/* Run SQL text that is not cached and has no parameters and no rows; several statements allowed (migrations, PRAGMA). Inside a
 * transaction an error breaks it like any other. */
WARN_UNUSED enum status db_exec(struct db *db, const char *sql);
/* Rows changed by the last INSERT, UPDATE or DELETE. */
int64_t db_changes(const struct db *db);
/* The same, summed up since db_open. */
int64_t db_total_changes(const struct db *db);
/* Bytes of the WAL as of the last commit; 0 on PostgreSQL. */
int64_t db_wal_bytes(const struct db *db);
/* SQLite: move the WAL into the file (writer, outside a transaction), as far as readers allow; with wait_ms > 0 wait for
 * them that long and then cut the WAL to nothing. PostgreSQL: nothing. STATUS_TEMPORARY: a reader holds it up, or no room.
 * STATUS_IO: a write or sync failed; the process must stop, for a failed sync must not be tried again. */
WARN_UNUSED enum status db_checkpoint(struct db *db, int wait_ms);

/* Bind parameter `i` (1-based), or the numbers from `first` on. Text must be UTF-8 without NUL (else step answers
 * STATUS_INVALID, both engines alike). Bytes must stay valid until the step. */
void stmt_bind_int(struct stmt *s, int i, int64_t v);
void stmt_bind_ints(struct stmt *s, int first, const int64_t *values, size_t count);
#define STMT_BIND_INTS(s, first, ...)                                                                                            \
    stmt_bind_ints((s), (first), (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
void stmt_bind_text(struct stmt *s, int i, struct str v);
void stmt_bind_blob(struct stmt *s, int i, struct str v);
void stmt_bind_null(struct stmt *s, int i);
/* STATUS_ROW: a row is there. STATUS_OK: no (more) row. Else an error. */
WARN_UNUSED enum status stmt_step(struct stmt *s);
/* Step a statement that gives no rows. */
WARN_UNUSED enum status stmt_run(struct stmt *s);
/* Run an INSERT of at most one row into a table with an `id`, and give that row's; EXISTS when ON CONFLICT DO NOTHING did
 * nothing. (For RETURNING, SQLite makes and drops a table each time, which takes longer than the insert.) */
WARN_UNUSED enum status stmt_insert(struct stmt *s, int64_t *ret_id);
/* Columns, 0-based, of the current row; slices are valid until the next step or db_stmt of the same SQL. */
int64_t stmt_int(struct stmt *s, int column);
struct str stmt_text(struct stmt *s, int column);
struct str stmt_blob(struct stmt *s, int column);
bool stmt_is_null(struct stmt *s, int column);

/* A blob by the primary key of its row. */
struct db_blob {
    const char *table, *key, *column; /* names of the schema */
    int64_t id;
};
/* Append its first `max` bytes (all, if it has fewer) to out, without reading the others. Inside a transaction, and the row is
 * known to be there: else that is an error of the engine. */
WARN_UNUSED enum status db_blob_start(struct db *db, const struct db_blob *blob, size_t max, struct buf *out);

/* A copy of the database while it is used (SQLite). Page by page on the connection that writes, which writes what it commits
 * meanwhile into the copy as well: so what is in the copy when it is whole is the database of that moment, and no snapshot keeps
 * the WAL from being moved. It has its name only when db_copy_finish gave it; until then ".part" is behind it. PostgreSQL:
 * UNSUPPORTED; its own tools do that. */
#define DB_PAGE_BYTES 4096
#define DB_COPY_PART  ".part"
struct db_copy {
    bool is_open;              /* begun, and not at its end */
    enum status status;        /* of the last one: OK it is all written, CANCELLED, or what failed */
    int64_t pages, left_pages; /* as of its last step */
};
/* What a copy that was killed left behind is replaced, nothing else; one that fails or is cancelled leaves nothing. EXISTS: there
 * is one under way. TEMPORARY: no place. */
WARN_UNUSED enum status db_copy_begin(struct db *db, const char *path);
/* Outside a transaction: so many pages more. Nothing without a copy under way. A copy that fails leaves the database well. */
void db_copy_step(struct db *db, int pages);
void db_copy_cancel(struct db *db);
struct db_copy db_copy_state(const struct db *db);
/* Sync one that is all written, and give it its name. Takes as long as the disk does, so on no thread that somebody waits for. */
WARN_UNUSED enum status db_copy_finish(const char *path);

#endif
