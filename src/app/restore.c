/* restore.c - see restore.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/restore.h"

#include "app/home.h"
#include "base/clock.h"
#include "core/restore.h"
#include "db/db.h"
#include "proto/json/json_write.h"
#include "store/restored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INCOMING HOME_INCOMING
#define PIECE    ((size_t)1 << 20)

static enum status fail(struct buf *why, const char *what, const char *name) {
    buf_addf(why, "%s %s: %s", what, name, strerror(errno));
    return errno == ENOSPC ? STATUS_LIMIT : STATUS_IO;
}

/* ---- the file ---- */

static enum status write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno != EINTR) return STATUS_IO;
        if (written > 0) p += written, n -= (size_t)written;
    }
    return STATUS_OK;
}

static enum status copy_bytes(int from, int to) {
    BUF_AUTO piece = {0};
    char *p = buf_reserve(&piece, PIECE);
    for (;;) {
        ssize_t n = read(from, p, PIECE);
        if (n == 0) return fsync(to) == 0 ? STATUS_OK : STATUS_IO;
        if (n < 0 && errno != EINTR) return STATUS_IO;
        if (n > 0 && write_all(to, p, (size_t)n) != STATUS_OK) return STATUS_IO;
    }
}

/* The file was opened before the drop of root, who may read what the gateway's user may not. */
static enum status bring(int from, struct buf *why) {
    (void)unlink(INCOMING);
    int to = open(INCOMING, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum status status = to >= 0 ? copy_bytes(from, to) : STATUS_IO;
    if (status != STATUS_OK) status = fail(why, "cannot copy it to", INCOMING);
    if (to >= 0) close(to);
    return status;
}

/* ---- the database ---- */

static enum status hold(struct str url, struct buf *why) {
    struct db *db = NULL;
    enum status status = db_open(&(struct db_options){.url = url}, why, &db);
    if (status == STATUS_OK) status = db_begin(db);
    if (status == STATUS_OK) status = restore_hold(db, clock_wall_ms(clock_system()));
    if (status == STATUS_OK) status = db_commit(db);
    if (status == STATUS_OK) status = db_checkpoint(db, 1000);
    if (status != STATUS_OK && db && why->n == 0) buf_addf(why, "cannot hold its queue: %.*s", STR_ARG(db_error(db)));
    db_close(&db);
    return status;
}

/* Closing moves the WAL that a kill may have left into the file. Of a damaged database nothing is expected. */
static void settle_old(void) {
    struct db *db = NULL;
    if (db_open(&(struct db_options){.url = STR("sqlite:" HOME_DATABASE)}, NULL, &db) != STATUS_OK) return;
    enum status status = db_checkpoint(db, 1000);
    (void)status;
    db_close(&db);
}

/* The old one gets a second name; a WAL that is still there goes, for it would be taken for the new one's. *ret_name: "" when
 * there was none. */
static enum status put_aside(struct buf *ret_name, struct buf *why) {
    BUF_AUTO wal = {0};
    if (access(HOME_DATABASE, F_OK) != 0) return STATUS_OK;
    settle_old();
    buf_addf(ret_name, "before-restore-%lld.db", (long long)clock_wall_ms(clock_system()));
    buf_addf(&wal, "%.*s-wal", STR_ARG(buf_str(ret_name)));
    if (rename(HOME_DATABASE "-wal", wal.p) != 0 && errno != ENOENT) return fail(why, "cannot put aside", HOME_DATABASE "-wal");
    (void)unlink(HOME_DATABASE "-shm");
    return link(HOME_DATABASE, ret_name->p) == 0 ? STATUS_OK : fail(why, "cannot put aside", HOME_DATABASE);
}

static enum status take_place(struct buf *ret_aside, struct buf *why) {
    enum status status = put_aside(ret_aside, why);
    if (status != STATUS_OK) return status;
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_done = rename(INCOMING, HOME_DATABASE) == 0 && folder >= 0 && fsync(folder) == 0;
    if (!is_done) status = fail(why, "cannot put it in the place of", HOME_DATABASE);
    if (folder >= 0) close(folder);
    return status;
}

static enum status restore_file(int from, struct buf *ret_aside, struct buf *why) {
    enum status status = bring(from, why);
    if (status == STATUS_OK) status = restored_check(STR("sqlite:" INCOMING), why);
    if (status == STATUS_OK) status = hold(STR("sqlite:" INCOMING), why);
    if (status == STATUS_OK) status = take_place(ret_aside, why);
    (void)unlink(INCOMING);
    return status;
}

/* ---- the verb ---- */

static void tell(const struct buf *aside, bool json) {
    BUF_AUTO out = {0};
    if (json) {
        struct json_writer w = {.out = &out};
        json_open_object(&w);
        json_add_bool(&w, STR("Success"), true);
        json_add_str(&w, STR("Before"), buf_str(aside));
        json_close_object(&w);
        buf_add_char(&out, '\n');
    } else {
        buf_add_z(&out,
                  "The database is restored, and its queue is held: what was delivered since the copy would go out again.\n");
        if (aside->n) buf_addf(&out, "What stood there before is %.*s in the data folder.\n", STR_ARG(buf_str(aside)));
        buf_add_z(
            &out,
            "Next: start the gateway, look with posthorn queue list, cancel what is not to go out, then posthorn resume.\n");
    }
    fwrite(out.p, 1, out.n, stdout);
}

static enum status restore(const struct config *c, int from, struct buf *ret_aside, struct buf *why) {
    struct home home;
    bool is_server_s = !str_is_empty(c->data_url) && !str_starts(c->data_url, STR("sqlite:"));
    if (is_server_s != (from < 0)) {
        buf_add_z(why, is_server_s
                           ? "restore the database with its server's own tools, then say posthorn store restore without a file"
                           : "name the copy to be restored");
        return STATUS_INVALID;
    }
    enum status status = home_open(c, &home, why);
    if (status == STATUS_EXISTS) buf_add_z(why, "; stop the gateway first");
    if (status != STATUS_OK) return status;
    if (home.made_master_key) {
        (void)unlink(c->keys_master.p);
        buf_addf(why, "the master key %.*s is missing: bring it back first, a database opens with its own alone",
                 STR_ARG(c->keys_master));
        status = STATUS_CORRUPT;
    }
    if (status == STATUS_OK) status = is_server_s ? hold(c->data_url, why) : restore_file(from, ret_aside, why);
    home_close(&home);
    return status;
}

int restore_run(const struct config *c, const char *file, bool json) {
    BUF_AUTO why = {0};
    BUF_AUTO aside = {0};
    int from = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    enum status status = file && from < 0 ? fail(&why, "cannot read", file) : restore(c, from, &aside, &why);
    if (from >= 0) close(from);
    if (status != STATUS_OK) {
        fprintf(stderr, "posthorn: %.*s\n", STR_ARG(buf_str(&why)));
        return EXIT_FAILURE;
    }
    tell(&aside, json);
    return EXIT_SUCCESS;
}
