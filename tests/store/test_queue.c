/* test_queue.c - the queue: its order, its lanes, its fence (P1).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

struct world {
    struct fixture *f;
    int64_t account, domain, message;
    struct node_epoch node;
};

static struct world world_new(void) {
    struct world w = {.f = fixture_new()};
    w.node = make_node(w.f->db);
    assert_int_equal(w.node.node_id, 1);
    assert_int_equal(w.node.epoch, 1);
    w.account = make_account(w.f->db, "a@example.com");
    w.domain = make_domain(w.f->db, w.account, "example.com");
    w.message = make_message(w.f->db, w.account, w.domain, 1);
    return w;
}

static struct queue_settle settle_of(const struct world *w, int64_t recipient, enum recipient_state state) {
    return (struct queue_settle){.recipient_id = recipient,
                                 .owner = w->node,
                                 .state = state,
                                 .attempts = 1,
                                 .due_at = NOW + 60000,
                                 .reason = TEXT("421 later"),
                                 .now = NOW + 1};
}

static void test_P1_settle_moves_to_one_state(void **state) {
    (void)state;
    struct world w = world_new();
    int64_t id = make_recipient(w.f->db, w.message, w.account, "example.net", NOW);
    struct queue_settle settle = settle_of(&w, id, RECIPIENT_QUEUED);
    assert_ok(queue_settle(w.f->db, &settle));
    struct recipient found;
    assert_ok(recipient_get(w.f->db, &w.f->arena, id, &found));
    assert_int_equal(found.state, RECIPIENT_QUEUED);
    assert_int_equal(found.attempts, 1);
    assert_int_equal(found.due_at, NOW + 60000);
    assert_str(found.reason, "421 later");
    assert_int_equal(found.changed_at, NOW + 1);
    assert_int_equal(queue_settle(w.f->db, &settle), STATUS_NOT_FOUND); /* the same attempt twice applies once */
    settle.seen_attempts = 1;
    settle.attempts = 2;
    settle.state = RECIPIENT_DELIVERED;
    assert_ok(queue_settle(w.f->db, &settle));
    settle.seen_attempts = 2;
    settle.state = RECIPIENT_BOUNCED;
    assert_int_equal(queue_settle(w.f->db, &settle), STATUS_NOT_FOUND); /* an end is an end */
    assert_ok(recipient_get(w.f->db, &w.f->arena, id, &found));
    assert_int_equal(found.state, RECIPIENT_DELIVERED);
    int64_t waiting = 9;
    assert_ok(queue_count_waiting(w.f->db, &waiting));
    assert_int_equal(waiting, 0);
    fixture_free(w.f);
}

/* When it was to go is known however often it was put off, held or released: delivery times are measured from there. */
static void test_a_plan_is_remembered(void **state) {
    (void)state;
    struct world w = world_new();
    struct recipient scheduled = {.message_id = w.message,
                                  .account_id = w.account,
                                  .address = TEXT("b@example.net"),
                                  .domain = TEXT("example.net"),
                                  .state = RECIPIENT_SCHEDULED,
                                  .due_at = NOW + 500,
                                  .expires_at = NOW + 9000,
                                  .changed_at = NOW},
                     found;
    int64_t id, plain = make_recipient(w.f->db, w.message, w.account, "example.net", NOW);
    assert_ok(recipient_add(w.f->db, &scheduled, &w.node, &id));
    assert_ok(queue_hold_row(w.f->db, id, TEXT("wait"), NOW));
    assert_ok(queue_release_row(w.f->db, id, TEXT(""), NOW + 1)); /* before its time: it is scheduled as it was */
    assert_ok(queue_move(w.f->db, id, NOW + 700, NOW + 1));
    struct queue_settle settle = settle_of(&w, id, RECIPIENT_QUEUED);
    assert_ok(queue_settle(w.f->db, &settle));
    assert_ok(queue_hold_row(w.f->db, id, TEXT("wait"), NOW));
    assert_ok(queue_release_row(w.f->db, id, TEXT(""), NOW + 800));
    settle.seen_attempts = 1;
    settle.attempts = 2;
    assert_ok(queue_settle(w.f->db, &settle));
    assert_ok(recipient_get(w.f->db, &w.f->arena, id, &found));
    assert_int_equal(found.planned_at, NOW + 700);
    settle = settle_of(&w, plain, RECIPIENT_QUEUED);
    assert_ok(queue_settle(w.f->db, &settle));
    assert_ok(recipient_get(w.f->db, &w.f->arena, plain, &found));
    assert_int_equal(found.planned_at, 0);
    fixture_free(w.f);
}

static void test_P1_fence_refuses_an_older_life(void **state) {
    (void)state;
    struct world w = world_new();
    int64_t id = make_recipient(w.f->db, w.message, w.account, "example.net", NOW);
    struct node_epoch next = make_node(w.f->db), stranger;
    assert_int_equal(next.node_id, w.node.node_id);
    assert_int_equal(next.epoch, 2);
    assert_ok(node_start(w.f->db, TEXT("other"), NOW, &stranger));
    assert_int_not_equal(stranger.node_id, w.node.node_id);
    struct queue_settle settle = settle_of(&w, id, RECIPIENT_DELIVERED);
    assert_int_equal(queue_settle(w.f->db, &settle), STATUS_NOT_FOUND); /* the life of before */
    settle.owner = stranger;
    assert_int_equal(queue_settle(w.f->db, &settle), STATUS_NOT_FOUND); /* another node's row */
    settle.owner = next;
    assert_ok(queue_settle(w.f->db, &settle));
    fixture_free(w.f);
}

