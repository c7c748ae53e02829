/* test_faults.c - the writer over a disk that fails or stops at its Nth write or sync, for every N (I10, P1, P7; RS01, RS02,
 * CR01).
 *
 * SQLite's VFS is wrapped: each xRead, xWrite and xSync is counted, and the chosen one fails (once, as a fault that passes) or
 * ends the process. After each run the file is opened again, without faults: what was acknowledged is there, what was definitely
 * refused is not, and the file is sound.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum fault { FAULT_NONE, FAULT_NO_ROOM, FAULT_READ_ERROR, FAULT_WRITE_ERROR, FAULT_SYNC_ERROR, FAULT_DEATH };

/* The shim is process-wide, as SQLite's list of VFSs is. */
static struct {
    enum fault fault;
    int at; /* which operation of its kind, counted from 1 */
    int reads, writes, syncs;
    const sqlite3_io_methods *real[2]; /* of the database, of the WAL; they write and sync alike */
    sqlite3_io_methods wrapped[2];
    int (*real_open)(sqlite3_vfs *, sqlite3_filename, sqlite3_file *, int, int *);
} disk;

static void arm(enum fault fault, int at) {
    disk.fault = fault;
    disk.at = at;
    disk.reads = disk.writes = disk.syncs = 0;
}

static int shim_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at) {
    disk.reads++;
    if (disk.fault == FAULT_READ_ERROR && disk.reads == disk.at) return SQLITE_IOERR_READ;
    return disk.real[0]->xRead(file, p, n, at);
}

static int shim_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at) {
    disk.writes++;
    if (disk.fault == FAULT_DEATH && disk.writes + disk.syncs == disk.at) _exit(0);
    if (disk.writes == disk.at && (disk.fault == FAULT_NO_ROOM || disk.fault == FAULT_WRITE_ERROR)) {
        /* half of it arrives, as on a real disk */
        (void)disk.real[0]->xWrite(file, p, n / 2, at);
        return disk.fault == FAULT_NO_ROOM ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    return disk.real[0]->xWrite(file, p, n, at);
}

static int shim_sync(sqlite3_file *file, int flags) {
    disk.syncs++;
    if (disk.fault == FAULT_DEATH && disk.writes + disk.syncs == disk.at) _exit(0);
    if (disk.fault == FAULT_SYNC_ERROR && disk.syncs == disk.at) return SQLITE_IOERR_FSYNC;
    return disk.real[0]->xSync(file, flags);
}

static int shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *ret_flags) {
    int code = disk.real_open(vfs, name, file, flags, ret_flags);
    bool is_wal = flags & SQLITE_OPEN_WAL;
    if (code != SQLITE_OK || !(flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB))) return code;
    if (!disk.real[is_wal]) {
        disk.real[is_wal] = file->pMethods;
        disk.wrapped[is_wal] = *file->pMethods;
        disk.wrapped[is_wal].xRead = shim_read;
        disk.wrapped[is_wal].xWrite = shim_write;
        disk.wrapped[is_wal].xSync = shim_sync;
    }
    assert_ptr_equal(file->pMethods, disk.real[is_wal]);
    assert_ptr_equal((void *)file->pMethods->xWrite, (void *)disk.real[0]->xWrite);
    file->pMethods = &disk.wrapped[is_wal];
    return code;
}

static int install(void **state) {
    (void)state;
    static sqlite3_vfs shim;
    shim = *sqlite3_vfs_find(NULL);
    disk.real_open = shim.xOpen;
    shim.xOpen = shim_open;
    shim.zName = "shim";
    return sqlite3_vfs_register(&shim, 1);
}

/* ---- a run: batches of messages, then a checkpoint ---- */

#define BATCHES 2
#define GROUP   3
#define JOBS    (BATCHES * GROUP)

struct mail_job {
    struct job job;
    uint8_t mark;
};

static enum status accept_mail(struct job *job, void *ctx) {
    static const char body[9000] = "x"; /* several pages */
    const struct mail_job *m = (struct mail_job *)(void *)job;
    struct message message = {.uuid = make_uuid(m->mark), .tags = TEXT("[]"), .metadata = TEXT("{}")};
    int64_t id = 0, recipient_id = 0;
    enum status st = message_add(ctx, &message, &id);
    struct recipient recipient = {.message_id = id, .domain = TEXT("example.net"), .state = RECIPIENT_QUEUED};
    if (st == STATUS_OK) st = body_add(ctx, &(struct body){.message_id = id, .content = str_make(body, sizeof body)});
    return st == STATUS_OK ? recipient_add(ctx, &recipient, &(struct node_epoch){1, 1}, &recipient_id) : st;
}

