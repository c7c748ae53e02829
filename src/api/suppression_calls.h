/* suppression_calls.h - the steps of Suppression.* and /api/v1/suppressions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_SUPPRESSION_CALLS_H
#define POSTHORN_API_SUPPRESSION_CALLS_H

#include "api/call.h"

/* What the operations share, in call->state: the addresses of the call, read from a list, a text with a line each, or one. */
enum status suppression_calls_read(struct call *call, struct db *db);
/* Is the list, where one is named, the account's? */
enum status suppression_calls_find_list(struct call *call, struct db *db);
enum status suppression_calls_add(struct call *call, struct db *db);
enum status suppression_calls_remove(struct call *call, struct db *db);
enum status suppression_calls_check(struct call *call, struct db *db);
enum status suppression_calls_get(struct call *call, struct db *db);

/* What a page or a count is about, in call->state. */
enum status suppression_calls_filter(struct call *call, struct db *db);
enum status suppression_calls_browse(struct call *call, struct db *db);
enum status suppression_calls_count(struct call *call, struct db *db);

#endif
