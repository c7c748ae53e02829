/* Words: cut and folded the same in every script, whatever the bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void words_of(struct str text, struct buf *out) {
    BUF_AUTO word = {0};
    for (; word_next(&text, &word); buf_reset(&word)) {
        if (out->n) buf_add_char(out, '|');
        buf_add_str(out, buf_str(&word));
    }
    buf_add_z(out, "");
}

static void words_are_runs_of_letters_and_digits(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"Welcome to our Service!", "welcome|to|our|service"},
        {"ann.smith+x@example.com", "ann|smith|x|example|com"},
        {"  100% off_now -- [sale]", "100|off|now|sale"},
        {"Übung STRASSE Straße", "übung|strasse|straße"},
        {"ÀÉÎÕÜŸ Ž Ł İ", "àéîõüÿ|ž|ł|i"},
        {"ΚΑΛΗΜΈΡΑ Σίσυφος", "καλημέρα|σίσυφοσ"},
        {"ПРИВЕТ, Ёлка Ѐ", "привет|ёлка|ѐ"},
        {"ԲԱՐԵՒ Ⴀ", "բարեւ|ⴀ"},
        {"ＡＢＣ１", "ａｂｃ１"},
        {"你好，世界。谢谢", "你好|世界|谢谢"},
        {"こんにちは「世界」", "こんにちは|世界"},
        {"שלום־עולם مرحبا؟", "שלום|עולם|مرحبا"},
        {"नमस्ते। दुनिया", "नमस्ते|दुनिया"},
        {"Posthorn™ – “quoted”… it’s €5", "posthorn|quoted|it|s|5"},
        {"party 🎉🎉 time ❤️", "party|time"},
        {"", ""},
        {"!?", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO out = {0};
        words_of(str_from_z(cases[i][0]), &out);
        assert_int_equal(out.n, strlen(cases[i][1]));
        if (out.n) assert_memory_equal(out.p, cases[i][1], out.n);
    }
}

static void what_is_no_utf8_stands_between(void **state) {
    (void)state;
    static const struct str cases[] = {STR_INIT("a\xFF"
                                                "b"),
                                       STR_INIT("a\xC3"),
                                       STR_INIT("a\xED\xA0\x80 b"),
                                       STR_INIT("a\xC0\x80"),
                                       STR_INIT("a\0b"),
                                       STR_INIT("\x80\x80 a\xF4\x90\x80\x80")};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO out = {0};
        words_of(cases[i], &out);
        assert_true(out.n >= 1 && out.n <= 3 && out.p[0] == 'a' && str_is_utf8(buf_str(&out)));
    }
}

/* Cut before a character, the same wherever it is cut; what follows is still the same word. */
static void long_words_are_cut(void **state) {
    (void)state;
    for (size_t lead = 0; lead < 4; lead++) {
        BUF_AUTO text = {0};
        BUF_AUTO out = {0};
        for (size_t i = 0; i < lead; i++) buf_add_char(&text, 'x');
        for (int i = 0; i < 100; i++) buf_add_z(&text, "世");
        words_of(buf_str(&text), &out);
        assert_true(out.n <= WORD_MAX && out.n > WORD_MAX - 8 && str_is_utf8(buf_str(&out)));
        assert_true(str_find(buf_str(&out), '|') == STR_NONE);
    }
}

/* What was folded stays: a search may be folded twice. */
static void folding_keeps_what_is_between(void **state) {
    (void)state;
    BUF_AUTO once = {0};
    BUF_AUTO twice = {0};
    word_fold(STR("O'Hara+ÜB@Ex.COM \xFF"), &once);
    word_fold(buf_str(&once), &twice);
    assert_true(str_eq(buf_str(&once), STR("o'hara+üb@ex.com \xFF")));
    assert_true(str_eq(buf_str(&once), buf_str(&twice)));
    for (uint32_t c = 0x80; c < 0x20000; c++) {
        const char bytes[] = {(char)(0xF0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3F)), (char)(0x80 | (c >> 6 & 0x3F)),
                              (char)(0x80 | (c & 0x3F))};
        struct str text = c < 0x10000 ? str_make(bytes + 1, 3) : str_make(bytes, 4);
        char three[3] = {(char)(0xE0 | c >> 12), bytes[2], bytes[3]}, two[2] = {(char)(0xC0 | c >> 6), bytes[3]};
        if (c < 0x10000) text = c < 0x800 ? str_make(two, 2) : str_make(three, 3);
        buf_reset(&once);
        buf_reset(&twice);
        word_fold(text, &once);
        word_fold(buf_str(&once), &twice);
        assert_true(str_is_utf8(buf_str(&once)) == str_is_utf8(text) && str_eq(buf_str(&once), buf_str(&twice)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_runs_of_letters_and_digits),
        cmocka_unit_test(what_is_no_utf8_stands_between),
        cmocka_unit_test(long_words_are_cut),
        cmocka_unit_test(folding_keeps_what_is_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
