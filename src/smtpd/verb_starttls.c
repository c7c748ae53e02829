/* verb_starttls.c - STARTTLS (RFC 3207): nothing that was said in clear counts behind it (ST04), and what stands behind it in the
 * same segment is an attack, which the connection sees as bytes left over (ST01).
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/session_own.h"

static const struct smtp_reply go_ahead = {220, STR_INIT("2.0.0"), STR_INIT("Go ahead")};
static const struct smtp_reply is_on = {503, STR_INIT("5.5.1"), STR_INIT("TLS is on already")};

void starttls_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)c;
    if (s->options.is_tls) return session_refuse(s, &is_on, out);
    if (!s->options.has_starttls) return session_refuse(s, &session_not_here, out);
    smtp_reply_format(out, &go_ahead);
    tx_reset(s, STATE_TLS);
}
