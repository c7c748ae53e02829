/* answer.c - see answer.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "track/answer.h"

/* 0: none of these. */
static int refusal_of(const struct answer *a) {
    if (a->refusal) return a->refusal;
    if (!a->token || a->status == STATUS_NOT_FOUND) return 404;
    if (a->status == STATUS_DENIED) return 410;
    if (a->status == STATUS_INVALID) return 400;
    return 0;
}

static void answer_unsubscribe(struct arena *arena, const struct answer *a, struct http_response *ret) {
    if (a->status != STATUS_OK)
        page_error(arena, &a->view, 503, ret);
    else if (a->ask->is_to_act)
        page_left(arena, &a->view, a->ask->scope, a->ask->tag, ret);
    else
        page_question(arena, &a->view, ret);
}

void answer_make(struct arena *arena, const struct answer *a, struct http_response *ret) {
    int refusal = refusal_of(a);
    if (refusal) {
        page_error(arena, &a->view, refusal, ret);
        return;
    }
    switch (a->ask->kind) {
    case TRACK_OPEN:
        page_pixel(arena, ret);
        break;
    case TRACK_CLICK:
        page_redirect(arena, a->token->target, ret);
        break;
    default:
        answer_unsubscribe(arena, a, ret);
        break;
    }
}
