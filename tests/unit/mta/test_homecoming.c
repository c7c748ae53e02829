/* test_homecoming.c - a message goes out, and what it caused comes back, on net_sim: who may write to us, how often, and what
 * becomes of it; with hours and months in no time (P9).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "core/bounce.h"
#include "net/listener.h"
#include "smtpd/smtpd.h"

#include <stdlib.h>
#include <string.h>

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)
#define HERE "198.51.100.1:25"

static const char report[] = "From: MAILER-DAEMON@any.test\r\nSubject: failed\r\nMIME-Version: 1.0\r\n"
                             "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
                             "--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n"
                             "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.any.test\r\n\r\n"
                             "Final-Recipient: rfc822;b@any.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
                             "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n"
                             "--b--\r\n.\r\n";

struct home {
    struct world *w;
    struct executor *slow;
    struct limits *limits;
    struct crowd *crowd;
    struct smtpd_shared shared;
    struct smtpd *smtpd;
    struct bounce_book *bounces;
    struct listener *listener;
    struct sim_server *far; /* the recipients' server */
    bool is_stopped;
};

static void open_smtpd(struct home *h) {
    struct world *w = h->w;
    BUF_AUTO why = {0};
    assert_int_equal(bounce_book_new(STR(""), &h->bounces, &why), STATUS_OK);
    h->shared = (struct smtpd_shared){.writer = w->writer,
                                      .readers = w->readers,
                                      .slow = h->slow,
                                      .metrics = &w->metrics,
                                      .limits = h->limits,
                                      .return_path_key = &w->return_path_key,
                                      .bounces = h->bounces,
                                      .rand = rand_system(),
                                      .hostname = STR("gateway.test")};
    h->crowd = crowd_new(&(struct crowd_bounds){.connections_max = 100, .per_address_max = 100, .content_bytes_max = 64 << 20});
    h->smtpd = smtpd_new(&(struct smtpd_options){
        .shared = &h->shared, .kind = SMTPD_RETURN_PATH, .loops = &w->loop, .loop_count = 1, .crowd = h->crowd});
    struct net_address address;
    assert_int_equal(net_address_parse(STR(HERE), &address), STATUS_OK);
    struct listener_options options = {
        .address = &address, .loops = &w->loop, .loop_count = 1, .accept = smtpd_accept, .arg = h->smtpd};
    assert_int_equal(listener_open(&options, &h->listener), STATUS_OK);
}

static int set_up(void **state) {
    struct home *h = *state = calloc(1, sizeof *h);
    h->w = world_new();
    assert_int_equal(executor_new(&(struct executor_options){.name = "slow", .threads = 1, .queue_max = 100}, &h->slow),
                     STATUS_OK);
    h->limits = limits_new(10000);
    sim_dns_add(h->w->loop, "any.test", DNS_A, "192.0.2.1");
    h->far = sim_server(h->w->loop, "192.0.2.1:25", NULL);
    open_smtpd(h);
    world_start(h->w);
    return 0;
}

static void on_stopped(void *arg) {
    ((struct home *)arg)->is_stopped = true;
}
static bool is_stopped(void *arg) {
    return ((struct home *)arg)->is_stopped;
}

static int tear_down(void **state) {
    struct home *h = *state;
    smtpd_stop(h->smtpd, 1000, on_stopped, h);
    assert_true(sim_run_until(h->w->loop, is_stopped, h, 60000));
    listener_close(&h->listener);
    smtpd_free(&h->smtpd);
    crowd_free(&h->crowd);
    executor_free(&h->slow);
    limits_free(&h->limits);
    bounce_book_free(&h->bounces);
    world_free(h->w);
    free(h);
    return 0;
}

/* ---- out ---- */
/* A message to b@any.test that was delivered. */
static int64_t deliver(struct home *h) {
    int64_t id = mail(h->w, "b@any.test", NULL, 0);
    assert_story(h->w, id, 10000, "delivery 250 . any.test; = delivered");
    return id;
}

/* The return path of the last message that the far server saw; the caller frees. */
static char *path_seen(struct home *h) {
    struct str all = sim_server_transcript(h->far), rest = all;
    for (size_t at; (at = str_find_str(rest, STR("MAIL FROM:<"))) != STR_NONE;) all = rest = str_sub(rest, at + 11, SIZE_MAX);
    all = str_sub(all, 0, str_find(all, '>'));
    assert_int_equal(str_find(all, '@'), RETURN_PATH_LOCAL_LEN);
    assert_true(str_ends(all, STR("@mail.sender.test")));
    return strndup(all.p, all.n);
}

/* ---- and home ---- */
struct caller {
    struct stream *stream;
    bool is_closed;
};

static void on_close(void *arg, enum status status) {
    (void)status;
    ((struct caller *)arg)->is_closed = true;
}

