/* test_source.c - which local address mail goes out from: pools, families, weights, warm-up over days.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/source_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DAY   INT64_C(86400000)
#define ROWS  8
#define NAMED STR("mx.example.net")

/* Chance that repeats itself. */
struct chance {
    uint64_t state;
};
static void fill(void *ctx, void *p, size_t n) {
    struct chance *c = ctx;
    for (size_t i = 0; i < n; i++) {
        c->state = c->state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)p)[i] = (uint8_t)(c->state >> 56);
    }
}

struct fixture {
    struct source_table *table;
    struct source_use *use;
    struct chance chance;
    struct rand rand;
    int64_t now;
    struct source_question question;
};

static void start(struct fixture *f, const struct source_row *rows, size_t count) {
    BUF_AUTO why = {0};
    bool has_time;
    assert_int_equal(source_table_new(rows, count, NAMED, &f->table, &why), STATUS_OK);
    f->chance.state = 1;
    f->rand = (struct rand){fill, &f->chance};
    f->use = source_use_new(f->table, &f->rand);
    assert_true(time_parse_sql(STR("2026-11-01 10:00:00"), &f->now, &has_time));
    f->question =
        (struct source_question){.pool = source_pool_find(f->table, STR("")), .families = SOURCE_OF_IPV4, .now = f->now};
}

static void end(struct fixture *f) {
    source_use_free(&f->use);
    source_table_free(&f->table);
}

static const char *chosen(struct fixture *f) {
    const struct source *s = source_choose(f->use, &f->question).source;
    return s ? s->name.p : "nobody";
}

static void assert_why(struct fixture *f, const char *expected) {
    BUF_AUTO why = {0};
    struct source_choice choice = source_choose(f->use, &f->question);
    source_choice_why(&why, &f->question, &choice);
    assert_string_equal(why.p, expected);
}

static void test_without_a_source_the_kernel_chooses(void **state) {
    (void)state;
    struct fixture f;
    start(&f, NULL, 0);
    const struct source *s = source_choose(f.use, &f.question).source;
    assert_string_equal(s->name.p, "default");
    assert_int_equal(s->address.family, 0);
    assert_true(str_eq(s->hostname, NAMED));
    f.question.families = SOURCE_OF_IPV6;
    assert_string_equal(chosen(&f), "nobody");
    assert_false(source_table_has_ipv6(f.table));
    end(&f);
}

static void test_pools(void **state) {
    (void)state;
    struct fixture f;
    const struct source_row rows[] = {
        {.name = STR("a"), .address = STR("192.0.2.1"), .pools = STR("news, shop")},
        {.name = STR("b"), .address = STR("192.0.2.2"), .pools = STR("news"), .hostname = STR("b.example")}};
    start(&f, rows, 2);
    assert_string_equal(chosen(&f), "default"); /* mail of no pool goes out all the same */
    f.question.pool = source_pool_find(f.table, STR("shop"));
    assert_string_equal(chosen(&f), "a");
    assert_null(source_pool_find(f.table, STR("gone")));
    assert_ptr_equal(source_pool_get(f.use, STR("gone")), source_pool_find(f.table, STR("default")));
    assert_ptr_equal(source_pool_get(f.use, STR("shop")), source_pool_find(f.table, STR("shop")));
    assert_int_equal(source_pool_find(f.table, STR("news"))->count, 2);
    assert_true(str_eq(source_find(f.table, STR("b"))->hostname, STR("b.example")));
    BUF_AUTO names = {0};
    source_pool_names(&names, f.table);
    assert_string_equal(names.p, "default, news, shop");
    end(&f);
}

static void test_weights(void **state) {
    (void)state;
    struct fixture f;
    unsigned counts[2] = {0};
    const struct source_row rows[] = {{.name = STR("a"), .address = STR("192.0.2.1"), .weight = 3},
                                      {.name = STR("b"), .address = STR("192.0.2.2")}};
    start(&f, rows, 2);
    for (int i = 0; i < 4000; i++) counts[source_choose(f.use, &f.question).source->index]++;
    assert_in_range(counts[0], 2800, 3200);
    end(&f);
}

static void test_dn18_each_family_has_its_sources(void **state) {
    (void)state;
    struct fixture f;
    const struct source_row rows[] = {{.name = STR("four"), .address = STR("192.0.2.1")},
                                      {.name = STR("six"), .address = STR("2001:db8::1")}};
    start(&f, rows, 2);
    for (int i = 0; i < 50; i++) assert_string_equal(chosen(&f), "four");
    f.question.families = SOURCE_OF_IPV6;
    for (int i = 0; i < 50; i++) assert_string_equal(chosen(&f), "six");
    assert_true(source_table_has_ipv6(f.table));
    end(&f);
    start(&f, &rows[1], 1);
    assert_why(&f, "No source of pool default has an IPv4 address, and the hosts have no other");
    end(&f);
}

