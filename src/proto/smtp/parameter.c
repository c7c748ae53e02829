/* parameter.c - a table of parameters, each with the verb that it stands behind.
 *
 * The code tells a wrong value (501) from a parameter that is not offered (555).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/parameter.h"

#include "proto/address/address.h"
#include "proto/smtp/xtext.h"

#define ENVID_MAX 100 /* octets as xtext (RFC 3461 4.4) */
#define ORCPT_MAX 500 /* octets with its type (RFC 3461 4.2) */

static const struct smtp_reply bad_value = {501, STR_INIT("5.5.4"), STR_INIT("Bad value of a parameter")};
static const struct smtp_reply twice = {501, STR_INIT("5.5.4"), STR_INIT("A parameter is given twice")};
static const struct smtp_reply unknown_parameter = {555, STR_INIT("5.5.4"), STR_INIT("Unknown parameter")};
static const struct smtp_reply no_binary = {555, STR_INIT("5.5.4"), STR_INIT("BINARYMIME is not offered; use 8BITMIME")};

/* value.p is NULL without "="; the same parameter never comes twice. */
static const struct smtp_reply *take_size(struct smtp_command *c, struct str value) {
    c->has_size = true;
    return value.n <= 20 && str_to_u64(value, &c->size_bytes) ? NULL : &bad_value;
}
static const struct smtp_reply *take_body(struct smtp_command *c, struct str value) {
    if (str_eq_nocase(value, STR("BINARYMIME"))) return &no_binary;
    c->eightbit = str_eq_nocase(value, STR("8BITMIME"));
    return c->eightbit || str_eq_nocase(value, STR("7BIT")) ? NULL : &bad_value;
}
static const struct smtp_reply *take_utf8(struct smtp_command *c, struct str value) {
    c->utf8 = true;
    return value.p ? &bad_value : NULL;
}
static const struct smtp_reply *take_requiretls(struct smtp_command *c, struct str value) {
    c->requiretls = true;
    return value.p ? &bad_value : NULL;
}
static const struct smtp_reply *take_auth(struct smtp_command *c, struct str value) {
    (void)c;
    return value.n ? NULL : &bad_value;
}
static const struct smtp_reply *take_return(struct smtp_command *c, struct str value) {
    c->has_dsn = true;
    c->what_return = str_eq_nocase(value, STR("FULL"))   ? SMTP_RETURN_FULL
                     : str_eq_nocase(value, STR("HDRS")) ? SMTP_RETURN_HEADERS
                                                         : SMTP_RETURN_UNSAID;
    return c->what_return == SMTP_RETURN_UNSAID ? &bad_value : NULL;
}

static bool is_xtext(struct str s) {
    BUF_AUTO ignored = {0};
    return s.n && smtp_xtext_decode(&ignored, s);
}

static const struct smtp_reply *take_envid(struct smtp_command *c, struct str value) {
    c->has_dsn = true;
    c->envid = value;
    return value.n <= ENVID_MAX && str_is_ascii(value) && is_xtext(value) ? NULL : &bad_value;
}
/* Only addresses of type utf-8 hold other than ASCII (RFC 6533 3). */
static const struct smtp_reply *take_orcpt(struct smtp_command *c, struct str value) {
    c->has_dsn = true;
    c->orcpt = value;
    struct str type = str_sub(value, 0, str_find(value, ';'));
    struct str address = str_sub(value, type.n + 1, SIZE_MAX);
    if (value.n > ORCPT_MAX || type.n == 0 || !is_xtext(address)) return &bad_value;
    for (size_t i = 0; i < type.n; i++)
        if (!address_is_atext(type.p[i])) return &bad_value;
    return str_is_ascii(address) || str_eq_nocase(type, STR("utf-8")) ? NULL : &bad_value;
}

static const struct {
    struct str word;
    enum smtp_notify bit;
} notices[] = {
    {STR_INIT("NEVER"), SMTP_NOTIFY_NEVER},
    {STR_INIT("SUCCESS"), SMTP_NOTIFY_SUCCESS},
    {STR_INIT("FAILURE"), SMTP_NOTIFY_FAILURE},
    {STR_INIT("DELAY"), SMTP_NOTIFY_DELAY},
};

static unsigned notice_find(struct str word) {
    for (size_t i = 0; i < sizeof notices / sizeof *notices; i++)
        if (str_eq_nocase(word, notices[i].word)) return notices[i].bit;
    return 0;
}
static const struct smtp_reply *take_notify(struct smtp_command *c, struct str value) {
    struct str word;
    c->has_dsn = true;
    while (str_next(&value, ',', &word)) {
        unsigned bit = notice_find(word);
        if (bit == 0) return &bad_value;
        c->notify |= bit;
    }
    bool is_alone = c->notify == SMTP_NOTIFY_NEVER || !(c->notify & SMTP_NOTIFY_NEVER);
    return c->notify && is_alone ? NULL : &bad_value;
}

static const struct {
    enum smtp_verb verb;
    struct str word;
    const struct smtp_reply *(*take)(struct smtp_command *c, struct str value);
} parameters[] = {
    {SMTP_MAIL, STR_INIT("SIZE"), take_size},
    {SMTP_MAIL, STR_INIT("BODY"), take_body},
    {SMTP_MAIL, STR_INIT("SMTPUTF8"), take_utf8},
    {SMTP_MAIL, STR_INIT("AUTH"), take_auth},
    {SMTP_MAIL, STR_INIT("RET"), take_return},
    {SMTP_MAIL, STR_INIT("ENVID"), take_envid},
    {SMTP_MAIL, STR_INIT("REQUIRETLS"), take_requiretls},
    {SMTP_RCPT, STR_INIT("NOTIFY"), take_notify},
    {SMTP_RCPT, STR_INIT("ORCPT"), take_orcpt},
};

const struct smtp_reply *smtp_parameter_parse(struct str word, struct smtp_command *c, unsigned *seen) {
    size_t equals = str_find(word, '=');
    struct str key = str_sub(word, 0, equals);
    struct str value = equals == STR_NONE ? (struct str){0} : str_sub(word, equals + 1, SIZE_MAX);
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        if (c->verb != parameters[i].verb || !str_eq_nocase(key, parameters[i].word)) continue;
        if (*seen & 1U << i) return &twice;
        *seen |= 1U << i;
        return parameters[i].take(c, value);
    }
    return &unknown_parameter;
}
