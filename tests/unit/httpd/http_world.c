/* http_world.c - see http_world.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http_world.h"

#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void respond_text(struct http_exchange *x, int status, struct str text) {
    struct http_response r = {.status = status, .content_type = STR("text/plain")};
    buf_add_str(&r.body, text);
    http_exchange_respond(x, &r);
    assert_null(r.body.p);
}

static void on_end(struct http_exchange *x, void *arg) {
    struct world *w = arg;
    if (w->waiting == x) w->waiting = NULL;
    w->ends++;
}

static void head_continue(struct http_exchange *x, void *arg) {
    struct world *w = arg;
    w->heads++;
    http_exchange_continue(x, 1 << 20);
}

static void head_large(struct http_exchange *x, void *arg) {
    ((struct world *)arg)->heads++;
    http_exchange_continue(x, 16 << 20);
}

static void head_deny(struct http_exchange *x, void *arg) {
    struct world *w = arg;
    w->heads++;
    respond_text(x, 401, STR("no"));
}

static void head_wait(struct http_exchange *x, void *arg) {
    struct world *w = arg;
    w->heads++;
    w->waiting = x;
}

static void body_count(struct http_exchange *x, void *arg) {
    struct http_response r = {.status = 200, .content_type = STR("text/plain")};
    ((struct world *)arg)->bodies++;
    buf_addf(&r.body, "<%zu bytes>", http_exchange_body(x).n);
    http_exchange_respond(x, &r);
}

static void body_echo(struct http_exchange *x, void *arg) {
    struct world *w = arg;
    w->bodies++;
    respond_text(x, 200, http_exchange_body(x));
}

static void body_wait(struct http_exchange *x, void *arg) {
    struct world *w = arg;
    w->bodies++;
    w->waiting = x;
}

static void more_wait(struct http_exchange *x, void *arg) {
    struct world *w = arg;
    w->mores++;
    w->waiting = x;
}

static void body_big(struct http_exchange *x, void *arg) {
    struct world *w = arg;
    uint64_t n = 0;
    w->bodies++;
    assert_true(str_to_u64(http_exchange_request(x)->query, &n));
    struct http_response r = {.status = 200};
    memset(buf_reserve(&r.body, n), 'b', n);
    buf_grew(&r.body, n);
    http_exchange_respond(x, &r);
}

static void body_none(struct http_exchange *x, void *arg) {
    struct world *w = arg;
    w->bodies++;
    respond_text(x, 204, STR("not to be seen"));
}

static void body_who(struct http_exchange *x, void *arg) {
    struct world *w = arg;
    w->bodies++;
    BUF_AUTO b = {0};
    buf_addf(&b, "<%.*s %s>", STR_ARG(http_exchange_client(x)), http_exchange_is_secure(x) ? "https" : "http");
    respond_text(x, 200, buf_str(&b));
}

void world_init(struct world *w) {
    *w = (struct world){0};
    assert_int_equal(loop_new(&w->loop), STATUS_OK);
    w->budget = http_budget_new(100, 50, 64 << 20);
    w->options = (struct http_server_options){.name = "test",
                                              .loops = &w->loop,
                                              .loop_count = 1,
                                              .limits = http_limits_default(),
                                              .budget = w->budget,
                                              .metrics = &w->metrics};
}

void world_serve(struct world *w) {
    const unsigned get = HTTP_BIT(HTTP_GET), post = HTTP_BIT(HTTP_POST);
    const struct http_route routes[] = {
        {get | post, STR("/echo"), false, head_continue, body_echo, on_end, w},
        {post, STR("/deny"), false, head_deny, NULL, on_end, w},
        {post, STR("/late"), false, head_wait, body_echo, on_end, w},
        {post, STR("/large"), false, head_large, body_count, on_end, w},
        {get | post, STR("/slow"), false, head_continue, body_wait, on_end, w},
        {get, STR("/stream"), .head = head_continue, .body = body_wait, .end = on_end, .arg = w, .more = more_wait},
        {get, STR("/big"), false, head_continue, body_big, on_end, w},
        {get, STR("/none"), false, head_continue, body_none, on_end, w},
        {get, STR("/who"), false, head_continue, body_who, on_end, w},
        {get, STR("/tree/"), true, head_continue, body_echo, on_end, w},
        {HTTP_BIT(HTTP_DELETE), STR("/none"), false, head_continue, body_none, on_end, w},
    };
    struct http_route *copy = malloc(sizeof(routes));
    memcpy(copy, routes, sizeof(routes));
    w->options.routes = copy;
    w->options.route_count = sizeof(routes) / sizeof(*routes);
    w->server = http_server_new(&w->options);
}

static void on_guard(void *arg) {
    struct world *w = arg;
    w->is_timed_out = true;
    loop_stop(w->loop);
}

void world_run(struct world *w, int64_t ms, const bool *flag) {
    if (flag && *flag) return;
    w->is_timed_out = false;
    timer_init(&w->guard, w->loop, on_guard, w);
    timer_start(&w->guard, ms);
    while (!w->is_timed_out && !(flag && *flag)) loop_run(w->loop);
    timer_fini(&w->guard);
}

static void on_stopped(void *arg) {
    struct world *w = arg;
    w->is_stopped = true;
    loop_stop(w->loop);
}

void world_fini(struct world *w) {
    if (!w->is_stopped) http_server_stop(w->server, w->loop, on_stopped, w);
    world_run(w, 10000, &w->is_stopped);
    assert_true(w->is_stopped);
    assert_int_equal(w->heads, w->ends);
    assert_int_equal(w->metrics.value[METRIC_HTTP_CONNECTIONS], 0);
    assert_int_equal(w->metrics.value[METRIC_BODY_BYTES], 0);
    http_server_free(&w->server);
    http_budget_free(&w->budget);
    free((void *)(uintptr_t)w->options.routes);
    loop_free(&w->loop);
}

void world_respond(struct world *w, int status, const char *body) {
    assert_non_null(w->waiting);
    respond_text(w->waiting, status, str_from_z(body));
}

static void client_read(void *arg) {
    struct client *c = arg;
    struct buf *in = stream_in(c->stream);
    buf_add_str(&c->got, buf_str(in));
    buf_drop(in, in->n);
    if (!c->want || str_find_str(buf_str(&c->got), str_from_z(c->want)) == STR_NONE) return;
    c->has_wanted = true;
    loop_stop(c->w->loop);
}

static void client_closed(void *arg, enum status status) {
    struct client *c = arg;
    c->is_closed = true;
    c->end = status;
    loop_stop(c->w->loop);
}

static void client_shaken(void *arg, enum status status) {
    struct client *c = arg;
    c->is_secure = status == STATUS_OK;
    loop_stop(c->w->loop);
}

static const struct stream_events client_events = {.on_tls = client_shaken, .on_read = client_read, .on_close = client_closed};

/* Two ends of a TCP connection on loopback: unlike a socket pair it has resets and half-closed states as they are. */
static void tcp_pair(int ret_fds[2]) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, n), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
    assert_int_equal(listen(listener, 1), 0);
    ret_fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(ret_fds[1], (struct sockaddr *)&a, n), 0);
    ret_fds[0] = accept(listener, NULL, NULL);
    assert_true(ret_fds[0] >= 0);
    close(listener);
}