/* Statuses of all jobs; `acks` (may be -1) gets a byte for each one acknowledged, as the edge's answer would go out. */
static void run_mail(struct fixture *f, enum status ret_status[JOBS], int acks) {
    void *ctx = NULL;
    struct mail_job jobs[GROUP];
    struct job *list[GROUP];
    enum status started = writer_start(&f->options, &ctx);
    for (int b = 0; b < BATCHES; b++) {
        for (int i = 0; i < GROUP; i++) {
            jobs[i] = (struct mail_job){.job.run = accept_mail, .job.status = started, .mark = (uint8_t)(b * GROUP + i)};
            list[i] = &jobs[i].job;
        }
        if (started == STATUS_OK) writer_batch(ctx, list, GROUP);
        for (int i = 0; i < GROUP; i++) {
            ret_status[b * GROUP + i] = jobs[i].job.status;
            if (acks >= 0 && jobs[i].job.status == STATUS_OK) assert_int_equal(write(acks, &jobs[i].mark, 1), 1);
        }
    }
    if (started == STATUS_OK) writer_stop(ctx);
}

static bool is_stored(struct fixture *f, struct db *db, int mark) {
    struct message found;
    struct recipient_list list;
    struct body_bytes body;
    enum status st = message_find(db, &f->arena, SCOPE_ANY, make_uuid((uint8_t)mark), &found);
    if (st == STATUS_NOT_FOUND) return false;
    assert_ok(st);
    assert_ok(body_read(db, found.id, SIZE_MAX, &body)); /* I4: all of it or nothing */
    assert_int_equal(body.content.n, 9000);
    body_bytes_fini(&body);
    assert_ok(recipient_list(db, &f->arena, found.id, &list));
    assert_int_equal(list.count, 1);
    return true;
}

static void check_disk(struct fixture *f, const enum status status[JOBS]) {
    arm(FAULT_NONE, 0);
    BUF_AUTO why = {0};
    assert_ok(store_open(buf_str(&f->url), &why));
    struct db *db = fixture_connect(f, false);
    assert_ok(db_begin(db));
    struct stmt *s = db_stmt(db, "PRAGMA quick_check");
    assert_int_equal(stmt_step(s), STATUS_ROW);
    assert_true(str_eq(stmt_text(s, 0), TEXT("ok")));
    for (int i = 0; i < JOBS; i++) {
        if (status[i] == STATUS_UNKNOWN) continue;
        assert_int_equal(is_stored(f, db, i), status[i] == STATUS_OK);
    }
    db_close(&db);
}

static int operations(enum fault fault) {
    return fault == FAULT_READ_ERROR ? disk.reads : fault == FAULT_SYNC_ERROR ? disk.syncs : disk.writes;
}

/* Fail operation 1, 2, 3 ... until a run needs fewer. Returns how many runs were hit. */
static int sweep(enum fault fault, int *ret_unknown, int *ret_fatal) {
    for (int at = 1;; at++) {
        struct fixture *f = fixture_closed();
        enum status status[JOBS];
        arm(fault, at);
        run_mail(f, status, -1);
        bool was_hit = operations(fault) >= at;
        check_disk(f, status);
        for (int i = 0; i < JOBS; i++) *ret_unknown += status[i] == STATUS_UNKNOWN;
        *ret_fatal += f->fatal_count;
        fixture_free(f);
        if (!was_hit) return at - 1;
    }
}

static void test_RS01_no_room_at_each_write(void **state) {
    (void)state;
    int unknown = 0, fatal = 0;
    assert_true(sweep(FAULT_NO_ROOM, &unknown, &fatal) > 20);
    assert_int_equal(unknown, 0); /* definite: the process lives on */
    assert_int_equal(fatal, 0);
}

static void test_P7_error_at_each_write(void **state) {
    (void)state;
    int unknown = 0, fatal = 0;
    assert_true(sweep(FAULT_WRITE_ERROR, &unknown, &fatal) > 20);
    assert_true(unknown > 0 && fatal > 0);
}

/* An error inside a statement, far from any commit: the batch fails as one, later jobs are refused, the process ends. */
static void test_P7_error_at_each_read(void **state) {
    (void)state;
    int hits = 0, fatal = 0;
    for (int at = 1;; at++) {
        struct fixture *f = fixture_closed();
        enum status status[JOBS];
        arm(FAULT_READ_ERROR, at);
        run_mail(f, status, -1);
        if (disk.reads < at) at = 0;
        check_disk(f, status);
        for (int i = 0; i < JOBS && f->fatal_count > 0; i++)
            if (status[i] != STATUS_OK)
                assert_int_equal(status[i], i < GROUP || status[0] == STATUS_OK ? STATUS_IO : STATUS_CANCELLED);
        assert_true(f->fatal_count <= 1);
        fatal += f->fatal_count;
        hits += at > 0;
        fixture_free(f);
        if (at == 0) break;
    }
    assert_true(fatal > 3 && hits > fatal);
}

