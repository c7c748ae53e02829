/* http_client.c - net/http_client.h over a scripted world: see sim_http.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_sim/sim_http.h"

#include "net_sim/sim_own.h"
#include "proto/address/reach.h"
#include "proto/url/web_url.h"

#include <stdlib.h>
#include <string.h>

struct sim_web {
    const struct sim_http_answer *answers;
    int used; /* of the first */
    struct arena arena;
    struct str *requests;
    size_t count;
};
struct http_client {
    struct http_client_options options;
    struct list calls;
};
struct http_client_call {
    struct list node;
    struct http_client *client;
    http_client_fn fn;
    void *arg;
    struct arena arena;
    struct web_url url;
    struct http_client_request request;
    struct resolver_query *questions[2];
    struct ip ip; /* the first that may be called */
    bool has_address;
    enum status looked_up;
    int64_t began_at;
    struct timer deadline, answer;
    struct http_client_result result;
};

/* ---- scripts ---- */
static struct sim_web *web_get(struct loop *world, struct str host) {
    struct sim_web *w = map_find(world->webs, host);
    if (w) return w;
    w = sim_zalloc(sizeof *w);
    map_put(world->webs, host, w);
    return w;
}

void sim_webs_free(struct loop *world) {
    struct str key;
    void *value = NULL;
    for (size_t cursor = 0; map_next(world->webs, &cursor, &key, &value);) {
        struct sim_web *w = value;
        free(w->requests);
        arena_fini(&w->arena);
        free(w);
    }
    map_free(&world->webs);
}

void sim_http_script(struct loop *world, const char *host, const struct sim_http_answer *answers) {
    struct sim_web *w = web_get(world, str_from_z(host));
    w->answers = answers;
    w->used = 0;
}

size_t sim_http_count(struct loop *world, const char *host) {
    return web_get(world, str_from_z(host))->count;
}

struct str sim_http_request(struct loop *world, const char *host, size_t i) {
    struct sim_web *w = web_get(world, str_from_z(host));
    return i < w->count ? w->requests[i] : STR("");
}

static const struct sim_http_answer *web_answer(struct sim_web *w) {
    const struct sim_http_answer *a = w->answers;
    if (a && a->times && w->used >= a->times) {
        a = ++w->answers;
        w->used = 0;
    }
    w->used++;
    return a;
}

static void web_note(struct sim_web *w, const struct http_client_call *call) {
    BUF_AUTO text = {0};
    buf_addf(&text, "%s %.*s\n", call->request.is_post ? "POST" : "GET", STR_ARG(call->url.target));
    for (size_t i = 0; i < call->request.header_count; i++)
        buf_addf(&text, "%.*s: %.*s\n", STR_ARG(call->request.headers[i].name), STR_ARG(call->request.headers[i].value));
    buf_add_char(&text, '\n');
    buf_add_str(&text, call->request.body);
    w->requests = reallocarray(w->requests, w->count + 1, sizeof *w->requests);
    if (!w->requests) abort();
    w->requests[w->count++] = arena_str(&w->arena, buf_str(&text));
}

/* ---- calls ---- */
static int64_t age_ms(const struct http_client_call *call) {
    return clock_mono_ms(loop_clock(call->client->options.loop)) - call->began_at;
}

static void call_free(struct http_client_call *call) {
    for (size_t i = 0; i < 2; i++) resolver_cancel(&call->questions[i]);
    list_remove(&call->node);
    timer_fini(&call->deadline);
    timer_fini(&call->answer);
    arena_fini(&call->arena);
    free(call);
}

static void on_end(void *arg) {
    struct http_client_call *call = arg;
    call->result.total_ms = age_ms(call);
    list_remove(&call->node);
    call->fn(call->arg, &call->result);
    call_free(call);
}

static void end_after(struct http_client_call *call, int64_t ms, enum status status, enum http_client_stage stage) {
    call->result.status = status;
    call->result.stage = stage;
    call->result.why = str_from_z(status == STATUS_OK ? "" : status_text(status));
    timer_start(&call->answer, ms);
}

static void on_deadline(void *arg) {
    struct http_client_call *call = arg;
    call->result = (struct http_client_result){.status = STATUS_TIMEOUT,
                                               .stage = call->result.stage,
                                               .why = STR("no whole answer in time"),
                                               .sent_ms = -1,
                                               .first_byte_ms = -1};
    on_end(call);
}

static void note_answer(struct http_client_call *call, const struct sim_http_answer *a) {
    struct http_client_result *r = &call->result;
    struct str body = str_from_z(a->body);
    r->code = a->code ? a->code : 200;
    r->body = str_sub(body, 0, call->request.body_max);
    r->is_cut = r->body.n < body.n;
    r->content_type = str_from_z(a->content_type);
    r->retry_after_s = a->retry_after_s;
    r->sent_ms = age_ms(call);
    r->first_byte_ms = r->sent_ms + a->delay_ms;
}

