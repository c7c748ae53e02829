/* test_lists.c - lists, subscribers, imports and sends to lists through the API, with the driver on the simulated loop: everybody
 * gets one message (P1, P2), whoever is behind waits with a reason, tenants are kept apart and take turns (P6, TN04).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "api/work.h"
#include "db/db.h"

#include <stdio.h>

#define MANY     1250 /* more than a request does itself */
#define A_DAY_MS (INT64_C(86400000))

/* ---- the driver ---- */
static struct work *start_work(struct world *w) {
    struct work *work = work_new(&w->api, w->loop);
    w->api.work = work;
    work_start(work);
    return work;
}

static void set_true(void *arg) {
    *(bool *)arg = true;
}

static bool is_true(void *arg) {
    return *(bool *)arg;
}

static void stop_work(struct world *w, struct work *work) {
    bool is_stopped = false;
    work_stop(work, set_true, &is_stopped);
    if (!is_stopped) assert_true(sim_run_until(w->loop, is_true, &is_stopped, 60000));
    sim_run_for(w->loop, 10);
    work_free(&work);
    w->api.work = NULL;
}

/* ---- making lists ---- */
static void make_list(struct world *w, const struct tenant *t, const char *name, char ret_id[24]) {
    BUF_AUTO members = {0};
    buf_addf(&members, "\"SubscriberListName\":\"%s\"", name);
    REPLY_AUTO r = world_command(w, t->user_key, "List.Create", members.p);
    assert_int_equal(reply_code(&r), 0);
    struct str id = reply_text(&r, "ListID");
    snprintf(ret_id, 24, "%.*s", STR_ARG(id));
}

static struct reply import_csv(struct world *w, const struct tenant *t, const char *list, struct str csv, const char *more) {
    BUF_AUTO body = {0};
    struct json_writer j = {.out = &body};
    json_open_object(&j);
    json_add_z(&j, STR("Command"), "Subscriber.Import");
    json_add_z(&j, STR("ListID"), list);
    json_add_str(&j, STR("Content"), csv);
    if (*more) json_add_z(&j, str_from_z(more), "true");
    json_close_object(&j);
    return world_ask(w, &(struct ask){.bearer = t->user_key, .body = body.p});
}

/* s0@there.test ... on a new list. */
static void make_full_list(struct world *w, const struct tenant *t, size_t count, char ret_id[24]) {
    BUF_AUTO csv = {0};
    make_list(w, t, "many", ret_id);
    buf_add_z(&csv, "Email,FirstName\n");
    for (size_t i = 0; i < count; i++) buf_addf(&csv, "s%zu@there.test,Name %zu\n", i, i);
    REPLY_AUTO r = import_csv(w, t, ret_id, buf_str(&csv), "");
    assert_reply(&r, "ErrorCode", "0");
    struct work *work = start_work(w);
    sim_run_for(w->loop, 10000);
    stop_work(w, work);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM imports WHERE state <> 1"), 0);
}

static struct reply send_to(struct world *w, const struct tenant *t, const char *list, const char *more) {
    BUF_AUTO body = {0};
    buf_addf(&body,
             "{\"From\":{\"email\":\"me@%s\",\"name\":\"\"},\"Subject\":\"Hi {{FirstName}}\",\"ContentType\":\"plain\","
             "\"PlainContent\":\"Hello {{FirstName}}\",\"TargetListID\":%s%s}",
             t->domain, list, more);
    return world_send(w, t->sender_key, body.p);
}

/* The send's id; the answer names how many it is for. */
static void begin_send(struct world *w, const struct tenant *t, const char *list, const char *more, char ret_id[40]) {
    REPLY_AUTO r = send_to(w, t, list, more);
    if (r.status != 200) print_error("%.*s\n", STR_ARG(buf_str(&r.body)));
    assert_int_equal(r.status, 200);
    struct str id = reply_text(&r, "MessageID.0");
    assert_int_equal(id.n, 36);
    snprintf(ret_id, 40, "%.*s", STR_ARG(id));
}

static struct reply show_send(struct world *w, const char *key, const char *method, const char *id) {
    BUF_AUTO path = {0};
    buf_addf(&path, "/api/v1/list-sends/%s", id);
    return world_ask(w, &(struct ask){.method = method, .path = path.p, .bearer = key});
}

