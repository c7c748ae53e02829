/* router.c - which site a domain belongs to, and what it publishes about TLS.
 *
 *   DNS (core/route) --> hosts --> MTA-STS policy (sts.c) --> site
 *                   \--> a verdict ------------------------/
 *
 * The answer stands for its TTL, unless very many are known, or very much is published: then the oldest go (DN22, P8). A domain
 * that a relay takes (core/relay.h) has the relay's hosts and site. In the sandbox every domain's route is the built-in inbox.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/own.h"

#include <stdlib.h>
#include <string.h>

#define ROUTING_MAX   1000 /* domains asked for at once: as many as the resolver has in flight (P6) */
#define SANDBOX_TTL_S 3600
#define KNOWN_MAX     50000 /* domains with an answer */

struct domain_route {
    struct list node;       /* mta->known, oldest answer first; in none while asking */
    struct list publishing; /* mta->publishing, likewise, of those that publish something */
    struct mta *mta;
    struct buf name;
    struct arena arena; /* while asking */
    struct route_machine *machine;
    struct inquiry *inquiry;
    struct sts_search *search;
    const struct relay *relay; /* takes its mail; NULL: its own hosts do */
    struct site *site;         /* NULL while asking */
    struct arena kept;         /* of what is published */
    const struct tls_published *published;
    int64_t expires_at; /* monotonic */
};
static const struct tls_published nothing_published = {.sts_trouble = TLS_RESULT_SUCCESS};
/* Nobody has to vouch for a relay's name: the operator gave it. */
static const struct tls_published operators_choice = {.is_mx_secure = true};

static void domain_free(struct domain_route *d) {
    inquiry_cancel(&d->inquiry);
    sts_search_cancel(&d->search);
    if (d->machine) route_fini(d->machine);
    arena_fini(&d->arena);
    d->mta->published_bytes -= d->kept.used_bytes;
    list_remove(&d->publishing);
    arena_fini(&d->kept);
    (void)map_remove(d->mta->domains, buf_str(&d->name));
    list_remove(&d->node);
    if (d->site) site_unref_domain(d->site);
    buf_fini(&d->name);
    free(d);
}

static void forget(struct domain_route *d) {
    schedule_route(d->mta->schedule, buf_str(&d->name), NULL);
    domain_free(d);
}

static void attach(struct domain_route *d, const struct route *route, uint32_t ttl_s) {
    struct mta *m = d->mta;
    struct route to = *route;
    if (d->relay) to.site = d->relay->site;
    d->site = site_find(m, buf_str(&d->name), &to);
    d->site->relay = to.verdict == ROUTE_HOSTS ? d->relay : NULL;
    d->expires_at = mta_now_mono(m) + (int64_t)ttl_s * 1000;
    list_add_tail(&m->known, &d->node);
    schedule_route(m->schedule, buf_str(&d->name), &d->site->schedule);
    site_touch(d->site);
}

static size_t ask_next(void *machine, struct dns_question *ret, size_t max) {
    return route_next(((struct domain_route *)machine)->machine, ret, max);
}
static void ask_answer(void *machine, size_t index, const struct dns_answer *answer) {
    struct domain_route *d = machine;
    bool is_failure = answer->status == STATUS_TEMPORARY || answer->status == STATUS_TIMEOUT;
    metrics_add(d->mta->options.metrics, METRIC_DNS_QUESTIONS, 1);
    metrics_add(d->mta->options.metrics, METRIC_DNS_FAILURES, is_failure);
    route_answer(d->machine, index, answer);
}
static void routed(struct domain_route *d, uint32_t ttl_s) {
    struct mta *m = d->mta;
    attach(d, route_result(d->machine), ttl_s);
    route_fini(d->machine);
    d->machine = NULL;
    arena_fini(&d->arena);
    mta_wake(m);
}

/* Most domains publish nothing, and that takes no room; but whoever likes publishes much, for as many as he likes. */
static void keep_published(struct domain_route *d, const struct tls_published *found) {
    if (found->key.n == 0 && !found->is_mx_secure && found->sts_id.n == 0) return;
    struct tls_published *p = ARENA_NEW(&d->kept, struct tls_published);
    tls_published_copy(found, &d->kept, p);
    d->published = p;
    while (d->mta->published_bytes >= d->mta->options.published_bytes_max && !list_is_empty(&d->mta->publishing))
        forget(LIST_OWNER(d->mta->publishing.next, struct domain_route, publishing));
    d->mta->published_bytes += d->kept.used_bytes;
    list_add_tail(&d->mta->publishing, &d->publishing);
}

