/* event_calls.h - steps of the operations on events; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_EVENT_CALLS_H
#define POSTHORN_API_EVENT_CALLS_H

#include "api/operation.h"

enum status event_calls_command(struct call *call, struct db *db);
enum status event_calls_rest(struct call *call, struct db *db);

#endif
