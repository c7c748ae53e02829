/* test_feed.c - where the feed goes: files that are moved, torn, full or no files; readers that hang up, are silent or not there;
 * and the driver on net_sim's clock: nothing is taken away that was not written, waits grow, a stop ends at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "hook/feed_driver.h"
#include "hook/feed_sink.h"
#include "net_sim/sim.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct place {
    char folder[64], file[96], target[128];
};

static struct place place_new(const char *kind) {
    struct place p;
    snprintf(p.folder, sizeof p.folder, "/tmp/posthorn-feed-XXXXXX");
    assert_non_null(mkdtemp(p.folder));
    snprintf(p.file, sizeof p.file, "%s/feed", p.folder);
    snprintf(p.target, sizeof p.target, "%s:%s", kind, p.file);
    return p;
}

static void place_free(struct place *p) {
    (void)unlink(p->file);
    assert_int_equal(rmdir(p->folder), 0);
}

static struct feed_sink *sink_of(const char *target) {
    struct feed_sink *sink = NULL;
    assert_ok(feed_sink_new(str_from_z(target), &sink));
    return sink;
}

static void put(const char *file, const char *bytes, size_t n) {
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static void has(const char *file, const char *text) {
    char bytes[32768];
    int fd = open(file, O_RDONLY);
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
}

static enum status give(struct feed_sink *sink, const char *lines) {
    BUF_AUTO why = {0};
    enum status status = feed_sink_write(sink, str_from_z(lines), &why);
    assert_true(status == STATUS_OK || status == STATUS_CANCELLED || why.n);
    return status;
}

/* ---- files ---- */
static void test_lines_are_appended_and_a_moved_file_is_left(void **state) {
    (void)state;
    struct place p = place_new("file");
    struct feed_sink *sink = sink_of(p.target);
    char moved[128];
    snprintf(moved, sizeof moved, "%s.1", p.file);
    assert_ok(give(sink, "{1}\n"));
    assert_ok(give(sink, "{2}\n"));
    has(p.file, "{1}\n{2}\n");
    assert_int_equal(rename(p.file, moved), 0);
    assert_ok(give(sink, "{3}\n"));
    has(p.file, "{3}\n");
    has(moved, "{1}\n{2}\n");
    (void)unlink(moved);
    feed_sink_free(&sink);
    place_free(&p);
}

static void test_p3_half_a_line_is_cut_off_wherever_it_begins(void **state) {
    (void)state;
    struct place p = place_new("file");
    struct feed_sink *sink = sink_of(p.target);
    static const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, 8193, 12288};
    static char torn[16384];
    memset(torn, 'x', sizeof torn);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put(p.file, torn, sizes[i]); /* no whole line at all */
        assert_ok(give(sink, "{1}\n"));
        has(p.file, "{1}\n");
        memcpy(torn, "{0}\n", 4);
        put(p.file, torn, 4 + sizes[i]);
        assert_ok(give(sink, "{1}\n"));
        has(p.file, "{0}\n{1}\n");
        memcpy(torn, "xxxx", 4);
    }
    feed_sink_free(&sink);
    place_free(&p);
}

