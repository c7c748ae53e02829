/* param.h - `value; name=value; ...` of Content-Type and Content-Disposition (RFC 2045 5.1, RFC 2231). Pure; linear.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_MIME_PARAM_H
#define POSTHORN_PROTO_MIME_PARAM_H

#include "base/arena.h"

#define PARAM_MAX 64 /* parameters looked at; the rest is ignored (MI11) */

struct param {
    struct str name;  /* lower case, without RFC 2231's star and number */
    struct str value; /* unquoted and decoded; UTF-8 where it was RFC 2231 or RFC 2047 */
};
struct params {
    struct str value; /* the part before the first ';', lower case, trimmed, comments dropped */
    struct param *items;
    size_t count;
};
/* Read a raw field value. Strings live in the arena. Of two parameters of one name the first wins; an RFC 2231 form wins over a
 * plain one; a gap in the continuations ends them. Never fails: it stops at what it cannot read. */
void params_parse(struct str value, struct arena *arena, struct params *ret);
/* "" when absent. */
struct str params_find(const struct params *p, struct str name);

/* type "/" subtype of RFC 2045 tokens, nothing else. */
bool media_type_is_valid(struct str type);
/* RFC 2045 token, not empty. */
bool param_is_token(struct str s);

#endif
