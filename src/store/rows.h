/* rows.h - the few shapes every verb has: find one, change one, list many. Inside the store room only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_ROWS_H
#define POSTHORN_STORE_ROWS_H

#include "base/arena.h"
#include "base/id.h"
#include "db/db.h"

/* Makes an item of a row; in rows_collect it is zeroed. */
typedef void (*row_fill_fn)(struct stmt *s, struct arena *a, void *item);

/* Steps to the first row: OK, or NOT_FOUND without one. */
WARN_UNUSED enum status row_first(struct stmt *s);
/* The same, and makes an item of it; takes the number in its first column. */
WARN_UNUSED enum status row_get(struct stmt *s, struct arena *a, row_fill_fn fill, void *ret_item);
WARN_UNUSED enum status row_int(struct stmt *s, int64_t *ret);
/* OK without a row, EXISTS with one. */
WARN_UNUSED enum status row_none(struct stmt *s);
/* Runs an UPDATE or DELETE; NOT_FOUND when it touched nothing. */
WARN_UNUSED enum status row_change(struct db *tx, struct stmt *s);
/* Runs a DELETE or INSERT of any number; *ret_changed tells how many. */
WARN_UNUSED enum status rows_change(struct db *tx, struct stmt *s, int64_t *ret_changed);

/* Steps through all rows and makes an item of `size` bytes of each. *ret_list is any list in the shape of row_list; its items
 * live in the arena. */
struct row_list {
    void *items;
    size_t count;
};
WARN_UNUSED enum status rows_collect(struct stmt *s, struct arena *a, size_t size, row_fill_fn fill, void *ret_list);

/* Columns copied into the arena; uuids. */
struct str row_text(struct stmt *s, struct arena *a, int column);
struct id row_uuid(struct stmt *s, int column);
static inline struct str uuid_str(const struct id *id) {
    return str_make((const char *)id->b, sizeof id->b);
}

#endif
