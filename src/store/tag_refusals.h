/* tag_refusals.h - what people want no more of without leaving altogether: mail with a certain tag, of one account. Found by the
 * SHA-256 of the lower-case address, like suppressions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_TAG_REFUSALS_H
#define POSTHORN_STORE_TAG_REFUSALS_H

#include "base/arena.h"
#include "base/status.h"

struct db;

struct tag_refusal {
    int64_t id;
    int64_t account_id;
    struct str address; /* lower case; "" when the person was erased */
    struct str address_hash;
    struct str tag;   /* as messages have it */
    int64_t event_id; /* what happened; 0: none */
    int64_t created_at;
};
struct tag_refusal_list {
    struct tag_refusal *items;
    size_t count;
};
/* id is ignored. EXISTS: it stands already, and stays as it is. */
WARN_UNUSED enum status tag_refusal_add(struct db *tx, const struct tag_refusal *refusal);
/* One of a person, or with tag "" all that he has; *ret_count says how many stood. */
WARN_UNUSED enum status tag_refusal_delete(struct db *tx, int64_t account_id, struct str address_hash, struct str tag,
                                           int64_t *ret_count);
/* A person's refusals at an account, by tag, at most `limit`; reader or writer. */
WARN_UNUSED enum status tag_refusal_list(struct db *db, struct arena *a, int64_t account_id, struct str address_hash, int limit,
                                         struct tag_refusal_list *ret);
/* Those that any of the `count` (1 to TAG_REFUSAL_MATCH_MAX) hashes has at an account; reader or writer. */
#define TAG_REFUSAL_MATCH_MAX 20
WARN_UNUSED enum status tag_refusal_match(struct db *db, struct arena *a, int64_t account_id, const struct str *hashes,
                                          size_t count, struct tag_refusal_list *ret);

/* A page of an account's: in order of id. */
struct tag_refusal_filter {
    int64_t account_id;
    struct str address_hash; /* "": everybody's */
    struct str tag;          /* "": any */
    int64_t after_id;
    int limit;
};
WARN_UNUSED enum status tag_refusal_browse(struct db *db, struct arena *a, const struct tag_refusal_filter *filter,
                                           struct tag_refusal_list *ret);

#endif
