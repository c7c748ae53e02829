/* event_count.h - events counted by a field that no roll-up has, or under a condition: looked at one by one, a piece at a time.
 *
 * A piece is so many of the domain's events, and whoever counts takes a new snapshot for each, so none lasts longer than a
 * fraction of a second. Two ways lead through the events:
 *   in time     reads the events as they lie
 *   by message  where words say whose (store/words.h); and for what the message says (subject, journeyId ...) without a
 * condition, where an index has a message's events side by side: no event is read, and each message once, as they lie
 *
 * Inside the store room only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_COUNT_H
#define POSTHORN_STORE_EVENT_COUNT_H

#include "store/event_condition.h"
#include "store/event_group.h"
#include "store/event_tally.h"

struct event_count {
    struct event_filter filter;
    enum event_field field;
    bool is_whole;      /* one piece does */
    bool is_by_message; /* pieces are of messages, not of time */
    bool is_of_message; /* ... and nothing but messages says what is counted */
    int64_t place;      /* the next piece begins there: a time, or behind a message */
    int64_t looks;      /* events of a piece */
    struct tally tally;
};
/* Fill in all but filter and field. LIMIT: more events than may be looked at; none was. */
WARN_UNUSED enum status event_count_begin(struct db *tx, struct event_count *c);
/* The next piece. LIMIT: too many values. */
WARN_UNUSED enum status event_count_next(struct db *tx, struct event_count *c, bool *ret_is_end);
/* What was counted: see event_group.h. */
WARN_UNUSED enum status event_count_top(struct db *tx, struct arena *a, const struct event_count *c, int limit,
                                        struct event_bucket_list *ret);
void event_count_fini(struct event_count *c);

#endif
