/* test_hook_driver.c - webhook calls on net_sim's clock: receivers that flake, days of failure, redirects and private addresses,
 * who delays whom, kills and stops.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "hook/hook_driver.h"
#include "net_sim/sim.h"
#include "net_sim/sim_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define ALL    EVENT_BIT(EVENT_DELIVERY)

struct scene {
    struct fixture *f;
    struct loop *loop;
    struct resolver *resolver;
    struct executor *writer, *readers;
    struct http_client *http;
    struct hook_driver *driver;
    struct hook_driver_options options;
    int64_t account, domain, message, recipient;
    bool is_stopped;
};

static int64_t now(const struct scene *s) {
    return clock_wall_ms(loop_clock(s->loop));
}

/* ---- the store ---- */
struct work {
    struct job job;
    struct scene *s;
    enum status (*run)(struct scene *s, struct db *db, void *arg);
    void *arg;
};

static enum status work_run(struct job *job, void *ctx) {
    struct work *w = LIST_OWNER(job, struct work, job);
    return w->run(w->s, ctx, w->arg);
}
static void work_done(struct job *job) {
    (void)job;
}

/* At once: a job without a loop runs inside submit. */
static void write_now(struct scene *s, enum status (*run)(struct scene *s, struct db *db, void *arg), void *arg) {
    struct work w = {.job = {.run = work_run, .done = work_done}, .s = s, .run = run, .arg = arg};
    assert_ok(executor_submit(s->writer, &w.job));
    assert_ok(w.job.status);
}

/* From now on events and webhooks are this account's. */
static enum status be_account(struct scene *s, struct db *db, void *arg) {
    s->account = make_account(db, arg);
    s->domain = make_domain(db, s->account, "x.test");
    s->message = make_message(db, s->account, s->domain, (uint8_t)s->account);
    s->recipient = make_recipient(db, s->message, s->account, "example.net", NOW);
    return STATUS_OK;
}

static enum status set_up(struct scene *s, struct db *db, void *arg) {
    s->options.rules.owner = make_node(db);
    return be_account(s, db, arg);
}

struct hooking {
    int64_t batch_max, id;
    const char *url;
};

static enum status add_hook(struct scene *s, struct db *db, void *arg) {
    struct hooking *h = arg;
    const struct webhook w = {
        .account_id = s->account, .domain_id = s->domain, .url = str_from_z(h->url), .events = ALL, .is_active = true};
    enum status status = webhook_add(db, &w, &h->id);
    return status == STATUS_OK ? hook_endpoint_set_batch(db, s->account, h->id, h->batch_max) : status;
}

static int64_t hook(struct scene *s, const char *url, int64_t batch_max) {
    struct hooking h = {.url = url, .batch_max = batch_max};
    write_now(s, add_hook, &h);
    return h.id;
}

static enum status add_events(struct scene *s, struct db *db, void *arg) {
    enum status status = STATUS_OK;
    const struct event event = {.at = now(s),
                                .type = EVENT_DELIVERY,
                                .account_id = s->account,
                                .domain_id = s->domain,
                                .message_id = s->message,
                                .recipient_id = s->recipient,
                                .recipient = TEXT("b@example.net")};
    for (int i = 0; status == STATUS_OK && i < *(int *)arg; i++) {
        int64_t id;
        status = event_record(db, &event, &id);
    }
    return status;
}

static void events(struct scene *s, int count) {
    write_now(s, add_events, &count);
    if (s->driver) hook_driver_wake(s->driver);
}

#define WAITING "SELECT count(*) FROM hook_outbox"

/* ---- the world ---- */
static struct executor *executor_make(struct scene *s, bool is_writer) {
    struct executor *e;
    assert_ok(executor_new(&(struct executor_options){.name = "x",
                                                      .threads = 1,
                                                      .queue_max = 10000,
                                                      .thread_start = is_writer ? writer_start : reader_start,
                                                      .thread_stop = is_writer ? writer_stop : reader_stop,
                                                      .batch = is_writer ? writer_batch : reader_batch,
                                                      .batch_max_jobs = 100,
                                                      .batch_max_bytes = WRITER_BATCH_BYTES,
                                                      .arg = &s->f->options},
                           &e));
    return e;
}

