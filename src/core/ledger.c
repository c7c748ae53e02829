/* ledger.c - see ledger.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/ledger.h"

#include "base/clock.h"
#include "store/decisions.h"

#define PRUNE_MORE 10 /* than was written goes at most, so what is too much goes in time */

enum status ledger_write(struct db *tx, const struct ledger_entry *entries, size_t count, int64_t now_wall_ms) {
    enum status st = STATUS_OK;
    for (size_t i = 0; i < count && st == STATUS_OK; i++) {
        const struct shape_decision *d = &entries[i].decision;
        struct decision row = {.at = d->at,
                               .site = entries[i].site,
                               .source = entries[i].source,
                               .what = d->what,
                               .kind = d->kind,
                               .from = d->from,
                               .to = d->to,
                               .because = d->because};
        st = decision_insert(tx, &row);
    }
    if (st == STATUS_OK) st = decision_prune(tx, LEDGER_KEEP, now_wall_ms - LEDGER_KEEP_MS, (int64_t)count + PRUNE_MORE);
    return st;
}

/* Rows that this version knows. */
static void take(struct arena *arena, const struct decision_list *rows, struct ledger_list *ret) {
    *ret = (struct ledger_list){.items = arena_array(arena, rows->count, sizeof *ret->items)};
    for (size_t i = 0; i < rows->count; i++) {
        const struct decision *d = &rows->items[i];
        if (d->what < 0 || d->what >= SHAPE_WHAT_COUNT || d->kind < 0 || d->kind >= SHAPE_KIND_COUNT) continue;
        ret->items[ret->count++] = (struct ledger_entry){
            .id = d->id,
            .site = d->site,
            .source = d->source,
            .decision = {d->at, (enum shape_what)d->what, (enum shape_pause_kind)d->kind, d->from, d->to, d->because}};
    }
}

enum status ledger_find(struct db *tx, struct arena *arena, const struct ledger_query *query, struct ledger_list *ret) {
    struct decision_list rows;
    struct decision_filter filter = {.site = query->site,
                                     .source = query->source,
                                     .kind = query->kind == SHAPE_NOT_PAUSED ? -1 : (int64_t)query->kind,
                                     .before_id = query->before_id,
                                     .limit = query->limit};
    enum status st = decision_list(tx, arena, &filter, &rows);
    if (st == STATUS_OK) take(arena, &rows, ret);
    return st;
}

enum status ledger_find_after(struct db *tx, struct arena *arena, int64_t after_id, int64_t limit, struct ledger_list *ret) {
    struct decision_list rows;
    enum status st = decision_list_after(tx, arena, after_id, limit, &rows);
    if (st == STATUS_OK) take(arena, &rows, ret);
    return st;
}

static bool may_hold(const struct shape_decision *d, int64_t now) {
    bool is_pause = d->what == SHAPE_PAUSE || d->what == SHAPE_RESUME;
    return is_pause || now - d->at < SHAPE_KEEP_MS;
}

enum status ledger_find_held(struct db *tx, struct arena *arena, int64_t now_wall_ms, struct ledger_list *ret) {
    struct ledger_list all;
    enum status st = ledger_find(tx, arena, &(struct ledger_query){.limit = LEDGER_RESTORE_MAX}, &all);
    if (st != STATUS_OK) return st;
    *ret = (struct ledger_list){.items = arena_array(arena, all.count, sizeof *ret->items)};
    for (size_t i = all.count; i-- > 0;)
        if (may_hold(&all.items[i].decision, now_wall_ms)) ret->items[ret->count++] = all.items[i];
    return st;
}

static void add_until(struct buf *out, int64_t value) {
    if (value == 0 || value == SHAPE_NO_END) return buf_add_z(out, value ? "until resumed" : "not paused");
    buf_add_z(out, "until ");
    time_add_sql(out, value);
}

void ledger_add_value(struct buf *out, enum shape_what what, int64_t value) {
    switch (what) {
    case SHAPE_PAUSE:
    case SHAPE_RESUME:
        return add_until(out, value);
    case SHAPE_CONNECTIONS:
        return buf_addf(out, "%lld connection%s", (long long)value, value == 1 ? "" : "s");
    case SHAPE_RAMP:
        if (value <= 1) return buf_add_z(out, value ? "one message" : "no ramp");
        return buf_addf(out, "%lld a minute", (long long)value);
    default:
        if (!value) return buf_add_z(out, "no cap");
        buf_addf(out, "%lld a minute", (long long)value);
    }
}
