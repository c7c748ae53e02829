/* site.c - all domains that share their hosts: one backlog, one set of connections. A slow site holds only its own.
 *
 * A turn takes entries from the schedule as far ahead as its connections need, so that loading and signing go on while they
 * send, and opens connections for what is ready. A site without targets is a verdict (no such domain, DNS down) and ends what
 * it takes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/own.h"

#include <stdlib.h>
#include <string.h>

#define BAD_MS        60000 /* a target that failed is tried last for so long */
#define PAUSE_MS      5000  /* before another connection is tried beside those that work */
#define PROBES        2     /* connections to hosts that have not greeted yet */
#define TOO_LARGE_MAX 8     /* entries looked past for want of memory */

static void on_ready(struct schedule_site *schedule) {
    site_touch(LIST_OWNER(schedule, struct site, schedule));
}

static bool target_is(const struct target *t, const struct net_address *address) {
    return t->address.family == address->family && t->address.port == address->port &&
           memcmp(t->address.ip, address->ip, sizeof address->ip) == 0;
}

/* Fill the site's targets from a route, best host first; what is known of old ones is kept. */
static void set_targets(struct site *s, const struct route *route) {
    struct arena old_arena = s->arena;
    struct target *old = s->targets;
    size_t old_count = s->target_count;
    s->arena = (struct arena){0};
    s->targets = arena_array(&s->arena, SITE_TARGETS_MAX, sizeof *s->targets);
    s->target_count = 0;
    for (size_t h = 0; h < route->host_count; h++) {
        const struct route_host *host = &route->hosts[h];
        struct str name = arena_str(&s->arena, host->name);
        for (size_t i = 0; i < host->address_count && s->target_count < SITE_TARGETS_MAX; i++) {
            struct target *t = &s->targets[s->target_count++];
            t->host = name;
            t->address = (struct net_address){.family = host->addresses[i].family, .port = route->port};
            memcpy(t->address.ip, host->addresses[i].ip, t->address.family == 4 ? 4 : 16);
            for (size_t o = 0; o < old_count; o++)
                if (target_is(&old[o], &t->address)) t->bad_until = old[o].bad_until;
        }
    }
    arena_fini(&old_arena);
}

static void set_verdict(struct site *s, const struct route *route) {
    s->verdict = *route;
    s->verdict.hosts = NULL;
    s->verdict.host_count = 0;
    s->verdict.enhanced = arena_str(&s->arena, route->enhanced);
    s->verdict.reason = arena_str(&s->arena, route->reason);
    s->verdict.site = (struct str){0};
}

static struct site *site_new(struct mta *m, struct str key) {
    struct site *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->mta = m;
    buf_add_str(&s->key_bytes, key);
    s->key = buf_str(&s->key_bytes);
    list_init(&s->node);
    list_init(&s->ready);
    list_init(&s->idle);
    schedule_site_init(&s->schedule, on_ready);
    (void)map_put(m->sites, s->key, s);
    return s;
}

struct site *site_find(struct mta *m, struct str domain, const struct route *route) {
    BUF_AUTO own_key = {0};
    bool is_verdict = route->verdict != ROUTE_HOSTS;
    if (is_verdict) buf_addf(&own_key, "verdict:%.*s", STR_ARG(domain));
    struct str key = is_verdict ? buf_str(&own_key) : route->site;
    struct site *s = map_find(m->sites, key);
    if (!s) s = site_new(m, key);
    if (is_verdict)
        set_verdict(s, route);
    else
        set_targets(s, route);
    s->domain_count++;
    return s;
}

void site_unref_domain(struct site *s) {
    s->domain_count--;
    site_release(s);
}

void site_release(struct site *s) {
    if (s->domain_count || s->connection_count || s->attempt_count) return;
    struct mta *m = s->mta;
    (void)map_remove(m->sites, s->key);
    if (m->schedule) schedule_site_fini(m->schedule, &s->schedule);
    list_remove(&s->node);
    arena_fini(&s->arena);
    buf_fini(&s->key_bytes);
    free(s);
}

void site_touch(struct site *s) {
    list_remove(&s->node);
    list_add_tail(&s->mta->dirty, &s->node);
    mta_wake(s->mta);
}

