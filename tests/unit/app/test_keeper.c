/* test_keeper.c - what was kept long enough goes by itself, on net_sim's clock: a month of mail stays within its bound, people
 * are forgotten, the writer gets its breath, a stop waits for the slice under way.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "app/keeper.h"
#include "core/content.h"
#include "core/erase.h"
#include "net_sim/sim.h"

#include <string.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct scene {
    struct fixture *f;
    struct loop *loop;
    struct executor *writer;
    struct keeper *keeper;
    int64_t account, made;
    bool is_stopped;
};

static void on_stopped(void *arg) {
    ((struct scene *)arg)->is_stopped = true;
}

static struct scene scene_new(int64_t body_days, int64_t event_days) {
    struct scene s = {.f = fixture_new()};
    s.account = make_account(s.f->db, "a@example.com");
    assert_ok(db_commit(s.f->db));
    assert_ok(loop_new(&s.loop));
    sim_set_wall(s.loop, NOW);
    assert_ok(executor_new(&(struct executor_options){.name = "writer",
                                                      .threads = 1,
                                                      .queue_max = 100,
                                                      .thread_start = writer_start,
                                                      .thread_stop = writer_stop,
                                                      .batch = writer_batch,
                                                      .idle = writer_idle,
                                                      .batch_max_jobs = WRITER_BATCH_JOBS,
                                                      .batch_max_bytes = WRITER_BATCH_BYTES,
                                                      .arg = &s.f->options},
                           &s.writer));
    s.keeper = keeper_new(&(struct keeper_options){s.loop, s.writer, {{body_days, event_days}, {0, 0}}});
    keeper_start(s.keeper);
    return s;
}

static void scene_free(struct scene *s) {
    keeper_stop(s->keeper, on_stopped, s);
    (void)sim_step(s->loop);
    assert_true(s->is_stopped);
    executor_free(&s->writer);
    keeper_free(&s->keeper);
    keeper_free(&s->keeper);
    loop_free(&s->loop);
    fixture_free(s->f);
}

static int64_t now(const struct scene *s) {
    return clock_wall_ms(loop_clock(s->loop));
}

/* A message of now with content and an event, to `address`. */
static void take(struct scene *s, const char *address, size_t bytes) {
    struct db *db = s->f->db;
    struct message m = {.account_id = s->account,
                        .domain_id = 7,
                        .created_at = now(s),
                        .expires_at = now(s) + DAY,
                        .tags = STR("[]"),
                        .metadata = STR("{}")};
    struct event e = {
        .at = now(s), .type = EVENT_SEND, .account_id = s->account, .domain_id = 7, .recipient = str_from_z(address)};
    struct recipient to = {
        .account_id = s->account, .address = e.recipient, .domain = STR("example.net"), .state = RECIPIENT_DELIVERED};
    BUF_AUTO content = {0};
    int64_t id = 0;
    while (content.n < bytes) buf_addf(&content, "%lld %zu ", (long long)s->made * 7919, content.n);
    s->made++;
    memcpy(m.uuid.b, &s->made, sizeof s->made);
    assert_ok(db_begin(db));
    assert_ok(message_add(db, &m, &m.id));
    assert_ok(content_write(db, &m, buf_str(&content), &(struct content){0}));
    to.message_id = e.message_id = m.id;
    assert_ok(recipient_add(db, &to, &(struct node_epoch){1, 1}, &e.recipient_id));
    assert_ok(event_record(db, &e, &id));
    assert_ok(db_commit(db));
    assert_int_not_equal(db_checkpoint(db, 10), STATUS_IO);
}

static int64_t number(const struct scene *s, const char *sql) {
    return fixture_number(s->f, sql);
}

static void test_a_month_stays_within_its_bound(void **state) {
    (void)state;
    struct scene s = scene_new(3, 5);
    int64_t pages = 0;
    for (int day = 0; day < 30; day++) {
        for (int i = 0; i < 40; i++) {
            take(&s, "b@example.net", 20000);
            sim_run_for(s.loop, DAY / 40);
        }
        if (day == 7) pages = number(&s, "PRAGMA page_count");
        if (day < 8) continue;
        assert_true(number(&s, "SELECT count(*) FROM bodies") <= 3 * 40 + 3); /* a walk begins each hour */
        assert_true(number(&s, "SELECT count(*) FROM bodies") >= 3 * 40 - 1);
        assert_true(number(&s, "SELECT count(*) FROM events") <= 5 * 40 + 3);
        assert_true(number(&s, "SELECT count(*) FROM messages") <= 5 * 40 + 3);
        assert_true(number(&s, "PRAGMA page_count") <= pages + pages / 10);
    }
    assert_int_equal(s.made, 1200);
    scene_free(&s);
}

static void test_orders_to_forget_are_worked_off(void **state) {
    (void)state;
    struct scene s = scene_new(30, 400);
    int64_t id = 0;
    for (int i = 0; i < 250; i++) take(&s, i % 2 ? "him@example.net" : "her@example.net", 100);
    sim_run_for(s.loop, HOUR + MINUTE); /* walks found nothing */
    assert_int_equal(number(&s, "SELECT count(*) FROM messages"), 250);
    assert_ok(db_begin(s.f->db));
    assert_ok(erase_begin(s.f->db, s.account, STR("him@example.net"), now(&s), &id));
    assert_ok(db_commit(s.f->db));
    sim_run_for(s.loop, MINUTE + 100 * KEEPER_BREATH_MS);
    assert_int_equal(number(&s, "SELECT count(*) FROM messages"), 125);
    assert_int_equal(number(&s, "SELECT count(*) FROM erasures WHERE finished_at > 0 AND address = ''"), 1);
    scene_free(&s);
}

/* Between two slices others have the writer. */
static void test_slices_have_a_breath_between_them(void **state) {
    (void)state;
    struct scene s = scene_new(1, 1);
    for (int i = 0; i < 30; i++) take(&s, "b@example.net", KEEPING_BYTES_MAX / 2 + 1);
    sim_run_for(s.loop, 2 * DAY - HOUR);
    assert_int_equal(number(&s, "SELECT count(*) FROM bodies"), 0);
    for (int i = 0; i < 30; i++) take(&s, "b@example.net", KEEPING_BYTES_MAX / 2 + 1);
    int64_t left = 30, steps = 0;
    sim_set_wall(s.loop, now(&s) + 2 * DAY);
    while (left > 0 && steps < 1000000 && sim_step(s.loop)) {
        int64_t before = left;
        left = number(&s, "SELECT count(*) FROM bodies");
        assert_true(before - left <= 2);
        steps++;
    }
    assert_int_equal(left, 0);
    scene_free(&s);
}

static void test_a_stop_waits_for_the_slice_under_way(void **state) {
    (void)state;
    struct scene s = scene_new(1, 1);
    take(&s, "b@example.net", 100);
    sim_set_wall(s.loop, now(&s) + 2 * DAY);
    sim_run_for(s.loop, KEEPER_ROUND_MS - 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM bodies"), 1);
    for (int i = 0; i < 3 && number(&s, "SELECT count(*) FROM bodies"); i++) (void)sim_step(s.loop);
    scene_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_month_stays_within_its_bound),
        cmocka_unit_test(test_orders_to_forget_are_worked_off),
        cmocka_unit_test(test_slices_have_a_breath_between_them),
        cmocka_unit_test(test_a_stop_waits_for_the_slice_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