/* ---- lists (P6) ---- */
static void a_list_is_made_found_renamed_and_deleted(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    char id[24], other[24];
    make_list(w, &a, "News", id);
    make_list(w, &b, "News", other); /* each account has its own names */
    REPLY_AUTO twice = world_command(w, a.user_key, "list.create", "\"SubscriberListName\":\"News\"");
    assert_reply(&twice, "ErrorCode", "2");
    REPLY_AUTO nameless = world_command(w, a.user_key, "List.Create", "\"SubscriberListName\":\"\"");
    assert_reply(&nameless, "ErrorCode", "1");
    BUF_AUTO path = {0};
    buf_addf(&path, "/api/v1/lists/%s", id);
    REPLY_AUTO renamed =
        world_ask(w, &(struct ask){.method = "PATCH", .path = path.p, .bearer = a.user_key, .body = "{\"Name\":\"Monthly\"}"});
    assert_reply(&renamed, "List.Name", "Monthly");
    REPLY_AUTO mine = world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/lists", .bearer = a.user_key});
    assert_reply(&mine, "TotalListCount", "1");
    assert_reply(&mine, "Lists.0.Name", "Monthly");
    /* Another's list answers as one that is not there, byte for byte. */
    REPLY_AUTO foreign = world_ask(w, &(struct ask){.method = "GET", .path = path.p, .bearer = b.user_key});
    REPLY_AUTO absent = world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/lists/999", .bearer = b.user_key});
    assert_int_equal(foreign.status, 404);
    assert_true(str_eq(buf_str(&foreign.body), buf_str(&absent.body)));
    REPLY_AUTO not_deleted = world_ask(w, &(struct ask){.method = "DELETE", .path = path.p, .bearer = b.user_key});
    assert_int_equal(not_deleted.status, 404);
    REPLY_AUTO deleted = world_ask(w, &(struct ask){.method = "DELETE", .path = path.p, .bearer = a.user_key});
    assert_int_equal(deleted.status, 200);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM lists"), 1);
}

static void a_long_list_goes_with_its_people(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char id[24];
    make_full_list(w, &t, MANY, id);
    BUF_AUTO members = {0};
    buf_addf(&members, "\"ListID\":%s", id);
    REPLY_AUTO r = world_command(w, t.user_key, "List.Delete", members.p);
    assert_reply(&r, "ErrorCode", "0");
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM subscribers"), 0);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM lists"), 0);
}

/* ---- subscribers ---- */
static void a_person_is_subscribed_changed_and_leaves(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    char list[24];
    BUF_AUTO m = {0};
    make_list(w, &t, "News", list);
    buf_addf(&m, "\"ListID\":%s,\"EmailAddress\":\"Ann@There.TEST\",\"CustomFields\":{\"First\":\"Ann\",\"Points\":12}", list);
    REPLY_AUTO made = world_command(w, t.user_key, "Subscriber.Create", m.p);
    assert_reply(&made, "SubscriberInformation.EmailAddress", "Ann@there.test");
    assert_reply(&made, "SubscriberInformation.Status", "Active");
    assert_reply(&made, "SubscriberInformation.CustomFields.Points", "12");
    REPLY_AUTO twice = world_command(w, t.user_key, "Subscriber.Create", m.p);
    assert_reply(&twice, "ErrorCode", "20");
    REPLY_AUTO foreign = world_command(w, b.user_key, "Subscriber.Create", m.p);
    assert_reply(&foreign, "ErrorCode", "4");
    buf_reset(&m);
    buf_addf(&m, "\"ListID\":%s,\"SubscriberID\":%.*s,\"Fields\":{\"First\":null,\"Last\":\"Lee\"}", list,
             STR_ARG(reply_text(&made, "SubscriberID")));
    REPLY_AUTO changed = world_command(w, t.user_key, "Subscriber.Update", m.p);
    assert_reply(&changed, "SubscriberInformation.CustomFields.First", "");
    assert_reply(&changed, "SubscriberInformation.CustomFields.Last", "Lee");
    assert_reply(&changed, "SubscriberInformation.CustomFields.Points", "12");
    buf_reset(&m);
    buf_addf(&m, "\"ListID\":%s,\"EmailAddress\":\"aNN@there.test\",\"AddToGlobalSuppression\":true", list);
    REPLY_AUTO left = world_command(w, t.user_key, "Subscriber.Unsubscribe", m.p);
    assert_reply(&left, "SubscriberInformation.Status", "Unsubscribed");
    assert_reply(&left, "Suppressed", "true");
    REPLY_AUTO left_twice = world_command(w, t.user_key, "Subscriber.Unsubscribe", m.p);
    assert_reply(&left_twice, "ErrorCode", "21");
    REPLY_AUTO back = world_command(w, t.user_key, "Subscriber.Create", m.p);
    assert_reply(&back, "ErrorCode", "21");
    buf_addf(&m, ",\"UpdateIfUnsubscribed\":true");
    REPLY_AUTO taken_back = world_command(w, t.user_key, "Subscriber.Create", m.p);
    assert_reply(&taken_back, "SubscriberInformation.Status", "Active");
    REPLY_AUTO gone = world_command(w, t.user_key, "Subscriber.Delete", m.p);
    assert_reply(&gone, "ErrorCode", "0");
    REPLY_AUTO absent = world_command(w, t.user_key, "Subscriber.Get", m.p);
    assert_reply(&absent, "ErrorCode", "5");
}

