/* command.h - one SMTP command line of a client: verb, path, parameters.
 *
 * The table in command.c says what each verb takes. Whether a command is allowed now is the session's business. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SMTP_COMMAND_H
#define POSTHORN_PROTO_SMTP_COMMAND_H

#include "proto/smtp/reply.h"

#define SMTP_COMMAND_MAX 512 /* octets with CRLF */

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
    SMTP_VERB_COUNT
};

struct smtp_command {
    enum smtp_verb verb;
    struct str argument; /* what follows the verb; EHLO, HELO: the name or literal */
    struct str mailbox;  /* MAIL, RCPT: without brackets and source route; "" is <> */
    bool utf8_mailbox;   /* it holds non-ASCII: needs SMTPUTF8 (RFC 6531) */
    bool has_size;       /* MAIL SIZE= */
    uint64_t size_bytes;
    bool eightbit; /* MAIL BODY=8BITMIME */
    bool utf8;     /* MAIL SMTPUTF8 */
    bool has_parameters;
};

/* Parse one SMTP command line.
 * `in` holds bytes from the peer; at most SMTP_COMMAND_MAX are examined.
 * Returns PARSE_DONE and fills *ret_command (slices of `in`, valid while `in` is), PARSE_MORE when no CRLF has come yet,
 * PARSE_BAD with *ret_reply set. *ret_used is the length of the line with its CRLF; 0 with PARSE_BAD: the line has no
 * proper end (too long, a bare LF or CR) and the caller must close after the reply.
 * Source: RFC 5321 4.1.1, 4.1.2, 4.5.3.1.4; RFC 1870, 6152, 6531. */
WARN_UNUSED enum parse smtp_command_parse(struct str in, struct smtp_command *ret_command, struct smtp_reply *ret_reply,
                                          size_t *ret_used);

#endif
