/* lot.c - what may share connections: attempts of one site with the same pool of sources and the same demands of TLS.
 *
 * Most sites have one lot. Where there are more, a connection goes on with another lot's mail when it is good for it; and a lot
 * that has none gets its place from an idle one of the others. When nobody of its pool may send, the lot waits: with the whole
 * site, back on disk, when that concerns the whole site; else each of its recipients is put off until then (P4).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "mta/own.h"

#include <stdlib.h>

static void lot_key(struct buf *out, const struct site *s, const struct source_pool *pool, const struct tls_demand *demand) {
    buf_addf(out, "%.*s %.*s %.*s", STR_ARG(s->key), STR_ARG(pool->name), STR_ARG(demand->key));
}

struct lot *lot_get(struct site *s, const struct source_pool *pool, const struct tls_demand *demand) {
    BUF_AUTO key = {0};
    lot_key(&key, s, pool, demand);
    struct lot *l = map_find(s->mta->lots, buf_str(&key));
    if (l) return l;
    l = calloc(1, sizeof *l);
    if (!l) abort();
    l->site = s;
    l->pool = pool;
    l->key = arena_str(&l->arena, buf_str(&key));
    tls_demand_copy(demand, &l->arena, &l->demand);
    list_init(&l->ready);
    list_init(&l->idle);
    list_add_tail(&s->lots, &l->node);
    (void)map_put(s->mta->lots, l->key, l);
    return l;
}

void lot_release(struct lot *l) {
    if (l->attempt_count || l->connection_count) return;
    (void)map_remove(l->site->mta->lots, l->key);
    list_remove(&l->node);
    arena_fini(&l->arena);
    free(l);
}

void lot_push(struct lot *l, struct attempt *a, bool in_front) {
    (in_front ? list_add_head : list_add_tail)(&l->ready, &a->node);
    l->ready_count++;
    site_touch(l->site);
}

static struct attempt *pop(struct lot *l) {
    struct list *it = list_pop(&l->ready);
    if (!it) return NULL;
    l->ready_count--;
    return LIST_OWNER(it, struct attempt, node);
}

struct attempt *lot_pop(struct connection *c) {
    struct lot *own = connection_lot(c);
    LIST_FOR_EACH (it, &own->site->lots) {
        struct lot *l = LIST_OWNER(it, struct lot, node);
        bool is_its_turn = l->ready_count && (l->is_kept_out || !own->ready_count);
        if (!is_its_turn || !connection_is_fit(c, l)) continue;
        l->is_kept_out = false; /* until its next turn */
        return pop(l);
    }
    return pop(own);
}

/* ---- nobody may send ---- */
static void settle_ready(struct lot *l, const struct ending *ending) {
    while (l->ready_count > l->coming_count) attempt_settle(pop(l), ending);
}

/* Only what has no connection and none on its way is concerned. */
static void block(struct lot *l, const struct source_choice *choice) {
    struct site *s = l->site;
    struct mta *m = s->mta;
    BUF_AUTO why = {0};
    int64_t until = choice->until > mta_now(m) ? choice->until : mta_now(m) + ATTEMPT_AGAIN_MS;
    struct str because;
    connector_why(&why, l, choice);
    if (choice->obstacle == SOURCE_NO_FAMILY)
        return settle_ready(l, &(struct ending){.verdict = BOUNCE_DEFERRED, .text = buf_str(&why), .command = "CONNECT"});
    if (connector_all_unreachable(s, &until, &because)) return site_park(s, until, because);
    if (m->options.sources->pool_count == 1) return site_park(s, until, buf_str(&why));
    settle_ready(l, &(struct ending){.postponed_to = until, .text = buf_str(&why)});
}

void lot_unreachable(struct lot *l, const struct ending *ending, bool is_unfit) {
    struct connector *n;
    if (l->serving_count) return;
    struct source_choice choice = connector_choose(l, &n);
    bool has_other_way = choice.obstacle == SOURCE_FREE;
    if (has_other_way && !is_unfit) return site_touch(l->site);
    settle_ready(l, ending);
    if (!has_other_way) block(l, &choice);
}

/* ---- turns ---- */
/* What waits for a connection that none of those under way will serve. */
static size_t unserved(const struct lot *l) {
    return l->ready_count > l->coming_count ? l->ready_count - l->coming_count : 0;
}

/* All who may send have their connections: a lot without any gets the place of one that idles. */
static bool make_place(struct lot *l) {
    if (l->connection_count) return false;
    LIST_FOR_EACH (it, &l->site->connectors)
        if (connection_close_idle(LIST_OWNER(it, struct connector, node))) return true;
    return false;
}

static bool connect_more(struct lot *l) {
    struct site *s = l->site;
    struct mta *m = s->mta;
    while (unserved(l) && !site_is_parked(s)) {
        struct connector *n;
        struct source_choice choice = connector_choose(l, &n);
        if (!n && choice.obstacle == SOURCE_FREE && make_place(l)) choice = connector_choose(l, &n);
        l->is_kept_out = !n && choice.obstacle == SOURCE_FREE && !l->connection_count;
        if (!n && choice.obstacle == SOURCE_SPENT && connector_is_budget_out(l)) return true; /* some may come back */
        if (!n && choice.obstacle != SOURCE_FREE) block(l, &choice);
        if (!n) return true;
        if (!mta_may_grow(s->connection_count, m->connection_count - m->idle_count, m->options.connections_max)) return false;
        if (m->connection_count >= m->options.connections_max && !connection_close_idlest(m)) return false;
        connection_open(l, n);
    }
    return true;
}

/* The newest first; one that must wait for its rate is put behind the others, whose sources may go. */
static void resume_idle(struct lot *l) {
    size_t left = 0;
    bool is_newest = true;
    LIST_FOR_EACH (it, &l->idle) left++;
    for (; left > 0 && l->ready_count && !list_is_empty(&l->idle); left--) {
        size_t before = l->ready_count;
        connection_resume(connection_from_idle(is_newest ? l->idle.prev : l->idle.next));
        is_newest = is_newest && l->ready_count < before;
    }
}

bool lot_turn(struct lot *l) {
    l->attempt_count++; /* stays while we look at it */
    resume_idle(l);
    bool has_room = connect_more(l);
    l->attempt_count--;
    lot_release(l);
    return has_room;
}
