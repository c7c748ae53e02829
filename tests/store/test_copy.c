/* Copies of the database that are made while it is used, and databases that were made out of one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/live.h"
#include "core/restore.h"
#include "store/care.h"
#include "store/pauses.h"
#include "store/restored.h"

#include <signal.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BODY_BYTES 20000

/* Where a test's copy stands. */
static struct buf path_of(const struct fixture *f, const char *scheme) {
    struct buf path = {0};
    buf_addf(&path, "%s%s/copy.db", scheme, f->folder.p);
    return path;
}

static void remove_copy(const struct fixture *f) {
    static const char *const tails[] = {"", "-wal", "-shm", ".part"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        BUF_AUTO path = path_of(f, "");
        buf_add_z(&path, tails[i]);
        unlink(path.p);
    }
}

/* Messages with content, in the transaction that is open. */
static void add_messages(struct db *db, int64_t account, uint8_t first, int count) {
    static char bytes[BODY_BYTES];
    for (int i = 0; i < count; i++) {
        int64_t id = make_message(db, account, 1, (uint8_t)(first + i));
        memset(bytes, 'a' + i % 26, sizeof bytes);
        assert_ok(
            body_add(db, &(struct body){.message_id = id, .account_id = account, .content = str_make(bytes, sizeof bytes)}));
    }
}

static int64_t copied(const struct fixture *f, const char *sql) {
    BUF_AUTO url = path_of(f, "sqlite:");
    struct db *db = NULL;
    assert_ok(db_open(&(struct db_options){.url = buf_str(&url)}, NULL, &db));
    assert_ok(db_begin(db));
    struct stmt *s = db_stmt(db, sql);
    assert_int_equal(stmt_step(s), STATUS_ROW);
    int64_t number = stmt_int(s, 0);
    db_close(&db);
    return number;
}

static void finish(const struct fixture *f) {
    BUF_AUTO path = path_of(f, "");
    assert_int_equal(access(path.p, F_OK), -1);
    assert_ok(db_copy_finish(path.p));
    assert_int_equal(db_copy_finish(path.p), STATUS_IO); /* once */
}

static void assert_whole(const struct fixture *f, int64_t messages) {
    BUF_AUTO url = path_of(f, "sqlite:");
    BUF_AUTO why = {0};
    enum status status = restored_check(buf_str(&url), &why);
    if (status != STATUS_OK) print_error("%.*s\n", STR_ARG(buf_str(&why)));
    assert_ok(status);
    assert_int_equal(copied(f, "SELECT count(*) FROM messages"), messages);
    assert_int_equal(copied(f, "SELECT sum(length(content)) FROM bodies"), messages * BODY_BYTES);
}

static void test_a_copy_has_what_was_written_meanwhile(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    if (!fixture_is_sqlite(f)) {
        assert_int_equal(db_copy_begin(f->db, "/nowhere"), STATUS_UNSUPPORTED);
        assert_true(db_error(f->db).n > 0);
        assert_false(db_copy_state(f->db).is_open);
        fixture_free(f);
        return;
    }
    BUF_AUTO path = path_of(f, "");
    int64_t account = make_account(f->db, "a@example.com");
    add_messages(f->db, account, 0, 100);
    assert_ok(db_copy_begin(f->db, path.p)); /* within a transaction, as a job does */
    assert_int_equal(db_copy_begin(f->db, path.p), STATUS_EXISTS);
    assert_ok(db_commit(f->db));
    int steps = 0;
    for (int64_t left = INT64_MAX; db_copy_state(f->db).is_open; steps++) {
        db_copy_step(f->db, 10);
        struct db_copy copy = db_copy_state(f->db);
        assert_true(!copy.is_open || copy.left_pages < left); /* never from the beginning again */
        left = copy.left_pages + 50;                          /* what comes makes it longer */
        assert_ok(db_begin(f->db));
        if (steps < 50) add_messages(f->db, account, (uint8_t)(100 + steps), 1);
        assert_ok(db_commit(f->db));
        if (steps % 7 == 0) assert_int_not_equal(db_checkpoint(f->db, steps % 2 ? 0 : 10), STATUS_IO);
    }
    assert_ok(db_copy_state(f->db).status);
    assert_true(steps > 50);
    finish(f);
    assert_whole(f, 150);
    assert_ok(db_begin(f->db));
    assert_ok(db_exec(f->db, "DELETE FROM messages"));
    assert_ok(db_commit(f->db));
    assert_whole(f, 150); /* it is done: no later write comes into it */
    remove_copy(f);
    fixture_free(f);
}

