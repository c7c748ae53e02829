/* report_own.h - what the files of proto/report share; nobody else includes it.
 *
 *     report.c         decides which kind it is, finds the parts
 *     report_fields.c  the machine-readable parts of RFC 3464, 6533 and 5965
 *     report_text.c    bounces in words: a table of recognisers
 *     report_auto.c    automatic answers and challenges: tables of fields and words
 *     report_words.c   words: cleaned, made of HTML, searched for codes and addresses
 *     report_date.c    dates, obsolete forms too
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_REPORT_REPORT_OWN_H
#define POSTHORN_PROTO_REPORT_REPORT_OWN_H

#include "base/buf.h"
#include "proto/report/report.h"

#define REPORT_PART_MAX 262144 /* bytes of a machine-readable part that are read */
#define REPORT_TEXT_MAX 65536  /* bytes of words that are searched */

/* The message as the recognisers see it: cleaned; `lower` twins are for searching and of the same length. */
struct report_view {
    struct arena *arena;
    struct str from, from_lower, subject, subject_lower;
    struct str text, text_lower; /* the first text, or the HTML without its tags: UTF-8 with line ends */
    struct str auto_submitted, precedence, failed_recipients; /* fields of these names, cleaned; "" absent */
    bool is_auto;                                             /* a field says that it is an automatic answer */
    bool is_challenge;                                        /* a field of a challenge system */
};

/* report_fields.c. Fill from the decoded bytes of the part. */
void report_read_status(struct str part, struct arena *arena, struct report *r);
void report_read_feedback(struct str part, struct arena *arena, struct report *r);

/* report_text.c. Bounce in words? Fills format and recipients. */
bool report_read_text(const struct report_view *v, struct report *r);

/* Is the sender an automat that reports on deliveries? */
bool report_is_daemon(const struct report_view *v);

/* report_auto.c */
/* Note what a field of the header says about automatic answers. */
void report_note_field(struct report_view *v, struct str name, struct str value);
bool report_is_challenge(const struct report_view *v);
/* By words or a field that no bounce has. */
bool report_is_auto_reply(const struct report_view *v);
/* By a field that bounces have too; asked last. */
bool report_is_automatic(const struct report_view *v);

/* report_words.c */
/* One line of UTF-8: unfolded, encoded words decoded, runs of blanks as one, at most REPORT_FIELD_MAX bytes. */
struct str report_clean(struct arena *arena, struct str raw);
/* Append the words of HTML: tags dropped, blocks as lines, the common entities. */
void report_add_html(struct buf *out, struct str html);
bool report_has(struct str text, const char *part);
/* The first address in text at or after `from`: its place in *ret_at. "" when none. A slice. */
struct str report_find_address(struct str text, size_t from, size_t *ret_at);
/* "5.1.1" at the start of s and nothing of the kind behind it: its length, else 0. */
size_t report_status_length(struct str s);

/* report_date.c. RFC 5322 3.3 and 4.3, in any order that makes sense; false: no date. */
bool report_date(struct str value, int64_t *ret_wall_ms);

#endif
