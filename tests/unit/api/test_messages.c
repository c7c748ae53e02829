/* test_messages.c - /api/v1/messages: the list and its cursor, one message with its story, cancelling and moving.
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60000)

static void send_one(struct world *w, const struct tenant *t, const char *to, const char *more, char ret_id[64]) {
    BUF_AUTO body = {0};
    buf_addf(&body,
             "{\"From\":{\"email\":\"a@%s\",\"name\":\"\"},\"To\":[%s],\"Subject\":\"Hi\",\"ContentType\":\"plain\","
             "\"PlainContent\":\"x\"%s}",
             t->domain, to, more);
    REPLY_AUTO r = world_send(w, t->sender_key, body.p);
    reply_keep(&r, "MessageID", ret_id, 64);
}
#define ONE "{\"email\":\"b@there.test\",\"name\":\"\"}"
#define TWO ONE ",{\"email\":\"c@there.test\",\"name\":\"\"}"

static struct str send_at(struct world *w, int64_t ahead_ms, char ret[64]) {
    int n = snprintf(ret, 64, ",\"SendAt\":%lld", (long long)((clock_wall_ms(w->api.clock) + ahead_ms) / 1000));
    return str_make(ret, (size_t)n);
}

static struct reply rest(struct world *w, const char *method, const char *key, const char *id, const char *body) {
    char path[128];
    snprintf(path, sizeof path, "/api/v1/messages%s%s", *id ? "/" : "", id);
    return world_ask(w, &(struct ask){.method = method, .path = path, .bearer = key, .body = body});
}

static struct reply list(struct world *w, const char *key, const char *query) {
    return world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/messages", .bearer = key, .query = query});
}

static size_t count_of(struct reply *r) {
    size_t n = 0;
    JSON_FOR_EACH (it, json_find(r->json, STR("Messages"))) {
        (void)it;
        n++;
    }
    return n;
}

static void one_message_tells_its_story(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant t = world_tenant(w, "a@one.test", "one.test");
    char id[64], at[64];
    send_at(w, 10 * MINUTE, at);
    BUF_AUTO more = {0};
    buf_addf(&more, "%s,\"Tags\":[\"x\\\"y\"],\"Metadata\":{\"Order\":\"17\"}", at);
    send_one(w, &t, TWO, more.p, id);
    const char *keys[] = {t.user_key, t.sender_key};
    for (size_t i = 0; i < 2; i++) {
        REPLY_AUTO r = rest(w, "GET", keys[i], id, "");
        assert_int_equal(r.status, 200);
        assert_reply(&r, "Message.MessageID", id);
        assert_reply(&r, "Message.Subject", "Hi");
        assert_reply(&r, "Message.From", "a@one.test");
        assert_reply(&r, "Message.DomainName", "one.test");
        assert_reply(&r, "Message.DomainID", t.domain_id);
        assert_reply(&r, "Message.Tags.0", "x\"y");
        assert_reply(&r, "Message.Metadata.Order", "17");
        assert_reply(&r, "Message.Recipients.1.Recipient", "c@there.test");
        assert_reply(&r, "Message.Recipients.0.State", "scheduled");
        assert_reply(&r, "Message.Recipients.0.Attempts", "0");
        assert_reply(&r, "Message.Recipients.0.Reason", "waiting for its time");
        assert_true(str_ends(reply_text(&r, "Message.Recipients.0.NextTry"), STR("Z")));
        assert_reply(&r, "Message.Recipients.0.Events.0.EventType", "send");
        assert_reply(&r, "Message.Recipients.0.Events.1.EventType", "");
    }
    sim_run_for(w->loop, 11 * MINUTE);
    REPLY_AUTO due = rest(w, "GET", t.user_key, id, ""); /* by the clock, without a write */
    assert_reply(&due, "Message.Recipients.0.State", "queued");
    assert_reply(&due, "Message.Recipients.0.Reason", "waiting for its first try");
    BUF_AUTO named = {0};
    buf_addf(&named, "\"MessageID\":\"%s\"", id);
    REPLY_AUTO operator= world_operator(w, "Messages.Get", named.p);
    assert_reply(&operator, "Success", "true");
    assert_reply(&operator, "Message.Subject", "Hi");
    world_free(w);
}

