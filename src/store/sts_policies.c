/* sts_policies.c - see sts_policies.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/sts_policies.h"

#include "store/rows.h"

static void sts_row_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct sts_row *)item = (struct sts_row){
        .domain = row_text(s, a, 0),
        .id = row_text(s, a, 1),
        .policy = row_text(s, a, 2),
        .fetched_at = stmt_int(s, 3),
        .expires_at = stmt_int(s, 4),
    };
}

enum status sts_row_find(struct db *tx, struct arena *a, struct str domain, int64_t now, struct sts_row *ret) {
    struct stmt *s = db_stmt(tx, "SELECT domain, id, policy, fetched_at, expires_at FROM sts_policies "
                                 "WHERE domain = ?1 AND expires_at > ?2");
    stmt_bind_text(s, 1, domain);
    stmt_bind_int(s, 2, now);
    return row_get(s, a, sts_row_fill, ret);
}

enum status sts_row_put(struct db *tx, const struct sts_row *row) {
    struct stmt *s =
        db_stmt(tx, "INSERT INTO sts_policies (domain, id, policy, fetched_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5) "
                    "ON CONFLICT (domain) DO UPDATE SET id = excluded.id, policy = excluded.policy, "
                    "fetched_at = excluded.fetched_at, expires_at = excluded.expires_at");
    const struct str texts[] = {row->domain, row->id, row->policy};
    for (int i = 0; i < 3; i++) stmt_bind_text(s, 1 + i, texts[i]);
    STMT_BIND_INTS(s, 4, row->fetched_at, row->expires_at);
    return stmt_run(s);
}

enum status sts_row_prune(struct db *tx, int64_t before, int64_t max, int64_t *ret_deleted) {
    struct stmt *s = db_stmt(tx, "DELETE FROM sts_policies WHERE domain IN "
                                 "(SELECT domain FROM sts_policies WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)");
    STMT_BIND_INTS(s, 1, before, max);
    return rows_change(tx, s, ret_deleted);
}
