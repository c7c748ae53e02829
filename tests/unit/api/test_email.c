/* test_email.c - POST /api/v1/email from head to COMMIT: every error code, what is stored, idempotency (P1, P7, JS14, JS18, HI).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define GOOD_FROM "\"From\":{\"email\":\"me@sender.test\",\"name\":\"Me\"}"
#define GOOD_TO   "\"To\":[{\"email\":\"you@there.test\",\"name\":\"\"}]"
#define GOOD_TEXT "\"Subject\":\"Hi\",\"ContentType\":\"plain\",\"PlainContent\":\"Hello\""
#define GOOD      GOOD_FROM "," GOOD_TO "," GOOD_TEXT

/* ---- accepted ---- */
static void a_message_is_stored_before_the_answer(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO r = world_send(w, t.sender_key, "{" GOOD "}");
    assert_int_equal(r.status, 200);
    assert_int_equal(reply_text(&r, "MessageID").n, 36);
    assert_int_equal(w->offered, 1);
    REPLY_AUTO queue = world_operator(w, "Operator.QueueList", "");
    assert_true(str_eq(reply_text(&queue, "Queue.0.Recipient"), STR("you@there.test")));
    assert_true(str_eq(reply_text(&queue, "Queue.0.MessageID"), reply_text(&r, "MessageID")));
    REPLY_AUTO events = world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/events", .bearer = t.sender_key});
    assert_true(str_eq(reply_text(&events, "TotalRecords"), STR("1")));
    assert_true(str_eq(reply_text(&events, "Events.0.EventType"), STR("send")));
    assert_true(str_eq(reply_text(&events, "Events.0.Recipient"), STR("you@there.test")));
    assert_true(str_eq(reply_text(&events, "Events.0.Details.KeyID"), STR("1")) &&
                str_find_str(buf_str(&events.body), STR("\"KeyID\":\"1\"")) != STR_NONE);
    assert_true(str_eq(reply_text(&events, "Events.0.MessageId"), reply_text(&r, "MessageID")));
}

/* Every parameter at once; recipients that come twice are one. */
static void every_parameter_is_taken(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO r = world_send(
        w, t.sender_key,
        "{\"From\":{\"Email\":\"me@mail.Sender.TEST\",\"NAME\":\"M\\u00e9\"},\"To\":[{\"email\":\"you@there.test\",\"name\":null}"
        ","
        "{\"email\":\"you@THERE.test\",\"name\":\"Again\"}],\"CC\":[{\"email\":\"cc@there.test\",\"name\":\"C\"}],"
        "\"BCC\":[{\"email\":\"bcc@other.test\",\"name\":\"B\"}],\"ReplyTo\":[{\"email\":\"r@x.test\",\"name\":\"R\"}],"
        "\"Subject\":\"H\\u00e9llo\",\"contenttype\":\"HTML\",\"HTMLCONTENT\":\"<p>x</p>\",\"PlainContent\":\"x\\n\","
        "\"Attachments\":[{\"FileName\":\"a.txt\",\"content\":\"aGVs\\r\\nbG8=\",\"type\":\"text/plain\"},"
        "{\"content\":\"aGVsbG8=\",\"contentid\":\"pic\",\"disposition\":\"inline\",\"type\":\"image/png\"}],"
        "\"Headers\":{\"X-Own\":\"1\",\"X-Number\":5},\"Tags\":[\"one\",\"two\"],\"TrackLinks\":\"true\",\"TrackOpens\":0,"
        "\"TTL\":600,\"ListID\":5,\"SubscriberID\":\"s1\",\"JourneyID\":\"j1\",\"ActionID\":\"a1\",\"Metadata\":{\"order\":17},"
        "\"DomainID\":1,\"SomethingElse\":[]}");
    if (r.status != 200) print_error("%.*s\n", STR_ARG(buf_str(&r.body)));
    assert_int_equal(r.status, 200);
    assert_int_equal(w->offered, 3);
    REPLY_AUTO events = world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/events", .bearer = t.sender_key});
    assert_true(str_eq(reply_text(&events, "TotalRecords"), STR("3")));
    assert_true(str_eq(reply_text(&events, "Events.0.CampaignId"), STR("j1")));
    assert_true(str_eq(reply_text(&events, "Events.0.Tags.1"), STR("two")));
    assert_true(str_eq(reply_text(&events, "Events.0.Metadata.ListID"), STR("5")));
    assert_true(str_eq(reply_text(&events, "Events.0.Metadata.order"), STR("17")));
}