/* TN01: another's id, one that nobody has and none at all get the same bytes, whatever is asked. */
static void P6_anothers_message_is_a_missing_one(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant a = world_tenant(w, "a@one.test", "one.test"), b = world_tenant(w, "b@two.test", "two.test");
    char id[64], at[64];
    send_at(w, 10 * MINUTE, at);
    send_one(w, &a, ONE, at, id);
    static const char *const methods[] = {"GET", "DELETE", "PATCH"};
    const char *ids[] = {id, "01890a5d-ac96-774b-bcce-b302099a8057", "17", "x%27%20or%201", "..."};
    const char *keys[] = {b.user_key, b.sender_key};
    for (size_t m = 0; m < 3; m++) {
        BUF_AUTO first = {0};
        for (size_t i = 0; i < 5; i++) {
            for (size_t k = 0; k < 2; k++) {
                char body[80];
                snprintf(body, sizeof body, "{\"SendAt\":%lld}", (long long)(clock_wall_ms(w->api.clock) / 1000 + 60));
                REPLY_AUTO r = rest(w, methods[m], keys[k], ids[i], m == 2 ? body : "");
                assert_int_equal(r.status, 404);
                if (first.n == 0) buf_add_str(&first, buf_str(&r.body));
                assert_true(str_eq(buf_str(&first), buf_str(&r.body)));
            }
        }
    }
    REPLY_AUTO mine = rest(w, "GET", a.user_key, id, "");
    assert_reply(&mine, "Message.Recipients.0.State", "scheduled");
    REPLY_AUTO none = list(w, b.user_key, "");
    assert_int_equal(count_of(&none), 0);
    BUF_AUTO query = {0};
    buf_addf(&query, "DomainID=%s", a.domain_id);
    REPLY_AUTO other = list(w, b.user_key, query.p);
    assert_int_equal(count_of(&other), 0);
    REPLY_AUTO by_key = list(w, b.sender_key, query.p);
    assert_int_equal(count_of(&by_key), 0);
    world_free(w);
}

/* TN07, JS19: every message once, newest first; a cursor of others, or of nobody, opens nothing and tells nothing. */
static void the_list_is_walked_by_its_cursor(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant a = world_tenant(w, "a@one.test", "one.test"), b = world_tenant(w, "b@two.test", "two.test");
    char ids[7][64], foreign[64], cursor[64] = "";
    for (int i = 0; i < 7; i++) {
        send_one(w, &a, ONE, "", ids[i]);
        send_one(w, &b, ONE, "", foreign);
        sim_run_for(w->loop, 10);
    }
    int seen = 7;
    do {
        BUF_AUTO query = {0};
        buf_addf(&query, "RetrieveCount=3%s%s", *cursor ? "&Cursor=" : "", cursor);
        REPLY_AUTO r = list(w, a.sender_key, query.p);
        assert_int_equal(r.status, 200);
        JSON_FOR_EACH (it, json_find(r.json, STR("Messages"))) {
            seen--;
            assert_true(str_eq(json_find_text(it, STR("MessageID")), str_from_z(ids[seen])));
        }
        struct str next = reply_text(&r, "Cursor");
        memcpy(cursor, next.p, next.n);
        cursor[next.n] = '\0';
    } while (*cursor);
    assert_int_equal(seen, 0);
    BUF_AUTO first = {0};
    const char *bad[] = {foreign, "01890a5d-ac96-774b-bcce-b302099a8057", "9223372036854775807", "x", "%00"};
    for (size_t i = 0; i < 5; i++) {
        BUF_AUTO query = {0};
        buf_addf(&query, "Cursor=%s", bad[i]);
        REPLY_AUTO r = list(w, a.user_key, query.p);
        assert_int_equal(r.status, i == 4 ? 400 : 422);
        if (i == 4) continue; /* a NUL is in no text */
        if (first.n == 0) buf_add_str(&first, buf_str(&r.body));
        assert_true(str_eq(buf_str(&first), buf_str(&r.body)));
    }
    static const char *const limits[] = {"0", "-1", "101", "1000000000", "x"};
    for (size_t i = 0; i < 5; i++) {
        BUF_AUTO query = {0};
        buf_addf(&query, "RetrieveCount=%s", limits[i]);
        REPLY_AUTO r = list(w, a.user_key, query.p);
        assert_int_equal(r.status, 422);
    }
    world_free(w);
}

