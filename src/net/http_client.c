/* http_client.c - who calls whom and when: hosts, their addresses, places, deadlines.
 *
 * A call waits at its host until the host's addresses are known; one lookup serves all that come meanwhile, and is good for as
 * long as its TTL says, within bounds. Hosts with calls that only want a place take turns, one call a turn. A host may hold a
 * part of the places that the others have left, so that slow ones never take all of them (P6, WH26). One timer a call is its
 * deadline; it also carries the bad news of a call that never began.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client_own.h"

#include "proto/address/reach.h"

#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT_MAX 500
#define PER_HOST_MAX  20
#define IDLE_MAX      500
#define SHARE         8    /* a host may take that part of what the others left */
#define LOOK_MAX      64   /* hosts looked at in a row without finding one that may begin */
#define HOSTS_IDLE    1000 /* kept for their addresses */
#define TTL_MIN_S     10
#define TTL_MAX_S     300

bool http_call_may_reach(const struct http_client_call *call, const struct ip *ip) {
    const struct http_client_options *o = &call->client->options;
    struct net_address to = {.family = ip->family, .port = call->url.port};
    memcpy(to.ip, ip->bytes, sizeof to.ip);
    if (!call->allow_private && ip_reach(ip) != IP_PUBLIC) return false;
    return !o->is_ours || !o->is_ours(o->ours_arg, &to);
}

static int64_t now_mono(const struct http_client *c) {
    return clock_mono_ms(loop_clock(c->options.loop));
}

int64_t http_call_age_ms(const struct http_client_call *call) {
    return now_mono(call->client) - call->began_at;
}

/* ---- hosts ---- */
static void host_free(struct http_host *h) {
    for (size_t i = 0; i < 2; i++) resolver_cancel(&h->questions[i]);
    map_remove(h->client->hosts, buf_str(&h->key));
    list_remove(&h->node);
    buf_fini(&h->key);
    free(h);
}

static struct http_host *host_get(struct http_client *c, const struct web_url *url) {
    BUF_AUTO key = {0};
    buf_addf(&key, "%.*s:%u", STR_ARG(url->host), url->port);
    struct http_host *h = map_find(c->hosts, buf_str(&key));
    if (h) return h;
    h = calloc(1, sizeof *h);
    if (!h) abort();
    h->client = c;
    h->key = buf_take(&key);
    list_init(&h->node);
    list_init(&h->waiting);
    list_init(&h->running);
    if (url->ip.family) {
        h->addresses[h->address_count++] = url->ip;
        h->good_until = INT64_MAX;
    }
    map_put(c->hosts, buf_str(&h->key), h);
    return h;
}

static bool host_is_looking(const struct http_host *h) {
    return h->questions[0] || h->questions[1];
}

/* Who has nothing under way goes before those that have, in the order in which they came. */
static void host_set_ready(struct http_host *h) {
    if (!list_is_empty(&h->node)) return;
    list_add_tail(h->under_way == 0 ? &h->client->fresh : &h->client->ready, &h->node);
    h->client->ready_count++;
}

static struct http_host *pop_ready(struct http_client *c) {
    c->ready_count--;
    return LIST_OWNER(list_pop(list_is_empty(&c->fresh) ? &c->ready : &c->fresh), struct http_host, node);
}

/* Without calls it is kept for its addresses, until there are too many of that kind. */
static void host_release(struct http_host *h) {
    struct http_client *c = h->client;
    if (h->call_count > 0) return;
    if (!list_is_empty(&h->node)) c->ready_count--;
    list_remove(&h->node);
    list_add_tail(&c->idle, &h->node);
    if (++c->idle_count <= HOSTS_IDLE) return;
    c->idle_count--;
    host_free(LIST_OWNER(c->idle.next, struct http_host, node));
}

static void host_enter(struct http_host *h, struct http_client_call *call) {
    if (h->call_count++ == 0 && !list_is_empty(&h->node)) {
        list_remove(&h->node);
        h->client->idle_count--;
    }
    call->host = h;
    list_add_tail(&h->waiting, &call->node);
}

