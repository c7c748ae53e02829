/* idempotency.h - the first answer to an Idempotency-Key, written with what it answered for.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_IDEMPOTENCY_H
#define POSTHORN_STORE_IDEMPOTENCY_H

#include "base/arena.h"
#include "base/status.h"

struct db;

struct idempotency {
    int64_t account_id;
    int64_t key_id;          /* sender key: keys of two senders never meet (TN03) */
    struct str key_hash;     /* SHA-256 of the Idempotency-Key */
    struct str request_hash; /* SHA-256 of the request body */
    struct str answer;       /* body of the first answer */
    int64_t created_at;
};
/* Looks for (account_id, key_id, key_hash) of `key`; NOT_FOUND: the first of its kind. */
WARN_UNUSED enum status idempotency_find(struct db *tx, struct arena *a, const struct idempotency *key, struct idempotency *ret);
/* Add, or put in the place of an older one of that key. */
WARN_UNUSED enum status idempotency_put(struct db *tx, const struct idempotency *entry);
/* Delete up to `max` entries made before `before`. */
WARN_UNUSED enum status idempotency_prune(struct db *tx, int64_t before, int64_t max, int64_t *ret_deleted);

#endif
