/* login.c - User.Login: a reader finds the account, the slow pool checks the password, the writer opens the session.
 *
 * An unknown name and a wrong password are one refusal and take the same time: argon2 runs in both cases.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/user_calls.h"

#include "core/tokens.h"
#include "crypto/password.h"

struct login {
    struct account account; /* id 0: nobody's name */
};

enum status login_find(struct call *c, struct db *db) {
    struct login *login = ARENA_NEW(c->arena, struct login);
    struct str email;
    c->state = login;
    if (!account_email(call_text(c, "Username", (struct str){0}), c->arena, &email)) return STATUS_OK;
    enum status status = account_find(db, c->arena, email, &login->account);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status login_verify(struct call *c, struct db *db) {
    (void)db;
    const struct login *login = c->state;
    enum status status = password_verify(call_text(c, "Password", (struct str){0}), login->account.password_hash);
    if (status != STATUS_OK && status != STATUS_DENIED && status != STATUS_INVALID) return status;
    if (status != STATUS_OK || !login->account.id || !login->account.is_active) call_refuse(c, 3);
    return STATUS_OK;
}

static void write_user(struct call *c, const struct account *account) {
    struct json_writer *w = &c->json;
    json_add_object(w, STR("UserInfo"));
    json_add_str(w, STR("UserID"), arena_strf(c->arena, "%lld", (long long)account->id));
    json_add_str(w, STR("Username"), account->email);
    json_add_str(w, STR("EmailAddress"), account->email);
    json_add_z(w, STR("AccountStatus"), account->is_active ? "Enabled" : "Disabled");
    json_add_bool(w, STR("IsAdmin"), account->is_admin);
    json_add_bool(w, STR("IsVerified"), account->is_verified);
    json_close_object(w);
}

enum status login_start(struct call *c, struct db *db) {
    const struct account *account = &((struct login *)c->state)->account;
    SECRET_AUTO token = {0};
    token_make(TOKEN_SESSION, c->api->rand, &token);
    enum status status = account_open_session(db, account->id, buf_str(&token), false, c->now);
    if (status == STATUS_NOT_FOUND) { /* deleted meanwhile */
        call_refuse(c, 3);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_z(w, STR("ErrorText"), "");
    json_add_str(w, STR("SessionID"), buf_str(&token));
    write_user(c, account);
    call_close(c);
    return STATUS_OK;
}
