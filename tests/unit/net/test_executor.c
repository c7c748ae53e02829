/* test_executor.c - executors: order, batches and their bounds, coming home, stopping.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include "net/executor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define JOBS 100

struct lab {
    struct loop *loop;
    struct executor *executor;
    pthread_mutex_t gate; /* held: the first job waits */
    size_t batches[JOBS + 1], batch_count;
    int ran[JOBS], ran_count; /* by the one worker */
    int done_count, turns;    /* on the loop */
    bool is_done, is_idle_seen;
    int expected;
    atomic_int idles, starts, stops;
    struct work {
        struct job job;
        struct lab *lab;
        int number;
        pthread_t done_on;
    } work[JOBS];
};

static enum status run_work(struct job *job, void *ctx) {
    struct work *w = LIST_OWNER(job, struct work, job);
    struct lab *lab = ctx;
    if (w->number == 0) {
        pthread_mutex_lock(&lab->gate);
        pthread_mutex_unlock(&lab->gate);
    }
    lab->ran[lab->ran_count++] = w->number;
    return w->number % 2 ? STATUS_NOT_FOUND : STATUS_OK;
}

static void run_batch(void *ctx, struct job *const *jobs, size_t n) {
    struct lab *lab = ctx;
    lab->batches[lab->batch_count++] = n;
    for (size_t i = 0; i < n; i++) jobs[i]->status = jobs[i]->run(jobs[i], ctx);
}

static void on_done(struct job *job) {
    struct work *w = LIST_OWNER(job, struct work, job);
    w->done_on = pthread_self();
    assert_int_equal(job->status, w->number % 2 ? STATUS_NOT_FOUND : STATUS_OK);
    if (++w->lab->done_count == w->lab->expected) w->lab->is_done = true;
}

static enum status start_thread(void *arg, void **ret_ctx) {
    struct lab *lab = arg;
    atomic_fetch_add(&lab->starts, 1);
    *ret_ctx = lab;
    return STATUS_OK;
}

static void stop_thread(void *ctx) {
    atomic_fetch_add(&((struct lab *)ctx)->stops, 1);
}

static void on_idle(void *ctx) {
    atomic_fetch_add(&((struct lab *)ctx)->idles, 1);
}

static struct executor_options options_for(struct lab *lab) {
    return (struct executor_options){.name = "a-name-that-is-too-long",
                                     .threads = 1,
                                     .queue_max = JOBS,
                                     .thread_start = start_thread,
                                     .thread_stop = stop_thread,
                                     .idle = on_idle,
                                     .arg = lab};
}

static struct lab *lab_new(void) {
    struct lab *lab = calloc(1, sizeof *lab);
    pthread_mutex_init(&lab->gate, NULL);
    assert_int_equal(loop_new(&lab->loop), STATUS_OK);
    for (int i = 0; i < JOBS; i++)
        lab->work[i] =
            (struct work){.job = {.run = run_work, .done = on_done, .loop = lab->loop, .bytes = 10}, .lab = lab, .number = i};
    return lab;
}

static void lab_free(struct lab *lab) {
    executor_free(&lab->executor);
    assert_int_equal(lab->starts, lab->stops);
    loop_free(&lab->loop);
    pthread_mutex_destroy(&lab->gate);
    free(lab);
}

/* The first job holds the worker until all others wait behind it; so what gathers is known. */
static void submit_behind_the_gate(struct lab *lab, int count) {
    pthread_mutex_lock(&lab->gate);
    lab->expected = count;
    assert_int_equal(executor_submit(lab->executor, &lab->work[0].job), STATUS_OK);
    while (executor_waiting(lab->executor) > 0) sched_yield();
    for (int i = 1; i < count; i++) assert_int_equal(executor_submit(lab->executor, &lab->work[i].job), STATUS_OK);
    pthread_mutex_unlock(&lab->gate);
    run_until(lab->loop, &lab->is_done, 20000);
    assert_int_equal(lab->done_count, count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(lab->ran[i], i); /* order of submission */
        assert_true(pthread_equal(lab->work[i].done_on, pthread_self()));
    }
}

