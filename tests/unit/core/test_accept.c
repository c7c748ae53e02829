/* test_accept.c - one transaction makes a message, and remembers its key for a day (P1, P3, TN03; P8: and no longer); whom it may
 * not write to, and what the group's limits leave, is judged there (TN12).
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "core/accept.h"
#include "core/accounts.h"
#include "core/suppressions.h"
#include "store/send_counts.h"

#include <string.h>

static const struct account_limits free_of_limits;

static struct acceptor by_account(int64_t account_id, const struct account_limits *limits, int64_t now) {
    return (struct acceptor){.key_id = 3, .quota = {.account_id = account_id, .now = now, .limits = limits}};
}

/* An account and its domain; both tables count alike. */
static int64_t make_sender(struct fixture *f, const char *email) {
    int64_t account_id = make_account(f->db, email);
    assert_int_equal(make_domain(f->db, account_id, strchr(email, '@') + 1), account_id);
    return account_id;
}

static struct acceptance two_of(int64_t account_id, uint8_t mark, int64_t now) {
    static const struct accept_recipient to[] = {
        {.address = STR_INIT("bob@there.example"), .domain = STR_INIT("there.example")},
        {.address = STR_INIT("eve@else.example"), .domain = STR_INIT("else.example")},
    };
    return (struct acceptance){
        .message = {.uuid = make_uuid(mark),
                    .account_id = account_id,
                    .domain_id = account_id, /* make_sender */
                    .key_id = 3,
                    .created_at = now,
                    .tags = STR("[]"),
                    .metadata = STR("{}")},
        .content = STR("Subject: x\r\n\r\nbody\r\n"),
        .recipients = to,
        .recipient_count = 2,
        .due_at = now,
        .owner = {1, 1},
    };
}

/* One request of two recipients by itself. */
static struct accept_request send_two(struct fixture *f, struct acceptor by, struct acceptance *a) {
    struct accept_request request = {.messages = a, .message_count = 1};
    assert_ok(accept_begin(f->db, &by));
    assert_ok(accept_request(f->db, &f->arena, &by, &request));
    assert_ok(accept_end(f->db, &by));
    return request;
}

static void suppress(struct fixture *f, int64_t account_id, int64_t list_id, struct str address) {
    bool is_new;
    assert_ok(suppression_add(
        f->db,
        &(struct suppression){
            .account_id = account_id, .list_id = list_id, .address = address, .source = SUPPRESSION_BOUNCE, .created_at = NOW},
        &is_new));
}

/* ---- writing ---- */
static void test_TN15_nothing_comes_after_the_domain_went(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct acceptance a = two_of(make_sender(f, "a@example.com"), 1, NOW);
    assert_ok(domain_delete(f->db, 1, 1));
    assert_int_equal(send_two(f, by_account(1, NULL, NOW), &a).outcome, ACCEPT_GONE);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages"), 0);
    fixture_free(f);
}

static void test_P1_all_of_a_message_is_written(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct acceptance a = two_of(make_sender(f, "a@example.com"), 1, NOW);
    assert_int_equal(send_two(f, by_account(1, NULL, NOW), &a).outcome, ACCEPT_NEW);
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

static void test_the_gateways_own_mail_is_not_judged(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_sender(f, "a@example.com");
    struct acceptance a = two_of(account, 1, NOW);
    suppress(f, account, 0, STR("bob@there.example"));
    assert_ok(accept_run(f->db, &f->arena, &a));
    assert_int_equal(a.entry_count, 2);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM send_counts"), 0);
    fixture_free(f);
}

/* ---- suppression (P1, P3) ---- */
static void test_P3_a_suppressed_recipient_has_state_and_event(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_sender(f, "a@example.com");
    struct acceptance a = two_of(account, 1, NOW);
    suppress(f, account, 0, STR("eve@else.example"));
    struct accept_request r = send_two(f, by_account(account, NULL, NOW), &a);
    assert_int_equal(r.outcome, ACCEPT_NEW);
    assert_int_equal(r.suppressed_count, 1);
    assert_str(r.suppressed[0], "eve@else.example");
    assert_int_equal(a.entry_count, 1);
    assert_str(a.entries[0].domain, "there.example");
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM recipients WHERE state = 6"), 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM events WHERE type = 6"), 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM events WHERE type = 1"), 1);
    assert_int_equal(fixture_number(f, "SELECT count FROM send_counts"), 1);
    fixture_free(f);
}

