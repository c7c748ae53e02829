/* message_calls.h - the steps of /api/v1/messages.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_MESSAGE_CALLS_H
#define POSTHORN_API_MESSAGE_CALLS_H

#include "api/operation.h"

enum status message_calls_list(struct call *call, struct db *db);
enum status message_calls_get(struct call *call, struct db *db);
/* Cancelling and moving: find the message, hold it, decide, let go. */
enum status message_calls_find(struct call *call, struct db *db);
enum status message_calls_find_moving(struct call *call, struct db *db);
enum status message_calls_hold(struct call *call, struct db *db);
enum status message_calls_cancel(struct call *call, struct db *db);
enum status message_calls_move(struct call *call, struct db *db);
enum status message_calls_release(struct call *call, struct db *db);

#endif
