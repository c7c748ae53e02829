/* subscriber_calls.h - the steps of the operations on people of a list.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_SUBSCRIBER_CALLS_H
#define POSTHORN_API_SUBSCRIBER_CALLS_H

#include "api/call.h"

enum status subscriber_calls_create(struct call *call, struct db *db);
enum status subscriber_calls_get(struct call *call, struct db *db);
enum status subscriber_calls_browse(struct call *call, struct db *db);
enum status subscriber_calls_update(struct call *call, struct db *db);
enum status subscriber_calls_unsubscribe(struct call *call, struct db *db);
enum status subscriber_calls_delete(struct call *call, struct db *db);

/* The refusals that the steps give, in the numbers of subscriber_table.c. */
enum {
    SUBSCRIBER_LIST_MISSING = 1,
    SUBSCRIBER_MISSING = 2,
    SUBSCRIBER_EMAIL_INVALID = 3,
    SUBSCRIBER_LIST_UNKNOWN = 4,
    SUBSCRIBER_UNKNOWN = 5,
    SUBSCRIBER_STATUS_INVALID = 6,
    SUBSCRIBER_FIELDS_INVALID = 17,
    SUBSCRIBER_DUPLICATE = 20,
    SUBSCRIBER_WAS_UNSUBSCRIBED = 21,
};

#endif
