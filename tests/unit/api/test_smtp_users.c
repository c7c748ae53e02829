/* test_smtp_users.c - SMTP users and sender keys: every code, what is shown once, and what is masked (decisions 11, 12; P10).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "core/smtp_users.h"

#include <stdio.h>

struct login_job {
    struct job job;
    struct str username, password;
    enum status answer;
};

static enum status run_login(struct job *job, void *ctx) {
    ARENA_AUTO arena = {0};
    struct login_job *login = LIST_OWNER(job, struct login_job, job);
    struct smtp_login found;
    login->answer = smtp_authenticate(ctx, &arena, login->username, login->password, &found);
    return STATUS_OK;
}

static enum status log_in(struct world *w, struct str username, struct str password) {
    struct login_job job = {.job = {.run = run_login}, .username = username, .password = password};
    world_write(w, &job.job);
    return job.answer;
}

static void a_password_is_shown_once(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO made = world_command(w, a.user_key, "EmailGateway.AddSMTP",
                                    "\"DomainID\":\"1\",\"FromEmail\":\"news@mail.a.test\",\"FromName\":\"News\"");
    assert_reply(&made, "Success", "true");
    assert_true(json_is(json_find(made.json, STR("NewSMTPID")), JSON_STRING));
    assert_reply(&made, "SMTP.SMTPHost", "smtp.gateway.test");
    assert_reply(&made, "SMTP.SMTPPorts.0", "25");
    assert_reply(&made, "SMTP.SMTPPorts.1", "587");
    assert_true(json_is(json_first(json_find(json_find(made.json, STR("SMTP")), STR("SMTPPorts"))), JSON_STRING));
    assert_true(reply_text(&made, "SMTP.OtherSMTPInfo").n > 0);
    struct str username = reply_text(&made, "SMTP.Username"), password = reply_text(&made, "SMTP.Password");
    assert_true(str_ends(username, STR("@a.test")));
    assert_int_equal(log_in(w, username, password), STATUS_OK);
    assert_int_equal(log_in(w, username, STR("phm_wrong")), STATUS_DENIED);
    assert_int_equal(log_in(w, STR("nobody@a.test"), password), STATUS_DENIED);
    REPLY_AUTO list = world_command(w, a.user_key, "EmailGateway.GetSMTPs", "\"DomainID\":1");
    assert_reply(&list, "SMTPs.0.SMTPID", "1");
    assert_reply(&list, "SMTPs.0.Password", "********");
    assert_reply(&list, "SMTPs.0.FromEmail", "news@mail.a.test");
    assert_reply(&list, "SMTPs.0.ReplyToEmail", "");
    assert_reply(&list, "SMTPs.0.IsActive", "true");
    assert_true(json_is(json_find(json_first(json_find(list.json, STR("SMTPs"))), STR("ReplyToName")), JSON_STRING));
    REPLY_AUTO reset = world_command(w, a.user_key, "EmailGateway.ResetSMTPPassword", "\"smtpid\":\"1\"");
    assert_reply(&reset, "SMTP.SMTPID", "1");
    assert_reply(&reset, "SMTP.Server", "smtp.gateway.test");
    assert_reply(&reset, "SMTP.Port", "587");
    assert_true(json_is(json_find(json_find(reset.json, STR("SMTP")), STR("Port")), JSON_NUMBER));
    assert_true(str_eq(reply_text(&reset, "SMTP.Username"), username));
    assert_int_equal(log_in(w, username, password), STATUS_DENIED);
    assert_int_equal(log_in(w, username, reply_text(&reset, "SMTP.Password")), STATUS_OK);
    world_execute(w, "UPDATE smtp_users SET is_active = 0");
    assert_int_equal(log_in(w, username, reply_text(&reset, "SMTP.Password")), STATUS_DENIED);
}

static void every_code_has_its_case(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    REPLY_AUTO made = world_command(w, b.user_key, "EmailGateway.AddSMTP", "\"DomainID\":2");
    assert_reply(&made, "NewSMTPID", "1");
    static const char *const cases[][3] = {
        {"EmailGateway.AddSMTP", "", "1"},
        {"EmailGateway.AddSMTP", "\"DomainID\":\"x\"", "2"},
        {"EmailGateway.AddSMTP", "\"DomainID\":2", "2"},
        {"EmailGateway.AddSMTP", "\"DomainID\":1,\"FromEmail\":\"me@b.test\"", "422"},
        {"EmailGateway.AddSMTP", "\"DomainID\":1,\"FromEmail\":\"me\"", "422"},
        {"EmailGateway.AddSMTP", "\"DomainID\":1,\"ReplyToName\":\"a\\nb\"", "422"},
        {"EmailGateway.GetSMTPs", "", "1"},
        {"EmailGateway.GetSMTPs", "\"DomainID\":2", "2"},
        {"EmailGateway.DeleteSMTP", "", "1"},
        {"EmailGateway.DeleteSMTP", "\"smtpid\":1", "2"},
        {"EmailGateway.DeleteSMTP", "\"SMTPID\":\"x\"", "2"},
        {"EmailGateway.ResetSMTPPassword", "", "1"},
        {"EmailGateway.ResetSMTPPassword", "\"smtpid\":1", "2"},
        {"EmailGateway.ReplaceAPI", "\"DomainID\":1", "1"},
        {"EmailGateway.ReplaceAPI", "\"Description\":\"d\"", "2"},
        {"EmailGateway.ReplaceAPI", "\"Description\":\"d\",\"DomainID\":2", "3"},
        {"EmailGateway.ReplaceAPI", "\"Description\":\"d\",\"DomainID\":1,\"ApiKeyId\":2", "5"},
        {"EmailGateway.ReplaceAPI", "\"Description\":\"d\",\"DomainID\":1,\"ApiKeyId\":\"x\"", "5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = world_command(w, a.user_key, cases[i][0], cases[i][1]);
        if (!str_eq(reply_text(&r, "ErrorCode"), str_from_z(cases[i][2]))) print_error("%s %s\n", cases[i][0], cases[i][1]);
        assert_reply(&r, "ErrorCode", cases[i][2]);
    }
    REPLY_AUTO gone = world_command(w, b.user_key, "EmailGateway.DeleteSMTP", "\"smtpid\":\"1\"");
    assert_reply(&gone, "Success", "true");
    REPLY_AUTO list = world_command(w, b.user_key, "EmailGateway.GetSMTPs", "\"DomainID\":2");
    assert_true(json_is(json_find(list.json, STR("SMTPs")), JSON_ARRAY));
    assert_null(json_first(json_find(list.json, STR("SMTPs"))));
}

static void assert_key_works(struct world *w, const char *key, bool does) {
    REPLY_AUTO r = world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/webhooks", .bearer = key});
    assert_int_equal(r.status, does ? 200 : 401);
}

/* A replaced key ends at once; the new one has what it had. Without an id every key of the domain is replaced. */
static void a_key_is_replaced(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO made = world_command(w, a.user_key, "EmailGateway.AddAPI",
                                    "\"Description\":\"d\",\"DomainID\":1,\"Permissions\":\"webhooks\",\"JourneyID\":\"j\"");
    char old[128], replaced[128], members[128];
    snprintf(old, sizeof old, "%.*s", STR_ARG(reply_text(&made, "APIKey.Key")));
    snprintf(members, sizeof members, "\"Description\":\"new\",\"DomainID\":\"1\",\"APIKeyID\":\"%.*s\"",
             STR_ARG(reply_text(&made, "NewAPIKeyID")));
    REPLY_AUTO one = world_command(w, a.user_key, "EmailGateway.ReplaceAPI", members);
    assert_reply(&one, "APIKey.Permissions", "webhooks");
    assert_reply(&one, "APIKey.Options.JourneyID", "j");
    assert_reply(&one, "APIKey.Description", "new");
    snprintf(replaced, sizeof replaced, "%.*s", STR_ARG(reply_text(&one, "APIKey.Key")));
    assert_key_works(w, old, false);
    assert_key_works(w, replaced, true);
    assert_key_works(w, a.sender_key, true);
    REPLY_AUTO all = world_command(w, a.user_key, "EmailGateway.ReplaceAPI", "\"Description\":\"only\",\"DomainID\":1");
    assert_reply(&all, "APIKey.Permissions", "send,events,webhooks");
    assert_key_works(w, replaced, false);
    assert_key_works(w, a.sender_key, false);
    REPLY_AUTO list = world_command(w, a.user_key, "EmailGateway.GetAPIs", "\"DomainID\":1");
    assert_reply(&list, "APIKeys.0.Description", "only");
    assert_reply(&list, "APIKeys.1.Description", "");
}

