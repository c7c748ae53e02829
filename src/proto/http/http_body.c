/* http_body.c - the chunked reader is a machine of five states that eats whole lines or runs of data:
 *
 *     SIZE --size line--> DATA --all of it--> CRLF --> SIZE ...
 *       `--size 0--> TRAILER --empty line--> DONE
 *
 * Extensions and trailers are checked for line discipline and forgotten; both together may take 4 KiB a message, so that a chunk
 * a byte cannot smuggle traffic past the limits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/http/http_body.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define SIZE_DIGITS_MAX 15
#define IGNORED_MAX     4096

enum { CHUNK_SIZE, CHUNK_DATA, CHUNK_CRLF, CHUNK_TRAILER, CHUNK_DONE };

void http_body_init(struct http_body *b, const struct http_fields *fields) {
    *b = (struct http_body){.framing = fields->framing, .left = fields->length, .state = CHUNK_SIZE};
}

/* One line ending in CRLF, without other control characters. BAD as soon as it can be told. */
static enum parse next_line(struct str in, size_t max, struct str *ret_line) {
    struct str seen = str_sub(in, 0, max + 2);
    size_t lf = str_find(seen, '\n');
    struct str line = str_sub(seen, 0, lf);
    size_t cr = str_find(line, '\r');
    if (cr != STR_NONE && cr != line.n - 1) return PARSE_BAD;
    if (lf == STR_NONE) return in.n >= max + 2 ? PARSE_BAD : PARSE_MORE;
    if (cr == STR_NONE) return PARSE_BAD;
    line.n--;
    if (str_has_control(line)) return PARSE_BAD;
    *ret_line = line;
    return PARSE_DONE;
}

static int hex_digit(char c) {
    if (ascii_is_digit(c)) return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_size(struct http_body *b, struct str line) {
    uint64_t size = 0;
    size_t digits = 0;
    while (digits < line.n && hex_digit(line.p[digits]) >= 0) size = size * 16 + (uint64_t)hex_digit(line.p[digits++]);
    if (digits == 0 || digits > SIZE_DIGITS_MAX) return false;
    struct str extension = str_sub(line, digits, SIZE_MAX);
    if (extension.n && (extension.p[0] != ';' || extension.n == 1)) return false;
    b->seen += extension.n;
    b->left = size;
    b->state = size ? CHUNK_DATA : CHUNK_TRAILER;
    return b->seen <= IGNORED_MAX;
}

static enum parse take_data(struct http_body *b, struct str in, size_t *ret_used, struct str *ret_data) {
    size_t n = in.n < b->left ? in.n : (size_t)b->left;
    *ret_data = str_sub(in, 0, n);
    *ret_used = n;
    b->left -= n;
    return b->left ? PARSE_MORE : PARSE_DONE;
}

static enum parse take_crlf(struct http_body *b, struct str in, size_t *ret_used) {
    if (in.n && in.p[0] != '\r') return PARSE_BAD;
    if (in.n < 2) return PARSE_MORE;
    if (in.p[1] != '\n') return PARSE_BAD;
    *ret_used = 2;
    b->state = CHUNK_SIZE;
    return PARSE_MORE;
}

static enum parse take_trailer(struct http_body *b, struct str in, size_t *ret_used) {
    struct str line;
    enum parse p = next_line(in, IGNORED_MAX - b->seen, &line);
    if (p != PARSE_DONE) return p;
    *ret_used = line.n + 2;
    if (line.n == 0) {
        b->state = CHUNK_DONE;
        return PARSE_DONE;
    }
    size_t colon = str_find(line, ':');
    b->seen += line.n;
    return colon == STR_NONE || colon == 0 ? PARSE_BAD : PARSE_MORE;
}

static enum parse next_chunked(struct http_body *b, struct str in, size_t *ret_used, struct str *ret_data) {
    struct str line;
    enum parse p;
    switch (b->state) {
    case CHUNK_SIZE:
        if ((p = next_line(in, SIZE_DIGITS_MAX + IGNORED_MAX - b->seen, &line)) != PARSE_DONE) return p;
        *ret_used = line.n + 2;
        return parse_size(b, line) ? PARSE_MORE : PARSE_BAD;
    case CHUNK_DATA:
        if (take_data(b, in, ret_used, ret_data) == PARSE_DONE) b->state = CHUNK_CRLF;
        return PARSE_MORE;
    case CHUNK_CRLF:
        return take_crlf(b, in, ret_used);
    case CHUNK_TRAILER:
        return take_trailer(b, in, ret_used);
    default:
        return PARSE_DONE;
    }
}

enum parse http_body_next(struct http_body *b, struct str in, size_t *ret_used, struct str *ret_data) {
    *ret_used = 0;
    *ret_data = (struct str){0};
    switch (b->framing) {
    case HTTP_FRAMING_LENGTH:
        return take_data(b, in, ret_used, ret_data);
    case HTTP_FRAMING_CHUNKED:
        return next_chunked(b, in, ret_used, ret_data);
    case HTTP_FRAMING_CLOSE:
        *ret_data = in;
        *ret_used = in.n;
        return PARSE_MORE;
    default:
        return PARSE_DONE;
    }
}

enum status http_coding_find(const struct http_fields *fields, enum http_coding *ret) {
    static const struct {
        struct str name;
        enum http_coding coding;
    } known[] = {{STR_INIT("identity"), HTTP_CODING_IDENTITY},
                 {STR_INIT("gzip"), HTTP_CODING_GZIP},
                 {STR_INIT("x-gzip"), HTTP_CODING_GZIP},
                 {STR_INIT("deflate"), HTTP_CODING_DEFLATE}};
    struct str value = http_fields_find(fields, STR("content-encoding"));
    if (!value.p) {
        *ret = HTTP_CODING_IDENTITY;
        return STATUS_OK;
    }
    if (http_fields_count(fields, STR("content-encoding")) > 1) return STATUS_UNSUPPORTED;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (!str_eq_nocase(value, known[i].name)) continue;
        *ret = known[i].coding;
        return STATUS_OK;
    }
    return STATUS_UNSUPPORTED;
}

struct http_inflate {
    z_stream z;
    bool done;
};

struct http_inflate *http_inflate_new(enum http_coding coding) {
    struct http_inflate *z = calloc(1, sizeof(*z));
    int window = coding == HTTP_CODING_GZIP ? 15 + 16 : 15;
    if (!z || inflateInit2(&z->z, window) != Z_OK) abort();
    return z;
}

void http_inflate_free(struct http_inflate **z) {
    if (!*z) return;
    inflateEnd(&(*z)->z);
    free(*z);
    *z = NULL;
}

enum status http_inflate_next(struct http_inflate *z, struct str in, char *out, size_t room, size_t *ret_used, size_t *ret_n) {
    *ret_used = *ret_n = 0;
    if (z->done) return in.n ? STATUS_INVALID : STATUS_OK;
    z->z.next_in = (Bytef *)(uintptr_t)in.p;
    z->z.avail_in = (uInt)in.n;
    z->z.next_out = (Bytef *)out;
    z->z.avail_out = (uInt)room;
    int r = inflate(&z->z, Z_NO_FLUSH);
    if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR) return STATUS_INVALID;
    *ret_used = in.n - z->z.avail_in;
    *ret_n = room - z->z.avail_out;
    z->done = r == Z_STREAM_END;
    return z->done && z->z.avail_in ? STATUS_INVALID : STATUS_OK;
}

bool http_inflate_is_done(const struct http_inflate *z) {
    return z->done;
}
