/* http_exchange.c - one request and its answer: what handlers see, and how the body gathers.
 *
 * A body's memory is taken from the budget before it grows, by its decoded size, so a small gzip file never unfolds unseen.
 * SPDX-License-Identifier: Apache-2.0 */
#include "httpd/http_conn.h"

#include <assert.h>
#include <stdlib.h>

#define RESERVE_MIN   4096
#define INFLATE_CHUNK 16384
/* Beyond the first MB a body may unfold so many times: text repeated a thousand times does not, a bomb (1,000) does (MI08). */
#define RATIO_FREE ((size_t)1 << 20)
#define RATIO_MAX  250

void http_exchange_free(struct http_exchange **exchange) {
    struct http_exchange *x = *exchange;
    if (!x) return;
    *exchange = NULL;
    const struct http_server_options *o = &x->conn->shard->server->o;
    if (x->route && x->route->end) x->route->end(x, x->route->arg);
    http_inflate_free(&x->inflate);
    buf_fini(&x->body);
    http_budget_give_share(o->budget, &x->owner, x->body_reserved);
    metrics_add(o->metrics, METRIC_BODY_BYTES, -(int64_t)x->body_reserved);
    arena_fini(&x->arena);
    free(x);
}

static void find_client(struct http_exchange *x) {
    const struct http_conn *c = x->conn;
    const struct http_fields *f = &x->request.fields;
    struct net_address client = http_proxy_client(c->shard->server->o.proxies, &c->peer, f);
    BUF_AUTO text = {0};
    net_address_format_ip(&text, &client);
    x->client = client.family == 1 ? STR("unix") : arena_str(&x->arena, buf_str(&text));
    x->owner = http_owner_of_client(&client);
    bool says_https = str_eq_nocase(http_fields_find(f, STR("x-forwarded-proto")), STR("https"));
    x->is_secure = stream_is_tls(c->stream) || (c->is_proxy && says_https);
}

void http_exchange_begin(struct http_exchange *x) {
    struct http_conn *c = x->conn;
    unsigned allowed;
    find_client(x);
    x->route = http_route_find(&c->shard->server->o, &x->request, &allowed);
    if (x->route) {
        x->route->head(x, x->route->arg);
    } else if (allowed) {
        struct http_header allow = {STR("Allow"), http_route_allow(&x->arena, allowed)};
        http_reply_error(c, x, 405, "this path has other methods", &allow);
    } else {
        http_reply_error(c, x, 404, "there is no such path", NULL);
    }
}

static bool refuse(struct http_refusal *ret, int status, const char *why) {
    *ret = (struct http_refusal){status, why};
    return false;
}

/* How much memory to have for a body that needs `need` bytes now: twice what it had, but not more than it can become. */
static size_t next_size(const struct http_exchange *x, size_t need) {
    size_t size = x->body_reserved * 2 > RESERVE_MIN ? x->body_reserved * 2 : RESERVE_MIN;
    size_t most = x->body_max;
    if (!x->inflate && x->framing.framing == HTTP_FRAMING_LENGTH) most = (size_t)x->request.fields.length;
    if (size > most) size = most;
    return size > need ? size : need;
}

static bool append_plain(struct http_exchange *x, struct str data, struct http_refusal *ret_refusal) {
    const struct http_server_options *o = &x->conn->shard->server->o;
    if (data.n > x->body_max - x->body.n) return refuse(ret_refusal, 413, "the body is too large");
    size_t need = x->body.n + data.n;
    if (need > x->body_reserved) {
        size_t more = next_size(x, need) - x->body_reserved;
        if (!http_budget_take_share(o->budget, &x->owner, more))
            return refuse(ret_refusal, 503, "too many requests are being received");
        metrics_add(o->metrics, METRIC_BODY_BYTES, (int64_t)more);
        x->body_reserved += more;
        buf_reserve(&x->body, x->body_reserved - x->body.n);
    }
    buf_add_str(&x->body, data);
    return true;
}

static bool append_coded(struct http_exchange *x, struct str data, struct http_refusal *ret_refusal) {
    char chunk[INFLATE_CHUNK];
    size_t used, n;
    do {
        if (http_inflate_next(x->inflate, data, chunk, sizeof(chunk), &used, &n) != STATUS_OK) {
            return refuse(ret_refusal, 400, "the body is not a whole gzip (RFC 1952) or, for deflate, zlib (RFC 1950) stream");
        }
        if (n && !append_plain(x, str_make(chunk, n), ret_refusal)) return false;
        if (x->body.n > RATIO_FREE && x->body.n / RATIO_MAX > x->body_wire)
            return refuse(ret_refusal, 413, "the compressed body unfolds too far");
        data = str_sub(data, used, SIZE_MAX);
    } while (n == sizeof(chunk));
    return true;
}

