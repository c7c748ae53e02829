/* encode.h - hex, base64 (RFC 4648, with padding), base32 lower case without padding. Pure.
 * Decoders are strict: no blanks, no wrong padding, no stray bits; they append to out and add nothing on failure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_ENCODE_H
#define POSTHORN_BASE_ENCODE_H

#include "base/buf.h"

void hex_encode(struct buf *out, struct str in);
bool hex_decode(struct buf *out, struct str in);
void base64_encode(struct buf *out, struct str in);
bool base64_decode(struct buf *out, struct str in);
void base32_encode(struct buf *out, struct str in);
bool base32_decode(struct buf *out, struct str in);

#endif
