/* verb_misc.c - RSET, NOOP, VRFY, HELP, QUIT.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/session_own.h"

static const struct smtp_reply cannot_verify = {252, STR_INIT("2.5.0"), STR_INIT("Send a message and see")};
static const struct smtp_reply help = {
    214, STR_INIT("2.0.0"),
    STR_INIT("EHLO, then STARTTLS and AUTH where EHLO offers them, MAIL, RCPT, DATA; RSET, NOOP, QUIT: RFC 5321")};
static const struct smtp_reply bye = {221, STR_INIT("2.0.0"), STR_INIT("Bye")};

void rset_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)c;
    tx_reset(s, s->state == STATE_NEW ? STATE_NEW : STATE_READY);
    smtp_reply_format(out, &session_ok);
}

void noop_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)s, (void)c;
    smtp_reply_format(out, &session_ok);
}

void vrfy_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)s, (void)c;
    smtp_reply_format(out, &cannot_verify);
}

void help_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)s, (void)c;
    smtp_reply_format(out, &help);
}

void quit_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)c;
    session_close(s, &bye, out);
}