static void test_load_pages_a_lane_in_order(void **state) {
    (void)state;
    struct world w = world_new();
    int64_t ids[5];
    static const int64_t due[5] = {NOW + 3, NOW + 1, NOW + 1, NOW + 2, NOW + 9};
    for (int i = 0; i < 5; i++) ids[i] = make_recipient(w.f->db, w.message, w.account, "example.net", due[i]);
    make_recipient(w.f->db, w.message, w.account, "example.org", NOW);
    make_recipient(w.f->db, w.message, w.account + 1, "example.net", NOW);
    struct queue_settle settle = settle_of(&w, ids[3], RECIPIENT_DELIVERED);
    assert_ok(queue_settle(w.f->db, &settle));
    struct queue_load load = {
        .node_id = 1, .domain = TEXT("example.net"), .account_id = w.account, .due_before = NOW + 9, .limit = 2};
    struct queue_entry_list list;
    assert_ok(queue_load(w.f->db, &w.f->arena, &load, &list));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].recipient_id, ids[1]);
    assert_int_equal(list.items[1].recipient_id, ids[2]);
    assert_str(list.items[0].domain, "example.net");
    assert_int_equal(list.items[0].created_at, NOW);
    assert_int_equal(list.items[0].expires_at, NOW + 1000);
    assert_int_equal(list.items[0].size_bytes, 10);
    load.after_due_at = list.items[1].due_at;
    load.after_id = list.items[1].recipient_id;
    assert_ok(queue_load(w.f->db, &w.f->arena, &load, &list));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].recipient_id, ids[0]);
    load.node_id = 2;
    load.after_due_at = load.after_id = 0;
    assert_ok(queue_load(w.f->db, &w.f->arena, &load, &list));
    assert_int_equal(list.count, 0);
    fixture_free(w.f);
}

static void test_lanes(void **state) {
    (void)state;
    struct world w = world_new();
    int64_t failed = make_recipient(w.f->db, w.message, w.account, "b.example", NOW + 2);
    make_recipient(w.f->db, w.message, w.account, "b.example", NOW + 3);
    make_recipient(w.f->db, w.message, w.account + 1, "b.example", NOW + 4);
    make_recipient(w.f->db, w.message, w.account, "a.example", NOW + 9);
    int64_t done = make_recipient(w.f->db, w.message, w.account, "c.example", NOW);
    struct queue_settle settle = settle_of(&w, done, RECIPIENT_FAILED);
    assert_ok(queue_settle(w.f->db, &settle));
    settle = settle_of(&w, failed, RECIPIENT_QUEUED);
    settle.due_at = NOW + 60;
    assert_ok(queue_settle(w.f->db, &settle));
    struct queue_lane_list list;
    assert_ok(queue_lanes(w.f->db, &w.f->arena, 1, NULL, 2, &list));
    assert_int_equal(list.count, 2);
    assert_str(list.items[0].domain, "a.example");
    assert_str(list.items[1].domain, "b.example");
    assert_int_equal(list.items[1].account_id, w.account);
    assert_int_equal(list.items[1].first_due_at, NOW + 3);
    assert_false(list.items[0].is_tried);
    assert_true(list.items[1].is_tried); /* its last was */
    assert_ok(queue_lanes(w.f->db, &w.f->arena, 1, &list.items[1], 5, &list));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].account_id, w.account + 1);
    assert_int_equal(list.items[0].first_due_at, NOW + 4);
    assert_ok(queue_lanes(w.f->db, &w.f->arena, 2, NULL, 5, &list));
    assert_int_equal(list.count, 0);
    fixture_free(w.f);
}

static void test_what_people_read(void **state) {
    (void)state;
    struct world w = world_new();
    int64_t first = make_recipient(w.f->db, w.message, w.account, "z.example", NOW);
    (void)make_recipient(w.f->db, w.message, w.account, "a.example", NOW);
    struct queue_row row;
    assert_ok(queue_row_get(w.f->db, &w.f->arena, first, &row));
    assert_str(row.sender, "a@example.com");
    assert_memory_equal(row.message_uuid.b, make_uuid(1).b, 16);
    assert_int_equal(row.created_at, NOW);
    assert_int_equal(queue_row_get(w.f->db, &w.f->arena, first + 99, &row), STATUS_NOT_FOUND);
    struct recipient_list list;
    assert_ok(recipient_list(w.f->db, &w.f->arena, w.message, &list));
    assert_int_equal(list.count, 2);
    assert_int_equal(recipient_get(w.f->db, &w.f->arena, 999, &list.items[0]), STATUS_NOT_FOUND);
    assert_string_equal(recipient_state_text(RECIPIENT_CANCELLED), "cancelled");
    fixture_free(w.f);
}

int run_queue(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P1_settle_moves_to_one_state),
        cmocka_unit_test(test_a_plan_is_remembered),
        cmocka_unit_test(test_P1_fence_refuses_an_older_life),
        cmocka_unit_test(test_load_pages_a_lane_in_order),
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_what_people_read),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
