/* test_loop.c - timers, the mailbox between threads, the listener's hand-out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct tick {
    struct timer timer;
    struct loop *loop;
    int count, number;
    int *order;
    bool is_done;
};

static void on_tick(void *arg) {
    struct tick *t = arg;
    t->count++;
    if (t->order) t->order[t->order[0]++] = t->number;
    t->is_done = true;
}

static void test_timers_fire_once_in_order(void **state) {
    (void)state;
    struct loop *loop;
    assert_int_equal(loop_new(&loop), STATUS_OK);
    int order[8] = {1};
    static const int64_t waits[] = {30, 0, 15};
    struct tick ticks[3];
    for (int i = 0; i < 3; i++) {
        ticks[i] = (struct tick){.number = i, .order = order};
        timer_init(&ticks[i].timer, loop, on_tick, &ticks[i]);
        timer_start(&ticks[i].timer, waits[i]);
        assert_true(timer_is_running(&ticks[i].timer));
    }
    int64_t start = clock_mono_ms(loop_clock(loop));
    run_until(loop, &ticks[0].is_done, 5000);
    assert_true(clock_mono_ms(loop_clock(loop)) - start >= 24);
    assert_int_equal(order[0], 4);
    assert_int_equal(order[1], 1);
    assert_int_equal(order[2], 2);
    assert_int_equal(order[3], 0);
    /* Moved, stopped, started again. */
    timer_start(&ticks[1].timer, 0);
    timer_start(&ticks[1].timer, 100000);
    timer_start(&ticks[2].timer, 0);
    timer_stop(&ticks[2].timer);
    ticks[0].is_done = false;
    timer_start(&ticks[0].timer, 10);
    assert_false(timer_is_running(&ticks[2].timer));
    run_until(loop, &ticks[0].is_done, 5000);
    assert_int_equal(ticks[0].count, 2);
    assert_int_equal(ticks[1].count, 1);
    assert_int_equal(ticks[2].count, 1);
    for (int i = 0; i < 3; i++) timer_fini(&ticks[i].timer);
    loop_free(&loop);
}

static void test_stop_before_run(void **state) {
    (void)state;
    struct loop *loop;
    assert_int_equal(loop_new(&loop), STATUS_OK);
    loop_stop(loop);
    loop_run(loop);
    loop_free(&loop);
}

#define SENDERS 4
#define POSTS   5000
struct letter {
    struct post post;
    struct sink *sink;
    int sender, number;
};
struct sink {
    struct loop *loop;
    int next[SENDERS], total;
    bool is_done;
};
struct sender {
    struct sink *sink;
    struct letter letters[POSTS];
    int number;
};

static void on_letter(struct post *post) {
    struct letter *l = LIST_OWNER(post, struct letter, post);
    assert_int_equal(l->number, l->sink->next[l->sender]++); /* in order per sender */
    if (++l->sink->total == SENDERS * POSTS) l->sink->is_done = true;
}

static void *send_letters(void *arg) {
    struct sender *s = arg;
    for (int i = 0; i < POSTS; i++) {
        s->letters[i] = (struct letter){.post.fn = on_letter, .sink = s->sink, .sender = s->number, .number = i};
        loop_post(s->sink->loop, &s->letters[i].post);
    }
    return NULL;
}

static void test_posts_from_many_threads(void **state) {
    (void)state;
    struct sink sink = {0};
    assert_int_equal(loop_new(&sink.loop), STATUS_OK);
    struct sender *senders = calloc(SENDERS, sizeof *senders);
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i].sink = &sink;
        senders[i].number = i;
        pthread_create(&threads[i], NULL, send_letters, &senders[i]);
    }
    run_until(sink.loop, &sink.is_done, 20000);
    for (int i = 0; i < SENDERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(sink.total, SENDERS * POSTS);
    loop_free(&sink.loop);
    free(senders);
}

static void test_free_delivers_what_is_left(void **state) {
    (void)state;
    struct sink sink = {0};
    assert_int_equal(loop_new(&sink.loop), STATUS_OK);
    struct letter letter = {.post.fn = on_letter, .sink = &sink};
    loop_post(sink.loop, &letter.post);
    struct loop *loop = sink.loop;
    loop_free(&loop);
    assert_int_equal(sink.total, 1);
}

/* ---- listener ---- */
struct counter {
    struct loop *loops[2];
    int count[2];
    bool is_done;
};

static void on_accept(void *arg, struct loop *loop, int fd, const struct net_address *peer) {
    struct counter *c = arg;
    assert_true(net_address_is_loopback(peer));
    c->count[loop == c->loops[1]]++;
    close(fd);
    if (c->count[0] + c->count[1] == 6) c->is_done = true;
}

