/* test_server.c - connections on net_sim: deadlines, bounds, hops, a peer that goes while its mail is stored, and the end. The
 * roles are the test's own: a mail takes `store_ms` to store.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/listener.h"
#include "net_sim/sim.h"
#include "smtpd/own.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE 60000

struct scene {
    struct loop *loop;
    struct executor *writer;
    struct tls_context *tls;
    struct metrics metrics;
    struct limits *limits;
    struct smtpd_shared shared;
    struct network_list proxies;
    struct arena arena;
    struct crowd *crowd;
    struct smtpd_options options;
    struct smtpd *server;
    struct listener *listener;
    int64_t store_ms;
    size_t made_bytes;        /* by the role, of each mail */
    struct smtp_reply answer; /* to a mail; 250 when there is none */
    unsigned stored, stopped;
    struct timer store_timer;
    struct connection *storing;
};

/* ---- the role ---- */
static enum status store_run(struct job *job, void *ctx) {
    (void)job;
    (void)ctx;
    return STATUS_OK;
}

static void on_stored(void *arg) {
    struct scene *s = arg;
    struct smtp_reply reply = {250, STR("2.0.0"), STR("Stored")};
    if (s->answer.code) reply = s->answer;
    s->stored += reply.code == 250;
    connection_answer(s->storing, &reply);
}

static void store_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct scene *s = c->shared->arg;
    struct smtp_reply reply = reply_for_status(job->status);
    if (job->status != STATUS_OK) return connection_answer(c, &reply);
    s->storing = c;
    timer_start(&s->store_timer, s->store_ms);
}

static bool store(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    (void)mail;
    (void)ret;
    struct connection *c = arg;
    c->job = (struct job){.run = store_run, .done = store_done};
    c->made_bytes = ((struct scene *)c->shared->arg)->made_bytes;
    connection_submit(c, c->shared->writer);
    return false;
}

static const struct smtpd_role role = {.name = "test", .store = store};

struct smtpd_service service_make(enum smtpd_kind kind, const struct smtpd_bounds *bounds) {
    return (struct smtpd_service){.name = "test",
                                  .anonymous = &role,
                                  .authenticated = kind == SMTPD_PUBLIC ? &role : NULL,
                                  .anonymous_max_bytes = bounds->message_bytes_max,
                                  .message_max_bytes = bounds->message_bytes_max,
                                  .line_max_bytes = 998,
                                  .recipients_max = 10,
                                  .errors_max = 20,
                                  .idle_max = 100,
                                  .has_extensions = true};
}

/* ---- the scene ---- */
static int set_up(void **state) {
    struct scene *s = *state = calloc(1, sizeof *s);
    assert_int_equal(loop_new(&s->loop), STATUS_OK);
    sim_seed(s->loop, 1);
    assert_int_equal(executor_new(&(struct executor_options){.name = "writer", .threads = 1, .queue_max = 100}, &s->writer),
                     STATUS_OK);
    BUF_AUTO why = {0};
    assert_int_equal(tls_context_new_server("", "", &s->tls, &why), STATUS_OK);
    assert_true(network_list_parse(&s->arena, STR("192.0.2.0/24"), &s->proxies));
    s->shared = (struct smtpd_shared){
        .writer = s->writer, .metrics = &s->metrics, .hostname = STR("mx.test"), .proxies = &s->proxies, .arg = s};
    timer_init(&s->store_timer, s->loop, on_stored, s);
    return 0;
}

/* `bounds` and what is set in s->options before count. */
static void open_server(struct scene *s, struct crowd_bounds bounds) {
    s->crowd = crowd_new(&bounds);
    s->options.shared = &s->shared;
    s->options.bounds.message_bytes_max = 8 << 20;
    s->options.loops = &s->loop;
    s->options.loop_count = 1;
    s->options.crowd = s->crowd;
    s->options.has_tls = true;
    if (!s->options.kind) s->options.kind = SMTPD_SUBMISSION;
    s->server = smtpd_new(&s->options);
    smtpd_set_tls(s->server, s->tls);
    struct net_address address;
    assert_int_equal(net_address_parse(STR("198.51.100.1:25"), &address), STATUS_OK);
    struct listener_options options = {
        .address = &address, .loops = &s->loop, .loop_count = 1, .accept = smtpd_accept, .arg = s->server};
    assert_int_equal(listener_open(&options, &s->listener), STATUS_OK);
}

