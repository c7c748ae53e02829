/* line.c - one search for LF, one for CR in front of it; so bytes that drip in cost little, however long the line may be.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/line.h"

#include <string.h>

static const struct smtp_reply line_end = {500, STR_INIT("5.5.2"), STR_INIT("A line ends in CRLF and nothing else")};
static const struct smtp_reply line_long = {500, STR_INIT("5.5.6"), STR_INIT("Line too long")};

static enum parse refuse(struct smtp_reply *ret_reply, const struct smtp_reply *why) {
    *ret_reply = *why;
    return PARSE_BAD;
}

enum parse smtp_line_find(struct str in, size_t max, struct str *ret_line, struct smtp_reply *ret_reply) {
    struct str s = str_sub(in, 0, max);
    size_t lf = str_find(s, '\n');
    size_t cr = str_find(str_sub(s, 0, lf), '\r');
    if (cr != STR_NONE && cr + 1 == lf) {
        *ret_line = str_sub(s, 0, cr);
        return PARSE_DONE;
    }
    size_t first = cr != STR_NONE ? cr : lf; /* of the two; nothing may follow a CR but LF */
    if (first + 1 == max || (first == STR_NONE && s.n == max)) return refuse(ret_reply, &line_long);
    if (first == STR_NONE || (first == cr && cr + 1 == s.n)) return PARSE_MORE;
    return refuse(ret_reply, &line_end);
}
