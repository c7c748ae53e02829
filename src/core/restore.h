/* restore.h - what becomes of a database that was made out of a copy, before a gateway works with it.
 *
 * Between the copy and its return mail was delivered that the copy believes is waiting. So its queue is held as a whole, by a
 * pause like an operator's, until somebody has looked and lets it go: nothing is sent twice by surprise. And no number is given
 * out again (store/restored.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_RESTORE_H
#define POSTHORN_CORE_RESTORE_H

#include "base/status.h"

#include <stdint.h>

struct db;

/* On a database that nobody works with; on either engine. Twice is as good. */
WARN_UNUSED enum status restore_hold(struct db *tx, int64_t now);

#endif
