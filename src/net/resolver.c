/* resolver.c - libunbound on one loop, asked from any.
 *
 * A query travels: asker's loop -> intake (under a lock) -> the resolver's loop -> home by mailbox; so the callback never comes
 * from inside the call. Cancelling marks the query on the asker's side, and the answer is thrown away at home. What libunbound
 * holds on to is a `flight`, because a query may time out long before libunbound lets go.
 *
 * Facts about libunbound that shaped this: without `outgoing-range` it has 16 sockets and the rest waits; its callback may come
 * from inside ub_resolve_event(); a bogus answer has rcode 0 and data, only `sec` tells; an answer is a DNS message (proto/dns);
 * it answers .test by itself unless told not to.
 *
 * The trust anchor is tried first: behind a forwarder that strips signatures every signed name would be bogus. Until that is
 * known questions wait. Where it fails the context is made again without an anchor, and nothing counts as secure.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"

#include "net/stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#define IN_FLIGHT_MAX      1000
#define TIMEOUT_MS         30000
#define PROBE_MS           3000
#define CLASS_IN           1
#define TYPE_DNSKEY        48
#define RCODE_NXDOMAIN     3
#define SYSTEM_ANCHOR      "/usr/share/dns/root.key"
#define SYSTEM_RESOLV_CONF "/etc/resolv.conf"
enum { SEC_INSECURE, SEC_BOGUS, SEC_SECURE };

struct flight {
    struct list node;
    struct resolver *resolver;
    struct resolver_query *query; /* NULL: it went home without waiting */
};
struct resolver {
    struct loop *loop;
    struct buf servers, anchor; /* anchor: a file, empty for none */
    int64_t timeout_ms;
    bool is_fresh;
    atomic_bool is_validating;
    pthread_mutex_t lock;
    struct list intake;  /* under lock: from other loops */
    bool is_wake_posted; /* under lock */
    bool is_freed;       /* under lock */
    struct post wake;
    struct ub_ctx *ctx;  /* from here on: the resolver's loop only */
    struct list waiting; /* queries in order */
    struct list flights;
    size_t in_flight;
    bool is_starting;         /* the anchor is being tried */
    struct timer probe_timer; /* its bound, or its end on a fresh stack */
    bool is_anchor_good;
};
struct resolver_query {
    struct list node; /* intake, waiting */
    struct post home;
    struct resolver *resolver;
    struct loop *loop; /* the asker's */
    resolver_answer_fn fn;
    void *arg;
    bool is_cancelled;  /* the asker's loop only */
    struct timer timer; /* on the resolver's loop */
    struct flight *flight;
    struct arena arena;
    struct dns_question question;
    struct dns_answer answer;
};

/* ---- the way home ---- */
static void come_home(struct post *post) {
    struct resolver_query *q = LIST_OWNER(post, struct resolver_query, home);
    if (!q->is_cancelled) q->fn(q->arg, &q->answer);
    arena_fini(&q->arena);
    free(q);
}

static void send_home(struct resolver_query *q) {
    timer_fini(&q->timer);
    list_remove(&q->node);
    if (q->flight) q->flight->query = NULL;
    q->home.fn = come_home;
    loop_post(q->loop, &q->home);
}

static void send_home_as(struct resolver_query *q, enum status status) {
    q->answer = (struct dns_answer){.status = status, .type = q->question.type};
    send_home(q);
}

static void on_timeout(void *arg) {
    send_home_as(arg, STATUS_TIMEOUT);
}

/* ---- libunbound ---- */
static void take_answer(struct resolver_query *q, int rcode, struct str message, int sec) {
    if (sec == SEC_BOGUS) {
        q->answer = (struct dns_answer){.status = STATUS_TEMPORARY, .type = q->question.type, .bogus = true};
        send_home(q);
    } else if (rcode != 0) {
        send_home_as(q, rcode == RCODE_NXDOMAIN ? STATUS_NOT_FOUND : STATUS_TEMPORARY);
    } else if (dns_message_parse(message, q->question, &q->arena, &q->answer) != PARSE_DONE) {
        send_home_as(q, STATUS_TEMPORARY);
    } else {
        q->answer.secure = sec == SEC_SECURE && q->resolver->is_validating;
        send_home(q);
    }
}

static void take_off(struct resolver *r);

static void on_landed(void *arg, int rcode, void *packet, int packet_len, int sec, char *why_bogus, int was_ratelimited) {
    (void)why_bogus;
    (void)was_ratelimited;
    struct flight *f = arg;
    struct resolver *r = f->resolver;
    struct resolver_query *q = f->query;
    list_remove(&f->node);
    free(f);
    r->in_flight--;
    if (q) {
        q->flight = NULL;
        take_answer(q, rcode, str_make(packet, packet && packet_len > 0 ? (size_t)packet_len : 0), sec);
    }
    take_off(r);
}

