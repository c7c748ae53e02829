/* test_threads.c - one writer and two readers at once: every snapshot shows whole messages only (P3, I4).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define BATCHES 40
#define GROUP   5

struct scene {
    struct fixture *f;
    atomic_bool is_over;
};
struct accept_job {
    struct job job;
    uint8_t mark;
};
struct count_job {
    struct job job;
    int64_t messages, bodies, recipients, events;
};

static enum status accept_run(struct job *job, void *ctx) {
    const struct accept_job *j = (struct accept_job *)(void *)job;
    struct message message = {.uuid = make_uuid(j->mark), .tags = TEXT("[]"), .metadata = TEXT("{}")};
    int64_t id = 0, recipient_id = 0, event_id = 0;
    enum status st = message_add(ctx, &message, &id);
    if (st == STATUS_OK) st = body_add(ctx, &(struct body){.message_id = id, .content = TEXT("body")});
    struct recipient recipient = {.message_id = id, .domain = TEXT("example.net"), .state = RECIPIENT_QUEUED};
    if (st == STATUS_OK) st = recipient_add(ctx, &recipient, &(struct node_epoch){1, 1}, &recipient_id);
    struct event event = {.type = EVENT_SEND, .message_id = id, .recipient_id = recipient_id, .detail = TEXT("{}")};
    return st == STATUS_OK ? event_record(ctx, &event, &event_id) : st;
}

static enum status count_one(struct db *db, const char *sql, int64_t *ret) {
    struct stmt *s = db_stmt(db, sql);
    enum status st = stmt_step(s);
    if (st == STATUS_ROW) *ret = stmt_int(s, 0);
    return st == STATUS_ROW ? STATUS_OK : st;
}

static enum status count_run(struct job *job, void *ctx) {
    struct count_job *j = (struct count_job *)(void *)job;
    enum status st = count_one(ctx, "SELECT count(*) FROM events", &j->events);
    if (st == STATUS_OK) st = count_one(ctx, "SELECT count(*) FROM messages", &j->messages);
    if (st == STATUS_OK) st = count_one(ctx, "SELECT count(*) FROM bodies", &j->bodies);
    return st == STATUS_OK ? count_one(ctx, "SELECT count(*) FROM recipients", &j->recipients) : st;
}

/* Returns what went wrong, NULL if nothing. */
static void *write_all(void *arg) {
    struct scene *scene = arg;
    void *ctx = NULL;
    const char *wrong = NULL;
    if (writer_start(&scene->f->options, &ctx) != STATUS_OK) return (void *)(uintptr_t) "writer_start";
    for (int b = 0; b < BATCHES; b++) {
        struct accept_job jobs[GROUP];
        struct job *list[GROUP];
        for (int i = 0; i < GROUP; i++) {
            jobs[i] = (struct accept_job){.job.run = accept_run, .mark = (uint8_t)(b * GROUP + i)};
            list[i] = &jobs[i].job;
        }
        writer_batch(ctx, list, GROUP);
        for (int i = 0; i < GROUP; i++)
            if (jobs[i].job.status != STATUS_OK) wrong = "a write failed";
        writer_idle(ctx);
    }
    writer_stop(ctx);
    return (void *)(uintptr_t)wrong;
}

static void *read_all(void *arg) {
    struct scene *scene = arg;
    void *ctx = NULL;
    const char *wrong = NULL;
    int64_t last = 0;
    if (reader_start(&scene->f->options, &ctx) != STATUS_OK) return (void *)(uintptr_t) "reader_start";
    while (!wrong && !atomic_load(&scene->is_over)) {
        struct count_job job = {.job.run = count_run};
        struct job *list[] = {&job.job};
        reader_batch(ctx, list, 1);
        bool is_whole = job.messages == job.bodies && job.messages == job.recipients && job.messages == job.events;
        if (job.job.status != STATUS_OK) wrong = "a read failed";
        if (!is_whole || job.messages % GROUP != 0) wrong = "half a batch";
        if (job.messages < last) wrong = "went back";
        last = job.messages;
    }
    reader_stop(ctx);
    return (void *)(uintptr_t)wrong;
}

static void test_P3_readers_see_whole_batches(void **state) {
    (void)state;
    struct scene scene = {.f = fixture_closed()};
    pthread_t writer, readers[2];
    void *wrong = NULL;
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&readers[i], NULL, read_all, &scene), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_all, &scene), 0);
    assert_int_equal(pthread_join(writer, &wrong), 0);
    assert_ptr_equal(wrong, NULL);
    atomic_store(&scene.is_over, true);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(readers[i], &wrong), 0);
        assert_ptr_equal(wrong, NULL);
    }
    assert_int_equal(fixture_number(scene.f, "SELECT count(*) FROM messages"), BATCHES * GROUP);
    fixture_free(scene.f);
}

int run_threads(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P3_readers_see_whole_batches),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
