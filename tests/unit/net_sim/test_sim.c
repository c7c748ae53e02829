/* test_sim.c - the simulated world keeps net's contracts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/executor.h"
#include "net/listener.h"
#include "net_sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ---- a client that writes down what happens ---- */

struct client {
    struct stream *stream;
    struct buf told;
    struct buf heard;
    struct loop *world;
    bool free_in_read;
};

static void note(struct client *c, const char *what, enum status status) {
    buf_addf(&c->told, "%s:%s ", what, status_text(status));
}
static void on_open(void *arg) {
    note(arg, "open", STATUS_OK);
}
static void on_tls(void *arg, enum status status) {
    note(arg, "tls", status);
}
static void on_read(void *arg) {
    struct client *c = arg;
    struct buf *in = stream_in(c->stream);
    buf_add_str(&c->heard, buf_str(in));
    buf_reset(in);
    if (c->free_in_read) stream_free(&c->stream);
}
static void on_close(void *arg, enum status status) {
    note(arg, "close", status);
}
static const struct stream_events events = {.on_open = on_open, .on_tls = on_tls, .on_read = on_read, .on_close = on_close};

static void client_connect(struct client *c, struct loop *world, const char *to) {
    struct net_address address;
    assert_int_equal(net_address_parse(str_from_z(to), &address), STATUS_OK);
    *c = (struct client){.world = world};
    c->stream = stream_connect(world, &address, NULL, 30000, &events, c);
}
static void client_fini(struct client *c) {
    stream_free(&c->stream);
    buf_fini(&c->told);
    buf_fini(&c->heard);
}
static void say(struct client *c, const char *line) {
    stream_write(c->stream, str_from_z(line));
    sim_run_for(c->world, 10);
}
#define ASSERT_TEXT(buf, text) assert_string_equal((buf).p ? (buf).p : "", (text))

static struct loop *world_new(void **state) {
    (void)state;
    struct loop *world = NULL;
    assert_int_equal(loop_new(&world), STATUS_OK);
    return world;
}

/* ---- time ---- */

static void fire(void *arg) {
    buf_add_z(&((struct client *)arg)->told, "x");
}

static void test_hours_pass_at_once(void **state) {
    struct loop *world = world_new(state);
    struct client c = {.world = world};
    struct timer late, early;
    timer_init(&late, world, fire, &c);
    timer_init(&early, world, fire, &c);
    int64_t start = clock_mono_ms(loop_clock(world)), wall = clock_wall_ms(loop_clock(world));
    timer_start(&late, 72 * 3600000);
    timer_start(&early, 1000);
    timer_stop(&early);
    assert_true(timer_is_running(&late));
    loop_run(world);
    ASSERT_TEXT(c.told, "x");
    assert_int_equal(clock_mono_ms(loop_clock(world)) - start, 72 * 3600000);
    assert_int_equal(clock_wall_ms(loop_clock(world)) - wall, 72 * 3600000);
    sim_set_wall(world, 5);
    assert_int_equal(clock_wall_ms(loop_clock(world)), 5);
    timer_fini(&late);
    timer_fini(&early);
    client_fini(&c);
    loop_free(&world);
}

static void test_same_seed_same_chance(void **state) {
    uint64_t drawn[2][4];
    for (int i = 0; i < 2; i++) {
        struct loop *world = world_new(state);
        sim_seed(world, 42);
        rand_fill(sim_rand(world), drawn[i], sizeof drawn[i]);
        loop_free(&world);
    }
    assert_memory_equal(drawn[0], drawn[1], sizeof drawn[0]);
}

/* ---- hosts ---- */