/* Damage that is met on the way, not at the start. */
static void test_CR08_damage_met_by_a_job_stops_the_process(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    enum status status[JOBS];
    void *ctx = NULL;
    arm(FAULT_NONE, 0);
    run_mail(f, status, -1);
    assert_ok(writer_start(&f->options, &ctx));
    int fd = open(str_sub(buf_str(&f->url), strlen("sqlite:"), SIZE_MAX).p, O_WRONLY);
    static const char noise[4096] = {1, 2, 3};
    for (off_t page = 1; page < 40; page++) assert_int_equal(pwrite(fd, noise, sizeof noise, page * 4096), sizeof noise);
    close(fd);
    struct mail_job jobs[GROUP];
    struct job *list[GROUP];
    for (int i = 0; i < GROUP; i++) {
        jobs[i] = (struct mail_job){.job.run = accept_mail, .mark = (uint8_t)(JOBS + i)};
        list[i] = &jobs[i].job;
    }
    writer_batch(ctx, list, GROUP);
    for (int i = 0; i < GROUP; i++) assert_int_equal(jobs[i].job.status, STATUS_IO);
    assert_int_equal(f->fatal_count, 1);
    writer_batch(ctx, list, 1);
    assert_int_equal(jobs[0].job.status, STATUS_CANCELLED);
    assert_int_equal(f->fatal_count, 1);
    writer_stop(ctx);
    fixture_free(f);
}

static void test_RS02_error_at_each_sync(void **state) {
    (void)state;
    int unknown = 0, fatal = 0;
    assert_true(sweep(FAULT_SYNC_ERROR, &unknown, &fatal) >= BATCHES);
    assert_true(unknown >= BATCHES * GROUP);
    assert_true(fatal >= BATCHES);
}

/* A failed sync is not tried again: what comes afterwards is refused. */
static void test_RS02_nothing_is_written_after_a_failed_sync(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    enum status status[JOBS];
    arm(FAULT_SYNC_ERROR, 2); /* 1: the head of a new WAL; 2: the first commit */
    run_mail(f, status, -1);
    int syncs = disk.syncs, later = 0;
    for (int i = 0; i < GROUP; i++) assert_int_equal(status[i], STATUS_UNKNOWN);
    for (int i = GROUP; i < JOBS; i++) later += status[i] != STATUS_CANCELLED;
    assert_int_equal(later, 0);
    assert_int_equal(f->fatal_count, 1);
    assert_int_equal(syncs, 2); /* nor by closing */
    check_disk(f, status);
    fixture_free(f);
}

static void test_RS02_failed_sync_of_a_checkpoint_stops_the_process(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    struct mail_job jobs[GROUP];
    struct job *list[GROUP];
    void *ctx = NULL;
    assert_ok(writer_start(&f->options, &ctx));
    for (int b = 0; b < 40; b++) {
        for (int i = 0; i < GROUP; i++) {
            jobs[i] = (struct mail_job){.job.run = accept_mail, .mark = (uint8_t)(b * GROUP + i)};
            list[i] = &jobs[i].job;
        }
        writer_batch(ctx, list, GROUP);
        assert_ok(jobs[0].job.status);
    }
    arm(FAULT_SYNC_ERROR, 1);
    writer_idle(ctx);
    assert_int_equal(f->fatal_count, 1);
    arm(FAULT_NONE, 0);
    writer_idle(ctx);
    assert_int_equal(disk.syncs, 0);
    writer_batch(ctx, list, 1);
    assert_int_equal(jobs[0].job.status, STATUS_CANCELLED);
    writer_stop(ctx);
    assert_int_equal(disk.syncs, 0);
    fixture_free(f);
}

/* The process ends at its Nth write or sync, for every N; what had been acknowledged by then is there. */
static bool die_at(struct fixture *f, int at, uint8_t ret_acks[JOBS], size_t *ret_count) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        enum status status[JOBS];
        arm(FAULT_DEATH, at);
        run_mail(f, status, fds[1]);
        _exit(3);
    }
    close(fds[1]);
    *ret_count = 0;
    while (*ret_count < JOBS && read(fds[0], ret_acks + *ret_count, 1) == 1) ++*ret_count;
    close(fds[0]);
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status) == 0;
}

