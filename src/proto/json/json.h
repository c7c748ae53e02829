/* json.h - a strict reader of JSON (RFC 8259) into a tree in an arena.
 *
 * No recursion, depth at most 32, at most JSON_NODES_MAX values. Refused: duplicate keys, invalid UTF-8, lone surrogates,
 * \u0000, anything before or after the one value but blanks. A string without escapes is a slice of the text, so the text must
 * outlive the tree. Numbers stay text until somebody asks. Objects of more than a few members get a table seeded per process
 * (JS10). Pure but for that seed; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_JSON_JSON_H
#define POSTHORN_PROTO_JSON_JSON_H

#include "base/arena.h"
#include "base/buf.h"

#define JSON_DEPTH_MAX 32
#define JSON_NODES_MAX 250000

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_index;
struct json {
    enum json_type type;
    uint32_t count;    /* items or members */
    struct str key;    /* its name in the object around it; p == NULL in an array */
    struct json *next; /* the next item or member around it */
    union {
        bool boolean;
        struct str text; /* JSON_STRING: decoded; JSON_NUMBER: as written */
        struct {
            struct json *first;
            struct json_index *index; /* big objects only */
        };
    };
};
/* Items of an array or members of an object in order; nothing for NULL and scalars. */
#define JSON_FOR_EACH(it, value) for (const struct json *it = json_first(value); it; it = it->next)

struct json_error {
    size_t at;       /* byte offset in the text */
    const char *why; /* a sentence without a full stop, static */
};

/* Read the one value that `text` is. False: *ret_error. */
bool json_parse(struct arena *arena, struct str text, const struct json **ret, struct json_error *ret_error);

const struct json *json_first(const struct json *value);
static inline bool json_is(const struct json *value, enum json_type type) {
    return value && value->type == type;
}
/* The member called `name`; NULL when absent or when `object` is no object (NULL too). */
const struct json *json_find(const struct json *object, struct str name);
/* The same without regard to ASCII case; an exact match wins, else the first. */
const struct json *json_find_nocase(const struct json *object, struct str name);
/* The text of a JSON_STRING member; p == NULL when absent or of another type. */
struct str json_find_text(const struct json *object, struct str name);
/* An exact integer: digits with an optional '-', no fraction or exponent, in range. */
bool json_to_i64(const struct json *value, int64_t *ret);

#endif
