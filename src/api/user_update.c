/* user_update.c - User.Update: an account changes itself, an administrator or the operator any account.
 *
 * What a user may not give himself (group, rights, being verified or active) is refused by name, not passed over (TN06). A new
 * password, or a new address, needs the old password; the address counts once it was proved. A password ends all sessions (UI13).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/user_calls.h"

#include "api/group_calls.h"
#include "crypto/password.h"

struct user_update {
    int64_t id; /* whom it changes */
    bool is_own;
    struct str email;         /* the new one, lower case; "": it stays */
    struct str password_hash; /* the new one's; "": it stays */
    struct acceptance mail;   /* entry_count 0: none */
};

static void refuse_rights(struct call *c) {
    static const char *const names[] = {"RelUserGroupID", "UserGroup",  "AccountStatus", "IsActive",
                                        "IsAdmin",        "IsVerified", "TwoFactor"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!call_arg(c, names[i])->raw) continue;
        struct str why = arena_strf(c->arena, "%s can be set by an administrator only", names[i]);
        call_refuse_say(c, str_from_z(names[i]), why.p);
    }
}

/* Whoever acts on himself over the API shows that he knows the password; the operator need not. */
static void refuse_without_password(struct call *c, const struct user_update *update) {
    bool is_secret = call_arg(c, "Password")->is_given || (update->email.n && !user_call_is_admin(c));
    if (!is_secret || !update->is_own || c->request.is_control || call_arg(c, "CurrentPassword")->is_given) return;
    call_refuse_field(c, PASSWORD_WRONG, STR("CurrentPassword"));
}

static void judge_values(struct call *c) {
    const struct arg *password = call_arg(c, "Password"), *status = call_arg(c, "AccountStatus"),
                     *active = call_arg(c, "IsActive");
    if (password->is_given && password->text.n < ACCOUNT_PASSWORD_MIN)
        call_refuse_say(c, STR("Password"), "Password must have 8 bytes or more");
    if (status->is_given && active->is_given && status->number != active->number)
        call_refuse_say(c, STR("IsActive"), "IsActive and AccountStatus say different things");
    if (call_number(c, "TwoFactor", 0))
        call_refuse_say(c, STR("TwoFactor"),
                        "TwoFactor can only be switched off here; the user switches it on by User.TOTP.Setup");
}

enum status user_update_judge(struct call *c, struct db *db) {
    struct user_update *update = ARENA_NEW(c->arena, struct user_update);
    const struct arg *email = call_arg(c, "EmailAddress");
    c->state = update;
    update->id = call_number(c, "UserID", c->account.id);
    update->is_own = update->id == c->account.id;
    if (email->is_given) update->email = arena_lower(c->arena, email->text);
    if (!update->is_own && !user_call_is_admin(c)) return call_refuse_field(c, 2, STR("UserID"));
    if (!user_call_is_admin(c)) refuse_rights(c);
    judge_values(c);
    refuse_without_password(c, update);
    return c->refused.count ? STATUS_OK : password_confirm_admit(c, db);
}

enum status user_update_hash(struct call *c, struct db *db) {
    struct user_update *update = c->state;
    const struct arg *password = call_arg(c, "Password");
    BUF_AUTO hash = {0};
    enum status status = update->is_own ? password_confirm(c, db) : STATUS_OK;
    if (status != STATUS_OK || c->refused.count || !password->is_given) return status;
    status = password_hash(password->text, c->api->rand, &hash);
    update->password_hash = arena_str(c->arena, buf_str(&hash));
    return status;
}

static void read_changes(struct call *c, struct account *account) {
    account->first_name = call_text(c, "FirstName", account->first_name);
    account->last_name = call_text(c, "LastName", account->last_name);
    account->is_active = call_number(c, "AccountStatus", call_number(c, "IsActive", account->is_active)) != 0;
    account->is_admin = call_number(c, "IsAdmin", account->is_admin) != 0;
    account->is_verified = call_number(c, "IsVerified", account->is_verified) != 0;
    account->unsubscribes_block_all = call_number(c, "UnsubscribesBlockAll", account->unsubscribes_block_all) != 0;
}

/* A user's new address is mailed to: refused when that cannot be. */
static enum status check_mail(struct call *c, struct db *db) {
    struct notice_options options = user_mail_options(c);
    struct domain domain;
    enum status status = notice_ready(db, c->arena, &options, &domain);
    return status == STATUS_NOT_FOUND ? call_refuse_field(c, 9, STR("EmailAddress")) : status;
}

/* Everything that can be refused comes before the first write. */
static enum status prepare(struct call *c, struct db *db, struct account *account) {
    struct user_update *update = c->state;
    struct account_group group;
    enum status status = account_get(db, c->arena, update->id, account);
    if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 5, STR("UserID"));
    if (status != STATUS_OK) return status;
    group = (struct account_group){.id = account->group_id};
    status = group_call_find(c, db, "RelUserGroupID", (const int[]){0, 7}, &group);
    if (call_is_over(c, status)) return status;
    account->group_id = group.id;
    read_changes(c, account);
    update->mail = (struct acceptance){0};
    if (update->email.n == 0 || str_eq(update->email, account->email)) return STATUS_OK;
    if (!user_call_is_admin(c)) return check_mail(c, db);
    account->email = update->email;
    return STATUS_OK;
}

/* Last, because a new password voids what was mailed before. */
static enum status ask_address(struct call *c, struct db *db, const struct account *account) {
    struct user_update *update = c->state;
    struct notice_options options = user_mail_options(c);
    struct notice notice = {.purpose = TOKEN_FOR_ADDRESS, .to = update->email, .account = account, .now = c->now};
    if (update->email.n == 0 || str_eq(update->email, account->email)) return STATUS_OK;
    return notice_send(db, c->arena, &options, &notice, &update->mail);
}

static enum status store(struct call *c, struct db *db, const struct account *account) {
    const struct user_update *update = c->state;
    const struct arg *two_factor = call_arg(c, "TwoFactor");
    enum status status = account_update(db, account);
    if (status == STATUS_OK && str_eq(update->email, account->email)) status = account_token_clear(db, account->id);
    if (status == STATUS_OK && update->password_hash.n) status = account_change_password(db, account->id, update->password_hash);
    if (status == STATUS_OK && two_factor->is_given) status = account_set_totp(db, account->id, (struct str){0}, false);
    if (status == STATUS_OK && !account->is_active) status = session_delete_all(db, account->id);
    return status == STATUS_OK ? ask_address(c, db, account) : status;
}

enum status user_update_store(struct call *c, struct db *db) {
    const struct user_update *update = c->state;
    struct account account;
    enum status status = prepare(c, db, &account);
    if (call_is_over(c, status)) return status;
    status = store(c, db, &account);
    if (status == STATUS_EXISTS) return call_refuse_field(c, 6, STR("EmailAddress"));
    if (status == STATUS_OK) status = account_get(db, c->arena, account.id, &account);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_z(w, STR("ErrorText"), "");
    json_add_object(w, STR("UserInfo"));
    user_call_write(c, &account);
    json_close_object(w);
    json_add_bool(w, STR("VerificationMailed"), update->mail.entry_count != 0);
    return call_close(c);
}

enum status user_update_offer(struct call *c, struct db *db) {
    (void)db;
    user_mail_offer(c, &((struct user_update *)c->state)->mail);
    return STATUS_OK;
}
