/* hold.c - what the writer is about to decide does not begin meanwhile: a queue that is cleared, a message that is cancelled or
 * moved.
 *
 *   mta_hold: attempts that wait for their letter or a connection go back to disk; those on a connection, or whose end is being
 *             written, are named to whoever asked
 *   between:  what is loaded and covered goes back to disk, and is asked for again a second later
 *   release:  what is being loaded just now may have been read before the decision: it is loaded once more
 *
 * So no time is compared and no row is locked: every load that leads to a transaction was read after the decision, or the
 * decision knew of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/own.h"

#include <stdlib.h>
#include <string.h>

struct mta_hold {
    struct list node; /* mta->holds */
    struct mta *mta;
    struct queue_hold what;
    struct queue_held *held;
    struct post begin, end;
};

/* As far as the entry itself tells. */
static bool may_cover(const struct queue_hold *what, const struct attempt *a) {
    const struct queue_entry *e = a->entry;
    if (what->is_of_ids) return queue_ids_have(what->ids.items, what->ids.count, e->recipient_id);
    return e->account_id == what->account_id && e->message_id >= what->first_message && e->message_id <= what->last_message;
}

static bool covers(const struct queue_hold *what, const struct attempt *a) {
    return may_cover(what, a) && (what->is_of_ids || what->domain_id == QUEUE_ANY || what->domain_id == a->delivery.domain_id);
}

bool hold_covers(const struct mta *m, const struct attempt *a) {
    LIST_FOR_EACH (it, &m->holds)
        if (covers(&LIST_OWNER(it, struct mta_hold, node)->what, a)) return true;
    return false;
}

static void hold_free(struct mta_hold *h) {
    free(h->what.ids.items);
    free(h);
}

static void on_begin(struct post *post) {
    struct mta_hold *h = LIST_OWNER(post, struct mta_hold, begin);
    struct mta *m = h->mta;
    struct queue_held *held = h->held;
    list_add_tail(&m->holds, &h->node);
    held->in_flight = calloc(m->attempt_count + 1, sizeof *held->in_flight);
    if (!held->in_flight) abort();
    LIST_FOR_EACH_SAFE (it, &m->attempts) {
        struct attempt *a = LIST_OWNER(it, struct attempt, all);
        if (!may_cover(&h->what, a) || attempt_is_loading(a)) continue;
        if (attempt_has_begun(a))
            held->in_flight[held->in_flight_count++] = a->entry->recipient_id;
        else if (covers(&h->what, a))
            attempt_take_back(a, ATTEMPT_AGAIN_MS);
    }
    queue_ids_sort(held->in_flight, held->in_flight_count);
    held->done(held);
}

static void on_end(struct post *post) {
    struct mta_hold *h = LIST_OWNER(post, struct mta_hold, end);
    LIST_FOR_EACH (it, &h->mta->attempts) {
        struct attempt *a = LIST_OWNER(it, struct attempt, all);
        if (attempt_is_loading(a) && may_cover(&h->what, a)) a->is_stale = true;
    }
    list_remove(&h->node);
    hold_free(h);
}

struct mta_hold *mta_hold(struct mta *m, const struct queue_hold *what, struct queue_held *held) {
    struct mta_hold *h = calloc(1, sizeof *h);
    if (!h) abort();
    *h = (struct mta_hold){.mta = m, .what = *what, .held = held, .begin.fn = on_begin, .end.fn = on_end};
    list_init(&h->node);
    h->what.ids.items = calloc(what->ids.count + 1, sizeof *what->ids.items);
    if (!h->what.ids.items) abort();
    if (what->ids.count) memcpy(h->what.ids.items, what->ids.items, what->ids.count * sizeof *what->ids.items);
    loop_post(m->options.loop, &h->begin);
    return h;
}

void mta_release(struct mta_hold *h) {
    loop_post(h->mta->options.loop, &h->end);
}

void hold_free_all(struct mta *m) {
    for (struct list *it; (it = list_pop(&m->holds));) hold_free(LIST_OWNER(it, struct mta_hold, node));
}