static void a_form_sends_too(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    BUF_AUTO body = {0};
    buf_addf(&body,
             "SenderAPIKey=%s&Subject=Hi&ContentType=plain&PlainContent=x&From%%5Bemail%%5D=me@sender.test&From[name]="
             "&To[0][email]=you@there.test&To[0][name]=You",
             t.sender_key);
    REPLY_AUTO r =
        world_ask(w, &(struct ask){.path = "/api/v1/email", .content_type = "application/x-www-form-urlencoded", .body = body.p});
    assert_int_equal(r.status, 200);
}

static void send_at_waits(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    static const struct {
        int64_t ahead_s;
        bool is_good;
    } cases[] = {{600, true}, {30 * 86400 - 60, true}, {30 * 86400 + 60, false}, {-60, true}, {-7200, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO body = {0};
        int64_t at = clock_wall_ms(w->api.clock) / 1000 + cases[i].ahead_s;
        buf_addf(&body, "{" GOOD ",\"SendAt\":%lld}", (long long)at);
        REPLY_AUTO r = world_send(w, t.sender_key, body.p);
        assert_int_equal(r.status, cases[i].is_good ? 200 : 422);
        if (!cases[i].is_good) assert_true(str_eq(reply_text(&r, "Errors.0.Field"), STR("SendAt")));
    }
    REPLY_AUTO queue = world_operator(w, "Operator.QueueList", "");
    assert_true(str_eq(reply_text(&queue, "Queue.0.State"), STR("queued"))); /* by due time */
    assert_true(str_eq(reply_text(&queue, "Queue.2.State"), STR("scheduled")));
}

/* ---- refused ---- */
static void each_code_is_produced_by_its_case(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    static const struct {
        const char *body;
        int64_t code;
        int status;
    } cases[] = {
        {"{" GOOD ",\"DomainID\":77}", 2, 403},
        {"{" GOOD ",\"DomainID\":\"x\"}", 2, 403},
        {"{" GOOD_TO "," GOOD_TEXT "}", 3, 422},
        {"{" GOOD_TO "," GOOD_TEXT ",\"From\":{\"email\":\"me@sender.test\"}}", 3, 422},
        {"{" GOOD_TO "," GOOD_TEXT ",\"From\":\"me@sender.test\"}", 3, 422},
        {"{" GOOD_TO "," GOOD_TEXT ",\"From\":{\"email\":\"me@other.test\",\"name\":\"\"}}", 3, 422},
        {"{" GOOD_TO "," GOOD_TEXT ",\"From\":{\"email\":\"me@evilsender.test\",\"name\":\"\"}}", 3, 422},
        {"{" GOOD_FROM "," GOOD_TO ",\"ContentType\":\"plain\",\"PlainContent\":\"x\"}", 8, 422},
        {"{" GOOD_FROM "," GOOD_TO ",\"Subject\":[],\"ContentType\":\"plain\",\"PlainContent\":\"x\"}", 422, 422},
        {"{" GOOD_FROM "," GOOD_TO ",\"ContentType\":\"plain\",\"PlainContent\":\"x\",\"Subject\":\"a\\r\\nBcc: b\"}", 422,
         422}, /* HI01 */
        {"{" GOOD_FROM "," GOOD_TO ",\"ContentType\":\"plain\",\"PlainContent\":\"x\",\"Subject\":\"a\\nBcc: b\"}", 422,
         422}, /* HI02 */
        {"{" GOOD_FROM "," GOOD_TO ",\"ContentType\":\"plain\",\"PlainContent\":\"x\",\"Subject\":\"a\\rBcc: b\"}", 422,
         422}, /* HI03 */
        {"{" GOOD_FROM "," GOOD_TO ",\"Subject\":\"x\",\"PlainContent\":\"x\"}", 9, 422},
        {"{" GOOD_FROM "," GOOD_TO ",\"Subject\":\"x\",\"ContentType\":\"amp\",\"PlainContent\":\"x\"}", 9, 422},
        {"{" GOOD_FROM "," GOOD_TO ",\"Subject\":\"x\",\"ContentType\":\"html\",\"PlainContent\":\"x\"}", 10, 422},
        {"{" GOOD_FROM "," GOOD_TO ",\"Subject\":\"x\",\"ContentType\":\"plain\",\"HtmlContent\":\"x\"}", 11, 422},
        {"{" GOOD ",\"TemplateID\":1}", 15, 422},
        {"{" GOOD ",\"TargetListID\":\"1\"}", 16, 422},
        {"{" GOOD_FROM "," GOOD_TEXT ",\"TargetListID\":1}", 16, 422},
        {"{" GOOD_FROM "," GOOD_TEXT ",\"TargetListID\":[]}", 16, 422},
        {"{" GOOD_FROM "," GOOD_TEXT ",\"To\":\"you@there.test\"}", 18, 422},
        {"{" GOOD_FROM "," GOOD_TEXT ",\"To\":[{\"email\":\"you@there.test\"}]}", 18, 422},
        {"{" GOOD_FROM "," GOOD_TEXT ",\"To\":[{\"email\":\"\",\"name\":\"\"}]}", 18, 422},
        {"{" GOOD_FROM "," GOOD_TEXT ",\"To\":[\"you@there.test\"]}", 18, 422},
        {"{" GOOD_FROM "," GOOD_TEXT ",\"To\":[{\"email\":\"you@\",\"name\":\"\"}]}", 19, 422},
        {"{" GOOD_FROM "," GOOD_TEXT "}", 20, 422},
        {"{" GOOD_FROM "," GOOD_TEXT ",\"To\":[]}", 20, 422},
        {"{" GOOD ",\"CC\":\"c@there.test\"}", 21, 422},
        {"{" GOOD ",\"CC\":[{\"name\":\"c\"}]}", 21, 422},
        {"{" GOOD ",\"CC\":[{\"email\":\"c\",\"name\":\"\"}]}", 22, 422},
        {"{" GOOD_TO "," GOOD_TEXT ",\"From\":{\"email\":\"sender.test\",\"name\":\"\"}}", 23, 422},
        {"{" GOOD ",\"BCC\":{\"email\":\"b@there.test\",\"name\":\"\"}}", 24, 422},
        {"{" GOOD ",\"BCC\":[{\"email\":\"b@there.test\"}]}", 25, 422},
        {"{" GOOD ",\"BCC\":[{\"email\":\"b\",\"name\":\"\"}]}", 26, 422},
        {"{" GOOD ",\"ReplyTo\":{}}", 28, 422},
        {"{" GOOD ",\"ReplyTo\":[{}]}", 29, 422},
        {"{" GOOD ",\"ReplyTo\":[{\"email\":\"@\",\"name\":\"\"}]}", 30, 422},
        /* what has no number names its field */
        {"{" GOOD ",\"TrackLinks\":\"perhaps\"}", 422, 422},
        {"{" GOOD ",\"Headers\":[]}", 422, 422},
        {"{" GOOD ",\"Headers\":{\"X-A\":{}}}", 422, 422},
        {"{" GOOD ",\"Headers\":{\"From\":\"x@y.test\"}}", 422, 422},                                           /* HI07 */
        {"{" GOOD ",\"Headers\":{\"X-A\":\"x\\r\\nBcc: y\"}}", 422, 422},                                       /* HI05 */
        {"{" GOOD ",\"Headers\":{\"X A\":\"x\"}}", 422, 422},                                                   /* HI06 */
        {"{" GOOD_FROM ",\"To\":[{\"email\":\"you@there.test\",\"name\":\"a\\nb\"}]," GOOD_TEXT "}", 422, 422}, /* HI04 */
        {"{" GOOD ",\"Attachments\":{}}", 422, 422},
        {"{" GOOD ",\"Attachments\":[{\"filename\":\"a\",\"content\":\"a-_b\"}]}", 422, 422}, /* JS14 */
        {"{" GOOD ",\"Attachments\":[{\"filename\":\"a\"}]}", 422, 422},
        {"{" GOOD ",\"Attachments\":[{\"content\":\"aGVsbG8=\"}]}", 422, 422},
        {"{" GOOD ",\"Attachments\":[{\"filename\":\"a\",\"content\":\"\",\"disposition\":\"x\"}]}", 422, 422},
        {"{" GOOD ",\"Attachments\":[{\"content\":\"aGVsbG8=\",\"contentid\":\"p\",\"disposition\":\"inline\"},"
         "{\"content\":\"aGVsbG8=\",\"contentid\":\"p\",\"disposition\":\"inline\"}]}",
         422, 422},
        {"{" GOOD ",\"Tags\":\"one\"}", 422, 422},
        {"{" GOOD ",\"SendAt\":\"tomorrow\"}", 422, 422},
        {"{" GOOD ",\"TTL\":1}", 422, 422},
        {"{" GOOD ",\"Metadata\":[]}", 422, 422},
        {"{" GOOD ",\"Metadata\":{\"order\":1,\"journeyid\":\"x\"}}", 422, 422},
        {"{" GOOD ",\"Metadata\":{\"TRACKOPENS\":1}}", 422, 422},
        {"{", 100000, 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = world_send(w, t.sender_key, cases[i].body);
        if (!reply_has_code(&r, cases[i].code) || r.status != cases[i].status)
            print_error("%s\n%d %.*s\n", cases[i].body, r.status, STR_ARG(buf_str(&r.body)));
        assert_true(reply_has_code(&r, cases[i].code));
        assert_int_equal(r.status, cases[i].status);
        if (cases[i].code == 422) assert_true(reply_text(&r, "Errors.0.Field").n > 0);
    }
    assert_int_equal(w->offered, 0);
}

/* A sentence says what would do. */
static void sentences_name_the_range(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    static const char *const cases[][2] = {
        {"{" GOOD ",\"TTL\":59}", "TTL must be from 60 to 604800"},
        {"{" GOOD ",\"SendAt\":1}",
         "SendAt must not be more than an hour past (up to that it means now), nor more than 30 days ahead"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = world_send(w, t.sender_key, cases[i][0]);
        assert_int_equal(r.status, 422);
        assert_true(str_eq(reply_text(&r, "Errors.0.Message"), str_from_z(cases[i][1])));
    }
}

static void add_group(struct buf *out, const char *name, size_t count) {
    buf_addf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) buf_addf(out, "%s{\"email\":\"u%zu@there.test\",\"name\":\"\"}", i ? "," : "", i);
    buf_add_z(out, "]");
}

static void too_many_are_counted(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    static const struct {
        const char *name;
        size_t good;
        int64_t code;
    } cases[] = {{"BCC", 50, 27}, {"ReplyTo", 10, 31}, {"CC", 999, 422}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t more = 0; more < 2; more++) {
            BUF_AUTO body = {0};
            buf_add_z(&body, "{" GOOD);
            add_group(&body, cases[i].name, cases[i].good + more);
            buf_add_z(&body, "}");
            REPLY_AUTO r = world_send(w, t.sender_key, body.p);
            assert_int_equal(r.status, more ? 422 : 200);
            if (more) assert_true(reply_has_code(&r, cases[i].code));
        }
    }
}

static void all_failed_checks_are_listed_in_order(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO r = world_send(w, t.sender_key, "{\"CC\":5,\"TTL\":\"x\",\"ReplyTo\":[{\"email\":\"x\",\"name\":\"\"}]}");
    static const int64_t want[] = {3, 8, 9, 20, 21, 30, 422};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) assert_int_equal(reply_code_at(&r, i), want[i]);
    assert_int_equal(reply_code_at(&r, 7), -1);
}

