/* domain_watch.c - see domain_watch.h. What a domain looks like is domains.c's; here are only the ids that an index finds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/domain_watch.h"

#include "store/event_facts.h"
#include "store/events.h"
#include "store/rows.h"

enum status domain_set_watch(struct db *tx, int64_t id, int64_t check_at, int64_t failing_at) {
    struct stmt *s = db_stmt(tx, "UPDATE domains SET check_at = ?2, failing_at = ?3 WHERE id = ?1");
    STMT_BIND_INTS(s, 1, id, check_at, failing_at);
    return row_change(tx, s);
}

enum status domain_decide_state(struct db *tx, int64_t id, const struct domain_decision *decision) {
    struct stmt *s = db_stmt(tx, "UPDATE domains SET state = ?2, is_forced = ?3, state_at = ?4, state_reason = ?5 WHERE id = ?1");
    STMT_BIND_INTS(s, 1, id, decision->state, decision->state == DOMAIN_ENABLED, decision->at);
    stmt_bind_text(s, 5, decision->because);
    return row_change(tx, s);
}

static void id_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(int64_t *)item = stmt_int(s, 0);
}

/* The domains of a statement's ids. */
static enum status collect(struct db *tx, struct stmt *s, struct arena *a, struct domain_list *ret) {
    struct {
        int64_t *items;
        size_t count;
    } ids;
    struct domain_list list = {0};
    enum status st = rows_collect(s, a, sizeof(int64_t), id_fill, &ids);
    if (st != STATUS_OK) return st;
    list.items = arena_array(a, ids.count + 1, sizeof *list.items);
    for (size_t i = 0; st == STATUS_OK && i < ids.count; i++)
        st = domain_get(tx, a, SCOPE_ANY, ids.items[i], &list.items[list.count++]);
    if (st == STATUS_OK) *ret = list;
    return st;
}

enum status domain_list_due(struct db *tx, struct arena *a, int64_t now, int limit, struct domain_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id FROM domains WHERE check_at > 0 AND check_at <= ?1 ORDER BY check_at, id LIMIT ?2");
    STMT_BIND_INTS(s, 1, now, limit);
    return collect(tx, s, a, ret);
}

enum status domain_list_failing(struct db *tx, struct arena *a, int limit, struct domain_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id FROM domains WHERE failing_at > 0 ORDER BY failing_at, id LIMIT ?1");
    stmt_bind_int(s, 1, limit);
    return collect(tx, s, a, ret);
}

static void trouble_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct domain_trouble *)item =
        (struct domain_trouble){.domain_id = stmt_int(s, 0), .bounced = stmt_int(s, 1), .complained = stmt_int(s, 2)};
}

_Static_assert(EVENT_DELIVERY == 3 && EVENT_BOUNCE == 4 && EVENT_COMPLAINT == 10, "they are written out below");

enum status domain_list_trouble(struct db *tx, struct arena *a, int64_t from_at, int limit, struct domain_trouble_list *ret) {
    BUF_AUTO sql = {0};
    event_facts_add(&sql, tx);
    buf_add_z(&sql,
              "SELECT * FROM (SELECT t.domain_id AS id, "
              "count(CASE WHEN t.type = 4 AND t.bounce_hard IN ('1', 'true') AND t.bounce_fault = 'recipient' THEN 1 END) "
              "AS bounced, count(CASE WHEN t.type = 10 AND t.is_first = 1 THEN 1 END) AS complained FROM (SELECT f.domain_id, "
              "f.type, f.is_first, f.bounce_hard, f.bounce_fault, f.at FROM event_facts f "
              "WHERE f.type IN (4, 10) AND f.at > ?1 ORDER BY f.at DESC LIMIT ?2) t "
              "JOIN domains d ON d.id = t.domain_id WHERE t.at > d.state_at GROUP BY 1) s "
              "WHERE bounced + complained > 0 ORDER BY complained DESC, bounced DESC, id LIMIT ?3");
    struct stmt *s = db_stmt_once(tx, buf_str(&sql));
    STMT_BIND_INTS(s, 1, from_at, DOMAIN_TROUBLE_EVENTS_MAX, limit);
    return rows_collect(s, a, sizeof(struct domain_trouble), trouble_fill, ret);
}

enum status domain_count_delivered(struct db *tx, int64_t domain_id, int64_t from_at, int64_t max, int64_t *ret) {
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM (SELECT 1 AS one FROM events WHERE domain_id = ?1 AND at > ?2 "
                                 "AND type = 3 LIMIT ?3) t");
    STMT_BIND_INTS(s, 1, domain_id, from_at, max);
    return row_int(s, ret);
}
