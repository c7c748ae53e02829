/* test_writer.c - one transaction a batch, and what becomes of its jobs when something fails (P1, P3, P7).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <sys/stat.h>

enum behaviour {
    WRITES,             /* an account */
    REFUSES,            /* checks, says DENIED, writes nothing */
    WRITES_AND_REFUSES, /* breaks the rule */
    MARKS,              /* an account, and leaves a mark */
    BREAKS,             /* the engine fails under it */
    SWALLOWS,           /* the engine fails under it, and it says OK */
    CONFLICTS_ONCE,     /* PostgreSQL: another connection changes the row first, the first time */
    LOSES_CONNECTION,   /* PostgreSQL: before its statement, the first time */
    LOSES_COMMIT,       /* PostgreSQL: after its statement */
    FILLS_DISK,         /* SQLite: more than max_page_count allows */
};
struct test_job {
    struct job job;
    enum behaviour behaviour;
    const char *email;
    int runs;
    struct fixture *f;
};

static enum status write_account(struct db *tx, const char *email) {
    struct account account = {.email = str_from_z(email), .password_hash = TEXT("x"), .is_active = true};
    int64_t id = 0;
    return account_add(tx, &account, &id);
}

static void elsewhere(struct fixture *f, const char *sql) {
    struct db *db = fixture_connect(f, false);
    assert_ok(db_exec(db, sql));
    db_close(&db);
}

static void kill_backend(struct test_job *t) {
    elsewhere(t->f, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
                    "application_name = 'posthorn'");
}

static enum status conflict(struct test_job *t, struct db *tx) {
    struct account found;
    enum status st = account_find(tx, &t->f->arena, TEXT("row@example.com"), &found);
    if (st != STATUS_OK) return st;
    if (t->runs == 1) elsewhere(t->f, "UPDATE accounts SET is_verified = 1 - is_verified");
    struct stmt *s = db_stmt(tx, "UPDATE accounts SET is_active = 0 WHERE id = ?1");
    stmt_bind_int(s, 1, found.id);
    return stmt_run(s);
}

static enum status fill_disk(struct db *tx) {
    static const char mebibyte[1 << 20];
    if (db_exec(tx, "PRAGMA max_page_count = 100") != STATUS_OK) return STATUS_IO;
    struct inbox_mail mail = {.recipients = TEXT("[]"), .content = {mebibyte, sizeof mebibyte}};
    int64_t id = 0;
    return inbox_add(tx, &mail, &id);
}

static enum status run(struct job *job, void *ctx) {
    struct test_job *t = (struct test_job *)(void *)job;
    struct db *tx = ctx;
    enum status st = STATUS_OK;
    t->runs++;
    switch (t->behaviour) {
    case WRITES:
        return write_account(tx, t->email);
    case REFUSES:
        return STATUS_DENIED;
    case WRITES_AND_REFUSES:
        st = write_account(tx, t->email);
        return st == STATUS_OK ? STATUS_LIMIT : st;
    case MARKS:
        db_mark(tx, 4);
        return write_account(tx, t->email);
    case BREAKS:
        return body_add(tx, &(struct body){.message_id = 4711, .content = TEXT("x")});
    case SWALLOWS:
        return body_add(tx, &(struct body){.message_id = 4711, .content = TEXT("x")}) == STATUS_OK ? STATUS_IO : STATUS_OK;
    case CONFLICTS_ONCE:
        return conflict(t, tx);
    case LOSES_CONNECTION:
        if (t->runs == 1) kill_backend(t);
        return write_account(tx, t->email);
    case LOSES_COMMIT:
        st = write_account(tx, t->email);
        kill_backend(t);
        return st;
    case FILLS_DISK:
        return fill_disk(tx);
    }
    return STATUS_IO;
}