static void the_list_has_filters(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant t = world_tenant(w, "a@one.test", "one.test");
    char ids[3][64], at[64];
    int64_t start = clock_wall_ms(w->api.clock) / 1000;
    send_one(w, &t, ONE, ",\"Tags\":[\"red\",\"blue\"]", ids[0]);
    sim_run_for(w->loop, 20 * MINUTE);
    send_one(w, &t, TWO, ",\"Tags\":[\"redder\"]", ids[1]);
    sim_run_for(w->loop, 20 * MINUTE);
    send_at(w, 10 * MINUTE, at);
    send_one(w, &t, ONE, at, ids[2]);
    char from[64], to[64], other[64];
    snprintf(from, sizeof from, "StartDate=%lld", (long long)start + 1100);
    snprintf(to, sizeof to, "EndDate=%lld", (long long)start + 1100);
    snprintf(other, sizeof other, "DomainID=%s1", t.domain_id);
    const struct {
        const char *query;
        size_t count, first;
    } cases[] = {
        {"", 3, 2},
        {"Tag=red", 1, 0},
        {"Tag=blue", 1, 0},
        {"Tag=re", 0, 0},
        {"Tag=%22", 0, 0},
        {"Recipient=c@there.test", 1, 1},
        {"Recipient=b@There.TEST", 3, 2},
        {"Recipient=b@there.test&Tag=redder", 1, 1},
        {"State=scheduled", 1, 2},
        {"State=queued", 2, 1},
        {"State=delivered", 0, 0},
        {from, 2, 2},
        {to, 1, 0},
        {other, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = list(w, t.user_key, cases[i].query);
        if (count_of(&r) != cases[i].count) fail_msg("%s: %.*s", cases[i].query, STR_ARG(buf_str(&r.body)));
        if (cases[i].count) assert_reply(&r, "Messages.0.MessageID", ids[cases[i].first]);
        assert_reply(&r, "Cursor", "");
    }
    REPLY_AUTO all = list(w, t.user_key, "RetrieveCount=2");
    assert_reply(&all, "Messages.0.States.scheduled", "1");
    assert_reply(&all, "Messages.1.States.queued", "2");
    assert_reply(&all, "Messages.1.RecipientCount", "2");
    REPLY_AUTO wrong = list(w, t.user_key, "State=lost");
    assert_int_equal(wrong.status, 422);
    world_free(w);
}

static void P3_a_scheduled_message_is_cancelled_once(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant t = world_tenant(w, "a@one.test", "one.test");
    char id[64], now[64], at[64];
    send_at(w, 10 * MINUTE, at);
    send_one(w, &t, TWO, at, id);
    send_one(w, &t, ONE, "", now);
    REPLY_AUTO started = rest(w, "DELETE", t.user_key, now, "");
    assert_int_equal(started.status, 409);
    assert_int_equal(reply_code(&started), 3);
    REPLY_AUTO r = rest(w, "DELETE", t.sender_key, id, "");
    assert_int_equal(r.status, 200);
    assert_reply(&r, "Cancelled", "2");
    REPLY_AUTO twice = rest(w, "DELETE", t.sender_key, id, "");
    assert_int_equal(twice.status, 409);
    REPLY_AUTO shown = rest(w, "GET", t.user_key, id, "");
    assert_reply(&shown, "Message.Recipients.1.State", "cancelled");
    assert_reply(&shown, "Message.Recipients.1.Reason", "Cancelled by the sender");
    assert_reply(&shown, "Message.Recipients.1.NextTry", "");
    assert_reply(&shown, "Message.Recipients.1.Events.1.EventType", "failed");
    assert_reply(&shown, "Message.Recipients.1.Events.1.Details.Reason", "Cancelled by the sender");
    send_at(w, 10 * MINUTE, at);
    send_one(w, &t, ONE, at, id);
    sim_run_for(w->loop, 10 * MINUTE + 1000); /* its time has come: it has started */
    REPLY_AUTO late = rest(w, "DELETE", t.user_key, id, "");
    assert_int_equal(late.status, 409);
    world_free(w);
}

static void a_scheduled_message_is_moved(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant t = world_tenant(w, "a@one.test", "one.test");
    char id[64], at[64];
    send_at(w, 600 * MINUTE, at);
    send_one(w, &t, TWO, at, id);
    REPLY_AUTO before = rest(w, "GET", t.user_key, id, "");
    size_t offered = w->offered;
    static const struct {
        int64_t ahead_ms;
        int status;
    } cases[] = {{60 * MINUTE, 200},  {1200 * MINUTE, 200}, {31 * 24 * 60 * MINUTE, 422},
                 {-61 * MINUTE, 422}, {-59 * MINUTE, 200},  {5 * MINUTE, 409}}; /* the last but one meant now */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO body = {0};
        buf_addf(&body, "{\"SendAt\":%lld}", (long long)((clock_wall_ms(w->api.clock) + cases[i].ahead_ms) / 1000));
        REPLY_AUTO r = rest(w, "PATCH", t.sender_key, id, body.p);
        if (r.status != cases[i].status) fail_msg("%zu: %.*s", i, STR_ARG(buf_str(&r.body)));
        if (r.status != 200) continue;
        assert_reply(&r, "Moved", "2");
        offered += 2;
        assert_int_equal(w->offered, offered);
        REPLY_AUTO after = rest(w, "GET", t.user_key, id, "");
        assert_reply(&after, "Message.Recipients.0.State", cases[i].ahead_ms > 0 ? "scheduled" : "queued");
        assert_true(str_eq(reply_text(&after, "Message.Recipients.0.NextTry"), reply_text(&r, "SendAt")));
        if (i == 0) /* its life moves along: nine hours */
            assert_false(str_eq(reply_text(&after, "Message.ExpiresAt"), reply_text(&before, "Message.ExpiresAt")));
    }
    static const char *const bad[] = {"{}", "{\"SendAt\":\"\"}", "{\"SendAt\":\"soon\"}", "{\"SendAt\":{}}", "{\"SendAt\":-1}"};
    for (size_t i = 0; i < 5; i++) {
        REPLY_AUTO r = rest(w, "PATCH", t.sender_key, id, bad[i]);
        assert_int_equal(r.status, 422);
        assert_true(str_find_str(buf_str(&r.body), STR("SendAt")) != STR_NONE);
    }
    world_free(w);
}

