/* care.h - how big the store is, and whether what hangs together in it does: for operators (core/store_check.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_CARE_H
#define POSTHORN_STORE_CARE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#include <stdint.h>

struct db;

/* ---- sizes: a few looks at indexes, however much there is ---- */

struct store_table {
    const char *name;
    int64_t
        rows; /* by the numbers of the oldest and the newest: what was removed between them counts; events: all there ever were */
    int64_t bytes; /* with indexes; -1: not known without reading all of it (SQLite) */
};
#define STORE_TABLES_MAX 16
struct store_size {
    bool is_sqlite;
    int64_t bytes;       /* of the database */
    int64_t inner_bytes; /* free pages among them, which are used before it grows; 0 on PostgreSQL */
    int64_t oldest_event_at, newest_event_at, oldest_body_at; /* 0: none */
    struct store_table tables[STORE_TABLES_MAX];
    size_t table_count;
};
WARN_UNUSED enum status store_size(struct db *tx, struct store_size *ret);
/* The free pages alone. */
WARN_UNUSED enum status store_inner_bytes(struct db *tx, int64_t *ret);

/* ---- copies (SQLite) ---- */

#define STORE_COPY     "posthorn-" /* a name is this, a time, and the end */
#define STORE_COPY_END ".copy"
/* On the writer: begin one, of that name in the data folder; it goes on with each of the writer's batches (store/writer.h) and
 * has its name when it is finished. Not where it would leave less than `spare_bytes` of the disk. EXISTS: one is under way.
 * UNSUPPORTED, TEMPORARY: *why says it. */
WARN_UNUSED enum status store_copy_begin(struct db *tx, const char *name, int64_t spare_bytes, struct buf *why);
struct store_copy {
    bool is_open;
    enum status status; /* of the last one: OK it is all written */
    int64_t bytes, left_bytes;
};
struct store_copy store_copy_look(const struct db *tx);
/* In the slow pool: sync it and give it its name. */
WARN_UNUSED enum status store_copy_finish(const char *name);

/* ---- what hangs together ---- */

enum store_rule {
    STORE_RULE_CONTENT, /* who waits has something to be sent */
    STORE_RULE_PARTS,   /* a body's part is there */
    STORE_RULE_ORPHANS, /* a part has somebody */
    STORE_RULE_COUNT
};
/* A sentence, static. */
const char *store_rule_text(enum store_rule rule);
struct store_breaches {
    int64_t *ids; /* of recipients, messages, parts */
    size_t count;
    int64_t place; /* of the next piece */
    bool is_end;
};
/* The rows behind `after` (at first INT64_MIN), `look` at most, and which of them break the rule. */
WARN_UNUSED enum status store_check(struct db *tx, struct arena *a, enum store_rule rule, int64_t after, int look,
                                    struct store_breaches *ret);

#endif
