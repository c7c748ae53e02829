/* test_events.c - events and statistics through the API: filters, searches, buckets, counters, and whose they are (P6, TN12).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "core/events.h"
#include "db/db.h"

#define START INT64_C(1767225600000) /* 2026-01-01, when every world begins */
#define DAY   INT64_C(86400000)

static bool holds(const struct reply *r, const char *part) {
    return str_find_str(buf_str(&r->body), str_from_z(part)) != STR_NONE;
}

static struct reply get(struct world *w, const struct tenant *t, const char *path, const char *query) {
    return world_ask(w, &(struct ask){.method = "GET", .path = path, .bearer = t->sender_key, .query = query});
}

static struct reply send_to(struct world *w, const struct tenant *t, const char *subject, const char *tags) {
    BUF_AUTO body = {0};
    buf_addf(&body,
             "{\"From\":{\"email\":\"me@%s\",\"name\":\"\"},\"To\":[{\"email\":\"x@y.test\",\"name\":\"\"}],\"Subject\":\"%s\","
             "\"ContentType\":\"plain\",\"PlainContent\":\"p\",\"Tags\":%s}",
             t->domain, subject, tags);
    struct reply r = world_send(w, t->sender_key, body.p);
    assert_int_equal(r.status, 200);
    return r;
}

/* What later parts of the gateway will record: `message` is the number of a stored one. */
static void record(struct world *w, int64_t message, enum event_type type, int64_t at, const char *detail) {
    struct db *db;
    BUF_AUTO why = {0};
    int64_t id;
    ARENA_AUTO arena = {0};
    struct message m;
    assert_int_equal(db_open(&(struct db_options){.url = buf_str(&w->url)}, &why, &db), STATUS_OK);
    assert_int_equal(db_begin(db), STATUS_OK);
    assert_int_equal(message_get(db, &arena, message, &m), STATUS_OK);
    struct event event = {.at = at,
                          .type = type,
                          .account_id = m.account_id,
                          .domain_id = m.domain_id,
                          .message_id = message,
                          .recipient_id = message,
                          .recipient = STR("x@y.test"),
                          .detail = str_from_z(detail)};
    assert_int_equal(event_write(db, &event, m.tags, EVENT_AS_IT_COMES, &id), STATUS_OK);
    assert_int_equal(db_commit(db), STATUS_OK);
    db_close(&db);
}

/* ---- lists ---- */
static void events_are_found_by_their_filters(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO sent =
        world_send(w, a.sender_key,
                   "{\"From\":{\"email\":\"me@a.test\",\"name\":\"\"},\"To\":[{\"email\":\"x@y.test\",\"name\":\"\"},"
                   "{\"email\":\"z@y.test\",\"name\":\"\"}],\"Subject\":\"S\",\"ContentType\":\"plain\","
                   "\"PlainContent\":\"p\"}");
    assert_int_equal(sent.status, 200);
    BUF_AUTO by_id = {0};
    buf_addf(&by_id, "MessageID=%.*s", STR_ARG(reply_text(&sent, "MessageID")));
    const struct {
        const char *query, *total;
    } cases[] = {
        {"", "2"},
        {"StartFrom=1&RetrieveCount=1", "2"},
        {"Event=send", "2"},
        {"Event=accepted", "2"},
        {"Event=open", "0"},
        {"Event[]=send&Event[]=open", "2"},
        {"StartDate=2026-01-01&EndDate=2026-01-01", "2"},
        {"StartDate=2026-01-02", "0"},
        {"EndDate=2025-12-31", "0"},
        {"StartDate=1617235200&EndDate=1619827200&Event=open&MessageID=12345", "0"},
        {"MessageID=12345", "0"},
        {by_id.p, "2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = world_ask(
            w, &(struct ask){.method = "GET", .path = "/api/v1/events", .bearer = a.sender_key, .query = cases[i].query});
        if (r.status != 200) print_error("%s\n", cases[i].query);
        assert_reply(&r, "TotalRecords", cases[i].total);
    }
    static const struct {
        const char *query;
        int64_t code;
    } refused[] = {
        {"StartFrom=x", 4},     {"StartFrom=-1", 4},          {"RetrieveCount=0", 5},      {"RetrieveCount=101", 5},
        {"Event=explode", 422}, {"StartDate=yesterday", 422}, {"EndDate=2026-02-30", 422},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        REPLY_AUTO r = world_ask(
            w, &(struct ask){.method = "GET", .path = "/api/v1/events", .bearer = a.sender_key, .query = refused[i].query});
        assert_int_equal(r.status, 422);
        assert_int_equal(reply_code(&r), refused[i].code);
    }
    REPLY_AUTO form = world_ask(w, &(struct ask){.method = "GET",
                                                 .path = "/api/v1/events",
                                                 .bearer = a.sender_key,
                                                 .content_type = "application/x-www-form-urlencoded",
                                                 .body = "StartFrom=0&RetrieveCount=10"});
    assert_reply(&form, "TotalRecords", "2");
    REPLY_AUTO command = world_command(w, a.user_key, "EmailGateway.GetEvents",
                                       "\"DomainID\":1,\"StartFrom\":0,\"RetrieveCount\":50,\"Event\":\"send\"");
    assert_reply(&command, "TotalRecords", "2");
    assert_reply(&command, "Events.0.event_type", "send");
    assert_reply(&command, "Events.0.message.headers.subject", "S");
    static const char *const codes[][2] = {
        {"\"StartFrom\":0", "1"},
        {"\"DomainID\":1", "4"},
        {"\"DomainID\":1,\"StartFrom\":0", "5"},
        {"\"DomainID\":1,\"StartFrom\":0,\"RetrieveCount\":500", "5"},
        {"\"DomainID\":2,\"StartFrom\":0,\"RetrieveCount\":5", "2"},
        {"\"DomainID\":1,\"StartFrom\":0,\"RetrieveCount\":5,\"Query\":\"x\"", "0"},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.GetEvents", codes[i][0]);
        assert_reply(&r, "ErrorCode", codes[i][1]);
    }
}

