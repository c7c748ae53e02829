/* feed_driver.h - brings events to the operator's feed (core/feed.h), a batch at a time.
 *
 *   commit (FEED_MARK), start, timer --gather--> make (reader) --> write (a thread of its own) --> took (writer) --> again
 *                                                                     |  it failed: wait, 1 s to a minute; what is there
 *                                                                        already and could not be taken is not written again
 *
 * A batch is all that is in memory, however much waits; what waits is rows. It keeps nothing that matters: whoever is killed
 * makes the batch again. All of it on one loop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_HOOK_FEED_DRIVER_H
#define POSTHORN_HOOK_FEED_DRIVER_H

#include "base/metrics.h"
#include "core/feed.h"
#include "net/executor.h"

#define FEED_GATHER_MS   200 /* after a first event, for those that come with it: one sync and one commit for all */
#define FEED_WAIT_MS     1000
#define FEED_WAIT_MAX_MS 60000
#define FEED_LOOK_MS     10000 /* rows are looked for so often that nobody told of */

struct feed_driver;
/* Everything pointed at must outlive it. */
struct feed_driver_options {
    struct loop *loop;
    struct executor *writer, *readers;
    struct metrics *metrics;
    struct str target; /* [events] feed */
};
/* INVALID: the target is none. IO: no thread can be had. */
WARN_UNUSED enum status feed_driver_new(const struct feed_driver_options *options, struct feed_driver **ret);
/* No loop runs yet, or on the loop. */
void feed_driver_start(struct feed_driver *d);
/* Any thread: a commit left FEED_MARK. */
void feed_driver_wake(struct feed_driver *d);
/* On the loop: end what is under way, then done(arg), perhaps at once. */
void feed_driver_stop(struct feed_driver *d, void (*done)(void *arg), void *arg);
/* After feed_driver_stop, or when the loop never ran, while it exists; then, when it does not any more: its mailbox may have
 * held the wake. NULL, and NULL inside, is fine. */
void feed_driver_close(struct feed_driver *d);
void feed_driver_free(struct feed_driver **d);

#endif