static void start_flight(struct resolver *r, struct resolver_query *q) {
    struct flight *f = malloc(sizeof *f);
    if (!f) abort();
    *f = (struct flight){.resolver = r, .query = q};
    list_add_tail(&r->flights, &f->node);
    r->in_flight++;
    q->flight = f;
    if (ub_resolve_event(r->ctx, q->question.name.p, (int)q->question.type, CLASS_IN, f, on_landed, NULL) == 0) return;
    list_remove(&f->node);
    free(f);
    r->in_flight--;
    q->flight = NULL;
    send_home_as(q, STATUS_TEMPORARY);
}

/* A landing inside start_flight() comes here again, one level deep at most: it finds the queue as it is and works it off. */
static void take_off(struct resolver *r) {
    while (!r->is_starting && r->in_flight < IN_FLIGHT_MAX && !list_is_empty(&r->waiting))
        start_flight(r, LIST_OWNER(list_pop(&r->waiting), struct resolver_query, node));
}

static bool set_option(struct ub_ctx *ctx, const char *option, const char *value) {
    return ub_ctx_set_option(ctx, option, value) == 0;
}

/* "127.0.0.1@5353" into libunbound; *has_loopback: one of them is here. */
static bool add_server(struct ub_ctx *ctx, struct str server, bool *has_loopback) {
    BUF_AUTO text = {0};
    struct str host = str_sub(server, 0, str_find(server, '@'));
    bool is_v6 = str_find(host, ':') != STR_NONE;
    buf_addf(&text, is_v6 ? "[%.*s]:0" : "%.*s:0", STR_ARG(host));
    struct net_address address;
    if (net_address_parse(buf_str(&text), &address) != STATUS_OK) return false;
    *has_loopback = *has_loopback || net_address_is_loopback(&address);
    buf_reset(&text);
    buf_add_str(&text, server);
    return ub_ctx_set_fwd(ctx, text.p) == 0;
}

static bool add_servers(struct ub_ctx *ctx, struct str servers) {
    bool has_loopback = false;
    struct str server;
    while (str_next(&servers, ',', &server)) {
        server = str_trim(server);
        if (!str_is_empty(server) && !add_server(ctx, server, &has_loopback)) return false;
    }
    return !has_loopback || set_option(ctx, "do-not-query-localhost:", "no");
}

/* The system's servers. A local forwarder (127.0.0.53) is common, so loopback is allowed. No file or none in it: from the root
 * down. */
static bool add_system_servers(struct ub_ctx *ctx) {
    ub_ctx_resolvconf(ctx, SYSTEM_RESOLV_CONF);
    return set_option(ctx, "do-not-query-localhost:", "no");
}

static bool configure(const struct resolver *r, struct ub_ctx *ctx, bool with_anchor) {
    static const char *const options[][2] = {
        {"outgoing-range:", "1024"},          {"infra-host-ttl:", "1"}, /* a server that was dead is good again at once (DN15);
                                                                           names that hang say nothing about a forwarder */
        {"infra-keep-probing:", "yes"},       {"unblock-lan-zones:", "yes"}, {"insecure-lan-zones:", "yes"},
        {"local-zone:", "test. transparent"}, {"domain-insecure:", "test."},
    };
    ub_ctx_debugout(ctx, NULL);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (!set_option(ctx, options[i][0], options[i][1])) return false;
    if (r->is_fresh && !(set_option(ctx, "cache-max-ttl:", "0") && set_option(ctx, "cache-max-negative-ttl:", "0"))) return false;
    if (!(r->servers.n > 0 ? add_servers(ctx, buf_str(&r->servers)) : add_system_servers(ctx))) return false;
    return !with_anchor || ub_ctx_add_ta_file(ctx, r->anchor.p) == 0;
}

static bool make_context(struct resolver *r, bool with_anchor) {
    r->ctx = ub_ctx_create_event(loop_event_base(r->loop));
    return r->ctx && configure(r, r->ctx, with_anchor);
}

/* ---- trying the anchor ---- */
static void on_probed(void *arg, int rcode, void *packet, int packet_len, int sec, char *why_bogus, int was_ratelimited) {
    (void)packet;
    (void)packet_len;
    (void)why_bogus;
    (void)was_ratelimited;
    struct resolver *r = arg;
    if (!r->is_starting || r->is_freed) return; /* too late, or the context is going */
    r->is_anchor_good = rcode == 0 && sec == SEC_SECURE;
    timer_start(&r->probe_timer, 0); /* a context cannot be deleted from inside its callback */
}

static void end_probe(void *arg) {
    struct resolver *r = arg;
    r->is_starting = false;
    atomic_store(&r->is_validating, r->is_anchor_good);
    if (!r->is_anchor_good) {
        ub_ctx_delete(r->ctx);
        if (!make_context(r, false)) abort(); /* it could be made a moment ago */
    }
    take_off(r);
}

