/* db_sqlite.c - the engine for one machine: SQLite in WAL mode, every commit synced.
 *
 * One connection writes and checkpoints (nobody else: wal_autocheckpoint=0, and readers don't checkpoint when they close);
 * readers are query_only and see snapshots. No mmap: an I/O error must be a status, not a SIGBUS.
 *
 * The gateway stands in its data folder and opens the bare name, for after dropping root it may not be able to walk the path to
 * it; SQLite's own full name of a bare one needs that walk, so the VFS "posthorn" takes the name as it is where the walk fails.
 *
 * What COMMIT's failures mean (P7). SQLITE_FULL: the frames did not fit, so no commit mark is whole on disk: definite.
 * SQLITE_BUSY: did not begin: definite. SQLITE_IOERR: a write or a sync failed somewhere around the commit mark, and what the
 * disk kept nobody knows: UNKNOWN. An I/O error or damage anywhere else leaves the connection lost (db_is_lost): a page read
 * wrongly or a WAL half written is nothing to build the next commit on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "db/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SWITCH_AGAIN_NS 10000000 /* 10 ms */
#define BUSY_TIMEOUT_MS 10000    /* recovery at open, a schema change; never in normal running */

struct db_lite {
    struct db base;
    sqlite3 *handle;
    int wal_pages;
    sqlite3 *copy; /* being made; NULL: none is */
    sqlite3_backup *copying;
    struct buf copy_path; /* its name when it is whole; until then ".part" is behind it */
};
struct stmt_lite {
    struct stmt base;
    sqlite3_stmt *handle;
};

static struct db_lite *lite(struct db *db) {
    return (struct db_lite *)(void *)db;
}

static sqlite3_stmt *handle_of(struct stmt *s) {
    return ((struct stmt_lite *)(void *)s)->handle;
}

static const struct {
    int code; /* primary result code */
    enum status status;
} meanings[] = {
    {SQLITE_OK, STATUS_OK},           {SQLITE_DONE, STATUS_OK},        {SQLITE_ROW, STATUS_ROW},
    {SQLITE_BUSY, STATUS_CONFLICT},   {SQLITE_FULL, STATUS_TEMPORARY}, {SQLITE_CANTOPEN, STATUS_TEMPORARY},
    {SQLITE_CORRUPT, STATUS_CORRUPT}, {SQLITE_NOTADB, STATUS_CORRUPT},
};

static enum status status_of(int code) {
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) return STATUS_EXISTS;
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].code == (code & 0xff)) return meanings[i].status;
    return STATUS_IO;
}

