/* import_work.c - a slice of an import: the writer reads, judges and stores in one transaction (core/import.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/work_own.h"

#include "core/import.h"

static enum status take(struct slice *slice, struct db *db) {
    ARENA_AUTO arena = {0}; /* of this run: the writer may run it again */
    bool is_done = false;
    enum status status = import_slice(db, &arena, slice->id, slice->now, &is_done);
    slice->end = is_done ? SLICE_DONE : SLICE_MORE;
    return status;
}

static enum status fail(struct db *db, int64_t id, struct str reason, int64_t now) {
    (void)reason;
    return import_close(db, id, IMPORT_FAILED, now);
}

const struct work_kind import_work = {.name = "import", .steps = {{STEP_WRITER, take}}, .find = import_open, .fail = fail};
