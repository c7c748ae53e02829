/* keeper.c - see keeper.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/erase.h"

#include <stdlib.h>

#define LANE        INT64_MIN /* no account's: it takes its turn among them */
#define SLICE_BYTES ((size_t)64 << 10)

struct keeper {
    struct keeper_options options;
    struct timer timer;
    struct job job;
    bool is_started, is_busy, is_stopping;
    int64_t walked_at; /* when a walk ended last, 0: none has */
    /* The writer's while it is busy. */
    bool is_walk_due, is_idle, is_walks_turn;
    struct keeping walk, next; /* as of the last commit; as the slice under way leaves it */
    struct erasure erased;     /* id 0: it was none */
    int64_t now;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

static int64_t now_mono(const struct keeper *k) {
    return clock_mono_ms(loop_clock(k->options.loop));
}

static void end_stop(struct keeper *k) {
    if (!k->is_stopping || k->is_busy) return;
    if (k->is_started) timer_fini(&k->timer);
    k->is_started = false;
    if (k->stopped) k->stopped(k->stopped_arg);
    k->stopped = NULL;
}

/* ---- a slice ---- */

static enum status erase(struct keeper *k, struct db *tx, struct arena *arena) {
    struct erasure erased;
    enum status status = erase_slice(tx, arena, k->now, &erased);
    if (status != STATUS_OK) return status;
    k->erased = erased;
    k->erased.address = k->erased.address_hash = (struct str){0}; /* the arena's */
    return STATUS_OK;
}

/* Orders and the walk take turns, so neither keeps the other waiting, however many orders there are. */
static enum status run(struct job *job, void *ctx) {
    struct keeper *k = LIST_OWNER(job, struct keeper, job);
    ARENA_AUTO arena = {0};
    k->next = k->walk;
    k->erased.id = 0;
    k->is_idle = false;
    enum status status = k->is_walk_due && k->is_walks_turn ? STATUS_NOT_FOUND : erase(k, ctx, &arena);
    if (status != STATUS_NOT_FOUND) return status;
    k->is_idle = !k->is_walk_due;
    return k->is_walk_due ? keeping_slice(ctx, &arena, &k->next, k->now) : STATUS_OK;
}

static void tell_walk(const struct keeping *walk) {
    for (int i = 0; i < RETAINED_COUNT; i++)
        if (walk->removed[i])
            LOG(LOG_INFO, "keeper.removed", LOG_Z("what", retained_text((enum retained)i)), LOG_INT("count", walk->removed[i]));
}

static void tell_erased(const struct erasure *e) {
    if (e->id && e->finished_at)
        LOG(LOG_INFO, "keeper.erased", LOG_INT("erasure", e->id), LOG_INT("recipients", e->recipients),
            LOG_INT("events", e->events), LOG_INT("contents", e->bodies));
}

static void note(struct keeper *k) {
    tell_erased(&k->erased);
    k->walk = k->next;
    if (!k->is_walk_due || !k->walk.is_over) return;
    tell_walk(&k->walk);
    k->is_walk_due = false;
    k->walked_at = now_mono(k);
}

static void done(struct job *job) {
    struct keeper *k = LIST_OWNER(job, struct keeper, job);
    bool is_well = job->status == STATUS_OK;
    k->is_busy = false;
    if (is_well)
        note(k);
    else if (job->status != STATUS_CANCELLED)
        LOG(LOG_WARN, "keeper.fault", LOG_Z("why", status_text(job->status)));
    if (k->is_stopping)
        end_stop(k);
    else
        timer_start(&k->timer, is_well && !k->is_idle ? KEEPER_BREATH_MS : KEEPER_ROUND_MS);
}

static void on_timer(void *arg) {
    struct keeper *k = arg;
    bool is_due = k->walked_at == 0 || now_mono(k) >= k->walked_at + KEEPER_WALK_MS;
    if (!k->is_walk_due && is_due) {
        keeping_begin(&k->walk, &k->options.rules);
        k->is_walk_due = true;
    }
    k->is_busy = true;
    k->is_walks_turn = !k->is_walks_turn;
    k->now = clock_wall_ms(loop_clock(k->options.loop));
    k->job = (struct job){.run = run, .done = done, .loop = k->options.loop, .bytes = SLICE_BYTES, .lane = LANE};
    enum status status = executor_submit(k->options.writer, &k->job);
    if (status == STATUS_OK) return;
    k->job.status = status;
    done(&k->job);
}

/* ---- life ---- */

struct keeper *keeper_new(const struct keeper_options *options) {
    struct keeper *k = calloc(1, sizeof *k);
    if (!k) abort();
    k->options = *options;
    return k;
}

/* Not at once: a start has better things to do. */
void keeper_start(struct keeper *k) {
    timer_init(&k->timer, k->options.loop, on_timer, k);
    k->is_started = true;
    timer_start(&k->timer, KEEPER_ROUND_MS);
}

void keeper_stop(struct keeper *k, void (*stopped)(void *arg), void *arg) {
    k->is_stopping = true;
    k->stopped = stopped;
    k->stopped_arg = arg;
    end_stop(k);
}

void keeper_free(struct keeper **place) {
    struct keeper *k = *place;
    if (!k) return;
    *place = NULL;
    if (k->is_started) timer_fini(&k->timer);
    free(k);
}
