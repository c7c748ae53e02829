/* work.c - the driver: finds open rows, picks the one whose turn it is, carries its slice from step to step, looks how it ended.
 *
 *     idle --wake, timer--> finding (a reader) --> picking --item is ready--> slicing (its kind's steps) --> picking ...
 *                                                     \--none is--> idle, until the first may go on
 *
 * All of it happens on one loop; only `is_posted` and `is_stopping` are touched from elsewhere. Items are what is known of open
 * rows: whose, when they may go on, when they last had a turn. They may be forgotten at any time, the rows hold the truth.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/work_own.h"

#include "base/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_PER_ACCOUNT 8     /* of each kind; those behind come when these are done */
#define RETRY_MS          1000  /* after a failure that may pass */
#define WAIT_MAX_MS       30000 /* what is waited for is looked at so often: it may come earlier than it was said */

static const struct work_kind *const kinds[] = {&queue_work, &import_work, &list_send_work};
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

struct item {
    const struct work_kind *kind;
    int64_t id, account_id;
    int64_t ready_at; /* monotonic */
    uint64_t turn, account_turn;
};
struct items {
    struct item *items;
    size_t count;
};
struct work {
    struct api_options api;
    struct loop *loop;
    struct timer timer;
    struct post post;
    atomic_bool is_posted, is_stopping;
    bool is_started, is_busy, is_stale; /* stale: rows may have come since they were looked for */
    struct items known;
    uint64_t turn;

    struct job job;
    struct arena arena; /* of finding */
    struct open_work_list found[KIND_COUNT];
    struct item *item; /* whose slice is under way */
    struct slice slice;
    size_t step;
    enum status fault;

    void (*stopped)(void *arg);
    void *stopped_arg;
};

static void go_on(struct work *work);
static void next_step(struct work *work);

static int64_t mono(const struct work *work) {
    return clock_mono_ms(work->api.clock);
}

/* ---- jobs ---- */
static void submit(struct work *work, struct executor *executor) {
    work->job.loop = work->loop;
    enum status status = executor_submit(executor, &work->job);
    if (status == STATUS_OK) return;
    work->job.status = status;
    work->job.done(&work->job);
}

/* ---- finding ---- */
static enum status run_find(struct job *job, void *ctx) {
    struct work *work = LIST_OWNER(job, struct work, job);
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < KIND_COUNT; i++)
        status = kinds[i]->find(ctx, &work->arena, ITEMS_PER_ACCOUNT, &work->found[i]);
    return status;
}

static const struct item *find_item(const struct items *items, const struct work_kind *kind, int64_t id) {
    for (size_t i = 0; i < items->count; i++)
        if (items->items[i].kind == kind && items->items[i].id == id) return &items->items[i];
    return NULL;
}

/* What was known of a row, its turn and when it is ready, stays. */
static void take_found(struct work *work) {
    struct items fresh = {0};
    size_t total = 0;
    for (size_t k = 0; k < KIND_COUNT; k++) total += work->found[k].count;
    fresh.items = calloc(total + 1, sizeof *fresh.items);
    if (!fresh.items) abort();
    for (size_t k = 0; k < KIND_COUNT; k++) {
        for (size_t i = 0; i < work->found[k].count; i++) {
            const struct open_work *row = &work->found[k].items[i];
            const struct item *old = find_item(&work->known, kinds[k], row->id);
            fresh.items[fresh.count++] =
                old ? *old : (struct item){.kind = kinds[k], .id = row->id, .account_id = row->account_id};
        }
    }
    free(work->known.items);
    work->known = fresh;
}

static void find_done(struct job *job) {
    struct work *work = LIST_OWNER(job, struct work, job);
    work->is_busy = false;
    if (job->status == STATUS_OK) {
        take_found(work);
    } else {
        work->is_stale = true;
        timer_start(&work->timer, RETRY_MS);
    }
    arena_fini(&work->arena);
    if (job->status == STATUS_OK || atomic_load(&work->is_stopping)) go_on(work);
}

