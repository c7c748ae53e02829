/* decisions.h - the ledger of shaping: every change of a limit and every pause, newest kept, older ones let go.
 *
 * Numbers in `what` and `kind` are core/shape.h's; core/ledger.h speaks in its terms.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_DECISIONS_H
#define POSTHORN_STORE_DECISIONS_H

#include "base/arena.h"
#include "base/status.h"

struct db;

struct decision {
    int64_t id;
    int64_t at;
    struct str site, source;
    int64_t what, kind;
    int64_t from, to;
    struct str because;
};
struct decision_list {
    struct decision *items;
    size_t count;
};
/* id is ignored. */
WARN_UNUSED enum status decision_insert(struct db *tx, const struct decision *d);

/* Newest first, older than before_id (0: from the newest). site, source: "" is any. kind: -1 is any. */
struct decision_filter {
    struct str site, source;
    int64_t kind;
    int64_t before_id;
    int64_t limit;
};
WARN_UNUSED enum status decision_list(struct db *tx, struct arena *a, const struct decision_filter *filter,
                                      struct decision_list *ret);
/* Newer than after_id, oldest first. */
WARN_UNUSED enum status decision_list_after(struct db *tx, struct arena *a, int64_t after_id, int64_t limit,
                                            struct decision_list *ret);
/* Let go of what is older than the newest `keep` (told by their ids) or was before `before`; deletes at most `max` a call,
 * oldest first. */
WARN_UNUSED enum status decision_prune(struct db *tx, int64_t keep, int64_t before, int64_t max);

#endif
