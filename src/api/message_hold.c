/* message_hold.c - see message_hold.h. The answer comes on the deliveries' thread and goes back to the call's by its mailbox.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/message_hold.h"

#include <stdlib.h>

static void on_post(struct post *post) {
    struct message_hold *h = LIST_OWNER(post, struct message_hold, post);
    h->then(h->arg);
}

static void on_held(struct queue_held *held) {
    struct message_hold *h = LIST_OWNER(held, struct message_hold, held);
    loop_post(h->loop, &h->post);
}

void message_hold_start(struct message_hold *h, const struct queue_hold *what) {
    const struct api_options *api = h->api;
    h->held.done = on_held;
    h->post.fn = on_post;
    if (api->queue_hold)
        h->hold = api->queue_hold(api->arg, what, &h->held);
    else
        on_held(&h->held);
}

static void resume(void *call) {
    call_resume(call);
}

enum status message_hold_begin(struct message_hold *h, struct call *call, const struct queue_hold *what) {
    *h = (struct message_hold){.api = call->api, .loop = call->loop, .then = resume, .arg = call};
    message_hold_start(h, what);
    return STATUS_OK;
}

void message_hold_end(struct message_hold *h) {
    if (h->hold) h->api->queue_release(h->api->arg, h->hold);
    free(h->held.in_flight);
    *h = (struct message_hold){.hold = NULL};
}

struct message_flight message_hold_flight(const struct message_hold *h) {
    return (struct message_flight){h->held.in_flight, h->held.in_flight_count};
}
