/* store_check.c - see store_check.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/store_check.h"

void store_walk_begin(struct store_walk *walk) {
    *walk = (struct store_walk){.place = INT64_MIN};
}

static void note(struct store_check_rule *rule, const struct store_breaches *breaches) {
    for (size_t i = 0; i < breaches->count; i++, rule->count++)
        if (rule->count < STORE_CHECK_SHOWN) rule->shown[rule->count] = breaches->ids[i];
}

enum status store_walk_piece(struct db *db, struct arena *arena, struct store_walk *walk) {
    struct store_breaches breaches;
    if (store_walk_is_over(walk)) return STATUS_OK;
    enum status status = store_check(db, arena, walk->rule, walk->place, STORE_CHECK_LOOK_MAX, &breaches);
    if (status != STATUS_OK) return status;
    note(&walk->found[walk->rule], &breaches);
    walk->place = breaches.is_end ? INT64_MIN : breaches.place;
    if (breaches.is_end) walk->rule++;
    return STATUS_OK;
}
