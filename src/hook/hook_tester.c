/* hook_tester.c - see hook_tester.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_tester.h"

#include "hook/hook_request.h"

#include <stdlib.h>

struct hook_tester {
    struct hook_tester_options options;
    struct list tests; /* under way */
    bool is_stopping;
};
struct test {
    struct list node;
    struct post post;
    struct hook_tester *tester;
    struct hook_trial *trial;
    struct http_client_call *http;
};

static int64_t now_of(const struct hook_tester *t) {
    return clock_wall_ms(loop_clock(t->options.loop));
}

static void end(struct test *test) {
    struct hook_trial *trial = test->trial;
    http_client_cancel(&test->http);
    list_remove(&test->node);
    free(test);
    trial->done(trial);
}

static void on_answer(void *arg, const struct http_client_result *r) {
    struct test *test = arg;
    struct hook_trial *trial = test->trial;
    test->http = NULL;
    trial->was_called = true;
    hook_request_answer(r, &trial->body, &trial->why, &trial->answer);
    trial->answer.ended_at = now_of(test->tester);
    if (trial->answer.ended_at < trial->answer.began_at) trial->answer.ended_at = trial->answer.began_at; /* the clock was set */
    end(test);
}

static bool has_place(const struct hook_tester *t, int64_t account_id) {
    size_t all = 0, own = 0;
    LIST_FOR_EACH (it, &t->tests) {
        all++;
        own += LIST_OWNER(it, struct test, node)->trial->turn.account_id == account_id;
    }
    return !t->is_stopping && all < HOOK_TESTS_MAX && own < HOOK_TESTS_ACCOUNT_MAX;
}

static void begin(struct post *post) {
    struct test *test = LIST_OWNER(post, struct test, post);
    struct hook_tester *t = test->tester;
    struct hook_trial *trial = test->trial;
    list_init(&test->node);
    if (!has_place(t, trial->turn.account_id)) {
        end(test);
        return;
    }
    list_add_tail(&t->tests, &test->node);
    trial->answer.began_at = now_of(t);
    test->http = hook_request_start(&(struct hook_request){.http = t->options.http,
                                                           .turn = &trial->turn,
                                                           .call = &trial->turn.calls[0],
                                                           .timeout_ms = t->options.timeout_ms,
                                                           .allow_private = t->options.allow_private},
                                    on_answer, test);
}

struct hook_tester *hook_tester_new(const struct hook_tester_options *options) {
    struct hook_tester *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->options = *options;
    list_init(&t->tests);
    return t;
}

void hook_tester_ask(struct hook_tester *t, struct hook_trial *trial) {
    struct test *test = calloc(1, sizeof *test);
    if (!test) abort();
    test->post.fn = begin;
    test->tester = t;
    test->trial = trial;
    trial->was_called = false;
    loop_post(t->options.loop, &test->post);
}

void hook_tester_stop(struct hook_tester *t) {
    t->is_stopping = true;
    while (!list_is_empty(&t->tests)) end(LIST_OWNER(t->tests.next, struct test, node));
}

void hook_tester_free(struct hook_tester **tester) {
    free(*tester);
    *tester = NULL;
}
