/* source_counts.c - see source_counts.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/source_counts.h"

#include "store/rows.h"

#define KEPT_DAYS 7

static enum status prune(struct db *tx, int64_t before) {
    int64_t pruned;
    struct stmt *s = db_stmt(tx, "DELETE FROM source_counts WHERE day < ?1");
    stmt_bind_int(s, 1, before);
    return rows_change(tx, s, &pruned);
}

static enum status add_day(struct db *tx, struct str source, struct str provider, int64_t day) {
    struct stmt *s = db_stmt(tx, "INSERT INTO source_counts (source, provider, day, count) VALUES (?1, ?2, ?3, 1)");
    stmt_bind_text(s, 1, source);
    stmt_bind_text(s, 2, provider);
    stmt_bind_int(s, 3, day);
    enum status st = stmt_run(s);
    return st == STATUS_OK ? prune(tx, day - KEPT_DAYS) : st;
}

enum status source_count_add(struct db *tx, struct str source, struct str provider, int64_t day) {
    struct stmt *s = db_stmt(tx, "UPDATE source_counts SET count = count + 1 WHERE source = ?1 AND provider = ?2 AND day = ?3");
    stmt_bind_text(s, 1, source);
    stmt_bind_text(s, 2, provider);
    stmt_bind_int(s, 3, day);
    enum status st = row_change(tx, s);
    return st == STATUS_NOT_FOUND ? add_day(tx, source, provider, day) : st;
}

static void fill(struct stmt *s, struct arena *a, void *item) {
    *(struct source_count *)item = (struct source_count){row_text(s, a, 0), row_text(s, a, 1), stmt_int(s, 2), stmt_int(s, 3)};
}

enum status source_count_list(struct db *tx, struct arena *a, int64_t day, struct source_count_list *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT source, provider, day, count FROM source_counts WHERE day = ?1 ORDER BY source, provider");
    stmt_bind_int(s, 1, day);
    return rows_collect(s, a, sizeof(struct source_count), fill, ret);
}
