/* status.h - how a fallible function ended. One list, one table of meanings.
 *
 * Parsers answer `enum parse`; everything else that can fail answers `enum status` and is WARN_UNUSED. A refusal that a
 * caller passes on to a peer (an API error, an SMTP reply) is a value of its own, not a status.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_STATUS_H
#define POSTHORN_BASE_STATUS_H

#define WARN_UNUSED __attribute__((warn_unused_result))

enum status {
    STATUS_OK = 0,
    STATUS_ROW,         /* a query has a row to read (db only) */
    STATUS_NOT_FOUND,   /* no such object, or not the caller's */
    STATUS_EXISTS,      /* a unique name is taken */
    STATUS_INVALID,     /* the input breaks a rule */
    STATUS_DENIED,      /* known caller, not allowed */
    STATUS_LIMIT,       /* a configured bound is reached; later it may work */
    STATUS_TEMPORARY,   /* the world is not ready: try again */
    STATUS_TIMEOUT,     /* a deadline passed */
    STATUS_CLOSED,      /* the peer or we ended the connection */
    STATUS_CANCELLED,   /* the caller took it back, or we are stopping */
    STATUS_CONFLICT,    /* definite abort of a transaction (40001, 40P01, SQLITE_BUSY before commit): run it again whole */
    STATUS_IO,          /* read, write, fsync or engine failure: nothing was promised */
    STATUS_UNKNOWN,     /* a commit whose outcome nobody knows: the process must stop */
    STATUS_CORRUPT,     /* stored or sealed data does not check out */
    STATUS_UNSUPPORTED, /* well-formed, but not offered here */
    STATUS_COUNT
};

/* A parser's answer. MORE: no verdict with these bytes. BAD: never will be right. */
enum parse { PARSE_DONE, PARSE_MORE, PARSE_BAD };

/* Short English for logs and errors, static. */
const char *status_text(enum status s);
/* The HTTP status that an edge answers when it has nothing better: 404 for NOT_FOUND, 503 for TEMPORARY ... */
int status_http(enum status s);

#endif
