/* gzip.h - packing bytes as one gzip member (RFC 1952). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_GZIP_GZIP_H
#define POSTHORN_PROTO_GZIP_GZIP_H

#include "base/buf.h"

/* Appended to out. No name and no time in it: the same input gives the same output. */
void gzip_encode(struct buf *out, struct str in);

#endif
