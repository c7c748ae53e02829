/* executor.c - threads that run jobs from one queue.
 *
 * A thread takes what has gathered (one job, or a batch up to its bounds), runs it without the lock, and sends the finished jobs
 * home: those of one loop travel in one envelope, so a batch of a hundred wakes that loop once. Stopping is: take no more, run
 * what was taken, end.
 *
 * A fair executor's queue stands in order of rounds: each lane has one job in a round, and a lane that comes anew joins the round
 * that is being started.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/executor.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct worker {
    struct executor *executor;
    pthread_t thread;
    enum status start_status;
};
struct executor {
    struct executor_options options;
    pthread_mutex_t lock;
    pthread_cond_t has_work; /* for the workers: a job came, or it is time to end */
    pthread_cond_t started;  /* for executor_new */
    struct list queue;       /* under lock, like all below */
    size_t waiting;
    uint64_t round; /* of the job that was started last */
    unsigned started_count;
    bool is_stopping;
    struct worker workers[];
};
struct envelope {
    struct post post;
    struct loop *loop;
    struct list jobs;
    struct envelope *next;
};

static void open_envelope(struct post *post) {
    struct envelope *e = LIST_OWNER(post, struct envelope, post);
    for (struct list *node; (node = list_pop(&e->jobs)) != NULL;) {
        struct job *job = LIST_OWNER(node, struct job, node);
        job->done(job);
    }
    free(e);
}

static struct envelope *envelope_for(struct envelope **envelopes, struct loop *loop) {
    for (struct envelope *e = *envelopes; e; e = e->next)
        if (e->loop == loop) return e;
    struct envelope *e = calloc(1, sizeof *e);
    if (!e) abort();
    *e = (struct envelope){.post.fn = open_envelope, .loop = loop, .next = *envelopes};
    list_init(&e->jobs);
    return *envelopes = e;
}

static void send_home(struct job *const *jobs, size_t n) {
    struct envelope *envelopes = NULL;
    for (size_t i = 0; i < n; i++) {
        if (jobs[i]->loop)
            list_add_tail(&envelope_for(&envelopes, jobs[i]->loop)->jobs, &jobs[i]->node);
        else
            jobs[i]->done(jobs[i]);
    }
    for (struct envelope *e = envelopes, *next; e; e = next) {
        next = e->next; /* after the post it is the loop's */
        loop_post(e->loop, &e->post);
    }
}

/* Under the lock. */
static size_t take_jobs(struct executor *e, struct job **ret_jobs, size_t max_jobs) {
    size_t n = 0, bytes = 0;
    while (n < max_jobs && !list_is_empty(&e->queue)) {
        struct job *job = LIST_OWNER(e->queue.next, struct job, node);
        if (n > 0 && job->bytes > e->options.batch_max_bytes - bytes) break;
        bytes += job->bytes < e->options.batch_max_bytes - bytes ? job->bytes : e->options.batch_max_bytes - bytes;
        list_remove(&job->node);
        e->round = job->round;
        ret_jobs[n++] = job;
    }
    e->waiting -= n;
    return n;
}

static void work(struct executor *e, void *ctx, struct job **jobs, size_t max_jobs) {
    pthread_mutex_lock(&e->lock);
    for (bool was_busy = false;;) {
        if (was_busy && list_is_empty(&e->queue) && e->options.idle) {
            pthread_mutex_unlock(&e->lock);
            e->options.idle(ctx);
            pthread_mutex_lock(&e->lock);
            was_busy = false;
        }
        while (list_is_empty(&e->queue) && !e->is_stopping) pthread_cond_wait(&e->has_work, &e->lock);
        if (list_is_empty(&e->queue)) break;
        size_t n = take_jobs(e, jobs, max_jobs);
        pthread_mutex_unlock(&e->lock);
        if (e->options.batch)
            e->options.batch(ctx, jobs, n);
        else
            jobs[0]->status = jobs[0]->run(jobs[0], ctx);
        send_home(jobs, n);
        was_busy = true;
        pthread_mutex_lock(&e->lock);
    }
    pthread_mutex_unlock(&e->lock);
}

static void report_start(struct worker *w, enum status status) {
    struct executor *e = w->executor;
    pthread_mutex_lock(&e->lock);
    w->start_status = status;
    e->started_count++;
    pthread_cond_signal(&e->started);
    pthread_mutex_unlock(&e->lock);
}