static struct scene *scene_new(void) {
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->f = fixture_closed();
    assert_ok(loop_new(&s->loop));
    assert_ok(resolver_new(s->loop, &(struct resolver_options){0}, &s->resolver));
    s->writer = executor_make(s, true);
    s->readers = executor_make(s, false);
    assert_ok(http_client_new(&(struct http_client_options){.loop = s->loop, .resolver = s->resolver}, &s->http));
    s->options = (struct hook_driver_options){.loop = s->loop,
                                              .writer = s->writer,
                                              .readers = s->readers,
                                              .http = s->http,
                                              .rules = {.seal = {{3}}, .rand = sim_rand(s->loop)}};
    char first[] = "a@x.test";
    write_now(s, set_up, first);
    return s;
}

static void start(struct scene *s) {
    s->driver = hook_driver_new(&s->options);
}

static void on_stopped(void *arg) {
    ((struct scene *)arg)->is_stopped = true;
}
static bool is_stopped(void *arg) {
    return ((struct scene *)arg)->is_stopped;
}

static void stop(struct scene *s, int64_t grace_ms) {
    s->is_stopped = false;
    hook_driver_stop(s->driver, grace_ms, on_stopped, s);
    assert_true(sim_run_until(s->loop, is_stopped, s, grace_ms + 2000));
    hook_driver_free(&s->driver);
}

static void scene_free(struct scene *s) {
    if (s->driver) stop(s, 0);
    http_client_free(&s->http);
    executor_free(&s->readers);
    executor_free(&s->writer);
    resolver_free(&s->resolver);
    loop_free(&s->loop);
    assert_int_equal(s->f->fatal_count, 0);
    fixture_free(s->f);
    free(s);
}

static void host(struct scene *s, const char *name, const char *address, const struct sim_http_answer *answers) {
    sim_dns_add(s->loop, name, DNS_A, address);
    if (answers) sim_http_script(s->loop, name, answers);
}

static const struct sim_http_answer takes[] = {{.code = 204}};
static const struct sim_http_answer fails[] = {{.code = 500, .body = "<script>no</script>"}};
static const struct sim_http_answer hangs[] = {{.code = 200, .delay_ms = 60000}};

static bool has(struct str text, const char *part) {
    return str_find_str(text, str_from_z(part)) != STR_NONE;
}

/* ---- calls ---- */
static void an_event_is_told_at_once_and_signed(void **state) {
    (void)state;
    struct scene *s = scene_new();
    host(s, "a.test", "8.8.8.8", takes);
    (void)hook(s, "https://a.test/in?x=1", 0);
    start(s);
    sim_run_for(s->loop, 100);
    events(s, 3);
    sim_run_for(s->loop, 100);
    assert_int_equal(sim_http_count(s->loop, "a.test"), 3);
    struct str request = sim_http_request(s->loop, "a.test", 0);
    assert_true(str_starts(request, TEXT("POST /in?x=1\nContent-Type: application/json\nwebhook-id: evt_")));
    assert_true(has(request, "\nwebhook-timestamp: 1"));
    assert_true(has(request, "\nwebhook-signature: v1,"));
    assert_true(has(request, "\n\n{\"type\":\"delivery\",\"timestamp\":\"2026-01-01T"));
    assert_int_equal(fixture_number(s->f, WAITING), 0);
    assert_int_equal(fixture_number(s->f, "SELECT count(*) FROM hook_queues"), 0);
    assert_int_equal(fixture_number(s->f, "SELECT count(*) FROM hook_attempts WHERE code = 204"), 3);
    assert_int_equal(hook_driver_in_flight(s->driver), 0);
    scene_free(s);
}