static void fields_are_bounded(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char list[24];
    make_list(w, &t, "News", list);
    static const char *const bad[] = {"{\"a\":[1]}", "{\"a\":{}}", "{\"\":1}", "[]", "\"x\"", "5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        BUF_AUTO m = {0};
        buf_addf(&m, "\"ListID\":%s,\"EmailAddress\":\"x@there.test\",\"CustomFields\":%s", list, bad[i]);
        REPLY_AUTO r = world_command(w, t.user_key, "Subscriber.Create", m.p);
        assert_reply(&r, "ErrorCode", "17");
    }
    BUF_AUTO big = {0};
    buf_addf(&big, "\"ListID\":%s,\"EmailAddress\":\"x@there.test\",\"CustomFields\":{\"a\":\"", list);
    for (size_t i = 0; i < 8200; i++) buf_add_char(&big, 'x');
    buf_add_z(&big, "\"}");
    REPLY_AUTO r = world_command(w, t.user_key, "Subscriber.Create", big.p);
    assert_reply(&r, "ErrorCode", "17");
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM subscribers"), 0);
}

static void subscribers_are_shown_page_by_page(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char list[24];
    make_full_list(w, &t, 30, list);
    BUF_AUTO path = {0};
    buf_addf(&path, "/api/v1/lists/%s/subscribers", list);
    struct ask ask = {.method = "GET", .path = path.p, .bearer = t.user_key, .query = "RecordsPerRequest=10&AfterID=20"};
    REPLY_AUTO page = world_ask(w, &ask);
    assert_reply(&page, "TotalSubscribers", "30");
    assert_reply(&page, "Subscribers.0.SubscriberID", "21");
    assert_reply(&page, "Subscribers.0.CustomFields.FirstName", "Name 20");
    assert_reply(&page, "Subscribers.9.SubscriberID", "30");
    ask.query = "RecordsPerRequest=10&RecordsFrom=25";
    REPLY_AUTO tail = world_ask(w, &ask);
    assert_reply(&tail, "Subscribers.4.SubscriberID", "30");
    assert_reply(&tail, "Subscribers.5.SubscriberID", "");
    ask.query = "SubscriberSegment=Unsubscribed";
    REPLY_AUTO none = world_ask(w, &ask);
    assert_reply(&none, "TotalSubscribers", "0");
    ask.query = "SubscriberSegment=Nonsense";
    REPLY_AUTO bad = world_ask(w, &ask);
    assert_int_equal(reply_code(&bad), 6);
}

/* ---- imports ---- */
static struct reply show_import(struct world *w, const struct tenant *t, struct reply *begun) {
    BUF_AUTO path = {0};
    buf_addf(&path, "/api/v1/imports/%.*s", STR_ARG(reply_text(begun, "ImportID")));
    return world_ask(w, &(struct ask){.method = "GET", .path = path.p, .bearer = t->user_key});
}

