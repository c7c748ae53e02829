/* live_ask.h - a step that asks running deliveries something (core/live.h) and waits for the answer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_LIVE_ASK_H
#define POSTHORN_API_LIVE_ASK_H

#include "api/call.h"
#include "core/live.h"

/* In the call's state, zeroed. */
struct live_ask_state {
    struct call *call;
    struct live_question question;
    struct post post;
};
/* In a STEP_WAIT: fill in s->question, then this; the next step comes when it is answered. Without running deliveries nothing is
 * found. */
enum status live_ask_begin(struct live_ask_state *s, struct call *call);
/* In call->cleanup. */
void live_ask_end(struct live_ask_state *s);

#endif