static void on_stopped(void *arg) {
    ((struct scene *)arg)->stopped++;
}

static int64_t connected(const struct scene *s) {
    return atomic_load(&s->metrics.value[METRIC_SMTP_IN_CONNECTIONS]);
}

static int tear_down(void **state) {
    struct scene *s = *state;
    if (!s->stopped) smtpd_stop(s->server, 1000, on_stopped, s);
    sim_run_for(s->loop, MINUTE);
    assert_int_equal(s->stopped, 1);
    assert_int_equal(connected(s), 0);
    listener_close(&s->listener);
    smtpd_free(&s->server);
    crowd_free(&s->crowd);
    timer_fini(&s->store_timer);
    executor_free(&s->writer);
    limits_free(&s->limits);
    tls_context_unref(&s->tls);
    loop_free(&s->loop);
    arena_fini(&s->arena);
    free(s);
    return 0;
}

struct client {
    struct stream *stream;
    bool is_closed;
};

static void on_close(void *arg, enum status status) {
    (void)status;
    ((struct client *)arg)->is_closed = true;
}

static struct client *dial(struct scene *s, const char *from) {
    static const struct stream_events events = {.on_close = on_close};
    struct client *c = calloc(1, sizeof *c);
    struct net_address to, source;
    assert_int_equal(net_address_parse(STR("198.51.100.1:25"), &to), STATUS_OK);
    assert_int_equal(net_address_parse(str_from_z(from), &source), STATUS_OK);
    c->stream = stream_connect(s->loop, &to, &source, 1000, &events, c);
    sim_run_for(s->loop, 10);
    return c;
}

static void hang_up(struct client **client) {
    stream_free(&(*client)->stream);
    free(*client);
    *client = NULL;
}

static void say(struct scene *s, struct client *c, const char *words) {
    if (!c->is_closed) stream_write(c->stream, str_from_z(words));
    sim_run_for(s->loop, 10);
}

static bool has_heard(struct client *c, const char *words) {
    return str_find_str(buf_str(stream_in(c->stream)), str_from_z(words)) != STR_NONE;
}

#define ANYBODY  "203.0.113.5:0"
#define ENVELOPE "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
#define BIG      ((struct crowd_bounds){.connections_max = 100})

/* ---- deadlines ---- */
static void a_command_has_five_minutes_however_it_drips(void **state) { /* LM12 */
    struct scene *s = *state;
    open_server(s, BIG);
    struct client *c = dial(s, ANYBODY);
    assert_true(has_heard(c, "220 mx.test"));
    sim_run_for(s->loop, 4 * MINUTE);
    say(s, c, "NOOP\r\n"); /* a whole command begins anew */
    for (int i = 0; i < 29; i++) {
        sim_run_for(s->loop, 10000);
        say(s, c, "N");
    }
    assert_false(c->is_closed);
    sim_run_for(s->loop, 11000);
    assert_true(has_heard(c, "421 4.3.2 "));
    assert_int_equal(connected(s), 0);
    hang_up(&c);
}

static void content_keeps_a_rate_or_ends(void **state) { /* LM12 */
    struct scene *s = *state;
    open_server(s, BIG);
    struct client *slow = dial(s, ANYBODY), *steady = dial(s, ANYBODY);
    say(s, slow, ENVELOPE);
    say(s, steady, ENVELOPE);
    static char minute[33001]; /* 64 KiB in less than 120 s */
    for (size_t i = 0; i < sizeof minute - 1; i++) minute[i] = i % 100 < 98 ? 'x' : i % 100 == 98 ? '\r' : '\n';
    for (int i = 0; i < 30; i++) {
        say(s, slow, "ten bytes.");
        say(s, steady, minute);
        sim_run_for(s->loop, MINUTE - 100);
    }
    assert_true(slow->is_closed && has_heard(slow, "421 "));
    assert_false(steady->is_closed);
    say(s, steady, "\r\n.\r\n");
    assert_int_equal(s->stored, 1);
    assert_true(has_heard(steady, "250 2.0.0 Stored"));
    hang_up(&slow);
    hang_up(&steady);
}

