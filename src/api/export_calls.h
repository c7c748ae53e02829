/* export_calls.h - steps of the operations that answer with a file of events; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_EXPORT_CALLS_H
#define POSTHORN_API_EXPORT_CALLS_H

#include "api/operation.h"

/* First: dates and Query, as event_calls_check. */
enum status export_calls_check(struct call *call, struct db *db);
/* Then, as a SEARCH: whose events, headers, the first of them; the rest is made by the pieces that follow (call->more). */
enum status export_calls_begin(struct call *call, struct db *db);

#endif
