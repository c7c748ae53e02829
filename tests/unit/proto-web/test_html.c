/* test_html.c - what links are found with: tokens of HTML, character references, and where a link leads (MI14, TR04).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/html/charset.h"
#include "proto/html/href.h"
#include "proto/html/reference.h"
#include "proto/html/token.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* ---- tokens ---- */
/* "t" text, "<a" start, "/a" end, "c" comment, "x" cut, as "<![endif]" is by its "-->"; "m" in front: in a conditional comment;
 * blanks between. */
static void spell(struct str text, struct buf *out) {
    struct html_tokenizer tokenizer = {.in = text};
    struct html_token token;
    static const char marks[] = {'t', '<', '/', 'c', 'x'};
    size_t at = 0;
    while (html_token_next(&tokenizer, &token)) {
        assert_ptr_equal(token.raw.p, text.p + at);
        at += token.raw.n;
        if (out->n) buf_add_char(out, ' ');
        if (token.in_comment) buf_add_char(out, 'm');
        buf_add_char(out, marks[token.type]);
        buf_add_str(out, token.type == HTML_CUT ? STR("") : token.name);
    }
    assert_int_equal(at, text.n);
}

static const char *const documents[][2] = {
    {"", ""},
    {"a<b>c</b>d", "t <b t /b t"},
    {"a < b <3 <", "t t t t"},
    {"<a b='>' c=\">\" d=\"'\">x", "<a t"},
    {"<a b=/>x<br/>", "<a t <br"},
    {"<a", "x"},
    {"a</", "t x"},
    {"<a b=\"", "x"},
    {"</a b=\">\">", "/a"},
    {"<!--a--><!-->b<!--->c<!--d--!>e<!---!>f-->", "c c t c t c t c"},
    {"<!--a->b", "x"},
    {"<!doctype html><?x?></ x><!x></>", "c c c c c"},
    {"<!--[if mso]><a></a><![endif]--><b>", "c m<a m/a mx c <b"},
    {"<!--[if mso]><!--[if mso]><a><![endif]-->", "c mx c"},
    {"<!--[if !mso]><!--><a><!--<![endif]-->", "c mx c <a c"},
    {"<!--[if mso]><style><a><![endif]--><b>", "c m<style mx c <b"},
    {"<!--[if mso]><style></style><![endif]--><b>", "c m<style m/style mx c <b"},
    {"<style><a></styles></style ><a>", "<style t /style <a"},
    {"<STYLE></style><a>", "<STYLE /style <a"},
    {"<script><a>", "<script x"},
    {"<textarea>", "<textarea x"},
    {"<plaintext></plaintext>", "<plaintext x"},
    {"<svg><style><a></style></svg><style><a>", "<svg <style <a /style /svg <style x"},
    {"<svg><![CDATA[<a>]]><p><![CDATA[<a>]]>", "<svg t <p c t"},
    {"<svg><desc><style><a></style></desc><![CDATA[<a>]]>", "<svg <desc <style t /style /desc t"},
    {"<svg/><![CDATA[<a>]]>", "<svg c t"},
    {"<svg a=b/><![CDATA[<a>]]>", "<svg t"},
    {"<svg a=\"b\"/><![CDATA[<a>]]>", "<svg c t"},
    {"<svg a /><![CDATA[<a>]]>", "<svg c t"},
    {"<math><mi><style><a></style></mi><![CDATA[<a>]]></math><![CDATA[<a>]]>", "<math <mi <style t /style /mi t /math c t"},
    {"<![if mso]><a><![endif]>", "c <a c"},
    {"<svg><!--[if mso]><style><a></style><![endif]--></svg>", "<svg c m<style mt m/style mx c /svg"},
};

static void test_tokens(void **state) {
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < COUNT(documents); i++) {
        BUF_AUTO out = {0};
        spell(str_from_z(documents[i][0]), &out);
        if (str_eq(buf_str(&out), str_from_z(documents[i][1]))) continue;
        print_error("%s: %s\n", documents[i][0], out.p);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* Cut anywhere, and copied to exactly its length, so that the sanitizers see a look beyond. */
static void test_tokens_of_every_beginning(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(documents); i++) {
        for (size_t n = 0; n <= strlen(documents[i][0]); n++) {
            BUF_AUTO out = {0};
            char *copy = malloc(n ? n : 1);
            memcpy(copy, documents[i][0], n);
            spell(str_make(copy, n), &out);
            free(copy);
        }
    }
}