static void test_p8_what_finds_no_room_leaves_whole_lines(void **state) {
    (void)state;
    struct place p = place_new("file");
    struct feed_sink *sink = sink_of(p.target);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){10, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_ok(give(sink, "{1}\n"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum status status = give(sink, "{2}\n{3}\n"); /* six of its eight bytes have room */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, STATUS_TEMPORARY);
    has(p.file, "{1}\n");
    assert_ok(give(sink, "{2}\n{3}\n"));
    has(p.file, "{1}\n{2}\n{3}\n");
    feed_sink_free(&sink);
    place_free(&p);
}

static void test_what_is_no_file_is_left_alone(void **state) {
    (void)state;
    struct place p = place_new("file");
    struct feed_sink *fifo, *full = sink_of("file:/dev/full"), *folder, *nowhere = sink_of("file:/nowhere/at/all");
    assert_int_equal(mkfifo(p.file, 0600), 0);
    fifo = sink_of(p.target);
    folder = sink_of("file:/tmp/");
    assert_int_equal(give(fifo, "{1}\n"), STATUS_TEMPORARY);
    assert_int_equal(give(full, "{1}\n"), STATUS_TEMPORARY);
    assert_int_equal(give(folder, "{1}\n"), STATUS_TEMPORARY);
    assert_int_equal(give(nowhere, "{1}\n"), STATUS_TEMPORARY);
    feed_sink_free(&fifo);
    feed_sink_free(&full);
    feed_sink_free(&folder);
    feed_sink_free(&nowhere);
    feed_sink_free(&nowhere);
    place_free(&p);
}

/* ---- sockets ---- */
enum manner { READS_ALL, HANGS_UP, SAYS_NOTHING };
struct reader {
    pthread_t thread;
    int fd;
    enum manner manner;
    size_t got;
};

static void *read_on(void *arg) {
    struct reader *r = arg;
    char bytes[65536];
    ssize_t n;
    int fd = accept(r->fd, NULL, NULL);
    if (r->manner == HANGS_UP) (void)!read(fd, bytes, 10);
    if (r->manner == READS_ALL)
        while ((n = read(fd, bytes, sizeof bytes)) > 0) r->got += (size_t)n;
    if (r->manner == SAYS_NOTHING) (void)!recv(fd, bytes, 1, MSG_PEEK | MSG_WAITALL);
    if (r->manner == SAYS_NOTHING) usleep(50000);
    close(fd);
    return NULL;
}

static void reader_start_at(struct reader *r, const char *path, enum manner manner) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    *r = (struct reader){.fd = socket(AF_UNIX, SOCK_STREAM, 0), .manner = manner};
    assert_int_equal(bind(r->fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(r->fd, 5), 0);
    assert_int_equal(pthread_create(&r->thread, NULL, read_on, r), 0);
}

static void reader_end(struct reader *r, const char *path) {
    pthread_join(r->thread, NULL);
    close(r->fd);
    (void)unlink(path);
}

static void test_p3_a_batch_counts_when_its_reader_read_all_of_it(void **state) {
    (void)state;
    static const struct {
        enum manner manner;
        enum status status;
    } cases[] = {{READS_ALL, STATUS_OK}, {HANGS_UP, STATUS_TEMPORARY}, {SAYS_NOTHING, STATUS_TEMPORARY}};
    static char lines[1 << 20];
    struct place p = place_new("unix");
    struct feed_sink *sink = sink_of(p.target);
    memset(lines, 'x', sizeof lines - 2);
    lines[sizeof lines - 2] = '\n';
    assert_int_equal(give(sink, "{1}\n"), STATUS_TEMPORARY); /* nobody is there */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reader r;
        reader_start_at(&r, p.file, cases[i].manner);
        assert_int_equal(give(sink, lines), cases[i].status);
        reader_end(&r, p.file);
        if (cases[i].manner == READS_ALL) assert_int_equal(r.got, strlen(lines));
    }
    feed_sink_free(&sink);
    place_free(&p);
}

static void test_a_cancelled_sink_waits_for_nobody(void **state) {
    (void)state;
    struct place p = place_new("unix");
    struct feed_sink *sink = sink_of(p.target);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", p.file);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 5), 0);
    feed_sink_cancel(sink);
    assert_int_equal(give(sink, "{1}\n"), STATUS_CANCELLED); /* it would wait for the reader's close */
    close(fd);
    feed_sink_free(&sink);
    place_free(&p);
}

