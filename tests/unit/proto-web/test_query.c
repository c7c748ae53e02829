/* test_query.c - the search language: what it says, where it is wrong, and that no cut of a text surprises it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "proto/query/nearest.h"
#include "proto/query/query.h"

static void add_quoted(struct buf *out, struct str value) {
    buf_add_char(out, '"');
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\') buf_add_char(out, '\\');
        buf_add_char(out, value.p[i]);
    }
    buf_add_char(out, '"');
}

static void add_bound(struct buf *out, struct str value) {
    if (value.p)
        add_quoted(out, value);
    else
        buf_add_char(out, '*');
}

static void add_term(struct buf *out, const struct query_item *it) {
    if (it->field.p) {
        buf_add_str(out, it->field);
        buf_add_char(out, ':');
    }
    switch (it->match) {
    case QUERY_IS:
        add_quoted(out, it->value);
        break;
    case QUERY_PREFIX:
        buf_add_str(out, it->value);
        buf_add_char(out, '*');
        break;
    case QUERY_PRESENT:
        buf_add_char(out, '*');
        break;
    case QUERY_RANGE:
        buf_add_char(out, '[');
        add_bound(out, it->value);
        buf_add_z(out, " TO ");
        add_bound(out, it->to);
        buf_add_char(out, ']');
        break;
    }
}

/* The sentence in its plainest form: everything quoted, every AND written. */
static void format(struct buf *out, const struct query *query) {
    static const char *const words[] = {
        [QUERY_AND] = "AND", [QUERY_OR] = "OR", [QUERY_NOT] = "NOT", [QUERY_OPEN] = "(", [QUERY_CLOSE] = ")"};
    for (size_t i = 0; i < query->count; i++) {
        if (i) buf_add_char(out, ' ');
        if (query->items[i].kind == QUERY_TERM)
            add_term(out, &query->items[i]);
        else
            buf_add_z(out, words[query->items[i].kind]);
    }
}

