/* totp_calls.c - User.TOTP.*: a second factor for logging in.
 *
 *   none --Setup--> a secret that waits --Confirm, with a first code--> on --Disable, with password and code--> none
 *
 * The operator or an administrator switches it off for whoever lost his device (User.Update, TwoFactor).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/user_calls.h"

#include "core/totp.h"

#define IS_ON      2
#define IS_NOT_SET 4
#define CODE_WRONG 6

enum status totp_calls_setup(struct call *c, struct db *db) {
    struct account account;
    SECRET_AUTO secret = {0};
    SECRET_AUTO typed = {0};
    SECRET_AUTO uri = {0};
    BUF_AUTO sealed = {0};
    enum status status = account_get(db, c->arena, c->account.id, &account);
    if (status != STATUS_OK) return status;
    if (account.totp_is_on) return call_refuse(c, IS_ON);
    totp_make(c->api->rand, &secret);
    totp_seal(&c->api->seal, account.id, buf_str(&secret), c->api->rand, &sealed);
    status = account_set_totp(db, account.id, buf_str(&sealed), false);
    if (status != STATUS_OK) return status;
    totp_format(buf_str(&secret), &typed);
    totp_format_uri(buf_str(&secret), account.email, c->api->hostname, &uri);
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("MFA_SecretKey"), buf_str(&typed));
    json_add_str(w, STR("MFA_QRCode"), buf_str(&uri));
    return call_close(c);
}

/* Is TFACode right for the account's secret? Refused when not. */
static enum status check_code(struct call *c, const struct account *account, int64_t *ret_step) {
    SECRET_AUTO secret = {0};
    enum status status = totp_open(&c->api->seal, account->id, account->totp_sealed, &secret);
    if (status != STATUS_OK) return status;
    if (totp_check(buf_str(&secret), call_text(c, "TFACode", (struct str){0}), c->now, account->totp_step, ret_step))
        return STATUS_OK;
    return call_refuse_field(c, CODE_WRONG, STR("TFACode"));
}

enum status totp_calls_confirm(struct call *c, struct db *db) {
    struct account account;
    int64_t step;
    enum status status = account_get(db, c->arena, c->account.id, &account);
    if (status != STATUS_OK) return status;
    if (account.totp_is_on) return call_refuse(c, IS_ON);
    if (account.totp_sealed.n == 0) return call_refuse(c, IS_NOT_SET);
    status = check_code(c, &account, &step);
    if (call_is_over(c, status)) return status;
    status = account_confirm_totp(db, account.id, account.totp_sealed);
    if (status == STATUS_OK) status = account_use_totp(db, account.id, step);
    return status == STATUS_OK ? call_done(c) : status;
}

enum status totp_calls_disable(struct call *c, struct db *db) {
    struct account account;
    int64_t step;
    enum status status = account_get(db, c->arena, c->account.id, &account);
    if (status != STATUS_OK) return status;
    if (!account.totp_is_on) return call_refuse(c, IS_NOT_SET);
    status = check_code(c, &account, &step);
    if (call_is_over(c, status)) return status;
    status = account_set_totp(db, account.id, (struct str){0}, false);
    return status == STATUS_OK ? call_done(c) : status;
}
