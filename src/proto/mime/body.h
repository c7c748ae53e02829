/* body.h - content transfer encodings (RFC 2045 6): chosen, written and undone. Pure; any thread. Linear.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_MIME_BODY_H
#define POSTHORN_PROTO_MIME_BODY_H

#include "base/buf.h"

enum body_encoding { BODY_7BIT, BODY_8BIT, BODY_QUOTED_PRINTABLE, BODY_BASE64 };

/* "7bit", "quoted-printable" ...; static. */
const char *body_encoding_name(enum body_encoding e);
/* The value of a Content-Transfer-Encoding field; absent or unknown is BODY_8BIT: bytes as they are. */
enum body_encoding body_encoding_parse(struct str value);
/* What a text needs: 7bit for printable ASCII with lines of at most 998 octets, else the shorter of the other two. */
enum body_encoding body_encoding_for_text(struct str text);
/* Append a text; every CR, LF and CRLF in it is one line end and leaves as CRLF (SM18), in base64 too. */
void body_add_text(struct buf *out, enum body_encoding e, struct str text);
/* Append bytes as base64 in lines of 76 columns; the last line has no line end. */
void body_add_base64(struct buf *out, struct str bytes);
/* Append the decoded body. Never fails: letters outside base64's alphabet are skipped and the first '=' ends it (MI06), what is
 * no quoted-printable escape stays as it is, blanks at line ends go (MI07). */
void body_decode(struct buf *out, enum body_encoding e, struct str body);

#endif
