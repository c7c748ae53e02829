/* test_templates.c - UserEmailTemplate.* and /api/v1/templates: saved only when they render, versions, previews, one tenant's
 * never another's (P6, TN01).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>

#define WELCOME                                                                                                                  \
    "\"EmailName\":\"Welcome\",\"Subject\":\"Hi {{name}}\",\"HTMLContent\":\"<p>{{name}}</p>\",\"PlainContent\":\"{{name}}!\""

static void a_template_lives_through_commands(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO made = world_command(w, t.user_key, "UserEmailTemplate.Create", WELCOME);
    assert_reply(&made, "EmailTemplate.Name", "Welcome");
    assert_reply(&made, "EmailTemplate.ContentType", "Both");
    assert_reply(&made, "EmailTemplate.Version", "1");
    assert_reply(&made, "EmailID", "1");
    REPLY_AUTO again = world_command(w, t.user_key, "UserEmailTemplate.Create", WELCOME);
    assert_int_equal(reply_code(&again), 7);
    REPLY_AUTO updated = world_command(w, t.user_key, "useremailtemplate.update", "\"EmailID\":1,\"Subject\":\"Hello {{name}}\"");
    assert_reply(&updated, "EmailTemplate.Version", "2");
    assert_reply(&updated, "EmailTemplate.HTMLContent", "<p>{{name}}</p>");
    REPLY_AUTO same =
        world_command(w, t.user_key, "useremailtemplate.update", "\"EmailID\":\"1\",\"Subject\":\"Hello {{name}}\"");
    assert_reply(&same, "EmailTemplate.Version", "2"); /* nothing changed: no version */
    REPLY_AUTO old = world_command(w, t.user_key, "UserEmailTemplate.Get", "\"EmailID\":1,\"Version\":1");
    assert_reply(&old, "EmailTemplate.Subject", "Hi {{name}}");
    REPLY_AUTO versions = world_command(w, t.user_key, "UserEmailTemplate.Versions", "\"EmailID\":1");
    assert_reply(&versions, "Versions.0.Version", "2");
    assert_reply(&versions, "Versions.0.IsCurrent", "true");
    assert_reply(&versions, "Versions.1.IsCurrent", "false");
    REPLY_AUTO restored = world_command(w, t.user_key, "UserEmailTemplate.Restore", "\"EmailID\":1,\"Version\":1");
    assert_reply(&restored, "EmailTemplate.Version", "3");
    assert_reply(&restored, "EmailTemplate.Subject", "Hi {{name}}");
    REPLY_AUTO second = world_command(w, t.user_key, "UserEmailTemplate.Create", "\"EmailName\":\"Another\",\"Subject\":\"S\"");
    BUF_AUTO take = {0};
    buf_addf(&take, "\"EmailID\":%.*s,\"EmailName\":\"Welcome\"", STR_ARG(reply_text(&second, "EmailID")));
    assert_reply(&second, "EmailTemplate.ContentType", "Plain");
    REPLY_AUTO taken = world_command(w, t.user_key, "UserEmailTemplate.Update", take.p);
    assert_int_equal(reply_code(&taken), 7);
    REPLY_AUTO list = world_command(w, t.user_key, "UserEmailTemplates.Get", "\"OrderField\":\"EmailName\",\"Limit\":1");
    assert_reply(&list, "TotalEmailTemplateCount", "2");
    assert_reply(&list, "EmailTemplates.0.EmailName", "Another");
    assert_reply(&list, "EmailTemplates.1.EmailName", "");
    REPLY_AUTO gone = world_command(w, t.user_key, "UserEmailTemplate.Delete", "\"EmailID\":1");
    assert_reply(&gone, "DeletedCount", "1");
    REPLY_AUTO missing = world_command(w, t.user_key, "UserEmailTemplate.Get", "\"EmailID\":1");
    assert_int_equal(reply_code(&missing), 3);
}

