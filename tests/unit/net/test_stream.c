/* test_stream.c - streams over loopback, plain and TLS: what comes when, what never comes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct str big_text(size_t n) {
    char *p = malloc(n);
    for (size_t i = 0; i < n; i++) p[i] = (char)(i * 7 + i / 251);
    return str_make(p, n);
}

static void free_text(struct str text) {
    free((void *)(uintptr_t)text.p);
}

static void settle(struct pair *p, int64_t ms) {
    bool never = false;
    run_until(p->loop, &never, ms);
}

/* Both ways at once, copied and borrowed, through small input buffers. */
static void exchange(struct pair *p, size_t n, size_t read_max) {
    struct str text = big_text(n);
    p->client.want = p->server.want = n;
    stream_set_read_max(p->client.stream, read_max);
    stream_set_read_max(p->server.stream, read_max);
    stream_write_borrowed(p->client.stream, text);
    for (size_t at = 0; at < n; at += 1000) stream_write(p->server.stream, str_sub(text, at, 1000));
    assert_int_equal(stream_out_pending(p->client.stream), n); /* nothing happens inside the call */
    run_until(p->loop, &p->server.is_full, 20000);
    run_until(p->loop, &p->client.is_full, 20000);
    assert_true(str_eq(buf_str(&p->server.got), text));
    assert_true(str_eq(buf_str(&p->client.got), text));
    run_until(p->loop, &p->client.is_drained, 1000);
    assert_int_equal(p->client.drains, 1);
    free_text(text);
}

static void test_plain_large_both_ways(void **state) {
    (void)state;
    for (size_t read_max = 100; read_max <= 100000; read_max *= 10) {
        struct pair p;
        pair_open(&p);
        exchange(&p, read_max < 1000 ? 100000 : 3000000, read_max);
        pair_close(&p);
    }
}

static void test_tls_large_both_ways(void **state) {
    (void)state;
    for (size_t read_max = 100; read_max <= 100000; read_max *= 10) {
        struct pair p;
        struct tls_context *client, *server;
        make_tls(&client, &server, false);
        pair_open(&p);
        start_tls(&p, client, server, "localhost");
        assert_int_equal(p.client.tls_status, STATUS_OK);
        assert_true(stream_is_tls(p.client.stream));
        assert_true(str_eq(stream_tls_version(p.client.stream), STR("TLSv1.3")));
        assert_false(stream_tls_is_verified(p.client.stream));
        exchange(&p, read_max < 1000 ? 100000 : 3000000, read_max);
        pair_close(&p);
        tls_context_unref(&client);
        tls_context_unref(&server);
    }
}

