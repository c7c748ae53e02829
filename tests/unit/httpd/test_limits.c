/* test_limits.c - slow, greedy and vanishing peers, and stopping (HT35-HT37, P8). Limits are short here instead of tests long.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http_world.h"

#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define H      "Host: a\r\n"
#define ECHO_5 "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n"

/* A peer that sends a byte whenever the last one has gone out, for ever. */
static void test_slow_head_HT35(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    w.options.limits.head_ms = 150;
    world_serve(&w);
    client_open(&c, &w);
    client_send(&c, STR("GET /echo HTTP/1.1\r\nX: "));
    int64_t before = clock_mono_ms(loop_clock(w.loop));
    for (int i = 0; i < 1000 && !c.is_closed; i++) {
        client_send(&c, STR("x"));
        world_run(&w, 10, &c.is_closed);
    }
    assert_true(c.is_closed);
    assert_true(clock_mono_ms(loop_clock(w.loop)) - before >= 140);
    assert_int_equal(w.heads, 0);
    client_close(&c);
    world_fini(&w);
}

/* The same for the second request of a connection: its time runs from its first byte. */
static void test_slow_second_head_HT35(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    w.options.limits.head_ms = 100;
    world_serve(&w);
    client_open(&c, &w);
    client_send(&c, STR(ECHO_5 "hello"));
    client_expect(&c, "\r\n\r\nhello");
    world_run(&w, 200, &c.is_closed);
    assert_false(c.is_closed); /* idle is not slow */
    client_send(&c, STR("G"));
    client_expect_close(&c);
    client_close(&c);
    world_fini(&w);
}

static void test_idle(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    w.options.limits.idle_ms = 50;
    world_serve(&w);
    client_open(&c, &w);
    client_send(&c, STR(ECHO_5 "hello"));
    client_expect_close(&c);
    assert_int_equal(client_count(&c, "\r\n\r\nhello"), 1);
    client_close(&c);
    world_fini(&w);
}

