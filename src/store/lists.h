/* lists.h - subscriber lists of an account. ("struct list" is base's ring; a list of people is a mailing_list.)
 * Every verb runs inside the caller's transaction; strings of returned records live in the caller's arena.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_LISTS_H
#define POSTHORN_STORE_LISTS_H

#include "base/arena.h"
#include "base/status.h"
#include "store/scope.h"

struct db;

struct mailing_list {
    int64_t id;
    int64_t account_id;
    struct str name; /* one of a kind in the account */
    int64_t created_at;
};
struct mailing_list_page {
    struct mailing_list *items;
    size_t count;
};
/* Add; id is ignored. EXISTS: the account has a list of this name. */
WARN_UNUSED enum status mailing_list_add(struct db *tx, const struct mailing_list *list, int64_t *ret_id);
/* NOT_FOUND when absent or another account's. */
WARN_UNUSED enum status mailing_list_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id,
                                         struct mailing_list *ret);
/* Lists of the account in order of id, those with id > after_id; and how many it has in all. */
WARN_UNUSED enum status mailing_list_page(struct db *tx, struct arena *a, int64_t account_id, int64_t after_id, int limit,
                                          struct mailing_list_page *ret);
WARN_UNUSED enum status mailing_list_count(struct db *tx, int64_t account_id, int64_t *ret_count);
/* NOT_FOUND: absent or another's. EXISTS: the name is taken. */
WARN_UNUSED enum status mailing_list_rename(struct db *tx, int64_t account_id, int64_t id, struct str name);
/* The list's own row, once subscriber_delete_some() (subscribers.h) left nobody on it. */
WARN_UNUSED enum status mailing_list_delete(struct db *tx, int64_t account_id, int64_t id);

#endif
