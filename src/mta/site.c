/* site.c - all domains that share their hosts: one backlog, one set of limits. A slow site holds only its own.
 *
 * A turn takes entries from the schedule as far ahead as its connectors need, so that loading and signing go on while they
 * send, and gives its lots their turns. A site without targets is a verdict (no such domain, DNS down) and ends what it takes.
 * One that cannot be sent to is parked: its entries are on disk and cost nothing until the pause is over. What is known of it
 * (pauses, limits) is kept for a while when nobody uses it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/own.h"

#include <stdlib.h>
#include <string.h>

#define BAD_MS         60000 /* a target that failed is tried last for so long */
#define TOO_LARGE_MAX  8     /* entries looked past for want of memory */
#define KEPT_MAX       20000 /* sites that nobody uses */
#define UNKNOWN_MAX    4     /* entries under way before a host has greeted: where none does, they have tried for all */
#define DOUBTFUL_MAX   20    /* mails that a temporary verdict puts off; */
#define DOUBTFUL_MS    60000 /* the others wait so long, and then for a route found anew */
#define CLOCK_SLACK_MS 5000

static void on_ready(struct schedule_site *schedule) {
    site_touch(LIST_OWNER(schedule, struct site, schedule));
}

static bool is_same(const struct route_address *a, const struct route_address *b) {
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

void site_address(const struct site *s, const struct target *t, struct net_address *ret) {
    *ret = (struct net_address){.family = t->ip.family, .port = s->port};
    memcpy(ret->ip, t->ip.ip, t->ip.family == 4 ? 4 : 16);
}

/* Room for exactly these, for there may be many sites: the targets, and behind them the names of their hosts. */
static struct target *targets_alloc(const struct route *route, char **ret_names) {
    size_t count = 0, bytes = 0;
    for (size_t h = 0; h < route->host_count; h++) {
        count += route->hosts[h].address_count;
        bytes += route->hosts[h].name.n;
    }
    struct target *targets = calloc(1, count * sizeof *targets + bytes + 1);
    if (!targets) abort();
    *ret_names = (char *)(targets + count);
    return targets;
}

/* Fill the site's targets from a route, best host first; what is known of old ones is kept. */
static void set_targets(struct site *s, const struct route *route) {
    struct target *old = s->targets;
    size_t old_count = s->target_count;
    char *names;
    s->targets = targets_alloc(route, &names);
    s->target_count = 0;
    s->families = 0;
    s->port = route->port;
    for (size_t h = 0; h < route->host_count; h++) {
        const struct route_host *host = &route->hosts[h];
        struct str name = str_make(memcpy(names, host->name.p, host->name.n), host->name.n);
        names += name.n;
        for (size_t i = 0; i < host->address_count && s->target_count < SITE_TARGETS_MAX; i++) {
            struct target *t = &s->targets[s->target_count++];
            *t = (struct target){.host = name, .ip = host->addresses[i]};
            s->families |= t->ip.family == 6 ? SOURCE_OF_IPV6 : SOURCE_OF_IPV4;
            for (size_t o = 0; o < old_count; o++)
                if (is_same(&old[o].ip, &t->ip)) t->bad_until = old[o].bad_until;
        }
    }
    free(old);
}

static void set_verdict(struct site *s, const struct route *route) {
    arena_fini(&s->arena);
    s->verdict = *route;
    s->verdict.hosts = NULL;
    s->verdict.host_count = 0;
    s->verdict.enhanced = arena_str(&s->arena, route->enhanced);
    s->verdict.reason = arena_str(&s->arena, route->reason);
    s->verdict.site = (struct str){0};
    s->doubtful_count = 0;
}

static void on_again(void *arg) {
    site_touch(arg);
}

static struct site *site_new(struct mta *m, struct str key) {
    struct site *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->mta = m;
    buf_add_str(&s->key_bytes, key);
    s->key = buf_str(&s->key_bytes);
    list_init(&s->node);
    list_init(&s->connectors);
    list_init(&s->lots);
    timer_init(&s->again, m->options.loop, on_again, s);
    schedule_site_init(&s->schedule, on_ready);
    (void)map_put(m->sites, s->key, s);
    return s;
}

/* One that is kept may have been touched, and comes back from its turn. */
static void set_kept(struct site *s, bool is_kept) {
    if (!s->is_kept && !is_kept) return;
    s->mta->kept_count += (size_t)is_kept - (size_t)s->is_kept;
    s->is_kept = is_kept;
    list_remove(&s->node);
    if (is_kept) list_add_tail(&s->mta->kept, &s->node);
}

struct site *site_find(struct mta *m, struct str domain, const struct route *route) {
    BUF_AUTO own_key = {0};
    bool is_verdict = route->verdict != ROUTE_HOSTS;
    if (is_verdict) buf_addf(&own_key, "verdict:%.*s", STR_ARG(domain));
    struct str key = is_verdict ? buf_str(&own_key) : route->site;
    struct site *s = map_find(m->sites, key);
    bool is_new = !s;
    if (is_new) s = site_new(m, key);
    set_kept(s, false);
    if (is_verdict)
        set_verdict(s, route);
    else
        set_targets(s, route);
    site_set_provider(s);
    if (is_new) pauses_new_site(s);
    s->domain_count++;
    return s;
}

void site_unref_domain(struct site *s) {
    s->domain_count--;
    site_release(s);
}

static void site_free(struct site *s) {
    struct mta *m = s->mta;
    (void)map_remove(m->sites, s->key);
    if (m->schedule) schedule_site_fini(m->schedule, &s->schedule);
    set_kept(s, false);
    list_remove(&s->node);
    timer_fini(&s->again);
    connector_free_all(s);
    free(s->targets);
    arena_fini(&s->arena);
    buf_fini(&s->key_bytes);
    buf_fini(&s->provider);
    buf_fini(&s->parked_because);
    buf_fini(&s->last_reply);
    free(s);
}

void site_release(struct site *s) {
    struct mta *m = s->mta;
    if (s->domain_count || s->connection_count || s->attempt_count) return;
    if (m->schedule && m->kept_count < KEPT_MAX && !connector_all_plain(s)) return set_kept(s, true);
    site_free(s);
}

/* The wall clock went back: the park ends when it was to end all the same. */
static void mend_park(struct site *s) {
    struct mta *m = s->mta;
    if (!s->schedule.parked_until || s->parked_mono == SHAPE_NO_END) return;
    int64_t left = s->parked_mono - mta_now_mono(m), until = s->schedule.parked_until;
    if (until <= mta_now(m) || until - mta_now(m) <= left + CLOCK_SLACK_MS) return;
    BUF_AUTO because = {0};
    buf_add_str(&because, buf_str(&s->parked_because));
    if (left > 0)
        site_park(s, mta_now(m) + left, buf_str(&because));
    else
        site_unpark(s);
}

/* The operator's pause is over, or a step of the clock let the schedule hand out what was parked still: nobody else says so. */
static void look_at_waiting(struct site *s) {
    bool is_over = s->operator_until && s->operator_until <= mta_now(s->mta);
    if (is_over) s->operator_until = 0;
    if (!site_is_parked(s) && (is_over || schedule_site_has_ready(&s->schedule)) && list_is_empty(&s->node)) site_touch(s);
}

void site_sweep(struct mta *m) {
    LIST_FOR_EACH_SAFE (it, &m->kept) {
        struct site *s = LIST_OWNER(it, struct site, node);
        if (connector_all_plain(s)) site_free(s);
    }
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(m->sites, &cursor, &key, &value)) {
        struct site *s = value;
        if (s->operator_until <= mta_now(m)) mend_park(s);
        look_at_waiting(s);
    }
}

