/* test_http.c - the API behind a real HTTP server, real threads and a real database: what only shows where they meet
 * (decisions 5, 21, 31). Run it under ThreadSanitizer too.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/api.h"
#include "base/log.h"
#include "store/store.h"
#include "store/writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum { PUBLIC, CONTROL, SERVER_COUNT };

struct gateway {
    struct buf folder, url;
    struct writer_options store;
    struct api_options options;
    struct api *api;
    struct loop *loop, *own;
    pthread_t thread;
    struct http_budget *budget;
    struct http_server *servers[SERVER_COUNT];
    _Atomic size_t offered;
    struct post accept;
    int accept_fd, accept_server;
    bool is_stranger; /* no peer of a Unix socket */
    const struct network_list *proxies;
};

static void on_fatal(void *arg, struct str why) {
    (void)arg;
    print_error("store: %.*s\n", STR_ARG(why));
    abort();
}

static void on_offer(void *arg, const struct queue_entry *entries, size_t count) {
    (void)entries;
    ((struct gateway *)arg)->offered += count;
}

static struct executor *make_executor(struct gateway *g, bool is_writer, unsigned threads) {
    struct executor *e;
    struct executor_options o = {.name = "test", .threads = threads, .queue_max = 1000, .arg = &g->store};
    if (is_writer || threads > 1) {
        o.thread_start = is_writer ? writer_start : reader_start;
        o.thread_stop = is_writer ? writer_stop : reader_stop;
        o.batch = is_writer ? writer_batch : reader_batch;
        o.batch_max_jobs = is_writer ? WRITER_BATCH_JOBS : 16;
        o.batch_max_bytes = WRITER_BATCH_BYTES;
    }
    assert_int_equal(executor_new(&o, &e), STATUS_OK);
    return e;
}

struct start_job {
    struct job job;
    struct gateway *g;
};

static enum status run_start(struct job *job, void *ctx) {
    struct gateway *g = LIST_OWNER(job, struct start_job, job)->g;
    return queue_start(ctx, STR("test"), 1, &g->options.owner);
}

static void start_done(struct job *job) {
    loop_stop(LIST_OWNER(job, struct start_job, job)->g->own);
}

static void *run_loop(void *arg) {
    loop_run(arg);
    return NULL;
}

static void serve(struct gateway *g, int which) {
    size_t count;
    const struct http_route *routes = which == PUBLIC ? api_public_routes(g->api, &count) : api_control_routes(g->api, &count);
    g->servers[which] = http_server_new(&(struct http_server_options){
        .name = which == PUBLIC ? "public" : "control",
        .routes = routes,
        .route_count = count,
        .loops = &g->loop,
        .loop_count = 1,
        .limits = http_limits_default(),
        .budget = g->budget,
        .format_error = api_format_error,
        .arg = g->api,
        .proxies = g->proxies,
    });
}

static void on_stopped(void *arg) {
    loop_stop(arg);
}

static void stop(struct gateway *g) {
    for (int i = 0; i < SERVER_COUNT; i++) {
        http_server_stop(g->servers[i], g->own, on_stopped, g->own);
        loop_run(g->own);
        http_server_free(&g->servers[i]);
    }
}

/* With the options as they are now. */
static void serve_anew(struct gateway *g, const struct network_list *proxies) {
    stop(g);
    api_free(&g->api);
    g->api = api_new(&g->options);
    g->proxies = proxies;
    serve(g, PUBLIC);
    serve(g, CONTROL);
}

