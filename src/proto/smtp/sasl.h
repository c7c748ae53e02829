/* sasl.h - the server's side of AUTH: PLAIN (RFC 4616) and LOGIN, a line at a time, until user and password are known.
 *
 *   start ----------------- initial response ----------------> DONE, BAD
 *     | none: "334"                                             ^
 *     +--> PLAIN: one answer ---------------------------------->|
 *     +--> LOGIN: the user ("334 UGFzc3dvcmQ6") --> password -->+
 *
 * Whether they are right is not judged here. Nothing else (CRAM-MD5) is offered, for it needs passwords in clear at rest (AU09).
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SMTP_SASL_H
#define POSTHORN_PROTO_SMTP_SASL_H

#include "proto/smtp/line.h"

#define SMTP_SASL_OFFER        "PLAIN LOGIN" /* for EHLO's AUTH line */
#define SMTP_SASL_USER_MAX     320           /* octets; longer ones are refused before any hash (AU15) */
#define SMTP_SASL_PASSWORD_MAX 1024

enum smtp_sasl_step {
    SMTP_SASL_CHALLENGE, /* send the reply (334), then give the next line to smtp_sasl_take */
    SMTP_SASL_DONE,      /* user and password are there */
    SMTP_SASL_BAD        /* send the reply; AUTH is over (AU03, AU04) */
};
/* Zero-initialised is empty. Holds secrets: smtp_sasl_wipe on every way out. */
struct smtp_sasl {
    struct str user;     /* UTF-8 without controls, 1 to SMTP_SASL_USER_MAX octets; valid until the wipe */
    struct str password; /* any octets but NUL, 1 to SMTP_SASL_PASSWORD_MAX; valid until the wipe */
    struct buf first, second;
    int state;
};

/* Begin with what the AUTH command said (struct smtp_command: mechanism, has_initial, initial; "=" is an empty response). Wipes
 * what was there. *ret_reply is set but with DONE; its text is static and holds nothing of the client's. BAD: 504 5.5.4
 * mechanism; 501 5.5.2 base64 or form; 501 5.7.0 "*"; 535 5.7.8 for what no credential can be: empty, too long, controls in the
 * user, another authorization identity (AU02, AU03, AU06, AU08, AU15). */
WARN_UNUSED enum smtp_sasl_step smtp_sasl_start(struct smtp_sasl *a, struct str mechanism, bool has_initial, struct str initial,
                                                struct smtp_reply *ret_reply);
/* Go on with the client's answer: a line found by smtp_line_find with SMTP_LINE_AUTH_MAX, without CRLF (AU07). */
WARN_UNUSED enum smtp_sasl_step smtp_sasl_take(struct smtp_sasl *a, struct str line, struct smtp_reply *ret_reply);
/* Wipe and free; *a is empty again. */
void smtp_sasl_wipe(struct smtp_sasl *a);

#endif
