/* downgrade.h - a message for a server that takes seven bits only (RFC 6152 3): what is 8-bit is encoded anew, all else stays.
 *
 * Parts keep their order and their decoded bytes; only leaves that hold bytes above 127 change, to quoted-printable or base64,
 * and with them the Content-Transfer-Encoding of what is around them. A message inside a message is gone into. What nobody reads
 * (text around the parts of a multipart) gets '?' for such bytes. Some cannot be helped, and are left alone: what was signed or
 * encrypted, for a signature is about the bytes; header fields beyond ASCII, which need SMTPUTF8. Pure; linear; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_MIME_DOWNGRADE_H
#define POSTHORN_PROTO_MIME_DOWNGRADE_H

#include "base/buf.h"

#define DOWNGRADE_NESTING_MAX 10 /* messages inside messages */

/* Append a message (CRLF lines) in seven bits. NULL: done; else why it cannot be, an English sentence without a full stop, and
 * out holds part of it. */
const char *downgrade(struct str message, struct buf *out);

#endif
