/* inspect.c - questions of operators (core/live.h), answered on mta's loop with copies of what stands there just now.
 *
 * An answer is bounded, however many sites there are (P8).
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/own.h"

#include <stdlib.h>
#include <string.h>

struct ask {
    struct post post;
    struct mta *mta;
    struct live_question *question;
};

/* ---- one site ---- */
static struct str copy(struct live_question *q, struct str text) {
    return arena_str(&q->arena, text);
}

static struct live_connector *add_connectors(struct live_question *q, struct site *s, struct live_site *ret) {
    size_t count = 0;
    LIST_FOR_EACH (it, &s->connectors) count++;
    struct live_connector *items = arena_array(&q->arena, count + 1, sizeof *items);
    count = 0;
    LIST_FOR_EACH (it, &s->connectors) {
        struct connector *n = LIST_OWNER(it, struct connector, node);
        struct live_connector *k = &items[count++];
        *k = (struct live_connector){.source = copy(q, n->source->name), .connections = n->connection_count};
        shape_show(&n->shape, mta_time(s->mta), &k->view);
        k->view.pause.because = copy(q, k->view.pause.because);
        ret->last_minute += k->view.last_minute;
        bool is_limited = k->view.pause.kind != SHAPE_NOT_PAUSED || k->view.limits.connections < k->view.ceiling.connections ||
                          k->view.limits.per_minute != k->view.ceiling.per_minute;
        if (is_limited && ret->because.n == 0) ret->because = k->view.pause.because;
    }
    ret->connector_count = count;
    return items;
}

/* Its own pause, deliveries' or the operator's. */
static int64_t own_until(const struct site *s) {
    return s->operator_until > s->schedule.parked_until ? s->operator_until : s->schedule.parked_until;
}

/* 0: it is not parked. */
static int64_t parked_until(const struct site *s) {
    if (!site_is_parked(s)) return 0;
    int64_t until = own_until(s);
    return until > mta_now(s->mta) ? until : s->mta->paused_until;
}

static void site_fill(struct live_question *q, struct site *s, struct live_site *ret) {
    struct mta *m = s->mta;
    bool is_parked = site_is_parked(s);
    *ret = (struct live_site){
        .name = copy(q, s->key),
        .domains = s->domain_count,
        .in_flight = s->attempt_count,
        .connections = s->connection_count,
        .delivered = s->ended[DELIVERY_DELIVERED],
        .deferred = s->ended[DELIVERY_DEFERRED],
        .bounced = s->ended[DELIVERY_BOUNCED],
        .last_reply = copy(q, buf_str(&s->last_reply)),
        .last_reply_at = s->last_reply_at,
    };
    ret->waiting = schedule_site_count(&s->schedule);
    if (is_parked) {
        int64_t until = own_until(s);
        ret->parked_until = parked_until(s);
        ret->because = copy(q, until > mta_now(m) ? buf_str(&s->parked_because) : STR("all deliveries are paused"));
    }
    ret->connectors = add_connectors(q, s, ret);
}

/* A site by its name, or as the one that a domain is routed to. */
static struct site *find_site(struct mta *m, struct str name) {
    struct site *s = map_find(m->sites, name);
    if (s) return s;
    struct schedule_site *of = schedule_site_of(m->schedule, name);
    return of ? LIST_OWNER(of, struct site, schedule) : router_site(m, name);
}

static void answer_one(struct live_question *q, struct site *s) {
    q->sites = arena_array(&q->arena, 1, sizeof *q->sites);
    site_fill(q, s, &q->sites[0]);
    q->site_count = 1;
    q->is_found = true;
}

/* ---- the questions ---- */
/* Those with something to do, or where something keeps us from it. */
static bool is_meant(const struct live_question *q, struct site *s) {
    if (q->name.n) return str_find_str(s->key, q->name) != STR_NONE;
    bool is_busy = s->attempt_count || s->connection_count || schedule_site_has_ready(&s->schedule);
    return q->is_all || is_busy || site_is_parked(s) || !connector_all_plain(s);
}

