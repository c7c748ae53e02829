/* dsn.h - a delivery status notification to be written: what became of a message for one recipient, told to its sender.
 *
 *   multipart/report -- text/plain                  in plain words
 *                    -- message/delivery-status     for programs (RFC 3464)
 *                    -- text/rfc822-headers         the message's header, or message/rfc822: all of it
 *
 * What holds UTF-8 addresses or header fields has the types of RFC 6533 instead. CRLF lines; text that others said is one line,
 * cut to DSN_TEXT_MAX. Pure but for the boundary from `rand`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_REPORT_DSN_H
#define POSTHORN_PROTO_REPORT_DSN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

#define DSN_TEXT_MAX 500 /* bytes of a reason or a reply */

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_RELAYED };

struct dsn {
    enum dsn_action action;
    struct str from, to;   /* addresses, canonical */
    struct str message_id; /* of the report, without <> */
    int64_t at;
    struct str reporting_mta; /* our host name */

    struct str recipient;  /* address, canonical */
    struct str orcpt;      /* "rfc822;bob@example.net" as RCPT said it, decoded; "" not said */
    struct str status;     /* "5.1.1" */
    struct str remote_mta; /* who said it; "" nobody did */
    unsigned code;         /* its reply; 0: none */
    struct str enhanced, reply;
    struct str reason;   /* in words, for people; "" none */
    int64_t retry_until; /* DELAYED */

    struct str envid; /* of the message, decoded; "" not said */
    int64_t arrived_at;
    struct str subject, original_id; /* of the message; original_id without <> */
    struct str original;             /* its header block, or all of it, CRLF lines; "" neither */
    bool is_whole;
};
/* "Undelivered mail: ..."; in the arena. */
struct str dsn_subject(const struct dsn *d, struct arena *arena);
/* Append the whole message. */
void dsn_write(const struct dsn *d, const struct rand *rand, struct buf *out);

#endif
