/* key_calls.h - steps of the operations on sender keys; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_KEY_CALLS_H
#define POSTHORN_API_KEY_CALLS_H

#include "api/operation.h"

enum status key_calls_add(struct call *call, struct db *db);
enum status key_calls_replace(struct call *call, struct db *db);
enum status key_calls_list(struct call *call, struct db *db);
enum status key_calls_delete(struct call *call, struct db *db);

#endif
