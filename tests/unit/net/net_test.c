/* net_test.c - what net's tests share.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct guard {
    struct loop *loop;
    const bool *flag;
    int64_t left_ms;
    struct timer timer;
};

static void on_guard(void *arg) {
    struct guard *g = arg;
    g->left_ms -= 2;
    if (*g->flag || g->left_ms < 0)
        loop_stop(g->loop);
    else
        timer_start(&g->timer, 2);
}

void run_until(struct loop *loop, const bool *flag, int64_t ms) {
    struct guard g = {.loop = loop, .flag = flag, .left_ms = ms};
    timer_init(&g.timer, loop, on_guard, &g);
    timer_start(&g.timer, 0);
    loop_run(loop);
    timer_fini(&g.timer);
}

static void end_on_open(void *arg) {
    ((struct end *)arg)->is_open = true;
}

static void end_on_tls(void *arg, enum status status) {
    struct end *e = arg;
    e->is_shaken = true;
    e->tls_status = status;
}

static void end_on_read(void *arg) {
    struct end *e = arg;
    e->reads++;
    if (e->on_read) {
        e->on_read(e);
        return;
    }
    struct buf *in = stream_in(e->stream);
    buf_add_str(&e->got, buf_str(in));
    buf_reset(in);
    if (e->got.n >= e->want) e->is_full = true;
}

static void end_on_drain(void *arg) {
    struct end *e = arg;
    e->drains++;
    e->is_drained = true;
}

static void end_on_close(void *arg, enum status status) {
    struct end *e = arg;
    assert_false(e->is_closed); /* once, and nothing after it */
    e->is_closed = true;
    e->close_status = status;
}

const struct stream_events end_events = {end_on_open, end_on_tls, end_on_read, end_on_drain, end_on_close};

static void on_accept(void *arg, struct loop *loop, int fd, const struct net_address *peer) {
    struct pair *p = arg;
    p->server.stream = stream_accept(loop, fd, peer, &end_events, &p->server);
    p->is_accepted = true;
}

void pair_open(struct pair *p) {
    *p = (struct pair){0};
    assert_int_equal(loop_new(&p->loop), STATUS_OK);
    p->client.loop = p->server.loop = p->loop;
    struct net_address any;
    assert_int_equal(net_address_parse(STR("127.0.0.1:0"), &any), STATUS_OK);
    struct listener_options options = {.address = &any, .loops = &p->loop, .loop_count = 1, .accept = on_accept, .arg = p};
    assert_int_equal(listener_open(&options, &p->listener), STATUS_OK);
    p->client.stream = stream_connect(p->loop, listener_address(p->listener), NULL, 5000, &end_events, &p->client);
    assert_false(p->client.is_open); /* never inside the call */
    run_until(p->loop, &p->is_accepted, 5000);
    run_until(p->loop, &p->client.is_open, 5000);
    assert_true(p->is_accepted && p->client.is_open);
}

void pair_close(struct pair *p) {
    stream_free(&p->client.stream);
    stream_free(&p->server.stream);
    buf_fini(&p->client.got);
    buf_fini(&p->server.got);
    listener_close(&p->listener);
    loop_free(&p->loop);
}

void make_tls(struct tls_context **ret_client, struct tls_context **ret_server, bool trust) {
    char folder[] = "/tmp/test-net-XXXXXX", cert[64], key[64];
    assert_non_null(mkdtemp(folder));
    snprintf(cert, sizeof cert, "%s/cert.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    assert_int_equal(tls_self_signed("localhost", cert, key), STATUS_OK);
    BUF_AUTO why = {0};
    assert_int_equal(tls_context_new_server(cert, key, ret_server, &why), STATUS_OK);
    assert_int_equal(tls_context_new_smtp_client(ret_client), STATUS_OK);
    if (trust) assert_int_equal(tls_context_trust(*ret_client, cert), STATUS_OK);
    unlink(cert);
    unlink(key);
    rmdir(folder);
}

void start_tls(struct pair *p, struct tls_context *client, struct tls_context *server, const char *name) {
    assert_int_equal(stream_start_tls(p->server.stream, server, NULL, 5000), STATUS_OK);
    assert_int_equal(stream_start_tls(p->client.stream, client, name, 5000), STATUS_OK);
    run_until(p->loop, &p->client.is_shaken, 5000);
    run_until(p->loop, &p->server.is_shaken, 5000);
    assert_true(p->client.is_shaken && p->server.is_shaken);
}
