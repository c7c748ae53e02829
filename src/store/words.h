/* words.h - which messages hold a word: subject, sender, recipients and ids of each, cut up by base/word.h.
 *
 * SQLite keeps them in an FTS5 table without contents, PostgreSQL as tsvector; both are given the same words, ready made, so both
 * find the same messages. A word begins with its domain's number and the letter of its kind: whoever looks for one walks what
 * his own domain has of it and nothing else (P6), and a subject's word is not a recipient's.
 *
 * Words are written with their message, in its transaction (P3), and nothing but rows says what they are: to take them away, the
 * rows must be as they were. So they go before the message, and before and after a recipient of several goes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_WORDS_H
#define POSTHORN_STORE_WORDS_H

#include "store/messages.h"

/* Stored letters: never change them. The first three are cut into words, the others kept whole. */
enum word_kind {
    WORD_SUBJECT = 's',
    WORD_SENDER = 'f',
    WORD_RECIPIENT = 'r',
    WORD_ID = 'i',   /* the Message-ID, without <>, where the sender made it: ours begin with the uuid */
    WORD_UUID = 'u', /* hexadecimal, without hyphens */
};

/* Of a message that was just added, with all its recipients. Writer. */
WARN_UNUSED enum status words_add(struct db *tx, const struct message *message, const struct str *recipients, size_t count);
/* As its rows are now. OK when it has none, or is not there. Writer. */
WARN_UNUSED enum status words_remove(struct db *tx, int64_t message_id);
/* words_add for a message whose recipients changed, after words_remove. */
WARN_UNUSED enum status words_restore(struct db *tx, int64_t message_id);

/* ---- what is looked for: a text for words_select(), put together by these ---- */
struct words_search {
    struct buf text;
    int64_t domain_id;
    bool is_sqlite;
};
#define WORDS_SEARCH_AUTO __attribute__((cleanup(words_search_fini))) struct words_search
void words_search_fini(struct words_search *search);
enum words_how {
    WORDS_WHOLE,  /* all of text */
    WORDS_PREFIX, /* its end is the beginning of a word */
};
/* What holds the words of `text` one behind the other; WORD_RECIPIENT: all of them, anywhere. Of the kinds that are kept whole:
 * is text. False: there is no word in it, and nothing was added. */
bool words_find(struct words_search *search, enum word_kind kind, struct str text, enum words_how how);
/* Between two of them; AND binds closer. Brackets are the caller's, in `text`. */
void words_and(struct words_search *search);
void words_or(struct words_search *search);
/* SQL that gives the ids of messages with what is looked for: the text as a parameter stands between the two; static. */
struct words_select {
    const char *before, *after;
};
struct words_select words_select(bool is_sqlite);

#endif