static void every_row_has_every_member(void **state) {
    static const char *const rest[] = {"EventId", "EventType", "EventTimestamp", "Recipient", "MessageId", "CampaignId",
                                       "Sender",  "Subject",   "Tags",           "Metadata",  "Details"};
    static const char *const command[] = {"event_id", "event_type", "event", "timestamp", "recipient", "message", "details"};
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO sent = send_to(w, &a, "Hello", "[\"one\"]");
    static const char detail[] = "{\"UserAgent\":\"Mozilla/5.0\",\"IpAddress\":\"192.0.2.1\"}";
    for (int type = EVENT_DEFERRED; type < EVENT_TYPE_COUNT; type++)
        record(w, 1, (enum event_type)type, START + type, type == EVENT_OPEN ? detail : "");
    REPLY_AUTO r = get(w, &a, "/api/v1/events", "RetrieveCount=100");
    REPLY_AUTO c = world_command(w, a.user_key, "EmailGateway.GetEvents", "\"DomainID\":1,\"StartFrom\":0,\"RetrieveCount\":100");
    assert_reply(&r, "TotalRecords", "10");
    size_t count = 0;
    JSON_FOR_EACH (row, json_find(r.json, STR("Events"))) {
        count++;
        for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
            enum json_type want = i < 8 ? JSON_STRING : i == 8 ? JSON_ARRAY : JSON_OBJECT;
            assert_true(json_is(json_find(row, str_from_z(rest[i])), want));
        }
        assert_true(json_is(json_find(json_find(row, STR("Details")), STR("UserAgent")), JSON_STRING));
        assert_true(json_is(json_find(json_find(row, STR("Details")), STR("IpAddress")), JSON_STRING));
    }
    JSON_FOR_EACH (row, json_find(c.json, STR("Events"))) {
        count++;
        for (size_t i = 0; i < sizeof command / sizeof command[0]; i++)
            assert_true(json_is(json_find(row, str_from_z(command[i])), i < 5 ? JSON_STRING : JSON_OBJECT));
        assert_true(json_is(json_find(json_find(json_find(row, STR("message")), STR("headers")), STR("subject")), JSON_STRING));
    }
    assert_int_equal(count, 20);
    assert_reply(&r, "Events.0.EventType", "complaint");
    assert_reply(&r, "Events.0.EventTimestamp", "2026-01-01T00:00:00.010Z");
    assert_reply(&r, "Events.3.Details.UserAgent", "Mozilla/5.0");
    assert_reply(&c, "Events.3.details.IpAddress", "192.0.2.1");
    assert_reply(&c, "Events.3.message.headers.to", "x@y.test");
}

