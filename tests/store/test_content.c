/* test_content.c - suppressions and templates: tenants kept apart (P6, TN04), pages, patterns taken literally, versions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "store/suppressions.h"
#include "store/templates.h"

#include <stdio.h>
#include <string.h>

/* Not SHA-256, which is not the store's business: 32 bytes that begin with the address. */
static struct str fake_hash(struct fixture *f, struct str address) {
    char *bytes = arena_alloc(&f->arena, 32);
    memcpy(bytes, address.p, address.n < 32 ? address.n : 32);
    return str_make(bytes, 32);
}

static enum status suppress(struct fixture *f, int64_t account, int64_t list, struct str address,
                            enum suppression_source source) {
    int64_t id;
    struct suppression s = {.account_id = account,
                            .list_id = list,
                            .address = address,
                            .address_hash = fake_hash(f, address),
                            .source = source,
                            .reason = TEXT("why"),
                            .created_at = NOW};
    return suppression_insert(f->db, &s, &id);
}

static size_t count_matches(struct fixture *f, int64_t account, int64_t list, const struct str *addresses, size_t count) {
    struct str hashes[SUPPRESSION_MATCH_MAX];
    struct suppression_scope scope = {account, list};
    struct suppression_list found;
    for (size_t i = 0; i < count; i++) hashes[i] = fake_hash(f, addresses[i]);
    assert_ok(suppression_match(f->db, &f->arena, &scope, hashes, count, &found));
    return found.count;
}

static void test_suppression_match_TN04(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com");
    struct str x = TEXT("x@y.test"), z = TEXT("z@y.test"), both[2] = {x, z};
    assert_ok(suppress(f, a, 0, x, SUPPRESSION_USER));
    assert_int_equal(suppress(f, a, 0, x, SUPPRESSION_BOUNCE), STATUS_EXISTS);
    assert_ok(suppress(f, a, 7, x, SUPPRESSION_UNSUBSCRIBE));
    assert_ok(suppress(f, a, 7, z, SUPPRESSION_UNSUBSCRIBE));
    assert_int_equal(count_matches(f, a, 0, &x, 1), 1);
    assert_int_equal(count_matches(f, a, 7, &x, 1), 2);
    assert_int_equal(count_matches(f, a, 8, &x, 1), 1);
    assert_int_equal(count_matches(f, a, 0, &z, 1), 0);
    assert_int_equal(count_matches(f, a, 7, both, 2), 3);
    assert_int_equal(count_matches(f, b, 0, &x, 1), 0);
    assert_int_equal(count_matches(f, b, 7, both, 2), 0);
    struct str many[SUPPRESSION_MATCH_MAX];
    for (size_t i = 0; i < SUPPRESSION_MATCH_MAX; i++) many[i] = arena_strf(&f->arena, "n%zu@y.test", i);
    many[SUPPRESSION_MATCH_MAX - 1] = x;
    assert_int_equal(count_matches(f, a, 0, many, SUPPRESSION_MATCH_MAX), 1);
    assert_int_equal(suppression_delete(f->db, b, 0, fake_hash(f, x)), STATUS_NOT_FOUND);
    assert_int_equal(suppression_delete(f->db, a, 8, fake_hash(f, x)), STATUS_NOT_FOUND);
    assert_ok(suppression_delete(f->db, a, 0, fake_hash(f, x)));
    assert_int_equal(count_matches(f, a, 0, &x, 1), 0);
    assert_int_equal(count_matches(f, a, 7, &x, 1), 1);
    fixture_free(f);
}

static size_t browse(struct fixture *f, struct suppression_filter filter, struct suppression_list *ret) {
    int64_t counts[SUPPRESSION_SOURCES], total = 0, counted;
    if (!filter.sources) filter.sources = ~0U;
    if (!filter.limit) filter.limit = 100;
    assert_ok(suppression_browse(f->db, &f->arena, &filter, ret));
    assert_ok(suppression_count(f->db, &filter, counts));
    for (int i = 0; i < SUPPRESSION_SOURCES; i++) total += counts[i];
    assert_ok(suppression_total(f->db, &filter, &counted));
    assert_int_equal(counted, total);
    assert_true((int64_t)ret->count <= total);
    return (size_t)total;
}