static void many_events_take_turns(void **state) {
    (void)state;
    static const struct sim_http_answer flaky[] = {
        {.code = 503, .times = 3},
        {.code = 200, .times = 50},
        {.code = 0, .status = STATUS_TEMPORARY, .stage = HTTP_CLIENT_CONNECT, .times = 5},
        {.code = 200}};
    struct scene *s = scene_new();
    host(s, "a.test", "8.8.8.8", flaky);
    host(s, "b.test", "8.8.8.9", takes);
    (void)hook(s, "https://a.test/", 0);
    (void)hook(s, "https://b.test/", 50);
    start(s);
    events(s, 1000);
    sim_run_for(s->loop, 30 * SECOND);
    assert_int_equal(sim_http_count(s->loop, "b.test"), 20);
    sim_run_for(s->loop, HOUR);
    assert_int_equal(fixture_number(s->f, WAITING), 0);
    assert_true(sim_http_count(s->loop, "a.test") >= 1008 - 8 && sim_http_count(s->loop, "a.test") <= 1020);
    assert_int_equal(fixture_number(s->f, "SELECT count(*) FROM webhooks WHERE failures = 0 AND failing_since = 0"), 2);
    scene_free(s);
}

/* ---- trouble ---- */
static void WH26_days_of_failure_end_in_a_disabled_endpoint(void **state) {
    (void)state;
    struct scene *s = scene_new();
    host(s, "a.test", "8.8.8.8", fails);
    (void)hook(s, "https://a.test/", 0);
    start(s);
    events(s, 1);
    sim_run_for(s->loop, 4 * DAY);
    assert_int_equal(sim_http_count(s->loop, "a.test"), HOOK_TRIES); /* then it is given up */
    assert_int_equal(fixture_number(s->f, WAITING), 0);
    assert_int_equal(fixture_number(s->f, "SELECT count(*) FROM webhooks WHERE is_active = 1 AND failing_since > 0"), 1);
    sim_run_for(s->loop, 2 * DAY);
    events(s, 1000);
    sim_run_for(s->loop, 10 * SECOND);
    assert_int_equal(fixture_number(s->f, "SELECT count(*) FROM webhooks WHERE is_active = 0 AND disabled_why LIKE 'No call%'"),
                     1);
    assert_int_equal(fixture_number(s->f, WAITING), 0);
    assert_int_equal(sim_http_count(s->loop, "a.test"), HOOK_TRIES + 1);
    scene_free(s);
}

static void WH26_an_endpoint_that_never_answers_is_called_every_few_minutes(void **state) {
    (void)state;
    struct scene *s = scene_new();
    host(s, "a.test", "8.8.8.8", hangs);
    (void)hook(s, "https://a.test/", 0);
    start(s);
    events(s, 500);
    sim_run_for(s->loop, HOUR);
    assert_true(sim_http_count(s->loop, "a.test") >= 20 + 9);
    assert_true(sim_http_count(s->loop, "a.test") <= 20 + 20); /* one turn, and then one by one */
    assert_int_equal(fixture_number(s->f, "SELECT count(*) FROM hook_outbox WHERE attempts = 0") > 400, 1);
    sim_http_script(s->loop, "a.test", takes);
    sim_run_for(s->loop, 6 * HOUR);
    assert_int_equal(fixture_number(s->f, WAITING), 0);
    scene_free(s);
}

static void WH26_a_slow_endpoint_delays_no_other(void **state) {
    (void)state;
    struct scene *s = scene_new();
    host(s, "slow.test", "8.8.8.8", hangs);
    host(s, "fast.test", "8.8.8.9", takes);
    for (int i = 0; i < 90; i++) (void)hook(s, "https://slow.test/", 0);
    start(s);
    events(s, 100); /* 9,000 calls that hang */
    sim_run_for(s->loop, 2 * SECOND);
    assert_true(hook_driver_in_flight(s->driver) > HOOK_IN_FLIGHT_MAX / 4);
    char second[] = "b@x.test";
    write_now(s, be_account, second);
    (void)hook(s, "https://fast.test/", 0);
    for (size_t i = 0; i < 40; i++) {
        events(s, 1);
        sim_run_for(s->loop, SECOND);
        assert_int_equal(sim_http_count(s->loop, "fast.test"), i + 1);
        assert_true(hook_driver_in_flight(s->driver) <= HOOK_IN_FLIGHT_MAX);
    }
    scene_free(s);
}

