/* queue_jobs.c - see queue_jobs.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/queue_jobs.h"

#include "store/rows.h"

#define KEPT    "200" /* closed ones, for the operator to look at */
#define COLUMNS "id, account_id, verb, filter, due_at, priority, reason, place, changed, busy, created_at, finished_at, ended"

static void job_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct queue_job *)item = (struct queue_job){
        .id = stmt_int(s, 0),
        .account_id = stmt_int(s, 1),
        .verb = (enum queue_verb)stmt_int(s, 2),
        .filter = row_text(s, a, 3),
        .due_at = stmt_int(s, 4),
        .priority = (int)stmt_int(s, 5),
        .reason = row_text(s, a, 6),
        .place = row_text(s, a, 7),
        .changed = stmt_int(s, 8),
        .busy = stmt_int(s, 9),
        .created_at = stmt_int(s, 10),
        .finished_at = stmt_int(s, 11),
        .ended = row_text(s, a, 12),
    };
}

enum status queue_job_add(struct db *tx, const struct queue_job *job, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO queue_jobs (account_id, verb, filter, due_at, priority, reason, created_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    STMT_BIND_INTS(s, 1, job->account_id, job->verb);
    stmt_bind_text(s, 3, job->filter);
    STMT_BIND_INTS(s, 4, job->due_at, job->priority);
    stmt_bind_text(s, 6, job->reason);
    stmt_bind_int(s, 7, job->created_at);
    return stmt_insert(s, ret_id);
}

enum status queue_job_get(struct db *tx, struct arena *a, int64_t id, struct queue_job *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " COLUMNS " FROM queue_jobs WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    return row_get(s, a, job_fill, ret);
}

enum status queue_job_list(struct db *tx, struct arena *a, int limit, struct queue_job_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " COLUMNS " FROM queue_jobs ORDER BY id DESC LIMIT ?1");
    stmt_bind_int(s, 1, limit);
    return rows_collect(s, a, sizeof(struct queue_job), job_fill, ret);
}

enum status queue_job_advance(struct db *tx, const struct queue_job_step *step) {
    struct stmt *s = db_stmt(tx, "UPDATE queue_jobs SET place = ?3, changed = changed + ?4, busy = ?5 "
                                 "WHERE id = ?1 AND place = ?2 AND finished_at = 0");
    stmt_bind_int(s, 1, step->id);
    stmt_bind_text(s, 2, step->seen_place);
    stmt_bind_text(s, 3, step->place);
    STMT_BIND_INTS(s, 4, step->changed, step->busy);
    return row_change(tx, s);
}

enum status queue_job_close(struct db *tx, int64_t id, struct str ended, int64_t now) {
    struct stmt *s = db_stmt(tx, "UPDATE queue_jobs SET finished_at = ?2, ended = ?3 WHERE id = ?1 AND finished_at = 0");
    STMT_BIND_INTS(s, 1, id, now);
    stmt_bind_text(s, 3, ended);
    enum status st = row_change(tx, s);
    if (st != STATUS_OK) return st;
    int64_t gone;
    s = db_stmt(tx, "DELETE FROM queue_jobs WHERE finished_at > 0 AND id <= ?1 - " KEPT);
    stmt_bind_int(s, 1, id);
    return rows_change(tx, s, &gone);
}

static void open_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct open_work *)item = (struct open_work){stmt_int(s, 0), stmt_int(s, 1)};
}

enum status queue_job_open(struct db *tx, struct arena *a, int per_account, struct open_work_list *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT id, account_id FROM (SELECT id, account_id, ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY id) "
                    "AS place FROM queue_jobs WHERE finished_at = 0) AS o WHERE place <= ?1 ORDER BY place, id LIMIT ?2");
    STMT_BIND_INTS(s, 1, per_account, OPEN_WORK_MAX);
    return rows_collect(s, a, sizeof(struct open_work), open_fill, ret);
}
