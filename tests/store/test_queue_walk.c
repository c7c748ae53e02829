/* test_queue_walk.c - a long queue is walked in pieces, by index, and what is ordered about it happens once to each (P1, P3, P8).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/queue_orders.h"
#include "fixture.h"
#include "store/pauses.h"
#include "store/transcripts.h"

#define LONG 100000

struct scene {
    struct fixture *f;
    struct node_epoch node;
    int64_t account, other, domain, second;
};

static struct scene scene_new(void) {
    struct scene s = {.f = fixture_new()};
    s.node = make_node(s.f->db);
    s.account = make_account(s.f->db, "a@example.com");
    s.other = make_account(s.f->db, "b@example.com");
    s.domain = make_domain(s.f->db, s.account, "example.com");
    s.second = make_domain(s.f->db, s.other, "example.org");
    return s;
}

static struct queue_view view_of(struct scene *s, int64_t now) {
    return (struct queue_view){s->f->db, &s->f->arena, s->node.node_id, now};
}

static int64_t add(struct scene *s, int64_t message, int64_t account, int64_t domain, const char *to, int64_t due_at) {
    struct recipient r = {.message_id = message,
                          .account_id = account,
                          .domain_id = domain,
                          .address = STR("bob@there.example"),
                          .domain = str_from_z(to),
                          .state = due_at > NOW ? RECIPIENT_SCHEDULED : RECIPIENT_QUEUED,
                          .due_at = due_at,
                          .expires_at = NOW + 1000,
                          .reason = STR("450 Come BACK later")};
    int64_t id = 0;
    assert_ok(recipient_add(s->f->db, &r, &s->node, &id));
    return id;
}

/* All that a filter finds, page by page. */
static size_t find_all(struct scene *s, const struct queue_filter *filter, int limit, int64_t *ret_first) {
    const struct queue_view view = view_of(s, NOW);
    struct queue_sweep at = {.is_held = false};
    struct queue_page page = {.is_end = false};
    size_t count = 0;
    for (int i = 0; i < 1000 && !page.is_end; i++) {
        assert_ok(queue_filter_page(&view, filter, &at, limit, &page));
        if (page.ids.count && count == 0 && ret_first) *ret_first = page.ids.items[0];
        count += page.ids.count;
        BUF_AUTO text = {0};
        queue_sweep_format(&text, &page.next);
        assert_true(page.is_end || queue_sweep_parse(&s->f->arena, buf_str(&text), &at));
    }
    assert_true(page.is_end);
    return count;
}

static void test_filters_find_what_they_say(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t first = make_message(s.f->db, s.account, s.domain, 1), second = make_message(s.f->db, s.other, s.second, 2);
    int64_t a = add(&s, first, s.account, s.domain, "a.example", NOW),
            b = add(&s, first, s.account, s.domain, "b.example", NOW + 9);
    (void)add(&s, second, s.other, s.second, "b.example", NOW);
    (void)add(&s, second, s.other, s.second, "c.example", NOW);
    assert_ok(queue_hold_row(s.f->db, a, STR("held: why not"), NOW));
    const struct str domains[] = {STR("a.example"), STR("b.example"), STR("zz.example")};
    struct queue_filter f = queue_filter_all();
    assert_int_equal(find_all(&s, &f, 2, NULL), 4);
    assert_int_equal(find_all(&s, &f, 100, NULL), 4);
    f.domains = domains;
    f.domain_count = 3;
    assert_int_equal(find_all(&s, &f, 1, NULL), 3);
    f.account_id = s.other;
    assert_int_equal(find_all(&s, &f, 1, NULL), 1);
    f = queue_filter_all();
    f.domain_id = s.second;
    assert_int_equal(find_all(&s, &f, 9, NULL), 2);
    f = queue_filter_all();
    f.message_id = first;
    assert_int_equal(find_all(&s, &f, 9, NULL), 2);
    f = queue_filter_all();
    f.last_message = first;
    assert_int_equal(find_all(&s, &f, 9, NULL), 2);
    static const int states[] = {RECIPIENT_SCHEDULED, RECIPIENT_QUEUED, RECIPIENT_HELD};
    static const size_t counts[] = {1, 2, 1};
    for (size_t i = 0; i < 3; i++) {
        f = queue_filter_all();
        f.state = states[i];
        assert_int_equal(find_all(&s, &f, 9, NULL), counts[i]);
    }
    f = queue_filter_all();
    f.reason = STR("come back");
    assert_int_equal(find_all(&s, &f, 9, NULL), 3);
    f.reason = STR("why");
    assert_int_equal(find_all(&s, &f, 9, NULL), 1);
    f = queue_filter_all();
    f.address = STR("bob@there.example");
    assert_int_equal(find_all(&s, &f, 9, NULL), 4);
    f.address = STR("Bob@there.example"); /* is the same person */
    assert_int_equal(find_all(&s, &f, 9, NULL), 4);
    f.address = STR("eve@there.example");
    assert_int_equal(find_all(&s, &f, 9, NULL), 0);
    BUF_AUTO text = {0};
    f = queue_filter_all();
    f.domains = domains;
    f.domain_count = 2;
    f.reason = STR("a \"word\"");
    queue_filter_format(&text, &f);
    struct queue_filter again;
    assert_true(queue_filter_parse(&s.f->arena, buf_str(&text), &again));
    assert_int_equal(again.domain_count, 2);
    assert_str(again.domains[1], "b.example");
    assert_str(again.reason, "a \"word\"");
    assert_true(again.last_message == INT64_MAX && again.account_id == QUEUE_ANY && again.state == -1);
    assert_false(queue_filter_parse(&s.f->arena, STR("{}"), &again));
    struct queue_sweep at;
    assert_false(queue_sweep_parse(&s.f->arena, STR("waiting/x/1/2"), &at));
    assert_false(queue_sweep_parse(&s.f->arena, STR("nonsense"), &at));
    assert_true(b > a);
    fixture_free(s.f);
}