/* Domains of 100 webhooks each, all for one host but the first of all. */
static enum status add_crowd(struct scene *s, struct db *db, void *arg) {
    enum status status = STATUS_OK;
    char name[32];
    for (int i = 0; status == STATUS_OK && i < *(int *)arg; i++) {
        if (i % 100 == 0) {
            snprintf(name, sizeof name, "d%d.test", i);
            s->domain = make_domain(db, s->account, name);
        }
        int64_t id;
        const struct webhook w = {.account_id = s->account,
                                  .domain_id = s->domain,
                                  .url = str_from_z(i ? "https://fast.test/" : "https://hangs.test/"),
                                  .events = ALL,
                                  .is_active = true};
        status = webhook_add(db, &w, &id);
        if (status == STATUS_OK && i % 100 == 99) status = add_events(s, db, &(int){1});
    }
    return status;
}

static void WH26_many_endpoints_and_one_that_never_answers(void **state) {
    (void)state;
    struct scene *s = scene_new();
    struct metrics metrics = {0};
    s->options.metrics = &metrics;
    host(s, "hangs.test", "8.8.8.8", hangs);
    host(s, "fast.test", "8.8.8.9", takes);
    int count = getenv("POSTHORN_FULL") ? 10000 : 1000; /* two synced commits each */
    write_now(s, add_crowd, &count);
    assert_int_equal(fixture_number(s->f, WAITING), count);
    start(s);
    sim_run_for(s->loop, 10 * SECOND);
    assert_int_equal(sim_http_count(s->loop, "fast.test"), count - 1);
    assert_int_equal(fixture_number(s->f, WAITING), 1);
    assert_int_equal(metrics.value[METRIC_HOOK_EVENTS], count - 1);
    assert_int_equal(metrics.value[METRIC_HOOK_IN_FLIGHT], 1);
    sim_run_for(s->loop, 10 * SECOND);
    assert_int_equal(metrics.value[METRIC_HOOK_FAILED], 1);
    assert_int_equal(metrics.value[METRIC_HOOK_IN_FLIGHT], 0);
    scene_free(s);
}

static void WH16_redirects_are_not_followed(void **state) {
    (void)state;
    static const struct sim_http_answer moves[] = {{.code = 301, .times = 1}, {.code = 307, .times = 1}, {.code = 302}};
    struct scene *s = scene_new();
    host(s, "a.test", "8.8.8.8", moves);
    (void)hook(s, "https://a.test/", 0);
    start(s);
    events(s, 1);
    sim_run_for(s->loop, 10 * SECOND);
    assert_int_equal(sim_http_count(s->loop, "a.test"), 2);
    assert_int_equal(fixture_number(s->f, "SELECT count(*) FROM hook_attempts WHERE code IN (301, 307) AND why LIKE "
                                          "'it answered 30% redirects are not followed'"),
                     2);
    assert_int_equal(fixture_number(s->f, WAITING), 1);
    scene_free(s);
}

/* WH02 to WH15: what a name leads to is judged when it is called. */
static void WH14_private_addresses_are_not_called(void **state) {
    (void)state;
    static const char *const addresses[] = {"127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"};
    struct scene *s = scene_new();
    char name[32], url[64];
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "p%d.test", i);
        snprintf(url, sizeof url, "http://p%d.test/", i);
        host(s, name, addresses[i], takes);
        (void)hook(s, url, 0);
    }
    start(s);
    events(s, 1);
    sim_run_for(s->loop, HOUR);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "p%d.test", i);
        assert_int_equal(sim_http_count(s->loop, name), 0);
    }
    assert_true(fixture_number(s->f, "SELECT count(*) FROM hook_attempts WHERE code = 0 AND why <> ''") >= 10);
    assert_int_equal(fixture_number(s->f, WAITING), 5);
    scene_free(s);
}

static void WH14_a_name_that_turns_private_is_not_called_again(void **state) {
    (void)state;
    struct scene *s = scene_new();
    host(s, "a.test", "8.8.8.8", fails);
    (void)hook(s, "http://a.test/", 0);
    start(s);
    events(s, 1);
    sim_run_for(s->loop, SECOND);
    assert_int_equal(sim_http_count(s->loop, "a.test"), 1);
    sim_dns_remove(s->loop, "a.test");
    host(s, "a.test", "127.0.0.1", takes);
    sim_run_for(s->loop, HOUR);
    assert_int_equal(sim_http_count(s->loop, "a.test"), 1);
    assert_int_equal(fixture_number(s->f, WAITING), 1);
    scene_free(s);
}

