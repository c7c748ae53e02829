/* hook_request.c - see hook_request.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_request.h"

#define HEADERS_OWN 4

struct http_client_call *hook_request_start(const struct hook_request *r, http_client_fn fn, void *arg) {
    struct http_client_header headers[HEADERS_OWN + HOOK_HEADERS_MAX] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("webhook-id"), r->call->id},
        {STR("webhook-timestamp"), r->call->at_text},
        {STR("webhook-signature"), r->call->signature},
    };
    for (size_t i = 0; i < r->turn->headers.count; i++)
        headers[HEADERS_OWN + i] = (struct http_client_header){r->turn->headers.items[i].name, r->turn->headers.items[i].value};
    return http_client_start(r->http,
                             &(struct http_client_request){.url = r->turn->url,
                                                           .is_post = true,
                                                           .body = r->call->body,
                                                           .headers = headers,
                                                           .header_count = HEADERS_OWN + r->turn->headers.count,
                                                           .timeout_ms = r->timeout_ms,
                                                           .body_max = HOOK_ANSWER_MAX,
                                                           .allow_http = true,
                                                           .allow_private = r->allow_private,
                                                           .lane = r->turn->account_id},
                             fn, arg);
}

void hook_request_answer(const struct http_client_result *r, struct buf *body, struct buf *why, struct hook_answer *ret) {
    buf_add_str(body, r->body);
    buf_add_str(why, r->why);
    ret->code = r->status == STATUS_OK || r->stage == HTTP_CLIENT_BODY ? r->code : 0;
    ret->why = buf_str(why);
    ret->body = buf_str(body);
    ret->retry_after_s = r->retry_after_s;
}
