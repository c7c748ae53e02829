/* work_own.h - inside work: a slice, and the kinds of work that are done in slices.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_WORK_OWN_H
#define POSTHORN_API_WORK_OWN_H

#include "api/operation.h"
#include "api/work.h"
#include "core/list_send.h"

enum slice_end {
    SLICE_MORE, /* something was done; the next slice may follow */
    SLICE_DONE, /* nothing is left */
    SLICE_WAIT, /* not before retry_at */
};
/* A piece of one row's work, carried from step to step like a call. Its steps are the functions of its kind; one that wants no
 * more of them sets is_ended. */
struct slice {
    struct work *work;
    const struct api_options *api;
    struct arena arena;
    int64_t id;  /* of the row */
    int64_t now; /* wall, when the slice began */
    void *state; /* a kind's; in the arena */
    size_t write_bytes;
    bool is_ended;
    enum slice_end end;
    int64_t retry_at; /* WAIT: wall; 0: soon */
};
typedef enum status (*slice_fn)(struct slice *slice, struct db *db);

#define SLICE_STEPS_MAX 6
struct work_kind {
    const char *name; /* in the log */
    struct {
        enum step_where where; /* LOOP, READER, SLOW, WRITER, or WAIT: goes on with slice_resume */
        slice_fn fn;
    } steps[SLICE_STEPS_MAX];
    void (*fini)(struct slice *slice); /* for what state holds outside the arena; may be NULL */
    /* Open rows, some of each account. */
    enum status (*find)(struct db *db, struct arena *arena, int per_account, struct open_work_list *ret);
    /* On the writer: give up, for a reason that no waiting mends. */
    enum status (*fail)(struct db *db, int64_t id, struct str reason, int64_t now);
};
extern const struct work_kind list_send_work, import_work, queue_work;

/* The end of a STEP_WAIT, once; on the work's loop, after the step's function has returned. */
void slice_resume(struct slice *slice);
struct loop *slice_loop(const struct slice *slice);

#endif
