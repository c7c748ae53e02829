/* session.h - the server's side of one SMTP dialogue: bytes in, bytes out, no sockets, no clock.
 *
 *   EHLO/HELO        MAIL          RCPT            DATA            CRLF.CRLF         delivered
 *   ---------> READY ----> SENDER ----> RECIPIENTS ----> CONTENT -----------> STORING ----------> READY
 *                ^___________|___________|  RSET, EHLO, any end of a transaction: tx_reset()
 *
 * A state changes only when its command is complete, so commands may come in one piece or byte by byte (PIPELINING). What a
 * session may do and what happens to a message is its *role*: the sandbox's inbox today; submission and return path are
 * other values of struct smtpd_role.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_SMTPD_SESSION_H
#define POSTHORN_SMTPD_SESSION_H

#include "base/arena.h"
#include "proto/smtp/reply.h"

struct smtpd_session;

/* A message as the peer handed it over; its strings live until smtpd_session_stored. */
struct smtpd_mail {
    struct str sender; /* "" is <> */
    struct str *recipients;
    size_t recipient_count;
    struct str content; /* CRLF lines, without stuffing */
};
/* The policy of a kind of session; static, shared by threads. */
struct smtpd_role {
    const char *name; /* for the log */
    size_t message_max_bytes, line_max_bytes;
    size_t recipients_max;
    unsigned errors_max; /* refused commands before 421 (PB15: idle ones count too, see session.c) */
    /* Keep the mail; ends with one call of smtpd_session_stored, after smtpd_session_feed has returned. */
    void (*store)(void *arg, struct smtpd_session *session, const struct smtpd_mail *mail);
};

enum smtpd_wants {
    SMTPD_WANTS_COMMAND,
    SMTPD_WANTS_CONTENT, /* in DATA */
    SMTPD_WANTS_STORED,  /* nothing is taken until smtpd_session_stored */
    SMTPD_WANTS_CLOSE    /* send what is there, then close */
};

/* hostname names us in banner and EHLO; it and role outlive the session. arg is for role->store. */
struct smtpd_session *smtpd_session_new(const struct smtpd_role *role, struct str hostname, void *arg);
void smtpd_session_free(struct smtpd_session **s);
/* Append the banner. */
void smtpd_session_greet(struct smtpd_session *s, struct buf *out);
/* Take what can be taken from `in`; replies are appended to out. Returns how many bytes were used. */
size_t smtpd_session_feed(struct smtpd_session *s, struct str in, struct buf *out);
/* The end of role->store: OK answers 250, LIMIT 452, anything else 451 (P7). Appends the reply; then feed again. */
void smtpd_session_stored(struct smtpd_session *s, enum status status, struct buf *out);
/* Append 421 and want to close: a time-out or our stop (PB28). */
void smtpd_session_stop(struct smtpd_session *s, const char *why, struct buf *out);
enum smtpd_wants smtpd_session_wants(const struct smtpd_session *s);
/* Memory that the mail in hand takes, for the owner's budget (P8). */
size_t smtpd_session_content_bytes(const struct smtpd_session *s);

#endif