/* ---- how a call ends ---- */
static void call_free(struct http_client_call *call) {
    struct http_client *c = call->client;
    if (call->easy) http_curl_drop(call);
    list_remove(&call->node);
    c->call_count--;
    if (call->host) {
        call->host->call_count--;
        host_release(call->host);
    }
    timer_fini(&call->timer);
    curl_slist_free_all(call->headers);
    buf_fini(&call->got);
    buf_fini(&call->head);
    arena_fini(&call->arena);
    free(call);
}

void http_call_end(struct http_client_call *call) {
    struct http_client *c = call->client;
    if (call->easy) http_curl_drop(call);
    call->result.body = buf_str(&call->got);
    call->result.head = buf_str(&call->head);
    call->result.total_ms = http_call_age_ms(call);
    list_remove(&call->node);
    timer_stop(&call->timer);
    call->fn(call->arg, &call->result);
    call_free(call);
    http_client_turn(c);
}

/* It ends this way, on the next turn of the loop. */
static void call_fail(struct http_client_call *call, enum status status, enum http_client_stage stage, struct str why) {
    call->result.status = status;
    call->result.stage = stage;
    call->result.why = why;
    call->is_failed = true;
    list_remove(&call->node);
    list_add_tail(&call->client->calls, &call->node);
    timer_start(&call->timer, 0);
}

static void on_timer(void *arg) {
    struct http_client_call *call = arg;
    if (!call->is_failed) {
        if (!call->easy) call->result.stage = host_is_looking(call->host) ? HTTP_CLIENT_NAME : HTTP_CLIENT_WAITING;
        if (call->easy) http_curl_drop(call);
        call->result.status = STATUS_TIMEOUT;
        call->result.why = STR("no whole answer in time");
    }
    http_call_end(call);
}

/* ---- addresses ---- */
static void fail_waiting(struct http_host *h) {
    bool is_missing = h->looked_up == STATUS_NOT_FOUND || h->looked_up == STATUS_OK;
    while (!list_is_empty(&h->waiting)) {
        struct http_client_call *call = LIST_OWNER(h->waiting.next, struct http_client_call, node);
        call_fail(call, is_missing ? STATUS_NOT_FOUND : STATUS_TEMPORARY, HTTP_CLIENT_NAME,
                  is_missing ? STR("the host name has no address") : STR("the host name could not be looked up"));
    }
}

static void lookup_done(struct http_host *h) {
    if (h->address_count == 0) {
        fail_waiting(h);
        return;
    }
    uint32_t ttl_s = h->ttl_s < TTL_MIN_S ? TTL_MIN_S : h->ttl_s > TTL_MAX_S ? TTL_MAX_S : h->ttl_s;
    h->good_until = now_mono(h->client) + (int64_t)ttl_s * 1000;
    if (!list_is_empty(&h->waiting)) host_set_ready(h);
    http_client_turn(h->client);
}

static void on_answer(struct http_host *h, uint8_t family, const struct dns_answer *answer) {
    for (size_t i = 0; i < answer->count && h->address_count < HOST_ADDRESSES_MAX; i++)
        h->addresses[h->address_count++] = ip_make(family, answer->records[i].address);
    if (answer->count > 0 && answer->ttl < h->ttl_s) h->ttl_s = answer->ttl;
    if (h->looked_up == STATUS_OK || h->looked_up == STATUS_NOT_FOUND) h->looked_up = answer->status;
    if (!host_is_looking(h)) lookup_done(h);
}

static void on_a(void *arg, const struct dns_answer *answer) {
    struct http_host *h = arg;
    h->questions[0] = NULL;
    on_answer(h, 4, answer);
}

static void on_aaaa(void *arg, const struct dns_answer *answer) {
    struct http_host *h = arg;
    h->questions[1] = NULL;
    on_answer(h, 6, answer);
}

static void look_up(struct http_host *h, struct str name) {
    struct http_client_options *o = &h->client->options;
    h->address_count = 0;
    h->looked_up = STATUS_OK;
    h->ttl_s = UINT32_MAX;
    h->questions[0] = resolver_ask(o->resolver, o->loop, (struct dns_question){name, DNS_A}, on_a, h);
    h->questions[1] = resolver_ask(o->resolver, o->loop, (struct dns_question){name, DNS_AAAA}, on_aaaa, h);
}

