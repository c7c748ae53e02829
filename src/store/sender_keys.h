/* sender_keys.h - sender domain API keys: found by hash, shown again from their sealed form.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_SENDER_KEYS_H
#define POSTHORN_STORE_SENDER_KEYS_H

#include "store/domains.h"
#include "store/groups.h"

/* Stored bits: never renumber. */
enum { SENDER_SCOPE_SEND = 1, SENDER_SCOPE_EVENTS = 2, SENDER_SCOPE_WEBHOOKS = 4 };

struct sender_key {
    int64_t id;
    int64_t account_id;
    int64_t domain_id;
    struct str key_hash;   /* SHA-256 */
    struct str key_sealed; /* context "sender-key:<hex of key_hash>" */
    struct str description;
    int scopes;
    struct str list_id, subscriber_id, journey_id, action_id; /* stamped on what it sends; "" none */
    struct str pool;                                          /* of sources (store/pools.h); "" its domain's */
    int64_t created_at;
    int64_t last_used_at; /* 0: never */
};
struct sender_key_list {
    struct sender_key *items;
    size_t count;
};
/* A key with what decides whether it may be used: one query authenticates a request. */
struct sender_login {
    struct sender_key key;
    struct str domain_name;
    enum domain_state domain_state;
    bool account_is_active, account_is_verified;
    struct account_limits limits;
};
/* Add; id and last_used_at are ignored. NOT_FOUND: the domain is not that account's. EXISTS: the same key again. */
WARN_UNUSED enum status sender_key_add(struct db *tx, const struct sender_key *key, int64_t *ret_id);
WARN_UNUSED enum status sender_key_login(struct db *tx, struct arena *a, struct str key_hash, struct sender_login *ret);
/* Every key of the account's domain, in order of id; empty when the domain is not the account's. */
WARN_UNUSED enum status sender_key_list(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id,
                                        struct sender_key_list *ret);
/* NOT_FOUND when absent, another account's or another domain's. */
WARN_UNUSED enum status sender_key_get(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id, int64_t id,
                                       struct sender_key *ret);
WARN_UNUSED enum status sender_key_count(struct db *tx, int64_t domain_id, int64_t *ret_count);
/* Every key of the account's domain. */
WARN_UNUSED enum status sender_key_delete_all(struct db *tx, int64_t account_id, int64_t domain_id);
/* NOT_FOUND when absent, another account's or another domain's; `domain_id` may be SCOPE_ANY. */
WARN_UNUSED enum status sender_key_delete(struct db *tx, int64_t account_id, int64_t domain_id, int64_t id);
/* Note the use; written at most once a minute for a key. */
WARN_UNUSED enum status sender_key_touch(struct db *tx, int64_t id, int64_t now);

#endif