static int set_up(void **state) {
    struct gateway *g = calloc(1, sizeof *g);
    BUF_AUTO why = {0};
    const char *base = getenv("TMPDIR");
    log_set_level(LOG_ERROR);
    buf_addf(&g->folder, "%s/posthorn-http.XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(g->folder.p));
    buf_addf(&g->url, "sqlite:%s/posthorn.db", g->folder.p);
    assert_int_equal(store_open(buf_str(&g->url), &why), STATUS_OK);
    g->store = (struct writer_options){.url = buf_str(&g->url), .fatal = on_fatal};
    assert_int_equal(loop_new(&g->loop), STATUS_OK);
    assert_int_equal(loop_new(&g->own), STATUS_OK);
    g->options = (struct api_options){
        .writer = make_executor(g, true, 1),
        .readers = make_executor(g, false, 2),
        .searchers = make_executor(g, false, 2),
        .background = make_executor(g, false, 1),
        .slow = make_executor(g, false, 1),
        .clock = clock_system(),
        .rand = rand_system(),
        .hostname = STR("gateway.test"),
        .webhooks = {.own_hosts = {STR("gateway.test")}},
        .is_sandbox = true,
        .queue_offer = on_offer,
        .arg = g,
    };
    struct start_job start = {.job = {.run = run_start, .done = start_done, .loop = g->own}, .g = g};
    assert_int_equal(executor_submit(g->options.writer, &start.job), STATUS_OK);
    loop_run(g->own);
    g->api = api_new(&g->options);
    g->budget = http_budget_new(100, 100, (size_t)100 << 20);
    serve(g, PUBLIC);
    serve(g, CONTROL);
    assert_int_equal(pthread_create(&g->thread, NULL, run_loop, g->loop), 0);
    *state = g;
    return 0;
}

static int tear_down(void **state) {
    struct gateway *g = *state;
    stop(g);
    loop_stop(g->loop);
    pthread_join(g->thread, NULL);
    executor_free(&g->options.slow);
    executor_free(&g->options.searchers);
    executor_free(&g->options.background);
    executor_free(&g->options.readers);
    executor_free(&g->options.writer);
    api_free(&g->api);
    http_budget_free(&g->budget);
    limits_free(&g->options.limits);
    loop_free(&g->loop);
    loop_free(&g->own);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        BUF_AUTO path = {0};
        buf_addf(&path, "%s/posthorn.db%s", g->folder.p, ends[i]);
        unlink(path.p);
    }
    rmdir(g->folder.p);
    buf_fini(&g->folder);
    buf_fini(&g->url);
    free(g);
    return 0;
}

/* ---- a client ---- */
static void on_accept(struct post *post) {
    struct gateway *g = LIST_OWNER(post, struct gateway, accept);
    static const struct net_address tcp = {.family = 4, .ip = {127, 0, 0, 1}}, local = {.family = 1};
    bool is_local = g->accept_server == CONTROL && !g->is_stranger;
    http_server_accept(g->servers[g->accept_server], g->loop, g->accept_fd, is_local ? &local : &tcp);
}

/* Send `text` over a connection of its own; what comes until it is closed. The caller frees it. */
static struct buf talk(struct gateway *g, int server, struct str text) {
    int fds[2];
    struct buf got = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    g->accept_fd = fds[0];
    g->accept_server = server;
    g->accept.fn = on_accept;
    list_init(&g->accept.node);
    loop_post(g->loop, &g->accept);
    while (text.n) {
        ssize_t n = send(fds[1], text.p, text.n, MSG_NOSIGNAL);
        if (n <= 0) break; /* answered and closed before the end of the body */
        text = str_sub(text, (size_t)n, SIZE_MAX);
    }
    for (;;) {
        char *room = buf_reserve(&got, 4096);
        ssize_t n = read(fds[1], room, 4096);
        if (n <= 0) break;
        buf_grew(&got, (size_t)n);
    }
    close(fds[1]);
    buf_add_char(&got, '\0');
    return got;
}

static struct buf ask(struct gateway *g, int server, const char *head, const char *body) {
    BUF_AUTO text = {0};
    buf_addf(&text, "%s\r\nHost: a.test\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);
    return talk(g, server, buf_str(&text));
}

static void assert_has(const struct buf *got, const char *want) {
    if (!strstr(got->p, want)) print_error("no '%s' in\n%s\n", want, got->p);
    assert_non_null(strstr(got->p, want));
}

static void take(const struct buf *got, const char *name, char *into, size_t size) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(got->p, key);
    assert_non_null(at);
    at += strlen(key);
    size_t n = strcspn(at, "\"");
    assert_true(n < size);
    memcpy(into, at, n);
    into[n] = '\0';
}