static void find(struct work *work) {
    work->is_busy = true;
    work->is_stale = false;
    work->job = (struct job){.run = run_find, .done = find_done};
    submit(work, work->api.readers);
}

/* ---- picking ---- */
static bool is_before(const struct item *a, const struct item *b) {
    if (a->account_turn != b->account_turn) return a->account_turn < b->account_turn;
    return a->turn < b->turn;
}

/* The account that waited longest since its last slice, and of its rows the one that did. NULL: *ret_ready_at is when one may go
 * on; 0: there is none. */
static struct item *pick(struct work *work, int64_t now, int64_t *ret_ready_at) {
    struct item *best = NULL;
    *ret_ready_at = 0;
    for (size_t i = 0; i < work->known.count; i++) {
        struct item *item = &work->known.items[i];
        if (item->ready_at > now) {
            if (*ret_ready_at == 0 || item->ready_at < *ret_ready_at) *ret_ready_at = item->ready_at;
        } else if (!best || is_before(item, best)) {
            best = item;
        }
    }
    return best;
}

static void count_turn(struct work *work, struct item *item) {
    item->turn = ++work->turn;
    for (size_t i = 0; i < work->known.count; i++)
        if (work->known.items[i].account_id == item->account_id) work->known.items[i].account_turn = work->turn;
}

/* ---- slicing ---- */
static bool is_passing(enum status status) {
    return status == STATUS_LIMIT || status == STATUS_TEMPORARY || status == STATUS_TIMEOUT || status == STATUS_CONFLICT ||
           status == STATUS_CANCELLED || status == STATUS_IO || status == STATUS_UNKNOWN;
}

static void forget(struct work *work, struct item *item) {
    *item = work->known.items[--work->known.count];
    work->is_stale = true;
}

static void end_slice(struct work *work) {
    struct slice *s = &work->slice;
    struct item *item = work->item;
    const struct work_kind *kind = item->kind; /* forgotten, its place is another's */
    int64_t wait = s->retry_at ? s->retry_at - clock_wall_ms(work->api.clock) : RETRY_MS;
    if (work->fault != STATUS_OK) wait = RETRY_MS;
    if (work->fault != STATUS_OK || s->end == SLICE_WAIT)
        item->ready_at = mono(work) + (wait < RETRY_MS ? RETRY_MS : wait > WAIT_MAX_MS ? WAIT_MAX_MS : wait);
    if (work->fault == STATUS_OK && s->end == SLICE_DONE) forget(work, item);
    if (kind->fini) kind->fini(s);
    arena_fini(&s->arena);
    work->item = NULL;
    work->is_busy = false;
    go_on(work);
}

