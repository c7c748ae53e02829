/* templates.h - mail out of a template: subject, HTML and text compiled together, then rendered as often as there are people.
 * What may stand in one says docs/templates.md; proto/template does it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TEMPLATES_H
#define POSTHORN_CORE_TEMPLATES_H

#include "proto/template/template.h"
#include "store/templates.h"

#define MAIL_TEMPLATES_MAX 10000 /* of an account */

enum mail_part { MAIL_SUBJECT, MAIL_HTML, MAIL_TEXT, MAIL_PARTS };
/* "Subject", "HTMLContent", "PlainContent". */
const char *mail_part_name(enum mail_part part);

struct mail_error {
    enum mail_part part;
    struct template_error error;
};
/* For people: "line 3, column 7: {{/if}} is missing (close what {{#if}} opened)". */
void mail_error_format(const struct mail_error *error, struct buf *out);

/* Texts by enum mail_part. */
struct mail_source {
    struct str parts[MAIL_PARTS];
};

/* Compiled: lives in the arena, which may be read by several threads, and refers to the source's texts. */
struct mail_program {
    const struct template *parts[MAIL_PARTS];
};
/* False: *ret_error; the first part that is wrong. */
bool mail_compile(struct arena *arena, const struct mail_source *source, struct mail_program *ret, struct mail_error *ret_error);

/* Rendered texts by enum mail_part. */
struct mail_rendered {
    struct buf parts[MAIL_PARTS];
};
void mail_rendered_fini(struct mail_rendered *r);
/* Append to *ret (zeroed before the first time). The subject holds no line breaks, whatever the values say (HI19). LIMIT:
 * *ret_error, with *ret half filled. */
WARN_UNUSED enum status mail_render(const struct mail_program *program, const struct template_values *values,
                                    struct mail_rendered *ret, struct mail_error *ret_error);

#endif
