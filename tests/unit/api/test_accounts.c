/* test_accounts.c - accounts, groups, user keys, logging in and the mail that goes to accounts, over a real database (UI12, UI13,
 * UI15, UI18, AU11, TN06, P6, P10).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/encode.h"
#include "core/accounts.h"
#include "core/content.h"
#include "db/db.h"
#include "store/messages.h"

#include <stdio.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define HOME    "192.0.2.7"
#define ABROAD  "198.51.100.9"

/* A command that is refused, or done (code "0"). */
static void assert_code(struct world *w, const char *key, const char *command, const char *members, const char *code) {
    REPLY_AUTO r = world_command(w, key, command, members);
    if (!str_eq(reply_text(&r, "ErrorCode"), str_from_z(code))) print_error("%s {%s}\n", command, members);
    assert_reply(&r, "ErrorCode", code);
    if (strcmp(code, "0") != 0) assert_true(reply_text(&r, "ErrorMessage").n > 0);
}

static void make_admin(struct world *w, char key[128]) {
    REPLY_AUTO r =
        world_operator(w, "User.Create", "\"EmailAddress\":\"root@owner.test\",\"Password\":\"correct horse\",\"IsAdmin\":true");
    reply_keep(&r, "APIKey", key, 128);
}

/* A user with an id. */
struct user {
    char key[128], id[24];
};
static struct user make_user(struct world *w, const char *admin, const char *email, const char *more) {
    struct user user;
    BUF_AUTO members = {0};
    buf_addf(&members, "\"EmailAddress\":\"%s\",\"Password\":\"correct horse\"%s", email, more);
    REPLY_AUTO r = world_command(w, admin, "User.Create", members.p);
    reply_keep(&r, "APIKey", user.key, sizeof user.key);
    reply_keep(&r, "UserID", user.id, sizeof user.id);
    return user;
}

static struct reply ask_from(struct world *w, const char *client, const char *key, const char *command, const char *members) {
    BUF_AUTO body = {0};
    buf_addf(&body, "{\"Command\":\"%s\"%s%s}", command, *members ? "," : "", members);
    return world_ask(w, &(struct ask){.bearer = key, .client = client, .body = body.p});
}

static struct reply login(struct world *w, const char *client, const char *email, const char *password, const char *more) {
    BUF_AUTO members = {0};
    buf_addf(&members, "\"Username\":\"%s\",\"Password\":\"%s\"%s", email, password, more);
    return ask_from(w, client, NULL, "User.Login", members.p);
}

/* ---- groups ---- */
static void groups_are_made_changed_and_deleted(void **state) {
    struct world *w = *state;
    char admin[128], id[24];
    make_admin(w, admin);
    REPLY_AUTO made = world_command(w, admin, "UserGroup.Create", "\"GroupName\":\"starter\",\"LimitEmailSendPerDay\":\"5000\"");
    reply_keep(&made, "UserGroupID", id, sizeof id);
    assert_reply(&made, "UserGroup.LimitEmailSendPerDay", "5000");
    assert_reply(&made, "UserGroup.LimitBCC", "50");
    assert_code(w, admin, "UserGroup.Create", "", "1");
    assert_code(w, admin, "UserGroup.Create", "\"GroupName\":\"starter\"", "3");
    assert_code(w, admin, "UserGroup.Create", "\"GroupName\":\"x\",\"LimitBCC\":-1", "422");
    assert_code(w, admin, "UserGroup.Get", "", "1");
    assert_code(w, admin, "UserGroup.Get", "\"UserGroupID\":99", "2");
    assert_code(w, admin, "UserGroup.Get", "\"UserGroup\":\"nobody\"", "2");
    BUF_AUTO members = {0};
    buf_addf(&members, "\"UserGroupID\":%s,\"LimitEmailGatewaySenderDomains\":3,\"GroupName\":\"small\"", id);
    REPLY_AUTO changed = world_command(w, admin, "UserGroup.Patch", members.p);
    assert_reply(&changed, "UserGroup.GroupName", "small");
    assert_reply(&changed, "UserGroup.LimitEmailGatewaySenderDomains", "3");
    assert_reply(&changed, "UserGroup.LimitEmailSendPerDay", "5000");
    assert_code(w, admin, "UserGroup.Update", "", "20");
    assert_code(w, admin, "UserGroup.Update", "\"UserGroupID\":99", "21");
    assert_code(w, admin, "UserGroup.Update", "\"UserGroup\":\"small\",\"GroupName\":\"default\"", "3");
    make_user(w, admin, "a@owner.test", ",\"UserGroup\":\"small\"");
    REPLY_AUTO list = world_command(w, admin, "UserGroups.Get", "");
    assert_reply(&list, "UserGroups.1.GroupName", "small");
    assert_reply(&list, "UserGroups.1.Users", "1");
    assert_code(w, admin, "UserGroup.Delete", "\"UserGroupID\":1", "4");
    assert_code(w, admin, "UserGroup.Delete", "\"UserGroup\":\"small\"", "5");
    assert_code(w, admin, "User.Update", "\"UserID\":2,\"UserGroup\":\"default\"", "0");
    assert_code(w, admin, "UserGroup.Delete", "\"UserGroup\":\"small\"", "0");
}