static void *worker_main(void *arg) {
    struct worker *w = arg;
    struct executor *e = w->executor;
    void *ctx = NULL;
    enum status status = e->options.thread_start ? e->options.thread_start(e->options.arg, &ctx) : STATUS_OK;
    report_start(w, status);
    if (status != STATUS_OK) return NULL;
    size_t max_jobs = e->options.batch ? e->options.batch_max_jobs : 1;
    struct job **jobs = calloc(max_jobs, sizeof(struct job *));
    if (!jobs) abort();
    work(e, ctx, jobs, max_jobs);
    free(jobs);
    if (e->options.thread_stop) e->options.thread_stop(ctx);
    return NULL;
}

/* Starts threads; fewer than asked for when the system refuses. */
static unsigned start_workers(struct executor *e) {
    unsigned n = 0;
    for (; n < e->options.threads; n++) {
        struct worker *w = &e->workers[n];
        w->executor = e;
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) break;
        char name[16] = "";
        strncat(name, e->options.name, sizeof name - 1);
        pthread_setname_np(w->thread, name);
    }
    return n;
}

enum status executor_new(const struct executor_options *options, struct executor **ret) {
    assert(options->threads > 0 && options->queue_max > 0);
    assert(!options->batch || (options->batch_max_jobs > 0 && options->batch_max_bytes > 0));
    struct executor *e = calloc(1, sizeof *e + options->threads * sizeof(struct worker));
    if (!e) abort();
    e->options = *options;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->has_work, NULL);
    pthread_cond_init(&e->started, NULL);
    list_init(&e->queue);
    unsigned running = start_workers(e);
    enum status status = running == options->threads ? STATUS_OK : STATUS_LIMIT;
    e->options.threads = running;
    pthread_mutex_lock(&e->lock);
    while (e->started_count < running) pthread_cond_wait(&e->started, &e->lock);
    for (unsigned i = 0; i < running && status == STATUS_OK; i++) status = e->workers[i].start_status;
    pthread_mutex_unlock(&e->lock);
    if (status != STATUS_OK) {
        executor_free(&e);
        return status;
    }
    *ret = e;
    return STATUS_OK;
}

static struct job *job_at(struct list *node) {
    return LIST_OWNER(node, struct job, node);
}

/* Under the lock: the job's round is the one after its lane's last. False: the lane has its share of the room already. */
static bool find_round(const struct executor *e, struct job *job) {
    size_t own = 0;
    job->round = e->round;
    if (!e->options.is_fair || job->lane == 0) return true;
    LIST_FOR_EACH (node, &e->queue) {
        const struct job *other = job_at(node);
        if (other->lane != job->lane) continue;
        own++;
        job->round = other->round + 1;
    }
    return own < (e->options.queue_max - (e->waiting - own) + 1) / 2;
}

/* Behind all of its round. */
static void put_in(struct executor *e, struct job *job) {
    struct list *after = e->queue.prev;
    while (after != &e->queue && job_at(after)->round > job->round) after = after->prev;
    list_add_head(after, &job->node);
    e->waiting++;
}

enum status executor_submit(struct executor *e, struct job *job) {
    enum status status = STATUS_OK;
    pthread_mutex_lock(&e->lock);
    if (e->is_stopping) {
        status = STATUS_CANCELLED;
    } else if (e->waiting >= e->options.queue_max || !find_round(e, job)) {
        status = STATUS_LIMIT;
    } else {
        put_in(e, job);
        pthread_cond_signal(&e->has_work);
    }
    pthread_mutex_unlock(&e->lock);
    return status;
}

size_t executor_waiting(struct executor *e) {
    pthread_mutex_lock(&e->lock);
    size_t n = e->waiting;
    pthread_mutex_unlock(&e->lock);
    return n;
}

void executor_free(struct executor **executor) {
    struct executor *e = *executor;
    if (!e) return;
    *executor = NULL;
    pthread_mutex_lock(&e->lock);
    e->is_stopping = true;
    pthread_cond_broadcast(&e->has_work);
    pthread_mutex_unlock(&e->lock);
    for (unsigned i = 0; i < e->options.threads; i++) pthread_join(e->workers[i].thread, NULL);
    pthread_cond_destroy(&e->has_work);
    pthread_cond_destroy(&e->started);
    pthread_mutex_destroy(&e->lock);
    free(e);
}
