/* encoded_word.h - RFC 2047: text beyond ASCII inside header fields, and charsets made UTF-8. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_MIME_ENCODED_WORD_H
#define POSTHORN_PROTO_MIME_ENCODED_WORD_H

#include "base/buf.h"

#define ENCODED_WORD_MAX 75 /* octets of one encoded word (RFC 2047 2) */

/* Take as many whole characters off *text as one encoded word of at most `room` octets (20..75) holds, and append that word, in Q
 * or B, whichever is shorter for these. Takes one character at least. *text is UTF-8. */
void encoded_word_add(struct buf *out, struct str *text, size_t room);

/* Append a raw header value unfolded and with its encoded words decoded, as well-formed UTF-8: blanks between neighbours go,
 * control characters become blanks (HI13), words of an unknown charset are taken byte for byte with U+FFFD for what is not UTF-8.
 */
void encoded_words_decode(struct buf *out, struct str value);

/* Append bytes of a charset (empty: us-ascii) as well-formed UTF-8: UTF-8, ISO-8859-1 and windows-1252 are known, for all others
 * what is not UTF-8 becomes U+FFFD (MI09). */
void charset_to_utf8(struct buf *out, struct str charset, struct str bytes);

#endif
