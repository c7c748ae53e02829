/* raw_message.h - a finished RFC 5322 message that somebody hands in: taken apart, and written again to go out.
 *
 * Its fields and its body keep their bytes. Taken out are Bcc, Resent-Bcc, Return-Path (HI16) and X-Posthorn-*; what it lacks is
 * put in front. Lines end in CRLF, or are made to. A header block has one form: fields with a name, no blank before the colon, at
 * most RAW_MESSAGE_FIELDS_MAX of RAW_MESSAGE_HEADER_MAX bytes in all (LM03, LM04, LM06, LM11). Whose addresses it may name is the
 * caller's to judge. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_RAW_MESSAGE_H
#define POSTHORN_CORE_RAW_MESSAGE_H

#include "base/buf.h"
#include "proto/address/address.h"

#define RAW_MESSAGE_HEADER_MAX     102400
#define RAW_MESSAGE_FIELDS_MAX     1000
#define RAW_MESSAGE_RECIPIENTS_MAX 1000
#define RAW_MESSAGE_SENDERS_MAX    20 /* addresses of From, Sender, Resent-From and Resent-Sender */
#define RAW_MESSAGE_OPTIONS_MAX    16 /* more than there are, each of which may be there once; what lies beyond is not read */

enum raw_message_refusal {
    RAW_MESSAGE_FINE,
    RAW_MESSAGE_LINE,       /* NUL, a bare CR or too long; none at all */
    RAW_MESSAGE_FIELD,      /* a line of the header block is no field */
    RAW_MESSAGE_TOO_BIG,    /* the header block */
    RAW_MESSAGE_SENDERS,    /* an address of From, Sender, Resent-From or Resent-Sender is invalid, or there are too many */
    RAW_MESSAGE_RECIPIENTS, /* of To, Cc or Bcc */
};
/* Somebody in whose name it is sent. */
struct raw_sender {
    const char *field; /* "From" ... */
    struct address address;
};
struct raw_option {
    struct str name, value; /* "X-Posthorn-TTL" as written; unfolded */
};
struct raw_message {
    struct raw_sender *senders; /* in order */
    size_t sender_count;
    size_t from_fields, from_addresses; /* of the senders, how many are From's */
    size_t received_fields;
    struct str subject;    /* decoded UTF-8; "" when it has none */
    struct str message_id; /* without <>; "" when it has none */
    bool has_date, has_reply_to, has_subject;
    bool is_ascii;              /* the header block */
    bool waives_tls;            /* "TLS-Required: No" (RFC 8689 5) */
    struct address *recipients; /* of To, Cc and Bcc, where wanted, in order; the same one may come twice */
    size_t recipient_count;
    struct raw_option *options; /* X-Posthorn-* */
    size_t option_count;
    struct str fields; /* those that stay, CRLF lines */
    struct str body;   /* CRLF lines */
};
struct raw_message_refused {
    enum raw_message_refusal refusal;
    size_t line;       /* from 1, of FIELD and LINE; 0: of none */
    const char *field; /* SENDERS, RECIPIENTS: "From"; NULL: of none */
};
struct raw_message_reading {
    bool is_crlf;          /* lines are as they must be: nothing is looked at or copied */
    bool wants_recipients; /* else To, Cc and Bcc are not read */
};
/* Take `bytes` apart; *ret lives in the arena and in bytes. False: *ret_why. */
bool raw_message_parse(struct str bytes, const struct raw_message_reading *how, struct arena *arena, struct raw_message *ret,
                       struct raw_message_refused *ret_why);

/* The one address of From; NULL: there is none, or more. */
const struct address *raw_message_from(const struct raw_message *m);

/* What a message gets. */
struct raw_additions {
    struct str received;                      /* value of a Received field; "" none */
    struct str message_id;                    /* without <>; where it has none */
    int64_t date_ms;                          /* where it has none */
    struct str from_email, from_name;         /* "" none */
    struct str reply_to_email, reply_to_name; /* "" none */
};
/* Append the message's header block, without the blank line behind it. */
void raw_message_write_fields(const struct raw_message *m, const struct raw_additions *with, struct buf *out);
/* Append the whole message. */
void raw_message_write(const struct raw_message *m, const struct raw_additions *with, struct buf *out);
/* For another content: the fields that stay, without MIME-Version, Content-* and a Subject that says nothing. In the arena. */
struct str raw_message_fields_without_content(const struct raw_message *m, struct arena *arena);

#endif
