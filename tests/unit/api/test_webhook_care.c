/* test_webhook_care.c - looking after webhooks, by both doors: settings, test calls, the log of calls, replays, and keys that
 * replace each other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/hook.h"
#include "world.h"

#include <stdio.h>

#include <string.h>

#define HOOK "\"DomainID\":1,\"Event\":\"delivery,bounce\",\"WebhookURL\":\"https://yourdomain.com/hook\""

static struct tenant shop(struct world *w, const char *more) {
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    BUF_AUTO members = {0};
    buf_addf(&members, HOOK "%s", more);
    REPLY_AUTO made = world_command(w, t.user_key, "EmailGateway.AddWebhook", members.p);
    assert_reply(&made, "NewWebhookID", "1");
    return t;
}

/* ---- settings ---- */
static void settings_are_kept_and_header_values_are_not_shown(void **state) {
    struct world *w = *state;
    struct tenant t = shop(w, ",\"BatchSize\":50,\"Headers\":{\"Authorization\":\"Bearer canary\",\"X-Shop\":\"7\"}");
    REPLY_AUTO got = world_rest(w, "GET", "/api/v1/webhooks/1", t.sender_key, NULL);
    assert_reply(&got, "Webhook.BatchSize", "50");
    assert_reply(&got, "Webhook.Headers.Authorization", "********");
    assert_reply(&got, "Webhook.Headers.X-Shop", "********");
    assert_int_equal(str_find_str(buf_str(&got.body), STR("canary")), STR_NONE);
    REPLY_AUTO set = world_command(
        w, t.user_key, "EmailGateway.UpdateWebhook",
        "\"WebhookID\":1,\"Event\":[\"opened\"],\"WebhookURL\":\"https://other.example/\",\"Headers\":{},\"BatchSize\":0");
    assert_reply(&set, "ErrorCode", "0");
    assert_reply(&set, "Webhook.Event", "open");
    assert_reply(&set, "Webhook.URL", "https://other.example/");
    assert_reply(&set, "Webhook.Headers.Authorization", "");
    REPLY_AUTO nothing = world_command(w, t.user_key, "EmailGateway.UpdateWebhook", "\"WebhookID\":1");
    assert_reply(&nothing, "Webhook.URL", "https://other.example/");
    REPLY_AUTO list = world_command(w, t.user_key, "EmailGateway.GetWebhooks", "\"DomainID\":1");
    assert_reply(&list, "Webhooks.0.BatchSize", "0");
}