static void keys_are_judged_alone_and_first(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    BUF_AUTO both = {0};
    buf_addf(&both, "{" GOOD ",\"SenderAPIKey\":\"%s\"}", t.sender_key);
    REPLY_AUTO none = world_ask(w, &(struct ask){.path = "/api/v1/email", .body = "{}"});
    assert_int_equal(none.status, 401);
    assert_int_equal(reply_code(&none), 1);
    assert_int_equal(reply_code_at(&none, 1), -1);
    REPLY_AUTO wrong = world_send(w, "ph_nobody", "{}");
    assert_int_equal(wrong.status, 401);
    assert_int_equal(reply_code(&wrong), 13);
    assert_false(wrong.was_admitted);
    REPLY_AUTO in_body = world_ask(w, &(struct ask){.path = "/api/v1/email", .body = both.p});
    assert_int_equal(in_body.status, 200);
    assert_int_equal(in_body.body_max, OPERATION_BODY_MAX);
    REPLY_AUTO header_wins = world_ask(w, &(struct ask){.path = "/api/v1/email", .body = both.p, .bearer = "ph_nobody"});
    assert_int_equal(reply_code(&header_wins), 13);
    REPLY_AUTO in_header = world_send(w, t.sender_key, "{" GOOD ",\"SenderAPIKey\":\"example-sender-api-key\"}");
    assert_int_equal(in_header.status, 200);
    assert_int_equal(in_header.body_max, OPERATION_BODY_SEND);
    REPLY_AUTO large = world_ask(w, &(struct ask){.path = "/api/v1/email", .body = both.p, .is_large = true});
    assert_int_equal(large.status, 401);
    assert_false(large.was_admitted);
    REPLY_AUTO user_key = world_send(w, t.user_key, "{" GOOD "}");
    assert_int_equal(reply_code(&user_key), 13);
}

