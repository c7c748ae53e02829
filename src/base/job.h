/* job.h - a piece of work that moves to another thread and comes back.
 *
 * The caller embeds `struct job` in its own struct, fills run/done, and submits it to an executor (net/executor.h). `run`
 * happens on one of the executor's threads with that thread's context: `struct db *` on the writer (inside its
 * transaction) and on readers (inside a snapshot), NULL elsewhere. `done` happens on the submitting loop, for the writer
 * only after COMMIT or after the job's final failure. Between submit and done the whole struct belongs to the executor.
 *
 * A writer's `run` may happen more than once (its batch was rolled back and it runs again alone): it must reset its own
 * outputs at the top. `status` is what run returned, or what the engine said (IO, UNKNOWN, CANCELLED).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_JOB_H
#define POSTHORN_BASE_JOB_H

#include "base/list.h"
#include "base/status.h"

#include <stdint.h>

struct job;
struct loop;
typedef enum status (*job_run_fn)(struct job *job, void *ctx);
typedef void (*job_done_fn)(struct job *job);

struct job {
    struct list node; /* the executor's */
    job_run_fn run;
    job_done_fn done;
    struct loop *loop; /* where done happens; NULL: done happens on the executor's thread */
    enum status status;
    size_t bytes; /* rough size of what it writes, for the batch bound (8 MB) */
    int64_t lane; /* whose it is, for fair executors; 0: nobody's in particular */
};

#endif
