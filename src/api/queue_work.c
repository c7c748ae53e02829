/* queue_work.c - a slice of an order about what waits (core/queue_orders.h): the next recipients are picked, held back, and
 * changed in one transaction that moves the order's place.
 *
 * What is in flight is left alone; a walk that came by such walks once more a little later, until none is left. Then, and not
 * before, nothing that the order is about can begin any more.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/message_hold.h"
#include "api/work_own.h"

#include "core/queue_orders.h"

#include <stdlib.h>

#define PIECES_MAX 40 /* looked through for one slice */

struct queue_slice {
    struct queue_job job;
    struct queue_order order;
    struct queue_page page;
    struct message_hold hold;
    struct queue_result result;
};

static bool read_order(struct slice *s, struct queue_slice *q, struct queue_sweep *ret_at) {
    q->order =
        (struct queue_order){.verb = q->job.verb, .due_at = q->job.due_at, .priority = q->job.priority, .reason = q->job.reason};
    return (unsigned)q->job.verb < QUEUE_VERB_COUNT && queue_filter_parse(&s->arena, q->job.filter, &q->order.filter) &&
           queue_sweep_parse(&s->arena, q->job.place, ret_at);
}

static enum status load(struct slice *s, struct db *db) {
    struct queue_slice *q = ARENA_NEW(&s->arena, struct queue_slice);
    const struct queue_view view = {db, &s->arena, s->api->owner.node_id, s->now};
    struct queue_sweep at;
    enum status status = queue_job_get(db, &s->arena, s->id, &q->job);
    if (status != STATUS_OK || q->job.finished_at) {
        s->is_ended = true;
        s->end = SLICE_DONE;
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    if (!read_order(s, q, &at)) return STATUS_CORRUPT;
    s->state = q;
    for (int i = 0; status == STATUS_OK && i < PIECES_MAX && q->page.ids.count == 0 && !q->page.is_end; i++) {
        status = queue_order_page(&view, &q->order, &at, &q->page);
        at = q->page.next;
    }
    queue_ids_sort(q->page.ids.items, q->page.ids.count);
    s->write_bytes = q->page.ids.count * 512;
    return status;
}

static void on_held(void *slice) {
    slice_resume(slice);
}

static enum status hold(struct slice *s, struct db *db) {
    (void)db;
    struct queue_slice *q = s->state;
    q->hold = (struct message_hold){.api = s->api, .loop = slice_loop(s), .then = on_held, .arg = s};
    message_hold_start(&q->hold, &(struct queue_hold){.is_of_ids = true, .ids = q->page.ids});
    return STATUS_OK;
}

/* The walk is at its end: the order is done, or it walks again for the sake of what was in flight. */
static enum status end_walk(struct slice *s, struct db *db, int64_t busy, int64_t now) {
    bool walks_again = busy > 0 && ((struct queue_slice *)s->state)->order.verb != QUEUE_RETRY;
    s->end = walks_again ? SLICE_WAIT : SLICE_DONE;
    return walks_again ? STATUS_OK : queue_job_close(db, s->id, (struct str){0}, now);
}

static enum status store(struct slice *s, struct db *db) {
    struct queue_slice *q = s->state;
    BUF_AUTO place = {0};
    int64_t now = clock_wall_ms(s->api->clock);
    const struct message_flight flight = message_hold_flight(&q->hold);
    const struct queue_view view = {db, &s->arena, s->api->owner.node_id, now};
    s->end = SLICE_MORE; /* this may be a second run */
    enum status status = queue_order_apply(&view, &q->order, &q->page.ids, &flight, &q->result);
    if (status != STATUS_OK) return status;
    int64_t busy = q->job.busy + q->result.busy;
    if (!q->page.is_end) queue_sweep_format(&place, &q->page.next);
    struct queue_job_step step = {.id = s->id,
                                  .seen_place = q->job.place,
                                  .place = buf_str(&place),
                                  .changed = q->result.changed,
                                  .busy = q->page.is_end ? 0 : busy};
    status = queue_job_advance(db, &step);
    if (status == STATUS_OK && q->page.is_end) status = end_walk(s, db, busy, now);
    return status == STATUS_NOT_FOUND ? STATUS_CONFLICT : status; /* nothing of it may stand */
}

static enum status offer(struct slice *s, struct db *db) {
    (void)db;
    struct queue_slice *q = s->state;
    message_hold_end(&q->hold);
    if (q->order.verb == QUEUE_FAIL) metrics_add(s->api->metrics, METRIC_FAILED, q->result.changed);
    if (q->result.entries.count && s->api->queue_offer)
        s->api->queue_offer(s->api->arg, q->result.entries.items, q->result.entries.count);
    return STATUS_OK;
}

static void fini(struct slice *s) {
    struct queue_slice *q = s->state;
    if (q) message_hold_end(&q->hold);
}

const struct work_kind queue_work = {
    .name = "queue",
    .steps = {{STEP_READER, load}, {STEP_WAIT, hold}, {STEP_WRITER, store}, {STEP_LOOP, offer}},
    .fini = fini,
    .find = queue_job_open,
    .fail = queue_job_close,
};
