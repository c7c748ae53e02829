/* store_check.h - the store looked over from end to end, while it is used: a walk of short reads, each a snapshot of its own.
 *
 * It tells what the rows say, each rule within one snapshot; whether the pages of the file are whole is told by a copy of it
 * (store/restored.h), which can be read without holding anybody up.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_STORE_CHECK_H
#define POSTHORN_CORE_STORE_CHECK_H

#include "store/care.h"

#define STORE_CHECK_LOOK_MAX 5000 /* rows of a piece */
#define STORE_CHECK_SHOWN    20   /* numbers of each rule that are kept */

struct store_check_rule {
    int64_t count;                    /* of breaches */
    int64_t shown[STORE_CHECK_SHOWN]; /* the first of them */
};
struct store_walk {
    enum store_rule rule; /* STORE_RULE_COUNT: it is over */
    int64_t place;
    struct store_check_rule found[STORE_RULE_COUNT];
};
void store_walk_begin(struct store_walk *walk);
static inline bool store_walk_is_over(const struct store_walk *walk) {
    return walk->rule == STORE_RULE_COUNT;
}
/* The next piece, on a searcher. The walk is as it was where it fails. */
WARN_UNUSED enum status store_walk_piece(struct db *db, struct arena *arena, struct store_walk *walk);

#endif