static void after_its_mail_a_client_has_five_minutes(void **state) {
    struct scene *s = *state;
    s->store_ms = 7 * MINUTE; /* while it is stored nobody is late */
    open_server(s, BIG);
    struct client *c = dial(s, ANYBODY);
    say(s, c, ENVELOPE);
    say(s, c, "x\r\n.\r\n");
    sim_run_for(s->loop, 8 * MINUTE);
    assert_true(has_heard(c, "250 2.0.0 Stored"));
    assert_false(c->is_closed);
    sim_run_for(s->loop, 5 * MINUTE);
    assert_true(c->is_closed);
    hang_up(&c);
}

static void a_handshake_has_half_a_minute(void **state) { /* ST11 */
    struct scene *s = *state;
    s->options.is_tls_first = true;
    open_server(s, BIG);
    struct client *c = dial(s, ANYBODY);
    sim_run_for(s->loop, 29000);
    assert_int_equal(connected(s), 1);
    sim_run_for(s->loop, 2000);
    assert_int_equal(connected(s), 0);
    assert_int_equal(stream_in(c->stream)->n, 0);
    hang_up(&c);
}

static void starttls_begins_anew_with_a_deadline(void **state) { /* ST04 */
    struct scene *s = *state;
    open_server(s, BIG);
    struct client *c = dial(s, ANYBODY);
    say(s, c, "EHLO c\r\n");
    assert_true(has_heard(c, "STARTTLS"));
    say(s, c, "STARTTLS\r\n");
    buf_reset(stream_in(c->stream));
    assert_int_equal(stream_start_tls(c->stream, s->tls, NULL, 1000), STATUS_OK);
    sim_run_for(s->loop, 10);
    say(s, c, "MAIL FROM:<a@b.example>\r\n");
    assert_true(has_heard(c, "503 "));
    sim_run_for(s->loop, 6 * MINUTE);
    assert_int_equal(connected(s), 0);
    hang_up(&c);
}

static void bytes_behind_starttls_are_an_attack(void **state) { /* ST01 */
    struct scene *s = *state;
    open_server(s, BIG);
    struct client *c = dial(s, ANYBODY);
    say(s, c, "EHLO c\r\nSTARTTLS\r\nRSET\r\n");
    assert_int_equal(connected(s), 0);
    assert_false(has_heard(c, "220 2"));
    hang_up(&c);
}

/* ---- bounds ---- */
static void an_address_has_so_many(void **state) { /* AU21, LM13 */
    struct scene *s = *state;
    open_server(s, (struct crowd_bounds){.connections_max = 100, .per_address_max = 2});
    struct client *c[] = {dial(s, "[2001:db8:0:1::1]:0"), dial(s, "[2001:db8:0:1:ffff::2]:0"), dial(s, "[2001:db8:0:1::3]:0"),
                          dial(s, "[2001:db8:0:2::3]:0")};
    assert_true(has_heard(c[0], "220 ") && has_heard(c[1], "220 ") && has_heard(c[3], "220 "));
    assert_true(has_heard(c[2], "421 4.7.0 ")); /* a /64 is one of many addresses */
    assert_int_equal(connected(s), 3);
    assert_int_equal(atomic_load(&s->metrics.value[METRIC_SMTP_IN_REFUSED]), 1);
    hang_up(&c[0]);
    hang_up(&c[2]);
    sim_run_for(s->loop, 100);
    c[0] = dial(s, "[2001:db8:0:1::4]:0");
    assert_true(has_heard(c[0], "220 "));
    hang_up(&c[0]);
    hang_up(&c[1]);
    hang_up(&c[3]);
}

