/* hooks.c - see hooks.h. One post, which is in the loop's mailbox or not: however many commits there are, the driver is woken
 * once a turn of the loop.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/hooks.h"

#include "app/watch_files.h"
#include "proto/address/network.h"

#include <stdatomic.h>
#include <stdlib.h>

#define PER_HOST_MAX 100
#define STOP_MS      2000 /* what is cut is called again by the next life */

struct hooks {
    struct http_client *http;
    struct hook_driver *driver;
    struct hook_tester *tester;
    struct loop *loop;
    struct post post;
    atomic_bool is_posted;
    uint16_t ports[LISTENERS_MAX]; /* ours */
    size_t port_count;
};

struct webhook_rules hooks_urls(const struct config *c) {
    return (struct webhook_rules){.own_hosts = {c->delivery_hostname, c->smtp_public_host},
                                  .own_urls = {c->http_base_url, c->track_base_url},
                                  .allow_private = c->webhook_allow_private != 0};
}

/* ---- our own doors ---- */
static bool is_here(const struct net_address *to) {
    BUF_AUTO text = {0};
    BUF_AUTO why = {0};
    struct ip ip = ip_make(to->family, to->ip);
    ip_format(&text, &ip);
    return watch_source_works(buf_str(&text), &why);
}

/* An address is this machine's when we could listen there. */
static bool is_ours(void *arg, const struct net_address *to) {
    const struct hooks *h = arg;
    for (size_t i = 0; i < h->port_count; i++)
        if (h->ports[i] == to->port) return is_here(to);
    return false;
}

void hooks_avoid(struct hooks *h, const struct listeners *listeners) {
    for (size_t i = 0; i < listeners->count; i++) {
        const struct net_address *a = listener_address(listeners->items[i]);
        if (a->port) h->ports[h->port_count++] = a->port;
    }
}

/* ---- waking ---- */
static void on_post(struct post *post) {
    struct hooks *h = LIST_OWNER(post, struct hooks, post);
    atomic_store(&h->is_posted, false);
    if (h->driver) hook_driver_wake(h->driver);
}

void hooks_committed(void *place, unsigned marks) {
    struct hooks *h = *(struct hooks **)place;
    if (h && (marks & HOOK_MARK) && !atomic_exchange(&h->is_posted, true)) loop_post(h->loop, &h->post);
}

/* ---- life ---- */
static enum status open_client(struct hooks *h, const struct hooks_options *o, struct buf *why) {
    const struct config *c = o->config;
    struct http_client_options http = {.loop = o->loop,
                                       .resolver = o->resolver,
                                       .ca_file = c->webhook_tls_ca.n ? c->webhook_tls_ca.p : NULL,
                                       .user_agent = "Posthorn/" POSTHORN_VERSION,
                                       .in_flight_max = (size_t)c->webhook_calls + HOOK_TESTS_MAX,
                                       .per_host_max = PER_HOST_MAX,
                                       .is_ours = is_ours,
                                       .ours_arg = h};
    if (c->webhook_proxy.n && net_address_parse(c->webhook_proxy, &http.proxy) != STATUS_OK)
        abort(); /* config has looked at it */
    enum status st = http_client_new(&http, &h->http);
    if (st != STATUS_OK) buf_addf(why, "[webhook] tls_ca: %.*s: no certificates in PEM", STR_ARG(c->webhook_tls_ca));
    return st;
}

enum status hooks_open(const struct hooks_options *o, struct hooks **ret, struct buf *ret_why) {
    struct hooks *h = calloc(1, sizeof *h);
    if (!h) abort();
    h->loop = o->loop;
    h->post.fn = on_post;
    enum status st = open_client(h, o, ret_why);
    if (st != STATUS_OK) {
        free(h);
        return st;
    }
    h->driver = hook_driver_new(&(struct hook_driver_options){.loop = o->loop,
                                                              .writer = o->writer,
                                                              .readers = o->readers,
                                                              .http = h->http,
                                                              .rules = o->rules,
                                                              .metrics = o->metrics,
                                                              .timeout_ms = o->config->webhook_timeout,
                                                              .in_flight_max = (size_t)o->config->webhook_calls,
                                                              .queue_offer = o->queue_offer,
                                                              .arg = o->arg});
    h->tester = hook_tester_new(&(struct hook_tester_options){.loop = o->loop,
                                                              .http = h->http,
                                                              .timeout_ms = o->config->webhook_timeout,
                                                              .allow_private = o->rules.urls.allow_private});
    *ret = h;
    return STATUS_OK;
}

struct hook_tester *hooks_tester(struct hooks *h) {
    return h->tester;
}

void hooks_stop(struct hooks *h, void (*done)(void *arg), void *arg) {
    hook_tester_stop(h->tester);
    hook_driver_stop(h->driver, STOP_MS, done, arg);
}

void hooks_close(struct hooks *h) {
    if (!h) return;
    hook_driver_free(&h->driver);
    http_client_free(&h->http);
}

void hooks_free(struct hooks **hooks) {
    if (*hooks) hook_tester_free(&(*hooks)->tester);
    free(*hooks);
    *hooks = NULL;
}