static void test_nobody_left_is_refused_and_leaves_nothing(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_sender(f, "a@example.com"), other = make_sender(f, "b@example.com");
    struct acceptance a = two_of(account, 1, NOW);
    suppress(f, account, 7, STR("bob@there.example"));
    suppress(f, account, 0, STR("eve@else.example"));
    struct accept_request request = {.messages = &a, .message_count = 1, .list_id = 7};
    struct acceptor by = by_account(account, NULL, NOW);
    assert_ok(accept_begin(f->db, &by));
    assert_ok(accept_request(f->db, &f->arena, &by, &request));
    assert_int_equal(request.outcome, ACCEPT_SUPPRESSED);
    assert_int_equal(request.suppressed_count, 2);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages"), 0);
    request.keeps_suppressed = true; /* a list's share */
    assert_ok(accept_request(f->db, &f->arena, &by, &request));
    assert_int_equal(request.outcome, ACCEPT_NEW);
    assert_int_equal(a.entry_count, 0);
    request.keeps_suppressed = false;
    request.list_id = 0; /* the list's own entry does not count */
    a.message.uuid = make_uuid(2);
    assert_ok(accept_request(f->db, &f->arena, &by, &request));
    assert_int_equal(request.outcome, ACCEPT_NEW);
    assert_int_equal(a.entry_count, 1);
    struct acceptance theirs = two_of(other, 3, NOW); /* TN04 */
    assert_int_equal(send_two(f, by_account(other, NULL, NOW), &theirs).suppressed_count, 0);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM bodies"), 2);
    fixture_free(f);
}