static void test_targets(void **state) {
    (void)state;
    static const char *const wrong[] = {"",     "x",          "file:",       "file:x",      "file:/",  "unix:",   "unix:relative",
                                        "tcp:", "tcp:host:1", "tcp:1.2.3.4", "tcp:unix:/x", "FILE:/x", " file:/x"};
    struct feed_sink *sink = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(feed_sink_new(str_from_z(wrong[i]), &sink), STATUS_INVALID);
    static const char *const right[] = {"file:/x", "unix:/x", "tcp:127.0.0.1:1", "tcp:[::1]:65535"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        sink = sink_of(right[i]);
        feed_sink_free(&sink);
    }
}

/* ---- the driver ---- */
struct scene {
    struct fixture *f;
    struct loop *loop;
    struct executor *writer, *readers;
    struct feed_driver *driver;
    struct place place;
    int64_t account, domain, message, recipient;
    bool is_stopped;
};

static void on_stopped(void *arg) {
    ((struct scene *)arg)->is_stopped = true;
}

static struct scene *scene_new(void) {
    struct scene *s = calloc(1, sizeof *s);
    s->f = fixture_new();
    s->place = place_new("file");
    feed_expect(s->f->db);
    (void)make_node(s->f->db);
    s->account = make_account(s->f->db, "a@x.test");
    s->domain = make_domain(s->f->db, s->account, "x.test");
    s->message = make_message(s->f->db, s->account, s->domain, 1);
    s->recipient = make_recipient(s->f->db, s->message, s->account, "example.net", NOW);
    assert_ok(db_commit(s->f->db));
    db_rollback(s->f->db);
    assert_ok(loop_new(&s->loop));
    struct executor_options writer = {.name = "writer",
                                      .threads = 1,
                                      .queue_max = 100,
                                      .thread_start = writer_start,
                                      .thread_stop = writer_stop,
                                      .batch = writer_batch,
                                      .batch_max_jobs = WRITER_BATCH_JOBS,
                                      .batch_max_bytes = WRITER_BATCH_BYTES,
                                      .arg = &s->f->options};
    struct executor_options readers = writer;
    readers.thread_start = reader_start;
    readers.thread_stop = reader_stop;
    readers.batch = reader_batch;
    readers.batch_max_jobs = 1;
    assert_ok(executor_new(&writer, &s->writer));
    assert_ok(executor_new(&readers, &s->readers));
    assert_ok(feed_driver_new(&(struct feed_driver_options){.loop = s->loop,
                                                            .writer = s->writer,
                                                            .readers = s->readers,
                                                            .metrics = &s->f->metrics,
                                                            .target = str_from_z(s->place.target)},
                              &s->driver));
    feed_driver_start(s->driver);
    return s;
}

static void scene_free(struct scene *s) {
    feed_driver_stop(s->driver, on_stopped, s);
    while (!s->is_stopped && sim_step(s->loop)) continue;
    assert_true(s->is_stopped);
    executor_free(&s->writer);
    executor_free(&s->readers);
    feed_driver_close(s->driver);
    loop_free(&s->loop);
    feed_driver_free(&s->driver);
    feed_driver_free(&s->driver);
    fixture_free(s->f);
    place_free(&s->place);
    free(s);
}

/* Another process's writer, for all that the driver knows. */
static void record(struct scene *s, int count) {
    int64_t id;
    const struct event event = {.at = NOW,
                                .type = EVENT_OPEN,
                                .account_id = s->account,
                                .domain_id = s->domain,
                                .message_id = s->message,
                                .recipient_id = s->recipient,
                                .recipient = TEXT("b@example.net")};
    assert_ok(db_begin(s->f->db));
    for (int i = 0; i < count; i++) assert_ok(event_record(s->f->db, &event, &id));
    assert_ok(db_commit(s->f->db));
    db_rollback(s->f->db);
}

static int64_t waiting(struct scene *s) {
    return fixture_number(s->f, "SELECT count(*) FROM feed_outbox");
}

static int64_t metric(struct scene *s, enum metric which) {
    return atomic_load(&s->f->metrics.value[which]);
}

