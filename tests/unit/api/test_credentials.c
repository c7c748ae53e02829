/* test_credentials.c - who a caller is: keys, sessions and administrators, where each may be shown, and what using one leaves
 * behind (decisions 6, 9; P6).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>

struct scene {
    struct world *w;
    struct tenant user;
    char admin_key[128];
};

static int set_up(void **state) {
    static struct scene s;
    s = (struct scene){.w = world_new()};
    s.user = world_tenant(s.w, "user@owner.test", "a.test");
    REPLY_AUTO admin = world_operator(s.w, "User.Create",
                                      "\"EmailAddress\":\"admin@owner.test\",\"Password\":\"correct horse\",\"IsAdmin\":true");
    reply_keep(&admin, "APIKey", s.admin_key, sizeof s.admin_key);
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    world_free(((struct scene *)*state)->w);
    return 0;
}

/* The ErrorCode of a command with the credentials given in header, query or body. */
static int64_t code_of(struct scene *s, const char *command, const char *bearer, const char *query, const char *members) {
    BUF_AUTO body = {0};
    buf_addf(&body, "{\"Command\":\"%s\"%s%s}", command, *members ? "," : "", members);
    REPLY_AUTO r = world_ask(s->w, &(struct ask){.bearer = bearer, .query = query, .body = body.p});
    return reply_code(&r);
}

static void log_in(struct scene *s, const char *command, const char *email, char *session, size_t size) {
    BUF_AUTO members = {0};
    buf_addf(&members, "\"Username\":\"%s\",\"Password\":\"correct horse\"", email);
    REPLY_AUTO r = world_command(s->w, NULL, command, members.p);
    assert_int_equal(reply_code(&r), 0);
    reply_keep(&r, "SessionID", session, size);
}

static void a_credential_counts_wherever_it_stands(void **state) {
    struct scene *s = *state;
    char session[128], text[256];
    static const char get[] = "EmailGateway.GetDomains";
    log_in(s, "User.Login", "user@owner.test", session, sizeof session);
    assert_int_equal(code_of(s, get, s->user.user_key, NULL, ""), 0);
    assert_int_equal(code_of(s, get, session, NULL, ""), 0); /* a bearer may be a session */
    snprintf(text, sizeof text, "SessionID=%s", session);
    assert_int_equal(code_of(s, get, NULL, text, ""), 0);
    snprintf(text, sizeof text, "\"apikey\":\"%s\"", s->user.user_key);
    assert_int_equal(code_of(s, get, NULL, NULL, text), 0);
    snprintf(text, sizeof text, "\"SessionID\":\"stale\",\"APIKey\":\"%s\"", s->user.user_key);
    assert_int_equal(code_of(s, get, NULL, NULL, text), 0); /* one valid one suffices */
    snprintf(text, sizeof text, "\"APIKey\":\"%s\"", s->admin_key);
    assert_int_equal(code_of(s, get, session, NULL, text), 99998); /* of two accounts: neither */
    assert_int_equal(code_of(s, get, s->user.sender_key, NULL, ""), 99998);
    assert_int_equal(code_of(s, get, NULL, NULL, ""), 99998);
    assert_int_equal(code_of(s, get, NULL, NULL, "\"APIKey\":[\"x\"],\"SessionID\":{}"), 99998);
    sim_run_for(s->w->loop, 25 * 3600000);
    assert_int_equal(code_of(s, get, session, NULL, ""), 99999);
}

static void administrators_come_by_their_own_key_or_session(void **state) {
    struct scene *s = *state;
    char own[128], plain[128], users[128], text[256];
    static const char get[] = "Users.Get";
    log_in(s, "Admin.Login", "admin@owner.test", own, sizeof own);
    log_in(s, "User.Login", "admin@owner.test", plain, sizeof plain);
    log_in(s, "User.Login", "user@owner.test", users, sizeof users);
    assert_int_equal(code_of(s, get, s->admin_key, NULL, ""), 0);
    snprintf(text, sizeof text, "\"AdminAPIKey\":\"%s\"", s->admin_key);
    assert_int_equal(code_of(s, get, NULL, NULL, text), 0);
    assert_int_equal(code_of(s, get, own, NULL, ""), 0);
    assert_int_equal(code_of(s, get, plain, NULL, ""), 99998); /* he is one, but did not come as one */
    assert_int_equal(code_of(s, get, users, NULL, ""), 99998);
    assert_int_equal(code_of(s, get, s->user.user_key, NULL, ""), 99998);
    snprintf(text, sizeof text, "\"AdminAPIKey\":\"%s\"", s->user.user_key);
    assert_int_equal(code_of(s, get, NULL, NULL, text), 99998);
    REPLY_AUTO login =
        world_command(s->w, NULL, "Admin.Login", "\"Username\":\"user@owner.test\",\"Password\":\"correct horse\"");
    assert_int_not_equal(reply_code(&login), 0);
    /* an administrator's right to an operation is no guess: it is not slowed as one */
    for (int i = 0; i < 100; i++) {
        REPLY_AUTO r = world_ask(
            s->w, &(struct ask){.bearer = s->user.user_key, .client = "192.0.2.1", .body = "{\"Command\":\"Users.Get\"}"});
        assert_int_equal(r.status, 200);
    }
}

