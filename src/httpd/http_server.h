/* http_server.h - HTTP/1.1 service for one kind of listener (public, TLS, control socket): connections, limits, routes.
 *
 * A server has a table of routes and lives on several loops; a connection stays on the loop that accepted it. One request of a
 * connection is worked on at a time. For each request the route's handler is asked twice, always on the connection's loop:
 *
 *   head(x)  the head is complete, of the body nothing has been read. The handler answers at once (http_exchange_respond: the
 *            connection is then closed if a body was announced), or lets the body in (http_exchange_continue), now or later - it
 *            may ask a reader first (decisions: credentials are judged before the body).
 *   body(x)  the body is complete and decoded (chunked, gzip, deflate; limits count decoded bytes, and a packed body may unfold
 *            250 times). The handler responds, now or later, exactly once.
 *   end(x)   the exchange is about to be freed: always the last call, exactly once. May be NULL.
 *
 * An answer may be streamed instead (http_exchange_stream), in pieces that the handler makes as the peer takes them:
 *
 *   more(x)  the last piece is with the kernel; the handler writes the next, finishes or cuts the answer off, now or later. So
 *            one piece is in memory at a time, and nothing is held for a peer who does not read: he has so long for each piece as
 *            for a response of that size. Whoever ends his side of the connection while his answer is streamed has gone: that
 *            is all that can be seen of one who closed it.
 *
 * Between head/body and its answer the exchange, its arena and its body belong to the handler and stay valid even when the
 * peer has gone (the response is then dropped). What a handler decides not to be asked about, the server answers itself: framing
 * errors, limits, 404, 405, 413, 415, 501, 503; after one of those `body` is not called, `end` is.
 *
 * Limits before reads (P8): see struct http_limits and http_budget.h. Slow peers meet absolute deadlines.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_HTTPD_HTTP_SERVER_H
#define POSTHORN_HTTPD_HTTP_SERVER_H

#include "base/metrics.h"
#include "httpd/http_budget.h"
#include "httpd/http_proxy.h"
#include "net/stream.h"
#include "proto/http/http.h"

struct http_exchange;
struct http_server;
typedef void (*http_handler_fn)(struct http_exchange *x, void *arg);

struct http_route {
    unsigned methods; /* HTTP_BIT(HTTP_GET) | ...; HEAD is served wherever GET is */
    struct str path;  /* percent-encoded form as it is requested; compared exactly */
    bool is_prefix;   /* also everything that starts with `path` (end it in '/'); the handler looks at the rest itself */
    http_handler_fn head, body, end; /* body may be NULL when head always responds; end may be NULL */
    void *arg;
    bool hides_rest;      /* what stands behind `path` opens something: no log has it (P10) */
    http_handler_fn more; /* may be NULL when nothing is streamed */
};

struct http_response {
    int status;
    struct str content_type;           /* "" for none */
    const struct http_header *headers; /* more headers; copied */
    size_t header_count;
    struct buf body; /* moved out: empty after the call. HEAD, 204 and 304 leave it unsent */
    bool close;      /* end the connection after this */
};

struct http_limits {
    int64_t head_ms;        /* from the first byte awaited to the end of the head, absolute */
    int64_t idle_ms;        /* between requests */
    int64_t body_grace_ms;  /* before min_bytes_per_s counts */
    int64_t write_ms;       /* grace for taking a response; min_bytes_per_s counts on top */
    int64_t tls_ms;         /* handshake */
    int64_t drain_ms;       /* http_server_stop: requests still being received, and streamed answers, are cut off after this */
    size_t min_bytes_per_s; /* of bodies in both directions */
    size_t body_max_bytes;  /* decoded and encoded; http_exchange_continue may ask for less */
    size_t requests_max;    /* on one connection; the last one says Connection: close */
};
/* 10 s head, 60 s idle, 10 s grace, 30 s write, 10 s TLS, 10 s drain, 1 KB/s, 40 MB, 10,000 requests. */
struct http_limits http_limits_default(void);

