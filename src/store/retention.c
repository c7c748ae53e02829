/* retention.c - one table of what is kept, and how its oldest rows are found.
 *
 * Owners are found by hopping along an index, so a walk costs what there is to remove and little for those who have nothing old.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/retention.h"

#include "store/bodies.h"
#include "store/events.h"
#include "store/rows.h"
#include "store/words.h"

#define WAITING "state IN (0, 1, 2)" /* scheduled, queued, held */

static const struct {
    const char *text;
    const char *owner;  /* the one behind ?1, and his account */
    const char *page;   /* id, at, bytes: of owner ?1, behind (?2, ?3), before ?4, at most ?5 */
    const char *look;   /* of ?1: what needs it, and how many rows that was; NULL: nothing ever does */
    const char *remove; /* NULL: by the verb of its room */
} kinds[RETAINED_COUNT] = {
    [RETAINED_BODIES] = {"bodies", "SELECT account_id, account_id FROM bodies WHERE account_id > ?1 ORDER BY account_id LIMIT 1",
                         "SELECT message_id, created_at, CAST(0 AS BIGINT) FROM bodies WHERE account_id = ?1 "
                         "AND (created_at, message_id) > (?2, ?3) AND created_at < ?4 ORDER BY created_at, message_id LIMIT ?5",
                         "SELECT count(CASE WHEN " WAITING " THEN 1 END), count(*) FROM recipients WHERE message_id = ?1", NULL},
    [RETAINED_INBOX] = {"inbox", "SELECT domain_id, account_id FROM inbox WHERE domain_id > ?1 ORDER BY domain_id, id LIMIT 1",
                        "SELECT id, received_at, CAST(length(content) AS BIGINT) FROM inbox WHERE domain_id = ?1 AND id > ?3 "
                        "AND ?2 IS NOT NULL AND ?4 IS NOT NULL ORDER BY id LIMIT ?5",
                        NULL, "DELETE FROM inbox WHERE id = ?1 AND domain_id = ?2 AND ?3 IS NOT NULL"},
    [RETAINED_EVENTS] = {"events",
                         "SELECT domain_id, account_id FROM events WHERE domain_id > ?1 ORDER BY domain_id, at, id LIMIT 1",
                         "SELECT id, at, CAST(0 AS BIGINT) FROM events WHERE domain_id = ?1 AND (at, id) > (?2, ?3) AND at < ?4 "
                         "ORDER BY at, id LIMIT ?5",
                         NULL, NULL},
    [RETAINED_MESSAGES] = {"messages",
                           "SELECT account_id, account_id FROM messages WHERE account_id > ?1 ORDER BY account_id LIMIT 1",
                           "SELECT id, created_at, CAST(0 AS BIGINT) FROM messages WHERE account_id = ?1 AND id > ?3 "
                           "AND ?2 IS NOT NULL AND ?4 IS NOT NULL ORDER BY id LIMIT ?5",
                           "SELECT count(CASE WHEN " WAITING " THEN 1 END) + (SELECT count(*) FROM (SELECT 1 AS one FROM events "
                           "WHERE domain_id = (SELECT domain_id FROM messages WHERE id = ?1) AND message_id = ?1 LIMIT 1) e), "
                           "count(*) FROM recipients WHERE message_id = ?1",
                           "DELETE FROM messages WHERE id = ?1 AND account_id = ?2 AND ?3 IS NOT NULL"},
    [RETAINED_LIST_SENDS] =
        {"list sends", "SELECT account_id, account_id FROM list_sends WHERE account_id > ?1 ORDER BY account_id LIMIT 1",
         "SELECT id, created_at, CAST(length(request) AS BIGINT) FROM list_sends WHERE account_id = ?1 AND id > ?3 "
         "AND ?2 IS NOT NULL AND ?4 IS NOT NULL ORDER BY id LIMIT ?5",
         "SELECT count(CASE WHEN finished_at = 0 THEN 1 END), count(*) FROM list_sends WHERE id = ?1",
         "DELETE FROM list_sends WHERE id = ?1 AND account_id = ?2 AND ?3 IS NOT NULL"},
};

const char *retained_text(enum retained what) {
    return kinds[what].text;
}

/* ---- how long ---- */

enum status retention_get(struct db *tx, int64_t account_id, struct retention *ret) {
    struct stmt *s = db_stmt(tx, "SELECT body_days, event_days FROM accounts WHERE id = ?1");
    stmt_bind_int(s, 1, account_id);
    enum status status = row_first(s);
    if (status == STATUS_OK) *ret = (struct retention){stmt_int(s, 0), stmt_int(s, 1)};
    return status;
}

enum status retention_set(struct db *tx, int64_t account_id, const struct retention *retention) {
    struct stmt *s = db_stmt(tx, "UPDATE accounts SET body_days = ?2, event_days = ?3 WHERE id = ?1");
    STMT_BIND_INTS(s, 1, account_id, retention->body_days, retention->event_days);
    return row_change(tx, s);
}

/* ---- the walk ---- */

enum status retained_owner_next(struct db *tx, enum retained what, int64_t after, struct retained_owner *ret) {
    struct stmt *s = db_stmt(tx, kinds[what].owner);
    stmt_bind_int(s, 1, after);
    enum status status = row_first(s);
    if (status == STATUS_OK) *ret = (struct retained_owner){stmt_int(s, 0), stmt_int(s, 1)};
    return status;
}

static void item_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct retained_item *)item =
        (struct retained_item){.id = stmt_int(s, 0), .at = stmt_int(s, 1), .bytes = stmt_int(s, 2), .weight = 1};
}

enum status retained_page(struct db *tx, struct arena *a, enum retained what, const struct retained_query *query,
                          struct retained_list *ret) {
    struct stmt *s = db_stmt(tx, kinds[what].page);
    STMT_BIND_INTS(s, 1, query->owner_id, query->after.at, query->after.id, query->before_at, query->limit);
    return rows_collect(s, a, sizeof(struct retained_item), item_fill, ret);
}

enum status retained_look(struct db *tx, enum retained what, struct retained_item *item) {
    if (!kinds[what].look) return STATUS_OK;
    struct stmt *s = db_stmt(tx, kinds[what].look);
    stmt_bind_int(s, 1, item->id);
    enum status status = row_first(s);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return status;
    item->is_needed = stmt_int(s, 0) > 0;
    item->weight = 1 + stmt_int(s, 1);
    bool has_content = what == RETAINED_BODIES || what == RETAINED_MESSAGES;
    return has_content && !item->is_needed ? body_weigh(tx, item->id, &item->bytes) : STATUS_OK;
}

enum status retained_remove(struct db *tx, enum retained what, int64_t owner_id, const struct retained_item *item) {
    enum status status = STATUS_OK;
    if (what == RETAINED_BODIES || what == RETAINED_MESSAGES) status = body_delete(tx, item->id);
    if (status == STATUS_NOT_FOUND) status = STATUS_OK;
    if (status != STATUS_OK || what == RETAINED_BODIES) return status;
    if (what == RETAINED_MESSAGES) status = words_remove(tx, item->id);
    if (status != STATUS_OK) return status;
    if (what == RETAINED_EVENTS) return event_remove(tx, owner_id, item->at, item->id);
    struct stmt *s = db_stmt(tx, kinds[what].remove);
    STMT_BIND_INTS(s, 1, item->id, owner_id, item->at);
    return stmt_run(s);
}
