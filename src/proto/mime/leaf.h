/* leaf.h - the content of one part of a message that is to go on: taken out of its encoding, and put back in the same or another.
 *
 * What cannot be told for certain is not understood, and whoever asks leaves the part alone. Pure; linear; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_MIME_LEAF_H
#define POSTHORN_PROTO_MIME_LEAF_H

#include "proto/mime/body.h"
#include "proto/mime/walk.h"

/* What the raw value of a Content-Transfer-Encoding says; BODY_8BIT when it is absent, 8bit or binary. False: nobody knows how to
 * undo it. */
bool leaf_encoding_parse(struct str value, enum body_encoding *ret);

/* Does a header end as it should, so that a field may be put at its end: at an empty line, all before it being lines? */
bool leaf_header_is_whole(struct str header);
/* Append a whole header with another Content-Transfer-Encoding in the place of the first, or at its end. `is_top`: it is the
 * message's, so it gets a MIME-Version if it has none. */
void leaf_header_add(struct str header, enum body_encoding encoding, bool is_top, struct buf *out);

/* Append a leaf with `bytes` for its content, its delimiter left to the caller: in quoted-printable or base64. Bytes stay as they
 * are but for quoted-printable's line ends, which all become CRLF. Neither makes a line that begins with "--", so none is taken
 * for a boundary (P5). */
void leaf_add_encoded(const struct mime_piece *leaf, enum body_encoding to, struct str bytes, bool is_top, struct buf *out);

#endif
