/* xtext.h - the encoding of values in SMTP parameters: "+3D" is "=" (RFC 3461 4).
 *
 * What comes out is text that may stand in a header field or a log: UTF-8 without control characters (PB21). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SMTP_XTEXT_H
#define POSTHORN_PROTO_SMTP_XTEXT_H

#include "base/buf.h"
#include "base/status.h"

/* Append the meaning of `in` to out. False and nothing added: '=', a blank, a control, '+' without two hex digits (either case),
 * or a meaning that holds a control or is not UTF-8. Bytes above 127 stand for themselves (RFC 6533 3); "" is "". out is not
 * `in`'s. */
WARN_UNUSED bool smtp_xtext_decode(struct buf *out, struct str in);
/* Append `in` as xtext: printable ASCII only. */
void smtp_xtext_encode(struct buf *out, struct str in);

#endif