static void test_one_by_one(void **state) {
    (void)state;
    struct lab *lab = lab_new();
    struct executor_options options = options_for(lab);
    assert_int_equal(executor_new(&options, &lab->executor), STATUS_OK);
    submit_behind_the_gate(lab, JOBS);
    executor_free(&lab->executor);
    assert_true(lab->idles >= 1);
    lab_free(lab);
}

static void test_batch_takes_what_gathered_up_to_max_jobs(void **state) {
    (void)state;
    struct lab *lab = lab_new();
    struct executor_options options = options_for(lab);
    options.batch = run_batch;
    options.batch_max_jobs = 40;
    options.batch_max_bytes = 1000000;
    assert_int_equal(executor_new(&options, &lab->executor), STATUS_OK);
    submit_behind_the_gate(lab, JOBS);
    static const size_t expected[] = {1, 40, 40, 19};
    assert_int_equal(lab->batch_count, 4);
    assert_memory_equal(lab->batches, expected, sizeof expected);
    lab_free(lab);
}

static void test_batch_takes_up_to_max_bytes_and_at_least_one(void **state) {
    (void)state;
    struct lab *lab = lab_new();
    struct executor_options options = options_for(lab);
    options.batch = run_batch;
    options.batch_max_jobs = 40;
    options.batch_max_bytes = 35;
    lab->work[4].job.bytes = 1000; /* alone more than a batch */
    lab->work[5].job.bytes = SIZE_MAX;
    assert_int_equal(executor_new(&options, &lab->executor), STATUS_OK);
    submit_behind_the_gate(lab, 9);
    static const size_t expected[] = {1, 3, 1, 1, 3};
    assert_int_equal(lab->batch_count, 5);
    assert_memory_equal(lab->batches, expected, sizeof expected);
    lab_free(lab);
}

static void test_P8_full_queue_refuses(void **state) {
    (void)state;
    struct lab *lab = lab_new();
    struct executor_options options = options_for(lab);
    options.queue_max = 2;
    lab->expected = 3;
    assert_int_equal(executor_new(&options, &lab->executor), STATUS_OK);
    pthread_mutex_lock(&lab->gate);
    assert_int_equal(executor_submit(lab->executor, &lab->work[0].job), STATUS_OK);
    while (executor_waiting(lab->executor) > 0) sched_yield();
    assert_int_equal(executor_submit(lab->executor, &lab->work[1].job), STATUS_OK);
    assert_int_equal(executor_submit(lab->executor, &lab->work[2].job), STATUS_OK);
    assert_int_equal(executor_submit(lab->executor, &lab->work[3].job), STATUS_LIMIT);
    pthread_mutex_unlock(&lab->gate);
    run_until(lab->loop, &lab->is_done, 20000);
    assert_int_equal(lab->done_count, 3);
    lab_free(lab);
}

/* Numbers are those of submission, behind job 0: lane 1 asked for five, then lane 2 for two, then nobody in particular for one.
 */
static void test_P6_lanes_take_turns(void **state) {
    (void)state;
    struct lab *lab = lab_new();
    struct executor_options options = options_for(lab);
    static const int64_t lanes[] = {1, 1, 1, 1, 1, 1, 2, 2, 0};
    static const int expected[] = {0, 8, 1, 6, 2, 7, 3, 4, 5};
    options.is_fair = true;
    lab->expected = 9;
    assert_int_equal(executor_new(&options, &lab->executor), STATUS_OK);
    pthread_mutex_lock(&lab->gate);
    for (int i = 0; i < 9; i++) {
        lab->work[i].job.lane = lanes[i];
        assert_int_equal(executor_submit(lab->executor, &lab->work[i].job), STATUS_OK);
        while (i == 0 && executor_waiting(lab->executor) > 0) sched_yield();
    }
    pthread_mutex_unlock(&lab->gate);
    run_until(lab->loop, &lab->is_done, 20000);
    assert_memory_equal(lab->ran, expected, sizeof expected);
    lab_free(lab);
}

