/* http_in.c - see http_in.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/http_in.h"

#include "app/home.h"
#include "httpd/http_server.h"
#include "net/tls.h"
#include "web/web.h"

#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 10000
#define PER_ADDRESS_MAX 2000
#define BODY_BYTES_MAX  ((size_t)256 << 20)

enum server_kind { SERVER_PUBLIC, SERVER_TLS, SERVER_TRACK, SERVER_TRACK_TLS, SERVER_CONTROL, SERVER_COUNT };
static const struct {
    const char *name;
    bool is_public, is_track, is_tls;
} kinds[SERVER_COUNT] = {
    [SERVER_PUBLIC] = {"public", .is_public = true},
    [SERVER_TLS] = {"tls", .is_public = true, .is_tls = true},
    [SERVER_TRACK] = {"track", .is_public = true, .is_track = true},
    [SERVER_TRACK_TLS] = {"track-tls", .is_public = true, .is_track = true, .is_tls = true},
    [SERVER_CONTROL] = {"control"},
};

struct http_in {
    struct http_in_options options;
    struct arena arena; /* routes, proxies */
    struct network_list proxies;
    struct tls_context *tls; /* NULL: nobody speaks it */
    struct http_server *servers[SERVER_COUNT];
    struct net_address address;
};

bool http_in_has_tls(const struct config *c, const struct listeners *listeners) {
    return !str_is_empty(c->http_tls_listen) || !str_is_empty(c->track_tls_listen) || listeners_has(listeners, "https") ||
           listeners_has(listeners, "track-tls");
}

struct http_budget *http_in_budget_new(void) {
    return http_budget_new(CONNECTIONS_MAX, PER_ADDRESS_MAX, BODY_BYTES_MAX);
}

/* The last loop is mta's. */
static size_t loop_count(const struct http_in *h) {
    return h->options.threads->count - 1;
}

/* ---- servers ---- */

/* The API's routes and the pages', unless it is the tracking host alone; its own; the challenges of certificates. */
static const struct http_route *public_routes(struct http_in *h, bool is_track, size_t *ret_count) {
    const struct http_in_options *o = &h->options;
    struct {
        const struct http_route *routes;
        size_t count;
    } parts[4] = {0};
    size_t count = 0, at = 0;
    if (!is_track) parts[0].routes = api_public_routes(o->api, &parts[0].count);
    if (!is_track) parts[1].routes = web_routes(&parts[1].count);
    parts[2].routes = tracker_routes(o->tracker, &parts[2].count);
    parts[3].routes = certificates_routes(o->certificates, &parts[3].count);
    for (size_t i = 0; i < 4; i++) count += parts[i].count;
    struct http_route *all = arena_array(&h->arena, count, sizeof *all);
    for (size_t i = 0; i < 4; at += parts[i++].count)
        if (parts[i].count) memcpy(all + at, parts[i].routes, parts[i].count * sizeof *all);
    *ret_count = count;
    return all;
}

static struct http_server *new_server(struct http_in *h, enum server_kind kind) {
    const struct http_in_options *o = &h->options;
    size_t route_count;
    const struct http_route *routes =
        kinds[kind].is_public ? public_routes(h, kinds[kind].is_track, &route_count) : api_control_routes(o->api, &route_count);
    return http_server_new(&(struct http_server_options){
        .name = kinds[kind].name,
        .routes = routes,
        .route_count = route_count,
        .loops = o->threads->loops,
        .loop_count = loop_count(h),
        .tls = kinds[kind].is_tls ? h->tls : NULL,
        .limits = http_limits_default(),
        .budget = o->budget,
        .metrics = o->metrics,
        .proxies = &h->proxies,
        .format_error = kinds[kind].is_track ? tracker_format_error : api_format_error,
        .arg = o->api,
    });
}

static enum status open_tls(struct http_in *h, struct buf *why) {
    const struct config *c = h->options.config;
    if (!http_in_has_tls(c, h->options.listeners)) return STATUS_OK;
    if (str_is_empty(c->tls_cert) && str_is_empty(c->tls_folder) && str_is_empty(c->acme_directory)) {
        buf_add_z(why, "systemd passed a socket called https or track-tls: it needs a certificate, by [tls] or [acme]");
        return STATUS_INVALID;
    }
    return certificates_context(h->options.certificates, &h->tls, why);
}

