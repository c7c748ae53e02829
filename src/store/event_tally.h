/* event_tally.h - how often each value came, in bounded memory.
 *
 * A hash table of (value, count) with the values' bytes end to end in one buffer. What would make it larger than the bounds is
 * refused, never left out, for a list of the biggest that lacks one is wrong. Inside the store room only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_TALLY_H
#define POSTHORN_STORE_EVENT_TALLY_H

#include "base/buf.h"
#include "base/status.h"

#define TALLY_VALUES_MAX 400000
#define TALLY_BYTES_MAX  ((size_t)16 << 20) /* of values */

struct tally_item {
    uint32_t hash;
    uint32_t at, size; /* of its value, in `values` */
    int64_t count;     /* 0: the place is free */
};
/* Zeros are an empty one. */
struct tally {
    struct tally_item *items;
    size_t room; /* of items: a power of two, or 0 */
    size_t count;
    struct buf values;
};
void tally_fini(struct tally *t);
/* `times` > 0. False: it would be too large, and is as it was. */
WARN_UNUSED bool tally_add(struct tally *t, struct str value, int64_t times);
struct str tally_value(const struct tally *t, const struct tally_item *item);
/* What it takes of memory. */
size_t tally_bytes(const struct tally *t);

#endif
