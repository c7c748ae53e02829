/* loop.c - the event loop over libevent: one thread each, a mailbox through an eventfd, timers.
 *
 * A base is touched by its own thread only, therefore it runs without libevent's locks; the mailbox (a list under a mutex) is the
 * one way in. Only the post that finds the mailbox empty writes to the eventfd, so a burst of posts wakes the loop once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <event2/event.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct loop {
    struct event_base *base;
    struct event *wake;
    int wake_fd;
    atomic_bool is_stopping;
    pthread_mutex_t lock;
    struct list mailbox; /* under lock */
};

static void ring(struct loop *loop) {
    uint64_t one = 1;
    while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

/* Posts that come while these are called ring again and wait for the next turn: sockets and timers get theirs in between. */
static void deliver_posts(struct loop *loop) {
    struct list posts;
    list_init(&posts);
    pthread_mutex_lock(&loop->lock);
    if (!list_is_empty(&loop->mailbox)) {
        posts = loop->mailbox;
        posts.next->prev = posts.prev->next = &posts;
        list_init(&loop->mailbox);
    }
    pthread_mutex_unlock(&loop->lock);
    for (struct list *node; (node = list_pop(&posts)) != NULL;) {
        struct post *post = LIST_OWNER(node, struct post, node);
        post->fn(post);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *arg) {
    (void)what;
    struct loop *loop = arg;
    uint64_t rings;
    while (read(fd, &rings, sizeof rings) < 0 && errno == EINTR) {
    }
    deliver_posts(loop);
    if (atomic_load(&loop->is_stopping)) event_base_loopbreak(loop->base);
}

static struct event_base *new_base(void) {
    struct event_config *config = event_config_new();
    if (!config) return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME); /* a long turn must not shorten the timers started in it */
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

enum status loop_new(struct loop **ret) {
    signal(SIGPIPE, SIG_IGN);
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop) abort();
    pthread_mutex_init(&loop->lock, NULL);
    list_init(&loop->mailbox);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->base = new_base();
    if (loop->wake_fd >= 0 && loop->base) loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    if (!loop->wake || event_add(loop->wake, NULL) != 0) {
        loop_free(&loop);
        return STATUS_IO;
    }
    *ret = loop;
    return STATUS_OK;
}

void loop_free(struct loop **loop) {
    struct loop *l = *loop;
    if (!l) return;
    *loop = NULL;
    while (!list_is_empty(&l->mailbox)) deliver_posts(l);
    if (l->wake) event_free(l->wake);
    if (l->base) event_base_free(l->base);
    if (l->wake_fd >= 0) close(l->wake_fd);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void loop_run(struct loop *loop) {
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    atomic_store(&loop->is_stopping, false);
}

void loop_stop(struct loop *loop) {
    atomic_store(&loop->is_stopping, true);
    ring(loop);
}

const struct clock *loop_clock(struct loop *loop) {
    (void)loop;
    return clock_system();
}

struct event_base *loop_event_base(struct loop *loop) {
    return loop->base;
}

void loop_post(struct loop *loop, struct post *post) {
    pthread_mutex_lock(&loop->lock);
    bool was_empty = list_is_empty(&loop->mailbox);
    list_add_tail(&loop->mailbox, &post->node);
    pthread_mutex_unlock(&loop->lock);
    if (was_empty) ring(loop);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    struct timer *t = arg;
    t->fn(t->arg);
}

void timer_init(struct timer *t, struct loop *loop, void (*fn)(void *arg), void *arg) {
    *t = (struct timer){.loop = loop, .fn = fn, .arg = arg};
}

void timer_start(struct timer *t, int64_t ms) {
    if (!t->impl) t->impl = event_new(t->loop->base, -1, 0, on_timer, t);
    if (!t->impl) abort();
    if (ms < 0) ms = 0;
    struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
    event_add(t->impl, &wait);
}

void timer_stop(struct timer *t) {
    if (t->impl) event_del(t->impl);
}

bool timer_is_running(const struct timer *t) {
    return t->impl && event_pending(t->impl, EV_TIMEOUT, NULL);
}

void timer_fini(struct timer *t) {
    if (t->impl) event_free(t->impl);
    t->impl = NULL;
}
