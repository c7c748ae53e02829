/* decisions.c - the ledger of shaping. Ids grow with time, so the primary key is the order of all that is read and let go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/decisions.h"

#include "store/rows.h"

#define COLUMNS "id, at, site, source, what, kind, from_value, to_value, because"

static void fill(struct stmt *s, struct arena *a, void *item) {
    *(struct decision *)item = (struct decision){
        .id = stmt_int(s, 0),
        .at = stmt_int(s, 1),
        .site = row_text(s, a, 2),
        .source = row_text(s, a, 3),
        .what = stmt_int(s, 4),
        .kind = stmt_int(s, 5),
        .from = stmt_int(s, 6),
        .to = stmt_int(s, 7),
        .because = row_text(s, a, 8),
    };
}

enum status decision_insert(struct db *tx, const struct decision *d) {
    struct stmt *s = db_stmt(tx, "INSERT INTO decisions (at, what, kind, from_value, to_value, site, source, because) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    STMT_BIND_INTS(s, 1, d->at, d->what, d->kind, d->from, d->to);
    stmt_bind_text(s, 6, d->site);
    stmt_bind_text(s, 7, d->source);
    stmt_bind_text(s, 8, d->because);
    return stmt_run(s);
}

enum status decision_list(struct db *tx, struct arena *a, const struct decision_filter *f, struct decision_list *ret) {
    struct stmt *s;
    if (f->site.n)
        s = db_stmt(tx, "SELECT " COLUMNS " FROM decisions WHERE id < ?1 AND site = ?4 AND (?5 = '' OR source = ?5) "
                        "AND (?2 = -1 OR kind = ?2) ORDER BY id DESC LIMIT ?3");
    else
        s = db_stmt(tx, "SELECT " COLUMNS " FROM decisions WHERE id < ?1 AND (?5 = '' OR source = ?5) AND (?4 = '' OR site = ?4) "
                        "AND (?2 = -1 OR kind = ?2) ORDER BY id DESC LIMIT ?3");
    STMT_BIND_INTS(s, 1, f->before_id ? f->before_id : INT64_MAX, f->kind, f->limit);
    stmt_bind_text(s, 4, f->site);
    stmt_bind_text(s, 5, f->source);
    return rows_collect(s, a, sizeof(struct decision), fill, ret);
}

enum status decision_list_after(struct db *tx, struct arena *a, int64_t after_id, int64_t limit, struct decision_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " COLUMNS " FROM decisions WHERE id > ?1 ORDER BY id LIMIT ?2");
    STMT_BIND_INTS(s, 1, after_id, limit);
    return rows_collect(s, a, sizeof(struct decision), fill, ret);
}

/* Only the oldest are looked at, so that finding nothing costs nothing. */
enum status decision_prune(struct db *tx, int64_t keep, int64_t before, int64_t max) {
    struct stmt *s =
        db_stmt(tx, "DELETE FROM decisions WHERE id IN (SELECT id FROM (SELECT id, at FROM decisions ORDER BY id LIMIT "
                    "?3) AS oldest WHERE id <= (SELECT MAX(id) FROM decisions) - ?1 OR at < ?2)");
    STMT_BIND_INTS(s, 1, keep, before, max);
    return stmt_run(s);
}