static void what_is_wrong_is_told_with_its_place(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    static const struct {
        const char *command, *members, *field, *text;
        int64_t code;
    } table[] = {
        {"Create", "\"Subject\":\"S\"", "EmailName", "EmailName", 1},
        {"Create", "\"EmailName\":\"N\"", "Subject", "Subject", 2},
        {"Create", "\"EmailName\":\"N\",\"Subject\":\"S\",\"HTMLContent\":\"<p>\\n  {{#if a}}</p>\"", "HTMLContent",
         "line 2, column 3", 422},
        {"Create", "\"EmailName\":\"N\",\"Subject\":\"{{a\"", "Subject", "line 1, column 1", 422},
        {"Create", "\"EmailName\":\"N\",\"Subject\":\"S\",\"PlainContent\":\"{{shout a}}\"", "PlainContent", "no helper", 422},
        {"Create", "\"EmailName\":\"N\",\"Subject\":\"a\\r\\nBcc: b@c.test\"", "Subject", "control", 422},
        {"Create", "\"EmailName\":[],\"Subject\":\"S\"", "EmailName", "text", 422},
        {"Update", "\"Subject\":\"S\"", "EmailID", "EmailID", 1},
        {"Update", "\"EmailID\":\"x\"", "EmailID", "EmailID", 2},
        {"Update", "\"EmailID\":9", "EmailID", "not found", 6},
        {"Get", "", "EmailID", "EmailID", 1},
        {"Get", "\"EmailID\":-1", "EmailID", "EmailID", 2},
        {"Delete", "\"EmailID\":9", "EmailID", "not found", 3},
        {"Restore", "\"EmailID\":9", "Version", "Version", 4},
        {"Versions", "\"EmailID\":9", "EmailID", "not found", 3},
        {"Preview", "", "EmailTemplateID", "EmailTemplateID", 1},
        {"Preview", "\"EmailTemplateID\":1,\"SampleData\":\"x\"", "SampleData", "object", 4},
        {"Preview", "\"EmailTemplateID\":9", "EmailID", "not found", 3},
        {"List", "\"OrderField\":\"x\"", "OrderField", "CreatedAt", 422},
        {"List", "\"Limit\":101", "Limit", "100", 422},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char command[64];
        snprintf(command, sizeof command, "UserEmailTemplate.%s", table[i].command);
        REPLY_AUTO r = world_command(w, t.user_key, command, table[i].members);
        struct str message = reply_text(&r, "ErrorMessage");
        if (reply_code(&r) != table[i].code || str_find_str(message, str_from_z(table[i].text)) == STR_NONE)
            fail_msg("%s {%s}: %.*s", command, table[i].members, STR_ARG(buf_str(&r.body)));
        assert_reply(&r, "Field", table[i].field);
    }
}

static void rest_twins(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO made = world_rest(w, "POST", "/api/v1/templates", t.user_key,
                                 "{\"Name\":\"N\",\"Subject\":\"Hi {{name}}\",\"HtmlContent\":\"<b>{{name}}</b>\"}");
    assert_int_equal(made.status, 201);
    assert_reply(&made, "EmailTemplate.TemplateID", "1");
    REPLY_AUTO put = world_rest(w, "PUT", "/api/v1/templates/1", t.user_key, "{\"PlainContent\":\"{{name}}\"}");
    assert_int_equal(put.status, 200);
    assert_reply(&put, "EmailTemplate.Version", "2");
    REPLY_AUTO list = world_rest(w, "GET", "/api/v1/templates", t.user_key, "");
    assert_reply(&list, "EmailTemplates.0.TemplateID", "1");
    REPLY_AUTO versions = world_rest(w, "GET", "/api/v1/templates/1/versions", t.user_key, "");
    assert_reply(&versions, "Versions.1.Version", "1");
    REPLY_AUTO restored = world_rest(w, "POST", "/api/v1/templates/1/versions/1", t.user_key, "");
    assert_reply(&restored, "EmailTemplate.PlainContent", "");
    assert_reply(&restored, "EmailTemplate.Version", "3");
    REPLY_AUTO shown =
        world_rest(w, "POST", "/api/v1/templates/1/preview", t.user_key, "{\"Data\":{\"name\":\"<Ann>\\r\\nBcc: x\"}}");
    assert_reply(&shown, "Subject", "Hi <Ann> Bcc: x");
    assert_reply(&shown, "HTMLContent", "<b>&lt;Ann&gt;\r\nBcc: x</b>");
    REPLY_AUTO missing = world_rest(w, "GET", "/api/v1/templates/7", t.user_key, "");
    assert_int_equal(missing.status, 404);
    assert_reply(&missing, "Errors.0.Field", "TemplateID");
    REPLY_AUTO gone = world_rest(w, "DELETE", "/api/v1/templates/1", t.user_key, "");
    assert_int_equal(gone.status, 200);
    REPLY_AUTO none = world_rest(w, "GET", "/api/v1/templates/1", t.user_key, "");
    assert_int_equal(none.status, 404);
    REPLY_AUTO nobody = world_rest(w, "GET", "/api/v1/templates", NULL, "");
    assert_int_equal(nobody.status, 401);
}

