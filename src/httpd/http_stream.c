/* http_stream.c - answers in pieces: one is with the peer or being made, never more. What follows what is drawn in http_conn.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "httpd/http_conn.h"

#include <assert.h>

/* A piece of nothing would be the end of a chunked answer; there may be one only behind the head. */
static void send_piece(struct http_conn *c, struct buf *piece) {
    bool is_chunk = c->x->is_chunked && piece->n;
    BUF_AUTO size = {0};
    c->reply = buf_take(piece);
    buf_addf(&size, "%zx\r\n", c->reply.n);
    if (is_chunk) stream_write(c->stream, buf_str(&size));
    stream_write_borrowed(c->stream, buf_str(&c->reply));
    if (is_chunk) stream_write(c->stream, STR("\r\n"));
    http_conn_enter(c, HTTP_CONN_STREAM);
    stream_deadline(c->stream, http_reply_patience_ms(c, c->reply.n));
}

void http_exchange_stream(struct http_exchange *x, struct http_response *response) {
    struct http_conn *c = x->conn;
    BUF_AUTO piece = buf_take(&response->body);
    assert(c->state == HTTP_CONN_JUDGE || c->state == HTTP_CONN_HANDLE || c->state == HTTP_CONN_GONE);
    if (c->state == HTTP_CONN_GONE || c->shard->drained) {
        http_conn_free(c);
        return;
    }
    http_reply_open(c, x, response);
    if (x->request.method == HTTP_HEAD) {
        http_reply_close(c, x->keeps_alive, http_reply_patience_ms(c, 0));
    } else {
        send_piece(c, &piece);
    }
}

void http_stream_drained(struct http_conn *c) {
    buf_fini(&c->reply);
    stream_deadline(c->stream, -1);
    http_conn_enter(c, HTTP_CONN_PIECE);
    c->x->route->more(c->x, c->x->route->arg);
}

void http_exchange_write(struct http_exchange *x, struct buf *piece) {
    struct http_conn *c = x->conn;
    BUF_AUTO moved = buf_take(piece);
    assert(c->state == HTTP_CONN_PIECE || c->state == HTTP_CONN_GONE);
    assert(moved.n > 0);
    if (c->state == HTTP_CONN_GONE) {
        http_conn_free(c);
    } else {
        send_piece(c, &moved);
    }
}

bool http_exchange_is_gone(const struct http_exchange *x) {
    return x->conn->state == HTTP_CONN_GONE;
}

void http_exchange_finish(struct http_exchange *x) {
    struct http_conn *c = x->conn;
    assert(c->state == HTTP_CONN_PIECE || c->state == HTTP_CONN_GONE);
    if (c->state == HTTP_CONN_GONE) {
        http_conn_free(c);
        return;
    }
    if (x->is_chunked) stream_write(c->stream, STR("0\r\n\r\n"));
    http_reply_close(c, x->keeps_alive, http_reply_patience_ms(c, 0));
}

void http_exchange_cut(struct http_exchange *x) {
    struct http_conn *c = x->conn;
    assert(c->state == HTTP_CONN_PIECE || c->state == HTTP_CONN_GONE);
    stream_reset(&c->stream);
    http_conn_free(c);
}
