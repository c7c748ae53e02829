/* test_lists.c - lists, subscribers, list sends and imports as rows, on both engines; tenants kept apart (P6); a slice moves its
 * row once (P1, P2).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "store/imports.h"
#include "store/list_sends.h"
#include "store/lists.h"
#include "store/subscribers.h"

#include <string.h>

static int64_t make_list(struct db *tx, int64_t account_id, struct str name) {
    struct mailing_list list = {.account_id = account_id, .name = name, .created_at = NOW};
    int64_t id = 0;
    assert_ok(mailing_list_add(tx, &list, &id));
    return id;
}

static int64_t make_subscriber(struct db *tx, int64_t list_id, struct str email, enum subscriber_status status) {
    struct subscriber s = {
        .list_id = list_id, .email = email, .email_key = email, .status = status, .fields = TEXT("{}"), .created_at = NOW};
    int64_t id = 0;
    assert_ok(subscriber_add(tx, &s, &id));
    return id;
}

static void test_P6_lists_of_two_accounts(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), other = 7, count;
    int64_t news = make_list(f->db, a, TEXT("News")), more = make_list(f->db, a, TEXT("More"));
    make_list(f->db, b, TEXT("News"));
    struct mailing_list list = {.account_id = a, .name = TEXT("News")};
    struct mailing_list_page page;
    assert_int_equal(mailing_list_add(f->db, &list, &other), STATUS_EXISTS);
    assert_int_equal(other, 7);
    assert_int_equal(mailing_list_get(f->db, &f->arena, b, news, &list), STATUS_NOT_FOUND);
    assert_int_equal(mailing_list_rename(f->db, b, news, TEXT("Mine")), STATUS_NOT_FOUND);
    assert_int_equal(mailing_list_rename(f->db, a, news, TEXT("More")), STATUS_EXISTS);
    assert_ok(mailing_list_rename(f->db, a, news, TEXT("N\xC3\xA9ws")));
    assert_ok(mailing_list_get(f->db, &f->arena, a, news, &list));
    assert_str(list.name, "N\xC3\xA9ws");
    assert_ok(mailing_list_page(f->db, &f->arena, a, news, 10, &page));
    assert_true(page.count == 1 && page.items[0].id == more);
    assert_ok(mailing_list_count(f->db, a, &count));
    assert_int_equal(count, 2);
    assert_int_equal(mailing_list_delete(f->db, b, news), STATUS_NOT_FOUND);
    assert_ok(mailing_list_delete(f->db, a, news));
    fixture_free(f);
}

static void test_P6_subscribers_are_found_through_their_account(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), other = 7;
    int64_t list = make_list(f->db, a, TEXT("News")), elsewhere = make_list(f->db, a, TEXT("More"));
    int64_t ann = make_subscriber(f->db, list, TEXT("ann@x.test"), SUBSCRIBER_ACTIVE);
    int64_t bob = make_subscriber(f->db, list, TEXT("bob@x.test"), SUBSCRIBER_UNSUBSCRIBED);
    struct subscriber s = {.list_id = list, .email = TEXT("ANN@x.test"), .email_key = TEXT("ann@x.test"), .fields = TEXT("{}")};
    assert_int_equal(subscriber_add(f->db, &s, &other), STATUS_EXISTS);
    assert_ok(db_broken(f->db));
    assert_int_equal(subscriber_get(f->db, &f->arena, b, list, ann, &s), STATUS_NOT_FOUND);
    assert_int_equal(subscriber_get(f->db, &f->arena, a, elsewhere, ann, &s), STATUS_NOT_FOUND);
    assert_int_equal(subscriber_find(f->db, &f->arena, b, list, TEXT("ann@x.test"), &s), STATUS_NOT_FOUND);
    assert_ok(subscriber_find(f->db, &f->arena, a, list, TEXT("ann@x.test"), &s));
    assert_int_equal(s.id, ann);
    s.email_key = TEXT("bob@x.test");
    assert_int_equal(subscriber_set(f->db, &s), STATUS_EXISTS);
    s.email_key = s.email = TEXT("anna@x.test");
    s.fields = TEXT("{\"A\":1}");
    s.changed_at = NOW + 1;
    assert_ok(subscriber_set(f->db, &s));
    assert_ok(subscriber_get(f->db, &f->arena, a, list, ann, &s));
    assert_str(s.fields, "{\"A\":1}");
    assert_int_equal(subscriber_delete(f->db, b, list, bob), STATUS_NOT_FOUND);
    assert_int_equal(subscriber_delete(f->db, a, elsewhere, bob), STATUS_NOT_FOUND);
    assert_ok(subscriber_delete(f->db, a, list, bob));
    fixture_free(f);
}

static void test_pages_of_subscribers(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), ids[6], count, last;
    int64_t list = make_list(f->db, a, TEXT("News"));
    static const char *const emails[] = {"0@x.test", "1@x.test", "2@x.test", "3@x.test", "4@x.test", "5@x.test"};
    for (size_t i = 0; i < 6; i++)
        ids[i] = make_subscriber(f->db, list, str_from_z(emails[i]), i == 2 ? SUBSCRIBER_BOUNCED : SUBSCRIBER_ACTIVE);
    struct subscriber_query query = {
        .account_id = a, .list_id = list, .status = SUBSCRIBER_ACTIVE, .limit = 2, .after_id = ids[0]};
    struct subscriber_page page;
    assert_ok(subscriber_page(f->db, &f->arena, &query, &page));
    assert_true(page.count == 2 && page.items[0].id == ids[1] && page.items[1].id == ids[3]);
    query.up_to = ids[1];
    assert_ok(subscriber_page(f->db, &f->arena, &query, &page));
    assert_int_equal(page.count, 1);
    query = (struct subscriber_query){.account_id = a, .list_id = list, .status = -1, .limit = 10, .offset = 4};
    assert_ok(subscriber_page(f->db, &f->arena, &query, &page));
    assert_true(page.count == 2 && page.items[0].id == ids[4]);
    assert_ok(subscriber_count(f->db, &query, &count, &last));
    assert_true(count == 6 && last == ids[5]);
    query.account_id = b;
    assert_ok(subscriber_page(f->db, &f->arena, &query, &page));
    assert_ok(subscriber_count(f->db, &query, &count, &last));
    assert_true(page.count == 0 && count == 0 && last == 0);
    assert_ok(subscriber_delete_some(f->db, b, list, 10, &count));
    assert_int_equal(count, 0);
    assert_ok(subscriber_delete_some(f->db, a, list, 4, &count));
    assert_int_equal(count, 4);
    fixture_free(f);
}

/* ---- work ---- */
static int64_t make_send(struct db *tx, int64_t account_id, int64_t domain_id, uint8_t mark) {
    struct list_send send = {.uuid = make_uuid(mark),
                             .account_id = account_id,
                             .domain_id = domain_id,
                             .key_id = 5,
                             .list_id = 9,
                             .request = TEXT("{\"a\":1}"),
                             .up_to = 100,
                             .total = 80,
                             .created_at = NOW,
                             .due_at = NOW + 1};
    int64_t id = 0;
    assert_ok(list_send_add(tx, &send, &id));
    return id;
}