enum status http_in_open(const struct http_in_options *options, struct http_in **ret, struct buf *ret_why) {
    struct http_in *h = *ret = calloc(1, sizeof *h);
    if (!h) abort();
    h->options = *options;
    if (!network_list_parse(&h->arena, options->config->http_trusted_proxies, &h->proxies)) {
        buf_add_z(ret_why, "[http] trusted_proxies: expected addresses or networks, comma separated");
        return STATUS_INVALID;
    }
    enum status st = options->tracker ? open_tls(h, ret_why) : STATUS_OK;
    for (enum server_kind kind = 0; st == STATUS_OK && kind < SERVER_COUNT; kind++)
        if ((options->tracker || !kinds[kind].is_public) && (h->tls || !kinds[kind].is_tls))
            h->servers[kind] = new_server(h, kind);
    return st;
}

/* ---- sockets ---- */

enum status http_in_listen(struct http_in *h, struct buf *ret_why) {
    const struct config *c = h->options.config;
    const struct {
        const char *name, *key;
        struct str addresses;
        enum server_kind kind;
        struct net_address *first;
    } doors[] = {{"http", "http.listen", c->http_listen, SERVER_PUBLIC, &h->address},
                 {"https", "http.tls_listen", c->http_tls_listen, SERVER_TLS, NULL},
                 {"track", "track.listen", c->track_listen, SERVER_TRACK, NULL},
                 {"track-tls", "track.tls_listen", c->track_tls_listen, SERVER_TRACK_TLS, NULL},
                 {NULL, NULL, STR("unix:" HOME_SOCKET), SERVER_CONTROL, NULL}};
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < sizeof doors / sizeof doors[0]; i++)
        st = listeners_open(h->options.listeners,
                            &(struct door){.name = doors[i].name,
                                           .key = doors[i].key,
                                           .addresses = doors[i].addresses,
                                           .loops = h->options.threads->loops,
                                           .loop_count = loop_count(h),
                                           .accept = http_server_accept,
                                           .arg = h->servers[doors[i].kind]},
                            doors[i].first, ret_why);
    return st;
}

const struct net_address *http_in_address(const struct http_in *h) {
    return &h->address;
}

struct dial {
    struct http_in *http;
    int fd;
};

static void accept_dialled(void *arg, struct waiter *waiter) {
    struct dial *d = arg;
    http_server_accept(d->http->servers[SERVER_CONTROL], d->http->options.threads->loops[0], d->fd,
                       &(struct net_address){.family = 1});
    threads_done(waiter);
}

void http_in_control(struct http_in *h, int fd) {
    threads_call(h->options.threads, h->options.threads->loops[0], accept_dialled, &(struct dial){h, fd});
}

enum status http_in_reload(struct http_in *h, struct buf *ret_why) {
    if (!h->tls) return STATUS_OK;
    struct tls_context *fresh = NULL;
    enum status st = certificates_context(h->options.certificates, &fresh, ret_why);
    for (enum server_kind kind = 0; st == STATUS_OK && kind < SERVER_COUNT; kind++)
        if (kinds[kind].is_tls) http_server_set_tls(h->servers[kind], fresh);
    tls_context_unref(&fresh);
    return st;
}

/* ---- the end ---- */

struct server_stop {
    struct http_server *server;
    struct loop *loop;
};

static void stop_server(void *arg, struct waiter *waiter) {
    struct server_stop *stop = arg;
    http_server_stop(stop->server, stop->loop, threads_done, waiter);
}

void http_in_stop(struct http_in *h) {
    struct loop *first = h->options.threads->loops[0];
    for (size_t i = 0; i < SERVER_COUNT; i++)
        if (h->servers[i]) threads_call(h->options.threads, first, stop_server, &(struct server_stop){h->servers[i], first});
}

void http_in_free(struct http_in **place) {
    struct http_in *h = *place;
    *place = NULL;
    if (!h) return;
    for (size_t i = 0; i < SERVER_COUNT; i++) http_server_free(&h->servers[i]);
    tls_context_unref(&h->tls);
    arena_fini(&h->arena);
    free(h);
}
