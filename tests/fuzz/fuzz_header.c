/* Header fields: reading any, and writing any text so that it stays one field (P5, HI01 to HI18).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/mime/encoded_word.h"
#include "proto/mime/header.h"
#include "proto/mime/param.h"

static void check_value(struct str value) {
    ARENA_AUTO arena = {0};
    BUF_AUTO text = {0};
    struct params params;
    encoded_words_decode(&text, value);
    FUZZ_CHECK(str_is_utf8(buf_str(&text)) && !str_has_control(buf_str(&text)));
    buf_reset(&text);
    header_unfold(&text, value);
    FUZZ_CHECK(str_find(buf_str(&text), '\n') == STR_NONE);
    params_parse(value, &arena, &params);
    FUZZ_CHECK(params.count <= PARAM_MAX);
    for (size_t i = 0; i < params.count; i++) (void)params_find(&params, params.items[i].name);
}

static void check_reading(struct str in) {
    struct str rest = in;
    struct header_field field;
    while (header_next(&rest, &field) == HEADER_FIELD) {
        FUZZ_CHECK(fuzz_is_slice(field.raw, in) && fuzz_is_slice(field.name, field.raw) && fuzz_is_slice(field.value, field.raw));
        FUZZ_CHECK(field.raw.n && header_find(in, field.name, &field));
        check_value(field.value);
    }
    FUZZ_CHECK(fuzz_is_slice(rest, in));
    check_value(in);
}

/* One field, CRLF at its end and before blanks only, no line over 998 octets. */
static struct str written_value(struct str out) {
    struct str rest = out, line;
    struct header_field field = {0};
    while (str_next(&rest, '\n', &line) && rest.p) {
        FUZZ_CHECK(str_ends(line, STR("\r")) && str_find(line, '\r') == line.n - 1 && line.n - 1 <= 998);
        FUZZ_CHECK(rest.n == 0 || rest.p[0] == ' ' || rest.p[0] == '\t');
        FUZZ_CHECK(str_trim(line).n); /* a blank line would end the header */
    }
    rest = out;
    FUZZ_CHECK(header_next(&rest, &field) == HEADER_FIELD && rest.n == 0 && str_is_ascii(out));
    return field.value;
}

static void check_writing(struct str text) {
    BUF_AUTO out = {0};
    struct header_writer w = {.out = &out};
    header_begin(&w, "Subject");
    header_text(&w, text);
    header_end(&w);
    written_value(buf_str(&out));
    buf_reset(&out);
    w = (struct header_writer){.out = &out};
    header_begin(&w, "To");
    header_mailbox(&w, text, STR("first@example.com"), true);
    header_mailbox(&w, text, STR("second@example.com"), false);
    header_end(&w);
    written_value(buf_str(&out));
    buf_reset(&out);
    w = (struct header_writer){.out = &out};
    header_begin(&w, "Content-Disposition");
    header_token(&w, STR("attachment"));
    header_param(&w, "filename", text);
    header_end(&w);
    written_value(buf_str(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    check_reading(in);
    if (str_is_utf8(in) && !str_has_control(in)) check_writing(in);
    return 0;
}
