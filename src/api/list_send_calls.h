/* list_send_calls.h - the steps of watching and stopping sends to lists.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_LIST_SEND_CALLS_H
#define POSTHORN_API_LIST_SEND_CALLS_H

#include "api/call.h"

enum status list_send_calls_get(struct call *call, struct db *db);
enum status list_send_calls_browse(struct call *call, struct db *db);
enum status list_send_calls_cancel(struct call *call, struct db *db);

#endif