void site_free_all(struct mta *m) {
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(m->sites, &cursor, &key, &value)) site_free(value);
}

/* ---- parked ---- */
bool site_is_parked(const struct site *s) {
    const struct mta *m = s->mta;
    int64_t now = mta_now(m);
    return s->schedule.parked_until > now || s->operator_until > now || m->paused_until > now;
}

void site_park(struct site *s, int64_t until, struct str because) {
    struct mta *m = s->mta;
    buf_reset(&s->parked_because);
    buf_add_str(&s->parked_because, because);
    s->parked_mono = until == SHAPE_NO_END ? until : mta_now_mono(m) + until - mta_now(m);
    schedule_site_park(m->schedule, &s->schedule, until);
    LIST_FOR_EACH_SAFE (it, &m->attempts) {
        struct attempt *a = LIST_OWNER(it, struct attempt, all);
        bool waits = a->site == s && !attempt_is_loading(a) && !attempt_has_begun(a);
        if (waits) attempt_take_back(a, 0);
    }
}

void site_unpark(struct site *s) {
    if (s->operator_until > mta_now(s->mta)) return;
    schedule_site_unpark(s->mta->schedule, &s->schedule);
}

void site_touch(struct site *s) {
    list_remove(&s->node);
    list_add_tail(&s->mta->dirty, &s->node);
    mta_wake(s->mta);
}

void site_look_in(struct site *s, int64_t ms) {
    int64_t at = mta_now_mono(s->mta) + ms;
    if (timer_is_running(&s->again) && s->look_at <= at) return;
    s->look_at = at;
    timer_start(&s->again, ms);
}

