/* user_calls.h - steps of the operations on accounts; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_USER_CALLS_H
#define POSTHORN_API_USER_CALLS_H

#include "api/operation.h"

enum status login_find(struct call *call, struct db *db);
enum status login_verify(struct call *call, struct db *db);
enum status login_start(struct call *call, struct db *db);

#endif
