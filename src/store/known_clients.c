/* known_clients.c - where accounts logged in from.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/known_clients.h"

#include "store/rows.h"

enum status known_client_touch(struct db *tx, const struct known_client *client, int64_t since, int64_t keep) {
    struct stmt *s = db_stmt(tx, "INSERT INTO known_clients (account_id, client_hash, seen_at) VALUES (?1, ?2, ?3) "
                                 "ON CONFLICT (account_id, client_hash) DO UPDATE SET seen_at = excluded.seen_at");
    stmt_bind_int(s, 1, client->account_id);
    stmt_bind_blob(s, 2, client->client_hash);
    stmt_bind_int(s, 3, client->seen_at);
    enum status st = stmt_run(s);
    if (st != STATUS_OK) return st;
    struct stmt *old = db_stmt(tx, "DELETE FROM known_clients WHERE account_id = ?1 AND (seen_at < ?2 OR client_hash NOT IN "
                                   "(SELECT client_hash FROM known_clients WHERE account_id = ?1 "
                                   "ORDER BY seen_at DESC, client_hash LIMIT ?3))");
    STMT_BIND_INTS(old, 1, client->account_id, since, keep);
    return stmt_run(old);
}

enum status known_client_has(struct db *tx, int64_t account_id, struct str client_hash, int64_t since, bool *ret_has) {
    struct stmt *s =
        db_stmt(tx, "SELECT seen_at FROM known_clients WHERE account_id = ?1 AND client_hash = ?2 AND seen_at >= ?3");
    stmt_bind_int(s, 1, account_id);
    stmt_bind_blob(s, 2, client_hash);
    stmt_bind_int(s, 3, since);
    enum status st = row_first(s);
    if (st != STATUS_OK && st != STATUS_NOT_FOUND) return st;
    *ret_has = st == STATUS_OK;
    return STATUS_OK;
}