static struct queue_result order(struct scene *s, enum queue_verb verb, int64_t id, int64_t due_at, int64_t flying) {
    struct queue_order o = {
        .verb = verb, .filter = queue_filter_all(), .due_at = due_at, .priority = -1, .reason = STR("so it is")};
    const struct queue_view view = view_of(s, NOW);
    struct queue_ids ids = {&id, 1};
    struct message_flight flight = {&flying, flying ? 1 : 0};
    struct queue_result result;
    assert_ok(queue_order_apply(&view, &o, &ids, &flight, &result));
    return result;
}

static struct recipient row(struct scene *s, int64_t id) {
    struct recipient r;
    assert_ok(recipient_get(s->f->db, &s->f->arena, id, &r));
    return r;
}

static void test_P1_P3_an_order_happens_once_and_never_to_what_flies(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t message = make_message(s.f->db, s.account, s.domain, 1);
    int64_t id = add(&s, message, s.account, s.domain, "a.example", NOW - 5),
            ahead = add(&s, message, s.account, s.domain, "a.example", NOW + 500);
    assert_int_equal(order(&s, QUEUE_HOLD, id, 0, id).busy, 1);
    assert_int_equal(row(&s, id).state, RECIPIENT_QUEUED);
    assert_int_equal(order(&s, QUEUE_HOLD, id, 0, 0).changed, 1);
    assert_int_equal(order(&s, QUEUE_HOLD, id, 0, 0).changed, 0);
    assert_int_equal(row(&s, id).state, RECIPIENT_HELD);
    assert_str(row(&s, id).reason, "so it is");
    struct queue_lane_list lanes;
    assert_ok(queue_lanes(s.f->db, &s.f->arena, s.node.node_id, NULL, 9, &lanes));
    assert_int_equal(lanes.count, 1); /* what is held is out of the scheduler's sight */
    assert_true(lanes.items[0].first_due_at == NOW + 500);
    assert_int_equal(order(&s, QUEUE_RETRY, id, 0, 0).changed, 0);
    struct queue_result released = order(&s, QUEUE_RELEASE, id, 0, 0);
    assert_int_equal(released.entries.count, 1);
    assert_int_equal(released.entries.items[0].recipient_id, id);
    assert_int_equal(row(&s, id).state, RECIPIENT_QUEUED);
    (void)order(&s, QUEUE_HOLD, ahead, 0, 0);
    (void)order(&s, QUEUE_RELEASE, ahead, 0, 0);
    assert_int_equal(row(&s, ahead).state, RECIPIENT_SCHEDULED);
    assert_int_equal(order(&s, QUEUE_RETRY, ahead, 0, 0).changed, 0); /* SendAt stands */
    assert_int_equal(order(&s, QUEUE_MOVE, id, NOW + 77, 0).changed, 1);
    assert_int_equal(order(&s, QUEUE_MOVE, id, NOW + 77, 0).changed, 0);
    struct queue_result hastened = order(&s, QUEUE_RETRY, id, 0, 0);
    assert_int_equal(hastened.changed, 1);
    assert_true(hastened.entries.items[0].due_at == NOW);
    (void)order(&s, QUEUE_HOLD, id, 0, 0);
    assert_int_equal(order(&s, QUEUE_CANCEL, id, 0, 0).changed, 1); /* held ones too */
    assert_int_equal(order(&s, QUEUE_CANCEL, id, 0, 0).changed, 0);
    assert_int_equal(row(&s, id).state, RECIPIENT_CANCELLED);
    struct message_timeline events;
    assert_ok(message_timeline(s.f->db, &s.f->arena, message, 9, &events));
    assert_int_equal(events.count, 1);
    assert_int_equal(events.items[0].type, EVENT_FAILED);
    fixture_free(s.f);
}

