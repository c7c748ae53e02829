/* compose_headers.h - which custom header fields a sender may add, as a table of rules. Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_COMPOSE_HEADERS_H
#define POSTHORN_CORE_COMPOSE_HEADERS_H

#include "base/str.h"

/* NULL when the name is free to use, else why not: a static predicate (HI06, HI07). */
const char *custom_header_refuse_name(struct str name);
/* NULL when the value may stand under that (allowed) name, else why not (HI05, HI10, HI11, HI20). */
const char *custom_header_refuse_value(struct str name, struct str value);
/* May the field stand in a message only once? */
bool custom_header_is_single(struct str name);

#endif
