/* list_send.h - a message to a whole list that is too long for one transaction: begun by the request, worked off by api/work.
 *
 * A request (POST /api/v1/email with TargetListID) that has more than LIST_SEND_AT_ONCE subscribers writes one row in its own
 * writer step and answers with the row's uuid; after COMMIT it wakes the driver (work_wake). The driver takes slices of at most
 * LIST_SEND_SLICE subscribers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_LIST_SEND_H
#define POSTHORN_CORE_LIST_SEND_H

#include "core/lists.h"
#include "store/list_sends.h"

#define LIST_SEND_AT_ONCE 1000 /* subscribers that a request may still do itself */
#define LIST_SEND_SLICE   50   /* whoever sends one message meanwhile waits for a slice; 200 are a fifth quicker */

/* "Scheduled", "Sending", "Waiting", "Sent", "Cancelled", "Failed", static. */
const char *list_send_state_text(const struct list_send *send, int64_t now);

#endif
