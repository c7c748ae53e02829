/* test_url.c - percent-encoding, paths (HT33), parameters (HT34), multipart forms.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/url/multipart.h"
#include "proto/url/url.h"

#include <stdlib.h>
#include <string.h>

static void test_decode(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    struct str s;
    assert_true(url_decode(&a, STR("a%20b+c%C3%a4"), &s) && str_eq(s, STR("a b+c\xc3\xa4")));
    assert_true(url_decode_form(&a, STR("a%20b+c"), &s) && str_eq(s, STR("a b c")));
    assert_true(url_decode(&a, STR("%252e"), &s) && str_eq(s, STR("%2e")));
    assert_true(url_decode(&a, STR(""), &s) && s.n == 0);
    static const struct str bad[] = {STR_INIT("%"),   STR_INIT("%2"),     STR_INIT("a%2g"), STR_INIT("%00"),
                                     STR_INIT("%ff"), STR_INIT("%c0%ae"), STR_INIT("\xff"), STR_INIT("%u0041")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) assert_false(url_decode(&a, bad[i], &s));
}

static void test_paths_HT33(void **state) {
    (void)state;
    static const char *const good[] = {"/",       "/a",     "/a/",         "/a/b.c", "/...",   "/a..b", "/.well-known/x",
                                       "/%C3%A4", "/a%20b", "/%252e%252e", "/a@b.c", "/a%3Bb", "/%2ea", "/a%2B%25"};
    static const char *const bad[] = {"",          "a",     "*",      "/../", "/..",       "/.",      "/a/./b", "/%2e%2e",
                                      "/%2E%2e/x", "/.%2e", "/..;/a", "/a;b", "/..%3B/a",  "/a\\b",   "/%5c..", "/a%00",
                                      "/%c0%ae",   "//",    "/a//b",  "//a",  "/a%2fb",    "/a%2F..", "/%",     "/%zz",
                                      "/a%0d%0a",  "/a%7f", "/\x01",  "/a b", "/\xc3\xa4", "/%ff"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!url_path_is_safe(str_from_z(good[i]))) fail_msg("refused %s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (url_path_is_safe(str_from_z(bad[i]))) fail_msg("took %s", bad[i]);
}

static void test_params_HT34(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    struct url_params p = {0};
    assert_int_equal(url_params_parse(&a, STR("a=1&A=2&&b&c=&d%5B%5D=x+y%26z&=v&e=f=g&"), &p), STATUS_OK);
    assert_int_equal(p.count, 7);
    static const char *const pairs[][2] = {{"a", "1"},       {"A", "2"}, {"b", ""},   {"c", ""},
                                           {"d[]", "x y&z"}, {"", "v"},  {"e", "f=g"}};
    size_t at = 0;
    for (const struct url_param *it = p.first; it; it = it->next, at++)
        assert_true(str_eq(it->name, str_from_z(pairs[at][0])) && str_eq(it->value, str_from_z(pairs[at][1])));
    assert_int_equal(url_params_parse(&a, STR("a=%f"), &p), STATUS_INVALID);
    assert_int_equal(url_params_parse(&a, STR("%00=1"), &p), STATUS_INVALID);
    struct url_params none = {0};
    assert_int_equal(url_params_parse(&a, STR(""), &none), STATUS_OK);
    assert_int_equal(url_params_parse(&a, (struct str){0}, &none), STATUS_OK);
    assert_int_equal(none.count, 0);
    BUF_AUTO many = {0};
    for (int i = 0; i < URL_PARAMS_MAX; i++) buf_add_z(&many, "a=1&");
    assert_int_equal(url_params_parse(&a, buf_str(&many), &none), STATUS_OK);
    assert_int_equal(url_params_parse(&a, STR("b=1"), &none), STATUS_LIMIT);
}

#define FORM                                                                                                                     \
    "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xyz  \r\n"                                                \
    "content-disposition: form-data; name=file; filename=\"x\\\"y.txt\"\r\nContent-Type: text/plain\r\n\r\nline\r\n--xy\r\n "    \
    "--xyz\r\n--xyz--\r\n"

static enum status parse_form(struct arena *a, struct str body, struct multipart_part **ret) {
    return multipart_parse(a, body, STR("xyz"), ret);
}

static void test_multipart(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    struct multipart_part *p = NULL;
    assert_int_equal(parse_form(&a, STR(FORM), &p), STATUS_OK);
    assert_true(str_eq(p->name, STR("a")) && str_eq(p->data, STR("1")) && !p->filename.p && p->content_type.n == 0);
    p = p->next;
    assert_true(str_eq(p->name, STR("file")) && str_eq(p->filename, STR("x\"y.txt")) &&
                str_eq(p->content_type, STR("text/plain")));
    assert_true(str_eq(p->data, STR("line\r\n--xy\r\n --xyz")));
    assert_null(p->next);
    assert_int_equal(parse_form(&a, STR("--xyz--"), &p), STATUS_OK);
    assert_null(p);
}

static void test_multipart_cut_at_each_byte(void **state) {
    (void)state;
    struct str form = STR(FORM);
    for (size_t n = 0; n < form.n - 2; n++) {
        ARENA_AUTO a = {0};
        struct multipart_part *p;
        char *copy = malloc(n + 1);
        memcpy(copy, form.p, n);
        if (parse_form(&a, str_make(copy, n), &p) == STATUS_OK) fail_msg("took %zu bytes", n);
        free(copy);
    }
}

static void test_multipart_refusals(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "preamble\r\n--xyz--",
        "--xyz\nContent-Disposition: form-data; name=a\n\n1\n--xyz--",
        "--xyz\r\n\r\n1\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data\r\n\r\n1\r\n--xyz--",
        "--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n1\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n1\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=a\r\nno colon\r\n\r\n1\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=\xff\r\n\r\n1\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n1--xyz--",
    };
    struct multipart_part *p;
    ARENA_AUTO a = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (parse_form(&a, str_from_z(bad[i]), &p) != STATUS_INVALID) fail_msg("took %s", bad[i]);
    assert_int_equal(multipart_parse(&a, STR("--\r\n"), STR(""), &p), STATUS_INVALID);
    assert_int_equal(multipart_parse(&a, STR("--a\"--"), STR("a\""), &p), STATUS_INVALID);
}

static void test_multipart_caps(void **state) {
    (void)state;
    for (int parts = MULTIPART_PARTS_MAX; parts <= MULTIPART_PARTS_MAX + 1; parts++) {
        ARENA_AUTO a = {0};
        BUF_AUTO b = {0};
        struct multipart_part *p;
        for (int i = 0; i < parts; i++) buf_add_z(&b, "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n");
        buf_add_z(&b, "--xyz--");
        assert_int_equal(parse_form(&a, buf_str(&b), &p), parts > MULTIPART_PARTS_MAX ? STATUS_LIMIT : STATUS_OK);
    }
    ARENA_AUTO a = {0};
    BUF_AUTO b = {0};
    struct multipart_part *p;
    buf_add_z(&b, "--xyz\r\nContent-Disposition: form-data; name=a\r\n");
    for (int i = 0; i < 1000; i++) buf_add_z(&b, "X: yyyyyyyy\r\n");
    buf_add_z(&b, "\r\n1\r\n--xyz--");
    assert_int_equal(parse_form(&a, buf_str(&b), &p), STATUS_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_paths_HT33),
        cmocka_unit_test(test_params_HT34),
        cmocka_unit_test(test_multipart),
        cmocka_unit_test(test_multipart_cut_at_each_byte),
        cmocka_unit_test(test_multipart_refusals),
        cmocka_unit_test(test_multipart_caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
