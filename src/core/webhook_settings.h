/* webhook_settings.h - what an owner sets of his webhook: where and for what it is called, header fields of his own, events a
 * call, and whether it is called at all.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_WEBHOOK_SETTINGS_H
#define POSTHORN_CORE_WEBHOOK_SETTINGS_H

#include "core/webhooks.h"

#define WEBHOOK_AS_IT_IS INT64_C(-1)

/* What is not given stays as it is. */
struct webhook_settings {
    struct str url;     /* "": not given */
    int64_t events;     /* EVENT_BIT()s; 0: not given */
    int64_t is_active;  /* 0, 1, or WEBHOOK_AS_IT_IS */
    int64_t batch_max;  /* 0: an event a call; 2 to HOOK_BATCH_MAX; or WEBHOOK_AS_IT_IS */
    struct str headers; /* JSON that hook_headers_parse takes, in place of all that were there; "{}" and "": none */
    bool has_headers;
};
struct webhook_keeper {
    const struct seal_key *seal;
    const struct rand *rand;
    int64_t node_id, now;
};
/* On the writer. One that gets another URL or is made active is taken for well: what waits for it is due as if it had never
 * failed, and it is looked at again after its five days. Made inactive, it loses what waits. NOT_FOUND: it went meanwhile. */
WARN_UNUSED enum status webhook_set(struct db *tx, const struct webhook *webhook, const struct webhook_settings *settings,
                                    const struct webhook_keeper *keeper);
/* The names of its header fields, {"Name":"********"}, appended to out: values are secrets (P10). "{}" when they cannot be
 * opened.
 */
void webhook_show_headers(const struct webhook *webhook, const struct seal_key *seal, struct arena *arena, struct buf *out);

#endif
