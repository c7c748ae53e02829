/* call_pieces.c - the rest of an answer in pieces: call->more is run on a searcher for each, when the one before has been taken.
 *
 * Between two pieces nothing waits for the peer but memory. Searchers that have too much to do are asked again after a while:
 * an answer that has begun is not given up for that.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

#define BUSY_MS 100

static enum status run_piece(struct job *job, void *ctx) {
    struct call *c = LIST_OWNER(job, struct call, job);
    buf_reset(&c->out);
    return c->more(c, ctx);
}

static void piece_done(struct job *job) {
    struct call *c = LIST_OWNER(job, struct call, job);
    c->fault = job->status;
    c->piece(c);
}

static void ask_again(void *arg) {
    struct call *c = arg;
    timer_fini(&c->busy);
    call_more(c);
}

void call_more(struct call *c) {
    c->job = (struct job){.run = run_piece, .done = piece_done, .loop = c->loop, .lane = c->scope.account_id};
    enum status status = executor_submit(c->api->searchers, &c->job);
    if (status == STATUS_LIMIT) {
        timer_init(&c->busy, c->loop, ask_again, c);
        timer_start(&c->busy, BUSY_MS);
    } else if (status != STATUS_OK) {
        c->fault = status;
        c->piece(c);
    }
}
