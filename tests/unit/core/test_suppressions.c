/* test_suppressions.c - whom an account must not write to: many at once, any case, by list (TN04, AD13); and the three parts of a
 * template as one mail.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "core/suppressions.h"
#include "core/templates.h"

static bool add(struct fixture *f, int64_t account, int64_t list, struct str address) {
    bool is_new = false;
    struct suppression entry = {
        .account_id = account, .list_id = list, .address = address, .source = SUPPRESSION_BOUNCE, .created_at = NOW};
    assert_ok(suppression_add(f->db, &entry, &is_new));
    return is_new;
}

static enum suppression_source check(struct fixture *f, int64_t account, int64_t list, struct str address) {
    enum suppression_source source = SUPPRESSION_SOURCES;
    struct suppression_scope scope = {account, list};
    assert_ok(suppressions_check(f->db, &scope, &address, 1, &source));
    return source;
}

static void test_any_case_counts(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com");
    assert_true(add(f, a, 0, TEXT("Ann@Example.org")));
    assert_false(add(f, a, 0, TEXT("ann@example.org")));
    assert_true(add(f, a, 3, TEXT("bob@example.org")));
    assert_int_equal(check(f, a, 0, TEXT("aNN@example.ORG")), SUPPRESSION_BOUNCE);
    assert_int_equal(check(f, a, 3, TEXT("ann@example.org")), SUPPRESSION_BOUNCE);
    assert_int_equal(check(f, a, 0, TEXT("ann+1@example.org")), SUPPRESSION_NONE);
    assert_int_equal(check(f, a, 0, TEXT("bob@example.org")), SUPPRESSION_NONE);
    assert_int_equal(check(f, a, 3, TEXT("bob@example.org")), SUPPRESSION_BOUNCE);
    assert_int_equal(check(f, b, 0, TEXT("ann@example.org")), SUPPRESSION_NONE);
    struct suppression_scope scope = {a, 0}, foreign = {b, 0};
    assert_int_equal(suppression_remove(f->db, &foreign, TEXT("ann@example.org")), STATUS_NOT_FOUND);
    assert_ok(suppression_remove(f->db, &scope, TEXT("ANN@example.org")));
    assert_int_equal(check(f, a, 0, TEXT("ann@example.org")), SUPPRESSION_NONE);
    fixture_free(f);
}

static void test_a_thousand_at_once(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com");
    enum { COUNT = 1001 };
    struct str *addresses = arena_array(&f->arena, COUNT, sizeof *addresses);
    enum suppression_source *sources = arena_array(&f->arena, COUNT, sizeof *sources);
    for (size_t i = 0; i < COUNT; i++) {
        addresses[i] = arena_strf(&f->arena, "n%zu@example.org", i);
        if (i % 7 == 0) add(f, a, 0, addresses[i]);
    }
    struct suppression_scope scope = {a, 0};
    assert_ok(suppressions_check(f->db, &scope, addresses, COUNT, sources));
    for (size_t i = 0; i < COUNT; i++) assert_int_equal(sources[i], i % 7 ? SUPPRESSION_NONE : SUPPRESSION_BOUNCE);
    assert_ok(suppressions_check(f->db, &scope, addresses, 0, sources));
    fixture_free(f);
}

static void test_a_long_reason_is_cut_between_letters(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    bool is_new;
    struct suppression_list page;
    BUF_AUTO reason = {0};
    for (int i = 0; i < SUPPRESSION_REASON_MAX; i++) buf_add_z(&reason, i == 0 ? "x" : "\xc3\xa4");
    struct suppression entry = {.account_id = make_account(f->db, "a@example.com"),
                                .address = TEXT("x@y.test"),
                                .source = SUPPRESSION_USER,
                                .reason = buf_str(&reason),
                                .created_at = NOW};
    assert_ok(suppression_add(f->db, &entry, &is_new));
    struct suppression_filter filter = {.account_id = entry.account_id, .sources = ~0U, .limit = 1};
    assert_ok(suppression_browse(f->db, &f->arena, &filter, &page));
    assert_int_equal(page.items[0].reason.n, SUPPRESSION_REASON_MAX - 1);
    assert_true(str_is_utf8(page.items[0].reason));
    fixture_free(f);
}

static void test_sources_have_names(void **state) {
    (void)state;
    for (int i = SUPPRESSION_NONE + 1; i < SUPPRESSION_SOURCES; i++) {
        enum suppression_source back = SUPPRESSION_NONE, source = (enum suppression_source)i;
        assert_true(suppression_source_parse(suppression_source_name(source), &back));
        assert_int_equal(back, source);
    }
    enum suppression_source none;
    assert_false(suppression_source_parse(TEXT(""), &none));
    assert_int_equal(suppression_source_name((enum suppression_source)77).n, 0);
}

static void test_a_mail_of_three_parts(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct json_error wrong;
    struct mail_error error;
    struct mail_program program;
    struct mail_rendered mail = {0};
    const struct json *data;
    assert_true(json_parse(&arena, TEXT("{\"n\":\"<a>\\r\\nBcc: x\"}"), &data, &wrong));
    struct template_values values = {{data}};
    struct mail_source source = {{TEXT("Hi {{{n}}}"), TEXT("<p>{{n}}"), TEXT("{{n}}")}};
    assert_true(mail_compile(&arena, &source, &program, &error));
    assert_ok(mail_render(&program, &values, &mail, &error));
    assert_str(buf_str(&mail.parts[MAIL_SUBJECT]), "Hi <a> Bcc: x"); /* HI19 */
    assert_str(buf_str(&mail.parts[MAIL_HTML]), "<p>&lt;a&gt;\r\nBcc: x");
    assert_str(buf_str(&mail.parts[MAIL_TEXT]), "<a>\r\nBcc: x");
    mail_rendered_fini(&mail);
    source.parts[MAIL_TEXT] = TEXT("a\n{{#if n}}");
    assert_false(mail_compile(&arena, &source, &program, &error));
    assert_int_equal(error.part, MAIL_TEXT);
    BUF_AUTO text = {0};
    mail_error_format(&error, &text);
    assert_str(buf_str(&text), "line 2, column 1: A block is not closed (end it with {{/if}})");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_case_counts),       cmocka_unit_test(test_a_thousand_at_once),
        cmocka_unit_test(test_sources_have_names),    cmocka_unit_test(test_a_long_reason_is_cut_between_letters),
        cmocka_unit_test(test_a_mail_of_three_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
