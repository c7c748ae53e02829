/* list_calls.h - the steps of lists, and what the operations on their subscribers share with them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_LIST_CALLS_H
#define POSTHORN_API_LIST_CALLS_H

#include "api/call.h"
#include "core/lists.h"

/* The list that ListID or SubscriberListID names, refused with `missing` or `unknown` when it is not there: then ret->id is 0. */
WARN_UNUSED enum status list_call_open(struct call *call, struct db *db, int missing, int unknown, struct mailing_list *ret);

enum status list_calls_create(struct call *call, struct db *db);
enum status list_calls_get(struct call *call, struct db *db);
enum status list_calls_browse(struct call *call, struct db *db);
enum status list_calls_update(struct call *call, struct db *db);
enum status list_calls_delete(struct call *call, struct db *db);

#endif
