/* reference.h - character references in attribute values, there and back.
 *
 * Values are URLs here, so the table is short: what may be written without a semicolon (HTML 2's names), and the names of ASCII
 * characters. A value with another name, or a number that browsers would read anew, is not understood, and whoever asks leaves
 * it alone: that is never wrong. "&copy=1" is no reference in an attribute, as in every browser (WHATWG HTML 13.2.5.73).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_HTML_REFERENCE_H
#define POSTHORN_PROTO_HTML_REFERENCE_H

#include "base/arena.h"
#include "base/buf.h"

/* What an attribute's value means; UTF-8 comes out of references, all else stays. *ret is `raw` itself when it holds none, and
 * never longer. False: it holds what is not understood. Pure; linear. */
bool reference_decode(struct str raw, struct arena *arena, struct str *ret);

/* Append text as the inside of a value that stands in `quote` ('"' or '\''), or in none (0), then putting quotes around it if it
 * needs them. What is added holds no '<' and no '>', so it ends neither tag nor comment, and no '"' or '\'' of the text. */
void reference_add_value(struct buf *out, struct str text, char quote);

#endif
