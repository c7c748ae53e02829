/* links.h - the links of a message's text, and how to put others in their place while every other byte stays.
 *
 * Two steps, so that a text is read once and written for many recipients:
 *
 *     links_find_html() / links_find_text()   ->  struct links      which links there are, and where the pixel goes
 *     links_edit() asks, link by link          ->  struct html_edit  (offset, old, new), ascending and apart
 *     links_apply()                            ->  the new text
 *
 * HTML. What a click follows: href of <a> and <area>, href and xlink:href of svg's <a>, href of VML's shapes, which are Outlook's
 * buttons; inside conditional comments too. Not: forms (they send), <link>, images and other things that load by themselves.
 * Of two attributes with one name the first counts. `<base href>` counts wherever it stands outside of comments, as in browsers.
 * Which links are ours to replace: proto/html/href.h. An element with one of the marks below is left alone, and the mark stays
 * where it is: it does no harm, and taking it out would change bytes that no link needs. Any value will do for the first four.
 *
 *     data-no-track   data-pm-no-track   ses:no-track   mc:disable-tracking   clicktracking=off   data-msys-clicktrack=0
 *
 * One with `data-unsubscribe` and none of these is where its author wants people to leave, and told so.
 *
 * The pixel goes before the last </body> outside of comments; where there is none, to the end, but before whatever never ends
 * (a comment, a <style>), for nobody sees what stands in there (MI16).
 *
 * Which charsets a text may have: proto/html/charset.h; the caller asks there first.
 *
 * Bounds (P8): LINKS_MAX links are looked at, memory is at most a few times the text's size and 8 MB. Linear. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_HTML_LINKS_H
#define POSTHORN_PROTO_HTML_LINKS_H

#include "base/arena.h"
#include "base/buf.h"

#define LINKS_MAX 5000 /* link attributes of a text, of any kind; those behind are left alone */

/* A link that may be replaced. */
struct html_link {
    size_t index;    /* 0, 1, ... in the order of the text */
    struct str seen; /* as its author wrote it: references decoded, blanks around it off */
    struct str url;  /* where it leads: absolute, ASCII, at most HREF_MAX bytes */
    struct str raw;  /* slice of the text: what an edit replaces */
    char quote;      /* around raw: '"', '\'', 0 none, HTML_NO_MARKUP: a plain text */
    bool is_leaving; /* of an element with data-unsubscribe */
    struct html_link *next;
};
#define HTML_NO_MARKUP 'T'

struct links {
    struct str text;
    struct html_link *first, *last;
    size_t count;
    size_t too_long; /* links that would be ours, with more than HREF_MAX bytes (TR12) */
    bool is_html;
    size_t pixel_at;
};
/* `is_utf8`: the charset is UTF-8 or ASCII; in others, a URL with bytes or references above 127 is left alone. *ret points into
 * `text` and the arena. */
void links_find_html(struct str text, bool is_utf8, struct arena *arena, struct links *ret);
/* URLs that stand in a plain text as such, "http://" or "https://" up to a blank, bracket or quote; punctuation behind it is not
 * part of it. One that touches a letter in front or a byte above 127 behind is left alone: nobody knows where it ends. */
void links_find_text(struct str text, bool is_utf8, struct arena *arena, struct links *ret);

struct html_edit {
    size_t offset;  /* in the text as it was */
    struct str old; /* slice of it; "" for the pixel */
    struct str new;
    struct html_edit *next;
};
/* Append the URL to put in a link's place: plain, in ASCII, no blanks. False: the link stays. */
typedef bool (*links_fn)(void *user, const struct html_link *link, struct buf *ret_url);

/* The edits, in order; NULL: none. `replace` NULL: all links stay. `pixel` is markup for the end, put in once, "" for none; never
 * into a plain text. Edits live in the arena, and as long as the text. */
struct html_edit *links_edit(const struct links *links, links_fn replace, void *user, struct str pixel, struct arena *arena);
/* Append the text with its edits. */
void links_apply(struct str text, const struct html_edit *edits, struct buf *out);

/* The markup of an image of one pixel that loads `url`. */
struct str links_pixel(struct str url, struct arena *arena);

#endif
