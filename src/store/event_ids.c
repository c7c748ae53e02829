/* event_ids.c - see event_ids.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_ids.h"

#include "base/clock.h"
#include "store/rows.h"

#include <stdlib.h>

#define FIRST_DAY   INT64_C(20454) /* 2026-01-01 */
#define DAY_MAX     ((INT64_C(1) << 14) - 1)
#define DOMAIN_MASK ((INT64_C(1) << 18) - 1)
#define NUMBER_MASK ((INT64_C(1) << 31) - 1)

struct numbers {
    struct db_late late; /* first */
    int64_t last;
};

static enum status numbers_write(struct db_late *late, struct db *tx) {
    struct stmt *s = db_stmt(tx, "UPDATE event_ids SET last = ?1");
    stmt_bind_int(s, 1, ((struct numbers *)(void *)late)->last);
    return stmt_run(s);
}

static void numbers_free(struct db_late *late) {
    free(late);
}

static enum status numbers_of(struct db *tx, struct numbers **ret) {
    int64_t last;
    struct numbers *n = (struct numbers *)(void *)db_find_late(tx, numbers_write);
    if (!n) {
        enum status status = row_int(db_stmt(tx, "SELECT last FROM event_ids"), &last);
        if (status != STATUS_OK) return status;
        n = calloc(1, sizeof *n);
        if (!n) abort();
        n->late = (struct db_late){.write = numbers_write, .free = numbers_free};
        n->last = last;
        db_add_late(tx, &n->late);
    }
    *ret = n;
    return STATUS_OK;
}

static int64_t day_of(int64_t at) {
    int64_t day = at / CLOCK_DAY_MS - FIRST_DAY;
    if (day < 0) return 0;
    return day < DAY_MAX ? day : DAY_MAX;
}

enum status event_id_next(struct db *tx, const struct event *event, int64_t *ret_id) {
    struct numbers *n = NULL;
    enum status status = numbers_of(tx, &n);
    if (status != STATUS_OK) return status;
    n->last++;
    *ret_id = day_of(event->at) << 49 | (event->domain_id & DOMAIN_MASK) << 31 | (n->last & NUMBER_MASK);
    return STATUS_OK;
}