static void test_deep_foreign_is_bounded_P8(void **state) {
    (void)state;
    BUF_AUTO text = {0};
    BUF_AUTO out = {0};
    for (int i = 0; i < 100; i++) buf_add_z(&text, "<svg><desc>");
    for (int i = 0; i < 100; i++) buf_add_z(&text, "</desc></svg>");
    spell(buf_str(&text), &out);
}

static void test_attributes(void **state) {
    (void)state;
    struct str rest = STR(" a=1 B = \"2\"c='3' d =b=c/ =e f>g=h");
    static const char *const expected[][2] = {{"a", "1"}, {"B", "2"}, {"c", "3"}, {"d", "b=c/"}, {"=e", ""}, {"f", ""}};
    struct html_attribute attribute;
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(html_attribute_next(&rest, &attribute));
        assert_true(str_eq(attribute.name, str_from_z(expected[i][0])) && str_eq(attribute.value, str_from_z(expected[i][1])));
    }
    assert_false(html_attribute_next(&rest, &attribute));
}

/* ---- references ---- */
static void test_references(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"a&amp;b", "a&b"},
        {"a&ampb", "a&ampb"},
        {"a&amp=b", "a&amp=b"},
        {"a&amp", "a&"},
        {"a&amp,", "a&,"},
        {"&", "&"},
        {"&&", "&&"},
        {"&a", "&a"},
        {"&lt;&GT&QUOT;", "<>\""},
        {"&#65;&#x42;&#X43", "ABC"},
        {"&#", "&#"},
        {"&#x", "&#x"},
        {"&#xg", "&#xg"},
        {"&yuml;", "\xc3\xbf"},
        {"&#x20AC;", "\xe2\x82\xac"},
        {"&#x10FFFF;", "\xf4\x8f\xbf\xbf"},
        {"&colon;&colon", ":&colon"},
        {"&amp;amp;", "&amp;"},
        {"&#38;amp;", "&amp;"},
        {"&AMP", "&"},
        {"&zzz", "&zzz"},
        {"&notit", "&notit"},
        {"&;", "&;"},
    };
    static const char *const unknown[] = {"&zzz;",  "&Amp;",    "&notin;",    "&#0;",
                                          "&#x80;", "&#xD800;", "&#x110000;", "&#4294967361;"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        ARENA_AUTO a = {0};
        struct str s;
        if (!reference_decode(str_from_z(rows[i][0]), &a, &s) || !str_eq(s, str_from_z(rows[i][1]))) fail_msg("%s", rows[i][0]);
    }
    for (size_t i = 0; i < COUNT(unknown); i++) {
        ARENA_AUTO a = {0};
        struct str s;
        if (reference_decode(str_from_z(unknown[i]), &a, &s)) fail_msg("%s", unknown[i]);
    }
}

static void check_value(const char *text, char quote, const char *expected) {
    BUF_AUTO out = {0};
    reference_add_value(&out, str_from_z(text), quote);
    if (!str_eq(buf_str(&out), str_from_z(expected))) fail_msg("%s: %s", text, out.p);
}

static void test_values_are_written_in_their_quotes(void **state) {
    (void)state;
    check_value("http://a/?b=c&d", '"', "http://a/?b=c&amp;d");
    check_value("\"'<>", '"', "&quot;&#39;&lt;&gt;");
    check_value("\"'<>", '\'', "&quot;&#39;&lt;&gt;");
    check_value("http://a/b", 0, "http://a/b");
    check_value("http://a/b&c", 0, "http://a/b&amp;c");
    check_value("http://a/", 0, "\"http://a/\"");
    check_value("http://a/--", 0, "\"http://a/--\"");
    check_value("http://a/?b=c", 0, "\"http://a/?b=c\"");
    check_value("a b", 0, "\"a b\"");
    check_value("a>", 0, "\"a&gt;\"");
    check_value("", 0, "\"\"");
}

/* ---- where a link leads ---- */
static enum href_answer resolve(const char *text, const char *base, bool is_utf8, struct buf *out) {
    ARENA_AUTO a = {0};
    struct href from = {0}, to;
    static const struct href none = {0};
    if (base) assert_int_equal(href_resolve(str_from_z(base), &none, true, &a, &from), HREF_OURS);
    enum href_answer answer = href_resolve(str_from_z(text), &from, is_utf8, &a, &to);
    if (answer == HREF_OURS) buf_add_str(out, href_str(&to, &a));
    return answer;
}