/* What was sealed under a lost master key is masked, and hides nothing else. */
static void a_key_that_cannot_be_opened_is_masked(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    world_execute(w,
                  "INSERT INTO sender_keys (account_id, domain_id, key_hash, key_sealed, description, scopes, created_at) VALUES "
                  "(1, 1, x'00', x'0102', 'lost', 1, 1)");
    REPLY_AUTO list = world_command(w, a.user_key, "EmailGateway.GetAPIs", "\"DomainID\":1");
    assert_reply(&list, "APIKeys.0.Key", a.sender_key);
    assert_reply(&list, "APIKeys.1.Key", "********");
    assert_reply(&list, "APIKeys.1.Description", "lost");
    static const char *const texts[] = {"KeyID", "DomainID", "UserID", "Key", "Permissions", "CreationDate", "LastUsedDate"};
    JSON_FOR_EACH (row, json_find(list.json, STR("APIKeys")))
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            assert_true(json_is(json_find(row, str_from_z(texts[i])), JSON_STRING));
}

/* ---- SmtpRelay ---- */
static struct reply relay(struct world *w, struct reply *user, const char *members) {
    BUF_AUTO all = {0};
    buf_addf(&all, "\"SMTPUsername\":\"%.*s\",\"SMTPPassword\":\"%.*s\"%s%s", STR_ARG(reply_text(user, "SMTP.Username")),
             STR_ARG(reply_text(user, "SMTP.Password")), *members ? "," : "", members);
    return world_operator(w, "EmailGateway.SmtpRelay", all.p);
}

