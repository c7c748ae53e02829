/* ledger.c - see ledger.h. Two batches: one that fills and one that is being written.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/ledger.h"

#include "base/log.h"
#include "mta/own.h"

#include <stdlib.h>

#define WRITE_MS  1000
#define BATCH_MAX 500 /* decisions of one job */

struct batch {
    struct arena arena;
    struct ledger_entry items[BATCH_MAX];
    size_t count;
};
/* What one connector of an earlier life left, oldest first. */
struct held {
    struct held *next;
    const struct ledger_entry *entry;
};
struct held_list {
    struct held *first, **end;
};
struct mta_ledger {
    struct mta *mta;
    struct list waiting; /* batches: struct queued, the last one fills */
    size_t waiting_count, lost_count;
    struct timer timer;
    struct job job; /* of the first batch, while it is out; or of the load */
    bool is_job_out;
    int64_t written_at;
    struct arena arena; /* of what was read */
    struct ledger_list read;
    struct map *held; /* by "site source": struct held_list */
    void (*loaded)(struct mta *m);
};
struct queued {
    struct list node;
    struct batch batch;
};

static void on_timer(void *arg);

struct mta_ledger *mta_ledger_new(struct mta *m) {
    struct mta_ledger *l = calloc(1, sizeof *l);
    if (!l) abort();
    l->mta = m;
    list_init(&l->waiting);
    timer_init(&l->timer, m->options.loop, on_timer, l);
    l->held = map_new();
    return l;
}

static void queued_free(struct queued *q) {
    list_remove(&q->node);
    arena_fini(&q->batch.arena);
    free(q);
}

void mta_ledger_free(struct mta_ledger **ledger) {
    struct mta_ledger *l = *ledger;
    if (!l) return;
    while (!list_is_empty(&l->waiting)) queued_free(LIST_OWNER(l->waiting.next, struct queued, node));
    timer_fini(&l->timer);
    map_free(&l->held);
    arena_fini(&l->arena);
    free(l);
    *ledger = NULL;
}

/* ---- to disk ---- */
static enum status write_run(struct job *job, void *ctx) {
    struct mta_ledger *l = LIST_OWNER(job, struct mta_ledger, job);
    const struct batch *b = &LIST_OWNER(l->waiting.next, struct queued, node)->batch;
    return ledger_write(ctx, b->items, b->count, l->written_at);
}

static void write_done(struct job *job);

/* The first batch, which from now on does not fill any more. */
static void write_next(struct mta_ledger *l) {
    if (l->is_job_out || list_is_empty(&l->waiting)) return;
    struct batch *b = &LIST_OWNER(l->waiting.next, struct queued, node)->batch;
    l->written_at = mta_now(l->mta);
    l->job = (struct job){.run = write_run,
                          .done = write_done,
                          .loop = l->mta->options.loop,
                          .bytes = b->count * sizeof *b->items + b->arena.used_bytes};
    l->is_job_out = mta_submit(l->mta, l->mta->options.writer, &l->job) == STATUS_OK;
    if (!l->is_job_out && !l->mta->is_stopping) timer_start(&l->timer, WRITE_MS);
}

static void write_done(struct job *job) {
    struct mta_ledger *l = LIST_OWNER(job, struct mta_ledger, job);
    struct queued *q = LIST_OWNER(l->waiting.next, struct queued, node);
    mta_job_done(l->mta);
    l->is_job_out = false;
    if (job->status == STATUS_OK) {
        l->waiting_count -= q->batch.count;
        queued_free(q);
    } else
        LOG(LOG_ERROR, "mta.decisions_not_written", LOG_Z("why", status_text(job->status)));
    if (l->mta->is_stopping && job->status == STATUS_OK)
        write_next(l);
    else if (!list_is_empty(&l->waiting) && !l->mta->is_stopping)
        timer_start(&l->timer, WRITE_MS);
}

static void on_timer(void *arg) {
    write_next(arg);
}

void mta_ledger_stop(struct mta_ledger *l) {
    timer_stop(&l->timer);
    write_next(l);
}

