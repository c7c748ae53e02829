/* input.h - a request's parameters as one JSON object, wherever they came from.
 *
 * Query and body are one set, the body wins; the body is JSON when it begins with '{', whatever Content-Type says, and always
 * UTF-8 (JS13); else a form or multipart. Of equal names in a form the last wins (HT34), in JSON they are an error. Names are
 * matched without regard to case. Form values are strings; names such as To[0][email] make structures, and a text that is a JSON
 * array or object is one where the parameter wants one, so that every parameter can be sent in every way. Missing, null and ""
 * are one case. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_INPUT_H
#define POSTHORN_API_INPUT_H

#include "proto/json/json.h"

struct input {
    const struct json *query, *body; /* objects; NULL when there is none */
    const struct json *path;         /* what the path names */
};

/* Parameters of a query or of a form body, as an object. False: *ret_why says what is wrong (static). */
bool input_parse_form(struct arena *arena, struct str text, const struct json **ret, const char **ret_why);
/* A request's body. An empty one has no parameters (*ret NULL). text must outlive the result. */
bool input_parse_body(struct arena *arena, struct str content_type, struct str text, const struct json **ret,
                      const char **ret_why);
/* A text member more for *object, which is made when it is NULL. */
void input_add(struct arena *arena, struct json **object, struct str name, struct str value);

/* The array or object that a text reads as; else `value` itself (NULL too). */
const struct json *input_unfold(struct arena *arena, const struct json *value);

/* The value called `name`: from path, body or query; NULL when it is in none, null or "". */
const struct json *input_find(const struct input *input, struct str name);
/* The same as text: strings and numbers; p == NULL otherwise. */
struct str input_text(const struct input *input, struct str name);

#endif
