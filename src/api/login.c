/* login.c - User.Login, Admin.Login and User.Logout: a reader finds the account, the slow pool checks the password, the writer
 * opens the session.
 *
 * An unknown name and a wrong password are one refusal and take the same time: argon2 runs in both cases. Only whoever knows the
 * password learns that a second factor is asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/user_calls.h"

#include "core/tokens.h"
#include "core/totp.h"
#include "crypto/password.h"

#include <string.h>

#define LOGIN_WRONG       3
#define LOGIN_CODE_WRONG  6
#define LOGIN_CODE_NEEDED 101

struct login {
    struct account account; /* id 0: nobody's name */
    struct password_gate gate;
    int64_t totp_step; /* of the code that was right; 0: none was asked for */
};

static bool is_for_admin(const struct call *c) {
    return strcmp(c->op->name, "Admin.Login") == 0;
}

enum status login_find(struct call *c, struct db *db) {
    struct login *login = ARENA_NEW(c->arena, struct login);
    struct str typed = call_text(c, "Username", (struct str){0}), email;
    c->state = login;
    login->gate.name = arena_lower(c->arena, typed);
    if (account_email(typed, c->arena, &email)) {
        enum status status = account_find(db, c->arena, email, &login->account);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
        login->gate.name = email;
    }
    login->gate.account_id = login->account.id;
    if (login->account.id) {
        enum status status = account_knows(db, login->account.id, &c->ip, c->now, &login->gate.is_known);
        if (status != STATUS_OK) return status;
    }
    (void)password_gate_take(c, &login->gate);
    return STATUS_OK;
}

/* The second factor, if there is one. */
static enum status check_code(struct call *c, struct login *login) {
    const struct account *account = &login->account;
    const struct arg *code = call_arg(c, "TFACode");
    if (!account->totp_is_on) return STATUS_OK;
    if (!code->is_given) return call_refuse_field(c, LOGIN_CODE_NEEDED, STR("TFACode"));
    SECRET_AUTO secret = {0};
    enum status status = totp_open(&c->api->seal, account->id, account->totp_sealed, &secret);
    if (status != STATUS_OK) return status;
    if (!totp_check(buf_str(&secret), code->text, c->now, account->totp_step, &login->totp_step))
        call_refuse_field(c, LOGIN_CODE_WRONG, STR("TFACode"));
    return STATUS_OK;
}

enum status login_verify(struct call *c, struct db *db) {
    (void)db;
    struct login *login = c->state;
    const struct account *account = &login->account;
    enum status status = password_verify(call_text(c, "Password", (struct str){0}), account->password_hash);
    if (status != STATUS_OK && status != STATUS_DENIED && status != STATUS_INVALID) return status;
    bool is_right = status == STATUS_OK && account->id && account->is_active && (account->is_admin || !is_for_admin(c));
    if (is_right) return check_code(c, login);
    return call_refuse(c, LOGIN_WRONG);
}

static void write_admin(struct call *c, const struct account *account) {
    struct json_writer *w = &c->json;
    json_add_object(w, STR("AdminInfo"));
    json_add_i64(w, STR("AdminID"), account->id);
    json_add_str(w, STR("Username"), account->email);
    json_add_str(w, STR("EmailAddress"), account->email);
    json_add_str(w, STR("FirstName"), account->first_name);
    json_add_str(w, STR("LastName"), account->last_name);
    json_add_z(w, STR("2FA_Enabled"), account->totp_is_on ? "Yes" : "No");
    json_add_time(w, STR("CreatedOn"), account->created_at);
    json_close_object(w);
}

static void answer(struct call *c, const struct account *account, struct str token) {
    struct json_writer *w = call_open(c);
    json_add_z(w, STR("ErrorText"), "");
    json_add_str(w, STR("SessionID"), token);
    if (is_for_admin(c)) {
        write_admin(c, account);
    } else {
        json_add_object(w, STR("UserInfo"));
        user_call_write(c, account);
        json_close_object(w);
    }
    call_close(c);
}

/* What was judged may have changed since: then the login is refused as a wrong one. */
static enum status still_holds(struct call *c, struct db *db, const struct login *login) {
    struct account now;
    enum status status = account_get(db, c->arena, login->account.id, &now);
    if (status != STATUS_OK) return status;
    bool is_same = now.is_active && str_eq(now.password_hash, login->account.password_hash) &&
                   now.totp_is_on == login->account.totp_is_on && now.is_admin == login->account.is_admin;
    return is_same ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status login_start(struct call *c, struct db *db) {
    const struct login *login = c->state;
    int64_t id = login->account.id;
    SECRET_AUTO token = {0};
    token_make(TOKEN_SESSION, c->api->rand, &token);
    enum status status = still_holds(c, db, login);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, LOGIN_WRONG);
    if (status == STATUS_OK && login->totp_step) {
        status = account_use_totp(db, id, login->totp_step);
        if (status == STATUS_NOT_FOUND) return call_refuse_field(c, LOGIN_CODE_WRONG, STR("TFACode")); /* used meanwhile */
    }
    if (status == STATUS_OK) status = account_open_session(db, id, buf_str(&token), is_for_admin(c), c->now);
    if (status == STATUS_OK && c->ip.family) status = account_remember(db, id, &c->ip, c->now);
    if (status != STATUS_OK) return status;
    password_gate_pay_back(c, &login->gate);
    answer(c, &login->account, buf_str(&token));
    return STATUS_OK;
}

enum status login_end(struct call *c, struct db *db) {
    bool is_everywhere = call_number(c, "Everywhere", 0) != 0;
    if (!is_everywhere && c->credential.session_hash.n == 0) return call_refuse(c, 1);
    enum status status = is_everywhere ? session_delete_all(db, c->account.id) : session_delete(db, c->credential.session_hash);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) return call_done(c);
    return status;
}
