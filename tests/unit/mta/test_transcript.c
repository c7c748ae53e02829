/* test_transcript.c - what is kept of a dialogue: bounded, printable, the greeting and the transaction under way.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mta/transcript.h"

#include <string.h>

static bool has(const struct transcript *t, const char *words) {
    return str_find_str(transcript_text(t), str_from_z(words)) != STR_NONE;
}

static void the_greeting_stays_and_a_transaction_goes(void **state) {
    (void)state;
    struct transcript t = {.head_n = 0};
    transcript_begin(&t, 1000);
    transcript_note(&t, 1002, "connecting to %s", "mx.example");
    transcript_heard(&t, 1010, STR("220 mx.example\r\n"));
    transcript_said(&t, 1011, STR("EHLO us\r\n"));
    transcript_transaction(&t);
    transcript_said(&t, 1020, STR("MAIL FROM:<a>\r\nRCPT TO:<b>\r\n"));
    assert_true(
        has(&t, "2 * connecting to mx.example\n10 < 220 mx.example\n11 > EHLO us\n20 > MAIL FROM:<a>\n20 > RCPT TO:<b>\n"));
    transcript_transaction(&t);
    assert_true(has(&t, "220 mx.example") && !has(&t, "MAIL"));
    transcript_begin(&t, 5000);
    assert_int_equal(transcript_text(&t).n, 0);
    transcript_fini(&t);
}

static void OB34_nothing_but_printable_text_is_kept(void **state) {
    (void)state;
    struct transcript t = {.head_n = 0};
    char every[259];
    for (int i = 0; i < 256; i++) every[i] = (char)i;
    memcpy(every + 256, "\r\n", 2);
    transcript_begin(&t, 0);
    transcript_heard(&t, 0, str_make(every, 258));
    struct str text = transcript_text(&t);
    for (size_t i = 0; i < text.n; i++) assert_true(text.p[i] == '\n' || (text.p[i] >= 0x20 && text.p[i] < 0x7F));
    assert_true(has(&t, "\\x1B") && has(&t, "\\x5C") && has(&t, "\\xFF"));
    transcript_fini(&t);
}

static void P8_a_dialogue_is_bounded_however_much_is_said(void **state) {
    (void)state;
    struct transcript t = {.head_n = 0};
    char line[1002];
    memset(line, 1, sizeof line); /* each byte becomes four */
    memcpy(line + 1000, "\r\n", 2);
    transcript_begin(&t, 0);
    for (int i = 0; i < 1000; i++) transcript_heard(&t, i, str_make(line, sizeof line));
    assert_true(transcript_text(&t).n <= TRANSCRIPT_HEAD_MAX && has(&t, "(more was said)"));
    transcript_transaction(&t);
    transcript_said(&t, 1, STR("MAIL FROM:<a>\r\n"));
    assert_true(has(&t, "> MAIL")); /* what an endless greeting left out does not silence the rest */
    for (int i = 0; i < 1000; i++) transcript_heard(&t, i, str_make(line, sizeof line));
    assert_true(transcript_text(&t).n <= TRANSCRIPT_MAX);
    transcript_heard(&t, 9, STR("no line"));
    transcript_fini(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greeting_stays_and_a_transaction_goes),
        cmocka_unit_test(OB34_nothing_but_printable_text_is_kept),
        cmocka_unit_test(P8_a_dialogue_is_bounded_however_much_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
