/* test_accept.c - one transaction makes a message, and remembers its key for a day (P1, P3, TN03; P8: and no longer).
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "core/accept.h"
#include "core/accounts.h"

static struct acceptance accept_one(struct fixture *f, uint8_t mark, struct str key, struct str request, int64_t now) {
    static const struct accept_recipient to[] = {
        {.address = STR_INIT("bob@there.example"), .domain = STR_INIT("there.example")},
        {.address = STR_INIT("eve@else.example"), .domain = STR_INIT("else.example")},
    };
    struct acceptance a = {
        .message = {.uuid = make_uuid(mark),
                    .account_id = 1,
                    .domain_id = 2,
                    .key_id = 3,
                    .created_at = now,
                    .tags = STR("[]"),
                    .metadata = STR("{}")},
        .content = STR("Subject: x\r\n\r\nbody\r\n"),
        .recipients = to,
        .recipient_count = 2,
        .due_at = now,
        .owner = {1, 1},
        .idempotency_hash = key,
        .request_hash = request,
        .answer = STR("{\"MessageID\":\"first\"}"),
    };
    assert_ok(accept_run(f->db, &f->arena, &a));
    return a;
}

static void test_P1_all_of_a_message_is_written(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct acceptance a = accept_one(f, 1, STR(""), STR(""), NOW);
    assert_int_equal(a.outcome, ACCEPT_NEW);
    assert_int_equal(a.entry_count, 2);
    assert_str(a.entries[1].domain, "else.example");
    struct recipient_list list;
    assert_ok(recipient_list(f->db, &f->arena, a.entries[0].message_id, &list));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[1].id, a.entries[1].recipient_id);
    assert_int_equal(list.items[0].state, RECIPIENT_QUEUED);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM events WHERE type = 1"), 2);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM bodies"), 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM idempotency"), 0);
    fixture_free(f);
}

static void test_idempotency_key_replays_or_conflicts(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    assert_int_equal(accept_one(f, 1, STR("key"), STR("request"), NOW).outcome, ACCEPT_NEW);
    struct acceptance again = accept_one(f, 2, STR("key"), STR("request"), NOW + 1);
    assert_int_equal(again.outcome, ACCEPT_REPLAYED);
    assert_str(again.first_answer, "{\"MessageID\":\"first\"}");
    assert_int_equal(accept_one(f, 3, STR("key"), STR("another"), NOW + 2).outcome, ACCEPT_CONFLICT);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages"), 1);
    fixture_free(f);
}

static void test_P8_old_keys_go_as_new_ones_come(void **state) {
    (void)state;
    static const char *const early[] = {"a", "b", "c", "d"};
    int64_t later = NOW + ACCEPT_IDEMPOTENCY_LIFE_MS + 10;
    struct fixture *f = fixture_new();
    for (uint8_t i = 0; i < 4; i++) accept_one(f, i, str_from_z(early[i]), STR("r"), NOW + i);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM idempotency"), 4);
    accept_one(f, 10, STR("x"), STR("r"), later);
    accept_one(f, 11, STR("y"), STR("r"), later);
    assert_int_equal(accept_one(f, 12, STR("x"), STR("r"), later).outcome, ACCEPT_REPLAYED);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM idempotency"), 2);
    fixture_free(f);
}

static void test_P8_old_sessions_go_as_new_ones_come(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com");
    assert_ok(account_open_session(f->db, account, STR("one"), false, NOW));
    assert_ok(account_open_session(f->db, account, STR("two"), false, NOW + SESSION_LIFE_MS));
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM sessions"), 2); /* "one" has ended, and is still known */
    assert_ok(account_open_session(f->db, account, STR("three"), false, NOW + 2 * SESSION_LIFE_MS + 1));
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM sessions"), 2);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P1_all_of_a_message_is_written),
        cmocka_unit_test(test_idempotency_key_replays_or_conflicts),
        cmocka_unit_test(test_P8_old_keys_go_as_new_ones_come),
        cmocka_unit_test(test_P8_old_sessions_go_as_new_ones_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