/* ---- places ---- */
static bool host_may_begin(const struct http_host *h) {
    const struct http_client *c = h->client;
    size_t max = c->options.in_flight_max;
    return h->under_way < c->options.per_host_max && c->under_way < max && h->under_way <= (max - c->under_way) / SHARE;
}

/* How many a host may have if nobody else begins or ends: where host_may_begin stops. */
static size_t host_places(const struct http_host *h) {
    const struct http_client *c = h->client;
    size_t left = (c->options.in_flight_max - (c->under_way - h->under_way)) / (SHARE + 1) + 1;
    return left < c->options.per_host_max ? left : c->options.per_host_max;
}

static bool lane_may_begin(const struct http_host *h, int64_t lane) {
    size_t own = 0, places = host_places(h);
    if (lane == 0) return true;
    LIST_FOR_EACH (it, &h->running) own += LIST_OWNER(it, struct http_client_call, running)->lane == lane;
    size_t others = h->under_way - own;
    return own == 0 || (others < places && own < (places - others) / 2);
}

/* The first that waits there, of those whose lane has not yet what is its due (P6); NULL: none. */
static struct http_client_call *host_pick(const struct http_host *h) {
    int64_t full = 0; /* the lane that was counted last */
    LIST_FOR_EACH (it, &h->waiting) {
        struct http_client_call *call = LIST_OWNER(it, struct http_client_call, node);
        if (full && call->lane == full) continue;
        if (lane_may_begin(h, call->lane)) return call;
        full = call->lane;
    }
    return NULL;
}

static bool has_reachable(const struct http_client_call *call) {
    for (size_t i = 0; i < call->host->address_count; i++)
        if (http_call_may_reach(call, &call->host->addresses[i])) return true;
    return false;
}

static void begin(struct http_client_call *call) {
    if (!has_reachable(call)) {
        call_fail(call, STATUS_DENIED, HTTP_CLIENT_ADDRESS, HTTP_CALL_DENIED);
        return;
    }
    list_remove(&call->node);
    list_add_tail(&call->client->calls, &call->node);
    call->result.begun_ms = http_call_age_ms(call);
    http_curl_begin(call);
}

/* The addresses may have grown old while it waited: then it waits for new ones. */
static void host_turn(struct http_host *h, struct http_client_call *call) {
    if (h->good_until <= now_mono(h->client)) {
        if (!host_is_looking(h)) look_up(h, call->url.host);
        return;
    }
    begin(call);
    if (!list_is_empty(&h->waiting)) host_set_ready(h);
}

void http_client_turn(struct http_client *c) {
    for (size_t misses = 0; misses < LOOK_MAX && misses < c->ready_count && c->under_way < c->options.in_flight_max;) {
        struct http_host *h = pop_ready(c);
        if (list_is_empty(&h->waiting)) continue; /* cancelled */
        struct http_client_call *call = host_may_begin(h) ? host_pick(h) : NULL;
        if (call) {
            misses = 0;
            host_turn(h, call);
        } else {
            misses++;
            host_set_ready(h);
        }
    }
}

/* ---- calls ---- */
static bool is_token(struct str s) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i]) && (s.p[i] == '\0' || !strchr(others, s.p[i]))) return false;
    return s.n > 0;
}

static bool headers_are_fine(const struct http_client_request *r) {
    for (size_t i = 0; i < r->header_count; i++)
        if (!is_token(r->headers[i].name) || str_has_control(r->headers[i].value)) return false;
    return true;
}

/* libcurl's list: "Name: value", "Name;" for an empty value, "Name:" for a header that it would add and shall not. */
static void copy_headers(struct http_client_call *call, const struct http_client_request *r) {
    bool has_type = false;
    for (size_t i = 0; i < r->header_count; i++) {
        struct str name = r->headers[i].name, value = str_trim(r->headers[i].value);
        has_type = has_type || str_eq_nocase(name, STR("Content-Type"));
        struct str line = value.n ? arena_strf(&call->arena, "%.*s: %.*s", STR_ARG(name), STR_ARG(value))
                                  : arena_strf(&call->arena, "%.*s;", STR_ARG(name));
        call->headers = curl_slist_append(call->headers, arena_z(&call->arena, line));
    }
    call->headers = curl_slist_append(call->headers, "Expect:");
    if (!has_type) call->headers = curl_slist_append(call->headers, "Content-Type:");
}