static void reach(struct http_client_call *call) {
    struct sim_web *w = web_get(call->client->options.loop, call->url.host);
    const struct sim_http_answer *a = web_answer(w);
    call->result.stage = HTTP_CLIENT_CONNECT;
    if (!a) {
        end_after(call, SIM_WAY_MS, STATUS_TEMPORARY, HTTP_CLIENT_CONNECT);
        return;
    }
    web_note(w, call);
    call->result.remote = (struct net_address){.family = call->ip.family, .port = call->url.port};
    memcpy(call->result.remote.ip, call->ip.bytes, sizeof call->ip.bytes);
    if (a->status == STATUS_OK) note_answer(call, a);
    end_after(call, SIM_WAY_MS + a->delay_ms, a->status, a->status == STATUS_OK ? HTTP_CLIENT_DONE : a->stage);
}

static bool may_reach(const struct http_client_call *call, const struct ip *ip) {
    const struct http_client_options *o = &call->client->options;
    struct net_address to = {.family = ip->family, .port = call->url.port};
    memcpy(to.ip, ip->bytes, sizeof to.ip);
    if (!call->request.allow_private && ip_reach(ip) != IP_PUBLIC) return false;
    return !o->is_ours || !o->is_ours(o->ours_arg, &to);
}

static void on_answer(struct http_client_call *call, uint8_t family, const struct dns_answer *answer) {
    for (size_t i = 0; i < answer->count; i++) {
        struct ip ip = ip_make(family, answer->records[i].address);
        call->has_address = true;
        if (!call->ip.family && may_reach(call, &ip)) call->ip = ip;
    }
    if (call->looked_up == STATUS_OK || call->looked_up == STATUS_NOT_FOUND) call->looked_up = answer->status;
    if (call->questions[0] || call->questions[1]) return;
    if (call->ip.family)
        reach(call);
    else if (call->has_address)
        end_after(call, 0, STATUS_DENIED, HTTP_CLIENT_ADDRESS);
    else if (call->looked_up == STATUS_OK || call->looked_up == STATUS_NOT_FOUND)
        end_after(call, 0, STATUS_NOT_FOUND, HTTP_CLIENT_NAME);
    else
        end_after(call, 0, STATUS_TEMPORARY, HTTP_CLIENT_NAME);
}

static void on_a(void *arg, const struct dns_answer *answer) {
    struct http_client_call *call = arg;
    call->questions[0] = NULL;
    on_answer(call, 4, answer);
}

static void on_aaaa(void *arg, const struct dns_answer *answer) {
    struct http_client_call *call = arg;
    call->questions[1] = NULL;
    on_answer(call, 6, answer);
}

static void copy_request(struct http_client_call *call, const struct http_client_request *request) {
    call->request = *request;
    call->request.body = arena_str(&call->arena, request->body);
    struct http_client_header *headers = arena_array(&call->arena, request->header_count + 1, sizeof *headers);
    for (size_t i = 0; i < request->header_count; i++) {
        headers[i].name = arena_str(&call->arena, request->headers[i].name);
        headers[i].value = arena_str(&call->arena, request->headers[i].value);
    }
    call->request.headers = headers;
}

static void look_up(struct http_client_call *call) {
    struct http_client_options *o = &call->client->options;
    call->result.stage = HTTP_CLIENT_NAME;
    call->questions[0] = resolver_ask(o->resolver, o->loop, (struct dns_question){call->url.host, DNS_A}, on_a, call);
    call->questions[1] = resolver_ask(o->resolver, o->loop, (struct dns_question){call->url.host, DNS_AAAA}, on_aaaa, call);
}

struct http_client_call *http_client_start(struct http_client *c, const struct http_client_request *request, http_client_fn fn,
                                           void *arg) {
    struct http_client_call *call = sim_zalloc(sizeof *call);
    *call = (struct http_client_call){.client = c, .fn = fn, .arg = arg, .result = {.sent_ms = -1, .first_byte_ms = -1}};
    call->began_at = clock_mono_ms(loop_clock(c->options.loop));
    timer_init(&call->deadline, c->options.loop, on_deadline, call);
    timer_init(&call->answer, c->options.loop, on_end, call);
    timer_start(&call->deadline, request->timeout_ms);
    list_add_tail(&c->calls, &call->node);
    copy_request(call, request);
    if (!web_url_parse(request->url, &call->arena, &call->url))
        end_after(call, 0, STATUS_INVALID, HTTP_CLIENT_URL);
    else if (!call->url.is_https && !request->allow_http)
        end_after(call, 0, STATUS_DENIED, HTTP_CLIENT_URL);
    else if (!call->url.ip.family)
        look_up(call);
    else if (!may_reach(call, &call->url.ip))
        end_after(call, 0, STATUS_DENIED, HTTP_CLIENT_ADDRESS);
    else {
        call->ip = call->url.ip;
        reach(call);
    }
    return call;
}

void http_client_cancel(struct http_client_call **call) {
    if (*call) call_free(*call);
    *call = NULL;
}

size_t http_client_count(const struct http_client *c) {
    size_t n = 0;
    LIST_FOR_EACH (it, &c->calls) n++;
    return n;
}

enum status http_client_new(const struct http_client_options *options, struct http_client **ret) {
    struct http_client *c = sim_zalloc(sizeof *c);
    c->options = *options;
    list_init(&c->calls);
    *ret = c;
    return STATUS_OK;
}

void http_client_free(struct http_client **client) {
    struct http_client *c = *client;
    if (!c) return;
    *client = NULL;
    while (!list_is_empty(&c->calls)) call_free(LIST_OWNER(c->calls.next, struct http_client_call, node));
    free(c);
}
