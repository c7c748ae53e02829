/* service.c - the four kinds of listeners: which roles they have, and how much each lets a session do.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/service.h"

#include "smtpd/own.h"

#define MB ((size_t)1 << 20)

enum limit { MESSAGE, ANONYMOUS_MESSAGE, LINE, RECIPIENTS, MAILS, ERRORS, IDLE, AUTH_FAILURES, LIMIT_COUNT };

/* In the order of enum smtpd_kind: inbox, submission, return path, public. */
static const struct service_limit limits[LIMIT_COUNT] = {
    [MESSAGE] = {"message", "bytes of a message of who is logged in; beyond: 552", {50 * MB, 50 * MB, 50 * MB, 50 * MB}},
    [ANONYMOUS_MESSAGE] = {"other messages",
                           "bytes of a message of any other client, where one may send; beyond: 552",
                           {50 * MB, 10 * MB, 10 * MB, 10 * MB}},
    [LINE] = {"line", "bytes of a line of a message, without its end; beyond: 550", {998, 998, 998, 998}},
    [RECIPIENTS] = {"recipients", "of a message; beyond: 452", {1000, 1000, 100, 1000}},
    [MAILS] = {"messages", "of a session; beyond: 421", {0, 10000, 1000, 10000}},
    [ERRORS] = {"errors", "refused commands since the last message that was taken; then 421", {20, 20, 20, 20}},
    [IDLE] = {"idle commands", "NOOP, RSET, EHLO and the like, without a message between; beyond: 421", {100, 100, 100, 100}},
    [AUTH_FAILURES] = {"failed logins", "of a session; then 421", {3, 3, 3, 3}},
};

static const struct {
    const char *name;
    const struct smtpd_role *anonymous, *authenticated;
} kinds[SMTPD_KIND_COUNT] = {
    [SMTPD_INBOX] = {"inbox", &role_inbox, NULL},
    [SMTPD_SUBMISSION] = {"submission", NULL, &role_submission},
    [SMTPD_RETURN_PATH] = {"return path", &role_return_path, NULL},
    [SMTPD_PUBLIC] = {"public", &role_return_path, &role_submission},
};

const struct service_limit *service_limits(size_t *ret_count) {
    *ret_count = LIMIT_COUNT;
    return limits;
}

static size_t lesser(size_t a, size_t b) {
    return a < b ? a : b;
}

struct smtpd_service service_make(enum smtpd_kind kind, const struct smtpd_bounds *bounds) {
    size_t message = bounds->message_bytes_max ? bounds->message_bytes_max : limits[MESSAGE].value[kind];
    size_t recipients = bounds->recipients_max ? bounds->recipients_max : limits[RECIPIENTS].value[kind];
    return (struct smtpd_service){
        .name = kinds[kind].name,
        .anonymous = kinds[kind].anonymous,
        .authenticated = kinds[kind].authenticated,
        .login = submission_login,
        .message_max_bytes = message,
        .anonymous_max_bytes = lesser(limits[ANONYMOUS_MESSAGE].value[kind], message),
        .line_max_bytes = limits[LINE].value[kind],
        .recipients_max = recipients,
        .mails_max = limits[MAILS].value[kind],
        .errors_max = (unsigned)limits[ERRORS].value[kind],
        .idle_max = (unsigned)limits[IDLE].value[kind],
        .auth_failures_max = (unsigned)limits[AUTH_FAILURES].value[kind],
        .has_extensions = kind != SMTPD_INBOX,
    };
}
