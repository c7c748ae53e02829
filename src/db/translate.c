/* translate.c - one SQL text for two engines: SQLite's ?1 becomes PostgreSQL's $1.
 *
 * Quoted text ('...', "...", doubled quotes included, for they open and close again) and -- comments pass as they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "db/engine.h"

/* Bytes from p to the closing `end` and including it, or to the end of the text. */
static size_t quoted_len(const char *p, char end) {
    size_t n = 1;
    while (p[n] && p[n] != end) n++;
    return p[n] ? n + 1 : n;
}

static size_t literal_len(const char *p) {
    if (*p == '\'' || *p == '"') return quoted_len(p, *p);
    if (p[0] == '-' && p[1] == '-') return quoted_len(p, '\n');
    return 0;
}

void db_translate(struct buf *out, const char *sql) {
    while (*sql) {
        size_t n = literal_len(sql);
        if (n > 0) {
            buf_add(out, sql, n);
            sql += n;
            continue;
        }
        buf_add_char(out, *sql == '?' && ascii_is_digit(sql[1]) ? '$' : *sql);
        sql++;
    }
}
