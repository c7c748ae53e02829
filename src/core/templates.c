/* templates.c - see templates.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/templates.h"

static const struct {
    const char *name;
    enum template_context context;
} part_table[MAIL_PARTS] = {
    [MAIL_SUBJECT] = {"Subject", TEMPLATE_SUBJECT},
    [MAIL_HTML] = {"HTMLContent", TEMPLATE_HTML},
    [MAIL_TEXT] = {"PlainContent", TEMPLATE_TEXT},
};

const char *mail_part_name(enum mail_part part) {
    return part_table[part].name;
}

void mail_error_format(const struct mail_error *error, struct buf *out) {
    const struct template_error *e = &error->error;
    buf_addf(out, "line %u, column %u: %s", e->line, e->column, e->why);
    if (e->hint[0]) buf_addf(out, " (%s)", e->hint);
}

bool mail_compile(struct arena *arena, const struct mail_source *source, struct mail_program *ret, struct mail_error *ret_error) {
    struct mail_program program;
    struct mail_error error;
    for (error.part = 0; error.part < MAIL_PARTS; error.part++) {
        if (template_compile(arena, source->parts[error.part], &program.parts[error.part], &error.error)) continue;
        *ret_error = error;
        return false;
    }
    *ret = program;
    return true;
}

void mail_rendered_fini(struct mail_rendered *r) {
    for (int i = 0; i < MAIL_PARTS; i++) buf_fini(&r->parts[i]);
}

enum status mail_render(const struct mail_program *program, const struct template_values *values, struct mail_rendered *ret,
                        struct mail_error *ret_error) {
    struct mail_error error;
    for (error.part = 0; error.part < MAIL_PARTS; error.part++) {
        enum status status = template_render(program->parts[error.part], part_table[error.part].context, values,
                                             &ret->parts[error.part], &error.error);
        if (status == STATUS_OK) continue;
        *ret_error = error;
        return status;
    }
    return STATUS_OK;
}
