/* user_calls.h - accounts: what their calls share, and the steps of the operations; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_USER_CALLS_H
#define POSTHORN_API_USER_CALLS_H

#include "api/call.h"
#include "core/notices.h"

/* May the caller do what only administrators may? */
bool user_call_is_admin(const struct call *call);
/* Take one from a bucket; the operator is not counted. False: refused, it has nothing left. */
bool user_call_take(struct call *call, enum limit_kind kind, struct str key, const struct limit_rate *rate);
/* Members of an account, but for the object around them. */
void user_call_write(struct call *call, const struct account *account);

/* ---- password_gate.c: passwords are tried for at most so often (P8, UI18) ---- */
/* Someone is about to try: account_id 0 and whatever name was typed for nobody's. Clients that the account knows are limited by
 * their own failures alone; strangers share a limit for each name, one for each address and one for all. */
struct password_gate {
    int64_t account_id;
    struct str name; /* in lower case */
    bool is_known;
};
/* Before argon2 is spent. False: the call was refused with 429. */
bool password_gate_take(struct call *call, const struct password_gate *gate);
/* It was right: what was taken is paid back. */
void password_gate_pay_back(struct call *call, const struct password_gate *gate);

/* For whoever is logged in and must show CurrentPassword: steps of LOOP and SLOW; refused with PASSWORD_WRONG. Without that
 * parameter they do nothing. */
#define PASSWORD_WRONG 8
enum status password_confirm_admit(struct call *call, struct db *db);
enum status password_confirm(struct call *call, struct db *db);

/* ---- user_mail.c: the gateway's own mail ---- */
struct notice_options user_mail_options(const struct call *call);
/* After COMMIT, on the loop: hand what notice_send() made to the scheduler. */
void user_mail_offer(struct call *call, const struct acceptance *mail);

/* Steps: login.c. */
enum status login_find(struct call *call, struct db *db);
enum status login_verify(struct call *call, struct db *db);
enum status login_start(struct call *call, struct db *db);
enum status login_end(struct call *call, struct db *db);
/* user_calls.c */
enum status user_calls_hash(struct call *call, struct db *db);
enum status user_calls_create(struct call *call, struct db *db);
enum status user_calls_offer(struct call *call, struct db *db);
enum status user_calls_get(struct call *call, struct db *db);
enum status user_calls_list(struct call *call, struct db *db);
enum status user_calls_current(struct call *call, struct db *db);
enum status user_calls_delete_begin(struct call *call, struct db *db);
enum status user_calls_delete_slice(struct call *call, struct db *db);
enum status user_calls_delete_end(struct call *call, struct db *db);
/* user_update.c */
enum status user_update_judge(struct call *call, struct db *db);
enum status user_update_hash(struct call *call, struct db *db);
enum status user_update_store(struct call *call, struct db *db);
enum status user_update_offer(struct call *call, struct db *db);
/* user_mail.c */
enum status user_mail_remind_find(struct call *call, struct db *db);
enum status user_mail_remind(struct call *call, struct db *db);
enum status user_mail_offer_step(struct call *call, struct db *db);
enum status user_mail_reset_find(struct call *call, struct db *db);
enum status user_mail_reset_hash(struct call *call, struct db *db);
enum status user_mail_reset(struct call *call, struct db *db);
enum status user_mail_verify(struct call *call, struct db *db);
enum status user_mail_resend(struct call *call, struct db *db);
/* totp_calls.c */
enum status totp_calls_setup(struct call *call, struct db *db);
enum status totp_calls_confirm(struct call *call, struct db *db);
enum status totp_calls_disable(struct call *call, struct db *db);
/* user_key_calls.c */
enum status user_key_calls_create(struct call *call, struct db *db);
enum status user_key_calls_list(struct call *call, struct db *db);
enum status user_key_calls_update(struct call *call, struct db *db);
enum status user_key_calls_delete(struct call *call, struct db *db);

#endif
