/* queue_orders.h - what is to become of many waiting recipients at once, and which: as values, as they are kept, and slice by
 * slice.
 *
 *   order --queue_order_page, on a reader--> ids --a hold over them (core/queue.h)--> queue_order_apply, on the writer
 *
 * What a hold finds in flight keeps its own result; an order that must reach those as well walks again until it finds none. Only
 * what was accepted before the order is touched. State and event are written together (P3).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_QUEUE_ORDERS_H
#define POSTHORN_CORE_QUEUE_ORDERS_H

#include "core/messages.h"
#include "core/queue.h"
#include "store/queue_jobs.h"

#define QUEUE_SLICE_MAX   500 /* rows of one transaction */
#define QUEUE_DOMAINS_MAX 10000

struct queue_order {
    enum queue_verb verb;
    struct queue_filter filter; /* its state RECIPIENT_HELD: held ones only */
    int64_t due_at;             /* MOVE */
    int priority;               /* MOVE; -1: as it was */
    struct str reason;          /* told of those that end or are held */
};
/* "retry" ..., static. */
const char *queue_verb_text(enum queue_verb verb);

/* The filter as JSON and a place as "waiting/example.net/1/0/1795600000000/55" ("": the beginning), as rows of queue_jobs hold
 * them. Parsing: false when it is none of ours. */
void queue_filter_format(struct buf *out, const struct queue_filter *filter);
WARN_UNUSED bool queue_filter_parse(struct arena *arena, struct str text, struct queue_filter *ret);
void queue_sweep_format(struct buf *out, const struct queue_sweep *at);
WARN_UNUSED bool queue_sweep_parse(struct arena *arena, struct str text, struct queue_sweep *ret);

/* On a reader: the next recipients that the filter takes, whatever is done to them, among waiting and held ones. */
WARN_UNUSED enum status queue_filter_page(const struct queue_view *view, const struct queue_filter *filter,
                                          const struct queue_sweep *at, int limit, struct queue_page *ret);
/* The next piece of it counted. */
WARN_UNUSED enum status queue_filter_count(const struct queue_view *view, const struct queue_filter *filter,
                                           const struct queue_sweep *at, enum queue_count_by by, struct queue_count_list *ret,
                                           struct queue_page *ret_page);
/* The same of those in a state in which the order means something. */
WARN_UNUSED enum status queue_order_page(const struct queue_view *view, const struct queue_order *order,
                                         const struct queue_sweep *at, struct queue_page *ret);

struct queue_result {
    int64_t changed, busy;           /* busy: in flight, left alone */
    struct queue_entry_list entries; /* for the scheduler, which does not know their time yet */
};
/* On the writer, under a hold over these ids. Of those that are in another state by now nothing is changed. */
WARN_UNUSED enum status queue_order_apply(const struct queue_view *view, const struct queue_order *order,
                                          const struct queue_ids *ids, const struct message_flight *flight,
                                          struct queue_result *ret);

#endif
