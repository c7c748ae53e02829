/* hook_request.h - a webhook call as a request, and what came back as an answer: the same for events and for test calls.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_HOOK_HOOK_REQUEST_H
#define POSTHORN_HOOK_HOOK_REQUEST_H

#include "core/hook.h"
#include "net/http_client.h"

struct hook_request {
    struct http_client *http;
    const struct hook_turn *turn;
    const struct hook_call *call; /* of the turn */
    int64_t timeout_ms;
    bool allow_private;
};
/* As http_client_start. */
struct http_client_call *hook_request_start(const struct hook_request *request, http_client_fn fn, void *arg);
/* Fill in *ret but for its times; its strings are copied into body and why. */
void hook_request_answer(const struct http_client_result *result, struct buf *body, struct buf *why, struct hook_answer *ret);

#endif