static void test_P2_a_list_send_advances_from_where_it_was_read(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), id = make_send(f->db, a, 3, 1);
    struct list_send_step step = {.id = id, .position = 40, .sent = 30, .suppressed = 2, .skipped = 1};
    struct list_send send;
    assert_ok(list_send_wait(f->db, id, TEXT("waits")));
    assert_ok(list_send_get(f->db, &f->arena, id, &send));
    assert_str(send.request, "{\"a\":1}");
    assert_str(send.reason, "waits");
    assert_ok(list_send_advance(f->db, &step));
    assert_int_equal(list_send_advance(f->db, &step), STATUS_NOT_FOUND);
    step.seen_position = 40;
    step.position = 100;
    assert_ok(list_send_advance(f->db, &step));
    assert_ok(list_send_get(f->db, &f->arena, id, &send));
    assert_true(send.position == 100 && send.sent == 60 && send.suppressed == 4 && send.skipped == 2 && send.reason.n == 0);
    assert_ok(list_send_close(f->db, id, LIST_SEND_DONE, TEXT("end"), NOW + 5));
    assert_int_equal(list_send_close(f->db, id, LIST_SEND_FAILED, TEXT(""), NOW + 6), STATUS_NOT_FOUND);
    step.seen_position = 100;
    assert_int_equal(list_send_advance(f->db, &step), STATUS_NOT_FOUND);
    assert_ok(list_send_get(f->db, &f->arena, id, &send));
    assert_true(send.state == LIST_SEND_DONE && send.request.n == 0 && send.finished_at == NOW + 5);
    fixture_free(f);
}

