/* test_resolver.c - the resolver against a name server of our own on loopback (UDP), asked from several loops.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include "net/resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the name server: what it says depends on the first letter of the name ----
 * a: A 192.0.2.1; m: MX 10 mx.test; c: CNAME to a.test and its A; n: NXDOMAIN; e: no records; f: SERVFAIL; s: silence */
struct server {
    int fd;
    pthread_t thread;
    char text[32]; /* host@port */
    atomic_int asked;
};

static void add_rr(struct buf *out, uint16_t name, uint8_t type, const void *rdata, uint8_t n) {
    const uint8_t head[] = {(uint8_t)(name >> 8), (uint8_t)name, 0, type, 0, 1, 0, 0, 0, 60, 0, n};
    buf_add(out, head, sizeof head);
    buf_add(out, rdata, n);
}

static size_t question_end(const uint8_t *p, size_t n) {
    size_t i = 12;
    while (i < n && p[i]) i += p[i] + 1u;
    return i + 5;
}

static void answer_query(int fd, const uint8_t *p, size_t n, const struct sockaddr_in *from) {
    size_t end = question_end(p, n);
    if (end > n) return;
    char kind = p[12] ? ascii_lower((char)p[13]) : 'f';
    uint8_t qtype = p[end - 3];
    BUF_AUTO out = {0};
    buf_add(&out, p, end);
    out.p[2] = (char)0x85;
    out.p[3] = (char)(kind == 'n' ? 0x83 : kind == 'f' ? 0x82 : 0x80);
    memset(out.p + 6, 0, 6);
    if (kind == 's') return;
    if (kind == 'a' && qtype == 1) add_rr(&out, 0xc00c, 1, "\xc0\x00\x02\x01", 4);
    if (kind == 'm' && qtype == 15) add_rr(&out, 0xc00c, 15, "\x00\x0a\x02mx\x04test\x00", 11);
    if (kind == 'c')
        add_rr(&out, 0xc00c, 5,
               "\x01"
               "a\x04test",
               8);
    if (kind == 'c' && qtype == 1) add_rr(&out, (uint16_t)(0xc000 | (end + 12)), 1, "\xc0\x00\x02\x01", 4);
    out.p[7] = (char)(out.n == end ? 0 : kind == 'c' && qtype == 1 ? 2 : 1);
    sendto(fd, out.p, out.n, 0, (const struct sockaddr *)from, sizeof *from);
}

static void *serve(void *arg) {
    struct server *s = arg;
    for (;;) {
        uint8_t packet[1500];
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t n = recvfrom(s->fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &length);
        if (n < 12) return NULL; /* shut down */
        atomic_fetch_add(&s->asked, 1);
        answer_query(s->fd, packet, (size_t)n, &from);
    }
}

static void server_start(struct server *s) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    s->fd = socket(AF_INET, SOCK_DGRAM, 0);
    int room = 4 << 20;
    setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
    snprintf(s->text, sizeof s->text, "127.0.0.1@%u", ntohs(at.sin_port));
    pthread_create(&s->thread, NULL, serve, s);
}

