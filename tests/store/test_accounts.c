/* test_accounts.c - accounts, groups, user keys, sessions, mailed tokens and known clients, on both engines (P6).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "store/account_tokens.h"
#include "store/known_clients.h"
#include "store/user_keys.h"

static void test_an_account_changes(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com");
    struct account account;
    assert_ok(account_get(f->db, &f->arena, a, &account));
    assert_str(account.group_name, "default");
    assert_int_equal(account.limits.recipients, 1000);
    account.first_name = TEXT("J\xc3\xb6rg");
    account.is_active = false;
    account.email = TEXT("b@example.com");
    assert_int_equal(account_update(f->db, &account), STATUS_EXISTS);
    account.email = TEXT("new@example.com");
    assert_ok(account_update(f->db, &account));
    assert_ok(account_set_password(f->db, a, TEXT("hash2")));
    assert_ok(account_find(f->db, &f->arena, TEXT("new@example.com"), &account));
    assert_str(account.first_name, "J\xc3\xb6rg");
    assert_str(account.password_hash, "hash2");
    assert_false(account.is_active);
    account.id = b + 1;
    account.email = TEXT("c@example.com");
    assert_int_equal(account_update(f->db, &account), STATUS_NOT_FOUND);
    assert_int_equal(account_set_password(f->db, b + 1, TEXT("x")), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_accounts_are_listed(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    static const char *const emails[] = {"a_b@example.com", "aXb@example.com", "c%d@example.com", "z@example.com"};
    for (size_t i = 0; i < 4; i++) make_account(f->db, emails[i]);
    static const struct {
        struct account_query query;
        int64_t total;
        size_t count;
    } cases[] = {
        {{.limit = 10}, 4, 4},
        {{.limit = 2, .offset = 3}, 4, 1},
        {{.limit = 10, .group_id = 1}, 4, 4},
        {{.limit = 10, .group_id = 2}, 0, 0},
        {{.limit = 10, .search = STR_INIT("_")}, 1, 1}, /* not a wild card */
        {{.limit = 10, .search = STR_INIT("%")}, 1, 1},
        {{.limit = 10, .search = STR_INIT("!")}, 0, 0},
        {{.limit = 10, .search = STR_INIT("@example")}, 4, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct account_list list;
        int64_t total = -1;
        assert_ok(account_list(f->db, &f->arena, &cases[i].query, &list, &total));
        assert_int_equal(total, cases[i].total);
        assert_int_equal(list.count, cases[i].count);
    }
    fixture_free(f);
}

static void test_a_step_of_a_second_factor_is_used_once_UI18(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com");
    struct account account;
    assert_ok(account_set_totp(f->db, a, TEXT("\0sealed"), false));
    assert_int_equal(account_confirm_totp(f->db, a, TEXT("other")), STATUS_NOT_FOUND);
    assert_ok(account_confirm_totp(f->db, a, TEXT("\0sealed")));
    assert_int_equal(account_confirm_totp(f->db, a, TEXT("\0sealed")), STATUS_NOT_FOUND);
    assert_ok(account_use_totp(f->db, a, 7));
    assert_int_equal(account_use_totp(f->db, a, 7), STATUS_NOT_FOUND);
    assert_int_equal(account_use_totp(f->db, a, 6), STATUS_NOT_FOUND);
    assert_ok(account_use_totp(f->db, a, 8));
    assert_ok(account_get(f->db, &f->arena, a, &account));
    assert_true(account.totp_is_on);
    assert_int_equal(account.totp_step, 8);
    assert_str(account.totp_sealed, "\0sealed");
    assert_ok(account_set_totp(f->db, a, (struct str){0}, false));
    assert_ok(account_get(f->db, &f->arena, a, &account));
    assert_true(!account.totp_is_on && account.totp_sealed.n == 0 && account.totp_step == 0);
    fixture_free(f);
}

