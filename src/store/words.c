/* words.c - two dialects of one index.
 *
 * A word is letters, digits and a few signs; whatever else an id has becomes "=" and two hexadecimal digits, so no word means
 * anything in the language of a search, each can stand in quotes, and a long id is never cut within a character.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/words.h"

#include "base/encode.h"
#include "base/word.h"
#include "store/rows.h"

#include <string.h>

#define WHOLE_MAX    400   /* bytes of what is kept whole: an id fits */
#define POSITION_MAX 16383 /* PostgreSQL's; only phrases ask for it, and recipients come last */

/* ---- words ---- */
static bool is_whole(enum word_kind kind) {
    return kind == WORD_ID || kind == WORD_UUID;
}

static void add_escaped(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n && i < WHOLE_MAX; i++) {
        char c = text.p[i];
        bool is_plain = ascii_is_alnum(c) || memchr("@.-_+", c, 5);
        if (is_plain)
            buf_add_char(out, c);
        else
            buf_addf(out, "=%02x", (unsigned char)c);
    }
}

/* The next word of that kind, as it is kept but for the domain. */
static bool take(struct str *rest, enum word_kind kind, struct buf *out) {
    BUF_AUTO folded = {0};
    if (!is_whole(kind)) return word_next(rest, out);
    if (rest->n == 0) return false;
    word_fold(*rest, &folded);
    add_escaped(out, buf_str(&folded));
    *rest = (struct str){0};
    return true;
}

/* ---- rows ---- */
struct row {
    struct buf text, word;
    int64_t domain_id, position;
    bool is_sqlite;
};
#define ROW_AUTO __attribute__((cleanup(row_fini))) struct row

static void row_fini(struct row *row) {
    buf_fini(&row->text);
    buf_fini(&row->word);
}

static void add_words(struct row *row, enum word_kind kind, struct str text) {
    for (; take(&text, kind, &row->word); buf_reset(&row->word)) {
        row->position++;
        buf_add_z(&row->text, row->is_sqlite ? " " : " '");
        buf_add_i64(&row->text, row->domain_id);
        buf_add_char(&row->text, (char)kind);
        buf_add_str(&row->text, buf_str(&row->word));
        if (!row->is_sqlite)
            buf_addf(&row->text, "':%lld", (long long)(row->position < POSITION_MAX ? row->position : POSITION_MAX));
    }
}

static bool is_ours(const struct message *m) {
    char uuid[ID_TEXT_LEN + 1];
    id_format(m->uuid, uuid);
    return str_starts(m->rfc_message_id, str_from_z(uuid)) && str_starts(str_sub(m->rfc_message_id, ID_TEXT_LEN, 1), STR("@"));
}

static void add_row(struct row *row, const struct message *m, const struct str *recipients, size_t count) {
    BUF_AUTO uuid = {0};
    hex_encode(&uuid, uuid_str(&m->uuid));
    add_words(row, WORD_SUBJECT, m->subject);
    add_words(row, WORD_SENDER, m->sender);
    add_words(row, WORD_UUID, buf_str(&uuid));
    if (!is_ours(m)) add_words(row, WORD_ID, m->rfc_message_id);
    for (size_t i = 0; i < count; i++) add_words(row, WORD_RECIPIENT, recipients[i]);
}

static enum status run(struct db *tx, const char *sql, int64_t id, struct str text) {
    struct stmt *s = db_stmt(tx, sql);
    stmt_bind_int(s, 1, id);
    if (text.p) stmt_bind_text(s, 2, text);
    return stmt_run(s);
}

enum status words_add(struct db *tx, const struct message *m, const struct str *recipients, size_t count) {
    static const char sqlite[] = "INSERT INTO words (rowid, word) VALUES (?1, ?2)",
                      pgsql[] = "INSERT INTO words (message_id, word) VALUES (?1, CAST(?2 AS tsvector))";
    ROW_AUTO row = {.domain_id = m->domain_id, .is_sqlite = db_is_sqlite(tx)};
    add_row(&row, m, recipients, count);
    return run(tx, row.is_sqlite ? sqlite : pgsql, m->id, buf_str(&row.text));
}

struct rows {
    struct message message;
    struct str *addresses;
    size_t count;
};

