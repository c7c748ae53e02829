/* test_verbs.c - every verb that is not the queue's; tenants kept apart (P6, TN03); hostile text (DB02, DB03).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <string.h>

static void test_accounts(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct account account = {.email = TEXT("a@example.com"),
                              .password_hash = TEXT("$h"),
                              .is_admin = true,
                              .is_active = true,
                              .is_verified = false,
                              .created_at = NOW};
    int64_t id = 0, other = 77;
    assert_ok(account_add(f->db, &account, &id));
    assert_int_equal(account_add(f->db, &account, &other), STATUS_EXISTS);
    assert_int_equal(other, 77);
    assert_ok(db_broken(f->db)); /* checked, not failed: the batch goes on */
    struct account found;
    assert_ok(account_find(f->db, &f->arena, TEXT("a@example.com"), &found));
    assert_int_equal(found.id, id);
    assert_str(found.password_hash, "$h");
    assert_true(found.is_admin && found.is_active && !found.is_verified);
    assert_int_equal(found.created_at, NOW);
    assert_int_equal(account_find(f->db, &f->arena, TEXT("A@example.com"), &found), STATUS_NOT_FOUND);
    assert_ok(account_get(f->db, &f->arena, id, &found));
    assert_str(found.email, "a@example.com");
    assert_int_equal(account_get(f->db, &f->arena, id + 1, &found), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_sessions(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct session session = {.account_id = make_account(f->db, "a@example.com"), .created_at = NOW, .expires_at = NOW + 10};
    struct session found;
    struct session orphan = {.account_id = 999};
    assert_int_equal(session_add(f->db, TEXT("t0"), &orphan), STATUS_NOT_FOUND);
    assert_ok(session_add(f->db, TEXT("t1"), &session));
    assert_int_equal(session_add(f->db, TEXT("t1"), &session), STATUS_EXISTS);
    session.expires_at = NOW + 20;
    assert_ok(session_add(f->db, TEXT("t2"), &session));
    assert_ok(session_find(f->db, TEXT("t1"), &found));
    assert_int_equal(found.expires_at, NOW + 10);
    int64_t deleted = 0;
    assert_ok(session_prune(f->db, NOW + 15, 10, &deleted));
    assert_int_equal(deleted, 1);
    assert_int_equal(session_find(f->db, TEXT("t1"), &found), STATUS_NOT_FOUND);
    assert_ok(session_find(f->db, TEXT("t2"), &found));
    fixture_free(f);
}

static void test_P6_domains_of_two_accounts(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), id = 0;
    int64_t first = make_domain(f->db, a, "example.com"), second = make_domain(f->db, b, "example.com");
    int64_t third = make_domain(f->db, a, "example.net");
    struct domain again = {.account_id = a, .name = TEXT("example.com"), .subdomain = TEXT("m"), .track_prefix = TEXT("t")};
    assert_int_equal(domain_add(f->db, &again, &id), STATUS_EXISTS);
    again.account_id = b + 100;
    assert_int_equal(domain_add(f->db, &again, &id), STATUS_NOT_FOUND);
    struct domain found;
    assert_ok(domain_get(f->db, &f->arena, a, first, &found));
    assert_str(found.name, "example.com");
    assert_str(found.subdomain, "mail");
    assert_str(found.track_prefix, "track");
    assert_int_equal(domain_get(f->db, &f->arena, b, first, &found), STATUS_NOT_FOUND);
    assert_int_equal(domain_get(f->db, &f->arena, 0, first, &found), STATUS_NOT_FOUND);
    assert_ok(domain_get(f->db, &f->arena, SCOPE_ANY, first, &found));
    assert_ok(domain_find(f->db, &f->arena, b, TEXT("example.com"), &found));
    assert_int_equal(found.id, second);
    assert_int_equal(domain_find(f->db, &f->arena, b, TEXT("example.net"), &found), STATUS_NOT_FOUND);
    struct domain_list list;
    assert_ok(domain_list(f->db, &f->arena, a, 0, 10, &list));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[1].id, third);
    assert_ok(domain_list(f->db, &f->arena, a, first, 10, &list));
    assert_int_equal(list.count, 1);
    assert_ok(domain_list(f->db, &f->arena, SCOPE_ANY, 0, 2, &list));
    assert_int_equal(list.count, 2);
    assert_ok(domain_list(f->db, &f->arena, 0, 0, 10, &list));
    assert_int_equal(list.count, 0);
    assert_ok(domain_list_named(f->db, &f->arena, TEXT("example.com"), 10, &list));
    assert_int_equal(list.count, 2);
    fixture_free(f);
}

