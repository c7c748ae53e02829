/* test_commands.c - /api.php, events, inbox, probes and the operator's operations over a real database (decisions 6-11, 14, 20;
 * TN01).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/encode.h"
#include "core/inbox.h"
#include "core/return_path.h"

#include <stdio.h>

/* ---- who calls (decisions 6, 7) ---- */
static void login_opens_a_session_that_expires(void **state) {
    struct world *w = *state;
    world_tenant(w, "A@owner.test", "sender.test");
    static const char *const refused[][2] = {
        {"\"Password\":\"x\"", "1"},
        {"\"Username\":\"a@owner.test\"", "2"},
        {"\"Username\":\"a@owner.test\",\"Password\":\"wrong\"", "3"},
        {"\"Username\":\"nobody@owner.test\",\"Password\":\"correct horse\"", "3"},
        {"\"Username\":\"no address\",\"Password\":\"correct horse\"", "3"},
        {"\"Username\":{},\"Password\":[]", "3"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        REPLY_AUTO r = world_command(w, NULL, "user.login", refused[i][0]);
        assert_int_equal(r.status, 200);
        assert_reply(&r, "Success", "false");
        assert_reply(&r, "ErrorCode", refused[i][1]);
        assert_true(reply_text(&r, "ErrorMessage").n > 0);
        assert_true(str_eq(reply_text(&r, "ErrorMessage"), reply_text(&r, "ErrorText")));
    }
    REPLY_AUTO good = world_command(w, NULL, "User.Login", "\"username\":\"a@OWNER.test\",\"PASSWORD\":\"correct horse\"");
    assert_reply(&good, "Success", "true");
    assert_reply(&good, "UserInfo.EmailAddress", "a@owner.test");
    BUF_AUTO query = {0};
    buf_addf(&query, "Command=EmailGateway.GetDomains&sessionid=%.*s", STR_ARG(reply_text(&good, "SessionID")));
    struct ask ask = {.method = "GET", .query = query.p};
    REPLY_AUTO domains = world_ask(w, &ask);
    assert_reply(&domains, "Domains.0.DomainName", "sender.test");
    sim_run_for(w->loop, SESSION_LIFE_MS + 1);
    REPLY_AUTO expired = world_ask(w, &ask);
    assert_reply(&expired, "ErrorCode", "99999");
}

static void one_valid_credential_suffices(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    BUF_AUTO members = {0};
    buf_addf(&members, "\"SessionID\":\"your-session-id\",\"APIKey\":\"%s\"", a.user_key);
    REPLY_AUTO both = world_command(w, NULL, "EmailGateway.GetDomains", members.p);
    assert_reply(&both, "Domains.0.DomainName", "a.test");
    REPLY_AUTO two_accounts = world_command(w, b.user_key, "EmailGateway.GetDomains", members.p);
    assert_reply(&two_accounts, "ErrorCode", "99998");
    REPLY_AUTO none = world_command(w, NULL, "EmailGateway.GetDomains", "");
    assert_reply(&none, "ErrorCode", "99998");
    assert_int_equal(none.status, 200);
    REPLY_AUTO wrong = world_command(w, "phu_nobody", "EmailGateway.GetDomains", "");
    assert_reply(&wrong, "ErrorCode", "99998");
    assert_false(wrong.was_admitted); /* decision 31 */
    REPLY_AUTO sender_key = world_command(w, a.sender_key, "EmailGateway.GetDomains", "");
    assert_reply(&sender_key, "ErrorCode", "99998");
}

static void what_is_no_command_is_refused(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO unknown = world_command(w, a.user_key, "EmailGateway.Explode", "");
    assert_int_equal(unknown.status, 400);
    assert_reply(&unknown, "ErrorCode", "100003");
    REPLY_AUTO operator= world_command(w, a.user_key, "Operator.DomainList", "");
    assert_reply(&operator, "ErrorCode", "100003");
    REPLY_AUTO empty = world_ask(w, &(struct ask){.bearer = a.user_key});
    assert_reply(&empty, "ErrorCode", "100003");
    REPLY_AUTO broken = world_ask(w, &(struct ask){.bearer = a.user_key, .body = "{\"Command\":"});
    assert_int_equal(broken.status, 400);
    assert_reply(&broken, "ErrorCode", "100000");
    REPLY_AUTO query = world_ask(w, &(struct ask){.query = "a=%zz"});
    assert_int_equal(query.status, 400);
}

/* ---- domains (decision 10) ---- */
static void domains_are_added_once_an_account(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    static const char *const refused[][2] = {
        {"", "1"},
        {"\"DomainName\":\"not a domain\"", "2"},
        {"\"DomainName\":5", "2"},
        {"\"DomainName\":\"A.test\"", "2"},
        {"\"DomainName\":\"new.test\",\"Subdomain\":\"a.b\"", "4"},
        {"\"DomainName\":\"new.test\",\"TrackPrefix\":\"-x\"", "4"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.AddDomain", refused[i][0]);
        assert_reply(&r, "ErrorCode", refused[i][1]);
    }
    REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.AddDomain", "\"DomainName\":\"B\\u00fccher.test\"");
    assert_reply(&r, "Domain.DomainName", "xn--bcher-kva.test");
    assert_reply(&r, "Domain.SenderDomain", "xn--bcher-kva.test");
    assert_reply(&r, "Domain.VerificationStatus", "Pending");
    assert_reply(&r, "Domain.DKIMStatus", "Pending");
    assert_reply(&r, "Domain.SPFStatus", "Pending");
    assert_reply(&r, "Domain.Status", "Approval Pending");
    assert_true(reply_text(&r, "NewSenderDomainID").n > 0);
    assert_true(reply_text(&r, "DNSRecords.0.Host").n > 0);
    REPLY_AUTO same_elsewhere = world_command(w, b.user_key, "EmailGateway.AddDomain", "\"DomainName\":\"a.test\"");
    assert_reply(&same_elsewhere, "Success", "true");
    REPLY_AUTO list = world_command(w, a.user_key, "EmailGateway.GetDomains", "");
    assert_reply(&list, "Domains.0.DomainName", "a.test");
    assert_reply(&list, "Domains.0.Active", "true");
    assert_reply(&list, "Domains.1.Active", "false");
    assert_true(json_is(json_find(json_first(json_find(list.json, STR("Domains"))), STR("DomainID")), JSON_STRING));
    REPLY_AUTO one = world_command(w, a.user_key, "EmailGateway.GetDomain", "\"DomainID\":1");
    assert_reply(&one, "Domain.IsActive", "true");
    assert_true(json_is(json_find(json_find(one.json, STR("Domain")), STR("DomainID")), JSON_NUMBER));
}

/* ---- keys (decision 11) ---- */
static void keys_are_made_shown_and_deleted(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    static const char *const refused[][2] = {
        {"\"DomainID\":1", "1"},
        {"\"Description\":[],\"DomainID\":1", "1"},
        {"\"Description\":\"d\"", "2"},
        {"\"Description\":\"d\",\"DomainID\":\"x\"", "2"},
        {"\"Description\":\"d\",\"DomainID\":99", "3"},
        {"\"Description\":\"d\",\"DomainID\":1,\"Permissions\":\"root\"", "422"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.AddAPI", refused[i][0]);
        assert_reply(&r, "ErrorCode", refused[i][1]);
    }
    REPLY_AUTO made = world_command(w, a.user_key, "EmailGateway.AddAPI",
                                    "\"Description\":\"d\",\"DomainID\":\"1\",\"Permissions\":\"events\",\"ListID\":7");
    assert_reply(&made, "APIKey.Permissions", "events");
    assert_reply(&made, "APIKey.Options.ListID", "7");
    assert_reply(&made, "APIKey.LastUsedDate", "");
    char key[128], members[128];
    snprintf(key, sizeof key, "%.*s", STR_ARG(reply_text(&made, "APIKey.Key")));
    REPLY_AUTO out_of_scope = world_send(w, key, "{}");
    assert_int_equal(reply_code(&out_of_scope), 13);
    REPLY_AUTO events = world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/events", .bearer = key});
    assert_reply(&events, "TotalRecords", "0");
    REPLY_AUTO list = world_command(w, a.user_key, "EmailGateway.GetAPIs", "\"DomainID\":1");
    assert_reply(&list, "APIKeys.1.Key", key);
    assert_reply(&list, "APIKeys.0.Key", a.sender_key);
    snprintf(members, sizeof members, "\"apikeyid\":\"%.*s\"", STR_ARG(reply_text(&made, "NewAPIKeyID")));
    REPLY_AUTO gone = world_command(w, a.user_key, "EmailGateway.DeleteAPI", members);
    assert_reply(&gone, "Success", "true");
    REPLY_AUTO again = world_command(w, a.user_key, "EmailGateway.DeleteAPI", members);
    assert_reply(&again, "ErrorCode", "2");
    REPLY_AUTO missing = world_command(w, a.user_key, "EmailGateway.DeleteAPI", "");
    assert_reply(&missing, "ErrorCode", "1");
    REPLY_AUTO dead = world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/events", .bearer = key});
    assert_int_equal(dead.status, 401);
    assert_int_equal(reply_code(&dead), 13);
}

/* ---- tenants: another's object is a missing one, byte for byte (TN01) ---- */
static void anothers_objects_do_not_exist(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    static const struct {
        const char *command, *members;
    } cases[] = {
        {"EmailGateway.GetDomain", "\"DomainID\":%s"},
        {"EmailGateway.VerifyDomain", "\"DomainID\":%s"},
        {"EmailGateway.GetAPIs", "\"DomainID\":%s"},
        {"EmailGateway.AddAPI", "\"DomainID\":%s,\"Description\":\"d\""},
        {"EmailGateway.DeleteAPI", "\"ApiKeyId\":%s"},
        {"EmailGateway.GetEvents", "\"DomainID\":%s,\"StartFrom\":0,\"RetrieveCount\":5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO theirs = {0};
        BUF_AUTO missing = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        buf_addf(&theirs, cases[i].members, b.domain_id);
        buf_addf(&missing, cases[i].members, "987654");
#pragma GCC diagnostic pop
        REPLY_AUTO one = world_command(w, a.user_key, cases[i].command, theirs.p);
        REPLY_AUTO other = world_command(w, a.user_key, cases[i].command, missing.p);
        assert_true(reply_code(&one) > 0);
        assert_int_equal(one.status, other.status);
        assert_true(str_eq(buf_str(&one.body), buf_str(&other.body)));
    }
}

/* ---- the operator ---- */
static void the_operator_is_told_what_is_wrong(void **state) {
    struct world *w = *state;
    world_tenant(w, "a@owner.test", "a.test");
    world_tenant(w, "b@owner.test", "a.test");
    static const char *const cases[][3] = {
        {"User.Create", "\"EmailAddress\":\"a@owner.test\",\"Password\":\"correct horse\"", "13"},
        {"User.Create", "\"EmailAddress\":\"nonsense\",\"Password\":\"correct horse\"", "10"},
        {"User.Create", "\"EmailAddress\":\"c@owner.test\",\"Password\":\"short\"", "422"},
        {"EmailGateway.AddDomain", "\"DomainName\":\"a.test\",\"Account\":\"a@owner.test\"", "2"},
        {"EmailGateway.AddDomain", "\"DomainName\":\"x.test\",\"Account\":\"nobody@owner.test\"", "422"},
        {"EmailGateway.AddDomain", "\"DomainName\":\"x y\",\"Account\":\"a@owner.test\"", "2"},
        {"Operator.DomainEnable", "\"Name\":\"unknown.test\"", "2"},
        {"Operator.DomainEnable", "\"Name\":\"a.test\"", "3"},
        {"Operator.DomainEnable", "\"Name\":\"a.test\",\"Account\":\"b@owner.test\"", "0"},
        {"EmailGateway.AddAPI", "\"Domain\":\"a.test\"", "422"},
        {"EmailGateway.AddAPI", "\"Domain\":\"a.test\",\"Account\":\"b@owner.test\"", "1"},
        {"EmailGateway.GetAPIs", "\"Domain\":\"unknown.test\"", "422"},
        {"EmailGateway.GetAPIs", "\"Domain\":\"A.test\",\"Account\":\"b@owner.test\"", "0"},
        {"Operator.DomainList", "\"Account\":\"a@owner.test\"", "0"},
        {"Operator.InboxShow", "\"ID\":5", "3"},
        {"Operator.InboxList", "", "0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = world_operator(w, cases[i][0], cases[i][1]);
        assert_reply(&r, "ErrorCode", cases[i][2]);
    }
}

/* Without Account a domain goes to the only account; with none or several the operator is asked. */
static void a_domain_goes_to_the_only_account(void **state) {
    struct world *w = *state;
    REPLY_AUTO none = world_operator(w, "EmailGateway.AddDomain", "\"DomainName\":\"first.test\"");
    assert_reply(&none, "Field", "Account");
    assert_reply(&none, "ErrorMessage", "There is no account yet: make one first");
    world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO only = world_operator(w, "EmailGateway.AddDomain", "\"DomainName\":\"first.test\"");
    assert_reply(&only, "DomainName", "first.test");
    REPLY_AUTO list = world_operator(w, "Operator.DomainList", "\"Account\":\"a@owner.test\"");
    assert_reply(&list, "Domains.1.DomainName", "first.test");
    world_tenant(w, "b@owner.test", "b.test");
    REPLY_AUTO several = world_operator(w, "EmailGateway.AddDomain", "\"DomainName\":\"second.test\"");
    assert_reply(&several, "ErrorCode", "422");
    assert_reply(&several, "Field", "Account");
}

static void a_finished_message_is_sent(void **state) {
    struct world *w = *state;
    world_tenant(w, "a@owner.test", "a.test");
    static const char *const cases[][2] = {
        {"", "1"},
        {"\"Message\":\"no header\"", "7"},
        {"\"Message\":\"Subject: x\\n\\nbody\"", "2"},
        {"\"Message\":\"From: a@a.test, b@a.test\\nTo: x@y.test\\n\\nbody\"", "2"},
        {"\"Message\":\"From: a@a.test\\nFrom: b@a.test\\nTo: x@y.test\\n\\nbody\"", "2"},
        {"\"Message\":\"From: a@b.test\\nTo: x@y.test\\n\\nbody\"", "3"},
        {"\"Message\":\"From: a@a.test\\n\\nbody\"", "5"},
        {"\"Message\":\"From: a@a.test\\nTo: nobody\\n\\nbody\"", "6"},
        {"\"Message\":\"From: a@a.test\\nTo: x@y.test\\n\\nbo\\rdy\"", "7"},
        {"\"Message\":\"From: a@a.test\\nTo: x@y.test\\n\\nbody\",\"Recipients\":[\"bad\"]", "6"},
        {"\"MessageBase64\":\"%%%\"", "422"},
        {"\"Message\":\"From: \\\"A, \\\\\\\"B\\\" (c, d) <a@mail.a.test>\\nTo: G: \\\"x, y\\\" <x@y.test>,\\n z@y.test;, "
         "X@y.test\\n"
         "Bcc: secret@y.test\\nSubject: =?utf-8?q?H=C3=A9?=\\n\\nbody\"",
         "0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = world_operator(w, "Operator.Send", cases[i][0]);
        assert_reply(&r, "ErrorCode", cases[i][1]);
    }
    assert_int_equal(w->offered, 4);
    REPLY_AUTO queue = world_operator(w, "Operator.QueueList", "");
    assert_reply(&queue, "Queue.0.Recipient", "x@y.test");
    assert_reply(&queue, "Queue.3.Recipient", "secret@y.test");
    assert_reply(&queue, "Queue.0.Sender", "a@mail.a.test");
    REPLY_AUTO off = world_operator(w, "Operator.DomainDisable", "\"Name\":\"a.test\"");
    assert_int_equal(off.status, 200);
    REPLY_AUTO refused = world_operator(w, "Operator.Send", "\"Message\":\"From: a@a.test\\nTo: x@y.test\\n\\nbody\"");
    assert_reply(&refused, "ErrorCode", "4");
}

/* ---- the inbox: a sender sees its own domain's messages alone (P6) ---- */
struct receive_job {
    struct job job;
    struct inbox_delivery mail;
    struct seal_key key;
};

static enum status run_receive(struct job *job, void *ctx) {
    struct receive_job *r = LIST_OWNER(job, struct receive_job, job);
    return inbox_receive(ctx, &r->key, &r->mail);
}

static void receive_done(struct job *job) {
    (void)job;
}

static void receive(struct world *w, int64_t recipient_id) {
    struct receive_job r = {.job = {.run = run_receive, .done = receive_done}};
    struct str to = STR("x@y.test");
    BUF_AUTO from = {0};
    return_path_make(&r.key, RETURN_PATH_BOUNCE, recipient_id, &from);
    buf_add_z(&from, "@mail.a.test");
    r.mail = (struct inbox_delivery){
        .envelope_from = buf_str(&from),
        .recipients = &to,
        .recipient_count = 1,
        .content = STR("From: me@a.test\r\nSubject: Hi\r\n\r\nHello\r\n"),
        .received_at = 1000,
    };
    assert_int_equal(executor_submit(w->api.writer, &r.job), STATUS_OK);
    assert_int_equal(r.job.status, STATUS_OK);
}

static void the_inbox_shows_a_sender_its_own(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    REPLY_AUTO sent = world_operator(w, "Operator.Send", "\"Message\":\"From: me@a.test\\nTo: x@y.test\\n\\nHello\"");
    assert_reply(&sent, "ErrorCode", "0");
    receive(w, 1);
    static const char *const paths[] = {"/api/v1/inbox", "/api/v1/inbox/1", "/api/v1/inbox/1/raw"};
    REPLY_AUTO list = world_ask(w, &(struct ask){.method = "GET", .path = paths[0], .bearer = a.sender_key});
    assert_reply(&list, "Messages.0.Subject", "Hi");
    assert_true(str_eq(reply_text(&list, "Messages.0.MessageID"), reply_text(&sent, "MessageID")));
    REPLY_AUTO one = world_ask(w, &(struct ask){.method = "GET", .path = paths[1], .bearer = a.sender_key});
    assert_reply(&one, "Message.From", "me@a.test");
    assert_true(str_starts(reply_text(&one, "Message.PlainContent"), STR("Hello")));
    REPLY_AUTO by_id = world_ask(w, &(struct ask){.method = "GET", .path = paths[0], .query = "id=1", .bearer = a.sender_key});
    assert_true(str_eq(buf_str(&by_id.body), buf_str(&one.body)));
    REPLY_AUTO raw = world_ask(w, &(struct ask){.method = "GET", .path = paths[2], .bearer = a.sender_key});
    assert_true(str_eq(raw.content_type, STR("message/rfc822")));
    assert_true(str_starts(buf_str(&raw.body), STR("From: me@a.test\r\n")));
    REPLY_AUTO theirs = world_ask(w, &(struct ask){.method = "GET", .path = paths[1], .bearer = b.sender_key});
    REPLY_AUTO missing = world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/inbox/999", .bearer = b.sender_key});
    assert_int_equal(theirs.status, 404);
    assert_true(str_eq(buf_str(&theirs.body), buf_str(&missing.body)));
    REPLY_AUTO their_list = world_ask(w, &(struct ask){.method = "GET", .path = paths[0], .bearer = b.sender_key});
    assert_reply(&their_list, "Messages.0.ID", "");
    REPLY_AUTO more = world_operator(w, "Operator.Send", "\"Message\":\"From: me@a.test\\nTo: x@y.test\\n\\nAgain\"");
    assert_reply(&more, "ErrorCode", "0");
    receive(w, 2);
    static const char *const counts[] = {"RetrieveCount=1", "limit=1", "RetrieveCount=1&Limit=2"};
    for (size_t i = 0; i < 3; i++) {
        REPLY_AUTO few =
            world_ask(w, &(struct ask){.method = "GET", .path = paths[0], .query = counts[i], .bearer = a.sender_key});
        assert_reply(&few, "Messages.0.ID", "2");
        assert_reply(&few, "Messages.1.ID", "");
    }
    REPLY_AUTO none =
        world_ask(w, &(struct ask){.method = "GET", .path = paths[0], .query = "RetrieveCount=101", .bearer = a.sender_key});
    assert_reply(&none, "Errors.0.Field", "RetrieveCount");
    assert_reply(&none, "Errors.0.Message", "RetrieveCount must be from 1 to 100");
    w->api.is_sandbox = false;
    for (size_t i = 0; i < 3; i++) {
        REPLY_AUTO live = world_ask(w, &(struct ask){.method = "GET", .path = paths[i], .bearer = a.sender_key});
        assert_int_equal(live.status, 404);
    }
    REPLY_AUTO control = world_operator(w, "Operator.InboxRaw", "\"ID\":1");
    BUF_AUTO bytes = {0};
    assert_true(base64_decode(&bytes, reply_text(&control, "Content")));
    assert_true(str_eq(buf_str(&bytes), buf_str(&raw.body)));
}

/* ---- probes ---- */
static bool is_stopping(void *arg) {
    (void)arg;
    return false;
}

static void probes_answer_without_credentials(void **state) {
    struct world *w = *state;
    REPLY_AUTO live = world_ask(w, &(struct ask){.method = "GET", .path = "/healthz/live"});
    REPLY_AUTO ready = world_ask(w, &(struct ask){.method = "GET", .path = "/healthz"});
    REPLY_AUTO metrics = world_ask(w, &(struct ask){.method = "HEAD", .path = "/metrics"});
    assert_int_equal(live.status, 200);
    assert_int_equal(ready.status, 200);
    assert_int_equal(metrics.status, 200);
    assert_true(str_find_str(buf_str(&metrics.body), STR("posthorn_queue_waiting 0\n")) != STR_NONE);
    w->api.owner.epoch++; /* another process took the queue over */
    REPLY_AUTO replaced = world_ask(w, &(struct ask){.method = "GET", .path = "/healthz/ready"});
    assert_int_equal(replaced.status, 503);
    w->api.owner.epoch--;
    w->api.is_ready = is_stopping;
    REPLY_AUTO stopping = world_ask(w, &(struct ask){.method = "GET", .path = "/healthz/ready"});
    assert_int_equal(stopping.status, 503);
    REPLY_AUTO nowhere = world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/inbox/1/2/3"});
    assert_int_equal(nowhere.status, 404);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(login_opens_a_session_that_expires), WORLD_TEST(one_valid_credential_suffices),
        WORLD_TEST(what_is_no_command_is_refused),      WORLD_TEST(domains_are_added_once_an_account),
        WORLD_TEST(keys_are_made_shown_and_deleted),    WORLD_TEST(anothers_objects_do_not_exist),
        WORLD_TEST(the_operator_is_told_what_is_wrong), WORLD_TEST(a_domain_goes_to_the_only_account),
        WORLD_TEST(a_finished_message_is_sent),         WORLD_TEST(the_inbox_shows_a_sender_its_own),
        WORLD_TEST(probes_answer_without_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
