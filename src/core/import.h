/* import.h - a file of people on its way into a list: judged once as a whole, then taken in slices.
 *
 * import_judge() reads the header line and looks at all of the text, so that what is no CSV is refused at once; what is wrong
 * with a single line is found when the line is taken, and noted with its number. A slice and the new position are one
 * transaction: after a crash the import goes on where the last slice ended.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_IMPORT_H
#define POSTHORN_CORE_IMPORT_H

#include "core/lists.h"
#include "store/imports.h"

#define IMPORT_SLICE      500 /* records in one transaction */
#define IMPORT_ERRORS_MAX 100 /* that are kept with their lines; the others are only counted */

struct import_wishes {
    bool updates;      /* change the fields of those who are on the list */
    bool resubscribes; /* take those back who left, and those who are suppressed */
};
/* Fill options, position, line and total of *ret (options in the arena). NULL: fine; else why not, a sentence in the arena. Takes
 * some time for a big file: slow pool. */
const char *import_judge(struct arena *arena, struct str content, const struct import_wishes *wishes, struct import *ret);

/* On the writer: take the next records of import `id`, and move on. *ret_is_done: nothing is left to do (it was closed, here or
 * before). */
WARN_UNUSED enum status import_slice(struct db *tx, struct arena *arena, int64_t id, int64_t now, bool *ret_is_done);

/* "Processing", "Completed", "Cancelled", "Failed", static. */
const char *import_state_text(enum import_state state);

#endif