static void test_TN09_one_account_owns_a_name(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t first = make_domain(f->db, make_account(f->db, "a@example.com"), "example.com");
    int64_t second = make_domain(f->db, make_account(f->db, "b@example.com"), "example.com");
    enum record_status record[DOMAIN_RECORD_COUNT] = {RECORD_VERIFIED, RECORD_VERIFIED, RECORD_FAILED,
                                                      RECORD_VERIFIED, RECORD_PENDING,  RECORD_FAILED};
    assert_ok(domain_set_records(f->db, second, record, DOMAIN_ENABLED, NOW + 5));
    assert_int_equal(domain_set_records(f->db, first, record, DOMAIN_ENABLED, NOW), STATUS_EXISTS);
    assert_ok(db_broken(f->db));
    assert_ok(domain_set_records(f->db, second, record, DOMAIN_ENABLED, NOW + 6)); /* its own again */
    struct domain found;
    assert_ok(domain_get(f->db, &f->arena, SCOPE_ANY, second, &found));
    assert_memory_equal(found.record, record, sizeof record);
    assert_int_equal(found.state, DOMAIN_ENABLED);
    assert_int_equal(found.checked_at, NOW + 6);
    assert_ok(domain_get(f->db, &f->arena, SCOPE_ANY, first, &found));
    assert_int_equal(found.record[DOMAIN_OWNERSHIP], RECORD_PENDING);
    record[DOMAIN_OWNERSHIP] = RECORD_FAILED;
    assert_ok(domain_set_records(f->db, first, record, DOMAIN_PENDING, NOW));
    assert_ok(domain_set_state(f->db, first, DOMAIN_ENABLED, true));
    assert_ok(domain_get(f->db, &f->arena, SCOPE_ANY, first, &found));
    assert_true(found.is_forced);
    assert_int_equal(domain_set_state(f->db, 999, DOMAIN_ENABLED, true), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_dkim_keys(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t domain = make_domain(f->db, make_account(f->db, "a@example.com"), "example.com"), id = 0;
    struct dkim_key key = {.domain_id = domain,
                           .selector = TEXT("s1"),
                           .type = 1,
                           .private_sealed = TEXT("\0\1\2"),
                           .public_key = TEXT("\xff\xfe"),
                           .created_at = NOW};
    assert_ok(dkim_key_add(f->db, &key, &id));
    assert_int_equal(dkim_key_add(f->db, &key, &id), STATUS_EXISTS);
    key.selector = TEXT("s2");
    key.type = 2;
    assert_ok(dkim_key_add(f->db, &key, &id));
    key.domain_id = domain + 1;
    assert_int_equal(dkim_key_add(f->db, &key, &id), STATUS_NOT_FOUND);
    struct dkim_key_list list;
    assert_ok(dkim_key_list(f->db, &f->arena, domain, &list));
    assert_int_equal(list.count, 2);
    assert_str(list.items[0].private_sealed, "\0\1\2");
    assert_str(list.items[1].public_key, "\xff\xfe");
    assert_int_equal(list.items[1].type, 2);
    assert_ok(dkim_key_list(f->db, &f->arena, domain + 1, &list));
    assert_int_equal(list.count, 0);
    fixture_free(f);
}

static void test_P6_sender_keys(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), id = 0;
    int64_t domain = make_domain(f->db, a, "example.com");
    struct sender_key key = {.account_id = b,
                             .domain_id = domain,
                             .key_hash = TEXT("h\0h"),
                             .key_sealed = TEXT("sealed"),
                             .description = TEXT("mine"),
                             .scopes = SENDER_SCOPE_SEND | SENDER_SCOPE_EVENTS,
                             .journey_id = TEXT("j"),
                             .created_at = NOW};
    assert_int_equal(sender_key_add(f->db, &key, &id), STATUS_NOT_FOUND); /* not b's domain */
    key.account_id = a;
    assert_ok(sender_key_add(f->db, &key, &id));
    assert_int_equal(sender_key_add(f->db, &key, &id), STATUS_EXISTS);
    struct sender_login login;
    assert_ok(sender_key_login(f->db, &f->arena, TEXT("h\0h"), &login));
    assert_int_equal(login.key.id, id);
    assert_int_equal(login.key.scopes, 3);
    assert_str(login.key.journey_id, "j");
    assert_str(login.key.list_id, "");
    assert_str(login.domain_name, "example.com");
    assert_int_equal(login.domain_state, DOMAIN_PENDING);
    assert_true(login.account_is_active);
    assert_int_equal(sender_key_login(f->db, &f->arena, TEXT("h"), &login), STATUS_NOT_FOUND);
    struct sender_key_list list;
    assert_ok(sender_key_list(f->db, &f->arena, b, domain, &list));
    assert_int_equal(list.count, 0);
    assert_ok(sender_key_touch(f->db, id, NOW + 9));
    assert_ok(sender_key_touch(f->db, id, NOW + 9 + 59999)); /* within the minute: not written */
    assert_ok(sender_key_list(f->db, &f->arena, a, domain, &list));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].last_used_at, NOW + 9);
    assert_int_equal(sender_key_delete(f->db, b, domain, id), STATUS_NOT_FOUND);
    assert_int_equal(sender_key_delete(f->db, a, domain + 1, id), STATUS_NOT_FOUND);
    assert_ok(sender_key_delete(f->db, a, domain, id));
    assert_int_equal(sender_key_login(f->db, &f->arena, TEXT("h\0h"), &login), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_pools_and_counts_of_sources(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), domain = make_domain(f->db, account, "example.com"), id = 0;
    struct sender_key key = {.account_id = account, .domain_id = domain, .key_hash = TEXT("h"), .key_sealed = TEXT("s")};
    struct str pool = {0};
    assert_ok(sender_key_add(f->db, &key, &id));
    assert_ok(pool_of(f->db, &f->arena, domain, id, &pool));
    assert_str(pool, "");
    assert_ok(pool_set_domain(f->db, domain, TEXT("news")));
    assert_ok(pool_of(f->db, &f->arena, domain, id, &pool));
    assert_str(pool, "news");
    assert_ok(pool_set_key(f->db, id, TEXT("codes"))); /* a key's wins */
    assert_ok(pool_of(f->db, &f->arena, domain, id, &pool));
    assert_str(pool, "codes");
    assert_ok(pool_of(f->db, &f->arena, domain, 0, &pool));
    assert_str(pool, "news");
    assert_ok(pool_of(f->db, &f->arena, domain + 1, id + 1, &pool));
    assert_str(pool, "");
    assert_int_equal(pool_set_domain(f->db, domain + 1, TEXT("x")), STATUS_NOT_FOUND);
    assert_int_equal(pool_set_key(f->db, id + 1, TEXT("x")), STATUS_NOT_FOUND);
    struct source_count_list counts;
    assert_ok(source_count_add(f->db, TEXT("new"), TEXT("google"), 20000));
    assert_ok(source_count_add(f->db, TEXT("new"), TEXT("google"), 20000));
    assert_ok(source_count_add(f->db, TEXT("new"), TEXT(""), 20000));
    assert_ok(source_count_add(f->db, TEXT("new"), TEXT("google"), 20001));
    assert_ok(source_count_list(f->db, &f->arena, 20000, &counts));
    assert_int_equal(counts.count, 2);
    assert_str(counts.items[1].provider, "google");
    assert_int_equal(counts.items[1].count, 2);
    assert_ok(source_count_add(f->db, TEXT("old"), TEXT(""), 20100)); /* what is long past goes */
    assert_ok(source_count_list(f->db, &f->arena, 20000, &counts));
    assert_int_equal(counts.count, 0);
    fixture_free(f);
}

