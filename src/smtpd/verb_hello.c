/* verb_hello.c - EHLO and HELO: a name, and what is offered to this client, here and now (AU01, ST05, ST09). Ends a transaction
 * (PB18).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/xclient.h"
#include "smtpd/session_own.h"

/* Who may log in is told the size that he may send then. */
static size_t size_offered(const struct smtpd_session *s) {
    bool is_larger = s->service->authenticated && (session_is_authenticated(s) || session_offers_auth(s));
    return is_larger || !s->service->anonymous ? s->service->message_max_bytes : s->service->anonymous_max_bytes;
}

static void limits_format(const struct smtpd_session *s, struct buf *out) { /* RFC 9422 */
    buf_add_z(out, "250-LIMITS");
    if (s->service->mails_max) buf_addf(out, " MAILMAX=%zu", s->service->mails_max);
    buf_addf(out, " RCPTMAX=%zu\r\n", s->service->recipients_max);
}

void hello_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    s->is_esmtp = c->verb == SMTP_EHLO;
    tx_reset(s, STATE_READY);
    if (!s->is_name_told) {
        buf_reset(&s->client_name);
        buf_add_str(&s->client_name, c->argument);
    }
    buf_addf(out, "250%c%.*s\r\n", s->is_esmtp ? '-' : ' ', STR_ARG(s->options.hostname));
    if (!s->is_esmtp) return;
    buf_addf(out, "250-SIZE %zu\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n", size_offered(s));
    if (s->options.has_starttls && !s->options.is_tls) buf_add_z(out, "250-STARTTLS\r\n");
    if (session_offers_auth(s)) buf_add_z(out, "250-AUTH " SMTP_SASL_OFFER "\r\n");
    if (session_offers_requiretls(s)) buf_add_z(out, "250-REQUIRETLS\r\n");
    if (s->service->has_extensions) {
        buf_add_z(out, "250-CHUNKING\r\n250-DSN\r\n");
        limits_format(s, out);
    }
    if (s->options.has_xclient) buf_add_z(out, "250-XCLIENT " SMTP_XCLIENT_OFFER "\r\n");
    buf_add_z(out, "250 ENHANCEDSTATUSCODES\r\n");
}
