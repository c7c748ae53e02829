/* test_send.c - what the store has a say in when mail comes by HTTP: suppression, limits, templates, lists; and the batch (P1,
 * P3, P6, P8, JS18, JS20, TN12, HI19).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "core/content.h"
#include "core/suppressions.h"
#include "httpd/http_budget.h"
#include "store/lists.h"
#include "store/messages.h"
#include "store/subscribers.h"
#include "store/templates.h"

#define FROM        "\"From\":{\"email\":\"me@sender.test\",\"name\":\"Me\"}"
#define TO(address) "\"To\":[{\"email\":\"" address "\",\"name\":\"\"}]"
#define TEXT        "\"Subject\":\"Hi\",\"ContentType\":\"plain\",\"PlainContent\":\"Hello\""
#define GOOD        FROM "," TO("you@there.test") "," TEXT

/* ---- straight into the store ---- */
struct work {
    struct job job;
    enum status (*fn)(struct work *work, struct db *db);
    const char *sql, *text, *more;
    int64_t id, number;
};

static enum status run_work(struct job *job, void *ctx) {
    struct work *work = LIST_OWNER(job, struct work, job);
    return work->fn(work, ctx);
}

static void do_work(struct world *w, struct work *work) {
    work->job = (struct job){.run = run_work};
    world_write(w, &work->job);
}

static enum status read_number(struct work *work, struct db *db) {
    struct stmt *s = db_stmt(db, work->sql);
    enum status status = stmt_step(s);
    if (status != STATUS_ROW) return STATUS_CORRUPT;
    work->number = stmt_int(s, 0);
    return STATUS_OK;
}

static int64_t number(struct world *w, const char *query) {
    struct work work = {.fn = read_number, .sql = query};
    do_work(w, &work);
    return work.number;
}

static enum status read_body(struct work *work, struct db *db) {
    BUF_AUTO body = {0};
    enum status status = content_load(db, work->id, &body);
    if (status == STATUS_OK) work->number = str_find_str(buf_str(&body), str_from_z(work->text)) != STR_NONE;
    return status;
}

static bool body_has(struct world *w, int64_t message_id, const char *text) {
    struct work work = {.fn = read_body, .id = message_id, .text = text};
    do_work(w, &work);
    return work.number;
}

static enum status add_suppression(struct work *work, struct db *db) {
    bool is_new;
    struct suppression entry = {
        .account_id = 1, .list_id = work->id, .address = str_from_z(work->text), .source = SUPPRESSION_USER};
    return suppression_add(db, &entry, &is_new);
}

static void suppress(struct world *w, const char *address, int64_t list_id) {
    do_work(w, &(struct work){.fn = add_suppression, .text = address, .id = list_id});
}

static enum status add_template(struct work *work, struct db *db) {
    struct mail_template t = {.account_id = 1,
                              .name = STR("t"),
                              .subject = str_from_z(work->text),
                              .html = str_from_z(work->more),
                              .text = STR("Plain {{Name}}")};
    return mail_template_insert(db, &t, &work->id);
}

static int64_t make_template(struct world *w, const char *subject, const char *html) {
    struct work work = {.fn = add_template, .text = subject, .more = html};
    do_work(w, &work);
    return work.id;
}

/* A list of `number` active subscribers u0@there.test ..., and one that left. */
static enum status add_list(struct work *work, struct db *db) {
    enum status status = mailing_list_add(db, &(struct mailing_list){.account_id = 1, .name = STR("news")}, &work->id);
    for (int64_t i = 0; status == STATUS_OK && i <= work->number; i++) {
        BUF_AUTO email = {0};
        BUF_AUTO fields = {0};
        int64_t id;
        buf_addf(&email, "u%lld@there.test", (long long)i);
        buf_addf(&fields, "{\"First\":\"Number %lld\"}", (long long)i);
        struct subscriber s = {
            .list_id = work->id, .email = buf_str(&email), .email_key = buf_str(&email), .fields = buf_str(&fields)};
        s.status = i == work->number ? SUBSCRIBER_UNSUBSCRIBED : SUBSCRIBER_ACTIVE;
        status = subscriber_add(db, &s, &id);
    }
    return status;
}

static int64_t make_list(struct world *w, int64_t subscribers) {
    struct work work = {.fn = add_list, .number = subscribers};
    do_work(w, &work);
    return work.id;
}

