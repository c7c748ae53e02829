/* watch.h - looks every minute whether all is well, and tells the operator when it is not (core/alert.h).
 *
 *   timer --> files (slow pool) --> database (searcher) --late mail--> which sites are paused (mta) --> rows and mail (writer)
 *         --> log, webhook --> timer
 *
 * One round at a time, on one loop that never waits. It keeps nothing that matters: what was told stands in rows.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_WATCH_H
#define POSTHORN_APP_WATCH_H

#include "app/config.h"
#include "base/metrics.h"
#include "core/disk_gate.h"
#include "core/live.h"
#include "core/notices.h"
#include "core/queue.h"
#include "net/executor.h"
#include "net/resolver.h"

struct watch;
/* Everything pointed at must outlive it. */
struct watch_options {
    const struct config *config;
    struct certificates *certificates;
    struct loop *loop;
    struct executor *writer, *readers, *searchers, *slow;
    struct resolver *resolver; /* with a cache */
    struct metrics *metrics;
    const struct disk_gate *gate;
    struct notice_options notices;
    /* After COMMIT, on the loop: new entries for the scheduler; there may be new work for api/work.h. */
    void (*queue_offer)(void *arg, const struct queue_entry *entries, size_t count);
    void (*work_wake)(void *arg);
    /* mta_ask (mta/mta.h); question->done may come at once, or on another thread. */
    void (*live_ask)(void *arg, struct live_question *question);
    void *arg;
};
/* Does nothing until watch_start. INVALID, with *ret_why: the webhook's client cannot be set up. */
WARN_UNUSED enum status watch_new(const struct watch_options *options, struct watch **ret, struct buf *ret_why);
/* Any thread: the first round comes at once. */
void watch_start(struct watch *w);
/* Any thread: a round soon, or after the one under way. NULL does nothing. */
void watch_wake(struct watch *w);
/* On its loop: end what is under way, begin nothing more, then done(arg), perhaps at once. */
void watch_stop(struct watch *w, void (*done)(void *arg), void *arg);
/* After watch_stop, or when its loop never ran, while the loop exists. NULL inside is fine. */
void watch_free(struct watch **w);

#endif