/* A steady drip below the rate is cut off, and the exchange meets its end. */
static void test_slow_body_HT36(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    w.options.limits.body_grace_ms = 100;
    world_serve(&w);
    client_open(&c, &w);
    client_send(&c, STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 100000\r\n\r\n"));
    for (int i = 0; i < 1000 && !c.is_closed; i++) {
        client_send(&c, STR("x"));
        world_run(&w, 10, &c.is_closed);
    }
    assert_true(c.is_closed);
    assert_int_equal(w.heads, 1);
    assert_int_equal(w.ends, 1);
    assert_int_equal(w.bodies, 0);
    client_close(&c);
    world_fini(&w);
}

/* Above the rate a body may take longer than the grace. */
static void test_steady_body_passes(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    w.options.limits.body_grace_ms = 100;
    w.options.limits.min_bytes_per_s = 100;
    world_serve(&w);
    client_open(&c, &w);
    client_send(&c, STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 300\r\n\r\n"));
    for (int i = 0; i < 30; i++) {
        client_send(&c, STR("0123456789"));
        world_run(&w, 10, &c.is_closed);
    }
    client_expect(&c, " 200 ");
    client_close(&c);
    world_fini(&w);
}

static void test_slow_reader_HT37(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    w.options.limits.write_ms = 100;
    w.options.limits.min_bytes_per_s = 1u << 30;
    world_serve(&w);
    client_open(&c, &w);
    stream_pause(c.stream);
    client_send(&c, STR("GET /big?50000000 HTTP/1.1\r\n" H "\r\n"));
    for (int i = 0; i < 500 && w.metrics.value[METRIC_HTTP_CONNECTIONS]; i++) world_run(&w, 10, NULL);
    assert_int_equal(w.metrics.value[METRIC_HTTP_CONNECTIONS], 0);
    client_close(&c);
    world_fini(&w);
}

static void test_body_budget(void **state) {
    (void)state;
    struct world w;
    struct client first, second, third;
    world_init(&w);
    http_budget_free(&w.budget);
    w.options.budget = w.budget = http_budget_new(10, 10, 1000000); /* of strangers' quarter one may have half */
    world_serve(&w);
    BUF_AUTO request = {0};
    buf_add_z(&request, "POST /slow HTTP/1.1\r\n" H "Content-Length: 100000\r\n\r\n");
    memset(buf_reserve(&request, 100000), 'x', 100000);
    buf_grew(&request, 100000);
    client_open(&first, &w);
    client_send(&first, buf_str(&request));
    client_expect_waiting(&first);
    assert_in_range(w.metrics.value[METRIC_BODY_BYTES], 100000, 150000);
    client_open(&second, &w);
    client_send(&second, buf_str(&request));
    client_expect(&second, " 503 ");
    client_expect_close(&second);
    assert_int_equal(client_count(&second, "Retry-After: 1\r\n"), 1);
    assert_int_equal(client_count(&second, "Connection: close\r\n"), 1);
    world_respond(&w, 200, "first");
    client_expect(&first, "first");
    client_open(&third, &w);
    client_send(&third, buf_str(&request));
    client_expect_waiting(&third);
    world_respond(&w, 200, "third");
    client_expect(&third, "third");
    client_close(&first);
    client_close(&second);
    client_close(&third);
    world_fini(&w);
}

static size_t take_all(struct http_budget *b, const struct http_owner *owner) {
    size_t bytes = 0;
    while (http_budget_take_share(b, owner, 100)) bytes += 100;
    return bytes;
}

/* Whoever takes all he can get leaves as much to the next, and strangers leave three quarters to those with keys. */
static void test_P6_bodies_leave_room_for_others(void **state) {
    (void)state;
    struct http_budget *b = http_budget_new(10, 10, 80000);
    struct net_address client = {.family = 4, .ip = {192, 0, 2, 1}}, local = {.family = 1};
    struct http_owner strangers[3], accounts[2] = {http_owner_of_account(1), http_owner_of_account(2)},
                                    operator_ = http_owner_of_client(&local);
    for (size_t i = 0; i < 3; i++, client.ip[3]++) strangers[i] = http_owner_of_client(&client);
    assert_int_equal(take_all(b, &strangers[0]), 10000);
    assert_int_equal(take_all(b, &strangers[1]), 5000);
    assert_int_equal(take_all(b, &strangers[2]), 2500);
    assert_int_equal(take_all(b, &accounts[0]), 31200);
    assert_int_equal(take_all(b, &accounts[1]), 15600);
    assert_int_equal(take_all(b, &operator_), 15700);
    http_budget_give_share(b, &accounts[0], 31200);
    assert_int_equal(take_all(b, &accounts[1]), 7800);
    assert_int_equal(take_all(b, &accounts[0]), 11700);
    http_budget_give_share(b, &strangers[0], 10000);
    assert_int_equal(take_all(b, &strangers[1]), 3700);
    http_budget_free(&b);
}

/* What a peer announces costs nothing until it comes. */
static void test_announced_bodies_take_no_budget(void **state) {
    (void)state;
    struct world w;
    struct client c[5];
    world_init(&w);
    http_budget_free(&w.budget);
    w.options.budget = w.budget = http_budget_new(10, 10, 200000);
    world_serve(&w);
    for (int i = 0; i < 4; i++) {
        client_open(&c[i], &w);
        client_send(&c[i], STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 1000000\r\n\r\nx"));
    }
    client_open(&c[4], &w);
    client_send(&c[4], STR(ECHO_5 "hello"));
    client_expect(&c[4], "hello");
    for (int i = 0; i < 5; i++) client_close(&c[i]);
    world_fini(&w);
}

static void test_connection_caps(void **state) {
    (void)state;
    struct world w;
    struct client a, b, c, d, e;
    struct arena arena = {0};
    struct network_list proxies;
    world_init(&w);
    assert_true(network_list_parse(&arena, STR("10.0.0.0/8"), &proxies));
    w.options.proxies = &proxies;
    http_budget_free(&w.budget);
    w.options.budget = w.budget = http_budget_new(4, 1, 1000000);
    world_serve(&w);
    client_open_from(&a, &w, "192.0.2.1:1");
    client_open_from(&b, &w, "192.0.2.1:2");
    client_expect_close(&b); /* one an address */
    client_open_from(&c, &w, "192.0.2.2:1");
    client_send(&c, STR(ECHO_5 "hello"));
    client_expect(&c, "hello");
    client_close(&b);
    client_open_from(&b, &w, "10.1.2.3:1");
    client_open_from(&d, &w, "10.1.2.3:2"); /* a believed proxy may have more */
    client_send(&d, STR(ECHO_5 "hello"));
    client_expect(&d, "hello");
    client_open_from(&e, &w, "192.0.2.9:1");
    client_expect_close(&e); /* four in all */
    client_close(&a);
    client_close(&e);
    world_run(&w, 20, NULL);
    client_open_from(&e, &w, "192.0.2.1:3");
    client_send(&e, STR(ECHO_5 "hello"));
    client_expect(&e, "hello");
    client_close(&b);
    client_close(&c);
    client_close(&d);
    client_close(&e);
    world_fini(&w);
    arena_fini(&arena);
}

/* The handler has the word while the peer goes: what it holds stays, and its answer ends everything. */
static void test_peer_gone_before_respond(void **state) {
    (void)state;
    static const char *const requests[] = {"POST /slow HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi",
                                           "POST /late HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi"};
    for (int i = 0; i < 4; i++) {
        struct world w;
        struct client c;
        world_init(&w);
        world_serve(&w);
        client_open(&c, &w);
        client_send(&c, str_from_z(requests[i % 2]));
        client_expect_waiting(&c);
        struct linger hard = {1, 0};
        assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
        client_close(&c);
        world_run(&w, 20, NULL);
        struct http_exchange *x = w.waiting;
        assert_non_null(x);
        assert_true(str_eq(http_exchange_client(x), STR("127.0.0.1")));
        if (i % 2 == 0) assert_true(str_eq(http_exchange_body(x), STR("hi")));
        arena_str(http_exchange_arena(x), STR("still there"));
        if (i == 3) {
            http_exchange_continue(x, 10);
        } else {
            world_respond(&w, 200, "into the void");
        }
        world_run(&w, 20, NULL);
        world_fini(&w);
    }
}

static void stop_done(void *arg) {
    struct world *w = arg;
    w->is_stopped = true;
    loop_stop(w->loop);
}

/* Idle ones go, running ones finish and say so, new ones are not taken. */
static void test_graceful_stop(void **state) {
    (void)state;
    struct world w;
    struct client idle, busy, late;
    world_init(&w);
    world_serve(&w);
    client_open(&idle, &w);
    client_open(&busy, &w);
    client_send(&busy, STR("GET /slow HTTP/1.1\r\n" H "\r\n"));
    client_expect_waiting(&busy);
    http_server_stop(w.server, w.loop, stop_done, &w);
    client_expect_close(&idle);
    client_open(&late, &w);
    client_expect_close(&late);
    assert_false(w.is_stopped);
    world_respond(&w, 200, "finished");
    client_expect(&busy, "finished");
    assert_int_equal(client_count(&busy, "Connection: close\r\n"), 1);
    client_close(&busy);
    world_run(&w, 5000, &w.is_stopped);
    assert_true(w.is_stopped);
    client_close(&idle);
    client_close(&late);
    world_fini(&w);
}

/* A peer in the middle of its body gets drain_ms. */
static void test_stop_cuts_off_slow_bodies(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    w.options.limits.drain_ms = 100;
    world_serve(&w);
    client_open(&c, &w);
    client_send(&c, STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 100\r\n\r\nx"));
    for (int i = 0; i < 100 && !w.heads; i++) world_run(&w, 10, NULL);
    http_server_stop(w.server, w.loop, stop_done, &w);
    world_run(&w, 5000, &w.is_stopped);
    assert_true(w.is_stopped);
    client_close(&c);
    world_fini(&w);
}

static void expect_who(struct world *w, const char *peer, const char *headers, const char *who) {
    struct client c;
    BUF_AUTO text = {0};
    buf_addf(&text, "GET /who HTTP/1.1\r\n" H "%s\r\n", headers);
    client_open_from(&c, w, peer);
    client_send(&c, buf_str(&text));
    client_expect(&c, who);
    client_close(&c);
}

static void test_forwarded_for_HT43(void **state) {
    (void)state;
    struct world w;
    struct arena arena = {0};
    struct network_list proxies;
    world_init(&w);
    assert_true(network_list_parse(&arena, STR("10.0.0.0/8, fd00::/8 127.0.0.2"), &proxies));
    w.options.proxies = &proxies;
    world_serve(&w);
    expect_who(&w, "10.0.0.1:1", "", "<10.0.0.1 http>");
    expect_who(&w, "10.0.0.1:1", "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n", "<192.0.2.7 https>");
    expect_who(&w, "127.0.0.1:1", "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n", "<127.0.0.1 http>");
    /* only the part that believed proxies wrote counts */
    expect_who(&w, "10.0.0.1:1", "X-Forwarded-For: 1.1.1.1, 192.0.2.7, 10.2.3.4\r\n", "<192.0.2.7 http>");
    expect_who(&w, "10.0.0.1:1", "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 192.0.2.7:99\r\n", "<192.0.2.7 http>");
    expect_who(&w, "10.0.0.1:1", "X-Forwarded-For: 1.1.1.1, nonsense, 10.9.9.9\r\n", "<10.9.9.9 http>");
    expect_who(&w, "[fd00::1]:1", "X-Forwarded-For: [2001:db8::5]:77\r\n", "<2001:db8::5 http>");
    expect_who(&w, "[fe00::1]:1", "X-Forwarded-For: 2001:db8::5\r\n", "<fe00::1 http>");
    world_fini(&w);
    arena_fini(&arena);
}

/* HTTPS: the handshake first; who speaks plainly is closed. */
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
    client_open(&c, &w);
    assert_int_equal(stream_start_tls(c.stream, client, "localhost", 5000), STATUS_OK);
    world_run(&w, 5000, &c.is_secure);
    client_send(&c, STR("GET /who HTTP/1.1\r\n" H "\r\n"));
    client_expect(&c, "<127.0.0.1 https>");
    client_close(&c);
    http_server_set_tls(w.server, server);
    BUF_AUTO plain = client_talk(&w, STR("GET /who HTTP/1.1\r\n" H "\r\n"));
    assert_true(str_find_str(buf_str(&plain), STR("HTTP/1.1")) == STR_NONE);
    world_fini(&w);
    tls_context_unref(&server);
    tls_context_unref(&client);
    unlink(cert);
    unlink(key);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_head_HT35),
        cmocka_unit_test(test_slow_second_head_HT35),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_slow_body_HT36),
        cmocka_unit_test(test_steady_body_passes),
        cmocka_unit_test(test_slow_reader_HT37),
        cmocka_unit_test(test_body_budget),
        cmocka_unit_test(test_announced_bodies_take_no_budget),
        cmocka_unit_test(test_P6_bodies_leave_room_for_others),
        cmocka_unit_test(test_connection_caps),
        cmocka_unit_test(test_peer_gone_before_respond),
        cmocka_unit_test(test_graceful_stop),
        cmocka_unit_test(test_stop_cuts_off_slow_bodies),
        cmocka_unit_test(test_forwarded_for_HT43),
        cmocka_unit_test(test_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