#define CONTROL_HEAD "POST /control HTTP/1.1"

static void make_key(struct gateway *g, char *key, size_t size) {
    BUF_AUTO a = ask(g, CONTROL, CONTROL_HEAD,
                     "{\"Command\":\"User.Create\",\"EmailAddress\":\"a@owner.test\",\"Password\":\"correct horse\"}");
    assert_has(&a, "\"UserID\":1");
    BUF_AUTO d = ask(g, CONTROL, CONTROL_HEAD, "{\"Command\":\"EmailGateway.AddDomain\",\"DomainName\":\"a.test\"}");
    assert_has(&d, "\"DomainID\":1");
    BUF_AUTO e = ask(g, CONTROL, CONTROL_HEAD, "{\"Command\":\"Operator.DomainEnable\",\"Name\":\"a.test\"}");
    assert_has(&e, "\"Status\":\"Enabled\"");
    BUF_AUTO k =
        ask(g, CONTROL, CONTROL_HEAD, "{\"Command\":\"EmailGateway.AddAPI\",\"Domain\":\"a.test\",\"Description\":\"tests\"}");
    take(&k, "Key", key, size);
}

/* ---- tests ---- */
#define MESSAGE                                                                                                                  \
    "\"From\":{\"email\":\"me@a.test\",\"name\":\"\"},\"To\":[{\"email\":\"x@y.test\",\"name\":\"\"}],\"Subject\":\"Hi\","       \
    "\"ContentType\":\"plain\",\"PlainContent\":\"Hello\""

static void a_message_goes_in_and_large_ones_too(void **state) {
    struct gateway *g = *state;
    char key[128], head[512];
    make_key(g, key, sizeof key);
    snprintf(head, sizeof head, "POST /api/v1/email HTTP/1.1\r\nAuthorization: Bearer %s\r\nIdempotency-Key: k", key);
    BUF_AUTO first = ask(g, PUBLIC, head, "{" MESSAGE "}");
    assert_has(&first, "HTTP/1.1 200 OK\r\n");
    assert_has(&first, "{\"MessageID\":\"");
    BUF_AUTO again = ask(g, PUBLIC, head, "{" MESSAGE "}");
    assert_has(&again, "\r\nIdempotent-Replayed: true\r\n");
    assert_int_equal(g->offered, 1);
    /* Above the size that is composed on the loop, and above what comes in without a key in the header. */
    BUF_AUTO body = {0};
    buf_add_z(&body, "{" MESSAGE ",\"Attachments\":[{\"filename\":\"a.bin\",\"content\":\"");
    for (size_t i = 0; i < 500000; i++) buf_add_z(&body, "QUJD");
    buf_add_z(&body, "\"}]}");
    snprintf(head, sizeof head, "POST /api/v1/email HTTP/1.1\r\nAuthorization: Bearer %s", key);
    BUF_AUTO large = ask(g, PUBLIC, head, body.p);
    assert_has(&large, "HTTP/1.1 200 OK\r\n");
    assert_int_equal(g->offered, 2);
}

