/* imports.h - files of subscribers on their way into a list, worked off in slices in the background. As with list sends, the row
 * is the state of the work, and `position` moves in the transaction that did the rows before it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_IMPORTS_H
#define POSTHORN_STORE_IMPORTS_H

#include "base/id.h"
#include "store/list_sends.h"

#define IMPORT_CHUNK_BYTES ((size_t)64 << 10)

/* Stored numbers: never renumber. */
enum import_state { IMPORT_OPEN = 0, IMPORT_DONE = 1, IMPORT_CANCELLED = 2, IMPORT_FAILED = 3 };
struct import {
    int64_t id;
    struct id uuid; /* the API's ImportID */
    int64_t account_id;
    int64_t list_id;
    struct str options; /* JSON object: core/import.h's */
    enum import_state state;
    int64_t size_bytes;
    int64_t position; /* bytes that are done */
    int64_t line;     /* number of the line that begins there, from 1 */
    int64_t total;    /* records in the file, the header left out */
    int64_t added, changed, refused;
    struct str errors; /* JSON array */
    int64_t created_at;
    int64_t finished_at; /* 0: open */
};
/* Add an open one with its file, from uuid, account, list, options, position, line, total, created_at. EXISTS: uuid is taken. */
WARN_UNUSED enum status import_add(struct db *tx, const struct import *import, struct str content, int64_t *ret_id);
/* By number, whoever's: for the gateway's own work. */
WARN_UNUSED enum status import_get(struct db *tx, struct arena *a, int64_t id, struct import *ret);
/* NOT_FOUND when absent or another account's. */
WARN_UNUSED enum status import_find(struct db *tx, struct arena *a, int64_t account_id, struct id uuid, struct import *ret);
/* Append the file from `position` on to out: two chunks at most, so at least one whole, or what is left. */
WARN_UNUSED enum status import_read(struct db *tx, int64_t id, int64_t position, struct buf *out);

/* A slice is done: write position, line, added, changed, refused, errors as they are in `import`, if it is open and still at
 * `seen_position`. NOT_FOUND: it is not, and nothing of the slice may stand. */
WARN_UNUSED enum status import_advance(struct db *tx, const struct import *import, int64_t seen_position);
/* Close an open one; its file is dropped. NOT_FOUND: it was not open. */
WARN_UNUSED enum status import_close(struct db *tx, int64_t id, enum import_state state, int64_t now);

/* How many of the account's are open. */
WARN_UNUSED enum status import_count_open(struct db *tx, int64_t account_id, int64_t *ret_count);
/* Open ones, the `per_account` oldest of each account; at most OPEN_WORK_MAX. */
WARN_UNUSED enum status import_open(struct db *tx, struct arena *a, int per_account, struct open_work_list *ret);

#endif