/* What a transaction wrote that was rolled back is not in it, even where its pages had gone to the WAL. */
static void test_a_copy_has_nothing_that_was_rolled_back(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    if (!fixture_is_sqlite(f)) return fixture_free(f);
    BUF_AUTO path = path_of(f, "");
    int64_t account = make_account(f->db, "a@example.com");
    add_messages(f->db, account, 0, 30);
    assert_ok(db_commit(f->db));
    assert_ok(db_copy_begin(f->db, path.p));
    for (int i = 0; db_copy_state(f->db).is_open; i++) {
        db_copy_step(f->db, 40);
        if (i >= 3) continue;
        assert_ok(db_begin(f->db));
        for (int k = 0; k < 10; k++) add_messages(f->db, account, (uint8_t)(60 + k), 1);
        assert_ok(db_exec(f->db, "DELETE FROM messages WHERE id % 2 = 0"));
        db_rollback(f->db);
    }
    finish(f);
    assert_whole(f, 30);
    remove_copy(f);
    fixture_free(f);
}

static void test_a_copy_that_was_cut_off_is_none(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    if (!fixture_is_sqlite(f)) return fixture_free(f);
    BUF_AUTO path = path_of(f, "");
    BUF_AUTO url = path_of(f, "sqlite:");
    BUF_AUTO why = {0};
    int64_t account = make_account(f->db, "a@example.com");
    add_messages(f->db, account, 0, 100);
    assert_ok(db_commit(f->db));
    db_close(&f->db);
    pid_t child = fork();
    if (child == 0) {
        struct db *db = fixture_connect(f, false);
        if (db_copy_begin(db, path.p) == STATUS_OK) db_copy_step(db, 60);
        (void)kill(getpid(), SIGKILL);
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(WTERMSIG(how), SIGKILL);
    BUF_AUTO part = path_of(f, "");
    buf_add_z(&part, ".part");
    assert_int_equal(access(path.p, F_OK), -1); /* it never had its name */
    assert_int_equal(access(part.p, F_OK), 0);
    assert_int_not_equal(restored_check(buf_str(&url), &why), STATUS_OK); /* no file: an empty one is made, and is none of ours */
    assert_true(why.n > 0);
    remove_copy(f);
    int left = creat(part.p, 0600);
    assert_true(left >= 0);
    close(left);
    assert_ok(store_open(buf_str(&f->url), &why)); /* the database does not care */
    f->db = fixture_connect(f, false);
    assert_ok(db_copy_begin(f->db, path.p)); /* what was left is replaced */
    db_copy_step(f->db, 10);
    db_copy_cancel(f->db);
    assert_int_equal(db_copy_state(f->db).status, STATUS_CANCELLED);
    assert_int_equal(access(part.p, F_OK), -1);
    assert_ok(db_copy_begin(f->db, path.p));
    db_copy_step(f->db, 1000000);
    assert_ok(db_copy_state(f->db).status);
    finish(f);
    assert_int_equal(access(part.p, F_OK), -1);
    assert_int_equal(db_copy_begin(f->db, path.p), STATUS_TEMPORARY); /* one that is whole stays */
    assert_whole(f, 100);
    remove_copy(f);
    fixture_free(f);
}

/* No file may grow beyond that. */
static void allow_files(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_P7_a_copy_that_fails_leaves_the_database_well(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    if (!fixture_is_sqlite(f)) return fixture_free(f);
    int64_t account = make_account(f->db, "a@example.com");
    BUF_AUTO path = path_of(f, "");
    assert_int_equal(db_copy_begin(f->db, f->folder.p), STATUS_TEMPORARY); /* no file: it stays */
    assert_int_equal(db_copy_begin(f->db, "/nowhere/copy"), STATUS_TEMPORARY);
    BUF_AUTO why = {0};
    assert_int_equal(store_copy_begin(f->db, path.p, INT64_MAX, &why), STATUS_TEMPORARY); /* what is kept free */
    assert_true(str_find_str(buf_str(&why), STR("no room")) != STR_NONE);
    assert_false(db_copy_state(f->db).is_open);
    add_messages(f->db, account, 0, 9);
    assert_ok(db_commit(f->db));
    assert_ok(db_copy_begin(f->db, path.p));
    allow_files(100000);
    for (int i = 0; i < 100 && db_copy_state(f->db).is_open; i++) db_copy_step(f->db, 100);
    allow_files(RLIM_INFINITY);
    assert_false(db_copy_state(f->db).is_open);
    assert_int_not_equal(db_copy_state(f->db).status, STATUS_OK);
    buf_add_z(&path, ".part");
    assert_int_equal(access(path.p, F_OK), -1); /* it may be what fills the disk */
    assert_false(db_is_lost(f->db));
    assert_ok(db_begin(f->db));
    add_messages(f->db, account, 10, 3);
    assert_ok(db_commit(f->db));
    fixture_free(f);
}

/* ---- the writer's ---- */

struct copier {
    struct job job;
    const char *path; /* NULL: only look */
    struct db_copy seen;
};

static enum status copier_run(struct job *job, void *ctx) {
    struct copier *c = (struct copier *)(void *)job;
    if (c->path) return db_copy_begin(ctx, c->path);
    c->seen = db_copy_state(ctx);
    return STATUS_OK;
}

static void test_the_writer_copies_between_its_batches(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    if (!fixture_is_sqlite(f)) return fixture_free(f);
    add_messages(f->db, make_account(f->db, "a@example.com"), 0, 200);
    assert_ok(db_commit(f->db));
    db_close(&f->db);
    BUF_AUTO path = path_of(f, "");
    void *ctx = NULL;
    struct copier begin = {.job.run = copier_run, .path = path.p}, look = {.job.run = copier_run};
    struct job *first = &begin.job, *next = &look.job;
    assert_ok(writer_start(&f->options, &ctx));
    writer_batch(ctx, &first, 1);
    assert_ok(begin.job.status);
    int batches = 0;
    do {
        writer_batch(ctx, &next, 1);
        assert_ok(look.job.status);
    } while (look.seen.is_open && ++batches < 1000);
    assert_true(batches >= 3);
    assert_ok(look.seen.status);
    writer_stop(ctx);
    finish(f);
    assert_whole(f, 200);
    remove_copy(f);
    fixture_free(f);
}

/* ---- out of a copy ---- */

static void test_P2_P9_a_restored_database_holds_its_queue_and_repeats_no_number(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), message = make_message(f->db, account, 1, 1), event = 0;
    fixture_commit(f);
    assert_ok(restore_hold(f->db, NOW + 5));
    assert_ok(restore_hold(f->db, NOW + 6));
    fixture_commit(f);
    struct pause_list pauses;
    assert_ok(pause_find_all(f->db, &f->arena, NOW + 10, &pauses));
    assert_int_equal(pauses.count, 1);
    assert_int_equal(pauses.items[0].kind, LIVE_PAUSE_ALL);
    assert_int_equal(pauses.items[0].until, INT64_MAX);
    assert_true(str_find_str(pauses.items[0].because, STR("2026-")) != STR_NONE);
    assert_true(make_message(f->db, account, 1, 2) > message + RESTORED_GAP);
    struct event e = {.at = NOW, .type = EVENT_SEND, .recipient = STR("b@example.net")};
    assert_ok(event_record(f->db, &e, &event));
    assert_true((event & INT32_MAX) > RESTORED_GAP);
    assert_true(make_account(f->db, "b@example.com") > RESTORED_GAP);
    assert_true(make_recipient(f->db, message, account, "example.net", NOW) > RESTORED_GAP); /* of a table that was empty, too */
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_has_what_was_written_meanwhile),
        cmocka_unit_test(test_a_copy_has_nothing_that_was_rolled_back),
        cmocka_unit_test(test_a_copy_that_was_cut_off_is_none),
        cmocka_unit_test(test_P7_a_copy_that_fails_leaves_the_database_well),
        cmocka_unit_test(test_the_writer_copies_between_its_batches),
        cmocka_unit_test(test_P2_P9_a_restored_database_holds_its_queue_and_repeats_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
