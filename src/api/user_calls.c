/* user_calls.c - User.Create, Get, Current, Delete and Users.Get: accounts as administrators see them, and as they see
 * themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/user_calls.h"

#include "api/group_calls.h"
#include "core/domains.h"
#include "core/quota.h"
#include "core/tokens.h"
#include "crypto/password.h"

#define LIST_DEFAULT 25
#define DELETE_SLICE 500

/* ---- what calls on accounts share ---- */
bool user_call_is_admin(const struct call *c) {
    return c->request.is_control || c->credential.is_admin;
}

void user_call_write(struct call *c, const struct account *account) {
    struct json_writer *w = &c->json;
    json_add_i64(w, STR("UserID"), account->id);
    json_add_i64(w, STR("RelUserGroupID"), account->group_id);
    json_add_str(w, STR("GroupName"), account->group_name);
    json_add_str(w, STR("Username"), account->email);
    json_add_str(w, STR("EmailAddress"), account->email);
    json_add_str(w, STR("FirstName"), account->first_name);
    json_add_str(w, STR("LastName"), account->last_name);
    json_add_z(w, STR("AccountStatus"), account->is_active ? "Enabled" : "Disabled");
    json_add_bool(w, STR("IsAdmin"), account->is_admin);
    json_add_bool(w, STR("IsVerified"), account->is_verified);
    json_add_bool(w, STR("UnsubscribesBlockAll"), account->unsubscribes_block_all);
    json_add_z(w, STR("2FA_Enabled"), account->totp_is_on ? "Yes" : "No");
    json_add_time(w, STR("UserSince"), account->created_at);
}

/* ---- User.Create ---- */
struct user_create {
    struct account account;
    struct acceptance mail; /* entry_count 0: none */
};

enum status user_calls_hash(struct call *c, struct db *db) {
    (void)db;
    struct user_create *state = ARENA_NEW(c->arena, struct user_create);
    struct account *account = &state->account;
    struct str none = {0}, password = call_text(c, "Password", none), username = call_text(c, "Username", none), name;
    BUF_AUTO hash = {0};
    c->state = state;
    account->email = arena_lower(c->arena, call_text(c, "EmailAddress", none));
    if (username.n && !(account_email(username, c->arena, &name) && str_eq(name, account->email)))
        call_refuse_say(c, STR("Username"), "Username must be the e-mail address: that is what accounts log in with");
    if (password.n < ACCOUNT_PASSWORD_MIN) call_refuse_say(c, STR("Password"), "Password must have 8 bytes or more");
    if (c->refused.count) return STATUS_OK;
    account->first_name = call_text(c, "FirstName", none);
    account->last_name = call_text(c, "LastName", none);
    account->is_admin = call_number(c, "IsAdmin", 0) != 0;
    account->is_active = call_number(c, "AccountStatus", 1) != 0;
    account->is_verified = call_number(c, "IsVerified", 1) != 0;
    account->created_at = c->now;
    enum status status = password_hash(password, c->api->rand, &hash);
    account->password_hash = arena_str(c->arena, buf_str(&hash));
    return status;
}

/* Where the gateway can send no mail of its own, the operator verifies by hand. */
static enum status mail_verification(struct call *c, struct db *db, struct user_create *state) {
    struct notice_options options = user_mail_options(c);
    struct notice notice = {.purpose = TOKEN_FOR_ADDRESS, .to = state->account.email, .account = &state->account, .now = c->now};
    enum status status = notice_send(db, c->arena, &options, &notice, &state->mail);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status user_calls_create(struct call *c, struct db *db) {
    struct user_create *state = c->state;
    struct account *account = &state->account;
    struct account_group group = {.id = GROUP_DEFAULT};
    SECRET_AUTO key = {0};
    state->mail = (struct acceptance){0};
    enum status status = group_call_find(c, db, "RelUserGroupID", (const int[]){0, 11}, &group);
    if (call_is_over(c, status)) return status;
    account->group_id = group.id;
    token_make(TOKEN_USER_KEY, c->api->rand, &key);
    status = account_create(db, account, buf_str(&key), &account->id);
    if (status == STATUS_EXISTS) return call_refuse_field(c, 13, STR("EmailAddress"));
    if (status == STATUS_OK && !account->is_verified) status = mail_verification(c, db, state);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("UserID"), account->id);
    json_add_str(w, STR("EmailAddress"), account->email);
    json_add_str(w, STR("APIKey"), buf_str(&key));
    json_add_bool(w, STR("VerificationMailed"), state->mail.entry_count != 0);
    return call_close(c);
}

enum status user_calls_offer(struct call *c, struct db *db) {
    (void)db;
    user_mail_offer(c, &((struct user_create *)c->state)->mail);
    return STATUS_OK;
}

