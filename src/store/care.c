/* care.c - see care.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/care.h"

#include "store/restored.h"
#include "store/rows.h"

#include <sys/statvfs.h>

/* ---- sizes ---- */

static const struct {
    const char *name, *rows;
} tables[] = {
#define TABLE(name_, id)                                                                                                         \
    { name_, "SELECT COALESCE((SELECT MAX(" id ") FROM " name_ ") - (SELECT MIN(" id ") FROM " name_ ") + 1, 0)" }
    TABLE("messages", "id"),
    TABLE("recipients", "id"),
    TABLE("bodies", "message_id"),
    TABLE("body_parts", "id"),
    {"events", "SELECT last FROM event_ids"},
    TABLE("inbox", "id"),
    TABLE("suppressions", "id"),
    TABLE("feed_outbox", "id"),
    TABLE("hook_outbox", "id"),
    TABLE("hook_attempts", "id"),
#undef TABLE
};
_Static_assert(sizeof tables / sizeof tables[0] <= STORE_TABLES_MAX, "there is room for all");

/* The number that a statement says, 0 for NULL or no row. */
static enum status number_of(struct stmt *s, int64_t *ret) {
    enum status status = row_first(s);
    *ret = status == STATUS_OK && !stmt_is_null(s, 0) ? stmt_int(s, 0) : 0;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status size_of_table(struct db *tx, struct store_table *table) {
    table->bytes = -1;
    if (db_is_sqlite(tx)) return STATUS_OK;
    struct stmt *s = db_stmt(tx, "SELECT pg_total_relation_size(CAST(?1 AS regclass))");
    stmt_bind_text(s, 1, str_from_z(table->name));
    return number_of(s, &table->bytes);
}

static enum status size_of_tables(struct db *tx, struct store_size *ret) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof tables / sizeof tables[0]; i++) {
        struct store_table *table = &ret->tables[ret->table_count++];
        table->name = tables[i].name;
        status = number_of(db_stmt(tx, tables[i].rows), &table->rows);
        table->rows %= RESTORED_GAP; /* numbers that a restored database skipped */
        if (status == STATUS_OK) status = size_of_table(tx, table);
    }
    return status;
}

