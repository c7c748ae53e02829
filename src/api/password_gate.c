/* password_gate.c - how often a password may be tried.
 *
 * A try is taken from its buckets before argon2 runs and paid back when it was right, so parallel tries cannot slip through.
 * A guesser spends the strangers' bucket of the account he guesses at, and its owner, who comes from where he logged in before,
 * has one of his own: nobody locks him out. The bucket of an address is not paid back, or an account of one's own would
 * refill it; nor is an account's bucket of logins from known clients, right ones too, or it could keep the slow pool busy (P6).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/user_calls.h"

#include "crypto/password.h"

#define MINUTES(n) (INT64_C(60000) * (n))
#define EVERYBODY  STR("*") /* a name that no account has */

static const struct limit_rate known_rate = {.count = 20, .period_ms = MINUTES(10), .burst = 10};
static const struct limit_rate account_rate = {.count = 120, .period_ms = MINUTES(1), .burst = 60};
static const struct limit_rate stranger_rate = {.count = 10, .period_ms = MINUTES(10), .burst = 10};
static const struct limit_rate address_rate = {.count = 60, .period_ms = MINUTES(10), .burst = 30};
static const struct limit_rate everybody_rate = {.count = 1200, .period_ms = MINUTES(1), .burst = 40}; /* 20 hashes a second */

bool user_call_take(struct call *c, enum limit_kind kind, struct str key, const struct limit_rate *rate) {
    struct limit_state state;
    if (c->request.is_control) return true;
    if (limits_take(c->api->limits, kind, key, rate, clock_mono_ms(c->api->clock), &state)) return true;
    call_refuse_wait(c, &state);
    return false;
}

bool password_gate_take(struct call *c, const struct password_gate *gate) {
    char room[LIMIT_KEY_MAX];
    if (gate->is_known)
        return user_call_take(c, LIMIT_LOGIN_CLIENT, limit_key_both(gate->account_id, &c->ip, room), &known_rate) &&
               user_call_take(c, LIMIT_LOGIN_ACCOUNT, limit_key_id(gate->account_id, room), &account_rate);
    return user_call_take(c, LIMIT_LOGIN_ADDRESS, limit_key_ip(&c->ip, room), &address_rate) &&
           user_call_take(c, LIMIT_LOGIN_STRANGER, gate->name, &stranger_rate) &&
           user_call_take(c, LIMIT_LOGIN_STRANGER, EVERYBODY, &everybody_rate);
}

void password_gate_pay_back(struct call *c, const struct password_gate *gate) {
    char room[LIMIT_KEY_MAX];
    if (c->request.is_control) return;
    if (gate->is_known)
        limits_reset(c->api->limits, LIMIT_LOGIN_CLIENT, limit_key_both(gate->account_id, &c->ip, room));
    else
        limits_reset(c->api->limits, LIMIT_LOGIN_STRANGER, gate->name);
}

/* ---- CurrentPassword ---- */
/* Whoever is logged in is no stranger. Nothing is paid back: a code of six digits may have to be right, too. */
enum status password_confirm_admit(struct call *c, struct db *db) {
    (void)db;
    struct password_gate gate = {.account_id = c->account.id, .is_known = true};
    if (call_arg(c, "CurrentPassword")->is_given) (void)password_gate_take(c, &gate);
    return STATUS_OK;
}

enum status password_confirm(struct call *c, struct db *db) {
    (void)db;
    const struct arg *given = call_arg(c, "CurrentPassword");
    if (!given->is_given) return STATUS_OK;
    enum status status = password_verify(given->text, c->account.password_hash);
    if (status != STATUS_DENIED && status != STATUS_INVALID) return status;
    return call_refuse_field(c, PASSWORD_WRONG, STR("CurrentPassword"));
}