static void a_disabled_domain_does_not_send(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO off = world_operator(w, "Operator.DomainDisable", "\"Name\":\"sender.test\"");
    assert_int_equal(reply_code(&off), 0);
    REPLY_AUTO r = world_send(w, t.sender_key, "{" GOOD_TO "," GOOD_FROM "}");
    assert_int_equal(r.status, 403);
    assert_int_equal(reply_code_at(&r, 0), 8);
    assert_true(reply_has_code(&r, 32));
    w->api.v1_always_200 = true;
    REPLY_AUTO quiet = world_send(w, t.sender_key, "{" GOOD "}");
    assert_int_equal(quiet.status, 200);
    assert_int_equal(reply_code(&quiet), 32);
}

/* ---- idempotency (JS18, TN03) ---- */
static struct reply send_with_key(struct world *w, const char *sender_key, const char *key, const char *body) {
    return world_ask(w, &(struct ask){.path = "/api/v1/email", .bearer = sender_key, .idempotency_key = key, .body = body});
}

static void one_key_sends_once(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test"), other = world_tenant(w, "b@owner.test", "other.test");
    struct pending *pending[50];
    struct ask ask = {.path = "/api/v1/email", .bearer = t.sender_key, .idempotency_key = "k1", .body = "{" GOOD "}"};
    for (size_t i = 0; i < 50; i++) pending[i] = world_begin(w, &ask);
    char first[40] = "";
    size_t replays = 0;
    for (size_t i = 0; i < 50; i++) {
        REPLY_AUTO r = world_finish(w, pending[i]);
        struct str id = reply_text(&r, "MessageID");
        assert_int_equal(r.status, 200);
        assert_int_equal(id.n, 36);
        if (!*first) snprintf(first, sizeof first, "%.*s", STR_ARG(id));
        assert_true(str_eq(id, str_from_z(first)));
        replays += r.is_replayed;
    }
    assert_int_equal(replays, 49);
    assert_int_equal(w->offered, 1);
    REPLY_AUTO conflict = send_with_key(w, t.sender_key, "k1", "{" GOOD ",\"TTL\":60}");
    assert_int_equal(conflict.status, 409);
    ask.query = "TTL=60"; /* parameters come from there too */
    REPLY_AUTO by_query = world_ask(w, &ask);
    assert_int_equal(by_query.status, 409);
    REPLY_AUTO separate = send_with_key(w, other.sender_key, "k1",
                                        "{\"From\":{\"email\":\"me@other.test\",\"name\":\"\"}," GOOD_TO "," GOOD_TEXT "}");
    assert_int_equal(separate.status, 200);
    assert_false(separate.is_replayed);
    REPLY_AUTO empty = send_with_key(w, t.sender_key, "", "{" GOOD "}");
    assert_int_equal(empty.status, 422);
    char long_key[300];
    memset(long_key, 'x', sizeof long_key);
    long_key[257] = '\0';
    REPLY_AUTO too_long = send_with_key(w, t.sender_key, long_key, "{" GOOD "}");
    assert_int_equal(too_long.status, 422);
    assert_true(str_eq(reply_text(&too_long, "Errors.0.Field"), STR("Idempotency-Key")));
    assert_int_equal(w->offered, 2);
}

