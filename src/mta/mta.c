/* mta.c - the loop's turns: rows from disk into the schedule, domains to sites, sites to work; and start and stop.
 *
 * Whatever changes asks for a turn (mta_wake); a turn looks only at what is dirty. What found no room (P8) waits in `blocked`
 * and gets its turn when a place becomes free, and passes the rest on: first who has nothing under way.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "core/queue.h"
#include "mta/own.h"

#include <stdlib.h>

#define FETCHES_MAX 8 /* reads of the queue at once */
#define FETCH_LANE                                                                                                               \
    (-1) /* of the readers, nobody's account: the queue is read on while they have their hands full with what it gave */
#define SWEEP_MS 30000
#define SHARE    8 /* one may have an eighth of what the others leave */
#define DUE_MS_MAX                                                                                                               \
    60000 /* the wall clock may jump: look at it now and then                                                                    \
           */

int64_t mta_now(const struct mta *m) {
    return clock_wall_ms(loop_clock(m->options.loop));
}
int64_t mta_now_mono(const struct mta *m) {
    return clock_mono_ms(loop_clock(m->options.loop));
}
struct shape_time mta_time(const struct mta *m) {
    return (struct shape_time){mta_now(m), mta_now_mono(m)};
}

void mta_wake(struct mta *m) {
    if (m->is_running && !m->is_stopping && !timer_is_running(&m->turn)) timer_start(&m->turn, 0);
}

enum status mta_submit(struct mta *m, struct executor *e, struct job *job) {
    enum status status = executor_submit(e, job);
    if (status == STATUS_OK) m->job_count++;
    return status;
}

void mta_job_done(struct mta *m) {
    m->job_count--;
    mta_released(m);
}

bool mta_may_grow(size_t own, size_t used, size_t max) {
    return used < max && own <= (max - used) / SHARE;
}

void mta_released(struct mta *m) {
    if (m->is_stopping) {
        if (m->stopped && !m->connection_count && !m->job_count) timer_start(&m->stop, 0);
        return;
    }
    struct list *it = list_pop(&m->starved);
    if (!it) it = list_pop(&m->blocked);
    if (it) site_touch(LIST_OWNER(it, struct site, node));
}

/* ---- rows from disk ---- */
struct fetch {
    struct mta *mta;
    struct job job;
    struct schedule_load load;
    struct arena arena;
    struct schedule_rows rows;
};

static enum status fetch_run(struct job *job, void *ctx) {
    struct fetch *f = LIST_OWNER(job, struct fetch, job);
    arena_fini(&f->arena);
    return queue_fetch(ctx, f->mta->owner.node_id, &f->load, &f->arena, &f->rows);
}

static void fetch_finish(struct fetch *f, enum status status) {
    struct mta *m = f->mta;
    f->rows.status = status;
    schedule_loaded(m->schedule, &f->load, &f->rows, mta_now(m));
    m->fetch_count--;
    arena_fini(&f->arena);
    free(f);
    mta_wake(m);
}

static void fetch_done(struct job *job) {
    struct fetch *f = LIST_OWNER(job, struct fetch, job);
    mta_job_done(f->mta);
    fetch_finish(f, job->status);
}

static void fetch_turn(struct mta *m) {
    struct schedule_load load;
    while (m->fetch_count < FETCHES_MAX && schedule_next_load(m->schedule, mta_now(m), &load)) {
        struct fetch *f = calloc(1, sizeof *f);
        if (!f) abort();
        f->mta = m;
        f->load = load;
        f->job = (struct job){.run = fetch_run, .done = fetch_done, .loop = m->options.loop, .lane = FETCH_LANE};
        m->fetch_count++;
        enum status status = mta_submit(m, m->options.readers, &f->job);
        if (status != STATUS_OK) fetch_finish(f, status);
    }
}

static void due_turn(struct mta *m) {
    int64_t at = schedule_next_due_at(m->schedule), now = mta_now(m);
    if (at == SCHEDULE_NEVER || m->fetch_count >= FETCHES_MAX) return timer_stop(&m->due);
    int64_t ms = at > now ? at - now : 1;
    timer_start(&m->due, ms < DUE_MS_MAX ? ms : DUE_MS_MAX);
}