static void policy_done(void *arg, const struct sts_entry *entry, enum tls_result trouble) {
    struct domain_route *d = arg;
    const struct route *route = route_result(d->machine);
    struct tls_published p = route->published;
    p.sts_trouble = trouble;
    if (entry) {
        p.sts = entry->policy;
        p.sts_id = entry->id;
    }
    tls_published_seal(&p, &d->arena);
    keep_published(d, &p);
    bool is_soon = trouble != TLS_RESULT_SUCCESS && route->ttl_s < STS_RETRY_S;
    routed(d, is_soon ? STS_RETRY_S : route->ttl_s);
}

static void ask_done(void *machine) {
    struct domain_route *d = machine;
    struct mta *m = d->mta;
    const struct route *route = route_result(d->machine);
    bool has_domain =
        !d->relay && route->verdict == ROUTE_HOSTS && route->published.domain.n > 0; /* else it is a relay's, or a verdict */
    d->inquiry = NULL;
    m->routing_count--;
    if (!has_domain) return routed(d, route->ttl_s);
    if (!m->options.http) return policy_done(d, NULL, TLS_RESULT_SUCCESS);
    sts_search_start(&d->search, m, &route->published, policy_done, d);
}
static const struct inquiry_ops ask = {ask_next, ask_answer, ask_done};

static void attach_sandbox(struct domain_route *d) {
    const struct net_address *inbox = d->mta->options.sandbox;
    struct route_address address = {.family = inbox->family};
    memcpy(address.ip, inbox->ip, sizeof address.ip);
    attach(d, route_constant(&d->arena, STR("sandbox"), &address, inbox->port), SANDBOX_TTL_S);
    arena_fini(&d->arena);
}

/* A relay is looked up like a smarthost of all: where it is, not what it says of itself. */
static const struct route_options *options_of(struct domain_route *d) {
    if (!d->relay) return &d->mta->options.route;
    struct route_options *o = ARENA_NEW(&d->arena, struct route_options);
    *o = d->mta->options.route;
    o->smarthost = d->relay->host;
    o->port = d->relay->port;
    o->asks_sts = false;
    return o;
}

static struct domain_route *domain_new(struct mta *m, struct str name, const struct relay *relay) {
    struct domain_route *d = calloc(1, sizeof *d);
    if (!d) abort();
    d->mta = m;
    d->relay = relay;
    d->published = &nothing_published;
    list_init(&d->node);
    list_init(&d->publishing);
    buf_add_str(&d->name, name);
    bool is_full = map_count(m->domains) >= KNOWN_MAX && !list_is_empty(&m->known);
    if (is_full) forget(LIST_OWNER(m->known.next, struct domain_route, node));
    (void)map_put(m->domains, buf_str(&d->name), d);
    return d;
}

static void domain_ask(struct domain_route *d) {
    struct mta *m = d->mta;
    d->machine = route_new(&d->arena, options_of(d), buf_str(&d->name));
    m->routing_count++;
    d->inquiry = inquiry_start(m->options.resolver, m->options.loop, &ask, d);
}

static void domain_start(struct mta *m, struct str name) {
    struct domain_route *d = map_find(m->domains, name);
    if (d && d->site) return schedule_route(m->schedule, name, &d->site->schedule);
    if (d) return; /* being asked for */
    d = domain_new(m, name, relay_of_domain(m->options.relays, name));
    if (m->options.sandbox) return attach_sandbox(d);
    domain_ask(d);
}

struct site *router_relay(struct mta *m, const struct relay *relay) {
    struct domain_route *d = map_find(m->domains, relay->site); /* no domain has such a name */
    if (!d) domain_ask(d = domain_new(m, relay->site, relay));
    return d->site;
}

void router_turn(struct mta *m) {
    struct str name;
    while (m->routing_count < ROUTING_MAX && schedule_next_unrouted(m->schedule, &name)) domain_start(m, name);
}

struct site *router_site(const struct mta *m, struct str domain) {
    const struct domain_route *d = map_find(m->domains, domain);
    return d ? d->site : NULL;
}

void router_sweep(struct mta *m) {
    size_t cursor = 0;
    struct str name;
    void *value;
    int64_t now = mta_now_mono(m);
    while (map_next(m->domains, &cursor, &name, &value)) {
        struct domain_route *d = value;
        if (d->site && d->expires_at <= now) forget(d);
    }
}

const struct tls_published *router_published(const struct site *s, struct str domain) {
    const struct domain_route *d = map_find(s->mta->domains, domain);
    if (s->relay) return &operators_choice;
    return d && d->site == s ? d->published : NULL;
}

void router_free(struct mta *m) {
    size_t cursor = 0;
    struct str name;
    void *value;
    while (map_next(m->domains, &cursor, &name, &value)) domain_free(value);
}