static void test_P6_messages(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com");
    int64_t domain = make_domain(f->db, account, "example.com");
    int64_t id = make_message(f->db, account, domain, 7), again = 0;
    struct message copy;
    assert_ok(message_get(f->db, &f->arena, id, &copy));
    assert_int_equal(message_add(f->db, &copy, &again), STATUS_EXISTS);
    assert_str(copy.subject, "Hello");
    assert_str(copy.tags, "[\"t\"]");
    assert_int_equal(copy.signature.n, 0);
    assert_int_equal(copy.tls, 0);
    struct message found;
    copy.uuid = make_uuid(8);
    copy.tls = 3;
    assert_ok(message_add(f->db, &copy, &again));
    assert_ok(message_get(f->db, &f->arena, again, &found));
    assert_int_equal(found.tls, 3);
    assert_ok(message_find(f->db, &f->arena, domain, make_uuid(7), &found));
    assert_int_equal(found.id, id);
    assert_memory_equal(found.uuid.b, make_uuid(7).b, 16);
    assert_int_equal(message_find(f->db, &f->arena, domain + 1, make_uuid(7), &found), STATUS_NOT_FOUND);
    assert_int_equal(message_find(f->db, &f->arena, 0, make_uuid(7), &found), STATUS_NOT_FOUND);
    assert_ok(message_find(f->db, &f->arena, SCOPE_ANY, make_uuid(7), &found));
    assert_ok(message_set_signature(f->db, id, TEXT("DKIM-Signature: x\r\n")));
    assert_ok(message_set_track(f->db, id, TEXT("111 0 https://a.example")));
    assert_int_equal(message_set_signature(f->db, id + 1, TEXT("x")), STATUS_NOT_FOUND);
    assert_ok(message_get(f->db, &f->arena, id, &found));
    assert_str(found.signature, "DKIM-Signature: x\r\n");
    assert_str(found.track, "111 0 https://a.example");
    assert_int_equal(message_set_track(f->db, id + 1, TEXT("x")), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_TN03_idempotency(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct idempotency entry = {.account_id = 1,
                                .key_id = 2,
                                .key_hash = TEXT("k"),
                                .request_hash = TEXT("r\0"),
                                .answer = TEXT("{\"MessageID\":\"x\"}"),
                                .created_at = NOW};
    struct idempotency found;
    assert_int_equal(idempotency_find(f->db, &f->arena, &entry, &found), STATUS_NOT_FOUND);
    assert_ok(idempotency_put(f->db, &(struct idempotency){1, 2, TEXT("k"), TEXT("old"), TEXT("{}"), NOW - 1}));
    assert_ok(idempotency_put(f->db, &entry));
    assert_ok(idempotency_find(f->db, &f->arena, &entry, &found));
    assert_str(found.request_hash, "r\0");
    assert_str(found.answer, "{\"MessageID\":\"x\"}");
    struct idempotency stranger = entry;
    stranger.key_id = 3;
    assert_int_equal(idempotency_find(f->db, &f->arena, &stranger, &found), STATUS_NOT_FOUND);
    stranger.created_at = NOW + 10;
    assert_ok(idempotency_put(f->db, &stranger));
    int64_t deleted = 0;
    assert_ok(idempotency_prune(f->db, NOW + 5, 100, &deleted));
    assert_int_equal(deleted, 1);
    assert_ok(idempotency_find(f->db, &f->arena, &stranger, &found));
    fixture_free(f);
}

static void test_P6_inbox(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct inbox_mail mail = {.received_at = NOW,
                              .account_id = 1,
                              .domain_id = 4,
                              .envelope_from = TEXT(""),
                              .recipients = TEXT("[\"b@example.net\"]"),
                              .subject = TEXT("S"),
                              .content = TEXT("A: b\r\n\r\n\0")};
    int64_t first = 0, second = 0, third = 0, deleted = 0;
    assert_ok(inbox_add(f->db, &mail, &first));
    mail.has_message_uuid = true;
    mail.message_uuid = make_uuid(9);
    mail.domain_id = 5;
    assert_ok(inbox_add(f->db, &mail, &second));
    assert_ok(inbox_add(f->db, &mail, &third));
    struct inbox_list list;
    assert_ok(inbox_list(f->db, &f->arena, SCOPE_ANY, 0, 2, &list));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].id, third);
    assert_int_equal(list.items[0].size_bytes, mail.content.n);
    assert_ok(inbox_list(f->db, &f->arena, SCOPE_ANY, list.items[1].id, 2, &list));
    assert_int_equal(list.count, 1);
    assert_ok(inbox_list(f->db, &f->arena, 4, 0, 10, &list));
    assert_int_equal(list.count, 1);
    assert_false(list.items[0].has_message_uuid);
    struct inbox_mail found;
    assert_ok(inbox_get(f->db, &f->arena, 5, second, &found));
    assert_str(found.content, "A: b\r\n\r\n\0");
    assert_memory_equal(found.message_uuid.b, make_uuid(9).b, 16);
    assert_int_equal(inbox_get(f->db, &f->arena, 4, second, &found), STATUS_NOT_FOUND);
    assert_int_equal(inbox_get(f->db, &f->arena, 0, second, &found), STATUS_NOT_FOUND);
    assert_ok(inbox_prune(f->db, 2, 100, &deleted));
    assert_int_equal(deleted, 1);
    assert_int_equal(inbox_get(f->db, &f->arena, SCOPE_ANY, first, &found), STATUS_NOT_FOUND);
    assert_ok(inbox_prune(f->db, 2, 100, &deleted));
    assert_int_equal(deleted, 0);
    fixture_free(f);
}

