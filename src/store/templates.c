/* templates.c - mail templates and their versions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/templates.h"

#include "store/rows.h"

#define HEAD_COLUMNS "t.id, t.account_id, t.name, v.version, v.subject, t.created_at, v.created_at"
#define JOINED       " FROM templates t JOIN template_versions v ON v.template_id = t.id"

static void head_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct mail_template *)item = (struct mail_template){
        .id = stmt_int(s, 0),
        .account_id = stmt_int(s, 1),
        .name = row_text(s, a, 2),
        .version = stmt_int(s, 3),
        .subject = row_text(s, a, 4),
        .created_at = stmt_int(s, 5),
        .changed_at = stmt_int(s, 6),
    };
}

enum status mail_template_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, int64_t version,
                              struct mail_template *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " HEAD_COLUMNS ", v.html, v.text" JOINED " WHERE t.id = ?1 AND t.account_id = ?2 "
                                 "AND v.version = CASE WHEN ?3 = 0 THEN t.version ELSE ?3 END");
    STMT_BIND_INTS(s, 1, id, account_id, version);
    enum status st = row_first(s);
    if (st != STATUS_OK) return st;
    head_fill(s, a, ret);
    ret->html = row_text(s, a, 7);
    ret->text = row_text(s, a, 8);
    return STATUS_OK;
}

static enum status collect(struct stmt *s, struct arena *a, struct mail_template_list *ret) {
    return rows_collect(s, a, sizeof(struct mail_template), head_fill, ret);
}

#define PAGE "SELECT " HEAD_COLUMNS JOINED " AND v.version = t.version WHERE t.account_id = ?1 ORDER BY "
enum status mail_template_browse(struct db *tx, struct arena *a, const struct mail_template_page *page,
                                 struct mail_template_list *ret) {
    struct stmt *s =
        page->is_by_name ? db_stmt(tx, PAGE "t.name LIMIT ?2 OFFSET ?3") : db_stmt(tx, PAGE "t.id DESC LIMIT ?2 OFFSET ?3");
    STMT_BIND_INTS(s, 1, page->account_id, page->limit, page->skip);
    return collect(s, a, ret);
}

enum status mail_template_count(struct db *tx, int64_t account_id, int64_t *ret) {
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM templates WHERE account_id = ?1");
    stmt_bind_int(s, 1, account_id);
    return row_int(s, ret);
}

enum status mail_template_versions(struct db *tx, struct arena *a, int64_t account_id, int64_t id,
                                   struct mail_template_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " HEAD_COLUMNS JOINED " WHERE t.id = ?1 AND t.account_id = ?2 ORDER BY v.version DESC");
    STMT_BIND_INTS(s, 1, id, account_id);
    return collect(s, a, ret);
}

static enum status version_insert(struct db *tx, int64_t id, int64_t version, const struct mail_template *t) {
    struct stmt *s = db_stmt(tx, "INSERT INTO template_versions (template_id, version, subject, html, text, created_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    STMT_BIND_INTS(s, 1, id, version);
    stmt_bind_text(s, 3, t->subject);
    stmt_bind_text(s, 4, t->html);
    stmt_bind_text(s, 5, t->text);
    stmt_bind_int(s, 6, t->changed_at);
    return stmt_run(s);
}

enum status mail_template_insert(struct db *tx, const struct mail_template *t, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO templates (account_id, name, version, created_at, changed_at) "
                                 "VALUES (?1, ?2, 1, ?3, ?3) ON CONFLICT DO NOTHING");
    int64_t id;
    stmt_bind_int(s, 1, t->account_id);
    stmt_bind_text(s, 2, t->name);
    stmt_bind_int(s, 3, t->changed_at);
    enum status st = stmt_insert(s, &id);
    if (st == STATUS_OK) st = version_insert(tx, id, 1, t);
    if (st == STATUS_OK) *ret_id = id;
    return st;
}

/* A unique constraint would break the whole transaction, so the name is looked up first: there is one writer. */
static enum status name_is_free(struct db *tx, const struct mail_template *t) {
    struct stmt *s = db_stmt(tx, "SELECT id FROM templates WHERE account_id = ?1 AND name = ?2 AND id <> ?3");
    stmt_bind_int(s, 1, t->account_id);
    stmt_bind_text(s, 2, t->name);
    stmt_bind_int(s, 3, t->id);
    return row_none(s);
}

enum status mail_template_change(struct db *tx, const struct mail_template *t, int64_t *ret_version) {
    enum status st = name_is_free(tx, t);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "UPDATE templates SET name = ?3, version = version + 1, changed_at = ?4 "
                                 "WHERE id = ?1 AND account_id = ?2 RETURNING version");
    STMT_BIND_INTS(s, 1, t->id, t->account_id);
    stmt_bind_text(s, 3, t->name);
    stmt_bind_int(s, 4, t->changed_at);
    if ((st = row_first(s)) != STATUS_OK) return st;
    int64_t version = stmt_int(s, 0);
    if ((st = stmt_run(s)) != STATUS_OK) return st;
    if ((st = version_insert(tx, t->id, version, t)) != STATUS_OK) return st;
    struct stmt *old = db_stmt(tx, "DELETE FROM template_versions WHERE template_id = ?1 AND version <= ?2");
    STMT_BIND_INTS(old, 1, t->id, version - TEMPLATE_VERSIONS_MAX);
    if ((st = stmt_run(old)) == STATUS_OK) *ret_version = version;
    return st;
}

enum status mail_template_delete(struct db *tx, int64_t account_id, int64_t id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM templates WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_change(tx, s);
}
