/* test_domains.c - settings of domains, SMTP users, webhooks and sender keys; what goes with a domain, and what stays (P6).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "store/smtp_users.h"
#include "store/track_hosts.h"
#include "store/webhooks.h"

static void test_settings(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), id = make_domain(f->db, account, "a.example"), other;
    struct domain domain, found;
    assert_ok(domain_get(f->db, &f->arena, account, id, &domain));
    assert_false(domain.link_tracking || domain.open_tracking || domain.unsubscribe_link);
    assert_str(domain.hosting_provider, "");
    domain.open_tracking = true;
    domain.hosting_provider = TEXT("Caf\xc3\xa9");
    domain.subdomain = TEXT("out");
    domain.track_prefix = TEXT("t");
    domain.record[DOMAIN_OWNERSHIP] = RECORD_VERIFIED;
    domain.record[DOMAIN_SPF] = RECORD_FAILED;
    domain.state = DOMAIN_ENABLED;
    assert_ok(domain_set_tls(f->db, id, 2));
    assert_int_equal(domain_set_tls(f->db, id + 1000, 2), STATUS_NOT_FOUND);
    assert_ok(domain_update(f->db, &domain));
    assert_ok(domain_get(f->db, &f->arena, account, id, &found));
    assert_int_equal(found.tls, 2); /* the operator's, not a setting */
    assert_true(found.open_tracking && !found.link_tracking && !found.unsubscribe_link);
    assert_str(found.hosting_provider, "Caf\xc3\xa9");
    assert_str(found.subdomain, "out");
    assert_str(found.track_prefix, "t");
    assert_int_equal(found.record[DOMAIN_OWNERSHIP], RECORD_VERIFIED);
    assert_int_equal(found.record[DOMAIN_SPF], RECORD_FAILED);
    assert_int_equal(found.record[DOMAIN_DMARC], RECORD_PENDING);
    assert_int_equal(found.state, DOMAIN_ENABLED);
    domain.account_id = make_account(f->db, "b@example.com");
    domain.link_tracking = domain.unsubscribe_link = true;
    domain.record[DOMAIN_OWNERSHIP] = RECORD_PENDING;
    assert_ok(domain_add(f->db, &domain, &other)); /* settings are kept from the start */
    assert_ok(domain_get(f->db, &f->arena, SCOPE_ANY, other, &found));
    assert_true(found.link_tracking && found.open_tracking && found.unsubscribe_link);
    domain.id = other + 1;
    assert_int_equal(domain_update(f->db, &domain), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_pages(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), count;
    struct domain_list list;
    make_domain(f->db, a, "1.example");
    make_domain(f->db, b, "2.example");
    make_domain(f->db, a, "3.example");
    make_domain(f->db, a, "4.example");
    assert_ok(domain_page(f->db, &f->arena, a, 1, 5, &list));
    assert_int_equal(list.count, 2);
    assert_str(list.items[0].name, "3.example");
    assert_ok(domain_page(f->db, &f->arena, a, 0, 1, &list));
    assert_int_equal(list.count, 1);
    assert_ok(domain_page(f->db, &f->arena, a, 3, 9, &list));
    assert_int_equal(list.count, 0);
    assert_ok(domain_list(f->db, &f->arena, SCOPE_ANY, 0, 9, &list));
    assert_int_equal(list.count, 4);
    assert_ok(domain_list(f->db, &f->arena, a, list.items[0].id, 1, &list));
    assert_str(list.items[0].name, "3.example");
    assert_ok(domain_count(f->db, a, &count));
    assert_int_equal(count, 3);
    assert_ok(domain_count(f->db, 0, &count)); /* a forgotten id opens no door */
    assert_int_equal(count, 0);
    fixture_free(f);
}

