/* groups.h - groups of accounts: what the accounts in a group may do.
 * Every verb runs inside the caller's transaction; strings of returned records live in the caller's arena.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_GROUPS_H
#define POSTHORN_STORE_GROUPS_H

#include "base/arena.h"
#include "base/status.h"

struct db;
struct stmt;

#define GROUP_DEFAULT INT64_C(1) /* the schema makes it; it cannot be deleted */

/* 0: no limit. Sends are counted by recipient. */
struct account_limits {
    int64_t domains;
    int64_t sends_per_second, sends_per_day, sends_per_month;
    int64_t recipients, bcc, reply_to; /* of one message */
};

/* For queries that read an account beside something else: columns of account_groups under the alias g, in the order that
 * account_limits_fill() reads them, beginning with `column`. */
#define ACCOUNT_LIMITS_COLUMNS                                                                                                   \
    "g.domains, g.sends_per_second, g.sends_per_day, g.sends_per_month, g.recipients, g.bcc, g.reply_to"
#define ACCOUNT_LIMITS_COUNT 7
void account_limits_fill(struct stmt *s, int column, struct account_limits *ret);

struct account_group {
    int64_t id;
    struct str name;
    struct account_limits limits;
    int64_t created_at;
    int64_t accounts; /* how many are in it; only read */
};
struct account_group_list {
    struct account_group *items;
    size_t count;
};
/* Add; id is ignored. EXISTS: the name is taken. */
WARN_UNUSED enum status group_add(struct db *tx, const struct account_group *group, int64_t *ret_id);
WARN_UNUSED enum status group_get(struct db *tx, struct arena *a, int64_t id, struct account_group *ret);
WARN_UNUSED enum status group_find(struct db *tx, struct arena *a, struct str name, struct account_group *ret);
/* Up to `limit` groups with id > after_id, in order of id. */
WARN_UNUSED enum status group_list(struct db *tx, struct arena *a, int64_t after_id, int64_t limit,
                                   struct account_group_list *ret);
/* Write name and limits. EXISTS: the name is taken. */
WARN_UNUSED enum status group_update(struct db *tx, const struct account_group *group);
/* NOT_FOUND: no such group. EXISTS: accounts are in it. DENIED: GROUP_DEFAULT. */
WARN_UNUSED enum status group_delete(struct db *tx, int64_t id);

#endif
