/* key_calls.h - what the operator's call on keys shares with the account's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_KEY_CALLS_H
#define POSTHORN_API_KEY_CALLS_H

#include "api/call.h"
#include "core/domains.h"

/* On a reader: answer the call with the domain's sender keys, opened. */
WARN_UNUSED enum status key_call_answer_list(struct call *c, struct db *db, const struct domain *domain);

/* Steps. */
enum status key_calls_add(struct call *call, struct db *db);
enum status key_calls_list(struct call *call, struct db *db);
enum status key_calls_delete(struct call *call, struct db *db);

#endif
