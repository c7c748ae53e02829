/* href.h - where a link leads, if it is one that may be replaced by another: http and https with a plain host.
 *
 * Read as browsers do (blanks around it and line breaks inside count for nothing), but what readers disagree about is not ours: a
 * backslash, a '<', a user, an escape or odd sign in the host, "http:/x", controls, bytes of an unknown charset. Not ours are
 * also fragments, other schemes, merge fields "{{...}}", and relative links without a base (MI14, TR04). A link that is left
 * alone works as it did; so whatever is doubtful is left alone. Source: RFC 3986 5.2; WHATWG URL. Pure; linear; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_HTML_HREF_H
#define POSTHORN_PROTO_HTML_HREF_H

#include "base/arena.h"

#define HREF_MAX      2048 /* bytes of a URL that is ours, in ASCII; a link with more is told and left alone (TR12) */
#define HREF_BASE_MAX 256  /* of a base, which is in each link that is relative to it; a longer one is none */

enum href_answer { HREF_OURS, HREF_NOT_OURS, HREF_LONG };

/* A URL's parts as written, but ASCII (host in A-labels, the rest escaped). */
struct href {
    struct str scheme;    /* "http" or "https"; n == 0: there is none */
    struct str authority; /* host and perhaps port */
    struct str path;      /* "" or begins with '/' */
    struct str query;     /* with '?', or "" */
    struct str fragment;  /* with '#', or "" */
};

/* `text` is an attribute's meaning, or a URL in a plain text. base->scheme.n == 0: no base. `is_utf8`: bytes above 127 are
 * UTF-8, and queries are sent so; else a link that holds any is not ours. *ret lives in the arena or is static; untouched unless
 * OURS. */
enum href_answer href_resolve(struct str text, const struct href *base, bool is_utf8, struct arena *arena, struct href *ret);
/* The whole of it. */
struct str href_str(const struct href *href, struct arena *arena);

#endif
