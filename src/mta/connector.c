/* connector.c - a site from one of our addresses: what it may take just now, and who of a pool goes next.
 *
 * The rules are core/shape's and core/source_use's; here they are asked for a site, and its answers are told to them. A change
 * of what a connector may do is a decision: it is logged and written to the ledger, with its reason.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "mta/own.h"

#include <stdlib.h>
#include <string.h>

static void on_decision(void *ctx, const struct shape_decision *d) {
    struct connector *n = ctx;
    LOG(d->is_routine ? LOG_DEBUG : LOG_INFO, "mta.decision", LOG_STR("site", n->site->key), LOG_STR("source", n->source->name),
        LOG_STR("what", shape_what_name(d->what)), LOG_INT("from", d->from), LOG_INT("to", d->to),
        LOG_STR("because", d->because));
    if (!d->is_routine) mta_ledger_add(n->site->mta->ledger, n, d);
}

/* The provider's row; where it says nothing, our own options. */
static struct shape_limits ceiling_of(const struct site *s) {
    const struct mta_options *o = &s->mta->options;
    struct shape_limits limits = SHAPE_DEFAULT;
    const struct provider *row = s->target_count ? provider_find(s->mta->providers, s->targets[0].host) : NULL;
    if (row) limits = row->limits;
    bool is_known = row && row->name.n;
    if (!is_known && o->site_connections_max) limits.connections = o->site_connections_max;
    if (!is_known && o->connection_messages_max) limits.connection_messages = o->connection_messages_max;
    return limits;
}

static struct connector *find(const struct site *s, const struct source *source) {
    LIST_FOR_EACH (it, &s->connectors) {
        struct connector *n = LIST_OWNER(it, struct connector, node);
        if (n->source == source) return n;
    }
    return NULL;
}

struct connector *connector_get(struct site *s, const struct source *source) {
    struct connector *n = find(s, source);
    if (n) return n;
    n = calloc(1, sizeof *n);
    if (!n) abort();
    n->site = s;
    n->source = source;
    struct shape_limits ceiling = ceiling_of(s);
    shape_init(&n->shape, &ceiling, mta_time(s->mta), on_decision, n);
    mta_ledger_restore(s->mta->ledger, n);
    list_add_tail(&s->connectors, &n->node);
    return n;
}

void site_set_provider(struct site *s) {
    const struct provider *row = s->target_count ? provider_find(s->mta->providers, s->targets[0].host) : NULL;
    struct shape_limits ceiling = ceiling_of(s);
    buf_reset(&s->provider);
    if (row) buf_add_str(&s->provider, row->name);
    s->requires_tls = row && row->requires_tls;
    LIST_FOR_EACH (it, &s->connectors)
        shape_set_ceiling(&LIST_OWNER(it, struct connector, node)->shape, &ceiling, mta_time(s->mta));
}

struct row_change {
    struct post post;
    struct mta *mta;
    struct providers *providers;
};

static void on_rows(struct post *post) {
    struct row_change *change = LIST_OWNER(post, struct row_change, post);
    struct mta *m = change->mta;
    size_t cursor = 0;
    struct str key;
    void *value;
    providers_unref(&m->providers);
    m->providers = change->providers;
    while (map_next(m->sites, &cursor, &key, &value)) {
        struct site *s = value;
        site_set_provider(s);
        if (!s->is_kept) site_touch(s);
    }
    free(change);
}

void mta_set_providers(struct mta *m, struct providers *providers) {
    struct row_change *change = calloc(1, sizeof *change);
    if (!change) abort();
    *change = (struct row_change){.post.fn = on_rows, .mta = m, .providers = providers};
    loop_post(m->options.loop, &change->post);
}

/* ---- who may send ---- */
/* One that is not there is open, unless an earlier life says otherwise. */
static struct connector *find_known(struct site *s, const struct source *source) {
    struct connector *n = find(s, source);
    return !n && mta_ledger_has(s->mta->ledger, s->key, source->name) ? connector_get(s, source) : n;
}

static bool is_paused(void *arg, const struct source *source, int64_t *ret_until) {
    struct lot *l = arg;
    struct connector *n = find_known(l->site, source);
    struct shape_pause pause;
    int64_t until = pauses_until(l->site->mta, LIVE_PAUSE_SOURCE, source->name, NULL);
    if (until) *ret_until = until;
    if (until) return true;
    if (!n || !shape_is_paused(&n->shape, mta_time(l->site->mta), &pause)) return false;
    *ret_until = pause.until;
    return true;
}

/* May send, but has all the connections that are good for him, or sends as fast as he may. */
static bool is_paused_or_busy(void *arg, const struct source *source, int64_t *ret_until) {
    struct lot *l = arg;
    struct mta *m = l->site->mta;
    struct connector *n = find_known(l->site, source);
    if (is_paused(arg, source, ret_until)) return true;
    if (!n) return false;
    *ret_until = mta_now(m);
    bool waits = n->connection_count && shape_begin_in_ms(&n->shape, mta_time(m)) > 0;
    return waits || !shape_may_connect(&n->shape, mta_time(m), n->connection_count, n->coming_count);
}

static struct source_question question_of(struct lot *l) {
    return (struct source_question){.pool = l->pool,
                                    .families = l->site->families,
                                    .provider = buf_str(&l->site->provider),
                                    .now = mta_now(l->site->mta),
                                    .is_paused = is_paused,
                                    .arg = l};
}

