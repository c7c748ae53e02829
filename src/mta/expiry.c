/* expiry.c - recipients whose life ends while nobody looks at them: their site is parked, or they are held.
 *
 * A walk over the index of what waits, page by page on a reader, and a slice on the writer for those that are over; then a rest.
 * What has begun a transaction is left alone: its end is its host's word. Nothing else of a dead message begins one (attempt.c),
 * so between page and slice nothing changes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "mta/own.h"

#include <stdlib.h>

#define REST_MS    30000
#define AGAIN_MS   1000 /* after a failure */
#define SLICE_ROWS 500

struct expiry {
    struct mta *mta;
    struct timer rest;
    struct job job;
    struct arena arena[2]; /* of the page at hand, and of the one before it, which holds where this one began */
    int which;
    int64_t now;
    struct queue_sweep at;
    struct queue_page page;
    int64_t failed;
    struct dsn_desk desk;
};

static void on_rest(void *arg);

static enum status page_run(struct job *job, void *ctx) {
    struct expiry *e = LIST_OWNER(job, struct expiry, job);
    struct arena *arena = &e->arena[e->which];
    arena_fini(arena);
    const struct queue_view view = {.db = ctx, .arena = arena, .node_id = e->mta->owner.node_id, .now = e->now};
    return queue_expired_page(&view, &e->at, SLICE_ROWS, &e->page);
}

static enum status slice_run(struct job *job, void *ctx) {
    struct expiry *e = LIST_OWNER(job, struct expiry, job);
    dsn_desk_clear(&e->desk);
    return queue_expire(ctx, &e->desk, &e->page.ids, e->now, &e->failed);
}

static void leave_out(struct queue_ids *ids, int64_t id) {
    for (size_t i = 0; i < ids->count; i++)
        if (ids->items[i] == id) {
            ids->items[i] = ids->items[--ids->count];
            return;
        }
}

static void rest(struct expiry *e, int64_t ms) {
    if (!e->mta->is_stopping) timer_start(&e->rest, ms);
}

static void page_next(struct expiry *e) {
    e->at = e->page.next;
    e->which = !e->which;
    if (!e->page.is_end) return rest(e, 0);
    e->at = (struct queue_sweep){.is_held = false};
    rest(e, REST_MS);
}

static void submit(struct expiry *e, struct executor *x, enum status (*run)(struct job *, void *), void (*done)(struct job *)) {
    e->job = (struct job){.run = run, .done = done, .loop = e->mta->options.loop, .bytes = SLICE_ROWS * 512};
    if (mta_submit(e->mta, x, &e->job) != STATUS_OK) rest(e, AGAIN_MS);
}

static void slice_done(struct job *job) {
    struct expiry *e = LIST_OWNER(job, struct expiry, job);
    mta_job_done(e->mta);
    if (job->status != STATUS_OK) return rest(e, AGAIN_MS);
    mta_offer(e->mta, e->desk.entries, e->desk.count);
    metrics_add(e->mta->options.metrics, METRIC_FAILED, e->failed);
    LOG(LOG_INFO, "mta.expired", LOG_INT("recipients", e->failed));
    page_next(e);
}

static void page_done(struct job *job) {
    struct expiry *e = LIST_OWNER(job, struct expiry, job);
    struct mta *m = e->mta;
    mta_job_done(m);
    if (job->status != STATUS_OK) return rest(e, AGAIN_MS);
    LIST_FOR_EACH (it, &m->attempts) {
        struct attempt *a = LIST_OWNER(it, struct attempt, all);
        if (e->page.ids.count && attempt_has_begun(a)) leave_out(&e->page.ids, a->entry->recipient_id);
    }
    if (m->is_stopping || e->page.ids.count == 0) return page_next(e);
    e->desk = mta_desk(m, &e->arena[e->which]);
    submit(e, m->options.writer, slice_run, slice_done);
}

static void on_rest(void *arg) {
    struct expiry *e = arg;
    e->now = mta_now(e->mta);
    submit(e, e->mta->options.readers, page_run, page_done);
}

struct expiry *expiry_new(struct mta *m) {
    struct expiry *e = calloc(1, sizeof *e);
    if (!e) abort();
    e->mta = m;
    timer_init(&e->rest, m->options.loop, on_rest, e);
    return e;
}

void expiry_start(struct expiry *e) {
    timer_start(&e->rest, REST_MS);
}

void expiry_stop(struct expiry *e) {
    timer_stop(&e->rest);
}

void expiry_free(struct expiry **expiry) {
    struct expiry *e = *expiry;
    if (!e) return;
    timer_fini(&e->rest);
    arena_fini(&e->arena[0]);
    arena_fini(&e->arena[1]);
    free(e);
    *expiry = NULL;
}