static int by_work(const void *a, const void *b) {
    const struct live_site *x = a, *y = b;
    if (x->waiting != y->waiting) return x->waiting < y->waiting ? 1 : -1;
    return str_cmp(x->name, y->name);
}

static void ask_sites(struct mta *m, struct live_question *q) {
    struct site *exact = q->name.n ? find_site(m, q->name) : NULL;
    if (exact) return answer_one(q, exact);
    q->sites = arena_array(&q->arena, LIVE_SITES_MAX, sizeof *q->sites);
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(m->sites, &cursor, &key, &value)) {
        if (!is_meant(q, value)) continue;
        q->is_more = q->site_count == LIVE_SITES_MAX;
        if (q->is_more) break;
        site_fill(q, value, &q->sites[q->site_count++]);
    }
    if (q->site_count) qsort(q->sites, q->site_count, sizeof *q->sites, by_work);
    q->is_found = q->site_count > 0;
}

struct collect {
    struct live_question *q;
    struct route_name {
        struct str domain;
        size_t site;
    } * items;
    size_t count, max, site;
};

static void collect_domain(void *arg, struct str domain) {
    struct collect *c = arg;
    if (c->count == c->max) {
        c->q->is_more = true;
        return;
    }
    c->items[c->count++] = (struct route_name){copy(c->q, domain), c->site};
}

static int by_domain(const void *a, const void *b) {
    return str_cmp(((const struct route_name *)a)->domain, ((const struct route_name *)b)->domain);
}

static void take_domains(struct live_question *q, struct collect *c) {
    if (c->count) qsort(c->items, c->count, sizeof *c->items, by_domain);
    q->domains = arena_array(&q->arena, c->count + 1, sizeof *q->domains);
    q->of_sites = arena_array(&q->arena, c->count + 1, sizeof *q->of_sites);
    for (size_t i = 0; i < c->count; i++) {
        q->domains[i] = c->items[i].domain;
        q->of_sites[i] = c->items[i].site;
    }
    q->domain_count = c->count;
    free(c->items);
}

static void collect_begin(struct collect *c, struct live_question *q, size_t max) {
    *c = (struct collect){.q = q, .max = max};
    c->items = calloc(max, sizeof *c->items);
    if (!c->items) abort();
}

static void ask_domains(struct mta *m, struct live_question *q) {
    struct site *s = find_site(m, q->name);
    struct collect c;
    if (!s) return;
    if (q->ends_pause) pauses_lift(s);
    collect_begin(&c, q, LIVE_DOMAINS_MAX);
    schedule_site_domains(&s->schedule, collect_domain, &c);
    take_domains(q, &c);
    q->is_found = true;
}

static void ask_routes(struct mta *m, struct live_question *q) {
    struct collect c;
    size_t cursor = 0, site_count = 0;
    struct str key;
    void *value;
    collect_begin(&c, q, LIVE_ROUTES_MAX);
    while (map_next(m->sites, &cursor, &key, &value)) site_count++;
    q->sites = arena_array(&q->arena, site_count + 1, sizeof *q->sites);
    cursor = 0;
    while (map_next(m->sites, &cursor, &key, &value)) {
        struct site *s = value;
        q->sites[q->site_count] = (struct live_site){.name = copy(q, s->key), .parked_until = parked_until(s)};
        c.site = q->site_count++;
        schedule_site_domains(&s->schedule, collect_domain, &c);
    }
    take_domains(q, &c);
    q->is_found = true;
}

static void ask_why(struct mta *m, struct live_question *q) {
    struct site *s = find_site(m, q->name);
    if (s) answer_one(q, s);
    q->place = schedule_holds(m->schedule, q->recipient_id) ? LIVE_IN_WINDOW : LIVE_ON_DISK;
    LIST_FOR_EACH (it, &m->attempts) {
        struct attempt *a = LIST_OWNER(it, struct attempt, all);
        if (a->entry->recipient_id == q->recipient_id && attempt_has_begun(a)) q->place = LIVE_IN_FLIGHT;
    }
}