static void test_an_account_goes_with_what_hangs_on_it(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), deleted = -1;
    make_domain(f->db, a, "a.test");
    assert_int_equal(account_delete(f->db, a), STATUS_EXISTS);
    struct stmt *list = db_stmt(f->db, "INSERT INTO lists (id, account_id, name, created_at) VALUES (7, ?1, 'l', 0)");
    stmt_bind_int(list, 1, b);
    assert_ok(stmt_run(list));
    for (int i = 0; i < 3; i++) {
        struct stmt *s = db_stmt(f->db, "INSERT INTO subscribers (list_id, email, email_key, status, created_at, changed_at) "
                                        "VALUES (7, 'x', ?1, 0, 0, 0)");
        stmt_bind_text(s, 1, arena_strf(&f->arena, "x%d", i));
        assert_ok(stmt_run(s));
    }
    static const int64_t slices[] = {2, 1, 1, 0}; /* subscribers, then the list */
    for (size_t i = 0; i < 4; i++) {
        assert_ok(account_empty(f->db, b, 2, &deleted));
        assert_int_equal(deleted, slices[i]);
    }
    assert_ok(account_delete(f->db, b));
    assert_int_equal(account_delete(f->db, b), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_groups(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct account_group group = {.name = TEXT("starter"), .limits = {3, 1, 2, 4, 5, 6, 7}, .created_at = NOW}, found;
    struct account_group_list list;
    int64_t id = 0;
    assert_ok(group_add(f->db, &group, &id));
    assert_int_equal(group_add(f->db, &group, &id), STATUS_EXISTS);
    assert_ok(group_find(f->db, &f->arena, TEXT("starter"), &found));
    assert_int_equal(found.id, id);
    assert_memory_equal(&found.limits, &group.limits, sizeof group.limits);
    assert_int_equal(group_find(f->db, &f->arena, TEXT("Starter"), &found), STATUS_NOT_FOUND);
    group.id = id;
    group.name = TEXT("default");
    assert_int_equal(group_update(f->db, &group), STATUS_EXISTS);
    group.name = TEXT("small");
    group.limits.reply_to = 70;
    assert_ok(group_update(f->db, &group));
    assert_ok(group_get(f->db, &f->arena, id, &found));
    assert_str(found.name, "small");
    assert_int_equal(found.limits.reply_to, 70);
    struct account account = {.email = TEXT("a@example.com"), .password_hash = TEXT("h"), .group_id = id};
    assert_ok(account_add(f->db, &account, &account.id));
    assert_ok(group_list(f->db, &f->arena, 0, 10, &list));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[1].accounts, 1);
    assert_int_equal(group_delete(f->db, GROUP_DEFAULT), STATUS_DENIED);
    assert_int_equal(group_delete(f->db, id), STATUS_EXISTS);
    account.group_id = GROUP_DEFAULT;
    assert_ok(account_update(f->db, &account));
    assert_ok(group_delete(f->db, id));
    assert_int_equal(group_delete(f->db, id), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_P6_user_keys(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), count = 0;
    struct user_key key = {
        .account_id = b + 1, .key_hash = TEXT("\0\xff hash"), .networks = TEXT("10.0.0.0/8"), .created_at = NOW};
    struct user_key found;
    struct user_key_list list;
    struct account account;
    assert_int_equal(user_key_add(f->db, &key, &key.id), STATUS_NOT_FOUND);
    key.account_id = a;
    key.is_admin = true;
    assert_ok(user_key_add(f->db, &key, &key.id));
    assert_int_equal(user_key_add(f->db, &key, &key.id), STATUS_EXISTS);
    assert_ok(user_key_find(f->db, &f->arena, key.key_hash, &found, &account));
    assert_int_equal(account.id, a);
    assert_str(account.email, "a@example.com");
    assert_str(found.networks, "10.0.0.0/8");
    assert_true(found.is_admin && found.last_used_at == 0);
    assert_int_equal(user_key_find(f->db, &f->arena, TEXT("\0\xff hasH"), &found, &account), STATUS_NOT_FOUND);
    assert_ok(user_key_touch(f->db, key.id, NOW, TEXT("10.1.1.1")));
    assert_ok(user_key_touch(f->db, key.id, NOW + USER_KEY_TOUCH_MS - 1, TEXT("10.2.2.2")));
    assert_ok(user_key_list(f->db, &f->arena, a, &list));
    assert_int_equal(list.count, 1);
    assert_str(list.items[0].last_used_ip, "10.1.1.1");
    assert_int_equal(list.items[0].last_used_at, NOW);
    assert_ok(user_key_list(f->db, &f->arena, b, &list));
    assert_int_equal(list.count, 0);
    found = key;
    found.account_id = b;
    assert_int_equal(user_key_update(f->db, &found), STATUS_NOT_FOUND);
    assert_int_equal(user_key_get(f->db, &f->arena, b, key.id, &found), STATUS_NOT_FOUND);
    assert_int_equal(user_key_delete(f->db, b, key.id), STATUS_NOT_FOUND);
    key.networks = (struct str){0};
    assert_ok(user_key_update(f->db, &key));
    assert_ok(user_key_get(f->db, &f->arena, a, key.id, &found));
    assert_int_equal(found.networks.n, 0);
    assert_ok(user_key_count(f->db, a, &count));
    assert_int_equal(count, 1);
    assert_ok(user_key_delete(f->db, a, key.id));
    fixture_free(f);
}

static void test_sessions_end(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com");
    struct session session = {.account_id = a, .is_admin = true, .created_at = NOW, .expires_at = NOW + 10}, found;
    assert_ok(session_add(f->db, TEXT("1"), &session));
    assert_ok(session_add(f->db, TEXT("2"), &session));
    session.account_id = b;
    assert_ok(session_add(f->db, TEXT("3"), &session));
    assert_ok(session_find(f->db, TEXT("1"), &found));
    assert_true(found.is_admin);
    assert_ok(session_delete(f->db, TEXT("1")));
    assert_int_equal(session_delete(f->db, TEXT("1")), STATUS_NOT_FOUND);
    assert_ok(session_delete_all(f->db, a));
    assert_ok(session_delete_all(f->db, a));
    assert_int_equal(session_find(f->db, TEXT("2"), &found), STATUS_NOT_FOUND);
    assert_ok(session_find(f->db, TEXT("3"), &found));
    fixture_free(f);
}

static void test_mailed_tokens(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), at = -1, pruned = 0;
    struct account_token token = {
        .account_id = a, .purpose = TOKEN_FOR_ADDRESS, .email = TEXT("n@example.com"), .expires_at = NOW + 10};
    struct account_token found, orphan = {.account_id = a + 1};
    assert_int_equal(account_token_add(f->db, TEXT("0"), &orphan), STATUS_NOT_FOUND);
    assert_ok(account_token_newest(f->db, a, TOKEN_FOR_ADDRESS, &at));
    assert_int_equal(at, 0);
    token.created_at = NOW;
    assert_ok(account_token_add(f->db, TEXT("1"), &token));
    assert_ok(account_token_add(f->db, TEXT("2"), &token)); /* in place of 1 */
    token.purpose = TOKEN_FOR_PASSWORD;
    assert_ok(account_token_add(f->db, TEXT("3"), &token));
    assert_ok(account_token_newest(f->db, a, TOKEN_FOR_ADDRESS, &at));
    assert_int_equal(at, NOW);
    assert_int_equal(account_token_find(f->db, &f->arena, TEXT("1"), TOKEN_FOR_ADDRESS, NOW, &found), STATUS_NOT_FOUND);
    assert_int_equal(account_token_find(f->db, &f->arena, TEXT("2"), TOKEN_FOR_PASSWORD, NOW, &found), STATUS_NOT_FOUND);
    assert_int_equal(account_token_find(f->db, &f->arena, TEXT("2"), TOKEN_FOR_ADDRESS, NOW + 10, &found), STATUS_NOT_FOUND);
    assert_ok(account_token_find(f->db, &f->arena, TEXT("2"), TOKEN_FOR_ADDRESS, NOW + 9, &found));
    assert_str(found.email, "n@example.com");
    assert_int_equal(found.account_id, a);
    assert_ok(account_token_delete(f->db, TEXT("2")));
    assert_int_equal(account_token_delete(f->db, TEXT("2")), STATUS_NOT_FOUND);
    assert_ok(account_token_pretend(f->db));
    assert_ok(account_token_prune(f->db, NOW + 11, 5, &pruned));
    assert_int_equal(pruned, 1);
    assert_ok(account_token_clear(f->db, a));
    fixture_free(f);
}