/* What was judged before the body came holds for the operation it was judged for, and the body may name another one. */
static void the_body_changes_the_command_not_the_rights(void **state) {
    struct scene *s = *state;
    char query[256];
    snprintf(query, sizeof query, "Command=EmailGateway.GetDomains&APIKey=%s", s->user.user_key);
    assert_int_equal(code_of(s, "Users.Get", NULL, query, ""), 99998);
    assert_int_equal(code_of(s, "Users.Get", s->user.user_key, "Command=User.Current", ""), 99998);
    assert_int_equal(code_of(s, "User.Current", s->user.user_key, "Command=Users.Get", ""), 99998); /* refused unread */
    assert_int_equal(code_of(s, "Users.Get", s->user.user_key, "Command=User.Login", ""), 99998);
    assert_int_equal(code_of(s, "Users.Get", NULL, "Command=User.Login", ""), 99998);
    assert_int_equal(code_of(s, "Users.Get", s->admin_key, "Command=User.Current", ""), 0);
    assert_int_equal(code_of(s, "User.Current", s->user.sender_key, NULL, ""), 99998);
}

static void a_key_bound_to_networks_works_from_there_alone(void **state) {
    struct scene *s = *state;
    static const struct {
        const char *client;
        int64_t code;
    } cases[] = {{"192.0.2.7", 0},     {"::ffff:192.0.2.7", 0}, {"198.51.100.1", 0}, {"198.51.100.2", 99998},
                 {"2001:db8:1::9", 0}, {"2001:db9::9", 99998},  {NULL, 99998}};
    char key[128];
    REPLY_AUTO made = world_command(s->w, s->user.user_key, "User.APIKey.Create",
                                    "\"Note\":\"Shop\",\"BoundIPAddress\":\"192.0.2.0/24, 198.51.100.1,2001:db8::/32\"");
    reply_keep(&made, "APIKey.APIKey", key, sizeof key);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r =
            world_ask(s->w, &(struct ask){.bearer = key, .client = cases[i].client, .body = "{\"Command\":\"User.Current\"}"});
        if (reply_code(&r) != cases[i].code) print_error("from %s\n", cases[i].client);
        assert_int_equal(reply_code(&r), cases[i].code);
    }
}

/* The owner of a key sees when and from where it was used, to the minute. */
static void using_a_key_leaves_a_note(void **state) {
    struct scene *s = *state;
    REPLY_AUTO before = world_command(s->w, s->admin_key, "User.APIKey.List", "");
    REPLY_AUTO used = world_ask(
        s->w, &(struct ask){.bearer = s->user.user_key, .client = "192.0.2.7", .body = "{\"Command\":\"User.Current\"}"});
    assert_int_equal(reply_code(&used), 0);
    sim_run_for(s->w->loop, 10);
    REPLY_AUTO list = world_command(s->w, s->user.user_key, "User.APIKey.List", "");
    char first[32];
    reply_keep(&list, "APIKeys.0.LastUsedAt", first, sizeof first);
    for (int i = 0; i < 2; i++) {
        sim_run_for(s->w->loop, 40000);
        REPLY_AUTO again = world_ask(
            s->w, &(struct ask){.bearer = s->user.user_key, .client = "192.0.2.8", .body = "{\"Command\":\"User.Current\"}"});
        assert_int_equal(reply_code(&again), 0);
        sim_run_for(s->w->loop, 10);
        REPLY_AUTO now = world_command(s->w, s->user.user_key, "User.APIKey.List", "");
        assert_int_equal(str_eq(reply_text(&now, "APIKeys.0.LastUsedAt"), str_from_z(first)), i == 0);
        if (i == 1) assert_true(str_eq(reply_text(&now, "APIKeys.0.LastUsedIP"), STR("192.0.2.8")));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_credential_counts_wherever_it_stands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(administrators_come_by_their_own_key_or_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_body_changes_the_command_not_the_rights, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_bound_to_networks_works_from_there_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(using_a_key_leaves_a_note, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