/* ---- looking ---- */
/* The account that UserID or EmailAddress names. */
static enum status find_user(struct call *c, struct db *db, struct account *ret) {
    const struct arg *id = call_arg(c, "UserID"), *email = call_arg(c, "EmailAddress");
    if (!id->is_given && !email->is_given) return call_refuse_field(c, 1, STR("UserID"));
    enum status status = id->is_given ? account_get(db, c->arena, id->number, ret)
                                      : account_find(db, c->arena, arena_lower(c->arena, email->text), ret);
    if (status == STATUS_OK && id->is_given && email->is_given && !str_eq_nocase(ret->email, email->text))
        status = STATUS_NOT_FOUND;
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse_field(c, 3, id->is_given ? STR("UserID") : STR("EmailAddress"));
}

static void write_with_group(struct call *c, const struct account *account, const char *group_name) {
    user_call_write(c, account);
    json_add_object(&c->json, str_from_z(group_name));
    group_call_write(c, account->group_id, account->group_name, &account->limits);
    json_close_object(&c->json);
}

static enum status write_usage(struct call *c, struct db *db, const struct account *account) {
    struct send_period period = send_period_of(c->now);
    struct send_usage used;
    struct json_writer *w = &c->json;
    enum status status = send_usage_get(db, account->id, &period, &used);
    if (status != STATUS_OK) return status;
    json_add_object(w, STR("Usage"));
    json_add_i64(w, STR("EmailGateway_TotalSentToday"), used.day);
    json_add_i64(w, STR("EmailGateway_TotalSentThisMonth"), used.month);
    json_add_i64(w, STR("Limit_Daily"), account->limits.sends_per_day);
    json_add_i64(w, STR("Limit_Monthly"), account->limits.sends_per_month);
    json_close_object(w);
    return STATUS_OK;
}

static enum status answer_user(struct call *c, struct db *db, const struct account *account, const char *member,
                               const char *group_name) {
    struct json_writer *w = call_open(c);
    json_add_object(w, str_from_z(member));
    write_with_group(c, account, group_name);
    json_close_object(w);
    enum status status = write_usage(c, db, account);
    call_close(c);
    return status;
}

enum status user_calls_get(struct call *c, struct db *db) {
    struct account account;
    enum status status = find_user(c, db, &account);
    if (call_is_over(c, status)) return status;
    return answer_user(c, db, &account, "UserInformation", "GroupInformation");
}

enum status user_calls_current(struct call *c, struct db *db) {
    return answer_user(c, db, &c->account, "UserInfo", "GroupInfo");
}

enum status user_calls_list(struct call *c, struct db *db) {
    struct account_group group = {0};
    struct account_list list;
    int64_t total;
    enum status status = group_call_find(c, db, "RelUserGroupID", (const int[]){0, 11}, &group);
    if (call_is_over(c, status)) return status;
    struct account_query query = {
        .group_id = group.id,
        .search = arena_lower(c->arena, call_text(c, "SearchKeyword", (struct str){0})),
        .offset = call_number(c, "RecordsFrom", 0),
        .limit = call_number(c, "RecordsPerRequest", LIST_DEFAULT),
    };
    status = account_list(db, c->arena, &query, &list, &total);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("TotalUsers"), total);
    json_add_array(w, STR("Users"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        write_with_group(c, &list.items[i], "GroupInformation");
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* ---- User.Delete: switched off first, then emptied in slices ---- */
enum status user_calls_delete_begin(struct call *c, struct db *db) {
    struct account *account = ARENA_NEW(c->arena, struct account);
    struct domain_list domains;
    c->state = account;
    enum status status = find_user(c, db, account);
    if (call_is_over(c, status)) return status;
    if (account->id == c->account.id) return call_refuse(c, 5);
    status = domain_list(db, c->arena, account->id, 0, 1, &domains);
    if (status != STATUS_OK) return status;
    if (domains.count) return call_refuse(c, 4);
    account->is_active = false;
    status = account_update(db, account);
    return status == STATUS_OK ? session_delete_all(db, account->id) : status;
}

enum status user_calls_delete_slice(struct call *c, struct db *db) {
    const struct account *account = c->state;
    int64_t deleted = 0;
    enum status status = account_empty(db, account->id, DELETE_SLICE, &deleted);
    if (status == STATUS_OK && deleted) call_again(c);
    return status;
}

enum status user_calls_delete_end(struct call *c, struct db *db) {
    const struct account *account = c->state;
    enum status status = account_delete(db, account->id);
    if (status == STATUS_EXISTS) return call_refuse(c, 4);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status; /* NOT_FOUND: somebody else finished it */
    return call_done(c);
}