static void test_known_clients_are_the_newest(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct known_client client = {.account_id = make_account(f->db, "a@example.com")};
    bool has = true;
    for (int i = 0; i < 5; i++) {
        client.client_hash = arena_strf(&f->arena, "c%d", i);
        client.seen_at = NOW + i;
        assert_ok(known_client_touch(f->db, &client, NOW, 3));
    }
    assert_ok(known_client_has(f->db, client.account_id, TEXT("c1"), 0, &has));
    assert_false(has);
    assert_ok(known_client_has(f->db, client.account_id, TEXT("c2"), 0, &has));
    assert_true(has);
    assert_ok(known_client_has(f->db, client.account_id, TEXT("c2"), NOW + 3, &has));
    assert_false(has);
    assert_ok(known_client_has(f->db, client.account_id + 1, TEXT("c2"), 0, &has));
    assert_false(has);
    client.client_hash = TEXT("c2");
    client.seen_at = NOW + 100;
    assert_ok(known_client_touch(f->db, &client, NOW + 50, 3)); /* the others are too old now */
    assert_ok(known_client_has(f->db, client.account_id, TEXT("c4"), 0, &has));
    assert_false(has);
    assert_ok(known_client_has(f->db, client.account_id, TEXT("c2"), 0, &has));
    assert_true(has);
    fixture_free(f);
}

int run_accounts(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_changes),
        cmocka_unit_test(test_accounts_are_listed),
        cmocka_unit_test(test_a_step_of_a_second_factor_is_used_once_UI18),
        cmocka_unit_test(test_an_account_goes_with_what_hangs_on_it),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_P6_user_keys),
        cmocka_unit_test(test_sessions_end),
        cmocka_unit_test(test_mailed_tokens),
        cmocka_unit_test(test_known_clients_are_the_newest),
    };
    return cmocka_run_group_tests_name("accounts", tests, NULL, NULL);
}