static void a_search_finds_and_a_bad_one_is_told_where(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO one = send_to(w, &a, "Welcome o'hara 100%", "[\"EU\"]");
    REPLY_AUTO two = send_to(w, &a, "Farewell", "[]");
    record(w, 1, EVENT_BOUNCE, START, "{\"Reply\":{\"Code\":550},\"MXHost\":\"mx.y.test\"}");
    static const char *const cases[][2] = {
        {"subject:welcome", "2"},      {"farewell OR tag:eu", "3"},  {"smtpCode:550 AND mxHost:MX.y.test", "1"},
        {"NOT eventType:bounce", "2"}, {"\\\"o'hara 100%\\\"", "2"}, {"recipient:x@y.test date:2026-01-01", "3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO members = {0};
        buf_addf(&members, "\"DomainID\":1,\"StartFrom\":0,\"RetrieveCount\":9,\"Query\":\"%s\"", cases[i][0]);
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.GetEvents", members.p);
        assert_reply(&r, "TotalRecords", cases[i][1]);
    }
    REPLY_AUTO rest = get(w, &a, "/api/v1/events", "Query=subject%3Awelcome");
    assert_reply(&rest, "TotalRecords", "2");
    static const char *const bad[][2] = {
        {"(a OR b", "Query is wrong at character 1: this ( is not closed"},
        {"a AND colour:red",
         "Query is wrong at character 7: there is no field \\\"colour\\\"; put a value with a colon in quotes, or "
         "use one of eventType, recipient, "},
        {"date:yesterday", "Query is wrong at character 1: a date is"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        BUF_AUTO members = {0};
        buf_addf(&members, "\"DomainID\":1,\"StartFrom\":0,\"RetrieveCount\":9,\"Query\":\"%s\"", bad[i][0]);
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.GetEvents", members.p);
        assert_reply(&r, "ErrorCode", "422");
        assert_reply(&r, "Field", "Query");
        if (!holds(&r, bad[i][1])) fail_msg("%.*s", STR_ARG(buf_str(&r.body)));
    }
}

/* JS15: dates that are none, or that turn round. */
static void bad_dates_name_their_field(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    static const char *const cases[][2] = {
        {"StartDate=0000-01-01", "StartDate"},
        {"StartDate=-1", "StartDate"},
        {"StartDate=-0001-01-01", "StartDate"},
        {"EndDate=9999-01-01", "EndDate"},
        {"EndDate=253402300799", "EndDate"},
        {"StartDate=1969-12-31", "StartDate"},
        {"EndDate=10000-01-01", "EndDate"},
        {"EndDate=99999999999999999999", "EndDate"},
        {"StartDate=2026-01-01%2000:00:60", "StartDate"},
        {"StartDate=2026-01-01T00:00:00%2B99:99", "StartDate"},
        {"StartDate=2026-13-01", "StartDate"},
        {"StartDate=1.5", "StartDate"},
        {"StartDate=2026-01-02&EndDate=2026-01-01", "StartDate"},
        {"StartDate=2026-01-01%2010:00:01&EndDate=2026-01-01%2010:00:00", "StartDate"},
    };
    static const char *const paths[] = {"/api/v1/events", "/api/v1/events/aggregate", "/api/v1/stats"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t k = 0; k < sizeof paths / sizeof paths[0]; k++) {
            REPLY_AUTO r = get(w, &a, paths[k], cases[i][0]);
            if (r.status != 422) print_error("%s?%s\n", paths[k], cases[i][0]);
            assert_int_equal(r.status, 422);
            assert_reply(&r, "Errors.0.Field", cases[i][1]);
        }
    }
    REPLY_AUTO future = get(w, &a, "/api/v1/stats", "StartDate=2026-01-02");
    assert_reply(&future, "Errors.0.Field", "StartDate");
    REPLY_AUTO long_ago = get(w, &a, "/api/v1/stats", "StartDate=1970-01-01&EndDate=9998-12-31");
    assert_int_equal(long_ago.status, 200);
    REPLY_AUTO one_second = get(w, &a, "/api/v1/events", "StartDate=2026-01-01%2010:00:00&EndDate=2026-01-01%2010:00:00");
    assert_int_equal(one_second.status, 200);
}

static void a_search_too_wide_is_refused_with_advice(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    world_execute(
        w,
        "INSERT INTO events (id, at, type, account_id, domain_id, message_id, recipient_id, recipient, recipient_domain, detail) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 33000) "
        "SELECT i, 1767225600000 + i, 1, 1, 1, 1, 1, 'a@b.test', 'b.test', '{}' FROM n");
    world_execute(w, "INSERT INTO rollups (domain_id, kind, at, value, sends) VALUES (1, 1, 1767225600000, '', 33000), "
                     "(1, 2, 1767225600000, '', 33000)");
    BUF_AUTO query = {0};
    buf_add_z(&query, "Query=");
    for (int i = 0; i < 62; i++) buf_add_z(&query, "NOT%20");
    buf_add_z(&query, "a%20"); /* an item is left */
    REPLY_AUTO wide = get(w, &a, "/api/v1/events", query.p);
    assert_int_equal(wide.status, 422);
    assert_reply(&wide, "Errors.0.Field", "StartDate");
    assert_true(holds(&wide, "narrow StartDate and EndDate"));
    buf_add_z(&query, "&StartDate=1767225601&EndDate=1767225602");
    REPLY_AUTO narrow = get(w, &a, "/api/v1/events", query.p);
    assert_reply(&narrow, "TotalRecords", "2000");
}

/* ---- buckets ---- */
static void buckets_count_by_any_field(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO one = send_to(w, &a, "First", "[\"x\",\"y\"]");
    REPLY_AUTO two = send_to(w, &a, "Second", "[\"y\"]");
    record(w, 1, EVENT_DELIVERY, START + 1, "{\"MXHost\":\"mx.y.test\"}");
    record(w, 1, EVENT_CLICK, START + DAY, "{\"Link\":\"https://l.test/\"}");
    REPLY_AUTO types = world_command(w, a.user_key, "EmailGateway.AggrEvents", "\"DomainID\":1");
    assert_reply(&types, "AggBuckets.0.key", "send");
    assert_reply(&types, "AggBuckets.0.doc_count", "2");
    assert_true(holds(&types, "\"AggBuckets\":[{\"key\":\"send\",\"doc_count\":2},{\"key\":\"click\",\"doc_count\":1},"
                              "{\"key\":\"delivery\",\"doc_count\":1}]"));
    static const char *const cases[][2] = {
        {"AggregatedField=TAG", "\"AggBuckets\":[{\"key\":\"y\",\"doc_count\":4},{\"key\":\"x\",\"doc_count\":3}]"},
        {"AggregatedField=tag&AggregateSize=1", "\"AggBuckets\":[{\"key\":\"y\",\"doc_count\":4}]"},
        {"AggregatedField=day",
         "\"AggBuckets\":[{\"key\":\"2026-01-01\",\"doc_count\":3},{\"key\":\"2026-01-02\",\"doc_count\":1}]"},
        {"AggregatedField=subject&Event=send", "[{\"key\":\"First\",\"doc_count\":1},{\"key\":\"Second\",\"doc_count\":1}]"},
        {"AggregatedField=link&Query=tag:x", "[{\"key\":\"https://l.test/\",\"doc_count\":1}]"},
        {"AggregatedField=country", "\"AggBuckets\":[]"},
        {"StartDate=2026-01-02", "[{\"key\":\"click\",\"doc_count\":1}]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = get(w, &a, "/api/v1/events/aggregate", cases[i][0]);
        if (!holds(&r, cases[i][1])) fail_msg("%s: %.*s", cases[i][0], STR_ARG(buf_str(&r.body)));
    }
    static const char *const codes[][2] = {
        {"\"AggregatedField\":\"tag\"", "1"},
        {"\"DomainID\":99", "2"},
        {"\"DomainID\":\"x\"", "2"},
        {"\"DomainID\":1,\"AggregateSize\":0", "422"},
        {"\"DomainID\":1,\"AggregateSize\":1001", "422"},
        {"\"DomainID\":1,\"AggregatedField\":\"colour\"", "422"},
        {"\"DomainID\":1,\"AggregatedField\":\"date\"", "422"},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.AggrEvents", codes[i][0]);
        assert_reply(&r, "ErrorCode", codes[i][1]);
    }
    REPLY_AUTO unknown = world_command(w, a.user_key, "EmailGateway.AggrEvents", "\"DomainID\":1,\"AggregatedField\":\"colour\"");
    assert_reply(&unknown, "Field", "AggregatedField");
    assert_true(holds(&unknown, "eventType,recipient,recipientDomain,") && holds(&unknown, "actionId"));
}

/* What the table offers is what the store knows, and each of it is answered. */
static void every_field_offered_is_known(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    const struct operation *op = operation_find_command(STYLE_COMMAND, STR("EmailGateway.AggrEvents"));
    struct str choices = {0}, choice;
    size_t count = 0;
    for (size_t i = 0; i < op->param_count; i++)
        if (op->params[i].choices) choices = str_from_z(op->params[i].choices);
    while (str_next(&choices, ',', &choice)) {
        enum event_field field;
        BUF_AUTO query = {0};
        assert_true(event_field_find(choice, &field) && field != EVENT_FIELD_DATE);
        buf_addf(&query, "AggregatedField=%.*s", STR_ARG(choice));
        REPLY_AUTO r = get(w, &a, "/api/v1/events/aggregate", query.p);
        assert_int_equal(r.status, 200);
        count++;
    }
    assert_int_equal(count, EVENT_FIELD_COUNT - 1);
}

/* ---- statistics ---- */
static void statistics_count_a_period_and_the_one_before(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    for (int i = 0; i < 3; i++) {
        REPLY_AUTO sent = send_to(w, &a, "S", i ? "[\"news\"]" : "[\"news\",\"a \\\"b\\\"\"]");
    }
    record(w, 1, EVENT_DELIVERY, START + 1, "");
    record(w, 2, EVENT_DELIVERY, START + 1, "");
    record(w, 3, EVENT_DEFERRED, START + 1, "");
    record(w, 3, EVENT_BOUNCE, START + 2, "{\"Bounce\":{\"Class\":\"InvalidRecipient\",\"Hard\":true}}");
    record(w, 3, EVENT_BOUNCE, START + 2, "{\"Bounce\":{\"Class\":\"QuotaIssues\",\"Hard\":false}}");
    for (int i = 0; i < 3; i++) record(w, 1, EVENT_OPEN, START + 10 + i, "");
    record(w, 1, EVENT_CLICK, START + 20, "");
    record(w, 1, EVENT_CLICK, START + 21, "");
    record(w, 2, EVENT_UNSUBSCRIBE, START + 22, "");
    record(w, 2, EVENT_COMPLAINT, START + 23, "");
    record(w, 2, EVENT_DELIVERY, START - 27 * DAY, "");     /* the first of the 28 days */
    record(w, 2, EVENT_DELIVERY, START - 27 * DAY - 1, ""); /* the last of those before */
    record(w, 2, EVENT_FAILED, START - 55 * DAY, "");       /* and their first */
    record(w, 2, EVENT_FAILED, START - 55 * DAY - 1, "");
    REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.DomainStats", "\"DomainID\":\"1\"");
    static const char *const cases[][2] = {
        {"Stats.Sent", "3"},
        {"Stats.Delivered", "3"},
        {"Stats.Bounced", "2"},
        {"Stats.HardBounced", "1"},
        {"Stats.SoftBounced", "1"},
        {"Stats.Deferred", "1"},
        {"Stats.Failed", "0"},
        {"Stats.Suppressed", "0"},
        {"Stats.Opened", "1"},
        {"Stats.OpenedTotal", "3"},
        {"Stats.Clicked", "1"},
        {"Stats.ClickedTotal", "2"},
        {"Stats.Unsubscribed", "1"},
        {"Stats.Complained", "1"},
        {"Stats.DeliveryRate", "100.00"},
        {"Stats.BounceRate", "66.67"},
        {"Stats.OpenRate", "33.33"},
        {"Stats.ClickRate", "33.33"},
        {"ComparisonStats.PreviousPeriod.Delivered", "1"},
        {"ComparisonStats.PreviousPeriod.Failed", "1"},
        {"ComparisonStats.PreviousPeriod.DeliveryRate", "0.00"},
        {"TagStats.news.Sent", "3"},
        {"TagStats.a \"b\".Sent", "1"},
        {"TagStats.a \"b\".OpenRate", "100.00"},
        {"TagStats.news.Bounced", "2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) assert_reply(&r, cases[i][0], cases[i][1]);
    REPLY_AUTO day = get(w, &a, "/api/v1/stats", "StartDate=2025-12-05&EndDate=2025-12-05");
    assert_reply(&day, "Stats.Delivered", "1");
    assert_reply(&day, "ComparisonStats.PreviousPeriod.Delivered", "1");
    REPLY_AUTO empty = get(w, &a, "/api/v1/stats", "StartDate=2020-01-01&EndDate=2020-01-31");
    assert_true(holds(&empty, "\"TagStats\":{}"));
    REPLY_AUTO missing = world_command(w, a.user_key, "EmailGateway.DomainStats", "");
    assert_reply(&missing, "ErrorCode", "1");
    assert_true(holds(&missing, "Required parameter missing: DomainID"));
    REPLY_AUTO unknown = world_command(w, a.user_key, "EmailGateway.DomainStats", "\"DomainID\":9");
    assert_reply(&unknown, "ErrorCode", "2");
    assert_true(holds(&unknown, "Unable to retrieve domain information"));
}

/* ---- whose they are ---- */
static void P6_events_are_their_owners(void **state) {
    static const char *const commands[] = {"EmailGateway.GetEvents", "EmailGateway.AggrEvents", "EmailGateway.DomainStats"};
    static const char *const paths[] = {"/api/v1/events", "/api/v1/events/aggregate", "/api/v1/stats"};
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    REPLY_AUTO sent = send_to(w, &a, "Canary", "[\"canary\"]");
    for (size_t i = 0; i < 3; i++) {
        BUF_AUTO others = {0};
        buf_addf(&others, "\"DomainID\":%s,\"StartFrom\":0,\"RetrieveCount\":9", a.domain_id);
        REPLY_AUTO other = world_command(w, b.user_key, commands[i], others.p);
        REPLY_AUTO none = world_command(w, b.user_key, commands[i], "\"DomainID\":999,\"StartFrom\":0,\"RetrieveCount\":9");
        assert_reply(&other, "ErrorCode", "2");
        assert_true(str_eq(buf_str(&other.body), buf_str(&none.body)));
        REPLY_AUTO own = get(w, &b, paths[i], "AggregatedField=subject");
        assert_int_equal(own.status, 200);
        assert_false(holds(&own, "anary"));
        REPLY_AUTO anonymous = world_ask(w, &(struct ask){.method = "GET", .path = paths[i]});
        assert_int_equal(anonymous.status, 401);
        assert_int_equal(reply_code(&anonymous), 1);
    }
    BUF_AUTO by_id = {0};
    buf_addf(&by_id, "MessageID=%.*s", STR_ARG(reply_text(&sent, "MessageID")));
    REPLY_AUTO others = get(w, &b, "/api/v1/events", by_id.p);
    REPLY_AUTO none = get(w, &b, "/api/v1/events", "MessageID=0190b5a4-7c3f-7a52-9d0e-3f2b1c4d5e6f");
    assert_true(str_eq(buf_str(&others.body), buf_str(&none.body)));
}

static void the_operator_asks_by_the_domains_name(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    world_tenant(w, "b@owner.test", "b.test");
    REPLY_AUTO sent = send_to(w, &a, "Hello", "[]");
    REPLY_AUTO list = world_operator(w, "EmailGateway.GetEvents", "\"Domain\":\"a.test\",\"StartFrom\":0,\"RetrieveCount\":5");
    assert_reply(&list, "TotalRecords", "1");
    REPLY_AUTO stats = world_operator(w, "EmailGateway.DomainStats", "\"Domain\":\"a.test\"");
    assert_reply(&stats, "Stats.Sent", "1");
    REPLY_AUTO top =
        world_operator(w, "EmailGateway.AggrEvents", "\"Domain\":\"a.test\",\"AggregatedField\":\"recipientDomain\"");
    assert_reply(&top, "AggBuckets.0.key", "y.test");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(events_are_found_by_their_filters),
        WORLD_TEST(every_row_has_every_member),
        WORLD_TEST(a_search_finds_and_a_bad_one_is_told_where),
        WORLD_TEST(bad_dates_name_their_field),
        WORLD_TEST(a_search_too_wide_is_refused_with_advice),
        WORLD_TEST(buckets_count_by_any_field),
        WORLD_TEST(every_field_offered_is_known),
        WORLD_TEST(statistics_count_a_period_and_the_one_before),
        WORLD_TEST(P6_events_are_their_owners),
        WORLD_TEST(the_operator_asks_by_the_domains_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