#define MESSAGE "\"RawEmail\":\"From: me@a.test\\r\\nTo: x@y.test\\r\\nSubject: S\\r\\n\\r\\nHello\\r\\n\""

static void a_relay_hands_in_what_a_user_submitted(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO user = world_command(w, a.user_key, "EmailGateway.AddSMTP", "\"DomainID\":1");
    REPLY_AUTO judged = relay(w, &user, "");
    assert_reply(&judged, "Success", "true");
    assert_reply(&judged, "SenderDomain", "a.test");
    assert_int_equal(w->offered, 0);
    REPLY_AUTO sent = relay(w, &user, MESSAGE ",\"UUID\":\"one\",\"MailFrom\":\"bounce@a.test\"");
    assert_reply(&sent, "SMTPResponse", "250 2.0.0 Ok: queued");
    assert_int_equal(reply_text(&sent, "MessageID").n, 36);
    assert_int_equal(w->offered, 1);
    REPLY_AUTO again = relay(w, &user, MESSAGE ",\"UUID\":\"one\"");
    assert_true(str_eq(reply_text(&again, "MessageID"), reply_text(&sent, "MessageID")));
    assert_int_equal(w->offered, 1);
    REPLY_AUTO many = relay(w, &user, MESSAGE ",\"RcptTo\":\"p@y.test, q@y.test,p@y.test\"");
    assert_reply(&many, "Success", "true");
    assert_int_equal(w->offered, 3);
    static const char *const cases[][3] = {
        {"\"RawEmail\":\"From: me@b.test\\nTo: x@y.test\\n\\nHello\"", "4", NULL},
        {"\"RawEmail\":\"From: me@a.test\\n\\nHello\"", "422", NULL},
        {"\"RawEmail\":\"To: x@y.test\\n\\nHello\"", "422", NULL},
        {"\"RawEmail\":\"no header\"", "422", NULL},
        {MESSAGE ",\"RcptTo\":\"nobody\"", "422", NULL},
        {"\"RawEmail\":\"From: me@a.test\\nTo: x@y.test\\n\\nOther\",\"UUID\":\"one\"", "409", NULL},
        {MESSAGE ",\"RcptTo\":\"p@y.test\",\"UUID\":\"one\"", "409", NULL}, /* a copy to others, not a second try */
        {"", "5", "UPDATE domains SET state = 2"},
        {"", "6", "UPDATE domains SET state = 1; UPDATE accounts SET is_active = 0"},
        {"", "7", "UPDATE accounts SET is_active = 1, is_verified = 0"},
        {MESSAGE ",\"RcptTo\":\"p@y.test,q@y.test\"", "9",
         "UPDATE accounts SET is_verified = 1; UPDATE account_groups SET recipients = 1"},
        {MESSAGE, "13", "UPDATE account_groups SET sends_per_day = 1"},
        {MESSAGE, "0", "UPDATE account_groups SET sends_per_day = 0, sends_per_second = 1"},
        {MESSAGE, "12", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i][2]) world_execute(w, cases[i][2]);
        REPLY_AUTO r = relay(w, &user, cases[i][0]);
        if (!str_eq(reply_text(&r, "ErrorCode"), str_from_z(cases[i][1]))) print_error("case %zu\n", i);
        assert_reply(&r, "ErrorCode", cases[i][1]);
    }
    world_execute(w, "UPDATE account_groups SET sends_per_second = 0");
    REPLY_AUTO suppressed = world_command(w, a.user_key, "Suppression.Add", "\"EmailAddress\":\"x@y.test\"");
    assert_reply(&suppressed, "ErrorCode", "0");
    REPLY_AUTO refused = relay(w, &user, MESSAGE);
    assert_reply(&refused, "ErrorCode", "8");
    REPLY_AUTO nobody = world_operator(w, "EmailGateway.SmtpRelay", "\"SMTPUsername\":\"x\",\"SMTPPassword\":\"y\"");
    assert_reply(&nobody, "ErrorCode", "3");
    REPLY_AUTO no_name = world_operator(w, "EmailGateway.SmtpRelay", "\"SMTPPassword\":\"y\"");
    assert_reply(&no_name, "ErrorCode", "1");
    REPLY_AUTO no_password = world_operator(w, "EmailGateway.SmtpRelay", "\"SMTPUsername\":\"x\"");
    assert_reply(&no_password, "ErrorCode", "2");
    REPLY_AUTO tenant = world_command(w, a.user_key, "EmailGateway.SmtpRelay", "\"SMTPUsername\":\"x\",\"SMTPPassword\":\"y\"");
    assert_reply(&tenant, "ErrorCode", "99998");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_password_is_shown_once),
        WORLD_TEST(every_code_has_its_case),
        WORLD_TEST(a_relay_hands_in_what_a_user_submitted),
        WORLD_TEST(a_key_is_replaced),
        WORLD_TEST(a_key_that_cannot_be_opened_is_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