static void test_a_dialogue_and_its_record(void **state) {
    struct loop *world = world_new(state);
    struct sim_server *server = sim_server(world, "192.0.2.1:25", NULL);
    struct client c;
    client_connect(&c, world, "192.0.2.1:25");
    sim_run_for(world, 10);
    say(&c, "EHLO me\r\n");
    buf_reset(&c.heard);
    say(&c, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    ASSERT_TEXT(c.heard, "250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go ahead\r\n");
    say(&c, "Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n");
    stream_finish(c.stream);
    sim_run_for(world, 10);
    ASSERT_TEXT(c.told, "open:ok close:connection closed ");
    assert_int_equal(sim_server_message_count(server), 1);
    assert_true(str_eq(sim_server_message(server, 0), STR("Subject: x\r\n\r\n.dot\r\n")));
    assert_true(str_eq(sim_server_envelope(server, 0), STR("MAIL FROM:<a@b>\nRCPT TO:<c@d>\n")));
    assert_true(str_starts(sim_server_transcript(server), STR("(connect)\nEHLO me\nMAIL FROM:<a@b>\n")));
    assert_int_equal(sim_connects(world, "192.0.2.1:25"), 1);
    client_fini(&c);
    loop_free(&world);
}

static void test_refused_down_and_vanished(void **state) {
    struct loop *world = world_new(state);
    sim_server(world, "192.0.2.2:25", NULL);
    sim_down(world, "192.0.2.2:25", true);
    sim_blackhole(world, "192.0.2.3:25", true);
    static const struct {
        const char *to, *told;
    } cases[] = {
        {"192.0.2.1:25", "close:"},
        {"192.0.2.2:25", "close:"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct client c;
        client_connect(&c, world, cases[i].to);
        assert_int_equal(c.told.n, 0); /* never in the call */
        sim_run_for(world, 10);
        assert_true(str_starts(buf_str(&c.told), str_from_z(cases[i].told)));
        assert_true(str_eq(stream_why(c.stream), STR("Connection refused")));
        client_fini(&c);
    }
    struct client c;
    client_connect(&c, world, "192.0.2.3:25");
    sim_run_for(world, 29999);
    assert_int_equal(c.told.n, 0);
    sim_run_for(world, 2);
    assert_true(str_eq(stream_why(c.stream), STR("Connection timed out")));
    client_fini(&c);
    loop_free(&world);
}

static const struct sim_rule odd_rules[] = {
    {.pattern = "(connect)", .reply = "220 slow\r\n", .delay_ms = 5000},
    {.pattern = "ONCE", .reply = "450 4.0.0 not yet\r\n", .times = 2},
    {.pattern = "ONCE", .reply = "250 2.0.0 now\r\n"},
    {.pattern = "SILENCE"},
    {.pattern = "DROP", .reply = "421 bye\r\n", .then = SIM_RESET},
    {.pattern = "END", .reply = "421 bye\r\n", .then = SIM_CLOSE},
    {.pattern = NULL},
};

static void test_rules(void **state) {
    struct loop *world = world_new(state);
    struct sim_server *server = sim_server(world, "192.0.2.1:25", odd_rules);
    struct client c;
    client_connect(&c, world, "192.0.2.1:25");
    sim_run_for(world, 4000);
    ASSERT_TEXT(c.heard, "");
    sim_run_for(world, 2000);
    ASSERT_TEXT(c.heard, "220 slow\r\n");
    buf_reset(&c.heard);
    say(&c, "once\r\nONCE\r\nONCE\r\nSILENCE\r\nNOOP\r\n");
    ASSERT_TEXT(c.heard, "450 4.0.0 not yet\r\n450 4.0.0 not yet\r\n250 2.0.0 now\r\n250 2.0.0 ok\r\n");
    buf_reset(&c.heard);
    sim_server_pieces(server, 1);
    stream_write(c.stream, STR("NOOP\r\n"));
    sim_run_for(world, 6);
    assert_in_range(c.heard.n, 1, 6);
    sim_run_for(world, 20);
    ASSERT_TEXT(c.heard, "250 2.0.0 ok\r\n");
    sim_server_pieces(server, 0);
    buf_reset(&c.heard);
    say(&c, "DROP\r\n");
    ASSERT_TEXT(c.heard, "421 bye\r\n"); /* the reply comes through before the reset */
    sim_run_for(world, 20);
    assert_true(str_eq(stream_why(c.stream), STR("Connection reset by peer")));
    client_fini(&c);
    client_connect(&c, world, "192.0.2.1:25");
    sim_run_for(world, 6000);
    say(&c, "END\r\n");
    sim_run_for(world, 20);
    ASSERT_TEXT(c.told, "open:ok close:connection closed ");
    client_fini(&c);
    loop_free(&world);
}

static void test_freed_in_a_callback(void **state) {
    struct loop *world = world_new(state);
    sim_server(world, "192.0.2.1:25", NULL);
    struct client c;
    client_connect(&c, world, "192.0.2.1:25");
    c.free_in_read = true;
    loop_run(world);
    assert_null(c.stream);
    ASSERT_TEXT(c.told, "open:ok ");
    client_fini(&c);
    loop_free(&world);
}

/* ---- TLS ---- */

static const struct sim_rule tls_fails[] = {{.pattern = "STARTTLS", .reply = "220 go\r\n", .then = SIM_TLS_FAIL},
                                            {.pattern = NULL}};

static void test_tls(void **state) {
    struct loop *world = world_new(state);
    struct sim_server *server = sim_server(world, "192.0.2.1:25", NULL);
    struct client c;
    for (int round = 0; round < 3; round++) {
        if (round == 1) sim_server_check(server, TLS_PEER_UNTRUSTED);
        if (round == 2) sim_server_rules(server, tls_fails);
        client_connect(&c, world, "192.0.2.1:25");
        sim_run_for(world, 10);
        say(&c, "STARTTLS\r\n");
        assert_false(stream_is_tls(c.stream));
        assert_int_equal(stream_start_tls(c.stream, NULL, "mx", 1000), STATUS_OK);
        sim_run_for(world, 10);
        assert_int_equal(stream_is_tls(c.stream), round < 2);
        assert_int_equal(stream_tls_is_verified(c.stream), round == 0);
        assert_int_equal(str_find_str(buf_str(&c.told), STR("tls:ok")) != STR_NONE, round < 2);
        if (round < 2) {
            buf_reset(&c.heard);
            say(&c, "NOOP\r\n");
            ASSERT_TEXT(c.heard, "250 2.0.0 ok\r\n");
        }
        client_fini(&c);
        sim_run_for(world, 10);
    }
    client_connect(&c, world, "192.0.2.1:25"); /* a server that never shakes hands */
    sim_run_for(world, 10);
    assert_int_equal(stream_start_tls(c.stream, NULL, NULL, 1000), STATUS_OK);
    sim_run_for(world, 1100);
    assert_true(str_find_str(buf_str(&c.told), STR("tls:")) != STR_NONE);
    client_fini(&c);
    loop_free(&world);
}

static const struct sim_rule tls_injected[] = {{.pattern = "STARTTLS", .reply = "220 go\r\n250 injected\r\n", .then = SIM_TLS},
                                               {.pattern = NULL}};

/* ST03: plain bytes behind the go-ahead, before the call or during the handshake. */
static void test_st03_plain_bytes_end_a_handshake(void **state) {
    struct loop *world = world_new(state);
    struct sim_server *server = sim_server(world, "192.0.2.1:25", tls_injected);
    struct client c;
    client_connect(&c, world, "192.0.2.1:25");
    sim_run_for(world, 10);
    stream_write(c.stream, STR("STARTTLS\r\n"));
    stream_pause(c.stream);
    sim_run_for(world, 10);
    assert_int_equal(stream_start_tls(c.stream, NULL, NULL, 1000), STATUS_DENIED);
    client_fini(&c);
    sim_server_pieces(server, 8);
    client_connect(&c, world, "192.0.2.1:25");
    sim_run_for(world, 10);
    buf_reset(&c.heard);
    stream_write(c.stream, STR("STARTTLS\r\n"));
    while (c.heard.n == 0) sim_step(world);
    ASSERT_TEXT(c.heard, "220 go\r\n");
    assert_int_equal(stream_start_tls(c.stream, NULL, NULL, 1000), STATUS_OK);
    sim_run_for(world, 100);
    assert_true(str_find_str(buf_str(&c.told), STR("tls:temporary")) != STR_NONE);
    client_fini(&c);
    loop_free(&world);
}

/* ---- a listener of ours ---- */

static void accept_one(void *arg, struct loop *loop, int fd, const struct net_address *peer) {
    struct client *c = arg;
    *c = (struct client){.world = loop};
    c->stream = stream_accept(loop, fd, peer, &events, c);
    stream_write(c->stream, STR("hello"));
}

static void test_listener(void **state) {
    struct loop *world = world_new(state);
    struct client server = {0}, c;
    struct net_address any;
    assert_int_equal(net_address_parse(STR("127.0.0.1:0"), &any), STATUS_OK);
    struct listener_options options = {.address = &any, .loops = &world, .loop_count = 1, .accept = accept_one, .arg = &server};
    struct listener *listener = NULL, *second = NULL;
    assert_int_equal(listener_open(&options, &listener), STATUS_OK);
    options.address = listener_address(listener);
    assert_int_equal(listener_open(&options, &second), STATUS_EXISTS);
    BUF_AUTO text = {0};
    net_address_format(&text, listener_address(listener));
    client_connect(&c, world, text.p);
    sim_run_for(world, 10);
    ASSERT_TEXT(c.heard, "hello");
    say(&c, "back");
    ASSERT_TEXT(server.heard, "back");
    stream_deadline(server.stream, 500);
    sim_run_for(world, 600);
    assert_true(str_starts(buf_str(&server.told), STR("close:")));
    ASSERT_TEXT(c.told, "open:ok close:connection closed ");
    client_fini(&c);
    client_fini(&server);
    listener_close(&listener);
    loop_free(&world);
}

/* Reads are bounded: what does not fit waits until the owner has made room. */
static void test_p8_read_max(void **state) {
    struct loop *world = world_new(state);
    struct client server = {0}, c;
    struct net_address any;
    assert_int_equal(net_address_parse(STR("127.0.0.1:0"), &any), STATUS_OK);
    struct listener_options options = {.address = &any, .loops = &world, .loop_count = 1, .accept = accept_one, .arg = &server};
    struct listener *listener = NULL;
    assert_int_equal(listener_open(&options, &listener), STATUS_OK);
    BUF_AUTO text = {0};
    net_address_format(&text, listener_address(listener));
    client_connect(&c, world, text.p);
    sim_run_for(world, 10);
    static const struct stream_events deaf = {.on_close = on_close};
    stream_set_events(server.stream, &deaf, &server);
    stream_set_read_max(server.stream, 4);
    say(&c, "0123456789");
    assert_int_equal(stream_in(server.stream)->n, 4);
    stream_finish(c.stream);
    sim_run_for(world, 10);
    assert_int_equal(server.told.n, 0); /* its end is told after its bytes */
    for (int i = 0; i < 2; i++) {
        buf_reset(stream_in(server.stream));
        stream_resume(server.stream);
        sim_run_for(world, 10);
    }
    ASSERT_TEXT(server.told, "close:connection closed ");
    client_fini(&c);
    client_fini(&server);
    listener_close(&listener);
    loop_free(&world);
}

/* ---- names ---- */

struct asked {
    enum status status;
    size_t count;
    uint16_t preference;
    char name[64];
    uint8_t address[4];
    int answers;
};
static void on_answer(void *arg, const struct dns_answer *answer) {
    struct asked *a = arg;
    a->answers++;
    a->status = answer->status;
    a->count = answer->count;
    if (answer->count == 0) return;
    a->preference = answer->records[0].preference;
    memcpy(a->address, answer->records[0].address, 4);
    memcpy(a->name, answer->records[0].name.p ? answer->records[0].name.p : "", answer->records[0].name.n);
}

static struct asked ask(struct resolver *r, struct loop *world, const char *name, enum dns_type type) {
    struct asked a = {0};
    resolver_ask(r, world, (struct dns_question){str_from_z(name), type}, on_answer, &a);
    assert_int_equal(a.answers, 0); /* never inside the call */
    sim_run_for(world, 10);
    assert_int_equal(a.answers, 1);
    return a;
}

static void test_names(void **state) {
    struct loop *world = world_new(state);
    struct resolver *r = NULL;
    assert_int_equal(resolver_new(world, &(struct resolver_options){0}, &r), STATUS_OK);
    sim_dns_add(world, "a.example", DNS_MX, "10 mx.a.example");
    sim_dns_add(world, "mx.a.example", DNS_A, "192.0.2.7");
    sim_dns_add(world, "null.example", DNS_MX, "0 .");
    sim_dns_add(world, "alias.example", DNS_CNAME, "mx.a.example");
    sim_dns_add(world, "loop.example", DNS_CNAME, "loop.example");
    sim_dns_fail(world, "a.example", DNS_MX, STATUS_TEMPORARY, 1);
    assert_int_equal(ask(r, world, "a.example", DNS_MX).status, STATUS_TEMPORARY);
    struct asked mx = ask(r, world, "a.example", DNS_MX);
    assert_int_equal(mx.preference, 10);
    assert_string_equal(mx.name, "mx.a.example");
    assert_int_equal(sim_dns_asked(world, "a.example", DNS_MX), 2);
    assert_int_equal(ask(r, world, "a.example", DNS_A).count, 0);
    assert_int_equal(ask(r, world, "a.example", DNS_A).status, STATUS_OK);
    assert_int_equal(ask(r, world, "nowhere.example", DNS_A).status, STATUS_NOT_FOUND);
    assert_string_equal(ask(r, world, "null.example", DNS_MX).name, "");
    assert_int_equal(ask(r, world, "alias.example", DNS_A).address[3], 7);
    assert_int_equal(ask(r, world, "loop.example", DNS_A).status, STATUS_TEMPORARY);
    struct asked none = {0};
    struct resolver_query *q = resolver_ask(r, world, (struct dns_question){STR("a.example"), DNS_MX}, on_answer, &none);
    resolver_cancel(&q);
    sim_run_for(world, 10);
    assert_int_equal(none.answers, 0);
    resolver_free(&r);
    loop_free(&world);
}

/* ---- executors ---- */

struct count_job {
    struct job job;
    int runs, dones;
};
static enum status job_run(struct job *job, void *ctx) {
    (void)ctx;
    LIST_OWNER(job, struct count_job, job)->runs++;
    return STATUS_OK;
}
static void job_done(struct job *job) {
    LIST_OWNER(job, struct count_job, job)->dones++;
}
static void batch(void *ctx, struct job *const *jobs, size_t n) {
    (void)ctx;
    for (size_t i = 0; i < n; i++) jobs[i]->status = n == 2 ? STATUS_OK : STATUS_IO;
}

static void test_executors(void **state) {
    struct loop *world = world_new(state);
    struct executor *e = NULL;
    struct executor_options options = {.name = "x", .threads = 1, .queue_max = 2};
    assert_int_equal(executor_new(&options, &e), STATUS_OK);
    struct count_job jobs[3];
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = (struct count_job){.job = {.run = job_run, .done = job_done, .loop = world}};
        assert_int_equal(executor_submit(e, &jobs[i].job), i < 2 ? STATUS_OK : STATUS_LIMIT);
    }
    assert_int_equal(jobs[0].runs, 0);
    loop_run(world);
    assert_int_equal(jobs[1].dones, 1);
    jobs[2].job.loop = NULL;
    assert_int_equal(executor_submit(e, &jobs[2].job), STATUS_OK);
    assert_int_equal(jobs[2].dones, 1);
    executor_free(&e);
    options.batch = batch;
    options.batch_max_jobs = 10;
    options.batch_max_bytes = 1000;
    assert_int_equal(executor_new(&options, &e), STATUS_OK);
    for (size_t i = 0; i < 2; i++) assert_int_equal(executor_submit(e, &jobs[i].job), STATUS_OK);
    loop_run(world);
    assert_int_equal(jobs[1].job.status, STATUS_OK);
    executor_free(&e);
    loop_free(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hours_pass_at_once),
        cmocka_unit_test(test_same_seed_same_chance),
        cmocka_unit_test(test_a_dialogue_and_its_record),
        cmocka_unit_test(test_refused_down_and_vanished),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_freed_in_a_callback),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_st03_plain_bytes_end_a_handshake),
        cmocka_unit_test(test_listener),
        cmocka_unit_test(test_p8_read_max),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_executors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
