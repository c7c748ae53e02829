/* template.h - a subset of Handlebars: text with {{values}} and {{#blocks}}, compiled once and rendered many times.
 *
 * A text becomes a flat program (jumps, no tree), so rendering never recurses with the template's depth. Values are read from
 * JSON and put in as text: what looks like a template in a value stays text (HI19). docs/templates.md says what is understood. In
 * HTML, {{x}} escapes & < > " ' ` =, and at the start of a link (href="{{x}}") lets only schemes through that do not run
 * anything; {{{x}}} puts the value in as it is. A subject never carries control characters. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_TEMPLATE_TEMPLATE_H
#define POSTHORN_PROTO_TEMPLATE_TEMPLATE_H

#include "base/status.h"
#include "proto/json/json.h"

#define TEMPLATE_SOURCE_MAX ((size_t)256 << 10)
#define TEMPLATE_OUTPUT_MAX ((size_t)2 << 20)
#define TEMPLATE_STEPS_MAX  100000 /* instructions of one rendering */
#define TEMPLATE_DEPTH_MAX  32     /* blocks in blocks */

enum template_context { TEMPLATE_HTML, TEMPLATE_TEXT, TEMPLATE_SUBJECT };

struct template_error {
    size_t at;             /* byte offset in the source */
    unsigned line, column; /* from 1; columns count bytes */
    const char *why;       /* static, a sentence without a full stop */
    const char *hint;      /* static, what to do; "" none */
};

struct template; /* compiled: constant, lives in the arena, refers to the source text */
/* False: *ret_error. Without any {{ it is still a template: of one text. */
bool template_compile(struct arena *arena, struct str source, const struct template **ret, struct template_error *ret_error);
/* Does rendering depend on values at all? */
bool template_has_values(const struct template *t);

/* Where the outermost names are looked up: in the first layer that has the name. Objects (or NULL, which ends the list). */
#define TEMPLATE_LAYERS_MAX 4
struct template_values {
    const struct json *layers[TEMPLATE_LAYERS_MAX];
    size_t *steps_left; /* what several renderings may take together, counted down; NULL: nobody counts */
};
/* Append what comes out to `out`. LIMIT: too many steps, or out would grow by more than TEMPLATE_OUTPUT_MAX; *ret_error says
 * which, and `out` is half filled. What is missing renders as nothing. */
WARN_UNUSED enum status template_render(const struct template *t, enum template_context context,
                                        const struct template_values *values, struct buf *out, struct template_error *ret_error);

#endif
