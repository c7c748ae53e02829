/* message_hold.h - a step between reading and writing: what a call is about to decide does not begin meanwhile (core/queue.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_MESSAGE_HOLD_H
#define POSTHORN_API_MESSAGE_HOLD_H

#include "api/call.h"
#include "core/messages.h"

/* In the call's or the slice's state, zeroed. */
struct message_hold {
    const struct api_options *api;
    struct loop *loop;
    void (*then)(void *arg); /* on the loop: it holds */
    void *arg;
    void *hold;
    struct queue_held held;
    struct post post;
};
/* In a STEP_WAIT: the next step comes when it holds. */
enum status message_hold_begin(struct message_hold *h, struct call *call, const struct queue_hold *what);
/* The same for who is no call: then(arg) comes later, on this loop. */
void message_hold_start(struct message_hold *h, const struct queue_hold *what);
/* After the writer, in a STEP_LOOP, and again in call->cleanup for calls that ended before: let go. */
void message_hold_end(struct message_hold *h);
/* What was in flight when it began. */
struct message_flight message_hold_flight(const struct message_hold *h);

#endif