struct source_choice connector_choose(struct lot *l, struct connector **ret) {
    struct mta *m = l->site->mta;
    struct source_question q = question_of(l);
    q.is_paused = is_paused_or_busy;
    struct source_choice choice = source_choose(m->sources, &q);
    *ret = choice.source ? connector_get(l->site, choice.source) : NULL;
    if (*ret) return choice;
    q.is_paused = is_paused;
    return source_choose(m->sources, &q);
}

void connector_why(struct buf *out, struct lot *l, const struct source_choice *choice) {
    struct source_question q = question_of(l);
    struct shape_pause pause;
    struct str because;
    if (choice->nearest && pauses_until(l->site->mta, LIVE_PAUSE_SOURCE, choice->nearest->name, &because))
        return buf_addf(out, "source %.*s: %.*s", STR_ARG(choice->nearest->name), STR_ARG(because));
    if (choice->obstacle == SOURCE_PAUSED)
        LIST_FOR_EACH (it, &l->site->connectors) {
            struct connector *n = LIST_OWNER(it, struct connector, node);
            if (!shape_is_paused(&n->shape, mta_time(l->site->mta), &pause)) continue;
            return buf_add_str(out, pause.because);
        }
    source_choice_why(out, &q, choice);
}

size_t connector_capacity(struct site *s) {
    size_t sum = 0;
    LIST_FOR_EACH (it, &s->connectors) {
        struct shape_view view;
        shape_show(&LIST_OWNER(it, struct connector, node)->shape, mta_time(s->mta), &view);
        sum += view.pause.kind == SHAPE_NOT_PAUSED ? view.limits.connections : 0;
    }
    if (list_is_empty(&s->connectors)) sum = ceiling_of(s).connections;
    return sum ? sum : 1;
}

bool connector_all_unreachable(struct site *s, int64_t *ret_until, struct str *ret_because) {
    int64_t until = SHAPE_NO_END;
    struct str because = {0};
    if (list_is_empty(&s->connectors)) return false;
    LIST_FOR_EACH (it, &s->connectors) {
        struct shape_pause pause;
        struct connector *n = LIST_OWNER(it, struct connector, node);
        if (!shape_is_paused(&n->shape, mta_time(s->mta), &pause) || pause.kind != SHAPE_UNREACHABLE) return false;
        if (pause.until < until) until = pause.until;
        because = pause.because;
    }
    *ret_until = until;
    *ret_because = because;
    return true;
}

static bool is_of_pool(const struct source_pool *pool, const struct source *source) {
    for (size_t i = 0; i < pool->count; i++)
        if (pool->sources[i] == source) return true;
    return false;
}

bool connector_is_budget_out(struct lot *l) {
    int64_t now = mta_now(l->site->mta);
    uint32_t ceiling;
    LIST_FOR_EACH (it, &l->site->connectors) {
        const struct connector *n = LIST_OWNER(it, struct connector, node);
        if (n->budget_count && source_is_warming(n->source, now, &ceiling) && is_of_pool(l->pool, n->source)) return true;
    }
    return false;
}

bool connector_is_wanted(const struct connector *n, const struct connection *c) {
    if (n->connection_count > n->coming_count + n->serving_count) return false;
    LIST_FOR_EACH (it, &n->site->lots) {
        const struct lot *l = LIST_OWNER(it, struct lot, node);
        if (l->is_kept_out && l->ready_count && is_of_pool(l->pool, n->source) && !connection_is_fit(c, l)) return true;
    }
    return false;
}

bool connector_all_plain(struct site *s) {
    LIST_FOR_EACH (it, &s->connectors)
        if (!shape_is_plain(&LIST_OWNER(it, struct connector, node)->shape, mta_time(s->mta))) return false;
    return true;
}

void connector_free_all(struct site *s) {
    for (struct list *it; (it = list_pop(&s->connectors));) free(LIST_OWNER(it, struct connector, node));
}

/* ---- what they answered ---- */
void connector_refused(struct connector *n, const struct shape_reply *reply) {
    struct mta *m = n->site->mta;
    struct shape_reply judged = *reply;
    provider_judge(provider_find(m->providers, reply->host), &judged);
    shape_refused(&n->shape, mta_time(m), &judged);
}

/* ---- the source's own address ---- */
void connector_missing(struct connector *n, struct str why) {
    struct mta *m = n->site->mta;
    int64_t now = mta_now(m);
    BUF_AUTO because = {0};
    if (!source_suspend(m->sources, n->source, now)) return;
    struct net_address address = {.family = n->source->address.family};
    memcpy(address.ip, n->source->address.ip, sizeof address.ip);
    buf_add_z(&because, "its address ");
    net_address_format_ip(&because, &address);
    buf_addf(&because, " is not on this machine: %.*s", STR_ARG(why));
    on_decision(n, &(struct shape_decision){.at = now,
                                            .what = SHAPE_PAUSE,
                                            .kind = SHAPE_MISSING,
                                            .to = now + SOURCE_SUSPENDED_MS,
                                            .because = buf_str(&because)});
}

void connector_bound(struct connector *n) {
    struct mta *m = n->site->mta;
    if (!source_resume(m->sources, n->source)) return;
    on_decision(n,
                &(struct shape_decision){
                    .at = mta_now(m), .what = SHAPE_RESUME, .kind = SHAPE_MISSING, .because = STR("its address is there again")});
}
