/* http.h - HTTP/1.1 messages: heads of requests and responses, both ways. Strict: what is unclear is refused, never repaired.
 *
 * A head is read in two steps. `http_scan_head` finds its end in bytes that arrive in pieces (and refuses early what can never
 * become one); `http_request_parse` or `http_response_parse` then takes the whole head apart. All slices point into the bytes
 * given. What decides the framing of the body (Content-Length, Transfer-Encoding) is judged here and here alone.
 * Source: RFC 9110, RFC 9112. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_HTTP_HTTP_H
#define POSTHORN_PROTO_HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#define HTTP_HEAD_MAX   16384 /* bytes, final blank line included */
#define HTTP_LINES_MAX  100   /* header lines */
#define HTTP_TARGET_MAX 8192  /* bytes of the request target */

/* Methods we know; bits of a set are 1u << method. */
enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER };
#define HTTP_BIT(method) (1u << (method))

struct http_header {
    struct str name; /* as sent; compare without regard to case */
    struct str value;
};

enum http_framing {
    HTTP_FRAMING_NONE,
    HTTP_FRAMING_LENGTH,
    HTTP_FRAMING_CHUNKED,
    HTTP_FRAMING_CLOSE, /* responses only: to the end of the connection */
};

/* Why a head is refused: the status to answer and a sentence (static). */
struct http_refusal {
    int status;
    const char *why;
};

/* What a head says beyond its first line. */
struct http_fields {
    struct http_header *list;
    size_t count;
    enum http_framing framing;
    uint64_t length; /* with HTTP_FRAMING_LENGTH */
    bool keep_alive; /* version and Connection allow another message */
};

struct http_request {
    enum http_method method;
    struct str method_text;
    unsigned minor;    /* HTTP/1.<minor> */
    struct str target; /* as sent */
    struct str path;   /* starts with '/', still percent-encoded; passed url_path_is_safe. "*" only with OPTIONS */
    struct str query;  /* without '?' */
    struct str host;   /* Host value: name or address with optional port; "" only in HTTP/1.0 */
    struct http_fields fields;
    bool expects_continue; /* Expect: 100-continue from an HTTP/1.1 client with a body */
};

struct http_response_head {
    int status;
    struct str reason;
    unsigned minor;
    struct http_fields fields;
};

/* Where the search for the end of a head stands; zero-initialised is the start of a message. */
struct http_scan {
    size_t at;    /* bytes looked at */
    size_t lines; /* complete lines among them */
};

/* Look for the end of a head in `in`, which holds the same bytes as in the call before and perhaps more. PARSE_DONE: *ret_len
 * is its length with the blank line. PARSE_BAD: *ret_refusal says why (a bare CR or LF, NUL, 400; too long or too many lines,
 * 431; first line too long, 414). Blank lines before a head are the caller's to skip (http_skip_blank). */
enum parse http_scan_head(struct http_scan *scan, struct str in, size_t *ret_len, struct http_refusal *ret_refusal);
/* Bytes of up to `max` empty lines (CRLF) at the start of `in` (RFC 9112 2.2). */
size_t http_skip_blank(struct str in, size_t max);

/* Take a whole request head apart. Only the list of headers is allocated from `arena`. False: *ret_refusal. */
bool http_request_parse(struct arena *arena, struct str head, struct http_request *ret, struct http_refusal *ret_refusal);
/* The same for a response to a request with `method` (which decides whether a body follows). */
bool http_response_parse(struct arena *arena, struct str head, enum http_method method, struct http_response_head *ret,
                         struct http_refusal *ret_refusal);

/* The value of the first header called `name`; p == NULL when absent. */
struct str http_fields_find(const struct http_fields *fields, struct str name);
/* How many headers are called `name`. */
size_t http_fields_count(const struct http_fields *fields, struct str name);
/* Media type of a Content-Type value without its parameters, trimmed: "text/html". */
struct str http_media_type(struct str content_type);
/* The parameter `name` of a header value ("charset", "boundary", "filename"), unquoted into `arena`. False when absent or broken.
 */
bool http_parameter(struct arena *arena, struct str value, struct str name, struct str *ret);

/* "GET"; HTTP_OTHER gives "". */
struct str http_method_name(enum http_method method);
enum http_method http_method_find(struct str text);
/* "Not Found"; "" for what has no name. */
const char *http_reason(int status);
/* Do responses of this status never carry a body (1xx, 204, 304)? */
bool http_status_is_bodiless(int status);

/* Writing. A head is: start line, any number of headers, http_add_end. Values lose CR, LF and NUL (HT26). */
void http_add_status_line(struct buf *out, int status);
void http_add_request_line(struct buf *out, enum http_method method, struct str target);
void http_add_header(struct buf *out, struct str name, struct str value);
void http_add_header_u64(struct buf *out, struct str name, uint64_t value);
/* "Date: Mon, 23 Nov 2026 04:05:06 GMT" (RFC 9110 5.6.7). */
void http_add_date(struct buf *out, int64_t wall_ms);
void http_add_end(struct buf *out);

#endif
