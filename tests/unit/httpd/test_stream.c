/* test_stream.c - answers in pieces: their framing, peers who do not read or go, and servers that stop.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http_world.h"

#include "net/tls.h"
#include "proto/http/http_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define H   "Host: a\r\n"
#define ASK "GET /stream HTTP/1.1\r\n" H "\r\n"

static struct http_exchange *take(struct world *w) {
    struct http_exchange *x = w->waiting;
    assert_non_null(x);
    w->waiting = NULL;
    return x;
}

static void begin(struct world *w, const char *piece) {
    static const struct http_header header = {STR_INIT("X-Total"), STR_INIT("7")};
    struct http_response r = {.status = 200, .content_type = STR("text/csv"), .headers = &header, .header_count = 1};
    buf_add_z(&r.body, piece);
    http_exchange_stream(take(w), &r);
    assert_null(r.body.p);
}

static void write_piece(struct world *w, const char *piece) {
    BUF_AUTO text = {0};
    buf_add_z(&text, piece);
    http_exchange_write(take(w), &text);
    assert_null(text.p);
}

static void ask(struct client *c, struct world *w, const char *request) {
    client_open(c, w);
    client_send(c, str_from_z(request));
    client_expect_waiting(c);
}

static struct str body_of(const struct client *c) {
    struct str all = buf_str(&c->got);
    size_t at = str_find_str(all, STR("\r\n\r\n"));
    assert_int_not_equal(at, STR_NONE);
    return str_sub(all, at + 4, SIZE_MAX);
}

static void test_chunks_and_the_next_request(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    ask(&c, &w, ASK);
    begin(&w, "first,");
    client_expect_waiting(&c);
    write_piece(&w, "and the second");
    client_expect_waiting(&c);
    client_send(&c, STR("GET /who HTTP/1.1\r\n" H "\r\n")); /* it waits for its turn */
    world_run(&w, 20, NULL);
    http_exchange_finish(take(&w));
    client_expect(&c, "<127.0.0.1 http>");
    assert_int_equal(client_count(&c, "Transfer-Encoding: chunked\r\n"), 1);
    assert_int_equal(client_count(&c, "X-Total: 7\r\n"), 1);
    assert_true(str_starts(body_of(&c), STR("6\r\nfirst,\r\ne\r\nand the second\r\n0\r\n\r\nHTTP/1.1 200 ")));
    assert_int_equal(w.mores, 2);
    client_close(&c);
    world_fini(&w);
}

/* The first piece may be empty: then it is the head that goes out first. */
static void test_head_first(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    ask(&c, &w, ASK);
    begin(&w, "");
    client_expect_waiting(&c);
    client_expect(&c, "\r\n\r\n");
    assert_int_equal(body_of(&c).n, 0);
    http_exchange_finish(take(&w));
    client_expect(&c, "\r\n\r\n0\r\n\r\n");
    client_close(&c);
    world_fini(&w);
}