/* ---- limits (TN12) ---- */
static void test_TN12_day_and_month_hold_exactly(void **state) {
    (void)state;
    static const struct {
        struct account_limits limits;
        enum quota_verdict verdict;
        int64_t after_ms; /* when it goes on */
    } cases[] = {
        {{.sends_per_day = 5}, QUOTA_DAY, 86400000},
        {{.sends_per_month = 5}, QUOTA_MONTH, 32 * INT64_C(86400000)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture *f = fixture_new();
        int64_t account = make_sender(f, "a@example.com");
        const struct account_limits *limits = &cases[i].limits;
        uint8_t mark = 1;
        for (; mark <= 2; mark++) {
            struct acceptance a = two_of(account, mark, NOW);
            assert_int_equal(send_two(f, by_account(account, limits, NOW), &a).outcome, ACCEPT_NEW);
        }
        struct acceptance third = two_of(account, mark++, NOW); /* 2 of 1 that is left */
        struct accept_request r = send_two(f, by_account(account, limits, NOW), &third);
        assert_int_equal(r.outcome, ACCEPT_OVER_LIMIT);
        assert_int_equal(r.verdict, cases[i].verdict);
        struct acceptance unlimited = two_of(account, mark++, NOW);
        assert_int_equal(send_two(f, by_account(account, &free_of_limits, NOW), &unlimited).outcome, ACCEPT_NEW);
        struct acceptance later = two_of(account, mark++, NOW + cases[i].after_ms);
        assert_int_equal(send_two(f, by_account(account, limits, NOW + cases[i].after_ms), &later).outcome, ACCEPT_NEW);
        fixture_free(f);
    }
}

static void test_TN12_one_transaction_counts_its_own(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_sender(f, "a@example.com");
    struct account_limits limits = {.sends_per_day = 5};
    struct acceptor by = by_account(account, &limits, NOW);
    assert_ok(accept_begin(f->db, &by));
    for (uint8_t i = 0; i < 4; i++) {
        struct acceptance a = two_of(account, i, NOW);
        struct accept_request request = {.messages = &a, .message_count = 1};
        assert_ok(accept_request(f->db, &f->arena, &by, &request));
        assert_int_equal(request.outcome, i < 2 ? ACCEPT_NEW : ACCEPT_OVER_LIMIT);
    }
    struct quota_state left = quota_state(&by.quota, QUOTA_DAY);
    assert_int_equal(left.limit, 5);
    assert_int_equal(left.remaining, 1);
    assert_int_equal(left.retry_at % 86400000, 0);
    assert_true(left.retry_at > NOW && left.retry_at <= NOW + 86400000);
    assert_ok(accept_end(f->db, &by));
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count FROM send_counts"), 4);
    fixture_free(f);
}

static void test_the_rate_refills_with_time(void **state) {
    (void)state;
    static const struct {
        int64_t at_ms;
        enum accept_outcome outcome;
    } steps[] = {{0, ACCEPT_NEW},   {0, ACCEPT_NEW},          {0, ACCEPT_OVER_LIMIT}, {300, ACCEPT_OVER_LIMIT},
                 {400, ACCEPT_NEW}, {900, ACCEPT_OVER_LIMIT}, {5000, ACCEPT_NEW}};
    struct account_limits limits = {.sends_per_second = 3}; /* four at first: what is begun within the second is let in */
    struct fixture *f = fixture_new();
    int64_t account = make_sender(f, "a@example.com");
    for (uint8_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int64_t now = NOW + steps[i].at_ms;
        struct acceptance a = two_of(account, i, now);
        struct accept_request r = send_two(f, by_account(account, &limits, now), &a);
        assert_int_equal(r.outcome, steps[i].outcome);
        if (r.outcome == ACCEPT_OVER_LIMIT) assert_int_equal(r.verdict, QUOTA_SECOND);
    }
    fixture_free(f);
}

static void test_P8_old_counts_go_as_new_ones_come(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_sender(f, "a@example.com");
    struct send_usage usage;
    struct send_period period;
    for (int day = 0; day < 200; day++) {
        period = send_period_of(NOW + day * INT64_C(86400000));
        assert_ok(send_usage_add(f->db, account, &period, 1));
    }
    assert_ok(send_usage_get(f->db, account, &period, &usage));
    assert_int_equal(usage.day, 1);
    assert_int_equal(usage.month, (period.day_at - period.month_at) / 86400000 + 1);
    assert_ok(send_usage_add(f->db, account + 1, &period, 1)); /* deleted meanwhile */
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM send_counts"), 63);
    fixture_free(f);
}

/* ---- idempotency (JS18) ---- */
static enum accept_outcome recall(struct fixture *f, struct str key, struct str request, int64_t now) {
    struct acceptor by = by_account(1, NULL, now);
    struct accept_key entry = {key, request};
    struct str answer;
    enum accept_outcome outcome;
    assert_ok(accept_recall(f->db, &f->arena, &by, &entry, &answer, &outcome));
    if (outcome == ACCEPT_REPLAYED) assert_str(answer, "{\"MessageID\":\"first\"}");
    if (outcome == ACCEPT_NEW) assert_ok(accept_remember(f->db, &by, &entry, STR("{\"MessageID\":\"first\"}")));
    return outcome;
}

static void test_JS18_a_key_replays_or_conflicts_for_a_day(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t life = ACCEPT_IDEMPOTENCY_LIFE_MS;
    assert_int_equal(recall(f, STR("key"), STR("request"), NOW), ACCEPT_NEW);
    assert_int_equal(recall(f, STR("key"), STR("request"), NOW + 1), ACCEPT_REPLAYED);
    assert_int_equal(recall(f, STR("key"), STR("another"), NOW + 2), ACCEPT_CONFLICT);
    assert_int_equal(recall(f, STR("key"), STR("request"), NOW + life - 1), ACCEPT_REPLAYED);
    assert_int_equal(recall(f, STR("key"), STR("another"), NOW + life), ACCEPT_NEW);
    assert_int_equal(recall(f, STR("key"), STR("request"), NOW + life), ACCEPT_CONFLICT);
    assert_int_equal(recall(f, STR(""), STR("request"), NOW), ACCEPT_NEW);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM idempotency"), 1);
    fixture_free(f);
}

static void test_P8_old_keys_go_as_new_ones_come(void **state) {
    (void)state;
    static const char *const early[] = {"a", "b", "c", "d"};
    int64_t later = NOW + ACCEPT_IDEMPOTENCY_LIFE_MS + 10;
    struct fixture *f = fixture_new();
    for (int i = 0; i < 4; i++) assert_int_equal(recall(f, str_from_z(early[i]), STR("r"), NOW + i), ACCEPT_NEW);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM idempotency"), 4);
    recall(f, STR("x"), STR("r"), later);
    recall(f, STR("y"), STR("r"), later);
    assert_int_equal(recall(f, STR("x"), STR("r"), later), ACCEPT_REPLAYED);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM idempotency"), 2);
    fixture_free(f);
}

static void test_P8_old_sessions_go_as_new_ones_come(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_sender(f, "a@example.com");
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
        cmocka_unit_test(test_TN15_nothing_comes_after_the_domain_went),
        cmocka_unit_test(test_P1_all_of_a_message_is_written),
        cmocka_unit_test(test_the_gateways_own_mail_is_not_judged),
        cmocka_unit_test(test_P3_a_suppressed_recipient_has_state_and_event),
        cmocka_unit_test(test_nobody_left_is_refused_and_leaves_nothing),
        cmocka_unit_test(test_TN12_day_and_month_hold_exactly),
        cmocka_unit_test(test_TN12_one_transaction_counts_its_own),
        cmocka_unit_test(test_the_rate_refills_with_time),
        cmocka_unit_test(test_P8_old_counts_go_as_new_ones_come),
        cmocka_unit_test(test_JS18_a_key_replays_or_conflicts_for_a_day),
        cmocka_unit_test(test_P8_old_keys_go_as_new_ones_come),
        cmocka_unit_test(test_P8_old_sessions_go_as_new_ones_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
