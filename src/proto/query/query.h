/* query.h - the search language of events: a text becomes a checked sentence of terms, operators and brackets.
 *
 *   sentence = operand { [AND | OR] operand }     neighbours with nothing between them mean AND
 *   operand  = NOT operand | ( sentence ) | term
 *   term     = value | field:value | field:[from TO to] | field:*
 *   value    = word | word* | "a phrase"          in a phrase \" and \\ stand for the sign
 * NOT binds closer than AND, AND closer than OR; the three are capitals, in small letters they are words. A bound of a range may
 * be * (open), both bounds belong to it. A word ends at a blank, a bracket or a quote; its first colon ends a field's name.
 *
 * The sentence stays flat: whoever turns it into another language with these operators and brackets (SQL) writes it item by
 * item, and nothing recurses. What the fields are and which values they take is the caller's. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_QUERY_QUERY_H
#define POSTHORN_PROTO_QUERY_QUERY_H

#include "base/arena.h"

#define QUERY_LENGTH_MAX 1024 /* bytes */
#define QUERY_ITEMS_MAX  64   /* ANDs that nobody wrote count too */
#define QUERY_DEPTH_MAX  16   /* of brackets */

enum query_kind { QUERY_TERM, QUERY_AND, QUERY_OR, QUERY_NOT, QUERY_OPEN, QUERY_CLOSE };
enum query_match {
    QUERY_IS,      /* value */
    QUERY_PREFIX,  /* begins with value */
    QUERY_RANGE,   /* from value to `to`, both included; p == NULL: open at that end */
    QUERY_PRESENT, /* there is any value */
};
struct query_item {
    enum query_kind kind;
    size_t at; /* where in the text it begins, bytes */
    /* Of a TERM: */
    enum query_match match;
    struct str field; /* its name as written; p == NULL: a bare value */
    struct str value; /* slices of the text, or in the arena where something was escaped; never empty */
    struct str to;
};
struct query {
    struct query_item items[QUERY_ITEMS_MAX];
    size_t count; /* 1 at least */
};
struct query_error {
    size_t at;       /* bytes into the text */
    const char *why; /* a hint without a full stop, static */
};

/* Read the whole text. False: *ret_error. Invalid UTF-8 and control characters are an error like any other. */
bool query_parse(struct str text, struct arena *arena, struct query *ret, struct query_error *ret_error);

/* For people: the place of byte `at` counted in characters, from 1. */
size_t query_position(struct str text, size_t at);

#endif
