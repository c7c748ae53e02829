/* rows.c - the few shapes every verb has.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/rows.h"

#include <string.h>

enum status row_first(struct stmt *s) {
    enum status st = stmt_step(s);
    if (st == STATUS_ROW) return STATUS_OK;
    return st == STATUS_OK ? STATUS_NOT_FOUND : st;
}

enum status row_get(struct stmt *s, struct arena *a, row_fill_fn fill, void *ret_item) {
    enum status st = row_first(s);
    if (st == STATUS_OK) fill(s, a, ret_item);
    return st;
}

enum status row_int(struct stmt *s, int64_t *ret) {
    enum status st = row_first(s);
    if (st == STATUS_OK) *ret = stmt_int(s, 0);
    return st;
}

enum status row_none(struct stmt *s) {
    enum status st = row_first(s);
    if (st == STATUS_OK) return STATUS_EXISTS;
    return st == STATUS_NOT_FOUND ? STATUS_OK : st;
}

enum status rows_change(struct db *tx, struct stmt *s, int64_t *ret_changed) {
    enum status st = stmt_run(s);
    if (st == STATUS_OK) *ret_changed = db_changes(tx);
    return st;
}

enum status row_change(struct db *tx, struct stmt *s) {
    int64_t changed = 0;
    enum status st = rows_change(tx, s, &changed);
    return st == STATUS_OK && changed == 0 ? STATUS_NOT_FOUND : st;
}

enum status rows_collect(struct stmt *s, struct arena *a, size_t size, row_fill_fn fill, void *ret_list) {
    char *items = NULL;
    size_t count = 0, cap = 0;
    enum status st;
    while ((st = stmt_step(s)) == STATUS_ROW) {
        if (count == cap) {
            cap = cap ? cap * 2 : 8;
            char *bigger = arena_array(a, cap, size);
            if (count) memcpy(bigger, items, count * size);
            items = bigger;
        }
        fill(s, a, items + count++ * size);
    }
    if (st == STATUS_OK) *(struct row_list *)ret_list = (struct row_list){items, count};
    return st;
}

struct str row_text(struct stmt *s, struct arena *a, int column) {
    return arena_str(a, stmt_text(s, column));
}

struct id row_uuid(struct stmt *s, int column) {
    struct id id = {0};
    struct str bytes = stmt_blob(s, column);
    if (bytes.n == sizeof id.b) memcpy(id.b, bytes.p, sizeof id.b);
    return id;
}