static void an_import_tells_what_it_took_and_what_it_refused(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    char list[24];
    make_list(w, &t, "News", list);
    static const char csv[] = "\xEF\xBB\xBFName;E-Mail\r\n"
                              "Ann;ann@there.test\r\n"
                              "\"Bob\nB;\"\"B\"\"\";bob@there.test\r\n" /* two lines */
                              ";no address\r\n"
                              "\r\n"
                              "Cy\r\n"
                              "x;ANN@there.test;more\r\n"
                              "Anna;ANN@there.test\r\n"
                              "\"open;dee@there.test\r\n"
                              "Eve;eve@there.test";
    struct work *work = start_work(w);
    REPLY_AUTO begun = import_csv(w, &t, list, str_from_z(csv), "");
    assert_reply(&begun, "ImportJob.TotalSubscribers", "8");
    sim_run_for(w->loop, 5000);
    REPLY_AUTO r = show_import(w, &t, &begun);
    assert_reply(&r, "ImportJob.ImportStatus", "Completed");
    assert_reply(&r, "ImportJob.Progress", "100");
    assert_reply(&r, "ImportJob.TotalImported", "3");
    assert_reply(&r, "ImportJob.TotalDuplicates", "1");
    assert_reply(&r, "ImportJob.TotalFailed", "4");
    static const char *const lines[] = {"5", "7", "8", "10"};
    for (size_t i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "ImportJob.Errors.%zu.Line", i);
        assert_reply(&r, path, lines[i]);
    }
    REPLY_AUTO foreign = show_import(w, &b, &begun);
    assert_int_equal(foreign.status, 404);
    BUF_AUTO m = {0};
    buf_addf(&m, "\"ListID\":%s,\"EmailAddress\":\"ann@there.test\"", list);
    REPLY_AUTO ann = world_command(w, t.user_key, "Subscriber.Get", m.p);
    assert_reply(&ann, "SubscriberInformation.CustomFields.Name", "Anna");
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM import_chunks"), 0);
    stop_work(w, work);
}

static void what_is_no_csv_is_refused_with_a_clear_word(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char list[24];
    make_list(w, &t, "News", list);
    static const char *const bad[][2] = {
        {"Name,Phone\nx,y\n", "one of them Email"},
        {"Email,Name,Name\n", "two columns are called Name"},
        {"\"Email", "no CSV"},
        {"  \n", "empty"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REPLY_AUTO r = import_csv(w, &t, list, str_from_z(bad[i][0]), "");
        assert_reply(&r, "ErrorCode", "3");
        assert_true(str_find_str(reply_text(&r, "ErrorMessage"), str_from_z(bad[i][1])) != STR_NONE);
    }
    /* As a form's part the bytes may be anything. */
    static const char latin[] =
        "--x\r\nContent-Disposition: form-data; name=\"Command\"\r\n\r\nSubscriber.Import\r\n--x\r\n"
        "Content-Disposition: form-data; name=\"File\"; filename=\"a.csv\"\r\n\r\nEmail\nm\xFCller@x.test\r\n"
        "--x--\r\n";
    REPLY_AUTO r =
        world_ask(w, &(struct ask){.bearer = t.user_key, .content_type = "multipart/form-data; boundary=x", .body = latin});
    assert_true(reply_code(&r) > 0 && r.status < 500);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM imports"), 0);
}

/* Whoever left does not come back by a file, unless that is said; nor does whoever is suppressed. */
static void an_import_brings_nobody_back_unasked(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char list[24];
    BUF_AUTO m = {0};
    make_list(w, &t, "News", list);
    buf_addf(&m, "\"ListID\":%s,\"EmailAddress\":\"ann@there.test\",\"AddToGlobalSuppression\":true", list);
    REPLY_AUTO made = world_command(w, t.user_key, "Subscriber.Create", m.p);
    assert_reply(&made, "ErrorCode", "0");
    REPLY_AUTO left = world_command(w, t.user_key, "Subscriber.Unsubscribe", m.p);
    assert_reply(&left, "ErrorCode", "0");
    char second[24];
    make_list(w, &t, "Other", second);
    struct work *work = start_work(w);
    struct str csv = STR("Email,City\nann@there.test,Rome\n");
    REPLY_AUTO first = import_csv(w, &t, list, csv, ""), elsewhere = import_csv(w, &t, second, csv, "");
    sim_run_for(w->loop, 5000);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM subscribers WHERE status = 0"), 0);
    REPLY_AUTO refused = show_import(w, &t, &elsewhere);
    assert_reply(&refused, "ImportJob.TotalFailed", "1");
    REPLY_AUTO kept = world_command(w, t.user_key, "Subscriber.Get", m.p);
    assert_reply(&kept, "SubscriberInformation.CustomFields.City", "Rome");
    REPLY_AUTO again = import_csv(w, &t, list, csv, "Resubscribe");
    sim_run_for(w->loop, 5000);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM subscribers WHERE status = 0"), 1);
    stop_work(w, work);
}

/* P8: files are kept whole until they are done, so only some of an account's may wait. */
static void an_account_has_ten_imports_at_once(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char list[24];
    make_list(w, &t, "News", list);
    for (size_t i = 0; i < 11; i++) {
        REPLY_AUTO r = import_csv(w, &t, list, STR("Email\nann@there.test\n"), "");
        assert_reply(&r, "ErrorCode", i < 10 ? "0" : "5");
    }
    struct work *work = start_work(w);
    sim_run_for(w->loop, 5000);
    REPLY_AUTO again = import_csv(w, &t, list, STR("Email\nann@there.test\n"), "");
    assert_reply(&again, "ErrorCode", "0");
    stop_work(w, work);
}

/* ---- sends to lists ---- */
static void everybody_on_a_long_list_gets_one_message(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    char list[24], id[40];
    make_full_list(w, &t, MANY, list);
    REPLY_AUTO suppressed = world_command(w, t.user_key, "Suppression.Import",
                                          "\"EmailAddresses\":[\"s7@there.test\"],\"SuppressionSource\":\"User\"");
    struct work *work = start_work(w);
    begin_send(w, &t, list, "", id);
    sim_run_for(w->loop, 10000);
    REPLY_AUTO r = show_send(w, t.sender_key, "GET", id);
    assert_reply(&r, "ListSend.State", "Sent");
    assert_reply(&r, "ListSend.Total", "1250");
    assert_reply(&r, "ListSend.Sent", "1250");
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM messages"), MANY);
    assert_int_equal(world_number(w, "SELECT COUNT(DISTINCT address) FROM recipients WHERE priority = 1"), MANY);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM messages WHERE subject = 'Hi Name 1249'"), 1);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM events WHERE type = 1"),
                     world_number(w, "SELECT COUNT(*) FROM recipients WHERE state < 2"));
    assert_int_equal((int64_t)w->offered, world_number(w, "SELECT COUNT(*) FROM recipients WHERE state < 2"));
    assert_reply(&r, "ListSend.Suppressed", "1");
    REPLY_AUTO foreign = show_send(w, b.sender_key, "GET", id);
    assert_int_equal(foreign.status, 404);
    REPLY_AUTO late = show_send(w, t.user_key, "DELETE", id);
    assert_int_equal(late.status, 409);
    stop_work(w, work);
}

