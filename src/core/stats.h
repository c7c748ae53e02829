/* stats.h - what became of mail in a period: of a domain beside the period before it, of an account's domains, of the domains
 * that it went to.
 *
 * What may cost more than a moment goes in slices, each a snapshot of its own: call it again until is_complete. Sums of a past
 * time are the same in every snapshot but for what comes in late.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_STATS_H
#define POSTHORN_CORE_STATS_H

#include "store/event_stats.h"
#include "store/rollup_times.h"

#define STATS_DAYS       28   /* of a period that nobody named; it ends with today */
#define STATS_DAYS_MONTH 30   /* the same, of an account, a series, a list of recipient domains */
#define STATS_TAGS_MAX   1000 /* the ones most sent with */

struct stats_compared {
    struct event_counts counts, previous; /* previous: the period just before, of equal length */
};
/* On a reader; by tag see event_stats_by_tag. LIMIT: too many events to be counted one by one. */
WARN_UNUSED enum status stats_compare(struct db *tx, const struct event_period *period, struct stats_compared *ret);

/* ---- an account ---- */
#define STATS_DOMAINS_MAX 1000 /* that are shown: the ones that sent most */
#define STATS_SLICE       100  /* domains */
struct stats_domain {
    struct rollup_domain domain;
    struct event_counts counts; /* all 0: nothing happened */
};
struct stats_account {
    /* Given. */
    int64_t account_id, from_at, before_at;
    const int64_t *only; /* ids, ascending; NULL: all domains it has or had */
    size_t only_count;
    /* Found. */
    struct stats_compared compared; /* of all of them */
    int64_t domain_count;
    struct stats_domain *items; /* most sent first, then by id; NULL before the first slice */
    size_t count;
    int64_t after_id; /* how far it has come */
    bool is_complete;
};
WARN_UNUSED enum status stats_account_next(struct db *tx, struct arena *a, struct stats_account *account);

/* ---- days ---- */
struct stats_series {
    /* Given. */
    int64_t account_id;
    struct event_period period; /* domain_id 0: all domains that the account has or had; at most EVENT_STATS_DAYS_MAX days */
    /* Found. */
    struct event_value_counts
        *days; /* from the one that period.from_at lies in; at 0: nothing happened; NULL before the first slice */
    size_t count;
    int64_t after_id;
    bool is_complete;
};
WARN_UNUSED enum status stats_series_next(struct db *tx, struct arena *a, struct stats_series *series);

/* ---- where mail went ---- */
struct stats_recipient_domain {
    struct str name;
    struct event_counts counts;
    struct rollup_times times[ROLLUP_OUTCOME_COUNT];
    int64_t sending; /* taken in, and not ended in the period */
};
struct stats_recipient_domains {
    /* Given. */
    struct event_period period; /* of whole days */
    int limit;
    /* Found. */
    struct stats_recipient_domain *items; /* most delivered first, then by name; NULL before the first slice */
    size_t count, timed;
    bool is_complete;
};
WARN_UNUSED enum status stats_recipient_domains_next(struct db *tx, struct arena *a, struct stats_recipient_domains *domains);

/* part of whole in hundredths of a percent, rounded half up; 0 of nothing. */
int64_t stats_rate(int64_t part, int64_t whole);

#endif