static enum status size_of_all(struct db *tx, int64_t *ret) {
    return number_of(db_is_sqlite(tx) ? db_stmt(tx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
                                      : db_stmt(tx, "SELECT pg_database_size(current_database())"),
                     ret);
}

enum status store_inner_bytes(struct db *tx, int64_t *ret) {
    *ret = 0;
    if (!db_is_sqlite(tx)) return STATUS_OK;
    return number_of(db_stmt(tx, "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"), ret);
}

enum status store_size(struct db *tx, struct store_size *ret) {
    struct store_size size = {.is_sqlite = db_is_sqlite(tx)};
    enum status status = size_of_all(tx, &size.bytes);
    if (status == STATUS_OK) status = store_inner_bytes(tx, &size.inner_bytes);
    if (status == STATUS_OK) status = size_of_tables(tx, &size);
    if (status == STATUS_OK) status = number_of(db_stmt(tx, "SELECT at FROM events ORDER BY id LIMIT 1"), &size.oldest_event_at);
    if (status == STATUS_OK)
        status = number_of(db_stmt(tx, "SELECT at FROM events ORDER BY id DESC LIMIT 1"), &size.newest_event_at);
    if (status == STATUS_OK)
        status = number_of(db_stmt(tx, "SELECT created_at FROM bodies ORDER BY message_id LIMIT 1"), &size.oldest_body_at);
    if (status == STATUS_OK) *ret = size;
    return status;
}

/* ---- copies ---- */

/* The folder is the one that the process is in. A file system that does not know its size is not asked. */
static enum status look_for_room(struct db *tx, int64_t spare_bytes, struct buf *why) {
    struct statvfs fs;
    int64_t bytes = 0;
    enum status status = size_of_all(tx, &bytes);
    if (status != STATUS_OK || statvfs(".", &fs) != 0 || fs.f_blocks == 0) return status;
    int64_t free_bytes = (int64_t)((unsigned long long)fs.f_bavail * fs.f_frsize);
    if (free_bytes - bytes >= spare_bytes) return STATUS_OK;
    buf_addf(why, "there is no room for a copy: it takes %lld MB, and of %lld MB that are free %lld are kept ([store] disk_free)",
             (long long)(bytes >> 20) + 1, (long long)(free_bytes >> 20), (long long)(spare_bytes >> 20));
    return STATUS_TEMPORARY;
}

enum status store_copy_begin(struct db *tx, const char *name, int64_t spare_bytes, struct buf *why) {
    bool needs_room = db_is_sqlite(tx) && !db_copy_state(tx).is_open;
    enum status status = needs_room ? look_for_room(tx, spare_bytes, why) : STATUS_OK;
    if (status != STATUS_OK) return status;
    status = db_copy_begin(tx, name);
    if (status != STATUS_OK && status != STATUS_EXISTS) buf_add_str(why, db_error(tx));
    return status;
}

struct store_copy store_copy_look(const struct db *tx) {
    const struct db_copy copy = db_copy_state(tx);
    return (struct store_copy){copy.is_open, copy.status, copy.pages * DB_PAGE_BYTES, copy.left_pages * DB_PAGE_BYTES};
}

enum status store_copy_finish(const char *name) {
    return db_copy_finish(name);
}

/* ---- what hangs together ---- */

/* page: the last number of the next ?2 rows behind ?1. breaches: among those behind ?1 up to ?2. */
static const struct {
    const char *text, *page, *breaches;
} rules[STORE_RULE_COUNT] = {
#define PAGE(id, table) "SELECT " id " FROM " table " WHERE " id " > ?1 ORDER BY " id " LIMIT 1 OFFSET ?2"
    [STORE_RULE_CONTENT] =
        {"a recipient waits, and there is nothing to be sent", PAGE("id", "recipients"),
         "SELECT r.id FROM recipients r WHERE r.id > ?1 AND r.id <= ?2 AND r.state IN (0, 1, 2) AND NOT EXISTS "
         "(SELECT 1 FROM bodies b WHERE b.message_id = r.message_id) ORDER BY r.id"},
    [STORE_RULE_PARTS] =
        {"a message's content has lost its shared part", PAGE("message_id", "bodies"),
         "SELECT b.message_id FROM bodies b WHERE b.message_id > ?1 AND b.message_id <= ?2 AND b.part_id > 0 AND "
         "NOT EXISTS (SELECT 1 FROM body_parts p WHERE p.id = b.part_id) ORDER BY b.message_id"},
    [STORE_RULE_ORPHANS] = {"a shared part belongs to no message", PAGE("id", "body_parts"),
                            "SELECT p.id FROM body_parts p WHERE p.id > ?1 AND p.id <= ?2 AND NOT EXISTS "
                            "(SELECT 1 FROM bodies b WHERE b.part_id = p.id AND b.part_id > 0) ORDER BY p.id"},
#undef PAGE
};

const char *store_rule_text(enum store_rule rule) {
    return rules[rule].text;
}

static void id_fill(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(int64_t *)item = stmt_int(s, 0);
}

enum status store_check(struct db *tx, struct arena *a, enum store_rule rule, int64_t after, int look,
                        struct store_breaches *ret) {
    struct store_breaches found = {.place = INT64_MAX};
    struct row_list list;
    struct stmt *s = db_stmt(tx, rules[rule].page);
    STMT_BIND_INTS(s, 1, after, look - 1);
    enum status status = row_int(s, &found.place);
    found.is_end = status == STATUS_NOT_FOUND;
    if (status != STATUS_OK && !found.is_end) return status;
    s = db_stmt(tx, rules[rule].breaches);
    STMT_BIND_INTS(s, 1, after, found.place);
    status = rows_collect(s, a, sizeof(int64_t), id_fill, &list);
    if (status != STATUS_OK) return status;
    found.ids = list.items;
    found.count = list.count;
    *ret = found;
    return STATUS_OK;
}
