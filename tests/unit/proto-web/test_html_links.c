/* test_html_links.c - links of HTML and plain texts: each fixture of tests/html gets the edits that its .edits file tells, and no
 * byte else changes (MI14, MI16, TR12); and what no file can show.
 *
 * A fixture is NAME.html or NAME.txt; NAME.edits has a line an edit: offset, old, new, where the link leads; with tabs between,
 * and C escapes. "latin1-" is read in another charset, "hostile-" gets a URL that needs quoting.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "html_undo.h"
#include "proto-web/html_fixtures.h"
#include "proto/html/href.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIXEL          STR("<img src=\"https://t.example/o\">")
#define FIXTURES_LEAST 120
#define MANY           (1 << 20) /* bytes: over so many, what is not linear would not end */

/* ---- fixtures ---- */
static bool read_file(const char *name, const char *suffix, struct buf *out) {
    BUF_AUTO path = {0};
    buf_addf(&path, "%s/%s%s", FIXTURE_DIR, name, suffix);
    FILE *f = fopen(path.p, "rb");
    if (!f) return false;
    for (size_t n = 1; n > 0;) {
        n = fread(buf_reserve(out, 65536), 1, 65536, f);
        buf_grew(out, n);
    }
    fclose(f);
    return true;
}

static void add_escaped(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        static const char plain[] = "\\\t\n\r", letters[] = "\\tnr";
        const char *at = s.p[i] ? strchr(plain, s.p[i]) : NULL;
        if (at)
            buf_addf(out, "\\%c", letters[at - plain]);
        else if (str_plain_run(str_sub(s, i, 1)))
            buf_add_char(out, s.p[i]);
        else
            buf_addf(out, "\\x%02x", (unsigned char)s.p[i]);
    }
}

static const char *behind; /* what replacements end with */

static bool replace(void *user, const struct html_link *link, struct buf *ret) {
    (void)user;
    buf_addf(ret, "https://t.example/c/%zu%s", link->index, behind);
    return true;
}

/* As the .edits file has it. */
static void tell(const struct links *links, const struct html_edit *edit, struct buf *out) {
    const struct html_link *link = links->first;
    for (; edit; edit = edit->next) {
        bool is_link = link && edit->old.p == link->raw.p && edit->old.n > 0;
        buf_addf(out, "%zu\t", edit->offset);
        add_escaped(out, edit->old);
        buf_add_char(out, '\t');
        add_escaped(out, edit->new);
        buf_add_char(out, '\t');
        if (is_link) add_escaped(out, link->url);
        buf_add_char(out, '\n');
        if (is_link) link = link->next;
    }
}

/* Says what is wrong; false then. */
static bool check_fixture(const char *name, bool is_html) {
    BUF_AUTO text = {0};
    BUF_AUTO expected = {0};
    BUF_AUTO told = {0};
    BUF_AUTO out = {0};
    BUF_AUTO back = {0};
    ARENA_AUTO arena = {0};
    struct links links;
    bool is_utf8 = strncmp(name, "latin1-", 7) != 0;
    if (!read_file(name, is_html ? ".html" : ".txt", &text) || !read_file(name, ".edits", &expected))
        fail_msg("%s lacks a file", name);
    struct str in = text.n ? buf_str(&text) : STR("");
    behind = strncmp(name, "hostile-", 8) == 0 ? "?a=\"<b>'&--" : "";
    (is_html ? links_find_html : links_find_text)(in, is_utf8, &arena, &links);
    struct html_edit *edits = links_edit(&links, replace, NULL, PIXEL, &arena);
    tell(&links, edits, &told);
    bool is_right = str_eq(buf_str(&told), buf_str(&expected));
    if (!is_right) print_error("%s: expected\n%.*s\nfound\n%.*s\n", name, STR_ARG(buf_str(&expected)), STR_ARG(buf_str(&told)));
    links_apply(in, edits, &out);
    if (html_undo(buf_str(&out), edits, &back) && str_eq(buf_str(&back), in)) return is_right;
    print_error("%s: more than the edits changed\n", name);
    return false;
}

static void test_fixtures(void **state) {
    (void)state;
    DIR *folder = opendir(FIXTURE_DIR);
    assert_non_null(folder);
    int count = 0, wrong = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct str name = str_from_z(entry->d_name);
        bool is_html = str_ends(name, STR(".html"));
        if (!is_html && !str_ends(name, STR(".txt"))) continue;
        ARENA_AUTO arena = {0};
        wrong += !check_fixture(arena_z(&arena, str_sub(name, 0, str_find_last(name, '.'))), is_html);
        count++;
    }
    closedir(folder);
    assert_true(count >= FIXTURES_LEAST);
    assert_int_equal(wrong, 0);
}

/* ---- what is told ---- */
static void test_seen_and_index(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    struct links l;
    links_find_html(STR("<base href=http://b.example/><a href=\" x?a&amp;b\n\"><a href=mailto:a><a href=http://c.example/>"),
                    true, &a, &l);
    assert_int_equal(l.count, 2);
    assert_true(str_eq(l.first->seen, STR("x?a&b")) && str_eq(l.first->url, STR("http://b.example/x?a&b")));
    assert_int_equal(l.first->index, 0);
    assert_int_equal(l.first->quote, '"');
    assert_true(str_eq(l.first->next->seen, STR("http://c.example/")) && l.first->next->index == 1 && l.first->next->quote == 0);
}

static bool refuse_first(void *user, const struct html_link *link, struct buf *ret) {
    *(size_t *)user += 1;
    buf_add_z(ret, "http://t.example/");
    return link->index > 0;
}