static struct caller *dial(struct home *h) {
    static const struct stream_events events = {.on_close = on_close};
    struct caller *c = calloc(1, sizeof *c);
    struct net_address to, source;
    assert_int_equal(net_address_parse(STR(HERE), &to), STATUS_OK);
    assert_int_equal(net_address_parse(STR("203.0.113.5:0"), &source), STATUS_OK);
    c->stream = stream_connect(h->w->loop, &to, &source, 1000, &events, c);
    sim_run_for(h->w->loop, 10);
    return c;
}

static void hang_up(struct caller **c) {
    stream_free(&(*c)->stream);
    free(*c);
    *c = NULL;
}

/* The last reply's code. */
static int say(struct home *h, struct caller *c, const char *words) {
    buf_reset(stream_in(c->stream));
    stream_write(c->stream, str_from_z(words));
    sim_run_for(h->w->loop, 30);
    struct str heard = str_trim(buf_str(stream_in(c->stream)));
    uint64_t code = 0;
    (void)str_to_u64(str_sub(heard, str_find_last(heard, '\n') + 1, 3), &code); /* NONE + 1 is 0 */
    return (int)code;
}

static int rcpt(struct home *h, struct caller *c, const char *mailbox) {
    BUF_AUTO words = {0};
    buf_addf(&words, "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\n", mailbox);
    return say(h, c, words.p);
}

static int bring(struct home *h, const char *mailbox, const char *content) {
    struct caller *c = dial(h);
    assert_int_equal(say(h, c, "EHLO mx.any.test\r\n"), 250);
    int code = rcpt(h, c, mailbox);
    if (code == 250) {
        assert_int_equal(say(h, c, "DATA\r\n"), 354);
        code = say(h, c, content);
    }
    hang_up(&c);
    return code;
}

static int64_t metric(const struct home *h, enum metric which) {
    return atomic_load(&h->w->metrics.value[which]);
}

#define RETURNED "delivery 250 . any.test; bounce 550  mx.any.test; = bounced"

static void a_bounce_comes_home_once(void **state) { /* BN03 */
    struct home *h = *state;
    int64_t id = deliver(h);
    char *path = path_seen(h);
    for (int i = 0; i < 5; i++) assert_int_equal(bring(h, path, report), 250);
    assert_story(h->w, id, 0, RETURNED);
    assert_int_equal(metric(h, METRIC_RETURNED), 1);
    assert_int_equal(metric(h, METRIC_REPORTS_IGNORED), 4);
    assert_true(world_has(h->w, "SELECT 1 FROM suppressions WHERE address = 'b@any.test' AND source = 4"));
    free(path);
}

static void an_address_is_heard_so_often_an_hour(void **state) { /* BN03 */
    struct home *h = *state;
    (void)deliver(h);
    char *path = path_seen(h);
    int codes[2] = {0};
    for (int i = 0; i < 40; i++) codes[bring(h, path, "\r\n.\r\n") == 250]++;
    assert_int_equal(codes[1], 30);
    assert_int_equal(bring(h, path, report), 450);
    sim_run_for(h->w->loop, HOUR);
    assert_int_equal(bring(h, path, report), 250);
    assert_int_equal(metric(h, METRIC_RETURNED), 1);
    free(path);
}

static void guesses_are_slowed_and_tokens_are_not(void **state) { /* BN01, BN16 */
    struct home *h = *state;
    (void)deliver(h);
    char *path = path_seen(h);
    int refused = 0, slowed = 0;
    for (int i = 0; i < 12; i++) {
        struct caller *c = dial(h);
        (void)say(h, c, "EHLO x\r\n");
        for (int k = 0; k < 10; k++) {
            int code = rcpt(h, c, "b+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@mail.sender.test");
            refused += code == 550;
            slowed += code == 450;
        }
        hang_up(&c);
    }
    assert_true(refused >= 100 && slowed >= 1);
    assert_int_equal(refused + slowed, 120);
    assert_int_equal(bring(h, "postmaster", "\r\n.\r\n"), 450);
    assert_int_equal(bring(h, path, report), 250);
    sim_run_for(h->w->loop, 60000);
    assert_int_equal(bring(h, "postmaster", "\r\n.\r\n"), 250);
    assert_int_equal(bring(h, "nobody@mail.sender.test", ""), 550);
    free(path);
}

static void a_return_path_has_ninety_days(void **state) { /* BN03 */
    struct home *h = *state;
    int64_t id = deliver(h), sent_at = clock_wall_ms(loop_clock(h->w->loop));
    char *path = path_seen(h);
    sim_set_wall(h->w->loop, sent_at + 91 * DAY);
    assert_int_equal(bring(h, path, report), 550);
    sim_set_wall(h->w->loop, sent_at + 89 * DAY);
    assert_int_equal(bring(h, path, report), 250);
    assert_story(h->w, id, 0, RETURNED);
    free(path);
}

