/* subscribers.h - the people on a list. One address stands on a list once, whatever the case of its letters.
 * Verbs take the account too and find nothing on another's lists (P6).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_SUBSCRIBERS_H
#define POSTHORN_STORE_SUBSCRIBERS_H

#include "base/arena.h"
#include "base/status.h"
#include "store/scope.h"

struct db;

/* Stored numbers: never renumber. Only the active ones are written to. */
enum subscriber_status {
    SUBSCRIBER_ACTIVE = 0,
    SUBSCRIBER_UNSUBSCRIBED = 1,
    SUBSCRIBER_BOUNCED = 2,
    SUBSCRIBER_COMPLAINED = 3,
    SUBSCRIBER_STATUS_COUNT
};
struct subscriber {
    int64_t id;
    int64_t list_id;
    struct str email;     /* canonical, as it is sent to */
    struct str email_key; /* the same in lower case */
    enum subscriber_status status;
    struct str fields; /* JSON object: merge fields; never empty text */
    int64_t created_at;
    int64_t changed_at;
};
struct subscriber_page {
    struct subscriber *items;
    size_t count;
};
/* Add to a list that the caller knows to be the account's; id is ignored. EXISTS: the person is on it. */
WARN_UNUSED enum status subscriber_add(struct db *tx, const struct subscriber *subscriber, int64_t *ret_id);
/* By id; by email_key. NOT_FOUND: absent, on another list, or the list is another account's. */
WARN_UNUSED enum status subscriber_get(struct db *tx, struct arena *a, int64_t account_id, int64_t list_id, int64_t id,
                                       struct subscriber *ret);
WARN_UNUSED enum status subscriber_find(struct db *tx, struct arena *a, int64_t account_id, int64_t list_id, struct str email_key,
                                        struct subscriber *ret);
/* Write email, status, fields and changed_at of a subscriber that was just read. EXISTS: another one has the address. */
WARN_UNUSED enum status subscriber_set(struct db *tx, const struct subscriber *subscriber);
/* NOT_FOUND as above. */
WARN_UNUSED enum status subscriber_delete(struct db *tx, int64_t account_id, int64_t list_id, int64_t id);
/* Up to `limit` of a list at once; *ret_count tells how many went, less than `limit`: nobody is left. */
WARN_UNUSED enum status subscriber_delete_some(struct db *tx, int64_t account_id, int64_t list_id, int limit, int64_t *ret_count);

struct subscriber_query {
    int64_t account_id, list_id;
    int status;       /* enum subscriber_status; -1: any */
    int64_t after_id; /* id > after_id */
    int64_t up_to;    /* id <= up_to; 0: no bound */
    int limit;
    int64_t offset; /* of those, leave out so many first */
};
/* In order of id. */
WARN_UNUSED enum status subscriber_page(struct db *tx, struct arena *a, const struct subscriber_query *query,
                                        struct subscriber_page *ret);
/* How many, and the highest id among them (0: none); after_id and limit are not looked at. */
WARN_UNUSED enum status subscriber_count(struct db *tx, const struct subscriber_query *query, int64_t *ret_count,
                                         int64_t *ret_last_id);

#endif
