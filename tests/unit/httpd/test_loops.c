/* test_loops.c - one server on two loops with threads of their own: connections stay on theirs, stopping waits for both.
 * Run it under ThreadSanitizer too.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define H "Host: a\r\n"

struct side {
    struct post post;
    struct loop *loop;
    pthread_t thread;
    struct http_server *server;
    int fd; /* of the server's end, to be accepted */
};

struct slow {
    struct http_exchange *x;
    struct post post;
    _Atomic int asked;
};

static void *run(void *arg) {
    loop_run(((struct side *)arg)->loop);
    return NULL;
}

static void on_accept(struct post *post) {
    struct side *side = LIST_OWNER(post, struct side, post);
    struct net_address peer = {.family = 4, .ip = {127, 0, 0, 1}};
    http_server_accept(side->server, side->loop, side->fd, &peer);
}

static void head(struct http_exchange *x, void *arg) {
    (void)arg;
    http_exchange_continue(x, 100);
}

static void body_echo(struct http_exchange *x, void *arg) {
    (void)arg;
    struct http_response r = {.status = 200};
    buf_add_str(&r.body, http_exchange_body(x));
    http_exchange_respond(x, &r);
}

static void body_slow(struct http_exchange *x, void *arg) {
    struct slow *slow = arg;
    slow->x = x;
    atomic_store(&slow->asked, 1);
}

static void on_answer(struct post *post) {
    struct slow *slow = LIST_OWNER(post, struct slow, post);
    struct http_response r = {.status = 200};
    buf_add_z(&r.body, "at last");
    http_exchange_respond(slow->x, &r);
}

/* Blocking: send, and read until `want` has come or the connection ends. */
static void talk(int fd, const char *text, const char *want) {
    char got[4096] = {0};
    size_t n = 0;
    if (*text) assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    while (!want[0] || !strstr(got, want)) {
        ssize_t r = read(fd, got + n, sizeof(got) - 1 - n);
        if (r <= 0) break;
        n += (size_t)r;
    }
    assert_non_null(strstr(got, want));
}

static int connect_to(struct side *side, struct http_server *server) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    side->server = server;
    side->fd = fds[0];
    side->post.fn = on_accept;
    loop_post(side->loop, &side->post);
    return fds[1];
}

static void on_stopped(void *arg) {
    loop_stop(arg);
}

static void test_two_loops(void **state) {
    (void)state;
    struct side sides[2] = {0};
    struct slow slow = {0};
    struct loop *own, *loops[2];
    const struct http_route routes[] = {{HTTP_BIT(HTTP_POST), STR("/echo"), false, head, body_echo, NULL, NULL},
                                        {HTTP_BIT(HTTP_GET), STR("/slow"), false, head, body_slow, NULL, &slow}};
    struct metrics metrics = {0};
    struct http_budget *budget = http_budget_new(10, 10, 1000);
    assert_int_equal(loop_new(&own), STATUS_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(loop_new(&sides[i].loop), STATUS_OK);
        loops[i] = sides[i].loop;
        assert_int_equal(pthread_create(&sides[i].thread, NULL, run, &sides[i]), 0);
    }
    struct http_server *server = http_server_new(&(struct http_server_options){.name = "test",
                                                                               .routes = routes,
                                                                               .route_count = 2,
                                                                               .loops = loops,
                                                                               .loop_count = 2,
                                                                               .limits = http_limits_default(),
                                                                               .budget = budget,
                                                                               .metrics = &metrics});
    int a = connect_to(&sides[0], server), b = connect_to(&sides[1], server);
    for (int i = 0; i < 50; i++) {
        talk(a, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nfirst", "first");
        talk(b, "POST /echo HTTP/1.1\r\n" H "Content-Length: 6\r\n\r\nsecond", "second");
    }
    assert_int_equal(write(b, "GET /slow HTTP/1.1\r\n" H "\r\n", 31), 31);
    while (!atomic_load(&slow.asked)) usleep(1000);
    http_server_stop(server, own, on_stopped, own);
    talk(a, "", ""); /* idle: closed */
    slow.post.fn = on_answer;
    loop_post(sides[1].loop, &slow.post);
    talk(b, "", "at last");
    close(a);
    close(b);
    loop_run(own);
    assert_int_equal(metrics.value[METRIC_HTTP_CONNECTIONS], 0);
    http_server_free(&server);
    for (int i = 0; i < 2; i++) {
        loop_stop(sides[i].loop);
        pthread_join(sides[i].thread, NULL);
        loop_free(&sides[i].loop);
    }
    loop_free(&own);
    http_budget_free(&budget);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_loops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
