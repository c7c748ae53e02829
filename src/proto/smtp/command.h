/* command.h - one SMTP command line of a client: verb, path, parameters.
 *
 * The table in command.c says what each verb takes. Whether a command is allowed now is the session's business. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SMTP_COMMAND_H
#define POSTHORN_PROTO_SMTP_COMMAND_H

#include "proto/smtp/line.h"

enum smtp_verb {
    SMTP_EHLO,
    SMTP_HELO,
    SMTP_MAIL,
    SMTP_RCPT,
    SMTP_DATA,
    SMTP_RSET,
    SMTP_NOOP,
    SMTP_QUIT,
    SMTP_VRFY,
    SMTP_HELP,
    SMTP_EXPN,
    SMTP_TURN,
    SMTP_ETRN,
    SMTP_AUTH,
    SMTP_BDAT,
    SMTP_STARTTLS,
    SMTP_XCLIENT,
    SMTP_VERB_COUNT
};
/* NOTIFY of RCPT, a set of bits (RFC 3461 4.1). */
enum smtp_notify { SMTP_NOTIFY_NEVER = 1, SMTP_NOTIFY_SUCCESS = 2, SMTP_NOTIFY_FAILURE = 4, SMTP_NOTIFY_DELAY = 8 };
/* RET of MAIL (RFC 3461 4.3). */
enum smtp_return { SMTP_RETURN_UNSAID, SMTP_RETURN_FULL, SMTP_RETURN_HEADERS };

struct smtp_command {
    enum smtp_verb verb;
    struct str argument; /* what follows the verb; EHLO, HELO: the name or literal */
    struct str mailbox;  /* MAIL, RCPT: without brackets and source route; "" is <> */
    bool utf8_mailbox;   /* it holds non-ASCII: needs SMTPUTF8 (RFC 6531) */
    bool has_size;       /* MAIL SIZE= */
    uint64_t size_bytes;
    bool eightbit;   /* MAIL BODY=8BITMIME */
    bool utf8;       /* MAIL SMTPUTF8 */
    bool requiretls; /* MAIL REQUIRETLS (RFC 8689) */
    bool has_parameters;
    bool has_dsn;                 /* one of RET, ENVID, NOTIFY, ORCPT was said */
    enum smtp_return what_return; /* MAIL RET= */
    struct str envid;             /* MAIL ENVID=, still xtext (smtp_xtext_decode); "" not said */
    unsigned notify;              /* RCPT NOTIFY=; 0 not said */
    struct str orcpt;             /* RCPT ORCPT=, still xtext behind "type;"; "" not said */
    uint64_t chunk_bytes;         /* BDAT */
    bool is_last;                 /* BDAT LAST */
    struct str mechanism;         /* AUTH: as written */
    bool has_initial;             /* AUTH with an initial response */
    struct str initial;           /* still base64, or "="; secret */
};

/* Parse one SMTP command line.
 * `in` holds bytes from the peer; at most SMTP_LINE_MAX are examined, SMTP_LINE_MAIL_MAX after MAIL and RCPT, SMTP_LINE_AUTH_MAX
 * after AUTH. Returns PARSE_DONE and fills *ret_command (slices of `in`, valid while `in` is), PARSE_MORE when no CRLF has come
 * yet, PARSE_BAD with *ret_reply set. *ret_used is the length of the line with its CRLF; 0 with PARSE_BAD: what follows cannot be
 * told from commands (the line has no proper end, or a BDAT does not say how long its chunk is) and the caller must close after
 * the reply. A parameter said twice is 501, an unknown one 555; AUTH= of MAIL is read and means nothing (AU20).
 * Source: RFC 5321 4.1.1, 4.1.2, 4.5.3.1.4; RFC 1870, 3030, 3461, 4954, 6152, 6531. */
WARN_UNUSED enum parse smtp_command_parse(struct str in, struct smtp_command *ret_command, struct smtp_reply *ret_reply,
                                          size_t *ret_used);

/* Can `name` stand after EHLO (RFC 5321 4.1.1.1)? A host name, underscores and UTF-8 forgiven, or an address in brackets (PB22).
 */
bool smtp_name_is_valid(struct str name);

#endif