static void test_suppression_pages(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct suppression_list page;
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com");
    static const char *const addresses[] = {"anna@x.test",  "an_a@x.test", "bob@x.test",
                                            "anton@y.test", "100%@y.test", "a!b@y.test"};
    for (size_t i = 0; i < 6; i++)
        assert_ok(suppress(f, a, 0, str_from_z(addresses[i]), i % 2 ? SUPPRESSION_BOUNCE : SUPPRESSION_USER));
    assert_ok(suppress(f, a, 5, TEXT("anna@x.test"), SUPPRESSION_USER));
    assert_ok(suppress(f, b, 0, TEXT("anna@x.test"), SUPPRESSION_USER));
    assert_int_equal(browse(f, (struct suppression_filter){.account_id = a}, &page), 6);
    assert_int_equal(page.count, 6);
    assert_str(page.items[0].address, "anna@x.test");
    assert_str(page.items[0].reason, "why");
    assert_int_equal(page.items[0].created_at, NOW);
    int64_t third = page.items[2].id;
    assert_int_equal(browse(f, (struct suppression_filter){.account_id = a, .after_id = third, .limit = 2}, &page), 6);
    assert_int_equal(page.count, 2);
    assert_str(page.items[0].address, "anton@y.test");
    assert_int_equal(browse(f, (struct suppression_filter){.account_id = a, .skip = 5}, &page), 6);
    assert_int_equal(page.count, 1);
    assert_int_equal(
        browse(f, (struct suppression_filter){.account_id = a, .sources = SUPPRESSION_BIT(SUPPRESSION_BOUNCE)}, &page), 3);
    assert_int_equal(page.count, 3);
    assert_int_equal(browse(f, (struct suppression_filter){.account_id = a, .list_id = 5}, &page), 1);
    assert_int_equal(browse(f, (struct suppression_filter){.account_id = 999}, &page), 0);
    static const struct {
        struct str prefix, suffix;
        bool is_exact;
        size_t count;
    } patterns[] = {
        {STR_INIT("an"), STR_INIT(""), false, 3},
        {STR_INIT("anna"), STR_INIT(""), false, 1},
        {STR_INIT("an_a"), STR_INIT(""), false, 1},
        {STR_INIT("100%"), STR_INIT(""), false, 1},
        {STR_INIT("a!"), STR_INIT(""), false, 1},
        {STR_INIT(""), STR_INIT("@x.test"), false, 3},
        {STR_INIT("an"), STR_INIT("@x.test"), false, 2},
        {STR_INIT("bob@x.test"), STR_INIT(""), true, 1},
        {STR_INIT("bob"), STR_INIT(""), true, 0},
        {STR_INIT("an_a@x.test"), STR_INIT(""), true, 1},
        {STR_INIT("%"), STR_INIT(""), false, 0},
        {STR_INIT(""), STR_INIT("_"), false, 0},
        {STR_INIT("anna@x.test"), STR_INIT("t"), false, 0},
    };
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct suppression_filter filter = {
            .account_id = a, .prefix = patterns[i].prefix, .suffix = patterns[i].suffix, .is_exact = patterns[i].is_exact};
        assert_int_equal(browse(f, filter, &page), patterns[i].count);
        assert_int_equal(page.count, patterns[i].count);
    }
    struct suppression_filter second = {.account_id = a, .prefix = TEXT("an"), .after_id = third - 2, .limit = 1};
    browse(f, second, &page);
    assert_str(page.items[0].address, "an_a@x.test");
    fixture_free(f);
}

static void test_templates(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t a = make_account(f->db, "a@example.com"), b = make_account(f->db, "b@example.com"), count;
    struct mail_template t = {
        .account_id = a, .name = TEXT("One"), .subject = TEXT("S1"), .html = TEXT("H1"), .text = TEXT("T1"), .changed_at = NOW};
    struct mail_template found, other = t;
    assert_ok(mail_template_insert(f->db, &t, &t.id));
    assert_int_equal(mail_template_insert(f->db, &t, &other.id), STATUS_EXISTS);
    other.account_id = b;
    assert_ok(mail_template_insert(f->db, &other, &other.id)); /* names are unique in an account only */
    assert_ok(mail_template_get(f->db, &f->arena, a, t.id, 0, &found));
    assert_str(found.html, "H1");
    assert_int_equal(found.version, 1);
    assert_int_equal(mail_template_get(f->db, &f->arena, b, t.id, 0, &found), STATUS_NOT_FOUND);
    assert_int_equal(mail_template_get(f->db, &f->arena, a, t.id, 2, &found), STATUS_NOT_FOUND);
    struct mail_template second = {.account_id = a, .name = TEXT("Two"), .changed_at = NOW};
    assert_ok(mail_template_insert(f->db, &second, &second.id));
    second.name = TEXT("One");
    assert_int_equal(mail_template_change(f->db, &second, &count), STATUS_EXISTS);
    t.account_id = b;
    t.name = TEXT("Mine now");
    assert_int_equal(mail_template_change(f->db, &t, &count), STATUS_NOT_FOUND);
    assert_int_equal(mail_template_delete(f->db, b, t.id), STATUS_NOT_FOUND);
    t.account_id = a;
    t.name = TEXT("One");
    for (int i = 2; i <= TEMPLATE_VERSIONS_MAX + 5; i++) {
        t.subject = arena_strf(&f->arena, "S%d", i);
        t.changed_at = NOW + i;
        assert_ok(mail_template_change(f->db, &t, &count));
        assert_int_equal(count, i);
    }
    struct mail_template_list list;
    assert_ok(mail_template_versions(f->db, &f->arena, a, t.id, &list));
    assert_int_equal(list.count, TEMPLATE_VERSIONS_MAX);
    assert_str(list.items[0].subject, "S105");
    assert_int_equal(list.items[TEMPLATE_VERSIONS_MAX - 1].version, 6);
    assert_ok(mail_template_get(f->db, &f->arena, a, t.id, 0, &found));
    assert_int_equal(found.created_at, NOW);
    assert_int_equal(found.changed_at, NOW + 105);
    assert_ok(mail_template_versions(f->db, &f->arena, b, t.id, &list));
    assert_int_equal(list.count, 0);
    assert_ok(mail_template_count(f->db, a, &count));
    assert_int_equal(count, 2);
    struct mail_template_page page = {.account_id = a, .limit = 10};
    assert_ok(mail_template_browse(f->db, &f->arena, &page, &list));
    assert_int_equal(list.count, 2);
    assert_str(list.items[0].name, "Two");
    page.is_by_name = true;
    page.skip = 1;
    assert_ok(mail_template_browse(f->db, &f->arena, &page, &list));
    assert_int_equal(list.count, 1);
    assert_str(list.items[0].name, "Two");
    assert_ok(mail_template_delete(f->db, a, t.id));
    assert_int_equal(mail_template_get(f->db, &f->arena, a, t.id, 7, &found), STATUS_NOT_FOUND);
    fixture_free(f);
}

int run_content(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suppression_match_TN04),
        cmocka_unit_test(test_suppression_pages),
        cmocka_unit_test(test_templates),
    };
    return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
