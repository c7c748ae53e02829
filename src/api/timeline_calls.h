/* timeline_calls.h - the step that tells a message's story.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_TIMELINE_CALLS_H
#define POSTHORN_API_TIMELINE_CALLS_H

#include "api/operation.h"

enum status timeline_calls_show(struct call *call, struct db *db);

#endif
