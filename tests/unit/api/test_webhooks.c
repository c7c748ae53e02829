/* test_webhooks.c - webhooks of /api.php and /api/v1: every code, both families of event names, the signing key (decisions 7, 17,
 * 21, 23, 24, 30).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static void assert_codes(struct reply *r, const char *want) {
    BUF_AUTO codes = {0};
    const struct json *list = json_find(r->json, STR("ErrorCode"));
    if (!json_is(list, JSON_ARRAY)) {
        assert_reply(r, "ErrorCode", want);
        return;
    }
    JSON_FOR_EACH (it, list) buf_addf(&codes, "%s%.*s", codes.n ? "," : "[", STR_ARG(it->text));
    buf_add_char(&codes, ']');
    if (!str_eq(buf_str(&codes), str_from_z(want))) print_error("%.*s\n", STR_ARG(buf_str(&r->body)));
    assert_string_equal(codes.p, want);
    assert_true(reply_text(r, "ErrorMessage").n > 0);
}

/* Decision 7: ErrorCode is the list of all that apply, the domain looked at as well. */
static void a_command_lists_all_codes(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    world_tenant(w, "b@owner.test", "b.test");
    static const char *const cases[][2] = {
        {"", "[1,2,5]"},
        {"\"DomainID\":1", "[2,5]"},
        {"\"DomainID\":99", "[2,4,5]"},
        {"\"DomainID\":2", "[2,4,5]"},
        {"\"DomainID\":\"x\",\"Event\":\"explode\",\"WebhookURL\":\"ftp://a.test/\"", "[3,4,6]"},
        {"\"DomainID\":99,\"Event\":\"explode\",\"WebhookURL\":\"http://127.1/\"", "[3,4,7]"},
        {"\"DomainID\":1,\"Event\":{},\"WebhookURL\":5", "[3,6]"},
        {"\"DomainID\":99,\"Event\":\"open\",\"WebhookURL\":\"https://a.test/\"", "[4]"},
        {"\"DomainID\":1,\"Event\":\"open\",\"WebhookURL\":\"https://Gateway.test/\"", "[7]"},
        {"\"DomainID\":1,\"Event\":\"open\",\"WebhookURL\":\"https://u@a.test/\"", "[6]"},
        {"\"DomainID\":1,\"Event\":\"bounce\",\"WebhookURL\":\"https://yourdomain.com/webhook\"", "0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.AddWebhook", cases[i][0]);
        assert_int_equal(r.status, 200);
        assert_codes(&r, cases[i][1]);
    }
    REPLY_AUTO nobody = world_command(w, "phu_nobody", "EmailGateway.AddWebhook", "");
    assert_codes(&nobody, "99998");
    w->api.webhooks.allow_private = true;
    REPLY_AUTO private = world_command(w, a.user_key, "EmailGateway.AddWebhook",
                                       "\"DomainID\":1,\"Event\":\"open\",\"WebhookURL\":\"http://127.0.0.1:9/\"");
    assert_codes(&private, "0");
}

