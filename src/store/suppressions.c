/* suppressions.c - whom an account must not write to.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/suppressions.h"

#include "store/rows.h"

#define COLUMNS "id, account_id, list_id, address, address_hash, source, reason, created_at, event_id"

static void suppression_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct suppression *)item = (struct suppression){
        .id = stmt_int(s, 0),
        .account_id = stmt_int(s, 1),
        .list_id = stmt_int(s, 2),
        .address = row_text(s, a, 3),
        .address_hash = row_text(s, a, 4),
        .source = (enum suppression_source)stmt_int(s, 5),
        .reason = row_text(s, a, 6),
        .created_at = stmt_int(s, 7),
        .event_id = stmt_int(s, 8),
    };
}

static enum status collect(struct stmt *s, struct arena *a, struct suppression_list *ret) {
    return rows_collect(s, a, sizeof(struct suppression), suppression_fill, ret);
}

/* Two statements: most mail has one recipient, and a thousand shall not be a thousand questions. Not "list_id IN (0, ?2)", for
 * which SQLite makes a table each time. */
#define IN_LIST(list, hashes)                                                                                                    \
    "SELECT " COLUMNS " FROM suppressions WHERE account_id = ?1 AND list_id = " list " AND address_hash IN (" hashes ")"
#define MATCH(hashes) IN_LIST("0", hashes) " UNION ALL " IN_LIST("?2 AND ?2 <> 0", hashes)
#define MATCH_MANY    "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22"

enum status suppression_match(struct db *tx, struct arena *a, const struct suppression_scope *scope, const struct str *hashes,
                              size_t count, struct suppression_list *ret) {
    struct stmt *s = count == 1 ? db_stmt(tx, MATCH("?3")) : db_stmt(tx, MATCH(MATCH_MANY));
    STMT_BIND_INTS(s, 1, scope->account_id, scope->list_id);
    size_t slots = count == 1 ? 1 : SUPPRESSION_MATCH_MAX;
    for (size_t i = 0; i < slots; i++) stmt_bind_blob(s, 3 + (int)i, hashes[i < count ? i : 0]);
    return collect(s, a, ret);
}

enum status suppression_insert(struct db *tx, const struct suppression *entry, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO suppressions (account_id, list_id, address_hash, address, source, reason, "
                                 "created_at, event_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING");
    STMT_BIND_INTS(s, 1, entry->account_id, entry->list_id);
    stmt_bind_blob(s, 3, entry->address_hash);
    stmt_bind_text(s, 4, entry->address);
    stmt_bind_int(s, 5, entry->source);
    stmt_bind_text(s, 6, entry->reason);
    STMT_BIND_INTS(s, 7, entry->created_at, entry->event_id);
    return stmt_insert(s, ret_id);
}

_Static_assert(SUPPRESSION_UNSUBSCRIBE == 5, "it is written out below");

enum status suppression_harden(struct db *tx, const struct suppression *entry) {
    struct stmt *s = db_stmt(tx, "UPDATE suppressions SET source = ?4, reason = ?5 || ' (had unsubscribed)', event_id = ?6 "
                                 "WHERE account_id = ?1 AND list_id = ?2 AND address_hash = ?3 AND source = 5");
    STMT_BIND_INTS(s, 1, entry->account_id, entry->list_id);
    stmt_bind_blob(s, 3, entry->address_hash);
    stmt_bind_int(s, 4, entry->source);
    stmt_bind_text(s, 5, entry->reason);
    stmt_bind_int(s, 6, entry->event_id);
    return row_change(tx, s);
}

enum status suppression_delete(struct db *tx, int64_t account_id, int64_t list_id, struct str address_hash) {
    struct stmt *s = db_stmt(tx, "DELETE FROM suppressions WHERE account_id = ?1 AND list_id = ?2 AND address_hash = ?3");
    STMT_BIND_INTS(s, 1, account_id, list_id);
    stmt_bind_blob(s, 3, address_hash);
    return row_change(tx, s);
}

/* "LIKE" with what addresses may hold of its signs taken literally. */
static void pattern_format(const struct suppression_filter *f, struct buf *out) {
    for (size_t i = 0; i < f->prefix.n + f->suffix.n; i++) {
        char c = i < f->prefix.n ? f->prefix.p[i] : f->suffix.p[i - f->prefix.n];
        if (i == f->prefix.n && !f->is_exact) buf_add_char(out, '%');
        if (c == '%' || c == '_' || c == '!') buf_add_char(out, '!');
        buf_add_char(out, c);
    }
    if (f->suffix.n == 0 && !f->is_exact) buf_add_char(out, '%');
}

