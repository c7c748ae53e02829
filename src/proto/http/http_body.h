/* http_body.h - the framing of message bodies (length, chunked, to the end) and their content coding (gzip, deflate).
 *
 * Both are filters fed with whatever has come. The chunked reader is as strict as the head: CRLF only, hexadecimal sizes of at
 * most 15 digits, short chunk extensions, trailers read and forgotten within 4 KiB (HT16-HT25). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_HTTP_HTTP_BODY_H
#define POSTHORN_PROTO_HTTP_HTTP_BODY_H

#include "proto/http/http.h"

struct http_body {
    enum http_framing framing;
    uint64_t left; /* of the length or of the chunk at hand */
    int state;     /* of the chunked reader */
    size_t seen;   /* bytes of the size line, or of the trailers */
};
void http_body_init(struct http_body *b, const struct http_fields *fields);
/* Take the next piece off `in`. *ret_used bytes are consumed; *ret_data is the slice of them that is content (may be empty).
 * PARSE_MORE: call again, with more bytes when nothing was used. PARSE_DONE: the body is complete; bytes beyond *ret_used are
 * the next message. PARSE_BAD: close the connection. HTTP_FRAMING_CLOSE never is DONE; the end of the stream ends it. */
enum parse http_body_next(struct http_body *b, struct str in, size_t *ret_used, struct str *ret_data);

enum http_coding { HTTP_CODING_IDENTITY, HTTP_CODING_GZIP, HTTP_CODING_DEFLATE };
/* The coding a request names, STATUS_UNSUPPORTED (415) for others and for several at once. */
WARN_UNUSED enum status http_coding_find(const struct http_fields *fields, enum http_coding *ret);

struct http_inflate;
struct http_inflate *http_inflate_new(enum http_coding coding);
/* NULL inside is fine. */
void http_inflate_free(struct http_inflate **z);
/* Decode as much of `in` as fits `room` bytes at `out`. *ret_used bytes of `in` were taken, *ret_n written. STATUS_INVALID: not
 * such data, or bytes after its end. Call again while *ret_n is `room`. */
WARN_UNUSED enum status http_inflate_next(struct http_inflate *z, struct str in, char *out, size_t room, size_t *ret_used,
                                          size_t *ret_n);
/* Has the end of the coded data been seen? A body that ends before is broken. */
bool http_inflate_is_done(const struct http_inflate *z);

#endif