/* ---- a store that fails ---- */
static enum status start_failing(void *arg, void **ret_ctx) {
    *ret_ctx = arg;
    return STATUS_OK;
}

static void fail_batch(void *ctx, struct job *const *jobs, size_t n) {
    for (size_t i = 0; i < n; i++) jobs[i]->status = *(const enum status *)ctx;
}

static void stop_failing(void *ctx) {
    (void)ctx;
}

static void P7_a_failing_store_answers_503(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    static enum status faults[] = {STATUS_LIMIT, STATUS_TEMPORARY, STATUS_IO, STATUS_UNKNOWN, STATUS_CANCELLED, STATUS_CONFLICT};
    struct executor *writer = w->api.writer;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct executor_options options = {.name = "failing",
                                           .threads = 1,
                                           .queue_max = 10,
                                           .thread_start = start_failing,
                                           .thread_stop = stop_failing,
                                           .batch = fail_batch,
                                           .batch_max_jobs = 10,
                                           .batch_max_bytes = SIZE_MAX,
                                           .arg = &faults[i]};
        assert_int_equal(executor_new(&options, &w->api.writer), STATUS_OK);
        REPLY_AUTO r = world_send(w, t.sender_key, "{" GOOD "}");
        assert_int_equal(r.status, 503);
        assert_int_equal(reply_code(&r), 503);
        assert_true(reply_text(&r, "Errors.0.Message").n > 0);
        assert_true(str_eq(r.retry_after, STR("1")));
        executor_free(&w->api.writer);
    }
    w->api.writer = writer;
    assert_int_equal(w->offered, 0);
    REPLY_AUTO again = world_send(w, t.sender_key, "{" GOOD "}");
    assert_int_equal(again.status, 200);
}

