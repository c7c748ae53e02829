/* header.h - header fields read and written: the walker that inbox, DKIM and SMTP use, and the writer with its folding.
 *
 * Reading never unfolds or copies by itself: fields are slices. Writing knows the current column, folds at 78 columns where there
 * is a blank to fold at and encodes what would pass 998 octets (RFC 5322 2.1.1). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_MIME_HEADER_H
#define POSTHORN_PROTO_MIME_HEADER_H

#include "base/arena.h"
#include "base/buf.h"

#define HEADER_WORD_MAX 900 /* bytes of one word that header_text() may leave as it is */

struct header_field {
    struct str name;  /* as written, without colon and blanks */
    struct str value; /* after the colon: folds inside, without the final line end */
    struct str raw;   /* the whole field with its final line end */
};
enum header_step { HEADER_FIELD, HEADER_END, HEADER_BAD };

/* Take the next field off *rest. HEADER_END: the empty line was taken too (or no bytes were left) and *rest is the body.
 * HEADER_BAD: the next line is no field and no blank line; *rest stands at it. Lines end in CRLF or LF. Linear. */
enum header_step header_next(struct str *rest, struct header_field *ret);
/* First field of that name in a message; false when absent. */
bool header_find(struct str message, struct str name, struct header_field *ret);
/* Append a value without its folds: line ends dropped, outer blanks trimmed. */
void header_unfold(struct buf *out, struct str value);
/* RFC 5322 ftext, not empty: what a field name may be. */
bool header_name_is_valid(struct str name);

struct header_writer {
    struct buf *out;
    size_t column; /* octets on the line so far */
    bool is_fresh; /* nothing stands behind the name yet: no fold there, some readers take it for an empty field */
};
/* "Name:" */
void header_begin(struct header_writer *w, const char *name);
void header_begin_str(struct header_writer *w, struct str name);
/* A token that must stay whole, after a blank (or a fold when it would not fit). Neither CR nor LF in it. */
void header_token(struct header_writer *w, struct str token);
/* Unstructured text (RFC 5322 2.2.1): folded at its own blanks; what is not ASCII, looks like an encoded word or is too long
 * becomes RFC 2047 encoded words. UTF-8 without CR, LF and NUL. */
void header_text(struct header_writer *w, struct str text);
/* A phrase: atoms, a quoted string, or encoded words. Text as for header_text(). */
void header_phrase(struct header_writer *w, struct str text);
/* `name <address>`, or the bare address without a name; has_more appends the comma. */
void header_mailbox(struct header_writer *w, struct str name, struct str address, bool has_more);
/* `; name=value`: token, quoted string or RFC 2231 with continuations. */
void header_param(struct header_writer *w, const char *name, struct str value);
void header_end(struct header_writer *w);

#endif
