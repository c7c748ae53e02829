/* accounts.h - accounts.
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
    struct str email; /* lower case */
    struct str first_name, last_name;
    struct str password_hash; /* argon2id, encoded */
    struct str totp_sealed;   /* context "totp:<id>"; "": no second factor */
    bool totp_is_on;          /* confirmed with a first code */
    int64_t totp_step;        /* the last one used */
    bool is_admin, is_active, is_verified;
    bool unsubscribes_block_all; /* who unsubscribed gets no transactional mail either */
    int64_t created_at;
    int64_t group_id;
    struct str group_name;        /* only read, as limits */
    struct account_limits limits; /* of its group */
};
struct account_list {
    struct account *items;
    size_t count;
};
/* Add, without a second factor; id is ignored, group_id 0 means GROUP_DEFAULT. EXISTS: the e-mail is taken. */
WARN_UNUSED enum status account_add(struct db *tx, const struct account *account, int64_t *ret_id);
/* NOT_FOUND when absent. `email` in lower case. */
WARN_UNUSED enum status account_find(struct db *tx, struct arena *a, struct str email, struct account *ret);
WARN_UNUSED enum status account_get(struct db *tx, struct arena *a, int64_t id, struct account *ret);
WARN_UNUSED enum status account_exists(struct db *tx, int64_t id);

/* How many there are, and the id of one of them (0: there is none). */
WARN_UNUSED enum status account_count(struct db *tx, int64_t *ret_count, int64_t *ret_id);

struct account_query {
    int64_t group_id;  /* 0: of all groups */
    struct str search; /* what the e-mail holds, lower case; "": all */
    int64_t offset;
    int64_t limit;
};
/* Accounts in order of id; *ret_total: how many there are without offset and limit. */
WARN_UNUSED enum status account_list(struct db *tx, struct arena *a, const struct account_query *query, struct account_list *ret,
                                     int64_t *ret_total);

/* Write e-mail, names, rights, flags and group. EXISTS: the e-mail is taken. */
WARN_UNUSED enum status account_update(struct db *tx, const struct account *account);
WARN_UNUSED enum status account_set_password(struct db *tx, int64_t id, struct str password_hash);
/* A new second factor, or none ("", false). Its steps begin anew. */
WARN_UNUSED enum status account_set_totp(struct db *tx, int64_t id, struct str totp_sealed, bool is_on);
/* Its first code was right. NOT_FOUND: this secret does not wait for one (any more). */
WARN_UNUSED enum status account_confirm_totp(struct db *tx, int64_t id, struct str totp_sealed);
/* A code of that step was right. NOT_FOUND: it, or a later one, was used before. */
WARN_UNUSED enum status account_use_totp(struct db *tx, int64_t id, int64_t step);
/* Delete up to `max` rows of what an account collects in great numbers; *ret_deleted 0: it is empty. */
WARN_UNUSED enum status account_empty(struct db *tx, int64_t id, int64_t max, int64_t *ret_deleted);
/* Delete it with all that hangs on it; messages and events stay. NOT_FOUND: no such account. EXISTS: it still has domains. */
WARN_UNUSED enum status account_delete(struct db *tx, int64_t id);

#endif