/* JS08 through the whole call: never a 500, never a body left without an answer. */
static void any_value_in_any_field_is_answered(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    static const char *const values[] = {"null",
                                         "true",
                                         "0",
                                         "1.5",
                                         "\"\"",
                                         "[]",
                                         "{}",
                                         "\"wrong\"",
                                         "[[]]",
                                         "[null]",
                                         "[{}]",
                                         "{\"\":0}",
                                         "{\"email\":{},\"name\":[]}",
                                         "[{\"email\":5,\"name\":5}]",
                                         "[{\"filename\":5,\"content\":[]}]"};
    struct operation_places id;
    const struct operation *op = operation_find_path(HTTP_POST, STR("/api/v1/email"), &id);
    for (size_t k = 0; k < op->param_count; k++) {
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            BUF_AUTO body = {0};
            buf_addf(&body, "{\"%s\":%s}", op->params[k].name, values[v]);
            REPLY_AUTO r = world_send(w, t.sender_key, body.p);
            assert_true(r.status == 422 || r.status == 403);
            assert_true(reply_code(&r) > 0);
        }
    }
    assert_int_equal(w->offered, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_message_is_stored_before_the_answer),
        WORLD_TEST(every_parameter_is_taken),
        WORLD_TEST(a_form_sends_too),
        WORLD_TEST(send_at_waits),
        WORLD_TEST(each_code_is_produced_by_its_case),
        WORLD_TEST(sentences_name_the_range),
        WORLD_TEST(too_many_are_counted),
        WORLD_TEST(all_failed_checks_are_listed_in_order),
        WORLD_TEST(keys_are_judged_alone_and_first),
        WORLD_TEST(a_disabled_domain_does_not_send),
        WORLD_TEST(one_key_sends_once),
        WORLD_TEST(P7_a_failing_store_answers_503),
        WORLD_TEST(any_value_in_any_field_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
