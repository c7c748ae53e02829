/* nodes.c - machines that own queue rows, and their lives.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/nodes.h"

#include "store/rows.h"

enum status node_start(struct db *tx, struct str name, int64_t now, struct node_epoch *ret) {
    struct stmt *add = db_stmt(tx, "INSERT INTO nodes (name, epoch, started_at) VALUES (?1, 0, ?2) ON CONFLICT DO NOTHING");
    stmt_bind_text(add, 1, name);
    stmt_bind_int(add, 2, now);
    enum status st = stmt_run(add);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "UPDATE nodes SET epoch = epoch + 1, started_at = ?2 WHERE name = ?1 RETURNING id, epoch");
    stmt_bind_text(s, 1, name);
    stmt_bind_int(s, 2, now);
    st = row_first(s);
    if (st != STATUS_OK) return st;
    struct node_epoch node = {.node_id = stmt_int(s, 0), .epoch = stmt_int(s, 1)};
    st = stmt_run(s);
    if (st == STATUS_OK) *ret = node;
    return st;
}

enum status node_find(struct db *tx, struct str name, struct node_epoch *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id, epoch FROM nodes WHERE name = ?1");
    stmt_bind_text(s, 1, name);
    enum status st = row_first(s);
    if (st == STATUS_OK) *ret = (struct node_epoch){.node_id = stmt_int(s, 0), .epoch = stmt_int(s, 1)};
    return st;
}

static enum status is_current(struct stmt *s, const struct node_epoch *node, bool *ret) {
    STMT_BIND_INTS(s, 1, node->node_id, node->epoch);
    enum status st = row_first(s);
    if (st != STATUS_OK && st != STATUS_NOT_FOUND) return st;
    *ret = st == STATUS_OK;
    return STATUS_OK;
}

#define CURRENT "SELECT 1 FROM nodes WHERE id = ?1 AND epoch = ?2"

enum status node_is_current(struct db *tx, const struct node_epoch *node, bool *ret) {
    return is_current(db_stmt(tx, CURRENT), node, ret);
}

/* SQLite has one writer at a time anyway. */
enum status node_hold(struct db *tx, const struct node_epoch *node, bool *ret) {
    return is_current(db_stmt(tx, db_is_sqlite(tx) ? CURRENT : CURRENT " FOR SHARE"), node, ret);
}
