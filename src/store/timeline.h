/* timeline.h - what a message's story is told from (core/timeline.h): its events, who still waits, what was suppressed for them,
 * the webhook calls that told of them. On a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_TIMELINE_H
#define POSTHORN_STORE_TIMELINE_H

#include "store/hooks.h"
#include "store/messages.h"
#include "store/queue.h"

struct timeline_range {
    int64_t domain_id, message_id;
    int64_t recipient_id;       /* 0: of all */
    int64_t after_at, after_id; /* behind this event; zeroed: from the first */
    int limit;
};
/* In order of (at, id): id, at, type, recipient_id, recipient, detail. Looks at the message's own events alone. */
WARN_UNUSED enum status timeline_events(struct db *tx, struct arena *a, const struct timeline_range *range,
                                        struct message_timeline *ret);
/* Recipients that wait or are held, behind after_id, in order of id; of them only id, address, state, due_at, attempts and
 * reason. */
WARN_UNUSED enum status timeline_waiting(struct db *tx, struct arena *a, const struct timeline_range *range,
                                         struct recipient_list *ret);
/* How many recipients there are, and how many events that began a recipient's story: fewer when some were removed. */
WARN_UNUSED enum status timeline_count(struct db *tx, const struct timeline_range *range, int64_t *ret_recipients,
                                       int64_t *ret_begun);
/* *ret: is what is sent still kept? */
WARN_UNUSED enum status timeline_has_body(struct db *tx, int64_t message_id, bool *ret);
/* That address of the message. NOT_FOUND: it is none of its recipients. */
WARN_UNUSED enum status timeline_recipient(struct db *tx, int64_t message_id, struct str address, int64_t *ret_id);
/* *ret: did the event put an address with that hash where the account does not write to? */
WARN_UNUSED enum status timeline_suppressed(struct db *tx, int64_t account_id, struct str address_hash, int64_t event_id,
                                            bool *ret);
/* Calls to the domain's webhooks that began at from_at or later, oldest first, at most `limit`; without the answers. */
WARN_UNUSED enum status timeline_calls(struct db *tx, struct arena *a, int64_t domain_id, int64_t from_at, int limit,
                                       struct hook_attempt_list *ret);

#endif