static void webhooks_are_listed_and_deleted(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO made = world_command(w, a.user_key, "EmailGateway.AddWebhook",
                                    "\"DomainID\":\"1\",\"Event\":[\"accepted\",\"open\",\"clicked\"],"
                                    "\"WebhookURL\":\"https://yourdomain.com/webhook1\"");
    assert_true(json_is(json_find(made.json, STR("NewWebhookID")), JSON_STRING));
    static const char *const list_codes[][2] = {{"", "1"}, {"\"DomainID\":\"x\"", "2"}, {"\"DomainID\":9", "2"}};
    for (size_t i = 0; i < 3; i++) {
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.GetWebhooks", list_codes[i][0]);
        assert_reply(&r, "ErrorCode", list_codes[i][1]);
        REPLY_AUTO key = world_command(w, a.user_key, "EmailGateway.RegenerateSigningKey", list_codes[i][0]);
        assert_reply(&key, "ErrorCode", list_codes[i][1]);
    }
    REPLY_AUTO list = world_command(w, a.user_key, "EmailGateway.GetWebhooks", "\"DomainID\":1");
    assert_true(json_is(json_find(json_first(json_find(list.json, STR("Webhooks"))), STR("WebhookID")), JSON_STRING));
    assert_reply(&list, "Webhooks.0.WebhookID", "1");
    assert_reply(&list, "Webhooks.0.URL", "https://yourdomain.com/webhook1");
    assert_reply(&list, "Webhooks.0.Events.0", "send");
    assert_reply(&list, "Webhooks.0.Events.1", "open");
    assert_reply(&list, "Webhooks.0.Events.2", "click");
    static const char *const codes[][2] = {
        {"", "1"},
        {"\"WebhookID\":1", "1"},
        {"\"DomainID\":1", "1"},
        {"\"WebhookID\":1,\"DomainID\":\"x\"", "2"},
        {"\"WebhookID\":1,\"DomainID\":99", "2"},
        {"\"WebhookID\":1,\"DomainID\":2", "3"},
        {"\"WebhookID\":\"x\",\"DomainID\":1", "4"},
        {"\"WebhookID\":99,\"DomainID\":1", "4"},
        {"\"WebhookID\":\"1\",\"DomainID\":\"1\"", "0"},
        {"\"WebhookID\":1,\"DomainID\":1", "4"},
    };
    world_execute(w, "INSERT INTO domains (account_id, name, state, created_at) VALUES (1, 'second.test', 0, 1)");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.DeleteWebhook", codes[i][0]);
        assert_reply(&r, "ErrorCode", codes[i][1]);
    }
}

/* Made when it is first asked for, then the same until it is regenerated; a key that cannot be opened is masked, never a 500. */
static void the_signing_key_is_made_once(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    struct ask ask = {.bearer = a.user_key, .body = "{\"Command\":\"EmailGateway.GetWebhooks\",\"DomainID\":1}"};
    struct pending *both[2] = {world_begin(w, &ask), world_begin(w, &ask)};
    REPLY_AUTO first = world_finish(w, both[0]);
    REPLY_AUTO second = world_finish(w, both[1]);
    assert_true(str_starts(reply_text(&first, "SigningKey"), STR("whsec_")));
    assert_int_equal(reply_text(&first, "SigningKey").n, 6 + 44);
    assert_true(str_eq(buf_str(&first.body), buf_str(&second.body)));
    REPLY_AUTO again = world_ask(w, &ask);
    assert_true(str_eq(buf_str(&first.body), buf_str(&again.body)));
    REPLY_AUTO other = world_command(w, a.user_key, "EmailGateway.RegenerateSigningKey", "\"DomainID\":1");
    assert_false(str_eq(reply_text(&other, "SigningKey"), reply_text(&first, "SigningKey")));
    REPLY_AUTO changed = world_ask(w, &ask);
    assert_true(str_eq(reply_text(&changed, "SigningKey"), reply_text(&other, "SigningKey")));
    w->api.seal.b[0] ^= 1;
    REPLY_AUTO masked = world_ask(w, &ask);
    assert_reply(&masked, "SigningKey", "********");
}

/* An event's transaction writes a row for each (P6). */
static void a_domain_has_twenty_webhooks_at_most(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    BUF_AUTO sql = {0};
    buf_add_z(&sql, "INSERT INTO webhooks (account_id, domain_id, url, events, created_at) VALUES ");
    for (int i = 0; i < 19; i++) buf_addf(&sql, "%s(1, 1, 'https://x.test/', 2, 1)", i ? "," : "");
    world_execute(w, sql.p);
    static const char members[] = "\"DomainID\":1,\"Event\":\"open\",\"WebhookURL\":\"https://x.test/\"";
    REPLY_AUTO last = world_command(w, a.user_key, "EmailGateway.AddWebhook", members);
    assert_reply(&last, "ErrorCode", "0");
    REPLY_AUTO over = world_command(w, a.user_key, "EmailGateway.AddWebhook", members);
    assert_reply(&over, "ErrorCode", "422");
    assert_reply(&over, "Field", "WebhookURL");
    assert_int_not_equal(str_find_str(reply_text(&over, "ErrorMessage"), STR("has 20 webhooks already")), STR_NONE);
}

static struct reply rest(struct world *w, const char *method, const char *key, const char *body) {
    return world_ask(w, &(struct ask){.method = method,
                                      .path = "/api/v1/webhooks",
                                      .bearer = key,
                                      .content_type = "application/x-www-form-urlencoded", /* curl -d '{...}' (decision 1) */
                                      .body = body});
}

