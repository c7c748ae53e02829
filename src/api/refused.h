/* refused.h - what is wrong with a call: a list of refusals, each with the contract's code and the field it is about.
 * Strings live in the call's arena. Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_REFUSED_H
#define POSTHORN_API_REFUSED_H

#include "api/operation.h"
#include "base/arena.h"
#include "proto/json/json_write.h"

#define REFUSED_MAX 64 /* more are not listed */

struct refused {
    int code;
    struct str field;   /* "" when it is about no parameter */
    struct str message; /* a sentence */
};
struct refused_list {
    struct refused items[REFUSED_MAX];
    size_t count;
};
/* Add the operation's (or the common) refusal of this code; the same code twice is listed once, except REFUSAL_FIELD. */
void refused_add(struct refused_list *list, const struct operation *op, int code, struct str field);
/* A refusal with words of its own, copied. */
void refused_say(struct refused_list *list, struct arena *arena, int code, struct str field, const char *why);
/* Into the order of the operation's table (the contract's); what has no place there comes last. */
void refused_sort(struct refused_list *list, const struct operation *op);
/* HTTP status of /api/v1 for the list: the first that is not a plain 422. */
int refused_http(const struct refused_list *list, const struct operation *op);

/* {"Errors":[{"Code","Message","Field"}]} of /api/v1. */
void refused_format_rest(const struct refused_list *list, struct buf *out);
/* {"Success":false,"ErrorCode","ErrorMessage","ErrorText","Field"} of /api.php: the first alone; where op (may be NULL) lists
 * all codes and it is op's own, ErrorCode is the list of them. */
void refused_format_command(const struct refused_list *list, const struct operation *op, struct buf *out);

#endif