static void test_P6_a_batch_is_not_one_lanes(void **state) {
    (void)state;
    struct lab *lab = lab_new();
    struct executor_options options = options_for(lab);
    static const size_t expected[] = {1, 17, 8, 5};
    options.is_fair = true;
    options.batch = run_batch;
    options.batch_max_jobs = 40;
    options.batch_max_bytes = 1000000;
    options.batch_max_of_lane = 8;
    for (int i = 1; i <= 22; i++) lab->work[i].job.lane = i == 22 ? 2 : 1; /* 21 of one, one of another, nine of nobody */
    lab->expected = 31;
    assert_int_equal(executor_new(&options, &lab->executor), STATUS_OK);
    pthread_mutex_lock(&lab->gate);
    for (int i = 0; i < 31; i++) {
        assert_int_equal(executor_submit(lab->executor, &lab->work[i].job), STATUS_OK);
        while (i == 0 && executor_waiting(lab->executor) > 0) sched_yield();
    }
    pthread_mutex_unlock(&lab->gate);
    run_until(lab->loop, &lab->is_done, 20000);
    assert_memory_equal(lab->batches, expected, sizeof expected);
    lab_free(lab);
}

/* Many jobs of nobody before one of a lane: it is in the first batch. */
static void test_P6_nobodys_jobs_leave_half_a_batch(void **state) {
    (void)state;
    struct lab *lab = lab_new();
    struct executor_options options = options_for(lab);
    options.is_fair = true;
    options.batch = run_batch;
    options.batch_max_jobs = 10;
    options.batch_max_bytes = 1000000;
    lab->work[40].job.lane = 1;
    lab->expected = 41;
    assert_int_equal(executor_new(&options, &lab->executor), STATUS_OK);
    pthread_mutex_lock(&lab->gate);
    for (int i = 0; i <= 40; i++) {
        assert_int_equal(executor_submit(lab->executor, &lab->work[i].job), STATUS_OK);
        while (i == 0 && executor_waiting(lab->executor) > 0) sched_yield();
    }
    pthread_mutex_unlock(&lab->gate);
    run_until(lab->loop, &lab->is_done, 20000);
    assert_int_equal(lab->ran[6], 40);
    assert_int_equal(lab->batches[1], 10);
    lab_free(lab);
}

static void test_P6_a_lane_leaves_room(void **state) {
    (void)state;
    struct lab *lab = lab_new();
    struct executor_options options = options_for(lab);
    static const struct {
        int64_t lane;
        int fit;
    } asks[] = {{1, 4}, {2, 2}, {3, 1}, {0, 1}, {4, 0}};
    int at = 1;
    options.is_fair = true;
    options.queue_max = 8;
    assert_int_equal(executor_new(&options, &lab->executor), STATUS_OK);
    pthread_mutex_lock(&lab->gate);
    assert_int_equal(executor_submit(lab->executor, &lab->work[0].job), STATUS_OK);
    while (executor_waiting(lab->executor) > 0) sched_yield();
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        for (int k = 0; k <= asks[i].fit; k++) {
            if (asks[i].lane == 0 && k == asks[i].fit) break;
            lab->work[at].job.lane = asks[i].lane;
            assert_int_equal(executor_submit(lab->executor, &lab->work[at].job), k < asks[i].fit ? STATUS_OK : STATUS_LIMIT);
            at += k < asks[i].fit;
        }
    }
    lab->expected = at;
    pthread_mutex_unlock(&lab->gate);
    run_until(lab->loop, &lab->is_done, 20000);
    lab_free(lab);
}