#define MAX_JOBS 8
/* Run one batch on a new writer; statuses are in jobs[]. */
static void batch(struct fixture *f, struct test_job *jobs, size_t n) {
    struct job *list[MAX_JOBS];
    void *ctx = NULL;
    assert_ok(writer_start(&f->options, &ctx));
    for (size_t i = 0; i < n; i++) {
        jobs[i].f = f;
        jobs[i].job.run = run;
        jobs[i].job.status = STATUS_TIMEOUT;
        list[i] = &jobs[i].job;
    }
    writer_batch(ctx, list, n);
    writer_idle(ctx);
    writer_stop(ctx);
}

static int64_t stored_accounts(struct fixture *f) {
    return fixture_number(f, "SELECT count(*) FROM accounts");
}

static void test_P1_batch_commits_once(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    struct test_job jobs[] = {{.email = "a"}, {.email = "b"}, {.email = "c"}};
    batch(f, jobs, 3);
    for (int i = 0; i < 3; i++) {
        assert_ok(jobs[i].job.status);
        assert_int_equal(jobs[i].runs, 1);
    }
    assert_int_equal(stored_accounts(f), 3);
    assert_int_equal(f->metrics.value[METRIC_WRITER_BATCHES], 1);
    assert_int_equal(f->metrics.value[METRIC_WRITER_JOBS], 3);
    assert_int_equal(f->metrics.value[METRIC_WRITER_ERRORS], 0);
    fixture_free(f);
}

static void test_refusal_spoils_nothing(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    struct test_job jobs[] = {{.email = "a"}, {.behaviour = REFUSES}, {.email = "a"}, {.email = "b"}};
    batch(f, jobs, 4);
    assert_ok(jobs[0].job.status);
    assert_int_equal(jobs[1].job.status, STATUS_DENIED);
    assert_int_equal(jobs[2].job.status, STATUS_EXISTS);
    assert_ok(jobs[3].job.status);
    for (int i = 0; i < 4; i++) assert_int_equal(jobs[i].runs, 1);
    assert_int_equal(stored_accounts(f), 2);
    fixture_free(f);
}

static void test_P3_refusal_after_writing_is_undone(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    struct test_job jobs[] = {{.email = "a"}, {.behaviour = WRITES_AND_REFUSES, .email = "b"}, {.email = "c"}};
    batch(f, jobs, 3);
    assert_ok(jobs[0].job.status);
    assert_int_equal(jobs[1].job.status, STATUS_LIMIT);
    assert_ok(jobs[2].job.status);
    assert_int_equal(stored_accounts(f), 2);
    struct test_job alone[] = {{.behaviour = WRITES_AND_REFUSES, .email = "d"}};
    batch(f, alone, 1);
    assert_int_equal(alone[0].job.status, STATUS_LIMIT);
    assert_int_equal(stored_accounts(f), 2);
    fixture_free(f);
}

struct marked {
    int count;
    unsigned marks;
};

static void on_committed(void *arg, unsigned marks) {
    struct marked *m = arg;
    m->count++;
    m->marks = marks;
}

static void test_P3_marks_are_told_once_and_after_the_commit(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    struct marked marked = {0};
    f->options.committed = on_committed;
    f->options.committed_arg = &marked;
    struct test_job none[] = {{.email = "a"}, {.behaviour = REFUSES}};
    batch(f, none, 2);
    assert_int_equal(marked.count, 0);
    struct test_job two[] = {{.behaviour = MARKS, .email = "b"}, {.behaviour = MARKS, .email = "c"}};
    batch(f, two, 2);
    assert_int_equal(marked.count, 1);
    assert_int_equal(marked.marks, 4);
    struct test_job undone[] = {
        {.behaviour = MARKS, .email = "d"}, {.behaviour = WRITES_AND_REFUSES, .email = "e"}, {.email = "f"}};
    batch(f, undone, 3);
    assert_int_equal(undone[0].runs, 2);
    assert_int_equal(marked.count, 2); /* not for the batch that was rolled back */
    fixture_free(f);
}

