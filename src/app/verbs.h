/* verbs.h - a verb of the command line as data: which operation it calls, how words become parameters, how the answer reads.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_VERBS_H
#define POSTHORN_APP_VERBS_H

#include <stdbool.h>
#include <stddef.h>

enum verb_input { INPUT_NONE, INPUT_PASSWORD, INPUT_MESSAGE };
#define INPUT_MESSAGE_MAX (40u << 20) /* bytes of a message on standard input */

/* How a word of the command line is sent. */
enum word_kind {
    WORD_TEXT,
    WORD_LIST, /* a comma list, as an array */
    WORD_FILE, /* names a file ("-": standard input): its content */
    WORD_JSON, /* names a file that holds JSON: its value */
};
#define WORD_FILE_MAX (36u << 20) /* with what JSON adds, a request has room for it */

struct verb_option {
    const char *flag;      /* "--email"; "active=": a word active=VALUE */
    const char *parameter; /* "Email" */
    const char *value;     /* "E" in help; NULL: a switch, sent as true */
    bool required;
    const char *sentence;
    enum word_kind kind;
    const char *initial; /* sent when the option is not given */
    bool is_common;      /* the manual tells it once, for all verbs */
};
#define VERB_OPTIONS_MAX 16 /* with the end, whose flag is NULL */

/* How an answer reads: the sentence `say`, then a table of `rows`. Fields are named by path ("message.id"). In `say`, {Field} is
 * the value and {Field?} yes or no for 1 or 0; a line whose fields are all empty is left out. */
struct verb {
    const char *words;     /* "account create" */
    const char *operation; /* "User.Create" */
    const char *summary;
    const char *argument; /* the positional's name in help, "[NAME]" when it may be left out, NULL without one */
    const char *parameter;
    enum word_kind argument_kind;
    struct verb_option options[VERB_OPTIONS_MAX];
    enum verb_input input;
    const char *object; /* what `say` looks into, and `rows` if it is in there; NULL: the answer itself */
    const char *say;
    const char *rows;    /* a list of the answer */
    const char *columns; /* "UserID:ID EmailAddress:EMAIL": field and heading of each column */
    const char *total;   /* the field that counts all rows, which may be more than there are in the answer */
    const char *more;    /* a sentence behind the table */
    const char *each;    /* a list of the answer of which each item is told as `each_say` */
    const char *each_say;
    int hint_code; /* a refusal whose words, which clients know, need more for people: `hint` is added */
    const char *hint;
    const char *verdict; /* a field, true or false: when false, the exit code is that of a refusal */
    const char *raw;     /* a base64 field that is printed as bytes, instead of all that */
    bool is_file;        /* the answer, unless it is a refusal, is no JSON but a file: printed as it comes */
};

/* The verbs that begin with one word. */
struct verb_group {
    const char *word;
    const char *title;   /* NULL: the word is a verb by itself */
    const char *heading; /* stands before it in the list of groups; NULL: none */
};

/* The tables; constant. */
/* NULL: there are no more. */
const struct verb *verb_at(size_t index);
const struct verb_group *verb_groups(size_t *ret_count);

#endif