/* A fault that will not pass by itself: the row would be tried for ever, and is closed instead. */
static enum status run_fail(struct job *job, void *ctx) {
    struct work *work = LIST_OWNER(job, struct work, job);
    enum status status = work->item->kind->fail(ctx, work->slice.id, STR("An internal error stopped it"), work->slice.now);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void fail_done(struct job *job) {
    struct work *work = LIST_OWNER(job, struct work, job);
    work->fault = job->status;
    work->slice.end = SLICE_DONE;
    end_slice(work);
}

static void judge_fault(struct work *work) {
    LOG(is_passing(work->fault) ? LOG_INFO : LOG_ERROR, "api.work", LOG_Z("kind", work->item->kind->name),
        LOG_INT("id", work->slice.id), LOG_Z("fault", status_text(work->fault)));
    if (is_passing(work->fault)) {
        end_slice(work);
        return;
    }
    work->job = (struct job){.run = run_fail, .done = fail_done};
    submit(work, work->api.writer);
}

static enum status run_step(struct job *job, void *ctx) {
    struct work *work = LIST_OWNER(job, struct work, job);
    return work->item->kind->steps[work->step].fn(&work->slice, ctx);
}

static void step_done(struct job *job) {
    struct work *work = LIST_OWNER(job, struct work, job);
    work->fault = job->status;
    work->step++;
    next_step(work);
}

void slice_resume(struct slice *slice) {
    struct work *work = slice->work;
    work->step++;
    next_step(work);
}

struct loop *slice_loop(const struct slice *slice) {
    return slice->work->loop;
}

static void wait_step(struct work *work) {
    work->fault = work->item->kind->steps[work->step].fn(&work->slice, NULL);
    if (work->fault != STATUS_OK) judge_fault(work);
}

static struct executor *executor_of(const struct work *work, enum step_where where) {
    return where == STEP_READER ? work->api.readers : where == STEP_WRITER ? work->api.writer : work->api.slow;
}

static void next_step(struct work *work) {
    const struct work_kind *kind = work->item->kind;
    if (work->fault != STATUS_OK) {
        judge_fault(work);
        return;
    }
    if (work->slice.is_ended || work->step == SLICE_STEPS_MAX || kind->steps[work->step].where == STEP_END) {
        end_slice(work);
        return;
    }
    work->job =
        (struct job){.run = run_step, .done = step_done, .bytes = work->slice.write_bytes, .lane = work->item->account_id};
    if (kind->steps[work->step].where == STEP_WAIT) {
        wait_step(work);
    } else if (kind->steps[work->step].where == STEP_LOOP) {
        work->job.status = run_step(&work->job, NULL);
        step_done(&work->job);
    } else {
        submit(work, executor_of(work, kind->steps[work->step].where));
    }
}

static void begin_slice(struct work *work, struct item *item) {
    work->is_busy = true;
    work->item = item;
    work->step = 0;
    work->fault = STATUS_OK;
    work->slice = (struct slice){.work = work, .api = &work->api, .id = item->id, .now = clock_wall_ms(work->api.clock)};
    count_turn(work, item);
    next_step(work);
}

/* ---- what comes next ---- */
static void stop(struct work *work) {
    if (work->is_started) timer_fini(&work->timer);
    work->is_started = false;
    if (work->stopped) work->stopped(work->stopped_arg);
    work->stopped = NULL;
}

static void go_on(struct work *work) {
    int64_t now = mono(work), ready_at;
    if (work->is_busy) return;
    if (atomic_load(&work->is_stopping)) {
        stop(work);
        return;
    }
    if (work->is_stale) {
        find(work);
        return;
    }
    struct item *item = pick(work, now, &ready_at);
    if (item)
        begin_slice(work, item);
    else if (ready_at)
        timer_start(&work->timer, ready_at - now);
}

static void on_timer(void *arg) {
    go_on(arg);
}

static void on_post(struct post *post) {
    struct work *work = LIST_OWNER(post, struct work, post);
    atomic_store(&work->is_posted, false);
    if (atomic_load(&work->is_stopping)) return;
    if (!work->is_started) timer_init(&work->timer, work->loop, on_timer, work);
    work->is_started = true;
    work->is_stale = true;
    go_on(work);
}

/* ---- the driver's life ---- */
struct work *work_new(const struct api_options *options, struct loop *loop) {
    struct work *work = calloc(1, sizeof *work);
    if (!work) abort();
    work->api = *options;
    work->api.work = work;
    work->loop = loop;
    work->post.fn = on_post;
    return work;
}

void work_start(struct work *work) {
    work_wake(work);
}

void work_wake(struct work *work) {
    if (!work || atomic_load(&work->is_stopping)) return;
    if (!atomic_exchange(&work->is_posted, true)) loop_post(work->loop, &work->post);
}

void work_stop(struct work *work, void (*done)(void *arg), void *arg) {
    atomic_store(&work->is_stopping, true);
    work->stopped = done;
    work->stopped_arg = arg;
    if (!work->is_busy) stop(work);
}

void work_free(struct work **place) {
    struct work *work = *place;
    if (!work) return;
    *place = NULL;
    free(work->known.items);
    explicit_bzero(&work->api.seal, sizeof work->api.seal);
    free(work);
}
