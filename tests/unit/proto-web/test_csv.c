/* test_csv.c - records of CSV files: quoting, line ends, what is refused, and the same records wherever the text is cut.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "proto/csv/csv.h"
#include "proto/csv/csv_write.h"

#include <string.h>

/* All records of a text as "[a][b]|[c]|!why|", given `first` bytes to begin with and the rest when the parser wants more. */
static void read_all(struct str text, char delimiter, size_t first, struct buf *out, size_t *ret_lines) {
    size_t have = first < text.n ? first : text.n, at = 0;
    *ret_lines = 0;
    while (at < text.n) {
        ARENA_AUTO arena = {0};
        struct csv_record record;
        size_t used = 0;
        struct str seen = str_sub(text, at, have - at);
        enum parse parse = seen.n ? csv_parse(&arena, seen, delimiter, have == text.n, &record, &used) : PARSE_MORE;
        if (parse == PARSE_MORE) {
            assert_true(have < text.n);
            have = text.n;
            continue;
        }
        assert_true(used > 0 && used <= seen.n);
        if (parse == PARSE_BAD) buf_addf(out, "!%s", record.why);
        for (size_t i = 0; parse == PARSE_DONE && i < record.count; i++) buf_addf(out, "[%.*s]", STR_ARG(record.fields[i]));
        buf_add_char(out, '|');
        *ret_lines += record.lines;
        at += used;
    }
}

static void assert_records(const char *text, char delimiter, const char *want) {
    struct str all = str_from_z(text);
    size_t whole_lines;
    BUF_AUTO whole = {0};
    read_all(all, delimiter, all.n, &whole, &whole_lines);
    assert_string_equal(whole.p ? whole.p : "", want);
    for (size_t cut = 0; cut <= all.n; cut++) {
        BUF_AUTO pieces = {0};
        size_t lines;
        read_all(all, delimiter, cut, &pieces, &lines);
        assert_string_equal(pieces.p ? pieces.p : "", want);
        assert_int_equal(lines, whole_lines);
    }
}

static void records_are_read_whatever_the_line_ends(void **state) {
    (void)state;
    assert_records("", ',', "");
    assert_records("a,b\nc,d\n", ',', "[a][b]|[c][d]|");
    assert_records("a,b\r\nc,d", ',', "[a][b]|[c][d]|");
    assert_records("a;b,c\n;\n", ';', "[a][b,c]|[][]|");
    assert_records("a\tb\n", '\t', "[a][b]|");
    assert_records("\n\r\n,\n", ',', "[]|[]|[][]|");
    assert_records("a,", ',', "[a][]|");
    assert_records("a\rb,c\r", ',', "[a\rb][c\r]|");
    assert_records("5\" disk,x\n", ',', "[5\" disk][x]|");
}

static void quotes_hold_what_would_end_a_field(void **state) {
    (void)state;
    assert_records("\"a,b\",\"c\"\"d\"\n", ',', "[a,b][c\"d]|");
    assert_records("\"two\r\nlines\",x\r\ny,z\n", ',', "[two\r\nlines][x]|[y][z]|");
    assert_records("\"\",\"\"\"\"\n", ',', "[][\"]|");
    assert_records("\"end\"", ',', "[end]|");
}

static void a_bad_line_costs_one_line(void **state) {
    (void)state;
    assert_records("\"a\"b,c\nd,e\n", ',', "!there is text behind a closing quote|[d][e]|");
    assert_records("\"open,c\nd,e\n", ',', "!a quote is not closed|[d][e]|");
    assert_records("\"open", ',', "!a quote is not closed|");
}

static void what_is_too_long_or_too_wide_is_refused(void **state) {
    (void)state;
    BUF_AUTO text = {0};
    BUF_AUTO out = {0};
    size_t lines;
    for (size_t i = 0; i < CSV_FIELDS_MAX; i++) buf_add_char(&text, ',');
    buf_add_z(&text, "\nx\n");
    read_all(buf_str(&text), ',', text.n, &out, &lines);
    assert_string_equal(out.p, "!there are more than 256 fields|[x]|");
    buf_reset(&text);
    buf_reset(&out);
    for (size_t i = 0; i < CSV_RECORD_MAX * 2 + 10; i++) buf_add_char(&text, 'x');
    buf_add_z(&text, "\ny,z\n");
    read_all(buf_str(&text), ',', text.n, &out, &lines);
    assert_non_null(strstr(out.p, "!it is longer"));
    assert_true(str_ends(buf_str(&out), STR("|[y][z]|")));
    assert_int_equal(lines, 2);
}