void client_open_from(struct client *c, struct world *w, const char *address) {
    int fds[2];
    struct net_address peer;
    *c = (struct client){.w = w};
    assert_int_equal(net_address_parse(str_from_z(address), &peer), STATUS_OK);
    tcp_pair(fds);
    c->fd = fds[1];
    http_server_accept(w->server, w->loop, fds[0], &peer);
    c->stream = stream_accept(w->loop, fds[1], &peer, &client_events, c);
}

void client_open(struct client *c, struct world *w) {
    client_open_from(c, w, "127.0.0.1:4321");
}

void client_close(struct client *c) {
    stream_free(&c->stream);
    buf_fini(&c->got);
}

void client_send(struct client *c, struct str text) {
    stream_write(c->stream, text);
}

void client_expect(struct client *c, const char *text) {
    c->want = text;
    c->has_wanted = c->got.n && str_find_str(buf_str(&c->got), str_from_z(text)) != STR_NONE;
    for (int i = 0; i < 1000 && !c->has_wanted && !c->is_closed; i++) world_run(c->w, 10, &c->has_wanted);
    c->want = NULL;
    if (!c->has_wanted) fail_msg("\"%s\" did not come, but: %.*s", text, STR_ARG(buf_str(&c->got)));
}

void client_expect_waiting(struct client *c) {
    for (int i = 0; i < 1000 && !c->w->waiting; i++) world_run(c->w, 10, NULL);
    assert_non_null(c->w->waiting);
}

void client_expect_close(struct client *c) {
    world_run(c->w, 15000, &c->is_closed);
    if (!c->is_closed) fail_msg("the connection stays open after: %.*s", STR_ARG(buf_str(&c->got)));
}

struct buf client_talk(struct world *w, struct str text) {
    struct client c;
    client_open(&c, w);
    client_send(&c, text);
    client_expect_close(&c);
    struct buf got = buf_take(&c.got);
    client_close(&c);
    return got;
}

size_t client_count(const struct client *c, const char *needle) {
    size_t n = 0, len = strlen(needle);
    for (struct str rest = buf_str(&c->got);;) {
        size_t at = str_find_str(rest, str_from_z(needle));
        if (at == STR_NONE) return n;
        rest = str_sub(rest, at + len, SIZE_MAX);
        n++;
    }
}