/* ---- sources ---- */
struct progress {
    struct live_question *q;
    struct live_warmup *items;
    size_t count;
};
#define WARMUPS_MAX 50

static void add_progress(void *arg, const struct source_progress *p) {
    struct progress *all = arg;
    if (all->count == WARMUPS_MAX) return;
    all->items[all->count++] = (struct live_warmup){copy(all->q, p->provider), p->spent + p->reserved, p->ceiling};
}

static void source_fill(struct mta *m, struct live_question *q, const struct source *source, struct live_source *ret) {
    BUF_AUTO address = {0};
    struct net_address ip = {.family = source->address.family};
    memcpy(ip.ip, source->address.ip, sizeof ip.ip);
    if (ip.family) net_address_format_ip(&address, &ip);
    struct progress progress = {.q = q, .items = arena_array(&q->arena, WARMUPS_MAX, sizeof *progress.items)};
    source_progress_each(m->sources, source, mta_now(m), add_progress, &progress);
    *ret = (struct live_source){.name = copy(q, source->name),
                                .address = copy(q, buf_str(&address)),
                                .pools = copy(q, source->pools.n ? source->pools : STR(SOURCE_POOL)),
                                .hostname = copy(q, source->hostname),
                                .weight = source->weight,
                                .warmups = progress.items,
                                .warmup_count = progress.count};
    struct str because;
    ret->paused_until = pauses_until(m, LIVE_PAUSE_SOURCE, source->name, &because);
    if (ret->paused_until) ret->because = copy(q, because);
}

static void count_connectors(struct mta *m, struct live_question *q) {
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(m->sites, &cursor, &key, &value))
        LIST_FOR_EACH (it, &((struct site *)value)->connectors) {
            struct connector *n = LIST_OWNER(it, struct connector, node);
            struct live_source *source = &q->sources[n->source->index];
            struct shape_pause pause;
            source->connections += n->connection_count;
            source->paused_sites += shape_is_paused(&n->shape, mta_time(m), &pause);
        }
}

static void ask_sources(struct mta *m, struct live_question *q) {
    const struct source_table *t = m->options.sources;
    q->sources = arena_array(&q->arena, t->count + 1, sizeof *q->sources);
    for (size_t i = 0; i < t->count; i++) source_fill(m, q, &t->sources[i], &q->sources[i]);
    q->source_count = t->count;
    count_connectors(m, q);
    q->is_found = true;
}

/* ---- pauses ---- */
static void ask_pause(struct mta *m, struct live_question *q) {
    struct site *s = q->kind == LIVE_PAUSE_SITE ? find_site(m, q->name) : NULL;
    bool is_found = (q->what == LIVE_PAUSE ? pauses_set : pauses_clear)(m, q, s);
    if (is_found && s) answer_one(q, s);
    q->is_found = is_found;
}

static void on_ask(struct post *post) {
    static void (*const answers[])(struct mta *, struct live_question *) = {
        [LIVE_SITES] = ask_sites, [LIVE_DOMAINS] = ask_domains, [LIVE_ROUTES] = ask_routes, [LIVE_SOURCES] = ask_sources,
        [LIVE_WHY] = ask_why,     [LIVE_PAUSE] = ask_pause,     [LIVE_RESUME] = ask_pause,
    };
    struct ask *ask = LIST_OWNER(post, struct ask, post);
    struct mta *m = ask->mta;
    struct live_question *q = ask->question;
    struct str because;
    if (!m->is_stopping) answers[q->what](m, q);
    q->paused_until = pauses_until(m, LIVE_PAUSE_ALL, (struct str){0}, &because);
    if (q->paused_until) q->paused_because = copy(q, because);
    free(ask);
    q->done(q);
}

void mta_ask(struct mta *m, struct live_question *question) {
    struct ask *ask = calloc(1, sizeof *ask);
    if (!ask) abort();
    *ask = (struct ask){.post.fn = on_ask, .mta = m, .question = question};
    loop_post(m->options.loop, &ask->post);
}
