/* Templates: a verdict with a place in the text, or a program that ends, within its bounds, and never puts a line break into a
 * subject (HI19). The first line of the input is the values, the rest the template.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/template/template.h"

static void check_rendering(const struct template *t, struct str source, enum template_context context, const struct json *data) {
    BUF_AUTO out = {0};
    struct template_error error = {0};
    struct template_values values = {{data}};
    enum status status = template_render(t, context, &values, &out, &error);
    FUZZ_CHECK(status == STATUS_OK || (status == STATUS_LIMIT && error.why && error.at <= source.n));
    FUZZ_CHECK(out.n <= TEMPLATE_OUTPUT_MAX && str_is_utf8(buf_str(&out)));
    FUZZ_CHECK(context != TEMPLATE_SUBJECT || !str_has_control(buf_str(&out)));
    if (!template_has_values(t) && context == TEMPLATE_TEXT && str_find_str(source, STR("{{")) == STR_NONE)
        FUZZ_CHECK(str_eq(buf_str(&out), source));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ARENA_AUTO arena = {0};
    struct str source = fuzz_str(data, size), line = {0};
    const struct json *values = NULL;
    const struct template *t;
    struct json_error wrong;
    struct template_error error = {0};
    if (!str_next(&source, '\n', &line)) return 0;
    if (!json_parse(&arena, line, &values, &wrong) || !json_is(values, JSON_OBJECT)) values = NULL;
    if (!source.p) source = STR("");
    if (!template_compile(&arena, source, &t, &error)) {
        FUZZ_CHECK(error.at <= source.n && error.line > 0 && error.column > 0 && error.why && error.hint);
        return 0;
    }
    check_rendering(t, source, TEMPLATE_HTML, values);
    check_rendering(t, source, TEMPLATE_TEXT, values);
    check_rendering(t, source, TEMPLATE_SUBJECT, values);
    return 0;
}
