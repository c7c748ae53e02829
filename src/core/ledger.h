/* ledger.h - the decisions of shaping on disk: written in batches, shown newest first, and taken up again after a restart.
 *
 * Bounded: the newest LEDGER_KEEP and LEDGER_KEEP_MS; every write lets a few older ones go. Each call works in the transaction it
 * is given: ledger_write on the writer, the others on a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_LEDGER_H
#define POSTHORN_CORE_LEDGER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "core/shape.h"

struct db;

#define LEDGER_KEEP        100000
#define LEDGER_KEEP_MS     (30 * INT64_C(86400000))
#define LEDGER_RESTORE_MAX 20000 /* decisions looked at by a restart */

struct ledger_entry {
    int64_t id;              /* grows with time */
    struct str site, source; /* the site's key, the source's name */
    struct shape_decision decision;
};
struct ledger_list {
    struct ledger_entry *items;
    size_t count;
};
/* Append, in order; ids are ignored. */
WARN_UNUSED enum status ledger_write(struct db *tx, const struct ledger_entry *entries, size_t count, int64_t now_wall_ms);

/* Newest first. site, source: "" is any; before_id: 0 from the newest on. All in the arena, here and below. */
struct ledger_query {
    struct str site, source;
    enum shape_pause_kind kind; /* SHAPE_NOT_PAUSED: any */
    int64_t before_id;
    int64_t limit;
};
WARN_UNUSED enum status ledger_find(struct db *tx, struct arena *arena, const struct ledger_query *query,
                                    struct ledger_list *ret);
/* Newer than after_id, oldest first: for whoever reads on from where he was. */
WARN_UNUSED enum status ledger_find_after(struct db *tx, struct arena *arena, int64_t after_id, int64_t limit,
                                          struct ledger_list *ret);
/* What may still hold, oldest first, for shape_restore(): pauses and their ends of any age, all else younger than
 * SHAPE_KEEP_MS. */
WARN_UNUSED enum status ledger_find_held(struct db *tx, struct arena *arena, int64_t now_wall_ms, struct ledger_list *ret);

/* from or to in words: "20 connections", "120 a minute", "no cap", "until 2026-11-23 15:00:00", "until resumed", "one message".
 */
void ledger_add_value(struct buf *out, enum shape_what what, int64_t value);

#endif
