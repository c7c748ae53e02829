/* user_keys.h - an account's own API keys: APIKey and AdminAPIKey of /api.php. Only the hash is stored.
 * Verbs are bound by the account's id: another's key is NOT_FOUND (P6).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_USER_KEYS_H
#define POSTHORN_STORE_USER_KEYS_H

#include "store/accounts.h"

struct user_key {
    int64_t id;
    int64_t account_id;
    struct str key_hash;
    bool is_admin; /* an AdminAPIKey */
    struct str description;
    struct str networks; /* comma list of addresses and networks it may come from; "": any */
    int64_t created_at;
    int64_t last_used_at; /* 0: never */
    struct str last_used_ip;
};
struct user_key_list {
    struct user_key *items;
    size_t count;
};
/* Add; id and what it was used for are ignored. NOT_FOUND: no such account, EXISTS: the same key again. */
WARN_UNUSED enum status user_key_add(struct db *tx, const struct user_key *key, int64_t *ret_id);
/* The key behind a token, and its account. */
WARN_UNUSED enum status user_key_find(struct db *tx, struct arena *a, struct str key_hash, struct user_key *ret,
                                      struct account *ret_account);
/* The account's keys in order of id. */
WARN_UNUSED enum status user_key_list(struct db *tx, struct arena *a, int64_t account_id, struct user_key_list *ret);
WARN_UNUSED enum status user_key_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct user_key *ret);
/* Write description and networks. */
WARN_UNUSED enum status user_key_update(struct db *tx, const struct user_key *key);
WARN_UNUSED enum status user_key_delete(struct db *tx, int64_t account_id, int64_t id);
WARN_UNUSED enum status user_key_count(struct db *tx, int64_t account_id, int64_t *ret_count);
#define USER_KEY_TOUCH_MS 60000
/* Note a use, at most once in that time. OK too when one was noted, or the key is gone. */
WARN_UNUSED enum status user_key_touch(struct db *tx, int64_t id, int64_t now, struct str ip);

#endif