static void WH26_410_disables_and_retry_after_is_obeyed(void **state) {
    (void)state;
    static const struct sim_http_answer gone[] = {{.code = 410}};
    static const struct sim_http_answer later[] = {{.code = 429, .retry_after_s = 1800, .times = 1}, {.code = 200}};
    struct scene *s = scene_new();
    host(s, "gone.test", "8.8.8.8", gone);
    host(s, "later.test", "8.8.8.9", later);
    (void)hook(s, "https://gone.test/", 0);
    (void)hook(s, "https://later.test/", 0);
    start(s);
    events(s, 1);
    sim_run_for(s->loop, 29 * 60 * SECOND);
    events(s, 1);
    sim_run_for(s->loop, 30 * SECOND);
    assert_int_equal(sim_http_count(s->loop, "gone.test"), 1);
    assert_int_equal(sim_http_count(s->loop, "later.test"), 1);
    sim_run_for(s->loop, 60 * SECOND);
    assert_int_equal(sim_http_count(s->loop, "later.test"), 3);
    assert_int_equal(fixture_number(s->f, WAITING), 0);
    scene_free(s);
}

/* ---- kills and stops ---- */
static void p3_what_a_kill_cut_short_is_called_again_with_the_same_id(void **state) {
    (void)state;
    static const struct sim_http_answer slow[] = {{.code = 200, .delay_ms = 5000}};
    struct scene *s = scene_new();
    host(s, "a.test", "8.8.8.8", slow);
    (void)hook(s, "https://a.test/", 0);
    start(s);
    events(s, 5);
    sim_run_for(s->loop, 3 * SECOND);
    assert_int_equal(sim_http_count(s->loop, "a.test"), 5);
    hook_driver_free(&s->driver); /* answers never come home */
    start(s);
    sim_run_for(s->loop, 7 * SECOND);
    assert_int_equal(sim_http_count(s->loop, "a.test"), 10);
    for (size_t i = 0; i < 5; i++) {
        struct str one = sim_http_request(s->loop, "a.test", i), two = sim_http_request(s->loop, "a.test", i + 5);
        assert_true(str_eq(str_sub(one, 0, 60), str_sub(two, 0, 60)));
    }
    assert_int_equal(fixture_number(s->f, WAITING), 0);
    scene_free(s);
}

static void a_stop_waits_for_answers_for_a_while(void **state) {
    (void)state;
    static const struct sim_http_answer slow[] = {{.code = 200, .delay_ms = 3000}};
    struct scene *s = scene_new();
    host(s, "a.test", "8.8.8.8", slow);
    host(s, "b.test", "8.8.8.9", hangs);
    (void)hook(s, "https://a.test/", 0);
    (void)hook(s, "https://b.test/", 0);
    start(s);
    events(s, 2);
    sim_run_for(s->loop, SECOND);
    stop(s, 5000);
    assert_int_equal(fixture_number(s->f, WAITING), 2);
    assert_int_equal(fixture_number(s->f, "SELECT count(*) FROM hook_attempts"), 2);
    scene_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_told_at_once_and_signed),
        cmocka_unit_test(many_events_take_turns),
        cmocka_unit_test(WH26_days_of_failure_end_in_a_disabled_endpoint),
        cmocka_unit_test(WH26_an_endpoint_that_never_answers_is_called_every_few_minutes),
        cmocka_unit_test(WH26_a_slow_endpoint_delays_no_other),
        cmocka_unit_test(WH26_many_endpoints_and_one_that_never_answers),
        cmocka_unit_test(WH16_redirects_are_not_followed),
        cmocka_unit_test(WH14_private_addresses_are_not_called),
        cmocka_unit_test(WH14_a_name_that_turns_private_is_not_called_again),
        cmocka_unit_test(WH26_410_disables_and_retry_after_is_obeyed),
        cmocka_unit_test(p3_what_a_kill_cut_short_is_called_again_with_the_same_id),
        cmocka_unit_test(a_stop_waits_for_answers_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