static void in_a_crowd_patience_is_short(void **state) { /* LM18 */
    struct scene *s = *state;
    open_server(s, (struct crowd_bounds){.connections_max = 5, .per_address_max = 100});
    struct client *c[6];
    for (size_t i = 0; i < 6; i++) c[i] = dial(s, ANYBODY);
    assert_true(has_heard(c[5], "421 4.3.2 "));
    say(s, c[4], "HUCH\r\n");
    assert_true(has_heard(c[4], "421 ")); /* one mistake is enough */
    sim_run_for(s->loop, 15000);
    assert_int_equal(connected(s), 4); /* who came before the crowd has his time */
    for (size_t i = 0; i < 6; i++) hang_up(&c[i]);
}

static void mail_in_memory_is_bounded(void **state) { /* P8 */
    struct scene *s = *state;
    open_server(s, (struct crowd_bounds){.connections_max = 100, .content_bytes_max = 1 << 20});
    struct client *greedy = dial(s, ANYBODY), *modest = dial(s, "203.0.113.6:0");
    say(s, greedy, ENVELOPE);
    say(s, modest, ENVELOPE);
    static char piece[40001];
    for (size_t i = 0; i < sizeof piece - 1; i++) piece[i] = i % 100 < 98 ? 'x' : i % 100 == 98 ? '\r' : '\n';
    for (int i = 0; i < 20; i++) say(s, greedy, piece);
    assert_true(has_heard(greedy, "421 4.3.2 Too busy"));
    say(s, modest, "x\r\n.\r\n");
    assert_true(has_heard(modest, "250 2.0.0 Stored"));
    assert_true(crowd_move_content(s->crowd, &(struct ip){.family = 4, .bytes = {1}}, 0, 1 << 19)); /* all was given back */
    assert_true(crowd_move_content(s->crowd, &(struct ip){.family = 4, .bytes = {1}}, 1 << 19, 0));
    hang_up(&greedy);
    hang_up(&modest);
}

static void what_is_made_of_a_mail_counts_too(void **state) { /* P8 */
    struct scene *s = *state;
    const struct ip other = {.family = 4, .bytes = {1}};
    s->store_ms = 1000;
    s->made_bytes = 900000;
    open_server(s, (struct crowd_bounds){.connections_max = 100, .content_bytes_max = 1 << 20});
    struct client *c = dial(s, ANYBODY);
    say(s, c, ENVELOPE);
    say(s, c, "x\r\n.\r\n");
    assert_false(crowd_move_content(s->crowd, &other, 0, 1 << 18));
    sim_run_for(s->loop, 2000);
    assert_true(has_heard(c, "250 2.0.0 Stored"));
    assert_true(crowd_move_content(s->crowd, &other, 1 << 18, 1 << 18));
    assert_true(crowd_move_content(s->crowd, &other, 1 << 18, 0));
    hang_up(&c);
}

static void refused_mail_takes_no_memory(void **state) { /* P8: not even while its client is still there */
    struct scene *s = *state;
    open_server(s, (struct crowd_bounds){.connections_max = 100, .content_bytes_max = 1 << 20});
    struct client *greedy = dial(s, ANYBODY), *next = dial(s, "203.0.113.6:0");
    static char piece[40001];
    for (size_t i = 0; i < sizeof piece - 1; i++) piece[i] = i % 100 < 98 ? 'x' : i % 100 == 98 ? '\r' : '\n';
    say(s, greedy, ENVELOPE);
    stream_pause(greedy->stream); /* he does not hear that it is over */
    for (int i = 0; i < 15; i++) say(s, greedy, piece);
    assert_int_equal(connected(s), 2);
    say(s, next, ENVELOPE);
    for (int i = 0; i < 6; i++) say(s, next, piece);
    say(s, next, "\r\n.\r\n");
    assert_true(has_heard(next, "250 2.0.0 Stored"));
    assert_int_equal(connected(s), 2);
    stream_resume(greedy->stream);
    sim_run_for(s->loop, 10);
    assert_true(has_heard(greedy, "421 4.3.2 Too busy"));
    hang_up(&greedy);
    hang_up(&next);
}

