/* user_mail.c - what the gateway mails to accounts: addresses to prove, passwords to set anew.
 *
 * Nobody learns from an answer, or from how long it takes, whether an address has an account (UI15): the same refusals come
 * first, and the writer has as much to do.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/user_calls.h"

#include "core/tokens.h"
#include "crypto/password.h"

#define NO_MAIL   4
#define BAD_TOKEN 2

static const struct limit_rate mail_rate = {.count = 20, .period_ms = INT64_C(3600000), .burst = 10};

struct notice_options user_mail_options(const struct call *c) {
    return (struct notice_options){
        .from = c->api->mail_from, .base_url = c->api->base_url, .owner = c->api->owner, .rand = c->api->rand};
}

void user_mail_offer(struct call *c, const struct acceptance *mail) {
    if (mail->entry_count == 0) return;
    metrics_add(c->api->metrics, METRIC_MESSAGES_ACCEPTED, 1);
    metrics_add(c->api->metrics, METRIC_RECIPIENTS_ACCEPTED, (int64_t)mail->entry_count);
    c->api->queue_offer(c->api->arg, mail->entries, mail->entry_count);
}

struct user_mail {
    struct account account; /* id 0: nobody's address */
    struct acceptance mail;
    struct str password_hash;
};

enum status user_mail_offer_step(struct call *c, struct db *db) {
    (void)db;
    user_mail_offer(c, &((struct user_mail *)c->state)->mail);
    return STATUS_OK;
}

/* ---- a forgotten password ---- */
static bool take_mail(struct call *c) {
    char room[LIMIT_KEY_MAX];
    return user_call_take(c, LIMIT_MAIL, limit_key_ip(&c->ip, room), &mail_rate);
}

enum status user_mail_remind_find(struct call *c, struct db *db) {
    struct user_mail *state = ARENA_NEW(c->arena, struct user_mail);
    struct notice_options options = user_mail_options(c);
    struct domain domain;
    c->state = state;
    if (!take_mail(c)) return STATUS_OK;
    enum status status = notice_ready(db, c->arena, &options, &domain);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, NO_MAIL);
    if (status != STATUS_OK) return status;
    struct str email = arena_lower(c->arena, call_text(c, "EmailAddress", (struct str){0}));
    status = account_find(db, c->arena, email, &state->account);
    if (status == STATUS_NOT_FOUND) state->account.email = email;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* One mail more, to the account's address or another one. */
static enum status send(struct call *c, struct db *db, enum account_token_purpose purpose) {
    struct user_mail *state = c->state;
    struct notice_options options = user_mail_options(c);
    struct notice notice = {
        .purpose = purpose,
        .to = state->account.email,
        .account = state->account.id ? &state->account : NULL,
        .now = c->now,
    };
    state->mail = (struct acceptance){0};
    enum status status = notice_send(db, c->arena, &options, &notice, &state->mail);
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse(c, NO_MAIL);
}

static enum status answer(struct call *c) {
    struct json_writer *w = call_open(c);
    json_add_z(w, STR("ErrorText"), "");
    return call_close(c);
}

enum status user_mail_remind(struct call *c, struct db *db) {
    enum status status = send(c, db, TOKEN_FOR_PASSWORD);
    return status == STATUS_OK && c->refused.count == 0 ? answer(c) : status;
}

/* ---- tokens that come back ---- */
static enum status find_token(struct call *c, struct db *db, enum account_token_purpose purpose, struct account_token *ret) {
    struct str token = call_text(c, "Token", (struct str){0});
    struct sha256 hash = token_hash(token);
    return account_token_find(db, c->arena, sha256_str(&hash), purpose, c->now, ret);
}

static enum status use_token(struct call *c, struct db *db) {
    struct sha256 hash = token_hash(call_text(c, "Token", (struct str){0}));
    return account_token_delete(db, sha256_str(&hash));
}

static enum status refuse_token(struct call *c, enum status status) {
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse_field(c, BAD_TOKEN, STR("Token"));
}

/* Before argon2 is spent. */
enum status user_mail_reset_find(struct call *c, struct db *db) {
    struct account_token token = {0};
    c->state = ARENA_NEW(c->arena, struct user_mail);
    if (call_text(c, "NewPassword", (struct str){0}).n < ACCOUNT_PASSWORD_MIN)
        call_refuse_say(c, STR("NewPassword"), "NewPassword must have 8 bytes or more");
    if (c->refused.count) return STATUS_OK;
    enum status status = find_token(c, db, TOKEN_FOR_PASSWORD, &token);
    struct password_gate gate = {.account_id = token.account_id, .is_known = true};
    if (status == STATUS_OK) (void)password_gate_take(c, &gate);
    return refuse_token(c, status);
}

enum status user_mail_reset_hash(struct call *c, struct db *db) {
    (void)db;
    struct user_mail *state = c->state;
    BUF_AUTO hash = {0};
    enum status status = password_hash(call_text(c, "NewPassword", (struct str){0}), c->api->rand, &hash);
    state->password_hash = arena_str(c->arena, buf_str(&hash));
    return status;
}

/* Who reads the account's mail is no stranger to it: so its owner gets in while others guess at it. */
enum status user_mail_reset(struct call *c, struct db *db) {
    const struct user_mail *state = c->state;
    struct account_token token;
    enum status status = find_token(c, db, TOKEN_FOR_PASSWORD, &token);
    if (status == STATUS_OK) status = account_change_password(db, token.account_id, state->password_hash);
    if (status == STATUS_OK && c->ip.family) status = account_remember(db, token.account_id, &c->ip, c->now);
    return status == STATUS_OK ? answer(c) : refuse_token(c, status);
}

enum status user_mail_verify(struct call *c, struct db *db) {
    struct account_token token;
    struct account account;
    enum status status = find_token(c, db, TOKEN_FOR_ADDRESS, &token);
    if (status == STATUS_OK) status = account_get(db, c->arena, token.account_id, &account);
    if (status != STATUS_OK) return refuse_token(c, status);
    bool is_moved = !str_eq(account.email, token.email);
    account.email = token.email;
    account.is_verified = true;
    status = account_update(db, &account);
    if (status == STATUS_EXISTS) return call_refuse(c, 3);
    /* What was mailed to the old address is void. */
    if (status == STATUS_OK) status = is_moved ? account_token_clear(db, account.id) : use_token(c, db);
    return status == STATUS_OK ? answer(c) : status;
}

/* ---- once more ---- */
enum status user_mail_resend(struct call *c, struct db *db) {
    struct user_mail *state = ARENA_NEW(c->arena, struct user_mail);
    c->state = state;
    state->account = c->account;
    if (c->account.is_verified) return call_refuse(c, 1);
    enum status status = send(c, db, TOKEN_FOR_ADDRESS);
    return status == STATUS_OK && c->refused.count == 0 ? answer(c) : status;
}