static void test_smtp_users(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com");
    int64_t domain = make_domain(f->db, a, "a.example"), id = 0, count = 0;
    struct smtp_user user = {.account_id = a,
                             .domain_id = domain,
                             .username = TEXT("u@a.example"),
                             .password_hash = TEXT("\0\xff hash"),
                             .from_email = TEXT("from@a.example"),
                             .reply_to_name = TEXT("R"),
                             .is_active = true,
                             .created_at = NOW};
    struct smtp_user found;
    struct smtp_user_list list;
    struct smtp_login login;
    assert_ok(smtp_user_add(f->db, &user, &id));
    assert_int_equal(smtp_user_add(f->db, &user, &id), STATUS_EXISTS);
    user.account_id = b;
    assert_int_equal(smtp_user_add(f->db, &user, &id), STATUS_NOT_FOUND);
    assert_ok(db_broken(f->db));
    assert_ok(smtp_user_get(f->db, &f->arena, a, id, &found));
    assert_str(found.password_hash, "\0\xff hash");
    assert_str(found.from_email, "from@a.example");
    assert_str(found.from_name, "");
    assert_str(found.reply_to_name, "R");
    assert_int_equal(smtp_user_get(f->db, &f->arena, b, id, &found), STATUS_NOT_FOUND);
    assert_ok(smtp_user_list(f->db, &f->arena, a, domain, &list));
    assert_int_equal(list.count, 1);
    assert_ok(smtp_user_list(f->db, &f->arena, b, domain, &list));
    assert_int_equal(list.count, 0);
    assert_ok(smtp_user_count(f->db, domain, &count));
    assert_int_equal(count, 1);
    assert_ok(smtp_user_login(f->db, &f->arena, TEXT("u@a.example"), &login));
    assert_str(login.domain_name, "a.example");
    assert_int_equal(login.domain_state, DOMAIN_PENDING);
    assert_true(login.account_is_active && login.user.is_active);
    assert_int_equal(login.limits.recipients, 1000);
    assert_int_equal(smtp_user_login(f->db, &f->arena, TEXT("v@a.example"), &login), STATUS_NOT_FOUND);
    assert_int_equal(smtp_user_set_password(f->db, b, id, TEXT("other")), STATUS_NOT_FOUND);
    assert_ok(smtp_user_set_password(f->db, a, id, TEXT("other")));
    assert_ok(smtp_user_touch(f->db, id, NOW));
    assert_ok(smtp_user_touch(f->db, id, NOW + 59999)); /* within the minute: not written */
    assert_ok(smtp_user_get(f->db, &f->arena, a, id, &found));
    assert_str(found.password_hash, "other");
    assert_int_equal(found.last_used_at, NOW);
    assert_int_equal(smtp_user_delete(f->db, b, id), STATUS_NOT_FOUND);
    assert_ok(smtp_user_delete(f->db, a, id));
    assert_int_equal(smtp_user_delete(f->db, a, id), STATUS_NOT_FOUND);
    fixture_free(f);
}

