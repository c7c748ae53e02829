/* test_translate.c - ?1 becomes $1 where it is a parameter, and only there.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/engine.h"

static void assert_translates(const char *sql, const char *wanted) {
    BUF_AUTO out = {0};
    db_translate(&out, sql);
    assert_string_equal(out.p, wanted);
}

static void test_parameters(void **state) {
    (void)state;
    assert_translates("SELECT ?1, ?12 FROM x", "SELECT $1, $12 FROM x");
    assert_translates("?1=?2", "$1=$2");
    assert_translates("a ? b ?", "a ? b ?");
}

static void test_quotes_and_comments(void **state) {
    (void)state;
    assert_translates("'?1' ?1", "'?1' $1");
    assert_translates("'it''s ?1' ?2", "'it''s ?1' $2");
    assert_translates("\"a?1\"\"?2\" ?3", "\"a?1\"\"?2\" $3");
    assert_translates("-- ?1 don't\n?2", "-- ?1 don't\n$2");
    assert_translates("a-b ?1", "a-b $1");
    assert_translates("-- ?1", "-- ?1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_quotes_and_comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