static void what_does_not_fit_is_refused(void **state) {
    struct world *w = *state;
    struct tenant t = shop(w, "");
    static const struct {
        const char *members, *code, *field;
    } cases[] = {
        {"\"BatchSize\":1", "422", "BatchSize"},
        {"\"BatchSize\":101", "422", "BatchSize"},
        {"\"Headers\":{\"webhook-id\":\"1\"}", "422", "Headers"},
        {"\"Headers\":{\"X-A\":\"a\\r\\nHost: b\"}", "422", "Headers"},
        {"\"Headers\":[]", "422", "Headers"},
        {"\"Headers\":{\"X\":7}", "422", "Headers"},
        {"\"Status\":\"Paused\"", "422", "Status"},
        {"\"Event\":\"explode\"", "3", "Event"},
        {"\"WebhookURL\":\"ftp://x.test/\"", "6", "WebhookURL"},
        {"\"WebhookURL\":\"http://169.254.169.254/\"", "7", "WebhookURL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO members = {0};
        buf_addf(&members, "\"WebhookID\":1,%s", cases[i].members);
        REPLY_AUTO r = world_command(w, t.user_key, "EmailGateway.UpdateWebhook", members.p);
        assert_reply(&r, "ErrorCode", cases[i].code);
        assert_reply(&r, "Field", cases[i].field);
        BUF_AUTO added = {0};
        buf_addf(&added, HOOK ",%s", cases[i].members);
        if (i > 5) continue;
        REPLY_AUTO a = world_command(w, t.user_key, "EmailGateway.AddWebhook", added.p);
        assert_reply(&a, "Success", "false");
    }
    REPLY_AUTO got = world_command(w, t.user_key, "EmailGateway.GetWebhooks", "\"DomainID\":1");
    assert_reply(&got, "Webhooks.1.URL", "");
}

#define SICK "failures = 9, failed_at = 5, failing_since = 5, paused_until = 9000000000000000"

/* WH26: whoever mended his endpoint has it called again at once. */
static void a_disabled_webhook_is_made_active_and_well(void **state) {
    struct world *w = *state;
    struct tenant t = shop(w, "");
    world_execute(w, "UPDATE webhooks SET is_active = 0, disabled_at = 6, disabled_why = 'It answered 410', " SICK);
    REPLY_AUTO sick = world_command(w, t.user_key, "EmailGateway.GetWebhook", "\"WebhookID\":1");
    assert_reply(&sick, "Webhook.Status", "Disabled");
    assert_reply(&sick, "Webhook.DisabledReason", "It answered 410");
    assert_reply(&sick, "Webhook.Failures", "9");
    assert_reply(&sick, "Webhook.FailingSince", "1970-01-01 00:00:00");
    REPLY_AUTO well = world_rest(w, "PATCH", "/api/v1/webhooks/1", t.sender_key, "{\"Status\":\"active\"}");
    assert_reply(&well, "Webhook.Status", "Active");
    assert_reply(&well, "Webhook.Failures", "0");
    assert_reply(&well, "Webhook.PausedUntil", "");
    assert_reply(&well, "Webhook.DisabledAt", "");
    static const char *const cures[] = {"{\"Status\":\"Active\"}", "{\"WebhookURL\":\"https://new.example/\"}"};
    for (size_t i = 0; i < 2; i++) {
        world_execute(w, "DELETE FROM hook_outbox");
        world_execute(w, "DELETE FROM hook_queues");
        world_execute(w, "UPDATE webhooks SET " SICK);
        world_execute(w, "INSERT INTO hook_outbox (node_id, webhook_id, event_id, created_at, due_at) SELECT id, 1, 1, 1, 1 FROM "
                         "nodes");
        world_execute(w, "INSERT INTO hook_queues (node_id, webhook_id, account_id, wake_at) SELECT id, 1, 1, 9000000000000000 "
                         "FROM nodes");
        REPLY_AUTO cured = world_rest(w, "PATCH", "/api/v1/webhooks/1", t.sender_key, cures[i]);
        assert_reply(&cured, "Webhook.Failures", "0");
        assert_int_equal(world_number(w, "SELECT count(*) FROM hook_queues WHERE wake_at < 9000000000000000"), 1);
    }
    REPLY_AUTO off = world_rest(w, "PATCH", "/api/v1/webhooks/1", t.sender_key, "{\"Status\":\"Disabled\"}");
    assert_reply(&off, "Webhook.Status", "Disabled");
    assert_true(reply_text(&off, "Webhook.DisabledAt").n > 0);
    assert_reply(&off, "Webhook.DisabledReason", "");
}

/* ---- the key ---- */
/* WH25: receivers have a day to change over, unless somebody knows the old key who should not. */
static void keys_overlap_for_a_day(void **state) {
    struct world *w = *state;
    struct tenant t = shop(w, "");
    REPLY_AUTO none = world_command(w, t.user_key, "EmailGateway.RegenerateSigningKey", "\"DomainID\":1");
    assert_reply(&none, "OldKeyUntil", ""); /* there was none yet */
    REPLY_AUTO second = world_rest(w, "POST", "/api/v1/webhooks/signing-key", t.sender_key, "{}");
    assert_int_equal(reply_text(&second, "OldKeyUntil").n, 19);
    REPLY_AUTO shown = world_rest(w, "GET", "/api/v1/webhooks/signing-key", t.sender_key, NULL);
    assert_true(str_eq(reply_text(&shown, "SigningKey"), reply_text(&second, "SigningKey")));
    int64_t until = world_number(w, "SELECT old_signing_key_until FROM domains WHERE id = 1");
    assert_true(until > 0);
    REPLY_AUTO leaked = world_command(w, t.user_key, "EmailGateway.RegenerateSigningKey", "\"DomainID\":1,\"EndOld\":true");
    assert_reply(&leaked, "OldKeyUntil", "");
    assert_int_equal(world_number(w, "SELECT old_signing_key_until FROM domains WHERE id = 1"), 0);
}

/* ---- test calls ---- */
struct endpoint {
    struct buf told, header;
    bool is_full;
};

static void answer_test(void *arg, struct hook_trial *trial) {
    struct endpoint *e = arg;
    const struct hook_call *call = &trial->turn.calls[0];
    buf_reset(&e->told);
    buf_addf(&e->told, "%.*s %.*s", STR_ARG(call->id), STR_ARG(call->body));
    buf_reset(&e->header);
    if (trial->turn.headers.count) buf_add_str(&e->header, trial->turn.headers.items[0].value);
    trial->was_called = !e->is_full;
    buf_add_z(&trial->body, "<b>no</b>\x80");
    trial->answer.code = 500;
    trial->answer.body = buf_str(&trial->body);
    trial->answer.began_at = 1000;
    trial->answer.ended_at = 1250;
    trial->done(trial);
}

/* WH21: what it answered is shown and kept as text. */
static void a_test_call_tells_what_the_endpoint_says(void **state) {
    struct world *w = *state;
    struct tenant t = shop(w, ",\"BatchSize\":10,\"Headers\":{\"X-Key\":\"canary\"}");
    struct endpoint e = {.is_full = false};
    REPLY_AUTO nobody = world_command(w, t.user_key, "EmailGateway.TestWebhook", "\"WebhookID\":1");
    assert_reply(&nobody, "ErrorCode", "10");
    w->api.webhook_test = answer_test;
    w->api.arg = &e;
    world_execute(w, "UPDATE webhooks SET is_active = 0, disabled_why = 'x', " SICK);
    REPLY_AUTO tested = world_rest(w, "POST", "/api/v1/webhooks/1/test", t.sender_key, "{\"Event\":\"click\"}");
    assert_int_equal(tested.status, 200);
    assert_reply(&tested, "IsSuccess", "false");
    assert_reply(&tested, "StatusCode", "500");
    assert_reply(&tested, "Duration", "250");
    assert_reply(&tested, "Error", "it answered 500");
    assert_reply(&tested, "Response", "<b>no</b>\xef\xbf\xbd");
    assert_true(str_starts(buf_str(&e.told), STR("test_")));
    assert_true(str_find_str(buf_str(&e.told), STR("[{\"type\":\"click\"")) != STR_NONE); /* it takes several */
    assert_true(str_find_str(buf_str(&e.told), STR("\"EventId\":\"0\"")) != STR_NONE);
    assert_true(str_find_str(buf_str(&e.told), STR("\"Test\":true")) != STR_NONE);
    assert_string_equal(e.header.p, "canary");
    REPLY_AUTO log = world_command(w, t.user_key, "EmailGateway.GetWebhookAttempts", "\"WebhookID\":1");
    assert_reply(&log, "Attempts.0.EventID", "0");
    assert_reply(&log, "Attempts.0.StatusCode", "500");
    assert_reply(&log, "Attempts.0.Response", "<b>no</b>\xef\xbf\xbd");
    REPLY_AUTO same = world_command(w, t.user_key, "EmailGateway.GetWebhook", "\"WebhookID\":1");
    assert_reply(&same, "Webhook.Failures", "9");
    e.is_full = true;
    REPLY_AUTO full = world_rest(w, "POST", "/api/v1/webhooks/1/test", t.sender_key, "{}");
    assert_int_equal(full.status, 429);
    assert_int_equal(reply_code(&full), 14);
    w->api.webhooks.own_urls[0] = STR("https://yourdomain.com/");
    REPLY_AUTO ours = world_command(w, t.user_key, "EmailGateway.TestWebhook", "\"WebhookID\":1");
    assert_reply(&ours, "ErrorCode", "11");
    buf_fini(&e.told);
    buf_fini(&e.header);
}

static void the_log_has_pages(void **state) {
    struct world *w = *state;
    struct tenant t = shop(w, "");
    world_execute(w,
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30) INSERT INTO hook_attempts "
                  "(webhook_id, event_id, event_count, attempt, at, duration_ms, code, why, answer) SELECT 1, i, 1, 2, 1000 * i, "
                  "7, 200, '', x'6f6b' FROM n");
    REPLY_AUTO first = world_rest(w, "GET", "/api/v1/webhooks/1/attempts", t.sender_key, NULL);
    assert_reply(&first, "Attempts.0.EventID", "30");
    assert_reply(&first, "Attempts.0.IsSuccess", "true");
    assert_reply(&first, "Attempts.0.Attempt", "2");
    assert_reply(&first, "Attempts.19.EventID", "11");
    assert_reply(&first, "Attempts.20.EventID", "");
    REPLY_AUTO next =
        world_command(w, t.user_key, "EmailGateway.GetWebhookAttempts", "\"WebhookID\":1,\"BeforeID\":11,\"RetrieveCount\":5");
    assert_reply(&next, "Attempts.0.EventID", "10");
    assert_reply(&next, "Attempts.4.EventID", "6");
    assert_reply(&next, "Attempts.5.EventID", "");
}

