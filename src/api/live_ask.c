/* live_ask.c - see live_ask.h. The answer comes on the deliveries' thread and goes back to the call's by its mailbox.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/live_ask.h"

static void on_post(struct post *post) {
    call_resume(LIST_OWNER(post, struct live_ask_state, post)->call);
}

static void on_answer(struct live_question *question) {
    struct live_ask_state *s = LIST_OWNER(question, struct live_ask_state, question);
    loop_post(s->call->loop, &s->post);
}

enum status live_ask_begin(struct live_ask_state *s, struct call *call) {
    s->call = call;
    s->post.fn = on_post;
    s->question.done = on_answer;
    if (call->api->live_ask)
        call->api->live_ask(call->api->arg, &s->question);
    else
        on_answer(&s->question);
    return STATUS_OK;
}

void live_ask_end(struct live_ask_state *s) {
    arena_fini(&s->question.arena);
}