/* ---- turns ---- */
static void gauge_turn(struct mta *m) {
    size_t now = schedule_count(m->schedule);
    metrics_add(m->options.metrics, METRIC_WAITING_IN_MEMORY, (int64_t)now - (int64_t)m->gauge);
    m->gauge = now;
}

static void on_turn(void *arg) {
    struct mta *m = arg;
    fetch_turn(m);
    router_turn(m);
    struct list now;
    list_init(&now);
    for (struct list *it; (it = list_pop(&m->dirty));) list_add_tail(&now, it);
    for (struct list *it; (it = list_pop(&now));) site_turn(LIST_OWNER(it, struct site, node));
    fetch_turn(m);
    due_turn(m);
    gauge_turn(m);
    if (!list_is_empty(&m->dirty)) mta_wake(m);
}

static void on_due(void *arg) {
    mta_wake(arg);
}

static void on_sweep(void *arg) {
    struct mta *m = arg;
    router_sweep(m);
    pauses_sweep(m);
    site_sweep(m);
    timer_start(&m->sweep, SWEEP_MS);
    mta_wake(m);
}

/* ---- entries that were just committed ---- */
struct offer {
    struct post post;
    struct mta *mta;
    struct arena arena;
    struct queue_entry *entries;
    size_t count;
};

static void on_offer(struct post *post) {
    struct offer *o = LIST_OWNER(post, struct offer, post);
    struct mta *m = o->mta;
    int64_t now = mta_now(m);
    for (size_t i = 0; i < o->count && !m->is_stopping; i++) schedule_offer(m->schedule, &o->entries[i], now);
    mta_wake(m);
    arena_fini(&o->arena);
    free(o);
}

void mta_offer(struct mta *m, const struct queue_entry *entries, size_t count) {
    struct offer *o = calloc(1, sizeof *o);
    if (!o) abort();
    o->mta = m;
    o->count = count;
    o->post.fn = on_offer;
    o->entries = arena_array(&o->arena, count, sizeof *o->entries);
    for (size_t i = 0; i < count; i++) {
        o->entries[i] = entries[i];
        o->entries[i].domain = arena_str(&o->arena, entries[i].domain);
    }
    loop_post(m->options.loop, &o->post);
}

/* ---- life ---- */
static void on_stop(void *arg) {
    struct mta *m = arg;
    connection_free_all(m);
    if (m->job_count || !m->stopped) return; /* the last job's end comes back here */
    timer_stop(&m->stop);
    void (*stopped)(void *) = m->stopped;
    m->stopped = NULL;
    stopped(m->stopped_arg);
}

static size_t or_default(size_t value, size_t otherwise) {
    return value ? value : otherwise;
}

static void set_options(struct mta *m, const struct mta_options *options) {
    struct mta_options *o = &m->options;
    *o = *options;
    buf_add_str(&m->hostname, options->hostname);
    o->hostname = o->route.hostname = buf_str(&m->hostname);
    o->route.rand = o->rand;
    o->route.asks_sts = o->http != NULL;
    if (!o->retry.count) retry_schedule_default(&o->retry);
    o->connections_max = or_default(o->connections_max, 500);
    o->letters_max_bytes = or_default(o->letters_max_bytes, (size_t)128 << 20);
    o->published_bytes_max = or_default(o->published_bytes_max, (size_t)256 << 20);
    m->providers = o->providers ? providers_ref(o->providers) : providers_builtin();
    m->return_path_key = *options->return_path_key;
    if (options->track) m->track = *options->track;
    m->track.return_path = &m->return_path_key;
    m->owner = (struct node_epoch){options->node_id, options->epoch};
}

/* The sandbox's inbox is on this machine, wherever our mail would go out from.
 * */
static void set_sources(struct mta *m) {
    BUF_AUTO why = {0};
    struct mta_options *o = &m->options;
    if (o->sandbox || !o->sources) {
        if (source_table_new(NULL, 0, o->hostname, &m->own_sources, &why) != STATUS_OK) abort();
        o->sources = m->own_sources;
    }
    o->route.use_ipv6 = o->route.use_ipv6 || source_table_has_ipv6(o->sources);
    m->sources = source_use_new(o->sources, o->rand);
}

