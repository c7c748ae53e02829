/* verb_mail.c - MAIL: picks the role and opens the transaction.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/xtext.h"
#include "smtpd/session_own.h"

static const struct smtp_reply sender_ok = {250, STR_INIT("2.1.0"), STR_INIT("Ok")};
static const struct smtp_reply needs_auth = {530, STR_INIT("5.7.0"), STR_INIT("Authentication required")};
static const struct smtp_reply needs_tls = {530, STR_INIT("5.7.0"), STR_INIT("Authentication required: say STARTTLS, then AUTH")};
static const struct smtp_reply needs_utf8 = {553, STR_INIT("5.6.7"), STR_INIT("Address needs SMTPUTF8")};
static const struct smtp_reply no_dsn = {555, STR_INIT("5.5.4"), STR_INIT("DSN is not offered here")};
static const struct smtp_reply no_requiretls = {555, STR_INIT("5.5.4"), STR_INIT("REQUIRETLS is offered within TLS only")};
static const struct smtp_reply bad_envid = {501, STR_INIT("5.5.4"), STR_INIT("ENVID is not xtext")};
static const struct smtp_reply too_many_mails = {421, STR_INIT("4.7.0"),
                                                 STR_INIT("Too many messages in one session, connect again")};

/* NULL: it may be. The role is set. */
static const struct smtp_reply *mail_judge(struct smtpd_session *s, const struct smtp_command *c) {
    if (s->service->mails_max && s->mails >= s->service->mails_max) return &too_many_mails;
    if (c->has_parameters && !s->is_esmtp) return &session_no_extensions; /* PB26 */
    s->role = session_role(s);
    if (!s->role) return session_offers_auth(s) || !s->options.has_starttls ? &needs_auth : &needs_tls;
    if (c->has_dsn && !s->service->has_extensions) return &no_dsn;
    if (c->requiretls && !session_offers_requiretls(s)) return &no_requiretls;
    if (c->utf8_mailbox && !c->utf8) return &needs_utf8;
    s->max_bytes = s->role == s->service->authenticated ? s->service->message_max_bytes : s->service->anonymous_max_bytes;
    if (c->has_size && c->size_bytes > s->max_bytes) return &session_too_big;
    BUF_AUTO envid = {0};
    if (!smtp_xtext_decode(&envid, c->envid)) return &bad_envid; /* PB21 */
    s->mail.envid = arena_str(&s->arena, buf_str(&envid));
    return NULL;
}

/* A reply's text may live in the arena. */
static void mail_answered(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out) {
    if (reply_is_good(reply)) {
        smtp_reply_format(out, reply);
        s->state = STATE_SENDER;
    } else {
        session_refuse(s, reply, out);
        tx_reset(s, STATE_READY);
    }
}

void mail_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    const struct smtp_reply *why = mail_judge(s, c);
    if (why) return mail_answered(s, why, out);
    s->mail.sender = arena_str(&s->arena, c->mailbox);
    s->mail.is_utf8 = c->utf8;
    s->mail.is_requiretls = c->requiretls;
    s->mail.what_return = c->what_return;
    struct smtp_reply reply = sender_ok;
    bool is_now = !s->role->sender || s->role->sender(s->options.arg, &s->mail, &reply);
    session_judge(s, is_now, &reply, mail_answered, out);
}
