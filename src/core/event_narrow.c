/* event_narrow.c - see event_narrow.h. An alternative at the top leaves all as it is; so does what contradicts the filter, since
 * its zeroes mean that nothing is asked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/event_narrow.h"

#include <string.h>

static bool has_alternative(const struct event_condition *condition) {
    int depth = 0;
    for (size_t i = 0; i < condition->count; i++) {
        enum event_op op = condition->items[i].op;
        depth += (op == EVENT_OPEN_BRACKET) - (op == EVENT_CLOSE_BRACKET);
        if (op == EVENT_OR && depth == 0) return true;
    }
    return false;
}

/* Where the part that begins at i ends: before an AND at the top, or with the condition. */
static size_t part_end(const struct event_condition *condition, size_t i) {
    int depth = 0;
    for (; i < condition->count; i++) {
        enum event_op op = condition->items[i].op;
        depth += (op == EVENT_OPEN_BRACKET) - (op == EVENT_CLOSE_BRACKET);
        if (op == EVENT_AND && depth == 0) break;
    }
    return i;
}

static bool take_time(struct event_filter *filter, const struct event_item *it) {
    int64_t from = filter->from_at > it->from ? filter->from_at : it->from;
    int64_t before = filter->before_at && filter->before_at < it->before ? filter->before_at : it->before;
    if (from < 0 || before <= from) return false;
    filter->from_at = from;
    filter->before_at = before == INT64_MAX ? 0 : before;
    return true;
}

static bool take(struct event_filter *filter, const struct event_item *it) {
    if (it->op == EVENT_TYPES) return event_take_types(filter, it->from);
    if (it->op >= EVENT_IS && it->op <= EVENT_PRESENT && event_field_types(it->field))
        (void)event_take_types(filter, event_field_types(it->field)); /* and the term stays */
    return it->op == EVENT_TIME && take_time(filter, it);
}

void event_narrow(struct event_filter *filter, struct arena *arena) {
    const struct event_condition *all = filter->condition;
    if (!all || has_alternative(all)) return;
    struct event_condition *rest = ARENA_NEW(arena, struct event_condition);
    rest->count = 0;
    for (size_t i = 0, end; i < all->count; i = end + 1) {
        end = part_end(all, i);
        if (end == i + 1 && take(filter, &all->items[i])) continue;
        if (rest->count) rest->items[rest->count++] = (struct event_item){.op = EVENT_AND};
        memcpy(&rest->items[rest->count], &all->items[i], (end - i) * sizeof *rest->items);
        rest->count += end - i;
    }
    filter->condition = rest->count ? rest : NULL;
}