static void test_P7_engine_error_hits_its_job_alone(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    struct test_job jobs[] = {{.email = "a"}, {.behaviour = BREAKS}, {.email = "b"}, {.behaviour = SWALLOWS}, {.email = "c"}};
    batch(f, jobs, 5);
    assert_ok(jobs[0].job.status);
    assert_int_equal(jobs[1].job.status, STATUS_IO);
    assert_ok(jobs[2].job.status);
    assert_int_equal(jobs[3].job.status, STATUS_IO); /* never OK, whatever the job says */
    assert_ok(jobs[4].job.status);
    assert_int_equal(stored_accounts(f), 3);
    assert_int_equal(f->fatal_count, 0);
    fixture_free(f);
}

static void test_DB03_bad_text_hits_its_job_alone(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    struct test_job jobs[] = {{.email = "a"}, {.email = "\xff"}, {.email = "b"}};
    batch(f, jobs, 3);
    assert_ok(jobs[0].job.status);
    assert_int_equal(jobs[1].job.status, STATUS_INVALID);
    assert_ok(jobs[2].job.status);
    assert_int_equal(jobs[2].runs, 1);
    assert_int_equal(stored_accounts(f), 2);
    fixture_free(f);
}

static void test_RS01_full_disk_is_no_success(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    if (fixture_is_sqlite(f)) {
        struct test_job jobs[] = {{.email = "a"}, {.behaviour = FILLS_DISK}, {.email = "b"}};
        batch(f, jobs, 3);
        assert_ok(jobs[0].job.status);
        assert_int_equal(jobs[1].job.status, STATUS_TEMPORARY);
        assert_ok(jobs[2].job.status);
        assert_int_equal(stored_accounts(f), 2);
        assert_int_equal(fixture_number(f, "SELECT count(*) FROM inbox"), 0);
        assert_int_equal(f->fatal_count, 0);
    }
    fixture_free(f);
}

static void test_DB09_conflict_runs_the_batch_again(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    if (!fixture_is_sqlite(f)) {
        struct test_job first[] = {{.email = "row@example.com"}};
        batch(f, first, 1);
        struct test_job jobs[] = {{.email = "a"}, {.behaviour = CONFLICTS_ONCE}};
        batch(f, jobs, 2);
        assert_ok(jobs[0].job.status);
        assert_ok(jobs[1].job.status);
        assert_int_equal(jobs[0].runs, 2);
        assert_int_equal(jobs[1].runs, 2);
        assert_int_equal(fixture_number(f, "SELECT count(*) FROM accounts WHERE is_active = 0 AND is_verified = 1"), 1);
    }
    fixture_free(f);
}

static void test_lost_connection_before_commit_is_definite(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    if (!fixture_is_sqlite(f)) {
        struct test_job jobs[] = {{.email = "a"}, {.behaviour = LOSES_CONNECTION, .email = "b"}};
        batch(f, jobs, 2);
        assert_ok(jobs[0].job.status);
        assert_ok(jobs[1].job.status);
        assert_int_equal(jobs[1].runs, 2);
        assert_int_equal(stored_accounts(f), 2);
        assert_int_equal(f->fatal_count, 0);
    }
    fixture_free(f);
}

static void test_CR11_connection_lost_at_commit_stops_the_process(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    if (!fixture_is_sqlite(f)) {
        struct test_job jobs[] = {{.email = "a"}, {.behaviour = LOSES_COMMIT, .email = "b"}};
        batch(f, jobs, 2);
        assert_int_equal(jobs[0].job.status, STATUS_UNKNOWN);
        assert_int_equal(jobs[1].job.status, STATUS_UNKNOWN);
        assert_int_equal(jobs[1].runs, 1); /* never again */
        assert_int_equal(f->fatal_count, 1);
    }
    fixture_free(f);
}

