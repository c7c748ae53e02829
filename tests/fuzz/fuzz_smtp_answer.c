/* Answers of a server: one verdict at any cut, harmless words (OB01 to OB34).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    struct smtp_answer_reader reader = {0}, growing_reader = {0};
    struct smtp_answer answer = {0}, growing_answer = {0};
    enum parse verdict = smtp_answer_read(&reader, in, &answer), growing = PARSE_MORE;
    for (size_t n = 0; n <= in.n && growing == PARSE_MORE; n++) {
        growing = smtp_answer_read(&growing_reader, str_sub(in, 0, n), &growing_answer);
    }
    FUZZ_CHECK(growing == verdict);
    if (verdict != PARSE_DONE) return 0;
    FUZZ_CHECK(answer.code == growing_answer.code && answer.lines.n == growing_answer.lines.n);
    FUZZ_CHECK(answer.code >= 200 && answer.code < 600 && answer.lines.p == in.p && answer.lines.n && answer.lines.n <= in.n);
    FUZZ_CHECK(in.p[answer.lines.n - 1] == '\n' && fuzz_is_slice(answer.enhanced, in));
    BUF_AUTO text = {0};
    smtp_answer_text(&text, &answer);
    FUZZ_CHECK(text.n <= SMTP_ANSWER_TEXT_MAX && str_is_utf8(buf_str(&text)) && !str_has_control(buf_str(&text)));
    struct str rest = answer.lines, line;
    unsigned lines = 0;
    while (smtp_answer_next_line(&rest, &line)) lines++;
    FUZZ_CHECK(lines >= 1 && lines <= SMTP_ANSWER_LINES_MAX);
    struct smtp_offer offer = {0};
    smtp_offer_read(&answer, &offer);
    return 0;
}
