/* gzip.c - see gzip.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/gzip/gzip.h"

#include <stdlib.h>
#include <zlib.h>

#define WINDOW_GZIP (15 + 16) /* zlib: the largest window, with gzip's head and tail */
#define MEMORY      8

void gzip_encode(struct buf *out, struct str in) {
    z_stream z = {0};
    if (in.n > UINT32_MAX || deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    size_t room = deflateBound(&z, in.n);
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (uInt)in.n;
    z.next_out = (Bytef *)buf_reserve(out, room);
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort(); /* there is room for all of it */
    buf_grew(out, z.total_out);
    deflateEnd(&z);
}
