/* Transfer encodings: what is written comes back, and lines stay lines (MI06, MI07, SM18).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/mime/body.h"
#include "proto/mime/encoded_word.h"

/* Every CR, LF and CRLF as CRLF. */
static void add_normalised(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n') continue;
        if (text.p[i] == '\r' || text.p[i] == '\n') {
            buf_add_z(out, "\r\n");
        } else {
            buf_add_char(out, text.p[i]);
        }
    }
}

static void check_lines(struct str coded) {
    struct str line;
    while (str_next(&coded, '\n', &line)) {
        if (coded.p) FUZZ_CHECK(str_ends(line, STR("\r")));
        FUZZ_CHECK(line.n <= 999 && (str_find(line, '\r') == STR_NONE || str_find(line, '\r') == line.n - 1));
    }
}

static void check_text(struct str text, struct str want, enum body_encoding e) {
    BUF_AUTO coded = {0};
    BUF_AUTO back = {0};
    body_add_text(&coded, e, text);
    check_lines(buf_str(&coded));
    FUZZ_CHECK(str_is_ascii(buf_str(&coded)));
    body_decode(&back, e, buf_str(&coded));
    FUZZ_CHECK(str_eq(buf_str(&back), want));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    BUF_AUTO want = {0};
    add_normalised(&want, in);
    enum body_encoding best = body_encoding_for_text(in);
    FUZZ_CHECK(best != BODY_8BIT);
    check_text(in, buf_str(&want), best);
    check_text(in, buf_str(&want), BODY_BASE64);
    check_text(in, buf_str(&want), BODY_QUOTED_PRINTABLE);
    BUF_AUTO coded = {0};
    BUF_AUTO back = {0};
    body_add_base64(&coded, in);
    check_lines(buf_str(&coded));
    body_decode(&back, BODY_BASE64, buf_str(&coded));
    FUZZ_CHECK(str_eq(buf_str(&back), in));
    for (enum body_encoding e = BODY_7BIT; e <= BODY_BASE64; e++) { /* anything can be decoded, and grows little */
        buf_reset(&back);
        body_decode(&back, e, in);
        FUZZ_CHECK(back.n <= 2 * in.n + 2);
    }
    buf_reset(&back);
    charset_to_utf8(&back, STR("windows-1252"), in);
    FUZZ_CHECK(str_is_utf8(buf_str(&back)));
    buf_reset(&back);
    charset_to_utf8(&back, STR("x-unknown"), in);
    FUZZ_CHECK(str_is_utf8(buf_str(&back)));
    return 0;
}
