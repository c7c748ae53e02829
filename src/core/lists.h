/* lists.h - lists and their subscribers beyond plain rows: what a field may hold, who counts as the same person, how a
 * subscriber's status changes. The rows' own verbs are store's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_LISTS_H
#define POSTHORN_CORE_LISTS_H

#include "proto/json/json_write.h"
#include "store/lists.h"
#include "store/messages.h"
#include "store/subscribers.h"

#define SUBSCRIBER_FIELDS_MAX       100
#define SUBSCRIBER_FIELD_NAME_MAX   64         /* bytes */
#define SUBSCRIBER_FIELDS_BYTES_MAX (8 * 1024) /* of the whole JSON object */

/* "Active" ..., static; and back, without regard to case; the reference's "Subscribed" is Active. */
const char *subscriber_status_text(enum subscriber_status status);
bool subscriber_status_parse(struct str text, enum subscriber_status *ret);

/* What a send to a list needs to know. Any of the outputs may be used alone. */
struct list_audience {
    int64_t total; /* active subscribers */
    int64_t up_to; /* the highest id among them; 0: none */
};
/* NOT_FOUND: no such list of this account. */
WARN_UNUSED enum status list_audience(struct db *tx, int64_t account_id, int64_t list_id, struct list_audience *ret);

/* The list a message was sent to: the one of the account that its ListID names; 0: none, the label means something else, or the
 * list is gone. */
WARN_UNUSED enum status list_of_message(struct db *tx, const struct message *message, int64_t *ret_list_id);
/* On the writer: an active subscriber of the list is written to no more, and why. Nothing when nobody active has the address. */
WARN_UNUSED enum status list_drop(struct db *tx, int64_t account_id, int64_t list_id, struct str address,
                                  enum subscriber_status why, int64_t now);

/* Fields as they are stored: `old` (JSON text, "" none) with the members of `given` over it, where null takes one away. NULL:
 * fine, *ret is in the arena; else why not, a sentence. Names have 1 to 64 bytes; values are texts, numbers or booleans. */
const char *subscriber_fields_merge(struct arena *a, struct str old, const struct json *given, struct str *ret);

/* An address as it is stored and compared; strings in the arena. False: it is none. */
bool subscriber_address(struct arena *a, struct str text, struct str *ret_email, struct str *ret_key);

#endif
