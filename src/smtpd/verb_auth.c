/* verb_auth.c - AUTH (RFC 4954): after TLS, once, outside of a transaction; failures are counted however they come (AU10, AU12).
 * Credentials are wiped on every way out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/session_own.h"

static const struct smtp_reply needs_tls = {538, STR_INIT("5.7.11"), STR_INIT("Encryption required: say STARTTLS first")};
static const struct smtp_reply is_in = {503, STR_INIT("5.5.1"), STR_INIT("Logged in already")};
static const struct smtp_reply too_many_failures = {421, STR_INIT("4.7.0"), STR_INIT("Too many failed logins")};
static const struct smtp_reply welcome = {235, STR_INIT("2.7.0"), STR_INIT("Logged in")};

static void auth_answered(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out) {
    smtp_sasl_wipe(&s->sasl);
    s->state = STATE_READY;
    if (reply_is_good(reply)) {
        s->is_logged_in = true;
        return smtp_reply_format(out, reply);
    }
    session_refuse(s, reply, out);
    bool is_failure = reply->code / 100 == 5;
    if (is_failure && ++s->auth_failures >= s->service->auth_failures_max && s->state != STATE_CLOSED)
        session_close(s, &too_many_failures, out);
}

static void auth_step(struct smtpd_session *s, enum smtp_sasl_step step, struct smtp_reply *reply, struct buf *out) {
    switch (step) {
    case SMTP_SASL_CHALLENGE:
        s->state = STATE_AUTH;
        smtp_reply_format(out, reply);
        break;
    case SMTP_SASL_BAD:
        auth_answered(s, reply, out);
        break;
    case SMTP_SASL_DONE: {
        *reply = welcome;
        bool is_now = s->service->login(s->options.arg, s->sasl.user, s->sasl.password, reply);
        session_judge(s, is_now, reply, auth_answered, out);
        break;
    }
    }
}

size_t auth_feed(struct smtpd_session *s, struct str in, struct buf *out) {
    struct str line;
    struct smtp_reply reply;
    switch (smtp_line_find(in, SMTP_LINE_AUTH_MAX, &line, &reply)) {
    case PARSE_MORE:
        return 0;
    case PARSE_BAD:
        session_close(s, &reply, out);
        return 0;
    case PARSE_DONE:
        break;
    }
    auth_step(s, smtp_sasl_take(&s->sasl, line, &reply), &reply, out);
    return line.n + 2;
}

void auth_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    if (!s->service->authenticated) return session_refuse(s, &session_not_here, out);
    if (s->is_logged_in) return session_refuse(s, &is_in, out);
    if (!s->is_esmtp) return session_refuse(s, &session_hello_first, out);
    if (!session_offers_auth(s)) return session_refuse(s, &needs_tls, out);
    struct smtp_reply reply;
    enum smtp_sasl_step step = smtp_sasl_start(&s->sasl, c->mechanism, c->has_initial, c->initial, &reply);
    auth_step(s, step, &reply, out);
}