static void test_events_come_soon_when_told_and_at_last_when_not(void **state) {
    (void)state;
    struct scene *s = scene_new();
    sim_run_for(s->loop, 1000);
    record(s, 3);
    feed_driver_wake(s->driver);
    feed_driver_wake(s->driver);
    sim_run_for(s->loop, FEED_GATHER_MS / 2);
    assert_int_equal(waiting(s), 1); /* more may come */
    sim_run_for(s->loop, FEED_GATHER_MS);
    assert_int_equal(waiting(s), 0);
    assert_int_equal(metric(s, METRIC_FEED_EVENTS), 3);
    record(s, 2500);
    sim_run_for(s->loop, 2 * FEED_LOOK_MS);
    assert_int_equal(waiting(s), 0);
    assert_int_equal(metric(s, METRIC_FEED_EVENTS), 2503);
    scene_free(s);
}

static void test_p3_what_was_not_written_stays(void **state) {
    (void)state;
    struct scene *s = scene_new();
    assert_int_equal(mkdir(s->place.file, 0700), 0); /* no file can be there */
    record(s, 3);
    feed_driver_wake(s->driver);
    sim_run_for(s->loop, 3600000);
    assert_int_equal(waiting(s), 1);
    int64_t failures = metric(s, METRIC_FEED_FAILURES);
    assert_true(failures > 50 && failures < 75); /* a minute apart, at last */
    assert_int_equal(metric(s, METRIC_FEED_EVENTS), 0);
    assert_int_equal(rmdir(s->place.file), 0);
    sim_run_for(s->loop, FEED_WAIT_MAX_MS);
    assert_int_equal(waiting(s), 0);
    assert_int_equal(metric(s, METRIC_FEED_EVENTS), 3);
    assert_int_equal(metric(s, METRIC_FEED_LAG), 0);
    scene_free(s);
}

/* A store that takes nothing, being full perhaps, does not make the file grow. */
static void test_what_is_there_is_not_written_again_while_the_store_is_in_trouble(void **state) {
    (void)state;
    struct scene *s = scene_new();
    if (!fixture_is_sqlite(s->f)) skip();
    assert_ok(db_begin(s->f->db));
    assert_ok(db_exec(s->f->db, "CREATE TRIGGER no BEFORE DELETE ON feed_outbox BEGIN SELECT RAISE(ABORT, 'no'); END"));
    assert_ok(db_commit(s->f->db));
    record(s, 3);
    feed_driver_wake(s->driver);
    sim_run_for(s->loop, 600000);
    struct stat first, then;
    assert_int_equal(stat(s->place.file, &first), 0);
    assert_int_equal(waiting(s), 1);
    assert_true(metric(s, METRIC_FEED_FAILURES) > 5);
    assert_ok(db_begin(s->f->db));
    assert_ok(db_exec(s->f->db, "DROP TRIGGER no"));
    assert_ok(db_commit(s->f->db));
    db_rollback(s->f->db);
    sim_run_for(s->loop, FEED_WAIT_MAX_MS + FEED_LOOK_MS);
    assert_int_equal(waiting(s), 0);
    assert_int_equal(metric(s, METRIC_FEED_EVENTS), 3);
    assert_int_equal(stat(s->place.file, &then), 0);
    assert_int_equal(then.st_size, first.st_size);
    scene_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_appended_and_a_moved_file_is_left),
        cmocka_unit_test(test_p3_half_a_line_is_cut_off_wherever_it_begins),
        cmocka_unit_test(test_p8_what_finds_no_room_leaves_whole_lines),
        cmocka_unit_test(test_what_is_no_file_is_left_alone),
        cmocka_unit_test(test_p3_a_batch_counts_when_its_reader_read_all_of_it),
        cmocka_unit_test(test_a_cancelled_sink_waits_for_nobody),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_events_come_soon_when_told_and_at_last_when_not),
        cmocka_unit_test(test_p3_what_was_not_written_stays),
        cmocka_unit_test(test_what_is_there_is_not_written_again_while_the_store_is_in_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
