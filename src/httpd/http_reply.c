/* http_reply.c - responses on the wire: the standard headers, their framing, and whether the connection goes on.
 *
 * It goes on only when the request was read to its end: after an answer to a body unread nobody could tell where the next
 * request starts (HT39, HT41).
 * SPDX-License-Identifier: Apache-2.0 */
#include "httpd/http_conn.h"

#include "base/log.h"

#define JOIN_MAX 16384 /* bodies up to this go out in one piece with the head */

static bool is_read(const struct http_conn *c) {
    return c->state == HTTP_CONN_HANDLE;
}

static bool keeps_alive(const struct http_conn *c, const struct http_exchange *x, const struct http_response *response) {
    if (!x || response->close || c->shard->stopping || c->requests >= c->shard->server->o.limits.requests_max) return false;
    const struct http_fields *f = &x->request.fields;
    bool empty = f->framing == HTTP_FRAMING_NONE || (f->framing == HTTP_FRAMING_LENGTH && f->length == 0);
    return f->keep_alive && (empty || is_read(c));
}

static void add_head(struct buf *out, const struct http_conn *c, const struct http_exchange *x, const struct http_response *r,
                     bool keep, bool is_open) {
    http_add_status_line(out, r->status);
    http_add_date(out, clock_wall_ms(loop_clock(c->shard->loop)));
    buf_add_z(out, "Server: Posthorn\r\nX-Content-Type-Options: nosniff\r\n");
    if (r->content_type.n) http_add_header(out, STR("Content-Type"), r->content_type);
    if (is_open && x->is_chunked) buf_add_z(out, "Transfer-Encoding: chunked\r\n");
    if (!is_open && !http_status_is_bodiless(r->status)) http_add_header_u64(out, STR("Content-Length"), r->body.n);
    if (!keep) {
        buf_add_z(out, "Connection: close\r\n");
    } else if (x->request.minor == 0) {
        buf_add_z(out, "Connection: keep-alive\r\n");
    }
    for (size_t i = 0; i < r->header_count; i++) http_add_header(out, r->headers[i].name, r->headers[i].value);
    http_add_end(out);
}

/* Paths only: a query may hold a key (P10). */
static struct str shown_path(const struct http_exchange *x) {
    return x->route && x->route->hides_rest ? x->route->path : x->request.path;
}

static void note(const struct http_conn *c, const struct http_exchange *x, int status) {
    const struct http_server *server = c->shard->server;
    metrics_add(server->o.metrics, METRIC_HTTP_REQUESTS, 1);
    if (status >= 400) metrics_add(server->o.metrics, METRIC_HTTP_REFUSED, 1);
    enum log_level level = status >= 500 ? LOG_WARN : LOG_DEBUG;
    if (!x || !log_is_on(level)) return;
    LOG(level, "http.request", LOG_Z("server", server->o.name), LOG_STR("client", x->client),
        LOG_STR("method", x->request.method_text), LOG_STR("path", shown_path(x)), LOG_INT("status", status),
        LOG_INT("ms", clock_mono_ms(loop_clock(c->shard->loop)) - x->started_ms));
}

int64_t http_reply_patience_ms(const struct http_conn *c, size_t bytes) {
    const struct http_limits *l = &c->shard->server->o.limits;
    return l->write_ms + (int64_t)(bytes * 1000 / l->min_bytes_per_s);
}

void http_reply_close(struct http_conn *c, bool keep, int64_t ms) {
    http_exchange_free(&c->x);
    http_conn_enter(c, keep ? HTTP_CONN_WRITE : HTTP_CONN_LINGER);
    stream_deadline(c->stream, ms);
    if (!keep) stream_finish(c->stream);
}

static void send_out(struct http_conn *c, struct buf *head, struct buf *body, bool keep) {
    int64_t ms = http_reply_patience_ms(c, body->n);
    if (body->n <= JOIN_MAX) {
        buf_add_str(head, buf_str(body));
        stream_write(c->stream, buf_str(head));
    } else {
        stream_write(c->stream, buf_str(head));
        c->reply = buf_take(body);
        stream_write_borrowed(c->stream, buf_str(&c->reply));
    }
    http_reply_close(c, keep, ms);
}

void http_reply_send(struct http_conn *c, struct http_exchange *x, struct http_response *response) {
    BUF_AUTO head = {0};
    BUF_AUTO body = buf_take(&response->body);
    response->body.n = body.n; /* for Content-Length */
    bool keep = keeps_alive(c, x, response);
    add_head(&head, c, x, response, keep, false);
    response->body.n = 0;
    note(c, x, response->status);
    if (http_status_is_bodiless(response->status) || (x && x->request.method == HTTP_HEAD)) buf_reset(&body);
    if (c->stream) {
        send_out(c, &head, &body, keep);
    } else {
        http_conn_free(c);
    }
}

void http_reply_open(struct http_conn *c, struct http_exchange *x, struct http_response *response) {
    BUF_AUTO head = {0};
    x->is_chunked = x->request.minor > 0;
    x->keeps_alive = x->is_chunked && keeps_alive(c, x, response);
    add_head(&head, c, x, response, x->keeps_alive, true);
    note(c, x, response->status);
    stream_write(c->stream, buf_str(&head));
}

void http_reply_error(struct http_conn *c, struct http_exchange *x, int status, const char *why,
                      const struct http_header *extra) {
    const struct http_server_options *o = &c->shard->server->o;
    static const struct http_header retry_after = {STR_INIT("Retry-After"), STR_INIT("1")};
    if (status == 503 && !extra) extra = &retry_after;
    struct http_response r = {.status = status, .headers = extra, .header_count = extra != NULL};
    if (o->format_error) {
        o->format_error(o->arg, x ? &x->request : NULL, status, why, &r);
    } else {
        r.content_type = STR("text/plain; charset=utf-8");
        buf_addf(&r.body, "%d %s: %s\n", status, http_reason(status), why);
    }
    http_reply_send(c, x, &r);
    buf_fini(&r.body);
}