/* Every address that starts with `prefix` is below this one: no UTF-8 text holds U+10FFFF after it. */
static void ceiling_format(struct str prefix, struct buf *out) {
    buf_add_str(out, prefix);
    buf_add_z(out, "\xf4\x8f\xbf\xbf");
}

static bool has_pattern(const struct suppression_filter *f) {
    return f->prefix.n || f->suffix.n;
}

#define SCOPE   " FROM suppressions WHERE account_id = ?1 AND list_id = ?2"
#define SOURCES " AND source IN (?3, ?4, ?5, ?6, ?7)"
#define PATTERN " AND address >= ?8 AND address <= ?9 AND address LIKE ?10 ESCAPE '!'"

struct filter_texts {
    struct buf pattern, ceiling;
};

static void bind_filter(struct stmt *s, const struct suppression_filter *f, struct filter_texts *texts) {
    STMT_BIND_INTS(s, 1, f->account_id, f->list_id);
    for (int i = 1; i < SUPPRESSION_SOURCES; i++) {
        stmt_bind_int(s, 2 + i, f->sources & SUPPRESSION_BIT((unsigned)i) ? i : SUPPRESSION_NONE);
    }
    if (!has_pattern(f)) return;
    pattern_format(f, &texts->pattern);
    ceiling_format(f->prefix, &texts->ceiling);
    stmt_bind_text(s, 8, f->prefix);
    stmt_bind_text(s, 9, buf_str(&texts->ceiling));
    stmt_bind_text(s, 10, buf_str(&texts->pattern));
}

static void filter_texts_fini(struct filter_texts *texts) {
    buf_fini(&texts->pattern);
    buf_fini(&texts->ceiling);
}

/* With a pattern the index by address is the better one: "+ 0" keeps the engine from walking all ids instead. */
enum status suppression_browse(struct db *tx, struct arena *a, const struct suppression_filter *f, struct suppression_list *ret) {
    struct filter_texts texts = {0};
    struct stmt *s;
    int at = 8;
    if (has_pattern(f)) {
        s = db_stmt(tx, "SELECT " COLUMNS SCOPE SOURCES PATTERN " AND id + 0 > ?11 ORDER BY id + 0 LIMIT ?12 OFFSET ?13");
        at = 11;
    } else {
        s = db_stmt(tx, "SELECT " COLUMNS SCOPE SOURCES " AND id > ?8 ORDER BY id LIMIT ?9 OFFSET ?10");
    }
    bind_filter(s, f, &texts);
    stmt_bind_int(s, at, f->after_id);
    stmt_bind_int(s, at + 1, f->limit);
    stmt_bind_int(s, at + 2, f->skip);
    enum status st = collect(s, a, ret);
    filter_texts_fini(&texts);
    return st;
}

enum status suppression_total(struct db *tx, const struct suppression_filter *f, int64_t *ret) {
    struct filter_texts texts = {0};
    struct stmt *s =
        has_pattern(f) ? db_stmt(tx, "SELECT count(*)" SCOPE SOURCES PATTERN) : db_stmt(tx, "SELECT count(*)" SCOPE SOURCES);
    bind_filter(s, f, &texts);
    enum status st = row_first(s);
    if (st == STATUS_OK) *ret = stmt_int(s, 0);
    filter_texts_fini(&texts);
    return st;
}

enum status suppression_count(struct db *tx, const struct suppression_filter *f, int64_t ret_counts[SUPPRESSION_SOURCES]) {
    struct filter_texts texts = {0};
    int64_t counts[SUPPRESSION_SOURCES] = {0};
    struct stmt *s = has_pattern(f) ? db_stmt(tx, "SELECT source, count(*)" SCOPE SOURCES PATTERN " GROUP BY source")
                                    : db_stmt(tx, "SELECT source, count(*)" SCOPE SOURCES " GROUP BY source");
    enum status st;
    bind_filter(s, f, &texts);
    while ((st = stmt_step(s)) == STATUS_ROW) {
        int64_t source = stmt_int(s, 0);
        if (source > 0 && source < SUPPRESSION_SOURCES) counts[source] = stmt_int(s, 1);
    }
    filter_texts_fini(&texts);
    if (st != STATUS_OK) return st;
    for (int i = 0; i < SUPPRESSION_SOURCES; i++) ret_counts[i] = counts[i];
    return STATUS_OK;
}