static struct batch *batch_with_room(struct mta_ledger *l) {
    struct queued *last = LIST_OWNER(l->waiting.prev, struct queued, node);
    bool is_out = l->is_job_out && l->waiting.prev == l->waiting.next;
    if (!list_is_empty(&l->waiting) && !is_out && last->batch.count < BATCH_MAX) return &last->batch;
    struct queued *q = calloc(1, sizeof *q);
    if (!q) abort();
    list_add_tail(&l->waiting, &q->node);
    return &q->batch;
}

void mta_ledger_add(struct mta_ledger *l, const struct connector *n, const struct shape_decision *d) {
    if (l->waiting_count >= MTA_LEDGER_MAX) {
        if (l->lost_count++ % MTA_LEDGER_MAX == 0) LOG(LOG_WARN, "mta.decisions_lost", LOG_INT("count", l->lost_count));
        return;
    }
    struct batch *b = batch_with_room(l);
    struct ledger_entry *e = &b->items[b->count++];
    *e = (struct ledger_entry){
        .site = arena_str(&b->arena, n->site->key), .source = arena_str(&b->arena, n->source->name), .decision = *d};
    e->decision.because = arena_str(&b->arena, d->because);
    l->waiting_count++;
    if (l->mta->is_stopping && l->mta->stopped) write_next(l);
    if (!l->is_job_out && !timer_is_running(&l->timer) && !l->mta->is_stopping) timer_start(&l->timer, WRITE_MS);
}

/* ---- from disk ---- */
static void add_key(struct buf *out, struct str site, struct str source) {
    buf_addf(out, "%.*s %.*s", STR_ARG(site), STR_ARG(source));
}

static void hold(struct mta_ledger *l, const struct ledger_entry *entry) {
    BUF_AUTO key = {0};
    add_key(&key, entry->site, entry->source);
    struct held_list *list = map_find(l->held, buf_str(&key));
    if (!list) {
        list = ARENA_NEW(&l->arena, struct held_list);
        list->end = &list->first;
        (void)map_put(l->held, buf_str(&key), list);
    }
    *list->end = ARENA_NEW(&l->arena, struct held);
    (*list->end)->entry = entry;
    list->end = &(*list->end)->next;
}

static enum status load_run(struct job *job, void *ctx) {
    struct mta_ledger *l = LIST_OWNER(job, struct mta_ledger, job);
    arena_fini(&l->arena);
    return ledger_find_held(ctx, &l->arena, l->written_at, &l->read);
}

static void load_done(struct job *job) {
    struct mta_ledger *l = LIST_OWNER(job, struct mta_ledger, job);
    mta_job_done(l->mta);
    l->is_job_out = false;
    if (job->status != STATUS_OK) {
        LOG(LOG_ERROR, "mta.decisions_not_read", LOG_Z("why", status_text(job->status)));
        l->read.count = 0;
    }
    for (size_t i = 0; i < l->read.count; i++) hold(l, &l->read.items[i]);
    l->loaded(l->mta);
}

void mta_ledger_load(struct mta_ledger *l, void (*done)(struct mta *m)) {
    l->loaded = done;
    l->written_at = mta_now(l->mta);
    l->job = (struct job){.run = load_run, .done = load_done, .loop = l->mta->options.loop};
    l->is_job_out = mta_submit(l->mta, l->mta->options.readers, &l->job) == STATUS_OK;
    if (!l->is_job_out) done(l->mta);
}

bool mta_ledger_has(const struct mta_ledger *l, struct str site, struct str source) {
    BUF_AUTO key = {0};
    if (!map_count(l->held)) return false;
    add_key(&key, site, source);
    return map_find(l->held, buf_str(&key)) != NULL;
}

void mta_ledger_restore(struct mta_ledger *l, struct connector *n) {
    BUF_AUTO key = {0};
    if (!map_count(l->held)) return;
    add_key(&key, n->site->key, n->source->name);
    struct held_list *list = map_remove(l->held, buf_str(&key));
    if (!list) return;
    for (struct held *h = list->first; h; h = h->next) shape_restore(&n->shape, mta_time(l->mta), &h->entry->decision);
    if (!map_count(l->held)) arena_fini(&l->arena);
}