static struct listener_options options_for(struct counter *c, struct net_address *address, const char *text) {
    assert_int_equal(net_address_parse(str_from_z(text), address), STATUS_OK);
    return (struct listener_options){
        .address = address, .loops = c->loops, .loop_count = 2, .accept = on_accept, .arg = c, .unix_mode = 0600};
}

static void connect_times(struct counter *c, const struct net_address *to, int times) {
    static const struct stream_events nothing;
    struct stream *streams[8];
    for (int i = 0; i < times; i++) streams[i] = stream_connect(c->loops[0], to, NULL, 5000, &nothing, NULL);
    bool never = false;
    run_until(c->loops[0], &never, 30); /* what is meant for the second loop waits in its mailbox */
    run_until(c->loops[1], &never, 4);
    for (int i = 0; i < times; i++) stream_free(&streams[i]);
}

static void test_listener_hands_out_round_robin(void **state) {
    (void)state;
    struct counter c = {0};
    for (int i = 0; i < 2; i++) assert_int_equal(loop_new(&c.loops[i]), STATUS_OK);
    struct net_address address;
    struct listener_options options = options_for(&c, &address, "127.0.0.1:0");
    struct listener *l, *second;
    assert_int_equal(listener_open(&options, &l), STATUS_OK);
    assert_int_not_equal(listener_address(l)->port, 0);
    connect_times(&c, listener_address(l), 6);
    assert_true(c.is_done);
    assert_int_equal(c.count[0], 3);
    assert_int_equal(c.count[1], 3);
    address = *listener_address(l);
    assert_int_equal(listener_open(&options, &second), STATUS_EXISTS);
    options = options_for(&c, &address, "203.0.113.9:25");
    assert_int_equal(listener_open(&options, &second), STATUS_INVALID);
    listener_close(&l);
    for (int i = 0; i < 2; i++) loop_free(&c.loops[i]);
}

/* P8: without descriptors it waits, and goes on when there are some again. */
static void test_P8_listener_waits_for_descriptors(void **state) {
    (void)state;
    struct counter c = {0};
    for (int i = 0; i < 2; i++) assert_int_equal(loop_new(&c.loops[i]), STATUS_OK);
    struct net_address address;
    struct listener_options options = options_for(&c, &address, "127.0.0.1:0");
    struct listener *l;
    assert_int_equal(listener_open(&options, &l), STATUS_OK);
    static const struct stream_events nothing;
    struct stream *client = stream_connect(c.loops[0], listener_address(l), NULL, 5000, &nothing, NULL);
    int next_fd = dup(0);
    close(next_fd);
    struct rlimit limit, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)next_fd, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool never = false;
    run_until(c.loops[0], &never, 30);
    assert_int_equal(c.count[0], 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    run_until(c.loops[0], &never, 300);
    assert_int_equal(c.count[0], 1);
    stream_free(&client);
    listener_close(&l);
    for (int i = 0; i < 2; i++) loop_free(&c.loops[i]);
}

static void test_unix_listener_replaces_a_stale_socket_only(void **state) {
    (void)state;
    struct counter c = {0};
    for (int i = 0; i < 2; i++) assert_int_equal(loop_new(&c.loops[i]), STATUS_OK);
    char folder[] = "/tmp/test-net-XXXXXX";
    assert_non_null(mkdtemp(folder));
    BUF_AUTO text = {0};
    buf_addf(&text, "unix:%s/s", folder);
    struct net_address address;
    struct listener_options options = options_for(&c, &address, text.p);
    struct listener *l, *second;
    assert_int_equal(listener_open(&options, &l), STATUS_OK);
    struct stat about;
    assert_int_equal(stat(address.path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(listener_open(&options, &second), STATUS_EXISTS); /* alive */
    connect_times(&c, &address, 6);
    assert_true(c.is_done);
    /* A crash leaves the file: here, a second name of it outlives the listener. */
    BUF_AUTO other = {0};
    buf_addf(&other, "%s/t", folder);
    assert_int_equal(link(address.path, other.p), 0);
    listener_close(&l);
    assert_int_equal(rename(other.p, address.path), 0);
    assert_int_equal(listener_open(&options, &l), STATUS_OK);
    listener_close(&l);
    assert_int_equal(access(address.path, F_OK), -1);
    rmdir(folder);
    for (int i = 0; i < 2; i++) loop_free(&c.loops[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_fire_once_in_order),
        cmocka_unit_test(test_stop_before_run),
        cmocka_unit_test(test_posts_from_many_threads),
        cmocka_unit_test(test_free_delivers_what_is_left),
        cmocka_unit_test(test_listener_hands_out_round_robin),
        cmocka_unit_test(test_P8_listener_waits_for_descriptors),
        cmocka_unit_test(test_unix_listener_replaces_a_stale_socket_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