static enum status write_four_megabytes(struct job *job, void *ctx) {
    static const char content[4 << 20];
    struct inbox_mail mail = {.recipients = TEXT("[]"), .content = {content, sizeof content}};
    int64_t id = 0;
    (void)job;
    return inbox_add(ctx, &mail, &id);
}

/* P8: the WAL stays short under writes that leave no idle gap (RS09). */
static void test_RS09_wal_stays_short(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    void *ctx = NULL;
    assert_ok(writer_start(&f->options, &ctx));
    struct job job = {.run = write_four_megabytes}, *list[] = {&job};
    for (int i = 0; i < 8; i++) {
        writer_batch(ctx, list, 1);
        assert_ok(job.status);
    }
    if (fixture_is_sqlite(f)) {
        BUF_AUTO path = {0};
        struct stat file;
        buf_addf(&path, "%s/posthorn.db-wal", f->folder.p);
        assert_int_equal(stat(path.p, &file), 0);
        assert_true(file.st_size < 10 << 20);
    }
    writer_stop(ctx);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM inbox"), 8);
    fixture_free(f);
}

/* ---- readers ---- */

struct long_read {
    struct job job;
    void *writer;
    const struct writer_gate *gate;
};

static enum status write_meanwhile(struct job *job, void *ctx) {
    const struct long_read *r = (struct long_read *)(void *)job;
    struct job write = {.run = write_four_megabytes}, *list[] = {&write};
    struct stmt *s = db_stmt(ctx, "SELECT count(*) FROM inbox"); /* the snapshot begins */
    assert_int_equal(stmt_step(s), STATUS_ROW);
    assert_int_equal(atomic_load(&r->gate->wal_bytes), 0);
    for (int i = 0; i < 8; i++) writer_batch(r->writer, list, 1);
    writer_idle(r->writer); /* there are idle gaps under any load */
    return write.status;
}

/* P8: while a snapshot keeps the WAL from beginning anew no further long one begins, and as soon as it is gone all may again. */
static void test_RS09_long_reads_give_way_to_the_wal(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    struct writer_gate gate = {0};
    void *writer = NULL, *reader = NULL;
    f->options.gate = &gate;
    struct writer_options long_reads = f->options;
    long_reads.gate_bytes = WRITER_GATE_BACKGROUND;
    assert_ok(writer_start(&f->options, &writer));
    assert_ok(reader_start(&long_reads, &reader));
    struct long_read read = {{.run = write_meanwhile}, writer, &gate};
    struct job write = {.run = write_four_megabytes}, *reads[] = {&read.job}, *writes[] = {&write};
    reader_batch(reader, reads, 1);
    assert_ok(read.job.status);
    assert_int_equal(atomic_load(&gate.wal_bytes) > WRITER_GATE_BACKGROUND, fixture_is_sqlite(f));
    writer_batch(writer, writes, 1);
    assert_ok(write.status);
    assert_int_equal(atomic_load(&gate.wal_bytes), 0);
    atomic_store(&gate.wal_bytes, WRITER_GATE_SEARCH); /* by a writer that has nothing to do any more */
    reader_batch(reader, writes, 0);
    assert_int_equal(atomic_load(&gate.wal_bytes), 0);
    reader_stop(reader);
    writer_stop(writer);
    f->options.gate = NULL;
    fixture_free(f);
}

struct reader_job {
    struct job job;
    struct fixture *f;
    int64_t seen_first, seen_second;
    enum behaviour behaviour;
};

static int64_t count_in(struct db *tx) {
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM accounts");
    assert_int_equal(stmt_step(s), STATUS_ROW);
    return stmt_int(s, 0);
}

static enum status read_twice(struct job *job, void *ctx) {
    struct reader_job *r = (struct reader_job *)(void *)job;
    if (r->behaviour == WRITES) return write_account(ctx, "reader");
    if (r->behaviour == BREAKS) return body_add(ctx, &(struct body){.message_id = 4711, .content = TEXT("x")});
    r->seen_first = count_in(ctx);
    struct test_job write[] = {{.email = "late"}};
    batch(r->f, write, 1);
    assert_ok(write[0].job.status);
    r->seen_second = count_in(ctx);
    return STATUS_OK;
}

