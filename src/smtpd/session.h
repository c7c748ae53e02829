/* session.h - the server's side of one SMTP dialogue: bytes in, bytes out, no sockets, no clock.
 *
 *   EHLO/HELO        MAIL          RCPT         DATA, BDAT      CRLF.CRLF, LAST       answered
 *   ---------> READY ----> SENDER ----> RECIPIENTS ----> CONTENT -------------> WAITING ----------> READY
 *                ^___________|___________|  RSET, EHLO, any end of a transaction: tx_reset()
 *
 * A state changes only when its command is complete, so commands may come in one piece or byte by byte (PIPELINING). What is
 * offered is the listener's *service*; who may send what and what becomes of it is a *role*: `inbox`, `submission` or `return
 * path`. A service has one for those who logged in and one for all others; MAIL picks it. A role's answer may come at once or
 * later (a reader or the writer is asked first); the session takes nothing more until then.
 *
 * TLS, AUTH and the name in EHLO are the session's; STARTTLS forgets all that was said before it (ST04). One file a verb:
 * verb_*.c. The table of verbs (session.c) says where each may stand; the table of services' limits (service.h) prints the
 * manual.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_SMTPD_SESSION_H
#define POSTHORN_SMTPD_SESSION_H

#include "base/arena.h"
#include "proto/address/network.h"
#include "proto/smtp/command.h"

struct smtpd_session;

struct smtpd_recipient {
    struct str mailbox; /* as it came, without brackets */
    unsigned notify;    /* bits of enum smtp_notify; 0: not said (RFC 3461 4.1) */
    struct str orcpt;   /* "rfc822;user@example.org", decoded; "" not said */
};
/* A transaction so far; its strings live until it ends. */
struct smtpd_mail {
    struct str sender;            /* "" is <> */
    bool is_utf8;                 /* SMTPUTF8 was said */
    bool is_requiretls;           /* REQUIRETLS was said */
    enum smtp_return what_return; /* RET */
    struct str envid;             /* decoded; "" not said */
    struct smtpd_recipient *recipients;
    size_t recipient_count;
    struct str content; /* CRLF lines, without stuffing; empty before its end */
};
/* Who may send what, and what becomes of it. Static. Each function answers at once (true; *ret is the reply) or later (false; one
 * call of smtpd_session_answer follows, after smtpd_session_feed has returned). 2xx goes on; anything else refuses, and the
 * session stays where it was. A NULL function says 250. `arg` is the session's. A reply's text lives in smtpd_session_arena() or
 * is static. */
struct smtpd_role {
    const char *name;                                                                 /* for the log */
    bool (*sender)(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret); /* MAIL */
    bool (*recipient)(void *arg, const struct smtpd_mail *mail, const struct smtpd_recipient *next,
                      struct smtp_reply *ret);                                       /* RCPT: `next` is not in mail yet */
    bool (*store)(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret); /* the content has ended */
};
/* What a listener offers. Outlives its sessions; shared by threads. */
struct smtpd_service {
    const char *name;
    const struct smtpd_role *anonymous;     /* who has not logged in; NULL: 530 */
    const struct smtpd_role *authenticated; /* NULL: no AUTH is offered */
    /* AUTH: as a role's functions; 235 logs in, 4xx or 5xx refuses. Credentials live until the answer. */
    bool (*login)(void *arg, struct str user, struct str password, struct smtp_reply *ret);
    size_t message_max_bytes, anonymous_max_bytes; /* of content: who has logged in; all others */
    size_t line_max_bytes;                         /* of content, without CRLF */
    size_t recipients_max;                         /* of a transaction; beyond: 452 */
    size_t mails_max;                              /* of a session; beyond: 421; 0: any number */
    unsigned errors_max;                           /* refused commands before 421 */
    unsigned idle_max;                             /* commands that lead to no mail, in a row (PB15) */
    unsigned auth_failures_max;                    /* AU10 */
    bool has_auth_in_clear;                        /* for a loopback peer only; else AUTH needs TLS (AU01) */
    bool has_extensions;                           /* CHUNKING, DSN, LIMITS: not in the sandbox's inbox */
};

enum smtpd_wants {
    SMTPD_WANTS_COMMAND,
    SMTPD_WANTS_CONTENT, /* in DATA or BDAT */
    SMTPD_WANTS_ANSWER,  /* nothing is taken until smtpd_session_answer */
    SMTPD_WANTS_TLS,     /* send what is there, then start TLS; bytes that are left over are an attack (ST01) */
    SMTPD_WANTS_CLOSE    /* send what is there, then close */
};

struct smtpd_session_options {
    const struct smtpd_service *service;
    struct str hostname;   /* names us in banner and EHLO; outlives the session */
    bool has_starttls;     /* there is a certificate */
    bool is_tls;           /* TLS from the first byte (465) */
    bool is_loopback;      /* the peer is this machine */
    bool has_xclient;      /* the peer may tell whom it stands for (XCLIENT) */
    bool is_authenticated; /* by its address ([smtp] trusted): no AUTH is needed; a login goes before it */
    void *arg;             /* for role and service */
    /* XCLIENT named another client, or none (family 0); true: it is authenticated by its address. NULL: false. */
    bool (*client_changed)(void *arg, const struct ip *client);
};
struct smtpd_session *smtpd_session_new(const struct smtpd_session_options *options);
void smtpd_session_free(struct smtpd_session **s);
/* Append the banner. */
void smtpd_session_greet(struct smtpd_session *s, struct buf *out);
/* Take what can be taken from `in`; replies are appended to out. Returns how many bytes were used. Called again after each
 * answer, and with what is left over whenever more has come. */
size_t smtpd_session_feed(struct smtpd_session *s, struct str in, struct buf *out);
/* The late answer of a role or of login. Ignored when none is due. */
void smtpd_session_answer(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out);
/* The handshake that SMTPD_WANTS_TLS asked for is done: the session begins anew. */
void smtpd_session_tls_started(struct smtpd_session *s);
/* Append 421 and want to close: a time-out, too busy, or our stop (PB28). An answer that is due comes first, then the 421; `why`
 * lives until then. */
void smtpd_session_stop(struct smtpd_session *s, const char *why, struct buf *out);
enum smtpd_wants smtpd_session_wants(const struct smtpd_session *s);
/* Memory that the mail in hand takes, for the owner's budget (P8). */
size_t smtpd_session_content_bytes(const struct smtpd_session *s);
/* Content that came and was thrown away: refused, but for our own trouble, or not ended (LM14). is_over: what is in hand too. */
size_t smtpd_session_wasted_bytes(const struct smtpd_session *s, bool is_over);
/* Of the transaction: ends with it. */
struct arena *smtpd_session_arena(struct smtpd_session *s);
/* For trace fields and the log (RFC 3848): "ESMTP", "ESMTPS", "ESMTPSA", "UTF8SMTPSA" ... */
struct str smtpd_session_protocol(const struct smtpd_session *s);
/* The name in EHLO; "" before it. */
struct str smtpd_session_client_name(const struct smtpd_session *s);

#endif
