/* threads.h - the loops' threads, and doing something on a loop from outside while waiting for it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_THREADS_H
#define POSTHORN_APP_THREADS_H

#include "net/loop.h"

#include <pthread.h>

#define THREADS_MAX 64

struct threads {
    struct loop *loops[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    size_t count, running;
};

/* Make `count` loops; none runs yet. */
WARN_UNUSED enum status threads_open(struct threads *t, size_t count);
/* Start a thread for each loop; signals stay blocked there. */
WARN_UNUSED enum status threads_start(struct threads *t);
/* Stop the loops and join their threads; the loops exist until threads_free. */
void threads_stop(struct threads *t);
void threads_free(struct threads *t);

/* Call fn(arg, waiter) on the loop and block until somebody calls threads_done(waiter), on any thread. Runs it in place when the
 * loops do not run. */
struct waiter;
void threads_call(struct threads *t, struct loop *loop, void (*fn)(void *arg, struct waiter *waiter), void *arg);
/* Fits `void (*done)(void *arg)` with the waiter as arg. */
void threads_done(void *waiter);

#endif
