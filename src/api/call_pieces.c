/* call_pieces.c - the rest of an answer in pieces: call->more is run for each, when the one before has been taken.
 *
 * It runs in the background, so that searches do not wait behind what nobody looks at yet; the queue there has room for more of
 * them than there may be (api/export_gate.h). Between two pieces nothing waits for the peer but memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

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

void call_more(struct call *c) {
    c->job = (struct job){.run = run_piece, .done = piece_done, .loop = c->loop, .lane = c->scope.account_id};
    enum status status = executor_submit(c->api->background, &c->job);
    if (status == STATUS_OK) return;
    c->fault = status;
    c->piece(c);
}
