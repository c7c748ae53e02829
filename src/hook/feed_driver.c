/* feed_driver.c - see feed_driver.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hook/feed_driver.h"

#include "base/log.h"
#include "hook/feed_sink.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LANE INT64_MIN /* no account's: it takes its turn among them */

struct feed_driver {
    struct feed_driver_options options;
    struct executor *thread; /* where the sink blocks */
    struct feed_sink *sink;
    struct timer timer;
    struct post post;
    atomic_bool is_posted;
    bool is_started, is_busy, is_woken, is_stopping;
    bool is_written; /* the batch is there and still noted: it is not written again */
    int64_t wait_ms; /* 0: the last batch went well */
    struct job job;
    /* The executors' while it is busy. */
    struct feed_batch batch;
    struct buf why;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

static void end_stop(struct feed_driver *d) {
    if (!d->is_stopping || d->is_busy) return;
    if (d->is_started) timer_fini(&d->timer);
    d->is_started = false;
    if (d->stopped) d->stopped(d->stopped_arg);
    d->stopped = NULL;
}

/* ---- what was seen of it ---- */
static void set_gauge(struct feed_driver *d, enum metric which, int64_t value) {
    if (d->options.metrics) atomic_store_explicit(&d->options.metrics->value[which], value, memory_order_relaxed);
}

/* How long the oldest that waits has waited. */
static void tell_lag(struct feed_driver *d) {
    int64_t lag = d->batch.oldest_at ? clock_wall_ms(loop_clock(d->options.loop)) - d->batch.oldest_at : 0;
    set_gauge(d, METRIC_FEED_LAG, lag > 0 ? lag / 1000 : 0);
}

static void tell_failure(struct feed_driver *d, enum status status) {
    metrics_add(d->options.metrics, METRIC_FEED_FAILURES, 1);
    if (d->wait_ms) return; /* once a trouble */
    LOG(LOG_WARN, "feed.waits", LOG_STR("target", d->options.target),
        LOG_STR("why", d->why.n ? buf_str(&d->why) : str_from_z(status_text(status))));
}

static void tell_success(struct feed_driver *d) {
    metrics_add(d->options.metrics, METRIC_FEED_EVENTS, d->batch.events);
    if (d->batch.gone) LOG(LOG_INFO, "feed.gone", LOG_INT("events", d->batch.gone)); /* removed since they were noted */
    if (d->wait_ms) LOG(LOG_INFO, "feed.goes-on", LOG_STR("target", d->options.target));
}

/* ---- a batch ---- */
static void submit(struct feed_driver *d, struct executor *executor, job_run_fn run, job_done_fn done) {
    d->job = (struct job){.run = run, .done = done, .loop = d->options.loop, .lane = LANE, .bytes = 65536};
    enum status status = executor_submit(executor, &d->job);
    if (status == STATUS_OK) return;
    d->job.status = status;
    done(&d->job);
}

static void rest(struct feed_driver *d, int64_t ms) {
    d->is_busy = false;
    if (d->is_stopping)
        end_stop(d);
    else
        timer_start(&d->timer, ms);
}

static void fail(struct feed_driver *d, enum status status) {
    if (status != STATUS_CANCELLED) tell_failure(d, status);
    int64_t wait = d->wait_ms ? d->wait_ms * 2 : FEED_WAIT_MS;
    d->wait_ms = wait < FEED_WAIT_MAX_MS ? wait : FEED_WAIT_MAX_MS;
    tell_lag(d);
    rest(d, d->wait_ms);
}

static void begin(struct feed_driver *d);

static enum status run_took(struct job *job, void *ctx) {
    return feed_took(ctx, &LIST_OWNER(job, struct feed_driver, job)->batch);
}

static void took(struct job *job) {
    struct feed_driver *d = LIST_OWNER(job, struct feed_driver, job);
    if (job->status != STATUS_OK) {
        fail(d, job->status);
        return;
    }
    tell_success(d);
    d->is_written = false;
    d->wait_ms = 0;
    if (d->batch.has_more && !d->is_stopping) {
        begin(d);
        return;
    }
    d->batch.oldest_at = 0;
    tell_lag(d);
    rest(d, d->is_woken ? FEED_GATHER_MS : FEED_LOOK_MS);
}

static enum status run_write(struct job *job, void *ctx) {
    struct feed_driver *d = LIST_OWNER(job, struct feed_driver, job);
    (void)ctx;
    buf_reset(&d->why);
    return d->batch.lines.n ? feed_sink_write(d->sink, buf_str(&d->batch.lines), &d->why) : STATUS_OK;
}

static void written(struct job *job) {
    struct feed_driver *d = LIST_OWNER(job, struct feed_driver, job);
    d->is_written = job->status == STATUS_OK;
    if (d->is_written)
        submit(d, d->options.writer, run_took, took);
    else
        fail(d, job->status);
}

static enum status run_make(struct job *job, void *ctx) {
    return feed_make(ctx, &LIST_OWNER(job, struct feed_driver, job)->batch);
}

static void made(struct job *job) {
    struct feed_driver *d = LIST_OWNER(job, struct feed_driver, job);
    if (job->status != STATUS_OK)
        fail(d, job->status);
    else if (d->batch.row_count == 0 || d->is_stopping)
        rest(d, d->is_woken ? FEED_GATHER_MS : FEED_LOOK_MS);
    else
        submit(d, d->thread, run_write, written);
}

static void begin(struct feed_driver *d) {
    d->is_busy = true;
    d->is_woken = false;
    if (d->is_written)
        submit(d, d->options.writer, run_took, took);
    else
        submit(d, d->options.readers, run_make, made);
}

static void on_timer(void *arg) {
    begin(arg);
}

/* ---- waking ---- */
static void on_post(struct post *post) {
    struct feed_driver *d = LIST_OWNER(post, struct feed_driver, post);
    atomic_store(&d->is_posted, false);
    if (!d->is_started || d->is_stopping) return;
    bool is_asleep = !d->is_busy && !d->is_woken && d->wait_ms == 0;
    d->is_woken = true;
    if (is_asleep) timer_start(&d->timer, FEED_GATHER_MS);
}

void feed_driver_wake(struct feed_driver *d) {
    if (!atomic_exchange(&d->is_posted, true)) loop_post(d->options.loop, &d->post);
}

/* ---- life ---- */
enum status feed_driver_new(const struct feed_driver_options *options, struct feed_driver **ret) {
    struct feed_driver *d = calloc(1, sizeof *d);
    if (!d) abort();
    d->options = *options;
    d->post.fn = on_post;
    enum status status = feed_sink_new(options->target, &d->sink);
    if (status == STATUS_OK)
        status = executor_new(&(struct executor_options){.name = "feed", .threads = 1, .queue_max = 1}, &d->thread);
    if (status == STATUS_OK)
        *ret = d;
    else
        feed_driver_free(&d);
    return status;
}

void feed_driver_start(struct feed_driver *d) {
    timer_init(&d->timer, d->options.loop, on_timer, d);
    d->is_started = true;
    timer_start(&d->timer, FEED_GATHER_MS);
}

void feed_driver_stop(struct feed_driver *d, void (*done)(void *arg), void *arg) {
    d->is_stopping = true;
    d->stopped = done;
    d->stopped_arg = arg;
    feed_sink_cancel(d->sink);
    end_stop(d);
}

void feed_driver_close(struct feed_driver *d) {
    if (!d) return;
    if (d->is_started) timer_fini(&d->timer);
    d->is_started = false;
    executor_free(&d->thread);
}

void feed_driver_free(struct feed_driver **place) {
    struct feed_driver *d = *place;
    if (!d) return;
    *place = NULL;
    executor_free(&d->thread);
    feed_sink_free(&d->sink);
    buf_fini(&d->batch.lines);
    buf_fini(&d->why);
    free(d);
}
