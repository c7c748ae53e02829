/* words.h - what the pages say, in the languages that they say it in: a table, a row a language. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TRACK_WORDS_H
#define POSTHORN_TRACK_WORDS_H

#include "base/str.h"

enum word {
    WORD_UNSUBSCRIBE, /* title and button */
    WORD_QUESTION,    /* heading of the page */
    WORD_EXPLAIN,     /* nothing has happened yet */
    WORD_CHOICES,     /* legend of the choices */
    WORD_OF_LIST,     /* {}: the list's name */
    WORD_OF_TAG,      /* {}: the tag */
    WORD_OF_ALL,
    WORD_LEFT, /* heading: it is done */
    WORD_LEFT_LIST,
    WORD_LEFT_TAG, /* {}: the tag */
    WORD_LEFT_ALL,
    WORD_BAD, /* heading and sentence of errors */
    WORD_BAD_WHY,
    WORD_UNKNOWN,
    WORD_UNKNOWN_WHY,
    WORD_GONE,
    WORD_GONE_WHY,
    WORD_LATER,
    WORD_LATER_WHY,
    WORD_COUNT
};
struct words {
    const char *language; /* "en", for lang= */
    const char *text[WORD_COUNT];
};
/* The language of an Accept-Language value that is liked best and spoken here; English where there is none. Static. */
const struct words *words_accepted(struct str accept_language);
/* All of them, English first. */
const struct words *words_all(size_t *ret_count);

#endif
