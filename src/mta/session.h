/* session.h - the client's side of one SMTP dialogue: answers in, commands out, no sockets, no clock.
 *
 *   BANNER -> EHLO (-> HELO) -> [STARTTLS -> SECURING -> EHLO] -> [login] -> IDLE
 *   login: AUTH_PLAIN, or AUTH_LOGIN -> AUTH_USER; then AUTH, whose answer is the verdict       (RFC 4954; relays only)
 *   IDLE -> [RSET] -> MAIL -> RCPT -> DATA -> CONTENT -> DOT -> IDLE        one recipient a transaction
 *                       |       |       \-- 354 though refused: EMPTY (a lone dot) -> IDLE
 *                       \-------\-- refused: what was pipelined behind it is read, then IDLE
 *   any -> BROKEN: nonsense, 421, a refused greeting         IDLE -> QUIT
 *
 * enter writes a state's command, respond judges its answer, session_step moves bytes between them. With PIPELINING the
 * commands RSET to DATA leave in one piece; answers are matched in order and never beyond (OB13).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_SESSION_H
#define POSTHORN_MTA_SESSION_H

#include "proto/smtp/reply.h"

enum session_state {
    SESSION_BANNER,
    SESSION_EHLO,
    SESSION_HELO,
    SESSION_STARTTLS,
    SESSION_SECURING,
    SESSION_AUTH_PLAIN, /* said alone: the 334 asks for all of it */
    SESSION_AUTH_LOGIN, /* the 334 asks for the user */
    SESSION_AUTH_USER,  /* the 334 asks for the password */
    SESSION_AUTH,
    SESSION_IDLE,
    SESSION_RSET,
    SESSION_MAIL,
    SESSION_RCPT,
    SESSION_DATA,
    SESSION_CONTENT,
    SESSION_DOT,
    SESSION_EMPTY,
    SESSION_QUIT,
    SESSION_BROKEN,
    SESSION_STATE_COUNT
};

/* What one recipient's transaction needs; strings live until its result. */
struct session_mail {
    struct str sender, recipient;
    size_t size_bytes;
    bool eightbit;   /* the body has bytes above 127 */
    bool utf8;       /* an address or a header field has */
    bool requiretls; /* the host offers it, the owner has looked (RFC 8689) */
};
/* Who we are to a relay. */
struct session_login {
    struct str user, password; /* outlive the session; user "": no login */
    bool may_be_clear;         /* without TLS too: the relay is this machine and its row says so */
};
/* How a transaction, or the greeting, ended. code 0: not by an answer (reason says why). */
struct session_result {
    unsigned code;
    bool is_own; /* our own verdict, the host said nothing like it */
    struct buf enhanced, text;
    const char *command; /* what was answered: "CONNECT", "EHLO", "MAIL" ... "." */
};

struct session {
    enum session_state state;
    struct str hostname;
    struct session_login login;
    bool may_tls;    /* use STARTTLS when it is offered */
    bool is_tls;     /* set by the owner with session_secured */
    bool needs_rset; /* the last transaction was left open */
    bool is_ended;   /* the result of the transaction stands, answers to pipelined commands are still due */
    struct smtp_offer offer;
    struct session_mail mail;
    struct smtp_answer_reader reader;
    struct session_result result;
    void (*heard)(void *arg, struct str lines); /* each answer as it came, but for what is secret; may be NULL */
    void *heard_arg;
};

enum session_event {
    SESSION_EVENT_MORE,    /* nothing to do until bytes come */
    SESSION_EVENT_SECURE,  /* start TLS, then session_secured */
    SESSION_EVENT_READY,   /* greeted: session_send may be called */
    SESSION_EVENT_CONTENT, /* 354: write the framed message, then session_content_written */
    SESSION_EVENT_RESULT,  /* the transaction ended, see result; then as READY, or BROKEN at the next step */
    SESSION_EVENT_BROKEN,  /* close the connection; result says why unless one was given before */
};

/* hostname outlives the session. It then waits for the banner. */
void session_init(struct session *s, struct str hostname, bool may_tls);
/* Before the first step: log in once greeted. Without TLS nothing is said of it unless it may be clear; a relay that refuses it,
 * or offers neither PLAIN nor LOGIN, breaks the session. Its words are not kept then: they could hold what we said (P10). */
void session_set_login(struct session *s, const struct session_login *login);
/* What is being said is a secret: not for a log, nor a transcript. Ask before the bytes are written (P10). */
bool session_is_secret(const struct session *s);
void session_fini(struct session *s);
/* Take one step: drops what it used from in, appends commands to out. Call again until MORE, SECURE, CONTENT or BROKEN. */
enum session_event session_step(struct session *s, struct buf *in, struct buf *out);
/* The handshake is done: what the server offered before is forgotten (ST09), EHLO is said again. */
void session_secured(struct session *s, struct buf *out);
/* Start a transaction; only in SESSION_IDLE. What the server cannot take (SIZE, 8BITMIME, SMTPUTF8) ends at once: false, with
 * the result filled in. */
WARN_UNUSED bool session_send(struct session *s, const struct session_mail *mail, struct buf *out);
void session_content_written(struct session *s);
/* Say QUIT; from then on only the close is waited for. */
void session_quit(struct session *s, struct buf *out);
/* End whatever is going on with words of our own: a time-out, a lost connection. No-op on the result if the transaction's
 * stands already. */
void session_break(struct session *s, const char *why);
/* The same because TLS is not as it must be, with an enhanced status code. */
void session_break_tls(struct session *s, const char *enhanced, const char *why);
bool session_is_busy(const struct session *s); /* in a transaction whose result is not yet given */
/* How long the state may last without an answer (RFC 5321 4.5.3.2); -1 in IDLE. */
int64_t session_patience_ms(const struct session *s);

#endif
