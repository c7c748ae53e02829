/* pauses.h - what the operator has paused: kept over restarts, obeyed by deliveries from their start (core/live.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_PAUSES_H
#define POSTHORN_STORE_PAUSES_H

#include "base/arena.h"
#include "base/status.h"

struct db;

struct pause {
    int kind;        /* enum live_pause_kind */
    struct str name; /* site's or source's; "" of all */
    int64_t until;   /* wall; INT64_MAX: until it is taken back */
    struct str because;
    int64_t created_at;
};
struct pause_list {
    struct pause *items;
    size_t count;
};
/* Add, or replace that of the same kind and name. */
WARN_UNUSED enum status pause_put(struct db *tx, const struct pause *pause);
WARN_UNUSED enum status pause_delete(struct db *tx, int kind, struct str name);
/* Those that are not over at `now`, at most PAUSES_MAX. */
#define PAUSES_MAX 10000
WARN_UNUSED enum status pause_find_all(struct db *tx, struct arena *a, int64_t now, struct pause_list *ret);

#endif
