/* hear_own.h - what the two halves of hear share: an address of ours, looked up.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_HEAR_OWN_H
#define POSTHORN_CORE_HEAR_OWN_H

#include "core/addressee.h"
#include "core/hear.h"

/* Reader or writer; *ret lives in the arena. NOT_FOUND: the recipient, its message or its domain is gone, its time is over, or
 * the host is not its own. */
WARN_UNUSED enum status hear_target_load(struct db *db, struct arena *arena, const struct hear_place *place,
                                         const struct hear_address *address, int64_t now, struct addressee *ret);

#endif