/* How many entries to have under way before a connection, or at a verdict. */
static size_t ahead(struct site *s) {
    size_t capacity = s->target_count ? connector_capacity(s) : MTA_ATTEMPTS_MAX, serving = 0;
    LIST_FOR_EACH (it, &s->connectors) serving += LIST_OWNER(it, struct connector, node)->serving_count;
    bool is_unknown = s->target_count && !serving;
    return is_unknown && capacity > UNKNOWN_MAX ? UNKNOWN_MAX : capacity;
}

/* DNS may be down for all: it is not asked again, nor anything written, for each of those who wait. */
void site_doubt(struct site *s) {
    if (s->target_count || s->verdict.verdict != ROUTE_TEMPORARY || ++s->doubtful_count < DOUBTFUL_MAX) return;
    s->doubtful_count = 0;
    site_park(s, mta_now(s->mta) + DOUBTFUL_MS, s->verdict.reason);
}

static size_t ready_count(const struct site *s) {
    size_t sum = 0;
    LIST_FOR_EACH (it, &s->lots) sum += LIST_OWNER(it, struct lot, node)->ready_count;
    return sum;
}

/* False: what waits needs a place or memory that others hold. What is too large just now does not keep back what is not. */
static bool take_more(struct site *s) {
    struct mta *m = s->mta;
    const struct queue_entry *entry;
    int64_t too_large[TOO_LARGE_MAX];
    size_t n = 0;
    bool has_room = true;
    size_t max = ahead(s), ready = ready_count(s);
    while (n < TOO_LARGE_MAX && s->preparing_count + ready < max && schedule_site_has_ready(&s->schedule)) {
        has_room = mta_may_grow(s->attempt_count - 1, m->attempt_count, MTA_ATTEMPTS_MAX);
        if (!has_room || !schedule_take(m->schedule, &s->schedule, &entry)) break;
        if (s->target_count == 0 || letter_has_room(m, entry))
            attempt_start(s, entry);
        else
            too_large[n++] = entry->recipient_id;
    }
    for (size_t i = n; i-- > 0;) schedule_put_back(m->schedule, too_large[i]);
    if (n)
        list_remove(&s->node); /* putting back said that they are ready, which is
                                  not news */
    return has_room && n == 0;
}

static bool lots_turn(struct site *s) {
    bool has_room = true;
    size_t n = 0;
    LIST_FOR_EACH_SAFE (it, &s->lots) {
        if (!LIST_OWNER(it, struct lot, node)->is_kept_out) continue;
        list_remove(it); /* whoever has none comes first */
        list_add_head(&s->lots, it);
    }
    LIST_FOR_EACH (it, &s->lots) n++;
    while (n-- > 0 && !list_is_empty(&s->lots) && !site_is_parked(s)) {
        struct list *it = list_pop(&s->lots);
        list_add_tail(&s->lots, it);
        has_room = lot_turn(LIST_OWNER(it, struct lot, node)) && has_room;
    }
    return has_room;
}

void site_turn(struct site *s) {
    struct mta *m = s->mta;
    s->attempt_count++; /* stays while we look at it */
    bool has_room = true;
    if (!site_is_parked(s)) {
        has_room = take_more(s);
        has_room = lots_turn(s) && has_room;
    }
    bool has_something = s->attempt_count > 1 && s->connection_count;
    if (has_room)
        mta_released(m); /* what it left may do for the next */
    else if (list_is_empty(&s->node))
        list_add_tail(has_something ? &m->blocked : &m->starved, &s->node);
    s->attempt_count--;
    site_release(s);
}

static bool is_of(const struct target *t, unsigned families) {
    return families & (t->ip.family == 6 ? SOURCE_OF_IPV6 : SOURCE_OF_IPV4);
}

struct target *site_pick(struct site *s, unsigned families, const bool tried[SITE_TARGETS_MAX]) {
    int64_t now = mta_now_mono(s->mta);
    struct target *last = NULL;
    for (size_t i = s->target_count; i-- > 0;)
        if (!tried[i] && is_of(&s->targets[i], families) && (s->targets[i].bad_until <= now || !last || last->bad_until > now))
            last = &s->targets[i];
    return last;
}

void site_mark_bad(struct site *s, const struct net_address *address) {
    struct route_address ip = {.family = address->family};
    memcpy(ip.ip, address->ip, sizeof ip.ip);
    for (size_t i = 0; i < s->target_count; i++)
        if (is_same(&s->targets[i].ip, &ip)) s->targets[i].bad_until = mta_now_mono(s->mta) + BAD_MS;
}
