/* webhooks.c - where a domain's events are reported to.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/webhooks.h"

#include "store/hooks.h"
#include "store/rows.h"

#define WEBHOOK_COLUMNS                                                                                                          \
    "id, account_id, domain_id, url, events, is_active, created_at, headers_sealed, batch_max, failures, failing_since, "        \
    "paused_until, disabled_at, disabled_why"

static void webhook_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct webhook *)item = (struct webhook){
        .id = stmt_int(s, 0),
        .account_id = stmt_int(s, 1),
        .domain_id = stmt_int(s, 2),
        .url = row_text(s, a, 3),
        .events = stmt_int(s, 4),
        .is_active = stmt_int(s, 5) != 0,
        .created_at = stmt_int(s, 6),
        .headers_sealed = arena_str(a, stmt_blob(s, 7)),
        .batch_max = stmt_int(s, 8),
        .failures = stmt_int(s, 9),
        .failing_since = stmt_int(s, 10),
        .paused_until = stmt_int(s, 11),
        .disabled_at = stmt_int(s, 12),
        .disabled_why = row_text(s, a, 13),
    };
}

enum status webhook_add(struct db *tx, const struct webhook *webhook, int64_t *ret_id) {
    enum status st = domain_is_of(tx, webhook->account_id, webhook->domain_id);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "INSERT INTO webhooks (account_id, domain_id, url, events, is_active, created_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING");
    STMT_BIND_INTS(s, 1, webhook->account_id, webhook->domain_id);
    stmt_bind_text(s, 3, webhook->url);
    STMT_BIND_INTS(s, 4, webhook->events, webhook->is_active, webhook->created_at);
    hook_outbox_expect(tx, webhook->domain_id);
    return stmt_insert(s, ret_id);
}

enum status webhook_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct webhook *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " WEBHOOK_COLUMNS " FROM webhooks WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_get(s, a, webhook_fill, ret);
}

enum status webhook_list(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id, struct webhook_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " WEBHOOK_COLUMNS " FROM webhooks WHERE domain_id = ?1 AND account_id = ?2 ORDER BY id");
    STMT_BIND_INTS(s, 1, domain_id, account_id);
    return rows_collect(s, a, sizeof(struct webhook), webhook_fill, ret);
}

enum status webhook_count(struct db *tx, int64_t domain_id, int64_t *ret_count) {
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM webhooks WHERE domain_id = ?1");
    stmt_bind_int(s, 1, domain_id);
    return row_int(s, ret_count);
}

enum status webhook_set_target(struct db *tx, int64_t account_id, int64_t id, struct str url, int64_t events) {
    struct stmt *s = db_stmt(tx, "UPDATE webhooks SET url = ?3, events = ?4 WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    stmt_bind_text(s, 3, url);
    stmt_bind_int(s, 4, events);
    return row_change(tx, s);
}

enum status webhook_delete(struct db *tx, int64_t account_id, int64_t domain_id, int64_t id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM webhooks WHERE id = ?1 AND account_id = ?2 AND domain_id = ?3");
    STMT_BIND_INTS(s, 1, id, account_id, domain_id);
    return row_change(tx, s);
}