/* The disk failed or the file is damaged: closing must not checkpoint, which would write and sync again. */
static void let_go(struct db *db) {
    db->is_lost = true;
    sqlite3_db_config(lite(db)->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static enum status note(struct db *db, int code) {
    enum status st = status_of(code);
    if (st == STATUS_OK || st == STATUS_ROW) return st;
    db_set_error(db, sqlite3_errmsg(lite(db)->handle));
    if ((code & 0xff) == SQLITE_IOERR || st == STATUS_CORRUPT) let_go(db);
    return st;
}

static enum status lite_exec(struct db *db, const char *sql) {
    return note(db, sqlite3_exec(lite(db)->handle, sql, NULL, NULL, NULL));
}

static int on_wal(void *arg, sqlite3 *handle, const char *name, int pages) {
    (void)handle, (void)name;
    ((struct db_lite *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

/* Two who make a new file a WAL one at once cannot wait for each other, so SQLite tells one of them BUSY without asking its busy
 * handler (CR18). */
static enum status enter_wal(struct db_lite *db) {
    int64_t end = clock_mono_ms(clock_system()) + BUSY_TIMEOUT_MS;
    for (;;) {
        enum status st = lite_exec(&db->base, "PRAGMA page_size=4096; PRAGMA journal_mode=WAL;");
        if (st != STATUS_CONFLICT || clock_mono_ms(clock_system()) >= end) return st;
        (void)nanosleep(&(struct timespec){.tv_nsec = SWITCH_AGAIN_NS}, NULL);
    }
}

static enum status lite_setup(struct db_lite *db, bool read_only) {
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, read_only ? 1 : 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    enum status st = enter_wal(db);
    if (st != STATUS_OK) return st;
    st = lite_exec(&db->base, "PRAGMA synchronous=FULL;"
                              "PRAGMA wal_autocheckpoint=0;"
                              "PRAGMA journal_size_limit=67108864;"
                              "PRAGMA foreign_keys=ON;"
                              "PRAGMA trusted_schema=OFF;"
                              "PRAGMA cell_size_check=ON;"
                              "PRAGMA mmap_size=0;"
                              "PRAGMA cache_size=-8192;"
                              "PRAGMA temp_store=MEMORY;");
    sqlite3_wal_hook(db->handle, on_wal, db);
    if (st == STATUS_OK && read_only) st = lite_exec(&db->base, "PRAGMA query_only=ON");
    return st;
}

/* SQLite keeps a list of VFSs for the whole process, so this is one a process too. */
static struct {
    pthread_once_t once;
    sqlite3_vfs *base, own;
} vfs = {.once = PTHREAD_ONCE_INIT};

/* A symbolic link is still refused: the WAL must stand beside the file it leads to. */
static int full_name(sqlite3_vfs *own, const char *name, int size, char *ret_name) {
    (void)own;
    struct stat file;
    int code = vfs.base->xFullPathname(vfs.base, name, size, ret_name);
    bool is_bare = strchr(name, '/') == NULL && strlen(name) < (size_t)size;
    if (code == SQLITE_OK || !is_bare || (lstat(name, &file) == 0 ? S_ISLNK(file.st_mode) : errno != ENOENT)) return code;
    memcpy(ret_name, name, strlen(name) + 1);
    return SQLITE_OK;
}

static void vfs_register(void) {
    vfs.base = sqlite3_vfs_find(NULL);
    vfs.own = *vfs.base;
    vfs.own.zName = "posthorn";
    vfs.own.xFullPathname = full_name;
    (void)sqlite3_vfs_register(&vfs.own, 0); /* only fails where the open will, for want of memory */
}

static bool has_wal(const char *path) {
    BUF_AUTO wal = {0};
    struct stat file;
    buf_addf(&wal, "%s-wal", path);
    return stat(wal.p, &file) == 0 && file.st_size > 0;
}

static enum status lite_open(const struct db_options *options, struct buf *why, struct db **ret) {
    BUF_AUTO path = {0};
    buf_add_str(&path, str_sub(options->url, strlen("sqlite:"), SIZE_MAX));
    if (path.n == 0 || str_find(buf_str(&path), '\0') != STR_NONE) {
        buf_add_z(why, "the database's url has no path");
        return STATUS_UNSUPPORTED;
    }
    /* No statistics of memory: they cost a process-wide mutex in each allocation. Only the process's first open decides. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    struct db_lite *db = calloc(1, sizeof *db);
    if (!db) abort();
    db->base.engine = &db_sqlite;
    db->base.is_read_only = options->read_only;
    db->base.has_old_wal = has_wal(path.p);
    (void)pthread_once(&vfs.once, vfs_register);
    int code = sqlite3_open_v2(path.p, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, "posthorn");
    enum status st = note(&db->base, code);
    if (st == STATUS_OK) st = lite_setup(db, options->read_only);
    if (st != STATUS_OK) {
        buf_addf(why, "%s: %.*s", path.p, STR_ARG(buf_str(&db->base.error)));
        struct db *failed = &db->base;
        db_close(&failed);
        return st == STATUS_CONFLICT ? STATUS_TEMPORARY : st;
    }
    *ret = &db->base;
    return STATUS_OK;
}

static void lite_close(struct db *db) {
    sqlite3_close(lite(db)->handle);
    buf_fini(&lite(db)->copy_path);
    free(db);
}

/* ---- transactions ---- */

static enum status lite_begin(struct db *db) {
    if (!db->is_read_only) return lite_exec(db, "BEGIN IMMEDIATE");
    return lite_exec(db, "BEGIN"); /* the snapshot is taken by the first read */
}

static enum status lite_commit(struct db *db) {
    int code = sqlite3_exec(lite(db)->handle, "COMMIT", NULL, NULL, NULL);
    enum status st = note(db, code);
    return (code & 0xff) == SQLITE_IOERR ? STATUS_UNKNOWN : st;
}

static void lite_rollback(struct db *db) {
    if (!sqlite3_get_autocommit(lite(db)->handle)) sqlite3_exec(lite(db)->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- statements ---- */

static struct stmt *lite_stmt_new(struct db *db, const char *sql) {
    struct stmt_lite *s = calloc(1, sizeof *s);
    if (!s) abort();
    (void)db, (void)sql; /* prepared at the first step */
    return &s->base;
}

static void lite_stmt_free(struct stmt *s) {
    sqlite3_finalize(handle_of(s));
    free(s);
}

static int lite_bind_one(sqlite3_stmt *h, int i, const struct param *p) {
    /* A NULL pointer would bind NULL, where PostgreSQL gets an empty text. */
    const char *bytes = p->bytes.p ? p->bytes.p : "";
    switch (p->kind) {
    case PARAM_INT:
        return sqlite3_bind_int64(h, i, p->number);
    case PARAM_TEXT:
        return sqlite3_bind_text64(h, i, bytes, p->bytes.n, SQLITE_STATIC, SQLITE_UTF8);
    case PARAM_BLOB:
        return sqlite3_bind_blob64(h, i, bytes, p->bytes.n, SQLITE_STATIC);
    case PARAM_NULL:
        break;
    }
    return sqlite3_bind_null(h, i);
}

static int lite_ready(struct stmt *s) {
    struct stmt_lite *own = (struct stmt_lite *)(void *)s;
    int code = SQLITE_OK;
    if (!own->handle) code = sqlite3_prepare_v3(lite(s->db)->handle, s->sql, -1, SQLITE_PREPARE_PERSISTENT, &own->handle, NULL);
    for (int i = 0; code == SQLITE_OK && i < s->param_count; i++) code = lite_bind_one(own->handle, i + 1, &s->params[i]);
    return code;
}

static enum status lite_step(struct stmt *s) {
    sqlite3_stmt *h = handle_of(s);
    int code = h && sqlite3_stmt_busy(h) ? SQLITE_OK : lite_ready(s);
    if (code != SQLITE_OK) return note(s->db, code);
    sqlite3 *db = lite(s->db)->handle;
    int64_t before = sqlite3_total_changes64(db);
    code = sqlite3_step(handle_of(s));
    int64_t changed = sqlite3_total_changes64(db) - before;
    if (!sqlite3_stmt_readonly(handle_of(s)) && (code == SQLITE_DONE || changed > 0)) {
        s->db->changes = sqlite3_changes64(db);
        s->db->total_changes += changed;
    }
    return note(s->db, code);
}

static enum status lite_insert(struct stmt *s, bool *ret_is_new, int64_t *ret_id) {
    enum status st = lite_step(s);
    if (st != STATUS_OK || s->db->changes == 0) return st;
    *ret_is_new = true;
    *ret_id = sqlite3_last_insert_rowid(lite(s->db)->handle);
    return st;
}

static void lite_reset(struct stmt *s) {
    sqlite3_reset(handle_of(s));
}

static int64_t lite_int(struct stmt *s, int column) {
    return sqlite3_column_int64(handle_of(s), column);
}

static struct str lite_bytes(struct stmt *s, int column) {
    const char *p = sqlite3_column_blob(handle_of(s), column);
    return str_make(p ? p : "", (size_t)sqlite3_column_bytes(handle_of(s), column));
}

static bool lite_is_null(struct stmt *s, int column) {
    return sqlite3_column_type(handle_of(s), column) == SQLITE_NULL;
}

/* A statement's substr() would read all of the blob. */
static enum status lite_blob_start(struct db *db, const struct db_blob *blob, size_t max, struct buf *out) {
    sqlite3_blob *handle = NULL;
    int code = sqlite3_blob_open(lite(db)->handle, "main", blob->table, blob->column, blob->id, 0, &handle);
    size_t n = code == SQLITE_OK ? (size_t)sqlite3_blob_bytes(handle) : 0;
    if (n > max) n = max;
    if (code == SQLITE_OK) code = sqlite3_blob_read(handle, buf_reserve(out, n + 1), (int)n, 0);
    enum status st = note(db, code);
    if (st == STATUS_OK) buf_grew(out, n);
    (void)sqlite3_blob_close(handle); /* of one that only reads it says what the read said */
    return st;
}

/* ---- the WAL ---- */

static int64_t lite_wal_bytes(const struct db *db) {
    return (int64_t)((const struct db_lite *)(const void *)db)->wal_pages * DB_PAGE_BYTES;
}

static enum status lite_checkpoint(struct db *db, int wait_ms) {
    struct db_lite *own = lite(db);
    int mode = wait_ms > 0 ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int in_wal = 0, moved = 0;
    sqlite3_busy_timeout(own->handle, wait_ms);
    int code = sqlite3_wal_checkpoint_v2(own->handle, NULL, mode, &in_wal, &moved);
    sqlite3_busy_timeout(own->handle, BUSY_TIMEOUT_MS);
    enum status st = note(db, code);
    if (st == STATUS_CONFLICT || (st == STATUS_OK && moved < in_wal)) return STATUS_TEMPORARY;
    if (st == STATUS_OK) own->wal_pages = 0; /* the next commit starts at the front again */
    return st;
}

/* ---- a copy ---- */

/* No journal, no sync: until it is finished it is nothing. */
static enum status copy_setup(struct db *db) {
    struct db_lite *own = lite(db);
    int code = sqlite3_exec(
        own->copy, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-1024;",
        NULL, NULL, NULL);
    if (code == SQLITE_OK) own->copying = sqlite3_backup_init(own->copy, "main", own->handle, "main");
    if (own->copying) return STATUS_OK;
    db_set_error(db, sqlite3_errmsg(own->copy));
    return status_of(code == SQLITE_OK ? sqlite3_errcode(own->copy) : code);
}

static struct buf part_of(const struct db_lite *own) {
    struct buf part = {0};
    buf_addf(&part, "%s" DB_COPY_PART, own->copy_path.p);
    return part;
}

/* Of the file, then of the folder's own entry, or a power cut could take the name back. */
static bool sync_path(const char *path, int flags) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    bool is_synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return is_synced;
}

enum status db_copy_finish(const char *path) {
    struct str whole = str_from_z(path);
    size_t slash = str_find_last(whole, '/');
    BUF_AUTO part = {0};
    BUF_AUTO folder = {0};
    buf_addf(&part, "%s" DB_COPY_PART, path);
    buf_add_str(&folder, slash == STR_NONE ? STR(".") : slash == 0 ? STR("/") : str_sub(whole, 0, slash));
    bool is_done = sync_path(part.p, 0) && rename(part.p, path) == 0 && sync_path(folder.p, O_DIRECTORY);
    return is_done ? STATUS_OK : STATUS_IO;
}

static void lite_copy_end(struct db *db, bool is_whole) {
    struct db_lite *own = lite(db);
    if (own->copying) (void)sqlite3_backup_finish(own->copying); /* says again what the last step said */
    own->copying = NULL;
    (void)sqlite3_close(own->copy);
    own->copy = NULL;
    BUF_AUTO part = part_of(own);
    if (!is_whole) (void)unlink(part.p); /* it may be what fills the disk */
}

/* Nothing that is whole is replaced, and of what is not only an ordinary file. */
static bool make_place(const struct db_lite *own, const char *part) {
    struct stat file;
    if (lstat(own->copy_path.p, &file) == 0 || errno != ENOENT) return false;
    if (lstat(part, &file) != 0) return errno == ENOENT;
    return S_ISREG(file.st_mode) && unlink(part) == 0;
}

static enum status lite_copy_begin(struct db *db, const char *path) {
    struct db_lite *own = lite(db);
    buf_reset(&own->copy_path);
    buf_add_z(&own->copy_path, path);
    BUF_AUTO part = part_of(own);
    if (!make_place(own, part.p)) {
        db_set_error(db, "the copy has no place: something stands there");
        return STATUS_TEMPORARY;
    }
    int code = sqlite3_open_v2(part.p, &own->copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, "posthorn");
    if (code != SQLITE_OK) db_set_error(db, sqlite3_errmsg(own->copy));
    enum status st = code == SQLITE_OK ? copy_setup(db) : status_of(code);
    if (st != STATUS_OK) lite_copy_end(db, false);
    return st;
}

/* Of an error nobody can say whether it was the copy's file or ours; if it was ours, the next read of it says so too. */
static enum status lite_copy_step(struct db *db, int pages) {
    struct db_lite *own = lite(db);
    int code = sqlite3_backup_step(own->copying, pages);
    db->copy.pages = sqlite3_backup_pagecount(own->copying);
    db->copy.left_pages = sqlite3_backup_remaining(own->copying);
    if (code == SQLITE_DONE) return STATUS_OK;
    if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED) return STATUS_ROW;
    db_set_error(db, sqlite3_errstr(code));
    return status_of(code);
}

const struct db_engine db_sqlite = {
    .is_sqlite = true,
    .open = lite_open,
    .close = lite_close,
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .exec = lite_exec,
    .stmt_new = lite_stmt_new,
    .stmt_free = lite_stmt_free,
    .step = lite_step,
    .insert = lite_insert,
    .reset = lite_reset,
    .column_int = lite_int,
    .column_bytes = lite_bytes,
    .column_is_null = lite_is_null,
    .blob_start = lite_blob_start,
    .wal_bytes = lite_wal_bytes,
    .checkpoint = lite_checkpoint,
    .copy_begin = lite_copy_begin,
    .copy_step = lite_copy_step,
    .copy_end = lite_copy_end,
};