static void texts_mean(void **state) {
    (void)state;
    static const struct {
        const char *text, *means;
    } cases[] = {
        {"welcome", "\"welcome\""},
        {"  a\tb  ", "\"a\" AND \"b\""},
        {"\"two words\"", "\"two words\""},
        {"\"a \\\"b\\\" c\\\\\"", "\"a \\\"b\\\" c\\\\\""},
        {"\"c:\\d\"", "\"c:\\\\d\""},
        {"subject:welcome", "subject:\"welcome\""},
        {"subject:\"two words\"x", "subject:\"two words\" AND \"x\""},
        {"link:https://a.test/b?c=d:e", "link:\"https://a.test/b?c=d:e\""},
        {"recipient:ann*", "recipient:ann*"},
        {"ann*", "ann*"},
        {"subject:\"ann*\"", "subject:\"ann*\""},
        {"subject:\">1\" >2 messageId:<a@b>", "subject:\">1\" AND \">2\" AND messageId:\"<a@b>\""},
        {"link:*", "link:*"},
        {"link:[* TO *]", "link:*"},
        {"date:[2026-01-01 TO 2026-01-31]", "date:[\"2026-01-01\" TO \"2026-01-31\"]"},
        {"date:[ \"2026-01-01 10:00:00\" TO * ]", "date:[\"2026-01-01 10:00:00\" TO *]"},
        {"smtpCode:[*  TO 499]", "smtpCode:[* TO \"499\"]"},
        {"a AND b OR NOT c", "\"a\" AND \"b\" OR NOT \"c\""},
        {"a NOT b", "\"a\" AND NOT \"b\""},
        {"NOT NOT a", "NOT NOT \"a\""},
        {"(a OR b) c", "( \"a\" OR \"b\" ) AND \"c\""},
        {"a(b)", "\"a\" AND ( \"b\" )"},
        {"((a))", "( ( \"a\" ) )"},
        {"and or not", "\"and\" AND \"or\" AND \"not\""},
        {"ANDy", "\"ANDy\""},
        {"o'hara%_\\", "\"o'hara%_\\\\\""},
        {"a]b -c +d", "\"a]b\" AND \"-c\" AND \"+d\""},
        {"\xC3\xBC\xC3\xA4", "\"\xC3\xBC\xC3\xA4\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO out = {0};
        struct query query;
        struct query_error error = {0};
        bool is_fine = query_parse(str_from_z(cases[i].text), &arena, &query, &error);
        if (!is_fine) print_error("%s: %s\n", cases[i].text, error.why);
        assert_true(is_fine);
        format(&out, &query);
        buf_add_char(&out, '\0');
        assert_string_equal(out.p, cases[i].means);
    }
}

static void errors_have_a_place(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t at;
        const char *hint; /* a part of it */
    } cases[] = {
        {"", 0, "nothing to search"},
        {"   ", 0, "nothing to search"},
        {"a AND", 2, "follows this AND"},
        {"AND a", 0, "before this AND"},
        {"a OR OR b", 5, "before this AND or OR"},
        {"a OR", 2, "follows this OR"},
        {"a NOT", 2, "follows this NOT"},
        {"(a OR NOT) b", 6, "follows this NOT"},
        {"NOT", 0, "follows this NOT"},
        {"(a", 0, "not closed"},
        {"(a (b)", 0, "not closed"},
        {"a (b", 2, "not closed"},
        {"a)", 1, "no ( before"},
        {"()", 0, "nothing between these brackets"},
        {"(a AND )", 3, "follows this AND"},
        {"\"abc", 0, "not closed"},
        {"a \"b\\\"", 2, "not closed"},
        {"\"\"", 0, "nothing between"},
        {"subject:\"\"", 8, "nothing between"},
        {"subject:", 8, "value is missing"},
        {"subject: a", 8, "no blank"},
        {"subject: ", 8, "value is missing"},
        {"subject:(a)", 8, "around whole terms"},
        {":a", 0, "name is missing"},
        {"*", 0, "lone *"},
        {"a*b", 1, "only at the end"},
        {"*a", 0, "only at the end"},
        {"a**", 1, "only at the end"},
        {"[a TO b]", 0, "a range needs a field"},
        {"date:[a b]", 5, "from TO to"},
        {"date:[TO b]", 6, "from TO to"},
        {"date:[a TO]", 10, "from TO to"},
        {"date:[a TO b", 5, "from TO to"},
        {"date:[a to b]", 8, "capitals"},
        {"smtpCode:[4* TO 5*]", 10, "bound of a range"},
        {"smtpCode:>400", 9, "[from TO *]"},
        {"date:<=2026-01-01", 5, "[* TO to]"},
        {"a\x01", 1, "control"},
        {"\xFF", 0, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct query query;
        struct query_error error = {0};
        assert_false(query_parse(str_from_z(cases[i].text), &arena, &query, &error));
        if (error.at != cases[i].at) print_error("%s: %s\n", cases[i].text, error.why);
        assert_int_equal(error.at, cases[i].at);
        if (str_find_str(str_from_z(error.why), str_from_z(cases[i].hint)) == STR_NONE)
            fail_msg("%s: %s", cases[i].text, error.why);
    }
}

static bool is_fine(const char *begin, const char *middle, size_t times, const char *end) {
    ARENA_AUTO arena = {0};
    BUF_AUTO text = {0};
    struct query query;
    struct query_error error;
    buf_add_z(&text, begin);
    for (size_t i = 0; i < times; i++) buf_add_z(&text, middle);
    buf_add_z(&text, end);
    return query_parse(buf_str(&text), &arena, &query, &error);
}

static void limits_hold(void **state) {
    (void)state;
    assert_true(is_fine("", "a", QUERY_LENGTH_MAX, "") && !is_fine("", "a", QUERY_LENGTH_MAX + 1, ""));
    assert_true(is_fine("a", " b", 31, "") && !is_fine("a", " b", 32, "")); /* 32 words, 31 ANDs */
    assert_true(is_fine("", "NOT ", 63, "a") && !is_fine("", "NOT ", 64, "a"));
    assert_true(is_fine("((((((((((((((((a", ")", 16, "") && !is_fine("(((((((((((((((((a", ")", 17, ""));
}

/* Every beginning and every end of a text is read or refused with a place in it; what is read says the same when it is
 * written out and read again. */
static void no_cut_surprises(void **state) {
    (void)state;
    static const char text[] = "(subject:\"a \\\"b\" OR NOT re*) AND date:[2026-01-01 TO *] x \xC3\xA4 link:* \\ \"\\\\\"";
    for (size_t from = 0; from < sizeof text; from++) {
        for (size_t n = 0; from + n < sizeof text; n++) {
            ARENA_AUTO arena = {0};
            BUF_AUTO first = {0};
            BUF_AUTO second = {0};
            struct query query;
            struct query_error error = {0};
            struct str part = str_make(text + from, n);
            if (!query_parse(part, &arena, &query, &error)) {
                assert_true(error.why && error.at <= n);
                continue;
            }
            format(&first, &query);
            assert_true(query_parse(buf_str(&first), &arena, &query, &error));
            format(&second, &query);
            assert_true(str_eq(buf_str(&first), buf_str(&second)));
        }
    }
}

static void places_count_characters(void **state) {
    (void)state;
    assert_int_equal(query_position(STR("\xC3\xA4\xC3\xA4 )"), 5), 4);
    assert_int_equal(query_position(STR("abc"), 0), 1);
    assert_int_equal(query_position(STR("abc"), 99), 4);
}

static void names_are_guessed(void **state) {
    (void)state;
    static const char *const names[] = {"subject", "sender", "recipient", "recipientDomain", "tag", "day", "ip"};
    static const char *const cases[][2] = {
        {"subjct", "subject"},
        {"SUBJECTS", "subject"},
        {"usbject", "subject"},
        {"recipiant", "recipient"},
        {"sendr", "sender"},
        {"recipient", "recipient"},
        {"recipentdomain", "recipientDomain"},
        {"tags", "tag"},
        {"colour", NULL},
        {"dag", "tag"},
        {"", NULL},
        {"xy", NULL},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found = nearest_name(str_from_z(cases[i][0]), names, sizeof names / sizeof names[0]);
        if (!found != !cases[i][1]) print_error("%s\n", cases[i][0]);
        if (cases[i][1])
            assert_string_equal(found, cases[i][1]);
        else
            assert_null(found);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_mean),       cmocka_unit_test(errors_have_a_place),     cmocka_unit_test(limits_hold),
        cmocka_unit_test(no_cut_surprises), cmocka_unit_test(places_count_characters), cmocka_unit_test(names_are_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