static void a_sender_key_has_its_domains_webhooks(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    static const struct {
        const char *method, *body;
        int status;
        int64_t codes[3];
    } refused[] = {
        {"POST", "{}", 422, {2, 5}},
        {"POST", "{\"Event\":\"explode\",\"WebhookURL\":\"gopher://x.test/\"}", 422, {3, 6}},
        {"POST", "{\"Event\":\"delivered\",\"WebhookURL\":\"https://[::1]/\"}", 422, {7}},
        {"DELETE", "{}", 422, {1}},
        {"DELETE", "{\"WebhookID\":\"x\"}", 404, {4}},
        {"DELETE", "{\"WebhookID\":99}", 404, {4}},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        REPLY_AUTO r = rest(w, refused[i].method, a.sender_key, refused[i].body);
        assert_int_equal(r.status, refused[i].status);
        for (size_t k = 0; k < 3; k++) assert_int_equal(reply_code_at(&r, k), refused[i].codes[k] ? refused[i].codes[k] : -1);
    }
    REPLY_AUTO made =
        rest(w, "POST", a.sender_key, "{\"Event\":\"delivered,bounce\",\"WebhookURL\":\"https://yourdomain.com/webhook\"}");
    assert_int_equal(made.status, 200);
    assert_reply(&made, "NewWebhookID", "1");
    assert_true(json_is(json_find(made.json, STR("NewWebhookID")), JSON_STRING));
    REPLY_AUTO list = rest(w, "GET", a.sender_key, NULL);
    assert_reply(&list, "Webhooks.0.Event", "delivered");
    assert_reply(&list, "Webhooks.1.Event", "bounced");
    assert_reply(&list, "Webhooks.1.WebhookID", "1");
    assert_reply(&list, "Webhooks.1.Status", "Active");
    REPLY_AUTO theirs = rest(w, "GET", b.sender_key, NULL);
    assert_reply(&theirs, "Webhooks.0.URL", "");
    REPLY_AUTO not_theirs = rest(w, "DELETE", b.sender_key, "{\"WebhookID\":\"1\"}");
    REPLY_AUTO missing = rest(w, "DELETE", b.sender_key, "{\"WebhookID\":\"77\"}");
    assert_true(str_eq(buf_str(&not_theirs.body), buf_str(&missing.body)));
    REPLY_AUTO gone = rest(w, "DELETE", a.sender_key, "{\"WebhookID\":\"1\"}");
    assert_reply(&gone, "Message", "Webhook successfully deleted.");
}

/* Decisions 21 to 23: no key and a wrong key are 13; a deactivated account is 13 for creating, 2 else. */
static void keys_and_accounts_are_judged_first(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    static const char *const methods[] = {"POST", "GET", "DELETE"};
    static const struct {
        int status;
        int64_t code;
    } inactive[] = {{401, 13}, {403, 2}, {403, 2}};
    for (size_t i = 0; i < 3; i++) {
        REPLY_AUTO none = rest(w, methods[i], NULL, "{}");
        assert_int_equal(none.status, 401);
        assert_int_equal(reply_code(&none), 13);
        REPLY_AUTO wrong = rest(w, methods[i], "ph_nobody", "{}");
        assert_int_equal(reply_code(&wrong), 13);
        assert_int_equal(reply_code_at(&wrong, 1), -1);
    }
    world_execute(w, "UPDATE accounts SET is_active = 0");
    for (size_t i = 0; i < 3; i++) {
        REPLY_AUTO r =
            rest(w, methods[i], a.sender_key, "{\"WebhookID\":1,\"Event\":\"open\",\"WebhookURL\":\"https://x.test/\"}");
        assert_int_equal(r.status, inactive[i].status);
        assert_int_equal(reply_code(&r), inactive[i].code);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_command_lists_all_codes),
        WORLD_TEST(webhooks_are_listed_and_deleted),
        WORLD_TEST(the_signing_key_is_made_once),
        WORLD_TEST(a_domain_has_twenty_webhooks_at_most),
        WORLD_TEST(a_sender_key_has_its_domains_webhooks),
        WORLD_TEST(keys_and_accounts_are_judged_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
