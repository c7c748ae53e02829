/* http_conn.h - inside httpd: servers, their shards (one a loop), connections, exchanges.
 *
 * One function a transition; http_conn_enter is the only place that changes the state:
 *
 *     TLS --handshake--> HEAD <-----------------------------------.
 *                         | head complete, a route found          | written, kept alive
 *                         v                                       |
 *                       JUDGE --respond--------------------> WRITE
 *                         | continue                         ^ |
 *                         v                                  | | Connection: close
 *                        BODY --complete--> HANDLE --respond-' v
 *                                                            LINGER --> freed
 *   JUDGE, HANDLE --stream--> STREAM --piece is out--> PIECE --finish--> WRITE, LINGER
 *                                 ^-------write----------'  `--cut--> freed
 *
 * In JUDGE, HANDLE and PIECE the handler has the word: when the peer goes then, the connection becomes GONE, keeps the exchange,
 * and is freed by what the handler says next. In every other state it is freed at once.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_HTTPD_HTTP_CONN_H
#define POSTHORN_HTTPD_HTTP_CONN_H

#include "httpd/http_budget.h"
#include "httpd/http_server.h"
#include "proto/http/http_body.h"

#include <pthread.h>

enum http_conn_state {
    HTTP_CONN_TLS,
    HTTP_CONN_HEAD,
    HTTP_CONN_JUDGE,
    HTTP_CONN_BODY,
    HTTP_CONN_HANDLE,
    HTTP_CONN_WRITE,
    HTTP_CONN_STREAM,
    HTTP_CONN_PIECE,
    HTTP_CONN_LINGER,
    HTTP_CONN_GONE
};

/* What lives on one loop. */
struct http_shard {
    struct http_server *server;
    struct loop *loop;
    struct list conns;
    bool stopping;
    bool sweeping; /* connections are being freed in a row: not the time to be done */
    bool drained;  /* time is up: nothing is streamed any more */
    struct timer drain;
    struct post stop;
};

struct http_server {
    struct http_server_options o; /* tls and loops are not used from here */
    struct http_shard *shards;
    size_t shard_count;
    pthread_mutex_t lock;
    struct tls_context *tls; /* under lock */
    _Atomic size_t shards_left;
    struct loop *stop_loop;
    void (*stop_done)(void *arg);
    void *stop_arg;
    struct post stopped;
};

struct http_exchange {
    struct http_conn *conn;
    const struct http_route *route; /* NULL: none found */
    struct arena arena;
    struct http_request request;
    struct str client;
    bool is_secure;
    void *user;
    int64_t started_ms;
    struct http_body framing;
    struct http_inflate *inflate; /* NULL: identity */
    struct buf body;
    size_t body_max;
    size_t body_wire;     /* content bytes before inflating */
    size_t body_reserved; /* taken from the budget */
    struct http_owner owner;
    int64_t body_started_ms;
    bool is_chunked, keeps_alive; /* a streamed answer: how it ends, and what follows */
};

struct http_conn {
    struct list node;
    struct http_shard *shard;
    struct stream *stream; /* NULL in GONE */
    struct net_address peer;
    bool is_proxy; /* its X-Forwarded-* is believed */
    enum http_conn_state state;
    struct http_scan scan;
    bool head_begun; /* bytes of a head have come: its deadline runs */
    size_t requests;
    struct http_exchange *x;
    struct buf reply; /* a long response body, or the piece of one, on its way out */
};

void http_conn_enter(struct http_conn *c, enum http_conn_state state);
/* Start on a new descriptor: handshake or first head. */
void http_conn_start(struct http_conn *c, int fd);
/* Frees everything, the exchange too (end is called); the shard may be done with it. */
void http_conn_free(struct http_conn *c);
/* Drop the peer; the handler has the word and is left with it. */
void http_conn_abandon(struct http_conn *c);
/* Work on body bytes that have come. */
void http_conn_read_body(struct http_conn *c);

/* exchange: */
void http_exchange_free(struct http_exchange **x);
/* The head is read: find the route and ask its handler. */
void http_exchange_begin(struct http_exchange *x);
enum http_feed { HTTP_FEED_MORE, HTTP_FEED_DONE, HTTP_FEED_REFUSED };
/* Take body bytes off `in`; REFUSED: *ret_refusal. */
enum http_feed http_exchange_feed(struct http_exchange *x, struct str in, size_t *ret_used, struct http_refusal *ret_refusal);

/* reply: */
/* Write a response; x may be NULL (no request was understood). Ends x. */
void http_reply_send(struct http_conn *c, struct http_exchange *x, struct http_response *response);
/* Write the head of a response whose length nobody knows; x keeps what is to know at its end. */
void http_reply_open(struct http_conn *c, struct http_exchange *x, struct http_response *response);
/* All is written: wait for it to be out, and then for the next request or the end. Ends x. */
void http_reply_close(struct http_conn *c, bool keep, int64_t ms);
/* How long a peer may take for so many bytes. */
int64_t http_reply_patience_ms(const struct http_conn *c, size_t bytes);
/* The server's own error; closes when the body has not been read. extra: one more header, or NULL. */
void http_reply_error(struct http_conn *c, struct http_exchange *x, int status, const char *why, const struct http_header *extra);

/* stream: the piece is out. */
void http_stream_drained(struct http_conn *c);

/* The route for a request; NULL: *ret_allowed is the set of methods its path has (0: no such path). */
const struct http_route *http_route_find(const struct http_server_options *o, const struct http_request *r,
                                         unsigned *ret_allowed);
/* "GET, HEAD, POST" for Allow. */
struct str http_route_allow(struct arena *arena, unsigned methods);

/* A shard looks whether it is done when a connection has gone. */
void http_shard_check(struct http_shard *shard);

#endif
