/* inbox.h - mail that is kept to be read: what the last hop received in sandbox mode, and what came for the operator.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_INBOX_H
#define POSTHORN_STORE_INBOX_H

#include "base/arena.h"
#include "base/id.h"
#include "base/status.h"
#include "store/scope.h"

struct db;

struct inbox_mail {
    int64_t id;
    int64_t received_at;
    int64_t account_id; /* whose message it was, by the signed return path; 0 unknown */
    int64_t domain_id;
    bool has_message_uuid;
    struct id message_uuid;
    struct str envelope_from;
    struct str recipients; /* JSON array of addresses */
    struct str subject;
    int64_t size_bytes;
    struct str content; /* the whole message; not filled by inbox_list */
};
struct inbox_list {
    struct inbox_mail *items;
    size_t count;
};
/* Add; id and size_bytes are ignored. */
WARN_UNUSED enum status inbox_add(struct db *tx, const struct inbox_mail *mail, int64_t *ret_id);
/* Newest first, those with id < before_id (0: from the newest). `domain_id` may be SCOPE_ANY. */
WARN_UNUSED enum status inbox_list(struct db *tx, struct arena *a, int64_t domain_id, int64_t before_id, int limit,
                                   struct inbox_list *ret);
/* With content. NOT_FOUND when absent or another domain's. */
WARN_UNUSED enum status inbox_get(struct db *tx, struct arena *a, int64_t domain_id, int64_t id, struct inbox_mail *ret);
/* Keep the newest `keep`, told by their ids (so gaps between them count, and nothing is walked over); deletes at most `max` a
 * call. */
WARN_UNUSED enum status inbox_prune(struct db *tx, int64_t keep, int64_t max, int64_t *ret_deleted);

#endif