/* Text that means something to SQL, LIKE or JSON goes in and comes out as it is. */
static void test_DB02_text_is_only_text(void **state) {
    (void)state;
    static const char *const hostile[] = {
        "o'hara\"@x", "%", "_", "\\", "'; DROP TABLE accounts; --", "$1 ?1 :name @x", "\x01\x1b[31m\r\n", "\xf0\x9f\x92\xa9", "",
    };
    struct fixture *f = fixture_new();
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct account account = {.email = str_from_z(hostile[i]), .password_hash = str_from_z(hostile[i])}, found;
        int64_t id = 0;
        assert_ok(account_add(f->db, &account, &id));
        assert_ok(account_find(f->db, &f->arena, account.email, &found));
        assert_int_equal(found.id, id);
        assert_true(str_eq(found.password_hash, account.email));
    }
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM accounts"), sizeof hostile / sizeof hostile[0]);
    fixture_free(f);
}

/* NUL and broken UTF-8 are refused alike by both engines, before they are asked, and the transaction goes on. */
static void test_DB03_bad_text_is_refused_and_breaks_nothing(void **state) {
    (void)state;
    static const struct str bad[] = {STR_INIT("a\0b"), STR_INIT("\xff"), STR_INIT("\xc0\xaf"), STR_INIT("\xed\xa0\x80")};
    struct fixture *f = fixture_new();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct account account = {.email = bad[i], .password_hash = TEXT("x")}, found;
        int64_t id = 0;
        assert_int_equal(account_add(f->db, &account, &id), STATUS_INVALID);
        assert_int_equal(account_find(f->db, &f->arena, bad[i], &found), STATUS_INVALID);
        assert_ok(db_broken(f->db));
    }
    make_account(f->db, "a@example.com");
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM accounts"), 1);
    fixture_free(f);
}

