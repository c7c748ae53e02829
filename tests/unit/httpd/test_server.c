/* test_server.c - requests and their answers: pipelining, bodies, refusals, whole and in pieces (HT31-HT43).
 * SPDX-License-Identifier: Apache-2.0 */
#include "http_world.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <zlib.h>

#define H "Host: a\r\n"

static bool has(const struct buf *b, const char *text) {
    return b->n && strstr(b->p, text) != NULL;
}

/* Send, wait for the close, and check the first line and one more text. */
static void check_closing(struct world *w, const char *id, struct str text, const char *status, const char *more) {
    BUF_AUTO got = client_talk(w, text);
    if (!has(&got, status) || !has(&got, more) || !has(&got, "Connection: close\r\n"))
        fail_msg("%s: %.*s", id, STR_ARG(buf_str(&got)));
}

static void test_keep_alive_and_close(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    client_open(&c, &w);
    client_send(&c, STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"));
    client_expect(&c, "hello");
    assert_true(str_starts(buf_str(&c.got), STR("HTTP/1.1 200 OK\r\nDate: ")));
    assert_int_equal(client_count(&c, "Content-Length: 5\r\n"), 1);
    assert_int_equal(client_count(&c, "X-Content-Type-Options: nosniff\r\n"), 1);
    assert_int_equal(client_count(&c, "Server: Posthorn\r\n"), 1);
    assert_int_equal(client_count(&c, "Connection:"), 0);
    client_send(&c, STR("\r\nPOST /echo HTTP/1.1\r\n" H "Connection: close\r\nContent-Length: 6\r\n\r\nagain!"));
    client_expect_close(&c);
    assert_int_equal(client_count(&c, "again!"), 1);
    assert_int_equal(client_count(&c, "Connection: close\r\n"), 1);
    assert_int_equal(w.metrics.value[METRIC_HTTP_REQUESTS], 2);
    client_close(&c);
    world_fini(&w);
}

static void test_http_1_0(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    check_closing(&w, "1.0", STR("GET /echo HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK", "Content-Length: 0");
    client_open(&c, &w);
    client_send(&c, STR("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    client_expect(&c, "Connection: keep-alive\r\n");
    client_close(&c);
    world_fini(&w);
}

static const struct {
    const char *id, *text, *status, *more;
} answered[] = {
    {"HT32 405", "DELETE /echo HTTP/1.1\r\n" H "\r\n", " 405 ", "Allow: GET, HEAD, POST\r\n"},
    {"HT32 405 union", "POST /none HTTP/1.1\r\n" H "\r\n", " 405 ", "Allow: GET, HEAD, DELETE\r\n"},
    {"404", "GET /nothing HTTP/1.1\r\n" H "\r\n", " 404 ", "404 Not Found"},
    {"404 below", "GET /echo/ HTTP/1.1\r\n" H "\r\n", " 404 ", ""},
    {"404 star", "OPTIONS * HTTP/1.1\r\n" H "\r\n", " 404 ", ""},
    {"HT33 double", "GET /%252e%252e/x HTTP/1.1\r\n" H "\r\n", " 404 ", ""},
    {"prefix", "GET /tree/a/b HTTP/1.1\r\n" H "\r\n", " 200 ", ""},
    {"HT31", "POST /echo?_method=DELETE HTTP/1.1\r\n" H "X-HTTP-Method-Override: DELETE\r\nContent-Length: 3\r\n\r\nhey", " 200 ",
     "hey"},
    {"HT40", "GET /echo HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", " 200 ", ""},
    {"HT43", "GET /who HTTP/1.1\r\n" H "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\r\n", " 200 ",
     "<127.0.0.1 http>"},
    {"HT44", "GET /echo HTTP/1.1\r\n" H "Cookie: =; a; =b;;; c=\"\r\nCookie: \r\n\r\n", " 200 ", ""},
    {"chunked", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: u\r\n\r\n",
     " 200 ", "abcde"},
    {"HT42 204", "GET /none HTTP/1.1\r\n" H "\r\n", " 204 ", ""},
    {"HT42 HEAD", "HEAD /big?70000 HTTP/1.1\r\n" H "\r\n", " 200 ", "Content-Length: 70000\r\n"},
};

/* Each on a connection of its own, then all of them pipelined on one; after each the connection lives. */
static void test_answered_HT31_HT44(void **state) {
    (void)state;
    struct world w;
    struct client c, all;
    world_init(&w);
    world_serve(&w);
    client_open(&all, &w);
    for (size_t i = 0; i < sizeof(answered) / sizeof(*answered); i++) {
        client_open(&c, &w);
        client_send(&c, str_from_z(answered[i].text));
        client_send(&c, STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\ndone"));
        client_expect(&c, "\r\n\r\ndone");
        if (!has(&c.got, answered[i].status) || !has(&c.got, answered[i].more)) fail_msg("%s: %s", answered[i].id, c.got.p);
        assert_null(strstr(c.got.p, "not to be seen"));
        assert_true(c.got.n < 1000);
        client_close(&c);
        client_send(&all, str_from_z(answered[i].text));
    }
    client_send(&all, STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\ndone"));
    client_expect(&all, "\r\n\r\ndone");
    assert_int_equal(client_count(&all, "HTTP/1.1 "), sizeof(answered) / sizeof(*answered) + 1);
    client_close(&all);
    world_fini(&w);
}

static const struct {
    const char *id, *text, *status;
} refused[] = {
    {"HT01",
     "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /echo HTTP/1.1\r\n" H
     "\r\n",
     " 400 "},
    {"HT20", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\nGET /echo HTTP/1.1\r\n" H "\r\n",
     " 400 "},
    {"HT27", "GET /echo HTTP/1.1\r\nX\r\n\r\n", " 400 "},
    {"HT32 501", "BREW /echo HTTP/1.1\r\n" H "\r\n", " 501 "},
    {"HT30", "GET /echo HTTP/2.0\r\n" H "\r\n", " 505 "},
    {"HT33", "GET /../echo HTTP/1.1\r\n" H "\r\n", " 400 "},
    {"HT39 deny", "POST /deny HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", " 401 "},
    {"HT39 other", "POST /echo HTTP/1.1\r\n" H "Expect: tea\r\nContent-Length: 5\r\n\r\n", " 417 "},
    {"HT41 deny", "POST /deny HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", " 401 "},
    {"HT41 404", "POST /no HTTP/1.1\r\n" H "Content-Length: 24\r\n\r\nGET /echo HTTP/1.1\r\n\r\n\r\n", " 404 "},
    {"413", "POST /echo HTTP/1.1\r\n" H "Content-Length: 1048577\r\n\r\n", " 413 "},
    {"JS06", "POST /echo HTTP/1.1\r\n" H "Content-Length: 100000000\r\n\r\n", " 413 "},
    {"415", "POST /echo HTTP/1.1\r\n" H "Content-Encoding: br\r\nContent-Length: 5\r\n\r\nhello", " 415 "},
    {"bad gzip", "POST /echo HTTP/1.1\r\n" H "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", " 400 "},
    {"short gzip", "POST /echo HTTP/1.1\r\n" H "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08", " 400 "},
};

/* One answer, "Connection: close", and nothing that came behind is taken for a request. */
static void test_refused_and_closed(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_serve(&w);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        BUF_AUTO got = client_talk(&w, str_from_z(refused[i].text));
        if (!has(&got, refused[i].status) || !has(&got, "Connection: close\r\n") || has(&got, " 200 ") || has(&got, " 100 ")) {
            fail_msg("%s: %.*s", refused[i].id, STR_ARG(buf_str(&got)));
        }
    }
    assert_int_equal(w.bodies, 0);
    world_fini(&w);
}

static void test_byte_by_byte(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    client_open(&c, &w);
    struct str text = STR("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                          "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nfghij"
                          "GET /tree/x HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
    for (size_t i = 0; i < text.n; i++) {
        client_send(&c, str_sub(text, i, 1));
        for (int turn = 0; turn < 4; turn++) world_run(&w, 0, NULL);
    }
    client_expect_close(&c);
    assert_int_equal(client_count(&c, "HTTP/1.1 200 OK"), 3);
    assert_int_equal(client_count(&c, "HTTP/1.1 100 Continue\r\n\r\n"), 1);
    assert_int_equal(client_count(&c, "abcde"), 1);
    assert_int_equal(client_count(&c, "fghij"), 1);
    client_close(&c);
    world_fini(&w);
}

static void test_pipelined_HT38(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    w.options.limits.requests_max = 1000;
    world_serve(&w);
    client_open(&c, &w);
    for (int i = 0; i < 10000; i++) client_send(&c, STR("GET /tree/x HTTP/1.1\r\n" H "\r\n"));
    client_expect_close(&c);
    assert_int_equal(w.heads, 1000);
    assert_int_equal(client_count(&c, "HTTP/1.1 200 OK"), 1000);
    assert_int_equal(client_count(&c, "Connection: close"), 1);
    client_close(&c);
    world_fini(&w);
}

/* 100 comes after the handler has let the body in, and not when the body is there already (decision 31). */
static void test_expect_continue_HT39(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    client_open(&c, &w);
    client_send(&c, STR("POST /late HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    client_expect_waiting(&c);
    assert_int_equal(c.got.n, 0);
    http_exchange_continue(w.waiting, 5);
    client_expect(&c, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(&c, STR("hello"));
    client_expect(&c, "\r\n\r\nhello");
    client_send(&c, STR("POST /late HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nworld"));
    client_expect_waiting(&c);
    http_exchange_continue(w.waiting, 4); /* and a bound of the handler's own */
    client_expect(&c, " 413 ");
    client_expect_close(&c);
    assert_int_equal(client_count(&c, " 100 "), 1);
    client_close(&c);
    world_fini(&w);
}

/* The peer sends 8 MB that nobody reads: it gets the answer nevertheless, not a reset. */
static void test_answer_survives_unread_body_HT41(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    client_open(&c, &w);
    BUF_AUTO body = {0};
    memset(buf_reserve(&body, 8 << 20), 'x', 8 << 20);
    buf_grew(&body, 8 << 20);
    client_send(&c, STR("POST /deny HTTP/1.1\r\n" H "Content-Length: 8388608\r\n\r\n"));
    client_send(&c, buf_str(&body));
    client_expect(&c, "\r\n\r\nno");
    client_close(&c);
    world_fini(&w);
}

static void test_half_closed_peer_gets_its_answer(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    client_open(&c, &w);
    client_send(&c, STR("POST /slow HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi"));
    client_expect_waiting(&c);
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    world_run(&w, 20, NULL);
    world_respond(&w, 200, "late answer");
    client_expect(&c, "late answer");
    client_expect_close(&c);
    client_close(&c);
    world_fini(&w);
    assert_int_equal(w.bodies, 1);
}

static struct buf gzip_of(struct str plain) {
    struct buf out = {0};
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)plain.p;
    z.avail_in = (uInt)plain.n;
    size_t room = deflateBound(&z, plain.n);
    z.next_out = (Bytef *)buf_reserve(&out, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_grew(&out, room - z.avail_out);
    deflateEnd(&z);
    return out;
}

static struct buf talk_gzip(struct world *w, const char *path, struct str plain) {
    BUF_AUTO z = gzip_of(plain);
    BUF_AUTO text = {0};
    buf_addf(&text, "POST %s HTTP/1.1\r\n" H "Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", path,
             z.n);
    buf_add_str(&text, buf_str(&z));
    return client_talk(w, buf_str(&text));
}

static struct buf talk_zs(struct world *w, const char *path, size_t n) {
    BUF_AUTO plain = {0};
    memset(buf_reserve(&plain, n), 'z', n);
    buf_grew(&plain, n);
    return talk_gzip(w, path, buf_str(&plain));
}

/* The limit is on the decoded size: 1 MB passes, a byte more does not, and a bomb of 64 MB never grows past the limit. */
static void test_gzip_bomb_MI08(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_serve(&w);
    BUF_AUTO fits = talk_zs(&w, "/echo", 1 << 20);
    assert_true(has(&fits, "Content-Length: 1048576\r\n"));
    BUF_AUTO over = talk_zs(&w, "/echo", (1 << 20) + 1);
    assert_true(has(&over, " 413 "));
    BUF_AUTO bomb = talk_zs(&w, "/echo", 64 << 20);
    assert_true(has(&bomb, " 413 "));
    world_fini(&w);
}

/* A thousand letters that differ in a name go in; nothing but zeros does not, though it would fit. */
static void test_gzip_ratio_MI08(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    world_serve(&w);
    BUF_AUTO batch = {0};
    for (int i = 0; i < 1000; i++) {
        buf_addf(&batch, "{\"To\":[{\"email\":\"reader-%d@shop-%d.test\",\"name\":\"\"}],\"HTMLContent\":\"", i, i % 37);
        for (int k = 0; k < 100; k++)
            buf_addf(&batch, "<tr><td style='font: 14px sans'>Line %d of the letter that all get</td></tr>", k);
        buf_add_z(&batch, "\"},");
    }
    char want[64];
    snprintf(want, sizeof want, "<%zu bytes>", batch.n);
    BUF_AUTO letters = talk_gzip(&w, "/large", buf_str(&batch));
    assert_true(has(&letters, want));
    BUF_AUTO noise = {0}; /* many turns' worth of packed bytes */
    rand_fill(rand_system(), buf_reserve(&noise, 300000), 300000);
    buf_grew(&noise, 300000);
    BUF_AUTO whole = talk_gzip(&w, "/large", buf_str(&noise));
    assert_true(has(&whole, "<300000 bytes>"));
    BUF_AUTO zeros = talk_zs(&w, "/large", 8 << 20);
    assert_true(has(&zeros, " 413 "));
    assert_true(has(&zeros, "unfolds too far"));
    world_fini(&w);
}

/* identity is no coding; others are told what may be used; a stream that breaks off or goes on is refused. */
static void test_codings(void **state) {
    (void)state;
    static const struct {
        const char *request, *want;
    } cases[] = {
        {"POST /echo HTTP/1.1\r\n" H "Connection: close\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi",
         "\r\n\r\nhi"},
        {"POST /echo HTTP/1.1\r\n" H "Connection: close\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nhi", " 415 "},
        {"POST /echo HTTP/1.1\r\n" H "Connection: close\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 2\r\n\r\nhi",
         "Accept-Encoding: gzip, deflate\r\n"},
        {"POST /echo HTTP/1.1\r\n" H "Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", " 400 "},
    };
    struct world w;
    world_init(&w);
    world_serve(&w);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO got = client_talk(&w, str_from_z(cases[i].request));
        if (!has(&got, cases[i].want)) fail_msg("%s\n%s", cases[i].request, got.p);
    }
    BUF_AUTO z = gzip_of(STR("a body that is cut"));
    for (size_t n = 1; n < z.n; n++) {
        BUF_AUTO text = {0};
        buf_addf(&text, "POST /echo HTTP/1.1\r\n" H "Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                 n);
        buf_add(&text, z.p, n);
        BUF_AUTO got = client_talk(&w, buf_str(&text));
        assert_true(has(&got, " 400 "));
    }
    world_fini(&w);
}

static void test_chunked_over_limit_JS06(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    client_open(&c, &w);
    client_send(&c, STR("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n"));
    BUF_AUTO body = {0};
    memset(buf_reserve(&body, 2 << 20), 'x', 2 << 20);
    buf_grew(&body, 2 << 20);
    client_send(&c, buf_str(&body));
    client_expect(&c, " 413 ");
    client_close(&c);
    world_fini(&w);
}

static void shape_error(void *arg, const struct http_request *request, int status, const char *why,
                        struct http_response *response) {
    (void)arg;
    response->content_type = STR("application/json");
    buf_addf(&response->body, "{%d,%.*s,%s}", status, request ? (int)request->path.n : 1, request ? request->path.p : "-", why);
}

static void test_errors_are_shaped(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    w.options.format_error = shape_error;
    world_serve(&w);
    check_closing(&w, "404", STR("GET /no HTTP/1.1\r\n" H "Connection: close\r\n\r\n"), " 404 ",
                  "{404,/no,there is no such path}");
    check_closing(&w, "400", STR("GET\r\n\r\n"), " 400 ", "{400,-,");
    check_closing(&w, "405", STR("PUT /echo HTTP/1.1\r\n" H "Connection: close\r\n\r\n"), " 405 ", "Allow: GET, HEAD, POST");
    world_fini(&w);
}

static void test_big_response(void **state) {
    (void)state;
    struct world w;
    struct client c;
    world_init(&w);
    world_serve(&w);
    client_open(&c, &w);
    for (int i = 0; i < 2; i++) {
        client_send(&c, STR("GET /big?5000000 HTTP/1.1\r\n" H "\r\n"));
        client_send(&c, STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\ndone"));
        client_expect(&c, "\r\n\r\ndone");
        assert_true(c.got.n > 5000000 && c.got.n < 5001000);
        buf_reset(&c.got);
    }
    client_close(&c);
    world_fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_alive_and_close),
        cmocka_unit_test(test_http_1_0),
        cmocka_unit_test(test_answered_HT31_HT44),
        cmocka_unit_test(test_refused_and_closed),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_pipelined_HT38),
        cmocka_unit_test(test_expect_continue_HT39),
        cmocka_unit_test(test_answer_survives_unread_body_HT41),
        cmocka_unit_test(test_half_closed_peer_gets_its_answer),
        cmocka_unit_test(test_gzip_bomb_MI08),
        cmocka_unit_test(test_gzip_ratio_MI08),
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_chunked_over_limit_JS06),
        cmocka_unit_test(test_errors_are_shaped),
        cmocka_unit_test(test_big_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