static void test_ob33_an_address_that_is_not_ours_is_passed_over(void **state) {
    (void)state;
    struct fixture f;
    const struct source_row rows[] = {{.name = STR("a"), .address = STR("192.0.2.1")},
                                      {.name = STR("b"), .address = STR("192.0.2.2")}};
    start(&f, rows, 2);
    const struct source *a = source_find(f.table, STR("a")), *b = source_find(f.table, STR("b"));
    assert_true(source_suspend(f.use, a, f.now));
    assert_false(source_suspend(f.use, a, f.now)); /* one decision, not one an attempt */
    for (int i = 0; i < 50; i++) assert_string_equal(chosen(&f), "b");
    f.question.now = f.now + 1000;
    assert_true(source_suspend(f.use, b, f.question.now));
    assert_int_equal(source_choose(f.use, &f.question).obstacle, SOURCE_SUSPENDED);
    assert_why(&f, "The address of source a is not on this machine, and no other of pool default may send, "
                   "until 2026-11-01 10:05:00 UTC");
    f.question.now = f.now + SOURCE_SUSPENDED_MS;
    assert_string_equal(chosen(&f), "a"); /* is looked for again */
    assert_true(source_resume(f.use, a));
    assert_false(source_resume(f.use, a));
    end(&f);
}

static bool is_paused(void *arg, const struct source *source, int64_t *ret_until) {
    if (!str_eq(source->name, STR("a"))) return false;
    *ret_until = *(int64_t *)arg;
    return true;
}

static void test_a_pause_for_the_site(void **state) {
    (void)state;
    struct fixture f;
    const struct source_row rows[] = {{.name = STR("a"), .address = STR("192.0.2.1")},
                                      {.name = STR("b"), .address = STR("192.0.2.2")}};
    start(&f, rows, 2);
    int64_t until = f.now + SOURCE_SUSPENDED_MS / 2;
    f.question.is_paused = is_paused;
    f.question.arg = &until;
    for (int i = 0; i < 50; i++) assert_string_equal(chosen(&f), "b");
    (void)source_suspend(f.use, source_find(f.table, STR("b")), f.now);
    struct source_choice choice = source_choose(f.use, &f.question);
    assert_null(choice.source);
    assert_int_equal(choice.obstacle, SOURCE_PAUSED); /* ends before the other's */
    assert_int_equal(choice.until, until);
    end(&f);
}

/* ---- warm-up ---- */
static const struct source_row warming[] = {{.name = STR_INIT("new"),
                                             .address = STR_INIT("192.0.2.1"),
                                             .warmup = STR_INIT("2026-11-01"),
                                             .warmup_plan = STR_INIT("2,4,8")},
                                            {.name = STR_INIT("old"), .address = STR_INIT("192.0.2.2")}};

/* How many messages the source may send to the provider before its budget is used up. */
static unsigned send_all(struct fixture *f, struct str provider, unsigned max) {
    unsigned n = 0;
    const struct source *s = source_find(f->table, STR("new"));
    while (n < max && source_reserve(f->use, s, provider, f->question.now)) {
        n++;
        (void)source_settle(f->use, s, provider, true, f->question.now);
    }
    return n;
}

static void test_warm_up_grows_by_day_and_provider(void **state) {
    (void)state;
    struct fixture f;
    start(&f, warming, 1);
    static const unsigned expected[] = {2, 4, 8, 100};
    for (int day = 0; day < 4; day++, f.question.now += DAY) {
        assert_int_equal(send_all(&f, STR("google"), 100), expected[day]);
        assert_int_equal(send_all(&f, STR(""), 100), expected[day]);
    }
    f.question.now = f.now - 2 * DAY; /* before its first day */
    assert_int_equal(send_all(&f, STR("google"), 100), 0);
    end(&f);
}

static void test_what_was_not_sent_is_given_back(void **state) {
    (void)state;
    struct fixture f;
    start(&f, warming, 1);
    const struct source *s = source_find(f.table, STR("new"));
    for (int i = 0; i < 10; i++) {
        assert_true(source_reserve(f.use, s, STR("google"), f.now));
        assert_true(source_reserve(f.use, s, STR("google"), f.now));
        assert_false(source_reserve(f.use, s, STR("google"), f.now)); /* in flight counts */
        assert_false(source_settle(f.use, s, STR("google"), false, f.now));
        assert_false(source_settle(f.use, s, STR("google"), false, f.now));
    }
    assert_true(source_reserve(f.use, s, STR("google"), f.now));
    assert_true(source_settle(f.use, s, STR("google"), true, f.now + DAY)); /* the day it ends in pays */
    f.question.now = f.now + DAY;
    assert_int_equal(send_all(&f, STR("google"), 100), 3);
    end(&f);
}

