/* restored.h - a database that comes from a copy: the world went on since, and it does not know.
 *
 * Numbers that were given out after the copy was made are in the world: in return paths and links of mails (core/return_path.h,
 * core/track_token.h), in answers. They must not be given out again, or a bounce of then would be taken for one of a message of
 * now (P9). So all of them start again far ahead.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_RESTORED_H
#define POSTHORN_STORE_RESTORED_H

#include "base/buf.h"
#include "base/status.h"

#include <stdint.h>

struct db;

#define RESTORED_GAP INT64_C(1000000000) /* more than anybody gives out between a copy and its return */

/* On a database that nobody works with. */
WARN_UNUSED enum status restored_skip_numbers(struct db *tx);
/* When its newest message was accepted; 0: there is none. */
WARN_UNUSED enum status restored_newest(struct db *tx, int64_t *ret_at);

/* Is the database of `url` whole, and one that this program knows? OK, or on failure *why gets one line. Reads all of it. */
WARN_UNUSED enum status restored_check(struct str url, struct buf *why);

#endif
