/* inbox_calls.h - steps of the operations on the sandbox's inbox; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_INBOX_CALLS_H
#define POSTHORN_API_INBOX_CALLS_H

#include "api/operation.h"

enum status inbox_calls_list(struct call *call, struct db *db);
enum status inbox_calls_get(struct call *call, struct db *db);
enum status inbox_calls_raw(struct call *call, struct db *db);

#endif