static void server_stop(struct server *s) {
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

/* ---- asking ---- */
struct ask {
    bool is_done;
    enum status status;
    size_t count;
    char text[300]; /* canonical, then the first record */
    bool is_secure;
    struct crowd *crowd;
};

static void on_answer(void *arg, const struct dns_answer *answer) {
    struct ask *a = arg;
    assert_false(a->is_done);
    a->is_done = true;
    a->status = answer->status;
    a->count = answer->count;
    a->is_secure = answer->secure;
    if (answer->count == 0) return;
    const struct dns_record *r = answer->records;
    snprintf(a->text, sizeof a->text, "%.*s %.*s %u %u.%u", STR_ARG(answer->canonical), STR_ARG(r->name), r->preference,
             r->address[0], r->address[3]);
}

struct world {
    struct server server;
    struct loop *loop;
    struct resolver *resolver;
};

static void world_open(struct world *w, int64_t timeout_ms) {
    *w = (struct world){0};
    server_start(&w->server);
    assert_int_equal(loop_new(&w->loop), STATUS_OK);
    struct resolver_options options = {.servers = str_from_z(w->server.text), .timeout_ms = timeout_ms};
    assert_int_equal(resolver_new(w->loop, &options, &w->resolver), STATUS_OK);
}

static void world_close(struct world *w) {
    resolver_free(&w->resolver);
    loop_free(&w->loop);
    server_stop(&w->server);
}

static struct ask ask(struct world *w, const char *name, enum dns_type type) {
    struct ask a = {0};
    resolver_ask(w->resolver, w->loop, (struct dns_question){str_from_z(name), type}, on_answer, &a);
    assert_false(a.is_done); /* never inside the call, cached or not */
    run_until(w->loop, &a.is_done, 60000);
    assert_true(a.is_done);
    return a;
}

static void test_DN01_kinds_of_answers(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum dns_type type;
        enum status status;
        size_t count;
        const char *text;
    } cases[] = {
        {"a.test", DNS_A, STATUS_OK, 1, "  0 192.1"},
        {"a.test", DNS_A, STATUS_OK, 1, "  0 192.1"},
        {"A.TEST", DNS_A, STATUS_OK, 1, "  0 192.1"},
        {"a.test", DNS_AAAA, STATUS_OK, 0, ""},
        {"m.test", DNS_MX, STATUS_OK, 1, " mx.test 10 0.0"},
        {"c.test", DNS_A, STATUS_OK, 1, "a.test  0 192.1"},
        {"c.test", DNS_CNAME, STATUS_OK, 1, " a.test 0 0.0"},
        {"n.test", DNS_MX, STATUS_NOT_FOUND, 0, ""},
        {"e.test", DNS_MX, STATUS_OK, 0, ""},
        {"a.example.com", DNS_A, STATUS_OK, 1, "  0 192.1"},
        {"f.test", DNS_A, STATUS_TEMPORARY, 0, ""},
        {"a..test", DNS_A, STATUS_TEMPORARY, 0, ""},
    };
    struct world w;
    world_open(&w, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ask a = ask(&w, cases[i].name, cases[i].type);
        if (a.status != cases[i].status || a.count != cases[i].count || strcmp(a.text, cases[i].text) != 0)
            fail_msg("case %zu %s: %s, %zu, '%s'", i, cases[i].name, status_text(a.status), a.count, a.text);
        assert_false(a.is_secure);
    }
    assert_false(resolver_is_validating(w.resolver)); /* this server signs nothing */
    world_close(&w);
}

static void test_timeout_and_cancel(void **state) {
    (void)state;
    struct world w;
    world_open(&w, 300);
    ask(&w, "e.test", DNS_A); /* the anchor is tried by now */
    struct ask cancelled = {0};
    struct resolver_query *q =
        resolver_ask(w.resolver, w.loop, (struct dns_question){STR("a.test"), DNS_A}, on_answer, &cancelled);
    resolver_cancel(&q);
    assert_null(q);
    resolver_cancel(&q);
    assert_int_equal(ask(&w, "s.test", DNS_A).status, STATUS_TIMEOUT);
    assert_int_equal(ask(&w, "a.test", DNS_A).status, STATUS_OK);
    assert_false(cancelled.is_done);
    world_close(&w);
}

static void test_free_answers_what_is_open(void **state) {
    (void)state;
    struct world w;
    world_open(&w, 0);
    ask(&w, "e.test", DNS_A);
    struct ask flying = {0}, posted = {0};
    bool never = false;
    resolver_ask(w.resolver, w.loop, (struct dns_question){STR("s.test"), DNS_A}, on_answer, &flying);
    run_until(w.loop, &never, 20);
    resolver_ask(w.resolver, w.loop, (struct dns_question){STR("a.test"), DNS_A}, on_answer, &posted);
    world_close(&w);
    assert_true(flying.is_done && posted.is_done);
    assert_int_equal(flying.status, STATUS_CANCELLED);
    assert_int_equal(posted.status, STATUS_CANCELLED);
}

static void test_bad_options(void **state) {
    (void)state;
    static const struct resolver_options cases[] = {
        {.servers = STR_INIT("localhost")},
        {.servers = STR_INIT("127.0.0.1@x")},
        {.servers = STR_INIT("127.0.0.1,999.1.1.1")},
        {.trust_anchor = STR_INIT("/nonexistent/root.key")},
    };
    struct loop *loop;
    assert_int_equal(loop_new(&loop), STATUS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct resolver *r;
        assert_int_equal(resolver_new(loop, &cases[i], &r), STATUS_INVALID);
    }
    loop_free(&loop);
}