static struct reply send_batch(struct world *w, const char *key, const char *idempotency_key, const char *body) {
    return world_ask(
        w, &(struct ask){.path = "/api/v1/email/batch", .bearer = key, .idempotency_key = idempotency_key, .body = body});
}

/* ---- suppression: 14 ---- */
static void suppressed_recipients_get_nothing_and_are_named(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    suppress(w, "gone@there.test", 0);
    REPLY_AUTO all = world_send(w, t.sender_key, "{" FROM "," TEXT "," TO("Gone@THERE.test") "}");
    assert_int_equal(all.status, 422);
    assert_int_equal(reply_code(&all), 14);
    assert_int_equal(reply_code_at(&all, 1), -1);
    assert_true(str_eq(reply_text(&all, "Errors.0.Field"), STR("To")));
    assert_int_equal(number(w, "SELECT count(*) FROM messages"), 0);
    REPLY_AUTO some = world_send(w, t.sender_key, "{" GOOD ",\"CC\":[{\"email\":\"gone@there.test\",\"name\":\"\"}]}");
    assert_int_equal(some.status, 200);
    assert_int_equal(reply_text(&some, "MessageID").n, 36);
    assert_true(str_eq(reply_text(&some, "Suppressed.0"), STR("gone@there.test")));
    assert_int_equal(w->offered, 1);
    assert_int_equal(number(w, "SELECT count(*) FROM recipients WHERE state = 6"), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM events WHERE type = 6"), 1);
}

/* ---- limits: 17, 27, 31, both 429 ---- */
static void the_groups_limits_count_addresses(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    world_execute(w, "UPDATE account_groups SET bcc = 1, reply_to = 1, recipients = 2");
    static const struct {
        const char *body;
        int64_t code;
    } cases[] = {
#define ONE(n) "{\"email\":\"" n "@there.test\",\"name\":\"\"}"
        {"{" GOOD ",\"BCC\":[" ONE("b") "]}", 0},
        {"{" GOOD ",\"BCC\":[" ONE("b") "," ONE("c") "]}", 27},
        {"{" GOOD ",\"ReplyTo\":[" ONE("b") "," ONE("c") "]}", 31},
        {"{" GOOD ",\"CC\":[" ONE("b") "," ONE("c") "]}", 422},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = world_send(w, t.sender_key, cases[i].body);
        assert_int_equal(r.status, cases[i].code ? 422 : 200);
        if (cases[i].code) assert_int_equal(reply_code(&r), cases[i].code);
    }
}

/* A hundred at once, ten of them are allowed: ten it is. */
static void TN12_the_limit_holds_against_parallel_requests(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    world_execute(w, "UPDATE account_groups SET sends_per_day = 10");
    struct pending *pending[100];
    struct ask ask = {.path = "/api/v1/email", .bearer = t.sender_key, .body = "{" GOOD "}"};
    for (size_t i = 0; i < 100; i++) pending[i] = world_begin(w, &ask);
    size_t accepted = 0;
    for (size_t i = 0; i < 100; i++) {
        REPLY_AUTO r = world_finish(w, pending[i]);
        accepted += r.status == 200;
        if (r.status == 200) continue;
        uint64_t wait;
        assert_int_equal(r.status, 429);
        assert_int_equal(reply_code(&r), 17);
        assert_true(str_to_u64(r.retry_after, &wait) && wait > 0 && wait <= 86400);
        assert_true(str_eq(r.rate_limit, STR("10")));
        assert_true(str_eq(r.rate_remaining, STR("0")));
    }
    assert_int_equal(accepted, 10);
    assert_int_equal(w->offered, 10);
    sim_run_for(w->loop, 86400000);
    REPLY_AUTO tomorrow = world_ask(w, &ask);
    assert_int_equal(tomorrow.status, 200);
    world_execute(w, "UPDATE account_groups SET sends_per_day = 0, sends_per_month = 11");
    REPLY_AUTO month = world_ask(w, &ask);
    assert_int_equal(reply_code(&month), 17);
    uint64_t wait;
    assert_true(str_to_u64(month.retry_after, &wait) && wait > 86400);
}

static void the_second_429_is_about_the_rate(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    world_execute(w, "UPDATE account_groups SET sends_per_second = 2");
    for (int i = 0; i < 2; i++) {
        REPLY_AUTO r = world_send(w, t.sender_key, "{" GOOD "}");
        assert_int_equal(r.status, 200);
    }
    REPLY_AUTO r = world_send(w, t.sender_key, "{" GOOD "}");
    assert_int_equal(r.status, 429);
    assert_int_equal(reply_code(&r), 429);
    assert_true(str_eq(reply_text(&r, "Errors.0.Message"),
                       STR("You have exceeded your send rate limits. Please wait before sending another email.")));
    assert_true(str_eq(r.retry_after, STR("1")));
    sim_run_for(w->loop, 1000);
    REPLY_AUTO later = world_send(w, t.sender_key, "{" GOOD "}");
    assert_int_equal(later.status, 200);
}

/* ---- templates: 15 ---- */
static void a_template_gives_what_the_request_lacks(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    int64_t id = make_template(w, "Hello {{first}}", "<p>{{first}}, {{Name}}</p>");
    BUF_AUTO body = {0};
    buf_addf(&body,
             "{" FROM
             ",\"TemplateID\":%lld,\"To\":[{\"email\":\"you@there.test\",\"name\":\"You\",\"data\":{\"first\":\"<b>{{x}}\"}}],"
             "\"Data\":{\"first\":\"nobody\",\"x\":\"expanded\"}}",
             (long long)id);
    REPLY_AUTO r = world_send(w, t.sender_key, body.p);
    assert_int_equal(r.status, 200);
    assert_int_equal(reply_text(&r, "MessageID").n, 36);
    assert_true(body_has(w, 1, "Subject: Hello <b>{{x}}\r\n")); /* HI19: no second expansion */
    assert_true(body_has(w, 1, "<p>&lt;b&gt;{{x}}, You</p>"));
    assert_true(body_has(w, 1, "Plain You"));
    assert_int_equal(number(w, "SELECT subject = 'Hello <b>{{x}}' FROM messages"), 1);
    buf_reset(&body);
    buf_addf(&body, "{" GOOD ",\"TemplateID\":%lld}", (long long)id);
    REPLY_AUTO own = world_send(w, t.sender_key, body.p);
    assert_int_equal(own.status, 200);
    assert_true(body_has(w, 2, "Subject: Hi\r\n"));
    assert_true(body_has(w, 2, "Hello"));
}

static void HI19_a_value_makes_no_header(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO r =
        world_send(w, t.sender_key,
                   "{" FROM "," TO("you@there.test") ",\"Subject\":\"Hi {{x}}\",\"ContentType\":\"plain\",\"PlainContent\":\"x\","
                                                     "\"Data\":{\"x\":\"a\\r\\nBcc: evil@there.test\"}}");
    assert_true(r.status == 200 || r.status == 422);
    if (r.status == 200) assert_false(body_has(w, 1, "\r\nBcc"));
    REPLY_AUTO literal = world_send(
        w, t.sender_key,
        "{" FROM "," TO("you@there.test") ",\"Subject\":\"Hi {{x}\",\"ContentType\":\"plain\",\"PlainContent\":\"{{#if\"}");
    assert_int_equal(literal.status, 200); /* without data it is only text */
    REPLY_AUTO broken = world_send(
        w, t.sender_key,
        "{" FROM
        "," TO("you@there.test") ",\"Subject\":\"Hi\",\"ContentType\":\"plain\",\"PlainContent\":\"{{#if\",\"Data\":{\"x\":1}}");
    assert_int_equal(broken.status, 422);
    assert_true(str_eq(reply_text(&broken, "Errors.0.Field"), STR("PlainContent")));
}

static void what_a_template_leaves_open_is_missing(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test"), other = world_tenant(w, "b@owner.test", "other.test");
    int64_t id = make_template(w, "", "");
    static const struct {
        const char *more;
        int64_t code;
    } cases[] = {{"", 8}, {",\"Subject\":\"x\",\"ContentType\":\"html\"", 10}, {",\"Subject\":\"x\"", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO body = {0};
        buf_addf(&body, "{" FROM "," TO("you@there.test") ",\"TemplateID\":%lld%s}", (long long)id, cases[i].more);
        REPLY_AUTO r = world_send(w, t.sender_key, body.p);
        assert_int_equal(reply_code(&r), cases[i].code ? cases[i].code : -1);
    }
    BUF_AUTO body = {0};
    buf_addf(&body,
             "{\"From\":{\"email\":\"me@other.test\",\"name\":\"\"}," TO("you@there.test") "," TEXT ",\"TemplateID\":%lld}",
             (long long)id);
    REPLY_AUTO theirs = world_send(w, other.sender_key, body.p); /* P6 */
    assert_int_equal(reply_code(&theirs), 15);
    REPLY_AUTO unknown = world_send(w, t.sender_key, "{" GOOD ",\"TemplateID\":99}");
    assert_int_equal(reply_code(&unknown), 15);
}

static void entries_with_data_get_a_message_each(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
#define TWO                                                                                                                      \
    "\"To\":[{\"email\":\"a@there.test\",\"name\":\"A\",\"data\":{\"n\":1}},{\"email\":\"b@there.test\",\"name\":\"B\"}],"       \
    "\"Subject\":\"{{Name}} {{n}}{{m}}\",\"ContentType\":\"plain\",\"PlainContent\":\"x\",\"Data\":{\"m\":7}"
    REPLY_AUTO r = world_send(w, t.sender_key, "{" FROM "," TWO "}");
    assert_int_equal(r.status, 200);
    assert_int_equal(reply_text(&r, "MessageID.0").n, 36);
    assert_int_equal(reply_text(&r, "MessageID.1").n, 36);
    assert_true(body_has(w, 1, "Subject: A 17\r\n"));
    assert_true(body_has(w, 2, "Subject: B 7\r\n"));
    assert_false(body_has(w, 1, "b@there.test"));
    REPLY_AUTO copy = world_send(w, t.sender_key, "{" FROM "," TWO ",\"CC\":[{\"email\":\"c@there.test\",\"name\":\"\"}]}");
    assert_int_equal(copy.status, 422);
    assert_true(str_eq(reply_text(&copy, "Errors.0.Field"), STR("CC")));
    REPLY_AUTO wrong =
        world_send(w, t.sender_key, "{" FROM "," TEXT ",\"To\":[{\"email\":\"a@there.test\",\"name\":\"\",\"data\":5}]}");
    assert_true(str_eq(reply_text(&wrong, "Errors.0.Field"), STR("To[0].data")));
    suppress(w, "a@there.test", 0);
    REPLY_AUTO some = world_send(w, t.sender_key, "{" FROM "," TWO "}");
    assert_int_equal(some.status, 200);
    assert_true(str_eq(reply_text(&some, "Suppressed.0"), STR("a@there.test")));
}

/* ---- lists: 16, 20 ---- */
static void a_list_gets_a_message_each(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test"), other = world_tenant(w, "b@owner.test", "other.test");
    int64_t id = make_list(w, 3);
    suppress(w, "u1@there.test", id);
    BUF_AUTO body = {0};
    buf_addf(&body,
             "{" FROM ",\"TargetListID\":%lld,\"Subject\":\"Dear {{First}}\",\"ContentType\":\"plain\",\"PlainContent\":\"x\","
             "\"SubscriberID\":\"mine\"}",
             (long long)id);
    REPLY_AUTO r = world_send(w, t.sender_key, body.p);
    assert_int_equal(r.status, 200);
    assert_int_equal(reply_text(&r, "MessageID.2").n, 36);
    assert_true(str_eq(reply_text(&r, "Suppressed.0"), STR("u1@there.test")));
    assert_int_equal(w->offered, 2);
    assert_true(body_has(w, 1, "Subject: Dear Number 0\r\n"));
    assert_int_equal(number(w, "SELECT count(*) FROM recipients WHERE priority = 1"), 3);
    assert_int_equal(number(w, "SELECT count(*) FROM messages WHERE metadata LIKE '{\"ListID\":\"1\",\"SubscriberID\":\"_\"%'"),
                     3);
    buf_reset(&body);
    buf_addf(&body, "{" GOOD ",\"TargetListID\":%lld}", (long long)id);
    REPLY_AUTO both = world_send(w, t.sender_key, body.p);
    assert_int_equal(both.status, 422);
    assert_true(str_eq(reply_text(&both, "Errors.0.Field"), STR("To")));
    REPLY_AUTO theirs = world_ask(
        w, &(struct ask){.path = "/api/v1/email",
                         .bearer = other.sender_key,
                         .body = "{\"From\":{\"email\":\"me@other.test\",\"name\":\"\"}," TEXT ",\"TargetListID\":1}"}); /* P6 */
    assert_int_equal(reply_code(&theirs), 16);
    world_execute(w, "UPDATE subscribers SET status = 1");
    REPLY_AUTO nobody = world_send(w, t.sender_key, "{" FROM "," TEXT ",\"TargetListID\":1}");
    assert_int_equal(reply_code(&nobody), 20);
}

static void a_long_list_is_kept_for_later(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    int64_t list = make_list(w, 1001), template = make_template(w, "{{First}}", "<p>{{First}}</p>");
    BUF_AUTO body = {0};
    buf_addf(&body, "{" FROM ",\"TargetListID\":%lld,\"TemplateID\":%lld,\"JourneyID\":\"j\"}", (long long)list,
             (long long)template);
    struct ask ask = {.path = "/api/v1/email", .bearer = t.sender_key, .idempotency_key = "once", .body = body.p};
    struct pending *pending[10];
    for (size_t i = 0; i < 10; i++) pending[i] = world_begin(w, &ask);
    size_t replays = 0;
    for (size_t i = 0; i < 10; i++) {
        REPLY_AUTO r = world_finish(w, pending[i]);
        assert_int_equal(r.status, 200);
        assert_int_equal(reply_text(&r, "MessageID.0").n, 36);
        assert_true(str_eq(reply_text(&r, "Recipients"), STR("1001")));
        replays += r.is_replayed;
    }
    assert_int_equal(replays, 9); /* JS18 */
    assert_int_equal(w->offered, 0);
    assert_int_equal(number(w, "SELECT count(*) FROM messages"), 0);
    assert_int_equal(number(w, "SELECT count(*) FROM list_sends WHERE total = 1001 AND up_to = 1001 AND state = 0"), 1);
}

/* The request that is kept reads as it was, with the template in it. */
static enum status check_kept(struct work *work, struct db *db) {
    struct stmt *s = db_stmt(db, "SELECT request FROM list_sends");
    if (stmt_step(s) != STATUS_ROW) return STATUS_NOT_FOUND;
    struct str request = stmt_blob(s, 0);
    work->number = str_find_str(request, STR("\"HtmlContent\":\"<p>{{First}}</p>\"")) != STR_NONE &&
                   str_find_str(request, STR("TemplateID")) == STR_NONE &&
                   str_find_str(request, STR("\"JourneyID\":\"j\"")) != STR_NONE;
    return STATUS_OK;
}

static void a_kept_request_needs_no_template(void **state) {
    struct world *w = *state;
    a_long_list_is_kept_for_later(state);
    struct work work = {.fn = check_kept};
    do_work(w, &work);
    assert_true(work.number);
}

/* ---- the batch ---- */
static void JS20_each_item_has_its_own_result(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    suppress(w, "gone@there.test", 0);
    REPLY_AUTO r = send_batch(w, t.sender_key, NULL,
                              "{\"Messages\":[{" GOOD "},{" FROM "," TEXT "},{" FROM "," TEXT
                              "," TO("gone@there.test") "},5,{" GOOD ",\"TemplateID\":9},{" GOOD ",\"TargetListID\":1},{" GOOD
                                                        ",\"TTL\":100}]}");
    assert_int_equal(r.status, 200);
    static const struct {
        const char *path, *want;
    } wants[] = {{"Results.1.Errors.0.Code", "20"},
                 {"Results.2.Errors.0.Code", "14"},
                 {"Results.3.Errors.0.Code", "422"},
                 {"Results.4.Errors.0.Code", "15"},
                 {"Results.5.Errors.0.Field", "TargetListID"}};
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++)
        assert_true(str_eq(reply_text(&r, wants[i].path), str_from_z(wants[i].want)));
    assert_int_equal(reply_text(&r, "Results.0.MessageID").n, 36);
    assert_int_equal(reply_text(&r, "Results.6.MessageID").n, 36);
    assert_int_equal(w->offered, 2);
    assert_int_equal(number(w, "SELECT count(*) FROM messages"), 2);
}

static void a_batch_without_a_good_item_answers_each(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO r = send_batch(w, t.sender_key, "k", "{\"Messages\":[{}]}");
    assert_int_equal(r.status, 200);
    assert_true(str_eq(reply_text(&r, "Results.0.Errors.0.Code"), STR("3")));
    static const char *const wrong[] = {"{}", "{\"Messages\":[]}", "{\"Messages\":{}}", "{\"Messages\":7}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        REPLY_AUTO bad = send_batch(w, t.sender_key, NULL, wrong[i]);
        assert_int_equal(bad.status, 422);
        assert_true(str_eq(reply_text(&bad, "Errors.0.Field"), STR("Messages")));
    }
    REPLY_AUTO good = send_batch(w, t.sender_key, "k", "{\"Messages\":[{" GOOD "}]}"); /* what was refused is not remembered */
    assert_int_equal(good.status, 200);
    REPLY_AUTO nobody = send_batch(w, "ph_nobody", NULL, "{}");
    assert_int_equal(reply_code(&nobody), 13);
}

/* An item takes a dozen times its text once it is read. */
static void P8_batches_share_the_memory_of_bodies(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    w->api.budget = http_budget_new(1, 1, 1000000);
    BUF_AUTO body = {0};
    buf_add_z(&body, "{\"Messages\":[{" GOOD "}");
    for (int i = 0; i < 10; i++) buf_add_z(&body, ",{" GOOD "}");
    REPLY_AUTO small = send_batch(w, t.sender_key, NULL, (buf_add_z(&body, "]}"), body.p));
    assert_int_equal(small.status, 200);
    body.n -= 2;
    for (int i = 0; i < 300; i++) buf_add_z(&body, ",{" GOOD "}");
    REPLY_AUTO large = send_batch(w, t.sender_key, NULL, (buf_add_z(&body, "]}"), body.p));
    assert_int_equal(large.status, 503);
    assert_true(http_budget_take_body(w->api.budget, 1000000)); /* all was given back */
    http_budget_free(&w->api.budget);
}

static void JS18_a_batch_is_sent_once(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    struct pending *pending[50];
    struct ask ask = {.path = "/api/v1/email/batch",
                      .bearer = t.sender_key,
                      .idempotency_key = "once",
                      .body = "{\"Messages\":[{" GOOD "},{" GOOD "}]}"};
    for (size_t i = 0; i < 50; i++) pending[i] = world_begin(w, &ask);
    for (size_t i = 0; i < 50; i++) {
        REPLY_AUTO r = world_finish(w, pending[i]);
        assert_int_equal(r.status, 200);
        assert_int_equal(r.is_replayed, i != 0);
        assert_int_equal(reply_text(&r, "Results.1.MessageID").n, 36);
    }
    assert_int_equal(w->offered, 2);
    REPLY_AUTO conflict = send_batch(w, t.sender_key, "once", "{\"Messages\":[{" GOOD "}]}");
    assert_int_equal(conflict.status, 409);
}

static void an_item_may_have_a_key_of_its_own(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
#define KEYED(more) "{" GOOD more ",\"IdempotencyKey\":\"k1\"}"
    REPLY_AUTO first = send_batch(w, t.sender_key, NULL, "{\"Messages\":[" KEYED("") "," KEYED("") "]}");
    assert_true(str_eq(reply_text(&first, "Results.0.MessageID"), reply_text(&first, "Results.1.MessageID")));
    REPLY_AUTO again = send_batch(w, t.sender_key, NULL, "{\"Messages\":[{" GOOD "}," KEYED("") "," KEYED(",\"TTL\":99") "]}");
    assert_true(str_eq(reply_text(&again, "Results.1.MessageID"), reply_text(&first, "Results.0.MessageID")));
    assert_true(str_eq(reply_text(&again, "Results.2.Errors.0.Code"), STR("409")));
    assert_int_equal(w->offered, 2);
}

static void a_batch_counts_item_by_item(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    world_execute(w, "UPDATE account_groups SET sends_per_day = 2");
    REPLY_AUTO r = send_batch(w, t.sender_key, NULL, "{\"Messages\":[{" GOOD "},{" GOOD "},{" GOOD "}]}");
    assert_int_equal(r.status, 200);
    assert_true(str_eq(reply_text(&r, "Results.2.Errors.0.Code"), STR("17")));
    assert_int_equal(number(w, "SELECT count FROM send_counts"), 2);
}

/* A body of many small values is dozens of times its size once it is parsed. */
static void P8_parsed_bodies_share_the_memory_of_bodies(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    w->api.budget = http_budget_new(1, 1, 1000000);
    BUF_AUTO body = {0};
    buf_add_z(&body, "{" GOOD ",\"Data\":{\"list\":[1");
    for (int i = 0; i < 5000; i++) buf_add_z(&body, ",1");
    REPLY_AUTO small = world_send(w, t.sender_key, (buf_add_z(&body, "]}}"), body.p));
    assert_int_equal(small.status, 200);
    body.n -= 3;
    for (int i = 0; i < 20000; i++) buf_add_z(&body, ",1");
    REPLY_AUTO large = world_send(w, t.sender_key, (buf_add_z(&body, "]}}"), body.p));
    assert_int_equal(large.status, 503);
    assert_true(http_budget_take_body(w->api.budget, 1000000)); /* all was given back */
    http_budget_free(&w->api.budget);
}

static void P8_a_batch_is_bounded(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    BUF_AUTO body = {0};
    buf_add_z(&body, "{\"Messages\":[");
    for (int i = 0; i < 1001; i++) buf_addf(&body, "%s{}", i ? "," : "");
    buf_add_z(&body, "]}");
    REPLY_AUTO many = send_batch(w, t.sender_key, NULL, body.p);
    assert_int_equal(many.status, 422);
    assert_true(str_eq(reply_text(&many, "Errors.0.Field"), STR("Messages")));
    buf_reset(&body);
    buf_add_z(&body, "{\"Messages\":[");
    for (int i = 0; i < 11; i++) {
        buf_addf(&body, "%s{" FROM "," TEXT ",\"To\":[", i ? "," : "");
        for (int k = 0; k < 1000; k++) buf_addf(&body, "%s{\"email\":\"u%d@there.test\",\"name\":\"\"}", k ? "," : "", k);
        buf_add_z(&body, "]}");
    }
    buf_add_z(&body, "]}");
    REPLY_AUTO crowd = send_batch(w, t.sender_key, NULL, body.p);
    assert_int_equal(crowd.status, 200);
    assert_int_equal(reply_text(&crowd, "Results.9.MessageID").n, 36);
    assert_true(str_eq(reply_text(&crowd, "Results.10.Errors.0.Code"), STR("422")));
}

/* What is made of a list waits for room in the memory that bodies share, and gives it back. */
static void P8_what_a_list_makes_is_held_in_bounds(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    make_list(w, 100);
    w->api.budget = http_budget_new(1, 1, 2000000);
    BUF_AUTO body = {0};
    buf_add_z(&body, "{" FROM ",\"TargetListID\":1,\"Subject\":\"x\",\"ContentType\":\"plain\",\"PlainContent\":\"");
    uint32_t seed = 1; /* it is packed before it is held, so it says nothing twice */
    for (int i = 0; i < 30000; i++) buf_add_char(&body, (char)('A' + ((seed = seed * 1664525 + 1013904223) >> 24) % 26));
    buf_add_z(&body, "\"}");
    REPLY_AUTO large = world_send(w, t.sender_key, body.p);
    assert_int_equal(large.status, 503);
    assert_int_equal(w->offered, 0);
    assert_true(http_budget_take_body(w->api.budget, 2000000));
    http_budget_give_body(w->api.budget, 2000000);
    REPLY_AUTO small = world_send(w, t.sender_key, "{" FROM "," TEXT ",\"TargetListID\":1}");
    assert_int_equal(small.status, 200);
    assert_int_equal(w->offered, 100);
    assert_true(http_budget_take_body(w->api.budget, 2000000));
    http_budget_free(&w->api.budget);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(suppressed_recipients_get_nothing_and_are_named),
        WORLD_TEST(the_groups_limits_count_addresses),
        WORLD_TEST(TN12_the_limit_holds_against_parallel_requests),
        WORLD_TEST(the_second_429_is_about_the_rate),
        WORLD_TEST(a_template_gives_what_the_request_lacks),
        WORLD_TEST(HI19_a_value_makes_no_header),
        WORLD_TEST(what_a_template_leaves_open_is_missing),
        WORLD_TEST(entries_with_data_get_a_message_each),
        WORLD_TEST(a_list_gets_a_message_each),
        WORLD_TEST(a_kept_request_needs_no_template),
        WORLD_TEST(P8_what_a_list_makes_is_held_in_bounds),
        WORLD_TEST(JS20_each_item_has_its_own_result),
        WORLD_TEST(a_batch_without_a_good_item_answers_each),
        WORLD_TEST(P8_batches_share_the_memory_of_bodies),
        WORLD_TEST(JS18_a_batch_is_sent_once),
        WORLD_TEST(an_item_may_have_a_key_of_its_own),
        WORLD_TEST(a_batch_counts_item_by_item),
        WORLD_TEST(P8_a_batch_is_bounded),
        WORLD_TEST(P8_parsed_bodies_share_the_memory_of_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
