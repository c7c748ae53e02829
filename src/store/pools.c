/* pools.c - see pools.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/pools.h"

#include "store/rows.h"

enum status pool_of(struct db *db, struct arena *a, int64_t domain_id, int64_t key_id, struct str *ret_pool) {
    struct stmt *s = db_stmt(db, "SELECT pool, 1 FROM sender_keys WHERE id = ?2 AND pool <> '' "
                                 "UNION ALL SELECT pool, 2 FROM domains WHERE id = ?1 ORDER BY 2 LIMIT 1");
    STMT_BIND_INTS(s, 1, domain_id, key_id);
    enum status st = row_first(s);
    if (st != STATUS_OK && st != STATUS_NOT_FOUND) return st;
    *ret_pool = st == STATUS_OK ? row_text(s, a, 0) : (struct str){0};
    return STATUS_OK;
}

enum status pool_set_domain(struct db *tx, int64_t domain_id, struct str pool) {
    struct stmt *s = db_stmt(tx, "UPDATE domains SET pool = ?2 WHERE id = ?1");
    stmt_bind_int(s, 1, domain_id);
    stmt_bind_text(s, 2, pool);
    return row_change(tx, s);
}

enum status pool_set_key(struct db *tx, int64_t key_id, struct str pool) {
    struct stmt *s = db_stmt(tx, "UPDATE sender_keys SET pool = ?2 WHERE id = ?1");
    stmt_bind_int(s, 1, key_id);
    stmt_bind_text(s, 2, pool);
    return row_change(tx, s);
}