/* ---- accounts ---- */
static void administrators_manage_accounts(void **state) {
    struct world *w = *state;
    char admin[128];
    make_admin(w, admin);
    static const char *const refused[][2] = {
        {"\"Password\":\"correct horse\"", "2"},
        {"\"EmailAddress\":\"u@owner.test\"", "4"},
        {"\"EmailAddress\":\"no address\",\"Password\":\"correct horse\"", "10"},
        {"\"EmailAddress\":\"u@owner.test\",\"Password\":\"correct horse\",\"RelUserGroupID\":99", "11"},
        {"\"EmailAddress\":\"ROOT@owner.test\",\"Password\":\"correct horse\"", "13"},
        {"\"EmailAddress\":\"u@owner.test\",\"Password\":\"short\"", "422"},
        {"\"EmailAddress\":\"u@owner.test\",\"Password\":\"correct horse\",\"Username\":\"u\"", "422"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_code(w, admin, "User.Create", refused[i][0], refused[i][1]);
    struct user u = make_user(w, admin, "U@owner.test", ",\"FirstName\":\"J\\u00f6rg\",\"LastName\":\"D\"");
    REPLY_AUTO current = world_command(w, u.key, "User.Current", "");
    assert_reply(&current, "UserInfo.EmailAddress", "u@owner.test");
    assert_reply(&current, "UserInfo.GroupInfo.GroupName", "default");
    assert_reply(&current, "UserInfo.2FA_Enabled", "No");
    assert_reply(&current, "Usage.EmailGateway_TotalSentToday", "0");
    assert_true(str_find_str(buf_str(&current.body), STR("argon2")) == STR_NONE); /* P10 */
    REPLY_AUTO got = world_command(w, admin, "User.Get", "\"EmailAddress\":\"u@OWNER.test\"");
    assert_reply(&got, "UserInformation.UserID", u.id);
    assert_code(w, admin, "User.Get", "", "1");
    assert_code(w, admin, "User.Get", "\"UserID\":99", "3");
    assert_code(w, admin, "User.Get", "\"UserID\":1,\"EmailAddress\":\"u@owner.test\"", "3");
    REPLY_AUTO list = world_command(w, admin, "Users.Get", "\"SearchKeyword\":\"u@\",\"RecordsPerRequest\":1");
    assert_reply(&list, "TotalUsers", "1");
    assert_reply(&list, "Users.0.EmailAddress", "u@owner.test");
    REPLY_AUTO wild = world_command(w, admin, "User.Browse", "\"SearchKeyword\":\"%\"");
    assert_reply(&wild, "TotalUsers", "0");
    assert_code(w, u.key, "Users.Get", "", "99998");
    assert_code(w, u.key, "User.Create", "\"EmailAddress\":\"v@owner.test\",\"Password\":\"correct horse\"", "99998");
}

static void a_user_gives_himself_no_rights_TN06(void **state) {
    struct world *w = *state;
    char admin[128];
    make_admin(w, admin);
    struct user u = make_user(w, admin, "u@owner.test", ",\"IsVerified\":false");
    static const char *const fields[] = {
        "\"IsAdmin\":true",  "\"IsVerified\":true", "\"RelUserGroupID\":1",          "\"UserGroup\":\"default\"",
        "\"IsActive\":true", "\"TwoFactor\":false", "\"AccountStatus\":\"Enabled\"",
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        BUF_AUTO members = {0};
        buf_addf(&members, "\"FirstName\":\"Eve\",%s", fields[i]);
        assert_code(w, u.key, "User.Update", members.p, "422");
    }
    assert_code(w, u.key, "User.Update", "\"UserID\":1,\"FirstName\":\"Eve\"", "2");
    assert_code(w, u.key, "User.Update", "\"UserID\":99,\"FirstName\":\"Eve\"", "2"); /* P6: as one that is not there */
    assert_code(w, u.key, "User.APIKey.Create", "\"Note\":\"n\",\"IsAdmin\":true", "422");
    REPLY_AUTO current = world_command(w, u.key, "User.Current", "");
    assert_reply(&current, "UserInfo.FirstName", "");
    assert_reply(&current, "UserInfo.IsAdmin", "false");
    assert_reply(&current, "UserInfo.IsVerified", "false");
    assert_code(w, u.key, "User.Update", "\"FirstName\":\"Eve\"", "0");
    assert_code(w, admin, "User.Update", "\"UserID\":99,\"FirstName\":\"x\"", "5");
    assert_code(w, admin, "User.Update", "\"UserID\":2,\"EmailAddress\":\"root@owner.test\"", "6");
    assert_code(w, admin, "User.Update", "\"UserID\":2,\"UserGroup\":\"none\"", "7");
    BUF_AUTO members = {0};
    buf_addf(&members, "\"AdminAPIKey\":\"%s\",\"UserID\":2,\"IsVerified\":\"yes\"", admin);
    REPLY_AUTO both = world_command(w, NULL, "User.Update", members.p);
    assert_reply(&both, "UserInfo.IsVerified", "true");
}

static void a_deactivated_account_is_out_at_once(void **state) {
    struct world *w = *state;
    char admin[128], session[128];
    make_admin(w, admin);
    struct user u = make_user(w, admin, "u@owner.test", "");
    REPLY_AUTO in = login(w, HOME, "u@owner.test", "correct horse", "");
    reply_keep(&in, "SessionID", session, sizeof session);
    assert_code(w, session, "User.Current", "", "0");
    REPLY_AUTO off = world_operator(w, "User.Update", "\"Account\":\"u@owner.test\",\"IsActive\":\"no\"");
    assert_reply(&off, "UserInfo.AccountStatus", "Disabled");
    assert_code(w, u.key, "User.Current", "", "99998");
    assert_code(w, session, "User.Current", "", "99998");
    REPLY_AUTO again = login(w, HOME, "u@owner.test", "correct horse", "");
    assert_reply(&again, "ErrorCode", "3");
    assert_code(w, admin, "User.Update", "\"UserID\":2,\"AccountStatus\":\"Enabled\",\"IsActive\":false", "422");
    assert_code(w, admin, "User.Update", "\"UserID\":2,\"AccountStatus\":\"enabled\"", "0");
    assert_code(w, u.key, "User.Current", "", "0");
    assert_code(w, session, "User.Current", "", "99998");
}

static void accounts_are_deleted_when_they_are_empty(void **state) {
    struct world *w = *state;
    char admin[128];
    make_admin(w, admin);
    struct tenant t = world_tenant(w, "t@owner.test", "t.test");
    assert_code(w, admin, "User.Delete", "", "1");
    assert_code(w, admin, "User.Delete", "\"UserID\":99", "3");
    assert_code(w, admin, "User.Delete", "\"UserID\":1", "5");
    assert_code(w, admin, "User.Delete", "\"EmailAddress\":\"t@owner.test\"", "4");
    assert_code(w, t.user_key, "User.Current", "", "0");
    struct user u = make_user(w, admin, "u@owner.test", "");
    assert_code(w, admin, "User.Delete", "\"EmailAddress\":\"u@owner.test\"", "0");
    assert_code(w, u.key, "User.Current", "", "99998");
    assert_code(w, admin, "User.Get", "\"EmailAddress\":\"u@owner.test\"", "3");
}

/* Generated from the table: no credential of a user's, wherever it stands, opens an admin's operation; nor does a command in the
 * query that a user may call, when the body names another one. */
static void administration_is_closed_to_users(void **state) {
    struct world *w = *state;
    char admin[128], session[128];
    make_admin(w, admin);
    struct user u = make_user(w, admin, "u@owner.test", "");
    REPLY_AUTO in = login(w, HOME, "root@owner.test", "correct horse", "");
    reply_keep(&in, "SessionID", session, sizeof session); /* an administrator's, but not by Admin.Login */
    size_t closed = 0;
    for (size_t i = 0; i < operation_count(); i++) {
        const struct operation *op = operation_at(i);
        if (op->caller != CALLER_ADMIN || op->style != STYLE_COMMAND) continue;
        closed++;
        const char *const keys[] = {u.key, session};
        for (size_t k = 0; k < 2; k++) {
            BUF_AUTO parameter = {0};
            BUF_AUTO body = {0};
            assert_code(w, keys[k], op->name, "", "99998");
            buf_addf(&parameter, "\"AdminAPIKey\":\"%s\",\"APIKey\":\"%s\"", keys[k], keys[k]);
            assert_code(w, NULL, op->name, parameter.p, "99998");
            buf_addf(&body, "{\"Command\":\"%s\"}", op->name);
            REPLY_AUTO other = world_ask(w, &(struct ask){.query = "Command=User.Current", .bearer = keys[k], .body = body.p});
            assert_reply(&other, "ErrorCode", "99998");
        }
    }
    assert_true(closed >= 8);
}

/* ---- logging in ---- */
static void every_login_is_a_new_session_UI12(void **state) {
    struct world *w = *state;
    char admin[128], one[128], two[128], both[128];
    make_admin(w, admin);
    make_user(w, admin, "u@owner.test", "");
    REPLY_AUTO first = login(w, HOME, "root@owner.test", "correct horse", ""),
               second = login(w, HOME, "root@owner.test", "correct horse", "");
    reply_keep(&first, "SessionID", one, sizeof one);
    reply_keep(&second, "SessionID", two, sizeof two);
    assert_string_not_equal(one, two);
    assert_code(w, one, "Users.Get", "", "99998"); /* a user's session, though of an administrator */
    REPLY_AUTO user = ask_from(w, HOME, NULL, "Admin.Login", "\"Username\":\"u@owner.test\",\"Password\":\"correct horse\"");
    assert_reply(&user, "ErrorCode", "3");
    REPLY_AUTO root = ask_from(w, HOME, NULL, "Admin.Login", "\"Username\":\"root@owner.test\",\"Password\":\"correct horse\"");
    assert_reply(&root, "AdminInfo.AdminID", "1");
    reply_keep(&root, "SessionID", both, sizeof both);
    assert_code(w, both, "Users.Get", "", "0");
    assert_code(w, admin, "User.Logout", "", "1"); /* a key is no session */
    assert_code(w, one, "User.Logout", "", "0");
    assert_code(w, one, "User.Current", "", "99998");
    assert_code(w, two, "User.Logout", "\"Everywhere\":true", "0");
    assert_code(w, both, "User.Current", "", "99998");
}

static void a_new_password_ends_all_sessions_UI13(void **state) {
    struct world *w = *state;
    char admin[128], session[128];
    make_admin(w, admin);
    make_user(w, admin, "u@owner.test", "");
    REPLY_AUTO in = login(w, HOME, "u@owner.test", "correct horse", "");
    reply_keep(&in, "SessionID", session, sizeof session);
    assert_code(w, session, "User.Update", "\"Password\":\"better horse\"", "8");
    assert_code(w, session, "User.Update", "\"Password\":\"better horse\",\"CurrentPassword\":\"wrong\"", "8");
    assert_code(w, session, "User.Update", "\"Password\":\"short\",\"CurrentPassword\":\"correct horse\"", "422");
    assert_code(w, session, "User.Update", "\"Password\":\"better horse\",\"CurrentPassword\":\"correct horse\"", "0");
    assert_code(w, session, "User.Current", "", "99998");
    REPLY_AUTO old = login(w, HOME, "u@owner.test", "correct horse", "");
    assert_reply(&old, "ErrorCode", "3");
    REPLY_AUTO now = login(w, HOME, "u@owner.test", "better horse", "");
    assert_reply(&now, "ErrorCode", "0");
    assert_code(w, admin, "User.Update", "\"UserID\":2,\"Password\":\"battery staple\"", "0");
    assert_code(w, admin, "User.Update", "\"Password\":\"battery staple\"", "8"); /* his own */
}

static void guessing_locks_nobody_out_AU11(void **state) {
    struct world *w = *state;
    char admin[128];
    make_admin(w, admin);
    make_user(w, admin, "u@owner.test", "");
    REPLY_AUTO known = login(w, HOME, "u@owner.test", "correct horse", "");
    assert_reply(&known, "ErrorCode", "0");
    int wrong = 0;
    for (int i = 0; i < 12; i++) {
        char client[32];
        snprintf(client, sizeof client, "203.0.113.%d", i); /* a guesser with many addresses */
        REPLY_AUTO r = login(w, client, i % 2 ? "u@owner.test" : "U@owner.TEST", "guess", "");
        if (r.status == 200) {
            wrong++;
            assert_reply(&r, "ErrorCode", "3");
            continue;
        }
        assert_int_equal(r.status, 429);
        assert_reply(&r, "ErrorCode", "429");
        assert_true(r.retry_after.n > 0);
    }
    assert_int_equal(wrong, 10);
    REPLY_AUTO stranger = login(w, ABROAD, "u@owner.test", "correct horse", "");
    assert_int_equal(stranger.status, 429);
    REPLY_AUTO owner = login(w, HOME, "u@owner.test", "correct horse", "");
    assert_reply(&owner, "ErrorCode", "0");
    for (int i = 0; i < 10; i++) {
        REPLY_AUTO r = login(w, ABROAD, "nobody@owner.test", "guess", "");
        assert_reply(&r, "ErrorCode", "3");
    }
    REPLY_AUTO nobody = login(w, ABROAD, "nobody@owner.test", "guess", ""); /* as a name that exists */
    assert_int_equal(nobody.status, 429);
    sim_run_for(w->loop, 61000);
    REPLY_AUTO later = login(w, ABROAD, "u@owner.test", "correct horse", "");
    assert_reply(&later, "ErrorCode", "0");
}

/* Right passwords are hashed as well: an account that logs in all the time would keep the slow pool from the others (P6). */
static void an_account_logs_in_only_so_often(void **state) {
    struct world *w = *state;
    char admin[128];
    int in = 0;
    make_admin(w, admin);
    make_user(w, admin, "u@owner.test", "");
    for (int i = 0; i < 80; i++) {
        REPLY_AUTO r = login(w, HOME, "u@owner.test", "correct horse", "");
        in += r.status == 200;
    }
    assert_in_range(in, 60, 70);
    REPLY_AUTO other = login(w, HOME, "root@owner.test", "correct horse", "");
    assert_reply(&other, "ErrorCode", "0");
}

static void an_address_is_slowed_whoever_it_guesses_at(void **state) {
    struct world *w = *state;
    int wrong = 0;
    for (int i = 0; i < 32; i++) {
        char name[40];
        snprintf(name, sizeof name, "u%d@owner.test", i);
        REPLY_AUTO r = login(w, ABROAD, name, "guess", "");
        wrong += r.status == 200;
    }
    assert_int_equal(wrong, 30);
    REPLY_AUTO elsewhere = login(w, HOME, "u1@owner.test", "guess", "");
    assert_int_equal(elsewhere.status, 200);
}

static void parallel_logins_spend_only_so_much_AU16(void **state) {
    struct world *w = *state;
    struct pending *calls[60];
    char clients[60][24], bodies[60][128];
    int hashed = 0;
    for (int i = 0; i < 60; i++) {
        snprintf(clients[i], sizeof clients[i], "203.0.113.%d", i);
        snprintf(bodies[i], sizeof bodies[i],
                 "{\"Command\":\"User.Login\",\"Username\":\"u%d@owner.test\",\"Password\":\"guess\"}", i);
        calls[i] = world_begin(w, &(struct ask){.client = clients[i], .body = bodies[i]});
    }
    for (int i = 0; i < 60; i++) {
        REPLY_AUTO r = world_finish(w, calls[i]);
        hashed += r.status == 200;
        assert_true(r.status == 200 || r.status == 429);
    }
    assert_int_equal(hashed, 40);
}

/* ---- the second factor ---- */
/* RFC 6238 by hand: what the app shows for the secret that was shown to its owner. */
static void code_of(struct world *w, const char *typed, int64_t steps_ahead, char ret[7]) {
    ARENA_AUTO arena = {0};
    BUF_AUTO secret = {0};
    uint64_t step = (uint64_t)(clock_wall_ms(w->api.clock) / 30000 + steps_ahead);
    uint8_t counter[8];
    assert_true(base32_decode(&secret, arena_lower(&arena, str_from_z(typed))));
    for (int i = 7; i >= 0; i--, step >>= 8) counter[i] = (uint8_t)step;
    struct sha1 h = hmac_sha1(buf_str(&secret), str_make((const char *)counter, 8));
    const uint8_t *p = h.b + (h.b[19] & 15);
    uint32_t code = ((uint32_t)(p[0] & 127) << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]) % 1000000;
    snprintf(ret, 7, "%06u", code);
}

static struct reply login_with(struct world *w, const char *code) {
    BUF_AUTO more = {0};
    buf_addf(&more, ",\"TFACode\":\"%s\"", code);
    return login(w, HOME, "u@owner.test", "correct horse", more.p);
}

static void a_second_factor_is_asked_for_and_never_taken_twice_UI18(void **state) {
    struct world *w = *state;
    char admin[128], typed[64], code[7];
    make_admin(w, admin);
    struct user u = make_user(w, admin, "u@owner.test", "");
    BUF_AUTO members = {0};
    assert_code(w, u.key, "User.TOTP.Confirm", "\"TFACode\":\"123456\"", "4");
    assert_code(w, u.key, "User.TOTP.Setup", "", "1");
    assert_code(w, u.key, "User.TOTP.Setup", "\"CurrentPassword\":\"wrong\"", "8");
    REPLY_AUTO setup = world_command(w, u.key, "User.TOTP.Setup", "\"CurrentPassword\":\"correct horse\"");
    reply_keep(&setup, "MFA_SecretKey", typed, sizeof typed);
    assert_true(str_starts(reply_text(&setup, "MFA_QRCode"), STR("otpauth://totp/gateway.test:u%40owner.test?secret=")));
    REPLY_AUTO not_yet = login(w, HOME, "u@owner.test", "correct horse", "");
    assert_reply(&not_yet, "ErrorCode", "0");
    assert_code(w, u.key, "User.TOTP.Confirm", "", "5");
    assert_code(w, u.key, "User.TOTP.Confirm", "\"TFACode\":\"12345\"", "6");
    code_of(w, typed, 0, code);
    buf_addf(&members, "\"TFACode\":\"%s\"", code);
    assert_code(w, u.key, "User.TOTP.Confirm", members.p, "0");
    assert_code(w, u.key, "User.TOTP.Confirm", members.p, "2");
    assert_code(w, u.key, "User.TOTP.Setup", "\"CurrentPassword\":\"correct horse\"", "2");
    REPLY_AUTO without = login(w, HOME, "u@owner.test", "correct horse", ""), wrong = login(w, HOME, "u@owner.test", "wrong", "");
    assert_reply(&without, "ErrorCode", "101");
    assert_reply(&wrong, "ErrorCode", "3"); /* who does not know the password learns nothing of a code */
    REPLY_AUTO used = login_with(w, code);
    assert_reply(&used, "ErrorCode", "6");
    code_of(w, typed, 1, code);
    REPLY_AUTO in = login_with(w, code), replay = login_with(w, code);
    assert_reply(&in, "UserInfo.2FA_Enabled", "Yes");
    assert_reply(&replay, "ErrorCode", "6");
    sim_run_for(w->loop, 90000);
    code_of(w, typed, 3, code);
    REPLY_AUTO far_off = login_with(w, code);
    assert_reply(&far_off, "ErrorCode", "6");
    code_of(w, typed, 0, code);
    buf_reset(&members);
    buf_addf(&members, "\"TFACode\":\"%s\",\"CurrentPassword\":\"correct horse\"", code);
    assert_code(w, u.key, "User.TOTP.Disable", "\"TFACode\":\"000000x\",\"CurrentPassword\":\"correct horse\"", "6");
    assert_code(w, u.key, "User.TOTP.Disable", members.p, "0");
    REPLY_AUTO free = login(w, HOME, "u@owner.test", "correct horse", "");
    assert_reply(&free, "ErrorCode", "0");
}

/* All of them pass the check; the writer lets one have the step. */
static void parallel_logins_share_no_code_UI18(void **state) {
    struct world *w = *state;
    char admin[128], typed[64], code[7], body[256];
    struct pending *calls[5];
    int opened = 0;
    make_admin(w, admin);
    struct user u = make_user(w, admin, "u@owner.test", "");
    REPLY_AUTO setup = world_command(w, u.key, "User.TOTP.Setup", "\"CurrentPassword\":\"correct horse\"");
    reply_keep(&setup, "MFA_SecretKey", typed, sizeof typed);
    code_of(w, typed, 0, code);
    snprintf(body, sizeof body, "\"TFACode\":\"%s\"", code);
    assert_code(w, u.key, "User.TOTP.Confirm", body, "0");
    code_of(w, typed, 1, code);
    snprintf(body, sizeof body,
             "{\"Command\":\"User.Login\",\"Username\":\"u@owner.test\",\"Password\":\"correct horse\",\"TFACode\":\"%s\"}",
             code);
    for (int i = 0; i < 5; i++) calls[i] = world_begin(w, &(struct ask){.client = HOME, .body = body});
    for (int i = 0; i < 5; i++) {
        REPLY_AUTO r = world_finish(w, calls[i]);
        opened += reply_code(&r) == 0;
        assert_true(reply_code(&r) == 0 || reply_code(&r) == 6);
    }
    assert_int_equal(opened, 1);
}

static void the_operator_switches_a_second_factor_off(void **state) {
    struct world *w = *state;
    char admin[128], typed[64], code[7];
    make_admin(w, admin);
    struct user u = make_user(w, admin, "u@owner.test", "");
    BUF_AUTO members = {0};
    REPLY_AUTO setup = world_command(w, u.key, "User.TOTP.Setup", "\"CurrentPassword\":\"correct horse\"");
    reply_keep(&setup, "MFA_SecretKey", typed, sizeof typed);
    code_of(w, typed, 0, code);
    buf_addf(&members, "\"TFACode\":\"%s\"", code);
    assert_code(w, u.key, "User.TOTP.Confirm", members.p, "0");
    assert_code(w, admin, "User.Update", "\"UserID\":2,\"TwoFactor\":true", "422");
    assert_code(w, admin, "User.Update", "\"UserID\":2,\"TwoFactor\":false", "0");
    REPLY_AUTO in = login(w, HOME, "u@owner.test", "correct horse", "");
    assert_reply(&in, "ErrorCode", "0");
}

/* ---- user keys ---- */
static void keys_are_bound_to_networks_and_show_their_use(void **state) {
    struct world *w = *state;
    char admin[128], key[128], members[64];
    make_admin(w, admin);
    struct user u = make_user(w, admin, "u@owner.test", ""), v = make_user(w, admin, "v@owner.test", "");
    assert_code(w, u.key, "User.APIKey.Create", "", "1");
    assert_code(w, u.key, "User.APIKey.Create", "\"Note\":\"n\",\"BoundIPAddress\":\"here\"", "422");
    REPLY_AUTO made = world_command(w, u.key, "User.APIKey.Create", "\"Note\":\"shop\",\"BoundIPAddress\":\"192.0.2.0/24\"");
    reply_keep(&made, "APIKey.APIKey", key, sizeof key);
    snprintf(members, sizeof members, "\"APIKeyID\":%.*s", STR_ARG(reply_text(&made, "APIKeyID")));
    REPLY_AUTO home = ask_from(w, HOME, key, "User.Current", ""), abroad = ask_from(w, ABROAD, key, "User.Current", "");
    assert_reply(&home, "ErrorCode", "0");
    assert_reply(&abroad, "ErrorCode", "99998");
    sim_run_for(w->loop, 1000);
    REPLY_AUTO list = world_command(w, u.key, "User.APIKey.List", "");
    assert_reply(&list, "APIKeys.1.Note", "shop");
    assert_reply(&list, "APIKeys.1.LastUsedIP", HOME);
    assert_true(reply_text(&list, "APIKeys.1.LastUsedAt").n > 0);
    assert_true(str_find_str(buf_str(&list.body), STR("phu_")) == STR_NONE); /* P10: shown once */
    assert_code(w, v.key, "User.APIKey.Delete", members, "2");               /* P6 */
    assert_code(w, v.key, "User.APIKey.Update", members, "2");
    assert_code(w, u.key, "User.APIKey.Delete", "", "1");
    BUF_AUTO free = {0};
    buf_addf(&free, "%s,\"BoundIPAddress\":\"any\"", members);
    assert_code(w, u.key, "User.APIKey.Update", free.p, "0");
    REPLY_AUTO now = ask_from(w, ABROAD, key, "User.Current", "");
    assert_reply(&now, "ErrorCode", "0");
    assert_code(w, u.key, "User.APIKey.Delete", members, "0");
    assert_code(w, key, "User.Current", "", "99998");
    REPLY_AUTO admins = world_command(w, admin, "User.APIKey.Create", "\"Note\":\"n\",\"IsAdmin\":true");
    assert_reply(&admins, "APIKey.IsAdmin", "true");
    REPLY_AUTO plain = world_command(w, admin, "User.APIKey.Create", "\"Note\":\"n\"");
    reply_keep(&plain, "APIKey.APIKey", key, sizeof key);
    assert_code(w, key, "Users.Get", "", "99998"); /* an administrator's, but no AdminAPIKey */
    assert_code(w, key, "User.APIKey.Create", "\"Note\":\"n\",\"IsAdmin\":true", "422");
}

/* ---- mail to accounts ---- */
/* The code in the newest mail, and how many mails there are. */
static int64_t newest_mail(struct world *w, char token[64], char to[128]) {
    BUF_AUTO why = {0};
    BUF_AUTO body = {0};
    struct db *db;
    *token = '\0';
    assert_int_equal(db_open(&(struct db_options){.url = buf_str(&w->url), .read_only = true}, &why, &db), STATUS_OK);
    assert_int_equal(db_begin(db), STATUS_OK);
    struct stmt *s = db_stmt(db, "SELECT m.id, r.address, (SELECT COUNT(*) FROM messages) FROM messages m JOIN recipients r "
                                 "ON r.message_id = m.id ORDER BY m.id DESC LIMIT 1");
    int64_t count = 0;
    if (stmt_step(s) == STATUS_ROW) {
        count = stmt_int(s, 2);
        snprintf(to, 128, "%.*s", STR_ARG(stmt_text(s, 1)));
        assert_int_equal(content_load(db, stmt_int(s, 0), &body), STATUS_OK);
        size_t at = str_find_str(buf_str(&body), STR("pht_"));
        assert_true(at != STR_NONE);
        snprintf(token, 64, "%.*s", 36, body.p + at);
    }
    db_rollback(db);
    db_close(&db);
    return count;
}

static void assert_token(struct world *w, const char *command, const char *token, const char *more, const char *code) {
    BUF_AUTO members = {0};
    buf_addf(&members, "\"Token\":\"%s\"%s", token, more);
    assert_code(w, NULL, command, members.p, code);
}

#define NEW_PASSWORD ",\"NewPassword\":\"better horse\""

static void a_forgotten_password_is_set_anew_by_mail_UI15(void **state) {
    struct world *w = *state;
    char token[64], second[64], to[128];
    world_tenant(w, "u@owner.test", "sender.test");
    assert_code(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"u@owner.test\"", "4"); /* no [mail] from */
    w->api.mail_from = STR("posthorn@elsewhere.test");
    assert_code(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"u@owner.test\"", "4"); /* no sender domain here */
    w->api.mail_from = STR("posthorn@sender.test");
    w->api.base_url = STR("https://mail.example.test/");
    assert_code(w, NULL, "User.PasswordRemind", "", "1");
    assert_code(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"nonsense\"", "2");
    REPLY_AUTO there = world_command(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"U@owner.test\"");
    REPLY_AUTO nobody = world_command(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"x@owner.test\"");
    assert_reply(&there, "ErrorCode", "0");
    assert_true(str_eq(buf_str(&there.body), buf_str(&nobody.body)));
    assert_int_equal(newest_mail(w, token, to), 1);
    assert_string_equal(to, "u@owner.test");
    assert_int_equal(w->offered, 1);
    assert_code(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"u@owner.test\"", "0"); /* too soon: said, not done */
    assert_int_equal(newest_mail(w, token, to), 1);
    sim_run_for(w->loop, ACCOUNT_MAIL_EVERY_MS);
    assert_code(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"u@owner.test\"", "0");
    assert_int_equal(newest_mail(w, second, to), 2);
    assert_token(w, "User.PasswordReset", token, NEW_PASSWORD, "2"); /* the newest wins */
    assert_token(w, "User.PasswordReset", second, "", "422");
    assert_token(w, "User.PasswordReset", second, ",\"NewPassword\":\"short\"", "422");
    assert_token(w, "User.Verify", second, "", "2"); /* for something else */
    assert_token(w, "User.PasswordReset", second, NEW_PASSWORD, "0");
    assert_token(w, "User.PasswordReset", second, NEW_PASSWORD, "2"); /* once */
    REPLY_AUTO in = login(w, HOME, "u@owner.test", "better horse", "");
    assert_reply(&in, "ErrorCode", "0");
    sim_run_for(w->loop, ACCOUNT_MAIL_EVERY_MS);
    assert_code(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"u@owner.test\"", "0");
    newest_mail(w, token, to);
    sim_run_for(w->loop, HOUR_MS);
    assert_token(w, "User.PasswordReset", token, NEW_PASSWORD, "2"); /* too old */
}

static void a_client_gets_only_so_many_mails_sent(void **state) {
    struct world *w = *state;
    world_tenant(w, "u@owner.test", "sender.test");
    w->api.mail_from = STR("posthorn@sender.test");
    for (int i = 0; i < 10; i++) {
        REPLY_AUTO r = ask_from(w, ABROAD, NULL, "User.PasswordRemind", "\"EmailAddress\":\"x@owner.test\"");
        assert_int_equal(r.status, 200);
    }
    REPLY_AUTO r = ask_from(w, ABROAD, NULL, "User.PasswordRemind", "\"EmailAddress\":\"u@owner.test\"");
    assert_int_equal(r.status, 429);
}

static void an_address_is_proved_by_mail(void **state) {
    struct world *w = *state;
    char admin[128], token[64], to[128];
    make_admin(w, admin);
    world_tenant(w, "t@owner.test", "sender.test");
    w->api.mail_from = STR("posthorn@sender.test");
    struct user u = make_user(w, admin, "u@owner.test", ",\"IsVerified\":\"no\"");
    assert_int_equal(newest_mail(w, token, to), 1);
    assert_string_equal(to, "u@owner.test");
    sim_run_for(w->loop, ACCOUNT_MAIL_EVERY_MS);
    assert_code(w, u.key, "User.ResendVerification", "", "0");
    assert_token(w, "User.Verify", token, "", "2");
    assert_int_equal(newest_mail(w, token, to), 2);
    BUF_AUTO body = {0};
    buf_addf(&body, "Token=%s", token);
    REPLY_AUTO rest = world_ask(
        w, &(struct ask){.path = "/api/v1/account/verify", .content_type = "application/x-www-form-urlencoded", .body = body.p});
    assert_int_equal(rest.status, 200);
    assert_code(w, u.key, "User.ResendVerification", "", "1");
    REPLY_AUTO current = world_command(w, u.key, "User.Current", "");
    assert_reply(&current, "UserInfo.IsVerified", "true");
}

static void a_new_address_counts_once_it_was_proved(void **state) {
    struct world *w = *state;
    char token[64], to[128];
    struct tenant t = world_tenant(w, "u@owner.test", "sender.test");
    REPLY_AUTO v = world_operator(w, "User.Create", "\"EmailAddress\":\"v@owner.test\",\"Password\":\"correct horse\"");
    const char *change = "\"EmailAddress\":\"New@owner.test\",\"CurrentPassword\":\"correct horse\"";
    assert_code(w, t.user_key, "User.Update", "\"EmailAddress\":\"new@owner.test\"", "8");
    assert_code(w, t.user_key, "User.Update", change, "9");
    w->api.mail_from = STR("posthorn@sender.test");
    REPLY_AUTO asked = world_command(w, t.user_key, "User.Update", change);
    assert_reply(&asked, "UserInfo.EmailAddress", "u@owner.test");
    assert_reply(&asked, "VerificationMailed", "true");
    newest_mail(w, token, to);
    assert_string_equal(to, "new@owner.test");
    assert_token(w, "User.Verify", token, "", "0");
    REPLY_AUTO current = world_command(w, t.user_key, "User.Current", "");
    assert_reply(&current, "UserInfo.EmailAddress", "new@owner.test");
    /* Somebody else's: asked as any other, so that nobody learns of it; refused to whoever proves it. */
    sim_run_for(w->loop, ACCOUNT_MAIL_EVERY_MS);
    assert_code(w, t.user_key, "User.Update", "\"EmailAddress\":\"v@owner.test\",\"CurrentPassword\":\"correct horse\"", "0");
    newest_mail(w, token, to);
    assert_token(w, "User.Verify", token, "", "3");
}

/* Others guess at him, and he is where he never was before: his mail lets him in. */
static void who_reads_the_mail_is_no_stranger_AU11(void **state) {
    struct world *w = *state;
    char token[64], to[128];
    world_tenant(w, "u@owner.test", "sender.test");
    w->api.mail_from = STR("posthorn@sender.test");
    for (int i = 0; i < 10; i++) {
        REPLY_AUTO r = login(w, HOME, "u@owner.test", "guess", "");
        assert_reply(&r, "ErrorCode", "3");
    }
    REPLY_AUTO out = login(w, ABROAD, "u@owner.test", "correct horse", "");
    assert_int_equal(out.status, 429);
    assert_code(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"u@owner.test\"", "0");
    newest_mail(w, token, to);
    BUF_AUTO members = {0};
    buf_addf(&members, "\"Token\":\"%s\"" NEW_PASSWORD, token);
    REPLY_AUTO reset = ask_from(w, ABROAD, NULL, "User.PasswordReset", members.p);
    assert_reply(&reset, "ErrorCode", "0");
    REPLY_AUTO in = login(w, ABROAD, "u@owner.test", "better horse", "");
    assert_reply(&in, "ErrorCode", "0");
    REPLY_AUTO guess = login(w, HOME, "u@owner.test", "guess", "");
    assert_int_equal(guess.status, 429);
}

static void mail_to_an_old_address_sets_no_password_UI15(void **state) {
    struct world *w = *state;
    char old[64], token[64], to[128], admin[128];
    make_admin(w, admin);
    struct tenant t = world_tenant(w, "u@owner.test", "sender.test");
    w->api.mail_from = STR("posthorn@sender.test");
    assert_code(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"u@owner.test\"", "0");
    newest_mail(w, old, to);
    assert_code(w, t.user_key, "User.Update", "\"EmailAddress\":\"new@owner.test\",\"CurrentPassword\":\"correct horse\"", "0");
    newest_mail(w, token, to);
    assert_token(w, "User.Verify", token, "", "0");
    assert_token(w, "User.PasswordReset", old, NEW_PASSWORD, "2");
    assert_code(w, NULL, "User.PasswordRemind", "\"EmailAddress\":\"new@owner.test\"", "0");
    newest_mail(w, old, to);
    assert_string_equal(to, "new@owner.test");
    assert_code(w, admin, "User.Update", "\"UserID\":2,\"EmailAddress\":\"newer@owner.test\"", "0");
    assert_token(w, "User.PasswordReset", old, NEW_PASSWORD, "2");
}

/* A new password voids what was mailed before it, not what is mailed with it. */
static void address_and_password_change_together(void **state) {
    struct world *w = *state;
    char token[64], to[128];
    struct tenant t = world_tenant(w, "u@owner.test", "sender.test");
    w->api.mail_from = STR("posthorn@sender.test");
    assert_code(w, t.user_key, "User.Update",
                "\"EmailAddress\":\"new@owner.test\",\"Password\":\"better horse\",\"CurrentPassword\":\"correct horse\"", "0");
    newest_mail(w, token, to);
    assert_token(w, "User.Verify", token, "", "0");
}

int main(void) {
#define TEST(name) WORLD_TEST(name)
    const struct CMUnitTest tests[] = {
        TEST(groups_are_made_changed_and_deleted),
        TEST(administrators_manage_accounts),
        TEST(a_user_gives_himself_no_rights_TN06),
        TEST(a_deactivated_account_is_out_at_once),
        TEST(accounts_are_deleted_when_they_are_empty),
        TEST(administration_is_closed_to_users),
        TEST(every_login_is_a_new_session_UI12),
        TEST(a_new_password_ends_all_sessions_UI13),
        TEST(guessing_locks_nobody_out_AU11),
        TEST(an_address_is_slowed_whoever_it_guesses_at),
        TEST(parallel_logins_spend_only_so_much_AU16),
        TEST(parallel_logins_share_no_code_UI18),
        TEST(a_second_factor_is_asked_for_and_never_taken_twice_UI18),
        TEST(the_operator_switches_a_second_factor_off),
        TEST(keys_are_bound_to_networks_and_show_their_use),
        TEST(a_forgotten_password_is_set_anew_by_mail_UI15),
        TEST(a_client_gets_only_so_many_mails_sent),
        TEST(an_address_is_proved_by_mail),
        TEST(a_new_address_counts_once_it_was_proved),
        TEST(an_account_logs_in_only_so_often),
        TEST(who_reads_the_mail_is_no_stranger_AU11),
        TEST(mail_to_an_old_address_sets_no_password_UI15),
        TEST(address_and_password_change_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
