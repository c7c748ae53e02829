/* alerts.c - see alerts.h. The table has some hundreds of rows, so it is read as a whole where no index fits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/alerts.h"

#include "store/rows.h"

#define COLUMNS "id, kind, key, text, raised_at, quiet_at, cleared_at, told, told_at, told_count, posted_count, trouble"

static void alert_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct alert *)item = (struct alert){
        .id = stmt_int(s, 0),
        .kind = (enum alert_kind)stmt_int(s, 1),
        .key = row_text(s, a, 2),
        .text = row_text(s, a, 3),
        .raised_at = stmt_int(s, 4),
        .quiet_at = stmt_int(s, 5),
        .cleared_at = stmt_int(s, 6),
        .told = (enum alert_told)stmt_int(s, 7),
        .told_at = stmt_int(s, 8),
        .told_count = stmt_int(s, 9),
        .posted_count = stmt_int(s, 10),
        .trouble = row_text(s, a, 11),
    };
}

static enum status collect(struct stmt *s, struct arena *a, struct alert_list *ret) {
    return rows_collect(s, a, sizeof(struct alert), alert_fill, ret);
}

enum status alert_add(struct db *tx, const struct alert *alert, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO alerts (kind, key, text, raised_at, quiet_at, told, told_at, told_count, "
                                 "posted_count, trouble) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
                                 "ON CONFLICT DO NOTHING");
    stmt_bind_int(s, 1, alert->kind);
    stmt_bind_text(s, 2, alert->key);
    stmt_bind_text(s, 3, alert->text);
    STMT_BIND_INTS(s, 4, alert->raised_at, alert->quiet_at, alert->told, alert->told_at, alert->told_count, alert->posted_count);
    stmt_bind_text(s, 10, alert->trouble);
    return stmt_insert(s, ret_id);
}

enum status alert_update(struct db *tx, const struct alert *alert) {
    struct stmt *s = db_stmt(tx, "UPDATE alerts SET text = ?2, quiet_at = ?3, cleared_at = ?4, told = ?5, told_at = ?6, "
                                 "told_count = ?7, posted_count = ?8, trouble = ?9 WHERE id = ?1");
    stmt_bind_int(s, 1, alert->id);
    stmt_bind_text(s, 2, alert->text);
    STMT_BIND_INTS(s, 3, alert->quiet_at, alert->cleared_at, alert->told, alert->told_at, alert->told_count, alert->posted_count);
    stmt_bind_text(s, 9, alert->trouble);
    return row_change(tx, s);
}

enum status alert_list_live(struct db *tx, struct arena *a, int limit, struct alert_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " COLUMNS " FROM alerts WHERE cleared_at = 0 OR told = 1 " /* ALERT_TOLD_RAISED */
                                 "ORDER BY kind, key, id LIMIT ?1");
    stmt_bind_int(s, 1, limit);
    return collect(s, a, ret);
}

enum status alert_count_told(struct db *tx, enum alert_kind kind, int64_t since, int64_t *ret) {
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM alerts WHERE kind = ?1 AND told_at > ?2");
    STMT_BIND_INTS(s, 1, kind, since);
    return row_int(s, ret);
}

enum status alert_list_unposted(struct db *tx, struct arena *a, int limit, struct alert_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " COLUMNS " FROM alerts WHERE posted_count < told_count ORDER BY id LIMIT ?1");
    stmt_bind_int(s, 1, limit);
    return collect(s, a, ret);
}

enum status alert_forget_unposted(struct db *tx, int64_t before) {
    struct stmt *s = db_stmt(tx, "UPDATE alerts SET posted_count = told_count WHERE posted_count < told_count AND told_at < ?1");
    int64_t changed;
    stmt_bind_int(s, 1, before);
    return rows_change(tx, s, &changed);
}

enum status alert_set_posted(struct db *tx, int64_t id, int64_t count) {
    struct stmt *s = db_stmt(tx, "UPDATE alerts SET posted_count = ?2, trouble = '' WHERE id = ?1 AND posted_count < ?2");
    int64_t changed;
    STMT_BIND_INTS(s, 1, id, count);
    return rows_change(tx, s, &changed);
}

enum status alert_set_trouble(struct db *tx, int64_t id, struct str why) {
    struct stmt *s = db_stmt(tx, "UPDATE alerts SET trouble = ?2 WHERE id = ?1");
    int64_t changed;
    stmt_bind_int(s, 1, id);
    stmt_bind_text(s, 2, why);
    return rows_change(tx, s, &changed);
}

enum status alert_list_recent(struct db *tx, struct arena *a, int limit, struct alert_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " COLUMNS " FROM alerts ORDER BY CASE WHEN cleared_at = 0 THEN 0 ELSE 1 END, "
                                 "raised_at DESC, id DESC LIMIT ?1");
    stmt_bind_int(s, 1, limit);
    return collect(s, a, ret);
}

enum status alert_count_open(struct db *tx, int64_t *ret) {
    return row_int(db_stmt(tx, "SELECT count(*) FROM alerts WHERE cleared_at = 0"), ret);
}

enum status alert_prune(struct db *tx, int64_t keep) {
    struct stmt *s = db_stmt(tx, "DELETE FROM alerts WHERE cleared_at > 0 AND id NOT IN "
                                 "(SELECT id FROM alerts WHERE cleared_at > 0 ORDER BY cleared_at DESC, id DESC LIMIT ?1)");
    int64_t changed;
    stmt_bind_int(s, 1, keep);
    return rows_change(tx, s, &changed);
}
