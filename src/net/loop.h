/* loop.h - an event loop: one thread, timers, and a mailbox through which other threads reach it.
 *
 * Built on libevent in net/, on a script and a clock of its own in net_sim/ (link one or the other). Everything is called on
 * the loop's own thread, except loop_post and loop_stop. Deadlines are absolute times of the monotonic clock.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_LOOP_H
#define POSTHORN_NET_LOOP_H

#include "base/clock.h"
#include "base/list.h"
#include "base/status.h"

struct loop;
/* Also makes the process ignore SIGPIPE: a peer that went away is a status, not a death. */
WARN_UNUSED enum status loop_new(struct loop **ret);
/* Calls what is still in the mailbox first (jobs that came back after the loop stopped). */
void loop_free(struct loop **loop);
/* Runs until loop_stop; net_sim: until nothing is left to happen or loop_stop. */
void loop_run(struct loop *loop);
/* Any thread. */
void loop_stop(struct loop *loop);
/* Wall and monotonic time; net_sim's own. */
const struct clock *loop_clock(struct loop *loop);
/* libevent's event_base, for net's own files; NULL in net_sim. */
struct event_base;
struct event_base *loop_event_base(struct loop *loop);

/* The mailbox. Embed a `struct post`; it belongs to the loop from loop_post until fn is called there. In order per sender. */
struct post {
    struct list node;
    void (*fn)(struct post *post);
};
/* Any thread. */
void loop_post(struct loop *loop, struct post *post);

/* A timer lives in its owner's struct. timer_init once; start moves it if it runs; fn is called once per start. */
struct timer {
    struct loop *loop;
    void (*fn)(void *arg);
    void *arg;
    void *impl;
};
void timer_init(struct timer *t, struct loop *loop, void (*fn)(void *arg), void *arg);
/* After `ms` from now (0: on the next turn). */
void timer_start(struct timer *t, int64_t ms);
void timer_stop(struct timer *t);
bool timer_is_running(const struct timer *t);
/* Stop and release; the struct may go. */
void timer_fini(struct timer *t);

#endif
