/* writer.c - batches of jobs in one transaction, and what becomes of them when it fails.
 *
 *   attempt(all) -- settled                    every job has its status, its writes stand or don't
 *                -- again (CONFLICT)           attempt(all), at most WRITER_TRIES times, then split
 *                -- split (engine failed, or a refusing job had written)   attempt(each) alone
 *                -- lost (commit's outcome unknown: UNKNOWN; disk or file bad: IO; our life over: CANCELLED)
 *                                              the writer is closed, `fatal`
 *
 * A job alone ends settled or lost: there is nothing left to split.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/writer.h"

#include "db/db.h"
#include "store/feed.h"
#include "store/nodes.h"

#include <stdlib.h>
#include <unistd.h>

/* Small steps: a checkpoint of 64 MB stalls the writer for 100 ms, of 4 MB for a few, and costs less in all (the WAL's blocks
 * stay in the cache and are written over). */
#define WAL_IDLE_BYTES (1LL << 20) /* below, not worth its syncs in an idle gap */
#define WAL_STEP_BYTES (4LL << 20) /* between two batches */
#define WAL_TRY_BYTES  (1LL << 20) /* while readers are shut out */
#define WAL_WAIT_MS    1000        /* beyond WRITER_WAL_MAX_BYTES: wait for readers; a snapshot lives no longer */

enum outcome { SETTLED, AGAIN, SPLIT, LOST };

struct writer {
    struct db *db;
    const struct writer_options *options;
    int64_t checkpoint_at_bytes; /* of the WAL */
    bool is_over;                /* our life of the node is */
    bool is_closed;              /* nothing may be read or written any more */
};

static enum status open_for(const struct writer_options *options, bool read_only, void **ret_ctx) {
    struct writer *w = calloc(1, sizeof *w);
    if (!w) abort();
    w->options = options;
    w->checkpoint_at_bytes = WAL_STEP_BYTES;
    enum status st = db_open(&(struct db_options){.url = options->url, .read_only = read_only}, NULL, &w->db);
    if (st != STATUS_OK) {
        free(w);
        return st;
    }
    if (options->has_feed) feed_expect(w->db);
    *ret_ctx = w;
    return STATUS_OK;
}

static void close_ctx(void *ctx) {
    struct writer *w = ctx;
    db_close(&w->db);
    free(w);
}

static void set_all(struct job *const *jobs, size_t n, enum status st) {
    for (size_t i = 0; i < n; i++) jobs[i]->status = st;
}

/* First in each transaction: may we still work? */
static enum status check_owner(struct writer *w, enum status (*look)(struct db *, const struct node_epoch *, bool *)) {
    bool is_current = true;
    enum status st = w->options->owner ? look(w->db, w->options->owner, &is_current) : STATUS_OK;
    w->is_over = st == STATUS_OK && !is_current;
    return st;
}

/* ---- one transaction ---- */

/* Run jobs until one of them spoils the transaction. *ret_wrote: a refusing job had written. */
static enum status run_jobs(struct db *db, struct job *const *jobs, size_t n, bool *ret_wrote) {
    for (size_t i = 0; i < n; i++) {
        int64_t before = db_total_changes(db);
        jobs[i]->status = jobs[i]->run(jobs[i], db);
        if (db_broken(db) != STATUS_OK) return db_broken(db);
        *ret_wrote = jobs[i]->status != STATUS_OK && db_total_changes(db) != before;
        if (*ret_wrote) return STATUS_OK;
    }
    return STATUS_OK;
}

/* The transaction failed, definitely or not. can_split: its jobs may do better one by one. */
static enum outcome judge(struct writer *w, struct job *const *jobs, size_t n, enum status st, bool can_split) {
    metrics_add(w->options->metrics, METRIC_WRITER_ERRORS, 1);
    if (st == STATUS_UNKNOWN || db_is_lost(w->db)) {
        set_all(jobs, n, st == STATUS_UNKNOWN ? st : STATUS_IO);
        return LOST;
    }
    if (st == STATUS_CONFLICT) return AGAIN;
    if (can_split) return SPLIT;
    set_all(jobs, n, st);
    return SETTLED;
}

static enum outcome attempt(struct writer *w, struct job *const *jobs, size_t n) {
    enum status st = db_begin(w->db);
    if (st != STATUS_OK) return judge(w, jobs, n, st, false); /* no server: the same for each */
    bool wrote = false;
    st = check_owner(w, node_hold);
    if (w->is_over) {
        db_rollback(w->db);
        set_all(jobs, n, STATUS_CANCELLED);
        return LOST;
    }
    if (st == STATUS_OK) st = run_jobs(w->db, jobs, n, &wrote);
    if (st == STATUS_OK && wrote) {
        db_rollback(w->db);
        return n > 1 ? SPLIT : SETTLED;
    }
    if (st == STATUS_OK) st = db_commit(w->db);
    if (st == STATUS_OK && db_marks(w->db) && w->options->committed)
        w->options->committed(w->options->committed_arg, db_marks(w->db));
    db_rollback(w->db);
    return st == STATUS_OK ? SETTLED : judge(w, jobs, n, st, n > 1);
}