static void fill_address(struct stmt *s, struct arena *a, void *item) {
    *(struct str *)item = row_text(s, a, 0);
}

static enum status read_rows(struct db *tx, struct arena *a, int64_t message_id, struct rows *ret) {
    struct row_list list;
    enum status status = message_get(tx, a, message_id, &ret->message);
    if (status != STATUS_OK) return status;
    struct stmt *s = db_stmt(tx, "SELECT address FROM recipients WHERE message_id = ?1 ORDER BY id");
    stmt_bind_int(s, 1, message_id);
    status = rows_collect(s, a, sizeof(struct str), fill_address, &list);
    ret->addresses = list.items;
    ret->count = list.count;
    return status;
}

/* FTS5 takes it for damage when words go that are not there. */
static enum status find_row(struct db *tx, const struct message *m) {
    BUF_AUTO uuid = {0};
    WORDS_SEARCH_AUTO search = {.domain_id = m->domain_id, .is_sqlite = true};
    hex_encode(&uuid, uuid_str(&m->uuid));
    (void)words_find(&search, WORD_UUID, buf_str(&uuid), WORDS_WHOLE);
    struct stmt *s = db_stmt(tx, "SELECT rowid FROM words WHERE words MATCH ?1");
    stmt_bind_text(s, 1, buf_str(&search.text));
    return row_first(s);
}

enum status words_remove(struct db *tx, int64_t message_id) {
    ARENA_AUTO arena = {0};
    struct rows rows;
    if (!db_is_sqlite(tx)) return run(tx, "DELETE FROM words WHERE message_id = ?1", message_id, (struct str){0});
    enum status status = read_rows(tx, &arena, message_id, &rows);
    if (status == STATUS_OK) status = find_row(tx, &rows.message);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    ROW_AUTO row = {.domain_id = rows.message.domain_id, .is_sqlite = true};
    add_row(&row, &rows.message, rows.addresses, rows.count);
    return run(tx, "INSERT INTO words (words, rowid, word) VALUES ('delete', ?1, ?2)", message_id, buf_str(&row.text));
}

enum status words_restore(struct db *tx, int64_t message_id) {
    ARENA_AUTO arena = {0};
    struct rows rows;
    enum status status = read_rows(tx, &arena, message_id, &rows);
    return status == STATUS_OK ? words_add(tx, &rows.message, rows.addresses, rows.count) : status;
}

/* ---- searches ---- */
void words_search_fini(struct words_search *search) {
    buf_fini(&search->text);
}

/* Words of a phrase share the quotes in SQLite, and have their own in PostgreSQL. */
bool words_find(struct words_search *search, enum word_kind kind, struct str text, enum words_how how) {
    BUF_AUTO word = {0};
    struct buf *out = &search->text;
    bool is_sqlite = search->is_sqlite, is_phrase = kind != WORD_RECIPIENT;
    const char *next = is_sqlite ? (is_phrase ? " " : "\" AND \"") : (is_phrase ? "' <-> '" : "' & '");
    if (!take(&text, kind, &word)) return false;
    buf_add_z(out, is_sqlite ? "(\"" : "('");
    do {
        buf_addf(out, "%lld%c", (long long)search->domain_id, (char)kind);
        buf_add_str(out, buf_str(&word));
        buf_reset(&word);
    } while (take(&text, kind, &word) && (buf_add_z(out, next), true));
    buf_add_z(out, is_sqlite ? "\"" : "'");
    if (how == WORDS_PREFIX) buf_add_z(out, is_sqlite ? " *" : ":*");
    buf_add_char(out, ')');
    return true;
}

void words_and(struct words_search *search) {
    buf_add_z(&search->text, search->is_sqlite ? " AND " : " & ");
}

void words_or(struct words_search *search) {
    buf_add_z(&search->text, search->is_sqlite ? " OR " : " | ");
}

struct words_select words_select(bool is_sqlite) {
    static const struct words_select sqlite = {"SELECT rowid FROM words WHERE words MATCH ", ""},
                                     pgsql = {"SELECT message_id FROM words WHERE word @@ CAST(", " AS tsquery)"};
    return is_sqlite ? sqlite : pgsql;
}
