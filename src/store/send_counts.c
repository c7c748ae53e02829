/* send_counts.c - see send_counts.h. Rows are inserted from accounts, so that an account deleted meanwhile fails nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/send_counts.h"

#include "base/clock.h"
#include "store/rows.h"

#define KEPT_DAYS_MS (62 * CLOCK_DAY_MS) /* more than the longest month that is asked for */

struct send_period send_period_of(int64_t now) {
    struct send_period period = {.day_at = now - now % CLOCK_DAY_MS};
    period.next_day_at = period.day_at + CLOCK_DAY_MS;
    time_month_of(now, &period.month_at, &period.next_month_at);
    return period;
}

enum status send_usage_get(struct db *tx, int64_t account_id, const struct send_period *period, struct send_usage *ret) {
    struct stmt *s = db_stmt(tx, "SELECT day_at, count FROM send_counts WHERE account_id = ?1 AND day_at >= ?2");
    struct send_usage usage = {0};
    enum status st;
    STMT_BIND_INTS(s, 1, account_id, period->month_at);
    while ((st = stmt_step(s)) == STATUS_ROW) {
        usage.month += stmt_int(s, 1);
        if (stmt_int(s, 0) == period->day_at) usage.day = stmt_int(s, 1);
    }
    if (st == STATUS_OK) *ret = usage;
    return st;
}

static enum status prune(struct db *tx, int64_t account_id, int64_t before) {
    int64_t pruned;
    struct stmt *s = db_stmt(tx, "DELETE FROM send_counts WHERE account_id = ?1 AND day_at < ?2");
    STMT_BIND_INTS(s, 1, account_id, before);
    return rows_change(tx, s, &pruned);
}

/* The first of a day. */
static enum status add_day(struct db *tx, int64_t account_id, const struct send_period *period, int64_t count) {
    struct stmt *s = db_stmt(tx, "INSERT INTO send_counts (account_id, day_at, count) SELECT id, ?2, ?3 FROM accounts "
                                 "WHERE id = ?1");
    STMT_BIND_INTS(s, 1, account_id, period->day_at, count);
    enum status st = stmt_run(s);
    return st == STATUS_OK ? prune(tx, account_id, period->day_at - KEPT_DAYS_MS) : st;
}

/* Not an upsert: most of the time the row is there, and this takes a third of the time. */
enum status send_usage_add(struct db *tx, int64_t account_id, const struct send_period *period, int64_t count) {
    struct stmt *s = db_stmt(tx, "UPDATE send_counts SET count = count + ?3 WHERE account_id = ?1 AND day_at = ?2");
    STMT_BIND_INTS(s, 1, account_id, period->day_at, count);
    enum status st = row_change(tx, s);
    return st == STATUS_NOT_FOUND ? add_day(tx, account_id, period, count) : st;
}

enum status send_rate_get(struct db *tx, int64_t account_id, int64_t *ret_spent_until) {
    struct stmt *s = db_stmt(tx, "SELECT spent_until FROM send_rates WHERE account_id = ?1");
    stmt_bind_int(s, 1, account_id);
    enum status st = row_first(s);
    if (st == STATUS_NOT_FOUND) {
        *ret_spent_until = 0;
        return STATUS_OK;
    }
    if (st == STATUS_OK) *ret_spent_until = stmt_int(s, 0);
    return st;
}

enum status send_rate_set(struct db *tx, int64_t account_id, int64_t spent_until) {
    struct stmt *s = db_stmt(tx, "INSERT INTO send_rates (account_id, spent_until) SELECT id, ?2 FROM accounts WHERE id = ?1 "
                                 "ON CONFLICT (account_id) DO UPDATE SET spent_until = excluded.spent_until");
    STMT_BIND_INTS(s, 1, account_id, spent_until);
    return stmt_run(s);
}