static void test_HTTP10_ends_with_the_connection(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    ask(&c, &w, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    begin(&w, "one ");
    client_expect_waiting(&c);
    write_piece(&w, "two");
    client_expect_waiting(&c);
    http_exchange_finish(take(&w));
    client_expect_close(&c);
    assert_true(str_eq(body_of(&c), STR("one two")));
    assert_int_equal(client_count(&c, "Transfer-Encoding"), 0);
    assert_int_equal(client_count(&c, "Connection: close\r\n"), 1);
    client_close(&c);
    world_fini(&w);
}

static void test_HEAD_is_told_the_head(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    ask(&c, &w, "HEAD /stream HTTP/1.1\r\n" H "\r\n");
    begin(&w, "not to be seen");
    assert_int_equal(w.ends, 1);
    client_send(&c, STR("GET /who HTTP/1.1\r\n" H "\r\n"));
    client_expect(&c, "<127.0.0.1 http>");
    assert_int_equal(client_count(&c, "not to be seen"), 0);
    assert_int_equal(w.mores, 0);
    client_close(&c);
    world_fini(&w);
}

/* What was cut off never looks whole: no last chunk, and a reset where the end of the connection would be the end. */
static void test_P7_cut_off_is_seen(void **state) {
    (void)state;
    static const char *const requests[] = {ASK, "GET /stream HTTP/1.0\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        struct client c;
        world_init(&w);
        world_serve(&w);
        ask(&c, &w, requests[i]);
        begin(&w, "half of it");
        client_expect(&c, "half of it");
        client_expect_waiting(&c);
        http_exchange_cut(take(&w));
        client_expect_close(&c);
        assert_int_equal(c.end, STATUS_TEMPORARY);
        assert_int_equal(client_count(&c, "\r\n0\r\n"), 0);
        assert_int_equal(w.ends, 1);
        client_close(&c);
        world_fini(&w);
    }
}

/* A piece at a time, whatever he does not read; and not for ever (P8). */
static void test_P8_a_peer_who_does_not_read(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    w.options.limits.write_ms = 100;
    w.options.limits.min_bytes_per_s = 1u << 30;
    world_serve(&w);
    ask(&c, &w, ASK);
    stream_pause(c.stream);
    begin(&w, "head");
    size_t pieces = 0;
    for (int i = 0; i < 500 && w.metrics.value[METRIC_HTTP_CONNECTIONS]; i++) {
        world_run(&w, 10, NULL);
        if (!w.waiting) continue;
        struct buf piece = {0};
        memset(buf_reserve(&piece, 1 << 20), 'p', 1 << 20);
        buf_grew(&piece, 1 << 20);
        http_exchange_write(take(&w), &piece);
        pieces++;
    }
    assert_int_equal(w.metrics.value[METRIC_HTTP_CONNECTIONS], 0);
    assert_int_equal(w.ends, 1);
    assert_true(pieces < 100); /* what the kernel takes, and one more */
    client_close(&c);
    world_fini(&w);
}

/* With the handler at work, or with a piece on its way: nothing more is made for whoever has closed his side. */
static void test_peer_gone(void **state) {
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct world w;
        struct client c;
        world_init(&w);
        world_serve(&w);
        ask(&c, &w, ASK);
        begin(&w, "x");
        client_expect_waiting(&c);
        struct linger hard = {1, 0};
        if (i % 2) assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
        client_close(&c);
        world_run(&w, 20, NULL);
        if (i / 2 == 0) write_piece(&w, "into the void");
        if (i / 2 == 1) http_exchange_finish(take(&w));
        if (i / 2 == 2) http_exchange_cut(take(&w));
        if (i / 2 == 3) http_exchange_write(take(&w), &(struct buf){.p = strdup("y"), .n = 1, .cap = 2});
        assert_int_equal(w.ends, 1);
        assert_int_equal(w.mores, 1);
        world_fini(&w);
    }
}

static void test_gone_before_it_begins(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    ask(&c, &w, ASK);
    struct linger hard = {1, 0};
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    client_close(&c);
    world_run(&w, 20, NULL);
    begin(&w, "into the void"); /* nothing of it was written before: the reset is seen by writing */
    for (int i = 0; i < 100 && !w.ends; i++) {
        world_run(&w, 10, NULL);
        if (w.waiting) write_piece(&w, "more");
    }
    assert_int_equal(w.ends, 1);
    world_fini(&w);
}

/* A request that comes in any two parts is answered alike, and pieces of any size arrive. */
static void test_split_points(void **state) {
    (void)state;
    const struct str request = STR(ASK);
    for (size_t cut = 1; cut < request.n; cut += 3) {
        struct world w;
        struct client c;
        world_init(&w);
        world_serve(&w);
        client_open(&c, &w);
        client_send(&c, str_sub(request, 0, cut));
        world_run(&w, 1, NULL);
        client_send(&c, str_sub(request, cut, SIZE_MAX));
        client_expect_waiting(&c);
        begin(&w, "a");
        for (size_t n = 1; n <= 70000; n *= 7) {
            client_expect_waiting(&c);
            struct buf piece = {0};
            memset(buf_reserve(&piece, n), 'p', n);
            buf_grew(&piece, n);
            http_exchange_write(take(&w), &piece);
        }
        client_expect_waiting(&c);
        http_exchange_finish(take(&w));
        client_expect(&c, "\r\n0\r\n\r\n");
        struct http_fields fields = {.framing = HTTP_FRAMING_CHUNKED};
        struct http_body body;
        http_body_init(&body, &fields);
        size_t total = 0, used;
        struct str rest = body_of(&c), data;
        enum parse p;
        while ((p = http_body_next(&body, rest, &used, &data)) == PARSE_MORE) {
            total += data.n;
            rest = str_sub(rest, used, SIZE_MAX);
        }
        assert_int_equal(p, PARSE_DONE);
        assert_int_equal(total, 1 + 1 + 7 + 49 + 343 + 2401 + 16807);
        client_close(&c);
        world_fini(&w);
    }
}

