/* test_http_client.c - the HTTP client against a web server of our own on loopback that does whatever the path says, and names of
 * our own: this file answers the resolver's questions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include "net/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- names: the first label says it ---- */
struct resolver_query {
    struct timer timer;
    struct dns_question question;
    char name[64];
    resolver_answer_fn fn;
    void *arg;
};
static unsigned asked;

/* local, rebind: 127.0.0.1; six: ::1; both: both; mapped: ::ffff:127.0.0.1; gone: NXDOMAIN; broken: SERVFAIL; silent: no answer;
 * others: no address. */
static void answer_now(void *arg) {
    struct resolver_query *q = arg;
    struct dns_record records[2] = {0};
    struct dns_answer answer = {.type = q->question.type, .records = records, .ttl = 0};
    struct str label = str_sub(str_from_z(q->name), 0, str_find(str_from_z(q->name), '.'));
    bool is_a = q->question.type == DNS_A;
    if (str_eq(label, STR("gone"))) answer.status = STATUS_NOT_FOUND;
    if (str_eq(label, STR("broken"))) answer.status = STATUS_TEMPORARY;
    bool has_a = str_eq(label, STR("local")) || str_eq(label, STR("both")) || str_eq(label, STR("rebind"));
    if (is_a && has_a) {
        memcpy(records[0].address, "\x7f\x00\x00\x01", 4);
        answer.count = 1;
    }
    if (!is_a && (str_eq(label, STR("six")) || str_eq(label, STR("both")))) {
        records[0].address[15] = 1;
        answer.count = 1;
    }
    if (!is_a && str_eq(label, STR("mapped"))) {
        memcpy(records[0].address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\x00\x00\x01", 16);
        answer.count = 1;
    }
    resolver_answer_fn fn = q->fn;
    void *fn_arg = q->arg;
    timer_fini(&q->timer);
    if (!str_eq(label, STR("silent"))) fn(fn_arg, &answer);
    free(q);
}

struct resolver_query *resolver_ask(struct resolver *r, struct loop *loop, struct dns_question question, resolver_answer_fn fn,
                                    void *arg) {
    (void)r;
    struct resolver_query *q = calloc(1, sizeof *q);
    q->question = question;
    snprintf(q->name, sizeof q->name, "%.*s", STR_ARG(question.name));
    q->fn = fn;
    q->arg = arg;
    timer_init(&q->timer, loop, answer_now, q);
    timer_start(&q->timer, strncmp(q->name, "silent", 6) == 0 ? 3600000 : 1);
    asked++;
    return q;
}

void resolver_cancel(struct resolver_query **q) {
    if (!*q) return;
    timer_fini(&(*q)->timer);
    free(*q);
    *q = NULL;
}

/* ---- the web server ---- */
struct world;
struct visitor {
    struct list node;
    struct world *world;
    struct stream *stream;
    struct timer drip;
    size_t dripped;
};
struct world {
    struct loop *loop;
    struct listener *listener;
    struct tls_context *tls; /* the server's; NULL: http */
    struct http_client *client;
    struct list visitors;
    size_t accepted, requests, open, open_most;
    struct buf last; /* the last request */
    uint16_t port;
    char ca_folder[32], ca[64], key[64];
    uint16_t own_port; /* of ours; 0: none */
};

static void visitor_free(struct visitor *v) {
    v->world->open--;
    list_remove(&v->node);
    timer_fini(&v->drip);
    stream_free(&v->stream);
    free(v);
}

static void on_drip(void *arg) {
    struct visitor *v = arg;
    stream_write(v->stream, STR("x"));
    timer_start(&v->drip, 20);
}

static void say(struct visitor *v, const char *text) {
    stream_write(v->stream, str_from_z(text));
}

static void say_big(struct visitor *v, size_t n) {
    BUF_AUTO body = {0};
    buf_addf(&body, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
    size_t head = body.n;
    memset(buf_reserve(&body, n), 'b', n);
    buf_grew(&body, n);
    assert_int_equal(body.n, head + n);
    stream_write(v->stream, buf_str(&body));
}

static void say_interim_flood(struct visitor *v) {
    BUF_AUTO flood = {0};
    for (int i = 0; i < 2000; i++) buf_add_z(&flood, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
    stream_write(v->stream, buf_str(&flood));
}

static void say_long_head(struct visitor *v) {
    BUF_AUTO head = {0};
    buf_add_z(&head, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 1000; i++) buf_addf(&head, "X-%d: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", i);
    buf_add_z(&head, "\r\n");
    stream_write(v->stream, buf_str(&head));
}

static void answer_path(struct visitor *v, struct str path) {
    if (str_eq(path, STR("/ok")))
        say(v, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello");
    else if (str_eq(path, STR("/moved")))
        say(v, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/secret\r\nContent-Length: 0\r\n\r\n");
    else if (str_eq(path, STR("/busy")))
        say(v, "HTTP/1.1 429 Slow down\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n");
    else if (str_eq(path, STR("/busy-for-ever")))
        say(v, "HTTP/1.1 503 No\r\nRetry-After: 1000000000000\r\nContent-Length: 0\r\n\r\n");
    else if (str_eq(path, STR("/busy-before")))
        say(v, "HTTP/1.1 503 No\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n");
    else if (str_eq(path, STR("/big")))
        say_big(v, 10u << 20);
    else if (str_eq(path, STR("/page")))
        say_big(v, 9000);
    else if (str_eq(path, STR("/interim")))
        say_interim_flood(v);
    else if (str_eq(path, STR("/long-head")))
        say_long_head(v);
    else if (str_eq(path, STR("/drip"))) {
        say(v, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        on_drip(v);
    } else if (str_eq(path, STR("/drip-head"))) {
        say(v, "HTTP/1.1 200 OK\r\nX-A: ");
        on_drip(v);
    } else if (str_eq(path, STR("/early-end"))) {
        say(v, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        stream_finish(v->stream);
    } else if (str_eq(path, STR("/nonsense")))
        say(v, "220 mail.example ESMTP\r\n250 ok\r\n");
    else if (str_eq(path, STR("/hangup")))
        stream_finish(v->stream);
    /* /silent: nothing */
}

static void on_request(void *arg) {
    struct visitor *v = arg;
    struct buf *in = stream_in(v->stream);
    size_t end = str_find_str(buf_str(in), STR("\r\n\r\n"));
    if (end == STR_NONE) return;
    struct str head = str_sub(buf_str(in), 0, end + 4), rest = head, method, path = {0};
    size_t length_at = str_find_str(head, STR("Content-Length: "));
    uint64_t length = 0;
    if (length_at != STR_NONE) {
        struct str number = str_sub(head, length_at + 16, SIZE_MAX), line;
        assert_true(str_next(&number, '\r', &line) && str_to_u64(line, &length));
    }
    if (in->n < head.n + length) return;
    v->world->requests++;
    buf_reset(&v->world->last);
    buf_add(&v->world->last, in->p, head.n + length);
    assert_true(str_next(&rest, ' ', &method) && str_next(&rest, ' ', &path));
    answer_path(v, path);
    buf_drop(in, head.n + length);
}

static void on_end(void *arg, enum status status) {
    (void)status;
    visitor_free(arg);
}

static void on_shaken(void *arg, enum status status) {
    if (status != STATUS_OK) visitor_free(arg);
}

static const struct stream_events visitor_events = {.on_read = on_request, .on_close = on_end, .on_tls = on_shaken};

static void on_visit(void *arg, struct loop *loop, int fd, const struct net_address *peer) {
    struct world *w = arg;
    struct visitor *v = calloc(1, sizeof *v);
    v->world = w;
    list_add_tail(&w->visitors, &v->node);
    v->stream = stream_accept(loop, fd, peer, &visitor_events, v);
    timer_init(&v->drip, loop, on_drip, v);
    w->accepted++;
    if (++w->open > w->open_most) w->open_most = w->open;
    if (w->tls) assert_int_equal(stream_start_tls(v->stream, w->tls, NULL, 5000), STATUS_OK);
}

static void make_ca(struct world *w, const char *hostname) {
    snprintf(w->ca_folder, sizeof w->ca_folder, "/tmp/test-http-XXXXXX");
    assert_non_null(mkdtemp(w->ca_folder));
    snprintf(w->ca, sizeof w->ca, "%s/cert.pem", w->ca_folder);
    snprintf(w->key, sizeof w->key, "%s/key.pem", w->ca_folder);
    assert_int_equal(tls_self_signed(hostname, w->ca, w->key), STATUS_OK);
}

static void remove_ca(struct world *w) {
    unlink(w->ca);
    unlink(w->key);
    rmdir(w->ca_folder);
}

static bool is_ours(void *arg, const struct net_address *to) {
    return to->port == ((struct world *)arg)->own_port;
}

enum trust { PLAIN, TRUSTED, UNTRUSTED };
static void open_world(struct world *w, enum trust trust, size_t in_flight_max, size_t per_host_max) {
    *w = (struct world){0};
    list_init(&w->visitors);
    assert_int_equal(loop_new(&w->loop), STATUS_OK);
    struct net_address any;
    assert_int_equal(net_address_parse(STR("127.0.0.1:0"), &any), STATUS_OK);
    struct listener_options listener = {.address = &any, .loops = &w->loop, .loop_count = 1, .accept = on_visit, .arg = w};
    assert_int_equal(listener_open(&listener, &w->listener), STATUS_OK);
    w->port = listener_address(w->listener)->port;
    make_ca(w, "local.test");
    BUF_AUTO why = {0};
    if (trust != PLAIN) assert_int_equal(tls_context_new_server(w->ca, w->key, &w->tls, &why), STATUS_OK);
    struct http_client_options options = {
        .loop = w->loop,
        .ca_file = trust == TRUSTED ? w->ca : NULL,
        .user_agent = "Posthorn",
        .in_flight_max = in_flight_max,
        .per_host_max = per_host_max,
        .is_ours = is_ours,
        .ours_arg = w,
    };
    assert_int_equal(http_client_new(&options, &w->client), STATUS_OK);
    remove_ca(w);
}

static void close_world(struct world *w) {
    http_client_free(&w->client);
    while (!list_is_empty(&w->visitors)) visitor_free(LIST_OWNER(w->visitors.next, struct visitor, node));
    listener_close(&w->listener);
    if (w->tls) tls_context_unref(&w->tls);
    buf_fini(&w->last);
    loop_free(&w->loop);
}

/* ---- one request ---- */
struct reply {
    bool is_in;
    enum status status;
    enum http_client_stage stage;
    unsigned code;
    struct buf body, type, why;
    bool is_cut, is_reused;
    int64_t retry_after_s, sent_ms, first_byte_ms, total_ms;
    struct net_address remote;
};

static void on_reply(void *arg, const struct http_client_result *r) {
    struct reply *reply = arg;
    assert_false(reply->is_in); /* once */
    reply->is_in = true;
    reply->status = r->status;
    reply->stage = r->stage;
    reply->code = r->code;
    buf_add_str(&reply->body, r->body);
    buf_add_str(&reply->type, r->content_type);
    buf_add_str(&reply->why, r->why);
    reply->is_cut = r->is_cut;
    reply->is_reused = r->is_reused;
    reply->retry_after_s = r->retry_after_s;
    reply->sent_ms = r->sent_ms;
    reply->first_byte_ms = r->first_byte_ms;
    reply->total_ms = r->total_ms;
    reply->remote = r->remote;
}

static void reply_fini(struct reply *r) {
    buf_fini(&r->body);
    buf_fini(&r->type);
    buf_fini(&r->why);
}
#define REPLY_AUTO __attribute__((cleanup(reply_fini))) struct reply

static struct http_client_request request_to(const struct world *w, const char *host, const char *path, char ret_url[128]) {
    snprintf(ret_url, 128, "%s://%s:%u%s", w->tls ? "https" : "http", host, w->port, path);
    return (struct http_client_request){
        .url = str_from_z(ret_url), .timeout_ms = 5000, .body_max = 4096, .allow_http = true, .allow_private = true};
}

static void run_request(struct world *w, const struct http_client_request *request, struct reply *reply) {
    struct http_client_call *call = http_client_start(w->client, request, on_reply, reply);
    assert_non_null(call);
    assert_false(reply->is_in); /* never inside the call */
    run_until(w->loop, &reply->is_in, 20000);
    assert_true(reply->is_in);
    assert_int_equal(http_client_count(w->client), 0);
}

static void get(struct world *w, const char *host, const char *path, struct reply *reply) {
    char url[128];
    struct http_client_request request = request_to(w, host, path, url);
    run_request(w, &request, reply);
}

/* ---- the tests ---- */
static void test_an_answer_with_all_that_is_told_of_it(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    REPLY_AUTO r = {0};
    get(&w, "local.test", "/ok", &r);
    assert_int_equal(r.status, STATUS_OK);
    assert_int_equal(r.stage, HTTP_CLIENT_DONE);
    assert_int_equal(r.code, 200);
    assert_true(str_eq(buf_str(&r.body), STR("hello")));
    assert_true(str_eq(buf_str(&r.type), STR("text/plain; charset=utf-8")));
    assert_int_equal(r.why.n, 0);
    assert_int_equal(r.remote.port, w.port);
    assert_true(net_address_is_loopback(&r.remote));
    assert_true(r.sent_ms >= 0 && r.first_byte_ms >= r.sent_ms && r.total_ms >= r.first_byte_ms);
    assert_false(r.is_reused);
    struct str request = buf_str(&w.last);
    assert_true(str_starts(request, STR("GET /ok HTTP/1.1\r\n")));
    assert_true(str_find_str(request, STR("User-Agent: Posthorn\r\n")) != STR_NONE);
    assert_true(str_find_str(request, STR("Host: local.test:")) != STR_NONE);
    close_world(&w);
}

static void test_a_post_with_headers_is_sent_as_given(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    REPLY_AUTO r = {0};
    char url[128];
    struct http_client_request request = request_to(&w, "local.test", "/ok", url);
    struct http_client_header headers[] = {{STR("Content-Type"), STR("application/json")}, {STR("webhook-id"), STR("")}};
    request.is_post = true;
    request.body = str_make("{\"a\":\0 1}", 9); /* bytes, not text */
    request.headers = headers;
    request.header_count = 2;
    run_request(&w, &request, &r);
    assert_int_equal(r.code, 200);
    struct str got = buf_str(&w.last);
    assert_true(str_starts(got, STR("POST /ok HTTP/1.1\r\n")));
    assert_true(str_find_str(got, STR("\r\nContent-Type: application/json\r\n")) != STR_NONE);
    assert_true(str_find_str(got, STR("\r\nwebhook-id:\r\n")) != STR_NONE);
    assert_true(str_find_str(got, STR("Expect")) == STR_NONE);
    assert_true(str_ends(got, request.body));
    close_world(&w);
}

static void test_headers_cannot_be_injected(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    static const struct http_client_header bad[] = {{STR_INIT("X"), STR_INIT("a\r\nY: b")},
                                                    {STR_INIT("X: a\r\nY"), STR_INIT("b")},
                                                    {STR_INIT(""), STR_INIT("b")},
                                                    {STR_INIT("X"), STR_INIT("a\0b")}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REPLY_AUTO r = {0};
        char url[128];
        struct http_client_request request = request_to(&w, "local.test", "/ok", url);
        request.headers = &bad[i];
        request.header_count = 1;
        run_request(&w, &request, &r);
        assert_int_equal(r.status, STATUS_INVALID);
    }
    assert_int_equal(w.accepted, 0);
    close_world(&w);
}

static void test_WH16_a_redirect_is_an_answer(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    REPLY_AUTO r = {0};
    get(&w, "local.test", "/moved", &r);
    assert_int_equal(r.status, STATUS_OK);
    assert_int_equal(r.code, 302);
    assert_int_equal(w.requests, 1);
    close_world(&w);
}

static void test_WH26_retry_after_is_bounded(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    static const struct {
        const char *path;
        int64_t seconds;
    } cases[] = {{"/ok", 0}, {"/busy", 120}, {"/busy-for-ever", HTTP_CLIENT_WAIT_MAX_S}, {"/busy-before", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = {0};
        get(&w, "local.test", cases[i].path, &r);
        assert_int_equal(r.status, STATUS_OK);
        assert_int_equal(r.retry_after_s, cases[i].seconds);
    }
    close_world(&w);
}

static void test_WH20_a_large_body_is_cut_and_the_head_of_it_kept(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    REPLY_AUTO big = {0};
    get(&w, "local.test", "/big", &big);
    assert_int_equal(big.status, STATUS_OK);
    assert_int_equal(big.code, 200);
    assert_int_equal(big.body.n, 4096);
    assert_true(big.is_cut);
    REPLY_AUTO page = {0}, next = {0};
    get(&w, "local.test", "/page", &page);
    assert_int_equal(page.body.n, 4096);
    assert_true(page.is_cut);
    get(&w, "local.test", "/ok", &next); /* a little more than wanted does not cost the connection */
    assert_true(next.is_reused);
    assert_int_equal(w.accepted, 2);
    close_world(&w);
}

static void test_WH20_what_never_ends_is_ended(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    static const struct {
        const char *path;
        enum status status;
        enum http_client_stage stage;
        unsigned code;
    } cases[] = {
        {"/drip", STATUS_TIMEOUT, HTTP_CLIENT_BODY, 200},       {"/drip-head", STATUS_TIMEOUT, HTTP_CLIENT_ANSWER, 0},
        {"/silent", STATUS_TIMEOUT, HTTP_CLIENT_ANSWER, 0},     {"/interim", STATUS_LIMIT, HTTP_CLIENT_ANSWER, 0},
        {"/long-head", STATUS_LIMIT, HTTP_CLIENT_ANSWER, 0},    {"/early-end", STATUS_TEMPORARY, HTTP_CLIENT_BODY, 200},
        {"/nonsense", STATUS_TEMPORARY, HTTP_CLIENT_ANSWER, 0}, {"/hangup", STATUS_TEMPORARY, HTTP_CLIENT_ANSWER, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = {0};
        char url[128];
        struct http_client_request request = request_to(&w, "local.test", cases[i].path, url);
        request.timeout_ms = 300;
        run_request(&w, &request, &r);
        if (r.status != cases[i].status || r.stage != cases[i].stage)
            print_error("%s: status %d stage %d why %s\n", cases[i].path, r.status, r.stage, r.why.p);
        assert_int_equal(r.status, cases[i].status);
        assert_int_equal(r.stage, cases[i].stage);
        if (cases[i].code) assert_int_equal(r.code, cases[i].code);
        assert_true(r.why.n > 0);
        assert_true(r.total_ms < 3000);
    }
    close_world(&w);
}

static void test_WH04_WH09_WH13_private_addresses_are_not_called(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    static const char *const hosts[] = {
        "127.0.0.1",         "127.1",         "2130706433", "0x7f000001", "[::1]",       "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]", "[::127.0.0.1]", "0.0.0.0",    "local.test", "mapped.test", "169.254.169.254"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        REPLY_AUTO r = {0};
        char url[128];
        struct http_client_request request = request_to(&w, hosts[i], "/ok", url);
        request.allow_private = false;
        run_request(&w, &request, &r);
        if (r.status != STATUS_DENIED) print_error("%s: %d %s\n", hosts[i], r.status, r.why.p);
        assert_int_equal(r.status, STATUS_DENIED);
        assert_int_equal(r.stage, HTTP_CLIENT_ADDRESS);
    }
    assert_int_equal(w.accepted, 0);
    close_world(&w);
}

/* Somebody who may call private addresses left a connection behind: it is not for others, whatever the name. */
static void test_WH14_a_kept_connection_is_judged_too(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    REPLY_AUTO mine = {0}, theirs = {0};
    get(&w, "rebind.test", "/ok", &mine);
    assert_int_equal(mine.code, 200);
    char url[128];
    struct http_client_request request = request_to(&w, "rebind.test", "/ok", url);
    request.allow_private = false;
    run_request(&w, &request, &theirs);
    assert_int_equal(theirs.status, STATUS_DENIED);
    assert_int_equal(w.requests, 1);
    close_world(&w);
}

static void test_names_that_lead_nowhere(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    static const struct {
        const char *host;
        enum status status;
        enum http_client_stage stage;
    } cases[] = {
        {"gone.test", STATUS_NOT_FOUND, HTTP_CLIENT_NAME},   {"empty.test", STATUS_NOT_FOUND, HTTP_CLIENT_NAME},
        {"broken.test", STATUS_TEMPORARY, HTTP_CLIENT_NAME}, {"silent.test", STATUS_TIMEOUT, HTTP_CLIENT_NAME},
        {"a@local.test", STATUS_INVALID, HTTP_CLIENT_URL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = {0};
        char url[128];
        struct http_client_request request = request_to(&w, cases[i].host, "/ok", url);
        request.timeout_ms = 200;
        run_request(&w, &request, &r);
        assert_int_equal(r.status, cases[i].status);
        assert_int_equal(r.stage, cases[i].stage);
    }
    close_world(&w);
}

static void test_WH18_other_schemes_and_http_when_not_allowed(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    static const char *const urls[] = {"file:///etc/passwd", "gopher://local.test/", "ftp://local.test/x", "unix:/run/x",
                                       "//local.test/"};
    struct http_client_request request = {.timeout_ms = 1000, .allow_http = true, .allow_private = true};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        REPLY_AUTO r = {0};
        request.url = str_from_z(urls[i]);
        run_request(&w, &request, &r);
        assert_int_equal(r.status, STATUS_INVALID);
    }
    REPLY_AUTO r = {0};
    char url[128];
    request = request_to(&w, "local.test", "/ok", url);
    request.allow_http = false;
    run_request(&w, &request, &r);
    assert_int_equal(r.status, STATUS_DENIED);
    assert_int_equal(w.accepted, 0);
    close_world(&w);
}

static void test_connection_refused(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    listener_close(&w.listener);
    REPLY_AUTO r = {0};
    get(&w, "local.test", "/ok", &r);
    assert_int_equal(r.status, STATUS_TEMPORARY);
    assert_int_equal(r.stage, HTTP_CLIENT_CONNECT);
    close_world(&w);
}

static void test_the_next_address_is_tried(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    REPLY_AUTO both = {0}, six = {0};
    get(&w, "both.test", "/ok", &both); /* nobody listens on ::1 */
    assert_int_equal(both.code, 200);
    assert_int_equal(both.remote.family, 4);
    get(&w, "six.test", "/ok", &six);
    assert_int_equal(six.status, STATUS_TEMPORARY);
    assert_int_equal(six.stage, HTTP_CLIENT_CONNECT);
    close_world(&w);
}

static void test_WH24_proxies_of_the_environment_are_ignored(void **state) {
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    REPLY_AUTO r = {0};
    get(&w, "local.test", "/ok", &r);
    assert_int_equal(r.code, 200);
    close_world(&w);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

static void test_WH22_certificates(void **state) {
    (void)state;
    static const struct {
        enum trust trust;
        const char *host;
        enum status status;
        enum http_client_stage stage;
    } cases[] = {
        {TRUSTED, "local.test", STATUS_OK, HTTP_CLIENT_DONE},
        {TRUSTED, "127.0.0.1", STATUS_OK, HTTP_CLIENT_DONE},
        {TRUSTED, "rebind.test", STATUS_TEMPORARY, HTTP_CLIENT_CERTIFICATE}, /* another name */
        {UNTRUSTED, "local.test", STATUS_TEMPORARY, HTTP_CLIENT_CERTIFICATE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w;
        open_world(&w, cases[i].trust, 0, 0);
        REPLY_AUTO r = {0};
        get(&w, cases[i].host, "/ok", &r);
        if (r.status != cases[i].status) print_error("%zu: %d %d %s\n", i, r.status, r.stage, r.why.p);
        assert_int_equal(r.status, cases[i].status);
        assert_int_equal(r.stage, cases[i].stage);
        assert_int_equal(w.requests, r.status == STATUS_OK);
        close_world(&w);
    }
}

/* https to a server that speaks plain: the handshake fails. */
static void test_WH22_no_tls_there(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    char url[128];
    struct http_client_request request = request_to(&w, "local.test", "/ok", url);
    snprintf(url, sizeof url, "https://local.test:%u/ok", w.port);
    request.url = str_from_z(url);
    request.timeout_ms = 300;
    REPLY_AUTO r = {0};
    run_request(&w, &request, &r);
    assert_true(r.status == STATUS_TIMEOUT || r.status == STATUS_TEMPORARY);
    assert_int_equal(r.stage, HTTP_CLIENT_TLS);
    close_world(&w);
}

static void test_connections_are_kept(void **state) {
    (void)state;
    struct world w;
    open_world(&w, TRUSTED, 0, 0);
    for (int i = 0; i < 5; i++) {
        REPLY_AUTO r = {0};
        get(&w, "local.test", "/ok", &r);
        assert_int_equal(r.code, 200);
        assert_int_equal(r.is_reused, i > 0);
    }
    assert_int_equal(w.accepted, 1);
    assert_true(asked > 0);
    close_world(&w);
}

/* Cancelled while looking up, waiting for a place, connecting, and while the answer comes: nothing is told, nothing leaks. */
static void test_cancel_in_every_phase(void **state) {
    (void)state;
    static const struct {
        const char *host, *path;
        int64_t after_ms;
    } cases[] = {{"silent.test", "/ok", 0},     {"silent.test", "/ok", 30},  {"local.test", "/ok", 0},  {"local.test", "/ok", 2},
                 {"local.test", "/silent", 30}, {"local.test", "/drip", 50}, {"a@local.test", "/ok", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w;
        open_world(&w, PLAIN, 1, 1);
        bool never = false;
        struct reply r[2] = {0};
        char url[128];
        struct http_client_request request = request_to(&w, cases[i].host, cases[i].path, url);
        struct http_client_call *first = http_client_start(w.client, &request, on_reply, &r[0]);
        struct http_client_call *second = http_client_start(w.client, &request, on_reply, &r[1]); /* waits for a place */
        if (cases[i].after_ms) run_until(w.loop, &never, cases[i].after_ms);
        if (!r[1].is_in) http_client_cancel(&second);
        if (!r[0].is_in) http_client_cancel(&first);
        assert_int_equal(http_client_count(w.client), 0);
        bool was_in = r[0].is_in;
        run_until(w.loop, &never, 30);
        assert_int_equal(r[0].is_in, was_in);
        REPLY_AUTO after = {0};
        get(&w, "local.test", "/ok", &after); /* its place is free again */
        assert_int_equal(after.code, 200);
        for (size_t k = 0; k < 2; k++) reply_fini(&r[k]);
        close_world(&w);
    }
}

static void test_closing_with_calls_in_every_phase(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 2, 2);
    struct reply r[6] = {0};
    static const char *const hosts[] = {"local.test", "local.test", "local.test", "silent.test", "a@b.test", "gone.test"};
    static const char *const paths[] = {"/drip", "/silent", "/ok", "/ok", "/ok", "/ok"};
    for (size_t i = 0; i < 6; i++) {
        char url[128];
        struct http_client_request request = request_to(&w, hosts[i], paths[i], url);
        assert_non_null(http_client_start(w.client, &request, on_reply, &r[i]));
    }
    bool never = false;
    run_until(w.loop, &never, 50);
    close_world(&w);
    for (size_t i = 0; i < 6; i++) reply_fini(&r[i]);
}

struct crowd {
    size_t done, good;
    bool is_all_in;
    size_t want;
};

static void on_one_of_many(void *arg, const struct http_client_result *r) {
    struct crowd *crowd = arg;
    crowd->good += http_client_is_success(r);
    crowd->is_all_in = ++crowd->done == crowd->want;
}

static void test_a_thousand_in_parallel_stay_in_bounds(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 100, 20);
    struct crowd crowd = {.want = 1000};
    for (size_t i = 0; i < crowd.want; i++) {
        char url[128], host[32];
        snprintf(host, sizeof host, "local.h%zu.test", i % 50);
        struct http_client_request request = request_to(&w, host, "/ok", url);
        request.timeout_ms = 60000;
        http_client_start(w.client, &request, on_one_of_many, &crowd);
    }
    run_until(w.loop, &crowd.is_all_in, 60000);
    assert_int_equal(crowd.done, 1000);
    assert_int_equal(crowd.good, 1000);
    assert_int_equal(w.requests, 1000);
    assert_true(w.accepted < 1000); /* kept connections */
    assert_int_equal(http_client_count(w.client), 0);
    close_world(&w);
}

/* WH26, P6: a host that never answers is flooded; another one's call goes through at once. */
static void test_WH26_a_slow_host_does_not_stop_others(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 16, 8);
    struct crowd crowd = {.want = 300};
    for (size_t i = 0; i < crowd.want; i++) {
        char url[128], host[32];
        snprintf(host, sizeof host, "local.slow%zu.test", i % 3);
        struct http_client_request request = request_to(&w, host, "/silent", url);
        http_client_start(w.client, &request, on_one_of_many, &crowd);
    }
    bool never = false;
    run_until(w.loop, &never, 100);
    assert_true(w.open_most <= 15); /* something is left */
    struct reply r = {0};
    char url[128];
    struct http_client_request request = request_to(&w, "local.quick.test", "/ok", url);
    http_client_start(w.client, &request, on_reply, &r);
    run_until(w.loop, &r.is_in, 2000);
    assert_int_equal(r.code, 200);
    reply_fini(&r);
    close_world(&w);
}

/* P6: of a host's places, one account may have half of what others left, however much it asks for. */
static void test_WH26_accounts_share_a_host(void **state) {
    (void)state;
    struct world w;
    open_world(&w, PLAIN, 71, 20); /* a host has 8 of these, as long as it is alone */
    struct crowd crowd = {.want = 300};
    char url[128];
    for (size_t i = 0; i < crowd.want; i++) {
        struct http_client_request request = request_to(&w, "local.many.test", "/silent", url);
        request.lane = i < 250 ? 1 : 2;
        http_client_start(w.client, &request, on_one_of_many, &crowd);
    }
    bool never = false;
    run_until(w.loop, &never, 100);
    assert_true(w.open_most == 4 + 2);
    struct reply r = {0};
    struct http_client_request request = request_to(&w, "local.many.test", "/ok", url);
    request.lane = 3;
    http_client_start(w.client, &request, on_reply, &r);
    run_until(w.loop, &r.is_in, 2000);
    assert_int_equal(r.code, 200);
    reply_fini(&r);
    close_world(&w);
}

/* WH23: our own doors, whatever a request allows; by a name or by an address. */
static void test_WH23_our_own_doors_are_not_called(void **state) {
    (void)state;
    static const char *const hosts[] = {"local.test", "127.0.0.1", "localhost", "127.1"};
    struct world w;
    open_world(&w, PLAIN, 0, 0);
    w.own_port = w.port;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        REPLY_AUTO r = {0};
        get(&w, hosts[i], "/ok", &r);
        assert_true(r.status == STATUS_DENIED || (i == 2 && r.status == STATUS_NOT_FOUND));
    }
    assert_int_equal(w.accepted, 0);
    w.own_port = 0;
    REPLY_AUTO fine = {0};
    get(&w, "local.test", "/ok", &fine);
    assert_int_equal(fine.code, 200);
    w.own_port = w.port; /* the kept connection is judged too */
    REPLY_AUTO kept = {0};
    get(&w, "local.test", "/ok", &kept);
    assert_int_equal(kept.status, STATUS_DENIED);
    assert_int_equal(w.requests, 1);
    close_world(&w);
}

static bool is_ours_from_now_on(void *arg, const struct net_address *to) {
    (void)to;
    return ++*(int *)arg > 1;
}

/* WH24: what may be reached no more when the proxy is asked for it is not asked for, by name neither. */
static void test_WH24_a_proxy_is_asked_for_nothing_that_was_not_judged(void **state) {
    (void)state;
    struct world w;
    int looks = 0;
    open_world(&w, PLAIN, 0, 0);
    http_client_free(&w.client);
    struct http_client_options options = {.loop = w.loop, .is_ours = is_ours_from_now_on, .ours_arg = &looks};
    options.proxy = *listener_address(w.listener);
    assert_int_equal(http_client_new(&options, &w.client), STATUS_OK);
    REPLY_AUTO r = {0};
    get(&w, "local.test", "/ok", &r);
    assert_int_not_equal(r.status, STATUS_OK);
    assert_true(looks > 1);
    assert_int_equal(w.accepted, 0);
    close_world(&w);
}

struct turn {
    size_t *served, at;
    int64_t begun_ms;
    bool is_in;
};

static void on_turn(void *arg, const struct http_client_result *r) {
    struct turn *turn = arg;
    turn->begun_ms = r->begun_ms;
    turn->at = ++*turn->served;
    turn->is_in = true;
}

/* P6: whoever waits for a place has it before those who came later, however many of them there are. */
static void test_hosts_wait_in_order(void **state) {
    (void)state;
    struct world w;
    size_t served = 0;
    struct turn turns[12] = {{0}};
    open_world(&w, PLAIN, 1, 1);
    for (size_t i = 0; i < 12; i++) {
        char url[128], host[32];
        snprintf(host, sizeof host, "127.0.0.%zu", i + 1); /* all but the first are refused */
        struct http_client_request request = request_to(&w, host, "/silent", url);
        request.timeout_ms = i ? 60000 : 300;
        turns[i].served = &served;
        http_client_start(w.client, &request, on_turn, &turns[i]);
    }
    run_until(w.loop, &turns[11].is_in, 10000);
    for (size_t i = 0; i < 12; i++) assert_int_equal(turns[i].at, i + 1);
    assert_true(turns[0].begun_ms < turns[1].begun_ms - 100 && turns[11].begun_ms >= turns[1].begun_ms);
    close_world(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_with_all_that_is_told_of_it),
        cmocka_unit_test(test_a_post_with_headers_is_sent_as_given),
        cmocka_unit_test(test_headers_cannot_be_injected),
        cmocka_unit_test(test_WH16_a_redirect_is_an_answer),
        cmocka_unit_test(test_WH26_retry_after_is_bounded),
        cmocka_unit_test(test_WH20_a_large_body_is_cut_and_the_head_of_it_kept),
        cmocka_unit_test(test_WH20_what_never_ends_is_ended),
        cmocka_unit_test(test_WH04_WH09_WH13_private_addresses_are_not_called),
        cmocka_unit_test(test_WH14_a_kept_connection_is_judged_too),
        cmocka_unit_test(test_names_that_lead_nowhere),
        cmocka_unit_test(test_WH18_other_schemes_and_http_when_not_allowed),
        cmocka_unit_test(test_connection_refused),
        cmocka_unit_test(test_the_next_address_is_tried),
        cmocka_unit_test(test_WH24_proxies_of_the_environment_are_ignored),
        cmocka_unit_test(test_WH22_certificates),
        cmocka_unit_test(test_WH22_no_tls_there),
        cmocka_unit_test(test_connections_are_kept),
        cmocka_unit_test(test_cancel_in_every_phase),
        cmocka_unit_test(test_closing_with_calls_in_every_phase),
        cmocka_unit_test(test_a_thousand_in_parallel_stay_in_bounds),
        cmocka_unit_test(test_WH26_a_slow_host_does_not_stop_others),
        cmocka_unit_test(test_WH26_accounts_share_a_host),
        cmocka_unit_test(test_WH23_our_own_doors_are_not_called),
        cmocka_unit_test(test_WH24_a_proxy_is_asked_for_nothing_that_was_not_judged),
        cmocka_unit_test(test_hosts_wait_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
