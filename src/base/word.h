/* word.h - a text as words: what people look for when they type a word.
 *
 * A word is a run of letters, digits and marks of any script; all else stands between words. It is folded to small letters here,
 * for Latin, Greek, Cyrillic, Armenian, Georgian and full-width letters, so that whoever keeps words and whoever looks for them
 * have the same, whatever a database takes for a letter. No other form is changed: an accent makes another word.
 *
 * Stored words (store/words.h) are what these tables made of a text: whoever changes the tables makes the index anew, or words
 * that the old ones made are never taken away. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_WORD_H
#define POSTHORN_BASE_WORD_H

#include "base/buf.h"

/* Bytes of a word; what is longer is cut, before a character. */
#define WORD_MAX 64

/* Take the next word off *rest and append it to ret_word, folded. False: there is none left. Bytes that are no UTF-8 stand
 * between words. Linear in what it takes. */
bool word_next(struct str *rest, struct buf *ret_word);
/* Append text with its letters folded, whatever is between them kept as it is. */
void word_fold(struct str text, struct buf *ret);

#endif
