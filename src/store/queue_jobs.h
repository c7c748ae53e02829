/* queue_jobs.h - what is done to many waiting recipients at once, in slices: for the operator by filter, for a sender domain that
 * is cleared or deleted. The state of the work is the row: `place` moves in the transaction that does the slice's work.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_QUEUE_JOBS_H
#define POSTHORN_STORE_QUEUE_JOBS_H

#include "store/list_sends.h" /* struct open_work */

/* Stored numbers: never renumber. */
enum queue_verb {
    QUEUE_RETRY = 0,   /* due now */
    QUEUE_HOLD = 1,    /* not tried until it is released */
    QUEUE_RELEASE = 2, /* held ones wait again */
    QUEUE_CANCEL = 3,  /* ends as cancelled */
    QUEUE_MOVE = 4,    /* due at another time, or with another priority */
    QUEUE_FAIL = 5,    /* ends as failed */
    QUEUE_VERB_COUNT
};
struct queue_job {
    int64_t id;
    int64_t account_id; /* whose turn it takes; 0: the operator's */
    enum queue_verb verb;
    struct str filter; /* JSON (core/queue_orders.h) */
    int64_t due_at;    /* MOVE */
    int priority;      /* MOVE; -1: as it was */
    struct str reason;
    struct str place; /* "" at the beginning */
    int64_t changed;  /* recipients */
    int64_t busy;     /* in flight when the walk came by */
    int64_t created_at, finished_at;
    struct str ended; /* why, when it did not come to its end */
};
struct queue_job_list {
    struct queue_job *items;
    size_t count;
};
/* Add an open one from account, verb, filter, due, priority, reason, created_at. */
WARN_UNUSED enum status queue_job_add(struct db *tx, const struct queue_job *job, int64_t *ret_id);
WARN_UNUSED enum status queue_job_get(struct db *tx, struct arena *a, int64_t id, struct queue_job *ret);
/* The newest first. */
WARN_UNUSED enum status queue_job_list(struct db *tx, struct arena *a, int limit, struct queue_job_list *ret);
/* A slice is done: the walk moves on from `seen_place`. NOT_FOUND: it is not open any more, or another slice was faster; then
 * nothing of this one may stand. */
struct queue_job_step {
    int64_t id;
    struct str seen_place, place;
    int64_t changed; /* more */
    int64_t busy;    /* of this walk */
};
WARN_UNUSED enum status queue_job_advance(struct db *tx, const struct queue_job_step *step);
/* Close an open one; ended "": it came to its end. NOT_FOUND: it was not open. Old closed ones go. */
WARN_UNUSED enum status queue_job_close(struct db *tx, int64_t id, struct str ended, int64_t now);
WARN_UNUSED enum status queue_job_open(struct db *tx, struct arena *a, int per_account, struct open_work_list *ret);

#endif