static void set_bounces(struct mta *m) {
    BUF_AUTO why = {0};
    if (m->options.bounces) return;
    if (bounce_book_new(STR(""), &m->own_bounces, &why) != STATUS_OK) abort();
    m->options.bounces = m->own_bounces;
}

/* ---- start ---- */
static void on_loaded(struct mta *m) {
    if (m->is_stopping) return;
    m->is_running = true;
    timer_start(&m->sweep, SWEEP_MS);
    mta_wake(m);
}

static void on_ledger(struct mta *m) {
    warmup_load(m, on_loaded);
}

static void on_begin(void *arg) {
    struct mta *m = arg;
    mta_ledger_load(m->ledger, on_ledger);
}

struct mta *mta_new(const struct mta_options *options) {
    struct mta *m = calloc(1, sizeof *m);
    if (!m) abort();
    set_options(m, options);
    set_sources(m);
    set_bounces(m);
    m->schedule = schedule_new(&(struct schedule_options){.window_max = options->window_max});
    m->domains = map_new();
    m->sites = map_new();
    m->letters = map_new();
    m->lots = map_new();
    m->pauses = map_new();
    pauses_load(m, options->pauses);
    m->ledger = mta_ledger_new(m);
    m->tls_results = tls_results_new(m);
    struct list *const lists[] = {&m->known, &m->publishing, &m->attempts, &m->connections, &m->idle,
                                  &m->dirty, &m->starved,    &m->blocked,  &m->kept,        &m->holds};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) list_init(lists[i]);
    m->expiry = expiry_new(m);
    timer_init(&m->begin, options->loop, on_begin, m);
    timer_init(&m->turn, options->loop, on_turn, m);
    timer_init(&m->due, options->loop, on_due, m);
    timer_init(&m->sweep, options->loop, on_sweep, m);
    timer_init(&m->stop, options->loop, on_stop, m);
    return m;
}

struct dsn_desk mta_desk(struct mta *m, struct arena *arena) {
    return (struct dsn_desk){.owner = m->owner,
                             .hostname = buf_str(&m->hostname),
                             .rand = m->options.rand,
                             .tells_delays = m->options.tells_delays,
                             .arena = arena};
}

/* The loop may never run: then nothing must be under way. */
void mta_start(struct mta *m) {
    timer_start(&m->begin, 0);
}

void mta_stop(struct mta *m, int64_t ms_max, void (*done)(void *arg), void *arg) {
    m->is_stopping = true;
    m->stopped = done;
    m->stopped_arg = arg;
    timer_stop(&m->begin);
    timer_stop(&m->turn);
    timer_stop(&m->due);
    timer_stop(&m->sweep);
    expiry_stop(m->expiry);
    timer_start(&m->stop, ms_max);
    connection_stop_all(m);
    attempt_free_all(m);
    mta_ledger_stop(m->ledger);
    tls_results_stop(m->tls_results);
    mta_released(m);
}

void mta_free(struct mta **mta) {
    struct mta *m = *mta;
    if (!m) return;
    m->is_stopping = true;
    connection_free_all(m);
    attempt_free_all(m);
    hold_free_all(m);
    router_free(m);
    site_free_all(m);
    pauses_free(m);
    schedule_free(&m->schedule);
    map_free(&m->domains);
    map_free(&m->sites);
    map_free(&m->letters);
    map_free(&m->lots);
    expiry_free(&m->expiry);
    source_use_free(&m->sources);
    source_table_free(&m->own_sources);
    bounce_book_free(&m->own_bounces);
    mta_ledger_free(&m->ledger);
    tls_results_free(&m->tls_results);
    providers_unref(&m->providers);
    struct timer *const timers[] = {&m->begin, &m->turn, &m->due, &m->sweep, &m->stop};
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) timer_fini(timers[i]);
    buf_fini(&m->hostname);
    free(m);
    *mta = NULL;
}