static void a_bad_key_is_refused_before_the_body(void **state) {
    struct gateway *g = *state;
    BUF_AUTO wrong = talk(g, PUBLIC,
                          STR("POST /api/v1/email HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ph_x\r\nExpect: 100-continue\r\n"
                              "Content-Length: 30000000\r\n\r\n"));
    assert_has(&wrong, "HTTP/1.1 401 ");
    assert_has(&wrong, "\"Code\":13");
    assert_has(&wrong, "\r\nWWW-Authenticate: Bearer\r\n");
    assert_null(strstr(wrong.p, "100 Continue"));
    BUF_AUTO large = talk(g, PUBLIC, STR("POST /api/v1/email HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"));
    assert_has(&large, "HTTP/1.1 401 ");
    /* the same in chunks, whose size nobody announced */
    BUF_AUTO chunked = {0};
    buf_add_z(&chunked, "POST /api/v1/email HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i < 17; i++) {
        buf_add_z(&chunked, "10000\r\n");
        for (size_t k = 0; k < 0x10000; k++) buf_add_char(&chunked, ' ');
        buf_add_z(&chunked, "\r\n");
    }
    buf_add_z(&chunked, "0\r\n\r\n");
    BUF_AUTO too_long = talk(g, PUBLIC, buf_str(&chunked));
    assert_has(&too_long, "HTTP/1.1 401 ");
}

/* Who cannot show that he is root or ourselves is none of the operators. */
static void the_control_server_knows_its_operators(void **state) {
    struct gateway *g = *state;
    BUF_AUTO ours = ask(g, CONTROL, CONTROL_HEAD, "{\"Command\":\"Operator.QueueList\"}");
    assert_has(&ours, "HTTP/1.1 200 OK\r\n");
    g->is_stranger = true;
    BUF_AUTO theirs = ask(g, CONTROL, CONTROL_HEAD, "{\"Command\":\"Operator.QueueList\"}");
    assert_has(&theirs, "HTTP/1.1 403 ");
    assert_has(&theirs, "{\"Success\":false,\"ErrorCode\":403,");
}

static void every_answer_has_the_apis_shape(void **state) {
    struct gateway *g = *state;
    BUF_AUTO lost = ask(g, PUBLIC, "GET /nowhere HTTP/1.1", "");
    assert_has(&lost, "HTTP/1.1 404 ");
    assert_has(&lost, "{\"Errors\":[{\"Code\":404,");
    BUF_AUTO method = ask(g, PUBLIC, "GET /api/v1/email HTTP/1.1", "");
    assert_has(&method, "HTTP/1.1 405 ");
    assert_has(&method, "\r\nAllow: POST");
    BUF_AUTO command = ask(g, PUBLIC, "DELETE /api.php HTTP/1.1", "");
    assert_has(&command, "{\"Success\":false,\"ErrorCode\":405,");
    BUF_AUTO hidden = ask(g, PUBLIC, "POST /control HTTP/1.1", "{}");
    assert_has(&hidden, "HTTP/1.1 404 ");
    BUF_AUTO query = ask(g, PUBLIC, "GET /api.php?Command=EmailGateway.GetDomains&APIKey=x HTTP/1.1", "");
    assert_has(&query, "HTTP/1.1 200 OK\r\n");
    assert_has(&query, "\"ErrorCode\":99998");
    BUF_AUTO head = ask(g, PUBLIC, "HEAD /healthz HTTP/1.1", "");
    assert_has(&head, "HTTP/1.1 200 OK\r\n");
    BUF_AUTO inbox = ask(g, PUBLIC, "GET /api/v1/inbox/5/raw HTTP/1.1", "");
    assert_has(&inbox, "\"Code\":1,");
    BUF_AUTO deep = ask(g, PUBLIC, "GET /api/v1/inbox/5/raw/x HTTP/1.1", "");
    assert_has(&deep, "HTTP/1.1 404 ");
    assert_has(&deep, "\"Code\":404,");
}

/* Append a gzip request of `plain`; cut: without its last bytes. */
static void add_gzip(struct buf *out, const char *head, struct str plain, size_t cut) {
    z_stream z = {0};
    BUF_AUTO packed = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)plain.p;
    z.avail_in = (uInt)plain.n;
    z.avail_out = (uInt)deflateBound(&z, plain.n);
    z.next_out = (Bytef *)buf_reserve(&packed, z.avail_out);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_grew(&packed, z.total_out - cut);
    deflateEnd(&z);
    buf_addf(out, "%s\r\nHost: a.test\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", head,
             packed.n);
    buf_add_str(out, buf_str(&packed));
}

