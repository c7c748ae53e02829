/* reply.h - SMTP replies: ours to write (smtp_reply), a server's to read (smtp_answer), and what its EHLO offers.
 *
 * Reading is strict where a mistake would pair an answer with the wrong command (OB04, OB07, OB13) and bounded
 * everywhere (OB03, OB05); a bare LF ends a line too (OB06). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SMTP_REPLY_H
#define POSTHORN_PROTO_SMTP_REPLY_H

#include "base/buf.h"
#include "base/status.h"

/* What we answer. A refusal is such a value, not an error. enhanced may be empty (banner, 354, EHLO). */
struct smtp_reply {
    unsigned code;
    struct str enhanced; /* "5.5.1" (RFC 3463) */
    struct str text;     /* one line, no control characters */
};
/* "250 2.1.0 text" and CRLF. */
void smtp_reply_format(struct buf *out, const struct smtp_reply *reply);

#define SMTP_ANSWER_LINE_MAX  2048 /* bytes of one line with its end; RFC 5321 4.5.3.1.5 says 512, servers exceed it */
#define SMTP_ANSWER_LINES_MAX 100
#define SMTP_ANSWER_BYTES_MAX 32768 /* of all its lines: less than a stream holds unread */
#define SMTP_ANSWER_TEXT_MAX  1024  /* bytes smtp_answer_text gives at most (OB34) */

/* A server's answer; slices of the bytes it was read from. */
struct smtp_answer {
    unsigned code;       /* 200 to 599 */
    struct str enhanced; /* of the first line, when its class agrees with code (OB32), else "" */
    struct str lines;    /* all of it, line ends included */
};
/* Where reading stands between two calls; zero-initialised before each answer. */
struct smtp_answer_reader {
    size_t checked; /* bytes of whole lines already looked at */
    unsigned code;
    unsigned lines;
};
/* Read one answer from `in`, which starts where the answer starts and only ever grows between calls.
 * PARSE_DONE fills *ret (its lines.n is what to drop from `in`); PARSE_MORE when it is not complete; PARSE_BAD when it never
 * will be right: the caller must close the connection. Source: RFC 5321 4.2. */
WARN_UNUSED enum parse smtp_answer_read(struct smtp_answer_reader *reader, struct str in, struct smtp_answer *ret);
/* Take the text of the next line (after code and separator, without its end) off *lines; false at the end. */
bool smtp_answer_next_line(struct str *lines, struct str *ret_text);
/* The words for people: lines joined by a blank, codes left out, controls and bytes that are not UTF-8 as '?', at most
 * SMTP_ANSWER_TEXT_MAX bytes. */
void smtp_answer_text(struct buf *out, const struct smtp_answer *answer);

/* What a server offers in EHLO. Unknown words are passed over; odd arguments mean "not given" (OB09). */
struct smtp_offer {
    bool pipelining, eightbit, utf8, starttls, size;
    bool auth_plain, auth_login; /* RFC 4954 */
    bool requiretls;             /* RFC 8689 */
    uint64_t size_max_bytes;     /* 0: no stated limit */
};
void smtp_offer_read(const struct smtp_answer *ehlo, struct smtp_offer *ret);

#endif
