/* tag_refusals.h - what people want no more of without leaving altogether: mail with a certain tag, of one account. Found by the
 * SHA-256 of the lower-case address, like suppressions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_TAG_REFUSALS_H
#define POSTHORN_STORE_TAG_REFUSALS_H

#include "base/arena.h"
#include "base/status.h"

struct db;

struct tag_refusal {
    int64_t account_id;
    struct str address_hash;
    struct str tag;   /* as messages have it */
    int64_t event_id; /* what happened; 0: none */
    int64_t created_at;
};
struct tag_refusal_list {
    struct tag_refusal *items;
    size_t count;
};
/* EXISTS: it stands already, and stays as it is. */
WARN_UNUSED enum status tag_refusal_add(struct db *tx, const struct tag_refusal *refusal);
/* NOT_FOUND: it does not stand. */
WARN_UNUSED enum status tag_refusal_delete(struct db *tx, int64_t account_id, struct str address_hash, struct str tag);
/* A person's refusals at an account, by tag, at most `limit`; reader or writer. */
WARN_UNUSED enum status tag_refusal_list(struct db *db, struct arena *a, int64_t account_id, struct str address_hash, int limit,
                                         struct tag_refusal_list *ret);

#endif
