/* raw_message.h - a finished RFC 5322 message that somebody hands in: judged, and made fit to go out.
 *
 * It keeps its bytes, but line ends become CRLF, Bcc and Return-Path are taken out (HI16), and a missing Date or Message-ID is
 * put in front. Refused: NUL, a bare CR, lines over 998 octets, no header block, not exactly one From with one address (HI17).
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_RAW_MESSAGE_H
#define POSTHORN_CORE_RAW_MESSAGE_H

#include "base/buf.h"
#include "proto/address/address.h"

#define RAW_MESSAGE_RECIPIENTS_MAX 1000

enum raw_message_refusal {
    RAW_MESSAGE_FINE,
    RAW_MESSAGE_MALFORMED,
    RAW_MESSAGE_FROM,       /* not exactly one valid address in one From field */
    RAW_MESSAGE_RECIPIENTS, /* an address of To, Cc or Bcc is invalid, or there are too many */
};
struct raw_message {
    struct address from;
    struct str subject;    /* decoded UTF-8 */
    struct str message_id; /* without <>; "" when the message has none */
    bool has_date;
    struct address *recipients; /* of To, Cc and Bcc, in order; the same one may come twice */
    size_t recipient_count;
    struct str fields; /* header fields that stay, CRLF lines */
    struct str body;   /* CRLF lines */
};
/* Take `bytes` apart; all of *ret lives in the arena. */
enum raw_message_refusal raw_message_parse(struct str bytes, struct arena *arena, struct raw_message *ret);
/* Append the message; message_id (without <>) and date_ms stand in for what it lacks. */
void raw_message_write(const struct raw_message *m, struct str message_id, int64_t date_ms, struct buf *out);

#endif
