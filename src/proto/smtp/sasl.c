/* sasl.c - one decoded answer for PLAIN, two for LOGIN; what was decoded stays where it is and is wiped there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/sasl.h"

#include "base/encode.h"

enum { OVER, PLAIN_ANSWER, LOGIN_USER, LOGIN_PASSWORD };

static const struct {
    struct str mechanism;
    int state;
    struct smtp_reply challenge;
} mechanisms[] = {
    {STR_INIT("PLAIN"), PLAIN_ANSWER, {334, STR_INIT(""), STR_INIT("")}},
    {STR_INIT("LOGIN"), LOGIN_USER, {334, STR_INIT(""), STR_INIT("VXNlcm5hbWU6")}}, /* "Username:" */
};
static const struct smtp_reply ask_password = {334, STR_INIT(""), STR_INIT("UGFzc3dvcmQ6")}; /* "Password:" */

static const struct smtp_reply unknown_mechanism = {504, STR_INIT("5.5.4"), STR_INIT("Mechanisms are " SMTP_SASL_OFFER)};
static const struct smtp_reply cancelled = {501, STR_INIT("5.7.0"), STR_INIT("Authentication cancelled")};
static const struct smtp_reply bad_base64 = {501, STR_INIT("5.5.2"), STR_INIT("Not base64")};
static const struct smtp_reply bad_form = {501, STR_INIT("5.5.2"), STR_INIT("Say NUL user NUL password, as base64")};
static const struct smtp_reply bad_identity = {535, STR_INIT("5.7.8"), STR_INIT("Nobody may act for another user")};
static const struct smtp_reply bad_credentials = {535, STR_INIT("5.7.8"), STR_INIT("Wrong user name or password")};

static bool has_nul(struct str s) {
    return str_find(s, '\0') != STR_NONE;
}

/* NULL, or why no such user or password can exist. */
static const struct smtp_reply *credentials_check(const struct smtp_sasl *a) {
    bool is_user = a->user.n && a->user.n <= SMTP_SASL_USER_MAX && str_is_utf8(a->user) && !str_has_control(a->user);
    bool is_password = a->password.n && a->password.n <= SMTP_SASL_PASSWORD_MAX && !has_nul(a->password);
    return is_user && is_password ? NULL : &bad_credentials;
}

/* message = [authzid] NUL authcid NUL passwd. An authorization identity may only repeat the user. */
static const struct smtp_reply *plain_read(struct smtp_sasl *a) {
    struct str rest = buf_str(&a->first), identity;
    if (!rest.n || !has_nul(rest)) return &bad_form;
    (void)str_next(&rest, '\0', &identity);
    if (!has_nul(rest)) return &bad_form;
    (void)str_next(&rest, '\0', &a->user);
    a->password = rest;
    if (has_nul(rest)) return &bad_form;
    if (identity.n && !str_eq(identity, a->user)) return &bad_identity;
    return credentials_check(a);
}

static enum smtp_sasl_step refuse(struct smtp_sasl *a, const struct smtp_reply *why, struct smtp_reply *ret_reply) {
    smtp_sasl_wipe(a);
    *ret_reply = *why;
    return SMTP_SASL_BAD;
}

static enum smtp_sasl_step finish(struct smtp_sasl *a, const struct smtp_reply *why, struct smtp_reply *ret_reply) {
    a->state = OVER;
    return why ? refuse(a, why, ret_reply) : SMTP_SASL_DONE;
}

static enum smtp_sasl_step take(struct smtp_sasl *a, struct str base64, struct smtp_reply *ret_reply) {
    struct buf *to = a->state == LOGIN_PASSWORD ? &a->second : &a->first;
    if (base64.n > SMTP_LINE_AUTH_MAX || !base64_decode(to, base64)) return refuse(a, &bad_base64, ret_reply);
    if (a->state == PLAIN_ANSWER) return finish(a, plain_read(a), ret_reply);
    if (a->state == LOGIN_USER) {
        a->user = buf_str(to);
        a->state = LOGIN_PASSWORD;
        *ret_reply = ask_password;
        return SMTP_SASL_CHALLENGE;
    }
    a->password = buf_str(to);
    return finish(a, credentials_check(a), ret_reply);
}

enum smtp_sasl_step smtp_sasl_start(struct smtp_sasl *a, struct str mechanism, bool has_initial, struct str initial,
                                    struct smtp_reply *ret_reply) {
    smtp_sasl_wipe(a);
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        if (!str_eq_nocase(mechanism, mechanisms[i].mechanism)) continue;
        a->state = mechanisms[i].state;
        if (has_initial) return take(a, str_eq(initial, STR("=")) ? STR("") : initial, ret_reply);
        *ret_reply = mechanisms[i].challenge;
        return SMTP_SASL_CHALLENGE;
    }
    return refuse(a, &unknown_mechanism, ret_reply);
}

enum smtp_sasl_step smtp_sasl_take(struct smtp_sasl *a, struct str line, struct smtp_reply *ret_reply) {
    return str_eq(line, STR("*")) ? refuse(a, &cancelled, ret_reply) : take(a, line, ret_reply);
}

void smtp_sasl_wipe(struct smtp_sasl *a) {
    buf_wipe(&a->first);
    buf_wipe(&a->second);
    *a = (struct smtp_sasl){0};
}