static void test_CR01_death_at_each_write_and_sync(void **state) {
    (void)state;
    bool died = true;
    int at = 1;
    for (; died; at++) {
        struct fixture *f = fixture_closed();
        uint8_t acks[JOBS];
        size_t count = 0;
        died = die_at(f, at, acks, &count);
        BUF_AUTO why = {0};
        assert_ok(store_open(buf_str(&f->url), &why));
        struct db *db = fixture_connect(f, false);
        assert_ok(db_begin(db));
        for (size_t i = 0; i < count; i++) assert_true(is_stored(f, db, acks[i]));
        db_close(&db);
        fixture_free(f);
    }
    assert_true(at > 20);
}

static void test_CR06_death_at_each_write_of_the_first_migration(void **state) {
    (void)state;
    int status = 0, at = 1;
    for (; status == 0; at++) {
        struct fixture *f = fixture_empty();
        pid_t child = fork();
        BUF_AUTO why = {0};
        if (child == 0) {
            arm(FAULT_DEATH, at);
            _exit(store_open(buf_str(&f->url), &why) == STATUS_OK ? 3 : 4);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        status = WEXITSTATUS(status);
        assert_int_not_equal(status, 4);
        assert_ok(store_open(buf_str(&f->url), &why));
        assert_int_equal(fixture_number(f, "SELECT count(*) FROM schema_version"), 1);
        fixture_free(f);
    }
    assert_true(at > 20);
}

/* A torn or flipped page is found at the start, and said (CR08). */
static void test_CR08_damaged_file_is_refused(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    enum status status[JOBS];
    arm(FAULT_NONE, 0);
    run_mail(f, status, -1);
    assert_ok(truncate(str_sub(buf_str(&f->url), strlen("sqlite:"), SIZE_MAX).p, 4096 * 9));
    BUF_AUTO why = {0};
    assert_int_equal(store_open(buf_str(&f->url), &why), STATUS_CORRUPT);
    assert_true(str_find_str(buf_str(&why), TEXT("damaged")) != STR_NONE);
    fixture_free(f);
}

static bool has_wal(struct fixture *f) {
    struct db *db = fixture_connect(f, true);
    bool has = db_has_old_wal(db);
    db_close(&db);
    return has;
}

/* The whole file is read when the last writer was killed, not after a proper stop. */
static void test_CR08_start_checks_the_file_after_a_kill_alone(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    enum status status[JOBS];
    BUF_AUTO why = {0};
    arm(FAULT_NONE, 0);
    run_mail(f, status, -1);
    assert_false(has_wal(f)); /* a proper close leaves none */
    static const char noise[4096] = {1, 2, 3};
    off_t page =
        (off_t)fixture_number(f, "SELECT rootpage FROM sqlite_schema WHERE name = 'events'"); /* not touched by a start */
    int fd = open(str_sub(buf_str(&f->url), strlen("sqlite:"), SIZE_MAX).p, O_WRONLY);
    assert_int_equal(pwrite(fd, noise, sizeof noise, (page - 1) * 4096), sizeof noise);
    close(fd);
    assert_ok(store_open(buf_str(&f->url), &why));
    pid_t child = fork();
    if (child == 0) {
        arm(FAULT_DEATH, 5);
        run_mail(f, status, -1);
        _exit(3);
    }
    int ended = 1;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    assert_true(has_wal(f));
    assert_int_equal(store_open(buf_str(&f->url), &why), STATUS_CORRUPT);
    fixture_free(f);
}

int main(void) {
    unsetenv("POSTHORN_TEST_PGSQL");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_RS01_no_room_at_each_write),
        cmocka_unit_test(test_P7_error_at_each_write),
        cmocka_unit_test(test_P7_error_at_each_read),
        cmocka_unit_test(test_CR08_damage_met_by_a_job_stops_the_process),
        cmocka_unit_test(test_RS02_error_at_each_sync),
        cmocka_unit_test(test_RS02_nothing_is_written_after_a_failed_sync),
        cmocka_unit_test(test_RS02_failed_sync_of_a_checkpoint_stops_the_process),
        cmocka_unit_test(test_CR01_death_at_each_write_and_sync),
        cmocka_unit_test(test_CR06_death_at_each_write_of_the_first_migration),
        cmocka_unit_test(test_CR08_damaged_file_is_refused),
        cmocka_unit_test(test_CR08_start_checks_the_file_after_a_kill_alone),
    };
    return cmocka_run_group_tests_name("faults", tests, install, NULL);
}