/* Any body may come packed; one that does not unpack, or in another coding, is told so in the API's shape. */
static void bodies_may_be_gzip(void **state) {
    struct gateway *g = *state;
    char key[128], head[512];
    make_key(g, key, sizeof key);
    snprintf(head, sizeof head, "POST /api/v1/email HTTP/1.1\r\nAuthorization: Bearer %s", key);
    BUF_AUTO mail = {0};
    add_gzip(&mail, head, STR("{" MESSAGE "}"), 0);
    BUF_AUTO sent = talk(g, PUBLIC, buf_str(&mail));
    assert_has(&sent, "{\"MessageID\":\"");
    BUF_AUTO command = {0};
    add_gzip(&command, "POST /api.php HTTP/1.1", STR("{\"Command\":\"No.Such\"}"), 0);
    BUF_AUTO unknown = talk(g, PUBLIC, buf_str(&command));
    assert_has(&unknown, "\"ErrorCode\":100003");
    BUF_AUTO cut = {0};
    add_gzip(&cut, "POST /api.php HTTP/1.1", STR("{\"Command\":\"No.Such\"}"), 3);
    BUF_AUTO broken = talk(g, PUBLIC, buf_str(&cut));
    assert_has(&broken, "HTTP/1.1 400 ");
    assert_has(&broken, "{\"Success\":false,\"ErrorCode\":100000,");
    snprintf(head, sizeof head, "POST /api/v1/email HTTP/1.1\r\nContent-Encoding: br\r\nAuthorization: Bearer %s", key);
    BUF_AUTO other = ask(g, PUBLIC, head, "{}");
    assert_has(&other, "HTTP/1.1 415 ");
    assert_has(&other, "{\"Errors\":[{\"Code\":415,");
}

/* HT43: who a proxy we trust says is calling is counted by himself; from others the header means nothing. */
static void a_proxy_names_the_client_HT43(void **state) {
    struct gateway *g = *state;
    ARENA_AUTO arena = {0};
    struct network_list proxies;
    g->options.limits = limits_new(1024);
    g->options.address_per_minute = 1;
    assert_true(network_list_parse(&arena, STR("127.0.0.0/8"), &proxies));
    serve_anew(g, &proxies);
    static const struct {
        const char *forwarded, *want;
    } calls[] = {
        {"192.0.2.1", " 200 "},
        {"192.0.2.1", " 429 "},
        {"203.0.113.9, 192.0.2.1", " 429 "}, /* what stands left of the client is his own word */
        {"192.0.2.2", " 200 "},
        {"192.0.2.3, 127.0.0.9", " 200 "},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        char head[256];
        snprintf(head, sizeof head, "GET /api.php?Command=EmailGateway.GetDomains HTTP/1.1\r\nX-Forwarded-For: %s",
                 calls[i].forwarded);
        BUF_AUTO got = ask(g, PUBLIC, head, "");
        assert_has(&got, calls[i].want);
        assert_has(&got, "\r\nRateLimit-Limit: 1\r\n");
    }
    serve_anew(g, NULL);
    BUF_AUTO first = ask(g, PUBLIC, "GET /api.php?Command=EmailGateway.GetDomains HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1", "");
    assert_has(&first, " 200 ");
    BUF_AUTO second = ask(g, PUBLIC, "GET /api.php?Command=EmailGateway.GetDomains HTTP/1.1\r\nX-Forwarded-For: 192.0.2.99", "");
    assert_has(&second, " 429 ");
    assert_has(&second, "\r\nRetry-After: ");
    assert_has(&second, "{\"Success\":false,\"ErrorCode\":429,");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_goes_in_and_large_ones_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bad_key_is_refused_before_the_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bodies_may_be_gzip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_proxy_names_the_client_HT43, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_control_server_knows_its_operators, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_answer_has_the_apis_shape, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