/* Say whole pieces of content until so many bytes are said or the server has heard enough. */
static void say_much(struct scene *s, struct client *c, size_t bytes) {
    static char piece[50001];
    for (size_t i = 0; i < sizeof piece - 1; i++) piece[i] = i % 100 < 98 ? 'x' : i % 100 == 98 ? '\r' : '\n';
    for (size_t said = 0; said < bytes && !c->is_closed; said += sizeof piece - 1) say(s, c, piece);
}

/* How a client wastes the server's time, on a connection that is in DATA or behind RCPT. */
static void abort_content(struct scene *s, struct client *c) {
    say(s, c, "DATA\r\n");
    say_much(s, c, 7 << 20);
}

static void send_too_much(struct scene *s, struct client *c) {
    say(s, c, "DATA\r\n");
    say_much(s, c, 9 << 20);
    say(s, c, "\r\n.\r\n");
}

static void abort_chunks(struct scene *s, struct client *c) {
    say(s, c, "BDAT 4000000\r\n");
    say_much(s, c, 4000000);
    say(s, c, "RSET\r\n");
}

static void send_refused_chunks(struct scene *s, struct client *c) {
    say(s, c, "RSET\r\nBDAT 4000000\r\n");
    say_much(s, c, 4000000);
}

static bool is_welcome(struct scene *s, const char *from) {
    struct client *c = dial(s, from);
    bool is_greeted = has_heard(c, "220 ");
    assert_true(is_greeted || has_heard(c, "421 4.7.0 Too much"));
    hang_up(&c);
    return is_greeted;
}

