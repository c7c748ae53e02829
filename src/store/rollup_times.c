/* rollup_times.c - see rollup_times.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/rollup_times.h"

#include "store/rows.h"

#include <string.h>

static const int64_t steps_before_ms[ROLLUP_STEPS] = {1000, 5000, 10000, 30000, 60000, 300000, 600000, INT64_MAX};

int64_t rollup_step_before_ms(int step) {
    return steps_before_ms[step];
}

enum rollup_outcome rollup_outcome_of(const struct event *event) {
    static const enum rollup_outcome outcomes[EVENT_TYPE_COUNT] = {
        [EVENT_DELIVERY] = ROLLUP_DELIVERED, [EVENT_BOUNCE] = ROLLUP_NOT_DELIVERED, [EVENT_FAILED] = ROLLUP_NOT_DELIVERED};
    return event->keys.is_timed ? outcomes[event->type] : ROLLUP_UNDECIDED;
}

void rollup_times_add(struct rollup_times *times, int64_t took_ms) {
    struct rollup_times one = {.letters = 1, .sum_ms = took_ms, .min_ms = took_ms, .max_ms = took_ms};
    int step = 0;
    while (took_ms >= steps_before_ms[step] && step < ROLLUP_STEPS - 1) step++;
    one.steps[step] = 1;
    rollup_times_merge(times, &one);
}

void rollup_times_merge(struct rollup_times *times, const struct rollup_times *more) {
    if (!more->letters) return;
    if (!times->letters || more->min_ms < times->min_ms) times->min_ms = more->min_ms;
    if (!times->letters || more->max_ms > times->max_ms) times->max_ms = more->max_ms;
    times->letters += more->letters;
    times->sum_ms += more->sum_ms;
    for (int i = 0; i < ROLLUP_STEPS; i++) times->steps[i] += more->steps[i];
}

enum status rollup_times_write(struct db *tx, const struct rollup_time_place *place, const struct rollup_times *more) {
    struct stmt *s = db_stmt(
        tx,
        "INSERT INTO rollup_times (domain_id, at, value, outcome, letters, sum_ms, min_ms, max_ms, step1, step2, step3, step4, "
        "step5, step6, step7, step8) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) "
        "ON CONFLICT (domain_id, at, value, outcome) DO UPDATE SET letters = rollup_times.letters + excluded.letters, "
        "sum_ms = rollup_times.sum_ms + excluded.sum_ms, "
        "min_ms = CASE WHEN excluded.min_ms < rollup_times.min_ms THEN excluded.min_ms ELSE rollup_times.min_ms END, "
        "max_ms = CASE WHEN excluded.max_ms > rollup_times.max_ms THEN excluded.max_ms ELSE rollup_times.max_ms END, "
        "step1 = rollup_times.step1 + excluded.step1, step2 = rollup_times.step2 + excluded.step2, "
        "step3 = rollup_times.step3 + excluded.step3, step4 = rollup_times.step4 + excluded.step4, "
        "step5 = rollup_times.step5 + excluded.step5, step6 = rollup_times.step6 + excluded.step6, "
        "step7 = rollup_times.step7 + excluded.step7, step8 = rollup_times.step8 + excluded.step8");
    STMT_BIND_INTS(s, 1, place->domain_id, place->at);
    stmt_bind_text(s, 3, place->value);
    STMT_BIND_INTS(s, 4, place->outcome, more->letters, more->sum_ms, more->min_ms, more->max_ms);
    stmt_bind_ints(s, 9, more->steps, ROLLUP_STEPS);
    return stmt_run(s);
}

static struct rollup_times times_of(struct stmt *s, int column) {
    struct rollup_times times = {
        .letters = stmt_int(s, column),
        .sum_ms = stmt_int(s, column + 1),
        .min_ms = stmt_int(s, column + 2),
        .max_ms = stmt_int(s, column + 3),
    };
    for (int i = 0; i < ROLLUP_STEPS; i++) times.steps[i] = stmt_int(s, column + 4 + i);
    return times;
}

/* Whoever asks for a thousand years is not walked through the days that nothing is known of (P8). */
static enum status narrow(struct db *tx, struct event_period *period) {
    struct stmt *s = db_stmt(tx, "SELECT COALESCE((SELECT min(at) FROM rollup_times WHERE domain_id = ?1), 0), "
                                 "COALESCE((SELECT max(at) FROM rollup_times WHERE domain_id = ?1), 0)");
    stmt_bind_int(s, 1, period->domain_id);
    enum status status = row_first(s);
    if (status != STATUS_OK) return status;
    int64_t from_at = stmt_int(s, 0), before_at = stmt_int(s, 1) + ROLLUP_DAY_MS;
    if (period->from_at < from_at) period->from_at = from_at;
    if (period->before_at > before_at) period->before_at = before_at;
    return STATUS_OK;
}

/* Day by day: each is one place of the key, however many other domains got mail that day. */
static enum status read_days(struct db *tx, const struct event_period *period, struct str value,
                             struct rollup_times ret[ROLLUP_OUTCOME_COUNT]) {
    struct rollup_times times[ROLLUP_OUTCOME_COUNT] = {{0}};
    struct stmt *s =
        db_stmt(tx, "WITH RECURSIVE days(at) AS (SELECT ?2 UNION ALL SELECT days.at + ?5 FROM days WHERE days.at + ?5 < ?3) "
                    "SELECT t.outcome, t.letters, t.sum_ms, t.min_ms, t.max_ms, t.step1, t.step2, t.step3, t.step4, t.step5, "
                    "t.step6, t.step7, t.step8 FROM days CROSS JOIN rollup_times t WHERE t.domain_id = ?1 AND t.at = days.at "
                    "AND t.value = ?4");
    enum status status;
    STMT_BIND_INTS(s, 1, period->domain_id, period->from_at, period->before_at);
    stmt_bind_text(s, 4, value);
    stmt_bind_int(s, 5, ROLLUP_DAY_MS);
    while ((status = stmt_step(s)) == STATUS_ROW) {
        int64_t outcome = stmt_int(s, 0);
        struct rollup_times row = times_of(s, 1);
        if (outcome > ROLLUP_UNDECIDED && outcome < ROLLUP_OUTCOME_COUNT) rollup_times_merge(&times[outcome], &row);
    }
    if (status == STATUS_OK) memcpy(ret, times, sizeof times);
    return status;
}

enum status rollup_times_read(struct db *tx, const struct event_period *period, struct str value,
                              struct rollup_times ret[ROLLUP_OUTCOME_COUNT]) {
    struct event_period days = *period;
    enum status status = narrow(tx, &days);
    if (status == STATUS_OK && days.from_at < days.before_at) return read_days(tx, &days, value, ret);
    if (status == STATUS_OK) memset(ret, 0, ROLLUP_OUTCOME_COUNT * sizeof *ret);
    return status;
}