static void two_drivers_send_nothing_twice(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char list[24], id[40];
    make_full_list(w, &t, MANY, list);
    begin_send(w, &t, list, "", id);
    struct work *one = start_work(w), *two = start_work(w);
    sim_run_for(w->loop, 20000);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients"), MANY);
    assert_int_equal(world_number(w, "SELECT COUNT(DISTINCT address) FROM recipients"), MANY);
    assert_int_equal(world_number(w, "SELECT sent FROM list_sends"), MANY);
    stop_work(w, one);
    stop_work(w, two);
}

static bool has_begun(void *arg) {
    struct world *w = arg;
    return w->offered > 0;
}

static void a_send_is_stopped_and_goes_on_after_a_restart(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char list[24], id[40], other[40];
    make_full_list(w, &t, MANY, list);
    begin_send(w, &t, list, "", id);
    struct work *work = start_work(w);
    assert_true(sim_run_until(w->loop, has_begun, w, 60000));
    stop_work(w, work);
    int64_t sent = world_number(w, "SELECT COUNT(*) FROM recipients");
    assert_true(sent > 0 && sent < MANY);
    work = start_work(w);
    sim_run_for(w->loop, 10000);
    assert_int_equal(world_number(w, "SELECT COUNT(DISTINCT address) FROM recipients"), MANY);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients"), MANY);
    stop_work(w, work);
    begin_send(w, &t, list, "", other);
    REPLY_AUTO r = show_send(w, t.user_key, "DELETE", other);
    assert_reply(&r, "ListSend.State", "Cancelled");
    work = start_work(w);
    sim_run_for(w->loop, 10000);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients"), MANY);
    stop_work(w, work);
}

static void a_send_waits_for_its_domain_and_ends_with_its_key(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char list[24], id[40];
    make_full_list(w, &t, MANY, list);
    begin_send(w, &t, list, "", id);
    REPLY_AUTO off = world_operator(w, "Operator.DomainDisable", "\"Name\":\"a.test\"");
    assert_reply(&off, "ErrorCode", "0");
    struct work *work = start_work(w);
    sim_run_for(w->loop, 5000);
    REPLY_AUTO waits = show_send(w, t.user_key, "GET", id);
    assert_reply(&waits, "ListSend.State", "Waiting");
    assert_reply(&waits, "ListSend.Reason", "The sender domain is not enabled");
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients"), 0);
    REPLY_AUTO on = world_operator(w, "Operator.DomainEnable", "\"Name\":\"a.test\"");
    sim_run_for(w->loop, 40000);
    assert_int_equal(world_number(w, "SELECT COUNT(DISTINCT address) FROM recipients"), MANY);
    char second[40];
    stop_work(w, work);
    begin_send(w, &t, list, "", second);
    REPLY_AUTO gone = world_command(w, t.user_key, "EmailGateway.DeleteAPI", "\"ApiKeyId\":1");
    assert_reply(&gone, "ErrorCode", "0");
    work = start_work(w);
    sim_run_for(w->loop, 5000);
    REPLY_AUTO failed = show_send(w, t.user_key, "GET", second);
    assert_reply(&failed, "ListSend.State", "Failed");
    assert_reply(&failed, "ListSend.Reason", "The sender key was deleted");
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients"), MANY);
    stop_work(w, work);
}

