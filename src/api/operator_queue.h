/* operator_queue.h - steps of the operator's calls about the queue; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_OPERATOR_QUEUE_H
#define POSTHORN_API_OPERATOR_QUEUE_H

#include "api/live_ask.h"
#include "api/message_hold.h"
#include "api/operation.h"
#include "api/operator_filter.h"

#define OPERATOR_COUNTS_MAX 1000 /* different ones of a count */
#define OPERATOR_REASON_MAX 100  /* bytes of a reason that is counted */

/* The state of a call that walks the queue. */
struct operator_walk {
    struct live_ask_state live;
    bool is_of_site, is_by_site, is_begun;
    struct queue_filter filter;
    struct queue_sweep at;
    struct queue_item *items; /* list */
    size_t item_count;
    struct queue_count *counts; /* top */
    size_t count_count;
    int64_t total, others;
    struct queue_order order; /* orders */
    struct queue_ids ids;
    bool is_small; /* done within the call */
    struct message_hold hold;
    struct queue_result result;
    int64_t job_id;
};

/* All walks begin so: a LOOP step and, unless it is left out, a WAIT step that finds the domains of Site. */
enum status operator_queue_begin(struct call *call, struct db *db);
enum status operator_queue_ask_site(struct call *call, struct db *db);
/* Not a step: make the filter, once; see operator_filter(). */
enum status operator_queue_filter(struct call *call, struct db *db);

enum status operator_queue_list(struct call *call, struct db *db);
enum status operator_queue_top(struct call *call, struct db *db);
enum status operator_why_find(struct call *call, struct db *db);
enum status operator_why_ask(struct call *call, struct db *db);
enum status operator_why_answer(struct call *call, struct db *db);
enum status operator_transcript_show(struct call *call, struct db *db);

/* Orders (operator_orders.c): find, hold, store, release. */
enum status operator_order_find(struct call *call, struct db *db);
enum status operator_order_hold(struct call *call, struct db *db);
enum status operator_order_store(struct call *call, struct db *db);
enum status operator_order_release(struct call *call, struct db *db);
enum status operator_queue_jobs(struct call *call, struct db *db);

#endif