static void test_overflow_goes_to_warm_sources(void **state) {
    (void)state;
    struct fixture f;
    start(&f, warming, 2);
    f.question.provider = STR("google");
    assert_int_equal(send_all(&f, STR("google"), 100), 2);
    for (int i = 0; i < 50; i++) assert_string_equal(chosen(&f), "old");
    const struct source *old = source_find(f.table, STR("old"));
    assert_true(source_reserve(f.use, old, STR("google"), f.now)); /* costs nothing */
    assert_false(source_settle(f.use, old, STR("google"), true, f.now));
    f.question.provider = STR("yahoo");
    bool is_new_used = false;
    for (int i = 0; i < 50; i++) is_new_used = is_new_used || strcmp(chosen(&f), "new") == 0;
    assert_true(is_new_used);
    end(&f);
}

static void test_when_all_is_spent_the_answer_says_until_when(void **state) {
    (void)state;
    struct fixture f;
    start(&f, warming, 1);
    f.question.provider = STR("google");
    struct source_count rows[] = {{STR("new"), STR("google"), f.now / DAY, 2}, {STR("gone"), STR("google"), f.now / DAY, 2}};
    assert_true(source_counts_matter(f.use, f.now));
    source_counts_load(f.use, &(struct source_count_list){rows, 2}); /* by an earlier process */
    assert_int_equal(source_choose(f.use, &f.question).obstacle, SOURCE_SPENT);
    assert_why(&f, "Warm-up: source new had its day's mail to google, until 2026-11-02 00:00:00 UTC");
    f.question.now = f.now - 2 * DAY;
    assert_int_equal(source_choose(f.use, &f.question).until, f.table->sources[0].warmup_at);
    f.question.now = f.now + DAY;
    assert_string_equal(chosen(&f), "new");
    end(&f);
}

static void count_progress(void *arg, const struct source_progress *p) {
    unsigned *sum = arg;
    *sum += p->spent * 10000 + p->reserved * 100 + p->ceiling;
}

static void test_progress(void **state) {
    (void)state;
    struct fixture f;
    unsigned sum = 0;
    start(&f, warming, 2);
    const struct source *s = source_find(f.table, STR("new"));
    f.question.now += DAY;
    assert_int_equal(send_all(&f, STR("google"), 3), 3);
    assert_true(source_reserve(f.use, s, STR("google"), f.question.now));
    source_progress_each(f.use, s, f.question.now, count_progress, &sum);
    source_progress_each(f.use, source_find(f.table, STR("old")), f.question.now, count_progress, &sum);
    assert_int_equal(sum, 30104 + 4); /* all other providers are told of in any case */
    sum = 0;
    source_progress_each(f.use, s, f.question.now + DAY, count_progress, &sum);
    assert_int_equal(sum, 108 + 8); /* yesterday's are forgotten, what is in flight is not */
    end(&f);
}

static void test_what_is_refused(void **state) {
    (void)state;
    static const struct {
        struct source_row rows[2];
        const char *why;
    } cases[] = {
        {{{.name = STR_INIT("a b")}}, "[source a b]: a name has letters, digits, . _ -, at most 64"},
        {{{.name = STR_INIT("a")}, {.name = STR_INIT("a")}}, "[source a]: the name stands twice"},
        {{{.name = STR_INIT("a"), .address = STR_INIT("192.0.2.1")},
          {.name = STR_INIT("b"), .address = STR_INIT("::ffff:192.0.2.1")}},
         "[source b]: another source has the same address"},
        {{{.name = STR_INIT("a"), .address = STR_INIT("here")}}, "[source a]: expected an IPv4 or IPv6 address of this machine"},
        {{{.name = STR_INIT("a"), .pools = STR_INIT("x,,y")}},
         "[source a]: expected names of pools (letters, digits, . _ -), several with commas"},
        {{{.name = STR_INIT("a"), .warmup = STR_INIT("2026-11-31")}}, "[source a]: expected the first day, like 2026-11-01"},
        {{{.name = STR_INIT("a"), .warmup = STR_INIT("2026-11-01"), .warmup_plan = STR_INIT("5,4")}},
         "[source a]: expected default, slow, or messages for each day like 50,100,200, none less than the day before"},
        {{{.name = STR_INIT("a"), .warmup_plan = STR_INIT("5,6")}}, "[source a]: warmup_plan needs warmup, the first day"},
        {{{.name = STR_INIT("default"), .pools = STR_INIT("x")}},
         "[source default]: the source named default is in the pool default"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO why = {0};
        struct source_table *table;
        size_t count = cases[i].rows[1].name.n ? 2 : 1;
        assert_int_equal(source_table_new(cases[i].rows, count, NAMED, &table, &why), STATUS_INVALID);
        assert_string_equal(why.p, cases[i].why);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_source_the_kernel_chooses),
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_dn18_each_family_has_its_sources),
        cmocka_unit_test(test_ob33_an_address_that_is_not_ours_is_passed_over),
        cmocka_unit_test(test_a_pause_for_the_site),
        cmocka_unit_test(test_warm_up_grows_by_day_and_provider),
        cmocka_unit_test(test_what_was_not_sent_is_given_back),
        cmocka_unit_test(test_overflow_goes_to_warm_sources),
        cmocka_unit_test(test_when_all_is_spent_the_answer_says_until_when),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
