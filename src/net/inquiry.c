/* inquiry.c - runs a step machine that asks DNS questions to its end.
 *
 * Each question gets a number in the order it was handed out. After an answer the machine is asked again; when it wants
 * nothing and nothing is open it is done. Works over any resolver (net, net_sim).
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"

#include <stdlib.h>

#define OPEN_MAX 16 /* questions of one inquiry under way at once */

struct asking {
    struct inquiry *inquiry;
    struct resolver_query *query; /* NULL: the slot is free */
    size_t index;
};
struct inquiry {
    struct resolver *resolver;
    struct loop *loop;
    const struct inquiry_ops *ops;
    void *machine;
    struct asking slots[OPEN_MAX];
    size_t open, asked;
    struct timer start; /* done never comes from inside inquiry_start */
};

static void on_answer(void *arg, const struct dns_answer *answer);

static void ask(struct inquiry *i, struct dns_question question) {
    struct asking *slot = i->slots;
    while (slot->query) slot++;
    slot->inquiry = i;
    slot->index = i->asked++;
    slot->query = resolver_ask(i->resolver, i->loop, question, on_answer, slot);
    i->open++;
}

static void release(struct inquiry *i) {
    timer_fini(&i->start);
    free(i);
}

static void go_on(void *arg) {
    struct inquiry *i = arg;
    while (i->open < OPEN_MAX) {
        struct dns_question questions[OPEN_MAX];
        size_t n = i->ops->next(i->machine, questions, OPEN_MAX - i->open);
        for (size_t q = 0; q < n; q++) ask(i, questions[q]);
        if (n == 0) break;
    }
    if (i->open > 0) return;
    const struct inquiry_ops *ops = i->ops;
    void *machine = i->machine;
    release(i);
    ops->done(machine);
}

static void on_answer(void *arg, const struct dns_answer *answer) {
    struct asking *slot = arg;
    struct inquiry *i = slot->inquiry;
    slot->query = NULL;
    i->open--;
    i->ops->answer(i->machine, slot->index, answer);
    go_on(i);
}

struct inquiry *inquiry_start(struct resolver *r, struct loop *loop, const struct inquiry_ops *ops, void *machine) {
    struct inquiry *i = calloc(1, sizeof *i);
    if (!i) abort();
    *i = (struct inquiry){.resolver = r, .loop = loop, .ops = ops, .machine = machine};
    timer_init(&i->start, loop, go_on, i);
    timer_start(&i->start, 0);
    return i;
}

void inquiry_cancel(struct inquiry **inquiry) {
    struct inquiry *i = *inquiry;
    if (!i) return;
    *inquiry = NULL;
    for (size_t s = 0; s < OPEN_MAX; s++) resolver_cancel(&i->slots[s].query);
    release(i);
}