static void start_probe(struct resolver *r) {
    r->is_starting = true;
    timer_start(&r->probe_timer, PROBE_MS);
    if (ub_resolve_event(r->ctx, ".", TYPE_DNSKEY, CLASS_IN, r, on_probed, NULL) != 0) timer_start(&r->probe_timer, 0);
}

/* ---- in from other loops ---- */
static void resolver_destroy(struct resolver *r) {
    pthread_mutex_destroy(&r->lock);
    buf_fini(&r->servers);
    buf_fini(&r->anchor);
    free(r);
}

static void accept_queries(struct resolver *r) {
    for (;;) {
        pthread_mutex_lock(&r->lock);
        struct list *node = list_pop(&r->intake);
        pthread_mutex_unlock(&r->lock);
        if (!node) return;
        struct resolver_query *q = LIST_OWNER(node, struct resolver_query, node);
        timer_init(&q->timer, r->loop, on_timeout, q);
        timer_start(&q->timer, r->timeout_ms);
        list_add_tail(&r->waiting, &q->node);
    }
}

static void on_wake(struct post *post) {
    struct resolver *r = LIST_OWNER(post, struct resolver, wake);
    pthread_mutex_lock(&r->lock);
    r->is_wake_posted = false;
    bool is_freed = r->is_freed;
    pthread_mutex_unlock(&r->lock);
    if (is_freed) {
        resolver_destroy(r);
        return;
    }
    accept_queries(r);
    take_off(r);
}

struct resolver_query *resolver_ask(struct resolver *r, struct loop *loop, struct dns_question question, resolver_answer_fn fn,
                                    void *arg) {
    struct resolver_query *q = calloc(1, sizeof *q);
    if (!q) abort();
    *q = (struct resolver_query){.resolver = r, .loop = loop, .fn = fn, .arg = arg};
    q->question = (struct dns_question){arena_str(&q->arena, question.name), question.type};
    pthread_mutex_lock(&r->lock);
    list_add_tail(&r->intake, &q->node);
    bool is_first = !r->is_wake_posted;
    r->is_wake_posted = true;
    pthread_mutex_unlock(&r->lock);
    if (is_first) loop_post(r->loop, &r->wake);
    return q;
}

void resolver_cancel(struct resolver_query **q) {
    if (*q) (*q)->is_cancelled = true;
    *q = NULL;
}

/* ---- life ---- */
static enum status choose_anchor(struct resolver *r, struct str file) {
    bool is_given = !str_is_empty(file);
    buf_add_str(&r->anchor, is_given ? file : STR(SYSTEM_ANCHOR));
    if (access(r->anchor.p, R_OK) == 0) return STATUS_OK;
    buf_reset(&r->anchor);
    return is_given ? STATUS_INVALID : STATUS_OK;
}

enum status resolver_new(struct loop *loop, const struct resolver_options *options, struct resolver **ret) {
    struct resolver *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->loop = loop;
    r->wake.fn = on_wake;
    r->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
    r->is_fresh = options->is_fresh;
    pthread_mutex_init(&r->lock, NULL);
    list_init(&r->intake);
    list_init(&r->waiting);
    list_init(&r->flights);
    timer_init(&r->probe_timer, loop, end_probe, r);
    buf_add_str(&r->servers, options->servers);
    enum status status = choose_anchor(r, options->trust_anchor);
    if (status == STATUS_OK && !make_context(r, r->anchor.n > 0)) status = STATUS_INVALID;
    if (status != STATUS_OK) {
        resolver_free(&r);
        return status;
    }
    if (r->anchor.n > 0) start_probe(r);
    *ret = r;
    return STATUS_OK;
}

static void cancel_all(struct resolver *r) {
    LIST_FOR_EACH (node, &r->flights) {
        struct resolver_query *q = LIST_OWNER(node, struct flight, node)->query;
        if (q) send_home_as(q, STATUS_CANCELLED);
    }
    LIST_FOR_EACH_SAFE (node, &r->waiting) send_home_as(LIST_OWNER(node, struct resolver_query, node), STATUS_CANCELLED);
}

void resolver_free(struct resolver **resolver) {
    struct resolver *r = *resolver;
    if (!r) return;
    *resolver = NULL;
    pthread_mutex_lock(&r->lock);
    r->is_freed = true;
    bool is_wake_posted = r->is_wake_posted; /* then that post is the last to hold it */
    pthread_mutex_unlock(&r->lock);
    accept_queries(r);
    r->is_starting = true; /* nothing takes off any more */
    cancel_all(r);
    if (r->ctx) ub_ctx_delete(r->ctx); /* lands what flies, or just drops it */
    for (struct list *node; (node = list_pop(&r->flights)) != NULL;) free(LIST_OWNER(node, struct flight, node));
    timer_fini(&r->probe_timer);
    if (!is_wake_posted) resolver_destroy(r);
}

bool resolver_is_validating(const struct resolver *r) {
    return atomic_load(&r->is_validating);
}
