/* url.h - percent-encoding, request paths, and parameters of queries and forms.
 *
 * Nothing is repaired: a broken escape, a NUL or invalid UTF-8 makes the whole text invalid, and a path that needs resolving
 * ("..", "//", "\", their encoded forms) is refused (HT33). Source: RFC 3986, WHATWG URL 5.1 for forms. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_URL_URL_H
#define POSTHORN_PROTO_URL_URL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#define URL_PARAMS_MAX 10000

/* Percent-decode once. Invalid escapes, decoded NUL and invalid UTF-8 are refused. Without escapes *ret is `in` itself. */
bool url_decode(struct arena *arena, struct str in, struct str *ret);
/* The same with '+' as a space, for names and values of queries and forms. */
bool url_decode_form(struct arena *arena, struct str in, struct str *ret);

/* May this path (still encoded, without query) be used as it is? It starts with '/', has no empty segment but the last, no dot
 * segment, no backslash, ';', control or non-ASCII byte, plain or encoded, no encoded '/' and no broken escape. */
bool url_path_is_safe(struct str path);

struct url_param {
    struct str name, value; /* decoded */
    struct url_param *next;
};
/* Parameters in order of appearance; zero-initialised is empty. */
struct url_params {
    struct url_param *first, *last;
    size_t count;
};
/* Append name and value as they are. STATUS_LIMIT beyond URL_PARAMS_MAX. */
WARN_UNUSED enum status url_params_add(struct arena *arena, struct url_params *params, struct str name, struct str value);
/* Append what a query string or an x-www-form-urlencoded body holds: "a=1&a=2" gives two, "a" and "a=" an empty value, empty
 * pieces none. STATUS_INVALID: broken encoding. STATUS_LIMIT: more than URL_PARAMS_MAX. */
WARN_UNUSED enum status url_params_parse(struct arena *arena, struct str text, struct url_params *ret);

#endif
