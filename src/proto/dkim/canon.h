/* canon.h - RFC 6376 3.4 relaxed canonicalisation: the body hash, fed in slices of any cut, and single header fields.
 * One object a thread. Linear.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_DKIM_CANON_H
#define POSTHORN_PROTO_DKIM_CANON_H

#include "base/buf.h"
#include "crypto/digest.h"

struct canon_body;
struct canon_body *canon_body_new(void);
void canon_body_free(struct canon_body **c);
/* Add body bytes; lines end in CRLF, a bare LF counts as CRLF. */
void canon_body_add(struct canon_body *c, struct str bytes);
/* The hash of all added; the object is ready for the next body. */
struct sha256 canon_body_finish(struct canon_body *c);

/* Append one field in relaxed form: `name:value` with CRLF (RFC 6376 3.4.2). */
void canon_header(struct buf *out, struct str name, struct str value);

#endif
