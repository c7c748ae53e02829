/* pauses.c - see pauses.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/pauses.h"

#include "store/rows.h"

enum status pause_put(struct db *tx, const struct pause *pause) {
    struct stmt *s = db_stmt(tx, "INSERT INTO pauses (kind, name, until, because, created_at) VALUES (?1, ?2, ?3, ?4, ?5) "
                                 "ON CONFLICT (kind, name) DO UPDATE SET until = ?3, because = ?4, created_at = ?5");
    stmt_bind_int(s, 1, pause->kind);
    stmt_bind_text(s, 2, pause->name);
    stmt_bind_int(s, 3, pause->until);
    stmt_bind_text(s, 4, pause->because);
    stmt_bind_int(s, 5, pause->created_at);
    return stmt_run(s);
}

enum status pause_delete(struct db *tx, int kind, struct str name) {
    struct stmt *s = db_stmt(tx, "DELETE FROM pauses WHERE kind = ?1 AND name = ?2");
    stmt_bind_int(s, 1, kind);
    stmt_bind_text(s, 2, name);
    return row_change(tx, s);
}

static void pause_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct pause *)item = (struct pause){.kind = (int)stmt_int(s, 0),
                                           .name = row_text(s, a, 1),
                                           .until = stmt_int(s, 2),
                                           .because = row_text(s, a, 3),
                                           .created_at = stmt_int(s, 4)};
}

enum status pause_find_all(struct db *tx, struct arena *a, int64_t now, struct pause_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT kind, name, until, because, created_at FROM pauses WHERE until > ?1 "
                                 "ORDER BY kind, name LIMIT ?2");
    STMT_BIND_INTS(s, 1, now, PAUSES_MAX);
    return rows_collect(s, a, sizeof(struct pause), pause_fill, ret);
}
