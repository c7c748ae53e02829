/* tag_refusals.c - see tag_refusals.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/tag_refusals.h"

#include "store/rows.h"

#define COLUMNS "id, account_id, address, address_hash, tag, event_id, created_at"

enum status tag_refusal_add(struct db *tx, const struct tag_refusal *refusal) {
    int64_t changed = 0;
    struct stmt *s = db_stmt(tx, "INSERT INTO tag_refusals (account_id, address, address_hash, tag, event_id, created_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING");
    stmt_bind_int(s, 1, refusal->account_id);
    stmt_bind_text(s, 2, refusal->address);
    stmt_bind_blob(s, 3, refusal->address_hash);
    stmt_bind_text(s, 4, refusal->tag);
    STMT_BIND_INTS(s, 5, refusal->event_id, refusal->created_at);
    enum status status = rows_change(tx, s, &changed);
    return status == STATUS_OK && changed == 0 ? STATUS_EXISTS : status;
}

enum status tag_refusal_delete(struct db *tx, int64_t account_id, struct str address_hash, struct str tag, int64_t *ret_count) {
    struct stmt *s =
        db_stmt(tx, "DELETE FROM tag_refusals WHERE account_id = ?1 AND address_hash = ?2 AND (tag = ?3 OR ?3 = '')");
    stmt_bind_int(s, 1, account_id);
    stmt_bind_blob(s, 2, address_hash);
    stmt_bind_text(s, 3, tag);
    return rows_change(tx, s, ret_count);
}

static void fill(struct stmt *s, struct arena *a, void *item) {
    *(struct tag_refusal *)item = (struct tag_refusal){.id = stmt_int(s, 0),
                                                       .account_id = stmt_int(s, 1),
                                                       .address = row_text(s, a, 2),
                                                       .address_hash = row_text(s, a, 3),
                                                       .tag = row_text(s, a, 4),
                                                       .event_id = stmt_int(s, 5),
                                                       .created_at = stmt_int(s, 6)};
}

static enum status collect(struct stmt *s, struct arena *a, struct tag_refusal_list *ret) {
    return rows_collect(s, a, sizeof(struct tag_refusal), fill, ret);
}

enum status tag_refusal_list(struct db *db, struct arena *a, int64_t account_id, struct str address_hash, int limit,
                             struct tag_refusal_list *ret) {
    struct stmt *s = db_stmt(db, "SELECT " COLUMNS " FROM tag_refusals WHERE account_id = ?1 AND address_hash = ?2 "
                                 "ORDER BY tag LIMIT ?3");
    stmt_bind_int(s, 1, account_id);
    stmt_bind_blob(s, 2, address_hash);
    stmt_bind_int(s, 3, limit);
    return collect(s, a, ret);
}

/* Two statements, as suppressions have them: most mail has one recipient. */
#define MATCH(hashes) "SELECT " COLUMNS " FROM tag_refusals WHERE account_id = ?1 AND address_hash IN (" hashes ")"
#define MATCH_MANY    "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21"

enum status tag_refusal_match(struct db *db, struct arena *a, int64_t account_id, const struct str *hashes, size_t count,
                              struct tag_refusal_list *ret) {
    struct stmt *s = count == 1 ? db_stmt(db, MATCH("?2")) : db_stmt(db, MATCH(MATCH_MANY));
    size_t slots = count == 1 ? 1 : TAG_REFUSAL_MATCH_MAX;
    stmt_bind_int(s, 1, account_id);
    for (size_t i = 0; i < slots; i++) stmt_bind_blob(s, 2 + (int)i, hashes[i < count ? i : 0]);
    return collect(s, a, ret);
}

/* A person has few: they are found by his hash, and "+ 0" keeps the engine from walking all ids instead. */
enum status tag_refusal_browse(struct db *db, struct arena *a, const struct tag_refusal_filter *f, struct tag_refusal_list *ret) {
    struct stmt *s;
    if (f->address_hash.n) {
        s = db_stmt(db, "SELECT " COLUMNS " FROM tag_refusals WHERE account_id = ?1 AND id + 0 > ?2 AND (tag = ?3 OR ?3 = '') "
                        "AND address_hash = ?5 ORDER BY id + 0 LIMIT ?4");
        stmt_bind_blob(s, 5, f->address_hash);
    } else {
        s = db_stmt(db, "SELECT " COLUMNS " FROM tag_refusals WHERE account_id = ?1 AND id > ?2 AND (tag = ?3 OR ?3 = '') "
                        "ORDER BY id LIMIT ?4");
    }
    STMT_BIND_INTS(s, 1, f->account_id, f->after_id);
    stmt_bind_text(s, 3, f->tag);
    stmt_bind_int(s, 4, f->limit);
    return collect(s, a, ret);
}