static void the_delimiter_is_the_one_the_first_line_uses(void **state) {
    (void)state;
    assert_int_equal(csv_guess_delimiter(STR("a,b,c\n;;;;;\n")), ',');
    assert_int_equal(csv_guess_delimiter(STR("\"a,b,c\";d\n")), ';');
    assert_int_equal(csv_guess_delimiter(STR("a\tb")), '\t');
    assert_int_equal(csv_guess_delimiter(STR("email")), ',');
    assert_int_equal(csv_guess_delimiter(STR("")), ',');
}

/* ---- written ---- */
static void assert_written(struct str cell, const char *expected) {
    BUF_AUTO out = {0};
    csv_add(&out, cell, true);
    csv_add(&out, STR("x"), false);
    csv_end_line(&out);
    assert_string_equal(out.p, expected);
}

static void fields_are_quoted_where_they_must_be(void **state) {
    (void)state;
    assert_written(STR(""), ",x\r\n");
    assert_written(STR("plain text"), "plain text,x\r\n");
    assert_written(STR("a,b"), "\"a,b\",x\r\n");
    assert_written(STR("a;b"), "\"a;b\",x\r\n");
    assert_written(STR("two\r\nlines"), "\"two\r\nlines\",x\r\n");
    assert_written(STR("\""), "\"\"\"\",x\r\n");
    assert_written(STR("a \"b\" c"), "\"a \"\"b\"\" c\",x\r\n");
}

static void what_a_spreadsheet_would_run_is_text(void **state) {
    (void)state;
    static const char *const formulas[] = {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "="};
    static const char *const texts[] = {"1", "a=1", " =1", "'=1", "\xEF\xBC", "\xEF\xBC\x9E", "", "Ä"};
    for (size_t i = 0; i < sizeof formulas / sizeof formulas[0]; i++) {
        BUF_AUTO out = {0};
        assert_true(csv_is_formula(str_from_z(formulas[i])));
        csv_add(&out, str_from_z(formulas[i]), true);
        assert_true(str_starts(buf_str(&out), STR("'")) || str_starts(buf_str(&out), STR("\"'")));
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) assert_false(csv_is_formula(str_from_z(texts[i])));
}

/* Any bytes come back as they were, but for the quote before a formula. */
static void what_is_written_is_read(void **state) {
    (void)state;
    static const char letters[] = {'a', ',', '"', ';', '\t', '\r', '\n', ' ', '=', '\''};
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char text[6];
        size_t n = 0, used;
        for (seed = seed * 1103515245 + 12345; n < (seed >> 8) % 6; n++)
            text[n] = letters[(seed >> (4 + 3 * n)) % sizeof letters];
        struct str cell = str_make(text, n);
        BUF_AUTO out = {0};
        ARENA_AUTO arena = {0};
        struct csv_record record;
        csv_add(&out, STR("first"), true);
        csv_add(&out, cell, false);
        csv_end_line(&out);
        assert_int_equal(csv_parse(&arena, buf_str(&out), ',', true, &record, &used), PARSE_DONE);
        assert_int_equal(record.count, 2);
        assert_int_equal(used, out.n);
        assert_true(str_eq(str_sub(record.fields[1], csv_is_formula(cell) ? 1 : 0, SIZE_MAX), cell));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_whatever_the_line_ends),
        cmocka_unit_test(quotes_hold_what_would_end_a_field),
        cmocka_unit_test(a_bad_line_costs_one_line),
        cmocka_unit_test(what_is_too_long_or_too_wide_is_refused),
        cmocka_unit_test(the_delimiter_is_the_one_the_first_line_uses),
        cmocka_unit_test(fields_are_quoted_where_they_must_be),
        cmocka_unit_test(what_a_spreadsheet_would_run_is_text),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