struct attempt *site_pop_ready(struct site *s) {
    struct list *it = list_pop(&s->ready);
    if (!it) return NULL;
    s->ready_count--;
    return LIST_OWNER(it, struct attempt, node);
}

void site_push_ready(struct site *s, struct attempt *a) {
    list_add_head(&s->ready, &a->node);
    s->ready_count++;
    site_touch(s);
}

/* What waits for a connection that none of those under way will serve. */
static size_t unserved(const struct site *s) {
    return s->ready_count > s->coming_count ? s->ready_count - s->coming_count : 0;
}

/* Nobody knows yet whether a host answers: two connections are enough to find out, however much waits. */
static bool is_probing(const struct site *s) {
    return !s->serving_count && s->coming_count >= PROBES;
}

static bool may_connect(const struct site *s) {
    const struct mta *m = s->mta;
    return mta_may_grow(s->connection_count, m->connection_count - m->idle_count, m->options.connections_max);
}

/* False: what waits needs a connection that others hold. */
static bool connect_more(struct site *s) {
    struct mta *m = s->mta;
    if (s->serving_count && mta_now_mono(m) < s->connect_after) return true; /* it takes no more: use those there are */
    while (unserved(s) && s->connection_count < m->options.site_connections_max && !is_probing(s)) {
        if (!may_connect(s)) return false;
        if (m->connection_count >= m->options.connections_max && !connection_close_idlest(m)) return false;
        connection_open(s);
    }
    return true;
}

static bool wants_more(const struct site *s) {
    bool is_verdict = s->target_count == 0;
    return is_verdict || s->preparing_count + s->ready_count < s->mta->options.site_connections_max;
}

/* False: what waits needs a place or memory that others hold. What is too large just now does not keep back what is not. */
static bool take_more(struct site *s) {
    struct mta *m = s->mta;
    const struct queue_entry *entry;
    int64_t too_large[TOO_LARGE_MAX];
    size_t n = 0;
    bool has_room = true;
    while (n < TOO_LARGE_MAX && wants_more(s) && schedule_site_has_ready(&s->schedule)) {
        has_room = mta_may_grow(s->attempt_count - 1, m->attempt_count, MTA_ATTEMPTS_MAX);
        if (!has_room || !schedule_take(m->schedule, &s->schedule, &entry)) break;
        if (s->target_count == 0 || letter_has_room(m, entry))
            attempt_start(s, entry);
        else
            too_large[n++] = entry->recipient_id;
    }
    for (size_t i = n; i-- > 0;) schedule_put_back(m->schedule, too_large[i]);
    if (n) list_remove(&s->node); /* putting back said that they are ready, which is not news */
    return has_room && n == 0;
}

void site_turn(struct site *s) {
    struct mta *m = s->mta;
    s->attempt_count++; /* stays while we look at it */
    bool has_room = take_more(s);
    while (s->ready_count && !list_is_empty(&s->idle)) connection_resume(connection_from_idle(s->idle.prev));
    has_room = connect_more(s) && has_room;
    bool has_something = s->attempt_count > 1 && s->connection_count;
    if (has_room)
        mta_released(m); /* what it left may do for the next */
    else if (list_is_empty(&s->node))
        list_add_tail(has_something ? &m->blocked : &m->starved, &s->node);
    s->attempt_count--;
    site_release(s);
}

void site_unreachable(struct site *s, const struct ending *ending) {
    s->connect_after = mta_now_mono(s->mta) + PAUSE_MS;
    while (!s->serving_count && s->ready_count > s->coming_count) attempt_settle(site_pop_ready(s), ending);
}

struct target *site_pick(struct site *s, const bool tried[SITE_TARGETS_MAX]) {
    int64_t now = mta_now_mono(s->mta);
    struct target *last = NULL;
    for (size_t i = s->target_count; i-- > 0;)
        if (!tried[i] && (s->targets[i].bad_until <= now || !last || last->bad_until > now)) last = &s->targets[i];
    return last;
}

void site_mark_bad(struct site *s, const struct net_address *address) {
    for (size_t i = 0; i < s->target_count; i++)
        if (target_is(&s->targets[i], address)) s->targets[i].bad_until = mta_now_mono(s->mta) + BAD_MS;
}