static void test_P6_list_sends_are_found_by_account_and_domain(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com");
    int64_t first = make_send(f->db, a, 3, 1), second = make_send(f->db, a, 4, 2), third = make_send(f->db, b, 3, 3);
    struct list_send send;
    struct list_send_page page;
    struct open_work_list open;
    assert_ok(list_send_find(f->db, &f->arena, a, SCOPE_ANY, make_uuid(1), &send));
    assert_int_equal(send.id, first);
    assert_ok(list_send_find(f->db, &f->arena, a, 3, make_uuid(1), &send));
    assert_int_equal(list_send_find(f->db, &f->arena, a, 4, make_uuid(1), &send), STATUS_NOT_FOUND);
    assert_int_equal(list_send_find(f->db, &f->arena, b, SCOPE_ANY, make_uuid(1), &send), STATUS_NOT_FOUND);
    assert_ok(list_send_page(f->db, &f->arena, &(struct list_send_query){a, SCOPE_ANY, 0, 10}, &page));
    assert_true(page.count == 2 && page.items[0].id == second);
    assert_ok(list_send_page(f->db, &f->arena, &(struct list_send_query){a, SCOPE_ANY, second, 10}, &page));
    assert_true(page.count == 1 && page.items[0].id == first);
    assert_ok(list_send_page(f->db, &f->arena, &(struct list_send_query){a, 4, 0, 10}, &page));
    assert_true(page.count == 1 && page.items[0].id == second);
    /* The oldest of each account, so that nobody's many hide another's one. */
    assert_ok(list_send_open(f->db, &f->arena, 1, &open));
    assert_true(open.count == 2 && open.items[0].id == first && open.items[1].id == third && open.items[1].account_id == b);
    assert_ok(list_send_open(f->db, &f->arena, 2, &open));
    assert_int_equal(open.count, 3);
    fixture_free(f);
}

static void test_an_import_is_read_piece_by_piece(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), id = 0;
    BUF_AUTO file = {0};
    for (size_t i = 0; file.n < 3 * IMPORT_CHUNK_BYTES + 100; i++) buf_addf(&file, "%zu@x.test\n", i);
    struct import import = {
        .uuid = make_uuid(1), .account_id = a, .list_id = 3, .options = TEXT("{}"), .position = 6, .line = 2, .created_at = NOW};
    assert_ok(import_add(f->db, &import, buf_str(&file), &id));
    for (size_t at = 0; at <= file.n; at = at < 10 || at + 3 > file.n ? at + 1 : at + 9973) {
        BUF_AUTO piece = {0};
        assert_ok(import_read(f->db, id, (int64_t)at, &piece));
        assert_true(piece.n == file.n - at || piece.n > IMPORT_CHUNK_BYTES);
        assert_true(piece.n == 0 || memcmp(piece.p, file.p + at, piece.n) == 0);
    }
    assert_int_equal(import_find(f->db, &f->arena, b, make_uuid(1), &import), STATUS_NOT_FOUND);
    assert_ok(import_find(f->db, &f->arena, a, make_uuid(1), &import));
    assert_true(import.size_bytes == (int64_t)file.n && import.position == 6 && import.line == 2);
    assert_str(import.errors, "[]");
    import.position = 60;
    import.added = 4;
    import.errors = TEXT("[{\"Line\":2}]");
    assert_ok(import_advance(f->db, &import, 6));
    assert_int_equal(import_advance(f->db, &import, 6), STATUS_NOT_FOUND);
    struct open_work_list open;
    assert_ok(import_open(f->db, &f->arena, 8, &open));
    assert_int_equal(open.count, 1);
    assert_ok(import_close(f->db, id, IMPORT_DONE, NOW));
    assert_int_equal(import_close(f->db, id, IMPORT_DONE, NOW), STATUS_NOT_FOUND);
    BUF_AUTO nothing = {0};
    assert_ok(import_read(f->db, id, 0, &nothing));
    assert_int_equal(nothing.n, 0);
    fixture_free(f);
}

int run_lists(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P6_lists_of_two_accounts),
        cmocka_unit_test(test_P6_subscribers_are_found_through_their_account),
        cmocka_unit_test(test_pages_of_subscribers),
        cmocka_unit_test(test_P2_a_list_send_advances_from_where_it_was_read),
        cmocka_unit_test(test_P6_list_sends_are_found_by_account_and_domain),
        cmocka_unit_test(test_an_import_is_read_piece_by_piece),
    };
    return cmocka_run_group_tests_name("lists", tests, NULL, NULL);
}