/* What was taken is run, and each done comes, though the loop has stopped. */
static void test_P1_stop_runs_what_was_taken(void **state) {
    (void)state;
    struct lab *lab = lab_new();
    struct executor_options options = options_for(lab);
    assert_int_equal(executor_new(&options, &lab->executor), STATUS_OK);
    for (int i = 0; i < JOBS; i++) assert_int_equal(executor_submit(lab->executor, &lab->work[i].job), STATUS_OK);
    executor_free(&lab->executor);
    assert_int_equal(lab->ran_count, JOBS);
    assert_int_equal(lab->done_count, 0);
    loop_free(&lab->loop);
    assert_int_equal(lab->done_count, JOBS);
    lab_free(lab);
}

static enum status refuse_third(void *arg, void **ret_ctx) {
    struct lab *lab = arg;
    if (atomic_fetch_add(&lab->starts, 1) == 2) {
        atomic_fetch_sub(&lab->starts, 1);
        return STATUS_IO;
    }
    *ret_ctx = lab;
    return STATUS_OK;
}

static void test_failed_start_is_told_and_the_others_end(void **state) {
    (void)state;
    struct lab *lab = lab_new();
    struct executor_options options = options_for(lab);
    options.threads = 4;
    options.thread_start = refuse_third;
    assert_int_equal(executor_new(&options, &lab->executor), STATUS_IO);
    lab_free(lab);
}

/* ---- several threads, several loops ---- */
#define MANY 2000
struct many {
    struct job job;
    struct home *home;
};
struct home {
    struct loop *loop;
    pthread_t thread;
    int left;
    struct executor *executor;
    struct many jobs[MANY];
    struct post start;
};
static atomic_int total_runs;

static enum status run_many(struct job *job, void *ctx) {
    (void)job;
    (void)ctx;
    atomic_fetch_add(&total_runs, 1);
    return STATUS_OK;
}

static void many_done(struct job *job) {
    struct home *home = LIST_OWNER(job, struct many, job)->home;
    assert_true(pthread_equal(pthread_self(), home->thread));
    if (--home->left == 0) loop_stop(home->loop);
}

static void *live(void *arg) {
    struct home *home = arg;
    home->thread = pthread_self();
    for (int i = 0; i < MANY; i++) {
        home->jobs[i] = (struct many){.job = {.run = run_many, .done = many_done, .loop = home->loop}, .home = home};
        assert_int_equal(executor_submit(home->executor, &home->jobs[i].job), STATUS_OK);
    }
    loop_run(home->loop);
    return NULL;
}

static void test_many_threads_many_loops(void **state) {
    (void)state;
    struct executor_options options = {.name = "many", .threads = 3, .queue_max = 10 * MANY};
    struct executor *executor;
    assert_int_equal(executor_new(&options, &executor), STATUS_OK);
    struct home *homes = calloc(3, sizeof *homes);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        homes[i].left = MANY;
        homes[i].executor = executor;
        assert_int_equal(loop_new(&homes[i].loop), STATUS_OK);
        pthread_create(&threads[i], NULL, live, &homes[i]);
    }
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    assert_int_equal(total_runs, 3 * MANY);
    executor_free(&executor);
    for (int i = 0; i < 3; i++) loop_free(&homes[i].loop);
    free(homes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_by_one),
        cmocka_unit_test(test_batch_takes_what_gathered_up_to_max_jobs),
        cmocka_unit_test(test_batch_takes_up_to_max_bytes_and_at_least_one),
        cmocka_unit_test(test_P8_full_queue_refuses),
        cmocka_unit_test(test_P6_lanes_take_turns),
        cmocka_unit_test(test_P6_a_batch_is_not_one_lanes),
        cmocka_unit_test(test_P6_nobodys_jobs_leave_half_a_batch),
        cmocka_unit_test(test_P6_a_lane_leaves_room),
        cmocka_unit_test(test_P1_stop_runs_what_was_taken),
        cmocka_unit_test(test_failed_start_is_told_and_the_others_end),
        cmocka_unit_test(test_many_threads_many_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
