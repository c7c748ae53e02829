/* executor.c - threads that run jobs from one queue.
 *
 * A thread takes what has gathered (one job, or a batch up to its bounds), runs it without the lock, and sends the finished jobs
 * home: those of one loop travel in one envelope, so a batch of a hundred wakes that loop once. Stopping is: take no more, run
 * what was taken, end.
 *
 * Jobs of nobody in particular stand in one queue and go first: they are small, whoever they are for is not known yet. A fair
 * executor has a queue a lane besides, and the lanes that have something stand in a ring.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/executor.h"

#include "base/map.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICE_TURN_NS 100000 /* the least there is: who wakes up waits no longer for a nice thread */

struct worker {
    struct executor *executor;
    pthread_t thread;
    enum status start_status;
};
struct lane {
    struct list node; /* in the ring */
    int64_t id;
    struct list jobs;
    size_t waiting;
};
struct executor {
    struct executor_options options;
    pthread_mutex_t lock;
    pthread_cond_t has_work; /* for the workers: a job came, or it is time to end */
    pthread_cond_t started;  /* for executor_new */
    struct list queue;       /* under lock, like all below */
    struct list ring;        /* of lanes; whose turn it is stands first */
    struct map *lanes;       /* those of the ring, by id */
    size_t waiting;          /* in queue and lanes */
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

/* ---- what waits; all of it under the lock ---- */
static struct str lane_key(const int64_t *id) {
    return str_make((const char *)id, sizeof *id);
}

static bool is_anybodys(const struct executor *e, const struct job *job) {
    return !e->options.is_fair || job->lane == 0;
}

static struct lane *lane_get(struct executor *e, int64_t id) {
    struct lane *lane = map_find(e->lanes, lane_key(&id));
    if (lane) return lane;
    lane = calloc(1, sizeof *lane);
    if (!lane) abort();
    lane->id = id;
    list_init(&lane->jobs);
    list_add_tail(&e->ring, &lane->node);
    map_put(e->lanes, lane_key(&id), lane);
    return lane;
}

/* A lane may take half of the room that the others leave. */
static bool has_room(const struct executor *e, const struct job *job) {
    if (is_anybodys(e, job) || e->waiting >= e->options.queue_max) return e->waiting < e->options.queue_max;
    const struct lane *lane = map_find(e->lanes, lane_key(&job->lane));
    size_t own = lane ? lane->waiting : 0;
    return own < (e->options.queue_max - (e->waiting - own) + 1) / 2;
}

static void put_job(struct executor *e, struct job *job) {
    e->waiting++;
    if (is_anybodys(e, job)) {
        list_add_tail(&e->queue, &job->node);
        return;
    }
    struct lane *lane = lane_get(e, job->lane);
    list_add_tail(&lane->jobs, &job->node);
    lane->waiting++;
}

/* Something waits; what is nobody's goes first, if it may and there is any. */
static struct job *next_job(const struct executor *e, bool is_anybodys_turn) {
    const struct list *from = &e->queue;
    if (list_is_empty(from) || !(is_anybodys_turn || list_is_empty(&e->ring)))
        from = &LIST_OWNER(e->ring.next, struct lane, node)->jobs;
    return LIST_OWNER(from->next, struct job, node);
}

/* Take what next_job() gave; its lane stands last from now on. */
static void take_job(struct executor *e, struct job *job) {
    list_remove(&job->node);
    e->waiting--;
    if (is_anybodys(e, job)) return;
    struct lane *lane = map_find(e->lanes, lane_key(&job->lane));
    list_remove(&lane->node);
    if (--lane->waiting) {
        list_add_tail(&e->ring, &lane->node);
    } else {
        map_remove(e->lanes, lane_key(&job->lane));
        free(lane);
    }
}

/* Others wait for the whole of a batch. */
static bool is_lane_served(const struct executor *e, struct job *const *jobs, size_t n, const struct job *next) {
    size_t own = 0;
    if (is_anybodys(e, next) || !e->options.batch_max_of_lane) return false;
    for (size_t i = 0; i < n; i++) own += jobs[i]->lane == next->lane;
    return own >= e->options.batch_max_of_lane;
}

static size_t take_jobs(struct executor *e, struct job **ret_jobs, size_t max_jobs) {
    size_t n = 0, bytes = 0, anybodys = 0;
    while (n < max_jobs && e->waiting) {
        struct job *job = next_job(e, anybodys < (max_jobs + 1) / 2);
        if (is_lane_served(e, ret_jobs, n, job)) break;
        if (n > 0 && job->bytes > e->options.batch_max_bytes - bytes) break;
        bytes += job->bytes < e->options.batch_max_bytes - bytes ? job->bytes : e->options.batch_max_bytes - bytes;
        take_job(e, job);
        anybodys += is_anybodys(e, job);
        ret_jobs[n++] = job;
    }
    return n;
}

/* ---- the threads ---- */
static void work(struct executor *e, void *ctx, struct job **jobs, size_t max_jobs) {
    pthread_mutex_lock(&e->lock);
    for (bool was_busy = false;;) {
        if (was_busy && !e->waiting && e->options.idle) {
            pthread_mutex_unlock(&e->lock);
            e->options.idle(ctx);
            pthread_mutex_lock(&e->lock);
            was_busy = false;
        }
        while (!e->waiting && !e->is_stopping) pthread_cond_wait(&e->has_work, &e->lock);
        if (!e->waiting) break;
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

/* Of this thread. The C library has no name for it in most versions, and kernels before 6.12 choose the turn's length. */
static void give_way(int niceness) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t niceness;
        uint32_t priority;
        uint64_t turn_ns, deadline_ns, period_ns;
    } how = {.size = sizeof how, .niceness = niceness, .turn_ns = NICE_TURN_NS};
    if (niceness == EXECUTOR_IDLE) how.policy = SCHED_IDLE, how.niceness = 0;
    if (syscall(SYS_sched_setattr, 0, &how, 0) != 0) (void)setpriority(PRIO_PROCESS, (id_t)gettid(), niceness);
}

static void *worker_main(void *arg) {
    struct worker *w = arg;
    struct executor *e = w->executor;
    void *ctx = NULL;
    if (e->options.niceness) give_way(e->options.niceness);
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
    list_init(&e->ring);
    e->lanes = map_new();
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

enum status executor_submit(struct executor *e, struct job *job) {
    enum status status = STATUS_OK;
    pthread_mutex_lock(&e->lock);
    if (e->is_stopping) {
        status = STATUS_CANCELLED;
    } else if (!has_room(e, job)) {
        status = STATUS_LIMIT;
    } else {
        put_job(e, job);
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
    map_free(&e->lanes);
    free(e);
}