static void previews_render_or_say_why(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO unsaved = world_rest(w, "POST", "/api/v1/templates/preview", t.user_key,
                                    "{\"Subject\":\"{{a}}\",\"HTMLContent\":\"{{a}}{{#each "
                                    "l}}{{this}},{{/each}}\",\"Data\":{\"a\":\"{{b}}\",\"b\":1,\"l\":[1,2]}}");
    assert_reply(&unsaved, "Subject", "{{b}}"); /* HI19: values are never expanded */
    assert_reply(&unsaved, "HTMLContent", "{{b}}1,2,");
    assert_reply(&unsaved, "PlainContent", "");
    REPLY_AUTO broken = world_rest(w, "POST", "/api/v1/templates/preview", t.user_key, "{\"HTMLContent\":\"{{#if}}\"}");
    assert_int_equal(broken.status, 422);
    assert_reply(&broken, "Errors.0.Field", "HTMLContent");
    BUF_AUTO body = {0};
    buf_add_z(&body,
              "{\"PlainContent\":\"{{#each l}}{{#each ../l}}{{#each ../../l}}x{{/each}}{{/each}}{{/each}}\",\"Data\":{\"l\":[0");
    for (int i = 0; i < 1000; i++) buf_add_z(&body, ",0");
    buf_add_z(&body, "]}}");
    REPLY_AUTO endless = world_rest(w, "POST", "/api/v1/templates/preview", t.user_key, body.p);
    assert_int_equal(endless.status, 422);
    assert_true(str_find_str(reply_text(&endless, "Errors.0.Message"), STR("steps")) != STR_NONE);
}

static void sender_keys_read_but_do_not_write(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO made = world_command(w, t.user_key, "UserEmailTemplate.Create", WELCOME);
    REPLY_AUTO list = world_rest(w, "GET", "/api/v1/templates", t.sender_key, "");
    assert_reply(&list, "EmailTemplates.0.Name", "Welcome");
    REPLY_AUTO shown = world_rest(w, "POST", "/api/v1/templates/1/preview", t.sender_key, "{\"Data\":{\"name\":\"Ann\"}}");
    assert_reply(&shown, "Subject", "Hi Ann");
    REPLY_AUTO refused = world_rest(w, "DELETE", "/api/v1/templates/1", t.sender_key, "");
    assert_int_equal(refused.status, 401);
}

static void another_accounts_template_is_none_TN01(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "sender.test"), b = world_tenant(w, "b@owner.test", "other.test");
    REPLY_AUTO made = world_command(w, a.user_key, "UserEmailTemplate.Create", WELCOME);
    static const char *const commands[] = {"Get", "Update", "Delete", "Versions", "Restore", "Preview"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char command[64];
        snprintf(command, sizeof command, "UserEmailTemplate.%s", commands[i]);
        REPLY_AUTO theirs = world_command(w, b.user_key, command, "\"EmailID\":1,\"Subject\":\"mine\",\"Version\":1");
        REPLY_AUTO nobodys = world_command(w, b.user_key, command, "\"EmailID\":999,\"Subject\":\"mine\",\"Version\":1");
        assert_true(reply_code(&theirs) > 0);
        assert_true(str_eq(buf_str(&theirs.body), buf_str(&nobodys.body)));
    }
    REPLY_AUTO list = world_command(w, b.user_key, "UserEmailTemplate.List", "");
    assert_reply(&list, "TotalEmailTemplateCount", "0");
    REPLY_AUTO same_name = world_command(w, b.user_key, "UserEmailTemplate.Create", WELCOME);
    assert_int_equal(reply_code(&same_name), 0);
    REPLY_AUTO still = world_command(w, a.user_key, "UserEmailTemplate.Get", "\"EmailID\":1");
    assert_reply(&still, "EmailTemplate.Version", "1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_template_lives_through_commands),
        WORLD_TEST(what_is_wrong_is_told_with_its_place),
        WORLD_TEST(rest_twins),
        WORLD_TEST(previews_render_or_say_why),
        WORLD_TEST(sender_keys_read_but_do_not_write),
        WORLD_TEST(another_accounts_template_is_none_TN01),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