static void a_send_waits_for_the_limit_of_the_day(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char list[24], id[40];
    make_full_list(w, &t, MANY, list);
    REPLY_AUTO limit = world_operator(w, "UserGroup.Update", "\"UserGroupID\":1,\"LimitEmailSendPerDay\":500");
    assert_reply(&limit, "ErrorCode", "0");
    begin_send(w, &t, list, "", id);
    struct work *work = start_work(w);
    sim_run_for(w->loop, 60000);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients"), 500);
    REPLY_AUTO r = show_send(w, t.user_key, "GET", id);
    assert_reply(&r, "ListSend.Reason", "The sending limit of the day is reached");
    sim_run_for(w->loop, A_DAY_MS);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients"), 1000);
    sim_run_for(w->loop, A_DAY_MS);
    assert_int_equal(world_number(w, "SELECT COUNT(DISTINCT address) FROM recipients"), MANY);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM list_sends WHERE state = 1 AND sent = 1250"), 1);
    stop_work(w, work);
}

/* P6: who comes later does not wait for who came first. */
static bool both_have_begun(void *arg) {
    return world_number(arg, "SELECT COUNT(*) FROM list_sends WHERE position > 0") == 2;
}

static void accounts_take_turns(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    char list[24], other[24], id[40];
    make_full_list(w, &a, MANY, list);
    make_full_list(w, &b, MANY, other);
    begin_send(w, &a, list, "", id);
    begin_send(w, &a, list, "", id);
    begin_send(w, &b, other, "", id);
    struct work *work = start_work(w);
    assert_true(sim_run_until(w->loop, both_have_begun, w, 60000));
    assert_true(world_number(w, "SELECT SUM(sent) FROM list_sends WHERE account_id = 1") <= 400);
    sim_run_for(w->loop, 20000);
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients"), 3 * MANY);
    stop_work(w, work);
}

static void a_list_that_goes_away_ends_its_sends(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    char list[24], id[40];
    BUF_AUTO m = {0};
    make_full_list(w, &t, MANY, list);
    begin_send(w, &t, list, "", id);
    buf_addf(&m, "\"ListID\":%s", list);
    REPLY_AUTO gone = world_command(w, t.user_key, "List.Delete", m.p);
    struct work *work = start_work(w);
    sim_run_for(w->loop, 5000);
    REPLY_AUTO r = show_send(w, t.user_key, "GET", id);
    assert_reply(&r, "ListSend.State", "Cancelled");
    assert_int_equal(world_number(w, "SELECT COUNT(*) FROM recipients"), 0);
    stop_work(w, work);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_list_is_made_found_renamed_and_deleted),
        WORLD_TEST(a_long_list_goes_with_its_people),
        WORLD_TEST(a_person_is_subscribed_changed_and_leaves),
        WORLD_TEST(fields_are_bounded),
        WORLD_TEST(subscribers_are_shown_page_by_page),
        WORLD_TEST(an_import_tells_what_it_took_and_what_it_refused),
        WORLD_TEST(what_is_no_csv_is_refused_with_a_clear_word),
        WORLD_TEST(an_import_brings_nobody_back_unasked),
        WORLD_TEST(an_account_has_ten_imports_at_once),
        WORLD_TEST(everybody_on_a_long_list_gets_one_message),
        WORLD_TEST(two_drivers_send_nothing_twice),
        WORLD_TEST(a_send_is_stopped_and_goes_on_after_a_restart),
        WORLD_TEST(a_send_waits_for_its_domain_and_ends_with_its_key),
        WORLD_TEST(a_send_waits_for_the_limit_of_the_day),
        WORLD_TEST(accounts_take_turns),
        WORLD_TEST(a_list_that_goes_away_ends_its_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