static void check_resolved(const char *text, const char *base, const char *expected) {
    BUF_AUTO out = {0};
    enum href_answer answer = resolve(text, base, true, &out);
    if ((answer == HREF_OURS) != (expected != NULL)) fail_msg("%s: %d", text, (int)answer);
    if (expected && !str_eq(buf_str(&out), str_from_z(expected))) fail_msg("%s: %s", text, out.p);
}

/* RFC 3986 5.4, but for links that are none without another page (fragments, the empty one, other schemes). */
static void test_resolving_as_RFC_3986(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"http://g/../h", "http://g/../h"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) check_resolved(rows[i][0], "http://a/b/c/d;p?q", rows[i][1]);
    check_resolved("http://[::1]/", NULL, "http://[::1]/");
    check_resolved("", "http://a/", NULL);
    check_resolved("#s", "http://a/", NULL);
    check_resolved("g:h", "http://a/", NULL);
    check_resolved("g", NULL, NULL);
}

static void test_links_not_ours_TR04(void **state) {
    (void)state;
    static const char *const not_ours[] = {"javascript:alert(1)",
                                           "data:text/html,x",
                                           "//evil.example",
                                           "/\\evil.example",
                                           "http:\\\\a",
                                           "http:a",
                                           "http:/a",
                                           "http:///a",
                                           "http://",
                                           "http://?",
                                           "http://a\\b",
                                           "http://a/\x01!",
                                           "http://a@b/",
                                           "http://a:b@c/",
                                           "http://a%2eb/",
                                           "http://a:99999/",
                                           "http://[::1/",
                                           "http://[]/",
                                           "http://a b/",
                                           "http://a<b/",
                                           "http://-a/",
                                           "http://\xff/",
                                           "http://a/\xff",
                                           "http://a/\x7f!",
                                           "http://a/<b",
                                           "http://\xe3\x80\x82/",
                                           "http://a/{{b",
                                           "java\nscript:x",
                                           "httpx://a/",
                                           "http",
                                           "http:",
                                           " ",
                                           "\x01"};
    for (size_t i = 0; i < COUNT(not_ours); i++) check_resolved(not_ours[i], NULL, NULL);
    BUF_AUTO out = {0};
    assert_int_equal(resolve("http://a/\xc3\xa4", NULL, false, &out), HREF_NOT_OURS);
}

/* Line breaks vanish, as in a browser, so none comes into a Location field. */
static void test_no_line_breaks_TR04(void **state) {
    (void)state;
    check_resolved("\r\n http://a/b\r\nSet-Cookie: x\n", NULL, "http://a/bSet-Cookie:%20x");
    check_resolved("ht\ntp\t://a/", NULL, "http://a/");
}

static void test_charsets(void **state) {
    (void)state;
    static const char *const utf8[] = {"", "utf-8", "UTF-8", " us-ascii "};
    static const char *const other[] = {"ISO-8859-15", "windows-1252", "Shift_JIS", "gb18030", "big5-hkscs", "euc-kr"};
    static const char *const unfit[] = {"utf-7",      "utf-16", "utf-16le",       "iso-2022-jp",
                                        "hz-gb-2312", "johab",  "x-user-defined", "utf-8x"};
    for (size_t i = 0; i < COUNT(utf8); i++) assert_int_equal(html_charset_parse(str_from_z(utf8[i])), HTML_CHARSET_UTF8);
    for (size_t i = 0; i < COUNT(other); i++) assert_int_equal(html_charset_parse(str_from_z(other[i])), HTML_CHARSET_OTHER);
    for (size_t i = 0; i < COUNT(unfit); i++) assert_int_equal(html_charset_parse(str_from_z(unfit[i])), HTML_CHARSET_UNFIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_tokens_of_every_beginning),
        cmocka_unit_test(test_deep_foreign_is_bounded_P8),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_values_are_written_in_their_quotes),
        cmocka_unit_test(test_resolving_as_RFC_3986),
        cmocka_unit_test(test_links_not_ours_TR04),
        cmocka_unit_test(test_no_line_breaks_TR04),
        cmocka_unit_test(test_charsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
