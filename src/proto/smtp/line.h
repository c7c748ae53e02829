/* line.h - where a line of a client ends: CRLF and nothing else, within a limit, for commands and for AUTH's answers alike.
 *
 * A bare CR or LF refuses the line, so two programs can never see different commands in the same bytes. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SMTP_LINE_H
#define POSTHORN_PROTO_SMTP_LINE_H

#include "proto/smtp/reply.h"

#define SMTP_LINE_MAX      512   /* octets with CRLF (RFC 5321 4.5.3.1.4) */
#define SMTP_LINE_MAIL_MAX 1280  /* MAIL and RCPT: room for SIZE, BODY, SMTPUTF8, and 500 octets of AUTH= or ORCPT= beside */
#define SMTP_LINE_AUTH_MAX 12288 /* AUTH and its answers (RFC 4954 4) */

/* Find the first line of `in`, at most max octets with its CRLF; bytes beyond are not looked at.
 * PARSE_DONE: *ret_line is it without CRLF (drop n + 2). PARSE_MORE: no end yet. PARSE_BAD: too long (500 5.5.6) or a bare CR or
 * LF (500 5.5.2); where the next line begins is unknown, so the caller must close after *ret_reply. The verdict does not depend
 * on how the input was cut. Linear in max at most. */
WARN_UNUSED enum parse smtp_line_find(struct str in, size_t max, struct str *ret_line, struct smtp_reply *ret_reply);

#endif