static bool append(struct http_exchange *x, struct str data, struct http_refusal *ret_refusal) {
    x->body_wire += data.n;
    if (!x->inflate) return append_plain(x, data, ret_refusal);
    if (x->body_wire > x->body_max) return refuse(ret_refusal, 413, "the body is too large");
    return append_coded(x, data, ret_refusal);
}

enum http_feed http_exchange_feed(struct http_exchange *x, struct str in, size_t *ret_used, struct http_refusal *ret_refusal) {
    *ret_used = 0;
    for (;;) {
        size_t n;
        struct str data;
        enum parse p = http_body_next(&x->framing, str_sub(in, *ret_used, SIZE_MAX), &n, &data);
        *ret_used += n;
        if (data.n && !append(x, data, ret_refusal)) return HTTP_FEED_REFUSED;
        if (p == PARSE_BAD) {
            refuse(ret_refusal, 400, "the chunked body is malformed");
            return HTTP_FEED_REFUSED;
        }
        if (p == PARSE_DONE) break;
        if (n == 0) return HTTP_FEED_MORE;
    }
    if (!x->inflate || http_inflate_is_done(x->inflate)) return HTTP_FEED_DONE;
    refuse(ret_refusal, 400, "the compressed body ends too early");
    return HTTP_FEED_REFUSED;
}

/* Set up the reading of an announced body; false: answered. */
static bool prepare_body(struct http_exchange *x, size_t body_max) {
    const struct http_fields *f = &x->request.fields;
    const struct http_limits *l = &x->conn->shard->server->o.limits;
    enum http_coding coding;
    x->body_max = body_max < l->body_max_bytes ? body_max : l->body_max_bytes;
    if (f->framing == HTTP_FRAMING_LENGTH && f->length > x->body_max) {
        http_reply_error(x->conn, x, 413, "the body is too large", NULL);
        return false;
    }
    if (http_coding_find(f, &coding) != STATUS_OK) {
        struct http_header accept = {STR("Accept-Encoding"), STR("gzip, deflate")};
        http_reply_error(x->conn, x, 415, "Content-Encoding may be gzip or deflate", &accept);
        return false;
    }
    if (coding != HTTP_CODING_IDENTITY) x->inflate = http_inflate_new(coding);
    http_body_init(&x->framing, f);
    return true;
}

static bool has_body(const struct http_fields *f) {
    return f->framing == HTTP_FRAMING_CHUNKED || (f->framing == HTTP_FRAMING_LENGTH && f->length > 0);
}

void http_exchange_continue(struct http_exchange *x, size_t body_max) {
    struct http_conn *c = x->conn;
    if (c->state == HTTP_CONN_GONE) {
        http_conn_free(c);
        return;
    }
    assert(c->state == HTTP_CONN_JUDGE);
    if (!has_body(&x->request.fields)) {
        http_conn_enter(c, HTTP_CONN_HANDLE);
        x->route->body(x, x->route->arg);
        return;
    }
    if (!prepare_body(x, body_max)) return;
    if (x->request.expects_continue && stream_in(c->stream)->n == 0)
        stream_write(c->stream, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    x->body_started_ms = clock_mono_ms(loop_clock(c->shard->loop));
    http_conn_enter(c, HTTP_CONN_BODY);
    http_conn_read_body(c);
}

void http_exchange_respond(struct http_exchange *x, struct http_response *response) {
    struct http_conn *c = x->conn;
    assert(c->state == HTTP_CONN_JUDGE || c->state == HTTP_CONN_HANDLE || c->state == HTTP_CONN_GONE);
    http_reply_send(c, x, response);
}

const struct http_request *http_exchange_request(const struct http_exchange *x) {
    return &x->request;
}

struct loop *http_exchange_loop(const struct http_exchange *x) {
    return x->conn->shard->loop;
}

struct arena *http_exchange_arena(struct http_exchange *x) {
    return &x->arena;
}

struct str http_exchange_body(const struct http_exchange *x) {
    return buf_str(&x->body);
}

struct str http_exchange_client(const struct http_exchange *x) {
    return x->client;
}

bool http_exchange_is_secure(const struct http_exchange *x) {
    return x->is_secure;
}

bool http_exchange_peer_uid(const struct http_exchange *x, uint32_t *ret_uid) {
    return x->conn->stream && stream_peer_uid(x->conn->stream, ret_uid);
}

void http_exchange_set_account(struct http_exchange *x, int64_t account_id) {
    assert(x->body_reserved == 0);
    x->owner = http_owner_of_account(account_id);
}

void http_exchange_set_user(struct http_exchange *x, void *user) {
    x->user = user;
}

void *http_exchange_user(const struct http_exchange *x) {
    return x->user;
}
