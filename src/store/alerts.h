/* alerts.h - what the operator is told: one row an alert, from the first sight of a trouble to its end.
 *
 * Of one (kind, key) at most one row is open. Which rows are made, told and closed is core/alert's; nothing here knows a clock.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_ALERTS_H
#define POSTHORN_STORE_ALERTS_H

#include "base/arena.h"
#include "base/status.h"

struct db;

/* Stored numbers: never renumber. */
enum alert_kind {
    ALERT_TEST = 0,        /* asked for by the operator */
    ALERT_QUEUE_AGE = 1,   /* what is due is not tried */
    ALERT_SITE = 2,        /* nobody there answers */
    ALERT_BLOCK = 3,       /* a site refuses one of our addresses */
    ALERT_SOURCE = 4,      /* one of our addresses cannot be used */
    ALERT_RELAY_LOGIN = 5, /* a relay refuses our login */
    ALERT_DISK = 6,
    ALERT_CERTIFICATE = 7,
    ALERT_DOMAIN_RECORDS = 8,
    ALERT_BOUNCES = 9,
    ALERT_COMPLAINTS = 10,
    ALERT_FEED = 11, /* the operator's feed takes no events */
    ALERT_KIND_COUNT
};
enum alert_told { ALERT_UNTOLD = 0, ALERT_TOLD_RAISED = 1, ALERT_TOLD_ENDED = 2 };

struct alert {
    int64_t id;
    enum alert_kind kind;
    struct str key, text;
    int64_t raised_at;
    int64_t quiet_at;   /* since when it is not seen any more; 0: it is */
    int64_t cleared_at; /* 0: open */
    enum alert_told told;
    int64_t told_at, told_count;
    int64_t posted_count; /* of told_count, which the webhook has */
    struct str trouble;   /* why telling failed last; "" when it did not */
};
struct alert_list {
    struct alert *items;
    size_t count;
};
/* Add; id is ignored. EXISTS: one of this kind and key is open. */
WARN_UNUSED enum status alert_add(struct db *tx, const struct alert *alert, int64_t *ret_id);
/* Write all that changes: text, times, what was told. NOT_FOUND: no such row. */
WARN_UNUSED enum status alert_update(struct db *tx, const struct alert *alert);
/* What a round works on: open ones, and those whose end is still to be told; by kind and key. */
WARN_UNUSED enum status alert_list_live(struct db *tx, struct arena *a, int limit, struct alert_list *ret);
/* How many of the kind were told since then. */
WARN_UNUSED enum status alert_count_told(struct db *tx, enum alert_kind kind, int64_t since, int64_t *ret);
/* What the webhook does not have yet, by id. */
WARN_UNUSED enum status alert_list_unposted(struct db *tx, struct arena *a, int limit, struct alert_list *ret);
/* What was told before then, the webhook will not have any more. */
WARN_UNUSED enum status alert_forget_unposted(struct db *tx, int64_t before);
/* The webhook has what was told up to `count`; or it failed, and why. Both do nothing when the row is gone. */
WARN_UNUSED enum status alert_set_posted(struct db *tx, int64_t id, int64_t count);
WARN_UNUSED enum status alert_set_trouble(struct db *tx, int64_t id, struct str why);
/* Open ones first, then those that ended, newest first. */
WARN_UNUSED enum status alert_list_recent(struct db *tx, struct arena *a, int limit, struct alert_list *ret);
WARN_UNUSED enum status alert_count_open(struct db *tx, int64_t *ret);
/* Drop closed ones, oldest first, till `keep` are left. */
WARN_UNUSED enum status alert_prune(struct db *tx, int64_t keep);

#endif
