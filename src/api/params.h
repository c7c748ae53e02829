/* params.h - a call's parameters, checked against the operation's table.
 *
 * Everything a peer may send as a value is one of: fine, missing, wrong. Missing and wrong become refusals in the order of the
 * table, none stops the others. Structures (mailboxes, attachments ...) are checked for their outer type here and taken apart
 * by email.c. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_PARAMS_H
#define POSTHORN_API_PARAMS_H

#include "api/input.h"
#include "api/refused.h"

struct arg {
    bool is_given;          /* and well-formed */
    const struct json *raw; /* what came; NULL when nothing did */
    struct str text; /* TEXT, SECRET, CONTENT, LABEL, DOMAIN and EMAIL (canonical), HOST_LABEL (lower case), UUID (bytes) */
    int64_t number;  /* ID, INT, BOOL (0, 1), SCOPES and EVENT (bits), CHOICE (index), times (Unix ms) */
    int64_t span_ms; /* TIME, MOMENT: how long what was named lasts: a second or a day */
};
/* One arg a parameter, in the table's order, from the arena. */
struct arg *params_check(const struct operation *op, const struct input *input, struct arena *arena,
                         struct refused_list *refused);
/* The arg of the parameter called `name`, which the operation must have. */
const struct arg *params_arg(const struct operation *op, const struct arg *args, const char *name);

#endif