/* DN16: thousands at once, from loops other than the resolver's. */
#define CROWD 1500
struct crowd {
    struct loop *loop;
    struct resolver *resolver;
    pthread_t thread;
    struct ask asks[CROWD];
    int number, left, good;
};

static void on_crowd_answer(void *arg, const struct dns_answer *answer) {
    struct ask *a = arg;
    struct crowd *c = a->crowd;
    assert_true(pthread_equal(pthread_self(), c->thread));
    if (answer->status == STATUS_OK && answer->count == 1) c->good++;
    if (--c->left == 0) loop_stop(c->loop);
}

static void *live(void *arg) {
    struct crowd *c = arg;
    c->thread = pthread_self();
    c->left = CROWD;
    for (int i = 0; i < CROWD; i++) {
        char name[64];
        snprintf(name, sizeof name, "a%d.n%d.test", i, c->number);
        c->asks[i].crowd = c;
        resolver_ask(c->resolver, c->loop, (struct dns_question){str_from_z(name), DNS_A}, on_crowd_answer, &c->asks[i]);
    }
    loop_run(c->loop);
    return NULL;
}

static void *run_loop(void *arg) {
    loop_run(arg);
    return NULL;
}

static void test_DN16_crowds_from_other_loops(void **state) {
    (void)state;
    struct world w;
    world_open(&w, 0);
    pthread_t home;
    pthread_create(&home, NULL, run_loop, w.loop);
    struct crowd *crowds = calloc(2, sizeof *crowds);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        crowds[i].resolver = w.resolver;
        crowds[i].number = i;
        assert_int_equal(loop_new(&crowds[i].loop), STATUS_OK);
        pthread_create(&threads[i], NULL, live, &crowds[i]);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    loop_stop(w.loop);
    pthread_join(home, NULL);
    for (int i = 0; i < 2; i++) assert_int_equal(crowds[i].good, CROWD);
    resolver_free(&w.resolver);
    for (int i = 0; i < 2; i++) loop_free(&crowds[i].loop);
    loop_free(&w.loop);
    server_stop(&w.server);
    free(crowds);
}

/* ---- inquiries ---- */
struct machine {
    const char *first; /* question, "a.test" otherwise */
    int asked, answered;
    bool is_done;
};

/* First one question, then, after its answer, three at once. */
static size_t machine_next(void *arg, struct dns_question *ret, size_t max) {
    static const char *const names[] = {"a.test", "n.test", "m.test", "e.test"};
    struct machine *m = arg;
    size_t n = 0;
    for (; n < max && m->asked < (m->answered == 0 ? 1 : 4); n++, m->asked++)
        ret[n] = (struct dns_question){str_from_z(m->asked == 0 && m->first ? m->first : names[m->asked]), DNS_A};
    return n;
}

static void machine_answer(void *arg, size_t index, const struct dns_answer *answer) {
    struct machine *m = arg;
    static const enum status expected[] = {STATUS_OK, STATUS_NOT_FOUND, STATUS_OK, STATUS_OK};
    assert_int_equal(answer->status, expected[index]);
    assert_int_equal(answer->count, index == 0);
    m->answered++;
}

static void machine_done(void *arg) {
    struct machine *m = arg;
    assert_false(m->is_done);
    m->is_done = true;
}

static const struct inquiry_ops machine_ops = {machine_next, machine_answer, machine_done};

static void test_inquiry_asks_to_the_end(void **state) {
    (void)state;
    struct world w;
    world_open(&w, 0);
    struct machine m = {0}, wants_nothing = {.asked = 4}, cancelled = {.first = "s.test"};
    inquiry_start(w.resolver, w.loop, &machine_ops, &m);
    inquiry_start(w.resolver, w.loop, &machine_ops, &wants_nothing);
    struct inquiry *i = inquiry_start(w.resolver, w.loop, &machine_ops, &cancelled);
    assert_false(wants_nothing.is_done);
    run_until(w.loop, &wants_nothing.is_done, 60000);
    inquiry_cancel(&i);
    run_until(w.loop, &m.is_done, 60000);
    assert_int_equal(m.answered, 4);
    assert_false(cancelled.is_done);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_DN01_kinds_of_answers),        cmocka_unit_test(test_timeout_and_cancel),
        cmocka_unit_test(test_free_answers_what_is_open),    cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_DN16_crowds_from_other_loops), cmocka_unit_test(test_inquiry_asks_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