static void what_comes_before_its_delivery_comes_again(void **state) { /* BN21 */
    struct home *h = *state;
    static const struct sim_rule lost[] = {{"(message)", "", 0, SIM_CLOSE, 1}, {.pattern = NULL}};
    sim_server_rules(h->far, lost);
    int64_t id = mail(h->w, "b@any.test", NULL, 0);
    sim_run_for(h->w->loop, 10000);
    char *path = path_seen(h);
    assert_int_equal(bring(h, path, report), 451);
    assert_int_equal(metric(h, METRIC_RETURNED) + metric(h, METRIC_REPORTS_IGNORED), 0);
    sim_run_for(h->w->loop, HOUR);
    assert_int_equal(bring(h, path, report), 250);
    char *told = story(h->w, id, 0);
    assert_true(str_ends(str_from_z(told), STR("delivery 250 . any.test; bounce 550  mx.any.test; = bounced")));
    free(told);
    free(path);
}

/* The peer goes while the writer has the report: it is heard all the same, and its next try changes nothing (BN24). */
static void a_peer_that_goes_is_heard(void **state) {
    struct home *h = *state;
    int64_t id = deliver(h);
    char *path = path_seen(h);
    struct caller *c = dial(h);
    (void)say(h, c, "EHLO x\r\n");
    assert_int_equal(rcpt(h, c, path), 250);
    assert_int_equal(say(h, c, "DATA\r\n"), 354);
    stream_write(c->stream, str_from_z(report));
    sim_run_for(h->w->loop, 1);
    hang_up(&c);
    sim_run_for(h->w->loop, 1000);
    (void)bring(h, path, report);
    assert_story(h->w, id, 0, RETURNED);
    assert_int_equal(metric(h, METRIC_RETURNED), 1);
    free(path);
}

/* Nothing is left of the transaction before, whatever ended it. */
static void transactions_are_apart(void **state) {
    struct home *h = *state;
    int64_t first = deliver(h);
    char *one = path_seen(h);
    int64_t second = deliver(h);
    char *two = path_seen(h);
    struct caller *c = dial(h);
    (void)say(h, c, "EHLO x\r\n");
    assert_int_equal(rcpt(h, c, one), 250);
    assert_int_equal(rcpt(h, c, two), 250); /* RSET came before */
    assert_int_equal(say(h, c, "DATA\r\n"), 354);
    assert_int_equal(say(h, c, report), 250);
    assert_story(h->w, first, 0, "delivery 250 . any.test; = delivered");
    assert_story(h->w, second, 0, RETURNED);
    assert_int_equal(say(h, c, "MAIL FROM:<>\r\nDATA\r\n"), 503);
    hang_up(&c);
    free(one);
    free(two);
}

/* A full slow pool or writer: later, and nothing is lost. */
static void a_full_house_says_later(void **state) { /* P8 */
    struct home *h = *state;
    int64_t id = deliver(h);
    char *path = path_seen(h);
    struct executor *slow = h->slow;
    struct executor *full;
    assert_int_equal(executor_new(&(struct executor_options){.name = "full", .threads = 1, .queue_max = 0}, &full), STATUS_OK);
    h->shared.slow = full;
    assert_int_equal(bring(h, path, report), 452);
    h->shared.slow = slow;
    h->shared.writer = full;
    assert_int_equal(bring(h, path, report), 452);
    h->shared.writer = h->w->writer;
    h->shared.readers = full;
    assert_int_equal(bring(h, path, report), 452);
    h->shared.readers = h->w->readers;
    assert_int_equal(bring(h, path, report), 250);
    assert_story(h->w, id, 0, RETURNED);
    executor_free(&full);
    free(path);
}

static void the_operator_gets_so_much_a_day(void **state) { /* P8 */
    struct home *h = *state;
    int kept = 0;
    for (int i = 0; i < 250; i++) {
        kept += bring(h, "postmaster", "Subject: x\r\n\r\n.\r\n") == 250;
        sim_run_for(h->w->loop, 1000); /* the client's own limit is another one */
    }
    assert_true(kept >= 200 && kept < 210);
    sim_run_for(h->w->loop, DAY);
    assert_int_equal(bring(h, "postmaster", "Subject: x\r\n\r\n.\r\n"), 250);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_bounce_comes_home_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_is_heard_so_often_an_hour, set_up, tear_down),
        cmocka_unit_test_setup_teardown(guesses_are_slowed_and_tokens_are_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_return_path_has_ninety_days, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_before_its_delivery_comes_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_peer_that_goes_is_heard, set_up, tear_down),
        cmocka_unit_test_setup_teardown(transactions_are_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_house_says_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_operator_gets_so_much_a_day, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
