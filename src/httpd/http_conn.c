/* http_conn.c - the life of a connection: what the stream says, and which state it leads to (drawn in http_conn.h).
 *
 * The stream is paused while the handler has the word and while a response goes out, so that pipelined requests wait in the
 * kernel behind one bounded buffer (HT38), and a peer that has shut down its sending side still gets its answer. It listens while
 * an answer is streamed, to learn of a peer who has gone before all the work is done.
 * SPDX-License-Identifier: Apache-2.0 */
#include "httpd/http_conn.h"

#include "net/tls.h"

#include <stdlib.h>
#include <string.h>

#define BLANK_LINES_MAX 2
#define CODED_TURN      8192 /* packed bytes of one turn: they may become 2 MB, and others wait meanwhile */

static const struct http_limits *limits(const struct http_conn *c) {
    return &c->shard->server->o.limits;
}

void http_conn_enter(struct http_conn *c, enum http_conn_state state) {
    static const bool pauses[] = {
        [HTTP_CONN_JUDGE] = true, [HTTP_CONN_HANDLE] = true, [HTTP_CONN_WRITE] = true, [HTTP_CONN_GONE] = false};
    bool before = pauses[c->state], after = pauses[state];
    c->state = state;
    if (!c->stream || before == after) return;
    if (after) {
        stream_pause(c->stream);
    } else {
        stream_resume(c->stream);
    }
}

void http_conn_free(struct http_conn *c) {
    struct http_shard *shard = c->shard;
    http_exchange_free(&c->x);
    stream_free(&c->stream);
    buf_fini(&c->reply);
    list_remove(&c->node);
    http_budget_give_connection(shard->server->o.budget, &c->peer, c->is_proxy || c->peer.family == 1);
    metrics_add(shard->server->o.metrics, METRIC_HTTP_CONNECTIONS, -1);
    free(c);
    http_shard_check(shard);
}

/* The whole head has come: `len` bytes at the front of the stream. */
static void take_head(struct http_conn *c, size_t len) {
    struct buf *in = stream_in(c->stream);
    struct http_exchange *x = calloc(1, sizeof(*x));
    if (!x) abort();
    x->conn = c;
    x->started_ms = clock_mono_ms(loop_clock(c->shard->loop));
    c->x = x;
    c->requests++;
    struct str head = arena_str(&x->arena, str_make(in->p, len));
    buf_drop(in, len);
    stream_deadline(c->stream, -1);
    http_conn_enter(c, HTTP_CONN_JUDGE);
    struct http_refusal refusal;
    if (http_request_parse(&x->arena, head, &x->request, &refusal)) {
        http_exchange_begin(x);
    } else {
        http_reply_error(c, NULL, refusal.status, refusal.why, NULL);
    }
}

static void read_head(struct http_conn *c) {
    struct buf *in = stream_in(c->stream);
    struct http_refusal refusal;
    size_t len;
    if (c->scan.at == 0) buf_drop(in, http_skip_blank(buf_str(in), BLANK_LINES_MAX));
    switch (http_scan_head(&c->scan, buf_str(in), &len, &refusal)) {
    case PARSE_DONE:
        take_head(c, len);
        break;
    case PARSE_BAD:
        http_reply_error(c, NULL, refusal.status, refusal.why, NULL);
        break;
    case PARSE_MORE:
        break;
    }
}

static void await_head(struct http_conn *c) {
    c->scan = (struct http_scan){0};
    c->head_begun = stream_in(c->stream)->n > 0;
    stream_deadline(c->stream, c->head_begun ? limits(c)->head_ms : limits(c)->idle_ms);
    http_conn_enter(c, HTTP_CONN_HEAD);
}

/* Time is measured against bytes: a deadline that moves as they come, never faster than the peer earns it (HT36). */
static void set_body_deadline(struct http_conn *c) {
    const struct http_exchange *x = c->x;
    int64_t elapsed = clock_mono_ms(loop_clock(c->shard->loop)) - x->body_started_ms;
    int64_t left = limits(c)->body_grace_ms + (int64_t)(x->body_wire * 1000 / limits(c)->min_bytes_per_s) - elapsed;
    stream_deadline(c->stream, left > 0 ? left : 0);
}

/* What is left in the stream is read on the loop's next turn. */
static void come_again(struct http_conn *c) {
    stream_pause(c->stream);
    stream_resume(c->stream);
}

void http_conn_read_body(struct http_conn *c) {
    struct buf *in = stream_in(c->stream);
    struct http_refusal refusal;
    size_t used;
    struct str piece = str_sub(buf_str(in), 0, c->x->inflate ? CODED_TURN : SIZE_MAX);
    bool is_cut = piece.n < in->n;
    enum http_feed feed = http_exchange_feed(c->x, piece, &used, &refusal);
    buf_drop(in, used);
    switch (feed) {
    case HTTP_FEED_MORE:
        set_body_deadline(c);
        if (is_cut) come_again(c);
        break;
    case HTTP_FEED_REFUSED:
        http_reply_error(c, c->x, refusal.status, refusal.why, NULL);
        break;
    case HTTP_FEED_DONE:
        stream_deadline(c->stream, -1);
        http_conn_enter(c, HTTP_CONN_HANDLE);
        c->x->route->body(c->x, c->x->route->arg);
        break;
    }
}

static void on_tls(void *arg, enum status status) {
    struct http_conn *c = arg;
    if (status != STATUS_OK) {
        http_conn_free(c);
        return;
    }
    await_head(c);
    c->head_begun = true;
    stream_deadline(c->stream, limits(c)->head_ms);
}

static void on_read(void *arg) {
    struct http_conn *c = arg;
    if (c->state == HTTP_CONN_BODY) http_conn_read_body(c);
    if (c->state != HTTP_CONN_HEAD) return;
    if (!c->head_begun) stream_deadline(c->stream, limits(c)->head_ms);
    c->head_begun = true;
    read_head(c);
}

static void on_drain(void *arg) {
    struct http_conn *c = arg;
    if (c->state == HTTP_CONN_STREAM) return http_stream_drained(c);
    if (c->state != HTTP_CONN_WRITE) return;
    buf_fini(&c->reply);
    await_head(c);
}

void http_conn_abandon(struct http_conn *c) {
    stream_free(&c->stream);
    http_conn_enter(c, HTTP_CONN_GONE);
}

static void on_close(void *arg, enum status status) {
    (void)status;
    struct http_conn *c = arg;
    if (c->state == HTTP_CONN_JUDGE || c->state == HTTP_CONN_HANDLE || c->state == HTTP_CONN_PIECE) {
        http_conn_abandon(c);
    } else {
        http_conn_free(c);
    }
}

static const struct stream_events events = {.on_tls = on_tls, .on_read = on_read, .on_drain = on_drain, .on_close = on_close};

/* The certificate of the moment, with a reference; NULL on plain servers. */
static struct tls_context *current_tls(struct http_server *server) {
    pthread_mutex_lock(&server->lock);
    struct tls_context *tls = server->tls;
    if (tls) tls_context_ref(tls);
    pthread_mutex_unlock(&server->lock);
    return tls;
}

void http_conn_start(struct http_conn *c, int fd) {
    c->stream = stream_accept(c->shard->loop, fd, &c->peer, &events, c);
    struct tls_context *tls = current_tls(c->shard->server);
    if (!tls) {
        on_tls(c, STATUS_OK);
        return;
    }
    enum status s = stream_start_tls(c->stream, tls, NULL, limits(c)->tls_ms);
    tls_context_unref(&tls);
    if (s != STATUS_OK) http_conn_free(c);
}
