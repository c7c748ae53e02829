/* answer.h - from what a request asked and what became of it to the answer. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TRACK_ANSWER_H
#define POSTHORN_TRACK_ANSWER_H

#include "track/ask.h"
#include "track/page.h"

struct answer {
    int refusal; /* of ask_parse(); then nothing else is looked at but the view */
    const struct ask *ask;
    const struct track_token *token; /* NULL: it was none of ours: 404, whatever was wrong (TR02, TR05) */
    enum status status;              /* of track_hit(); of track_look_up() where a page is asked for */
    struct page_view view;           /* subject may be NULL when status is not OK */
};
/* What a store that fails or is slow takes from nobody: the picture and the way on. A wish that was not noted is answered 503. */
void answer_make(struct arena *arena, const struct answer *a, struct http_response *ret);

#endif