static void who_sends_for_nothing_is_sent_away(struct scene *s, void (*waste)(struct scene *s, struct client *c)) {
    int tries = 0;
    while (tries < 200 && is_welcome(s, ANYBODY)) {
        struct client *c = dial(s, ANYBODY);
        say(s, c, "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
        waste(s, c);
        hang_up(&c);
        sim_run_for(s->loop, 100);
        tries++;
    }
    assert_in_range(tries, 10, 199);
    assert_true(is_welcome(s, "203.0.113.6:0")); /* another one's waste is not his */
    sim_run_for(s->loop, 60 * MINUTE);
    assert_true(is_welcome(s, ANYBODY));
}

static void content_for_nothing_has_a_bound(void **state) { /* LM14 */
    struct scene *s = *state;
    s->shared.limits = s->limits = limits_new(1024);
    open_server(s, BIG);
    who_sends_for_nothing_is_sent_away(s, abort_content);
    who_sends_for_nothing_is_sent_away(s, send_too_much);
    who_sends_for_nothing_is_sent_away(s, abort_chunks);
    who_sends_for_nothing_is_sent_away(s, send_refused_chunks);
}

static void a_kept_connection_is_cut_when_it_wastes(void **state) { /* LM14 */
    struct scene *s = *state;
    s->shared.limits = s->limits = limits_new(1024);
    open_server(s, BIG);
    struct client *c = dial(s, ANYBODY);
    say(s, c, "EHLO c\r\n");
    for (int i = 0; i < 99 && !c->is_closed; i++) {
        say(s, c, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
        abort_chunks(s, c);
        buf_reset(stream_in(c->stream));
    }
    assert_true(c->is_closed);
    hang_up(&c);
}

static void send_what_is_over_a_limit(struct scene *s, struct client *c) {
    s->answer = (struct smtp_reply){450, STR("4.7.1"), STR("Too much")};
    abort_content(s, c);
    say(s, c, "\r\n.\r\n");
    assert_true(c->is_closed || has_heard(c, "450 4.7.1 "));
}

static void content_beyond_a_limit_counts_too(void **state) { /* LM14 */
    struct scene *s = *state;
    s->shared.limits = s->limits = limits_new(1024);
    open_server(s, BIG);
    who_sends_for_nothing_is_sent_away(s, send_what_is_over_a_limit);
}

static void our_own_trouble_costs_nothing(void **state) { /* LM14, LM16 */
    struct scene *s = *state;
    s->shared.limits = s->limits = limits_new(1024);
    s->answer = reply_for_status(STATUS_TEMPORARY);
    open_server(s, BIG);
    for (int i = 0; i < 60; i++) {
        struct client *c = dial(s, ANYBODY);
        say(s, c, "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
        abort_content(s, c);
        say(s, c, "\r\n.\r\n");
        assert_true(has_heard(c, "451 4.3.0 "));
        hang_up(&c);
    }
}

static void content_that_is_stored_costs_nothing(void **state) { /* LM14 */
    struct scene *s = *state;
    s->shared.limits = s->limits = limits_new(1024);
    open_server(s, BIG);
    struct client *c = dial(s, ANYBODY);
    say(s, c, "EHLO c\r\n");
    for (unsigned i = 1; i <= 60; i++) {
        say(s, c, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
        abort_content(s, c);
        say(s, c, "\r\n.\r\n");
        assert_int_equal(s->stored, i);
        buf_reset(stream_in(c->stream));
    }
    hang_up(&c);
    assert_true(is_welcome(s, ANYBODY));
}

static void a_full_executor_is_told_as_no_room(void **state) { /* P8 */
    struct scene *s = *state;
    executor_free(&s->writer);
    assert_int_equal(executor_new(&(struct executor_options){.name = "writer", .threads = 1, .queue_max = 0}, &s->writer),
                     STATUS_OK);
    s->shared.writer = s->writer;
    open_server(s, BIG);
    struct client *c = dial(s, ANYBODY);
    say(s, c, ENVELOPE);
    say(s, c, "x\r\n.\r\nNOOP\r\n");
    assert_true(has_heard(c, "452 4.3.1 "));
    assert_true(has_heard(c, "250 2.0.0 Ok"));
    assert_int_equal(s->stored, 0);
    hang_up(&c);
}

/* ---- hops ---- */
static void a_proxy_s_header_may_drip(void **state) { /* PB25 */
    struct scene *s = *state;
    open_server(s, (struct crowd_bounds){.connections_max = 100, .per_address_max = 1});
    struct client *c[] = {dial(s, "192.0.2.1:0"), dial(s, "192.0.2.1:0"), dial(s, "192.0.2.1:0")};
    for (const char *p = "PROXY TCP4 203.0.113.5 198.51.100.1 4000 25\r\n"; *p; p++) say(s, c[0], (char[]){*p, 0});
    assert_true(has_heard(c[0], "220 "));
    say(s, c[1], "PROXY TCP4 203.0.113.5 198.51.100.1 4001 25\r\n"); /* the client's second: one too many */
    assert_true(has_heard(c[1], "421 4.7.0 "));
    sim_run_for(s->loop, 11000);
    assert_true(c[2]->is_closed && stream_in(c[2]->stream)->n == 0); /* it never came */
    for (size_t i = 0; i < 3; i++) hang_up(&c[i]);
}

static void words_before_the_banner_end_it_where_servers_come(void **state) { /* PB13 */
    struct scene *s = *state;
    s->options.kind = SMTPD_PUBLIC;
    open_server(s, BIG);
    struct client *c = dial(s, "192.0.2.1:0");
    say(s, c, "PROXY TCP4 203.0.113.5 198.51.100.1 4000 25\r\nEHLO c\r\n");
    assert_true(has_heard(c, "554 5.5.1 "));
    assert_false(has_heard(c, "250"));
    hang_up(&c);
}

static void what_is_no_smtp_is_not_answered(void **state) { /* ST12 */
    struct scene *s = *state;
    open_server(s, BIG);
    static const char *const noises[] = {"GET / HTTP/1.1\r\n\r\n", "post /x HTTP/1.0\r\n", "\x16\x03\x01", "\x01", "\xff\xff"};
    for (size_t i = 0; i < sizeof noises / sizeof noises[0]; i++) {
        struct client *c = dial(s, ANYBODY);
        for (const char *p = noises[i]; *p; p++) say(s, c, (char[]){*p, 0});
        assert_true(c->is_closed);
        assert_false(has_heard(c, "50"));
        hang_up(&c);
    }
}

/* ---- the end ---- */
static void a_peer_may_go_while_its_mail_is_stored(void **state) { /* P1 */
    struct scene *s = *state;
    s->store_ms = 5000;
    open_server(s, BIG);
    struct client *c = dial(s, ANYBODY);
    say(s, c, ENVELOPE);
    say(s, c, "x\r\n.\r\n");
    hang_up(&c);
    sim_run_for(s->loop, 1000);
    assert_int_equal(connected(s), 1);
    sim_run_for(s->loop, 10000);
    assert_int_equal(s->stored, 1);
    assert_int_equal(connected(s), 0);
}

static void stopping_waits_for_what_is_stored(void **state) { /* P7, PB28 */
    struct scene *s = *state;
    s->store_ms = 5000;
    open_server(s, BIG);
    struct client *idle = dial(s, ANYBODY), *storing = dial(s, ANYBODY);
    say(s, storing, ENVELOPE);
    say(s, storing, "x\r\n.\r\n");
    smtpd_stop(s->server, 60000, on_stopped, s);
    sim_run_for(s->loop, 4000);
    assert_true(has_heard(idle, "421 "));
    assert_int_equal(s->stopped, 0);
    sim_run_for(s->loop, 4000);
    assert_true(has_heard(storing, "250 2.0.0 Stored\r\n421 "));
    assert_int_equal(s->stopped, 1);
    hang_up(&idle);
    hang_up(&storing);
}

static void stopping_has_an_end(void **state) {
    struct scene *s = *state;
    s->store_ms = 30000;
    open_server(s, BIG);
    struct client *c = dial(s, ANYBODY);
    say(s, c, ENVELOPE);
    say(s, c, "x\r\n.\r\n");
    smtpd_stop(s->server, 1000, on_stopped, s);
    sim_run_for(s->loop, 20000);
    assert_true(c->is_closed);       /* the time was over */
    assert_int_equal(s->stopped, 0); /* but the job reads its memory */
    sim_run_for(s->loop, 20000);
    assert_int_equal(s->stopped, 1);
    hang_up(&c);
}

static void who_comes_while_it_stops_is_sent_away(void **state) {
    struct scene *s = *state;
    open_server(s, BIG);
    smtpd_stop(s->server, 1000, on_stopped, s);
    struct client *c = dial(s, ANYBODY);
    assert_true(has_heard(c, "421 4.3.2 "));
    hang_up(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_command_has_five_minutes_however_it_drips),
        TEST(content_keeps_a_rate_or_ends),
        TEST(after_its_mail_a_client_has_five_minutes),
        TEST(a_handshake_has_half_a_minute),
        TEST(starttls_begins_anew_with_a_deadline),
        TEST(bytes_behind_starttls_are_an_attack),
        TEST(an_address_has_so_many),
        TEST(in_a_crowd_patience_is_short),
        TEST(mail_in_memory_is_bounded),
        TEST(what_is_made_of_a_mail_counts_too),
        TEST(refused_mail_takes_no_memory),
        TEST(content_for_nothing_has_a_bound),
        TEST(a_kept_connection_is_cut_when_it_wastes),
        TEST(content_beyond_a_limit_counts_too),
        TEST(our_own_trouble_costs_nothing),
        TEST(content_that_is_stored_costs_nothing),
        TEST(a_full_executor_is_told_as_no_room),
        TEST(a_proxy_s_header_may_drip),
        TEST(words_before_the_banner_end_it_where_servers_come),
        TEST(what_is_no_smtp_is_not_answered),
        TEST(a_peer_may_go_while_its_mail_is_stored),
        TEST(stopping_waits_for_what_is_stored),
        TEST(stopping_has_an_end),
        TEST(who_comes_while_it_stops_is_sent_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