static enum outcome attempt_often(struct writer *w, struct job *const *jobs, size_t n) {
    for (int i = 0; i < WRITER_TRIES; i++) {
        enum outcome outcome = attempt(w, jobs, n);
        if (outcome != AGAIN) return outcome;
    }
    if (n > 1) return SPLIT;
    set_all(jobs, n, STATUS_TEMPORARY);
    return SETTLED;
}

/* ---- the batch ---- */

static void stop_working(struct writer *w) {
    struct str why = w->is_over ? STR("another gateway has taken over this database") : db_error(w->db);
    w->is_closed = true;
    w->options->fatal(w->options->fatal_arg, why);
}

static void run_apart(struct writer *w, struct job *const *jobs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (attempt_often(w, jobs + i, 1) != LOST) continue;
        set_all(jobs + i + 1, n - i - 1, STATUS_CANCELLED);
        stop_working(w);
        return;
    }
}

static void checkpoint(struct writer *w, int wait_ms) {
    enum status st = db_checkpoint(w->db, wait_ms);
    if (st != STATUS_OK && st != STATUS_TEMPORARY) stop_working(w);
}

static void set_gate(const struct writer *w, int64_t wal_bytes) {
    if (w->options->gate) atomic_store(&w->options->gate->wal_bytes, wal_bytes);
}

static void move_wal(struct writer *w, int wait_ms) {
    set_gate(w, db_wal_bytes(w->db));
    checkpoint(w, wait_ms);
    int64_t bytes = db_wal_bytes(w->db);
    bool is_tried = bytes > WRITER_GATE_BACKGROUND && bytes <= WRITER_WAL_MAX_BYTES;
    set_gate(w, bytes);
    w->checkpoint_at_bytes = bytes + (is_tried ? WAL_TRY_BYTES : WAL_STEP_BYTES);
}

/* Keep the WAL short; readers that never rest would let it grow without end, so beyond the bound they are waited for. */
static void bound_wal(struct writer *w) {
    int64_t bytes = db_wal_bytes(w->db);
    if (!w->is_closed && bytes >= w->checkpoint_at_bytes) move_wal(w, bytes > WRITER_WAL_MAX_BYTES ? WAL_WAIT_MS : 0);
}

enum status writer_start(void *arg, void **ret_ctx) {
    return open_for(arg, false, ret_ctx);
}

void writer_batch(void *ctx, struct job *const *jobs, size_t n) {
    struct writer *w = ctx;
    if (w->is_closed) {
        set_all(jobs, n, STATUS_CANCELLED);
        return;
    }
    enum outcome outcome = attempt_often(w, jobs, n);
    if (outcome == SPLIT) run_apart(w, jobs, n);
    if (outcome == LOST) stop_working(w);
    metrics_add(w->options->metrics, METRIC_WRITER_BATCHES, 1);
    metrics_add(w->options->metrics, METRIC_WRITER_JOBS, (int64_t)n);
    bound_wal(w);
    if (!w->is_closed) db_copy_step(w->db, WRITER_COPY_PAGES);
}

void writer_idle(void *ctx) {
    struct writer *w = ctx;
    if (!w->is_closed && db_wal_bytes(w->db) >= WAL_IDLE_BYTES) move_wal(w, 0);
}

void writer_stop(void *ctx) {
    set_gate(ctx, 0);
    close_ctx(ctx);
}

/* ---- readers ---- */

enum status reader_start(void *arg, void **ret_ctx) {
    return open_for(arg, true, ret_ctx);
}

/* A new snapshot for the job alone: the batch's was broken. */
static void read_alone(struct db *db, struct job *job) {
    for (int i = 0; i < WRITER_TRIES; i++) {
        enum status st = db_begin(db);
        if (st == STATUS_OK) job->status = job->run(job, db);
        if (st == STATUS_OK) st = db_broken(db);
        db_rollback(db);
        if (st == STATUS_OK) return;
        job->status = st == STATUS_CONFLICT ? STATUS_TEMPORARY : st;
        if (st != STATUS_CONFLICT) return;
    }
}

/* Who waited long enough opens it: the writer may have nothing to do any more, and shuts it again where it has. */
static void pass_gate(const struct writer *w) {
    const struct writer_options *o = w->options;
    if (!o->gate_bytes || !o->gate) return;
    int ms = 0;
    while (ms < WRITER_GATE_MS && atomic_load(&o->gate->wal_bytes) > o->gate_bytes) ms++, usleep(1000);
    if (ms == WRITER_GATE_MS) set_gate(w, 0);
}

void reader_batch(void *ctx, struct job *const *jobs, size_t n) {
    struct writer *w = ctx;
    pass_gate(w);
    struct db *db = w->db;
    size_t done = 0;
    enum status st = w->is_closed ? STATUS_CANCELLED : db_begin(db);
    if (st != STATUS_OK && st != STATUS_CONFLICT) {
        set_all(jobs, n, st);
        return;
    }
    if (st == STATUS_OK) st = check_owner(w, node_is_current);
    if (w->is_over) {
        db_rollback(db);
        set_all(jobs, n, STATUS_CANCELLED);
        stop_working(w);
        return;
    }
    while (st == STATUS_OK && done < n) {
        jobs[done]->status = jobs[done]->run(jobs[done], db);
        st = db_broken(db);
        if (st == STATUS_OK) done++;
    }
    db_rollback(db);
    for (; done < n; done++) read_alone(db, jobs[done]);
}

void reader_stop(void *ctx) {
    close_ctx(ctx);
}