/* Who may send for a domain without a user: the oldest that is enabled, else one that tells why not. */
static void test_domain_logins(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"),
            c = make_account(f->db, "c@example.com");
    int64_t of_a = make_domain(f->db, a, "shop.example"), of_b = make_domain(f->db, b, "shop.example");
    make_domain(f->db, c, "shop.example");
    struct smtp_login login;
    assert_ok(smtp_domain_login(f->db, &f->arena, TEXT("shop.example"), &login));
    assert_int_equal(login.user.domain_id, of_a);
    assert_int_equal(login.domain_state, DOMAIN_PENDING);
    assert_ok(domain_set_state(f->db, of_b, DOMAIN_ENABLED, true));
    assert_ok(smtp_domain_login(f->db, &f->arena, TEXT("shop.example"), &login));
    assert_int_equal(login.user.id, 0);
    assert_int_equal(login.user.account_id, b);
    assert_int_equal(login.user.domain_id, of_b);
    assert_str(login.domain_name, "shop.example");
    assert_int_equal(login.domain_state, DOMAIN_ENABLED);
    assert_true(login.account_is_active && login.account_is_verified);
    assert_int_equal(login.limits.recipients, 1000);
    assert_int_equal(smtp_domain_login(f->db, &f->arena, TEXT("other.example"), &login), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_webhooks(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com");
    int64_t domain = make_domain(f->db, a, "a.example"), second = make_domain(f->db, a, "b.example"), id = 0, count = 0;
    struct webhook webhook = {.account_id = a,
                              .domain_id = domain,
                              .url = TEXT("https://x.example/?a=1"),
                              .events = EVENT_BIT(EVENT_COMPLAINT) | EVENT_BIT(EVENT_SEND),
                              .is_active = true,
                              .created_at = NOW};
    struct webhook found;
    struct webhook_list list;
    struct str sealed;
    assert_ok(webhook_add(f->db, &webhook, &id));
    webhook.account_id = b;
    assert_int_equal(webhook_add(f->db, &webhook, &id), STATUS_NOT_FOUND);
    assert_ok(webhook_get(f->db, &f->arena, a, id, &found));
    assert_str(found.url, "https://x.example/?a=1");
    assert_int_equal(found.events, webhook.events);
    assert_true(found.is_active && found.created_at == NOW && found.domain_id == domain);
    assert_int_equal(webhook_get(f->db, &f->arena, b, id, &found), STATUS_NOT_FOUND);
    assert_ok(webhook_list(f->db, &f->arena, b, domain, &list));
    assert_int_equal(list.count, 0);
    assert_ok(webhook_list(f->db, &f->arena, a, domain, &list));
    assert_int_equal(list.count, 1);
    assert_ok(webhook_count(f->db, second, &count));
    assert_int_equal(count, 0);
    assert_ok(webhook_set_target(f->db, a, id, TEXT("http://y.example/"), EVENT_BIT(EVENT_OPEN)));
    assert_int_equal(webhook_set_target(f->db, b, id, TEXT("http://evil.example/"), 2), STATUS_NOT_FOUND);
    assert_ok(webhook_get(f->db, &f->arena, a, id, &found));
    assert_str(found.url, "http://y.example/");
    assert_true(found.events == EVENT_BIT(EVENT_OPEN) && found.batch_max == 0 && found.failures == 0 && found.disabled_at == 0);
    assert_true(found.headers_sealed.n == 0 && found.disabled_why.n == 0);
    assert_int_equal(webhook_delete(f->db, a, second, id), STATUS_NOT_FOUND);
    assert_int_equal(webhook_delete(f->db, b, domain, id), STATUS_NOT_FOUND);
    assert_ok(webhook_delete(f->db, a, domain, id));
    assert_ok(domain_signing_key(f->db, &f->arena, a, domain, &sealed));
    assert_int_equal(sealed.n, 0);
    assert_ok(domain_set_signing_key(f->db, domain, TEXT("\0\xff")));
    assert_ok(domain_signing_key(f->db, &f->arena, a, domain, &sealed));
    assert_str(sealed, "\0\xff");
    assert_int_equal(domain_signing_key(f->db, &f->arena, b, domain, &sealed), STATUS_NOT_FOUND);
    assert_int_equal(domain_set_signing_key(f->db, 999, TEXT("x")), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_sender_keys_of_a_domain(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com");
    int64_t domain = make_domain(f->db, a, "a.example"), second = make_domain(f->db, a, "b.example"), id, kept, count;
    struct sender_key key = {.account_id = a, .domain_id = domain, .key_hash = TEXT("1"), .key_sealed = TEXT("s"), .scopes = 5},
                      found;
    assert_ok(sender_key_add(f->db, &key, &id));
    key.key_hash = TEXT("2");
    key.domain_id = second;
    assert_ok(sender_key_add(f->db, &key, &kept));
    assert_ok(sender_key_get(f->db, &f->arena, a, domain, id, &found));
    assert_int_equal(found.scopes, 5);
    assert_int_equal(sender_key_get(f->db, &f->arena, b, domain, id, &found), STATUS_NOT_FOUND);
    assert_int_equal(sender_key_get(f->db, &f->arena, a, second, id, &found), STATUS_NOT_FOUND);
    assert_ok(sender_key_delete_all(f->db, b, domain));
    assert_ok(sender_key_count(f->db, domain, &count));
    assert_int_equal(count, 1);
    assert_ok(sender_key_delete_all(f->db, a, domain));
    assert_ok(sender_key_count(f->db, domain, &count));
    assert_int_equal(count, 0);
    assert_ok(sender_key_count(f->db, second, &count));
    assert_int_equal(count, 1);
    fixture_free(f);
}

/* Decision 16: keys, SMTP users and webhooks go; messages and events stay. */
/* Certificates are asked for those only whose CNAME was seen, of whoever may send or could again. */
static void test_tracking_hosts(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct track_host_list hosts;
    static const char *const names[] = {"a.example", "b.example", "c.example", "d.example"};
    static const enum domain_state states[] = {DOMAIN_ENABLED, DOMAIN_SUSPENDED, DOMAIN_BLOCKED, DOMAIN_ENABLED};
    int64_t account = make_account(f->db, "a@example.com"), ids[4];
    for (size_t i = 0; i < 4; i++) {
        struct domain d;
        ids[i] = make_domain(f->db, account, names[i]);
        assert_ok(domain_get(f->db, &f->arena, account, ids[i], &d));
        d.record[DOMAIN_TRACKING] = i == 3 ? RECORD_FAILED : RECORD_VERIFIED;
        d.subdomain = STR("post");
        d.state = states[i];
        assert_ok(domain_update(f->db, &d));
    }
    assert_ok(track_host_list(f->db, &f->arena, 0, 10, &hosts));
    assert_int_equal(hosts.count, 2);
    assert_str(hosts.items[0].name, "track.post.a.example");
    assert_true(hosts.items[0].account_id == account && hosts.items[1].domain_id == ids[1]);
    assert_ok(track_host_list(f->db, &f->arena, ids[0], 10, &hosts));
    assert_int_equal(hosts.count, 1);
    assert_ok(track_host_list(f->db, &f->arena, 0, 1, &hosts));
    assert_int_equal(hosts.count, 1);
    fixture_free(f);
}

static void test_deletion(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), id = 0, dkim = 0;
    int64_t domain = make_domain(f->db, a, "a.example");
    make_node(f->db);
    int64_t message = make_message(f->db, a, domain, 1);
    struct event event = {.at = NOW,
                          .type = EVENT_SEND,
                          .account_id = a,
                          .domain_id = domain,
                          .message_id = message,
                          .recipient = TEXT("x@y.example"),
                          .detail = TEXT("{}")};
    struct dkim_key key = {.domain_id = domain, .selector = TEXT("s"), .private_sealed = TEXT("p"), .public_key = TEXT("q")};
    struct sender_key sender = {
        .account_id = a, .domain_id = domain, .key_hash = TEXT("1"), .key_sealed = TEXT("s"), .scopes = 1};
    struct smtp_user user = {.account_id = a, .domain_id = domain, .username = TEXT("u"), .password_hash = TEXT("h")};
    struct webhook webhook = {.account_id = a, .domain_id = domain, .url = TEXT("https://x.example/"), .events = 2};
    assert_ok(dkim_key_add(f->db, &key, &dkim));
    assert_ok(sender_key_add(f->db, &sender, &id));
    assert_ok(smtp_user_add(f->db, &user, &id));
    assert_ok(webhook_add(f->db, &webhook, &id));
    assert_ok(event_record(f->db, &event, &id));
    assert_int_equal(domain_delete(f->db, b, domain), STATUS_NOT_FOUND);
    assert_ok(domain_delete(f->db, a, domain));
    assert_int_equal(domain_delete(f->db, a, domain), STATUS_NOT_FOUND);
    assert_int_equal(domain_is_of(f->db, a, domain), STATUS_NOT_FOUND);
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM dkim_keys"), 0);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM sender_keys"), 0);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM smtp_users"), 0);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM webhooks"), 0);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages"), 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM events"), 1);
    assert_true(make_domain(f->db, a, "a.example") > domain); /* the name is free; its id is never used again */
    fixture_free(f);
}

int run_domains(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),   cmocka_unit_test(test_pages),
        cmocka_unit_test(test_smtp_users), cmocka_unit_test(test_domain_logins),
        cmocka_unit_test(test_webhooks),   cmocka_unit_test(test_sender_keys_of_a_domain),
        cmocka_unit_test(test_deletion),   cmocka_unit_test(test_tracking_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
