/* threads.c - start, stop, and call into loops.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/threads.h"

#include <semaphore.h>
#include <signal.h>
#include <string.h>

struct waiter {
    struct post post;
    void (*fn)(void *arg, struct waiter *waiter);
    void *arg;
    sem_t done;
};

enum status threads_open(struct threads *t, size_t count) {
    memset(t, 0, sizeof *t);
    for (; t->count < count && t->count < THREADS_MAX; t->count++) {
        enum status st = loop_new(&t->loops[t->count]);
        if (st != STATUS_OK) return st;
    }
    return STATUS_OK;
}

static void *run(void *arg) {
    loop_run(arg);
    return NULL;
}

enum status threads_start(struct threads *t) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (t->running < t->count && pthread_create(&t->ids[t->running], NULL, run, t->loops[t->running]) == 0) t->running++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return t->running == t->count ? STATUS_OK : STATUS_LIMIT;
}

void threads_stop(struct threads *t) {
    for (size_t i = 0; i < t->running; i++) loop_stop(t->loops[i]);
    for (size_t i = 0; i < t->running; i++) pthread_join(t->ids[i], NULL);
    t->running = 0;
}

void threads_free(struct threads *t) {
    for (size_t i = 0; i < t->count; i++) loop_free(&t->loops[i]);
    t->count = 0;
}

static void on_post(struct post *post) {
    struct waiter *w = LIST_OWNER(post, struct waiter, post);
    w->fn(w->arg, w);
}

void threads_call(struct threads *t, struct loop *loop, void (*fn)(void *arg, struct waiter *waiter), void *arg) {
    struct waiter w = {.post.fn = on_post, .fn = fn, .arg = arg};
    sem_init(&w.done, 0, 0);
    if (t->running)
        loop_post(loop, &w.post);
    else
        fn(arg, &w);
    while (sem_wait(&w.done) != 0) {
    }
    sem_destroy(&w.done);
}

void threads_done(void *waiter) {
    struct waiter *w = waiter;
    sem_post(&w->done);
}