static void test_links_that_stay(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    BUF_AUTO out = {0};
    struct links l;
    size_t asked = 0;
    struct str text = STR("<a href='http://a.example/'><a href='http://b.example/'>");
    links_find_html(text, true, &a, &l);
    links_apply(text, links_edit(&l, refuse_first, &asked, STR(""), &a), &out);
    assert_true(str_eq(buf_str(&out), STR("<a href='http://a.example/'><a href='http://t.example/'>")));
    assert_int_equal(asked, 2);
    assert_null(links_edit(&l, NULL, NULL, STR(""), &a));
    struct html_edit *pixel = links_edit(&l, NULL, NULL, PIXEL, &a);
    assert_true(pixel && !pixel->next && pixel->offset == text.n && pixel->old.n == 0);
    links_find_text(STR("http://a.example/"), true, &a, &l);
    assert_null(links_edit(&l, NULL, NULL, PIXEL, &a)); /* none in a plain text */
}

static void test_long_links_are_told_TR12(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    BUF_AUTO text = {0};
    struct links l;
    buf_add_z(&text, "<a href=\"http://a.example/");
    for (size_t i = 0; i < 65536; i++) buf_add_char(&text, 'a');
    buf_add_z(&text, "\">");
    links_find_html(buf_str(&text), true, &a, &l);
    assert_true(l.count == 0 && l.too_long == 1);
}

static void test_pixel_markup(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    struct str pixel = links_pixel(STR("https://t.example/o/x?a=1&b=\"2\""), &a);
    assert_true(
        str_starts(pixel, STR("<img src=\"https://t.example/o/x?a=1&amp;b=&quot;2&quot;\" width=\"1\" height=\"1\" alt=\"\"")));
    assert_true(str_ends(pixel, STR(">")) && str_find(str_sub(pixel, 1, SIZE_MAX), '<') == STR_NONE);
}

/* ---- bounds (P8) ---- */
static void test_number_of_links_is_bounded_P8(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    BUF_AUTO text = {0};
    struct links l;
    for (size_t i = 0; i < 3 * LINKS_MAX; i++) buf_add_z(&text, "<a href=http://a.b/>");
    links_find_html(buf_str(&text), true, &a, &l);
    assert_int_equal(l.count, LINKS_MAX);
    for (char *p = text.p; p < text.p + text.n; p++)
        if (*p == '<' || *p == '>') *p = ' ';
    links_find_text(buf_str(&text), true, &a, &l);
    assert_int_equal(l.count, LINKS_MAX);
}

static const char *const pieces[] = {"<",
                                     "<a",
                                     "<a ",
                                     "<a href=",
                                     "<!--",
                                     "<!--[if mso]>",
                                     "<!--[if mso]>-->",
                                     "-->",
                                     "<a href=\"",
                                     "\"",
                                     "'",
                                     "<svg>",
                                     "<svg></svg>",
                                     "</svg",
                                     "<style>",
                                     "<style></style",
                                     "<script>",
                                     "</script",
                                     "&",
                                     "&#",
                                     "&amp",
                                     "<![CDATA[",
                                     "]]>",
                                     "<a b=c ",
                                     "</body>",
                                     "<base href=http://a.example/>",
                                     "<math>",
                                     "<title></",
                                     "--!",
                                     ">",
                                     "http://",
                                     "http://a.b/ ",
                                     "(",
                                     "http://a.b/(",
                                     "{{",
                                     "<a href=http://a.b/&amp;>",
                                     "<p ",
                                     "<!--[if",
                                     "]>",
                                     "<a href='../'>",
                                     "<![endif]-->",
                                     "/"};
static const char *const starts[] = {"", "<a href=\"", "<a href=http://a.b/", "<!--[if mso]>", "<svg>", "<style>"};

static void test_memory_is_bounded_P8(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    BUF_AUTO text = {0};
    struct links l;
    buf_add_z(&text, "<base href=http://a.example/");
    for (size_t i = text.n; i < HREF_BASE_MAX; i++) buf_add_char(&text, 'b');
    buf_add_z(&text, "/>");
    for (size_t i = 0; i < 2 * LINKS_MAX; i++) buf_add_z(&text, "<a href=c>");
    links_find_html(buf_str(&text), true, &a, &l);
    behind = "";
    links_edit(&l, replace, NULL, PIXEL, &a);
    assert_int_equal(l.count, LINKS_MAX);
    assert_true(a.used_bytes <= 8u << 20);
}

/* The same piece over a million bytes: only what is linear ends within the test's time. */
static void test_linear_MI21(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        BUF_AUTO text = {0};
        size_t start = i % (sizeof(starts) / sizeof(*starts)), length = strlen(pieces[i]);
        buf_add_z(&text, starts[start]);
        for (size_t n = 0; n < MANY; n += length) buf_add_z(&text, pieces[i]);
        for (int is_html = 0; is_html < 2; is_html++) {
            ARENA_AUTO a = {0};
            BUF_AUTO out = {0};
            struct links l;
            (is_html ? links_find_html : links_find_text)(buf_str(&text), true, &a, &l);
            behind = "";
            links_apply(buf_str(&text), links_edit(&l, replace, NULL, PIXEL, &a), &out);
            assert_true(a.used_bytes <= (8u << 20) + 16 * text.n);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_seen_and_index),
        cmocka_unit_test(test_links_that_stay),
        cmocka_unit_test(test_long_links_are_told_TR12),
        cmocka_unit_test(test_pixel_markup),
        cmocka_unit_test(test_number_of_links_is_bounded_P8),
        cmocka_unit_test(test_memory_is_bounded_P8),
        cmocka_unit_test(test_linear_MI21),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
