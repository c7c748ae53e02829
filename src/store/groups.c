/* groups.c - groups of accounts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/groups.h"

#include "store/rows.h"

void account_limits_fill(struct stmt *s, int column, struct account_limits *ret) {
    int64_t *const limits[ACCOUNT_LIMITS_COUNT] = {&ret->domains,         &ret->sends_per_second, &ret->sends_per_day,
                                                   &ret->sends_per_month, &ret->recipients,       &ret->bcc,
                                                   &ret->reply_to};
    for (int i = 0; i < ACCOUNT_LIMITS_COUNT; i++) *limits[i] = stmt_int(s, column + i);
}

#define GROUP_SELECT                                                                                                             \
    "SELECT g.id, g.name, g.created_at, (SELECT COUNT(*) FROM accounts a WHERE a.group_id = g.id), " ACCOUNT_LIMITS_COLUMNS      \
    " FROM account_groups g"

static void group_fill(struct stmt *s, struct arena *a, void *item) {
    struct account_group *group = item;
    *group = (struct account_group){
        .id = stmt_int(s, 0),
        .name = row_text(s, a, 1),
        .created_at = stmt_int(s, 2),
        .accounts = stmt_int(s, 3),
    };
    account_limits_fill(s, 4, &group->limits);
}

/* From parameter `i` on, in the order of ACCOUNT_LIMITS_COLUMNS. */
static void bind_limits(struct stmt *s, int i, const struct account_limits *limits) {
    stmt_bind_int(s, i, limits->domains);
    stmt_bind_int(s, i + 1, limits->sends_per_second);
    stmt_bind_int(s, i + 2, limits->sends_per_day);
    stmt_bind_int(s, i + 3, limits->sends_per_month);
    stmt_bind_int(s, i + 4, limits->recipients);
    stmt_bind_int(s, i + 5, limits->bcc);
    stmt_bind_int(s, i + 6, limits->reply_to);
}

enum status group_add(struct db *tx, const struct account_group *group, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO account_groups (name, created_at, domains, sends_per_second, sends_per_day, "
                                 "sends_per_month, recipients, bcc, reply_to) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
                                 "ON CONFLICT DO NOTHING");
    stmt_bind_text(s, 1, group->name);
    stmt_bind_int(s, 2, group->created_at);
    bind_limits(s, 3, &group->limits);
    return stmt_insert(s, ret_id);
}

enum status group_get(struct db *tx, struct arena *a, int64_t id, struct account_group *ret) {
    struct stmt *s = db_stmt(tx, GROUP_SELECT " WHERE g.id = ?1");
    stmt_bind_int(s, 1, id);
    return row_get(s, a, group_fill, ret);
}

enum status group_find(struct db *tx, struct arena *a, struct str name, struct account_group *ret) {
    struct stmt *s = db_stmt(tx, GROUP_SELECT " WHERE g.name = ?1");
    stmt_bind_text(s, 1, name);
    return row_get(s, a, group_fill, ret);
}

enum status group_list(struct db *tx, struct arena *a, int64_t after_id, int64_t limit, struct account_group_list *ret) {
    struct stmt *s = db_stmt(tx, GROUP_SELECT " WHERE g.id > ?1 ORDER BY g.id LIMIT ?2");
    STMT_BIND_INTS(s, 1, after_id, limit);
    return rows_collect(s, a, sizeof(struct account_group), group_fill, ret);
}

enum status group_update(struct db *tx, const struct account_group *group) {
    struct stmt *taken = db_stmt(tx, "SELECT id FROM account_groups WHERE name = ?1 AND id <> ?2");
    stmt_bind_text(taken, 1, group->name);
    stmt_bind_int(taken, 2, group->id);
    enum status st = row_none(taken);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "UPDATE account_groups SET name = ?2, domains = ?3, sends_per_second = ?4, sends_per_day = ?5, "
                                 "sends_per_month = ?6, recipients = ?7, bcc = ?8, reply_to = ?9 WHERE id = ?1");
    stmt_bind_int(s, 1, group->id);
    stmt_bind_text(s, 2, group->name);
    bind_limits(s, 3, &group->limits);
    return row_change(tx, s);
}

enum status group_delete(struct db *tx, int64_t id) {
    if (id == GROUP_DEFAULT) return STATUS_DENIED;
    struct stmt *account = db_stmt(tx, "SELECT id FROM accounts WHERE group_id = ?1 LIMIT 1");
    stmt_bind_int(account, 1, id);
    enum status st = row_none(account);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "DELETE FROM account_groups WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    return row_change(tx, s);
}
