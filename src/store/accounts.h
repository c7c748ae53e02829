/* accounts.h - accounts and their own API keys (user keys).
 *
 * Every verb runs inside the caller's transaction `tx` (writer: all; reader: those that only look). Strings of returned
 * records live in the caller's arena. A verb that answers anything but OK has written nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_ACCOUNTS_H
#define POSTHORN_STORE_ACCOUNTS_H

#include "base/arena.h"
#include "base/status.h"
#include "store/groups.h"

struct db;

struct account {
    int64_t id;
    struct str email;         /* lower case */
    struct str password_hash; /* argon2id, encoded */
    bool is_admin, is_active, is_verified;
    int64_t created_at;
    int64_t group_id;
    struct account_limits limits; /* of its group; only read */
};
/* Add; id is ignored, group_id 0 means GROUP_DEFAULT. EXISTS: the e-mail is taken. */
WARN_UNUSED enum status account_add(struct db *tx, const struct account *account, int64_t *ret_id);
/* NOT_FOUND when absent. `email` in lower case. */
WARN_UNUSED enum status account_find(struct db *tx, struct arena *a, struct str email, struct account *ret);
WARN_UNUSED enum status account_get(struct db *tx, struct arena *a, int64_t id, struct account *ret);

/* How many there are, and the id of one of them (0: there is none). */
WARN_UNUSED enum status account_count(struct db *tx, int64_t *ret_count, int64_t *ret_id);

/* Add a user key; NOT_FOUND: no such account, EXISTS: the same key again. */
WARN_UNUSED enum status user_key_add(struct db *tx, int64_t account_id, struct str key_hash, int64_t now, int64_t *ret_id);
/* The account behind a user key. */
WARN_UNUSED enum status user_key_find(struct db *tx, struct arena *a, struct str key_hash, struct account *ret);

#endif
