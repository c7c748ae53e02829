/* event_stats.h - events counted: what became of the mail of a domain in a period, whole and by tag.
 *
 * Opened, Clicked, Unsubscribed and Complained count a recipient once for each message, in the period of his first time, so
 * that periods add up. What machines opened and clicked is not counted. Read from the roll-ups (store/rollup_read.h, which says
 * what LIMIT means and what becomes of tags beyond their bound); they outlive the events. On a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_STATS_H
#define POSTHORN_STORE_EVENT_STATS_H

#include "store/rollup_read.h"

enum event_counter {
    COUNT_SENT,
    COUNT_DELIVERED,
    COUNT_BOUNCED,
    COUNT_HARD_BOUNCED, /* about the address: no enhanced code, X.1.* or X.2.1 (RFC 3463) */
    COUNT_DEFERRED,     /* attempts, not recipients */
    COUNT_FAILED,
    COUNT_SUPPRESSED,
    COUNT_OPENED,
    COUNT_OPENED_TOTAL,
    COUNT_CLICKED,
    COUNT_CLICKED_TOTAL,
    COUNT_UNSUBSCRIBED,
    COUNT_COMPLAINED,
    EVENT_COUNTER_COUNT
};
struct event_counts {
    int64_t n[EVENT_COUNTER_COUNT];
};
WARN_UNUSED enum status event_stats(struct db *tx, const struct event_period *period, struct event_counts *ret);

struct event_value_counts {
    struct str value;  /* "" of a day or a sender domain */
    int64_t at;        /* when the day begins; 0 else */
    int64_t domain_id; /* the sender domain; 0 else */
    struct event_counts counts;
};
struct event_value_list {
    struct event_value_counts *items;
    size_t count;
};
/* By tag, most sent first, or recipient domain, most delivered first; equals by name, at most `limit`; a message with two tags
 * counts for both. */
WARN_UNUSED enum status event_stats_by_tag(struct db *tx, struct arena *a, const struct event_period *period, int limit,
                                           struct event_value_list *ret);
WARN_UNUSED enum status event_stats_by_recipient_domain(struct db *tx, struct arena *a, const struct event_period *period,
                                                        int limit, struct event_value_list *ret);
/* By UTC day, oldest first, of the period's domain, or of those together; days without events are left out. */
#define EVENT_STATS_DAYS_MAX 4000
WARN_UNUSED enum status event_stats_by_day(struct db *tx, struct arena *a, const struct event_period *period,
                                           const struct rollup_among *among, struct event_value_list *ret);
/* Each of those sender domains that has events in the period, most sent first. At most EVENT_STATS_DOMAINS_MAX. */
#define EVENT_STATS_DOMAINS_MAX 1000
WARN_UNUSED enum status event_stats_by_domain(struct db *tx, struct arena *a, const struct event_period *period,
                                              const struct rollup_among *among, struct event_value_list *ret);

#endif
