/* event_stats.c - one pass of the engine over a period counts everything; the numbers of event types stand in the SQL.
 *
 * Without tags all but the bounces is read from the index alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_stats.h"

#include "store/event_facts.h"
#include "store/event_query.h"
#include "store/rows.h"

#define PERIOD_MAX INT64_C(300000) /* events: about a second's work */

_Static_assert(EVENT_SEND == 1 && EVENT_DEFERRED == 2 && EVENT_DELIVERY == 3 && EVENT_BOUNCE == 4 && EVENT_FAILED == 5 &&
                   EVENT_SUPPRESSED == 6 && EVENT_OPEN == 7 && EVENT_CLICK == 8 && EVENT_UNSUBSCRIBE == 9 &&
                   EVENT_COMPLAINT == 10,
               "they are written out below");
/* In the order of enum event_counter. */
#define COUNTERS                                                                                                                 \
    "count(CASE WHEN f.type = 1 THEN 1 END), "                                                                                   \
    "count(CASE WHEN f.type = 3 THEN 1 END), "                                                                                   \
    "count(CASE WHEN f.type = 4 THEN 1 END), "                                                                                   \
    "count(CASE WHEN f.type = 4 AND f.bounce_hard IN ('1', 'true') THEN 1 END), "                                                \
    "count(CASE WHEN f.type = 2 THEN 1 END), "                                                                                   \
    "count(CASE WHEN f.type = 5 THEN 1 END), "                                                                                   \
    "count(CASE WHEN f.type = 6 THEN 1 END), "                                                                                   \
    "count(CASE WHEN f.type = 7 AND f.is_first = 1 THEN 1 END), "                                                                \
    "count(CASE WHEN f.type = 7 AND f.is_machine = 0 THEN 1 END), "                                                              \
    "count(CASE WHEN f.type = 8 AND f.is_first = 1 THEN 1 END), "                                                                \
    "count(CASE WHEN f.type = 8 AND f.is_machine = 0 THEN 1 END), "                                                              \
    "count(CASE WHEN f.type = 9 AND f.is_first = 1 THEN 1 END), "                                                                \
    "count(CASE WHEN f.type = 10 AND f.is_first = 1 THEN 1 END)"
#define IN_PERIOD " WHERE f.domain_id = ?1 AND f.at >= ?2 AND f.at < ?3"

/* Begins "SELECT columns counters"; a period's three parameters are bound. */
static struct stmt *counting(struct db *tx, const char *columns, const char *rest, const struct event_period *period) {
    BUF_AUTO sql = {0};
    event_facts_add(&sql, tx);
    buf_addf(&sql, "SELECT %s%s%s", columns, COUNTERS, rest);
    struct stmt *s = db_stmt_once(tx, buf_str(&sql));
    STMT_BIND_INTS(s, 1, period->domain_id, period->from_at, period->before_at);
    return s;
}

static enum status check(struct db *tx, const struct event_period *period) {
    struct event_filter span = {.domain_id = period->domain_id, .from_at = period->from_at, .before_at = period->before_at};
    return event_check_count(tx, &span, PERIOD_MAX);
}

static struct event_counts counts_of(struct stmt *s, int column) {
    struct event_counts counts;
    for (int i = 0; i < EVENT_COUNTER_COUNT; i++) counts.n[i] = stmt_int(s, column + i);
    return counts;
}

enum status event_stats(struct db *tx, const struct event_period *period, struct event_counts *ret) {
    enum status status = check(tx, period);
    if (status != STATUS_OK) return status;
    struct stmt *s = counting(tx, "", " FROM event_facts f" IN_PERIOD, period);
    status = row_first(s);
    if (status == STATUS_OK) *ret = counts_of(s, 0);
    return status;
}

static void fill_tag(struct stmt *s, struct arena *a, void *item) {
    *(struct event_tag_counts *)item = (struct event_tag_counts){.tag = row_text(s, a, 0), .counts = counts_of(s, 1)};
}

enum status event_stats_by_tag(struct db *tx, struct arena *a, const struct event_period *period, int limit,
                               struct event_tag_list *ret) {
    enum status status = check(tx, period);
    if (status != STATUS_OK) return status;
    struct stmt *s = counting(tx, "t.tag, ",
                              " FROM event_facts f JOIN event_tags t ON t.message_id = f.message_id" //
                              IN_PERIOD " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?4",
                              period);
    stmt_bind_int(s, 4, limit);
    return rows_collect(s, a, sizeof(struct event_tag_counts), fill_tag, ret);
}
