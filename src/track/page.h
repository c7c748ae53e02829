/* page.h - what the tracking host answers: a picture, a redirect, pages. Values in, values out.
 *
 * Every answer is for nobody's cache (TR14) and tells nobody where it was linked from (TR20). Pages are plain HTML that works
 * with the keyboard alone and without scripts, pictures or cookies; whatever a sender or a recipient brought into them is escaped
 * (TR13), and their policy lets nothing in but their own style, by its hash.
 *
 * Bodies belong to the response; headers live in the arena. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TRACK_PAGE_H
#define POSTHORN_TRACK_PAGE_H

#include "core/track.h"
#include "httpd/http_server.h"
#include "track/words.h"

#define PAGE_PIXEL_BYTES 43

/* A page looks as its subject's domain wants it: its name, and colour and text where it has any. */
struct page_view {
    const struct words *words;
    const struct track_subject *subject; /* NULL: of errors, and what is not known; the page is nobody's then, and grey */
};

/* A transparent picture of one pixel. */
void page_pixel(struct arena *arena, struct http_response *ret);
/* 302; the target is one that track_target() gave. */
void page_redirect(struct arena *arena, struct str target, struct http_response *ret);
/* The question, with a button that posts to where the page is. */
void page_question(struct arena *arena, const struct page_view *view, struct http_response *ret);
/* It is done. */
void page_left(struct arena *arena, const struct page_view *view, enum leave_scope scope, struct str tag,
               struct http_response *ret);
/* 400, 404, 405, 410, 413; anything else says "later". */
void page_error(struct arena *arena, const struct page_view *view, int status, struct http_response *ret);

#endif
