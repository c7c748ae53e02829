/* source_counts.h - what warming sources sent to each provider on a UTC day, so that a restart does not begin the day anew.
 *
 * Only sources that warm up have rows (core/source_use.h). Days long past go as new ones come.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_SOURCE_COUNTS_H
#define POSTHORN_STORE_SOURCE_COUNTS_H

#include "base/arena.h"
#include "base/status.h"

struct db;

struct source_count {
    struct str source, provider; /* provider "": all without a row of their own */
    int64_t day;                 /* days since 1970-01-01 */
    int64_t count;
};
struct source_count_list {
    struct source_count *items;
    size_t count;
};
/* One more. Writer. */
WARN_UNUSED enum status source_count_add(struct db *tx, struct str source, struct str provider, int64_t day);
/* Rows of that day, in the arena. */
WARN_UNUSED enum status source_count_list(struct db *tx, struct arena *a, int64_t day, struct source_count_list *ret);

#endif
