/* smtp_users.h - who may submit mail by SMTP for a domain: a name and the hash of a random password.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_SMTP_USERS_H
#define POSTHORN_STORE_SMTP_USERS_H

#include "store/domains.h"
#include "store/groups.h"

struct smtp_user {
    int64_t id;
    int64_t account_id;
    int64_t domain_id;
    struct str username;                                             /* no two alike in the whole gateway */
    struct str password_hash;                                        /* SHA-256 */
    struct str from_email, from_name, reply_to_email, reply_to_name; /* fill what a message lacks; "" nothing */
    bool is_active;
    int64_t created_at;
    int64_t last_used_at; /* 0: never */
};
struct smtp_user_list {
    struct smtp_user *items;
    size_t count;
};
/* A user with what decides whether it may send: one query authenticates a session. */
struct smtp_login {
    struct smtp_user user;
    struct str domain_name;
    enum domain_state domain_state;
    bool account_is_active, account_is_verified;
    struct account_limits limits;
};
/* Add; id and last_used_at are ignored. NOT_FOUND: the domain is not that account's. EXISTS: the name is taken. */
WARN_UNUSED enum status smtp_user_add(struct db *tx, const struct smtp_user *user, int64_t *ret_id);
WARN_UNUSED enum status smtp_user_login(struct db *tx, struct arena *a, struct str username, struct smtp_login *ret);
/* The same for who may send for a domain without being a user of it: ret->user has only account and domain. Of several accounts'
 * domains of that name the enabled one that is oldest. */
WARN_UNUSED enum status smtp_domain_login(struct db *tx, struct arena *a, struct str name, struct smtp_login *ret);
/* Every user of the account's domain, in order of id; empty when the domain is not the account's. */
WARN_UNUSED enum status smtp_user_list(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id,
                                       struct smtp_user_list *ret);
WARN_UNUSED enum status smtp_user_count(struct db *tx, int64_t domain_id, int64_t *ret_count);
/* NOT_FOUND when absent or another account's, as the next two. */
WARN_UNUSED enum status smtp_user_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct smtp_user *ret);
WARN_UNUSED enum status smtp_user_set_password(struct db *tx, int64_t account_id, int64_t id, struct str password_hash);
WARN_UNUSED enum status smtp_user_delete(struct db *tx, int64_t account_id, int64_t id);
/* Note the use; written at most once a minute for a user. */
WARN_UNUSED enum status smtp_user_touch(struct db *tx, int64_t id, int64_t now);

#endif