/* An engine's error breaks the transaction on both engines: nothing goes on in autocommit. */
static void test_broken_transaction_stays_broken(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    make_account(f->db, "a@example.com");
    assert_int_equal(body_add(f->db, &(struct body){.message_id = 12345, .content = TEXT("no such message")}), STATUS_IO);
    assert_int_equal(db_broken(f->db), STATUS_IO);
    assert_true(db_error(f->db).n > 0);
    struct account found;
    assert_int_equal(account_find(f->db, &f->arena, TEXT("a@example.com"), &found), STATUS_IO);
    assert_int_equal(db_commit(f->db), STATUS_IO);
    assert_ok(db_begin(f->db));
    assert_int_equal(account_find(f->db, &f->arena, TEXT("a@example.com"), &found), STATUS_NOT_FOUND);
    fixture_free(f);
}

int run_verbs(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_P6_domains_of_two_accounts),
        cmocka_unit_test(test_TN09_one_account_owns_a_name),
        cmocka_unit_test(test_dkim_keys),
        cmocka_unit_test(test_P6_sender_keys),
        cmocka_unit_test(test_pools_and_counts_of_sources),
        cmocka_unit_test(test_P6_messages),
        cmocka_unit_test(test_TN03_idempotency),
        cmocka_unit_test(test_P6_inbox),
        cmocka_unit_test(test_DB02_text_is_only_text),
        cmocka_unit_test(test_DB03_bad_text_is_refused_and_breaks_nothing),
        cmocka_unit_test(test_broken_transaction_stays_broken),
    };
    return cmocka_run_group_tests_name("verbs", tests, NULL, NULL);
}
