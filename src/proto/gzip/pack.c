/* pack.c - see pack.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/gzip/pack.h"

#include <stdlib.h>
#include <zlib.h>

#define WINDOW       15
#define MEMORY       8
#define SAMPLE_BYTES 4096 /* how it packs is judged by these, from its middle */
#define SAMPLE_PARTS 3    /* text saves more than a third of a sample; base64 a quarter */
#define STEP_MAX     ((size_t)16 << 20)

/* Appends at most `room` bytes; 0: it is more. */
static size_t deflate_into(struct buf *out, struct str in, size_t room, int strategy) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n, .avail_out = (uInt)room};
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, WINDOW, MEMORY, strategy) != Z_OK) abort();
    z.next_out = (Bytef *)buf_reserve(out, room);
    bool fits = deflate(&z, Z_FINISH) == Z_STREAM_END;
    size_t n = fits ? z.total_out : 0;
    deflateEnd(&z);
    buf_grew(out, n);
    return n;
}

static int strategy_of(struct str in) {
    BUF_AUTO packed = {0};
    struct str sample = str_sub(in, in.n / 2, SAMPLE_BYTES);
    bool is_text = deflate_into(&packed, sample, sample.n - sample.n / SAMPLE_PARTS, Z_DEFAULT_STRATEGY) > 0;
    return is_text ? Z_DEFAULT_STRATEGY : Z_HUFFMAN_ONLY;
}

bool pack(struct buf *out, struct str in) {
    if (in.n > INT32_MAX) return false;
    int strategy = in.n > 8 * SAMPLE_BYTES ? strategy_of(in) : Z_DEFAULT_STRATEGY;
    return deflate_into(out, in, in.n - in.n / 8, strategy) > 0;
}

bool unpack(struct buf *out, struct str in, size_t max) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n};
    if (in.n > INT32_MAX || inflateInit(&z) != Z_OK) return false;
    size_t before = out->n, left = max;
    int code = Z_OK;
    while (code == Z_OK && left > 0) {
        size_t room = in.n * 3 + 512;
        if (room > STEP_MAX) room = STEP_MAX;
        if (room > left) room = left;
        z.next_out = (Bytef *)buf_reserve(out, room);
        z.avail_out = (uInt)room;
        code = inflate(&z, Z_NO_FLUSH);
        buf_grew(out, room - z.avail_out);
        left -= room - z.avail_out;
    }
    inflateEnd(&z);
    bool is_good = code == Z_STREAM_END || (code == Z_OK && left == 0);
    if (!is_good) buf_cut(out, before);
    return is_good;
}
