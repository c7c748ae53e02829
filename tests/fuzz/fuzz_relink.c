/* Links of whole messages: taking our edits back gives the bytes as they were, part by part; parts stay parts, what is signed,
 * encrypted, a file or of another type has not a byte changed, and no line is too long (MI14, MI15, MI16). The first byte says
 * what is asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "../unit/proto-web/relink_undo.h"

enum choice { IN_TEXT = 1, NO_LINKS = 2, NO_PIXEL = 4 };

/* SMTP lets only CRLF in. */
static void make_lines(struct str in, struct buf *out) {
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] == '\n') buf_add_char(out, '\r');
        if (in.p[i] != '\r') buf_add_char(out, in.p[i]);
    }
    buf_add_z(out, "\r\n");
}

static size_t longest_line(struct str text) {
    size_t longest = 0;
    for (struct str line; str_next(&text, '\n', &line);)
        if (line.n > longest) longest = line.n;
    return longest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = fuzz_str(data, size);
    uint8_t choice = fuzz_choice(&text);
    BUF_AUTO in = {0};
    BUF_AUTO out = {0};
    const struct relink how = {.replace = choice & NO_LINKS ? NULL : relink_undo_link,
                               .pixel = choice & NO_PIXEL ? STR("") : RELINK_PIXEL,
                               .in_text = choice & IN_TEXT};
    make_lines(text, &in);
    buf_add_z(&out, "before");
    bool is_changed = relink_message(buf_str(&in), &how, &out);
    FUZZ_CHECK(str_starts(buf_str(&out), STR("before")));
    FUZZ_CHECK(is_changed || out.n == 6);
    FUZZ_CHECK(!is_changed || how.replace || how.pixel.n);
    struct str after = str_sub(buf_str(&out), 6, SIZE_MAX);
    if (is_changed) FUZZ_CHECK(!relink_undo(buf_str(&in), after, &how));
    if (is_changed) FUZZ_CHECK(longest_line(after) <= 999 || longest_line(after) <= longest_line(buf_str(&in)));
    return 0;
}
