/* test_event_narrow.c - what a condition says of types and times goes into the filter, and nothing else changes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/event_narrow.h"
#include "core/event_terms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DAY    INT64_C(86400000)
#define MARCH1 (INT64_C(20513) * DAY)
#define CLICK  EVENT_BIT(EVENT_CLICK)
#define OPEN   EVENT_BIT(EVENT_OPEN)

static void what_every_event_must_be_goes_into_the_filter(void **state) {
    (void)state;
    static const struct {
        const char *query;
        struct event_filter before, after;
        size_t left; /* items of the condition */
    } rows[] = {
        {"eventType:click", {0}, {.types = CLICK}, 0},
        {"day:2026-03-01", {0}, {.from_at = MARCH1, .before_at = MARCH1 + DAY}, 0},
        {"eventType:click day:[2026-03-01 TO 2026-03-02]",
         {0},
         {.types = CLICK, .from_at = MARCH1, .before_at = MARCH1 + 2 * DAY},
         0},
        {"day:[2026-03-01 TO *]", {.before_at = MARCH1 + 5}, {.from_at = MARCH1, .before_at = MARCH1 + 5}, 0},
        {"eventType:open,click", {.types = CLICK}, {.types = CLICK}, 0},
        {"country:DE AND eventType:click AND device:mobile", {0}, {.types = CLICK}, 3},
        {"(country:DE OR country:AT) AND day:2026-03-01", {0}, {.from_at = MARCH1, .before_at = MARCH1 + DAY}, 5},
        /* Who it was is known of opens, clicks and unsubscribes alone; the term stays. */
        {"country:DE", {0}, {.types = EVENT_OF_READERS}, 1},
        {"client:gmail userAgent:*", {.types = CLICK | EVENT_BIT(EVENT_SEND)}, {.types = CLICK}, 3},
        {"link:*", {.types = OPEN}, {.types = OPEN}, 1},
        {"NOT country:DE", {0}, {0}, 2},
        /* And what need not be so stays a condition. */
        {"eventType:click OR country:DE", {0}, {0}, 3},
        {"NOT eventType:click", {0}, {0}, 2},
        {"(eventType:click OR day:2026-03-01) country:DE", {0}, {.types = EVENT_OF_READERS}, 7},
        /* Nothing is both: the filter's zeroes would mean everything. */
        {"eventType:click", {.types = OPEN}, {.types = OPEN}, 1},
        {"day:2026-03-01", {.before_at = MARCH1}, {.before_at = MARCH1}, 1},
        {"day:1969-03-01", {0}, {0}, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO why = {0};
        struct event_condition condition;
        struct event_filter filter = rows[i].before;
        if (!event_condition_parse(str_from_z(rows[i].query), &arena, &condition, &why)) fail_msg("%s", rows[i].query);
        filter.condition = &condition;
        event_narrow(&filter, &arena);
        if (filter.types != rows[i].after.types || filter.from_at != rows[i].after.from_at ||
            filter.before_at != rows[i].after.before_at)
            fail_msg("%s: types %lx, %ld to %ld", rows[i].query, (long)filter.types, (long)filter.from_at,
                     (long)filter.before_at);
        if ((filter.condition ? filter.condition->count : 0) != rows[i].left)
            fail_msg("%s: %zu items left", rows[i].query, filter.condition ? filter.condition->count : 0);
    }
}

static void without_a_condition_nothing_changes(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct event_filter filter = {.types = OPEN};
    event_narrow(&filter, &arena);
    assert_null(filter.condition);
    assert_int_equal(filter.types, OPEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_every_event_must_be_goes_into_the_filter),
        cmocka_unit_test(without_a_condition_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