static void stop_done(void *arg) {
    struct world *w = arg;
    w->is_stopped = true;
    loop_stop(w->loop);
}

/* Stopping waits for a while, and then for no stream: neither for one that is with the peer nor for one that is being made. */
static void test_stop_cuts_off_streams(void **state) {
    (void)state;
    struct world w;
    struct client made, stuck;
    world_init(&w);
    w.options.limits.drain_ms = 50;
    world_serve(&w);
    ask(&stuck, &w, ASK);
    stream_pause(stuck.stream);
    struct http_response r = {.status = 200};
    memset(buf_reserve(&r.body, 32 << 20), 'p', 32 << 20);
    buf_grew(&r.body, 32 << 20);
    http_exchange_stream(take(&w), &r);
    ask(&made, &w, ASK);
    begin(&w, "some");
    client_expect_waiting(&made);
    http_server_stop(w.server, w.loop, stop_done, &w);
    client_expect_close(&made);
    assert_false(w.is_stopped);
    assert_int_equal(w.ends, 1);
    write_piece(&w, "too late");
    world_run(&w, 5000, &w.is_stopped);
    assert_true(w.is_stopped);
    client_close(&made);
    client_close(&stuck);
    world_fini(&w);
}

/* The same over TLS: pieces as large as many records, and a peer who closes without a word. */
static void test_tls(void **state) {
    (void)state;
    struct world w;
    struct client c;
    char folder[] = "/tmp/httpd-tls-XXXXXX", cert[64], key[64];
    BUF_AUTO why = {0};
    struct tls_context *server, *client;
    assert_non_null(mkdtemp(folder));
    snprintf(cert, sizeof(cert), "%s/c", folder);
    snprintf(key, sizeof(key), "%s/k", folder);
    assert_int_equal(tls_self_signed("localhost", cert, key), STATUS_OK);
    assert_int_equal(tls_context_new_server(cert, key, &server, &why), STATUS_OK);
    assert_int_equal(tls_context_new_smtp_client(&client), STATUS_OK);
    world_init(&w);
    w.options.tls = server;
    world_serve(&w);
    for (int i = 0; i < 2; i++) {
        client_open(&c, &w);
        assert_int_equal(stream_start_tls(c.stream, client, "localhost", 5000), STATUS_OK);
        world_run(&w, 5000, &c.is_secure);
        client_send(&c, STR(ASK));
        client_expect_waiting(&c);
        begin(&w, "first");
        client_expect_waiting(&c);
        struct buf piece = {0};
        memset(buf_reserve(&piece, 1 << 20), 'p', 1 << 20);
        buf_grew(&piece, 1 << 20);
        http_exchange_write(take(&w), &piece);
        client_expect_waiting(&c);
        if (i) client_close(&c);
        world_run(&w, i ? 50 : 0, NULL);
        http_exchange_finish(take(&w));
        if (!i) client_expect(&c, "pp\r\n0\r\n\r\n");
        if (!i) client_close(&c);
        assert_int_equal(w.ends, i + 1);
    }
    world_fini(&w);
    tls_context_unref(&server);
    tls_context_unref(&client);
    unlink(cert);
    unlink(key);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_and_the_next_request),
        cmocka_unit_test(test_head_first),
        cmocka_unit_test(test_HTTP10_ends_with_the_connection),
        cmocka_unit_test(test_HEAD_is_told_the_head),
        cmocka_unit_test(test_P7_cut_off_is_seen),
        cmocka_unit_test(test_P8_a_peer_who_does_not_read),
        cmocka_unit_test(test_peer_gone),
        cmocka_unit_test(test_gone_before_it_begins),
        cmocka_unit_test(test_split_points),
        cmocka_unit_test(test_stop_cuts_off_streams),
        cmocka_unit_test(test_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