static void test_reader_sees_one_snapshot_and_cannot_write(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    void *ctx = NULL;
    assert_ok(reader_start(&f->options, &ctx));
    struct reader_job jobs[] = {{.job.run = read_twice, .behaviour = WRITES},
                                {.job.run = read_twice, .f = f, .behaviour = REFUSES},
                                {.job.run = read_twice, .behaviour = BREAKS}};
    struct job *list[] = {&jobs[0].job, &jobs[1].job, &jobs[2].job};
    reader_batch(ctx, list, 3);
    assert_int_not_equal(jobs[0].job.status, STATUS_OK);
    assert_ok(jobs[1].job.status); /* a broken neighbour does not hurt */
    assert_int_equal(jobs[1].seen_first, jobs[1].seen_second);
    assert_int_not_equal(jobs[2].job.status, STATUS_OK);
    reader_stop(ctx);
    assert_int_equal(stored_accounts(f), 1);
    fixture_free(f);
}

/* On both engines: nothing runs, nothing stands, and the process is told once; on PostgreSQL another gateway does such a thing.
 */
static void test_P4_P7_nothing_is_written_after_our_life(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct node_epoch owner = make_node(f->db);
    assert_ok(db_commit(f->db));
    f->options.owner = &owner;
    struct test_job before[] = {{.email = "before"}};
    batch(f, before, 1);
    assert_ok(before[0].job.status);
    struct reader_job read = {.job.run = read_twice, .f = f, .behaviour = REFUSES};
    struct job *list[] = {&read.job};
    void *reader = NULL;
    assert_ok(reader_start(&f->options, &reader));
    reader_batch(reader, list, 1);
    assert_ok(read.job.status);
    assert_int_equal(f->fatal_count, 0);

    assert_ok(db_begin(f->db));
    (void)make_node(f->db); /* the next life */
    assert_ok(db_commit(f->db));
    struct test_job after[] = {{.email = "after"}, {.behaviour = REFUSES}};
    batch(f, after, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(after[i].job.status, STATUS_CANCELLED);
        assert_int_equal(after[i].runs, 0);
    }
    assert_int_equal(f->fatal_count, 1);
    for (int i = 0; i < 2; i++) {
        reader_batch(reader, list, 1);
        assert_int_equal(read.job.status, STATUS_CANCELLED);
        assert_int_equal(f->fatal_count, 2);
    }
    reader_stop(reader);
    assert_int_equal(stored_accounts(f), 2); /* "before", and the one the reader's job wrote beside */
    fixture_free(f);
}

int run_writer(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P1_batch_commits_once),
        cmocka_unit_test(test_refusal_spoils_nothing),
        cmocka_unit_test(test_P3_refusal_after_writing_is_undone),
        cmocka_unit_test(test_P3_marks_are_told_once_and_after_the_commit),
        cmocka_unit_test(test_P7_engine_error_hits_its_job_alone),
        cmocka_unit_test(test_DB03_bad_text_hits_its_job_alone),
        cmocka_unit_test(test_RS01_full_disk_is_no_success),
        cmocka_unit_test(test_DB09_conflict_runs_the_batch_again),
        cmocka_unit_test(test_lost_connection_before_commit_is_definite),
        cmocka_unit_test(test_CR11_connection_lost_at_commit_stops_the_process),
        cmocka_unit_test(test_RS09_wal_stays_short),
        cmocka_unit_test(test_RS09_long_reads_give_way_to_the_wal),
        cmocka_unit_test(test_reader_sees_one_snapshot_and_cannot_write),
        cmocka_unit_test(test_P4_P7_nothing_is_written_after_our_life),
    };
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
