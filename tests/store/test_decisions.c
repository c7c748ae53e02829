/* test_decisions.c - the ledger of shaping: what is written is found newest first, by site and source, is read on from where one
 * was, is taken up by a restart when it may still hold, and stays bounded (P8).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/ledger.h"
#include "store/decisions.h"

#include <string.h>

#define MINUTE INT64_C(60000)
#define HOUR   INT64_C(3600000)
#define DAY    INT64_C(86400000)

static void write_one(struct fixture *f, const char *site, const char *source, int64_t at, enum shape_what what, int64_t to) {
    bool is_pause = what == SHAPE_PAUSE || what == SHAPE_RESUME;
    struct ledger_entry e = {.site = str_from_z(site), .source = str_from_z(source)};
    e.decision =
        (struct shape_decision){at, what, is_pause ? SHAPE_BLOCK : SHAPE_NOT_PAUSED, 20, to, TEXT("mx.test: 421 slow down")};
    assert_ok(ledger_write(f->db, &e, 1, at));
}

static struct ledger_list find(struct fixture *f, struct ledger_query query) {
    struct ledger_list list;
    query.limit = query.limit ? query.limit : 100;
    assert_ok(ledger_find(f->db, &f->arena, &query, &list));
    return list;
}

static void test_what_is_written_is_found_newest_first(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    write_one(f, "a.test:25", "one", NOW, SHAPE_CONNECTIONS, 10);
    write_one(f, "a.test:25", "two", NOW + 1, SHAPE_PAUSE, SHAPE_NO_END);
    write_one(f, "b.test:25", "one", NOW + 2, SHAPE_RATE, 300);
    struct ledger_list all = find(f, (struct ledger_query){.limit = 0});
    assert_int_equal(all.count, 3);
    assert_str(all.items[0].site, "b.test:25");
    assert_int_equal(all.items[0].decision.what, SHAPE_RATE);
    assert_int_equal(all.items[0].decision.from, 20);
    assert_int_equal(all.items[0].decision.to, 300);
    assert_int_equal(all.items[0].decision.at, NOW + 2);
    assert_str(all.items[0].decision.because, "mx.test: 421 slow down");
    assert_int_equal(all.items[1].decision.to, SHAPE_NO_END);
    assert_int_equal(all.items[1].decision.kind, SHAPE_BLOCK);
    assert_int_equal(find(f, (struct ledger_query){.site = TEXT("a.test:25")}).count, 2);
    assert_int_equal(find(f, (struct ledger_query){.source = TEXT("one")}).count, 2);
    assert_int_equal(find(f, (struct ledger_query){.site = TEXT("a.test:25"), .source = TEXT("one")}).count, 1);
    assert_int_equal(find(f, (struct ledger_query){.kind = SHAPE_BLOCK}).count, 1);
    assert_int_equal(find(f, (struct ledger_query){.site = TEXT("c")}).count, 0);
    assert_int_equal(find(f, (struct ledger_query){.before_id = all.items[1].id}).count, 1);
    assert_int_equal(find(f, (struct ledger_query){.limit = 2}).count, 2);
    fixture_free(f);
}

static void test_it_is_read_on_from_where_one_was(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct ledger_list list;
    for (int i = 0; i < 5; i++) write_one(f, "a.test:25", "one", NOW + i, SHAPE_CONNECTIONS, i);
    assert_ok(ledger_find_after(f->db, &f->arena, 0, 2, &list));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].decision.to, 0);
    assert_ok(ledger_find_after(f->db, &f->arena, list.items[1].id, 100, &list));
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[2].decision.to, 4);
    assert_ok(ledger_find_after(f->db, &f->arena, list.items[2].id, 100, &list));
    assert_int_equal(list.count, 0);
    fixture_free(f);
}

static void test_a_restart_gets_what_may_still_hold_oldest_first(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct ledger_list held;
    write_one(f, "a.test:25", "one", NOW - 3 * HOUR, SHAPE_PAUSE, NOW + HOUR);
    write_one(f, "a.test:25", "one", NOW - 2 * HOUR, SHAPE_CONNECTIONS, 5);
    write_one(f, "a.test:25", "one", NOW - 2 * HOUR, SHAPE_RESUME, 0);
    write_one(f, "a.test:25", "one", NOW - MINUTE, SHAPE_RATE, 30);
    assert_ok(ledger_find_held(f->db, &f->arena, NOW, &held));
    assert_int_equal(held.count, 3);
    assert_int_equal(held.items[0].decision.what, SHAPE_PAUSE);
    assert_int_equal(held.items[1].decision.what, SHAPE_RESUME);
    assert_int_equal(held.items[2].decision.what, SHAPE_RATE);
    fixture_free(f);
}

static void test_p8_what_is_old_goes_and_a_storm_stays_bounded(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct ledger_entry many[50];
    for (size_t i = 0; i < 50; i++) {
        many[i] = (struct ledger_entry){.site = TEXT("a.test:25"), .source = TEXT("one")};
        many[i].decision = (struct shape_decision){NOW - 31 * DAY, SHAPE_RATE, SHAPE_NOT_PAUSED, 0, 1, TEXT("why")};
    }
    assert_ok(ledger_write(f->db, many, 50, NOW - 31 * DAY));
    write_one(f, "a.test:25", "one", NOW, SHAPE_RATE, 30);
    assert_int_equal(find(f, (struct ledger_query){.limit = 100}).count, 40); /* in small steps */
    for (int i = 0; i < 4; i++) write_one(f, "a.test:25", "one", NOW, SHAPE_RATE, 30);
    assert_int_equal(find(f, (struct ledger_query){.limit = 100}).count, 5);
    for (int i = 0; i < 20; i++) {
        assert_ok(ledger_write(f->db, many, 50, NOW - 31 * DAY));
        assert_ok(decision_prune(f->db, 100, 0, 60)); /* as with a bound that a test can reach */
    }
    assert_int_equal(find(f, (struct ledger_query){.limit = 1000}).count, 100);
    fixture_free(f);
}

static void test_values_are_told_in_words(void **state) {
    (void)state;
    static const struct {
        enum shape_what what;
        int64_t value;
        const char *words;
    } cases[] = {{SHAPE_CONNECTIONS, 1, "1 connection"},
                 {SHAPE_CONNECTIONS, 20, "20 connections"},
                 {SHAPE_RATE, 0, "no cap"},
                 {SHAPE_RATE, 120, "120 a minute"},
                 {SHAPE_RAMP, 0, "no ramp"},
                 {SHAPE_RAMP, 1, "one message"},
                 {SHAPE_RAMP, 240, "240 a minute"},
                 {SHAPE_PAUSE, SHAPE_NO_END, "until resumed"},
                 {SHAPE_RESUME, 0, "not paused"},
                 {SHAPE_PAUSE, NOW, "until 2026-11-25 09:46:40"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        BUF_AUTO out = {0};
        ledger_add_value(&out, cases[i].what, cases[i].value);
        assert_string_equal(out.p, cases[i].words);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_found_newest_first),
        cmocka_unit_test(test_it_is_read_on_from_where_one_was),
        cmocka_unit_test(test_a_restart_gets_what_may_still_hold_oldest_first),
        cmocka_unit_test(test_p8_what_is_old_goes_and_a_storm_stays_bounded),
        cmocka_unit_test(test_values_are_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
