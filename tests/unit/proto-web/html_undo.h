/* html_undo.h - takes edits back: the oracle that nothing else was changed, for test_html_links.c and fuzz_html.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TEST_HTML_UNDO_H
#define POSTHORN_TEST_HTML_UNDO_H

#include "proto/html/links.h"

/* Append what `text` was before the edits. False: it does not hold what they put in, where they put it. */
static inline bool html_undo(struct str text, const struct html_edit *edits, struct buf *out) {
    size_t at = 0;
    for (; edits; edits = edits->next) {
        if (edits->offset < out->n) return false; /* not ascending */
        size_t same = edits->offset - out->n;
        buf_add_str(out, str_sub(text, at, same));
        at += same;
        if (!str_eq(str_sub(text, at, edits->new.n), edits->new)) return false;
        buf_add_str(out, edits->old);
        at += edits->new.n;
    }
    buf_add_str(out, str_sub(text, at, SIZE_MAX));
    return true;
}

#endif
