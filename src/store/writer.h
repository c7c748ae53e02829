/* writer.h - the one thread that writes, and the readers: callbacks for net/executor.h.
 *
 * A batch is one transaction: its jobs run in order, then one COMMIT answers for all (group commit; P1, P3, P7).
 *
 *   job says OK                     its writes stand if the commit does
 *   job says anything else          a refusal: none of its writes stand. A job checks first and writes afterwards, so there are
 *                                   none as a rule; if there are, or the engine failed, the batch is rolled back and its jobs run
 *                                   again one by one, each in its own transaction
 *   engine says CONFLICT            definite: the whole transaction again, at most WRITER_TRIES times, then TEMPORARY
 *   no room (SQLITE_FULL)           TEMPORARY; nothing stands, the process goes on
 *   commit fails, definite          one by one
 *   commit fails, outcome unknown   (failed write or fsync, connection lost) every job UNKNOWN, then `fatal`
 *   the disk fails or the file is   (SQLite, in any statement) every job IO, then `fatal`
 *   damaged
 *   our life of the node is over    (looked at first in each transaction, readers' too) no job runs, each is CANCELLED, then
 *                                   `fatal`: another gateway delivers now, and would not find what we still accepted (P4, P7)
 *
 * After `fatal` nothing is tried again: jobs that come get CANCELLED.
 *
 * Between batches and in idle gaps the writer moves the WAL into the file, in small steps (SQLite; nobody else does).
 *
 * A copy of the database that a job began (db_copy_begin) goes on by WRITER_COPY_PAGES after each batch; jobs that look how far
 * it is keep it going when nobody else writes. Nobody waits for more than such a step, and no snapshot is held for it.
 *
 * A job may therefore run more than once; it resets its outputs at the top (base/job.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_WRITER_H
#define POSTHORN_STORE_WRITER_H

#include "base/job.h"
#include "base/metrics.h"
#include "base/str.h"
#include "store/queue.h"

#include <stdatomic.h>

#define WRITER_BATCH_JOBS    1000
#define WRITER_BATCH_BYTES   ((size_t)8 << 20)
#define WRITER_TRIES         5
#define WRITER_COPY_PAGES    256          /* of a copy of the database (db_copy_begin), after each batch: a millisecond or two */
#define WRITER_WAL_MAX_BYTES (64LL << 20) /* beyond, a checkpoint waits for readers */

/* The WAL begins anew only in a moment without snapshots, and those of long reads overlap for ever. So they are shut out until it
 * did, those who have time first, while the WAL is far from its bound: else the writer would have to wait for them, and everybody
 * for it. */
struct writer_gate {
    atomic_llong wal_bytes; /* that snapshots keep the writer from moving */
};
#define WRITER_GATE_MS         500         /* and then they read all the same */
#define WRITER_GATE_BACKGROUND (8LL << 20) /* of the WAL: where they are shut out */
#define WRITER_GATE_SEARCH     (32LL << 20)

/* For executor_options.arg; must outlive the executor. */
struct writer_options {
    struct str url;                 /* db.h */
    struct metrics *metrics;        /* may be NULL */
    const struct node_epoch *owner; /* whose life must last; NULL: nobody's */
    bool has_feed;                  /* events that are written go to the operator's feed (store/feed.h) */
    /* The outcome of a commit is unknown, the disk failed, the file is damaged or our life is over: the process must end, without
     * another write. Called once on the writer's thread, and perhaps on readers' too, after the jobs' statuses are set and before
     * their done. `why` is gone after the call. */
    void (*fatal)(void *arg, struct str why);
    void *fatal_arg;
    /* After a COMMIT whose jobs left marks (db_mark), before their done; on the writer's thread. May be NULL. */
    void (*committed)(void *arg, unsigned marks);
    void *committed_arg;
    struct writer_gate *gate; /* the writer's and the long readers'; may be NULL */
    int64_t gate_bytes;       /* a reader: beyond it stands before the gate; 0: never */
};
/* thread_start, thread_stop, batch and idle of the writer: threads = 1, batch_max_jobs = WRITER_BATCH_JOBS,
 * batch_max_bytes = WRITER_BATCH_BYTES, arg = struct writer_options. The database must be ready (store_open). */
enum status writer_start(void *arg, void **ret_ctx);
void writer_batch(void *ctx, struct job *const *jobs, size_t n);
void writer_idle(void *ctx);
void writer_stop(void *ctx);

/* The same for readers (threads = as many as wanted, no idle; keep batch_max_jobs small): jobs get a `struct db *` inside a
 * read-only snapshot that lives as long as the batch. */
enum status reader_start(void *arg, void **ret_ctx);
void reader_batch(void *ctx, struct job *const *jobs, size_t n);
void reader_stop(void *ctx);

#endif