struct http_server_options {
    const char *name;                /* "public", "tls", "control"; for the log; static */
    const struct http_route *routes; /* first match wins, exact paths before prefixes; must outlive the server */
    size_t route_count;
    struct loop *const *loops; /* those connections will come on; array copied */
    size_t loop_count;
    struct tls_context *tls; /* NULL: plain; a reference is taken */
    struct http_limits limits;
    struct http_budget *budget;         /* shared by all servers of the process */
    struct metrics *metrics;            /* may be NULL */
    const struct network_list *proxies; /* whose X-Forwarded-* is believed; NULL: nobody's */
    /* Give the server's own errors a body: set content_type and body of *response. request is NULL when the head was unreadable.
     * NULL: a line of plain text. */
    void (*format_error)(void *arg, const struct http_request *request, int status, const char *why,
                         struct http_response *response);
    void *arg;
};
struct http_server *http_server_new(const struct http_server_options *options);
/* Take a connection; fits listener_accept_fn with the server as arg (void * only for that). On `loop`'s thread; fd is the
 * callee's. */
void http_server_accept(void *server, struct loop *loop, int fd, const struct net_address *peer);
/* Another certificate for handshakes from now on; any thread. A reference is taken. */
void http_server_set_tls(struct http_server *server, struct tls_context *tls);
/* Stop: new and idle connections are closed, running exchanges finish (their answers say Connection: close), and when the last
 * connection has gone `done` is called on `loop`. Once; any thread. */
void http_server_stop(struct http_server *server, struct loop *loop, void (*done)(void *arg), void *arg);
/* After `done`, or before the loops have run. NULL inside is fine. */
void http_server_free(struct http_server **server);

/* The exchange; everything on its loop only. */
const struct http_request *http_exchange_request(const struct http_exchange *x);
struct loop *http_exchange_loop(const struct http_exchange *x);
/* Memory until end(x); the server does not touch it while the handler has the word. */
struct arena *http_exchange_arena(struct http_exchange *x);
/* The decoded body, complete in body(x); valid until respond. Writable for in-place work. */
struct str http_exchange_body(const struct http_exchange *x);
/* The client's address as text, after believed proxies; "unix" on a Unix socket. Valid until end(x). */
struct str http_exchange_client(const struct http_exchange *x);
/* Did the client use TLS (ours, or as a believed proxy says)? */
bool http_exchange_is_secure(const struct http_exchange *x);
/* Credentials of the peer of a Unix socket; false on TCP or when it has gone. */
bool http_exchange_peer_uid(const struct http_exchange *x, uint32_t *ret_uid);
/* A pointer of the handler's, NULL at first. */
void http_exchange_set_user(struct http_exchange *x, void *user);
void *http_exchange_user(const struct http_exchange *x);

/* The credentials in the head are this account's: its share of the memory for bodies is used instead of the client's. Before
 * continue. */
void http_exchange_set_account(struct http_exchange *x, int64_t account_id);
/* Let the body in, at most body_max decoded bytes (bounded by the limits; beyond it the server answers 413). Once, in head(x) or
 * later; make it the last thing you do with x: body(x), or end(x), may be called inside. */
void http_exchange_continue(struct http_exchange *x, size_t body_max);
/* Answer. Exactly once; x is not to be used afterwards. response->body is moved out in every case. */
void http_exchange_respond(struct http_exchange *x, struct http_response *response);

/* Answer in pieces: response->body is the first, perhaps empty, and moved out in every case. Chunked; to HTTP/1.0 it ends with
 * the connection. In place of respond; more(x) or end(x) (the peer has gone; he asked for the head alone) follows. */
void http_exchange_stream(struct http_exchange *x, struct http_response *response);
/* The next piece, at least a byte; moved out. After more(x), once, as the two below; x is the handler's again with the next
 * more(x). */
void http_exchange_write(struct http_exchange *x, struct buf *piece);
/* Has the peer gone? Whoever makes pieces that stay empty may ask. */
bool http_exchange_is_gone(const struct http_exchange *x);
/* That was all. x is not to be used afterwards. */
void http_exchange_finish(struct http_exchange *x);
/* There is more, and it will not come: the connection ends in a way that no client takes for the end of the answer. x is not to
 * be used afterwards. */
void http_exchange_cut(struct http_exchange *x);

#endif
