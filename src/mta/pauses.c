/* pauses.c - what the operator has paused: all deliveries, a site, a source (store/pauses.h keeps it over restarts).
 *
 * Nothing that waits begins at what is paused; what is in flight ends. A paused site is parked, as one whose hosts are dead is;
 * mail of a paused source goes out from the others of its pool, or waits when there are none.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/own.h"

#include <stdlib.h>

struct paused {
    enum live_pause_kind kind;
    struct buf key, because;
    int64_t until;
};

static void key_of(struct buf *out, enum live_pause_kind kind, struct str name) {
    buf_addf(out, "%d %.*s", (int)kind, STR_ARG(name));
}

static struct paused *find(const struct mta *m, enum live_pause_kind kind, struct str name) {
    BUF_AUTO key = {0};
    if (map_count(m->pauses) == 0) return NULL;
    key_of(&key, kind, name);
    return map_find(m->pauses, buf_str(&key));
}

int64_t pauses_until(const struct mta *m, enum live_pause_kind kind, struct str name, struct str *ret_because) {
    const struct paused *p = find(m, kind, name);
    if (!p || p->until <= mta_now(m)) return 0;
    if (ret_because) *ret_because = buf_str(&p->because);
    return p->until;
}

static void paused_free(struct paused *p) {
    buf_fini(&p->key);
    buf_fini(&p->because);
    free(p);
}

static void forget(struct mta *m, enum live_pause_kind kind, struct str name) {
    struct paused *p = find(m, kind, name);
    if (!p) return;
    (void)map_remove(m->pauses, buf_str(&p->key));
    paused_free(p);
}

static void remember(struct mta *m, enum live_pause_kind kind, struct str name, int64_t until, struct str because) {
    forget(m, kind, name);
    struct paused *p = calloc(1, sizeof *p);
    if (!p) abort();
    p->kind = kind;
    p->until = until;
    key_of(&p->key, kind, name);
    buf_add_str(&p->because, because);
    (void)map_put(m->pauses, buf_str(&p->key), p);
    if (kind == LIVE_PAUSE_ALL) m->paused_until = until;
}

void pauses_load(struct mta *m, const struct pause_list *list) {
    for (size_t i = 0; list && i < list->count; i++) {
        const struct pause *p = &list->items[i];
        remember(m, (enum live_pause_kind)p->kind, p->name, p->until, p->because);
    }
}

void pauses_free(struct mta *m) {
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(m->pauses, &cursor, &key, &value)) paused_free(value);
    map_free(&m->pauses);
}

/* ---- sites ---- */
static void each_site(struct mta *m, void (*fn)(struct site *s)) {
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(m->sites, &cursor, &key, &value)) fn(value);
}

/* What an earlier life knows of it counts as well. */
static void wake_connectors(struct site *s) {
    const struct source_table *t = s->mta->options.sources;
    for (size_t i = 0; i < t->count; i++)
        if (mta_ledger_has(s->mta->ledger, s->key, t->sources[i].name)) (void)connector_get(s, &t->sources[i]);
}

static void pause_site(struct site *s, int64_t until, struct str because) {
    wake_connectors(s);
    LIST_FOR_EACH (it, &s->connectors)
        shape_pause(&LIST_OWNER(it, struct connector, node)->shape, mta_time(s->mta), until, because);
    s->operator_until = until;
    site_park(s, until, because);
}

void pauses_new_site(struct site *s) {
    struct str because;
    int64_t until = pauses_until(s->mta, LIVE_PAUSE_SITE, s->key, &because);
    if (!until) return;
    s->operator_until = until;
    site_park(s, until, because);
}

static void resume_site(struct site *s) {
    wake_connectors(s);
    LIST_FOR_EACH (it, &s->connectors) {
        struct shape *shape = &LIST_OWNER(it, struct connector, node)->shape;
        struct shape_pause pause;
        if (shape_is_paused(shape, mta_time(s->mta), &pause))
            shape_resume(shape, mta_time(s->mta), STR("resumed by the operator"));
    }
    s->operator_until = 0;
    site_unpark(s);
    site_touch(s);
}

void pauses_lift(struct site *s) {
    if (s->operator_until <= mta_now(s->mta)) resume_site(s);
}

/* ---- all, and sources ---- */
static void take_back_all(struct mta *m) {
    LIST_FOR_EACH_SAFE (it, &m->attempts) {
        struct attempt *a = LIST_OWNER(it, struct attempt, all);
        if (!attempt_is_loading(a) && !attempt_has_begun(a)) attempt_take_back(a, 0);
    }
}

/* Those that a source kept back park again when that is still so. */
static void look_again(struct site *s) {
    int64_t until;
    struct str because;
    if (s->operator_until <= mta_now(s->mta) && !connector_all_unreachable(s, &until, &because)) site_unpark(s);
    site_touch(s);
}

void pauses_sweep(struct mta *m) {
    if (m->paused_until == 0 || m->paused_until > mta_now(m)) return;
    m->paused_until = 0;
    forget(m, LIVE_PAUSE_ALL, (struct str){0});
    each_site(m, site_touch);
}

bool pauses_set(struct mta *m, const struct live_question *q, struct site *s) {
    if (q->kind == LIVE_PAUSE_SITE && !s) return false;
    if (q->kind == LIVE_PAUSE_SOURCE && !source_find(m->options.sources, q->name)) return false;
    remember(m, q->kind, s ? s->key : q->name, q->until, q->because);
    if (q->kind == LIVE_PAUSE_SITE) pause_site(s, q->until, q->because);
    if (q->kind == LIVE_PAUSE_ALL) take_back_all(m);
    return true;
}

bool pauses_clear(struct mta *m, const struct live_question *q, struct site *s) {
    struct str name = s ? s->key : q->name;
    bool is_known = find(m, q->kind, name) != NULL;
    forget(m, q->kind, name);
    if (q->kind == LIVE_PAUSE_SITE && s) resume_site(s);
    if (q->kind == LIVE_PAUSE_SOURCE && is_known) each_site(m, look_again);
    if (q->kind == LIVE_PAUSE_ALL) m->paused_until = 0;
    if (q->kind == LIVE_PAUSE_ALL && is_known) each_site(m, site_touch);
    return is_known || (q->kind == LIVE_PAUSE_SITE && s);
}
