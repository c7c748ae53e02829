/* executor.h - threads that run jobs: the writer (one thread, batches), readers, signers, the slow pool.
 *
 * Jobs start in order of submission. In a fair executor those of no lane go first, then lanes take turns, so that nobody waits
 * behind all that one other asked for (P6); and a lane may take half of the room that the others leave, so there is always some.
 * Of a batch, jobs of no lane get half when others wait.
 * An executor with a `batch` gets what has gathered, up to max_jobs and max_bytes (group commit without a timer: the batch grows
 * with the load); the others run one at a time. Submit from any thread; done comes on job->loop; what ends together comes back
 * together (one wake-up of the loop a batch). In net_sim an executor runs each job at once on the next turn of the loop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_EXECUTOR_H
#define POSTHORN_NET_EXECUTOR_H

#include "base/job.h"
#include "net/loop.h"

struct executor;
#define EXECUTOR_IDLE 20
struct executor_options {
    const char *name; /* thread name, 15 bytes at most */
    unsigned threads;
    size_t queue_max;                                       /* jobs waiting; beyond: submit answers LIMIT (P8) */
    enum status (*thread_start)(void *arg, void **ret_ctx); /* once a thread; may be NULL (ctx NULL) */
    void (*thread_stop)(void *ctx);                         /* may be NULL */
    /* Of its threads, 0 to 19: work that leaves the processor to all others while they want it, at once. EXECUTOR_IDLE: what
     * others leave, and hardly more; a processor that does it counts as free. */
    int niceness;
    bool is_fair;                                                /* by lanes */
    void (*batch)(void *ctx, struct job *const *jobs, size_t n); /* runs them all, sets each status; NULL: run one by one */
    void (*idle)(void *ctx);                                     /* nothing waits (the writer checkpoints here); may be NULL */
    size_t batch_max_jobs, batch_max_bytes;
    size_t batch_max_of_lane; /* jobs of one lane, where others wait for the whole of a batch; 0: any number */
    void *arg;
};
/* Returns when every thread has started, or the first failure of thread_start. */
WARN_UNUSED enum status executor_new(const struct executor_options *options, struct executor **ret);
/* STATUS_LIMIT: full, for this lane at least; the job was not taken. STATUS_CANCELLED: stopping. */
WARN_UNUSED enum status executor_submit(struct executor *e, struct job *job);
size_t executor_waiting(struct executor *e);
/* Runs what was taken, then ends the threads. Each done comes still: from loop_run, or from loop_free at the latest. */
void executor_free(struct executor **e);

#endif
