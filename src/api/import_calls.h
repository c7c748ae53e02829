/* import_calls.h - the steps of Subscriber.Import and of asking how far one has come.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_IMPORT_CALLS_H
#define POSTHORN_API_IMPORT_CALLS_H

#include "api/call.h"

enum status import_calls_find_list(struct call *call, struct db *db);
enum status import_calls_judge(struct call *call, struct db *db);
enum status import_calls_store(struct call *call, struct db *db);
enum status import_calls_wake(struct call *call, struct db *db);
enum status import_calls_get(struct call *call, struct db *db);

#endif