static void test_P4_what_outlives_its_life_is_found_held_or_not(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t message = make_message(s.f->db, s.account, s.domain, 1);
    int64_t waits = add(&s, message, s.account, s.domain, "a.example", NOW + 9),
            held = add(&s, message, s.account, s.domain, "b.example", NOW);
    assert_ok(queue_hold_row(s.f->db, held, STR("held"), NOW));
    for (int64_t now = NOW + 999; now <= NOW + 1000; now++) {
        const struct queue_view view = view_of(&s, now);
        struct queue_sweep at = {.is_held = false};
        struct queue_page page = {.is_end = false};
        size_t count = 0;
        while (!page.is_end) {
            assert_ok(queue_expired_page(&view, &at, 100, &page));
            for (size_t i = 0; i < page.ids.count; i++) assert_true(page.ids.items[i] == (count++ ? held : waits));
            at = page.next;
        }
        assert_int_equal(count, now == NOW + 1000 ? 2 : 0);
    }
    fixture_free(s.f);
}

/* ---- a long queue ---- */
static void fill(struct scene *s) {
    int64_t message = make_message(s->f->db, s->account, s->domain, 1);
    (void)message;
    static const char sqlite[] = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
                                 "INSERT INTO recipients (message_id, account_id, domain_id, address, domain, state, due_at, "
                                 "expires_at, reason, changed_at, "
                                 "node_id, epoch) SELECT 1, 1, 1, 'u' || i || '@d' || (i % 500) || '.example', 'd' || (i % 500) "
                                 "|| '.example', 1, i, 9000, 'r', "
                                 "0, 1, 1 FROM n";
    assert_ok(db_exec(s->f->db, sqlite));
    if (!fixture_is_sqlite(s->f)) assert_ok(db_exec(s->f->db, "ANALYZE recipients"));
}

static void test_P8_a_long_queue_is_walked_whole_in_pieces(void **state) {
    (void)state;
    struct scene s = scene_new();
    fill(&s);
    struct queue_filter f = queue_filter_all();
    assert_int_equal(find_all(&s, &f, 500, NULL), LONG);
    const struct str domain = STR("d77.example");
    f.domains = &domain;
    f.domain_count = 1;
    assert_int_equal(find_all(&s, &f, 500, NULL), LONG / 500);
    f.address = STR("u577@d77.example");
    int64_t id = 0;
    assert_int_equal(find_all(&s, &f, 1, &id), 1);
    assert_str(row(&s, id).address, "u577@d77.example");
    f = queue_filter_all();
    struct queue_sweep at = {.is_held = false};
    struct queue_page page = {.is_end = false};
    const struct queue_view view = view_of(&s, NOW);
    int64_t total = 0, pieces = 0;
    for (; !page.is_end; at = page.next, pieces++) {
        struct queue_count_list counts;
        assert_ok(queue_filter_count(&view, &f, &at, QUEUE_BY_DOMAIN, &counts, &page));
        for (size_t i = 0; i < counts.count; i++) total += counts.items[i].count;
    }
    assert_int_equal(total, LONG);
    assert_true(pieces >= LONG / QUEUE_WALK_LOOK_MAX);
    fixture_free(s.f);
}

/* Every plan of a walk begins in an index; only address and reason look rows up. */
static void test_P8_no_query_of_a_walk_scans(void **state) {
    (void)state;
    struct scene s = scene_new();
    if (!fixture_is_sqlite(s.f)) {
        fixture_free(s.f);
        skip();
    }
    fill(&s);
    static const char *const queries[] = {
        "SELECT domain, account_id, priority, due_at, id FROM recipients WHERE node_id = 1 AND (domain, account_id, priority, "
        "due_at, "
        "id) > ('d1', 0, 0, 0, 0) AND domain <= '~' AND state IN (0, 1) ORDER BY domain, account_id, priority, due_at, id LIMIT "
        "1 "
        "OFFSET 4999",
        "SELECT id FROM recipients WHERE node_id = 1 AND (domain, account_id, priority, due_at, id) > ('d1', 0, 0, 0, 0) AND "
        "(domain, "
        "account_id, priority, due_at, id) <= ('d2', 0, 0, 0, 0) AND domain_id = 1 AND message_id <= 9 AND expires_at <= 5 AND "
        "state IN "
        "(0, 1) ORDER BY domain, account_id, priority, due_at, id LIMIT 9",
        "SELECT domain, count(*) FROM recipients WHERE node_id = 1 AND (domain, account_id, priority, due_at, id) > ('d1', 0, 0, "
        "0, 0) "
        "AND (domain, account_id, priority, due_at, id) <= ('d2', 0, 0, 0, 0) AND state = 2 GROUP BY domain",
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        BUF_AUTO sql = {0};
        buf_addf(&sql, "EXPLAIN QUERY PLAN %s", queries[i]);
        struct stmt *plan = db_stmt_once(s.f->db, buf_str(&sql));
        enum status st;
        while ((st = stmt_step(plan)) == STATUS_ROW) {
            struct str words = stmt_text(plan, 3);
            bool is_good = str_starts(words, STR("SEARCH recipients USING COVERING INDEX"));
            if (!is_good) fail_msg("query %zu: %.*s", i, STR_ARG(words));
        }
        assert_ok(st);
    }
    fixture_free(s.f);
}