/* Where it goes, or why not. */
static void call_enter(struct http_client_call *call, const struct http_client_request *r) {
    if (!web_url_parse(r->url, &call->arena, &call->url)) {
        call_fail(call, STATUS_INVALID, HTTP_CLIENT_URL, STR("the URL is malformed"));
    } else if (!call->url.is_https && !r->allow_http) {
        call_fail(call, STATUS_DENIED, HTTP_CLIENT_URL, STR("the URL is not https"));
    } else if (!headers_are_fine(r)) {
        call_fail(call, STATUS_INVALID, HTTP_CLIENT_URL, STR("a header is malformed"));
    } else {
        copy_headers(call, r);
        host_enter(host_get(call->client, &call->url), call);
        if (!host_is_looking(call->host)) host_set_ready(call->host);
        http_client_turn(call->client);
    }
}

struct http_client_call *http_client_start(struct http_client *c, const struct http_client_request *request, http_client_fn fn,
                                           void *arg) {
    struct http_client_call *call = calloc(1, sizeof *call);
    if (!call) abort();
    *call = (struct http_client_call){
        .client = c,
        .fn = fn,
        .arg = arg,
        .is_post = request->is_post,
        .allow_private = request->allow_private,
        .wants_head = request->wants_head,
        .lane = request->lane,
        .body_max = request->body_max,
        .began_at = now_mono(c),
        .result = {.begun_ms = -1, .sent_ms = -1, .first_byte_ms = -1},
    };
    call->ends_at = call->began_at + request->timeout_ms;
    call->body = arena_str(&call->arena, request->body);
    list_init(&call->node);
    list_init(&call->running);
    c->call_count++;
    timer_init(&call->timer, c->options.loop, on_timer, call);
    timer_start(&call->timer, request->timeout_ms);
    call_enter(call, request);
    return call;
}

void http_client_cancel(struct http_client_call **call) {
    if (!*call) return;
    struct http_client *c = (*call)->client;
    call_free(*call);
    *call = NULL;
    http_client_turn(c);
}

struct str http_client_field(const struct http_client_result *result, struct str name) {
    struct str rest = result->head, line;
    while (!str_is_empty(result->head) && str_next(&rest, '\n', &line))
        if (line.n > name.n && line.p[name.n] == ':' && str_starts_nocase(line, name))
            return str_trim(str_sub(line, name.n + 1, SIZE_MAX));
    return (struct str){0};
}

size_t http_client_count(const struct http_client *c) {
    return c->call_count;
}

/* ---- the client ---- */
static size_t or_default(size_t given, size_t otherwise) {
    return given ? given : otherwise;
}

enum status http_client_new(const struct http_client_options *options, struct http_client **ret) {
    struct http_client *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->options = *options;
    c->options.in_flight_max = or_default(options->in_flight_max, IN_FLIGHT_MAX);
    c->options.per_host_max = or_default(options->per_host_max, PER_HOST_MAX);
    c->options.idle_max = or_default(options->idle_max, IDLE_MAX);
    buf_add_z(&c->user_agent, options->user_agent ? options->user_agent : "");
    c->hosts = map_new();
    list_init(&c->fresh);
    list_init(&c->ready);
    list_init(&c->idle);
    list_init(&c->calls);
    enum status status = http_curl_open(c);
    if (status == STATUS_OK)
        *ret = c;
    else
        http_client_free(&c);
    return status;
}

static void free_calls(struct list *calls) {
    while (!list_is_empty(calls)) call_free(LIST_OWNER(calls->next, struct http_client_call, node));
}

void http_client_free(struct http_client **client) {
    struct http_client *c = *client;
    if (!c) return;
    *client = NULL;
    free_calls(&c->calls);
    struct str key;
    void *host;
    for (size_t cursor = 0; map_next(c->hosts, &cursor, &key, &host);) {
        struct http_host *h = host;
        h->call_count++; /* stays until its calls are gone */
        free_calls(&h->waiting);
        host_free(h);
    }
    map_free(&c->hosts);
    http_curl_close(c);
    buf_fini(&c->user_agent);
    free(c);
}
