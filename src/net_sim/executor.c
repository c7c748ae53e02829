/* executor.c - executors without threads: what was submitted runs on the loop's next turn, together, as a batch would.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/executor.h"

#include "net_sim/sim_own.h"

#include <stdlib.h>

struct executor {
    struct executor_options options;
    void *ctx;
    struct list jobs;
    size_t waiting;
    struct post turn;
    bool is_posted;
};

static void run(struct executor *e, struct job **jobs, size_t n) {
    if (e->options.batch) {
        e->options.batch(e->ctx, jobs, n);
    } else {
        for (size_t i = 0; i < n; i++) jobs[i]->status = jobs[i]->run(jobs[i], e->ctx);
    }
    for (size_t i = 0; i < n; i++) jobs[i]->done(jobs[i]);
}

static void run_waiting(struct executor *e) {
    while (e->waiting > 0) {
        size_t n = e->waiting;
        if (e->options.batch && n > e->options.batch_max_jobs) n = e->options.batch_max_jobs;
        struct job **jobs = sim_zalloc(n * sizeof(struct job *));
        for (size_t i = 0; i < n; i++) jobs[i] = LIST_OWNER(list_pop(&e->jobs), struct job, node);
        e->waiting -= n;
        run(e, jobs, n);
        free(jobs);
    }
    if (e->options.idle) e->options.idle(e->ctx);
}

static void on_turn(struct post *post) {
    struct executor *e = LIST_OWNER(post, struct executor, turn);
    e->is_posted = false;
    run_waiting(e);
}

enum status executor_new(const struct executor_options *options, struct executor **ret) {
    struct executor *e = sim_zalloc(sizeof *e);
    e->options = *options;
    e->turn.fn = on_turn;
    list_init(&e->turn.node);
    list_init(&e->jobs);
    if (options->thread_start) {
        enum status status = options->thread_start(options->arg, &e->ctx);
        if (status != STATUS_OK) {
            free(e);
            return status;
        }
    }
    *ret = e;
    return STATUS_OK;
}

enum status executor_submit(struct executor *e, struct job *job) {
    if (e->waiting >= e->options.queue_max) return STATUS_LIMIT;
    if (!job->loop) {
        run(e, &job, 1);
        return STATUS_OK;
    }
    list_add_tail(&e->jobs, &job->node);
    e->waiting++;
    if (!e->is_posted) loop_post(job->loop, &e->turn);
    e->is_posted = true;
    return STATUS_OK;
}

size_t executor_waiting(struct executor *e) {
    return e->waiting;
}

void executor_free(struct executor **e) {
    if (!*e) return;
    run_waiting(*e);
    list_remove(&(*e)->turn.node);
    if ((*e)->options.thread_stop) (*e)->options.thread_stop((*e)->ctx);
    free(*e);
    *e = NULL;
}