/* ---- what else the operator keeps ---- */
static void test_jobs_move_by_their_place_and_end_once(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct queue_job job = {.account_id = s.account, .verb = QUEUE_HOLD, .filter = STR("{}"), .priority = -1, .created_at = NOW};
    int64_t id = 0;
    assert_ok(queue_job_add(s.f->db, &job, &id));
    struct open_work_list open;
    assert_ok(queue_job_open(s.f->db, &s.f->arena, 8, &open));
    assert_int_equal(open.count, 1);
    struct queue_job_step step = {.id = id, .place = STR("waiting/a/1/0/1/1"), .changed = 5, .busy = 1};
    assert_ok(queue_job_advance(s.f->db, &step));
    assert_int_equal(queue_job_advance(s.f->db, &step), STATUS_NOT_FOUND); /* another was faster */
    assert_ok(queue_job_get(s.f->db, &s.f->arena, id, &job));
    assert_int_equal(job.changed, 5);
    assert_ok(queue_job_close(s.f->db, id, (struct str){0}, NOW + 1));
    assert_int_equal(queue_job_close(s.f->db, id, (struct str){0}, NOW + 1), STATUS_NOT_FOUND);
    assert_ok(queue_job_open(s.f->db, &s.f->arena, 8, &open));
    assert_int_equal(open.count, 0);
    struct queue_job_list list;
    assert_ok(queue_job_list(s.f->db, &s.f->arena, 9, &list));
    assert_int_equal(list.count, 1);
    fixture_free(s.f);
}

static void test_pauses_and_transcripts(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct pause pause = {.kind = 1, .name = STR("mx.example"), .until = NOW + 5, .because = STR("why"), .created_at = NOW};
    struct pause_list pauses;
    assert_ok(pause_put(s.f->db, &pause));
    pause.until = INT64_MAX;
    assert_ok(pause_put(s.f->db, &pause));
    assert_ok(pause_find_all(s.f->db, &s.f->arena, NOW + 6, &pauses));
    assert_int_equal(pauses.count, 1);
    assert_ok(pause_delete(s.f->db, 1, STR("mx.example")));
    assert_int_equal(pause_delete(s.f->db, 1, STR("mx.example")), STATUS_NOT_FOUND);
    int64_t message = make_message(s.f->db, s.account, s.domain, 1), id = add(&s, message, s.account, s.domain, "a.example", NOW);
    for (int64_t i = 1; i <= 8; i++) assert_ok(transcript_put(s.f->db, &(struct transcript_row){id, i, NOW, STR("1 > EHLO\n")}));
    assert_ok(transcript_put(s.f->db, &(struct transcript_row){id, 8, NOW, STR("2 > EHLO\n")})); /* settled twice */
    struct transcript_list list;
    assert_ok(transcript_find(s.f->db, &s.f->arena, id, &list));
    assert_int_equal(list.count, TRANSCRIPTS_KEPT);
    assert_int_equal(list.items[0].attempt, 4);
    assert_str(list.items[4].dialogue, "2 > EHLO\n");
    fixture_free(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_find_what_they_say),
        cmocka_unit_test(test_P1_P3_an_order_happens_once_and_never_to_what_flies),
        cmocka_unit_test(test_P4_what_outlives_its_life_is_found_held_or_not),
        cmocka_unit_test(test_P8_a_long_queue_is_walked_whole_in_pieces),
        cmocka_unit_test(test_P8_no_query_of_a_walk_scans),
        cmocka_unit_test(test_jobs_move_by_their_place_and_end_once),
        cmocka_unit_test(test_pauses_and_transcripts),
    };
    return cmocka_run_group_tests_name("queue_walk", tests, NULL, NULL);
}
