/* compose.h - a submission, checked and written as an RFC 5322 message.
 *
 * What an API call or the command line wants to send, as values. compose_check() judges everything that could break or forge a
 * header (HI01-HI20) and canonicalises the addresses; compose_message() then cannot fail. Whether a field had to be there, how
 * many recipients a group may have and whose domain From may name are the caller's rules.
 *
 * The message: CRLF lines of at most 998 octets, ASCII only unless an address has a UTF-8 local part, Bcc nowhere (HI16), no
 * Return-Path, no signature. text beside html becomes multipart/alternative, inline parts go beside the html
 * (multipart/related), the other attachments into multipart/mixed. Pure but for boundaries from `rand`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_COMPOSE_H
#define POSTHORN_CORE_COMPOSE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "proto/address/address.h"

#define COMPOSE_NAME_MAX         512   /* bytes of a display name, file name or content id */
#define COMPOSE_SUBJECT_MAX      8192  /* bytes */
#define COMPOSE_HEADERS_MAX      100   /* custom headers */
#define COMPOSE_HEADER_VALUE_MAX 16384 /* bytes of one custom value; a word in it may have 900 */
#define COMPOSE_ATTACHMENTS_MAX  500
#define COMPOSE_REFUSALS_MAX     32

struct compose_mailbox {
    struct str email;       /* as it came */
    struct str name;        /* display name, UTF-8, may be empty */
    struct address address; /* filled by compose_check() */
};
struct compose_group {
    struct compose_mailbox *items;
    size_t count;
};
struct compose_attachment {
    struct str filename;     /* any UTF-8; only what follows the last '/' or '\' is used; may be empty */
    struct str content_type; /* "type/subtype", perhaps with a charset; empty, message and multipart types become
                                application/octet-stream */
    struct str content;      /* the bytes, decoded */
    struct str content_id;   /* with or without <>; may be empty */
    bool is_inline;          /* disposition */
};
struct compose_header {
    struct str name, value; /* value UTF-8 */
};
struct submission {
    struct compose_mailbox from;
    struct compose_group to, cc, bcc, reply_to;
    struct str subject;
    struct str html, text; /* UTF-8; n == 0 is absent; with neither the body is an empty text */
    const struct compose_attachment *attachments;
    size_t attachment_count;
    const struct compose_header *headers; /* custom */
    size_t header_count;
    int64_t date_ms;       /* Date */
    struct str message_id; /* Message-ID, without <>; "<uuid>@<domain>" */
};

enum compose_field {
    COMPOSE_FROM_EMAIL,
    COMPOSE_FROM_NAME,
    COMPOSE_TO_EMAIL,
    COMPOSE_TO_NAME,
    COMPOSE_CC_EMAIL,
    COMPOSE_CC_NAME,
    COMPOSE_BCC_EMAIL,
    COMPOSE_BCC_NAME,
    COMPOSE_REPLY_TO_EMAIL,
    COMPOSE_REPLY_TO_NAME,
    COMPOSE_SUBJECT,
    COMPOSE_HTML,
    COMPOSE_TEXT,
    COMPOSE_HEADER_NAME,
    COMPOSE_HEADER_VALUE,
    COMPOSE_ATTACHMENT_FILENAME,
    COMPOSE_ATTACHMENT_CONTENT_TYPE,
    COMPOSE_ATTACHMENT_CONTENT_ID,
    COMPOSE_MESSAGE_ID,
    COMPOSE_FIELD_COUNT
};
/* What is wrong with one value. */
struct compose_refusal {
    enum compose_field field;
    size_t index;    /* place in its group or list, 0 for single values */
    const char *why; /* static English, a predicate: "is a reserved header" */
};
/* Refusals in the order of the fields above, at most COMPOSE_REFUSALS_MAX. */
struct compose_verdict {
    struct compose_refusal refusals[COMPOSE_REFUSALS_MAX];
    size_t count;
};
/* "To[2].email": the contract's parameter name of the refused value, appended to out. */
void compose_refusal_field(const struct compose_refusal *r, struct buf *out);

/* Judge all of s and fill its mailboxes' `address` (strings in the arena). True when nothing is refused. */
bool compose_check(struct submission *s, struct arena *arena, struct compose_verdict *ret);

/* Append the message of a submission that passed compose_check(). */
void compose_message(const struct submission *s, const struct rand *rand, struct buf *out);
/* Append its content alone: Content-* fields, the empty line, the bodies. */
void compose_content(const struct submission *s, const struct rand *rand, struct buf *out);

#endif