/* ---- replay ---- */
/* `count` events of the type, a second apart from 1970 on, of domain 1. */
static void add_events(struct world *w, int type, int count) {
    BUF_AUTO sql = {0};
    buf_addf(
        &sql,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO events (at, type, account_id, "
        "domain_id, message_id, recipient_id, recipient, recipient_domain, detail) SELECT 1000 * i, %d, 1, 1, 1, 1, 'r@x.test', "
        "'x.test', '{}' FROM n",
        count, type);
    world_execute(w, sql.p);
}

static void an_event_or_some_days_are_told_again(void **state) {
    struct world *w = *state;
    struct tenant t = shop(w, "");
    struct tenant b = world_tenant(w, "b@owner.test", "b.test");
    add_events(w, EVENT_DELIVERY, 1200);
    add_events(w, EVENT_OPEN, 40); /* not asked for */
    static const struct {
        const char *members;
        int status;
        int64_t code;
    } refused[] = {
        {"{}", 422, 5},
        {"{\"EventID\":1,\"StartDate\":\"1970-01-01\"}", 422, 422},
        {"{\"StartDate\":\"1970-01-02\",\"EndDate\":\"1970-01-01\"}", 422, 422},
        {"{\"StartDate\":\"soon\"}", 422, 422},
        {"{\"StartDate\":\"1970-01-01\",\"Cursor\":\"x\"}", 422, 422},
        {"{\"StartDate\":\"1970-01-01\",\"Cursor\":\"-1-2\"}", 422, 422},
        {"{\"EventID\":99999}", 404, 9},
        {"{\"EventID\":\"x\"}", 404, 9},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        REPLY_AUTO r = world_rest(w, "POST", "/api/v1/webhooks/1/replay", t.sender_key, refused[i].members);
        assert_int_equal(r.status, refused[i].status);
        assert_int_equal(reply_code(&r), refused[i].code);
    }
    REPLY_AUTO theirs = world_command(w, b.user_key, "EmailGateway.ReplayWebhook", "\"WebhookID\":1,\"EventID\":1");
    assert_reply(&theirs, "ErrorCode", "4");
    assert_int_equal(world_number(w, "SELECT count(*) FROM hook_outbox"), 0);
    REPLY_AUTO one = world_command(w, t.user_key, "EmailGateway.ReplayWebhook", "\"WebhookID\":1,\"EventID\":\"1210\"");
    assert_reply(&one, "Replayed", "1"); /* of whatever type */
    REPLY_AUTO part = world_rest(w, "POST", "/api/v1/webhooks/1/replay", t.sender_key,
                                 "{\"StartDate\":\"1970-01-01 00:00:11\",\"EndDate\":\"1970-01-01 00:00:20\"}");
    assert_reply(&part, "Replayed", "10");
    REPLY_AUTO all = world_command(w, t.user_key, "EmailGateway.ReplayWebhook", "\"WebhookID\":1,\"StartDate\":\"1970-01-01\"");
    assert_reply(&all, "Replayed", "1200"); /* three slices */
    assert_reply(&all, "Cursor", "");
    assert_int_equal(world_number(w, "SELECT count(*) FROM hook_outbox"), 1201);
    world_execute(w, "UPDATE webhooks SET is_active = 0");
    REPLY_AUTO disabled = world_rest(w, "POST", "/api/v1/webhooks/1/replay", t.sender_key, "{\"EventID\":1}");
    assert_int_equal(disabled.status, 409);
}

/* P8: one answer looks at 50,000 events at most, and the next one goes on. */
static void a_long_replay_goes_on_with_the_cursor(void **state) {
    struct world *w = *state;
    struct tenant t = shop(w, "");
    add_events(w, EVENT_OPEN, 49990);
    add_events(w, EVENT_BOUNCE, 50010);
    char cursor[64], members[160];
    REPLY_AUTO first = world_command(w, t.user_key, "EmailGateway.ReplayWebhook", "\"WebhookID\":1,\"StartDate\":0");
    assert_reply(&first, "Replayed", "25000");
    reply_keep(&first, "Cursor", cursor, sizeof cursor);
    (void)snprintf(members, sizeof members, "\"WebhookID\":1,\"StartDate\":0,\"Cursor\":\"%s\"", cursor);
    REPLY_AUTO second = world_command(w, t.user_key, "EmailGateway.ReplayWebhook", members);
    assert_reply(&second, "Replayed", "25010");
    reply_keep(&second, "Cursor", cursor, sizeof cursor);
    if (cursor[0]) {
        (void)snprintf(members, sizeof members, "\"WebhookID\":1,\"StartDate\":0,\"Cursor\":\"%s\"", cursor);
        REPLY_AUTO third = world_command(w, t.user_key, "EmailGateway.ReplayWebhook", members);
        assert_reply(&third, "Replayed", "0");
        assert_reply(&third, "Cursor", "");
    }
    assert_int_equal(world_number(w, "SELECT count(*) FROM hook_outbox"), 50010);
}

/* ---- whose ---- */
/* TN01: another account's webhook, and to a sender key another domain's, is a missing one. */
static void another_s_webhook_is_a_missing_one(void **state) {
    struct world *w = *state;
    struct tenant t = shop(w, ""), b = world_tenant(w, "b@owner.test", "b.test");
    static const char *const calls[][3] = {
        {"GET", "", NULL},
        {"PATCH", "", "{\"Status\":\"Disabled\",\"Headers\":{\"X\":\"y\"}}"},
        {"POST", "/test", "{}"},
        {"GET", "/attempts", NULL},
        {"POST", "/replay", "{\"EventID\":1}"},
    };
    world_execute(w, "INSERT INTO domains (account_id, name, state, created_at) VALUES (1, 'second.test', 0, 1)");
    world_execute(w,
                  "INSERT INTO webhooks (account_id, domain_id, url, events, created_at) VALUES (1, 3, 'https://s.test/', 2, 1)");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const char *const asked[][2] = {{b.sender_key, "1"}, {b.user_key, "1"}, {t.sender_key, "2"}};
        for (size_t k = 0; k < 3; k++) {
            BUF_AUTO path = {0};
            buf_addf(&path, "/api/v1/webhooks/%s%s", asked[k][1], calls[i][1]);
            REPLY_AUTO theirs = world_rest(w, calls[i][0], path.p, asked[k][0], calls[i][2]);
            buf_reset(&path);
            buf_addf(&path, "/api/v1/webhooks/77%s", calls[i][1]);
            REPLY_AUTO missing = world_rest(w, calls[i][0], path.p, asked[k][0], calls[i][2]);
            assert_int_equal(theirs.status, 404);
            assert_int_equal(reply_code(&theirs), 4);
            assert_true(str_eq(buf_str(&theirs.body), buf_str(&missing.body)));
        }
    }
    REPLY_AUTO own = world_rest(w, "GET", "/api/v1/webhooks/2", t.user_key, NULL);
    world_execute(w, "UPDATE sender_keys SET scopes = 3"); /* send, events */
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        BUF_AUTO path = {0};
        buf_addf(&path, "/api/v1/webhooks/1%s", calls[i][1]);
        REPLY_AUTO unfit = world_rest(w, calls[i][0], path.p, t.sender_key, calls[i][2]);
        assert_int_equal(unfit.status, 401); /* TN02 */
    }
    REPLY_AUTO key = world_rest(w, "GET", "/api/v1/webhooks/signing-key", t.sender_key, NULL);
    assert_int_equal(reply_code(&key), 13);
    assert_reply(&own, "Webhook.DomainID", "3");
    assert_int_equal(world_number(w, "SELECT count(*) FROM webhooks WHERE is_active = 1 AND length(headers_sealed) = 0"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(settings_are_kept_and_header_values_are_not_shown),
        WORLD_TEST(what_does_not_fit_is_refused),
        WORLD_TEST(a_disabled_webhook_is_made_active_and_well),
        WORLD_TEST(keys_overlap_for_a_day),
        WORLD_TEST(a_test_call_tells_what_the_endpoint_says),
        WORLD_TEST(the_log_has_pages),
        WORLD_TEST(an_event_or_some_days_are_told_again),
        WORLD_TEST(a_long_replay_goes_on_with_the_cursor),
        WORLD_TEST(another_s_webhook_is_a_missing_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
