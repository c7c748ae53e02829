/* webhooks.h - where a domain's events are reported to. What signs the calls is the domain's (store/domains.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_WEBHOOKS_H
#define POSTHORN_STORE_WEBHOOKS_H

#include "store/domains.h"

struct webhook {
    int64_t id;
    int64_t account_id;
    int64_t domain_id;
    struct str url;
    int64_t events; /* EVENT_BIT()s */
    bool is_active;
    int64_t created_at;
    /* Only read here: store/hooks.h changes them, and says what they mean. */
    struct str headers_sealed;
    int64_t batch_max, failures, failing_since, paused_until, disabled_at;
    struct str disabled_why;
};
struct webhook_list {
    struct webhook *items;
    size_t count;
};
/* Add; id is ignored. NOT_FOUND: the domain is not that account's. */
WARN_UNUSED enum status webhook_add(struct db *tx, const struct webhook *webhook, int64_t *ret_id);
/* NOT_FOUND when absent or another account's. */
WARN_UNUSED enum status webhook_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct webhook *ret);
/* Every webhook of the account's domain, in order of id; empty when the domain is not the account's. */
WARN_UNUSED enum status webhook_list(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id,
                                     struct webhook_list *ret);
WARN_UNUSED enum status webhook_count(struct db *tx, int64_t domain_id, int64_t *ret_count);
/* Another URL, and other events; what waits for it is told to the new one. NOT_FOUND as webhook_get. */
WARN_UNUSED enum status webhook_set_target(struct db *tx, int64_t account_id, int64_t id, struct str url, int64_t events);
/* NOT_FOUND when absent, another account's or another domain's. */
WARN_UNUSED enum status webhook_delete(struct db *tx, int64_t account_id, int64_t domain_id, int64_t id);

#endif