static void test_tls_verification_is_recorded_and_survives_resumption(void **state) {
    (void)state;
    struct tls_context *client, *server;
    make_tls(&client, &server, true);
    static const struct {
        const char *name;
        bool is_verified;
    } cases[] = {{"localhost", true}, {"localhost", true}, {"mx.example", false}, {"mx.example", false}, {NULL, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair p;
        pair_open(&p);
        start_tls(&p, client, server, cases[i].name);
        assert_int_equal(p.client.tls_status, STATUS_OK);
        assert_int_equal(stream_tls_is_verified(p.client.stream), cases[i].is_verified);
        exchange(&p, 10, 100); /* lets the ticket arrive */
        stream_finish(p.client.stream);
        run_until(p.loop, &p.server.is_closed, 5000);
        assert_int_equal(p.server.close_status, STATUS_CLOSED);
        pair_close(&p);
    }
    tls_context_unref(&client);
    tls_context_unref(&server);
}

/* ST01, ST03: plain bytes behind the word that starts TLS. */
static void keep_in(struct end *e) {
    e->is_full = stream_in(e->stream)->n >= e->want;
}

static void test_ST01_ST03_plain_bytes_left_over_are_denied(void **state) {
    (void)state;
    struct tls_context *client, *server;
    make_tls(&client, &server, false);
    struct pair p;
    pair_open(&p);
    p.server.on_read = p.client.on_read = keep_in;
    p.server.want = 20;
    p.client.want = 6;
    stream_write(p.client.stream, STR("STARTTLS\r\nMAIL FROM:<>\r\n"));
    stream_write(p.server.stream, STR("220\r\n250 extra\r\n"));
    run_until(p.loop, &p.server.is_full, 5000);
    run_until(p.loop, &p.client.is_full, 5000);
    buf_drop(stream_in(p.server.stream), 10);
    assert_int_equal(stream_start_tls(p.server.stream, server, NULL, 5000), STATUS_DENIED);
    buf_drop(stream_in(p.client.stream), 5);
    assert_int_equal(stream_start_tls(p.client.stream, client, "localhost", 5000), STATUS_DENIED);
    pair_close(&p);
    tls_context_unref(&client);
    tls_context_unref(&server);
}

/* ST01, ST02: what comes in a segment of its own is taken for the handshake, never for a command. */
static void test_ST02_plain_bytes_after_the_reply_break_the_handshake(void **state) {
    (void)state;
    struct tls_context *client, *server;
    make_tls(&client, &server, false);
    struct pair p;
    pair_open(&p);
    assert_int_equal(stream_start_tls(p.server.stream, server, NULL, 5000), STATUS_OK);
    stream_write(p.client.stream, STR("MAIL FROM:<a@example.com>\r\nRCPT"));
    run_until(p.loop, &p.server.is_shaken, 5000);
    assert_int_equal(p.server.tls_status, STATUS_TEMPORARY);
    assert_true(stream_why(p.server.stream).n > 0);
    assert_int_equal(p.server.reads, 0);
    settle(&p, 20);
    assert_false(p.server.is_closed); /* nothing after the failed handshake */
    pair_close(&p);
    tls_context_unref(&client);
    tls_context_unref(&server);
}

/* The reply to STARTTLS goes out plain though TLS was asked for in the same breath. */
static void test_reply_before_tls_goes_plain(void **state) {
    (void)state;
    struct tls_context *client, *server;
    make_tls(&client, &server, false);
    struct pair p;
    pair_open(&p);
    p.client.want = 5;
    stream_write(p.server.stream, STR("220\r\n"));
    assert_int_equal(stream_start_tls(p.server.stream, server, NULL, 5000), STATUS_OK);
    assert_false(stream_is_tls(p.server.stream));
    run_until(p.loop, &p.client.is_full, 5000);
    assert_true(str_eq(buf_str(&p.client.got), STR("220\r\n")));
    assert_int_equal(stream_start_tls(p.client.stream, client, "localhost", 5000), STATUS_OK);
    run_until(p.loop, &p.server.is_shaken, 5000);
    assert_int_equal(p.server.tls_status, STATUS_OK);
    pair_close(&p);
    tls_context_unref(&client);
    tls_context_unref(&server);
}

/* ST11 */
static void test_ST11_handshake_has_a_deadline(void **state) {
    (void)state;
    struct tls_context *client, *server;
    make_tls(&client, &server, false);
    struct pair p;
    pair_open(&p);
    assert_int_equal(stream_start_tls(p.server.stream, server, NULL, 20), STATUS_OK);
    run_until(p.loop, &p.server.is_shaken, 5000);
    assert_int_equal(p.server.tls_status, STATUS_TIMEOUT);
    pair_close(&p);
    tls_context_unref(&client);
    tls_context_unref(&server);
}

/* ST13: a cut TLS connection is not a finished one. */
static void test_ST13_tls_end_without_notice_is_temporary(void **state) {
    (void)state;
    struct tls_context *client, *server;
    make_tls(&client, &server, false);
    struct pair p;
    pair_open(&p);
    start_tls(&p, client, server, "localhost");
    p.server.want = 5;
    stream_write(p.client.stream, STR("hello"));
    run_until(p.loop, &p.server.is_full, 5000);
    stream_free(&p.client.stream);
    run_until(p.loop, &p.server.is_closed, 5000);
    assert_int_equal(p.server.close_status, STATUS_TEMPORARY);
    pair_close(&p);
    tls_context_unref(&client);
    tls_context_unref(&server);
}

static void test_plain_end_is_closed_and_data_before_it_arrives(void **state) {
    (void)state;
    struct pair p;
    pair_open(&p);
    p.server.want = 200000;
    struct str text = big_text(200000);
    stream_write(p.client.stream, text);
    stream_finish(p.client.stream);
    run_until(p.loop, &p.server.is_closed, 5000);
    assert_int_equal(p.server.close_status, STATUS_CLOSED);
    assert_true(str_eq(buf_str(&p.server.got), text));
    stream_free(&p.server.stream);
    run_until(p.loop, &p.client.is_closed, 5000);
    assert_int_equal(p.client.close_status, STATUS_CLOSED);
    free_text(text);
    pair_close(&p);
}

/* A peer that half-closes still gets the whole answer. */
static void test_half_closed_peer_gets_its_answer(void **state) {
    (void)state;
    struct pair p;
    pair_open(&p);
    struct str text = big_text(5000000);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons(listener_address(p.listener)->port);
    stream_free(&p.server.stream);
    p.is_accepted = false;
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    run_until(p.loop, &p.is_accepted, 5000);
    stream_write_borrowed(p.server.stream, text);
    shutdown(fd, SHUT_WR);
    settle(&p, 20);
    assert_false(p.server.is_closed); /* 5 MB are not out yet */
    struct str rest = text;
    char piece[65536];
    while (rest.n > 0) {
        ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (n <= 0) {
            settle(&p, 4);
            continue;
        }
        assert_true(str_eq(str_make(piece, (size_t)n), str_sub(rest, 0, (size_t)n)));
        rest = str_sub(rest, (size_t)n, SIZE_MAX);
    }
    run_until(p.loop, &p.server.is_closed, 5000);
    assert_int_equal(p.server.close_status, STATUS_CLOSED);
    close(fd);
    free_text(text);
    pair_close(&p);
}

static void test_pause_holds_bytes_and_end_back(void **state) {
    (void)state;
    struct pair p;
    pair_open(&p);
    p.server.want = 5;
    stream_pause(p.server.stream);
    stream_write(p.client.stream, STR("hello"));
    stream_finish(p.client.stream);
    settle(&p, 20);
    assert_int_equal(p.server.reads, 0);
    assert_false(p.server.is_closed);
    stream_resume(p.server.stream);
    assert_int_equal(p.server.reads, 0); /* never inside the call */
    run_until(p.loop, &p.server.is_closed, 5000);
    assert_true(str_eq(buf_str(&p.server.got), STR("hello")));
    assert_int_equal(p.server.close_status, STATUS_CLOSED);
    pair_close(&p);
}

/* One request a call, as a server with pipelining does it. */
static void take_one(struct end *e) {
    buf_add_str(&e->got, str_sub(buf_str(stream_in(e->stream)), 0, 1));
    buf_drop(stream_in(e->stream), 1);
    stream_pause(e->stream);
    if (e->got.n >= e->want) e->is_full = true;
    stream_resume(e->stream);
}

static void test_resume_reports_what_is_left(void **state) {
    (void)state;
    struct pair p;
    pair_open(&p);
    p.server.want = 5;
    p.server.on_read = take_one;
    stream_write(p.client.stream, STR("abcde"));
    run_until(p.loop, &p.server.is_full, 5000);
    assert_true(str_eq(buf_str(&p.server.got), STR("abcde")));
    assert_int_equal(p.server.reads, 5);
    pair_close(&p);
}

static void hang_up(struct end *e) {
    e->is_full = true;
    stream_free(&e->stream);
}

static void test_free_inside_a_callback(void **state) {
    (void)state;
    struct pair p;
    pair_open(&p);
    p.server.on_read = hang_up;
    stream_write(p.client.stream, STR("x"));
    run_until(p.loop, &p.client.is_closed, 5000);
    assert_true(p.server.is_full);
    pair_close(&p);
}

static void test_deadline(void **state) {
    (void)state;
    struct pair p;
    pair_open(&p);
    stream_deadline(p.server.stream, 10);
    stream_deadline(p.client.stream, 10);
    stream_deadline(p.client.stream, -1);
    run_until(p.loop, &p.server.is_closed, 5000);
    assert_int_equal(p.server.close_status, STATUS_TIMEOUT);
    run_until(p.loop, &p.client.is_closed, 5000);
    assert_int_equal(p.client.close_status, STATUS_CLOSED);
    pair_close(&p);
}

static void test_from_an_address(void **state) { /* OB33 */
    (void)state;
    struct pair p;
    pair_open(&p);
    struct net_address here, elsewhere;
    assert_int_equal(net_address_parse(STR("127.0.0.2:0"), &here), STATUS_OK);
    assert_int_equal(net_address_parse(STR("192.0.2.1:0"), &elsewhere), STATUS_OK);
    stream_free(&p.server.stream);
    struct end first = {.loop = p.loop}, second = {.loop = p.loop};
    first.stream = stream_connect(p.loop, listener_address(p.listener), &here, 5000, &end_events, &first);
    run_until(p.loop, &first.is_open, 5000);
    assert_int_equal(stream_local(first.stream)->ip[3], 2);
    second.stream = stream_connect(p.loop, listener_address(p.listener), &elsewhere, 5000, &end_events, &second);
    run_until(p.loop, &second.is_closed, 5000);
    assert_int_equal(second.close_status, STATUS_NOT_FOUND);
    stream_free(&first.stream);
    stream_free(&second.stream);
    pair_close(&p);
}

static void test_refused_and_last_words(void **state) {
    (void)state;
    struct pair p;
    pair_open(&p);
    struct net_address nobody = *listener_address(p.listener);
    listener_close(&p.listener);
    struct end other = {.loop = p.loop};
    other.stream = stream_connect(p.loop, &nobody, NULL, 5000, &end_events, &other);
    run_until(p.loop, &other.is_closed, 5000);
    assert_int_equal(other.close_status, STATUS_TEMPORARY);
    assert_true(str_eq(stream_why(other.stream), STR("Connection refused")));
    stream_free(&other.stream);
    /* A server that says why and hangs up while we are writing. */
    p.client.want = 7;
    stream_write(p.server.stream, STR("421 no\n"));
    stream_pause(p.server.stream);
    stream_write(p.client.stream, STR("lots of unread bytes"));
    settle(&p, 10);
    assert_true(str_eq(buf_str(&p.client.got), STR("421 no\n")));
    stream_free(&p.server.stream);
    stream_write(p.client.stream, STR("more"));
    run_until(p.loop, &p.client.is_closed, 5000);
    assert_int_equal(p.client.close_status, STATUS_TEMPORARY);
    pair_close(&p);
}

static void test_finish_does_not_wait_for_ever(void **state) {
    (void)state;
    struct pair p;
    pair_open(&p);
    stream_pause(p.server.stream);
    stream_finish(p.client.stream);
    run_until(p.loop, &p.client.is_closed, 10000);
    assert_int_equal(p.client.close_status, STATUS_CLOSED);
    pair_close(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_large_both_ways),
        cmocka_unit_test(test_tls_large_both_ways),
        cmocka_unit_test(test_tls_verification_is_recorded_and_survives_resumption),
        cmocka_unit_test(test_ST01_ST03_plain_bytes_left_over_are_denied),
        cmocka_unit_test(test_ST02_plain_bytes_after_the_reply_break_the_handshake),
        cmocka_unit_test(test_reply_before_tls_goes_plain),
        cmocka_unit_test(test_ST11_handshake_has_a_deadline),
        cmocka_unit_test(test_ST13_tls_end_without_notice_is_temporary),
        cmocka_unit_test(test_plain_end_is_closed_and_data_before_it_arrives),
        cmocka_unit_test(test_half_closed_peer_gets_its_answer),
        cmocka_unit_test(test_pause_holds_bytes_and_end_back),
        cmocka_unit_test(test_resume_reports_what_is_left),
        cmocka_unit_test(test_free_inside_a_callback),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_from_an_address),
        cmocka_unit_test(test_refused_and_last_words),
        cmocka_unit_test(test_finish_does_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