/* TN02: reading needs the scope events, deciding the scope send. */
static void scopes_are_asked(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant t = world_tenant(w, "a@one.test", "one.test");
    char id[64], at[64];
    send_at(w, 10 * MINUTE, at);
    send_one(w, &t, ONE, at, id);
    BUF_AUTO members = {0};
    buf_addf(&members, "\"DomainID\":\"%s\",\"Description\":\"reads\",\"Permissions\":\"events\"", t.domain_id);
    REPLY_AUTO made = world_command(w, t.user_key, "EmailGateway.AddAPI", members.p);
    char reader[128];
    struct str key = reply_text(&made, "APIKey.Key");
    assert_true(key.n > 0 && key.n < sizeof reader);
    memcpy(reader, key.p, key.n);
    reader[key.n] = '\0';
    REPLY_AUTO shown = rest(w, "GET", reader, id, "");
    assert_int_equal(shown.status, 200);
    REPLY_AUTO cancelled = rest(w, "DELETE", reader, id, "");
    assert_int_equal(cancelled.status, 401);
    REPLY_AUTO nobody = rest(w, "GET", "phs_nobody", id, "");
    assert_int_equal(nobody.status, 401);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_message_tells_its_story),
        cmocka_unit_test(P6_anothers_message_is_a_missing_one),
        cmocka_unit_test(the_list_is_walked_by_its_cursor),
        cmocka_unit_test(the_list_has_filters),
        cmocka_unit_test(P3_a_scheduled_message_is_cancelled_once),
        cmocka_unit_test(a_scheduled_message_is_moved),
        cmocka_unit_test(scopes_are_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
