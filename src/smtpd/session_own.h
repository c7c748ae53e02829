/* session_own.h - what session.c and the verbs share: the session itself, and the three ways a command can end: replied, refused
 * (counted), closed.
 *
 * A verb's function sees only commands that may stand where they are (the table in session.c). Where a role has to be asked it
 * ends with session_judge, and what follows the answer is a function of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_SMTPD_SESSION_OWN_H
#define POSTHORN_SMTPD_SESSION_OWN_H

#include "proto/smtp/data.h"
#include "proto/smtp/sasl.h"
#include "smtpd/session.h"

enum state {
    STATE_NEW,        /* no EHLO yet */
    STATE_READY,      /* no transaction */
    STATE_SENDER,     /* MAIL taken */
    STATE_RECIPIENTS, /* at least one RCPT taken */
    STATE_CHUNKS,     /* between two BDAT */
    STATE_CONTENT,    /* in DATA */
    STATE_CHUNK,      /* in the chunk of a BDAT */
    STATE_AUTH,       /* a line of AUTH's exchange is due */
    STATE_WAITING,    /* an answer is due */
    STATE_TLS,        /* the handshake is due */
    STATE_CLOSED,     /* for good */
    STATE_COUNT
};

struct smtpd_session {
    struct smtpd_session_options options;
    const struct smtpd_service *service;
    enum state state;
    bool is_esmtp, is_logged_in;
    struct buf client_name;
    bool is_name_told; /* by XCLIENT: EHLO does not change it */
    unsigned errors, idle, auth_failures;
    size_t mails;
    size_t wasted_bytes; /* of content, in transactions that are over */
    size_t behind_bytes; /* what stood behind the command in hand when it came */
    struct smtp_sasl sasl;
    void (*answered)(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out); /* what WAITING is for */
    const char *stop_why;                                                                       /* a stop that came in WAITING */

    /* The transaction; tx_reset() ends it. */
    struct arena arena;
    const struct smtpd_role *role;
    size_t max_bytes; /* of its content */
    struct smtpd_mail mail;
    struct smtpd_recipient next; /* the role is asked about it */
    size_t recipients_room, recipients_said;
    struct smtp_data_reader reader;
    struct buf content;
    size_t taken_bytes;               /* of content, as it came; 0: stored, or not the client's fault */
    uint64_t chunk_bytes;             /* announced and not yet here */
    bool is_last;                     /* the chunk in hand */
    const struct smtp_reply *refusal; /* of the chunk in hand: it is thrown away; NULL: it is taken */
    enum state after_refusal;
    unsigned small_chunks;
};

/* Replies of more than one verb. */
extern const struct smtp_reply session_ok, session_hello_first, session_rcpt_first, session_not_here, session_no_extensions,
    session_too_big;

/* The only way a transaction ends. A closed session stays closed. */
void tx_reset(struct smtpd_session *s, enum state next);
/* Append the reply, and close. */
void session_close(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out);
/* Append a refusal and count it; a 421 closes, and so does one refusal too many. The state stays. */
void session_refuse(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out);
/* The end of asking a role: `is_now` and *reply are what its function returned. `answered` is called at once or with the late
 * answer; it sets the state. */
void session_judge(struct smtpd_session *s, bool is_now, const struct smtp_reply *reply,
                   void (*answered)(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out), struct buf *out);
/* Forget whom we talk to: after TLS has begun and after XCLIENT (ST04). */
void session_forget(struct smtpd_session *s);
/* By login or by address. */
bool session_is_authenticated(const struct smtpd_session *s);
/* Is AUTH offered here and now? */
bool session_offers_auth(const struct smtpd_session *s);
/* REQUIRETLS? Within TLS only (RFC 8689 2). */
bool session_offers_requiretls(const struct smtpd_session *s);
/* What the client may send: its role; NULL: it has to log in first. */
const struct smtpd_role *session_role(const struct smtpd_session *s);
static inline bool reply_is_good(const struct smtp_reply *reply) {
    return reply->code / 100 == 2;
}

/* A message is whole, or its fault known. */
void content_ended(struct smtpd_session *s, struct buf *out);

/* What is taken in a state where no command is: returns how much. `in` is not empty. */
size_t data_feed(struct smtpd_session *s, struct str in, struct buf *out);
size_t bdat_feed(struct smtpd_session *s, struct str in, struct buf *out);
size_t auth_feed(struct smtpd_session *s, struct str in, struct buf *out);

/* The verbs. */
void hello_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void starttls_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void auth_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void xclient_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void mail_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void rcpt_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void data_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void bdat_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void rset_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void noop_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void vrfy_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void help_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
void quit_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);

#endif
